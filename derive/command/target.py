"""What a user names on the command line: a program, shapes, sizes.

Text enters, plain values leave; a text that cannot be read raises an error that says how it is
written.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import IO

from derive.expressions.errors import OutputError, ParseError, UnsupportedError


def read_target(target: str) -> tuple[str, str]:
    """Return a target's text and its name, where the target is a file or standard input, `-`.

    A text with a formula in it is a program; else it is a name of the catalogue, or a file.
    """
    if target == "-":
        return _text(_standard_input(), "standard input"), ""
    if any(mark in target for mark in "=@;\n"):
        return target, ""
    from derive.catalogue import meant, names

    if target in names():
        return target, ""
    path = Path(target)
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if found:
        return _read(path), _file_name(path)
    if path.suffix or "/" in target:
        raise OutputError(f"there is no file {safe(target)}")
    return meant(target).program, ""


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _text(file, str(path))
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise OutputError("standard input is closed")
    return sys.stdin.buffer


def _text(file: IO[bytes], name: str) -> str:
    from derive.language.syntax import LONGEST

    data = file.read(4 * LONGEST + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) > 4 * LONGEST and error.start > 4 * LONGEST - 4:  # cut, and too long anyway
            return data.decode("utf-8-sig", "ignore")
        raise ParseError(
            f"{name} is not UTF-8 text: byte {error.start + 1} cannot be read"
        ) from None


def _file_name(path: Path) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in path.stem) or "program"


def shape(item: str) -> tuple[str, tuple[int | str, ...]]:
    """Return the name and the shape that `X=n,d` gives."""
    name, equals, dims = item.partition("=")
    words = [word.strip() for word in dims.strip("() ").split(",") if word.strip()]
    if not equals or not name.strip() or len(words) not in (0, 2):
        raise UnsupportedError(
            f"a shape is written X=n,d, not {item!r}", hint="rows, then columns; X= is a scalar"
        )
    return name.strip(), tuple(_dim(word) for word in words)


def _dim(word: str) -> int | str:
    try:
        return int(word)
    except ValueError:
        return word


def sizes(text: str | None) -> dict[str, int]:
    """Return the sizes that `n=2,d=3` gives."""
    found: dict[str, int] = {}
    for item in (text or "").split(","):
        if not item.strip():
            continue
        name, equals, number = (part.strip() for part in item.partition("="))
        digits = number.removeprefix("-")
        if not equals or not digits.isdecimal() or len(digits) > 18:
            raise UnsupportedError(f"sizes are written n=2,d=3, not {text!r}")
        if found.setdefault(name, int(number)) != int(number):
            raise UnsupportedError(f"{name} has two sizes in {text!r}")
    return found


def escaped(markup: str) -> str:
    """Return a text in which the terminal finds no markup."""
    from rich.markup import escape

    return escape(markup)


#: What moves the cursor, colours, begins a line or turns the direction of writing, tabs and the
#: ends of lines apart, and halves of characters that no terminal can show.
_RAW = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def safe(message: str) -> str:
    """Return a text that every terminal shows and none obeys, in JSON's way of writing characters.

    >>> safe("\x1b[2Jproved")
    '\\\\u001b[2Jproved'
    """
    return _RAW.sub(lambda found: f"\\u{ord(found[0]):04x}", message)


def unbroken(message: str) -> str:
    """Return a text that is one line, so that nobody's words look like a line of ours."""
    return safe(message).replace("\n", "\\u000a")


def say(message: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text, whoever wrote it."""
    import click

    click.echo(safe(message), err=err, nl=nl)
