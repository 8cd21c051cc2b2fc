"""Programs made layer by layer: networks of given widths, in both conventions, with any loss."""

from __future__ import annotations

import inspect
from itertools import product

import numpy as np
import pytest

import derive
from derive.catalogue import load
from derive.catalogue.recursion import Recursion
from derive.expressions.errors import DeriveError
from derive.language.parse import parse

WIDTHS = (4, 5, 3, 2)
ACTIVATIONS = ("relu", "tanh", "sigmoid", "softplus", "silu", "gelu", "elu", "sin", "g")
LOSSES = ("squared", "cross-entropy", "binary-cross-entropy", "none")
CONVENTIONS = ("rows", "columns")
LAST = ("linear", "activation")


def by_hand(torch, given, convention, activation, loss, last) -> dict[str, np.ndarray]:
    """The gradients of a network as PyTorch has them, which is built from its own layers."""
    import torch.nn.functional as F

    functions = {"sin": torch.sin, "elu": F.elu, "g": torch.atan}
    act = functions.get(activation) or getattr(F, activation, None) or getattr(torch, activation)
    tensors = {name: torch.tensor(rows, requires_grad=True) for name, rows in given.items()}
    rows = convention == "rows"
    H = tensors["X"] if rows else tensors["X"].T
    layers = sum(name.startswith("W") for name in given)
    for k in range(1, layers + 1):
        W, b = tensors[f"W{k}"], tensors[f"b{k}"]
        Z = F.linear(H, W.T if rows else W, (b if rows else b.T)[0])
        H = act(Z) if k < layers or last == "activation" else Z
    upstream = tensors.get("T", tensors.get(next(reversed(given))))
    T = upstream if rows else upstream.T
    n = len(H)
    value = {
        "squared": lambda: F.mse_loss(H, T, reduction="sum") / (2 * n),
        "cross-entropy": lambda: F.cross_entropy(H, T),
        "binary-cross-entropy": lambda: F.binary_cross_entropy_with_logits(
            H, T, reduction="sum") / n,
        "none": lambda: (H * T).sum(),
    }[loss]()  # fmt: skip
    value.backward()
    return {n: t.grad.numpy() for n, t in tensors.items() if t.grad is not None}


#: Every activation with some loss, every loss with some activation, behind a layer of either kind.
NETWORKS = [
    *(
        (c, a, LOSSES[k % 4], LAST[k % 3 % 2])
        for c in CONVENTIONS
        for k, a in enumerate(ACTIVATIONS)
    ),
    *((c, "tanh", loss, last) for c in CONVENTIONS for loss, last in product(LOSSES, LAST)),
]  # fmt: skip


@pytest.mark.parametrize(("convention", "activation", "loss", "last"), NETWORKS)
def test_a_network_has_the_gradients_that_pytorch_finds(convention, activation, loss, last):
    torch = pytest.importorskip("torch")
    entry = derive.entry("mlp", widths=WIDTHS, activation=activation, loss=loss,
                         convention=convention, last=last)  # fmt: skip
    program = parse(entry.program)
    space: dict = {}
    moved = ["X", *(f"{p}{k}" for k in (1, 2, 3) for p in "Wb")]
    exec(derive.gradient(entry, wrt=moved, code="numpy"), space)
    rng = np.random.default_rng(len(activation + loss))
    sizes = program.at({"n": 6})
    leaves = [program.leaves[name] for name in program.inputs]
    names = [*program.inputs] + ([] if program.is_loss else [f"d{program.output}"])
    leaves += [] if program.is_loss else [program.output]
    given = {name: rng.normal(size=leaf.shape.extents(sizes)) for name, leaf in zip(names, leaves)}
    expected = by_hand(torch, given, convention, activation, loss, last)
    open_ = {"g": np.arctan, "dg": lambda x: 1 / (1 + x**2)}
    asked = list(inspect.signature(space["gradients"]).parameters)[len(given) :]
    found = space["gradients"](*given.values(), *(open_[name] for name in asked))
    for name in moved:
        assert np.allclose(found[name], expected[name]), name


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_network_is_proved_and_its_claims_are(convention):
    entry = derive.entry("mlp", widths=[4, 5, 3, 1], activation="tanh", convention=convention)
    proof = derive.prove(entry, detail="brief")
    assert proof.proved and proof.name.startswith("mlp-tanh")
    assert "4-5-3-1" in proof.name
    judged = derive.check(entry, entry.claims)
    assert len(judged) == 9 and all(judged)
    [mistake] = derive.check(entry, entry.mistake.claim)
    assert mistake.verdict == "refuted"


# -- the text of a program -------------------------------------------------------------------------

#: What is chosen, and the program that this means.
PROGRAMS = [
    ({}, "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); b2: (1, m); T: (n, m); "
         "Z1 = X @ W1 + b1; H1 = relu(Z1); Z2 = H1 @ W2 + b2; L = sum((Z2 - T) ** 2) / (2 * n)"),
    ({"layers": 1, "loss": "none"}, "X: (n, d_0); W1: (d_0, d_1); b1: (1, d_1); Z1 = X @ W1 + b1"),
    ({"layers": 1, "loss": "none", "last": "activation", "activation": "g"},
     "X: (n, d_0); W1: (d_0, d_1); b1: (1, d_1); g: entrywise; Z1 = X @ W1 + b1; H1 = g(Z1)"),
    ({"widths": [3, 2], "convention": "columns", "loss": "cross-entropy"},
     "X: (3, n); W1: (2, 3); b1: (2, 1); T: (2, n); Z1 = W1 @ X + b1; "
     "L = -sum(T.T * logsoftmax(Z1.T)) / n"),
    ({"widths": "p,2", "loss": "binary-cross-entropy"},
     "X: (n, p); W1: (p, 2); b1: (1, 2); T: (n, 2); Z1 = X @ W1 + b1; "
     "L = sum(softplus(Z1) - T * Z1) / n"),
]  # fmt: skip


@pytest.mark.parametrize(("chosen", "program"), PROGRAMS)
def test_a_choice_means_a_program(chosen, program):
    found, meant = parse(derive.entry("mlp", **chosen).program), parse(program)
    assert found.lines() == meant.lines() and dict(found.sizes) == dict(meant.sizes)
    assert {n: x.shape for n, x in found.leaves.items()} == {
        n: x.shape for n, x in meant.leaves.items()
    }


ERRORS = [
    ({"widths": "4"}, "one width, and a layer has one before and one behind it"),
    ({"widths": "4,x y,2"}, "positive numbers or names, such as 4,5,3,1, not 4,x y,2"),
    ({"widths": "4,0"}, "positive numbers or names"),
    ({"widths": "4,-1"}, "positive numbers or names"),
    ({"widths": "4,,1"}, "positive numbers or names"),
    ({"widths": "4,5,3", "layers": 3}, "are those of 2 layers, and --layers is 3"),
    ({"layers": "0"}, "a number from 1 to 100, not 0"),
    ({"layers": "101"}, "a number from 1 to 100, not 101"),
    ({"layers": "every"}, "a number from 1 to 100, not every"),
    ({"layers": "two"}, "a number from 1 to 100, not two"),
    ({"activation": "tanhh"}, "--activation is not tanhh: did you mean tanh?"),
    ({"activaton": "tanh"}, "mlp has no option --activaton: did you mean activation?"),
    ({"depth": 3}, "it has --activation, --loss, --convention, --last, --layers, --widths"),
]


@pytest.mark.parametrize(("chosen", "message"), ERRORS)
def test_what_does_not_fit_is_refused(chosen, message):
    with pytest.raises(DeriveError) as caught:
        derive.entry("mlp", **chosen)
    assert message in str(caught.value)


def test_an_entry_of_no_layers_has_no_widths():
    with pytest.raises(DeriveError, match="affine has no option --widths"):
        derive.entry("affine", widths=[4, 5])
    one = Recursion("h: (1, m); W: (m, m); H = h @ W", ("H", "h"), layers="2")
    with pytest.raises(DeriveError, match="there are no widths"):
        one.chosen({"widths": "4,5"})


def test_what_is_learned_and_what_is_data():
    entry = derive.entry("mlp", layers=3)
    assert entry.parameters == ("W1", "b1", "W2", "b2", "W3", "b3") and entry.data == ("X", "T")
    assert derive.entry("mlp", loss="none").data == ("X",)
    assert derive.entry("mlp", loss="cross-entropy").numbers == {"T": ("one-hot-rows",)}


def test_shared_names_are_the_same_in_every_layer():
    text = "h: (1, m); x: (1, d); U: (d, m); W: (m, m); H = tanh(x @ U + h @ W)"
    one = Recursion(text, ("H", "h"), shared=("U", "W"), layers="2")
    assert one.program() == (
        "h: (1, m); x1: (1, d); U: (d, m); W: (m, m); x2: (1, d); "
        "H1 = tanh(x1 @ U + h @ W); H2 = tanh(x2 @ U + H1 @ W)"
    )


def test_names_of_documents():
    assert load("mlp").named == "mlp"
    assert derive.entry("mlp", widths="4,5,1").named == "mlp-4-5-1"
    assert derive.entry("mlp", layers=3, activation="tanh").named == "mlp-tanh-3"
