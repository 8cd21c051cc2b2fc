"""Messages: what a judge has found, as a key with its facts, and the plain text of it.

What enters are facts, what leaves is a text that remembers them: a document, or a terminal, says it
again in its own language by the key. The law: the words stand in `templates/words`, where a
language is what has a file there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.expressions.errors import OutputError, UnsupportedError

if TYPE_CHECKING:
    from derive.catalogue.entry import Entry
    from derive.expressions.expr import Condition, Expr
    from derive.notation.particles import Particles

#: The language of facts and of everything that no one asked for in another one.
ENGLISH = "en"
#: Where a user may say a language once and for all.
VARIABLE = "DERIVE_LANGUAGE"

_chosen: ContextVar[str] = ContextVar("language", default="")


@cache
def template_folder() -> Path:
    """Return the folder of our templates and words: in the installed package, or beside it."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "templates", here.parent / "templates"):
        if (folder / "markdown").is_dir():
            return folder
    raise OutputError("the templates are missing from this installation")


# -- languages -------------------------------------------------------------------------------------


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that have words, the one that nobody chose first.

    >>> languages()
    ('en', 'ko')
    """
    found = {path.stem for path in (template_folder() / "words").glob("*.toml")}
    return (ENGLISH, *sorted(found - {ENGLISH}))


def language(name: str | None = None) -> str:
    """Return a language by its name: if it has none that of the work at hand, or of the user.

    >>> language("ko")
    'ko'

    Raises `UnsupportedError` for one without words.
    """
    found = name or _chosen.get() or os.environ.get(VARIABLE, "") or ENGLISH
    if found not in languages():
        where = "" if name or _chosen.get() else f" ({VARIABLE})"
        raise UnsupportedError(
            f"there is no language {found}{where}", hint=f"there are {', '.join(languages())}"
        )
    return found


@contextmanager
def speaking(name: str | None = None) -> Iterator[str]:
    """Have everything said in a language meanwhile: messages, and the words in pictures.

    >>> with speaking("ko"):
    ...     translated(say("where-one", dim="n"))
    'n = 1일 때'
    """
    token = _chosen.set(language(name))
    try:
        yield _chosen.get()
    finally:
        _chosen.reset(token)


@cache
def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((template_folder() / "words" / f"{name}.toml").read_text("utf-8"))


@cache
def _particles(name: str) -> Particles:
    from derive.notation.particles import Particles

    read = _read(name)
    return Particles(read.get("particles", {}), read.get("sounds"))


def particles(name: str | None = None) -> Particles:
    """Return the particles of a language that follow the sound before them; most have none."""
    return _particles(language(name))


@cache
def _plain_words(name: str) -> Mapping[str, str]:
    found: dict[str, str] = {}

    def flatten(table: Mapping[str, Any], before: str) -> None:
        for key, value in table.items():
            if isinstance(value, Mapping):
                flatten(value, f"{before}{key}.")
            elif isinstance(value, str):
                found[before + key] = value

    flatten(_read(name), "")
    return found


def plain_words(name: str | None = None) -> Mapping[str, str]:
    """Return the words of each message in a language, with places for its facts."""
    return _plain_words(language(name))


def letters(name: str | None = None) -> str:
    """Return the letters, as in a pattern, that the fonts of a language have besides ours."""
    return plain_words(name).get("letters", "")


def fonts(name: str | None = None) -> tuple[str, ...]:
    """Return fonts that have the letters of a language, if ours have not: any of them serves."""
    return tuple(_read(language(name)).get("fonts", ()))


# -- messages --------------------------------------------------------------------------------------


class Message(str):
    """A text that knows its key and its facts, in English wherever it goes.

    >>> found = say("where-one", dim="n")
    >>> str(found), found.key, found.facts
    ('where n = 1', 'where-one', {'dim': 'n'})
    """

    key: str
    about: tuple[Any, ...]
    facts: dict[str, Any]

    def __reduce__(self) -> tuple:
        return message, (str(self), self.key, *self.about), self.facts

    def __setstate__(self, facts: dict[str, Any]) -> None:
        self.facts = facts


def message(text: str, key: str, *about: Any, **facts: Any) -> Message:
    """Return a text that stands elsewhere as a message, which other languages say by its key."""
    found = Message(text)
    found.key, found.about, found.facts = key, about, facts
    return found


def say(key: str, *about: Any, **facts: Any) -> Message:
    """Return a message in plain text; of a fact that is a list every part is said.

    Raises `KeyError` for a key without words, or a fact that these ask for and that is not given.
    """
    return message(_said(ENGLISH, key, about, facts), key, *about, **facts)


def of_entry(entry: Entry, key: str) -> str:
    """Return what an entry of the catalogue says: its `title`, what it is `about`, and of its usual
    mistake `why`; of ours as a message, which another language may have."""
    text = entry.mistake.why if key == "why" and entry.mistake else getattr(entry, key, "")
    own = entry.name and not entry.file.foreign
    return message(text, f"catalogue.{entry.name}.{key}") if own else text


def translated(text: str, name: str | None = None) -> str:
    """Return a text in a language where it is a message, else as it is."""
    if not isinstance(text, Message) or text.key not in plain_words(name):
        return str(text)
    return _said(language(name), text.key, text.about, text.facts)


def plain(key: str, *about: Any, **facts: Any) -> str:
    """Return the words of a message as documents have them, mathematics between dollars."""
    return particles().resolved(_filled(language(), key, about, facts))


def _said(name: str, key: str, about: tuple[Any, ...], facts: Mapping[str, Any]) -> str:
    return particles(name).resolved(_filled(name, key, about, facts).replace("$", ""))


def _filled(name: str, key: str, about: tuple[Any, ...], facts: Mapping[str, Any]) -> str:
    words = plain_words(name)

    def told(fact: Any) -> Any:
        if isinstance(fact, list):
            return words["and"].join(map(told, fact))
        return translated(fact, name) if isinstance(fact, str) else fact

    given = {key: told(fact) for key, fact in facts.items()}
    return words[key].format(*map(told, about), **given, **particles(name).marks)


def hypothesis(condition: Condition, written: Callable[[Expr], str] = str) -> Message:
    """Return a hypothesis as plain text.

    >>> from derive.expressions.expr import Condition
    >>> from derive.expressions.shape import Shape
    >>> from derive.ops import var
    >>> str(hypothesis(Condition("invertible", (var("A", Shape("n", "n")),))))
    'A is invertible'
    """
    from derive.expressions.expr import unrepeated

    args = (written(unrepeated(arg)) for arg in condition.args)
    found = say(f"condition-{condition.kind}", *args)
    return say(f"but-{condition.but}", found) if condition.but else found
