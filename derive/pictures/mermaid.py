"""A picture as Mermaid's `flowchart`, which GitHub and many Markdown readers draw by themselves.

Mermaid makes its own layout, so the printer takes the picture and not its drawing. Whatever its
syntax or Markdown would read as a sign is written as a character entity.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.notation import escape
from derive.pictures.picture import Picture, Text, Vertex

_SHAPES = {"input": ("[", "]"), "constant": ("(", ")"), "gate": ("((", "))")}


def mermaid(picture: Picture) -> str:
    """Return a picture as the text of a Mermaid flowchart.

    A wire says the value that it carries and below that, after a ∇, the gradient that comes back.
    Where the branches of a vertex have gradients of their own, the vertex itself says the total.

    >>> from derive.pictures.picture import Wire, line
    >>> x = Vertex("x", "input", line("x"), value=line("−2"), gradient=line("5"))
    >>> f = Vertex("f", "gate", line("×2"), name=line("f"), output=True, value=line("−4"))
    >>> print(mermaid(Picture((x, f), (Wire("x", "f", 0),))), end="")
    flowchart LR
      v0["x"]
      v1(("×2"))
      v0 -->|"−2<br/>∇ 5"| v1
      v1 -->|"−4"| out1["f"]
      classDef out fill:none,stroke:none
      class out1 out
    """
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield "flowchart LR"
    number = {vertex.key: at for at, vertex in enumerate(picture.vertices)}
    vertices = {vertex.key: vertex for vertex in picture.vertices}
    branched = {wire.source for wire in picture.wires if wire.gradient}
    for vertex in picture.vertices:
        left, right = _SHAPES[vertex.kind]
        shown = _inside(vertex)
        if vertex.key in branched and vertex.gradient:
            shown += f"<br/>∇ {_escape(vertex.gradient)}"
        yield f'  v{number[vertex.key]}{left}"{shown}"{right}'
    for wire in picture.wires:
        source = vertices[wire.source]
        total = None if wire.source in branched else source.gradient
        label = _edge(wire.value or source.value, wire.gradient or total)
        yield f"  v{number[wire.source]} -->{label} v{number[wire.target]}"
    ends = [vertex for vertex in picture.vertices if vertex.output]
    for vertex in ends:
        at = number[vertex.key]
        label = _edge(vertex.value, None if vertex.key in branched else vertex.gradient)
        yield f'  v{at} -->{label} out{at}["{_escape(vertex.name) if vertex.name else " "}"]'
    if ends:
        yield "  classDef out fill:none,stroke:none"
        yield f"  class {','.join(f'out{number[vertex.key]}' for vertex in ends)} out"


def _inside(vertex: Vertex) -> str:
    sign = _escape(vertex.text)
    return f"{_escape(vertex.name)} = {sign}" if vertex.name and not vertex.output else sign


def _edge(value: Text | None, gradient: Text | None) -> str:
    shown = [_escape(value)] if value else []
    shown += [f"∇ {_escape(gradient)}"] if gradient else []
    return f'|"{"<br/>".join(shown)}"|' if shown else ""


def _escape(text: Text) -> str:
    """Text in which Mermaid and Markdown find no sign of theirs; a matrix is one line of rows."""
    rows = "; ".join(", ".join(row) for row in text.plain)
    shown = f"[{rows}]" if text.brackets else rows
    return escape.mermaid(shown)
