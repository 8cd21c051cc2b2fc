"""Inverses and determinants of matrices with a structure: what people claim of them, each law."""

from fractions import Fraction

import pytest

import derive
from derive.algebra.forms import UNIT
from derive.algebra.matrices import DETERMINANTS, INVERSES, repeated
from derive.algebra.normal import Ring
from derive.algebra.powers import square_root
from derive.algebra.signs import is_constant
from derive.algebra.structure import diagonal, path_of, separated, update_of
from derive.algebra.zero import vanishes_multiplied
from derive.calculus.square_laws import known_determinant, known_inverse
from derive.expressions.shape import Product, Shape
from derive.ops import OPS, var

# program, claims that are true, claims that are false
CASES = {
    "sym det": ("A: (n, n); f = det(A + A.T)",
        ["dA = 2 * det(A + A.T) * inv(A + A.T)", "dA = df * f * (inv(A + A.T) + inv(A + A.T).T)"],
        ["dA = det(A + A.T) * inv(A + A.T)"]),
    "sym logdet": ("A: (n, n); f = logdet(A + A.T)",
        ["dA = 2 * inv(A + A.T)", "dA = 2 * inv(A.T + A).T", "dA = inv((A + A.T) / 2)"],
        ["dA = inv(A + A.T)"]),
    "sym inv": ("A: (n, n); Y = inv(A + A.T)",
        ["dA = -Y @ (dY + dY.T) @ Y", "dA = -inv(A + A.T) @ (dY + dY.T) @ inv(A + A.T)",
         "dA = -Y @ dY @ Y - (Y @ dY @ Y).T"],
        ["dA = -2 * Y @ dY @ Y", "dA = -Y @ dY @ Y"]),
    "symS det": ("A: (n, n); S = A + A.T - diag(diagonal(A)); f = det(S)",
        ["dA = det(S) * (2 * inv(S) - diag(diagonal(inv(S))))",
         "dA = f * (2 * inv(S) - eye(n) * inv(S))"],
        ["dA = det(S) * 2 * inv(S)", "dA = f * inv(S)"]),
    "symS logdet": ("A: (n, n); S = A + A.T - diag(diagonal(A)); f = logdet(S)",
        ["dA = 2 * inv(S) - diag(diagonal(inv(S)))", "dA = 2 * inv(S) - eye(n) * inv(S)",
         "dA = inv(S) + inv(S).T - diag(diagonal(inv(S)))"],
        ["dA = 2 * inv(S)", "dA = inv(S)"]),
    "symS inv": ("A: (n, n); S = A + A.T - diag(diagonal(A)); Y = inv(S)",
        ["dS = -Y @ dY @ Y", "dA = -Y @ dY @ Y - (Y @ dY @ Y).T + diag(diagonal(Y @ dY @ Y))",
         "dA = dS + dS.T - diag(diagonal(dS))", "dA = dS + dS.T - eye(n) * dS"],
        ["dA = -2 * Y @ dY @ Y + diag(diagonal(Y @ dY @ Y))"]),
    "symS eye": ("A: (n, n); S = A + A.T - eye(n) * A; f = logdet(S)",
        ["dA = 2 * inv(S) - eye(n) * inv(S)", "dA = 2 * inv(S) - diag(diagonal(inv(S)))"],
        ["dA = 2 * inv(S)"]),
    "symS inline": ("A: (n, n); x: (n, 1); f = x.T @ inv(A + A.T - diag(diagonal(A))) @ x",
        ["dx = 2 * inv(A + A.T - diag(diagonal(A))) @ x"],
        ["dx = inv(A + A.T - diag(diagonal(A))) @ x"]),
    "det diag": ("d: (n, 1); f = det(diag(d))",
        ["dd = det(diag(d)) / d", "dd = f / d", "dd = diagonal(f * inv(diag(d)))"],
        ["dd = f * d", "dd = f / d ** 2"]),
    "logdet diag": ("d: (n, 1); f = logdet(diag(d))",
        ["dd = 1 / d", "dd = diagonal(inv(diag(d)))"],
        ["dd = d"]),
    "inv diag": ("d: (n, 1); Y = inv(diag(d))",
        ["dd = -diagonal(dY) / d ** 2", "dd = -diagonal(Y @ dY @ Y)",
         "dd = -diagonal(dY) * diagonal(Y) ** 2"],
        ["dd = -diagonal(dY) / d"]),
    "inv diag x": ("d: (n, 1); x: (n, 1); y = inv(diag(d)) @ x",
        ["dx = dy / d", "dd = -x * dy / d ** 2", "dd = -y * dy / d"],
        ["dx = dy * d"]),
    "diag exp": ("d: (n, 1); f = logdet(diag(exp(d)))",
        ["dd = ones(n, 1)"],
        ["dd = exp(d)"]),
    "log det inv": ("X: (n, n); f = log(det(inv(X)))",
        ["dX = -inv(X).T", "dX = -inv(X.T)"],
        ["dX = -inv(X)", "dX = inv(X).T"]),
    "pinv": ("A: (n, m); y: (n, 1); w = inv(A.T @ A) @ A.T @ y",
        ["dy = A @ inv(A.T @ A) @ dw",
         "dA = -A @ inv(A.T @ A) @ dw @ w.T + (y - A @ w) @ dw.T @ inv(A.T @ A)"],
        ["dA = -A @ inv(A.T @ A) @ dw @ w.T"]),
    "pinv matrix": ("A: (n, m); P = inv(A.T @ A) @ A.T",
        ["dA = -P.T @ dP @ P.T + (dP.T - A @ P @ dP.T) @ inv(A.T @ A)",
         "dA = (-(P @ dP.T @ P) + inv(A.T @ A) @ dP @ (eye(n) - A @ P)).T"],
        ["dA = -P.T @ dP @ P.T"]),
    "projector": (
        "A: (n, m); y: (n, 1); H = A @ inv(A.T @ A) @ A.T; r = y - H @ y; L = sum(r ** 2)",
        ["dA = -2 * r @ (inv(A.T @ A) @ A.T @ y).T"],
        ["dA = 2 * r @ (inv(A.T @ A) @ A.T @ y).T"]),
    "gram det": ("A: (n, m); f = det(A.T @ A)",
        ["dA = 2 * det(A.T @ A) * A @ inv(A.T @ A)", "dA = 2 * f * A @ inv(A.T @ A)"],
        ["dA = f * A @ inv(A.T @ A)", "dA = 2 * f * A"]),
    "gram logdet": ("A: (n, m); f = logdet(A @ A.T)",
        ["dA = 2 * inv(A @ A.T) @ A"],
        ["dA = inv(A @ A.T) @ A"]),
    "gram weighted": ("A: (n, m); W: (n, n); f = det(A.T @ W @ A)",
        ["dA = f * (W @ A @ inv(A.T @ W @ A) + W.T @ A @ inv(A.T @ W.T @ A))",
         "dW = f * A @ inv(A.T @ W.T @ A) @ A.T"],
        ["dA = 2 * f * W @ A @ inv(A.T @ W @ A)"]),
    "gram sqrt": ("A: (n, m); f = sqrt(det(A.T @ A))",
        ["dA = f * A @ inv(A.T @ A)"],
        ["dA = 2 * f * A @ inv(A.T @ A)"]),
    "log gram pinv": ("A: (n, m); f = log(det(A.T @ A))",
        ["dA = 2 * (inv(A.T @ A) @ A.T).T"],
        ["dA = 2 * (inv(A.T @ A) @ A.T).T / n"]),
    "log abs det": ("X: (n, n); f = log(abs(det(X)))",
        ["dX = inv(X).T", "dX = inv(X.T)"],
        ["dX = inv(X)", "dX = inv(X).T * sign(det(X))"]),
    "logdet kron": ("A: (n, n); B: (m, m); f = logdet(kron(A, B))",
        ["dA = m * inv(A).T", "dB = n * inv(B).T"],
        ["dA = inv(A).T", "dA = n * inv(A).T"]),
    "det kron": ("A: (n, n); B: (m, m); f = det(kron(A, B))",
        ["dA = m * f * inv(A).T", "dB = n * f * inv(B).T"],
        ["dA = f * inv(A).T"]),
    "inv kron": ("A: (n, n); B: (m, m); Y = inv(kron(A, B))",
        ["dA = -inv(A).T @ kron_left(dY, inv(B)) @ inv(A).T",
         "dB = -inv(B).T @ kron_right(dY, inv(A)) @ inv(B).T"],
        ["dA = -inv(A).T @ kron_left(dY, B) @ inv(A).T"]),
    "inv kron solve": ("A: (n, n); B: (m, m); c: (n * m, 1); x = inv(kron(A, B)) @ c",
        ["dc = inv(kron(A, B)).T @ dx", "dc = kron(inv(A), inv(B)).T @ dx"],
        ["dc = kron(inv(A), inv(B)) @ dx"]),
    "sqrt sum sq": ("X: (n, m); f = sqrt(sum(X ** 2) ** 2)",
        ["dX = 2 * X"],
        ["dX = X", "dX = X / f"]),
    "det scaled": ("A: (n, n); c: (); f = det(c * A)",
        ["dA = f * inv(A).T", "dA = det(c * A) * inv(A.T)", "dc = n * f / c",
         "dA = c * f * inv(c * A).T"],
        ["dA = f * c * inv(A).T", "dA = c * det(A) * inv(A).T"]),
    "det -A": ("A: (n, n); f = det(-A)",
        ["dA = f * inv(A).T", "dA = -f * inv(-A).T"],
        ["dA = -det(A) * inv(A).T"]),
    "inv 2A": ("A: (n, n); Y = inv(2 * A)",
        ["dA = -2 * Y.T @ dY @ Y.T", "dA = -inv(A).T @ dY @ inv(A).T / 2"],
        ["dA = -Y.T @ dY @ Y.T"]),
    "inv cA": ("A: (n, n); c: (); Y = inv(c * A)",
        ["dA = -c * Y.T @ dY @ Y.T", "dA = -inv(A).T @ dY @ inv(A).T / c", "dc = -sum(Y * dY) / c"],
        ["dA = -Y.T @ dY @ Y.T"]),
    "logdet A/n": ("A: (n, n); f = logdet(A / n)",
        ["dA = inv(A).T", "dA = inv(A / n).T / n"],
        ["dA = inv(A).T / n"]),
    "logdet cA": ("A: (n, n); c: (); f = logdet(c * A)",
        ["dA = inv(A).T", "dc = n / c"],
        ["dc = 1 / c"]),
    "logdet cov": ("X: (k, n); f = logdet(X.T @ X / k)",
        ["dX = 2 * X @ inv(X.T @ X)"],
        ["dX = 2 * X @ inv(X.T @ X) / k"]),
    "inv eye": ("x: (n, 1); y = inv(eye(n)) @ x",
        ["dx = dy"],
        ["dx = 2 * dy"]),
    "det eye": ("x: (n, 1); L = det(eye(n)) * sum(x)",
        ["dx = ones(n, 1)"],
        ["dx = n * ones(n, 1)"]),
    "inv s eye": ("s: (); x: (n, 1); y = inv(s * eye(n)) @ x",
        ["dx = dy / s", "ds = -sum(x * dy) / s ** 2"],
        ["dx = dy"]),
    "ridge": ("A: (n, n); s: (); f = logdet(A + s * eye(n))",
        ["dA = inv(A + s * eye(n)).T", "ds = tr(inv(A + s * eye(n)))",
         "ds = sum(diagonal(inv(A + s * eye(n))))"],
        ["ds = n / s", "ds = sum(inv(A + s * eye(n)))"]),
    "ridge inv": ("A: (n, n); s: (); Y = inv(A + s * eye(n))",
        ["ds = -tr(Y.T @ dY @ Y.T)", "ds = -sum(dY * (Y @ Y))", "dA = -Y.T @ dY @ Y.T"],
        ["ds = -sum(dY * Y)"]),
    "ridge reg": ("X: (n, d); y: (n, 1); s: (); w = inv(X.T @ X + s * eye(d)) @ X.T @ y",
        ["ds = -sum(dw * (inv(X.T @ X + s * eye(d)) @ w))",
         "dy = X @ inv(X.T @ X + s * eye(d)) @ dw"],
        ["ds = -sum(dw * w)"]),
    "nest": ("A: (n, n); B: (n, n); Y = inv(inv(A) + B)",
        ["dB = -Y.T @ dY @ Y.T", "dA = inv(A).T @ Y.T @ dY @ Y.T @ inv(A).T"],
        ["dA = Y.T @ dY @ Y.T"]),
    "nest AA": ("A: (n, n); B: (n, n); Y = inv(inv(A) + inv(B))",
        ["dA = inv(A).T @ Y.T @ dY @ Y.T @ inv(A).T"],
        ["dA = Y.T @ dY @ Y.T"]),
    "adjugate": ("A: (n, n); Y = det(A) * inv(A)",
        ["dA = det(A) * (sum(inv(A) * dY) * inv(A).T - inv(A).T @ dY @ inv(A).T)",
         "dA = sum(Y * dY) * inv(A).T - inv(A).T @ dY @ Y.T"],
        ["dA = -inv(A).T @ dY @ Y.T"]),
    "adj mat": ("A: (n, n); x: (n, 1); y = det(A) * inv(A) @ x",
        ["dx = det(A) * inv(A).T @ dy"],
        ["dx = inv(A).T @ dy"]),
    "inv prod": ("A: (n, n); B: (n, n); Y = inv(A @ B)",
        ["dA = -Y.T @ dY @ Y.T @ B.T", "dA = -(inv(B) @ inv(A)).T @ dY @ inv(A).T"],
        ["dA = -Y.T @ dY @ Y.T"]),
    "det prod": ("A: (n, n); B: (n, n); f = det(A @ B)",
        ["dA = det(A) * det(B) * inv(A).T", "dA = f * inv(A).T"],
        ["dA = f * inv(B).T"]),
    "det diag prod": ("A: (n, n); d: (n, 1); f = logdet(A * d)",
        ["dA = inv(A).T", "dd = 1 / d"],
        ["dd = d"]),
    "det diag prod2": ("A: (n, n); d: (n, 1); f = logdet(diag(d) @ A)",
        ["dA = inv(A).T", "dd = 1 / d"],
        ["dd = d"]),
    "low rank": ("u: (n, 1); v: (n, 1); f = det(eye(n) + u @ v.T)",
        ["du = v", "dv = u"],
        ["du = u"]),
    "low rank inv": ("u: (n, 1); v: (n, 1); x: (n, 1); y = inv(eye(n) + u @ v.T) @ x",
        ["dx = dy - v * (u.T @ dy) / (1 + v.T @ u)"],
        []),
    "det pow": ("A: (n, n); f = det(A) ** 2",
        ["dA = 2 * det(A) ** 2 * inv(A).T", "dA = 2 * f * inv(A.T)"],
        ["dA = 2 * det(A) * inv(A).T"]),
    "det A@A": ("A: (n, n); f = det(A @ A)",
        ["dA = 2 * det(A) ** 2 * inv(A).T"],
        ["dA = det(A) ** 2 * inv(A).T"]),
    "inv A@A": ("A: (n, n); Y = inv(A @ A)",
        ["dA = -(Y.T @ dY @ inv(A).T + inv(A).T @ dY @ Y.T)"],
        ["dA = -Y.T @ dY @ Y.T"]),
    "gauss": (
        "X: (n, d); m: (1, d); S: (d, d); L = n * logdet(S) + sum((X - m) @ inv(S) * (X - m)) / 2",
        ["dS = n * inv(S).T - inv(S).T @ (X - m).T @ (X - m) @ inv(S).T / 2"],
        ["dS = n * inv(S)"]),
    "gauss chol": (
        "X: (n, d); C: (d, d); L = n * logdet(C @ C.T) / 2 + sum(((X @ inv(C @ C.T))) * X) / 2",
        ["dC = n * inv(C).T - inv(C @ C.T) @ X.T @ X @ inv(C @ C.T) @ C",
         "dC = n * inv(C).T - inv(C).T @ inv(C) @ X.T @ X @ inv(C).T"],
        ["dC = n * inv(C).T"]),
    "tr inv": ("A: (n, n); f = tr(inv(A))",
        ["dA = -(inv(A) @ inv(A)).T", "dA = -inv(A @ A).T", "dA = -inv(A.T) @ inv(A.T)"],
        ["dA = -inv(A) @ inv(A)"]),
    "logdet I+AB": ("A: (n, m); B: (m, n); f = logdet(eye(n) + A @ B)",
        ["dA = inv(eye(n) + A @ B).T @ B.T", "dB = A.T @ inv(eye(n) + A @ B).T"],
        ["dA = inv(eye(n) + A @ B) @ B.T"]),
    "spd sum": ("A: (n, n); f = logdet(A @ A.T + eye(n))",
        ["dA = 2 * inv(A @ A.T + eye(n)) @ A"],
        ["dA = inv(A @ A.T + eye(n)) @ A"]),
    "skew": ("A: (n, n); x: (n, 1); y = inv(eye(n) + A - A.T) @ x",
        ["dx = inv(eye(n) - A + A.T) @ dy"],
        ["dx = inv(eye(n) + A - A.T) @ dy"]),
    "cayley": ("A: (n, n); S = A - A.T; Q = inv(eye(n) + S) @ (eye(n) - S)",
        ["dS = -inv(eye(n) + S).T @ dQ @ (eye(n) + Q).T", "dA = dS - dS.T"],
        ["dA = dS + dS.T"]),
    "inv sum sym half": ("A: (n, n); S = (A + A.T) / 2; Y = inv(S)",
        ["dA = (dS + dS.T) / 2", "dA = -Y @ (dY + dY.T) @ Y / 2"],
        ["dA = dS"]),
    "logdet sym": ("A: (n, n); S = (A + A.T) / 2; f = logdet(S)",
        ["dA = inv(S)", "dA = inv((A + A.T) / 2).T"],
        ["dA = 2 * inv(S)"]),
    "det s eye": ("A: (n, n); s: (); f = det(s * eye(n)) + 0 * tr(A)",
        ["ds = n * f / s"],
        ["ds = f / s"]),
    "not of a sign": ("d: (n, 1); f = abs(det(diag(d)))",
        ["dd = f / d"],
        ["dd = det(diag(d)) / d"]),
    "two are not one": ("A: (n, n); f = det(2 * A)",
        ["dA = f * inv(A).T"],
        ["dA = 2 * det(A) * inv(A).T", "dA = 4 * det(A) * inv(A).T"]),
    "push through": ("A: (n, m); B: (m, n); Y = inv(eye(n) + A @ B) @ A",
        ["dA = inv(eye(n) + A @ B).T @ dY @ inv(eye(m) + B @ A).T",
         "dA = inv(eye(n) + A @ B).T @ (dY - dY @ (B @ A @ inv(eye(m) + B @ A)).T)"],
        ["dA = inv(eye(n) + A @ B).T @ dY @ inv(eye(m) + A.T @ B.T).T",
         "dA = inv(eye(n) + A @ B).T @ (dY - dY @ (A.T @ B.T @ inv(eye(m) + B @ A)).T)"]),
    "push through logdet": ("A: (n, m); B: (m, n); f = logdet(eye(n) + A @ B)",
        ["dA = (inv(eye(m) + B @ A) @ B).T"],
        ["dA = (inv(eye(m) - B @ A) @ B).T"]),
    "woodbury": ("A: (n, n); B: (n, n); Y = inv(inv(A) + B)",
        ["dB = -(A @ inv(eye(n) + B @ A)).T @ dY @ Y.T",
         "dB = -(inv(eye(n) + A @ B) @ A).T @ dY @ Y.T",
         "dB = -(A - A @ inv(eye(n) + B @ A) @ B @ A).T @ dY @ Y.T"],
        ["dB = -(A @ inv(eye(n) + A @ B)).T @ dY @ Y.T",
         "dB = -(A + A @ inv(inv(B) + A) @ A).T @ dY @ Y.T",
         "dB = -(B - A @ inv(inv(B) + A) @ A).T @ dY @ Y.T"]),
    "kernel ridge": (
        "X: (n, d); y: (n, 1); s: (); w = inv(X.T @ X + s * eye(d)) @ X.T @ y",
        ["dy = inv(X @ X.T + s * eye(n)) @ X @ dw"],
        ["dy = inv(X @ X.T - s * eye(n)) @ X @ dw", "dy = inv(X @ X.T + eye(n)) @ X @ dw"]),
    "a sign to the power of n": ("A: (n, n); f = det(-A) * det(-1 * eye(n))",
        ["dA = det(A) * inv(A).T"],
        ["dA = det(-A) * inv(A).T"]),
}  # fmt: skip
TRUE = [(program, claim) for program, true, _ in CASES.values() for claim in true]
FALSE = [(program, claim) for program, _, false in CASES.values() for claim in false]
#: Programs that are to have documents as well, each of another kind.
DOCUMENTS = [
    "log det inv",
    "sqrt sum sq",
    "symS inline",
    "symS logdet",
    "inv kron",
    "logdet kron",
    "det kron",
    "inv diag x",
    "det diag prod2",
    "det scaled",
    "log abs det",
    "adj mat",
    "low rank",
    "gram sqrt",
    "sym inv",
    "gram logdet",
    "ridge reg",
    "nest",
    "nest AA",
    "gauss",
    "gauss chol",
]


@pytest.mark.parametrize(("program", "claim"), TRUE)
def test_what_is_true_is_proved_for_every_shape(program, claim):
    (found,) = derive.check(program, claim)
    assert (found.verdict, found.scope) == ("proved", "every shape"), found.reason


@pytest.mark.parametrize(("program", "claim"), FALSE)
def test_what_is_false_is_refuted(program, claim):
    (found,) = derive.check(program, claim)
    assert found.verdict == "refuted"


#: Gradients as they are printed.
PRINTED = {
    "logdet kron": ["m * inv(A).T", "n * inv(B).T"],
    "gram logdet": ["2 * (inv(A @ A.T) @ A)"],
    "det kron": ["f * m * inv(A).T", "f * n * inv(B).T"],
}


@pytest.mark.parametrize("name", PRINTED)
def test_a_gradient_of_factors_is_printed_without_their_product(name):
    assert [str(g) for g in derive.gradient(CASES[name][0]).values()] == PRINTED[name]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_has_a_document(name):
    proof = derive.prove(CASES[name][0])
    assert proof.proved and proof.render("md") and proof.render("tex")


# -- laws of expressions ---------------------------------------------------------------------------

N, M = Shape("n", "n"), Shape("m", "m")
A, B, C = var("A", N), var("B", N), var("C", M)
U, V = var("U", Shape("n", "m")), var("V", Shape("m", "n"))
inv, det, kron = OPS["inv"], OPS["det"], OPS["kron"]

KNOWN = [
    (A @ B, "inv(B) @ inv(A)", "det(A) * det(B)"),
    (U @ V, None, None),
    (A.T, "inv(A).T", "det(A)"),
    (inv(A), "A", "det(A) ** (-1)"),
    (kron(A, C), "kron(inv(A), inv(C))", None),
    (kron(U, V), None, None),
    (A + B, None, None),
    (A * B, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("matrix", "inverse", "determinant"), KNOWN)
def test_a_law_holds_where_its_premises_do(matrix, inverse, determinant):
    found = known_inverse(matrix), known_determinant(matrix)
    assert tuple(None if e is None else str(e) for e in found) == (inverse, determinant)


# -- laws of forms ---------------------------------------------------------------------------------


def matrix(ring, *terms):
    """A form: terms of a number, entries as words of a name and two indices, d for a delta."""
    total = {}
    for number, *entries in terms:
        forms = [ring.delta(*e[1:]) if e[0] == "d" else ring.entry(*e) for e in entries]
        total = ring.add(total, ring.scale(Fraction(number), ring.product(forms)))
    return total


R, S = "@r", "@s"
EQUAL, a, x, y = ("d", R, S), ("a", R, S), ("x", R, 0), ("y", S, 0)
c = ("c", 0, 0)

# a matrix, and the names of the laws that take it apart
TAKEN = {
    "a matrix": ([(1, a)], []),
    "a multiple": ([(2, a)], ["multiple"]),
    "a fraction of a sum": ([(1, c, a), (1, c, ("b", R, S))], ["multiple"]),
    "a sum of two": ([(1, a), (1, ("b", R, S))], []),
    "a difference": ([(1, a), (-1, ("a", S, R))], []),
    "diagonal": ([(1, EQUAL, x)], ["diagonal"]),
    "the identity": ([(1, EQUAL)], ["diagonal"]),
    "not diagonal": ([(1, a, x)], ["product"]),
    "a diagonal on both sides": ([(1, x, a, y)], ["product"]),
    "one more than diagonal": ([(1, EQUAL, x), (1, a)], []),
    "an outer product": ([(1, x, y)], []),
    "an update": ([(1, EQUAL), (1, x, y)], ["update"]),
    "two updates": ([(1, EQUAL), (1, x, y), (1, ("u", R, 0), ("v", S, 0))], []),
    "an update of two columns that is one": (
        [(1, EQUAL), (1, x, y), (1, x, ("v", S, 0))], ["update"]),
    "entry by entry": ([(1, a, ("b", R, S))], []),
}  # fmt: skip


@pytest.mark.parametrize("laws", [INVERSES, DETERMINANTS], ids=["inverse", "determinant"])
@pytest.mark.parametrize(("terms", "names"), TAKEN.values(), ids=TAKEN)
def test_which_law_takes_a_matrix_apart(terms, names, laws):
    ring = Ring()
    form = ring.close(matrix(ring, *terms))
    found = [law.name.rpartition(" ")[2] for law in laws if law(ring, form, "n") is not None]
    assert found[:1] == names


def test_the_square_factors_of_a_product():
    ring = Ring()
    body = matrix(ring, (1, ("a", R, "k"), x, ("z", "k", 0), ("w", "k", "q"), ("b", "k", S)))
    form = ring.sums_over([("q", "m"), ("k", "n")], body)
    path = path_of(ring, form, "n")
    inner = ring.sum("q", "m", matrix(ring, (1, EQUAL, ("z", R, 0), ("w", R, "q"))))
    assert path == [
        matrix(ring, (1, EQUAL, x)), matrix(ring, (1, a)), inner, matrix(ring, (1, ("b", R, S))),
    ]  # fmt: skip
    gram = ring.sum("k", "m", matrix(ring, (1, ("a", R, "k"), ("a", S, "k"))))
    assert path_of(ring, gram, "n") is None  # its factors are not square
    assert (
        len(path_of(ring, ring.sum("k", "n", matrix(ring, (1, ("a", R, "k"), ("a", S, "k")))), "n"))
        == 2
    )
    shared = ring.sum("k", "n", matrix(ring, (1, ("a", R, "k"), ("b", "k", S), ("u", R, S))))
    assert path_of(ring, shared, "n") is None


def test_what_is_free_of_some_words_comes_out_of_a_form():
    ring = Ring()
    p = ring.add(ring.entry("c", 0, 0), {UNIT: 3})
    q = matrix(ring, (2, a), (-4, ("b", S, R)))
    left, right = separated(ring, ring.mul(p, q), {R, S})
    assert (left, right) == (ring.scale(2, p), ring.scale(Fraction(1, 2), q))
    apart = ring.add(ring.mul(p, q), matrix(ring, (1, a)))
    assert separated(ring, apart, {R, S}) == ({UNIT: 1}, apart)


def test_products_over_an_index():
    ring = Ring()
    f, g = ring.entry("x", R, 0), ring.entry("y", R, 0)
    apart = ring.mul(repeated(ring, f, "n"), repeated(ring, g, "n"))
    assert repeated(ring, ring.mul(f, g), "n") == apart
    assert repeated(ring, ring.power(f, -2), "n") == ring.power(repeated(ring, f, "n"), -2)
    total = ring.function("exp", ring.sum("k", "n", ring.entry("x", "k", 0)))
    assert repeated(ring, ring.function("exp", f), "n") == total
    more = ring.add(f, {UNIT: 1})
    quotient = repeated(ring, ring.mul(g, ring.power(more, -1)), "n")
    assert ring.mul(quotient, repeated(ring, more, "n")) == repeated(ring, g, "n")
    assert repeated(ring, more, "n") != ring.add(repeated(ring, f, "n"), {UNIT: 1})


def test_numbers_to_the_power_of_a_dimension():
    ring = Ring()
    two, half, minus = (repeated(ring, {UNIT: v}, "n") for v in (2, Fraction(1, 2), -1))
    assert ring.mul(two, half) == ring.mul(minus, minus) == {UNIT: 1} != minus
    assert repeated(ring, {UNIT: -6}, 3) == {UNIT: -216}
    assert repeated(ring, two, "m") == repeated(ring, repeated(ring, {UNIT: 2}, "m"), "n")
    assert repeated(ring, {UNIT: 2}, Product(("n", "m"))) == repeated(ring, two, "m")
    assert ring.function("sign", two) == {UNIT: 1} != ring.function("sign", minus)
    assert is_constant(ring, two)  # 2ⁿ - 4 is 0 where n = 2: no square of its sign is 1
    unknown = ring.function("sign", repeated(ring, ring.entry("x", R, 0), "n"))
    assert unknown != {UNIT: 1}


def test_a_logarithm_of_a_product_is_a_sum_where_all_is_positive():
    ring = Ring()
    f = ring.entry("x", R, 0)
    log = ring.function("log", repeated(ring, f, "n"))
    assert log != ring.sum("k", "n", ring.function("log", ring.entry("x", "k", 0)))
    ring = Ring()
    ring.assume({"x": {"positive"}})
    log = ring.function("log", repeated(ring, ring.entry("x", R, 0), "n"))
    assert log == ring.sum("k", "n", ring.function("log", ring.entry("x", "k", 0)))


def test_the_parts_of_an_update():
    ring = Ring()
    d, u, v = update_of(ring, matrix(ring, (3, EQUAL), (2, x, y)), "n")
    assert d == {UNIT: 3} and ring.mul(u, v) == matrix(ring, (2, x, ("y", R, 0)))
    assert diagonal(ring, matrix(ring, (1, EQUAL, y)), "n") == matrix(ring, (1, ("y", R, 0)))


def test_an_update_of_what_is_zero_on_a_region_is_none():
    ring = Ring()
    x, outer = ring.entry("x", R, 0), matrix(ring, (1, ("u", R, 0), ("v", S, 0)))
    for d in (ring.function("relu", x), ring.function("gt", x, {}), ring.function("sign", x)):
        form = ring.add(ring.mul(ring.delta(R, S), d), outer)
        assert update_of(ring, form, "n") is None
    smooth = ring.add(ring.mul(ring.delta(R, S), ring.function("exp", x)), outer)
    assert update_of(ring, smooth, "n") is not None


def test_roots_of_squares_of_any_length():
    ring = Ring()
    for terms in (2, 3, 5, 9):
        p = {}
        for k in range(terms):
            p = ring.add(p, ring.scale(k - Fraction(3, 2), ring.entry("x", k, 0)))
        root = square_root(ring, ring.mul(p, p))
        assert root in (p, ring.scale(-1, p))
        assert square_root(ring, ring.add(ring.mul(p, p), {UNIT: 1})) is None


def test_a_sum_of_squares_has_a_sign_and_a_mask_need_not():
    ring = Ring()
    squares = ring.sum("k", "n", ring.mul(ring.entry("x", "k", 0), ring.entry("x", "k", 0)))
    assert ring.function("sign", squares) == {UNIT: 1}
    mask = ring.function("gt", ring.entry("x", "i", 0), {})
    masked = ring.add(mask, ring.function("gt", ring.entry("x", "j", 0), {}))
    assert ring.function("sign", masked) != {UNIT: 1}
    ring.wait_for(frozenset({"x"}))  # it may be 0 where x is binary
    assert ring.function("sign", squares) != {UNIT: 1}


def test_large_matrices_are_inverted_only_where_they_are_asked_for():
    from derive.language.parse import parse
    from derive.proof.sizes import with_values

    program = parse("A: (n, n); B: (m, m); f = det(kron(A, B))")
    assert with_values(program, None) == {"n": 2, "m": 2}
    assert with_values(program, {"n": 2, "m": 3}) == {"n": 2, "m": 3}


def test_a_form_is_multiplied_only_where_its_inverse_stands_at_a_free_index():
    ring = Ring()
    i, j, k, p = "@i", "@j", "@k", "@p"

    def update(x, y):
        """The entry of I + x y, over @r and @s."""
        product = ring.mul(ring.entry(x, "@r", k), ring.entry(y, k, "@s"))
        return ring.add(ring.delta("@r", "@s"), ring.sum(k, "n", product))

    right = ring.mul(ring.inverse(update("a", "b"), "n", i, p), ring.entry("a", p, j))
    left = ring.mul(ring.entry("a", i, p), ring.inverse(update("b", "a"), "n", p, j))
    apart = ring.add(ring.sum(p, "n", right), ring.scale(-1, ring.sum(p, "n", left)))
    assert not ring.is_plainly_zero(apart) and vanishes_multiplied(ring, apart)
    assert not vanishes_multiplied(ring, ring.add(apart, ring.delta(i, j)))
    total = ring.sums_over([(i, "n"), (j, "n")], ring.mul(ring.entry("w", i, j), left))
    assert not vanishes_multiplied(ring, ring.sum(p, "n", total))
