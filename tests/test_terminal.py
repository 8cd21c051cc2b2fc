"""What a terminal or a pipe gets, whatever characters it has a code for."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from derive.command.cli import main
from derive.command.options import TEXTS

GREEK = "X: (n, d); beta: (d, 1); y = X @ beta"
#: Commands, each with its exit status; what they print has characters that few codes have.
COMMANDS = {
    "prove": (("prove", GREEK, "--detail", "brief"), 0),
    "prove, as JSON": (("prove", GREEK, "--detail", "brief", "--json"), 0),
    "example": (("example", GREEK), 0),
    "graph": (("graph", GREEK), 0),
    "exercise": (("exercise", GREEK, "--count", "1"), 0),
    "check": (("check", GREEK, "--claim", "dbeta = X.T @ dy / n"), 1),
    "check, as JSON": (("check", GREEK, "--claim", "dbeta = X.T @ dy / n", "--json"), 1),
    "check, as a document": (("check", GREEK, "--claim", "dbeta = X.T @ dy", "--write"), 0),
    "gradient": (("gradient", GREEK), 0),
    "gradient, in LaTeX": (("gradient", GREEK, "--latex"), 0),
    "gradient, as JSON": (("gradient", GREEK, "--json"), 0),
    "list": (("list", "affine"), 0),
    "an error": (("prove", "Ψ = X @ Ω +", "--detail", "brief"), 2),
    "an option that is none": (("prove", GREEK, "--größe", "3"), 2),
    "a character of two units": (("prove", "𝐗 = 1", "--detail", "brief"), None),
}  # fmt: skip
CODES = ("ascii", "cp1252", "utf-8")


def run(monkeypatch, encoding: str, *command: str) -> tuple[int, bytes]:
    """Run a command on a stream of an encoding; its exit status, and the bytes that it prints."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    status = main([*command])
    for stream in (out, err):
        stream.flush()
    return status, out.buffer.getvalue() or err.buffer.getvalue()


def read(data: bytes, encoding: str) -> str:
    """A text that was printed, what has no code put in again."""
    text = data.decode(encoding)
    pairs = re.sub(r"(?:\\u[0-9a-f]{4})+", lambda m: json.loads(f'"{m[0]}"'), text)
    return re.sub(r" in \d.*", "", pairs)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_encoding_is_too_narrow(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    command, expected = COMMANDS[name]
    found = {code: run(monkeypatch, code, *command) for code in CODES}
    monkeypatch.undo()
    assert len({status for status, _ in found.values()}) == 1
    assert expected in (None, found["utf-8"][0])
    if command[-1] == "--json":
        told = [_timeless(json.loads(data.decode(code))) for code, (_, data) in found.items()]
    else:
        told = [read(data, code) for code, (_, data) in found.items()]
    assert told[0] == told[1] == told[2]


def _timeless(value: dict) -> dict:
    return {key: one for key, one in value.items() if key != "seconds"}


@pytest.mark.parametrize("form", [form for form in TEXTS if form != "pdf"])
def test_a_document_is_the_same_bytes_on_every_stream(form, monkeypatch):
    command = ("prove", GREEK, "--detail", "brief", "-o", "-", "-f", form)
    status, data = run(monkeypatch, "ascii", *command)
    assert (status, data) == run(monkeypatch, "utf-8", *command)
    assert status == 0 and data.decode("utf-8")


#: What a shell says of its characters.
NARROW = {
    "PYTHONIOENCODING=ascii": {"PYTHONIOENCODING": "ascii"},
    "LANG=C": {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("shell", NARROW)
def test_a_process_of_its_own_has_a_narrow_encoding(shell, tmp_path):
    path = tmp_path / "program.txt"
    path.write_text(GREEK, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "derive", "prove", str(path), "--detail", "brief", "-o", "out"],
        env={**_without("PYTHONUTF8", "PYTHONIOENCODING", "LC_ALL", "LANG"), **NARROW[shell],
             "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert (
        b"\\u2202L/\\u2202\\u03b2" in done.stdout and len(list((tmp_path / "out").iterdir())) == 2
    )


def _without(*names: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in names}


# -- a terminal ------------------------------------------------------------------------------------


def on_a_terminal(command: list[str], **env: str) -> str:
    """What a command shows on a terminal."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "derive", *command], stdout=theirs, stderr=theirs, stdin=theirs,
        env={**_without("NO_COLOR", "TERM"), "TERM": "xterm", **env,
             "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    os.close(theirs)
    found = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        found += data
    done.wait()
    os.close(ours)
    return re.sub(r".*\r(?!\n)", "", found.decode().replace("\r\n", "\n"))


GREEN, CYAN, RED, END = "\x1b[32m", "\x1b[36m", "\x1b[31m", "\x1b[0m"
SHOWN: dict[str, Callable[[str], bool]] = {
    "columns": lambda text: f"∂L/∂X = ∂L/∂Y Wᵀ  {CYAN}dX = dY @ W.T{END}\n" in text,
    "marks": lambda text: f"{GREEN}✓{END} central differences" in text,
}


def test_a_terminal_has_columns_and_colours(tmp_path):
    text = on_a_terminal(["prove", "affine", "--detail", "brief", "-o", str(tmp_path)])
    assert all(shown(text) for shown in SHOWN.values()), text
    plain = on_a_terminal(
        ["check", "affine", "--claim", "dW = dY.T @ X"], NO_COLOR="1", PYTHONIOENCODING="ascii"
    )
    assert "\x1b" not in plain and plain.startswith("\\u2717 refuted   dW = dY.T @ X")
