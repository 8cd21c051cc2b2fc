"""A picture with places: where each node, wire and text stands, in pixels from the top left.

`draw` takes a `Picture` and gives a `Drawing`: layers from left to right, inputs in the first. A
layer is a column of horizontal lanes, and all text stands in columns; between two columns there is
a channel in which wires change lanes and nothing is written. So no text meets a wire or a text. A
drawing that is wider than a page is cut into bands, one below the other, as lines of text are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, inf, sqrt

from derive.expressions.errors import SizeError
from derive.pictures.lanes import Item, Link, arrange, heights, layers
from derive.pictures.picture import Picture, Text, Vertex, Wire
from derive.pictures.shapes import (
    ARROW,
    TURN,
    Drawing,
    Label,
    Node,
    Path,
    Point,
    corner,
    extent,
    labelled,
    pixels,
    rectangle,
    rounded,
    smooth,
)

#: A larger picture is drawn without text on its wires; one that is larger still is refused.
WRITTEN, LIMIT = 300, 5_000
#: Pixels: a gate's radius, between a text and its wire, two items of a column, an empty lane.
RADIUS, CLEAR, GAP, LANE = 17, 4, 12, 7
#: Pixels: the least and the greatest width of a channel, the margin of the page.
CHANNEL, WIDEST, MARGIN = 26, 110, 14
#: Pixels: between wires on their way to the next band, and the width of a page.
GUTTER, ACROSS = 9, 1_900
#: What a vertex has written on it, by its kind.
ROLES = {"input": "variable", "gate": "sign", "constant": "constant"}


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
    >>> [node.key for node in drawing.nodes]
    ['x', 'f']
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
            pixels(self.width),
            pixels(self.height),
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
            self.arrows.append((pixels(node), pixels(part.y)))
        for wire, lane, port in zip(part.wires, part.lanes, part.ports):
            y, end = part.y + lane, (self._side(part, port), part.y + port)
            turn = [(node - column.converge, y), (node, end[1])] if part.converges else []
            self._path((part.key,), (column.left, y), *turn, end)
            self.arrows.append((pixels(end[0]), pixels(end[1])))
            for role, text in ("value", wire.value), ("gradient", wire.gradient):
                if text:
                    wide, high = extent(text)
                    top = y - CLEAR - high if role == "value" else y + CLEAR
                    x = column.left + column.arrival - CLEAR - wide / 2
                    self.labels.append(labelled(role, text, x, top))

    def _side(self, part: _Part, port: float) -> float:
        """Where the left side of a node with round corners is at this height."""
        wide, high = part.size
        radius = corner(part.vertex.kind if part.vertex else "", wide, high)
        beyond = max(0.0, abs(port) - (high / 2 - radius))
        return part.x - wide / 2 + radius - sqrt(radius**2 - beyond**2)

    def _node(self, part: _Part) -> None:
        wide, high = part.size
        if part.end:
            if part.end.plain != _NOTHING.plain:
                self.labels.append(labelled("name", part.end, part.x, part.y - high / 2))
            return
        vertex = part.vertex
        if not vertex:
            return
        rect = rectangle(part.x - wide / 2, part.y - high / 2, wide, high)
        role = ROLES[vertex.kind]
        label = labelled(role, vertex.text, part.x, part.y - extent(vertex.text)[1] / 2)
        self.nodes.append(Node(part.key, vertex.kind, rect, label))
        if name := _name(vertex):
            top = part.y - high / 2 - 1 - extent(name)[1]
            self.labels.append(labelled("name", name, part.x, top))

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
                self.labels.append(labelled("value", part.vertex.value, x, top))
            if part.vertex.gradient:
                self.labels.append(labelled("gradient", part.vertex.gradient, x, part.y + CLEAR))
        fork, way = (column.right, part.y), []
        if number in self.gutters:
            right, bottom, left = self.gutters[number]
            way = [fork, (right, part.y), (right, bottom), (left, bottom)]
            fork = (self.margin, bottom)
        for link in part.links:
            target = self.parts[link.end]
            entry = (self.columns[target.layer].left, target.y + link.offset)
            if way:
                self.paths.append(Path((), rounded([*way, (way[-1][0], entry[1]), entry])))
            else:
                self._path((), fork, entry)
        if len(part.links) > 1:
            self.dots.append((pixels(fork[0]), pixels(fork[1])))

    def _path(self, ends: tuple[str, ...], *knots: Point) -> None:
        if pieces := smooth(knots):
            self.paths.append(Path(ends, pieces))


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
        rect = rectangle(x[number] - _DISC, y[number] - _DISC, 2 * _DISC, 2 * _DISC)
        fits = extent(vertex.text, _SMALL)[0] <= 2 * _DISC and len(vertex.text.plain) == 1
        top = y[number] - extent(vertex.text, _SMALL)[1] / 2
        role = ROLES[vertex.kind]
        label = labelled(role, vertex.text, x[number], top, _SMALL) if fits else None
        nodes.append(Node(vertex.key, vertex.kind, rect, label))
    paths = []
    for start, end in wires:
        knots = [(x[start] + _DISC, y[start]), (x[end] - _DISC, y[end])]
        if levels[start] // each != levels[end] // each:
            right, left = wide - MARGIN - TURN / 2, MARGIN + TURN / 2
            gutter = tops[levels[end] // each]
            knots[1:1] = [(right, y[start]), (right, gutter), (left, gutter), (left, y[end])]
        keys = (picture.vertices[start].key, picture.vertices[end].key)
        paths.append(Path(keys, smooth(knots) if len(knots) == 2 else rounded(knots)))
    return Drawing(
        pixels(wide),
        pixels(height + MARGIN),
        tuple(nodes),
        paths=tuple(paths),
        title=picture.title,
        description=picture.description,
        bare=True,
    )
