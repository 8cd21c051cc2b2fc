"""The whole program carried forwards at a point: every gradient against one slope.

A judged derivation enters. At a random point all its names move at once, each in a direction of its
own; the slope of the loss is carried through the definitions of the operators, beside the values,
and must be the sum of what all the gradients say of their own names. No gradient rule is read. A
gradient that is wrong anywhere makes the two differ but for chance; agreement is no proof. One pass
forwards serves all gradients, so the cost grows with the length of the program alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from random import Random
from typing import Any

from derive.expressions.errors import ProofError, UnsupportedError
from derive.language.assumptions import drawn
from derive.proof.derivation import Carried, Derivation
from derive.readings import jets
from derive.readings.base import Table
from derive.readings.differences import same
from derive.readings.numbers import (
    BITS,
    DomainError,
    Imprecise,
    Numbers,
    Rows,
    inner,
    is_exact,
    numbers,
    precision,
    rational,
    worked,
)

#: Points that are tried until one is found at which everything has a value and no gradient is 0, as
#: behind a gate that is shut; the entries of some have one sign. An interval that is too wide is
#: worked out again with so many more binary digits.
POINTS, PRECISIONS = 12, (BITS, 4 * BITS, 16 * BITS)
#: Entries of points and directions are fractions with this denominator, none of them 0.
GRAIN = 256
BOTH = (1, -1)
SIGNS = (BOTH, (1,), BOTH, (-1,))


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
                        derivation, sizes, Random(seed), SIGNS[seed % len(SIGNS)]
                    )
                    agrees = same(slope, claimed)
            except Imprecise:
                continue
            except (DomainError, UnsupportedError):
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
    derivation: Derivation, sizes: Mapping[str, int], random: Random, signs: tuple[int, ...]
) -> tuple[Any, Any, bool]:
    """Return the slope of the loss and what the gradients say of it, at a random point, and whether
    a gradient vanishes there, of which nothing is learnt."""
    program = derivation.program

    def matrix(extents: tuple[int, ...], signs: tuple[int, ...] = BOTH) -> Table:
        return Table.of(extents, lambda i, j: _entry(random, signs))

    point = drawn(
        program,
        sizes,
        lambda k, name, extents: matrix(extents, signs if name in program.inputs else BOTH),
        derivation.assumed,
    )
    values: dict[str, Rows] = {name: numbers(rows) for name, rows in point.items()}
    seed = f"d{program.output}"
    reaching = program.reaching()
    values = worked((s for s in program.statements if s.name in reaching), sizes, values)
    for name, formula in derivation.backward.items():  # outermost first, each by those before it
        values[f"d{name}"] = Numbers(sizes, values).matrix(formula)
    for name, formula in derivation.introduced.items():
        values[name] = Numbers(sizes, values).matrix(formula)
    said = [(name[1:], value) for name, value in derivation.statements if name in derivation.names]
    for name, formula in (*said, *derivation.gradients.items()):
        composed = Numbers(sizes, values).matrix(formula)
        if not all(composed.zip(values[f"d{name}"], same).flat()):
            raise ProofError(f"two formulas for the gradient of {name} are different numbers")
    shapes = {name: program.leaves[name].shape for name in derivation.backward}
    along = {name: numbers(matrix(shape.extents(sizes))) for name, shape in shapes.items()}
    parts = {name: Table(values[f"d{name}"]) for name in along}
    claimed = sum((inner(parts[name], rows) for name, rows in along.items()), rational(0))
    moved = jets.carried(jets.chain(program), sizes, values, along, jets.AwayFromTies())
    still = any(all(x == 0 for x in rows.flat()) for rows in parts.values())
    return jets.slope(moved[program.output.data[0]], values[seed]), claimed, still


def _entry(random: Random, signs: tuple[int, ...]) -> Fraction:
    """Return a random fraction between 1/4 and 5/4, of one of the signs."""
    value = Fraction(random.randrange(GRAIN, 5 * GRAIN) | 1, 4 * GRAIN)
    return value * random.choice(signs)
