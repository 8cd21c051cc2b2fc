"""Rules of the textbook about matrices: traces and sums, inverses and determinants, diagonals.

A rule proposes formulas that equal a node; its docstring is the theorem. Sources: Petersen and
Pedersen, The Matrix Cookbook (2012), sections 1 and 10.2; Magnus and Neudecker, Matrix Differential
Calculus (2019), chapters 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from derive.calculus.products import Factors, single
from derive.calculus.simplify import RULES as PLAIN
from derive.calculus.square_laws import known_determinant, known_inverse
from derive.calculus.terms import chain, chained, inverted, without
from derive.expressions.expr import Expr, broadcast_to, extent_of, unrepeated
from derive.expressions.shape import Shape
from derive.ops.elementwise import EXP, MUL, POW
from derive.ops.kronecker import KRON, KRON_LEFT, KRON_RIGHT, UNVEC, VEC
from derive.ops.linear import EYE, MATMUL, ONES, TRANSPOSE, ones
from derive.ops.reduction import ALL, COLS, ROWS, SUM, TRACE
from derive.ops.rows import DIAG, DIAGONAL, SOFTMAX
from derive.ops.square import DET, INV, LOGDET

if TYPE_CHECKING:
    from derive.calculus.textbook import Textbook


def _plain(rule: Callable[[Expr], Expr | None]) -> Callable[[Expr, Textbook], Iterator[Expr]]:
    """Return a rule by which gradients are simplified on the way as a rule of the textbook."""

    def proposed(e: Expr, search: Textbook) -> Iterator[Expr]:
        found = rule(e)
        if found is not None:
            yield found

    return proposed


def square(e: Expr) -> bool:
    return e.shape.rows == e.shape.cols


def _single(e: Expr, search: Textbook) -> list[Expr] | None:
    """Return the factors of an entrywise product that has nothing else."""
    t = search.terms.product(e)
    if (
        t.scalars
        or t.coefficient != 1
        or not all(p.denominator == 1 and p > 0 for p in t.matrices.values())
    ):
        return None
    return [base for base, power in t.matrices.items() for _ in range(int(power))]


def traces(e: Expr, search: Textbook) -> Iterator[Expr]:
    """Σ_ij a_ij b_ij = tr(Aᵀ B), and back; tr(A B) = tr(B A)."""
    turned = search.terms.turned
    if e.op is SUM and e.data == ALL and e.args[0].op in (MUL, POW):
        parts = _single(e.args[0], search)
        if parts is not None and len(parts) == 2:
            a, b = parts
            if e.args[0].shape.rows != 1 and e.args[0].shape.cols != 1:
                for x, y in ((turned(a), b), (b, turned(a)), (a, turned(b)), (turned(b), a)):
                    yield TRACE(x @ y)
    if e.op is TRACE:
        (a,) = e.args
        items = chain(a)
        if len(items) > 1:
            for k in range(1, len(items)):
                p, q = chained(items[:k]), chained(items[k:])
                yield TRACE(q @ p)
                yield SUM(turned(p) * q)
        if a.op is DIAG:
            yield SUM(a.args[0])
        if a.op is EYE:
            yield extent_of(a.shape.rows)
        if a.op is TRANSPOSE:
            yield TRACE(a.args[0])


def exchanged(e: Expr, search: Textbook) -> Iterator[Expr]:
    """Σ_j (A B)_ij c_ij = Σ_k a_ik (C Bᵀ)_ik, and its mirror."""
    if e.op is not SUM or e.args[0].op is not MUL:
        return
    parts = _single(e.args[0], search)
    if parts is None:
        return
    turned = search.terms.turned
    for k, part in enumerate(parts):
        items = chain(part)
        if len(items) < 2:
            continue
        rest = parts[:k] + parts[k + 1 :]
        other = rest[0]
        for more in rest[1:]:
            other = other * more
        for cut in range(1, len(items)):
            p, q = chained(items[:cut]), chained(items[cut:])
            if e.data in (COLS, ALL):
                yield SUM(p * (other @ turned(q)), data=e.data)
            if e.data in (ROWS, ALL):
                yield SUM(q * (turned(p) @ other), data=e.data)


def split(e: Expr, search: Textbook) -> Iterator[Expr]:
    """Σ(a + b) = Σa + Σb, where one of the two may be known."""
    if e.op is SUM:
        terms = search.terms.collected(e.args[0], full=True)
        if 1 < len(terms) <= 4:
            sums = [SUM(t.expr(), data=e.data) for t in terms]
            total = sums[0]
            for one in sums[1:]:
                total = total + one
            yield total


def shares(e: Expr, search: Textbook) -> Iterator[Expr]:
    """The rows of a softmax sum to one."""
    if e.op is SUM and e.args[0].op is SOFTMAX and e.data != ROWS:
        a = e.args[0]
        yield ones(a.shape.rows, 1) if e.data == COLS else extent_of(a.shape.rows)


def diagonals(e: Expr, search: Textbook) -> Iterator[Expr]:
    """diag(v) A = v ⊙ A row by row, Σ_j (A ⊙ I)_ij = a_ii, (A B)_ii = Σ_j a_ij b_ji."""
    if e.op is MATMUL:
        items = chain(e)
        for k, item in enumerate(items):
            if item.op is not DIAG:
                continue
            (v,) = item.args
            column = v if v.shape.cols == 1 else search.terms.turned(v)
            before, after = items[:k], items[k + 1 :]
            if after:
                scaled = (
                    column * after[0]
                    if after[0].op is not DIAG
                    else DIAG(column * _column(after[0].args[0], search))
                )
                yield chained([*before, scaled, *after[1:]])
            if before:
                scaled = before[-1] * search.terms.turned(column)
                yield chained([*before[:-1], scaled, *after])
    if e.op is DIAGONAL:
        (a,) = e.args
        if a.op is DIAG:
            yield _column(a.args[0], search)
        if a.op is EYE:
            yield ones(a.shape.rows, 1)
        if a.op is TRANSPOSE:
            yield DIAGONAL(a.args[0])
        items = chain(a)
        if len(items) > 1:
            for k in range(1, len(items)):
                p, q = chained(items[:k]), chained(items[k:])
                yield SUM(p * search.terms.turned(q), data=COLS)
    if e.op is SUM and e.args[0].op is MUL:
        t = search.terms.product(e.args[0])
        eyes = [base for base in t.matrices if base.op is EYE]
        if eyes and e.args[0].shape.rows == e.args[0].shape.cols:
            inner = without(t, eyes[0]).expr()
            if e.data == ALL:
                yield TRACE(inner)
            elif e.data == COLS:
                yield DIAGONAL(inner)
    if e.op is SUM and e.args[0].op is DIAG:
        v = e.args[0].args[0]
        column = _column(v, search)
        yield {ALL: SUM(v), COLS: column}.get(e.data, search.terms.turned(column))


def _column(v: Expr, search: Textbook) -> Expr:
    return v if v.shape.cols == 1 else search.terms.turned(v)


def ones_summed(e: Expr, search: Textbook) -> Iterator[Expr]:
    """A 1 is the column of row sums, 1ᵀ A the row of column sums."""
    if e.op is not MATMUL:
        return
    items = chain(e)
    if items[-1].op is ONES:
        yield broadcast_to(SUM(chained(items[:-1]), data=COLS), e.shape)
    if items[0].op is ONES:
        yield broadcast_to(SUM(chained(items[1:]), data=ROWS), e.shape)


def inverses(e: Expr, search: Textbook) -> Iterator[Expr]:
    """(A B)⁻¹ = B⁻¹ A⁻¹ for square A and B, where one of them meets what it inverts."""
    if e.op is INV:
        (a,) = e.args
        if a.op is EYE:
            yield a
        if a.op is INV:
            yield a.args[0]
        t = search.terms.product(a)
        if t.coefficient and (t.scalars or t.coefficient != 1) and len(t.matrices) == 1:
            scale = Factors(e.shape, t.coefficient, t.scalars)
            (base,) = t.matrices
            if t.matrices[base] == 1:
                yield single(e.shape, INV(base)).times(scale, -1).expr()
    if e.op is MATMUL:
        items = chain(e)
        for k, item in enumerate(items):
            parts = inverted(item)
            if len(parts) > 1 and all(map(square, parts)):
                inverse = [INV(p) for p in reversed(parts)]
                yield chained([*items[:k], *inverse, *items[k + 1 :]])


def determinants(e: Expr, search: Textbook) -> Iterator[Expr]:
    """det(Aᵀ) = det(A), det(A B) = det(A) det(B), det(A⁻¹) = 1 / det(A), e^(log det A) = det(A)."""
    if e.op is DET:
        found = known_determinant(e.args[0])
        if found is not None:
            yield found
    if e.op is LOGDET and e.args[0].op is TRANSPOSE:
        yield LOGDET(e.args[0].args[0])
    if e.op is EXP and e.args[0].op is LOGDET:
        yield DET(e.args[0].args[0])
    if e.op is INV and e.args[0].op in (KRON, INV):
        found = known_inverse(e.args[0])
        if found is not None:
            yield found


def kroneckers(e: Expr, search: Textbook) -> Iterator[Expr]:
    """Blocks of ones summed against B are ΣB; A unvec(v) B = unvec((Bᵀ ⊗ A) v); vec of unvec."""
    if e.op in (KRON_LEFT, KRON_RIGHT) and e.args[0].op is ONES:
        yield SUM(e.args[1]) * ones(*e.shape.dims)
    if e.op in (KRON_LEFT, KRON_RIGHT) and e.args[0].op is EYE and square(e.args[1]):
        yield TRACE(e.args[1]) * EYE(data=e.shape.rows)
    if e.op is MATMUL:
        items = chain(e)
        for k, item in enumerate(items):
            if item.op is not UNVEC or len(items) == 1:
                continue
            v = item.args[0]
            before = chained(items[:k]) if k else EYE(data=item.shape.rows)
            after = chained(items[k + 1 :]) if k + 1 < len(items) else EYE(data=item.shape.cols)
            yield UNVEC(
                KRON(search.terms.turned(after), before) @ v, data=Shape(e.shape.rows, e.shape.cols)
            )
    if e.op is UNVEC and unrepeated(e.args[0]).op is VEC and e.args[0].args[0].shape == e.shape:
        yield e.args[0].args[0]


MATRICES = {
    **{
        name: _plain(rule)
        for name, rule in PLAIN.items()
        if name not in ("transposed-product", "transposed-entrywise")
    },
    "trace": traces,
    "exchanged": exchanged,
    "split": split,
    "shares": shares,
    "diagonals": diagonals,
    "ones-summed": ones_summed,
    "inverses": inverses,
    "determinants": determinants,
    "kroneckers": kroneckers,
}
