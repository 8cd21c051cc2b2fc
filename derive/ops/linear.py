"""Leaves, sums, products, transposes: the operators that are linear in each argument.

Sources of the theorems: Petersen and Pedersen, The Matrix Cookbook (2012), section 2; Magnus and
Neudecker, Matrix Differential Calculus (2019), chapter 9. Each is proved anew in every document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.expressions import layout
from derive.expressions.expr import OPS, PRODUCT, SIGN, SUM, Expr, Op, Pullback
from derive.expressions.layout import ATOM, Box, num, op as sign, paren, row, sup
from derive.expressions.shape import SCALAR, Dim, Shape, broadcast, product


def _constant(pen: Any, e: Expr) -> tuple[Box, int]:
    return pen.constant(e.op, e.shape), ATOM


def _ones(pen: Any, e: Expr) -> tuple[Box, int]:
    """A column of ones, a row, or one times the other."""
    rows, cols = e.shape.dims
    if e.shape.is_scalar:
        return num(1), layout.PRODUCT
    if 1 in (rows, cols):
        return pen.constant(ONES, e.shape), layout.PRODUCT
    sides = (pen.constant(ONES, shape) for shape in (Shape(rows, 1), Shape(1, cols)))
    return pen.beside(*sides), layout.PRODUCT


def _sum(pen: Any, e: Expr) -> tuple[Box, int]:
    """A repeated number is written as the number; less a negative product is more of it."""
    a, b = (arg.args[0] if arg.op is BROADCAST and is_number(arg.args[0]) else arg
            for arg in e.args)  # fmt: skip
    minus = e.op is SUB
    second, strength = pen.of(b)
    if (
        strength == layout.SUM
        and b.name in ("mul", "div", "matmul")
        and second.parts[0] == sign("negative")
    ):
        minus, second, strength = not minus, row(*second.parts[1:]), layout.PRODUCT
    second = second if strength > layout.SUM else paren(second)
    return row(pen(a, layout.SUM), sign("minus" if minus else "plus"), second), layout.SUM


def _product(pen: Any, e: Expr) -> tuple[Box, int]:
    a, b = e.args
    if a.op is NUMBER and a.data == 1:
        return pen.of(b)
    bare = unsigned(e)
    if bare is not None:
        return row(sign("negative"), pen(bare)), layout.SUM
    right = pen(b, layout.PRODUCT + (b.op is MATMUL))
    return pen.beside(pen(a, layout.PRODUCT), right), layout.PRODUCT


def unsigned(e: Expr) -> Expr | None:
    """Return B C of (-B) C, whose sign stands in front of it on paper."""
    if e.op is not MATMUL:
        return None
    a, b = e.args
    bare = a.args[0] if a.op is NEG and a.args[0].op not in (ADD, SUB) else unsigned(a)
    return None if bare is None else MATMUL(bare, b)


def _transposed(pen: Any, e: Expr) -> tuple[Box, int]:
    (a,) = e.args
    if a.name == "inv":
        return sup(pen.based(a.args[0]), row(sign("negative"), sign("top"))), ATOM
    if pen.is_name(a):
        return pen.over(sup(pen.leaf(a), sign("top")), e.shape), ATOM
    base = pen(a, ATOM)
    base = paren(base) if base.kind in ("sup", "frac", "at", "under") else base
    return sup(base, sign("top")), ATOM


def _repeated(pen: Any, e: Expr) -> tuple[Box, int]:
    """1B for a row, b1ᵀ for a column, c11ᵀ for a scalar; a number stays a number."""
    (a,) = e.args
    if pen.is_multiple(a) and not a.shape.is_scalar:
        return pen.product(e)
    box, strength = pen.of(a)
    box = box if strength >= layout.PRODUCT else paren(box)
    if is_number(a):
        return box, strength
    if a.shape.is_scalar:
        return pen.beside(box, pen(ones(*e.shape.dims))), layout.PRODUCT
    if a.shape.rows != e.shape.rows:
        box = pen.beside(pen.constant(ONES, Shape(e.shape.rows, 1)), box)
    if a.shape.cols != e.shape.cols:
        box = pen.beside(box, pen.constant(ONES, Shape(1, e.shape.cols)))
    return box, layout.PRODUCT


def is_number(e: Expr) -> bool:
    """Whether an expression is a number or a dimension."""
    return e.op in (NUMBER, DIM)


VAR = Op(
    name="var",
    paper=lambda pen, e: (pen.over(pen.leaf(e), e.shape), ATOM),
    style="name",
    shape=lambda data: data[1],
    entry=lambda ix, i, j, data: ix.entry(data, i, j),
    takes_data=True,
)
NUMBER = Op(
    name="number",
    paper=lambda pen, e: pen.number(e.data),
    style="number",
    shape=lambda data: SCALAR,
    entry=lambda ix, i, j, data: ix.number(data),
    takes_data=True,
)
DIM = Op(
    name="dim",
    paper=lambda pen, e: (pen.dim(e.data), ATOM),
    style="name",
    shape=lambda data: SCALAR,
    entry=lambda ix, i, j, data: ix.size(data),
    takes_data=True,
)


def _filled(name: str, value: int, paper: Callable[..., tuple[Box, int]]) -> Op:
    """Return the table entry of the matrix of one number."""
    return Op(
        name=name,
        paper=paper,
        symbol=f"{name}({{rows}}, {{cols}})",
        shape=lambda data: data,
        entry=lambda ix, i, j, data: ix.number(value),
        takes_data=True,
        code={
            "numpy": f"np.{name}(({{rows}}, {{cols}}))",
            "torch": f"{{x}}.new_{name}(({{rows}}, {{cols}}))",
            "jax": f"jnp.{name}(({{rows}}, {{cols}}), dtype={{x}}.dtype)",
        },
    )


ONES, ZEROS = _filled("ones", 1, _ones), _filled("zeros", 0, _constant)
EYE = Op(
    name="eye",
    paper=_constant,
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
    paper=_sum,
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
    paper=_sum,
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
    paper=lambda pen, e: (
        row(sign("negative"), pen(e.args[0], layout.ENTRYWISE)),
        layout.SUM,
    ),
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
    paper=_product,
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
    paper=_transposed,
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
    paper=_repeated,
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
