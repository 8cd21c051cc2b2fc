"""The shortest formula that the textbook's rules find: a search, and the road that it took.

What enters is a gradient, what leaves is an equal one that is no longer, and the rewrites between
them. A rule proposes formulas for one node; from the leaves up, a node is replaced by what is
shorter as it is printed, and where nothing is, by what becomes shorter one step further on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from derive.calculus.factoring import Factoring
from derive.calculus.length import length
from derive.calculus.names import NAMES
from derive.calculus.products import Factors
from derive.calculus.rules import RULES, Rule
from derive.calculus.simplify import Rewrite
from derive.calculus.terms import Terms, TooMany, without
from derive.expressions.expr import Expr, broadcast_to, nodes, rebuild, substitute, written
from derive.ops.elementwise import DIV, MUL, SIGMOID, WHERE
from derive.ops.linear import ADD, BROADCAST, MATMUL, NEG, SUB

#: A formula with more operators and operands than this is left as it is.
LONGEST = 400
#: One with more is not multiplied out.
LONG = 160
#: A sum that has more terms as it is multiplied out, beside twice those that it had, is left.
MOST_TERMS = 8
#: So many formulas are tried for one gradient.
EFFORT = 3000
#: So many steps that make a formula no shorter are taken before one that does.
AHEAD = 1

Change = tuple[str, Expr, Expr]


class Textbook:
    """The search, with its memory of what became of which expression."""

    def __init__(
        self,
        symmetric: Callable[[Expr], bool] = lambda e: False,
        rules: Mapping[str, Rule] = RULES,
        definitions: Mapping[Expr, Expr] | None = None,
        positive: Callable[[Expr], bool] = lambda e: False,
    ):
        self.positive = positive
        self.definitions = dict(definitions or {})
        self.mirrored: set[Expr] = set()  # names of what is its own transpose
        self.terms = Terms(lambda e: symmetric(e) or e in self.mirrored)
        self.factoring = Factoring(self.terms)
        self.rules = dict(rules)
        self.effort = EFFORT
        self.named: dict[Expr, Expr] = {}
        self.factored: list[tuple[Factors, Expr]] = []
        self.summed: list[tuple[list[Factors], Expr]] = []
        self.cases: list[tuple[Expr, Expr, list[Expr]]] = []
        self.seen: set[Expr] = set()
        self.plain: Textbook | None = None
        self._best: dict[tuple[Expr, int], Expr] = {}
        self._how: dict[tuple[Expr, int], list[Change]] = {}
        self._moves: dict[Expr, list[tuple[str, Expr]]] = {}
        self._ways: dict[tuple, Expr] = {}
        if self.definitions:
            self.plain = Textbook(symmetric, rules, positive=positive)
            self._learn(rules)

    def _learn(self, rules: Mapping[str, Rule]) -> None:
        """Enter what the names stand for, each by the names before it."""
        self.rules = {**NAMES, **rules}
        for name, value in self.definitions.items():
            if value.is_var or not value.args:
                continue
            found = self.best(value)
            self._best.clear()
            self._how.clear()
            self._moves.clear()
            if not found.shape.is_scalar and self.terms.turned(found) is found:
                self.mirrored.add(name)
            for form in (value, found):
                if not form.is_var:
                    self.named.setdefault(form, name)
                    self.named.setdefault(self.terms.turned(form), self.terms.turned(name))
                    self.named.setdefault(
                        self.factoring.tidy(self.terms.turned(form)), self.terms.turned(name)
                    )
            if found.op is SIGMOID:
                self.named.setdefault(SIGMOID(self.best(-found.args[0])), 1 - name)
            self._learn_cases(name, found)
            for form in dict.fromkeys((found, value)):
                self._learn_terms(name, form)

    def _learn_terms(self, name: Expr, value: Expr) -> None:
        """Enter what a name stands for as a product, or as a sum of these."""
        terms = self.terms.collected(value, full=False)
        if len(terms) > 1:
            self.summed.append((terms, name))
        if len(terms) == 1 and value.op is not MATMUL:
            (t,) = terms
            exponents = (*t.scalars.values(), *t.matrices.values())
            if len(exponents) > 1 or 1 not in exponents:
                self.factored.append((t, name))

    def _learn_cases(self, name: Expr, value: Expr) -> None:
        """Enter what a name stands for in the two cases of its value."""
        t = self.terms.product(value)
        for base, exponent in t.matrices.items():
            if base.op is WHERE and exponent == 1:
                mask, *parts = base.args
                rest = without(t, base).expr()
                self.cases.append((name, mask, [rest * part for part in parts]))

    def refolded(self, e: Expr) -> Expr:
        """Return a formula in which values are names again, nothing being put in anew."""
        return self.best(e, 0)

    def renew(self) -> None:
        """Begin a gradient of its own: it may take as much effort as any."""
        self.effort = EFFORT
        self.factoring.renew()
        if self.plain is not None:
            self.plain.renew()

    def best(self, e: Expr, ahead: int = AHEAD) -> Expr:
        """Return the shortest formula that was found for an expression."""
        key = (e, ahead)
        if key not in self._best:
            self._best[key] = e  # a formula that comes back to itself is followed once
            self._best[key] = self._search(e, ahead)
        return self._best[key]

    def _search(self, e: Expr, ahead: int) -> Expr:
        if e.op is BROADCAST:
            now = broadcast_to(self.best(e.args[0], ahead), e.shape)
            self._how[e, ahead] = [("inside", e, now)]
            return now
        now = rebuild(e, tuple(self.best(arg, ahead) for arg in e.args))
        if e.op.derivatives and e.op.style == "call":
            now = rebuild(now, tuple(map(self._first_way, now.args)))
        if now.op is NEG and now.args[0].op in (MUL, DIV):
            now = min((self.terms.product(now).expr(), now), key=length)
        roads = [self._road([("inside", e, now)] if now is not e else [], now, ahead)]
        if e.op in (ADD, SUB) and now is not e:
            terms = self.terms.collected(e, full=False)
            whole = self.factoring.tidy(self.factoring.sum(terms, e.shape))
            if length(whole) < length(now):  # its parts cancel before they are shortened
                roads.append(self._road([("collected", e, whole)], whole, ahead))
        now, self._how[e, ahead] = min(roads, key=lambda road: length(road[0]))
        return now

    def _road(self, road: list[Change], now: Expr, ahead: int) -> tuple[Expr, list[Change]]:
        """Return what a formula becomes as long as it becomes shorter, and the changes to there."""
        while self.effort > 0:
            self.effort -= 1
            found = self._shorter(now, ahead)
            if found is None:
                break
            road.append(found)
            now = found[2]
        return now, road

    def _first_way(self, e: Expr) -> Expr:
        """Return a formula in the way in which one of its terms and length was written first."""
        if not e.args or e.op is BROADCAST:
            return e
        terms = self.terms.collected(e, full=False)
        key = frozenset((t.key_of(), t.coefficient) for t in terms), e.shape, length(e)
        return self._ways.setdefault(key, e)

    def _shorter(self, now: Expr, ahead: int) -> Change | None:
        size = length(now)
        moves = self.moves(now)
        for name, new in moves:
            if length(new) < size:
                return name, now, self.best(new, ahead)
        if ahead:
            for name, new in moves:
                if self.effort > 0:
                    self.effort -= 1
                    new = self.best(new, ahead - 1)
                    if length(new) < size:
                        return name, now, self.best(new, ahead)
        return None

    def moves(self, now: Expr) -> list[tuple[str, Expr]]:
        """Return the formulas that the rules propose for an expression, each once."""
        if now not in self._moves:
            self._moves[now] = []  # a formula that asks for itself on the way has no others
            found: dict[Expr, str] = {now: ""}
            for name, new in self._proposed(now):
                found.setdefault(new, name)
            self._moves[now] = [(name, new) for new, name in found.items() if name]
        return self._moves[now]

    def _proposed(self, now: Expr) -> Iterator[tuple[str, Expr]]:
        for name, rule in self.rules.items():
            try:
                yield from ((name, new) for new in rule(now, self) if new.shape == now.shape)
            except TooMany:
                continue
        if now.args:
            yield from self._written_anew(now)

    def _written_anew(self, now: Expr) -> Iterator[tuple[str, Expr]]:
        small = written(now) <= LONG
        few = 0
        for full in (False, True) if small else (False,):
            try:
                terms = self.terms.collected(now, full)
                if full and len(terms) > MOST_TERMS + 2 * few:
                    return
                few = len(terms)
                new = self.factoring.tidy(self.factoring.sum(terms, now.shape))
            except TooMany:
                continue
            yield "multiplied-out" if full else "collected", new

    def road(self, e: Expr, ahead: int = AHEAD) -> Iterator[Change]:
        """Yield the changes of parts by which an expression becomes its shortest formula."""
        for name, before, after in self._how.get((e, ahead), []):
            if name == "inside":
                for arg in before.args:
                    yield from self.road(arg, ahead)
            else:
                yield name, before, after


def textbook(expr: Expr, search: Textbook | None = None) -> tuple[Expr, tuple[Rewrite, ...]]:
    """Return an equal expression in textbook form, and how it was reached.

    >>> from derive.language.parse import parse
    >>> e = parse("B: (n, n); X: (n, m); Y = B @ X + B.T @ X").statements[0].expr
    >>> found, rewrites = textbook(e)
    >>> str(found), [r.rule for r in rewrites]
    ('(B + B.T) @ X', ['collected'])
    """
    search = search or Textbook()
    if written(expr) > LONGEST:
        return expr, ()
    found = search.best(expr)
    steps: list[Rewrite] = []
    now = expr
    for name, before, after in search.road(expr):
        if before in nodes(now):
            new = substitute(now, {before: after})
            if new is not now:
                steps.append(Rewrite("by-name" if name in NAMES else name, now, new))
                now = new
    if now is not found:
        steps.append(Rewrite("collected", now, found))
    return found, merged(steps)


def merged(steps: list[Rewrite]) -> tuple[Rewrite, ...]:
    """Return a road without detours, neighbours by the same rule being one step."""
    found: list[Rewrite] = []
    for step in steps:
        if found and found[-1].rule == step.rule:
            step = Rewrite(step.rule, found.pop().before, step.after)
        back = next((k for k, one in enumerate(found) if one.before is step.after), None)
        if back is not None:
            del found[back:]
        elif step.before is not step.after:
            found.append(step)
    return tuple(found)
