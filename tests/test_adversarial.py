"""Claims made to deceive a judge: each verdict is held against central differences.

A true claim may come out proved or undecided, a false one refuted or undecided, and the table says
which of them the judge settles. Nothing true is ever refuted, nothing false ever proved, nothing
refuted because a value does not exist.
"""

import pytest
from referee import Setting, at_counterexample, number

from derive.judges.claim import Court

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
SQUARE = {"X": ("n", "n"), "A": ("n", "n")}
LAYER = {"X": ("n", "d"), "W": ("d", "m"), "b": (1, "m")}
VECTOR = {"x": ("n", 1)}
MATRIX = {"X": ("n", "m")}
TWO = {"A": ("n", "m"), "B": ("n", "m")}
SCALARS: dict[str, tuple] = {}
SOFT = {"Z": ("n", "m")}

# shapes, program, variable, claim, verdict
CLAIMS = {
    # a loss under which every gradient is zero proves nothing about a layer
    "vacuous: zero": (SOFT, "L = sum(softmax(Z))", "Z", "0 * Z", PROVED),
    "vacuous: softmax": (SOFT, "L = sum(softmax(Z))", "Z", "softmax(Z)", REFUTED),
    "vacuous: any formula": (SOFT, "L = sum(softmax(Z))", "Z", "Z", REFUTED),
    "vacuous: centred": (MATRIX, "L = sum(X - mean(X, axis=0))", "X", "zeros(n, m)", PROVED),
    "vacuous: ones": (MATRIX, "L = sum(X - mean(X, axis=0))", "X", "ones(n, m)", REFUTED),
    "every loss: zero": (SOFT, "Y = softmax(Z)", "Z", "0 * dY", REFUTED),
    "every loss: constant": (MATRIX, "Y = X - mean(X, axis=0)", "X", "dY - mean(dY)", REFUTED),
    # true at some sizes only
    "1×1: order": (SQUARE, "Y = A @ X", "X", "dY @ A.T", REFUTED),
    "1×1: sum": (LAYER, "L = sum(X) ** 2", "X", "2 * X", REFUTED),
    "1×1: trace": (SQUARE, "L = tr(X)", "X", "ones(n, n)", REFUTED),
    "1×1: entrywise": (SQUARE, "Y = A @ X", "X", "A.T * dY", REFUTED),
    "n = 1: mean": (LAYER, "Y = X @ W + b", "b", "mean(dY, axis=0)", REFUTED),
    "n = 2: twice": (LAYER, "Y = X @ W + b", "b", "2 * mean(dY, axis=0)", REFUTED),
    "n = 2: a square": (VECTOR, "L = sum(x)", "x", "ones(n, 1) * (n - 1)", REFUTED),
    "n = 1 and 2": (VECTOR, "L = sum(x)", "x", "ones(n, 1) * ((n - 1) * (n - 2) + 1)", REFUTED),
    "n up to 3": (
        VECTOR, "L = sum(x)", "x", "ones(n, 1) * ((n - 1) * (n - 2) * (n - 3) + 1)", None,
    ),
    "squares: transpose": (SQUARE, "Y = X @ A", "X", "dY @ A", REFUTED),
    "squares: dimension": (LAYER, "L = mean(X @ W)", "X", "ones(n, m) @ W.T / (n * d)", REFUTED),
    # true where a kink is on, or off, or at the kink
    "relu off": (MATRIX, "Y = relu(X)", "X", "dY", REFUTED),
    "relu off, hidden": (MATRIX, "Y = relu(X)", "X", "dY * exp(-relu(-X))", REFUTED),
    "relu off, masked": (MATRIX, "Y = relu(X)", "X", "dY * exp(-relu(-X)) * (X > 0)", None),
    "relu near": (MATRIX, "Y = relu(X)", "X", "dY * (X > -1)", REFUTED),
    "relu nearer": (MATRIX, "Y = relu(X)", "X", "dY * (X > 1 / 1000)", None),
    "relu at the tie": (MATRIX, "Y = relu(X)", "X", "dY * (1 - (0 > X))", PROVED),
    "relu by its output": (MATRIX, "Y = relu(X)", "X", "dY * Y / X", PROVED),
    "relu by its mask": (MATRIX, "Y = relu(X)", "X", "dY * (Y > 0)", PROVED),
    "abs by cases": (MATRIX, "L = sum(abs(X))", "X", "(X > 0) - (0 > X)", PROVED),
    "abs, one side": (MATRIX, "L = sum(abs(X))", "X", "ones(n, m)", REFUTED),
    "max at the tie": (TWO, "L = sum(max(A, B))", "A", "1 - (B > A)", None),
    "max by a sign": (TWO, "L = sum(max(A, B))", "A", "(1 + sign(A - B)) / 2", None),
    "max for min": (TWO, "L = sum(max(A, B))", "A", "B > A", REFUTED),
    "clip at the tie": (
        MATRIX, "Y = min(max(X, -1), 1)", "X", "dY * (1 - (-1 > X)) * (1 > X)", None,
    ),
    "clip by abs": (MATRIX, "Y = min(max(X, -1), 1)", "X", "dY * (1 > abs(X))", PROVED),
    "relu of relu": (MATRIX, "Y = relu(relu(X) - 1)", "X", "dY * (X > 1)", None),
    "relu of relu, first": (MATRIX, "Y = relu(relu(X) - 1)", "X", "dY * (X > 0)", REFUTED),
    # no value on a region, or nowhere
    "log of a negative": (VECTOR, "L = sum(log(x))", "x", "1 / x + log(-x ** 2)", UNDECIDED),
    "log of a negative, times 0": (
        VECTOR, "L = sum(log(x))", "x", "1 / x + 0 * log(-x ** 2)", None,
    ),
    "log of the other side": (VECTOR, "L = sum(log(x))", "x", "log(-x) / log(-x) / x", UNDECIDED),
    "root of a negative": (VECTOR, "L = sum(x)", "x", "sqrt(-1 - x ** 2)", UNDECIDED),
    "only where x > 0": (VECTOR, "L = sum(log(x))", "x", "1 / abs(x)", None),
    "only where x > 0, root": (VECTOR, "L = sum(log(x))", "x", "1 / sqrt(x ** 2)", None),
    "smaller domain": (VECTOR, "L = sum(x ** 2) / 2", "x", "exp(log(x))", None),
    "log det of one sign": (SQUARE, "L = logdet(X)", "X", "inv(X).T * sign(det(X))", None),
    "empty at n = 1": (VECTOR, "L = sum(x)", "x", "ones(n, 1) * (n - 1) / (n - 1)", None),
    # constants that a prime, a float or a tolerance swallows
    "p + 1": (SQUARE, "L = tr(X)", "X", "(1 + 1000003) * eye(n)", REFUTED),
    "2³¹ - 1": (SQUARE, "L = tr(X)", "X", "eye(n) + 2147483647 * X", REFUTED),
    "2⁶¹ - 1": (SQUARE, "L = tr(X)", "X", "eye(n) + 2305843009213693951 * X", REFUTED),
    "2⁶⁴ + 13": (SQUARE, "L = tr(X)", "X", "eye(n) + 18446744073709551629 * X", REFUTED),
    "10⁻³⁰": (VECTOR, "L = sum(x)", "x", "ones(n, 1) + 1 / 10 ** 30", REFUTED),
    "10⁻¹⁰⁰": (VECTOR, "L = sum(x)", "x", "ones(n, 1) + 1 / 10 ** 100", None),
    "a rounding": (VECTOR, "L = sum(x) / 3", "x", "0.333333333333333333 * ones(n, 1)", REFUTED),
    "π, nearly": (
        SCALARS, "L = sin(x)", "x", "cos(x + 6.283185307179586476925286766559)", None,
    ),
    # relations between functions
    "exp of a sum": (SCALARS, "L = exp(a + b)", "a", "exp(a) * exp(b)", PROVED),
    "exp of a sum, again": (SCALARS, "L = exp(a + b)", "a", "exp(2 * a + b) / exp(a)", PROVED),
    "exp of a sum, false": (SCALARS, "L = exp(a + b)", "a", "exp(a) + exp(b)", REFUTED),
    "exp of a row": (
        LAYER, "L = exp(sum(X))", "X", "exp(sum(sum(X, axis=1))) * ones(n, d)", PROVED,
    ),
    "tanh by sigmoid": (
        SCALARS, "L = tanh(x)", "x", "4 * sigmoid(2 * x) * sigmoid(-2 * x)", PROVED,
    ),
    "tanh by cosh": (SCALARS, "L = tanh(x)", "x", "1 / cosh(x) ** 2", PROVED),
    "tanh by exp": (SCALARS, "L = tanh(x)", "x", "4 / (exp(x) + exp(-x)) ** 2", PROVED),
    "tanh, false": (SCALARS, "L = tanh(x)", "x", "sigmoid(2 * x) * sigmoid(-2 * x)", REFUTED),
    "sin² + cos²": (
        SCALARS, "L = x ** 2 / 2", "x", "x * (sin(x) ** 2 + cos(x) ** 2)", PROVED,
    ),
    "sin² - cos²": (
        SCALARS, "L = x ** 2 / 2", "x", "x * (sin(x) ** 2 - cos(x) ** 2)", REFUTED,
    ),
    "sin of twice": (SCALARS, "L = sin(x) ** 2", "x", "sin(2 * x)", None),
    "root of a square": (SCALARS, "L = x ** 2 / 2", "x", "sqrt(x ** 2)", REFUTED),
    "log of exp": (SCALARS, "L = x ** 2 / 2", "x", "log(exp(x))", PROVED),
    "softplus": (VECTOR, "L = sum(softplus(x))", "x", "1 - 1 / (1 + exp(x))", PROVED),
    "shares of a softmax": (
        SOFT, "Y = softmax(Z)", "Z", "Y * (dY * sum(Y, axis=1) - sum(dY * Y, axis=1))", PROVED,
    ),
    "softmax shifted": (
        SOFT, "Y = softmax(Z)", "Z",
        "softmax(Z - 7) * (dY - sum(dY * softmax(Z + Z - Z), axis=1))", PROVED,
    ),
    "a quotient's other side": (SCALARS, "L = x / y", "y", "-L / y", PROVED),
    "a quotient, false": (SCALARS, "L = x / y", "y", "L / y", REFUTED),
    "a power of a half": (SCALARS, "L = sqrt(x)", "x", "sqrt(x) / (2 * x)", PROVED),
}  # fmt: skip


#: Differences too small for the referee, which knows 16 digits.
TINY = ("10⁻³⁰", "10⁻¹⁰⁰", "a rounding", "π, nearly")


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_that_deceives(name):
    shapes, program, wrt, claim, verdict = CLAIMS[name]
    ground = Setting(program, shapes)
    found = Court(program, shapes).judge(f"d{wrt} = {claim}")
    if verdict is not None:
        assert found.verdict == verdict, found.reason
    agrees = ground.agrees(wrt, claim)
    if found.verdict == PROVED:
        assert agrees, "proved, and differences disagree or have no value"
    elif found.verdict == REFUTED and found.counterexample is None:
        assert name in TINY and found.method == "evaluation modulo a prime"
    elif found.verdict == REFUTED:
        expected, claimed = at_counterexample(ground, wrt, claim, found.counterexample)
        for shown, value in (
            (found.counterexample.expected, expected), (found.counterexample.claimed, claimed),
        ):  # fmt: skip
            assert abs(number(shown) - value) <= 2e-5 * (1 + abs(value)), "not at this point"
        assert name in TINY or abs(expected - claimed) > 1e-12 * (1 + abs(expected))
    else:
        assert found.reason and found.counterexample is None


def test_differences_tell_the_true_from_the_false():
    """The table itself: what it calls proved agrees with differences, what it calls refuted not.

    A claim may be false where the few points of the referee do not look, at n = 3 or at 1/1000.
    """
    for name, (shapes, program, wrt, claim, verdict) in CLAIMS.items():
        agrees = Setting(program, shapes).agrees(wrt, claim)
        if verdict == PROVED:
            assert agrees is True, name
        elif verdict == UNDECIDED:
            assert agrees is None, name
        elif verdict == REFUTED and agrees is not False:
            assert name in TINY or name == "relu near", name
