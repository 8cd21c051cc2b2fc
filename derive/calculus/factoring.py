"""A sum of products written as a textbook writes it: what is common to its terms taken out.

What enters is a list of products that add up, what leaves is one expression. Each way to take
something out of some of the terms is tried, and the shortest formula stands.
"""

from __future__ import annotations

from fractions import Fraction

from derive.calculus.length import length
from derive.calculus.products import Exponent, Factors, counted, single
from derive.calculus.terms import (
    LINEAR,
    Terms,
    TooMany,
    chain,
    chained,
    collected,
    entrywise,
    without,
)
from derive.calculus.ways import ways
from derive.expressions.expr import Expr, broadcast_to, number, rebuild, unrepeated
from derive.expressions.shape import SCALAR, Shape
from derive.ops.elementwise import DIV, MUL
from derive.ops.linear import (
    ADD,
    BROADCAST,
    MATMUL,
    NEG,
    NUMBER,
    SUB,
    TRANSPOSE,
    ZEROS,
)
from derive.ops.reduction import MEAN, SUM
from derive.ops.square import INV

#: Sums of more terms are written as they are.
MOST_FACTORED = 24
#: So many sums are factored for one formula.
EFFORT = 120
#: So many ways to take something out are followed at a sum of few terms, two where there are more.
WAYS, FEW = 5, 6

Sum = list[Factors]


def negated(e: Expr) -> Expr | None:
    """Return -e where that is as short as e."""
    if e.op is NEG:
        return e.args[0]
    if e.op is NUMBER:
        return number(-e.data) if e.data < 0 else None
    if e.op is SUB:
        return SUB(*reversed(e.args))
    if e.op in (MUL, DIV, MATMUL):
        for k in (1, 0):
            other = negated(e.args[k])
            if other is not None:
                return rebuild(e, (other, e.args[1]) if k == 0 else (e.args[0], other))
        return None
    if e.op in (BROADCAST, TRANSPOSE, SUM, MEAN, *LINEAR):
        other = negated(e.args[0])
        return None if other is None else rebuild(e, (other, *e.args[1:]))
    return None


class Factoring:
    """The writer of sums, with its memory."""

    def __init__(self, terms: Terms):
        self.terms = terms
        self.left = EFFORT
        self._sums: dict[tuple, Expr] = {}
        self._tidy: dict[Expr, Expr] = {}

    def renew(self) -> None:
        """Begin a formula of its own: it may take as much effort as any."""
        self.left = EFFORT

    # -- one product -------------------------------------------------------------------------------

    def product(self, t: Factors) -> Expr:
        """Return a product as it is printed, with means for sums over counts."""
        t = _totals_last(self._means(t))
        if not t.coefficient or (t.coefficient != -1 and t.coefficient > 0):
            return t.expr()
        plain = t.expr()
        other = negated(t.scaled(Fraction(-1)).expr())
        return plain if other is None else min((other, plain), key=length)

    def _means(self, t: Factors) -> Factors:
        divided = t.coefficient.denominator != 1 or any(e < 0 for e in t.scalars.values())
        for where in (t.scalars, t.matrices):
            for base, exponent in where.items():
                bare = unrepeated(base)
                if bare.op is not SUM or exponent != 1:
                    continue
                if not divided and set(bare.args[0].shape.along(bare.data)) != {1}:
                    continue
                size = counted(bare.args[0].shape, bare.data, t.shape)
                if all(t.scalars.get(dim, 0) <= -k for dim, k in size.scalars.items()) and (
                    t.coefficient.denominator % size.coefficient == 0
                ):
                    mean = broadcast_to(MEAN(bare.args[0], data=bare.data), base.shape)
                    changed = without(t, base).times(size)
                    return self._means(_in_place(t, changed, base, mean))
        return t

    # -- sums --------------------------------------------------------------------------------------

    def sum(self, terms: Sum, shape: Shape) -> Expr:
        """Return a sum of products as the shortest formula that was found."""
        terms = collected(terms)
        if not terms:
            return number(0) if shape.is_scalar else ZEROS(data=shape)
        if len(terms) == 1:
            return self.product(terms[0])
        key = (frozenset((t.key_of(), t.coefficient) for t in terms), shape)
        if key not in self._sums:
            best = self.plain(terms, shape)
            self._sums[key] = best  # what comes back to it on the way is not followed
            if len(terms) <= MOST_FACTORED and self.left > 0:
                self.left -= 1
                most = WAYS if len(terms) <= FEW else 2
                found = [best]
                for _, make in sorted(ways(self, terms), key=lambda way: -way[0])[:most]:
                    try:
                        found.append(make())
                    except TooMany:
                        continue
                best = min(found, key=length)
            self._sums[key] = best
        return self._sums[key]

    def plain(self, terms: Sum, shape: Shape) -> Expr:
        """Return the terms as they are, those that are added first."""
        if all(not t.matrices for t in terms) and not shape.is_scalar:
            whole = self.sum([Factors(SCALAR, t.coefficient, t.scalars) for t in terms], SCALAR)
            return Factors(shape).times(single(shape, whole)).expr()
        signed = [
            (t.coefficient > 0, t.scaled(Fraction(1 if t.coefficient > 0 else -1))) for t in terms
        ]
        plus = [self._bare(t) for added, t in signed if added]
        minus = [self._bare(t) for added, t in signed if not added]
        plus, minus = map(_transposes_last, (plus, minus))
        if not plus:
            total = minus[0]
            for e in minus[1:]:
                total = total + e
            return -broadcast_to(total, shape)
        total = plus[0]
        for e in plus[1:]:
            total = total + e
        for e in minus:
            total = total - e
        return broadcast_to(total, shape)

    def _bare(self, t: Factors) -> Expr:
        """Return a term that NumPy repeats by itself beside the others."""
        if not t.matrices:
            return self.product(Factors(SCALAR, t.coefficient, t.scalars))
        return unrepeated(self.product(t))

    # -- transposes --------------------------------------------------------------------------------

    def tidy(self, e: Expr) -> Expr:
        """Return an expression whose transposes stand where they are fewest."""
        if e not in self._tidy:
            self._tidy[e] = self._tidied(e)
        return self._tidy[e]

    def _tidied(self, e: Expr) -> Expr:
        if not e.args:
            return e
        if e.op is BROADCAST:
            return broadcast_to(self.tidy(e.args[0]), e.shape)
        if e.op is MATMUL:
            items = [self.tidy(item) for item in chain(e)]
            best = self._turned_inside(items)
        else:
            best = rebuild(e, tuple(self.tidy(arg) for arg in e.args))
        if best.op is TRANSPOSE and not best.args[0].is_var:
            other = self.terms.turned(best.args[0])
            best = min((best, other), key=length)
        elif best.op is not TRANSPOSE and not best.shape.is_scalar and not best.is_var:
            flip = self.terms.turned(best)
            if flip.op is not TRANSPOSE:
                other = flip.T
                better = length(other) < length(best)
                alike = length(other) == length(best) and (
                    entrywise(best) or best.op in (SUM, MEAN) or best.op is INV
                )
                if better or (alike and all(arg.op is TRANSPOSE for arg in best.args)):
                    best = other
        return best

    def _turned_inside(self, items: list[Expr]) -> Expr:
        for size in range(len(items), 1, -1):
            for k in range(len(items) - size + 1):
                part = chained(items[k : k + size])
                if part.shape.is_scalar:
                    continue
                flip = self.terms.turned(part).T
                if length(flip) < length(part):
                    rest = [*items[:k], flip, *items[k + size :]]
                    return self._turned_inside(rest) if len(rest) > 1 else flip
        return chained(items)


# -- helpers ---------------------------------------------------------------------------------------


def _totals_last(t: Factors) -> Factors:
    """Return a product in which sums stand behind what has no brackets, and what is summed and
    repeated behind the other matrices."""

    def late(base: Expr) -> int:
        bare = unrepeated(base)
        return 1 if bare.op in (ADD, SUB) else 2 * (bare is not base and bool(bare.op.axes))

    if not any(map(late, t.matrices)):
        return t
    matrices = dict(sorted(t.matrices.items(), key=lambda item: late(item[0])))
    return Factors(t.shape, t.coefficient, t.scalars, matrices)


def _transposes_last(parts: list[Expr]) -> list[Expr]:
    """Return terms in their order, a matrix before its transpose."""
    return sorted(parts, key=lambda e: e.op is TRANSPOSE and e.args[0] in parts)


def _in_place(t: Factors, changed: Factors, base: Expr, new: Expr) -> Factors:
    """Return a changed product in which one factor stands where another stood."""

    def ordered(old: dict[Expr, Exponent], now: dict[Expr, Exponent]) -> dict[Expr, Exponent]:
        found = {
            new if b is base else b: 1 if b is base else now[b]
            for b in old
            if b is base or b in now
        }
        return found | {b: p for b, p in now.items() if b not in found}

    return Factors(
        t.shape,
        changed.coefficient,
        ordered(t.scalars, changed.scalars),
        ordered(t.matrices, changed.matrices),
    )
