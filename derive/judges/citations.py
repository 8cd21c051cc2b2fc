"""Steps by the equations that they cite: those put in, and normal forms of what is left.

What is not cited is an atom, so a step that cites too little is not proved, nor is one that cites
an equation without use for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.algebra.forms import PART, Budget
from derive.algebra.normal import Ring
from derive.expressions.errors import ShapeError
from derive.expressions.expr import Expr, substitute, variables
from derive.expressions.program import Program, Statement
from derive.judges.congruence import Congruence
from derive.judges.judge import Difference, Judge, any_place
from derive.language.assumptions import facts
from derive.notation.messages import say
from derive.ops import var
from derive.proof.derivation import Derivation, Place, Step
from derive.proof.kinds import PutIn, unordered
from derive.proof.sizes import suppose
from derive.proof.verdict import EVERY_SHAPE, Road
from derive.readings.terms import Entries


class AlgebraJudge(Judge):
    """The equations that a step cites, put into its left side, and normal forms of what is left.

    What is not cited is an atom, so a step that cites too little is not proved; neither is one that
    cites an equation without use for it. A gradient that adds up stands for its parts.
    """

    road = Road.FORMS
    at = EVERY_SHAPE

    def __init__(self, derivation: Derivation, budget: Budget | None = None):
        self.derivation = derivation
        self.ring = Ring(budget=budget)
        suppose(self.ring, derivation.relations)
        self.entries = Entries(derivation.letters.bound)
        self.equations = dict(derivation.equations())

    def differs(self, step: Step) -> Difference | None:
        left, right = step.left, step.right
        assert isinstance(left, Expr) and isinstance(right, Expr)
        if step.rule == "introduced":
            return self.clash(left, right)
        if step.rule == "abbreviated":
            return self.put_back(step, left, right)
        if step.rule == "by-lemma":
            return self.cited(step)
        said = [self.says(place) for place in step.cites]
        if step.rule == "gradients-add":
            said.append({left: self.parts(left)})
        if step.rule == "claimed":  # of two formulas, and one name after the other
            for known in said:
                if not known.keys() & {*variables(left), *variables(right)}:
                    return say("step.unused", names=str(next(iter(known)))), False
                left, right = (substitute(side, known) for side in (left, right))
        else:
            used = variables(left)
            unused = [str(next(iter(known))) for known in said if not known.keys() & {*used}]
            if unused:
                return say("step.unused", names=", ".join(unused)), False
            left = substitute(left, {name: value for one in said for name, value in one.items()})
        assuming = step.rule in ("assumed", "claimed")
        self.ring.assume(facts(self.derivation.assumed) if assuming else {})
        try:
            proved = any(self._same(*sides) for sides in self.unfolded(step, left, right))
        finally:
            self.ring.assume({})
        key = "step.forms-differ-as-assumed" if assuming else "step.forms-differ"
        return None if proved else (say(key), False)

    def clash(self, name: Expr, value: Expr) -> Difference | None:
        """Return why a name cannot stand for a value: what it is would not be sure."""
        d, new = self.derivation, list(self.derivation.introduced)
        word = name.data[0]
        if word in {*d.program.leaves, *d.program.dims, *d.names} or new.count(word) != 1:
            return say("step.has-meaning", name=word), False
        known = {*d.program.leaves, *d.names, f"d{d.program.output}", *new[: new.index(word)]}
        unknown = [str(leaf) for leaf in variables(value) if leaf.data[0] not in known]
        return (say("step.no-meaning", names=", ".join(unknown)), False) if unknown else None

    def put_back(self, step: Step, left: Expr, right: Expr) -> Difference | None:
        """Return how two formulas differ when cited names stand for what they mean in both."""
        for place in step.cites:
            known = self.says(place)
            if not known.keys() & {*variables(right)}:
                return say("step.unused", names=next(iter(known))), False
            left, right = (substitute(side, known) for side in (left, right))
        return None if self._same(left, right) else (say("step.forms-differ"), False)

    def unfolded(self, step: Step, left: Expr, right: Expr) -> Iterator[tuple[Expr, Expr]]:
        """Yield the sides of a claim, the names that it says are put in as they are and then so."""
        yield left, right
        program = self.derivation.program
        for name in dict(step.facts).get("put_in", ()):
            own = {program.leaves[s.name]: s.expr for s in program.statements if s.name == name}
            left, right = substitute(left, own), substitute(right, own)
            yield left, right

    def cited(self, step: Step) -> Difference | None:
        """Hold a theorem about a statement against a lemma with its names put in: the lemma must
        be about that statement, and say of that variable what the step says."""
        program, names = self.derivation.program, self.derivation.names
        put_in: PutIn = dict(step.facts)["names"]
        ((_, key, _),) = step.cites
        lemma = next(x for x in self.derivation.lemmas if x.key == key)
        about, statement = lemma.statement, program.defining(step.theme)
        if about is None or statement is None:
            return say("step.lemma-of-none"), False
        own, value = lemma.derivation.program, program.leaves[step.theme]
        is_loss = program.is_loss and statement is program.statements[-1]
        if own.is_loss != is_loss or not _is_put_in(put_in, own, about, statement, value):
            return say("step.lemma-of-another"), False
        claim = next((s for s in lemma.claim
                      if put_in.names[s.about].data[0] == step.about), None)  # fmt: skip
        if claim is None:
            return say("step.lemma-of-others"), False
        left, right = step.left, step.right
        assert isinstance(left, Expr) and isinstance(right, Expr) and isinstance(claim.right, Expr)
        meant = names[left.data[0]] if left.is_var else None
        users = len([s for s in program.users(step.about) if s.name in program.reaching()])
        if meant is None or meant.of is not program.leaves[step.about] or (
            meant.through != step.theme if users > 1 else meant.through
        ):  # fmt: skip
            return say("step.other-gradient"), False
        upstream = var(f"d{about.name}", value.shape)
        said = substitute(put_in.of(claim.right), {upstream: var(f"d{step.theme}", value.shape)})
        return None if self._same(said, right) else (say("step.lemma-says-other"), False)

    def says(self, place: Place) -> dict[Expr, Expr]:
        """Return what an equation says of whole gradients: the left side of each, the right."""
        chain = self.equations[place]
        if place[0] in ("back", "lemma"):
            ends = [(step, step) for step in chain]
        elif place[0] == "index":  # it is proved there by entries, and claimed of the matrix
            claim = next(
                p.claim for p in self.derivation.locals if p.index and p.index[0] is chain[0]
            )
            ends = [(claim[0], claim[-1])]
        else:
            ends = [(chain[0], chain[-1])]
        found: dict[Expr, Expr] = {}
        for first, last in ends:
            assert isinstance(first.left, Expr) and isinstance(last.right, Expr)
            found[first.left] = last.right
        return found

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


def _is_put_in(
    put_in: PutIn, own: Program, about: Statement, statement: Statement, value: Expr
) -> bool:
    """Whether a statement is another with names put in, a name of its own for each."""
    names = own.leaves.keys() - {s.name for s in own.besides}
    if not put_in.names.keys() >= names:
        return False
    leaves = [put_in.names[name] for name in names]
    try:
        found = put_in.of(about.expr)
    except ShapeError:
        return False
    alone = len({*leaves}) == len(leaves)
    same = unordered(found) == unordered(statement.expr)
    return alone and put_in.names[about.name] is value and same
