"""The subcommands: options to pipeline to files and terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

import click

from derive import __version__
from derive.command import options
from derive.command.check import check, gradient
from derive.command.example import example
from derive.command.exercise import exercise
from derive.command.graph import graph
from derive.command.target import escaped, read_target, say, shape, sizes, unbroken
from derive.expressions.errors import FAULT, STOPPED, UNDECIDED, WRONG, DeriveError

if TYPE_CHECKING:
    from derive.documents.pipeline import Proof


def run(arguments: list[str]) -> int:
    """Run the command with these arguments and return its exit status."""
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads has seen enough
        _let_go()
        return 0
    except OSError as error:
        _let_go()
        _complain(f"a stream or a file cannot be read or written: {error.strerror or error}")
        return WRONG


def _run(arguments: list[str]) -> int:
    try:
        return command.main(arguments, prog_name="derive", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.ctx.get_help() if error.ctx else "", err=True)
        return WRONG
    except click.ClickException as error:
        error.show()
        return WRONG
    except SystemExit:  # what the command parser makes of a broken pipe
        raise BrokenPipeError from None
    except DeriveError as error:
        _complain(str(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _complain("stopped, nothing was written")
        return STOPPED
    except OSError:
        raise
    except (RecursionError, MemoryError) as error:
        _complain(f"this is too large to be worked out ({type(error).__name__})")
        return UNDECIDED
    except Exception as error:
        _complain(f"a fault of derive: {_place(error)}; nothing was decided")
        return FAULT


def _complain(message: str) -> None:
    with suppress(OSError):
        say(f"derive: {_indented(message)}", err=True)


def _indented(message: str) -> str:
    """Return a message whose further lines are indented, so that none looks like an answer."""
    first, *rest = message.split("\n")
    return "\n".join([first, *(k if k.startswith("  ") else f"  {k}" for k in rest)])


def _place(error: Exception) -> str:
    """Return an error that nobody foresaw on one line, with the place where it arose."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    told = " ".join(str(error).split())[:200]
    return f"{type(error).__name__} in {Path(frame.f_code.co_filename).name}, line {line}: {told}"


def _let_go() -> None:
    """Let what is still to be written to standard output go nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="derive %(version)s")
def command() -> None:
    """Matrix gradients with their proofs, every line of which has been checked."""


command.add_command(check)
command.add_command(gradient)
command.add_command(graph)
command.add_command(example)
command.add_command(exercise)


@command.command()
@click.argument("target")
@options.SHAPES
@click.option("--at", metavar="n=2,d=3", help="Sizes at which entries are written out.")
@options.WRT
@options.ASSUME
@options.OUTPUT
@options.FORMAT
@click.option("--json", "as_json", is_flag=True, help="Print the trace; write only with -o.")
@click.option(
    "--detail", type=click.Choice(["full", "one", "brief"]), default="full", show_default=True,
    help="All entries worked, one worked and the rest stated, or no entries.",
)  # fmt: skip
@options.FRAGMENT
@click.option("--prefix", help="Beginning of LaTeX labels; the document's name by default.")
@options.notation
@click.option(
    "--max-entries", type=click.IntRange(min=1), default=1_000_000, show_default=True,
    help="A document with more entries is refused.",
)  # fmt: skip
@options.TEMPLATES
@options.timed
def prove(target: str, **given: Any) -> int:
    """Prove the gradients of TARGET: a program's text, a file, or a name of the catalogue."""
    formats = options.formats(given)
    proof = _proved(target, given)
    document = {
        "prefix": given["prefix"],
        "fragment": given["fragment"],
        "templates": Path(given["templates"]) if given["templates"] else None,
    }
    if given["as_json"]:
        import json

        if given["output"] not in (None, "-"):
            proof.save(given["output"], formats, **document)
        say(json.dumps(proof.trace(), indent=2, ensure_ascii=False))
    elif given["output"] == "-":
        say(proof.render(formats[0], **document), nl=False)
    else:
        paths = proof.save(given["output"] or "output", formats, **document)
        _report(proof, paths)
    return 0


def _proved(target: str, given: dict[str, Any]) -> Proof:
    from derive.documents.pipeline import prove as prove_program

    text, name = read_target(target)
    style = options.style(given)
    with _progress() as progress:
        return prove_program(
            text,
            dict(shape(item) for item in given["shapes"]),
            at=sizes(given["at"]),
            wrt=options.names(given["wrt"]),
            assume=options.assumptions(given["assumed"]),
            detail=given["detail"],
            style=style,
            name=name,
            max_entries=given["max_entries"],
            progress=progress,
        )


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print every entry with its program.")
@click.option("--functions", is_flag=True, help="List the functions of the language instead.")
def catalogue(as_json: bool, functions: bool) -> int:
    """List the catalogue: programs that a name stands for."""
    from derive.catalogue import load, names

    if functions:
        from derive.command.manual import manual

        for kind, known in manual().items():
            say(f"{kind}: {' '.join(known) if '(' not in known[0] else ', '.join(known)}")
        return 0
    entries = [load(name) for name in names()]
    if as_json:
        import json

        plain = [
            {"name": e.name, "title": e.title, "program": e.program, "at": e.at} for e in entries
        ]
        say(json.dumps(plain, indent=2, ensure_ascii=False))
        return 0
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        say(f"{entry.name:<{width}}  {entry.title}")
    return 0


# -- the terminal ----------------------------------------------------------------------------------


@contextmanager
def _progress() -> Iterator[Any]:
    """Show what is being worked on, on a terminal alone."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("reading") as status:
        yield lambda message: status.update(f"checking {message}")


def _report(proof: Proof, paths: list[Path]) -> None:
    from derive.documents.files import reported
    from derive.notation.mathematics import Notation
    from derive.notation.text import text

    derivation = proof.derivation
    notation = Notation(derivation, proof.style)
    rows = []
    for name, formula in proof.backward.items():
        left, value = text(notation.leaf(f"d{name}")), derivation.backward[name]
        rows.append((f"{left} = {text(notation.expr(value))}", f"d{name} = {formula}"))
    for name, formula in proof.gradients.items():
        if formula != proof.backward[name]:
            rows.append(("", f"d{name} = {formula}"))
    steps, equations = len(proof.steps), len(derivation.numbers())
    assumed = [f"{name} {', '.join(sorted(words))}" for name, words in derivation.assumed.items()]
    digits = min((a.digits for a in derivation.agreements), default=None)
    lines = [
        f"{steps} steps in {equations} equations, "
        "each of them proved by a road that did not produce it"
    ]
    lines += [
        f"{text(notation.leaf(s.name))} stands for {derivation.program.written(s.expr)}"
        for s in derivation.program.statements if s.name in derivation.program.parts
    ]  # fmt: skip
    lines += [f"assumed: {', '.join(assumed)}"] if assumed else []
    if digits is not None:
        lines.append(f"central differences of the whole program agree to {digits} digits")
    if not sys.stdout.isatty():
        for shown, formula in rows:
            say(f"{shown}    {formula}" if shown else f"    {formula}")
        for line in lines:
            say(line)
        for line in reported(paths, proof.name):
            say(line)
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for shown, formula in rows:
        table.add_row(shown, f"[cyan]{escaped(formula)}[/cyan]")
    console.print(table)
    for line in lines:
        console.print(f"[green]✓[/green] {line}")
    for line in reported(paths, proof.name):
        console.print(f"  {escaped(unbroken(line.removeprefix('wrote ')))}", soft_wrap=True)
