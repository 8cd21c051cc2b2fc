"""Documents in a folder: each under a name of its own, and none over another.

What enters is a name, what the document answers, and its texts; what leaves are paths. A file that
is written ends in a line with two fingerprints, of the question that it answers and of its text, so
the same question writes over its own answer, in a later version too. A file that answers another
question, or that somebody has changed, stays as it is: the new one gets a number behind its name.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from hashlib import blake2s
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.expressions.errors import OutputError
from derive.notation.messages import say

#: What a file has in it: text, or bytes.
Content = str | bytes

if TYPE_CHECKING:
    from derive.notation.mathematics import Style

#: How the last line of a file is set apart from what it shows, by its ending. JSON has no room for
#: it: there it is the first of what is said about a notebook.
COMMENTS = {
    "md": "\n<!-- {} -->",
    "svg": "<!-- {} -->",
    "html": "<!-- {} -->",
    "tex": "% {}",
    "mmd": "%% {}",
    "ipynb": '  "derive": "{}",',
    "typ": "// {}",
    "pdf": "% {}",
}
#: What is no text.
BINARY = (".pdf",)
SEALED = re.compile(
    r"(?:(?:(?<=\n)\n)?<!--|%%?|//) derive ([0-9a-f]{12}) ([0-9a-f]{12})(?: -->)?\n*\Z"
)
_WITHIN = re.compile(
    r'(?<=\n "metadata": \{\n)  "derive": "derive ([0-9a-f]{12}) ([0-9a-f]{12})",\n'
)
_PLACE = '\n "metadata": {\n'
#: More documents of one name are refused.
MOST_NAMES = 10_000


def fingerprint(*what: Any) -> str:
    """Return a short word for plain values: the same for equal ones.

    >>> fingerprint("Y = X @ W", {"n": 2}) == fingerprint("Y = X @ W", {"n": 2})
    True
    """
    return blake2s(repr(what).encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()


def asked(kind: str, what: Mapping[str, Any]) -> str:
    """Return the fingerprint of a question: what is asked for, and all that was said, by name.

    What is empty is left out, so that a later version may ask for more.

    >>> asked("Proof", {"wrt": ["X"], "at": {}}) == asked("Proof", {"wrt": ["X"], "detail": ""})
    True
    """
    return fingerprint(kind, sorted((name, value) for name, value in what.items() if value))


def told(style: Style) -> list[tuple[str, Any]]:
    """Return what a style says that is not the default, for a question."""
    pairs = ((f.name, getattr(style, f.name), f.default) for f in fields(style))
    return [(name, value) for name, value, default in pairs if value != default]


def sealed(content: Content, form: str, question: str) -> Content:
    """Return what a file has in it with its last line."""
    text = _text(content)
    text = text if text.endswith("\n") else f"{text}\n"
    seal = COMMENTS[form].format(f"derive {question} {fingerprint(text)}")
    if form == "ipynb":
        above, place, below = text.rpartition(_PLACE)
        return f"{above}{place}{seal}\n{below}"
    text = f"{text}{seal}\n"
    return text if isinstance(content, str) else text.encode("latin-1")


def unsealed(content: Content) -> Content:
    """Return what a file has in it without its last line.

    >>> unsealed(sealed("Y = X W", "tex", fingerprint("Y = X @ W"))).split()
    ['Y', '=', 'X', 'W']
    """
    found = _seal(_text(content))
    if found is None:
        return content
    start, end = found.span()
    return content[:start] + content[end:]  # type: ignore[operator]


def _text(content: Content) -> str:
    """Return content as text; of what is none, each byte is a character."""
    return content if isinstance(content, str) else content.decode("latin-1")


def _seal(text: str) -> re.Match[str] | None:
    """Return the line with the seal, where it is one of ours; what stands before it may be long."""
    found = SEALED.search(text, max(0, text.rfind(" derive ") - len("\n<!--")))
    return found or _WITHIN.search(text, max(0, text.rfind(_PLACE)))


def question_of(content: Content) -> str:
    """Return the question that a file answers, or nothing where it has no last line of ours."""
    found = _seal(_text(content))
    return found[1] if found else ""


def is_free(path: Path, *questions: str) -> bool:
    """Whether a document may be written to a path: nothing is there, or an answer to its question
    (or to one that it takes the place of), as it was written."""
    try:
        path.lstat()
    except OSError:
        return True  # nothing there, or nothing that can be reached: writing says why
    try:
        data = path.read_bytes()
        binary = path.suffix in BINARY
        text = _text(data) if binary else data.decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return False
    found = _seal(text)
    return found is not None and found[1] in questions and found[2] == fingerprint(unsealed(text))


def write(
    folder: str | Path,
    stem: str,
    question: str,
    endings: Sequence[str],
    contents: Callable[[str], Iterable[Content]],
    replaced: Iterable[str] = (),
    taken: Collection[str] = (),
) -> list[Path]:
    """Write the files of a document, `stem` with each ending, all of them whole or none.

    `contents` makes them for the stem that was found free for all of them, since files name each
    other and themselves. What answers one of the questions that are `replaced` is written over, and
    names that are `taken`, in small letters and without what follows the point, stay free for
    others. Returns the paths; raises `OutputError` where a file cannot be written.
    """
    folder, own = Path(folder), (question, *replaced)
    for name in _names(stem):
        files = [f"{name}{ending}" for ending in endings]
        bases = {file.rpartition(".")[0].lower() for file in files}
        if bases.isdisjoint(taken) and all(is_free(folder / file, *own) for file in files):
            break
    else:
        raise OutputError(f"{folder} has too many documents of the name {stem}")
    made = zip(files, endings, contents(name), strict=True)
    found = {
        folder / file: sealed(content, ending.rpartition(".")[2], question)
        for file, ending, content in made
    }
    write_whole(found)
    return [*found]


def _names(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}-{number}" for number in range(2, MOST_NAMES))


def reported(paths: Sequence[Path], stem: str) -> Iterator[str]:
    """Yield what a user is told of the files that were written, and of a name that was taken."""
    yield from (say("wrote", path=path) for path in paths)
    yield from moved(paths, stem)


def moved(paths: Sequence[Path], stem: str) -> Iterator[str]:
    """Yield what a user is told where a name was taken, so that files have another."""
    taken = [path for path in paths if re.match(r"-\d+[-.]", path.name.removeprefix(stem))]
    if taken:
        (number,) = {re.match(r"-\d+", path.name.removeprefix(stem))[0] for path in taken}  # type: ignore[index]
        yield say("name-taken", kept=f"{taken[0].parent / stem}*", number=number)


def write_whole(contents: Mapping[Path, Content]) -> None:
    """Write files whole or not at all: what was there stays until all that is new is complete."""
    made: dict[Path, str] = {}
    path = Path()
    try:
        try:
            for path, content in contents.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                handle, made[path] = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
                with open(handle, "wb") as file:
                    file.write(_bytes(content))
                os.chmod(made[path], 0o666 & ~_umask())
            for path in contents:
                os.replace(made[path], path)
                del made[path]
        finally:
            for left in made.values():
                os.unlink(left)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write {path}: {reason}", hint="choose another folder with -o"
        ) from None


def _bytes(content: Content) -> bytes:
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
