"""Points: sizes in order, numbers that obey, gradients by definition, numbers as texts."""

from fractions import Fraction
from itertools import combinations, islice, product

import pytest
from flint import arb

import derive
from derive.circuits.points import Trial, apart, small_sizes
from derive.judges.case import Case
from derive.language.parse import parse
from derive.readings.numbers import number_text, rational, told_apart


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_sizes_come_in_the_order_of_their_sum(count):
    dims = tuple("abcde"[:count])
    found = [tuple(sizes.values()) for sizes in small_sizes(dims)]
    assert found == sorted(product((1, 2, 3), repeat=count), key=lambda s: (sum(s), s))


@pytest.mark.parametrize("count", [14, 16, 60])
def test_the_first_sizes_of_many_dimensions_need_not_know_the_others(count):
    dims = tuple(f"d_{k}" for k in range(count))
    found = [tuple(sizes.values()) for sizes in islice(small_sizes(dims), 81)]
    assert found[0] == (1,) * count and len(set(found)) == 81
    assert [sum(sizes) for sizes in found] == sorted(sum(sizes) for sizes in found)


# program, name, values: its gradient there, by hand
GRADIENTS = {
    "a square": ("x: (); y = x ** 2", "x", {"x": [[3]]}, [[6]]),
    "of an intermediate": (
        "x: (); h = x * x; z = h * x; y = z + h", "h", {"x": [[5]]}, [[6]],
    ),
    "both uses of a name": ("x: (); h = 2 * x; y = h * x", "x", {"x": [[3]]}, [[12]]),
    "a product with an upstream gradient": (
        "A: (n, m); B: (m, 1); Y = A @ B", "A",
        {"A": [[1, 2], [3, 4]], "B": [[5], [6]], "dY": [[1], [-1]]}, [[5, 6], [-5, -6]],
    ),
    # on the diagonal a maximum of x and x is x: no gradient rule says so
    "a maximum of a matrix and its transpose": (
        "A: (n, n); Y = max(A, A.T)", "A",
        {"A": [[1, 5], [2, 3]], "dY": [[1, 10], [100, 1000]]}, [[1, 110], [0, 1000]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_gradient_is_a_derivative_carried_forwards(name):
    text, of, values, expected = GRADIENTS[name]
    program = parse(text)
    sizes = dict.fromkeys(program.dims, 2)
    point = {k: [[Fraction(x) for x in row] for row in rows] for k, rows in values.items()}
    assert Trial(program, sizes, point).gradient(of) == expected


# program, claim, a point at which nothing may be said, since something jumps there or is missing
SILENT = {
    "a kink": ("x: (); y = relu(x)", "dx = dy", {"x": [[0]]}),
    "a kink of an intermediate": ("x: (); h = x * x; y = relu(h - 4)", "dh = 2 * dy", {"x": [[2]]}),
    "a region of an intermediate": (
        "x: (); h = relu(x); y = relu(h)", "dh = 2 * dy", {"x": [[-1]]},
    ),
    "a jump": ("x: (); y = sign(x - 1)", "dx = 2 * dy", {"x": [[1]]}),
    "a flat kink": ("x: (); y = abs((x - 1) ** 2 - 0) + abs(x - 1)", "dx = dy", {"x": [[1]]}),
    "a tie": ("x: (); y = max(x, 2 * x - 1)", "dx = dy", {"x": [[1]]}),
    "a jump of the claim": ("x: (); y = 3 * x", "dx = 2 * dy + (x > 1)", {"x": [[1]]}),
    "no value": ("x: (); y = 1 / x", "dx = dy", {"x": [[0]]}),
    "no value of the claim": ("x: (); y = x", "dx = 2 * dy / x", {"x": [[0]]}),
}  # fmt: skip


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said_at_a_jump(name):
    text, claim, values = SILENT[name]
    case = Case(parse(text))
    point = {k: [[Fraction(x) for x in row] for row in rows] for k, rows in values.items()}
    of, expr, *_ = case.read(claim.replace("dy", "1"))
    assert Trial(case.program, {}, point).difference(of, expr) is None


CELLS = list(product(range(3), range(4)))


@pytest.mark.parametrize("cells", list(combinations(CELLS, 2)), ids=str)
def test_nothing_is_said_where_two_entries_tie(cells):
    case = Case(parse("X: (n, m); L = max(X)"))
    rows = [[Fraction(9 if (i, j) in cells else i + j) for j in range(4)] for i in range(3)]
    trial = Trial(case.program, {"n": 3, "m": 4}, {"X": rows})
    assert trial.difference(*case.read("dX = 3 * X")[:2]) is None


def test_an_intermediate_does_not_move_as_an_input_does():
    (judgement,) = derive.check("s: (); Z = s > 0; L = max(s, Z)", ["dZ = 0 * Z"])
    (s,) = judgement.counterexample.values["s"][0]
    assert judgement.verdict == "refuted" and (judgement.counterexample.expected, s) != ("1/2", "1")


def test_ties_of_several_columns_do_not_cancel():
    (judgement,) = derive.check("X: (3, 3); Y = min(X, axis=0)", ["dX = ones(3, 1) @ dY"])
    columns = zip(*judgement.counterexample.values["X"], strict=True)
    assert judgement.verdict == "refuted" and all(c.count(min(c)) == 1 for c in columns)


def test_a_difference_is_certain_and_has_its_entry():
    case = Case(parse("X: (2, 2); Y = tanh(X)"))
    name, expr, *_ = case.read("dX = dY * (1 - Y ** 2) + (1 - X) / 10 ** 30")
    point = {"X": [[Fraction(1), Fraction(1)], [Fraction(1), Fraction(3)]],
             "dY": [[Fraction(1)] * 2] * 2}  # fmt: skip
    trial = Trial(case.program, dict.fromkeys(case.program.dims, 2), point)
    (entry, expected, claimed) = trial.difference(name, expr)
    assert entry == (1, 1) and apart(expected, claimed)
    assert len(set(map(Fraction, told_apart(expected, claimed)))) == 2


TEXTS = {
    "2": rational(2), "-2/97": rational(Fraction(-2, 97)), "0.135335": arb(-2).exp(),
    "1.62755e+5": arb(12).exp(), "1.28516e+19": arb(44).exp(),
    "3.33333e-41": rational(Fraction(1, 3 * 10**40)),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_rounded_number_never_looks_like_an_exact_one(text):
    assert number_text(TEXTS[text]) == text


@pytest.mark.parametrize("places", [3, 10, 20, 40, 100, 300])
def test_two_numbers_that_differ_are_shown_to_differ(places):
    near = rational(Fraction(-2, 97)) + rational(Fraction(1, 10**places))
    one, other = told_apart(rational(Fraction(-2, 97)), near)
    assert Fraction(one) != Fraction(other)


@pytest.mark.parametrize(
    ("text", "values", "name"),
    [
        # two entries tie with s; on either side of the point one gains what the other loses
        (
            "X: (n, n); s: (1, 1); Y = max(X, s)",
            {"X": [[1, 1, 3], [2, 1, 3], [3, 3, 2]], "s": [[2]],
             "dY": [[2, 1, 2], [1, 3, 2], [1, 2, 1]]},
            "s",
        ),
        # what jumps is far smaller than 1
        (
            "X: (n, n); Y = tanh(min(X, axis=1))",
            {"X": [[48, 48, 60], [60, 55, 58], [54, 60, 57]], "dY": [[1], [1], [1]]},
            "X",
        ),
        # Z is 0 there, and stays so when s moves: the output jumps when Z itself does
        ("s: (1, 1); Z = (s < 0.5) ** 4; L = tr(Z <= 0)", {"s": [[1]]}, "Z"),
    ],
)  # fmt: skip
def test_at_a_kink_that_hides_nothing_is_said(text, values, name):
    tables = {n: [[Fraction(x) for x in row] for row in rows] for n, rows in values.items()}
    trial = Trial(parse(text), {"n": 3}, tables)
    assert not trial.is_steady(name)
    assert trial.differs(name, trial.program.leaves[name] * 7 + 11) is None
