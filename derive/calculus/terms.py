"""An expression as a sum of products, and back: terms multiplied out, collected, factored.

What enters is an expression; what leaves is a list of products, `Factors`, that add up to it. In a
product of matrices transposes stand at the factors, what is a scalar stands before it, and a matrix
next to its inverse is gone. `Terms.of` multiplies out only where it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise, product as cartesian

from derive.calculus.length import length
from derive.calculus.products import (
    ONE,
    Exponent,
    Factors,
    atom,
    counted as number_of_terms,
    single,
    whole,
)
from derive.expressions.expr import Expr, broadcast_to, rebuild, unrepeated
from derive.expressions.shape import SCALAR, Shape
from derive.ops.elementwise import DIV, EQUAL, GREATER, HALF, MUL, POW, SQRT, WHERE
from derive.ops.kronecker import KRON, KRON_LEFT, KRON_RIGHT, UNVEC, VEC
from derive.ops.linear import (
    ADD,
    BROADCAST,
    EYE,
    MATMUL,
    NEG,
    NUMBER,
    ONES,
    SUB,
    TRANSPOSE,
    ZEROS,
)
from derive.ops.reduction import ALL, CUMSUM, MEAN, SUM, TRACE
from derive.ops.rows import DIAG, DIAGONAL
from derive.ops.square import INV

#: Operators that are linear in their first argument.
LINEAR = (DIAG, DIAGONAL, UNVEC, VEC, TRACE, CUMSUM, KRON_LEFT, KRON_RIGHT)
#: More terms than these are not multiplied out.
MOST_TERMS = 48


class TooMany(Exception):
    """A product has too many terms to be multiplied out."""


def entrywise(e: Expr) -> bool:
    """Whether an entry of the value is made of the same entry of each argument."""
    infix = e.op.style == "infix" and e.op is not MATMUL
    return bool(infix or e.op.style in ("prefix", "power") or e.op.derivatives)


def chain(e: Expr) -> list[Expr]:
    """Return the factors of a product of matrices, in their order."""
    found: list[Expr] = []
    waiting = [e]
    while waiting:
        node = waiting.pop()
        if node.op is MATMUL:
            waiting += reversed(node.args)
        else:
            found.append(node)
    return found


def inverted(e: Expr) -> list[Expr]:
    """Return the factors of what an inverse, or the transpose of one, is the inverse of."""
    if e.op is TRANSPOSE and e.args[0].op is INV:
        return [_flipped(factor) for factor in reversed(inverted(e.args[0]))]
    return chain(e.args[0]) if e.op is INV else []


def _flipped(e: Expr) -> Expr:
    return e.args[0] if e.op is TRANSPOSE else e.T


def chained(items: list[Expr]) -> Expr:
    """Return a product of matrices, from left to right."""
    result = items[0]
    for item in items[1:]:
        result = result @ item
    return result


class Terms:
    """Sums of products, each expression's found once; `symmetric` says what is its own transpose.

    >>> from derive.language.parse import parse
    >>> e = parse("A: (n, n); x: (n, 1); y = (A + A.T) @ x + (x.T @ A).T").statements[0].expr
    >>> [(str(t.expr()), str(t.coefficient)) for t in Terms().collected(e, full=True)]
    [('A @ x', '1'), ('2 * (A.T @ x)', '2')]
    """

    def __init__(self, symmetric: Callable[[Expr], bool] = lambda e: False):
        self.symmetric = symmetric
        self._terms: dict[tuple[Expr, bool], tuple[Factors, ...]] = {}
        self._turned: dict[Expr, Expr] = {}
        self._sums: dict[frozenset, Expr] = {}
        self.ways: dict[Expr, Expr] = {}

    # -- transposes --------------------------------------------------------------------------------

    def turned(self, e: Expr) -> Expr:
        """Return the transpose, taken inside as far as it goes."""
        if e not in self._turned:
            self._turned[e] = self._turn(e)
        return self._turned[e]

    def _turn(self, e: Expr) -> Expr:
        if e.shape.is_scalar or e.op in (EYE, DIAG) or self.symmetric(e):
            return e
        if e.op is TRANSPOSE:
            return e.args[0]
        if e.op in (ONES, ZEROS):
            return e.op(data=e.shape.T)
        if e.op is BROADCAST:
            return broadcast_to(self.turned(e.args[0]), e.shape.T)
        if e.op is MATMUL:
            return chained([self.turned(item) for item in reversed(chain(e))])
        if e.op in (SUM, MEAN):
            return e.op(self.turned(e.args[0]), data=tuple(1 - axis for axis in e.data))
        if entrywise(e) or e.op in (INV, KRON):
            return rebuild(e, tuple(self.turned(arg) for arg in e.args))
        return e.T

    def either_way(self, e: Expr) -> Expr:
        """Return a scalar that is its own transpose in the one of its two ways that is shorter."""
        if e not in self.ways:
            other = chained([self.turned(item) for item in reversed(chain(e))])
            first = min((e, other), key=length)
            self.ways[e] = self.ways.setdefault(other, first)
        return self.ways[e]

    # -- sums --------------------------------------------------------------------------------------

    def of(self, e: Expr, full: bool) -> tuple[Factors, ...]:
        """Return products that add up to an expression, multiplied out where `full`."""
        key = (e, full)
        if key not in self._terms:
            self._terms[key] = tuple(self._of(e, full))
        return self._terms[key]

    def collected(self, e: Expr, full: bool) -> list[Factors]:
        """Return products that add up to an expression, no two of them alike."""
        return collected(self.of(e, full))

    def _of(self, e: Expr, full: bool) -> list[Factors]:
        if e.op in (ADD, SUB):
            a, b = (self.of(arg, full) for arg in e.args)
            return collected((*a, *(t.scaled(Fraction(-1)) for t in b)) if e.op is SUB else a + b)
        if e.op is NEG:
            return [t.scaled(Fraction(-1)) for t in self.of(e.args[0], full)]
        if e.op is BROADCAST:
            return [repeated(t, e.shape) for t in self.of(e.args[0], full)]
        if e.op is TRANSPOSE:
            return [self.transposed(t) for t in self.of(e.args[0], full)]
        if e.op in (MUL, DIV, POW, SQRT):
            return self._distributed(self.product(e)) if full else [self.product(e)]
        if e.op is MATMUL:
            return self._matmul(e, full)
        if e.op in (SUM, MEAN):
            found = [summed(self, t, e.data, e.shape) for t in self.inside(e.args[0], full)]
            if e.op is MEAN:
                size = number_of_terms(e.args[0].shape, e.data, e.shape)
                found = [t.times(size, -1) for t in found]
            return collected(found)
        if e.op in LINEAR:
            return collected(self._linear(e, t, e.args[1:]) for t in self.inside(e.args[0], full))
        if e.op is KRON:
            sides = (self.inside(arg, full) for arg in e.args)
            return collected(
                self._scaled(self._atom(KRON(rest(a), rest(b))), a, b) for a, b in cartesian(*sides)
            )
        if e.op is WHERE and full and unrepeated(e.args[0]).op in (GREATER, EQUAL):
            mask, then, other = e.args
            return list(self.of(mask * (then - other) + other, full))
        return [self._atom(e)]

    def inside(self, e: Expr, full: bool) -> tuple[Factors, ...]:
        """Return the terms of an argument, or itself as one term where it is not multiplied out."""
        found = self.of(e, full)
        return found if full or len(found) == 1 else (self._atom(e),)

    def _linear(self, e: Expr, t: Factors, others: tuple[Expr, ...]) -> Factors:
        if not t.coefficient:
            return Factors(e.shape, Fraction(0))
        return self._scaled(self._atom(e.op(rest(t), *others, data=e.data)), t)

    @staticmethod
    def _scaled(found: Factors, *by: Factors) -> Factors:
        for t in by:
            found = found.times(Factors(found.shape, t.coefficient, t.scalars))
        return found

    def _atom(self, e: Expr) -> Factors:
        """Return an expression as a single factor; of a sum and its negative one is the factor."""
        if e.op in (ADD, SUB):
            ts = self.of(e, False)
            if len(ts) == 1:
                return ts[0]
            if not ts:
                return Factors(e.shape, Fraction(0))
            sides = [frozenset((t.key_of(), sign * t.coefficient) for t in ts) for sign in (1, -1)]
            if sides[1] in self._sums:
                return atom(self._sums[sides[1]]).scaled(Fraction(-1))
            return atom(self._sums.setdefault(sides[0], e))
        if e.op in (NUMBER, ZEROS, ONES):
            return factor_of_constant(e)
        if e.op is NEG:
            return self._atom(e.args[0]).scaled(Fraction(-1))
        if e.op is TRANSPOSE and e.args[0].op in (ADD, SUB, NEG):
            return self.transposed(self._atom(e.args[0]))
        return atom(e)

    def product(self, e: Expr) -> Factors:
        """Return an entrywise product as its factors, sums being factors as they are."""
        if e.op is MUL:
            a, b = (self.product(arg) for arg in e.args)
            return a.times(b)
        if e.op is DIV:
            a, b = (self.product(arg) for arg in e.args)
            return a.times(b, -1) if b.coefficient else atom(e)
        if e.op is NEG:
            return self.product(e.args[0]).scaled(Fraction(-1))
        if e.op is BROADCAST:
            return repeated(self.product(e.args[0]), e.shape)
        if e.op in (POW, SQRT):
            exponent = HALF if e.op is SQRT else whole(e.data)
            inner = self.product(e.args[0])
            if exponent.denominator == 1:
                if inner.coefficient == 0:
                    return atom(e) if exponent < 0 else inner
                return Factors(e.shape).times(inner, int(exponent))
            bare = inner.coefficient == 1 and [*inner.scalars.items(), *inner.matrices.items()]
            base = e.args[0]
            if bare and len(bare) == 1 and bare[0][1] == 1:
                base = bare[0][0]
            elif base.op is NUMBER:
                return atom(e)
            return single(e.shape, base, exponent)
        found = self.of(e, False)
        return found[0] if len(found) == 1 else self._atom(e)

    def _distributed(self, t: Factors) -> list[Factors]:
        """Return a product multiplied out: factors that have denominators in them first."""
        if not t.coefficient:
            return []
        opened = [
            (base, self.of(unrepeated(base), True))
            for base, exponent in (*t.scalars.items(), *t.matrices.items())
            if exponent == 1 and unrepeated(base).op not in (MUL, DIV, POW, SQRT)
        ]
        sums = [one for one in opened if len(one[1]) != 1]
        others = [one for one in opened if len(one[1]) == 1 and not _is(one[1][0], one[0])]
        for base, terms in sorted(sums, key=lambda one: -self._divides(one[0]))[:1] or others[:1]:
            left = without(t, base)
            found: list[Factors] = []
            for u in terms:
                found += self._distributed(left.times(repeated(u, t.shape)))
                if len(found) > MOST_TERMS:
                    raise TooMany
            return collected(found)
        return [t]

    def multiplied_out(self, t: Factors) -> list[Factors]:
        """Return the terms of a product of sums."""
        return self._distributed(t)

    def _divides(self, e: Expr) -> bool:
        return any(
            exponent < 0
            for t in self.of(unrepeated(e), True)
            for base, exponent in (*t.scalars.items(), *t.matrices.items())
            if base.op is not NUMBER and base.op.style != "name"
        )

    # -- products of matrices ----------------------------------------------------------------------

    def _matmul(self, e: Expr, full: bool) -> list[Factors]:
        sides = [self.inside(item, full) for item in chain(e)]
        size = 1
        for side in sides:
            size *= len(side)
        if size > MOST_TERMS:
            raise TooMany
        found = []
        for parts in cartesian(*sides):
            if any(not part.coefficient for part in parts):
                continue
            made = self.chain_of([rest(part) for part in parts], e.shape)
            found.append(self._scaled(made, *parts))
        return collected(found)

    def chain_of(self, items: list[Expr], shape: Shape) -> Factors:
        """Return a product of matrices: scalars before it, no identities, no inverses that meet."""
        items = [x for item in items for x in chain(item)]
        found = Factors(shape)
        changed = True
        while changed:
            changed = False
            for k, item in enumerate(items):
                if item.op is EYE and len(items) > 1:
                    del items[k]
                    changed = True
                    break
                if item.shape == SCALAR and len(items) > 1:
                    found = found.times(Factors(shape, *self.scalar(item)))
                    del items[k]
                    changed = True
                    break
                if item.op is ZEROS:
                    return Factors(shape, Fraction(0))
                span = self._cancelled(items, k)
                if span is not None:
                    size = item.shape.rows
                    items[span[0] : span[1]] = [EYE(data=size)]
                    changed = True
                    break
        ends = [items[0].shape.rows, *(item.shape.cols for item in items)]
        places = [k for k, dim in enumerate(ends) if dim == 1]
        if (len(places) > 1 and (places[0], places[-1]) != (0, len(items))) or len(places) > 2:
            for p, q in pairwise(places):
                part = chained(items[p:q])
                found = found.times(Factors(shape, *self.scalar(part)))
            left = items[: places[0]] + items[places[-1] :]
            if not left:
                return found
            items = left
        made = chained(items)
        if made.shape == SCALAR:
            return found.times(Factors(shape, *self.scalar(made)))
        for place, others, axis in ((0, items[1:], 0), (-1, items[:-1], 1)):
            if others and items[place].op is ONES:  # a product with ones is a sum
                total = broadcast_to(SUM(chained(others), data=(axis,)), shape)
                own = self.of(total, False)
                return found.times(own[0] if len(own) == 1 else self._atom(total))
        own = self.of(made, False) if len(items) == 1 else ()
        return found.times(own[0] if len(own) == 1 else self._atom(made))

    def scalar(self, e: Expr) -> tuple[Fraction, dict[Expr, Exponent]]:
        if e.op is not MATMUL:
            t = self.product(e)
            return t.coefficient, t.scalars
        return ONE, {self.either_way(e): 1}

    @staticmethod
    def _cancelled(items: list[Expr], k: int) -> tuple[int, int] | None:
        """Return the span of an inverse, or its transpose, and what it inverts, side by side."""
        inner = inverted(items[k])
        if not inner:
            return None
        size = len(inner)
        if items[k + 1 : k + 1 + size] == inner:
            return k, k + 1 + size
        if k >= size and items[k - size : k] == inner:
            return k - size, k + 1
        return None

    def transposed(self, t: Factors) -> Factors:
        found = Factors(t.shape.T, t.coefficient, dict(t.scalars))
        for base, exponent in t.matrices.items():
            found = found.times(single(t.shape.T, self.turned(base), exponent))
        return found


def summed(own: Terms, t: Factors, axes: tuple[int, ...], shape: Shape) -> Factors:
    """Return the sum of a product's entries along axes; what does not vary there comes out."""
    found = Factors(shape, t.coefficient, dict(t.scalars))
    if not t.coefficient:
        return found
    inner: dict[Expr, Exponent] = {}
    for base, exponent in t.matrices.items():
        if base.op is BROADCAST and _constant(base, axes) and axes != ALL:
            out = broadcast_to(base.args[0], shape)
            found = found.times(single(shape, out, exponent))
        else:
            inner[base] = exponent
    if not inner:
        return found.times(number_of_terms(t.shape, axes, shape))
    bare = Factors(t.shape, ONE, {}, inner)
    if len(inner) == 1:
        (base,) = inner
        if base.op is EYE:
            return found if axes != ALL else found.times(number_of_terms(base.shape, (0,), shape))
    if all(base.op is BROADCAST for base in inner):
        # sums of what is repeated: as many times the sum of what is not
        small = {base.args[0]: p for base, p in inner.items()}
        dims = {base.shape for base in small}
        if len(dims) == 1:
            (low,) = dims
            along = tuple(a for a in axes if low.dims[a] != t.shape.dims[a])
            left = tuple(a for a in axes if a not in along)
            if along:
                found = found.times(number_of_terms(t.shape, along, shape))
                part = Factors(low, ONE, {}, small)
                return found.times(
                    summed(own, part, left, shape) if left else repeated(part, shape)
                )
    e = bare.expr()
    axes = tuple(axis for axis in axes if t.shape.dims[axis] != 1)
    if not axes:
        alone = shape == SCALAR
        return found.times(Factors(shape, *own.scalar(e)) if alone else bare)
    if e.op is SUM:
        axes, e = tuple(sorted({*axes, *e.data})), e.args[0]
    if shape != SCALAR:
        return found.times(atom(SUM(e, data=axes)))
    total = SUM(e, data=ALL)
    if total not in own.ways:
        other = SUM(own.transposed(bare).expr(), data=ALL)
        own.ways[total] = min((total, other), key=length)
        own.ways[total] = own.ways.setdefault(other, own.ways[total])
    return found.times(atom(own.ways[total]))


def _constant(base: Expr, axes: tuple[int, ...]) -> bool:
    return all(base.args[0].shape.dims[axis] == 1 for axis in axes)


def rest(t: Factors) -> Expr:
    """Return a product without its scalars."""
    return Factors(t.shape, ONE, {}, t.matrices).expr()


def without(t: Factors, base: Expr, exponent: Exponent = 1) -> Factors:
    """Return a product without a power of one of its factors."""
    return t.times(single(t.shape, base, exponent), -1)


def _is(t: Factors, base: Expr) -> bool:
    """Whether a product is one expression and nothing else."""
    return t.coefficient == 1 and {**t.scalars, **t.matrices} == {unrepeated(base): 1}


def repeated(t: Factors, shape: Shape) -> Factors:
    """Return a product whose value is repeated to a shape."""
    if t.shape == shape:
        return t
    if t.shape == SCALAR:
        return Factors(shape, t.coefficient, t.scalars)
    matrices = {broadcast_to(base, shape): exponent for base, exponent in t.matrices.items()}
    return Factors(shape, t.coefficient, t.scalars, matrices)


def factor_of_constant(e: Expr) -> Factors:
    value = e.data if e.op is NUMBER else Fraction(int(e.op is ONES))
    return Factors(e.shape, value)


def collected(terms: Iterator[Factors] | list[Factors] | tuple[Factors, ...]) -> list[Factors]:
    """Return products of the same sum, no two of them alike, none of them zero."""
    found: dict[tuple, Factors] = {}
    for t in terms:
        if not t.coefficient:
            continue
        key = t.key_of()
        if key in found:
            t = found[key].scaled((found[key].coefficient + t.coefficient) / found[key].coefficient)
        found[key] = t
        if not t.coefficient:
            del found[key]
    return list(found.values())
