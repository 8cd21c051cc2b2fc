"""Every code block of the README is executed: the page is one session in one empty folder.

The words after a fence say what a block is:

    ```sh             commands for bash; `.venv` is the environment that runs the tests
    ```python         a script, or a doctest where it has `>>>`; each block stands on its own
    ```derive         a program in our language, which `derive prove` proves
    ```text           what the block before it prints; `...` stands for anything
    ```text exit=2    the same, where the command is meant to fail
    ```toml file=F    of any kind: the file F, for the blocks that follow

A block that is not followed by its output has to exit with 0; a block of another kind is an error.
Making `.venv`, pip and pytest are left to `.ci/run`, which reads the two commands from the README.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from doctest import ELLIPSIS, OutputChecker
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/derive prove affine"
TEST = ".venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest -q -n auto"
LEFT_TO_CI = re.compile(r"^((python3 -m venv|\.venv/bin/(pip|pytest)) [^&\n]*(&& )?)+", re.M)
FENCED = re.compile(r"^```(\w*)(?: file=(\S+)| exit=(\d+))?\n((?:.*\n)*?)```$", re.M)


class Block(NamedTuple):
    line: int
    kind: str
    file: str | None
    status: int
    body: str

    @property
    def runs(self) -> bool:
        return self.kind in ("sh", "python", "derive") and not self.file


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for match in FENCED.finditer(text):
        kind, file, status, body = match.groups()
        yield Block(text.count("\n", 0, match.start()) + 1, kind, file, int(status or 0), body)


def complaints(text: str, folder: Path) -> list[str]:
    """Play the page in an empty folder; what does not go as it says, with its line."""
    folder.joinpath(".venv").symlink_to(sys.prefix)
    page, found = list(blocks(text)), []
    outputs = {run: out for run, out in pairwise(page) if run.runs and out.kind == "text"}
    if len(re.findall(r"^\s*(?:```|~~~)", text, re.M)) != 2 * len(page):
        found.append("a fence is indented, open, or says what nobody knows")
    for block in page:
        if block.runs:
            found += played(block, outputs.get(block), folder)
        elif block.file:
            folder.joinpath(block.file).write_text(block.body, "utf-8")
        elif block.kind != "text":
            found.append(f"line {block.line}: a block of kind {block.kind!r} cannot be executed")
        elif block not in outputs.values():
            found.append(f"line {block.line}: the output of no command")
    return found


def command(block: Block, script: Path) -> list[str | Path]:
    """How a block is run; a block that is not a shell's is in the file `script`."""
    if block.kind == "sh":
        return ["bash", "-euo", "pipefail", "-c", LEFT_TO_CI.sub("", block.body)]
    if block.kind == "derive":
        return [".venv/bin/derive", "prove", script]
    doctested = ["-m", "doctest", "-o", "ELLIPSIS"] if ">>>" in block.body else []
    return [sys.executable, *doctested, script]


def played(block: Block, expected: Block | None, folder: Path) -> list[str]:
    """Run one block; complain about its exit status or its output."""
    script = folder / f"line-{block.line}.txt"
    if block.kind != "sh":
        script.write_text(block.body, "utf-8")
    path = os.pathsep.join([str(folder / ".venv" / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        command(block, script),
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "100", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    printed = re.sub(r" +$", "", done.stdout, flags=re.M)
    status = expected.status if expected else 0
    if done.returncode != status:
        return [f"line {block.line}: exit status {done.returncode}, not {status}\n{printed}"]
    if expected and not OutputChecker().check_output(expected.body, printed, ELLIPSIS):
        return [f"line {expected.line}: printed was\n{printed}"]
    return []


def test_the_readme_does_what_it_says(tmp_path):
    assert "\n\n".join(complaints(README, tmp_path)) == ""


def test_ci_reads_the_two_commands_from_the_readme():
    script = [ROOT / ".ci" / "run", "--commands"]
    read = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert read.splitlines() == [INSTALL, TEST]


def page(*blocks: tuple[str, str]) -> str:
    return "\n".join(f"```{kind}\n{body}\n```\n" for kind, body in blocks)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (page(("sh", "true"), ("sh", "exit 3")), "line 5: exit status 3, not 0\n"),
        (page(("sh", "exit 3\ntrue")), "line 1: exit status 3, not 0\n"),
        (page(("sh", "echo a"), ("text exit=2", "a")), "line 1: exit status 0, not 2\na\n"),
        (page(("sh", "echo a"), ("text", "b")), "line 5: printed was\na\n"),
        (page(("python", "print(1)"), ("text", "2")), "line 5: printed was\n1\n"),
        (page(("text", "a")), "line 1: the output of no command"),
        (page(("ruby", "puts 1")), "line 1: a block of kind 'ruby' cannot be executed"),
        (page(("", "a")), "line 1: a block of kind '' cannot be executed"),
        ("~~~sh\ntrue\n~~~\n", "a fence is indented, open, or says what nobody knows"),
        (page(("text exit", "a")), "a fence is indented, open, or says what nobody knows"),
    ],
)
def test_a_page_that_lies_is_seen(text, complaint, tmp_path):
    assert complaints(text, tmp_path) == [complaint]


def test_the_commands_of_ci_are_not_run_here():
    assert [LEFT_TO_CI.sub("", line) for line in (INSTALL, TEST)] == [
        ".venv/bin/derive prove affine",
        "",
    ]


def test_a_failing_doctest_is_seen(tmp_path):
    (complaint,) = complaints(page(("python", ">>> 1 + 1\n3")), tmp_path)
    assert complaint.startswith("line 1: exit status 1") and "Got:" in complaint


def test_a_page_that_holds_is_quiet(tmp_path):
    held = page(
        ("toml file=a.toml", "x = 1"),
        ("sh", "cat a.toml\necho 0.123 seconds  "),
        ("text", "x = 1\n... seconds"),
        ("python", ">>> 1 + 1\n2"),
        ("sh", "echo no >&2; exit 2"),
        ("text exit=2", "no"),
    )
    assert complaints(held, tmp_path) == []
