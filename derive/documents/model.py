"""What every document is made of: a tree of blocks, and the messages that stand in them.

Enters mathematics as layout or as printed text, and facts; leaves blocks, of the same few kinds for
every document and every format. The law: a block has no words of its own. A sentence is a `Words`,
the key of a message and its facts, and the words of a language say it when the page is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from derive.expressions.layout import Box
from derive.notation.displays import Link

#: Mathematics: layout, or what a printer made of it.
Maths = Box | str


class Words(NamedTuple):
    """A message: its key, and the facts that it is told with."""

    key: str
    facts: Mapping[str, Any] = {}


def words(key: str, /, **facts: Any) -> Words:
    """Return a message; a fact may be layout, a number, text, a message, or a list of these.

    >>> words("rounded", digits=4)
    Words(key='rounded', facts={'digits': 4})
    """
    return Words(key, facts)


#: What stands in a cell of a table: a message, or mathematics.
Cell = Words | Maths


class Heading(NamedTuple):
    """A heading: of the document (`level` 1), of a section (2) or of a part of one."""

    words: Words
    level: int = 2


class Paragraph(NamedTuple):
    """Sentences, one after the other; mathematics in them stands in the line."""

    words: tuple[Words, ...]


class Chain(NamedTuple):
    """Equalities, each with what it says beside it; the page fits them to its lines.

    `number` is that of the equation, if it has one, `end` says that a proof ends here. Where
    `packed`, several sides share a line. On paper, matrices and sums of more than `dots` are
    shortened, 0 for none.
    """

    links: tuple[Link, ...]
    number: int | None = None
    end: bool = False
    packed: bool = False
    dots: int = 0


class Beside(NamedTuple):
    """Equations side by side, in as many lines as they need."""

    lines: tuple[tuple[Maths, ...], ...]


class Table(NamedTuple):
    """Rows of cells under their heads; `widths` are the parts of a line that columns of text take,
    0 where a column is as wide as what it holds.
    """

    heads: tuple[Words, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...] = ()


class Entries(NamedTuple):
    """A numbered table of equations: left side, where it acts (or `None`), right side.

    On paper dots stand for some, where there are more than `dots`; `width` is that of the widest
    equation, where none is broken, so that two may share a line.
    """

    number: int
    heads: tuple[Words, ...]
    rows: tuple[tuple[Box, Words | None, Box], ...]
    dots: int = 0
    width: float = 0.0


class Code(NamedTuple):
    """Lines of a program in Python; a notebook has those that it `runs`, and no other format.

    Of many lines those from `turn` on stand on paper beside the others.
    """

    lines: tuple[str, ...]
    runs: bool = False
    turn: int = 0


class Items(NamedTuple):
    """A list of sentences."""

    words: tuple[Words, ...]


class Contents(NamedTuple):
    """What a course holds: for each document its `title` (a user's text), its `kind` (words), its
    `files`, and whether that of LaTeX is a `fragment`, a piece of a document.
    """

    entries: tuple[Mapping[str, Any], ...]

    def linked(self, ending: str) -> Contents:
        """Return the contents on a page of one format: of each document its `own` files in that
        format, the `file` to which the page leads (or none), and the `others`, each with what it is
        called: its format alone where the rest is the same."""
        found = []
        for one in self.entries:
            own = [file for file in one["files"] if file.endswith(f".{ending}")]
            first = own[0] if own else None
            others = [
                (file, form if first == f"{stem}.{ending}" else file)
                for file in one["files"] if file != first
                for stem, _, form in [file.rpartition(".")]
            ]  # fmt: skip
            found.append({**one, "own": own, "file": first, "others": others})
        return Contents(tuple(found))


class Figure(NamedTuple):
    """A picture: what it shows, its file's name after the document's, and how LaTeX draws it; and
    as SVG, for what has it inside."""

    alt: Words
    file: str
    drawing: Callable[[], str]
    svg: Callable[[], str]


class Environment(NamedTuple):
    """A part of the document that has a name and a body: see `KINDS`.

    `title` is what its head says: of a theorem or lemma its name, of the others all of the head.
    """

    kind: str
    body: tuple[Block, ...]
    title: Words | None = None


class Switch(NamedTuple):
    """What a sheet of problems shows with its solutions, and what it shows without them."""

    solved: tuple[Block, ...]
    asked: tuple[Block, ...] = ()


class Folded(NamedTuple):
    """What stands behind its first words where a page unfolds; where `more`, only there."""

    words: tuple[Words, ...]
    body: tuple[Block, ...]
    more: bool = False


class Frame(NamedTuple):
    """A slide: the heading that stands above it, and what it shows."""

    title: Words | None
    body: tuple[Block, ...]


#: The kinds of environment. A `remark` is what begins with a head of its own in the line.
KINDS = ("theorem", "lemma", "proof", "setting", "hypotheses", "remark", "solution", "closing")

Block = (
    Heading
    | Paragraph
    | Chain
    | Beside
    | Table
    | Entries
    | Items
    | Contents
    | Code
    | Figure
    | Environment
    | Switch
    | Frame
    | Folded
)
