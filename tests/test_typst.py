"""Typst: its mathematics read back, its documents compiled, PDF as poppler opens it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache, partial
from math import inf

import pytest
from test_escape import HOSTILE
from test_every_operator import PROGRAMS as OPERATORS
from test_print_back import LEMMAS, PROGRAMS, STYLES, Judged, derived
from typst_reading import tex

import derive
from derive.command.cli import main
from derive.documents.check import render_check
from derive.documents.files import unsealed
from derive.documents.graph import Graphs
from derive.expressions.errors import OutputError
from derive.judges.claim import Court
from derive.notation import escape
from derive.notation.displays import broken, narrowed
from derive.notation.latex import latex
from derive.notation.mathematics import Notation, Style
from derive.notation.typst import typst


class Typed(Judged):
    """A derivation that is printed in Typst."""

    def printed(self, math, step, room: float):
        box = self.notation.math(math)
        lines = broken(narrowed(box, room) if room < inf else box, room)
        return " ".join(tex(typst(line)) for line in lines)


@pytest.mark.parametrize(
    ("text", "style", "detail"),
    [(text, STYLES[0], "brief") for text in PROGRAMS[3::6]]
    + [(PROGRAMS[1], style, "brief") for style in STYLES[1:]]
    + [(text, STYLES[0], "lecture") for text in LEMMAS[-3:]],
)
def test_mathematics_is_what_was_proved(text, style, detail):
    assert Typed(derived(text, detail), style).compare() > 5


@pytest.mark.parametrize(("right", "wrong"), [
    ("⊙", "⊗"), (" thin ", " + "), ("_(i j)", "_(j i)"), ("frac(1, n)", "frac(n, 1)"),
    (r"\( ", ""), ("exp", "unheard"),
])  # fmt: skip
def test_a_wrong_sign_is_seen(right, wrong, monkeypatch):
    real = typst
    monkeypatch.setitem(globals(), "typst", lambda box: real(box).replace(right, wrong))
    judged = Typed(derived("X: (n, m); Y: (n, m); Z = exp(X * (X - Y)) @ Y.T / n"), STYLES[0])
    with pytest.raises((AssertionError, KeyError)):
        judged.compare()


def signs(shown: str) -> list[str]:
    """What a formula of LaTeX consists of, without spaces, lines and sizes of brackets."""
    shown = re.sub(r"\\[Bb]igg?[lr]|\\\\(?:\[\d+pt\])?|\\textstyle|\\[ ,]|\{\}|&", " ", shown)
    shown = re.sub(r"\\(?:begin|end)\{aligned\}|\\noalign\{.*?\}", " ", shown)
    return re.findall(r"\\[A-Za-z]+|[^\s]", shown)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_is_written_as_in_latex(name):
    derivation = derived(OPERATORS[name], "brief")
    notation = Notation(derivation, Style())
    sides = {id(side): side for step in derivation.steps() for side in (step.left, step.right)}
    for box in map(notation.math, sides.values()):
        assert signs(tex(typst(box))) == signs(latex(box)), typst(box)


# -- documents -------------------------------------------------------------------------------------

AFFINE = "X: (n, d); W: (d, m); Y = X @ W"


@cache
def affine():
    return derive.prove(AFFINE)


def judged():
    court = Court(AFFINE)
    found = court.judge("dX = dY @ W")
    return lambda form, **options: render_check(court.case, found, form, **options)


#: A document of each kind: what renders it.
DOCUMENTS = {
    "proof": lambda: affine().render,
    "lecture": lambda: derive.prove("X: (n, d); h = sigmoid(X) + 1; Y = h * h").render,
    "layers": lambda: derive.prove("deep-network").render,
    "graph": lambda: (
        Graphs(
            tuple(
                derive.graph("f = max(x * y, z)", values="x=1,y=2,z=2", gates=gates)
                for gates in ("primitive", "named")
            )
        ).render
    ),
    "example": lambda: derive.example(AFFINE).render,
    "sheet": lambda: partial(derive.exercise(AFFINE, seed=7).render, solutions=True),
    "judgement": judged,
}


def pages(pdf: bytes, require_tool) -> str:
    """The text of a PDF, as poppler reads it."""
    command = [require_tool("pdftotext"), "-layout", "-", "-"]
    done = subprocess.run(command, input=pdf, capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_has_the_numbers_that_it_has_in_latex(kind, require_tool):
    require_tool("typst")
    render = DOCUMENTS[kind]()
    found = pages(render("pdf"), require_tool)
    numbers = re.findall(r"\\label\{[^}]*?(\d+)\}", render("tex"))
    if kind == "sheet":  # which shows equations with their solutions alone
        numbers = []
    assert re.findall(r" {4}\((\d+)\)$", found, re.M) == numbers
    assert not re.search(r"\$|#|\\", found), found


def test_a_fragment_stands_in_other_notes(tmp_path, require_tool):
    require_tool("typst")
    import typst as wheel

    for name in ("one", "two"):
        text = affine().render("typ", fragment=True, prefix=f"{name}:")
        (tmp_path / f"{name}.typ").write_text(text, "utf-8")
    main = '#set math.equation(numbering: "(1)")\n$ x $\n#include "one.typ"\n#include "two.typ"'
    (tmp_path / "main.typ").write_text(main, "utf-8")
    found = pages(wheel.compile(tmp_path / "main.typ", format="pdf"), require_tool)
    numbers = list(map(int, re.findall(r" {4}\((\d+)\)$", found, re.M)))
    assert numbers == [*range(1, len(numbers) + 1)]
    cited = [int(n) for n in re.findall(r"by \((\d+)\)", found)]
    first, second = cited[: len(cited) // 2], cited[len(cited) // 2 :]
    assert second == [n + (len(numbers) - 1) // 2 for n in first] and first


def test_a_file_of_pdf_is_the_same_each_time(require_tool, tmp_path, capfdbinary):
    require_tool("typst")
    paths = [affine().save(tmp_path / name, ["pdf", "typ"])[0] for name in ("a", "b")]
    one, other = (path.read_bytes() for path in paths)
    assert one == other and affine().save(tmp_path / "a", ["pdf", "typ"])[0] == paths[0]
    assert "Theorem" in pages(one, require_tool)
    paths[0].write_bytes(one.replace(b"%%EOF", b"%%EOG"))
    assert [path.name for path in affine().save(tmp_path / "a", ["pdf"])] == ["Y-2x3x4-2.pdf"]
    assert main(["prove", AFFINE, "-o", "-", "-f", "pdf"]) == 0
    assert capfdbinary.readouterr().out + b"\n" == unsealed(one)


def test_without_the_wheel_a_user_is_told_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "typst", None)
    assert main(["prove", AFFINE, "-f", "pdf,md", "-o", str(tmp_path)]) == 2
    assert "pip install 'derive-proofs[pdf]'" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_a_template_that_typst_cannot_read_is_told(require_tool, tmp_path):
    require_tool("typst")
    (tmp_path / "typst").mkdir()
    (tmp_path / "typst" / "display.typ").write_text("#nothing", "utf-8")
    with pytest.raises(OutputError, match="unknown variable: nothing"):
        affine().render("pdf", templates=tmp_path)


def said(value) -> str:
    """The text of a piece of content, as Typst tells it."""
    match value:
        case {"func": "space"}:
            return " "
        case dict():
            return "".join(said(value[key]) for key in ("text", "children") if key in value)
        case list():
            return "".join(map(said, value))
    return value


@pytest.mark.parametrize("safe", [escape.typst, escape.typst_code])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_of_a_user_is_itself(text, safe, require_tool):
    require_tool("typst")
    import typst as wheel

    source = f"#metadata[a {safe(text)} b]<x>".encode()
    found = json.loads(wheel.query(source, "<x>", field="value", one=True))
    plain = " ".join("".join(c if c.isprintable() else " " for c in " ".join(text.split())).split())
    assert " ".join(said(found).split()) == f"a {plain} b"
