"""The trace: which steps, in which order, under which names; nothing in it is judged yet."""

import pytest

from derive.expressions.errors import SizeError, UnsupportedError
from derive.language.parse import parse
from derive.proof.explain import explain

AFFINE = "X: (2, 2); W: (2, 3); B: (1, 3); Y = X @ W + B"
NETWORK = (
    "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); b2: (1, m); T: (n, m); Z = X @ W1 + b1; "
    "H = relu(Z); Y = H @ W2 + b2; L = sum((Y - T) ** 2) / (2 * n)"
)


def test_a_theorem_for_each_variable():
    derivation = explain(parse(AFFINE))
    assert [str(local.variable) for local in derivation.locals] == ["X", "W", "B"]
    assert {name: str(value) for name, value in derivation.gradients.items()} == {
        "X": "dY @ W.T",
        "W": "X.T @ dY",
        "B": "sum(dY, axis=0)",
    }
    assert derivation.sizes == {"n": 2, "d": 2, "m": 3}


PARTS = {
    "full": {"slice", "one", "entries", "assembly", "index"},
    "one": {"slice", "one", "assembly", "index", "operators"},
    "brief": {"index", "operators"},
}


@pytest.mark.parametrize("detail, parts", PARTS.items())
def test_detail(detail, parts):
    derivation = explain(parse(AFFINE), detail=detail)
    for local in derivation.locals:
        known = PARTS["full"] | PARTS["brief"]
        assert {part for part in known if getattr(local, part)} == parts
    assert bool(derivation.forward) == (detail != "brief")


def test_which_entries_contain_the_variable():
    found = {str(p.variable): p.occurrence for p in explain(parse(AFFINE)).locals}
    assert found == {"X": ("row-a",), "W": ("column-c",), "B": ("column-c",)}


def test_statements_are_proved_backwards():
    derivation = explain(parse(NETWORK))
    order = list(dict.fromkeys(local.statement.name for local in derivation.locals))
    assert order == ["L", "Y", "H", "Z"]
    assert str(derivation.backward["Z"]) == "dH * (Z > 0)"
    assert list(derivation.gradients) == ["X", "W1", "b1", "W2", "b2", "T"]


def test_gradients_add_where_a_value_is_used_twice():
    derivation = explain(parse("x: (n, n); u = exp(x); v = sin(x); Y = u * v"))
    assert [step.rule for step in derivation.totals["x"]][:2] == ["gradients-add", "substitution"]
    assert str(derivation.totals["x"][0].right) == "dx[u] + dx[v]"
    assert str(derivation.backward["x"]) == "du * u + dv * cos(x)"


def test_a_chain_is_connected():
    """Each rewrite starts from the expression at which the last one ended."""
    for local in explain(parse(NETWORK)).locals:
        last = None
        for step in local.operators:
            assert step.left.is_var or step.left is last, step
            last = step.right


def test_no_step_has_a_verdict_yet():
    assert not any(step.verdicts for step in explain(parse(NETWORK)).steps())


def test_hypotheses():
    found = explain(parse("X: (n, d); Y = log(X) / sqrt(X) + relu(2 * X)")).conditions
    flat = [(c.kind, str(c.args[0])) for group in found for c in group]
    assert ("positive", "X") in flat and ("nonzero", "sqrt(X)") in flat
    assert ("nonzero", "2 * X") in flat
    assert len(flat) == len(set(flat))


def test_a_document_that_is_too_large_is_refused_before_work_begins():
    program = parse("X: (n, d); W: (d, m); Y = X @ W")
    with pytest.raises(SizeError, match="more than the limit of 1,000,000") as caught:
        explain(program, at={"n": 5000, "d": 5000, "m": 5000})
    assert "--max-entries" in caught.value.hint
    assert explain(program, at={"n": 5000, "d": 5000, "m": 5000}, detail="brief").gradients
    with pytest.raises(SizeError, match="more than the limit of 10"):
        explain(program, max_entries=10)


def test_only_the_wanted_variables():
    derivation = explain(parse(NETWORK), wrt=("W2",))
    assert list(derivation.gradients) == ["W2"]
    assert {str(local.variable) for local in derivation.locals} == {"W2", "Y"}
    with pytest.raises(UnsupportedError):
        explain(parse(NETWORK), wrt=("Q",))
