"""The whole program carried forwards at a point: every gradient against one slope.

A judged derivation enters. At a random point all its names move at once, each in a direction of its
own; the slope of the loss is carried through the definitions of the operators, beside the values,
and must be the sum of what all the gradients say of their own names. No gradient rule is read. A
gradient that is wrong anywhere makes the two differ but for chance; agreement is no proof. One pass
forwards serves all gradients, so the cost grows with the length of the program alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from random import Random
from typing import Any

from derive.circuits.slopes import same
from derive.expressions.errors import ProofError
from derive.expressions.shape import Shape
from derive.language.assumptions import Matrix, obeying
from derive.proof.derivation import Carried, Derivation
from derive.readings.exact import (
    BITS,
    DomainError,
    Imprecise,
    Jet,
    JetFunctions,
    Reading,
    Rows,
    is_exact,
    precision,
    rational,
    raw,
)

#: Points that are tried until one is found at which everything has a value and no gradient is 0, as
#: behind a gate that is shut; every other is positive. An interval that is too wide is worked out
#: again with so many more binary digits.
POINTS, PRECISIONS = 12, (BITS, 4 * BITS, 16 * BITS)
#: Entries of points and directions are fractions with this denominator, none of them 0.
GRAIN = 256


def carried(derivation: Derivation, sizes: Mapping[str, int]) -> Carried | None:
    """Return where every gradient agreed with slopes carried forwards, `None` without a point.

    Raises `ProofError` where they differ.
    """
    found = None
    for seed in range(POINTS):
        for bits in PRECISIONS:
            try:
                with precision(bits):
                    slope, claimed, still = _at(
                        derivation, sizes, Random(seed), positive=seed % 2 == 1
                    )
                    agrees = same(slope, claimed)
            except Imprecise:
                continue
            except DomainError:
                break
            if not agrees:
                raise ProofError(
                    "the gradients disagree with the slope that was carried forwards through the "
                    "definitions",
                    hint="this is a mistake of the program, and nothing is shown",
                )
            found = Carried(tuple(derivation.backward), dict(sizes), is_exact(slope - claimed))
            if not still:
                return found
            break
    return found


def _at(
    derivation: Derivation, sizes: Mapping[str, int], random: Random, positive: bool
) -> tuple[Any, Any, bool]:
    """Return the slope of the loss and what the gradients say of it, at a random point, and whether
    a gradient vanishes there, of which nothing is learnt."""
    program = derivation.program
    values: dict[str, Rows] = {}
    for name in program.inputs:
        drawn = _drawn(program.leaves[name].shape, sizes, random, positive)
        obeyed = obeying(drawn, derivation.assumed.get(name, ()))
        if obeyed is None:
            raise DomainError(f"no point is known at which {name} obeys what is assumed")
        values[name] = _numbers(obeyed)
    seed = f"d{program.output}"
    values[seed] = (
        [[rational(1)]]
        if program.is_loss
        else _numbers(_drawn(program.output.shape, sizes, random, positive=False))
    )
    reaching = program.reaching()
    statements = [s for s in program.statements if s.name in reaching]
    for statement in statements:
        values[statement.name] = raw(Reading(sizes, values).matrix(statement.expr))
    for name, formula in derivation.backward.items():  # outermost first, each by those before it
        values[f"d{name}"] = raw(Reading(sizes, values).matrix(formula))
    for name, formula in derivation.gradients.items():
        composed = raw(Reading(sizes, values).matrix(formula))
        if not all(same(x, y) for x, y in _pairs(composed, values[f"d{name}"])):
            raise ProofError(f"two formulas for the gradient of {name} are different numbers")
    along = {
        name: _numbers(_drawn(program.leaves[name].shape, sizes, random, positive=False))
        for name in derivation.backward
    }
    claimed = rational(0)
    for name, directions in along.items():
        for x, v in _pairs(values[f"d{name}"], directions):
            claimed = claimed + x * v
    moving = {name: _moved(values[name], along.get(name)) for name in program.inputs}
    for statement in statements:
        rows = Reading(sizes, moving, JetFunctions()).matrix(statement.expr)
        moving[statement.name] = _moved(rows, along.get(statement.name))
    slope = rational(0)
    for y, weight in _pairs(moving[program.output.data[0]], values[seed]):
        slope = slope + y.slope * weight
    still = any(all(x == 0 for x, _ in _pairs(values[f"d{name}"], along[name])) for name in along)
    return slope, claimed, still


def _drawn(shape: Shape, sizes: Mapping[str, int], random: Random, positive: bool) -> Matrix:
    """Return a matrix of random fractions between 1/4 and 5/4, of either sign or positive."""

    def entry() -> Fraction:
        value = Fraction(random.randrange(GRAIN, 5 * GRAIN) | 1, 4 * GRAIN)
        return value if positive or random.random() < 0.5 else -value

    rows, cols = shape.extents(sizes)
    return [[entry() for _ in range(cols)] for _ in range(rows)]


def _numbers(rows: Matrix) -> Rows:
    return [[rational(x) for x in row] for row in rows]


def _moved(rows: Rows, directions: Rows | None) -> Rows:
    """Return a matrix of jets that moves along a direction besides, where there is one."""
    jets = [[x if isinstance(x, Jet) else Jet(x) for x in row] for row in rows]
    if directions is None:
        return jets
    return [
        [Jet(x.value, x.slope + v) for x, v in zip(row, line, strict=True)]
        for row, line in zip(jets, directions, strict=True)
    ]


def _pairs(one: Rows, other: Rows) -> Iterator[tuple[Any, Any]]:
    """Yield the entries of two matrices of one shape, side by side."""
    for row, line in zip(one, other, strict=True):
        yield from zip(row, line, strict=True)
