"""Masks as people write them: what is true is proved, what is false refuted, nothing undecided.

`masks.txt` has the programs and the claims. Each is held against central differences besides (see
referee.py), which know nothing of signs and cases.
"""

from pathlib import Path

import pytest
from referee import Setting, at_counterexample

import derive
from derive.claim import Case
from derive.parse import parse
from derive.proof import EVERY_SHAPE

BLOCKS = Path(__file__).with_name("masks.txt").read_text("utf-8").split("\n\n")[1:]
TABLE = {program: claims for program, *claims in map(str.splitlines, BLOCKS)}


def by_differences(text: str) -> Setting:
    program = parse(text)
    shapes = {name: program.leaves[name].shape.dims for name in program.inputs}
    return Setting(";".join(part for part in text.split(";") if "=" in part), shapes)


@pytest.mark.parametrize("program", TABLE)
def test_claims_are_decided(program):
    case, ground = Case(parse(program)), by_differences(program)
    for line in TABLE[program]:
        mark, claim = line[0], line[2:]
        found = case.judge(claim)
        target, formula = claim.split(" = ", 1)
        if mark == "-":  # which differences at a few points need not see
            assert found.verdict == "refuted" and found.counterexample, (claim, found.reason)
            expected, claimed = at_counterexample(ground, target[1:], formula, found.counterexample)
            assert abs(expected - claimed) > 1e-9, claim
            continue
        assert mark == "0" or ground.agrees(target[1:], formula), f"the table is wrong: {claim}"
        assert (found.verdict, found.scope) == ("proved", EVERY_SHAPE), (claim, found.reason)


@pytest.mark.parametrize("program", TABLE)
def test_programs_are_proved(program):
    assert derive.prove(program, detail="brief").proved
