"""The zero test: whether a form is zero wherever it has a value.

What enters is a form, what leaves is a word: yes, or not known. The laws that are used here alone
need a whole term to be seen: a sum in the term that is a denominator's, a row that sums to one, an
inverse beside its matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import permutations
from math import floor
from typing import TYPE_CHECKING

from derive.algebra.cases import zero_in_every_case
from derive.algebra.closing import renamed
from derive.algebra.denominators import below as below_terms, cleared, parts, without_denominators
from derive.algebra.forms import UNIT, Exponent, Form, Monomial, add_to, exact, inverse, merge
from derive.algebra.laws import Law, first, law
from derive.algebra.matrices import inverse_atom, is_symmetric
from derive.algebra.structure import moved
from derive.calculus.index import Index, along, index_words
from derive.expressions.shape import Product

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

#: A form is multiplied by so many matrices whose inverses are in it, and in so many steps.
MOST_TIMES, MOST_MULTIPLIED = 2, 10_000


def is_zero(ring: Ring, form: Form) -> bool:
    """Whether a form is zero once its denominators are cleared (where they are not zero), in every
    case of its signs."""
    return any(test(ring, form) for test in ZERO)


@law
def zero_over_a_denominator(ring: Ring, form: Form) -> bool | None:
    """P / Q = 0 where P = 0; signs are atoms."""
    return is_plainly_zero(ring, form) or None


@law
def zero_whatever_the_signs(ring: Ring, form: Form) -> bool | None:
    """P = 0 where P is zero in every case of the signs in it."""
    return zero_in_every_case(ring, form) or None


@law
def zero_times_a_matrix(ring: Ring, form: Form) -> bool | None:
    """A F = 0 or F A = 0 gives F = 0, for an A whose inverse stands at a free index of F."""
    if ring.sizes is not None:
        return None
    return ring.budget.within(MOST_MULTIPLIED, lambda: vanishes_multiplied(ring, form)) or None


ZERO: tuple[Law, ...] = (zero_over_a_denominator, zero_whatever_the_signs, zero_times_a_matrix)


def is_plainly_zero(ring: Ring, form: Form) -> bool:
    """Whether a form is zero once its denominators are cleared; signs are atoms."""
    if ring.sizes is None:
        form = ring.close(form)  # δ_ij x_ij is δ_ij x_ji, also where nothing is summed
    if not form or not reduced(ring, form) or vanishes(ring, form):
        return True  # without multiplying the denominators of different terms with each other
    form = without_denominators(ring, form)
    return not form or not reduced(ring, form)


def vanishes(ring: Ring, form: Form) -> bool:
    """Whether a form is zero in parts whose denominators have nothing to do with each other.

    A denominator that holds parts together is cleared first. What does not vanish in this way may
    vanish all the same.
    """
    while form:
        below = below_terms(ring, form)
        negative = {a for m in form for a, e in m if e < 0 and a in below[m]}
        bound = frozenset[Index]().union(*(ring.bound(m) for m in form))
        free = [a for a in sorted(negative) if not ring.indices[a] & bound]
        ring.budget.spend(len(form) * (1 + len(free)))
        if not free:
            return not reduced(ring, form)
        apart = parts(form, below)
        if len(apart) - (not all(below.values())) > 1:
            return all(vanishes(ring, part) for part in apart)
        without = {a: parts(form, {m: b - {a} for m, b in below.items()}) for a in free}
        atom = max(free, key=lambda a: (len(without[a]), sum(a in b for b in below.values())))
        times = max(-floor(e) for m in form for a, e in m if a == atom)
        form = cleared(ring, form, atom, times)
    return True


# -- laws of whole terms ---------------------------------------------------------------------------


def reduced(ring: Ring, form: Form) -> Form:
    """Return a form with the laws of its terms applied as long as there are any."""
    result: Form = {}
    work = dict(form)
    for _ in range(10_000):
        if not work:
            break
        monomial, coefficient = work.popitem()
        ring.budget.spend(len(monomial))
        new = _reduction(ring, monomial)
        if new is None:
            add_to(result, {monomial: coefficient})
        else:
            add_to(work, new, coefficient)
    return ring.add(result, work)


def _reduction(ring: Ring, monomial: Monomial) -> Form | None:
    for atom, power in monomial:
        laws = REDUCTIONS.get(ring.atoms[atom][0])
        found = None if laws is None else first(laws, ring, monomial, atom, power)
        if found is not None:
            return found
    return None


@law
def rows_sum_to_one(ring: Ring, monomial: Monomial, atom: int, power: Exponent) -> Form | None:
    """Σ_k x_ik = 1 where rows are assumed to sum to one."""
    _, name, i, j = ring.atoms[atom]
    outer = ring.bound(monomial)
    if power != 1 or j not in outer or "row-stochastic" not in ring.assumed.get(name, ()):
        return None
    met = any(a != atom and j in ring.indices[a] for a in ring.plain(monomial))
    if met or j in index_words(i):  # Σ_k x_kk is no sum along a row
        return None
    sign = ring.atom(("Σ", j, outer[j]))
    return ring.close({tuple((a, e) for a, e in monomial if a not in (atom, sign)): 1})


@law
def one_entry_of_a_row(ring: Ring, monomial: Monomial, atom: int, power: Exponent) -> Form | None:
    """x_ij x_ik = δ_jk x_ik where rows are assumed to have one entry that is 1, and else zeros."""
    _, name, i, j = ring.atoms[atom]
    if "one-hot-rows" not in ring.assumed.get(name, ()):
        return None
    others = tuple((a, e) for a, e in monomial if a != atom)
    for a in ring.plain(others):
        key = ring.atoms[a]
        if key[:3] == ("x", name, i) and key[3] != j:
            return ring.mul({others: 1}, ring.delta(j, key[3]))
    return None


@law
def part_of_a_denominator(
    ring: Ring, monomial: Monomial, atom: int, power: Exponent
) -> Form | None:
    """p / P = 1 - q / P where P = p + q."""
    if power >= 0:
        return None
    base = ring.thaw(ring.atoms[atom][1])
    ring.budget.spend(len(base))
    for lead, gone in _leads(ring, base, monomial, atom):
        rest = {m: c for m, c in base.items() if m != lead}
        kept = merge(monomial, inverse(gone))
        factor = exact(Fraction(1) / base[lead])
        whole = ring.mul({kept: factor}, {((atom, 1),): 1})
        return ring.add(whole, ring.mul({kept: -factor}, rest))
    return None


def _leads(
    ring: Ring, base: Form, monomial: Monomial, atom: int
) -> Iterable[tuple[Monomial, Monomial]]:
    """Yield the term of a denominator by which a monomial is to be divided, and what it is called
    there: a sum in the denominator may have another bound index in the monomial."""
    exponents = dict(monomial)
    summed = [m for m in base if ring.bound(m)]
    if summed:
        if len(summed) == 1:
            matches = _matches(ring, summed[0], monomial)
            for found, chosen in matches([*ring.bound(monomial)], {}):
                left = merge(monomial, inverse(found))
                if not any(ring.indices[a] & chosen for a, _ in left):
                    yield summed[0], found
        return
    degrees = sorted(((sum(e for _, e in m), m) for m in base), reverse=True)
    if len(degrees) > 1 and degrees[0][0] > degrees[1][0]:
        lead = degrees[0][1]
        if all(exponents.get(a, 0) >= e for a, e in lead):
            yield lead, lead
    if UNIT in base and any(exponents.get(a, 0) < 0 for m in base for a, _ in m):
        yield UNIT, UNIT


def _matches(
    ring: Ring, term: Monomial, monomial: Monomial
) -> Callable[[list[Index], Mapping[Index, Index]], Iterator[tuple[Monomial, set[Index]]]]:
    """Return what yields the factors of a monomial that are a term whose bound indices are some
    other words, and these words: Σ_k e_ik x_j is (Σ_k e_ik) x_j. Names are given to its free ones.
    """
    inner, outer, exponents = ring.bound(term), ring.bound(monomial), dict(monomial)

    def matches(
        words: list[Index], names: Mapping[Index, Index]
    ) -> Iterator[tuple[Monomial, set[Index]]]:
        for chosen in permutations(words, len(inner)):
            if any(inner[k] != outer[p] for k, p in zip(inner, chosen, strict=True)):
                continue
            new = renamed(ring, term, {**names, **dict(zip(inner, chosen, strict=True))})
            found = next(iter(new), UNIT)
            if new == {found: 1} and all(exponents.get(a, 0) >= e for a, e in found):
                yield found, {*chosen}

    return matches


@law
def inverse_beside_its_matrix(
    ring: Ring, monomial: Monomial, atom: int, power: Exponent
) -> Form | None:
    """Σ_k A_pk A⁻¹_kj = δ_pj, or its mirror, where the term has the longest part of A in it."""
    _, key, dim, i, j = ring.atoms[atom]
    if power != 1 or isinstance(dim, Product):
        return None
    matrix = ring.thaw(key)
    ((equal, _),) = ring.delta("@r", "@s").items()
    lead = max(matrix, key=lambda m: (not {*equal} <= {*m}, len(ring.bound(m)), len(m)))
    outer, matches = ring.bound(monomial), _matches(ring, lead, monomial)
    used = {k for a, _ in monomial for k in ring.indices[a]} | {0}
    # of a symmetric inverse the ends are alike, and the matrix stands on its left
    sides = ((i, j, True), (j, i, is_symmetric(ring, key, dim)))
    for summed, other, from_left in sides:
        for free in used - {summed} if summed in outer else ():
            here: dict[Index, Index]
            here = {"@r": free, "@s": summed} if from_left else {"@r": summed, "@s": free}
            words = [k for k in outer if k not in (summed, free)]
            for found, chosen in matches(words, here):
                left = merge(merge(monomial, inverse(found)), ((atom, -1),))
                if any(ring.indices[a] & {summed, *chosen} for a in ring.plain(left)):
                    continue
                left = merge(left, ((ring.atom(("Σ", summed, dim)), -1),))
                rest = {m: c for m, c in matrix.items() if m != lead}
                factor = exact(Fraction(1) / matrix[lead])
                one = ring.mul({left: factor}, ring.delta(free, other))
                fresh = ring.new_index()
                places = (free, fresh) if from_left else (fresh, free)
                tips = (fresh, other) if from_left else (other, fresh)
                tail = ring.mul(moved(ring, rest, *places), inverse_atom(ring, key, dim, *tips))
                tail = ring.sum(fresh, dim, tail)
                return ring.add(one, ring.mul({left: -factor}, tail))
    return None


#: The laws of the terms in which an atom of some kind is.
REDUCTIONS: dict[str, tuple[Law, ...]] = {
    "x": (rows_sum_to_one, one_entry_of_a_row),
    "inv": (inverse_beside_its_matrix,),
    "pow": (part_of_a_denominator,),
}


def vanishes_multiplied(ring: Ring, form: Form, times: int = MOST_TIMES) -> bool:
    """Whether A F or F A is zero for an A whose inverse stands at a free index of F.

    So A⁻¹ B is C where B is A C, by Woodbury and by any other way.
    """
    for atom in sorted({a for m in form for a, _ in m if ring.atoms[a][0] == "inv"}):
        _, key, dim, i, j = ring.atoms[atom]
        for end, from_left in ((i, True), (j, False)):
            if isinstance(dim, Product) or end not in ring.free(form):
                continue
            fresh = along(ring.new_index(), dim)
            matrix = moved(ring, ring.thaw(key), *((fresh, end) if from_left else (end, fresh)))
            new = reduced(ring, ring.sum(end, dim, ring.mul(matrix, form)))
            if not new or (times > 1 and vanishes_multiplied(ring, new, times - 1)):
                return True
    return False
