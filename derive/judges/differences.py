"""Central differences of the whole program, against its gradients, in rigorous intervals.

The points obey what is assumed. Gradients that disagree where every hypothesis holds are a mistake
of the program, and nothing is shown then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from derive.expressions.errors import ProofError, UnsupportedError
from derive.expressions.shape import Shape
from derive.judges.judge import Sizes
from derive.language.assumptions import obeying
from derive.proof.derivation import Derivation
from derive.proof.hypotheses import Ground, ground_of
from derive.readings.numbers import Numbers, Values, agreement, interval


def first_agreement(derivation: Derivation, names: list[str], sizes: Sizes) -> int | None:
    """Return the digits to which central differences agree, `None` where no point has a value.

    The point obeys what is assumed; the differences leave it in any direction.
    """
    program, assumed = derivation.program, derivation.assumed
    out, reaching = f"d{program.output}", program.reaching()
    statements = [s for s in program.statements if s.name in reaching]

    def forward(point: Mapping[str, Values]) -> dict[str, Values]:
        known = dict(point)
        for s in statements:
            known[s.name] = Numbers(sizes, known).matrix(s.expr)
        return known

    def value(point: Mapping[str, Values]) -> Any:
        rows = forward(point)[program.output.data[0]]
        pairs = zip([[1]] if program.is_loss else point[out], rows, strict=True)
        return sum(interval(y) * g for gs, ys in pairs for g, y in zip(gs, ys, strict=True))

    def gradients(point: Mapping[str, Values]) -> dict[str, Values]:
        known = forward(point)
        for name, formula in derivation.backward.items():  # outermost first
            known[f"d{name}"] = Numbers(sizes, known).matrix(formula)
        return {name: Numbers(sizes, known).matrix(derivation.gradients[name]) for name in names}

    ground = ground_of(program, assumed, [name for name in names if name in program.inputs])
    for point in _points(derivation, sizes, ground):
        try:
            digits = agreement(value, gradients, names, point)
        except (UnsupportedError, ZeroDivisionError):
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
    program, assumed = derivation.program, derivation.assumed
    for positive in (False, True):
        leaves = {leaf: program.leaves[leaf].shape for leaf in program.inputs}
        leaves[f"d{program.output}"] = program.output.shape
        point = {
            leaf: _point(shape.at(sizes), k, positive)
            for k, (leaf, shape) in enumerate(leaves.items())
        }
        obeyed = {leaf: obeying(point[leaf], words) for leaf, words in assumed.items()}
        if any(rows is None for rows in obeyed.values()):
            continue
        yield point | {leaf: rows for leaf, rows in obeyed.items() if rows is not None}
    witness = ground.witness(sizes, ground.flat)
    if witness is not None:
        yield witness


def _point(shape: Shape, seed: int, positive: bool) -> list[list[Fraction]]:
    """Return small rationals that do not repeat in a pattern a formula could exploit."""

    def one(i: int, j: int) -> Fraction:
        k = (37 * i * i + 59 * j + 101 * seed + 13 * i * j + 7) % 97
        value = Fraction(k + 11, 64)
        return value if positive or k % 3 else -value

    rows, cols = shape.extents({})
    return [[one(i, j) for j in range(cols)] for i in range(rows)]
