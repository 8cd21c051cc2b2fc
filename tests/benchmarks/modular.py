"""The modular judge, timed: an affine layer's three gradients against the products they contain.

Run `python tests/benchmarks/modular.py [SIZE]`. The claims dX = dY @ W.T, dW = X.T @ dY and
dB = sum(dY, axis=0) are judged at n = d = m = SIZE, 512 if none is given, from a fresh start each
time: text, points and verdicts. The baseline is NumPy's float64 evaluation of the three right-hand
sides. Rounds of both alternate within this run, and the best of each is compared; nothing is
asserted.
"""

from __future__ import annotations

import sys
from time import perf_counter

import numpy as np

from derive.judges.modular import Judge, agrees_modulo
from derive.language.parse import parse, parse_claim
from derive.ops import var

PROGRAM = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
CLAIMS = ("dX = dY @ W.T", "dW = X.T @ dY", "dB = sum(dY, axis=0)")
ROUNDS = 15


def read():
    """Return the program, and the claims as names and expressions."""
    program = parse(PROGRAM)
    upstream = var("dY", program.output.shape)
    leaves = {**program.leaves, "dY": upstream}
    claims = [parse_claim(text, leaves, program.dims) for text in CLAIMS]
    return program, [(target[1:], expr) for target, expr in claims]


def together(size: int) -> bool:
    """Judge the three claims at one point."""
    program, claims = read()
    judge = Judge(program, dict.fromkeys("ndm", size))
    return all(judge.agrees(name, expr).agrees for name, expr in claims)


def apart(size: int) -> bool:
    """Judge the three claims, each at a point of its own."""
    program, claims = read()
    sizes = dict.fromkeys("ndm", size)
    return all(agrees_modulo(program, name, expr, sizes).agrees for name, expr in claims)


def main(size: int) -> None:
    random = np.random.default_rng(0)
    X, W, dY = (random.standard_normal((size, size)) for _ in range(3))
    roads = {
        "three products, NumPy float64": lambda: (dY @ W.T, X.T @ dY, dY.sum(0)),
        "three claims at one point": lambda: together(size),
        "three claims, a point each": lambda: apart(size),
    }
    best = dict.fromkeys(roads, float("inf"))
    for _ in range(ROUNDS):
        for name, work in roads.items():
            start = perf_counter()
            assert work()
            best[name] = min(best[name], perf_counter() - start)
    baseline = next(iter(best.values()))
    print(f"n = d = m = {size}, best of {ROUNDS} rounds")
    for name, seconds in best.items():
        print(f"{name:32} {seconds * 1e3:9.1f} ms {seconds / baseline:8.2f} times the products")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
