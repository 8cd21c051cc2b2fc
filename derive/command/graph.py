"""The subcommand that draws and works out computation graphs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from derive.command import options
from derive.command.delivery import Progress, Told, deliver
from derive.command.options import option
from derive.notation.messages import say

if TYPE_CHECKING:
    from derive.documents.graph import Graphs
    from derive.documents.graphs import Graph

BOTH = "both"


@options.subcommand(
    options.SHAPES,
    options.ASSUME,
    options.VALUES,
    option("--gates", type=click.Choice(["written", "primitive", "named", BOTH]), default="written",
           help="Gates as written, elementary ones, named sigmoids, or both of these."),
    option("--digits", type=click.IntRange(1, 15), default=4,
           help="Significant digits of long numbers in print."),
    *options.writing(*options.TEXTS, "svg", "mmd"),
)  # fmt: skip
def graph(target: str, **given: Any) -> int:
    """Draw the computation graph of TARGET, with forward values and gradients.

    Without --values the graph has formulas: the local gradient at each gate. The gradient of the
    output is 1 if it is a scalar; otherwise it is given among the values (dY=[[1,2],[3,4]]), or
    chosen.
    """

    return deliver(given, partial(document, target, given), lambda found: told(found.graphs[0]))


def document(target: str, given: Mapping[str, Any], progress: Progress | None = None) -> Graphs:
    """Return the graphs that the command's options ask for."""
    from derive.documents.graph import Graphs
    from derive.documents.graphs import graph as draw

    style = options.style(given)
    asked = options.asked(target, given, "at", "assume", "values", "digits")
    kinds = ("primitive", "named") if given["gates"] == BOTH else (given["gates"],)
    return Graphs(tuple(draw(**asked, gates=kind, style=style) for kind in kinds))


def told(graph: Graph) -> Told:
    """Return each named value with its gradient, and how they were checked."""
    trace, circuit = graph.trace, graph.circuit
    if trace is None:
        inputs = sum(gate.is_input for gate in circuit.gates)
        gates = len(circuit.gates) - inputs
        said = (say("told.gate" if gates == 1 else "told.gates", gates),
                say("told.input" if inputs == 1 else "told.inputs", inputs))  # fmt: skip
        return [(say("told.graph", *said), "")], ()
    from derive.notation.numerals import numeral
    from derive.notation.text import text

    def shown(rows: list[list[Any]]) -> str:
        if len(rows) * len(rows[0]) > 24:
            return f"({len(rows)}×{len(rows[0])})"
        cells = [[text(numeral(x, graph.digits)).replace("-", "−") for x in row] for row in rows]
        if len(cells) == len(cells[0]) == 1:
            return cells[0][0]
        return "[" + ", ".join("[" + ", ".join(row) + "]" for row in cells) + "]"

    output = graph.program.output
    loss = output if output.shape.is_scalar else "L"
    rows = [
        (f"{gate.name} = {shown(trace.values[gate.place])}",
         f"d{loss}/d{gate.name} = {shown(trace.gradients[gate.place])}")
        for gate in circuit.gates if gate.name
    ]  # fmt: skip
    digits = min(trace.checks.digits.values(), default=None)
    differences = say("told.kink") if digits is None else say("told.digits", digits=digits)
    gradients = trace.checks.exact + trace.checks.enclosed
    return rows, (say("told.carried", gradients=gradients), differences)
