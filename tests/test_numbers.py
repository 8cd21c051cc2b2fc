"""Intervals: functions against mpmath, ties as in NumPy, digits that tell right from wrong."""

from fractions import Fraction

import mpmath
import pytest
from flint import arb
from programs import NUMPY

from derive.language.parse import parse
from derive.readings.differences import agreement, directions
from derive.readings.numbers import DomainError, Enclosures, Numbers, inner, interval, numbers

ONE = ["exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "abs", "sigmoid", "relu",
       "softplus", "sign"]  # fmt: skip


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("at", [Fraction(1, 3), Fraction(-5, 4), Fraction(7, 2)], ids=str)
def test_functions(name, at):
    if name in ("log", "sqrt") and at < 0:
        pytest.skip("not defined there")
    ours = Enclosures({}, {}).function(name, interval(at)).value
    theirs = NUMPY[name](mpmath.mpf(at.numerator) / at.denominator)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-13)


@pytest.mark.parametrize(
    "name, a, b, expected",
    [("gt", 1, 0, 1), ("gt", 0, 1, 0), ("gt", 1, 1, 0), ("max", 1, 2, 2), ("max", 2, 2, 2),
     ("min", 1, 2, 1), ("min", 3, 3, 3)],
)  # fmt: skip
def test_two_arguments_and_ties(name, a, b, expected):
    assert Enclosures({}, {}).function(name, arb(a), arb(b)).value == expected


@pytest.mark.parametrize(
    "exponent, expected", [(2, 9), (3, -27), (-2, 1 / 9), (-1, -1 / 3), (0, 1)]
)
def testwhole_powers_of_negative_numbers(exponent, expected):
    from derive.readings.numbers import whole_power

    assert float(whole_power(arb(-3), exponent)) == pytest.approx(expected)
    assert whole_power(arb(0, 0.5), 2).is_finite()


PROGRAM = parse("X: (n, d); W: (d, m); L = sum((X @ W) ** 2)")
SIZES = {"n": 2, "d": 2, "m": 1}
POINT = {
    "X": [[Fraction(1), Fraction(2)], [Fraction(3, 2), Fraction(-1)]],
    "W": [[Fraction(1, 3)], [Fraction(2)]],
}

CLAIMS = {
    "right": ("2 * (X.T @ X @ W)", True),
    "factor": ("X.T @ X @ W", False),
    "sign": ("-2 * (X.T @ X @ W)", False),
    "transpose": ("2 * (X @ X @ W)", False),
    "nearly": ("2.001 * (X.T @ X @ W)", False),
    "nearly, in the twelfth digit": ("2.000000000001 * (X.T @ X @ W)", True),
}


@pytest.mark.parametrize("claim, right", CLAIMS.values(), ids=CLAIMS)
def test_agreement(claim, right):
    square = parse(f"X: (n, n); W: (n, 1); G = {claim}").statements[0].expr
    loss = PROGRAM.statements[0].expr
    along = directions(POINT, ["W"])
    digits = agreement(
        lambda point: Numbers(SIZES, point).matrix(loss)[0][0],
        lambda: inner(Numbers(SIZES, POINT).matrix(square), numbers(along["W"])),
        POINT,
        along,
    )
    assert (digits is not None) == right


def test_no_value_at_the_point():
    expr, point = parse("x: (); y = log(x)").statements[0].expr, {"x": [[Fraction(-1)]]}
    with pytest.raises(DomainError, match="the logarithm of a negative number"):
        agreement(
            lambda p: Numbers({}, p).matrix(expr)[0][0], lambda: 1, point, directions(point, ["x"])
        )


def test_where_intervals_stay_wide_differences_say_nothing():
    expr, point = parse("x: (); y = abs(x)").statements[0].expr, {"x": [[Fraction(0)]]}
    with pytest.raises(DomainError, match="central differences of them say nothing"):
        agreement(
            lambda p: Enclosures({}, {"x": [[p["x"][0][0] + arb(0, 1)]]}).matrix(expr)[0][0],
            lambda: 1,
            point,
            directions(point, ["x"]),
        )
