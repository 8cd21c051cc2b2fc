"""Masks that agree almost everywhere, held against each other where they may not: at ties.

Two masks are claimed to be one and the same; what is called proved must be so at every small size,
at numbers that tie as well, by another road: the entries as intervals compute them.
"""

from fractions import Fraction
from itertools import product

import pytest

from derive.circuits.values import point
from derive.judges.case import Case
from derive.language.parse import parse
from derive.proof.sizes import obeyed
from derive.readings.numbers import Enclosures, interval

ONES = "ones(n, n)"
MASKS = (
    "(A > A.T)", "(A >= A.T)", "((A > A.T) + eye(n) / 2)",
    "sign(A - A.T) ** 2", "((A > A.T) + (A.T > A))", "(1 - eye(n))", "(eye(n) > 0)",
    f"({ONES} / 2)", f"({ONES} * (n > 1))",
    f"({ONES} * sign(n - 1) ** 2)", f"(eye(n) >= {ONES} / n)",
    f"{ONES}", "sign(relu(A - A.T))",
    "(abs(A - A.T) > 0)", "(D > 0)", "sign(D) ** 2",
)  # fmt: skip
CLAIMED = tuple(mask for mask in MASKS if "D" not in mask)
WORDS = ({}, {"A": "symmetric"}, {"A": "binary"}, {"A": "one-hot-rows"}, {"A": "row-stochastic"})
POINTS = {
    "symmetric": {1: [[2]], 2: [[1, 5], [5, 3]], 3: [[1, 5, 2], [5, 3, 7], [2, 7, 4]]},
    "binary": {1: [[1]], 2: [[0, 1], [0, 1]], 3: [[0, 1, 1], [0, 0, 1], [0, 0, 1]]},
    "one-hot-rows": {1: [[1]], 2: [[0, 1], [0, 1]], 3: [[0, 1, 0], [0, 0, 1], [1, 0, 0]]},
    "row-stochastic": {1: [[1]], 2: [["1/4", "3/4"], ["1/2", "1/2"]],
                       3: [["1/2", "1/8", "3/8"], ["1/4", "1/2", "1/4"], ["5/8", "1/8", "1/4"]]},
    "": {1: [[2]], 2: [[1, 5], [-2, 3]], 3: [[1, 5, -2], [6, 3, 7], [0, -7, 4]]},
}  # fmt: skip


def entries(mask: str, word: str, n: int) -> list[list[Fraction]]:
    program = parse(f"A: (n, n); D = A - A.T; Z = {mask} + 0 * D")
    found = point(program, {"A": POINTS[word][n]})
    work = Enclosures({"n": n}, {k: [[interval(x) for x in r] for r in v]
                              for k, v in found.values.items()})  # fmt: skip
    rows = work.matrix(program.composed(program.output))
    return [[round(float(interval(x).mid()), 9) for x in row] for row in rows]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.get("A", "nothing assumed"))
def test_what_is_proved_of_two_masks_is_so_at_ties(words):
    word, proved = words.get("A", ""), 0
    values = {(m, n): entries(m, word, n) for m in MASKS for n in (1, 2, 3)}
    for mask in MASKS:
        case = Case(parse(f"A: (n, n); W: (n, n); D = A - A.T; Y = W * {mask} + 0 * D"), words)
        for other in CLAIMED:
            name, claim, *_ = said = case.read(f"dW = dY * {other}")
            if not case.proves(name, claim):
                continue
            relations = case.relations(said)
            if relations is not None:
                proved += 1
                for n in (1, 2, 3):
                    same = values[mask, n] == values[other, n]
                    assert same or not obeyed(relations, {"n": n}), (mask, other, n)
    # from n = 4 on no matrix with a one in each row differs from its transpose off the diagonal
    assert proved > (len(CLAIMED) if word != "one-hot-rows" else 5)


def test_the_pool_holds_masks_that_differ_at_ties_alone():
    """The pool is of use: many pairs agree at n = 3 off the diagonal and differ on it."""

    def off(mask):
        rows = entries(mask, "", 3)
        return [rows[i][j] for i, j in product(range(3), repeat=2) if i != j]

    near = [(a, b) for a, b in product(MASKS, repeat=2)
            if off(a) == off(b) and entries(a, "", 3) != entries(b, "", 3)]  # fmt: skip
    assert len(near) > 20
