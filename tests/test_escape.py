"""Hostile text in every place that a user's text can reach, in every format."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import derive
from derive.documents.check import render_check
from derive.documents.exercise import exercise
from derive.documents.graph import render_graph
from derive.documents.graphs import graph
from derive.expressions.errors import UnsupportedError
from derive.judges.claim import Court
from derive.notation import escape
from derive.notation.mathematics import Style
from derive.notation.messages import say
from derive.pictures.drawing import draw
from derive.pictures.mermaid import mermaid
from derive.pictures.picture import Picture, Vertex, line
from derive.pictures.svg import svg
from derive.proof.verdict import Scope

HOSTILE = (
    "`<script>alert(1)</script>`",
    "``` <b onload=x> ``",
    "</title><script>",
    "![x](javascript:alert(1)) [y]: z",
    r"\input{/etc/passwd} \end{document} %",
    r"$x$ \(y\) & # { } _ ^ ~ | ' \" -- << >> \\",
    "line\n\n# heading\n\n| a | b |\n\x1b[31m\x00\u2028 end",
    "é 漢 ✓ ∂",
)
PROGRAM = "X_1_a: (n_in, d); Y = 2 * X_1_a"
#: What may hold a user's text in a judgement.
FIELDS = ("claim", "truth", "reason", "scope", "holds", "diagnosis")


def documents(text: str):
    """Judgements in whose every field a text stands, as documents."""
    court = Court(PROGRAM)
    for claim in ("dX_1_a = 2 * dY", "dX_1_a = 3 * dY"):
        found = court.judge(f"{claim}  # {text.splitlines()[0]}")
        yield found, lambda form, found=found: render_check(court.case, found, form)
        for verdict in ("refuted", "undecided"):
            changed = replace(
                court.judge(claim), verdict=verdict, counterexample=None, truth=text, reason=text,
                holds=text, diagnosis=say("meant", truth="x", slip=text), conditions=(text,),
                where=Scope(sizes=((text, 2),)),
            )  # fmt: skip
            yield changed, lambda form, changed=changed: render_check(court.case, changed, form)


def outside_mathematics(markdown: str) -> str:
    return re.sub(r"(?<!\\)\$\$.*?\$\$|(?<!\\)\$[^$]*(?<!\\)\$", " M ", markdown, flags=re.S)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_holds_no_html_of_a_user(text):
    reader = pytest.importorskip("markdown_it").MarkdownIt("commonmark", {"html": True})
    for _, render in documents(text):
        page = render("md")
        tokens = reader.parse(outside_mathematics(page))
        kinds = {t.type for top in tokens for t in (top, *(top.children or ()))}
        assert not kinds & {"html_inline", "html_block", "link_open", "image"}, page
        assert [t.tag for t in tokens if t.type == "heading_open"][:1] == ["h1"]
        assert sum(t.tag == "h1" for t in tokens if t.type == "heading_open") == 1
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028]", page)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_the_text_itself(text):
    reader = pytest.importorskip("markdown_it").MarkdownIt("commonmark", {"html": True})
    plain = " ".join("".join(c if c.isprintable() else " " for c in " ".join(text.split())).split())
    for safe in (escape.markdown_code(text), escape.markdown(text)):
        (inline,) = (t for t in reader.parse(f"a {safe} b") if t.type == "inline")
        shown = "".join(child.content for child in inline.children)
        assert " ".join(shown.split()) == f"a {plain} b"


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_runs_no_command_of_a_user(text, tmp_path, require_tool):
    require_tool("pdflatex")
    for k, (_, render) in enumerate(documents(text)):
        page = render("tex")
        body = page.replace(r"\end{document}", "", 1)
        assert r"\end{document}" not in body and r"\input" not in page
        if k in (0, 1, 2):  # one of each verdict is set by TeX
            (tmp_path / "page.tex").write_text(page, "utf-8")
            command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True,
                                  errors="replace", timeout=120)  # fmt: skip
            assert done.returncode == 0, done.stdout[-800:]


@pytest.mark.parametrize("text", HOSTILE)
def test_pictures_hold_no_markup_of_a_user(text):
    shown = Picture((Vertex("x", "input", line(text), name=line(text), output=True),), (), text,
                    text)  # fmt: skip
    tree = ElementTree.fromstring(svg(draw(shown)))
    assert {node.tag.rpartition("}")[2] for node in tree.iter()} <= {
        "svg", "title", "desc", "rect", "g", "path", "text", "circle"
    }  # fmt: skip
    found = mermaid(shown)
    assert not re.search(r"<(?!br/>)|`|script>", found.replace("-->", ""))
    assert len(found.splitlines()) <= 6


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_files_and_labels_are_no_commands(text):
    found = graph("f = x * y", values={"x": 1, "y": 2})
    picture = re.search(r"!\[[^\]]*\]\((.*)\)", render_graph(found, "md", stem=text))[1]
    assert re.fullmatch(r"[A-Za-z0-9%./_~-]*", picture)
    with pytest.raises(UnsupportedError, match="would not survive LaTeX"):
        derive.prove(PROGRAM, detail="brief").to_latex(prefix=text)
    sheet = exercise("f = x * y", count=1)
    named = replace(sheet.derivation, program=sheet.program._replace(name=text))
    tex = replace(sheet, derivation=named).to_latex()
    (line_,) = (x for x in tex.splitlines() if r"\input" in x)
    assert re.search(r"\\input\{[A-Za-z0-9%./_~-]*\}", line_) and line_.startswith("%")


@pytest.mark.parametrize("text", [*HOSTILE, "L\n", "1L", ""])
def test_a_loss_is_a_name(text):
    with pytest.raises(UnsupportedError, match="is no name for a loss"):
        Style(loss=text)


def test_a_claim_of_several_lines_is_one():
    court = Court("X: (n, d); W: (d, m); Y = X @ W")
    found = court.judge("G = dY @ W.T  # back\ndX = G  # `<b>`")
    assert found.verdict == "proved"
    first = render_check(court.case, found, "md").splitlines()[0]
    assert first == "# Proved: `G = dY @ W.T; dX = G`"
