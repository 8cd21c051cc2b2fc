"""A random point modulo a prime: matrices of residues, written out as seldom as can be.

A program in rational operators and a prime come in; the matrix of an expression leaves, or its
product with a column. Raises `ZeroDivisionError` where a divisor vanishes.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from flint import fmpz_mat, nmod, nmod_mat

from derive import ops
from derive.expressions.expr import Expr, Op, nodes
from derive.judges.rational import BLOCKS, RESIZING, Setting, direction
from derive.ops.elementwise import DIV, MUL, POW
from derive.ops.linear import ADD, BROADCAST, ONES
from derive.ops.reduction import MEAN, TRACE
from derive.ops.rows import DIAGONAL
from derive.ops.square import INV

#: Entries are drawn from the numbers of exactly so many bits, of either sign.
BITS = 62
CHOICES = 2**BITS
#: A matrix that so many vectors have been multiplied by is written out.
PATIENCE = 16


# -- values ----------------------------------------------------------------------------------------


class Point:
    """A random point: every expression of a program has a value there, a matrix modulo the prime.

    `value` writes a matrix out; `times` multiplies a column by an expression, or by its transpose,
    and writes out as little as it can.
    """

    def __init__(self, setting: Setting, prime: int):
        self.setting = setting
        self.prime = prime
        self.drawn: dict[Expr, Any] = {}
        #: What functions that are left open are at the arguments that were met.
        self.heard: dict[tuple[str, int, int], Any] = {}
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

    def extents(self, node: Expr) -> tuple[int, ...]:
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
        if node.op.left_open:
            entries = [self._heard((*node.op.left_open, int(x))) for x in matrix.entries()]
            return nmod_mat(rows, cols, entries, self.prime)
        if node.op in (TRACE, DIAGONAL):
            entries = [matrix[i, i] for i in range(matrix.nrows())]
            found = nmod_mat(len(entries), 1, entries, self.prime)
            return found if node.op is DIAGONAL else self._fitted(found, 1)
        assert node.op in RESIZING, node.name
        across = self._fitted(matrix, rows)
        return self._fitted(across.transpose(), cols).transpose() * self._share(node)

    def _heard(self, key: tuple[str, int, int]) -> Any:
        """Return a value of an open function, or of its derivative: any number, and always that."""
        if key not in self.heard:
            self.heard[key] = nmod_mat(fmpz_mat.randbits(1, 1, BITS), self.prime)[0, 0]
        return self.heard[key]

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
        u, v = direction(self.setting.program, name)
        entries = []
        for i in range(rows):
            for j in range(cols):
                along = Point(self.setting, self.prime)
                along.drawn, along.heard = self.drawn, self.heard
                along.known[u] = nmod_mat(rows, 1, [int(k == i) for k in range(rows)], self.prime)
                along.known[v] = nmod_mat(cols, 1, [int(k == j) for k in range(cols)], self.prime)
                entries.append(along.value(slope)[0, 0])
        return nmod_mat(rows, cols, entries, self.prime)
