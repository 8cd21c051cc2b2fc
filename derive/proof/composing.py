"""Gradients of the whole as a short list of statements, and the road to each of them.

What comes in is what the theorems say of each gradient, by the gradients behind it; what leaves is
the same system of equations, solved as far as that makes it shorter: what is used once is put in,
what cancels is put in, what occurs again has a name. Nothing here is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from derive.calculus.factoring import Factoring
from derive.calculus.terms import Terms, chain, chained
from derive.expressions.expr import (
    Expr,
    nodes,
    operators,
    substitute,
    times_written,
    variables,
    written,
)
from derive.ops import var
from derive.ops.linear import MATMUL
from derive.proof.derivation import Chain, Place, Step
from derive.proof.naming import named, tail_of
from derive.proof.roads import LONGEST, Names

#: What is used once is put in up to this many operators, and beyond where that makes it shorter.
ONE_LINE = 12
#: How often the equations are gone through.
ROUNDS = 4

T = TypeVar("T", bound=Hashable)


@dataclass(slots=True)
class Equation:
    """What is known of a gradient, where that is said first, and the steps from there."""

    name: str
    own: Expr
    value: Expr
    place: Place
    steps: list[Step] = field(default_factory=list)

    def goes_on(self, value: Expr, rule: str, cites: Iterable[Place]) -> None:
        """Add a step to a value, by equations that it cites."""
        facts = (("cites", tuple(cites)),)
        self.steps.append(Step(self.value, value, rule, part="composed", facts=facts))
        self.value = value

    @property
    def said(self) -> Place:
        """The place of the equation that says what the gradient is."""
        return ("composed", self.name) if self.steps else self.place

    def chain(self) -> Chain:
        """Return all steps, from the gradient on."""
        facts = (("cites", (self.place,)),)
        first = Step(self.own, self.steps[0].left, "theorem", part="composed", facts=facts)
        return (first, *self.steps)


@dataclass(frozen=True, slots=True)
class Composed:
    """The gradients asked for, the statements before them, and the road to each by its name."""

    gradients: Mapping[str, Expr]
    statements: tuple[tuple[str, Expr], ...]
    chains: Mapping[str, Chain]


class System:
    """The equations between gradients that those asked for need.

    `places` tells where a gradient is said, `simplified` brings a formula to textbook form.
    """

    def __init__(
        self,
        names: Names,
        wrt: tuple[str, ...],
        backward: Mapping[str, Expr],
        places: Callable[[str], Place],
        simplified: Callable[[Expr, str], tuple[Expr, Chain]],
    ):
        self.program, self.simplified = names.program, simplified
        own = {name: names.gradient(name) for name in backward}
        output = self.program.output
        self.upstream = var(f"d{output}", output.shape)
        self.wanted = [own[name] for name in names.program.leaves if name in wrt]
        self.theorems = formulas = {own[name]: value for name, value in backward.items()}
        needed = set(ordered(self.wanted, lambda leaf: _known(formulas[leaf], formulas)))
        #: Those that stand, outermost first, and those that were put into others.
        self.equations = {
            own[name]: Equation(name, own[name], value, places(name))
            for name, value in backward.items() if own[name] in needed
        }  # fmt: skip
        self.gone: dict[Expr, Equation] = {}
        self.users: dict[Expr, dict[Expr, None]] = {leaf: {} for leaf in self.equations}
        for leaf, equation in self.equations.items():
            self._uses(leaf, equation.value)

    def _uses(self, leaf: Expr, value: Expr) -> None:
        for behind in _known(value, self.users):
            self.users[behind][leaf] = None

    def solve(self) -> dict[Expr, Expr]:
        """Make the equations as short as they become; return what names were introduced for."""
        for _ in range(ROUNDS):
            done = [leaf for leaf in list(self.equations) if self.is_put_in(leaf)]
            done += [leaf for leaf in self.once() if self.is_put_in(leaf, asked=True)]
            if not done:
                break
        return self.name_again()

    def composed(self, introduced: Mapping[Expr, Expr]) -> Composed:
        """Return the gradients as they stand, with names that were introduced."""
        values = {leaf: equation.value for leaf, equation in self.equations.items()}
        values |= introduced
        order = ordered(self.wanted, lambda leaf: _known(values[leaf], values))
        behind = {x for leaf in order for x in variables(values[leaf])}
        chains = {e.name: e.chain() for e in (*self.gone.values(), *self.equations.values())
                  if e.steps}  # fmt: skip
        for leaf, value in introduced.items():
            chains[str(leaf)] = (Step(leaf, value, "introduced", part="composed"),)
        shown = {leaf: str(leaf) for leaf in introduced}
        shown |= {leaf: equation.name for leaf, equation in self.equations.items()}
        cited = ordered((shown[leaf] for leaf in order if shown[leaf] in chains),
                        lambda name: _cited(chains[name]))  # fmt: skip
        return Composed(
            {shown[leaf]: values[leaf] for leaf in self.wanted},
            tuple((str(leaf), values[leaf]) for leaf in order
                  if leaf not in self.wanted or leaf in behind),
            {name: chains[name] for name in cited},
        )  # fmt: skip

    @property
    def formulas(self) -> dict[Expr, Expr]:
        return {leaf: equation.value for leaf, equation in self.equations.items()}

    # -- putting in --------------------------------------------------------------------------------

    def once(self) -> list[Expr]:
        """Return the gradients that would be written once, on a line, if all else had its name."""
        found = named(self.formulas, self.program)
        written_ = [*(value for _, value in found.definitions), *found.formulas.values()]
        uses: dict[Expr, list[Expr]] = {leaf: [] for leaf in self.equations}
        for value in written_:
            for leaf in _known(value, uses):
                uses[leaf] += [value] * times_written(value, leaf)
        lengths = {leaf: operators(self.equations[leaf].value) for leaf in uses}
        return [
            leaf
            for leaf, values in uses.items()
            if len(values) == 1 and lengths[leaf] + operators(values[0]) <= ONE_LINE
        ]

    def is_put_in(self, leaf: Expr, asked: bool = False) -> bool:
        """Whether a gradient was put into those that need it: as asked, or as that is no longer."""
        if leaf in self.wanted:
            return False
        equation, users = self.equations[leaf], [self.equations[x] for x in self.users[leaf]]
        found: list[tuple[Equation, Expr, Expr, Chain]] = []
        for user in users:
            put_in = substitute(user.value, {leaf: equation.value})
            if written(put_in) > LONGEST:
                return False
            found.append((user, put_in, *self.simplified(put_in, "composed")))
        if not asked and not self.is_shorter(equation, found):
            return False
        for user, put_in, value, steps in found:
            user.goes_on(put_in, "substitution", (equation.said,))
            user.steps += steps
            user.value = value
            self._uses(user.own, value)
        for behind in _known(equation.value, self.users):
            self.users[behind].pop(leaf, None)
        self.gone[leaf] = self.equations.pop(leaf)
        del self.users[leaf]
        return True

    def is_shorter(
        self, equation: Equation, found: list[tuple[Equation, Expr, Expr, Chain]]
    ) -> bool:
        """Whether the users of an equation are shorter with it put in, or as short and one line."""
        if not operators(equation.value):
            return True
        after = {user.own: value for user, _, value, _ in found}
        before = {user.own: user.value for user, *_ in found}
        new, old = (
            named(formulas, self.program).length
            for formulas in (after, {**before, equation.own: equation.value})
        )
        if new < old:
            return True
        single = len(found) == 1 and times_written(found[0][0].value, equation.own) == 1
        return single and new == old and all(operators(v) <= ONE_LINE for v in after.values())

    # -- names -------------------------------------------------------------------------------------

    def name_again(self) -> dict[Expr, Expr]:
        """Give names to what occurs again; return those that are new, with what they stand for.

        What is the gradient of an intermediate has the name of that.
        """
        resolved: dict[Expr, Expr] = {}
        again = ordered(self.gone, lambda leaf: _known(self.gone[leaf].value, self.gone))
        for leaf in again:
            resolved[leaf] = substitute(self.gone[leaf].value, resolved)
        natural = {value: leaf for leaf, value in resolved.items()}
        every = {**self.gone, **self.equations}
        self.name_chains()
        natural |= {e.value: e.own for e in self.equations.values()}
        found = named(self.formulas, self.program, natural, self.tails(resolved))
        new: dict[Expr, Expr] = {}
        places: list[tuple[Expr, Expr, Place]] = []
        for name, value in found.definitions:
            if name in self.gone:
                equation = self.equations[name] = self.gone.pop(name)
                put_in = _known(equation.value, resolved)
                if put_in:
                    cites = [every[x].said for x in put_in]
                    equation.goes_on(resolved[name], "substitution", cites)
            if name in self.equations:
                equation = self.equations[name]
                self._named(equation, value, places)
                places.append((name, value, ("composed", equation.name)
                               if equation.steps else equation.place))  # fmt: skip
            else:
                new[name] = value
                places.append((name, value, ("composed", str(name))))
        done = {name for name, _ in found.definitions}
        for leaf, value in found.formulas.items():
            if leaf not in done:
                self._named(self.equations[leaf], value, places)
        return new

    def name_chains(self) -> None:
        """Write what is a gradient, or its transpose, by its name within longer products."""
        for leaf, equation in self.equations.items():
            behind = {x: e.value for x, e in self.equations.items() if e.value.op is MATMUL}
            for other, value in behind.items():
                found = by_chain(equation.value, value, other)
                if operators(found) < operators(equation.value) and not self.needs(other, leaf):
                    equation.goes_on(found, "abbreviated", [self.equations[other].said])

    def needs(self, one: Expr, other: Expr) -> bool:
        """Whether one gradient stands on the other, however far behind it, or is it."""
        formulas = self.formulas
        return other in ordered([one], lambda leaf: _known(formulas[leaf], formulas))

    def tails(self, resolved: dict[Expr, Expr]) -> dict[Expr, str]:
        """Return what is behind the letters of values that theorems of one statement share."""
        needed = {leaf: self.theorems[leaf] for leaf in (*self.equations, *self.gone)}
        tails = {}
        for _, value in named(needed, self.program).definitions:
            back = [x for x in variables(value) if x in needed or x is self.upstream]
            if len(back) == 1:
                tail = tail_of(back[0].data[0][1:])
                if back[0] is not self.upstream or tail.isdigit():
                    tails[substitute(value, resolved)] = tail
        return tails

    def _named(
        self, equation: Equation, value: Expr, places: list[tuple[Expr, Expr, Place]]
    ) -> None:
        """Add the step to a formula with names in it, by what they stand for."""
        if value is equation.value:
            return
        cites: list[Place] = []
        put_back = value
        for name, meant, place in reversed(places):
            if name in variables(put_back):
                put_back = substitute(put_back, {name: meant})
                cites.append(place)
        equation.goes_on(value, "abbreviated", cites)


# -- helpers ---------------------------------------------------------------------------------------


def ordered(roots: Iterable[T], needs: Callable[[T], Iterable[T]]) -> list[T]:
    """Return what some roots need, and the roots, each after what it needs.

    >>> ordered("c", {"a": "", "b": "a", "c": "ab"}.__getitem__)
    ['a', 'b', 'c']
    """
    found: dict[T, None] = {}
    waiting = list(roots)[::-1]
    while waiting:
        one = waiting[-1]
        left = [need for need in needs(one) if need not in found] if one not in found else []
        if left:
            waiting += left[::-1]
        else:
            found[waiting.pop()] = None
    return list(found)


def by_chain(expr: Expr, value: Expr, name: Expr) -> Expr:
    """Return an expression in which factors side by side that are a product stand by its name.

    >>> from derive.language.parse import parse
    >>> program = parse("A: (n, n); b: (n, 1); y = A.T @ b; Y = -(b @ b.T @ A).T")
    >>> (y, value), (_, Y) = program.statements
    >>> str(by_chain(Y, value, program.leaves[y]))
    '-(y @ b.T)'
    """
    terms = Terms()
    for items, new in ((chain(value), name), (chain(terms.turned(value)), terms.turned(name))):
        for node in reversed(nodes(expr)):
            whole, size = chain(node), len(items)
            for k in range(len(whole) - size + 1 if size < len(whole) else 0):
                if whole[k : k + size] == items:
                    shorter = chained([*whole[:k], new, *whole[k + size :]])
                    return Factoring(terms).tidy(substitute(expr, {node: shorter}))
    return expr


def _known(value: Expr, known: Mapping[Expr, object]) -> list[Expr]:
    return [leaf for leaf in variables(value) if leaf in known]


def _cited(chain: Chain) -> list[str]:
    return [place[1] for step in chain for place in step.cites if place[0] == "composed"]
