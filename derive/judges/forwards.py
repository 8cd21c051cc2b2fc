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
from derive.readings.entries import Explicit, Partials, cells


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
        self.partials: dict[str, list[list[Partials]]] = {}

    def equal(self, left: Expr, right: Expr) -> bool:
        """Whether two expressions are equal, entry by entry, over the inputs and as assumed."""
        sides = zip(self.judging.matrix(left), self.judging.matrix(right), strict=True)
        return all(self._same_over_inputs(*pair) for rows in sides for pair in zip(*rows))

    def differs(self, step: Step) -> Difference | None:
        left, right = step.left, step.right
        assert isinstance(left, Expr) and isinstance(right, Expr)
        p, q = self.judging.matrix(left), self.judging.matrix(right)
        assumed = self.assumed and step.part in ("assuming", "composed", "claimed")
        for i, j in cells(len(p), len(p[0])):
            pair = p[i][j], q[i][j]
            if not (self._same(*pair) or (assumed and self._same_over_inputs(*pair))):
                certain = len(self.program.statements) == 1 and is_rational(self.ring, *pair)
                return entry_differs(i, j), certain
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
            rows = self.plain.matrix(statement.expr)

            def define(name, i, j, own=statement.name, rows=rows):
                return rows[i][j] if name == own else None

            p, q = self.ring.unfold(p, define), self.ring.unfold(q, define)
            yield p, q

    def _entry(self, name: str, i: int, j: int) -> Form | None:
        if name == f"d{self.program.output}":
            return {(): 1} if self.program.is_loss else None
        meant = self.names.get(name)
        if meant is None:
            return None
        source = meant.of.data[0]
        key = (source, meant.through, i, j)
        if key not in self.totals:
            self.totals[key] = self._total(source, meant.through, i, j)
        return self.totals[key]

    def _total(self, source: str, through: str | None, a: int, c: int) -> Form:
        """Return the derivative of the loss by one entry, carried through the statements."""
        ring = self.ring
        moved: dict[int, Form] = {ring.atom(("x", source, a, c)): {(): 1}}
        output = self.program.output.data[0]
        for statement in self.program.statements:
            if statement.name == source:
                moved = {ring.atom(("x", source, a, c)): {(): 1}}
                continue
            for (i, j), found in self._derivatives(statement):
                change: Form = {}
                for atom, slope in found.items():
                    direct = ring.atoms[atom][1] == source
                    if atom not in moved or (direct and through not in (None, statement.name)):
                        continue
                    for m, k in ring.mul(slope, moved[atom]).items():
                        accumulate(change, m, k)
                if change:
                    moved[ring.atom(("x", statement.name, i, j))] = change
        result: Form = {}
        for i, j in cells(*self.program.output.shape.extents(self.sizes)):
            slope = moved.get(ring.atom(("x", output, i, j)), {})
            weight: Form = {(): 1} if self.program.is_loss else ring.entry(f"d{output}", i, j)
            for m, k in ring.mul(weight, slope).items():
                accumulate(result, m, k)
        return result

    def _derivatives(self, statement: Statement) -> Iterator[tuple[tuple[int, int], Partials]]:
        if statement.name not in self.partials:
            rows = self.plain.matrix(statement.expr)
            self.partials[statement.name] = [[self.plain.partials(f) for f in row] for row in rows]
        found = self.partials[statement.name]
        for i, j in cells(len(found), len(found[0])):
            yield (i, j), found[i][j]


def under_assumptions(
    ring: Ring, program: Program, assumed: Mapping[str, frozenset[str]], form: Form
) -> Form:
    """Return a form that was made before anything was assumed.

    The last of a row is written by the others where they sum to one; of a row of symbolic length
    it is the last where it is the only one.
    """

    def entry(name: str, i: Any, j: Any) -> Form:
        if "row-stochastic" not in implied(assumed.get(name, ())):
            return ring.entry(name, i, j)
        cols: Any = program.leaves[name].shape.cols
        if ring.sizes is not None:
            cols = extent(cols, ring.sizes)
        if cols != 1 and (ring.sizes is None or j != cols - 1):
            return ring.entry(name, i, j)
        others = (ring.scale(-1, ring.entry(name, i, k)) for k in range(cols - 1))
        return reduce(ring.add, others, {(): 1})

    return ring.unfold(ring.unfold(form, entry), ring.entry)
