"""Signs of forms: sign(PQ) = sign(P) sign(Q), factor by factor.

What enters is a form without signs and masks in it; what leaves is a number and forms whose signs
multiply to its sign, wherever it is defined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.algebra.factors import polynomial_factors
from derive.algebra.forms import UNIT, Exponent, Form, Monomial, add_to, inverse, oriented
from derive.algebra.order import is_positive

if TYPE_CHECKING:
    from derive.algebra.normal import Ring


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
