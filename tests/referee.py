"""The independent road for claims: NumPy over mpmath's numbers, and central differences.

Program and claim are read as Python text; nothing of the package is used, no parser, no operator,
no gradient. A gradient is (L(x + h) - L(x - h)) / 2h in 40 digits.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any

import mpmath
import numpy as np

DIGITS = 40
STEP = mpmath.mpf(10) ** -13
NEAR = mpmath.mpf(10) ** -16
SIZES = ((2, 3, 2, 3, 2, 3), (3, 2, 4, 2, 3, 2))
POINTS = 1  # at each size

Values = dict[str, Any]


class NoValue(Exception):
    """A value that is not a real number."""


# -- the functions of the language, in NumPy's words -----------------------------------------------


def _entrywise(function):
    return np.frompyfunc(function, function.__code__.co_argcount, 1)


def _scalar(value) -> np.ndarray:
    return np.array([[value]], dtype=object)


def _mp(A) -> mpmath.matrix:
    return mpmath.matrix(A.tolist())


def _np(A: mpmath.matrix) -> np.ndarray:
    return np.array([[A[i, j] for j in range(A.cols)] for i in range(A.rows)], dtype=object)


def _inverse(A: mpmath.matrix) -> np.ndarray:
    if abs(mpmath.det(A)) < mpmath.mpf(10) ** -20:
        raise NoValue("a singular matrix")
    return _np(A**-1)


def _size(k) -> int:
    return int(np.asarray(k).item())


def _words(dim) -> list[str]:
    """The words of a dimension, which may be a product of several."""
    return dim.split(" * ") if isinstance(dim, str) else []


def _total(A) -> np.ndarray:
    return np.sum(_exp(A), axis=1, keepdims=True)


def _diag(v) -> np.ndarray:
    flat = v.reshape(-1)
    return np.array([[x if i == j else mpmath.mpf(0) for j, _ in enumerate(flat)]
                     for i, x in enumerate(flat)], dtype=object)  # fmt: skip


def _extreme(of_two, name):
    def found(A, B=None, axis=None):
        if B is not None:
            return of_two(A, B)
        return np.asarray(getattr(np, name)(A, axis=axis, keepdims=True), dtype=object)

    return found


_exp, _log = _entrywise(lambda x: mpmath.exp(x)), _entrywise(lambda x: mpmath.log(x))
_sigmoid = _entrywise(lambda x: 1 / (1 + mpmath.exp(-x)))
FUNCTIONS: Values = {
    "prod": lambda A, axis=None: np.prod(A, axis=axis, keepdims=True),
    "cumsum": lambda A, axis: np.cumsum(A, axis=axis),
    "sum": lambda A, axis=None: np.sum(A, axis=axis, keepdims=True),
    "mean": lambda A, axis=None: (
        np.sum(A, axis=axis, keepdims=True) / (A.size if axis is None else A.shape[axis])
    ),
    "tr": lambda A: _scalar(np.trace(A)),
    "det": lambda A: _scalar(mpmath.det(_mp(A))),
    "logdet": lambda A: _scalar(mpmath.log(mpmath.det(_mp(A)))),
    "inv": lambda A: _inverse(_mp(A)),
    "norm": lambda A: _scalar(mpmath.sqrt(np.sum(A * A))),
    "diag": _diag,
    "diagonal": lambda A: np.diagonal(A).reshape(-1, 1),
    "kron": np.kron,
    "vec": lambda A: A.T.reshape(-1, 1),
    "unvec": lambda v, shape: v.reshape(tuple(map(_size, shape)), order="F"),
    "kron_left": lambda G, B: (
        _scalar(0)
        + np.array(
            [
                [
                    np.sum(G[i : i + len(B), j : j + len(B.T)] * B)
                    for j in range(0, len(G.T), len(B.T))
                ]
                for i in range(0, len(G), len(B))
            ]
        )
    ),
    "kron_right": lambda G, A: sum(
        A[i, j]
        * G[
            i * (len(G) // len(A)) : (i + 1) * (len(G) // len(A)),
            j * (len(G.T) // len(A.T)) : (j + 1) * (len(G.T) // len(A.T)),
        ]
        for i in range(len(A))
        for j in range(len(A.T))
    ),
    "max": _extreme(np.maximum, "max"),
    "min": _extreme(np.minimum, "min"),
    "where": lambda c, a, b: np.where(np.asarray(c != 0, dtype=bool), a, b),
    "ones": lambda n, m: np.full((_size(n), _size(m)), mpmath.mpf(1), dtype=object),
    "zeros": lambda n, m: np.full((_size(n), _size(m)), mpmath.mpf(0), dtype=object),
    "eye": lambda n: _diag(np.full(_size(n), mpmath.mpf(1), dtype=object)),
    "broadcast_to": lambda A, shape: np.broadcast_to(A, tuple(map(_size, shape))),
    "softmax": lambda A: _exp(A) / _total(A),
    "logsoftmax": lambda A: A - _log(_total(A)),
    "logsumexp": lambda A: _log(_total(A)),
    "sigmoid": _sigmoid,
    "silu": lambda A: A * _sigmoid(A),
    "softplus": _entrywise(lambda x: mpmath.log(1 + mpmath.exp(x))),
    "relu": _entrywise(lambda x: max(x, mpmath.mpf(0))),
    "elu": _entrywise(lambda x: x if x > 0 else mpmath.expm1(x)),
    "leaky_relu": _entrywise(lambda x, a: x if x > 0 else a * x),
    "outer": lambda u, v: np.outer(u, v),
    "abs": _entrywise(lambda x: abs(x)),
    "sign": _entrywise(lambda x: mpmath.sign(x)),
    "normcdf": _entrywise(lambda x: mpmath.ncdf(x)),
    "normpdf": _entrywise(lambda x: mpmath.npdf(x)),
    "gelu": _entrywise(lambda x: x * mpmath.ncdf(x)),
    "exp": _exp,
    "log": _log,
    **{
        name: np.frompyfunc(getattr(mpmath, name), 1, 1)
        for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt")
    },
    "exactly": lambda text: _scalar(mpmath.mpf(text)),
    "mask": lambda A: np.where(np.asarray(A, dtype=bool), mpmath.mpf(1), mpmath.mpf(0)),
}


class _Exact(ast.NodeTransformer):
    """Numbers become mpmath's, comparisons numbers; axes stay as they are."""

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        literal = ast.Constant(str(node.value))
        return ast.Call(ast.Name("exactly", ast.Load()), [literal], [])

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("mask", ast.Load()), [node], [])


@lru_cache(4096)
def _compiled(text: str):
    tree = ast.fix_missing_locations(_Exact().visit(ast.parse(text.strip(), mode="eval")))
    return compile(tree, "<text>", "eval")


def evaluate(text: str, values: Values) -> np.ndarray:
    """Return what NumPy makes of a text; raises `NoValue` where that is no real matrix."""
    try:
        found = eval(_compiled(text), {**FUNCTIONS, **values})
    except (ZeroDivisionError, ValueError, TypeError) as error:
        raise NoValue(str(error)) from error
    found = np.atleast_2d(np.array(found, dtype=object))
    if not all(isinstance(x, int | mpmath.mpf) and mpmath.isfinite(x) for x in found.flat):
        raise NoValue("not a real number")
    return found


# -- programs --------------------------------------------------------------------------------------


class Setting:
    """A program's text with the shapes of its inputs: what it computes, and its gradients."""

    def __init__(self, program: str, shapes: Mapping[str, tuple], assume: Mapping | None = None):
        lines = [line.split("=", 1) for line in program.split(";")]
        self.statements = [(name.strip(), text.strip()) for name, text in lines]
        self.output = self.statements[-1][0]
        self.shapes = {name: tuple(dims) for name, dims in shapes.items()}
        self.dims = list(dict.fromkeys(
            word for dims in self.shapes.values() for dim in dims for word in _words(dim)
        ))  # fmt: skip
        self.assume = {name: {words} if isinstance(words, str) else set(words)
                       for name, words in (assume or {}).items()}  # fmt: skip
        assigned = {name for name, _ in self.statements}
        for _, text in self.statements:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Name):
                    known = (*FUNCTIONS, *self.dims, *assigned)
                    if node.id not in known:
                        self.shapes.setdefault(node.id, (1, 1))

    def sizes(self, numbers: tuple[int, ...]) -> dict[str, int]:
        return dict(zip(self.dims, numbers))

    def point(self, sizes: Mapping[str, int], seed: int) -> Values:
        """Return distinct values of the inputs, of both signs, positive, or between 0 and 1."""
        rng = np.random.default_rng(seed)
        pool = iter(rng.permutation(np.arange(30, 400)))
        kind = ("both", "positive", "fraction")[seed % 3]
        values: Values = {}
        for name, dims in self.shapes.items():
            rows, cols = (
                prod(sizes[d] for d in _words(dim)) if _words(dim) else dim for dim in dims
            )
            cells = np.array([[next(pool) for _ in range(cols)] for _ in range(rows)])
            signs = rng.choice([-1, 1], size=(rows, cols)) ** (1 if kind == "both" else 2)
            signs[0, 0] = -1 if seed == 0 else signs[0, 0]
            scale = 433 if kind == "fraction" else 211
            values[name] = self._obeying(name, exact(cells * signs) / scale)
        return values

    def _obeying(self, name: str, A: np.ndarray) -> np.ndarray:
        words = self.assume.get(name, set())
        if words & {"positive", "unit-interval", "row-stochastic"}:
            A = np.abs(A)
        if "unit-interval" in words:
            A = A / 3
        if "row-stochastic" in words:
            A = A / np.sum(A, axis=1, keepdims=True)
        if "binary" in words:
            A = FUNCTIONS["mask"](A > 0)
        if "sign" in words:
            A = FUNCTIONS["sign"](A)
        if "one-hot-rows" in words:
            rows, cols = A.shape
            A = exact([[int(j == i % cols) for j in range(cols)] for i in range(rows)])
        if "symmetric" in words:
            A = (A + A.T) / 2
        if "spd" in words:
            A = A @ A.T + exact(np.eye(len(A), dtype=int))
        return A

    def environment(self, values: Values, sizes: Mapping[str, int]) -> Values:
        """Return the values of every name, dimensions included."""
        known = {**{dim: mpmath.mpf(k) for dim, k in sizes.items()}, **values}
        return self._run(known, [])

    def _run(self, known: Values, fixed: list[str]) -> Values:
        known = dict(known)
        for name, text in self.statements:
            if name not in fixed:
                known[name] = evaluate(text, known)
        return known

    def upstream(self, known: Values) -> np.ndarray:
        """Return a gradient of the output: 1 for a loss, else what no entry shares."""
        shape = known[self.output].shape
        if shape == (1, 1) and f"d{self.output}" not in known:
            return _scalar(mpmath.mpf(1))
        rng = np.random.default_rng(7)
        return exact(rng.permutation(np.arange(50, 50 + shape[0] * shape[1])).reshape(shape)) / 37

    def gradient(self, name: str, known: Values, g: np.ndarray) -> np.ndarray:
        """Return the derivative of sum(g * output) by each entry of a name, by differences."""
        before = [s for s, _ in self.statements]
        fixed = before[: before.index(name) + 1] if name in before else []
        base = known[name]
        found = np.empty(base.shape, dtype=object)
        for cell in np.ndindex(base.shape):
            ends = []
            for step in (STEP, -STEP):
                moved = base.copy()
                moved[cell] = moved[cell] + step
                ends.append(np.sum(g * self._run({**known, name: moved}, fixed)[self.output]))
            found[cell] = (ends[0] - ends[1]) / (2 * STEP)
        return found

    def claimed(self, text: str, known: Values, g: np.ndarray) -> np.ndarray:
        """Return the value of a claim, which may speak of gradients of intermediates."""
        known = {**known, f"d{self.output}": g}
        for name, _ in self.statements[:-1]:
            if f"d{name}" in text:
                known[f"d{name}"] = self.gradient(name, known, g)
        return evaluate(text, known)

    def agrees(self, name: str, claim: str) -> bool | None:
        """Whether a claim agrees with central differences at every size that is tried.

        `None` where no point was found at which both sides have values.
        """
        tried = False
        with mpmath.workdps(DIGITS):
            for numbers in SIZES if self.dims else SIZES[:1]:
                sizes, points = self.sizes(numbers), 0
                for seed in range(9):
                    try:
                        known = self.environment(self.point(sizes, seed), sizes)
                        g = self.upstream(known)
                        truth, value = self.gradient(name, known, g), self.claimed(claim, known, g)
                    except NoValue:
                        continue
                    tried, points = True, points + 1
                    if truth.shape != value.shape or not close(truth, value):
                        return False
                    if points == (POINTS if self.dims else 4):
                        break
        return tried or None


def exact(A) -> np.ndarray:
    """Return whole numbers or fractions as mpmath's."""

    def one(x) -> mpmath.mpf:
        whole = x if isinstance(x, Fraction) else int(x)
        return mpmath.mpf(whole.numerator) / whole.denominator

    return np.array([[one(x) for x in row] for row in A], dtype=object)


def close(A: np.ndarray, B: np.ndarray) -> bool:
    scale = 1 + max((abs(x) for x in A.flat), default=0)
    return all(abs(x - y) <= NEAR * scale for x, y in zip(A.flat, B.flat))


def at_counterexample(setting: Setting, name: str, claim: str, found) -> tuple:
    """Return what differences and the claim give at a counterexample's point and entry."""
    with mpmath.workdps(DIGITS):
        sizes = {dim: int(k) for dim, k in found.sizes.items()}
        rows = {n: exact([[Fraction(x) for x in row] for row in table])
                for n, table in found.values.items()}  # fmt: skip
        given = rows.pop(f"d{setting.output}", None)
        known = setting.environment(rows, sizes)
        g = setting.upstream(known) if given is None else given
        i, j = found.entry[0] - 1, found.entry[1] - 1
        return (
            setting.gradient(name, known, g)[i, j],
            setting.claimed(claim, known, g)[i, j],
        )


def number(text: str) -> mpmath.mpf:
    """Return a number as a counterexample prints it: a fraction, or six digits."""
    if "/" in text:
        above, below = text.split("/")
        return mpmath.mpf(above) / mpmath.mpf(below)
    return mpmath.mpf(text)
