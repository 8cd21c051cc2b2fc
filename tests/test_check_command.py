"""`derive check` and `derive gradient`: what they print and write, and their exit status."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import derive
from derive.command.check import status
from derive.command.cli import main
from derive.command.options import TEXTS
from derive.judges.claim import Counterexample, Judgement
from derive.notation.messages import say
from derive.proof.verdict import Road, Scope

#: The formats that there are, as an error lists them.
KNOWN = f"{', '.join(TEXTS[:-1])} and {TEXTS[-1]}"

AFFINE = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
LEFT = {
    "id": "left", "program": "Y = A @ B", "shapes": {"A": ["n", "k"], "B": ["k", "m"]},
    "wrt": "A", "claim": "dY @ B.T",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def claims(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--claim", text)]


def write(*records) -> str:
    lines = (r if isinstance(r, str) else json.dumps(r) for r in records)
    Path("file.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return "file.jsonl"


# -- claims about one program ----------------------------------------------------------------------


def test_the_examples_of_the_task(capsys):
    program = "a: (n, 1); b: (m, 1); X: (n, m); L = a.T @ X @ b"
    assert main(["check", program, *claims("dX = a @ b.T")]) == 0
    assert capsys.readouterr().out == "proved    dX = a @ b.T  (every shape)\n"
    assert main(["check", program, *claims("dX = b @ a.T")]) == 1
    out = capsys.readouterr().out
    assert out.startswith("refuted   dX = b @ a.T\n")
    assert "true is dX = a @ b.T; yours " in out


def test_a_refutation_says_everything(capsys):
    assert main(["check", AFFINE, *claims("dB = mean(dY, axis=0)")]) == 1
    out = capsys.readouterr().out
    head, at, values, diagnosis, holds = out.splitlines()
    assert head == "refuted   dB = mean(dY, axis=0)"
    assert re.fullmatch(r" {10}at n = 2, d = 1, m = 1: X = .*, W = .*, B = .*, dY = .*", at)
    assert re.fullmatch(r" {10}dB_11 is (\S+), the claim says (?!\1$)\S+", values)
    assert diagnosis.strip().startswith("true is dB = sum(dY, axis=0); yours ")
    assert holds.strip() == "it is true where n = 1"


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["dX = dY @ W.T", "dW = X.T @ dY", "dB = sum(dY, axis=0)"], 0),
        (["dX = dY @ W.T", "dX = dY @ W"], 1),
        (["dX = W @ dY.T"], 1),
        (["dB = dY"], 1),
        (["G = dY\ndX = G @ W.T"], 0),
    ],
)
def test_exit_status(texts, code):
    assert main(["check", AFFINE, *claims(*texts)]) == code


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"proved": 3}, 0), ({"proved": 1, "refuted": 1}, 1), ({"undecided": 1}, 3),
        ({"refuted": 1, "undecided": 1, "error": 1}, 1), ({"undecided": 1, "error": 1}, 3),
        ({"proved": 9, "error": 1}, 2), ({}, 0),
    ],
)  # fmt: skip
def test_the_status_of_a_file(found, code):
    assert status(Counter(found)) == code


def test_catalogue_files_shapes_and_assumptions(capsys):
    assert main(["check", "affine", *claims("dX = dY @ W.T")]) == 0
    Path("model.txt").write_text("Y = X @ W  # a layer\n", "utf-8")
    shapes = ["-s", "X=n,d", "-s", "W=d,3"]
    assert main(["check", "model.txt", *shapes, *claims("dW = X.T @ dY")]) == 0
    capsys.readouterr()
    quadratic = ["check", "A: (n, n); x: (n, 1); L = x.T @ A @ x", *claims("dx = 2 * A @ x")]
    assert main(quadratic) == 1
    assert "it is true where A is symmetric" in capsys.readouterr().out
    assert main([*quadratic, "--assume", "A=symmetric"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["          assumed: A symmetric"]


def test_conditions_are_part_of_a_proof(capsys):
    assert main(["check", "x: (n, 1); L = sum(log(x))", *claims("dx = 1 / x")]) == 0
    head, *conditions = capsys.readouterr().out.splitlines()
    assert head == "proved    dx = 1 / x  (every shape)"
    assert "          where every entry of x is positive" in conditions


def test_claims_as_json(capsys):
    assert main(["check", AFFINE, "--json", *claims("dX = dY @ W.T", "dW = 2 * X.T @ dY")]) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["id"] == 1 and first["verdict"] == "proved" and first["scope"] == "every shape"
    assert second["id"] == 2 and second["verdict"] == "refuted"
    assert set(second["counterexample"]) == {"sizes", "values", "entry", "expected", "claimed"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], 'there is nothing to check\n  hint: write derive check "Y = X @ W" --claim "dX = ..."'
             ", or --file identities.jsonl"),
        ([AFFINE], 'there is no claim\n  hint: add --claim "dX = dY @ W.T"'),
        ([AFFINE, *claims("dX = dY @ V.T")],
         "line 1, column 11: unknown name V\n  dX = dY @ V.T\n            ^\n"
         "  hint: the program has X, W, B, Y, dX, dW, dB, dY"),
        ([AFFINE, *claims("dX = dY @ W.T", "dX = dY @")],
         "line 1, column 10: the text ends too early\n  dX = dY @\n           ^"),
        ([AFFINE, *claims("dQ = dY")],
         "dQ is not the gradient of a variable\n  hint: a claim gives one of dX, dW, dB"),
        ([AFFINE, *claims("dY = dY")], "dY is where the gradients start from; it is given"),
        ([AFFINE, *claims("dX = 1/0")],
         "line 1, column 6: division by zero\n  dX = 1/0\n       ^^^"),
        ([AFFINE, *claims("dY @ W.T")],
         "line 1, column 1: a claim is an equation: dX = ...\n  dY @ W.T\n  ^^^^^^^^"),
        (["Y = X @", *claims("dX = dY")],
         "line 1, column 8: the text ends too early\n  Y = X @\n         ^"),
        (["no.txt", *claims("dX = dY")], "there is no file no.txt"),
        (["--file", "no.jsonl"], "there is no file no.jsonl"),
        (["--file", "."], "cannot read .: Is a directory"),
        ([AFFINE, "--file", "f.jsonl"],
         "--file brings its own programs and claims; give no others"),
        (["--file", "f.jsonl", "--write", "-f", "doc"],
         f"there is no format doc\n  hint: there are {KNOWN}"),
        ([AFFINE, *claims("dX = dY"), "-f", "doc"],
         f"there is no format doc\n  hint: there are {KNOWN}"),
        ([AFFINE, *claims("dX = dY"), "--timeout", "-1"],
         "a time limit is a positive number of seconds, -1 is not"),
        ([AFFINE, *claims("dX = dY"), "--assume", "W"],
         "an assumption is written A=symmetric, not 'W'"),
        ([AFFINE, *claims("dX = dY"), "--assume", "V=positive"], "there is no input V"),
    ],
)  # fmt: skip
def test_bad_input(arguments, message, capsys):
    assert main(["check", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"derive: {message}\n" and captured.out == ""


def test_what_is_undecided(monkeypatch, capsys):
    from derive.judges.claim import Court

    def undecided(self, text):
        return Judgement(text, "undecided", None, Road.OPEN, "dX = dY", reason="hard")

    monkeypatch.setattr(Court, "judge", undecided)
    assert main(["check", AFFINE, *claims("dX = dY")]) == 3
    assert capsys.readouterr().out == "undecided dX = dY\n          hard\n"


def test_a_time_limit_for_a_claim(monkeypatch, capsys):
    import time

    from derive.judges.claim import Court

    def judge(self, text):
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(Court, "judge", judge)
    assert main(["check", AFFINE, *claims("dX = dY"), "--timeout", "0.1"]) == 3
    out = capsys.readouterr().out
    assert out == "undecided dX = dY\n          stopped after 0.1 seconds, while it was judged\n"


# -- files -----------------------------------------------------------------------------------------


def test_a_file(capsys):
    path = write(LEFT, {**LEFT, "id": None, "claim": "2 * dY @ B.T"}, '{"id": 3')
    assert main(["check", "--file", path]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "proved    left  dA = dY @ B.T  (every shape)"
    assert lines[1] == "refuted   line 2  dA = 2 * dY @ B.T"
    assert "error     line 3" in lines
    assert lines[-1] == "3 identities: 1 proved, 1 refuted, 1 error"


@pytest.mark.parametrize("options", [[], ["-j", "2"], ["--timeout", "60"]])
def test_a_file_as_json(options, capsys):
    path = write(LEFT, '{"id": 3', {**LEFT, "id": 4, "claim": "2 * dY @ B.T"})
    assert main(["check", "--file", path, "--json", *options]) == 1
    captured = capsys.readouterr()
    found = [json.loads(line) for line in captured.out.splitlines()]
    assert [a["verdict"] for a in found] == ["proved", "error", "refuted"]
    assert [a["id"] for a in found] == ["left", None, 4]
    assert all("seconds" in a for a in found) and found[1]["line"] == 2
    assert captured.err == ""


@pytest.mark.parametrize(
    ("records", "code"),
    [([LEFT, LEFT], 0), ([LEFT, "{"], 2), ([{**LEFT, "claim": "2 * dY @ B.T"}, "{"], 1)],
)
def test_the_exit_status_of_a_file(records, code):
    assert main(["check", "--file", write(*records), "--json"]) == code


def test_an_empty_file_is_an_error(capsys):
    Path("e.jsonl").write_text("")
    assert main(["check", "--file", "e.jsonl", "--json"]) == 2
    assert capsys.readouterr().err.startswith("derive: e.jsonl is empty: it holds no identity\n")


def test_identities_from_standard_input():
    words = [sys.executable, "-m", "derive", "check", "--file", "-", "--json"]
    done = subprocess.run(words, input=json.dumps(LEFT), capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["verdict"] == "proved"


def test_on_a_terminal_there_are_marks(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    path = write(LEFT, {**LEFT, "id": "two", "claim": "2 * dY @ B.T"})
    assert main(["check", "--file", path]) == 1
    captured = capsys.readouterr()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", captured.out)
    assert plain.startswith("✓ proved    left  dA = dY @ B.T  (every shape)\n✗ refuted   two  dA")
    summary = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", captured.err)
    assert re.search(r"2 identities: 1 proved, 1 refuted in [\d.]+ s", summary)


@pytest.mark.parametrize("arguments", [["check", "--help"], ["gradient", "--help"]])
def test_help_imports_no_mathematics(arguments):
    code = (
        "import sys; from derive.command.cli import main; main(sys.argv[1:]);"
        "print([m for m in ('sympy', 'jinja2', 'flint', 'rich') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")


# -- documents -------------------------------------------------------------------------------------


def test_documents(capsys):
    texts = claims("dX = dY @ W.T", "dX = dY @ W", "dW = 2 * X.T @ dY")
    assert main(["check", AFFINE, *texts, "--write", "-o", "here"]) == 1
    names = ["Y-check-dW", "Y-check-dX", "Y-check-dX-2"]
    files = [f"{name}.{form}" for name in names for form in ("md", "tex")]
    assert sorted(path.name for path in Path("here").iterdir()) == sorted(files)
    assert capsys.readouterr().out.count("wrote here/") == 6
    proved = Path("here/Y-check-dX.md").read_text("utf-8")
    assert proved.startswith("# Proved: `dX = dY @ W.T`\n")
    assert "**It is true,** for every shape" in proved
    assert "## What was checked" in proved
    for path in Path("here").iterdir():
        assert "<<" not in path.read_text("utf-8") and "<%" not in path.read_text("utf-8")


FALSE = {**LEFT, "id": "../Left", "claim": "2 * dY @ B.T"}


@pytest.mark.parametrize("options", [[], ["-j", "2"], ["--timeout", "60"]])
def test_documents_of_a_file(options, capsys):
    path = write(
        LEFT, FALSE, {**LEFT, "id": "a b/c:é"}, {**LEFT, "id": None}, "{", {**LEFT, "id": 7}
    )
    assert main(["check", "--file", path, "--write", "-o", "here", *options]) == 1
    stems = ["left", "Left-2", "a-b-c", "line-4", "7"]
    files = sorted(f"{stem}.{form}" for stem in stems for form in ("md", "tex"))
    assert sorted(path.name for path in Path("here").iterdir()) == files
    assert "\nwrote 10 files to here\n" in capsys.readouterr().out
    assert Path("here/left.md").read_text("utf-8").startswith("# Proved: `dA = dY @ B.T`\n")
    assert Path("here/Left-2.md").read_text("utf-8").startswith("# Refuted: `dA = 2 * dY @ B.T`\n")


def test_documents_of_a_file_are_written_as_it_is_read(monkeypatch):
    from derive.documents import files

    real, seen = files.write_whole, []

    def fails(texts):
        seen.extend(path.name for path in texts)
        if len(seen) > 2:
            raise derive.OutputError("the disk is full")
        real(texts)

    monkeypatch.setattr(files, "write_whole", fails)
    path = write(LEFT, {**LEFT, "id": "second"}, {**LEFT, "id": "third"})
    assert main(["check", "--file", path, "--write", "-f", "md,tex"]) == 2
    assert seen == ["left.md", "left.tex", "second.md", "second.tex"]
    assert sorted(path.name for path in Path("output").iterdir()) == ["left.md", "left.tex"]


def test_names_of_files_are_safe_and_their_own():
    from derive.command.check import _Names

    names = _Names()
    ids = ["a", "A", "a", "con", "NUL.x", "..", "-x", "x" * 300, "x" * 301, None, "é", 3, {"a": 1}]
    found = [names.free(known, line) for line, known in enumerate(ids, 1)]
    assert found[:9] == [
        "a",
        "A-2",
        "a-3",
        "con-4",
        "NUL.x-5",
        "line-6",
        "x",
        "x" * 80,
        "x" * 80 + "-2",
    ]
    assert found[9:] == ["line-10", "line-11", "3", "a-1"]
    assert len({name.lower() for name in found}) == len(found)


def test_a_verdict_stands_where_its_document_cannot_be_made(monkeypatch, capsys):
    from derive.documents import check as render_check

    def fails(*args, **options):
        raise derive.ProofError("a step was not proved")

    monkeypatch.setattr(render_check, "prove", fails)
    assert main(["check", "--file", write(LEFT, FALSE), "--write", "-f", "md"]) == 1
    out = capsys.readouterr().out
    assert "          there is no document: a step was not proved\n" in out
    assert [path.name for path in Path("output").iterdir()] == ["Left.md"]


def test_a_proof_at_sizes_says_so(capsys):
    fractions = "sum(x / (x + x.T) - 1 / 2)"  # zero as a whole, and not term by term
    program = "x: (3, 1); L = sum(x ** 2)"
    assert (
        main(["check", program, *claims(f"dx = 2 * x + {fractions}"), "--write", "-f", "md"]) == 0
    )
    assert "  (n = 3)\n" in capsys.readouterr().out
    text = Path("output/L-check-dx.md").read_text("utf-8")
    assert "**It is true,** where n = 3" in text and "both sides were written out" in text


def test_the_counterexample_is_worked_by_hand():
    from derive.documents.check import render_check
    from derive.judges.case import Case
    from derive.language.parse import parse

    found = Counterexample(
        {"n": 1, "d": 2, "m": 2},
        {"X": [["1", "2"]], "W": [["2", "-1"], ["1/2", "3"]], "dY": [["1", "3"]]},
        (1, 1), "-1", "7/2",
    )  # fmt: skip
    judgement = Judgement(
        "dX = dY @ W", "refuted", Scope.at({"n": 1}), Road.EXACT, "dX = dY @ W.T",
        counterexample=found,
        diagnosis=say("meant", truth="dX = dY @ W.T", slip=say("transpose-missing", "W")),
    )  # fmt: skip
    case = Case(parse("X: (n, m); W: (m, m); Y = X @ W"))
    text = render_check(case, judgement, "md")
    for piece in (
        r"&= 1 \cdot 2 + 3 \cdot (-1) \\" + "\n&= -1\n",
        r"&= 1 \cdot 2 + 3 \cdot \frac{1}{2} \\" + "\n" + r"&= \frac{7}{2}",
        "True is `dX = dY @ W.T`; the claim lacks the transpose of W.",
        r"W = \begin{pmatrix}" + "\n" + r"2 & -1 \\" + "\n" + r"\frac{1}{2} & 3",
    ):
        assert piece in text


NETWORK = (
    "X: (n, d); W: (d, m); T: (n, m); Z = X @ W; H = sigmoid(Z); L = sum((H - T) ** 2) / (2 * n)"
)
REFUTED = [
    (AFFINE, "dX = dY @ W"),
    (AFFINE, "dB = dY"),
    (NETWORK, "dW = X.T @ (dH * H)"),
    (NETWORK, "dZ = H - T"),
    ("A: (n, n); B: (n, m); Y = inv(A) @ B", "dA = inv(A) @ dY @ (inv(A) @ B).T"),
    ("A: (n, n); L = logdet(A)", "dA = inv(A)"),
    ("x: (n, 1); L = norm(x)", "dx = x"),
    ("x: (); y: (); L = max(x, y) * abs(x)", "dx = 1"),
    ("X_1: (n, d); Y = softmax(X_1)", "dX_1 = dY * Y * (1 - Y)"),
]


@pytest.mark.parametrize(("program", "claim"), REFUTED)
def test_every_refutation_is_a_page_of_latex(program, claim, require_tool):
    latex = require_tool("pdflatex")
    assert main(["check", program, *claims(claim), "--write", "-o", "."]) == 1
    (path,) = Path().glob("*.tex")
    done = subprocess.run(
        [latex, "-interaction=nonstopmode", "-halt-on-error", path.name],
        capture_output=True, text=True, encoding="latin-1",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


# -- gradients -------------------------------------------------------------------------------------


def test_gradients_alone(capsys):
    assert main(["gradient", AFFINE]) == 0
    assert capsys.readouterr().out == "dX = dY @ W.T\ndW = X.T @ dY\ndB = sum(dY, axis=0)\n"
    assert main(["gradient", "X @ W", "-s", "X=n,d", "-s", "W=d,m", "--wrt", "W"]) == 0
    assert capsys.readouterr().out == "dW = X.T @ dY\n"
    assert main(["gradient", "affine", "--wrt", "X", "--latex"]) == 0
    assert capsys.readouterr().out == (
        "\\frac{\\partial L}{\\partial X} = \\frac{\\partial L}{\\partial Y}\\,W^{\\top}\n"
    )
    assert main(["gradient", "affine", "--wrt", "X, B", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "statements": [], "gradients": {"X": "dY @ W.T", "B": "sum(dY, axis=0)"},
    }  # fmt: skip


ATTENTION = "Q: (n, d); K: (m, d); V: (m, k); Y = softmax(Q @ K.T / sqrt(d)) @ V"


def test_gradients_in_statements(capsys):
    """What occurs again has a name, up to a transpose; expanded, each gradient stands alone."""
    lines = [
        "P = softmax(Q @ K.T / sqrt(d))", "G = P * (dY @ V.T - sum(dY * Y, axis=1))",
        "dQ = G @ K / sqrt(d)", "dK = G.T @ Q / sqrt(d)", "dV = P.T @ dY",
    ]  # fmt: skip
    assert main(["gradient", ATTENTION]) == 0
    assert capsys.readouterr().out.splitlines() == lines
    assert main(["gradient", ATTENTION, "--json"]) == 0
    pairs = [line.split(" = ", 1) for line in lines]
    told = {"statements": pairs[:2], "gradients": {name[1:]: f for name, f in pairs[2:]}}
    assert json.loads(capsys.readouterr().out) == told
    assert main(["gradient", ATTENTION, "--latex"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == r"\frac{\partial L}{\partial V} = P^{\top}\,\frac{\partial L}{\partial Y}"
    assert printed[1].startswith(r"G = P \odot \left(")
    assert main(["gradient", "attention", "--expanded"]) == 0
    names = {"dQ", "dK", "dV", "Q", "K", "V", "dY", "d", "T", "axis", "softmax", "sum", "sqrt"}
    assert set(re.findall(r"[A-Za-z]\w*", capsys.readouterr().out)) <= names
    found = derive.gradient(ATTENTION)
    assert list(found.statements) == [tuple(pair) for pair in pairs[:2]]
    assert found == found.gradients == told["gradients"] and found.where == ()
    assert derive.gradient(ATTENTION, expanded=True).statements == ()


def test_what_is_far_too_long_is_no_formula(capsys):
    layers = "; ".join(f"H{k} = tanh(H{k - 1} @ W{k}) + H{k - 1}" for k in range(1, 9))
    program = f"H0: (n, d); {'; '.join(f'W{k}: (d, d)' for k in range(1, 9))}; {layers}"
    assert main(["gradient", program, "--wrt", "H0", "--expanded"]) == 2
    error = capsys.readouterr().err
    assert "as one formula the gradient by H" in error and "leave --expanded out" in error
    assert main(["gradient", program, "--wrt", "H0"]) == 0
    assert len(capsys.readouterr().out.splitlines()) <= 16


UNDER = "X: (n, n); L = logdet(X) + sum(abs(X)) / (n - 1)"
ASKED = ["n ≥ 2", "the determinant of X is positive", "every entry of X is different from 0"]


def test_gradients_say_what_they_ask_for(capsys):
    def printed(*options):
        assert main(["gradient", UNDER, *options]) == 0
        return capsys.readouterr().out

    assert printed().splitlines()[1:] == [f"  where {k}" for k in ASKED]
    assert json.loads(printed("--json"))["where"] == ASKED
    assert printed("--latex").splitlines()[1:] == [f"% where {k}" for k in ASKED]
    asked = f'X is n×n, where {" and ".join(ASKED)}."'
    assert asked in " ".join(printed("--code", "numpy").split())
    found = derive.gradient(UNDER)
    assert list(found) == ["X"] and found.where == tuple(ASKED)
    assert derive.gradient(AFFINE).where == ()


def test_gradients_as_code(capsys):
    assert main(["gradient", "affine", "--code", "numpy"]) == 0
    assert capsys.readouterr().out == derive.gradient(AFFINE, code="numpy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["affine", "--code", "c"], "there is no code for 'c'\n  hint: there is numpy, torch, jax"),
        (["affine", "--code", "jax", "--latex"], "choose one of --latex, --code and --json"),
        (["affine", "--wrt", "Q"],
         "there is no variable Q\n  hint: the program has X, W, B, Y"),
        (["Y = X @", "--latex"],
         "line 1, column 8: the text ends too early\n  Y = X @\n         ^"),
    ],
)  # fmt: skip
def test_bad_requests_for_gradients(arguments, message, capsys):
    assert main(["gradient", *arguments]) == 2
    assert capsys.readouterr().err == f"derive: {message}\n"


FORGED = "a\nproved    b  dA = 1\x1b[2J\x9b1m\u202e"


def test_nobody_can_write_a_line_of_ours(tmp_path, capsys):
    record = {"id": FORGED, "program": "Y = A @ B", "shapes": {"A": ["n", "k"], "B": ["k", "m"]},
              "wrt": "A", "claim": "2 * dY @ B.T"}  # fmt: skip
    path = tmp_path / "forged.jsonl"
    path.write_text(json.dumps(record), "utf-8")
    assert main(["check", "--file", str(path)]) == 1
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("proved")] == []
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)
    assert main(["check", "--file", str(path), "--json"]) == 1
    out = capsys.readouterr().out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)
    assert json.loads(out)["id"] == FORGED


def test_a_message_in_a_users_words_is_indented(capsys):
    assert main(["check", "Y = X", "--claim", "dX = dY", "--assume", "X=odd\nproved  it"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if not line.startswith(("derive: ", "  "))] == []


def test_what_a_claim_means_by_a_name_is_said(capsys, tmp_path):
    program = "X: (n, d); W: (d, m); Z = X @ W; Y = Z * Z"
    claim = "Z = W.T; dX = 2 * (dY * (X @ Z.T)) @ Z"
    arguments = ["check", program, "--claim", claim, "--write", "-o", str(tmp_path)]
    assert main(arguments) == 0
    assert "inside the claim Z stands for W.T" in capsys.readouterr().out
    for path in tmp_path.iterdir():
        text = " ".join(path.read_text("utf-8").split())
        assert "Inside the claim" in text and "stands for" in text


@pytest.mark.parametrize(
    ("program", "claim", "told"),
    [
        ("X: (n, m); Y = max(X, 2 * X)", "dX = 3 * dY", "dX_11 is "),
        ("X: (n, m); L = sum(exp(12 * X))", "dX = exp(12 * X)",
         "dX_11 is about 1.95306e+6, the claim says about 1.62755e+5"),
        ("A: (n, n); Y = max(A, A.T)", "dA = dY * (A > A.T) + (dY * (A.T > A)).T",
         "dA_11 is -2, the claim says 0"),
        ("x: (); y = exp(x)", "dx = exp(2 * x)",
         "dx is about 2.71828, the claim says about 7.38906"),
    ],
)  # fmt: skip
def test_a_rounded_number_is_said_to_be_about_right(program, claim, told, capsys):
    assert main(["check", program, *claims(claim)]) == 1
    assert told in capsys.readouterr().out
