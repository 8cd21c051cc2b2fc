"""Assumptions stand in every document; what they make of a gradient is a step that is judged."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from test_citations import FUNCTIONS

import derive
from derive.command.cli import main
from derive.language.assumptions import obeying
from derive.language.parse import parse
from derive.proof import textbook
from derive.proof.textbook import Settled

#: A formula over A, B: (n, n) and T: (n, m), what is assumed, and what becomes of it.
LAWS = [
    ("A.T", {"A": "symmetric"}, "A"),
    ("A.T @ B", {"A": "spd"}, "A @ B"),
    ("inv(A).T", {"A": "symmetric"}, "inv(A)"),
    ("inv(A + B).T", {"A": "symmetric", "B": "symmetric"}, "inv(A + B)"),
    ("A @ B + A.T @ B", {"A": "symmetric"}, "2 * (A @ B)"),
    ("(A * B).T - A", {"A": "symmetric", "B": "symmetric"}, "A * (B - 1)"),
    ("sum(T, axis=1)", {"T": "row-stochastic"}, "ones(n, 1)"),
    ("T * sum(T, axis=1)", {"T": "one-hot-rows"}, "T"),
    ("sum(T) * A", {"T": "row-stochastic"}, "n * A"),
    ("T ** 2", {"T": "binary"}, "T"),
    ("T ** 3", {"T": "one-hot-rows"}, "T"),
    ("T ** 2", {"T": "sign"}, "ones(n, m)"),
    ("T ** 3", {"T": "sign"}, "T"),
    ("abs(T) + relu(T)", {"T": "positive"}, "2 * T"),
    ("A * (A > 0)", {"A": "unit-interval"}, "A"),
    ("(A @ B).T", {"A": "symmetric", "B": "symmetric"}, "B @ A"),
    ("(A @ B).T", {"A": "symmetric"}, "B.T @ A"),
    ("A * A.T + T @ T.T", {"A": "symmetric"}, "A ** 2 + T @ T.T"),
    ("sign(T) * T", {"T": "positive"}, "T"),
]
#: The same where a premise is missing: nothing may happen.
NOT = [
    ("A.T", {"A": "row-stochastic"}),
    ("inv(A + B).T", {"A": "symmetric"}),
    ("sum(T, axis=0)", {"T": "row-stochastic"}),
    ("tr(A)", {"A": "row-stochastic"}),
    ("T ** (-1)", {"T": "binary"}),
    ("sqrt(T)", {"T": "sign"}),
    ("T ** 2", {"T": "unit-interval"}),
    ("abs(T)", {"T": "sign"}),
    ("(A > B)", {"A": "positive"}),
    ("relu(A - B)", {"A": "positive", "B": "positive"}),
]
SHAPES = "A: (n, n); B: (n, n); T: (n, m); H = "


def words(assume: dict[str, str]) -> dict[str, frozenset[str]]:
    return {name: frozenset({word}) for name, word in assume.items()}


def shortened(text: str, assume: dict[str, str]):
    """Return a formula, what becomes of it, and the steps between."""
    program = parse(SHAPES + text)
    given = words(assume)
    expr = program.statements[0].expr
    return expr, *Settled(program._replace(parts=("H",)), (), given).of(expr)


def at_point(text: str, values: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(eval(text, {**FUNCTIONS, "sign": np.sign, "abs": np.abs,
                                  "n": 3, "m": 2, **values}), dtype=float)  # fmt: skip


def point(assume: dict[str, str], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in (("A", (3, 3)), ("B", (3, 3)), ("T", (3, 2))):
        rows = [[Fraction(int(x), 7) for x in row] for row in rng.integers(-60, 60, shape)]
        rows = obeying(rows, [assume[name]]) if name in assume else rows
        found[name] = np.array(rows, dtype=float)
    return found


@pytest.mark.parametrize(("text", "assume", "short"), LAWS)
def test_a_law_holds_where_it_is_used(text, assume, short):
    """NumPy evaluates both sides: equal where the assumptions hold, and not everywhere."""
    expr, found, turns = shortened(text, assume)
    assert str(found) == short
    assert {name for turn in turns for name, _ in turn.because} == assume.keys()
    sides = [(at_point(str(expr), p), at_point(str(found), p)) for p in
             (point(assume, 1), point(assume, 2), point({}, 3))]  # fmt: skip
    assert np.allclose(*sides[0]) and np.allclose(*sides[1]) and not np.allclose(*sides[2])


@pytest.mark.parametrize(("text", "assume"), NOT)
def test_a_law_checks_its_premises(text, assume):
    _, _, turns = shortened(text, assume)
    assert not any(turn.because for turn in turns)


# -- proofs ----------------------------------------------------------------------------------------

QUADRATIC = "A: (n, n); x: (n, 1); L = x.T @ A @ x"
ENTROPY = "X: (n, d); W: (d, m); T: (n, m); Z = X @ W; L = -sum(T * logsoftmax(Z)) / n"
GAUSSIAN = (
    "X: (n, d); mu: (1, d); P: (d, d); R = X - mu; L = n * logdet(P) / 2 - tr(R @ P @ R.T) / 2"
)
#: A program, a variable, what is assumed, the gradient then, and without.
PROOFS = {
    "symmetric": (QUADRATIC, "x", {"A": "symmetric"}, "2 * (A @ x)", "(A + A.T) @ x"),
    "spd": (QUADRATIC, "x", {"A": "spd"}, "2 * (A @ x)", "(A + A.T) @ x"),
    "one-hot": (ENTROPY, "W", {"T": "one-hot-rows"}, "X.T @ (softmax(Z) - T) / n",
                "X.T @ (softmax(Z) * sum(T, axis=1) - T) / n"),
    "precision": (GAUSSIAN, "P", {"P": "spd"}, "(n * inv(P) - R.T @ R) / 2",
                  "(n * inv(P).T - R.T @ R) / 2"),
    "mean": (GAUSSIAN, "mu", {"P": "symmetric"}, "sum(R @ P, axis=0)",
             "sum(R @ (P + P.T), axis=0) / 2"),
    "total": ("A: (n, n); B: (n, n); Y = A @ B; Z = B @ A; L = tr(Y) + tr(Z)", "A",
              {"B": "symmetric"}, "2 * B", "2 * B.T"),
    "log": ("A: (n, n); f = logdet(A)", "A", {"A": "spd"}, "inv(A)", "inv(A).T"),
    "nothing to use": ("X: (n, d); Y = 2 * X", "X", {"X": "positive"}, "2 * dY", "2 * dY"),
}  # fmt: skip


@pytest.mark.parametrize("case", PROOFS)
def test_a_gradient_under_assumptions(case):
    program, name, assume, short, free = PROOFS[case]
    assert derive.prove(program, wrt=[name], detail="brief").gradients[name] == free
    proof = derive.prove(program, wrt=[name], assume=assume, detail="brief")
    assert proof.gradients[name] == derive.gradient(program, wrt=[name], assume=assume)[name]
    assert proof.gradients[name] == short
    assert proof.proved and proof.derivation.agreements
    assert proof.trace()["assumed"] == {of: [word] for of, word in assume.items()}
    used = {s.rule for s in proof.steps}
    assert ("assumed" in used) == (short != free)
    for text in (proof.to_markdown(), proof.to_latex()):
        assert "Suppose that " in text and "the entries are independent" in text
        assert ("since " in text) == (short != free)


@pytest.mark.parametrize("detail", ["full", "one"])
def test_every_detail_has_the_step(detail):
    proof = derive.prove(QUADRATIC, wrt=["x"], assume={"A": "symmetric"}, detail=detail)
    text = proof.to_markdown()
    assert r"2Ax && \text{since }A\text{ is symmetric} \qquad\blacksquare" in text
    assert {s.part for s in proof.steps} >= {"index", "one", "assembly", "assuming"}
    equations = [step["equation"] for step in proof.trace()["steps"]]
    assert set(equations) == set(range(1, len(proof.derivation.numbers()) + 1))


@pytest.mark.parametrize("program", [QUADRATIC, "A: (n, n); x: (n, 1); y = A @ x"])
def test_a_false_law_is_not_believed(program, monkeypatch):
    def wrong(e, known):
        """Sᵀ = S where the rows of S sum to one: false."""
        if e.name == "transpose" and "row-stochastic" in known(e.args[0]):
            return e.args[0], ((e.args[0].data[0], "row-stochastic"),)
        return None

    given = {"A": "row-stochastic"}
    free = derive.gradient(program, wrt=["x"])
    monkeypatch.setattr(textbook, "LAWS", (wrong,))
    assert derive.gradient(program, wrt=["x"], assume=given) == free
    monkeypatch.setattr(Settled, "same", lambda self, p, q: True)
    with pytest.raises(derive.ProofError, match="was not proved"):
        derive.gradient(program, wrt=["x"], assume=given)


@pytest.mark.parametrize(
    ("assume", "message"),
    [({"A": "square"}, "no assumption square"), ({"Q": "symmetric"}, "no input Q")],
)
def test_what_cannot_be_assumed(assume, message):
    with pytest.raises(derive.UnsupportedError, match=message):
        derive.prove(QUADRATIC, assume=assume)


# -- claims ----------------------------------------------------------------------------------------

#: A program, a claim that holds under an assumption, and the printed end of its proof.
CLAIMS = {
    "the issue": (QUADRATIC, "dx = 2 * A @ x", "A=symmetric", "2Ax"),
    "otherwise": (QUADRATIC, "dx = A.T @ x * 2", "A=symmetric", r"2A^{\top}x"),
    "with a name": (ENTROPY, "dW = X.T @ (softmax(X @ W) - T) / n", "T=one-hot-rows",
                    r"\frac{1}{n}\hspace{2pt}X^{\top}(\mathrm{softmax}(XW) - T)"),
    "through a gradient": (ENTROPY, "dW = (dZ.T @ X).T", "T=one-hot-rows", "^{\\top}"),
    "no assumption": (QUADRATIC, "dx = (A.T + A) @ x", "", r"(A^{\top} + A)x"),
}  # fmt: skip


@pytest.mark.parametrize("case", CLAIMS)
def test_the_proof_ends_with_the_claim(case, tmp_path, capsys):
    program, claim, assume, end = CLAIMS[case]
    options = ["--assume", assume] if assume else []
    command = ["check", program, "--claim", claim, "--write", "-o", str(tmp_path), *options]
    assert main(command) == 0
    capsys.readouterr()
    (markdown,) = (path.read_text("utf-8") for path in tmp_path.glob("*.md"))
    (latex,) = (path.read_text("utf-8") for path in tmp_path.glob("*.tex"))
    chains = re.findall(r"\n(?:.*?) ?&?= (.*?) && .*?\\qquad\\blacksquare", markdown)
    assert chains[-1].endswith(end), chains
    assert ("with the definition of }Z" in markdown) == (case == "with a name")
    for text in (markdown, latex):
        assert text.count("Suppose that ") == 2 * bool(assume), "before the claim and the proof"
    assert main([*command[:4], "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    name, _, word = assume.partition("=")
    assert told.get("assumed", {}) == ({name: [word]} if assume else {})


def test_a_refutation_says_what_was_assumed(tmp_path, capsys):
    command = ["check", QUADRATIC, "--claim", "dx = A @ x", "--assume", "A=symmetric"]
    assert main([*command, "--write", "-o", str(tmp_path)]) == 1
    for path in tmp_path.iterdir():
        assert "is symmetric" in path.read_text("utf-8")
    (judgement,) = derive.check(QUADRATIC, ["dx = A @ x"], assume={"A": "symmetric"})
    assert judgement.plain()["assumed"] == {"A": ["symmetric"]}


def test_identities_of_a_file_keep_their_assumptions(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    record = {"id": "one", "program": QUADRATIC, "wrt": "x", "claim": "2 * A @ x",
              "assume": {"A": "symmetric"}}  # fmt: skip
    Path("all.jsonl").write_text(json.dumps(record) + "\n", "utf-8")
    assert main(["check", "--file", "all.jsonl", "--write", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["assumed"] == {"A": ["symmetric"]}
    assert "Suppose that $A$ is symmetric" in Path("output/one.md").read_text("utf-8")


# -- numbers ---------------------------------------------------------------------------------------

GOOD, BAD = "A=[[1,2],[2,3]],x=[[1],[1]]", "A=[[1,2],[0,3]],x=[[1],[1]]"


@pytest.mark.parametrize("command", ["example", "graph"])
def test_values_that_contradict_are_an_error(command, tmp_path, capsys):
    told = ["--assume", "A=symmetric", "-o", str(tmp_path)]
    assert main([command, QUADRATIC, "--values", BAD, *told]) == 2
    assert "A is not symmetric" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]
    assert main([command, QUADRATIC, "--values", GOOD, *told]) == 0
    for path in tmp_path.glob("*.[mt][de]*"):
        assert re.search(r"Suppose that \$A\$ is symmetric", path.read_text("utf-8")), path


@pytest.mark.parametrize("command", ["example", "exercise"])
def test_chosen_values_obey(command, tmp_path, capsys):
    options = ["--assume", "A=symmetric", "--at", "n=2", "--json", "-o", str(tmp_path)]
    assert main([command, QUADRATIC, *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["assumed"] == {"A": ["symmetric"]}
    rows = told["forward"]["A"] if command == "example" else told["given"]["A"]
    rows = [[str(x) for x in row] for row in rows]
    assert rows == [list(column) for column in zip(*rows, strict=True)]
    for path in tmp_path.glob("*.[mt][de]*"):
        assert re.search(r"Suppose that \$A\$ is symmetric", path.read_text("utf-8")), path


def test_a_graph_of_formulas_says_what_is_assumed():
    graph = derive.graph(QUADRATIC, assume={"A": "symmetric"})
    assert graph.plain()["assumed"] == {"A": ["symmetric"]}


@pytest.mark.parametrize("command", ["gradient", "prove"])
def test_the_command_line_takes_assumptions(command, tmp_path, capsys):
    more = [] if command == "gradient" else ["-o", str(tmp_path)]
    told = ["--wrt", "x", "--assume", "A=symmetric", *more]
    assert main([command, QUADRATIC, *told]) == 0
    out = capsys.readouterr().out
    assert "dx = 2 * (A @ x)\n" in out
    assert ("assumed: A symmetric\n" in out) == (command == "prove")


def test_code_says_what_it_assumes():
    code = derive.gradient(QUADRATIC, wrt=["x"], assume={"A": "symmetric"}, code="numpy")
    assert "where A is symmetric" in code and "return {" in code
