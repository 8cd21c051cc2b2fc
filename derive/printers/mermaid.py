"""A picture as Mermaid's `flowchart`, which GitHub and many Markdown readers draw by themselves.

Mermaid makes its own layout, so the printer takes the picture and not its drawing. Whatever its
syntax or Markdown would read as a sign is written as a character entity.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.picture import Picture, Text, Vertex, Wire

_PLAIN = frozenset(" ,.=/':!?^%")
_SHAPES = {"input": ("[", "]"), "constant": ("(", ")"), "gate": ("((", "))")}
_BLUE, _VERMILION = "#0072B2", "#D55E00"


def mermaid(picture: Picture) -> str:
    """Return a picture as the text of a Mermaid flowchart.

    The first wire that leaves a vertex says its value and its gradient, after a ∇.

    >>> from derive.picture import line
    >>> x = Vertex("x", "input", line("x"), value=line("−2"), gradient=line("5"))
    >>> f = Vertex("f", "gate", line("×2"), name=line("f"), output=True, value=line("−4"))
    >>> print(mermaid(Picture((x, f), (Wire("x", "f", 0),))), end="")
    flowchart LR
      v0["x"]
      v1(("×2"))
      v0 -->|"−2 ∇ 5"| v1
      v1 -->|"−4"| out1["f"]
      classDef out fill:none,stroke:none
      class out1 out
    """
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield "flowchart LR"
    number = {vertex.key: at for at, vertex in enumerate(picture.vertices)}
    vertices = {vertex.key: vertex for vertex in picture.vertices}
    for vertex in picture.vertices:
        left, right = _SHAPES[vertex.kind]
        yield f'  v{number[vertex.key]}{left}"{_inside(vertex)}"{right}'
    told: set[str] = set()
    for wire in picture.wires:
        source = vertices[wire.source]
        label = _carried(source, wire, wire.source not in told)
        told.add(wire.source)
        yield f"  v{number[wire.source]} -->{label} v{number[wire.target]}"
    ends = [vertex for vertex in picture.vertices if vertex.output]
    for vertex in ends:
        at = number[vertex.key]
        label = _edge(_both(vertex.value, vertex.gradient) if vertex.key not in told else "")
        yield f'  v{at} -->{label} out{at}["{_escape(vertex.name) if vertex.name else " "}"]'
    if ends:
        yield "  classDef out fill:none,stroke:none"
        yield f"  class {','.join(f'out{number[vertex.key]}' for vertex in ends)} out"


def _inside(vertex: Vertex) -> str:
    sign = _escape(vertex.text)
    named = vertex.name is not None and not vertex.output
    return f"{_escape(vertex.name)} = {sign}" if vertex.name and named else sign


def _carried(source: Vertex, wire: Wire, first: bool) -> str:
    """The value on a wire, and the gradient that comes back: of this branch, if it has its own."""
    value = wire.value or (source.value if first else None)
    total = _both(value, source.gradient if first else None)
    branch = f"∇ here {_escape(wire.gradient)}" if wire.gradient else ""
    return _edge("<br/>".join(filter(None, (total, branch))))


def _both(value: Text | None, gradient: Text | None) -> str:
    shown = [_escape(value)] if value else []
    return " ".join([*shown, f"∇ {_escape(gradient)}"] if gradient else shown)


def _edge(label: str) -> str:
    return f'|"{label}"|' if label else ""


def _escape(text: Text) -> str:
    """Text in which Mermaid and Markdown find no sign of theirs; a matrix is one line of rows."""
    rows = "; ".join(", ".join(row) for row in text.plain)
    shown = f"[{rows}]" if text.brackets else rows
    return "".join(char if _harmless(char) else f"#{ord(char)};" for char in shown)


def _harmless(char: str) -> bool:
    return char.isalnum() or char in _PLAIN or ord(char) > 126
