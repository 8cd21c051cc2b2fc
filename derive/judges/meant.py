"""What the author of a false claim may have meant, and where it is true all the same.

What enters is a claim that is refuted, what leaves is the slip that was made, or the assumption and
the sizes under which the claim holds. The law: what is offered has been proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import islice

from derive.algebra.forms import PART
from derive.calculus.simplify import simplify
from derive.circuits.points import close
from derive.expressions.errors import DeriveError
from derive.expressions.expr import Condition, Expr, number, unrepeated
from derive.expressions.limits import during
from derive.expressions.program import with_dims
from derive.judges.case import Case, Claim
from derive.judges.judgement import Counterexample
from derive.judges.proofs import names_in
from derive.judges.slips import brief, forgotten, repairs
from derive.language.assumptions import TABLE, broken, implied
from derive.notation.messages import message, say

Matrix = list[list[Fraction]]
#: So many variants of a false claim are looked at, and so many are tried to be proved.
MOST_VARIANTS, MOST_TRIALS = 1000, 4
#: What is usually assumed of an input and not said, the weakest first.
USUAL = ("symmetric", "row-stochastic", "positive", "binary", "sign", "one-hot-rows")


@during("guessing")
def meant(case: Case, claim: Claim) -> str:
    """Return the nearest true variant of a false claim, in words; it is proved first."""
    name, expr = claim.name, claim.expr
    truth, shape = case.truth(name), case.program.leaves[name].shape
    screens, trials = case.points.screens(name), MOST_TRIALS
    true = case.told(name)
    for kind, about, variant in islice(repairs(expr, shape, case.program.dims), MOST_VARIANTS):
        if trials and screens and all(screen.is_gradient(variant) for screen in screens):
            trials -= 1
            if case.is_proved(name, variant, PART) and _asks_no_more(case, claim, variant):
                if case.apart is case:
                    true = case.formulas.says(name, simplify(variant)[0])
                return say("meant", truth=true, slip=say(kind, *map(brief, about)))
    claimed = [screen.along(expr) for screen in screens] if expr.shape == shape else []
    for kind, about, variant in islice(forgotten(truth, shape), MOST_VARIANTS):
        pairs = zip(screens, claimed, strict=False)
        if trials and claimed and all(close(s.along(variant), along) for s, along in pairs):
            trials -= 1
            if case.is_proved(name, truth + (expr - variant), PART):
                return say("meant", truth=true, slip=say(kind, *map(brief, about)))
    given = (*case.program.inputs, f"d{case.program.output}") if expr.shape == shape else ()
    for leaf in given:
        rows, cols = case.formulas.leaf(leaf).shape.dims
        if rows != cols or rows == 1 or case.points.fails(name, expr, leaf, "symmetric"):
            continue
        if case.supposing(leaf, "symmetric").is_proved(name, expr):
            return say("meant", truth=true, slip=say("takes-symmetric", leaf))
    return ""


def _asks_no_more(case: Case, claim: Claim, variant: Expr) -> bool:
    """Whether a variant is what was meant wherever the gradient is there: Z > 0 is 1 where Z is
    positive, and is not the gradient of Z."""
    asked, also = (
        {_kind(c) for c in case.conditions(one)} for one in (claim, claim._replace(expr=variant))
    )
    return also <= asked


def _kind(condition: Condition) -> tuple[str, frozenset[Expr]]:
    """Return a hypothesis whichever way round it is written: x ≠ 0 is that x and 0 differ."""
    zero = condition.kind == "nonzero"
    args = [*map(unrepeated, condition.args), *[number(0)] * zero]
    return "distinct" if zero else condition.kind, frozenset(args)


@during("restricting")
def true_where(case: Case, claim: Claim, found: Counterexample) -> str:
    """Return where a false claim is true all the same, proved: why its author believed it.

    Nothing is said of which the counterexample is a case.
    """
    name, expr, dims = claim.name, claim.expr, case.program.dims
    values = {
        leaf: [[Fraction(x) for x in line] for line in rows] for leaf, rows in found.values.items()
    }
    for leaf, word in _usual(case, name, expr, values):
        if case.supposing(leaf, word).is_proved(name, expr):
            what = message(TABLE[word].says.format(leaf), f"where.{word}", leaf)
            return say("where-assumed", what=what, of=leaf, word=word)
    trials: list[tuple[tuple[str, ...], str]]
    trials = [((dim,), say("where-one", dim=dim)) for dim in dims]
    if len(dims) > 1:
        trials.append((dims, say("where-all-one")))
    for gone, words in trials:
        sizes = case.points.sized((2, 3, 4), ones=gone)
        if not sizes or all(found.sizes[dim] == 1 for dim in gone):
            continue
        screen = case.points.screen(name, sizes)
        if screen and screen.is_gradient(expr) and _is_proved_at_one(case, claim, gone):
            return words
    return ""


def _is_proved_at_one(case: Case, claim: Claim, gone: tuple[str, ...]) -> bool:
    try:
        return case.at_one(gone).is_proved(
            claim.name, with_dims(claim.expr, dict.fromkeys(gone, 1))
        )
    except DeriveError:
        return False


def _usual(
    case: Case, name: str, expr: Expr, values: Mapping[str, Matrix]
) -> Iterator[tuple[str, str]]:
    """Yield what else might be assumed of an input, the weakest first, where no point shows that a
    claim is false all the same, that of its counterexample above all.

    Of numbers that are few, it is not assumed of the variable itself, nor of a scalar.
    """
    both = map(case.formulas.over_inputs, (expr, case.truth(name)))
    used = set().union(*map(names_in, both))
    for leaf in (k for k in case.program.inputs if k in used):
        shape, known = case.program.leaves[leaf].shape, implied(case.assumed.get(leaf, ()))
        failed: set[str] = set()
        for word in reversed(USUAL):
            entry, stochastic = TABLE[word], "row-stochastic" in implied([word])
            few = bool(entry.choices) or stochastic
            if (
                word in known
                or (few and (leaf == name or shape.is_scalar))
                or (word == "row-stochastic" and shape.cols == 1)
                or (entry.square and (shape.rows != shape.cols or shape.is_scalar))
                or any(word in TABLE[stronger].implies for stronger in failed)
                or not broken(values[leaf], [word])
                or case.points.fails(name, expr, leaf, word)
            ):
                failed.add(word)
        yield from ((leaf, word) for word in USUAL if word not in failed)
