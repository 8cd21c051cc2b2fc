"""Steps at sizes: both sides written out, entry by entry.

A gradient is assembled from every entry of a value differentiated on its own. Rational functions
that differ here differ for certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, reduce
from itertools import product
from operator import or_
from typing import Any

from derive.algebra.forms import Budget, Form, sums_of_entries
from derive.algebra.normal import Ring
from derive.calculus.index import Index, Scalar, along, at_place, index_words, named
from derive.expressions.expr import Expr, substitute
from derive.expressions.program import Statement
from derive.expressions.shape import Dim, extent, factors
from derive.judges.judge import NODE, Difference, Judge, Sizes, entry_differs, is_rational, sizes_of
from derive.notation.messages import say
from derive.ops import var
from derive.proof.derivation import (
    Derivation,
    EntryOf,
    Explicit as ExplicitMath,
    GradientName,
    Grid,
    Math,
    Slice,
    Step,
)
from derive.proof.verdict import Road, in_words
from derive.readings.base import Table
from derive.readings.entries import Explicit


class EntriesJudge(Judge):
    """Explicit matrices at sizes, every y_ij differentiated on its own.

    `others` are unfolded besides the statement; `indices` says through what free indices run that
    are not those of the statement's value and its variable.
    """

    road = Road.WRITTEN

    def __init__(
        self,
        derivation: Derivation,
        statement: Statement,
        sizes: Sizes,
        budget: Budget | None = None,
        *,
        others: Iterable[Statement] = (),
        indices: Mapping[Index, Dim] | None = None,
    ):
        self.derivation = derivation
        self.statement = statement
        self.definitions = {s.name: s.expr for s in (*others, statement)}
        self.indices = indices or {}
        self.values: dict[str, Table] = {}
        self.partials: dict[tuple, Form] = {}
        self.sizes = sizes
        self.ring = Ring(sizes, self._meaning, budget)
        self.ring.wait_for(frozenset({NODE}))
        self.plain = Explicit(self.ring)
        self.judging = Explicit(self.ring, self._entry)
        self.value = derivation.program.leaves[statement.name]
        self.known: dict[int, tuple[Math, Table]] = {}
        self.entries: dict[tuple[int, tuple[Index, ...]], tuple[Math, Form]] = {}
        self.tables: dict[str, Mapping[tuple[int, ...], Form]] = {}
        self.at = sizes_of(derivation.program, sizes)

    def differs(self, step: Step) -> Difference | None:
        left, right = step.left, step.right
        if isinstance(left, Scalar | EntryOf):
            assert isinstance(right, Scalar | EntryOf)
            return self._scalars_differ(step, left, right)
        p, q = self._matrix(left), self._matrix(right)
        for place, x, y in p.beside(q):
            if x != y and not self.ring.equal(x, y):
                return entry_differs(*place), is_rational(self.ring, x, y)
        return None

    def _scalars_differ(
        self, step: Step, left: Scalar | EntryOf, right: Scalar | EntryOf
    ) -> Difference | None:
        sides = (left, free_words(left)), (right, free_words(right))
        words = dict.fromkeys([word for _, free in sides for word in free])
        dims = self._index_dims(step.about)
        ranges = [range(extent(dims[word], self.sizes)) for word in words]
        for values in product(*ranges):
            names: dict[Index, Index] = dict(zip(words, values, strict=True))
            p, q = (self._scalar(math, {k: names[k] for k in free}) for math, free in sides)
            if not self.ring.equal(p, q):
                at = in_words({str(word): value + 1 for word, value in zip(words, values)})
                return say("step.differ-at", places=at), is_rational(self.ring, p, q)
        return None

    def _index_dims(self, about: str) -> dict[Index, Dim]:
        letters, leaves = self.derivation.letters, self.derivation.program.leaves
        words = (*letters.output, *letters.variable)
        dims = (*self.value.shape.dims, *leaves[about].shape.dims)
        found: dict[Index, Dim] = {}
        for word, dim in zip(words, dims, strict=True):
            index = along(word, dim)
            found |= dict(zip(index_words(index), factors(dim) or (dim,), strict=True))
        return {**found, **self.indices}

    def _scalar(self, math: Scalar | EntryOf, names: Mapping[Index, Index]) -> Form:
        key = id(math), tuple(names.values())
        if key not in self.entries:  # math is kept: its identity is not given to another
            self.entries[key] = math, self._one(math, names)
        return self.entries[key][1]

    def _one(self, math: Scalar | EntryOf, names: Mapping[Index, Index]) -> Form:
        if isinstance(math, EntryOf):
            place: Any = (named(k, names, self.sizes) for k in math.place)  # numbers, at sizes
            form: Form = self.judging.matrix(math.expr).at(place)
            return form
        return self.ring.of(math, names)

    def _matrix(self, math: Math) -> Table:
        kept = self.known.get(id(math))
        if kept is None:
            kept = self.known[id(math)] = (math, self._written(math))
        return kept[1]

    def _written(self, math: Math) -> Table:
        match math:
            case Expr():
                return self.judging.matrix(math)
            case ExplicitMath(expr):
                return self.judging.matrix(expr)
            case Grid(tree, words, leaf):
                of, shape = self._writer(tree) or self.ring.of, leaf.shape
                extents = shape.extents(self.sizes)
                axes = (
                    [at_place(word, dim, k, self.sizes) for k in range(count)]
                    for word, dim, count in zip(words, shape.dims, extents, strict=True)
                )
                names = (reduce(or_, parts) for parts in product(*axes))
                return Table.filled(extents, (of(tree, one) for one in names))
            case Slice(value, wrt):
                return self._value(value.data[0]).map(lambda form: self._partial(form, *wrt.data))
        raise AssertionError(f"{type(math).__name__} is no matrix")

    def _writer(self, tree: Scalar) -> Callable[[Scalar, Mapping[Index, Index]], Form] | None:
        """Return a quicker `Ring.of` for sums of products of entries that stand for themselves."""
        summands = sums_of_entries(tree)
        if summands is None or any(
            name in self.definitions or (name in self.derivation.names and name != self._upstream)
            for _, _, factors in summands
            for name, _ in factors
        ):
            return None
        return lambda term, names: self.ring.sum_of_products(summands, names)

    # -- what names mean ---------------------------------------------------------------------------

    def _meaning(self, term: Scalar, names: Mapping[Index, Index]) -> Form | None:
        if term.kind == "partial":
            y, x = term.args
            key = (self._placed(y, names), self._placed(x, names))
            if key not in self.partials:
                (of, *place), by = key
                self.partials[key] = self._partial(self._value(of).at(place), *by)
            return self.partials[key]
        return self._entry(*self._placed(term, names))

    def _placed(self, entry: Scalar, names: Mapping[Index, Index]) -> tuple[Any, ...]:
        """Return the name of an entry, and its place in numbers."""
        name, *place = entry.data
        return name, *[named(k, names, self.sizes) for k in place]

    def _entry(self, name: str, *place: int) -> Form | None:
        if name in self.definitions:
            form: Form = self._value(name).at(place)
            return form
        meant = self.derivation.names.get(name)
        if meant is None or name == self._upstream:
            return None
        if name not in self.tables:
            self.tables[name] = self._gradient(meant)
        return self.tables[name].get(place, {})

    def _value(self, name: str) -> Table:
        if name not in self.values:
            self.values[name] = self.plain.matrix(self.definitions[name])
        return self.values[name]

    @cached_property
    def _upstream(self) -> str | None:
        program = self.derivation.program
        is_loss = program.is_loss and self.statement.name == program.output.data[0]
        return None if is_loss else f"d{self.statement.name}"

    def _partial(self, form: Form, *entry: Any) -> Form:
        return self.plain.partial(form, self.ring.atom(("x", *entry)))

    @cached_property
    def _gradients(self) -> dict[int, Form]:
        return self._gathered(self._value(self.statement.name))

    def _gradient(self, meant: GradientName) -> dict[tuple[int, ...], Form]:
        """Return Σ_ij ∂L/∂y_ij ∂y_ij/∂x_ac for all a, c, visiting no zero derivative."""
        atoms = self.ring.atoms
        if meant.of.is_var:
            name = meant.of.data[0]
            totals = self._gradients.items()
            return {atoms[x][2:]: form for x, form in totals if atoms[x][1] == name}
        free = var(NODE, meant.of.shape)
        rows = self.plain.matrix(substitute(self.statement.expr, {meant.of: free}))
        node = self.plain.matrix(meant.of)

        def define(name: str, *place: Any) -> Form | None:
            return node.at(place) if name == NODE else None

        return {
            atoms[x][2:]: self.ring.unfold(form, define)
            for x, form in self._gathered(rows).items()
            if atoms[x][1] == NODE
        }

    def _gathered(self, table: Table) -> dict[int, Form]:
        """Return the chain rule's sum for every variable that occurs in the entries."""
        totals: dict[int, Form] = {}
        for place, form in table.cells():
            weight = self.ring.atom(("x", self._upstream, *place)) if self._upstream else None
            self.plain.accumulate_partials(form, weight, totals)
        return totals


def free_words(math: Scalar | EntryOf) -> list[Index]:
    from derive.calculus.index import free_indices

    if isinstance(math, EntryOf):
        return list(index_words(*math.place))
    return sorted(free_indices(math), key=str)
