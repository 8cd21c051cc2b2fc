"""Documents: options, fragments, templates of a user, and what a template may rely on."""

import re

import pytest

from derive.documents.page import template_folder
from derive.documents.pipeline import prove
from derive.expressions.errors import OutputError, UnsupportedError
from derive.notation.mathematics import Style

AFFINE = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
TWICE = "X: (n, n); Y = exp(X); Z = Y @ X"


@pytest.fixture(scope="module")
def affine():
    return prove(AFFINE, at={"n": 2, "d": 2, "m": 3})


def document(program: str = AFFINE, form: str = "md", detail: str = "one", **style) -> str:
    return prove(program, detail=detail, style=Style(elide=6, **style)).render(form)


def test_the_document_has_its_parts_in_order(affine):
    marks = ["**Setting.**", "Kronecker", "**Theorem.**", "## Forward",
             "## The gradient of $L$ with respect to $X$",
             "**Proof at $n = 2$", "*One entry, slowly.*", "*All entries*", "*Assembled*",
             r"\blacksquare", "**Proof for every shape.**", "For every entry",
             "## The gradient of $L$ with respect to $W$", "## To remember",
             "**What was checked.**"]  # fmt: skip
    places = [affine.to_markdown().index(mark) for mark in marks]
    assert places == sorted(places)


def test_every_reference_has_its_equation(affine):
    text = affine.to_latex()
    labels = re.findall(r"\\label\{([^}]*)\}", text)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"\\eqref\{([^}]*)\}", text)) <= set(labels)
    page = affine.to_markdown()
    numbers = {a or b for a, b in re.findall(r"\\qquad \((\d+)\)$|^\| \((\d+)\) \|", page, re.M)}
    assert set(re.findall(r"\((\d+)\)", page)) <= numbers


@pytest.mark.parametrize(
    ("detail", "there", "missing"),
    [
        ("full", ["*All entries*", "*Assembled*", "for every shape"], []),
        ("one", ["*One entry, slowly.*", "*Assembled*", "for every shape"], ["*All entries*"]),
        ("brief", ["for every shape"], ["*One entry, slowly.*", "*Assembled*", "## Forward"]),
    ],
)
def test_the_detail(detail, there, missing):
    text = document(detail=detail)
    assert [mark for mark in there if mark not in text] == []
    assert [mark for mark in missing if mark in text] == []


@pytest.mark.parametrize(
    ("style", "there", "missing"),
    [
        ({"brackets": "square"}, "bmatrix", "pmatrix"),
        ({"base": 0}, "x_{00}", "_{33}"),
        ({"gradients": "short"}, "g_{11}", r"\partial y_{11}}\,"),
        ({"loss": "J"}, r"\partial J", r"\partial L"),
    ],
)
def test_the_notation(style, there, missing):
    text = document(**style)
    assert there in text and missing not in text


def test_a_fragment_has_no_preamble_and_its_own_labels(affine):
    text = affine.to_latex(fragment=True, prefix="layer:")
    assert r"\documentclass" not in text and r"\begin{document}" not in text
    assert r"\mathbb" not in text, "amssymb may not be loaded"
    assert r"\label{layer:1}" in text and r"\label{derive:" not in text


def test_a_program_of_scalars_does_not_speak_of_matrices():
    text = document("t = x + y; z = t ** 2", detail="full")
    for word in ("matrix", "shape of", "row", "column", "entries of"):
        assert word not in text.split("## What was checked")[0], word


def test_a_part_of_a_gradient_is_introduced_in_words():
    assert "used more than once" in document(TWICE)
    assert "used more than once" not in document()


@pytest.mark.parametrize("prefix", ["a b", "x}", "50%", "\\y", "#"])
def test_a_prefix_that_would_break_labels_is_refused(prefix, affine):
    with pytest.raises(UnsupportedError, match="prefix"):
        affine.to_latex(prefix=prefix)


def test_an_unknown_format_is_refused(affine):
    with pytest.raises(UnsupportedError, match="no format docx"):
        affine.render("docx")


# -- templates -------------------------------------------------------------------------------------


def example_of_the_readme() -> str:
    """Return the template that templates/README.md shows."""
    readme = (template_folder() / "README.md").read_text("utf-8")
    return re.search(r"```jinja\n(.*?)```", readme, re.S)[1]


def test_a_template_of_a_user_overrides_one_block(tmp_path, affine):
    (tmp_path / "markdown").mkdir()
    (tmp_path / "markdown" / "heading.md").write_text(example_of_the_readme(), "utf-8")
    ours, theirs = affine.to_markdown(), affine.to_markdown(templates=tmp_path)
    assert theirs.startswith("# Lecture 3")
    assert theirs.partition("\n")[2] == ours.partition("\n")[2]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("<% block title %>", "markdown/heading.md"),
        ("<< b.nothing >>", "nothing"),
        ("<% extends 'no/such.md' %>", "no/such.md"),
        ("<< b.words | shout >>", "shout"),
    ],
)
def test_a_bad_template_is_an_error_in_one_sentence(template, message, tmp_path, affine):
    (tmp_path / "markdown").mkdir()
    (tmp_path / "markdown" / "heading.md").write_text(template, "utf-8")
    with pytest.raises(OutputError, match=message):
        affine.to_markdown(templates=tmp_path)


def test_a_folder_of_templates_that_is_not_there_is_an_error(tmp_path, affine):
    with pytest.raises(OutputError, match="no folder"):
        affine.to_markdown(templates=tmp_path / "none")


@pytest.mark.parametrize(
    ("formula", "asked"),
    [
        ("inv(s + s)", r"$s + s \ne 0$"),
        ("1 / (s * s)", r"\ne 0$"),
        ("norm(vec(s))", r"\ne 0$"),
        ("logdet(s * s * s)", r"> 0$"),
        ("log(s)", r"$s > 0$"),
        ("tan(s)", r"$\cos(s) \ne 0$"),
        ("max(s, exp(s))", r"$s \ne \exp"),
    ],
)
def test_a_hypothesis_about_a_scalar_has_words(formula, asked):
    proof = prove(f"s: (1, 1); L = {formula}")
    assert asked in proof.to_markdown() and proof.to_latex()
