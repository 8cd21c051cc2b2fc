"""Steps by the equations that they cite: those put in, and normal forms of what is left.

What is not cited is an atom, so a step that cites too little is not proved, nor is one that cites
an equation without use for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.algebra.forms import PART, Budget
from derive.algebra.normal import Ring
from derive.expressions.expr import Expr, substitute, variables
from derive.judges.congruence import Congruence
from derive.judges.judge import Difference, Judge, any_place
from derive.language.assumptions import facts
from derive.ops import var
from derive.proof.derivation import Derivation, Place, Step
from derive.proof.sizes import suppose
from derive.readings.terms import Entries


class AlgebraJudge(Judge):
    """The equations that a step cites, put into its left side, and normal forms of what is left.

    What is not cited is an atom, so a step that cites too little is not proved; neither is one that
    cites an equation without use for it. A gradient that adds up stands for its parts.
    """

    method = "index normal form"
    at = None

    def __init__(self, derivation: Derivation, budget: Budget | None = None):
        self.derivation = derivation
        self.ring = Ring(budget=budget)
        suppose(self.ring, derivation.relations)
        self.entries = Entries(derivation.letters.bound)
        self.equations = dict(derivation.equations())

    def differs(self, step: Step) -> Difference | None:
        left, right = step.left, step.right
        assert isinstance(left, Expr) and isinstance(right, Expr)
        known = dict(self.says(place) for place in step.cites)
        if step.rule == "gradients-add":
            known[left] = self.parts(left)
        used = variables(left) + (variables(right) if step.rule == "claimed" else [])
        unused = [str(name) for name in known if name not in used]
        if unused:
            return f"what is cited of {', '.join(unused)} is not used", False
        left = substitute(left, known)
        if step.rule not in ("assumed", "claimed"):
            return None if self._same(left, right) else ("the normal forms differ", False)
        self.ring.assume(facts(self.derivation.assumed))
        try:
            proved = self._same(left, right) if step.rule == "assumed" else any(
                self._same(*sides) for sides in self.unfolded(step, left, substitute(right, known))
            )  # fmt: skip
        finally:
            self.ring.assume({})
        return None if proved else ("the normal forms differ, under the assumptions", False)

    def unfolded(self, step: Step, left: Expr, right: Expr) -> Iterator[tuple[Expr, Expr]]:
        """Yield the sides of a claim, the names that it says are put in as they are and then so."""
        yield left, right
        program = self.derivation.program
        for name in dict(step.facts)["put_in"]:
            own = {program.leaves[s.name]: s.expr for s in program.statements if s.name == name}
            left, right = substitute(left, own), substitute(right, own)
            yield left, right

    def says(self, place: Place) -> tuple[Expr, Expr]:
        """Return the two sides of an equation about a whole gradient."""
        chain = self.equations[place]
        if place[0] == "index":  # it is proved there by entries, and claimed of the matrix
            chain = next(p.claim for p in self.derivation.locals if p.index[0] is chain[0])
        left, right = chain[0].left, chain[-1].right
        assert isinstance(left, Expr) and isinstance(right, Expr)
        return left, right

    def parts(self, gradient: Expr) -> Expr:
        """Return the sum of a gradient's parts, one for each statement that uses its variable."""
        names, program = self.derivation.names, self.derivation.program
        of, reaching = names[gradient.data[0]].of, program.reaching()
        through = {meant.through: name for name, meant in names.items() if meant.of is of}
        first, *rest = (
            var(through[s.name], of.shape)
            for s in program.users(of.data[0]) if s.name in reaching
        )  # fmt: skip
        return sum(rest, first)

    def _same(self, p: Expr, q: Expr) -> bool:
        return Congruence(lambda node: None, self._equal).holds(p, q)

    def _equal(self, p: Expr, q: Expr) -> bool:
        forms = (self.ring.of(self.entries.of(side, *any_place(side))) for side in (p, q))
        return self.ring.budget.within(PART, lambda: self.ring.equal(*forms))
