"""Central differences of the whole program, against its gradients, in rigorous intervals.

The points obey what is assumed. Gradients that disagree where every hypothesis holds are a mistake
of the program, and nothing is shown then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any

from derive.expressions.errors import ProofError, UnsupportedError
from derive.judges.judge import Sizes
from derive.language.assumptions import drawn
from derive.proof.derivation import Derivation
from derive.proof.hypotheses import Ground, ground_of
from derive.readings.base import Table
from derive.readings.differences import agreement, directions
from derive.readings.numbers import (
    DomainError,
    Numbers,
    Rows,
    inner,
    interval,
    numbers,
    rational,
    worked,
)


def first_agreement(derivation: Derivation, names: list[str], sizes: Sizes) -> int | None:
    """Return the digits to which central differences agree, `None` where no point has a value.

    The point obeys what is assumed; the differences leave it in any direction.
    """
    program, assumed = derivation.program, derivation.assumed
    out, reaching = f"d{program.output}", program.reaching()
    statements = [s for s in program.statements if s.name in reaching]

    def value(point: Mapping[str, Rows]) -> Any:
        return inner(worked(statements, sizes, point)[program.output.data[0]], point[out])

    def claimed() -> Any:
        at: dict[str, Rows] = {name: Table(rows).map(interval) for name, rows in point.items()}
        known = worked(statements, sizes, at)
        for name, formula in derivation.backward.items():  # outermost first
            known[f"d{name}"] = Numbers(sizes, known).matrix(formula)
        for name, formula in derivation.introduced.items():
            known[name] = Numbers(sizes, known).matrix(formula)
        found = {name: Numbers(sizes, known).matrix(derivation.gradients[name]) for name in names}
        return sum((inner(rows, numbers(moves[k])) for k, rows in found.items()), rational(0))

    ground = ground_of(program, assumed, [name for name in names if name in program.inputs])
    for point in _points(derivation, sizes, ground):
        moves = directions(point, names)
        try:
            digits = agreement(value, claimed, point, moves)
        except (UnsupportedError, DomainError):
            continue
        if digits is not None:
            return digits
        if ground.holds_at(sizes, point, ground.flat):
            raise ProofError(
                f"the gradient with respect to {', '.join(names)} disagrees with central "
                "differences",
                hint=f"at sizes {dict(sizes)}",
            )
    return None


def _points(
    derivation: Derivation, sizes: Sizes, ground: Ground
) -> Iterator[Mapping[str, list[list[Fraction]]]]:
    """Yield points that obey what is assumed, in the end one at which every hypothesis holds."""
    for positive in (False, True):
        with suppress(UnsupportedError):
            yield drawn(derivation.program, sizes, _drawing(positive), derivation.assumed)
    witness = ground.witness(sizes, ground.flat)
    if witness is not None:
        yield witness


def _drawing(positive: bool) -> Callable[[int, str, tuple[int, ...]], Table]:
    """Return small rationals that do not repeat in a pattern a formula could exploit."""

    def one(seed: int, i: int, j: int) -> Fraction:
        k = (37 * i * i + 59 * j + 101 * seed + 13 * i * j + 7) % 97
        value = Fraction(k + 11, 64)
        return value if positive or k % 3 else -value

    return lambda seed, name, extents: Table.of(extents, lambda i, j: one(seed, i, j))
