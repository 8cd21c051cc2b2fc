"""Course programs, timed: `derive prove` with its default options, both formats, in CPU time.

Run `python tests/benchmarks/courses.py`, or with names of programs. Every ratio is to the CPU time
of `import sympy, jinja2` in the same run, the least of three; `python -c pass` is printed beside
it. With `--against PATH` the ratios are to another checkout. What is refused, or takes longer than
`LIMIT` seconds of a core, is reported as such; nothing is asserted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from against import LIMIT, compare, cpu

CELL = "X: (n, d); H0: (n, h)"


def gate(letter: str, function: str, hidden: str = "H0") -> str:
    """Return a gate of a cell, with its weights declared."""
    weights = f"W{letter}: (d, h); U{letter}: (h, h); b{letter}: (1, h)"
    return f"{weights}; {letter} = {function}(X @ W{letter} + {hidden} @ U{letter} + b{letter})"


def network(layers: int, activation: str) -> str:
    """Return a network of some layers under the squared error."""
    dims = ["d", *(f"h{k}" for k in range(1, layers)), "m"]
    text, before = ["X: (n, d); T: (n, m)"], "X"
    for k in range(1, layers + 1):
        text.append(f"W{k}: ({dims[k - 1]}, {dims[k]}); b{k}: (1, {dims[k]})")
        text.append(f"Z{k} = {before} @ W{k} + b{k}")
        before = f"Z{k}" if k == layers else f"A{k}"
        if k < layers:
            text.append(f"A{k} = {activation}(Z{k})")
    return "; ".join([*text, f"L = sum(({before} - T) ** 2) / n"])


ATTENTION = (
    "X: (n, d); Wq: (d, k); Wk: (d, k); Wv: (d, v); Q = X @ Wq; K = X @ Wk; V = X @ Wv; "
    "S = Q @ K.T / sqrt(k); A = softmax(S); Y = A @ V"
)
LAYER_NORM = (
    "mu{0} = mean({1}, axis=1); C{0} = {1} - mu{0}; v{0} = mean(C{0} ** 2, axis=1); "
    "N{0} = C{0} / sqrt(v{0} + 1 / 1000)"
)
PROGRAMS = {
    "affine layer": "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B",
    "linear regression": "X: (n, d); w: (d, 1); y: (n, 1); r = X @ w - y; L = sum(r ** 2) / n",
    "ridge regression": (
        "X: (n, d); w: (d, 1); y: (n, 1); L = sum((X @ w - y) ** 2) / n + lam * sum(w ** 2)"
    ),
    "logistic regression": (
        "X: (n, d); w: (d, 1); y: (n, 1); p = sigmoid(X @ w); "
        "L = -sum(y * log(p) + (1 - y) * log(1 - p)) / n"
    ),
    "softmax cross-entropy": (
        "X: (n, d); W: (d, k); T: (n, k); Z = X @ W; P = softmax(Z); L = -sum(T * log(P)) / n"
    ),
    "hinge loss": (
        "X: (n, d); w: (d, 1); y: (n, 1); L = sum(max(1 - y * (X @ w), 0)) / n + sum(w ** 2)"
    ),
    "LSTM cell": "; ".join((
        CELL, "C0: (n, h)", gate("i", "sigmoid"), gate("f", "sigmoid"), gate("o", "sigmoid"),
        gate("g", "tanh"), "C = f * C0 + i * g; H = o * tanh(C)",
    )),
    "GRU cell": "; ".join((
        CELL, gate("z", "sigmoid"), gate("r", "sigmoid"), gate("c", "tanh", "(r * H0)"),
        "H = (1 - z) * H0 + z * c",
    )),
    "recurrence of three steps": (
        "X1: (n, d); X2: (n, d); X3: (n, d); H0: (n, h); W: (d, h); U: (h, h); b: (1, h); "
        "H1 = tanh(X1 @ W + H0 @ U + b); H2 = tanh(X2 @ W + H1 @ U + b); "
        "H3 = tanh(X3 @ W + H2 @ U + b)"
    ),
    "three layers, tanh": network(3, "tanh"),
    "six layers, relu": network(6, "relu"),
    "six layers, tanh": network(6, "tanh"),
    "six layers, sigmoid": network(6, "sigmoid"),
    "attention": ATTENTION,
    "transformer block": "; ".join((
        "X: (n, d); Wq: (d, k); Wk: (d, k); Wv: (d, d); Q = X @ Wq; K = X @ Wk; V = X @ Wv",
        "S = Q @ K.T / sqrt(k); A = softmax(S); R = X + A @ V", LAYER_NORM.format(1, "R"),
        "W1: (d, h); b1: (1, h); W2: (h, d); b2: (1, d); F = relu(N1 @ W1 + b1)",
        "Y = N1 + F @ W2 + b2",
    )),
    "layer norm": f"X: (n, d); g: (1, d); b: (1, d); {LAYER_NORM.format('', 'X')}; Y = g * N + b",
    "batch norm": (
        "X: (n, d); g: (1, d); b: (1, d); mu = mean(X, axis=0); C = X - mu; "
        "v = mean(C ** 2, axis=0); N = C / sqrt(v + 1 / 1000); Y = g * N + b"
    ),
    "batch norm, Bessel": (
        "X: (n, d); mu = mean(X, axis=0); C = X - mu; v = sum(C ** 2, axis=0) / (n - 1); "
        "Y = C / sqrt(v + 1 / 1000)"
    ),
    "Gaussian log-likelihood": (
        "X: (n, d); mu: (1, d); S: (d, d); C = X - mu; "
        "L = -n * logdet(S) / 2 - sum((C @ inv(S)) * C) / 2"
    ),
    "Gaussian of a precision": (
        "X: (n, d); mu: (1, d); P: (d, d); C = X - mu; "
        "L = n * logdet(P) / 2 - sum((C @ P) * C) / 2"
    ),
    "autoencoder": (
        "X: (n, d); W: (d, h); V: (h, d); H = sigmoid(X @ W); R = H @ V; L = sum((R - X) ** 2) / n"
    ),
    "matrix factorisation": (
        "R: (n, m); U: (n, k); V: (m, k); L = sum((R - U @ V.T) ** 2) + sum(U ** 2) + sum(V ** 2)"
    ),
    "mixture of experts": (
        "X: (n, d); G: (d, 2); W1: (d, m); W2: (d, m); P = softmax(X @ G); "
        "a = P @ ones(2, 1); Y = a * (X @ W1) + tanh(X @ W2)"
    ),
    "contrastive loss": (
        "A: (n, d); B: (n, d); S = A @ B.T; P = logsoftmax(S); L = -tr(P) / n"
    ),
    "variational bound": (
        "M: (n, k); V: (n, k); E: (n, k); W: (k, d); X: (n, d); Z = M + exp(V / 2) * E; "
        "L = sum((Z @ W - X) ** 2) / 2 + sum(M ** 2 + exp(V) - V - 1) / 2"
    ),
}  # fmt: skip


def main(words: Sequence[str]) -> None:
    if words[:1] == ["--against"]:
        _, path, *names = words
        works = {name: ["-m", "derive", "prove", PROGRAMS[name]] for name in names or PROGRAMS}
        compare(works, Path(path).resolve(), rounds=1)
        return
    bare = min(cpu(["-c", "pass"])[0] for _ in range(3))
    imports = min(cpu(["-c", "import sympy, jinja2"])[0] for _ in range(3))
    print(f"python -c pass {1000 * bare:.0f} ms, import sympy, jinja2 {1000 * imports:.0f} ms")
    print(f"{'CPU time of derive prove, both formats':40} {'seconds':>8} {'ratio':>7}")
    spent: dict[str, float] = {}
    refused = []
    with tempfile.TemporaryDirectory() as folder:
        for name in words or PROGRAMS:
            seconds, status, said = cpu(["-m", "derive", "prove", PROGRAMS[name], "-o", folder])
            spent[name] = seconds
            word = "" if status == 0 else said or f"ended after {LIMIT} s"
            if status:
                refused.append(name)
            print(f"{name:40} {seconds:8.2f} {seconds / imports:7.1f}  {word[:90]}", flush=True)
    slowest = sorted(spent, key=spent.__getitem__, reverse=True)[:10]
    print("\nthe ten slowest, in times of the imports:")
    for name in slowest:
        mark = " (refused)" if name in refused else ""
        print(f"  {name}: {spent[name] / imports:.1f}{mark}")
    print(f"{len(spent) - len(refused)} of {len(spent)} proved")


if __name__ == "__main__":
    main(sys.argv[1:])
