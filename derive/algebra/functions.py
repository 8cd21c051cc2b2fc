"""Functions of forms, by their definitions in exp, log, sin, cos and sign.

What enters is a function's name and the forms that it is of, what leaves is a form. The law: each
function is taken apart where that is an identity of real values, and is an atom of its argument
where none is known.
"""

from __future__ import annotations

from collections.abc import Set
from fractions import Fraction
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from derive.algebra.denominators import denominator
from derive.algebra.forms import (
    UNIT,
    Exponent,
    Form,
    Monomial,
    TooLarge,
    accumulate,
    add_to,
    inverse,
    oriented,
    primitive,
    scaled,
)
from derive.algebra.laws import Law, first, law
from derive.algebra.places import is_zero_nowhere
from derive.algebra.powers import IDEMPOTENT, common_factor, settle
from derive.algebra.signs import (
    Given,
    has_cases,
    is_constant,
    is_not_negative,
    sign_factors,
    sign_of_sizes,
)
from derive.algebra.values import RingFunctions, Value
from derive.algebra.winners import below_winner, may_tie, tops
from derive.ops import OPS

if TYPE_CHECKING:
    from derive.algebra.normal import Ring
    from derive.calculus.index import Index

ONE: Form = {UNIT: 1}
#: A function of a form with more cases than this is not taken apart.
MOST_CELLS = 64


def function(ring: Ring, name: str, *args: Form) -> Form:
    """Return a function of forms."""
    if name == "pi":  # a positive constant, as a dimension is
        return ring.single(("n", "π"))
    if name in LAWS:
        return of_one(ring, name, ring.add(args[0], *(scaled(arg, -1) for arg in args[1:])))
    if OPS[name].left_open:  # nothing is known of it
        return ring.single(("open", ring.freeze(args[0]), name))
    through = OPS[name].through
    assert through is not None
    found: Form = through(RingFunctions(ring), *(Value(ring, arg) for arg in args)).form
    return found


def of_one(ring: Ring, name: str, form: Form) -> Form:
    """Return a function that has laws of its own, of one form: that of a difference for eq."""
    split: Form | None = first(LAWS[name], ring, form)
    return ring.single((name, ring.freeze(form))) if split is None else split


# -- exp, log, sin and cos -------------------------------------------------------------------------


@law
def exp_of_a_sum(ring: Ring, form: Form) -> Form | None:
    """exp(c p + q) = exp(p)^c exp(q)."""
    if len(form) == 1 and (*form.values(),) == (1,):
        return exp_of_a_logarithm(ring, *form.items())
    return ring.product(
        exp_of_a_logarithm(ring, term) or ring.single(("exp", ((term[0], 1),)), term[1])
        for term in form.items()
    )


@law
def exp_of_a_logarithm(ring: Ring, term: tuple[Monomial, Exponent]) -> Form | None:
    """exp(c log P) = P^c where log P has a value."""
    monomial, coefficient = term
    if len(monomial) != 1 or monomial[0][1] != 1:
        return None
    kind, *rest = ring.atoms[monomial[0][0]]
    return ring.power(ring.thaw(rest[0]), coefficient) if kind == "log" else None


@law
def log_of_one(ring: Ring, form: Form) -> Form | None:
    """log 1 = 0."""
    return {} if form == ONE else None


@law
def log_of_a_fraction(ring: Ring, form: Form) -> Form | None:
    """log P = log (P⁻¹)⁻¹, where that is shorter: (a d - b c) / (a d - b c)² is a power."""
    if len(form) < 2 or denominator(ring, form) is None:
        return None
    turned = ring.power(ring.power(form, -1), -1)
    return of_one(ring, "log", turned) if len(turned) < len(form) else None


@law
def log_of_a_product(ring: Ring, form: Form) -> Form | None:
    """log(exp(p) P^c) = p + c log P for a P that is positive for certain."""
    if len(form) != 1:
        return None
    ((monomial, coefficient),) = form.items()
    if coefficient != 1 or not monomial or not all(_splits_log(ring, a) for a, _ in monomial):
        return None
    return ring.add({}, *(scaled(_log_of(ring, a), e) for a, e in monomial))


@law
def log_of_a_common_factor(ring: Ring, form: Form) -> Form | None:
    """log(x p + x q) = log x + log(p + q) for an x that is positive for certain."""
    shared = tuple((a, e) for a, e in common_factor(ring, form) if _splits_log(ring, a))
    if len(form) < 2 or not shared:
        return None
    rest = ring.mul({inverse(shared): 1}, form)
    return ring.add(of_one(ring, "log", {shared: 1}), of_one(ring, "log", rest))


def _splits_log(ring: Ring, atom: int) -> bool:
    """Whether log(xy) = log x + log y may be used of an atom: x is positive for certain."""
    return ring.kinds[atom].log is not None and ring.positive(atom)


def _log_of(ring: Ring, atom: int) -> Form:
    log = ring.kinds[atom].log
    assert log is not None
    return log(ring, ring.atoms[atom])


def _around(ring: Ring, form: Form) -> tuple[Form, ...] | None:
    """Return sin and cos of a term of a small sum, and of the rest of it."""
    if not all(isinstance(c, int) for c in form.values()):
        return None
    if not 2 <= sum(abs(int(c)) for c in form.values()) <= 4:
        return None
    monomial = min(form)
    sign = 1 if form[monomial] > 0 else -1
    term: Form = {monomial: sign}
    rest = ring.add(form, {monomial: -sign})
    return tuple(of_one(ring, name, part) for part in (term, rest) for name in ("sin", "cos"))


@law
def sine_of_a_sum(ring: Ring, form: Form) -> Form | None:
    """sin(x + y) = sin x cos y + cos x sin y, for at most four terms."""
    around = _around(ring, form)
    if around is None:
        return None
    s, c, sine, cosine = around
    return ring.add(ring.mul(s, cosine), ring.mul(c, sine))


@law
def cosine_of_a_sum(ring: Ring, form: Form) -> Form | None:
    """cos(x + y) = cos x cos y - sin x sin y, for at most four terms."""
    around = _around(ring, form)
    if around is None:
        return None
    s, c, sine, cosine = around
    return ring.add(ring.mul(c, cosine), scaled(ring.mul(s, sine), -1))


@law
def sine_is_odd(ring: Ring, form: Form) -> Form | None:
    """sin(-x) = -sin x, and sin 0 = 0."""
    sign, turned = oriented(form)
    if not form:
        return {}
    return None if sign > 0 else scaled(ring.single(("sin", ring.freeze(turned))), -1)


@law
def cosine_is_even(ring: Ring, form: Form) -> Form | None:
    """cos(-x) = cos x, and cos 0 = 1."""
    sign, turned = oriented(form)
    if not form:
        return ONE
    return None if sign > 0 else ring.single(("cos", ring.freeze(turned)))


# -- signs and masks -------------------------------------------------------------------------------


@law
def sign_of_zero(ring: Ring, form: Form) -> Form | None:
    """sign 0 = 0."""
    return None if form else {}


@law
def sign_below_a_winner(ring: Ring, form: Form) -> Form | None:
    """sign(x_j - max_k x_k) = m_j - 1 for the mask m of the winner."""
    found = below_winner(ring, form)
    if found is None:
        return None
    return scaled(ring.add(ONE, scaled(found[1], -1)), -1 if found[0] > 0 else 1)


@law
def sign_by_cases(ring: Ring, form: Form) -> Form | None:
    """sign P = Σ_c c sign P_c over the cases of the signs and masks in P, c the mask of a case."""
    return by_cases(ring, form, "sign")


@law
def sign_of_dimensions(ring: Ring, form: Form) -> Form | None:
    """sign P = 1 for a polynomial P of dimensions that is positive at all sizes."""
    known = sign_of_sizes(ring, form)
    return None if known is None or known[1] else {UNIT: known[0]}


@law
def sign_of_factors(ring: Ring, form: Form) -> Form | None:
    """sign(c P Q) = sign c sign P sign Q."""
    if is_constant(ring, form):
        return sign_of_factor(ring, form)
    number, factors = sign_factors(ring, form)
    result: Form = {UNIT: number} if number else {}
    for factor in factors:
        anew = factor != form and has_cases(ring, factor)  # as u - v of exp(u) - exp(v) may have
        own = of_one(ring, "sign", factor) if anew else sign_of_factor(ring, factor)
        result = ring.mul(result, own)
    return result


def sign_of_factor(ring: Ring, form: Form) -> Form:
    """Return the sign of a form without signs and masks in it, of one term or irreducible."""
    sign, form = oriented(form)
    if is_not_negative(ring, form):
        return {UNIT: sign}
    if len(form) == 1 and not ring.bound(next(iter(form))):
        ((monomial, _),) = form.items()
        return scaled(ring.product(_sign_of_power(ring, *pair) for pair in monomial), sign)
    _, form = primitive(form)
    split: Form | None = sign_on_a_diagonal(ring, form)
    if split is None:
        key = ring.freeze(form)
        known = ring.supposed.get(key)
        split = {UNIT: known} if known else ring.single(("sign", key))
    return scaled(split, sign)


@law
def sign_on_a_diagonal(ring: Ring, form: Form) -> Form | None:
    """sign(δ P) = δ sign P; its square is δ, not 1."""
    deltas = [{(a, e) for a, e in m if ring.atoms[a][0] == "δ"} for m in form]
    shared = tuple(sorted(set.intersection(*deltas)))
    if not shared:  # those of bound indices are gone
        return None
    bare = {tuple(pair for pair in m if pair not in shared): c for m, c in form.items()}
    return ring.mul({shared: 1}, of_one(ring, "sign", bare))


def _sign_of_power(ring: Ring, atom: int, exponent: Exponent) -> Form:
    if ring.positive(atom):
        return ONE
    own = ring.kinds[atom].sign
    found: Form | None = own(ring, atom, exponent) if own is not None else None
    if found is not None:
        return found
    return ring.single(("sign", ((((atom, 1),), 1),))) if exponent % 2 == 1 else ONE


@law
def sign_of_a_mask(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """sign m = m for what is 0 or 1, or 1 or -1: masks, signs, entries that are assumed to be."""
    return settle(ring, ((atom, exponent),)) if atom in ring.special else None


@law
def sign_of_a_root(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """sign(P^e) = sign(P) for odd e, else sign(P)²: a root is zero where its argument is."""
    own = of_one(ring, "sign", ring.thaw(ring.atoms[atom][1]))
    return own if exponent % 2 == 1 else ring.mul(own, own)


@law
def sign_of_a_logarithm(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """sign log P = sign(P - 1)."""
    if exponent % 2 != 1:
        return None
    return of_one(ring, "sign", ring.add(ring.thaw(ring.atoms[atom][1]), {UNIT: -1}))


@law
def equality_of_numbers(ring: Ring, form: Form) -> Form | None:
    """[0 = 0] = 1, [c = 0] = 0, and [P = 0] = 1 - sign(P)² for a P of dimensions."""
    if not form:
        return ONE
    if form.keys() == {UNIT}:
        return {}
    if not is_constant(ring, form):
        return None
    sign = of_one(ring, "sign", form)
    return ring.add(ONE, scaled(ring.mul(sign, sign), -1))


@law
def equality_with_a_winner(ring: Ring, form: Form) -> Form | None:
    """[x_j = max_k x_k] = m_j for the mask m of the winner."""
    found = below_winner(ring, form)
    return None if found is None else found[1]


@law
def equality_by_cases(ring: Ring, form: Form) -> Form | None:
    """[P = 0] = Σ_c c [P_c = 0] over the cases c of the signs in P."""
    signs = any(ring.atoms[a][0] == "sign" for m in form for a, _ in m)
    return by_cases(ring, form, "eq") if signs else None


@law
def equality_of_a_mask(ring: Ring, form: Form) -> Form | None:
    """[m = 0] = 1 - m for what is 0 or 1."""
    monomial = next(iter(form))
    if len(form) > 1 or len(monomial) != 1 or ring.special.get(monomial[0][0]) not in IDEMPOTENT:
        return None
    return {UNIT: 1, monomial: -1}


@law
def equality_of_multiples(ring: Ring, form: Form) -> Form | None:
    """[c P = 0] = [P = 0] for a number c that is not 0."""
    _, turned = primitive(oriented(form)[1])
    return None if turned == form else ring.single(("eq", ring.freeze(turned)))


#: They are tried in this order; where none applies the function is an atom of its argument.
LAWS: dict[str, tuple[Law, ...]] = {
    "exp": (exp_of_a_sum,),
    "log": (log_of_one, log_of_a_fraction, log_of_a_product, log_of_a_common_factor),
    "sin": (sine_of_a_sum, sine_is_odd),
    "cos": (cosine_of_a_sum, cosine_is_even),
    "normcdf": (),
    "sign": (sign_of_zero, sign_below_a_winner, sign_by_cases, sign_of_dimensions, sign_of_factors),
    "eq": (
        equality_of_numbers,
        equality_with_a_winner,
        equality_by_cases,
        equality_of_a_mask,
        equality_of_multiples,
    ),
}  # fmt: skip


# -- cases -----------------------------------------------------------------------------------------

#: The values of some atoms in a case, and the mask of that case.
Option = tuple[dict[int, int], Form]


def by_cases(ring: Ring, form: Form, name: str) -> Form | None:
    """Return a function of a form by cases of the signs and masks in it, where it has some.

    relu(z) is 0 where z < 0: there its sign is 0, and sign² = 1 must not be used of it.
    """
    bound = {k for m in form for k in ring.bound(m)}
    switches = _switches(ring, form, bound)
    if not switches:
        return None
    if prod(map(len, switches)) > MOST_CELLS:
        raise TooLarge
    summed = any(ring.indices[a] & bound for ((values, _), *_) in switches for a in values)
    result: Form = {}
    for options in product(*switches):
        chosen = {a: value for values, _ in options for a, value in values.items()}
        cell = _cell(ring, form, chosen)
        if summed:
            if not cell:
                raise TooLarge  # a sum of such terms vanishes in cases of its own
            continue
        given = Given(ring)
        for atom, value in chosen.items():
            if ring.atoms[atom][0] == "sign":
                given = given.also(ring.thaw(ring.atoms[atom][1]), value)
        if given.is_impossible():
            continue
        sign = given.sign_of(cell)
        here = ring.product(mask for _, mask in options)
        add_to(result, ring.mul(here, of_one(ring, name, {UNIT: sign} if sign else cell)))
    return None if summed else result


def _cell(ring: Ring, form: Form, chosen: dict[int, int]) -> Form:
    """Return a form in which some signs and masks have their values."""
    cell: Form = {}
    for monomial, coefficient in form.items():
        for atom, exponent in monomial:
            if atom in chosen and (exponent % 2 or not chosen[atom]):
                coefficient *= chosen[atom]
        accumulate(cell, tuple((a, e) for a, e in monomial if a not in chosen), coefficient)
    return ring.close(cell)


def _is_of_places(ring: Ring, form: Form) -> bool:
    """Whether a form depends on sizes and on its indices alone: an entry of a constant matrix."""
    return all(ring.atoms[a][0] in ("n", "δ", "le") for m in form for a, _ in m)


def _switches(ring: Ring, form: Form, bound: Set[Index]) -> list[list[Option]]:
    """Return the cases of each sign, mask and family of masks in a form."""
    kinds: dict[str, list[int]] = {}
    for atom in sorted({a for m in form for a, _ in m}):
        kinds.setdefault(ring.atoms[atom][0], []).append(atom)
    switches = [signs(ring, atom) for atom in kinds.get("sign", [])]
    masks = kinds.get("δ", []) if _is_of_places(ring, form) else []
    for keys in sorted({ring.atoms[atom][1] for atom in kinds.get("top", [])}):
        own = tops(ring, [ring.thaw(key) for key in keys])
        family = [a for top in own[:-1] for m in top for a, _ in m]
        here = [{b for m in top for b, _ in m} for top in own[:-1]]
        switches.append([
            ({a: int(a in atoms) for a in family}, top)
            for atoms, top in zip((*here, set[int]()), own, strict=True)
        ])  # fmt: skip
    won = [*kinds.get("win", []), *kinds.get("eq", [])]
    if not any(ring.indices[a] & bound for a in won):
        masks = masks + won
    elif may_tie(ring, form, won):
        raise TooLarge
    ordered = kinds.get("le", [])
    masks += [a for a in ordered if not ring.indices[a] & bound]
    if ordered and not switches and not masks and not is_zero_nowhere(ring, form):
        raise TooLarge
    return switches + [_on_or_off(atom) for atom in masks]


def signs(ring: Ring, atom: int) -> list[Option]:
    """Return what a sign may be, 1 or -1, and 0 where its argument is 0 for every input."""
    sign: Form = {((atom, 1),): 1}
    square = settle(ring, ((atom, 2),))
    cases: list[Option] = [
        ({atom: s}, scaled(ring.add(square, scaled(sign, s)), Fraction(1, 2))) for s in (1, -1)
    ]
    if square != ONE:
        cases.append(({atom: 0}, ring.add(ONE, scaled(square, -1))))
    return [(values, mask) for values, mask in cases if mask]


def _on_or_off(atom: int) -> list[Option]:
    """Return the two values of an atom that is 0 or 1, with the masks of their cases."""
    mask: Form = {((atom, 1),): 1}
    return [({atom: 1}, mask), ({atom: 0}, {UNIT: 1, ((atom, 1),): -1})]
