"""What a judge finds: a word, where it holds and how it was found, each a key with its facts.

What enters are keys and sizes, what leaves are these, and the words that JSON has for them. The
law: a language's words are chosen where a text is written, and JSON's never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"


class Road(StrEnum):
    """How a verdict was found, as a key of messages."""

    #: Normal forms of both sides; of the parts of deep formulas, one by one; by Laplace's law.
    FORMS = "forms"
    IN_PARTS = "forms-in-parts"
    LAPLACE = "forms-by-laplace"
    #: Both sides written out; the whole program carried forwards.
    WRITTEN = "written-out"
    FORWARDS = "forwards"
    #: Of a claim: its shape; a point, in fractions or intervals; residues.
    SHAPES = "shapes"
    EXACT = "fractions"
    ROUNDED = "intervals"
    MODULO = "modulo"
    #: What was tried where nothing decides, or where no point obeys what is assumed.
    OPEN = "forms-and-intervals"
    NO_POINTS = "points"

    @property
    def json(self) -> str:
        """What JSON calls it."""
        return JSON.get(self, self)


class Scope(NamedTuple):
    """Where something was judged: the key of what is said of it, sizes, and what is equal.

    >>> Scope.at({"n": 2, "d": 3}).json, Scope.at({}).json
    ('n = 2, d = 3', 'scalars')
    """

    key: str = ""
    sizes: tuple[tuple[str, int], ...] = ()
    equal: tuple[str, ...] = ()

    @classmethod
    def at(cls, sizes: Mapping[str, int]) -> Scope:
        """Return sizes as a scope; where there is no dimension they are those of scalars."""
        return cls(sizes=tuple(sizes.items())) if sizes else SCALARS

    @property
    def json(self) -> str:
        """What JSON calls it."""
        if self.equal:
            return f"where {' and '.join(self.equal)}"
        return ", ".join(filter(None, (JSON.get(self.key), in_words(dict(self.sizes)))))


EVERY_SHAPE, SCALARS = Scope("every-shape"), Scope("scalars")
#: The sizes that the user wrote as numbers, and smaller ones, for which there are no words.
GIVEN_SIZES, SMALLER_SIZES = Scope("given-sizes"), Scope("smaller-sizes")

#: What scopes and roads are called in JSON, where it is not their key.
JSON = {
    "every-shape": "every shape",
    "scalars": "scalars",
    "given-sizes": "the given sizes",
    "smaller-sizes": "smaller sizes",
    Road.FORMS: "index normal form",
    Road.IN_PARTS: "index normal form, part by part",
    Road.LAPLACE: "index normal form, given Laplace's expansion",
    Road.WRITTEN: "both sides written out and compared exactly",
    Road.FORWARDS: "the whole program differentiated forwards, entry by entry",
    Road.EXACT: "fractions at a point",
    Road.ROUNDED: "rigorous intervals at a point",
    Road.MODULO: "evaluation modulo a prime",
    Road.OPEN: "index normal form, intervals",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge found: the word, where it holds, by which road, and a message where it fails.

    >>> Verdict(PROVED, EVERY_SHAPE, Road.FORMS).scope
    'every shape'
    """

    word: str
    where: Scope
    road: Road
    detail: str = ""

    @property
    def scope(self) -> str:
        """Where it holds, as JSON says it."""
        return self.where.json

    @property
    def method(self) -> str:
        """How it was found, as JSON says it."""
        return self.road.json

    @property
    def proved(self) -> bool:
        return self.word == PROVED


def in_words(sizes: Mapping[str, int]) -> str:
    """Return sizes as a reader writes them: n = 2, d = 3."""
    return ", ".join(f"{dim} = {k}" for dim, k in sizes.items())
