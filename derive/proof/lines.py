"""A statement row by row, or column by column: what its value and a gradient are of one row alone.

Enters the theorem of a statement about a variable of which each row meets one row of the value;
leave the formulas about a single row, and the steps that say that its entries are those of the
whole. Nothing here is checked.
"""

from __future__ import annotations

from typing import NamedTuple

from derive.calculus.index import Index, Letters, Scalar, place_of
from derive.expressions.expr import Expr, nodes
from derive.expressions.program import Statement, with_dims
from derive.expressions.shape import Dim
from derive.ops.linear import TRANSPOSE
from derive.proof.derivation import EntryOf, Lines, Step
from derive.readings.terms import Entries


def lines(
    statement: Statement,
    value: Expr,
    variable: Expr,
    gradient: Expr,
    formula: Expr,
    occurrence: tuple[str, ...],
    letters: Letters,
) -> Lines | None:
    """Return a statement and the formula of a gradient told for one row, or one column; `None`
    where rows meet others, or single entries meet, or no dimension says which rows are meant."""
    if occurrence not in (("row-a",), ("column-c",)):
        return None
    axis = 0 if occurrence == ("row-a",) else 1
    dim = value.shape.dims[axis]
    whole = (statement.expr, formula)
    parts = [node for expr in whole for node in nodes(expr) if dim in node.shape.dims]
    if not isinstance(dim, str) or any(
        node.shape.dims[1 - axis] == dim or node.op is TRANSPOSE for node in parts
    ):
        return None
    leaves = {leaf for expr in whole for leaf in nodes(expr) if leaf.is_var}
    cut = frozenset(
        leaf.data[0] for leaf in (*leaves, value, gradient) if leaf.shape.dims[axis] == dim
    )
    one = _One(axis, dim, cut, letters)
    about = (statement.name, variable.data[0])
    steps = []
    for expr, words, rule in zip(whole, (letters.output, letters.variable), RULES, strict=True):
        found = one.entries(expr, words)
        if found is None:
            return None
        steps.append(Step(*found, rule, *about, part="lines"))
    return Lines(axis, cut, one.of(statement.expr), one.of(formula), tuple(steps))


#: What the steps of a proof by rows say: of the value, and of the gradient.
RULES = ("line-of-value", "line-of-gradient")


class _One(NamedTuple):
    """One row, or one column, along a dimension."""

    axis: int
    dim: Dim
    cut: frozenset[str]
    letters: Letters

    def of(self, expr: Expr) -> Expr:
        """Return an expression for a single row."""
        return with_dims(expr, {str(self.dim): 1}, numbers=False)

    def entries(self, expr: Expr, words: tuple[str, ...]) -> tuple[EntryOf, Scalar] | None:
        """Return an entry of an expression, and what the formula about its row says that it is;
        `None` where these are read differently."""
        place: list[Index] = list(place_of(expr.shape, words))
        place[self.axis] = self.letters.variable[self.axis]
        whole = Entries(self.letters.bound).of(expr, *place)
        alone = list(place)
        alone[self.axis] = 0
        found = self.in_whole(Entries(self.letters.bound).of(self.of(expr), *alone))
        return (EntryOf(expr, tuple(place)), found) if found == whole else None

    def in_whole(self, term: Scalar) -> Scalar:
        """Return a term about a single row with the places that it has in the whole."""
        if term.kind == "entry" and term.data[0] in self.cut:
            name, *place = term.data
            place[self.axis] = self.letters.variable[self.axis]
            return Scalar("entry", (), (name, *place))
        args = tuple(map(self.in_whole, term.args))
        return term if args == term.args else Scalar(term.kind, args, term.data)


__all__ = ["lines"]
