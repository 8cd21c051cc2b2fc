"""The Python face: one function, and the object that it returns."""

import subprocess
import sys

import pytest

import derive
from derive.documents.files import unsealed
from derive.documents.pipeline import prove
from derive.expressions.errors import SizeError

NETWORK = (
    "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); b2: (1, m); T: (n, m); "
    "Z = X @ W1 + b1; H = relu(Z); Y = H @ W2 + b2; L = sum((Y - T) ** 2) / (2 * n)"
)


def test_the_network_has_its_textbook_gradients():
    proof = derive.prove(NETWORK, detail="full")
    assert proof.backward == {
        "Y": "(Y - T) / n",
        "T": "(T - Y) / n",
        "H": "dY @ W2.T",
        "W2": "H.T @ dY",
        "b2": "sum(dY, axis=0)",
        "Z": "dH * (Z > 0)",
        "X": "dZ @ W1.T",
        "W1": "X.T @ dZ",
        "b1": "sum(dZ, axis=0)",
    }
    assert dict(proof.statements) == {"dY": "(Y - T) / n", "dZ": "dY @ W2.T * (Z > 0)"}
    assert proof.gradients["W1"] == "X.T @ dZ"
    alone = derive.prove(NETWORK, wrt=["W1"], detail="brief")
    assert alone.gradients == {"W1": "X.T @ ((Y - T) @ W2.T * (Z > 0)) / n"}
    assert not alone.statements
    assert proof.proved and all(step.verdicts for step in proof.steps)
    assert {a.variable for a in proof.derivation.agreements} == {*proof.derivation.wrt}


def test_the_column_convention():
    proof = derive.prove("W: (m, n); A: (n, s); b: (m, 1); Z = W @ A + b; P = sigmoid(Z)")
    assert proof.backward == {
        "Z": "dP * P * (1 - P)",
        "W": "dZ @ A.T",
        "A": "W.T @ dZ",
        "b": "sum(dZ, axis=1)",
    }


def test_shapes_beside_the_text_are_shapes_in_it():
    text = "Y = X @ W + B"
    beside = derive.prove(text, {"X": (2, 2), "W": (2, 3), "B": (1, 3)})
    inside = derive.prove("X: (2, 2); W: (2, 3); B: (1, 3); " + text)
    assert beside.gradients == inside.gradients
    assert beside.to_markdown() == inside.to_markdown()


def test_a_chosen_variable_is_all_that_is_derived():
    proof = derive.prove(NETWORK, wrt=["W2"])
    assert list(proof.gradients) == ["W2"] and set(proof.backward) == {"Y", "W2"}


@pytest.mark.parametrize("detail", ["full", "one", "brief"])
def test_every_detail_is_proved(detail):
    proof = derive.prove("X: (n, d); W: (d, m); Y = tanh(X @ W)", detail=detail)
    assert proof.proved
    assert bool([step for step in proof.steps if step.sized]) == (detail != "brief")


def test_detail_is_one_of_three():
    with pytest.raises(derive.UnsupportedError, match="there is no detail 'long'"):
        derive.prove("y = x ** 2", detail="long")


def test_a_notebook_shows_the_proof():
    proof = derive.prove("y = x ** 2")
    assert proof._repr_markdown_() == proof.to_markdown()
    assert proof.to_markdown().startswith("# Gradients of")


def test_save_replaces_files_whole(tmp_path):
    proof = derive.prove("y = x ** 2")
    proof.save(tmp_path)
    paths = proof.save(tmp_path)
    assert [path.name for path in paths] == ["y.md", "y.tex"]
    assert unsealed((tmp_path / "y.md").read_text("utf-8")) == proof.to_markdown()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["y.md", "y.tex"]


def test_nothing_is_written_when_one_format_fails(tmp_path):
    with pytest.raises(derive.UnsupportedError, match="there is no format docx"):
        derive.prove("y = x ** 2").save(tmp_path / "new", formats=["md", "docx"])
    assert not (tmp_path / "new").exists()


def test_importing_is_cheap():
    code = "import derive, sys; print('sympy' in sys.modules, 'jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_public_names_are_there():
    for name in derive.__all__:
        assert getattr(derive, name) is not None
    assert set(dir(derive)) >= set(derive.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        derive.nothing  # noqa: B018


@pytest.mark.parametrize(
    "text",
    [
        "x: (n, 1); a: (n, 1); f = norm(x - a)",
        "f = sqrt((2 * x - 3 * a + b) ** 2)",
        "Q: (n, d); K: (m, d); S = softmax(Q @ K.T / sqrt(d))",
        "X: (n, d); f = sum(exp(X / sqrt(d)))",
        "X: (n, d); f = logdet(X.T @ X)",
        "X: (n, d); eps: (); C = X - mean(X, axis=0); H = C / sqrt(mean(C ** 2, axis=0) + eps)",
        "A: (n, n); f = det(inv(A))",
        "A: (n, n); B: (n, n); f = tr(inv(inv(A) + B))",
        "X: (n, d); y: (n, 1); w = inv(X.T @ X) @ X.T @ y",
        "D: (n, d); S: (d, d); L = -(n/2) * logdet(S) - tr(inv(S) @ D.T @ D) / 2",
        "A: (n, n); B: (n, n); C: (n, n); Y = sqrt((A @ B) @ (C / (2 + exp(C))))",
        "A: (3, 2); Y: (3, 4); W1: (2, 2); b1: (1, 2); W2: (4, 2); b2: (1, 4); X = cos(A); "
        "H = sigmoid(X @ W1.T + b1); P = sigmoid(H @ W2.T + b2); "
        "J = -sum(Y * log(P) + (1 - Y) * log(1 - P)) / 3",
    ],
)
def test_what_was_undecided_once_is_proved(text):
    assert prove(text, detail="brief").proved


def test_sizes_that_nobody_asked_for_are_such_that_there_are_values():
    proof = prove("X: (n, d); f = logdet(X.T @ X)", detail="brief")
    assert proof.derivation.sizes["n"] >= proof.derivation.sizes["d"]
    with pytest.raises(SizeError, match="asks for n ≥ d, and n = 2, d = 3 breaks that"):
        prove("X: (n, d); f = logdet(X.T @ X)", at={"n": 2, "d": 3})
