"""Dimensions as words (`n`, `d`) or numbers, and the laws that shapes obey.

A shape is a pair: vectors are n×1 or 1×n, scalars are 1×1. Two dimensions are equal when they are
the same word or the same number; nothing else is known about a word than that it is at least 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.errors import ShapeError

Dim = int | str


@dataclass(frozen=True, slots=True)
class Shape:
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

    def at(self, sizes: Mapping[str, int]) -> Shape:
        """Return the shape with its words replaced by numbers."""
        return Shape(size(self.rows, sizes), size(self.cols, sizes))

    def extents(self, sizes: Mapping[str, int]) -> tuple[int, int]:
        """Return rows and columns as numbers, where every word has one."""
        return extent(self.rows, sizes), extent(self.cols, sizes)

    def __str__(self) -> str:
        return f"{self.rows}×{self.cols}"


SCALAR = Shape(1, 1)


def size(dim: Dim, sizes: Mapping[str, int]) -> Dim:
    """Return the number that `sizes` gives to a dimension, or the dimension itself."""
    return sizes.get(dim, dim) if isinstance(dim, str) else dim


def extent(dim: Dim, sizes: Mapping[str, int]) -> int:
    """Return a dimension as a number; `sizes` has one for every word."""
    return sizes[dim] if isinstance(dim, str) else dim


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
