"""Zero in every case: what forms are where the signs in them are known.

A sign is 1 or -1, or 0 where its argument is zero for every input. In each case that the arguments
allow the sign is replaced by its value, also inside functions, until none is left. It is enough
that a sum's terms are zero one by one: its index becomes a free one.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from derive.algebra.derivative import replaced
from derive.algebra.forms import UNIT, Form, Undefined, add_to, exact
from derive.algebra.functions import signs
from derive.algebra.signs import Given

if TYPE_CHECKING:
    from derive.algebra.normal import Ring
    from derive.calculus.index import Index
    from derive.expressions.shape import Dim

#: So many cases are gone through before a question stays undecided.
MOST_CASES = 200


def zero_in_every_case(ring: Ring, form: Form) -> bool:
    """Whether a form is zero whatever the signs in it are, of those that can be together."""
    cases = _Cases(ring)
    return all(cases.zero(part, Given(ring)) for part in _opened(ring, form))


def _opened(ring: Ring, form: Form) -> list[Form]:
    """Return forms in free indices: where all are zero, so is a form.

    Σ_k p_k + n q is Σ_k (p_k + q), which is zero where every p_k + q is.
    """
    parts: dict[tuple[Dim, ...], Form] = {}
    words: dict[tuple[Dim, ...], list[str]] = {}
    for monomial in sorted(form, key=lambda m: -len(ring.bound(m))):
        bound = sorted(ring.bound(monomial).items(), key=lambda pair: str(pair[0]))
        rest = {tuple(pair for pair in monomial if pair[0] not in ring.sums): form[monomial]}
        dims = tuple(dim for _, dim in bound)
        for wider in parts:
            narrower = _divided(ring, rest, _more(wider, dims)) if wider != dims else None
            if narrower is not None:
                dims, rest = wider, narrower
                break
        own = words.setdefault(dims, [ring.new_index() for _ in dims])
        left = list(zip(dims, own, strict=True))
        names: dict[Index, Index] = {}
        for index, dim in bound:
            place = next(pair for pair in left if pair[0] == dim)
            left.remove(place)
            names[index] = place[1]
        part = ring.rename(rest, names) if names else rest
        add_to(parts.setdefault(dims, {}), part)
    return list(parts.values())


def _more(wider: tuple[Dim, ...], dims: tuple[Dim, ...]) -> list[Dim] | None:
    """Return the dimensions that a tuple has besides those of another; `None` if it lacks one."""
    rest = list(wider)
    for dim in dims:
        if dim not in rest:
            return None
        rest.remove(dim)
    return rest


def _divided(ring: Ring, form: Form, dims: list[Dim] | None) -> Form | None:
    """Return a term divided by dimensions that are factors of it, `None` where they are not."""
    if dims is None:
        return None
    ((monomial, coefficient),) = form.items()
    powers = dict(monomial)
    for dim in dims:
        if isinstance(dim, int):
            coefficient = exact(Fraction(coefficient) / dim)
            continue
        atom = ring.ids.get(("n", dim))
        if atom is None or powers.get(atom, 0) < 1:
            return None
        powers[atom] = exact(powers[atom] - 1)
    return {tuple((a, e) for a, e in sorted(powers.items()) if e): coefficient}


def _values(ring: Ring, sign: int) -> list[int]:
    return [value for values, _ in signs(ring, sign) for value in values.values()]


class _Cases:
    """The cases of one question, and how many may still be gone through."""

    def __init__(self, ring: Ring):
        self.ring = ring
        self.left = MOST_CASES
        self.inside: dict[int, frozenset[int]] = {}

    def zero(self, form: Form, given: Given) -> bool:
        """Whether a form is zero in a case, and has a value in a part of it."""
        if not form:
            return True
        sign = self._next(form)
        if sign is None:
            return self.ring.is_plainly_zero(form)
        argument: Form = self.ring.thaw(self.ring.atoms[sign][1])
        known = given.sign_of(argument)
        tried = 0
        for value in (known,) if known else _values(self.ring, sign):
            case = given.also(argument, value)
            if case.is_impossible():
                continue
            self.left -= 1
            if self.left < 0:
                return False
            try:
                cell = self.assigned(form, sign, value)
            except Undefined:  # nothing is said where there is no value
                continue
            tried += 1
            if not self.zero(cell, case):
                return False
        return tried > 0

    def _next(self, form: Form) -> int | None:
        """Return a sign in a form, in whose argument there is none."""
        signs = self._signs(form)
        return min(signs, key=lambda a: (len(self._inner(a)), a), default=None)

    def _signs(self, form: Form) -> frozenset[int]:
        """Return the signs in a form, also inside functions, whose indices no sum binds."""
        found: set[int] = set()
        for monomial in form:
            bound = self.ring.bound(monomial).keys()
            signs = {s for a, _ in monomial for s in self._inner(a) | self._own(a)}
            found |= {s for s in signs if not self.ring.indices[s] & bound}
        return frozenset(found)

    def _own(self, atom: int) -> frozenset[int]:
        return frozenset((atom,) if self.ring.atoms[atom][0] == "sign" else ())

    def _inner(self, atom: int) -> frozenset[int]:
        """Return the signs inside a function."""
        if atom not in self.inside:
            looked, key = self.ring.kinds[atom].function, self.ring.atoms[atom]
            self.inside[atom] = self._signs(self.ring.thaw(key[1])) if looked else frozenset()
        return self.inside[atom]

    def assigned(self, form: Form, sign: int, value: int) -> Form:
        """Return a form with a value for a sign, wherever it stands."""

        def touched(atom: int) -> bool:
            return atom == sign or sign in self._inner(atom)

        def meant(atom: int) -> Form | None:
            return ({UNIT: value} if value else {}) if atom == sign else None

        kept: Form = {}
        changed: Form = {}
        for monomial, coefficient in form.items():
            place = changed if any(touched(a) for a, _ in monomial) else kept
            place[monomial] = coefficient
        add_to(kept, replaced(self.ring, changed, meant, {}, touched))
        return self.ring.close(kept)
