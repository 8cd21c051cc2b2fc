"""What the tests of the core share: random well-shaped programs, and NumPy reading the same text.

`evaluate` is the independent road: NumPy itself runs the text, over mpmath's numbers, with none of
the package's definitions. It is used on printed programs and printed gradients only.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from hypothesis import strategies as st

from derive.calculus.index import Scalar
from derive.expressions.program import Program

#: Entries of the catalogue that stand for all where a test takes long; test_catalogue has them all.
FEW = (
    "affine", "apples", "attention", "circuit", "columns", "fruit", "gaussian", "layer-norm",
    "logistic-regression", "mlp", "neuron", "ridge-regression", "softmax-cross-entropy",
)  # fmt: skip
DIGITS = 50
SHAPES = {
    "X": ("n", "d"),
    "Y": ("n", "d"),
    "W": ("d", "m"),
    "A": ("n", "n"),
    "b": (1, "d"),
    "c": ("n", 1),
    "s": (1, 1),
}
#: Functions of one argument, and how an argument is brought into the domain of others.
TOTAL = ("exp({0})", "sin({0})", "cos({0})", "tan({0} / 9)", "tanh({0})", "sinh({0})", "cosh({0})",
         "sigmoid({0})", "softplus({0})", "abs({0} + 1 / 7)", "relu({0} + 1 / 7)",
         "max({0}, 1 / 7)", "min({0}, -1 / 7)", "({0} * ({0} > 1 / 7))")  # fmt: skip
POSITIVE = (
    "log({0} ** 2 + 1)",
    "sqrt(1 + {0} ** 2)",
    "((1 + {0} ** 2) ** (-3 / 2))",
    "log(1 + exp({0}))",
)
DECLARED = "; ".join(f"{name}: ({', '.join(map(str, dims))})" for name, dims in SHAPES.items())


@st.composite
def expressions(draw, shape: tuple, names: Mapping[str, tuple], depth: int) -> str:
    """Draw the text of an expression of a shape over names, with a value everywhere."""

    def of(dims: tuple, less: int = 1) -> str:
        return draw(expressions(dims, names, depth - less))

    rows, cols = shape
    fitting = [name for name, dims in names.items() if dims == shape]
    turned = [f"{name}.T" for name, dims in names.items() if dims == (cols, rows) != shape]
    if depth <= 0:
        if shape == (1, 1):
            fitting = [*fitting, "tr(A)", "sum(c)", "mean(b)"]
        return draw(st.sampled_from([*fitting, *turned] or [f"ones({rows}, {cols})"]))
    kinds = ["add", "sub", "mul", "div", "neg", "power", "function", "positive", "extreme",
             "matmul", "leaf", "spread", "scaled", "transpose"]  # fmt: skip
    if shape == (1, 1):
        kinds += ["sum", "mean", "tr", "sum", "quadratic"]
    elif rows == 1:
        kinds += ["sum_rows", "mean_rows"]
    elif cols == 1:
        kinds += ["sum_cols", "mean_cols"]
    if rows == cols and rows != 1:
        kinds += ["eye"]
    some = draw(st.sampled_from([("n", "d"), ("d", "m"), ("n", "n"), ("m", "n")]))
    match draw(st.sampled_from(kinds)):
        case "add":
            return f"({of(shape)} + {of(shape)})"
        case "sub":
            return f"({of(shape)} - {of(shape)})"
        case "mul":
            return f"({of(shape)} * {of(shape)})"
        case "div":
            return f"({of(shape)} / (2 + {of(shape, 2)} ** 2))"
        case "neg":
            return f"(-{of(shape)})"
        case "power":
            return f"({of(shape)} ** {draw(st.sampled_from([2, 3]))})"
        case "function":
            return draw(st.sampled_from(TOTAL)).format(of(shape))
        case "positive":
            return draw(st.sampled_from(POSITIVE)).format(f"({of(shape)})")
        case "extreme":
            word = draw(st.sampled_from(["max", "min"]))
            k = 10 * draw(st.integers(1, 99)) + depth  # another one at each depth: never a tie
            return f"{word}({of(shape)}, {of(shape, 2)} + 1 / {k})"
        case "matmul":
            inner = draw(st.sampled_from(["n", "d", "m", 1]))
            return f"({of((rows, inner))} @ {of((inner, cols))})"
        case "spread":
            smaller = draw(st.sampled_from([(1, cols), (rows, 1), (1, 1)]))
            return f"({of(shape)} {draw(st.sampled_from('+-*'))} {of(smaller)})"
        case "scaled":
            factor = draw(st.sampled_from(["2", "0.5", "-3", "1 / 3", "n", "1 / d"]))
            return f"({factor} * {of(shape)})"
        case "transpose":
            return f"({of((cols, rows))}).T"
        case "sum":
            return f"sum({of(some)})"
        case "mean":
            return f"mean({of(some)})"
        case "tr":
            return f"tr({of(('n', 'n'))})"
        case "quadratic":
            return f"({of(('n', 1))}.T @ {of(('n', 1))})"
        case "sum_rows":
            return f"sum({of((draw(st.sampled_from(['n', 'd', 'm'])), cols))}, axis=0)"
        case "mean_rows":
            return f"mean({of((draw(st.sampled_from(['n', 'd', 'm'])), cols))}, axis=0)"
        case "sum_cols":
            return f"sum({of((rows, draw(st.sampled_from(['n', 'd', 'm']))))}, axis=1)"
        case "mean_cols":
            return f"mean({of((rows, draw(st.sampled_from(['n', 'd', 'm']))))}, axis=1)"
        case "eye":
            return f"({of(shape)} + eye({rows}))"
    return of(shape, depth)


@st.composite
def texts(draw, depth: int = 3, statements: int = 2) -> str:
    """Draw the text of a program whose output depends on at least one input."""
    names: dict[str, tuple] = dict(SHAPES)
    lines = [DECLARED]
    for k in range(draw(st.integers(1, statements))):
        shape = draw(st.sampled_from([("n", "d"), ("n", "m"), ("d", 1), (1, "m"), (1, 1)]))
        body = draw(expressions(shape, names, depth))
        used = draw(st.sampled_from([name for name, dims in names.items()]))
        lines.append(f"H{k} = {body} + 0.5 * sum({used})")
        names[f"H{k}"] = shape
    return "; ".join(lines)


#: Programs over P, of the shape of X, and Q, of the shape of W.
STACKED = ("vec(P).T @ vec(P * X)", "sum(kron(P, Q) ** 2)", "kron(Q, P)", "vec(P @ Q)",
           "kron(Q.T, A) @ vec(P)", "unvec(vec(P) * vec(X), (n, d)) @ Q", "kron(P, c) @ Q",
           "kron_left(kron(P, Q) * kron(X, W), Q)", "kron_right(kron(P, Q), X) * W",
           "tr(kron(A, P @ P.T))", "kron(P, Q) @ kron(P.T, Q.T)", "kron(P, Q) - kron(X, W)",
           "vec(P + X * s)", "sum(vec(P), axis=0) * P", "mean(kron(P, b)) * Q",
           "kron(s * P, b.T) @ kron(Q, ones(1, n))")  # fmt: skip


@st.composite
def stacked(draw) -> str:
    """Draw the text of a program with Kronecker products, or columns of a matrix stacked."""
    P, Q = (draw(expressions(dims, SHAPES, 1)) for dims in (("n", "d"), ("d", "m")))
    return f"{DECLARED}; P = X * s + {P}; Q = W + {Q}; H = {draw(st.sampled_from(STACKED))}"


def _blocks(G: np.ndarray, rows: int, cols: int) -> np.ndarray:
    return G.reshape(rows, G.shape[0] // rows, cols, G.shape[1] // cols)


def point(
    program: Program, sizes: Mapping[str, int], seed: int = 0
) -> dict[str, list[list[Fraction]]]:
    """Return values for the inputs, and for `dY`, that are small, distinct and not zero."""
    leaves = {name: program.leaves[name].shape for name in program.inputs}
    leaves[f"d{program.output}"] = program.output.shape
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in leaves.items():
        rows, cols = shape.at(sizes).dims
        cells = rng.permutation(np.arange(1, 400))[: rows * cols].reshape(rows, cols)
        signs = rng.choice([-1, 1], size=(rows, cols))
        found[name] = [
            [Fraction(int(s * k), 211) for s, k in zip(*row)] for row in zip(signs, cells)
        ]
    return found


# -- NumPy on the same text ------------------------------------------------------------------------


class _Exact(ast.NodeTransformer):
    """Every number of a text becomes mpmath's; axes and sizes stay as they are."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if getattr(node.func, "id", "") not in ("ones", "zeros", "eye", "broadcast_to", "unvec"):
            node.args = [self.visit(arg) for arg in node.args]
        elif node.func.id in ("broadcast_to", "unvec"):
            node.args[0] = self.visit(node.args[0])
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        literal = ast.Constant(repr(node.value))
        return ast.copy_location(ast.Call(ast.Name("exactly", ast.Load()), [literal], []), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("mask", ast.Load()), [node], [])


def _lift(function) -> Any:
    return np.frompyfunc(function, function.__code__.co_argcount, 1)


def _column(values) -> np.ndarray:
    return np.array(values, dtype=object).reshape(1, 1)


_exp, _log = np.frompyfunc(mpmath.exp, 1, 1), np.frompyfunc(mpmath.log, 1, 1)


def _extremum(one, two, A, B, axis) -> Any:
    return two(A, *B) if B else one(A, axis=axis, keepdims=True)


class _Open:
    """What stands for a function that a program leaves open: the sample that derive has for g."""

    def __call__(self, A) -> Any:
        return np.frompyfunc(lambda x: (x * x + x + 3) / (x * x + 1), 1, 1)(A)

    def diff(self, A, order=1) -> Any:
        if order == 1:
            return np.frompyfunc(lambda x: (1 - 4 * x - x * x) / (x * x + 1) ** 2, 1, 1)(A)
        return np.frompyfunc(lambda x: mpmath.diff(self, x, int(np.array(order).item())), 1, 1)(A)


OPEN = _Open()
NUMPY: dict[str, Any] = {
    "g": OPEN,
    "g()": OPEN,
    "g'()": OPEN.diff,
    "g''()": lambda A: OPEN.diff(A, 2),
    "sum": lambda A, axis=None: np.sum(A, axis=axis, keepdims=True),
    "mean": lambda A, axis=None: np.mean(A, axis=axis, keepdims=True),
    "prod": lambda A, axis=None: np.prod(A, axis=axis, keepdims=True),
    "cumsum": lambda A, axis: np.cumsum(A, axis=axis),
    "tr": lambda A: _column(np.trace(A)),
    "max": lambda A, *B, axis=None: _extremum(np.max, np.maximum, A, B, axis),
    "min": lambda A, *B, axis=None: _extremum(np.min, np.minimum, A, B, axis),
    "abs": np.abs,
    "kron": np.kron,
    "vec": lambda A: A.reshape(-1, 1, order="F"),
    "unvec": lambda v, shape: v.reshape(shape, order="F"),
    "kron_left": lambda G, B: (
        _blocks(G, G.shape[0] // len(B), G.shape[1] // len(B.T)) * B[None, :, None]
    ).sum((1, 3)),
    "kron_right": lambda G, A: (_blocks(G, *A.shape) * A[:, None, :, None]).sum((0, 2)),
    "ones": lambda n, m: np.full((n, m), mpmath.mpf(1)),
    "zeros": lambda n, m: np.full((n, m), mpmath.mpf(0)),
    "eye": lambda n: np.array([[mpmath.mpf(i == j) for j in range(n)] for i in range(n)]),
    "broadcast_to": np.broadcast_to,
    "sigmoid": _lift(lambda x: 1 / (1 + mpmath.exp(-x))),
    "relu": _lift(lambda x: max(x, mpmath.mpf(0))),
    "leaky_relu": _lift(lambda x, a: x if x > 0 else a * x),
    "elu": _lift(lambda x: x if x > 0 else mpmath.expm1(x)),
    "outer": lambda u, v: np.outer(u, v),
    "softplus": _lift(lambda x: mpmath.log1p(mpmath.exp(x))),
    "sign": _lift(lambda x: mpmath.sign(x)),
    "silu": _lift(lambda x: x / (1 + mpmath.exp(-x))),
    "gelu": _lift(lambda x: x * mpmath.ncdf(x)),
    "normcdf": _lift(lambda x: mpmath.ncdf(x)),
    "normpdf": _lift(lambda x: mpmath.npdf(x)),
    "where": _lift(lambda c, a, b: a if c else b),
    "softmax": lambda A: _exp(A) / _exp(A).sum(axis=1, keepdims=True),
    "logsumexp": lambda A: _log(_exp(A).sum(axis=1, keepdims=True)),
    "logsoftmax": lambda A: A - _log(_exp(A).sum(axis=1, keepdims=True)),
    "norm": lambda A: _column(mpmath.sqrt(mpmath.fsum(x * x for x in A.flat))),
    "det": lambda A: _column(mpmath.det(mpmath.matrix(A.tolist()))),
    "logdet": lambda A: _column(mpmath.log(mpmath.det(mpmath.matrix(A.tolist())))),
    "inv": lambda A: np.array((mpmath.matrix(A.tolist()) ** -1).tolist(), dtype=object),
    "diag": lambda A: np.diag(A.ravel()) + mpmath.mpf(0),
    "diagonal": lambda A: np.diagonal(A).reshape(-1, 1),
    "gt": _lift(lambda x, y: mpmath.mpf(x > y)),
    **{
        name: np.frompyfunc(getattr(mpmath, name), 1, 1)
        for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt")
    },
    "exactly": lambda text: _column(mpmath.mpf(text)),  # a number has a transpose, too
    "mask": lambda A: np.vectorize(mpmath.mpf, otypes=[object])(A),
}


def matrix(rows) -> np.ndarray:
    """Return exact rows as a NumPy array of mpmath's numbers."""
    return np.array([[mpmath.mpf(x.numerator) / x.denominator for x in row] for row in rows])


def evaluate(text: str, values: Mapping[str, Any], sizes: Mapping[str, int]) -> np.ndarray:
    """Return what NumPy makes of the text of an expression."""
    tree = ast.fix_missing_locations(_Exact().visit(ast.parse(text, mode="eval")))
    found = eval(compile(tree, "<text>", "eval"), {**NUMPY, **sizes, **values})
    return np.atleast_2d(np.array(found, dtype=object))


def run(program: Program, values: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return the value of every name of a program, each statement run by NumPy as it is printed."""
    known = dict(values)
    for statement in program.statements:
        known[statement.name] = evaluate(str(statement.expr), known, sizes)
    return known


# -- scalars ---------------------------------------------------------------------------------------


def number_of(
    term: Scalar,
    values: Mapping[str, Any],
    names: Mapping,
    sizes: Mapping,
    more: Mapping[str, Callable[..., Any]] | None = None,
) -> Any:
    """Return what mpmath makes of an index expression, sums run as loops.

    `more` says of other kinds of terms what they are, from their data or arguments.
    """

    def of(arg: Scalar) -> Any:
        return number_of(arg, values, names, sizes, more)

    if more is not None and term.kind in more:
        return more[term.kind](term, names)
    match term.kind:
        case "num":
            return mpmath.mpf(term.data.numerator) / term.data.denominator
        case "size":
            return mpmath.mpf(sizes[term.data])
        case "entry":
            name, i, j = term.data
            return values[name][names.get(i, i)][names.get(j, j)]
        case "delta":
            i, j = (names.get(k, k) for k in term.data)
            return mpmath.mpf(i == j)
        case "add":
            return mpmath.fsum(of(arg) for arg in term.args)
        case "mul":
            return mpmath.fprod(of(arg) for arg in term.args)
        case "pow":
            exponent = mpmath.mpf(term.data.numerator) / term.data.denominator
            whole = term.data.denominator == 1
            return of(term.args[0]) ** (int(term.data) if whole else exponent)
        case "fn":
            return NUMPY[term.data](*(of(arg) for arg in term.args))
    index, dim = term.data
    extent = dim if isinstance(dim, int) else sizes[dim]
    return mpmath.fsum(
        number_of(term.args[0], values, {**names, index: k}, sizes, more) for k in range(extent)
    )
