"""The subcommands that judge claims and that print gradients alone."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from derive.command.options import ASSUME, FORMAT, SHAPES, assumptions, formats as formats_of, timed
from derive.command.target import escaped, read_target, say, shape, unbroken
from derive.expressions.errors import LimitError, UnsupportedError
from derive.expressions.limits import TIMEOUT, limited, seconds
from derive.notation.escape import one_line

if TYPE_CHECKING:
    from derive.judges.batch import Answer
    from derive.judges.claim import Counterexample, Court, Judgement

FOLDER = "output"
MARKS = {"proved": ("✓", "green"), "refuted": ("✗", "red"), "undecided": ("?", "yellow"),
         "error": ("!", "magenta")}  # fmt: skip


@click.command()
@click.argument("target", required=False)
@click.option("--claim", "claims", multiple=True, metavar="'dX = ...'", help="What is claimed.")
@SHAPES
@ASSUME
@click.option("--file", "path", metavar="FILE", help="Identities, .jsonl or .toml; - is stdin.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, help="Workers for a file.")
@click.option(
    "--timeout", type=float, default=TIMEOUT, show_default=True, metavar="S",
    help="Seconds that one claim may take; then it is undecided.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--write", is_flag=True, help="Write each judgement as a document.")
@click.option("-o", "--output", metavar="DIR", help="Folder to write to (output), with --write.")
@FORMAT
def check(target: str | None, **options: Any) -> int:
    """Judge claims about the gradients of TARGET, or every identity of a file.

    A claim is proved for every shape, refuted with a counterexample, or undecided. The exit status
    is 0 if all is proved, 1 if something is refuted, 2 if the input is wrong, 3 if something is
    undecided.
    """
    seconds(options["timeout"])
    if options["path"] is not None:
        if target is not None or options["claims"] or options["shapes"] or options["assumed"]:
            raise UnsupportedError("--file brings its own programs and claims; give no others")
        return _check_file(options["path"], formats_of(options), options)
    if target is None:
        raise UnsupportedError(
            "there is nothing to check",
            hint='write derive check "Y = X @ W" --claim "dX = ...", or --file identities.jsonl',
        )
    if not options["claims"]:
        raise UnsupportedError("there is no claim", hint='add --claim "dX = dY @ W.T"')
    return _check_claims(target, formats_of(options), options)


def _check_claims(target: str, formats: tuple[str, ...], options: dict[str, Any]) -> int:
    from derive.documents.files import reported
    from derive.judges.batch import Answer
    from derive.judges.claim import Court

    text, name = read_target(target)
    given = dict(shape(item) for item in options["shapes"])
    with limited(options["timeout"]):
        court = Court(text, given, assumptions(options["assumed"]), name=name)
        for claim in options["claims"]:  # what cannot be read is said before anything is judged
            court.read(claim)
    found: Counter[str] = Counter()
    written: list[str] = []
    for number, claim in enumerate(options["claims"], 1):
        start = perf_counter()
        verdict, judgement, message = court.judge(claim, options["timeout"])
        seconds = perf_counter() - start
        answer = Answer(number, verdict, 0, judgement, message, seconds)
        found[verdict] += 1
        _print(answer, claim, options["as_json"], court.assume)
        if options["write"] and judgement is not None:
            stem = _stem(court, claim)
            where = options | {"given": given, "at": court.at}
            try:
                with limited(options["timeout"]):
                    written += reported(_write(court, judgement, stem, formats, where), stem)
            except (LimitError, UnsupportedError) as error:
                say(f"there is no document: {error}", err=True)
    for line in written:
        say(line, err=options["as_json"])
    return status(found)


def status(found: Counter[str]) -> int:
    """Return the exit status: refuted before undecided before what could not be read."""
    for verdict, number in (("refuted", 1), ("undecided", 3), ("error", 2)):
        if found[verdict]:
            return number
    return 0


# -- documents -------------------------------------------------------------------------------------


def _stem(court: Court, claim: str) -> str:
    from derive.expressions.errors import ShapeError

    try:
        name = f"d{court.case.fitting(claim).read(claim)[0]}"
    except ShapeError:
        name = "claim"
    return f"{court.program.name}-check-{name}"


def _write(
    court: Court,
    judgement: Judgement,
    stem: str,
    formats: tuple[str, ...],
    options: dict[str, Any],
) -> list[Path]:
    from derive.documents.check import documents, write_documents

    given, at = options["given"], options["at"]
    texts = documents(court.case, judgement, formats=formats, shapes=given, at=at)
    return write_documents(options["output"] or FOLDER, stem, texts)


# -- files -----------------------------------------------------------------------------------------


def _check_file(path: str, formats: tuple[str, ...], options: dict[str, Any]) -> int:
    from derive.documents.check import check_file
    from derive.documents.files import reported

    found: Counter[str] = Counter()
    start, write, as_json = perf_counter(), options["write"], options["as_json"]
    folder, taken, count = Path(options["output"] or FOLDER), _Names(), 0
    beside: list[str] = []
    with _bar() as progress:
        answers = check_file(
            path,
            jobs=options["jobs"],
            timeout=options["timeout"],
            progress=progress,
            formats=formats if write else (),
        )
        for answer in answers:
            found[answer.verdict] += 1
            _print(answer, None, as_json)
            if answer.documents:
                from derive.documents.check import write_documents

                stem = taken.free(answer.id, answer.line or sum(found.values()))
                paths = write_documents(folder, stem, answer.documents)
                count += len(paths)
                beside += [line for line in reported(paths, stem) if not line.startswith("wrote")]
    if write:
        for line in beside:
            say(line, err=as_json)
        plural = "file" if count == 1 else "files"
        say(f"wrote {count} {plural} to {folder}", err=as_json)
    _summary(found, perf_counter() - start, options["as_json"])
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


@contextmanager
def _bar() -> Iterator[Any]:
    """Show how much of a file has been read, on a terminal alone."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking", total=1.0)
        yield lambda part: bar.update(task, completed=part)


def _summary(found: Counter[str], seconds: float, as_json: bool) -> None:
    from derive.judges.batch import VERDICTS

    total = sum(found.values())
    if not sys.stderr.isatty():
        if not as_json:
            counts = ", ".join(f"{found[v]} {v}" for v in VERDICTS if found[v])
            plural = "identity" if total == 1 else "identities"
            say(f"{total} {plural}: {counts}")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for verdict in VERDICTS:
        if found[verdict]:
            mark, colour = MARKS[verdict]
            table.add_row(f"[{colour}]{mark} {verdict}[/{colour}]", f"{found[verdict]:,}")
    table.add_row("identities", f"{total:,}")
    table.add_row("seconds", f"{seconds:.2f}")
    Console(stderr=True, highlight=False).print(table)


# -- one answer ------------------------------------------------------------------------------------


def _print(
    answer: Answer,
    claim: str | None,
    as_json: bool,
    assume: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    if as_json:
        import json

        say(json.dumps(answer.plain(), ensure_ascii=False, default=str))
        return
    head, *details = lines(answer, claim)
    if assume and answer.verdict == "proved":
        details.append("assumed: " + ", ".join(f"{n} {', '.join(w)}" for n, w in assume.items()))
    if not sys.stdout.isatty():
        say(f"{answer.verdict:<10}{unbroken(head)}")
        for line in details:
            say(f"{'':10}{unbroken(line)}")
        return
    from rich.console import Console

    mark, colour = MARKS[answer.verdict]
    console = Console(highlight=False)
    shown = escaped(unbroken(head))
    console.print(f"[{colour}]{mark} {answer.verdict:<10}[/{colour}]{shown}", soft_wrap=True)
    for line in details:
        console.print(f"{'':12}[dim]{escaped(unbroken(line))}[/dim]", soft_wrap=True)


def lines(answer: Answer, claim: str | None = None) -> list[str]:
    """Return what is said of an answer: what it is about, then everything that is known of it."""
    judgement = answer.judgement
    text = claim if claim is not None else judgement.claim if judgement is not None else ""
    text = one_line(text)
    if claim is None:
        place = f"line {answer.line}" if answer.line else "an identity"
        known = str(answer.id) if answer.id is not None else place
        text = f"{known}  {text}" if text else known
    found = [text]
    if judgement is not None:
        if judgement.verdict == "proved":
            found[0] += f"  ({judgement.scope})"
        found += [f"where {condition}" for condition in judgement.conditions
                  if judgement.verdict == "proved"]  # fmt: skip
        found += [f"inside the claim {name} stands for {meant}"
                  for name, meant in judgement.meanings.items()]  # fmt: skip
        found += [judgement.reason] if judgement.reason else []
        if judgement.counterexample is not None:
            found += _counterexample(judgement.counterexample)
        if judgement.diagnosis:
            found.append(judgement.diagnosis)
        elif judgement.verdict == "refuted" and judgement.truth:
            found.append(f"true is {judgement.truth}")
        found += [f"it is true {judgement.holds}"] if judgement.holds else []
    found += answer.message.split("\n") if answer.message else []
    return found


def _counterexample(found: Counterexample) -> list[str]:
    from derive.circuits.points import is_rounded

    sizes = ", ".join(f"{dim} = {k}" for dim, k in found.sizes.items())
    values = ", ".join(
        f"{name} = " + (rows[0][0] if len(rows) == len(rows[0]) == 1 else _table(rows))
        for name, rows in found.values.items()
    )
    expected, claimed = (
        f"about {x}" if is_rounded(x) else x for x in (found.expected, found.claimed)
    )
    told = f"is {expected}, the claim says {claimed}"
    if not sizes:  # a program of scalars
        return [f"at {values}", f"{found.name} {told}"]
    i, j = found.entry
    place = f"{i}{j}" if max(i, j) < 10 else f"{i},{j}"
    return [f"at {sizes}: {values}", f"{found.name}_{place} {told}"]


def _table(rows: list[list[str]]) -> str:
    return "[" + ", ".join("[" + ", ".join(row) + "]" for row in rows) + "]"


# -- gradients -------------------------------------------------------------------------------------


@click.command()
@click.argument("target")
@click.option("--wrt", metavar="X,W", help="Variables to differentiate by; all inputs by default.")
@SHAPES
@ASSUME
@click.option("--latex", "as_latex", is_flag=True, help="Formulas in LaTeX.")
@click.option("--code", metavar="numpy|torch|jax", help="A Python function that computes them.")
@click.option("--json", "as_json", is_flag=True, help="The gradients as one JSON object.")
@timed
def gradient(target: str, **options: Any) -> int:
    """Print the gradients of TARGET alone, each proved first."""
    if sum((options["as_latex"], options["as_json"], options["code"] is not None)) > 1:
        raise UnsupportedError("choose one of --latex, --code and --json")
    from derive.bridges.code import library, to_code
    from derive.documents.pipeline import prove

    if options["code"] is not None:
        library(options["code"])
    text, name = read_target(target)
    wrt = options["wrt"]
    proof = prove(
        text,
        dict(shape(item) for item in options["shapes"]),
        wrt=tuple(word.strip() for word in wrt.split(",")) if wrt is not None else None,
        assume=assumptions(options["assumed"]),
        detail="brief",
        name=name,
    )
    if options["code"] is not None:
        say(to_code(proof, options["code"]), nl=False)
    elif options["as_json"]:
        import json

        where = {"where": proof.hypotheses} if proof.hypotheses else {}  # no name is `where`
        say(json.dumps({**proof.gradients, **where}, ensure_ascii=False))
    elif options["as_latex"]:
        from derive.notation.latex import latex
        from derive.notation.mathematics import Notation

        notation = Notation(proof.derivation, proof.style)
        for variable, value in proof.derivation.gradients.items():
            left = latex(notation.leaf(f"d{variable}"))
            say(f"{left} = {latex(notation.expr(value))}")
        for hypothesis in proof.hypotheses:
            say(f"% where {hypothesis}")
    else:
        for variable, formula in proof.gradients.items():
            say(f"d{variable} = {formula}")
        for hypothesis in proof.hypotheses:
            say(f"  where {hypothesis}")
    return 0
