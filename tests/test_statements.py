"""Gradients as statements: what is printed is read back and proved, and never longer.

Every identity of the table, every program of the courses with matrices and every entry of the
catalogue: the text of each gradient, its statements before it, is a claim that is held against the
definition of a gradient, by judges who know nothing of how the text came about.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from told import gradients

import derive
from derive.catalogue import load, names
from derive.command.cli import main
from derive.documents.pipeline import judged
from derive.expressions.expr import operators
from derive.judges.verify import verify
from derive.language.parse import parse
from derive.ops import OPS, var
from derive.proof.composing import System
from derive.proof.explain import explain
from derive.proof.roads import STATEMENTS, THEOREMS
from derive.proof.verdict import UNDECIDED

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from courses import PROGRAMS

TABLE = Path(__file__).with_name("identities.jsonl")
IDENTITIES = {
    record["id"]: record for record in map(json.loads, TABLE.read_text("utf-8").splitlines())
    if all(name in OPS for name in record.get("needs", ()))
}  # fmt: skip


def read_back(program, found, shapes=None, assume=None):
    claims = [found.claim(name) for name in found]
    return {j.claim: j.verdict for j in derive.check(program, claims, shapes, assume=assume)}


@pytest.mark.parametrize("name", IDENTITIES)
def test_the_gradient_of_an_identity_is_read_back(name):
    one = IDENTITIES[name]
    shapes = {leaf: tuple(dims) for leaf, dims in one["shapes"].items()}
    given = {"shapes": shapes, "assume": one["assume"]}
    found = gradients(one["program"], wrt=[one["wrt"]], **given)
    assert set(read_back(one["program"], found, **given).values()) == {"proved"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_gradients_of_a_course_are_read_back(name):
    found = derive.gradient(PROGRAMS[name])
    assert set(read_back(PROGRAMS[name], found).values()) == {"proved"}


ENTRIES = [n for n in names() if not (load(n).recursion and load(n).recursion.every)]


@pytest.mark.parametrize("name", ENTRIES)
def test_the_gradients_of_the_catalogue_are_read_back(name):
    found = gradients(name)
    assert set(read_back(name, found).values()) == {"proved"}


# -- which form is chosen --------------------------------------------------------------------------

CHOSEN = {
    # what is used once is put in, what is used twice keeps its name
    "X: (n, d); W: (d, m); T: (n, m); Z = X @ W; H = relu(Z); L = sum((H - T) ** 2) / (2 * n)": (
        "dZ = (H - T) * (Z > 0) / n; dX = dZ @ W.T; dW = X.T @ dZ; dT = (T - H) / n"
    ),
    # up to a transpose
    "Q: (n, d); K: (m, d); V: (m, k); Y = softmax(Q @ K.T) @ V": (
        "P = softmax(Q @ K.T); G = P * (dY @ V.T - sum(dY * Y, axis=1)); "
        "dQ = G @ K; dK = G.T @ Q; dV = P.T @ dY"
    ),
    # a gate's value is a name that stands in its gradient
    "X: (n, d); W: (d, h); b: (1, h); i = sigmoid(X @ W + b); c: (n, h); H = i * c": (
        "G = dH * H * (1 - i); dX = G @ W.T; dW = X.T @ G; db = sum(G, axis=0); dc = dH * i"
    ),
    # layers have its number; a name that the user has is no name of ours
    "X: (n, d); W: (d, d); U: (d, d); P: (d, d); H1 = tanh(X @ W + X @ U); Y = H1 @ P": (
        "G1 = dY @ P.T * (1 - H1 ** 2); dU = X.T @ G1; dX = G1 @ (W + U).T; dW = dU; "
        "dU = X.T @ G1; dP = H1.T @ dY"
    ),
    # one operator is no reason for a name
    "X: (n, d); W: (d, m); Y = exp(X @ W)": "dX = (dY * Y) @ W.T; dW = X.T @ (dY * Y)",
    "x: (n, 1); y: (n, 1); z = x * y": "dx = dz * y; dy = dz * x",
}


@pytest.mark.parametrize("program", CHOSEN)
def test_the_form(program):
    found = derive.gradient(program)
    lines = [*found.statements, *((f"d{name}", text) for name, text in found.items())]
    assert "; ".join(" = ".join(line) for line in lines) == CHOSEN[program]


def test_a_gradient_that_others_need_is_a_statement_too():
    program = "X: (n, d); W: (d, m); b: (1, m); Z = X @ W + b; Y = tanh(Z)"
    found = derive.gradient(program, wrt=["Z", "X", "W"])
    assert found.statements == (("dZ", "dY * (1 - Y ** 2)"),)
    assert dict(found) == {"X": "dZ @ W.T", "W": "X.T @ dZ", "Z": "dY * (1 - Y ** 2)"}


@pytest.mark.parametrize("program", [*PROGRAMS.values(), *CHOSEN])
def test_it_is_never_longer_than_one_formula_each(program):
    read = parse(program)
    short = explain(read, detail="brief", form=STATEMENTS)
    long = explain(read, detail="brief")
    assert set(short.gradients) == set(short.wrt)
    if set(long.gradients) == set(long.wrt):  # else it is too long to be written
        least = sum(map(operators, long.gradients.values()))
        assert sum(operators(value) for _, value in short.lines) <= least


# -- numbers ---------------------------------------------------------------------------------------

SOFT = "Q: (n, d); K: (m, d); V: (m, k); Y = softmax(Q @ K.T / sqrt(d)) @ V"


@pytest.mark.parametrize("expanded", [False, True])
@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
def test_code_of_the_statements_agrees_with_differences(library, expanded):
    pytest.importorskip(library)
    rng = np.random.default_rng(3)
    shapes = {"Q": (2, 3), "K": (4, 3), "V": (4, 2), "dY": (2, 2)}
    point = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    space: dict = {}
    text = derive.gradient(SOFT, code=library, expanded=expanded)
    assert ("P = " in text) != expanded
    exec(text, space)
    as_array = {"torch": "torch.tensor", "jax": "jnp.asarray", "numpy": "np.asarray"}[library]
    arrays = {name: eval(f"{as_array}(x)", {**space, "x": x}) for name, x in point.items()}
    found = {name: np.asarray(x, dtype=float) for name, x in space["gradients"](**arrays).items()}

    def loss(**moved):
        at = {**point, **moved}
        e = np.exp(at["Q"] @ at["K"].T / np.sqrt(3))
        return np.sum(at["dY"] * (e / e.sum(axis=1, keepdims=True) @ at["V"]))

    for name in "QKV":
        for cell in np.ndindex(shapes[name]):
            h = np.zeros(shapes[name])
            h[cell] = 1e-5
            slope = loss(**{name: point[name] + h}) - loss(**{name: point[name] - h})
            # jax works in single precision where nobody asked for double
            assert abs(slope / 2e-5 - found[name][cell]) < (1e-3 if library == "jax" else 1e-8)


# -- judges ----------------------------------------------------------------------------------------

DERIVED = explain(parse(SOFT), detail="brief", form=STATEMENTS)


def undecided(wrong):
    found = verify(wrong)
    assert all(v.method for s in found.steps() for v in s.verdicts)
    return {(s.rule, v.word) for s in found.steps() for v in s.verdicts if not v.proved}


def test_the_short_form_is_proved():
    assert undecided(DERIVED) == set()
    rules = [s.rule for chain in DERIVED.composed.values() for s in chain]
    assert rules.count("introduced") == len(DERIVED.introduced) == 2
    assert rules.count("abbreviated") == 3


def changed(name, k, **facts):
    """The derivation with one step of a road changed."""
    chain = DERIVED.composed[name]
    step = replace(chain[k], **facts)
    return replace(
        DERIVED, composed={**DERIVED.composed, name: (*chain[:k], step, *chain[k + 1 :])}
    )


@pytest.mark.parametrize("name", ["Q", "K", "V"])
def test_a_name_that_stands_for_something_else_is_seen(name):
    last = DERIVED.composed[name][-1]
    assert last.rule == "abbreviated"
    wrong = changed(name, -1 % len(DERIVED.composed[name]), right=last.right + last.right)
    assert ("abbreviated", UNDECIDED) in undecided(wrong)


def test_a_definition_that_is_changed_is_seen():
    (step,) = DERIVED.composed["G"]
    assert ("abbreviated", UNDECIDED) in undecided(changed("G", 0, right=step.right + step.right))


def test_what_is_cited_too_little_or_too_much_is_seen():
    last = len(DERIVED.composed["V"]) - 1
    assert ("abbreviated", UNDECIDED) in undecided(changed("V", last, facts=(("cites", ()),)))
    more = (("cites", (("composed", "P"), ("composed", "G"))),)
    assert ("abbreviated", UNDECIDED) in undecided(changed("V", last, facts=more))


@pytest.mark.parametrize("name", ["Q", "Y", "d", "dK"])
def test_a_name_that_has_a_meaning_cannot_be_introduced(name):
    (step,) = DERIVED.composed["G"]
    statements = tuple((name if n == "G" else n, e) for n, e in DERIVED.statements)
    own = replace(step, left=var(name, step.right.shape))
    wrong = replace(DERIVED, statements=statements, composed={**DERIVED.composed, "G": (own,)})
    assert ("introduced", UNDECIDED) in undecided(wrong)


def test_what_is_not_proved_stays_as_the_theorems_say_it(monkeypatch):
    """A form that is equal, and that no judge sees to be, is not shown; nor is it refused."""
    composed = System.composed

    def odd(self, introduced):
        found = composed(self, introduced)
        if not introduced:
            return found
        chain = found.chains["Q"]
        step = replace(chain[-1], facts=(("cites", ()),))
        return replace(found, chains={**found.chains, "Q": (*chain[:-1], step)})

    monkeypatch.setattr(System, "composed", odd)
    options = {"detail": "brief", "form": STATEMENTS}
    found = judged(parse(SOFT), options)
    assert found.form == THEOREMS and all(step.proved for step in found.steps())
    assert not found.composed and not found.introduced


# -- what is assumed -------------------------------------------------------------------------------

QUADRATIC = "A: (n, n); x: (n, 1); L = x.T @ A @ x"


@pytest.mark.parametrize("command", ["prove", "example", "exercise"])
def test_what_is_assumed_stands_in_every_document(command, tmp_path, capsys):
    more = ["--wrt", "x"] if command == "prove" else []
    arguments = [command, QUADRATIC, "--assume", "A=symmetric", "-o", str(tmp_path), *more]
    assert main(arguments) == 0
    capsys.readouterr()
    text = "\n".join(path.read_text("utf-8") for path in tmp_path.glob("*.md"))
    assert "Suppose that $A$ is symmetric." in text
    if command == "prove":
        assert "2Ax" in text and r"\text{since }A\text{ is symmetric}" in text
    else:
        assert "2Ax" in text or command == "exercise"


@pytest.mark.parametrize(
    "twin",
    [
        lambda **given: derive.prove(QUADRATIC, wrt=["x"], **given).gradients["x"],
        lambda **given: derive.gradient(QUADRATIC, wrt=["x"], **given)["x"],
        lambda **given: derive.gradient(QUADRATIC, wrt=["x"], expanded=True, **given)["x"],
    ],
)
def test_the_twins_say_the_shorter_form(twin):
    assert twin(assume={"A": "symmetric"}) == "2 * (A @ x)"
    assert twin() != "2 * (A @ x)"


def test_numbers_obey_what_is_assumed():
    found = derive.example(QUADRATIC, assume={"A": "symmetric"}, at={"n": 3})
    rows = [[one.decimal for one in row] for row in found.forward["A"]]
    assert len(rows) == 3 and rows == [list(column) for column in zip(*rows, strict=True)]
    assert "is symmetric" in derive.exercise(QUADRATIC, assume={"A": "symmetric"}).to_markdown()
