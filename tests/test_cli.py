"""The command: what it writes, what it prints, how it refuses, and with which exit status."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from derive import __version__
from derive.command.cli import main
from derive.command.options import TEXTS

#: The formats that there are, as an error lists them.
KNOWN = f"{', '.join(TEXTS[:-1])} and {TEXTS[-1]}"

AFFINE = "X: (2, 2); W: (2, 3); B: (1, 3); Y = X @ W + B"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_affine_layer_is_written_and_reported(capsys):
    assert main(["prove", AFFINE]) == 0
    assert sorted(path.name for path in Path("output").iterdir()) == ["Y-2x2x3.md", "Y-2x2x3.tex"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "∂L/∂X = ∂L/∂Y Wᵀ    dX = dY @ W.T",
        "∂L/∂W = Xᵀ ∂L/∂Y    dW = X.T @ dY",
        "∂L/∂B = 𝟏ᵀ ∂L/∂Y    dB = sum(dY, axis=0)",
    ]
    assert lines[-2:] == ["wrote output/Y-2x2x3.md", "wrote output/Y-2x2x3.tex"]


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["affine"], ["affine-2x2x3.md", "affine-2x2x3.tex"]),
        (["affine", "--at", "n=1,d=3,m=2"], ["affine-1x3x2.md", "affine-1x3x2.tex"]),
        (["affine", "-f", "tex"], ["affine-2x2x3.tex"]),
        (["z = 3 * x ** 2", "-f", "md"], ["z.md"]),
        (["model.txt", "-f", "md"], ["model-2x3.md"]),
        (["X @ X.T", "-s", "X=2,3", "-f", "md"], ["Y-2x3.md"]),
    ],
)
def test_file_names(arguments, files):
    Path("model.txt").write_text("X: (n, d)\nY = X * X  # entry by entry\n", "utf-8")
    assert main(["prove", *arguments, "-o", "here"]) == 0
    assert sorted(path.name for path in Path("here").iterdir()) == files


def test_standard_output_is_the_document_alone(capsys):
    assert main(["prove", AFFINE, "-o", "-", "-f", "tex", "--fragment"]) == 0
    out = capsys.readouterr().out
    assert "\\documentclass" not in out and out.endswith("\n") and "\\label{Y-2x2x3:1}" in out
    assert not Path("output").exists()
    assert main(["prove", AFFINE, "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("# Gradients of")


def test_the_trace_as_json(capsys):
    assert main(["prove", AFFINE, "--json"]) == 0
    trace = json.loads(capsys.readouterr().out)
    assert trace["gradients"] == {"X": "dY @ W.T", "W": "X.T @ dY", "B": "sum(dY, axis=0)"}
    assert trace["sizes"] == {"n": 2, "d": 2, "m": 3} and trace["proved"] is True
    assert trace["shapes"]["B"] == [1, 3]
    words = {verdict["word"] for step in trace["steps"] for verdict in step["verdicts"]}
    assert words == {"proved"} and len(trace["steps"]) > 40
    rules = {step["rule"] for step in trace["steps"]}
    assert {"definition", "chain-rule", "contract", "entry-of"} <= rules
    assert not Path("output").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["affine", "-f", "doc"],
            f"derive: there is no format doc\n  hint: there are {KNOWN}\n",
        ),
        (
            ["affine", "-o", "-", "-f", "md,tex"],
            "derive: standard output takes one format\n  hint: add -f md or -f tex\n",
        ),
        (
            ["affine", "--at", "n=two"],
            "derive: sizes are written n=2,d=3, not 'n=two'\n",
        ),
        (
            ["affine", "--at", "n=2,n=3"],
            "derive: n has two sizes in 'n=2,n=3'\n",
        ),
        (
            ["affine", "--at", "k=2"],
            "derive: the program has no dimension k\n  hint: the dimensions are n, d, m\n",
        ),
        (
            ["affine", "--at", "n=0"],
            "derive: a dimension must be at least 1, n = 0 is not\n",
        ),
        (
            ["affine", "--at", "n=-3"],
            "derive: a dimension must be at least 1, n = -3 is not\n",
        ),
        (
            ["affine", "--wrt", "Q"],
            "derive: there is no variable Q\n  hint: the program has X, W, B, Y\n",
        ),
        (
            ["affine", "--loss", "\\input"],
            "derive: '\\\\input' is no name for a loss\n  hint: use letters and digits\n",
        ),
        (
            ["affine", "--prefix", "a}b"],
            "derive: the label prefix 'a}b' would not survive LaTeX\n"
            "  hint: letters, digits, colon, dot and hyphen are safe\n",
        ),
        (
            ["afine"],
            "derive: afine is neither a program nor a name of the catalogue: did you mean affine?\n"
            "  hint: a program is a formula such as Y = X @ W; derive list shows the catalogue\n",
        ),
        (["nowhere.txt"], "derive: there is no file nowhere.txt\n"),
        (["latin.txt"], "derive: latin.txt is not UTF-8 text: byte 5 cannot be read\n"),
        (["empty.txt"], "derive: there is no formula: write something such as Y = X @ W + B\n"),
        (
            ["Y = X @ X", "-s", "X:2,2"],
            "derive: a shape is written X=n,d, not 'X:2,2'\n"
            "  hint: rows, then columns; X= is a scalar\n",
        ),
        (
            ["X: (2, 2); Y = X @ X", "-s", "X=3,3"],
            "derive: X has two shapes: 2×2 in the text, 3×3 beside it\n",
        ),
        (
            ["affine", "--at", "n=200,d=200,m=200"],
            None,
        ),
        (["affine", "--templates", "none"], "derive: there is no folder of templates at none\n"),
        (
            ["affine", "-o", "occupied"],
            "derive: cannot write occupied/affine-2x2x3.md: File exists\n"
            "  hint: choose another folder with -o\n",
        ),
    ],
)
def test_refusals(arguments, message, capsys):
    Path("latin.txt").write_bytes("x = \xe9".encode("latin-1"))
    Path("empty.txt").write_text("", "utf-8")
    Path("occupied").write_text("a file, not a folder", "utf-8")
    before = sorted(path.name for path in Path().iterdir())
    assert main(["prove", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    if message is None:
        assert "more than the limit of 1,000,000" in captured.err
        assert "--max-entries" in captured.err
    else:
        assert captured.err == message
    assert sorted(path.name for path in Path().iterdir()) == before


def test_a_wrong_option_names_the_nearest(capsys):
    assert main(["prove", "affine", "--detial", "one"]) == 2
    assert "--detail" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="a superuser may write everywhere")
def test_a_folder_that_cannot_be_written(capsys):
    Path("locked").mkdir(mode=0o500)
    assert main(["prove", "affine", "-o", "locked"]) == 2
    assert "Permission denied" in capsys.readouterr().err


def test_what_was_there_stays_when_the_proof_fails(capsys):
    from derive.expressions.expr import OPS, Pullback

    assert main(["prove", "affine"]) == 0
    good = Path("output/affine-2x2x3.md").read_text("utf-8")
    wrong = Pullback(lambda g, Y, A, B: -(g @ B.T), because="product-rule-left")
    left, right = OPS["matmul"].pullbacks
    capsys.readouterr()
    object.__setattr__(OPS["matmul"], "pullbacks", (wrong, right))
    try:
        text = "P: (n, k); Q: (k, m); R: (1, m); Y = P @ Q + R"
        assert main(["prove", text, "-o", "output"]) == 3  # and a step that is refuted, 1
    finally:
        object.__setattr__(OPS["matmul"], "pullbacks", (left, right))
    error = capsys.readouterr().err
    assert error.startswith("derive: a step was not proved: dP = -(dY @ Q.T) (rule theorem")
    assert "is refuted" in error or "is undecided" in error
    assert Path("output/affine-2x2x3.md").read_text("utf-8") == good
    assert sorted(path.name for path in Path("output").iterdir()) == [
        "affine-2x2x3.md",
        "affine-2x2x3.tex",
    ]


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"derive {__version__}\n"
    assert main(["--help"]) == 0
    assert "prove" in capsys.readouterr().out
    assert main([]) == 2
    assert main(["prove"]) == 2


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["prove", "--help"]])
def test_cheap_commands_import_no_mathematics(arguments):
    code = (
        "import sys; from derive.command.cli import main; main(sys.argv[1:]);"
        "print([m for m in ('sympy', 'jinja2', 'flint', 'rich') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("where", ["-", "mine.toml", "mine.txt"])
@pytest.mark.parametrize(
    "words", [["prove"], ["example"], ["exercise", "--count", "1"], ["graph"], ["gradient"],
              ["check", "--claim", "dX = 2 * dY"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_every_target_may_be_a_file_an_entry_or_standard_input(where, words, monkeypatch, capsys):
    program = "X: (n, d); Y = 2 * X"
    Path("mine.txt").write_text(program, "utf-8")
    Path("mine.toml").write_text(f'title = "Mine"\nprogram = "{program}"\n', "utf-8")
    if where == "-":
        stream = io.TextIOWrapper(io.BytesIO(program.encode()))
        monkeypatch.setattr("sys.stdin", stream)
    command, *rest = words
    assert main([command, where, *rest]) == 0
    assert capsys.readouterr().out


def test_two_runs_give_the_same_bytes():
    def run(seed: str) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        words = [sys.executable, "-m", "derive", "prove", "X: (n, d); Y = tanh(X) * X"]
        done = subprocess.run([*words, "-o", "-"], capture_output=True, env=environment, check=True)
        return done.stdout

    assert run("1") == run("2") != b""


def test_every_command_that_writes_takes_the_same_options():
    from click import Context

    from derive.command.commands import command

    given = Context(command)
    found = {name: command.get_command(given, name) for name in command.list_commands(given)}
    writers = {name: {p.name for p in one.params} for name, one in found.items()
               if any(p.name == "output" for p in one.params)}  # fmt: skip
    of_courses = writers.pop("build")
    assert writers.keys() == {"prove", "check", "example", "exercise", "graph"}
    shared = {"target", "shapes", "at", "assume", "output", "formats", "as_json", "fragment",
              "prefix", "flavour", "level", "part", "gradients", "brackets", "first", "loss",
              "elide", "templates", "timeout", "catalogue", "language"}  # fmt: skip
    assert set.intersection(*writers.values()) == shared
    assert of_courses == shared - {"target", "shapes", "assume"} | {"course", "init", "jobs"}
    assert writers["prove"] - shared == {"wrt", "data", "detail", "max_entries"}


@pytest.mark.parametrize(
    "words",
    [
        ["prove", AFFINE],
        ["example", AFFINE],
        ["exercise", AFFINE],
        ["graph", AFFINE, "--values", "X=[[1,2],[3,4]],W=[[1,0,2],[0,1,3]],B=[[1,1,1]]"],
        ["check", AFFINE, "--write", "--claim", "dX = dY @ W.T", "--claim", "dX = dY @ W.T * 2"],
    ],
)
def test_a_document_is_set_as_the_options_say(words):
    asked = ["--brackets", "square", "--first", "0", "--fragment", "--prefix", "here:", "-f", "tex"]
    assert main([*words, *asked]) in (0, 1)
    for path in Path("output").glob("*.tex"):
        text = path.read_text("utf-8")
        assert "\\begin{bmatrix}" in text and "\\begin{pmatrix}" not in text
        assert "\\documentclass" not in text and "\\label{Y" not in text
    assert main([*words, "--templates", "nowhere", "-o", "there"]) == 2
