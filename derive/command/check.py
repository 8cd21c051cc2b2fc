"""The subcommand that judges claims, one by one or a file of them."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from derive.command import options
from derive.command.delivery import FOLDER, formats
from derive.command.options import option
from derive.command.terminal import MARKS, counting, say, say_json, tell_verdict, word, working
from derive.expressions.errors import REFUTED, UNDECIDED, WRONG, LimitError, UnsupportedError
from derive.expressions.limits import limited, seconds
from derive.notation import messages
from derive.notation.escape import one_line
from derive.notation.messages import translated

if TYPE_CHECKING:
    from derive.documents.check import Judged
    from derive.judges.batch import Answer
    from derive.judges.claim import Court, Judgement


@options.command(
    click.argument("target", required=False, shell_complete=options.targets),
    option("--claim", "claims", multiple=True, metavar="'dX = ...'", help="What is claimed."),
    options.SHAPES,
    options.ASSUME,
    option("--file", "path", metavar="FILE", help="Identities, .jsonl or .toml; - is stdin."),
    option("-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=False,
           help="Workers for a file."),
    option("--write", is_flag=True, help="Write each judgement as a document."),
    *options.writing(*options.TEXTS),
    options.timeout("Seconds that one claim may take; then it is undecided."),
)  # fmt: skip
def check(target: str | None, claims: tuple[str, ...], path: str | None, **given: Any) -> int:
    """Judge claims about the gradients of TARGET, or every identity of a file.

    A claim is proved for every shape, refuted with a counterexample, or undecided. The exit status
    is 0 if all is proved, 1 if something is refuted, 2 if the input is wrong, 3 if something is
    undecided.
    """
    seconds(given["timeout"])
    if given["write"] and given["output"] == "-":
        raise UnsupportedError("verdicts are printed, and documents written: name a folder")
    given["formats"] = formats(given) if given["write"] else ()
    if path is not None:
        if target is not None or claims or given["shapes"] or given["assume"]:
            raise UnsupportedError("--file brings its own programs and claims; give no others")
        return _check_file(path, **given)
    if target is None:
        raise UnsupportedError(
            "there is nothing to check",
            hint='write derive check "Y = X @ W" --claim "dX = ...", or --file identities.jsonl',
        )
    if not claims:
        raise UnsupportedError("there is no claim", hint='add --claim "dX = dY @ W.T"')
    return _check_claims(target, claims, given)


def status(found: Counter[str]) -> int:
    """Return the exit status: refuted before undecided before what could not be read."""
    statuses = {"refuted": REFUTED, "undecided": UNDECIDED, "error": WRONG}
    return next((number for verdict, number in statuses.items() if found[verdict]), 0)


# -- claims ----------------------------------------------------------------------------------------


def _check_claims(target: str, claims: tuple[str, ...], given: dict[str, Any]) -> int:
    from derive.judges.batch import Answer

    limit, as_json = given["timeout"], given["as_json"]
    with limited(limit):
        court = court_of(target, given)
        for claim in claims:  # what cannot be read is said before anything is judged
            court.read(claim)
    found: Counter[str] = Counter()
    written: list[str] = []
    for number, claim in enumerate(claims, 1):
        start = perf_counter()
        with working():
            judgement, message = court.answer(claim, limit)
        verdict = judgement.verdict if judgement is not None else "undecided"
        answer = Answer(number, verdict, 0, judgement, message, perf_counter() - start)
        found[verdict] += 1
        _print(answer, claim, as_json, court.assume)
        if given["write"] and judgement is not None:
            written += _written(court, judgement, given)
    for line in written:
        say(line, err=as_json)
    return status(found)


def court_of(target: str, given: Mapping[str, Any]) -> Court:
    """Return the program that claims are about, as the command's options say."""
    from derive.judges.claim import Court

    text, name = options.read_target(target, given)
    return Court(text, given["shapes"], given["assume"], name=name)


def _written(court: Court, judgement: Judgement, given: dict[str, Any]) -> Iterator[str]:
    """Write the document of a judgement, and yield what is told of it."""
    from derive.documents.files import reported

    try:
        with working(), limited(given["timeout"]):
            found = document(court, judgement, given)
            folder = given["output"] or FOLDER
            paths = found.save(folder, given["formats"], **options.setting(given))
        yield from reported(paths, found.name)
    except (LimitError, UnsupportedError) as error:
        say(messages.say("told.no-document", why=error), err=True)


def documents(target: str, given: Mapping[str, Any]) -> Iterator[Judged]:
    """Yield the document of each claim, once all of them have been read."""
    from derive.judges.claim import Court

    text, name = options.read_target(target, given)
    court = Court(text, given["shapes"], given["assume"], name=name)
    if not given["claims"]:
        raise UnsupportedError("there is no claim", hint='claim is a list, ["dX = dY @ W.T"]')
    for claim in given["claims"]:
        court.read(claim)
    for claim in given["claims"]:
        judgement, message = court.answer(claim, None)
        if judgement is None:
            raise LimitError(message)
        yield document(court, judgement, given)


def document(court: Court, judgement: Judgement, given: Mapping[str, Any]) -> Judged:
    """Return the document of a judgement, that of a proved claim with the derivation."""
    from derive.documents.check import Judged

    at, style = {**court.at, **given["at"]}, options.style(given)
    return Judged(court.case, judgement, given["shapes"], at, style)


# -- files -----------------------------------------------------------------------------------------


def _check_file(path: str, write: bool, as_json: bool, **given: Any) -> int:
    from derive.documents.check import check_file, write_documents
    from derive.documents.files import moved

    found: Counter[str] = Counter()
    folder, taken, written = Path(given["output"] or FOLDER), _Names(), 0
    beside: list[str] = []
    start = perf_counter()
    asked = {name: given[name] for name in ("jobs", "timeout", "formats")}
    if write:
        asked |= {"at": given["at"], "style": options.style(given), **options.setting(given)}
    with counting() as line:
        for answer in check_file(path, progress=line.say, **asked):
            line.wipe()
            found[answer.verdict] += 1
            _print(answer, None, as_json)
            if answer.documents:
                stem = taken.free(answer.id, answer.line or found.total())
                paths = write_documents(folder, stem, answer.documents)
                written += len(paths)
                beside += moved(paths, stem)
            line.write()
    if write:
        files = "told.wrote-one" if written == 1 else "told.wrote-files"
        for told in (*beside, messages.say(files, count=written, folder=folder)):
            say(told, err=as_json)
    counts = ", ".join(f"{found[v]:,} {translated(word(v))}" for v in MARKS if found[v])
    key = "told.identities-one" if found.total() == 1 else "told.identities"
    total = messages.say(key, count=found.total(), counts=counts)
    if sys.stderr.isatty():
        seconds = perf_counter() - start
        say(messages.say("told.in-seconds", what=total, seconds=seconds), err=True)
    elif not as_json:
        say(total)
    return status(found)


class _Names:
    """The names of files that are taken, told apart as by file systems that know no capitals."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def free(self, known: Any, line: int) -> str:
        """Return a name of its own for an identity: its id, made safe, or its line."""
        plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", str(known) if known is not None else "")
        stem = plain.strip(".-")[:80].rstrip(".-") or f"line-{line}"
        if RESERVED.fullmatch(stem):
            stem = f"{stem}-{line}"
        name, number = stem, 1
        while name.lower() in self.taken:
            number += 1
            name = f"{stem}-{number}"
        self.taken.add(name.lower())
        return name


#: Names that mean a device to Windows, whatever follows the point.
RESERVED = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


# -- one answer ------------------------------------------------------------------------------------


def _print(
    answer: Answer,
    claim: str | None,
    as_json: bool,
    assume: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    if as_json:
        say_json(answer.plain(), indent=None)
        return
    details = list(_details(answer))
    if assume and answer.verdict == "proved":
        what = ", ".join(f"{name} {', '.join(words)}" for name, words in assume.items())
        details.append(messages.say("told.assumed", what=what))
    tell_verdict(answer.verdict, _head(answer, claim), details)


def _head(answer: Answer, claim: str | None) -> str:
    """Return what an answer is about: the claim, with its identity where it comes from a file."""
    from derive.judges.judgement import scope_said

    judgement = answer.judgement
    text = claim if claim is not None else judgement.claim if judgement is not None else ""
    text = one_line(text)
    if claim is None:
        place = messages.say("told.line", line=answer.line) if answer.line else (
            messages.say("told.identity"))  # fmt: skip
        known = str(answer.id) if answer.id is not None else translated(place)
        text = f"{known}  {text}" if text else known
    # what is proved is proved there
    return f"{text}  ({translated(scope_said(judgement.where))})" if judgement else text


def _details(answer: Answer) -> Iterator[str]:
    """Yield everything that is known of an answer."""
    if answer.judgement is not None:
        yield from answer.judgement.lines()
    if answer.message:
        yield from translated(answer.message).split("\n")
