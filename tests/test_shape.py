"""Shapes: words and numbers, products, broadcasting as NumPy does it."""

from itertools import product as pairs

import numpy as np
import pytest

from derive.expressions.errors import ShapeError
from derive.expressions.shape import SCALAR, Shape, broadcast, count, product, square

PRODUCTS = [
    (("n", "d"), ("d", "m"), ("n", "m")),
    (("n", 1), (1, "m"), ("n", "m")),
    ((2, 3), (3, 5), (2, 5)),
    (("n", "d"), ("m", "d"), None),
    (("n", "d"), (3, "m"), None),
    (("n", "d"), (1, "m"), None),
    ((2, 3), (2, 3), None),
]


@pytest.mark.parametrize("a, b, expected", PRODUCTS)
def test_products(a, b, expected):
    if expected is not None:
        assert product(Shape(*a), Shape(*b)) == Shape(*expected)
        return
    with pytest.raises(ShapeError) as caught:
        product(Shape(*a), Shape(*b))
    assert caught.value.clash == (a[1], b[0])


@pytest.mark.parametrize("a, b", [*pairs(pairs((1, 2, 3), repeat=2), repeat=2)])
def test_numbers_broadcast_as_in_numpy(a, b):
    try:
        expected = Shape(*np.broadcast_shapes(a, b))
    except ValueError:
        with pytest.raises(ShapeError):
            broadcast(Shape(*a), Shape(*b))
    else:
        assert broadcast(Shape(*a), Shape(*b)) == expected


WORDS = [
    (("n", "d"), (1, "d"), ("n", "d")),
    (("n", 1), (1, "d"), ("n", "d")),
    ((1, 1), ("n", "d"), ("n", "d")),
    (("n", "d"), ("d", "n"), None),
    (("n", "d"), ("n", "m"), None),
    (("n", "d"), (2, "d"), None),
]


@pytest.mark.parametrize("a, b, expected", WORDS)
def test_words_broadcast_only_where_they_are_the_same(a, b, expected):
    if expected is None:
        with pytest.raises(ShapeError):
            broadcast(Shape(*a), Shape(*b))
    else:
        assert broadcast(Shape(*a), Shape(*b)) == Shape(*expected)


def test_square():
    assert square(Shape("n", "n")) == Shape("n", "n")
    with pytest.raises(ShapeError, match="a square matrix is needed, this one is n×d"):
        square(Shape("n", "d"))


def test_the_rest():
    assert Shape("n", 3).at({"n": 2}) == Shape(2, 3)
    assert Shape("n", 3).T == Shape(3, "n")
    assert SCALAR.is_scalar and not Shape("n", 1).is_scalar
    assert (count(1, "row"), count("n", "row")) == ("1 row", "n rows")
