"""Documents in another language: every message is translated, and nothing of English is left."""

from __future__ import annotations

import re
import shutil
import string
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any

import pytest
from test_words import MACRO, stray

import derive
from derive.catalogue import load, names
from derive.command.cli import main
from derive.documents.check import render_check
from derive.documents.graph import render_graph
from derive.documents.graphs import graph
from derive.documents.page import SHARED, WORDS, Document, _environment
from derive.documents.sheet import KINDS
from derive.expressions.errors import OutputError, ShapeError, UnsupportedError
from derive.expressions.layout import Box, frac, num, op, paren, row, sub, sup, word
from derive.expressions.limits import STAGES
from derive.judges.claim import Court
from derive.judges.judgement import Judgement
from derive.language.assumptions import ASSUMPTIONS, TABLE
from derive.notation import messages
from derive.notation.escape import latex_code, markdown_code
from derive.notation.messages import hypothesis, language, languages, say, speaking, translated
from derive.notation.particles import CLOSED, LIQUID, OPEN, UNKNOWN

FOLDER = messages.template_folder()
OTHERS = languages()[1:]
#: Words that a Korean text writes in Latin letters: names of tools, of functions, and of things.
LATIN = {
    "NumPy", "LaTeX", "Markdown", "Python", "FLINT", "derive",
    "ReLU", "SiLU", "GELU", "ELU", "SwiGLU", "GLU", "GRU", "LSTM", "RMS",
    "InfoNCE", "BERT", "GPT", "leaky", "relu", "exp", "log", "sin", "cos", "tan", "tanh", "max",
    "min", "det", "vec", "kron", "mu", "delta",
}  # fmt: skip


# -- every message ---------------------------------------------------------------------------------


def told_with(text: str) -> set[str]:
    """The facts of a message in plain words."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        elif isinstance(value, str):
            yield before + key, value


def plain_of(name: str) -> dict[str, str]:
    return dict(flat(tomllib.loads((FOLDER / "words" / f"{name}.toml").read_text("utf-8"))))


def untranslated(english: str, other: str) -> set[str]:
    """The macros of one text that another has not, or not with the same arguments."""
    ours, theirs = dict(MACRO.findall(english)), dict(MACRO.findall(other))
    helpers = {"said"}  # no message: of lists, and English alone needs it
    return {name for name, facts in ours.items() if theirs.get(name) != facts} - helpers


@pytest.mark.parametrize("name", OTHERS)
def test_every_message_of_documents_is_translated(name):
    english, other = ((FOLDER / WORDS.format(one)).read_text("utf-8") for one in ("en", name))
    assert untranslated(english, other) == set()
    for kind in re.findall(r"<% set (\w+) = \{", english):
        keys = [
            set(
                re.findall(
                    r'"([\w -]+)":', re.search(rf"<% set {kind} = {{(.*?)}} %>", text, re.S)[1]
                )
            )
            if f"<% set {kind} = {{" in text
            else None
            for text in (
                re.sub(r"given Laplace's expansion", "given Laplace", x) for x in (english, other)
            )
        ]
        assert keys[0] == keys[1], kind


def test_a_message_without_a_translation_is_seen():
    english = "<% macro one(a) %>One<% endmacro %><% macro two() %>Two<% endmacro %>"
    assert untranslated(english, "<% macro one(a, b=1) %>하나<% endmacro %>") == {"one", "two"}


@pytest.mark.parametrize("name", OTHERS)
def test_every_plain_message_is_translated(name):
    english, other = plain_of("en"), plain_of(name)
    assert english.keys() - other.keys() == set()
    marks = set(messages.particles(name).marks)
    for key, text in english.items():
        unused = {"what"} if key == "where-assumed" else set()
        assert told_with(other[key]) - marks <= told_with(text), key
        assert told_with(text) - told_with(other[key]) - unused == set(), key


@pytest.mark.parametrize("name", OTHERS)
def test_what_stands_elsewhere_is_translated(name):
    """Assumptions, stages, kinds of problems, topics and entries stand in tables of their own."""
    known = plain_of(name)
    entries = [load(one) for one in names()]
    wanted = {
        *(f"assumes.{one}" for one in ASSUMPTIONS), *(f"where.{one}" for one in ASSUMPTIONS),
        *(f"assumes.{one}-number" for one in ASSUMPTIONS if TABLE[one].of_one),
        *(f"stages.{one}" for one in STAGES), "stages.judging",
        *(f"problem.{one}" for one in KINDS), *(f"topic.{one.topic}" for one in entries),
        *(f"errors.{key}" for key in ("shapes", "broadcast", "product")),
        *(f"catalogue.{one.name}.{part}" for one in entries
          for part in ("title", "about", *(("why",) if one.mistake else ()))),
    }  # fmt: skip
    elsewhere = {
        key
        for key in known
        if key.partition(".")[0]
        in ("assumes", "where", "stages", "problem", "topic", "errors", "catalogue")
    }
    assert elsewhere == wanted


def latin(text: str) -> set[str]:
    """The words in Latin letters of a language's file, without formulas, places and code."""
    text = re.sub(r"<#.*?#>|<%.*?%>|<<.*?>>|\$[^$]*\$|\{[^}]*\}", " ", text, flags=re.S)
    text = re.sub(r"\w+\([^)]*\)|\b[\w-]+\"?(?= = )|\"[\w, '.-]+\":|\\\w+", " ", text)
    return {
        one for one in re.findall(r"[A-Za-z]{2,}", text) if one not in LATIN | {"dH", "dS", "dY"}
    }


def test_no_korean_message_has_english_in_it():
    said = "\n".join(
        text
        for key, text in plain_of("ko").items()
        if key != "packages" and not key.startswith("sounds.")
    )
    assert latin(said) == set()
    macros = (FOLDER / WORDS.format("ko")).read_text("utf-8")
    assert latin(re.sub(r"<% set .*? %>", "", macros, flags=re.S)) <= {"tex", "md"}
    assert latin('one = "그 행렬 is symmetric"') == {"is", "symmetric"}


# -- every document --------------------------------------------------------------------------------


@cache
def proved(target: str, detail: str) -> derive.Proof:
    return derive.prove(target, detail=detail)


def proof(target: str, detail: str, form: str) -> str:
    return proved(target, detail).render(form, language="ko")


def circuit(target: str, values: str | None, form: str) -> str:
    found = [graph(target, values=values, gates=kind) for kind in ("primitive", "named")]
    return render_graph(found, form, stem="a", language="ko")


def judged(target: str, claim: str, form: str, assume: Any = None) -> str:
    court = Court(target, assume=assume)
    found = court.judge(claim)
    known = derive.prove(target, assume=assume) if found else None
    return render_check(court.case, found, form, known, language="ko")


def undecided(form: str) -> str:
    court = Court("A: (n, n); f = logdet(A)")
    reasons = (say("no-point"), say("also", say("too-large"), say("agree-modulo", chance=1e-9)))
    made = (Judgement("dA = A", "undecided", reason=why) for why in ("", *reasons))
    return "".join(render_check(court.case, one, form, language="ko") for one in made)


@cache
def example(target: str) -> Document:
    return derive.example(target)


@cache
def exercise(target: str) -> Document:
    return derive.exercise(target, count=8, seed=7)


def worked(target: str, form: str) -> str:
    return example(target).render(form, language="ko")


def sheet(target: str, form: str) -> str:
    return exercise(target).render(form, solutions=True, language="ko")


KINK = "q = x + y; f = max(q, z) * sigmoid(q)"
SQUARE = "A: (n, n); x: (n, 1); f = x.T @ A @ x"
MADE = {
    "proof in full": partial(proof, "affine", "full"),
    "proof of a loss": partial(proof, "softmax-cross-entropy", "full"),
    "proof with lemmas": partial(proof, "A: (n, n); f = logdet(A) + sum(inv(A))", "full"),
    "lecture": partial(proof, "columns", "lecture"),
    "proof in brief": partial(proof, "neuron", "brief"),
    "induction": partial(proof, "deep-network", "lecture"),
    "graph with numbers": partial(circuit, KINK, "x=1,y=1,z=2"),
    "graph with letters": partial(circuit, "neuron", None),
    "a true claim": partial(judged, "affine", "dX = dY @ W.T"),
    "a false claim": partial(judged, SQUARE, "dx = 2 * A @ x"),
    "a misfit": partial(judged, "affine", "dW = dY @ X.T"),
    "an assumption": partial(judged, SQUARE, "dx = 2 * A @ x", assume={"A": "symmetric"}),
    "undecided": undecided,
    "example": partial(worked, "mlp"),
    "example at a kink": partial(worked, "triplet"),
    "exercises": partial(sheet, "affine"),
    "exercises of numbers": partial(sheet, "circuit"),
}


@pytest.mark.parametrize("form", ["md", "tex"])
@pytest.mark.parametrize("kind", MADE)
def test_no_english_is_left_in_a_document(kind, form):
    text = MADE[kind](form)
    code = set(re.findall(r"[A-Za-z]{2,}", "dX dY dW x.T X.T dx"))  # of the claims above
    assert {one for one in stray(text) if one not in LATIN | code} == set(), text
    assert len(re.findall("[가-힣]+", text)) > 8
    assert not re.search("[\ue000-\uf8ff]", text) and "[U+" not in text
    assert not re.search(r"[가-힣]\([은는이가을를과와]\)|\((?:으|이)\)[로라]", text), "both forms"
    assert ("kotex" in text) == (form == "tex")


@pytest.mark.parametrize("form", ["md", "tex"])
def test_english_that_is_left_is_seen(form, monkeypatch):
    words = dict(messages.plain_words("ko"))
    del words["assumes.symmetric"]
    real = messages._plain_words
    monkeypatch.setattr(
        messages, "_plain_words", lambda name: words if name == "ko" else real(name)
    )
    with pytest.raises(KeyError):
        MADE["an assumption"](form)
    assert stray("설정. This is left.") == ["This", "is", "left"]


def test_pictures_speak_korean_as_well():
    found = graph("X: (n, d); c: (1, d); y = mean(X + c, axis=0)")
    with speaking("ko"):
        shown = found.to_svg() + found.to_mermaid() + found.to_tikz()
    assert shown.count("평균") == 3 and "mean" not in re.sub("<title>.*?</title>", "", shown)


# -- particles -------------------------------------------------------------------------------------


def name(text: str) -> Box:
    return Box("id", text=text)


A, N, L, ONE = name("A"), name("n"), name("L"), num(1)
PARTIAL = op("partial")
SOUNDS = [
    ("행", CLOSED), ("함수", OPEN), ("행렬", LIQUID), ("a", OPEN), ("m", CLOSED), ("r", LIQUID),
    ("10", CLOSED), ("7", LIQUID), ("25", OPEN), ("1.50", CLOSED), ("X.T", OPEN), ("`dX`", OPEN),
    (r"\eqref{affine:3}", CLOSED), ('<a href="#8">(8)</a>', LIQUID), ("θ", OPEN),
    ("epsilon", CLOSED),    ("softmax", OPEN), ("tax", OPEN), ("NCE", OPEN), ("cell", LIQUID),
    ("things", OPEN), ("king", CLOSED), ("note", UNKNOWN), ("", UNKNOWN),
]  # fmt: skip
BOXES = [
    (A, OPEN), (N, CLOSED), (L, LIQUID), (name("lam"), OPEN), (name("eps"), CLOSED),
    (name("xhat"), CLOSED), (name("mubar"), OPEN), (name("note"), UNKNOWN), (num(100), CLOSED),
    (sub(A, num(2)), OPEN), (sub(N, row(name("i"), name("l"))), LIQUID),
    (sup(N, op("top")), OPEN), (sup(A, num(2)), CLOSED),
    (sup(A, row(op("negative"), ONE)), LIQUID), (sup(op("reals"), N), CLOSED),
    (frac(row(PARTIAL, L), row(PARTIAL, A)), OPEN), (frac(ONE, name("d")), LIQUID),
    (row(A, op("equals"), N), CLOSED), (row(word("exp"), paren(A)), OPEN), (word("relu"), OPEN),
    (paren(A, "double-bars"), CLOSED), (Box("root", (L,)), LIQUID),
    (row(op("delta"), op("thin")), OPEN), (Box("matrix", (row(A),)), LIQUID), (op("plus"), UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SOUNDS)
def test_how_a_text_ends(text, expected):
    assert messages.particles("ko").sound(text) == expected


@pytest.mark.parametrize(("box", "expected"), BOXES)
def test_how_a_formula_ends(box, expected):
    assert messages.particles("ko").of_box(box) == expected


@pytest.mark.parametrize(
    ("particle", "closed", "opened", "liquid", "unknown"),
    [
        ("은", "은", "는", "은", "은(는)"), ("이", "이", "가", "이", "이(가)"),
        ("을", "을", "를", "을", "을(를)"), ("과", "과", "와", "과", "과(와)"),
        ("으로", "으로", "로", "로", "(으)로"), ("이라", "이라", "라", "이라", "(이)라"),
    ],
)  # fmt: skip
def test_every_particle_has_its_forms(particle, closed, opened, liquid, unknown):
    known = messages.particles("ko")
    mark = known.marks[particle]
    said = [known.resolved(f"${text}${mark}") for text in ("n", "A", "L", r"\ast")]
    assert said[:3] == [f"$n${closed}", f"$A${opened}", f"$L${liquid}"]
    assert known.resolved(f"note{mark}") == f"note{unknown}"
    assert known.resolved(f"n{OPEN}{mark}") == f"n{opened}"  # a formula knows better than its print


def test_marks_are_no_letters_of_a_users_text():
    """Characters of private use are taken out of what somebody wrote."""
    mark = messages.particles("ko").marks["은"]
    assert mark not in markdown_code(f"Y = X{mark}") + latex_code(f"Y = X{mark}", "가-힣")


# -- choosing a language ---------------------------------------------------------------------------


def test_the_language_is_chosen_by_option_environment_or_argument(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["check", "affine", "--claim", "dX = dY @ W.T"]) == 0
    english = capsys.readouterr().out
    assert main(["check", "affine", "--claim", "dX = dY @ W.T", "--language", "ko"]) == 0
    korean = capsys.readouterr().out
    assert (english.split()[0], korean.split()[0]) == ("proved", "증명됨")
    monkeypatch.setenv(messages.VARIABLE, "ko")
    assert main(["check", "affine", "--claim", "dX = dY @ W.T"]) == 0
    assert capsys.readouterr().out == korean
    made = proved("neuron", "brief")
    assert "**정리.**" in made.render("md") and "**Theorem.**" in made.render("md", language="en")
    assert main(["list"]) == 0 and "아핀 층" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["", "kr"])
def test_a_language_that_there_is_not(given, monkeypatch, capsys):
    monkeypatch.setenv(messages.VARIABLE, "" if given else "kr")
    found = {"language": given or "xx"}
    with pytest.raises(UnsupportedError, match="there is no language"):
        proved("neuron", "brief").render("md", **found)
    assert main(["list", "--language", "xx"]) == 2
    assert "there are en, ko" in capsys.readouterr().err


def test_a_document_in_another_language_is_another_document(tmp_path):
    made = proved("neuron", "brief")
    first, second = (made.save(tmp_path, ["md"], language=one)[0] for one in ("en", "ko"))
    assert first != second and made.save(tmp_path, ["md"], language="ko") == [second]
    assert made.save(tmp_path, ["md"]) == [first]


def test_json_and_what_python_gets_are_english_everywhere(capsys):
    with speaking("ko"):
        found = Court(SQUARE).judge("dx = 2 * A @ x")
        assert found.plain()["holds"] == "where A is symmetric"
        assert translated(found.holds) == "A가 대칭행렬일 때"
        court = Court("A: (n, n); f = logdet(A)")
        (condition,) = court.case.derivation.conditions[0]
        assert hypothesis(condition) == "the determinant of A is positive"
    assert main(["check", "affine", "--claim", "dX = dY", "--json", "--language", "ko"]) == 1
    assert not re.search("[가-힣]", capsys.readouterr().out)


def test_what_does_not_fit_is_said_in_both_languages():
    for text in ("dW = dY @ X.T", "dW = dY + X.T"):
        with pytest.raises(ShapeError) as caught:
            Court("affine").case.read(text)
        key, *about = caught.value.told
        assert re.search("[가-힣]", translated(messages.message("", f"errors.{key}", *about), "ko"))


def test_a_language_is_its_two_files(tmp_path, monkeypatch):
    """Whatever lists languages reads the folder."""
    shutil.copytree(FOLDER, tmp_path / "templates")
    words = tmp_path / "templates" / "words"
    shutil.copy(words / "en.toml", words / "xx.toml")
    english = (words / "en.jinja").read_text("utf-8")
    (words / "xx.jinja").write_text(english.replace(">Theorem<", ">Thm<"), "utf-8")
    kept = (messages.template_folder, languages, _environment)
    for one in kept:
        one.cache_clear()
    monkeypatch.setattr(messages, "template_folder", lambda: tmp_path / "templates")
    monkeypatch.setattr("derive.documents.page.template_folder", lambda: tmp_path / "templates")
    try:
        assert languages() == ("en", "ko", "xx") and language("xx") == "xx"
        assert "**Thm.**" in proved("neuron", "brief").render("md", language="xx")
    finally:
        for one in kept:
            one.cache_clear()


def test_user_templates_have_words_of_a_language(tmp_path):
    own = tmp_path / WORDS.format("ko")
    own.parent.mkdir()
    own.write_text("<% macro theorem() %>으뜸정리<% endmacro %>", "utf-8")
    made = proved("neuron", "brief")
    assert "으뜸정리" in made.render("md", language="ko", templates=tmp_path)
    assert "Theorem" in made.render("md", templates=tmp_path)
    assert (FOLDER / SHARED).is_file()


def test_pdf_without_tex_takes_a_font_that_has_hangul(require_tool, monkeypatch, tmp_path):
    require_tool("typst")
    made = proved("neuron", "brief")
    try:
        found = made.render("pdf", language="ko")
    except OutputError as error:
        assert "no font" in str(error)  # this machine has none: rather nothing than empty boxes
    else:
        file = tmp_path / "a.pdf"
        file.write_bytes(found)
        shown = subprocess.run([require_tool("pdftotext"), file, "-"], capture_output=True)
        assert "정리" in shown.stdout.decode()
    monkeypatch.setattr("derive.documents.pdf.fonts", lambda: ("No Such Font",))
    with pytest.raises(OutputError, match="no font"):
        made.render("pdf", language="ko")
