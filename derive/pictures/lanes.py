"""Layers, order and heights of a graph drawn from left to right; integers and lengths, no text.

An item is whatever takes a place in a layer: a vertex, or the lane on which a value passes by. A
link joins an item to one of the next layer, at one of its ports. `arrange` orders every layer so
that few links cross (Sugiyama, Tagawa and Toda 1981: barycentres, there and back), `heights` puts
the items at heights of that order that keep their distance, straight where a link stands alone
(blocks as in Brandes and Köpf 2001). Equal input gives equal output.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS, ROUNDS = 12, 60
#: Beyond so many items a layer is not polished by exchanging neighbours.
POLISHED = 60
#: A gate is drawn so much more to the middle of its operands than to that of its uses.
FORWARD = 3.0
#: A wire that is out of line by less than this is straightened where there is room.
CROOKED = 8.0


class Link(NamedTuple):
    """From an item to an item of the next layer; `port` counts its operands from the top, `offset`
    is how far below the item's axis it arrives."""

    start: int
    end: int
    port: int = 0
    offset: float = 0.0


class Item(NamedTuple):
    """`up` and `down`: the room it needs above and below its axis; a `lane` passes through."""

    layer: int
    up: float
    down: float
    lane: bool = False


def layers(count: int, wires: Sequence[tuple[int, int]], late: Iterable[int]) -> list[int]:
    """The layer of each vertex, the length of the longest way to it; `late` ones, to which nothing
    leads, stand right before their first use. Vertices are numbered in topological order.

    >>> layers(4, [(0, 1), (1, 3), (2, 3)], late=[2])
    [0, 1, 1, 2]
    """
    found, uses = [0] * count, [count] * count
    into: list[list[int]] = [[] for _ in range(count)]
    for start, end in wires:
        into[end].append(start)
    for end in range(count):
        found[end] = max((found[start] + 1 for start in into[end]), default=0)
    for start, end in wires:
        uses[start] = min(uses[start], found[end])
    for vertex in late:
        if not into[vertex] and uses[vertex] < count:
            found[vertex] = max(0, uses[vertex] - 1)
    return found


def arrange(items: Sequence[Item], links: Sequence[Link], sweeps: int = SWEEPS) -> list[list[int]]:
    """The items of each layer from top to bottom, with few crossings."""
    count = max((item.layer for item in items), default=-1) + 1
    order: list[list[int]] = [[] for _ in range(count)]
    for number, item in enumerate(items):
        order[item.layer].append(number)
    into, out = _ends(len(items), links)
    place = [0.0] * len(items)

    def renumber(layer: list[int]) -> None:
        for position, item in enumerate(layer):
            place[item] = position

    def by_sources(item: int) -> float:
        ends = [place[link.start] for link in into[item]]
        return sum(ends) / len(ends) if ends else place[item]

    def by_targets(item: int) -> float:
        ends = [_entry(link, place, into) for link in out[item]]
        return sum(ends) / len(ends) if ends else place[item]

    for layer in order:
        renumber(layer)
    best, fewest = [list(layer) for layer in order], sum(_crossings(order, into, out))
    for sweep in range(sweeps):
        forward = sweep % 2 == 0
        for layer in order if forward else reversed(order):
            layer.sort(key=by_sources if forward else by_targets)
            renumber(layer)
        crossings = sum(_crossings(order, into, out))
        if crossings < fewest:
            best, fewest = [list(layer) for layer in order], crossings
        if not crossings:
            break
    for layer in best:
        renumber(layer)
    if fewest:
        _polish(best, into, out, place)
    return best


def _ends(count: int, links: Iterable[Link]) -> tuple[list[list[Link]], list[list[Link]]]:
    into: list[list[Link]] = [[] for _ in range(count)]
    out: list[list[Link]] = [[] for _ in range(count)]
    for link in links:
        into[link.end].append(link)
        out[link.start].append(link)
    return into, out


def _entry(link: Link, place: Sequence[float], into: Sequence[Sequence[Link]]) -> float:
    """Where a link arrives, in places of the layer: the ports of an item share its place."""
    return place[link.end] + (link.port + 0.5) / max(1, len(into[link.end])) - 0.5


def _crossings(
    order: Sequence[Sequence[int]], into: Sequence[Sequence[Link]], out: Sequence[Sequence[Link]]
) -> Iterable[int]:
    """For each channel, how many pairs of links cross in it."""
    place = [0.0] * len(into)
    for layer in order:
        for position, item in enumerate(layer):
            place[item] = position
    for layer in order:
        seen: list[float] = []
        total = 0
        for item in layer:
            entries = sorted(_entry(link, place, into) for link in out[item])
            total += sum(len(seen) - bisect_right(seen, entry) for entry in entries)
            for entry in entries:
                insort(seen, entry)
        yield total


def _polish(
    order: list[list[int]],
    into: Sequence[Sequence[Link]],
    out: Sequence[Sequence[Link]],
    place: list[float],
) -> None:
    """Exchange neighbours as long as that undoes crossings."""

    def cost(above: int, below: int) -> int:
        pairs = [
            ([place[a.start] for a in into[above]], [place[b.start] for b in into[below]]),
            ([_entry(a, place, into) for a in out[above]],
             [_entry(b, place, into) for b in out[below]]),
        ]  # fmt: skip
        return sum(a > b for first, second in pairs for a in first for b in second)

    for _ in range(SWEEPS):
        changed = False
        for layer in order:
            for upper in range(len(layer) - 1 if len(layer) <= POLISHED else 0):
                above, below = layer[upper], layer[upper + 1]
                if cost(below, above) < cost(above, below):
                    layer[upper], layer[upper + 1] = below, above
                    place[above], place[below] = upper + 1, upper
                    changed = True
        if not changed:
            return


def heights(
    items: Sequence[Item], links: Sequence[Link], order: Sequence[Sequence[int]], gap: float
) -> list[float]:
    """The height of each item's axis; neighbours in a layer are at least `gap` apart."""
    into, out = _ends(len(items), links)
    block, offset = _blocks(len(items), items, into, out, order)
    members: dict[int, list[int]] = {}
    for number in range(len(items)):
        members.setdefault(block[number], []).append(number)

    # What stands directly above and below each block, and how far away at least.
    above: dict[int, dict[int, float]] = {name: {} for name in members}
    below: dict[int, dict[int, float]] = {name: {} for name in members}
    for layer in order:
        for i, j in pairwise(layer):
            distance = items[i].down + gap + items[j].up + offset[i] - offset[j]
            a, b = block[i], block[j]
            above[b][a] = below[a][b] = max(distance, below[a].get(b, distance))

    # How far from a neighbour's axis each block would like its own, and how much.
    wishes: dict[int, list[tuple[int, float, float]]] = {name: [] for name in members}
    for link in links:
        a, b = block[link.start], block[link.end]
        if a != b:
            shift = offset[link.end] + link.offset - offset[link.start]
            wishes[a].append((b, shift, 1.0))
            wishes[b].append((a, -shift, FORWARD))

    descending = _from_the_top(above, below)
    y: dict[int, float] = {}
    for name in descending:
        y[name] = max((y[other] + far for other, far in above[name].items()), default=0.0)

    def wish(name: int) -> float:
        total = sum(weight for *_, weight in wishes[name])
        if not total:
            return y[name]
        return sum((y[other] + shift) * weight for other, shift, weight in wishes[name]) / total

    def clamp(name: int, wanted: float) -> float:
        low = max((y[other] + far for other, far in above[name].items()), default=wanted)
        high = min((y[other] - far for other, far in below[name].items()), default=wanted)
        return max(low, min(wanted, high))

    for turn in range(ROUNDS):
        for name in descending if turn % 2 else reversed(descending):
            y[name] = clamp(name, wish(name))
        _push(descending, below, above, wishes, wish, y)
    _straighten([*sorted(members), *sorted(members, reverse=True)], wishes, clamp, y)
    return [y[block[number]] + offset[number] for number in range(len(items))]


def _straighten(
    names: Sequence[int],
    wishes: dict[int, list[tuple[int, float, float]]],
    clamp: Callable[[int, float], float],
    y: dict[int, float],
) -> None:
    """Move blocks a little where more of their wires become straight."""

    def straight(name: int, at: float) -> int:
        return sum(abs(y[other] + shift - at) < 0.05 for other, shift, _ in wishes[name])

    for name in names:
        places = [y[other] + shift for other, shift, _ in wishes[name]]
        near = [clamp(name, place) for place in places if abs(place - y[name]) < CROOKED]
        y[name] = max([y[name], *near], key=lambda place: straight(name, place))


def _blocks(
    count: int,
    items: Sequence[Item],
    into: Sequence[Sequence[Link]],
    out: Sequence[Sequence[Link]],
    order: Sequence[Sequence[int]],
) -> tuple[list[int], list[float]]:
    """Items that lie on one straight wire: the first of them, and how far below it each lies."""
    place = [0] * count
    for layer in order:
        for position, item in enumerate(layer):
            place[item] = position
    block, offset = list(range(count)), [0.0] * count
    for layer in order:
        alone = [
            link
            for item in layer
            for link in out[item]
            if len(into[link.end]) == 1
            if len(out[item]) == 1 or (items[item].lane and items[link.end].lane)
        ]
        alone.sort(key=lambda link: not (items[link.start].lane and items[link.end].lane))
        taken: list[tuple[int, int]] = []
        for link in alone:
            way = place[link.start], place[link.end]
            if any((way[0] < a) != (way[1] < b) or way[0] == a for a, b in taken):
                continue
            taken.append(way)
            block[link.end] = block[link.start]
            offset[link.end] = offset[link.start] - link.offset
    return block, offset


def _from_the_top(
    above: dict[int, dict[int, float]], below: dict[int, dict[int, float]]
) -> list[int]:
    """The blocks in an order in which each comes after all that are above it."""
    waiting = {name: len(others) for name, others in above.items()}
    ready = [name for name in sorted(waiting) if not waiting[name]]
    for name in ready:
        for other in below[name]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return ready


def _push(
    descending: Sequence[int],
    below: dict[int, dict[int, float]],
    above: dict[int, dict[int, float]],
    wishes: dict[int, list[tuple[int, float, float]]],
    wish: Callable[[int], float],
    y: dict[int, float],
) -> None:
    """Move blocks that press against each other together, to where they want to be on average."""
    leader = {name: name for name in descending}

    def find(name: int) -> int:
        while leader[name] != name:
            name = leader[name]
        return name

    pull = {name: wish(name) - y[name] for name in descending}
    for name in descending:
        for other, far in below[name].items():
            if y[other] - far - y[name] < 0.01 and pull[name] > pull[other]:
                leader[find(other)] = find(name)
    groups: dict[int, list[int]] = {}
    for name in descending:
        groups.setdefault(find(name), []).append(name)
    for group in groups.values():
        if len(group) == 1:
            continue
        inside = set(group)
        total = sum(weight for name in group for *_, weight in wishes[name])
        if not total:
            continue
        move = (
            sum(
                (y[other] + shift - y[name]) * weight
                for name in group
                for other, shift, weight in wishes[name]
            )
            / total
        )
        for name in group:
            for other, far in (above if move < 0 else below)[name].items():
                if other not in inside:
                    room = y[other] - far - y[name] if move > 0 else y[other] + far - y[name]
                    move = min(move, max(room, 0)) if move > 0 else max(move, min(room, 0))
        for name in group:
            y[name] += move
