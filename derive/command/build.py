"""The subcommand that builds a course: all the documents that a file lists."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from derive.command import kept, options
from derive.command.options import WORDS, option
from derive.command.terminal import complain, counting, say, say_json, tell
from derive.expressions.errors import OutputError

if TYPE_CHECKING:
    from derive.command.building import Build

_WRITING = options.writing(*options.TEXTS, "svg", "mmd")
#: Options that say where the documents go and what is told of them.
_OWN = ("course", "init", "jobs", "timeout", "output", "as_json", "chosen")


@options.command(
    click.argument("course", default=kept.COURSE, type=click.Path()),
    option("--init", is_flag=True, help="Write an example of a course to COURSE."),
    option("-j", "--jobs", type=click.IntRange(min=1), show_default="one for each processor",
           help="Workers."),
    *_WRITING,
    options.timeout("Seconds that one item may take."),
)  # fmt: skip
def build(course: str, init: bool, jobs: int | None, **given: Any) -> int:
    """Make all the documents that COURSE lists, a TOML file: those that have changed.

    Options come before those of the file. The documents go to a folder of the course's name in
    output, or to that of -o, with an index.
    """
    if init:
        return _written(Path(course))
    if given["output"] == "-":
        raise OutputError("a course is many files, and standard output takes one")
    from derive.command.building import build as built

    context = click.get_current_context()
    said = {
        param.opts[-1].removeprefix("--"): context.params[str(param.name)]
        for param in context.command.params
        if param.name not in _OWN and _is_said(context, param)
    }
    with counting() as line:

        def progress(done: float) -> None:
            line.say(done)
            line.write()

        found = built(
            course, given["output"], jobs=jobs, timeout=given["timeout"], progress=progress,
            arguments=context.meta[WORDS], **said,
        )  # fmt: skip
    if given["as_json"]:
        say_json(found.plain())
    else:
        _tell(found)
    return found.status


def _is_said(context: click.Context, param: click.Parameter) -> bool:
    return context.get_parameter_source(str(param.name)) == ParameterSource.COMMANDLINE


def _tell(found: Build) -> None:
    """Print what was wrong with which item, what was written, and what was found."""
    from derive.command.building import answered

    for outcome in found.items:
        if outcome.message:
            place = f", line {outcome.item.place.line}" if outcome.item.place else ""
            complain(f"{found.course.file}{place}, {outcome.item}: {outcome.message}")
    if found.problem:
        complain(found.problem)
    tell((), (), _files(found))
    for line in answered(found):
        say(line)


def _files(found: Build) -> Iterator[str]:
    from derive.documents.files import moved
    from derive.notation.messages import say as message

    yield from (message("wrote", path=found.folder / name) for name in found.written)
    for outcome in found.items:
        yield from moved([found.folder / name for name in outcome.files], outcome.item.name)
    yield from (message("removed", path=found.folder / name) for name in found.removed)


def _written(path: Path) -> int:
    """Write the example of a course, where nothing is in its place."""
    from derive.notation.messages import say as message, template_folder

    try:
        with open(template_folder() / "course.toml", encoding="utf-8") as example:
            with open(path, "x", encoding="utf-8") as file:
                shutil.copyfileobj(example, file)
    except FileExistsError:
        raise OutputError(f"{path} is there already", hint="name another file") from None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    say(message("wrote", path=path))
    return 0
