"""Normal forms: two scalars with the same normal form are equal, for every shape.

A form is a sum of monomials, a monomial a product of powers of atoms. Atoms are entries, deltas,
dimensions, summation signs, and functions of forms. Functions are first reduced to exp, log, sin,
cos, sign and powers by their definitions; deltas are contracted; bound indices get names that
depend only on how they are used; denominators are cleared before a form is compared with zero.

This is the judge's algebra: it knows the definitions of operators, and none of their theorems. Its
own derivatives are the lines of `Ring._atom_derivative`, and that of an entry by another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import permutations, product
from math import comb, floor, prod
from typing import Any

from derive.algebra import square_forms
from derive.algebra.cases import zero_in_every_case
from derive.algebra.factors import polynomial_factors
from derive.algebra.forms import (
    LARGEST,
    MASKS,
    UNIT,
    Budget,
    Exponent,
    Form,
    Monomial,
    Summand,
    TooLarge,
    Undefined,
    accumulate,
    content as common_content,
    exact,
    merge,
    prime_factors,
    quotient,
    raised,
    rational_root,
)
from derive.algebra.order import Given, term_sign
from derive.algebra.signs import sign_factors
from derive.algebra.values import RingFunctions, Value
from derive.algebra.vanishing import is_constant, names as names_in, sign_of_sizes, square_of_sign
from derive.calculus.index import Index, Scalar, at_place, index_words, named
from derive.expressions.shape import Dim, Pair, Product, extent
from derive.ops import OPS
from derive.ops.square import cofactor, determinant

Meaning = Callable[[Scalar, Mapping[Index, Index]], Form | None]

#: A function of a form with more cases than this is not taken apart.
MOST_CELLS = 64
#: The kinds of atoms that are cleared where they stand in a denominator.
BELOW = ("pow", "sin")


class Ring:
    """The forms over a table of atoms.

    With `sizes`, sums are multiplied out and every index is a number; without, they are atoms.
    `meaning(term, names)` may give the form of an entry or a partial derivative that is defined by
    something else; it is asked first.
    """

    def __init__(
        self,
        sizes: Mapping[str, int] | None = None,
        meaning: Meaning | None = None,
        budget: Budget | None = None,
    ):
        self.budget = budget or Budget()
        self.sizes = sizes
        self.meaning = meaning
        self.atoms: list[tuple] = []
        self.ids: dict[tuple, int] = {}
        self.indices: list[frozenset[Index]] = []
        self.levels: list[int] = []
        self.special: set[int] = set()
        self.sums: set[int] = set()
        self.deltas: set[int] = set()
        self.winners: set[int] = set()
        self.fresh = 0
        self.depth = 0
        self.closed: dict[Monomial, Form] = {}
        self.values: dict[tuple, Form] = {}
        self.assumed: dict[str, frozenset[str]] = {}
        #: Names of whose entries something will be assumed, once derivatives are taken.
        self.waiting: frozenset[str] = frozenset()
        #: The least that a dimension is, where that is more than 1.
        self.least: Mapping[str, int] = {}
        #: Signs that are known of forms of dimensions: 1, or 0 where they are known to be not zero.
        self.supposed: dict[tuple, int] = {}
        self.squares: dict[int, Form | None] = {}
        self.symmetric: dict[tuple, bool] = {}
        #: Matrices written out, with their determinants, by the identity of their entry.
        self.matrices: dict[int, tuple[Scalar, list[list[Value]], Value]] = {}

    def assume(self, assumptions: Mapping[str, Iterable[str]]) -> None:
        """Let entries obey laws from now on: symmetric, positive, sign, binary, row-stochastic ...

        Derivatives are to be taken before: a symmetric variable is differentiated as any other.
        """
        self.assumed = {name: frozenset(words) for name, words in assumptions.items()}
        self.special = {a for a, key in enumerate(self.atoms) if self._is_special(key)}
        self.symmetric, self.matrices = {}, {}
        self.squares = {}
        self.closed = {}
        self.values = {}

    def wait_for(self, names: frozenset[str]) -> None:
        """Keep open, until `assume` is called, what assumptions about some names may make zero."""
        self.waiting = names
        self.squares = {}
        self.closed = {}
        self.values = {}

    def suppose(self, form: Form, *, positive: bool = False) -> None:
        """Let a form of dimensions be different from zero from now on, or positive."""
        sign, inner = self._oriented(form)
        content = common_content(inner.values())
        key = self.freeze({m: exact(Fraction(c) / content) for m, c in inner.items()})
        self.supposed[key] = sign if positive else 0
        self.values = {}

    # -- atoms -------------------------------------------------------------------------------------

    def atom(self, key: tuple) -> int:
        """Return the number of an atom, entering it into the table when it is new."""
        number = self.ids.get(key)
        if number is None:
            number = self.ids[key] = len(self.atoms)
            self.atoms.append(key)
            self.indices.append(self._indices_of(key))
            self.levels.append(self._level_of(key))
            if key[0] == "x" and not self.assumed:  # by far the most frequent kind
                return number
            if key[0] == "Σ":
                self.sums.add(number)
            elif key[0] == "δ":
                self.deltas.add(number)
            elif key[0] == "win":
                self.winners.add(number)
            if self._is_special(key):
                self.special.add(number)
        return number

    def _is_special(self, key: tuple) -> bool:
        """Whether powers of an atom obey a law of their own."""
        if key[0] == "x" and self.assumed:
            return bool(self.assumed.get(key[1], frozenset()) & {"sign", "binary", "one-hot-rows"})
        if key[0] == "det":
            return square_forms.is_sign(self, *key[1:])
        return key[0] in ("sign", "sin", "pow", "δ") or key[0] in MASKS

    def single(self, key: tuple, exponent: Exponent = 1) -> Form:
        return {((self.atom(key), exponent),): 1}

    def entry(self, name: str, i: Index, j: Index) -> Form:
        return self.single(self._entry_key(name, i, j))

    def _entry_key(self, name: str, i: Index, j: Index) -> tuple:
        if self.assumed and {"symmetric", "spd"} & self.assumed.get(name, frozenset()):
            i, j = sorted((i, j), key=str)
        return ("x", name, i, j)

    def delta(self, i: Index, j: Index) -> Form:
        if i == j:
            return {UNIT: 1}
        if isinstance(i, int) and isinstance(j, int):
            return {}
        if isinstance(i, Pair) and isinstance(j, Pair):
            return self.product(self.delta(p, q) for p, q in zip(i.parts, j.parts, strict=True))
        return self.single(("δ", *sorted((i, j), key=str)))

    def size(self, dim: Dim) -> Form:
        if isinstance(dim, Product):
            return self.product(self.size(factor) for factor in dim.dims)
        if isinstance(dim, str) and self.sizes is not None:
            dim = self.sizes[dim]
        return {UNIT: dim} if isinstance(dim, int) else self.single(("n", dim))

    def _indices_of(self, key: tuple) -> frozenset[Index]:
        if key[0] == "x":
            _, _, i, j = key
            if isinstance(i, Pair) or isinstance(j, Pair):
                return frozenset(index_words(i, j))
            return frozenset([k for k in (i, j) if isinstance(k, str)])
        match key:
            case ("δ", i, j):
                return frozenset(k for k in (i, j) if isinstance(k, str))
            case ("Σ", k, _):
                return frozenset((k,))
            case ("inv", _, _, i, j):
                return frozenset(index_words(i, j))
            case ("win", form, words, _, places):
                outside = self.free(self.thaw(form)) - {*words}
                return outside | {k for k in places if isinstance(k, str)}
            case ("n", *_) | ("det", *_) | ("top", *_):
                return frozenset()
        return self.free(self.thaw(key[1]))

    def free(self, form: Form) -> frozenset[Index]:
        """Return the index words of a form that none of its sums binds."""
        found: set[Index] = set()
        for monomial in form:
            found |= self._all_indices(monomial) - self._bound(monomial).keys()
        return frozenset(found)

    def _all_indices(self, monomial: Monomial) -> set[Index]:
        return {k for atom, _ in monomial for k in self.indices[atom]}

    def _bound(self, monomial: Monomial) -> dict[Index, Dim]:
        sums, atoms = self.sums, self.atoms
        found = [atom for atom, _ in monomial if atom in sums]
        return {atoms[atom][1]: atoms[atom][2] for atom in found} if found else {}

    # -- arithmetic --------------------------------------------------------------------------------

    def add(self, *forms: Form) -> Form:
        result = dict(forms[0])
        for form in forms[1:]:
            for monomial, coefficient in form.items():
                accumulate(result, monomial, coefficient)
        return result

    def scale(self, factor: Exponent, form: Form) -> Form:
        return {m: exact(factor * c) for m, c in form.items()} if factor else {}

    def mul(self, p: Form, q: Form) -> Form:
        """Return the product, multiplied out."""
        if len(p) == 1 == len(q) and not self.sums:  # by far the most frequent case
            ((m, c),), ((n, d),) = p.items(), q.items()
            monomial = merge(m, n)
            if not self.special or not any(atom in self.special for atom, _ in monomial):
                return {monomial: exact(c * d)}
        if len(p) * len(q) > LARGEST:
            raise TooLarge
        self.budget.spend(len(p) * len(q) * (1 + _longest(p, q) // 8))
        if self.sums and self._has_sums(p) and self._has_sums(q):
            q = self._apart(q, "~q")
        result: Form = {}
        special = self.special
        for m, c in p.items():
            for n, d in q.items():
                monomial = merge(m, n)
                if special and any(atom in special for atom, _ in monomial):
                    for settled, e in self._settle(monomial).items():
                        accumulate(result, settled, exact(c * d * e))
                else:
                    accumulate(result, monomial, exact(c * d))
        return self._close(result) if self.sums else result

    def _has_sums(self, form: Form) -> bool:
        sums = self.sums
        return any(atom in sums for monomial in form for atom, _ in monomial)

    def product(self, forms: Iterable[Form]) -> Form:
        result: Form = {UNIT: 1}
        for form in forms:
            result = form if result == {UNIT: 1} else self.mul(result, form)
        return result

    def power(self, form: Form, exponent: Exponent) -> Form:
        """Return a power; a fraction or a negative exponent makes an atom of what it cannot split.

        Raises `Undefined` for 0 to a negative power.
        """
        exponent = exact(exponent)
        if exponent == 0:
            return {UNIT: 1}
        if not form:
            if exponent < 0:
                raise Undefined
            return {}
        if exponent == 1:
            return form
        if isinstance(exponent, int) and exponent > 0:
            return self._whole_power(form, exponent)
        if len(form) == 1:
            ((monomial, coefficient),) = form.items()
            if not self._bound(monomial):
                return self._monomial_power(monomial, coefficient, exponent)
            apart = self._power_of_sums(monomial, coefficient, exponent)
            if apart is not None:
                return apart
        if isinstance(exponent, int):
            below = self._denominator(form)
            if below is not None:  # (P / Q^k)^-1 = Q^k / P
                atom, times = below
                outside = ((atom, -times * exponent),)
                rest = self.power(self._cleared(form, atom, times), exponent)
                if len(rest) == 1:  # P may be a power of Q
                    ((monomial, coefficient),) = rest.items()
                    whole = self.scale(coefficient, self._settle(merge(monomial, outside)))
                    return self._close(whole) if self.sums else whole
                return self.mul(self._settle(outside), rest)
        return self._opaque_power(form, exponent)

    def _whole_power(self, form: Form, exponent: int) -> Form:
        if len(form) > 1 and comb(len(form) + exponent - 1, exponent) > LARGEST:
            raise TooLarge
        result: Form = {UNIT: 1}
        base = form
        while exponent:
            if exponent & 1:
                result = self.mul(result, base)
            exponent >>= 1
            if exponent:
                base = self.mul(base, base)
        return result

    def _monomial_power(
        self, monomial: Monomial, coefficient: Exponent, exponent: Exponent
    ) -> Form:
        """Return (cm)^e, split into powers of atoms where that is a law.

        For whole e it always is. Else positive atoms come out, even powers come out as those of
        |x|, and an atom that is left alone with its sign is not negative where c x^e has a value.
        """
        if isinstance(exponent, int):
            powers = self._settle(tuple((a, exact(e * exponent)) for a, e in monomial))
            return self.mul(self._number_power(coefficient, exponent), powers)
        outside = self._number_power(coefficient if coefficient > 0 else -coefficient, exponent)
        rest: list[tuple[int, Exponent]] = []
        signed = [
            (a, e)
            for a, e in monomial
            if e % 1 == 0 and self.atoms[a][0] not in ("δ", *MASKS) and not self._positive(a)
        ]
        if coefficient > 0 and len(signed) == 1 and signed[0][1] % 2:
            signed = []  # it is left alone with its sign
        sizes = self._sizes(signed)
        paired = {s for s, _ in sizes.values()}
        for atom, e in monomial:
            if atom in paired:
                continue
            if (atom, e) not in signed:
                outside = self.mul(outside, self._settle(((atom, exact(e * exponent)),)))
                continue
            sign, size = sizes.get(atom, (None, None))
            even = e - e % 2 if sign is None else e
            outside = self.mul(outside, self._size_power(atom, exact(even * exponent), size))
            if e != even:
                rest.append((atom, 1))
        if coefficient > 0 and len(rest) == 1:
            return self.mul(outside, self._settle(((rest[0][0], exponent),)))
        inner: Form = {tuple(rest): 1 if coefficient > 0 else -1}
        if inner == {UNIT: 1}:
            return outside
        if inner == {UNIT: -1}:
            raise Undefined
        return self.mul(outside, self.single(("pow", self.freeze(inner)), exponent))

    def _sizes(self, factors: list[tuple[int, Exponent]]) -> dict[int, tuple[int, Form]]:
        """Return for each atom x that stands beside its sign that sign, and |x|."""
        odd = {atom for atom, e in factors if e % 2}
        found: dict[int, tuple[int, Form]] = {}
        for atom in odd:
            sign = self._sign({((atom, 1),): 1})
            own = [a for m in sign for a, _ in m]
            if len(sign) == 1 == len(own) and own[0] != atom and own[0] in odd:
                found[atom] = own[0], self.mul({((atom, 1),): 1}, sign)
        return found

    def _size_power(self, atom: int, exponent: Exponent, size: Form | None) -> Form:
        """Return |x|^e: for whole e a power of x, and of its sign where e is odd."""
        single: Form = {((atom, 1),): 1}
        if exponent % 1 == 0:
            whole = int(exponent)
            sign: Form = self._sign(single) if whole % 2 else {UNIT: 1}
            return self.mul(self._settle(((atom, whole),)) if whole else {UNIT: 1}, sign)
        base = self.freeze(size or self.mul(single, self._sign(single)))
        return self._settle(((self.atom(("pow", base)), exponent),))

    def _power_of_sums(
        self, monomial: Monomial, coefficient: Exponent, exponent: Exponent
    ) -> Form | None:
        """Return (Σ_i p_i Σ_k q_k)^e as powers of the sums, where that is a law: for whole e, and
        of every sum that is not negative, as a sum of squares is, or a sum twice."""
        outside: list[Monomial] = []
        rest: list[Monomial] = []
        parts = self._independent(monomial)
        for part in parts:
            twin = None if isinstance(exponent, int) else self._twin(part, parts)
            if twin is not None and (2 * exponent) % 1 == 0:  # √(s²) is |s|
                left = [p for p in parts if p is not part and p is not twin]
                once, whole = self._close({part: 1}), int(2 * exponent)
                sign: Form = self._sign(once) if whole % 2 else {UNIT: 1}
                rest_of: Form = {tuple(sorted(pair for p in left for pair in p)): coefficient}
                others = self.power(self._close(rest_of), exponent)
                return self.product([self.power(once, whole), sign, others])
            splits = isinstance(exponent, int) or all(
                a in self.sums or e % 2 == 0 or self._positive(a) for a, e in part
            )
            (outside if splits else rest).append(part)
        if len(outside) + bool(rest) < 2:
            return None
        powers = [self.power(self._close({part: 1}), exponent) for part in outside]
        inner: Form = self._close(
            {tuple(sorted(pair for part in rest for pair in part)): coefficient}
        )
        return self.product([*powers, self.power(inner, exponent)])

    def _twin(self, part: Monomial, parts: list[Monomial]) -> Monomial | None:
        """Return another factor that is the same sum."""
        if not self._bound(part):
            return None
        own = self._close({part: 1})
        return next((p for p in parts if p is not part and self._close({p: 1}) == own), None)

    def _independent(self, monomial: Monomial) -> list[Monomial]:
        """Return the factors of a monomial that share no bound index with each other."""
        bound = self._bound(monomial).keys()
        groups: list[tuple[set[Index], list[tuple[int, Exponent]]]] = []
        for atom, exponent in monomial:
            words, pairs = set(self.indices[atom] & bound), [(atom, exponent)]
            apart = []
            for own, others in groups:
                if own & words or not (own or words):
                    words |= own
                    pairs = others + pairs
                else:
                    apart.append((own, others))
            groups = [*apart, (words, pairs)]
        return [tuple(sorted(pairs)) for _, pairs in groups]

    def _positive(self, atom: int) -> bool:
        """Whether an atom is positive wherever it is defined."""
        key = self.atoms[atom]
        if key[0] == "pow":
            return self._positive_form(self.thaw(key[1]))
        if key[0] == "x" and self.assumed:
            return bool(self.assumed.get(key[1], frozenset()) & {"positive", "unit-interval"})
        if key[0] == "det":
            return square_forms.is_positive(self, *key[1:])
        return key[0] in ("exp", "n", "normcdf")

    def _positive_form(self, form: Form) -> bool:
        """Whether no term of a form is negative, and it does not vanish off a diagonal."""
        if sign_of_sizes(self, form) == (1, False):
            return True
        return all(c > 0 and term_sign(self, m, {}) is not None for m, c in form.items()) and any(
            all(a in self.sums or self.atoms[a][0] == "pow" or a not in self.special for a, _ in m)
            for m in form
        )

    def _not_negative(self, form: Form) -> bool:
        """Whether a form is a sum of squares, and of what is positive: 0 only where all of it is.

        A mask is its own square, and may be 0 on a region.
        """
        if self.waiting.intersection(names_in(self, form)):
            return False
        return all(
            coefficient > 0
            and all(
                a in self.sums or self._positive(a) or (e % 2 == 0 and a not in self.special)
                for a, e in monomial
            )
            for monomial, coefficient in form.items()
        )

    def _number_power(self, value: Exponent, exponent: Exponent) -> Form:
        if isinstance(exponent, int):
            return {UNIT: raised(value, exponent)}
        if value == 1:
            return {UNIT: 1}
        if value < 0:
            raise Undefined
        fraction = Fraction(value)
        result: Form = {UNIT: 1}
        for whole, sign in ((fraction.numerator, 1), (fraction.denominator, -1)):
            for prime, times in prime_factors(whole):
                shown = sign * times * exponent
                kept = floor(shown)
                scaled = {UNIT: raised(prime, kept)}
                if shown != kept:
                    key = ("pow", self.freeze({UNIT: prime}))
                    scaled = self.mul(scaled, self.single(key, exact(shown - kept)))
                result = self.mul(result, scaled)
        return result

    def _opaque_power(self, form: Form, exponent: Exponent) -> Form:
        """Return P^e with P an atom, its content and its factors taken out.

        They come out of whole powers and of roots alike, so that √P and 1/P have one P.
        """
        if not isinstance(exponent, int) and exponent.denominator == 2:
            content = common_content(form.values())
            inside = {m: exact(Fraction(c) / content) for m, c in form.items()}
            root = self._square_root(inside)
            if root is not None:  # √(c p²) is √c |p|
                odd = self.power(root, int(2 * exponent))
                outside = self._number_power(content, exponent)
                return self.product([outside, odd, self._sign(root)])
        factored = polynomial_factors(self, form)
        if factored is not None:
            return self._power_of_factors(*factored, exponent)
        return self._power_of_one(form, exponent)

    def _power_of_factors(
        self, number: Exponent, factors: list[tuple[Form, Exponent]], exponent: Exponent
    ) -> Form:
        """Return (c P^k Q^m ...)^e: all of it for whole e, and of a root what is not negative."""
        if isinstance(exponent, int):
            powers = (self.power(factor, exact(times * exponent)) for factor, times in factors)
            return self.product([self._number_power(number, exponent), *powers])
        outside = self._number_power(number if number > 0 else -number, exponent)
        rest: Form = {UNIT: 1 if number > 0 else -1}
        for factor, times in factors:
            sign, inner = self._oriented(factor)
            if times % 1 or self._positive_form(inner):
                outside = self.mul(outside, self.power(inner, exact(times * exponent)))
                rest = self.scale(-1, rest) if sign < 0 and times % 2 else rest
                continue
            even = times - times % 2
            if (even * exponent) % 1 == 0:  # √(p²) is |p|
                whole = int(even * exponent)
                outside = self.mul(outside, self.power(factor, whole))
                outside = self.mul(outside, self._sign(factor)) if whole % 2 else outside
                times -= even
            rest = self.mul(rest, self.power(factor, times)) if times else rest
        if rest == {UNIT: -1}:
            raise Undefined
        if rest == {UNIT: 1}:
            return outside
        power = self.power if len(rest) == 1 else self._power_of_one
        return self.mul(outside, power(rest, exponent))

    def _power_of_one(self, form: Form, exponent: Exponent) -> Form:
        """Return P^e with P an atom that is not taken apart."""
        leading: Exponent = common_content(form.values())
        common = self._common(form)
        if isinstance(exponent, int):
            known = sign_of_sizes(self, form)
            turned = known[0] < 0 if known else form[min(form)] < 0
            leading = -leading if turned else leading
            outside = {UNIT: raised(leading, exponent)}
        else:  # only what is positive comes out of a root
            common = tuple((a, e) for a, e in common if self._positive(a))
            outside = self._number_power(leading, exponent)
        if common:
            powers = self._settle(tuple((a, exact(e * exponent)) for a, e in common))
            outside = self.mul(outside, powers)
        inverse = tuple((a, -e) for a, e in common)
        inner: Form = {}
        for monomial, coefficient in form.items():
            accumulate(inner, merge(monomial, inverse), exact(Fraction(coefficient) / leading))
        if common and self.sums:
            inner = self._close(inner)
        return self.mul(outside, self.single(("pow", self.freeze(inner)), exponent))

    def _square_root(self, form: Form) -> Form | None:
        """Return p where a form is the square of a sum p, found from its leading term downwards."""
        if len(form) < 3 or self._has_sums(form):
            return None
        atoms = sorted({a for m in form for a, _ in m}, key=lambda a: (a in self.special, a))

        def order(monomial: Monomial) -> tuple[Exponent, ...]:
            exponents = dict(monomial)
            return tuple(exponents.get(a, 0) for a in atoms)

        lead = max(form, key=order)
        first = rational_root(form[lead])
        if first is None or any(e % 2 for _, e in lead):
            return None
        head = tuple((a, exact(Fraction(e) / 2)) for a, e in lead)
        root: Form = {head: first}
        left = self.add(form, self.scale(-1, self.mul(root, root)))
        down = tuple((a, -e) for a, e in head)
        while left and len(root) * (len(root) + 1) <= 2 * len(form):
            self.budget.spend(len(left))
            top = max(left, key=order)
            if any(a not in atoms for a, _ in top):
                return None
            term: Form = {merge(top, down): exact(Fraction(left[top]) / (2 * Fraction(first)))}
            twice = self.mul(term, self.add(self.scale(2, root), term))
            left = self.add(left, self.scale(-1, twice))
            root = self.add(root, term)
        return root if not left else None

    def _common(self, form: Form) -> Monomial:
        """Return the monomial of free atoms that divides every term."""
        common: dict[int, Exponent] | None = None
        sizes: dict[int, Exponent] | None = None
        for monomial in form:
            bound = self._bound(monomial).keys()
            here = {
                a: e
                for a, e in monomial
                if a not in self.special and a not in self.sums and not self.indices[a] & bound
            }
            below = {a: e for a, e in monomial if e < 0 and self._is_below_sizes(a)}
            sizes = below if sizes is None else {
                a: max(e, below[a]) for a, e in sizes.items() if a in below
            }  # fmt: skip
            if common is None:
                common = here
            else:
                for atom in {*common, *here}:
                    least = min(common.get(atom, 0), here.get(atom, 0))
                    common[atom] = least
        found = {**(common or {}), **(sizes or {})}
        return tuple(sorted((a, e) for a, e in found.items() if e))

    def _is_below_sizes(self, atom: int) -> bool:
        """Whether an atom is a power of dimensions, such as n - 1, which may be divided by."""
        kind, *rest = self.atoms[atom]
        return kind == "pow" and is_constant(self, self.thaw(rest[0]))

    def _settle(self, monomial: Monomial) -> Form:
        """Return a monomial with the laws of its special atoms applied."""
        self.budget.spend(len(monomial))
        plain: list[tuple[int, Exponent]] = []
        others: list[Form] = []
        won: dict[tuple, tuple] = {}
        deltas: set[int] = set()
        for atom, exponent in monomial:
            kind = self.atoms[atom][0] if atom in self.special else ""
            if kind in MASKS and exponent > 0:
                exponent = 1
                *family, place = self.atoms[atom]
                first = won.setdefault(tuple(family), place) if kind != "eq" else place
                if first != place:  # one family has one winner
                    if kind == "top":
                        return {}
                    same = [self.delta(i, j) for i, j in zip(first, place, strict=True)]
                    if not all(same):
                        return {}
                    deltas.update(a for form in same for m in form for a, _ in m)
                    continue
            if kind == "sign":
                one: Form = {UNIT: 1}
                square = self._square_of_sign(atom) if exponent % 2 == 0 else one
                exponent = exponent % 2
                if square is None:
                    exponent = 2
                elif square != one:
                    others.append(square)
            elif kind == "det":  # (-1)ⁿ
                exponent = exponent % 2
            elif kind == "δ":
                if exponent < 0:
                    raise Undefined("a division by zero off the diagonal")
                exponent = 1
            elif kind == "x":
                exponent = exponent % 2 if "sign" in self.assumed[self.atoms[atom][1]] else 1
            elif kind == "sin" and isinstance(exponent, int) and exponent >= 2:
                cosine = self.single(("cos", self.atoms[atom][1]), 2)
                square = self.add({UNIT: 1}, self.scale(-1, cosine))
                others.append(self._whole_power(square, exponent // 2))
                exponent = exponent % 2
            elif kind == "pow" and (exponent >= 1 or (exponent < 0 and self._is_number(atom))):
                whole = floor(exponent)
                base: Form = self.thaw(self.atoms[atom][1])
                others.append(self.power(base, whole))
                exponent = exact(exponent - whole)
            if exponent:
                plain.append((atom, exponent))
        if deltas:
            plain = sorted({*plain, *((a, 1) for a in deltas)})
        result: Form = {tuple(plain): 1}
        for form in others:
            result = self.mul(result, form)
        return result

    def _is_binary(self, atom: int) -> bool:
        """Whether an atom is 0 or 1: a mask, or an entry that is assumed to be so."""
        kind, name, *_ = self.atoms[atom]
        words = self.assumed.get(name, frozenset()) if kind == "x" else frozenset()
        return kind in MASKS or bool(words & {"binary", "one-hot-rows"})

    def _is_mask(self, atom: int) -> bool:
        """Whether an entry is its own sign: it is assumed to be 0 or 1, or 1 or -1."""
        kind, name, *_ = self.atoms[atom]
        words = self.assumed.get(name, frozenset()) if kind == "x" else frozenset()
        return bool(words & {"binary", "one-hot-rows", "sign"})

    def _square_of_sign(self, atom: int) -> Form | None:
        """Return sign(P)²: 1 but where P is zero for every input; `None` if it stands as it is."""
        if atom not in self.squares:
            key = self.atoms[atom][1]
            inside: Form = self.thaw(key)
            known = sign_of_sizes(self, inside) if key not in self.supposed else None
            if key in self.supposed:
                self.squares[atom] = {UNIT: 1}
            elif known is not None:  # not negative: 0 or 1
                self.squares[atom] = self.scale(known[0], {((atom, 1),): 1})
            else:
                self.squares[atom] = square_of_sign(self, inside)
        return self.squares[atom]

    def _is_number(self, atom: int) -> bool:
        """Whether an atom is a root of a whole number, such as √3."""
        return all(monomial == UNIT for monomial, _ in self.atoms[atom][1])

    # -- functions ---------------------------------------------------------------------------------

    def function(self, name: str, *args: Form) -> Form:
        """Return a function of forms, by its definition in exp, log, sin, cos and sign."""
        key = (name, *map(self.freeze, args))
        if key not in self.values:
            self.values[key] = self._function(name, *args)
        return self.values[key]

    def _function(self, name: str, *args: Form) -> Form:
        if name == "pi":  # a positive constant, as a dimension is
            return self.single(("n", "π"))
        if name == "gt":
            return self._gt(self.add(args[0], self.scale(-1, args[1])))
        if name == "eq":
            return self._eq(self.add(args[0], self.scale(-1, args[1])))
        through = OPS[name].through
        if through is not None:
            return through(RingFunctions(self), *(Value(self, arg) for arg in args)).form
        return getattr(self, f"_{name}")(*args)

    def _by_cases(self, form: Form, judge: Callable[[Form], Form]) -> Form | None:
        """Return a function of a form by cases of the signs in it, where it has some.

        relu(z) is 0 where z < 0: there its sign is 0, and sign² = 1 must not be used of it.
        """
        switches = self._switches(form)
        if not switches:
            return None
        if prod(len(options) for options in switches) > MOST_CELLS:
            raise TooLarge
        bound = {k for m in form for k in self._bound(m)}
        summed = any(self.indices[a] & bound for ((values, _), *_) in switches for a in values)
        result: Form = {}
        for options in product(*switches):
            chosen = {a: value for values, _ in options for a, value in values.items()}
            cell: Form = {}
            for monomial, coefficient in form.items():
                sign = 1
                for atom, exponent in monomial:
                    if atom in chosen and (exponent % 2 or not chosen[atom]):
                        sign *= chosen[atom]
                kept = tuple((a, e) for a, e in monomial if a not in chosen)
                accumulate(cell, kept, sign * coefficient)
            cell = self._close(cell) if self.sums else cell
            if summed:
                if not cell:
                    raise TooLarge  # a sum of such terms vanishes in cases of its own
                continue
            given = Given(self)
            for atom, value in chosen.items():
                if self.atoms[atom][0] == "sign":
                    given = given.also(self.thaw(self.atoms[atom][1]), value)
            if given.is_impossible():
                continue
            sign_here = given.sign_of(cell)
            here = self.product(indicator for _, indicator in options)
            found = judge({UNIT: sign_here} if sign_here else cell)
            result = self.add(result, self.mul(here, found))
        return None if summed else result

    def _switches(self, form: Form) -> list[list[tuple[dict[int, int], Form]]]:
        """Return what cases there are: for each sign, mask and family of masks its possible values,
        and the mask of the case."""
        kinds: dict[str, list[int]] = {}
        for atom in sorted({a for m in form for a, _ in m}):
            kinds.setdefault(self.atoms[atom][0], []).append(atom)
        switches = [self._signs(atom) for atom in kinds.get("sign", [])]
        if kinds.keys() <= {"δ", "n"}:  # the entries of a constant matrix
            switches += [self._on_or_off(atom) for atom in kinds.get("δ", [])]
        for keys in sorted({self.atoms[atom][1] for atom in kinds.get("top", [])}):
            *tops, last = self._tops([self.thaw(key) for key in keys])
            family = [a for top in tops for m in top for a, _ in m]
            cases: list[tuple[dict[int, int], Form]] = []
            for top in (*tops, last):
                here = {b for m in top for b, _ in m} if top is not last else set()
                cases.append(({a: int(a in here) for a in family}, top))
            switches.append(cases)
        bound = {k for m in form for k in self._bound(m)}
        masks = [*kinds.get("win", []), *kinds.get("eq", [])]
        summed = [a for a in masks if self.indices[a] & bound]
        if summed:
            self._refuse_ties(form, masks, bound)
            masks = []
        return switches + [self._on_or_off(atom) for atom in masks]

    def _signs(self, atom: int) -> list[tuple[dict[int, int], Form]]:
        """Return the values of a sign with the masks of their cases."""
        sign: Form = {((atom, 1),): 1}
        square = self._settle(((atom, 2),))
        cases = [
            ({atom: s}, self.scale(Fraction(1, 2), self.add(square, self.scale(s, sign))))
            for s in (1, -1)
        ]
        if square != {UNIT: 1}:
            cases.append(({atom: 0}, self.add({UNIT: 1}, self.scale(-1, square))))
        return [(values, mask) for values, mask in cases if mask]

    def values_of_sign(self, atom: int) -> list[int]:
        """Return what a sign may be: 1 or -1, and 0 where its argument is 0 for every input."""
        return [value for values, _ in self._signs(atom) for value in values.values()]

    def _on_or_off(self, atom: int) -> list[tuple[dict[int, int], Form]]:
        """Return the two values of an atom that is 0 or 1, with the masks of their cases."""
        mask: Form = {((atom, 1),): 1}
        return [({atom: 1}, mask), ({atom: 0}, self.add({UNIT: 1}, self.scale(-1, mask)))]

    def _refuse_ties(self, form: Form, masks: list[int], bound: set[Index]) -> None:
        """Refuse a form with a sum over winners that may vanish on a region.

        Σ_k m_k x_k, a maximum, does not: it is x_k where k wins. But x_j less it does where j wins.
        """
        families = {self.atoms[atom][:-1] for atom in masks}
        places = {k for atom in masks for k in self.atoms[atom][-1]}
        if len(families) > 1 or self.atoms[masks[0]][0] == "eq" or not places <= bound:
            raise TooLarge
        ((_, key, words, dims),) = families
        free = [*(k for k in self.free(form)), 0]
        for chosen in product(free, repeat=len(words)):
            if not self.mul(form, self.single(("win", key, words, dims, chosen))):
                raise TooLarge

    def _gt(self, form: Form) -> Form:
        """Return the mask of a form being positive, (s² + s) / 2 where s is its sign; where it is 0
        on a region, or 0 for every input, the mask is 0."""
        if not form:
            return {}
        below = self._below_winner(form)
        if below is not None:
            ratio, mask = below
            return {} if ratio > 0 else self.add({UNIT: 1}, self.scale(-1, mask))
        split = self._by_cases(form, self._gt)
        if split is not None:
            return split
        sign = self._sign(form)
        return self.scale(Fraction(1, 2), self.add(self.mul(sign, sign), sign))

    def _exp(self, form: Form) -> Form:
        factors = []
        for monomial, coefficient in form.items():
            if len(monomial) == 1 and monomial[0][1] == 1:
                key = self.atoms[monomial[0][0]]
                if key[0] == "log":  # exp(c log P) = P^c where log P is defined
                    factors.append(self.power(self.thaw(key[1]), coefficient))
                    continue
            factors.append(self.single(("exp", self.freeze({monomial: 1})), coefficient))
        return self.product(factors)

    def _log(self, form: Form) -> Form:
        if form == {UNIT: 1}:
            return {}
        if len(form) > 1 and self._denominator(form) is not None:
            turned = self.power(self.power(form, -1), -1)  # (a d - b c) / (a d - b c)² is a power
            form = turned if len(turned) < len(form) else form
        if len(form) == 1:
            ((monomial, coefficient),) = form.items()
            if coefficient == 1 and monomial and all(self._splits_log(a) for a, _ in monomial):
                parts = (self.scale(e, self._log_of(a)) for a, e in monomial)
                return self.add({}, *parts)
        elif shared := tuple((a, e) for a, e in self._common(form) if self._splits_log(a)):
            rest = self.mul({tuple((a, -e) for a, e in shared): 1}, form)
            return self.add(self._log({shared: 1}), self._log(rest))
        return self.single(("log", self.freeze(form)))

    def _splits_log(self, atom: int) -> bool:
        """Whether log(xy) = log x + log y may be used of an atom: x is positive for certain."""
        if atom in self.sums or self.atoms[atom][0] not in ("exp", "pow", "det"):
            return False
        return self._positive(atom)

    def _log_of(self, atom: int) -> Form:
        kind, key, *rest = self.atoms[atom]
        if kind == "det":
            return square_forms.logarithm(self, key, *rest)
        return self.thaw(key) if kind == "exp" else self._log(self.thaw(key))

    def _normcdf(self, form: Form) -> Form:
        return self.single(("normcdf", self.freeze(form)))

    def _turned(self, form: Form, name: str) -> Form | None:
        """Return sin or cos of a small sum by the addition theorems, one term at a time."""
        if not all(isinstance(c, int) for c in form.values()):
            return None
        steps = sum(abs(int(c)) for c in form.values())
        if not 2 <= steps <= 4:
            return None
        monomial = min(form)
        sign = 1 if form[monomial] > 0 else -1
        first: Form = {monomial: sign}
        rest = self.add(form, {monomial: -sign})
        s1, c1, s2, c2 = self._sin(first), self._cos(first), self._sin(rest), self._cos(rest)
        if name == "sin":
            return self.add(self.mul(s1, c2), self.mul(c1, s2))
        return self.add(self.mul(c1, c2), self.scale(-1, self.mul(s1, s2)))

    def _sin(self, form: Form) -> Form:
        turned = self._turned(form, "sin")
        if turned is not None:
            return turned
        sign, form = self._oriented(form)
        return self.scale(sign, self.single(("sin", self.freeze(form)))) if form else {}

    def _cos(self, form: Form) -> Form:
        turned = self._turned(form, "cos")
        if turned is not None:
            return turned
        _, form = self._oriented(form)
        return self.single(("cos", self.freeze(form))) if form else {UNIT: 1}

    def _sign(self, form: Form) -> Form:
        if not form:
            return {}
        below = self._below_winner(form)
        if below is not None:  # x_j - max_k x_k is negative but where j wins
            ratio, mask = below
            return self.scale(-1 if ratio > 0 else 1, self.add({UNIT: 1}, self.scale(-1, mask)))
        split = self._by_cases(form, self._sign)
        if split is not None:
            return split
        known = sign_of_sizes(self, form)
        if known is not None and not known[1]:
            return {UNIT: known[0]}
        if is_constant(self, form):
            return self._sign_of_factor(form)
        number, factors = sign_factors(self, form)
        result: Form = {UNIT: number} if number else {}
        for factor in factors:
            kinds = {self.atoms[a][0] for m in factor for a, _ in m}
            own = self._sign if kinds <= {"δ", "n"} else self._sign_of_factor
            result = self.mul(result, own(factor))
        return result

    def _sign_of_factor(self, form: Form) -> Form:
        """Return the sign of a form without signs and masks in it, of one term or irreducible."""
        sign, form = self._oriented(form)
        if self._not_negative(form):
            return {UNIT: sign}
        if len(form) > 1 or self._bound(next(iter(form))):
            content = common_content(form.values())
            inner = {m: exact(Fraction(c) / content) for m, c in form.items()}
            deltas = self._shared_deltas(inner)
            if deltas:  # sign(δP) = δ sign(P); its square is δ, not 1
                bare = {tuple(f for f in m if f not in deltas): c for m, c in inner.items()}
                return self.scale(sign, self.mul({deltas: 1}, self._sign(bare)))
            key = self.freeze(inner)
            if self.supposed.get(key):
                return {UNIT: sign * self.supposed[key]}
            return self.scale(sign, self.single(("sign", key)))
        ((monomial, _),) = form.items()
        result: Form = {UNIT: sign}
        for atom, exponent in monomial:
            kind, *rest = self.atoms[atom]
            if kind in ("sign", "δ") or kind in MASKS or self._is_mask(atom):
                result = self.mul(result, {((atom, exponent),): 1})
                continue
            if self._positive(atom):
                continue
            if kind == "pow":  # a root is not negative, and zero where its argument is
                own = self._sign(self.thaw(rest[0]))
                result = self.mul(result, own if exponent % 2 == 1 else self.mul(own, own))
            elif kind == "log" and exponent % 2 == 1:  # log P is positive where P - 1 is
                result = self.mul(result, self._sign(self.add(self.thaw(rest[0]), {UNIT: -1})))
            elif exponent % 2 == 1:
                inside = self.freeze({((atom, 1),): 1})
                result = self.mul(result, self.single(("sign", inside)))
        return result

    def _shared_deltas(self, form: Form) -> Monomial:
        """Return the deltas that divide every term of a form; those of bound indices are gone."""
        shared = set.intersection(
            *({(a, e) for a, e in m if self.atoms[a][0] == "δ"} for m in form)
        )
        return tuple(sorted(shared))

    def _oriented(self, form: Form) -> tuple[int, Form]:
        """Return a sign and the form times it, such that P and -P come out alike."""
        if form and form[min(form)] < 0:
            return -1, self.scale(-1, form)
        return 1, form

    # -- maxima ------------------------------------------------------------------------------------

    def extremum(self, name: str, form: Form, loops: list[tuple[Index, Dim]]) -> Form:
        """Return the largest or the smallest of a form over some indices: Σ_k m_k x_k, where the
        mask m is 1 at the winner."""
        turned = form if name == "max" else self.scale(-1, form)
        loops = [(k, dim) for k, dim in loops if k in self.free(form)]
        result = self.mul(self.winner(turned, loops, [k for k, _ in loops]), form)
        for k, dim in loops:
            result = self.sum(k, dim, result)
        return result

    def winner(self, form: Form, loops: list[tuple[Index, Dim]], places: list[Index]) -> Form:
        """Return the mask of the largest value of a form over some indices, at a place.

        What all share and a positive factor do not change it. Ties are taken not to be.
        """
        words = {k for k, _ in loops}
        varying = {m: c for m, c in form.items() if self.free({m: 1}) & words}
        used = [x for x, (k, _) in enumerate(loops) if k in self.free(varying)]
        if not used:
            return {UNIT: 1}
        content = common_content(varying.values())
        varying = {m: exact(Fraction(c) / content) for m, c in varying.items()}
        level = self._level_inside(varying) + 1
        keys = []
        for order in permutations(used):
            names = {loops[x][0]: f"@{level}.{position}" for position, x in enumerate(order)}
            frozen = self.freeze(self.rename(varying, names))
            dims = tuple(loops[x][1] for x in order)
            keys.append(
                ("win", frozen, tuple(names.values()), dims, tuple(places[x] for x in order))
            )
        return self.single(min(keys, key=lambda key: key[1]))

    def highest(self, name: str, forms: list[Form]) -> Form:
        """Return the largest or the smallest of some forms at sizes."""
        forms = [self.thaw(key) for key in dict.fromkeys(map(self.freeze, forms))]
        masks = self._tops(forms if name == "max" else [self.scale(-1, form) for form in forms])
        return self.add({}, *(self.mul(m, f) for m, f in zip(masks, forms, strict=True)))

    def _tops(self, forms: list[Form]) -> list[Form]:
        """Return the mask of the largest of some forms for each; they sum to one."""
        shared = {m for m, c in forms[0].items() if all(form.get(m) == c for form in forms)}
        own = [{m: c for m, c in form.items() if m not in shared} for form in forms]
        content = common_content(c for form in own for c in form.values()) or 1
        frozen = [
            self.freeze({m: exact(Fraction(c) / content) for m, c in form.items()}) for form in own
        ]
        keys = tuple(sorted(set(frozen)))
        rest: Form = {UNIT: 1}
        masks: dict[tuple, Form] = {}
        for key in keys[:-1]:
            masks[key] = self.single(("top", keys, key))
            rest = self.add(rest, self.scale(-1, masks[key]))
        masks[keys[-1]] = rest
        return [masks[key] for key in frozen]

    def _eq(self, form: Form) -> Form:
        """Return the mask of a form being zero; what is not decided is an atom of its own."""
        if not form:
            return {UNIT: 1}
        if form.keys() == {UNIT}:
            return {}
        if is_constant(self, form):
            sign = self._sign(form)
            return self.add({UNIT: 1}, self.scale(-1, self.mul(sign, sign)))
        below = self._below_winner(form)
        if below is not None:
            return below[1]
        if any(self.atoms[a][0] == "sign" for m in form for a, _ in m):
            split = self._by_cases(form, self._eq)
            if split is not None:
                return split
        monomial = next(iter(form))
        if len(form) == 1 == len(monomial) and self._is_binary(monomial[0][0]):
            return self.add({UNIT: 1}, {monomial: -1})
        _, form = self._oriented(form)
        content = common_content(form.values())
        return self.single(
            ("eq", self.freeze({m: exact(Fraction(c) / content) for m, c in form.items()}))
        )

    def _below_winner(self, form: Form) -> tuple[Fraction, Form] | None:
        """Return r and the mask of j's winning where a form is r (x_j - max_k x_k), or `None`."""
        for atom in sorted({a for m in form for a, _ in m}):
            kind, key, *rest = self.atoms[atom]
            if kind == "top":
                forms = [self.thaw(k) for k in key]
                most = self.highest("max", forms)
                for own, mask in zip(forms, self._tops(forms), strict=True):
                    ratio = quotient(form, self.add(own, self.scale(-1, most)))
                    if ratio:
                        return ratio, mask
            if kind == "win":
                words, dims, _ = rest
                body = self.thaw(key)
                most = self.scale(
                    -1, self.extremum("max", body, list(zip(words, dims, strict=True)))
                )
                free = [*self.free(form), 0]
                for places in product(free, repeat=len(words)):
                    here = self.rename(body, dict(zip(words, places, strict=True)))
                    ratio = quotient(form, self.add(here, most))
                    if ratio:
                        return ratio, self.single(("win", key, words, dims, places))
        return None

    # -- square matrices ---------------------------------------------------------------------------

    def inverse(self, form: Form, dim: Dim, i: Index, j: Index) -> Form:
        """Return the entry i, j of the inverse of a matrix, given as its entry at @r, @s."""
        return square_forms.inverse(self, form, dim, i, j)

    def det(self, form: Form, dim: Dim) -> Form:
        """Return the determinant of a matrix, given as its entry at @r, @s."""
        return square_forms.determinant(self, form, dim)

    # -- sums --------------------------------------------------------------------------------------

    def sum(self, index: Index, dim: Dim, form: Form) -> Form:
        """Return the sum of a form over an index."""
        return self.sums_over([(index, dim)], form)

    def sums_over(self, dims: Iterable[tuple[Index, Dim]], form: Form) -> Form:
        """Return the sum of a form over some indices."""
        loops = [
            loop
            for index, dim in dims
            for loop in (
                zip(index.parts, index.dims, strict=True)
                if isinstance(index, Pair)
                else ((index, dim),)
            )
        ]
        for index, dim in loops:
            result: Form = {}
            for monomial, coefficient in form.items():
                if not any(index in self.indices[atom] for atom, _ in monomial):
                    term = self.mul({monomial: coefficient}, self.size(dim))
                else:
                    binder = self.atom(("Σ", index, dim))
                    term = {merge(monomial, ((binder, 1),)): coefficient}
                for m, c in term.items():
                    accumulate(result, m, c)
            form = result
        return self._close(form)

    def _apart(self, q: Form, word: str = "") -> Form:
        """Return a form with its bound indices renamed to words that nothing else uses.

        A `word` begins them where the caller has no use for them but to multiply once and close.
        """
        result: Form = {}
        for monomial, coefficient in q.items():
            bound = self._bound(monomial)
            if bound:
                names = {
                    k: f"{word}{n}" if word else self._new_index() for n, k in enumerate(bound)
                }
                for m, c in self._renamed(monomial, names).items():
                    accumulate(result, m, exact(c * coefficient))
            else:
                accumulate(result, monomial, coefficient)
        return result

    @contextmanager
    def bound_words(self, count: int) -> Iterator[list[str]]:
        """Give words for the indices of sums around what is read inside.

        Sums side by side share their words, and with them their atoms.
        """
        words = [f"~d{self.depth + k}" for k in range(count)]
        self.depth += count
        try:
            yield words
        finally:
            self.depth -= count

    def _new_index(self) -> str:
        self.fresh += 1
        return f"~{self.fresh}"

    def _close(self, form: Form) -> Form:
        """Return the form with bound deltas contracted and bound indices named canonically."""
        self.budget.spend(len(form))
        result: Form = {}
        sums, deltas = self.sums, self.deltas
        for monomial, coefficient in form.items():
            atoms = [atom for atom, _ in monomial]
            if sums.isdisjoint(atoms) and deltas.isdisjoint(atoms):  # there is nothing to do
                accumulate(result, monomial, coefficient)
                continue
            closed = self.closed.get(monomial)
            if closed is None:
                closed = self._closed(monomial)
                if len(self.closed) < LARGEST:
                    self.closed[monomial] = closed
            for m, c in closed.items():
                accumulate(result, m, exact(c * coefficient))
        return result

    def _closed(self, monomial: Monomial) -> Form:
        bound = self._bound(monomial)
        atoms = [atom for atom, _ in monomial]
        for atom in () if self.deltas.isdisjoint(atoms) else atoms:
            if atom not in self.deltas:
                continue
            _, i, j = self.atoms[atom]
            gone, kept = (i, j) if i in bound else (j, i)
            rest = [(a, e) for a, e in monomial if a != atom]
            if gone in bound:
                rest = [(a, e) for a, e in rest if self.atoms[a][:2] != ("Σ", gone)]
                return self._close(self._renamed(tuple(rest), {gone: kept}))
            if any(j in self.indices[a] for a, _ in rest):  # δ_ac f(c) = δ_ac f(a)
                renamed = self._renamed(tuple(rest), {j: i})
                return self._close(self.mul(renamed, self.delta(i, j)))
        for atom in () if self.winners.isdisjoint(atoms) else atoms:
            if atom in self.winners and bound and dict(monomial)[atom] == 1:
                left = self._without_winner(monomial, atom, bound)
                if left is not None:
                    return self._close({left: 1})
        used = set().union(*(self.indices[a] for a in atoms if a not in self.sums))
        unused = [k for k in bound if k not in used]
        if unused:
            left = tuple((a, e) for a, e in monomial if self.atoms[a][1] not in unused
                         or self.atoms[a][0] != "Σ")  # fmt: skip
            sizes = (self.size(bound[k]) for k in unused)
            return self.mul({left: 1}, self.product(sizes))
        return self._canonical(monomial, bound) if bound else {monomial: 1}

    def _without_winner(
        self, monomial: Monomial, atom: int, bound: Mapping[Index, Dim]
    ) -> Monomial | None:
        """Return the rest of a monomial where nothing else meets its winner: Σ_k m_k = 1."""
        _, form, _, _, places = self.atoms[atom]
        own = {*places}
        if len(own) != len(places) or not own <= bound.keys() or own & self.free(self.thaw(form)):
            return None
        if any(a != atom and self.indices[a] & own for a in self._plain(monomial)):
            return None
        signs = {self.atom(("Σ", k, bound[k])) for k in own}
        return tuple((a, e) for a, e in monomial if a != atom and a not in signs)

    def _plain(self, monomial: Monomial) -> list[int]:
        return [a for a, _ in monomial if a not in self.sums]

    def _canonical(self, monomial: Monomial, bound: dict[Index, Dim]) -> Form:
        """Return the monomial with its bound indices named by their use, refined until stable."""
        colors: dict[Index, Any] = {k: repr(dim) for k, dim in bound.items()}
        plain = [(a, e) for a, e in monomial if a not in self.sums]
        for _ in bound:
            if len(set(colors.values())) == len(bound):
                break  # all are told apart, and more rounds keep their order
            self.budget.spend(len(bound) * len(plain) // 8)
            uses = {
                k: sorted(
                    repr((self._skeleton(a, colors, k), e))
                    for a, e in plain
                    if k in self.indices[a]
                )
                for k in bound
            }
            ranked = sorted({(colors[k], *uses[k]) for k in bound})
            colors = {k: f"{ranked.index((colors[k], *uses[k])):03d}" for k in bound}
        classes: dict[str, list[Index]] = {}
        for k in bound:
            classes.setdefault(colors[k], []).append(k)
        level = 1 + max((self.levels[a] for a, _ in plain), default=0)
        best: tuple | None = None
        for order in _orders([classes[color] for color in sorted(classes)]):
            names = {k: f"%{level}.{position}" for position, k in enumerate(order)}
            if len(classes) == len(bound):  # there is one order
                settled = all(k == name for k, name in names.items())
                return {monomial: 1} if settled else self._renamed(monomial, names)
            candidate = self._renamed(monomial, names)
            key = min((m for m in candidate), default=())
            if best is None or key < best[0]:
                best = (key, candidate)
        return best[1] if best else {monomial: 1}

    def _skeleton(self, atom: int, colors: Mapping[Index, str], me: Index) -> Any:
        """Return an atom with bound indices replaced by their colours, `me` marked."""
        self.budget.spend(1)
        kind, *rest = self.atoms[atom]

        def shown(k: Index) -> Any:
            if k == me:
                return "*"
            if k in colors:
                return ("bound", colors[k])
            return ("pair", *map(shown, k.parts)) if isinstance(k, Pair) else ("free", str(k))

        if kind == "x":
            if self._entry_key(rest[0], "b", "a")[2] == "a":  # symmetric: the order says nothing
                return (kind, rest[0], *sorted(repr(shown(k)) for k in rest[1:]))
            return (kind, rest[0], shown(rest[1]), shown(rest[2]))
        if kind == "δ":
            return (kind, *sorted((repr(shown(rest[0])), repr(shown(rest[1])))))
        if kind in ("n", "Σ"):
            return (kind, *map(str, rest))
        if kind == "inv":
            ends = [repr(shown(k)) for k in rest[2:]]
            alike = square_forms.is_symmetric(self, rest[0], rest[1])
            return (kind, repr(rest[0]), *(sorted(ends) if alike else ends))
        if kind == "det":
            return (kind, repr(rest[0]))
        places = [shown(k) for k in rest[3]] if kind == "win" else []
        items = rest[0]
        inner = sorted(
            repr((sorted(repr((self._skeleton(a, colors, me), e)) for a, e in m), c))
            for m, c in items
        )
        return (kind, *places, *inner)

    def _renamed(self, monomial: Monomial, names: Mapping[Index, Index]) -> Form:
        """Return a monomial with indices replaced, also inside functions."""
        plain: list[tuple[int, Exponent]] = []
        others: list[Form] = []
        indices, atoms, new_name = self.indices, self.atoms, names.get
        for factor in monomial:
            atom, exponent = factor
            if indices[atom].isdisjoint(names):
                plain.append(factor)
                continue
            kind, *rest = atoms[atom]
            if kind == "x":
                name, i, j = rest
                i = named(i, names) if isinstance(i, Pair) else new_name(i, i)
                j = named(j, names) if isinstance(j, Pair) else new_name(j, j)
                key = self._entry_key(name, i, j)
                plain.append((self.atom(key), exponent))
            elif kind == "Σ":
                plain.append((self.atom(("Σ", new_name(rest[0], rest[0]), rest[1])), exponent))
            elif kind == "δ":
                others.append(self.delta(*(names.get(k, k) for k in rest)))
            elif kind == "inv":
                key, dim, i, j = rest
                i, j = named(i, names), named(j, names)
                new = square_forms.inverse_atom(self, key, dim, i, j)
                others.append(self.power(new, exponent))
            elif kind == "win":
                new = self._renewed_winner(rest, lambda form: self.rename(form, names), names)
                others.append(self.power(new, exponent))
            else:
                free = {k: names[k] for k in self.indices[atom] & names.keys()}
                inner = self.rename(self.thaw(rest[0]), free)
                renewed = (
                    self.power(inner, exponent)
                    if kind == "pow"
                    else self.power(getattr(self, f"_{kind}")(inner), exponent)
                )
                others.append(self._apart(renewed))  # exp(log P) may have brought sums out
        if len({atom for atom, _ in plain}) != len(plain):
            collected: dict[int, Exponent] = {}
            for atom, exponent in plain:
                collected[atom] = collected.get(atom, 0) + exponent
            plain = [(a, exact(e)) for a, e in collected.items() if e]
        plain.sort()
        result: Form = {tuple(plain): 1}
        for form in others:
            result = self._times(result, form)
        return result

    def _times(self, p: Form, q: Form) -> Form:
        """Multiply without naming bound indices anew: the caller closes the result."""
        self.budget.spend(len(p) * len(q) * (1 + _longest(p, q) // 8))
        result: Form = {}
        for m, c in p.items():
            for n, d in q.items():
                for settled, e in self._settle(merge(m, n)).items():
                    accumulate(result, settled, exact(c * d * e))
        return result

    def rename(self, form: Form, names: Mapping[Index, Index]) -> Form:
        """Return a form with free indices replaced."""
        self.budget.spend(len(form))
        result: Form = {}
        for monomial, coefficient in form.items():
            for m, c in self._renamed(monomial, names).items():
                accumulate(result, m, exact(c * coefficient))
        return self._close(result) if self.sums else result

    def freeze(self, form: Form) -> tuple:
        """Return a form as a key."""
        return tuple(sorted(form.items()))

    def thaw(self, key: tuple) -> Form:
        """Return the form of a key."""
        return dict(key)

    def _level_of(self, key: tuple) -> int:
        """Return the level of the bound indices inside an atom; those around it use a higher."""
        if key[0] in ("x", "δ", "n", "Σ", "top"):
            return 0
        return self._level_inside(self.thaw(key[1])) + (key[0] == "win")

    def _level_inside(self, form: Form) -> int:
        inside = (
            max((self.levels[a] for a, _ in m), default=0) + bool(self._bound(m)) for m in form
        )
        return max(inside, default=0)

    # -- calculus ----------------------------------------------------------------------------------

    def derivative(self, form: Form, leaf: tuple, a: Index, c: Index) -> Form:
        """Return the partial derivative with respect to the entry a, c of a variable."""
        result: Form = {}
        for monomial, coefficient in form.items():
            names = {k: self._new_index() for k in self._bound(monomial)}
            dims = [(names[k], dim) for k, dim in self._bound(monomial).items()]
            bare = tuple((x, e) for x, e in monomial if x not in self.sums)
            for opened, factor in self._renamed(bare, names).items() if names else ((bare, 1),):
                body = self._monomial_derivative(opened, leaf, a, c, dims)
                for m, k in body.items():
                    accumulate(result, m, exact(factor * coefficient * k))
        return result

    def _monomial_derivative(
        self, monomial: Monomial, leaf: tuple, a: Index, c: Index, dims: Sequence[tuple[Index, Dim]]
    ) -> Form:
        """Return the derivative of a monomial, summed over some of its indices."""
        result: Form = {}
        for position, (atom, exponent) in enumerate(monomial):
            key = self.atoms[atom]
            if key[0] in ("n", "δ") or (key[0] == "x" and key[1] != leaf[0]):
                continue
            rest: Form = {(*monomial[:position], *monomial[position + 1 :]): exponent}
            rest = self.mul(rest, self._lowered(atom, exponent)) if exponent != 1 else rest
            summed = dims
            if key[0] == "x":  # Σ_i δ_ia f(i) is f(a)
                ends: list[tuple[Index, Index]] = []
                for k, new, dim in zip(key[2:], (a, c), leaf[1].dims, strict=True):
                    if isinstance(k, Pair) and isinstance(new, Pair):
                        ends += zip(k.parts, new.parts, strict=True)
                    elif dim != 1:
                        ends.append((k, new))
                words = {k for k, _ in dims}
                names: dict[Index, Index] = {}
                for k, new in ends:
                    if k in words:
                        names.setdefault(k, new)
                rest = self.rename(rest, names) if names else rest
                for k, new in ends:
                    if names.get(k) != new:
                        rest = self.mul(rest, self.delta(names.get(k, k), new))
                summed = [(k, dim) for k, dim in dims if k not in names]
            else:
                inner = self._atom_derivative(key, leaf, a, c)
                if not inner:
                    continue
                rest = self.mul(rest, inner)
            for m, k in (self.sums_over(summed, rest) if summed else rest).items():
                accumulate(result, m, k)
        return result

    def _lowered(self, atom: int, exponent: Exponent) -> Form:
        exponent = exact(exponent - 1)
        return {((atom, exponent),): 1} if exponent else {UNIT: 1}

    def _atom_derivative(self, key: tuple, leaf: tuple, a: Index, c: Index) -> Form:
        match key:
            case ("exp", inner):
                outer = self.single(key)
            case ("normcdf", inner):
                outer = self.function("normpdf", self.thaw(inner))
            case ("log", inner):
                outer = self.power(self.thaw(inner), -1)
            case ("sin", inner):
                outer = self.single(("cos", inner))
            case ("cos", inner):
                outer = self.scale(-1, self.single(("sin", inner)))
            case ("pow", inner):
                outer = {UNIT: 1}
            case ("inv", inner, dim, i, j):
                return square_forms.inverse_derivative(self, inner, dim, leaf, a, c, i, j)
            case ("det", inner, dim):
                return square_forms.determinant_derivative(self, inner, dim, leaf, a, c)
            case _:  # numbers, deltas, and sign away from its kink
                return {}
        inside = self.derivative(self.thaw(inner), leaf, a, c)
        return self.mul(outer, inside) if inside else {}

    def unfold(
        self,
        form: Form,
        define: Callable[[str, Index, Index], Form | None],
        known: dict[tuple[int, Exponent], Form] | None = None,
    ) -> Form:
        """Return a form with entries replaced by what `define` says they stand for.

        `known` are the powers of atoms that were replaced before: most terms share theirs.
        """
        known = {} if known is None else known
        result: Form = {}
        for monomial, coefficient in form.items():
            names = {k: self._new_index() for k in self._bound(monomial)}
            dims = [(names[k], dim) for k, dim in self._bound(monomial).items()]
            bare = tuple((x, e) for x, e in monomial if x not in self.sums)
            for opened, factor in self._renamed(bare, names).items() if names else ((bare, 1),):
                for x, e in opened:
                    if (x, e) not in known:
                        known[x, e] = self._unfolded(x, e, define, known)
                body = self.product(known[pair] for pair in opened)
                for index, dim in dims:
                    body = self.sum(index, dim, body)
                for m, c in body.items():
                    accumulate(result, m, exact(c * factor * coefficient))
        return result

    def _unfolded(
        self,
        atom: int,
        exponent: Exponent,
        define: Callable[[str, Index, Index], Form | None],
        known: dict[tuple[int, Exponent], Form],
    ) -> Form:
        kind, *rest = self.atoms[atom]
        if kind == "x":
            meant = define(*rest)
            return {((atom, exponent),): 1} if meant is None else self.power(meant, exponent)
        if kind in ("n", "δ"):
            return {((atom, exponent),): 1}
        if kind == "win":
            new = self._renewed_winner(rest, lambda form: self.unfold(form, define, known), {})
            return self.power(new, exponent)
        if kind == "top":
            keys, own = rest
            masks = self._tops([self.unfold(self.thaw(key), define, known) for key in keys])
            return self.power(masks[keys.index(own)], exponent)
        inner = self.unfold(self.thaw(rest[0]), define, known)
        if kind == "inv":
            return self.power(self.inverse(inner, *rest[1:]), exponent)
        if kind == "det":
            return self.power(self.det(inner, rest[1]), exponent)
        return self.power(inner if kind == "pow" else getattr(self, f"_{kind}")(inner), exponent)

    def _renewed_winner(
        self, rest: list, change: Callable[[Form], Form], names: Mapping[Index, Index]
    ) -> Form:
        """Return the mask of a winner whose forms are changed; its own indices are not met."""
        key, words, dims, places = rest
        fresh = {word: self._new_index() for word in words}
        form = change(self.rename(self.thaw(key), fresh))
        loops: list[tuple[Index, Dim]] = list(zip(fresh.values(), dims, strict=True))
        return self.winner(form, loops, [names.get(k, k) for k in places])

    # -- judging -----------------------------------------------------------------------------------

    def of(self, term: Scalar, names: Mapping[Index, Index] = {}) -> Form:
        """Return the normal form of a scalar; `names` gives numbers or words to free indices."""
        match term.kind:
            case "num":
                return {UNIT: exact(term.data)} if term.data else {}
            case "size":
                return self.size(term.data)
            case "entry" | "partial":
                meant = self.meaning(term, names) if self.meaning else None
                if meant is not None:
                    return meant
                name, i, j = term.data
                return self.entry(name, named(i, names, self.sizes), named(j, names, self.sizes))
            case "delta":
                return self.delta(*(names.get(k, k) for k in term.data))
            case "add":
                result: Form = {}
                for arg in term.args:
                    for monomial, coefficient in self.of(arg, names).items():
                        accumulate(result, monomial, coefficient)
                return result
            case "mul":
                return self.product(self.of(arg, names) for arg in term.args)
            case "pow":
                return self.power(self.of(term.args[0], names), term.data)
            case "fn":
                return self.function(term.data, *(self.of(arg, names) for arg in term.args))
            case "inverse" | "det":
                return self._square(term, names)
            case "most":
                return self._most(term, names)
        index, dim = term.data
        body = term.args[0]
        if self.sizes is None:
            with self.bound_words(1) as (fresh,):
                inner = self.of(body, {**names, index: fresh})
            return self.sum(fresh, dim, inner)
        result = {}
        for k in range(self.sizes.get(dim, dim)):
            for monomial, coefficient in self.of(body, {**names, index: k}).items():
                accumulate(result, monomial, coefficient)
        return result

    def _most(self, term: Scalar, names: Mapping[Index, Index]) -> Form:
        """Return a maximum or a minimum; at sizes it is written out."""
        name, loops = term.data
        if self.sizes is None:
            fresh = {k: self._new_index() for k, _ in loops}
            form = self.of(term.args[0], {**names, **fresh})
            return self.extremum(name, form, [(fresh[k], dim) for k, dim in loops])
        ranges = [range(extent(dim, self.sizes)) for _, dim in loops]
        chosen = [dict(zip((k for k, _ in loops), x, strict=True)) for x in product(*ranges)]
        return self.highest(name, [self.of(a, {**names, **x}) for a in term.args for x in chosen])

    def _square(self, term: Scalar, names: Mapping[Index, Index]) -> Form:
        """Return a determinant or an entry of an inverse; at sizes it is written out."""
        _, _, _, dim, *place = term.data
        i, j = (named(k, names, self.sizes) for k in place) if place else (0, 0)
        if self.sizes is None:
            form = self.of(term.args[0])
            return self.inverse(form, dim, i, j) if place else self.det(form, dim)
        matrix = term.args[0]
        if id(matrix) not in self.matrices:
            span = range(extent(dim, self.sizes))
            down, across = ([at_place(k, dim, x, self.sizes) for x in span] for k in ("@r", "@s"))
            rows = [[Value(self, self.of(matrix, {**r, **s})) for s in across] for r in down]
            # the matrix is kept beside its entries, so that its identity is not given to another
            self.matrices[id(matrix)] = matrix, rows, determinant(rows)
        _, rows, whole = self.matrices[id(matrix)]
        if not place:
            return whole.form
        assert isinstance(i, int) and isinstance(j, int)
        return (Value(self, Value(self, {})._lift(cofactor(rows, j, i))) / whole).form

    def sum_of_products(self, summands: list[Summand], names: Mapping[Index, Index]) -> Form:
        """Return the form of sums of products of different matrices' entries, written out."""
        assert self.sizes is not None
        ids = self.ids
        result: Form = {}
        for coefficient, loops, factors in summands:
            filled = dict(names)
            for values in product(*(range(extent(dim, self.sizes)) for _, dim in loops)):
                for (index, _), value in zip(loops, values, strict=True):
                    filled[index] = value
                atoms: list[tuple[int, Exponent]] = []
                for name, i, j in factors:
                    key = ("x", name, filled.get(i, i), filled.get(j, j))
                    number = ids.get(key)
                    atoms.append((self.atom(key) if number is None else number, 1))
                atoms.sort()
                monomial = tuple(atoms)
                result[monomial] = result.get(monomial, 0) + coefficient
        return result

    def is_zero(self, form: Form) -> bool:
        """Whether a form is zero once its denominators are cleared (where they are not zero), in
        every case of its signs."""
        return (
            self.is_plainly_zero(form)
            or zero_in_every_case(self, form)
            or (self.sizes is None and self._is_zero_multiplied(form))
        )

    def _is_zero_multiplied(self, form: Form) -> bool:
        """Whether a form is zero because it is when multiplied by a matrix that is inverted."""
        most = square_forms.MOST_MULTIPLIED
        return self.budget.within(most, lambda: square_forms.vanishes_multiplied(self, form))

    def is_plainly_zero(self, form: Form) -> bool:
        """Whether a form is zero once its denominators are cleared; signs are atoms."""
        if self.sizes is None:
            form = self._close(form)  # δ_ij x_ij is δ_ij x_ji, also where nothing is summed
        if form and not self._reduced(form):
            return True  # without multiplying the denominators of different terms with each other
        if self._vanishes(form):
            return True
        form = self._without_denominators(form)
        if not form:
            return True
        return not self._reduced(form)

    def _vanishes(self, form: Form) -> bool:
        """Whether a form is zero in parts whose denominators have nothing to do with each other.

        A denominator that holds parts together is cleared first. What does not vanish in this way
        may vanish all the same.
        """
        while form:
            below = self._below(form)
            negative = {a for m in form for a, e in m if e < 0 and a in below[m]}
            bound = frozenset[int]().union(*(self._bound(m) for m in form))
            free = [a for a in sorted(negative) if not self.indices[a] & bound]
            self.budget.spend(len(form) * (1 + len(free)))
            if not free:
                return not self._reduced(form)
            parts = _parts(form, below)
            if len(parts) - (not all(below.values())) > 1:
                return all(map(self._vanishes, parts))
            without = {a: _parts(form, {m: b - {a} for m, b in below.items()}) for a in free}
            atom = max(free, key=lambda a: (len(without[a]), sum(a in b for b in below.values())))
            times = max(-floor(e) for m in form for a, e in m if a == atom)
            form = self._cleared(form, atom, times)
        return True

    def _below(self, form: Form) -> dict[Monomial, frozenset[int]]:
        """Return the denominators of each term, and its roots but those that all terms have: √p
        and q/√p belong together."""
        exponents = {m: {a: e for a, e in m if self.atoms[a][0] in BELOW} for m in form}
        roots = {a for at in exponents.values() for a, e in at.items() if e % 1}
        own = {a for a in roots if len({at.get(a, 0) % 1 for at in exponents.values()}) > 1}
        own = {a for a in own if not self._is_number(a)}
        return {
            m: frozenset(a for a, e in at.items() if e < 0 or a in own)
            for m, at in exponents.items()
        }

    def _without_denominators(self, form: Form) -> Form:
        """Return a form multiplied by its denominators, one after the other."""
        for _ in range(20):
            worst = self._denominator(form) if form else None
            if worst is None:
                break
            form = self._cleared(form, *worst)
        return form

    def _cleared(self, form: Form, atom: int, times: int) -> Form:
        """Return a form multiplied by a power of the base of an atom."""
        key = self.atoms[atom]
        base: Form = self.thaw(key[1]) if key[0] == "pow" else {((atom, 1),): 1}
        powers: dict[int, Form] = {0: {UNIT: 1}}
        cleared: Form = {}
        for monomial, coefficient in form.items():
            exponents = dict(monomial)
            kept = exact(exponents.pop(atom, 0) + times)
            whole = floor(kept)
            if kept != whole:
                exponents[atom] = exact(kept - whole)
            if whole not in powers:
                powers[whole] = self._whole_power(base, whole)
            rest = {tuple(sorted(exponents.items())): coefficient}
            for m, c in self.mul(rest, powers[whole]).items():
                accumulate(cleared, m, c)
        return cleared

    def _reduced(self, form: Form) -> Form:
        """Return a form, denominators that sums bind reduced: where P = p + q, p/P is 1 - q/P."""
        result: Form = {}
        work = dict(form)
        for _ in range(10_000):
            if not work:
                break
            monomial, coefficient = work.popitem()
            self.budget.spend(len(monomial))
            new = self._reduction(monomial)
            for m, c in ({monomial: 1} if new is None else new).items():
                accumulate(result if new is None else work, m, exact(c * coefficient))
        return self.add(result, work)

    def _reduction(self, monomial: Monomial) -> Form | None:
        for atom, power in monomial:
            if self.assumed and self.atoms[atom][0] == "x":
                found = self._row_reduction(monomial, atom)
                if found is not None:
                    return found
            if self.atoms[atom][0] == "inv" and power == 1:
                found = square_forms.reduction(self, monomial, atom)
                if found is not None:
                    return found
            if power >= 0 or self.atoms[atom][0] != "pow":
                continue
            base = self.thaw(self.atoms[atom][1])
            self.budget.spend(len(base))
            for lead, gone in self._leads(base, monomial, atom):
                rest = {m: c for m, c in base.items() if m != lead}
                kept = merge(monomial, tuple((a, -e) for a, e in gone))
                factor = exact(Fraction(1) / base[lead])
                whole = self.mul({kept: factor}, {((atom, 1),): 1})
                return self.add(whole, self.mul({kept: -factor}, rest))
        return None

    def _row_reduction(self, monomial: Monomial, atom: int) -> Form | None:
        """Use that rows sum to one, and that a one-hot row has one entry that is not zero."""
        _, name, i, j = self.atoms[atom]
        words = self.assumed.get(name, frozenset())
        others = [(a, e) for a, e in monomial if a != atom]
        outer = self._bound(monomial)
        plain = [a for a, _ in others if a not in self.sums]
        if {"row-stochastic", "one-hot-rows"} & words and j in outer:
            apart = j not in index_words(i)  # Σ_k a_kk is no sum along a row
            if apart and dict(monomial)[atom] == 1 and not any(j in self.indices[a] for a in plain):
                sign = self.atom(("Σ", j, outer[j]))
                left = tuple((a, e) for a, e in others if a != sign)
                return self._close({left: 1})
        if "one-hot-rows" in words:
            for a in plain:
                key = self.atoms[a]
                if key[:3] == ("x", name, i) and key[3] != j:
                    return self.mul({tuple(others): 1}, self.delta(j, key[3]))
        return None

    def _leads(
        self, base: Form, monomial: Monomial, atom: int
    ) -> Iterable[tuple[Monomial, Monomial]]:
        """Yield the term of a denominator by which a monomial is to be divided, and what it is
        called there: a sum in the denominator may have another bound index in the monomial."""
        exponents = dict(monomial)
        summed = [m for m in base if self._bound(m)]
        if summed:
            if len(summed) == 1:
                for found in self._matches(summed[0], monomial, atom):
                    yield summed[0], found
            return
        degrees = sorted(((sum(e for _, e in m), m) for m in base), reverse=True)
        if len(degrees) > 1 and degrees[0][0] > degrees[1][0]:
            lead = degrees[0][1]
            if all(exponents.get(a, 0) >= e for a, e in lead):
                yield lead, lead
        if UNIT in base and any(exponents.get(a, 0) < 0 for m in base for a, _ in m):
            yield UNIT, UNIT

    def _matches(self, term: Monomial, monomial: Monomial, atom: int) -> Iterable[Monomial]:
        """Yield the factors of a monomial that are a sum's term under other bound indices, which
        nothing else in the monomial uses: Σ_k e_ik x_j is (Σ_k e_ik) x_j."""
        inner, outer = self._bound(term), self._bound(monomial)
        for chosen in permutations(outer, len(inner)):
            if any(inner[k] != outer[p] for k, p in zip(inner, chosen, strict=True)):
                continue
            renamed = self._renamed(term, dict(zip(inner, chosen, strict=True)))
            if len(renamed) != 1:
                continue
            ((found, coefficient),) = renamed.items()
            exponents = dict(monomial)
            if coefficient != 1 or any(exponents.get(a, 0) < e for a, e in found):
                continue
            left = [a for a, e in merge(monomial, tuple((a, -e) for a, e in found))]
            if not any(self.indices[a] & set(chosen) for a in left):
                yield found

    def _denominator(self, form: Form) -> tuple[int, int] | None:
        """Return an atom in a denominator that no sum binds, and the power that clears it."""
        self.budget.spend(len(form))
        worst: dict[int, int] = {}
        for monomial in form:
            for atom, exponent in monomial:
                if exponent < 0 and self.atoms[atom][0] in BELOW:
                    worst[atom] = max(worst.get(atom, 0), -floor(exponent))
        for atom, times in worst.items():
            words = self.indices[atom]
            if all(not (words & self._bound(m).keys()) for m in form):
                return atom, times
        return None

    def plainly_equal(self, p: Form, q: Form) -> bool:
        """Whether two forms are seen to be equal without multiplying everything out."""
        return p == q or self._vanishes(self._reduced(self.add(p, self.scale(-1, q))))

    def equal(self, p: Form, q: Form) -> bool:
        """Whether two forms are equal wherever both are defined."""
        return p == q or self.is_zero(self.add(p, self.scale(-1, q)))


def _longest(p: Form, q: Form) -> int:
    """Return about how many atoms a product of terms has: those of the first ones."""
    return len(next(iter(p), ())) + len(next(iter(q), ()))


def _parts(form: Form, below: Mapping[Monomial, frozenset[int]]) -> list[Form]:
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
        first, *others = below[monomial] or (-1,)
        for atom in others:
            leader[find(atom)] = find(first)
    parts: dict[int, Form] = {}
    for monomial, coefficient in form.items():
        parts.setdefault(find(min(below[monomial], default=-1)), {})[monomial] = coefficient
    return list(parts.values())


def _orders(classes: list[list[Index]]) -> Iterable[list[Index]]:
    """Yield the orders of indices that refinement left open, a bounded number of them."""
    most = 1
    for members in classes:
        for k in range(2, len(members) + 1):
            most *= k
    if most > 120:
        yield [k for members in classes for k in members]
        return
    orders: list[list[Index]] = [[]]
    for members in classes:
        orders = [[*head, *tail] for head in orders for tail in permutations(members)]
    yield from orders
