"""Pleasant numbers: the same for the same seed, inside every domain, on both sides of a kink."""

import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from programs import texts

from derive.circuits.backprop import backprop
from derive.circuits.circuit import circuit
from derive.circuits.pleasant import pleasant
from derive.expressions.errors import UnsupportedError
from derive.language.assumptions import ASSUMPTIONS, assumed, broken
from derive.language.parse import parse
from derive.readings.numbers import is_exact

MLP = (
    "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); b2: (1, m); T: (n, m); Z = X @ W1 + b1; "
    "H = relu(Z); Y = H @ W2 + b2; loss = sum((Y - T) ** 2) / (2 * n)"
)
PROGRAMS = {
    "affine": "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B",
    "network": MLP,
    "softmax": "X: (n, d); W: (d, m); T: (n, m); P = softmax(X @ W); L = -sum(T * log(P)) / n",
    "inverse": "A: (n, n); Y = inv(A)",
    "logdet": "A: (n, n); f = logdet(A)",
    "gauss": "A: (n, n); x: (n, 1); f = logdet(A) + x.T @ inv(A) @ x",
    "scalars": "q = x + y; f = q * z",
    "roots": "f = sqrt(x) * log(y) / z",
    "winners": "X: (n, d); Y = max(X, axis=1); f = sum(Y ** 2)",
    "norm": "X: (n, d); f = norm(X)",
    "layer-norm": "X: (n, d); C = X - mean(X, axis=1); H = C / sqrt(mean(C ** 2, axis=1) + 0.01)",
}


def trace(text, seed, **options):
    program = parse(text)
    found = pleasant(program, None, seed, **options)
    return backprop(circuit(program), found.sizes, found.values, found.seed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_numbers_are_small_distinct_and_off_every_kink(text, seed):
    found = trace(text, seed)
    assert not found.kinks
    for gate in found.circuit.gates:
        cells = [x for row in found.values[gate.place] for x in row]
        if gate.is_input:
            assert all(is_exact(x) and abs(x) <= 12 and x.q <= 4 for x in cells)
            assert len(cells) == 1 or len({str(x) for x in cells}) > 1
            assert 2 * sum(x == 0 for x in cells) <= len(cells)
        if gate.op == "relu":
            assert {bool(x > 0) for x in cells} == {True, False}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_a_seed_determines_the_numbers_and_another_changes_them(text):
    program = parse(text)
    points = [pleasant(program, None, seed) for seed in (7, 7, 8, -8, 9, 10)]
    assert points[0] == points[1]
    assert len({str(point) for point in points}) >= 3


def test_numbers_are_those_of_every_python():
    """Drawn once and written down: a change of `random` between versions would be seen here."""
    found = pleasant(parse(PROGRAMS["affine"]), {"n": 2, "d": 2, "m": 3}, seed=1)
    whole = {name: [[int(x) for x in row] for row in rows] for name, rows in found.values.items()}
    assert whole == PINNED
    script = (
        "from derive.language.parse import parse; from derive.circuits.pleasant import pleasant; "
        f"print(pleasant(parse({PROGRAMS['gauss']!r}), None, 3))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for hash_seed in ("1", "2")
    }  # fmt: skip
    assert len(answers) == 1


PINNED = {"X": [[3, -1], [1, -1]], "W": [[-1, 1, 2], [-3, -1, -1]], "B": [[-1, 1, 1]]}


def test_a_determinant_is_small_and_not_zero():
    for seed in range(6):
        for text in (PROGRAMS["inverse"], PROGRAMS["logdet"]):
            found = trace(text, seed)
            (a, b), (c, d) = found.values[0]
            assert 0 < abs(a * d - b * c) <= 2


@pytest.mark.parametrize("word", ASSUMPTIONS)
def test_an_assumption_is_obeyed(word):
    program = parse("A: (n, n); Y = A @ A")
    words = assumed(program, {"A": word})
    for seed in range(5):
        rows = pleasant(program, {"n": 3}, seed, assume=words).values["A"]
        assert broken(rows, [word]) == []


@pytest.mark.parametrize(
    ("word", "rows"),
    [
        ("symmetric", [[1, 2], [3, 1]]),
        ("spd", [[1, 2], [2, 1]]),
        ("invertible", [[1, 2], [2, 4]]),
        ("positive", [[1, 2], [0, 1]]),
        ("unit-interval", [["1/2", "1/2"], ["1/2", 1]]),
        ("row-stochastic", [["1/2", "1/2"], ["1/2", "1/4"]]),
        ("one-hot-rows", [[0, 1], [1, 1]]),
        ("binary", [[0, 1], [2, 1]]),
        ("sign", [[-1, 1], [0, 1]]),
    ],
)
def test_given_numbers_that_break_an_assumption_are_refused(word, rows):
    program = parse("A: (n, n); Y = A @ A")
    with pytest.raises(UnsupportedError, match=f"A is not {word}"):
        pleasant(program, None, 1, {"A": rows}, assumed(program, {"A": word}))


def test_given_numbers_stay_and_the_upstream_gradient_is_found():
    program = parse("X: (n, d); W: (d, m); Y = X @ W")
    found = pleasant(program, None, 1, {"X": [[1, 2], [3, 4], [5, 6]]})
    assert found.values["X"][2] == [Fraction(5), Fraction(6)]
    assert found.sizes["n"] == 3 and len(found.values["W"]) == 2 and len(found.seed) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X: (n, d); f = sum(log(-(X ** 2)))", "the logarithm of"),
        ("X: (n, d); f = sum(1 / (X - X))", "division by zero"),
        ("X: (n, d); f = sum(relu(X - X))", "relu(X - X) was at its kink"),
        ("X: (n, d); f = sum(max(X, X + 0))", "had a tie"),
    ],
)
def test_a_program_without_numbers_says_what_stood_in_the_way(text, message):
    with pytest.raises(UnsupportedError) as caught:
        pleasant(parse(text), None, 1)
    assert message in str(caught.value) and "tries" in str(caught.value)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts(depth=2))
def test_a_random_program_has_numbers_that_pass_every_check(text):
    program = parse(text)
    found = pleasant(program, None, 5)
    backprop(circuit(program), found.sizes, found.values, found.seed)
    assert found == pleasant(program, None, 5)
