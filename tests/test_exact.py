"""Exact numbers: what stays a fraction, what is enclosed, what does not exist, how it is shown."""

from fractions import Fraction

import mpmath
import pytest
from flint import arb
from hypothesis import assume, given, strategies as st

from derive.readings.jets import Jet, JetFunctions
from derive.readings.numbers import (
    DomainError,
    Functions,
    Real,
    decimal,
    is_exact,
    precision,
    raised,
    rational,
    sign,
)

HALF = Fraction(1, 2)
FRACTIONS = st.fractions(min_value=-4, max_value=4, max_denominator=9)
#: Every function of one number, with a law that mpmath knows.
FUNCTIONS = {
    "exp": mpmath.exp, "log": mpmath.log, "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan,
    "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "sqrt": mpmath.sqrt,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "normcdf": mpmath.ncdf, "gelu": lambda x: x * mpmath.ncdf(x),
    "relu": lambda x: max(x, mpmath.mpf(0)), "abs": abs,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [("exp", 0, 1), ("log", 1, 0), ("sin", 0, 0), ("cos", 0, 1), ("sigmoid", 0, HALF),
     ("sqrt", Fraction(4, 9), Fraction(2, 3)), ("sqrt", 0, 0), ("tanh", 0, 0), ("relu", -3, 0),
     ("relu", HALF, HALF), ("abs", -HALF, HALF), ("normcdf", 0, HALF), ("sign", -7, -1)],
)  # fmt: skip
def test_what_is_rational_stays_a_fraction(name, x, expected):
    with precision():
        found = getattr(Functions(), name)(Real(x)).value
    assert is_exact(found) and found == rational(Fraction(expected))


@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=FRACTIONS)
def test_values_and_slopes_are_those_of_mpmath(name, x):
    assume(x > 0 or (x < 0 and name not in ("log", "sqrt")))
    with precision(), mpmath.workdps(40):
        value = getattr(Functions(), name)(Real(x)).value
        jet = getattr(JetFunctions(), name)(Jet(x, 1))
        at = mpmath.mpf(x.numerator) / x.denominator
        step = mpmath.mpf(10) ** -13
        law = FUNCTIONS[name]
        assume(abs(law(at)) <= 100)  # near a pole central differences see the bend
        slope = (law(at + step) - law(at - step)) / (2 * step)
        for found, expected in ((value, law(at)), (jet.value, law(at)), (jet.slope, slope)):
            off = abs(mpmath.mpf(decimal(found, 30)) - expected)
            assert off < mpmath.mpf(10) ** -20 * (1 + abs(expected))


@given(FRACTIONS, FRACTIONS, st.integers(min_value=-3, max_value=4))
def test_arithmetic_is_that_of_fractions(a, b, k):
    x, y = Real(a), Real(b)
    pairs = [(x + y, a + b), (x - y, a - b), (x * y, a * b), (2 * x - 1, 2 * a - 1), (-x, -a)]
    if b:
        pairs += [(x / y, a / b), (1 / y, 1 / b), (y**k, b**k)]
    assert all(found.value == rational(Fraction(expected)) for found, expected in pairs)


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: Real(1) / Real(0), "division by zero"),
        (lambda: Real(0) ** -1, "division by zero"),
        (lambda: Real(-2) ** HALF, "the power 1/2 of a negative number, -2"),
        (lambda: Functions().log(Real(0)), "the logarithm of zero"),
        (lambda: Functions().log(Real(-3)), "the logarithm of a negative number, -3"),
        (lambda: Functions().tan(Real(1)) / (Functions().sin(Real(1)) - Functions().sin(Real(1))),
         "division by zero"),
        (lambda: sign(arb(2).sqrt() - arb(2).sqrt()), "its sign is not certain"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_said(attempt, message):
    with precision(), pytest.raises(DomainError, match=message):
        attempt()


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(Fraction(22, 10), 17, "2.2"), (Fraction(1, 3), 5, "0.33333"), (-12, 17, "-12"),
     (Fraction(-1, 8), 17, "-0.125"), (10**25, 17, "1" + 25 * "0"),
     (Fraction(2, 3) * 10**9, 12, "666666666.667"), (Fraction(1, 3 * 10**7), 4, "3.333e-8")],
)  # fmt: skip
def test_decimals(value, digits, shown):
    assert decimal(rational(Fraction(value)), digits) == shown


@given(st.fractions(max_denominator=10**6))
def test_decimals_round_to_the_digits_that_they_show(value):
    shown = Fraction(decimal(rational(value), 17))
    assert abs(shown - value) <= abs(value) * Fraction(1, 10**16)


def test_roots_are_exact_only_where_both_parts_are_powers():
    with precision():
        assert raised(rational(Fraction(8, 27)), Fraction(2, 3)) == rational(Fraction(4, 9))
        assert not is_exact(raised(rational(2), HALF))


def test_nothing_times_an_interval_is_nothing():
    with precision():
        for product_ in (Real(0) * Functions().exp(Real(1)), Functions().exp(Real(1)) * 0):
            assert is_exact(product_.value) and product_.value == 0
