"""The gradients that textbooks print, as they print them.

Sources: Petersen and Pedersen, The Matrix Cookbook (2012), 2.4 and 2.5; Goodfellow, Bengio and
Courville, Deep Learning (2016), chapters 5 and 6; Boyd and Vandenberghe, Convex Optimization
(2004), A.4. The expected formulas were written from these, not by the program.
"""

import pytest

from derive.calculus.reverse import sweep
from derive.expressions.expr import number
from derive.expressions.shape import Shape
from derive.language.parse import parse
from derive.ops import var
from derive.proof.explain import explain

LEAST_SQUARES = "X: (n, d); w: (d, 1); y: (n, 1); "
TWO_LAYERS = "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); b2: (1, m); Z = X @ W1 + b1; "

TEXTBOOK = {
    # linear models
    "affine": (
        "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B",
        {"X": "dY @ W.T", "W": "X.T @ dY", "B": "sum(dY, axis=0)"},
    ),
    "affine, columns": (
        "W: (m, n); A: (n, s); b: (m, 1); Y = W @ A + b",
        {"W": "dY @ A.T", "A": "W.T @ dY", "b": "sum(dY, axis=1)"},
    ),
    "sigmoid layer, columns": (
        "W: (m, n); A: (n, s); b: (m, 1); Z = W @ A + b; P = sigmoid(Z)",
        {
            "W": "(dP * P * (1 - P)) @ A.T",
            "A": "W.T @ (dP * P * (1 - P))",
            "b": "sum(dP * P * (1 - P), axis=1)",
        },
    ),
    "least squares": (
        LEAST_SQUARES + "L = sum((X @ w - y) ** 2)",
        {"w": "2 * (X.T @ (X @ w - y))"},
    ),
    "mean squares": (
        LEAST_SQUARES + "L = sum((X @ w - y) ** 2) / (2 * n)",
        {"w": "X.T @ (X @ w - y) / n", "y": "(y - X @ w) / n"},
    ),
    "ridge": (
        LEAST_SQUARES + "L = sum((X @ w - y) ** 2) / (2 * n) + lam / 2 * sum(w ** 2)",
        {"w": "X.T @ (X @ w - y) / n + lam * w", "lam": "sum(w ** 2) / 2"},
    ),
    "residual": (
        LEAST_SQUARES + "r = X @ w - y; L = r.T @ r",
        {"w": "2 * (X.T @ r)", "y": "-2 * r"},
    ),
    "logistic regression": (
        LEAST_SQUARES + "z = X @ w; L = sum(softplus(z) - y * z)",
        {"w": "X.T @ (sigmoid(z) - y)", "y": "-z"},
    ),
    "hinge": (
        LEAST_SQUARES + "m = 1 - y * (X @ w); L = sum(max(0, m))",
        {"w": "-(X.T @ ((m > 0) * y))"},
    ),
    "matrix factorisation": (
        "U: (n, k); V: (m, k); R: (n, m); M: (n, m); L = sum(M * (R - U @ V.T) ** 2) / 2",
        {"U": "(M * (U @ V.T - R)) @ V", "V": "(M * (U @ V.T - R)).T @ U"},
    ),
    # forms
    "linear form": ("a: (n, 1); x: (n, 1); L = a.T @ x", {"a": "x", "x": "a"}),
    "bilinear form": (
        "a: (n, 1); b: (m, 1); X: (n, m); L = a.T @ X @ b",
        {"a": "X @ b", "b": "X.T @ a", "X": "a @ b.T"},
    ),
    "its transpose": ("a: (n, 1); b: (m, 1); X: (m, n); L = a.T @ X.T @ b", {"X": "b @ a.T"}),
    "quadratic form": (
        "A: (n, n); x: (n, 1); L = x.T @ A @ x",
        {"x": "(A + A.T) @ x", "A": "x @ x.T"},
    ),
    "square norm": ("x: (n, 1); L = x.T @ x", {"x": "2 * x"}),
    "outer product": ("u: (n, 1); v: (m, 1); Y = u @ v.T", {"u": "dY @ v", "v": "dY.T @ u"}),
    "inner products": ("A: (n, k); B: (m, k); Y = A @ B.T", {"A": "dY @ B", "B": "dY.T @ A"}),
    "attention without its softmax": (
        "Q: (n, k); K: (m, k); V: (m, p); Y = Q @ K.T @ V",
        {"Q": "dY @ V.T @ K", "K": "V @ dY.T @ Q", "V": "K @ Q.T @ dY"},
    ),
    # traces, equations 99 to 119 of the Cookbook
    "tr X": ("X: (n, n); L = tr(X)", {"X": "eye(n)"}),
    "tr XA": ("X: (n, m); A: (m, n); L = tr(X @ A)", {"X": "A.T"}),
    "tr AXB": ("A: (n, m); X: (m, k); B: (k, n); L = tr(A @ X @ B)", {"X": "(B @ A).T"}),
    "tr AX'B": ("A: (n, k); X: (m, k); B: (m, n); L = tr(A @ X.T @ B)", {"X": "B @ A"}),
    "tr X'A": ("A: (n, m); X: (n, m); L = tr(X.T @ A)", {"X": "A"}),
    "tr X²": ("X: (n, n); L = tr(X @ X)", {"X": "2 * X.T"}),
    "tr X'X": ("X: (n, m); L = tr(X.T @ X)", {"X": "2 * X"}),
    "tr X'AX": ("A: (n, n); X: (n, m); L = tr(X.T @ A @ X)", {"X": "(A + A.T) @ X"}),
    "tr XB(XB)'": ("X: (n, m); B: (m, k); L = tr((X @ B) @ (X @ B).T)", {"X": "2 * (X @ B @ B.T)"}),
    "tr XBX'A": (
        "A: (n, n); B: (m, m); X: (n, m); L = tr(X @ B @ X.T @ A)",
        {"X": "A.T @ X @ B.T + A @ X @ B"},
    ),
    "(tr X)²": ("X: (n, n); L = tr(X) ** 2", {"X": "2 * tr(X) * eye(n)"}),
    # sums and norms
    "sum": ("X: (n, d); L = sum(X)", {"X": "ones(n, d)"}),
    "mean": ("X: (n, d); L = mean(X)", {"X": "ones(n, d) / (n * d)"}),
    "sum of squares": ("X: (n, d); L = sum(X ** 2)", {"X": "2 * X"}),
    "norm": ("X: (n, d); L = sqrt(sum(X ** 2))", {"X": "X / L"}),
    "distance": ("X: (n, d); A: (n, d); L = sum((X - A) ** 2) / 2", {"X": "X - A", "A": "A - X"}),
    "l1": ("X: (n, d); L = sum(abs(X))", {"X": "sign(X)"}),
    "log-sum-exp": ("X: (n, d); L = log(sum(exp(X)))", {"X": "exp(X) / sum(exp(X))"}),
    "centring": ("X: (n, d); Y = X - mean(X, axis=0)", {"X": "dY - mean(dY, axis=0)"}),
    "scale and shift": (
        "X: (n, d); g: (1, d); b: (1, d); Y = X * g + b",
        {"X": "dY * g", "g": "sum(dY * X, axis=0)", "b": "sum(dY, axis=0)"},
    ),
    "variance": ("X: (n, d); C = X - mean(X, axis=0); L = sum(C ** 2) / n", {"C": "2 * C / n"}),
    "a column and a row": (
        "u: (n, 1); v: (1, m); Y = u + v",
        {"u": "sum(dY, axis=1)", "v": "sum(dY, axis=0)"},
    ),
    "kullback-leibler": ("P: (n, m); Q: (n, m); L = sum(P * log(P / Q))", {"Q": "-P / Q"}),
    # entrywise
    "square": ("X: (n, d); Y = X * X", {"X": "2 * dY * X"}),
    "twice": ("X: (n, d); Y = X + X", {"X": "2 * dY"}),
    "cube": ("X: (n, d); Y = X ** 3", {"X": "3 * dY * X ** 2"}),
    "reciprocal": ("X: (n, d); Y = 1 / X", {"X": "-dY / X ** 2"}),
    "quotient": ("A: (n, d); B: (n, d); Y = A / B", {"A": "dY / B", "B": "-dY * Y / B"}),
    "mask": ("X: (n, d); M: (n, d); Y = X * M", {"X": "dY * M"}),
    "a scalar twice": ("y = x + x", {"x": "2"}),
    "like terms": ("y = 3 * x ** 2 - x * x", {"x": "4 * x"}),
    "polynomial": ("y = a * x ** 2 + b * x + c", {"a": "x ** 2", "x": "2 * a * x + b", "c": "1"}),
    "gaussian": (
        "x: (n, 1); u: (n, 1); L = exp(-sum((x - u) ** 2) / (2 * s ** 2))",
        {"x": "L * (u - x) / s ** 2", "s": "L * sum((x - u) ** 2) / s ** 3"},
    ),
    # networks
    "two layers, relu, squares": (
        TWO_LAYERS + "T: (n, m); H = relu(Z); Y = H @ W2 + b2; L = sum((Y - T) ** 2) / (2 * n)",
        {
            "W2": "H.T @ (Y - T) / n",
            "b2": "mean(Y - T, axis=0)",
            "W1": "X.T @ ((Y - T) @ W2.T * (Z > 0)) / n",
            "b1": "mean((Y - T) @ W2.T * (Z > 0), axis=0)",
            "X": "((Y - T) @ W2.T * (Z > 0)) @ W1.T / n",
        },
    ),
    **{
        f"two layers, {name}": (
            TWO_LAYERS + f"H = {name}(Z); Y = H @ W2 + b2",
            {
                "W2": "H.T @ dY",
                "b2": "sum(dY, axis=0)",
                "Z": f"dY @ W2.T * {slope}",
                "W1": f"X.T @ (dY @ W2.T * {slope})",
                "b1": f"sum(dY @ W2.T * {slope}, axis=0)",
                "X": f"(dY @ W2.T * {slope}) @ W1.T",
            },
        )
        for name, slope in {
            "tanh": "(1 - H ** 2)",
            "sigmoid": "H * (1 - H)",
            "softplus": "sigmoid(Z)",
            "relu": "(Z > 0)",
            "sin": "cos(Z)",
            "exp": "H",
            "cosh": "sinh(Z)",
            "abs": "sign(Z)",
        }.items()
    },
}


@pytest.mark.parametrize("text, gradients", TEXTBOOK.values(), ids=TEXTBOOK)
def test_a_gradient_reads_as_in_a_textbook(text, gradients):
    found = explain(parse(text), wrt=tuple(gradients), detail="brief").gradients
    assert {name: str(value) for name, value in found.items()} == gradients


def test_a_value_used_twice_gathers_both_gradients():
    X = var("X", Shape("n", "n"))
    g = var("g", Shape("n", "n"))
    found = sweep(X @ X.T, g, [X], X @ X.T)[X]
    assert {rule for rule, _ in found.parts} == {"product-rule-left", "transpose-rule"}
    assert str(found.value) == "g.T @ X + g @ X"


def test_the_sweep_visits_only_what_leads_to_a_wanted_leaf():
    X, W = var("X", Shape("n", "d")), var("W", Shape("d", "m"))
    g = var("g", Shape("n", "m"))
    assert W not in sweep(X @ W, g, [X], X @ W)


def test_a_long_chain_is_swept():
    x = node = var("x", Shape(1, 1))
    for _ in range(150):
        node = node + x
    assert str(sweep(node, number(1), [x], node)[x].value) == "151"
