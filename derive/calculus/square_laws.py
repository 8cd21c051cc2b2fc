"""What is known of the inverse and the determinant of an expression: laws, each with its theorem.

A law takes the matrix and returns the inverse, or the determinant, in smaller ones; `None` where it
does not apply. Documents and claims read definitions by the same laws. Source: Magnus and
Neudecker, Matrix Differential Calculus (2019), chapters 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.expressions.expr import Expr
from derive.ops.kronecker import KRON
from derive.ops.linear import MATMUL, TRANSPOSE
from derive.ops.square import DET, INV

Law = Callable[[Expr], Expr | None]


def inverse_of_product(e: Expr) -> Expr | None:
    """(A B)⁻¹ = B⁻¹ A⁻¹ for square A and B."""
    if e.op is not MATMUL or not all(map(is_square, e.args)):
        return None
    a, b = e.args
    return INV(b) @ INV(a)


def inverse_of_transpose(e: Expr) -> Expr | None:
    """(Aᵀ)⁻¹ = (A⁻¹)ᵀ."""
    return INV(e.args[0]).T if e.op is TRANSPOSE else None


def inverse_of_inverse(e: Expr) -> Expr | None:
    """(A⁻¹)⁻¹ = A."""
    return e.args[0] if e.op is INV else None


def inverse_of_kronecker(e: Expr) -> Expr | None:
    """(A ⊗ B)⁻¹ = A⁻¹ ⊗ B⁻¹ for square A and B."""
    if e.op is not KRON or not all(map(is_square, e.args)):
        return None
    return KRON(*(INV(arg) for arg in e.args))


def determinant_of_product(e: Expr) -> Expr | None:
    """det(A B) = det(A) det(B) for square A and B."""
    if e.op is not MATMUL or not all(map(is_square, e.args)):
        return None
    a, b = e.args
    return DET(a) * DET(b)


def determinant_of_transpose(e: Expr) -> Expr | None:
    """det(Aᵀ) = det(A)."""
    return DET(e.args[0]) if e.op is TRANSPOSE else None


def determinant_of_inverse(e: Expr) -> Expr | None:
    """det(A⁻¹) = 1 / det(A)."""
    return DET(e.args[0]) ** -1 if e.op is INV else None


INVERSES: tuple[Law, ...] = (
    inverse_of_product,
    inverse_of_transpose,
    inverse_of_inverse,
    inverse_of_kronecker,
)
DETERMINANTS: tuple[Law, ...] = (
    determinant_of_product,
    determinant_of_transpose,
    determinant_of_inverse,
)


def known_inverse(e: Expr) -> Expr | None:
    """Return the inverse of a matrix in inverses of smaller ones, where a law gives it.

    >>> from derive.ops import var
    >>> from derive.expressions.shape import Shape
    >>> A, B = (var(name, Shape("n", "n")) for name in "AB")
    >>> str(known_inverse(A @ B.T))
    'inv(B.T) @ inv(A)'
    """
    return _first(INVERSES, e)


def known_determinant(e: Expr) -> Expr | None:
    """Return the determinant of a matrix in those of smaller ones, where a law gives it."""
    return _first(DETERMINANTS, e)


def is_square(e: Expr) -> bool:
    return e.shape.rows == e.shape.cols


def _first(laws: tuple[Law, ...], e: Expr) -> Expr | None:
    found = (law(e) for law in laws)
    return next((simpler for simpler in found if simpler is not None), None)
