"""Sizes given as numbers come back as the numbers, in everything that is input syntax."""

import json
import re

import pytest

import derive
from derive.documents.check import render_check
from derive.documents.example import example
from derive.documents.exercise import exercise
from derive.documents.graphs import graph
from derive.judges.case import Case
from derive.language.parse import parse

PROGRAMS = [
    "C: (3, 3); W = tr(C)",
    "X: (3, 2); L = mean(X)",
    "X: (3, 2); Y = X / n_samples - mean(X, axis=0)",
    "X: (2, 3); W: (3, 2); b: (1, 2); Y = X @ W + b",
    "X: (2, d); w: (d, 1); L = sum(X @ w) / 2",
    "A: (2, 2); Y = inv(A) + eye(2)",
    "A: (2, 3); b: (1, 3); Y = broadcast_to(b, (2, 3)) * A",
    "A: (2, 2); B: (3, 2); Y = kron(A, B)",
]


def texts(text: str):
    """Everything that is printed of a program in input syntax."""
    proof = derive.prove(text, detail="brief")
    trace = proof.trace()
    yield from (json.dumps(trace[key]) for key in ("program", "shapes", "gradients", "backward"))
    for library in ("numpy", "torch", "jax"):
        yield derive.gradient(text, code=library)
    program = parse(text)
    for name, formula in proof.gradients.items():
        for claim in (f"d{name} = {formula}", f"d{name} = 2 * ({formula})", f"d{name} = 7"):
            (judgement,) = derive.check(text, [claim])
            assert judgement.verdict == ("proved" if claim.endswith(f" = {formula}") else "refuted")
            yield json.dumps(judgement.plain())
            if "kron" in text:  # products of numbers cannot be taken apart by a document
                continue
            page = render_check(Case(program), judgement, "md")
            yield from re.findall(r"`(.*?)`", page)
    made = example(text, seed=1).plain()
    yield json.dumps([made["program"], made["formulas"]])
    yield json.dumps([node.formula for node in graph(text).nodes])
    sheet = exercise(text, count=6, seed=1).plain()
    answers = [{k: v for k, v in p["answer"].items() if k != "right"} for p in sheet["problems"]]
    yield json.dumps([sheet["program"], answers])  # without the lines of a proof for every shape


#: Products of sizes that are numbers: no index along them can be taken apart.
KRON = "A: (2, 2); B: (2, 3); Y = kron(A, B)"
Z = "C: (3, 2); Z = 6 * C; L = sum(Z) + sum(Y)"
UNVEC = "Z = unvec(v, (2, 2)) @ A; L = sum(Z)"


@pytest.mark.parametrize("text", PROGRAMS)
def test_no_word_is_printed_that_nobody_wrote(text):
    fresh = set(parse(text).sizes)
    pattern = re.compile(rf"\b({'|'.join(fresh) or 'n'})\b")
    for printed in texts(text):
        assert not pattern.search(printed), printed


@pytest.mark.parametrize(
    ("text", "claim", "verdict", "scope"),
    [
        ("X: (3, 1); L = mean(X)", "dX = X * 0 + 1 / 3", "proved", "the given sizes"),
        ("X: (3, 1); L = mean(X)", "dX = ones(3, 1) / 3", "proved", "the given sizes"),
        ("X: (3, d); L = mean(X)", "dX = X * 0 + 1 / (3 * d)", "proved", "the given sizes"),
        ("X: (3, d); L = sum(X)", "dX = ones(3, d)", "proved", "the given sizes"),
        ("X: (3, 3); Y = X @ X", "dX = dY @ X.T + X.T @ dY", "proved", "every shape"),
        (KRON, "dA = zeros(2, 2)", "refuted", "the given sizes"),
        (f"{KRON}; {Z}", "dZ = ones(3, 2)", "proved", "the given sizes"),
        (f"{KRON}; {Z}", "dC = 6 * ones(3, 2)", "proved", "the given sizes"),
        (f"{KRON}; {Z}", "dC = 5 * ones(3, 2)", "refuted", "the given sizes"),
        ("A: (2, 2); v: (4, 1); Y = unvec(v, (2, 2)) @ A", "dA = zeros(2, 2)", "refuted", ""),
        (f"A: (2, 2); v: (4, 1); {UNVEC}", "dv = vec(ones(2, 2) @ A.T)", "proved", ""),
        (f"A: (2, 2); v: (4, 1); {UNVEC}", "dZ = ones(2, 2)", "proved", "the given sizes"),
        ("X: (3, 1); L = mean(X)", "dX = X * 0 + 1 / 2", "refuted", ""),
        ("X: (3, 1); L = mean(X)", "dX = X * 0 + 1", "refuted", ""),
    ],
)
def test_what_is_true_at_the_given_sizes_is_not_refuted(text, claim, verdict, scope):
    (found,) = derive.check(text, [claim])
    assert found.verdict == verdict
    assert scope == "" or found.scope == scope
    if verdict == "refuted":
        assert found.counterexample.sizes == {}
    if verdict == "refuted" and "kron" not in text and "unvec" not in text:
        assert len(found.counterexample.values["X"]) == 3
        for form in ("md", "tex"):
            assert r"\mathbb{R}^{3\times 1}" in render_check(Case(parse(text)), found, form)


def test_a_message_speaks_of_the_sizes_that_were_given():
    with pytest.raises(derive.DeriveError) as caught:
        derive.prove("A: (2, 3); Y = unvec(vec(A) ** 2, (2, 3))")
    assert "cannot be taken apart" in str(caught.value) and "A.0" not in str(caught.value)
    (found,) = derive.check("X: (3, 1); L = mean(X)", ["dX = mean(X)"])
    assert found.reason == "dX is 3×1, the claim is 1×1"


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("dW = X @ dY", "X @ dY: X has 3 columns, dY has 2 rows; where it fits, it is false"),
        ("dX = dY @ W", "dY @ W: dY has 4 columns, W has 3 rows; where it fits, it is false"),
        ("dW = dY.T @ X", "dW is 3×4, the claim is 4×3; where it fits, it is false"),
    ],
)
def test_what_does_not_fit_is_said_in_the_numbers_that_were_given(claim, why):
    (found,) = derive.check("X: (2, 3); W: (3, 4); Y = X @ W", claim)
    assert found.verdict == "refuted" and found.reason == why
    assert (
        found.counterexample is not None
        and "=" not in next(found.counterexample.lines()).partition("X =")[0]
    )


#: Programs with sizes so large that no matrix is drawn at them, a claim, and what is said of it.
LARGE = [
    ("X: (200, 300); W: (300, 100); Y = X @ W", "dX = 2 * dY @ W.T", "smaller sizes", {}, None),
    ("X: (n, 300); W: (300, 300); Y = X @ W", "dX = dY @ W", "n = 1", {"n": 1}, None),
    ("X: (n, 300); W: (300, 200); Y = X @ W", "dX = dY @ W", "n = 1", {"n": 1},
     "dY @ W: dY has 200 columns, W has 300 rows; where it fits, it is false"),
    ("A: (300, 200); B: (200, 300); L = tr(A @ B)", "dA = B", "every shape", {},
     "dA is 300×200, the claim is 200×300; where it fits, it is false"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "scope", "sizes", "why"), LARGE)
def test_a_counterexample_has_no_word_that_the_user_has_not(text, claim, scope, sizes, why):
    (judgement,) = derive.check(text, claim)
    found = judgement.plain()
    assert (found["verdict"], found["scope"]) == ("refuted", scope)
    assert found["counterexample"]["sizes"] == sizes and found.get("reason") == why
    assert len(found["counterexample"]["values"]) == 3 - ("tr" in text)


def test_a_lemma_is_about_every_shape_though_the_sizes_are_numbers():
    """It is written out at small sizes, which are not those of the program that cites it."""
    text = "x: (1, 12); W: (12, 5); t: (1, 5); h = tanh(x @ W); L = sum((h - t) ** 2) / 3"
    page = derive.prove(text).to_markdown()
    said = [line for line in page.splitlines() if line.startswith("**Lemma.**")]
    assert said[0].startswith(r"**Lemma.** Let $x$ be $1\times n$, $W$ be $n\times d$")
    shapes = [dim for line in said for dim in re.findall(r"be \$(\w+)\\times (\w+)\$", line)]
    assert len(shapes) > 4 and {*sum(shapes, ())} == {"1", "n", "d"}
