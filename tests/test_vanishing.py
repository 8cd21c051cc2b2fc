"""Signs and masks of what is zero whatever the inputs are: on a diagonal, at some sizes."""

import pytest

import derive
from derive.algebra.normal import Ring
from derive.algebra.signs import diagonals, is_constant, sign_of_sizes
from derive.language.parse import parse
from derive.readings.counts import is_defined
from derive.readings.forms import Forms

#: Functions that have a derivative at 0, written there as 1 or another number, never as 0.
AT_ZERO = ["elu", "exp", "gelu", "sigmoid", "silu", "sin", "sinh", "softplus", "tan", "tanh"]

# program, claim, assumptions: each was called proved for every shape
FALSE = {
    "2 ** n may be 4": (
        "X: (n, m); Y = X * sign(prod(2 * ones(n, 1)) - 4) ** 2", "dX = dY", {}),
    "a product with x_i - x_i": (
        "x: (n, 1); W: (1, n); Y = W * sign(prod(x - x.T, axis=0)) ** 2", "dW = dY", {}),
    "a sum over nothing": (
        "x: (n, 1); W: (n, 1); Y = W * sign(cumsum(x, axis=0) - x) ** 2", "dW = dY", {}),
    "n >= m is not n > m": ("X: (n, m); Y = X * (n >= m)", "dX = dY * (n > m)", {}),
    "n <= 1 is not n < 1": ("X: (n, m); Y = X * (n <= 1)", "dX = dY * (n < 1)", {}),
    "sign(0)² is 0": ("X: (n, m); Y = X * sign(n - 1) ** 2", "dX = dY", {}),
    "n = m is neither": ("X: (n, m); Y = X * ((n > m) + (n < m))", "dX = dY", {}),
    "1 > 1 is 0": ("X: (n, m); Y = X * (1 > 1)", "dX = dY / 2", {}),
    "0 > 0 is 0": ("X: (n, m); Y = X * (0 > 0)", "dX = dY / 2", {}),
    "a constant matrix": ("X: (n, n); Y = X * (eye(n) > 0)", "dX = dY * (1 + eye(n)) / 2", {}),
    "1/n may be 1": ("X: (n, n); Y = X * (eye(n) > ones(n, n) / n)", "dX = dY * eye(n)", {}),
    "a trace is no row sum": (
        "w: (); A: (n, n); L = relu(w - 20) * tr(A)", "dw = (w > 20)", {"A": "row-stochastic"}),
    "ties on the diagonal": ("A: (n, n); Y = max(A, A.T)", "dA = (dY + dY.T) * (A > A.T)", {}),
    "abs on the diagonal": (
        "A: (n, n); Y = abs(A - A.T) / 2 + (A + A.T) / 2", "dA = (dY + dY.T) * (A > A.T)", {}),
    "x_i > x_i": ("x: (n, 1); w: (); L = w * sum((x > x.T) + (x < x.T))", "dw = n ** 2", {}),
    "a trace of ties": ("A: (n, n); w: (); L = w * tr(A > A.T)", "dw = n / 2", {}),
    "ties everywhere": (
        "A: (n, n); W: (n, n); Y = W * (A > A.T)", "dW = dY / 2", {"A": "symmetric"}),
    "ties everywhere but there": (
        "A: (n, n); W: (n, n); Y = W * (A > A.T)", "dW = dY * (1 - eye(n)) / 2",
        {"A": "symmetric"}),
    "zero for every input, and by a mask": (
        "X: (n, m); Z = (X <= 1) * (X - X); Y = relu(Z)", "dZ = 0 * dY", {}),
    "one-hot": ("T: (n, k); X: (n, k); Y = X * sign(T) ** 2", "dX = dY", {"T": "one-hot-rows"}),
    "a loss by itself is 1": ("s: (); L = 2 * s", "ds = 2 + (dL >= 1)", {}),
    "sign inside a sign": (
        "A: (n, n); W: (n, n); Y = W * (1 + sign(A - A.T) > 0)", "dW = dY * (A > A.T)", {}),
}  # fmt: skip

TRUE = {
    "sign(n) is 1": ("X: (n, m); Y = X * sign(n)", "dX = dY", {}),
    "so is that of n + m - 1": ("X: (n, m); Y = X * sign(n + m - 1)", "dX = dY", {}),
    "a dimension is at least 1": ("X: (n, m); Y = X * (n >= 1)", "dX = dY", {}),
    "two are more than 1": ("X: (n, m); Y = X * (n + m > 1)", "dX = dY", {}),
    "trichotomy": ("X: (n, m); Y = X * (1 - (n > m) - (n < m))", "dX = dY * (n == m)", {}),
    "n >= m": ("X: (n, m); Y = X * (n >= m)", "dX = dY * (1 - (n < m))", {}),
    "n >= 2": ("X: (n, m); Y = X * (n > 1)", "dX = dY * (1 - (n == 1))", {}),
    "0 > 0": ("X: (n, m); Y = X * (0 > 0)", "dX = 0 * dY", {}),
    "3 > 2": ("X: (n, m); Y = X * (3 > 2)", "dX = dY", {}),
    "a constant matrix": ("X: (n, n); Y = X * (eye(n) > 0)", "dX = dY * eye(n)", {}),
    "pairs": ("x: (n, 1); w: (); L = w * sum((x > x.T) + (x < x.T))", "dw = n ** 2 - n", {}),
    "no ties": ("A: (n, n); w: (); L = w * tr(A > A.T)", "dw = 0 * w", {}),
    "symmetric": ("A: (n, n); W: (n, n); Y = W * (A > A.T)", "dW = 0 * dY", {"A": "symmetric"}),
    "a loss by itself is 1": ("s: (); L = 2 * s", "ds = 2 + (dL > 1)", {}),
    "max": ("A: (n, n); Y = max(A, A.T)", "dA = (dY + dY.T) * (A > A.T) + dY * eye(n)", {}),
}  # fmt: skip


@pytest.mark.parametrize(("program", "claim", "assume"), FALSE.values(), ids=FALSE)
def test_what_is_false_at_a_tie_is_not_proved(program, claim, assume):
    (judgement,) = derive.check(program, [claim], assume=assume)
    assert judgement.verdict != "proved"


@pytest.mark.parametrize(("program", "claim", "assume"), TRUE.values(), ids=TRUE)
def test_what_is_true_at_a_tie_as_well_is_proved(program, claim, assume):
    (judgement,) = derive.check(program, [claim], assume=assume)
    assert (judgement.verdict, judgement.scope) == ("proved", "every shape")
    assert not any("dL" in condition for condition in judgement.conditions)  # it is no variable


def form(text: str):
    """The entry i, j of the last statement of a program, over its inputs."""
    ring = Ring()
    return ring, form_of(ring, text)


def form_of(ring: Ring, text: str):
    program = parse(text)
    return Forms(ring).of(program.composed(program.output), "i", "j")


SIGNS = {
    "n": (1, False), "n - 1": (1, True), "n + m - 1": (1, False), "1 - n": (-1, True),
    "n - 2": None, "n - m": None, "n * m - n": (1, True), "n ** 2 - n + 1": (1, False),
    "n * m - n - m": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "sign"), SIGNS.items(), ids=SIGNS)
def test_the_sign_of_a_polynomial_of_dimensions(text, sign):
    ring, found = form(f"X: (n, m); z = {text} + 0 * sum(X)")
    assert is_constant(ring, found) and sign_of_sizes(ring, found) == sign


DIAGONALS = {
    "A - A.T": True, "x - x.T": True, "x @ y.T - y @ x.T": True, "(A - A.T) * A": True,
    "A - B": False, "A + A.T": False, "x - y.T": False, "A - A.T + eye(n)": False,
    "A @ A.T - x": False,
}  # fmt: skip


@pytest.mark.parametrize(("text", "vanishes"), DIAGONALS.items(), ids=DIAGONALS)
def test_where_a_form_is_zero_for_every_input(text, vanishes):
    ring, found = form(f"A: (n, n); B: (n, n); x: (n, 1); y: (n, 1); Z = {text}")
    assert diagonals(ring, found) == ([(("i", "j"),)] if vanishes else [])


def test_two_pairs_of_indices_that_must_be_equal_together():
    ring = Ring()
    difference = ring.add(ring.entry("A", "i", "j"), ring.scale(-1, ring.entry("A", "k", "p")))
    assert diagonals(ring, difference) == [(("i", "k"), ("j", "p"))]


def test_a_square_of_a_sign_stays_until_what_is_assumed_is_known():
    ring = Ring()
    ring.wait_for(frozenset({"A"}))
    difference = ring.add(ring.entry("A", "i", "j"), ring.scale(-1, ring.entry("A", "j", "i")))
    sign = ring.function("sign", difference)
    square = ring.mul(sign, sign)
    assert ring.mul(square, square) == square != {(): 1}
    ring.assume({"A": {"symmetric"}})
    assert ring.unfold(square, ring.entry) == {}


def test_a_sign_inside_a_sign_has_three_values():
    ring, inner = form("A: (n, n); Z = 1 + sign(A - A.T)")
    mask = ring.function("gt", inner, {})
    assert ring.equal(ring.mul(mask, ring.delta("i", "j")), ring.delta("i", "j"))  # 1 + 0 > 0
    assert ring.equal(mask, ring.add(ring.delta("i", "j"), form_of(ring, "A: (n, n); Z = A > A.T")))


def test_what_is_supposed_of_sizes():
    ring, difference = form("X: (n, m); z = n - m + 0 * sum(X)")
    ring.suppose(difference)
    sign = ring.function("sign", difference)
    assert ring.mul(sign, sign) == {(): 1} != sign
    ring, difference = form("X: (n, m); z = n - m + 0 * sum(X)")
    ring.suppose(ring.scale(-2, difference), positive=True)
    assert ring.function("sign", difference) == {(): -1}


@pytest.mark.parametrize("function", AT_ZERO)
def test_a_derivative_where_the_argument_is_always_zero(function):
    """A definition by masks must be differentiated right on the mask's own boundary as well."""
    (judgement,) = derive.check(f"s: (); H = s - s; L = {function}(H)", ["dH = 0 * H"])
    assert judgement.verdict == "refuted"


@pytest.mark.parametrize("operator", ["max", "min"])
@pytest.mark.parametrize(("over", "defined"), [("3", True), ("({0} - {0})", False)])
def test_extrema_of_three_entries_where_intervals_may_be_wide(operator, over, defined):
    whole = f"{operator}(X, axis=0)"
    program = parse(f"X: (n, n); Y = {whole} / {over.format(whole)}")
    assert is_defined(program, {"n": 3}) is defined
