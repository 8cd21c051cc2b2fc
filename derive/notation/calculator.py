"""A calculator: layouts of numbers and matrices, read as they stand on the page.

What enters is a layout, what leaves is a matrix of numbers, or one; a rounded number counts as all
the numbers that are rounded to it. Nothing is known here of where a layout came from, so that what
is printed can be held against what it was printed for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from operator import add, mul, neg, sub, truediv
from typing import Any

from flint import arb

from derive.expressions.errors import DeriveError
from derive.expressions.expr import OPS, Op, elementwise
from derive.expressions.layout import Box, op, row, word
from derive.expressions.shape import Shape
from derive.ops import var
from derive.ops.elementwise import EQUAL, GREATER
from derive.ops.kronecker import KRON, UNVEC
from derive.ops.square import cofactor, determinant
from derive.readings.base import Table
from derive.readings.numbers import DomainError, Functions, Numbers, Real, Rows, is_exact, rational

#: So many more digits are shown where fewer would not give the printed result.
MORE = 12


class Unreadable(Exception):
    """A layout is not arithmetic, or holds dots."""


def value(box: Box) -> Any:
    """Return the number that written arithmetic comes to, an interval where numbers are rounded.

    >>> from derive.expressions.layout import num, paren
    >>> value(row(num(2), op("cdot"), paren(row(op("negative"), num(3))), op("plus"), num(1)))
    -5

    Raises `Unreadable` for letters, for dots, and for what is a matrix.
    """
    rows = table(box)
    if len(rows) != 1 or len(rows[0]) != 1:
        raise Unreadable("a matrix is no number")
    return rows[0][0]


def table(box: Box) -> Rows:
    """Return the matrix that a layout comes to; a number is a matrix of one entry.

    Raises `Unreadable` for letters, for dots, and for shapes that do not fit.
    """
    try:
        return _read(box).map(lambda x: x.value)
    except DomainError as error:
        raise Unreadable(error.message) from None


def comes_to(box: Box, rows: Rows) -> bool:
    """Whether a layout comes to these numbers: exactly, or as far as its roundings tell.

    Raises `Unreadable` like `table`.
    """
    return _agree(_overlap, table(box), rows)


def gives(box: Box, result: Box) -> bool:
    """Whether arithmetic, done with the digits that are printed, rounds to the printed result.

    >>> from derive.expressions.layout import num
    >>> two, result = num(2), Box("rounded", text="0.39")
    >>> [gives(row(Box("rounded", text=x), op("cdot"), two), result) for x in ("0.20", "0.197")]
    [False, True]

    Raises `Unreadable` like `table`.
    """
    matrix = result.kind == "matrix"
    cells = [cell for line in result.parts for cell in line.parts] if matrix else [result]
    return _agree(_rounds_to, table(_printed(box)), table(_printed(result)), cells)


def _agree(alike: Callable[..., bool], one: Rows, other: Rows, *beside: list[Box]) -> bool:
    """Whether matrices of one shape are alike entry by entry."""
    entries = (Table(one).flat(), Table(other).flat(), *beside)
    return [*map(len, one)] == [*map(len, other)] and all(map(alike, *entries))


def _overlap(a: Any, b: Any) -> bool:
    return bool(a == b) if is_exact(a) and is_exact(b) else bool(arb(a).overlaps(arb(b)))


def _rounds_to(a: Any, b: Any, cell: Box) -> bool:
    return bool(abs(arb(a) - arb(b)) <= arb(_half_unit(cell, b)))


def sufficient(
    write: Callable[[int], tuple[Box, Box | None] | None], result: Box, fewest: int
) -> Box | None:
    """Return arithmetic with as many digits as it takes to give the printed result.

    `write` returns for a number of digits what is shown, and the same without dots if it is to be
    read; the answer is none where it returns none, or where no number of digits is enough.
    """
    for digits in range(fewest, fewest + MORE):
        found = write(digits)
        if found is None:
            return None
        shown, complete = found
        try:
            if not complete or not has_rounded(complete) or gives(complete, result):
                return shown
        except Unreadable:  # with more digits a difference is no longer zero
            continue
    return None


def has_rounded(box: Box) -> bool:
    """Whether a layout holds a rounded number."""
    return box.kind == "rounded" or any(map(has_rounded, box.parts))


def _printed(box: Box) -> Box:
    """Return a layout in which a rounded number is the number that is printed."""
    if box.kind == "rounded":
        return Box("num", text=box.text)
    return Box(box.kind, tuple(map(_printed, box.parts)), box.text)


def _half_unit(cell: Box, value: Any) -> Any:
    """Return half a unit of the last digit of a rounded number, of the fourth of an exact one."""
    parts = _flat(cell)
    mantissa = next((part for part in parts if part.kind == "rounded"), None)
    if mantissa is None:
        size = abs(Fraction(int(value.p), int(value.q))) if is_exact(value) else Fraction(1)
        return rational(min(size, Fraction(1)) / 10_000 or Fraction(1, 10_000))
    places = len(mantissa.text.partition(".")[2])
    unit = rational(Fraction(1, 2 * 10**places))
    power = next((part for part in parts if part.kind == "sup"), None)
    return unit if power is None else unit * _number(power).value


# -- what stands side by side ----------------------------------------------------------------------

_SIGNS = {"plus": add, "minus": sub}
_ENTRYWISE = {"odot": mul, "oslash": truediv}
_POINTS = ("cdot", "thin")


def _flat(box: Box) -> tuple[Box, ...]:
    if box.kind != "row":
        return (box,)
    return tuple(inner for part in box.parts for inner in _flat(part))


def _split(box: Box, sign: Box) -> list[Box]:
    """Return what stands between signs."""
    found: list[list[Box]] = [[]]
    for part in _flat(box):
        if part == sign:
            found.append([])
        else:
            found[-1].append(part)
    return [row(*parts) for parts in found]


def _read(box: Box) -> Table:
    return _Reader(_flat(box)).total()


class _Reader:
    """Boxes side by side: sums of entrywise products of products of what has a value alone."""

    def __init__(self, parts: tuple[Box, ...]):
        self.parts, self.place = parts, 0

    @property
    def here(self) -> Box | None:
        return self.parts[self.place] if self.place < len(self.parts) else None

    def _take(self, *signs: str) -> str:
        here = self.here
        if here is None or here.kind != "op" or here.text not in signs:
            return ""
        self.place += 1
        return here.text

    def total(self) -> Table:
        negative = self._take("negative")
        found = self.entrywise()
        if negative:
            found = found.map(neg)
        while sign := self._take(*_SIGNS):
            found = _each(_SIGNS[sign], found, self.entrywise())
        if self.here is not None:
            raise Unreadable(f"a sum goes on with {self.here}")
        return found

    def entrywise(self) -> Table:
        found = self.product()
        while sign := self._take("otimes", *_ENTRYWISE):
            other = self.product()
            way = _ENTRYWISE.get(sign)
            found = _each(way, found, other) if way else _defined(KRON, [found, other])
        return found

    def product(self) -> Table:
        found = self.factor()
        while self._take(*_POINTS) or (self.here is not None and self.here.kind != "op"):
            found = _times(found, self.factor())
        return found

    def factor(self) -> Table:
        box = self.here
        if box is None:
            raise Unreadable("a number is missing")
        self.place += 1
        power = None
        if box.kind == "sup" and box.parts[0].kind == "word":  # tanh²(x)
            box, power = box.parts
        if _is_head(box):
            if box == word("log") and self._take("thin"):  # log det
                return _each(Functions().log, self.factor())
            argument = self.here
            if argument is None:
                raise Unreadable(f"{box} has no argument")
            self.place += 1
            if box.kind == "index" and box.parts[0] == word(UNVEC.name):
                return _filled(_arguments(argument), box.parts[1])
            found = _applied(box, _arguments(argument))
            return found if power is None else _raised(found, power)
        return _alone(box)


def _each(function: Callable[..., Any], *tables: Table) -> Table:
    """Apply a function entry by entry, to matrices of one shape or numbers beside them."""
    shapes = {t.extents for t in tables} - {(1, 1)}
    if len(shapes) > 1:
        raise Unreadable("matrices of different shapes are combined entry by entry")
    return Table.of(
        next(iter(shapes), (1, 1)),
        lambda i, j: function(*(t[i][j] if t.extents != (1, 1) else t[0][0] for t in tables)),
    )


def _times(a: Table, b: Table) -> Table:
    if (1, 1) in (a.extents, b.extents):
        return _each(mul, a, b)
    if len(a[0]) != len(b):
        raise Unreadable("matrices that do not fit are multiplied")
    columns = b.turned()
    return Table.of((len(a), len(columns)), lambda i, j: sum(map(mul, a[i], columns[j]), Real(0)))


# -- what has a value alone ------------------------------------------------------------------------


def _alone(box: Box) -> Table:
    match box.kind:
        case "num":
            return Table([[Real(Fraction(box.text))]])
        case "rounded":
            return Table([[Real(_rounded(box.text))]])
        case "matrix":
            return Table([_number(cell) for cell in line.parts] for line in box.parts)
        case "frac":
            return Table([[_number(box.parts[0]) / _number(box.parts[1])]])
        case "root":
            return _read(box.parts[0]).map(lambda x: x ** Fraction(1, 2))
        case "sup":
            return _raised(_read(box.parts[0]), box.parts[1])
        case "index" if box.parts[0].text == "double-bars":
            return _alone(box.parts[0])
        case "paren" if box.text == "bars":
            return _read(box.parts[0]).map(Functions().abs)
        case "paren" if box.text == "double-bars":
            squares = (x * x for x in _read(box.parts[0]).flat())
            return Table([[sum(squares, Real(0)) ** Fraction(1, 2)]])
        case "paren" if box.text == "iverson":
            return _compared(box.parts[0])
        case "paren":
            return _read(box.parts[0])
    raise Unreadable(f"{box} has no value")


def _number(box: Box) -> Real:
    found = _read(box)
    if found.extents != (1, 1):
        raise Unreadable("a matrix stands where a number belongs")
    return found[0][0]


def _rounded(text: str) -> Any:
    """Return the numbers that are rounded to a text: half a unit of its last digit around it."""
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise Unreadable(f"{text} is no rounded number")
    places = len(text.partition(".")[2])
    return arb(rational(Fraction(text)), rational(Fraction(1, 2 * 10**places)))


def _raised(base: Table, exponent: Box) -> Table:
    parts = _flat(exponent)
    if parts[0] == op("entrywise"):
        power = _exponent(parts[1:])
        return base.map(lambda x: x**power)
    if parts == (op("top"),):
        return base.turned()
    if parts == (op("negative"), op("top")):
        return _inverse(base).turned()
    power = _exponent(parts)
    if base.extents == (1, 1):
        return base.map(lambda x: x**power)
    if power != -1:
        raise Unreadable("a power of a matrix")
    return _inverse(base)


def _exponent(parts: tuple[Box, ...]) -> Fraction:
    if len(parts) == 1 and parts[0].kind == "raw":
        return Fraction(parts[0].text)
    found = _number(row(*parts)).value
    return Fraction(int(found.p), int(found.q))


def _inverse(rows: Table) -> Table:
    whole = determinant(rows)
    return Table.of(rows.extents, lambda i, j: cofactor(rows, j, i) / whole)


# -- functions -------------------------------------------------------------------------------------


def _is_head(box: Box) -> bool:
    """Whether a layout is the name of a function: a word, perhaps with an index."""
    inner = box.parts[0] if box.kind == "index" else box
    return inner.kind == "word" or box == op("sigma")


def _filled(arguments: list[Table], shape: Box) -> Table:
    """Return a matrix of a shape whose columns, one under the other, are the argument."""
    sides = _split(shape, op("times"))
    if len(arguments) != 1 or len(sides) != 2:
        raise Unreadable("a column and a shape are needed")
    rows, cols = (int(str(_number(side).value)) for side in sides)
    cells = [*arguments[0].flat()]
    if len(cells) != rows * cols:
        raise Unreadable("a column that does not fill its matrix")
    return Table.of((rows, cols), lambda i, j: cells[j * rows + i])


def _arguments(box: Box) -> list[Table]:
    if box.kind == "matrix":
        return [_alone(box)]
    if box.kind != "paren":
        raise Unreadable("a function without brackets")
    return [*map(_read, _split(box.parts[0], op("comma-space")))]


def _applied(head: Box, arguments: list[Table]) -> Table:
    """Apply the operator that is written so, by its definition."""
    known = _operator(head, len(arguments))
    if known is None and len(arguments) > 2:  # a maximum of many
        two = _applied(head, arguments[:2])
        return _applied(head, [two, *arguments[2:]])
    if known is None:
        raise Unreadable(f"there is no function {head}")
    return _defined(known[0], arguments, known[1])


def _defined(known: Op, arguments: list[Table], data: Any = None) -> Table:
    """Return what an operator makes of its arguments, by its definition."""
    leaves = [var(f"x{k}", Shape(*rows.extents)) for k, rows in enumerate(arguments)]
    values = {f"x{k}": rows for k, rows in enumerate(arguments)}
    try:
        whole = elementwise(known.name, *leaves) if known.derivatives else known(*leaves, data=data)
    except DeriveError as error:
        raise Unreadable(error.message) from None
    return Numbers({}, values).matrix(whole).map(Real)


def _operator(head: Box, count: int) -> tuple[Op, Any] | None:
    """Return the operator of the table with a head and a number of arguments, and its axes."""
    for known in OPS.values():
        if known.style == "call" and known.notation is None and known.arity == count:
            for data in known.axes or (None,):
                if head in (known.title(data), word(known.called)):
                    return known, data
    return None


def _compared(box: Box) -> Table:
    for sign, known in (("greater", GREATER), ("equals", EQUAL)):
        if len(sides := _split(box, op(sign))) == 2:
            return _defined(known, [*map(_read, sides)])
    raise Unreadable("a comparison without a sign")
