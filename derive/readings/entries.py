"""Explicit matrices at given sizes, and their written-out partial derivatives.

Every y_ij is built from the operators' definitions and differentiated on its own, by FLINT where it
is a polynomial and function by function where it is not; no gradient rule is read. Polynomials that
differ only in the names of their variables are differentiated once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Any

from derive.algebra.derivative import slope_of_open
from derive.algebra.forms import UNIT, Exponent, Form, Monomial, accumulate, add_to, exact
from derive.algebra.normal import Ring
from derive.algebra.values import Value
from derive.expressions.shape import Dim, extent
from derive.readings.base import AtSizes

#: The partial derivatives of one entry: the atom of each variable that occurs in it, and the form.
Partials = dict[int, Form]


class Explicit(AtSizes):
    """The matrices of a program at sizes: every entry a form over the entries of the leaves."""

    def __init__(self, ring: Ring, meaning: Callable[..., Form | None] | None = None):
        assert ring.sizes is not None
        super().__init__(ring.sizes)
        self.ring = ring
        self.meaning = meaning
        self.patterns: dict[tuple, list[Form]] = {}
        self.answers: dict[int, tuple[Form, list[int], list[Form], list[int] | None]] = {}

    def bare(self, value: Value) -> Form:
        return value.form

    def lifted(self, value: Any) -> Value:
        if not isinstance(value, Value):
            return Value(self.ring, {UNIT: exact(value)} if value else {})
        return value

    # -- what a definition may ask for -------------------------------------------------------------

    def sum(self, dim: Dim, body: Callable[[int], Any]) -> Value:
        """Return a sum written out; it is collected in place, so its cost is its length."""
        total: Form = {}
        for k in range(extent(dim, self.sizes)):
            form = self.lifted(body(k)).form
            self.ring.budget.spend(len(form))
            add_to(total, form)
        return Value(self.ring, total)

    def winner(self, name: str, entries: list[Value]) -> Value:
        """Return the largest or the smallest of entries, by the mask of the winner."""
        return Value(self.ring, self.ring.highest(name, [value.form for value in entries]))

    def entry(self, leaf: tuple, *place: int) -> Value:
        meant = self.meaning(leaf[0], *place) if self.meaning else None
        return Value(self.ring, self.ring.entry(leaf[0], *place) if meant is None else meant)

    def function(self, name: str, *args: Any) -> Value:
        return Value(self.ring, self.ring.function(name, *(self.lifted(x).form for x in args)))

    # -- derivatives -------------------------------------------------------------------------------

    def partials(self, form: Form) -> Partials:
        """Return the partial derivatives of one written-out entry, zero ones left out."""
        variables, derivatives, places = self._derivatives(form)
        return {
            atom: _relabelled(derivative, places)
            for atom, derivative in zip(variables, derivatives, strict=True)
            if self.ring.atoms[atom][0] == "x"
        }

    def partial(self, form: Form, atom: int) -> Form:
        """Return one partial derivative of a written-out entry."""
        variables, derivatives, places = self._derivatives(form)
        if atom not in variables:
            return {}
        return _relabelled(derivatives[variables.index(atom)], places)

    def accumulate_partials(self, form: Form, weight: int | None, totals: dict[int, Form]) -> None:
        """Add each partial derivative of an entry, times an atom, to the total of its variable."""
        variables, derivatives, places = self._derivatives(form)
        factor = [] if weight is None else [(weight, 1)]
        for atom, derivative in zip(variables, derivatives, strict=True):
            if self.ring.atoms[atom][0] != "x":
                continue
            total = totals.setdefault(atom, {})
            if places is None:
                add_to(total, self.ring.mul({tuple(factor): 1}, derivative))
                continue
            for named, coefficient in derivative.items():
                monomial = tuple(sorted([*factor, *((places[k], e) for k, e in named)]))
                accumulate(total, monomial, coefficient)

    def _derivatives(self, form: Form) -> tuple[list[int], list[Form], list[int] | None]:
        """Return an entry's variables and its derivatives, and the variables by whose places 0, 1,
        2 ... these are written, where that is so."""
        read = self.answers.get(id(form))
        if read is None:
            variables = self._variables(form)
            found: tuple[list[int], list[Form], list[int] | None]
            if _is_polynomial(form, set(variables)):
                places = {atom: k for k, atom in enumerate(variables)}
                pattern = tuple(
                    (tuple((places[atom], e) for atom, e in monomial), coefficient)
                    for monomial, coefficient in form.items()
                )
                if pattern not in self.patterns:
                    self.patterns[pattern] = _by_flint(form, places)
                found = variables, self.patterns[pattern], variables
            else:
                found = variables, [slope(self.ring, form, atom) for atom in variables], None
            # the form is kept beside its answer, so that its identity is not given to another
            read = self.answers[id(form)] = (form, *found)
        return read[1:]

    def _variables(self, form: Form) -> list[int]:
        """Return the variables of a form in order, those inside functions as well."""
        found: dict[int, None] = {}
        seen: set[int] = set()

        def walk(items: Collection[tuple[Monomial, Exponent]]) -> None:
            self.ring.budget.spend(len(items))
            for monomial, _ in items:
                for atom, _ in monomial:
                    if atom in seen:
                        continue
                    seen.add(atom)
                    key = self.ring.atoms[atom]
                    if key[0] == "x" or self.ring.kinds[atom].mask:  # constant between jumps
                        found[atom] = None
                    elif key[0] != "n":
                        walk(key[1])

        walk(form.items())
        return list(found)


def _is_polynomial(form: Form, variables: set[int]) -> bool:
    return all(
        atom in variables and isinstance(exponent, int) and exponent > 0
        for monomial in form
        for atom, exponent in monomial
    )


def slope(ring: Ring, form: Form, variable: int, known: dict[int, Form] | None = None) -> Form:
    """Return the derivative of a written-out entry by a variable: product rule and chain rule.

    `known` are derivatives of functions by that variable: most terms share theirs.
    """
    known = {variable: {UNIT: 1}} if known is None else known
    result: Form = {}
    for monomial, coefficient in form.items():
        for place, (atom, exponent) in enumerate(monomial):
            inner = known.get(atom)
            if inner is None:
                inner = known[atom] = _slope_of(ring, atom, variable, known)
            if not inner:
                continue
            rest: Form = {
                (*monomial[:place], *monomial[place + 1 :]): exact(coefficient * exponent)
            }
            lowered = exact(exponent - 1)
            power: Form = {((atom, lowered),): 1} if lowered else {UNIT: 1}
            for m, c in ring.mul(ring.mul(rest, power), inner).items():
                accumulate(result, m, c)
    return result


def _slope_of(ring: Ring, atom: int, variable: int, known: dict[int, Form]) -> Form:
    """Return the derivative of a function of entries; between their jumps masks are constant."""
    kind, *rest = ring.atoms[atom]
    if kind not in SLOPES and kind != "open":
        return {}
    form: Form = ring.thaw(rest[0])
    inner = slope(ring, form, variable, known)
    if not inner:
        return {}
    own = SLOPES[kind](ring, form) if kind in SLOPES else slope_of_open(ring, ring.atoms[atom])
    return ring.mul(own, inner)


#: The derivatives of the functions that normal forms are made of, at a form; `pow` stands for its
#: base. The normal form over indices has its own: neither judge relies on the other's.
SLOPES: dict[str, Callable[[Ring, Form], Form]] = {
    "exp": lambda ring, x: ring.function("exp", x),
    "log": lambda ring, x: ring.power(x, -1),
    "sin": lambda ring, x: ring.function("cos", x),
    "cos": lambda ring, x: ring.scale(-1, ring.function("sin", x)),
    "normcdf": lambda ring, x: ring.function("normpdf", x),
    "pow": lambda ring, x: {UNIT: 1},
}


def _by_flint(form: Form, places: dict[int, int]) -> list[Form]:
    from flint import Ordering, fmpq, fmpq_mpoly_ctx

    if not places:
        return []
    width = len(places)
    context = fmpq_mpoly_ctx.get([f"v{k}" for k in range(width)], Ordering.lex)
    terms = {}
    for monomial, coefficient in form.items():
        exponents: list[Exponent] = [0] * width
        for atom, exponent in monomial:
            exponents[places[atom]] = exponent
        value = Fraction(coefficient)
        terms[tuple(exponents)] = fmpq(value.numerator, value.denominator)
    polynomial = context.from_dict(terms)
    return [
        {
            tuple((k, int(e)) for k, e in enumerate(exponents) if e): exact(
                Fraction(int(coefficient.p), int(coefficient.q))
            )
            for exponents, coefficient in polynomial.derivative(place).to_dict().items()
        }
        for place in range(width)
    ]


def _relabelled(form: Form, places: list[int] | None) -> Form:
    """Return a pattern's form over the variables of one entry."""
    if places is None:
        return form
    return {
        tuple(sorted((places[k], e) for k, e in monomial)): coefficient
        for monomial, coefficient in form.items()
    }
