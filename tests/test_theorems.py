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
)

#: False claims at which the algebra once worked for a minute before any point was tried.
FALSE = (("s: (); L = softplus(s)", "ds = sigmoid(s * 1.001)"),)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_simple_theorem_is_proved(program):
    assert derive.prove(program, detail="brief").proved


@pytest.mark.parametrize(("program", "claim"), FALSE)
def test_a_false_claim_is_no_long_work(program, claim):
    (found,) = derive.check(program, [claim], timeout=10)
    assert found.verdict == "refuted"
