"""A picture with places: where each node, wire and text stands, in pixels from the top left.

`draw` takes a `Picture` and gives a `Drawing`: layers from left to right, inputs in the first. A
layer is a column of horizontal lanes, and all text stands in columns; between two columns there is
a channel in which wires change lanes and nothing is written. So no text meets a wire or a text.
`overlaps` looks again at the finished drawing, without knowing how it was made. A drawing that is
wider than a page is cut into bands, one below the other, as lines of text are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, inf, sqrt

from derive.expressions.errors import SizeError
from derive.pictures.lanes import Item, Link, arrange, heights, layers
from derive.pictures.picture import Picture, Text, Vertex, Wire

#: A larger picture is drawn without text on its wires; one that is larger still is refused.
WRITTEN, LIMIT = 300, 5_000
#: Pixels: the size of type, of a row of a matrix, of a line with its leading, of a gate's radius.
TYPE, ROW, RADIUS = 13, 17, 17
#: Pixels: between a text and its wire, between two items of a column, of a lane without text.
CLEAR, GAP, LANE = 4, 12, 7
#: Pixels: the least and the greatest width of a channel, the margin, the length of an arrowhead.
CHANNEL, WIDEST, MARGIN, ARROW = 26, 110, 14, 7
#: Pixels: between wires on their way to the next band, the radius of a turn, the width of a page.
GUTTER, TURN, ACROSS = 9, 7, 1_900


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rect:
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


@dataclass(frozen=True, slots=True)
class Cell:
    """One piece of text, centred at `x` on the baseline `y`."""

    x: float
    y: float
    plain: str
    tex: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text in its rectangle; `role` is sign, variable, constant, name, value or gradient."""

    role: str
    rect: Rect
    cells: tuple[Cell, ...]
    text: Text


@dataclass(frozen=True, slots=True)
class Node:
    """A box with round corners, a circle where it is as wide as high; `kind` is the vertex's."""

    key: str
    kind: str
    rect: Rect
    label: Label | None


@dataclass(frozen=True, slots=True)
class Path:
    """A wire in pieces, each a line (two points) or a cubic curve (four), which begins where the
    one before it ends. `ends` are the nodes that it may touch."""

    ends: tuple[str, ...]
    pieces: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawing:
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


def _label(role: str, text: Text, x: float, top: float, size: float = TYPE) -> Label:
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
                cells.append(Cell(_r(left + column / 2), _r(baseline), plain[at], tex[at]))
        left += column + _BETWEEN
    return Label(role, Rect(_r(x - wide / 2), _r(top), _r(wide), _r(high)), tuple(cells), text)


def _r(value: float) -> float:
    return round(value, 1) + 0.0


# From a picture to items in columns -------------------------------------------------------------


@dataclass(slots=True)
class _Part:
    """An item with what is drawn for it; a lane has no vertex, an output's end no node."""

    layer: int
    vertex: Vertex | None = None
    end: Text | None = None
    wires: tuple[Wire, ...] = ()
    links: list[Link] = field(default_factory=list)
    size: tuple[float, float] = (0.0, 0.0)
    lanes: list[float] = field(default_factory=list)  # where wires arrive in the column
    ports: list[float] = field(default_factory=list)  # where they arrive at the node
    x: float = 0.0
    y: float = 0.0

    @property
    def key(self) -> str:
        return self.vertex.key if self.vertex else ""

    @property
    def trunk(self) -> float:
        """How wide the texts are on the wire that leaves."""
        texts = (self.vertex.value, self.vertex.gradient) if self.vertex else ()
        return max((extent(text)[0] for text in texts if text), default=0.0)

    @property
    def arrival(self) -> float:
        """How wide the texts are on the wires that arrive."""
        texts = [text for wire in self.wires for text in (wire.value, wire.gradient)]
        return max((extent(text)[0] for text in texts if text), default=0.0)

    @property
    def converges(self) -> bool:
        return self.lanes != self.ports


def draw(picture: Picture, *, across: float = ACROSS) -> Drawing:
    """Give everything in a picture its place.

    Above 300 vertices wires carry no text, and the drawing says so by `bare`; above 5,000 there is
    a `SizeError`. `across` is how many pixels a band may be wide before the rest goes below it.

    >>> from derive.pictures.picture import line
    >>> x, f = Vertex("x", "input", line("x")), Vertex("f", "gate", line("exp"), output=True)
    >>> drawing = draw(Picture((x, f), (Wire("x", "f", 0),)))
    >>> [node.key for node in drawing.nodes], overlaps(drawing)
    (['x', 'f'], [])
    """
    count = len(picture.vertices)
    if count > LIMIT:
        message = f"the graph has {count:,} vertices, and the limit of a drawing is {LIMIT:,}"
        raise SizeError(message, hint="draw a part of the program, or write its numbers as a table")
    if not count:
        return Drawing(2 * MARGIN, 2 * MARGIN, title=picture.title, description=picture.description)
    if count > WRITTEN:
        return _bare(picture, across)
    page = _laid_out(picture, across, late=False)
    if page.bands > 1:
        page = _laid_out(picture, across, late=True)
    return page.drawing()


def _laid_out(picture: Picture, across: float, *, late: bool) -> _Page:
    """Columns on a page. Inputs stand in the first one, or, if `late`, right before their use:
    else those of the last band would pass through all others."""
    parts, links = _parts(picture, late)
    for part in parts:
        _measure(part)
    items = [
        Item(part.layer, *_room(part), lane=not part.vertex and not part.end) for part in parts
    ]
    order = arrange(items, links)
    links = [
        Link(link.start, link.end, link.port, parts[link.end].lanes[link.port]) for link in links
    ]
    for part, y in zip(parts, heights(items, links, order, GAP)):
        part.y = y
    for link in links:
        parts[link.start].links.append(link)
    return _Page(picture, parts, items, across)


def _parts(picture: Picture, late: bool) -> tuple[list[_Part], list[Link]]:
    """Items and links: a value that passes a layer has one lane there, however often it is used."""
    place = {vertex.key: number for number, vertex in enumerate(picture.vertices)}
    wires = [(place[wire.source], place[wire.target]) for wire in picture.wires]
    moved = [n for n, vertex in enumerate(picture.vertices) if late or vertex.kind != "input"]
    levels = layers(len(place), wires, late=moved)
    last = max(levels, default=0) + 1
    arrivals = picture.arrivals()
    parts = [
        _Part(level, vertex, wires=tuple(arrivals.get(vertex.key, ())))
        for level, vertex in zip(levels, picture.vertices)
    ]
    ports = {
        (wire.target, wire.port): number
        for found in arrivals.values()
        for number, wire in enumerate(found)
    }
    links: list[Link] = []
    ends: dict[int, list[tuple[int, int, int]]] = {}  # source -> layer, item, port of each use
    for wire in sorted(picture.wires, key=lambda wire: (place[wire.target], wire.port)):
        target = place[wire.target]
        port = ports[wire.target, wire.port]
        ends.setdefault(place[wire.source], []).append((levels[target], target, port))
    for number, vertex in enumerate(picture.vertices):
        if vertex.output:
            parts.append(_Part(last, end=vertex.name or _NOTHING))
            ends.setdefault(number, []).append((last, len(parts) - 1, 0))
    for source in sorted(ends):
        at, item = levels[source], source
        uses = sorted(ends[source])
        for level, target, port in uses:
            while at < level - 1:
                at += 1
                parts.append(_Part(at))
                links.append(Link(item, len(parts) - 1))
                item = len(parts) - 1
            links.append(Link(item, target, port))
    return parts, links


_NOTHING = Text((("",),), (("",),))


def _measure(part: _Part) -> None:
    """The size of a node and where wires arrive at it."""
    if not part.vertex:
        wide, high = extent(part.end) if part.end else (0.0, 0.0)
        part.size, part.lanes, part.ports = (wide + 3 * CLEAR, high), [0.0], [0.0]
        return
    wide, high = extent(part.vertex.text)
    count = len(part.wires)
    if part.vertex.kind == "gate":
        tall = max(2 * RADIUS, high + 8, 9 * (count + 1))
        part.size = (tall if wide <= 2 * RADIUS - 8 and tall == 2 * RADIUS else wide + 20, tall)
    else:
        part.size = (max(wide + 16, 30), max(high + 8, 26))
    reach = 0.75 * part.size[1] / 2
    step = min(16, 2 * reach / (count - 1)) if count > 1 else 0.0
    part.ports = [step * (port - (count - 1) / 2) for port in range(count)]
    part.lanes = list(part.ports)
    if part.arrival:
        y = [0.0]
        for upper, lower in zip(part.wires, part.wires[1:]):
            texts = _high(upper.gradient) + _high(lower.value)
            y.append(y[-1] + max(step, texts + CLEAR if texts else 0))
        part.lanes = [at - (y[0] + y[-1]) / 2 for at in y]
        if all(abs(lane - port) < 0.1 for lane, port in zip(part.lanes, part.ports)):
            part.lanes = list(part.ports)


def _high(text: Text | None) -> float:
    """How far a text reaches from its wire."""
    return extent(text)[1] + CLEAR if text else 0.0


def _room(part: _Part) -> tuple[float, float]:
    """How far all that belongs to an item reaches above and below its axis."""
    if not part.vertex:
        half = max(LANE, part.size[1] / 2)
        return half, half
    half = part.size[1] / 2
    name = _name(part.vertex)
    head = extent(name)[1] + 1 if name else 0.0
    up = [half + head, _high(part.vertex.value)]
    down = [half, _high(part.vertex.gradient)]
    up += [_high(wire.value) - lane for lane, wire in zip(part.lanes, part.wires)]
    down += [_high(wire.gradient) + lane for lane, wire in zip(part.lanes, part.wires)]
    return max(up), max(down)


def _name(vertex: Vertex) -> Text | None:
    """The name above a gate; that of an output stands at the end of its wire instead."""
    return None if vertex.output else vertex.name


# From columns to a page -------------------------------------------------------------------------


@dataclass(slots=True)
class _Column:
    """The zones of a layer from left to right: texts that arrive, wires that converge, nodes,
    texts that leave."""

    arrival: float = 0.0
    converge: float = 0.0
    node: float = 0.0
    departure: float = 0.0
    left: float = 0.0
    band: int = 0

    @property
    def width(self) -> float:
        return self.arrival + self.converge + self.node + self.departure

    @property
    def right(self) -> float:
        return self.left + self.width


class _Page:
    """Columns put side by side, and what is drawn in them."""

    def __init__(
        self, picture: Picture, parts: list[_Part], items: Sequence[Item], across: float
    ) -> None:
        self.picture, self.parts, self.items = picture, parts, items
        self.columns = _zones(parts)
        self.nodes: list[Node] = []
        self.labels: list[Label] = []
        self.paths: list[Path] = []
        self.dots: list[Point] = []
        self.arrows: list[Point] = []
        self.gutters: dict[int, tuple[float, float, float]] = {}  # right, bottom, left
        self.margin = float(MARGIN)
        self.width = self._place_columns(across)
        self.bands = max((column.band for column in self.columns), default=0) + 1
        self.height = self._place_bands()

    def drawing(self) -> Drawing:
        for number, part in enumerate(self.parts):
            self._arrive(part)
            self._node(part)
            self._depart(part, number)
        return Drawing(
            _r(self.width),
            _r(self.height),
            tuple(self.nodes),
            tuple(self.labels),
            tuple(self.paths),
            tuple(self.dots),
            tuple(self.arrows),
            self.picture.title,
            self.picture.description,
        )

    def _place_columns(self, across: float) -> float:
        """Set the left side and the band of each column; return the width of the page."""
        channels = [float(CHANNEL)] * len(self.columns)
        passing = [0] * len(self.columns)
        for part in self.parts:
            passing[part.layer] += bool(part.links)
            for link in part.links:
                steep = abs(self.parts[link.end].y + link.offset - part.y)
                wide = min(WIDEST, CHANNEL + 0.3 * steep)
                channels[part.layer] = max(channels[part.layer], wide)
        widths = [column.width + channel for column, channel in zip(self.columns, channels)]
        breaks = _breaks(widths, passing, across)
        turns = max((passing[at] for at in breaks), default=-1) + 1
        self.margin = MARGIN + turns * GUTTER
        band, x, furthest = 0, 0.0, 0.0
        for at, (column, wide) in enumerate(zip(self.columns, widths)):
            column.left, column.band = self.margin + x, band
            x += wide
            furthest = max(furthest, column.right)
            if at in breaks:
                band, x = band + 1, 0.0
        return furthest + self.margin

    def _place_bands(self) -> float:
        """Shift each band below the one before, with room for what goes back between them."""
        bottom = 0.0
        for band in range(self.bands):
            inside = [n for n, part in enumerate(self.parts) if self._band(part) == band]
            bottom = self._stack(inside, bottom + MARGIN)
            leaving = [n for n in inside if self._leaves(self.parts[n])]
            # Whoever leaves at the top turns outside of all others, and comes back inside of them.
            for turn, n in enumerate(sorted(leaving, key=lambda n: -self.parts[n].y)):
                bottom += GUTTER
                right = self.width - self.margin + GUTTER * (turn + 1)
                left = self.margin - GUTTER * (len(leaving) - turn)
                self.gutters[n] = (right, bottom, left)
        return bottom + MARGIN

    def _stack(self, inside: Sequence[int], bottom: float) -> float:
        """Put a band below what is there, without stripes in which nothing stands anywhere."""
        beyond = -inf  # how far down the band reaches, in its own heights
        shift = 0.0
        for n in sorted(inside, key=lambda n: self.parts[n].y - self.items[n].up):
            part, item = self.parts[n], self.items[n]
            empty = part.y - item.up - beyond
            if empty > 2 * GAP:
                shift = bottom - (part.y - item.up) + (2 * GAP if beyond > -inf else 0)
            beyond = max(beyond, part.y + item.down)
            part.y += shift
            bottom = max(bottom, part.y + item.down)
        return bottom

    def _band(self, part: _Part) -> int:
        return self.columns[part.layer].band

    def _leaves(self, part: _Part) -> bool:
        """Whether a wire goes from here to the next band."""
        return any(self._band(self.parts[link.end]) != self._band(part) for link in part.links)

    def _arrive(self, part: _Part) -> None:
        """Wires from the left side of the column to the node, with their texts."""
        column = self.columns[part.layer]
        node = column.left + column.arrival + column.converge
        part.x = node + column.node / 2 if not part.end else node + part.size[0] / 2
        if part.end:
            self._path((), (column.left, part.y), (node, part.y))
            self.arrows.append((_r(node), _r(part.y)))
        for wire, lane, port in zip(part.wires, part.lanes, part.ports):
            y, end = part.y + lane, (self._side(part, port), part.y + port)
            turn = [(node - column.converge, y), (node, end[1])] if part.converges else []
            self._path((part.key,), (column.left, y), *turn, end)
            self.arrows.append((_r(end[0]), _r(end[1])))
            for role, text in ("value", wire.value), ("gradient", wire.gradient):
                if text:
                    wide, high = extent(text)
                    top = y - CLEAR - high if role == "value" else y + CLEAR
                    x = column.left + column.arrival - CLEAR - wide / 2
                    self.labels.append(_label(role, text, x, top))

    def _side(self, part: _Part, port: float) -> float:
        """Where the left side of a node with round corners is at this height."""
        wide, high = part.size
        corner = _corner(part.vertex.kind if part.vertex else "", wide, high)
        beyond = max(0.0, abs(port) - (high / 2 - corner))
        return part.x - wide / 2 + corner - sqrt(corner**2 - beyond**2)

    def _node(self, part: _Part) -> None:
        wide, high = part.size
        if part.end:
            if part.end.plain != _NOTHING.plain:
                self.labels.append(_label("name", part.end, part.x, part.y - high / 2))
            return
        vertex = part.vertex
        if not vertex:
            return
        rect = Rect(_r(part.x - wide / 2), _r(part.y - high / 2), _r(wide), _r(high))
        role = {"input": "variable", "gate": "sign"}.get(vertex.kind, "constant")
        label = _label(role, vertex.text, part.x, part.y - extent(vertex.text)[1] / 2)
        self.nodes.append(Node(part.key, vertex.kind, rect, label))
        if name := _name(vertex):
            top = part.y - high / 2 - 1 - extent(name)[1]
            self.labels.append(_label("name", name, part.x, top))

    def _depart(self, part: _Part, number: int) -> None:
        """The wire that leaves, with its texts, and its branches to the next column."""
        column = self.columns[part.layer]
        if part.end:
            return
        if not part.vertex:
            self._path((), (column.left, part.y), (column.right, part.y))
        elif part.links or part.trunk:
            start = part.x + part.size[0] / 2
            self._path((part.key,), (start, part.y), (column.right, part.y))
            zone = column.right - column.departure
            x = max((start + column.right) / 2, zone + part.trunk / 2 + CLEAR)
            if part.vertex.value:
                top = part.y - CLEAR - extent(part.vertex.value)[1]
                self.labels.append(_label("value", part.vertex.value, x, top))
            if part.vertex.gradient:
                self.labels.append(_label("gradient", part.vertex.gradient, x, part.y + CLEAR))
        fork, way = (column.right, part.y), []
        if number in self.gutters:
            right, bottom, left = self.gutters[number]
            way = [fork, (right, part.y), (right, bottom), (left, bottom)]
            fork = (self.margin, bottom)
        for link in part.links:
            target = self.parts[link.end]
            entry = (self.columns[target.layer].left, target.y + link.offset)
            if way:
                self.paths.append(Path((), _rounded([*way, (way[-1][0], entry[1]), entry])))
            else:
                self._path((), fork, entry)
        if len(part.links) > 1:
            self.dots.append((_r(fork[0]), _r(fork[1])))

    def _path(self, ends: tuple[str, ...], *knots: Point) -> None:
        if pieces := _smooth(knots):
            self.paths.append(Path(ends, pieces))


def _smooth(knots: Sequence[Point]) -> tuple[tuple[Point, ...], ...]:
    """Straight between knots of one height, else an S that leaves and arrives horizontally."""
    pieces: list[tuple[Point, ...]] = []
    rounded = [(_r(x), _r(y)) for x, y in knots]
    for start, end in pairwise(rounded):
        middle = _r((start[0] + end[0]) / 2)
        if start[1] != end[1]:
            pieces.append((start, (middle, start[1]), (middle, end[1]), end))
        elif start != end:
            pieces.append((start, end))
    return tuple(pieces)


def _rounded(knots: Sequence[Point]) -> tuple[tuple[Point, ...], ...]:
    """Lines across and down, with round corners."""
    pieces: list[tuple[Point, ...]] = []
    start = (_r(knots[0][0]), _r(knots[0][1]))
    for before, corner, after in zip(knots, knots[1:], knots[2:]):
        near, far = _towards(corner, before), _towards(corner, after)
        pieces += [
            (start, near),
            (near, _towards(corner, before, 0.45), _towards(corner, after, 0.45), far),
        ]
        start = far
    return (*pieces, (start, (_r(knots[-1][0]), _r(knots[-1][1]))))


def _towards(corner: Point, other: Point, part: float = 1.0) -> Point:
    """A point so far from the corner as its rounding reaches, or a part of that."""
    across, down = other[0] - corner[0], other[1] - corner[1]
    far = abs(across) + abs(down)
    reach = part * min(TURN, far / 2) / far if far else 0.0
    return _r(corner[0] + across * reach), _r(corner[1] + down * reach)


def _breaks(widths: Sequence[float], passing: Sequence[int], across: float) -> set[int]:
    """After which columns a new band begins: bands of about one width, broken where few wires are.

    >>> sorted(_breaks([100] * 6, [3, 1, 2, 1, 3, 1], 250))
    [1, 3]
    """
    found: set[int] = set()
    first, rest = 0, sum(widths)
    while rest > across and first < len(widths) - 1:
        aim = rest / ceil(rest / across)
        wide, candidates = 0.0, list[tuple[int, float, int, float]]()
        for at in range(first, len(widths) - 1):
            wide += widths[at]
            if wide > min(across, 1.25 * aim) and candidates:
                break
            if wide >= 0.7 * aim or not candidates:
                few = passing[at] if wide >= 0.7 * aim else max(passing) + 1
                candidates.append((few, abs(wide - aim), at, wide))
        *_, at, wide = min(candidates)
        found.add(at)
        first, rest = at + 1, rest - wide
    return found


def _zones(parts: Sequence[_Part]) -> list[_Column]:
    columns = [_Column() for _ in range(max((part.layer for part in parts), default=-1) + 1)]
    for part in parts:
        column = columns[part.layer]
        name = _name(part.vertex) if part.vertex else None
        column.node = max(column.node, part.size[0], extent(name)[0] if name else 0.0)
        column.arrival = max(column.arrival, part.arrival + 2 * CLEAR if part.arrival else 0.0)
        column.departure = max(column.departure, part.trunk + 3 * CLEAR if part.trunk else 0.0)
        if part.converges:
            column.converge = 24.0
        if part.wires or part.end:
            column.converge = max(column.converge, ARROW + 3)
        if part.links:
            column.departure = max(column.departure, 6.0)
    return columns


def _corner(kind: str, wide: float, high: float) -> float:
    """The radius of a node's corners."""
    return min(wide, high) / 2 if kind == "gate" else 5.0


# A large graph ----------------------------------------------------------------------------------

#: Pixels: type, radius and the room of a node where nothing is written on wires.
_SMALL, _DISC, _ACROSS, _DOWN = 8.0, 9.0, 36.0, 23.0


def _bare(picture: Picture, across: float) -> Drawing:
    """Small nodes and wires, nothing written on them; work in proportion to the graph."""
    place = {vertex.key: number for number, vertex in enumerate(picture.vertices)}
    wires = [(place[wire.source], place[wire.target]) for wire in picture.wires]
    levels = layers(len(place), wires, late=range(len(place)))
    columns: list[list[int]] = [[] for _ in range(max(levels) + 1)]
    for number, level in enumerate(levels):
        columns[level].append(number)
    before: list[list[int]] = [[] for _ in place]
    for start, end in wires:
        before[end].append(start)
    y = [0.0] * len(place)
    for column in columns:
        for number in column:
            ends = [y[start] for start in before[number]]
            y[number] = sum(ends) / len(ends) if ends else 0.0
        column.sort(key=y.__getitem__)
        middle = sum(y[number] for number in column) / len(column)
        for at, number in enumerate(column):
            y[number] = middle + (at - (len(column) - 1) / 2) * _DOWN

    high = max(y) - min(y) + _DOWN
    fitting = max(8, int(across / _ACROSS))
    square = max(fitting, ceil(sqrt(1.6 * len(columns) * high / _ACROSS)))
    each = ceil(len(columns) / ceil(len(columns) / square))
    x, height, tops = [0.0] * len(place), 0.0, list[float]()
    for first in range(0, len(columns), each):
        inside = [n for column in columns[first : first + each] for n in column]
        tops.append(height + MARGIN / 2)
        shift = height + MARGIN + _DOWN / 2 - min(y[n] for n in inside)
        for n in inside:
            x[n] = MARGIN + TURN + (levels[n] % each + 0.5) * _ACROSS
            y[n] += shift
        height = max(y[n] for n in inside) + _DOWN / 2
    wide = 2 * (MARGIN + TURN) + min(each, len(columns)) * _ACROSS

    nodes = []
    for number, vertex in enumerate(picture.vertices):
        rect = Rect(_r(x[number] - _DISC), _r(y[number] - _DISC), 2 * _DISC, 2 * _DISC)
        fits = extent(vertex.text, _SMALL)[0] <= 2 * _DISC and len(vertex.text.plain) == 1
        top = y[number] - extent(vertex.text, _SMALL)[1] / 2
        role = {"input": "variable", "gate": "sign"}.get(vertex.kind, "constant")
        label = _label(role, vertex.text, x[number], top, _SMALL) if fits else None
        nodes.append(Node(vertex.key, vertex.kind, rect, label))
    paths = []
    for start, end in wires:
        knots = [(x[start] + _DISC, y[start]), (x[end] - _DISC, y[end])]
        if levels[start] // each != levels[end] // each:
            right, left = wide - MARGIN - TURN / 2, MARGIN + TURN / 2
            gutter = tops[levels[end] // each]
            knots[1:1] = [(right, y[start]), (right, gutter), (left, gutter), (left, y[end])]
        keys = (picture.vertices[start].key, picture.vertices[end].key)
        paths.append(Path(keys, _smooth(knots) if len(knots) == 2 else _rounded(knots)))
    return Drawing(
        _r(wide),
        _r(height + MARGIN),
        tuple(nodes),
        paths=tuple(paths),
        title=picture.title,
        description=picture.description,
        bare=True,
    )


# The finished drawing, looked at again ----------------------------------------------------------

_STEPS = 24


def _segments(path: Path) -> Iterator[tuple[Point, Point]]:
    for piece in path.pieces:
        if len(piece) == 2:
            yield piece[0], piece[1]
            continue
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = piece
        last = piece[0]
        for step in range(1, _STEPS + 1):
            t = step / _STEPS
            s = 1 - t
            a, b, c, d = s**3, 3 * s * s * t, 3 * s * t * t, t**3
            point = (a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy)
            yield last, point
            last = point


def overlaps(drawing: Drawing) -> list[tuple[str, str]]:
    """What meets what in a drawing and should not, by rectangles and pieces of curves.

    Text meets no text, wire, dot, arrowhead or node; a wire meets no node but those it joins; a
    node's own text stays inside it; everything stays on the page.
    """
    found: list[tuple[str, str]] = []
    labels = [(_called(label), label.rect) for label in drawing.labels]
    solid = labels + [(f"node {node.key}", node.rect) for node in drawing.nodes]
    for number, (name, rect) in enumerate(solid):
        if rect.left < 0 or rect.top < 0 or rect.right > drawing.width + _NEAR:
            found.append((name, "the page"))
        elif rect.bottom > drawing.height + _NEAR:
            found.append((name, "the page"))
        found += [(name, other) for other, its in solid[number + 1 :] if _share(rect, its)]
    for node in drawing.nodes:
        if node.label and not _within(node.label.rect, node.rect):
            found.append((_called(node.label), f"the border of node {node.key}"))
    marks = [Rect(x - DOT, y - DOT, 2 * DOT, 2 * DOT) for x, y in drawing.dots]
    marks += [Rect(x - ARROW, y - ARROW / 2, ARROW, ARROW) for x, y in drawing.arrows]
    found += [(name, "a mark") for name, rect in labels for mark in marks if _share(rect, mark)]
    for path in drawing.paths:
        allowed = {f"node {key}" for key in path.ends}
        around = _around(path)
        obstacles = [it for it in solid if _share(it[1], around) and it[0] not in allowed]
        met = set()
        for start, end in _segments(path):
            for name, rect in obstacles:
                if name not in met and _crosses(start, end, rect):
                    met.add(name)
                    found.append((name, f"a wire at {start[0]:.0f}, {start[1]:.0f}"))
    return found


DOT, _NEAR = 3.2, 0.15


def _called(label: Label) -> str:
    return f"{label.role} {'; '.join(' '.join(row) for row in label.text.plain)}"


def _around(path: Path) -> Rect:
    """A rectangle in which a wire stays: a curve never leaves that of its four points."""
    points = [point for piece in path.pieces for point in piece]
    left, top = (min(point[at] for point in points) - 1 for at in (0, 1))
    right, bottom = (max(point[at] for point in points) + 1 for at in (0, 1))
    return Rect(left, top, right - left, bottom - top)


def _share(a: Rect, b: Rect) -> bool:
    wide = min(a.right, b.right) - max(a.left, b.left)
    return wide > _NEAR and min(a.bottom, b.bottom) - max(a.top, b.top) > _NEAR


def _within(inner: Rect, outer: Rect) -> bool:
    across = outer.left <= inner.left + _NEAR and inner.right <= outer.right + _NEAR
    return across and outer.top <= inner.top + _NEAR and inner.bottom <= outer.bottom + _NEAR


def _crosses(start: Point, end: Point, rect: Rect) -> bool:
    """Whether a segment has a point inside a rectangle (Liang and Barsky 1984)."""
    (x, y), (u, v) = start, end
    if max(x, u) <= rect.left or min(x, u) >= rect.right:
        return False
    first, last = 0.0, 1.0
    for step, low, high in (
        (u - x, rect.left + _NEAR - x, rect.right - _NEAR - x),
        (v - y, rect.top + _NEAR - y, rect.bottom - _NEAR - y),
    ):
        if not step:
            if low >= 0 or high <= 0:
                return False
            continue
        near, far = sorted((low / step, high / step))
        first, last = max(first, near), min(last, far)
    return first < last
