"""Exercise sheets: every answer found again by NumPy, every line of arithmetic read again.

The answers are held against `referee`, which reads the program as Python text and differentiates by
central differences in 40 digits; the arithmetic of the solutions against Python's own fractions.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
from programs import FEW
from referee import DIGITS, Setting, exact
from test_katex import hazards, rejected

import derive
from derive.catalogue import load
from derive.command.cli import main
from derive.documents.exercise import exercise
from derive.documents.files import unsealed
from derive.documents.pipeline import prove
from derive.expressions.errors import DeriveError
from derive.expressions.expr import number as number_one
from derive.judges.slips import KINDS, mistakes
from derive.language.parse import parse
from derive.proof.explain import explain
from derive.proof.plain import plain as written

#: Programs that the catalogue lacks: a value used twice, an inverse, a maximum, a long chain.
OTHERS = {
    "residual": "X: (n, d); W: (d, d); H = tanh(X @ W); Y = X + H",
    "inverse": "A: (n, n); b: (n, 1); x = inv(A) @ b; f = sum(x ** 2)",
    "hinge": "X: (n, d); w: (d, 1); y: (n, 1); L = mean(max(0, 1 - y * (X @ w)))",
    "tied": "X: (n, d); W: (d, k); H = X @ W; Y = H @ W.T; L = sum((Y - X) ** 2) / 2",
    "scalars": "a = x * y; b = exp(a); c = b + x; f = c ** 2",
    "fixed": "X: (2, 2); W: (2, 2); Y = X @ W * 3 - W",
}
PROGRAMS = {**{name: load(name).program for name in FEW}, **OTHERS}
SIZES = {name: dict(load(name).at) for name in FEW}
SEEDS = (1, 2, 7)
CASES = [(name, seed) for name in PROGRAMS for seed in SEEDS]
NEAR = mpmath.mpf(10) ** -12


@cache
def sheet(name: str, seed: int = 7, count: int = 8) -> derive.Sheet:
    program = name if name in SIZES else PROGRAMS[name]
    return exercise(program, count=count, seed=seed, name=name)


@cache
def plain(name: str, seed: int = 7) -> dict:
    return sheet(name, seed).plain()


# -- the numbers -----------------------------------------------------------------------------------


def number(value: dict) -> mpmath.mpf:
    if value["exact"] is None:
        return mpmath.mpf(value["decimal"])
    top = Fraction(value["exact"])
    return mpmath.mpf(top.numerator) / top.denominator


def table(value) -> np.ndarray:
    rows = value if isinstance(value, list) else [[value]]
    return np.array([[number(x) for x in row] for row in rows], dtype=object)


def near(a, b) -> bool:
    a, b = np.atleast_2d(a), np.atleast_2d(b)
    return a.shape == b.shape and all(
        abs(x - y) <= NEAR * (1 + abs(y)) for x, y in zip(a.flat, b.flat)
    )


class Referee:
    """What NumPy and central differences make of a sheet, at its point or at a problem's own."""

    def __init__(self, found: dict, problem: dict):
        program = parse("; ".join([*shapes(found), *found["program"]]))
        names = {name: program.leaves[name].shape.dims for name in program.inputs}
        self.setting = Setting("; ".join(found["program"]), names)
        given = problem.get("given", found["given"])
        sizes = problem.get("sizes", found["sizes"])
        values = {name: table(value) for name, value in given.items()}
        g = values.pop(f"d{self.setting.output}", None)
        self.known = self.setting.environment(values, sizes)
        self.g = exact([[1]]) if g is None else g

    def gradient(self, name: str) -> np.ndarray:
        return self.setting.gradient(name, self.known, self.g)

    def formula(self, text: str) -> np.ndarray:
        return self.setting.claimed(text.partition(" = ")[2], self.known, self.g)


def shapes(found: dict) -> list[str]:
    return [line.strip() for line in found["shapes"]]


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_every_answer_is_what_numpy_finds(name, seed):
    found = plain(name, seed) | {"shapes": declared(name)}
    with mpmath.workdps(DIGITS):
        for problem in found["problems"]:
            referee, answer = Referee(found, problem), problem["answer"]
            if problem["kind"] == "forward":
                for key, value in answer.items():
                    assert near(table(value), referee.known[key]), (problem["number"], key)
            if problem["kind"] == "shapes":
                for key, dims in answer.items():
                    assert list(referee.known[key[1:]].shape) == dims, key
            if problem["kind"] in ("entry", "gradient"):
                truth = referee.gradient(problem["variable"])
                if problem["kind"] == "entry":
                    i, j = (k - 1 for k in problem["entry"])
                    truth = truth[i, j]
                else:
                    assert near(referee.formula(answer["formula"]), truth)
                assert near(table(answer["value"]), truth), problem["number"]


def declared(name: str) -> list[str]:
    return [part for part in re.split("[;\n]", PROGRAMS[name]) if ":" in part and "=" not in part]


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_a_mistake_is_false_at_the_numbers_that_are_given(name, seed):
    found = plain(name, seed) | {"shapes": declared(name)}
    claims = [p for p in found["problems"] if p["kind"] == "mistake"]
    assert claims
    with mpmath.workdps(DIGITS):
        for problem in claims:
            referee, answer = Referee(found, problem), problem["answer"]
            truth, claimed = (
                referee.gradient(problem["variable"]),
                referee.formula(problem["claim"]),
            )
            assert truth.shape == claimed.shape
            i, j = (k - 1 for k in answer["entry"])
            assert abs(truth[i, j] - claimed[i, j]) > 1e-6
            assert near(number(answer["true"]), truth[i, j])
            assert near(number(answer["claimed"]), claimed[i, j])
            assert near(referee.formula(answer["formula"]), truth)


# -- the arithmetic of the solutions ---------------------------------------------------------------

NUMBERS = re.compile(r"[\d\s.+\-()*/]+")


def read(tex: str) -> Fraction | None:
    """Return what a piece of LaTeX arithmetic comes to, `None` where it is no arithmetic."""
    text = tex.replace(r"\left", "").replace(r"\right", "").replace(r"\cdot", "*")
    text = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", text)
    while r"\frac" in text:
        shorter = re.sub(r"\\frac\{([^{}\\]*)\}\{([^{}\\]*)\}", r"((\1)/(\2))", text)
        if shorter == text:
            return None
        text = shorter
    if not NUMBERS.fullmatch(text):
        return None
    return eval(re.sub(r"\d+(\.\d+)?", lambda m: f"Fraction('{m[0]}')", text))


def lines(markdown: str) -> list[str]:
    """Return the chains of equalities of a text, each on one line."""
    found: list[str] = []
    for display in re.findall(r"^\$\$\n(.*?)\n\$\$$", markdown, re.M | re.S):
        display = re.sub(r"\\(begin|end)\{aligned\}\n?", "", display)
        display = re.sub(r"\\begin\{pmatrix\}.*?\\end\{pmatrix\}", "M", display, flags=re.S)
        for line in re.split(r"\\\\(?:\[4pt\])?\n", display):
            line = line.partition("&&")[0].strip()
            if line.startswith("&") and found:
                found[-1] += " " + line
            else:
                found.append(line)
    return [line.replace("&", " ") for line in found]


def wrong(line: str) -> list[str]:
    """Return the neighbours of a chain that are both arithmetic and do not agree."""
    parts = re.split(r"(=|\\approx)", line)
    found = []
    for left, sign, right in zip(parts[::2], parts[1::2], parts[2::2]):
        try:
            a, b = read(left), read(right)
        except (SyntaxError, ZeroDivisionError, TypeError):
            continue
        if a is None or b is None:
            continue
        # a chain of rounded numbers may lose digits where numbers nearly cancel
        slack = 0 if sign == "=" else Fraction(1, 50) * (1 + abs(b))
        if abs(a - b) > slack:
            found.append(f"{left} {sign} {right}")
    return found


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_the_arithmetic_comes_to_what_it_says(name, seed):
    for problem in plain(name, seed)["problems"]:
        for line in lines(problem["solution"]):
            assert wrong(line) == []


def test_the_solutions_do_show_arithmetic():
    text = sheet("affine").to_markdown(solutions=True)
    read_lines = [line for line in lines(text) if sum(map(bool, map(safe, line.split("=")))) > 1]
    assert len(read_lines) > 10
    assert wrong(r"y &= 1 \cdot 2 + 3 = 6") and not wrong(r"y &= 1 \cdot 2 + 3 = 5")
    assert wrong(r"y &= \frac{(-1)^{2}}{2 \cdot 3} = \frac{1}{5}")


def safe(tex: str) -> Fraction | None:
    try:
        return read(tex)
    except SyntaxError:
        return None


# -- the gaps --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_what_fills_a_gap_gives_the_proof_again(name, seed):
    found = sheet(name, seed)
    steps = prove(PROGRAMS[name], at=SIZES.get(name), detail="brief").derivation.every_step()
    proved = {(written(s.left), written(s.right)) for s in steps if s.verdicts and s.proved}
    rights = {}
    for left, right in proved:
        rights.setdefault(left, set()).add(right)
    for problem in found.plain()["problems"]:
        if problem["kind"] != "gap":
            continue
        answer, shown = problem["answer"], problem["lines"]
        filled = [dict(line) for line in shown]
        assert [line["right"] for line in filled].count("?") == 1
        assert [line["reason"] for line in filled].count("?") == 1
        filled[answer["line"] - 1]["right"] = answer["right"]
        filled[answer["reason line"] - 1]["reason"] = answer["reason"]
        for line in filled:
            reached, grown = {line["left"]}, True
            while grown:  # a step of a sweep is tidied up by further steps
                more = set().union(*(rights.get(side, set()) for side in reached)) | reached
                reached, grown = more, more != reached
            assert line["right"] in reached, line


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_solution_is_the_problem_with_its_gaps_filled(name):
    for problem in plain(name)["problems"]:
        if problem["kind"] != "gap":
            continue
        asked, solved = display(problem["problem"]), display(problem["solution"])
        assert len(asked) == len(solved)
        differing = [(a, b) for a, b in zip(asked, solved) if a != b]
        assert 1 <= len(differing) <= 2
        for a, b in differing:
            pattern = re.escape(a)
            for gap in (r"\boxed{\text{(a)}\ ?}", r"\boxed{\text{(b)}\ ?}"):
                pattern = pattern.replace(re.escape(gap), r"\\boxed\{.+\}")
            assert re.fullmatch(pattern, b)


def display(text: str) -> list[str]:
    """Return the lines of a chain, each with its reason beside it, wherever it was broken."""
    body = re.findall(r"\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}", text, re.S)[0]
    body = re.sub(r"\\\\\n&(?=  && |\\qquad)", r"\\\\ &", body)
    body = re.sub(r" \\\\ &\\qquad (\\boxed|\\text)", r" && \1", body)
    body = body.replace(r"} \\ &  && \text{", " ").replace(r" \\ &  && \text{", r"\text{ ")
    return body.split("\n")


# -- which problems --------------------------------------------------------------------------------


def test_difficulty_increases_and_no_problem_comes_twice():
    found = sheet("mlp", 3, 30)
    kinds = [problem.kind for problem in found.problems]
    order = ["shapes", "forward", "entry", "gradient", "mistake", "gap"]
    assert kinds == sorted(kinds, key=order.index) and set(kinds) == set(order)
    assert [problem.number for problem in found.problems] == list(range(1, 31))
    asked = [problem["problem"] for problem in found.plain()["problems"]]
    assert len(set(asked)) == 30
    for kind in ("entry", "gradient", "mistake", "gap"):
        about = [problem.variable for problem in found.problems if problem.kind == kind]
        assert len(set(about)) == min(len(about), len(set(about)))
        assert len(set(about[:4])) >= 3, (kind, about)


@pytest.mark.parametrize("count", range(1, 8))
def test_a_sheet_has_as_many_problems_as_are_asked_for(count):
    kinds = [problem.kind for problem in sheet("affine", 1, count).problems]
    assert len(kinds) == count and "gradient" in kinds
    assert len(set(kinds)) == min(count, 6)


def test_numbers_have_no_shapes_and_no_entries():
    kinds = {problem.kind for problem in sheet("circuit").problems}
    assert kinds == {"forward", "gradient", "mistake", "gap"}


@pytest.mark.parametrize("name", ["affine", "mlp", "softmax-cross-entropy", "circuit"])
def test_the_same_seed_gives_the_same_bytes_and_another_one_other_numbers(name):
    at = SIZES.get(name)

    def written(seed: int) -> tuple[str, ...]:
        found = exercise(PROGRAMS[name], seed=seed, at=at, name=name)
        return (
            found.to_markdown(), found.to_markdown(solutions=True), found.to_latex(),
            json.dumps(found.plain()),
        )  # fmt: skip

    assert written(7) == written(7)
    texts = [written(seed)[0] for seed in (1, 2, 3, -3, 7)]
    assert len(set(texts)) == 5


@pytest.mark.parametrize("name", ["affine", "mlp", "attention", "circuit"])
def test_other_seeds_ask_problems_of_the_same_kinds_about_the_same_variables(name):
    easy = ("shapes", "forward", "entry", "gradient")
    asked = {
        tuple((p.kind, p.variable if p.kind in easy else "") for p in sheet(name, seed).problems)
        for seed in SEEDS
    }
    assert len(asked) == 1


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_text_is_the_same_in_every_process(seed, tmp_path):
    command = [sys.executable, "-m", "derive", "exercise", "affine", "--seed", "7"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path)], env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert unsealed((tmp_path / "affine-solutions.md").read_text("utf-8")) == exercise(
        "affine", seed=7
    ).to_markdown(solutions=True)


def test_sizes_that_are_asked_for_are_kept():
    own = [p for p in sheet("affine").problems if p.trace.sizes != sheet("affine").trace.sizes]
    assert {p.kind for p in own} <= {"mistake"}
    fixed = exercise(PROGRAMS["affine"], count=12, at={"n": 3, "d": 2, "m": 2})
    assert all(dict(p.trace.sizes) == {"n": 3, "d": 2, "m": 2} for p in fixed.problems)


def test_a_problem_gives_all_its_numbers_whatever_the_style():
    found = exercise(PROGRAMS["affine"], at={"n": 3, "d": 5, "m": 2}, style=derive.Style(elide=2))
    assert "dots" not in found.to_markdown(solutions=True) + found.to_latex()


def test_the_variables_and_the_assumptions_are_those_that_are_asked_for():
    program = PROGRAMS["softmax-cross-entropy"]
    found = exercise(program, wrt=["Z"], assume={"T": "one-hot-rows"}, count=8)
    assert {p.variable for p in found.problems} == {"", "Z"}
    rows = found.plain()["given"]["T"]
    assert all(sorted(x["exact"] for x in row) == ["0", "0", "1"][-len(row) :] for row in rows)


# -- mistakes --------------------------------------------------------------------------------------

LAYER = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
MADE = {
    "transpose-missing": ("X: (n, d); W: (d, d); Y = X @ W", "X", "dY @ W"),
    "transpose-extra": ("X: (n, d); W: (d, d); Y = X @ W.T", "X", "dY @ W.T"),
    "order": ("A: (n, n); B: (n, n); Y = A @ B", "A", "B.T @ dY"),
    "entrywise": ("A: (n, n); B: (n, n); Y = A @ B", "A", "dY * B.T"),
    "mean-for-sum": (LAYER, "B", "mean(dY, axis=0)"),
    "sum-for-mean": ("X: (n, d); w: (1, d); L = sum(w * mean(X, axis=0))", "w", "sum(X, axis=0)"),
    "wrong-axis": ("A: (n, n); b: (1, n); Y = A + b", "b", "sum(dY, axis=1).T"),
    "mask": ("X: (n, d); Y = relu(X)", "X", "dY * (0 > X)"),
    "factor-missing": ("X: (n, d); Y = relu(X)", "X", "dY"),
    "constant-missing": ("X: (n, d); L = sum(X ** 2)", "X", "X"),
    "division-missing": ("X: (n, d); T: (n, d); L = sum((X - T) ** 2) / (2 * n)", "X", "X - T"),
    "term-missing": ("X: (n, n); Y = X + X.T", "X", "dY"),
    "sign-inside": ("X: (n, d); T: (n, d); L = sum((X - T) ** 2) / 2", "X", "X + T"),
    "step-skipped": ("X: (n, d); W: (d, k); Z = X @ W; H = relu(Z)", "W", "X.T @ dH"),
    "upstream-missing": ("q = x + y; f = q * z", "x", "1"),
    "not-switched": ("f = x * y", "x", "x"),
    "is-transpose": ("X: (n, n); Y = 2 * X", "X", "(2 * dY).T"),
    "sign": (LAYER, "W", "-(X.T @ dY)"),
    "factor-extra": (LAYER, "W", "2 * (X.T @ dY)"),
}


def test_every_kind_of_mistake_is_tried():
    assert set(MADE) == set(KINDS)


@pytest.mark.parametrize("kind", MADE)
def test_a_kind_of_mistake_is_made(kind):
    program, name, expected = MADE[kind]
    read = parse(program)
    found = explain(read, detail="brief")
    links = {p.gradient: p.upstream or number_one(1) for p in found.locals}
    made = mistakes(
        found.backward[name], dict.fromkeys(read.dims, 2), own=read.leaves[name], skipped=links
    )
    claims = [str(mistake.formula) for mistake in made if mistake.kind == kind]
    assert expected in claims


# -- documents -------------------------------------------------------------------------------------


def test_the_markdown_is_sound_everywhere(require_tool):
    node, _ = require_tool("node"), require_tool("katex")
    pages = {
        f"{name}-{part}": sheet(name).to_markdown(solutions=part == "solutions")
        for name in PROGRAMS
        for part in ("exercises", "solutions")
    }
    assert "\n\n".join(rejected(pages, node)) == ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_github_sees_the_mathematics(name):
    assert hazards(sheet(name).to_markdown()) == []
    assert hazards(sheet(name).to_markdown(solutions=True)) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_problems_do_not_give_the_solutions_away(name):
    text = sheet(name).to_markdown()
    assert "Solution" not in text
    assert text.count("## Problem") == sheet(name).to_markdown(solutions=True).count(
        "**Solution.**"
    )


SWITCHES = {
    "problems": (r"\input{page.tex}", False),
    "from outside": (r"\def\showsolutions{1}\input{page.tex}", True),
    "by hand": (r"\input{page.tex}", True),
}


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(
    "name", ["affine", "mlp", "layer-norm", "circuit", "softmax-cross-entropy"]
)
def test_latex_compiles_with_both_positions_of_the_switch(name, switch, tmp_path, require_tool):
    pdflatex = require_tool("pdflatex")
    tex = sheet(name).to_latex()
    if switch == "by hand":
        assert tex.count("\n%\\solutionstrue ") == 1
        tex = tex.replace("\n%\\solutionstrue ", "\n\\solutionstrue ")
    (tmp_path / "page.tex").write_text(tex, "utf-8")
    command, solutions = SWITCHES[switch]
    done = subprocess.run(
        [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "-jobname=out", command],
        cwd=tmp_path, env=os.environ | {"max_print_line": "10000"}, capture_output=True,
    )  # fmt: skip
    log = (tmp_path / "out.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    wide = [float(x) for x in re.findall(r"^Overfull \\hbox \(([\d.]+)pt", log, re.M)]
    assert max(wide, default=0) <= 2 and "Missing character" not in log
    assert ("Solutions" in printed(tmp_path)) == solutions


def printed(folder) -> str:
    """Return the words of a page, read off the PDF where the tool for it is there."""
    import shutil

    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    done = subprocess.run(["pdftotext", "out.pdf", "-"], cwd=folder, capture_output=True, text=True)
    return done.stdout


# -- the command, and bad input --------------------------------------------------------------------


def test_the_command_writes_its_files_and_says_what_they_hold(tmp_path, capsys):
    assert main(["exercise", "affine", "--count", "6", "--seed", "7", "-o", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:3] == ["1. shapes", "2. forward", "3. entry for X"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "affine-exercises.md", "affine-exercises.tex", "affine-solutions.md",
    ]  # fmt: skip


def test_json_holds_problems_and_answers(tmp_path, capsys):
    assert main(["exercise", "q = x + y; f = q * z", "--json", "--count", "3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["program"] == ["q = x + y", "f = q * z"] and found["seed"] == 1
    assert [p["kind"] for p in found["problems"]] == ["forward", "gradient", "mistake"]
    assert all(p["problem"] and p["solution"] and p["answer"] for p in found["problems"])
    arguments = ["exercise", "affine", "--json", "-f", "tex", "-o", str(tmp_path)]
    assert main(arguments) == 0 and json.loads(capsys.readouterr().out)
    assert [path.name for path in tmp_path.iterdir()] == ["affine-exercises.tex"]


BAD = {
    "no problem": (["affine", "--count", "0"], "from 1 to 60 problems, not 0"),
    "too many": (["affine", "--count", "61"], "from 1 to 60 problems, not 61"),
    "more than there are": (
        ["f = 2 * x", "--count", "60"],
        "problems were asked for, and there are",
    ),
    "no number": (["affine", "--count", "six"], "is not a valid integer"),
    "unknown program": (["afine"], "did you mean affine"),
    "unknown variable": (["affine", "--wrt", "Q"], "no variable Q"),
    "unknown size": (["affine", "--at", "q=2"], "no dimension q"),
    "too large": (["affine", "--at", "n=40"], "not worked by hand"),
    "unknown format": (["affine", "-f", "docx"], "there is no format docx"),
    "standard output": (["affine", "-o", "-"], "standard output takes one"),
    "unknown assumption": (["affine", "--assume", "X=nice"], "no assumption nice"),
    "nothing to derive": (["Y = ones(2, 2)"], "no gradient"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_a_sentence(case, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = BAD[case]
    assert main(["exercise", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_a_program_without_a_value_is_not_proved_first(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["exercise", "x: (1, 1); f = log(-x ** 2)"]) == 3
    assert "no point was found at which" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_the_python_face():
    found = derive.exercise("X: (n, d); w: (d, 1); y = X @ w", count=4, seed=3, at={"n": 2, "d": 2})
    assert isinstance(found, derive.Sheet) and len(found.problems) == 4
    assert found._repr_markdown_() == found.to_markdown()
    with pytest.raises(DeriveError, match="did you mean"):
        derive.exercise("X: (n, d); w: (d, 1); y = X @ w", wrt=["W"])


def test_the_command_is_cheap_until_it_is_used():
    script = (
        "from derive.command.cli import main; main(['exercise', '--help']); import sys; "
        "assert not {'sympy', 'jinja2', 'flint', 'derive.documents.exercise'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_a_tiny_number_is_written_with_a_power_of_ten():
    text = exercise("y = exp(-30 - x ** 2); f = y * 3", count=5, seed=2).to_markdown(solutions=True)
    assert re.search(r"\d\.\d{3} \\cdot 10\^\{-\d+\}", text) and not re.search(r"\de-\d", text)
    assert hazards(text) == []
