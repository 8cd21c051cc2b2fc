"""Explicit matrices and their partial derivatives, against differences of a plain evaluation."""

import subprocess
import sys

import mpmath
import pytest

from derive.algebra.forms import Budget, TooLarge
from derive.algebra.normal import Ring
from derive.expressions.errors import ProofError
from derive.judges.verify import insist, verify
from derive.language.parse import parse
from derive.proof.explain import explain
from derive.readings.entries import SLOPES, Explicit

SIZES = {"n": 2, "d": 3}


def evaluated(ring: Ring, form: dict, values: dict) -> mpmath.mpf:
    def atom(number: int) -> mpmath.mpf:
        kind, *rest = ring.atoms[number]
        if kind == "x":
            name, i, j = rest
            return values[name][i][j]
        if kind == "n":
            return mpmath.pi
        inner = evaluated(ring, ring.thaw(rest[0]), values)
        named = {"normcdf": mpmath.ncdf, "pow": lambda base: base}
        return named.get(kind, getattr(mpmath, kind, None))(inner)

    return mpmath.fsum(
        mpmath.mpf(c.numerator) / c.denominator
        * mpmath.fprod(atom(a) ** (mpmath.mpf(e.numerator) / e.denominator) for a, e in monomial)
        for monomial, c in form.items()
    )  # fmt: skip


PROGRAMS = [
    "X @ X.T",
    "X ** 3",
    "X / sum(X, axis=1)",
    "exp(X) / sum(exp(X))",
    "sqrt(X) * X",
    "relu(X) + abs(X)",
    "max(X, 1 / 2)",
    "sigmoid(X)",
    "tanh(X)",
    "softplus(X)",
    "tan(X / 9)",
    "log(1 + X ** 2)",
    "sqrt(X ** 2)",
    "sin(X) * cos(X)",
    "1 / (1 / X + X)",
    "X * (X > 1)",
    "sum(X) ** 2 * ones(n, d)",
    "(X ** 2) ** (3 / 2)",
    "gelu(X)",
    "normpdf(X) / (1 + normcdf(X))",
    "X / abs(X - 1) ** 3",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_partials_agree_with_differences(text):
    expr = parse(f"X: (n, d); Y = {text}").statements[0].expr
    explicit = Explicit(Ring(SIZES))
    ring = explicit.ring

    def rows(i=0, j=0, step=0) -> dict:
        cells = [[mpmath.mpf(3 + 5 * p + 7 * q) / 11 for q in range(3)] for p in range(2)]
        cells[i][j] += step
        return {"X": cells}

    with mpmath.workdps(40):
        h = mpmath.mpf(10) ** -12
        for form in explicit.matrix(expr)[1]:
            partials = explicit.partials(form)
            for i, j in ((0, 0), (1, 2)):
                atom = ring.atom(("x", "X", i, j))
                ours = evaluated(ring, partials.get(atom, {}), rows())
                theirs = evaluated(ring, form, rows(i, j, h)) - evaluated(
                    ring, form, rows(i, j, -h)
                )
                assert abs(ours - theirs / (2 * h)) < 1e-9


def test_polynomials_that_differ_in_names_are_differentiated_once():
    explicit = Explicit(Ring({"n": 4, "d": 4}))
    for row in explicit.matrix(parse("X: (n, d); Y = X ** 3 + X").statements[0].expr):
        for form in row:
            assert len(explicit.partials(form)) == 1
    assert len(explicit.patterns) == 1


@pytest.mark.parametrize(
    ("kind", "program"),
    [
        ("exp", "X: (n, d); Y = exp(X)"),
        ("log", "X: (n, d); Y = log(X)"),
        ("sin", "X: (n, d); Y = sin(X)"),
        ("cos", "X: (n, d); Y = cos(X)"),
        ("normcdf", "X: (n, d); Y = normcdf(X)"),
        ("pow", "X: (n, d); Y = X / (1 + X)"),
    ],
)
def test_with_a_wrong_derivative_written_out_nothing_is_proved(monkeypatch, kind, program):
    """The judge over indices has derivatives of its own; one of the two objects."""
    assert kind in SLOPES
    right = SLOPES[kind]
    monkeypatch.setitem(SLOPES, kind, lambda ring, x: ring.scale(2, right(ring, x)))
    with pytest.raises(ProofError):  # the direct road: by parts no power of a sum is met
        insist(verify(explain(parse(program))))


@pytest.mark.parametrize("formula", ["sum(X)", "tr(X)", "sum(X, axis=0)", "X @ X"])
def test_what_is_written_out_is_paid_for(formula):
    """The first sums of a product cost nothing but their length."""
    expr = parse(f"X: (n, n); Y = {formula}").statements[0].expr
    with pytest.raises(TooLarge):
        Explicit(Ring({"n": 30}, budget=Budget(25))).matrix(expr)


def test_a_trace_of_a_high_power_is_given_up_before_memory_is():
    expr = parse("X: (n, n); f = tr(X @ X @ X @ X @ X @ X @ X @ X)").statements[0].expr
    budget = Budget(200_000)
    with pytest.raises(TooLarge):
        Explicit(Ring({"n": 4}, budget=budget)).matrix(expr)


def test_nothing_here_needs_sympy():
    code = (
        "import sys, derive; derive.prove('Z: (n, k); S = softmax(tanh(Z))').render('md'); "
        "derive.check('X: (n, m); Y = gelu(X)', 'dX = dY'); print('sympy' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
