"""The random generator in small (see fuzz.py), and its referee: reads all, sees what is false.

The long run is `python tests/fuzz.py --count 100000`; here are some hundreds of its claims.
"""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import fuzz
import numpy as np
import pytest
from fuzz import MP, Evaluation, Ground, Referee, Writer, obeying, obeys, real, table

from derive.judges.claim import Counterexample, Court, Judgement
from derive.language.scope import FUNCTIONS
from derive.ops import OPS
from derive.proof.verdict import EVERY_SHAPE, Road

SEED, PROGRAMS = 52, 24


@pytest.mark.parametrize("start", range(0, PROGRAMS, 6))
def test_what_is_said_of_random_programs_holds(start):
    counts, grave = Counter(), []
    for index in range(start, start + 6):
        report = fuzz.one(SEED, index, claims=8, seconds=20)
        counts += report.counts
        grave += [find.line() for find in report.finds if find.kind in fuzz.GRAVE]
    assert not grave, "\n".join(grave)
    assert counts["claims"] > 20 and counts["proved"] and counts["refuted"]


def test_a_case_is_the_same_each_time():
    first, second = fuzz.one(3, 5, claims=4), fuzz.one(3, 5, claims=4)
    assert first.finds == second.finds
    assert first.counts["claims"] == second.counts["claims"] > 3


def test_a_case_that_dies_is_one_find(monkeypatch):
    monkeypatch.setattr(fuzz, "one", lambda *args: 1 / 0)
    (find,) = fuzz.apart(1, 1, 1, 1, 5).finds
    assert find.kind == "referee" and "ZeroDivisionError" in find.detail


# -- the second reading ----------------------------------------------------------------------------

#: Texts over A = [[2, -1], [3, 1/2]], b = [[1, -2]] and n = 2, and what they are.
READ = {
    "A @ A.T - A * 2": [[1, "15/2"], ["-1/2", "33/4"]],
    "-A ** 2 + b": [[-3, -3], [-8, "-9/4"]],
    "A / b + n": [[4, "5/2"], [5, "7/4"]],
    "A ** -1": [["1/2", -1], ["1/3", 2]],
    "sum(A)": [["9/2"]],
    "sum(A, axis=0)": [[5, "-1/2"]],
    "mean(A, axis=1)": [["1/2"], ["7/4"]],
    "max(A, axis=1)": [[2], [3]],
    "min(A)": [[-1]],
    "max(A, b)": [[2, -1], [3, "1/2"]],
    "(A > 1/2) + 10 * (A >= 1/2)": [[11, 0], [11, 10]],
    "(A < 1/2) + 10 * (A <= 1/2)": [[0, 11], [0, 10]],
    "A == max(A, axis=1)": [[1, 0], [1, 0]],
    "where(A > 0, b, n)": [[1, 2], [1, -2]],
    "where(b - 1, 7, 8)": [[8, 7]],
    "tr(A) + det(A)": [["13/2"]],
    "inv(A)": [["1/8", "1/4"], ["-3/4", "1/2"]],
    "diag(b) + eye(n)": [[2, 0], [0, -1]],
    "diagonal(A)": [[2], ["1/2"]],
    "kron(b, A)": [[2, -1, -4, 2], [3, "1/2", -6, -1]],
    "kron_left(kron(A, b), b)": [[10, -5], [15, "5/2"]],
    "kron_right(kron(b, A), b)": [[10, -5], [15, "5/2"]],
    "vec(A)": [[2], [3], [-1], ["1/2"]],
    "unvec(vec(A), (n, n))": [[2, -1], [3, "1/2"]],
    "relu(A) + abs(A) + sign(A)": [[5, 0], [7, 2]],
    "norm(2 * b) ** 2": [[20]],
    "zeros(n, 1) + ones(1, n) * n": [[2, 2], [2, 2]],
    "broadcast_to(b, (n, n))": [[1, -2], [1, -2]],
    "(n > 1) + sign(n - 2)": [[1]],
    "logdet(A) - log(4)": [[0]],
    "log(sum(exp(A), axis=1)) - logsumexp(A)": [[0], [0]],
    "sum(softmax(A), axis=1)": [[1], [1]],
    "exp(logsoftmax(A)) - softmax(A)": [[0, 0], [0, 0]],
    "sqrt(A ** 2) - abs(A)": [[0, 0], [0, 0]],
    "(A ** 2) ** (3 / 2)": [[8, 1], [27, "1/8"]],
}


@pytest.mark.parametrize("text", READ)
def test_a_text_is_read_as_numpy_means_it(text):
    A = table([[Fraction(2), Fraction(-1)], [Fraction(3), Fraction(1, 2)]])
    found = Evaluation({"A": A, "b": table([[1, -2]])}, {"n": 2}).of(text)
    assert fuzz.agree(found, table([[Fraction(x) for x in row] for row in READ[text]])), found


#: A function of one number, and its value at 1/2 from a table (NIST DLMF, 4 and 7).
VALUES = {
    "exp": "1.6487212707", "log": "-0.6931471806", "sin": "0.4794255386", "cos": "0.8775825619",
    "tan": "0.5463024898", "sinh": "0.5210953055", "cosh": "1.1276259652", "tanh": "0.4621171573",
    "sqrt": "0.7071067812", "sigmoid": "0.6224593312", "softplus": "0.9740769842",
    "silu": "0.3112296656", "gelu": "0.3457312306", "normcdf": "0.6914624613",
    "normpdf": "0.3520653268", "abs": "0.5", "relu": "0.5", "sign": "1",
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_a_function_has_the_value_of_the_tables(name):
    (found,) = Evaluation({}, {}).of(f"{name}(1 / 2)").flat
    assert abs(found - MP.mpf(VALUES[name])) < 1e-10


def test_the_whole_language_is_read_and_written():
    assert {*FUNCTIONS} == fuzz.FUNCTIONS
    programs = (Writer(random.Random(seed), 16).program()[0] for seed in range(600))
    text = "\n".join(programs)
    assert {name for name in fuzz.FUNCTIONS if f"{name}(" not in text} <= {"zeros"}
    for sign in ("@", "**", "/", ".T", ">=", "<=", "<", "==", "axis=0", "axis=1", "(n > m)"):
        assert sign in text, sign
    assert not {name for name in OPS if OPS[name].derivatives} - fuzz.FUNCTIONS - {"gt", "eq"}


def test_a_kink_is_seen():
    for text, margin in {"relu(x)": 0, "relu(x - 1)": 1, "max(x, -2) * (x > 3)": 2, "x": MP.inf,
                         "(n > 2) * x": MP.inf, "max(x, axis=1)": MP.inf, "abs(x) ** 2": 0,
                         "max(kron(x, ones(1, 2)))": 0}.items():  # fmt: skip
        at = Evaluation({"x": table([[0]])}, {"n": 2})
        at.of(text)
        assert at.margin == margin, text


@pytest.mark.parametrize("word", fuzz.WORDS)
def test_points_are_what_is_assumed(word):
    rng = random.Random(1)
    for kind in fuzz.KINDS:
        found = obeying(rng, 3, 3, [word], kind)
        assert found is not None and obeys(found, word)
    assert obeying(rng, 3, 3, ["spd", "binary"], "mixed") is not None
    assert obeying(rng, 3, 3, ["one-hot-rows", "unit-interval"], "mixed") is None


# -- the referee -----------------------------------------------------------------------------------


def held(program: str, claim: str, assume=None, **said) -> list[str]:
    """Return what the referee makes of a judgement."""
    common = {"verdict": "proved", "where": EVERY_SHAPE, "road": None, "truth": ""}
    judgement = Judgement(claim=claim, **{**common, **said})
    referee = Referee(random.Random(1), Ground(program, assume))
    name = claim.split(" = ")[0][1:]
    return [kind for kind, _ in referee.hold(name, claim, judgement)]


RELU, SQUARE = "X: (n, m); Y = relu(X)", "x: (n, 1); L = sum(x ** 2)"
#: Judgements and what is wrong with them.
FALSE = {
    "a false proof": (SQUARE, "dx = 2.0001 * x", {}, ["false proof"]),
    "false at one size": ("X: (n, m); L = sum(X)", "dX = ones(n, m) / n", {}, ["false proof"]),
    "false at size 4": (
        SQUARE, "dx = 2 * x + (n - 1) * (n - 2) * (n - 3)", {}, ["false proof"],
    ),
    "a dimension as a number": (
        "X: (n, m); Y = X * (n >= m)", "dX = dY * (n > m)", {}, ["false proof"],
    ),
    "a missing condition": (RELU, "dX = dY * (X > 0)", {}, ["condition missing"]),
    "a condition that nothing satisfies": (
        "A: (n, n); Y = max(A, A.T)", "dA = (dY + dY.T) * (A > A.T)",
        {"conditions": ("A and A.T differ in every entry",)}, ["no such point"],
    ),
    "no value": ("X: (n, m); Y = X / (n - 1)", "dX = dY / (n - 1)", {}, ["no value where proved"]),
    "words that are not known": (
        RELU, "dX = dY * (X > 0)", {"conditions": ("X is nice",)}, ["unread condition"],
    ),
    "a true claim refuted": (
        SQUARE, "dx = x + x", {"verdict": "refuted", "road": Road.MODULO}, ["true refuted"],
    ),
    "a shape that fits": (
        SQUARE, "dx = x", {"verdict": "refuted", "road": Road.SHAPES}, ["shape refused"],
    ),
    "true at some sizes": (
        "X: (n, m); L = sum(X)", "dX = ones(n, m) / n",
        {"verdict": "refuted", "road": Road.MODULO, "holds": "where m = 1"}, ["false where"],
    ),
    "a diagnosis": (
        SQUARE, "dx = x",
        {"verdict": "refuted", "road": Road.MODULO, "diagnosis": "true is dx = 3 * x; yours"},
        ["false diagnosis"],
    ),
    "undecided and true": (SQUARE, "dx = x + x", {"verdict": "undecided"}, ["undecided"]),
    "undecided and false": (SQUARE, "dx = x", {"verdict": "undecided"}, ["undecided, false"]),
}  # fmt: skip
TRUE = {
    "with its condition": (
        RELU, "dX = dY * (X > 0)", {"conditions": ("every entry of X is different from 0",)}, [],
    ),
    "a shape": (SQUARE, "dx = x.T", {"verdict": "refuted", "road": Road.SHAPES}, []),
    "where it is true": (
        "X: (n, m); L = sum(X)", "dX = ones(n, m) / n",
        {"verdict": "refuted", "road": Road.MODULO, "holds": "where n = 1"}, [],
    ),
    "symmetric": (
        "A: (n, n); x: (n, 1); L = x.T @ A @ x", "dx = 2 * A @ x",
        {"verdict": "refuted", "road": Road.MODULO, "holds": "where A is symmetric"}, [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [*FALSE, *TRUE])
def test_the_referee_sees_what_is_false(name):
    program, claim, said, kinds = {**FALSE, **TRUE}[name]
    assert held(program, claim, **said) == kinds


POINT = {"sizes": {"n": 1}, "values": {"x": [["3"]]}, "entry": (1, 1)}
#: A counterexample to dx = 5 * x / 2, changed, and what is wrong with it.
SHOWN = {
    "right": ({}, {}, []),
    "expected": ({"expected": "7"}, {}, ["false counterexample"]),
    "claimed": ({"claimed": "15/4"}, {}, ["false counterexample"]),
    "rounded": ({"claimed": "8"}, {}, ["false counterexample"]),
    "no value": ({"values": {}}, {}, ["false counterexample"]),
    "another shape": ({"values": {"x": [["3"], ["1"]]}}, {}, ["another size"]),
    "not assumed": ({}, {"x": ["binary"]}, ["broken assumption"]),
    "the other way": ({"expected": "15/2", "claimed": "6"}, {}, ["false counterexample"] * 2),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_the_referee_works_counterexamples_out(name):
    changed, assume, kinds = SHOWN[name]
    found = Counterexample(**{**POINT, "expected": "6", "claimed": "7.5", **changed})
    assert held(SQUARE, "dx = 5 * x / 2", assume, verdict="refuted", counterexample=found) == kinds


def test_no_counterexample_at_a_kink():
    values = {"x": [["0"]]}
    found = Counterexample(sizes={"n": 1}, values=values, entry=(1, 1), expected="1", claimed="0")
    program, claim = "x: (n, 1); L = sum(relu(x))", "dx = x > 0"
    said = {"verdict": "refuted", "counterexample": found}
    assert held(program, claim, **said) == ["false counterexample"]


def test_differences_agree_with_a_gradient_by_hand():
    """The gradient of an attention's scores, worked out with NumPy's own products."""
    ground = Ground("Q: (n, d); K: (m, d); S = softmax(Q @ K.T); Y = S @ K")
    point = ground.point(random.Random(2), ground.sizes(2, 3, 4), "mixed")
    v, g = point.values, point.upstream
    dS = g @ v["K"].T
    dA = v["S"] * (dS - np.sum(dS * v["S"], axis=1, keepdims=True))
    assert fuzz.agree(point.gradient("S"), dS)
    assert fuzz.agree(point.gradient("Q"), dA @ v["K"])
    assert fuzz.agree(point.gradient("K"), dA.T @ v["Q"] + v["S"].T @ g)


@pytest.mark.parametrize(("text", "value", "right"), [
    ("2/3", Fraction(2, 3), True), ("0.667", Fraction(2, 3), True), ("0.66", Fraction(2, 3), False),
    ("1e-3", Fraction(1, 1000), True), ("-1.28e-2", Fraction(-128, 10000), True),
    ("24", Fraction(239999973, 10**7), False), ("−5", Fraction(-5), True),
    ("1.28e+3", Fraction(1284), True), ("1.28e+3", Fraction(1286), False),
])  # fmt: skip
def test_a_number_is_what_is_shown_of_it(text, value, right):
    assert fuzz.is_shown(text, real(value)) is right


def test_every_rewrite_keeps_the_value_and_most_slips_do_not():
    """The two lists themselves: each line is tried on a program of its own."""
    program = "X: (n, m); W: (m, n); A: (n, n); b: (1, m); Y = X @ W + relu(A) * sum(exp(b))"
    ground = Ground(program)
    formulas = ("exp(b) @ W", "relu(A) - A.T * 2", "max(X, b) / (2 + sin(X))", "A ** 3 / norm(b)",
                "tr(A) * where(X > 0, X, 3)", "softmax(X) + kron(b, ones(n, 1))", "inv(A) @ X / 3",
                "diag(b) @ W * sigmoid(A @ X).T", "mean(max(A, axis=1)) * sqrt(exp(X))",
                "sum(X, axis=0) > b")  # fmt: skip
    kept, changed = Counter(), Counter()
    for seed, formula in enumerate(formulas * 12):
        rng = random.Random(seed)
        point = ground.point(rng, ground.sizes(4, 3), "mixed")
        values = {**point.values, "dY": point.upstream}
        before = Evaluation(values, point.sizes).of(formula)
        for change, count in ((fuzz.rewrites, kept), (fuzz.mistakes, changed)):
            text = fuzz.Editor(rng, ground, point, formula).changed(change)
            if text is None:
                continue
            try:
                after = Evaluation(values, point.sizes).of(text)
            except fuzz.NoValue:
                continue
            count[fuzz.agree(before, after)] += 1
    assert kept[True] > 80 and kept[False] <= 2, kept
    assert changed[False] > 60 and changed[True] < 30, changed


def test_a_printed_condition_is_read():
    """Every condition that the package prints is a sentence that the referee understands."""
    from derive.notation.messages import plain_words, say

    kinds = [key for key in plain_words() if key.startswith("condition-")]
    assert len(kinds) > 10
    for kind in kinds:
        sentence = say(kind, "A", "B")
        excepted = [say(key, sentence) for key in plain_words() if key.startswith("but-")]
        for said in (sentence, *excepted):
            assert fuzz.is_read(said), said
    assert not fuzz.is_read("A is nice")


A, AB = {"A": [[1, 0], [-2, 0]]}, {"A": [[1, 0], [-2, 3]], "B": [[1, 1], [2, 3]]}
#: Conditions, points and whether they hold there.
HOLDS = [
    ("every entry of A is different from 0", A, False),
    ("every entry of A + 3 is positive", A, True),
    ("every entry of A is different from 0 off the diagonal", {"A": [[0, 1], [1, 0]]}, True),
    ("every entry of A is different from 0 off the diagonal", A, False),
    ("every entry of A is different from 0 on the diagonal", {"A": [[1, 0], [0, 1]]}, True),
    ("A and B differ in every entry", AB, False),
    ("A and B differ in every entry off the diagonal", AB, True),
    ("A and A.T differ in every entry off the diagonal", AB, True),
    ("A - A and 0 differ in every entry, or the same all around", A, True),
    ("A and 0 differ in every entry, or the same all around", A, False),
    ("every entry of relu(A) is different from 0, or the same all around", AB, False),
    ("every entry of relu(A - 1 / 2) is different from 0, or the same all around", AB, True),
    ("the largest entry of each row of A is unique", A, True),
    ("the smallest entry of each column of A is unique", A, False),
    ("A is invertible", A, False),
    ("A + eye(n) is invertible", A, True),
    ("the determinant of A is positive", {"A": [[0, 1], [1, 0]]}, False),
    ("n ≥ 2", A, True),
    ("n * n > n ** 2", A, False),
    ("n ≠ 2", A, False),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "values", "holds"), HOLDS)
def test_a_condition_is_what_it_says(condition, values, holds):
    names = "; ".join(f"{name}: (n, n)" for name in values)
    ground = Ground(f"{names}; Y = {' + '.join(values)}")
    point = fuzz.Point(ground, {name: table(rows) for name, rows in values.items()}, {"n": 2})
    assert point.satisfies(condition) is holds


def test_the_judge_agrees_where_the_referee_is_right():
    """One program from both sides: what is proved holds, what is refuted has its counterexample."""
    text = "X: (n, d); W: (d, m); Z = X @ W; Y = relu(Z) * Z"
    court, referee = Court(text), Referee(random.Random(4), Ground(text))
    for claim, verdict in {"dX = 2 * (dY * relu(Z)) @ W.T": "proved",
                           "dW = X.T @ dZ": "proved", "dW = X.T @ (dY * Z)": "refuted",
                           "dZ = dY * (Z > 0)": "refuted"}.items():  # fmt: skip
        said = court.judge(claim)
        assert said.verdict == verdict
        assert referee.hold(claim[1], claim, said) == []
