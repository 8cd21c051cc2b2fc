"""Inequalities between forms: whether some of them can hold together.

The terms of a form are taken to be independent of each other, so what is called impossible is; what
is possible by this judgement may not be. The method is Fourier's and Motzkin's: terms are
eliminated one by one from sums of inequalities (Schrijver, Theory of Linear and Integer
Programming, 1986, 12.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.algebra.forms import UNIT, Budget, Form, Monomial, add_to, scaled
from derive.algebra.vanishing import names, sign_of_sizes

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

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


@dataclass(frozen=True, slots=True)
class Given:
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
            return replace(self, zero=(*self.zero, form))
        return replace(self, positive=(*self.positive, scaled(form, sign)))

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
