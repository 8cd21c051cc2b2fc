"""Definitions read as mathematics on a board: the entry of an expression as a `Scalar`.

What enters is an expression and a place, what leaves is a tree of sums, entries and deltas, in
which every sum has a letter that nothing around it uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from derive.calculus import index as scalars
from derive.calculus.index import Index, Scalar, along, most, num, scalar, total
from derive.expressions.expr import Expr
from derive.expressions.shape import Dim
from derive.readings.base import Loops, OverIndices, View


class Entries(OverIndices):
    """The reading of operators' definitions with symbolic indices; `letters` name its sums.

    An entry is read anew wherever it is asked for, since letters depend on the sums around it.
    """

    forgets = True

    def __init__(self, letters: Iterable[str]):
        super().__init__()
        self.letters = tuple(letters)
        self.depth = 0

    def of(self, expr: Expr, *place: Index) -> Scalar:
        """Return an entry of an expression by the definitions of its operators."""
        found: Scalar = self.at(expr, *place)
        return found

    def lifted(self, value: Any) -> Scalar:
        return scalar(value)

    @contextmanager
    def bound(self, count: int) -> Iterator[list[Index]]:
        places = range(self.depth, self.depth + count)
        self.depth += count
        yield [self.letters[k] if k < len(self.letters) else f"k_{k}" for k in places]
        self.depth -= count

    def total(self, word: Index, dim: Dim, body: Scalar) -> Scalar:
        return total(word, dim, body)

    def most(self, name: str, loops: Loops, body: Scalar) -> Scalar:
        return most(name, loops, body)

    def square(self, view: View, body: Scalar, *place: Index) -> Scalar:
        r, s = along("@r", view.rows), along("@s", view.rows)
        kind = "inverse" if place else "det"
        return Scalar(kind, (body,), (view.expr, r, s, view.rows, *place))

    entry = staticmethod(scalars.entry)
    number = staticmethod(num)
    size = staticmethod(scalars.size)
    delta = staticmethod(scalars.delta)
    le = staticmethod(scalars.le)
    function = staticmethod(scalars.function)
