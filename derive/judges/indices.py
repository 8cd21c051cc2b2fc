"""Steps for every shape: both sides as normal forms over symbolic indices.

A gradient means the sum of the chain rule over derivatives of normal forms. What is proved here
holds for every shape; forms that differ prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derive.algebra.forms import Budget, Form
from derive.algebra.normal import Ring
from derive.calculus.index import Index, Scalar, along, named, renaming
from derive.expressions.expr import Expr, substitute
from derive.expressions.program import Statement
from derive.judges.judge import NODE, Difference, Judge, any_place, contribution
from derive.notation.messages import say
from derive.ops import var
from derive.proof.derivation import Derivation, EntryOf, GradientName, Math, Step
from derive.proof.sizes import suppose
from derive.proof.verdict import EVERY_SHAPE, Road
from derive.readings.terms import Entries


class IndexJudge(Judge):
    """Normal forms over symbolic indices: what it proves holds for every shape.

    The statement's own name is unfolded, and those of `others`; all other names are atoms.
    """

    road = Road.FORMS
    at = EVERY_SHAPE

    def __init__(
        self,
        derivation: Derivation,
        statement: Statement,
        budget: Budget | None = None,
        *,
        others: Iterable[Statement] = (),
    ):
        self.derivation = derivation
        self.statement = statement
        self.definitions = {s.name: s.expr for s in (*others, statement)}
        self.ring = Ring(meaning=self._meaning, budget=budget)
        self.ring.wait_for(frozenset({NODE}))
        suppose(self.ring, derivation.relations)
        self.entries = Entries(derivation.letters.bound)
        self.known: dict[str, Form] = {}

    def differs(self, step: Step) -> Difference | None:
        same = self.ring.equal(self._form(step.left), self._form(step.right))
        return None if same else (say("step.forms-differ"), False)

    def _form(self, math: Math) -> Form:
        match math:
            case Scalar():
                return self.ring.of(math)
            case EntryOf(expr, i, j):
                return self._read(expr, i, j)
            case Expr():
                return self._read(math, *any_place(math))
        raise AssertionError(f"{type(math).__name__} is not mathematics of every shape")

    def _meaning(self, term: Scalar, names: Mapping[Index, Index]) -> Form | None:
        if term.kind == "partial":
            y, x = term.args
            i, j, a, c = (named(k, names) for k in (*y.data[1:], *x.data[1:]))
            return self._derivative(y.data[0], x.data[0], i, j, a, c)
        name, i, j = term.data
        return self._entry(name, named(i, names), named(j, names))

    def _entry(self, name: str, i: Index, j: Index) -> Form | None:
        if name in self.definitions:
            return self._read(self.definitions[name], i, j)
        upstream = self._upstream()
        meant = self.derivation.names.get(name)
        if meant is None or (upstream is not None and name == upstream):
            return None
        if name not in self.known:
            self.known[name] = self._gradient(meant, upstream)
        return self.ring.rename(self.known[name], {**renaming("@a", i), **renaming("@c", j)})

    def _upstream(self) -> str | None:
        program = self.derivation.program
        if program.is_loss and self.statement.name == program.output.data[0]:
            return None
        return f"d{self.statement.name}"

    def _derivative(self, of: str, name: str, i: Index, j: Index, a: Index, c: Index) -> Form:
        key = f"partial {of} {name}"
        if key not in self.known:
            leaf = self.derivation.program.leaves[name]
            rows, cols = self.definitions[of].shape.dims
            i_, j_ = along("@i", rows) if rows != 1 else 0, along("@j", cols) if cols != 1 else 0
            y = self._read(self.definitions[of], i_, j_)
            place = along("@a", leaf.shape.rows), along("@c", leaf.shape.cols)
            self.known[key] = self.ring.derivative(y, leaf.data, *place)
        pairs = zip(("@i", "@j", "@a", "@c"), (i, j, a, c), strict=True)
        names = {old: new for word, index in pairs for old, new in renaming(word, index).items()}
        return self.ring.rename(self.known[key], names)

    def _gradient(self, meant: GradientName, upstream: str | None) -> Form:
        """Return the gradient by a variable, or by a node taken as a variable."""

        def weight(i: Index, j: Index) -> Form:
            return {(): 1} if upstream is None else self.ring.entry(upstream, i, j)

        free = meant.of if meant.of.is_var else var(NODE, meant.of.shape)
        expr = substitute(self.statement.expr, {meant.of: free})
        found = contribution(self.ring, self._read, expr, free, weight)
        return found if free is meant.of else self.ring.unfold(
            found, lambda name, k, p: self._read(meant.of, k, p) if name == NODE else None
        )  # fmt: skip

    def _read(self, expr: Expr, i: Index, j: Index) -> Form:
        return self.ring.of(self.entries.of(expr, i, j))
