"""Where a lemma about an operator lives: one variable, names for what is made of it, its steps.

Enters the operator's key and small program; leave steps and the lemma that they make. Nothing here
is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Any

from derive.calculus.index import Index, Scalar, letters
from derive.expressions.expr import Condition, Expr
from derive.expressions.program import Program, Statement
from derive.expressions.shape import Dim
from derive.ops import var
from derive.proof.derivation import Chain, Derivation, Lemma, Math, Step


class Room:
    """The program in which a lemma lives: one variable, and names for what is made of it."""

    def __init__(
        self,
        key: str,
        variable: Expr,
        named: Mapping[str, Expr],
        conditions: tuple[tuple[Condition, ...], ...] = (),
    ):
        self.key = key
        self.conditions = conditions
        self.variable = variable
        dims = tuple(dict.fromkeys(dim for dim in variable.shape.dims if isinstance(dim, str)))
        leaves = {variable.data[0]: variable}
        leaves |= {name: var(name, expr.shape) for name, expr in named.items()}
        statements = tuple(Statement(name, expr) for name, expr in named.items())
        self.program = Program("", key, statements, leaves, (variable.data[0],), dims, {})

    def step(self, left: Math, right: Math, rule: str, **facts: Any) -> Step:
        theme, about = self.program.output.data[0], self.variable.data[0]
        part = f"lemma-{self.key}"
        return Step(left, right, rule, theme, about, part=part, facts=tuple(facts.items()))

    def cites(self, which: str) -> Mapping[str, Any]:
        return {"cites": (("lemma", self.key, which),)}

    def chain(self, first: Scalar, *rest: tuple[Scalar, str, Mapping[str, Any]]) -> Chain:
        """Return first = second = third ..., each by its rule."""
        lefts = [first, *(right for right, _, _ in rest)]
        return tuple(
            self.step(left, right, rule, **facts)
            for left, (right, rule, facts) in zip(lefts, rest, strict=False)
        )

    def lemma(
        self,
        claim: Step,
        proof: tuple[Chain, ...],
        indices: Mapping[Index, Dim],
        sizes: Iterable[int] = (2, 3),
    ) -> Lemma:
        dims = self.program.dims
        probes = [dict(zip(dims, cycle((k, 5 - k)), strict=False)) for k in sizes] or [{}]
        names = letters(self.program.letters())
        blank = Derivation(
            self.program, (), probes[0], "full", {}, names, self.conditions, (), (), {}, {}, {}, {}
        )
        return Lemma(self.key, blank, (claim,), proof, indices, tuple(probes))
