"""Central differences: how fast a value moves, by two values beside a point.

What enters is how a number is worked out at a point, and what is claimed of its slope; what leaves
is to how many digits both agree. Nothing else is known of the number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from derive.readings.base import Table
from derive.readings.numbers import (
    DomainError,
    Imprecise,
    Rows,
    interval,
    is_exact,
    numbers,
    precision,
)

#: Binary digits and the step of a central difference, whose square bounds the error where nothing
#: is steep; near a pole, or among large numbers, more digits and a smaller step are taken. A binary
#: number moves binary numbers exactly: A - A.T stays 0 on its diagonal.
STEPS = (
    (200, Fraction(1, 2**66)),
    (1000, Fraction(1, 2**266)),
    (4000, Fraction(1, 2**1329)),
)
#: Numbers that agree to so many digits agree.
ENOUGH = 10


def directions(point: Mapping[str, Rows], names: Sequence[str]) -> dict[str, Table]:
    """Return directions in which matrices move together, the entries small and of either sign."""
    return {
        name: Table.of(
            Table(point[name]).extents,
            lambda i, j, k=k: Fraction((1 + (3 * i + 5 * j + k) % 7) * (-1) ** (i + j), 4),
        )
        for k, name in enumerate(names)
    }


def agreement(
    value: Callable[[Mapping[str, Rows]], Any],
    claimed: Callable[[], Any],
    point: Mapping[str, Rows],
    along: Mapping[str, Table],
) -> int | None:
    """Return to how many digits central differences agree with a slope, `None` for fewer than 10.

    `value` is worked out where the matrices of a point are moved along directions. Raises
    `DomainError` where no interval is narrow enough to say anything.
    """
    for bits, step in STEPS:
        with precision(bits):
            try:
                ahead, behind = (value(_moved(point, along, way * step)) for way in (1, -1))
                slope, ours = interval((ahead - behind) / interval(2 * step)), interval(claimed())
            except Imprecise:
                wide = True
                continue
            apart = abs(slope - ours).upper() / (1 + abs(ours).lower())
            if (digits := digits_of(apart)) >= ENOUGH:
                return digits
            wide = not slope.rad() * 10**ENOUGH < 1 + abs(ours)
    if wide:
        raise DomainError(
            "the numbers are so large, or cancel so much, that central differences of them say "
            "nothing",
            hint="choose other values",
        )
    return None


def _moved(
    point: Mapping[str, Rows], along: Mapping[str, Table], step: Fraction
) -> dict[str, Table]:
    moved = {name: numbers(rows).map(interval) for name, rows in point.items()}
    for name, rows in along.items():
        moved[name] = moved[name].zip(rows, lambda x, v: x + interval(step * v))
    return moved


def digits_of(share: Any) -> int:
    """Return to how many digits two numbers agree that differ by such a share, 60 at most."""
    if share == 0:
        return 60
    if not share.is_finite():
        return 0
    return max(0, min(60, int(-float((share.log() / arb(10).log()).mid()))))


def same(a: Any, b: Any) -> bool:
    """Whether two numbers are equal: exactly, or as intervals that are narrow and meet.

    Raises `Imprecise` where the intervals meet and are too wide to say more.
    """
    if is_exact(a) and is_exact(b):
        return bool(a == b)
    difference = arb(a) - arb(b)
    if not difference.contains(0):
        return False
    if not difference.rad() < arb(10) ** -40 * (1 + abs(arb(a)).upper()):
        raise Imprecise(
            "the numbers are so large, or cancel so much, that they cannot be told to 40 digits",
            hint="choose other values",
        )
    return True
