"""What a picture of a computation shows: vertices, wires and what is written on them.

Whoever computes makes a `Picture`, `drawing` gives it places, `printers` write it. The values are
plain: no expression, no number, only text. A wire goes from an earlier vertex to a later one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Text:
    """What is written somewhere: one line, or the rows of a small matrix.

    `plain` holds Unicode cells, `tex` the same cells as LaTeX mathematics without dollars.

    >>> line("∂f", r"\\partial f")
    Text(plain=(('∂f',),), tex=(('\\\\partial f',),), brackets=False)
    """

    plain: tuple[tuple[str, ...], ...]
    tex: tuple[tuple[str, ...], ...]
    brackets: bool = False

    def __post_init__(self) -> None:
        if not self.plain or [len(row) for row in self.plain] != [len(row) for row in self.tex]:
            raise ValueError("a text has at least one row, and its two forms the same cells")


def line(plain: str, tex: str | None = None) -> Text:
    """A text of one cell; without `tex` both forms are the same."""
    return Text(((plain,),), ((plain if tex is None else tex,),))


@dataclass(frozen=True, slots=True)
class Vertex:
    """A variable, a constant or a gate, with what is known of the value that leaves it.

    `kind` is `input`, `constant` or `gate`; `text` stands inside: a variable's name, a gate's sign.
    `name` is what the program calls a gate's result. `value` is written above the wire that leaves,
    `gradient` below it. An `output` has a wire that leaves the picture on the right.
    """

    key: str
    kind: str
    text: Text
    name: Text | None = None
    value: Text | None = None
    gradient: Text | None = None
    output: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("input", "constant", "gate"):
            raise ValueError(f"a vertex is an input, a constant or a gate, not {self.kind!r}")


@dataclass(frozen=True, slots=True)
class Wire:
    """A value on its way into a gate; `port` says as which operand, 0 for the topmost.

    `gradient` is this branch's own contribution, `value` what it carries: both are written where
    the wire arrives, whenever they are given.
    """

    source: str
    target: str
    port: int
    gradient: Text | None = None
    value: Text | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Vertices and wires in topological order; title and description are for those who cannot see.

    >>> x, double = Vertex("x", "input", line("x")), Vertex("f", "gate", line("×2"))
    >>> Picture((double, x), (Wire("x", "f", 0),))
    Traceback (most recent call last):
        ...
    ValueError: the wire from x to f does not go from an earlier vertex to a later one
    """

    vertices: tuple[Vertex, ...]
    wires: tuple[Wire, ...]
    title: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        place = {vertex.key: number for number, vertex in enumerate(self.vertices)}
        if len(place) != len(self.vertices):
            raise ValueError("two vertices have one key")
        for wire in self.wires:
            if not place.get(wire.source, len(place)) < place.get(wire.target, -1):
                way = f"from {wire.source} to {wire.target}"
                raise ValueError(
                    f"the wire {way} does not go from an earlier vertex to a later one"
                )

    def arrivals(self) -> dict[str, list[Wire]]:
        """The wires that arrive at each vertex, topmost operand first."""
        found = sorted(self.wires, key=lambda wire: (wire.target, wire.port))
        return {key: list(wires) for key, wires in groupby(found, key=lambda wire: wire.target)}
