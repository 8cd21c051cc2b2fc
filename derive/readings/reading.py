"""Definitions read as forms: what an operator's entry says, over symbolic indices.

What enters is an expression and two indices, what leaves is the form of that entry. Products of
powers are multiplied out when their form is asked for, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.algebra.forms import Exponent, Form, exact, raised
from derive.algebra.values import Value
from derive.calculus.index import Index, along
from derive.calculus.square_laws import known_determinant, known_inverse
from derive.expressions.expr import Expr
from derive.expressions.shape import Dim, Pair, Product, factors as factors_of

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


class Reading:
    """The operators' definitions read as forms over symbolic indices.

    `meaning(name, i, j)` may give the form of an entry that is defined by something else.
    """

    sizes: Mapping[str, int] | None = None

    def __init__(
        self, ring: Ring, meaning: Callable[[str, Index, Index], Form | None] | None = None
    ):
        self.ring = ring
        self.meaning = meaning
        self.known: dict[tuple[Expr, Index, Index], Factored] = {}

    def of(self, expr: Expr, i: Index, j: Index) -> Form:
        """Return the form of the entry i, j of an expression."""
        return self.at(expr, i, j).form

    def at(self, expr: Expr, i: Index, j: Index) -> Factored:
        """Return the entry i, j of an expression as a product."""
        known = self.known.get((expr, i, j))
        if known is None:
            views = [_View(self, arg) for arg in expr.args]
            data = {"data": expr.data} if expr.op.takes_data else {}
            known = factored(self.ring, expr.op.entry(self, i, j, *views, **data))
            self.known[expr, i, j] = known
        return known

    def forget(self) -> None:
        """Read anew from now on: other laws hold of entries."""
        self.known = {}

    # -- what a definition may ask for -------------------------------------------------------------

    def sum(self, dim: Dim, body: Callable[[Index], Any]) -> Factored:
        if dim == 1:
            return factored(self.ring, body(0))
        if isinstance(dim, Product):
            return self._sum_along(dim, (), body)
        with self.ring.bound_words(1) as (word,):
            inner = factored(self.ring, body(word)).form
        return factored(self.ring, self.ring.sum(word, dim, inner))

    def _sum_along(self, dim: Product, parts: tuple, body: Callable[[Index], Any]) -> Factored:
        if len(parts) == len(dim.dims):
            return factored(self.ring, body(Pair(parts, dim.dims)))
        return self.sum(dim.dims[len(parts)], lambda k: self._sum_along(dim, (*parts, k), body))

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Factored:
        own = [factors_of(dim) for dim in dims]
        with self.ring.bound_words(sum(map(len, own))) as words:
            left = iter(words)
            places: list[Index] = []
            loops: list[tuple[Index, Dim]] = []
            for parts in own:
                index = tuple(next(left) for _ in parts)
                loops += zip(index, parts, strict=True)
                places.append(Pair(index, parts) if len(index) > 1 else index[0] if index else 0)
            form = factored(self.ring, body(*places)).form
        return factored(self.ring, self.ring.extremum(name, form, loops) if loops else form)

    def entry(self, leaf: tuple, i: Index, j: Index) -> Factored:
        name, shape = leaf
        i, j = 0 if shape.rows == 1 else i, 0 if shape.cols == 1 else j
        meant = self.meaning(name, i, j) if self.meaning else None
        return factored(self.ring, self.ring.entry(name, i, j) if meant is None else meant)

    def number(self, value: Exponent) -> Factored:
        return factored(self.ring, value)

    def size(self, dim: Dim) -> Factored:
        return factored(self.ring, self.ring.size(dim))

    def delta(self, i: Index, j: Index) -> Factored:
        return factored(self.ring, self.ring.delta(i, j))

    def function(self, name: str, *args: Any) -> Factored:
        forms = (factored(self.ring, arg).form for arg in args)
        return factored(self.ring, self.ring.function(name, *forms))

    def inverse(self, view: _View, i: Index, j: Index) -> Factored:
        """Return the entry i, j of an inverse, in smaller ones where a law knows it."""
        expr = view.expr
        known = known_inverse(expr)
        if known is not None:
            return self.at(known, i, j)
        if expr.shape.is_scalar:
            return self.at(expr, 0, 0) ** -1
        form = self.of(expr, along("@r", view.rows), along("@s", view.rows))
        return factored(self.ring, self.ring.inverse(form, view.rows, i, j))

    def det(self, view: _View) -> Factored:
        """Return a determinant, in smaller ones where a law knows it."""
        expr = view.expr
        known = known_determinant(expr)
        if known is not None:
            return self.at(known, 0, 0)
        if expr.shape.is_scalar:
            return self.at(expr, 0, 0)
        form = self.of(expr, along("@r", view.rows), along("@s", view.rows))
        return factored(self.ring, self.ring.det(form, view.rows))


class _View:
    """An argument of an operator: `A[i, k]`, `A.rows`, `A.cols`."""

    __slots__ = ("cols", "expr", "reading", "rows")

    def __init__(self, reading: Reading, expr: Expr):
        self.reading, self.expr = reading, expr
        self.rows, self.cols = expr.shape.dims

    def __getitem__(self, indices: tuple[Index, Index]) -> Factored:
        return self.reading.at(self.expr, *indices)
