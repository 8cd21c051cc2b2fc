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
        raise ParseError(f"{name} is not TOML that can be read", place=place) from None
    except ValueError:  # of a whole number with thousands of digits
        raise ParseError(f"{name} holds a number that is too long to be read") from None
    except RecursionError:
        raise ParseError(f"{name} is nested too deeply to be read") from None
