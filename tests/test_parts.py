"""Deep formulas: names for their parts, and the same theorems as in several statements."""

import re

import pytest

import derive
from derive.command.cli import main
from derive.language.parse import parse
from derive.proof.parts import every_part, folded, taken_apart
from derive.proof.verdict import Road

RELU = "X: (n, d); W: (d, m); V: (m, k); Y = relu(relu(X @ W) @ V)"
TANH = "X: (n, d); W1: (d, m); W2: (m, k); W3: (k, p); Y = tanh(tanh(tanh(X @ W1) @ W2) @ W3)"
PROGRAMS = (
    RELU,
    TANH,
    "X: (n, d); W1: (d, m); b1: (1, m); W2: (m, k); b2: (1, k);"
    "Y = sigmoid(relu(X @ W1 + b1) @ W2 + b2)",
    "X: (n, d); W1: (d, m); b1: (1, m); W2: (m, k); b2: (1, k); T: (n, k);"
    "L = -sum(T * logsoftmax(tanh(X @ W1 + b1) @ W2 + b2)) / n",
    "X: (n, d); U: (d, d); V: (d, d); W: (d, d); R: (d, d); S: (d, d);"
    "Y = gelu(gelu(gelu(gelu(gelu(X @ U) @ V) @ W) @ R) @ S)",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_deep_formula_is_proved_in_the_words_of_its_user(program):
    proof, read = derive.prove(program, detail="brief"), parse(program)
    assert proof.proved
    assert proof.gradients.keys() == proof.backward.keys() == {*read.inputs}
    own = {*read.leaves, f"d{read.output}", "T"}
    for name, formula in (*proof.statements, *proof.gradients.items()):
        assert set(re.findall(r"\b[A-Z]\w*", formula)) <= own
        own.add(name)


def test_no_name_of_a_part_is_left_in_the_gradients():
    """The parts of two statements are mixed on the way back: t_8 needs T_9, made after it."""
    program = """x: (1, n); X: (n, n); s: (1, 1); Z = min(x, x ** 2)
        H = inv(X / (1 + abs(X)) + 2 * eye(n)); M = s; Y = x.T + sum(Z) + sum(H) + sum(M)"""
    proof = derive.prove(program, detail="brief")
    assert len(proof.derivation.program.parts) > 8
    for formula in proof.backward.values():
        assert not re.search(r"\bd?[Tt]_\d", formula)
    known = set()
    for name, formula in (*proof.statements, *proof.gradients.items()):
        assert {*re.findall(r"\bd?[Tt]_\d+", formula)} <= known
        known.add(name)


def test_the_document_says_what_the_names_stand_for():
    text = derive.prove(RELU).render("md")
    assert r"T_{1} &= \mathrm{relu}(XW)" in text
    assert "too large to be judged at once" in text


@pytest.mark.parametrize(
    ("program", "claim", "verdict"),
    [
        (RELU, "dX = ((dY * (relu(X @ W) @ V > 0)) @ V.T * (X @ W > 0)) @ W.T", "proved"),
        (RELU, "dW = X.T @ ((dY * (Y > 0)) @ V.T * (relu(X @ W) > 0))", "proved"),
        (RELU, "dW = X.T @ ((dY * (Y > 0)) @ V.T * relu(X @ W))", "refuted"),
        (TANH, "dW3 = tanh(tanh(X @ W1) @ W2).T @ (dY * (1 - Y ** 2))", "proved"),
        (TANH, "dW3 = tanh(tanh(X @ W1) @ W2).T @ (dY * (1 - Y ** 3))", "refuted"),
        (
            TANH,
            "H = tanh(X @ W1); G = tanh(H @ W2); dG = (dY * (1 - Y ** 2)) @ W3.T;"
            "dW1 = X.T @ (dG * (1 - G ** 2) @ W2.T * (1 - H ** 2))",
            "proved",
        ),
    ],
)
def test_claims_about_deep_formulas(program, claim, verdict):
    (found,) = derive.check(program, [claim])
    assert found.verdict == verdict, found.reason


def test_the_road_is_said():
    claim = "dX = ((dY * (relu(X @ W) @ V > 0)) @ V.T * (X @ W > 0)) @ W.T"
    (found,) = derive.check(RELU, [claim])
    assert found.road == Road.IN_PARTS


@pytest.mark.parametrize(
    ("text", "few", "all_"),
    [
        (RELU, ["T_1"], ["T_1", "T_2", "T_3"]),
        ("X: (n, d); W: (d, m); Y = X @ W", [], []),
        ("X: (n, n); Y = exp(sin(X))", [], ["T_1"]),
        ("t: (n, 1); T: (n, n); L = sum(T @ (T @ t))", ["U_1", "U_2"], ["U_1", "U_2"]),
        ("X: (n, n); Y = relu(X @ X) @ relu(X @ X)", ["T_1"], ["T_1", "T_2"]),
    ],
)
def test_which_parts_have_names(text, few, all_):
    found = [list(way.parts) for way in taken_apart(parse(text))]
    assert found == [list(names) for names in dict.fromkeys(map(tuple, (few, all_))) if names]


@pytest.mark.parametrize("text", PROGRAMS)
def test_parts_put_back_are_the_program(text):
    program = parse(text)
    for way in taken_apart(program):
        assert way.composed(way.output) is program.composed(program.output)
        assert way.lines() == program.lines()
        assert folded(way, program.statements[-1].expr) is way.statements[-1].expr
    assert every_part(program.output) == {program.output}


def test_the_command_says_what_the_names_stand_for(tmp_path, capsys):
    assert main(["prove", RELU, "-o", str(tmp_path), "--detail", "brief"]) == 0
    assert "T₁ = relu(XW)    T_1 = relu(X @ W)\n" in capsys.readouterr().out


def test_exercises_are_made_of_deep_formulas():
    assert "T_{1}" in derive.exercise(RELU, count=3).to_markdown()
