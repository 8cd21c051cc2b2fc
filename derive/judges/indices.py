"""Steps for every shape: both sides as normal forms over symbolic indices.

A gradient means the sum of the chain rule over derivatives of normal forms. What is proved here
holds for every shape; forms that differ prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derive.algebra.forms import Budget, Form
from derive.algebra.normal import Ring
from derive.calculus.index import Index, Place, Scalar, moves, named, place_of
from derive.expressions.expr import Expr, substitute
from derive.expressions.program import Statement
from derive.judges.judge import ANY, BY, NODE, Difference, Judge, any_place, contribution
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
            case EntryOf(expr, place):
                return self._read(expr, *place)
            case Expr():
                return self._read(math, *any_place(math))
        raise AssertionError(f"{type(math).__name__} is not mathematics of every shape")

    def _meaning(self, term: Scalar, names: Mapping[Index, Index]) -> Form | None:
        if term.kind == "partial":
            y, x = term.args
            (of, *at), (by, *own) = y.data, x.data
            place, wrt = (tuple(named(k, names) for k in found) for found in (at, own))
            return self._derivative(of, by, place, wrt)
        name, *place = term.data
        return self._entry(name, *(named(k, names) for k in place))

    def _entry(self, name: str, *place: Index) -> Form | None:
        if name in self.definitions:
            return self._read(self.definitions[name], *place)
        upstream = self._upstream()
        meant = self.derivation.names.get(name)
        if meant is None or (upstream is not None and name == upstream):
            return None
        if name not in self.known:
            self.known[name] = self._gradient(meant, upstream)
        return self.ring.rename(self.known[name], moves(BY, place))

    def _upstream(self) -> str | None:
        program = self.derivation.program
        if program.is_loss and self.statement.name == program.output.data[0]:
            return None
        return f"d{self.statement.name}"

    def _derivative(self, of: str, by: str, place: Place, wrt: Place) -> Form:
        """Return the derivative of an entry of a value by an entry of a variable."""
        key = f"partial {of} {by}"
        if key not in self.known:
            leaf, value = self.derivation.program.leaves[by], self.definitions[of]
            y = self._read(value, *any_place(value))
            self.known[key] = self.ring.derivative(y, leaf.data, *place_of(leaf.shape, BY))
        return self.ring.rename(self.known[key], moves((*ANY[: len(place)], *BY), (*place, *wrt)))

    def _gradient(self, meant: GradientName, upstream: str | None) -> Form:
        """Return the gradient by a variable, or by a node taken as a variable."""

        def weight(*place: Index) -> Form:
            return {(): 1} if upstream is None else self.ring.entry(upstream, *place)

        free = meant.of if meant.of.is_var else var(NODE, meant.of.shape)
        expr = substitute(self.statement.expr, {meant.of: free})
        found = contribution(self.ring, self._read, expr, free, weight)
        return found if free is meant.of else self.ring.unfold(
            found, lambda name, *place: self._read(meant.of, *place) if name == NODE else None
        )  # fmt: skip

    def _read(self, expr: Expr, *place: Index) -> Form:
        return self.ring.of(self.entries.of(expr, *place))
