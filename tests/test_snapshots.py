"""The committed examples are what the command writes now, every file and no other."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from examples import COURSE, EXAMPLES, FOLDER, NAMES, THEOREMS, course, written

from derive.documents.files import unsealed


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return written(tmp_path_factory.mktemp("examples"))


def test_every_listed_file_is_there_and_no_other():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted((*NAMES, COURSE, THEOREMS))


def test_the_course_is_what_the_command_builds(tmp_path):
    kept = {p.name: p.read_text("utf-8") for p in (FOLDER / COURSE).iterdir() if p.name[0] != "."}
    fresh = course(tmp_path)
    assert sorted(kept) == sorted(fresh)
    different = [name for name, text in fresh.items() if text != kept[name]]
    assert different == [], "run `python tests/examples.py`, and look at the difference"
    assert sum("Lecture" in line for line in fresh["index.md"].splitlines()) == 13


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_what_the_command_writes(name, fresh):
    kept = (FOLDER / name).read_text("utf-8")
    assert kept == fresh[name], "run `python tests/examples.py`, and look at the difference"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_text_is_the_same_in_every_process(seed):
    command = [sys.executable, "-m", "derive", "prove", EXAMPLES[4][2][0], *EXAMPLES[4][2][1:]]
    done = subprocess.run(
        [*command, "-o", "-", "-f", "md"],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
        capture_output=True, cwd=FOLDER.parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == unsealed((FOLDER / "network.md").read_text("utf-8"))


def test_the_index_of_the_course_is_one_paper(tmp_path, require_tool):
    """All lectures in one LaTeX document: nothing undefined, no label twice, no line too wide."""
    command = [require_tool("pdflatex"), "-interaction=batchmode", "-halt-on-error", "index.tex"]
    for path in (FOLDER / COURSE).glob("*.tex"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stdout
    log = (tmp_path / "index.log").read_text("latin-1")
    assert not re.findall(r"undefined|multiply|Overfull \\hbox", log)
    held = re.findall(r"\\input\{(.*)\}", (tmp_path / "index.tex").read_text("utf-8"))
    assert sorted([*held, "index.tex"]) == sorted(path.name for path in tmp_path.glob("*.tex"))
