"""Lemmas on the functions of the table: what each is by definition, and its derivative.

Enters a function that is defined through others; leaves the lemma on its derivative, proved by the
rules for what defines it. The law: the table says what the function is and what its derivative is,
and nothing here knows a function by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from derive.calculus.deltas import contract
from derive.calculus.index import (
    Scalar,
    differentiate,
    entry,
    function,
    partial,
    rebuilt,
    scalar,
)
from derive.expressions.expr import OPS, Op
from derive.expressions.shape import SCALAR
from derive.ops import var
from derive.proof.derivation import Lemma
from derive.proof.room import Room


class _Functions:
    """The functions of the table on scalars."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args: function(name, *map(scalar, args))


F, X = _Functions(), entry(("x", SCALAR), 0, 0)


def is_defined(op: Op) -> bool:
    """Whether a function of one number is defined through others, and is more than a power.

    >>> [name for name in ("sigmoid", "relu", "exp", "sqrt", "softmax") if is_defined(OPS[name])]
    ['sigmoid', 'relu']
    """
    if op.through is None or len(op.derivatives) != 1:
        return False
    definition = scalar(op.through(F, X))
    known = all(name in OPS for name in _functions(definition))
    return known and (definition.kind != "pow" or definition.args[0] != X)


@cache
def derivative(op: Op) -> Lemma:
    """Return the lemma on the derivative of a function: its definition, differentiated, and what
    that is in terms of the function itself.

    >>> [step.rule for step in derivative(OPS["sigmoid"]).proof[0]]
    ['definition', 'differentiate-delta', 'rearranged', 'named']
    """
    assert op.through is not None
    x = var("x", SCALAR)
    room = Room(op.name, x, {"y": op(x)}, (op.where(None, x),))
    y = entry(("y", SCALAR), 0, 0)
    definition = scalar(op.through(F, X))
    found = contract(differentiate(definition, x.data, 0, 0))
    claimed = scalar(op.derivatives[0](F, y, X))
    opened = _opened(claimed, y, definition)
    steps = [
        room.step(y, definition, "definition"),
        room.step(partial(y, X), found, "differentiate-delta", methods=tuple(_methods(definition))),
    ]
    if opened not in (found, claimed):
        steps.append(room.step(found, opened, "rearranged"))
    if claimed != found:
        last = steps[-1].right
        rule = "named" if last == opened else "rearranged"
        others = dict.fromkeys(f for f in _functions(claimed) if f != op.name)
        of = tuple(function(name, X) for name in others if is_defined(OPS[name]))
        steps.append(room.step(last, claimed, rule, values=of or (y,)))
    claim = room.step(partial(y, X), claimed, "lemma")
    return room.lemma(claim, (tuple(steps),), {}, ())


def _opened(term: Scalar, y: Scalar, definition: Scalar) -> Scalar:
    """Return a term with the function's value, and functions that are defined, by definition."""
    if term == y:
        return definition
    args = [_opened(arg, y, definition) for arg in term.args]
    if term.kind == "fn" and is_defined(OPS[term.data]):
        through = OPS[term.data].through
        assert through is not None
        return scalar(through(F, *args))
    return rebuilt(term, args) if args else term


def _functions(term: Scalar) -> Iterator[str]:
    """Yield the names of the functions in a term."""
    if term.kind == "fn":
        yield term.data
    for arg in term.args:
        yield from _functions(arg)


def _methods(definition: Scalar) -> Iterator[str]:
    """Yield the rules of differentiation that a definition asks for."""
    for factor in definition.args if definition.kind == "mul" else (definition,):
        if factor.kind == "pow" and factor.data < 0:
            yield "quotient"
            return
    if definition.kind == "mul" and len([a for a in definition.args if a.kind != "num"]) > 1:
        yield "product"
    elif definition.kind == "fn":
        yield "inner"
