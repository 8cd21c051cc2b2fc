"""Names for what occurs again: which, with which letters, and that the text never grows."""

import pytest

from derive.expressions.expr import operators
from derive.language.parse import parse
from derive.proof.naming import named

SHAPES = "A: (n, n); B: (n, n); X: (n, d); Z: (n, d); u: (n, 1); v: (n, 1); s: ()"
#: Formulas, and what they become with the definitions before them.
CASES = {
    "twice": ("exp(A @ B) + X @ X.T; u.T @ exp(A @ B)", "E = exp(A @ B); E + X @ X.T; u.T @ E"),
    "once": ("exp(A @ B); A @ B @ X", "exp(A @ B); A @ B @ X"),
    "up to a transpose": (
        "A @ (X @ Z.T + B); u.T @ (Z @ X.T + B.T)",
        "C = X @ Z.T + B; A @ C; u.T @ C.T",
    ),
    "of a function of entries": (
        "exp(X @ Z.T / s) @ A; exp(Z @ X.T / s) @ B",
        "E = exp(X @ Z.T / s); E @ A; E.T @ B",
    ),
    "of sums along an axis": (
        "sum(A * B, axis=1) * X; sum(B.T * A.T, axis=0) @ Z",
        "sum(A * B, axis=1) * X; sum(B.T * A.T, axis=0) @ Z",
    ),
    "a symmetric one needs no transpose": (
        "A @ (X @ X.T + B @ B.T); (X @ X.T + B @ B.T).T @ Z",
        "C = X @ X.T + B @ B.T; A @ C; C @ Z",
    ),
    "a repeated column has its own name": (
        "X * sqrt(u + v); Z / sqrt(u + v)",
        "c = sqrt(u + v); X * c; Z / c",
    ),
    "one in another": (
        "exp(A @ B + B) @ X; exp(A @ B + B) @ Z; (A @ B + B) @ X",
        "C = A @ B + B; exp(C) @ X; exp(C) @ Z; C @ X",
    ),
    "one operator three times": (
        "tanh(A) @ X; tanh(A) @ Z; tanh(A) @ u", "H = tanh(A); H @ X; H @ Z; H @ u",
    ),
    "one operator twice is no reason": ("tanh(A) @ X; tanh(A) @ Z", "tanh(A) @ X; tanh(A) @ Z"),
    "but softmax is": ("softmax(A) @ X; softmax(A) @ Z", "P = softmax(A); P @ X; P @ Z"),
    "a sum is none": ("(1 - A) @ X; (1 - A) @ Z; 1 - A", "(1 - A) @ X; (1 - A) @ Z; 1 - A"),
    "a transpose is none": ("A.T @ X; A.T @ Z; A.T @ u", "A.T @ X; A.T @ Z; A.T @ u"),
    "masks": ("(A > B + 1) @ X; (A > B + 1) @ Z", "M = A > B + 1; M @ X; M @ Z"),
    "sizes alone": ("A / (2 * n * n); B / (2 * n * n)", "A / (2 * n * n); B / (2 * n * n)"),
    "whole formulas": ("A @ B @ X; A @ B @ X", "A @ B @ X; A @ B @ X"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_occurs_again_has_a_name(case):
    before, after = CASES[case]
    formulas = [f"F{k} = {one}" for k, one in enumerate(before.split("; "), 1)]
    program = parse("; ".join([SHAPES, *formulas]))
    given = {program.leaves[s.name]: s.expr for s in program.statements}
    found = named(given, program)
    shown = [*(f"{name} = {value}" for name, value in found.definitions),
             *map(str, found.formulas.values())]  # fmt: skip
    assert shown == after.split("; ")
    assert found.length <= sum(map(operators, given.values()))


def test_names_that_are_given():
    program = parse("X: (n, d); W: (d, m); H = tanh(X @ W); F = (H @ W.T) @ X.T; K = exp(W @ H.T)")
    given = {program.leaves[n]: program.defining(n).expr for n in ("F", "K")}
    natural = {(program.leaves["H"] @ program.leaves["W"].T): program.leaves["X"]}
    ((name, value),) = named(given, program, natural).definitions
    assert (str(name), str(value)) == ("X", "H @ W.T")


@pytest.mark.parametrize(
    ("taken", "letter"),
    [("", "P"), ("P: (n, n)", "S"), ("p: ()", "S"), ("P1: (n, n)", "S"), ("P: (s, n)", "A"),
     ("P: (n, n); S: (n, n)", "A")],
)  # fmt: skip
def test_a_letter_that_means_something_is_not_taken(taken, letter):
    program = parse(
        f"X: (n, n); Y: (n, n); {taken + ';' * bool(taken)} F = softmax(X) @ softmax(X)"
    )
    given = {program.output: program.statements[-1].expr}
    ((name, _),) = named(given, program).definitions
    assert str(name) == letter
