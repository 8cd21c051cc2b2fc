"""Options that several subcommands have, written once, and what their texts mean.

What leaves is plain: decorators for the command parser, formats as a tuple, a style.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from derive.expressions.errors import UnsupportedError
from derive.expressions.limits import TIMEOUT, limited

if TYPE_CHECKING:
    from derive.notation.mathematics import Style

SHAPES = click.option(
    "-s", "--shape", "shapes", multiple=True, metavar="X=n,d", help="Shape of a name."
)
WRT = click.option(
    "--wrt", metavar="X,W", help="Variables to differentiate by; all inputs by default."
)
ASSUME = click.option(
    "--assume", "assumed", multiple=True, metavar="A=symmetric", help="Holds of an input."
)
OUTPUT = click.option(
    "-o", "--output", metavar="DIR", help="Folder to write to (output), or - for stdout."
)
FORMAT = click.option(
    "-f", "--format", "formats", metavar="md,tex", help="Formats; both by default."
)
FRAGMENT = click.option("--fragment", is_flag=True, help="LaTeX without a preamble, to \\input.")
TEMPLATES = click.option(
    "--templates", metavar="DIR", help="Folder of templates that come before ours."
)
_NOTATION = (
    click.option(
        "--gradients", type=click.Choice(["partials", "short"]), default="partials",
        show_default=True, help="Upstream gradients as partial derivatives, or as G and g_ij.",
    ),
    click.option(
        "--brackets", type=click.Choice(["round", "square"]), default="round", show_default=True,
        help="Brackets of matrices.",
    ),
    click.option(
        "--first", type=click.Choice(["1", "0"]), default="1", show_default=True,
        help="Number of the first row and column.",
    ),
    click.option("--loss", metavar="NAME", help="Name of the loss, where it is not the output."),
    click.option(
        "--elide", type=click.IntRange(min=0), default=6, show_default=True,
        help="Rows, columns and terms beyond which dots stand; 0 for never.",
    ),
)  # fmt: skip


def timed(command: Callable[..., int]) -> Any:
    """Give a command a time limit, and the option that sets it."""

    @click.option(
        "--timeout", type=float, default=TIMEOUT, show_default=True, metavar="S",
        help="Seconds that it may take.",
    )  # fmt: skip
    @wraps(command)
    def run(*args: Any, timeout: float, **given: Any) -> int:
        with limited(timeout):
            return command(*args, **given)

    return run


def notation(command: Any) -> Any:
    """Give a command the options of notation; `style` reads them."""
    for option in reversed(_NOTATION):
        command = option(command)
    return command


def style(options: Mapping[str, Any]) -> Style:
    """Return the style that the options of notation ask for."""
    from derive.notation.mathematics import Style

    return Style(
        gradients=options["gradients"],
        brackets=options["brackets"],
        base=int(options["first"]),
        loss=options["loss"],
        elide=options["elide"],
    )


def names(text: str | None) -> tuple[str, ...] | None:
    """Return the names that a text such as `X,W` lists."""
    return None if text is None else tuple(word.strip() for word in text.split(","))


def assumptions(items: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return what options such as `A=symmetric` assume of each name."""
    found: dict[str, tuple[str, ...]] = {}
    for item in items:
        name, equals, words = (part.strip() for part in item.partition("="))
        if not equals or not name or not words:
            raise UnsupportedError(f"an assumption is written A=symmetric, not {item!r}")
        found[name] = (*found.get(name, ()), *(word.strip() for word in words.split(",")))
    return found


def formats(
    options: Mapping[str, Any], known: tuple[str, ...] = ("md", "tex"), default: int = 2
) -> tuple[str, ...]:
    """Return the formats that are asked for: the first ones if none is, one on standard output."""
    stdout = options.get("output") == "-"
    asked = options["formats"]
    found = tuple(asked.split(",")) if asked else known[: 1 if stdout else default]
    for form in found:
        if form not in known:
            listed = f"{', '.join(known[:-1])} and {known[-1]}"
            raise UnsupportedError(f"there is no format {form}", hint=f"there are {listed}")
    if stdout and len(found) > 1:
        raise UnsupportedError("standard output takes one format", hint="add -f md or -f tex")
    return found
