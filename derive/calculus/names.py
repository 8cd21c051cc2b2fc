"""Rules of the textbook about names: what a program calls a value is written by its name.

A rule proposes formulas that equal a node, given what the names stand for; its docstring says how.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.calculus.length import Length, length
from derive.calculus.products import Exponent, Factors, atom, single
from derive.calculus.rules_matrices import exchanged
from derive.calculus.terms import chain, chained, collected, repeated, without
from derive.expressions.expr import (
    Expr,
    broadcast_to,
    substitute,
    unrepeated,
    variables,
    written,
)
from derive.expressions.shape import SCALAR
from derive.ops.elementwise import DIV, MUL, POW, SQRT, WHERE
from derive.ops.linear import ADD, BROADCAST, MATMUL, NEG, SUB, TRANSPOSE
from derive.ops.reduction import MEAN, SUM

if TYPE_CHECKING:
    from derive.calculus.textbook import Textbook

#: A node with more operators and operands than this is not looked at with its names put in.
LONG = 60


def named(e: Expr, search: Textbook) -> Iterator[Expr]:
    """A value, or its transpose, is its name."""
    found = search.named.get(e)
    if found is not None:
        yield found


def named_products(e: Expr, search: Textbook) -> Iterator[Expr]:
    """A product that has a value for a factor has its name for a factor."""
    if e.op not in (MUL, DIV, POW, NEG, SQRT, SUM, MEAN):
        return
    t = search.terms.product(e)
    for value, name in search.factored:
        yield from _with_name(t, value, name, search)
        yield from _with_name_inside(t, value, name, search)
    for other in _exchanged(t, search) if search.factored else ():
        for value, name in search.factored:
            yield from _with_name_inside(other, value, name, search)


def _exchanged(t: Factors, search: Textbook) -> Iterator[Factors]:
    """Yield a product with one of its sums Σ_ij a_ij (B C)_ij written otherwise."""
    for base, exponent in t.scalars.items():
        if base.op is SUM and exponent == 1:
            for found in exchanged(base, search):
                yield without(t, base).times(single(t.shape, found))


def _with_name(t: Factors, value: Factors, name: Expr, search: Textbook) -> Iterator[Expr]:
    """Yield a product in which a power of a value is a power of its name."""
    if value.shape == t.shape:
        own = value
    elif value.shape == SCALAR:
        own = Factors(t.shape, value.coefficient, value.scalars)
    elif all(d in (1, e) for d, e in zip(value.shape.dims, t.shape.dims, strict=True)):
        own = repeated(value, t.shape)
    else:
        return
    mine = {**own.scalars, **own.matrices}
    all_ = {**t.scalars, **t.matrices}
    if not mine or any(base not in all_ for base in mine):
        return
    ratios = [Fraction(all_[base]) / power for base, power in mine.items()]
    if all(r > 0 for r in ratios):
        power = min(ratios)
    elif all(r < 0 for r in ratios):
        power = max(ratios)
    else:
        return
    times = int(power)
    if not times or any(0 < all_[b] != times * p for b, p in mine.items()):
        return  # a part of a power would be left, and hide what it is a power of
    bare = t.times(own, -times)
    yield search.factoring.product(_times(bare, name, times))


def _times(t: Factors, name: Expr, power: Exponent) -> Factors:
    base = name if name.shape == SCALAR else broadcast_to(name, t.shape)
    return t.times(single(t.shape, base, power))


def _with_name_inside(t: Factors, value: Factors, name: Expr, search: Textbook) -> Iterator[Expr]:
    """Yield a product in which a sum of entries takes in what makes a value of its terms."""
    for base, exponent in [*t.matrices.items(), *t.scalars.items()]:
        bare = unrepeated(base)
        if bare.op not in (SUM, MEAN) or exponent != 1:
            continue
        inner = search.terms.product(bare.args[0])
        if inner.shape != value.shape:
            continue
        here = {b: p for b, p in value.matrices.items() if b in inner.matrices}
        if not here or any(inner.matrices[b] / p < 1 for b, p in here.items()):
            continue
        outside = {b: p for b, p in value.matrices.items() if b not in inner.matrices}
        moved = Factors(t.shape, value.coefficient, dict(value.scalars))
        fits = True
        for b, p in outside.items():
            low = unrepeated(b)
            if b.op is not BROADCAST or any(low.shape.dims[axis] != 1 for axis in bare.data):
                fits = False
                break
            out = broadcast_to(low, t.shape)
            if t.matrices.get(out, 0) / p < 1:
                fits = False
                break
            moved = moved.times(single(t.shape, out, p))
        if not fits or any(t.scalars.get(b, 0) / p < 1 for b, p in value.scalars.items()):
            continue
        made = inner.times(Factors(inner.shape, Fraction(1), {}, here), -1)
        made = _times(made, name, 1)
        total = broadcast_to(bare.op(made.expr(), data=bare.data), base.shape)
        left = without(t, base).times(moved, -1)
        yield left.times(single(t.shape, total)).expr()


def named_sums(e: Expr, search: Textbook) -> Iterator[Expr]:
    """A multiple of a value that is a sum, among other terms, is that multiple of its name."""
    if e.op not in (ADD, SUB):
        return
    terms = search.terms.collected(e, full=False)
    keys = {t.key_of(): t.coefficient for t in terms}
    for value, name in search.summed:
        if value[0].shape != e.shape and not value[0].shape.is_scalar:
            continue
        own = [repeated(t, e.shape) for t in value]
        if any(t.key_of() not in keys for t in own):
            continue
        ratios = {keys[t.key_of()] / t.coefficient for t in own}
        if len(ratios) != 1:
            continue
        gone = {t.key_of() for t in own}
        left = [t for t in terms if t.key_of() not in gone]
        made = repeated(atom(name), e.shape).scaled(ratios.pop())
        yield search.factoring.sum(collected([made, *left]), e.shape)


def named_cases(e: Expr, search: Textbook) -> Iterator[Expr]:
    """In the cases of a value of cases it is what it is there: v where m, and w where not."""
    if e.op is not WHERE:
        return
    mask, *parts = e.args
    for name, given, branches in search.cases:
        if name.shape != e.shape or given is not mask:
            continue
        for k, (part, branch) in enumerate(zip(parts, branches, strict=True)):
            if variables(part):
                left = search.terms.collected(part - branch, full=True)
                new = search.factoring.sum([atom(name), *left], e.shape)
                if length(new) < length(part):
                    yield WHERE(mask, *(new if n == k else x for n, x in enumerate(parts)))


def named_chains(e: Expr, search: Textbook) -> Iterator[Expr]:
    """Factors side by side that are a value, or its transpose, are its name."""
    if e.op is not MATMUL:
        return
    items = chain(e)
    for size in range(len(items) - 1, 1, -1):
        for k in range(len(items) - size + 1):
            found = search.named.get(chained(items[k : k + size]))
            if found is not None:
                yield chained([*items[:k], found, *items[k + size :]])


def put_in(e: Expr, search: Textbook) -> Iterator[Expr]:
    """A name is what it stands for: used where something vanishes or cancels by that."""
    if search.plain is None or not search.definitions or not e.args:
        return
    if e.op in (ADD, SUB, NEG, POW, BROADCAST, TRANSPOSE) or written(e) > LONG:
        return
    inside = [v for v in variables(e) if v in search.definitions and _may_meet(e, v, search)]
    if not inside:
        return
    size = length(e)
    whole = e
    for v in inside:
        whole = substitute(e, {v: search.definitions[v]})
        yield from _shorter(whole, size, search)
    deep = e
    for v in reversed(search.definitions):
        if v in variables(deep):
            deep = substitute(deep, {v: search.definitions[v]})
            if written(deep) > LONG:  # it does not become shorter by what is behind it
                return
    if deep is not whole:
        yield from _shorter(deep, size, search)


def _may_meet(e: Expr, name: Expr, search: Textbook) -> bool:
    """Whether what a name stands for may cancel: against others of its own, or all by itself."""
    others = set(variables(e)) - {name}
    if others & set(variables(search.definitions[name])):
        return True
    if e.op in (SUM, MEAN):
        matrices = search.terms.product(e.args[0]).matrices
        alone = [base for base in matrices if base.op is not BROADCAST]
        return alone == [name] or not others
    return not others


def _shorter(e: Expr, size: Length, search: Textbook) -> Iterator[Expr]:
    assert search.plain is not None
    if written(e) > 2 * LONG:
        return
    found = search.plain.best(e)
    if length(found) < size or found not in search.seen:
        search.seen.add(found)
        yield search.refolded(found)


NAMES = {
    "named": named,
    "named-products": named_products,
    "named-sums": named_sums,
    "named-cases": named_cases,
    "named-chains": named_chains,
    "put-in": put_in,
}
