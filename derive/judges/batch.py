"""Files of identities: read line by line, judged by workers, answered in order.

A file enters as a stream, answers leave as they come; memory does not grow with the file. One line
that cannot be read is one answer that says so, and an identity that takes too long is undecided.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import IO, Any, NamedTuple

from derive.expressions.crew import Crew, forks
from derive.expressions.errors import DeriveError, OutputError, ParseError, Place, nearest
from derive.expressions.limits import TimeUp, within
from derive.judges.claim import Court, Judgement, stopped
from derive.language.syntax import NAME
from derive.language.toml_text import read_toml
from derive.notation.messages import say
from derive.proof.verdict import PROVED, REFUTED, UNDECIDED

ERROR = "error"
VERDICTS = (PROVED, REFUTED, UNDECIDED, ERROR)
#: A line with more bytes than this is refused unread.
LONGEST_LINE = 1_000_000
#: So many lines that are not UTF-8, and none that is, are no text.
STRANGE_LINES = 100

Values = Mapping[str, Any]
#: How a judgement of a case becomes documents, given the shapes of its names.
Documents = Callable[..., Sequence[tuple[str, str | bytes]]]


class Identity(NamedTuple):
    """A line of a file: a program, what is known of its names, and what is claimed."""

    id: Any
    line: int
    program: str
    claim: str
    shapes: Mapping[str, Any]
    assume: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one identity: a judgement, or the message of an error.

    `documents` holds what is to be written of a judgement, a text for each format asked for.
    """

    id: Any
    verdict: str
    line: int = 0
    judgement: Judgement | None = None
    message: str = ""
    seconds: float = 0.0
    documents: tuple[tuple[str, str | bytes], ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return the answer as plain values, for `--json`."""
        found = {"id": self.id, "verdict": self.verdict}
        if self.judgement is not None:
            found |= {k: v for k, v in self.judgement.plain().items() if k not in found}
        if self.message:
            found["message"] = self.message
        if self.verdict == ERROR and self.line:
            found["line"] = self.line
        return found | {"seconds": round(self.seconds, 6)}


# -- reading ---------------------------------------------------------------------------------------


def identities(
    path: str | Path, progress: Callable[[float], None] | None = None
) -> Iterator[Identity | Answer]:
    """Yield what each line of a file holds, an `Answer` where it cannot be read; `-` is stdin."""
    found = 0
    with closing(_opened(path)) as file:
        name = "standard input" if str(path) == "-" else str(path)
        toml = name.endswith(".toml")
        try:
            for line, record in _toml(name, file) if toml else _lines(name, file, progress):
                found += 1
                item = _identity(line, record)
                if toml and isinstance(item, Answer):
                    item = replace(item, message=f"identity {found}: {item.message}")
                yield item
        except OSError as error:
            raise OutputError(f"cannot read {name}: {error.strerror or error}") from None
    if not found:
        raise OutputError(
            f"{name} is empty: it holds no identity",
            hint='a line is {"program": "Y = A @ B", "shapes": {...}, "wrt": "A", "claim": "..."}',
        )


def _opened(path: str | Path) -> IO[bytes]:
    if str(path) == "-":
        if sys.stdin is None:
            raise OutputError("standard input is closed")
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise OutputError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot read {path}: {reason}") from None


def _lines(
    name: str, file: IO[bytes], progress: Callable[[float], None] | None
) -> Iterator[tuple[int, Any]]:
    """Yield the number of each line that is not blank, and its value or the error that it is."""
    size = os.fstat(file.fileno()).st_size
    read, strange, readable = 0, [], False
    for number, data, length in _raw_lines(file):
        read += length
        if progress and size:
            progress(min(read / size, 1.0))
        value = _decoded(number, data, length)
        if value is None:
            continue
        if isinstance(value, _NotText) and not readable:
            strange.append((number, value))
            if len(strange) > STRANGE_LINES:
                break
            continue
        readable = True
        yield from strange
        strange = []
        yield number, value if isinstance(value, DeriveError) else _json(number, value)
    if strange:
        raise _NotText(f"{name} is not UTF-8 text: {strange[0][1].message}")


class _NotText(ParseError):
    """Bytes that are not UTF-8."""


def _raw_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes, int]]:
    """Yield each line's number, its bytes up to the longest that is read, and its length."""
    number = 0
    while data := file.readline(LONGEST_LINE + 2):
        number += 1
        length = len(data)
        while length > LONGEST_LINE and not data.endswith(b"\n"):
            more = file.readline(LONGEST_LINE)
            if not more:
                break
            length += len(more)
            data = data[:LONGEST_LINE] + more[-1:]
        yield number, data, length


def _decoded(number: int, data: bytes, length: int) -> str | DeriveError | None:
    """Return a line's text, the error that it is, or `None` where it is blank."""
    if length > LONGEST_LINE + 1:
        return ParseError(f"line {number} has more than the {LONGEST_LINE:,} bytes that are read")
    try:
        text = data.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return _NotText(f"line {number}, byte {error.start + 1} cannot be read")
    if "\0" in text:
        return _NotText(f"line {number}, byte {text.index(chr(0)) + 1} cannot be read")
    return text if text.strip() else None


def _json(number: int, text: str) -> Any:
    """Return the value of a line, or the error that it is."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        column = min(error.pos, len(text.rstrip())) + 1
        found = text[column - 1 : column]
        what = f"{found!r} was not expected here" if found else "the line ends too early"
        place = Place(text, 1, column)
        hint = "a line is one object" if text.lstrip()[:1] in "[]" else None
    except (ValueError, RecursionError):
        return ParseError(f"line {number}: this is not JSON that can be read")
    hint = f"\n  hint: {hint}" if hint else ""
    return ParseError(
        f"line {number}, column {column}: this is not JSON: {what}\n{place.pointer()}{hint}"
    )


def _toml(name: str, file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Yield the identities of a TOML file; they have no line."""
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _NotText(f"{name} is not UTF-8 text: byte {error.start + 1} cannot be read") from None
    tables = read_toml(text, name).get("identity", [])
    if not isinstance(tables, list):
        raise ParseError(f"{name} has no list of identities", hint="a table begins [[identity]]")
    yield from ((0, table) for table in tables)


_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false",
          int: "a number", float: "a number", type(None): "nothing"}  # fmt: skip


def _identity(line: int, record: Any) -> Identity | Answer:
    """Return the identity that a record holds, or the answer that it cannot be read."""
    known = record.get("id") if isinstance(record, dict) else None
    try:
        if isinstance(record, DeriveError):
            raise record
        if not isinstance(record, dict):
            raise ParseError(f'an identity is an object {{"program": ...}}, not {_kind(record)}')
        if not isinstance(known, str | int | float | bool | list | dict | None):
            known = str(known)  # a date of TOML
        return Identity(
            id=known,
            line=line,
            program=_field(record, "program", str),
            claim=_whole_claim(_field(record, "claim", str), _field(record, "wrt", str, "")),
            shapes=_field(record, "shapes", dict, {}),
            assume=assumptions(_field(record, "assume", dict, {})),
        )
    except DeriveError as error:
        return Answer(known, ERROR, line, message=str(error))


def _field(record: dict, name: str, kind: type, default: Any = None) -> Any:
    value = record.get(name)
    if value is None:
        if default is None:
            others = [key for key in record if isinstance(key, str)]
            raise ParseError(f'the identity has no "{name}"{nearest(name, others)}')
        return default
    if not isinstance(value, kind):
        raise ParseError(f'"{name}" is {_KINDS[kind]}, this is {_kind(value)}')
    return value


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "something else")


def _whole_claim(text: str, wrt: str) -> str:
    """Return a claim as an equation: a formula alone is the gradient with respect to `wrt`."""
    code = re.sub(r"#[^\n]*", "", text).rstrip().rstrip(";").rstrip()
    depth, start = 0, 0
    for place, character in enumerate(code):
        depth += (character in "([{") - (character in ")]}")
        if depth <= 0 and character in ";\n":
            start = place + 1
    before, last = code[:start], code[start:].lstrip()
    named = re.match(r"([A-Za-z]\w*)\s*=(?!=)", last)
    if wrt and not NAME.match(wrt):
        raise ParseError(f'"wrt" is the name of a variable, not {wrt!r}')
    if named:
        if wrt and named[1] != f"d{wrt}":
            raise ParseError(f'the claim gives {named[1]}, and "wrt" is {wrt}')
        return code
    if not last:
        raise ParseError("the claim is empty", hint="write something such as dY @ B.T")
    if not wrt:
        raise ParseError('the identity has no "wrt", and its claim does not begin with dX = ...')
    return f"{before}d{wrt} = {last}"


# -- one program ----------------------------------------------------------------------------------


def assumptions(given: Mapping[str, str | Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return what is assumed of each name as a tuple of words.

    >>> assumptions({"A": "symmetric", "P": ["positive", "row-stochastic"]})
    {'A': ('symmetric',), 'P': ('positive', 'row-stochastic')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, words in given.items():
        words = [words] if isinstance(words, str) else words
        if not isinstance(words, list | tuple) or not all(isinstance(w, str) for w in words):
            raise ParseError(f"what is assumed of {name} is a word or a list of words")
        if words:
            found[name] = tuple(words)
    return found


# -- judging ---------------------------------------------------------------------------------------


def judged(
    identity: Identity, timeout: float | None = None, documents: Documents | None = None
) -> Answer:
    """Return the answer to one identity, whatever happens."""
    start = perf_counter()

    def answer(verdict: str, judgement: Judgement | None = None, message: str = "") -> Answer:
        seconds = perf_counter() - start
        return Answer(identity.id, verdict, identity.line, judgement, message, seconds)

    part = "program"
    try:
        with within(timeout):
            court = Court(identity.program, identity.shapes, identity.assume)
            part = "claim"
            court.read(identity.claim)
        left = None if timeout is None else max(timeout - (perf_counter() - start), 0.001)
        judgement, message = court.answer(identity.claim, left, told=timeout)
        verdict = judgement.verdict if judgement is not None else UNDECIDED
        found = answer(verdict, judgement, message)
        return _documented(court, identity, found, timeout, documents) if documents else found
    except TimeUp as error:
        return answer(UNDECIDED, message=stopped(error, timeout))
    except DeriveError as error:
        return answer(ERROR, message=f"{part}: {error}")
    except (RecursionError, MemoryError) as error:
        return answer(UNDECIDED, message=f"{part}: too large to be read ({type(error).__name__})")
    except Exception as error:  # a fault of ours is an answer too, and never the end of the run
        return answer(ERROR, message=f"a fault of derive: {type(error).__name__}: {error}")


def _documented(
    court: Court, identity: Identity, found: Answer, timeout: float | None, documents: Documents
) -> Answer:
    """Return an answer with its documents; where they cannot be made it says why, and stands."""
    judgement = found.judgement
    if judgement is None:
        return found
    shapes = dict(identity.shapes)
    # a quarter more than the time of a judgement: its worker is ended after half as much
    left = None if timeout is None else max(timeout - found.seconds, 0) + timeout / 4
    try:
        with within(left):
            made = documents(court.case, judgement, shapes=shapes)
        return replace(found, documents=tuple(made))
    except TimeUp:
        why: str = say("told.time-over")
    except DeriveError as error:
        why = str(error)
    except (RecursionError, MemoryError):
        why = say("told.too-large")
    message = say("told.no-document", why=why)
    return replace(found, message=f"{found.message}\n{message}" if found.message else message)


def answers(
    items: Iterable[Identity | Answer],
    jobs: int = 1,
    timeout: float | None = None,
    documents: Documents | None = None,
) -> Iterator[Answer]:
    """Yield the answer to each item in order; a time limit or several jobs ask for workers."""
    if jobs == 1 and (timeout is None or not forks()):
        for item in items:
            yield _known(item) or judged(item, None, documents)  # type: ignore[arg-type]
        return
    work = partial(judged, timeout=timeout, documents=documents)
    crew: Crew[Any, Answer] = Crew(jobs, work, _lost, timeout, _known)
    yield from crew.answers(items)


def _known(item: Identity | Answer) -> Answer | None:
    return item if isinstance(item, Answer) else None


def _lost(item: Identity, message: str, seconds: float) -> Answer:
    return Answer(item.id, UNDECIDED, item.line, message=message, seconds=seconds)
