"""Every LaTeX example compiles, and its log has nothing that a reader of the page would notice."""

import os
import re
import subprocess
from itertools import chain
from pathlib import Path

import pytest
from pictures import PICTURES

from derive import prove
from derive.notation.latex import latex
from derive.notation.mathematics import Notation, Style
from derive.notation.widths import width
from derive.pictures.drawing import draw
from derive.pictures.tikz import ACROSS, tikz

EXAMPLES = sorted((Path(__file__).parents[1] / "output" / "examples").glob("*.tex"))

# A fragment is made for somebody else's notes, which load what it says that it needs.
NEEDED = re.compile(r"^% needs (\\usepackage\{[a-z,]+\})$", re.M)
NOTES = r"""\documentclass[a4paper]{article}
\usepackage{amsmath}
\setlength{\textwidth}{16cm}
\begin{document}
%s
\end{document}
"""
#: Programs with sums, fractions, roots, masks, inverses, names of several letters.
MEASURED = (
    "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B",
    "Z: (n, k); P = softmax(Z)",
    "X: (n, d); g: (1, d); v = mean(X ** 2, axis=1); Y = X / sqrt(v + 1 / 9) * g",
    "A: (n, n); b: (n, 1); y = inv(A) @ b; f = sum(y ** 2)",
    "hidden: (n, d); Wout: (d, m); H1 = tanh(hidden @ Wout); f = sum(max(H1, 0)) / n",
)
FLAWS = re.compile(
    r"^! .*|^LaTeX Warning: (?:Reference|Citation|Label) .* (?:undefined|multiply defined).*"
    r"|^Missing character: .*|^Overfull \\hbox \((?P<wide>[\d.]+)pt too wide\).*"
    r"|^Overfull \\vbox \((?P<high>[\d.]+)pt too high\) detected.*",
    re.M,
)
TOLERANCE = 2  # points


def flaws(tex: str, folder: Path, pdflatex: str) -> list[str]:
    """Compile twice, so that references settle, and quote what the last log complains about."""
    if r"\documentclass" not in tex:
        needed = "\n".join(NEEDED.findall(tex))
        tex = NOTES.replace(r"\begin{document}", f"{needed}\n\\begin{{document}}") % tex
    (folder / "page.tex").write_text(tex, "utf-8")
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    for _ in range(2):
        unwrapped = os.environ | {"max_print_line": "10000"}
        done = subprocess.run(command, cwd=folder, env=unwrapped, capture_output=True)
        if done.returncode:
            break
    log = (folder / "page.log").read_text("utf-8", errors="replace")
    found = [m[0] for m in FLAWS.finditer(log)
             if float(m["wide"] or m["high"] or "inf") > TOLERANCE]  # fmt: skip
    return found if found or not done.returncode else [f"pdflatex exits {done.returncode}", log]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_compiles(example, tmp_path, require_tool):
    text, pdflatex = example.read_text("utf-8"), require_tool("pdflatex")
    if "kotex" in text:
        require_tool("kotex.sty")
    assert flaws(text, tmp_path, pdflatex) == []


@pytest.mark.parametrize(
    ("fragment", "flaw"),
    [
        (r"\[ a = \rule{17cm}{1pt} \]", r"Overfull \hbox"),
        (r"See \eqref{nowhere}.", "Reference `nowhere' on page 1 undefined"),
        (r"\section{A}\label{a}\section{B}\label{a}", "Label `a' multiply defined"),
        (r"\nosuchmacro", "! Undefined control sequence."),
        (r"\setcounter{MaxMatrixCols}{2} $\begin{pmatrix} 1 & 2 & 3 \end{pmatrix}$", "! "),
        (r"\font\x=cmr10 \x \char200", "Missing character"),
    ],
)
def test_a_flaw_is_seen(fragment, flaw, tmp_path, require_tool):
    found = flaws(fragment, tmp_path, require_tool("pdflatex"))
    assert any(flaw in line for line in found), found


def test_a_sound_fragment_has_no_flaw(tmp_path, require_tool):
    fragment = r"\begin{equation} Y = XW \label{y} \end{equation} By \eqref{y}."
    assert flaws(fragment, tmp_path, require_tool("pdflatex")) == []
    assert (tmp_path / "page.pdf").exists()


def test_boxes_are_as_wide_as_tex_sets_them(tmp_path, require_tool):
    """Every side of a proof's steps, in digits of Computer Modern: within a twentieth or so."""
    boxes = {}
    for program in MEASURED:
        derivation = prove(program, detail="full").derivation
        notation = Notation(derivation, Style(elide=4))
        own = (steps for place, steps in derivation.equations() if place[0] != "lemma")
        for step in chain.from_iterable(own):
            box = notation.sized(step.right)
            boxes[latex(box).replace("\n", " ")] = box
    lines = (rf"\setbox0=\hbox{{$\displaystyle {tex}$}}\typeout{{W \the\wd0}}" for tex in boxes)
    page = NOTES % ("\n".join(lines))
    assert flaws(page, tmp_path, require_tool("pdflatex")) == []
    log = (tmp_path / "page.log").read_text("utf-8", errors="replace")
    set_ = [float(points) / 5 for points in re.findall(r"^W ([\d.]+)pt", log, re.M)]
    assert len(set_) == len(boxes) > 100
    for (tex, box), digits in zip(boxes.items(), set_, strict=True):
        assert 0.94 * digits - 1 <= width(box) <= 1.15 * digits + 3, tex


PICTURED = r"""\documentclass[a4paper]{article}
\usepackage{tikz}
\setlength{\textwidth}{16cm}
\begin{document}
%s
\end{document}
"""


def test_pictures_compile_with_tikz_alone_and_fit_the_page(tmp_path, require_tool):
    """Drawn for a page and for a screen, beginning and ending in the middle of a line."""
    drawings = [draw(picture, across=ACROSS) for picture in PICTURES.values()]
    drawings += [draw(PICTURES[name]) for name in ("cell", "network")]
    body = "\n\n".join(rf"\noindent {tikz(drawing)}" for drawing in drawings)
    assert flaws(PICTURED % body, tmp_path, require_tool("pdflatex")) == []


def test_a_missing_tool_fails_in_ci_and_skips_elsewhere(monkeypatch, require_tool):
    monkeypatch.setenv("DERIVE_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-tool"):
        require_tool("no-such-tool")
    monkeypatch.delenv("DERIVE_CI")
    with pytest.raises(pytest.skip.Exception, match="no-such-tool"):
        require_tool("no-such-tool")
