"""Gradients as functions that run: NumPy, PyTorch or JAX.

A proved derivation enters, the text of a function leaves: the forward values that the gradients
need, then the gradients one after the other. Every value is a matrix there too, so sums keep their
axes and scalars are 1×1. Nothing is run here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from derive.catalogue import Entry
from derive.documents.pipeline import Proof, Recurrence, prove
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import variables
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.shape import Shape
from derive.language.assumptions import Assumptions, said
from derive.language.parse import Shapes
from derive.notation.code import Coder, Library, library
from derive.ops.unspecified import left_open, primed
from derive.proof.derivation import Derivation
from derive.proof.roads import WHOLE


def gradient(
    program: str | Entry,
    shapes: Shapes | None = None,
    *,
    wrt: Sequence[str] | None = None,
    assume: Assumptions | None = None,
    data: Sequence[str] = (),
    expanded: bool = False,
    code: str | None = None,
    timeout: float | None = TIMEOUT,
) -> Gradients | str:
    """Return a program's gradients, proved first: formulas by name, or a function that runs.

    >>> gradient("X: (n, d); w: (d, 1); y = X @ w")
    {'X': 'dy @ w.T', 'w': 'X.T @ dy'}
    >>> found = gradient("X: (n, d); W: (d, m); Z = X @ W; Y = relu(Z)")
    >>> found.statements, found["W"]
    ((('dZ', 'dY * (Z > 0)'),), 'X.T @ dZ')
    >>> print(gradient("X: (n, d); w: (d, 1); y = X @ w", wrt=["w"], code="numpy"))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def gradients(X, w, dy):
        \"\"\"The gradient of y = X @ w: X is n×d, w is d×1, dy is n×1.\"\"\"
        dw = X.T @ dy
        return {"w": dw}
    <BLANKLINE>

    The formulas are a dictionary whose `where` tells the hypotheses, in terms of the program's
    names and of its `statements`; where they are `expanded`, in terms of the inputs alone. `assume`
    is what holds of an input, and makes formulas shorter; `data` are inputs that nobody
    differentiates by; `code` is numpy, torch or jax. Raises what `derive.prove` raises.
    """
    if code is not None:
        library(code)
    with limited(timeout):
        proof = prove(
            program, shapes, wrt=wrt, assume=assume, data=data, detail="brief", timeout=None,
            expanded=expanded,
        )  # fmt: skip
        return Gradients(proof) if code is None else to_code(proof, code)


class Gradients(dict[str, str]):
    """Gradients by name, in input syntax; `where` is what must hold of the sizes and the inputs.

    `statements` are pairs of a name and a formula, each by those before it, that stand in the
    `gradients` and have no name in the program.

    >>> gradient("x: (n, 1); L = sum(log(x)) / (n - 1)").where
    ('n ≥ 2', 'every entry of x is positive')
    """

    def __init__(self, proof: Proof):
        super().__init__(proof.gradients)
        self.statements, self.where = proof.statements, proof.hypotheses

    @property
    def gradients(self) -> dict[str, str]:
        """The gradients alone, as a plain dictionary."""
        return dict(self)

    def claim(self, name: str, given: Collection[str] = ()) -> str:
        """Return the gradient by a name, its statements before it, as a claim that `check` reads;
        what is `given` is not said again.

        >>> gradient("X: (n, d); W: (d, m); Z = X @ W; Y = relu(Z)").claim("W")
        'dZ = dY * (Z > 0); dW = X.T @ dZ'
        """
        lines = [*self.statements, (f"d{name}", self[name])]
        needed, kept = {f"d{name}"}, list[str]()
        for one, text in reversed(dict(lines).items()):
            if one in needed - {*given}:
                needed |= set(re.findall(r"\w+", text))
                kept.append(f"{one} = {text}")
        return "; ".join(reversed(kept))


def to_code(proof: Proof, name: str) -> str:
    """Return the gradients of a proved derivation as a function in `numpy`, `torch` or `jax`."""
    if isinstance(proof, Recurrence):
        raise UnsupportedError(
            "code is written for one number of layers, and this is about every one",
            hint="say how many: --layers 3",
        )
    return _Writer(proof.derivation, library(name), proof.hypotheses).module()


# -- writing ---------------------------------------------------------------------------------------


class _Writer(Coder):
    """One function of one derivation in one library."""

    def __init__(self, derivation: Derivation, lib: Library, hypotheses: Sequence[str] = ()):
        self.derivation, self.hypotheses = derivation, hypotheses
        self.program = derivation.program.with_numbers()
        written = derivation.program.in_numbers
        self.lines = [(name, written(value)) for name, value in derivation.lines]
        if derivation.form == WHOLE:
            self.lines = [(name, self.program.composed(value)) for name, value in self.lines]
        output, leaves = self.program.output, self.program.leaves
        given = [*self.program.inputs, *([] if self.program.is_loss else [f"d{output}"])]
        needed = self._needed()
        formulas = [s.expr for s in self.program.statements if s.name in needed]
        #: What stands in the code for functions that are left open, each with its meaning.
        self.open = {
            primed(name, k): ("", f"the derivative of {name}")[k] if k < 2 else
            f"the derivative of order {k} of {name}"
            for name, orders in left_open([*formulas, *dict(self.lines).values()]).items()
            for k in orders
        }  # fmt: skip
        names = [*leaves, *self.program.dims, *(f"d{name}" for name in leaves), *self.open,
                 *dict(self.lines)]  # fmt: skip
        super().__init__(lib, given, names)

    def module(self) -> str:
        """Return the text of the function, its imports and its helpers before it."""
        body = self._body()
        helpers = list(map(self.helper, self.helpers))
        text = "\n".join([*helpers, body])
        imports = [line for word, line in self.lib.imports.items() if f"{word}." in text]
        main = self.lib.imports[self.lib.alias]
        imports = imports if main in imports else [main, *imports]
        return "\n\n\n".join(["\n".join(sorted(imports)), *helpers, body]) + "\n"

    def _body(self) -> str:
        program = self.program
        lines = [
            f"{self.name(name)} = {self.lib.scalar.format(self.name(name))}"
            for name in self.given
            if self._shape(name).is_scalar
        ]
        written: list[str] = []
        needed = self._needed()
        for statement in program.statements:
            if statement.name in needed:
                written.append(f"{self.name(statement.name)} = {self.array(statement.expr)}")
        written += [f"{self.name(name)} = {self.array(value)}" for name, value in self.lines]
        dims = self._dims([*written, *lines])
        answer = ", ".join(f'"{name}": {self.name(f"d{name}")}' for name in self.derivation.wrt)
        head = f"def gradients({', '.join(map(self.name, [*self.given, *self.open]))}):"
        every = [self._docstring(), *lines, *dims, *written, f"return {{{answer}}}"]
        return "\n    ".join([head, *every])

    def _docstring(self) -> str:
        program = self.program
        what = "; ".join(program.lines())
        shapes = ", ".join(f"{name} is {self._shape(name)}" for name in self.given)
        for name, meant in self.open.items():
            shapes += f", {self.name(name)} is {meant or 'a function of each entry'}"
        plural = "s" if len(self.derivation.wrt) > 1 else ""
        assumed = said(self.derivation.assumed, self.name)
        words = [one["says"].format(one["name"]) for one in assumed]
        where = " and ".join([*words, *self.hypotheses])
        return f'"""The gradient{plural} of {what}: {shapes}{", where " * bool(where)}{where}."""'

    def _shape(self, name: str) -> Shape:
        return self.program.leaves[name if name in self.program.leaves else name[1:]].shape

    def _needed(self) -> set[str]:
        """Return the assigned names that the gradients use, and those that these use."""
        used = {v.data[0] for _, value in self.lines for v in variables(value)}
        for statement in reversed(self.program.statements):
            if statement.name in used:
                used |= {leaf.data[0] for leaf in variables(statement.expr)}
        return used

    def _dims(self, lines: list[str]) -> list[str]:
        """Return the lines that name the dimensions which other lines use."""
        words = set(re.findall(r"[A-Za-z_]\w*", " ".join(lines)))
        found = []
        for dim in self.program.dims:
            if self.name(dim) in words:
                source = next((n for n in self.given if dim in self._shape(n).dims), None)
                if source is None:
                    raise UnsupportedError(f"no array of the program has {dim} rows or columns")
                axis = self._shape(source).dims.index(dim)
                found.append(f"{self.name(dim)} = {self.name(source)}.shape[{axis}]")
        return found
