"""Errors are sentences with a place: the text, a caret under the culprit, a hint."""

import pytest

from derive.expressions.errors import (
    DeriveError,
    FaultError,
    LimitError,
    OutputError,
    ParseError,
    Place,
    ProofError,
    ShapeError,
    SizeError,
    UnsupportedError,
)

POINTERS = {
    "one character": (Place("y = x ! 2", 1, 7), "  y = x ! 2\n        ^"),
    "a word": (Place("y = foo(x)", 1, 5, 3), "  y = foo(x)\n      ^^^"),
    "the second line": (Place("a = 1\nb = c", 2, 5), "  b = c\n      ^"),
    "a tab keeps its place": (Place("\ty = !", 1, 6), "   y = !\n       ^"),
    "after the end": (Place("y = ", 1, 5), "  y = \n      ^"),
    "an empty text": (Place("", 1, 1), "  \n  ^"),
    "a width is bounded": (Place("x" * 90, 1, 1, 90), f"  {'x' * 90}\n  {'^' * 60}"),
    "a long line is cut": (
        Place("x" * 200 + "!", 1, 201),
        "  " + "x" * 59 + "!\n  " + " " * 59 + "^",
    ),
}


@pytest.mark.parametrize("place, shown", POINTERS.values(), ids=POINTERS)
def test_a_place_points_at_the_culprit(place, shown):
    assert place.pointer() == shown


def test_an_error_says_where_what_and_how():
    error = ParseError("no", hint="do", place=Place("y = !", 1, 5))
    assert str(error) == "line 1, column 5: no\n  y = !\n      ^\n  hint: do"


def test_the_innermost_place_stays():
    inner, outer = Place("abc", 1, 2), Place("abc", 1, 1, 3)
    error = DeriveError("no").at(inner).at(outer)
    assert error.place is inner


@pytest.mark.parametrize(
    "kind, code",
    [
        (ParseError, 2),
        (ShapeError, 2),
        (UnsupportedError, 2),
        (SizeError, 2),
        (OutputError, 2),
        (LimitError, 3),
        (ProofError, 3),
        (FaultError, 4),
    ],
)
def test_one_family_and_its_exit_codes(kind, code):
    assert issubclass(kind, DeriveError) and kind.exit_code == code
