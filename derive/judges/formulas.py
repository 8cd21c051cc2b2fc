"""Our own gradients of a program: shown beside a claim, and evaluated at points.

What enters is a program, what leaves are formulas by the sweep. The law: no proof rests on them;
a formula is an input of a judge, as anybody's claim is.
"""

from __future__ import annotations

from functools import cached_property

from derive.calculus.reverse import sweep
from derive.calculus.simplify import simplify
from derive.expressions.expr import Expr, number, substitute, variables, written
from derive.expressions.program import Program
from derive.ops import var
from derive.proof.roads import LONGEST


class Formulas:
    """The names of a program that have a gradient, and our formula for each."""

    def __init__(self, program: Program):
        self.program = program
        reaching = program.reaching()
        named = [name for name in program.leaves if name in reaching]
        #: The gradients, as variables, that of the output among them.
        self.gradients = {f"d{name}": var(f"d{name}", program.leaves[name].shape) for name in named}
        self.names = [name for name in named if name != program.output.data[0]]
        self.truths: dict[str, Expr] = {}
        self.locals: dict[str, Expr] = {}

    @cached_property
    def outermost(self) -> list[str]:
        """The names that have a gradient, each after those that depend on it."""
        made = [s.name for s in reversed(self.program.statements) if s.name in self.names]
        return [*made, *(name for name in self.names if name not in made)]

    def leaf(self, name: str) -> Expr:
        """Return the variable of a name, or of a gradient."""
        return self.gradients[name] if name in self.gradients else self.program.leaves[name]

    def truth(self, name: str) -> Expr:
        """Return our formula for a gradient, those behind it put in where that can be read."""
        if name not in self.truths:
            behind = self.program.depending({name})
            for other in self.outermost:
                if other in behind and other not in self.truths:
                    known = {self.gradients[f"d{n}"]: truth for n, truth in self.truths.items()}
                    whole = substitute(self.local(other), known)
                    short = written(whole) <= LONGEST
                    self.truths[other] = simplify(whole)[0] if short else self.local(other)
        return self.truths[name]

    def local(self, name: str) -> Expr:
        """Return a gradient by those of the statements that use its name, by the sweep."""
        if name not in self.locals:
            program, leaf = self.program, self.program.leaves[name]
            parts = []
            for statement in program.users(name):
                upstream = self.gradients.get(f"d{statement.name}")
                if upstream is not None:
                    value = program.leaves[statement.name]
                    seed = number(1) if program.is_loss and value is program.output else upstream
                    parts.append(sweep(statement.expr, seed, [leaf], value)[leaf].value)
            self.locals[name] = simplify(sum(parts[1:], parts[0]))[0]
        return self.locals[name]

    def over_inputs(self, expr: Expr) -> Expr:
        """Return an expression over the inputs alone, the gradients in it by their formulas."""
        found = expr
        for name in reversed(self.outermost):
            leaf = self.gradients[f"d{name}"]
            if leaf in variables(found):
                found = substitute(found, {leaf: self.local(name)})
        found = self.program.composed(found)
        if self.program.is_loss:
            found = substitute(found, {self.gradients[f"d{self.program.output}"]: number(1)})
        return found

    def says(self, name: str, expr: Expr) -> str:
        """Return a gradient in input syntax."""
        return f"d{name} = {self.program.written(expr)}"
