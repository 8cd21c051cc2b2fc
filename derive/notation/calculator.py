"""A calculator: layouts of numbers and matrices, read as they stand on the page.

What enters is a layout, what leaves is a matrix of numbers, or one; a rounded number counts as all
the numbers that are rounded to it. Nothing is known here of where a layout came from, so that what
is printed can be held against what it was printed for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
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
        return [[x.value for x in line] for line in _read(box)]
    except DomainError as error:
        raise Unreadable(error.message) from None


def comes_to(box: Box, rows: Rows) -> bool:
    """Whether a layout comes to these numbers: exactly, or as far as its roundings tell.

    Raises `Unreadable` like `table`.
    """
    found = table(box)
    if [len(line) for line in found] != [len(line) for line in rows]:
        return False
    return all(
        bool(a == b) if is_exact(a) and is_exact(b) else bool(arb(a).overlaps(arb(b)))
        for line, other in zip(found, rows, strict=True)
        for a, b in zip(line, other, strict=True)
    )


def gives(box: Box, result: Box) -> bool:
    """Whether arithmetic, done with the digits that are printed, rounds to the printed result.

    >>> from derive.expressions.layout import num
    >>> two, result = num(2), Box("rounded", text="0.39")
    >>> [gives(row(Box("rounded", text=x), op("cdot"), two), result) for x in ("0.20", "0.197")]
    [False, True]

    Raises `Unreadable` like `table`.
    """
    found, wanted = table(_printed(box)), table(_printed(result))
    cells = [cell for line in result.parts for cell in line.parts] if result.kind == "matrix" else [
        result
    ]  # fmt: skip
    if [len(line) for line in found] != [len(line) for line in wanted]:
        return False
    pairs = zip((x for line in found for x in line), (x for line in wanted for x in line),
                cells, strict=True)  # fmt: skip
    return all(abs(arb(a) - arb(b)) <= arb(_half_unit(cell, b)) for a, b, cell in pairs)


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

_SIGNS = ("plus", "minus")
_ENTRYWISE = ("odot", "oslash", "otimes")
_POINTS = ("cdot", "thin")


def _flat(box: Box) -> tuple[Box, ...]:
    if box.kind != "row":
        return (box,)
    return tuple(inner for part in box.parts for inner in _flat(part))


def _read(box: Box) -> Rows:
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

    def total(self) -> Rows:
        negative = bool(self._take("negative"))
        found = self.entrywise()
        if negative:
            found = _each(lambda x: -x, found)
        while sign := self._take(*_SIGNS):
            other = self.entrywise()
            found = _each((lambda a, b: a + b) if sign == "plus" else (lambda a, b: a - b),
                          found, other)  # fmt: skip
        if self.here is not None:
            raise Unreadable(f"a sum goes on with {self.here}")
        return found

    def entrywise(self) -> Rows:
        found = self.product()
        while sign := self._take(*_ENTRYWISE):
            other = self.product()
            if sign == "otimes":
                found = _defined(KRON, [found, other])
                continue
            found = _each((lambda a, b: a * b) if sign == "odot" else (lambda a, b: a / b),
                          found, other)  # fmt: skip
        return found

    def product(self) -> Rows:
        found = self.factor()
        while self._take(*_POINTS) or (self.here is not None and self.here.kind != "op"):
            found = _times(found, self.factor())
        return found

    def factor(self) -> Rows:
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


def _each(function: Callable[..., Any], *tables: Rows) -> Rows:
    """Apply a function entry by entry, to matrices of one shape or numbers beside them."""
    rows = max(len(t) for t in tables)
    cols = max(len(t[0]) for t in tables)
    for t in tables:
        if (len(t), len(t[0])) not in ((rows, cols), (1, 1)):
            raise Unreadable("matrices of different shapes are combined entry by entry")
    spread = [t if len(t) == rows and len(t[0]) == cols else [t[0] * cols] * rows for t in tables]
    return [[function(*(t[i][j] for t in spread)) for j in range(cols)] for i in range(rows)]


def _times(a: Rows, b: Rows) -> Rows:
    if 1 in (len(a) * len(a[0]), len(b) * len(b[0])):
        return _each(lambda x, y: x * y, a, b)
    if len(a[0]) != len(b):
        raise Unreadable("matrices that do not fit are multiplied")
    columns = list(zip(*b, strict=True))
    return [[sum((x * y for x, y in zip(line, column, strict=True)), Real(0))
             for column in columns] for line in a]  # fmt: skip


# -- what has a value alone ------------------------------------------------------------------------


def _alone(box: Box) -> Rows:
    match box.kind:
        case "num":
            return [[Real(Fraction(box.text))]]
        case "rounded":
            return [[Real(_rounded(box.text))]]
        case "matrix":
            return [[_number(cell) for cell in line.parts] for line in box.parts]
        case "frac":
            return [[_number(box.parts[0]) / _number(box.parts[1])]]
        case "root":
            return _each(lambda x: x ** Fraction(1, 2), _read(box.parts[0]))
        case "sup":
            return _raised(_read(box.parts[0]), box.parts[1])
        case "index" if box.parts[0].text == "double-bars":
            return _alone(box.parts[0])
        case "paren" if box.text == "bars":
            return _each(Functions().abs, _read(box.parts[0]))
        case "paren" if box.text == "double-bars":
            cells = [x * x for line in _read(box.parts[0]) for x in line]
            return [[sum(cells, Real(0)) ** Fraction(1, 2)]]
        case "paren" if box.text == "iverson":
            return _compared(box.parts[0])
        case "paren":
            return _read(box.parts[0])
    raise Unreadable(f"{box} has no value")


def _number(box: Box) -> Real:
    ((found,),) = _single(_read(box))
    return found


def _single(rows: Rows) -> Rows:
    if len(rows) != 1 or len(rows[0]) != 1:
        raise Unreadable("a matrix stands where a number belongs")
    return rows


def _rounded(text: str) -> Any:
    """Return the numbers that are rounded to a text: half a unit of its last digit around it."""
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise Unreadable(f"{text} is no rounded number")
    places = len(text.partition(".")[2])
    return arb(rational(Fraction(text)), rational(Fraction(1, 2 * 10**places)))


def _raised(base: Rows, exponent: Box) -> Rows:
    parts = _flat(exponent)
    if parts[0] == op("entrywise"):
        power = _exponent(parts[1:])
        return _each(lambda x: x**power, base)
    if parts == (op("top"),):
        return _transposed(base)
    if parts == (op("negative"), op("top")):
        return _transposed(_inverse(base))
    power = _exponent(parts)
    if len(base) == 1 == len(base[0]):
        return _each(lambda x: x**power, base)
    if power != -1:
        raise Unreadable("a power of a matrix")
    return _inverse(base)


def _exponent(parts: tuple[Box, ...]) -> Fraction:
    if len(parts) == 1 and parts[0].kind == "raw":
        return Fraction(parts[0].text)
    found = _number(row(*parts)).value
    return Fraction(int(found.p), int(found.q))


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _inverse(rows: Rows) -> Rows:
    whole = determinant(rows)
    places = range(len(rows))
    return [[cofactor(rows, j, i) / whole for j in places] for i in places]


# -- functions -------------------------------------------------------------------------------------


def _is_head(box: Box) -> bool:
    """Whether a layout is the name of a function: a word, perhaps with an index."""
    inner = box.parts[0] if box.kind == "index" else box
    return inner.kind == "word" or box == op("sigma")


def _filled(arguments: list[Rows], shape: Box) -> Rows:
    """Return a matrix of a shape whose columns, one under the other, are the argument."""
    sides: list[list[Box]] = [[]]
    for part in _flat(shape):
        if part == op("times"):
            sides.append([])
        else:
            sides[-1].append(part)
    if len(arguments) != 1 or len(sides) != 2:
        raise Unreadable("a column and a shape are needed")
    rows, cols = (int(str(_number(row(*side)).value)) for side in sides)
    cells = [x for line in arguments[0] for x in line]
    if len(cells) != rows * cols:
        raise Unreadable("a column that does not fill its matrix")
    return [[cells[j * rows + i] for j in range(cols)] for i in range(rows)]


def _arguments(box: Box) -> list[Rows]:
    if box.kind == "matrix":
        return [_alone(box)]
    if box.kind != "paren":
        raise Unreadable("a function without brackets")
    arguments: list[list[Box]] = [[]]
    for part in _flat(box.parts[0]):
        if part == op("comma-space"):
            arguments.append([])
        else:
            arguments[-1].append(part)
    return [_read(row(*parts)) for parts in arguments]


def _applied(head: Box, arguments: list[Rows]) -> Rows:
    """Apply the operator that is written so, by its definition."""
    known = _operator(head, len(arguments))
    if known is None and len(arguments) > 2:  # a maximum of many
        two = _applied(head, arguments[:2])
        return _applied(head, [two, *arguments[2:]])
    if known is None:
        raise Unreadable(f"there is no function {head}")
    return _defined(known[0], arguments, known[1])


def _defined(known: Op, arguments: list[Rows], data: Any = None) -> Rows:
    """Return what an operator makes of its arguments, by its definition."""
    leaves = [var(f"x{k}", Shape(len(t), len(t[0]))) for k, t in enumerate(arguments)]
    values = {leaf.data[0]: rows for leaf, rows in zip(leaves, arguments, strict=True)}
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


def _compared(box: Box) -> Rows:
    parts = _flat(box)
    for place, part in enumerate(parts):
        if part in (op("greater"), op("equals")):
            sides = _read(row(*parts[:place])), _read(row(*parts[place + 1 :]))
            return _defined(GREATER if part == op("greater") else EQUAL, list(sides))
    raise Unreadable("a comparison without a sign")
