"""Numbers on paper: entries, formulas and matrices of a checked trace, with the arithmetic between.

Enters a trace and the notation of its program, leave chains of equalities. The law: arithmetic is
shown only if reading it again, as it stands on the page, comes to the number behind it, and the
digits that are printed of it are enough to give the printed result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from derive.expressions.errors import FaultError
from derive.expressions.expr import Expr, Op, nodes, substitute, variables
from derive.expressions.layout import Box, is_sum, op, paren, row
from derive.expressions.shape import Shape, extent
from derive.notation.arithmetic import (
    ATOM,
    Term,
    TooLong,
    Work,
    inverse_entry,
    literal,
    minor_sum,
    numeral_term,
)
from derive.notation.calculator import Unreadable, comes_to, has_rounded, sufficient
from derive.notation.displays import Link, broken, matrix_of
from derive.notation.mathematics import Notation
from derive.notation.numerals import numeral, rounded
from derive.notation.widths import holds
from derive.ops import var
from derive.ops.elementwise import EQUAL, GREATER
from derive.ops.linear import EYE, ONES, TRANSPOSE
from derive.ops.square import DET, INV, LOGDET
from derive.proof.derivation import EntryOf
from derive.readings.base import Table, places
from derive.readings.numbers import Rows, precision, rational

#: Digits of a rounded number.
DIGITS = 4
#: Arithmetic that is elided is checked up to so many terms, matrices put in up to so many entries.
TERMS, AREA = 20_000, 4_000
#: So many digits fit a line; a formula for an entry takes so many lines, else it is left out.
LINE, LINES = 75.0, 4
#: A determinant is expanded up to this size.
COFACTORS = 3
#: What is replaced by its numbers inside a formula, for a matrix shows them better than a sign.
WORKED_OUT = frozenset((GREATER, EQUAL, INV, DET, LOGDET, TRANSPOSE))


class Known(Protocol):
    """Where names have numbers."""

    @property
    def sizes(self) -> Mapping[str, int]: ...

    def rows(self, name: str) -> Rows:
        """Return the numbers of a name."""


class Point(Known, Protocol):
    """Where expressions in names that have numbers come to some."""

    def of(self, expr: Expr) -> Rows:
        """Return what an expression comes to."""


class Written:
    """The numbers of names as they are written; `rounds` says whether one was rounded.

    Of a rounded number `digits` are shown, more where they are needed; `decimals` writes fractions
    as decimals where these are short.
    """

    def __init__(
        self, notation: Notation, known: Known, *, digits: int = DIGITS, decimals: bool = False
    ):
        self.notation, self.known, self.decimals = notation, known, decimals
        self.program, self.sizes = notation.program, known.sizes
        self.elide = notation.style.elide
        self.fewest = self.digits = digits
        self.rounds = False

    def number(self, value: Any) -> Term:
        """Return a number as it stands in arithmetic: a short fraction, or rounded."""
        box = numeral(value, self.fewest, decimals=self.decimals)
        if has_rounded(box):
            self.rounds = True
            box = rounded(value, self.digits)
        return numeral_term(box)

    def matrix(self, rows: Rows, elide: int = 0) -> Box:
        """Return a matrix of numbers, or a number."""
        if len(rows) == len(rows[0]) == 1:
            return self.number(rows[0][0]).box
        return matrix_of(
            len(rows), len(rows[0]), lambda i, j: self.number(rows[i][j]).box, elide,
            self.notation.style.brackets,
        )  # fmt: skip

    def of(self, name: str) -> Box:
        """Return the numbers of a name."""
        return self.matrix(self.known.rows(name), self.elide)

    def entry(self, name: str, *place: int) -> Box:
        """Return an entry of a name in letters; that of a number is its name."""
        leaf = name if name in self.program.leaves else name[1:]
        if self.program.leaves[leaf].shape.extents(self.sizes) == (1, 1):
            return self.notation.leaf(name)
        return self.notation.entry(name, *place)

    def chain(self, left: Box, sides: Iterable[Box]) -> list[Link]:
        """Return a chain of equalities, which are near ones from where a number is rounded."""
        links: list[Link] = []
        near = False
        for box in sides:
            near = near or has_rounded(box)
            links.append(Link(box, None if links else left, "approx" if near else "equals"))
        return links

    def given(self, name: str) -> Box:
        """Return a name and its numbers as one equation."""
        (link,) = self.chain(self.notation.leaf(name), [self.of(name)])
        return row(self.notation.leaf(name), op(link.sign), link.right)


class Board(Written):
    """The numbers of a trace, and the arithmetic between them."""

    def __init__(
        self, notation: Notation, trace: Point, *, digits: int = DIGITS, decimals: bool = False
    ):
        super().__init__(notation, trace, digits=digits, decimals=decimals)
        self.trace = trace
        self._works: dict[tuple[Any, ...], tuple[Work, Work]] = {}

    # -- chains ------------------------------------------------------------------------------------

    def whole(self, name: str, expr: Expr, first: Sequence[Expr] = ()) -> list[Link]:
        """Return a name, its formula, the numbers put in, and what they come to.

        Of the parts in `first` the values stand in the formula.
        """
        formula = self.notation.expr(expr)
        if expr.shape.extents(self.sizes) == (1, 1):
            return self.worked(name, expr, (0, 0), [formula], first=first)
        put_in = None if expr.is_var else self.put_in(expr, self.trace.rows(name), first)
        sides = [formula, *([] if put_in is None else [put_in]), self.of(name)]
        links = self.chain(self.notation.leaf(name), sides)
        return [links[0], *(link._replace(optional=True) for link in links[1:-1]), links[-1]]

    def worked(
        self,
        name: str,
        expr: Expr,
        place: tuple[int, ...],
        sides: Iterable[Box] = (),
        *,
        letters: bool = False,
        first: Sequence[Expr] = (),
        rows: Rows | None = None,
    ) -> list[Link]:
        """Return an entry as arithmetic: in letters if wanted, with its numbers, and its value.

        `sides` come before these; `rows` is what a false claim comes to.
        """
        value = Table(rows or self.trace.rows(name)).at(place)
        found = [self.in_letters(expr, place, first)] if letters else []
        found += [self.in_numbers(expr, place, value, first), self.number(value).box]
        shown = [*sides, *(box for box in found if box is not None)]
        return self.chain(self.entry(name, *place), shown)

    # -- entries -----------------------------------------------------------------------------------

    def in_letters(
        self, expr: Expr, place: tuple[int, ...], first: Sequence[Expr] = ()
    ) -> Box | None:
        """Return an entry as its definition has it, `None` where that is long."""

        def part(node: Expr, *place: int) -> Term:
            return Term(self.notation.math(EntryOf(node, place)), letter=True)

        def size(dim: str) -> Term:
            return Term(self.notation.dim(dim), letter=not dim.isdigit())

        work = self._work(
            lambda name, *place: Term(self.entry(name, *place), letter=True),
            lambda A, i, j: part(INV(A), i, j),
            lambda A: Term(self.notation.expr(DET(A)), letter=True),
            elide=self.elide, size=size,
        )  # fmt: skip
        for node, at in self._entries(first):
            work.view(node)[at] = part(node, *at)
        try:
            box = self._at(expr, place, work).box
        except TooLong:
            return None
        return box if len(broken(box, LINE)) <= LINES else None

    def in_numbers(
        self, expr: Expr, place: tuple[int, ...], value: Any, first: Sequence[Expr] = ()
    ) -> Box | None:
        """Return an entry as the arithmetic that its definition asks for, read again first."""

        def written() -> tuple[Box, Box] | None:
            short, whole = self._numbers(tuple(first))
            try:
                found = self._at(expr, place, short)
                dots = has_dots(found.box)
                complete = self._at(expr, place, whole) if dots else found
            except TooLong:
                return None
            if found.numbers == 1 and value == 0:  # not: -0 = 0
                return None
            entry = ", ".join(str(k + 1) for k in place)
            what = f"the arithmetic written for entry {entry} of {expr}"
            is_read = self._confirmed(complete.box, [[value]], what)
            return (found.box, complete.box) if is_read else None

        return self.sufficient(written, self.number(value).box)

    def _at(self, expr: Expr, place: tuple[int, ...], work: Work) -> Term:
        """Return an entry, that of the inverse of a small matrix by its cofactors."""
        if expr.op is INV and (size := self._expanded(expr.args[0])):
            (A,) = expr.args
            cells = Table.of((size, size), lambda *at: work.at(A, *at))
            return inverse_entry(cells, place, work.at(DET(A), 0, 0))
        return work.at(expr, *place)

    def _expanded(self, A: Expr) -> int:
        """Return the size of a matrix whose determinant is written out, 0 for another."""
        size = A.shape.extents(self.sizes)[0]
        return size if A.is_var and size <= COFACTORS else 0

    def _numbers(self, first: tuple[Expr, ...]) -> tuple[Work, Work]:
        """Return how entries are written in numbers: as they are shown, and with every term."""
        key = (self.digits, first)
        if key not in self._works:
            ways: tuple[dict[str, Any], ...] = ({"elide": self.elide}, {"most": TERMS})
            short, whole = (self._work(self._entry, self._inverse, self._det, **w) for w in ways)
            for node, at in self._entries(first):
                known = self.number(Table(self.trace.of(node)).at(at))
                short.view(node)[at] = whole.view(node)[at] = known
            self._works[key] = short, whole
        return self._works[key]

    def _entry(self, name: str, *place: int) -> Term:
        return self.number(Table(self.trace.rows(name)).at(place))

    def _inverse(self, A: Expr, i: int, j: int) -> Term:
        return self.number(self.trace.of(INV(A))[i][j])

    def _det(self, A: Expr) -> Term:
        if size := self._expanded(A):
            return minor_sum(Table.of((size, size), lambda *at: self._entry(A.data[0], *at)))
        return self.number(self.trace.of(DET(A))[0][0])

    def _work(self, *ways: Any, **options: Any) -> Work:
        sigma = not {"sigma", "Sigma"} & self.program.leaves.keys()
        return Work(self.sizes, *ways, sigma=sigma, **options)

    def _entries(self, parts: Sequence[Expr]) -> Iterator[tuple[Expr, tuple[int, ...]]]:
        for node in parts:
            yield from ((node, place) for place in places(node.shape.extents(self.sizes)))

    # -- matrices ----------------------------------------------------------------------------------

    def put_in(self, expr: Expr, rows: Rows, first: Sequence[Expr] = ()) -> Box | None:
        """Return a formula with its matrices put in, read again first: it comes to `rows`."""

        def written() -> tuple[Box, Box | None] | None:
            shown = complete = _PutIn(self, self.elide).put_in(expr, first)
            if has_dots(shown):
                area = sum(a * b for x in nodes(expr) for a, b in [x.shape.extents(self.sizes)])
                if area > AREA:
                    return shown, None
                complete = _PutIn(self, 0).put_in(expr, first)
            what = f"the formula {expr} with its matrices put in"
            return (shown, complete) if self._confirmed(complete, rows, what) else None

        return self.sufficient(written, self.matrix(rows))

    # -- read again --------------------------------------------------------------------------------

    def combined(self, parts: Sequence[Rows], sign: str, result: Rows) -> Box:
        """Return numbers with a sign between them, with enough digits to give the result."""

        def written() -> tuple[Box, Box]:
            first, *rest = (self.matrix(part) for part in parts)
            others = (paren(box) if is_sum(box) else box for box in rest)
            box = row(first, *(x for other in others for x in (op(sign), other)))
            return box, box

        found = self.sufficient(written, self.matrix(result))
        return written()[0] if found is None else found

    def sufficient(
        self, write: Callable[[], tuple[Box, Box | None] | None], result: Box
    ) -> Box | None:
        """Return what is written, with as many digits as it takes to give the printed result."""

        def written(digits: int) -> tuple[Box, Box | None] | None:
            self.digits = digits
            return write()

        try:
            return sufficient(written, result, self.fewest)
        finally:
            self.digits = self.fewest

    def _confirmed(self, box: Box, rows: Rows, what: str) -> bool:
        """Whether a layout, read again, comes to its numbers; a wrong one is never printed.

        One that cannot be read, for its roundings leave a sign open, is not confirmed.
        """
        try:
            with precision():
                right = comes_to(box, rows)
        except Unreadable:
            return False
        if not right:
            raise FaultError(
                f"{what} does not come to its numbers; this is a mistake of the program, and "
                "nothing is shown"
            )
        return True


class _PutIn(Notation):
    """The notation of a board in which every name is written as its numbers."""

    def __init__(self, board: Board, elide: int):
        own = board.notation
        super().__init__(own.derivation, replace(own.style, elide=elide))
        self.board = board
        self.parts: dict[str, Rows] = {}

    def put_in(self, expr: Expr, first: Sequence[Expr] = ()) -> Box:
        """Return a formula with its matrices put in."""
        known: dict[Expr, Expr] = {}
        for node in nodes(expr):
            if node is not expr and variables(node) and (node.op in WORKED_OUT or node in first):
                known[node] = var(f"#{len(known)}", node.shape)
                self.parts[f"#{len(known) - 1}"] = self.board.trace.of(node)
        inner = tuple(substitute(arg, known) for arg in expr.args)
        data = {"data": expr.data} if expr.op.takes_data else {}
        return tidied(self.expr(expr.op(*inner, **data)))

    def leaf(self, name: str) -> Box:
        found = self.parts.get(name)
        return self._matrix(self.board.trace.rows(name) if found is None else found)

    def _matrix(self, rows: Rows) -> Box:
        box = self.board.matrix(rows, self.style.elide)
        if len(rows) == len(rows[0]) == 1 and self.board.number(rows[0][0]).strength < ATOM:
            return paren(box)
        return box

    def dim(self, dim: Any) -> Box:
        return literal(extent(dim, self.board.sizes)).box

    def constant(self, kind: Op, shape: Shape) -> Box:
        one = {ONES: lambda i, j: True, EYE: lambda i, j: i == j}.get(kind, lambda i, j: False)
        extents = shape.extents(self.board.sizes)
        return self._matrix(Table.of(extents, lambda i, j: rational(int(one(i, j)))))


def tidied(box: Box, first: bool = True) -> Box:
    """Return numbers with a sign of multiplication between them, without needless brackets.

    There are none around a matrix, nor around a negative number that stands `first` or alone.

    >>> tidied(row(Box("num", text="2"), op("thin"), Box("num", text="3"))).parts[1].text
    'cdot'
    """
    if box.kind == "matrix":
        return box
    starts = {"row": first, "index": False, "sup": False}.get(box.kind, True)
    goes_on = box.kind != "row"  # in a row the first part alone begins
    parts = [tidied(part, starts if k == 0 else goes_on) for k, part in enumerate(box.parts)]
    if box.kind == "paren" and box.text == "round":
        negative = parts[0].kind == "row" and parts[0].parts[0] == op("negative")
        if parts[0].kind in ("matrix", "paren") or (
            first and negative and len(parts[0].parts) == 2
        ):
            return parts[0]
    if box.kind == "row":
        flat = [
            inner for part in parts for inner in (part.parts if part.kind == "row" else (part,))
        ]
        parts = []
        for k, part in enumerate(flat):
            near = flat[k - 1 : k] + flat[k + 1 : k + 2]
            if part == op("thin") and not any(x.kind == "matrix" for x in near):
                part = op("cdot")
            elif parts and _is_number(part) and _is_number(parts[-1]):
                parts.append(op("cdot"))
            parts.append(part)
    return Box(box.kind, tuple(parts), box.text)


def _is_number(box: Box) -> bool:
    return box.kind in ("num", "rounded", "frac", "paren", "root", "sup") and not (
        box.kind == "paren" and holds(box, "matrix")
    )


def has_dots(box: Box) -> bool:
    """Whether a layout leaves something out."""
    return any(part.kind == "op" and part.text.endswith("dots") for part in box.walk())


def needed(roots: Sequence[Expr], formulas: Mapping[str, Expr]) -> list[str]:
    """Return the names that formulas rest on and that have formulas themselves, in the order of
    the work."""
    order: dict[str, None] = {}

    def visit(expr: Expr) -> None:
        for leaf in variables(expr):
            name = leaf.data[0]
            if name in formulas and name not in order:
                visit(formulas[name])
                order[name] = None

    for root in roots:
        visit(root)
    return list(order)
