"""The subcommand that works an example out in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from derive.commands_check import assumptions_of
from derive.commands_graph import report
from derive.errors import UnsupportedError
from derive.target import read_target, shape, sizes

if TYPE_CHECKING:
    from derive.worked import Example

FORMATS = ("md", "tex")


@click.command()
@click.argument("target")
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the numbers.")
@click.option("--values", metavar="x=-2,y=5", help="Your own numbers: text, .json or .toml.")
@click.option("-s", "--shape", "shapes", multiple=True, metavar="X=n,d", help="Shape of a name.")
@click.option("--at", metavar="n=2,d=3", help="Sizes of the matrices.")
@click.option("--wrt", metavar="X,W", help="Variables to differentiate by; all inputs by default.")
@click.option(
    "--assume", "assumed", multiple=True, metavar="A=spd", help="Holds of an input's numbers."
)
@click.option("-o", "--output", metavar="DIR", help="Folder to write to (output), or - for stdout.")
@click.option("-f", "--format", "formats", metavar="md,tex", help="Formats; both by default.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers; write only with -o.")
@click.option("--fragment", is_flag=True, help="LaTeX without a preamble, to \\input.")
@click.option(
    "--gradients", type=click.Choice(["partials", "short"]), default="partials", show_default=True,
    help="Upstream gradients as partial derivatives, or as G and g_ij.",
)  # fmt: skip
@click.option(
    "--brackets", type=click.Choice(["round", "square"]), default="round", show_default=True,
    help="Brackets of matrices.",
)  # fmt: skip
@click.option(
    "--first", type=click.Choice(["1", "0"]), default="1", show_default=True,
    help="Number of the first row and column.",
)  # fmt: skip
@click.option("--loss", metavar="NAME", help="Name of the loss, where it is not the output.")
@click.option(
    "--elide", type=click.IntRange(min=0), default=6, show_default=True,
    help="Rows, columns and terms beyond which dots stand; 0 for never.",
)  # fmt: skip
@click.option("--templates", metavar="DIR", help="Folder of templates that come before ours.")
def example(target: str, **options: Any) -> int:
    """Work TARGET out in numbers: forwards, backwards, entry by entry and with matrices.

    The numbers are chosen by --seed so that they are easy to reckon with, or given by --values,
    which may hold the gradient of the output too (dY=[[1,2],[3,4]]).
    """
    stdout = options["output"] == "-"
    formats = tuple((options["formats"] or ("md" if stdout else "md,tex")).split(","))
    for form in formats:
        if form not in FORMATS:
            raise UnsupportedError(f"there is no format {form}", hint="there are md and tex")
    if stdout and len(formats) > 1:
        raise UnsupportedError("standard output takes one format", hint="add -f md or -f tex")
    found = _worked(target, options)
    document = {
        "fragment": options["fragment"],
        "templates": Path(options["templates"]) if options["templates"] else None,
    }
    if options["as_json"]:
        import json

        if options["output"] not in (None, "-"):
            found.save(options["output"], formats, **document)
        click.echo(json.dumps(found.plain(), indent=2, ensure_ascii=False))
    elif stdout:
        click.echo(found.render(formats[0], **document), nl=False)
    else:
        paths = found.save(options["output"] or "output", formats, **document)
        report(found.graph)
        for path in paths:
            click.echo(f"wrote {path}")
    return 0


def _worked(target: str, options: dict[str, Any]) -> Example:
    from derive.catalogue import load, names
    from derive.notation import Style
    from derive.parse import NAME
    from derive.worked import example as work_out

    text, name, at = read_target(target)
    loss, wrt, values = options["loss"], options["wrt"], options["values"]
    if loss is not None and not NAME.match(loss):
        raise UnsupportedError(f"{loss!r} is no name for a loss", hint="use letters and digits")
    assume: dict[str, str | tuple[str, ...]] = {**assumptions_of(options["assumed"])}
    if values is None and target in names():
        assume = {**load(target).assume, **assume}
    return work_out(
        text,
        dict(shape(item) for item in options["shapes"]),
        at={**({} if values is not None else at), **sizes(options["at"])},
        seed=options["seed"],
        values=values,
        wrt=tuple(word.strip() for word in wrt.split(",")) if wrt is not None else None,
        assume=assume,
        style=Style(
            gradients=options["gradients"],
            brackets=options["brackets"],
            base=int(options["first"]),
            loss=loss,
            elide=options["elide"],
        ),
        name=name,
    )
