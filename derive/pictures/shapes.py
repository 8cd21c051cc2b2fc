"""What a drawing consists of, each with its place, in pixels from the top left.

Texts and the knots of wires enter, labels and smooth paths leave. The law: a text takes no more
room than its rectangle says, whichever of the usual fonts shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from derive.pictures.picture import Text

#: Pixels: the size of type, of a row of a matrix, an arrowhead, a dot, the radius of a turn.
TYPE, ROW, ARROW, DOT, TURN = 13, 17, 7, 3.2, 7

Point = tuple[float, float]


class Rect(NamedTuple):
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> Point:
        return self.left + self.width / 2, self.top + self.height / 2


class Cell(NamedTuple):
    """One piece of text, centred at `x` on the baseline `y`."""

    x: float
    y: float
    plain: str
    tex: str


class Label(NamedTuple):
    """A text in its rectangle; `role` is sign, variable, constant, name, value or gradient."""

    role: str
    rect: Rect
    cells: tuple[Cell, ...]
    text: Text


class Node(NamedTuple):
    """A box with round corners, a circle where it is as wide as high; `kind` is the vertex's."""

    key: str
    kind: str
    rect: Rect
    label: Label | None

    @property
    def is_circle(self) -> bool:
        return self.kind == "gate" and self.rect.width == self.rect.height

    @property
    def corner(self) -> float:
        """The radius of its corners."""
        return corner(self.kind, self.rect.width, self.rect.height)


class Path(NamedTuple):
    """A wire in pieces, each a line (two points) or a cubic curve (four), which begins where the
    one before it ends. `ends` are the nodes that it may touch."""

    ends: tuple[str, ...]
    pieces: tuple[tuple[Point, ...], ...]


class Drawing(NamedTuple):
    """Everything with its place. `bare` says that wires are drawn without what they carry."""

    width: float
    height: float
    nodes: tuple[Node, ...] = ()
    labels: tuple[Label, ...] = ()
    paths: tuple[Path, ...] = ()
    dots: tuple[Point, ...] = ()
    arrows: tuple[Point, ...] = ()
    title: str = ""
    description: str = ""
    bare: bool = False


# How much room a text takes ---------------------------------------------------------------------

# In ems, for the bold faces of DejaVu Sans and Verdana, the wider of the two.
_EMS = {
    0.41: "ijl.,:;'\\ ′·ᵢⱼ",
    0.52: "ftr!-`‖ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉ᵏⁿ",
    0.6: 'IJ()[]|⁻∂"ε',
    0.72: "abcdeghknopqsuvxyz0123456789LEFTΓΞαβγδζηθικλμνξρτυχ{}?$_*/√∑Σ∇YZ",
    1.13: "wMWm@#…⋯⋮½",
    1.3: "%‰",
}
_WIDTHS = {char: ems for ems, chars in _EMS.items() for char in chars}


def width(text: str, size: float = TYPE) -> float:
    """How many pixels wide a line of type is at most.

    >>> round(width("−4.00"))
    46
    """
    return size * sum(map(_ems, text))


def _ems(char: str) -> float:
    known = _WIDTHS.get(char)
    if known:
        return known
    return 0.94 if ord(char) < 0x2E80 else 1.4


def extent(text: Text, size: float = TYPE) -> tuple[float, float]:
    """The width and height of a text, with its brackets."""
    columns = _columns(text, size)
    across, down = (2 * _BRACKET, _OVER) if text.brackets else (0.0, 0.0)
    wide = max(_NARROW * size / TYPE, sum(columns) + _BETWEEN * (len(columns) - 1))
    return wide + across, ROW * size / TYPE * len(text.plain) + down


#: Pixels: a bracket, its reach beyond the rows, between columns, the least width of a text.
_BRACKET, _OVER, _BETWEEN, _NARROW = 8.0, 4.0, 9.0, 12.0


def _columns(text: Text, size: float) -> list[float]:
    count = max(len(row) for row in text.plain)
    return [max(width(row[at], size) for row in text.plain if at < len(row)) for at in range(count)]


def labelled(role: str, text: Text, x: float, top: float, size: float = TYPE) -> Label:
    """A text centred at `x` below `top`."""
    wide, high = extent(text, size)
    columns = _columns(text, size)
    cells, left = [], x - (sum(columns) + _BETWEEN * (len(columns) - 1)) / 2
    row = ROW * size / TYPE
    first = top + (high - row * len(text.plain)) / 2
    for at, column in enumerate(columns):
        for number, (plain, tex) in enumerate(zip(text.plain, text.tex)):
            if at < len(plain):
                baseline = first + row * (number + 0.5) + 0.36 * size
                cells.append(Cell(pixels(left + column / 2), pixels(baseline), plain[at], tex[at]))
        left += column + _BETWEEN
    return Label(role, rectangle(x - wide / 2, top, wide, high), tuple(cells), text)


def rectangle(left: float, top: float, wide: float, high: float) -> Rect:
    return Rect(pixels(left), pixels(top), pixels(wide), pixels(high))


def pixels(value: float) -> float:
    return round(value, 1) + 0.0


def corner(kind: str, wide: float, high: float) -> float:
    """The radius of the corners of a node."""
    return min(wide, high) / 2 if kind == "gate" else 5.0


# How a wire runs ----------------------------------------------------------------------------------


def smooth(knots: Sequence[Point]) -> tuple[tuple[Point, ...], ...]:
    """Straight between knots of one height, else an S that leaves and arrives horizontally."""
    pieces: list[tuple[Point, ...]] = []
    rounded = [(pixels(x), pixels(y)) for x, y in knots]
    for start, end in pairwise(rounded):
        middle = pixels((start[0] + end[0]) / 2)
        if start[1] != end[1]:
            pieces.append((start, (middle, start[1]), (middle, end[1]), end))
        elif start != end:
            pieces.append((start, end))
    return tuple(pieces)


def rounded(knots: Sequence[Point]) -> tuple[tuple[Point, ...], ...]:
    """Lines across and down, with round corners."""
    pieces: list[tuple[Point, ...]] = []
    start = (pixels(knots[0][0]), pixels(knots[0][1]))
    for before, corner, after in zip(knots, knots[1:], knots[2:]):
        near, far = _towards(corner, before), _towards(corner, after)
        pieces += [
            (start, near),
            (near, _towards(corner, before, 0.45), _towards(corner, after, 0.45), far),
        ]
        start = far
    return (*pieces, (start, (pixels(knots[-1][0]), pixels(knots[-1][1]))))


def _towards(corner: Point, other: Point, part: float = 1.0) -> Point:
    """A point so far from the corner as its rounding reaches, or a part of that."""
    across, down = other[0] - corner[0], other[1] - corner[1]
    far = abs(across) + abs(down)
    reach = part * min(TURN, far / 2) / far if far else 0.0
    return pixels(corner[0] + across * reach), pixels(corner[1] + down * reach)
