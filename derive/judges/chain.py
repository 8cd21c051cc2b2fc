"""The chain rule on scalars: factors along each way, their product, the result; each line judged.

What enters is a circuit of scalars, what leaves is one `Chain` for each input. The factors are the
local gradients of the gates; every line that is built from them is held against the definition of
the gradient, and one that is not proved is not returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, reduce
from operator import add, mul
from typing import NamedTuple

from derive.calculus.simplify import simplify
from derive.circuits.backprop import local, own
from derive.circuits.circuit import Circuit, Gate, slots
from derive.expressions.errors import ProofError
from derive.expressions.expr import Expr, nodes, substitute
from derive.expressions.program import Program, Statement
from derive.expressions.shape import SCALAR
from derive.ops import var

#: More is left to the tables: ways from an input to the output, and gates, in all and on the ways.
MOST_WAYS, MOST_GATES = 4, 16


class Factor(NamedTuple):
    """One gate on the way: the derivative of `of` by `by` is `value`."""

    of: Expr
    by: Expr
    value: Expr


class Chain(NamedTuple):
    """The derivative of the output by an input.

    `ways` are the factors along each way, the output first; `product` is what they come to,
    `result` the same in simplest form, and `inputs` the result with intermediates put back.
    """

    variable: Expr
    ways: tuple[tuple[Factor, ...], ...]
    product: Expr
    result: Expr
    inputs: Expr


def chains(circuit: Circuit) -> tuple[Chain, ...]:
    """Return the chain rule for each input, proved; none for a circuit that is too large.

    >>> from derive.circuits.circuit import circuit
    >>> from derive.language.parse import parse
    >>> (found,) = chains(circuit(parse("z = 3 * y; y = x ** 2")))
    >>> str(found.result), [str(factor.value) for way in found.ways for factor in way]
    ('6 * x', ['3', '2 * x'])

    Raises `ProofError` where a line is not proved.
    """
    gates = circuit.gates
    if not all(gate.shape.is_scalar for gate in gates) or len(gates) > MOST_GATES:
        return ()
    labels = circuit.labels()
    names = [var(label, gate.shape) for label, gate in zip(labels, gates, strict=True)]
    program = circuit.as_program()
    from derive.judges.case import Case

    case = Case(program)
    found, reaching = [], circuit.reaching()
    for gate in gates:
        if not gate.is_input or gate.place not in reaching:
            continue
        ways = list(_ways(circuit, gate))
        if not ways or sum(map(len, ways)) > MOST_GATES:
            continue
        factors = tuple(tuple(_factor(circuit, names, *step) for step in way) for way in ways)
        product = reduce(add, (reduce(mul, (f.value for f in way)) for way in factors))
        result = simplify(product)[0]
        inputs = simplify(program.composed(result))[0]
        for line in dict.fromkeys((product, result, inputs)):
            if not case.proves(gate.name, line):
                raise ProofError(
                    f"d{gate.name} = {line} was not proved, so the chain is not shown",
                    hint="the tables do not need it: leave the symbols out by giving values",
                )
        found.append(Chain(names[gate.place], factors, product, result, inputs))
    return tuple(found)


def _ways(circuit: Circuit, start: Gate) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield the ways from an input to the output as gates and slots, the output first."""
    uses, end = circuit.uses(), circuit.output.place
    reaching = circuit.reaching()
    found: list[tuple[tuple[int, int], ...]] = []
    stack: list[tuple[int, tuple[tuple[int, int], ...]]] = [(start.place, ())]
    while stack:
        place, way = stack.pop()
        if place == end:
            found.append(way)
            if len(found) > MOST_WAYS:
                return
            continue
        stack.extend((user, ((user, k), *way)) for user, k in uses[place] if user in reaching)
    yield from reversed(found)


def _factor(circuit: Circuit, names: list[Expr], place: int, k: int) -> Factor:
    gate = circuit.gates[place]
    assert gate.pattern is not None
    if not _is_proved(gate.pattern, k):
        raise ProofError(f"the local gradient of {names[place]} by {names[gate.args[k]]} is open")
    put = dict(zip(slots(gate, circuit), (names[arg] for arg in gate.args), strict=True))
    put[own(gate.shape)] = names[place]
    value = substitute(local(gate.pattern)[k], put)
    return Factor(names[place], names[gate.args[k]], value)


@lru_cache(maxsize=4096)
def _is_proved(pattern: Expr, k: int) -> bool:
    """Whether a gate's local gradient by one of its slots is the derivative of its definition."""
    from derive.judges.case import Case

    leaves = [leaf for leaf in nodes(pattern) if leaf.is_var]
    renamed = {leaf: var(f"a{leaf.data[0]}", SCALAR) for leaf in leaves}
    value = var("y", SCALAR)
    alone = Program(
        text="",
        name="y",
        statements=(Statement("y", substitute(pattern, renamed)),),
        leaves={leaf.data[0]: leaf for leaf in (*renamed.values(), value)},
        inputs=tuple(leaf.data[0] for leaf in renamed.values()),
        dims=(),
        sizes={},
    )
    claim = substitute(local(pattern)[k], renamed | {own(SCALAR): value})
    return Case(alone).proves(f"a_{k}", claim)
