"""Mathematical layout as a tree of boxes: what stands where, in no output language.

`notation` makes boxes, `printers` write them. A box has a kind, its parts, and a text; the kinds:

    id num word op      a letter or name, a number, an upright name, a symbol by its name
    rounded             a number of which only the digits that are shown are meant
    row                 parts side by side
    index sup           a base with a subscript, with a superscript
    frac root           numerator over denominator, a square root (`text` says entrywise)
    paren               a part in brackets; `text`: round, square, bars, double-bars, iverson, flat
    open close          one bracket of a fixed size, apart from the other
    matrix              rows of cells, each row a box of kind row
    lines               parts under each other, a long cell of a matrix
    cases               rows of a value and where it is taken, a brace before them
    under               a base with a shape under it
    sum                 a sign of summation with what stands below and above it
    frame               a part with a frame around it
    at                  a base with a bar and what stands at its foot
    slot                a place for an index, by the name that `text` has
    gap                 a place to be filled in, by its label
    filled              a layout with slots, and what stands in each of those that `text` names
    raw                 text in the printer's own language
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

#: How strongly a box binds on paper: a sum, an entrywise product, a product, what stands alone.
SUM, ENTRYWISE, PRODUCT, ATOM = range(1, 5)


@dataclass(frozen=True, slots=True)
class Box:
    """A piece of layout; what is worked out of it is kept in `known`."""

    kind: str
    parts: tuple[Box, ...] = ()
    text: str = ""
    known: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def walk(self) -> Iterator[Box]:
        """Yield the box and every box in it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def row(*parts: Box) -> Box:
    return parts[0] if len(parts) == 1 else Box("row", parts)


@lru_cache(1000)
def op(name: str) -> Box:
    return Box("op", text=name)


@lru_cache(1000)
def word(text: str) -> Box:
    return Box("word", text=text)


@lru_cache(1000)
def num(value: int) -> Box:
    return Box("num", text=str(value))


def sub(base: Box, index: Box) -> Box:
    return Box("index", (base, index))


def sup(base: Box, exponent: Box) -> Box:
    return Box("sup", (base, exponent))


def frac(top: Box, bottom: Box) -> Box:
    return Box("frac", (top, bottom))


def paren(inner: Box, kind: str = "round") -> Box:
    return Box("paren", (inner,), kind)


def listed(parts: Iterable[Box]) -> Box:
    """Return parts with commas between them."""
    spread = [box for part in parts for box in (op("comma-space"), part)]
    return row(*spread[1:])


def raw(text: str) -> Box:
    return Box("raw", text=text)


def is_sum(box: Box) -> bool:
    """Whether a sign stands between the parts of a box, so that brackets must keep it together."""
    signs = ("plus", "minus", "negative")
    return box.kind == "row" and any(p.kind == "op" and p.text in signs for p in box.parts)
