"""Calls as NumPy and PyTorch write them: what they come to there, and what is refused."""

import numpy as np
import pytest

import derive
from derive.expressions.errors import ParseError
from derive.language.parse import parse

DECLARED = "X: (n, d); Y: (n, d); A: (n, n); W: (d, m); b: (1, d); c: (n, 1); s: ()"
VALUES = {
    "X": [[1.5, -0.5, 2.0], [0.25, 1.0, -1.0]],
    "Y": [[1.0, 2.0, 0.5], [3.0, 1.5, 2.5]],
    "A": [[2.0, 1.0], [0.5, 3.0]],
    "W": [[1.0, -1.0], [0.5, 2.0], [-1.5, 1.0]],
    "b": [[1.0, -2.0, 0.5]],
    "c": [[1.0], [2.0]],
    "s": [[0.75]],
}
ARRAYS = {name: np.array(value) for name, value in VALUES.items()}


def value_here(formula: str) -> np.ndarray:
    """What a formula comes to, by the definitions of the language."""
    found = derive.graph(f"{DECLARED}; Q = {formula}", values={**VALUES, "s": 0.75}).forward["Q"]
    rows = found if isinstance(found, list) else [[found]]
    return np.array([[float(x) for x in row] for row in rows])


NUMPY = [
    "np.prod(X, axis=0, keepdims=True)", "np.prod(X)", "np.cumsum(X, axis=1)", "np.outer(c, b)",
    "np.exp(X)", "numpy.tanh(X)", "np.abs(X)", "np.absolute(X)", "np.sign(X)", "np.sqrt(Y)",
    "np.sum(X)", "np.sum(X, axis=0, keepdims=True)", "np.sum(X, 1, keepdims=True)",
    "np.sum(X, axis=-1, keepdims=True)", "np.mean(X, axis=-2, keepdims=True)", "np.mean(X)",
    "np.sum(X, axis=(0, 1))", "np.max(X, axis=1, keepdims=True)", "np.amin(X)",
    "X.sum()", "X.mean(axis=0, keepdims=True)", "(X * Y).sum(axis=1, keepdims=True)",
    "X.max(1, keepdims=True)", "X - X.mean(axis=0, keepdims=True)", "X.T.sum()",
    "np.maximum(X, 0)", "np.minimum(X, Y)", "np.where(X > 0, X, Y)", "np.matmul(X, W)",
    "np.dot(X, W)", "X.dot(W)", "X.transpose()", "np.transpose(X)", "X.T @ X.transpose(1, 0).T",
    "np.linalg.inv(A)", "np.linalg.det(A)", "np.linalg.norm(X)", "np.trace(A)", "A.trace()",
    "np.square(X)", "np.power(X, 3)", "np.multiply(X, Y)", "np.add(X, b)", "np.subtract(X, c)",
    "np.divide(X, Y)", "np.true_divide(X, Y)", "np.negative(X)", "np.reciprocal(Y)",
    "np.log1p(Y)", "np.expm1(X)", "np.clip(X, -0.5, 1)", "np.greater(X, Y)", "np.less_equal(X, Y)",
    "np.kron(A, X)", "np.ones((2, 3))", "np.zeros((2, 3)) + X", "np.eye(2) @ X",
    "-np.log(Y) * 2 - np.sum(np.exp(-X ** 2), axis=1, keepdims=True)",
    "np.exp(X) / np.sum(np.exp(X), axis=1, keepdims=True)",
    "X @ (W - np.mean(W, axis=0, keepdims=True))", "s * np.cos(X) + np.sin(s)",
]  # fmt: skip


@pytest.mark.parametrize("formula", NUMPY)
def test_numpy_is_read_as_numpy_means_it(formula):
    if "2, 3" in formula or "eye(2)" in formula:  # sizes by their words
        own = formula.replace("(2, 3)", "(n, d)").replace("eye(2)", "eye(n)")
    else:
        own = formula
    expected = np.atleast_2d(eval(formula, {"np": np, "numpy": np, **ARRAYS, "s": 0.75}))
    assert value_here(own).shape == expected.shape
    assert np.allclose(value_here(own), expected, rtol=1e-12)


TORCH = [
    "torch.relu(X)", "F.relu(X)", "torch.sigmoid(X)", "F.softmax(X, dim=1)", "F.softmax(X, -1)",
    "torch.softmax(X, dim=0)", "X.softmax(dim=1)", "F.log_softmax(X, dim=1)", "F.softplus(X)",
    "F.leaky_relu(X, 0.1)", "F.elu(X)", "torch.cumsum(X, dim=0)", "X.cumsum(1)",
    "F.silu(X)", "F.gelu(X)", "X.sum()", "X.sum(dim=1, keepdim=True)", "X.mean(0, keepdim=True)",
    "X.amax(dim=1, keepdim=True)", "torch.max(X, Y)", "torch.max(X)", "torch.mm(X, W)",
    "X.t()", "torch.t(X)", "X.exp()", "X.pow(2)", "X.square()", "torch.det(A)", "torch.logdet(A)",
    "torch.linalg.inv(A)", "torch.logsumexp(X, dim=1, keepdim=True)", "torch.clamp(X, min=0)",
    "X.clamp(max=0.5)", "torch.where(X > 0, X, Y)", "torch.trace(A)", "torch.neg(X).abs()",
    "torch.nn.functional.relu(X)", "torch.mul(X, Y)", "X.matmul(W).relu()",
    "torch.transpose(X, 0, 1)",
]  # fmt: skip


@pytest.mark.parametrize("formula", TORCH)
def test_torch_is_read_as_torch_means_it(formula):
    torch = pytest.importorskip("torch")
    names = {k: torch.tensor(v, dtype=torch.float64) for k, v in VALUES.items()}
    import torch.nn.functional as F

    expected = np.atleast_2d(eval(formula, {"torch": torch, "F": F, **names}).numpy())
    assert value_here(formula).shape == expected.shape
    assert np.allclose(value_here(formula), expected, rtol=1e-12)


OWN = [
    ("softmax(X, axis=0)", "softmax(X.T).T"),
    ("softmax(X, axis=1)", "softmax(X)"),
    ("softmax(X, axis=-1)", "softmax(X)"),
    ("logsumexp(X, axis=0)", "logsumexp(X.T).T"),
    ("sum(X, axis=0, keepdims=True)", "sum(X, axis=0)"),
    ("sum(X, axis=0)", "sum(X, axis=0)"),
    ("max(X, axis=-1)", "max(X, axis=1)"),
    ("jax.nn.softmax(X)", "softmax(X)"),
    ("jax.nn.gelu(X, approximate=False)", "gelu(X)"),
    ("jnp.exp(X)", "exp(X)"),
    ("scipy.special.expit(X)", "sigmoid(X)"),
]


@pytest.mark.parametrize("formula, meant", OWN)
def test_the_language_has_axes_too(formula, meant):
    read = [parse(f"{DECLARED}; Q = {text}").statements[0].expr for text in (formula, meant)]
    assert read[0] is read[1]


REFUSED = [
    ("np.sum(X, axis=0)", "np.sum drops the axis", "add keepdims=True"),
    ("X.sum(axis=0)", ".sum drops the axis", "add keepdims=True"),
    ("X.sum(dim=1)", ".sum drops the axis", "add keepdim=True"),
    ("X.sum(1)", ".sum drops the axis", "add keepdims=True"),
    ("np.sum(X, axis=0, keepdims=False)", "np.sum drops the axis", "keepdims=True"),
    ("torch.logsumexp(X, dim=1)", "drops the axis", "keepdim=True"),
    ("X.max(dim=1)", "gives places as well", "write amax"),
    ("torch.max(X, 1)", "gives places as well", "write amax"),
    ("F.softmax(X)", "needs to know along which axis", "dim=1"),
    ("scipy.special.softmax(X)", "needs to know along which axis", "dim=1"),
    ("jax.nn.gelu(X)", "an approximation by default", "approximate=False"),
    ("F.gelu(X, approximate='tanh')", "another function", None),
    ("np.diag(c)", "np.diag is not in the language", "diag(v)"),
    ("X.transpose(0, 1)", "exchanges the two axes", "write X.T"),  # NumPy: X itself
    ("np.tanhh(X)", "did you mean tanh", None),
    ("np.exp(X, out=Y)", "takes no option out", None),
    ("np.exp(*X)", "takes no starred arguments", None),
    ("np.ones(3)", "two dimensions", "ones((n, 1))"),
    ("np.linalg.norm(X, axis=1)", "takes no option axis", None),
    ("Q2.sum()", "Q2 has no shape", "libraries are np"),
    ("softmax(X, axis=2)", "the axis is 0", None),
    ("np.random.randn(2, 3)", "", None),
    ("np.linalg", "", None),
]


@pytest.mark.parametrize("formula, message, hint", REFUSED)
def test_what_has_no_meaning_is_told_what_to_write(formula, message, hint):
    with pytest.raises(ParseError) as caught:
        parse(f"{DECLARED}; Q = X + {formula}")
    assert message in caught.value.message and (hint or "") in (caught.value.hint or "")
    assert caught.value.place is not None and caught.value.place.column > len(DECLARED)


def test_a_backward_pass_as_it_is_pasted():
    program = """
        X: (n, d); W: (d, k); T: (n, k)
        Z = np.matmul(X, W)
        S = np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True)
        L = -np.sum(T * np.log(S)) / n
    """
    (found,) = derive.check(program, "dW = X.T.dot(S * T.sum(axis=1, keepdims=True) - T) / n")
    assert found, found


def test_a_variable_may_be_called_as_a_library_is():
    assert derive.gradient("F: (n, d); L = F.sum()") == {"F": "ones(n, d)"}
