"""The command and its subcommands, run with a status for every way in which it can end."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from io import StringIO
from pathlib import Path
from traceback import walk_tb

import click

from derive import __version__
from derive.command.terminal import complain, say
from derive.expressions.errors import FAULT, STOPPED, UNDECIDED, WRONG, DeriveError

#: The subcommands, each with the file of this folder that holds it under the file's name.
SUBCOMMANDS = {
    name: name
    for name in ("build", "check", "example", "exercise", "gradient", "graph", "page", "prove")
} | {"list": "catalogue"}


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
        complain(f"a stream or a file cannot be read or written: {error.strerror or error}")
        return WRONG


def _run(arguments: list[str]) -> int:
    try:
        return command.main(arguments, prog_name="derive", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.ctx.get_help() if error.ctx else "", err=True)
        return WRONG
    except click.ClickException as error:
        told = StringIO()
        error.show(told)
        say(told.getvalue(), err=True, nl=False)
        return WRONG
    except SystemExit:  # what the command parser makes of a broken pipe
        raise BrokenPipeError from None
    except DeriveError as error:
        complain(str(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain("stopped, nothing was written")
        return STOPPED
    except OSError:
        raise
    except (RecursionError, MemoryError) as error:
        complain(f"this is too large to be worked out ({type(error).__name__})")
        return UNDECIDED
    except Exception as error:
        complain(f"a fault of derive: {_place(error)}; nothing was decided")
        return FAULT


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


class _Subcommands(click.Group):
    """The files of this folder that hold a subcommand, each imported where it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        file = SUBCOMMANDS.get(name)
        return getattr(import_module(f"derive.command.{file}"), file) if file else None


@click.group(cls=_Subcommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="derive %(version)s")
def command() -> None:
    """Matrix gradients with their proofs, every line of which has been checked."""
