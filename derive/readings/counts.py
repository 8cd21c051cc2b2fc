"""What depends on sizes alone: the sum of softmax(X) is n, as is the trace of A times its inverse.

What enters is a formula over inputs, and points; what leaves is a polynomial of dimensions that is
equal to it. The polynomial is guessed from the formula's values at a few sizes, and proved by
normal forms; without a proof nothing is said. So does whether a program has a value anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

from derive.algebra.forms import TooLarge, Undefined
from derive.calculus.index import place_of
from derive.expressions.expr import Expr, extent_of, nodes, number
from derive.expressions.limits import Cells
from derive.expressions.program import Program
from derive.ops.square import DET, INV
from derive.readings.base import Table
from derive.readings.numbers import (
    DomainError,
    Enclosing,
    Enclosures,
    Numbers,
    Rows,
    interval,
    precision,
)

Values = Mapping[str, list[list[Fraction]]]
#: So many seeds are tried for two points, and a formula of more dimensions is not looked into.
TRIES, MOST_DIMS = 8, 3
#: A coefficient is a fraction with a smaller denominator.
SMALL = 100


def counted(
    expr: Expr,
    points: Callable[[Mapping[str, int], int], Values | None],
    dims: Iterable[str],
    assumed: Mapping[str, Iterable[str]],
) -> Expr | None:
    """Return a polynomial of dimensions that every entry is equal to, `None` where none was found.

    >>> from derive.proof.hypotheses import points
    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, m); f = sum(softmax(X)) * m - 3")
    >>> print(counted(program.statements[0].expr, points(program), program.dims, {}))
    n * m - 3

    `points` gives values to inputs where sizes are given for all `dims`.
    """
    used = list(dict.fromkeys(dim for node in nodes(expr) for dim in node.shape.dims))
    words = [dim for dim in used if isinstance(dim, str)]
    if not 0 < len(words) <= MOST_DIMS or len(words) != len([d for d in used if d != 1]):
        return None
    small = dict.fromkeys(dims, 2)

    def value(*larger: str) -> Fraction | None:
        return _value(expr, {**small, **dict.fromkeys(larger, 3)}, points)

    first = value()
    if first is None:
        return None
    slopes: dict[tuple[str, ...], Fraction] = {(): first}
    for group in (*((dim,) for dim in words), *combinations(words, 2)):
        found = value(*group)
        if found is None:
            return None
        parts = (k for part, k in slopes.items() if set(part) < set(group))
        slopes[group] = found - sum(parts, Fraction(0))
    from derive.algebra.normal import Ring
    from derive.readings.forms import Forms

    proposed = _polynomial(slopes)
    ring = Ring()
    ring.assume(assumed)
    try:
        left = Forms(ring).of(expr, *place_of(expr.shape, "ij"))
        right = Forms(ring).of(proposed, *place_of(proposed.shape, "ij"))
        return proposed if ring.equal(left, right) else None
    except (TooLarge, Undefined):
        return None


def _polynomial(slopes: Mapping[tuple[str, ...], Fraction]) -> Expr:
    """Return the polynomial that is given by what it grows by where dimensions grow from 2 to 3."""
    terms: dict[tuple[str, ...], Fraction] = {}
    for group, slope in slopes.items():
        for count in range(len(group) + 1):
            for part in combinations(group, count):  # a product of d - 2 over the group
                terms[part] = terms.get(part, Fraction(0)) + slope * (-2) ** (len(group) - count)
    total: Expr | None = None
    for part, k in sorted(terms.items(), key=lambda term: -len(term[0])):
        term: Expr | None = None if abs(k) == 1 and part else number(abs(k))
        for dim in part:
            term = extent_of(dim) if term is None else term * extent_of(dim)
        if k and term is not None:
            first = term if k > 0 else -term
            total = first if total is None else total + term if k > 0 else total - term
    return number(0) if total is None else total


def _value(
    expr: Expr,
    sizes: Mapping[str, int],
    points: Callable[[Mapping[str, int], int], Values | None],
) -> Fraction | None:
    """Return the number that all entries are at two points of the same sizes, `None` where they
    vary or have no value."""
    with precision():
        found: list[Any] = []
        tried = 0
        for seed in range(TRIES):
            values = points(sizes, seed)
            entries = [] if values is None else _at(expr, sizes, values)
            found += entries
            if not all(x.overlaps(found[0]) for x in entries):
                return None
            tried += bool(entries)
            if tried == 2:
                break
        if tried < 2:
            return None
        near = Fraction(float(found[0].mid())).limit_denominator(SMALL)
        return near if interval(near).overlaps(found[0]) else None


def _at(expr: Expr, sizes: Mapping[str, int], values: Values) -> list[Any]:
    """Return the entries at a point, none where one has no value."""
    known = {name: Table(rows).map(interval) for name, rows in values.items()}
    try:
        return [interval(x) for x in Enclosures(sizes, known).matrix(expr).flat()]
    except (DomainError, ValueError):
        return []


def is_defined(program: Program, sizes: Mapping[str, int]) -> bool:
    """Return whether a program has a value anywhere at sizes: the inverse of X.T @ X has none where
    X has fewer rows than columns.

    A few points are tried, with matrices that are far from singular where they can be.
    """
    cells = Cells()

    def matrix(name: str, seed: int) -> Table:
        extents = program.leaves[name].shape.extents(sizes)
        cells.spend(*extents)
        return Table.of(
            extents, lambda i, j: (7 * i + 3 * j + 5 * i * j + seed) % 11 - 4 + 9 * (i == j)
        )

    with precision():
        points = (
            {name: matrix(name, k * seed) for k, name in enumerate(program.inputs, 1)}
            for seed in range(6)
        )
        return any(_has_values(program, sizes, point) for point in points)


def _has_values(program: Program, sizes: Mapping[str, int], values: Mapping[str, Rows]) -> bool:
    known = {name: Table(rows).map(interval) for name, rows in values.items()}
    work = Numbers(sizes, known, Enclosing())
    try:
        for statement in program.statements:
            known[statement.name] = work.matrix(statement.expr)
            for node in nodes(statement.expr):
                if node.op is DET:  # it is differentiated by an inverse
                    work.matrix(INV(node.args[0]))
    except DomainError:
        return False
    return True
