"""Laws about matrices of which something is known, but for symmetry, which transposes know of.

What enters is a part of a gradient, taken as if nothing were assumed, and what is known of the
inputs; what leaves is a part that is equal to it where that holds, and what was used. A law is a
function whose docstring is its theorem.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.expressions.expr import Expr, extent_of, unrepeated
from derive.ops.elementwise import ABS, GREATER, POW, RELU, SIGN
from derive.ops.linear import BROADCAST, NUMBER, ZEROS, ones
from derive.ops.reduction import ALL, ROWS, SUM

#: What is known of an input: the words that hold of it, those that follow included.
Known = Callable[[Expr], frozenset[str]]
#: Which word was used of which input.
Because = tuple[str, str]
Law = Callable[[Expr, Known], "tuple[Expr, tuple[Because, ...]] | None"]


# -- laws ------------------------------------------------------------------------------------------


def row_sums(e: Expr, known: Known) -> tuple[Expr, tuple[Because, ...]] | None:
    """The sums of the rows are 1, and their sum is the number of rows, where rows sum to one."""
    total = unrepeated(e)  # the same column, repeated
    if total.op is not SUM or total.data == ROWS or "row-stochastic" not in known(total.args[0]):
        return None
    (T,) = total.args
    because = ((T.data[0], "row-stochastic"),)
    if total.data == ALL:
        return (extent_of(T.shape.rows), because) if total is e else None
    return ones(*e.shape.dims), because


def powers(e: Expr, known: Known) -> tuple[Expr, tuple[Because, ...]] | None:
    """bᵏ = b where b is 0 or 1 and k > 0; s² = 1 where s is 1 or -1."""
    if e.op is not POW or not e.args[0].is_var:
        return None
    (b,) = e.args
    if "binary" in known(b) and e.data > 0:
        return b, ((b.data[0], "binary"),)
    if "sign" in known(b) and e.data.denominator == 1:
        even = e.data % 2 == 0
        return ones(*e.shape.dims) if even else b, ((b.data[0], "sign"),)
    return None


def positive(e: Expr, known: Known) -> tuple[Expr, tuple[Because, ...]] | None:
    """|x| = x, relu x = x, and the sign of x and [x > 0] are 1, where x is positive."""
    if e.op not in (ABS, RELU, SIGN, GREATER) or not e.args[0].is_var:
        return None
    word = next((w for w in ("unit-interval", "positive") if w in known(e.args[0])), None)
    if word is None:
        return None
    because = ((e.args[0].data[0], word),)
    if e.op in (ABS, RELU):
        return e.args[0], because
    if e.op is SIGN or _is_zero(e.args[1]):
        return ones(*e.shape.dims), because
    return None


def _is_zero(e: Expr) -> bool:
    return e.op is ZEROS or (e.op is NUMBER and e.data == 0) or (
        e.op is BROADCAST and _is_zero(e.args[0])
    )  # fmt: skip


LAWS: tuple[Law, ...] = (row_sums, powers, positive)
