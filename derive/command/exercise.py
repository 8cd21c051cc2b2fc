"""The subcommand that sets a sheet of problems."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from derive.command import options
from derive.command.delivery import Progress, Told, deliver
from derive.command.options import option
from derive.expressions.errors import UnsupportedError
from derive.notation.messages import message, say

if TYPE_CHECKING:
    from derive.documents.exercise import Sheet


@options.subcommand(
    options.SHAPES,
    options.WRT,
    options.DATA,
    options.ASSUME,
    option("--count", type=int, default=6, help="How many problems."),
    option("--seed", type=int, default=1, help="Which numbers and places."),
    option("--values", metavar="g=tanh", help="Functions that TARGET leaves open."),
    *options.writing(*options.TEXTS),
)
def exercise(target: str, **given: Any) -> int:
    """Set a sheet of problems about the gradients of TARGET, with checked solutions.

    Markdown is written as two files, the problems and the solutions; LaTeX as one with a switch.
    The same seed gives the same sheet.
    """
    if given["output"] == "-":
        raise UnsupportedError(
            "a sheet is several files, and standard output takes one",
            hint="name a folder, or print problems and answers with --json",
        )

    return deliver(given, partial(document, target, given), _told)


def document(target: str, given: Mapping[str, Any], progress: Progress | None = None) -> Sheet:
    """Return the sheet that the command's options ask for."""
    from derive.documents.exercise import exercise as set_problems

    words = ("count", "seed", "at", "wrt", "assume", "data", "values")
    return set_problems(**options.asked(target, given, *words), style=options.style(given))


def _told(sheet: Sheet) -> Told:
    rows = []
    for problem in sheet.problems:
        kind = message(problem.kind, f"problem.{problem.kind}")
        told = {"number": problem.number, "kind": kind}
        if problem.variable:
            rows.append((say("told.problem-for", **told, variable=problem.variable), ""))
        else:
            rows.append((say("told.problem", **told), ""))
    return rows, [say("told.sheet")]
