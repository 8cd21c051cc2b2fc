"""The calculator: what stands on a page comes to the number that a pupil would find."""

from fractions import Fraction

import pytest
from flint import arb
from hypothesis import given, strategies as st

from derive.expressions.layout import Box, frac, num, op, paren, raw, row, sup, word
from derive.notation.arithmetic import Term, literal
from derive.notation.calculator import Unreadable, comes_to, table, value
from derive.notation.latex import latex
from derive.readings.numbers import rational


def M(*rows):
    return Box("matrix", tuple(Box("row", tuple(map(n, line))) for line in rows), "round")


def n(x):
    return literal(Fraction(x)).box


COMMA = op("comma-space")
A, B = M([1, 2], [3, 4]), M([0, 1], [-1, 2])


@pytest.mark.parametrize(
    ("box", "rows"),
    [
        (row(n(2), op("plus"), n(3), op("cdot"), n(4)), [[14]]),
        (row(n(7), op("minus"), n(2), op("minus"), n(3)), [[2]]),
        (row(op("negative"), sup(n(3), num(2))), [[-9]]),
        (sup(paren(n(-3)), num(2)), [[9]]),
        (sup(num(4), raw("-3/2")), [["1/8"]]),
        (frac(row(n(1), op("plus"), n(2)), n(6)), [["1/2"]]),
        (Box("root", (frac(n(4), n(9)),)), [["2/3"]]),
        (paren(n(-3), "bars"), [[3]]),
        (paren(row(n(2), op("greater"), n(1)), "iverson"), [[1]]),
        (paren(row(n(2), op("equals"), n(1)), "iverson"), [[0]]),
        (row(word("relu"), paren(n(-2))), [[0]]),
        (row(word("max"), paren(row(n(1), COMMA, n(5), COMMA, n(2)))), [[5]]),
        (row(A, op("thin"), B), [[-2, 5], [-4, 11]]),
        (row(A, B), [[-2, 5], [-4, 11]]),
        (row(A, op("odot"), B), [[0, 2], [-3, 8]]),
        (row(B, op("oslash"), A), [[0, "1/2"], ["-1/3", "1/2"]]),
        (row(A, op("odot"), B, op("thin"), A), [[3, 8], [15, 24]]),
        (row(n(2), op("cdot"), A, op("minus"), B), [[2, 3], [7, 6]]),
        (sup(A, op("top")), [[1, 3], [2, 4]]),
        (sup(A, raw("-1")), [[-2, 1], ["3/2", "-1/2"]]),
        (sup(A, row(op("negative"), op("top"))), [[-2, "3/2"], [1, "-1/2"]]),
        (sup(A, row(op("entrywise"), raw("2"))), [[1, 4], [9, 16]]),
        (row(word("tr"), A), [[5]]),
        (row(word("det"), A), [[-2]]),
        (row(word("sum"), paren(A)), [[10]]),
        (row(word("mean"), paren(A)), [["5/2"]]),
        (row(word("rowmax"), A), [[2], [4]]),
        (row(word("colmin"), A), [[1, 2]]),
        (row(word("diagonal"), A), [[1], [4]]),
        (row(word("diag"), M([1, 2])), [[1, 0], [0, 2]]),
        (row(word("vec"), A), [[1], [3], [2], [4]]),
        (row(word("kron"), paren(row(M([1, 2]), COMMA, M([3], [4])))), [[3, 6], [4, 8]]),
        (row(word("max"), paren(row(A, op("comma-space"), M([2, 3])))), [[2, 3], [3, 4]]),
        (row(M([1, 2]), op("otimes"), M([3], [4])), [[3, 6], [4, 8]]),
        (paren(M([3, 4]), "double-bars"), [[5]]),
    ],
)  # fmt: skip
def test_a_layout_comes_to_its_number(box, rows):
    rows = [[rational(Fraction(x)) for x in line] for line in rows]
    assert comes_to(box, rows), f"{latex(box)} comes to {table(box)}"
    wrong = [[x + 1 for x in line] for line in rows]
    assert not comes_to(box, wrong)


@pytest.mark.parametrize(
    ("box", "x", "right"),
    [
        (Box("rounded", text="0.3333"), Fraction(1, 3), True),
        (Box("rounded", text="0.3334"), Fraction(1, 3), False),
        (row(n(3), op("cdot"), Box("rounded", text="0.3333")), Fraction(1), True),
        (row(Box("rounded", text="1.5"), op("cdot"), sup(n(10), n(3))), Fraction(1512), True),
        (row(Box("rounded", text="1.5"), op("cdot"), sup(n(10), n(3))), Fraction(1600), False),
        (row(op("sigma"), paren(n(0))), Fraction(1, 2), True),
        (row(word("exp"), paren(n(1))), Fraction(2718281828, 10**9), False),
    ],
)
def test_a_rounded_number_is_all_that_are_rounded_to_it(box, x, right):
    assert comes_to(box, [[rational(x)]]) is right


@pytest.mark.parametrize(
    "box",
    [
        Box("id", text="x"),
        op("cdots"),
        row(n(1), op("plus"), op("cdots"), op("plus"), n(2)),
        row(n(1), op("plus")),
        row(n(1), op("equals"), n(2)),
        row(A, op("plus"), M([1, 2, 3])),
        row(A, op("thin"), M([1, 2, 3])),
        frac(A, n(2)),
        frac(n(1), n(0)),
        sup(A, raw("2")),
        row(word("sing"), paren(n(1))),
        word("exp"),
        row(word("log"), paren(n(-1))),
        Box("raw", text="7"),
    ],
)
def test_what_has_no_value_is_not_guessed(box):
    with pytest.raises(Unreadable):
        table(box)


def test_a_matrix_is_no_number():
    with pytest.raises(Unreadable, match="a matrix is no number"):
        value(A)


NUMBERS = st.fractions(-9, 9, max_denominator=4)
TREES = st.recursive(
    NUMBERS.map(lambda x: (x, literal(x))),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: (p[0][0] + p[1][0], p[0][1] + p[1][1])),
        st.tuples(inner, inner).map(lambda p: (p[0][0] - p[1][0], p[0][1] - p[1][1])),
        st.tuples(inner, inner).map(lambda p: (p[0][0] * p[1][0], p[0][1] * p[1][1])),
        st.tuples(inner, inner)
        .filter(lambda p: p[1][0] != 0)
        .map(lambda p: (p[0][0] / p[1][0], p[0][1] / p[1][1])),
        inner.map(lambda p: (-p[0], -p[1])),
        inner.map(lambda p: (p[0] ** 2, p[1] ** 2)),
    ),
    max_leaves=12,
)


@given(TREES)
def test_written_arithmetic_has_the_brackets_that_it_needs(tree):
    number, term = tree
    assert isinstance(term, Term)
    assert value(term.box) == rational(number), latex(term.box)


def test_an_interval_is_met_as_far_as_it_is_known():
    assert comes_to(row(word("exp"), paren(n(1))), [[arb(1).exp()]])
    assert not comes_to(row(word("exp"), paren(n(1))), [[arb(2).exp()]])
