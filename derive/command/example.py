"""The subcommand that works an example out in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from derive.command import options
from derive.command.graph import report
from derive.command.target import read_target, say, shape, sizes

if TYPE_CHECKING:
    from derive.documents.worked import Example


@click.command()
@click.argument("target")
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the numbers.")
@click.option("--values", metavar="x=-2,y=5", help="Your own numbers: text, .json or .toml.")
@options.SHAPES
@click.option("--at", metavar="n=2,d=3", help="Sizes of the matrices.")
@options.WRT
@options.ASSUME
@options.OUTPUT
@options.FORMAT
@click.option("--json", "as_json", is_flag=True, help="Print the numbers; write only with -o.")
@options.FRAGMENT
@options.notation
@options.TEMPLATES
@options.timed
def example(target: str, **given: Any) -> int:
    """Work TARGET out in numbers: forwards, backwards, entry by entry and with matrices.

    The numbers are chosen by --seed so that they are easy to reckon with, or given by --values,
    which may hold the gradient of the output too (dY=[[1,2],[3,4]]).
    """
    stdout = given["output"] == "-"
    formats = options.formats(given)
    found = _worked(target, given)
    document = {
        "fragment": given["fragment"],
        "templates": Path(given["templates"]) if given["templates"] else None,
    }
    if given["as_json"]:
        import json

        if given["output"] not in (None, "-"):
            found.save(given["output"], formats, **document)
        say(json.dumps(found.plain(), indent=2, ensure_ascii=False))
    elif stdout:
        say(found.render(formats[0], **document), nl=False)
    else:
        from derive.documents.files import reported

        paths = found.save(given["output"] or "output", formats, **document)
        report(found.graph)
        for line in reported(paths, found.name):
            say(line)
    return 0


def _worked(target: str, given: dict[str, Any]) -> Example:
    from derive.documents.worked import example as work_out

    text, name = read_target(target)
    return work_out(
        text,
        dict(shape(item) for item in given["shapes"]),
        at=sizes(given["at"]),
        seed=given["seed"],
        values=given["values"],
        wrt=options.names(given["wrt"]),
        assume=options.assumptions(given["assumed"]),
        style=options.style(given),
        name=name,
    )
