"""Random programs over the whole language, and a referee that shares no code with the package.

    python tests/fuzz.py --count 1000 --seed 7

writes so many claims about random programs, has them judged, and holds everything that is said
against its own reading of the text: Python's syntax tree, mpmath's numbers with 120 digits, and
central differences. What is proved must hold at every point that satisfies the printed conditions,
and there must be such points at every size; a counterexample must be one; printed gradients and the
numbers of worked examples must be right. Each disagreement is one line that reproduces it.

What it does not see: what is true of no point that it tries (points are small fractions, of both
signs, positive, in the unit interval, with ties), and sizes above 4.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import resource
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import mpmath
import numpy as np

MP = mpmath.MPContext()  # of its own: nobody else's precision changes ours
MP.dps = 120
STEP = MP.mpf(10) ** -40
#: Numbers that differ by less are equal; a kink that is nearer than CLEAR is not told from a tie.
SAME, CLEAR, AGREE = MP.mpf(10) ** -75, MP.mpf(10) ** -12, MP.mpf(10) ** -40
#: Beside larger numbers too few digits are left of small ones.
LARGEST = MP.mpf(10) ** 25
ZERO, ONE = MP.mpf(0), MP.mpf(1)

Matrix = np.ndarray
Values = dict[str, Matrix]


class NoValue(Exception):
    """A value that is not a real number, or a shape that does not fit."""


class Misfit(NoValue):
    """Shapes that do not fit."""


class Unclear(Exception):
    """What these digits do not decide: a comparison too close, numbers too large."""


# -- the language, read a second time --------------------------------------------------------------


def real(x: Any) -> Any:
    """Return a number as one of ours."""
    if isinstance(x, Fraction):
        return MP.mpf(x.numerator) / x.denominator
    return MP.mpf(x)


def table(rows: Any) -> Matrix:
    """Return numbers as a matrix.

    >>> table([[1, Fraction(1, 2)]]).shape
    (1, 2)
    """
    found = np.empty((len(rows), len(rows[0])), dtype=object)
    for i, row in enumerate(rows):
        for j, x in enumerate(row):
            found[i, j] = real(x)
    return found


def each(function: Callable[..., Any]) -> Callable[..., Matrix]:
    made = np.frompyfunc(function, function.__code__.co_argcount, 1)
    return lambda *args: _matrix(made(*_fitted(*args)))


def _matrix(found: Any) -> Matrix:
    return found if isinstance(found, np.ndarray) else table([[found]])


def _fitted(*args: Matrix) -> tuple[Matrix, ...]:
    try:
        return tuple(np.broadcast_arrays(*args))
    except ValueError:
        raise Misfit("shapes") from None


def _exp(x: Any) -> Any:
    if abs(x) > 60:
        raise Unclear
    return MP.exp(x)


def _below(x: Any) -> Any:
    if abs(x) > 11:
        raise Unclear
    return MP.ncdf(x)


def _log(x: Any) -> Any:
    if x <= SAME:
        raise NoValue("a logarithm")
    return MP.log(x)


def _root(x: Any) -> Any:
    if x < 0:
        raise NoValue("a root")
    return MP.sqrt(x)


def _over(x: Any, y: Any) -> Any:
    if abs(y) < SAME:
        raise NoValue("a quotient")
    return x / y


def _raised(x: Any, e: Fraction) -> Any:
    if e.denominator == 1:
        if abs(x) < SAME and e < 0:
            raise NoValue("a power")
        return x ** int(e)
    if x < 0 or (abs(x) < SAME and e < 0):
        raise NoValue("a power")
    return x if x == 0 else x ** real(e)


def _sign(x: Any) -> int:
    return 0 if abs(x) < SAME else 1 if x > 0 else -1


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + _exp(-x))


def _determinant(A: Matrix) -> Any:
    rows = [list(row) for row in A]
    if len(rows) != len(rows[0]):
        raise Misfit("not square")
    found = ONE
    for k in range(len(rows)):
        best = max(range(k, len(rows)), key=lambda r: abs(rows[r][k]))
        if rows[best][k] == 0:
            return ZERO
        if best != k:
            rows[k], rows[best] = rows[best], rows[k]
            found = -found
        found *= rows[k][k]
        for r in range(k + 1, len(rows)):
            factor = rows[r][k] / rows[k][k]
            for c in range(k, len(rows)):
                rows[r][c] = rows[r][c] - factor * rows[k][c]
    return found


def _inverse(A: Matrix) -> Matrix:
    whole = _determinant(A)
    if abs(whole) < SAME:
        raise NoValue("an inverse")
    n = len(A)
    rows = [[*row, *(ONE if i == j else ZERO for j in range(n))] for i, row in enumerate(A)]
    for k in range(n):
        best = max(range(k, n), key=lambda r: abs(rows[r][k]))
        rows[k], rows[best] = rows[best], rows[k]
        pivot = rows[k][k]
        rows[k] = [x / pivot for x in rows[k]]
        for r in range(n):
            if r != k:
                factor = rows[r][k]
                rows[r] = [x - factor * y for x, y in zip(rows[r], rows[k], strict=True)]
    return table([row[n:] for row in rows])


def _sum(A: Matrix, axis: int | None = None) -> Matrix:
    return _matrix(np.sum(A, axis=axis, keepdims=True))


def _diag(v: Matrix) -> Matrix:
    if 1 not in v.shape:
        raise Misfit("not a row or a column")
    flat = v.reshape(-1)
    return table([[x if i == j else 0 for j in range(len(flat))] for i, x in enumerate(flat)])


def _unvec(v: Matrix, shape: tuple[int, int]) -> Matrix:
    if v.shape != (shape[0] * shape[1], 1):
        raise Misfit("unvec")
    return v.reshape(shape, order="F")


def _blocks(G: Matrix, B: Matrix, outer: bool) -> Matrix:
    """Sum the blocks of G against B, which was the right factor (`outer` false) or the left one."""
    p, q = G.shape[0] // B.shape[0], G.shape[1] // B.shape[1]
    if G.shape != (p * B.shape[0], q * B.shape[1]):
        raise Misfit("blocks")
    found = np.full((p, q), ZERO, dtype=object)
    for i, j, k, l in product(range(p), range(q), *map(range, B.shape)):
        at = (k * p + i, l * q + j) if outer else (i * len(B) + k, j * len(B.T) + l)
        found[i, j] = found[i, j] + G[at] * B[k, l]
    return found


def _square(A: Matrix) -> Matrix:
    if A.shape[0] != A.shape[1]:
        raise Misfit("not square")
    return A


def _softmax(A: Matrix) -> Matrix:
    found = _each["exp"](A)
    return found / _sum(found, 1)


def _logsumexp(A: Matrix) -> Matrix:
    return _each["log"](_sum(_each["exp"](A), 1))


_each = {
    "exp": each(_exp),
    "log": each(_log),
    "sqrt": each(_root),
    "sin": each(lambda x: MP.sin(x)),
    "cos": each(lambda x: MP.cos(x)),
    "tan": each(lambda x: _over(MP.sin(x), MP.cos(x))),
    "sinh": each(lambda x: (_exp(x) - _exp(-x)) / 2),
    "cosh": each(lambda x: (_exp(x) + _exp(-x)) / 2),
    "tanh": each(lambda x: 1 - 2 / (1 + _exp(2 * x))),
    "sigmoid": each(_sigmoid),
    "softplus": each(lambda x: MP.log(1 + _exp(x))),
    "silu": each(lambda x: x * _sigmoid(x)),
    "gelu": each(lambda x: x * _below(x)),
    "normcdf": each(lambda x: _below(x)),
    "normpdf": each(lambda x: _exp(-x * x / 2) / MP.sqrt(2 * MP.pi)),
    "relu": each(lambda x: max(x, ZERO)),
    "leaky_relu": each(lambda x, a: x if x > 0 else a * x),
    "elu": each(lambda x: x if x > 0 else _exp(x) - 1),
    "abs": each(lambda x: abs(x)),
    "sign": each(lambda x: real(_sign(x))),
    "max": each(lambda x, y: max(x, y)),
    "min": each(lambda x, y: min(x, y)),
    "where": each(lambda c, x, y: y if abs(c) < SAME else x),  # NumPy's meaning
}
_whole: dict[str, Callable[..., Any]] = {
    "tr": lambda A: np.trace(_square(A)),
    "det": _determinant,
    "logdet": lambda A: _log(_determinant(A)),
    "inv": _inverse,
    "norm": lambda A: MP.sqrt(np.sum(A * A)),
    "diag": _diag,
    "diagonal": lambda A: np.diagonal(_square(A)).reshape(-1, 1),
    "softmax": _softmax,
    "logsoftmax": lambda A: A - _logsumexp(A),
    "logsumexp": _logsumexp,
    "kron": np.kron,
    "outer": lambda u, v: np.outer(u, v),
    "kron_left": lambda G, B: _blocks(G, B, outer=False),
    "kron_right": lambda G, A: _blocks(G, A, outer=True),
    "vec": lambda A: A.reshape(-1, 1, order="F"),
}
_compared = {
    ast.Gt: lambda s: s > 0, ast.Lt: lambda s: s < 0, ast.GtE: lambda s: s >= 0,
    ast.LtE: lambda s: s <= 0, ast.Eq: lambda s: s == 0,
}  # fmt: skip
FUNCTIONS = {
    *_each,
    *_whole,
    "sum",
    "mean",
    "prod",
    "cumsum",
    "ones",
    "zeros",
    "eye",
    "broadcast_to",
    "unvec",
}


@lru_cache(8192)
def syntax(text: str) -> ast.expr:
    """Return the syntax tree of one expression."""
    return ast.parse(text.strip(), mode="eval").body


def statements(text: str) -> list[tuple[str, str]]:
    """Return the names and formulas of a text, declarations left out."""
    lines = [line.partition("=") for part in text.split("\n") for line in part.split(";")]
    return [(a.strip(), b.strip()) for a, sign, b in lines if sign]


class Evaluation:
    """Expressions at one point; `margin` is the distance to the nearest kink that was met."""

    def __init__(self, values: Values, sizes: Mapping[str, int]):
        self.values = values
        self.sizes = sizes
        self.margin: Any = MP.inf
        self.shapes: dict[ast.expr, tuple[int, int]] = {}

    def of(self, text: str) -> Matrix:
        """Return the value of a text; raises `NoValue` where there is none."""
        return self.at(syntax(text))

    def at(self, node: ast.expr) -> Matrix:
        found = self._at(node)
        if any(abs(x) > LARGEST for x in found.flat):
            raise Unclear
        self.shapes[node] = found.shape
        return found

    def _near(self, distances: Matrix, node: ast.expr) -> None:
        """Remember how near a kink is, unless nothing that may move is in it."""
        if any(isinstance(n, ast.Name) and n.id in self.values for n in ast.walk(node)):
            self.margin = min(self.margin, *(abs(x) for x in distances.flat))

    def _at(self, node: ast.expr) -> Matrix:
        match node:
            case ast.Constant(value=bool() | str()):
                raise ValueError("not in the language")
            case ast.Constant(value=value):
                return table([[Fraction(repr(value))]])
            case ast.Name(id=name):
                if name in self.values:
                    return self.values[name]
                if name in self.sizes:
                    return table([[self.sizes[name]]])
                raise ValueError(f"{name} is not known")
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return -self.at(a)
            case ast.UnaryOp(op=ast.UAdd(), operand=a):
                return self.at(a)
            case ast.Attribute(value=a, attr="T"):
                return self.at(a).T
            case ast.BinOp(left=a, op=ast.Pow(), right=e):
                exponent, base = fraction(e), self.at(a)
                if exponent.denominator != 1:
                    self._near(base, a)
                return each(lambda x: _raised(x, exponent))(base)
            case ast.BinOp(left=a, op=op, right=b):
                return self._arithmetic(op, self.at(a), self.at(b))
            case ast.Compare(left=a, ops=[op], comparators=[b]):
                x, y = _fitted(self.at(a), self.at(b))
                difference = x - y
                met = difference
                if isinstance(op, ast.Eq):  # the winner of a maximum meets it, and goes on to
                    met = np.where(np.abs(met) < SAME, MP.inf, met)
                self._near(met, node)
                return each(lambda d: real(int(_compared[type(op)](_sign(d)))))(difference)
            case ast.Call(func=ast.Name(id=name)):
                return _matrix(self._call(name, node))
        raise ValueError(f"{ast.unparse(node)} is not in the language")

    def _arithmetic(self, op: ast.operator, a: Matrix, b: Matrix) -> Matrix:
        if isinstance(op, ast.MatMult):
            if a.shape[1] != b.shape[0]:
                raise Misfit("a product")
            return a @ b
        a, b = _fitted(a, b)
        match op:
            case ast.Add():
                return a + b
            case ast.Sub():
                return a - b
            case ast.Mult():
                return a * b
            case ast.Div():
                return each(_over)(a, b)
        raise ValueError("not in the language")

    def _call(self, name: str, node: ast.Call) -> Any:
        if name in ("ones", "zeros", "eye"):
            dims = [self._dim(arg) for arg in node.args]
            if name == "eye":
                return _diag(np.full((dims[0], 1), ONE, dtype=object))
            return np.full(tuple(dims), ONE if name == "ones" else ZERO, dtype=object)
        if name in ("broadcast_to", "unvec"):
            value, (_, shape) = self.at(node.args[0]), node.args
            assert isinstance(shape, ast.Tuple)
            dims = [self._dim(arg) for arg in shape.elts]
            if name == "unvec":
                return _unvec(value, (dims[0], dims[1]))
            if any(k not in (1, d) for k, d in zip(value.shape, dims, strict=True)):
                raise Misfit("broadcast_to")
            return np.broadcast_to(value, tuple(dims))
        args = [self.at(arg) for arg in node.args]
        axis = next((ast.literal_eval(k.value) for k in node.keywords if k.arg == "axis"), None)
        if name == "sum":
            return _sum(args[0], axis)
        if name == "mean":
            return _sum(args[0], axis) / (args[0].size if axis is None else args[0].shape[axis])
        if name == "prod":
            return np.prod(args[0], axis=axis, keepdims=True).reshape(
                (1, 1) if axis is None else (1, -1) if axis == 0 else (-1, 1)
            )
        if name == "cumsum":
            return np.cumsum(args[0], axis=axis)
        if name in ("max", "min") and len(args) == 1:
            return self._extreme(name, args[0], axis, node)
        if name in ("relu", "leaky_relu", "abs", "sign", "sqrt"):
            self._near(args[0], node)
        if name == "where" and not is_mask(node.args[0]):
            self._near(args[0], node)
        if name in ("max", "min"):
            a, b = _fitted(*args)
            self._near(a - b, node)
        if name in _each:
            return _each[name](*args)
        found = _whole[name](*args)
        if name == "norm":
            self._near(_matrix(found), node)
        return found

    def _extreme(self, name: str, A: Matrix, axis: int | None, node: ast.expr) -> Matrix:
        lines = [list(A.flat)] if axis is None else [list(x) for x in (A.T if axis == 0 else A)]
        found = []
        for line in lines:
            *rest, best = sorted(line, reverse=name == "min")
            found.append(best)
            if rest:
                self._near(table([[best - rest[-1]]]), node)
        return table([[x] for x in found]) if axis == 1 else table([found])

    def _dim(self, node: ast.expr) -> int:
        return int(Evaluation({}, self.sizes).at(node)[0, 0])


def is_mask(node: ast.expr) -> bool:
    """Whether an expression is a comparison, or 1 less one."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return ast.unparse(node.left) == "1" and is_mask(node.right)
    return isinstance(node, ast.Compare)


def fraction(node: ast.expr) -> Fraction:
    """Return the value of a constant expression."""
    match node:
        case ast.Constant(value=value):
            return Fraction(repr(value))
        case ast.UnaryOp(op=ast.USub(), operand=a):
            return -fraction(a)
        case ast.BinOp(left=a, op=op, right=b):
            x, y = fraction(a), fraction(b)
            match op:
                case ast.Add():
                    return x + y
                case ast.Sub():
                    return x - y
                case ast.Mult():
                    return x * y
                case ast.Div():
                    return x / y
                case ast.Pow():
                    return x ** int(y)
    raise ValueError("not a constant")


# -- what is assumed -------------------------------------------------------------------------------

WORDS = ("symmetric", "spd", "invertible", "positive", "unit-interval", "row-stochastic",
         "one-hot-rows", "binary", "sign")  # fmt: skip
OF_SQUARES = ("symmetric", "spd", "invertible")


#: How a document says so.
SAID = {
    "symmetric": r"(\w+) is symmetric",
    "spd": r"(\w+) is symmetric and positive definite",
    "invertible": r"(\w+) is invertible",
    "positive": r"the entries of (\w+) are positive",
    "unit-interval": r"the entries of (\w+) are between 0 and 1",
    "row-stochastic": r"the rows of (\w+) sum to one",
    "one-hot-rows": r"the rows of (\w+) are one-hot",
    "binary": r"the entries of (\w+) are 0 or 1",
    "sign": r"the entries of (\w+) are 1 or -1",
}


def obeys(A: list[list[Fraction]], word: str) -> bool:
    """Whether a matrix of fractions is what a word says.

    >>> obeys([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(1)]], "spd")
    False
    """
    cells, n = [x for row in A for x in row], len(A)
    if word in OF_SQUARES and any(len(row) != n for row in A):
        return False
    match word:
        case "symmetric":
            return all(A[i][j] == A[j][i] for i in range(n) for j in range(n))
        case "spd":
            corners = ([row[:k] for row in A[:k]] for k in range(1, n + 1))
            return obeys(A, "symmetric") and all(_exact_det(B) > 0 for B in corners)
        case "invertible":
            return _exact_det(A) != 0
        case "positive":
            return min(cells) > 0
        case "unit-interval":
            return min(cells) > 0 and max(cells) < 1
        case "row-stochastic":
            return min(cells) >= 0 and all(sum(row) == 1 for row in A)
        case "one-hot-rows":
            return all(sorted(row) == [0] * (len(row) - 1) + [1] for row in A)
        case "binary":
            return {*cells} <= {0, 1}
        case "sign":
            return {*cells} <= {-1, 1}
    raise ValueError(word)


def _exact_det(A: list[list[Fraction]]) -> Fraction:
    if len(A) == 1:
        return A[0][0]
    minors = ([row[:j] + row[j + 1 :] for row in A[1:]] for j in range(len(A)))
    return sum(((-1) ** j * A[0][j] * _exact_det(B) for j, B in enumerate(minors)), Fraction(0))


KINDS = ("mixed", "positive", "unit", "large", "high", "tie", "low", "mixed", "flat", "some")


def drawn(rng: random.Random, rows: int, cols: int, kind: str) -> list[list[Fraction]]:
    """Return fractions of a kind; all are distinct, but for ties."""
    if kind == "some":
        kind = rng.choice((*KINDS[:5], "low", "small"))
    if kind == "flat":
        x = Fraction(rng.choice((-2, -1, 0, 1, 2)))
        return [[x] * cols for _ in range(rows)]
    if kind == "tie":
        return [[Fraction(rng.choice((-1, 0, 1, 2))) for _ in range(cols)] for _ in range(rows)]
    pool = rng.sample(range(3, 64), min(rows * cols, 61)) + [5] * max(0, rows * cols - 61)
    scale = {"unit": 64, "large": 3, "high": 1, "low": 2, "small": 256}.get(kind, 16)
    signs = (
        [1] if kind in ("positive", "unit", "high", "small") else [-1] if kind == "low" else [1, -1]
    )
    cells = iter(Fraction(k * rng.choice(signs), scale) for k in pool)
    return [[next(cells) for _ in range(cols)] for _ in range(rows)]


def _made(rng: random.Random, rows: int, cols: int, kind: str) -> Iterator[list[list[Fraction]]]:
    """Yield matrices of many kinds, for assumptions to choose from."""
    A = drawn(rng, rows, cols, kind)
    B = [[abs(x) or Fraction(1, 7) for x in row] for row in A]
    hot = [[Fraction(int(j == k)) for j in range(cols)]
           for k in (rng.randrange(cols) for _ in range(rows))]  # fmt: skip
    yield A
    yield B
    yield [[x / (1 + max(max(row) for row in B)) for x in row] for row in B]
    yield [[x / sum(row) for x in row] for row in B]
    yield [[Fraction(rng.choice((0, 1))) for _ in row] for row in A]
    yield [[Fraction(rng.choice((-1, 1))) for _ in row] for row in A]
    yield hot
    if rows != cols:
        return
    n = rows
    eye = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    order = list(range(n))
    rng.shuffle(order)
    swap = list(range(n))
    if n > 1:
        i, j = rng.sample(range(n), 2)
        swap[i], swap[j] = j, i
    a = Fraction(rng.randint(1, 7), 8)
    for M in (A, B, [[Fraction(1 if x > 0 else -1) for x in row] for row in A]):
        yield [[M[min(i, j)][max(i, j)] for j in range(n)] for i in range(n)]
    low = [[x if j <= i else Fraction(0) for j, x in enumerate(row)] for i, row in enumerate(B)]
    gram = [[sum(x * y for x, y in zip(p, q, strict=True)) for q in low] for p in low]
    yield gram
    top = 1 + max(map(max, gram))
    yield [[x / top for x in row] for row in gram]
    yield [[a * eye[i][j] + (1 - a) / n for j in range(n)] for i in range(n)]
    yield [[a * eye[i][j] + (1 - a) * eye[swap[i]][j] for j in range(n)] for i in range(n)]
    yield [[eye[swap[i]][j] for j in range(n)] for i in range(n)]
    yield [[eye[order[i]][j] for j in range(n)] for i in range(n)]
    yield eye


def obeying(
    rng: random.Random, rows: int, cols: int, words: Sequence[str], kind: str
) -> list[list[Fraction]] | None:
    """Return a matrix that is all that is assumed, `None` where none was found."""
    if not words:
        return drawn(rng, rows, cols, kind)
    for _ in range(8):
        found = [A for A in _made(rng, rows, cols, kind) if all(obeys(A, w) for w in words)]
        if found:
            return rng.choice(found)
    return None


# -- a program's values and gradients --------------------------------------------------------------


class Ground:
    """A program with the shapes of its inputs, and what is assumed: its values and gradients."""

    def __init__(self, text: str, assume: Mapping[str, Sequence[str]] | None = None):
        self.text = text
        self.statements = statements(text)
        self.output = self.statements[-1][0]
        self.assume = dict(assume or {})
        self.shapes = {
            name: [dim.strip() for dim in shape.strip("() ").split(",")]
            for name, shape in re.findall(r"([A-Za-z]\w*): (\([^)]*\))", text)
        }
        sizes = " ".join(dim for dims in self.shapes.values() for dim in dims)
        self.dims = list(dict.fromkeys(re.findall(r"[a-z]\w*", sizes)))
        known = {*FUNCTIONS, *self.dims, *(name for name, _ in self.statements), *self.shapes}
        for _, formula in self.statements:
            for name in re.findall(r"(?<![\w.])[A-Za-z]\w*", formula.replace("axis", "")):
                if name not in known:
                    self.shapes.setdefault(name, ["1", "1"])
        self.extra: dict[str, int] = {}  # words that the package gave to sizes
        self._last: dict[str, Any] = {}

    def extents(self, name: str, sizes: Mapping[str, int]) -> tuple[int, int]:
        found = [prod(int(sizes.get(f.strip(), 0) or f) for f in d.split("*"))
                 for d in self.shapes[name]]  # fmt: skip
        return found[0], found[1]

    def sizes(self, *numbers: int) -> dict[str, int]:
        return dict(zip(self.dims, numbers * 9, strict=False))

    def point(self, rng: random.Random, sizes: Mapping[str, int], kind: str) -> Point | None:
        """Return a point that satisfies what is assumed."""
        values: Values = {}
        for name in self.shapes:
            rows, cols = self.extents(name, sizes)
            found = obeying(rng, rows, cols, self.assume.get(name, ()), kind)
            if found is None:
                return None
            values[name] = table(found)
        return Point(self, values, {**self.extra, **sizes}, seed=rng.randrange(10**6))


class Point:
    """A program at a point: the value of every name, the gradient by every name."""

    def __init__(self, ground: Ground, values: Values, sizes: Mapping[str, int], seed: int = 0):
        self.ground = ground
        self.sizes = sizes
        self.values, self.margin, self.fault = dict(values), MP.inf, ""
        self.known: dict[str, Matrix | None] = {}
        self.clear = True
        try:
            self.values, self.margin = self._run(self.values, 0)
        except (NoValue, Unclear) as error:
            self.fault = str(error) or "no value"
            self.clear = isinstance(error, NoValue)
            return
        shape = self.values[ground.output].shape
        given = values.get(f"d{ground.output}")
        if given is None:
            loss = [[ONE]] if shape == (1, 1) else drawn(random.Random(seed), *shape, "mixed")
            given = table(loss)
        self.upstream = given
        self.is_loss = shape == (1, 1)

    def _run(self, values: Values, start: int) -> tuple[Values, Any]:
        at = Evaluation(dict(values), self.sizes)
        for name, formula in self.ground.statements[start:]:
            at.values[name] = at.of(formula)
        return at.values, at.margin

    def gradient(self, name: str) -> Matrix | None:
        """Return the derivative of sum(dY * Y) by each entry of a name; `None` where there is none.

        Differences from both sides are compared where a kink is met.
        """
        if name == self.ground.output:
            return self.upstream
        if name not in self.known:
            self.known[name] = self._gradient(name)
        return self.known[name]

    def _gradient(self, name: str) -> Matrix | None:
        found = np.empty(self.values[name].shape, dtype=object)
        for cell in np.ndindex(found.shape):
            found[cell] = self.slope(name, cell)
            if found[cell] is None:
                return None
        return found

    def slope(self, name: str, cell: tuple[int, ...]) -> Any:
        """Return one entry of a gradient, `None` where it does not exist."""
        order = [s for s, _ in self.ground.statements]
        start = order.index(name) + 1 if name in order else 0

        def loss(step: Any) -> Any:
            moved = self.values[name].copy()
            moved[cell] = moved[cell] + step
            values, _ = self._run({**self.values, name: moved}, start)
            return np.sum(self.upstream * values[self.ground.output])

        if CLEAR > self.margin > SAME:
            raise Unclear
        try:
            after, before = loss(STEP), loss(-STEP)
            if self.margin <= SAME:
                here = loss(ZERO)
                right, left = (after - here) / STEP, (here - before) / STEP
                if abs(right - left) > CLEAR * (1 + abs(right) + abs(left)):
                    return None
        except NoValue:
            return None
        return (after - before) / (2 * STEP)

    def claimed(self, text: str) -> Matrix:
        """Return the value of a claim's right side, which may have statements before it."""
        *before, (_, formula) = statements(text)
        values = dict(self.values)
        values[f"d{self.ground.output}"] = self.upstream
        for name, _ in self.ground.statements:
            if re.search(rf"\bd{name}\b", text) and name != self.ground.output:
                gradient = self.gradient(name)
                if gradient is None:
                    raise NoValue(f"d{name}")
                values[f"d{name}"] = gradient
        for name in self.ground.shapes:
            if re.search(rf"\bd{name}\b", text.partition("=")[2]):
                gradient = self.gradient(name)
                if gradient is None:
                    raise NoValue(f"d{name}")
                values[f"d{name}"] = gradient
        at = Evaluation(values, self.sizes)
        for name, own in before:
            at.values[name] = at.of(own)
        return at.of(formula)

    # -- conditions as they are printed ------------------------------------------------------------

    def satisfies(self, condition: str) -> bool:
        """Whether a printed condition holds here; `Unclear` where that cannot be told.

        Raises `ValueError` for words that are not known.
        """
        relation = relation_in(condition)
        if relation:
            return related(relation, self.sizes)
        for but in EXCEPTIONS:
            if condition.endswith(but):
                own = condition.removesuffix(but)
                break
        for pattern, test in CONDITIONS:
            found = re.fullmatch(pattern, own)
            if found:
                here = self._tested(test, found.groups(), condition)
                if but == ALL_AROUND and not here.all():
                    beside = (self._moved(k)._tested(_same, found.groups(), own) for k in (1, -1))
                    here = here | np.logical_and(*beside)
                return all(holds for (i, j), holds in np.ndenumerate(here)
                           if not (but == OFF and i == j) and not (but == ON and i != j)
                           )  # fmt: skip
        raise ValueError(condition)

    def _tested(self, test: Callable[..., Matrix], parts: Sequence[str], whole: str) -> Matrix:
        """Return where a condition holds; nowhere, where it has no value."""
        at = Evaluation({**self.values, f"d{self.ground.output}": self.upstream}, self.sizes)
        nowhere = np.array([[False]])
        for name in re.findall(r"\bd(\w+)", whole):
            if name in self.values and f"d{name}" not in at.values:
                gradient = self.gradient(name)
                if gradient is None:
                    return nowhere
                at.values[f"d{name}"] = gradient
        try:
            return np.asarray(test(*(at.of(part) for part in parts)))
        except NoValue:
            return nowhere

    def _moved(self, sign: int) -> Point:
        """Return a point beside this one, or the one on its other side."""
        rng = random.Random(1)
        values = {name: self.values[name] + table(drawn(rng, *self.values[name].shape, "mixed"))
                  * sign * STEP for name in self.ground.shapes}  # fmt: skip
        values[f"d{self.ground.output}"] = self.upstream
        return Point(self.ground, values, self.sizes)


def _clear(x: Any) -> bool:
    """Whether a number is not 0."""
    if SAME < abs(x) < CLEAR:
        raise Unclear
    return bool(abs(x) > SAME)


def _entries(test: Callable[..., bool]) -> Callable[..., Matrix]:
    made = np.frompyfunc(test, test.__code__.co_argcount, 1)
    return lambda *args: np.asarray(made(*_fitted(*args)), dtype=bool)


def _whole_of(test: Callable[[Matrix], bool]) -> Callable[[Matrix], Matrix]:
    return lambda A: np.array([[test(A)]])


def _same(A: Matrix, B: Matrix | None = None) -> Matrix:
    """Return where the numbers that are to differ, from 0 or from one another, are the same."""
    return _entries(lambda x, y: abs(x - y) < SAME)(A, 0 * A if B is None else B)


def _alone(best: str, axis: int | None) -> Callable[[Matrix], Matrix]:
    def test(A: Matrix) -> bool:
        lines = [list(A.flat)] if axis is None else [list(x) for x in (A.T if axis == 0 else A)]
        ordered = (sorted(line, reverse=best == "smallest") for line in lines)
        return all(len(line) == 1 or _clear(line[-1] - line[-2]) for line in ordered)

    return _whole_of(test)


OFF, ON, ALL_AROUND = " off the diagonal", " on the diagonal", ", or the same all around"
EXCEPTIONS = (OFF, ON, ALL_AROUND, "")
#: What is asked of dimensions.
RELATION = re.compile(r"(.+) (≥|>|≠) ([^≥≠]+)")
CONDITIONS: list[tuple[str, Callable[..., Matrix]]] = [
    (r"every entry of (.*) is different from 0", _entries(lambda x: _clear(x))),
    (r"every entry of (.*) is positive", _entries(lambda x: _clear(x) and x > 0)),
    (r"the cosine of every entry of (.*) is different from 0",
     _entries(lambda x: _clear(MP.cos(x)))),
    (r"(.*) and (.*) differ in every entry", _entries(lambda x, y: _clear(x - y))),
    (r"(.*) is not the zero matrix", _whole_of(lambda A: any(map(_clear, A.flat)))),
    (r"(.*) is invertible", _whole_of(lambda A: _clear(_determinant(A)))),
    (r"the determinant of (.*) is positive",
     _whole_of(lambda A: _clear(_determinant(A)) and _determinant(A) > 0)),
    *((rf"the {best} entry{of} of (.*) is unique", _alone(best, axis))
      for best in ("largest", "smallest")
      for axis, of in ((1, " of each row"), (0, " of each column"), (None, ""))),
]  # fmt: skip


def is_read(condition: str) -> bool:
    """Whether a condition is one whose words are known."""
    for but in EXCEPTIONS:
        condition = condition.removesuffix(but)
    known = any(re.fullmatch(pattern, condition) for pattern, _ in CONDITIONS)
    return known or relation_in(condition) is not None


def relation_in(condition: str) -> re.Match[str] | None:
    """Return what a condition says of dimensions, if it speaks of nothing else."""
    found = RELATION.fullmatch(condition)
    entries = re.search(r"\b(entry|entries|invertible|matrix|determinant)\b", condition)
    return None if entries else found


def related(found: re.Match[str], sizes: Mapping[str, int]) -> bool:
    """Whether sizes are related as a printed condition says."""
    try:
        left, right = (Evaluation({}, sizes).of(found[k])[0, 0] for k in (1, 3))
    except NoValue:
        return False
    return {"≥": left >= right, ">": left > right, "≠": abs(left - right) > SAME}[found[2]]


def agree(A: Matrix, B: Matrix) -> bool:
    if A.shape != B.shape:
        return False
    scale = 1 + max(max(abs(x) for x in M.flat) for M in (A, B))
    return all(abs(x - y) <= AGREE * scale for x, y in zip(A.flat, B.flat, strict=True))


# -- programs --------------------------------------------------------------------------------------

Dims = tuple[str, str]
_PLAIN = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "abs", "sign",
          "sigmoid", "relu", "softplus", "silu", "gelu", "normcdf", "normpdf", "elu")  # fmt: skip
_POWERS = ("2", "2", "3", "-1", "-2", "0.5", "(1/3)", "(3/2)", "(-1/2)", "4")
_NUMBERS = ("2", "3", "0.5", "1/3", "1", "-1", "0.1", "5", "0")


class Writer:
    """One random program: names come into being as they are needed."""

    def __init__(self, rng: random.Random, fuel: int):
        self.rng = rng
        self.fuel = fuel
        self.dims = list(rng.choice(("n", "n", "nm", "nm", "nm", "nmk", "")))
        self.names: dict[str, Dims] = {}
        self.inputs: dict[str, Dims] = {}
        self.free = {True: iter("XWABCPQUVTS"), False: iter("xbcuvwaypqgz"), None: iter("strehf")}

    def dim(self) -> str:
        return self.rng.choice([*self.dims, *self.dims, "1"])

    def shape(self) -> Dims:
        pool = [*self.dims, *self.dims, "1"]
        return self.rng.choice(pool), self.rng.choice(pool)

    def program(self) -> tuple[str, dict[str, list[str]]]:
        """Return a program's text, and what is assumed of its inputs."""
        rng, lines, inner = self.rng, [], iter("ZHMRG")
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            shape = self.shape()
            name = next(inner)
            formula = self.formula(shape)
            self.names[name] = shape
            lines.append(f"{name} = {formula}")
        shape = ("1", "1") if rng.random() < 0.4 else self.shape()
        last = self.formula(shape)
        for name in [line.split(" = ")[0] for line in lines]:
            text = " ".join([*lines, last])
            if len(re.findall(rf"\b{name}\b", text)) < 2:
                last = f"{last} + {self.reduced(name, shape)}"
        lines.append(f"{'L' if shape == ('1', '1') else 'Y'} = {last}")
        bare = rng.random() < 0.3 and not re.search(r"[@.]|\b[a-z]{3,}\(", " ".join(lines))
        declared = [f"{name}: ({', '.join(dims)})" for name, dims in self.inputs.items()
                    if dims != ("1", "1") or not bare]  # fmt: skip
        return "; ".join([*declared, *lines]), self.assumed()

    def formula(self, shape: Dims) -> str:
        """Return a formula that depends on something."""
        while True:
            text = self.expr(shape, self.rng.choice((1, 2, 2, 3)))
            if any(re.search(rf"\b{name}\b", text) for name in self.names):
                return text
            if self.rng.random() < 0.3:
                return f"{self.leaf(shape, new=True)} * ({text})"

    def reduced(self, name: str, shape: Dims) -> str:
        return name if self.names[name] == shape else f"sum({name})"

    def assumed(self) -> dict[str, list[str]]:
        rng, found = self.rng, {}
        for name, dims in self.inputs.items():
            if rng.random() < 0.12:
                words = [w for w in WORDS if dims[0] == dims[1] or w not in OF_SQUARES]
                found[name] = rng.sample(words, rng.choice((1, 1, 1, 2)))
        return found

    def leaf(self, shape: Dims, new: bool = False) -> str:
        rng = self.rng
        fitting = [n for n, s in self.names.items() if s == shape]
        turned = [f"{n}.T" for n, s in self.names.items() if s == shape[::-1] != shape]
        if shape[0] == shape[1] != "1" and rng.random() < 0.3:
            turned += [f"{n}.T" for n in fitting]
        choices = fitting + fitting + turned
        if choices and not new and rng.random() < 0.85:
            return rng.choice(choices)
        kind = None if shape == ("1", "1") else "1" not in shape
        name = next(self.free[kind], None)
        if name is None:
            return rng.choice(choices) if choices else f"ones({', '.join(shape)})"
        self.names[name] = self.inputs[name] = shape
        return name

    def expr(self, shape: Dims, depth: int) -> str:
        """Return the text of an expression of a shape."""
        self.fuel -= 1
        if depth <= 0 or self.fuel <= 0:
            return self.leaf(shape)
        while True:
            make = self.rng.choices(_MAKERS, _WEIGHTS)[0]
            found = make(self, shape, depth - 1)
            if found is not None:
                return found

    def narrow(self, shape: Dims) -> Dims:
        """Return a shape that broadcasts to another one."""
        return self.rng.choice((shape, shape, (shape[0], "1"), ("1", shape[1]), ("1", "1")))

    def size(self) -> str:
        """Return a number made of dimensions."""
        if not self.dims:
            return "2"
        a, b = self.rng.choice(self.dims), self.rng.choice([*self.dims, "1", "2"])
        forms = ("{a}", "({a} + 1)", "({a} * {b})", "({a} - 1)", "({a} > {b})", "({a} >= {b})",
                 "({a} < {b})", "sign({a} - 1)", "({a} + {b})", "(1 / {a})", "sqrt({a})",
                 "max({a}, {b})", "abs({a} - {b})", "({a} <= {b})")  # fmt: skip
        return self.rng.choice(forms).format(a=a, b=b)


Maker = Callable[[Writer, Dims, int], "str | None"]


def _infix(w: Writer, shape: Dims, depth: int) -> str:
    a, b = shape, w.narrow(shape)
    if w.rng.random() < 0.3:
        a, b = b, a
    return f"({w.expr(a, depth)} {w.rng.choice('++--***')} {w.expr(b, depth)})"


def _quotient(w: Writer, shape: Dims, depth: int) -> str:
    below = w.expr(w.narrow(shape), depth)
    form = w.rng.choice(("{b}", "(1 + {b} ** 2)", "exp({b})", "(2 + sin({b}))", "(1 + abs({b}))"))
    return f"({w.expr(shape, depth)} / {form.format(b=below)})"


def _with_number(w: Writer, shape: Dims, depth: int) -> str:
    number = w.rng.choice(_NUMBERS) if w.rng.random() < 0.6 else w.size()
    form = w.rng.choice(("({a} * {c})", "({a} + {c})", "({c} - {a})", "({a} / (1 + {c} ** 2))",
                         "({a} / {c})" if number != "0" else "({a} * {c})"))  # fmt: skip
    return form.format(a=w.expr(shape, depth), c=number)


def _by_size(w: Writer, shape: Dims, depth: int) -> str:
    return f"({w.expr(shape, depth)} {w.rng.choice('**/+')} {w.size()})"


def _product(w: Writer, shape: Dims, depth: int) -> str:
    inner = w.dim()
    return f"({w.expr((shape[0], inner), depth)} @ {w.expr((inner, shape[1]), depth)})"


def _turned(w: Writer, shape: Dims, depth: int) -> str | None:
    return None if shape == ("1", "1") else f"({w.expr(shape[::-1], depth)}).T"


def _function(w: Writer, shape: Dims, depth: int) -> str:
    name, inner = w.rng.choice(_PLAIN), w.expr(shape, depth)
    if name in ("log", "sqrt") and w.rng.random() < 0.6:
        form = w.rng.choice(("(1 + {} ** 2)", "exp({})", "(2 + sin({}))", "({} ** 2)"))
        inner = form.format(inner)
    if name in ("exp", "sinh", "cosh") and w.rng.random() < 0.4:
        inner = w.rng.choice(("-abs({})", "tanh({})", "-({} ** 2)", "({} / 4)")).format(inner)
    return f"{name}({inner})"


def _power(w: Writer, shape: Dims, depth: int) -> str:
    exponent = w.rng.choice(_POWERS)
    base = w.expr(shape, depth)
    if exponent.strip("(-").isdecimal() or w.rng.random() < 0.4:
        return f"(({base}) ** {exponent})"
    return f"(({w.rng.choice(('1 + ({}) ** 2', 'exp({})', 'abs({})')).format(base)}) ** {exponent})"


def _of_two(w: Writer, shape: Dims, depth: int) -> str:
    a = w.expr(shape, depth)
    b = w.expr(w.narrow(shape), depth) if w.rng.random() < 0.5 else w.rng.choice(_NUMBERS)
    if shape[0] == shape[1] != "1" and w.rng.random() < 0.1:
        b = f"({a}).T"
    if a == b:
        b = f"{b} ** 2"
    a, b = (b, a) if w.rng.random() < 0.3 else (a, b)
    return f"{w.rng.choice(('max', 'min', 'leaky_relu'))}({a}, {b})"


def _mask(w: Writer, shape: Dims, depth: int) -> str:
    a = w.expr(shape, max(0, depth - 1))
    b = w.expr(w.narrow(shape), 0) if w.rng.random() < 0.4 else w.rng.choice(_NUMBERS)
    if a == b:
        b = "0"
    if shape[0] == shape[1] != "1" and w.rng.random() < 0.1:
        b = f"({a}).T"
    if w.rng.random() < 0.15:
        axis = w.rng.choice(("", ", axis=0", ", axis=1"))
        return f"({a} == {w.rng.choice(('max', 'min'))}({a}{axis}))"
    a, b = (b, a) if w.rng.random() < 0.3 and not _is_number(b) else (a, b)
    return f"({a} {w.rng.choice(('>', '<', '>=', '<='))} {b})"


def _is_number(text: str) -> bool:
    return text in _NUMBERS


def _masked(w: Writer, shape: Dims, depth: int) -> str:
    return f"({w.expr(shape, depth)} * {_mask(w, shape, depth)})"


def _where(w: Writer, shape: Dims, depth: int) -> str:
    mask = _mask(w, shape, depth) if w.rng.random() < 0.97 else w.expr(shape, depth)
    b = w.expr(shape, depth) if w.rng.random() < 0.6 else w.rng.choice(_NUMBERS)
    return f"where({mask}, {w.expr(shape, depth)}, {b})"


def _reduced(w: Writer, shape: Dims, depth: int) -> str | None:
    name = w.rng.choice(("sum", "sum", "mean", "max", "min", "prod"))
    if shape == ("1", "1"):
        return f"{name}({w.expr((w.dim(), w.dim()), depth)})"
    if shape[0] == "1":
        return f"{name}({w.expr((w.dim(), shape[1]), depth)}, axis=0)"
    if shape[1] == "1":
        return f"{name}({w.expr((shape[0], w.dim()), depth)}, axis=1)"
    return None


def _of_matrix(w: Writer, shape: Dims, depth: int) -> str | None:
    if shape != ("1", "1"):
        return None
    n = w.dim()
    name = w.rng.choice(("tr", "tr", "det", "logdet", "norm", "tr"))
    inner = w.expr((n, n), min(depth, 1))
    if name in ("det", "logdet") and w.rng.random() < 0.4:
        a = w.leaf((n, w.dim()))
        inner = w.rng.choice((f"{a} @ {a}.T + eye({n})", f"({inner} + 3 * eye({n}))"))
    return f"{name}({inner})"


def _inverted(w: Writer, shape: Dims, depth: int) -> str | None:
    if shape[0] != shape[1]:
        return None
    inner = w.expr(shape, min(depth, 1))
    if w.rng.random() < 0.5:
        inner = f"{inner} + 2 * eye({shape[0]})"
    return f"inv({inner})"


def _by_rows(w: Writer, shape: Dims, depth: int) -> str:
    if shape[1] == "1" and w.rng.random() < 0.5:
        return f"logsumexp({w.expr((shape[0], w.dim()), depth)})"
    return f"{w.rng.choice(('softmax', 'logsoftmax', 'softmax'))}({w.expr(shape, depth)})"


def _diagonal(w: Writer, shape: Dims, depth: int) -> str | None:
    if shape[0] == shape[1]:
        return f"diag({w.expr(w.rng.choice(((shape[0], '1'), ('1', shape[0]))), depth)})"
    return f"diagonal({w.expr((shape[0], shape[0]), depth)})" if shape[1] == "1" else None


def _constant(w: Writer, shape: Dims, depth: int) -> str:
    rows, cols = shape
    inner = w.expr(w.narrow(shape), depth)
    forms = [f"ones({rows}, {cols})", f"broadcast_to({inner}, ({rows}, {cols}))"]
    if rows == cols:
        forms += [f"eye({rows})", f"({w.expr(shape, depth)} + eye({rows}))"] * 2
    return w.rng.choice(forms)


def _stacked(w: Writer, shape: Dims, depth: int) -> str | None:
    a, b = (w.dim(), w.dim()), (w.dim(), w.dim())
    e = lambda dims: w.expr(dims, min(depth, 1))  # noqa: E731
    if shape == ("1", "1"):
        return w.rng.choice((
            lambda: f"(vec({e(a)}).T @ vec({e(a)}))",
            lambda: f"sum(kron({e(a)}, {e(b)}) ** 2)",
            lambda: f"tr(kron({e((a[0], a[0]))}, {e((b[0], b[0]))}))",
            lambda: f"mean(kron({e(a)}, {e(b)}))",
            lambda: f"norm(vec({e(a)}))",
        ))()  # fmt: skip
    (r, c) = shape
    return w.rng.choice((
        lambda: f"unvec(kron({e((c, a[0]))}, {e((r, a[1]))}) @ vec({e((a[1], a[0]))}), ({r}, {c}))",
        lambda: f"unvec(vec({e(shape)}) * vec({e(shape)}), ({r}, {c}))",
        lambda: f"kron_left(kron({e(shape)}, {e(b)}), {e(b)})",
        lambda: f"kron_right(kron({e(b)}, {e(shape)}), {e(b)})",
        lambda: f"kron({e((r, '1'))}, {e(('1', c))})",
        lambda: f"outer({e((r, '1'))}, {e((c, '1'))})",
        lambda: f"cumsum({e(shape)}, axis={w.rng.choice('01')})",
    ))()  # fmt: skip


_TABLE: dict[Maker, int] = {
    _infix: 14, _quotient: 5, _with_number: 6, _by_size: 3, _product: 9, _turned: 2, _function: 12,
    _power: 6, _of_two: 5, _masked: 4, _mask: 1, _where: 3, _reduced: 9, _of_matrix: 4,
    _inverted: 2, _by_rows: 3, _diagonal: 3, _constant: 2, _stacked: 3,
}  # fmt: skip
_MAKERS, _WEIGHTS = list(_TABLE), list(_TABLE.values())


def with_numbers(rng: random.Random, text: str) -> str:
    """Return a program in which some dimensions are numbers."""
    for word in ("n", "m", "k"):
        if rng.random() < 0.6:
            text = re.sub(rf"\b{word}\b", str(rng.choice((1, 2, 3, 3))), text)
    return text


# -- claims ----------------------------------------------------------------------------------------

Change = Callable[["Editor", ast.expr], Iterator[str]]


class Editor:
    """Changes of a formula, each to one of its parts; shapes are those at distinct sizes."""

    def __init__(self, rng: random.Random, ground: Ground, point: Point, text: str):
        self.rng, self.ground, self.point = rng, ground, point
        self.tree = syntax(text)
        values = {**point.values, f"d{ground.output}": point.upstream}
        for name in {*re.findall(r"\bd([A-Za-z]\w*)", text)} & {*point.values}:
            gradient = point.gradient(name)
            if gradient is None:
                raise NoValue
            values[f"d{name}"] = gradient
        self.names = {name: value.shape for name, value in values.items()}
        at = Evaluation(values, point.sizes)
        at.at(self.tree)
        self.shapes = at.shapes
        own = {word: point.sizes[word] for word in ground.dims}
        self.words = {k: word for word, k in own.items()}
        for (a, j), (b, k) in product(own.items(), repeat=2):
            self.words.setdefault(j * k, f"{a} * {b}")

    def dim(self, k: int) -> str:
        return "1" if k == 1 else self.words.get(k, str(k))

    def changed(self, change: Change) -> str | None:
        """Return the formula with one part changed."""
        inside = [node for node in ast.walk(self.tree) if node in self.shapes]
        node = self.rng.choice(inside)
        options = list(change(self, node))
        if not options:
            return None
        new = syntax(f"({self.rng.choice(options)})")
        return ast.unparse(_Replaced(node, new).visit(self.tree))


class _Replaced(ast.NodeTransformer):
    """A copy of a tree with one node, known by its identity, replaced."""

    def __init__(self, node: ast.expr, new: ast.expr):
        self.node, self.new = node, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.node:
            return self.new
        fields = {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                value = [self.visit(x) if isinstance(x, ast.AST) else x for x in value]
            elif isinstance(value, ast.AST):
                value = self.visit(value)
            fields[name] = value
        return type(node)(**fields)


def _text(node: ast.AST) -> str:
    inner = ast.unparse(node)
    return inner if isinstance(node, ast.Name | ast.Call) else f"({inner})"


def rewrites(e: Editor, node: ast.expr) -> Iterator[str]:
    """Yield formulas that are equal to a part, most of them everywhere."""
    x, rows, cols = _text(node), *e.shapes[node]
    number = isinstance(node, ast.Constant) or (
        isinstance(node, ast.Name) and node.id in e.point.sizes
    )
    yield f"2 * {x} - {x}"
    yield f"-(-{x})"
    yield f"{x} * 3 / 3"
    if not number:
        yield f"{x}.T.T"
        if (rows, cols) != (1, 1):
            yield f"{x} + zeros({e.dim(rows)}, {e.dim(cols)})"
            yield f"{x} @ eye({e.dim(cols)})"
            yield f"unvec(vec({x}), ({e.dim(rows)}, {e.dim(cols)}))"
    if isinstance(node, ast.Name):
        yield from (f for name, f in e.ground.statements if name == node.id)
        yield from _by_assumption(e, node.id)
        return
    match node:
        case ast.Attribute(value=ast.BinOp(left=a, op=ast.MatMult(), right=b)):
            yield f"{_text(b)}.T @ {_text(a)}.T"
        case ast.BinOp(left=left, op=op, right=right):
            yield from _of_sums(e, node, _text(left), op, _text(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            yield from _of_masks(_text(left), op, _text(right))
        case ast.Call(func=ast.Name(id=name), args=[first, *rest], keywords=keywords):
            axis = ast.unparse(keywords[0].value) if keywords else ""
            yield from _of_calls(e, name, _text(first), list(map(_text, rest)), axis, first)


def _by_assumption(e: Editor, name: str) -> Iterator[str]:
    for word in e.ground.assume.get(name, ()):
        match word:
            case "symmetric" | "spd":
                yield f"{name}.T"
            case "positive" | "unit-interval" | "row-stochastic":
                yield f"abs({name})"
                yield f"relu({name})"
            case "binary" | "one-hot-rows":
                yield f"{name} ** 2"
                yield f"{name} ** 3"
            case "sign":
                yield f"1 / {name}"
                yield f"{name} ** 3"
        if word in ("row-stochastic", "one-hot-rows"):
            yield f"{name} * sum({name}, axis=1)"
        if word in ("positive", "unit-interval"):
            yield f"{name} * ({name} > 0)"
            yield f"{name} * sign({name})"
        if word == "unit-interval":
            yield f"min({name}, 1)"


def _of_sums(e: Editor, node: ast.BinOp, a: str, op: ast.operator, b: str) -> Iterator[str]:
    left, right = node.left, node.right
    parts = {ast.Add: "+", ast.Sub: "-"}
    match op:
        case ast.Add():
            yield f"{b} + {a}"
            yield f"{a} - (-{b})"
        case ast.Sub():
            yield f"-({b} - {a})"
            yield f"{a} + -1 * {b}"
        case ast.Mult():
            yield f"{b} * {a}"
            if not {type(left), type(right)} & {ast.Constant}:
                yield f"({a}.T * {b}.T).T"
            if isinstance(right, ast.BinOp) and type(right.op) in parts:
                sign = parts[type(right.op)]
                yield f"{a} * {_text(right.left)} {sign} {a} * {_text(right.right)}"
        case ast.Div():
            yield f"{a} * {b} ** -1"
            yield f"-{a} / -{b}"
            yield f"1 / ({b} / {a})"
        case ast.MatMult():
            yield f"({b}.T @ {a}.T).T"
            if isinstance(left, ast.BinOp) and isinstance(left.op, ast.MatMult):
                yield f"{_text(left.left)} @ ({_text(left.right)} @ {b})"
            if isinstance(right, ast.BinOp) and type(right.op) in parts:
                sign = parts[type(right.op)]
                if e.shapes[right.left] == e.shapes[right.right]:
                    yield f"{a} @ {_text(right.left)} {sign} {a} @ {_text(right.right)}"
        case ast.Pow():
            exponent = fraction(right)
            if exponent == 2:
                yield f"{a} * {a}"
                yield f"abs({a}) ** 2"
            elif exponent.denominator == 1 and exponent > 2:
                yield f"{a} ** {exponent - 1} * {a}"
            elif exponent == Fraction(1, 2):
                yield f"sqrt({a})"
            else:
                yield f"1 / {a} ** ({-exponent})"


def _of_masks(a: str, op: ast.cmpop, b: str) -> Iterator[str]:
    turned = {ast.Gt: "<", ast.Lt: ">", ast.GtE: "<=", ast.LtE: ">="}
    other = {ast.Gt: "<=", ast.Lt: ">=", ast.GtE: "<", ast.LtE: ">"}
    if type(op) not in turned:
        return
    yield f"{b} {turned[type(op)]} {a}"
    yield f"1 - ({a} {other[type(op)]} {b})"
    yield f"-{a} {turned[type(op)]} -{b}"
    above, below = (a, b) if isinstance(op, ast.Gt | ast.GtE) else (b, a)
    yield f"{above} - {below} > 0"
    yield f"(1 + sign({above} - {below})) / 2"
    yield f"{above} >= {below}"
    yield f"where({above} > {below}, 1, 0)"
    yield f"sign(relu({above} - {below}))"


def _of_calls(
    e: Editor, name: str, a: str, rest: list[str], axis: str, first: ast.expr
) -> Iterator[str]:
    shape = e.shapes.get(first)
    rows, cols = map(e.dim, shape) if shape else ("", "")
    b = rest[0] if rest else ""
    along = {"": "", "0": ", axis=0", "1": ", axis=1"}[axis]
    turned = {"": "", "0": ", axis=1", "1": ", axis=0"}[axis]
    match name:
        case "sum" | "mean" | "max" | "min" if not rest:
            yield f"{name}({a}.T{turned}){'.T' if axis else ''}"
            if name in ("max", "min"):
                yield f"-{'min' if name == 'max' else 'max'}(-{a}{along})"
            if name == "mean":
                count = {"": f"({rows} * {cols})", "0": f"({rows})", "1": f"({cols})"}[axis]
                yield f"sum({a}{along}) / {count}"
            if name == "sum":
                yield {"": f"sum(sum({a}, axis=0))", "0": f"ones(1, {rows}) @ {a}",
                       "1": f"{a} @ ones({cols}, 1)"}[axis]  # fmt: skip
        case "max" | "min":
            less, sign = ("min", "+") if name == "max" else ("max", "-")
            yield f"-{less}(-{a}, -{b})"
            yield f"({a} + {b} {sign} abs({a} - {b})) / 2"
            yield f"where({a} {'>' if name == 'max' else '<'} {b}, {a}, {b})"
            yield f"{b} {sign} relu({sign.strip('+')}({a} - {b}))"
        case "where":
            yield f"where({a}, {rest[0]}, 0) + where({a}, 0, {rest[1]})"
            if is_mask(first):
                yield f"{a} * {rest[0]} + (1 - {a}) * {rest[1]}"
        case "diagonal":
            yield f"sum({a} * eye({rows}), axis=1)"
        case "diag":
            yield f"{a} * eye({rows if rows != '1' else cols})"
            yield f"diag({a}.T)"
        case "kron":
            yield f"kron({a}.T, {b}.T).T"
            yield f"kron(2 * {a}, {b} / 2)"
    for form in _FORMS.get(name, ()):
        yield form.format(a=a, b=b, n=rows, m=cols)


#: What a function of one argument is besides.
_FORMS: dict[str, tuple[str, ...]] = {
    "exp": ("1 / exp(-{a})", "exp({a} / 2) ** 2"),
    "log": ("-log(1 / {a})", "log({a} ** 2) / 2", "2 * log(sqrt({a}))"),
    "sqrt": ("{a} ** (1/2)", "{a} / sqrt({a})"),
    "sin": ("-sin(-{a})",),
    "cos": ("cos(-{a})",),
    "tan": ("sin({a}) / cos({a})",),
    "tanh": ("2 * sigmoid(2 * {a}) - 1", "sinh({a}) / cosh({a})", "-tanh(-{a})"),
    "sinh": ("(exp({a}) - exp(-{a})) / 2", "-sinh(-{a})"),
    "cosh": ("(exp({a}) + exp(-{a})) / 2", "cosh(-{a})"),
    "sigmoid": ("1 - sigmoid(-{a})", "1 / (1 + exp(-{a}))", "(1 + tanh({a} / 2)) / 2"),
    "softplus": ("log(1 + exp({a}))", "{a} + softplus(-{a})"),
    "silu": ("{a} * sigmoid({a})", "{a} / (1 + exp(-{a}))"),
    "gelu": ("{a} * normcdf({a})",),
    "elu": ("max({a}, 0) + exp(min({a}, 0)) - 1", "where({a} > 0, {a}, exp({a}) - 1)"),
    "normcdf": ("1 - normcdf(-{a})",),
    "normpdf": ("normpdf(-{a})",),
    "relu": ("max({a}, 0)", "{a} * ({a} > 0)", "({a} + abs({a})) / 2", "where({a} > 0, {a}, 0)",
             "{a} + relu(-{a})"),
    "abs": ("{a} * sign({a})", "max({a}, -{a})", "sqrt({a} ** 2)", "relu({a}) + relu(-{a})"),
    "sign": ("({a} > 0) - ({a} < 0)", "{a} / abs({a})", "2 * ({a} > 0) - 1", "sign({a}) ** 3"),
    "softmax": ("exp({a}) / sum(exp({a}), axis=1)", "exp(logsoftmax({a}))",
                "softmax({a} - max({a}, axis=1))"),
    "logsoftmax": ("{a} - logsumexp({a})", "log(softmax({a}))"),
    "logsumexp": ("log(sum(exp({a}), axis=1))",
                  "max({a}, axis=1) + logsumexp({a} - max({a}, axis=1))"),
    "norm": ("sqrt(sum({a} ** 2))", "norm({a}.T)", "sqrt(tr({a} @ {a}.T))"),
    "tr": ("tr({a}.T)", "sum(diagonal({a}))", "sum({a} * eye({n}))"),
    "det": ("det({a}.T)", "1 / det(inv({a}))", "det(-{a}) * det(-eye({n}))"),
    "logdet": ("log(det({a}))", "logdet({a}.T)", "-logdet(inv({a}))"),
    "inv": ("inv({a}.T).T", "inv(2 * {a}) * 2", "inv({a}) @ {a} @ inv({a})"),
    "vec": ("vec({a} / 2) * 2",),
}  # fmt: skip


def mistakes(e: Editor, node: ast.expr) -> Iterator[str]:
    """Yield what people write by mistake for a part, and what chance makes of it."""
    x, shape = _text(node), e.shapes[node]
    yield f"-{x}"
    yield f"2 * {x}"
    yield f"{x} / 2"
    yield f"{x} + 1"
    yield f"{x} ** 2"
    yield f"abs({x})"
    yield f"relu({x})"
    yield f"{x} * 1.001"
    for word in e.ground.dims:
        yield f"{x} / {word}"
        yield f"{x} * {word}"
        yield f"{x} * ({word} > 1)"
        yield f"{x} + ({word} - 1) * ({word} - 2) * ({word} - 3)"
    if shape[0] != 1 or shape[1] != 1:
        yield f"{x}.T"
        yield f"sum({x}) * ones({e.dim(shape[0])}, {e.dim(shape[1])})"
    if shape[0] == shape[1] != 1:
        yield f"{x} * eye({e.dim(shape[0])})"
        yield f"({x} + {x}.T) / 2"
    same = [name for name, other in e.names.items() if other == shape and name != x]
    yield from same
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _text(left), _text(right)
            yield a
            yield b
            if not isinstance(op, ast.Pow):
                yield f"{a} * {b}"
                if not {type(left), type(right)} & {ast.Constant, ast.UnaryOp}:
                    yield f"{a} @ {b}"
                    yield f"{b} @ {a}"
                yield f"{a} + {b}"
                yield f"{b} - {a}"
                yield f"{a} / {b}"
                yield f"{a}.T @ {b}" if not isinstance(left, ast.Constant) else a
            else:
                yield f"{a} ** {fraction(right) + 1}" if fraction(right) >= 1 else a
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            a, b = _text(left), _text(right)
            for sign in (">", "<", ">=", "<="):
                yield f"{a} {sign} {b}"
            yield f"{a} > 0"
            yield f"{a} - 1 > {b}"
            yield f"1 - {x}"
            yield "1"
        case ast.Call(func=ast.Name(id=name), args=[first, *rest], keywords=keywords):
            a = _text(first)
            yield a
            if name in ("sum", "mean") and keywords:
                axis = ast.unparse(keywords[0].value)
                other = "mean" if name == "sum" else "sum"
                yield f"{other}({a}, axis={axis})"
                yield f"{name}({a}, axis={1 - int(axis)})"
                yield f"{name}({a})"
            if name in _PLAIN:
                yield from (f"{other}({a})" for other in e.rng.sample(_PLAIN, 2))
            if name == "where":
                yield f"where({a}, {_text(rest[1])}, {_text(rest[0])})"
            if name in ("max", "min") and rest:
                yield f"{'min' if name == 'max' else 'max'}({a}, {_text(rest[0])})"
        case ast.Attribute(value=inner):
            yield ast.unparse(inner)
        case ast.Constant():
            value = fraction(node)
            yield from (str(value + 1), str(-value), str(value * 2), "0", "1")
        case ast.Name(id=name) if name in e.ground.dims:
            yield from ("1", f"({name} - 1)", f"({name} + 1)", *e.ground.dims)


# -- the referee -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Find:
    """A disagreement: what kind it is, about which claim of which program."""

    kind: str
    program: str
    claim: str = ""
    detail: str = ""
    assume: Mapping[str, Sequence[str]] = field(default_factory=dict)
    case: str = ""

    def line(self) -> str:
        shown = {k: v for k, v in asdict(self).items() if v}
        return json.dumps(shown, ensure_ascii=False)


#: What would break a promise; the rest is counted.
GRAVE = frozenset((
    "false proof", "no value where proved", "condition missing", "no such point", "true refuted",
    "false counterexample", "broken assumption", "false where", "false diagnosis", "false gradient",
    "false number", "traceback", "crash", "runaway", "unread condition", "shape refused",
    "changed verdict",
))  # fmt: skip


class Referee:
    """A program's ground, and points at which what is said of it is tried."""

    def __init__(self, rng: random.Random, ground: Ground, wanted: int = 4):
        self.rng = rng
        self.ground = ground
        self.wanted = wanted
        self.points: list[Point] = []
        dims = ground.dims
        sizes = [ground.sizes(*((4,), (4,), (4, 3), (2, 4, 3))[min(len(dims), 3)]), ground.sizes(1)]
        sizes += [{d: rng.choice((1, 2, 3)) for d in dims}, {d: rng.choice((1, 2)) for d in dims}]
        sizes += [ground.sizes(2)]
        self.sizes = [dict(s) for s in {tuple(s.items()): s for s in sizes}.values()]
        for k, kind in enumerate(KINDS):
            self._add(self.sizes[k % len(self.sizes)], kind)

    def _add(self, sizes: Mapping[str, int], kind: str) -> Point | None:
        point = self.ground.point(self.rng, sizes, kind)
        if point is not None and point.clear:
            self.points.append(point)
            return point
        return None

    def generic(self) -> Point | None:
        """Return a point away from kinks at which shapes are told apart."""
        for _ in range(6):
            for kind in ("mixed", "positive", "unit"):
                found = self.ground.point(self.rng, self.sizes[0], kind)
                if found and not found.fault and found.margin > CLEAR:
                    return found
        return None

    # -- one claim at one point --------------------------------------------------------------------

    def outcome(self, point: Point, name: str, claim: str) -> str:
        """Return equal, differs, no value, no gradient, or unclear."""
        try:
            if point.fault:
                return "no value"
            truth = point.gradient(name)
            if truth is None:
                return "no gradient"
            return "equal" if agree(truth, point.claimed(claim)) else "differs"
        except Unclear:
            return "unclear"
        except NoValue:
            return "no value"

    def fits(self, name: str, claim: str) -> bool | None:
        """Whether a claim has the right shape at sizes that tell shapes apart."""
        point = self.generic()
        if point is None:
            return None
        try:
            return point.claimed(claim).shape == point.values[name].shape
        except Misfit:
            return False
        except (NoValue, Unclear):
            return None

    def satisfied(self, point: Point, conditions: Sequence[str]) -> bool | None:
        if point.fault:
            return all(self._holds_without_values(point, c) for c in conditions) or None
        try:
            return all(point.satisfies(c) for c in conditions)
        except Unclear:
            return None

    def _holds_without_values(self, point: Point, condition: str) -> bool:
        """Whether a condition holds at a point at which the program has no value."""
        try:
            known = Point.__new__(Point)
            known.ground, known.sizes, known.values = point.ground, point.sizes, dict(point.values)
            known.upstream, known.known, known.margin = table([[1]]), {}, MP.inf
            at = Evaluation(known.values, point.sizes)
            for name, formula in point.ground.statements:
                try:
                    at.values[name] = at.of(formula)
                except (NoValue, Unclear):
                    break
            known.values = at.values
            return known.satisfies(condition)
        except (Unclear, ValueError, KeyError):
            return False

    # -- what is said of a claim -------------------------------------------------------------------

    def hold(self, name: str, claim: str, said: Any, meant: bool = False) -> list[tuple[str, str]]:
        """Return what is wrong with a judgement, as kinds and details; `meant` is to be true."""
        try:
            unread = [c for c in said.conditions if self._unread(c)]
            if unread:
                return [("unread condition", unread[0])]
            match said.verdict:
                case "proved":
                    return list(self._proved(name, claim, said))
                case "refuted":
                    return list(self._refuted(name, claim, said))
            return list(self._undecided(name, claim, said, meant))
        except ValueError as error:
            return [("unread", str(error))]

    def _unread(self, condition: str) -> bool:
        return not is_read(condition)

    def _proved(self, name: str, claim: str, said: Any) -> Iterator[tuple[str, str]]:
        seen: Counter[tuple] = Counter()
        fixed = scope_sizes(said.scope)
        asked = [m for m in map(relation_in, said.conditions) if m]
        claimed = [s for s in self.sizes if all(related(m, {**self.ground.extra, **s})
                                                for m in asked)]  # fmt: skip
        for k in range(len(self.points) + 60):
            if k >= len(self.points):  # more points, at sizes at which none served so far
                lacking = [s for s in claimed if not seen[tuple(s.items())]]
                if not lacking or not self._add(lacking[k % len(lacking)], KINDS[-1]):
                    continue
            point = self.points[-1] if k >= len(self.points) else self.points[k]
            if any(point.sizes.get(d, s) != s for d, s in fixed.items()):
                continue
            if not self.satisfied(point, said.conditions):
                continue
            outcome = self.outcome(point, name, claim)
            if outcome == "unclear":
                continue
            seen[tuple((d, point.sizes[d]) for d in self.ground.dims)] += 1
            if outcome != "equal":
                kind = {"differs": "false proof", "no gradient": "condition missing",
                        "no value": "no value where proved"}[outcome]  # fmt: skip
                yield kind, f"at {shown(point)}"
                return
        for sizes in claimed:
            possible = any(p.sizes.items() >= sizes.items() for p in self.points)
            if not seen[tuple(sizes.items())] and not fixed and possible:
                yield "no such point", f"sizes {sizes}, {'; '.join(said.conditions)}"
                return

    def _refuted(self, name: str, claim: str, said: Any) -> Iterator[tuple[str, str]]:
        found = said.counterexample
        if found is not None:
            yield from self._counterexample(name, claim, found)
        elif self.fits(name, claim) is False:
            return
        elif said.method == "shapes":
            yield "shape refused", said.reason
        elif all(self.outcome(p, name, claim) != "differs" for p in self.points):
            yield "true refuted", f"{said.method}: {said.reason}"
        if said.holds:
            yield from self._where(name, claim, said)
        if said.diagnosis.startswith(f"true is d{name} = "):
            formula = said.diagnosis.split("; yours")[0].removeprefix("true is ")
            bad = next((p for p in self.points if p.margin > CLEAR
                        and self.outcome(p, name, formula) == "differs"), None)  # fmt: skip
            if bad:
                yield "false diagnosis", f"{said.diagnosis} at {shown(bad)}"

    def _where(self, name: str, claim: str, said: Any) -> Iterator[tuple[str, str]]:
        words = said.holds.removeprefix("where ")
        if self.ground.extra:
            yield "another size", f"{said.holds}, where sizes are given as numbers"
            return
        ground, tried = self.ground, 0
        sizes = {d: int(k) for d, k in re.findall(r"(\w+) = (\d+)", words)}
        if words == "every dimension is 1":
            sizes = dict.fromkeys(ground.dims, 1)
        if not re.fullmatch(r"every dimension is 1|\w+ = \d+( and \w+ = \d+)*", words):
            usual = ((word, re.fullmatch(says, words)) for word, says in SAID.items())
            named = next(((word, m[1]) for word, m in usual if m), None)
            if named is None:
                if not re.fullmatch(r"\w+ = [a-z]\w*( and \w+ = [a-z]\w*)*", words):
                    yield "unread", said.holds
                return
            word, leaf = named
            own = [*ground.assume.get(leaf, ()), word]
            ground = Ground(ground.text, {**ground.assume, leaf: own})
            ground.extra = self.ground.extra
        pairs = re.findall(r"(\w+) = ([a-z]\w*)", said.reason.partition("it fits where")[2])
        for k in range(8):
            at = {**self.sizes[k % len(self.sizes)], **sizes}
            for one, other in pairs:  # where the claim fits at all
                at[one] = at[other] = min(at[one], at[other])
            point = ground.point(self.rng, at, ("mixed", "positive", "unit")[k % 3])
            if point is None or point.fault or point.margin < CLEAR:
                continue
            tried += 1
            if self.outcome(point, name, claim) == "differs":
                yield "false where", f"{said.holds}: not at {shown(point)}"
                return

    def _counterexample(self, name: str, claim: str, found: Any) -> Iterator[tuple[str, str]]:
        ground = self.ground
        sizes = {d: int(k) for d, k in found.sizes.items()}
        rows = {n: [[Fraction(x) for x in row] for row in t] for n, t in found.values.items()}
        for leaf, words in ground.assume.items():
            broken = [w for w in words if leaf in rows and not obeys(rows[leaf], w)]
            if broken:
                shown_ = f"{leaf} is not {', '.join(broken)}: {found.values[leaf]}"
                yield "broken assumption", shown_
                return
        missing = [leaf for leaf in ground.shapes if leaf not in rows]
        if missing:
            yield "false counterexample", f"no value of {', '.join(missing)}"
            return
        for leaf, dims in ground.shapes.items():  # dimensions that a claim takes to be equal
            for dim, extent in zip(dims, (len(rows[leaf]), len(rows[leaf][0])), strict=True):
                if dim in ground.dims:
                    sizes.setdefault(dim, extent)
        for leaf in ground.shapes:
            extents = len(rows[leaf]), len(rows[leaf][0])
            if extents != ground.extents(leaf, {**ground.extra, **sizes}):
                yield "another size", f"{leaf} is {extents[0]}×{extents[1]}"
                return
        point = Point(ground, {n: table(r) for n, r in rows.items()}, {**ground.extra, **sizes})
        at = f"at {shown(point)}"
        if point.fault:
            if point.clear:
                yield "false counterexample", f"the program has no value {at}"
            return
        i, j = found.entry[0] - 1, found.entry[1] - 1
        try:
            truth = point.slope(name, (i, j))
            if truth is None:
                yield "false counterexample", f"no gradient {at}"
                return
            value = point.claimed(claim)[i, j]
        except Unclear:
            return
        except (NoValue, IndexError) as error:
            yield "false counterexample", f"the claim has no value {at}: {error}"
            return
        if abs(truth - value) <= AGREE * min(1, abs(truth) + abs(value)) + SAME:
            yield "true refuted", f"both are {MP.nstr(truth, 12)} {at}"
        told = (("expected", found.expected, truth), ("claimed", found.claimed, value))
        for word, text, x in told:
            if not is_shown(text, x):
                yield "false counterexample", f"{word} {text}, it is {MP.nstr(x, 12)} {at}"
        if found.expected == found.claimed:
            yield "false counterexample", f"{found.expected} and {found.claimed} are written alike"

    def _undecided(
        self, name: str, claim: str, said: Any, meant: bool
    ) -> Iterator[tuple[str, str]]:
        outcomes = [self.outcome(p, name, claim) for p in self.points
                    if self.satisfied(p, said.conditions)]  # fmt: skip
        if "differs" in outcomes:
            yield "undecided, false", said.reason
        elif outcomes.count("equal") > 1 and not {*outcomes} & {"no value", "no gradient"}:
            yield ("undecided, true" if meant else "undecided"), said.reason
        else:
            yield "undecided, without a value", said.reason


def scope_sizes(scope: str) -> dict[str, int]:
    return {d: int(k) for d, k in re.findall(r"(\w+) = (\d+)", scope)}


def shown(point: Point) -> str:
    names = [*point.ground.shapes, *([f"d{point.ground.output}"] if not point.fault else [])]
    values = {**point.values}
    if not point.fault:
        values[f"d{point.ground.output}"] = point.upstream
    rows = {n: [[MP.nstr(x, 6) for x in row] for row in values[n]] for n in names}
    told = ", ".join(f"{name}={row}" for name, row in rows.items()).replace("'", "")
    return f"{dict(point.sizes)}, {told}"


def is_shown(text: str, value: Any) -> bool:
    """Whether a number is what a text shows: exactly, or rounded to its last digit.

    >>> is_shown("2/3", real(Fraction(2, 3))), is_shown("0.667", real(Fraction(2, 3)))
    (True, True)
    >>> is_shown("1", real(Fraction(2, 3)))
    False
    """
    text = text.replace("−", "-").removeprefix("≈").strip()
    if re.fullmatch(r"-?\d+(/\d+)?", text):
        return bool(abs(real(Fraction(text)) - value) <= AGREE * (1 + abs(value)))
    mantissa, _, exponent = text.partition("e")
    places = len(mantissa.partition(".")[2]) - int(exponent or 0)
    unit = MP.mpf(10) ** -places
    return bool(abs(MP.mpf(text) - value) <= unit * MP.mpf("0.5001"))


# -- one case: a program and claims about it -------------------------------------------------------


@dataclass
class Report:
    """What became of one program."""

    finds: list[Find] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    def add(self, kind: str, ground: Ground, claim: str, detail: str, case: str) -> None:
        self.counts[f"find: {kind}"] += 1
        self.finds.append(Find(kind, ground.text, claim, detail, ground.assume, case))


class Late(Exception):
    """A call that took too long."""


def _late(*_: Any) -> None:
    raise Late


def one(seed: int, index: int, claims: int = 10, seconds: float = 10, tell: Any = None) -> Report:
    """Write one program and claims about it, have them judged, and hold what is said against it."""
    from derive.expressions.errors import DeriveError, OutputError
    from derive.judges.claim import Court
    from derive.language.parse import parse

    rng = random.Random(f"{seed}:{index}")
    case = f"{seed}:{index}"
    text, assume = Writer(rng, rng.choice((4, 8, 12, 20))).program()
    if rng.random() < 0.1:
        text = with_numbers(rng, text)
    ground, report = Ground(text, assume), Report()
    extras = rng.random()
    signal.signal(signal.SIGPROF, _late)

    def guarded(claim: str, work: Callable[[], Any]) -> Any:
        """Return what a call returns; record a traceback and a call that takes too long."""
        if tell:
            tell(text, claim, assume)
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            return work()
        except OutputError as error:
            report.add("traceback", ground, claim, f"OutputError: {error.message}", case)
        except DeriveError as error:
            report.counts[f"refused: {type(error).__name__}"] += 1
            return error
        except Late:
            report.add("runaway", ground, claim, f"more than {seconds} s", case)
        except MemoryError:
            report.add("runaway", ground, claim, "memory", case)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            file = os.path.basename(place.filename)
            detail = f"{type(error).__name__}: {error} ({file}:{place.lineno})"
            report.add("traceback", ground, claim, detail, case)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            spent = time.process_time() - start
            report.counts["milliseconds"] += round(1000 * spent)
            if spent > 3:
                report.counts["slow"] += 1
        return None

    def made() -> Any:
        program = parse(text)
        return program, Court(program, assume=assume)

    found = guarded("", made)
    if not isinstance(found, tuple):
        report.counts["programs refused"] += 1
        if isinstance(found, DeriveError):
            report.finds.append(Find("refused", text, "", str(found.message), assume, case))
        return report
    program, court = found
    ground.extra = dict(program.sizes)
    report.counts["programs"] += 1
    referee = Referee(rng, ground)
    usable = [p for p in referee.points if not p.fault]
    if not usable:
        report.counts["programs without a value"] += 1
    names = [n for n in court.case.names if n in ground.shapes or n in dict(ground.statements)]
    if not names:
        return report
    generic = referee.generic()
    todo: dict[tuple[str, str], bool] = {}
    truths: dict[str, str] = {}

    def judged(name: str, claim: str, meant: bool = False) -> Any:
        said = guarded(claim, lambda: court.judge(claim))
        if said is None or isinstance(said, DeriveError):
            if isinstance(said, DeriveError):
                report.finds.append(Find("claim refused", text, claim, said.message, assume, case))
            return None
        report.counts["claims"] += 1
        report.counts[said.verdict] += 1
        for kind, detail in referee.hold(name, claim, said, meant):
            if not report.counts[f"find: {kind}"]:
                report.add(kind, ground, claim, detail, case)
        return said

    for name in rng.sample(names, min(len(names), 3)):
        said = judged(name, f"d{name} = 0 * {name}")
        if said is None:
            continue
        formula = said.truth.partition(" = ")[2]
        if not formula or len(formula) > 600:
            continue
        truths[name] = formula
        again = judged(name, f"d{name} = {formula}", True)
        if again is not None and again.verdict == "refuted":
            report.add("false gradient", ground, formula, again.reason, case)
    for _ in range(claims if truths else 0):
        name = rng.choice(list(truths))
        formula, wrong = truths[name], rng.random() < 0.6
        steps = rng.choice((0, 1, 1, 2)) if wrong else rng.choice((1, 1, 2, 3))
        for k in range(steps + wrong):
            try:
                editor = Editor(rng, ground, generic, formula) if generic else None
            except (NoValue, Unclear, ValueError):
                editor = None
            if editor is None:
                break
            formula = editor.changed(mistakes if wrong and k == steps else rewrites) or formula
        if len(formula) < 1500:
            whole, meant = _stated(rng, ground, generic, f"d{name} = {formula}")
            todo[name, whole] = meant and not wrong
        if generic is None or formula.count("(") > 99:
            break
    for (name, claim), meant in todo.items():
        judged(name, claim, meant)
    if extras < 0.06:
        _printed(guarded, referee, report, case, text)
    elif extras < 0.14:
        _worked(guarded, report, ground, case, text, rng.randrange(1, 9))
    return report


def _stated(
    rng: random.Random, ground: Ground, point: Point | None, claim: str
) -> tuple[str, bool]:
    """Return a claim, now and then with statements before it, and whether these change nothing."""
    kind, inner = rng.random(), ground.statements[:-1]
    if kind > 0.12 or point is None:
        return claim, True
    if kind > 0.05:
        target, _, formula = claim.partition(" = ")
        own, text = "G9" if kind > 0.08 else "part", ""
        try:
            editor = Editor(rng, ground, point, formula)
        except (NoValue, Unclear, ValueError):
            return claim, True

        def taken(_: Editor, node: ast.expr) -> Iterator[str]:
            nonlocal text
            text = ast.unparse(node)
            yield own

        new = editor.changed(taken)
        return (f"{own} = {text}; {target} = {new}", True) if new else (claim, True)
    if not inner:
        return claim, True
    name, formula = rng.choice(inner)
    if kind > 0.03:
        return f"{name} = {formula}; {claim}", True
    try:
        changed = Editor(rng, ground, point, formula).changed(mistakes)
    except (NoValue, Unclear, ValueError):
        changed = None
    return (f"{name} = {changed}; {claim}", False) if changed else (claim, True)


def _printed(guarded: Any, referee: Referee, report: Report, case: str, text: str) -> None:
    """Hold the gradients of a document against differences, and see it written in both formats."""
    import derive
    import derive.bridges.code

    ground = referee.ground
    proof = guarded("prove", lambda: derive.prove(text, detail="brief"))
    if proof is None or isinstance(proof, derive.DeriveError):
        report.counts["documents refused"] += 1
        if proof is not None:
            detail = f"{type(proof).__name__}: {proof.message}"
            report.finds.append(Find("document refused", text, "", detail, {}, case))
        return
    report.counts["documents"] += 1
    for form in ("md", "tex"):
        guarded(f"prove -f {form}", lambda form=form: proof.render(form))
    gradients = derive.bridges.code.Gradients(proof)
    own = [(name, f"d{name} = {formula}") for name, formula in proof.backward.items()]
    for name, claim in (*own, *((name, gradients.claim(name)) for name in gradients)):
        report.counts["gradients"] += 1
        for point in referee.points:
            if point.margin > CLEAR and referee.outcome(point, name, claim) == "differs":
                report.add("false gradient", ground, claim, f"at {shown(point)}", case)
                break


def _worked(guarded: Any, report: Report, ground: Ground, case: str, text: str, seed: int) -> None:
    """Hold the numbers of a worked example against the program's own."""
    import derive

    found = guarded("example", lambda: derive.example(text, seed=seed, assume=ground.assume))
    if found is None or isinstance(found, derive.DeriveError):
        report.counts["examples refused"] += 1
        return
    report.counts["examples"] += 1
    for form in ("md", "tex"):
        guarded(f"example -f {form}", lambda form=form: found.render(form))
    plain = found.plain()

    def numbers(value: Any) -> list[list[str]]:
        if isinstance(value, dict):
            return [[value.get("exact") or value["decimal"]]]
        return [[x.get("exact") or x["decimal"] for x in row] for row in value]

    forward = {name: numbers(value) for name, value in plain["forward"].items()}
    values = {n: table([[Fraction(x) for x in row] for row in rows])
              for n, rows in forward.items() if n in ground.shapes}  # fmt: skip
    upstream = numbers(plain["gradients"][ground.output])
    values[f"d{ground.output}"] = table([[Fraction(x) for x in row] for row in upstream])
    for leaf, words in ground.assume.items():
        rows = [[Fraction(x) for x in row] for row in forward[leaf]]
        broken = [w for w in words if not obeys(rows, w)]
        if broken:
            report.add("broken assumption", ground, "example", f"{leaf}: {broken}", case)
    point = Point(ground, values, {**ground.extra, **plain["sizes"]})
    if point.fault:
        if point.clear:
            report.add("false number", ground, "example", f"no value at {shown(point)}", case)
        return
    for name, rows in forward.items():
        for text_, x in zip((t for r in rows for t in r), point.values[name].flat, strict=True):
            if not near(text_, x):
                detail = f"{text_}, not {MP.nstr(x, 12)}"
                report.add("false number", ground, name, detail, case)
                return
    if plain["kinks"]:
        return
    for name, value in plain["gradients"].items():
        try:
            truth = point.gradient(name)
        except Unclear:
            continue
        if truth is None:
            report.add("false number", ground, f"d{name}", f"no gradient at {shown(point)}", case)
            return
        cells = (t for r in numbers(value) for t in r)
        for text_, x in zip(cells, truth.flat, strict=True):
            if not near(text_, x):
                detail = f"{text_}, not {MP.nstr(x, 12)} at {shown(point)}"
                report.add("false number", ground, f"d{name}", detail, case)
                return


def near(text: str, value: Any) -> bool:
    """Whether a number of a machine's output is a value, to the digits that it has."""
    if re.fullmatch(r"-?\d+/\d+", text):
        return bool(abs(real(Fraction(text)) - value) <= AGREE * (1 + abs(value)))
    return is_shown(text, value) or bool(abs(MP.mpf(text) - value) <= AGREE * (1 + abs(value)))


# -- many cases ------------------------------------------------------------------------------------


def apart(seed: int, index: int, claims: int, seconds: float, hard: float) -> Report:
    """Run a case in a process of its own: what it leaves behind, and how it dies, is its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        out = os.fdopen(write, "w")

        def tell(*what: Any) -> None:
            out.write(json.dumps({"at": what}) + "\n")
            out.flush()

        code = 1
        try:
            limit = 3_000_000_000
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, 2)
            report = one(seed, index, claims, seconds, tell)
            finds = [asdict(f) for f in report.finds]
            out.write(json.dumps({"finds": finds, "counts": report.counts}) + "\n")
            code = 0
        except BaseException as error:
            where = [f"{os.path.basename(p.filename)}:{p.lineno}"
                     for p in traceback.extract_tb(error.__traceback__)]  # fmt: skip
            out.write(json.dumps({"fault": f"{type(error).__name__}: {error} {where[-4:]}"}) + "\n")
        out.flush()
        os._exit(code)
    os.close(write)
    text, end = b"", time.monotonic() + hard
    while True:
        ready, _, _ = select.select([read], [], [], max(0, end - time.monotonic()))
        chunk = os.read(read, 1 << 16) if ready else b""
        if not chunk:
            break
        text += chunk
    late = time.monotonic() >= end
    if late:
        os.kill(child, signal.SIGKILL)
    os.close(read)
    _, status = os.waitpid(child, 0)
    lines = [json.loads(line) for line in text.decode().splitlines() if line.endswith("}")]
    last = lines[-1] if lines else {}
    if "counts" in last:
        return Report([Find(**f) for f in last["finds"]], Counter(last["counts"]))
    program, claim, assume = next((x["at"] for x in reversed(lines) if "at" in x), ("", "", {}))
    kind = "runaway" if late else "crash"
    detail = f"killed after {hard} s" if late else last.get("fault", f"status {status}")
    if "fault" in last:
        kind = "referee"
    return Report(
        [Find(kind, program, claim, detail, assume, f"{seed}:{index}")],
        Counter({f"find: {kind}": 1}),
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="how many claims")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="the first case, to go on")
    parser.add_argument("--case", help="one case, seed:index, again")
    parser.add_argument("--claims", type=int, default=10, help="claims for each program")
    parser.add_argument("--seconds", type=float, default=10, help="for each call")
    parser.add_argument("--all", action="store_true", help="show refusals and undecided ones too")
    parser.add_argument("-j", type=int, default=1, help="processes")
    args = parser.parse_args(argv)
    import derive.judges.claim
    import derive.judges.modular
    import derive.readings.numbers

    derive.prove("Y = exp(x)").to_latex()  # once, before the forks
    derive.example("Y = exp(x)").to_markdown()

    if args.case:
        seed, index = map(int, args.case.split(":"))
        report = one(seed, index, args.claims, args.seconds)
        for find in report.finds:
            print(find.line())
        print(dict(report.counts))
        return 0
    total, index, start, grave = Counter(), args.start, time.monotonic(), 0
    while total["claims"] < args.count:
        report = apart(args.seed, index, args.claims, args.seconds, 20 * args.seconds)
        total += report.counts
        for find in report.finds:
            grave += find.kind in GRAVE
            if args.all or find.kind in GRAVE or find.kind == "referee":
                print(find.line(), flush=True)
        index += 1
    print(f"seed {args.seed}, cases {args.start} to {index - 1}, {time.monotonic() - start:.0f} s")
    for key, count in sorted(total.items()):
        print(f"{count:8} {key}")
    return 1 if grave else 0


if __name__ == "__main__":
    sys.exit(main())
