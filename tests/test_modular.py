"""The modular judge: true claims agree, false ones are refuted, and what it cannot do it says.

Its values and slopes are held against the operators' own entries, computed with dual numbers modulo
the same prime at the same point.
"""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from flint import nmod
from hypothesis import given, settings, strategies as st

from derive.expressions.errors import DeriveError, ShapeError, SizeError, UnsupportedError
from derive.expressions.expr import nodes
from derive.expressions.program import Program
from derive.expressions.shape import extent
from derive.judges import modular, residues
from derive.judges.claim import Court
from derive.judges.modular import Judge, agrees_modulo
from derive.judges.rational import SERVED, direction
from derive.judges.residues import PATIENCE
from derive.language.parse import parse, parse_claim
from derive.ops import OPS, var

RECORDS = [
    json.loads(line)
    for line in Path(__file__).with_name("identities.jsonl").read_text("utf-8").splitlines()
]


def read(program: Program, text: str):
    grads = {f"d{name}": var(f"d{name}", leaf.shape) for name, leaf in program.leaves.items()}
    target, expr = parse_claim(text, {**program.leaves, **grads}, program.dims)
    return target[1:], expr


def outcome(text: str, claim: str, seed: int = 0, assume=None, **sizes: int):
    program = parse(text)
    name, expr = read(program, claim)
    given = {dim: k for dim, k in sizes.items() if dim in program.dims}
    return agrees_modulo(program, name, expr, given, seed=seed, assume=assume)


AFFINE = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
NETWORK = "X: (n, d); W: (d, m); b: (1, m); V: (m, k); Z = X @ W + b; H = Z ** 3 - Z; Y = H @ V"
BATCH = "X: (n, d); M = X - mean(X, axis=0); V = mean(M ** 2, axis=0); Y = M / (1 + V)"
DETERMINANT = "A: (n, n); K = A @ A + A; L = det(K)"
TABLE = [
    (AFFINE, "dX = dY @ W.T",
     ["dX = 2 * dY @ W.T", "dX = -dY @ W.T", "dX = X", "dX = dY @ W.T / n"]),
    (AFFINE, "dW = X.T @ dY", ["dW = X.T @ dY / n", "dW = X.T @ Y", "dW = X.T @ (dY + 1)"]),
    (AFFINE, "dB = sum(dY, axis=0)",
     ["dB = mean(dY, axis=0)", "dB = 2 * sum(dY, axis=0)", "dB = B"]),
    ("X: (n, d); Y = X.T", "dX = dY.T", ["dX = -dY.T"]),
    ("X: (n, d); L = sum(X ** 2)", "dX = 2 * X",
     ["dX = X", "dX = 2 * X * dL * n", "dX = 2 * X + 1"]),
    ("X: (n, d); L = sum(X ** 2)", "dX = 2 * X * dL", ["dX = 2 * X * X"]),
    ("X: (n, d); T: (n, d); L = sum((X - T) ** 2) / (2 * n)", "dX = (X - T) / n", ["dX = X - T"]),
    ("X: (n, d); L = mean(X)", "dX = ones(n, d) / (n * d)", ["dX = ones(n, d) / n"]),
    ("X: (n, d); Y = mean(X, axis=1)", "dX = dY @ ones(1, d) / d", ["dX = dY @ ones(1, d)"]),
    ("X: (n, d); c: (n, 1); Y = c * X", "dc = sum(dY * X, axis=1)", ["dc = mean(dY * X, axis=1)"]),
    ("X: (n, d); c: (n, 1); Y = c * X", "dX = c * dY", ["dX = dY"]),
    ("X: (n, d); r: (1, d); Y = X / r", "dr = -sum(dY * X, axis=0) / r ** 2",
     ["dr = sum(dY * X, axis=0) / r ** 2", "dr = -sum(dY * X, axis=0) / r"]),
    ("X: (n, d); Y = 1 / X", "dX = -dY / X ** 2", ["dX = dY / X ** 2", "dX = -dY / X"]),
    ("X: (n, d); Y = X ** (-3)", "dX = -3 * dY * X ** (-4)", ["dX = -3 * dY * X ** (-2)"]),
    ("X: (n, d); Y = s * X", "ds = sum(dY * X)", ["ds = sum(dY)"]),
    ("A: (n, n); L = tr(A)", "dA = eye(n)", ["dA = ones(n, n)", "dA = eye(n) / n"]),
    ("A: (n, n); B: (n, m); L = tr(B.T @ A @ B)", "dA = B @ B.T", ["dA = 2 * B @ B.T"]),
    ("A: (n, n); Y = inv(A)", "dA = -(inv(A).T @ dY @ inv(A).T)",
     ["dA = inv(A).T @ dY @ inv(A).T", "dA = -(inv(A) @ dY @ inv(A))"]),
    ("A: (n, n); L = det(A)", "dA = det(A) * inv(A).T", ["dA = det(A) * inv(A)", "dA = inv(A).T"]),
    (DETERMINANT, "dA = A.T @ dK + dK @ A.T + dK", ["dA = A.T @ dK + dK @ A.T", "dA = dK"]),
    (DETERMINANT, "dK = L * inv(K).T", ["dK = L * inv(K)", "dK = inv(K).T"]),
    ("v: (n, 1); Y = diag(v)", "dv = diagonal(dY)", ["dv = dY @ ones(n, 1)"]),
    ("v: (1, n); A: (n, m); Y = diag(v) @ A", "dv = diagonal(dY @ A.T).T",
     ["dv = sum(A @ dY.T, axis=0)"]),
    ("A: (n, n); Y = diagonal(A @ A)", "dA = diag(dY) @ A.T + A.T @ diag(dY)",
     ["dA = diag(dY) @ A.T"]),
    ("A: (n, n); Y = A @ A @ A", "dA = dY @ (A @ A).T + A.T @ dY @ A.T + (A @ A).T @ dY",
     ["dA = 3 * (A @ A).T @ dY", "dA = dY @ (A @ A).T + A.T @ dY @ A.T + A.T @ dY @ A.T"]),
    (NETWORK, "dZ = (3 * Z ** 2 - 1) * (dY @ V.T)", ["dZ = 3 * Z ** 2 * (dY @ V.T)"]),
    (NETWORK, "dX = dZ @ W.T", ["dX = dH @ W.T"]),
    (NETWORK, "dW = X.T @ dZ", ["dW = X.T @ dH"]),
    (NETWORK, "dV = H.T @ dY", ["dV = Z.T @ dY"]),
    ("A: (n, d); B: (m, k); Y = kron(A, B)", "dA = kron_left(dY, B)",
     ["dA = 2 * kron_left(dY, B)", "dA = sum(B) * A"]),
    ("A: (n, d); B: (m, k); Y = kron(A, B)", "dB = kron_right(dY, A)", ["dB = -kron_right(dY, A)"]),
    ("A: (n, d); X: (d, m); B: (m, k); y = kron(B.T, A) @ vec(X)",
     "dX = A.T @ unvec(dy, (n, k)) @ B.T", ["dX = X", "dX = 2 * A.T @ unvec(dy, (n, k)) @ B.T"]),
    ("A: (n, d); X: (d, m); y = vec(A @ X) ** 2", "dX = 2 * A.T @ unvec(dy * vec(A @ X), (n, m))",
     ["dX = A.T @ unvec(dy * vec(A @ X), (n, m))", "dX = 2 * A.T @ unvec(dy, (n, m))"]),
    (BATCH, "dX = dM - mean(dM, axis=0)", ["dX = dM", "dX = dY / (1 + V)"]),
]  # fmt: skip
CLAIMS = [(text, claim, True) for text, claim, _ in TABLE] + [
    (text, claim, False) for text, _, claims in TABLE for claim in claims
]


@pytest.mark.parametrize(("text", "claim", "true"), CLAIMS)
def test_a_claim_at_rectangular_sizes(text, claim, true):
    for seed, numbers in enumerate([(4, 3, 5, 2), (3, 7, 2, 6)]):
        sizes = dict(zip("ndmk", numbers))
        found = outcome(text, claim, seed, **sizes)
        assert found.agrees is true
        assert found.bound < Fraction(1, 10**12) and (found.bound > 0) is true


@pytest.mark.parametrize("record", RECORDS[::2], ids=lambda record: record["id"])
def test_the_verdicts_are_those_of_the_index_normal_form(record):
    """Of identities that are rational; the others are not served, and never called anything."""
    try:
        shapes = {name: tuple(dims) for name, dims in record["shapes"].items()}
        program = parse(record["program"], shapes)
    except DeriveError:
        pytest.skip("the table of operators has no such function yet")
    court, sizes = Court(program, assume=record["assume"]), dict(zip(program.dims, (4, 3, 2, 5)))
    claims = [record["claim"], *(variant["claim"] for variant in record["false"])]
    for text in claims:
        try:
            name, expr, *_ = court.case.read(f"d{record['wrt']} = {text}")
            agrees = agrees_modulo(program, name, expr, sizes, assume=record["assume"]).agrees
        except (UnsupportedError, ShapeError):
            continue
        verdict = court.judge(f"d{record['wrt']} = {text}").verdict
        assert verdict != ("refuted" if agrees else "proved"), f"{text}: {verdict}, here {agrees}"
        assert agrees == (text == record["claim"])


def test_most_rational_identities_are_served():
    served = 0
    for record in RECORDS:
        try:
            shapes = {name: tuple(dims) for name, dims in record["shapes"].items()}
            program = parse(record["program"], shapes)
            name, expr = read(program, f"d{record['wrt']} = {record['claim']}")
            sizes = dict(zip(program.dims, (4, 3, 2, 5)))
            served += agrees_modulo(program, name, expr, sizes, assume=record["assume"]).agrees
        except DeriveError:
            continue
    assert served > 100


# -- against the definitions -----------------------------------------------------------------------


class Dual:
    """A number modulo a prime and its slope, by the arithmetic of a + b t with t * t = 0."""

    def __init__(self, value, slope):
        self.value, self.slope = value, slope

    def lift(self, other):
        if isinstance(other, Dual):
            return other
        p, other = self.value.modulus(), Fraction(other)
        return Dual(nmod(other.numerator, p) / nmod(other.denominator, p), nmod(0, p))

    def __add__(self, other):
        other = self.lift(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        other = self.lift(other)
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    def __neg__(self):
        return Dual(-self.value, -self.slope)

    def __sub__(self, other):
        return self + (-self.lift(other))

    def __rsub__(self, other):
        return self.lift(other) - self

    def inverse(self):
        one = 1 / self.value
        return Dual(one, -self.slope * one * one)

    def __truediv__(self, other):
        return self * self.lift(other).inverse()

    def __rtruediv__(self, other):
        return self.lift(other) * self.inverse()

    def __pow__(self, exponent):
        assert exponent.denominator == 1
        found = self.lift(1)
        for _ in range(abs(int(exponent))):
            found = found * self
        return found if exponent >= 0 else found.inverse()

    __radd__, __rmul__ = __add__, __mul__


class View:
    def __init__(self, rows, shape):
        self.table = rows
        self.rows, self.cols = shape.dims

    def __getitem__(self, at):
        return self.table[at[0]][at[1]]


class ByEntries:
    """The operators' entries in dual numbers, one entry after the other."""

    def __init__(self, sizes, prime, leaves):
        self.sizes, self.prime, self.leaves = sizes, prime, leaves

    def number(self, value):
        zero = nmod(0, self.prime)
        return Dual(zero, zero).lift(value)

    def size(self, dim):
        return self.number(extent(dim, self.sizes))

    def delta(self, i, j):
        return self.number(int(i == j))

    def sum(self, dim, body):
        return sum((body(k) for k in range(extent(dim, self.sizes))), self.number(0))

    def entry(self, leaf, i, j):
        return self.leaves[leaf[0]][i][j]

    def det(self, A):
        from derive.ops.square import determinant

        return determinant(A.table)

    def inverse(self, A, i, j):
        from derive.ops.square import cofactor

        return cofactor(A.table, j, i) / self.det(A)

    def function(self, name, *args):
        through = OPS[name].through
        assert through is not None
        return through(None, *args)

    def matrix(self, root):
        known = {}
        for node in nodes(root):
            rows, cols = node.shape.extents(self.sizes)
            views = [View(known[arg], arg.shape) for arg in node.args]
            data = {"data": node.data} if node.op.takes_data else {}
            known[node] = [
                [node.op.entry(self, i, j, *views, **data) for j in range(cols)]
                for i in range(rows)
            ]
        return known[root]


def slopes(text: str, name: str, sizes: dict[str, int]) -> tuple[int, int]:
    """Return the slope of <dY, Y> by the judge, and by the operators' entries at its point."""
    program = parse(text)
    judge = Judge(program, sizes)
    point = next(judge._points())
    ours = point.value(judge.setting.slope(name))[0, 0]
    u, v = (point.value(side) for side in direction(program, name))
    along, zero = (u * v.transpose()).tolist(), nmod(0, point.prime)
    leaves = {
        leaf: [
            [Dual(x, along[i][j] if leaf == name else zero) for j, x in enumerate(row)]
            for i, row in enumerate(point.value(program.leaves[leaf]).tolist())
        ]
        for leaf in program.inputs
    }
    by_entries = ByEntries(sizes, point.prime, leaves)
    for statement in program.statements:
        leaves[statement.name] = by_entries.matrix(statement.expr)
    upstream = point.value(judge.setting.upstream).tolist()
    theirs = sum(
        (
            y.slope * g
            for row, given in zip(leaves[program.output.data[0]], upstream, strict=True)
            for y, g in zip(row, given, strict=True)
        ),
        zero,
    )
    for leaf in program.leaves:  # the values as well
        value = point.value(program.leaves[leaf]).tolist()
        assert value == [[x.value for x in row] for row in leaves[leaf]], leaf
    return int(ours), int(theirs)


INPUTS = "X: (n, d); Z: (n, d); W: (d, m); A: (n, n); C: (n, n); r: (1, d); c: (n, 1); "
FORMULAS = {
    "var": "X", "number": "X * 3", "dim": "X * n / (d + 1)", "ones": "X @ ones(d, m)",
    "zeros": "X + zeros(n, d)", "eye": "(A - 2 * eye(n)) @ X", "add": "X + Z * X + r + c + s",
    "sub": "s - X * (r - X) - c", "neg": "-(-X * Z)", "matmul": "X @ X.T @ (X * Z) @ W",
    "transpose": "(X @ W).T @ X", "broadcast_to": "(X @ W + c) * s", "mul": "X * X * c * r * s",
    "div": "X / Z + Z / X + c / X + X / c + 1 / (X / r) + X / (1 + s)",
    "pow": "X ** 3 + X ** (-2) + r ** 0 * X", "sum": "X * sum(X * Z)",
    "sum_rows": "sum(X * Z, axis=0) * X", "sum_cols": "sum(X @ W, axis=1) * X",
    "mean": "mean(X * X) * Z", "mean_rows": "X - mean(X, axis=0)", "tr": "tr(X @ Z.T) * X",
    "mean_cols": "mean(X, axis=1) + mean(X * c, axis=1)", "diag": "diag(X @ ones(d, 1)) @ X",
    "diagonal": "diagonal(X @ X.T + A)", "inv": "inv(A + X @ Z.T) @ X",
    "vec": "vec(X * Z) * vec(X)", "unvec": "unvec(vec(X) * vec(Z) + vec(X), (n, d))",
    "kron": "kron(X, Z * X) - kron(Z, X)", "kron_left": "kron_left(kron(X, Z) * kron(Z, X), X)",
    "kron_right": "kron_right(kron(X, Z) * kron(Z, X), X * Z)",
    "det": "det(A + X @ Z.T) * X",
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("sizes", [(4, 3, 2), (2, 5, 3), (1, 1, 1), (3, 1, 4)], ids=str)
def test_values_and_slopes_are_those_of_the_entries(name, sizes):
    text = f"{INPUTS} Q = {FORMULAS[name]}; Y = Q + Q * Q"
    ours, theirs = slopes(text, "X", dict(zip(parse(text).dims, sizes)))
    assert ours == theirs


def test_every_operator_is_held_against_its_entries():
    assert set(FORMULAS) == {op.word(axes) for op in SERVED for axes in op.axes or (None,)}


@pytest.mark.parametrize("name", "AXWrcs")
def test_slopes_along_every_input(name):
    text = (
        f"{INPUTS} P = X @ W * 2; Q = P / (1 + sum(P ** 2)) - mean(P, axis=0); K = inv(A) @ Q;"
        "Y = diag(c) @ K * s + sum(r) * c * det(A)"
    )
    ours, theirs = slopes(text, name, {"n": 3, "d": 2, "m": 4})
    assert ours == theirs != 0


MATRICES = st.recursive(
    st.sampled_from(["X", "Z", "(A @ X)", "(c * Z)", "(X - r)", "(X / s)"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]} @ {t[1]}.T @ X)"),
        inner.map(lambda t: f"({t} / (1 + sum({t}, axis=1)))"),
        inner.map(lambda t: f"((inv(A) @ {t}) ** 2)"),
        inner.map(lambda t: f"({t} - mean({t}, axis=0))"),
        inner.map(lambda t: f"(tr({t} @ Z.T) * {t})"),
    ),
    max_leaves=5,
)


@given(MATRICES, st.sampled_from("XAcrs"))
@settings(max_examples=60, deadline=None)
def test_random_programs_have_the_slopes_of_their_entries(formula, name):
    text = f"{INPUTS} Y = {formula} + s * c * X + A @ X * r"
    ours, theirs = slopes(text, name, {"n": 3, "d": 2, "m": 1})
    assert ours == theirs


# -- what a difference and an agreement mean -------------------------------------------------------


@pytest.mark.parametrize("small", [2, 3, 5, 7, 101, 65537, 2**31 - 1, 2**61 - 1, 2**63 - 25])
def test_a_claim_that_is_true_modulo_another_prime_is_refuted(small):
    assert not outcome(AFFINE, f"dX = {1 + small} * dY @ W.T", n=3, d=2, m=4).agrees
    assert not outcome(AFFINE, f"dX = (1 + {small} ** 3) * dY @ W.T", n=3, d=2, m=4).agrees


def test_a_claim_that_is_wrong_by_the_prime_itself_is_seen_by_another_seed():
    prime = outcome(AFFINE, "dX = dY @ W.T", n=3).prime
    wrong = f"dX = {1 + prime} * dY @ W.T"
    assert outcome(AFFINE, wrong, seed=0, n=3).agrees
    other = outcome(AFFINE, wrong, seed=1, n=3)
    assert not other.agrees and other.prime != prime


def test_a_constant_that_divides_by_the_prime_goes_to_the_next_one():
    prime = outcome(AFFINE, "dX = dY @ W.T", n=3).prime
    found = outcome(AFFINE, f"dX = dY @ W.T * ({prime} / {prime}) + (X - X) / {prime}", n=3)
    assert found.agrees and found.prime != prime


def test_the_bound_counts_degrees():
    """dY, X and the two columns of the direction: degree 4."""
    found = outcome(AFFINE, "dX = dY @ W.T", n=3, d=4, m=2)
    assert found.bound == Fraction(4, 2**62)
    assert found.prime > 2**63
    found = outcome("L = x ** 2", "dx = 2 * x")
    assert found.bound == Fraction(4, 2**62)  # dL is counted, though it is 1


@pytest.mark.parametrize(
    ("claim", "bits"), [("dx = w + (x - w)", 3), ("dx = w + (x - w) * (x - 2 * w)", 4)]
)
def test_false_claims_agree_no_more_often_than_the_bound_allows(claim, bits, monkeypatch):
    monkeypatch.setattr(residues, "BITS", bits)
    monkeypatch.setattr(modular, "CHOICES", 2**bits)
    found = [outcome("y = x * w", claim.replace("dx =", "dx = dy *"), seed=k) for k in range(300)]
    lucky = [f for f in found if f.agrees]
    assert lucky, "a set of so few numbers is met twice"
    assert len(lucky) / 300 <= float(lucky[0].bound) <= 1


@pytest.mark.parametrize(
    "claim", ["dA = dY @ B.T + diag(diagonal(A))", "dA = dY @ B.T + (eye(n) - ones(n, n)) * s"]
)
def test_a_claim_that_is_false_in_few_entries(claim):
    assert not outcome("A: (n, n); B: (n, m); Y = A @ B + s", claim, n=60, m=40).agrees


def test_sizes_are_what_a_refutation_speaks_of():
    text, claim = "X: (n, d); Y = X", "dX = dY * n"
    assert outcome(text, claim, n=1, d=5).agrees
    assert not outcome(text, claim, n=2, d=5).agrees
    assert not outcome("x: (n, 1); Y = x @ x.T", "dx = 2 * dY @ x", n=2).agrees


def test_assumptions():
    text, claim = "x: (n, 1); B: (n, n); L = x.T @ B @ x", "dx = 2 * B @ x"
    assert not outcome(text, claim, n=4).agrees
    assert outcome(text, claim, n=4, assume={"B": "symmetric"}).agrees
    assert outcome(text, claim, n=4, assume={"B": ["spd", "invertible"]}).agrees
    assert not outcome(text, claim, n=4, assume={"x": "positive"}).agrees
    # the gradient stays the unconstrained one
    assert outcome(text, "dB = x @ x.T", n=4, assume={"B": "symmetric"}).agrees
    with pytest.raises(UnsupportedError, match="no random point makes x binary"):
        outcome(text, claim, n=4, assume={"x": "binary"})


# -- what is not served ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    ["exp(X)", "log(X)", "sin(X)", "cos(X)", "tan(X)", "tanh(X)", "sqrt(X)", "X ** (1 / 2)",
     "X ** (-3 / 2)", "abs(X)", "sign(X)", "relu(X)", "sigmoid(X)", "softplus(X)", "silu(X)",
     "gelu(X)", "softmax(X)", "logsoftmax(X)", "logsumexp(X)", "norm(X) * X", "max(X, 0)",
     "min(X, 0)", "X * (X > 0)", "where(X > 0, X, 1)", "logdet(X @ X.T) * X", "sinh(X)", "cosh(X)"],
)  # fmt: skip
def test_what_is_not_rational_is_not_served(formula):
    with pytest.raises(UnsupportedError, match="has no value modulo a prime"):
        outcome(f"X: (n, d); Y = {formula}", "dX = X * 0", n=2, d=3)
    with pytest.raises(UnsupportedError, match="has no value modulo a prime"):
        outcome("X: (n, d); Y = X", f"dX = dY + 0 * ({formula})", n=2, d=3)


def test_what_the_output_does_not_need_is_not_looked_at():
    text = "X: (n, d); E = exp(X); Y = X * 2"
    assert outcome(text, "dX = 2 * dY", n=2, d=3).agrees
    with pytest.raises(UnsupportedError, match="exp has no value"):
        outcome(text, "dX = 2 * dY + 0 * E", n=2, d=3)


@pytest.mark.parametrize(
    ("text", "claim"),
    [("X: (n, d); Y = X / (n - n)", "dX = dY"), ("X: (n, d); Y = X", "dX = dY / (X - X)"),
     ("X: (n, d); Y = inv(X @ X.T) @ X", "dX = dY"),
     ("X: (n, d); Y = X ** 2", "dX = (X - X) ** (-1)"),
     ("X: (n, d); W: (n, d); Y = X + W / (W - W)", "dX = 2 * dY"),
     ("X: (n, d); W: (n, d); Y = X + (W - W) ** (-1)", "dX = dY"),
     ("X: (n, d); W: (n, d); Z = inv(W @ W.T); Y = X + tr(Z)", "dX = 2 * dY"),
     ("X: (n, d); s: (1, 1); Y = X + X * 0 / (s - s)", "dX = dY"),
     ("X: (n, d); Y = X", "dX = dY + zeros(n, n) @ (dY / (X - X))")],
)  # fmt: skip
def test_what_has_no_value_is_not_refuted(text, claim):
    with pytest.raises(UnsupportedError, match="both sides have a value at none of the points"):
        outcome(text, claim, n=3, d=2)


def test_requests_that_are_wrong():
    program = parse(AFFINE)
    X, Y, W = (program.leaves[name] for name in "XYW")
    with pytest.raises(ShapeError, match="dX is n×d, the claim is d×m"):
        agrees_modulo(program, "X", W, {})
    with pytest.raises(UnsupportedError, match="there is no variable V"):
        agrees_modulo(program, "V", W, {})
    with pytest.raises(UnsupportedError, match="Y is the output itself"):
        agrees_modulo(program, "Y", Y, {})
    with pytest.raises(UnsupportedError, match="must be a name of the program or a gradient"):
        agrees_modulo(program, "X", var("Q", X.shape), {})
    with pytest.raises(UnsupportedError, match="no dimension q"):
        agrees_modulo(program, "X", X, {"q": 3})
    with pytest.raises(SizeError):
        agrees_modulo(program, "X", X, {"n": 0})
    with pytest.raises(UnsupportedError, match="served up to 64 entries"):
        agrees_modulo(program, "X", var("dX", X.shape), {"n": 9, "d": 8})
    with pytest.raises(UnsupportedError, match="does not depend on W"):
        agrees_modulo(parse("X: (n, d); W: (n, d); Z = W * 2; Y = X * 2"), "W", X, {})


def test_a_deep_program_is_served_or_refused():
    text = "A: (n, n); Y = " + " + ".join(["A"] * 150)
    assert outcome(text, "dA = 150 * dY", n=2).agrees
    text = "A: (n, n); Y = A" + " @ A" * 11
    assert not outcome(text, "dA = 12 * dY", n=3).agrees


def test_repeated_squares_are_written_out():
    """Powers by squaring: as vectors alone this would take 2 ** 16 products."""
    squares = "; ".join(f"A{k + 1} = A{k} @ A{k}" for k in range(16))
    program = parse(f"A0: (n, n); {squares}")
    claim = "dA0 = dA16"
    name, expr = read(program, claim)
    found = agrees_modulo(program, name, expr, {"n": 4})
    assert not found.agrees


def test_several_claims_share_their_points():
    program = parse(AFFINE)
    judge = Judge(program, {"n": 30, "d": 20, "m": 10}, seed=5)
    claims = [("dX = dY @ W.T", True), ("dW = X.T @ dY", True), ("dX = dY @ W.T * 3", False),
              ("dB = sum(dY, axis=0)", True), ("dB = sum(dY, axis=0) + B", False)]  # fmt: skip
    for text, true in claims:
        found = judge.agrees(*read(program, text))
        assert found.agrees is true and found.prime == judge.points[0].prime
    assert len(judge.points) == 1
    assert not judge.points[0].visits or max(judge.points[0].visits.values()) <= PATIENCE


def test_large_matrices_are_never_multiplied(monkeypatch):
    """The affine layer at size 200 takes products with vectors alone."""
    program = parse(AFFINE)
    judge = Judge(program, {"n": 200, "d": 190, "m": 180})
    for text in ("dX = dY @ W.T", "dW = X.T @ dY", "dB = sum(dY, axis=0)"):
        assert judge.agrees(*read(program, text)).agrees
    (point,) = judge.points
    written = [node for node in point.known if 1 not in point.extents(node)]
    assert written and all(node.is_var for node in written)
