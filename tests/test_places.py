"""Entries have a place, whatever the number of axes: tables against NumPy, terms, and forms."""

from __future__ import annotations

from operator import sub
from types import SimpleNamespace

import numpy as np
import pytest

from derive.algebra.normal import Ring
from derive.calculus.deltas import contract
from derive.calculus.index import (
    delta,
    differentiate,
    entry,
    moves,
    mul,
    numbering,
    place_of,
    rename,
    total,
    written_out,
)
from derive.expressions.shape import Shape
from derive.readings.base import Table, places

EXTENTS = [(4,), (1,), (2, 3), (1, 1), (3, 1), (2, 3, 4), (2, 1, 3), (2, 2, 1, 3)]


def numbered(extents: tuple[int, ...]) -> tuple[Table, np.ndarray]:
    """Different numbers at every place, as a table and as NumPy has them."""
    array = np.arange(np.prod(extents)).reshape(extents) * 7 % 11
    return Table.of(extents, lambda *place: int(array[place])), array


@pytest.mark.parametrize("extents", EXTENTS)
def test_a_table_is_what_numpy_has(extents):
    table, array = numbered(extents)
    assert table == array.tolist() and table.extents == extents
    assert Table.filled(extents, map(int, array.flat)) == table
    assert [*table.flat()] == [*array.flat]
    assert [*table.cells()] == [*np.ndenumerate(array)]
    assert [*places(extents)] == [*np.ndindex(*extents)]
    assert all(table.at(place) == array[place] for place in np.ndindex(*extents))
    assert table.map(lambda x: x**2 + 1) == (array**2 + 1).tolist()
    assert table.zip(np.flip(array).tolist(), sub) == (array - np.flip(array)).tolist()
    assert isinstance(table.map(str), Table) and table.map(str).extents == extents


@pytest.mark.parametrize(("one", "other"), [
    ([1, 2], [1, 2, 3]), ([[1], [2]], [[1, 2], [3, 4]]), ([[1, 2, 3]], [[1, 2], [3, 4]]),
    ([[[1, 2]]], [[[1], [2]]]),
])  # fmt: skip
def test_tables_of_other_extents_are_not_zipped(one, other):
    with pytest.raises(ValueError, match="zip"):
        Table(one).zip(other, sub)


def shape(*dims):
    """A shape with any number of axes."""
    return Shape(*dims) if len(dims) == 2 else SimpleNamespace(dims=dims)


#: A shape, and two places in it.
SHAPES = [
    (shape("n"), ("i",), ("a",)),
    (shape("n", "d"), ("i", "j"), ("a", "c")),
    (shape("n", 1), ("i", 0), ("a", 0)),
    (shape("n", "d", "m"), ("i", "j", "k"), ("a", "c", "e")),
    (shape("n", 1, "m"), ("i", 0, "k"), ("a", 0, "e")),
]


@pytest.mark.parametrize(("of", "place", "other"), SHAPES, ids=str)
def test_an_entry_is_differentiated_by_an_entry(of, place, other):
    leaf = ("T", of)
    assert place_of(of, "ijk") == place and place_of(of, "ace") == other
    x = entry(leaf, *place)
    pairs = [(i, a) for i, a, dim in zip(place, other, of.dims, strict=True) if dim != 1]
    assert differentiate(x, leaf, *other) == mul(*(delta(i, a) for i, a in pairs))
    assert differentiate(entry(("U", of), *place), leaf, *other) == mul(0)
    ring = Ring()
    square = ring.mul(ring.entry("T", *place), ring.entry("T", *place))
    deltas = ring.product(ring.delta(i, a) for i, a in pairs)
    slope = ring.scale(2, ring.mul(ring.entry("T", *place), deltas))
    assert ring.derivative(square, leaf, *other) == slope
    assert ring.rename(square, moves("ijk", other)) == ring.mul(
        ring.entry("T", *other), ring.entry("T", *other)
    )
    twice = ring.unfold(square, lambda name, *at: ring.scale(2, ring.entry("U", *at)))
    assert twice == ring.scale(4, ring.mul(ring.entry("U", *place), ring.entry("U", *place)))


@pytest.mark.parametrize(("of", "place", "other"), SHAPES, ids=str)
def test_a_sum_over_every_place_is_differentiated_and_written_out(of, place, other):
    leaf, sizes = ("T", of), {"n": 2, "d": 3, "m": 2}
    norm = entry(leaf, *place) ** 2
    for word, dim in [*zip("ijk", of.dims, strict=False)][::-1]:
        norm = total(word, dim, norm) if dim != 1 else norm
    gradient = contract(differentiate(norm, leaf, *other))
    assert gradient == mul(2, entry(leaf, *other))
    extents = tuple(sizes.get(dim, dim) for dim in of.dims)
    written = written_out(norm, {}, sizes)
    terms = written.args if written.kind == "add" else (written,)
    assert [term.args[0].data[1:] for term in terms] == [*places(extents)]
    for at in places(extents):
        names = numbering("ace", of, at, sizes)
        assert rename(gradient, names) == mul(2, entry(leaf, *at))
