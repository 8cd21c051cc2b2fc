"""What the terminal shows: plain lines for a pipe, marks and colours for a person.

The law: nothing that is printed moves a cursor, forges a line or means markup.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from shutil import get_terminal_size
from threading import Event, Thread
from time import monotonic
from typing import Any
from unicodedata import combining, east_asian_width

import click

from derive.notation import messages
from derive.notation.messages import Message, translated

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
    """Print a text, whoever wrote it, or a message in the language of the work at hand; bytes pass
    as they are."""
    text = safe(translated(message)) if isinstance(message, str) else message
    _echo(text, err=err, nl=nl)


def say_document(made: str | bytes) -> None:
    """Print a document: to a terminal what it can show, else the bytes that a file would have."""
    text = isinstance(made, str) and safe(made)
    raw = text and not sys.stdout.isatty() and hasattr(sys.stdout, "buffer")
    _echo(text.encode() if text and raw else text or made, nl=False)


def complain(message: str) -> None:
    """Print what is wrong; its further lines are indented, so that none looks like an answer."""
    first, *rest = message.split("\n")
    lines = [first, *(line if line.startswith("  ") else f"  {line}" for line in rest)]
    with suppress(OSError):
        say("derive: " + "\n".join(lines), err=True)


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
            say(f"{translated(left)}    {translated(right)}".rstrip())
        for line in (*checked, *files):
            say(line)
        return
    shown = [(unbroken(translated(left)), unbroken(translated(right))) for left, right in rows]
    width = max((cells(left) for left, _ in shown), default=0)
    for left, right in shown:
        space = " " * (width - cells(left) + 2)
        _echo(f"{left}{space}{_style(right, fg='cyan')}".rstrip())
    for line in checked:
        _echo(f"{_style('✓', fg='green')} {unbroken(translated(line))}")
    for line in files:
        path = line.facts.get("path") if isinstance(line, Message) else None
        _echo(f"  {unbroken(str(path or translated(line)))}")


def word(verdict: str) -> Message:
    """Return what a verdict is called."""
    return messages.say(f"verdict.{verdict}")


def tell_verdict(verdict: str, head: str, details: Sequence[str]) -> None:
    """Print a verdict, what it is about, and what is known of it below."""
    head, *details = (unbroken(translated(line)) for line in (head, *details))
    said = translated(word(verdict))
    if not sys.stdout.isatty():
        for left, line in ((said, head), *(("", line) for line in details)):
            say(f"{left:<10}{line}")
        return
    mark, colour = MARKS[verdict]
    _echo(f"{_style(f'{mark} {said:<10}', fg=colour)}{head}")
    for line in details:
        _echo(f"{'':12}{_style(line, dim=True)}")


def _style(text: str, **how: Any) -> str:
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return text if plain or not text else click.style(text, **how)


def _echo(shown: str | bytes, *, err: bool = False, nl: bool = True) -> None:
    """Print what is safe; a character that the stream has no code for in JSON's way of writing."""
    if isinstance(shown, str):
        encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
        with suppress(LookupError):
            shown = shown.encode(encoding, _WRITTEN).decode(encoding)
    click.echo(shown, err=err, nl=nl)


def _written(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[k : k + 4]}" for k in range(0, len(units), 4)), error.end


_WRITTEN = "derive-written"
codecs.register_error(_WRITTEN, _written)


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes.

    >>> cells("∂L/∂X = 기울기")
    14
    """
    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


#: Work is shown where it takes longer than this, and then so often, in seconds.
SOON, OFTEN = 1.0, 0.2


class Line:
    """A line of a terminal that says what is being done, written over and over, gone at the end.

    Where there is no terminal, it is nowhere.
    """

    def __init__(self, doing: str = "working"):
        self.doing = messages.say(f"progress.{doing}")
        self.start, self.width = monotonic(), 0
        self.seen = sys.stderr.isatty()

    def say(self, done: str | float) -> None:
        """Take what is being worked on, or which part of it is done."""
        self.doing = (
            messages.say("progress.checking", what=done) if isinstance(done, str)
            else messages.say("progress.done", part=done)
        )  # fmt: skip

    def write(self) -> None:
        if self.seen:
            seconds = monotonic() - self.start
            told = messages.say("progress.line", doing=self.doing, seconds=seconds)
            text = unbroken(translated(told))
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

    clock = Thread(target=copy_context().run, args=(tick,), daemon=True)
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
