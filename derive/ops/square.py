"""Determinant, inverse and log-determinant of a square matrix.

The determinant is defined by Laplace expansion along the first row, the inverse by A A⁻¹ = I.
Sources of the theorems: Petersen and Pedersen, The Matrix Cookbook (2012), equations 49, 57 and 59;
Magnus and Neudecker, Matrix Differential Calculus (2019), 8.3 and 8.4.
"""

from __future__ import annotations

from typing import Any

from derive.expressions.expr import Op, Pullback
from derive.expressions.layout import ATOM, PRODUCT, op as sign, paren, raw, row, sup, word
from derive.expressions.shape import SCALAR, square
from derive.ops.elementwise import holds

INV = Op(
    name="inv",
    paper=lambda pen, e: (sup(pen.based(e.args[0]), raw("-1")), ATOM),
    gate=("( )⁻¹", r"(\ )^{-1}"),
    flow="inv",
    symbol="inv({})",
    shape=lambda data, a: square(a),
    entry=lambda ix, i, j, A: ix.inverse(A, i, j),
    pullbacks=(Pullback(lambda g, Y, A: -(Y.T @ g @ Y.T), because="inverse-rule"),),
    where=holds("invertible"),
    costly=True,
    code={"any": "{lib}.linalg.inv({0})"},
    sympy="Inverse",
    spelled=("inverse",),
)
DET = Op(
    name="det",
    flow="det",
    symbol="det({})",
    shape=lambda data, a: SCALAR if square(a) else a,
    entry=lambda ix, i, j, A: ix.det(A),
    pullbacks=(Pullback(lambda g, Y, A: g * Y * INV(A).T, because="determinant-rule"),),
    where=holds("invertible"),
    costly=True,
    code={"any": "{lib}.linalg.det({0}).reshape(1, 1)"},
    sympy="Determinant",
)
LOGDET = Op(
    name="logdet",
    paper=lambda pen, e: (
        row(word("log"), sign("thin"), word("det"), paren(pen(e.args[0]))),
        PRODUCT,
    ),
    gate=("log det", r"\log\det"),
    flow="logdet",
    symbol="logdet({})",
    shape=lambda data, a: SCALAR if square(a) else a,
    entry=lambda ix, i, j, A: ix.function("log", ix.det(A)),
    pullbacks=(Pullback(lambda g, Y, A: g * INV(A).T, because="log-determinant-rule"),),
    where=holds("positive-determinant"),
    costly=True,
    code={
        "numpy": "sign, size = {lib}.linalg.slogdet(x)\n"
        "return {lib}.where(sign > 0, size, {lib}.nan).reshape(1, 1)",
        "torch": "torch.logdet({0}).reshape(1, 1)",
    },
)

#: The cofactors have no name in the language: the lemma on the determinant speaks of them.
COFACTORS = Op(
    name="cofactors",
    symbol="cofactors({})",
    shape=lambda data, a: square(a),
    entry=lambda ix, i, j, A: ix.cofactor(A, i, j),
    costly=True,
)


def determinant(rows: list[list[Any]]) -> Any:
    """Return a determinant by Laplace expansion, each minor computed once.

    >>> determinant([[2, 1], [5, 3]])
    1
    """
    known: dict[tuple[int, ...], Any] = {(): 1}

    def minor(columns: tuple[int, ...]) -> Any:
        if columns not in known:
            row = rows[len(rows) - len(columns)]
            total: Any = 0
            for place, column in enumerate(columns):
                term = row[column] * minor(columns[:place] + columns[place + 1 :])
                total = total + term if place % 2 == 0 else total - term
            known[columns] = total
        return known[columns]

    return minor(tuple(range(len(rows))))


def cofactor(rows: list[list[Any]], i: int, j: int) -> Any:
    """Return the cofactor of an entry: a determinant without its row and column, signed.

    >>> cofactor([[2, 1], [5, 3]], 0, 1)
    -5
    """
    left = [[x for c, x in enumerate(row) if c != j] for r, row in enumerate(rows) if r != i]
    return determinant(left) * (-1) ** (i + j)


OPERATORS = (INV, DET, LOGDET)
