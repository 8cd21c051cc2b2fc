"""Equations fitted to lines: smaller letters, then broken, then broken cells, then dots.

A chain of equalities enters as boxes, with the paper it is set on; lines of boxes leave, and the
size of their letters. The law: nothing is printed to learn how wide it is, and no line is wider
than the paper where it can be broken at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

from derive.expressions.layout import Box, frac, num, op, raw, row, sup
from derive.notation.widths import (
    DISPLAY,
    FENCES,
    GUTTER,
    TEXT,
    column_widths,
    height,
    holds,
    plain,
    sized,
    together,
    width,
)

#: How far matrices and sums are shortened, one after the other, until a display fits.
DOTS = (4, 3)
#: So many rows and columns of a matrix are shortened where nothing else helps, to so many.
WHOLE, LEAST = 3, 2
#: Room that a reason beside a broken line would like, and the least that a cell can be broken to.
REASON, CELL = 24.0, 13.0
#: What stands between a left side and what is equal to it, and how far a line that goes on is in.
SIGN, INDENT = 4.0, 2.0
#: A display with more lines than this may break across pages.
TALL = 5


class Link(NamedTuple):
    """What something is equal to: `left`, where it is not the side before it, a sign, `right`.

    `reason` is whatever the document says beside it; an `optional` link is passed over where it
    has no room.
    """

    right: Box
    left: Box | None = None
    sign: str = "equals"
    reason: Any = None
    optional: bool = False


class Line(NamedTuple):
    """One line of a display: a left side or none, a sign or none where it goes on, a right side.

    Without a right side it is a left side so wide that its right side begins on the next line.
    """

    left: Box | None
    sign: str
    right: Box | None
    reason: Any = None


class Display(NamedTuple):
    """Lines aligned at their signs, the size of their letters, and the room beside them."""

    lines: tuple[Line, ...]
    size: str = ""
    room: float = inf

    @property
    def tall(self) -> bool:
        """Whether it may break across pages."""
        return len(self.lines) > TALL


class Paper(NamedTuple):
    """How many digits fit on a line at each size of letters, `last` where no other size does.

    `dots` is how far matrices and sums are shortened, one after the other, before that; no line is
    `high`er, in lines of text.
    """

    sizes: tuple[tuple[str, float], ...]
    last: tuple[str, float] | None = None
    dots: tuple[int, ...] = DOTS
    high: float = inf


PAGE = Paper((("", 77.0), ("small", 84.0), ("footnotesize", 92.0)), ("scriptsize", 100.0))
#: A screen has letters of one size; this much is 830 pixels wide, with a number on its right.
SCREEN = Paper((("", 75.0),))
#: So much is 660 pixels wide: a page of a site has something beside it.
SITE = Paper((("", 62.0),))
#: A slide of 16:9 in letters of eleven points; a display may take so many lines of text.
SLIDE = Paper((("", 64.0), ("small", 70.0), ("footnotesize", 78.0)), ("scriptsize", 88.0),
              high=8.5)  # fmt: skip


def fitted(links: Iterable[Link], paper: Paper = PAGE, *, packed: bool = False) -> Display:
    """Return a chain of equalities as lines that fit the paper.

    A side that is written like the one before it is left out; `packed` lets several sides share a
    line.

    >>> from derive.notation.text import text
    >>> x = Box("id", text="x")
    >>> chain = [Link(row(x, op("plus"), x), x), Link(row(num(2), x)), Link(row(num(2), x))]
    >>> [text(line.right) for line in fitted(chain).lines]
    ['x + x', '2x']
    >>> [text(line.right) for line in fitted(chain, packed=True).lines]
    ['x + x = 2x']
    """
    chain = level = _without_repetition(links)
    best: tuple[float, Display] | None = None

    def tried(cells: bool, *sizes: tuple[str, float]) -> Display | None:
        nonlocal best
        for size, limit in sizes:
            lines = _lines(level, limit, cells, packed)
            wide = lines_width(lines)
            over = wide - limit
            if paper.high < inf:
                over += 4 * max((height(x.right) - paper.high for x in lines if x.right), default=0)
            if best is None or over < best[0]:
                best = over, Display(tuple(lines), size, limit - wide - 2)
            if wide <= limit and all(height(x.right) <= paper.high for x in lines if x.right):
                return best[1]
        return None

    for level in _levels(chain, paper):
        matrices = [x.right for x in level if holds(x.right, "matrix")]
        widest = paper.sizes[-1][1]
        fit = all(width(x) < widest for x in matrices if x.kind == "matrix")
        if fit and (found := tried(False, *paper.sizes)):
            return found
        if matrices and (found := tried(True, *paper.sizes)):
            return found
    if paper.last and (found := tried(True, paper.last)):
        return found
    if paper.dots:
        level = [link._replace(right=shortened(link.right, LEAST)) for link in level]
        if found := tried(True, *paper.sizes, *([paper.last] if paper.last else [])):
            return found
    if any(link.optional for link in chain):
        return fitted(_without_optional(chain), paper, packed=packed)
    assert best is not None
    return best[1]


def _levels(chain: list[Link], paper: Paper) -> Iterator[list[Link]]:
    """Yield a chain with fewer and fewer terms before the dots, as long as that changes it."""
    yield chain
    for most in paper.dots:
        shorter = [link._replace(right=shortened(link.right, most)) for link in chain]
        if any(a.right is not b.right for a, b in zip(shorter, chain, strict=True)):
            chain = shorter
            yield chain


def lines_width(lines: Iterable[Line]) -> float:
    """Return the width of lines that stand under each other, aligned at their signs."""
    lines = list(lines)
    left = max((width(x.left) for x in lines if x.left and x.right), default=2.0)
    alone = max((width(x.left) for x in lines if x.left and not x.right), default=0.0)
    right = max((width(x.right) + INDENT * (not x.sign) for x in lines if x.right), default=0.0)
    return max(left + SIGN + right, alone)


def side_by_side(equations: Iterable[Box], most: float, gap: float = 4.0) -> list[list[Box]]:
    """Return equations as lines, as many on a line as fit.

    >>> [len(line) for line in side_by_side([num(12345)] * 5, 20)]
    [2, 2, 1]
    """
    lines: list[list[Box]] = []
    room = 0.0
    for equation in equations:
        wide = width(equation) + gap
        if wide > room or not lines:
            lines.append([])
            room = most
        lines[-1].append(equation)
        room -= wide
    return lines


def _lines(links: Sequence[Link], limit: float, cells: bool, packed: bool) -> list[Line]:
    lefts = [width(x.left) for x in links if x.left is not None]
    narrow = [wide for wide in lefts if wide <= limit / 3]
    room = limit - SIGN - max(narrow, default=2.0)
    lines: list[Line] = []
    used = 0.0
    for link in links:
        left = link.left
        pieces = _laid(link.right, room, cells)
        if link.reason and len(pieces) > 1 and room > 2 * REASON:
            pieces = _laid(link.right, room - REASON, cells)
        wide = width(pieces[-1])
        if packed and left is None and len(pieces) == 1 and lines and used + 3 + wide <= room:
            line = lines[-1]
            assert line.right is not None
            lines[-1] = line._replace(right=row(line.right, op(link.sign), pieces[0]))
            used += 3 + wide
            continue
        if left is not None and width(left) > limit / 3:
            lines.append(Line(left, "", None))
            left = None
        for k, piece in enumerate(pieces):
            lines.append(Line(None if k else left, "" if k else link.sign, piece))
        lines[-1] = lines[-1]._replace(reason=link.reason)
        used = wide + INDENT * (len(pieces) > 1)
    return lines


def _laid(box: Box, room: float, cells: bool) -> list[Box]:
    return broken(narrowed(box, room) if cells else box, room)


def _without_repetition(links: Iterable[Link]) -> list[Link]:
    """Return a chain without sides that are written like the one before, but for thin spaces."""
    kept: list[Link] = []
    for link in links:
        if link.left is not None or not kept or not _alike(link.right, kept[-1].right):
            kept.append(link)
    return kept


def _alike(one: Box, other: Box) -> bool:
    sides = [[part for part in _flat(box) if part != op("thin")] for box in (one, other)]
    return len(sides[0]) == len(sides[1]) and all(
        (a.kind, a.text, len(a.parts)) == (b.kind, b.text, len(b.parts))
        and all(map(_alike, a.parts, b.parts))
        for a, b in zip(*sides, strict=True)
    )


def _without_optional(links: Sequence[Link]) -> list[Link]:
    """Return a chain that passes over what is optional; its left side stays."""
    kept: list[Link] = []
    left: Box | None = None
    for link in links:
        left = link.left if link.left is not None else left
        if not link.optional:
            kept.append(link._replace(left=left))
            left = None
    return kept


# -- breaking --------------------------------------------------------------------------------------

_SIGNS = ("plus", "minus")
_BETWEEN = ("odot", "otimes", "oslash", "cdot", "thin")


def broken(box: Box, most: float, style: int = DISPLAY) -> list[Box]:
    """Return a formula as lines no wider than `most` where it can be broken.

    It breaks before + and -, then between factors, then inside the brackets of what is still too
    wide; a fraction with a long numerator becomes a factor before it.

    >>> from derive.notation.latex import latex
    >>> lines = broken(row(num(1), op("plus"), num(2), op("minus"), num(3)), 5)
    >>> [latex(line) for line in lines]
    ['1 + 2', '{} - 3']
    """
    if width(box, style) <= most:
        return [box]
    if box.kind == "filled":
        pieces = _kept(sized(box), most, style)
        return [Box("filled", (piece, *box.parts[1:]), box.text) for piece in pieces]
    lines: list[list[Box]] = []
    room = 0.0
    for piece in _pieces(box, most - 3, style):
        wide = together(piece, style)
        if lines and wide <= room:
            lines[-1] += piece
            room -= wide
        else:
            room = most - wide - INDENT * bool(lines)
            lines.append(_continued(piece) if lines else [*piece])
    return [row(*line) for line in lines]


def _kept(box: Box, most: float, style: int) -> list[Box]:
    """Return a formula as lines, found once."""
    key = f"broken {most} {style}"
    found = box.known.get(key)
    if found is None:
        found = box.known[key] = broken(box, most, style)
    return found


def _flat(box: Box) -> list[Box]:
    """Return what stands side by side, rows within rows spread out."""
    box = plain(box)
    if box.kind != "row":
        return [box]
    return [inner for part in box.parts for inner in _flat(part)]


def _pieces(box: Box, most: float, style: int) -> list[list[Box]]:
    """Return a formula as pieces that may begin a line, none wider than `most` if that can be."""
    pieces: list[list[Box]] = []
    for term in _split(_flat(box), lambda part, before: part.kind == "op" and part.text in _SIGNS):
        whole = together(term, style)
        if whole <= most:
            pieces.append(term)
            continue
        if max((width(part, style) for part in term), default=0) > 0.7 * whole:
            pieces += _opened(term, most, style)  # one bracket, and little beside it
            continue
        for factor in _split(term, _begins_factor):
            fits = together(factor, style) <= most
            pieces += [factor] if fits else _opened(factor, most, style)
    return pieces


def _split(parts: list[Box], begins: Callable[[Box, Box], bool]) -> list[list[Box]]:
    groups = [parts[:1]]
    for before, part in pairwise(parts):
        if begins(part, before):
            groups.append([])
        groups[-1].append(part)
    return groups


def _begins_factor(part: Box, before: Box) -> bool:
    """Whether a line may break before a factor: not between a function and its argument."""
    if part.kind == "op":
        return part.text in _BETWEEN
    head = before.parts[0] if before.kind in ("sup", "index") else before
    if head.kind in ("word", "sum", "op"):
        return False
    return part.kind in ("paren", "frac", "sum", "matrix") or (
        part.kind in ("index", "sup") and part.parts[0].kind == "paren"
    )


def _opened(parts: list[Box], most: float, style: int) -> list[list[Box]]:
    """Return a piece with its widest brackets of fixed size, so that lines may break inside."""
    places = [k for k, part in enumerate(parts) if _inside(part, style) is not None]
    if not places:
        return [parts]
    place = max(places, key=lambda k: width(parts[k], style))
    before, inner, after = _inside(parts[place], style)  # type: ignore[misc]
    pieces = _pieces(inner, most - 3, style)
    if len(pieces) == 1 and not before:
        return [parts]
    pieces[0] = [*parts[:place], *before, *pieces[0]]
    pieces[-1] = [*pieces[-1], after, *parts[place + 1 :]]
    return pieces


def _inside(box: Box, style: int) -> tuple[list[Box], Box, Box] | None:
    """Return what a box is when its brackets are open: the beginning, the inner part, the end."""
    match box.kind:
        case "paren":
            return [Box("open", text=box.text)], box.parts[0], Box("close", text=box.text)
        case "sup" | "index" if (inside := _inside(box.parts[0], style)) is not None and (
            box.parts[0].kind == "paren"
        ):
            before, inner, after = inside
            return before, inner, Box(box.kind, (after, box.parts[1]))
        case "root":
            entrywise = [op("entrywise")] if box.text == "entrywise" else []
            power = row(*entrywise, raw("1/2"))
            return [Box("open", text="round")], box.parts[0], sup(Box("close", text="round"), power)
        case "frac":
            top, bottom = box.parts
            if width(top, style) > width(bottom, style):
                begin = [frac(num(1), bottom), Box("open", text="round")]
                return begin, top, Box("close", text="round")
    return None


def _continued(piece: list[Box]) -> list[Box]:
    """Return a piece at the beginning of a line, its sign before it."""
    first = piece[0]
    if first.kind == "op" and first.text in (*_SIGNS, *_BETWEEN):
        piece = piece[1:]
        sign = op("cdot") if first.text == "thin" else first
    else:
        sign = op("cdot")
    return [op("nothing"), sign, *piece]


# -- matrices --------------------------------------------------------------------------------------


def narrowed(box: Box, most: float) -> Box:
    """Return a layout with the wide cells of its matrices broken, to be no wider if it can be."""
    matrices = [part for part in _flat(box) if part.kind in ("matrix", "paren")]
    if box.kind == "row" and matrices:
        share = most / len(matrices)
        return row(*(narrowed(part, share) for part in box.parts))
    if box.kind == "paren":
        return Box("paren", (narrowed(box.parts[0], most),), box.text)
    return _narrowed(box, most) if box.kind == "matrix" else box


def _narrowed(box: Box, most: float) -> Box:
    """Return a matrix with the cells of its wide columns broken, as far as they stay readable."""
    widths = column_widths(box)
    free = most - FENCES - GUTTER * len(widths)
    if sum(widths) <= free:
        return box
    cap = free / len(widths)
    for _ in widths:  # narrow columns leave their room to the wide ones
        small = sum(w for w in widths if w <= cap)
        large = sum(w > cap for w in widths)
        cap = (free - small) / large if large else cap
    cap = max(cap, CELL)

    def cell(part: Box) -> Box:
        pieces = broken(part, cap, TEXT)
        return Box("lines", tuple(pieces)) if len(pieces) > 1 else part

    lines = [
        tuple(cell(part) if w > cap else part for part, w in zip(line.parts, widths, strict=True))
        for line in box.parts
    ]
    return Box("matrix", tuple(Box("row", line) for line in lines), box.text)


def places(count: int, most: int) -> list[int | None]:
    """Return the places that are shown of so many, `None` where dots stand; 0 shows all.

    >>> places(3, 4), places(9, 4), places(9, 3)
    ([0, 1, 2], [0, 1, None, 8], [0, None, 8])
    """
    if not most or count <= most:
        return list(range(count))
    return [*range(max(1, min(2, most - 2))), None, count - 1]


def matrix_of(
    rows: int, cols: int, cell: Callable[[int, int], Box], most: int = 0, brackets: str = "round"
) -> Box:
    """Return a matrix by its cells, with dots where there are more than `most` rows or columns."""
    down, across = places(rows, most), places(cols, most)

    def line(i: int | None) -> Iterable[Box]:
        for j in across:
            if i is None:
                yield op("vdots" if j is not None else "ddots")
            elif j is None:
                yield op("ddots" if cell(i, 0) == op("vdots") else "cdots")
            else:
                yield cell(i, j)

    return Box("matrix", tuple(Box("row", tuple(line(i))) for i in down), brackets)


def columns(box: Box) -> int:
    """Return how many columns the widest matrix of a layout has."""
    if not holds(box, "matrix"):
        return 0
    own = len(box.parts[0].parts) if box.kind == "matrix" else 0
    return max(own, *map(columns, box.parts))


# -- dots ------------------------------------------------------------------------------------------


def shortened(box: Box, most: int) -> Box:
    """Return a layout with dots in matrices, and in runs of like terms, of more than `most`.

    >>> from derive.notation.text import text
    >>> signs = [op("plus"), Box("id", text="x")] * 7
    >>> text(shortened(row(*signs[1:]), 4))
    'x + x + ⋯ + x'
    """
    if not box.parts:
        return box
    key = f"most {most}"
    found = box.known.get(key)
    if found is None:
        found = box.known[key] = _shortened(box, most)
    return found


def _shortened(box: Box, most: int) -> Box:
    parts = [shortened(part, most) for part in box.parts]
    if any(one is not other for one, other in zip(parts, box.parts, strict=True)):
        box = Box(box.kind, tuple(parts), box.text)
    if box.kind == "row":
        terms = _split(parts, lambda part, _: part.kind == "op" and part.text in _SIGNS)
        kept = _with_dots(terms, most) if len(terms) > most else terms
        return box if kept is terms else row(*(part for term in kept for part in term))
    least = max(most, WHOLE if most > LEAST else most)
    if box.kind == "matrix" and max(len(parts), len(parts[0].parts)) > least:
        cells = [line.parts for line in parts]
        return matrix_of(len(cells), len(cells[0]), lambda i, j: cells[i][j], least, box.text)
    return box


def _with_dots(terms: list[list[Box]], most: int) -> list[list[Box]]:
    forms = [tuple(_form(part) for part in term if part != op("plus")) for term in terms]
    kept: list[list[Box]] = []
    at = 0
    while at < len(terms):
        period, end = _run(forms, at)
        if end - at > max(most, 3 * period):
            kept += [*terms[at : at + 2 * period], [op("plus"), op("cdots")]]
            kept += terms[end - period : end]
        else:
            kept += terms[at:end]
        at = end
    return kept if len(kept) < len(terms) else terms


def _form(box: Box) -> tuple:
    """Return what a term looks like apart from its indices."""
    found = box.known.get("form")
    if found is None:
        parts = box.parts[:1] if box.kind == "index" else box.parts
        text = "minus" if box.text == "negative" else box.text
        found = box.known["form"] = (box.kind, text, *map(_form, parts))
    return found


def _run(forms: list[tuple], at: int) -> tuple[int, int]:
    """Return the period and the end of the longest run of like terms that begins at a place."""
    best = (1, at + 1)
    for period in range(1, 5):
        end = at + period
        while forms[end : end + period] == forms[at : at + period] != []:
            end += period
        if end - at > max(period, best[1] - at):
            best = (period, end)
    return best
