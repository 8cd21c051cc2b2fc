"""The whole program differentiated forwards at sizes, and what is assumed put in afterwards.

The derivative of the loss by one entry is carried through the statements as they are defined; no
step and no theorem is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from derive.algebra.forms import Budget, Form, accumulate
from derive.algebra.normal import Ring
from derive.expressions.expr import Expr
from derive.expressions.program import Program, Statement
from derive.expressions.shape import extent
from derive.judges.judge import Difference, Judge, Sizes, entry_differs, is_rational, sizes_of
from derive.language.assumptions import facts, implied
from derive.proof.derivation import GradientName, Step
from derive.proof.verdict import Road
from derive.readings.base import Table, places
from derive.readings.entries import Explicit


class ForwardJudge(Judge):
    """The whole program differentiated forwards at sizes, by entries; intermediates are atoms.

    `names` says what gradients stand for, `open_` behind which names something may be zero for
    every input.
    """

    road = Road.FORWARDS

    def __init__(
        self,
        program: Program,
        sizes: Sizes,
        names: Mapping[str, GradientName],
        assumed: Mapping[str, frozenset[str]],
        open_: frozenset[str],
        budget: Budget | None = None,
    ):
        self.program, self.sizes, self.names, self.assumed = program, sizes, names, assumed
        self.ring = Ring(sizes, budget=budget)
        self.ring.wait_for(open_)
        self.plain = Explicit(self.ring)
        self.judging = Explicit(self.ring, self._entry)
        self.at = sizes_of(program, sizes)
        self.totals: dict[tuple, Form] = {}
        self.partials: dict[str, Table] = {}

    def equal(self, left: Expr, right: Expr) -> bool:
        """Whether two expressions are equal, entry by entry, over the inputs and as assumed."""
        sides = (self.judging.matrix(side).flat() for side in (left, right))
        return all(self._same_over_inputs(*pair) for pair in zip(*sides, strict=True))

    def differs(self, step: Step) -> Difference | None:
        left, right = step.left, step.right
        assert isinstance(left, Expr) and isinstance(right, Expr)
        p, q = self.judging.matrix(left), self.judging.matrix(right)
        assumed = self.assumed and step.part in ("assuming", "composed", "claimed")
        for place, *pair in p.beside(q):
            if not (self._same(*pair) or (assumed and self._same_over_inputs(*pair))):
                certain = len(self.program.statements) == 1 and is_rational(self.ring, *pair)
                return entry_differs(*place), certain
        return None

    def _same(self, p: Form, q: Form) -> bool:
        """Compare with the intermediates as atoms; unfold them one by one where that fails.

        What is quickly seen is looked for at every stage before anything is multiplied out.
        """
        stages = []
        for pair in self._unfolded(p, q):
            if self.ring.plainly_equal(*pair):
                return True
            stages.append(pair)
        return any(self.ring.equal(*pair) for pair in stages)

    def _same_over_inputs(self, p: Form, q: Form) -> bool:
        """Compare with what is assumed of the inputs, now that the derivatives are taken."""
        sides = [*self._unfolded(p, q)][-1]
        self.ring.assume(facts(self.assumed))
        try:
            return self.ring.equal(
                *(under_assumptions(self.ring, self.program, self.assumed, side) for side in sides)
            )
        finally:
            self.ring.assume({})

    def _unfolded(self, p: Form, q: Form) -> Iterator[tuple[Form, Form]]:
        yield p, q
        for statement in reversed(self.program.statements):
            table = self.plain.matrix(statement.expr)

            def define(name, *place, own=statement.name, table=table):
                return table.at(place) if name == own else None

            p, q = self.ring.unfold(p, define), self.ring.unfold(q, define)
            yield p, q

    def _entry(self, name: str, *place: int) -> Form | None:
        if name == f"d{self.program.output}":
            return {(): 1} if self.program.is_loss else None
        meant = self.names.get(name)
        if meant is None:
            return None
        source = meant.of.data[0]
        key = (source, meant.through, place)
        if key not in self.totals:
            self.totals[key] = self._total(*key)
        return self.totals[key]

    def _total(self, source: str, through: str | None, place: tuple[int, ...]) -> Form:
        """Return the derivative of the loss by one entry, carried through the statements."""
        ring = self.ring
        moved: dict[int, Form] = {ring.atom(("x", source, *place)): {(): 1}}
        output = self.program.output.data[0]
        for statement in self.program.statements:
            if statement.name == source:
                moved = {ring.atom(("x", source, *place)): {(): 1}}
                continue
            for at, found in self._derivatives(statement).cells():
                change: Form = {}
                for atom, slope in found.items():
                    direct = ring.atoms[atom][1] == source
                    if atom not in moved or (direct and through not in (None, statement.name)):
                        continue
                    for m, k in ring.mul(slope, moved[atom]).items():
                        accumulate(change, m, k)
                if change:
                    moved[ring.atom(("x", statement.name, *at))] = change
        result: Form = {}
        for at in places(self.program.output.shape.extents(self.sizes)):
            slope = moved.get(ring.atom(("x", output, *at)), {})
            weight: Form = {(): 1} if self.program.is_loss else ring.entry(f"d{output}", *at)
            for m, k in ring.mul(weight, slope).items():
                accumulate(result, m, k)
        return result

    def _derivatives(self, statement: Statement) -> Table:
        """Return the partial derivatives of every entry of a statement's value."""
        if statement.name not in self.partials:
            found = self.plain.matrix(statement.expr).map(self.plain.partials)
            self.partials[statement.name] = found
        return self.partials[statement.name]


def under_assumptions(
    ring: Ring, program: Program, assumed: Mapping[str, frozenset[str]], form: Form
) -> Form:
    """Return a form that was made before anything was assumed.

    The last of a row is written by the others where they sum to one; of a row of symbolic length
    it is the last where it is the only one.
    """

    def entry(name: str, *place: Any) -> Form:
        if "row-stochastic" not in implied(assumed.get(name, ())):
            return ring.entry(name, *place)
        *row, j = place
        cols: Any = program.leaves[name].shape.cols
        if ring.sizes is not None:
            cols = extent(cols, ring.sizes)
        if cols != 1 and (ring.sizes is None or j != cols - 1):
            return ring.entry(name, *place)
        others = (ring.scale(-1, ring.entry(name, *row, k)) for k in range(cols - 1))
        return reduce(ring.add, others, {(): 1})

    return ring.unfold(ring.unfold(form, entry), ring.entry)
