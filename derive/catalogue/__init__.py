"""Named programs, as data: one TOML file an entry, in a folder of its topic.

A name or a text enters; the program that it stands for leaves, and what is known of it. The law: a
bare word is a name of the catalogue or an error, any other text is a program of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from derive.catalogue.entry import WORD, Entry
from derive.catalogue.shelf import ENDING, by_topic, load, names
from derive.expressions.errors import UnsupportedError, nearest

if TYPE_CHECKING:
    from derive.expressions.program import Program
    from derive.language.parse import Shapes

#: What a document may be called, so that its file stays in its folder.
_FILE = re.compile(r"\w[\w.+-]{0,99}\Z")


def meant(program: str, catalogue: str | Path | None = None) -> Entry:
    """Return the entry that a bare word names; any other text is a program of its own.

    >>> meant("affine").at, meant("Y = X @ X.T").program
    ({'n': 2, 'd': 2, 'm': 3}, 'Y = X @ X.T')

    Raises `UnsupportedError` for a word that the catalogue does not have.
    """
    word = program.strip()
    if not WORD.fullmatch(word):
        return Entry("", "", program)
    known = names(catalogue)
    if word in known:
        return load(word, catalogue)
    near = nearest(word, known)
    if "-" in word and not near:  # a difference of scalars
        return Entry("", "", program)
    raise UnsupportedError(
        f"{word} is neither a program nor a name of the catalogue{near}",
        hint="a program is a formula such as Y = X @ W; derive list shows the catalogue",
    )


def opened(
    program: str | Program | Entry,
    shapes: Shapes | None = None,
    name: str = "",
    named: Iterable[str] = (),
    *,
    layer: bool = False,
) -> tuple[Program, Entry]:
    """Return the program that a text, a bare word or an entry stands for, and what is known of it.

    >>> program, entry = opened("affine")
    >>> str(program.output), program.name, entry.at["m"]
    ('Y', 'affine', 3)

    Raises what `parse` raises, and `UnsupportedError` for an unknown word and for a `name` that is
    none of a file. `named` are names that stand beside the program too. An entry about every number
    of layers is refused, unless its `layer` is what is asked for.
    """
    from derive.language.parse import parse

    if name and not _FILE.match(name):
        raise UnsupportedError(
            f"{name!r} is no name for a document", hint="use letters, digits, hyphens and dots"
        )
    if not isinstance(program, str | Entry):
        return program, Entry("", "", program.text)
    entry = meant(program) if isinstance(program, str) else program
    if entry.recursion is not None and entry.recursion.every and not layer:
        raise UnsupportedError(
            f"{entry.name} is about every number of layers, and this is worked out for one number",
            hint="say how many: --layers 3",
        )
    return parse(entry.program, shapes, name=name or entry.named, named=named), entry


__all__ = ["ENDING", "Entry", "by_topic", "load", "meant", "names", "opened"]
