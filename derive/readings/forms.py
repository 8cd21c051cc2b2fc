"""Definitions read as forms: what an operator's entry says, over symbolic indices.

What enters is an expression and a place, what leaves is the form of that entry. Products of
powers are multiplied out when their form is asked for, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.algebra.forms import Exponent, Form, exact, raised
from derive.algebra.values import Value
from derive.calculus.index import Index
from derive.expressions.expr import Expr
from derive.expressions.shape import Dim
from derive.readings.base import Loops, OverIndices, View

if TYPE_CHECKING:
    from derive.algebra.normal import Ring


class Factored:
    """A product of powers of forms, multiplied out when its form is asked for.

    So 1 / (x y²) is x⁻¹ y⁻², whatever x and y are.
    """

    __slots__ = ("coefficient", "factors", "ring", "whole")

    def __init__(self, ring: Ring, coefficient: Exponent, factors: list[tuple[Form, Exponent]]):
        self.ring = ring
        self.coefficient = coefficient
        self.factors = factors
        self.whole: Form | None = None

    @property
    def form(self) -> Form:
        if self.whole is None:
            powers = (self.ring.power(base, e) for base, e in self.factors)
            product = self.ring.product(powers)
            self.whole = (
                product if self.coefficient == 1 else self.ring.scale(self.coefficient, product)
            )
        return self.whole

    def _other(self, other: Any) -> Factored:
        return factored(self.ring, other)

    def __add__(self, other: Any) -> Factored:
        return factored(self.ring, self.ring.add(self.form, self._other(other).form))

    def __neg__(self) -> Factored:
        return Factored(self.ring, -self.coefficient, self.factors)

    def __sub__(self, other: Any) -> Factored:
        return self + -self._other(other)

    def __rsub__(self, other: Any) -> Factored:
        return -self + other

    def __mul__(self, other: Any) -> Factored:
        other = self._other(other)
        factors = list(self.factors)
        for base, exponent in other.factors:
            for place, (known, power) in enumerate(factors):
                if base and (known is base or known == base):
                    factors[place] = (known, exact(power + exponent))
                    break
            else:
                factors.append((base, exponent))
        kept = [(base, exponent) for base, exponent in factors if exponent]
        return Factored(self.ring, exact(self.coefficient * other.coefficient), kept)

    def __pow__(self, exponent: Exponent) -> Factored:
        exponent = exact(exponent)
        if not isinstance(exponent, int):
            return Factored(self.ring, 1, [(self.form, exponent)])
        factors = [(base, exact(e * exponent)) for base, e in self.factors] if exponent else []
        return Factored(self.ring, raised(self.coefficient, exponent), factors)

    def __truediv__(self, other: Any) -> Factored:
        return self * self._other(other) ** -1

    def __rtruediv__(self, other: Any) -> Factored:
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__


def factored(ring: Ring, value: Any) -> Factored:
    """Return a number, a form or a value as a product of one factor."""
    if isinstance(value, Factored):
        return value
    if isinstance(value, int | Fraction) and value:
        return Factored(ring, exact(value), [])
    form = value if isinstance(value, dict) else value.form if isinstance(value, Value) else {}
    return Factored(ring, 1, [(form, 1)])


class Forms(OverIndices):
    """The operators' definitions read as forms over symbolic indices.

    `meaning(name, *place)` may give the form of an entry that is defined by something else.
    """

    def __init__(self, ring: Ring, meaning: Callable[..., Form | None] | None = None):
        super().__init__()
        self.ring = ring
        self.meaning = meaning

    def of(self, expr: Expr, *place: Index) -> Form:
        """Return the form of an entry of an expression."""
        return self.at(expr, *place).form

    def lifted(self, value: Any) -> Factored:
        return factored(self.ring, value)

    def bound(self, count: int) -> AbstractContextManager[Iterable[Index]]:
        return self.ring.bound_words(count)

    def total(self, word: Index, dim: Dim, body: Factored) -> Factored:
        return self.lifted(self.ring.sum(word, dim, body.form))

    def most(self, name: str, loops: Loops, body: Factored) -> Factored:
        return self.lifted(self.ring.extremum(name, body.form, loops))

    def square(self, view: View, body: Factored, *place: Index) -> Factored:
        ring = self.ring
        if place:
            return self.lifted(ring.inverse(body.form, view.rows, *place))
        return self.lifted(ring.det(body.form, view.rows))

    def entry(self, leaf: tuple, *place: Index) -> Factored:
        name, shape = leaf
        place = tuple([0 if dim == 1 else k for k, dim in zip(place, shape.dims, strict=True)])
        meant = self.meaning(name, *place) if self.meaning else None
        return self.lifted(self.ring.entry(name, *place) if meant is None else meant)

    def size(self, dim: Dim) -> Factored:
        return self.lifted(self.ring.size(dim))

    def delta(self, i: Index, j: Index) -> Factored:
        return self.lifted(self.ring.delta(i, j))

    def le(self, i: Index, j: Index) -> Factored:
        return self.lifted(self.ring.le(i, j))

    def function(self, name: str, *args: Any) -> Factored:
        return self.lifted(self.ring.function(name, *(self.lifted(arg).form for arg in args)))
