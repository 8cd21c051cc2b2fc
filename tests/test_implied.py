"""What holds of every input is no hypothesis that is said, and what some input breaks is one."""

import pytest

from derive.expressions.expr import variables
from derive.language.parse import parse
from derive.proof.hypotheses import ground_of
from derive.proof.implied import hypotheses

#: A formula, what is assumed, and what is said all the same.
SAID = [
    ("1 / (1 + exp(x))", {}, []),
    ("1 / cosh(x)", {}, []),
    ("exp(x) / sum(exp(x))", {}, []),
    ("log(s + x ** 2)", {"s": "positive"}, []),
    ("1 / sqrt(s + mean(x ** 2))", {"s": "positive"}, []),
    ("logdet(A)", {"A": "spd"}, []),
    ("inv(A) @ x", {"A": "invertible"}, []),
    # what some point breaks
    ("log(s + x ** 2)", {}, ["positive"]),
    ("log(x ** 2)", {}, ["positive"]),
    ("1 / x ** 2", {}, ["nonzero"]),
    ("1 / sum(x ** 2)", {}, ["nonzero"]),
    ("log(exp(x) - 1)", {}, ["positive"]),
    ("1 / sinh(x)", {}, ["nonzero"]),
    ("1 / (1 + s)", {}, ["nonzero"]),
    ("1 / (s - x ** 2)", {"s": "positive"}, ["nonzero"]),
    ("logdet(A)", {"A": "symmetric"}, ["positive-determinant"]),
    ("logdet(A)", {"A": "invertible"}, ["positive-determinant"]),
    ("inv(A + A.T) @ x", {"A": "spd"}, ["invertible"]),
]


def said(formula: str, assume: dict[str, str]) -> list[str]:
    program = parse(f"x: (n, 1); s: (); A: (n, n); y = {formula}")
    root = program.statements[0].expr
    used = {leaf.data[0] for leaf in variables(root)}
    words = {name: frozenset({word}) for name, word in assume.items() if name in used}
    return [c.kind for c in hypotheses(ground_of(program, words), [root])]


@pytest.mark.parametrize(("formula", "assume", "kinds"), SAID)
def test_what_is_said(formula, assume, kinds):
    assert said(formula, assume) == kinds


def test_a_sign_that_nobody_has_seen_is_missed(monkeypatch):
    monkeypatch.setattr("derive.proof.implied.is_positive", lambda ring, form: True)
    assert said("log(x ** 2)", {}) == [] != ["positive"]
