"""What a proof is made of to boxes: expressions, scalars, entries, matrices written out.

The sides of steps enter, layout leaves. The law: entries that differ in their indices alone share
one layout, so that a matrix written out costs what its characters cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from derive import ops
from derive.calculus.index import (
    Index,
    Scalar,
    free_indices,
    mul,
    num,
    numbering,
    place_of,
    rename,
    written_out,
)
from derive.expressions.expr import Condition, Expr, number, unrepeated
from derive.expressions.layout import Box, frac, is_sum, num as digits, op, paren, row, sub
from derive.expressions.shape import Dim, Pair, Product, Shape, extent
from derive.notation.displays import matrix_of, shortened
from derive.notation.formulas import factors, is_scaling, scalar_of
from derive.notation.names import Style
from derive.notation.terms import Terms
from derive.ops import var
from derive.ops.elementwise import MUL
from derive.ops.reduction import COLS, ROWS
from derive.proof.derivation import EntryOf, Explicit, Grid, Math, Slice
from derive.proof.sizes import Relation
from derive.readings.terms import Entries


class Notation(Terms):
    """The writing of one derivation in one style."""

    # -- anything ----------------------------------------------------------------------------------

    def math(self, math: Math, shapes: bool = False) -> Box:
        """Return what fits on a line: an expression, a scalar, an entry, a slice."""
        return self._keep(("math", shapes), math, lambda: self._math(math, shapes))

    def _math(self, math: Math, shapes: bool) -> Box:
        match math:
            case Scalar():
                return self.scalar(math)
            case Expr():
                return self.expr(math, shapes)
            case EntryOf():
                return self._entry_of(*math)
            case Slice(of, wrt):
                top = row(op("partial"), self.leaf(of.data[0]))
                return frac(top, row(op("partial"), self.scalar(wrt)))
            case Explicit(expr):
                return self.explicit(expr)
            case Grid():
                return self.cells(math)
        raise AssertionError(f"no layout for {math}")

    def sized(self, math: Math) -> Box:
        """Return mathematics at the document's sizes: a long sum is shortened."""
        return self.written_sum(math) if isinstance(math, Scalar) else self.math(math)

    def _entry_of(self, expr: Expr, place: tuple[Index, ...]) -> Box:
        box = self.expr(expr)
        kept = [k for k, dim in zip(place, expr.shape.dims, strict=True) if dim != 1]
        if not kept:
            return box
        return sub(paren(box), row(*(self.index(k) for k in kept)))

    def relation(self, relation: Relation) -> Box:
        """Return a relation between sizes as mathematics."""
        sign = {"≥": "at-least", ">": "greater", "≠": "differs"}[relation.relation]
        return row(self.expr(relation.left), op(sign), self.expr(relation.right))

    def condition(self, condition: Condition) -> tuple[str, list[Box]]:
        """Return the kind of a hypothesis and what it speaks of."""
        return condition.kind, [self.expr(unrepeated(arg)) for arg in condition.args]

    # -- written-out matrices ----------------------------------------------------------------------

    def cells(self, grid: Grid) -> Box:
        """Return a matrix's entries, those that elision leaves; one alone is no matrix."""
        return self._keep(("cells",), grid, lambda: self._cells(grid))

    def _cells(self, grid: Grid) -> Box:
        rows, cols = grid.leaf.shape.extents(self.sizes)
        write = self.writer(grid)
        if rows == cols == 1:
            return write(0, 0)
        return matrix_of(rows, cols, write, self.style.elide, self.style.brackets)

    def writer(self, grid: Grid) -> Callable[..., Box]:
        """Return what writes an entry of a matrix at its place.

        Entries that differ only in their indices share one layout, so the cost of a written-out
        matrix is the cost of its characters.
        """
        summands = _uniform(grid.tree)
        if summands is None or any(isinstance(dim, Product) for dim in grid.leaf.shape.dims):
            return lambda *place: self.written_sum(self._at(grid, place))
        boxes: list[Box] = []
        for summand in summands:
            terms = self._terms(*summand, grid.words)
            for k in self.shown(len(terms)):
                boxes += [op("plus")] if boxes else []
                boxes.append(op("cdots") if k is None else terms[k])
        whole, base, words = row(*boxes), self.style.base, " ".join(grid.words)
        return lambda *place: Box("filled", (whole, *[digits(k + base) for k in place]), words)

    def _terms(
        self, loops: tuple[tuple[str, Dim], ...], body: Scalar, places: tuple[str, ...]
    ) -> list[Box]:
        """Return a term for all values of its loops, with slots for the place."""
        words = {k for k in free_indices(body) if isinstance(k, str)} | {k for k, _ in loops}
        slotted = rename(_at_sizes(body, self.sizes), {k: f"\x01{k}" for k in words})
        template = self.scalar(slotted)
        if not loops:
            return [template]
        names = " ".join((*places, *(index for index, _ in loops)))
        slots = [Box("slot", text=place) for place in places]
        base = self.style.base
        ranges = (range(base, extent(dim, self.sizes) + base) for _, dim in loops)
        return [Box("filled", (template, *slots, *map(digits, k)), names) for k in product(*ranges)]

    def written_sum(self, term: Scalar) -> Box:
        """Return a written-out scalar, with dots in the middle of a long run of like terms."""
        if term.kind != "add":
            return self.scalar(term)
        box = self._keep(("sum",), term, lambda: self.scalar(term))
        return shortened(box, self.style.elide) if self.style.elide else box

    def _at(self, grid: Grid, place: tuple[int, ...]) -> Scalar:
        def put_in() -> Scalar:
            names = numbering(grid.words, grid.leaf.shape, place, self.sizes)
            return written_out(grid.tree, names, self.sizes)

        return self._keep(("at", *place), grid, put_in)

    def explicit(self, expr: Expr) -> Box:
        """Return an expression whose operands are matrices written out, and the signs between."""
        return self._keep(("explicit",), expr, lambda: row(*self._explicit(expr)))

    def _explicit(self, expr: Expr) -> list[Box]:
        match expr.op:
            case ops.MATMUL:
                return [*self._factor(expr.args[0]), *self._factor(expr.args[1])]
            case ops.SUM if expr.data == ROWS:
                ones = self._all_ones(Shape(1, expr.args[0].shape.rows))
                return [ones, *self._factor(expr.args[0])]
            case ops.SUM if expr.data == COLS:
                ones = self._all_ones(Shape(expr.args[0].shape.cols, 1))
                return [*self._factor(expr.args[0]), ones]
            case ops.MUL | ops.DIV if not expr.shape.is_scalar:
                return self._explicit_product(expr)
        return [self._written(expr)]

    def _explicit_product(self, expr: Expr) -> list[Box]:
        """Return scalars in front of the one or more matrices that are multiplied entrywise."""
        above, below = factors(expr)
        matrices = [x for x in above if not is_scaling(x, expr)]
        if any(not is_scaling(x, expr) for x in below) or not matrices:
            return [self._written(expr)]
        parts: list[Box] = []
        for factor in matrices:
            parts += [op("odot")] if parts else []
            parts += self._factor(factor)
        if len(parts) == 1:
            return [self._written(expr)]
        scalars = [scalar_of(x) for x in above if is_scaling(x, expr)]
        divisors = [scalar_of(x) for x in below if is_scaling(x, expr)]
        if not scalars and not divisors:
            return parts
        front = number(1)
        for x in scalars:
            front = front * x if front is not number(1) else x
        for x in divisors:
            front = front / x
        wrapped = [paren(row(*parts))] if len(matrices) > 1 else parts
        return [self.expr(front), *wrapped]

    def _factor(self, expr: Expr) -> list[Box]:
        inner = self._explicit(expr)
        needs = len(inner) > 1 and expr.op is MUL
        return [paren(row(*inner))] if needs else inner

    def _all_ones(self, shape: Shape) -> Box:
        rows, cols = shape.extents(self.sizes)
        one = digits(1)
        if rows == cols == 1:
            return one
        return matrix_of(rows, cols, lambda i, j: one, self.style.elide, self.style.brackets)

    def _written(self, expr: Expr) -> Box:
        """Return the entries of an expression, by the definitions of its operators."""
        letters = self.derivation.letters
        tree = Entries(letters.bound).of(expr, *place_of(expr.shape, letters.variable))
        box = self.cells(Grid(tree, letters.variable, var("any", expr.shape)))
        return paren(box) if is_sum(box) else box


def _at_sizes(term: Scalar, sizes: Mapping[str, int]) -> Scalar:
    """Return a term with its dimensions as numbers, sums left alone."""
    if term.kind == "size":
        return num(sizes.get(term.data, term.data))
    if not term.args or term.kind == "sum":
        return term
    args = tuple(_at_sizes(arg, sizes) for arg in term.args)
    if term.kind == "mul":
        return mul(*args)
    if term.kind == "pow":
        return args[0] ** term.data
    return Scalar(term.kind, args, term.data)


def _uniform(tree: Scalar) -> list[tuple[tuple[tuple[str, Dim], ...], Scalar]] | None:
    """Return a tree as sums of like products, or `None` where entries may differ in form."""
    summands = []
    for term in tree.args if tree.kind == "add" else (tree,):
        loops: list[tuple[str, Dim]] = []
        body = term
        while body.kind == "sum":
            loops.append(body.data)
            body = body.args[0]
        if body.kind == "add" or not _is_plain(body):
            return None
        summands.append((tuple(loops), body))
    return summands


def _is_plain(body: Scalar) -> bool:
    """Whether a product is of entries of different matrices, so that nothing in it can combine."""
    factors = body.args if body.kind == "mul" else (body,)
    names = [f.data[0] for f in factors if f.kind == "entry"]
    if len(names) != len(set(names)):
        return False
    if any(isinstance(k, Pair) for f in factors if f.kind == "entry" for k in f.data):
        return False
    return all(f.kind in ("entry", "size") or (f.kind == "num" and f.data > 0)
               or (f.kind == "pow" and f.args[0].kind == "size") for f in factors)  # fmt: skip


__all__ = ["Notation", "Style"]
