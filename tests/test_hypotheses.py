"""What is asked of sizes is found, said and obeyed; what is proved holds at some point."""

from fractions import Fraction

import pytest

import derive
from derive import check, prove
from derive.judges.verify import PROBES, SMALL_PROBES, probes
from derive.language.parse import parse
from derive.proof.hypotheses import Ground, ground_of, points, sizes_asked
from derive.proof.sizes import asked, chosen, obeyed, sizes_at
from derive.readings.counts import counted
from derive.readings.numbers import Enclosures, interval

ASKED = {
    "X / n": [], "X / (n + m - 1)": [], "X * log(n)": [], "X * sqrt(n - 1)": [],
    "X * (n > m)": [], "X * sign(n - m)": [], "X / (1 + sum(X) ** 2)": [],
    "X / (n - 1)": ["n ≥ 2"], "X / (1 - n)": ["n ≥ 2"], "X / sqrt(n - 1)": ["n ≥ 2"],
    "X * (n - 1) ** (-1/2)": ["n ≥ 2"], "X * log(n - 1)": ["n ≥ 2"],
    "X / (n * m - n)": ["m ≥ 2"], "X / ((n - 1) * (m - 1))": ["n ≥ 2", "m ≥ 2"],
    "X / (n * m - 1)": ["n * m ≥ 2"], "X / (n + m - 2)": ["n + m ≥ 3"],
    "X / (n - 1) / (n - 2)": ["n ≥ 3"], "X / (n ** 2 - 3 * n + 2)": ["n ≥ 3"],
    "X / (n / 2 - 1)": ["n ≠ 2"], "X / (n - 7)": ["n ≠ 7"], "X / (n ** 2 - 2)": [],
    "X / (n - m)": ["n ≠ m"], "X / (n - m) / (m - n)": ["n ≠ m"],
    "X / (m - n)": ["m ≠ n"], "X / (3 * n - 2 * m)": ["3 * n ≠ 2 * m"],
    "X / (n - m - 1)": ["n ≠ m + 1"], "X * log(n - m)": ["n > m"], "X * sqrt(n - m)": ["n ≥ m"],
    "X / ((n - 1) * sum(X))": ["n ≥ 2"], "X / sqrt((n - 1) * sum(X ** 2))": ["n ≥ 2"],
    "X / (n < 2)": ["2 > n"], "X / sign(n - 1)": ["n ≥ 2"], "X / (n > m)": ["n > m"],
    "X / abs(n - m)": ["n ≠ m"], "X * log(n > m)": ["n > m"], "X * sqrt(n > m)": [],
    "X / (sqrt(n) - 1)": ["sqrt(n) - 1 ≠ 0"], "X * log(5 - n)": ["5 > n"],
}  # fmt: skip


@pytest.mark.parametrize(("text", "relations"), ASKED.items(), ids=ASKED)
def test_what_a_formula_asks_of_its_sizes(text, relations):
    program = parse(f"X: (n, m); Y = {text}")
    assert [str(relation) for relation in asked(program)] == relations


@pytest.mark.parametrize("text", ASKED)
def test_whoever_chooses_sizes_obeys(text):
    program = parse(f"X: (n, m); Y = {text}")
    relations = asked(program)
    assert obeyed(relations, sizes_at(program, None))
    for found in (*probes(program, False, relations), *probes(program, True, relations)):
        assert obeyed(relations, found)
    if not relations:  # then nothing is changed
        few = [dict(zip("nm", k, strict=False)) for k in (*PROBES, *SMALL_PROBES)]
        assert [*probes(program), *probes(program, True)] == few


@pytest.mark.parametrize("text", ASKED)
def test_a_relation_holds_where_there_is_a_value(text):
    """By another road: the formula is a finite number at exactly the sizes that obey."""
    from flint import arb

    from derive.readings.numbers import DomainError, Enclosures, interval

    program = parse(f"X: (n, m); Y = {text}")
    relations = asked(program)
    for n in range(1, 9):
        for m in range(1, 4):
            values = {"X": [[arb(2 + i + j) for j in range(m)] for i in range(n)]}
            try:
                rows = Enclosures({"n": n, "m": m}, values).matrix(program.statements[0].expr)
                finite = all(interval(x).is_finite() for row in rows for x in row)
            except DomainError:
                finite = False
            assert finite == obeyed(relations, {"n": n, "m": m}), (n, m)


def test_no_sizes_that_obey():
    program = parse("X: (n, m); Y = X / (n - 1)")
    assert chosen(program.dims, asked(program), (1, 1), {"n": 1}) is None
    for refused in (
        lambda: sizes_at(program, {"n": 1}),
        lambda: derive.prove("X: (n, m); Y = X / (n - 1)", at={"n": 1}),
        lambda: derive.example("X: (n, m); Y = X / (n - 1)", at={"n": 1}),
        lambda: derive.graph("X: (n, m); Y = X / (n - 1)", values={"X": [[1, 2]]}),
    ):
        with pytest.raises(derive.SizeError, match="the program asks for n ≥ 2, and n = 1"):
            refused()


# -- over n - 1 ------------------------------------------------------------------------------------

OVER = {
    "X / (n - 1)": ("X: (n, d); Y = X / (n - 1)", "dX = dY / (n - 1)"),
    "variance": (
        "x: (n, 1); v = sum((x - mean(x)) ** 2) / (n - 1)", "dx = 2 * (x - mean(x)) / (n - 1)"),
    "standard deviation": (
        "x: (n, 1); v = sum((x - mean(x)) ** 2) / (n - 1); s = sqrt(v)",
        "dx = (x - mean(x)) / ((n - 1) * s)"),
    "standard error": (
        "x: (n, 1); s = sqrt(sum((x - mean(x)) ** 2) / (n * (n - 1)))",
        "dx = (x - mean(x)) / (n * (n - 1) * s)"),
    "covariance": (
        "X: (n, d); C = X - mean(X, axis=0); S = C.T @ C / (n - 1)",
        "dX = C @ (dS + dS.T) / (n - 1)"),
    "batch normalisation": (
        "X: (n, d); C = X - mean(X, axis=0); v = sum(C ** 2, axis=0) / (n - 1); "
        "Y = C / sqrt(v + 1/1000)",
        "dX = (dY - mean(dY, axis=0) - C * sum(dY * C, axis=0) / ((n - 1) * (v + 1/1000))) "
        "/ sqrt(v + 1/1000)"),
    "Pearson's r": (
        "x: (n, 1); y: (n, 1); a = x - mean(x); b = y - mean(y); "
        "r = sum(a * b) / sqrt(sum(a ** 2) * sum(b ** 2))",
        "dx = b / sqrt(sum(a ** 2) * sum(b ** 2)) - r * a / sum(a ** 2)"),
}  # fmt: skip


@pytest.mark.parametrize(("program", "claim"), OVER.values(), ids=OVER)
def test_a_claim_over_n_less_one(program, claim):
    (judgement,) = derive.check(program, [claim])
    assert (judgement.verdict, judgement.scope) == ("proved", "every shape")
    assert judgement.conditions[0] == "n ≥ 2"


@pytest.mark.parametrize("program", [program for program, _ in OVER.values()], ids=OVER)
def test_a_document_over_n_less_one(program):
    proof = derive.prove(program, detail="brief")
    assert proof.proved and proof.trace()["hypotheses"][0] == "n ≥ 2"
    assert "Suppose that $n \\ge 2$" in proof.to_markdown()
    assert "Suppose that $n \\ge 2$" in proof.to_latex()


SAID = {
    "it cancels": ("X: (n, m); Y = X * (n - 1) / (n - 1)", "dX = dY", "n ≥ 2"),
    "it stands in the claim": ("X: (n, m); Y = 2 * X", "dX = 2 * dY * (n - m) / (n - m)", "n ≠ m"),
    "x is its mean": (
        "x: (n, 1); Y = max(x, mean(x))",
        "dx = dY * (x > mean(x)) + sum(dY * (mean(x) > x)) / n", "n ≥ 2"),
    "a sum of shares": (
        "X: (n, k); Y = X / (sum(softmax(X)) - 1)", "dX = dY / (sum(softmax(X)) - 1)", "n ≥ 2"),
    "a sum of shares, less a number": (
        "X: (n, k); s: (); Y = s / (sum(softmax(X)) - 3)",
        "ds = dY / (sum(softmax(X)) - 3)", "n ≠ 3"),
    "a sum of shares behind a name": (
        "X: (n, k); s: (); D = sum(softmax(X)) - 4; Y = X / (s * D)", "dX = dY / (s * D)", "n ≠ 4"),
    "the root of a sum of shares": (
        "X: (n, k); s: (); Y = s * sqrt(sum(softmax(X)) - 3)",
        "ds = dY * sqrt(sum(softmax(X)) - 3)", "n ≥ 4"),
    "beside other inputs": (
        "X: (n, m); W: (k, k); Y = W / (sum(softmax(X)) - 3)",
        "dW = dY / (sum(softmax(X)) - 3)", "n ≠ 3"),
    "sums of rows": (
        "X: (n, m); s: (); Y = s / (sum(softmax(X), axis=1) - m / 3)",
        "ds = sum(dY / (sum(softmax(X), axis=1) - m / 3))", "m ≠ 3"),
    "a trace": (
        "A: (n, n); s: (); Y = s / (tr(A @ inv(A)) - 5)", "ds = dY / (n - 5)", "n ≠ 5"),
    "a kink": (
        "x: (n, 1); s: (); Y = relu(s * (sum(x / x) - 3))",
        "ds = dY * (s * (n - 3) > 0) * (n - 3)", "n ≠ 3"),
    "a rank": ("X: (n, d); f = logdet(X.T @ X)", "dX = 2 * X @ inv(X.T @ X)", "n ≥ d"),
}  # fmt: skip


@pytest.mark.parametrize(("program", "claim", "relation"), SAID.values(), ids=SAID)
def test_where_a_theorem_holds_is_said(program, claim, relation):
    (judgement,) = derive.check(program, [claim])
    assert judgement.verdict == "proved" and judgement.conditions[0] == relation


COUNTS = {
    "sum(softmax(X)) * m - 3": "n * m - 3", "sum(X * (X / X) - X) + 2": "2",
    "sum(X) / sum(X)": "1", "sum(X - X)": "0", "sum(sigmoid(X) + sigmoid(-X)) / 2": "n * m / 2",
    "sum(X)": "", "mean(softmax(X))": "", "sum(softmax(X)) ** 2": "",
}  # fmt: skip


@pytest.mark.parametrize(("text", "polynomial"), COUNTS.items(), ids=COUNTS)
def test_a_scalar_that_depends_on_sizes_alone(text, polynomial):
    """As far as it is a sum of products of different dimensions."""
    program = parse(f"X: (n, m); f = {text}")
    found = counted(program.statements[0].expr, points(program), program.dims, {})
    equal = parse(f"X: (n, m); f = {polynomial or 0} + 0 * sum(X)").statements[0].expr
    assert (found is None) == (not polynomial)
    for n, m in ((1, 1), (2, 5), (7, 3)) if found is not None else ():
        values = {"X": [[Fraction(1)] * m] * n}
        work = Enclosures({"n": n, "m": m}, values)
        one, other = (interval(work.matrix(side)[0][0]) for side in (found, equal))
        assert one.overlaps(other)


# -- points ----------------------------------------------------------------------------------------

TIES = {
    "X: (n, m); Y = relu(X)": "", "X: (n, m); Y = relu(relu(X))": "",
    "A: (n, n); Y = max(A, A.T)": "diagonal", "A: (n, n); D = A - A.T; Y = abs(D)": "diagonal",
    "A: (n, n); B = A.T; Y = max(A, B)": "diagonal", "X: (n, n); Y = relu(X * eye(n))": "off",
    "X: (n, m); Y = relu(0 * X)": "all", "x: (n, 1); Y = max(x, mean(x))": "",
}  # fmt: skip


@pytest.mark.parametrize(("text", "word"), TIES.items(), ids=TIES)
def test_where_an_argument_is_zero_for_every_input(text, word):
    found = set(ground_of(parse(text)).ties.values())
    assert found == ({word} if word else set())


NOWHERE = (
    "X: (n, k); Y = X / (sum(softmax(X)) - n)", "x: (n, 1); y = sqrt(-1 - x ** 2)",
    "x: (n, 1); y = x / (x - x)", "x: (n, 1); y = log(x) + log(-x)",
    "X: (n, n); s: (); H = s - s; L = det(diag(H)) + sum(X)",
    "x: (n, 1); H = x - x; L = norm(H) + sum(x)",
    "X: (n, m); s: (); Z = tan(abs(X * 0) ** 0.5); L = sum(Z) * (s >= 5)",
    "X: (n, m); s: (); L = sum(sqrt(s * relu(X - X)))",
)  # fmt: skip


@pytest.mark.parametrize("text", NOWHERE)
def test_a_program_whose_hypotheses_no_point_satisfies(text):
    program = parse(text)
    assert sizes_asked(program, ground_of(program)) is None


def test_a_point_satisfies_all_hypotheses():
    program = parse("x: (n, 1); Y = log(x) * relu(x - mean(x))")
    ground = ground_of(program)
    assert ground.witness({"n": 1}) is None
    assert all(x > 0 for (x,) in ground.witness({"n": 2})["x"])
    assert [str(r) for r in sizes_asked(program, ground)] == ["n ≥ 2"]


CONSTANT = (
    "X / eye(n)",
    "X * (eye(n) - 1) ** (-1)",
    "X * log(eye(n))",
    "X @ inv(ones(n, n) - eye(n) * n)",
)


@pytest.mark.parametrize("text", CONSTANT)
def test_a_constant_matrix_that_has_no_value_at_most_sizes(text):
    (judgement,) = derive.check(f"X: (n, n); Y = {text}", [f"dX = dY{text[1:]}"])
    assert judgement.verdict != "proved"


def test_points_are_sought_at_sizes_that_obey():
    program = parse("X: (n, m); Y = relu(X @ X.T) / ((n - 1) * (n - 2) * (n - 3) * (m - 4))")
    found = sizes_asked(program, ground_of(program))
    assert [str(relation) for relation in found] == ["n ≥ 4", "m ≠ 4"]


def test_many_dimensions():
    text = "; ".join(f"W{k}: (d{k}, d{k + 1}); H{k + 1} = relu(H{k} @ W{k})" for k in range(12))
    program = parse(f"H0: (n, d0); {text}; Y = max(H12, mean(H12, axis=1))")
    found = sizes_asked(program, ground_of(program))
    assert [str(relation) for relation in found] == ["d12 ≥ 2"]


def test_points_obey_what_is_assumed():
    program = parse("T: (n, k); X: (n, k); Y = X * log(T)")
    ones = Ground(
        program, [("Y", program.statements[0].expr)],
        lambda sizes, seed: None if seed < 5 else points(program)(sizes, seed),
    )  # fmt: skip
    assert ones.witness({"n": 1, "k": 1}) is not None


# A theorem about two maxima that are equal on the diagonal holds nowhere; the name changes nothing.
@pytest.mark.parametrize("text", ["Y = max(A, A.T)", "B = A.T; Y = max(A, B)"])
def test_no_document_under_hypotheses_that_nothing_satisfies(text):
    with pytest.raises(derive.ProofError, match="ties whatever the inputs are"):
        derive.prove(f"A: (n, n); {text}")


NAMED = {
    "a kink": ("A: (n, n); Y = relu(A - A.T)", "A: (n, n); D = A - A.T; Y = relu(D)"),
    "a region": ("X: (n, m); Y = relu(relu(X))", "X: (n, m); H = relu(X); Y = relu(H)"),
}
CLAIMS = {
    "a kink": ("dA = dY * (A > A.T) - (dY * (A > A.T)).T", "dA = dY - dY.T"),
    "a region": ("dX = dY * (X > 0)", "dX = dY"),
}


@pytest.mark.parametrize("case", NAMED)
def test_a_verdict_does_not_depend_on_naming(case):
    inlined, named = (
        [j.verdict for j in derive.check(program, list(CLAIMS[case]))] for program in NAMED[case]
    )
    assert inlined == named and inlined[0] == "proved" != inlined[1]


@pytest.mark.parametrize("text", ["Y = relu(A - A.T)", "D = A - A.T; Y = relu(D)"])
def test_a_hypothesis_says_which_entries_are_excepted(text):
    proof = derive.prove(f"A: (n, n); {text}")
    assert "is different from $0$ off the diagonal" in proof.to_markdown()


def test_no_condition_where_a_mask_is_known():
    program = "T: (n, k); X: (n, k); Y = X * sign(T) ** 2"
    assume = {"T": "one-hot-rows"}
    right, wrong = derive.check(program, ["dX = dY * T", "dX = dY"], assume=assume)
    assert (right.verdict, right.conditions) == ("proved", ())
    assert wrong.verdict != "proved"


UNDER = {
    "no tie": ("A: (n, n); B: (n, n); Y = max(A + A.T, B)", {"A": "symmetric"}),
    "a tie behind a name": ("A: (n, n); D = A - A.T; Y = relu(D)", {}),
}  # fmt: skip


@pytest.mark.parametrize(("program", "assume"), UNDER.values(), ids=UNDER)
def test_a_document_under_assumptions_that_make_ties(program, assume):
    assert derive.prove(program, assume=assume, detail="brief").proved


def test_a_document_where_what_ties_is_not_moved():
    program, assume = "A: (n, n); W: (n, n); Y = W * (A > A.T)", {"A": "symmetric"}
    assert derive.prove(program, assume=assume, wrt=["W"], detail="brief").proved
    with pytest.raises(derive.ProofError, match="no point was found"):
        derive.prove(program, assume=assume, wrt=["A"], detail="brief")


MOVED = {
    "it jumps": ("A: (n, n); W: (n, n); Y = W * (A > A.T)", "dA = 0 * A", {"A": "symmetric"}),
    "a sign at 0": ("T: (n, k); Y = sign(T) ** 2", "dT = 0 * T", {"T": "one-hot-rows"}),
    "a kink of a name": ("A: (n, n); D = A - A.T; Y = relu(D)", "dD = dY * (D > 0)", {}),
}  # fmt: skip


@pytest.mark.parametrize(("program", "claim", "assume"), MOVED.values(), ids=MOVED)
def test_no_derivative_where_what_is_moved_is_assumed_to_tie(program, claim, assume):
    (judgement,) = derive.check(program, [claim], assume=assume)
    assert judgement.verdict != "proved"


@pytest.mark.parametrize(
    "text",
    [
        "s: (1, 1); Y = max(abs(s), max(s, 0.5))",  # equal wherever s > 1/2
        "X: (n, n); Y = max(X, relu(X))",  # equal wherever X > 0
    ],
)
def test_a_tie_on_a_region_is_a_hypothesis_and_no_mistake(text):
    proof = prove(text)
    assert proof.proved
    assert proof.derivation.carried is not None


@pytest.mark.parametrize(
    ("text", "claim", "word", "verdict"),
    [
        # beside its one a row of three has two zeros
        ("x: (1, n); L = min(x)", "dx = x == min(x)", "one-hot-rows", "undecided"),
        ("x: (1, n); L = max(x)", "dx = x == max(x)", "one-hot-rows", "proved"),
        ("x: (1, n); L = min(x)", "dx = x == min(x)", "binary", "proved"),
        ("x: (1, n); L = min(x)", "dx = x == min(x)", "sign", "proved"),
    ],
)
def test_a_point_of_few_numbers_is_there_at_three_as_at_two(text, claim, word, verdict):
    (judgement,) = check(text, claim, assume={"x": word})
    assert judgement.verdict == verdict


@pytest.mark.parametrize(
    ("text", "claim", "assume", "verdict", "words"),
    [
        # a product over entries asks that none of them is zero, and has a value where one is
        (
            "X: (n, n); W: (n, n); Z = logsoftmax(X); H = diag(prod(Z, axis=1)); Y = W + H",
            "dH = dY", {}, "proved", "n ≥ 2",
        ),
        (
            "s: (1, 1); x: (1, n); Z = prod(x / (1 + s ** 2), axis=0); L = sum(Z)",
            "ds = -2 * sum(Z) * s / (1 + s ** 2)", {"x": "one-hot-rows"}, "undecided", "",
        ),
    ],
)  # fmt: skip
def test_what_a_product_asks_for_is_exhibited(text, claim, assume, verdict, words):
    (judgement,) = check(text, claim, assume=assume)
    assert judgement.verdict == verdict
    assert words in " and ".join(judgement.conditions)
