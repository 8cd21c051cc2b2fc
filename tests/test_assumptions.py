"""Assumptions: what each word means, and matrices that obey several of them together."""

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest

from derive.circuits.pleasant import pleasant
from derive.expressions.errors import ShapeError, UnsupportedError
from derive.judges.case import Case
from derive.judges.claim import Court
from derive.language.assumptions import ASSUMPTIONS, TABLE, assumed, broken, obeying
from derive.language.parse import parse

# by NumPy, and not by the table
MEANING = {
    "symmetric": lambda A: np.all(A == A.T),
    "spd": lambda A: np.all(A == A.T) and np.all(np.linalg.eigvalsh(A) > 1e-9),
    "invertible": lambda A: abs(np.linalg.det(A)) > 1e-9,
    "positive": lambda A: np.all(A > 0),
    "unit-interval": lambda A: np.all((A > 0) & (A < 1)),
    "row-stochastic": lambda A: np.all(A >= 0) and np.allclose(A.sum(axis=1), 1),
    "one-hot-rows": lambda A: np.all((A == 0) | (A == 1)) and np.all(A.sum(axis=1) == 1),
    "binary": lambda A: np.all((A == 0) | (A == 1)),
    "sign": lambda A: np.all(abs(A) == 1),
}
CHOICES = {"one-hot-rows": {0, 1}, "binary": {0, 1}, "sign": {-1, 1}}


def table(rows, cols, seed):
    drawn = np.random.default_rng(seed).integers(-3, 4, (rows, cols))
    return [[Fraction(int(x), 1 + seed % 4) for x in row] for row in drawn]


def there_is_one(words, n):
    """Whether an n×n matrix with words exists, by reasons for each case."""
    few = [CHOICES[w] for w in words if w in CHOICES]
    if not few:  # an average of the identity and of equal entries, but for a 1×1 matrix of rows
        return not (n == 1 and {"unit-interval", "row-stochastic"} <= set(words))
    cells = set.intersection(*few)
    cells &= {1} if "positive" in words else cells
    cells &= set() if "unit-interval" in words else cells
    one_each = {"row-stochastic", "one-hot-rows"} & set(words)
    if n == 1:
        return 1 in cells
    if "spd" in words:  # the diagonal is 1, a 2×2 minor 1 - x² is positive: the identity
        return {0, 1} <= cells
    if cells == {1}:  # all entries are 1
        return not one_each and "invertible" not in words
    return bool(cells) and not (one_each and 0 not in cells)


SEVERAL = [words for k in (1, 2, 3) for words in combinations(ASSUMPTIONS, k)]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_matrix_that_is_made_obeys_all_words_together_and_is_found_where_there_is_one(n):
    for words, seed in product(SEVERAL, range(3)):
        found = obeying(table(n, n, seed), words)
        assert (found is not None) == there_is_one(words, n), words
        if found is not None:
            A = np.array([[float(x) for x in row] for row in found])
            assert all(MEANING[word](A) for word in words), (words, A)
            assert obeying(found, words) == found


@pytest.mark.parametrize("word", ASSUMPTIONS)
def test_a_word_means_what_numpy_finds(word):
    for rows, cols in product((1, 2, 3), repeat=2):
        if TABLE[word].square and rows != cols:
            continue
        for cells in product((-1, 0, Fraction(1, 2), 1, 2), repeat=min(rows * cols, 4)):
            flat = [Fraction(x) for x in (*cells, *cells, cells[0])][: rows * cols]
            made = [flat[i * cols : (i + 1) * cols] for i in range(rows)]
            A = np.array([[float(x) for x in row] for row in made])
            assert (not broken(made, [word])) == bool(MEANING[word](A)), (word, A)


def test_many_different_matrices_obey():
    for words in SEVERAL:
        if there_is_one(words, 3) and "spd" not in words:
            found = {str(obeying(table(3, 3, seed), words)) for seed in range(8)}
            fixed = {"positive", "binary"} <= set(words) or {"positive", "sign"} <= set(words)
            fixed = fixed or {"binary", "sign"} <= set(words)
            assert len(found) > 1 or fixed, words


def test_an_assumption_about_a_matrix_that_is_not_square_names_the_word():
    program = parse("A: (n, m); Y = A * A")
    with pytest.raises(ShapeError, match="only a square matrix is spd"):
        assumed(program, {"A": ["positive", "spd"]})


# program, assumptions: every point that is drawn obeys them
DRAWN = {
    "unit interval": ("P: (n, m); Y = P * P", {"P": "unit-interval"}),
    "symmetric and row-stochastic": (
        "P: (n, n); Y = P @ P", {"P": ["symmetric", "row-stochastic"]},
    ),
    "definite and binary": ("P: (n, n); Y = P @ P", {"P": ["spd", "binary"]}),
    "a symmetric permutation": (
        "P: (n, n); Y = P @ P", {"P": ["one-hot-rows", "symmetric", "invertible"]},
    ),
    "a definite row-stochastic one": (
        "P: (n, n); Y = P @ P", {"P": ["spd", "row-stochastic", "positive"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_every_point_obeys_all_that_is_assumed(name):
    text, assume = DRAWN[name]
    case = Case(parse(text), assume)
    for k, seed in product((1, 2, 3), range(8)):
        trial = case.points.trial(dict.fromkeys(case.program.dims, k), seed)
        rows = trial.values["P"]
        assert broken(rows, case.assumed["P"]) == []
        found = pleasant(
            case.program, dict.fromkeys(case.program.dims, k), seed, None, case.assumed
        )
        assert broken(found.values["P"], case.assumed["P"]) == []


@pytest.mark.parametrize("words", [w for w in SEVERAL if len(w) < 3], ids=" and ".join)
def test_every_counterexample_obeys_all_that_is_assumed(words):
    """Of claims that differ from the truth everywhere, and of one that is false off symmetry."""
    for claim in ("dP = 3 * dY @ P.T", "dP = dY @ P + P @ dY"):
        found = Court("P: (n, n); Y = P @ P", assume={"P": words}).judge(claim)
        if found.counterexample is not None:
            values = found.counterexample.values["P"]
            assert broken([[Fraction(x) for x in row] for row in values], words) == []
        if not any(there_is_one(words, n) for n in (1, 2, 3)):
            assert (found.verdict, found.counterexample) == ("undecided", None)


IMPOSSIBLE = {
    "entries": (
        ["binary", "unit-interval"],
        "no matrix was found such that the entries of P are between 0 and 1 and "
        "the entries of P are 0 or 1",
    ),
    "signs of rows": (
        ["sign", "row-stochastic", "positive"],
        "no 2×2 matrix was found such that the entries of P are positive and the rows of P sum "
        "to one and the entries of P are 1 or -1",
    ),
}


@pytest.mark.parametrize("claim", ["dP = 2 * P * dY", "dP = 3 * P * dY"])
def test_a_claim_about_what_nothing_obeys_is_neither_proved_nor_refuted(claim):
    words, said = IMPOSSIBLE["entries"]
    found = Court("P: (n, n); Y = P * P", assume={"P": words}).judge(claim)
    assert (found.verdict, found.reason) == ("undecided", said)


def test_an_example_of_what_nothing_obeys_is_refused():
    words, said = IMPOSSIBLE["signs of rows"]
    program = parse("P: (n, n); Y = P * P")
    with pytest.raises(UnsupportedError) as caught:
        pleasant(program, None, 1, None, assumed(program, {"P": words}))
    assert caught.value.message == said
