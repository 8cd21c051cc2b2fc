"""The subcommand that lists programs with a name, and the functions of the language.

A name enters or none; what leaves is a table of titles by topic, or all of one entry, its claims
judged. The law: what is said of an entry is read from its file.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from derive.catalogue import Entry, by_topic, load, names
from derive.command.options import command, option, targets
from derive.command.terminal import say, say_json, tell, tell_verdict, working
from derive.notation import messages
from derive.notation.messages import message, of_entry, translated


@command(
    click.argument("target", metavar="NAME", required=False, shell_complete=targets),
    option("--json", "as_json", is_flag=True, help="Print every entry with all that it holds."),
    option("--functions", is_flag=True, help="List the functions of the language instead."),
    name="list",
)
def catalogue(
    target: str | None,
    as_json: bool,
    functions: bool,
    catalogue: str | None,
    chosen: dict[str, str],
) -> int:
    """List the catalogue: programs that a name stands for; all of one entry with its NAME.

    The claims of an entry that is named are judged.
    """
    if functions:
        for kind, known in manual().items():
            say(f"{kind}: {' '.join(known) if '(' not in known[0] else ', '.join(known)}")
        return 0
    if target is not None:
        return _one(load(target, catalogue, chosen), as_json)
    entries = [load(name, catalogue) for name in names(catalogue)]
    if as_json:
        say_json([plain(entry) for those in by_topic(entries).values() for entry in those])
        return 0
    width = max(len(entry.name) for entry in entries)
    for number, (topic, those) in enumerate(by_topic(entries).items()):
        say(f"{chr(10) if number else ''}{translated(message(topic, f'topic.{topic}'))}")
        for entry in those:
            say(f"  {entry.name:<{width}}  {translated(of_entry(entry, 'title'))}")
    return 0


def plain(entry: Entry) -> dict[str, Any]:
    """Return all that an entry holds as plain values.

    >>> plain(load("affine"))["title"]
    'An affine layer: samples are rows'
    """
    found = {key: value for key, value in asdict(entry).items() if key != "file"}
    return {key: value for key, value in found.items() if value not in ("", (), {}, None)}


def _one(entry: Entry, as_json: bool) -> int:
    """Print all of an entry, its claims judged."""
    from derive.judges.entries import judged, opened

    with working():
        found = [judgement for _, judgement in judged(entry, opened(entry))]
    if as_json:
        say_json(plain(entry) | {"judged": [judgement.plain() for judgement in found]})
        return 0
    tell(_facts(entry))
    for judgement in found:
        details = [] if judgement.counterexample is None else [*judgement.counterexample.lines()]
        if entry.mistake and judgement.claim == entry.mistake.claim:
            details.insert(0, messages.say("told.mistake", why=of_entry(entry, "why")))
        tell_verdict(judgement.verdict, judgement.claim, details)
    return 0


def _facts(entry: Entry) -> list[tuple[str, str]]:
    """Return what an entry says, in two columns."""

    def each(said: Any) -> str:
        return ", ".join(f"{name} {' '.join(words)}" for name, words in said.items())

    column = messages.say
    lines = entry.program.replace("; ", "\n").splitlines()
    rows = [
        (entry.name, of_entry(entry, "title")),
        (column("list.about"), of_entry(entry, "about")),
        *(("" if number else column("list.program"), line) for number, line in enumerate(lines)),
        (column("list.at"), ", ".join(f"{dim} = {size}" for dim, size in entry.at.items())),
        (column("list.data"), ", ".join(entry.data)),
        (column("list.parameters"), ", ".join(entry.parameters)),
        (column("list.assumed"), each(entry.assume)),
        (column("list.numbers"), each(entry.numbers)),
        *((f"--{o}", ", ".join(values)) for o, values in entry.options.items()),
        (column("list.source"), entry.source),
    ]
    return [(left, right) for left, right in rows if right]


def manual() -> dict[str, list[str]]:
    """Return every function of the language, by what it is a function of.

    >>> manual()["several matrices, entry by entry"]
    ['leaky_relu(A, B)', 'where(A, B, C)', 'max(A, B)', 'min(A, B)']
    >>> manual()["a matrix, a row or a column, by axis"]
    ['sum', 'mean', 'prod', 'cumsum', 'max', 'min']
    """
    from derive.language.scope import BY_AXIS, FUNCTIONS
    from derive.ops import OPS

    found: tuple[list[str], ...] = ([], [], [], [], [])
    entrywise, several, by_axis, whole, shaped = found
    for name in FUNCTIONS:
        op = OPS[name]
        if name in BY_AXIS:
            by_axis.append(name)
        if op.takes_data and not op.axes:
            shaped.append(name)
        elif op.arity > 1:
            (several if op.derivatives else whole).append(f"{name}({', '.join('ABC'[: op.arity])})")
        elif op.derivatives:
            entrywise.append(name)
        elif name not in by_axis:
            whole.append(name)
    kinds = ("each entry", "several matrices, entry by entry",
             "a matrix, a row or a column, by axis", "a whole matrix", "a shape")  # fmt: skip
    return dict(zip(kinds, found, strict=True))
