"""Whole derivations, judged: real programs are proved, at shapes and for every shape."""

from dataclasses import replace

import pytest

from derive.algebra.forms import MOST_STEPS, Budget
from derive.expressions.errors import ProofError
from derive.judges import citations as room
from derive.judges.citations import AlgebraJudge
from derive.judges.verify import PROBE, _Court, describe, insist, probes, verify
from derive.language.parse import parse
from derive.proof.explain import explain
from derive.proof.verdict import EVERY_SHAPE, PROVED, UNDECIDED, Road

PROVED_PROGRAMS = {
    "affine": "X: (2, 2); W: (2, 3); B: (1, 3); Y = X @ W + B",
    "network": "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); b2: (1, m); T: (n, m); "
    "Z = X @ W1 + b1; H = relu(Z); Y = H @ W2 + b2; L = sum((Y - T) ** 2) / (2 * n)",
    "columns": "W: (m, n); A: (n, s); b: (m, 1); Z = W @ A + b; P = sigmoid(Z)",
    "logistic": "X: (n, d); w: (d, 1); y: (n, 1); p = sigmoid(X @ w); "
    "L = -mean(y * log(p) + (1 - y) * log(1 - p))",
    "softmax": "X: (n, d); Y = exp(X) / sum(exp(X), axis=1)",
    "softmax in steps": "X: (n, d); E = exp(X); s = sum(E, axis=1); P = E / s",
    "log-sum-exp": "X: (n, d); L = log(sum(exp(X)))",
    "rows of length one": "X: (n, d); Y = X / sqrt(sum(X ** 2, axis=1))",
    "batch norm": "X: (n, d); g: (1, d); b: (1, d); mu = mean(X, axis=0); C = X - mu; "
    "v = mean(C ** 2, axis=0); Y = g * C / sqrt(v + 1 / 1000) + b",
    "quadratic form": "A: (n, n); x: (n, 1); L = x.T @ A @ x",
    "trace": "A: (n, n); B: (m, m); X: (n, m); L = tr(X @ B @ X.T @ A)",
    "attention without its softmax": "Q: (n, k); K: (m, k); V: (m, p); Y = Q @ K.T @ V",
    "kinks": "X: (n, d); Y = max(X, 0) + abs(X) - min(X.T, 1).T",
    "functions": "X: (n, d); Y = tan(X) + cosh(X) * sinh(X) + softplus(X)",
    "a root of a negative": "X: (n, d); Y = sqrt(-X)",
    "a root of a square": "X: (n, d); Y = sqrt(X ** 2)",
    "an identity of one": "x: (n, 1); L = tr(x.T @ x)",
    "scalars": "f = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))",
    "a kink on the diagonal": "X: (n, n); Y = relu(X * eye(n))",
    "sine under a fraction": "X: (n, d); Y = sin(X) ** 2 / cos(X) ** 2 + 1 / sin(X) ** 2",
    "an unused intermediate": "X: (n, d); Z = exp(X); Y = 2 * X",
}


@pytest.mark.parametrize("text", PROVED_PROGRAMS.values(), ids=PROVED_PROGRAMS)
def test_a_program_is_proved(text):
    judged = insist(verify(explain(parse(text))))
    assert judged.steps() and all(step.verdicts for step in judged.steps())
    for local in judged.locals:
        for step in (*local.index, *local.operators):
            assert [v.word for v in step.verdicts] == [PROVED] * len(step.verdicts)
            assert step.verdicts[0].where == EVERY_SHAPE and len(step.verdicts) > 1
        for step in (*local.one, *local.entries, *local.assembly):
            assert all(v.where != EVERY_SHAPE for v in step.verdicts)


def test_numbers_agree_to_many_digits():
    judged = verify(explain(parse(PROVED_PROGRAMS["network"])))
    assert {a.variable for a in judged.agreements} == {"X", "W1", "b1", "W2", "b2", "T"}
    assert all(a.digits >= 30 for a in judged.agreements)


@pytest.mark.parametrize(
    "sizes", [{"n": 1, "d": 1, "m": 1}, {"n": 1, "d": 4}, {"n": 3, "d": 3, "m": 3}]
)
def test_other_sizes(sizes):
    insist(verify(explain(parse("X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"), at=sizes)))


DEGENERATE = {
    "a value against itself": "X: (n, d); Y = max(X, X)",
    "division by zero": "X: (n, d); Y = X / (X - X)",
    "division by zeros off the diagonal": "X: (n, n); Y = X / eye(n)",
}


@pytest.mark.parametrize("text", DEGENERATE.values(), ids=DEGENERATE)
def test_what_has_a_value_nowhere_is_not_proved(text):
    with pytest.raises(ProofError):
        insist(verify(explain(parse(text))))


def test_probes_are_no_squares_and_differ():
    found = probes(parse("X: (n, d); W: (d, m); Y = X @ W"))
    assert len({tuple(sorted(sizes.items())) for sizes in found}) == len(found) >= 2
    assert all(len(set(sizes.values())) == 3 for sizes in found)


def test_a_step_in_words():
    steps = explain(parse("X: (n, d); W: (d, m); Y = X @ W")).steps()
    assert any(describe(step) == "dX = dY @ W.T" for step in steps)


DEEP = "X: (n, d); W: (d, d); Y = sigmoid(sigmoid(sigmoid(X @ W) @ W) @ W)"


def test_what_takes_too_many_steps_is_refused(monkeypatch):
    """After the same number of steps each time, whatever the machine."""
    left = []
    monkeypatch.setattr(
        "derive.judges.verify.Budget", lambda *steps: left.append(Budget(20_000)) or left[-1]
    )
    messages = []
    for _ in range(2):
        with pytest.raises(ProofError, match="is undecided") as caught:
            insist(verify(explain(parse(DEEP))))
        assert caught.value.hint is not None and "the normal form is too large" in caught.value.hint
        messages.append(caught.value.message)
    spent = [budget.left for budget in left]
    half = len(spent) // 2
    assert messages[0] == messages[1] and spent[:half] == spent[half:] and spent[0] < 0


def test_what_is_too_large_at_some_sizes_is_written_out_at_smaller_ones(monkeypatch):
    def scopes():
        derivation = explain(parse("X: (n, n); W: (n, n); Y = sigmoid(X @ W)"))
        steps = [s for local in _Court(derivation, str).judged().locals for s in local.claim]
        assert all(step.proved for step in steps)
        return {v.scope for step in steps for v in step.verdicts if v.road == Road.WRITTEN}

    assert scopes() == {"n = 1", "n = 4"}
    monkeypatch.setattr("derive.judges.verify.PROBE", 100)
    assert scopes() == {"n = 1", "n = 2"}


def test_what_is_inverted_is_small_where_it_is_written_out():
    found = probes(parse("X: (n, d); f = logdet(X.T @ X)"))
    assert [sizes["d"] <= min(sizes["n"], 2) for sizes in found] == [True, True]
    assert {"n": 3, "d": 2} in found
    plain = probes(parse("A: (n, n); B: (m, m); f = logdet(A) * det(kron(A, B))"))
    assert plain == ({"n": 1, "m": 3}, {"n": 2, "m": 1})


def test_a_budget_is_spent_by_every_judge():
    derivation = explain(parse("X: (n, d); Z = X * X; Y = softmax(Z) / (1 + Z)"))
    court = _Court(derivation, lambda message: None)
    assert all(step.proved for step in court.judged().steps())
    judges = list(court._judges.values())
    assert len({type(judge) for judge in judges}) == 4
    budgets = {id(judge.ring.budget): judge.ring.budget for judge in judges}
    assert budgets.pop(id(court.budget)) and budgets.pop(id(court.whole))
    assert all(0 <= budget.left <= PROBE for budget in budgets.values())
    assert 1_000 < MOST_STEPS - court.budget.left < MOST_STEPS / 10


def test_a_part_that_is_too_large_is_no_difference(monkeypatch):
    """Of a true step and a false one the same is said: too large, and never that forms differ."""
    monkeypatch.setattr(room, "PART", 1)
    found = explain(parse("X: (n, d); W: (d, m); Z = X @ W; Y = Z ** 2"))
    step = found.composed["X"][-1]
    for right in (step.right, 3 * step.right):
        verdict = AlgebraJudge(found).verdict(replace(step, right=right))
        assert (verdict.word, verdict.detail) == (UNDECIDED, "the normal form is too large")
