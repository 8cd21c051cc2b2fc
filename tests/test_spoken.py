"""Formulas in the words of documents are read into layout, and say the same."""

import re

import pytest

from derive.documents.page import WORDS, template_folder
from derive.expressions.errors import FaultError
from derive.expressions.layout import num, op, row, sub
from derive.notation.latex import latex
from derive.notation.spoken import formula_of, mark, spoken
from derive.notation.text import text

SOURCE = re.sub(
    r"<#.*?#>", "", (template_folder() / WORDS.format("en")).read_text("utf-8"), flags=re.S
)
#: Every formula in the words that has no fact in it, as a template's string or its text has it.
FORMULAS = sorted({
    found.replace("\\\\", "\\")
    for found in re.findall(r"\$([^$<>%{}\"]*(?:\{[^$<>%\"]*)?)\$", SOURCE)
    if found.strip() and not re.search(r"[a-z]{3} |boxed", found)
})  # fmt: skip


def signs(shown):
    """What a formula consists of: spacing, groups and sizes of brackets left out."""
    same = shown.replace(r"\mathbb{R}", r"\mathbf{R}").replace(r"\thinspace", "").replace("~", "")
    same = same.replace(r"\dots", "…").replace(r"\langle", "⟨").replace(r"\rangle", "⟩")
    same = (
        same.replace("^{}", "")
        .replace(r"\circ", "∘")
        .replace(r"\text", r"\mathrm")
        .replace(r"\operatorname", r"\mathrm")
    )
    return re.findall(r"\\[A-Za-z]+|[^\s{}]", same.replace(r"\,", "").replace(r"\ ", ""))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_of_the_words_says_the_same_as_layout(formula):
    assert signs(latex(formula_of(formula))) == signs(formula)


def test_there_are_formulas_to_read():
    assert len(FORMULAS) > 60


FACTS = [sub(row(op("partial"), num(7)), num(3)), num(12)]


@pytest.mark.parametrize("said, shown", [
    (f"Let ${mark(1)} > 0$ and ${mark(0)}$.", "Let 12 > 0 and ∂7₃."),
    ("no mathematics", "no mathematics"),
    (rf"$\boxed{{$what is {mark(1)}$}}$", f"[what is {mark(1)}]"),
    (r"$-t$, $a - b$, $a = -b$", "-t, a - b, a = -b"),
])  # fmt: skip
def test_facts_stand_where_they_are_told(said, shown):
    assert spoken(said, FACTS, text, ("[", "]")) == shown


@pytest.mark.parametrize("formula", [
    r"\unknown", r"\frac{1}", "(a", "{a", r"\operatorname{a", "a^", r"\mathbf{Q}", "a}", r"\sum_",
])  # fmt: skip
def test_what_cannot_be_read_is_a_fault(formula):
    with pytest.raises(FaultError, match="cannot be read"):
        formula_of(formula)
