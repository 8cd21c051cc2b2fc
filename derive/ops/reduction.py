"""Sums, means and extrema over axes that are kept, and the trace.

The axes are data, a tuple: those of a matrix are `ROWS`, along which the rows are gathered into
one, `COLS`, and `ALL`. Sources of the theorems: Petersen and Pedersen, The Matrix Cookbook (2012),
sections 2.4 and 2.5; Goodfellow, Bengio and Courville, Deep Learning (2016), 9.3, for the maximum.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import mul
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
from derive.ops.elementwise import SHARED, holds, is_step
from derive.ops.linear import ONES

Axes = tuple[int, ...]
ALL: Axes = (0, 1)
ROWS: Axes = (0,)
COLS: Axes = (1,)


def over(axes: Axes, place: tuple[Any, ...], A: Any) -> tuple[list[Any], Callable[..., Any]]:
    """Return the dimensions along axes, and A's entry at indices there, else at `place`."""

    def entry(*indices: Any) -> Any:
        inside = dict(zip(axes, indices, strict=True))
        return A[tuple(inside.get(axis, index) for axis, index in enumerate(place))]

    return [(A.rows, A.cols)[axis] for axis in axes], entry


def total(ix: Any, i: Any, j: Any, A: Any, data: Axes) -> Any:
    """Return the sum of the entries of A along axes."""
    dims, entry = over(data, (i, j), A)

    def summed(*indices: Any) -> Any:
        if len(indices) == len(dims):
            return entry(*indices)
        return ix.sum(dims[len(indices)], lambda k: summed(*indices, k))

    return summed()


def terms(shape: Shape, axes: Axes) -> Expr:
    """Return how many entries there are along axes."""
    return reduce(mul, map(extent_of, shape.along(axes)))


def along(name: str, torch: str = "") -> dict[str, str]:
    """Return the code of a reduction that libraries have by a name."""
    return {
        "numpy": f"{{lib}}.{name}({{0}}{{axis}}, keepdims=True)",
        "torch": f"torch.{torch or name}({{0}}, dim={{axes}}, keepdim=True)",
    }


def _written(pen: Any, e: Expr) -> tuple[layout.Box, int]:
    """Along one axis a product with ones; of a mean, a fraction of it."""
    if e.data == ALL:
        return pen.function(e)
    ((axis,), (dim,)) = e.data, e.args[0].shape.along(e.data)
    ones = pen.constant(ONES, Shape(1, dim) if axis == 0 else Shape(dim, 1))
    sides = (ones, pen(e.args[0], layout.PRODUCT))
    product = pen.beside(*(sides if axis == 0 else reversed(sides)))
    if e.op is MEAN:
        product = pen.beside(layout.frac(layout.num(1), pen.dim(dim)), product)
    return product, layout.PRODUCT


def reduction(name: str, entry: Callable[..., Any], rule: Callable[..., Expr], **facts: Any) -> Op:
    """Return the table entry of a function of the entries along axes."""
    return Op(
        name=name,
        symbol=f"{facts.pop('called', name)}({{}})",
        shape=lambda data, a: a.without(data),
        entry=entry,
        pullbacks=(Pullback(rule, because=facts.pop("because")),),
        takes_data=True,
        axes=(ALL, ROWS, COLS),
        **facts,
    )


SUM = reduction(
    "sum",
    total,
    lambda g, Y, A, data: broadcast_to(g, A.shape),
    because="total-rule",
    gate=("Σ", r"\Sigma"),
    flow="sum",
    code=along("sum"),
    paper=_written,
)
MEAN = reduction(
    "mean",
    lambda ix, i, j, A, data: (
        total(ix, i, j, A, data) / reduce(mul, map(ix.size, over(data, (i, j), A)[0]))
    ),
    lambda g, Y, A, data: broadcast_to(g / terms(A.shape, data), A.shape),
    because="mean-rule",
    formula=lambda A, data: SUM(A, data=data) / terms(A.shape, data),
    flow="mean",
    code=along("mean"),
    paper=_written,
)


def by_axis(word: str) -> Callable[[Axes], layout.Box]:
    """Return what a function of columns or of rows is called on paper: colmax, rowmax, max."""
    names = {ROWS: f"col{word}", COLS: f"row{word}"}
    return lambda data: layout.word(names.get(data, word))


def _product(ix: Any, i: Any, j: Any, A: Any, data: Axes) -> Any:
    dims, entry = over(data, (i, j), A)
    return ix.extremum("prod", tuple(dims), entry)


PROD = reduction(
    "prod",
    _product,
    lambda g, Y, A, data: g * Y / A,
    because="product-rule",
    where=lambda data, A: holds("nonzero")(data, A),
    head=by_axis("prod"),
    code={
        "numpy": "{lib}.prod({0}{axis}, keepdims=True)",
        "torch": "torch.prod({0}, dim={axes}, keepdim=True)",
        "torch all": "torch.prod({0}).reshape(1, 1)",
    },
)


def _identity(dim: Dim) -> Expr:
    return OPS["eye"](data=dim)


TRACE = Op(
    name="tr",
    symbol="tr({})",
    shape=lambda data, a: SCALAR if square(a) else a,
    entry=lambda ix, i, j, A: ix.sum(A.rows, lambda k: A[k, k]),
    pullbacks=(Pullback(lambda g, Y, A: g * _identity(A.shape.rows), because="trace-rule"),),
    code={"any": "{lib}.trace({0}).reshape(1, 1)"},
    sympy="Trace",
    spelled=("trace",),
)


def _up_to(ix: Any, i: Any, j: Any, A: Any, data: Axes) -> Any:
    (dim,), entry = over(data, (i, j), A)
    return ix.sum(dim, lambda k: ix.le(k, (i, j)[data[0]]) * entry(k))


CUMSUM: Op = Op(
    name="cumsum",
    symbol="cumsum({})",
    shape=lambda data, a: a,
    entry=_up_to,
    pullbacks=(
        Pullback(
            lambda g, Y, A, data: (
                broadcast_to(SUM(g, data=data), g.shape) - CUMSUM(g, data=data) + g
            ),
            because="total-rule",
        ),
    ),
    takes_data=True,
    axes=(ROWS, COLS),
    head=by_axis("cumsum"),
    code={
        "numpy": "{lib}.cumsum({0}, axis={axes})",
        "torch": "torch.cumsum({0}, dim={axes})",
    },
)


def extremum(word: str) -> Op:
    """Return the table entry of the largest or the smallest entry along axes."""
    part = {ALL: "", ROWS: "-of-each-column", COLS: "-of-each-row"}

    def entry(ix: Any, i: Any, j: Any, A: Any, data: Axes) -> Any:
        dims, inside = over(data, (i, j), A)
        return ix.extremum(word, tuple(dims), inside)

    def one_winner(data: Axes, A: Expr) -> tuple[Condition, ...]:
        if all(dim == 1 for dim in A.shape.along(data)) or is_step(A):  # as the largest then is
            return ()
        return holds(f"unique-{word}{part[data]}")(data, A)

    return reduction(
        f"a{word}",
        entry,
        lambda g, Y, A, data: g * elementwise("eq", A, Y),
        because="maximum-rule",
        called=word,
        flow="extremum",
        kink=SHARED,
        code=along(word, f"a{word}"),
        where=one_winner,
        head=by_axis(word),
    )


MAX, MIN = extremum("max"), extremum("min")

OPERATORS = (SUM, MEAN, PROD, CUMSUM, TRACE, MAX, MIN)
