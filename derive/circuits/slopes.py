"""The judge of numbers: gradients at a point against slopes that were carried forwards.

What enters is a circuit, its values and its claimed gradients. A derivative is carried through the
definitions of the gates, by the calculus of a few functions, and the slope of the loss is compared
with what the gradients say: exactly where both are fractions, as intervals narrower than 10**-40
otherwise. Then the program as it was written is evaluated beside the point (central differences).
No gradient rule is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, NamedTuple

from derive.circuits.circuit import Circuit, Gate, formula
from derive.expressions.errors import FaultError
from derive.readings.base import Table
from derive.readings.differences import agreement, directions, same
from derive.readings.jets import Definition, carried, slope
from derive.readings.numbers import (
    Numbers,
    Rows,
    inner,
    is_exact,
    numbers,
    rational,
    worked,
)

#: Up to so much work every number is checked by a pass of its own, beyond it all of them at once.
ONE_BY_ONE = 40_000
#: Operands with so many entries are moved one entry at a time.
FEW = 16
#: Entries of a random direction; two of them agree with a wrong gradient with chance 2**-124.
CHOICES = 2**62


class Checks(NamedTuple):
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
    trial = _Trial(circuit, sizes, values, gradients)
    trial.as_written()
    trial.handed_on(flows)
    counts = trial.carried()
    return Checks(*counts, digits=trial.differences() if smooth else {})


class _Trial(NamedTuple):
    """A circuit at a point, with the gradients that are claimed there."""

    circuit: Circuit
    sizes: Mapping[str, int]
    values: tuple[Rows, ...]
    gradients: tuple[Rows, ...]

    def as_written(self) -> None:
        """Compare the values of a circuit with those of its program, which was not taken apart."""
        own = {gate.name: self.values[gate.place] for gate in self.circuit.gates if gate.name}
        known = {name: own[name] for name in self.circuit.program.inputs}
        for statement in self.circuit.program.statements:
            known[statement.name] = rows = Numbers(self.sizes, known).matrix(statement.expr)
            if not all(rows.zip(own[statement.name], same).flat()):
                raise FaultError(
                    f"gate by gate {statement.name} is not what the program says; "
                    "this is a mistake of the program, and nothing is shown"
                )

    def handed_on(self, flows: Mapping[tuple[int, int], Rows]) -> None:
        """Compare what each gate hands to each operand with the slope across that gate alone.

        Small operands are moved entry by entry, large ones along a random direction.
        """
        random = Random(1)
        for gate in self.circuit.gates:
            for k, arg in enumerate(gate.args):
                part = Table(flows[gate.place, k])
                small = len(part) * len(part[0]) <= FEW
                for direction in _units(part) if small else [_drawn(part, random)]:
                    across = self.across(gate, k, direction)
                    if not same(across, inner(part, direction)):
                        raise FaultError(
                            f"what {formula(self.circuit, gate.place)} hands to "
                            f"{formula(self.circuit, arg)} is not the slope across it; "
                            "this is a mistake of the program"
                        )

    def across(self, gate: Gate, k: int, direction: Rows) -> Any:
        """Return the slope of <gradient, gate> when one operand moves along a direction."""
        slots = {f"_{n}": self.values[arg] for n, arg in enumerate(gate.args)}
        chain: list[Definition[str]] = [
            (f"_{k}", None, {}),
            ("", gate.pattern, {name: name for name in slots}),
        ]
        moved = carried(chain, self.sizes, slots, {f"_{k}": direction})[""]
        return slope(moved, self.gradients[gate.place])

    def carried(self) -> tuple[int, int, bool]:
        """Compare every gradient with a slope carried forwards, one by one where that is short."""
        tables = {gate.place: Table(self.gradients[gate.place]) for gate in self.circuit.gates}
        entries = [x for rows in tables.values() for x in rows.flat()]
        together = len(entries) ** 2 > ONE_BY_ONE
        random = Random(0)
        moves: list[dict[int, Table]] = (
            [{k: _drawn(rows, random) for k, rows in tables.items()} for _ in range(2)]
            if together
            else [{k: unit} for k, rows in tables.items() for unit in _units(rows)]
        )
        for move in moves:
            claimed = sum((inner(tables[k], rows) for k, rows in move.items()), rational(0))
            if not same(self.slope(move), claimed):
                places = ", ".join(str(formula(self.circuit, place)) for place in move)
                raise FaultError(
                    f"the gradient at {places[:80]} is not the slope that was carried forwards; "
                    "this is a mistake of the program, and nothing is shown"
                )
        exact = sum(map(is_exact, entries))
        return exact, len(entries) - exact, together

    def slope(self, move: Mapping[int, Rows]) -> Any:
        """Return the slope of the loss when values move, by the definitions alone."""
        chain: list[Definition[int]] = [
            (gate.place, gate.pattern, {f"_{k}": arg for k, arg in enumerate(gate.args)})
            for gate in self.circuit.gates
        ]
        out = self.circuit.output.place
        jets = carried(chain, self.sizes, dict(enumerate(self.values)), move)
        return slope(jets[out], self.gradients[out]) if out in jets else rational(0)

    def differences(self) -> dict[str, int]:
        """Return to how many digits central differences agree, for each input."""
        circuit, inputs = self.circuit, self.circuit.program.inputs
        places = {gate.name: gate.place for gate in circuit.gates if gate.name}
        values = {name: self.values[places[name]] for name in inputs}
        few = len(circuit.gates) * len(inputs) <= ONE_BY_ONE
        found: dict[str, int] = {}
        for group in [(name,) for name in inputs] if few else [inputs]:
            along = directions(values, group)
            parts = (inner(self.gradients[places[n]], numbers(rows)) for n, rows in along.items())
            digits = agreement(self.loss, partial(sum, [*parts], rational(0)), values, along)
            if digits is None:
                raise FaultError(
                    "a gradient differs from central differences; this is a mistake of the "
                    "program, and nothing is shown"
                )
            found.update(dict.fromkeys(group, digits))
        return found

    def loss(self, point: Mapping[str, Rows]) -> Any:
        """Return <seed, output> of the program as it is written, at a point."""
        program = self.circuit.program
        known = worked(program.statements, self.sizes, point)
        seed = self.gradients[self.circuit.output.place]
        return inner(known[program.statements[-1].name], seed)


def _units(rows: Table) -> Iterator[Table]:
    """Yield the directions in which a single entry of a matrix moves."""
    for place, _ in rows.cells():
        yield Table.of(rows.extents, lambda *at, p=place: rational(int(at == p)))


def _drawn(rows: Table, random: Random) -> Table:
    """Return a random direction."""
    return rows.map(lambda _: rational(random.randrange(-CHOICES, CHOICES)))
