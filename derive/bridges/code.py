"""Gradients as functions that run: NumPy, PyTorch or JAX.

A proved derivation enters, the text of a function leaves: the forward values that the gradients
need, then the gradients one after the other. Every value is a matrix there too, so sums keep their
axes and scalars are 1×1. Nothing is run here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.documents.pipeline import Proof, prove
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import (
    ATOM,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Expr,
    nodes,
    variables,
    written_args,
)
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.shape import Dim, Product, Shape
from derive.language.assumptions import Assumptions, said
from derive.language.parse import Shapes
from derive.ops.elementwise import F
from derive.proof.derivation import Derivation


def gradient(
    program: str,
    shapes: Shapes | None = None,
    *,
    wrt: Sequence[str] | None = None,
    assume: Assumptions | None = None,
    code: str | None = None,
    timeout: float | None = TIMEOUT,
) -> Gradients | str:
    """Return a program's gradients, proved first: formulas by name, or a function that runs.

    >>> gradient("X: (n, d); w: (d, 1); y = X @ w")
    {'X': 'dy @ w.T', 'w': 'X.T @ dy'}
    >>> print(gradient("X: (n, d); w: (d, 1); y = X @ w", wrt=["w"], code="numpy"))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def gradients(X, w, dy):
        \"\"\"The gradient of y = X @ w: X is n×d, w is d×1, dy is n×1.\"\"\"
        dw = X.T @ dy
        return {"w": dw}
    <BLANKLINE>

    The formulas are a dictionary whose `where` tells the hypotheses. `assume` is what holds of an
    input, and makes formulas shorter; `code` is numpy, torch or jax. Raises what `derive.prove`
    raises.
    """
    if code is not None:
        library(code)
    with limited(timeout):
        proof = prove(program, shapes, wrt=wrt, assume=assume, detail="brief", timeout=None)
        return Gradients(proof) if code is None else to_code(proof, code)


class Gradients(dict[str, str]):
    """Gradients by name, in input syntax; `where` is what must hold of the sizes and the inputs.

    >>> gradient("x: (n, 1); L = sum(log(x)) / (n - 1)").where
    ('n ≥ 2', 'every entry of x is positive')
    """

    def __init__(self, proof: Proof):
        super().__init__(proof.gradients)
        self.where = proof.hypotheses


def to_code(proof: Proof, name: str) -> str:
    """Return the gradients of a proved derivation as a function in `numpy`, `torch` or `jax`."""
    return _Writer(proof.derivation, library(name), proof.hypotheses).module()


# -- libraries -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Library:
    """How a library writes an operator: as a call, or with a helper that takes `x`.

    In a call `{0}` is the argument, `{x}` the first array of the program, whose kind constants get.
    """

    name: str
    alias: str
    imports: Mapping[str, str]
    constants: Mapping[str, str]
    calls: Mapping[str, str]
    helpers: Mapping[str, str]


def library(name: str) -> Library:
    """Return a library by its name."""
    if name not in LIBRARIES:
        raise UnsupportedError(
            f"there is no code for {name!r}", hint=f"there is {', '.join(LIBRARIES)}"
        )
    return LIBRARIES[name]


_PLAIN = "exp log sin cos tan sinh cosh tanh sqrt abs sign".split()

NUMPY = Library(
    name="numpy",
    alias="np",
    imports={"np": "import numpy as np", "math": "import math"},
    constants={
        "number": "np.full((1, 1), {0}, dtype=float)",
        "scalar": "np.asarray({0}, dtype=float).reshape(1, 1)",
        "ones": "np.ones(({rows}, {cols}))",
        "zeros": "np.zeros(({rows}, {cols}))",
        "eye": "np.eye({rows})",
    },
    calls={
        **{name: f"np.{name}({{0}})" for name in _PLAIN},
        "relu": "np.maximum({0}, 0)",
        "max": "np.maximum({0}, {1})",
        "min": "np.minimum({0}, {1})",
        "softplus": "np.logaddexp({0}, 0)",
        "sum": "np.sum({0}{axis}, keepdims=True)",
        "mean": "np.mean({0}{axis}, keepdims=True)",
        "amax": "np.max({0}{axis}, keepdims=True)",
        "amin": "np.min({0}{axis}, keepdims=True)",
        "tr": "np.trace({0}).reshape(1, 1)",
        "diag": "np.diagflat({0})",
        "diagonal": "np.diagonal({0}).reshape(-1, 1)",
        "norm": "np.linalg.norm({0}, keepdims=True)",
        "det": "np.linalg.det({0}).reshape(1, 1)",
        "inv": "np.linalg.inv({0})",
        "kron": "np.kron({0}, {1})",
    },
    helpers={
        "sigmoid": "return (1 + np.tanh(x / 2)) / 2",
        "softmax": "e = np.exp(x - np.max(x, axis=1, keepdims=True))\n"
        "return e / np.sum(e, axis=1, keepdims=True)",
        "logsumexp": "m = np.max(x, axis=1, keepdims=True)\n"
        "return m + np.log(np.sum(np.exp(x - m), axis=1, keepdims=True))",
        "logsoftmax": "return x - _logsumexp(x)",
        "silu": "return x * _sigmoid(x)",
        "gelu": "return x * _normcdf(x)",
        "normcdf": "return (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2))) / 2",
        "normpdf": "return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)",
        "logdet": "sign, size = np.linalg.slogdet(x)\n"
        "return np.where(sign > 0, size, np.nan).reshape(1, 1)",
    },
)

TORCH = Library(
    name="torch",
    alias="torch",
    imports={"torch": "import torch", "math": "import math"},
    constants={
        "number": "{x}.new_full((1, 1), {0})",
        "scalar": "torch.as_tensor({0}).reshape(1, 1)",
        "ones": "{x}.new_ones(({rows}, {cols}))",
        "zeros": "{x}.new_zeros(({rows}, {cols}))",
        "eye": "torch.eye({rows}).to({x})",
    },
    calls={
        **{name: f"torch.{name}({{0}})" for name in _PLAIN},
        "relu": "torch.relu({0})",
        "max": "torch.maximum({0}, {1})",
        "min": "torch.minimum({0}, {1})",
        "sigmoid": "torch.sigmoid({0})",
        "softmax": "torch.softmax({0}, dim=1)",
        "logsoftmax": "torch.log_softmax({0}, dim=1)",
        "logsumexp": "torch.logsumexp({0}, dim=1, keepdim=True)",
        "normcdf": "torch.special.ndtr({0})",
        "sum": "torch.sum({0}, dim={axes}, keepdim=True)",
        "mean": "torch.mean({0}, dim={axes}, keepdim=True)",
        "amax": "torch.amax({0}, dim={axes}, keepdim=True)",
        "amin": "torch.amin({0}, dim={axes}, keepdim=True)",
        "tr": "torch.trace({0}).reshape(1, 1)",
        "diag": "torch.diag({0}.reshape(-1))",
        "diagonal": "torch.diagonal({0}).reshape(-1, 1)",
        "norm": "torch.sqrt(torch.sum({0} ** 2, dim=(0, 1), keepdim=True))",
        "det": "torch.linalg.det({0}).reshape(1, 1)",
        "logdet": "torch.logdet({0}).reshape(1, 1)",
        "inv": "torch.linalg.inv({0})",
        "kron": "torch.kron({0}, {1})",
    },
    helpers={
        "softplus": "return torch.logaddexp(x, torch.zeros_like(x))",
        "silu": "return x * torch.sigmoid(x)",
        "gelu": "return x * torch.special.ndtr(x)",
        "normpdf": "return torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)",
    },
)

JAX = Library(
    name="jax",
    alias="jnp",
    imports={"jax": "import jax", "jnp": "import jax.numpy as jnp", "math": "import math"},
    constants={
        "number": "jnp.full((1, 1), {0}, dtype={x}.dtype)",
        "scalar": "jnp.asarray({0}, dtype=float).reshape(1, 1)",
        "ones": "jnp.ones(({rows}, {cols}), dtype={x}.dtype)",
        "zeros": "jnp.zeros(({rows}, {cols}), dtype={x}.dtype)",
        "eye": "jnp.eye({rows}, dtype={x}.dtype)",
    },
    calls={
        **{
            name: call.replace("np.", "jnp.")
            for name, call in NUMPY.calls.items()
            if name != "diag"
        },
        "relu": "jax.nn.relu({0})",
        "sigmoid": "jax.nn.sigmoid({0})",
        "softplus": "jax.nn.softplus({0})",
        "softmax": "jax.nn.softmax({0}, axis=1)",
        "logsoftmax": "jax.nn.log_softmax({0}, axis=1)",
        "logsumexp": "jax.nn.logsumexp({0}, axis=1, keepdims=True)",
        "silu": "jax.nn.silu({0})",
        "gelu": "jax.nn.gelu({0}, approximate=False)",
        "normcdf": "jax.scipy.special.ndtr({0})",
        "diag": "jnp.diag({0}.reshape(-1))",
    },
    helpers={
        "normpdf": "return jnp.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)",
        "logdet": NUMPY.helpers["logdet"].replace("np.", "jnp."),
    },
)
LIBRARIES = {lib.name: lib for lib in (NUMPY, TORCH, JAX)}


# -- writing ---------------------------------------------------------------------------------------


class _Writer:
    """One function of one derivation in one library."""

    def __init__(self, derivation: Derivation, lib: Library, hypotheses: Sequence[str] = ()):
        self.derivation, self.hypotheses = derivation, hypotheses
        self.program = derivation.program.with_numbers()
        written = derivation.program.in_numbers
        self.backward = {name: written(value) for name, value in derivation.backward.items()}
        self.lib = lib
        self.helpers: dict[str, None] = {}
        self.known: dict[Expr, tuple[str, int]] = {}
        output = self.program.output
        self.given = [*self.program.inputs, *([] if self.program.is_loss else [f"d{output}"])]
        taken = {*self.program.leaves, *self.program.dims}
        taken |= {f"d{name}" for name in self.program.leaves}
        reserved = {*lib.imports, "float", "gradients"}
        self.renamed = {
            name: next(f"{name}{'_' * k}" for k in range(1, 99) if f"{name}{'_' * k}" not in taken)
            for name in taken
            if name in reserved
        }

    def module(self) -> str:
        """Return the text of the function, its imports and its helpers before it."""
        body = self._body()
        helpers = [
            f"def _{name}(x):\n    " + self.lib.helpers[name].replace("\n", "\n    ")
            for name in self._ordered_helpers()
        ]
        text = "\n".join([*helpers, body])
        imports = [line for word, line in self.lib.imports.items() if f"{word}." in text]
        main = self.lib.imports[self.lib.alias]
        imports = imports if main in imports else [main, *imports]
        return "\n\n\n".join(["\n".join(sorted(imports)), *helpers, body]) + "\n"

    def _ordered_helpers(self) -> list[str]:
        found: list[str] = []

        def need(name: str) -> None:
            for other in self.lib.helpers:
                if f"_{other}(" in self.lib.helpers[name]:
                    need(other)
            if name not in found:
                found.append(name)

        for name in self.helpers:
            need(name)
        return found

    def _body(self) -> str:
        program, backward = self.program, self.backward
        lines = [
            f"{self.name(name)} = {self.lib.constants['scalar'].format(self.name(name))}"
            for name in self.given
            if self._shape(name).is_scalar
        ]
        written: list[str] = []
        needed = self._needed()
        for statement in program.statements:
            if statement.name in needed:
                written.append(f"{self.name(statement.name)} = {self.array(statement.expr)}")
        for name, value in backward.items():
            written.append(f"{self.name(f'd{name}')} = {self.array(value)}")
        dims = self._dims([*written, *lines])
        answer = ", ".join(f'"{name}": {self.name(f"d{name}")}' for name in self.derivation.wrt)
        head = f"def gradients({', '.join(self.name(name) for name in self.given)}):"
        every = [self._docstring(), *lines, *dims, *written, f"return {{{answer}}}"]
        return "\n    ".join([head, *every])

    def _docstring(self) -> str:
        program = self.program
        what = "; ".join(program.lines())
        shapes = ", ".join(f"{name} is {self._shape(name)}" for name in self.given)
        plural = "s" if len(self.derivation.wrt) > 1 else ""
        assumed = said(self.derivation.assumed, self.name)
        words = [one["says"].format(one["name"]) for one in assumed]
        where = " and ".join([*words, *self.hypotheses])
        return f'"""The gradient{plural} of {what}: {shapes}{", where " * bool(where)}{where}."""'

    def _shape(self, name: str) -> Shape:
        return self.program.leaves[name if name in self.program.leaves else name[1:]].shape

    def _needed(self) -> set[str]:
        """Return the assigned names that the gradients use, and those that these use."""
        used = {v.data[0] for value in self.backward.values() for v in variables(value)}
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

    # -- expressions -------------------------------------------------------------------------------

    def name(self, name: str) -> str:
        return self.renamed.get(name, name)

    def array(self, expr: Expr) -> str:
        """Return code for an expression whose value is an array."""
        text = self.text(expr)[0]
        return self._constant("number", text) if self._is_number(expr) else text

    def text(self, root: Expr) -> tuple[str, int]:
        """Return code for an expression and how strongly it binds."""
        for node in nodes(root):
            if node not in self.known:
                self.known[node] = self._node(node)
        return self.known[root]

    def _is_number(self, node: Expr) -> bool:
        """Whether the code for a node is a number of Python, and no array."""
        if node.name in ("number", "dim"):
            return True
        arithmetic = node.op.style in ("infix", "prefix", "power") and node.name != "matmul"
        return arithmetic and all(self._is_number(arg) for arg in written_args(node))

    def _node(self, node: Expr) -> tuple[str, int]:
        match node.name:
            case "var":
                return self.name(node.data[0]), ATOM
            case "number":
                return _number(node.data)
            case "dim":
                return self.name(node.data), ATOM
            case "ones" | "zeros" | "eye":
                return self._matrix(node.name, node.shape), ATOM
            case "vec":
                return f"{self._within(node.args[0], ATOM)}.T.reshape(-1, 1)", ATOM
            case "unvec":
                rows, cols = map(self._dim, node.shape.dims)
                return f"{self._within(node.args[0], ATOM)}.reshape({cols}, {rows}).T", ATOM
            case "kron_left" | "kron_right":
                return self._kron_part(node), ATOM
            case "transpose":
                inside = f"({self.array(node.args[0])})"
                text = self._within(node.args[0], ATOM)
                return f"{inside if self._is_number(node.args[0]) else text}.T", ATOM
            case "neg":
                return f"-{self._within(node.args[0], POWER)}", SIGN
            case "pow":
                exponent, strength = _number(node.data)
                base = self._within(node.args[0], ATOM)
                return f"{base} ** {exponent if strength == ATOM else f'({exponent})'}", POWER
            case "gt" | "eq":
                return f"1.0 * ({self._mask(node)})", PRODUCT
            case "broadcast_to":
                shape = self._matrix("ones", node.shape)
                return f"{self._within(node.args[0], PRODUCT)} * {shape}", PRODUCT
            case "matmul":
                a, b = (f"({self.array(x)})" if self._is_number(x) else self._within(x, PRODUCT + k)
                        for k, x in enumerate(node.args))  # fmt: skip
                mixed = node.args[0].name in ("mul", "div", "broadcast_to", "gt", "eq")
                return f"{f'({a})' if mixed else a} @ {b}", PRODUCT
        if node.op.style == "infix":
            left, right = written_args(node)
            strength = node.op.strength
            a, b = self._within(left, strength), self._within(right, strength + 1)
            return f"{a} {node.op.symbol} {b}", strength
        return self._call(node)

    def _kron_part(self, node: Expr) -> str:
        """Return code for the gradient of a factor: blocks summed against the other factor."""
        own, other = node.shape.dims, node.args[1].shape.dims
        outer, inner = (own, other) if node.name == "kron_left" else (other, own)
        dims = (outer[0], inner[0], outer[1], inner[1])
        places = "ikjl,kl->ij" if node.name == "kron_left" else "kilj,kl->ij"
        blocks = f"{self._within(node.args[0], ATOM)}.reshape({', '.join(map(self._dim, dims))})"
        return f'{self.lib.alias}.einsum("{places}", {blocks}, {self.array(node.args[1])})'

    def _mask(self, node: Expr) -> str:
        a, b = written_args(node)
        return f"{self._within(a, SUM)} {node.op.symbol} {self._within(b, SUM)}"

    def _within(self, node: Expr, least: int) -> str:
        text, strength = self.text(node)
        return text if strength >= least else f"({text})"

    def _call(self, node: Expr) -> tuple[str, int]:
        name, args = node.name, node.args
        if len(args) == 2:
            args = written_args(node)
        if name == "where" and args[0].name in ("gt", "eq"):
            if not self._is_number(args[0]):
                x, y = (self.array(arg) for arg in args[1:])
                return f"{self.lib.alias}.where({self._mask(args[0])}, {x}, {y})", ATOM
        call = self.lib.calls.get(name)
        if call is not None:
            atom = "{0}." in call or "{0} " in call
            texts = [f"({text})" if atom else text for text in map(self.array, args)]
            axes = node.data[0] if node.op.along(node.data) else node.data
            axis = f", axis={axes}" if node.op.along(node.data) else ""
            return call.format(*texts, x=self._like, axis=axis, axes=axes), ATOM
        if name in self.lib.helpers:
            self.helpers[name] = None
            return f"_{name}({self.array(args[0])})", ATOM
        if node.op.through is not None:  # a function that was added to the table: by its definition
            return self.text(node.op.through(F, *node.args))
        raise UnsupportedError(f"{name} has no code in {self.lib.name} yet")

    @property
    def _like(self) -> str:
        return self.name(self.given[0])

    def _constant(self, kind: str, text: str) -> str:
        return self.lib.constants[kind].format(text, x=self._like)

    def _matrix(self, kind: str, shape: Shape) -> str:
        return self.lib.constants[kind].format(
            x=self._like, rows=self._dim(shape.rows), cols=self._dim(shape.cols)
        )

    def _dim(self, dim: Dim) -> str:
        if isinstance(dim, Product):
            return " * ".join(map(self._dim, dim.dims))
        return str(dim) if isinstance(dim, int) else self.name(dim)


def _number(value: Fraction) -> tuple[str, int]:
    if value.denominator != 1:
        return f"{value.numerator} / {value.denominator}", PRODUCT
    return str(value), ATOM if value >= 0 else SIGN
