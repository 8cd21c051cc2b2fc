"""Factors of forms: polynomials in powers of atoms, taken apart by FLINT.

A factorization is an identity of polynomials; whatever laws the atoms obey besides, it holds.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

from derive.algebra.forms import Exponent, Form, exact

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

#: A form with more terms or atoms than these is not taken apart, nor one of a higher degree: the
#: factors of 1 + x¹⁰⁰¹ have thousands of terms.
MOST_TERMS, MOST_ATOMS, MOST_DEGREE = 40, 24, 60


def polynomial_factors(
    ring: Ring, form: Form
) -> tuple[Exponent, list[tuple[Form, Exponent]]] | None:
    """Return a number and factors with their powers, `None` where there is but one factor.

    Sums over indices are not looked into.

    >>> from derive.algebra.normal import Ring
    >>> ring = Ring()
    >>> x, y = ring.entry("x", 0, 0), ring.entry("y", 0, 0)
    >>> polynomial_factors(ring, ring.add(ring.mul(x, x), ring.mul(x, y)))
    (1, [({((0, 1),): 1}, 1), ({((0, 1),): 1, ((1, 1),): 1}, 1)])
    """
    from flint import Ordering, fmpq, fmpq_mpoly_ctx

    atoms = sorted({a for m in form for a, _ in m})
    if not 2 <= len(form) <= MOST_TERMS or len(atoms) > MOST_ATOMS or ring.sums & set(atoms):
        return None
    if all(len(m) < 2 and sum(e for _, e in m) in (0, 1) for m in form):
        return None  # it is linear
    ring.budget.spend(len(form) * len(atoms))
    steps = dict.fromkeys(atoms, 1)
    below: dict[int, Exponent] = dict.fromkeys(atoms, 0)
    for monomial in form:
        for atom, exponent in monomial:
            if not isinstance(exponent, int):
                steps[atom] = lcm(steps[atom], exponent.denominator)
            below[atom] = min(below[atom], exponent)
    places = {a: k for k, a in enumerate(atoms)}
    lowest = [int(-below[a] * steps[a]) for a in atoms]
    terms = {}
    for monomial, coefficient in form.items():
        exponents = list(lowest)
        for atom, exponent in monomial:
            exponents[places[atom]] += int(exponent * steps[atom])
        if sum(exponents) > MOST_DEGREE:
            return None
        terms[tuple(exponents)] = fmpq(coefficient.numerator, coefficient.denominator)
    context = fmpq_mpoly_ctx.get([f"v{k}" for k in range(len(atoms))], Ordering.lex)
    number, factors = context.from_dict(terms).factor()
    found: list[tuple[Form, Exponent]] = [({((a, 1),): 1}, e) for a, e in below.items() if e]
    if not found and len(factors) == 1 and factors[0][1] == 1:
        return None
    for factor, times in factors:
        inner: Form = {}
        for powers, c in factor.to_dict().items():
            pairs = zip(atoms, powers, strict=True)
            monomial = tuple((a, exact(Fraction(int(e), steps[a]))) for a, e in pairs if e)
            inner[monomial] = exact(Fraction(int(c.p), int(c.q)))
        found.append((inner, int(times)))
    return exact(Fraction(int(number.p), int(number.q))), found
