"""A circuit as a picture: each gate's sign, each value and gradient as it is printed.

With a trace the wires carry numbers; without one they carry formulas, and each wire the local
gradient of the gate that it enters.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive import ops
from derive.calculus.index import letters
from derive.calculus.simplify import simplify
from derive.circuits.backprop import Trace, local, own, theorem, upstream
from derive.circuits.circuit import Circuit, Gate, formula, slots
from derive.expressions.expr import AXES, Expr, Op, nodes, number, substitute, unrepeated, variables
from derive.expressions.layout import Box
from derive.notation.latex import latex
from derive.notation.mathematics import Notation, Style
from derive.notation.messages import plain, plain_words
from derive.notation.numerals import numeral
from derive.notation.text import text
from derive.ops import var
from derive.ops.elementwise import MUL, POW
from derive.pictures.drawing import WRITTEN
from derive.pictures.picture import Picture, Text, Vertex, Wire, line
from derive.proof.derivation import Derivation
from derive.proof.sizes import sizes_at
from derive.readings.numbers import Rows

#: Matrices with more rows or columns are drawn by name and shape, formulas with more signs not.
LARGEST, LONGEST = 4, 26

_SUPERSCRIPTS = str.maketrans("0123456789-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᐟ")


class Writing:
    """How the names and formulas of a circuit are written, on a screen and in LaTeX."""

    def __init__(
        self, circuit: Circuit, sizes: Mapping[str, int] | None = None, style: Style | None = None
    ):
        self.circuit = circuit
        self.labels = circuit.labels()
        self.program = circuit.as_program()
        blank = Derivation(
            self.program, (), sizes or sizes_at(circuit.program, None), "brief", {},
            letters(self.program.letters()), (), (), (), {}, {}, {}, {},
        )  # fmt: skip
        self.paper = Notation(blank, style or Style())

    def expr(self, expr: Expr) -> Text:
        return line(text(self.paper.expr(expr)), latex(self.paper.expr(expr)))

    def label(self, gate: Gate) -> Expr:
        """Return a gate's value as a variable."""
        return var(self.labels[gate.place], gate.shape)

    def gradient(self, gate: Gate) -> Expr:
        """Return the gradient of the loss with respect to a gate's value, as a variable."""
        return var(f"d{self.labels[gate.place]}", gate.shape)

    def put_in(self, expr: Expr, gate: Gate) -> Expr:
        """Return a formula over a gate's slots in the names of the circuit."""
        gates = self.circuit.gates
        names = {
            one: self.label(gates[arg])
            for one, arg in zip(slots(gate, self.circuit), gate.args, strict=True)
        }
        names |= {own(gate.shape): self.label(gate), upstream(gate.shape): self.gradient(gate)}
        return substitute(expr, names)

    def flows(self, gate: Gate) -> tuple[Expr, ...]:
        """Return what a gate hands to each operand, in the names of the circuit."""
        assert gate.pattern is not None
        return tuple(self.put_in(part, gate) for part in theorem(gate.pattern))

    def locals(self, gate: Gate) -> tuple[Expr, ...]:
        """Return the local gradients of a gate of scalars, in the names of the circuit."""
        assert gate.pattern is not None
        return tuple(self.put_in(part, gate) for part in local(gate.pattern))


def picture(
    circuit: Circuit, trace: Trace | None = None, *, digits: int = 4, style: Style | None = None
) -> Picture:
    """Return the picture of a circuit, with the numbers of a trace or with formulas.

    >>> from derive.circuits.circuit import circuit
    >>> from derive.language.parse import parse
    >>> found = picture(circuit(parse("q = x + y; f = q * z")))
    >>> [vertex.text.plain[0][0] for vertex in found.vertices]
    ['x', 'y', 'z', '+', '×']
    """
    writing = Writing(circuit, trace.sizes if trace else None, style)
    if len(circuit.gates) > WRITTEN:
        return _bare(circuit, writing)
    formulas = {} if trace else _formulas(circuit, writing)
    uses = circuit.uses()
    vertices, wires = [], []
    for gate in circuit.gates:
        named = writing.expr(writing.label(gate)) if gate.name else None
        vertices.append(
            Vertex(
                key=str(gate.place),
                kind="input" if gate.is_input else "gate" if gate.args else "constant",
                text=named if gate.is_input and named else sign(gate, writing),
                name=None if gate.is_input else named,
                value=_value(gate, trace, writing, digits),
                gradient=_gradient(gate, trace, writing, formulas, digits),
                output=gate is circuit.output,
            )
        )
        branches = (
            zip(gate.args, _locals(gate, writing), strict=True)
            if trace is None
            else ((arg, None) for arg in gate.args)
        )
        for port, (arg, shown) in enumerate(branches):
            if trace is not None and len(uses[arg]) > 1:
                shown = matrix(trace.flows[gate.place, port], digits)
            wires.append(Wire(str(arg), str(gate.place), port, gradient=shown))
    program = circuit.program
    title = "; ".join(program.lines())
    return Picture(tuple(vertices), tuple(wires), title[:200], _description(circuit, trace))


def _bare(circuit: Circuit, writing: Writing) -> Picture:
    """Return the picture of a circuit that is too large for text on its wires."""
    signs: dict[Expr | None, Text] = {}
    vertices, wires = [], []
    for gate in circuit.gates:
        named = line(gate.name) if gate.name else None
        if gate.pattern is not None and gate.pattern not in signs:
            signs[gate.pattern] = sign(gate, writing)
        kind = "input" if gate.is_input else "gate" if gate.args else "constant"
        shown = named if gate.is_input and named else signs[gate.pattern]
        vertices.append(Vertex(str(gate.place), kind, shown, output=gate is circuit.output))
        for port, arg in enumerate(gate.args):
            wires.append(Wire(str(arg), str(gate.place), port))
    title = "; ".join(circuit.program.lines()[:8])
    return Picture(tuple(vertices), tuple(wires), title[:200], _description(circuit, None))


def _description(circuit: Circuit, trace: Trace | None) -> str:
    inputs = sum(gate.is_input for gate in circuit.gates)
    key = "picture.numbers" if trace else "picture.formulas"
    return plain(key, inputs=inputs, gates=len(circuit.gates) - inputs)


def matrix(rows: Rows, digits: int) -> Text | None:
    """Return numbers as they stand on a wire; nothing for a matrix that is too large."""
    if len(rows) > LARGEST or len(rows[0]) > LARGEST:
        return None
    cells = [[numeral(x, digits) for x in row] for row in rows]
    return Text(
        tuple(tuple(text(cell).replace("-", "−") for cell in row) for row in cells),
        tuple(tuple(map(latex, row)) for row in cells),
        brackets=len(rows) * len(rows[0]) > 1,
    )


def _value(gate: Gate, trace: Trace | None, writing: Writing, digits: int) -> Text | None:
    if not gate.is_input and not gate.args:
        return None  # a constant's sign is its value
    if trace is not None:
        found = matrix(trace.values[gate.place], digits)
        return found or line(*_shape(gate, trace.sizes))
    if gate.is_input or gate.name:
        return None
    label = writing.expr(writing.label(gate))
    meant = _short(writing.expr(formula(writing.circuit, gate.place)))
    return label if meant is None else _joined(label, " = ", meant)


def _joined(first: Text, between: str, second: Text) -> Text:
    return line(
        first.plain[0][0] + between + second.plain[0][0],
        first.tex[0][0] + between + second.tex[0][0],
    )


def _shape(gate: Gate, sizes: Mapping[str, int]) -> tuple[str, str]:
    extents = [*map(str, gate.shape.extents(sizes))]
    return "×".join(extents), r"\times ".join(extents)


def _gradient(
    gate: Gate, trace: Trace | None, writing: Writing, formulas: dict[int, Expr], digits: int
) -> Text | None:
    if trace is not None:
        found = matrix(trace.gradients[gate.place], digits)
        return found or line(*_shape(gate, trace.sizes))
    known = formulas.get(gate.place)
    return None if known is None else _short(writing.expr(known))


def _short(written: Text) -> Text | None:
    return written if len(written.plain[0][0]) <= LONGEST else None


def _formulas(circuit: Circuit, writing: Writing) -> dict[int, Expr]:
    """Return every gradient as a formula of the circuit's names, as long as it is short."""
    found: dict[int, Expr] = {}
    output = circuit.output
    found[output.place] = number(1) if output.shape.is_scalar else writing.gradient(output)
    for gate in reversed(circuit.gates):
        if gate.pattern is None or gate.place not in found:
            continue
        for arg, part in zip(gate.args, writing.flows(gate), strict=True):
            part = substitute(part, {writing.gradient(gate): found[gate.place]})
            total = found[arg] + part if arg in found else part
            found[arg] = simplify(total)[0]
            if len(nodes(found[arg])) > 3 * LONGEST:
                found[arg] = writing.gradient(circuit.gates[arg])
    return found


def _locals(gate: Gate, writing: Writing) -> list[Text | None]:
    """Return what stands on the wires into a gate: its local gradients."""
    if not gate.args:
        return []
    gates = writing.circuit.gates
    scalars = gate.shape.is_scalar and all(gates[arg].shape.is_scalar for arg in gate.args)
    parts = writing.locals(gate) if scalars else writing.flows(gate)
    return [_short(writing.expr(part)) for part in parts]


# -- the signs of gates ----------------------------------------------------------------------------


def sign(gate: Gate, writing: Writing) -> Text:
    """Return what stands inside a gate: +, ×, exp, σ, and with a constant ×2, +1, 1/x."""
    pattern = gate.pattern
    assert pattern is not None
    if pattern.op is POW:
        return _power(pattern.data)
    if not gate.args:
        return writing.expr(pattern)
    constants = [(k, arg) for k, arg in enumerate(pattern.args) if not variables(arg)]
    if constants:
        return _with_constant(gate, writing, *constants[0])
    if pattern.op is MUL:
        return line("×", r"\times") if gate.shape.is_scalar else line("⊙", r"\odot")
    if pattern.is_var:
        return line("=", "=")
    said, (plain, tex) = plain_words(), pattern.op.gate
    if not plain:
        plain = said.get(f"gate-{pattern.op.flow}", "")
        tex = rf"\text{{{plain}}}" if plain else _word(pattern.op.called)
    axes = [said[f"axis-{AXES[axis]}"] for axis in pattern.op.along(pattern.data)]
    tex = "".join([tex, *(rf"\,\text{{{axis}}}" for axis in axes)])
    return line(" ".join([plain or pattern.op.called, *axes]), tex)


def _word(name: str) -> str:
    return latex(Box("word", text=name))


def _power(exponent: Fraction) -> Text:
    if exponent == -1:
        return line("1/x", "1/x")
    if exponent == Fraction(1, 2):
        return line("√", r"\sqrt{\ }")
    return line(f"x{str(exponent).translate(_SUPERSCRIPTS)}", f"x^{{{exponent}}}")


def _of_places(pattern: Expr, writing: Writing) -> Text:
    """Return an operator with its constants put in, its other arguments called x, y and z."""
    free = iter("xyz")
    places = [
        Box("id", text=next(free)) if variables(arg) else writing.paper.expr(arg)
        for arg in pattern.args
    ]
    box = pattern.op.written(*places, data=pattern.data)
    return line(text(box), latex(box))


def _with_constant(gate: Gate, writing: Writing, side: int, constant: Expr) -> Text:
    assert gate.pattern is not None
    bare = unrepeated(constant)
    shown = writing.expr(bare)
    plain, tex = shown.plain[0][0], shown.tex[0][0]
    plain = plain.replace("-", "−").replace(" ", "")
    loose = any(c in plain for c in "+−/") and plain[0] not in "("
    ways: dict[tuple[Op, int], tuple[str, str]] = {
        (ops.ADD, 0): ("+{}", "+{}"), (ops.ADD, 1): ("+{}", "+{}"), (ops.SUB, 1): ("−{}", "-{}"),
        (ops.SUB, 0): ("{}−x", "{}-x"), (ops.MUL, 0): ("×{}", r"\times {}"),
        (ops.MUL, 1): ("×{}", r"\times {}"), (ops.DIV, 1): ("÷{}", r"\div {}"),
        (ops.DIV, 0): ("{}/x", "{}/x"), (ops.GREATER, 1): ("[x>{}]", "[x>{}]"),
        (ops.GREATER, 0): ("[{}>x]", "[{}>x]"), (ops.MATMUL, 0): ("{} @", r"{}\,@"),
        (ops.MATMUL, 1): ("@ {}", r"@\,{}"),
    }  # fmt: skip
    way = ways.get((gate.pattern.op, side))
    if way is None:
        return _of_places(gate.pattern, writing)
    if loose:
        plain, tex = f"({plain})", f"({tex})"
    return line(way[0].format(plain), way[1].replace("{}", tex))
