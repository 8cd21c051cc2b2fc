"""Completion in a shell: commands, options, names of the catalogue, formats; and it stays fast."""

from __future__ import annotations

import subprocess
import sys

import pytest

from derive.catalogue import names
from derive.command.cli import main

#: What is typed, and what a shell is offered; `...` where there is more.
CASES = {
    "commands": ("derive bu", ["build"]),
    "names": ("derive prove soft", ["softmax", "softmax-cross-entropy", "..."]),
    "names after options": ("derive graph --digits 3 circ", ["circuit"]),
    "names of every command": ("derive list lstm", ["lstm-cell"]),
    "a claim's program": ("derive check aff", ["affine", "affine-columns"]),
    "options": ("derive prove --frag", ["--fragment"]),
    "choices": ("derive prove affine --brackets s", ["square"]),
    "the first format": ("derive prove affine -f t", ["tex", "typ"]),
    "another format": ("derive prove affine -f md,te", ["md,tex"]),
    "formats of graphs": ("derive graph affine -f s", ["svg"]),
    "options of an entry": ("derive prove mlp --act", ["--activation"]),
    "an option that is half written": ("derive prove affine --at n= --fr", ["--fragment"]),
    "files where there is no name": ("derive prove notes/", ["notes/"]),
    "a course": ("derive build cou", ["cou"]),
}


def offered(line: str, monkeypatch, capsys) -> list[str]:
    words = line.split(" ")
    for name, value in {"COMPLETE": "complete", "COMP": ""}.items():
        monkeypatch.setenv(f"_DERIVE_{name}", f"bash_{value}")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    assert main([]) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return [item.partition(",")[2] for item in found.out.splitlines()]


@pytest.mark.parametrize("case", CASES)
def test_what_is_offered(case, monkeypatch, capsys):
    line, expected = CASES[case]
    found = offered(line, monkeypatch, capsys)
    if expected[-1] == "...":
        assert set(expected[:-1]) < set(found)
    else:
        assert found == expected


def test_every_name_is_offered(monkeypatch, capsys):
    assert offered("derive example ", monkeypatch, capsys) == names()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_shell_is_told_how_to_ask(shell, monkeypatch, capsys):
    monkeypatch.setenv("_DERIVE_COMPLETE", f"{shell}_source")
    assert main([]) == 0
    assert "_DERIVE_COMPLETE" in capsys.readouterr().out


def test_nothing_heavy_is_imported():
    look = (
        "import os, sys; os.environ |= {'_DERIVE_COMPLETE': 'bash_complete', "
        "'COMP_WORDS': 'derive prove aff', 'COMP_CWORD': '2'}; "
        "from derive.command.cli import main; main([]); "
        "assert not {'flint', 'jinja2', 'sympy', 'derive.documents.page'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "plain,affine\nplain,affine-columns\n"), (
        done.stderr
    )
