"""Arithmetic that is written down: entries by the operators' definitions, as a layout.

What enters is an expression and how its names' entries are written, as numbers or as letters; what
leaves is a layout in which every bracket is that the reader needs. Nothing is evaluated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from derive.expressions.expr import OPS, Expr
from derive.expressions.layout import Box, frac, num, op, paren, raw, row, sup, word
from derive.expressions.shape import extent
from derive.notation.joining import is_word
from derive.notation.numerals import fraction
from derive.readings.base import AtSizes, View

#: Arithmetic with more numbers than this is left to the reader.
LONGEST = 60
SUM, PRODUCT, ATOM = range(3)


class TooLong(Exception):
    """The arithmetic is more than a reader would check."""


class Term(NamedTuple):
    """A number as it is calculated: its layout, how strongly it binds, how many numbers it has.

    A `letter` stands beside another without a sign of multiplication.
    """

    box: Box
    strength: int = ATOM
    numbers: int = 1
    letter: bool = False

    def __add__(self, other: Any) -> Term:
        return _joined(SUM, self, "plus", _term(other))

    def __radd__(self, other: Any) -> Term:
        return _joined(SUM, _term(other), "plus", self)

    def __sub__(self, other: Any) -> Term:
        return _joined(SUM, self, "minus", _term(other))

    def __rsub__(self, other: Any) -> Term:
        return _joined(SUM, _term(other), "minus", self)

    def __mul__(self, other: Any) -> Term:
        return _joined(PRODUCT, self, "cdot", _term(other))

    def __rmul__(self, other: Any) -> Term:
        return _joined(PRODUCT, _term(other), "cdot", self)

    def __truediv__(self, other: Any) -> Term:
        other = _term(other)
        count = self.numbers + other.numbers
        if _is_fraction(self.box) and not _is_fraction(other.box):  # no storeys on a fraction
            above = self.box if self.box.kind == "frac" else paren(self.box)
            return Term(row(above, op("cdot"), frac(num(1), other.box)), PRODUCT, count)
        return Term(frac(self.box, other.box), PRODUCT, count)

    def __rtruediv__(self, other: Any) -> Term:
        return _term(other) / self

    def __neg__(self) -> Term:
        inner = self.box if self.strength == ATOM else paren(self.box)
        return Term(row(op("negative"), inner), SUM, self.numbers)

    def __pow__(self, exponent: Any) -> Term:
        exponent = Fraction(exponent)
        if exponent == Fraction(1, 2):
            return Term(Box("root", (self.box,)), ATOM, self.numbers)
        bare = self.strength == ATOM and self.box.kind in ("num", "rounded", "id", "index", "paren")
        base = self.box if bare else paren(self.box)
        return Term(sup(base, raw(str(exponent))), ATOM, self.numbers)


#: The middle of a long sum.
DOTS = Term(op("cdots"))


def _joined(strength: int, left: Term, sign: str, right: Term) -> Term:
    a = left.box if left.strength >= strength else paren(left.box)
    loose = right.strength < strength or right.strength == SUM
    if sign == "plus" and _flat(right.box)[0] != op("negative"):
        loose = False  # a sum of sums is a sum
    b = paren(right.box) if loose else right.box
    between = [op(sign)]
    if strength == PRODUCT and left.letter and right.letter:
        near = _flat(a)[-1], _flat(b)[0]
        between = [op("thin")] if any(x.kind == "frac" or is_word(x) for x in near) else []
    letter = left.letter and right.letter and strength == PRODUCT
    return Term(row(*_flat(a), *between, *_flat(b)), strength, left.numbers + right.numbers, letter)


def _is_fraction(box: Box) -> bool:
    return any(part.kind == "frac" and not _is_letters(part) for part in _flat(box))


def _is_letters(box: Box) -> bool:
    """Whether a fraction is a letter of its own, such as a partial derivative."""
    return any(part.kind in ("id", "word") or _is_letters(part) for part in box.parts)


def _flat(box: Box) -> tuple[Box, ...]:
    return box.parts if box.kind == "row" else (box,)


def numeral_term(box: Box) -> Term:
    """Return a printed number in arithmetic, where a sign or a power of ten binds it together."""
    if box.kind != "row":
        return Term(box)
    return Term(box, SUM if box.parts[0] == op("negative") else PRODUCT)


def literal(value: int | Fraction) -> Term:
    """Return an exact number as it is written, a fraction over its denominator."""
    return numeral_term(fraction(value))


def _term(value: Any) -> Term:
    return value if isinstance(value, Term) else literal(value)


def minor_sum(cells: list[list[Term]]) -> Term:
    """Return the determinant of a small matrix, expanded along its first row.

    >>> from derive.notation.latex import latex
    >>> latex(minor_sum([[literal(1), literal(2)], [literal(3), literal(4)]]).box)
    '1 \\\\cdot 4 - 2 \\\\cdot 3'
    """
    if len(cells) == 1:
        return cells[0][0]
    total: Term | None = None
    for k, first in enumerate(cells[0]):
        term = first * minor_sum([row[:k] + row[k + 1 :] for row in cells[1:]])
        total = term if total is None else total - term if k % 2 else total + term
    assert total is not None
    return total


def inverse_entry(cells: list[list[Term]], place: tuple[int, ...], det: Term) -> Term:
    """Return an entry of the inverse of a small matrix: a cofactor over the determinant."""
    i, j = place
    if len(cells) == 1:
        return literal(1) / det
    left = [row[:i] + row[i + 1 :] for r, row in enumerate(cells) if r != j]
    cofactor = minor_sum(left)
    return (-cofactor if (i + j) % 2 else cofactor) / det


# -- entries ---------------------------------------------------------------------------------------


class Work(AtSizes):
    """Entries by the operators' definitions, as arithmetic to be written down.

    `entry(name, *place)` writes an entry of a variable, `inverse(expr, i, j)` and `det(expr)` what
    has no closed definition, `size(dim)` a dimension; `sigma` writes sigmoids so. A sum of more
    than `elide` terms has dots in the middle, `0` for never. Raises `TooLong` beyond `most`.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        entry: Callable[..., Term],
        inverse: Callable[[Expr, int, int], Term],
        det: Callable[[Expr], Term],
        *,
        elide: int = 0,
        most: int = LONGEST,
        size: Callable[[str], Term] | None = None,
        sigma: bool = False,
    ):
        super().__init__(sizes)
        self.elide, self.most, self.sigma = elide, most, sigma
        self._entry, self._inverse, self._det, self._size = entry, inverse, det, size

    def lifted(self, value: Any) -> Term:
        term = _term(value)
        if term.numbers > self.most:
            raise TooLong
        return term

    def sum(self, dim: Any, body: Callable[[int], Any]) -> Term:
        count = extent(dim, self.sizes)
        if self.elide and count > self.elide:
            return self.lifted(_term(body(0)) + body(1) + DOTS + body(count - 1))
        total = _term(body(0))
        for k in range(1, count):
            total = self.lifted(total + body(k))
        return total

    def winner(self, name: str, entries: list[Term]) -> Term:
        if self.elide and len(entries) > self.elide:
            entries = [*entries[:2], DOTS, entries[-1]]
        return self.function(name, *entries) if len(entries) > 1 else entries[0]

    def entry(self, leaf: tuple, *place: int) -> Term:
        return self._entry(leaf[0], *place)

    def size(self, dim: Any) -> Term:
        if self._size is not None and isinstance(dim, str):
            return self._size(dim)
        return super().size(dim)

    def inverse(self, A: View, i: int, j: int) -> Term:
        return self._inverse(A.expr, i, j)

    def det(self, A: View) -> Term:
        return self._det(A.expr)

    def function(self, name: str, *args: Any) -> Term:
        values = [_term(arg) for arg in args]
        boxes = [value.box for value in values]
        inside = OPS[name].written(*boxes, head=None if self.sigma else word(name))
        return self.lifted(Term(inside, ATOM, sum(value.numbers for value in values) + 1))
