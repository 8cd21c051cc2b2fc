"""Dimensions as words (`n`, `d`) or numbers, and the laws that shapes obey.

A shape is a pair: vectors are n×1 or 1×n, scalars are 1×1. Two dimensions are equal when they are
the same word or the same number; nothing else is known about a word than that it is at least 1.
The dimensions of a Kronecker product are products: `n * m` is not `m * n`, for the order of the
entries differs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from derive.expressions.errors import ShapeError


@dataclass(frozen=True, slots=True)
class Product:
    """A dimension that is a product of at least two others, none of them 1; `times` makes it."""

    dims: tuple[int | str, ...]

    def __str__(self) -> str:
        return " * ".join(map(str, self.dims))


@dataclass(frozen=True, slots=True)
class Pair:
    """An index along a product dimension: an index along each of its factors, in their order."""

    parts: tuple[int | str, ...]
    dims: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.parts))})"


Dim = int | str | Product


class Shape(NamedTuple):
    """The shape of a matrix, rows by columns.

    >>> Shape("n", 3).T
    Shape(rows=3, cols='n')
    >>> str(Shape("n", 3))
    'n×3'
    """

    rows: Dim
    cols: Dim

    @property
    def T(self) -> Shape:
        return Shape(self.cols, self.rows)

    @property
    def is_scalar(self) -> bool:
        return self == SCALAR

    @property
    def dims(self) -> tuple[Dim, Dim]:
        return self.rows, self.cols

    def along(self, axes: Iterable[int]) -> tuple[Dim, ...]:
        """Return the dimensions along some of the axes."""
        return tuple(self.dims[axis] for axis in axes)

    def without(self, axes: Collection[int]) -> Shape:
        """Return the shape with some axes reduced to one.

        >>> str(Shape("n", "d").without((0,)))
        '1×d'
        """
        return Shape(*(1 if axis in axes else dim for axis, dim in enumerate(self.dims)))

    def at(self, sizes: Mapping[str, int]) -> Shape:
        """Return the shape with its words replaced by numbers."""
        return Shape(size(self.rows, sizes), size(self.cols, sizes))

    def extents(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return the dimensions as numbers, where every word has one."""
        return extent(self.rows, sizes), extent(self.cols, sizes)

    def __str__(self) -> str:
        return "×".join(f"({d})" if isinstance(d, Product) else str(d) for d in self.dims)


SCALAR = Shape(1, 1)


def size(dim: Dim, sizes: Mapping[str, int]) -> Dim:
    """Return the number that `sizes` gives to a dimension, or the dimension itself."""
    return substituted(dim, sizes)


def extent(dim: Dim, sizes: Mapping[str, int]) -> int:
    """Return a dimension as a number; `sizes` has one for every word."""
    if isinstance(dim, str):
        return sizes[dim]
    return dim if isinstance(dim, int) else prod(extent(d, sizes) for d in dim.dims)


def times(*dims: Dim) -> Dim:
    """Return the product of dimensions in their order; numbers side by side are multiplied out.

    >>> str(times("n", 1, times("m", 2), 3)), times(2, 3), times("n", 1)
    ('n * m * 6', 6, 'n')
    """
    flat: list[int | str] = []
    for factor in (f for dim in dims for f in factors(dim)):
        if flat and isinstance(factor, int) and isinstance(flat[-1], int):
            flat[-1] *= factor
        else:
            flat.append(factor)
    return Product(tuple(flat)) if len(flat) > 1 else flat[0] if flat else 1


def factors(dim: Dim) -> tuple[int | str, ...]:
    """Return the factors of a dimension; 1 has none."""
    if isinstance(dim, Product):
        return dim.dims
    return () if dim == 1 else (dim,)


def words(*dims: Dim) -> Iterator[str]:
    """Yield the words that dimensions are made of."""
    yield from (f for dim in dims for f in factors(dim) if isinstance(f, str))


def substituted(dim: Dim, meant: Mapping[str, Dim]) -> Dim:
    """Return a dimension with words replaced by dimensions."""
    if isinstance(dim, Product):
        return times(*(meant.get(f, f) if isinstance(f, str) else f for f in dim.dims))
    return meant.get(dim, dim) if isinstance(dim, str) else dim


def same_number(p: Dim, q: Dim) -> bool:
    """Whether two dimensions are the same number at all sizes: equal up to the order of factors."""

    def content(dim: Dim) -> tuple[int, list[str]]:
        return prod(f for f in factors(dim) if isinstance(f, int)), sorted(words(dim))

    return content(p) == content(q)


def first_clash(p: Dim, q: Dim) -> tuple[Dim, Dim]:
    """Return two dimensions, or the first factors in which two products of equal length differ."""
    if isinstance(p, Product) and isinstance(q, Product) and len(p.dims) == len(q.dims):
        return next((f, g) for f, g in zip(p.dims, q.dims, strict=True) if f != g)
    return p, q


def product(a: Shape, b: Shape) -> Shape:
    """Return the shape of a matrix product: n×d times d×m is n×m."""
    if a.cols != b.rows:
        raise ShapeError(
            f"cannot multiply {a} by {b}: {count(a.cols, 'column')} against {count(b.rows, 'row')}",
            clash=(a.cols, b.rows),
        )
    return Shape(a.rows, b.cols)


def broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape to which NumPy would stretch both: equal dimensions, or one of them 1."""
    if a == b:
        return a
    return Shape(_stretch(a, b, a.rows, b.rows), _stretch(a, b, a.cols, b.cols))


def square(a: Shape) -> Shape:
    """Return the shape itself if it has as many rows as columns."""
    if a.rows != a.cols:
        raise ShapeError(f"a square matrix is needed, this one is {a}", clash=(a.rows, a.cols))
    return a


def count(dim: Dim, noun: str) -> str:
    """Return words such as `1 row` or `n columns`."""
    return f"{dim} {noun}" if dim == 1 else f"{dim} {noun}s"


def _stretch(a: Shape, b: Shape, p: Dim, q: Dim) -> Dim:
    if p == q or q == 1:
        return p
    if p == 1:
        return q
    raise ShapeError(
        f"shapes {a} and {b} do not broadcast: {p} against {q}, and neither is 1", clash=(p, q)
    )
