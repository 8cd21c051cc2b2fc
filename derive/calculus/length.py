"""How long a formula is as it is printed: its operators, counted as a reader meets them.

What enters is an expression, what leaves is a number: every binary and unary operation, call and
`.T` counts one, the transpose of an inverse too, a repetition that NumPy makes by itself nothing.
"""

from __future__ import annotations

from fractions import Fraction

from derive.expressions.expr import Expr, kept, unrepeated, variables, written_args
from derive.expressions.shape import Dim, factors
from derive.ops.elementwise import DIV, MUL
from derive.ops.kronecker import KRON_LEFT, KRON_RIGHT
from derive.ops.linear import (
    ADD,
    BROADCAST,
    EYE,
    MATMUL,
    NEG,
    NUMBER,
    ONES,
    SUB,
    TRANSPOSE,
    ZEROS,
)
from derive.ops.square import INV

#: Operators, and what decides between formulas of equally many: operands and exponents, more where
#: a quotient stands above a quotient, and then how much stands under sums, how many factors between
#: matrices are products, how many products are transposed, and how many brackets are not needed.
Length = tuple[int, int, int]


def length(root: Expr) -> Length:
    """Return how long an expression is.

    >>> from derive.language.parse import parse
    >>> [length(parse(f"X: (n, d); Y = {t}").statements[0].expr)[0]
    ...  for t in ("X", "2 * X.T", "-X / 2", "sum(X, axis=0) + 1 / 2")]
    [0, 2, 2, 3]
    """
    return kept(root, "length", _length)


def _length(node: Expr) -> Length:
    args: list[Length] = [arg.known["length"] for arg in written_args(node)]
    operators, operands = _own(node)
    operators += sum(arg[0] for arg in args)
    operands += sum(arg[1] for arg in args)
    under = sum(arg[2] for arg in args) + (operands if node.op.axes else 0)
    if node.op is MATMUL:
        under += sum(arg.op in (MUL, DIV, NEG) for arg in node.args)
    if node.op in (ADD, SUB):
        under += unrepeated(node.args[1]).op in (ADD, SUB)
    if node.op is TRANSPOSE:
        operators -= node.args[0].op is INV  # one sign on paper
        product = node.args[0].op in (MATMUL, MUL, DIV, NEG)
        operands, under = operands + product, under + product
    if node.op is DIV:
        above, below = map(unrepeated, node.args)
        operands += 2 * _divides_again(above) + (above.op is DIV) + (below.op is DIV)
    return operators, operands, under


def _divides_again(above: Expr) -> bool:
    """Whether what is divided is a sum with a quotient of more than numbers in it."""
    quotients = [x for x in map(unrepeated, above.args) if x.op is DIV]
    return above.op in (ADD, SUB) and any(variables(x.args[1]) for x in quotients)


def _own(e: Expr) -> tuple[int, int]:
    if e.op is NUMBER:
        return _number(e.data), 0
    if e.op is BROADCAST:
        return 1 + _dims(*e.shape.dims), 1
    if e.op in (ONES, ZEROS):
        return 1 + _dims(*e.shape.dims), 1
    if e.op is EYE:
        return 1 + _dims(e.shape.rows), 1
    if e.op.style == "name":
        return 0, 1
    if e.op.style == "power":
        return 1 + _number(e.data), max(int(abs(e.data)) - 1, 1)
    return 1, 3 if e.op in (KRON_LEFT, KRON_RIGHT) else 2 if e.op in (ADD, SUB) else 1


def _number(value: Fraction) -> int:
    return (value.denominator != 1) + (value < 0)


def _dims(*dims: Dim) -> int:
    return sum(max(len(factors(dim)) - 1, 0) for dim in dims)
