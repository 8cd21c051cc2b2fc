"""The reference cases, line by line: each derivation that lecture notes hold has a name, and its
facts are proved.

A row quotes what notes say, names the entry and says it as claims, which are judged by the entry's
definitions; rows with numbers are worked out. What the catalogue calls true elsewhere is not asked.
"""

import pytest

import derive
from derive.catalogue import load, names
from derive.judges.entries import opened
from derive.proof.verdict import EVERY_SHAPE

#: Affine layer, entry by entry: what is said, at which sizes, and what the page shows.
AFFINE = [
    ("Y written out", "n=2,d=2,m=3", r"x_{11}w_{11} + x_{12}w_{21} + b_{1}"),
    ("a 2×3 matrix of partials", "n=2,d=2,m=3", r"\frac{\partial L}{\partial y_{23}}"),
    ("row 1 is that of W, row 2 zero", "n=2,d=2,m=3", "w_{11} & w_{12} & w_{13} \\\\\n0 & 0"),
    ("the double sum", "n=2,d=2,m=3", r"\sum_{i = 1}^{2} \sum_{j = 1}^{3}"),
    ("δ-notation", "n=2,d=2,m=3", r"\delta_{ia}\delta_{kc}"),
    ("1×1", "n=1,d=1,m=1", r"\frac{\partial L}{\partial"),
    ("n×1", "n=3,d=1,m=2", r"\frac{\partial L}{\partial"),
    ("squares", "n=3,d=3,m=3", r"\frac{\partial L}{\partial"),
]  # fmt: skip

LAYER = ["dW = dZ @ A.T", "dA = W.T @ dZ", "db = sum(dZ, axis=1)"]
ATTENTION = ["dV = P.T @ dY", "dQ = (P * (dP - sum(P * dP, axis=1))) @ K / sqrt(d)",
             "dK = (P * (dP - sum(P * dP, axis=1))).T @ Q / sqrt(d)"]  # fmt: skip
#: What notes say, the entry with what is chosen of it, and the same as claims.
CLAIMS = [
    # A layer in column convention, and a network of L layers.
    ("∂J/∂W = ∂J/∂Z Aᵀ, ∂J/∂A = Wᵀ ∂J/∂Z, ∂J/∂b sums", "affine-columns", {}, LAYER),
    ("the same in the other convention", "affine", {}, ["dW = X.T @ dY", "dB = sum(dY, axis=0)"]),
    ("A' = sigmoid(Z)", "columns", {}, [*LAYER, "dZ = dP * P * (1 - P)"]),
    ("unspecified differentiable g", "deep-network", {}, ["dZ = dH * g.diff(Z)", "dX = W.T @ dZ"]),
    *((f"for {g}", "deep-network", {"activation": g}, ["dW = dZ @ X.T", f"dZ = dH * {slope}"])
      for g, slope in (("sigmoid", "H * (1 - H)"), ("tanh", "(1 - H ** 2)"), ("relu", "(Z > 0)"))),
    ("for given widths, 4-5-3-1", "mlp", {"widths": "4,5,3,1", "activation": "tanh"},
     ["dH2 = dZ3 @ W3.T", "dZ2 = dH2 * (1 - H2 ** 2)", "dW1 = X.T @ dZ1"]),
    ("in columns", "mlp", {"widths": "4,5,3,1", "convention": "columns"},
     ["dH2 = W3.T @ dZ3", "dZ2 = dH2 * (Z2 > 0)", "dW1 = dZ1 @ X.T"]),
    # The chain rule on scalars.
    ("z = 3y, y = x²: 3 · 2x = 6x", "chain-rule", {}, ["dx = 3 * 2 * x", "dx = 6 * x"]),
    ("z = t², t = x + y: 2t · 1", "square-of-sum", {}, ["dx = 2 * t * 1", "dy = 2 * (x + y)"]),
    # What the trade needs beyond one layer.
    ("(S·rowsum(T) − T)/N", "softmax-cross-entropy-weights", {},
     ["dZ = (S * sum(T, axis=1) - T) / n"]),
    ("(S − T)/N where rows sum to one", "softmax-cross-entropy", {}, ["dZ = (softmax(Z) - T) / n"]),
    ("(S − T)/N, one-hot", "softmax-cross-entropy-one-hot", {}, ["dZ = (S - T) / n"]),
    ("logistic regression", "logistic-regression", {}, ["dw = X.T @ (sigmoid(z) - t) / n"]),
    ("softmax regression with L2 penalty", "softmax-regression-l2", {},
     ["dW = X.T @ (P - T) / n + lam * W"]),
    ("mean squared error", "squared-error", {}, ["dY = (Y - T) / n"]),
    ("ridge regression", "ridge-regression", {}, ["dw = X.T @ (X @ w - y) / n + lam * w"]),
    ("two-layer perceptron with ReLU, all gradients", "mlp", {},
     ["dW2 = H1.T @ dZ2", "db2 = sum(dZ2, axis=0)", "dZ1 = dZ2 @ W2.T * (Z1 > 0)",
      "dW1 = X.T @ dZ1", "db1 = sum(dZ1, axis=0)"]),
    ("batch normalisation", "batch-norm", {},
     ["dX = g / (n * sigma) * (n * dY - sum(dY, axis=0) - Xhat * sum(dY * Xhat, axis=0))"]),
    ("layer normalisation", "layer-norm", {}, ["dg = sum(dY * Xhat, axis=0)",
     "dX = (dY * g - mean(dY * g, axis=1) - Xhat * mean(dY * g * Xhat, axis=1)) / sigma"]),
    ("RMS normalisation", "rms-norm", {},
     ["dX = (dY * g - Xhat * mean(dY * g * Xhat, axis=1)) / r"]),
    ("row-wise L2 normalisation", "row-norm", {}, ["dX = (dY - Y * sum(dY * Y, axis=1)) / r"]),
    ("dropout mask", "dropout", {}, ["dX = dY * M / p"]),
    ("residual block", "residual-block", {}, ["dX = dY + (dY @ W2.T * (Z > 0)) @ W1.T"]),
    ("GLU", "glu", {}, ["dX = (dY * G) @ W.T + (dY * A * G * (1 - G)) @ V.T"]),
    ("SwiGLU", "swiglu", {}, ["dU = H.T @ dY", "dV = X.T @ ((dY @ U.T) * S)"]),
    ("one step of an RNN", "rnn-step", {}, ["dU = H0.T @ (dH * (1 - H ** 2))"]),
    ("an LSTM cell", "lstm-cell", {}, ["dC0 = dH * O * (1 - tanh(C) ** 2) * F"]),
    ("single-head attention, for Q, K, V", "attention", {}, ATTENTION),
    ("for X: three paths add", "self-attention", {}, ["dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T"]),
    ("low-rank adapters", "low-rank-adapter", {}, ["dA = s * X.T @ dY @ B.T"]),
    ("tied autoencoder", "tied-autoencoder", {}, ["dW = X.T @ dZ + dY.T @ H"]),
    ("matrix factorisation", "matrix-factorisation", {}, ["dV = (U @ V.T - R).T @ U + lam * V"]),
    ("Gaussian log-likelihood, mean", "gaussian-mean", {}, ["dmu = P @ (x - mu)"]),
    ("covariance", "gaussian-covariance", {},
     ["dS = (inv(S) @ R.T @ R @ inv(S) - n * inv(S)) / 2"]),
    ("precision", "gaussian", {}, ["dP = (n * inv(P) - R.T @ R) / 2"]),
    ("log det", "log-determinant", {}, ["dX = inv(X).T"]),
    ("determinant", "determinant", {}, ["dX = det(X) * inv(X).T"]),
    ("inverse", "inverse", {}, ["dX = -(Y.T @ dY @ Y.T)"]),
    ("traces", "trace-product", {}, ["dX = (B @ A).T"]),
    ("quadratic forms", "quadratic-form", {}, ["dx = A @ x + A.T @ x"]),
    ("of a symmetric matrix", "symmetric-quadratic-form", {}, ["dx = 2 * A @ x"]),
    ("norms", "frobenius-norm", {}, ["dX = X / norm(X)"]),
    ("norms of vectors", "euclidean-norm", {}, ["dx = (x - a) / L"]),
    ("Kronecker products", "kronecker", {}, ["dA = A * sum(B ** 2)"]),
    ("and vec", "kronecker-vec", {}, ["dX = A.T @ A @ X @ B @ B.T"]),
]  # fmt: skip

NEURON = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
SLOPES = {"w0": -0.20, "x0": 0.39, "w1": -0.39, "x1": -0.59, "w2": 0.20}
#: Graphs with numbers: the entry, the values, what comes forward, and the gradients.
NUMBERS = [
    ("circuit", {"x": -2, "y": 5, "z": -4}, {"q": 3, "f": -12},
     {"z": 3, "q": -4, "x": -4, "y": -4}),
    ("neuron", NEURON, {"f": 0.73}, SLOPES),
    ("sigmoid-gate", NEURON, {"f": 0.73}, SLOPES),
    ("apples", {"price": 100, "number": 2, "tax": "1.1"}, {"total": 220},
     {"price": 2.2, "number": 110, "tax": 200}),
    ("fruit", {"p_1": 100, "n_1": 2, "p_2": 150, "n_2": 3, "tax": "1.1"}, {"total": 715},
     {"p_1": 2.2, "p_2": 3.3, "n_1": 110, "n_2": 165, "tax": 650}),
    ("linear-neuron", {"x": 3, "w": 5, "b": 7}, {"y": 22}, {"b": 1, "x": 5, "w": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("said", "at", "shown"), AFFINE, ids=lambda one: str(one)[:30])
def test_the_affine_layer_entry_by_entry(said, at, shown):
    sizes = {dim: int(k) for dim, k in (item.split("=") for item in at.split(","))}
    found = derive.prove("affine", at=sizes)
    assert found.proved and shown in found.to_markdown(), said
    assert found.gradients == {"X": "dY @ W.T", "W": "X.T @ dY", "B": "sum(dY, axis=0)"}


@pytest.mark.parametrize(
    ("said", "name", "choice", "claims"), CLAIMS, ids=lambda one: str(one)[:30]
)
def test_what_notes_say_is_proved_about_the_entry_that_they_mean(said, name, choice, claims):
    assert name in names()
    court = opened(load(name, choice=choice))
    for claim in claims:
        found = court.judge(claim)
        assert (found.verdict, found.where) == ("proved", EVERY_SHAPE), (said, claim, found.reason)


@pytest.mark.parametrize(
    ("name", "values", "forward", "gradients"), NUMBERS, ids=lambda one: str(one)[:20]
)
def test_graphs_have_the_numbers_of_the_notes(name, values, forward, gradients):
    found = derive.graph(name, values=values)
    for table, known in ((forward, found.forward), (gradients, found.gradients)):
        for of, printed in table.items():
            assert abs(float(known[of]) - printed) <= 0.005 * (printed != int(printed)), of


def test_a_false_line_is_seen():
    """The judge of this table is shown to fail: the lines with one thing wrong."""
    for name, claim in [
        ("softmax-cross-entropy-weights", "dZ = (S - T) / n"),
        ("self-attention", "dX = dQ @ Wq.T + dK @ Wk.T"),
        ("columns", "dW = dZ @ A"),
        ("gaussian", "dP = (n * P - R.T @ R) / 2"),
    ]:
        assert opened(load(name)).judge(claim).verdict == "refuted", claim
