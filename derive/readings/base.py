"""One reader of definitions: views, memory, sums and extrema, the same in every world.

What enters is an expression and a place, what leaves is that entry, made as the table says from
entries of its arguments. A reading adds what an entry of a variable, a number, a sum, a function
*is* in its world. The law: an operator is known by its definition, and by nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache, reduce
from itertools import chain, islice, product, starmap
from math import prod
from typing import Any
from weakref import ref

from derive.calculus.index import PROD, Index, Place, along
from derive.calculus.square_laws import known_determinant, known_inverse
from derive.expressions.expr import Expr, nodes
from derive.expressions.shape import Dim, Pair, extent, factors
from derive.ops.kronecker import KRON, parted
from derive.ops.square import cofactor, determinant

Loops = list[tuple[Index, Dim]]
#: The places of a scalar.
ORIGIN: tuple[Place, ...] = ((0, 0),)


class Table(list[Any]):
    """Written-out values along any number of axes, lists in lists: the rows of a matrix.

    >>> Table.of((2, 2), lambda i, j: i - j).map(abs)
    [[0, 1], [1, 0]]
    >>> Table.of((3,), abs).zip([1, 1, 1], max)
    [1, 1, 2]
    """

    @classmethod
    def of(cls, extents: Sequence[int], entry: Callable[..., Any]) -> Table:
        """Return the table of what is at each place."""
        return cls.filled(extents, starmap(entry, places(extents)))

    @classmethod
    def filled(cls, extents: Sequence[int], values: Iterable[Any]) -> Table:
        """Return the table of values that come in the order of their places."""
        left = iter(values)
        for size in extents[:0:-1]:
            left = map(list, zip(*[left] * size))
        return cls(islice(left, extents[0]))

    @property
    def extents(self) -> tuple[int, ...]:
        found: list[int] = []
        inner: Any = self
        while isinstance(inner, list):
            found.append(len(inner))
            inner = inner[0]
        return tuple(found)

    def at(self, place: Iterable[int]) -> Any:
        found: Any = self
        for k in place:
            found = found[k]
        return found

    def flat(self) -> Iterator[Any]:
        """Yield the values in the order of their places, the last index first."""
        found: Iterator[Any] = iter(self)
        inner = self[0]
        while isinstance(inner, list):
            found, inner = chain.from_iterable(found), inner[0]
        return found

    def cells(self) -> Iterator[tuple[tuple[int, ...], Any]]:
        """Yield places and what is there."""
        return zip(places(self.extents), self.flat(), strict=True)

    def beside(self, other: Table) -> Iterator[tuple[tuple[int, ...], Any, Any]]:
        """Yield places, and what is here and there."""
        return zip(places(self.extents), self.flat(), other.flat(), strict=True)

    def map(self, function: Callable[[Any], Any]) -> Table:
        if isinstance(self[0], list):
            return Table([Table.map(part, function) for part in self])
        return Table(map(function, self))

    def zip(self, other: list[Any], function: Callable[[Any, Any], Any]) -> Table:
        """Return what a function makes of the values here and there."""
        pairs = zip(self, other, strict=True)
        if isinstance(self[0], list):
            return Table([Table.zip(*parts, function) for parts in pairs])
        return Table(starmap(function, pairs))

    def turned(self) -> Table:
        """Return the transposed table of a matrix."""
        return Table(map(list, zip(*self, strict=True)))


def places(extents: Iterable[int]) -> Iterator[tuple[int, ...]]:
    """Return the places of a table in their order, the last index first."""
    return product(*map(range, extents))


class View(dict[Place, Any]):
    """An argument as a definition sees it, `A[i, k]`, `A.rows`, `A.cols`; it remembers its entries.

    An entry is read when it is first asked for.
    """

    __slots__ = ("cols", "determinant", "expr", "reading", "rows")
    determinant: Any

    def __init__(self, reading: Reading, expr: Expr):
        self.reading, self.expr = reading.itself, expr
        self.rows, self.cols = expr.shape

    def __missing__(self, place: Place) -> Any:
        reading = self.reading()
        assert reading is not None, "views are asked while their reading lives"
        reading.read(self, (place,))
        return self.pop(place) if reading.forgets else self[place]


@lru_cache(maxsize=4096)
def _order(root: Expr) -> tuple[tuple[Expr, bool], ...]:
    """Return the nodes of an expression, operands first, and whether they are scalars; what is
    alike is read often."""
    return tuple((node, node.shape.is_scalar) for node in nodes(root))


class Reading(ABC):
    """The entries of expressions in one world, and all that a definition may ask for."""

    #: A number for each dimension, where there is one.
    sizes: Mapping[str, int] | None = None
    #: Whether an entry is another one wherever it is asked for.
    forgets = False

    def __init__(self) -> None:
        self.views: dict[Expr, View] = {}
        self.itself = ref(self)  # for views: no circle, so that memory is freed at once

    def at(self, expr: Expr, *place: Index) -> Any:
        """Return an entry of an expression."""
        return self.view(expr)[place]

    def view(self, expr: Expr) -> View:
        known = self.views.get(expr)
        if known is None:
            known = self.views[expr] = View(self, expr)
        return known

    def forget(self) -> None:
        """Read anew from now on: other laws hold of entries."""
        self.views = {}

    def read(self, view: View, places: Iterable[Place]) -> None:
        """Make entries of an expression as its operator's definition says."""
        expr, views, lifted = view.expr, self.views, self.lifted
        args = [views[x] if x in views else self.view(x) for x in expr.args]
        data = {"data": expr.data} if expr.op.takes_data else {}
        entry = expr.op.entry
        for place in places:
            view[place] = lifted(entry(self, *place, *args, **data))

    def lifted(self, value: Any) -> Any:
        """Return a number, or what a definition made, as this world has it."""
        return value

    # -- what a definition may ask for -------------------------------------------------------------

    def number(self, value: Any) -> Any:
        return self.lifted(value)

    @abstractmethod
    def entry(self, leaf: tuple, *place: Any) -> Any: ...

    @abstractmethod
    def size(self, dim: Dim) -> Any: ...

    @abstractmethod
    def delta(self, i: Any, j: Any) -> Any: ...

    def le(self, i: Any, j: Any) -> Any:
        """Return 1 where an index is not after another, else 0."""
        return self.number(int(i <= j))

    @abstractmethod
    def function(self, name: str, *args: Any) -> Any: ...

    @abstractmethod
    def sum(self, dim: Dim, body: Callable[..., Any]) -> Any: ...

    @abstractmethod
    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Any: ...

    @abstractmethod
    def inverse(self, A: View, i: Any, j: Any) -> Any: ...

    @abstractmethod
    def det(self, A: View) -> Any: ...

    @abstractmethod
    def cofactor(self, A: View, i: Any, j: Any) -> Any: ...


class OverIndices(Reading):
    """A reading over index words, for every shape: a sum stays one, under a word that it binds."""

    @abstractmethod
    def bound(self, count: int) -> AbstractContextManager[Iterable[Index]]:
        """Give words to the sums around what is read inside."""

    @abstractmethod
    def total(self, word: Index, dim: Dim, body: Any) -> Any:
        """Return a sum over a word."""

    @abstractmethod
    def most(self, name: str, loops: Loops, body: Any) -> Any:
        """Return the largest or the smallest of entries, over words."""

    @abstractmethod
    def square(self, view: View, body: Any, *place: Index) -> Any:
        """Return a determinant, or an entry of an inverse, of which no law knows more."""

    def _over(self, dims: tuple[Dim, ...], body: Callable[..., Any]) -> tuple[Loops, Any]:
        """Return what is read under words of its own along dimensions, and these."""
        own = [factors(dim) for dim in dims]
        with self.bound(sum(map(len, own))) as words:
            left, loops = iter(words), list[tuple[Index, Dim]]()
            place: list[Index] = []
            for parts in own:
                index = tuple(islice(left, len(parts)))
                loops += zip(index, parts, strict=True)
                place.append(Pair(index, parts) if len(index) > 1 else index[0] if index else 0)  # type: ignore[arg-type]
            return loops, self.lifted(body(*place))

    def sum(self, dim: Dim, body: Callable[..., Any]) -> Any:
        loops, inner = self._over((dim,), body)
        for word, factor in reversed(loops):
            inner = self.total(word, factor, inner)
        return inner

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Any:
        loops, inner = self._over(dims, body)
        return self.most(name, loops, inner) if loops else inner

    def inverse(self, A: View, i: Index, j: Index) -> Any:
        known = known_inverse(A.expr)
        if known is not None:
            return self.at(known, i, j)
        if A.expr.shape.is_scalar:
            return A[0, 0] ** -1
        return self.square(A, A[along("@r", A.rows), along("@s", A.rows)], i, j)

    def det(self, A: View) -> Any:
        known = known_determinant(A.expr)
        if known is not None:
            return self.at(known, 0, 0)
        if A.expr.shape.is_scalar:
            return A[0, 0]
        return self.square(A, A[along("@r", A.rows), along("@s", A.rows)])

    def cofactor(self, A: View, i: Index, j: Index) -> Any:
        """Return a cofactor as Laplace's expansion has it: A Cᵀ = det(A) I, so C is det(A) A⁻ᵀ."""
        return self.det(A) * self.inverse(A, j, i)


class AtSizes(Reading):
    """A reading at sizes: places are numbers, sums are written out, an inverse is by cofactors."""

    sizes: Mapping[str, int]

    def __init__(self, sizes: Mapping[str, int]):
        super().__init__()
        self.sizes = sizes
        self.tables: dict[Expr, Table] = {}

    def matrix(self, root: Expr) -> Table:
        """Return all entries of an expression, operands first."""
        if (table := self.tables.get(root)) is not None:
            return table
        views, read, bare = self.views, self.read, self.bare
        for node, is_scalar in _order(root):
            if node not in views:
                views[node] = View(self, node)
            view = views[node]
            if is_scalar:
                if not view:
                    read(view, ORIGIN)
                continue
            extents = node.shape.extents(self.sizes)
            if len(view) < prod(extents):
                self.spend(*extents)
                wanted = product(*map(range, extents))
                read(view, [x for x in wanted if x not in view] if view else wanted)
        if is_scalar:  # as the root is, which comes last
            table = Table([[bare(view[0, 0])]])
        else:
            values = map(bare, map(view.__getitem__, places(extents)))
            table = Table.filled(extents, values)
        self.tables[root] = table
        return table

    def written(self, A: View) -> Table:
        """Return a matrix written out."""
        return Table.of(A.expr.shape.extents(self.sizes), lambda *place: A[place])

    def bare(self, value: Any) -> Any:
        """Return an entry as it leaves, without the operators that definitions need."""
        return value

    def spend(self, *extents: int) -> None:
        """Be told of so many entries before they are read."""

    @abstractmethod
    def winner(self, name: str, entries: list[Any]) -> Any:
        """Return the largest or the smallest of entries."""

    def size(self, dim: Dim) -> Any:
        return self.number(extent(dim, self.sizes))

    def delta(self, i: int, j: int) -> Any:
        return self.number(int(i == j))

    def sum(self, dim: Dim, body: Callable[..., Any]) -> Any:
        count = extent(dim, self.sizes)
        self.spend(count)
        total = body(0)
        for k in range(1, count):
            total = total + body(k)
        return total

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Any:
        extents = (extent(dim, self.sizes) for dim in dims)
        entries = [self.lifted(body(*place)) for place in places(extents)]
        if name == PROD:
            return reduce(lambda one, other: self.lifted(one * other), entries)
        return self.winner(name, entries)

    def inverse(self, A: View, i: int, j: int) -> Any:
        """Return an entry of an inverse: a cofactor over the determinant.

        That of a Kronecker product is taken factor by factor, (A⁻¹ ⊗ B⁻¹)(A ⊗ B) = I ⊗ I: the
        cofactors of a matrix as large as the product of two are beyond reach.
        """
        if (parts := self._kronecker(A)) is not None:
            a, b = parts
            (p, k), (q, m) = (parted(x, (a.rows, b.rows), self.sizes) for x in (i, j))
            return self.inverse(a, p, q) * self.inverse(b, k, m)
        return self.cofactor(A, j, i) / self.det(A)

    def cofactor(self, A: View, i: int, j: int) -> Any:
        """Return a cofactor: the signed determinant of what row i and column j leave."""
        return self.lifted(cofactor(self.written(A), i, j))

    def det(self, A: View) -> Any:
        """Return a determinant; that of a Kronecker product factor by factor, as its inverse is.

        It is that of (A ⊗ I)(I ⊗ B), which is det(A) as often as B has rows, times det(B) likewise.
        """
        if not hasattr(A, "determinant"):
            if (parts := self._kronecker(A)) is not None:
                n, m = (extent(view.rows, self.sizes) for view in parts)
                A.determinant = self.det(parts[0]) ** m * self.det(parts[1]) ** n
            else:
                A.determinant = self.lifted(determinant(self.written(A)))
        return A.determinant

    def _kronecker(self, A: View) -> tuple[View, View] | None:
        """The two square matrices of which this one is the Kronecker product, if it is."""
        if A.expr.op is not KRON or any(a.shape.rows != a.shape.cols for a in A.expr.args):
            return None
        left, right = A.expr.args
        return self.view(left), self.view(right)
