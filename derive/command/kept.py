"""What a build keeps of itself: which files it was made of, which it made, and what it said.

Enters what stands in files now; leaves whether it is what a build found and left there. The law:
nothing here reads a course or makes a document, so that a build of which nothing has changed is
answered at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from hashlib import blake2s
from typing import Any

#: The form of what is kept: what another version wrote is not read.
FORM = 1
#: Options of the command that take a word.
_VALUED = frozenset(
    ("-o", "--output", "-f", "--format", "-j", "--jobs", "--language", "--flavour", "--timeout")
)
#: The file of a course and the folder of its documents where nothing is said.
COURSE, FOLDER = "course.toml", "output"


def digest(*parts: str | bytes) -> str:
    """Return a short word for texts: the same for the same ones.

    >>> digest("a", "b") == digest("a", b"b") != digest("ab")
    True
    """
    found = blake2s(digest_size=10)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.hexdigest()


def content(path: str) -> str:
    """Return a word for what is in a file, or in all files of a folder; for nothing, nothing."""
    if os.path.isdir(path):
        return digest(*(part for name, file in _files(path) for part in (name, content(file.path))))
    try:
        with open(path, "rb") as file:
            return digest(file.read())
    except OSError:
        return ""


def stamp(path: str) -> list[int]:
    """Return the size of a file and when it was changed; of none, nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns]


def package(look: bool = False) -> str:
    """Return a word for this package and its templates, where there was a look into the files; else
    one for their sizes and when they were changed."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    beside = os.path.join(os.path.dirname(here), "templates")
    roots = [here] if os.path.isdir(os.path.join(here, "templates")) else [here, beside]
    found = ((name, file) for root in roots for name, file in _files(root))
    if look:
        return digest(*(part for name, file in found for part in (name, content(file.path))))
    told = ((name, file.stat()) for name, file in found)
    return digest(repr([(name, one.st_size, one.st_mtime_ns) for name, one in told]))


def _files(folder: str, before: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield every file of a folder by its name below it, compiled ones apart."""
    with os.scandir(folder) as entries:
        for one in sorted(entries, key=lambda entry: entry.name):
            if one.is_dir():
                if one.name != "__pycache__":
                    yield from _files(one.path, f"{before}{one.name}/")
            else:
                yield before + one.name, one


def surroundings() -> str:
    """Return where this program stands, and what the environment tells it."""
    told = sorted(item for item in os.environ.items() if item[0].startswith("DERIVE_"))
    return repr((os.getcwd(), told))


# -- the file --------------------------------------------------------------------------------------


def stem(course: str) -> str:
    """Return what a course is called: its file, without the ending."""
    return os.path.basename(course).removesuffix(".toml")


def place(course: str, folder: str) -> str:
    """Return the file in which a build into a folder keeps what it knows."""
    return os.path.join(folder, f".{stem(course)}.build.json")


def usual(course: str) -> str:
    """Return the folder of a course where nobody names one."""
    return os.path.join(FOLDER, stem(course))


def read(course: str, folder: str) -> dict[str, Any]:
    """Return what the last build of a course into a folder has kept, nothing where none has."""
    try:
        with open(place(course, folder), "rb") as file:
            found = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return {}
    right = isinstance(found, dict) and found.get("form") == FORM
    return found if right and isinstance(found.get("items"), dict) else {}


def answer(arguments: list[str]) -> tuple[list[str], int] | None:
    """Return what a build says and its exit status where nothing has changed since it was made.

    What enters are the words after `derive build`; `None` where something has changed, or where it
    takes more than a look to know.
    """
    course, folder, words = "", "", iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name in _VALUED:
            value = value if equals else next(words, "")
            folder = value if name in ("-o", "--output") else folder
        elif word.startswith("-") or course:
            return None
        else:
            course = word
    course = course or COURSE
    folder = folder or usual(course)
    kept = read(course, folder)
    try:
        same = (
            kept["asked"] == [arguments, surroundings()]
            and kept["package"] == package()
            and all(content(path) == word for path, word in kept["reads"].items())
            and all(stamp(os.path.join(folder, n)) == at for n, at in kept["files"].items())
        )
        return (kept["answer"], kept["status"]) if same and kept["answer"] else None
    except (KeyError, TypeError, AttributeError, OSError):
        return None


def files(items: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of all items by name, each with a word for what was written."""
    return {name: word for item in items.values() for name, word in item["files"].items()}
