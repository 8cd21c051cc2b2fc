"""Where entries stand: ours, those of a folder that somebody names, and single files.

A name enters, the entry leaves. The law: a name stands for one file, and two of one name are
refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from derive.catalogue.entry import WORD, Entry, File, read
from derive.expressions.errors import OutputError, ParseError, UnsupportedError, nearest

ENDING = ".toml"
#: The topics of our own entries, as a course has them; others come after, in their order.
TOPICS = (
    "layers", "activations", "losses", "models", "normalisation", "sequences", "attention",
    "matrices", "circuits",
)  # fmt: skip


def names(catalogue: str | Path | None = None) -> list[str]:
    """Return the names of the catalogue, sorted; those of a folder of entries with it.

    >>> "affine" in names()
    True
    """
    return sorted(_shelf(catalogue))


def load(
    name: str, catalogue: str | Path | None = None, choice: Mapping[str, str] | None = None
) -> Entry:
    """Return an entry by its name, or from a file of its own that ends in .toml.

    >>> load("affine").program
    'X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B'

    Raises `UnsupportedError` for a name that is not there and `ParseError` for a malformed entry.
    """
    if name.endswith(ENDING):
        file = Path(name)
        if not file.is_file():
            raise OutputError(f"there is no file {name}")
        return _read(file, file.resolve().parent.name, choice, foreign=True)
    shelf = _shelf(catalogue)
    if name not in shelf:
        raise UnsupportedError(
            f"there is no entry {name}{nearest(name, shelf)}",
            hint="derive list shows the catalogue",
        )
    topic, path = shelf[name]
    return _read(path, topic, choice, foreign=name not in _ours())


def _read(path: Path, topic: str, choice: Mapping[str, str] | None, foreign: bool) -> Entry:
    name = path.name.removesuffix(ENDING)
    if not WORD.fullmatch(name):
        raise UnsupportedError(
            f"{path.name!r} is no file of an entry", hint="it is a name with hyphens, as in my-loss"
        )
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ParseError(f"{path} is not UTF-8 text") from None
    file = File(name=str(path) if foreign else path.name, foreign=foreign)
    return read(text, name, choice=choice, topic=topic, file=file)


_Shelf = Mapping[str, tuple[str, Path]]


@cache
def _ours() -> _Shelf:
    return _filled({}, Path(__file__).parent)


def _shelf(catalogue: str | Path | None) -> _Shelf:
    """Return each name with its topic and its file."""
    if catalogue is None:
        return _ours()
    folder = Path(catalogue)
    if not folder.is_dir():
        raise OutputError(f"there is no folder of entries {catalogue}")
    return _filled(_ours(), folder)


def _filled(before: _Shelf, folder: Path) -> _Shelf:
    found = dict(before)
    for topic, file in _entries(folder, folder.name):
        name = file.name.removesuffix(ENDING)
        if name in found:
            raise UnsupportedError(
                f"two entries are named {name}: {found[name][1]} and {file}",
                hint="give one of the files another name",
            )
        found[name] = topic, file
    return found


def _entries(folder: Path, topic: str) -> Iterator[tuple[str, Path]]:
    """Yield the entries of a folder and of the folders in it, each with the name of its folder."""
    for found in sorted(folder.iterdir(), key=lambda item: item.name):
        if found.is_file() and found.name.endswith(ENDING):
            yield topic, found
        elif found.is_dir():
            yield from _entries(found, found.name)


def by_topic(entries: list[Entry]) -> dict[str, list[Entry]]:
    """Return entries under their topics, in the order of a course.

    >>> [*by_topic([load("affine")])]
    ['layers']
    """
    topics = dict.fromkeys((*TOPICS, *(entry.topic for entry in entries)))
    found = {topic: [e for e in entries if e.topic == topic] for topic in topics}
    return {topic: those for topic, those in found.items() if those}
