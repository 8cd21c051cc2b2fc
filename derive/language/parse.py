"""Text to program, through a whitelist of Python's syntax tree.

What enters is the user's text, what leaves is a `Program` whose shapes are stated in words: a size
that the user wrote as a number becomes a word with that number remembered, so that every theorem is
about every shape. A 1 stays a 1: it means a row, a column or a scalar. A dimension may be a
product, `n * m`, as those of `kron(A, B)` and `vec(A)` are; the order of its factors is the order
of the entries, which `unvec` and the gradients `kron_left` and `kron_right` take apart again.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any

from derive.expressions.errors import ParseError, Place, ShapeError
from derive.expressions.expr import Expr, nodes
from derive.expressions.limits import during
from derive.expressions.program import Program, Statement
from derive.expressions.shape import (
    SCALAR,
    Dim,
    Product,
    Shape,
    count,
    factors,
    first_clash,
    substituted,
    times,
    words,
)
from derive.language.scope import FUNCTIONS, Scope, bad_dimension, dimension
from derive.language.syntax import NAME, Source, target
from derive.ops import var
from derive.ops.elementwise import is_mask
from derive.ops.linear import NUMBER
from derive.ops.unspecified import left_open

Shapes = Mapping[str, "Shape | tuple[Dim, ...] | str"]

#: What stands for the shape of a function that is left open: it is applied to each entry.
ENTRYWISE = "entrywise"
_FRESH = ("n", "d", "m", "k", "p", "q", "r", "s", "t", "h", "u", "v")


@during("reading")
def parse(
    text: str, shapes: Shapes | None = None, *, name: str = "", named: Iterable[str] = ()
) -> Program:
    """Return the program that a text states.

    >>> program = parse("X: (n, d); W: (d, 3); Y = X @ W")
    >>> program.output.shape, program.dims, dict(program.sizes)
    (Shape(rows='n', cols='m'), ('n', 'd', 'm'), {'m': 3})

    `shapes` gives shapes beside the text, by name, and `named` names that stand elsewhere too, as
    those of values do: they are no misspellings. Raises `ParseError` with the place where the text
    leaves the language, `ShapeError` where shapes do not fit.
    """
    reader = _Reader(text, shapes or {}, name, frozenset(named))
    program = reader.build({})  # in the user's own numbers, so that errors speak of them
    numbers = reader.numbers()
    slots: dict[str, Dim] = {slot: slot for slot in numbers}
    if not slots:
        return program
    while slots:
        try:
            reader.build(slots)
            break
        except ShapeError as error:
            slots = _merged(slots, error, numbers)
    return reader.build(reader.worded(slots))


#: What a name that has a meaning stands for where a claim states it again: its name, and what the
#: claim says it is; `None` where it must not be stated.
Restated = Callable[[str, Expr], Expr | None]


def parse_claim(
    text: str,
    leaves: Mapping[str, Expr],
    symbols: Iterable[str] | Mapping[str, Dim],
    restated: Restated | None = None,
    functions: Iterable[str] = (),
) -> tuple[str, Expr]:
    """Return what a claim speaks of and what it says: `dX = dY @ W.T` over a program's names.

    `leaves` are the names that may be used, `symbols` the dimensions, or what they stand for, and
    `functions` those that are left open.
    Statements before the last are put in; `restated` says what becomes of one whose name has a
    meaning already. Raises `ParseError` with the place where the text is no claim.
    """
    source = Source.read(text)
    known = symbols if isinstance(symbols, Mapping) else {word: word for word in symbols}
    _Declared(source, claim=True)
    scope = Scope(source, dict(leaves), known, closed=True, functions=frozenset(functions))
    for node in source.body:
        if not isinstance(node, ast.Assign):
            raise source.error(node, "a claim is an equation: dX = ...")
        name = target(node)
        if node is source.body[-1]:
            return name, scope.read(node.value)
        meant: Expr | None = scope.read(node.value)
        if name in scope.leaves:
            meant = restated(name, meant) if restated and meant else None
        if meant is None:
            raise source.error(node, f"{name} has a meaning already; choose another name")
        scope.leaves[name] = meant
    raise ParseError("there is no claim: write something such as dX = dY @ W.T")


def _merged(slots: dict[str, Dim], error: ShapeError, numbers: Mapping[str, int]) -> dict[str, Dim]:
    """Return the slots with the two that had to be equal made one; a number wins over a word."""
    clash = first_clash(*error.clash) if error.clash else (0, 0)
    first, second = sorted(clash, key=lambda dim: isinstance(dim, str))
    # a product against a number, or against another product
    if Product in map(type, clash) and not isinstance(second, str):
        known = {slot: n for slot, n in numbers.items() if slot in words(first, second)}
        if known:
            return {slot: substituted(dim, known) for slot, dim in slots.items()}
    if not isinstance(second, str) or second not in words(*slots.values()):
        raise error
    if second in factors(first):  # n = n * m holds for m = 1 alone
        raise error
    return {slot: substituted(word, {second: first}) for slot, word in slots.items()}


class _Declared:
    """The shapes that a source declares, and those given beside it; its names are checked."""

    def __init__(self, source: Source, given: Shapes | None = None, claim: bool = False):
        self.source = source
        self.claim = claim
        self.functions: dict[str, None] = {}
        self.shapes = dict(self._shapes(given or {}))
        self.assigned = [target(s) for s in source.body if isinstance(s, ast.Assign)]
        self.symbols = dict.fromkeys(
            word for shape in self.shapes.values() for word in words(*shape.dims)
        )
        for name in (*self.shapes, *self.functions, *self.assigned):
            if problem := self._problem(name):
                message, hint, last = problem
                raise ParseError(message, place=self._where(name, last), hint=hint)

    def _shapes(self, given: Shapes) -> Iterator[tuple[str, Shape]]:
        seen: dict[str, Shape] = {}
        for node in self.source.body:
            if not isinstance(node, ast.AnnAssign):
                continue
            if not isinstance(node.target, ast.Name) or node.value is not None:
                message = "a shape stands alone: write X: (n, d), then Y = ..."
                raise self.source.error(node, message)
            name = node.target.id
            if isinstance(node.annotation, ast.Name) and node.annotation.id == ENTRYWISE:
                self.functions[name] = None
                continue
            shape = self._shape(node.annotation)
            if seen.setdefault(name, shape) != shape:
                message = f"{name} has two shapes: {seen[name]} before, {shape} here"
                raise self.source.error(node, message, ShapeError)
            yield name, shape
        for name, dims in given.items():
            if dims == ENTRYWISE:
                self.functions[name] = None
                continue
            shape = _given_shape(name, dims)
            if seen.get(name, shape) != shape:
                raise ShapeError(
                    f"{name} has two shapes: {seen[name]} in the text, {shape} beside it"
                )
            yield name, shape

    def _shape(self, node: ast.expr) -> Shape:
        if isinstance(node, ast.List | ast.Set | ast.Call | ast.Subscript | ast.Dict):
            raise self.source.error(node, "a shape is written in round brackets: (n, d)")
        dims = node.elts if isinstance(node, ast.Tuple) else [node]
        if len(dims) not in (0, 2):
            raise self.source.error(
                node,
                f"a shape has rows and columns, this one has {count(len(dims), 'dimension')}",
                hint="write (n, 1) for a column, (1, n) for a row, () for a scalar",
            )
        return Shape(*(dimension(self.source, dim) for dim in dims)) if dims else SCALAR

    def _problem(self, name: str) -> tuple[str, str | None, bool] | None:
        """Return what is wrong with a name, a hint, and whether its last place is meant."""
        if not NAME.match(name):
            return f"{name} is not a name", "a name begins with a letter", False
        if name in FUNCTIONS:
            return f"{name} is a function; choose another name", None, False
        of = name[1:].lstrip("0123456789")
        if name[0] == "d" and of in self.functions:
            return f"{name} is a derivative of {of}", "choose another name", False
        if name in self.functions and name in {*self.shapes, *self.assigned}:
            other = "has a shape" if name in self.shapes else "is assigned"
            return f"{name} is a function, and {other} as well", "choose another name", False
        if name in self.functions and name in self.symbols:
            return f"{name} is both a dimension and a function", "choose another name", False
        if name in self.symbols:
            message = f"{name} is both a dimension and a variable; give one of them another name"
            return message, None, False
        if name[0] == "d" and name[1:] in {*self.shapes, *self.assigned} and not self.claim:
            message = f"{name} is the gradient of the loss with respect to {name[1:]}"
            return f"{message}; choose another name", None, False
        if name in self.shapes and name in self.assigned:
            hint = "the shape of an assigned name follows from its formula"
            return f"{name} has a shape as an input and is assigned as well", hint, False
        if self.assigned.count(name) > 1:
            hint = "give every value a name of its own, so that the proof can speak of it"
            return f"{name} is assigned twice", hint, True
        return None

    def _where(self, name: str, last: bool) -> Place | None:
        found = [self.source.place(node) for node in self.source.names() if node.id == name]
        return found[-1 if last else 0] if found else None


class _Reader:
    """One text with its shapes; `build` makes programs of it."""

    def __init__(self, text: str, given: Shapes, name: str, named: frozenset[str]):
        written = Source.read(text)
        self.declared = _Declared(written, given)
        self.source = written.in_order()
        self.name = name
        self.named = named
        self.reordered = self.source.body != written.body

    def numbers(self) -> dict[str, int]:
        """Return every size above 1 that the user wrote as a number, by a slot of its own."""
        return {
            f"{name}.{axis}": dim
            for name, shape in self.declared.shapes.items()
            for axis, dim in enumerate(shape.dims)
            if isinstance(dim, int) and dim > 1
        }

    def worded(self, slots: dict[str, Dim]) -> dict[str, Dim]:
        """Return a readable word for each class of slots that had to be equal."""
        used = (node.id for node in self.source.names())
        taken = {*self.declared.functions, *self.declared.shapes, *self.declared.symbols, *used}
        free = chain((w for w in _FRESH if w not in taken), (f"n_{k}" for k in range(2, 999)))
        classes = (word for word in dict.fromkeys(words(*slots.values())) if word in slots)
        found: dict[str, Dim] = {word: next(free) for word in classes}
        return {slot: substituted(dim, found) for slot, dim in slots.items()}

    def build(self, worded: dict[str, Dim]) -> Program:
        """Return the program, with each slot's number replaced by its word."""
        leaves: dict[str, Expr] = {}
        for name, shape in self.declared.shapes.items():
            dims = (worded.get(f"{name}.{axis}", dim) for axis, dim in enumerate(shape.dims))
            leaves[name] = var(name, Shape(*dims))
        symbols: dict[str, Dim] = {word: word for word in self.declared.symbols}
        functions = self.declared.functions
        scope = Scope(self.source, leaves, symbols, known=self.named, functions=functions)
        statements = []
        for node in self.source.body:
            if isinstance(node, ast.AnnAssign):
                continue
            name, expr = self._statement(node, scope)
            statements.append(Statement(name, expr))
            leaves[name] = var(name, expr.shape)
            if is_mask(expr):
                scope.masks.add(name)
        if not statements:
            raise ParseError("there is no formula: write something such as Y = X @ W + B")
        assigned = {s.name for s in statements}
        numbers = self.numbers()
        return Program(
            text=self.source.text,
            name=self.name or statements[-1].name,
            statements=tuple(statements),
            leaves=leaves,
            inputs=tuple(n for n in leaves if n not in assigned),
            dims=tuple(dict.fromkeys(w for x in leaves.values() for w in words(*x.shape.dims))),
            sizes={word: numbers[slot] for slot, word in worded.items() if isinstance(word, str)},
            reordered=self.reordered,
            functions=tuple(left_open(s.expr for s in statements)),
            numerals={
                value: scope.numerals[value]
                for value in sorted(_numbers(statements))
                if value in scope.numerals
            },
        )

    def _statement(self, node: ast.stmt, scope: Scope) -> tuple[str, Expr]:
        if isinstance(node, ast.Assign):
            return target(node), scope.read(node.value)
        if node is not self.source.body[-1]:
            raise self.source.error(node, "this value is not used; give it a name: Z = ...")
        assert isinstance(node, ast.Expr)
        expr = scope.read(node.value)
        wanted = ("L", "J", "f") if expr.shape.is_scalar else ("Y", "Z", "F")
        return next(name for name in (*wanted, "Y_out") if name not in scope.leaves), expr


def _numbers(statements: Iterable[Statement]) -> set[Fraction]:
    """Return the numbers that stand alone in statements, exponents not among them."""
    return {abs(node.data) for s in statements for node in nodes(s.expr) if node.op is NUMBER}


# -- shapes that are given beside the text ---------------------------------------------------------


def _given_shape(name: str, dims: Shape | tuple[Dim, ...] | str) -> Shape:
    if isinstance(dims, Shape):
        return dims
    if not isinstance(dims, tuple | list):
        raise ShapeError(f"the shape of {name} is {dims!r}, a pair such as (2, 'd') is expected")
    if len(dims) not in (0, 2):
        raise ShapeError(f"the shape of {name} has {len(dims)} dimensions, two are expected")
    return Shape(*(_given_dim(name, dim) for dim in dims)) if dims else SCALAR


def _given_dim(name: str, dim: Any) -> Dim:
    """Return a dimension: a name, a whole number, or as text a product of these, `n * m`."""
    if isinstance(dim, str) and "*" in dim:
        found = (factor.strip() for factor in dim.split("*"))
        return times(*(_given_dim(name, int(f) if f.isdecimal() else f) for f in found))
    if type(dim) is int and (problem := bad_dimension(dim)):
        raise ShapeError(f"{name}: {problem}")
    if type(dim) is int or isinstance(dim, Product) or (isinstance(dim, str) and NAME.match(dim)):
        return dim
    raise ShapeError(f"{name}: {dim!r} is neither a name nor a whole number")
