"""Two readings of one program, gate by gate and with whole functions: why both agree.

Enters circuits of one program with their traces, leaves, for each function that one of them breaks
into gates, its derivative both ways. The law: nothing leaves that is not proved by the definitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from derive.calculus.reverse import sweep
from derive.circuits.backprop import Trace
from derive.circuits.circuit import Circuit, primitive
from derive.expressions.errors import FaultError
from derive.expressions.expr import OPS, Expr, elementwise, number, substitute
from derive.expressions.program import Program, Statement
from derive.expressions.shape import SCALAR
from derive.ops import var


class Broken(NamedTuple):
    """A function of `s` and what it is in gates; its derivative back `through` these.

    `table` is the derivative that the whole function has, in its own value, the variable `y` of
    `program`; `whole` is the same in the function.
    """

    program: Program
    function: Expr
    gates: Expr
    through: Expr
    table: Expr
    whole: Expr


def agreement(circuits: Iterable[Circuit]) -> list[Broken]:
    """Return the functions that gates break, each with its two derivatives proved equal.

    Raises `FaultError` where a line is not proved.
    """
    functions = dict.fromkeys(
        gate.op
        for circuit in circuits
        for gate in circuit.gates
        if gate.pattern is not None and gate.op in OPS and OPS[gate.op].through is not None
        if primitive(gate.pattern) is not gate.pattern
    )
    return [_broken(name) for name in functions]


def _broken(name: str) -> Broken:
    s, value = var("s", SCALAR), var("y", SCALAR)
    whole = elementwise(name, s)
    gates = primitive(whole)
    through = sweep(gates, number(1), [s], gates)[s].value
    table = sweep(whole, number(1), [s], value)[s].value
    program = Program("", "y", (Statement("y", whole),), {"s": s, "y": value}, ("s",), (), {})
    from derive.algebra.normal import Ring
    from derive.judges.case import Case
    from derive.readings.forms import Forms

    case, ring = Case(program), Ring()
    definition = Forms(ring)
    if not ring.equal(definition.of(whole, 0, 0), definition.of(gates, 0, 0)):
        raise FaultError(f"{name} was not proved to be {gates}")
    for line in (through, substitute(table, {value: gates}), table):
        if not case.proves("s", line):
            raise FaultError(f"the derivative of {name} was not proved to be {line}")
    return Broken(program, whole, gates, through, table, substitute(table, {value: whole}))


def same_gradients(fine: Trace, coarse: Trace) -> None:
    """Refuse traces of one program at one point that have other gradients of a name."""
    for gate in fine.circuit.gates:
        if gate.name and gate.name in coarse.circuit.program.leaves:
            if coarse.differing(f"d{gate.name}", fine.gradients[gate.place]) is not None:
                raise FaultError(f"the two readings disagree about the gradient of {gate.name}")
