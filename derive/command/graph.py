"""The subcommand that draws and works out computation graphs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from derive.command.options import ASSUME, OUTPUT, SHAPES, assumptions, formats as formats_of, timed
from derive.command.target import read_target, say, shape, sizes
from derive.expressions.shape import count

if TYPE_CHECKING:
    from derive.documents.graphs import Graph

FORMATS = ("md", "tex", "svg", "mmd")
BOTH = "both"


@click.command()
@click.argument("target")
@click.option("--values", metavar="x=-2,y=5", help="Numbers for the inputs: text, .json or .toml.")
@SHAPES
@click.option("--at", metavar="n=2,d=3", help="Sizes that the values leave open.")
@ASSUME
@click.option(
    "--gates", type=click.Choice(["written", "primitive", "named", BOTH]), default="written",
    show_default=True, help="Gates as written, elementary ones, named sigmoids, or both of these.",
)  # fmt: skip
@click.option(
    "--digits", type=click.IntRange(1, 15), default=4, show_default=True,
    help="Significant digits of long numbers in print.",
)  # fmt: skip
@OUTPUT
@click.option("-f", "--format", "formats", metavar="md,tex,svg,mmd", help="Formats; md and tex.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers; write only with -o.")
@timed
def graph(target: str, **options: Any) -> int:
    """Draw the computation graph of TARGET, with forward values and gradients.

    Without --values the graph has formulas: the local gradient at each gate. The gradient of the
    output is 1 if it is a scalar; otherwise it is given among the values (dY=[[1,2],[3,4]]), or
    chosen.
    """
    stdout, formats = options["output"] == "-", formats_of(options, FORMATS)
    found = _graphs(target, options)
    if options["as_json"]:
        import json

        if options["output"] not in (None, "-"):
            _write(found, Path(options["output"]), formats)
        plain = [one.plain() for one in found]
        say(json.dumps(plain[0] if len(plain) == 1 else plain, indent=2, ensure_ascii=False))
    elif stdout:
        say(_text(found, formats[0], ""), nl=False)
    else:
        from derive.documents.files import reported

        report(found[0])
        paths = _write(found, Path(options["output"] or "output"), formats)
        for line in reported(paths, found[0].program.name):
            say(line)
    return 0


def _graphs(target: str, options: dict[str, Any]) -> list[Graph]:
    from derive.documents.graphs import graph as draw

    text, name = read_target(target)
    shapes = dict(shape(item) for item in options["shapes"])
    kinds = ("primitive", "named") if options["gates"] == BOTH else (options["gates"],)
    return [
        draw(
            text, shapes, values=options["values"], at=sizes(options["at"]), gates=kind,
            digits=options["digits"], name=name, assume=assumptions(options["assumed"]),
        )
        for kind in kinds
    ]  # fmt: skip


def _text(found: list[Graph], form: str, picture: str) -> str:
    from derive.documents.graph import render_graph

    if form == "svg":
        return "\n".join(one.to_svg() for one in found)
    if form == "mmd":
        return "\n".join(one.to_mermaid() for one in found)
    return render_graph(found, form, picture=picture)


def _write(found: list[Graph], folder: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write the documents, and the pictures that the Markdown shows; each whole or not at all."""
    from derive.documents.files import asked, fingerprint, write

    made: dict[str, tuple[str, int]] = {}  # by the ending of a file: its format, and which graph
    for form in formats:
        pictures = {"md": "svg", "svg": "svg", "mmd": "mmd"}.get(form)
        if pictures:
            for k in range(len(found)):
                made[f"-graph{k + 1 if k else ''}.{pictures}"] = pictures, k
        if form in ("md", "tex"):
            made[f"-graph.{form}"] = form, 0

    def texts(stem: str) -> Iterator[str]:
        for form, k in made.values():
            alone = [found[k]] if form in ("svg", "mmd") else found
            yield _text(alone, form, f"{stem}-graph{{}}.svg")

    question = fingerprint([asked("Graph", one.question) for one in found])
    return write(folder, found[0].program.name, question, list(made), texts)


def report(graph: Graph) -> None:
    """Print each named value and its gradient, and how they were checked."""
    trace = graph.trace
    if trace is None:
        gates = sum(not gate.is_input for gate in graph.circuit.gates)
        inputs = len(graph.circuit.gates) - gates
        say(f"{count(gates, 'gate')}, {count(inputs, 'input')}")
        return
    from derive.notation.figures import figure

    def shown(rows: list[list[Any]]) -> str:
        if len(rows) * len(rows[0]) > 24:
            return f"({len(rows)}×{len(rows[0])})"
        cells = [[figure(x, graph.digits) for x in row] for row in rows]
        if len(cells) == len(cells[0]) == 1:
            return cells[0][0].plain
        return "[" + ", ".join("[" + ", ".join(c.plain for c in row) + "]" for row in cells) + "]"

    output = graph.program.output
    for gate in graph.circuit.gates:
        if gate.name:
            value = shown(trace.values[gate.place])
            gradient = shown(trace.gradients[gate.place])
            loss = output if output.shape.is_scalar else "L"
            say(f"{gate.name} = {value}    d{loss}/d{gate.name} = {gradient}")
    digits = min(trace.checks.digits.values(), default=None)
    say(
        f"{trace.checks.exact + trace.checks.enclosed} gradients, each checked by a derivative "
        "carried forwards"
    )
    if digits is None:
        say("a kink is hit: a convention stands in for the derivative there")
    else:
        say(f"central differences agree to {digits} digits")
