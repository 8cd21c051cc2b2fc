"""The modular judge: a gradient that is claimed, tried at one random point modulo a large prime.

A rational program is evaluated exactly modulo a prime of 64 bits. For a claim dX = E a direction
V = u v.T is drawn. The slope of the loss along V, <dY, tangent of Y>, is carried forwards through
the definitions of the operators, a tangent beside each value, and is compared with the claimed
slope <E, V> = u.T E v. No gradient rule is read.

*A difference refutes for certain.* The residues that were drawn are whole numbers, and no divisor
vanished; so at that point of whole numbers both sides are fractions whose denominators the prime
does not divide, and the two fractions leave different rests. The claim is false at these sizes.

*Agreement proves nothing, and has a bound.* Where E is not dX, u.T (E - dX) v is not zero, as a
rational function of the inputs, dY, u and v. Let N be the degree of its numerator, D that of the
product of all divisors; entries are drawn from S = 2**62 numbers, no two of which leave the same
rest. By Schwartz and Zippel at most N/S of all points make the numerator vanish, at most D/S are
not defined, so the chance to agree all the same is at most N / (S - D). (u and v are part of N: a
bilinear form that is not zero vanishes with chance 2/S.) This is about the identity modulo the
prime: a claim that is wrong by a multiple of the prime itself, such as `(1 + p) * dY`, is not seen;
each seed has a prime of its own. Sizes that were not tried are not spoken of.

*Assumptions.* A matrix that is symmetric is drawn as F + F.T, which leaves degrees as they are. One
that is positive, between 0 and 1, or invertible is drawn as any other: fractions of polynomials
that differ anywhere differ somewhere in every open set. Other assumptions are not served.

The direction has rank one so that products with it are products of a matrix and a vector: an affine
layer costs a few of these, and no product of two matrices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add
from random import Random
from typing import Any

from flint import fmpz, fmpz_mat, nmod, nmod_mat

from derive import ops
from derive.expressions.errors import ShapeError, UnsupportedError
from derive.expressions.expr import (
    Expr,
    Op,
    broadcast_to,
    nodes,
    number,
    rebuild,
    unrepeated,
    variables,
)
from derive.expressions.program import Program
from derive.expressions.shape import Shape
from derive.language.assumptions import TABLE, implied
from derive.ops import var
from derive.ops.elementwise import DIV, MUL, POW
from derive.ops.linear import ADD, BROADCAST, MATMUL, ONES
from derive.ops.reduction import MEAN, SUM, TRACE
from derive.ops.rows import DIAGONAL
from derive.ops.square import DET, INV

#: Entries are drawn from the numbers of exactly so many bits, of either sign.
BITS = 62
CHOICES = 2**BITS
#: So many points are tried until one is found at which both sides are defined.
TRIES = 4
#: A matrix that so many vectors have been multiplied by is written out.
PATIENCE = 16
#: A tangent is kept as a sum of at most so many products of a column and a row.
TERMS = 8
#: The gradient of an intermediate, used in a claim, is found entry by entry, up to so many.
ENTRIES = 64

Assumptions = Mapping[str, str | Collection[str]]

ENTRYWISE = {ops.ADD, ops.SUB, ops.MUL, ops.DIV}
TOTALS = {ops.SUM, ops.MEAN}
RESIZING = {ops.BROADCAST, *TOTALS}
BLOCKS = {ops.KRON, ops.KRON_LEFT, ops.KRON_RIGHT}
SERVED = {
    *ENTRYWISE, *RESIZING, *BLOCKS, ops.VEC, ops.UNVEC, ops.VAR, ops.NUMBER, ops.DIM, ops.ONES,
    ops.ZEROS, ops.EYE, ops.NEG, ops.MATMUL, ops.TRANSPOSE, ops.POW, ops.TRACE, ops.DIAG,
    ops.DIAGONAL, ops.INV, ops.DET,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one point says: a difference is certain, agreement is chance with at most `bound`."""

    agrees: bool
    bound: Fraction
    prime: int


def agrees_modulo(
    program: Program,
    name: str,
    claim: Expr,
    sizes: Mapping[str, int],
    *,
    seed: int = 0,
    assume: Assumptions | None = None,
) -> Outcome:
    """Return whether a claimed gradient agrees with the true one at a point modulo a prime.

    The claim may use the program's names and the gradients of them. The seed chooses the prime; the
    point is drawn by FLINT.

    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, d); W: (d, m); Y = X @ W")
    >>> X, W, dY = program.leaves["X"], program.leaves["W"], var("dY", Shape("n", "m"))
    >>> [agrees_modulo(program, "X", E, {"n": 40}).agrees for E in (dY @ W.T, 2 * (dY @ W.T), X)]
    [True, False, False]

    Raises `UnsupportedError` for an operator that is not rational, and where no point was found at
    which both sides have a value; `ShapeError` for a claim of another shape.
    """
    return Judge(program, sizes, seed=seed, assume=assume).agrees(name, claim)


class Judge:
    """A program at sizes, before which claims are brought; they share the points that are drawn."""

    def __init__(
        self,
        program: Program,
        sizes: Mapping[str, int],
        *,
        seed: int = 0,
        assume: Assumptions | None = None,
    ):
        self.setting = _Setting(program, program.at(sizes), _symmetric(assume or {}))
        self.random = Random(seed)
        self.points: list[_Point] = []

    def agrees(self, name: str, claim: Expr) -> Outcome:
        """Return what `agrees_modulo` returns, of one claim among several."""
        setting = self.setting
        setting.program.wanted((name,))
        shape = setting.program.leaves[name].shape
        if claim.shape != shape:
            raise ShapeError(f"d{name} is {shape}, the claim is {claim.shape}")
        try:
            return self._tried(setting.slope(name), setting.along(name, claim))
        except RecursionError:
            raise UnsupportedError("this is nested too deeply for the modular judge") from None

    def _tried(self, truth: Expr, claimed: Expr) -> Outcome:
        for point in self._points():
            point.visits.clear()
            try:
                agrees = point.value(truth) == point.value(claimed)
                point.insist()
            except ZeroDivisionError:
                continue
            bound = _Degrees(self.setting).bound(truth, claimed) if agrees else Fraction(0)
            return Outcome(agrees, bound, point.prime)
        raise UnsupportedError("both sides have a value at none of the points that were tried")

    def _points(self) -> Iterator[_Point]:
        for k in range(TRIES):
            if k == len(self.points):
                self.points.append(_Point(self.setting, _prime(self.random)))
            yield self.points[k]


def _symmetric(assume: Assumptions) -> set[str]:
    """Return the names of the inputs that are symmetric; refuse what no random point obeys."""
    found = set()
    for name, given in assume.items():
        said = implied([given] if isinstance(given, str) else given)
        if special := [word for word in sorted(said) if not TABLE[word].generic]:
            raise UnsupportedError(f"no random point makes {name} {special[0]}")
        if "symmetric" in said:
            found.add(name)
    return found


def _prime(random: Random) -> int:
    """Return a prime of 64 bits, larger than the distance of any two numbers that are drawn."""
    found = random.randrange(2**63 + 2**62, 2**64) | 1
    while not fmpz(found).is_prime():
        found -= 2
    return found


def _direction(program: Program, name: str) -> tuple[Expr, Expr]:
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
        elif node.op not in SERVED or (node.op is POW and node.data.denominator != 1):
            raise _unserved(node.name)
        else:
            done[node] = rebuild(node, args)
    return done[root]


class _Unserved:
    """The functions that a meaning may use: none of them is rational."""

    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, name: str) -> Any:
        raise _unserved(self.name)


def _unserved(name: str) -> UnsupportedError:
    words = "a power that is not whole" if name == "pow" else name
    return UnsupportedError(f"{words} has no value modulo a prime")


class _Setting:
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
        u, v = _direction(self.program, name)
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
            u, v = _direction(self.program, name)
            known: dict[Expr, Terms] = {self.program.leaves[name]: (u @ v.T,)}
            for s in self.program.statements:
                leaf = self.program.leaves[s.name]
                if leaf in self.defined and leaf not in known:
                    for node in nodes(self.defined[leaf]):
                        if node not in known:
                            known[node] = _tangent(node, [known[arg] for arg in node.args])
                    known[leaf] = known[self.defined[leaf]]
            along = [_inner(self.upstream, term) for term in known[self.program.output]]
            self.slopes[name] = reduce(add, along, number(0))
        return self.slopes[name]


# -- tangents --------------------------------------------------------------------------------------

#: The tangent of a matrix: a sum of matrices, most of them a column times a row.
Terms = tuple[Expr, ...]


def _is_outer(node: Expr) -> bool:
    return node.op is MATMUL and node.args[0].shape.cols == 1


def _inner(one: Expr, other: Expr) -> Expr:
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


def _tangent(node: Expr, given: list[Terms]) -> Terms:
    """Return the tangent of an operator's value, given those of its arguments."""
    found = _to_first_order(node, given) if any(given) else ()
    return found if len(found) <= TERMS else (reduce(add, found),)


def _to_first_order(node: Expr, given: list[Terms]) -> Terms:
    """Return the operator's arithmetic with `A + t dA` for `A`, to first order in `t`."""
    dA, dB = given[0], given[1] if len(given) > 1 else ()
    A, B = node.args[0], node.args[-1]
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


# -- values ----------------------------------------------------------------------------------------


class _Point:
    """A random point: every expression of a program has a value there, a matrix modulo the prime.

    `value` writes a matrix out; `times` multiplies a column by an expression, or by its transpose,
    and writes out as little as it can.
    """

    def __init__(self, setting: _Setting, prime: int):
        self.setting = setting
        self.prime = prime
        self.drawn: dict[Expr, Any] = {}
        self.known: dict[Expr, Any] = {}
        self.visits: Counter[Expr] = Counter()

    def value(self, node: Expr) -> Any:
        """Return the matrix of an expression."""
        if node not in self.known:
            rows, cols = self.extents(node)
            if node.op not in RESIZING | {ops.MATMUL} or 1 not in (rows, cols):
                self.known[node] = self._written(node)
            elif cols == 1:
                self.known[node] = self._multiplied(node, self.filled(1, 1), False)
            else:
                self.known[node] = self._multiplied(node, self.filled(1, 1), True).transpose()
        return self.known[node]

    def insist(self) -> None:
        """Raise `ZeroDivisionError` where the program has no value; a slope may not see that."""
        for definition in self.setting.defined.values():
            for node in nodes(definition):
                if node.op is INV:
                    self.value(node)
                elif node.op is DIV or (node.op is POW and node.data < 0):
                    divisor = node.args[-1]
                    if divisor.op is BROADCAST:
                        divisor = divisor.args[0]
                    if 0 in self.value(divisor).entries():
                        raise ZeroDivisionError

    def times(self, node: Expr, column: Any, flipped: bool = False) -> Any:
        """Return an expression, or its transpose, times a column."""
        if node.is_var and node in self.setting.defined:
            return self.times(self.setting.defined[node], column, flipped)
        if node not in self.known:
            self.visits[node] += 1
            if 1 in self.extents(node):
                self.value(node)
            elif self.visits[node] > PATIENCE:
                self.known[node] = self._written(node)
            else:
                return self._multiplied(node, column, flipped)
        matrix = self.known[node]
        return (column.transpose() * matrix).transpose() if flipped else matrix * column

    def extents(self, node: Expr) -> tuple[int, int]:
        return node.shape.extents(self.setting.sizes)

    def filled(self, rows: int, cols: int, value: int = 1) -> Any:
        """Return a matrix of one number."""
        if 1 in (rows, cols):
            return nmod_mat(rows, cols, [value] * (rows * cols), self.prime)
        return self.filled(rows, 1, value) * self.filled(1, cols)

    def _multiplied(self, node: Expr, column: Any, flipped: bool) -> Any:
        """Multiply a column by an expression as the expression is made."""
        rows = self.extents(node)[1 if flipped else 0]
        match node.op:
            case ops.MATMUL:
                first, last = node.args if flipped else node.args[::-1]
                return self.times(last, self.times(first, column, flipped), flipped)
            case ops.TRANSPOSE:
                return self.times(node.args[0], column, not flipped)
            case ops.ADD | ops.SUB:
                left, right = (self.times(arg, column, flipped) for arg in node.args)
                return left + right if node.op is ADD else left - right
            case ops.NEG:
                return -self.times(node.args[0], column, flipped)
            case ops.ONES:
                return self._fitted(self._fitted(column, 1), rows)
            case ops.ZEROS:
                return self.filled(rows, 1, 0)
            case ops.EYE:
                return column
            case ops.DIAG:
                (line,) = node.args
                return self._entrywise("mul", self._as_column(self.value(line)), column)
            case ops.MUL | ops.DIV if (found := self._line(node)) is not None:
                return self._scaled(node.name, *found, column, flipped)
        if node.op not in RESIZING:
            return self.times_written(node, column, flipped)
        own = self.extents(node.args[0])
        inside = self._fitted(column, own[0] if flipped else own[1])
        found = self._fitted(self.times(node.args[0], inside, flipped), rows)
        return found * self._share(node)

    def times_written(self, node: Expr, column: Any, flipped: bool) -> Any:
        """Write a matrix out, and multiply a column by it."""
        self.value(node)
        return self.times(node, column, flipped)

    def _line(self, node: Expr) -> tuple[Expr, Expr] | None:
        """Return a matrix and the repeated row, column or number that scales it, if any."""
        A, B = node.args
        if B.op is BROADCAST:
            return A, B.args[0]
        return (B, A.args[0]) if A.op is BROADCAST and node.op is MUL else None

    def _scaled(self, name: str, body: Expr, line: Expr, column: Any, flipped: bool) -> Any:
        """Multiply a column by a matrix whose rows or columns are scaled."""
        rows, cols = self.extents(line)
        scale = self._as_column(self.value(line))
        if rows == cols == 1:
            one = scale[0, 0]
            return self.times(body, column, flipped) * (one if name == "mul" else 1 / one)
        if (cols == 1) == flipped:
            return self.times(body, self._entrywise(name, column, scale), flipped)
        return self._entrywise(name, self.times(body, column, flipped), scale)

    def _as_column(self, line: Any) -> Any:
        return line if line.ncols() == 1 else line.transpose()

    def _fitted(self, column: Any, rows: int) -> Any:
        """Return a column summed to one entry, or one entry repeated."""
        if column.nrows() == rows:
            return column
        return (self.filled(1, column.nrows()) if rows == 1 else self.filled(rows, 1)) * column

    def _share(self, node: Expr) -> Any:
        """Return 1 over the number of entries of which a mean is taken; 1 for sums."""
        if node.op is not MEAN:
            return nmod(1, self.prime)
        (rows, cols), (r, c) = self.extents(node.args[0]), self.extents(node)
        return 1 / nmod(rows * cols // (r * c), self.prime)

    # -- matrices, written out ---------------------------------------------------------------------

    def _written(self, node: Expr) -> Any:
        """Return the matrix of an expression from those of its arguments."""
        rows, cols = self.extents(node)
        match node.op:
            case ops.VAR:
                return self._leaf(node, rows, cols)
            case ops.NUMBER:
                value = Fraction(node.data)
                one = nmod(value.numerator, self.prime) / nmod(value.denominator, self.prime)
                return self.filled(1, 1, one)
            case ops.DIM:
                data = node.data
                extent = self.setting.sizes[data] if isinstance(data, str) else int(data)
                return self.filled(1, 1, extent)
            case ops.ONES | ops.ZEROS:
                return self.filled(rows, cols, int(node.op is ONES))
            case ops.EYE:
                return self._diagonal([1] * rows)
        A, B = node.args[0], node.args[-1]
        if node.op in (MUL, DIV) and (found := self._line(node)) is not None:
            body, line = found
            if self.extents(line) == (1, 1):
                one = self.value(line)[0, 0]
                return self.value(body) * (one if node.op is MUL else 1 / one)
        match node.op:
            case ops.ADD:
                return self.value(A) + self.value(B)
            case ops.SUB:
                return self.value(A) - self.value(B)
            case ops.NEG:
                return -self.value(A)
            case ops.MATMUL:
                return self.value(A) * self.value(B)
            case ops.TRANSPOSE:
                return self.value(A).transpose()
            case ops.MUL | ops.DIV:
                return self._entrywise(node.name, self.value(A), self.value(B))
            case ops.POW:
                exponent = int(node.data)
                entries = [int(x) for x in self.value(A).entries()]
                if exponent < 0 and 0 in entries:
                    raise ZeroDivisionError
                powers = [pow(x, exponent, self.prime) for x in entries]
                return nmod_mat(rows, cols, powers, self.prime)
            case ops.INV:
                return self.value(A).inv()
            case ops.DET:
                return self.filled(1, 1, self.value(A).det())
            case ops.DIAG:
                return self._diagonal(self.value(A).entries())
            case ops.VEC:
                return nmod_mat(rows, cols, self.value(A).transpose().entries(), self.prime)
            case ops.UNVEC:
                return nmod_mat(cols, rows, self.value(A).entries(), self.prime).transpose()
        if node.op in BLOCKS:
            return self._blocks(node.op, self.value(A), self.value(B), rows, cols)
        matrix = self.value(A)
        if node.op in (TRACE, DIAGONAL):
            entries = [matrix[i, i] for i in range(matrix.nrows())]
            found = nmod_mat(len(entries), 1, entries, self.prime)
            return found if node.op is DIAGONAL else self._fitted(found, 1)
        assert node.op in RESIZING, node.name
        across = self._fitted(matrix, rows)
        return self._fitted(across.transpose(), cols).transpose() * self._share(node)

    def _diagonal(self, entries: list[Any]) -> Any:
        found = nmod_mat(len(entries), len(entries), self.prime)
        for i, entry in enumerate(entries):
            found[i, i] = entry
        return found

    def _blocks(self, op: Op, A: Any, B: Any, rows: int, cols: int) -> Any:
        """Return a Kronecker product, or the blocks of A summed against B."""
        height, width = B.nrows(), B.ncols()
        within = [(k, m) for k in range(height) for m in range(width)]

        def entry(i: int, j: int) -> Any:
            match op:
                case ops.KRON:
                    return A[i // height, j // width] * B[i % height, j % width]
                case ops.KRON_LEFT:
                    return sum(A[i * height + k, j * width + m] * B[k, m] for k, m in within)
            return sum(A[k * rows + i, m * cols + j] * B[k, m] for k, m in within)

        entries = [entry(i, j) for i in range(rows) for j in range(cols)]
        return nmod_mat(rows, cols, entries, self.prime)

    def _entrywise(self, name: str, one: Any, other: Any) -> Any:
        pairs = zip(one.entries(), other.entries())
        found = [x * y for x, y in pairs] if name == "mul" else [x / y for x, y in pairs]
        return nmod_mat(one.nrows(), one.ncols(), found, self.prime)

    def _leaf(self, leaf: Expr, rows: int, cols: int) -> Any:
        setting = self.setting
        if leaf in setting.defined:
            return self.value(setting.defined[leaf])
        if leaf in setting.gradients:
            return self._gradient(*setting.gradients[leaf], rows, cols)
        if leaf is setting.upstream and setting.program.is_loss:
            return self.filled(1, 1)
        if leaf not in self.drawn:
            found = nmod_mat(fmpz_mat.randbits(rows, cols, BITS), self.prime)
            if leaf.data[0] in setting.symmetric:
                found = found + found.transpose()
            self.drawn[leaf] = found
        return self.drawn[leaf]

    def _gradient(self, name: str, slope: Expr, rows: int, cols: int) -> Any:
        """Return the gradient of a name: the slopes along the directions of single entries."""
        u, v = _direction(self.setting.program, name)
        entries = []
        for i in range(rows):
            for j in range(cols):
                along = _Point(self.setting, self.prime)
                along.drawn = self.drawn
                along.known[u] = nmod_mat(rows, 1, [int(k == i) for k in range(rows)], self.prime)
                along.known[v] = nmod_mat(cols, 1, [int(k == j) for k in range(cols)], self.prime)
                entries.append(along.value(slope)[0, 0])
        return nmod_mat(rows, cols, entries, self.prime)


# -- degrees ---------------------------------------------------------------------------------------

#: The degrees of a numerator and a denominator that any entry of a matrix can be written with.
Degree = tuple[int, int]


class _Degrees:
    """Bounds of the degrees of expressions, as rational functions of all that is drawn."""

    def __init__(self, setting: _Setting):
        self.setting = setting
        self.known: dict[Expr, Degree] = {}
        self.divisors = 0

    def bound(self, one: Expr, other: Expr) -> Fraction:
        """Return the chance at most to find two scalars equal that are not."""
        for leaf in self.setting.defined:
            self.of(leaf)
        (a, b), (c, d) = self.of(one), self.of(other)
        left = CHOICES - self.divisors
        return min(Fraction(1), Fraction(max(a + d, c + b), left)) if left > 0 else Fraction(1)

    def of(self, root: Expr) -> Degree:
        for node in nodes(root):
            if node not in self.known:
                self.known[node] = self._degree(node)
        return self.known[root]

    def _degree(self, node: Expr) -> Degree:
        setting = self.setting
        if node.is_var:
            if node in setting.defined:
                return self.of(setting.defined[node])
            return self.of(setting.gradients[node][1]) if node in setting.gradients else (1, 0)
        if not node.args:
            return 0, 0
        (a, b), (c, d) = self.known[node.args[0]], self.known[node.args[-1]]
        rows, cols = node.args[0].shape.extents(setting.sizes)
        entries = int.__mul__(*node.shape.extents(setting.sizes))
        match node.op:
            case ops.ADD | ops.SUB:
                return max(a + d, c + b), b + d
            case ops.MUL | ops.KRON:
                return a + c, b + d
            case ops.KRON_LEFT | ops.KRON_RIGHT:
                return _total((a + c, b + d), rows * cols // entries)
            case ops.DIV:
                self.divisors += entries * c
                return a + d, b + c
            case ops.POW:
                k = int(node.data)
                self.divisors += entries * a if k < 0 else 0
                return (k * a, k * b) if k >= 0 else (-k * b, -k * a)
            case ops.MATMUL:
                return _total((a + c, b + d), cols)
            case ops.TRACE:
                return _total((a, b), rows)
            case ops.INV | ops.DET:
                # A = M / e, with a common denominator e of degree `common`
                common = rows * rows * b
                own = a + common - b if b else a
                if node.op is DET:
                    return rows * own, rows * common
                self.divisors += rows * own
                return (rows - 1) * own + common, rows * own
        if node.op in TOTALS:
            return _total((a, b), rows * cols // entries)
        return a, b


def _total(degree: Degree, count: int) -> Degree:
    """Return the degrees of a sum of so many fractions of different denominators."""
    a, b = degree
    return a + (count - 1) * b, count * b
