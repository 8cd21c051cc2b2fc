"""Text to program, through a whitelist of Python's syntax tree; nothing is ever evaluated.

What enters is the user's text, what leaves is a `Program` whose shapes are stated in words: a size
that the user wrote as a number becomes a word with that number remembered, so that every theorem is
about every shape. A 1 stays a 1: it means a row, a column or a scalar. A dimension may be a
product, `n * m`, as those of `kron(A, B)` and `vec(A)` are; the order of its factors is the order
of the entries, which `unvec` and the gradients `kron_left` and `kron_right` take apart again.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from typing import Any

from derive.expressions.errors import DeriveError, ParseError, Place, ShapeError
from derive.expressions.expr import (
    OPS,
    Expr,
    Op,
    broadcast_to,
    elementwise,
    extent_of,
    nodes,
    number,
)
from derive.expressions.program import Program, Statement, nearest
from derive.expressions.shape import (
    SCALAR,
    Dim,
    Product,
    Shape,
    factors,
    first_clash,
    substituted,
    times,
    words,
)
from derive.language.spelling import BY_ROWS, Whole, in_the_language, with_options
from derive.ops import var
from derive.ops.elementwise import is_mask, marks_winner, power

#: A longer or deeper text is refused before anything else is done with it.
LONGEST, DEEPEST, LARGEST = 50_000, 200, 10**9
#: A number with more binary digits than this is refused before it is computed.
LONGEST_NUMBER = 4_000

Shapes = Mapping[str, "Shape | tuple[Dim, ...]"]
Located = ast.stmt | ast.expr

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_INFIX = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.MatMult: "matmul", ast.Div: "div"}
_FRESH = ("n", "d", "m", "k", "p", "q", "r", "s", "t", "h", "u", "v")
_CHARACTER_HINTS = {
    "ᵀ": "for a transpose write X.T",
    "²": "for an entrywise power write X ** 2",
    "×": "for a product write @ (matrices) or * (entrywise)",
    "·": "for a product write @ (matrices) or * (entrywise)",
    "⊙": "for the entrywise product write *",
    "−": "this is a typographic minus; write -",
    "\ufeff": "this is a byte order mark; save the text as UTF-8 without one",
    "\\": "LaTeX commands are not read; write alpha for a Greek letter",
}
_SYNTAX_HINTS: dict[type, str] = {
    ast.FloorDiv: "// rounds, which has no gradient; write / for division",
    ast.BitXor: "for a transpose write X.T, for a power write X ** 2",
    ast.Mod: "% has no place here",
    ast.Lambda: "functions cannot be defined; write the formula itself",
    ast.ListComp: "write sum(...), or matrix products, instead of a loop",
    ast.GeneratorExp: "write sum(...), or matrix products, instead of a loop",
    ast.Subscript: "entries cannot be picked out; a product with a matrix of 0 and 1 can do it",
    ast.IfExp: "write max(a, b), or a mask such as X > 0",
    ast.BoolOp: "multiply masks instead",
}


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
    reader = _Reader(text, dict(shapes or {}), name, named)
    reader.put_in_order()
    program = reader.build({})  # in the user's own numbers, so that errors speak of them
    slots: dict[str, Dim] = {slot: slot for slot in reader.slots()}
    if not slots:
        return program
    while slots:
        try:
            reader.build(slots)
            break
        except ShapeError as error:
            slots = _merged(slots, error, reader.slots())
    return reader.build(reader.words(slots))


#: What a name that has a meaning stands for where a claim states it again: its name, and what the
#: claim says it is; `None` where it must not be stated.
Restated = Callable[[str, Expr], Expr | None]


def parse_claim(
    text: str,
    leaves: Mapping[str, Expr],
    symbols: Iterable[str] | Mapping[str, Dim],
    restated: Restated | None = None,
) -> tuple[str, Expr]:
    """Return what a claim speaks of and what it says: `dX = dY @ W.T` over a program's names.

    `leaves` are the names that may be used, `symbols` the dimensions, or what they stand for.
    Statements before the last are put in; `restated` says what becomes of one whose name has a
    meaning already. Raises `ParseError` with the place where the text is no claim.
    """
    reader = _Reader(text, {}, "", claim=True)
    known = symbols if isinstance(symbols, Mapping) else {word: word for word in symbols}
    scope = _Scope(reader, dict(leaves), known, closed=True)
    for node in reader.body:
        if not isinstance(node, ast.Assign):
            raise reader.error(node, "a claim is an equation: dX = ...")
        name = _target(node)
        if node is reader.body[-1]:
            return name, scope.read(node.value)
        meant: Expr | None = scope.read(node.value)
        if name in scope.leaves:
            meant = restated(name, meant) if restated and meant else None
        if meant is None:
            raise reader.error(node, f"{name} has a meaning already; choose another name")
        scope.leaves[name] = meant
    raise ParseError("there is no claim: write something such as dX = dY @ W.T")


def _merged(slots: dict[str, Dim], error: ShapeError, numbers: Mapping[str, int]) -> dict[str, Dim]:
    """Return the slots with the two that had to be equal made one; a number wins over a word."""
    clash = first_clash(*error.clash) if error.clash else (0, 0)
    first, second = sorted(clash, key=lambda dim: isinstance(dim, str))
    # a product against a number, or against another product
    if Product in map(type, clash) and not isinstance(
        second, str
    ):  # a product against a number, or against another product
        known = {slot: n for slot, n in numbers.items() if slot in words(first, second)}
        if known:
            return {slot: substituted(dim, known) for slot, dim in slots.items()}
    if not isinstance(second, str) or second not in words(*slots.values()):
        raise error
    if second in factors(first):  # n = n * m holds for m = 1 alone
        raise error
    return {slot: substituted(word, {second: first}) for slot, word in slots.items()}


class _Reader:
    """One text, its syntax tree and the declared shapes; `build` makes programs of it."""

    def __init__(
        self,
        text: str,
        given: dict[str, Shape | tuple[Dim, ...]],
        name: str,
        named: Iterable[str] = (),
        claim: bool = False,
    ):
        self.text = text
        self.claim = claim
        self.name = name
        self.named = frozenset(named)
        self.body = _syntax(text)
        self.uses = Counter(n.id for s in self.body for n in ast.walk(s) if isinstance(n, ast.Name))
        self.reordered = False
        self.declared = dict(self._declarations(given))
        self.assigned = [_target(s) for s in self.body if isinstance(s, ast.Assign)]
        self.symbols = dict.fromkeys(
            word for shape, _ in self.declared.values() for word in words(*shape.dims)
        )
        self._check_names()

    def put_in_order(self) -> None:
        """Put each statement after those whose names it uses."""
        written, self.body = self.body, _in_order(self.body, self.text)
        self.reordered = self.body != written

    # -- declarations ------------------------------------------------------------------------------

    def _declarations(self, given: Shapes) -> Iterator[tuple[str, tuple[Shape, Place | None]]]:
        seen: dict[str, Shape] = {}
        for node in self.body:
            if not isinstance(node, ast.AnnAssign):
                continue
            if not isinstance(node.target, ast.Name) or node.value is not None:
                raise self.error(node, "a shape stands alone: write X: (n, d), then Y = ...")
            shape = self._shape(node.annotation)
            name = node.target.id
            if seen.setdefault(name, shape) != shape:
                raise self.error(
                    node, f"{name} has two shapes: {seen[name]} before, {shape} here", ShapeError
                )
            yield name, (shape, self.place(node.target))
        for name, dims in given.items():
            shape = _given_shape(name, dims)
            if name in seen and seen[name] != shape:
                raise ShapeError(
                    f"{name} has two shapes: {seen[name]} in the text, {shape} beside it"
                )
            yield name, (shape, None)

    def _shape(self, node: ast.expr) -> Shape:
        if isinstance(node, ast.List | ast.Set | ast.Call | ast.Subscript | ast.Dict):
            raise self.error(node, "a shape is written in round brackets: (n, d)")
        dims = node.elts if isinstance(node, ast.Tuple) else [node]
        if len(dims) == 0:
            return SCALAR
        if len(dims) != 2:
            raise self.error(
                node,
                f"a shape has rows and columns, this one has {len(dims)} dimension"
                + ("s" if len(dims) > 1 else ""),
                hint="write (n, 1) for a column, (1, n) for a row, () for a scalar",
            )
        rows, cols = (self._dim(dim) for dim in dims)
        return Shape(rows, cols)

    def _dim(self, node: ast.expr) -> Dim:
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
        if isinstance(inner, ast.Constant) and type(inner.value) is int:
            value = -inner.value if negative else inner.value
            problem = _bad_dimension(value)
            if problem:
                raise self.error(node, problem, ShapeError)
            return value
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return times(self._dim(node.left), self._dim(node.right))
        raise self.error(
            node, "a dimension is a name, a positive whole number, or a product of these"
        )

    def _check_names(self) -> None:
        names = [*self.declared, *self.assigned]
        known, times = set(names), Counter(self.assigned)
        for name in names:
            message, hint = "", None
            if not NAME.match(name):
                message, hint = f"{name} is not a name", "a name begins with a letter"
            elif name in FUNCTIONS:
                message = f"{name} is a function; choose another name"
            elif name in self.symbols:
                message = (
                    f"{name} is both a dimension and a variable; give one of them another name"
                )
            elif name.startswith("d") and name[1:] in known and not self.claim:
                message = (
                    f"{name} is the gradient of the loss with respect to {name[1:]}; "
                    "choose another name"
                )
            if message:
                raise ParseError(message, place=self._where(name), hint=hint)
        for name in self.assigned:
            if name in self.declared:
                raise ParseError(
                    f"{name} has a shape as an input and is assigned as well",
                    place=self._where(name),
                    hint="the shape of an assigned name follows from its formula",
                )
            if times[name] > 1:
                raise ParseError(
                    f"{name} is assigned twice", place=self._where(name, last=True),
                    hint="give every value a name of its own, so that the proof can speak of it",
                )  # fmt: skip

    def _where(self, name: str, last: bool = False) -> Place | None:
        found = [
            self.place(node)
            for statement in self.body
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and node.id == name
        ]
        return found[-1 if last else 0] if found else None

    # -- numbers as words --------------------------------------------------------------------------

    def slots(self) -> dict[str, int]:
        """Return every size above 1 that the user wrote as a number, by a slot of its own."""
        return {
            f"{name}.{axis}": dim
            for name, (shape, _) in self.declared.items()
            for axis, dim in enumerate(shape.dims)
            if isinstance(dim, int) and dim > 1
        }

    def words(self, slots: dict[str, Dim]) -> dict[str, Dim]:
        """Return a readable word for each class of slots that had to be equal."""
        taken = {*self.declared, *self.assigned, *self.symbols, *_names(self.body)}
        free = chain((w for w in _FRESH if w not in taken), (f"n_{k}" for k in range(2, 999)))
        classes = (word for word in dict.fromkeys(words(*slots.values())) if word in slots)
        found: dict[str, Dim] = {word: next(free) for word in classes}
        return {slot: substituted(dim, found) for slot, dim in slots.items()}

    # -- the program -------------------------------------------------------------------------------

    def build(self, named: dict[str, Dim]) -> Program:
        """Return the program, with each slot's number replaced by its word."""
        numbers = self.slots()
        leaves: dict[str, Expr] = {}
        for name, (shape, _) in self.declared.items():
            dims = (named.get(f"{name}.{axis}", dim) for axis, dim in enumerate(shape.dims))
            leaves[name] = var(name, Shape(*dims))
        scope = _Scope(self, leaves, {word: word for word in self.symbols})
        statements = []
        for node in self.body:
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
        inputs = tuple(n for n in leaves if n not in assigned)
        symbols = dict.fromkeys(
            word for leaf in leaves.values() for word in words(*leaf.shape.dims)
        )
        sizes = {word: numbers[slot] for slot, word in named.items() if isinstance(word, str)}
        return Program(
            text=self.text,
            name=self.name or statements[-1].name,
            statements=tuple(statements),
            leaves=leaves,
            inputs=inputs,
            dims=tuple(symbols),
            sizes=sizes,
            reordered=self.reordered,
        )

    def _statement(self, node: ast.stmt, scope: _Scope) -> tuple[str, Expr]:
        if isinstance(node, ast.Assign):
            return _target(node), scope.read(node.value)
        if node is not self.body[-1]:
            raise self.error(node, "this value is not used; give it a name: Z = ...")
        assert isinstance(node, ast.Expr)
        expr = scope.read(node.value)
        wanted = ("L", "J", "f") if expr.shape.is_scalar else ("Y", "Z", "F")
        return next(name for name in (*wanted, "Y_out") if name not in scope.leaves), expr

    # -- places ------------------------------------------------------------------------------------

    def place(self, node: Located) -> Place:
        return _place(self.text, node)

    def error(
        self,
        node: Located,
        message: str,
        kind: type[DeriveError] = ParseError,
        hint: str | None = None,
    ) -> DeriveError:
        return kind(message, place=self.place(node), hint=hint)


class _Scope:
    """The names known so far, and the reading of expressions over them."""

    def __init__(
        self,
        reader: _Reader,
        leaves: dict[str, Expr],
        symbols: Mapping[str, Dim],
        closed: bool = False,
    ):
        self.reader = reader
        self.closed = closed
        self.leaves = leaves
        self.symbols = symbols
        self.undeclared: set[str] = set()
        self.masks: set[str] = set()

    def read(self, node: ast.expr) -> Expr:
        method: Callable[[ast.expr], Expr] | None = getattr(
            self, f"_{type(node).__name__.lower()}", None
        )
        if method is None:
            raise self.reader.error(
                node, "this is not in the language", hint=_SYNTAX_HINTS.get(type(node))
            )
        try:
            return method(node)
        except DeriveError as error:  # its place is the innermost node that has one
            raise error.at(self.reader.place(node)) from None

    def _name(self, node: ast.Name) -> Expr:
        name = node.id
        if name in self.leaves:
            return self.leaves[name]
        if name in self.symbols:
            return extent_of(self.symbols[name])
        if name in FUNCTIONS:
            raise ParseError(f"{name} is a function: write {name}(...)")
        if name in self.reader.assigned:
            raise ParseError(f"{name} is defined by itself")
        if not NAME.match(name):
            raise ParseError(f"{name} is not a name", hint="a name begins with a letter")
        if self.closed:
            known = ", ".join(self.leaves)
            raise ParseError(
                f"unknown name {name}{nearest(name, self.leaves)}", hint=f"the program has {known}"
            )
        if name.startswith("d") and name[1:] in self.leaves:
            raise ParseError(f"{name} is a gradient, and cannot be used in the program itself")
        meant = self._misspelt(name)
        if meant:
            raise ParseError(
                f"unknown name {name}: did you mean {meant}?",
                hint=f"or declare it: {name}: () is a scalar",
            )
        self.leaves[name] = var(name, SCALAR)
        self.undeclared.add(name)
        return self.leaves[name]

    def _misspelt(self, name: str) -> str | None:
        """Return the name of which another that has no shape is a misspelling, if it is one.

        A name that stands in the text more than once, or beside it, is none: somebody means it.
        """
        reader = self.reader
        if name in reader.named or reader.uses[name] > 1 or len(_letters(name)) < 3:
            return None
        known = [k for k in (*reader.declared, *reader.assigned) if len(k) > 2]
        # w24 beside w14, n_1 beside p_1: no misspellings
        near = [k for k in known if _letters(k) != _letters(name) and _one_slip(k, name)]
        return near[0] if near else None

    def _constant(self, node: ast.Constant) -> Expr:
        if type(node.value) not in (int, float):
            raise ParseError("only numbers and names are read here")
        literal = _segment(self.reader.text, node).replace("_", "")
        mantissa, _, exponent = literal.lower().partition("e")
        if not re.fullmatch(r"\d*\.?\d*", mantissa) or len(literal) > 300:
            raise ParseError("write this number in decimals")
        if exponent and abs(int(exponent)) > 300:
            raise ParseError("this number is out of range", hint="exponents go up to 300")
        return number(Fraction(literal))

    def _whole(self, node: Whole) -> Expr:
        """Return a number that the reading of a library's call has put in."""
        assert isinstance(node.value, int)
        return number(node.value)

    def _unaryop(self, node: ast.UnaryOp) -> Expr:
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise ParseError("this is not in the language")
        value = self.read(node.operand)
        if isinstance(node.op, ast.UAdd):
            return value
        return number(-value.data) if value.name == "number" else -value

    def _binop(self, node: ast.BinOp) -> Expr:
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        if type(node.op) not in _INFIX:
            raise ParseError(
                "this operator is not in the language", hint=_SYNTAX_HINTS.get(type(node.op))
            )
        a, b = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.MatMult):
            return self._product(node, a, b)
        if isinstance(node.op, ast.Div) and b.name == "number" and b.data == 0:
            raise ParseError("division by zero")
        if a.name == b.name == "number":
            return _bounded(_FOLD[type(node.op)](a.data, b.data))
        try:
            return elementwise(_INFIX[type(node.op)], a, b)
        except ShapeError as error:
            raise ShapeError(
                f"{_brief(a)} is {a.shape} and {_brief(b)} is {b.shape}: these do not broadcast",
                clash=error.clash,
                hint=self._bindings(a, b) or "dimensions must be equal, or one of them 1",
            ) from None

    def _product(self, node: ast.BinOp, a: Expr, b: Expr) -> Expr:
        self._matrix(a, node.left)
        self._matrix(b, node.right)
        for value, side in ((a, node.left), (b, node.right)):
            if value.name in ("number", "dim"):
                raise self.reader.error(
                    side, f"{value} is a number, and @ multiplies matrices", hint="write * instead"
                )
        if a.shape.cols != b.shape.rows:
            raise ShapeError(
                f"{_brief(a)} @ {_brief(b)}: {_brief(a)} has {_count(a.shape.cols, 'column')}, "
                f"{_brief(b)} has {_count(b.shape.rows, 'row')}",
                clash=(a.shape.cols, b.shape.rows),
                hint=self._bindings(a, b),
            )
        return a @ b

    def _power(self, node: ast.BinOp) -> Expr:
        base, exponent = self.read(node.left), self.read(node.right)
        if exponent.name != "number":
            raise ParseError("the exponent must be a number", hint="write exp(b * log(a)) instead")
        value = exponent.data
        if abs(value) > 1000 or value.denominator > 1000:
            raise ParseError(f"the exponent {value} is out of range", hint="it goes up to 1000")
        if base.name == "number" and value.denominator == 1:
            if base.data == 0 and value < 0:
                raise ParseError("division by zero")
            if _length(base.data) * abs(int(value)) > LONGEST_NUMBER:
                raise _too_long()
            return number(base.data ** int(value))
        if value == 0:
            return broadcast_to(number(1), base.shape)
        return power(base, value)

    def _compare(self, node: ast.Compare) -> Expr:
        if len(node.ops) > 1:
            raise ParseError("comparisons cannot be chained", hint="write (a > b) * (b > c)")
        kind = type(node.ops[0])
        if kind not in (ast.Gt, ast.Lt, ast.GtE, ast.LtE, ast.Eq):
            raise ParseError("only >, <, >=, <= and == compare here")
        a, b = self.read(node.left), self.read(node.comparators[0])
        if kind is ast.Eq:
            of_zero = b.name == "number" and b.data == 0
            if not self.closed and not of_zero and not marks_winner(a, b):
                raise ParseError(
                    "== marks the winner of a maximum or a minimum, and nothing else",
                    hint="write X == max(X, axis=1), or a mask such as X > 0",
                )
            return elementwise("eq", a, b)
        if kind in (ast.Lt, ast.GtE):
            a, b = b, a
        mask = elementwise("gt", a, b)  # a >= b is 1 - (b > a), also at a tie
        return mask if kind in (ast.Gt, ast.Lt) else 1 - mask

    def _attribute(self, node: ast.Attribute) -> Expr:
        if node.attr != "T":
            raise ParseError(f".{node.attr} is not in the language", hint="the one attribute is .T")
        value = self.read(node.value)
        self._matrix(value, node.value)
        return value.T

    def _call(self, node: ast.Call) -> Expr:
        if isinstance(node.func, ast.Attribute):
            return self.read(in_the_language(node, {*self.leaves, *self.reader.assigned}))
        if not isinstance(node.func, ast.Name):
            raise ParseError("this call is not in the language")
        name = node.func.id
        if node.keywords and name in BY_ROWS:
            return self.read(with_options(node))
        reader = _SPECIAL.get(name)
        if reader is not None:
            return reader(self, node)
        op = OPS.get(name)
        if op is None or not _is_function(op):
            if name in self.leaves:
                raise ParseError(
                    f"{name} is a variable, not a function",
                    hint=f"for a product write {name} * (...)",
                )
            raise ParseError(f"unknown function {name}{nearest(name, FUNCTIONS)}")
        if name in BY_AXIS and (len(node.args) == 1 or node.keywords):
            return self._reduction(node)
        args = self._args(node, len(op.derivatives or op.pullbacks) or 1)
        if name == "where" and not (is_mask(args[0]) or str(args[0]) in self.masks):
            # NumPy takes a wherever c is not 0
            args = [elementwise("eq", args[0], number(0)), args[2], args[1]]
        if op.derivatives:
            return elementwise(name, *args) if len(args) > 1 else op(args[0])
        for value, place in zip(args, node.args, strict=True):
            self._matrix(value, place)
        try:
            return op(*args)
        except ShapeError as error:
            shown = ", ".join(map(_brief, args))
            raise ShapeError(f"{name}({shown}): {error.message}", clash=error.clash) from None

    def _args(self, node: ast.Call, expected: int) -> list[Expr]:
        name = _called(node)
        if node.keywords and name not in BY_AXIS:
            raise ParseError(f"{name} takes no option {node.keywords[0].arg}")
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                raise self.reader.error(arg, "this is not in the language")
        if len(node.args) != expected:
            raise ParseError(
                f"{name} takes {expected} argument{'s' if expected > 1 else ''}, "
                f"{len(node.args)} given"
            )
        return [self.read(arg) for arg in node.args]

    def _reduction(self, node: ast.Call) -> Expr:
        node = with_options(node)
        name, (arg,) = _called(node), self._args(node, 1)
        self._matrix(arg, node.args[0])
        axes = tuple(ast.literal_eval(option.value) for option in node.keywords)
        return BY_AXIS[name](arg, data=axes or None)

    def _constant_matrix(self, node: ast.Call) -> Expr:
        name = _called(node)
        expected = 1 if name == "eye" else 2
        if len(node.args) != expected or node.keywords:
            raise ParseError(f"{name} takes {expected} dimension{'s' if expected > 1 else ''}")
        dims = [self._known_dim(arg) for arg in node.args]
        return OPS[name](data=dims[0] if name == "eye" else Shape(*dims))

    def _with_shape(self, node: ast.Call) -> tuple[Expr, Shape]:
        """Return the arguments of a call that takes a matrix and a shape."""
        name = _called(node)
        shape = node.args[1] if len(node.args) == 2 and not node.keywords else None
        if not isinstance(shape, ast.Tuple) or len(shape.elts) != 2:
            raise ParseError(f"{name} takes a matrix and a shape: {name}(B, (n, m))")
        dims = [self._known_dim(dim) for dim in shape.elts]
        return self.read(node.args[0]), Shape(*dims)

    def _unvec(self, node: ast.Call) -> Expr:
        value, shape = self._with_shape(node)
        self._matrix(value, node.args[0])
        return OPS["unvec"](value, data=shape)

    def _broadcast(self, node: ast.Call) -> Expr:
        value, shape = self._with_shape(node)
        try:
            return broadcast_to(value, shape)
        except ValueError as error:
            raise ShapeError(str(error)) from None

    def _known_dim(self, node: ast.expr) -> Dim:
        dim = self.reader._dim(node)
        for word in words(dim):
            if word not in self.symbols:
                raise self.reader.error(
                    node,
                    f"{word} is not a dimension of any declared shape{nearest(word, self.symbols)}",
                )
        return substituted(dim, self.symbols)

    def _matrix(self, value: Expr, node: ast.expr) -> None:
        """Refuse a name without a shape where a matrix is meant."""
        if value.is_var and value.data[0] in self.undeclared:
            name = value.data[0]
            meant = nearest(name, [k for k in self.leaves if k != name])
            raise self.reader.error(
                node,
                f"{name} has no shape{meant}",
                hint=f"write {name}: (n, d) in the text, or -s {name}=n,d beside it",
            )

    def _bindings(self, *values: Expr) -> str | None:
        known = dict.fromkeys(
            f"{leaf} is {leaf.shape}" for value in values for leaf in nodes(value) if leaf.is_var
        )
        return "known so far: " + ", ".join(known) if known else None


def _is_function(op: Op) -> bool:
    """Whether an operator is written as a call of its own name."""
    return op.symbol == f"{op.name}({{}})" and op.name not in _SPECIAL


_FOLD: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
#: Reductions of one argument; the largest of two has the name of the largest of all.
BY_AXIS = {op.called: op for op in OPS.values() if op.axes}
_SPECIAL = {
    **{name: _Scope._reduction for name in BY_AXIS if name not in OPS or OPS[name].axes},
    "ones": _Scope._constant_matrix,
    "zeros": _Scope._constant_matrix,
    "eye": _Scope._constant_matrix,
    "broadcast_to": _Scope._broadcast,
    "unvec": _Scope._unvec,
}
#: The functions of the language, for suggestions and for the manual.
FUNCTIONS = (*_SPECIAL, *(name for name, op in OPS.items() if _is_function(op)))


# -- the order of statements -----------------------------------------------------------------------


def _in_order(body: list[ast.stmt], text: str) -> list[ast.stmt]:
    """Return the statements so that each stands after those whose names it uses.

    An order that is one already is kept. Otherwise the output, which is the last name written down
    that no other statement uses, comes last, and all else as late as it was written.
    """
    names: dict[str, ast.stmt] = {_target(s): s for s in body if isinstance(s, ast.Assign)}
    needed: dict[ast.stmt, list[ast.stmt]] = {
        statement: [
            names[node.id]
            for node in ast.walk(statement.value)
            if isinstance(node, ast.Name) and node.id in names
        ]
        for statement in body
        if isinstance(statement, ast.Assign | ast.Expr)
    }
    place = {statement: k for k, statement in enumerate(body)}
    twice = len(names) < sum(isinstance(s, ast.Assign) for s in body)  # refused later on
    if twice or all(place[one] < place[s] for s, used in needed.items() for one in used):
        return body
    used_by_others = {one for statement, used in needed.items() for one in used}
    ends = [statement for statement in needed if statement not in used_by_others]
    order: dict[ast.stmt, None] = {s: None for s in body if isinstance(s, ast.AnnAssign)}
    for statement in [*(s for s in needed if s is not ends[-1]), ends[-1]] if ends else needed:
        _place_after(statement, needed, order, text)
    return list(order)


def _place_after(
    statement: ast.stmt,
    needed: dict[ast.stmt, list[ast.stmt]],
    order: dict[ast.stmt, None],
    text: str,
) -> None:
    """Append a statement to an order, what it needs before it."""
    path: dict[ast.stmt, Iterator[ast.stmt]] = {statement: iter(needed[statement])}
    while path:
        current, rest = next(reversed(path.items()))
        one = next((s for s in rest if s not in order), None)
        if one is None:
            order[current] = None
            del path[current]
        elif one in path:
            ring = list(path)[list(path).index(one) :]
            raise _circular([_target(s) for s in ring if isinstance(s, ast.Assign)], one, text)
        else:
            path[one] = iter(needed[one])


def _circular(names: list[str], statement: ast.stmt, text: str) -> ParseError:
    if len(names) == 1:
        message = f"{names[0]} is defined by itself"
    else:
        message = "the program is circular: " + ", which needs ".join([*names, names[0]])
    return ParseError(
        message,
        place=_place(text, statement),
        hint="every name must come down to inputs; give a new value a new name",
    )


# -- text ------------------------------------------------------------------------------------------


def _syntax(text: str) -> list[ast.stmt]:
    """Return the statements of a text that is short and shallow enough to be read."""
    if len(text) > LONGEST:
        raise ParseError(
            f"the text has {len(text):,} characters, more than the {LONGEST:,} that are read"
        )
    _check_characters(text)
    code = [line.partition("#")[0].lstrip() for line in text.splitlines()]
    _check_brackets(code)
    try:
        body = ast.parse("\n".join(code)).body
    except SyntaxError as error:
        raise _unreadable(text, error) from None
    except (RecursionError, MemoryError, ValueError):
        raise _too_deep() from None
    _check_depth(body, text)
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name()]) | ast.AnnAssign() | ast.Expr():
                continue
            case ast.Assign():
                message = "one name stands on the left: Y = ..."
            case _:
                message = "only shapes (X: (n, d)) and assignments (Y = ...) are read"
        raise ParseError(message, place=_place(text, node))
    return body


#: Signs of the language; beside them stands no prime, which may be meant for a transpose.
_PLAIN = re.compile(r"[ -#&(->@-\[\]-_a-}\t]*")


def _check_characters(text: str) -> None:
    for line, source in enumerate(text.splitlines(), 1):
        code = source.partition("#")[0]
        if len(code) <= 300 and _PLAIN.fullmatch(code):
            continue
        for column, character in enumerate(code, 1):
            if character in "\\$?`%~" or not (" " <= character <= "~" or character == "\t"):
                raise ParseError(
                    f"the character {character!r} is not in the language"
                    if character != "\\"
                    else "a backslash is not in the language",
                    place=Place(text, line, column),
                    hint=_character_hint(character),
                )
        digits = re.search(r"\d{301,}", code)
        if digits:
            raise ParseError(
                "this number has too many digits",
                place=Place(text, line, digits.start() + 1, 60),
                hint="a name can stand for it",
            )
        quote = re.search(r"(?<=[\w)\]])'", code)
        if quote and "'" not in code[: quote.start()]:
            raise ParseError(
                "a prime is not read as a transpose",
                place=Place(text, line, quote.start() + 1),
                hint="write X.T",
            )


def _character_hint(character: str) -> str | None:
    import unicodedata

    if character in _CHARACTER_HINTS:
        return _CHARACTER_HINTS[character]
    words = unicodedata.name(character, "").lower().split()
    if words[:2] == ["greek", "small"]:
        return f"write {words[-1]}, which is printed as the Greek letter"
    if "\ud800" <= character <= "\udfff":
        return "this is not Unicode text; save it as UTF-8"
    return None


def _check_brackets(code: list[str]) -> None:
    whole = "".join(code)
    if whole.count("(") + whole.count("[") + whole.count("{") < DEEPEST // 2:
        return
    depth = 0
    for character in whole:
        depth += (character in "([{") - (character in ")]}")
        if depth >= DEEPEST // 2:  # the reader of Python stops there too
            raise _too_deep()


def _check_depth(body: list[ast.stmt], text: str) -> None:
    if len(text) < DEEPEST // 2:  # each level has a sign of its own
        return
    level: list[ast.AST] = list(body)
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ParseError:
    return ParseError(
        "the formula is nested too deeply, or has too many terms",
        hint="give parts of it names: Z = ..., then Y = ... Z ...",
    )


def _unreadable(text: str, error: SyntaxError) -> ParseError:
    lines = text.splitlines() or [""]
    line = min(max(error.lineno or 1, 1), len(lines))
    source, lead = _line(text, line)
    column = min(max(error.offset or 1, 1), len(source) + 1)
    word = re.match(r"\w+", source[column - 1 :])
    found = word.group() if word else source[column - 1 : column]
    message = f"{found!r} was not expected here" if found.strip() else "the text ends too early"
    if error.msg.endswith("was never closed"):
        message = f"{found!r} is never closed"
    hint = "write lam: lambda is a word of Python" if re.search(r"\blambda\b", text) else None
    return ParseError(message, place=Place(text, line, lead + column, len(found) or 1), hint=hint)


def _line(text: str, line: int) -> tuple[str, int]:
    """Return a line without its indentation, and the width of that."""
    source = _lines(text)[line - 1]
    return source.lstrip(), len(source) - len(source.lstrip())


@lru_cache(8)
def _lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text, every node of which has a place in it."""
    return tuple(text.splitlines())


def _place(text: str, node: Located) -> Place:
    source, lead = _line(text, node.lineno)
    encoded = source.encode(errors="surrogatepass")  # a comment may hold anything
    start = len(encoded[: node.col_offset].decode(errors="ignore"))
    same_line = node.end_lineno == node.lineno
    end = len(encoded[: node.end_col_offset].decode(errors="ignore")) if same_line else len(source)
    return Place(text, node.lineno, lead + start + 1, max(1, end - start))


def _segment(text: str, node: ast.Constant) -> str:
    place = _place(text, node)
    line = _lines(text)[place.line - 1]
    return line[place.column - 1 : place.column - 1 + place.width]


def _target(node: ast.Assign) -> str:
    (target,) = node.targets
    assert isinstance(target, ast.Name)  # `_syntax` let nothing else through
    return target.id


def _called(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Name)
    return node.func.id


def _names(body: list[ast.stmt]) -> set[str]:
    return {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name)}


def _letters(name: str) -> str:
    return re.sub("[0-9_]", "", name)


def _one_slip(a: str, b: str) -> bool:
    """Whether one letter too many, too few, another or exchanged tells two names apart.

    >>> _one_slip("weight", "weigth"), _one_slip("apple", "apple_num"), _one_slip("Price", "price")
    (True, False, True)
    """
    a, b = sorted((a.lower(), b.lower()), key=len)
    if a == b:
        return True
    start = next((k for k, (x, y) in enumerate(zip(a, b)) if x != y), len(a))
    if len(a) < len(b):
        return a[start:] == b[start + 1 :]
    if a[start + 1 :] == b[start + 1 :]:
        return True
    first, second = a[start : start + 2], b[start : start + 2]
    return first == second[::-1] and a[start + 2 :] == b[start + 2 :]


def _brief(expr: Expr) -> str:
    text = str(expr)
    if len(text) > 40:
        return f"({text[:36]} ...)"
    return text if expr.op.style in ("name", "number", "call", "postfix") else f"({text})"


def _bounded(value: Fraction) -> Expr:
    if _length(value) > LONGEST_NUMBER:
        raise _too_long()
    return number(value)


def _length(value: Fraction) -> int:
    return max(abs(value.numerator), value.denominator).bit_length()


def _too_long() -> ParseError:
    return ParseError("this number has too many digits", hint="a name can stand for it")


def _count(dim: Dim, noun: str) -> str:
    from derive.expressions.shape import count

    return count(dim, noun)


def _bad_dimension(value: int) -> str:
    if value < 1:
        return f"a dimension must be at least 1, this one is {value}"
    return f"a dimension of {value:,} is absurdly large" if value > LARGEST else ""


def _given_shape(name: str, dims: Shape | tuple[Dim, ...]) -> Shape:
    if isinstance(dims, Shape):
        return dims
    if not isinstance(dims, tuple | list):
        raise ShapeError(f"the shape of {name} is {dims!r}, a pair such as (2, 'd') is expected")
    if len(dims) not in (0, 2):
        raise ShapeError(f"the shape of {name} has {len(dims)} dimensions, two are expected")
    return Shape(*(_given_dim(name, dim) for dim in dims)) if dims else SCALAR


def _given_dim(name: str, dim: Any) -> Dim:
    """Return a dimension: a name, a whole number, or as text a product of these, `n * m`."""
    if isinstance(dim, Product):
        return dim
    if isinstance(dim, str) and "*" in dim:
        found = (factor.strip() for factor in dim.split("*"))
        return times(*(_given_dim(name, int(f) if f.isdecimal() else f) for f in found))
    if type(dim) is int:
        problem = _bad_dimension(dim)
        if problem:
            raise ShapeError(f"{name}: {problem}")
    elif not (isinstance(dim, str) and NAME.match(dim)):
        raise ShapeError(f"{name}: {dim!r} is neither a name nor a whole number")
    return dim
