"""Masks as people write them: what is true is proved, what is false refuted, nothing undecided.

`masks.txt` has the programs and the claims. Each is held against central differences besides (see
referee.py), which know nothing of signs and cases.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from referee import Setting, at_counterexample

import derive
from derive.judges.claim import Court
from derive.language.parse import parse
from derive.proof.verdict import EVERY_SHAPE
from derive.readings.numbers import Enclosures

BLOCKS = Path(__file__).with_name("masks.txt").read_text("utf-8").split("\n\n")[1:]
TABLE = {program: claims for program, *claims in map(str.splitlines, BLOCKS)}


def by_differences(text: str) -> Setting:
    program = parse(text)
    shapes = {name: program.leaves[name].shape.dims for name in program.inputs}
    return Setting(";".join(part for part in text.split(";") if "=" in part), shapes)


@pytest.mark.parametrize("program", TABLE)
def test_claims_are_decided(program):
    court, ground = Court(program), by_differences(program)
    for line in TABLE[program]:
        mark, claim = line[0], line[2:]
        found = court.judge(claim)
        target, formula = claim.split(" = ", 1)
        if mark == "-":  # which differences at a few points need not see
            assert found.verdict == "refuted" and found.counterexample, (claim, found.reason)
            expected, claimed = at_counterexample(ground, target[1:], formula, found.counterexample)
            assert abs(expected - claimed) > 1e-9, claim
            continue
        assert mark == "0" or ground.agrees(target[1:], formula), f"the table is wrong: {claim}"
        assert (found.verdict, found.where) == ("proved", EVERY_SHAPE), (claim, found.reason)


@pytest.mark.parametrize("program", TABLE)
def test_programs_are_proved(program):
    assert derive.prove(program, detail="brief").proved


# -- a condition that is a number ------------------------------------------------------------------

NUMBERS = "C: (2, 2); A: (2, 2); B: (2, 2); Y = where(C, A, B)"
POINT = {
    "C": [[2, 0], [-1, 0]], "A": [[1, 2], [3, 4]], "B": [[5, 6], [7, 8]], "dY": [[1, 2], [3, 4]],
}  # fmt: skip


def test_where_takes_its_first_value_wherever_the_condition_is_not_zero():
    arrays = {name: np.array(rows) for name, rows in POINT.items()}
    expected = np.where(arrays["C"], arrays["A"], arrays["B"])
    program = parse(NUMBERS)
    point = {name: [[Fraction(x) for x in row] for row in rows] for name, rows in POINT.items()}
    found = Enclosures(program.sizes, point).matrix(program.statements[-1].expr)
    assert found == expected.tolist()
    scope: dict = {}
    exec(derive.gradient(NUMBERS, code="numpy"), scope)
    gradients = scope["gradients"](**arrays)
    hot = (arrays["C"] != 0).astype(int)
    assert (gradients["A"] == arrays["dY"] * hot).all()
    assert (gradients["B"] == arrays["dY"] * (1 - hot)).all()
    assert (gradients["C"] == 0).all()


def test_where_by_a_binary_matrix_is_where_by_a_mask():
    claims = ["dA = dY * C", "dB = dY * (1 - C)", "dB = dY * C"]
    found = derive.check(NUMBERS.replace("2, 2", "n, d"), claims, assume={"C": "binary"})
    assert [one.verdict for one in found] == ["proved", "proved", "refuted"]


def test_where_goes_to_sympy_and_back():
    sympy = pytest.importorskip("sympy")
    from derive.bridges.sympy import from_sympy, to_sympy

    c, a, b, y = sympy.symbols("c a b y")
    found = to_sympy("c: (); a: (); b: (); y = where(c, a, b)")
    (formula,) = found.values() if isinstance(found, dict) else (found,)
    values = [formula.subs({"a": 3, "b": 5, "c": k}) for k in (2, 0, -1)]
    assert values == [3, 5, 3]
    back = from_sympy(sympy.Eq(y, sympy.Piecewise((a, sympy.Ne(c, 0)), (b, True))))
    assert "where(c == 0, b, a)" in back
    back = from_sympy(sympy.Eq(y, sympy.Piecewise((a, sympy.Eq(c, 0)), (b, True))))
    assert "where(c == 0, a, b)" in back
