"""A program as a circuit: gates in an order in which they can be evaluated, and the wires between.

A gate is one operator; constants are part of it, so `x + 1` is a gate with one wire. Its `pattern`
is the operator over slots, equal for all gates of a kind, so that a theorem about it is derived
once. A program's statement may be read gate by gate as it is written, broken into elementary gates
(`primitive`), or with sigmoids recognised (`named`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import Expr, nodes, rebuild, substitute, variables
from derive.expressions.program import Program, Statement
from derive.expressions.shape import Shape
from derive.ops import var
from derive.ops.elementwise import DIV, EXP, MUL, POW, F
from derive.ops.linear import ADD, BROADCAST, NEG, NUMBER

WRITTEN, PRIMITIVE, NAMED = "written", "primitive", "named"
GATES = (WRITTEN, PRIMITIVE, NAMED)


class Gate(NamedTuple):
    """An input (without a pattern), or an operator applied to earlier gates.

    `args` are the places of the operands in the circuit, one for each slot of the pattern; `name`
    is the program's name for the value, or empty.
    """

    place: int
    name: str
    shape: Shape
    pattern: Expr | None = None
    args: tuple[int, ...] = ()

    @property
    def is_input(self) -> bool:
        return self.pattern is None

    @property
    def op(self) -> str:
        """The operator's name; `var` for a gate that hands its operand on."""
        return "var" if self.pattern is None else self.pattern.name

    @property
    def kink(self) -> str:
        """What is agreed upon where the operator has a kink; empty where it has none."""
        return "" if self.pattern is None else self.pattern.op.kink

    @property
    def word(self) -> str:
        """The stable word for the operator along its axes."""
        return "var" if self.pattern is None else self.pattern.word


class Circuit(NamedTuple):
    """The gates of a program, operands before the gates that use them."""

    program: Program
    gates: tuple[Gate, ...]
    granularity: str = WRITTEN

    @property
    def output(self) -> Gate:
        return self.gates[-1]

    def uses(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Return, for each gate, the gates and slots that use it, in order."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.gates]
        for gate in self.gates:
            for slot, arg in enumerate(gate.args):
                found[arg].append((gate.place, slot))
        return tuple(tuple(users) for users in found)

    def labels(self) -> tuple[str, ...]:
        """Return a name for every gate: the program's, or a free letter and a number.

        The letter of a matrix is a capital.
        """
        letter = self.program.free_letter()
        numbers = count(1)

        def label(gate: Gate) -> str:
            return f"{letter if gate.shape.is_scalar else letter.upper()}_{next(numbers)}"

        return tuple(gate.name or label(gate) for gate in self.gates)

    def as_program(self) -> Program:
        """Return the program whose statements are the gates, one each, under their labels."""
        labels = self.labels()
        leaves = {label: var(label, g.shape) for label, g in zip(labels, self.gates, strict=True)}
        statements = []
        for gate in self.gates:
            if gate.pattern is not None:
                operands = (leaves[labels[arg]] for arg in gate.args)
                expr = substitute(gate.pattern, dict(zip(slots(gate, self), operands, strict=True)))
                statements.append(Statement(labels[gate.place], expr))
        return self.program._replace(statements=tuple(statements), leaves=leaves, reordered=False)

    def reaching(self) -> frozenset[int]:
        """Return the places of the gates on which the output depends."""
        found = {self.output.place}
        for gate in reversed(self.gates):
            if gate.place in found:
                found.update(gate.args)
        return frozenset(found)


@dataclass(slots=True)
class _Builder:
    program: Program
    rewrite: Callable[[Expr], Expr]
    gates: list[Gate]
    places: dict[str, int]

    def add(self, name: str, shape: Shape, pattern: Expr | None, args: tuple[int, ...]) -> int:
        gate = Gate(len(self.gates), name, shape, pattern, args)
        self.gates.append(gate)
        if name:
            self.places[name] = gate.place
        return gate.place

    def statement(self, name: str, expr: Expr) -> None:
        root = self.rewrite(expr)
        varies: dict[Expr, bool] = {}
        places: dict[Expr, int] = {}
        for node in nodes(root):
            varies[node] = node.is_var or any(varies[arg] for arg in node.args)
            if node.is_var:
                places[node] = self.places[node.data[0]]
            if node is root:
                self.add(name, node.shape, *self._pattern(node, places, varies))
            elif varies[node] and not node.is_var:
                places[node] = self.add("", node.shape, *self._pattern(node, places, varies))

    def _pattern(
        self, node: Expr, places: dict[Expr, int], varies: dict[Expr, bool]
    ) -> tuple[Expr, tuple[int, ...]]:
        """Return the node's operator over slots, and what is put into them."""
        if node.is_var:
            return slot(0, node.shape), (places[node],)
        args: list[Expr] = []
        used: list[int] = []
        for arg in node.args:
            if varies[arg]:
                args.append(slot(len(used), arg.shape))
                used.append(places[arg])
            else:
                args.append(arg)
        return rebuild(node, tuple(args)), tuple(used)


def slot(index: int, shape: Shape) -> Expr:
    """Return the variable that stands for an operand of a gate; no program has such a name."""
    return var(f"_{index}", shape)


def slots(gate: Gate, circuit: Circuit) -> tuple[Expr, ...]:
    """Return the slots of a gate's pattern."""
    return tuple(slot(k, circuit.gates[arg].shape) for k, arg in enumerate(gate.args))


def formula(circuit: Circuit, place: int, named: bool = True) -> Expr:
    """Return a gate's value in the names of the program; with `named`, by its own name if any."""
    gate = circuit.gates[place]
    if gate.pattern is None or (named and gate.name):
        return var(gate.name, gate.shape)
    operands = (formula(circuit, arg) for arg in gate.args)
    return substitute(gate.pattern, dict(zip(slots(gate, circuit), operands, strict=True)))


def circuit(program: Program, granularity: str = WRITTEN) -> Circuit:
    """Return the circuit of a program.

    >>> from derive.language.parse import parse
    >>> found = circuit(parse("q = x + y; f = q * z"))
    >>> [(gate.name, gate.op, gate.args) for gate in found.gates][3:]
    [('q', 'add', (0, 1)), ('f', 'mul', (3, 2))]

    Raises `UnsupportedError` for a granularity that there is not.
    """
    if granularity not in GATES:
        raise UnsupportedError(
            f"there are no gates {granularity!r}", hint=f"they are {', '.join(GATES)}"
        )
    rewrite = {WRITTEN: lambda e: e, PRIMITIVE: primitive, NAMED: named}[granularity]
    builder = _Builder(program, rewrite, [], {})
    for name in program.inputs:
        builder.add(name, program.leaves[name].shape, None, ())
    for statement in program.statements:
        builder.statement(statement.name, statement.expr)
    return Circuit(program, tuple(builder.gates), granularity)


# -- coarser and finer gates -----------------------------------------------------------------------


def primitive(root: Expr) -> Expr:
    """Return an expression in elementary gates: quotients by 1/x, sigmoid by exp, softmax by sums.

    >>> from derive.language.parse import parse
    >>> str(primitive(parse("f = sigmoid(x)").statements[0].expr))
    '1 / (1 + exp(-x))'
    """
    done: dict[Expr, Expr] = {}
    for node in nodes(root):
        new = rebuild(node, tuple(done[arg] for arg in node.args))
        if new.op.formula is not None:
            new = primitive(new.meaning)
        elif new.op is DIV and all(map(variables, new.args)):
            new = new.args[0] * (1 / new.args[1])
        done[node] = new
    return done[root]


def named(root: Expr) -> Expr:
    """Return an expression in which every 1 / (1 + exp(-x)) is one sigmoid.

    >>> from derive.language.parse import parse
    >>> str(named(parse("f = 1 / (1 + exp(-(w * x + b)))").statements[0].expr))
    'sigmoid(w * x + b)'
    """
    found: dict[Expr, Expr] = {}
    for node in nodes(root):
        exponent = _sigmoid_of(node)
        if exponent is not None:
            found[node] = F.sigmoid(exponent)
    return substitute(root, found) if found else root


def _sigmoid_of(node: Expr) -> Expr | None:
    """Return x where a node is 1 / (1 + exp(-x))."""
    if node.op is POW and node.data == -1:
        below = node.args[0]
    elif node.op is DIV and _number_of(node.args[0]) == 1:
        below = node.args[1]
    else:
        return None
    if below.op is not ADD:
        return None
    for one, other in (below.args, below.args[::-1]):
        if _number_of(one) == 1 and other.op is EXP and other.shape == node.shape:
            inner = other.args[0]
            if inner.op is NEG:
                return inner.args[0]
            if inner.op is MUL and _number_of(inner.args[0]) == -1:
                return inner.args[1]
    return None


def _number_of(node: Expr) -> object:
    while node.op is BROADCAST:
        (node,) = node.args
    return node.data if node.op is NUMBER else None
