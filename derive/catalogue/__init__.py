"""Named programs, as data: one TOML file an entry.

An entry holds a title, the program's text, the sizes at which it is written out, and what
is assumed of the numbers in examples of it, such as labels that are one-hot.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files


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
