"""Gradients by their definition, as normal forms, and whether a claim is one of them.

What enters are a program and formulas over its names and gradients, what leaves is whether two of
them have one normal form. The gradient is the chain rule over derivatives of normal forms; no rule
is read. The law: what is proved here holds for every shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from functools import cached_property, partial
from math import prod

from derive.algebra.forms import MOST_STEPS, PART, Budget, Form, TooLarge, Undefined
from derive.algebra.normal import Ring
from derive.calculus.index import Index, Place, moves, place_of
from derive.expressions.errors import DeriveError
from derive.expressions.expr import Expr, nodes, number, rebuild, substitute, unrepeated, variables
from derive.expressions.limits import during
from derive.expressions.program import Statement
from derive.judges.congruence import Congruence
from derive.judges.formulas import Formulas
from derive.judges.forwards import ForwardJudge, under_assumptions
from derive.judges.judge import BY, contribution
from derive.judges.refutation import Assumed, Points, Sizes
from derive.language.assumptions import facts
from derive.ops import EQUAL, ZEROS
from derive.ops.elementwise import SHARED
from derive.proof.derivation import GradientName
from derive.proof.hypotheses import has_kink
from derive.proof.sizes import asked, suppose
from derive.readings.forms import Forms

#: A gradient with more entries than this is not written out.
MOST_ENTRIES = 100
#: What an entry of a name, at a place, stands for, `None` for another name's.
Define = Callable[..., Form | None]


class Proofs:
    """Questions about the gradients of a program, under what is assumed of its inputs.

    `open_behind` says of a claim which names stand before something that is zero for every input,
    `nonzero` are formulas of which it is a hypothesis that no entry is 0.
    """

    def __init__(
        self,
        formulas: Formulas,
        assumed: Assumed,
        points: Points,
        open_behind: Callable[[str, Expr], frozenset[str]],
        nonzero: frozenset[Expr] = frozenset(),
    ):
        self.nonzero = nonzero
        self.formulas, self.assumed, self.points = formulas, assumed, points
        self.program, self.open_behind = formulas.program, open_behind
        self.ring = Ring()
        self.reading = Forms(self.ring, self._meaning)
        #: Gradients by what is kept open, what is not 0, and their names.
        self.known: dict[tuple[frozenset[str], frozenset[Expr], str], Form] = {}
        suppose(self.ring, asked(self.program))

    def under(
        self,
        assumed: Assumed,
        points: Points,
        open_behind: Callable[[str, Expr], frozenset[str]],
        nonzero: frozenset[Expr],
    ) -> Proofs:
        """Return the same questions under other assumptions; what both need is worked out once."""
        found = copy(self)
        found.assumed, found.points = assumed, points
        found.open_behind, found.nonzero = open_behind, nonzero
        if nonzero != self.nonzero:
            found.__dict__.pop("_theorems", None)
        return found

    def proves(self, name: str, expr: Expr, steps: int = MOST_STEPS) -> bool:
        """Whether the normal forms of a claim and of the gradient agree."""
        return any(self.comparisons(name, expr, steps))

    @during("comparing")
    def comparisons(self, name: str, expr: Expr, steps: int = MOST_STEPS) -> Iterator[bool]:
        """Yield whether the normal forms of a claim and of the gradient agree.

        The gradients and intermediates that they name are atoms first; they are unfolded one by one
        where that does not decide, from the name on towards the output.
        """
        place = self._begin(expr, name, steps)
        exposed, ring = self._exposed(expr), self.ring
        claimed, truth = self._read(exposed, *place), self.gradient(name, *place)
        if self._has_gated_gradient(exposed):  # it may vanish on a region, and is no atom there
            for define in self._gradients_unfolded():
                claimed, truth = ring.unfold(claimed, define), ring.unfold(truth, define)
        theorems = self._theorems if self.program.statements[1:] else {}

        def by_theorems() -> bool:
            definitions = {self.program.leaves[s.name]: s.expr for s in self.program.statements}
            congruence = Congruence(
                theorems.get, self._same, self._differ_at_a_point(name), definitions.get
            )
            return congruence.holds(self.formulas.gradients[f"d{name}"], expr)

        yield from self._agreements(claimed, truth, by_theorems if theorems else None)

    def equalities(self, one: Expr, other: Expr) -> Iterator[bool]:
        """Yield whether the normal forms of two expressions agree, in the same way."""
        place = self._begin(other)
        left, right = (self.reading.of(self._exposed(side), *place) for side in (one, other))
        yield from self._agreements(left, right)

    def constant(self, expr: Expr) -> Form | None:
        """Return the form of an expression of which nothing is assumed, `None` if it has none."""
        self._assume({})
        try:
            return self.reading.of(expr, *_place(expr))
        except (TooLarge, Undefined, DeriveError):
            return None

    def _begin(self, expr: Expr, name: str = "", steps: int = MOST_STEPS) -> Place:
        """Return indices of an expression's entry, for a question that has a budget of its own."""
        self.ring.budget = Budget(steps)
        self._assume({})
        waiting = self.open_behind(name, expr)
        if waiting != self.ring.waiting:  # kept open until what is assumed may make it zero
            self.ring.wait_for(waiting)
            self.reading.forget()
        return _place(expr)

    def _assume(self, words: Assumed) -> None:
        known = facts(words)
        if known != self.ring.assumed:
            self.ring.assume(known)
            self.reading.forget()

    def _agreements(
        self, claimed: Form, truth: Form, otherwise: Callable[[], bool] | None = None
    ) -> Iterator[bool]:
        ring = self.ring
        yield ring.equal(claimed, truth)
        if self.assumed:  # derivatives are taken before
            for name in self.formulas.names:
                self.gradient(name)
            self._assume(self.assumed)
            claimed, truth = (self._under_assumptions(form) for form in (claimed, truth))
            yield ring.equal(claimed, truth)
        if otherwise is not None:
            yield otherwise()
        for define in (*self._gradients_unfolded(), *self._statements_unfolded()):
            before = claimed, truth
            claimed, truth = ring.unfold(claimed, define), ring.unfold(truth, define)
            if (claimed, truth) != before:
                yield ring.equal(claimed, truth)

    def _under_assumptions(self, form: Form) -> Form:
        """Return a form that was made before anything was assumed."""
        return under_assumptions(self.ring, self.program, self.assumed, form)

    # -- what names stand for ----------------------------------------------------------------------

    def gradient(self, name: str, *place: Index) -> Form:
        """Return an entry of the gradient as a form, that at the words of `BY` where no place is
        given: the chain rule, over every use of the name.

        The gradients of the statements that use it are atoms.
        """
        key = (self.ring.waiting, self.nonzero, name)
        if key not in self.known:
            total: Form = {}
            for statement in self.program.users(name):
                if f"d{statement.name}" in self.formulas.gradients:
                    total = self.ring.add(total, self._part(statement, name))
            self.known[key] = total
        names = {old: new for old, new in moves(BY, place).items() if old != new}
        return self.ring.rename(self.known[key], names) if names else self.known[key]

    def _part(self, statement: Statement, name: str) -> Form:
        def upstream(*place: Index) -> Form:
            own = f"d{statement.name}"
            return self._meaning(own, *place) or self.ring.entry(own, *place)

        leaf = self.program.leaves[name]
        return contribution(self.ring, self._read, statement.expr, leaf, upstream)

    def _read(self, expr: Expr, *place: Index) -> Form:
        """Return an entry of an expression, no entry of `nonzero` being 0."""
        if self.nonzero:
            marks = [node for node in nodes(expr) if node.op is EQUAL]
            sides = {mark: {*map(unrepeated, mark.args)} for mark in marks}
            zero = [m for m in marks if number(0) in sides[m] and self.nonzero & sides[m]]
            expr = substitute(expr, {mark: ZEROS(data=mark.shape) for mark in zero})
        return self.reading.of(expr, *place)

    def _meaning(self, name: str, *place: Index) -> Form | None:
        """Return the gradient of a loss with respect to itself."""
        return {(): 1} if self.program.is_loss and name == f"d{self.program.output}" else None

    def _gradients_unfolded(self) -> Iterator[Define]:
        """Yield what each gradient is by the gradients of the statements that use its name."""
        for name in self.formulas.names:

            def define(leaf: str, *place: Index, own: str = name) -> Form | None:
                if leaf != f"d{own}":
                    return None
                form = self.gradient(own, *place)
                return self._under_assumptions(form) if self.ring.assumed else form

            yield define

    def _statements_unfolded(self) -> Iterator[Define]:
        """Yield what each intermediate is by the names that its statement uses."""
        yield from map(self._unfolding, reversed(self.program.statements))

    def _unfolding(self, statement: Statement) -> Define:
        def define(leaf: str, *place: Index) -> Form | None:
            return self._read(statement.expr, *place) if leaf == statement.name else None

        return define

    # -- theorem by theorem ------------------------------------------------------------------------

    @cached_property
    def _theorems(self) -> dict[Expr, Expr]:
        """Return what each gradient is by the gradients of the statements that use its name, as far
        as the formula is proved of its definition."""
        found = {}
        for name in self.formulas.names:
            leaf, local = self.formulas.gradients[f"d{name}"], self.formulas.local(name)
            claimed, truth = self.reading.of(local, *_place(leaf)), self.gradient(name)
            for statement in self.program.users(name):
                define = self._unfolding(statement)
                claimed, truth = (self.ring.unfold(form, define) for form in (claimed, truth))
            if self.ring.budget.within(PART, partial(self.ring.equal, claimed, truth)):
                found[leaf] = local
        return found

    def _differ_at_a_point(self, name: str) -> Callable[[Expr, Expr], bool]:
        """Return whether two expressions are different numbers at a point, as far as is seen."""
        screens = self.points.screens(name)[:1]
        for screen in screens:
            for other in self.formulas.outermost:
                screen.define(f"d{other}", self.formulas.local(other))
        return lambda p, q: any(screen.differ(p, q) for screen in screens)

    def _same(self, p: Expr, q: Expr) -> bool:
        """Whether two expressions have the same normal form, what they name being atoms."""
        p, q = self._exposed(p), self._exposed(q)
        if self._has_gated_gradient(p) or self._has_gated_gradient(q):
            return False
        forms = (self.reading.of(side, *_place(p)) for side in (p, q))
        return self.ring.budget.within(PART, lambda: self.ring.equal(*forms))

    # -- kinks -------------------------------------------------------------------------------------

    def _has_gated_gradient(self, expr: Expr) -> bool:
        """Whether a kink of an expression sees the gradient of an intermediate."""
        own = self.formulas.gradients.keys() - {f"d{self.program.output}"}
        return any(has_kink(node) and own & names_in(node) for node in nodes(expr))

    def _exposed(self, expr: Expr) -> Expr:
        """Return an expression in which a kink sees what its argument is made of.

        An intermediate such as H = relu(Z) is 0 on a whole region, and M = max(Z) is an entry of Z:
        in a mask or a sign it must not stand as an atom that is taken to differ from 0.
        """
        done: dict[Expr, Expr] = {}
        for node in nodes(expr):
            args = tuple(done[arg] for arg in node.args)
            if has_kink(node):
                args = tuple(self._ungated(arg) for arg in args)
            done[node] = rebuild(node, args)
        return done[expr]

    def _ungated(self, expr: Expr) -> Expr:
        """Return an expression without the intermediates that may vanish on a region."""
        for statement in reversed(self.program.statements):
            if any(has_kink(node) or node.op.kink == SHARED for node in nodes(statement.expr)):
                expr = substitute(expr, {self.program.leaves[statement.name]: statement.expr})
        return expr


def equal_at(formulas: Formulas, assumed: Assumed, name: str, expr: Expr, sizes: Sizes) -> bool:
    """Whether a claim and the gradient, written out at sizes, are equal entry by entry."""
    program = formulas.program
    names = {f"d{n}": GradientName(program.leaves[n]) for n in formulas.names}
    open_ = frozenset(assumed) | {s.name for s in program.statements}
    if prod(expr.shape.extents(sizes)) > MOST_ENTRIES:
        return False
    try:
        judge = ForwardJudge(program, sizes, names, assumed, open_)
        return judge.equal(formulas.gradients[f"d{name}"], program.composed(expr))
    except (TooLarge, Undefined, DeriveError):
        return False


def names_in(expr: Expr) -> set[str]:
    """Return the names that an expression uses."""
    return {leaf.data[0] for leaf in variables(expr)}


def _place(expr: Expr) -> Place:
    return place_of(expr.shape, BY)
