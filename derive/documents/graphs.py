"""The computation graph of a program, with or without numbers, as one object to ask and to print.

`graph` composes the hops: text to program to circuit, values to a checked trace; the object's
pictures, numbers and documents are all printed from these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.catalogue import Entry, opened
from derive.circuits.backprop import Trace, backprop
from derive.circuits.circuit import WRITTEN, Circuit, Gate, circuit, formula
from derive.circuits.values import point, read_values
from derive.documents.files import told
from derive.expressions.errors import UnsupportedError
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.program import Program
from derive.language.assumptions import Assumptions, assumed, refuse_broken
from derive.language.given import closed
from derive.language.parse import Shapes
from derive.notation.mathematics import Style
from derive.readings.numbers import Rows, decimal, exact_text

if TYPE_CHECKING:
    from derive.pictures.picture import Picture


@dataclass(frozen=True, slots=True)
class Number:
    """A number: exactly, where it is a fraction, and in decimals that are certain.

    >>> Number(Fraction(11, 5), "2.2")
    11/5
    """

    exact: Fraction | None
    decimal: str

    def __float__(self) -> float:
        return float(self.decimal if self.exact is None else self.exact)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Number):
            return (self.exact, self.decimal) == (other.exact, other.decimal)
        return self.exact is not None and self.exact == other

    def __hash__(self) -> int:
        return hash((self.exact, self.decimal))

    def __repr__(self) -> str:
        return self.decimal if self.exact is None else str(self.exact)

    def plain(self) -> dict[str, str | None]:
        """Return the number as JSON has it."""
        return {
            "exact": None if self.exact is None else str(self.exact),
            "decimal": self.decimal,
        }


Value = Number | list[list[Number]]


@dataclass(frozen=True, slots=True)
class Node:
    """One gate: what it is, what it computes from which others, and its numbers if there are any.

    `contributions` are what it hands back to each operand.
    """

    name: str | None
    gate: str
    formula: str
    operands: tuple[int, ...]
    value: Value | None = None
    gradient: Value | None = None
    contributions: tuple[Value, ...] = ()


@dataclass(frozen=True, repr=False)
class Graph:
    """A program's computation graph; in a notebook it shows itself as a picture.

    `digits` is the number of significant digits to which long numbers are rounded in print;
    `assumed` is what holds of the inputs, `style` the notation.
    """

    circuit: Circuit
    trace: Trace | None = None
    digits: int = 4
    assumed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    style: Style = field(default_factory=Style)

    @property
    def program(self) -> Program:
        return self.circuit.program

    @property
    def forward(self) -> dict[str, Value]:
        """The value of every named variable; matrices are nested lists."""
        trace = self._numbers()
        return self._named(trace.values)

    @property
    def gradients(self) -> dict[str, Value]:
        """The gradient of the loss with respect to every named variable."""
        trace = self._numbers()
        return self._named(trace.gradients)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every gate of the graph, operands before the gates that use them."""
        return tuple(
            Node(
                gate.name or None,
                "input" if gate.is_input else "copy" if gate.op == "var" else gate.word,
                self.program.written(formula(self.circuit, gate.place, named=gate.is_input)),
                gate.args,
                *self._numbers_of(gate),
            )
            for gate in self.circuit.gates
        )

    def _numbers_of(self, gate: Gate) -> tuple[Any, ...]:
        """Return the value and the gradient of a gate, and what it hands back, if known."""
        trace, place, gates = self.trace, gate.place, self.circuit.gates
        if trace is None:
            return ()
        flows = (_value(trace.flows[place, k], gates[arg]) for k, arg in enumerate(gate.args))
        return _value(trace.values[place], gate), _value(trace.gradients[place], gate), tuple(flows)

    @property
    def question(self) -> dict[str, Any]:
        """What the graph shows, as plain values by name."""
        gates = [node.formula for node in self.nodes]
        given = None if self.trace is None else [
            [str(self.trace.values[gate.place]) for gate in self.circuit.gates if gate.is_input],
            str(self.trace.gradients[self.circuit.output.place]),
        ]  # fmt: skip
        assumed = sorted((name, sorted(words)) for name, words in self.assumed.items())
        statements = [str(s) for s in self.program.statements]
        return {"statements": statements, "gates": gates, "given": given, "digits": self.digits,
                "assumed": assumed, "style": told(self.style)}  # fmt: skip

    def picture(self) -> Picture:
        """Return what the picture shows, before anything has a place."""
        from derive.pictures.diagram import picture

        return picture(self.circuit, self.trace, digits=self.digits, style=self.style)

    def to_svg(self) -> str:
        """Return the picture as SVG."""
        from derive.pictures.drawing import draw
        from derive.pictures.svg import svg

        return svg(draw(self.picture()))

    def to_tikz(self) -> str:
        """Return the picture as a `tikzpicture`."""
        from derive.pictures.drawing import draw
        from derive.pictures.tikz import ACROSS, tikz

        return tikz(draw(self.picture(), across=ACROSS))

    def to_mermaid(self) -> str:
        """Return the picture as Mermaid's text."""
        from derive.pictures.mermaid import mermaid

        return mermaid(self.picture())

    def __repr__(self) -> str:
        return f"<Graph {self.program.name}>"

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def _repr_html_(self) -> str:
        """A picture that is too wide moves in a frame of its own."""
        return f'<div style="overflow-x: auto" tabindex="0">{self.to_svg()}</div>'

    def plain(self) -> dict[str, Any]:
        """Return the graph as plain values, for `--json`."""
        found: dict[str, Any] = {}
        if self.assumed:
            found["assumed"] = {name: sorted(words) for name, words in self.assumed.items()}
        if self.trace is not None:
            found |= {"forward": _plain(self.forward), "gradients": _plain(self.gradients)}
        told = [f.name for f in fields(Node) if self.trace or f.default is MISSING]
        found["nodes"] = [{key: _plain(getattr(node, key)) for key in told} for node in self.nodes]
        return found

    def _numbers(self) -> Trace:
        if self.trace is None:
            raise UnsupportedError(
                "this graph has no numbers",
                hint="give values: graph(program, values={'x': -2, ...})",
            )
        return self.trace

    def _named(self, table: Sequence[Rows]) -> dict[str, Value]:
        gates = self.circuit.gates
        return {gate.name: _value(table[gate.place], gate) for gate in gates if gate.name}


def _value(rows: Rows, gate: Gate) -> Value:
    cells = [[number(x) for x in row] for row in rows]
    return cells[0][0] if gate.shape.is_scalar else cells


def number(value: Any) -> Number:
    """Return what a reading computed with as a number to ask and to print.

    >>> from derive.readings.numbers import rational
    >>> number(rational(Fraction(1, 3))).plain()
    {'exact': '1/3', 'decimal': '0.33333333333333333'}
    """
    exact = exact_text(value)
    return Number(Fraction(exact) if exact is not None else None, decimal(value))


def _plain(value: Any) -> Any:
    """Return numbers as JSON has them, in whatever holds them."""
    match value:
        case Number():
            return value.plain()
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
    return value


def graph(
    program: str | Program | Entry,
    shapes: Shapes | None = None,
    *,
    values: Mapping[str, Any] | str | Path | None = None,
    at: Mapping[str, int] | None = None,
    assume: Assumptions | None = None,
    gates: str = WRITTEN,
    digits: int = 4,
    style: Style | None = None,
    name: str = "",
    timeout: float | None = TIMEOUT,
) -> Graph:
    """Return the computation graph of a program, with its numbers if values are given.

    >>> found = graph("q = x + y; f = q * z", values={"x": -2, "y": 5, "z": -4})
    >>> found.forward["f"], found.gradients
    (-12, {'x': -4, 'y': -4, 'z': 3, 'q': -4, 'f': 1})

    `values` holds a number or a nested list for each input (or their text, or a .json or .toml
    file), and may hold the gradient of the loss with respect to the output; they must be what
    `assume` says. `gates` is `written`, `primitive` (sigmoids broken into exp and reciprocal) or
    `named` (such sigmoids recognised), `style` the notation. Decimals are exact: 0.1 is 1/10.
    Raises `ParseError`, `ShapeError`, `UnsupportedError` for bad input, `DomainError` where a value
    does not exist and `LimitError` after `timeout` seconds.
    """
    with limited(timeout):
        given = values if isinstance(values, Mapping | None) else read_values(values)
        read, entry = opened(program, shapes, name, given or ())
        read, given = closed(read, given, needed=given is not None)
        words = assumed(read, entry.assuming(assume))
        found = circuit(read, gates)
        if given is None:
            return Graph(found, None, digits, words, style or Style())
        where = point(read, given, at)
        refuse_broken(where.values, words)
        trace = backprop(found, where.sizes, where.values, where.seed)
        return Graph(found, trace, digits, words, style or Style())
