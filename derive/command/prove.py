"""The subcommand that proves gradients and writes the proof down."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from derive.command import options
from derive.command.delivery import Progress, Told, deliver
from derive.command.options import option
from derive.notation.messages import say

if TYPE_CHECKING:
    from derive.documents.pipeline import Proof, Recurrence


@options.subcommand(
    options.SHAPES,
    options.WRT,
    options.DATA,
    options.ASSUME,
    *options.writing(*options.TEXTS),
    option("--detail", type=click.Choice(["full", "lecture", "one", "brief"]),
           show_default="lecture for several statements, full for one",
           help="All entries worked; each lemma once; one entry worked; or no entries."),
    option("--max-entries", type=click.IntRange(min=1), default=1_000_000,
           help="A document with more entries is refused."),
)  # fmt: skip
def prove(target: str, **given: Any) -> int:
    """Prove the gradients of TARGET: a program's text, a file, or a name of the catalogue."""

    return deliver(given, partial(document, target, given), _told)


def document(target: str, given: Mapping[str, Any], progress: Progress | None = None) -> Proof:
    """Return the proof that the command's options ask for."""
    from derive.documents.pipeline import prove as derived

    asked = options.asked(target, given, "at", "wrt", "assume", "data", "detail", "max_entries")
    return derived(**asked, style=options.style(given, elide=6), progress=progress)


def _told(proof: Proof) -> Told:
    """Return what the theorem says, as mathematics and as code, and how it was checked."""
    from derive.documents.pipeline import Recurrence
    from derive.notation.mathematics import Notation
    from derive.notation.text import text

    if isinstance(proof, Recurrence):
        return _told_of_layers(proof)
    derivation = proof.derivation
    notation = Notation(derivation, proof.style)
    own = [s for s in derivation.program.statements if s.name in derivation.program.parts]
    said = {**{s.name: s.expr for s in own}, **dict(proof.lines)}
    gradients = {f"d{name}": line for name, line in proof.gradients.items()}
    written = {**dict(proof.statements), **gradients}
    rows = [
        (f"{text(notation.leaf(name))} = {text(notation.expr(said[name]))}", f"{name} = {line}")
        for name, line in written.items()
    ]
    program, steps, equations = derivation.program, len(proof.steps), len(derivation.numbers())
    checked = [
        say("told.steps", steps=steps, equations=equations),
        *(say("told.stands-for", name=text(notation.leaf(s.name)), meant=program.written(s.expr))
          for s in own if s.name not in written),
    ]  # fmt: skip
    assumed = [f"{name} {', '.join(sorted(words))}" for name, words in derivation.assumed.items()]
    checked += [say("told.assumed", what=", ".join(assumed))] if assumed else []
    digits = min((a.digits for a in derivation.agreements), default=None)
    if digits is not None:
        checked.append(say("told.differences", digits=digits))
    return rows, checked


def _told_of_layers(proof: Recurrence) -> Told:
    """Return each gradient of a layer as mathematics and as text, and how it was checked."""
    from derive.notation.text import text

    said = zip(proof.formulas(), proof.gradients.items(), strict=True)
    recursion, unrolled = proof.induction.recursion, proof.induction.unrolled
    count = sum(len(one.gradients) for one in unrolled)
    layers = ", ".join(str(one.layers) for one in unrolled)
    return [
        (f"{text(left)} = {text(right)}", f"d{name} = {formula}")
        for (left, right), (name, formula) in said
    ], [
        say("told.every", count=recursion.count, index=recursion.index),
        say("told.layer-steps", steps=len(proof.steps)),
        say("told.unrolled", gradients=count, layers=layers),
    ]
