"""The MathML of what is printed, read back by a reader that does not know the printer."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from markup import tex
from test_print_back import LEMMAS, PROGRAMS, STYLES, Judged, derived

from derive.expressions.layout import Box, frac, num, op, paren, row, sub, sup, word
from derive.notation.displays import broken, narrowed
from derive.notation.mathml import displayed, inline, mathml


class Marked(Judged):
    """A derivation whose sides are printed as MathML."""

    rooms = (24.0,)

    def printed(self, math, step, room: float):
        box = (self.notation.sized if step.sized else self.notation.math)(math)
        lines = broken(narrowed(box, room), room)
        return " ".join(tex(mathml(line)) for line in lines)


CASES = [(text, STYLES[0], "full") for text in PROGRAMS]
CASES += [(text, style, "full") for text in PROGRAMS[:2] for style in STYLES[1:]]
CASES += [(text, STYLES[0], "lecture") for text in LEMMAS]


@pytest.mark.parametrize(("text", "style", "detail"), CASES)
def test_markup_says_what_was_proved(text, style, detail):
    assert Marked(derived(text, detail), style).compare() > 5


class Mistaken(Marked):
    """One sign of the markup is another."""

    def __init__(self, derivation, style, lemma=None, *, wrong=("", "")):
        super().__init__(derivation, style, lemma)
        self.wrong = wrong

    def printed(self, math, step, room: float):
        old, new = self.wrong
        return super().printed(math, step, room).replace(old, new)


@pytest.mark.parametrize("wrong", [("-", "+"), (r"\odot", r"\oslash"), (r"^{\top}", "")])
def test_another_sign_is_seen(wrong):
    derivation = derived("A: (n, d); B: (n, d); V: (d, n); Y = (A * B) @ V - A @ B.T", "full")
    with pytest.raises(AssertionError):
        Mistaken(derivation, STYLES[0], wrong=wrong).compare()


x, W, i, j = (Box("id", text=name) for name in ("x", "W", "i", "j"))


@pytest.mark.parametrize(("box", "read"), [
    (sub(sup(W, paren(num(1), "flat")), row(i, j)), "W^{( 1 )}_{i j}"),
    (sup(sub(x, i), op("top")), r"x_{i}^{\top}"),
    (row(num(2), op("cdot"), frac(num(1), x)), r"2 \cdot \frac{1}{x}"),
    (row(word("tr"), paren(frac(x, num(2)))), r"\operatorname{tr}  \left( \frac{x}{2} \right)"),
    (Box("id", text="hidden"), r"\mathit{hidden}"),
    (Box("id", text="xhat"), r"\hat{x}"),
    (Box("at", (x, num(0))), r"x \right\rvert_{0}"),
    (Box("frame", (Box("gap", text="a"),)), "(a) ?"),
])  # fmt: skip
def test_a_box_is_read_back(box, read):
    assert tex(mathml(box)).split() == read.split()
    ElementTree.fromstring(displayed(box))


def test_a_long_formula_breaks_in_a_line_of_text():
    pieces = inline(row(x, *[op("plus"), x] * 29)).split("<wbr/>")
    read = [tex(piece.partition(">")[2].removesuffix("</math>")).split() for piece in pieces]
    assert 2 < len(read) < 8 and [part[0] for part in read[1:]] == ["+"] * (len(read) - 1)
    assert sum(part.count("x") for part in read) == 30
    assert inline(x).count("<math") == 1


@pytest.mark.parametrize("name", ["<b>", "a&b", '"', "x'y"])
def test_a_name_is_text(name):
    element = ElementTree.fromstring(displayed(row(Box("id", text=name), word(name))))
    assert "".join(element.itertext()).count(name) == 2
    assert element.get("alttext") == name * 2
