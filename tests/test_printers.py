"""Printers: boxes to LaTeX and to a line of Unicode; how wide a formula is, and where it breaks."""

import pytest

from derive.expressions.layout import Box, frac, num, op, paren, row, sub, sup, word
from derive.notation.displays import broken
from derive.notation.latex import latex
from derive.notation.text import text
from derive.notation.widths import width


def letter(name: str) -> Box:
    return Box("id", text=name)


@pytest.mark.parametrize(
    ("box", "tex", "line"),
    [
        (letter("x"), "x", "x"),
        (letter("alpha"), r"\alpha", "α"),
        (letter("lam"), r"\lambda", "λ"),
        (letter("Xhat"), r"\hat{X}", "X\u0302"),
        (letter("mubar"), r"\bar{\mu}", "μ\u0304"),
        (letter("chat"), r"\hat{c}", "c\u0302"),
        (letter("that1hat"), r"\mathit{that1hat}", "that1hat"),
        (letter("hidden"), r"\mathit{hidden}", "hidden"),
        (word("tr"), r"\operatorname{tr}", "tr"),
        (word("exp"), r"\exp", "exp"),
        (sub(letter("W"), num(12)), "W_{12}", "W₁₂"),
        (sup(letter("W"), op("top")), r"W^{\top}", "Wᵀ"),
        (sup(letter("x"), num(2)), "x^{2}", "x²"),
        (frac(num(1), letter("n")), r"\frac{1}{n}", "1/n"),
        (Box("root", (letter("x"),)), r"\sqrt{x}", "√x"),
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


def matrix(*lines: str) -> Box:
    return Box("matrix", tuple(Box("row", tuple(map(letter, line))) for line in lines), "round")


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (letter("x"), row(letter("x"), op("plus"), letter("y"))),
        (sub(letter("x"), num(1)), sub(letter("x"), num(11))),
        (frac(letter("a"), letter("b")), frac(row(letter("a"), op("plus"), num(2)), num(3))),
        (word("tanh"), row(word("tanh"), paren(letter("x")))),
        (matrix("ab"), matrix("abc")),
        (Box("filled", (Box("slot", text="i"), num(3)), "i"), num(12)),
        (num(1), Box("filled", (Box("slot", text="i"), num(12)), "i")),
    ],
)
def test_what_is_longer_is_wider(narrow, wide):
    assert 0 < width(narrow) < width(wide)


def test_columns_of_a_matrix_stand_under_each_other():
    assert width(matrix("ab", "ab")) == width(matrix("ab"))


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
            [r"\exp\Bigl(a + b", r"{} + c + x\Bigr)"],
        ),
        (
            frac(letters("a", "b", "c", "x", between="plus"), letter("n")),
            9,
            [r"\frac{1}{n}\Bigl(a + b", r"{} + c", r"{} + x\Bigr)"],
        ),
    ],
)
def test_a_long_formula_is_broken(box, most, lines):
    assert [latex(line) for line in broken(box, most)] == lines


def test_what_cannot_be_broken_stays_whole():
    assert broken(letter("hidden"), 2) == [letter("hidden")]
