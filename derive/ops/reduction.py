"""Sums, means and extrema, whole or along an axis that is kept, and the trace.

Sources of the theorems: Petersen and Pedersen, The Matrix Cookbook (2012), sections 2.4 and 2.5;
Goodfellow, Bengio and Courville, Deep Learning (2016), 9.3, for the maximum.
"""

from __future__ import annotations

from typing import Any

from derive.expressions import layout
from derive.expressions.expr import (
    OPS,
    Condition,
    Expr,
    Op,
    Pullback,
    broadcast_to,
    elementwise,
    extent_of,
)
from derive.expressions.shape import SCALAR, Dim, Shape, square
from derive.ops.elementwise import holds


def _spread(g: Expr, Y: Expr, A: Expr) -> Expr:
    return broadcast_to(g, A.shape)


def _identity(dim: Dim) -> Expr:
    return OPS["eye"](data=dim)


SUM_ALL = Op(
    name="sum",
    symbol="sum({})",
    shape=lambda data, a: SCALAR,
    entry=lambda ix, i, j, A: ix.sum(A.rows, lambda p: ix.sum(A.cols, lambda q: A[p, q])),
    pullbacks=(Pullback(_spread, because="total-rule"),),
)
SUM_ROWS = Op(
    name="sum_rows",
    symbol="sum({}, axis=0)",
    shape=lambda data, a: Shape(1, a.cols),
    entry=lambda ix, i, j, A: ix.sum(A.rows, lambda p: A[p, j]),
    pullbacks=(Pullback(_spread, because="total-rule"),),
)
SUM_COLS = Op(
    name="sum_cols",
    symbol="sum({}, axis=1)",
    shape=lambda data, a: Shape(a.rows, 1),
    entry=lambda ix, i, j, A: ix.sum(A.cols, lambda q: A[i, q]),
    pullbacks=(Pullback(_spread, because="total-rule"),),
)
MEAN = Op(
    name="mean",
    symbol="mean({})",
    shape=lambda data, a: SCALAR,
    entry=lambda ix, i, j, A: (
        ix.sum(A.rows, lambda p: ix.sum(A.cols, lambda q: A[p, q]))
        / (ix.size(A.rows) * ix.size(A.cols))
    ),
    pullbacks=(
        Pullback(
            lambda g, Y, A: broadcast_to(
                g / (extent_of(A.shape.rows) * extent_of(A.shape.cols)), A.shape
            ),
            because="mean-rule",
        ),
    ),
)
MEAN_ROWS = Op(
    name="mean_rows",
    symbol="mean({}, axis=0)",
    shape=lambda data, a: Shape(1, a.cols),
    entry=lambda ix, i, j, A: ix.sum(A.rows, lambda p: A[p, j]) / ix.size(A.rows),
    pullbacks=(
        Pullback(
            lambda g, Y, A: broadcast_to(g / extent_of(A.shape.rows), A.shape),
            because="mean-rule",
        ),
    ),
)
MEAN_COLS = Op(
    name="mean_cols",
    symbol="mean({}, axis=1)",
    shape=lambda data, a: Shape(a.rows, 1),
    entry=lambda ix, i, j, A: ix.sum(A.cols, lambda q: A[i, q]) / ix.size(A.cols),
    pullbacks=(
        Pullback(
            lambda g, Y, A: broadcast_to(g / extent_of(A.shape.cols), A.shape),
            because="mean-rule",
        ),
    ),
)
TRACE = Op(
    name="tr",
    symbol="tr({})",
    shape=lambda data, a: SCALAR if square(a) else a,
    entry=lambda ix, i, j, A: ix.sum(A.rows, lambda k: A[k, k]),
    pullbacks=(Pullback(lambda g, Y, A: g * _identity(A.shape.rows), because="trace-rule"),),
)


def extremum(word: str, axis: int | None) -> Op:
    """Return the table entry of `max` or `min`, along an axis or of all entries."""
    part = {None: "", 0: "-of-each-column", 1: "-of-each-row"}[axis]

    def shape(data: None, a: Shape) -> Shape:
        return Shape(1 if axis != 1 else a.rows, 1 if axis != 0 else a.cols)

    def entry(ix: Any, i: Any, j: Any, A: Any) -> Any:
        if axis is None:
            return ix.extremum(word, (A.rows, A.cols), lambda p, q: A[p, q])
        if axis == 0:
            return ix.extremum(word, (A.rows,), lambda p: A[p, j])
        return ix.extremum(word, (A.cols,), lambda q: A[i, q])

    def one_winner(data: None, A: Expr) -> tuple[Condition, ...]:
        extents = A.shape.dims if axis is None else (A.shape.dims[axis],)
        if all(dim == 1 for dim in extents):
            return ()
        return holds(f"unique-{word}{part}")(data, A)

    return Op(
        name=f"{word}{ {None: '_all', 0: '_rows', 1: '_cols'}[axis] }",
        symbol=f"{word}({{}}{'' if axis is None else f', axis={axis}'})",
        shape=shape,
        entry=entry,
        pullbacks=(Pullback(lambda g, Y, A: g * elementwise("eq", A, Y), because="maximum-rule"),),
        where=one_winner,
        head=layout.word({None: word, 0: f"col{word}", 1: f"row{word}"}[axis]),
    )


MAXIMA = tuple(extremum(word, axis) for word in ("max", "min") for axis in (None, 0, 1))

OPERATORS = (SUM_ALL, SUM_ROWS, SUM_COLS, MEAN, MEAN_ROWS, MEAN_COLS, TRACE, *MAXIMA)
