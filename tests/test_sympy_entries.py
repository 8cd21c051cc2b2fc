"""Written-out matrices are held against SymPy's own derivatives: no rule of ours is asked."""

from __future__ import annotations

import pytest
import sympy

import derive

SIZES = {"n": 2, "d": 2, "m": 3}
#: Programs that use every kind of definition: sums, functions, masks, extrema, inverses, views.
PROGRAMS = {
    "affine": "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B",
    "loss": "X: (n, d); w: (d, 1); t: (n, 1); L = sum((X @ w - t) ** 2) / (2 * n)",
    "functions": "X: (n, d); Y = sigmoid(X) * tanh(X) + exp(-X) / 3 + log(X) - normcdf(X)",
    "masks": "X: (n, d); W: (d, m); Z = X @ W; Y = relu(Z)",
    "softmax": "X: (n, d); Y = softmax(X)",
    "inverse": "A: (n, n); Y = inv(A)",
    "determinant": "A: (n, n); L = logdet(A)",
    "norm": "x: (d, 1); L = norm(x)",
    "scalar": "X: (n, d); c: (); Y = c * X.T",
    "kronecker": "A: (n, d); B: (1, m); Y = kron(A, B)",
    "open function": "X: (n, d); g: entrywise; Y = g(2 * X)",
    "names and numbers": "X: (n, d); X_1: (); Y = X_1 * X / n",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_gradient_is_the_derivative_that_sympy_takes(name):
    proof = derive.prove(PROGRAMS[name], detail="brief")
    program = proof.derivation.program
    at = {dim: SIZES[dim] for dim in program.dims}
    Y, dY = (proof.entries(f"{mark}{program.output}", at) for mark in ("", "d"))
    symbols = sorted({*Y.free_symbols, *dY.free_symbols}, key=str)
    loss = sum(y * g for y, g in zip(Y, dY, strict=True))
    for variable in proof.gradients:
        X, dX = proof.entries(variable, at), proof.entries(f"d{variable}", at)
        assert X.shape == dX.shape
        for x, found in zip(X, dX, strict=True):
            assert isinstance(x, sympy.Symbol)
            slope = sympy.diff(loss, x)
            assert is_zero(slope - found, symbols) and not is_zero(slope - 2 * found, symbols)


def is_zero(expr: sympy.Expr, symbols: list[sympy.Symbol]) -> bool:
    """Whether a difference is zero, as SymPy sees it or at a point of no special kind."""
    point = {x: sympy.Rational(7 * k * k + 3, 2 * k + 11) / 9 for k, x in enumerate(symbols)}
    left = expr.doit()
    return left == 0 or ((left := left.subs(point).evalf(30)).is_number and abs(left) < 1e-20)


def test_entries_are_those_of_a_hand():
    names = "A_1,1", "A_1,2", "A_2,1", "A_2,2"
    a, b, c, d = (sympy.Symbol(name, real=True) for name in names)
    proof = derive.prove("A: (n, n); Y = det(A) * A", detail="brief")
    expected = (a * d - b * c) * sympy.Matrix([[a, b], [c, d]])
    assert (proof.entries("Y", {"n": 2}) - expected).expand().is_zero_matrix


REFUSED = {
    "a name": ("affine", "dw", None, "there is no dw: did you mean dW"),
    "a size": ("affine", "Y", {"k": 2}, "k"),
    "layers": ("deep-network", "Y", None, "entries are written for one number of layers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_there(case):
    program, name, at, message = REFUSED[case]
    with pytest.raises(derive.DeriveError, match=message):
        derive.prove(program, detail="brief").entries(name, at)
