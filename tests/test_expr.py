"""Expressions: interned, well-shaped or not there at all, printed with the fewest brackets."""

import pytest

from derive.expressions.errors import ShapeError
from derive.expressions.expr import OPS, elementwise, nodes, number, substitute, variables
from derive.expressions.shape import Shape
from derive.language.parse import parse
from derive.ops import var

A, B, C = (var(name, Shape("n", "n")) for name in "ABC")
X, W, b = var("X", Shape("n", "d")), var("W", Shape("d", "m")), var("b", Shape(1, "d"))
s = var("s", Shape(1, 1))

PRINTED = [
    (A @ B @ C, "A @ B @ C"),
    (A @ (B @ C), "A @ (B @ C)"),
    (A * B @ C, "(A * B) @ C"),
    (A * (B @ C), "A * (B @ C)"),
    ((A @ B) * C, "A @ B * C"),
    (A - (B - C), "A - (B - C)"),
    (A - B - C, "A - B - C"),
    (A / (B * C), "A / (B * C)"),
    (A / B * C, "A / B * C"),
    (-(A + B), "-(A + B)"),
    (-A * B, "-A * B"),
    (-(A * B), "-(A * B)"),
    ((-A) ** 2, "(-A) ** 2"),
    (-(A**2), "-A ** 2"),
    (A.T**2, "A.T ** 2"),
    ((A**2).T, "(A ** 2).T"),
    ((A @ B).T, "(A @ B).T"),
    (A ** number(1).data, "A ** 1"),
    (A > B, "A > B"),
    ((A > B) * C, "(A > B) * C"),
    (X + b, "X + b"),
    (2 * X, "2 * X"),
    (X / 3, "X / 3"),
    (number(1) / number(3) * X, "1 / 3 * X"),
    (s * X, "s * X"),
    (OPS["sum"](X, data=(0,)), "sum(X, axis=0)"),
    (elementwise("max", X, 0), "max(X, 0)"),
    (OPS["eye"](data="n") @ A, "eye(n) @ A"),
]


@pytest.mark.parametrize("expr, text", PRINTED, ids=[text for _, text in PRINTED])
def test_printing(expr, text):
    assert str(expr) == text


@pytest.mark.parametrize(
    "text", [text for _, text in PRINTED if "1 / 3" not in text and "** 1" not in text]
)
def test_printing_is_read_again(text):
    shapes = "A: (n, n); B: (n, n); C: (n, n); X: (n, d); W: (d, m); b: (1, d); s: (); F = "
    assert str(parse(shapes + text).statements[0].expr) == text


def test_equal_expressions_are_one_object():
    assert X @ W is X @ W
    assert (X @ W).T is not X @ W
    assert var("X", Shape("n", "d")) is X
    assert var("X", Shape("n", "m")) is not X
    assert 2 * X is number(2) * X


ILL_SHAPED = {
    "inner dimensions": lambda: X @ X,
    "broadcasting": lambda: X + W,
    "a trace": lambda: OPS["tr"](X),
    "a row against a column": lambda: b @ b,
}


@pytest.mark.parametrize("build", ILL_SHAPED.values(), ids=ILL_SHAPED)
def test_an_ill_shaped_node_cannot_be_built(build):
    with pytest.raises(ShapeError):
        build()


def test_a_broadcast_is_a_node_of_its_own():
    assert [node.name for node in nodes(X + b)] == ["var", "var", "broadcast_to", "add"]
    assert str((X + b).args[1]) == "broadcast_to(b, (n, d))"


def test_a_broadcast_that_numpy_would_not_insert_is_printed():
    wide = OPS["broadcast_to"](s, data=Shape(1, "d"))
    assert str(wide + b) == "s + b"
    assert str(wide + wide) == "s + broadcast_to(s, (1, d))"


def test_walking():
    F = (X @ W) * (X @ W)
    assert nodes(F) == [X, W, X @ W, F]
    assert variables(F) == [X, W]


def test_substitution_is_simultaneous():
    assert substitute(A @ B, {A: B, B: A}) is B @ A
    assert substitute(A @ B, {C: A}) is A @ B


def test_a_deep_tree_is_no_recursion():
    deep = A
    for _ in range(5000):
        deep = -deep
    assert len(nodes(deep)) == 5001 and str(deep) == "-" * 5000 + "A"
