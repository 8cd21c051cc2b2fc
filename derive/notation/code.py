"""Expressions as code of NumPy, PyTorch or JAX, as the table says that a library writes them.

An expression enters, text that runs leaves. Every value is a matrix there too, so sums keep their
axes and scalars are 1×1. The law: what the table does not say is written by its definition.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import (
    ATOM,
    COMPARE,
    OPS,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Expr,
    Op,
    nodes,
    written_args,
)
from derive.expressions.shape import Dim, Product
from derive.ops.elementwise import WHERE, F
from derive.ops.linear import BROADCAST, MATMUL, ones
from derive.ops.unspecified import primed

# -- libraries -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Library:
    """What a library is imported as, and how it writes a constant, a number that is given and a
    function of a number of Python."""

    name: str
    alias: str
    imports: Mapping[str, str]
    number: str
    scalar: str
    plain: str

    def code(self, op: Op, data: Any = None) -> str | None:
        """Return how an operator is written, with places for its arguments, if the table says."""
        own = (self.name, "numpy", "any") if self.alias == "jnp" else (self.name, "any")
        own = own if op.along(data) else (f"{self.name} all", *own)
        found = next((op.code[name] for name in own if name in op.code), None)
        return found and found.replace("{lib}", self.alias).replace("{name}", op.name)


LIBRARIES = {
    lib.name: lib
    for lib in (
        Library(
            name="numpy",
            alias="np",
            imports={"np": "import numpy as np", "math": "import math"},
            number="np.full((1, 1), {0}, dtype=float)",
            scalar="np.asarray({0}, dtype=float).reshape(1, 1)",
            plain="np",
        ),
        Library(
            name="torch",
            alias="torch",
            imports={"torch": "import torch", "math": "import math"},
            number="{x}.new_full((1, 1), {0})",
            scalar="torch.as_tensor({0}).reshape(1, 1)",
            plain="math",
        ),
        Library(
            name="jax",
            alias="jnp",
            imports={"jax": "import jax", "jnp": "import jax.numpy as jnp", "math": "import math"},
            number="jnp.full((1, 1), {0}, dtype={x}.dtype)",
            scalar="jnp.asarray({0}, dtype=float).reshape(1, 1)",
            plain="jnp",
        ),
    )
}


def library(name: str) -> Library:
    """Return a library by its name."""
    if name not in LIBRARIES:
        raise UnsupportedError(
            f"there is no code for {name!r}", hint=f"there is {', '.join(LIBRARIES)}"
        )
    return LIBRARIES[name]


class _Argument(str):
    """Code for an argument, which knows its numbers of rows and columns."""

    rows: str
    cols: str


# -- writing ---------------------------------------------------------------------------------------


class Coder:
    """The writing of expressions in one library.

    `given` are arrays of the code around, the first of which other arrays are like, and `taken`
    names that it has; one that the library needs itself is written with an underscore. `numerals`
    are numbers as the user wrote them.

    >>> from derive.expressions.shape import Shape
    >>> from derive.ops import SUM as TOTAL, var
    >>> X, W = var("X", Shape("n", "d")), var("W", Shape("d", "m"))
    >>> Coder(library("numpy"), ["X", "W"]).array(TOTAL(X @ W, data=(0,)))
    'np.sum(X @ W, axis=0, keepdims=True)'
    """

    def __init__(
        self,
        lib: Library,
        given: Sequence[str],
        taken: Iterable[str] = (),
        numerals: Mapping[Fraction, str] | None = None,
    ):
        self.lib, self.given, self.numerals = lib, given, numerals or {}
        self.helpers: dict[str, str] = {}
        self.known: dict[Expr, tuple[str, int]] = {}
        taken = {*taken, *given}
        reserved = {*lib.imports, "float", "gradients"}
        self.renamed = {
            name: next(f"{name}{'_' * k}" for k in range(1, 99) if f"{name}{'_' * k}" not in taken)
            for name in taken
            if name in reserved
        }

    def helper(self, name: str) -> str:
        """Return the text of a helper that the code written so far calls."""
        return f"def _{name}(x):\n    " + self.helpers[name].replace("\n", "\n    ")

    def _need(self, name: str, body: str) -> None:
        """Take up a helper, after those that it calls."""
        for other in re.findall(r"\b_(\w+)\(", body):
            self._need(other, self.lib.code(OPS[other]) or "")
        self.helpers.setdefault(name, body)

    def name(self, name: str) -> str:
        return self.renamed.get(name, name)

    def array(self, expr: Expr) -> str:
        """Return code for an expression whose value is an array."""
        text = self.text(expr)[0]
        return self.lib.number.format(text, x=self._like) if self._is_number(expr) else text

    def text(self, root: Expr) -> tuple[str, int]:
        """Return code for an expression and how strongly it binds."""
        for node in nodes(root):
            if node not in self.known:
                self.known[node] = self._node(node)
        return self.known[root]

    def _is_number(self, node: Expr) -> bool:
        """Whether the code for a node is a number of Python, and no array."""
        if not node.args:
            return node.op.style in ("number", "name") and not node.is_var
        arithmetic = node.op.style in ("infix", "prefix", "power") and node.op is not MATMUL
        return (arithmetic or self._is_plain(node.op)) and all(
            self._is_number(arg) for arg in written_args(node)
        )

    @staticmethod
    def _is_plain(op: Op) -> bool:
        """Whether libraries and Python alike have a function by the name that it has here."""
        return "any" in op.code and bool(op.derivatives) and hasattr(math, op.name)

    def _node(self, node: Expr) -> tuple[str, int]:
        op = node.op
        if op is MATMUL:
            a, b = (f"({self.array(x)})" if self._is_number(x) else self._within(x, PRODUCT + k)
                    for k, x in enumerate(node.args))  # fmt: skip
            mixed = self.text(node.args[0])[1] == PRODUCT and node.args[0].op is not MATMUL
            return f"{f'({a})' if mixed else a} @ {b}", PRODUCT
        if op is BROADCAST:
            ones_of = self._written(ones(*node.shape.dims))
            return f"{self._within(node.args[0], PRODUCT)} * {ones_of}", PRODUCT
        match op.style:
            case "name":
                return self.name(str(node.data)), ATOM
            case "number":
                return _number(node.data, self.numerals.get(abs(node.data)))
            case "prefix":
                return f"{op.symbol}{self._within(node.args[0], POWER)}", SIGN
            case "power":
                exponent, strength = _number(node.data)
                base = self._within(node.args[0], ATOM)
                return f"{base} ** {exponent if strength == ATOM else f'({exponent})'}", POWER
            case "infix" if op.strength == COMPARE:
                return f"1.0 * ({self._mask(node)})", PRODUCT
            case "infix":
                left, right = written_args(node)
                a, b = self._within(left, op.strength), self._within(right, op.strength + 1)
                return f"{a} {op.symbol} {b}", op.strength
        if op.left_open:
            return f"{self.name(primed(*op.left_open))}({self.array(node.args[0])})", ATOM
        if op is WHERE and node.args[0].op.strength == COMPARE:
            if not self._is_number(node.args[0]):
                x, y = (self.array(arg) for arg in written_args(node)[1:])
                return f"{self.lib.alias}.where({self._mask(node.args[0])}, {x}, {y})", ATOM
        if self._is_plain(op) and self._is_number(node):
            return f"{self.lib.plain}.{op.name}({self.text(node.args[0])[0]})", ATOM
        if self.lib.code(op) is not None:
            return self._written(node), ATOM
        if node.meaning is not node:  # a function that was added to the table: by its definition
            return self.text(node.meaning)
        if op.through is not None:
            return self.text(op.through(F, *node.args))
        raise UnsupportedError(f"{op.name} has no code in {self.lib.name} yet")

    def _mask(self, node: Expr) -> str:
        a, b = written_args(node)
        return f"{self._within(a, SUM)} {node.op.symbol} {self._within(b, SUM)}"

    def _within(self, node: Expr, least: int) -> str:
        text, strength = self.text(node)
        return text if strength >= least else f"({text})"

    def _written(self, node: Expr) -> str:
        """Return what the library calls an operator, with its arguments put in."""
        code = self.lib.code(node.op, node.data) or ""
        args = written_args(node)
        if "return " in code:
            self._need(node.name, code)
            return f"_{node.name}({self.array(args[0])})"
        along = node.data[0] if node.op.along(node.data) else node.data
        return code.format(
            *(self._argument(arg, "{0}." in code or "{0} " in code) for arg in args),
            x=self._like,
            rows=self._dim(node.shape.rows),
            cols=self._dim(node.shape.cols),
            axes=along,
            axis=f", axis={along}" if node.op.along(node.data) else "",
        )

    def _argument(self, arg: Expr, bound: bool) -> _Argument:
        strength = ATOM if self._is_number(arg) else self.text(arg)[1]
        text = self.array(arg)
        found = _Argument(f"({text})" if bound and strength < ATOM else text)
        found.rows, found.cols = map(self._dim, arg.shape.dims)
        return found

    @property
    def _like(self) -> str:
        return self.name(self.given[0])

    def _dim(self, dim: Dim) -> str:
        if isinstance(dim, Product):
            return " * ".join(map(self._dim, dim.dims))
        return str(dim) if isinstance(dim, int) else self.name(dim)


def _number(value: Fraction, numeral: str | None = None) -> tuple[str, int]:
    if numeral is not None:
        return (numeral, ATOM) if value >= 0 else (f"-{numeral}", SIGN)
    if value.denominator != 1:
        return f"{value.numerator} / {value.denominator}", PRODUCT
    return str(value), ATOM if value >= 0 else SIGN
