"""Backward passes written by hand: the right ones pass, a wrong one is told what is wrong."""

from __future__ import annotations

import json
import re
from functools import cache

import numpy as np
import pytest

import derive
from derive.catalogue import load, names
from derive.testing import assert_backward

LINEAR = "X: (n, d); W: (d, m); Y = X @ W"
AFFINE = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
LAYER = "X: (n, d); W: (d, m); Z = X @ W; Y = relu(Z)"
LOSS = "X: (n, d); w: (d, 1); t: (n, 1); L = sum((X @ w - t) ** 2) / (2 * n)"
SCALED = "X: (n, d); c: (); Y = c * X"


def affine(X, W, B, dY):
    return {"X": dY @ W.T, "W": X.T @ dY, "B": dY.sum(axis=0, keepdims=True)}


RIGHT = {
    "by name": (AFFINE, affine, {}),
    "in order": (AFFINE, lambda a, b, c, g: tuple(affine(a, b, c, g).values()), {}),
    "any arguments": (AFFINE, lambda *given: [*affine(*given).values()], {}),
    "by dW": (AFFINE, lambda X, dY: {"dW": X.T @ dY}, {"wrt": ["W"]}),
    "one array": (AFFINE, lambda X, dY: X.T @ dY, {"wrt": ["W"]}),
    "none for the data": (LOSS, lambda X, w, t: (None, X.T @ (X @ w - t) / len(X), None),
                          {"wrt": ["w"]}),
    "an intermediate": (LAYER, lambda X, Z, dY: X.T @ (dY * (Z > 0)), {"wrt": ["W"]}),
    "its gradient": (LAYER, lambda X, dZ: X.T @ dZ, {"wrt": ["W"]}),
    "a scalar": (SCALED, lambda X, c, dY: {"X": c * dY, "c": np.sum(X * dY)}, {}),
    "a number of Python": (SCALED, lambda X, c, dY: {"X": c * dY, "c": float((X * dY).sum())}, {}),
    "a loss": (LOSS, lambda X, w, t, eps=0: X.T @ (X @ w - t) / len(X), {"wrt": ["w"]}),
    "single precision": (AFFINE, affine, {"dtype": "float32"}),
    "sizes": (AFFINE, affine, {"at": {"n": 7}}),
    "an assumption": ("A: (n, n); f = tr(A @ A)", lambda A: 2 * A, {"assume": {"A": "symmetric"}}),
    "the catalogue": ("affine", affine, {}),
    "a convention at kinks is not asked": ("X: (n, d); Y = abs(X)",
                                           lambda X, dY: dY * np.sign(X + (X == 0)), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_backward_passes(case):
    program, function, options = RIGHT[case]
    assert assert_backward(function, program, **options) is None


def raises(*_):
    raise ValueError("no such axis")


#: What is wrong, and what is said of it.
WRONG = {
    "transpose": (LINEAR, lambda X, dY: dY.T @ X, "W",
                  "dW has the shape (4, 3), (3, 4) expected as W has, at n = 2, d = 3, m = 4\n"
                  "  it is the transpose of the gradient"),
    "scale": (LINEAR, lambda X, dY: X.T @ dY / len(X), "W",
              "agrees with dW = X.T @ dY / n\n"
              "  true is dW = X.T @ dY; yours divides by n once too often"),
    "sign": (LINEAR, lambda X, dY: -X.T @ dY, "W",
             "agrees with dW = -(X.T @ dY)\n  true is dW = X.T @ dY; yours has the wrong sign"),
    "mean for sum": (AFFINE, lambda dY: dY.mean(axis=0, keepdims=True), "B",
                     "agrees with dB = mean(dY, axis=0)\n"),
    "mask": (LAYER, lambda X, Z, dY: X.T @ (dY * (Z < 0)), "W",
             "agrees with dW = X.T @ (dY * (0 > Z))"),
    "no mask": (LAYER, lambda X, dY: X.T @ dY, "W", "agrees with dW = X.T @ dY\n"),
    "factor": (LOSS, lambda X, w, t: 2 * X.T @ (X @ w - t) / len(X), "w",
               "agrees with dw = 2 * (X.T @ (X @ w - t) / n)\n"),
    "in a part": (LINEAR, lambda X, dY: X.T @ dY + 0.5 * (len(X) > 3), "W",
                  "the gradient is dW = X.T @ dY"),
    "a single entry": (LINEAR, lambda X, dY: X.T @ dY * (1 + np.eye(X.shape[1], dY.shape[1])), "W",
                       "dW is wrong\n  at n = 1, d = 1, m = 1: X = 1, "),
    "not a number": (LINEAR, lambda X, dY: X.T @ dY / 0.0, "W", "the function returns "),
    "an axis is lost": (AFFINE, lambda dY: dY.sum(axis=0), "B",
                        "dB has the shape (4,), (1, 4) expected as B has, at n = 2, d = 3, m = 4\n"
                        "  the numbers are right: reshape it to (1, 4)"),
    "summed too far": (AFFINE, lambda dY: dY.sum(), "B", "dB has the shape (), (1, 4) expected"),
    "precision": (LINEAR, lambda X, dY: (X.T @ dY).astype("float32"), "W",
                  "dW has the dtype float32, float64 expected as what is given"),
    "whole numbers": (LINEAR, lambda X, dY: (X.T @ dY).astype(int), "W", "dW has the dtype int64"),
    "complex": (LINEAR, lambda X, dY: X.T @ dY + 1j, "W", "dW has the dtype complex128"),
    "nothing": (LINEAR, lambda X, dY: None, "W", "the function returns None, dW expected"),
    "nothing for one": (LINEAR, lambda X, dY: {"W": None}, "W", "dW is None"),
    "no array": (LINEAR, lambda X, dY: {"W": "X.T @ dY"}, "W",
                 "dW is str, an array of numbers expected"),
    "ragged": (LINEAR, lambda X, dY: {"W": [[1.0], [1.0, 2.0]]}, "W", "dW is list, an array of"),
    "too few": (AFFINE, lambda X, W, B, dY: (dY @ W.T, X.T @ dY), None,
                "the function returns 2 arrays, dX, dW and dB expected"),
    "one is missing": (AFFINE, lambda X, W, dY: {"X": dY @ W.T, "W": X.T @ dY}, None,
                       "the function returns no dB"),
    "a name that is none": (LINEAR, lambda X, dY: {"w": X.T @ dY}, "W",
                            "the function returns 'w', dW expected"),
    "it fails": (LINEAR, raises, "W",
                 "the function fails with ValueError: no such axis\n"
                 "  given X (2, 3), W (3, 4), dY (2, 4)"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_backward_is_told_why(case):
    program, function, wrt, expected = WRONG[case]
    with pytest.raises(AssertionError) as caught:
        assert_backward(function, program, wrt=wrt and [wrt])
    assert expected in str(caught.value)


def test_what_a_counterexample_says_is_so():
    """The numbers of the message are put into the gradient and the function again."""
    with pytest.raises(AssertionError) as caught:
        assert_backward(lambda X, W, dY: (dY @ W.T, X.T @ dY * (X.T @ dY > 0)), LINEAR)
    told = str(caught.value)
    found = re.search(r"n = \d, d = \d, m = \d: X = (.*), W = .*, dY = (.*)\n", told)
    X, dY = (np.array(json.loads(x), dtype=float, ndmin=2) for x in found.groups())
    at, true, said = re.search(
        r"dW(?:\[(.*)\])? is (.*), the function returns (.*)\n", told
    ).groups()
    right = X.T @ dY
    wrong = right * (right > 0)
    i, j = map(int, at.split(",")) if at else (0, 0)
    assert (right[i, j], wrong[i, j]) == (float(true), float(said)) and float(true) != float(said)


REFUSED = {
    "names": (lambda a, b: a, LINEAR, {}, "the function takes a and b, which are not values"),
    "a library": (affine, AFFINE, {"library": "fortran"}, "there is no library 'fortran'"),
    "an open function": (affine, "X: (n, d); g: entrywise; Y = g(X)", {}, "g is any function"),
    "a program": (affine, "Y = ", {}, "the text ends too early"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_question_is_refused(case):
    function, program, options, message = REFUSED[case]
    with pytest.raises(derive.DeriveError, match=message):
        assert_backward(function, program, **options)


# -- libraries -------------------------------------------------------------------------------------

#: Entries whose code is its own test: kinks, hypotheses, several statements.
ENTRIES = ("mlp", "huber", "log-determinant")


@cache
def generated(program: str, library: str):
    space: dict = {}
    exec(derive.gradient(program, code=library), space)
    return space["gradients"]


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_generated_code_passes(entry, library):
    pytest.importorskip(library)
    assert entry in names()
    precision = "float32" if library == "jax" else "float64"
    tolerance = 1e-2 if library == "jax" else None
    assert_backward(
        generated(entry, library), load(entry), library=library, dtype=precision,
        tolerance=tolerance,
    )  # fmt: skip


def test_a_function_of_torch():
    torch = pytest.importorskip("torch")

    class Layer(torch.autograd.Function):
        scale = 1.0

        @staticmethod
        def forward(ctx, X, W):
            ctx.save_for_backward(X, W)
            return torch.relu(X @ W)

        @staticmethod
        def backward(ctx, g):
            X, W = ctx.saved_tensors
            g = g * (X @ W > 0)
            return g @ W.T, Layer.scale * X.T @ g

    assert_backward(Layer, LAYER, library="torch")
    Layer.scale = -1.0
    with pytest.raises(AssertionError, match="yours has the wrong sign"):
        assert_backward(Layer, LAYER, library="torch")
