"""The gradients of every number of layers: the recursion, its proof, and what is no proof."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import derive
from derive.catalogue import load
from derive.catalogue.recursion import Recursion
from derive.command.cli import main
from derive.documents.pipeline import Recurrence
from derive.expressions.errors import DeriveError, ProofError, ShapeError, UnsupportedError
from derive.expressions.expr import number
from derive.judges.induction import held
from derive.language.parse import parse
from derive.proof.explain import explain
from derive.proof.induction import Induction, induction

COLUMNS = "X: (n, s); W: (m, n); b: (m, 1); g: entrywise; Z = W @ X + b; H = g(Z)"


def one(layer: str, feeds=("H", "X"), sizes=("n", "m"), **more) -> Recursion:
    return Recursion(layer, feeds, sizes, layers="every", **more)


def of(recursion: Recursion) -> Induction:
    return induction(recursion, explain(recursion.parsed(), detail="brief"))


# -- what it says ----------------------------------------------------------------------------------

#: The recursion as the literature has it.
SAYS = {
    "columns": {
        "Z[l]": "dH[l] * g.diff(Z[l])",
        "W[l]": "dZ[l] @ H[l-1].T",
        "H[l-1]": "W[l].T @ dZ[l]",
        "b[l]": "sum(dZ[l], axis=1)",
    },
    "rows": {
        "Z[l]": "dH[l] * g.diff(Z[l])",
        "H[l-1]": "dZ[l] @ W[l].T",
        "W[l]": "H[l-1].T @ dZ[l]",
        "b[l]": "sum(dZ[l], axis=0)",
    },
}


@pytest.mark.parametrize("convention", SAYS)
def test_the_recursion_is_that_of_the_literature(convention):
    found = derive.prove(derive.entry("deep-network", convention=convention))
    assert isinstance(found, Recurrence) and found.proved
    assert found.gradients == SAYS[convention]


@pytest.mark.parametrize("activation", load("deep-network").options["activation"])
@pytest.mark.parametrize("convention", load("deep-network").options["convention"])
def test_every_activation_is_proved_and_holds_where_layers_are_written_out(activation, convention):
    entry = derive.entry("deep-network", activation=activation, convention=convention)
    found = held(of(entry.recursion))
    for unrolled in found.unrolled:
        names = {"X", *(f"{name}{k + 1}" for k in range(unrolled.layers) for name in "Wb")}
        assert set(unrolled.verdicts) == names and set(unrolled.verdicts.values()) == {"proved"}


def test_numbers_backwards_through_six_layers_are_what_pytorch_finds():
    """The recursion as a loop, in NumPy, against automatic differentiation."""
    torch = pytest.importorskip("torch")
    says = derive.prove(
        derive.entry("deep-network", activation="tanh", convention="rows")
    ).gradients
    code = {name: re.sub(r"(\w+)\[l-1\]", r"\1[l - 1]", text) for name, text in says.items()}
    rng, widths, L = np.random.default_rng(1), (4, 5, 3, 6, 2, 3, 4), 6
    W = {k: rng.normal(size=widths[k - 1 : k + 1]) for k in range(1, L + 1)}
    b = {k: rng.normal(size=(1, widths[k])) for k in range(1, L + 1)}
    H, Z, dH, dZ, dW, db = {0: rng.normal(size=(7, 4))}, {}, {}, {}, {}, {}
    for k in range(1, L + 1):
        Z[k] = H[k - 1] @ W[k] + b[k]
        H[k] = np.tanh(Z[k])
    dH[L] = rng.normal(size=H[L].shape)
    names = {"H": H, "Z": Z, "W": W, "b": b, "dH": dH, "dZ": dZ, "dW": dW, "db": db, "sum":
             lambda x, axis: x.sum(axis=axis, keepdims=True)}  # fmt: skip
    for k in range(L, 0, -1):
        for name, text in code.items():
            target, place = re.fullmatch(r"(\w+)\[(.*)\]", name).groups()
            names[f"d{target}"][k - (place == "l-1")] = eval(text, {**names, "l": k})
    tensors = {n: torch.tensor(x, requires_grad=True) for n, x in [
        ("X", H[0]), *((f"W{k}", W[k]) for k in W), *((f"b{k}", b[k]) for k in b)]}  # fmt: skip
    value = tensors["X"]
    for k in range(1, L + 1):
        value = torch.tanh(value @ tensors[f"W{k}"] + tensors[f"b{k}"])
    (value * torch.tensor(dH[L])).sum().backward()
    assert np.allclose(tensors["X"].grad, dH[0])
    for k in range(1, L + 1):
        assert np.allclose(tensors[f"W{k}"].grad, dW[k]) and np.allclose(
            tensors[f"b{k}"].grad, db[k]
        )


def test_what_all_steps_share_is_added_up():
    found = derive.prove("recurrent-network")
    assert found.proved and found.gradients == {
        "Z[t]": "dH[t] * g.diff(Z[t])",
        "X[t]": "dZ[t] @ U.T",
        "U": "sum(X[t].T @ dZ[t] for t in range(1, T + 1))",
        "H[t-1]": "dZ[t] @ W.T",
        "W": "sum(H[t-1].T @ dZ[t] for t in range(1, T + 1))",
        "b": "sum(sum(dZ[t], axis=0) for t in range(1, T + 1))",
    }
    three = found.induction.unrolled[-1]
    assert set(three.verdicts) == {"U", "W", "b", "h", "X1", "X2", "X3"}
    assert three.gradients["U"].count(" + ") == 2
    text = found.to_markdown()
    assert r"\frac{\partial J}{\partial U}} &= \sum_{t = 1}^{T}" in text
    assert "dU += X[t].T @ dZ[t]" in text and "added up" in text


# -- what is no proof ------------------------------------------------------------------------------

#: Layers of which one does not feed the next, and what is said of them.
NO_STEP = {
    "rows and columns": (one(COLUMNS, sizes=("m", "n")), "a layer gives H, which is m×s"),
    "no widths": (one(COLUMNS, sizes=()), "and the next one takes X, which is n×s"),
    "another output": (one(COLUMNS, ("Z", "X")), "a layer ends at H, and Z is what the next one"),
    "takes what it computes": (one(COLUMNS, ("H", "Z")), "Z is computed by the layer"),
    "no such name": (one(COLUMNS, ("H", "A")), "a layer takes A, and has no such name"),
    "a loss of its own": (
        one("X: (n, s); H = sum(X)", sizes=()), "a layer ends at H, and H is what the next one"),
    "transposed": (
        one("X: (n, s); W: (m, n); H = (W @ X).T"), "a layer gives H, which is s×m"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_STEP)
def test_layers_that_do_not_fit_make_no_induction(name):
    recursion, message = NO_STEP[name]
    with pytest.raises((ShapeError, ProofError)) as caught:
        of(recursion)
    assert message in str(caught.value)


def test_a_step_that_needs_what_is_not_known_is_refused():
    layer = explain(parse(COLUMNS), detail="brief")
    stray = replace(layer, backward=dict(reversed(layer.backward.items())))
    with pytest.raises(ProofError, match="takes dZ, which is not known there"):
        induction(one(COLUMNS), stray)
    with pytest.raises(ProofError, match="the gradient of X is not derived"):
        induction(one(COLUMNS), explain(parse(COLUMNS), wrt=("W",), detail="brief"))


#: What a layer's theorem is taken to say, one formula at a time: each is refuted written out.
WRONG = {
    "the slope is missing": ("Z", lambda d: d.locals[0].upstream),
    "twice": ("W", lambda d: number(2) * d.backward["W"]),
    "a sign": ("X", lambda d: -d.backward["X"]),
    "the mean over samples": ("b", lambda d: d.backward["b"] / 2),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_false_recursion_is_refuted_where_it_is_written_out(name):
    layer = explain(parse(COLUMNS), detail="brief")
    of_what, formula = WRONG[name]
    false = replace(layer, backward={**layer.backward, of_what: formula(layer)})
    with pytest.raises(ProofError, match="the recursion gives d") as caught:
        held(induction(one(COLUMNS), false))
    assert "refuted" in str(caught.value) and caught.value.exit_code == 1


def test_a_false_theorem_of_a_layer_is_refused(monkeypatch):
    from derive.expressions.expr import Pullback
    from derive.ops import MATMUL

    wrong = Pullback(lambda g, Y, A, B: -(g @ B.T), because=MATMUL.pullbacks[0].because)
    object.__setattr__(MATMUL, "pullbacks", (wrong, MATMUL.pullbacks[1]))
    try:
        with pytest.raises(ProofError):
            derive.prove("deep-network")
    finally:
        right = Pullback(lambda g, Y, A, B: g @ B.T, because=wrong.because)
        object.__setattr__(MATMUL, "pullbacks", (right, MATMUL.pullbacks[1]))


# -- the document and the commands -----------------------------------------------------------------


def test_the_document_states_base_step_and_conclusion():
    text = derive.prove("deep-network").to_markdown()
    for part in (
        "for every number $L$ of layers",
        r"Let $L \ge 1$ and $H_{0} \in \mathbb{R}^{n_{0}\times s}$.",
        r"W_{l} \in \mathbb{R}^{n_{l}\times n_{l - 1}}",
        "**The base, $l = L$.**",
        "**The step, from $l$ to $l - 1$.** Suppose the claim for $l$.",
        r"It is $n_{l - 1}\times s$ as $H_{l - 1}$ is",
        "all 15 gradients that the recursion gives there were proved",
    ):
        assert part in text, part
    numbers = [int(k) for k in re.findall(r"\\qquad \((\d+)\)", text)]
    assert numbers == list(range(1, len(numbers) + 1))
    cited = {int(k) for k in re.findall(r"by \((\d+)\)", text)}
    assert cited and cited <= set(numbers)


def test_a_loss_has_a_letter_that_nothing_else_has():
    text = derive.prove("deep-network", style=derive.Style(loss="E")).to_markdown()
    assert r"\frac{\partial E}{\partial H_{l}}" in text and r"\partial L" not in text


def test_the_command_prints_the_recursion(capsys, tmp_path):
    assert main(["prove", "deep-network", "-o", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "∂J/∂H_(l-1) = W_lᵀ ∂J/∂Z_l    dH[l-1] = W[l].T @ dZ[l]" in out
    assert "for every L, by induction over l = L, ..., 1" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "deep-network.md", "deep-network.tex"]  # fmt: skip
    assert main(["gradient", "deep-network"]) == 0
    assert "dW[l] = dZ[l] @ H[l-1].T" in capsys.readouterr().out
    assert main(["gradient", "deep-network", "--latex"]) == 0
    assert r"\frac{\partial J}{\partial W_{l}} = " in capsys.readouterr().out
    assert main(["prove", "deep-network", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["recursion"]["given"] == "dH[L]" and plain["proved"]
    assert [one["layers"] for one in plain["unrolled"]] == [1, 2, 3]


#: What is worked out for one number of layers, and says how to say it.
ONE_NUMBER = [
    ["example", "deep-network"],
    ["exercise", "deep-network"],
    ["graph", "deep-network"],
    ["gradient", "deep-network", "--code", "numpy"],
    ["prove", "deep-network", "--wrt", "W"],
]


@pytest.mark.parametrize("arguments", ONE_NUMBER)
def test_commands_that_need_a_number_say_how_to_give_it(arguments, capsys, tmp_path):
    assert main(arguments) == 2
    assert "--layers 3" in capsys.readouterr().err
    if arguments[0] in ("graph", "gradient"):
        return
    chosen = ["--layers", "2", "--activation", "tanh", "-o", str(tmp_path)]
    own = arguments[:2] + (["--wrt", "W1"] if arguments[0] == "prove" else [])
    assert main([*own, *chosen]) == 0


def test_claims_about_a_layer_are_judged():
    entry = derive.entry("deep-network")
    assert all(derive.check(entry, entry.claims))
    assert not any(derive.check(entry, entry.mistake.claim))


def test_to_sympy_needs_a_number_too():
    pytest.importorskip("sympy")
    with pytest.raises(UnsupportedError, match="every number of layers"):
        derive.to_sympy("deep-network")


def test_layers_of_one_size_have_no_widths():
    with pytest.raises(DeriveError, match="there are no widths"):
        one("X: (n, s); W: (n, n); H = W @ X", sizes=()).chosen({"widths": "3,4"})
