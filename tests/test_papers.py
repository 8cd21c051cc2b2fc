"""LaTeX for other people's papers: fragments that name what they need, pieces, levels, slides."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from test_latex import flaws

import derive
from derive.command.cli import main
from derive.documents.formats import FORMATS
from derive.documents.model import Chain, Entries, Environment, Folded, Frame, Paragraph
from derive.documents.parts import numbered
from derive.documents.slides import slides
from derive.expressions.errors import UnsupportedError
from derive.notation.displays import PAGE

ONE = "X: (n, d); W: (d, m); Y = X @ W"
TWO = "A: (n, d); C: (d, m); Y = exp(A) @ C"
GRAPH = "f = max(x * y, z)"


def proof(program: str = ONE):
    return derive.prove(program, detail="full")


def cited(tex: str) -> list[int]:
    return [int(n) for n in re.findall(r"\\eqref\{[^}]*?(\d+)\}", tex)]


# -- fragments -------------------------------------------------------------------------------------

#: What a fragment of each kind says that it needs.
NEEDS = {
    "proof": (lambda: proof().to_latex(fragment=True), "amsmath,amssymb,graphicx"),
    "lecture": (
        lambda: derive.prove("X: (n, d); h = sigmoid(X); Y = h * h").to_latex(
            fragment=True, part=["theorem", "lemmas"]
        ),
        "amsmath,amssymb",
    ),
    "graph": (
        lambda: (
            main(["graph", GRAPH, "--values", "x=1,y=2,z=3", "--fragment", "-f", "tex"])
            or Path("output/f-graph.tex").read_text("utf-8")
        ),
        "amsmath,amssymb,graphicx,tikz",
    ),
}


@pytest.mark.parametrize("kind", NEEDS)
def test_a_fragment_needs_what_its_first_line_says(kind, tmp_path, require_tool):
    made, needed = NEEDS[kind]
    text = made()
    assert text.splitlines()[0] == rf"% needs \usepackage{{{needed}}}"
    assert flaws(text, tmp_path, require_tool("pdflatex")) == []


def test_a_fragment_that_needs_more_than_it_says_is_seen(tmp_path, require_tool):
    text = proof().to_latex(fragment=True).replace(",graphicx}", "}")
    assert flaws(text, tmp_path, require_tool("pdflatex")) != []


def test_citations_of_two_fragments_go_to_their_own_equations(tmp_path, require_tool):
    for program in (ONE, TWO):
        assert main(["prove", program, "--detail", "full", "--fragment", "-f", "tex"]) == 0
    texts = [Path(f"output/Y-2x3x4{end}.tex").read_text("utf-8") for end in ("", "-2")]
    first, second = texts
    assert flaws(f"{first}\n\\newpage\n{second}", tmp_path, require_tool("pdflatex")) == []
    command = [require_tool("pdftotext"), "-layout", str(tmp_path / "page.pdf"), "-"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count = [len(re.findall(r"\\label\{", text)) for text in texts]
    own = [n + shift for text, shift in zip(texts, (0, count[0])) for n in cited(text)]
    assert len(own) > 20
    assert Counter(map(int, re.findall(r"\((\d+)\)", found))) == Counter(
        [*range(1, sum(count) + 1), *own]
    )


# -- levels and parts ------------------------------------------------------------------------------

LEVELS = [
    ("section", r"\section*{Forward", "\n## Forward", "\n= Forward", "<h2>Forward"),
    ("subsection", r"\subsection*{Forward", "\n### Forward", "\n== Forward", "<h3>Forward"),
    ("paragraph", r"\paragraph*{Forward", "\n##### Forward", "\n==== Forward", "<h5>Forward"),
]


@pytest.mark.parametrize(("level", "tex", "md", "typ", "html"), LEVELS)
def test_headings_are_as_deep_as_the_notes_have_them(level, tex, md, typ, html):
    found = proof()
    for form, said in (("tex", tex), ("md", md), ("typ", typ), ("html", html)):
        text = found.render(form, level=level)
        assert said in text and text.count(said.removesuffix("Forward")) >= 3, form


#: Pieces, the numbers of the equations in them, and those that are cited and left out.
PARTS = [
    (("theorem",), {1}, set()),
    (("forward",), {2}, set()),
    (("every-shape",), {7, 12}, set()),
    (("at-sizes",), {3, 4, 5, 6, 8, 9, 10, 11}, {2}),
    (("gradients",), {3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {2}),
    (("setting", "theorem", "forward", "gradients"), set(range(1, 13)), set()),
    (("closing",), set(), set()),
]


@pytest.mark.parametrize("form", ["tex", "md", "typ", "html"])
@pytest.mark.parametrize(("parts", "there", "left_out"), PARTS)
def test_pieces_keep_their_numbers_and_cite_nothing_that_is_not_there(form, parts, there, left_out):
    text = proof().render(form, part=parts)
    label = {"tex": r"\\label\{[^}]*?(\d+)\}", "md": r"\\qquad \((\d+)\)$|^\| \((\d+)\) \|",
             "typ": r"^\$ <[^>]*?(\d+)>", "html": r' id="[^"]*?:(\d+)"'}  # fmt: skip
    assert {int(a or b) for a, b in _pairs(re.findall(label[form], text, re.M))} == there
    refs = {"tex": r"\\eqref\{[^}]*?(\d+)\}", "md": r"(?:by|as) \((\d+)\)(?! of)",
            "typ": r"#eq\((\d+)\)", "html": r'class="cite" href="#[^"]*?(\d+)"'}  # fmt: skip
    assert set(map(int, re.findall(refs[form], text))) <= there
    assert set(map(int, re.findall(r"\((\d+)\) of the whole document", text))) == left_out


def _pairs(found):
    return [(one if isinstance(one, tuple) else (one, "")) for one in found]


def test_numbers_of_pieces_are_those_of_the_whole_on_paper_too(tmp_path, require_tool):
    text = proof().to_latex(part=["every-shape"])
    assert flaws(text, tmp_path, require_tool("pdflatex")) == []
    command = [require_tool("pdftotext"), "-layout", str(tmp_path / "page.pdf"), "-"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"  \((\d+)\)$", found, re.M) == ["7", "12"]


@pytest.mark.parametrize("part", ["proof of it", "Theorem", ""])
def test_an_unknown_part_is_told_with_those_that_there_are(part, capsys):
    assert main(["prove", ONE, "--part", part or ",", "-o", "-"]) == 2
    said = capsys.readouterr().err
    assert f"the document has no part {part!r}" in said and "theorem, forward, at-sizes" in said


def test_a_sheet_has_its_problems_by_kind():
    sheet = derive.exercise(ONE, seed=7)
    text = str(sheet.render("md", part=["mistake"]))
    assert "Find the mistake" in text and text.count("## Problem") == 1


def test_an_unknown_level_is_refused():
    with pytest.raises(UnsupportedError, match="no level chapter"):
        proof().render("md", level="chapter")


# -- slides ----------------------------------------------------------------------------------------


def shown(blocks) -> list:
    """What stands in blocks, in order: sentences, and equations by their number."""
    found: list = []
    for block in blocks:
        match block:
            case Frame() | Environment():
                found += shown(block.body)
            case Folded(said, body, more) if not more:
                found += [*said, *shown(body)]
            case Paragraph(said):
                found += said
            case Chain(links):
                found += links
            case Entries():
                found.append(block.number)
    return found


@pytest.mark.parametrize("program", [ONE, "X: (n, d); W: (d, h); H = tanh(X @ W); L = sum(H * H)"])
def test_nothing_is_left_out_of_slides(program):
    blocks = list(derive.prove(program).blocks())
    frames = list(slides(blocks))
    assert shown(frames) == shown(blocks) and list(numbered(frames)) == list(numbered(blocks))
    assert all(isinstance(frame, Frame) for frame in frames)
    ideas = [sum(isinstance(x, Chain | Entries) for x in frame.body) for frame in frames]
    assert max(ideas) == 1


BEAMER = {
    "wide": lambda: derive.prove(f"{ONE}; Z = Y * Y", detail="one", at={"n": 7, "d": 6, "m": 9}),
    "lecture": lambda: derive.prove("X: (n, d); Y = softmax(X); L = sum(Y ** 2) / n"),
    "sheet": lambda: derive.exercise(ONE, seed=7),
}


@pytest.mark.parametrize("kind", BEAMER)
def test_slides_hold_what_stands_on_them(kind, tmp_path, require_tool):
    text = str(BEAMER[kind]().render("tex", flavour="beamer"))
    assert flaws(text, tmp_path, require_tool("pdflatex")) == []


def test_a_display_for_a_page_is_too_wide_for_a_slide(tmp_path, require_tool, monkeypatch):
    real = FORMATS["tex"]["beamer"]
    monkeypatch.setitem(FORMATS["tex"], "beamer", real._replace(paper=PAGE))
    text = str(BEAMER["wide"]().render("tex", flavour="beamer"))
    found = flaws(text, tmp_path, require_tool("pdflatex"))
    assert any("Overfull" in line for line in found)
