"""Numbers that users give: what is read, and what is refused with which words."""

from fractions import Fraction

import numpy as np
import pytest

from derive.circuits.values import number, point, read_values
from derive.expressions.errors import DeriveError
from derive.language.parse import parse

PROGRAM = parse("X: (n, d); w: (d, 1); y = X @ w")
THIRD = Fraction(1, 3)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x=-2", {"x": "-2"}),
        (" x = -2 , y=1e-3; z = 1/3", {"x": "-2", "y": "1e-3", "z": "1/3"}),
        ("X=[[1,2],[3,4.5]]", {"X": [["1", "2"], ["3", "4.5"]]}),
        ("X=[[1,2],\n [3,4]]\ny=5", {"X": [["1", "2"], ["3", "4"]], "y": "5"}),
        ("", {}),
    ],
)
def test_text_is_read(text, values):
    assert read_values(text) == values


def test_files_are_read_exactly(tmp_path):
    (tmp_path / "a.json").write_text('{"x": 0.1, "X": [[1, 2e-1]], "huge": 123456789012345678901}')
    (tmp_path / "b.toml").write_text('x = 0.1\nX = [[1, 2e-1]]\nthird = "1/3"\n')
    for name in ("a.json", "b.toml"):
        found = read_values(str(tmp_path / name))
        assert number("x", found["x"]) == Fraction(1, 10)
        assert [number("X", x) for x in found["X"][0]] == [1, Fraction(1, 5)]
    assert number("huge", read_values(tmp_path / "a.json")["huge"]) == 123456789012345678901


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), ("3", 3), ("-.5", Fraction(-1, 2)), ("2.", 2), ("1/3", THIRD), (0.1, Fraction(1, 10)),
     (Fraction(1, 3), THIRD), ("1e3", 1000), (np.float64(0.25), Fraction(1, 4)), (np.int64(7), 7)],
)  # fmt: skip
def test_a_number_is_exact(value, expected):
    assert number("x", value) == expected


def test_sizes_follow_from_matrices_and_flat_lists_are_vectors():
    found = point(PROGRAM, {"X": [[1, 2], [3, 4], [5, 6]], "w": [1, 2], "dy": [1, 0, -1]})
    assert dict(found.sizes) == {"n": 3, "d": 2}
    assert found.values["w"] == [[1], [2]] and found.seed == [[1], [0], [-1]]
    assert point(PROGRAM, {"X": np.eye(2), "w": np.ones((2, 1))}).values["X"] == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X=[[1,2],[3,4]]", "w has no value\n  hint: add w=..."),
        ("", "X and w have no value\n  hint: add X=..., w=..."),
        ("X=[[1,2],[3,4]],w=[1,2],q=3",
         "there is no input q\n  hint: values are given to X and w"),
        ("X=[[1,2],[3,4]],W=[1,2]",
         "there is no input W: did you mean w?\n  hint: values are given to X and w"),
        ("X=[[1,2],[3,4]],w=[1,2],y=[1,2]",
         "y is computed by the program and takes no value\n  hint: values are given to X and w"),
        ("X=[[1,2],[3,4]],w=[1,2,3]",
         "w has 3 rows, 2 expected: d = 2 by the columns of X\n  hint: w is d×1"),
        ("X=[[1,2],[3]],w=[1,2]", "X has rows of different lengths: [1, 2]"),
        ("X=[[]],w=[1]", "X has rows of different lengths: [0]"),
        ("X=[[1,[2]],[3,4]],w=[1,2]", "X[1, 2] is ['2'], a number is expected\n"
         "  hint: numbers are written 3, -0.5, 1e-3 or 1/3"),
        ("X=[[1,nan],[3,4]],w=[1,2]", "X[1, 2] is nan, a finite number is expected"),
        ("X=[[1,-inf],[3,4]],w=[1,2]", "X[1, 2] is -inf, a finite number is expected"),
        ("X=[[1,two],[3,4]],w=[1,2]", "X[1, 2] is 'two', a number is expected\n"
         "  hint: numbers are written 3, -0.5, 1e-3 or 1/3"),
        ("X=[[1,1/0],[3,4]],w=[1,2]", "X[1, 2] is 1/0: division by zero"),
        ("X=[[1,2],[3,4],w=[1,2]", "the brackets of 'X=[[1,2],[3,4],w=[1,2]' do not match"),
        ("X", "values are written x=-2,y=5, not 'X'\n  hint: a matrix is a nested list: "
         "X=[[1,2],[3,4]]; a file ends in .json or .toml"),
        ("X=1,X=2", "X has two values"),
        ("nothing.json", "cannot read nothing.json: No such file or directory"),
    ],
)  # fmt: skip
def test_bad_values_are_refused(text, message):
    with pytest.raises(DeriveError) as raised:
        point(PROGRAM, read_values(text))
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "cannot be read: Expecting property name"),
        ("a.json", "[1]", "holds no names: an object"),
        ("a.toml", "x = ", "is not TOML that can be read"),
        ("a.json", b"\xff", "is not UTF-8 text: byte 1"),
        ("a.json", '{"x": NaN}', "x is NaN, a finite number is expected"),
        ("a.json", '{"x": true}', "x is true, a number is expected"),
        ("a.json", '{"x": null}', "x is none, a number is expected"),
    ],
)
def test_bad_files_are_refused(name, text, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DeriveError) as raised:
        point(parse("y = 2 * x"), read_values(path))
    assert message in str(raised.value)


def test_a_size_that_the_user_wrote_binds():
    program = parse("X: (2, 3); L = sum(X)")
    with pytest.raises(DeriveError, match="X has 2 columns, 3 expected"):
        point(program, {"X": [[1, 2], [3, 4]]})
