"""A table of programs whose documents are read: networks, cells, layers, determinants."""

from __future__ import annotations

import re
from dataclasses import replace

from derive.catalogue import Entry, load, names
from derive.language.parse import parse

DEEP = (
    "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, h); b2: (1, h); W3: (h, m); T: (n, m); "
    "H1 = tanh(X @ W1 + b1); H2 = sigmoid(H1 @ W2 + b2); Y = H2 @ W3; L = sum((Y - T) ** 2) / n"
)
LSTM = (
    "x: (n, d); h: (n, k); c: (n, k); Wf: (d, k); Uf: (k, k); Wc: (d, k); Uc: (k, k); "
    "f = sigmoid(x @ Wf + h @ Uf); g = tanh(x @ Wc + h @ Uc); C = f * c + (1 - f) * g; "
    "H = f * tanh(C)"
)
RECURRENT = (
    "X: (n, d); H0: (n, h); W: (d, h); U: (h, h); H1 = tanh(X @ W + H0 @ U); "
    "H2 = tanh(X @ W + H1 @ U); L = sum(H2 ** 2) / 2"
)
RESIDUAL = "X: (n, d); W: (d, d); V: (d, d); Z = X @ W; H = X + relu(Z) @ V; L = mean(H ** 2)"
#: By name: a program of the catalogue, or a text.
PROGRAMS = {
    "affine": "affine",
    "attention": "attention",
    "gaussian": "gaussian",
    "layer-norm": "layer-norm",
    "logistic": "logistic-regression",
    "mlp": "mlp",
    "ridge": "ridge-regression",
    "softmax": "softmax-cross-entropy",
    "neuron": "neuron",
    "fruit": "fruit",
    "deep": DEEP,
    "lstm": LSTM,
    "recurrent": RECURRENT,
    "residual": RESIDUAL,
    "inverse": "A: (n, n); Y = inv(A)",
    "solve": "A: (n, n); b: (n, 1); x = inv(A) @ b; L = sum(x ** 2)",
    "log-determinant": "A: (n, n); f = logdet(A)",
    "kron": "A: (n, m); B: (p, q); K = kron(A, B); L = sum(K ** 2) / 2",
    "norm": "x: (n, 1); r = norm(x); L = r ** 3",
    "column": "x: (n, 1); w: (n, 1); z = w.T @ x; y = exp(z); Y = y * x",
    "one": "x: (1, 1); W: (1, m); Y = x @ W",
}


def text_of(program: str) -> str:
    """Return the text of a program of the table."""
    return load(program).program if program in names() else program


def numbered(name: str) -> Entry:
    """Return an entry of which numbers can be worked out: two layers of what is about every number
    of them, and sin for functions that are left open."""
    entry = load(name)
    if entry.recursion is not None and entry.recursion.every:
        entry = load(name, None, {"layers": "2"})
    program = entry.program
    for function in parse(program).functions:
        program = re.sub(rf"\b{function}: entrywise;?\s*", "", program)
        program = re.sub(rf"\b{function}\(", "sin(", program)
    return replace(entry, program=program)
