"""The forward and the backward pass of a circuit at a point, every number of them checked.

Forwards each gate's value is read off its definition; backwards each gate hands its upstream
gradient to its operands by the theorem of the table. Nothing leaves unchecked: every gradient is
compared with the slope that a derivative carried *forwards* through the definitions has, exactly
where it is a fraction, within 40 digits where it is an interval; and the gradients of the inputs
once more with central differences of the program as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import cycle
from math import prod
from operator import add, mul, sub
from typing import Any, NamedTuple

from flint import arb

from derive.calculus.reverse import sweep
from derive.calculus.simplify import simplify
from derive.circuits.circuit import Circuit, Gate, formula
from derive.circuits.slopes import Checks, check
from derive.expressions.errors import FaultError, SizeError
from derive.expressions.expr import Expr, nodes, number, variables
from derive.expressions.limits import during
from derive.expressions.shape import Shape
from derive.ops import var
from derive.ops.elementwise import SHARED, TIE
from derive.ops.square import DET
from derive.readings.base import Table
from derive.readings.numbers import (
    DomainError,
    Functions,
    Imprecise,
    Numbers,
    Rows,
    is_exact,
    precision,
    rational,
    shown,
    sign,
)

#: Binary digits of intervals; more where fewer do not tell a number from another.
PRECISIONS = (200, 1000, 5000)
#: A program may have so many entries, all values together.
MOST = 4_000_000
#: Numbers that agree do so in intervals that are at most so wide, as a part of their size.
NARROW = 1e-30
Values = Mapping[str, list[list[Fraction]]]


class Kink(NamedTuple):
    """A gate that is not differentiable at the point, and the entries at which it is not."""

    place: int
    entries: tuple[tuple[int, ...], ...]


class Trace(NamedTuple):
    """Every number of the two passes, by the place of its gate.

    `flows` is what a gate sends to one of its operands, by gate and slot; a gradient is the sum of
    the flows that arrive. `chosen` says that the upstream gradient was not given.
    """

    circuit: Circuit
    sizes: Mapping[str, int]
    values: tuple[Rows, ...]
    gradients: tuple[Rows, ...]
    flows: Mapping[tuple[int, int], Rows]
    kinks: tuple[Kink, ...]
    chosen: bool
    checks: Checks

    def rows(self, name: str) -> Rows:
        """Return the numbers of a name of the program, or of its gradient: `X`, `dX`."""
        table = self.values
        if name not in self.circuit.program.leaves:
            name, table = name[1:], self.gradients
        return table[next(gate.place for gate in self.circuit.gates if gate.name == name)]

    def of(self, expr: Expr) -> Rows:
        """Return what an expression in the names of the program and of its gradients comes to."""
        values = {leaf.data[0]: self.rows(leaf.data[0]) for leaf in variables(expr)}
        with precision():
            return Numbers(self.sizes, values).matrix(expr)

    def slope(self, gate: Gate, k: int) -> Any:
        """Return the local gradient of a gate of scalars at one operand, as a number.

        Raises `FaultError` where it does not give what was handed back.
        """
        assert gate.pattern is not None
        values = {f"_{n}": self.values[arg] for n, arg in enumerate(gate.args)}
        values["_y"] = self.values[gate.place]
        with precision():
            reading = Numbers(self.sizes, values, conventions(gate))
            slope = reading.matrix(local(gate.pattern)[k])[0][0]
            gap = self.gradients[gate.place][0][0] * slope - self.flows[gate.place, k][0][0]
            if gap != 0 if is_exact(gap) else not gap.contains(0):
                name = self.circuit.labels()[gate.args[k]]
                raise FaultError(f"the local gradient at {name} is not what was handed back")
        return slope

    def differing(self, name: str, rows: Rows, *, doubtful: bool = False) -> tuple[int, ...] | None:
        """Return the first entry at which numbers differ from those of a name.

        It is certain that they do; with `doubtful` it is not certain that they agree.
        """
        with precision():
            gaps = Table(self.rows(name)).zip(rows, lambda x, y: (x - y, x))
            for place, (gap, x) in gaps.cells():
                if gap != 0 if is_exact(gap) else not gap.contains(0):
                    return place
                if doubtful and not (is_exact(gap) or gap.rad() <= NARROW * (1 + abs(arb(x)))):
                    return place
        return None

    def holding(self, formulas: Mapping[str, Expr]) -> dict[str, Expr]:
        """Return the formulas of gradients, by the variable, that come to these numbers.

        One that does not may be met at a kink alone; elsewhere it is a mistake of this program.
        """
        found = {}
        for name, gradient in formulas.items():
            try:
                if self.differing(f"d{name}", self.of(gradient), doubtful=True) is None:
                    found[name] = gradient
                    continue
            except DomainError:
                continue
            if not self.kinks:
                raise FaultError(
                    f"the formula {gradient} does not come to the gradient of {name} at this "
                    "point; this is a mistake of the program, and nothing is shown"
                )
        return found


@lru_cache(maxsize=4096)
def theorem(pattern: Expr) -> tuple[Expr, ...]:
    """Return what a gate hands to each of its operands, in its slots, `UPSTREAM` and `OWN`.

    >>> from derive.circuits.circuit import slot
    >>> from derive.expressions.shape import SCALAR
    >>> [str(part) for part in theorem(slot(0, SCALAR) * slot(1, SCALAR))]
    ['_g * _1', '_g * _0']
    """
    return _swept(pattern, upstream(pattern.shape))


@lru_cache(maxsize=4096)
def local(pattern: Expr) -> tuple[Expr, ...]:
    """Return the local gradients of a gate of scalars: the theorem with 1 for the upstream one."""
    return tuple(simplify(part)[0] for part in _swept(pattern, number(1)))


def _swept(pattern: Expr, g: Expr) -> tuple[Expr, ...]:
    if pattern.is_var:
        return (g,)
    leaves = [leaf for leaf in nodes(pattern) if leaf.is_var]
    leaves.sort(key=lambda leaf: int(leaf.data[0][1:]))
    found = sweep(pattern, g, leaves, own(pattern.shape))
    return tuple(found[leaf].value for leaf in leaves)


def upstream(shape: Shape) -> Expr:
    """Return the variable that stands for a gate's upstream gradient in its theorem."""
    return var("_g", shape)


def own(shape: Shape) -> Expr:
    """Return the variable that stands for a gate's own value in its theorem."""
    return var("_y", shape)


# -- the two passes --------------------------------------------------------------------------------


@during("working-out")
def backprop(
    circuit: Circuit, sizes: Mapping[str, int], values: Values, seed: Rows | None = None
) -> Trace:
    """Return all values and gradients of a circuit at a point, checked.

    `values` holds a matrix for each input, `seed` the gradient of the loss with respect to the
    output: 1 for a scalar, small whole numbers where it is not given.

    >>> from derive.circuits.circuit import circuit
    >>> from derive.language.parse import parse
    >>> point = {"x": [[Fraction(-2)]], "y": [[Fraction(5)]], "z": [[Fraction(-4)]]}
    >>> trace = backprop(circuit(parse("q = x + y; f = q * z")), {}, point)
    >>> {g.name: str(trace.gradients[g.place][0][0]) for g in trace.circuit.gates}
    {'x': '-4', 'y': '-4', 'z': '3', 'q': '-4', 'f': '1'}

    Raises `DomainError` where a value or a derivative does not exist, and `ProofError` where a
    number did not pass its check, which would be a mistake of this program.
    """
    entries = sum(prod(gate.shape.extents(sizes)) for gate in circuit.gates)
    if entries > MOST:
        raise SizeError(
            f"the values have {entries:,} entries, more than the {MOST:,} that are worked out"
        )
    for bits in PRECISIONS:
        try:
            with precision(bits):
                return _checked(circuit, sizes, values, seed)
        except Imprecise as error:
            wide = error
    raise wide


def _checked(
    circuit: Circuit, sizes: Mapping[str, int], values: Values, seed: Rows | None
) -> Trace:
    chosen = seed is None and not circuit.output.shape.is_scalar
    known, kinks = forward(circuit, sizes, values)
    gradients, flows = backward(circuit, sizes, known, kinks, seed)
    checks = check(circuit, sizes, known, gradients, flows, smooth=not kinks)
    return Trace(circuit, sizes, known, gradients, flows, kinks, chosen, checks)


def forward(
    circuit: Circuit, sizes: Mapping[str, int], values: Values
) -> tuple[tuple[Rows, ...], tuple[Kink, ...]]:
    """Return values and kinks: the first of the two passes."""
    known: list[Rows] = []
    for gate in circuit.gates:
        if gate.pattern is None:
            known.append(Table(values[gate.name]).map(rational))
            continue
        operands = {f"_{k}": known[arg] for k, arg in enumerate(gate.args)}
        try:
            known.append(Numbers(sizes, operands).matrix(gate.pattern))
        except DomainError as error:
            raise _located(error, circuit, gate, known, "") from None
    return tuple(known), tuple(_kinks(circuit, sizes, known))


def is_smooth(circuit: Circuit, sizes: Mapping[str, int], values: Values) -> bool:
    """Whether at a point every value exists, and no function has a kink."""
    try:
        with precision(64):
            return not forward(circuit, sizes, values)[1]
    except DomainError:
        return False


def small_numbers(shape: Shape, sizes: Mapping[str, int]) -> list[list[Fraction]]:
    """Return an upstream gradient that is easy to reckon with; of a scalar it is 1."""
    return Table.filled(shape.extents(sizes), map(Fraction, cycle((1, -1, 2, 1, -2, 3, -1))))


def backward(
    circuit: Circuit,
    sizes: Mapping[str, int],
    known: tuple[Rows, ...],
    kinks: tuple[Kink, ...],
    seed: Rows | None,
) -> tuple[tuple[Rows, ...], dict[tuple[int, int], Rows]]:
    """Return gradients and flows: the second pass, not checked; to choose a point, not to show."""
    if seed is None:
        seed = small_numbers(circuit.output.shape, sizes)
    gradients: list[Rows | None] = [None] * len(circuit.gates)
    gradients[circuit.output.place] = Table(seed).map(rational)
    flows: dict[tuple[int, int], Rows] = {}
    tied = {kink.place for kink in kinks}
    for gate in reversed(circuit.gates):
        gradient = gradients[gate.place]
        if gradient is None:
            gradients[gate.place] = _zeros(gate, sizes)
            for k, arg in enumerate(gate.args):
                flows[gate.place, k] = _zeros(circuit.gates[arg], sizes)
            continue
        if gate.pattern is None:
            continue
        values = {f"_{k}": known[arg] for k, arg in enumerate(gate.args)}
        values |= {"_g": gradient, "_y": known[gate.place]}
        reading = Numbers(sizes, values, conventions(gate))
        try:
            parts: list[Rows] = [reading.matrix(part) for part in theorem(gate.pattern)]
        except DomainError as error:
            raise _located(error, circuit, gate, known, "the derivative of ") from None
        if gate.place in tied and gate.kink == SHARED:
            parts = [_shared(part, known[gate.args[0]], known[gate.place]) for part in parts]
        for k, (arg, part) in enumerate(zip(gate.args, parts, strict=True)):
            flows[gate.place, k] = part
            gradients[arg] = _sum(gradients[arg], part)
    return tuple(g for g in gradients if g is not None), flows


class _Ties(Functions):
    """At a tie of two operands each of them counts half."""

    tie = rational(Fraction(1, 2))


def conventions(gate: Gate) -> Functions:
    """Return the functions by which a gate's theorem is evaluated, also where it has a kink."""
    return _Ties() if gate.kink == TIE else Functions()


def _shared(part: Rows, values: Rows, extreme: Rows) -> Rows:
    """Return what tied winners receive: each an equal share."""
    winners, rows = _winners(values, extreme), Table(part)
    shares = (x if x == 0 else x / winners[at] for x, at in zip(rows.flat(), _of(values, extreme)))
    return Table.filled(rows.extents, shares)


def _of(values: Rows, extreme: Rows) -> Iterator[tuple[int, ...]]:
    """Yield for each value where its extreme stands."""
    kept = [count > 1 for count in Table(extreme).extents]
    yield from (tuple(map(mul, place, kept)) for place, _ in Table(values).cells())


def _winners(values: Rows, extreme: Rows) -> dict[tuple[int, ...], int]:
    """Return how many of the values are the extreme, by where that stands."""
    best = dict(Table(extreme).cells())
    found = dict.fromkeys(best, 0)
    for x, at in zip(Table(values).flat(), _of(values, extreme), strict=True):
        found[at] += sign(x - best[at]) == 0
    return found


def _kinks(circuit: Circuit, sizes: Mapping[str, int], known: Sequence[Rows]) -> Iterator[Kink]:
    for gate in circuit.gates:
        if gate.kink == SHARED:
            winners = _winners(known[gate.args[0]], known[gate.place])
            found = [place for place, count in winners.items() if count > 1]
        else:
            found = [place for place, side in sides(gate, sizes, known) if side == 0]
        if found:
            yield Kink(gate.place, tuple(found))


def switches(gate: Gate) -> tuple[Expr, ...]:
    """Return what of a gate's operands is compared at its kink: one with 0, or two of them."""
    if not gate.kink or gate.kink == SHARED or gate.pattern is None:
        return ()
    asked = gate.pattern.op.where(gate.pattern.data, *gate.pattern.args)
    return next((condition.args for condition in asked), ())


def sides(
    gate: Gate, sizes: Mapping[str, int], known: Sequence[Rows]
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield on which side of a gate's kink each entry is: 1 where it is above, 0 at the kink."""
    values = {f"_{k}": known[arg] for k, arg in enumerate(gate.args)}
    compared = [Numbers(sizes, values).matrix(arg) for arg in switches(gate)]
    if compared:
        apart = compared[0].zip(compared[1], sub) if len(compared) > 1 else compared[0]
        yield from apart.map(sign).cells()


def _located(
    error: DomainError,
    circuit: Circuit,
    gate: Gate,
    known: list[Rows] | tuple[Rows, ...],
    what: str,
) -> DomainError:
    """Return an error that says at which gate it arose, and with which numbers."""
    numbers = []
    for arg in dict.fromkeys(gate.args):
        rows = known[arg]
        text = shown(rows[0][0]) if len(rows) == len(rows[0]) == 1 else _written(rows)
        numbers.append(f"{formula(circuit, arg)} = {text}")
    place = formula(circuit, gate.place, named=False)
    name = f"{gate.name} = " if gate.name and not what else ""
    fails = "is not certain" if isinstance(error, Imprecise) else "does not exist"
    if what and gate.pattern is not None and gate.pattern.op is DET:
        message = f"the gradient of {place} is worked out by an inverse, and there is none"
        return DomainError(f"{message} at {', '.join(numbers)}", hint="choose other values")
    return type(error)(
        f"{what}{name}{place} {fails} at {', '.join(numbers)}: {error.message}",
        hint="choose other values",
    )


def _written(rows: Rows) -> str:
    text = "[" + ", ".join("[" + ", ".join(shown(x) for x in row) + "]" for row in rows) + "]"
    return text if len(text) <= 80 else f"{text[:76]} ..."


def _sum(total: Rows | None, part: Rows) -> Rows:
    return part if total is None else Table(total).zip(part, add)


def _zeros(gate: Gate, sizes: Mapping[str, int]) -> Rows:
    return Table.of(gate.shape.extents(sizes), lambda *place: rational(0))
