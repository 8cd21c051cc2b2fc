"""One numbering and one count: in Markdown, in LaTeX and its pages, in JSON and on the terminal."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from documents import PROGRAMS, text_of
from told import explained

from derive.command.cli import main
from derive.documents.pipeline import Proof, prove
from derive.language.parse import parse
from derive.proof.explain import explain

DETAILS = ("full", "lecture", "one", "brief")
#: The environments that LaTeX numbers, and what leaves a line of them out.
NUMBERED = re.compile(r"\\begin\{(equation|align|alignat)\}(.*?)\\end\{\1\}", re.S)
FEW = ("affine", "one", "column", "inverse", "residual")


def in_markdown(text: str) -> list[int]:
    found = re.findall(r"\\qquad \((\d+)\)\n\$\$|^\| \((\d+)\) \| [a-z]", text, re.M)
    return [int(tag or table) for tag, table in found]


def in_latex(text: str) -> list[int]:
    """Return the numbers that LaTeX gives by its own counter; the labels must agree."""
    counted = []
    for _, body in NUMBERED.findall(text):
        labels = re.findall(r"\\label\{[^}]*?(\d+)\}", body)
        rows = 1
        if "aligned" not in body and "\\notag" in body:  # rows of an array of its own are none
            rows = len(re.findall(r"\\\\", body)) + 1 - body.count("\\notag")
        assert len(labels) == rows == 1, body
        counted.append(int(labels[0]))
    return counted


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_both_formats_have_the_same_numbers(name, detail):
    program = parse(text_of(PROGRAMS[name]))
    sizes = {dim: 2 - k % 2 for k, dim in enumerate(program.dims)}  # some tables have one entry
    of = explain(program, at=sizes, detail=detail)
    everything = list(range(1, len(of.numbers()) + 1))
    assert in_markdown(Proof(of).render("md")) == everything
    assert in_latex(Proof(of).render("tex")) == everything


@pytest.mark.parametrize("name", FEW)
def test_the_pages_have_the_same_numbers(name, tmp_path, require_tool):
    of = explained(text_of(PROGRAMS[name]))
    (tmp_path / "page.tex").write_text(Proof(of).render("tex", prefix="x:"), "utf-8")
    command = [require_tool("pdflatex"), "-interaction=batchmode", "page.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = re.findall(r"\\newlabel\{x:(\d+)\}\{\{(\d+)\}", (tmp_path / "page.aux").read_text())
    assert [int(label) for label, _ in found] == list(range(1, len(of.numbers()) + 1))
    assert all(label == printed for label, printed in found)


@pytest.mark.parametrize("name", FEW)
def test_everything_counts_the_same(name, tmp_path, capsys):
    program = text_of(PROGRAMS[name])
    assert main(["prove", program, "-o", str(tmp_path), "-f", "md"]) == 0
    told = re.search(r"(\d+) steps in (\d+) equations", capsys.readouterr().out)
    steps, equations = map(int, told.groups())
    (document,) = tmp_path.glob("*.md")
    text = document.read_text("utf-8")
    assert in_markdown(text) == list(range(1, equations + 1))
    assert f"the {steps} steps in the {equations} equations" in text
    assert main(["prove", program, "--json"]) == 0
    trace = json.loads(capsys.readouterr().out)
    assert (len(trace["steps"]), trace["equations"]) == (steps, equations)
    assert {step["equation"] for step in trace["steps"]} == set(range(1, equations + 1))
    proof = prove(program)
    assert (len(proof.steps), len(proof.derivation.numbers())) == (steps, equations)


@pytest.mark.parametrize("name", FEW)
def test_the_table_has_every_step(name):
    """Each step holds for every shape, or is written out at the sizes of the document."""
    proof = prove(text_of(PROGRAMS[name]), detail="full")
    table = proof.to_markdown().partition("## What was checked")[2]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| (")]
    sized = [int(row[1]) for row in rows if "normal form" in row[2]]
    at = ", ".join(f"{k} = {v}" for k, v in proof.derivation.sizes.items())
    own = [v for s in proof.steps if s.sized for v in s.verdicts]
    assert all(v.scope in (at, "scalars") for v in own)
    assert sum(sized) + sum(s.sized for s in proof.steps) == len(proof.steps)
