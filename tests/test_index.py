"""Index calculus: derivatives with their deltas, and contraction, against plain loops."""

import mpmath
import pytest
from programs import number_of

from derive.calculus.deltas import contract
from derive.calculus.index import (
    Scalar,
    add,
    delta,
    differentiate,
    entry,
    free_indices,
    letters,
    mul,
    num,
    power,
    rename,
    total,
    written_out,
)
from derive.expressions.shape import Shape
from derive.language.parse import parse
from derive.readings.terms import Entries

N = ("x", Shape("n", "n"))
SIZES = {"n": 3, "d": 2, "m": 2}


def x(i, j) -> Scalar:
    return entry(N, i, j)


def numeric(term: Scalar, names: dict | None = None) -> mpmath.mpf:
    values = {
        name: [[mpmath.mpf(k + 2 * i * i + 5 * j + 1) / 7 for j in range(3)] for i in range(3)]
        for k, name in enumerate("xABXW")
    }
    return number_of(term, values, names or {}, SIZES)


CONTRACTED = {
    "one sum": (total("k", "n", mul(delta("k", "c"), x("i", "k"))), x("i", "c")),
    "two deltas": (
        total("k", "n", total("l", "n", mul(delta("k", "a"), delta("l", "c"), x("k", "l")))),
        x("a", "c"),
    ),
    "a delta of two sums": (
        total("k", "n", total("l", "n", mul(delta("k", "l"), x("k", "l")))),
        total("k", "n", x("k", "k")),
    ),
    "no index in the body": (
        total("k", "n", x("i", "j")),
        mul(Scalar("size", data="n"), x("i", "j")),
    ),
    "under a sum of terms": (
        total("k", "n", mul(x("i", "k"), add(delta("k", "a"), x("k", "k")))),
        add(x("i", "a"), total("k", "n", mul(x("i", "k"), x("k", "k")))),
    ),
}


@pytest.mark.parametrize("term, expected", CONTRACTED.values(), ids=CONTRACTED)
def test_contraction(term, expected):
    found = contract(term)
    names = {"i": 0, "j": 1, "a": 2, "c": 1}
    assert numeric(found, names) == numeric(term, names) == numeric(expected, names)
    assert "delta" not in kinds(found)


def kinds(term: Scalar) -> set[str]:
    return {term.kind}.union(*(kinds(arg) for arg in term.args))


DIFFERENTIATED = [
    "A @ B", "A @ A", "A.T @ A", "A * A", "tr(A) * A", "exp(A) @ A", "A / sum(A, axis=1)",
    "sum(A, axis=0) + A", "A ** 3", "relu(A) @ A.T", "mean(A) * A", "A @ (A @ A)", "eye(n) * A",
    "sqrt(A @ A.T)", "sigmoid(A) * tanh(A)", "log(sum(exp(A), axis=1)) * A",
]  # fmt: skip


@pytest.mark.parametrize("text", DIFFERENTIATED)
@pytest.mark.parametrize("raw", [True, False], ids=["with deltas", "contracted"])
def test_derivatives_agree_with_differences(text, raw):
    """∂y_ij/∂x_ac as a symbol, evaluated, against y_ij moved along x_ac."""
    program = parse(f"A: (n, n); B: (n, n); Y = {text} + 0 * B")
    tree = Entries("klpqruv").of(program.statements[0].expr, "i", "j")
    found = differentiate(tree, program.leaves["A"].data, "a", "c")
    found = found if raw else contract(found)
    with mpmath.workdps(40):
        for names in ({"i": 0, "j": 1, "a": 0, "c": 1}, {"i": 2, "j": 2, "a": 2, "c": 0}):
            assert abs(value(found, names) - moved(tree, names)) < 1e-9


def value(term: Scalar, names: dict, step: mpmath.mpf | int = 0) -> mpmath.mpf:
    rows = [[mpmath.mpf(2 * i * i + 5 * j + 3) / 7 for j in range(3)] for i in range(3)]
    other = [list(row) for row in rows]
    rows[names["a"]][names["c"]] += step
    return number_of(term, {"A": rows, "B": other}, names, SIZES)


def moved(tree: Scalar, names: dict) -> mpmath.mpf:
    h = mpmath.mpf(10) ** -12
    return (value(tree, names, h) - value(tree, names, -h)) / (2 * h)


def test_collecting():
    assert add(x("i", "j"), x("i", "j")) == mul(2, x("i", "j"))
    assert add(x("i", "j"), mul(-1, x("i", "j"))) == num(0)
    assert mul(x("i", "j"), x("i", "j")) == power(x("i", "j"), 2)
    assert mul(x("i", "j"), power(x("i", "j"), -1)) == num(1)
    assert power(mul(2, x("i", "j")), 2) == mul(4, power(x("i", "j"), 2))
    assert delta("i", "i") == num(1) and delta(0, 1) == num(0)
    assert power(delta("i", "j"), 3) == delta("i", "j")


def test_a_row_has_one_index():
    assert entry(("b", Shape(1, "m")), "i", "j").data == ("b", 0, "j")
    assert entry(("s", Shape(1, 1)), "i", "j").data == ("s", 0, 0)


def test_names():
    term = total("k", "n", mul(x("i", "k"), x("k", "j")))
    assert free_indices(term) == {"i", "j"}
    assert free_indices(rename(term, {"i": "p", "k": "q"})) == {"p", "j"}
    assert rename(term, {"k": "q"}) == term
    assert len(written_out(term, {"i": 0, "j": 1}, SIZES).args) == 3


def test_letters_avoid_the_names_of_the_program():
    found = letters({"i", "a", "n"})
    assert "i" not in found.output and "a" not in found.variable and "n" not in found.bound
    every = [*found.output, *found.variable, *found.bound]
    assert len(every) == len(set(every))
