"""The roads from the theorems of statements to gradients of the whole: adding up, putting in.

Local theorems come in, outermost first; each gradient with the steps that lead to it leaves. What
is assumed shortens a gradient, and what is claimed of one ends its road. Nothing here is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from derive.expressions.errors import SizeError
from derive.expressions.expr import Expr, nodes, substitute, variables, written
from derive.expressions.program import Program, Statement
from derive.ops import var
from derive.ops.linear import ADD, NEG, SUB
from derive.proof.derivation import Chain, GradientName, Local, Math, Place, Step
from derive.proof.textbook import Settled

#: The forms of the gradients asked for: each one formula as long as that can be read; each one
#: formula; a short list of statements; a statement for each theorem.
READABLE, WHOLE, STATEMENTS, THEOREMS = "readable", "whole", "statements", "theorems"
#: A gradient with more operators and operands than this is not written as one formula, unless asked
#: for, and then up to the other number.
LONGEST, WHOLE_LONGEST = 80, 5_000


class Names:
    """The gradients that a proof speaks of, and the variables that stand for them."""

    def __init__(self, program: Program, active: set[str]):
        self.program, self.active = program, active
        self.known: dict[str, GradientName] = {}

    def gradient(self, name: str, through: str | None = None) -> Expr:
        """Return the variable that stands for a gradient, or for its part through a statement."""
        leaf = self.program.leaves[name]
        shown = f"d{name}" if through is None else f"d{name}[{through}]"
        self.known[shown] = GradientName(leaf, through)
        return var(shown, leaf.shape)

    def node_gradient(self, node: Expr) -> Expr:
        if node.is_var:
            return self.gradient(node.data[0])
        self.known[f"d({node})"] = GradientName(node)
        return var(f"d({node})", node.shape)

    def upstream(self, statement: Statement) -> Expr | None:
        """Return the gradient that enters a statement, `None` for the loss itself."""
        if self.program.is_loss and statement.name == self.program.output.data[0]:
            return None
        return self.gradient(statement.name)

    def users(self, name: str) -> list[Statement]:
        return [s for s in self.program.users(name) if s.name in self.active]


def proved_there(statement: str, name: str) -> Place:
    """Return where a document proves the gradient by a name through a statement."""
    return ("index", statement, name)


class Roads:
    """The gradients of a program as its theorems say them, and those of the whole.

    `told` says which equation has the theorem of a statement about a name.
    """

    def __init__(
        self,
        names: Names,
        wrt: tuple[str, ...],
        settled: Settled,
        claims: Mapping[str, Sequence[Expr]],
        told: Callable[[str, str], Place] = proved_there,
    ):
        self.names, self.program = names, names.program
        self.wrt, self.settled, self.claims = wrt, settled, claims
        self.told = told
        self.assuming: dict[str, Chain] = {}

    def add_up(
        self, locals_: list[Local], totals: dict[str, Chain], backward: dict[str, Expr]
    ) -> None:
        """Enter the gradients that are complete: every use of the variable has been met."""
        for name in dict.fromkeys(local.variable.data[0] for local in locals_):
            if name in backward:
                continue
            parts = [p for p in locals_ if p.variable.data[0] == name]
            if len(parts) != len(self.names.users(name)):
                continue
            if len(parts) == 1:
                backward[name] = parts[0].formula
                continue
            parts = parts[::-1]
            own = self.names.gradient(name)
            raw = parts[0].gradient
            cites = tuple(self.told(part.statement.name, name) for part in parts)
            put_in = parts[0].formula
            for part in parts[1:]:
                raw, put_in = raw + part.gradient, in_one_sum(put_in, part.formula)
            value, rewrites = self.simplified(put_in, "totals")
            steps = [
                Step(own, raw, "gradients-add", part="totals"),
                Step(raw, put_in, "substitution", part="totals", facts=(("cites", cites),)),
                *rewrites,
            ]
            totals[name] = tuple(steps)
            backward[name] = value

    def compose(
        self, backward: dict[str, Expr], totals: Mapping[str, Chain], whole: bool = False
    ) -> tuple[dict[str, Chain], dict[str, Expr]]:
        """Return each wanted gradient with the upstream gradients put in, and the road there.

        A gradient that is put in has its own road, unless its theorem says it already. One that
        would be too long to read stays as its theorem says it, by the gradients that stand there,
        unless the `whole` is asked for. Raises `SizeError` where that is far too long.
        """
        known: dict[Expr, Expr] = {}
        values: dict[Expr, Expr] = {}
        kept = self.kept(backward) if self.told is not proved_there else set()
        chains: dict[str, Chain] = {}
        says: dict[Expr, Place] = {}  # which equation says what is known of a gradient
        for name in backward:  # outermost first, as they were found
            own, local = self.names.gradient(name), backward[name]
            says[own] = self.theorem_of(name, totals)
            put_in = substitute(local, known)
            if whole and written(self.program.composed(put_in)) > WHOLE_LONGEST:
                raise SizeError(
                    f"as one formula the gradient by {name} has more than {WHOLE_LONGEST:,} "
                    "operators and operands",
                    hint="as a list of statements it is short: leave --expanded out",
                )
            if written(put_in) > LONGEST and not whole:
                known[own] = values[own] = local
                continue
            value, rewrites = self.simplified(put_in, "composed")
            values[own] = value
            if name not in kept:
                known[own] = value
            if put_in is not local:
                cites = tuple(says[leaf] for leaf in variables(local) if leaf in known)
                chains[name] = (
                    Step(own, local, "theorem", part="composed", facts=(("cites", (says[own],)),)),
                    Step(local, put_in, "substitution", part="composed", facts=(("cites", cites),)),
                    *rewrites,
                )
                says[own] = ("composed", name)
        wanted = self.named_in(values)
        claims = (claim for claims in self.claims.values() for claim in claims)
        claimed = (leaf.data[0][1:] for claim in claims for leaf in variables(claim))
        cited = _needed((*wanted, *claimed), chains)
        chains = {name: chain for name, chain in chains.items() if name in cited}
        return chains, {
            name: values[self.names.gradient(name)] for name in backward if name in wanted
        }

    def kept(self, backward: Mapping[str, Expr]) -> set[str]:
        """Return the names whose gradients keep their names where they are used: for they are used
        more than once, and are more than a name."""
        uses: dict[Expr, int] = {}
        for formula in backward.values():
            for leaf, times in occurrences(formula).items():
                uses[leaf] = uses.get(leaf, 0) + times
        return {
            name for name, formula in backward.items()
            if not formula.is_var and uses.get(self.names.gradient(name), 0) > 1
        }  # fmt: skip

    def named_in(self, known: Mapping[Expr, Expr]) -> tuple[str, ...]:
        """Return the variables that are asked for, and those whose gradients stand in theirs."""
        names, waiting = dict.fromkeys(self.wrt), list(self.wrt)
        while waiting:
            for leaf in variables(known[self.names.gradient(waiting.pop())]):
                if leaf in known and leaf.data[0][1:] not in names:
                    names[leaf.data[0][1:]] = None
                    waiting.append(leaf.data[0][1:])
        return tuple(names)

    def simplified(self, expr: Expr, part: str) -> tuple[Expr, Chain]:
        """Return an expression in textbook form, the assumptions used, and the steps to it."""
        value, turns = self.settled.of(expr)
        steps = []
        for turn in turns:
            facts = tuple(
                (word, found)
                for word, found in (("because", turn.because), ("put_in", turn.put_in))
                if found or (word == "put_in" and turn.rule == "by-name")
            )
            steps.append(Step(turn.before, turn.after, turn.rule, part=part, facts=facts))
        return value, tuple(steps)

    def shortened(self, name: str, formula: Expr, totals: Mapping[str, Chain]) -> Expr:
        """Return the gradient by a name where the assumptions hold, and keep the road to it."""
        value, steps = (self.settled.assuming and self.simplified(formula, "assuming")) or (
            formula,
            (),
        )
        if not any(step.rule == "assumed" for step in steps):
            self.assuming[name] = ()
            return formula
        facts = (("cites", (self.theorem_of(name, totals),)),)
        own = self.names.gradient(name)
        here = (("cites", (("assuming", name),)),)
        self.assuming[name] = (
            Step(own, formula, "theorem", part="assuming", facts=facts),
            *steps,
            Step(own, value, "theorem", part="assuming", facts=here),
        )
        return value

    def claimed(
        self,
        backward: Mapping[str, Expr],
        gradients: Mapping[str, Expr],
        composed: Mapping[str, Chain],
        totals: Mapping[str, Chain],
    ) -> dict[str, Chain]:
        """Return the roads from the gradients to what is claimed of them, where it is not that."""
        found: dict[str, Chain] = {}

        def says(of: str) -> Place:
            return ("composed", of) if of in composed else self.theorem_of(of, totals)

        for name, claims in self.claims.items():
            value = gradients[name]
            start = (("cites", (says(name),)),)
            steps = [Step(self.names.gradient(name), value, "theorem", part="claimed", facts=start)]
            for claim in claims:
                if claim in (value, backward[name]):
                    continue
                before = steps[-1].right
                assert isinstance(before, Expr)
                last = {
                    self.names.gradient(of): (of, composed[of][-1].right if of in composed else own)
                    for of, own in [*backward.items()][::-1]
                }
                used, put_in = self.meant(before, claim, last)
                facts = (("cites", tuple(map(says, used))), ("put_in", put_in))
                steps.append(Step(before, claim, "claimed", part="claimed", facts=facts))
            if len(steps) > 1:
                found[name] = tuple(steps)
        return found

    def meant(
        self, value: Expr, claim: Expr, known: Mapping[Expr, tuple[str, Math]]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the gradients and the statements that are put in to see that a claim holds.

        A gradient that both sides name stands for itself, as long as that is enough.
        """
        for every in (False, True):
            sides: tuple[Expr, ...] = (value, claim)
            used: list[str] = []
            for leaf, (of, meaning) in known.items():
                inside = {leaf in variables(side) for side in sides}
                if True in inside and (every or len(inside) == 2):
                    assert isinstance(meaning, Expr)
                    used.append(of)
                    sides = tuple(substitute(side, {leaf: meaning}) for side in sides)
            put_in = self.settled.put_in(sides[0], sides[1])
            if put_in is not None:
                return tuple(used), put_in
        return tuple(used), self.alone(*sides)

    def alone(self, *sides: Expr) -> tuple[str, ...]:
        """Return the names of statements that two formulas do not share, and those behind these."""
        found: dict[str, None] = {}
        for statement in reversed(self.program.statements):
            leaf = self.program.leaves[statement.name]
            if len({leaf in variables(side) for side in sides}) == 2:
                found[statement.name] = None
                sides = tuple(substitute(side, {leaf: statement.expr}) for side in sides)
        return tuple(found)

    def theorem_of(self, name: str, totals: Mapping[str, Chain]) -> Place:
        """Return the place of the equation that says what the gradient by a name is."""
        if self.assuming.get(name):
            return ("assuming", name)
        if name in totals:
            return ("total", name)
        (user,) = self.names.users(name)
        return self.told(user.name, name)


def in_one_sum(a: Expr, b: Expr) -> Expr:
    """Return a + b without brackets around the terms of b.

    >>> from derive.expressions.shape import SCALAR
    >>> x, y, z = (var(name, SCALAR) for name in "xyz")
    >>> str(in_one_sum(x, y + (z - x))), str(in_one_sum(x, -y))
    ('x + y + z - x', 'x - y')
    """
    if b.op is ADD:
        return in_one_sum(in_one_sum(a, b.args[0]), b.args[1])
    if b.op is SUB:
        return in_one_sum(a, b.args[0]) - b.args[1]
    return a - b.args[0] if b.op is NEG else a + b


def occurrences(root: Expr) -> dict[Expr, int]:
    """Return how often each variable stands in an expression as it is written out.

    >>> from derive.expressions.shape import SCALAR
    >>> x, y = var("x", SCALAR), var("y", SCALAR)
    >>> occurrences((x + y) * (x + y) + x) == {x: 3, y: 2}
    True
    """
    order = nodes(root)
    times = dict.fromkeys(order, 0) | {root: 1}
    for node in reversed(order):
        for arg in node.args:
            times[arg] += times[node]
    return {node: count for node, count in times.items() if node.is_var}


def _needed(wanted: Iterable[str], chains: Mapping[str, Chain]) -> set[str]:
    """Return the names whose roads are read: those that are wanted, and what these cite."""
    found: set[str] = set()
    left = [name for name in wanted if name in chains]
    while left:
        name = left.pop()
        found.add(name)
        cited = [
            place[1] for step in chains[name] for place in step.cites if place[0] == "composed"
        ]
        left += [name for name in cited if name not in found]
    return found
