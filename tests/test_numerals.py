"""A number is written the way the user wrote it, in formulas, mathematics and code."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive import gradient, prove
from derive.judges.claim import Court
from derive.language.parse import parse

KEPT = {
    "Y = X + 1e-5": {"1e-5"},
    "Y = X + 1E-05": {"1e-5"},
    "Y = X * .5": {"0.5"},
    "Y = X * 1.70 - 1_000.25": {"1.70", "1000.25"},
    "Y = -0.1 * X": {"0.1"},
    "Y = X * 1e6": {"1e6"},
    "Y = X + 1/9": set(),  # a quotient is one
    "Y = 2.0 * X + 3. + 1e1": set(),  # no shorter than the number
    "Y = X ** 0.5": set(),  # an exponent stands nowhere by itself
    "Y = X * 0.25 * (0.5 - 0.25)": {"0.25"},
}


@pytest.mark.parametrize("text", KEPT)
def test_what_is_remembered(text):
    program = parse(f"X: (n, m); {text}")
    assert set(program.numerals.values()) == KEPT[text]
    for value, numeral in program.numerals.items():
        assert Fraction(numeral) == value


SHOWN = {
    "s = mean(X, axis=1); Y = X / (s * s + 1e-5)": ("1e-5", "10^{-5}"),
    "Y = 0.1 * X": ("0.1 * dY", "0.1"),
    "Y = where(X > 0, X, -0.01 * X)": ("where(X > 0, dY, -0.01 * dY)", "-0.01"),
    "Y = log(X + 2.5e-3)": ("2.5e-3", "2.5 \\cdot 10^{-3}"),
    "Y = 0.3 * X * X * X / n": ("9 * dY * X ** 2 / (10 * n)", "\\frac{9}{10n}"),  # derived
    "Y = 0.5 * X": ("dY / 2", "\\frac{1}{2}"),  # as derivatives leave halves
    "Y = 0.3 * X / n": ("0.3 * dY / n", "\\frac{0.3}{n}"),
}


@pytest.mark.parametrize("text", SHOWN)
def test_a_gradient_shows_it_and_is_read_back(text):
    shapes = {"X": ("n", "m")}
    found = gradient(text, shapes)
    plain, mathematics = SHOWN[text]
    assert plain in "; ".join([*found.values(), *(value for _, value in found.statements)])
    assert mathematics in "; ".join(found.latex.values())
    assert Court(text, shapes, {}).judge(found.claim("X")).verdict == "proved"


def test_a_document_and_code_show_it():
    program = "X: (n, m); Y = log(X * X + 1e-5)"
    for detail in ("full", "lecture"):
        page = prove(program, detail=detail).to_markdown()
        assert "10^{-5}" in page and "100000" not in page
    for library in ("numpy", "torch", "jax"):
        code = gradient(program, code=library)
        assert "1e-5" in code and "100000" not in code
