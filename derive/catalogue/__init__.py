"""Named programs, as data: one TOML file an entry.

An entry holds a title, the program's text, the sizes at which it is written out, and what
is assumed of the numbers in examples of it, such as labels that are one-hot.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

from derive.expressions.errors import UnsupportedError

if TYPE_CHECKING:
    from derive.expressions.program import Program
    from derive.language.parse import Shapes


@dataclass(frozen=True, slots=True)
class Entry:
    """A program with a name."""

    name: str
    title: str
    program: str
    at: dict[str, int]
    assume: dict[str, str] = field(default_factory=dict)


def names() -> list[str]:
    """Return the names of the catalogue, sorted.

    >>> "affine" in names()
    True
    """
    found = (file.name for file in files(__name__).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load(name: str) -> Entry:
    """Return an entry of the catalogue.

    >>> load("affine").program
    'X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B'
    """
    data = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    return Entry(name, data["title"], data["program"], data.get("at", {}), data.get("assume", {}))


#: A name, or names with hyphens between them: what an entry may be called.
_WORD = re.compile(r"\s*[^\W\d]\w*(-\w+)*\s*\Z")
#: What a document may be called, so that its file stays in its folder.
_FILE = re.compile(r"\w[\w.+-]{0,99}\Z")


def meant(program: str) -> Entry:
    """Return the entry that a bare word names; any other text is a program of its own.

    >>> meant("affine").at, meant("Y = X @ X.T").program
    ({'n': 2, 'd': 2, 'm': 3}, 'Y = X @ X.T')

    Raises `UnsupportedError` for a word that the catalogue does not have.
    """
    from derive.expressions.program import nearest

    word = program.strip()
    if not _WORD.match(program):
        return Entry("", "", program, {})
    if word in names():
        return load(word)
    near = nearest(word, names())
    if "-" in word and not near:  # a difference of scalars
        return Entry("", "", program, {})
    raise UnsupportedError(
        f"{word} is neither a program nor a name of the catalogue{near}",
        hint="a program is a formula such as Y = X @ W; derive list shows the catalogue",
    )


def opened(
    program: str | Program,
    shapes: Shapes | None = None,
    name: str = "",
    named: Iterable[str] = (),
) -> tuple[Program, Entry]:
    """Return the program that a text or a bare word stands for, and what is known of it beside.

    >>> program, entry = opened("affine")
    >>> str(program.output), program.name, entry.at["m"]
    ('Y', 'affine', 3)

    Raises what `parse` raises, and `UnsupportedError` for an unknown word and for a `name` that is
    none of a file. `named` are names that stand beside the program too.
    """
    from derive.language.parse import parse

    if name and not _FILE.match(name):
        raise UnsupportedError(
            f"{name!r} is no name for a document", hint="use letters, digits, hyphens and dots"
        )
    if not isinstance(program, str):
        return program, Entry("", "", program.text, {})
    entry = meant(program)
    return parse(entry.program, shapes, name=name or entry.name, named=named), entry
