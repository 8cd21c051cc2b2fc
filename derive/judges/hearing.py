"""One claim in one case: proved, refuted by a counterexample, or undecided, and why.

What enters are a case and a claim that could be read in it, what leaves is a judgement. Most claims
are proved while intermediates are atoms; one that fails at a point is not carried through to the
end; what neither decides is judged at sizes. The law: without a counterexample, or a residue that
differs, nothing is called refuted but for its shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial, reduce
from typing import TYPE_CHECKING

from derive.algebra.forms import MOST_STEPS, PART, TooLarge, Undefined
from derive.circuits.points import PLEASANT
from derive.expressions.errors import DeriveError, UnsupportedError
from derive.expressions.limits import during
from derive.expressions.shape import same_number
from derive.judges.case import Case, Claim
from derive.judges.judgement import Counterexample, Judgement
from derive.judges.meant import meant, true_where
from derive.judges.proofs import MOST_ENTRIES, equal_at
from derive.judges.refutation import SEEDS, Sizes
from derive.language.assumptions import obeying, unmet
from derive.notation.messages import Message, hypothesis, say
from derive.proof.sizes import asked
from derive.proof.verdict import (
    EVERY_SHAPE,
    PROVED,
    REFUTED,
    SMALLER_SIZES,
    UNDECIDED,
    Road,
    Scope,
    in_words,
)
from derive.readings.base import Table

if TYPE_CHECKING:
    from derive.judges.modular import Outcome


def heard(case: Case, claim: Claim, stand: Callable[[Judgement], None]) -> Judgement:
    """Return what becomes of a claim; what is refuted `stand`s while the reasons are sought."""
    return _Hearing(case, claim, stand).judgement()


class _Hearing:
    """A claim before its judges."""

    def __init__(self, case: Case, claim: Claim, stand: Callable[[Judgement], None]):
        self.case, self.claim, self.stand = case, claim, stand
        self.name, self.expr = claim.name, claim.expr
        self.asks = [hypothesis(c, case.program.written) for c in case.conditions(claim)]
        self.found = partial(
            Judgement, claim.text, meanings=dict(claim.meanings),
            conditions=self._each_once(asked(case.program, claim.expr)),
        )  # fmt: skip

    def _each_once(self, relations: tuple) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*map(str, relations), *self.asks]))

    @property
    def true(self) -> str:
        return self.case.told(self.name)

    def undecided(self, road: Road, reason: str) -> Judgement:
        return self.found(UNDECIDED, road=road, reason=reason, truth=self.true)

    def judgement(self) -> Judgement:
        if self.case.misfit(self.claim):
            return self.of_another_shape()
        if reason := self.unmet():
            return self.undecided(Road.NO_POINTS, reason)
        try:
            road = self.road()
            why = say("forms-differ")
        except TooLarge:
            road, why = None, say("too-large")
        except Undefined:
            road, why = None, say("divides-by-zero")
        except UnsupportedError as error:
            road, why = None, error.message  # type: ignore[assignment]
        if road:
            relations = self.case.relations(self.claim)
            if relations is None:
                return self.undecided(Road.FORMS, say("no-point"))
            return self.found(
                PROVED, EVERY_SHAPE, road, self.case.formulas.says(self.name, self.expr),
                conditions=self._each_once(relations),
            )  # fmt: skip
        found = self.case.points.refute(self.name, self.expr)
        return self.at_sizes(why) if found is None else self.refuted(found)

    def of_another_shape(self) -> Judgement:
        case, shape = self.case, self.case.program.leaves[self.name].shape
        own, other = (x.at(case.program.sizes) for x in (shape, self.expr.shape))
        reason = say("another-shape", name=self.name, own=own, other=other)
        if all(map(same_number, self.expr.shape.dims, shape.dims)):
            return self.undecided(Road.SHAPES, say("order-of-entries", why=reason))
        refuted = self.found(REFUTED, EVERY_SHAPE, Road.SHAPES, self.true, reason=reason)
        self.stand(refuted)
        merged, claim = case.fitting(self.claim.text)
        if merged is not case and claim and not merged.misfit(claim):
            found = merged.points.refute(claim.name, claim.expr)
            if found is not None:  # where dimensions are equal its numbers are wrong as well
                reason = false_where_it_fits(merged, reason)
                refuted = replace(refuted, reason=reason, counterexample=in_own(merged, found))
                self.stand(refuted)
        return replace(refuted, diagnosis=meant(case, self.claim))

    def unmet(self) -> str:
        """That nothing obeys what is assumed, at any of a few sizes; empty where something does."""
        for leaf, words in self.case.assumed.items():
            shape = self.case.program.leaves[leaf].shape
            for numbers in ((1,), (2,), (2, 3, 4), (3, 2)):
                extents = shape.extents(self.case.points.sized(numbers))
                if obeying(Table.of(extents, lambda *place: Fraction(1)), words) is not None:
                    break
            else:
                return unmet(leaf, words)
        return ""

    def road(self) -> Road | None:
        """Return by which road a claim is proved, if it is.

        Most claims that are true are seen to be so while intermediates are atoms, at less cost than
        a point.
        """
        case, name, expr = self.case, self.name, self.expr
        in_parts, failed = case.in_parts, None
        steps = case.proofs.comparisons(name, expr, PART if in_parts else MOST_STEPS)
        try:
            if next(steps):
                return Road.FORMS
            if case.points.looks_false(name, expr):
                return None
            if any(steps):
                return Road.FORMS
        except (TooLarge, Undefined) as error:
            failed = error
        if in_parts and case.points.looks_false(name, expr):
            return None
        if any(part.is_proved_in_parts(name, expr) for part in in_parts):
            return Road.IN_PARTS
        if failed is not None:
            raise failed
        return Road.FORMS if in_parts and case.proves(name, expr) else None

    def refuted(self, point: Counterexample) -> Judgement:
        case = self.case
        known = case.points.is_true_there(self.name, case.truth(self.name), point)
        found = in_own(case, point)
        refuted = self.found(
            REFUTED, SMALLER_SIZES if found.sizes and not found.said else Scope.at(found.said),
            found.road, self.true if known else "", counterexample=found,
        )  # fmt: skip
        self.stand(refuted)
        diagnosis = meant(case, self.claim) if refuted.truth else ""
        return replace(refuted, diagnosis=diagnosis, holds=true_where(case, self.claim, found))

    @during("at-sizes")
    def at_sizes(self, why: str) -> Judgement:
        """Judge what neither normal forms nor points decide, by judges who know sizes alone."""
        case, name, expr = self.case, self.name, self.expr
        sizes, small = case.points.at((4, 5, 6)), case.points.at((2, 3))
        outcome = self._modulo(sizes)
        differs = outcome is not None and not outcome.agrees
        seeds = range(SEEDS) if differs else range(PLEASANT, PLEASANT + SEEDS * (outcome is None))
        tried = (case.points.difference(name, expr, sizes, seed) for seed in seeds)
        found = next((in_own(case, point) for point in tried if point), None)
        if differs or found:
            return self.found(
                REFUTED, Scope.at(sizes), Road.MODULO if differs or not found else found.road,
                self.true, counterexample=found,
                reason="" if found or not outcome else say("differ-modulo", prime=outcome.prime),
            )  # fmt: skip
        written = equal_at(case.formulas, case.assumed, name, expr, small)
        written = written and case.relations(self.claim) is not None
        if written and small == dict(case.program.sizes):
            where = Scope.at(small) if small else EVERY_SHAPE
            return self.found(PROVED, where, Road.WRITTEN, self.true)
        agreed: list[str] = [why]
        if written:
            told = {"sizes": in_words(small)}
            agreed.append(say("equal-at", **told) if small else say("equal-written"))
        if outcome is not None:
            told, chance = {"sizes": in_words(sizes)}, float(outcome.bound)
            agreed.append(say("agree-modulo-at", **told, chance=chance) if sizes
                          else say("agree-modulo", chance=chance))  # fmt: skip
        if len(agreed) == 1 and (digits := case.points.digits(name, expr)):
            agreed.append(say("agree-to", digits=digits))
        return self.undecided(Road.OPEN, reduce(partial(say, "also"), agreed))

    def _modulo(self, sizes: Sizes) -> Outcome | None:
        """Return what one point modulo a prime says, `None` where that judge does not serve."""
        from derive.judges.modular import agrees_modulo

        case = self.case
        if any(k > MOST_ENTRIES for k in sizes.values()):
            return None
        try:
            return agrees_modulo(case.program, self.name, self.expr, sizes, assume=case.assumed)
        except DeriveError:
            return None


def in_own(case: Case, found: Counterexample) -> Counterexample:
    """Return a counterexample with a size for every dimension, the equal ones too."""
    program = case.apart.program
    sizes = {dim: found.sizes[case.merged.get(dim, dim)] for dim in program.dims}
    return replace(found, sizes=sizes, unsaid=frozenset(program.sizes))


def false_where_it_fits(case: Case, why: str) -> Message:
    """Return why a claim is refuted that fits where dimensions are equal alone, in words that the
    user gave: none for a dimension that is a number."""
    merged = {*case.merged, *case.merged.values()}
    if merged & case.apart.program.sizes.keys():
        return say("false-where-fits", why=why)
    return say("false-where-equal", why=why, equal=list(case.equalities))
