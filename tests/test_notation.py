"""Notation: expressions of the language as LaTeX and as plain text, brackets where they matter."""

import pytest

from derive.expressions.expr import nodes
from derive.language.parse import parse
from derive.notation.latex import latex
from derive.notation.mathematics import Notation, Style
from derive.notation.text import text as plain
from derive.proof.explain import explain
from derive.readings.terms import Entries

SHAPES = (
    "A: (n, d); B: (n, d); C: (n, d); V: (d, m); S: (n, n); r: (1, d); c: (n, 1); "
    "s: (1, 1); x: (n, 1); "
)


def notation(program: str, **style) -> Notation:
    read = parse(program)
    used = read.reaching()
    wrt = tuple(name for name in read.inputs if name in used)
    return Notation(explain(read, wrt=wrt, detail="brief"), Style(**style))


def shown(expression: str, printer=latex, **style) -> str:
    book = notation(f"{SHAPES}Y = {expression}", **style)
    return printer(book.expr(book.program.statements[-1].expr))


@pytest.mark.parametrize(
    ("expression", "tex"),
    [
        ("A @ V", "AV"),
        ("A + B - C", "A + B - C"),
        ("A - (B - C)", "A - (B - C)"),
        ("A - (B + C)", "A - (B + C)"),
        ("-(A + B)", "-(A + B)"),
        ("(A + B) @ V", "(A + B)V"),
        ("A * B", r"A \odot B"),
        ("(A * B) @ V", r"(A \odot B)V"),
        ("A * (B @ V @ V.T)", r"A \odot (BVV^{\top})"),
        ("A * B + C", r"A \odot B + C"),
        ("A * (B + C)", r"A \odot (B + C)"),
        ("A / B", r"A \oslash B"),
        ("A / (B * C)", r"A \oslash (B \odot C)"),
        ("(A + B).T", r"(A + B)^{\top}"),
        ("(A @ V).T", r"(AV)^{\top}"),
        ("A ** 2", r"A^{\odot 2}"),
        ("(A + B) ** 2", r"(A + B)^{\odot 2}"),
        ("A.T ** 2", r"(A^{\top})^{\odot 2}"),
        ("tanh(A) ** 2", r"\tanh^{\odot 2}(A)"),
        ("exp(A) ** 2", r"\exp(A)^{\odot 2}"),
        ("2 * A", "2A"),
        ("-3 * A", "-3A"),
        ("A + -3 * B", "A - 3B"),
        ("A - -3 * B", "A + 3B"),
        ("A @ (-3 * V)", "A(-3V)"),
        ("A / 2", r"\frac{1}{2}\,A"),
        ("(A - B) / n", r"\frac{1}{n}\,(A - B)"),
        ("3 * A / (2 * n)", r"\frac{3}{2n}\,A"),
        ("A + r", r"A + \mathbf{1}r"),
        ("A + c", r"A + c\mathbf{1}^{\top}"),
        ("A + s", r"A + s\mathbf{1}\mathbf{1}^{\top}"),
        ("A + 1", "A + 1"),
        ("1 - A", "1 - A"),
        ("sum(A, axis=0)", r"\mathbf{1}^{\top}A"),
        ("sum(A + B, axis=1)", r"(A + B)\mathbf{1}"),
        ("sigmoid(A)", r"\sigma(A)"),
        ("relu(A @ V)", r"\operatorname{relu}(AV)"),
        ("sqrt(A)", r"\sqrt{A}"),
        ("abs(A - B)", r"\left\lvert A - B\right\rvert "),
        ("max(A, 0)", r"\max(A,\ 0)"),
        ("A > B", "[A > B]"),
        ("x.T @ S @ x", r"x^{\top}Sx"),
        ("x.T @ (S @ x)", r"x^{\top}(Sx)"),
        ("S + 2 * eye(n)", "S + 2I"),
    ],
)
def test_an_expression_in_latex(expression, tex):
    assert shown(expression) == tex


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        ("A @ V", "AV"),
        ("(A - B) / n", "1/n (A - B)"),
        ("A.T @ B", "AᵀB"),
        ("sum(A, axis=0)", "𝟏ᵀA"),
        ("A ** 2 / B", "A^⊙2 ⊘ B"),
    ],
)
def test_an_expression_as_text(expression, line):
    assert shown(expression, plain) == line


@pytest.mark.parametrize(
    ("statement", "tex"),
    [
        ("Y = A @ V", r"\sum_{k = 1}^{d} a_{ik}v_{kj}"),
        ("Y = A + r", "a_{ij} + r_{j}"),
        ("Y = (A - B) / n", r"\frac{1}{n}(a_{ij} - b_{ij})"),
        ("Y = -A / 2", r"-\frac{1}{2}a_{ij}"),
        ("Y = A / B", r"\frac{a_{ij}}{b_{ij}}"),
        ("Y = sum(A * B)", r"\sum_{k = 1}^{n} \sum_{l = 1}^{d} a_{kl}b_{kl}"),
        ("Y = sum(A) ** 2", r"\left(\sum_{k = 1}^{n} \sum_{l = 1}^{d} a_{kl}\right)^{2}"),
        ("Y = A - (B - C) * 2", "a_{ij} - 2(b_{ij} - c_{ij})"),
        ("Y = (A ** 2) ** 3", "a_{ij}^{6}"),
        ("Y = sqrt(A) ** 3", r"(\sqrt{a_{ij}})^{3}"),
    ],
)
def test_an_entry_in_latex(statement, tex):
    book = notation(SHAPES.replace("c: (n, 1); ", "") + statement)
    tree = book.program.statements[-1].expr
    letters = book.derivation.letters
    i, j = (k if dim != 1 else 0 for k, dim in zip(letters.output, tree.shape.dims))
    assert latex(book.scalar(Entries(letters.bound).of(tree, i, j))) == tex


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("X", "x_{12}"),
        ("W1", "w^{(1)}_{12}"),
        ("W_out", r"w^{(\mathit{out})}_{12}"),
        ("x_1", "x^{(1)}_{12}"),
        ("alpha", r"\alpha_{12}"),
        ("Sigma", r"\Sigma_{12}"),
        ("hidden", r"\mathit{hidden}_{12}"),
        ("lam", r"\lambda_{12}"),
    ],
)
def test_the_entries_of_a_name(name, entry):
    book = notation(f"{name}: (n, d); Y = exp({name})")
    assert latex(book.entry(name, 0, 1)) == entry


def test_a_comma_separates_indices_of_two_digits():
    read = parse("X: (12, 12); Y = exp(X)")
    book = Notation(explain(read, detail="brief"), Style())
    assert latex(book.entry("X", 0, 10)) == "x_{1,11}"
    assert latex(book.entry("X", 10, 0)) == "x_{11,1}"


@pytest.mark.parametrize(
    "program",
    [
        "x_1: (n, d); x1: (n, d); Y = x_1 * x1",
        "X: (n, d); x: (n, d); Y = X * x",
        "W1: (n, d); W: (n, d); w1: (n, d); Y = W1 * W * w1",
        "delta: (n, d); Delta: (n, d); Y = delta * Delta",
        "sigma: (n, d); Sigma: (n, d); Y = sigmoid(sigma) * Sigma",
        "lam: (n, d); Lambda: (n, d); Y = lam * Lambda",
    ],
)
def test_no_two_names_are_written_alike(program):
    book = notation(program)
    leaves = [n.data[0] for n in nodes(book.program.statements[-1].expr) if n.is_var]
    assert len({latex(book.leaf(name)) for name in leaves}) == len(leaves)
    entries = [latex(book.entry(name, 0, 1)) for name in leaves]
    assert len({*entries, r"\delta_{12}"}) == len(leaves) + 1


def test_entries_may_begin_at_0_and_gradients_may_be_short():
    book = notation(f"{SHAPES}Y = A @ V", base=0, gradients="short")
    assert latex(book.entry("A", 0, 1)) == "a_{01}"
    assert latex(book.entry("dY", 0, 1)) == "g_{01}"
    assert latex(book.leaf("dY")) == "G"
    assert latex(book.leaf("dA")) == r"\frac{\partial L}{\partial A}"
