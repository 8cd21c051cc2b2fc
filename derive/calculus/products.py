"""A product as what it is made of: numbers, scalars, and matrices entry by entry, with exponents.

What enters is an expression, what leaves is one product that equals it, scalars pulled out of
whatever is linear. A sum is an atom here. `Factors.expr` writes the product as a textbook does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod

from derive.expressions.expr import Expr, broadcast_to, nodes, number, rebuild, unrepeated
from derive.expressions.shape import SCALAR, Dim, Shape, factors, words
from derive.ops.elementwise import DIV, HALF, MUL, POW, SQRT
from derive.ops.kronecker import KRON_LEFT, KRON_RIGHT
from derive.ops.linear import (
    BROADCAST,
    DIM,
    MATMUL,
    NEG,
    NUMBER,
    ONES,
    SUB,
    TRANSPOSE,
    ZEROS,
    ones,
)
from derive.ops.reduction import CUMSUM, SUM

LINEAR = (KRON_LEFT, KRON_RIGHT)
ONE = Fraction(1)
#: An exponent; whole ones are integers, which are faster to add.
Exponent = int | Fraction


def whole(exponent: Fraction) -> Exponent:
    """Return an exponent as an integer, if it is one."""
    return int(exponent) if exponent.denominator == 1 else exponent


@dataclass(slots=True)
class Factors:
    """A product of numbers, dimensions, scalars and equal-shaped matrices with exponents."""

    shape: Shape
    coefficient: Fraction = ONE
    scalars: dict[Expr, Exponent] = field(default_factory=dict)
    matrices: dict[Expr, Exponent] = field(default_factory=dict)

    def key(self) -> tuple:
        """What distinguishes terms that cannot be added."""
        return frozenset(self.scalars.items()), tuple(self.matrices.items()), self.shape

    def key_of(self) -> tuple:
        """The same, whatever the order of the factors."""
        return frozenset(self.scalars.items()), frozenset(self.matrices.items()), self.shape

    def scaled(self, by: Fraction) -> Factors:
        return Factors(self.shape, self.coefficient * by, self.scalars, self.matrices)

    def times(self, other: Factors, exponent: int = 1) -> Factors:
        """Return the entrywise product with a power of another."""
        if exponent < 0 and other.coefficient == 0:
            raise ZeroDivisionError
        by = other.coefficient
        if by is not ONE and by != 1:
            by = self.coefficient * (by if exponent == 1 else by**exponent)
        else:
            by = self.coefficient
        result = Factors(self.shape, by)
        for mine, theirs, kept in (
            (self.scalars, other.scalars, result.scalars),
            (self.matrices, other.matrices, result.matrices),
        ):
            kept.update(mine)
            for base, power in theirs.items():
                total = kept.get(base, 0) + exponent * power
                if not total:
                    del kept[base]
                else:
                    kept[base] = total if isinstance(total, int) else whole(total)
        return result

    def expr(self) -> Expr:
        """Return the product as a textbook writes it: (2 * s) * (A * B) / (3 * n * C)."""
        shape = self.shape
        if self.coefficient == 0:
            return ZEROS(data=shape) if not shape.is_scalar else number(0)
        sign = -1 if self.coefficient < 0 else 1
        size = abs(self.coefficient)
        over = [power(base, e) for base, e in self.scalars.items() if e > 0]
        under = [power(base, -e) for base, e in self.scalars.items() if e < 0]
        above = [power(base, e) for base, e in self.matrices.items() if e > 0]
        below = [power(base, -e) for base, e in self.matrices.items() if e < 0]
        if sign < 0 and above and above[0].op is SUB:
            sign, above[0] = 1, SUB(*reversed(above[0].args))
        whole = number(sign * size.numerator) if size.numerator != 1 else None
        if not above and not shape.is_scalar and not below:
            above = [ones(*shape.dims)]
        front = [*([whole] if whole is not None else []), *over]
        top = multiplied([*front, *above])
        if top is None:
            top = number(1)
        if sign < 0 and whole is None:
            first, *others = [*over, *above] or [top]
            top = multiplied([-first, *others]) or -top
        denominators = [*([number(size.denominator)] if size.denominator != 1 else []), *under]
        bottom = multiplied([*denominators, *below])
        if bottom is not None:
            if bottom.op is NUMBER and top.op is NUMBER:
                return number(top.data / bottom.data)
            top = top / bottom
        return broadcast_to(top, shape)


def multiplied(factors: list[Expr]) -> Expr | None:
    """Return the product from left to right, repeated only where the next factor asks for it."""
    product = None
    for factor in factors:
        bare = unrepeated(factor)
        product = bare if product is None else product * bare
    return product


def power(base: Expr, exponent: Exponent) -> Expr:
    if base.op is BROADCAST:
        return broadcast_to(power(base.args[0], exponent), base.shape)
    if exponent == 1:
        return base
    return SQRT(base) if exponent == HALF else base**exponent


def as_written(root: Expr, numerals: Collection[Fraction]) -> Expr:
    """Return an expression in which what is divided is multiplied, where the quotient of numbers is
    one that somebody wrote: halves and quarters come out of derivatives, and stay quotients.

    >>> from derive.language.parse import parse
    >>> str(as_written(parse("X: (n, n); Y = X / 10 - 3 * X / 8").statements[0].expr,
    ...                [Fraction(1, 10), Fraction(3, 8)]))
    '1 / 10 * X - 3 * X / 8'
    """
    done: dict[Expr, Expr] = {}
    for node in nodes(root):
        now = rebuild(node, tuple(done[arg] for arg in node.args))
        if now.op is DIV:
            (above, top), (below, bottom) = map(_lead, now.args)
            value = above / below if below.denominator == 1 else Fraction(0)
            if abs(value) in numerals and value.denominator & (value.denominator - 1):
                found = number(value) if top is None else number(value) * top
                now = broadcast_to(found if bottom is None else found / bottom, now.shape)
        done[node] = now
    return done[root]


def _lead(e: Expr) -> tuple[Fraction, Expr | None]:
    """Return the number with which a product begins, and the rest of it."""
    bare = unrepeated(e)
    if bare.op is NUMBER:
        return bare.data, None
    if bare.op is NEG:
        lead, rest = _lead(bare.args[0])
        return -lead, rest
    if bare.op is MUL:
        lead, rest = _lead(bare.args[0])
        if lead != 1:
            return lead, bare.args[1] if rest is None else rest * bare.args[1]
    return ONE, bare


def factors_of(e: Expr) -> Factors:
    """Return an expression as a product, scalars pulled out of what is linear."""
    if e.op is NUMBER:
        return Factors(e.shape, e.data)
    if e.op is ZEROS:
        return Factors(e.shape, Fraction(0))
    if e.op is ONES:
        return Factors(e.shape)
    if e.op is NEG:
        return factors_of(e.args[0]).scaled(Fraction(-1))
    if e.op in (MUL, DIV):
        a, b = (factors_of(arg) for arg in e.args)
        if e.op is DIV and b.coefficient == 0:
            return atom(e)
        return a.times(b, 1 if e.op is MUL else -1)
    if e.op is POW and e.data.denominator == 1:
        inner = factors_of(e.args[0])
        if e.data > 0 or inner.coefficient != 0:
            return Factors(e.shape).times(inner, int(e.data)) if inner.coefficient else atom(e)
        return atom(e)
    if e.op is BROADCAST:
        inner = factors_of(e.args[0])
        if e.args[0].shape == SCALAR:
            return Factors(e.shape, inner.coefficient, inner.scalars)
        return _outside(e, inner, lambda rest: broadcast_to(rest, e.shape))
    if e.op in (TRANSPOSE, SUM, CUMSUM):
        inner = factors_of(e.args[0])
        if e.op is SUM and not inner.matrices:
            constant = Factors(e.shape, inner.coefficient, dict(inner.scalars))
            return constant.times(counted(e.args[0].shape, e.data, e.shape))
        return _outside(e, inner, lambda rest: e.op(rest, data=e.data))
    if e.op in LINEAR:
        first, other = e.args
        return _outside(e, factors_of(first), lambda rest: e.op(rest, other))
    if e.op is MATMUL:
        a, b = (factors_of(arg) for arg in e.args)
        for scalar, matrix in ((a, b), (b, a)):
            if scalar.shape == SCALAR:
                return (
                    Factors(e.shape)
                    .times(matrix)
                    .times(Factors(e.shape, scalar.coefficient, scalar.scalars))
                )
        rest = rest_of(a) @ rest_of(b)
        found = atom(rest if rest is not e else e)
        return found.times(Factors(e.shape, a.coefficient * b.coefficient, a.scalars)).times(
            Factors(e.shape, ONE, b.scalars)
        )
    return atom(e)


def atom(e: Expr) -> Factors:
    if e.shape == SCALAR:
        return Factors(e.shape, ONE, {e: 1})
    return Factors(e.shape, ONE, {}, {e: 1})


def single(shape: Shape, base: Expr, exponent: Exponent = 1) -> Factors:
    """Return a power as a product of a shape: of a scalar, or of a matrix of that shape."""
    found: dict[Expr, Exponent] = {base: exponent}
    return Factors(shape, ONE, *((found, {}) if base.shape == SCALAR else ({}, found)))


def rest_of(factors: Factors) -> Expr:
    """Return a product without its scalars."""
    return Factors(factors.shape, ONE, {}, factors.matrices).expr()


def _outside(e: Expr, inner: Factors, wrap: Callable[[Expr], Expr]) -> Factors:
    found = atom(wrap(rest_of(inner)))
    return found.times(Factors(found.shape, inner.coefficient, inner.scalars))


def counted(whole: Shape, axes: tuple[int, ...], shape: Shape) -> Factors:
    """Return the number of entries along axes of a matrix, as a factor of a shape."""
    result = Factors(shape)
    for extent in whole.along(axes):
        result = result.times(Factors(shape, *_size(extent)))
    return result


def _size(extent: Dim) -> tuple[Fraction, dict[Expr, Exponent]]:
    if isinstance(extent, int):
        return Fraction(extent), {}
    found: dict[Expr, Exponent] = {}
    for word in words(extent):
        dim = DIM(data=word)
        found[dim] = found.get(dim, 0) + 1
    return Fraction(prod(f for f in factors(extent) if isinstance(f, int))), found
