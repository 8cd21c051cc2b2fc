"""Hypotheses that are worth saying: what formulas ask for beside what holds of every input.

Formulas enter, with the ground on which they stand, and conditions leave. The law: what is left out
holds wherever what is assumed holds; a divisor of which that is seen is 1 + exp(x), or the root of
a sum of squares and a positive number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from derive.algebra.forms import Budget, TooLarge, Undefined
from derive.algebra.normal import Ring
from derive.algebra.signs import is_positive
from derive.calculus.index import place_of
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import Condition, Expr, substitute, unrepeated, variables
from derive.language.assumptions import facts
from derive.proof.hypotheses import Ground, conditions
from derive.readings.forms import Forms

#: What has to be assumed of a matrix for what is asked of it; of entries it is seen of their form.
ENOUGH: Mapping[str, frozenset[str]] = {
    "nonzero": frozenset(),
    "positive": frozenset(),
    "invertible": frozenset({"spd", "invertible"}),
    "positive-determinant": frozenset({"spd"}),
}
#: So many steps are taken to see it, and so many times names are opened.
EASY, DEEP = 5_000, 3


def hypotheses(ground: Ground, roots: Iterable[Expr]) -> Iterator[Condition]:
    """Yield what some formulas ask for beside what is assumed, and beside what always holds.

    >>> from derive.language.parse import parse
    >>> from derive.proof.hypotheses import ground_of
    >>> program = parse("x: (n, 1); y = log(x) / (1 + exp(x)) + sqrt(x ** 2 + 1)")
    >>> [c.kind for c in hypotheses(ground_of(program), [program.statements[0].expr])]
    ['positive']
    """
    for condition in conditions(ground, roots):
        if not _always_holds(condition, ground):
            yield condition


def _always_holds(condition: Condition, ground: Ground) -> bool:
    """Whether every input has what a condition asks for that obeys what is assumed."""
    enough, (arg, *others) = ENOUGH.get(condition.kind), condition.args
    if enough is None or others or condition.but:
        return False
    known = facts(ground.assumed)
    own = unrepeated(arg)
    if enough:
        return own.is_var and not enough.isdisjoint(known.get(own.data[0], ()))
    ring = Ring(budget=Budget(EASY))
    ring.assume(known)
    for _ in range(DEEP):
        if _is_positive(ring, own):
            return True
        meant = {x: ground.meanings[x.data[0]] for x in variables(own)
                 if x.data[0] in ground.meanings}  # fmt: skip
        if not meant:
            return False
        own = substitute(own, meant)
    return False


def _is_positive(ring: Ring, expr: Expr) -> bool:
    try:
        return is_positive(ring, Forms(ring).of(expr, *place_of(expr.shape, "ij")))
    except (TooLarge, Undefined, UnsupportedError):
        return False
