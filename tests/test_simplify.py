"""Rewrites: the textbook form, and the same numbers before and after."""

from itertools import pairwise

import mpmath
import pytest
from hypothesis import HealthCheck, given, settings
from programs import DIGITS, evaluate, matrix, point, run, texts

from derive.calculus.simplify import simplify
from derive.expressions.expr import Expr
from derive.language.parse import parse

DECLARED = "A: (n, n); B: (n, n); X: (n, d); W: (d, m); b: (1, d); c: (n, 1); s: (); t: (); F = "


def read(text: str) -> Expr:
    return parse(DECLARED + text).statements[0].expr


SIMPLIFIED = [
    ("X.T.T", "X"),
    ("1 * X", "X"),
    ("X * 1 / 1", "X"),
    ("0 * X + X", "X"),
    ("X - 0 * X", "X"),
    ("0 * X", "zeros(n, d)"),
    ("(A @ B).T", "B.T @ A.T"),
    ("(A.T @ B).T", "B.T @ A"),
    ("eye(n) @ A @ eye(n)", "A"),
    ("A @ (B @ c)", "A @ B @ c"),
    ("2 * X * 3", "6 * X"),
    ("2 * (X / 4)", "X / 2"),
    ("-(-X)", "X"),
    ("X + -X * 2", "-X"),
    ("X + X", "2 * X"),
    ("s + s", "2 * s"),
    ("3 * X - X", "2 * X"),
    ("A - (-B)", "A + B"),
    ("(-A) + B", "B - A"),
    ("-(A - B)", "B - A"),
    ("s * (t * X)", "s * t * X"),
    ("sum(X * s)", "sum(X) * s"),
    ("sum(2 * X, axis=0)", "2 * sum(X, axis=0)"),
    ("(2 * X) @ (3 * W)", "6 * (X @ W)"),
    ("(X / n) @ W", "X @ W / n"),
    ("sum(sum(X, axis=0))", "sum(X)"),
    ("sum(ones(n, d))", "n * d"),
    ("sqrt(s) ** 2", "s"),
    ("(X.T * X.T).T", "X ** 2"),
    ("sum(X.T, axis=0).T", "sum(X, axis=1)"),
    ("X * X / X", "X"),
    ("X * X * X", "X ** 3"),
    ("A * eye(n)", "A * eye(n)"),
    ("A @ A", "A @ A"),
    ("A * B - B * A.T", "A * B - B * A.T"),
]


@pytest.mark.parametrize("text, expected", SIMPLIFIED, ids=[text for text, _ in SIMPLIFIED])
def test_textbook_form(text, expected):
    assert str(simplify(read(text))[0]) == expected


@pytest.mark.parametrize("text, expected", SIMPLIFIED, ids=[text for text, _ in SIMPLIFIED])
def test_a_simple_form_stays(text, expected):
    simple = simplify(read(text))[0]
    assert simplify(simple) == (simple, ())


def test_each_rewrite_starts_where_the_last_one_ended():
    start = read("(2 * X * 3).T.T + 0 * X")
    found, rewrites = simplify(start)
    assert rewrites[0].before is start and rewrites[-1].after is found
    assert all(a.after is b.before for a, b in pairwise(rewrites))
    assert all(r.before is not r.after for r in rewrites)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(texts(statements=1))
def test_numbers_stay_the_same(text):
    program = parse(text)
    sizes = dict(zip(program.dims, (2, 3, 4)))
    with mpmath.workdps(DIGITS):
        values = {name: matrix(rows) for name, rows in point(program, sizes).items()}
        expected = run(program, values, sizes)[str(program.output)]
        expr, rewrites = simplify(program.statements[0].expr)
        for step in (expr, *(r.after for r in rewrites)):
            found = evaluate(str(step), values, sizes)
            assert found.shape == expected.shape
            assert abs(found - expected).max() <= 1e-25 * (1 + abs(expected).max())
