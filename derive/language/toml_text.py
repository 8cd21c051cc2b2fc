"""TOML that somebody else wrote: read within bounds, refused as one kind of error."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from derive.expressions.errors import ParseError, Place

#: A key of more parts is refused: the reader's work grows with the square of their number.
DEEPEST = 50
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_DEEP = re.compile(rf"""(?<![\w"'-]){_PART}(?:\.[ \t]*+{_PART}){{{DEEPEST},}}+""")


def read_toml(text: str, name: str) -> dict[str, Any]:
    """Return the table that a text holds, decimals as they are written.

    >>> read_toml("x = 0.10", "values")
    {'x': '0.10'}

    Raises `ParseError` where it is no TOML, with the place where that is known.
    """
    deep = _DEEP.search(text)
    if deep:
        line = text.count("\n", 0, deep.start()) + 1
        column = deep.start() - text.rfind("\n", 0, deep.start())
        raise ParseError(
            f"{name} has a key of more than {DEEPEST} parts",
            place=Place(text, line, column, len(deep.group())),
        )
    try:
        return tomllib.loads(text, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+), column (\d+)", str(error))
        place = Place(text, int(where[1]), int(where[2])) if where else None
        raise ParseError(
            f"{name} is not TOML that can be read",
            hint="a line is [table], [[list]] or key = value; texts stand in quotes, keys once",
            place=place,
        ) from None
    except ValueError:  # of a whole number with thousands of digits
        raise ParseError(f"{name} holds a number that is too long to be read") from None
    except RecursionError:
        raise ParseError(f"{name} is nested too deeply to be read") from None


_TEXT = re.compile(
    r"""("{3}(?:\\.|[^\\])*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')|\#[^\n]*""", re.S
)


def blanked(text: str) -> str:
    """Return a text of TOML with nothing in its comments and in texts of several lines.

    >>> blanked('a = 1 # b' + chr(10) + 'c = "d"')
    'a = 1    \\nc = "d"'
    """

    def blank(found: re.Match[str]) -> str:
        whole = found[0]
        return whole if found[1] and "\n" not in whole else re.sub(r"[^\n]", " ", whole)

    return _TEXT.sub(blank, text)
