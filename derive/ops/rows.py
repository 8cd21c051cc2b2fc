"""Functions of whole rows and of whole matrices: softmax and its relatives, the norm, diagonals.

Sources of the theorems: Goodfellow, Bengio and Courville, Deep Learning (2016), 6.2.2, for softmax;
Petersen and Pedersen, The Matrix Cookbook (2012), 2.6, for the norm.
"""

from __future__ import annotations

from typing import Any

from derive.expressions.errors import ShapeError
from derive.expressions.expr import Expr, Op, Pullback
from derive.expressions.layout import ATOM, Box, paren, sub
from derive.expressions.shape import SCALAR, Shape, square
from derive.ops.elementwise import HALF, F, holds
from derive.ops.reduction import COLS, SUM


def _row_total(ix: Any, i: Any, A: Any) -> Any:
    return ix.sum(A.cols, lambda q: ix.function("exp", A[i, q]))


SOFTMAX = Op(
    name="softmax",
    flow="softmax",
    symbol="softmax({})",
    shape=lambda data, a: a,
    entry=lambda ix, i, j, A: ix.function("exp", A[i, j]) / _row_total(ix, i, A),
    formula=lambda A: F.exp(A) * (1 / SUM(F.exp(A), data=COLS)),
    code={
        "numpy": "e = {lib}.exp(x - {lib}.max(x, axis=1, keepdims=True))\n"
        "return e / {lib}.sum(e, axis=1, keepdims=True)",
        "torch": "torch.softmax({0}, dim=1)",
        "jax": "jax.nn.softmax({0}, axis=1)",
    },
    pullbacks=(Pullback(lambda g, Y, A: Y * (g - SUM(g * Y, data=COLS)), because="softmax-rule"),),
)
LOGSOFTMAX = Op(
    name="logsoftmax",
    symbol="logsoftmax({})",
    shape=lambda data, a: a,
    entry=lambda ix, i, j, A: A[i, j] - ix.function("log", _row_total(ix, i, A)),
    formula=lambda A: A - F.log(SUM(F.exp(A), data=COLS)),
    code={
        "numpy": "return x - _logsumexp(x)",
        "torch": "torch.log_softmax({0}, dim=1)",
        "jax": "jax.nn.log_softmax({0}, axis=1)",
    },
    pullbacks=(
        Pullback(lambda g, Y, A: g - SOFTMAX(A) * SUM(g, data=COLS), because="softmax-rule"),
    ),
    spelled=("log_softmax",),
)
LOGSUMEXP = Op(
    name="logsumexp",
    symbol="logsumexp({})",
    shape=lambda data, a: Shape(a.rows, 1),
    entry=lambda ix, i, j, A: ix.function("log", _row_total(ix, i, A)),
    formula=lambda A: F.log(SUM(F.exp(A), data=COLS)),
    code={
        "numpy": "m = {lib}.max(x, axis=1, keepdims=True)\n"
        "return m + {lib}.log({lib}.sum({lib}.exp(x - m), axis=1, keepdims=True))",
        "torch": "torch.logsumexp({0}, dim=1, keepdim=True)",
        "jax": "jax.nn.logsumexp({0}, axis=1, keepdims=True)",
    },
    pullbacks=(Pullback(lambda g, Y, A: g * SOFTMAX(A), because="softmax-rule"),),
)


def _norm(pen: Any, e: Expr) -> tuple[Box, int]:
    inside = paren(pen(e.args[0]), "double-bars")
    vector = 1 in e.args[0].shape.dims
    return inside if vector else sub(inside, Box("id", text="F")), ATOM


NORM = Op(
    paper=_norm,
    name="norm",
    gate=("‖ ‖", r"\lVert\ \rVert"),
    flow="norm",
    symbol="norm({})",
    shape=lambda data, a: SCALAR,
    entry=lambda ix, i, j, A: (
        ix.sum(A.rows, lambda p: ix.sum(A.cols, lambda q: A[p, q] ** 2)) ** HALF
    ),
    pullbacks=(Pullback(lambda g, Y, A: g * A / Y, because="norm-rule"),),
    where=lambda data, A: holds("nonzero-matrix")(data, A),
    formula=lambda A: F.sqrt(SUM(A**2)),
    code={
        "numpy": "{lib}.linalg.norm({0}, keepdims=True)",
        "torch": "torch.sqrt(torch.sum({0} ** 2, dim=(0, 1), keepdim=True))",
    },
)


def _square_of(data: Any, a: Shape) -> Shape:
    if 1 not in a.dims:
        raise ShapeError(f"diag takes a row or a column, this matrix is {a}")
    extent = a.rows if a.cols == 1 else a.cols
    return Shape(extent, extent)


def _on_diagonal(ix: Any, i: Any, j: Any, v: Any) -> Any:
    return ix.delta(i, j) * (v[i, 0] if v.cols == 1 else v[0, j])


def _off_diagonal(g: Expr, Y: Expr, v: Expr) -> Expr:
    found = DIAGONAL(g)
    return found if v.shape.cols == 1 else found.T


DIAG = Op(
    name="diag",
    symbol="diag({})",
    shape=_square_of,
    entry=_on_diagonal,
    pullbacks=(Pullback(_off_diagonal, because="diagonal-rule"),),
    code={
        "numpy": "np.diagflat({0})",
        "torch": "torch.diag({0}.reshape(-1))",
        "jax": "jnp.diag({0}.reshape(-1))",
    },
    sympy="DiagMatrix",
)
DIAGONAL = Op(
    name="diagonal",
    symbol="diagonal({})",
    shape=lambda data, a: Shape(square(a).rows, 1),
    entry=lambda ix, i, j, A: A[i, i],
    pullbacks=(Pullback(lambda g, Y, A: DIAG(g), because="diagonal-rule"),),
    code={"any": "{lib}.diagonal({0}).reshape(-1, 1)"},
    sympy="DiagonalOf",
)


def _along(v: Any, i: Any) -> Any:
    return v[i, 0] if v.cols == 1 else v[0, i]


def _column(v: Expr) -> Expr:
    return v if v.shape.cols == 1 else v.T


def _like(v: Expr, column: Expr) -> Expr:
    return column if v.shape.cols == 1 else column.T


OUTER = Op(
    name="outer",
    symbol="outer({})",
    shape=lambda data, u, v: Shape(_square_of(data, u).rows, _square_of(data, v).rows),
    entry=lambda ix, i, j, u, v: _along(u, i) * _along(v, j),
    pullbacks=(
        Pullback(lambda g, Y, u, v: _like(u, g @ _column(v)), because="product-rule-left"),
        Pullback(lambda g, Y, u, v: _like(v, g.T @ _column(u)), because="product-rule-right"),
    ),
    formula=lambda u, v: _column(u) @ _column(v).T,
)

#: Those that work row by row, where a library would say along which axis.
ROWWISE = (SOFTMAX, LOGSOFTMAX, LOGSUMEXP)
OPERATORS = (SOFTMAX, LOGSOFTMAX, LOGSUMEXP, NORM, DIAG, DIAGONAL, OUTER)
