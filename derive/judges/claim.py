"""Somebody else's identity: proved, refuted with a counterexample, or undecided.

A claim `dX = ...` is held against the *definition* of the gradient, the chain rule over derivatives
of normal forms; our own gradient rules are not asked. A claim that does not fit is judged where it
does: at the sizes that the user gave, or where dimensions are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from derive.catalogue import Entry, opened
from derive.expressions.errors import DeriveError, ShapeError
from derive.expressions.limits import JUDGED, TIMEOUT, TimeUp, at_work, limited, stage, within
from derive.expressions.program import Program
from derive.expressions.shape import same_number
from derive.judges.case import Case
from derive.judges.hearing import false_where_it_fits, heard
from derive.judges.judgement import Counterexample, Judgement, scope_said
from derive.language.assumptions import Assumptions
from derive.language.parse import Shapes
from derive.notation.messages import Message, message, say
from derive.proof.verdict import (
    EVERY_SHAPE,
    GIVEN_SIZES,
    PROVED,
    REFUTED,
    SCALARS,
    UNDECIDED,
    Road,
    Scope,
)


def check(
    program: str | Program | Entry,
    claims: str | Sequence[str],
    shapes: Shapes | None = None,
    *,
    assume: Assumptions | None = None,
    timeout: float | None = TIMEOUT,
) -> list[Judgement]:
    """Judge claims about a program's gradients.

    >>> text = "a: (n, 1); b: (m, 1); X: (n, m); L = a.T @ X @ b"
    >>> [j.verdict for j in check(text, ["dX = a @ b.T", "dX = 2 * a @ b.T"])]
    ['proved', 'refuted']

    A judgement is true in a condition where its claim is proved, and only there. `program` is a
    text or a name of the catalogue, `timeout` the seconds that each claim may take before it is
    undecided. Raises `ParseError` or `ShapeError` where the program or a claim cannot be read.
    """
    texts = [claims] if isinstance(claims, str) else claims
    with limited(timeout):
        court = Court(program, shapes, assume)
        for text in texts:
            court.read(text)
    return [court.judgement(text, timeout) for text in texts]


class Court:
    """A program about which claims are judged, under assumptions and a time limit."""

    def __init__(
        self,
        program: str | Program | Entry,
        shapes: Mapping[str, Any] | None = None,
        assume: Assumptions | None = None,
        *,
        name: str = "",
    ):
        given = dict(shapes or {})
        self.program, entry = opened(program, given, name, assume or (), layer=True)
        self.at = dict(entry.at)
        self.assume = entry.assuming(assume)
        self.case = Case(self.program, self.assume)
        #: What is refuted already while the reasons are still looked for.
        self.standing: Judgement | None = None

    def read(self, claim: str) -> None:
        """Raise the error of a claim that cannot be read; one that does not fit can be."""
        try:
            self.case.read(claim)
        except ShapeError as error:
            if error.clash is None:
                raise

    def answer(
        self, claim: str, timeout: float | None = None, *, told: float | None = None
    ) -> tuple[Judgement | None, str]:
        """Return the judgement where there is one, and a message where it was not finished.

        `told` is the time limit that the message speaks of, where the reading had a part of it.
        What fails after a claim has been read is no fault of the claim: it is undecided, or stays
        refuted where only the reasons were still sought.
        """
        found: str
        try:
            with within(timeout):
                return self.judge(claim), ""
        except TimeUp as error:
            self.case = Case(self.program, self.assume)  # the old one may be in pieces
            found = stopped(error, told or timeout)
        except DeriveError as error:
            found = str(error)
        except RecursionError:
            found = say("too-deep")
        except MemoryError:
            found = say("no-memory")
        return self.standing and replace(self.standing, assumed=self.assume), found

    def judgement(self, claim: str, timeout: float | None = None) -> Judgement:
        """Return the judgement of a claim, an undecided one where there is no other."""
        found, why = self.answer(claim, timeout)
        return Judgement(claim, UNDECIDED, reason=why) if found is None else found

    def judge(self, text: str) -> Judgement:
        """Return the judgement of one claim."""
        start, self.standing = perf_counter(), None
        found = self._judged(text)
        return replace(found, seconds=perf_counter() - start, assumed=self.assume)

    def _judged(self, text: str) -> Judgement:
        try:
            claim = self.case.read(text)
        except ShapeError as error:
            if error.clash is None:
                raise
            if same_number(*error.clash):
                return _of_another_order(text, error)
            found = self._in_numbers(text)
            return self._ill_shaped(text, error) if found is None else found
        misfit = self.case.misfit(claim)
        found = self._in_numbers(text) if misfit else None
        if found is not None:
            return found
        found = heard(self.case, claim, self._stand)
        if found.verdict == PROVED or misfit or self.case.in_numbers is None:
            return found
        self.standing = None  # it may be true at the sizes that were given
        numbers = self._in_numbers(text)
        return found if numbers is None else numbers

    def _stand(self, refuted: Judgement) -> None:
        self.standing = refuted

    def _in_numbers(self, text: str) -> Judgement | None:
        """Judge a claim at the sizes that the user gave as numbers, where it fits there."""
        case = self.case.in_numbers
        claim = case.reads(text) if case is not None else None
        if case is None or claim is None:
            return None
        found = heard(case, claim, self._stand)
        if found.verdict != PROVED:
            return replace(found, where=GIVEN_SIZES) if found.where == SCALARS else found
        sizes = found.where.sizes if found.where else ()
        return replace(found, where=GIVEN_SIZES._replace(sizes=sizes))

    def _ill_shaped(self, text: str, error: ShapeError) -> Judgement:
        """Judge a claim that does not fit for every shape where it does: at equal dimensions."""
        case: Case | None = self.case
        while case and (case := case.merging(error)):
            try:
                claim = case.read(text)
            except ShapeError as again:
                if again.clash and same_number(*again.clash):
                    return _of_another_order(text, again)
                error = again
                continue
            found = heard(case, claim, self._stand)
            numbers = self.program.sizes.keys() & {*case.merged, *case.merged.values()}
            if all(self._same_size(pair) for pair in case.merged.items()):  # there it fits
                return replace(found, where=GIVEN_SIZES) if found.verdict == PROVED else found
            if found.verdict != PROVED:
                reason = self._misfit(text) or why(error)
                holds = "" if numbers else found.holds  # numbers that differ are nowhere equal
                return replace(found, reason=false_where_it_fits(case, reason), holds=holds)
            if numbers:
                break
            where = Scope("where-equal", equal=tuple(case.equalities))
            return replace(
                found, verdict=REFUTED, where=where, truth=case.told(claim.name),
                reason=why(error), holds=scope_said(where),
            )  # fmt: skip
        reason = self._misfit(text) or why(error)
        return Judgement(text, REFUTED, EVERY_SHAPE, Road.SHAPES, reason=reason)

    def _misfit(self, text: str) -> str:
        """Return what does not fit at the sizes that the user gave as numbers, in these."""
        try:
            if self.program.sizes:
                Case(self.program.with_numbers(), self.assume).read(text)
        except ShapeError as error:
            return why(error)
        return ""

    def _same_size(self, pair: tuple[str, str]) -> bool:
        """Whether the user gave two dimensions as the same number."""
        first, second = (self.program.sizes.get(dim) for dim in pair)
        return first is not None and first == second


def stopped(error: TimeUp, seconds: float | None) -> Message:
    """Return that the time of a judgement was over, and at what work."""
    doing = message(stage(error, JUDGED), f"stages.{at_work(error) or 'judging'}")
    return say("stopped", seconds=seconds, stage=doing)


def why(error: ShapeError) -> str:
    """Return what does not fit, as a message where another language may say it."""
    key, *about = error.told or ("shapes", *(error.clash or ()))
    return message(error.message, f"errors.{key}", *about) if about else error.message


def _of_another_order(text: str, error: ShapeError) -> Judgement:
    """Judge a claim with a sum such as vec(A) + vec(B.T): NumPy adds n * m to m * n entries."""
    reason = say("another-order", why=why(error))
    return Judgement(text, UNDECIDED, road=Road.SHAPES, reason=reason)


__all__ = ["Counterexample", "Court", "Judgement", "check", "stopped"]
