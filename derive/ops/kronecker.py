"""The Kronecker product, the stacking of columns, and what their gradients are made of.

Along a dimension that is a product, an index is made of an index along each factor: the entry
(i, k), (j, l) of A ⊗ B is a_ij b_kl, and the entry (j, i) of vec A is a_ij. `kron_left(G, B)` is
the gradient of the left factor, Σ_kl g_(ik)(jl) b_kl; `kron_right(G, A)` that of the right one.
Sources: Petersen and Pedersen, The Matrix Cookbook (2012), section 10.2; Magnus and Neudecker,
Matrix Differential Calculus (2019), chapter 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.expressions.errors import ShapeError, UnsupportedError
from derive.expressions.expr import OPS, Op, Pullback
from derive.expressions.layout import ATOM, ENTRYWISE, op, paren, row, sub, word
from derive.expressions.shape import Dim, Pair, Shape, extent, factors, times

Sizes = Mapping[str, int]


def parted(index: Any, dims: tuple[Dim, ...], sizes: Sizes | None) -> tuple[Any, ...]:
    """Return an index along a product of dimensions as an index along each.

    >>> parted(5, ("n", "m"), {"n": 2, "m": 3})
    (1, 2)
    """
    if sizes is not None:
        parts: list[int] = []
        for dim in reversed(dims):
            index, part = divmod(index, extent(dim, sizes))
            parts.insert(0, part)
        return tuple(parts)
    flat = list(index.parts if isinstance(index, Pair) else [index])
    found: list[Any] = []
    for dim in dims:
        own = factors(dim)
        words, flat = flat[: len(own)], flat[len(own) :]
        if len(words) < len(own):
            raise _fixed_sizes()
        found.append(Pair(tuple(words), own) if len(words) > 1 else words[0] if words else 0)
    return tuple(found)


def joined(indices: tuple[Any, ...], dims: tuple[Dim, ...], sizes: Sizes | None) -> Any:
    """Return an index along a product of dimensions, from an index along each.

    >>> joined((1, 2), ("n", "m"), {"n": 2, "m": 3})
    5
    """
    if sizes is not None:
        place = 0
        for index, dim in zip(indices, dims, strict=True):
            place = place * extent(dim, sizes) + index
        return place
    parts: list[Any] = []
    for index, dim in zip(indices, dims, strict=True):
        if dim != 1:
            parts += index.parts if isinstance(index, Pair) else [index]
    whole = factors(times(*dims))
    if len(parts) != len(whole):
        raise _fixed_sizes()
    return Pair(tuple(parts), whole) if len(parts) > 1 else parts[0] if parts else 0


def _fixed_sizes() -> UnsupportedError:
    return UnsupportedError(
        "a product of sizes that the formula fixes as numbers cannot be taken apart",
        hint="name them, v: (m * n, 1) and unvec(v, (n, m)), and give numbers with --at n=2,m=3",
    )


def _vec_entry(ix: Any, i: Any, j: Any, A: Any) -> Any:
    q, p = parted(i, (A.cols, A.rows), ix.sizes)
    return A[p, q]


def _unvec_shape(data: Shape, v: Shape) -> Shape:
    whole = times(data.cols, data.rows)
    if v.cols != 1:
        raise ShapeError(f"unvec takes a column, this one is {v}", clash=(v.cols, 1))
    if v.rows != whole:
        raise ShapeError(
            f"a column of {v.rows} entries does not fill {data}, which has {whole}",
            clash=(v.rows, whole),
        )
    return data


def _unvec_entry(ix: Any, i: Any, j: Any, v: Any, data: Shape) -> Any:
    return v[joined((j, i), (data.cols, data.rows), ix.sizes), 0]


def _kron_entry(ix: Any, i: Any, j: Any, A: Any, B: Any) -> Any:
    (p, k), (q, m) = parted(i, (A.rows, B.rows), ix.sizes), parted(j, (A.cols, B.cols), ix.sizes)
    return A[p, q] * B[k, m]


def _no_factor(whole: Dim, verb: str, found: tuple[Dim, ...], wanted: tuple) -> ShapeError:
    fits = len(found) == len(wanted) < len(factors(whole))
    return ShapeError(
        f"the dimension {whole} does not {verb} with {times(*wanted)}",
        clash=(times(*found), times(*wanted)) if fits else None,
    )


def _left(whole: Dim, right: Dim) -> Dim:
    """Return the dimension by which another is to be multiplied from the left."""
    if isinstance(whole, int) and isinstance(right, int) and whole % right == 0:
        return whole // right
    own, tail = factors(whole), factors(right)
    if own[len(own) - len(tail) :] != tail:
        raise _no_factor(whole, "end", own[len(own) - len(tail) :], tail)
    return times(*own[: len(own) - len(tail)])


def _right(whole: Dim, left: Dim) -> Dim:
    """Return the dimension by which another is to be multiplied from the right."""
    if isinstance(whole, int) and isinstance(left, int) and whole % left == 0:
        return whole // left
    own, head = factors(whole), factors(left)
    if own[: len(head)] != head:
        raise _no_factor(whole, "begin", own[: len(head)], head)
    return times(*own[len(head) :])


def _left_entry(ix: Any, i: Any, j: Any, G: Any, B: Any) -> Any:
    rows, cols = (_left(G.rows, B.rows), B.rows), (_left(G.cols, B.cols), B.cols)

    def summand(k: Any, m: Any) -> Any:
        return G[joined((i, k), rows, ix.sizes), joined((j, m), cols, ix.sizes)] * B[k, m]

    return ix.sum(B.rows, lambda k: ix.sum(B.cols, lambda m: summand(k, m)))


def _right_entry(ix: Any, i: Any, j: Any, G: Any, A: Any) -> Any:
    rows, cols = (A.rows, _right(G.rows, A.rows)), (A.cols, _right(G.cols, A.cols))

    def summand(k: Any, m: Any) -> Any:
        return G[joined((k, i), rows, ix.sizes), joined((m, j), cols, ix.sizes)] * A[k, m]

    return ix.sum(A.rows, lambda k: ix.sum(A.cols, lambda m: summand(k, m)))


#: Code for blocks that are summed against the other factor.
_BLOCKS = '{{lib}}.einsum("{1},kl->ij", {{0}}.reshape({0}), {{1}})'

VEC = Op(
    name="vec",
    symbol="vec({})",
    shape=lambda data, a: Shape(times(a.cols, a.rows), 1),
    entry=_vec_entry,
    pullbacks=(Pullback(lambda g, Y, A: OPS["unvec"](g, data=A.shape), because="vec-rule"),),
    code={"any": "{0}.T.reshape(-1, 1)"},
)
UNVEC = Op(
    name="unvec",
    paper=lambda pen, e: (
        row(sub(word("unvec"), pen.shape(e.shape)), paren(pen(e.args[0]))),
        ATOM,
    ),
    symbol="unvec({}, ({rows}, {cols}))",
    shape=_unvec_shape,
    entry=_unvec_entry,
    pullbacks=(Pullback(lambda g, Y, v, data: VEC(g), because="unvec-rule"),),
    code={"any": "{0}.reshape({cols}, {rows}).T"},
    takes_data=True,
)
KRON = Op(
    name="kron",
    paper=lambda pen, e: (
        row(pen(e.args[0], ATOM), op("otimes"), pen(e.args[1], ATOM)),
        ENTRYWISE,
    ),
    symbol="kron({})",
    shape=lambda data, a, b: Shape(times(a.rows, b.rows), times(a.cols, b.cols)),
    entry=_kron_entry,
    code={"any": "{lib}.kron({0}, {1})"},
    pullbacks=(
        Pullback(lambda g, Y, A, B: OPS["kron_left"](g, B), because="kronecker-rule-left"),
        Pullback(lambda g, Y, A, B: OPS["kron_right"](g, A), because="kronecker-rule-right"),
    ),
)
KRON_LEFT = Op(
    name="kron_left",
    symbol="kron_left({})",
    head=sub(word("kron"), word("left")),
    shape=lambda data, g, b: Shape(_left(g.rows, b.rows), _left(g.cols, b.cols)),
    entry=_left_entry,
    code={"any": _BLOCKS.format("{rows}, {1.rows}, {cols}, {1.cols}", "ikjl")},
    pullbacks=(
        Pullback(lambda g, Y, G, B: KRON(g, B), because="kronecker-rule-left"),
        Pullback(lambda g, Y, G, B: OPS["kron_right"](G, g), because="kronecker-rule-right"),
    ),
)
KRON_RIGHT = Op(
    name="kron_right",
    symbol="kron_right({})",
    head=sub(word("kron"), word("right")),
    shape=lambda data, g, a: Shape(_right(g.rows, a.rows), _right(g.cols, a.cols)),
    entry=_right_entry,
    code={"any": _BLOCKS.format("{1.rows}, {rows}, {1.cols}, {cols}", "kilj")},
    pullbacks=(
        Pullback(lambda g, Y, G, A: KRON(A, g), because="kronecker-rule-right"),
        Pullback(lambda g, Y, G, A: KRON_LEFT(G, g), because="kronecker-rule-left"),
    ),
)

OPERATORS = (VEC, UNVEC, KRON, KRON_LEFT, KRON_RIGHT)
