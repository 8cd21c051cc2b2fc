"""Programs: what depends on what, sizes, suggestions."""

import pytest

from derive.expressions.errors import SizeError, UnsupportedError, nearest
from derive.language.parse import parse

PROGRAM = parse(
    "X: (n, d); W: (d, 3); U: (n, n); Z = X @ W; H = relu(Z); Q = U @ U; L = sum(H * Z)"
)


def test_what_reaches_the_output():
    assert PROGRAM.reaching() == {"X", "W", "Z", "H", "L"}
    assert PROGRAM.depending({"Z"}) == {"Z", "H", "L"}
    assert PROGRAM.depending({"U"}) == {"U", "Q"}
    assert [s.name for s in PROGRAM.users("Z")] == ["H", "L"]
    assert PROGRAM.is_loss and str(PROGRAM.output) == "L"
    assert PROGRAM.inputs == ("X", "W", "U")


def test_composition_puts_every_intermediate_in():
    last = PROGRAM.statements[-1].expr
    assert str(PROGRAM.composed(last)) == "sum(relu(X @ W) * (X @ W))"


def test_definitions():
    assert str(PROGRAM.defining("H")) == "H = relu(Z)"
    assert PROGRAM.defining("X") is None


SIZES = [
    (None, {"n": 2, "d": 3, "m": 3}),
    ({}, {"n": 2, "d": 3, "m": 3}),
    ({"n": 7}, {"n": 7, "d": 3, "m": 3}),
    ({"m": 5, "d": 1}, {"n": 2, "d": 1, "m": 5}),
]


@pytest.mark.parametrize("asked, found", SIZES)
def test_sizes(asked, found):
    assert PROGRAM.at(asked) == found


def test_sizes_that_are_refused():
    with pytest.raises(UnsupportedError, match="the program has no dimension k"):
        PROGRAM.at({"k": 2})
    with pytest.raises(SizeError, match="a dimension must be at least 1, n = 0 is not"):
        PROGRAM.at({"n": 0})


@pytest.mark.parametrize(
    "name, known, expected",
    [
        ("weigth", ["weight", "bias"], ": did you mean weight?"),
        ("x", ["X"], ": did you mean X?"),
        ("SIGMOID", ["sigmoid"], ": did you mean sigmoid?"),
        ("zebra", ["weight"], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_name(name, known, expected):
    assert nearest(name, known) == expected


def test_wanted_keeps_order_and_drops_repetitions():
    assert PROGRAM.wanted(("W", "X", "W")) == ("W", "X")
    assert PROGRAM.wanted(("Z",)) == ("Z",)
