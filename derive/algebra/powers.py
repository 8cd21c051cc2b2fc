"""Powers of atoms and of forms, law by law.

What enters is a monomial, or a form and an exponent; what leaves is a form. The law: a power is
split where both sides have the same real value wherever they have one, and nowhere else; what no
law splits is the power of an atom.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, repeat
from math import comb, floor
from typing import TYPE_CHECKING

from derive.algebra.denominators import cleared, denominator
from derive.algebra.factors import polynomial_factors
from derive.algebra.forms import (
    LARGEST,
    UNIT,
    Exponent,
    Form,
    Monomial,
    TooLarge,
    Undefined,
    add_to,
    exact,
    inverse,
    merge,
    oriented,
    prime_factors,
    primitive,
    raised,
    rational_root,
    scaled,
)
from derive.algebra.laws import Law, first, law
from derive.algebra.signs import is_constant, is_positive_form, sign_of_sizes, square_of_sign

if TYPE_CHECKING:
    from derive.algebra.normal import Ring
    from derive.calculus.index import Index

ONE: Form = {UNIT: 1}

# -- of atoms --------------------------------------------------------------------------------------


def settle(ring: Ring, monomial: Monomial) -> Form:
    """Return a monomial with the laws of its special atoms applied."""
    ring.budget.spend(len(monomial))
    special, kinds = ring.special, ring.kinds
    plain: list[tuple[int, Exponent]] = []
    others: list[Form] = []
    meeting: list[int] = []
    for pair in monomial:
        own = special.get(pair[0])
        found = None if own is None else own(ring, *pair)
        if found is None:
            plain.append(pair)
        elif found == {((pair[0], 1),): 1}:
            plain.append((pair[0], 1))
        elif found != ONE:
            others.append(found)
        if own is not None and pair[1] > 0 and kinds[pair[0]].meets is not None:
            meeting.append(pair[0])
    for p, q in combinations(meeting, 2):
        meets = kinds[p].meets
        met = meets(ring, p, q) if meets is not None and meets is kinds[q].meets else None
        if met is not None:
            plain = [pair for pair in plain if pair[0] not in (p, q)]
            others.append(met)
            break  # the product settles what meets besides
    result: Form = {tuple(plain): 1}
    for form in others:
        result = ring.mul(result, form)
    return result


@law
def power_of_a_mask(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """m² = m where m is 0 or 1."""
    return None if exponent == 1 or exponent < 0 else {((atom, 1),): 1}


@law
def power_of_a_delta(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """δ² = δ, and 1 / δ has no value off the diagonal."""
    if exponent < 0:
        raise Undefined("a division by zero off the diagonal")
    return None if exponent == 1 else {((atom, 1),): 1}


@law
def power_of_a_binary_entry(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """x² = x, and 1 / x = x where it has a value, for an entry that is 0 or 1."""
    return None if exponent == 1 else {((atom, 1),): 1}


#: Of what is 0 or 1.
IDEMPOTENT = (power_of_a_mask, power_of_a_delta, power_of_a_binary_entry)


@law
def power_of_one_or_minus_one(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """x² = 1 where x is 1 or -1: an entry that is assumed to be, and (-1)ⁿ."""
    left = exponent % 2
    return None if left == exponent else {((atom, left),): 1} if left else ONE


@law
def power_of_a_sign(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """s³ = s, and s² = 1 where the argument of s is not zero for every input."""
    left = exponent % 2
    if left:
        return None if left == exponent else {((atom, left),): 1}
    square = square_of(ring, atom)
    if square is None:
        return None if exponent == 2 else {((atom, 2),): 1}
    return square


def square_of(ring: Ring, atom: int) -> Form | None:
    """Return the square of a sign; `None` if it stands as it is."""
    if atom not in ring.squares:
        key = ring.atoms[atom][1]
        inside: Form = ring.thaw(key)
        known = None if key in ring.supposed else sign_of_sizes(ring, inside)
        if key in ring.supposed:
            ring.squares[atom] = ONE
        elif known is not None:  # not negative: 0 or 1
            ring.squares[atom] = {((atom, 1),): known[0]}
        else:
            ring.squares[atom] = square_of_sign(ring, inside)
    return ring.squares[atom]


@law
def power_of_a_sine(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """sin² = 1 - cos²."""
    if not isinstance(exponent, int) or exponent < 2:
        return None
    cosine = ring.single(("cos", ring.atoms[atom][1]), 2)
    square = _whole_power(ring, ring.add(ONE, scaled(cosine, -1)), exponent // 2)
    return ring.mul(square, {((atom, 1),): 1}) if exponent % 2 else square


@law
def power_of_a_power(ring: Ring, atom: int, exponent: Exponent) -> Form | None:
    """(√P)² = P, and 1 / √3 = √3 / 3."""
    key = ring.atoms[atom][1]
    if exponent < 1 and not (exponent < 0 and is_number(key)):
        return None
    whole = floor(exponent)
    base = power(ring, ring.thaw(key), whole)
    left = exact(exponent - whole)
    return ring.mul(base, {((atom, left),): 1}) if left else base


def is_number(key: tuple) -> bool:
    """Whether the base of a power, as a key, is a number."""
    return not key or (len(key) == 1 and key[0][0] == UNIT)


# -- of forms --------------------------------------------------------------------------------------


def power(ring: Ring, form: Form, exponent: Exponent) -> Form:
    """Return a power; a fraction or a negative exponent makes an atom of what it cannot split.

    Raises `Undefined` for 0 to a negative power.
    """
    exponent = exact(exponent)
    if exponent == 0:
        return ONE
    if not form:
        if exponent < 0:
            raise Undefined
        return {}
    if exponent == 1:
        return form
    if isinstance(exponent, int) and exponent > 0:
        return _whole_power(ring, form, exponent)
    split: Form = first(POWERS, ring, form, exponent)
    return split


def _whole_power(ring: Ring, form: Form, exponent: int) -> Form:
    if len(form) > 1 and comb(len(form) + exponent - 1, exponent) > LARGEST:
        raise TooLarge
    result = ONE
    base = form
    while exponent:
        if exponent & 1:
            result = ring.mul(result, base)
        exponent >>= 1
        if exponent:
            base = ring.mul(base, base)
    return result


@law
def power_of_a_term(ring: Ring, form: Form, exponent: Exponent) -> Form | None:
    """(c x y)⁻¹ = c⁻¹ x⁻¹ y⁻¹; of a root, what is positive comes out, and x² as |x|."""
    if len(form) != 1:
        return None
    ((monomial, coefficient),) = form.items()
    if ring.bound(monomial):
        return None
    if isinstance(exponent, int):
        powers = settle(ring, tuple((a, exact(e * exponent)) for a, e in monomial))
        return scaled(powers, raised(coefficient, exponent))
    outside = number_power(ring, _size(coefficient), exponent)
    signed = [(a, e) for a, e in monomial
              if e % 1 == 0 and not ring.kinds[a].mask and not ring.positive(a)]  # fmt: skip
    if coefficient > 0 and len(signed) == 1 and signed[0][1] % 2:
        signed = []  # it is not negative where its root has a value
    sizes = _sizes(ring, signed)
    paired = {s for s, _ in sizes.values()}
    rest: list[int] = []
    for atom, e in monomial:
        if atom in paired:
            continue
        if (atom, e) not in signed:
            outside = ring.mul(outside, settle(ring, ((atom, exact(e * exponent)),)))
            continue
        sign, size = sizes.get(atom, (None, None))
        even = e - e % 2 if sign is None else e
        outside = ring.mul(outside, _size_power(ring, atom, exact(even * exponent), size))
        rest += [atom] * (e != even)
    if coefficient > 0 and len(rest) == 1:
        return ring.mul(outside, settle(ring, ((rest[0], exponent),)))
    inner: Form = {tuple((a, 1) for a in rest): 1 if coefficient > 0 else -1}
    return _times_root(ring, outside, inner, exponent)


def _times_root(ring: Ring, outside: Form, inner: Form, exponent: Exponent) -> Form:
    if inner == ONE:
        return outside
    if inner == {UNIT: -1}:
        raise Undefined
    return ring.mul(outside, ring.single(("pow", ring.freeze(inner)), exponent))


def _sizes(ring: Ring, factors: list[tuple[int, Exponent]]) -> dict[int, tuple[int, Form]]:
    """Return for each atom x that stands beside its sign that sign, and |x|."""
    odd = {atom for atom, e in factors if e % 2}
    found: dict[int, tuple[int, Form]] = {}
    for atom in odd:
        sign = ring.function("sign", {((atom, 1),): 1})
        own = [a for m in sign for a, _ in m]
        if len(sign) == 1 == len(own) and own[0] != atom and own[0] in odd:
            found[atom] = own[0], ring.mul({((atom, 1),): 1}, sign)
    return found


def _size_power(ring: Ring, atom: int, exponent: Exponent, size: Form | None) -> Form:
    """Return |x|^e: for whole e a power of x, and of its sign where e is odd."""
    single: Form = {((atom, 1),): 1}
    if exponent % 1 == 0:
        whole = settle(ring, ((atom, int(exponent)),)) if exponent else ONE
        return ring.mul(whole, ring.function("sign", single)) if exponent % 2 else whole
    base = ring.freeze(size or ring.mul(single, ring.function("sign", single)))
    return settle(ring, ((ring.atom(("pow", base)), exponent),))


@law
def power_of_sums(ring: Ring, form: Form, exponent: Exponent) -> Form | None:
    """(Σ_i p_i Σ_k q_k)⁻¹ = (Σ p)⁻¹ (Σ q)⁻¹, √((Σ p)²) = |Σ p|; what is not negative comes out."""
    if len(form) != 1:
        return None
    ((monomial, coefficient),) = form.items()
    outside: list[Monomial] = []
    rest: list[Monomial] = []
    parts = independent(ring, monomial)
    for part in parts:
        twin = None if isinstance(exponent, int) else _twin(ring, part, parts)
        if twin is not None and (2 * exponent) % 1 == 0:
            others = [p for p in parts if p is not part and p is not twin]
            once, whole = ring.close({part: 1}), int(2 * exponent)
            sign = ring.function("sign", once) if whole % 2 else ONE
            left = power(ring, _joined(ring, others, coefficient), exponent)
            return ring.product([left, power(ring, once, whole), sign])
        splits = isinstance(exponent, int) or all(
            a in ring.sums or e % 2 == 0 or ring.positive(a) for a, e in part
        )
        (outside if splits else rest).append(part)
    if len(outside) + bool(rest) < 2:
        return None
    powers = [power(ring, ring.close({part: 1}), exponent) for part in outside]
    return ring.product([*powers, power(ring, _joined(ring, rest, coefficient), exponent)])


def _joined(ring: Ring, parts: list[Monomial], coefficient: Exponent) -> Form:
    return ring.close({tuple(sorted(pair for part in parts for pair in part)): coefficient})


def _twin(ring: Ring, part: Monomial, parts: list[Monomial]) -> Monomial | None:
    """Return another factor that is the same sum."""
    if not ring.bound(part):
        return None
    own = ring.close({part: 1})
    return next((p for p in parts if p is not part and ring.close({p: 1}) == own), None)


def independent(ring: Ring, monomial: Monomial) -> list[Monomial]:
    """Return the factors of a monomial that share no bound index with each other."""
    bound = ring.bound(monomial).keys()
    groups: list[tuple[set[Index], list[tuple[int, Exponent]]]] = []
    for atom, exponent in monomial:
        words, pairs = set(ring.indices[atom] & bound), [(atom, exponent)]
        apart = []
        for own, others in groups:
            if own & words or not (own or words):
                words |= own
                pairs = others + pairs
            else:
                apart.append((own, others))
        groups = [*apart, (words, pairs)]
    return [tuple(sorted(pairs)) for _, pairs in groups]


@law
def power_over_a_power(ring: Ring, form: Form, exponent: Exponent) -> Form | None:
    """(P / Q^k)⁻¹ = Q^k / P."""
    below = denominator(ring, form) if isinstance(exponent, int) else None
    if below is None:
        return None
    atom, times = below
    outside = ((atom, -times * exponent),)
    rest = power(ring, cleared(ring, form, atom, times), exponent)
    if len(rest) == 1:  # P may be a power of Q
        ((monomial, coefficient),) = rest.items()
        return ring.close(scaled(settle(ring, merge(monomial, outside)), coefficient))
    return ring.mul(settle(ring, outside), rest)


@law
def root_of_a_square(ring: Ring, form: Form, exponent: Exponent) -> Form | None:
    """√(c p²) = √c |p| for a sum p."""
    if isinstance(exponent, int) or exponent.denominator != 2:
        return None
    number, inside = primitive(form)
    root = square_root(ring, inside)
    if root is None:
        return None
    odd = power(ring, root, int(2 * exponent))
    return ring.product([number_power(ring, number, exponent), odd, ring.function("sign", root)])


@law
def power_of_factors(ring: Ring, form: Form, exponent: Exponent) -> Form | None:
    """(c P² Q)⁻¹ = c⁻¹ P⁻² Q⁻¹; of a root, what is not negative comes out, and P² as |P|."""
    factored = polynomial_factors(ring, form)
    if factored is None:
        return None
    number, factors = factored
    if isinstance(exponent, int):
        powers = (power(ring, factor, exact(times * exponent)) for factor, times in factors)
        return ring.product([{UNIT: raised(number, exponent)}, *powers])
    outside = number_power(ring, _size(number), exponent)
    rest: Form = {UNIT: 1 if number > 0 else -1}
    for factor, times in factors:
        sign, inner = oriented(factor)
        if times % 1 or is_positive_form(ring, inner):
            outside = ring.mul(outside, power(ring, inner, exact(times * exponent)))
            rest = scaled(rest, -1) if sign < 0 and times % 2 else rest
            continue
        even = times - times % 2
        if (even * exponent) % 1 == 0:
            whole = int(even * exponent)
            outside = ring.mul(outside, power(ring, factor, whole))
            outside = ring.mul(outside, ring.function("sign", factor)) if whole % 2 else outside
            times -= even
        rest = ring.mul(rest, power(ring, factor, times))
    if len(rest) > 1:
        return ring.mul(outside, power_of_a_sum.rewriting(ring, rest, exponent))
    if rest == ONE:
        return outside
    if rest == {UNIT: -1}:
        raise Undefined
    return ring.mul(outside, power(ring, rest, exponent))


@law
def power_of_a_sum(ring: Ring, form: Form, exponent: Exponent) -> Form:
    """(c x P)^e = c^e x^e P^e for the number c and the factor x that all terms share."""
    leading, inner = primitive(form)
    common = common_factor(ring, form)
    if isinstance(exponent, int):
        known = sign_of_sizes(ring, form)
        if known[0] < 0 if known else form[min(form)] < 0:
            leading, inner = -leading, scaled(inner, -1)
    else:  # only what is positive comes out of a root
        common = tuple((a, e) for a, e in common if ring.positive(a))
    outside = number_power(ring, leading, exponent)
    if common:
        powers = settle(ring, tuple((a, exact(e * exponent)) for a, e in common))
        outside = ring.mul(outside, powers)
        inner = ring.close({merge(m, inverse(common)): c for m, c in inner.items()})
    return ring.mul(outside, ring.single(("pow", ring.freeze(inner)), exponent))


#: They are tried in this order, and the last one always applies.
POWERS: tuple[Law, ...] = (
    power_of_a_term,
    power_of_sums,
    power_over_a_power,
    root_of_a_square,
    power_of_factors,
    power_of_a_sum,
)


def _size(value: Exponent) -> Exponent:
    return value if value > 0 else -value


def number_power(ring: Ring, value: Exponent, exponent: Exponent) -> Form:
    """Return a power of a number, by roots of its primes; it is positive or the power whole."""
    if isinstance(exponent, int):
        return {UNIT: raised(value, exponent)}
    if value < 0:
        raise Undefined
    result = ONE
    for prime, times in prime_factors(value):
        shown = times * exponent
        kept = floor(shown)
        result = scaled(result, raised(prime, kept))
        if shown != kept:
            root = ring.single(("pow", ring.freeze({UNIT: prime})), exact(shown - kept))
            result = ring.mul(result, root)
    return result


def square_root(ring: Ring, form: Form) -> Form | None:
    """Return p where a form is the square of a sum p, found from its leading term downwards."""
    if len(form) < 3 or ring.has_sums(form):
        return None
    atoms = sorted({a for m in form for a, _ in m}, key=lambda a: (a in ring.special, a))

    def order(monomial: Monomial) -> tuple[Exponent, ...]:
        return tuple(map(dict(monomial).get, atoms, repeat(0)))

    lead = max(form, key=order)
    leading = rational_root(form[lead])
    if leading is None or any(e % 2 for _, e in lead):
        return None
    head = tuple((a, exact(Fraction(e) / 2)) for a, e in lead)
    root: Form = {head: leading}
    left = ring.add(form, scaled(ring.mul(root, root), -1))
    while left and len(root) * (len(root) + 1) <= 2 * len(form):
        ring.budget.spend(len(left))
        top = max(left, key=order)
        if any(a not in atoms for a, _ in top):
            return None
        term = {merge(top, inverse(head)): exact(Fraction(left[top]) / (2 * Fraction(leading)))}
        add_to(left, ring.mul(term, ring.add(scaled(root, 2), term)), -1)
        root = ring.add(root, term)
    return root if not left else None


def common_factor(ring: Ring, form: Form) -> Monomial:
    """Return the monomial of free atoms that divides every term."""
    common: dict[int, Exponent] | None = None
    sizes: dict[int, Exponent] | None = None
    for monomial in form:
        bound = ring.bound(monomial).keys()
        here = {
            a: e
            for a, e in monomial
            if a not in ring.special and a not in ring.sums and not ring.indices[a] & bound
        }
        below = {a: e for a, e in monomial if e < 0 and _is_of_sizes(ring, a)}
        if common is None or sizes is None:
            common, sizes = here, below
            continue
        sizes = {a: max(e, below[a]) for a, e in sizes.items() if a in below}
        common = {a: min(common.get(a, 0), here.get(a, 0)) for a in {*common, *here}}
    found = {**(common or {}), **(sizes or {})}
    return tuple(sorted((a, e) for a, e in found.items() if e))


def _is_of_sizes(ring: Ring, atom: int) -> bool:
    """Whether an atom is a power of dimensions, such as n - 1, which may be divided by."""
    kind, *rest = ring.atoms[atom]
    return kind == "pow" and is_constant(ring, ring.thaw(rest[0]))
