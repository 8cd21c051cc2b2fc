"""Deep programs: judged one theorem at a time, at a cost that grows with their length."""

import re
from dataclasses import replace

import pytest

from derive import check, prove
from derive.expressions.errors import ProofError
from derive.expressions.expr import number
from derive.expressions.shape import Shape
from derive.judges.citations import AlgebraJudge
from derive.judges.congruence import Congruence
from derive.judges.tangents import carried
from derive.judges.verify import verify
from derive.language.parse import parse
from derive.ops import var
from derive.proof.explain import explain

#: How the derivative of an activation is written by who passes it back.
SLOPES = {
    "tanh": "(1 - H{k} ** 2)",
    "sigmoid": "H{k} * (1 - H{k})",
    "relu": "(Z{k} > 0)",
    "gelu": "(normcdf(Z{k}) + Z{k} * normpdf(Z{k}))",
    "silu": "sigmoid(Z{k}) * (1 + Z{k} * (1 - sigmoid(Z{k})))",
}


def network(layers, activation):
    """A network with a linear last layer."""
    lines, last = ["X: (n, d0)"], "X"
    for k in range(1, layers + 1):
        lines += [f"W{k}: (d{k - 1}, d{k}); b{k}: (1, d{k})", f"Z{k} = {last} @ W{k} + b{k}"]
        if k < layers:
            lines.append(f"H{k} = {activation}(Z{k})")
            last = f"H{k}"
    return "; ".join(lines)


def passed_back(layers, activation):
    """The gradient of the first weights, everything put in."""
    inner = f"dZ{layers}"
    for k in range(layers - 1, 0, -1):
        inner = f"(({inner} @ W{k + 1}.T) * ({SLOPES[activation].format(k=k)}))"
    return f"dW1 = X.T @ {inner}"


@pytest.mark.parametrize("activation", SLOPES)
@pytest.mark.parametrize("layers", [2, 3, 7])
def test_claims_about_deep_networks(layers, activation):
    true = [
        "dW1 = X.T @ dZ1",
        f"dW1 = X.T @ (dH1 * {SLOPES[activation].format(k=1)})",
        passed_back(layers, activation),
    ]
    false = ["dW1 = 2 * X.T @ dZ1", passed_back(layers, activation).replace("W2.T", "(2 * W2.T)")]
    found = check(network(layers, activation), [*true, *false])
    assert [j.verdict for j in found] == ["proved"] * 3 + ["refuted"] * 2
    assert all(j.scope == "every shape" for j in found[:3])


def test_a_claim_about_a_very_deep_network_with_the_gradients_that_it_names():
    (found,) = check(network(64, "tanh"), "dW1 = X.T @ dZ1")
    assert found.verdict == "proved"


def test_a_gradient_that_vanishes_on_a_region_is_no_atom_of_a_mask():
    """dZ = dH * (Z > 0) is 0 where Z is negative, so sign(dZ) ** 2 is not 1 there."""
    text = "X: (n, d); W: (d, m); Z = X @ W; H = relu(Z)"
    found = check(text, ["dW = X.T @ (dZ * sign(dZ) ** 2)", "dX = dH * 0 + sign(dZ) ** 2 @ W.T"])
    assert found[1].verdict != "proved"


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_proofs_of_deep_networks(activation):
    proof = prove(network(9, activation), detail="brief")
    assert proof.proved
    assert proof.derivation.carried.variables == tuple(proof.derivation.backward)
    assert proof.derivation.carried.exact == (activation == "relu")


# -- equality where two expressions differ ---------------------------------------------------------

X, Y, Z = (var(name, Shape("n", "n")) for name in "XYZ")


@pytest.mark.parametrize(
    ("left", "right", "meant", "holds"),
    [
        (X, X, {}, True),
        (X, Y, {}, False),
        (Z @ X, (X @ Y) @ X, {Z: X @ Y}, True),
        (Z @ X, (Y @ X) @ X, {Z: X @ Y}, False),
        (Z @ X, (X @ Y).T @ X, {Z: X @ Y}, False),
        (Z.T, Y.T @ X.T, {Z: X @ Y}, False),  # a law of its own, that the judge of forms knows
        (Z + Z, X + X, {Z: Y, Y: X}, True),
        (X * Y, X * Y * 1, {}, False),
    ],
)
def test_congruence(left, right, meant, holds):
    assert Congruence(meant.get, lambda p, q: False).holds(left, right) == holds


def test_the_judge_is_asked_where_two_sides_differ_and_nowhere_else():
    asked = []
    meant = Congruence({}.get, lambda p, q: asked.append((p, q)) or True)
    assert meant.holds(((X * Y) @ Z).T, ((Y * X) @ Z).T)
    assert asked and all(side.name != "matmul" for sides in asked for side in sides)


def test_a_wrong_composition_is_not_proved():
    derivation = verify(explain(parse(network(4, "tanh")), detail="brief"))
    judge = AlgebraJudge(derivation)
    step = derivation.composed["W1"][1]
    assert judge.verdict(step).word == "proved"
    for wrong in (2 * step.right, step.right + X_like(step.right), -step.right):
        assert judge.verdict(replace(step, right=wrong)).word != "proved"


def X_like(expr):
    return 0 * expr + number(1)


# -- carried forwards at a point -------------------------------------------------------------------


@pytest.mark.parametrize("text", [network(3, "tanh"), network(4, "relu"), "x: (n, 1); L = x.T @ x"])
def test_a_wrong_gradient_is_seen_at_a_point(text):
    derivation = explain(parse(text), detail="brief")
    sizes = dict.fromkeys(derivation.program.dims, 2)
    assert carried(derivation, sizes) is not None
    for name, formula in derivation.backward.items():
        wrong = {**derivation.backward, name: formula * number(3) - formula}
        with pytest.raises(ProofError, match=re.compile("disagree|different numbers")):
            carried(replace(derivation, backward=wrong), sizes)
