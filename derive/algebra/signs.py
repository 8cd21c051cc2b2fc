"""Signs of forms: what is known of them for all inputs, in a case, and factor by factor.

What enters is a form, what leaves is its sign where it is known. The law: sign(P)² is 1 but where P
is zero for every input, on a diagonal (x_i - x_j where i = j) or at some sizes (n - m). In a case
the terms of a form are taken to be independent of each other, so what is called impossible is. The
method is Fourier's and Motzkin's (Schrijver, Theory of Linear and Integer Programming, 12.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, NamedTuple

from derive.algebra.factors import polynomial_factors
from derive.algebra.forms import (
    UNIT,
    Budget,
    Exponent,
    Form,
    Monomial,
    accumulate,
    add_to,
    inverse,
    oriented,
    scaled,
)
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
        if kind in ("det", "Π"):  # 2 to the power of a dimension is that of the matrix 2 δ_rs
            return all(constant(a, "δ", "le", "Σ") for m in ring.thaw(rest[0]) for a, _ in m)
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


def has_cases(ring: Ring, form: Form) -> bool:
    """Whether a form has signs or masks in it, or its functions have."""
    atoms = {a for m in form for a, _ in m}
    return any(ring.kinds[a].mask or ring.atoms[a][0] == "sign" for a in atoms) or (
        has_cases_inside(ring, form)
    )


def has_cases_inside(ring: Ring, form: Form) -> bool:
    """Whether a function in a form has signs or masks in it: exp(relu(x)) + exp(relu(y)) - 2."""
    return any(
        has_cases(ring, ring.thaw(ring.atoms[a][1]))
        for a in {a for m in form for a, _ in m}
        if ring.kinds[a].function or ring.atoms[a][0] == "Π"
    )


def square_of_sign(ring: Ring, form: Form) -> Form | None:
    """Return sign(P)² as a form of deltas, 1 where P is not zero for every input.

    `None` where it is left as it stands: P is made of dimensions, or has signs or masks inside its
    functions, so that it may be 0 on a region, or something will be assumed of its entries.
    """
    if is_constant(ring, form) or has_cases_inside(ring, form):
        return None
    waiting = ring.waiting - ring.assumed.keys()
    if waiting and not waiting.isdisjoint(names(ring, form)):
        return None
    square: Form = {UNIT: 1}
    for chosen in diagonals(ring, form):
        here = ring.product(ring.delta(kept, gone) for kept, gone in chosen)
        square = ring.mul(square, ring.add({UNIT: 1}, scaled(here, -1)))
    return square


def term_sign(ring: Ring, monomial: Monomial, known: dict[int, int]) -> tuple[int, bool] | None:
    """Return the sign of a term and whether it is never zero, `None` where it may be either.

    `known` gives the signs of single atoms.
    """
    sign, strict = 1, True
    for atom, exponent in monomial:
        if atom in ring.sums or ring.positive(atom):
            continue
        if atom in known:
            sign *= known[atom] if exponent % 2 else 1
        elif exponent % 2 != 1 or ring.kinds[atom].mask:
            strict = False  # squares, and roots of what has to be positive for them
        else:
            return None
    return sign, strict


def is_positive(ring: Ring, form: Form) -> bool:
    """Whether a form is a sum of terms that are not negative, one of them always positive."""
    signs = [term_sign(ring, m, {}) if c > 0 else None for m, c in form.items()]
    return all(signs) and any(sign[1] for sign in signs if sign)


def is_positive_form(ring: Ring, form: Form) -> bool:
    """Whether no term of a form is negative, and it does not vanish off a diagonal."""
    if sign_of_sizes(ring, form) == (1, False):
        return True
    return all(c > 0 and term_sign(ring, m, {}) is not None for m, c in form.items()) and any(
        all(a in ring.sums or ring.atoms[a][0] == "pow" or a not in ring.special for a, _ in m)
        for m in form
    )


def is_not_negative(ring: Ring, form: Form) -> bool:
    """Whether a form is a sum of squares, and of what is positive: 0 only where all of it is.

    A mask is its own square, and may be 0 on a region.
    """
    if ring.waiting.intersection(names(ring, form)):
        return False
    return all(
        coefficient > 0
        and all(
            a in ring.sums or ring.positive(a) or (e % 2 == 0 and a not in ring.special)
            for a, e in monomial
        )
        for monomial, coefficient in form.items()
    )


# -- factors ---------------------------------------------------------------------------------------


def sign_factors(ring: Ring, form: Form) -> tuple[int, list[Form]]:
    """Return a number and forms: the product of the signs of these is the sign of a form.

    >>> from derive.algebra.normal import Ring
    >>> ring = Ring()
    >>> x = ring.entry("x", 0, 0)
    >>> square = ring.add(ring.mul(x, x), {(): -1})
    >>> sign_factors(ring, square)  # x² - 1 is (1 - x)(1 + x), but for its sign
    (-1, [{((0, 1),): -1, (): 1}, {((0, 1),): 1, (): 1}])
    """
    number, factors = 1, []
    for factor, times in _factors(ring, form):
        if not factor:
            return 0, []
        sign, inner = oriented(factor)
        number *= sign if times % 2 else 1
        if is_positive(ring, inner):
            continue
        compared = _logarithms(ring, inner)
        own = [inner]
        if compared is not None:
            sign, own = sign_factors(ring, compared)
            number *= sign if times % 2 else 1
        factors += own if times % 2 else own * 2  # the square of a sign is not always 1
    return number, factors


def _factors(ring: Ring, form: Form) -> list[tuple[Form, Exponent]]:
    """Return forms and powers whose product has the sign of a form."""
    if len(form) == 1 or is_positive(ring, oriented(form)[1]):
        return [(form, 1)]
    shared = _lowest(ring, form)
    if shared:
        rest: Form = {}
        for monomial, coefficient in form.items():
            add_to(rest, ring.mul({inverse(shared): 1}, {monomial: coefficient}))
        return [({shared: 1}, 1), *(_factors(ring, rest) if rest else [({}, 1)])]
    found = polynomial_factors(ring, form)
    return [(form, 1)] if found is None else [({UNIT: found[0]}, 1), *found[1]]


def _lowest(ring: Ring, form: Form) -> Monomial:
    """Return the lowest powers of the free atoms of a form, those that are denominators too."""
    bound = {k for m in form for k in ring.bound(m)}
    powers = [dict(m) for m in form]
    atoms = {a for m in form for a, _ in m if a not in ring.sums and not ring.indices[a] & bound}
    lowest = {a: min(at.get(a, 0) for at in powers) for a in atoms}
    return tuple(sorted((a, e) for a, e in lowest.items() if e))


def _logarithms(ring: Ring, form: Form) -> Form | None:
    """Return u - v where a form is e^u - e^v, which has its sign; `None` for any other."""
    if len(form) != 2 or sum(form.values()) != 0:
        return None
    result: Form = {}
    for monomial, coefficient in form.items():
        if any(ring.atoms[a][0] != "exp" for a, _ in monomial):
            return None
        for atom, exponent in monomial:
            power = exponent if coefficient > 0 else -exponent
            add_to(result, ring.thaw(ring.atoms[atom][1]), power)
    return result


# -- cases -----------------------------------------------------------------------------------------

#: With more inequalities than this nothing is called impossible.
MOST = 200
#: A form, and whether it is positive; else it is not negative.
Inequality = tuple[Form, bool]


def impossible(inequalities: Sequence[Inequality], budget: Budget | None = None) -> bool:
    """Whether P > 0 and Q ≥ 0 ... contradict each other, as x - 1 > 0 and -x > 0 do.

    Raises `TooLarge` where that takes more steps than are left.

    >>> x = ((0, 1),)
    >>> impossible([({x: 1, (): -1}, True), ({x: -1}, True)])
    True
    >>> impossible([({x: 1, (): -1}, True), ({x: 1}, True)])
    False
    """
    rows: list[Inequality] = [*inequalities, ({UNIT: 1}, True)]
    while True:
        if any(strict and not form for form, strict in rows):
            return True
        rows = [row for row in rows if row[0]]
        terms = {monomial for form, _ in rows for monomial in form}
        if not terms:
            return False
        if budget is not None:
            budget.spend(len(rows) * len(terms) // 8)
        chosen = min(terms, key=lambda m: (_pairs(rows, m), m))
        if _pairs(rows, chosen) > MOST:
            return False
        rows = _without(rows, chosen)


def _pairs(rows: Sequence[Inequality], monomial: Monomial) -> int:
    signs = [form[monomial] > 0 for form, _ in rows if monomial in form]
    return sum(signs) * (len(signs) - sum(signs))


def _without(rows: Sequence[Inequality], monomial: Monomial) -> list[Inequality]:
    """Return what inequalities say of the other terms: of a ≤ x and x ≤ b it is a ≤ b."""
    kept = [row for row in rows if monomial not in row[0]]
    above = [row for row in rows if row[0].get(monomial, 0) > 0]
    below = [row for row in rows if row[0].get(monomial, 0) < 0]
    for low, strict in above:
        for high, strictly in below:
            total = dict(low)
            ratio = Fraction(low[monomial]) / Fraction(-high[monomial])
            add_to(total, high, ratio)
            kept.append((total, strict or strictly))
    return kept


class Given(NamedTuple):
    """Forms that are positive, and forms that are zero: what is known in a case.

    >>> from derive.algebra.normal import Ring
    >>> ring = Ring()
    >>> x = ring.entry("x", 0, 0)
    >>> case = Given(ring).also(ring.add(x, {(): -1}), 1)
    >>> case.sign_of(x), case.sign_of(ring.add(x, {(): -2}))
    (1, None)
    """

    ring: Ring
    positive: tuple[Form, ...] = ()
    zero: tuple[Form, ...] = ()

    def also(self, form: Form, sign: int) -> Given:
        """Return the case in which a form has a sign besides."""
        if not sign:
            return self._replace(zero=(*self.zero, form))
        return self._replace(positive=(*self.positive, scaled(form, sign)))

    def is_impossible(self) -> bool:
        """Whether there is no such case for certain."""
        return impossible(self._inequalities(), self.ring.budget)

    def sign_of(self, form: Form) -> int | None:
        """Return the sign that a form has in this case: 1 or -1, `None` where it is not known."""
        if not form or not (self.positive or self.zero):
            return None
        known = self._inequalities(form)
        for sign in (1, -1):
            if impossible([*known, (scaled(form, -sign), False)], self.ring.budget):
                return sign
        return None

    def _inequalities(self, *others: Form) -> list[Inequality]:
        """Return all that is known, of the terms that occur in some other forms as well."""
        ring = self.ring
        rows = [(form, True) for form in self.positive]
        rows += [(side, False) for form in self.zero for side in (form, scaled(form, -1))]
        signs = {
            m[0][0]: 1 if c > 0 else -1
            for form in self.positive if len(form) == 1
            for m, c in form.items()
            if len(m) == 1 and m[0][1] == 1 and m[0][0] not in ring.sums
        }  # fmt: skip
        forms = (*self.positive, *self.zero, *others)
        for monomial in {m for form in forms for m in form} - {UNIT}:
            known = term_sign(ring, monomial, signs)
            if known is not None:
                rows.append(({monomial: known[0]}, known[1]))
            kind, *rest = ring.atoms[monomial[0][0]]
            if len(monomial) == 1 and monomial[0][1] == 1 and kind == "n" and rest != ["π"]:
                rows.append(({monomial: 1, UNIT: -1}, False))  # a dimension is at least 1
        return rows
