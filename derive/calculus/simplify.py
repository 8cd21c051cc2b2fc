"""Gradients as a textbook prints them: named rewrites, each of them a step that is checked.

What enters is a gradient as the sweep produced it, what leaves is an equal one and the list of
rewrites between them. A rewrite is a name and the whole expression before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from derive.calculus.products import LINEAR, factors_of
from derive.calculus.square_laws import known_inverse
from derive.expressions.expr import (
    Expr,
    broadcast_to,
    extent_of,
    nodes,
    number,
    rebuild,
    substitute,
)
from derive.expressions.shape import Shape
from derive.ops.elementwise import DIV, MUL, POW, SQRT
from derive.ops.kronecker import KRON, KRON_LEFT, KRON_RIGHT, UNVEC, VEC
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
    ones,
)
from derive.ops.reduction import CUMSUM, SUM, terms
from derive.ops.square import INV

Rule = Callable[[Expr], Expr | None]


class Rewrite(NamedTuple):
    """One application of a rule: the whole expression before it and after it."""

    rule: str
    before: Expr
    after: Expr


def simplify(expr: Expr) -> tuple[Expr, tuple[Rewrite, ...]]:
    """Return an equal expression in textbook form, and how it was reached.

    >>> from derive.ops import var
    >>> X = var("X", Shape("n", "d"))
    >>> str(simplify((2 * X * 3).T.T + 0 * X)[0])
    '6 * X'
    """
    steps: list[Rewrite] = []
    seen = {expr}
    while (found := _next(expr)) and found[1] not in seen:
        steps.append(Rewrite(found[0], expr, found[1]))
        expr = found[1]
        seen.add(expr)
    return expr, tuple(steps)


def _next(root: Expr) -> tuple[str, Expr] | None:
    order = nodes(root)
    for node in order:
        for name, rule in RULES.items():
            new = rule(node)
            if new is not None and new is not node:
                return name, substitute(root, {node: new})
    for node in reversed(order):  # the outermost product gathers those inside it
        new = _scalar_factors(node)
        if new is not None and new is not node:
            return "scalar-factors", substitute(root, {node: new})
    new = _constant_matrix(root)
    return ("constant-matrix", new) if new is not None and new is not root else None


# -- rules: each is a theorem about any expression of its form -------------------------------------


def _double_transpose(e: Expr) -> Expr | None:
    """(Aᵀ)ᵀ = A, and a scalar is its own transpose."""
    if e.op is not TRANSPOSE:
        return None
    (a,) = e.args
    if a.op is TRANSPOSE:
        return a.args[0]
    if a.shape.is_scalar or a.op is EYE:
        return a
    if a.op is ONES:
        return ones(*e.shape.dims)
    return None


def _transposed_product(e: Expr) -> Expr | None:
    """(AB)ᵀ = BᵀAᵀ."""
    if e.op is TRANSPOSE and e.args[0].op is MATMUL:
        a, b = e.args[0].args
        return b.T @ a.T
    return None


def _transposed_entrywise(e: Expr) -> Expr | None:
    """A function of entries commutes with the transpose; used where a transpose disappears."""
    if e.op is not TRANSPOSE:
        return None
    (a,) = e.args
    entrywise = a.op.style in ("infix", "prefix", "power") or a.op.derivatives
    if a.op is BROADCAST:
        return broadcast_to(a.args[0], e.shape) if a.args[0].shape.is_scalar else None
    if entrywise and any(arg.op is TRANSPOSE for arg in a.args):
        return rebuild(a, tuple(_turned(arg) for arg in a.args))
    return None


def _turned(arg: Expr) -> Expr:
    if arg.op is BROADCAST:
        return broadcast_to(_turned(arg.args[0]), arg.shape.T)
    return arg if arg.shape.is_scalar else arg.T


def _transposed_sum(e: Expr) -> Expr | None:
    """The column of row sums of A, transposed, is the row of column sums of Aᵀ."""
    if e.op is TRANSPOSE and e.args[0].op is SUM:
        (a,) = e.args[0].args
        if a.op is TRANSPOSE:
            return SUM(a.args[0], data=tuple(1 - axis for axis in e.args[0].data))
    return None


def _associativity(e: Expr) -> Expr | None:
    """A(BC) = (AB)C."""
    if e.op is MATMUL and e.args[1].op is MATMUL:
        a, (b, c) = e.args[0], e.args[1].args
        return (a @ b) @ c
    return None


def _identity(e: Expr) -> Expr | None:
    """AI = IA = A."""
    if e.op is MATMUL:
        a, b = e.args
        if a.op is EYE:
            return b
        if b.op is EYE:
            return a
    return None


def _zero(e: Expr) -> Expr | None:
    """A + 0 = A."""
    if e.op in (ADD, SUB):
        a, b = e.args
        if factors_of(b).coefficient == 0:
            return a
        if factors_of(a).coefficient == 0:
            return b if e.op is ADD else -b
    return None


def _signs(e: Expr) -> Expr | None:
    """A + (-B) = A - B, and its relatives."""
    if e.op not in (ADD, SUB):
        return None
    a, b = e.args
    opposite = SUB if e.op is ADD else ADD
    negated = _negated(b)
    if negated is not None:
        return opposite(a, negated)
    negated = _negated(a)
    if negated is not None:
        return b - negated if e.op is ADD else -(negated + b)
    return None


def _like_terms(e: Expr) -> Expr | None:
    """pA + qA = (p + q)A."""
    if e.op not in (ADD, SUB):
        return None
    a, b = (factors_of(arg) for arg in e.args)
    if a.key() != b.key() or not (a.key()[1] or e.shape.is_scalar):
        return None
    total = a.coefficient + (b.coefficient if e.op is ADD else -b.coefficient)
    return a.scaled(total / a.coefficient).expr() if a.coefficient else None


def _scalar_factors(e: Expr) -> Expr | None:
    """Numbers, dimensions and scalars of a product are gathered into one factor."""
    if e.op not in _PRODUCTS:
        return None
    new = factors_of(e).expr()
    return new if new.shape == e.shape else None


def _repeated_sum(e: Expr) -> Expr | None:
    """The sum of n equal rows is n times the row."""
    if e.op is not SUM or e.args[0].op is not BROADCAST:
        return None
    whole, (inner,) = e.args[0].shape, e.args[0].args
    repeated = tuple(axis for axis in e.data if inner.shape.dims[axis] != whole.dims[axis])
    if not repeated:
        return None
    left = tuple(axis for axis in e.data if axis not in repeated)
    reduced = SUM(inner, data=left) if left else inner
    return broadcast_to(number(1) * terms(whole, repeated) * reduced, e.shape)


def _squared_root(e: Expr) -> Expr | None:
    """(√x)² = x."""
    if e.op is POW and e.data == 2 and e.args[0].op is SQRT:
        return e.args[0].args[0]
    return None


def _single_sum(e: Expr) -> Expr | None:
    """A sum over a dimension of 1 is its one term; sums along both axes are the whole sum."""
    if e.op is not SUM:
        return None
    (a,) = e.args
    if a.shape == e.shape:
        return a
    if a.op is SUM:
        return SUM(a.args[0], data=tuple(sorted({*e.data, *a.data})))
    return None


def _repeated_repeat(e: Expr) -> Expr | None:
    """Repeating what was repeated is one repetition."""
    if e.op is BROADCAST and e.args[0].op is BROADCAST:
        return broadcast_to(e.args[0].args[0], e.shape)
    return None


def _constant_matrix(e: Expr) -> Expr | None:
    """A number repeated to a matrix is that number times the matrix of ones."""
    if e.op in (BROADCAST, ZEROS, ONES):
        factors = factors_of(e)
        return None if factors.matrices else factors.expr()
    return None


def _stacked_back(e: Expr) -> Expr | None:
    """unvec(vec A) = A, and vec(unvec v) = v."""
    if (e.op, e.args[0].op if e.args else None) not in ((VEC, UNVEC), (UNVEC, VEC)):
        return None
    inner = e.args[0].args[0]
    return inner if inner.shape == e.shape else None


def _transposed_kronecker(e: Expr) -> Expr | None:
    """(A ⊗ B)ᵀ = Aᵀ ⊗ Bᵀ."""
    if e.op is TRANSPOSE and e.args[0].op is KRON:
        a, b = e.args[0].args
        return KRON(a.T, b.T)
    return None


def _kronecker_times_column(e: Expr) -> Expr | None:
    """unvec((A ⊗ B) vec X) = B X Aᵀ."""
    if e.op is not UNVEC or e.args[0].op is not MATMUL or e.args[0].args[0].op is not KRON:
        return None
    whole, column = e.args[0].args
    a, b = whole.args
    if e.shape != Shape(b.shape.rows, a.shape.rows):
        return None
    return b @ UNVEC(column, data=Shape(b.shape.cols, a.shape.cols)) @ a.T


def _inverse_of_kronecker(e: Expr) -> Expr | None:
    """(A ⊗ B)⁻¹ = A⁻¹ ⊗ B⁻¹ for square A and B."""
    return known_inverse(e.args[0]) if e.op is INV and e.args[0].op is KRON else None


def _kronecker_summed(e: Expr) -> Expr | None:
    """Σ_kp (P ⊗ Q)_(ik)(jp) B_kp = Σ_kp Q_kp B_kp P_ij, and its mirror."""
    if e.op not in (KRON_LEFT, KRON_RIGHT) or e.args[0].op is not KRON:
        return None
    p, q = e.args[0].args
    kept, gone = (p, q) if e.op is KRON_LEFT else (q, p)
    if gone.shape != e.args[1].shape:
        return None
    return SUM(gone * e.args[1]) * kept


def _transposed_inverse(e: Expr) -> Expr | None:
    """(A⁻¹)ᵀ = A⁻¹ for an A that is written as its own transpose, such as XᵀX."""
    if e.op is TRANSPOSE and e.args[0].op is INV:
        (a,) = e.args[0].args
        return e.args[0] if not a.is_var and _mirrored(a) is a else None
    return None


def _mirrored(e: Expr) -> Expr:
    """Return the transpose of an expression, taken inside as far as it goes."""
    if e.op is TRANSPOSE:
        return e.args[0]
    if e.shape.is_scalar or e.op is EYE:
        return e
    if e.op is MATMUL:
        a, b = e.args
        return _mirrored(b) @ _mirrored(a)
    if e.op in (ADD, SUB, MUL, DIV, NEG):
        args = tuple(_mirrored(arg) for arg in e.args)
        return (
            e
            if all(one is arg for one, arg in zip(args, e.args, strict=True))
            else rebuild(e, args)
        )
    if e.op is BROADCAST and e.args[0].shape.is_scalar:
        return broadcast_to(e.args[0], e.shape.T)
    return e.T


def _product_of_kronecker(e: Expr) -> Expr | None:
    """(A ⊗ B)(C ⊗ D) = AC ⊗ BD."""
    if e.op is not MATMUL or any(arg.op is not KRON for arg in e.args):
        return None
    (a, b), (c, d) = (arg.args for arg in e.args)
    if a.shape.cols != c.shape.rows or b.shape.cols != d.shape.rows:
        return None
    return KRON(a @ c, b @ d)


def _inverse_against_itself(e: Expr) -> Expr | None:
    """Σ_ij (A⁻¹)_ji A_ij = tr(A⁻¹A) = n."""
    if e.op is not SUM or e.args[0].op is not MUL:
        return None
    for one, a in (e.args[0].args, reversed(e.args[0].args)):
        if one.op is TRANSPOSE and one.args[0].op is INV and one.args[0].args[0] is a:
            return extent_of(a.shape.rows)
    return None


RULES: dict[str, Rule] = {
    "double-transpose": _double_transpose,
    "transposed-product": _transposed_product,
    "transposed-entrywise": _transposed_entrywise,
    "transposed-sum": _transposed_sum,
    "identity-matrix": _identity,
    "squared-root": _squared_root,
    "zero-term": _zero,
    "single-sum": _single_sum,
    "repeated-repeat": _repeated_repeat,
    "repeated-sum": _repeated_sum,
    "signs": _signs,
    "like-terms": _like_terms,
    "associativity": _associativity,
    "stacked-back": _stacked_back,
    "transposed-kronecker": _transposed_kronecker,
    "kronecker-times-column": _kronecker_times_column,
    "transposed-inverse": _transposed_inverse,
    "inverse-of-kronecker": _inverse_of_kronecker,
    "product-of-kronecker": _product_of_kronecker,
    "kronecker-summed": _kronecker_summed,
    "inverse-against-itself": _inverse_against_itself,
}
_PRODUCTS = (MUL, DIV, NEG, MATMUL, TRANSPOSE, SUM, CUMSUM, *LINEAR)


def _negated(e: Expr) -> Expr | None:
    """Return -e where that is shorter than e."""
    if e.op is NEG:
        return e.args[0]
    if e.op is BROADCAST:
        inner = _negated(e.args[0])
        return None if inner is None else broadcast_to(inner, e.shape)
    if e.op is NUMBER:
        return number(-e.data) if e.data < 0 else None
    factors = factors_of(e)
    if e.op in (MUL, DIV) and factors.coefficient < 0:
        return factors.scaled(Fraction(-1)).expr()
    return None
