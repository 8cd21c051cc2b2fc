"""A sum of products written as a textbook writes it: what is common to its terms taken out.

What enters is a list of products that add up, what leaves is one expression. Each way to take
something out of some of the terms is tried, and the shortest formula stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from math import gcd

from derive.calculus.length import Length
from derive.calculus.products import Exponent, Factors, atom, counted, single
from derive.calculus.terms import (
    LINEAR,
    Terms,
    TooMany,
    chain,
    chained,
    collected,
    entrywise,
    repeated,
    without,
)
from derive.expressions.expr import Expr, broadcast_to, number, rebuild, unrepeated
from derive.expressions.shape import SCALAR, Shape
from derive.ops.elementwise import DIV, MUL
from derive.ops.linear import (
    ADD,
    BROADCAST,
    DIM,
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

    def length(self, e: Expr) -> Length:
        return self.terms.length(e)

    # -- one product -------------------------------------------------------------------------------

    def product(self, t: Factors) -> Expr:
        """Return a product as it is printed, with means for sums over counts."""
        t = _totals_last(self._means(t))
        if not t.coefficient or (t.coefficient != -1 and t.coefficient > 0):
            return t.expr()
        plain = t.expr()
        other = negated(t.scaled(Fraction(-1)).expr())
        return plain if other is None else min((other, plain), key=self.length)

    def _means(self, t: Factors) -> Factors:
        for where in (t.scalars, t.matrices):
            for base, exponent in where.items():
                bare = unrepeated(base)
                if bare.op is not SUM or exponent != 1:
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
                ways = sorted(self._ways(terms), key=lambda way: -way[0])[:most]
                found = [best]
                for _, make in ways:
                    try:
                        found.append(make())
                    except TooMany:
                        continue
                best = min(found, key=self.length)
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

    def _ways(self, terms: Sum) -> Iterator[tuple[int, Callable[[], Expr]]]:
        """Yield what can be taken out of some terms: how much that may save, and the result."""
        shape = terms[0].shape
        seen: set[frozenset[int]] = set()
        for base, sign in dict.fromkeys(
            (base, exponent > 0)
            for t in terms
            for base, exponent in (*t.scalars.items(), *t.matrices.items())
        ):
            some = [
                k
                for k, t in enumerate(terms)
                if (t.scalars.get(base) or t.matrices.get(base) or 0) * (1 if sign else -1) > 0
            ]
            if len(some) > 1 and frozenset(some) not in seen:
                seen.add(frozenset(some))
                gain = (len(some) - 1) * (1 + self.length(base)[0])
                yield gain, partial(self._taken_out, terms, some, shape)
        every = list(range(len(terms)))
        if frozenset(every) not in seen:
            yield 1, partial(self._taken_out, terms, every, shape)
        sizes: dict[Fraction, list[int]] = {}
        for k, t in enumerate(terms):
            if abs(t.coefficient) != 1:
                sizes.setdefault(abs(t.coefficient), []).append(k)
        for some in sizes.values():
            if 1 < len(some) < len(terms):
                yield 1, partial(self._taken_out, terms, some, shape)
        yield from self._ends(terms, shape)
        yield from self._wrapped(terms, shape)
        yield from self._smaller(terms, shape)
        yield from self._turned(terms, shape)
        yield from self._denominators(terms, shape)

    def _with(self, terms: Sum, some: list[int], made: Factors, shape: Shape) -> Expr:
        """Return the sum in which some terms are replaced by one that stands for them."""
        others = [t for k, t in enumerate(terms) if k not in some]
        return self.sum(_placed(others, made, some[0], terms), shape)

    def _taken_out(self, terms: Sum, some: list[int], shape: Shape) -> Expr:
        common = common_factor([terms[k] for k in some])
        inner = self.sum([terms[k].times(common, -1) for k in some], shape)
        return self._with(terms, some, common.times(self._factor(inner)), shape)

    def _factor(self, e: Expr) -> Factors:
        """Return a sum as one factor, or what it has become."""
        if e.op in (ADD, SUB):
            return atom(e)
        if e.op is BROADCAST and e.args[0].op in (ADD, SUB):
            inner = e.args[0]
            return repeated(atom(inner), e.shape)
        return self.terms.product(e)

    def _ends(self, terms: Sum, shape: Shape) -> Iterator[tuple[int, Callable[[], Expr]]]:
        """Yield what is the same matrix at one end of products of matrices."""
        chains = [
            chain(next(iter(t.matrices)))
            if len(t.matrices) == 1 and 1 in t.matrices.values()
            else []
            for t in terms
        ]
        for place in (0, -1):
            heads: dict[Expr, list[int]] = {}
            for k, items in enumerate(chains):
                if len(items) > 1:
                    heads.setdefault(items[place], []).append(k)
            for head, some in heads.items():
                if len(some) < 2:
                    continue

                def make(place: int = place, head: Expr = head, some: list[int] = some) -> Expr:
                    common = common_factor([terms[k] for k in some])
                    common = Factors(shape, common.coefficient, common.scalars)
                    inner: Sum = []
                    for k in some:
                        items = chains[k][1:] if place == 0 else chains[k][:-1]
                        t = terms[k].times(common, -1)
                        low = chained(items).shape
                        inner.append(
                            self.terms.chain_of(items, low).times(
                                Factors(low, t.coefficient, t.scalars)
                            )
                        )
                    whole = self.sum(inner, inner[0].shape)
                    scale, whole = _split_scale(self, whole)
                    sides = (head, whole) if place == 0 else (whole, head)
                    made = common.times(Factors(shape, scale.coefficient, scale.scalars)).times(
                        self.terms.chain_of([*sides], shape)
                    )
                    return self._with(terms, some, made, shape)

                yield (len(some) - 1) * (1 + self.length(head)[0]), make

    def _wrapped(self, terms: Sum, shape: Shape) -> Iterator[tuple[int, Callable[[], Expr]]]:
        """Yield terms that are the same linear operator of something."""
        groups: dict[tuple, list[tuple[int, Expr]]] = {}
        for k, t in enumerate(terms):
            where = t.matrices if t.matrices else t.scalars
            linear = [
                base
                for base, exponent in where.items()
                if exponent == 1 and unrepeated(base).op in (SUM, *LINEAR)
            ]
            if len(linear) != 1 or (t.matrices and len(t.matrices) > 1):
                continue
            e = unrepeated(linear[0])
            key = (e.op, e.data, e.args[1:], e.args[0].shape)
            groups.setdefault(key, []).append((k, linear[0]))
        for members in groups.values():
            if len(members) < 2:
                continue

            def make(members: list[tuple[int, Expr]] = members) -> Expr:
                some = [k for k, _ in members]
                e = unrepeated(members[0][1])
                bare = [without(terms[k], base) for k, base in members]
                common = common_factor(bare)
                inner: Sum = []
                for t, (_, base) in zip(bare, members, strict=True):
                    t = t.times(common, -1)
                    low = unrepeated(base).args[0]
                    inner += [
                        u.times(Factors(low.shape, t.coefficient, t.scalars))
                        for u in self.terms.inside(low, False)
                    ]
                whole = self.sum(inner, e.args[0].shape)
                made = e.op(whole, *e.args[1:], data=e.data)
                made = broadcast_to(made, members[0][1].shape)
                return self._with(terms, some, common.times(single(shape, made)), shape)

            yield len(members) - 1, make

    def _smaller(self, terms: Sum, shape: Shape) -> Iterator[tuple[int, Callable[[], Expr]]]:
        """Yield terms that are repeated from the same smaller shape."""
        groups: dict[Shape, list[int]] = {}
        for k, t in enumerate(terms):
            lows = {base.args[0].shape if base.op is BROADCAST else None for base in t.matrices}
            if len(lows) == 1 and None not in lows:
                (low,) = lows
                assert low is not None
                groups.setdefault(low, []).append(k)
        for low, some in groups.items():
            if len(some) < 2:
                continue

            def make(low: Shape = low, some: list[int] = some) -> Expr:
                inner = [
                    Factors(
                        low, t.coefficient, t.scalars, {b.args[0]: p for b, p in t.matrices.items()}
                    )
                    for t in (terms[k] for k in some)
                ]
                whole = self.sum(inner, low)
                if len(some) == len(terms):
                    return broadcast_to(whole, shape)
                return self._with(terms, some, repeated(self._factor(whole), shape), shape)

            yield 1, make

    def _turned(self, terms: Sum, shape: Shape) -> Iterator[tuple[int, Callable[[], Expr]]]:
        """Yield terms that are shorter as transposes."""
        if shape.is_scalar:
            return
        flips = [self.terms.transposed(t) for t in terms]
        some = [
            k
            for k, (t, flip) in enumerate(zip(terms, flips, strict=True))
            if self.length(flip.expr()) < self.length(t.expr())
        ]
        for chosen in dict.fromkeys((tuple(some), tuple(range(len(terms))))):
            if len(chosen) > 1:

                def make(chosen: tuple[int, ...] = chosen) -> Expr:
                    whole = self.sum([flips[k] for k in chosen], shape.T)
                    if len(chosen) == len(terms):
                        return whole.T
                    return self._with(terms, list(chosen), atom(whole.T), shape)

                yield len(chosen) - 1, make

    def _denominators(self, terms: Sum, shape: Shape) -> Iterator[tuple[int, Callable[[], Expr]]]:
        """Yield the terms over their common denominator."""
        powers: dict[Expr, Exponent] = {}
        for t in terms:
            for base, exponent in (*t.scalars.items(), *t.matrices.items()):
                if exponent < 0 and base.op is not DIM:
                    powers[base] = max(powers.get(base, 0), -exponent)
        if not powers:
            return

        def make() -> Expr:
            below = Factors(shape)
            for base, power in powers.items():
                below = below.times(single(shape, base, power))
            above: Sum = []
            for t in terms:
                above += self.terms.multiplied_out(t.times(below))
            whole = self.sum(above, shape)
            return self.product(self._factor(whole).times(below, -1))

        yield len(powers), make

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
            best = min((best, other), key=self.length)
        elif best.op is not TRANSPOSE and not best.shape.is_scalar and not best.is_var:
            flip = self.terms.turned(best)
            if flip.op is not TRANSPOSE:
                other = flip.T
                better = self.length(other) < self.length(best)
                alike = self.length(other) == self.length(best) and (
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
                if self.length(flip) < self.length(part):
                    rest = [*items[:k], flip, *items[k + size :]]
                    return self._turned_inside(rest) if len(rest) > 1 else flip
        return chained(items)


# -- helpers ---------------------------------------------------------------------------------------


def _totals_last(t: Factors) -> Factors:
    """Return a product in which what is summed and repeated stands behind the other matrices."""

    def late(base: Expr) -> bool:
        return base.op is BROADCAST and bool(base.args[0].op.axes)

    if not any(map(late, t.matrices)):
        return t
    matrices = dict(sorted(t.matrices.items(), key=lambda item: late(item[0])))
    return Factors(t.shape, t.coefficient, t.scalars, matrices)


def _transposes_last(parts: list[Expr]) -> list[Expr]:
    """Return terms in their order, a matrix before its transpose."""
    return sorted(parts, key=lambda e: e.op is TRANSPOSE and e.args[0] in parts)


def _split_scale(own: Factoring, e: Expr) -> tuple[Factors, Expr]:
    """Return the number and the scalars before an expression, and what is left of it."""
    if e.op in (ADD, SUB):
        return Factors(SCALAR), e
    t = own.terms.product(e)
    left = Factors(t.shape, Fraction(1), {}, t.matrices)
    return Factors(SCALAR, t.coefficient, t.scalars), left.expr()


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


def _placed(others: Sum, made: Factors, first: int, terms: Sum) -> Sum:
    """Return the other terms and a new one, at the place of the first that it stands for."""
    before = [t for t in others if terms.index(t) < first]
    return [*before, made, *others[len(before) :]]


def common_factor(terms: Sum) -> Factors:
    """Return what all the terms have in common: number, sign if all have it, scalars, matrices."""
    shape = terms[0].shape

    def shared(pick: Callable[[Factors], dict[Expr, Exponent]]) -> dict[Expr, Exponent]:
        first, *others = map(pick, terms)
        found: dict[Expr, Exponent] = {}
        for base, exponent in first.items():
            exponents = [exponent, *(other.get(base, 0) for other in others)]
            if all(p > 0 for p in exponents):
                found[base] = min(exponents)
            elif all(p < 0 for p in exponents):
                found[base] = max(exponents)
        return found

    above = gcd(*(t.coefficient.numerator for t in terms))
    below = gcd(*(t.coefficient.denominator for t in terms))
    sign = -1 if all(t.coefficient < 0 for t in terms) else 1
    return Factors(
        shape,
        Fraction(sign * above, below),
        shared(lambda t: t.scalars),
        shared(lambda t: t.matrices),
    )
