"""A course: a file that lists what is to be made, read into items, each with its place.

Enters the text of a TOML file; leaves a title and the items, and for an item that is wrong the
error with its place. The law: one item that is wrong is no obstacle to the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from derive.command import asking, kept
from derive.expressions.errors import (
    DeriveError,
    OutputError,
    ParseError,
    Place,
    UnsupportedError,
    nearest,
)
from derive.language.toml_text import blanked, read_toml

#: What an item may say besides the options of its command, and what a file may say.
OWN, WHOLE = ("title", "name"), ("title", "options", "item")
#: What documents of a kind are called after an item, where its files are not.
_SUFFIXES = {"example": "-example", "check": "-check"}
#: What the files of a kind are called after their document.
_ENDINGS = {"graph": ("-graph",), "exercise": ("-exercises", "-solutions")}
#: The names of files that are no item's.
INDEX = "index"
_EXAMPLE = '[[item]] with prove = "affine", or graph, example, exercise, check'


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a course, or several: what is asked of which command, and where it says so.

    `name` begins the names of its files, `said` has its options by their long names. One that is
    wrong has an `error`.
    """

    number: int
    kind: str = ""
    target: str = ""
    title: str = ""
    name: str = ""
    said: Mapping[str, Any] = ()  # type: ignore[assignment]
    place: Place | None = None
    error: DeriveError | None = None

    @property
    def bases(self) -> tuple[str, ...]:
        """How the names of its files begin."""
        return tuple(self.name + ending for ending in _ENDINGS.get(self.kind, ("",)))

    def __str__(self) -> str:
        target = " ".join(self.target.split())
        shown = target if len(target) < 40 else f"{target[:36]} ..."
        return f"item {self.number} ({self.kind} {shown})" if self.kind else f"item {self.number}"


@dataclass(frozen=True, slots=True)
class Course:
    """What a course file says: where it stands, its title, its items, the options of all."""

    file: Path
    title: str
    items: tuple[Item, ...]
    options: Mapping[str, Any]


def read(file: Path, options: Mapping[str, Any]) -> Course:
    """Return the course that a file lists, with options that come before all of the file.

    Raises `ParseError` where it is no course, `OutputError` where it cannot be read.
    """
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        hint = (
            "derive build --init writes an example"
            if isinstance(error, FileNotFoundError)
            else None
        )
        raise OutputError(f"cannot read {file}: {error.strerror}", hint=hint) from None
    except UnicodeDecodeError as error:
        raise ParseError(f"{file} is not UTF-8 text: byte {error.start + 1}") from None
    return _Reader(file, text).course(options)


class _Reader:
    """The text of a course and the places in it."""

    def __init__(self, file: Path, text: str):
        self.file, self.text = file, text
        self.table = read_toml(text, str(file))
        self.bare = blanked(text)
        self.heads = [
            found.start(1) for found in re.finditer(r"^[ \t]*(\[\[)[ \t]*item\b", self.bare, re.M)
        ]

    def course(self, options: Mapping[str, Any]) -> Course:
        for key in self.table:
            if key not in WHOLE:
                raise ParseError(
                    f"{self.file}: a course has no key {key}{nearest(key, WHOLE)}",
                    hint="there are title, [options] and [[item]]",
                    place=self.key(key),
                )
        title = self.table.get("title", kept.stem(str(self.file)))
        if not isinstance(title, str):
            raise ParseError(f"{self.file}: title is a text", place=self.key("title"))
        common = self.table.get("options", {})
        if not isinstance(common, dict):
            raise ParseError(
                f"{self.file}: options are a table",
                hint="it begins [options]",
                place=self.key("options"),
            )
        for key in common:
            try:
                asking.known(key)
            except UnsupportedError as error:
                raise self.told(error, self.key(key)) from None
        items = self.table.get("item", [])
        if not isinstance(items, list) or not items:
            raise ParseError(
                f"{self.file} has no items", hint=f"write {_EXAMPLE}", place=self.key("item")
            )
        found = [self.item(number, item, common, options) for number, item in enumerate(items, 1)]
        return Course(self.file, title, tuple(self.named(found)), {**common, **options})

    def item(
        self, number: int, table: Any, common: Mapping[str, Any], over: Mapping[str, Any]
    ) -> Item:
        item = Item(number, place=self.head(number))
        try:
            if not isinstance(table, dict):
                raise ParseError("an item is a table", hint=f"write {_EXAMPLE}")
            kinds = [key for key in table if key in asking.KINDS]
            if len(kinds) != 1:
                several = f"both {' and '.join(kinds)}" if kinds else "none of them"
                raise ParseError(
                    f"an item has one of {', '.join(asking.KINDS)}, this has {several}",
                    hint="their values are programs, files or names of the catalogue",
                )
            (kind,) = kinds
            for key in (kind, *OWN):
                if not isinstance(table.get(key, ""), str):
                    raise ParseError(f"{key} is a text", place=self.key(key, number))
            item = replace(
                item,
                kind=kind,
                target=table[kind],
                title=table.get("title", ""),
                name=table.get("name", ""),
                said=self.options(kind, table, common, over),
            )
            if not item.target.strip():
                raise ParseError(f"{kind} is empty: it is a program, a file or a name")
            if item.name and plain(item.name) != item.name:
                raise UnsupportedError(
                    f"{item.name!r} is no name for files",
                    hint="use letters, digits, hyphens and dots",
                )
        except DeriveError as error:
            item = replace(item, error=error)
        return item

    def options(
        self,
        kind: str,
        table: Mapping[str, Any],
        common: Mapping[str, Any],
        over: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return the options of an item: those of all that its command has, its own, and those that
        come before both."""
        common, over = (
            {name: value for name, value in said.items() if name in asking.options(kind)}
            for said in (common, over)
        )
        for said in (common, over):
            if "format" in said:
                said["format"] = asking.formats(kind, said["format"])
        return {**common, **{k: v for k, v in table.items() if k not in (kind, *OWN)}, **over}

    def named(self, items: list[Item]) -> Iterator[Item]:
        """Yield the items, each with a name that no other has: names that are given come first."""
        taken = {INDEX: "the index"}
        for item in items:
            if item.name and item.error is None:
                for base in (base.lower() for base in item.bases):
                    if base in taken:
                        error = UnsupportedError(
                            f"its files are called {item.name}, and so are those of {taken[base]}",
                            hint="give it another name",
                        )
                        items[item.number - 1] = replace(item, error=error)
                        break
                    taken[base] = f"item {item.number}"
        for item in items:
            if not item.name:
                usual = usual_name(item)
                names = (usual, *(f"{usual}-{number}" for number in range(2, len(items) + 3)))
                item = next(
                    named
                    for name in names
                    for named in [replace(item, name=name)]
                    if not any(base.lower() in taken for base in named.bases)
                )
                taken |= {base.lower(): f"item {item.number}" for base in item.bases}
            yield item

    # -- places ------------------------------------------------------------------------------------

    def head(self, number: int) -> Place | None:
        """Return where an item begins, `None` where the list is written in another way."""
        if len(self.heads) != len(self.table["item"]):
            return self.key("item")
        return self.at(self.heads[number - 1], len("[[item]]"))

    def key(self, key: str, number: int = 0) -> Place | None:
        """Return where a key is given its value, in an item or before all of them."""
        start, end = 0, len(self.bare)
        if number and len(self.heads) == len(self.table["item"]):
            start, end = self.heads[number - 1], (*self.heads, end)[number]
        found = re.compile(rf"""^[ \t]*\[*[ \t]*["']?({re.escape(key)})\b""", re.M).search(
            self.bare, start, end
        )
        return self.at(found.start(1), len(key)) if found else None

    def at(self, start: int, width: int) -> Place:
        line = self.text.count("\n", 0, start) + 1
        return Place(self.text, line, start - self.text.rfind("\n", 0, start), width)

    def told(self, error: DeriveError, place: Place | None) -> DeriveError:
        error.message, error.place = f"{self.file}: {error.message}", place
        return error


def usual_name(item: Item) -> str:
    """Return what the files of an item are called where it does not say.

    >>> usual_name(Item(1, "prove", "X: (n, d); Y = 2 * X")), usual_name(Item(2, "check", "affine"))
    ('Y', 'affine-check')
    """
    target = item.target.strip()
    assigned = re.findall(r"(?:^|[;\n])\s*([A-Za-z]\w*)\s*=(?!=)", target)
    stem = assigned[-1] if assigned else re.split(r"[/\\]", target)[-1].rpartition(".")[0] or target
    return (plain(stem) or "item") + _SUFFIXES.get(item.kind, "")


def plain(text: str) -> str:
    """Return a text as the name of a file that every system takes."""
    found = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip(".-")[:80].rstrip(".-")
    return f"{found}-" if RESERVED.fullmatch(found) else found


#: Names that mean a device to Windows, whatever follows the point.
RESERVED = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
