"""What is known of the inverse and the determinant of an expression: laws, each with its theorem.

What enters is a matrix, what leaves is its inverse, or its determinant, in smaller ones; `None`
where no law applies. Documents and claims read definitions by the same laws. Source: Magnus and
Neudecker, Matrix Differential Calculus (2019), chapters 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from derive.expressions.expr import Expr, Op
from derive.ops.kronecker import KRON
from derive.ops.linear import MATMUL, TRANSPOSE
from derive.ops.square import DET, INV

Made = Callable[..., Expr]


class Law(NamedTuple):
    """What holds of the value of an operator, of square arguments: the theorems, and what is made.

    The determinant of a Kronecker product has powers in it, and is left to those who count rows.
    """

    op: Op
    inverse_theorem: str
    inverse: Made
    determinant_theorem: str = ""
    determinant: Made | None = None


LAWS = (
    Law(MATMUL,
        "(A B)⁻¹ = B⁻¹ A⁻¹", lambda a, b: INV(b) @ INV(a),
        "det(A B) = det(A) det(B)", lambda a, b: DET(a) * DET(b)),
    Law(TRANSPOSE, "(Aᵀ)⁻¹ = (A⁻¹)ᵀ", lambda a: INV(a).T, "det(Aᵀ) = det(A)", DET),
    Law(INV, "(A⁻¹)⁻¹ = A", lambda a: a, "det(A⁻¹) = 1 / det(A)", lambda a: DET(a) ** -1),
    Law(KRON, "(A ⊗ B)⁻¹ = A⁻¹ ⊗ B⁻¹", lambda a, b: KRON(INV(a), INV(b))),
)  # fmt: skip


def known_inverse(e: Expr) -> Expr | None:
    """Return the inverse of a matrix in inverses of smaller ones, where a law gives it.

    >>> from derive.ops import var
    >>> from derive.expressions.shape import Shape
    >>> A, B = (var(name, Shape("n", "n")) for name in "AB")
    >>> str(known_inverse(A @ B.T))
    'inv(B.T) @ inv(A)'
    """
    law = _law(e)
    return None if law is None else law.inverse(*e.args)


def known_determinant(e: Expr) -> Expr | None:
    """Return the determinant of a matrix in those of smaller ones, where a law gives it."""
    law = _law(e)
    return None if law is None or law.determinant is None else law.determinant(*e.args)


def _law(e: Expr) -> Law | None:
    square = all(arg.shape.rows == arg.shape.cols for arg in e.args)
    return next((law for law in LAWS if square and law.op is e.op), None)
