"""Ways to write a sum shorter: what some of its terms share is taken out of them.

What enters is a sum of products, what leaves is how much each way may save and what makes the sum
in that way. A way is a function of its own, its docstring is what it looks for; the writer of sums
tries them in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from math import gcd
from typing import TYPE_CHECKING

from derive.calculus.length import length
from derive.calculus.products import ONE, Exponent, Factors, atom, single
from derive.calculus.terms import LINEAR, chain, chained, repeated, without
from derive.expressions.expr import Expr, broadcast_to, unrepeated
from derive.expressions.shape import SCALAR, Shape
from derive.ops.linear import ADD, BROADCAST, DIM, EYE, SUB
from derive.ops.reduction import SUM

if TYPE_CHECKING:
    from derive.calculus.factoring import Factoring

Sum = list[Factors]
#: How much a way may save, and the sum written in it.
Way = tuple[int, Callable[[], Expr]]


def ways(own: Factoring, terms: Sum) -> Iterator[Way]:
    """Yield what can be taken out of some terms: how much that may save, and the result."""
    for way in WAYS:
        yield from way(own, terms, terms[0].shape)


def _shared(own: Factoring, terms: Sum, shape: Shape) -> Iterator[Way]:
    """Yield factors, and numbers, that several terms have."""
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
            gain = (len(some) - 1) * (1 + length(base)[0])
            yield gain, partial(_taken_out, own, terms, some, shape)
    every = list(range(len(terms)))
    if frozenset(every) not in seen:
        yield 1, partial(_taken_out, own, terms, every, shape)
    sizes: dict[Fraction, list[int]] = {}
    for k, t in enumerate(terms):
        if abs(t.coefficient) != 1:
            sizes.setdefault(abs(t.coefficient), []).append(k)
    for some in sizes.values():
        if 1 < len(some) < len(terms):
            yield 1, partial(_taken_out, own, terms, some, shape)


def _with(own: Factoring, terms: Sum, some: list[int], made: Factors, shape: Shape) -> Expr:
    """Return the sum in which some terms are replaced by one that stands for them."""
    others = [t for k, t in enumerate(terms) if k not in some]
    return own.sum(_placed(others, made, some[0], terms), shape)


def _taken_out(own: Factoring, terms: Sum, some: list[int], shape: Shape) -> Expr:
    common = common_factor([terms[k] for k in some])
    inner = own.sum([terms[k].times(common, -1) for k in some], shape)
    return _with(own, terms, some, common.times(_factor(own, inner)), shape)


def _factor(own: Factoring, e: Expr) -> Factors:
    """Return a sum as one factor, or what it has become."""
    if e.op in (ADD, SUB):
        return atom(e)
    if e.op is BROADCAST and e.args[0].op in (ADD, SUB):
        inner = e.args[0]
        return repeated(atom(inner), e.shape)
    return own.terms.product(e)


def _ends(own: Factoring, terms: Sum, shape: Shape) -> Iterator[Way]:
    """Yield what is the same matrix at one end of products of matrices."""
    chains = [
        chain(next(iter(t.matrices))) if len(t.matrices) == 1 and 1 in t.matrices.values() else []
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
                        own.terms.chain_of(items, low).times(Factors(low, t.coefficient, t.scalars))
                    )
                whole = own.sum(inner, inner[0].shape)
                scale, whole = _split_scale(own, whole)
                sides = (head, whole) if place == 0 else (whole, head)
                made = common.times(Factors(shape, scale.coefficient, scale.scalars)).times(
                    own.terms.chain_of([*sides], shape)
                )
                return _with(own, terms, some, made, shape)

            yield (len(some) - 1) * (1 + length(head)[0]), make


def _one_and(own: Factoring, terms: Sum, shape: Shape) -> Iterator[Way]:
    """Yield the terms as (I + c A) B where they are those of B and c A B, or the mirror of that."""
    if len(terms) % 2 or len(terms) < 4:
        return
    chains = [chain(next(iter(t.matrices))) if len(t.matrices) == 1 else [] for t in terms]
    for place in (0, -1):
        for head in dict.fromkeys(items[place] for items in chains if len(items) > 1):
            if head.shape.rows != head.shape.cols:
                continue
            some = [k for k, items in enumerate(chains) if len(items) > 1 and items[place] is head]
            rest = [t for k, t in enumerate(terms) if k not in some]
            bare = []
            for k in some:
                items = chains[k][1:] if place == 0 else chains[k][:-1]
                scale = Factors(shape, terms[k].coefficient, terms[k].scalars)
                bare.append(own.terms.chain_of(items, shape).times(scale))
            ratio = _ratio(bare, rest)
            if ratio is None:
                continue

            def make(
                place: int = place, head: Expr = head, rest: Sum = rest, c: Fraction = ratio
            ) -> Expr:
                one = own.sum([atom(EYE(data=head.shape.rows)), atom(head).scaled(c)], head.shape)
                sides = (one, own.sum(rest, shape))
                made = own.terms.chain_of([*(sides if place == 0 else sides[::-1])], shape)
                return own.product(made)

            yield len(rest), make


def _ratio(some: Sum, rest: Sum) -> Fraction | None:
    """Return c where some terms are c times the others."""
    others = {t.key_of(): t.coefficient for t in rest}
    ratios = {t.coefficient / others.get(t.key_of(), t.coefficient * 0 + 1) for t in some}
    alike = len(some) == len(rest) and all(t.key_of() in others for t in some)
    return ratios.pop() if alike and len(ratios) == 1 else None


def _wrapped(own: Factoring, terms: Sum, shape: Shape) -> Iterator[Way]:
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
                    for u in own.terms.inside(low, False)
                ]
            whole = own.sum(inner, e.args[0].shape)
            made = e.op(whole, *e.args[1:], data=e.data)
            made = broadcast_to(made, members[0][1].shape)
            return _with(own, terms, some, common.times(single(shape, made)), shape)

        yield len(members) - 1, make


def _smaller(own: Factoring, terms: Sum, shape: Shape) -> Iterator[Way]:
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
            whole = own.sum(inner, low)
            if len(some) == len(terms):
                return broadcast_to(whole, shape)
            return _with(own, terms, some, repeated(_factor(own, whole), shape), shape)

        yield 1, make


def _turned(own: Factoring, terms: Sum, shape: Shape) -> Iterator[Way]:
    """Yield terms that are shorter as transposes."""
    if shape.is_scalar:
        return
    flips = [own.terms.transposed(t) for t in terms]
    some = [
        k
        for k, (t, flip) in enumerate(zip(terms, flips, strict=True))
        if length(flip.expr()) < length(t.expr())
    ]
    for chosen in dict.fromkeys((tuple(some), tuple(range(len(terms))))):
        if len(chosen) > 1:

            def make(chosen: tuple[int, ...] = chosen) -> Expr:
                whole = own.sum([flips[k] for k in chosen], shape.T)
                if len(chosen) == len(terms):
                    return whole.T
                return _with(own, terms, list(chosen), atom(whole.T), shape)

            yield len(chosen) - 1, make


def _denominators(own: Factoring, terms: Sum, shape: Shape) -> Iterator[Way]:
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
            above += own.terms.multiplied_out(t.times(below))
        whole = own.sum(above, shape)
        return own.product(_factor(own, whole).times(below, -1))

    yield len(powers), make


WAYS = (_shared, _ends, _one_and, _wrapped, _smaller, _turned, _denominators)


# -- helpers ---------------------------------------------------------------------------------------


def _split_scale(own: Factoring, e: Expr) -> tuple[Factors, Expr]:
    """Return the number and the scalars before an expression, and what is left of it."""
    if e.op in (ADD, SUB):
        return Factors(SCALAR), e
    t = own.terms.product(e)
    left = Factors(t.shape, ONE, {}, t.matrices)
    return Factors(SCALAR, t.coefficient, t.scalars), left.expr()


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
