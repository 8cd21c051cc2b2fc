"""A program that is one layer, again and again: for some number of layers, or for every number.

What enters is the `[recursion]` table of an entry, and how many layers or which widths were chosen;
what leaves is the text of a program. The law: layer l + 1 takes what layer l gives, and nothing
else of it, so that a theorem about one layer is one about all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from derive.expressions.errors import UnsupportedError
from derive.expressions.program import Program

#: What stands for the number of layers where the entry is about every number.
EVERY = "every"
#: More layers than this are not written out.
MOST = 100
_NAME = re.compile(r"(?<![\w.])[A-Za-z]\w*")


@dataclass(frozen=True, slots=True)
class Recursion:
    """One layer as the text of a program, and how layers follow each other.

    `feeds` are the name of what a layer gives and that of what the next one takes; `sizes` those of
    its dimensions that a layer has of its own, before and behind it. `shared` are inputs that are
    the same in all layers. The last layer ends at the name `last`; the statements `end` follow,
    in which `out` is that name. `layers` is the number of layers where nothing is chosen, `widths`
    names or numbers for the sizes between them. `index` and `count` are written for a layer's
    number and for how many there are. `claims` are about one layer.
    """

    layer: str
    feeds: tuple[str, str]
    sizes: tuple[str, str] | tuple[()] = ()
    shared: tuple[str, ...] = ()
    last: str = ""
    end: str = ""
    layers: str = ""
    widths: str = ""
    index: str = "l"
    count: str = "L"
    claims: tuple[str, ...] = ()

    @property
    def every(self) -> bool:
        """Whether it is about every number of layers."""
        return self.layers == EVERY

    def parsed(self) -> Program:
        """Return one layer as a program."""
        return _parsed(self.layer)

    def chosen(self, choice: Mapping[str, str]) -> Recursion:
        """Return it for a number of layers or for widths, as texts such as `3` and `4,5,3,1`.

        >>> one = Recursion("X: (n, k); W: (k, m); H = X @ W", ("H", "X"), ("k", "m"), layers="2")
        >>> one.chosen({"widths": "4,5,3,1"}).program()
        'X: (n, 4); W1: (4, 5); W2: (5, 3); W3: (3, 1); H1 = X @ W1; H2 = H1 @ W2; H3 = H2 @ W3'

        Raises `UnsupportedError` for widths and numbers of layers that do not fit.
        """
        layers, widths = choice.get("layers", ""), choice.get("widths", "")
        if layers == self.layers and not widths:
            return self
        count = self._count(layers) if layers else 0
        if widths:
            if not self.sizes:
                raise UnsupportedError("the layers are all of one size: there are no widths")
            sizes = [_width(width.strip(), widths) for width in widths.split(",")]
            if len(sizes) < 2:
                raise UnsupportedError(
                    f"--widths {widths} is one width, and a layer has one before and one behind it",
                    hint="three layers have four: --widths 4,5,3,1",
                )
            if count and count != len(sizes) - 1:
                raise UnsupportedError(
                    f"--widths {widths} are those of {_layers(len(sizes) - 1)}, "
                    f"and --layers is {layers}"
                )
            if layers == EVERY:
                raise UnsupportedError(f"--widths {widths} are those of one number of layers")
            widths = ",".join(sizes)
            return replace(self, layers=str(self._count(str(len(sizes) - 1))), widths=widths)
        return replace(self, layers=layers, widths="") if layers else self

    def _count(self, layers: str) -> int:
        if layers == EVERY == self.layers:
            return 0
        if not layers.isdecimal() or not 1 <= int(layers) <= MOST:
            also = f", or {EVERY}" if self.every else ""
            raise UnsupportedError(f"--layers is a number from 1 to {MOST}{also}, not {layers}")
        return int(layers)

    # -- written out -------------------------------------------------------------------------------

    def between(self) -> list[str]:
        """Return the widths between layers, by names where none are chosen."""
        if self.widths:
            return [width.strip() for width in self.widths.split(",")]
        root = self.sizes[0].rstrip("0123456789_") if self.sizes else ""
        return [f"{root}_{k}" for k in range(int(self.layers) + 1)]

    def program(self) -> str:
        """Return the text of the program with all its layers; of one layer where it is about every
        number of them."""
        if self.every:
            return self.layer
        between, layers = self.between(), int(self.layers)
        declared: dict[str, None] = {}
        statements: list[str] = []
        for k in range(1, layers + 1):
            names = self.names(k, between)
            for part in self.parts():
                name = re.split("[:=]", part)[0].strip()
                if ":" not in part:
                    statements.append(renamed(part, names))
                elif name != self.feeds[1] or k == 1:
                    declared[renamed(part, names)] = None
                if k == layers and name == self.last:
                    break
        out = self.names(layers, between)[self.last or self.feeds[0]]
        sizes = dict(zip(self.sizes, between[-2:], strict=True)) if self.sizes else {}
        ends = [renamed(part, {"out": out, **sizes}) for part in split(self.end)]
        used = set(_NAME.findall(" ".join([*statements, *ends])))
        needed = [part for part in declared if part.partition(":")[0].strip() in used]
        return "; ".join([*needed, *statements, *ends])

    def parts(self) -> list[str]:
        """Return the declarations and statements of one layer."""
        return split(self.layer)

    def own(self) -> list[str]:
        """Return the names of which every layer has its own, what it takes left out."""
        program = self.parsed()
        kept = {self.feeds[1], *self.shared}
        return [name for name in program.leaves if name not in kept]

    def inputs(self) -> list[str]:
        """Return what is learned: the inputs of every layer but what it takes, and shared ones."""
        if self.every:
            return [name for name in self.parsed().inputs if name != self.feeds[1]]
        each = [name for name in self.parsed().inputs if name in set(self.own())]
        named = [self.names(k)[name] for k in range(1, int(self.layers) + 1) for name in each]
        return [*named, *self.shared]

    def names(self, k: int, between: list[str] | None = None) -> dict[str, str]:
        """Return what the names of one layer are in the program of all."""
        found = {name: f"{name}{k}" for name in self.own()}
        if k > 1:
            found[self.feeds[1]] = f"{self.feeds[0]}{k - 1}"
        if self.sizes:
            found |= dict(zip(self.sizes, (between or self.between())[k - 1 : k + 1], strict=True))
        return found

    def written_claims(self, known: Iterable[str]) -> tuple[str, ...]:
        """Return the claims of every layer in the names of the whole, the last layer first, as far
        as the whole has these names."""
        if self.every:
            return self.claims
        known = {*known, *(f"d{name}" for name in known)}
        said = []
        for k in range(int(self.layers), 0, -1):
            names = self.names(k)
            names |= {f"d{name}": f"d{written}" for name, written in names.items()}
            for claim in self.claims:
                text = renamed(claim, names)
                used = {n for n in _NAME.findall(text) if n in names.values() or n in known}
                if used <= known:
                    said.append(text)
        return tuple(said)


@lru_cache(16)
def _parsed(layer: str) -> Program:
    from derive.language.parse import parse

    return parse(layer)


def split(text: str) -> list[str]:
    """Return the parts of a program's text that stand between semicolons or on lines."""
    return [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a text in which names are others, attributes left alone."""
    return _NAME.sub(lambda found: names.get(found[0], found[0]), text)


def _layers(count: int) -> str:
    return f"{count} layer{'s' * (count > 1)}"


def _width(width: str, widths: str) -> str:
    if (width.isdecimal() and int(width) > 0) or re.fullmatch(r"[A-Za-z]\w*", width):
        return width
    raise UnsupportedError(f"--widths are positive numbers or names, such as 4,5,3,1, not {widths}")


# -- as a table of an entry ------------------------------------------------------------------------

_TEXTS = ("layer", "last", "end", "layers", "widths", "index", "count")
_LISTS = ("feeds", "sizes", "shared", "claims")


def read(table: Any) -> Recursion:
    """Return the recursion that a table states; raises `ValueError` where it is none."""
    if not isinstance(table, dict) or set(table) - {*_TEXTS, *_LISTS}:
        raise ValueError
    texts = {key: str(table[key]).strip() for key in _TEXTS if key in table}
    lists = {key: tuple(map(str, table[key])) for key in _LISTS if key in table}
    found = Recursion(**texts, **lists)  # type: ignore[arg-type]
    if len(found.feeds) != 2 or len(found.sizes) not in (0, 2):
        raise ValueError
    return found.chosen({"layers": found.layers, "widths": found.widths})
