"""Denominators of forms: powers of sums below a line, and how a form is multiplied by them.

What enters is a form, what leaves is the same form without some of its denominators, or parts of it
that have none in common. The law: a form is zero where it has a value exactly if it is zero when
multiplied by a denominator.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import TYPE_CHECKING

from derive.algebra.forms import UNIT, Form, Monomial, add_to, exact

if TYPE_CHECKING:
    from derive.algebra.normal import Ring


def denominator(ring: Ring, form: Form) -> tuple[int, int] | None:
    """Return an atom in a denominator that no sum binds, and the power that clears it."""
    ring.budget.spend(len(form))
    worst: dict[int, int] = {}
    for monomial in form:
        for atom, exponent in monomial:
            if exponent < 0 and ring.kinds[atom].cleared:
                worst[atom] = max(worst.get(atom, 0), -floor(exponent))
    for atom, times in worst.items():
        words = ring.indices[atom]
        if all(not (words & ring.bound(m).keys()) for m in form):
            return atom, times
    return None


def cleared(ring: Ring, form: Form, atom: int, times: int) -> Form:
    """Return a form multiplied by a power of the base of an atom."""
    key = ring.atoms[atom]
    base: Form = ring.thaw(key[1]) if key[0] == "pow" else {((atom, 1),): 1}
    powers: dict[int, Form] = {}
    result: Form = {}
    for monomial, coefficient in form.items():
        exponents = dict(monomial)
        kept = exact(exponents.pop(atom, 0) + times)
        whole = floor(kept)
        if kept != whole:
            exponents[atom] = exact(kept - whole)
        if whole not in powers:
            powers[whole] = ring.power(base, whole)
        add_to(result, ring.mul({tuple(sorted(exponents.items())): coefficient}, powers[whole]))
    return result


def without_denominators(ring: Ring, form: Form) -> Form:
    """Return a form multiplied by its denominators, one after the other."""
    for _ in range(20):
        worst = denominator(ring, form) if form else None
        if worst is None:
            break
        form = cleared(ring, form, *worst)
    return form


def below(ring: Ring, form: Form) -> dict[Monomial, frozenset[int]]:
    """Return the denominators of each term, and its roots but those that all terms have: √p and
    q/√p belong together."""
    exponents = {m: {a: e for a, e in m if ring.kinds[a].cleared} for m in form}
    roots = {a for at in exponents.values() for a, e in at.items() if e % 1}
    own = {
        a for a in roots
        if len({at.get(a, 0) % 1 for at in exponents.values()}) > 1
        and any(monomial != UNIT for monomial, _ in ring.atoms[a][1])
    }  # fmt: skip
    return {
        m: frozenset(a for a, e in at.items() if e < 0 or a in own) for m, at in exponents.items()
    }


def parts(form: Form, below: Mapping[Monomial, frozenset[int]]) -> list[Form]:
    """Return a form in parts of which no two have a denominator in common.

    Those without any are a part. Source: Tarjan, Efficiency of a good but not linear set union
    algorithm (1975).
    """
    leader: dict[int, int] = {}

    def find(atom: int) -> int:
        while (above := leader.setdefault(atom, atom)) != atom:
            leader[atom] = atom = leader[above]
        return atom

    for monomial in form:
        head, *others = below[monomial] or (-1,)
        for atom in others:
            leader[find(atom)] = find(head)
    found: dict[int, Form] = {}
    for monomial, coefficient in form.items():
        found.setdefault(find(min(below[monomial], default=-1)), {})[monomial] = coefficient
    return list(found.values())
