"""Leaves, sums, products, transposes: the operators that are linear in each argument.

Sources of the theorems: Petersen and Pedersen, The Matrix Cookbook (2012), section 2; Magnus and
Neudecker, Matrix Differential Calculus (2019), chapter 9. Each is proved anew in every document.
"""

from __future__ import annotations

from derive.expressions.expr import OPS, PRODUCT, SIGN, SUM, Expr, Op, Pullback
from derive.expressions.shape import SCALAR, Dim, Shape, broadcast, product

VAR = Op(
    name="var",
    style="name",
    shape=lambda data: data[1],
    entry=lambda ix, i, j, data: ix.entry(data, i, j),
    takes_data=True,
)
NUMBER = Op(
    name="number",
    style="number",
    shape=lambda data: SCALAR,
    entry=lambda ix, i, j, data: ix.number(data),
    takes_data=True,
)
DIM = Op(
    name="dim",
    style="name",
    shape=lambda data: SCALAR,
    entry=lambda ix, i, j, data: ix.size(data),
    takes_data=True,
)
ONES = Op(
    name="ones",
    symbol="ones({rows}, {cols})",
    shape=lambda data: data,
    entry=lambda ix, i, j, data: ix.number(1),
    takes_data=True,
    code={
        "numpy": "np.ones(({rows}, {cols}))",
        "torch": "{x}.new_ones(({rows}, {cols}))",
        "jax": "jnp.ones(({rows}, {cols}), dtype={x}.dtype)",
    },
)
ZEROS = Op(
    name="zeros",
    symbol="zeros({rows}, {cols})",
    shape=lambda data: data,
    entry=lambda ix, i, j, data: ix.number(0),
    takes_data=True,
    code={
        "numpy": "np.zeros(({rows}, {cols}))",
        "torch": "{x}.new_zeros(({rows}, {cols}))",
        "jax": "jnp.zeros(({rows}, {cols}), dtype={x}.dtype)",
    },
)
EYE = Op(
    name="eye",
    symbol="eye({rows})",
    shape=lambda data: Shape(data, data),
    entry=lambda ix, i, j, data: ix.number(1) if data == 1 else ix.delta(i, j),
    takes_data=True,
    code={
        "numpy": "np.eye({rows})",
        "torch": "torch.eye({rows}).to({x})",
        "jax": "jnp.eye({rows}, dtype={x}.dtype)",
    },
)
ADD = Op(
    name="add",
    gate=("+", "+"),
    flow="add",
    symbol="+",
    style="infix",
    strength=SUM,
    shape=lambda data, a, b: broadcast(a, b),
    entry=lambda ix, i, j, A, B: A[i, j] + B[i, j],
    pullbacks=(
        Pullback(lambda g, Y, A, B: g, because="sum-rule"),
        Pullback(lambda g, Y, A, B: g, because="sum-rule"),
    ),
)
SUB = Op(
    name="sub",
    gate=("−", "-"),
    flow="sub",
    symbol="-",
    style="infix",
    strength=SUM,
    shape=lambda data, a, b: broadcast(a, b),
    entry=lambda ix, i, j, A, B: A[i, j] - B[i, j],
    pullbacks=(
        Pullback(lambda g, Y, A, B: g, because="difference-rule"),
        Pullback(lambda g, Y, A, B: -g, because="difference-rule"),
    ),
    spelled=("subtract",),
)
NEG = Op(
    name="neg",
    gate=("×(−1)", r"\times(-1)"),
    flow="negate",
    symbol="-",
    style="prefix",
    strength=SIGN,
    shape=lambda data, a: a,
    entry=lambda ix, i, j, A: -A[i, j],
    pullbacks=(Pullback(lambda g, Y, A: -g, because="negation-rule"),),
)
MATMUL = Op(
    name="matmul",
    gate=("@", "@"),
    flow="matmul",
    symbol="@",
    style="infix",
    strength=PRODUCT,
    shape=lambda data, a, b: product(a, b),
    entry=lambda ix, i, j, A, B: ix.sum(A.cols, lambda k: A[i, k] * B[k, j]),
    pullbacks=(
        Pullback(lambda g, Y, A, B: g @ B.T, because="product-rule-left"),
        Pullback(lambda g, Y, A, B: A.T @ g, because="product-rule-right"),
    ),
    spelled=("mm", "dot"),
)
TRANSPOSE = Op(
    name="transpose",
    gate=("ᵀ", r"\top"),
    flow="transpose",
    symbol=".T",
    style="postfix",
    shape=lambda data, a: a.T,
    entry=lambda ix, i, j, A: A[j, i],
    pullbacks=(Pullback(lambda g, Y, A: g.T, because="transpose-rule"),),
    code={"any": "{0}.T"},
    sympy="Transpose",
)


def _repeat(data: Shape, a: Shape) -> Shape:
    if broadcast(a, data) != data:
        raise ValueError(f"{a} does not broadcast to {data}")
    return data


def _gather(g: Expr, Y: Expr, A: Expr, data: Shape) -> Expr:
    """Sum `g` over each axis along which `A` was repeated."""
    axes = (axis for axis, dim in enumerate(A.shape.dims) if dim != data.dims[axis])
    return OPS["sum"](g, data=tuple(axes))


BROADCAST = Op(
    name="broadcast_to",
    gate=("repeat", r"\text{repeat}"),
    flow="repeat",
    symbol="broadcast_to({}, ({rows}, {cols}))",
    shape=_repeat,
    entry=lambda ix, i, j, A, data: A[0 if A.rows == 1 else i, 0 if A.cols == 1 else j],
    pullbacks=(Pullback(_gather, because="broadcast-rule"),),
    takes_data=True,
)


def var(name: str, shape: Shape) -> Expr:
    """Return a variable.

    >>> var("X", Shape("n", "d"))
    <X : n×d>
    """
    return VAR(data=Leaf(name, shape))


class Leaf(tuple):
    """A variable's name and shape; prints as its name."""

    __slots__ = ()

    def __new__(cls, name: str, shape: Shape) -> Leaf:
        return super().__new__(cls, (name, shape))

    def __str__(self) -> str:
        return self[0]


def ones(rows: Dim, cols: Dim) -> Expr:
    """Return the matrix of ones."""
    return ONES(data=Shape(rows, cols))


OPERATORS = (
    VAR, NUMBER, DIM, ONES, ZEROS, EYE, ADD, SUB, NEG, MATMUL, TRANSPOSE, BROADCAST,
)  # fmt: skip
