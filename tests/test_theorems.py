"""Simple theorems that were refused once: each is the first of a kind of composition."""

import pytest

import derive

PROGRAMS = (
    "A: (n, k); B: (k, m); C: (n, m); Y = tanh(C - A @ B)",
    "A: (n, m); B: (n, m); Y = sqrt(gelu(A) * B / (1 + abs(B)))",
    "A: (n, m); Y = (sum(A) ** 2) ** (3/2)",
    "A: (n, m); B: (n, m); Y = relu(A / (1 + B ** 2))",
    "B: (n, m); Y = 1 / relu(B)",
    "A: (n, m); B: (m, k); Y = (A ** 2) ** (1/3) @ B",
    "A: (n, m); Y = relu(softplus(A))",
    "x: (n, 1); L = sum(relu(x - x.T))",
    "s: (); X: (n, n); Y = (max(3, X) * silu(s)) ** 0.5",
    "X: (n, n); L = sum((1 + (X @ X) ** 2) ** (3/2))",
    "x: (n, 1); Y = log(x - 100)",
    "x: (n, 1); Y = sqrt(-1000 - x)",
)

#: Claims that were undecided, or refused, and what is assumed.
TRUE = (
    ("X: (n, 1); Y = X ** 2", "dX = 2 * dY", {"X": "row-stochastic"}),
    ("X: (n, 1); Y = X ** 2 * (X > 0)", "dX = 2 * dY", {"X": "one-hot-rows"}),
    ("A: (n, n); D = A - A.T; Y = (D > 0) * A", "dA = dY * (A > A.T)", {}),
    # NumPy chooses A wherever C is not 0, and where it is the choice jumps
    ("A: (n, m); B: (n, m); C: (n, m); Y = where(C, A, B)", "dA = dY", {}),
    ("A: (n, m); B: (n, m); C: (n, m); Y = where(C, A, B)", "dA = dY * (1 - (C == 0))", {}),
    ("A: (n, m); C: (n, m); Z = 2 * C; Y = where(Z, A ** 2, C)", "dZ = 0 * Z", {}),
    # no largest entry of a mask needs to be the only one: the largest is a mask itself
    ("W: (m, m); x: (); L = 5 * x * max(W < W.T)", "dx = 5 * max(W < W.T)", {}),
    ("W: (m, m); x: (); L = x * min(2 * sign(W), axis=1).T @ ones(m, 1)", "dW = 0 * W", {}),
)
#: False claims, at which no point of small sizes or small numbers shows that.
SUBTLE = (
    ("w: (); A: (n, n); L = relu(w - 20) * tr(A)", "dw = (w > 20)", {"A": "row-stochastic"}),
    ("w: (); A: (n, n); L = relu(w + 50) * tr(A)", "dw = n * (w > -50)", {"A": "row-stochastic"}),
    ("A: (n, m); B: (n, m); C: (n, m); Y = where(C, A, B)", "dB = dY", {}),
    ("X: (n, 1); Y = max(X)", "dX = (X == max(X)) * (dY + (n - 1) * (n - 2) * (n - 3))", {}),
)

#: False claims at which the algebra once worked for a minute before any point was tried.
FALSE = (("s: (); L = softplus(s)", "ds = sigmoid(s * 1.001)"),)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_simple_theorem_is_proved(program):
    assert derive.prove(program, detail="brief").proved


@pytest.mark.parametrize(("program", "claim", "assume"), TRUE)
def test_a_simple_claim_is_proved(program, claim, assume):
    (found,) = derive.check(program, claim, assume=assume)
    assert found.verdict == "proved" and not any("largest" in c for c in found.conditions)
    assert derive.prove(program, assume=assume, detail="brief").proved


@pytest.mark.parametrize(("program", "claim", "assume"), SUBTLE)
def test_a_false_claim_is_refuted_far_away(program, claim, assume):
    (found,) = derive.check(program, claim, assume=assume)
    assert found.verdict == "refuted" and found.counterexample


def test_a_choice_is_settled_by_its_hypothesis_alone():
    program = "A: (n, m); B: (n, m); C: (n, m); Y = where(C, A, B)"
    (free,), (binary,) = (
        derive.check(program, "dA = dY", assume=assume) for assume in ({}, {"C": "binary"})
    )
    assert free.conditions == ("every entry of C is different from 0",)
    assert free.verdict == "proved" != binary.verdict


def test_what_was_meant_asks_for_nothing_more():
    (found,) = derive.check("s: (); Z = mean(kron(silu(s), s)); L = Z", "dZ = Z")
    assert "Z > 0" not in found.diagnosis  # which is 1 where s is not 0


@pytest.mark.parametrize(("program", "claim"), FALSE)
def test_a_false_claim_is_no_long_work(program, claim):
    (found,) = derive.check(program, [claim], timeout=10)
    assert found.verdict == "refuted"
