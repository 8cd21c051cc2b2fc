"""The subcommand that sets a sheet of problems."""

from __future__ import annotations

from typing import Any

import click

from derive.command.options import (
    ASSUME,
    FORMAT,
    SHAPES,
    WRT,
    assumptions,
    formats as formats_of,
    names,
    timed,
)
from derive.command.target import read_target, say, shape, sizes
from derive.expressions.errors import UnsupportedError


@click.command()
@click.argument("target")
@click.option("--count", type=int, default=6, show_default=True, help="How many problems.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which numbers and places.")
@SHAPES
@click.option("--at", metavar="n=2,d=3", help="Sizes of the matrices.")
@WRT
@ASSUME
@click.option("-o", "--output", metavar="DIR", help="Folder to write to (output).")
@FORMAT
@click.option("--json", "as_json", is_flag=True, help="Print problems and answers; write with -o.")
@timed
def exercise(target: str, **options: Any) -> int:
    """Set a sheet of problems about the gradients of TARGET, with checked solutions.

    Markdown is written as two files, the problems and the solutions; LaTeX as one with a switch.
    The same seed gives the same sheet.
    """
    if options["output"] == "-":
        raise UnsupportedError(
            "a sheet is several files, and standard output takes one",
            hint="name a folder, or print problems and answers with --json",
        )
    formats = formats_of(options)
    from derive.documents.sheet import exercise as set_problems

    text, name = read_target(target)
    sheet = set_problems(
        text,
        dict(shape(item) for item in options["shapes"]),
        count=options["count"],
        seed=options["seed"],
        at=sizes(options["at"]),
        wrt=names(options["wrt"]),
        assume=assumptions(options["assumed"]),
        name=name,
    )
    if options["as_json"]:
        import json

        if options["output"] is not None:
            sheet.save(options["output"], formats)
        say(json.dumps(sheet.plain(), indent=2, ensure_ascii=False))
        return 0
    from derive.documents.files import reported

    paths = sheet.save(options["output"] or "output", formats)
    for problem in sheet.problems:
        about = f" for {problem.variable}" if problem.variable else ""
        say(f"{problem.number}. {problem.kind}{about}")
    say("every number, formula and claim of the solutions was checked")
    for line in reported(paths, sheet.name):
        say(line)
    return 0
