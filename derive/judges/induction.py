"""An induction over layers, held against networks of a few layers that are written out.

What enters is an `Induction`, what leaves is the same with what a judge says of the gradients that
it gives for one, two and three layers. The law: that judge reads the definitions of operators and
the chain rule, and neither the recursion nor the theorem about one layer.
"""

from __future__ import annotations

from derive.expressions.errors import ProofError
from derive.judges.claim import Court
from derive.language.parse import parse
from derive.proof.induction import Induction, Unrolled
from derive.proof.verdict import EVERY_SHAPE, PROVED, REFUTED

#: So many layers are written out.
COUNTS = (1, 2, 3)


def held(induction: Induction, counts: tuple[int, ...] = COUNTS) -> Induction:
    """Return an induction with the judgements of what it gives for a few numbers of layers.

    Raises `ProofError` where a gradient is not proved for every shape.
    """
    return induction._replace(unrolled=tuple(_held(induction, count) for count in counts))


def _held(induction: Induction, count: int) -> Unrolled:
    recursion = induction.recursion.chosen({"layers": str(count)})
    court = Court(parse(recursion.program()))
    gradients, verdicts = induction.composed(count), {}
    for name, formula in gradients.items():
        found = court.judge(f"d{name} = {formula}")
        verdicts[name] = found.verdict
        if found.verdict != PROVED or found.where != EVERY_SHAPE:
            raise ProofError(
                f"for {count} layers the recursion gives d{name} = {formula}, which is "
                f"{found.verdict}",
                refuted=found.verdict == REFUTED,
            )
    return Unrolled(count, gradients, verdicts)
