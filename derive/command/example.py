"""The subcommand that works an example out in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from derive.command import options
from derive.command.delivery import Progress, deliver
from derive.command.graph import told

if TYPE_CHECKING:
    from derive.documents.example import Example


@options.subcommand(
    options.SHAPES,
    options.WRT,
    options.DATA,
    options.ASSUME,
    options.option("--seed", type=int, default=1, help="Chooses the numbers."),
    options.VALUES,
    *options.writing(*options.TEXTS),
)
def example(target: str, **given: Any) -> int:
    """Work TARGET out in numbers: forwards, backwards, entry by entry and with matrices.

    The numbers are chosen by --seed so that they are easy to reckon with, or given by --values,
    which may hold the gradient of the output too (dY=[[1,2],[3,4]]).
    """

    return deliver(given, partial(document, target, given), lambda found: told(found.graph))


def document(target: str, given: Mapping[str, Any], progress: Progress | None = None) -> Example:
    """Return the example that the command's options ask for."""
    from derive.documents.example import example as work_out

    asked = options.asked(target, given, "at", "seed", "values", "wrt", "assume", "data")
    return work_out(**asked, style=options.style(given, elide=6))
