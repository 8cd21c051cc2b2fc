"""Printers: boxes to LaTeX and to a line of Unicode; how wide a formula is, and where it breaks."""

import pytest

from derive.expressions.layout import Box, frac, num, op, paren, row, sub, sup, word
from derive.notation.latex import broken, latex, width
from derive.notation.text import text


def letter(name: str) -> Box:
    return Box("id", text=name)


@pytest.mark.parametrize(
    ("box", "tex", "line"),
    [
        (letter("x"), "x", "x"),
        (letter("alpha"), r"\alpha", "α"),
        (letter("lam"), r"\lambda", "λ"),
        (letter("hidden"), r"\mathit{hidden}", "hidden"),
        (word("tr"), r"\operatorname{tr}", "tr"),
        (word("exp"), r"\exp", "exp"),
        (sub(letter("W"), num(12)), "W_{12}", "W₁₂"),
        (sup(letter("W"), op("top")), r"W^{\top}", "Wᵀ"),
        (sup(letter("x"), num(2)), "x^{2}", "x²"),
        (frac(num(1), letter("n")), r"\frac{1}{n}", "1/n"),
        (Box("root", (letter("x"),)), r"\sqrt{x}", "√(x)"),
        (paren(letter("x")), "(x)", "(x)"),
        (paren(frac(num(1), num(2))), r"\left(\frac{1}{2}\right)", "(1/2)"),
        (row(op("partial"), letter("L")), r"\partial L", "∂L"),
        (row(letter("alpha"), letter("x")), r"\alpha x", "αx"),
        (row(letter("A"), op("odot"), letter("B")), r"A \odot B", "A ⊙ B"),
        (Box("under", (letter("X"), letter("n"))), r"\underset{n}{X}", "X"),
    ],
)
def test_a_box(box, tex, line):
    assert (latex(box), text(box)) == (tex, line)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("x", "x + y"),
        ("x_{1}", "x_{11}"),
        (r"\frac{a}{b}", r"\frac{a + b}{c}"),
        (r"\tanh(x)", r"\tanh(x)\tanh(x)"),
        ("\\begin{pmatrix}\na & b\n\\end{pmatrix}", "\\begin{pmatrix}\na & b & c\n\\end{pmatrix}"),
    ],
)
def test_what_is_longer_is_wider(narrow, wide):
    assert 0 < width(narrow) < width(wide)


def test_columns_of_a_matrix_stand_under_each_other():
    once = width("\\begin{pmatrix}\na & b\n\\end{pmatrix}")
    assert width("\\begin{pmatrix}\na & b \\\\\na & b\n\\end{pmatrix}") == once


def letters(*names: str, between: str) -> Box:
    parts = [letter(names[0])]
    for name in names[1:]:
        parts += [op(between), letter(name)]
    return row(*parts)


@pytest.mark.parametrize(
    ("box", "most", "lines"),
    [
        (letters("a", "b", "c", between="plus"), 50, ["a + b + c"]),
        (letters("a", "b", "c", between="plus"), 6, ["a + b", "{} + c"]),
        (letters("a", "b", "c", between="minus"), 6, ["a - b", "{} - c"]),
        (letters("a", "b", "c", between="odot"), 6, [r"a \odot b", r"{} \odot c"]),
        (letters("a", "b", "c", between="thin"), 2, ["a", r"{} \cdot b", r"{} \cdot c"]),
        (
            row(word("exp"), paren(letters("a", "b", "c", "x", between="plus"))),
            12,
            [r"\exp\Bigl(a + b", "{} + c", r"{} + x\Bigr)"],
        ),
        (
            frac(letters("a", "b", "c", "x", between="plus"), letter("n")),
            9,
            [r"\frac{1}{n}\Bigl(a + b", r"{} + c", r"{} + x\Bigr)"],
        ),
    ],
)
def test_a_long_formula_is_broken(box, most, lines):
    assert broken(box, most) == lines


def test_what_cannot_be_broken_stays_whole():
    assert broken(letter("hidden"), 2) == [r"\mathit{hidden}"]
