"""Scalars read as forms: what is written on a board, in normal form.

What enters is a `Scalar` with words or numbers for its free indices, what leaves is a form. Over
symbolic indices a sum stays one; in a ring with sizes it is written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

from derive.algebra.forms import Exponent, Form, Summand, add_to, exact
from derive.algebra.values import Value
from derive.algebra.winners import extremum, highest
from derive.calculus.index import Index, Scalar, at_place, named
from derive.expressions.shape import extent
from derive.ops.square import cofactor, determinant

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

Names = Mapping[Index, Index]


def form_of(ring: Ring, term: Scalar, names: Mapping[Index, Index] = {}) -> Form:
    """Return the normal form of a scalar; `names` gives numbers or words to free indices."""
    match term.kind:
        case "num":
            return {(): exact(term.data)} if term.data else {}
        case "size":
            return ring.size(term.data)
        case "entry" | "partial":
            meant = ring.meaning(term, names) if ring.meaning else None
            if meant is not None:
                return meant
            name, *place = term.data
            return ring.entry(name, *[named(k, names, ring.sizes) for k in place])
        case "delta":
            return ring.delta(*(names.get(k, k) for k in term.data))
        case "le":
            return ring.le(*(names.get(k, k) for k in term.data))
        case "add":
            result: Form = {}
            for arg in term.args:
                add_to(result, form_of(ring, arg, names))
            return result
        case "mul":
            return ring.product(form_of(ring, arg, names) for arg in term.args)
        case "pow":
            return ring.power(form_of(ring, term.args[0], names), term.data)
        case "fn":
            return ring.function(term.data, *(form_of(ring, arg, names) for arg in term.args))
        case "inverse" | "det":
            return _square(ring, term, names)
        case "most":
            return _most(ring, term, names)
    index, dim = term.data
    body = term.args[0]
    if ring.sizes is None:
        with ring.bound_words(1) as (fresh,):
            inner = form_of(ring, body, {**names, index: fresh})
        return ring.sum(fresh, dim, inner)
    result = {}
    for k in range(ring.sizes.get(dim, dim)):
        add_to(result, form_of(ring, body, {**names, index: k}))
    return result


def _most(ring: Ring, term: Scalar, names: Names) -> Form:
    """Return a maximum or a minimum; at sizes it is written out."""
    name, loops = term.data
    if ring.sizes is None:
        fresh = {k: ring.new_index() for k, _ in loops}
        form = form_of(ring, term.args[0], {**names, **fresh})
        return extremum(ring, name, form, [(fresh[k], dim) for k, dim in loops])
    ranges = [range(extent(dim, ring.sizes)) for _, dim in loops]
    chosen = [dict(zip((k for k, _ in loops), x, strict=True)) for x in product(*ranges)]
    forms = [form_of(ring, arg, {**names, **x}) for arg in term.args for x in chosen]
    return highest(ring, name, forms)


def _square(ring: Ring, term: Scalar, names: Names) -> Form:
    """Return a determinant or an entry of an inverse; at sizes it is written out."""
    _, _, _, dim, *place = term.data
    i, j = (named(k, names, ring.sizes) for k in place) if place else (0, 0)
    matrix = term.args[0]
    if ring.sizes is None:
        form = form_of(ring, matrix)
        return ring.inverse(form, dim, i, j) if place else ring.det(form, dim)
    if id(matrix) not in ring.matrices:
        span = range(extent(dim, ring.sizes))
        down, across = ([at_place(k, dim, x, ring.sizes) for x in span] for k in ("@r", "@s"))
        rows = [
            [Value(ring, form_of(ring, matrix, {**r, **s})) for s in across] for r in down
        ]  # the matrix is kept beside its entries, so that its identity is not given to another
        ring.matrices[id(matrix)] = matrix, rows, determinant(rows), {}
    _, rows, whole, inverse = ring.matrices[id(matrix)]
    if not place:
        return whole.form
    assert isinstance(i, int) and isinstance(j, int)
    if (i, j) not in inverse:
        inverse[i, j] = (whole**-1 * cofactor(rows, j, i)).form
    return inverse[i, j]


def sum_of_products(ring: Ring, summands: list[Summand], names: Names) -> Form:
    """Return the form of sums of products of different matrices' entries, written out."""
    assert ring.sizes is not None
    ids = ring.ids
    result: Form = {}
    for coefficient, loops, factors in summands:
        filled = dict(names)
        for values in product(*(range(extent(dim, ring.sizes)) for _, dim in loops)):
            for (index, _), value in zip(loops, values, strict=True):
                filled[index] = value
            atoms: list[tuple[int, Exponent]] = []
            for name, place in factors:
                key = ("x", name, *map(filled.get, place, place))
                number = ids.get(key)
                atoms.append((ring.atom(key) if number is None else number, 1))
            atoms.sort()
            monomial = tuple(atoms)
            result[monomial] = result.get(monomial, 0) + coefficient
    return result
