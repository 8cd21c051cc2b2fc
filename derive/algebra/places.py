"""Comparisons of indices: the indicator [i ≤ j], 1 where an index is not after another, else 0.

What enters are indices along one dimension, what leaves is a form. The law: of [i ≤ j] and [j ≤ i]
a closed form has one, that of a bound index and a free one, else that of the names in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

from derive.algebra.closing import Bound, renamed, times
from derive.algebra.forms import UNIT, Form, Monomial, oriented, scaled
from derive.algebra.laws import law
from derive.algebra.signs import is_positive_form
from derive.calculus.index import Index
from derive.expressions.shape import Pair, Shape

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

ONE: Form = {UNIT: 1}


def le(ring: Ring, i: Index, j: Index) -> Form:
    """Return [i ≤ j]; pairs are compared by their first parts, and where these tie by the rest."""
    if i in (j, 0):
        return ONE
    if j == 0:
        return ring.delta(i, j)
    if isinstance(i, int) and isinstance(j, int):
        return ONE if i <= j else {}
    if isinstance(i, Pair) and isinstance(j, Pair):
        (p, *ps), (q, *qs) = i.parts, j.parts
        rest = le(ring, Pair(tuple(ps), i.dims[1:]), Pair(tuple(qs), j.dims[1:])) if ps else ONE
        before = ring.add(ONE, scaled(le(ring, q, p), -1))
        return ring.add(before, ring.mul(ring.delta(p, q), rest))
    return ring.single(("le", i, j))


def again(
    ring: Ring, key: tuple, change: Callable[[Form], Form], names: Mapping[Index, Index]
) -> Form:
    """Return the indicator at other indices."""
    return le(ring, *(names.get(k, k) for k in key[1:]))


def is_backwards(key: tuple, bound: Bound) -> bool:
    """Whether [i ≤ j] is to be written by [j ≤ i]: a bound index comes first, else the names in
    order."""
    i, j = ((k not in bound, len(str(k)), str(k)) for k in key[1:])
    return i > j


@law
def each_not_after_the_other(ring: Ring, p: int, q: int) -> Form | None:
    """[i ≤ j] [j ≤ i] = δ_ij."""
    _, i, j = ring.atoms[p]
    return ring.delta(i, j) if ring.atoms[q] == ("le", j, i) else None


@law
def one_before_the_other(ring: Ring, monomial: Monomial, atom: int, bound: Bound) -> Form | None:
    """[j ≤ i] = 1 - [i ≤ j] + δ_ij."""
    _, j, i = ring.atoms[atom]
    if not is_backwards(ring.atoms[atom], bound):
        return None
    rest: Form = {tuple(pair for pair in monomial if pair[0] != atom): 1}
    turned = ring.add(ONE, scaled(ring.single(("le", i, j)), -1), ring.delta(i, j))
    return times(ring, rest, turned)


@law
def sum_over_both_ends(ring: Ring, monomial: Monomial, atom: int, bound: Bound) -> Form | None:
    """Σ_ij [i ≤ j] f(i, j) = (Σ_ij f(i, j) + Σ_i f(i, i)) / 2 where f(i, j) = f(j, i)."""
    _, i, j = ring.atoms[atom]
    if i not in bound or bound.get(j) != bound[i]:
        return None
    gone = {atom, *(ring.atom(("Σ", k, bound[k])) for k in (i, j))}
    p, q = ring.new_index(), ring.new_index()  # the names of bound indices are given again
    inner = renamed(ring, tuple(pair for pair in monomial if pair[0] not in gone), {i: p, j: q})
    if ring.close(inner) != ring.rename(inner, {p: q, q: p}):
        return None
    tied = ring.sum(p, bound[i], ring.rename(inner, {q: p}))
    both = ring.sums_over([(p, bound[i]), (q, bound[i])], inner)
    return scaled(ring.add(both, tied), Fraction(1, 2))


def is_zero_nowhere(ring: Ring, form: Form) -> bool:
    """Whether a form with sums over places is 0 on no region, wherever its indices are.

    It has a slope, by one entry at one place, that is not 0: Σ_k [k ≤ i] x_k has slope 1 by x_i,
    but Σ_k (1 - [k ≤ i]) x_k is nothing where i is the last.
    """
    for key in {ring.atoms[a] for m in form for a, _ in m if ring.atoms[a][0] == "x"}:
        words = [k if isinstance(k, int) else ring.new_index() for k in key[2:]]
        leaf = key[1], Shape(*(1 if isinstance(k, int) else "n" for k in words))
        slope = ring.derivative(form, leaf, *words)
        for places in product([*ring.free(form), 0], repeat=len(words)):
            there = ring.rename(slope, dict(zip(words, places, strict=True)))
            if there and (is_positive_form(ring, oriented(there)[1]) or _is_plain(ring, there)):
                return True
    return False


def _is_plain(ring: Ring, form: Form) -> bool:
    return len(form) == 1 and all(a not in ring.special for m in form for a, _ in m)
