"""Rules of the textbook, each alone: before and after, equal by the algebra and by numbers."""

import mpmath
import pytest
from programs import DIGITS, evaluate, matrix, point

from derive.calculus.length import length
from derive.calculus.names import NAMES
from derive.calculus.rules import RULES
from derive.calculus.simplify import RULES as PLAIN
from derive.calculus.textbook import Textbook, textbook
from derive.expressions.expr import Expr
from derive.language.parse import parse
from derive.proof.textbook import Settled

DECLARED = (
    "A: (n, n); B: (n, n); C: (n, n); X: (n, d); Y: (n, d); Z: (n, d); W: (d, m); P: (d, n); "
    "r: (1, d); c: (n, 1); u: (n, 1); v: (n, 1); s: (); t: (); q: (n * n, 1); F = "
)
#: What the search makes of a formula by what is common, by multiplying out, and by transposes.
FORMS = [
    ("A @ X + B @ X", "(A + B) @ X"),
    ("X @ W + Y @ W", "(X + Y) @ W"),
    ("A @ X + A @ Y", "A @ (X + Y)"),
    ("2 * A @ X + 2 * B @ X", "2 * ((A + B) @ X)"),
    ("s * X + s * Y", "s * (X + Y)"),
    ("X / n - Y / n", "(X - Y) / n"),
    ("X * Y + Z * Y", "Y * (X + Z)"),
    ("X / c + Y / c", "(X + Y) / c"),
    ("A.T @ B.T", "(B @ A).T"),
    ("X.T + Y.T", "(X + Y).T"),
    ("A @ c * (c.T @ A @ u) + A @ c * (u.T @ A.T @ c)", "2 * (c.T @ A @ u) * (A @ c)"),
    ("(X / Y + (X - 1) / (1 - Y)) * Y * (1 - Y)", "X - Y"),
    ("-(X / Y - (1 - X) / (1 - Y))", "(Y - X) / (Y * (1 - Y))"),
    ("X + (Y + Z)", "X + Y + Z"),
    ("Y * (X / Y - c)", "X - c * Y"),
    ("-(X.T @ (c - u))", "X.T @ (u - c)"),
    ("sum(X, axis=1) / d", "mean(X, axis=1)"),
    ("sum(X) / (n * d)", "mean(X)"),
    ("sum(X - mean(X, axis=0), axis=0)", "zeros(1, d)"),
    ("sum(X * c, axis=1)", "c * sum(X, axis=1)"),
    ("sum(X) + sum(Y)", "sum(X + Y)"),
    ("sum(eye(n), axis=1)", "ones(n, 1)"),
    ("diag(u) + diag(v)", "diag(u + v)"),
    ("inv(X.T @ A @ X) @ X.T @ A @ X", "eye(d)"),
    ("B @ inv(A @ B) @ A", "eye(n)"),
    ("A @ inv(B @ A) @ B", "eye(n)"),
    ("inv(X.T @ X).T", "inv(X.T @ X)"),
    ("(eye(n) - ones(n, n) / n) @ X", "X - mean(X, axis=0)"),
    ("kron_left(eye(n * n), A) + kron_right(eye(n * n), A)", "2 * tr(A) * eye(n)"),
    ("X ** (1 / 2)", "sqrt(X)"),
    ("A + A.T - B @ A - B @ A.T", "(eye(n) - B) @ (A + A.T)"),
    ("X / ((X + sqrt(Y)) * sqrt(Y)) + 1 / (X + sqrt(Y))", "1 / sqrt(Y)"),
    ("Y / (2 / Z ** 3)", "Y * Z ** 3 / 2"),
    ("X / c / s", "X / (s * c)"),
    ("sqrt(Y) * X / sqrt(Y)", "X"),
]
#: A rule, a formula and what it becomes.
ALONE = [
    ("cases", "X * (Y > 0) + Z * (1 - (Y > 0))", "where(Y > 0, X, Z)"),
    ("cases", "X * (1 - (Y > 0))", "where(Y > 0, 0, X)"),
    ("masks", "relu(X) * (X > 0)", "relu(X)"),
    ("masks", "(X > 0) ** 2 * Y", "(X > 0) * Y"),
    ("masks", "X * sign(X)", "abs(X)"),
    ("masks", "abs(X) * sign(X)", "X"),
    ("masks", "Y * X / abs(X)", "Y * sign(X)"),
    ("masks", "abs(X) ** 2", "X ** 2"),
    ("thresholds", "X / 6 + 1 / 2 > 0", "X > -3"),
    ("thresholds", "1 - Y > 0", "1 > Y"),
    ("thresholds", "relu(X) > 0", "X > 0"),
    ("thresholds", "max(X, -1) > 0", "X > 0"),
    ("thresholds", "1 > max(X, -1)", "1 > X"),
    ("thresholds", "min(1, X) > 0", "X > 0"),
    ("clipped", "where(1 > abs(X), X, sign(X))", "max(-1, min(1, X))"),
    ("exponentials", "Y / (1 + exp(-X))", "Y * sigmoid(X)"),
    ("exponentials", "exp(X) / (1 + exp(X))", "sigmoid(X)"),
    ("exponentials", "exp(X) / sum(exp(X), axis=1)", "softmax(X)"),
    ("exponentials", "(exp(X) - exp(-X)) / (exp(X) + exp(-X))", "tanh(X)"),
    (
        "taken-in",
        "sigmoid(X) * (1 + X * sigmoid(-X))",
        "sigmoid(X) + sigmoid(X) * (X * sigmoid(-X))",
    ),
    ("exponentials", "exp(X) * exp(Y)", "exp(X + Y)"),
    ("exponentials", "X * sigmoid(X)", "silu(X)"),
    ("exponentials", "exp(X) * sigmoid(-X)", "sigmoid(X)"),
    ("exponentials", "Y / (exp(X) + exp(-X)) ** 2", "Y / (4 * cosh(X) ** 2)"),
    ("hyperbolic", "Y * exp(X) + Y * exp(-X)", "2 * Y * cosh(X)"),
    ("hyperbolic", "Z + Y * exp(X) - Y * exp(-X)", "2 * Y * sinh(X) + Z"),
    ("halves", "Y * sigmoid(-X) + sigmoid(X)", "Y + sigmoid(X) * (1 - Y)"),
    ("powers", "X ** 2 / Y ** 2", "(X / Y) ** 2"),
    ("powers", "X ** 3 * Y ** 3", "(X * Y) ** 3"),
    ("scaled-cases", "s * where(X > 0, 1, Y)", "where(X > 0, s, s * Y)"),
    ("pieces", "X * (1 > X) * (X > 0) + max(X, 1)", "where(X > 1, X, where(X > 0, X + 1, 1))"),
    ("exponentials", "sin(X) / cos(X)", "tan(X)"),
    ("exponentials", "2 * sin(X) * cos(X)", "sin(2 * X)"),
    ("undone", "log(exp(X))", "X"),
    ("undone", "exp(log(X))", "X"),
    ("undone", "log(1 + exp(X))", "softplus(X)"),
    ("undone", "log(softmax(X))", "logsoftmax(X)"),
    ("undone", "exp(logsoftmax(X))", "softmax(X)"),
    ("undone", "cos(-X)", "cos(X)"),
    ("complements", "1 - sigmoid(-X)", "sigmoid(X)"),
    ("complements", "sin(X) ** 2 + cos(X) ** 2", "ones(n, d)"),
    ("trace", "sum(A * B.T)", "tr(A @ B)"),
    ("trace", "tr(A.T @ B)", "sum(A * B)"),
    ("split", "sum(X * (Y + Z), axis=1)", "sum(X * Y, axis=1) + sum(X * Z, axis=1)"),
    ("shares", "sum(softmax(X), axis=1)", "ones(n, 1)"),
    ("diagonals", "diag(u) @ X", "u * X"),
    ("diagonals", "A @ diag(u)", "A * u.T"),
    ("diagonals", "sum(A * eye(n), axis=1)", "diagonal(A)"),
    ("diagonals", "diagonal(diag(u))", "u"),
    ("ones-summed", "X @ ones(d, 1)", "sum(X, axis=1)"),
    ("ones-summed", "ones(1, n) @ X", "sum(X, axis=0)"),
    ("determinants", "det(A.T)", "det(A)"),
    ("inverses", "inv(inv(A))", "A"),
    ("inverses", "inv(2 * A)", "inv(A) / 2"),
    ("kroneckers", "A @ unvec(q, (n, n)) @ B.T", "unvec(kron(B, A) @ q, (n, n))"),
    ("kroneckers", "kron_left(ones(n * n, n * n), A)", "sum(A) * ones(n, n)"),
    ("kroneckers", "kron_right(eye(n * n), A)", "tr(A) * eye(n)"),
]
#: Statements, a formula over their names, and what it is with them.
NAMED = [
    ("S = softmax(X)", "sum(S, axis=1) * Y", "Y"),
    ("D = X - mean(X, axis=0)", "mean(D, axis=0) + r", "r"),
    ("D = X - mean(X, axis=1); H = D / c", "Y - H * sum(H, axis=1)", "Y"),
    ("H = X / c", "Y * X / c ** 2", "Y * H / c"),
    ("H = X / c", "X * sum(X * Y, axis=1) / c ** 2", "H * sum(Y * H, axis=1)"),
    ("G = A @ B.T / s", "-sum(A * (C @ B)) / s ** 2", "-sum(C * G) / s"),
    (
        "H = silu(X)",
        "Y * sigmoid(X) * (1 + X * sigmoid(-X))",
        "Y * (sigmoid(X) * (1 - H) + H)",
    ),
    ("M = X @ W", "A @ X @ W", "A @ M"),
    ("M = X @ W", "W.T @ X.T", "M.T"),
    ("R = X - Y", "(Y - X) * Z", "-R * Z"),
    ("G = A @ A.T", "G.T @ X", "G @ X"),
    ("G = 1 / (1 + exp(-X))", "exp(-X) / (1 + exp(-X)) ** 2", "G * (1 - G)"),
    (
        "S = softmax(X)",
        "S * (1 + log(S) - sum(S * (1 + log(S)), axis=1))",
        "S * (log(S) - sum(S * logsoftmax(X), axis=1))",
    ),
    ("H = relu(X); L = sum(H ** 2)", "2 * H * (X > 0)", "2 * H"),
    ("D = A @ B", "inv(D).T @ B.T", "inv(A).T"),
    (
        "E = exp(X); S = E / sum(E, axis=1)",
        "E * sum(Y, axis=1) / sum(E, axis=1)",
        "S * sum(Y, axis=1)",
    ),
    (
        "H = s * where(X > 0, X, r * (exp(X) - 1))",
        "s * Y * where(X > 0, 1, r * exp(X))",
        "Y * where(X > 0, s, H + s * r)",
    ),
    (
        "L = exp(-((u - v).T @ A @ (u - v)))",
        "exp((v - u).T @ A @ (u - v)) * (B @ u)",
        "L * (B @ u)",
    ),
]


def read(text: str) -> Expr:
    return parse(DECLARED + text).statements[0].expr


@pytest.mark.parametrize(("text", "expected"), FORMS, ids=[text for text, _ in FORMS])
def test_a_form(text, expected):
    expr = read(text)
    found, rewrites = textbook(expr)
    assert str(found) == expected
    assert length(found) < length(expr) and rewrites[-1].after is found
    assert textbook(found) == (found, ()), "what is short stays"
    _judged(text, expr, found)


@pytest.mark.parametrize(("rule", "text", "expected"), ALONE, ids=[f"{r} {t}" for r, t, _ in ALONE])
def test_a_rule_alone(rule, text, expected):
    expr, wanted = read(text), read(expected)
    proposed = set(RULES[rule](expr, Textbook(rules={})))
    assert any(one is wanted for one in proposed), [*map(str, proposed)]
    assert length(textbook(expr)[0]) <= length(wanted)
    _judged(text, expr, wanted)


@pytest.mark.parametrize(("program", "text", "expected"), NAMED, ids=[t for _, t, _ in NAMED])
def test_a_name(program, text, expected):
    whole = parse(DECLARED.removesuffix("F = ") + program + "; F = " + text)
    *definitions, last = whole.statements
    known = {whole.leaves[s.name]: s.expr for s in definitions}
    found = textbook(last.expr, Textbook(definitions=known))[0]
    assert str(found) == expected
    settled = Settled(whole)
    assert settled.same(whole.composed(last.expr), whole.composed(found))
    assert not settled.same(whole.composed(last.expr), whole.composed(2 * found))


def test_every_rule_has_a_case():
    alone = {rule for rule, _, _ in ALONE}
    assert RULES.keys() - PLAIN.keys() - alone == {"exchanged"}, "a name is needed for it"
    assert NAMES.keys() == {
        "named", "named-products", "named-sums", "named-cases", "named-chains", "put-in",
    }  # fmt: skip


def test_what_may_be_negative_clips_nothing():
    expr = read("where(s > abs(X), X, s * sign(X))")
    rule = RULES["clipped"]
    assert not [*rule(expr, Textbook())]
    (found,) = rule(expr, Textbook(positive=lambda e: str(e) == "s"))
    assert str(found) == "max(-s, min(s, X))"


def test_a_product_and_a_sum_are_exchanged():
    whole = parse("P: (n, m); V: (m, k); G: (n, k); Y = P @ V; F = sum((G @ V.T) * P, axis=1)")
    y, last = whole.statements
    found = textbook(last.expr, Textbook(definitions={whole.leaves["Y"]: y.expr}))[0]
    assert str(found) == "sum(G * Y, axis=1)"


def _judged(text: str, before: Expr, after: Expr) -> None:
    """The algebra and numbers see both sides equal, and neither sees it of what is wrong."""
    program = parse(DECLARED + text)
    sizes = dict(zip(program.dims, (3, 2, 4), strict=False))
    settled = Settled(program)
    assert settled.same(before, after)
    with mpmath.workdps(DIGITS):
        values = {name: matrix(rows) for name, rows in point(program, sizes).items()}
        sides = [evaluate(str(side), values, sizes) for side in (before, after)]
        assert abs(sides[0] - sides[1]).max() <= 1e-25 * (1 + abs(sides[0]).max())
        for wrong in (2 * after + 1, after - 1):
            assert not settled.same(before, wrong)
            there = evaluate(str(wrong), values, sizes)
            assert abs(sides[0] - there).max() > 1e-10
