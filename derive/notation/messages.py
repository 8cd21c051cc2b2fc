"""Messages: what a judge has found, as a key with its facts, and the plain text of it.

What enters are facts, what leaves is a text that remembers them: a document chooses words of its
own by the key. The law: the words stand in `templates/words`, one file a language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from derive.expressions.errors import OutputError
from derive.expressions.expr import Condition, Expr, unrepeated


@cache
def template_folder() -> Path:
    """Return the folder of our templates and words: in the installed package, or beside it."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "templates", here.parent / "templates"):
        if (folder / "markdown").is_dir():
            return folder
    raise OutputError("the templates are missing from this installation")


@cache
def plain_words() -> Mapping[str, str]:
    """Return the words of each message, with places for its facts."""
    return tomllib.loads((template_folder() / "words" / "en.toml").read_text("utf-8"))


class Message(str):
    """A text that knows its key and its facts.

    >>> found = say("where-one", dim="n")
    >>> str(found), found.key, found.facts
    ('where n = 1', 'where-one', {'dim': 'n'})
    """

    key: str
    about: tuple[Any, ...]
    facts: dict[str, Any]

    def __reduce__(self) -> tuple:
        return _again, (self.key, self.about, self.facts)


def say(key: str, *about: Any, **facts: Any) -> Message:
    """Return a message in plain text.

    Raises `KeyError` for a key without words, or a fact that these ask for and that is not given.
    """
    found = Message(plain_words()[key].replace("$", "").format(*about, **facts))
    found.key, found.about, found.facts = key, about, facts
    return found


def _again(key: str, about: tuple, facts: dict[str, Any]) -> Message:
    return say(key, *about, **facts)


def hypothesis(condition: Condition, written: Callable[[Expr], str] = str) -> Message:
    """Return a hypothesis as plain text.

    >>> from derive.expressions.shape import Shape
    >>> from derive.ops import var
    >>> str(hypothesis(Condition("invertible", (var("A", Shape("n", "n")),))))
    'A is invertible'
    """
    args = (written(unrepeated(arg)) for arg in condition.args)
    found = say(f"condition-{condition.kind}", *args)
    return say(f"but-{condition.but}", found) if condition.but else found
