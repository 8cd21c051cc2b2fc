"""The proof of one local theorem: entry by entry at sizes, and with indices for every shape.

A statement, one of its variables and the formula of a gradient come in; the steps of the proof
leave, unjudged. Nothing here is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from derive.calculus.deltas import contract
from derive.calculus.index import (
    Index,
    Scalar,
    delta,
    differentiate,
    entry,
    index_words,
    mul,
    partial,
    place_of,
    rename,
    total,
    written_out,
)
from derive.expressions.expr import Expr, nodes
from derive.expressions.program import Statement
from derive.expressions.shape import Pair
from derive.ops.elementwise import DIV
from derive.ops.rows import LOGSOFTMAX, LOGSUMEXP, SOFTMAX
from derive.proof.derivation import EntryOf, Explicit, Grid, Math, Slice, Step
from derive.proof.folding import Value, collected, folded
from derive.proof.lemmas import operators
from derive.proof.shares import shares

if TYPE_CHECKING:
    from derive.proof.explain import Writer


class LocalProof:
    """The proof of one local theorem: at the sizes, and for every shape."""

    def __init__(
        self,
        writer: Writer,
        statement: Statement,
        leaf: Expr,
        own: Expr,
        upstream: Expr | None,
        formula: Expr,
    ):
        self.writer = writer
        self.theme = statement.name
        self.value = writer.program.leaves[statement.name]
        self.leaf, self.own, self.upstream, self.formula = leaf, own, upstream, formula
        self.tree = writer.trees[statement.name]
        self.output = place_of(self.value.shape, writer.letters.output)
        self.variable = place_of(leaf.shape, writer.letters.variable)
        self.shares = {writer.program.leaves[s.name]: s.expr
                       for s in shares(writer.program, statement)}  # fmt: skip
        raw = differentiate(self.tree, leaf.data, *self.variable)
        self.raw = folded(raw, map(self._entry_of, self.shares))
        self.renamed = self.raw != raw
        self.contracted = contract(self.raw)
        self.y = entry(self.value.data, *self.output)
        self.named = self._named(self.contracted)
        self.derivative = collected(self.named)
        self.x = entry(leaf.data, *self.variable)
        if upstream is None:
            self.summand = self.derivative
        else:
            self.summand = mul(entry(upstream.data, *self.output), self.derivative)
        self.chained = self._summed(self.summand)
        self.result = collected(contract(self.chained))
        self.how = {
            "lemmas": operators(statement.expr, self.tree, leaf, writer.detail != "brief"),
            "methods": tuple(dict.fromkeys(_methods(statement.expr, leaf))),
        }

    def _named(self, term: Scalar) -> Scalar:
        """Return a term with the value's own entries by their name, where that is a function."""
        whole = self.writer.program.defining(self.theme)
        named = (
            whole is not None and whole.expr.op.style == "call" and not self.value.shape.is_scalar
        )
        own = self.value.data, self.tree, self.output
        return folded(term, [own]) if named else term

    def _entry_of(self, name: Expr) -> Value:
        """Return the entry of what a name stands for, at the place of the statement's value."""
        letters = self.writer.letters
        place = place_of(name.shape, letters.output)
        return name.data, self.writer.entries.of(self.shares[name], *place), place

    @property
    def _by_name(self) -> dict[str, tuple[Expr, ...]]:
        """The fact that a derivative is written with the names of softmaxes."""
        return {"values": tuple(self.shares)} if self.renamed else {}

    def _summed(self, term: Scalar) -> Scalar:
        for index, dim in zip(reversed(self.output), reversed(self.value.shape.dims), strict=True):
            term = total(index, dim, term) if dim != 1 else term
        return term

    def _step(
        self, left: Math, right: Math, rule: str, part: str, sized: bool, **facts: Any
    ) -> Step:
        about = self.leaf.data[0]
        return Step(left, right, rule, self.theme, about, sized, part, tuple(facts.items()))

    def claim(self) -> Iterator[Step]:
        """Yield the theorem itself."""
        yield self._step(self.own, self.formula, "theorem", "theorem", False)

    # -- at the sizes ------------------------------------------------------------------------------

    def occurrence(self) -> tuple[str, ...]:
        """Return which entries of the value depend on x_ac: by which of its indices they agree."""
        (i, j), (a, c) = self.output, self.variable
        places = {
            f"{side}-{letter}": delta(k, of)
            for side, k in (("row", i), ("column", j)) for letter, of in (("a", a), ("c", c))
            if _length(k) == _length(of)  # a pair is no pair of pairs
        }  # fmt: skip
        found = tuple(
            word
            for word, d in places.items()
            if d.kind == "delta" and all(_has_factor(term, d) for term in self._terms)
        )
        parts = {word for k in (i, j, a, c) if isinstance(k, Pair) for word in index_words(k)}
        if parts and all(any(parts & {*d} for d in _deltas(term)) for term in self._terms):
            return (*found, "some")
        return found

    def depends(self, occurrence: tuple[str, ...]) -> Iterator[Step]:
        """Yield that a derivative is zero where an entry and the variable do not agree so: it is
        what it is times the deltas of those indices."""
        sides = {"row": self.output[0], "column": self.output[1]}
        pairs = (word.partition("-") for word in occurrence if word != "some")
        letters = dict(zip("ac", self.variable, strict=True))
        met = [delta(sides[side], letters[letter]) for side, _, letter in pairs]
        change = partial(self.y, self.x)
        if met:
            yield self._step(change, mul(*met, change), "depends", "depends", False)

    def acts(self) -> Scalar | None:
        """Return the entry of the value that depends on x_ac, where pairs say which it is."""
        if not any(isinstance(k, Pair) for k in (*self.output, *self.variable)):
            return None
        words = [(i, a) for i in index_words(*self.output) for a in index_words(*self.variable)]
        names: dict[Index, Index] = {
            i: a for i, a in words if all(_has_factor(t, delta(i, a)) for t in self._terms)
        }
        return rename(self.y, names) if names else None

    @cached_property
    def _terms(self) -> tuple[Scalar, ...]:
        return self.derivative.args if self.derivative.kind == "add" else (self.derivative,)

    def slice(self) -> Iterator[Step]:
        """Yield the matrix of the partial derivatives by the first entry, zeros and all."""
        if self.upstream is None or self.value.shape.is_scalar:
            return
        first = written_out(self.x, self._first(), {})
        tree = _at(self.derivative, self._first())
        grid = Grid(tree, self.writer.letters.output, self.value)
        yield self._step(Slice(self.value, first), grid, "differentiate", "one", True, **self.how)

    def one(self) -> Iterator[Step]:
        """Yield the chain rule for the first entry, and what survives of it."""
        first = self._first()
        left = written_out(self.own_entry, first, {})
        result = written_out(self.result, first, self.writer.sizes)
        x = written_out(self.x, first, {})
        here = {"cites": (("forward", self.theme),), **self.how, **self._by_name}
        if self.upstream is None:
            yield self._step(left, result, "differentiate", "one", True, **here)
            return
        g = entry(self.upstream.data, *self.output)
        chain = _sized(self._summed(mul(g, partial(self.y, x))), self.writer.sizes)
        yield self._step(left, chain, "chain-rule", "one", True)
        if self.value.shape.is_scalar:
            yield self._step(chain, result, "differentiate", "one", True, **here)
            return
        cites = (("slice", self.theme, self.leaf.data[0]),)
        yield self._step(chain, result, "survivors", "one", True, cites=cites)

    def every_entry(self) -> Iterator[Step]:
        """Yield the equations of all entries, as one equation between grids; none for one entry."""
        if self.leaf.shape.at(self.writer.sizes).dims == (1, 1):
            return
        yield self._step(
            self._grid(self.own_entry),
            self.written_result,
            "same-way", "entries", True,
        )  # fmt: skip

    def assembly(self) -> Iterator[Step]:
        """Yield the results assembled into one matrix, and its factors."""
        grid = self.written_result
        yield self._step(self.own, grid, "assemble", "assembly", True)
        if self.formula.is_var:
            yield self._step(grid, self.formula, "entries-of", "assembly", True)
            return
        explicit = Explicit(self.formula)
        yield self._step(grid, explicit, "factor", "assembly", True)
        yield self._step(explicit, self.formula, "name-factors", "assembly", True)

    @cached_property
    def written_result(self) -> Grid:
        """The gradient's entries, written out: one value, wherever it is shown."""
        return self._grid(self.result)

    @cached_property
    def own_entry(self) -> Scalar:
        """The entry of the gradient at the variable's place."""
        return entry(self.own.data, *self.variable)

    def _grid(self, tree: Scalar) -> Grid:
        return Grid(tree, self.writer.letters.variable, self.leaf)

    def _first(self) -> dict[Index, Index]:
        return {index: 0 for index in index_words(*self.variable)}  # noqa: C420 - an index is wider

    # -- for every shape ---------------------------------------------------------------------------

    def index_chain(self, defined: bool = True) -> Iterator[Step]:
        """Yield the proof for every shape; `defined` says whether it begins with the definition."""
        part, sized = "index", False
        own = self.own_entry
        dy = own if self.upstream is None else partial(self.y, self.x)
        if defined:
            yield self._step(self.y, self.tree, "definition", part, sized)
        facts = {**self.how, **self._by_name}
        yield self._step(dy, self.raw, "differentiate-delta", part, sized, **facts)
        if self.contracted != self.raw:
            yield self._step(
                self.raw, self.contracted, "contract", part, sized,
                indices=_contracted(self.raw, self.contracted),
            )  # fmt: skip
        if self.derivative != self.contracted:
            yield self._step(self.contracted, self.derivative,
                             "named" if self.named != self.contracted else "factored",
                             part, sized, values=(self.value,))  # fmt: skip
        last = self.derivative
        if self.upstream is not None:
            yield self._step(own, self.chained, "chain-rule", part, sized)
            if self.result != self.chained:
                yield self._step(
                    self.chained, self.result, "contract", part, sized,
                    indices=_contracted(self.chained, self.result),
                )  # fmt: skip
            last = self.result
        if self.formula.is_var:
            return
        inside = nodes(self.formula)
        values = [self.value] if self.value in inside else []
        values += [name for name, value in self.shares.items() if value in inside]
        yield self._step(
            last, EntryOf(self.formula, self.variable), "entry-of", part, sized,
            operators=tuple(dict.fromkeys(
                node.word for node in reversed(inside)
                if not node.is_var and node not in self.shares.values()
            )),
            **({"values": tuple(dict.fromkeys(values))} if values else {}),
        )  # fmt: skip


# -- helpers ---------------------------------------------------------------------------------------


def _at(term: Scalar, names: Mapping) -> Scalar:
    return rename(term, names)


def _sized(term: Scalar, sizes: Mapping[str, int]) -> Scalar:
    """Return a sum whose limits are numbers, its terms not written out."""
    if term.kind != "sum":
        return term
    index, dim = term.data
    return total(index, sizes.get(dim, dim), _sized(term.args[0], sizes))


def _length(index: Index) -> int:
    return len(index.parts) if isinstance(index, Pair) else 1


def _has_factor(term: Scalar, factor: Scalar) -> bool:
    if term.kind == "sum":
        return _has_factor(term.args[0], factor)
    return term == factor or (term.kind == "mul" and factor in term.args)


def _methods(expr: Expr, leaf: Expr) -> Iterator[str]:
    """Yield the rules of differentiation that a reader of an entry's derivative should think of."""
    for node in nodes(expr):
        inside = [leaf in nodes(arg) for arg in node.args]
        if (node.op is SOFTMAX and inside[0]) or (node.op is DIV and inside[1]):
            yield "quotient"
        elif node.op in (LOGSOFTMAX, LOGSUMEXP) and inside[0]:
            yield "logarithm"


def _contracted(before: Scalar, after: Scalar) -> tuple[tuple[str, str], ...]:
    """Return the summed indices that a contraction used up, each with the index it met."""
    gone = _bound(before) - _bound(after) | set(_used_up(before))
    found: dict[str, str] = {}
    for first, second in _deltas(before):
        for index, met in ((first, second), (second, first)):
            if index in gone and index not in found and met not in gone:
                found[index] = met
    return tuple(found.items())


def _bound(term: Scalar) -> set[str]:
    own = {term.data[0]} if term.kind == "sum" else set()
    return own.union(*(_bound(arg) for arg in term.args))


def _used_up(term: Scalar) -> Iterator[str]:
    """Yield the indices of sums in which every term has a delta for them."""
    if term.kind == "sum" and _meets(term.args[0], term.data[0]):
        yield term.data[0]
    for arg in term.args:
        yield from _used_up(arg)


def _meets(term: Scalar, index: str) -> bool:
    """Whether every term has a delta with an index for a factor."""
    match term.kind:
        case "delta":
            return index in term.data
        case "mul" | "sum":
            return any(_meets(arg, index) for arg in term.args)
        case "add":
            return all(_meets(arg, index) for arg in term.args)
    return False


def _deltas(term: Scalar) -> Iterator[tuple]:
    if term.kind == "delta":
        yield term.data
    for arg in term.args:
        yield from _deltas(arg)
