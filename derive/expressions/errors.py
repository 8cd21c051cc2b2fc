"""What can go wrong, as sentences: where, what was found, what was expected.

Every error that a user can cause is a `DeriveError`; a traceback is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

#: The exit status of the command where not all is proved: something is refuted, the input is wrong
#: or a file cannot be read or written, something is undecided, this package has made a mistake,
#: somebody has stopped it.
REFUTED, WRONG, UNDECIDED, FAULT, STOPPED = 1, 2, 3, 4, 130


class Place(NamedTuple):
    """A stretch of the user's text; `line` and `column` count characters from 1."""

    text: str
    line: int
    column: int
    width: int = 1

    def pointer(self) -> str:
        """Return the line at fault with carets under the culprit."""
        lines = self.text.splitlines() or [""]
        source = lines[self.line - 1] if self.line <= len(lines) else ""
        start = max(0, self.column - 60)
        shown = source[start : start + 100].replace("\t", " ")
        caret = " " * (self.column - 1 - start) + "^" * max(1, min(self.width, 60))
        return f"  {shown}\n  {caret}"

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class DeriveError(Exception):
    """The family of everything that this package raises on purpose.

    >>> raise DeriveError("no shape for X", hint="write X: (n, d)")
    Traceback (most recent call last):
        ...
    derive.expressions.errors.DeriveError: no shape for X
      hint: write X: (n, d)
    """

    exit_code = WRONG

    def __init__(self, message: str, *, hint: str | None = None, place: Place | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place

    def at(self, place: Place) -> DeriveError:
        """Return this error with a place, unless it has one already."""
        self.place = self.place or place
        return self

    def __str__(self) -> str:
        parts = [self.message if self.place is None else f"{self.place}: {self.message}"]
        if self.place is not None:
            parts.append(self.place.pointer())
        if self.hint:
            parts.append(f"  hint: {self.hint}")
        return "\n".join(parts)


class ParseError(DeriveError):
    """The text is not in the language."""


class ShapeError(DeriveError):
    """Shapes do not fit; `clash` names the two dimensions that should have been equal, `told` has
    the key of the message, and its facts, for other languages."""

    def __init__(
        self,
        message: str,
        *,
        clash: tuple[Any, Any] | None = None,
        hint: str | None = None,
        place: Place | None = None,
        told: tuple[Any, ...] = (),
    ):
        super().__init__(message, hint=hint, place=place)
        self.clash, self.told = clash, told


class UnsupportedError(DeriveError):
    """The request is understood, and cannot be served."""


class SizeError(DeriveError):
    """The answer would be larger than the limit that the user set."""


class OutputError(DeriveError):
    """A file or folder could not be read or written."""


class LimitError(DeriveError):
    """An answer would take more time or memory than it may; nothing is decided."""

    exit_code = UNDECIDED


class ProofError(DeriveError):
    """A step of a derivation was not proved, so nothing is printed; `refuted` where it is false."""

    exit_code = UNDECIDED

    def __init__(
        self,
        message: str,
        *,
        refuted: bool = False,
        hint: str | None = None,
        place: Place | None = None,
    ):
        super().__init__(message, hint=hint, place=place)
        if refuted:
            self.exit_code = REFUTED


class FaultError(ProofError):
    """What was computed contradicts itself: a mistake of this package, and nothing is printed."""

    exit_code = FAULT


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `: did you mean W?` where a known name is near, else nothing."""
    from difflib import get_close_matches

    folded = {k.lower(): k for k in reversed(list(known))}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f": did you mean {folded[close[0]]}?" if close else ""
