"""Numbers: a program evaluated in rigorous intervals, and central differences of it.

The third reading of the operators' definitions, after symbols and forms. Arithmetic is Arb's, with
200 bits (about 60 digits); every result carries its own error bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Any

from flint import arb, ctx, fmpq

from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import OPS, Expr, nodes
from derive.expressions.limits import Cells
from derive.expressions.program import Program
from derive.expressions.shape import Dim, Shape, extent
from derive.ops.square import DET, INV, cofactor, determinant

BITS = 200
#: FLINT ends the process where the exponent of an exponent is larger than a word of the machine.
HUGE = arb(2) ** 60
#: The step of a central difference; its square bounds the error, about 40 digits. A binary number
#: moves binary numbers exactly: A - A.T stays 0 on its diagonal.
STEP = Fraction(1, 2**66)
#: Bits and step where a program is so steep that fewer digits do not tell.
FINER = (1000, Fraction(1, 2**266))

Values = list[list[Any]]


class Numbers:
    """The matrices of a program at sizes, each entry an interval."""

    def __init__(self, sizes: Mapping[str, int], values: Mapping[str, Values]):
        self.sizes = sizes
        self.values = values
        self.known: dict[Expr, Values] = {}
        self.tied = False
        self.cells = Cells()

    def matrix(self, root: Expr) -> Values:
        """Return the entries of an expression, by its operators' definitions."""
        for node in nodes(root):
            if node not in self.known:
                rows, cols = node.shape.extents(self.sizes)
                self.cells.spend(rows, cols)
                views = [_View(self.known[arg], arg.shape) for arg in node.args]
                data = {"data": node.data} if node.op.takes_data else {}
                self.known[node] = [
                    [node.op.entry(self, i, j, *views, **data) for j in range(cols)]
                    for i in range(rows)
                ]
        return self.known[root]

    def determinant(self, matrix: Expr) -> Any:
        """Return the determinant of the matrix that an expression is."""
        return self.det(_View(self.matrix(matrix), matrix.shape))

    def sum(self, dim: Dim, body: Callable[[int], Any]) -> Any:
        total, count = arb(0), extent(dim, self.sizes)
        self.cells.spend(count)
        for k in range(count):
            total = total + body(k)
        return total

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Any:
        """Return the winner itself where there is one for certain, so that == knows it again."""
        ranges = (range(extent(dim, self.sizes)) for dim in dims)
        first, *others = (interval(body(*places)) for places in product(*ranges))
        tied = False
        for other in others:
            if (other > first) if name == "max" else (other < first):
                first, tied = other, False
            elif first.overlaps(other):
                tied = True
                if not (first.is_exact() and other.is_exact()):
                    first = first.max(other) if name == "max" else first.min(other)
        self.tied |= tied
        return first

    def entry(self, leaf: tuple, i: int, j: int) -> Any:
        return self.values[leaf[0]][i][j]

    def number(self, value: int | Fraction) -> Any:
        return interval(value)

    def size(self, dim: Dim) -> Any:
        return arb(extent(dim, self.sizes))

    def delta(self, i: int, j: int) -> Any:
        return arb(1 if i == j else 0)

    def le(self, i: int, j: int) -> Any:
        return arb(1 if i <= j else 0)

    def inverse(self, A: _View, i: int, j: int) -> Any:
        return cofactor(A.rows_of(), j, i) / self.det(A)

    def det(self, A: _View) -> Any:
        return determinant(A.rows_of())

    def function(self, name: str, *args: Any) -> Any:
        """Return a function of numbers, by its definition where it has one."""
        arithmetic, through = _Arithmetic(), OPS[name].through
        define = getattr(arithmetic, name, None)
        if define is None:
            assert through is not None, f"{name} has no definition"
            define = partial(through, arithmetic)
        return define(*(_Interval(arg) for arg in args)).value


class _View:
    __slots__ = ("cols", "rows", "values")

    def __init__(self, values: Values, shape: Shape):
        self.values = values
        self.rows, self.cols = shape.dims

    def __getitem__(self, indices: tuple[int, int]) -> _Interval:
        return _Interval(self.values[indices[0]][indices[1]])

    def rows_of(self) -> list[list[_Interval]]:
        return [[_Interval(value) for value in row] for row in self.values]


class _Interval:
    """An interval that takes fractions beside it and fractional powers."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value: Any = value.value if isinstance(value, _Interval) else interval(value)

    def __add__(self, other):
        return _Interval(self.value + _Interval(other).value)

    def __sub__(self, other):
        return _Interval(self.value - _Interval(other).value)

    def __rsub__(self, other):
        return _Interval(_Interval(other).value - self.value)

    def __mul__(self, other):
        return _Interval(self.value * _Interval(other).value)

    def __truediv__(self, other):
        return _Interval(self.value / _Interval(other).value)

    def __rtruediv__(self, other):
        return _Interval(_Interval(other).value / self.value)

    def __neg__(self):
        return _Interval(-self.value)

    def __pow__(self, exponent):
        exponent = Fraction(exponent)
        if exponent.denominator == 1:
            return _Interval(whole_power(self.value, int(exponent)))
        return _Interval(real_power(self.value, interval(exponent)))

    __radd__, __rmul__ = __add__, __mul__


def exponential(value: Any) -> Any:
    """Return exp of an interval; beyond e^HUGE it is no number that could be told."""
    return value.exp() if abs(value) < HUGE else arb("nan")


def real_power(value: Any, exponent: Any) -> Any:
    """Return a power of an interval, none where it is larger or smaller than could be told."""
    if value > 0 and not abs(value.log() * exponent) < HUGE:
        return arb("nan")
    return value**exponent


def whole_power(value: Any, exponent: int) -> Any:
    """Return a power by products: Arb's own has no value where the interval holds a zero."""
    if exponent < 0:
        return 1 / whole_power(value, -exponent)
    result = arb(1)
    while exponent:
        if exponent & 1:
            result = result * value
        value, exponent = value * value, exponent >> 1
    return result


class _Arithmetic:
    def exp(self, x):
        return _Interval(exponential(_Interval(x).value))

    def log(self, x):
        return _Interval(_Interval(x).value.log())

    def sin(self, x):
        return _Interval(_Interval(x).value.sin())

    def cos(self, x):
        return _Interval(_Interval(x).value.cos())

    def normcdf(self, x):
        return _Interval((1 + (_Interval(x).value / arb(2).sqrt()).erf()) / 2)

    def pi(self):
        return _Interval(arb.pi())

    def sign(self, x):
        return _Interval(_Interval(x).value.sgn())

    def gt(self, x, y):
        """Return 1 or 0, at a tie 0 as in NumPy; between them where the intervals overlap."""
        x, y = _Interval(x), _Interval(y)
        sign = (x - y).value.sgn() if x.value is not y.value else arb(0)
        return _Interval((sign * (1 + sign) / 2) if sign.is_exact() else arb(0.5, 0.5))

    def eq(self, x, y):
        """Return 1 or 0; between them where two intervals overlap that may be different numbers."""
        if x.value is y.value:
            return _Interval(1)
        if not x.value.overlaps(y.value):
            return _Interval(0)
        exact = x.value.is_exact() and y.value.is_exact()
        return _Interval(1 if exact else arb(0.5, 0.5))


def interval(value: Any) -> Any:
    """Return an exact number as an interval."""
    if isinstance(value, _Interval):
        return value.value
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(value) if isinstance(value, int) else value


def agreement(
    value: Callable[[Mapping[str, Values]], Any],
    gradients: Callable[[Mapping[str, Values]], Mapping[str, Values]],
    names: Sequence[str],
    point: Mapping[str, list[list[Fraction]]],
) -> int | None:
    """Return to how many digits central differences agree with the gradients of some names.

    All of them move at once along one direction. `value` and `gradients` evaluate the loss and its
    claimed gradients at a point. `None` where they do not agree to 10 digits; raises
    `UnsupportedError` where a value is not a number there.
    """
    directions = {
        name: [
            [Fraction(1 + (3 * i + 5 * j + k) % 7, 4) * (-1) ** (i + j) for j, _ in enumerate(row)]
            for i, row in enumerate(point[name])
        ]
        for k, name in enumerate(names)
    }

    def shifted(step: Fraction) -> Any:
        moved = {
            name: [
                [interval(x + step * v) for x, v in zip(row, along, strict=True)]
                for row, along in zip(point[name], direction, strict=True)
            ]
            for name, direction in directions.items()
        }
        return value({**_intervals(point), **moved})

    before = ctx.prec
    try:
        for ctx.prec, step in ((BITS, STEP), FINER):
            slope = (shifted(step) - shifted(-step)) / interval(2 * step)
            ours, found = arb(0), gradients(_intervals(point))
            for name, direction in directions.items():
                for row, along in zip(found[name], direction, strict=True):
                    for g, v in zip(row, along, strict=True):
                        ours += interval(g) * interval(v)
            if not (slope.is_finite() and ours.is_finite()):
                raise UnsupportedError("the program has no value at the point that was tried")
            apart = abs(slope - ours).upper() / (1 + abs(ours).lower())
            if (digits := digits_of(apart)) >= 10:
                return digits
        return None
    finally:
        ctx.prec = before


def digits_of(share: Any) -> int:
    """Return to how many digits two numbers agree that differ by such a share, 60 at most."""
    if share == 0:
        return 60
    if not share.is_finite():
        return 0
    return max(0, min(60, int(-float((share.log() / arb(10).log()).mid()))))


def _intervals(point: Mapping[str, list[list[Fraction]]]) -> dict[str, Values]:
    return {name: [[interval(x) for x in row] for row in rows] for name, rows in point.items()}


def is_defined(program: Program, sizes: Mapping[str, int]) -> bool:
    """Return whether a program has a value anywhere at sizes: the inverse of X.T @ X has none where
    X has fewer rows than columns.

    A few points are tried, with matrices that are far from singular where they can be.
    """

    cells = Cells()

    def matrix(name: str, seed: int) -> Values:
        rows, cols = program.leaves[name].shape.extents(sizes)
        cells.spend(rows, cols)
        return [
            [arb((7 * i + 3 * j + 5 * i * j + seed) % 11 - 4 + 9 * (i == j)) for j in range(cols)]
            for i in range(rows)
        ]

    before, ctx.prec = ctx.prec, BITS
    try:
        return any(
            _values_exist(
                program, sizes, {n: matrix(n, k * seed) for k, n in enumerate(program.inputs, 1)}
            )
            for seed in range(6)
        )
    finally:
        ctx.prec = before


def _values_exist(program: Program, sizes: Mapping[str, int], values: Mapping[str, Values]) -> bool:
    known = dict(values)
    try:
        for statement in program.statements:
            point = Numbers(sizes, known)
            # a determinant is differentiated by an inverse
            below = [n.args[0] for n in nodes(statement.expr) if n.op is DET]
            for formula in (statement.expr, *(INV(matrix) for matrix in below)):
                rows = [[interval(x) for x in row] for row in point.matrix(formula)]
                if not all(x.is_finite() for row in rows for x in row):
                    return False
                if formula is statement.expr:
                    known = {**known, statement.name: rows}
    except (ZeroDivisionError, ValueError):
        return False
    return True
