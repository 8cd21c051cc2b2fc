"""What may be assumed of an input: words, and what they mean for a matrix of numbers.

What enters comes from a user; what leaves is a set of known words for each input. An assumption
restricts the points at which something is judged or worked out, never the differentiation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from derive.errors import ShapeError, UnsupportedError
from derive.ops.square import determinant
from derive.program import Program, nearest

ASSUMPTIONS = (
    "symmetric", "spd", "invertible", "positive", "unit-interval", "row-stochastic",
    "one-hot-rows", "binary", "sign",
)  # fmt: skip
Assumptions = Mapping[str, str | Sequence[str]]


def assumed(program: Program, assume: Assumptions) -> dict[str, frozenset[str]]:
    """Return what is assumed of each input as a set of words.

    >>> from derive.parse import parse
    >>> assumed(parse("A: (n, n); f = tr(A)"), {"A": "spd"})
    {'A': frozenset({'spd'})}

    Raises `UnsupportedError` for an unknown input or word, `ShapeError` where a word asks for a
    square matrix.
    """
    found = {}
    for name, words in assume.items():
        if name not in program.inputs:
            raise UnsupportedError(f"there is no input {name}{nearest(name, program.inputs)}")
        known = frozenset([words] if isinstance(words, str) else words)
        for word in known:
            if word not in ASSUMPTIONS:
                raise UnsupportedError(
                    f"there is no assumption {word}{nearest(word, ASSUMPTIONS)}",
                    hint=f"there are {', '.join(ASSUMPTIONS)}",
                )
        shape = program.leaves[name].shape
        if known & {"symmetric", "spd", "invertible"} and shape.rows != shape.cols:
            raise ShapeError(f"{name} is {shape}, and only a square matrix is {min(known)}")
        found[name] = known
    return found


def broken(rows: list[list[Fraction]], words: Iterable[str]) -> list[str]:
    """Return the words that a matrix does not obey.

    >>> broken([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(1)]], ["symmetric", "spd"])
    ['spd']
    """
    return [word for word in ASSUMPTIONS if word in words and not _obeys(rows, word)]


def _obeys(rows: list[list[Fraction]], word: str) -> bool:
    cells = [x for row in rows for x in row]
    match word:
        case "symmetric":
            return rows == [list(column) for column in zip(*rows, strict=True)]
        case "spd":
            minors = ([row[:k] for row in rows[:k]] for k in range(1, len(rows) + 1))
            return _obeys(rows, "symmetric") and all(determinant(minor) > 0 for minor in minors)
        case "invertible":
            return bool(determinant(rows) != 0)
        case "positive":
            return all(x > 0 for x in cells)
        case "unit-interval":
            return all(0 < x < 1 for x in cells)
        case "row-stochastic":
            return all(x >= 0 for x in cells) and all(sum(row) == 1 for row in rows)
        case "binary":
            return all(x in (0, 1) for x in cells)
        case "one-hot-rows":
            return _obeys(rows, "binary") and _obeys(rows, "row-stochastic")
    return all(x in (-1, 1) for x in cells)
