"""Gradients as functions that run: NumPy, PyTorch or JAX.

A proved derivation enters, the text of a function leaves: the forward values that the gradients
need, then the gradients one after the other. Every value is a matrix there too, so sums keep their
axes and scalars are 1×1. Nothing is run here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from derive.catalogue import Entry
from derive.documents.code import Functions
from derive.documents.pipeline import Proof, Recurrence, prove
from derive.expressions.errors import UnsupportedError
from derive.expressions.limits import TIMEOUT, limited
from derive.language.assumptions import Assumptions
from derive.language.parse import Shapes
from derive.notation.code import library
from derive.notation.latex import BETWEEN_ROWS, latex
from derive.notation.mathematics import Notation


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
        self.latex = in_latex(proof)

    def _repr_latex_(self) -> str:
        lines = " \\\\\n".join(f"{left} &= {right}" for left, right in self.latex.items())
        lines = lines.replace(BETWEEN_ROWS, "[8pt]")  # which is TeX's, and no browser's
        return f"$$\\begin{{aligned}}\n{lines}\n\\end{{aligned}}$$"

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


def in_latex(proof: Proof) -> dict[str, str]:
    """Return the statements and gradients of a proof as LaTeX, left sides and right ones.

    >>> in_latex(prove("X: (n, d); y = sum(X)", detail="brief"))
    {'\\\\frac{\\\\partial y}{\\\\partial X}': '\\\\mathbf{1}\\\\mathbf{1}^{\\\\top}'}
    """
    if isinstance(proof, Recurrence):
        return {latex(left): latex(right) for left, right in proof.formulas()}
    notation = Notation(proof.derivation, proof.style)
    return {latex(notation.leaf(name)): latex(notation.expr(e)) for name, e in proof.lines}


def to_code(proof: Proof, name: str) -> str:
    """Return the gradients of a proved derivation as a function in `numpy`, `torch` or `jax`."""
    if isinstance(proof, Recurrence):
        raise UnsupportedError(
            "code is written for one number of layers, and this is about every one",
            hint="say how many: --layers 3",
        )
    return Functions(proof.derivation, name, proof.hypotheses).module()
