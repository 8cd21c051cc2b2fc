"""What the terminal shows: plain lines for a pipe, marks and colours for a person.

The law: nothing that is printed moves a cursor, forges a line or means markup.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from shutil import get_terminal_size
from threading import Event, Thread
from time import monotonic
from typing import Any

import click

#: What moves the cursor, colours, begins a line or turns the direction of writing, tabs and the
#: ends of lines apart, and halves of characters that no terminal can show.
_RAW = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
MARKS = {"proved": ("✓", "green"), "refuted": ("✗", "red"), "undecided": ("?", "yellow"),
         "error": ("!", "magenta")}  # fmt: skip


def safe(message: str) -> str:
    """Return a text that every terminal shows and none obeys, in JSON's way of writing characters.

    >>> safe("\x1b[2Jproved")
    '\\\\u001b[2Jproved'
    """
    return _RAW.sub(lambda found: f"\\u{ord(found[0]):04x}", message)


def unbroken(message: str) -> str:
    """Return a text that is one line, so that nobody's words look like a line of ours."""
    return safe(message).replace("\n", "\\u000a")


def say(message: str | bytes, *, err: bool = False, nl: bool = True) -> None:
    """Print a text, whoever wrote it; bytes pass as they are."""
    click.echo(safe(message) if isinstance(message, str) else message, err=err, nl=nl)


def say_json(value: Any, indent: int | None = 2) -> None:
    """Print plain values as JSON."""
    import json

    say(json.dumps(value, indent=indent, ensure_ascii=False, default=str))


def tell(
    rows: Iterable[tuple[str, str]], checked: Iterable[str] = (), files: Iterable[str] = ()
) -> None:
    """Print facts in two columns, what was checked of them, and what was written."""
    if not sys.stdout.isatty():
        for left, right in rows:
            say(f"{left}    {right}".rstrip())
        for line in (*checked, *files):
            say(line)
        return
    from rich.table import Table

    console, escape = _console()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for left, right in rows:
        table.add_row(escape(left), f"[cyan]{escape(right)}[/cyan]")
    console.print(table)
    for line in checked:
        console.print(f"[green]✓[/green] {escape(line)}")
    for line in files:
        console.print(f"  {escape(unbroken(line.removeprefix('wrote ')))}", soft_wrap=True)


def tell_verdict(verdict: str, head: str, details: Sequence[str]) -> None:
    """Print a verdict, what it is about, and what is known of it below."""
    head, *details = map(unbroken, (head, *details))
    if not sys.stdout.isatty():
        for word, line in ((verdict, head), *(("", line) for line in details)):
            say(f"{word:<10}{line}")
        return
    console, escape = _console()
    mark, colour = MARKS[verdict]
    console.print(f"[{colour}]{mark} {verdict:<10}[/{colour}]{escape(head)}", soft_wrap=True)
    for line in details:
        console.print(f"{'':12}[dim]{escape(line)}[/dim]", soft_wrap=True)


def _console() -> tuple[Any, Any]:
    from rich.console import Console
    from rich.markup import escape

    return Console(highlight=False), escape


#: Work is shown where it takes longer than this, and then so often, in seconds.
SOON, OFTEN = 1.0, 0.2


class Line:
    """A line of a terminal that says what is being done, written over and over, gone at the end.

    Where there is no terminal, it is nowhere.
    """

    def __init__(self, doing: str = "working"):
        self.doing, self.start, self.width = doing, monotonic(), 0
        self.seen = sys.stderr.isatty()

    def say(self, done: str | float) -> None:
        """Take what is being worked on, or which part of it is done."""
        self.doing = f"checking {done}" if isinstance(done, str) else f"{done:.0%} done"

    def write(self) -> None:
        if self.seen:
            text = unbroken(f"derive: {self.doing}, {monotonic() - self.start:.0f} s")
            text = text[: get_terminal_size().columns - 1]
            print(f"\r{text:<{self.width}}", end="", file=sys.stderr, flush=True)
            self.width = len(text)

    def wipe(self) -> None:
        """Make room for what is printed."""
        if self.width:
            print(f"\r{'':<{self.width}}\r", end="", file=sys.stderr, flush=True)
            self.width = 0


@contextmanager
def working() -> Iterator[Callable[[str | float], None] | None]:
    """Show on a terminal, and there alone, what is being worked on or how much of it is done."""
    line, over = Line(), Event()
    if not line.seen:
        yield None
        return

    def tick() -> None:
        wait = SOON
        while not over.wait(wait):
            line.write()
            wait = OFTEN

    clock = Thread(target=tick, daemon=True)
    clock.start()
    try:
        yield line.say
    finally:
        over.set()
        clock.join()
        line.wipe()


@contextmanager
def counting() -> Iterator[Line]:
    """Show how much is done as often as it is told: beside workers that are forks there is no
    thread. What prints meanwhile wipes the line first."""
    line = Line("reading")
    try:
        yield line
    finally:
        line.wipe()
