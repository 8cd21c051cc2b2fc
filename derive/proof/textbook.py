"""Textbook form, settled by the algebra: what is proposed stands where both sides are seen equal.

What enters is a gradient, what leaves is one that is no longer and equal to it, and the steps. The
search proposes; normal forms decide, step by step, within a budget, and where they do not the
longer formula stands. What is assumed of the inputs is used in a step of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from derive.algebra.forms import Budget
from derive.algebra.normal import Ring
from derive.calculus.index import place_of
from derive.calculus.products import as_written
from derive.calculus.reverse import Form
from derive.calculus.rules import RULES, Rule
from derive.calculus.simplify import Rewrite, simplify
from derive.calculus.textbook import Textbook, textbook
from derive.expressions.expr import Expr, substitute, variables
from derive.expressions.program import Program
from derive.language.assumptions import facts, implied
from derive.proof.assuming import LAWS, Because, Law
from derive.proof.sizes import Relation, suppose
from derive.readings.terms import Entries

#: A question to the algebra may take so many steps.
QUESTION = 60_000
#: All of them together take so many.
EFFORT = 1_500_000


class Turn(NamedTuple):
    """One step: its rule, both sides, the names whose definitions it uses, what it assumes."""

    rule: str
    before: Expr
    after: Expr
    put_in: tuple[str, ...] = ()
    because: tuple[Because, ...] = ()


class Settled:
    """The textbook forms of the gradients of one program."""

    def __init__(
        self,
        program: Program,
        relations: Iterable[Relation] = (),
        assume: Mapping[str, frozenset[str]] | None = None,
    ):
        self.program = program
        self.assume = dict(assume or {})
        self.relations = tuple(relations)
        self.definitions = {
            program.leaves[s.name]: s.expr
            for s in program.statements
            if s.name not in program.parts
        }
        self.words = {name: implied(given) for name, given in self.assume.items()}
        #: What would be of use of that, in the search that does not know of it.
        self.noticed: set[Because] = set()
        self.search = self._search(self.words, self.noticed, obeyed=False)
        self.values = {program.leaves[s.name]: s.expr for s in program.statements}
        self.budget = Budget(EFFORT)
        self._ring: Ring | None = None
        self._known: dict[Expr, tuple[Expr, list[Turn]]] = {}
        self._searches: dict[frozenset, tuple[Textbook, set[Because]]] = {}

    # -- the forms ---------------------------------------------------------------------------------

    @property
    def assuming(self) -> bool:
        """Whether anything is assumed of the inputs."""
        return bool(self.assume)

    def local(self, name: Expr, value: Expr) -> Form:
        """Return the textbook form of gradients through a statement that is called by a name."""
        own = {} if name is value else {name: value}
        search = Textbook(definitions=own)

        def form(raw: Expr) -> tuple[Expr, tuple[Rewrite, ...]]:
            short, rewrites = simplify(raw)
            turns = self._shortened(short, search, tuple(own))
            found = self._as_written(turns[-1].after if turns else short, turns)
            return found, (
                *rewrites,
                *(Rewrite(turn.rule, turn.before, turn.after) for turn in turns),
            )

        return form

    def of(self, expr: Expr) -> tuple[Expr, list[Turn]]:
        """Return the textbook form of a gradient, and the steps to it."""
        if expr not in self._known:
            self._known[expr] = self._of(expr)
        return self._known[expr]

    def _of(self, expr: Expr) -> tuple[Expr, list[Turn]]:
        value, rewrites = simplify(expr)
        turns = [Turn(r.rule, r.before, r.after) for r in rewrites]
        turns += self._shortened(value, self.search, tuple(self.definitions))
        value = turns[-1].after if turns else expr
        if self.assume:
            value = self._assumed(value, turns)
        return self._as_written(value, turns), turns

    def _as_written(self, value: Expr, turns: list[Turn]) -> Expr:
        """Return a formula with the user's own factors, which the last of its steps leaves."""
        found = as_written(value, self.program.numerals)
        if found is not value:
            last = turns.pop() if turns else Turn("scalar-factors", value, value)
            turns.append(last._replace(after=found))
        return found

    def _shortened(self, value: Expr, search: Textbook, names: tuple[Expr, ...]) -> list[Turn]:
        """Return the steps to the shortest form, each of them seen to hold, as far as they go."""
        search.renew()
        turns: list[Turn] = []
        start = value
        for rewrite in textbook(value, search)[1]:
            put_in = self._put_in(start, rewrite.after, names)
            if put_in is not None:
                rule = (
                    "named" if put_in else "collected" if rewrite.rule == "named" else rewrite.rule
                )
                turns.append(Turn(rule, start, rewrite.after, put_in))
                start = rewrite.after
        return turns

    def _assumed(self, value: Expr, turns: list[Turn]) -> Expr:
        if not self.noticed:
            return value
        words = self.words
        found, used = self._under(value, words)
        if found is value:
            return value
        for one in sorted(used):  # what is not needed is not said
            fewer = {
                name: given - {one[1]} if name == one[0] else given for name, given in words.items()
            }
            other, less = self._under(value, fewer)
            if other is found:
                words, used = fewer, less
        if not used:
            return value
        put_in = self._put_in(value, found, tuple(self.definitions), assuming=True)
        if put_in is None:
            return value
        turns.append(Turn("assumed", value, found, put_in, tuple(sorted(used))))
        return found

    def _under(self, value: Expr, words: Mapping[str, frozenset[str]]) -> tuple[Expr, set[Because]]:
        """Return the textbook form where something is known of inputs, and what may be used of it:
        what is known was looked at, for this form or for one before it."""
        key = frozenset(words.items())
        if key not in self._searches:
            used = set[Because]()
            self._searches[key] = self._search(words, used), used
        search, used = self._searches[key]
        search.renew()
        return textbook(value, search)[0], set(used)

    def _search(
        self, words: Mapping[str, frozenset[str]], used: set[Because], obeyed: bool = True
    ) -> Textbook:
        """Return a search where something is known of inputs; `used` is what was of use of that, or
        would have been where it is not `obeyed`."""

        def known(e: Expr) -> frozenset[str]:
            return words.get(e.data[0], frozenset()) if e.is_var else frozenset()

        def holds(word: str) -> Callable[[Expr], bool]:
            def of(e: Expr) -> bool:
                if word not in known(e):
                    return False
                used.add((e.data[0], word))
                return obeyed

            return of

        def rule(law: Law) -> Rule:
            def proposed(e: Expr, search: Textbook) -> Iterable[Expr]:
                result = law(e, known)
                if result is not None:
                    used.update(result[1])
                    if obeyed:
                        yield result[0]

            return proposed

        laws = {law.__name__: rule(law) for law in LAWS} if words else {}
        return Textbook(holds("symmetric"), {**RULES, **laws}, self.definitions, holds("positive"))

    # -- the judge of proposals --------------------------------------------------------------------

    @property
    def ring(self) -> Ring:
        if self._ring is None:
            self._ring = Ring(budget=self.budget)
            suppose(self._ring, self.relations)
            self.entries = Entries("k")
        return self._ring

    def same(self, p: Expr, q: Expr) -> bool:
        """Whether two expressions are seen to be equal, for every shape."""
        ring = self.ring
        places = place_of(p.shape, ("@r", "@s"))

        def equal() -> bool:
            return ring.equal(*(ring.of(self.entries.of(side, *places)) for side in (p, q)))

        return self.budget.within(QUESTION, equal)

    def put_in(self, value: Expr, claim: Expr) -> tuple[str, ...] | None:
        """Return the names whose definitions make a claim what a gradient is, `None` where none
        are seen to, under what is assumed."""
        return self._put_in(value, claim, tuple(self.values), assuming=True)

    def _put_in(
        self, p: Expr, q: Expr, names: tuple[Expr, ...], assuming: bool = False
    ) -> tuple[str, ...] | None:
        """Return the names whose definitions make two formulas equal, `None` where none do."""
        self.ring.assume(facts(self.assume) if assuming else {})
        if self.same(p, q):
            return ()
        for every in (False, True):
            used: list[str] = []
            sides: tuple[Expr, ...] = (p, q)
            for leaf in reversed(names):
                inside = {leaf in variables(side) for side in sides}
                if len(inside) == 2 or (every and True in inside):
                    used.append(leaf.data[0])
                    value = self.values[leaf]
                    sides = tuple(substitute(side, {leaf: value}) for side in sides)
                    if self.same(sides[0], sides[1]):
                        return self._needed(p, q, used)
        return None

    def _needed(self, p: Expr, q: Expr, used: list[str]) -> tuple[str, ...]:
        """Return the names without those that are not needed to see two formulas equal."""
        leaves = self.program.leaves
        for name in list(used) if len(used) > 1 else ():
            sides: tuple[Expr, ...] = (p, q)
            for leaf in (leaves[other] for other in used if other != name):
                sides = tuple(substitute(side, {leaf: self.values[leaf]}) for side in sides)
            if self.same(sides[0], sides[1]):
                used.remove(name)
        return tuple(used)
