"""One entry: a program with its marks, claims and words, read from a TOML file.

A file's text enters, an `Entry` leaves. The law: a key that is not known, or is not what it should
be, is refused with its line and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from derive.expressions.errors import DeriveError, ParseError, Place, UnsupportedError, nearest
from derive.language.toml_text import read_toml

if TYPE_CHECKING:
    from derive.catalogue.recursion import Recursion

#: A name, or names with hyphens between them: what an entry may be called.
WORD = re.compile(r"[^\W\d]\w*(?:-\w+)*")
#: A place in a text, where the value chosen of an option stands.
_PLACE = re.compile(r"\{([^\W\d]\w*)\}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What people often write for a gradient: a claim that is false, and what is wrong with it."""

    claim: str
    why: str


@dataclass(frozen=True, slots=True)
class File:
    """The text of an entry's file, what it is called, and whether it is somebody else's."""

    text: str = ""
    name: str = ""
    foreign: bool = False

    def place(self, part: str) -> Place | None:
        """Return where a part of the text stands, `None` where it is not there word for word."""
        start = self.text.find(part)
        return self._at(start, len(part.splitlines()[0])) if part and start >= 0 else None

    def key(self, key: str) -> Place | None:
        """Return where a key is given its value."""
        found = re.search(rf"^[ \t]*\[?[ \t]*({re.escape(key)})\b", self.text, re.MULTILINE)
        return self._at(found.start(1), len(key)) if found else None

    def _at(self, start: int, width: int) -> Place:
        line = self.text.count("\n", 0, start) + 1
        return Place(self.text, line, start - self.text.rfind("\n", 0, start), width)

    def blame(self, error: DeriveError, part: str, key: str) -> DeriveError:
        """Return an error about a part of the entry, with its place in the file: that of the key
        where an option has changed the part."""
        where, inner = self.place(part), error.place
        if where is not None and inner is not None and inner.text == part:
            first = where.column - 1 if inner.line == 1 else 0
            line = where.line + inner.line - 1
            where = Place(self.text, line, first + inner.column, inner.width)
        error.message, error.place = f"{self.name}: {error.message}", where or self.key(key)
        return error


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """A program with a name, and what is known of it.

    `at` are the sizes at which it is written out. `assume` is what the inputs obey wherever the
    program is used, and `numbers` what those of an example obey besides. `data` are inputs that
    nobody differentiates by, such as labels, `parameters` those that are learned. `claims` are the
    gradients as the literature prints them, two of one name where it has two forms. `topic` is the
    folder in which the entry stands, `chosen` the values of its `options`. One that is made layer
    by layer has a `recursion`; where that is about every number of them, `program` is one layer.
    """

    name: str
    title: str
    program: str
    at: Mapping[str, int] = field(default_factory=dict)
    assume: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    mistake: Mistake | None = None
    about: str = ""
    source: str = ""
    topic: str = ""
    recursion: Recursion | None = None
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)
    file: File = field(default_factory=File, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Entry {self.name}>"

    def _repr_html_(self) -> str:
        told = (f"<p>{escape(text)}</p>" for text in (self.about, self.source) if text)
        lines = escape("\n".join(part.strip() for part in self.program.split(";")))
        head = f"<p><strong>{escape(self.title)}</strong> <code>{escape(self.name)}</code></p>"
        return f"{head}<pre>{lines}</pre>{''.join(told)}"

    @property
    def named(self) -> str:
        """The name of its documents: its own, with what was chosen that is not the default.

        >>> Entry("net", "", "", options={"g": ("relu", "tanh")}, chosen={"g": "tanh"}).named
        'net-tanh'
        """
        own = [value for option, value in self.chosen.items() if value != self.options[option][0]]
        return "-".join((self.name, *own)).replace(",", "-")

    def assuming(
        self, assume: Mapping[str, str | Sequence[str]] | None, *, numbers: bool = False
    ) -> dict[str, tuple[str, ...]]:
        """Return what inputs obey, by the entry and by what somebody assumes beside it; with
        `numbers` what those of an example obey.

        >>> Entry("f", "", "f = x", assume={"x": ("positive",)}).assuming({"x": "sign"})
        {'x': ('positive', 'sign')}
        """
        found: dict[str, tuple[str, ...]] = {}
        for said in (self.assume, self.numbers if numbers else {}, assume or {}):
            for name, words in said.items():
                new = (words,) if isinstance(words, str) else words
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), *new)))
        return found


# -- what a key may hold ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Key:
    """What a key holds: how it is read, which raises `ValueError`, and what is expected there."""

    read: Callable[[Any], Any]
    expected: str


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value.strip()


def _words(value: Any) -> str:
    """Return a text of several lines as one."""
    return " ".join(_text(value).split())


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(map(_text, value))


def _sizes(value: Any) -> dict[str, int]:
    if not all(type(size) is int and size > 0 for size in value.values()):
        raise ValueError
    return dict(value)


def _recursion(value: Any) -> Recursion:
    from derive.catalogue.recursion import read

    return read(value)


def _assumed(value: Any) -> dict[str, tuple[str, ...]]:
    said = {k: v for k, v in value.items() if v != ""}  # an option may say nothing
    return {k: _texts(v) if isinstance(v, list) else (_text(v),) for k, v in said.items()}


def _mistake(value: Any) -> Mistake:
    if set(value) != {"claim", "why"}:
        raise ValueError
    return Mistake(_text(value["claim"]), _words(value["why"]))


KEYS = {
    "title": _Key(_words, "a line of text"),
    "program": _Key(_text, "the text of a program"),
    "about": _Key(_words, "a text: what the program is for"),
    "source": _Key(_words, "a text: where the claims are printed"),
    "at": _Key(_sizes, "sizes, such as { n = 2, d = 3 }"),
    "assume": _Key(_assumed, 'what inputs obey, such as { A = "symmetric" }'),
    "numbers": _Key(_assumed, 'what numbers of an example obey, such as { t = "binary" }'),
    "data": _Key(_texts, 'a list of inputs, such as ["T"]'),
    "parameters": _Key(_texts, 'a list of inputs, such as ["W"]'),
    "claims": _Key(_texts, 'a list of claims, such as ["dX = dY @ W.T"]'),
    "mistake": _Key(_mistake, "a table of two texts, claim and why"),
    "recursion": _Key(_recursion, "a table: layer, feeds, sizes, last, end, layers, widths ..."),
}
#: What may be chosen where a program is made layer by layer.
COUNTED = ("layers", "widths")
NEEDED = ("title", "program")


def read(text: str, name: str, *, choice: Mapping[str, str] | None = None, **known: Any) -> Entry:
    """Return the entry that a text holds, with a choice among its options.

    >>> entry = read('title = "A sum"; program = "Y = {f}(X)"'.replace("; ", chr(10)) + '''
    ... [options.f]
    ... exp = "exp"
    ... log = "log"
    ... ''', "one", choice={"f": "log"})
    >>> entry.program, entry.options
    ('Y = log(X)', {'f': ('exp', 'log')})

    Raises `ParseError` with the line where the text is no entry, and `UnsupportedError` for an
    option or a value that the entry does not have.
    """
    file = replace(known.pop("file", File()), text=text)
    file = replace(file, name=file.name or name)
    table = read_toml(text, file.name)
    options = _options(table.pop("options", {}), file)
    counted = COUNTED if "recursion" in table else ()
    count = {key: value for key, value in (choice or {}).items() if key in counted}
    others = {key: value for key, value in (choice or {}).items() if key not in counted}
    chosen = _chosen(name, options, others, counted)
    for key in table:
        if key not in KEYS:
            raise ParseError(
                f"{file.name}: an entry has no key {key}{nearest(key, KEYS)}",
                hint=f"there are {', '.join(KEYS)} and options",
                place=file.key(key),
            )
    for key in NEEDED:
        if key not in table and not (key == "program" and counted):
            raise ParseError(
                f"{file.name}: there is no {key}", hint=f"{key} = ... is {KEYS[key].expected}",
                place=Place(text, 1, 1),
            )  # fmt: skip
    puts = {place: put for o, value in chosen.items() for place, put in options[o][value].items()}
    found = {}
    for key, value in table.items():
        try:
            found[key] = KEYS[key].read(_filled(value, puts))
        except (ValueError, TypeError, AttributeError):
            message = f"{file.name}: {key} is {KEYS[key].expected}"
            raise ParseError(message, place=file.key(key)) from None
        except KeyError as error:
            message = f"{file.name}: {{{error.args[0]}}} is no place that an option fills"
            raise ParseError(message, place=file.place(f"{{{error.args[0]}}}")) from None
    offered = {option: tuple(values) for option, values in options.items()}
    if counted:
        own = found["recursion"]
        found |= _in_layers(found, own.chosen(count))
        offered |= {key: (getattr(own, key),) for key in counted}
        chosen |= {key: offered[key][0] for key in counted}
        chosen |= {key: getattr(found["recursion"], key) for key in count}
        if "widths" in count:
            chosen["layers"] = offered["layers"][0]
    return Entry(name, **found, options=offered, chosen=chosen, file=file, **known)


def _in_layers(found: Mapping[str, Any], recursion: Recursion) -> dict[str, Any]:
    """Return what an entry holds with as many layers as there are: what is said of names that the
    program does not have then is left out."""
    program = recursion.program()
    named = set(re.findall(r"[A-Za-z]\w*", program))
    kept: dict[str, Any] = {"recursion": recursion, "program": program}
    for key in ("at", "assume", "numbers"):
        kept[key] = {n: said for n, said in found.get(key, {}).items() if n in named and said}
    kept["data"] = tuple(name for name in found.get("data", ()) if name in named)
    inputs = (name for name in recursion.inputs() if name in named)
    kept["parameters"] = found.get("parameters") or tuple(inputs)
    kept["claims"] = (*found.get("claims", ()), *recursion.written_claims(named))
    mistake = found.get("mistake")
    words = re.findall(r"[A-Za-z]\w*", mistake.claim) if mistake else []
    known = named | {f"d{name}" for name in named}
    kept["mistake"] = mistake if known.issuperset(words) else None
    return kept


_Values = Mapping[str, Mapping[str, str]]


def _options(table: Any, file: File) -> dict[str, _Values]:
    """Return what each value of each option puts where; a text alone is put where the option is
    named."""
    expected = 'an option is a table of values, such as relu = "relu(Z)", the first is the default'
    found: dict[str, _Values] = {}
    for option, values in table.items() if isinstance(table, dict) else [("options", None)]:
        if not isinstance(values, dict) or not values:
            raise ParseError(f"{file.name}: {expected}", place=file.key(f"options.{option}"))
        puts = {
            value: put if isinstance(put, dict) else {option: put} for value, put in values.items()
        }
        if not all(isinstance(text, str) for put in puts.values() for text in put.values()):
            raise ParseError(f"{file.name}: {expected}", place=file.key(f"options.{option}"))
        found[option] = puts
    return found


def _chosen(
    name: str,
    options: Mapping[str, _Values],
    choice: Mapping[str, str],
    others: Iterable[str] = (),
) -> dict[str, str]:
    """Return the value of every option: the one chosen, or the first."""
    for option, value in choice.items():
        known = (*options, *others)
        if option not in known:
            raise UnsupportedError(
                f"{name} has no option --{option}{nearest(option, known)}",
                hint=f"it has {_listed(f'--{one}' for one in known)}",
            )
        if value not in options[option]:
            raise UnsupportedError(
                f"--{option} is not {value}{nearest(value, options[option])}",
                hint=f"it is one of {_listed(options[option])}",
            )
    return {option: choice.get(option, next(iter(values))) for option, values in options.items()}


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


def _without(puts: Mapping[str, str], place: str) -> dict[str, str]:
    """Return what is put in places but one: what stands there has places of others."""
    return {other: put for other, put in puts.items() if other != place}


def _filled(value: Any, puts: Mapping[str, str]) -> Any:
    """Return a value with the texts of options in their places."""
    if isinstance(value, str):
        return _PLACE.sub(lambda found: _filled(puts[found[1]], _without(puts, found[1])), value)
    if isinstance(value, list):
        return [_filled(item, puts) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, puts) for key, item in value.items()}
    return value
