"""Where a form is zero whatever the inputs are: on a diagonal, or at some sizes.

sign(P)² is 1 where P is not zero. P = x_i - x_j is zero where i = j, for every x, and P = n - m, a
form of dimensions alone, where n = m: there the square is 0. What enters is a ring and a form of
it, what leaves is what is known of its sign, and the square of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

from derive.algebra.forms import UNIT, Form, accumulate, scaled
from derive.calculus.index import Index

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

#: Polynomials of dimensions with higher powers are not looked into.
MOST_POWER = 8
#: A form with more free indices is not looked into for diagonals.
MOST_INDICES = 6


def is_constant(ring: Ring, form: Form) -> bool:
    """Whether a form has no entry in it: its value depends on sizes alone."""

    def constant(atom: int, *within: str) -> bool:
        kind, *rest = ring.atoms[atom]
        if kind == "det":  # 2 to the power of a dimension is that of the matrix 2 δ_rs
            return all(constant(a, "δ") for m in ring.thaw(rest[0]) for a, _ in m)
        if ring.kinds[atom].function:
            return is_constant(ring, ring.thaw(rest[0]))
        return kind == "n" or kind in within

    return all(constant(atom) for monomial in form for atom, _ in monomial)


def names(ring: Ring, form: Form) -> Iterator[str]:
    """Yield the names whose entries a form is made of."""
    for atom in {atom for monomial in form for atom, _ in monomial}:
        key = ring.atoms[atom]
        if key[0] == "x":
            yield key[1]
        for inside in ring.kinds[atom].forms(key):
            yield from names(ring, ring.thaw(inside))


def sign_of_sizes(ring: Ring, form: Form) -> tuple[int, bool] | None:
    """Return the sign that a polynomial of dimensions has at all sizes, and whether it can be 0.

    A dimension is at least 1: n + m - 1 is 1 + p + q where n = 1 + p and m = 1 + q, and positive;
    n - 1 is not negative.
    """
    moved: Form = {}
    for monomial, coefficient in form.items():
        expanded: Form = {UNIT: coefficient}
        for atom, exponent in monomial:
            kind, *rest = ring.atoms[atom]
            if kind != "n" or not isinstance(exponent, int) or not 0 < exponent <= MOST_POWER:
                return None
            least = 3 if rest[0] == "π" else ring.least.get(rest[0], 1)
            expanded = {
                m + (((atom, k),) if k else ()): c * comb(exponent, k) * least ** (exponent - k)
                for m, c in expanded.items()
                for k in range(exponent + 1)
            }
        for m, c in expanded.items():
            accumulate(moved, m, c)
    for sign in (1, -1):
        if all(c * sign > 0 for c in moved.values()):
            return sign, UNIT not in moved
    return None


def diagonals(ring: Ring, form: Form) -> list[tuple[tuple[Index, Index], ...]]:
    """Return the smallest sets of pairs of indices such that a form is zero where they are equal.

    a_ij - a_ji is zero where i = j, a_ij - a_kl where i = k and j = l.
    """
    words = sorted((k for k in ring.free(form) if isinstance(k, str)), key=str)
    if not 2 <= len(words) <= MOST_INDICES:
        return []
    pairs = list(combinations(words, 2))
    found: list[tuple[tuple[Index, Index], ...]] = []
    for count in (1, 2):
        for chosen in combinations(pairs, count):
            if any(set(known) <= set(chosen) for known in found):
                continue
            equal: Form = form
            for kept, gone in chosen:
                equal = ring.rename(equal, {gone: kept})
            if not equal:
                found.append(chosen)
    return found


def square_of_sign(ring: Ring, form: Form) -> Form | None:
    """Return sign(P)² as a form of deltas, 1 where P is not zero for every input.

    `None` where it is left as it stands: P is made of dimensions, or of entries of which something
    will be assumed that may make it zero.
    """
    if is_constant(ring, form):
        return None
    waiting = ring.waiting - ring.assumed.keys()
    if waiting and not waiting.isdisjoint(names(ring, form)):
        return None
    square: Form = {UNIT: 1}
    for chosen in diagonals(ring, form):
        here = ring.product(ring.delta(kept, gone) for kept, gone in chosen)
        square = ring.mul(square, ring.add({UNIT: 1}, scaled(here, -1)))
    return square
