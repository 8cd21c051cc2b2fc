"""The judge of numbers: gradients at a point against slopes that were carried forwards.

What enters is a circuit, its values and its claimed gradients. A derivative is carried through the
definitions of the gates, by the calculus of a few functions, and the slope of the loss is compared
with what the gradients say: exactly where both are fractions, as intervals narrower than 10**-40
otherwise. Then the program as it was written is evaluated beside the point (central differences).
No gradient rule is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

from flint import arb

from derive.circuits.circuit import Circuit, formula
from derive.expressions.errors import FaultError
from derive.expressions.program import Program
from derive.readings.exact import (
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
from derive.readings.numbers import digits_of

#: Up to so much work every number is checked by a pass of its own, beyond it all of them at once.
ONE_BY_ONE = 40_000
#: Operands with so many entries are moved one entry at a time.
FEW = 16
#: Entries of a random direction; two of them agree with a wrong gradient with chance 2**-124.
CHOICES = 2**62
#: Binary digits and the step of a central difference, whose square bounds the error where nothing
#: is steep; near a pole, or among large numbers, more digits and a smaller step are taken.
STEPS = (
    (200, Fraction(1, 10**20)),
    (1000, Fraction(1, 10**80)),
    (4000, Fraction(1, 10**400)),
)


@dataclass(frozen=True, slots=True)
class Checks:
    """What the numbers were compared with.

    `exact` and `enclosed` count gradients that are fractions and intervals; `together` says that
    they were compared along random directions and not one by one. `digits` holds, by input, to how
    many digits central differences agree; it is empty at a kink.
    """

    exact: int
    enclosed: int
    together: bool
    digits: Mapping[str, int]


def check(
    circuit: Circuit,
    sizes: Mapping[str, int],
    values: tuple[Rows, ...],
    gradients: tuple[Rows, ...],
    flows: Mapping[tuple[int, int], Rows],
    *,
    smooth: bool = True,
) -> Checks:
    """Return what every gradient was compared with; raises `ProofError` where one is wrong.

    Named values are compared with the program as it was written, statement by statement. Central
    differences are left out where the circuit is not `smooth` at the point.
    """
    _as_written(circuit, sizes, values)
    _handed_on(circuit, sizes, values, gradients, flows)
    counts = _carried(circuit, sizes, values, gradients)
    digits = _differences(circuit, sizes, values, gradients) if smooth else {}
    return Checks(*counts, digits=digits)


def _as_written(circuit: Circuit, sizes: Mapping[str, int], values: tuple[Rows, ...]) -> None:
    """Compare the values of a circuit with those of its program, which was not taken apart."""
    own = {gate.name: values[gate.place] for gate in circuit.gates if gate.name}
    known = {name: own[name] for name in circuit.program.inputs}
    for statement in circuit.program.statements:
        rows = raw(Reading(sizes, known).matrix(statement.expr))
        known[statement.name] = rows
        for line, others in zip(rows, own[statement.name], strict=True):
            if not all(same(x, y) for x, y in zip(line, others, strict=True)):
                raise FaultError(
                    f"gate by gate {statement.name} is not what the program says; "
                    "this is a mistake of the program, and nothing is shown"
                )


def _handed_on(
    circuit: Circuit,
    sizes: Mapping[str, int],
    known: tuple[Rows, ...],
    gradients: tuple[Rows, ...],
    flows: Mapping[tuple[int, int], Rows],
) -> None:
    """Compare what each gate hands to each operand with the slope across that gate alone.

    Small operands are moved entry by entry, large ones along a random direction.
    """
    random = Random(1)
    for gate in circuit.gates:
        for k, arg in enumerate(gate.args):
            part = flows[gate.place, k]
            cells = [(i, j) for i, row in enumerate(part) for j, _ in enumerate(row)]
            if len(cells) <= FEW:
                directions = [{cell: rational(1)} for cell in cells]
            else:
                drawn = {cell: rational(random.randrange(-CHOICES, CHOICES)) for cell in cells}
                directions = [drawn]
            for direction in directions:
                slope = _across(circuit, sizes, known, gradients, (gate.place, k), direction)
                handed = rational(0)
                for (i, j), along in direction.items():
                    handed = handed + part[i][j] * along
                if not same(slope, handed):
                    raise FaultError(
                        f"what {formula(circuit, gate.place)} hands to {formula(circuit, arg)} is "
                        "not the slope across it; this is a mistake of the program"
                    )


def _across(
    circuit: Circuit,
    sizes: Mapping[str, int],
    known: tuple[Rows, ...],
    gradients: tuple[Rows, ...],
    where: tuple[int, int],
    direction: Mapping[tuple[int, int], Any],
) -> Any:
    """Return the slope of <gradient, gate> when one operand moves along a direction."""
    gate, k = circuit.gates[where[0]], where[1]
    assert gate.pattern is not None
    values = {f"_{n}": known[arg] for n, arg in enumerate(gate.args)}
    values[f"_{k}"] = [
        [Jet(x, direction.get((i, j), 0)) for j, x in enumerate(row)]
        for i, row in enumerate(known[gate.args[k]])
    ]
    total = rational(0)
    rows = Reading(sizes, values, JetFunctions()).matrix(gate.pattern)
    for row, weights in zip(rows, gradients[gate.place], strict=True):
        for x, weight in zip(row, weights, strict=True):
            total = total + x.slope * weight
    return total


def _carried(
    circuit: Circuit,
    sizes: Mapping[str, int],
    known: tuple[Rows, ...],
    gradients: tuple[Rows, ...],
) -> tuple[int, int, bool]:
    """Compare every gradient with a slope carried forwards, one by one where that is not long."""
    cells = [(g.place, i, j) for g in circuit.gates for i, row in enumerate(gradients[g.place])
             for j, _ in enumerate(row)]  # fmt: skip
    seed = gradients[circuit.output.place]
    together = len(cells) * len(cells) > ONE_BY_ONE
    if together:
        random = Random(0)
        directions = [
            {cell: rational(random.randrange(-CHOICES, CHOICES)) for cell in cells}
            for _ in range(2)
        ]
    else:
        directions = [{cell: rational(1)} for cell in cells]
    for direction in directions:
        slope = _slope(circuit, sizes, known, seed, direction)
        claimed = rational(0)
        for (place, i, j), along in direction.items():
            claimed += gradients[place][i][j] * along
        if not same(slope, claimed):
            places = ", ".join(str(formula(circuit, place)) for place, _, _ in direction)
            raise FaultError(
                f"the gradient at {places[:80]} is not the slope that was carried forwards; "
                "this is a mistake of the program, and nothing is shown"
            )
    exact = sum(is_exact(gradients[place][i][j]) for place, i, j in cells)
    return exact, len(cells) - exact, together


def _slope(
    circuit: Circuit,
    sizes: Mapping[str, int],
    known: tuple[Rows, ...],
    seed: Rows,
    direction: Mapping[tuple[int, int, int], Any],
) -> Any:
    """Return the slope of the loss when values move along a direction, by the definitions alone."""
    moving = {place for place, _, _ in direction}
    jets: dict[int, Rows] = {}
    for gate in circuit.gates:
        active = [arg for arg in gate.args if arg in jets]
        if not active and gate.place not in moving:
            continue
        if active:
            assert gate.pattern is not None
            values = {f"_{k}": jets.get(arg, known[arg]) for k, arg in enumerate(gate.args)}
            rows = Reading(sizes, values, JetFunctions()).matrix(gate.pattern)
        else:
            rows = [[Jet(x) for x in row] for row in known[gate.place]]
        if gate.place in moving:
            rows = [
                [Jet(x.value, x.slope + direction.get((gate.place, i, j), 0))
                 for j, x in enumerate(row)]
                for i, row in enumerate(rows)
            ]  # fmt: skip
        jets[gate.place] = rows
    total = rational(0)
    for row, weights in zip(jets.get(circuit.output.place, ()), seed, strict=False):
        for x, weight in zip(row, weights, strict=True):
            total = total + x.slope * weight
    return total


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


def _differences(
    circuit: Circuit,
    sizes: Mapping[str, int],
    known: tuple[Rows, ...],
    gradients: tuple[Rows, ...],
) -> dict[str, int]:
    """Return to how many digits central differences of the program agree, for each input."""
    program, seed = circuit.program, gradients[circuit.output.place]
    values = {g.name: known[g.place] for g in circuit.gates if g.is_input}
    work = len(circuit.gates) * len(program.inputs)
    groups = [(n,) for n in program.inputs] if work <= ONE_BY_ONE else [program.inputs]
    found: dict[str, int] = {}
    places = {g.name: g.place for g in circuit.gates if g.name}
    for group in groups:
        along = {
            name: [[rational((-1) ** (i + j) * (1 + (3 * i + 5 * j + k) % 7)) / 4
                    for j, _ in enumerate(row)] for i, row in enumerate(values[name])]
            for k, name in enumerate(group)
        }  # fmt: skip
        ours = rational(0)
        for name, directions in along.items():
            for g, v in zip(gradients[places[name]], directions, strict=True):
                for x, y in zip(g, v, strict=True):
                    ours = ours + x * y
        for bits, step in STEPS:
            try:
                with precision(bits):
                    ahead, behind = (
                        _moved(program, sizes, values, along, rational(way * step), seed)
                        for way in (1, -1)
                    )
                    slope = (ahead - behind) / rational(2 * step)
                    digits, wide = _agreeing(slope, ours), _is_wide(slope, ours)
            except Imprecise:
                digits, wide = None, True
            if digits is not None:
                break
        else:
            if wide:
                raise DomainError(
                    "the numbers are so large, or cancel so much, that central differences of them "
                    "say nothing",
                    hint="choose other values",
                )
            raise FaultError(
                "a gradient differs from central differences; this is a mistake of the program, "
                "and nothing is shown"
            )
        found.update(dict.fromkeys(group, digits))
    return found


def _is_wide(slope: Any, ours: Any) -> bool:
    """Whether an interval is too wide to say anything of a gradient."""
    with precision():
        return not arb(slope).rad() * 10**10 < 1 + abs(arb(ours))


def _moved(
    program: Program,
    sizes: Mapping[str, int],
    values: Mapping[str, Rows],
    along: Mapping[str, Rows],
    step: Any,
    seed: Rows,
) -> Any:
    """Return <seed, output> of the program as it is written, its inputs moved along a direction."""
    known: dict[str, Rows] = {
        name: [[arb(x) for x in row] for row in rows] for name, rows in values.items()
    }
    for name, directions in along.items():
        known[name] = [
            [x + step * v for x, v in zip(row, line, strict=True)]
            for row, line in zip(known[name], directions, strict=True)
        ]
    for statement in program.statements:
        known[statement.name] = raw(Reading(sizes, known).matrix(statement.expr))
    total = arb(0)
    for row, weights in zip(known[program.statements[-1].name], seed, strict=True):
        for x, weight in zip(row, weights, strict=True):
            total = total + x * weight
    return total


def _agreeing(slope: Any, ours: Any) -> int | None:
    """Return the digits to which a slope and a gradient agree, `None` for fewer than 10."""
    difference = abs(arb(slope) - arb(ours)).upper() / (1 + abs(arb(ours)).lower())
    digits = digits_of(difference)
    return digits if digits >= 10 else None
