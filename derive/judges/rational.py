"""A program in rational operators, and the slope of its loss carried forwards as matrices.

A program and sizes come in; what its names stand for in rational operators leaves, and <dY, tangent
of Y> along a direction V = u v.T, by the definitions of the operators. No gradient rule is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

from derive import ops
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import (
    Expr,
    broadcast_to,
    nodes,
    number,
    rebuild,
    unrepeated,
    variables,
)
from derive.expressions.program import Program
from derive.expressions.shape import Shape
from derive.ops import var
from derive.ops.elementwise import POW
from derive.ops.linear import BROADCAST, MATMUL
from derive.ops.reduction import SUM, TRACE
from derive.ops.square import INV
from derive.ops.unspecified import derivative

#: A tangent is kept as a sum of at most so many products of a column and a row.
TERMS = 8
#: The gradient of an intermediate, used in a claim, is found entry by entry, up to so many.
ENTRIES = 64

ENTRYWISE = {ops.ADD, ops.SUB, ops.MUL, ops.DIV}
TOTALS = {ops.SUM, ops.MEAN}
RESIZING = {ops.BROADCAST, *TOTALS}
BLOCKS = {ops.KRON, ops.KRON_LEFT, ops.KRON_RIGHT}
SERVED = {
    *ENTRYWISE, *RESIZING, *BLOCKS, ops.VEC, ops.UNVEC, ops.VAR, ops.NUMBER, ops.DIM, ops.ONES,
    ops.ZEROS, ops.EYE, ops.NEG, ops.MATMUL, ops.TRANSPOSE, ops.POW, ops.TRACE, ops.DIAG,
    ops.DIAGONAL, ops.INV, ops.DET,
}  # fmt: skip


def direction(program: Program, name: str) -> tuple[Expr, Expr]:
    """Return the two columns of the direction V = u v.T, as variables of no user's name."""
    rows, cols = program.leaves[name].shape.dims
    return var(f"~u of {name}", Shape(rows, 1)), var(f"~v of {name}", Shape(cols, 1))


def rational(root: Expr) -> Expr:
    """Return an expression in rational operators alone, each function put as what it means.

    Raises `UnsupportedError` for an operator that has no meaning modulo a prime.
    """
    done: dict[Expr, Expr] = {}
    for node in nodes(root):
        args = tuple(done[arg] for arg in node.args)
        if node.op in ENTRYWISE:
            args = tuple(broadcast_to(arg, node.shape) for arg in args)
        if node.op.through is not None:
            meaning = node.op.through(_Unserved(node.name), *args)
            done[node] = broadcast_to(rational(meaning), node.shape)
        elif node.op.left_open:
            done[node] = rebuild(node, args)
        elif node.op not in SERVED or (node.op is POW and node.data.denominator != 1):
            raise unserved(node.name)
        else:
            done[node] = rebuild(node, args)
    return done[root]


class _Unserved:
    """The functions that a meaning may use: none of them is rational."""

    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, name: str) -> Any:
        raise unserved(self.name)


def unserved(name: str) -> UnsupportedError:
    words = "a power that is not whole" if name == "pow" else name
    return UnsupportedError(f"{words} has no value modulo a prime")


class Setting:
    """A program in rational operators at sizes, and the slopes of its loss."""

    def __init__(self, program: Program, sizes: Mapping[str, int], symmetric: set[str]):
        self.program = program
        self.sizes = sizes
        self.symmetric = symmetric
        self.upstream = var(f"d{program.output}", program.output.shape)
        #: What the intermediates stand for, as far as they were asked for.
        self.defined: dict[Expr, Expr] = {}
        #: The gradients of which claims make use, but for the one that is given.
        self.gradients: dict[Expr, tuple[str, Expr]] = {}
        self.slopes: dict[str, Expr] = {}

    def along(self, name: str, claim: Expr) -> Expr:
        """Return the slope <E, V> that a claim gives the loss along the direction."""
        leaves = self.program.leaves
        for leaf in variables(claim):
            word = leaf.data[0]
            of = leaves.get(word[1:]) if word.startswith("d") else None
            if (word in leaves) == (of is not None):
                raise UnsupportedError(f"{word} must be a name of the program or a gradient")
            if of is None:
                self._define(leaf)
            elif leaf is not self.upstream:
                rows, cols = leaf.shape.extents(self.sizes)
                if leaf.shape != of.shape or rows * cols > ENTRIES:
                    raise UnsupportedError(f"{leaf} in a claim is served up to {ENTRIES} entries")
                self.gradients[leaf] = word[1:], self.slope(word[1:])
        u, v = direction(self.program, name)
        return (u.T @ rational(claim)) @ v

    def _define(self, leaf: Expr) -> None:
        """Put what an intermediate stands for in rational operators, and all that it is made of."""
        needed = {leaf}
        for s in reversed(self.program.statements):
            own = self.program.leaves[s.name]
            if own in needed:
                needed.update(variables(s.expr))
                self.defined.setdefault(own, rational(s.expr))

    def slope(self, name: str) -> Expr:
        """Return the slope of the loss along a direction, <dY, tangent of Y>."""
        if name not in self.slopes:
            self._define(self.program.output)
            u, v = direction(self.program, name)
            known: dict[Expr, Terms] = {self.program.leaves[name]: (u @ v.T,)}
            for s in self.program.statements:
                leaf = self.program.leaves[s.name]
                if leaf in self.defined and leaf not in known:
                    for node in nodes(self.defined[leaf]):
                        if node not in known:
                            known[node] = tangent(node, [known[arg] for arg in node.args])
                    known[leaf] = known[self.defined[leaf]]
            along = [inner(self.upstream, term) for term in known[self.program.output]]
            self.slopes[name] = reduce(add, along, number(0))
        return self.slopes[name]


# -- tangents --------------------------------------------------------------------------------------

#: The tangent of a matrix: a sum of matrices, most of them a column times a row.
Terms = tuple[Expr, ...]


def _is_outer(node: Expr) -> bool:
    return node.op is MATMUL and node.args[0].shape.cols == 1


def inner(one: Expr, other: Expr) -> Expr:
    """Return the sum of the products of the entries of two matrices."""
    if _is_outer(other):
        p, q = other.args
        return (p.T @ one) @ q.T
    return SUM(one * other)


def _product(A: Expr, B: Expr) -> Expr:
    """Return a product, bracketed so that a column times a row stays one."""
    if _is_outer(A):
        return A.args[0] @ _product(A.args[1], B)
    if _is_outer(B):
        return _product(A, B.args[0]) @ B.args[1]
    return A @ B


def _resized(node: Expr, term: Expr) -> Expr:
    """Return a repetition, sum or mean of a tangent."""
    if not _is_outer(term):
        return node.op(term, data=node.data)
    p, q = term.args
    if node.op is BROADCAST:
        rows, cols = node.shape.dims
        return broadcast_to(p, Shape(rows, 1)) @ broadcast_to(q, Shape(1, cols))
    return (node.op(p) if 0 in node.data else p) @ (node.op(q) if 1 in node.data else q)


def _scaled(term: Expr, factor: Expr) -> Expr:
    """Return an entrywise product; a repeated row or column goes to the row or column it meets."""
    if _is_outer(term) and (factor.op is BROADCAST or factor.shape.is_scalar):
        p, q = term.args
        line = unrepeated(factor)
        return p @ (q * line) if line.shape.rows == 1 else (p * line) @ q
    return term * factor


def _reciprocal(node: Expr) -> Expr:
    if node.op is BROADCAST:
        return broadcast_to(1 / node.args[0], node.shape)
    return 1 / node


def tangent(node: Expr, given: list[Terms]) -> Terms:
    """Return the tangent of an operator's value, given those of its arguments."""
    found = _to_first_order(node, given) if any(given) else ()
    return found if len(found) <= TERMS else (reduce(add, found),)


def _to_first_order(node: Expr, given: list[Terms]) -> Terms:
    """Return the operator's arithmetic with `A + t dA` for `A`, to first order in `t`."""
    dA, dB = given[0], given[1] if len(given) > 1 else ()
    A, B = node.args[0], node.args[-1]
    if node.op.left_open:
        return tuple(_scaled(t, derivative(node.op)(A)) for t in dA)
    match node.op:
        case ops.ADD:
            return dA + dB
        case ops.SUB:
            return dA + tuple(_negated(t) for t in dB)
        case ops.NEG:
            return tuple(_negated(t) for t in dA)
        case ops.TRANSPOSE:
            return tuple(t.args[1].T @ t.args[0].T if _is_outer(t) else t.T for t in dA)
        case ops.MATMUL:
            return tuple(_product(t, B) for t in dA) + tuple(_product(A, t) for t in dB)
        case ops.MUL:
            return tuple(_scaled(t, B) for t in dA) + tuple(_scaled(t, A) for t in dB)
        case ops.DIV:  # Y B = A, so dY B + Y dB = dA
            over = _reciprocal(B)
            return tuple(_scaled(t, over) for t in dA) + tuple(
                _negated(_scaled(_scaled(t, over), node)) for t in dB
            )
        case ops.POW:
            factor = number(node.data) * A ** (node.data - 1)
            return tuple(t * factor for t in dA) if node.data else ()
        case ops.TRACE:
            return tuple(t.args[1] @ t.args[0] if _is_outer(t) else node.op(t) for t in dA)
        case ops.DIAGONAL:
            return tuple(t.args[0] * t.args[1].T if _is_outer(t) else node.op(t) for t in dA)
        case ops.DIAG | ops.VEC | ops.UNVEC:
            return tuple(node.op(t, data=node.data) for t in dA)
        case ops.KRON | ops.KRON_LEFT | ops.KRON_RIGHT:
            return tuple(node.op(t, B) for t in dA) + tuple(node.op(A, t) for t in dB)
        case ops.INV:  # A Y = I, so dA Y + A dY = 0
            return tuple(_negated(_product(_product(node, t), node)) for t in dA)
        case ops.DET:  # det(A + t dA) = det A det(I + t inv(A) dA), and det(I + t M) = 1 + t tr M
            trace, inverse = TRACE, INV(A)
            return tuple(
                node * (t.args[1] @ (inverse @ t.args[0]) if _is_outer(t) else trace(inverse @ t))
                for t in dA
            )
    assert node.op in RESIZING, node.name
    return tuple(_resized(node, t) for t in dA)


def _negated(term: Expr) -> Expr:
    return -term.args[0] @ term.args[1] if _is_outer(term) else -term
