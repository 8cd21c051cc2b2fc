"""Normal forms: two scalars with the same normal form are equal, for every shape.

A form is a sum of monomials, a monomial a product of powers of atoms; what an atom is, is said by
the row of its kind. Functions are first reduced to exp, log, sin, cos, sign and powers by their
definitions; deltas are contracted; bound indices get names that depend only on how they are used;
denominators are cleared before a form is compared with zero.

This is the judge's algebra: it knows the definitions of operators, and none of their theorems. Its
own derivatives are the laws named after them, and that of an entry by another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from derive.algebra import (
    closing,
    derivative,
    functions,
    matrices,
    places,
    powers,
    scalars,
    winners,
    zero,
)
from derive.algebra.forms import (
    LARGEST,
    UNIT,
    Budget,
    Exponent,
    Form,
    Monomial,
    TooLarge,
    accumulate,
    exact,
    holds,
    merge,
    oriented,
    primitive,
    scaled,
)
from derive.algebra.kinds import KINDS, Kind
from derive.algebra.laws import Law
from derive.algebra.values import Value
from derive.calculus.index import Index, Scalar
from derive.expressions.shape import Dim, Pair, Product

Meaning = Callable[[Scalar, Mapping[Index, Index]], Form | None]
#: The laws that fired, in the order of their first time.
Journal = dict[Law, None]


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
        #: Each atom's key, the number of a key, and what else is known of each.
        self.atoms: list[tuple] = []
        self.ids: dict[tuple, int] = {}
        self.kinds: list[Kind] = []
        self.indices: list[frozenset[Index]] = []
        self.levels: list[int] = []
        #: Summation signs, and the laws of the powers and of the sums of atoms that have some.
        self.sums: set[int] = set()
        self.special: dict[int, Law] = {}
        self.closing: dict[int, tuple[Law, ...]] = {}
        self.fresh = 0
        self.depth = 0
        self.journal: Journal | None = None
        self.assumed: dict[str, frozenset[str]] = {}
        #: Names of whose entries something will be assumed, once derivatives are taken.
        self.waiting: frozenset[str] = frozenset()
        #: The least that a dimension is, where that is more than 1.
        self.least: Mapping[str, int] = {}
        #: Signs that are known of forms of dimensions: 1, or 0 where they are known to be not zero.
        self.supposed: dict[tuple, int] = {}
        self.forget()

    def forget(self) -> None:
        """Work out anew from now on what follows from the laws."""
        self.closed: dict[Monomial, Form] = {}
        self.values: dict[tuple, Form] = {}
        self.squares: dict[int, Form | None] = {}
        self.symmetric: dict[tuple, bool] = {}
        #: Matrices written out, with their determinants, by the identity of their entry.
        self.matrices: dict[
            int, tuple[Scalar, list[list[Value]], Value, dict[tuple[int, int], Form]]
        ] = {}

    def assume(self, assumptions: Mapping[str, Iterable[str]]) -> None:
        """Let entries obey laws from now on: symmetric, positive, sign, binary, row-stochastic ...

        What follows from a word is said as well. Derivatives are to be taken before: a symmetric
        variable is differentiated as any other.
        """
        self.assumed = {name: frozenset(words) for name, words in assumptions.items()}
        laws = ((a, self.kinds[a].powers(self, key)) for a, key in enumerate(self.atoms))
        self.special = {a: law for a, law in laws if law is not None}
        self.forget()

    def wait_for(self, names: frozenset[str]) -> None:
        """Keep open, until `assume` is called, what assumptions about some names may make zero."""
        self.waiting = names
        self.forget()

    def suppose(self, form: Form, *, positive: bool = False) -> None:
        """Let a form of dimensions be different from zero from now on, or positive."""
        sign, turned = oriented(form)
        self.supposed[self.freeze(primitive(turned)[1])] = sign if positive else 0
        self.forget()

    @contextmanager
    def recorded(self, journal: Journal | None = None) -> Iterator[Journal]:
        """Note the laws that fire inside."""
        before, self.journal = self.journal, {} if journal is None else journal
        self.forget()  # what is remembered would not fire again
        try:
            yield self.journal
        finally:
            self.journal = before

    # -- atoms -------------------------------------------------------------------------------------

    def atom(self, key: tuple) -> int:
        """Return the number of an atom, entering it into the table when it is new."""
        number = self.ids.get(key)
        if number is None:
            kind = KINDS[key[0]]
            indices, level = kind.indices(self, key), kind.level(self, key)
            law = kind.powers(self, key)  # may be too large: then there is no such atom
            number = self.ids[key] = len(self.atoms)
            self.atoms.append(key)
            self.kinds.append(kind)
            self.indices.append(indices)
            self.levels.append(level)
            if key[0] == "Σ":
                self.sums.add(number)
            if kind.closing:
                self.closing[number] = kind.closing
            if law is not None:
                self.special[number] = law
        return number

    def single(self, key: tuple, exponent: Exponent = 1) -> Form:
        return {((self.atom(key), exponent),): 1}

    def entry(self, name: str, *place: Index) -> Form:
        return self.single(self.entry_key(name, *place))

    def entry_key(self, name: str, *place: Index) -> tuple:
        if self.assumed and KINDS["x"].alike(self, ("x", name)):
            return ("x", name, *sorted(place, key=str))
        return ("x", name, *place)

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

    def positive(self, atom: int) -> bool:
        """Whether an atom is positive wherever it is defined."""
        return self.kinds[atom].positive(self, self.atoms[atom])

    def free(self, form: Form) -> frozenset[Index]:
        """Return the index words of a form that none of its sums binds."""
        found: set[Index] = set()
        for monomial in form:
            words = {k for atom, _ in monomial for k in self.indices[atom]}
            found |= words - self.bound(monomial).keys()
        return frozenset(found)

    def bound(self, monomial: Monomial) -> dict[Index, Dim]:
        """Return the indices that a monomial sums over, with their dimensions."""
        sums, atoms = self.sums, self.atoms
        if not sums:
            return {}
        found = [atom for atom, _ in monomial if atom in sums]
        return {atoms[atom][1]: atoms[atom][2] for atom in found} if found else {}

    def plain(self, monomial: Monomial) -> list[int]:
        """Return the atoms of a monomial that are no summation signs."""
        return [a for a, _ in monomial if a not in self.sums]

    def level_inside(self, form: Form) -> int:
        """Return the level of the bound indices in a form."""
        inside = (
            max((self.levels[a] for a, _ in m), default=0) + bool(self.bound(m)) for m in form
        )
        return max(inside, default=0)

    def freeze(self, form: Form) -> tuple:
        """Return a form as a key."""
        return tuple(sorted(form.items()))

    def thaw(self, key: tuple) -> Form:
        """Return the form of a key."""
        return dict(key)

    # -- arithmetic --------------------------------------------------------------------------------

    def add(self, *forms: Form) -> Form:
        result = dict(forms[0])
        for form in forms[1:]:
            for monomial, coefficient in form.items():
                accumulate(result, monomial, coefficient)
        return result

    def scale(self, factor: Exponent, form: Form) -> Form:
        return scaled(form, factor)

    def mul(self, p: Form, q: Form) -> Form:
        """Return the product, multiplied out."""
        special = self.special
        if len(p) == 1 == len(q) and not self.sums:  # by far the most frequent case
            ((m, c),), ((n, d),) = p.items(), q.items()
            monomial = merge(m, n)
            if not special or not holds(monomial, special):
                return {monomial: exact(c * d)}
        if len(p) * len(q) > LARGEST:
            raise TooLarge
        self.spend_on_product(p, q)
        if self.sums and self.has_sums(p) and self.has_sums(q):
            q = self.apart(q, "~q")
        result: Form = {}
        for m, c in p.items():
            for n, d in q.items():
                monomial = merge(m, n)
                if special and holds(monomial, special):
                    for settled, e in powers.settle(self, monomial).items():
                        accumulate(result, settled, exact(c * d * e))
                else:
                    accumulate(result, monomial, exact(c * d))
        return self.close(result) if self.sums else result

    def spend_on_product(self, p: Form, q: Form) -> None:
        longest = len(next(iter(p), ())) + len(next(iter(q), ()))  # about how many atoms a term has
        self.budget.spend(len(p) * len(q) * (1 + longest // 8))

    def has_sums(self, form: Form) -> bool:
        sums = self.sums
        return bool(sums) and any(holds(monomial, sums) for monomial in form)

    def product(self, forms: Iterable[Form]) -> Form:
        result: Form = {UNIT: 1}
        for form in forms:
            result = form if result == {UNIT: 1} else self.mul(result, form)
        return result

    def function(self, name: str, *args: Form) -> Form:
        """Return a function of forms, by its definition in exp, log, sin, cos and sign."""
        key = (name, *map(self.freeze, args))
        if key not in self.values:
            self.values[key] = functions.function(self, name, *args)
        return self.values[key]

    # -- sums --------------------------------------------------------------------------------------

    def sum(self, index: Index, dim: Dim, form: Form) -> Form:
        """Return the sum of a form over an index."""
        return self.sums_over([(index, dim)], form)

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

    def new_index(self) -> str:
        """Return an index word that nothing else uses."""
        self.fresh += 1
        return f"~{self.fresh}"

    # -- the other rooms ---------------------------------------------------------------------------

    close, rename = closing.close, closing.rename
    apart, sums_over = closing.apart, closing.sums_over
    power, le = powers.power, places.le
    extremum, highest = winners.extremum, winners.highest
    inverse, det = matrices.inverse, matrices.determinant
    derivative, unfold = derivative.derivative, derivative.unfold
    of, sum_of_products = scalars.form_of, scalars.sum_of_products
    is_zero, is_plainly_zero = zero.is_zero, zero.is_plainly_zero

    def plainly_equal(self, p: Form, q: Form) -> bool:
        """Whether two forms are seen to be equal without multiplying everything out."""
        return p == q or zero.vanishes(self, zero.reduced(self, self.add(p, scaled(q, -1))))

    def equal(self, p: Form, q: Form, *, journal: Journal | None = None) -> bool:
        """Whether two forms are equal wherever both are defined; a journal notes the laws used."""
        if journal is not None:
            with self.recorded(journal):
                return self.equal(p, q)
        return p == q or self.is_zero(self.add(p, scaled(q, -1)))
