"""Entries of a catalogue at the door: somebody else's is read and judged before it is used.

A name or a file enters, an `Entry` leaves. The law: an entry of whose claims one is false, or whose
usual mistake is none, is refused with the reason; ours have been judged by the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.catalogue import Entry, load, opened as read
from derive.expressions.errors import DeriveError, ProofError, ShapeError, UnsupportedError
from derive.expressions.limits import TIMEOUT, limited
from derive.language.assumptions import assumed
from derive.proof.verdict import PROVED, REFUTED

if TYPE_CHECKING:
    from derive.judges.claim import Court
    from derive.judges.judgement import Judgement


def entry(
    name: str,
    *,
    catalogue: str | Path | None = None,
    timeout: float | None = TIMEOUT,
    **options: Any,
) -> Entry:
    """Return an entry of the catalogue, with what is chosen among its options.

    >>> found = entry("affine")
    >>> found.title, found.claims[0]
    ('An affine layer: samples are rows', 'dX = dY @ W.T')

    Every function that takes a program takes an entry. `name` may be the path of a file that ends
    in .toml, `catalogue` is a folder of such files beside ours. Raises `ParseError` for a malformed
    entry, `ProofError` where a claim of it is false, and `UnsupportedError` for a name, an option
    or a value that is not there.
    """
    choice = {option: _written(value) for option, value in options.items()}
    found = load(name, catalogue, choice)
    if found.file.foreign:
        with limited(timeout):
            court = opened(found)
            for _ in judged(found, court, timeout):
                pass
    return found


def _written(value: Any) -> str:
    """Return what is chosen as text: several numbers are written 4,5,3."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def opened(entry: Entry) -> Court:
    """Return the court in which an entry's claims are judged, its marks and sizes checked.

    Raises the errors of what it says, each with its place in the file.
    """
    from derive.judges.claim import Court

    part, key = entry.program, "program"
    try:
        program, _ = read(entry, layer=True)
        key = "assume"
        assumed(program, entry.assuming(None, numbers=True))
        for key, known, names in (
            ("data", program.inputs, entry.data),
            ("parameters", program.inputs, entry.parameters),
            ("at", program.dims, entry.at),
        ):
            for name in names:
                if name not in known:
                    raise UnsupportedError(
                        f"{key} has {name}, and the program has {', '.join(known) or 'none'}"
                    )
        court, key = Court(entry), "claims"
        for part in claims(entry):
            court.read(part)
    except DeriveError as error:
        if isinstance(error, ShapeError) and key == "claims" and error.clash is not None:
            return court  # a claim that does not fit is judged
        raise entry.file.blame(error, part if key in ("program", "claims") else "", key) from None
    return court


def claims(entry: Entry) -> list[str]:
    """Return the claims of an entry, the usual mistake last."""
    return [*entry.claims, *([entry.mistake.claim] if entry.mistake else [])]


def judged(
    entry: Entry, court: Court, timeout: float | None = None
) -> Iterator[tuple[str, Judgement]]:
    """Yield each claim with its judgement.

    Raises `ProofError` where a claim is refuted, and where what is called a mistake is proved.
    """
    for claim in claims(entry):
        found = court.judgement(claim, timeout)
        is_mistake = claim not in entry.claims
        if found.verdict == REFUTED and not is_mistake:
            raise entry.file.blame(_false(claim, found), claim, "claims")
        if found.verdict == PROVED and is_mistake:
            error = ProofError(f"what is called a mistake is true: {claim}", refuted=True)
            raise entry.file.blame(error, claim, "mistake")
        yield claim, found


def _false(claim: str, found: Judgement) -> ProofError:
    shown = found.counterexample
    why = ", ".join(shown.lines()) if shown is not None else found.reason
    hint = found.diagnosis or (f"true is {found.truth}" if found.truth else None)
    return ProofError(f"the claim {claim} is false: {why}", refuted=True, hint=hint)
