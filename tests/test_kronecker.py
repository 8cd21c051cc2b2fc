"""The Kronecker product and the stacking of columns: identities for every shape, and documents."""

import json

import numpy as np
import pytest

import derive
from derive.bridges.code import to_code
from derive.calculus.index import along, at_place, delta, named
from derive.expressions.errors import ShapeError, UnsupportedError
from derive.expressions.expr import OPS, nodes
from derive.expressions.shape import Product, Shape, extent, same_number, size, times
from derive.language.parse import parse
from derive.ops import var

LEAST_SQUARES = (
    "A: (a, b); B: (c, d); X: (b, c); C: (a, d); c0 = vec(C); "
    "L = sum((kron(B.T, A) @ vec(X) - c0) ** 2)"
)
MIXED = "A: (a, b); C: (b, c); B: (d, e); D: (e, f); "
SANDWICH = "A: (a, b); B: (c, d); X: (b, c); L = "
IDENTITY = SANDWICH + "sum((vec(A @ X @ B) - kron(B.T, A) @ vec(X)) ** 2)"
PRODUCTS = MIXED + "L = sum((kron(A, B) @ kron(C, D) - kron(A @ C, B @ D)) ** 2)"
BLOCKS = "A: (a, b); B: (c, d); C: (a * c, b * d); L = tr(C.T @ kron(A, B))"
TRACES = "A: (n, m); B: (n, m); L = "

PROVED = [
    ("X: (n, m); L = sum(vec(X) ** 2)", "dX = 2 * X"),
    ("X: (n, m); L = sum(vec(X) ** 2)", "dX = unvec(2 * vec(X), (n, m))"),
    (BLOCKS, "dA = kron_left(C, B)"),
    (BLOCKS, "dB = kron_right(C, A)"),
    (BLOCKS, "dC = kron(A, B)"),
    (LEAST_SQUARES, "dX = 2 * A.T @ (A @ X @ B - C) @ B.T"),
    (LEAST_SQUARES, "dX = 2 * A.T @ (A @ X @ B - unvec(c0, (a, d))) @ B.T"),
    (LEAST_SQUARES, "dA = 2 * (A @ X @ B - C) @ B.T @ X.T"),
    (LEAST_SQUARES, "dB = 2 * X.T @ A.T @ (A @ X @ B - C)"),
    (LEAST_SQUARES, "dc0 = 2 * (c0 - vec(A @ X @ B))"),
    (PRODUCTS, "dA = zeros(a, b)"),
    (PRODUCTS, "dD = zeros(e, f)"),
    (MIXED + "Y = kron(A, B) @ kron(C, D)", "dA = kron_left(dY, B @ D) @ C.T"),
    (MIXED + "Y = kron(A, B) @ kron(C, D)", "dB = kron_right(dY, A @ C) @ D.T"),
    (IDENTITY, "dX = zeros(b, c)"),
    (IDENTITY, "dB = zeros(c, d)"),
    (TRACES + "tr(A.T @ B) - vec(A).T @ vec(B)", "dA = zeros(n, m)"),
    (TRACES + "vec(A).T @ vec(B)", "dA = B"),
    ("A: (n, m); L = sum(kron(A, A))", "dA = 2 * sum(A) * ones(n, m)"),
    ("A: (n, n); B: (m, m); L = tr(kron(A, B))", "dA = tr(B) * eye(n)"),
    ("A: (n, m); v = vec(A); L = mean(v * v)", "dA = 2 * A / (n * m)"),
    ("A: (n, m); v = vec(A); L = mean(v * v)", "dv = 2 * v / (n * m)"),
    ("v: (n * m, 1); A: (n, m); L = sum(unvec(v, (m, n)) * A.T)", "dv = vec(A.T)"),
    ("v: (n * m, 1); A: (n, m); L = sum(unvec(v, (m, n)) * A.T)", "dA = unvec(v, (m, n)).T"),
    ("A: (n, m); B: (p, q); Y = kron(A, B).T", "dA = kron_left(dY.T, B)"),
    ("A: (n, m); B: (p, q); C: (r, s); Y = kron(kron(A, B), C)", "dC = kron_right(dY, kron(A, B))"),
    ("A: (n, m); B: (p, q); C: (r, s); Y = kron(A, kron(B, C))", "dC = kron_right(dY, kron(A, B))"),
    ("A: (2, 3); X: (3, 4); b: (8, 1); L = sum((vec(A @ X) - b) ** 2)",
     "dA = 2 * (A @ X) @ X.T - 2 * unvec(b, (n, m)) @ X.T"),
    ("x: (n, 1); y: (1, m); Y = kron(x, y)", "dx = dY @ y.T"),
]  # fmt: skip
REFUTED = [
    ("X: (n, m); L = sum(vec(X) ** 2)", "dX = 3 * X"),
    (BLOCKS, "dA = 2 * kron_left(C, B)"),
    (BLOCKS, "dA = kron_left(kron(A, B), B)"),
    (LEAST_SQUARES, "dX = A.T @ (A @ X @ B - C) @ B.T"),
    (LEAST_SQUARES, "dX = 2 * A.T @ (A @ X @ B + unvec(c0, (a, d))) @ B.T"),
    (PRODUCTS, "dA = A"),
    (MIXED + "Y = kron(A, B) @ kron(C, D)", "dB = 2 * kron_right(dY, A @ C) @ D.T"),
    (IDENTITY, "dX = X"),
    ("A: (n, n); B: (n, n); X: (n, n); L = sum((vec(A @ X @ B) - kron(B, A) @ vec(X)) ** 2)",
     "dX = zeros(n, n)"),
    ("A: (n, n); X: (n, n); L = sum((kron(A, X) - kron(X, A)) ** 2)", "dX = zeros(n, n)"),
    (TRACES + "vec(A).T @ vec(B)", "dA = A"),
    ("A: (n, n); B: (m, m); L = tr(kron(A, B))", "dB = tr(B) * eye(m)"),
]  # fmt: skip
DOCUMENTS = [
    ("X: (n, m); Y = vec(X)", {"X": "unvec(dY, (n, m))"}),
    ("A: (a, b); B: (c, d); Y = kron(A, B)", {"A": "kron_left(dY, B)", "B": "kron_right(dY, A)"}),
    ("A: (n, m); B: (p, q); X: (m, p); y = kron(B.T, A) @ vec(X)",
     {"X": "unvec(kron(B, A.T) @ dy, (m, p))"}),
    ("A: (2, 3); B: (2, 2); Y = kron(A, B)", {}),
    ("v: (n * m, 1); Y = unvec(v, (m, n))", {"v": "vec(dY)"}),
    ("G: (n * p, m * q); B: (p, q); Y = kron_left(G, B)", {"G": "kron(dY, B)"}),
    ("G: (n * p, m * q); A: (n, m); Y = kron_right(G, A)", {"G": "kron(A, dY)"}),
    ("A: (n, m); B: (p, q); b: (1, m * q); Y = exp(kron(A, B) + b)", {}),
    ("A: (n, m); Y = vec(A); Z = Y * Y; L = sum(exp(Z))", {}),
]  # fmt: skip


@pytest.mark.parametrize(("program", "claim"), PROVED)
def test_identity_is_proved_for_every_shape(program, claim):
    (found,) = derive.check(program, claim)
    assert (found.verdict, found.scope) == ("proved", "every shape"), found


@pytest.mark.parametrize(("program", "claim"), REFUTED)
def test_false_claim_has_a_counterexample(program, claim):
    (found,) = derive.check(program, claim)
    assert found.verdict == "refuted" and found.counterexample is not None, found


@pytest.mark.parametrize(("program", "gradients"), DOCUMENTS)
def test_document_is_proved_and_printed(program, gradients):
    proof = derive.prove(program)
    assert proof.proved
    assert gradients.items() <= proof.gradients.items()
    for form in ("md", "tex"):
        text = proof.render(form)
        assert "Pair(" not in text and "Product(" not in text
    json.dumps(proof.trace())


def test_notation():
    text = derive.prove("A: (n, m); B: (p, q); Y = kron(A, B)").render("md")
    assert r"A \otimes B" in text
    assert r"y_{(i_{1},i_{2})(j_{1},j_{2})}" in text
    assert "acts on the entries $y_{(1,i_{2})(1,j_{2})}$ alone" in text
    assert "all of $Y$" not in text
    assert "only eight of the 48 terms can be different from zero" in text  # one block of six
    assert r"$(i_{1},i_{2})$ is number $(i_{1} - 1)\hspace{2pt}p + i_{2}$" in text
    assert r"\mathrm{vec}" in derive.prove("X: (n, m); Y = vec(X)").render("md")


@pytest.mark.parametrize(("program", "gradients"), DOCUMENTS)
def test_gradients_can_be_parsed_again(program, gradients):
    found = derive.gradient(program)
    for name in found:
        assert derive.check(program, found.claim(name))[0].verdict == "proved"


def test_meaning_is_that_of_numpy():
    rng = np.random.default_rng(0)
    A, B, X = rng.normal(size=(2, 3)), rng.normal(size=(4, 5)), rng.normal(size=(3, 4))
    space: dict = {}
    proof = derive.prove("A: (n, m); B: (p, q); X: (m, p); L = sum((kron(B.T, A) @ vec(X)) ** 2)",
                         detail="brief")  # fmt: skip
    exec(to_code(proof, "numpy"), space)
    found = space["gradients"](A, B, X)
    residual = A @ X @ B
    stacked = np.kron(B.T, A) @ X.reshape(-1, 1, order="F")
    assert np.allclose(stacked, residual.reshape(-1, 1, order="F"))
    assert np.allclose(found["X"], 2 * A.T @ residual @ B.T)
    assert np.allclose(found["A"], 2 * residual @ B.T @ X.T)
    assert np.allclose(found["B"], 2 * X.T @ A.T @ residual)


def test_counterexample_counts_as_numpy_does():
    program = "A: (n, m); B: (p, q); Y = kron(A, B); L = sum(Y * Y * Y)"
    (found,) = derive.check(program, "dY = 3 * Y")
    point = found.counterexample
    A, B = (np.array([[float(x) for x in row] for row in point.values[k]]) for k in "AB")
    i, j = (k - 1 for k in point.entry)
    assert np.isclose(3 * np.kron(A, B)[i, j] ** 2, float(point.expected))


# -- dimensions and indices ------------------------------------------------------------------------


def test_product_dimensions():
    assert times("n", 1) == "n" and times() == 1 and times(2, 3) == 6
    assert times("n", times("m", 2), 3) == Product(("n", "m", 6))
    assert times("n", "m") != times("m", "n") and same_number(times("n", "m"), times("m", "n"))
    assert extent(times("n", "m"), {"n": 2, "m": 3}) == 6
    assert size(times("n", "m"), {"n": 2}) == Product((2, "m"))
    assert str(Shape(times("n", "m"), 1)) == "(n * m)×1"


def test_indices_along_a_product():
    dim = times("n", "m")
    i = along("i", dim)
    assert named(i, at_place("i", dim, 5, {"n": 2, "m": 3}), {"n": 2, "m": 3}) == 5
    assert at_place("i", dim, 5, {"n": 2, "m": 3}) == {"i_1": 1, "i_2": 2}
    assert delta(i, along("a", dim)) == delta("i_1", "a_1") * delta("i_2", "a_2")


def test_the_shape_of_numbers_is_that_of_words():
    program = parse("A: (2, 3); X: (3, 4); b: (8, 1); L = sum((vec(A @ X) - b) ** 2)")
    assert program.leaves["b"].shape.rows == Product(("m", "n"))
    square = parse("A: (2, 3); Y = kron(A, A)").output
    assert square.shape == Shape(times("n", "n"), times("d", "d"))


@pytest.mark.parametrize(
    "text",
    [
        "A: (n, m); B: (n, m); Y = vec(A) + vec(B.T)",
        "v: (n, 1); Y = unvec(v, (n, n))",
        "A: (n, m); Y = unvec(A, (n, m))",
        "G: (n, m); B: (p, q); Y = kron_left(G, B)",
        "G: (n * p, m * q); B: (p, q); Y = kron_right(G, B)",
    ],
)
def test_shapes_that_do_not_fit(text):
    with pytest.raises(ShapeError):
        parse(text)


def test_another_order_of_the_same_entries_is_not_refuted():
    """NumPy adds n * m entries to m * n; here that has no meaning, so nothing is said of it."""
    program = "A: (n, m); v = vec(A); L = sum(v)"
    for claim in ("dv = vec(ones(m, n))", "dA = unvec(ones(n * m, 1) + vec(0 * A), (n, m))"):
        assert derive.check(program, claim)[0].verdict == "undecided"


def test_every_place_of_an_operator_prints_and_reads_back():
    A, B = var("A", Shape("n", "m")), var("B", Shape("p", "q"))
    whole = OPS["kron"](A, B)
    for expr in (OPS["kron_left"](whole, B), OPS["kron_right"](whole, A), OPS["vec"](whole)):
        text = f"A: (n, m); B: (p, q); Y = {expr}"
        assert parse(text).statements[0].expr is expr
        assert whole in nodes(expr)


# -- with numbers, and beside SymPy ----------------------------------------------------------------


def test_a_graph_with_numbers_reads_products_of_sizes():
    from derive.circuits.values import point

    program = parse("v: (n * m, 1); A: (n, m); B: (2, n * m); L = sum(B @ v) + sum(A)")
    given = {"v": [[1], [2], [3], [4]], "A": [[1, 2], [3, 4]], "B": [[1, 2, 3, 4]] * 2}
    found = point(program, given)
    assert (found.sizes["n"], found.sizes["m"]) == (2, 2)
    with pytest.raises(ShapeError, match="v has 3 rows, 4 expected"):
        point(program, {**given, "v": [[1], [2], [3]]})
    with pytest.raises(UnsupportedError, match="leaves n open"):
        point(parse("v: (n * m, 1); L = sum(v)"), {"v": [[1], [2]]})
    alone = point(parse("v: (n * m, 1); L = sum(v)"), {"v": [[1], [2], [3], [4]]}, {"n": 2})
    assert alone.sizes["m"] == 2


def test_sympy_sorts_the_factors_of_a_dimension():
    sp = pytest.importorskip("sympy")
    from derive.bridges.sympy import from_sympy, to_sympy

    n, m, p, q = sp.symbols("n m p q")
    A, B = sp.MatrixSymbol("A", p, q), sp.MatrixSymbol("B", n, m)
    C = sp.MatrixSymbol("C", p * n, q * m)
    text = from_sympy(sp.Trace(C.T * sp.KroneckerProduct(A, B)))
    assert text == "A: (p, q); B: (n, m); C: (p * n, q * m); L = tr(C.T @ kron(A, B))"
    assert derive.prove(text, detail="brief").gradients["A"] == "kron_left(C, B)"
    assert to_sympy(text) == sp.Trace(C.T * sp.KroneckerProduct(A, B))
    with pytest.raises(UnsupportedError, match="vec"):
        to_sympy("A: (n, m); Y = vec(A)")


def test_shapes_beside_the_text_may_be_products():
    program = parse("Y = unvec(v, (n, m))", {"v": ("m * n", 1)})
    assert program.leaves["v"].shape == Shape(times("m", "n"), 1)
    with pytest.raises(ShapeError, match="neither a name nor a whole number"):
        parse("Y = v", {"v": ("m * ", 1)})


# -- what is not known, and what is wrong ----------------------------------------------------------


def test_a_true_claim_about_a_determinant_is_proved():
    program = "A: (n, n); B: (m, m); L = det(kron(A, B))"
    (found,) = derive.check(program, "dA = m * det(kron(A, B)) * inv(A).T")
    assert (found.verdict, found.scope) == ("proved", "every shape")


def test_a_false_claim_about_a_determinant_is_refuted():
    (found,) = derive.check(
        "A: (n, n); B: (m, m); L = det(kron(A, B))", "dA = det(kron(A, B)) * inv(A).T"
    )
    assert found.verdict == "refuted" and found.counterexample is not None


def test_what_unvec_cannot_fill_is_said_with_both_numbers():
    with pytest.raises(ShapeError) as caught:
        parse("v: (6, 1); Y = unvec(v, (2, 4))")
    assert str(caught.value) == (
        "line 1, column 16: a column of 6 entries does not fill 2×4, which has 8\n"
        "  v: (6, 1); Y = unvec(v, (2, 4))\n"
        "                 ^^^^^^^^^^^^^^^^"
    )


def test_a_wrong_order_of_factors_is_diagnosed():
    program = "A: (n, n); X: (n, n); B: (n, n); y = kron(B.T, A) @ vec(X)"
    (found,) = derive.check(program, "dX = unvec(kron(A.T, B) @ dy, (n, n))")
    assert "the factors of the Kronecker product in the wrong order" in found.diagnosis


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("A: (n, m); Y = kron(A, A)", "acts on some entries of $Y$ alone"),
        ("v: (n * m, 1); Y = unvec(v, (m, n))", "acts on $y_{11}$ alone"),
        ("X: (n, m); Y = vec(X)", "acts on $y_{1}$ alone"),
    ],
)
def test_where_a_variable_acts(program, words):
    assert words in derive.prove(program).render("md")


def test_sums_that_share_no_index_come_out_of_a_root():
    program = "A: (n, m); B: (p, q); L = norm(kron(A, B))"
    (found,) = derive.check(program, "dA = A * norm(B) / norm(A)")
    assert (found.verdict, found.scope) == ("proved", "every shape")
    (found,) = derive.check("x: (n, 1); y: (m, 1); L = sqrt(sum(x) * sum(y))",
                            "dx = ones(n, 1) * sqrt(sum(y)) / sqrt(sum(x)) / 2")  # fmt: skip
    assert found.verdict != "proved"  # it has no value where both sums are negative


def test_a_stacked_product_is_a_statement_of_its_own():
    """Its row counts in fours, and no entry of a factor in twos stands at the same place."""
    assert derive.prove("A: (n, m); B: (p, q); K = kron(A, B); Y = vec(K)", detail="brief").proved
