"""The laws behind cases: what inequalities exclude, how signs factor, what is zero in each case."""

import pytest

from derive.algebra.cases import zero_in_every_case
from derive.algebra.forms import UNIT
from derive.algebra.functions import sign_of_factor
from derive.algebra.normal import Ring
from derive.algebra.signs import Given, impossible, is_positive, sign_factors
from derive.language.parse import parse
from derive.readings.terms import Entries

X, Y, Z = ((0, 1),), ((1, 1),), ((2, 1),)

# inequalities (a form, and whether it is > 0 or only >= 0), and whether they exclude each other
SYSTEMS = {
    "x > 1, x < 0": ([({X: 1, UNIT: -1}, True), ({X: -1}, True)], True),
    "x > 1, x < 2": ([({X: 1, UNIT: -1}, True), ({X: -1, UNIT: 2}, True)], False),
    "x > 1, x < 1": ([({X: 1, UNIT: -1}, True), ({X: -1, UNIT: 1}, True)], True),
    "x >= 1, x <= 1": ([({X: 1, UNIT: -1}, False), ({X: -1, UNIT: 1}, False)], False),
    "x >= 1, x < 1": ([({X: 1, UNIT: -1}, False), ({X: -1, UNIT: 1}, True)], True),
    "x > y, y > z, z > x": (
        [({X: 1, Y: -1}, True), ({Y: 1, Z: -1}, True), ({Z: 1, X: -1}, True)], True,
    ),
    "x > y, y > z": ([({X: 1, Y: -1}, True), ({Y: 1, Z: -1}, True)], False),
    "x > y, y > z, x <= z": (
        [({X: 1, Y: -1}, True), ({Y: 1, Z: -1}, True), ({Z: 1, X: -1}, False)], True,
    ),
    "x >= y, y >= z, x <= z": (
        [({X: 1, Y: -1}, False), ({Y: 1, Z: -1}, False), ({Z: 1, X: -1}, False)], False,
    ),
    "2 x > 3, 3 x < 4": ([({X: 2, UNIT: -3}, True), ({X: -3, UNIT: 4}, True)], True),
    "nothing": ([], False),
    "0 > 0": ([({}, True)], True),
    "0 >= 0": ([({}, False)], False),
}  # fmt: skip


@pytest.mark.parametrize("rows, excluded", SYSTEMS.values(), ids=SYSTEMS)
def test_inequalities_that_exclude_each_other(rows, excluded):
    assert impossible(rows) == excluded


def form(ring: Ring, text: str) -> dict:
    """The form of a formula in scalars x, y and z, and in u, a column of n entries."""
    program = parse(f"u: (n, 1); v: (n, 1); A: (n, n); F = 0 * x * y * z + {text}")
    return ring.of(Entries("klpqruvefgh").of(program.statements[-1].expr, "i", "j"))


# what is positive, and what has which sign there
FOLLOWS = [
    (["x"], "x", 1), (["x"], "-x", -1), (["x"], "x + 1", 1), (["x"], "x - 1", None),
    (["x - 1"], "x", 1), (["x - 1"], "x + 1", 1), (["x - 1"], "x - 2", None),
    (["-x"], "1 - x", 1), (["-x"], "1 + x", None), (["x", "y"], "x + y", 1),
    (["x", "y"], "x * y", 1), (["x", "-y"], "x * y", -1), (["x", "y"], "x * y + 1", 1),
    (["x", "y"], "x - y", None), (["x - y", "y - z"], "x - z", 1),
    (["x - y", "y - z"], "2 * x - y - z", 1), (["x - y", "y - z"], "x + z - 2 * y", None),
    (["x"], "x * y ** 2", None), (["x"], "x * y ** 2 + 1", 1), (["x"], "x * exp(y)", 1),
    (["x"], "x + exp(y)", 1), (["x"], "x + y ** 2", 1), (["x"], "y ** 2", None),
    (["x"], "y ** 2 + n", 1), (["x"], "y ** 2 + n - 1", None), (["x"], "x + n - 1", 1),
    (["x"], "x + n - 2", None), (["x"], "x + sum(u ** 2)", 1), (["x"], "x + sum(u)", None),
]  # fmt: skip


@pytest.mark.parametrize("given, text, sign", FOLLOWS)
def test_what_follows_where_forms_are_positive(given, text, sign):
    ring = Ring()
    case = Given(ring)
    for positive in given:
        case = case.also(form(ring, positive), 1)
    assert case.sign_of(form(ring, text)) == sign


POSITIVE = {
    "1 + x ** 2": True, "x ** 2": False, "exp(x)": True, "exp(x) + x": False, "x ** 2 + y ** 4 + n":
    True, "x ** 2 - 2 * x + 2": False, "1 + x": False, "normcdf(x) + x ** 2": True,
    "sum(u ** 2)": False, "sum(exp(u))": True, "1 + eye(n)": True, "eye(n) * exp(x)": False,
}  # fmt: skip


@pytest.mark.parametrize("text, positive", POSITIVE.items())
def test_what_is_positive_everywhere(text, positive):
    ring = Ring()
    assert is_positive(ring, form(ring, text)) == positive


# a form, the number before and the forms whose signs multiply to its sign
FACTORS = {
    "x ** 2 - 1": (-1, ["1 - x", "1 + x"]),
    "x ** 2 + 1": (1, []),
    "x ** 2 - 2": (1, ["x ** 2 - 2"]),
    "x ** 3 - x": (-1, ["x", "1 - x", "1 + x"]),
    "x ** 2 - 2 * x * y + y ** 2": (1, ["x - y", "x - y"]),
    "x / (1 + y ** 2)": (1, ["x / (1 + y ** 2)"]),
    "x / (1 + y ** 2) + 1 / (1 + y ** 2)": (1, ["x + 1"]),
    "exp(x) - 1": (1, ["x"]),
    "exp(x) - exp(y)": (1, ["x - y"]),
    "exp(x) - 2": (1, ["exp(x) - 2"]),
    "exp(2 * x) - exp(x)": (1, ["x"]),
    "exp(x ** 2) - exp(x)": (1, ["x", "x - 1"]),
    "x * y + x": (1, ["x", "y + 1"]),
    "x * y + 1": (1, ["x * y + 1"]),
    "1 / (1 + exp(x)) + 1 / (1 + exp(-x)) - 1": (0, []),
}


@pytest.mark.parametrize("text, number, factors", [(k, *v) for k, v in FACTORS.items()])
def test_the_factors_of_a_sign(text, number, factors):
    ring = Ring()
    found, own = sign_factors(ring, form(ring, text))
    expected = [form(ring, factor) for factor in factors]

    def product(forms):
        result = {UNIT: 1}
        for one in forms:
            result = ring.mul(result, sign_of_factor(ring, one))
        return result

    assert ring.scale(found, product(own)) == ring.scale(number, product(expected))
    assert len(own) == len(factors)


# formulas that are zero wherever they have a value and no sign is 0, and some that are not
ZERO = {
    "(x > 1) * (x > -1) - (x > 1)": True,
    "(x > 1) * (x > -1) - (x > -1)": False,
    "(x > y) * (y > z) * (x > z) - (x > y) * (y > z)": True,
    "(x > y) * (y > z) - (x > z)": False,
    "exp(min(x, 0)) - where(x > 0, 1, exp(x))": True,
    "exp(min(x, 0)) - where(x > 0, exp(x), 1)": False,
    "exp(abs(x)) - exp(x)": False,
    "log(1 + exp(-abs(x))) + relu(x) - softplus(x)": True,
    "log(1 + exp(-abs(x))) - softplus(x)": False,
    "abs(abs(x) - 1) - abs(x - 1)": False,
    "(abs(x) < 1) - (x ** 2 < 1)": True,
    "(abs(x) < 2) - (x ** 2 < 2)": False,
    "max(x, max(y, z)) - max(max(x, y), z)": True,
    "max(x, min(y, z)) - min(max(x, y), z)": False,
    "max(x, min(y, z)) - min(max(x, y), max(x, z))": True,
    "sum(exp(min(u, 0)) - min(exp(u), 1))": True,
    "sum(exp(min(u, 0)) - min(exp(v), 1))": False,
    "sum(where(u > 0, u, exp(u) - 1)) - sum(relu(u) + exp(min(u, 0))) + n": True,
    "sum(where(u > 0, u, exp(u) - 1)) - sum(relu(u) + exp(min(u, 0))) + 1": False,
    "sum((u > 1) * (u.T > 1) * (u > 0) - (u > 1) * (u.T > 1))": True,
    "sum((u > 1) * (u.T > 1) - (u > 1))": False,
}


@pytest.mark.parametrize("text, zero", ZERO.items())
def test_what_is_zero_in_every_case(text, zero):
    ring = Ring()
    assert ring.is_zero(form(ring, text)) == zero
    assert zero_in_every_case(ring, form(ring, text)) == zero
