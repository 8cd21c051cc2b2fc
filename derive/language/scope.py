"""Expressions of the language over the names that are known so far.

What enters is syntax, what leaves is an `Expr`; a method reads one kind of node. The law: an error
has the place of the innermost node that was being read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from derive.expressions.errors import DeriveError, ParseError, ShapeError, nearest
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
from derive.expressions.shape import SCALAR, Dim, Shape, count, substituted, times, words
from derive.language.spelling import Whole, in_the_language, with_options
from derive.language.syntax import NAME, Source, target, too_many_digits
from derive.ops import unspecified, var
from derive.ops.elementwise import DIV, MUL, WHERE, F, is_mask, marks_winner, power
from derive.ops.kronecker import UNVEC
from derive.ops.linear import ADD, BROADCAST, EYE, ONES, SUB, ZEROS
from derive.ops.reduction import ALL
from derive.ops.rows import ROWWISE

#: A number with more binary digits than this is refused before it is computed.
LONGEST_NUMBER = 4_000
#: A dimension larger than this is refused.
LARGEST = 10**9

_INFIX: dict[type, tuple[str, Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: (ADD.name, lambda a, b: a + b),
    ast.Sub: (SUB.name, lambda a, b: a - b),
    ast.Mult: (MUL.name, lambda a, b: a * b),
    ast.Div: (DIV.name, lambda a, b: a / b),
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


def _numeral(literal: str) -> tuple[Fraction, str]:
    """Return a number, and how it was written; nothing where the number itself is no longer."""
    mantissa, _, exponent = literal.partition("e")
    if not re.fullmatch(r"\d*\.?\d*", mantissa) or len(literal) > 300:
        raise ParseError("write this number in decimals")
    if exponent and abs(int(exponent)) > 300:
        raise ParseError("this number is out of range", hint="exponents go up to 300")
    value = Fraction(literal)
    whole, point, decimals = mantissa.partition(".")
    text = (whole or "0") + (point and decimals and f".{decimals}")
    text += f"e{int(exponent)}" if exponent else ""
    return value, text if value.denominator > 1 or len(text) < len(str(value)) else ""


def dimension(source: Source, node: ast.expr) -> Dim:
    """Return the dimension that a name, a whole number or a product of these is."""
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    match inner:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            value = -value if negative else value
            if problem := bad_dimension(value):
                raise source.error(node, problem, ShapeError)
            return value
        case ast.Name() if inner is node:
            return inner.id
        case ast.BinOp(op=ast.Mult()) if inner is node:
            return times(dimension(source, inner.left), dimension(source, inner.right))
    raise source.error(
        node, "a dimension is a name, a positive whole number, or a product of these"
    )


def bad_dimension(value: int) -> str:
    """Return what is wrong with a number of rows or columns, nothing if it can be one."""
    if value < 1:
        return f"a dimension must be at least 1, this one is {value}"
    return f"a dimension of {value:,} is absurdly large" if value > LARGEST else ""


@dataclass
class Scope:
    """The names known so far, and the reading of expressions over them.

    In a `closed` scope no name is new. `known` are names that are no misspellings, `functions`
    names of functions that are left open. `numerals` says how numbers with a point or an exponent
    were written.
    """

    source: Source
    leaves: dict[str, Expr]
    symbols: Mapping[str, Dim]
    closed: bool = False
    known: Iterable[str] = ()
    functions: Collection[str] = ()
    undeclared: set[str] = field(default_factory=set)
    numerals: dict[Fraction, str] = field(default_factory=dict)
    masks: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.assigned = [target(s) for s in self.source.body if isinstance(s, ast.Assign)]
        self.declared = [*self.leaves]

    def read(self, node: ast.expr) -> Expr:
        method: Callable[[ast.expr], Expr] | None = getattr(
            self, f"_{type(node).__name__.lower()}", None
        )
        if method is None:
            raise self.source.error(
                node, "this is not in the language", hint=_SYNTAX_HINTS.get(type(node))
            )
        try:
            return method(node)
        except DeriveError as error:  # its place is the innermost node that has one
            raise error.at(self.source.place(node)) from None

    def _name(self, node: ast.Name) -> Expr:
        name = node.id
        if name in self.leaves:
            return self.leaves[name]
        if name in self.symbols:
            return extent_of(self.symbols[name])
        if name in FUNCTIONS or name in self.functions:
            raise ParseError(f"{name} is a function: write {name}(...)")
        if name in self.assigned:
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
        uses = sum(node.id == name for node in self.source.names())
        if name in self.known or uses > 1 or len(_letters(name)) < 3:
            return None
        known = [k for k in (*self.declared, *self.assigned) if len(k) > 2]
        # w24 beside w14, n_1 beside p_1: no misspellings
        near = [k for k in known if _letters(k) != _letters(name) and _one_slip(k, name)]
        return near[0] if near else None

    def _constant(self, node: ast.Constant) -> Expr:
        if type(node.value) not in (int, float):
            raise ParseError("only numbers and names are read here")
        value, text = _numeral(self.source.written(node).replace("_", "").lower())
        if text:
            self.numerals.setdefault(value, text)
        return number(value)

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
        if not isinstance(node.op, ast.MatMult) and type(node.op) not in _INFIX:
            raise ParseError(
                "this operator is not in the language", hint=_SYNTAX_HINTS.get(type(node.op))
            )
        a, b = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.MatMult):
            return self._product(node, a, b)
        if isinstance(node.op, ast.Div) and b.name == "number" and b.data == 0:
            raise ParseError("division by zero")
        name, fold = _INFIX[type(node.op)]
        if a.name == b.name == "number":
            value = fold(a.data, b.data)
            if _length(value) > LONGEST_NUMBER:
                raise too_many_digits()
            return number(value)
        try:
            return elementwise(name, a, b)
        except ShapeError as error:
            raise ShapeError(
                f"{_brief(a)} is {a.shape} and {_brief(b)} is {b.shape}: these do not broadcast",
                clash=error.clash,
                hint=self._bindings(a, b) or "dimensions must be equal, or one of them 1",
                told=("broadcast", _brief(a), a.shape, _brief(b), b.shape),
            ) from None

    def _product(self, node: ast.BinOp, a: Expr, b: Expr) -> Expr:
        self._matrix(a, node.left)
        self._matrix(b, node.right)
        for value, side in ((a, node.left), (b, node.right)):
            if value.name in ("number", "dim"):
                raise self.source.error(
                    side, f"{value} is a number, and @ multiplies matrices", hint="write * instead"
                )
        if a.shape.cols != b.shape.rows:
            raise ShapeError(
                f"{_brief(a)} @ {_brief(b)}: {_brief(a)} has {count(a.shape.cols, 'column')}, "
                f"{_brief(b)} has {count(b.shape.rows, 'row')}",
                clash=(a.shape.cols, b.shape.rows),
                hint=self._bindings(a, b),
                told=("product", _brief(a), a.shape.cols, _brief(b), b.shape.rows),
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
                raise too_many_digits()
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
            return F.eq(a, b)
        if kind in (ast.Lt, ast.GtE):
            a, b = b, a
        mask = F.gt(a, b)  # a >= b is 1 - (b > a), also at a tie
        return mask if kind in (ast.Gt, ast.Lt) else 1 - mask

    def _attribute(self, node: ast.Attribute) -> Expr:
        if node.attr != "T":
            raise ParseError(f".{node.attr} is not in the language", hint="the one attribute is .T")
        value = self.read(node.value)
        self._matrix(value, node.value)
        return value.T

    def _call(self, node: ast.Call) -> Expr:
        own = node.func.value if isinstance(node.func, ast.Attribute) else node.func
        if isinstance(own, ast.Name) and own.id in self.functions:
            return _left_open(self, node, own.id)
        if isinstance(node.func, ast.Attribute):
            return self.read(in_the_language(node, {*self.leaves, *self.assigned}))
        if not isinstance(node.func, ast.Name):
            raise ParseError("this call is not in the language")
        name = node.func.id
        if node.keywords and OPS.get(name) in ROWWISE:
            return self.read(with_options(node))
        if name in _SPECIAL:
            return _SPECIAL[name](self, node, name)
        op = OPS.get(name)
        if op is None or not _is_function(op):
            if name in self.leaves:
                raise ParseError(
                    f"{name} is a variable, not a function",
                    hint=f"for a product write {name} * (...)",
                )
            near = nearest(name, (*self.functions, *FUNCTIONS))
            of_one = len(node.args) == 1 and not isinstance(node.args[0], ast.Constant)
            raise ParseError(
                f"unknown function {name}{near}",
                hint=f"for a function of which nothing is known: {name}: entrywise"
                if of_one and not near else None,
            )  # fmt: skip
        if name in BY_AXIS and (len(node.args) == 1 or node.keywords):
            return self._reduction(node, name)
        args = self._args(node, name, len(op.derivatives or op.pullbacks) or 1)
        if op is WHERE and not (is_mask(args[0]) or str(args[0]) in self.masks):
            # NumPy takes a wherever c is not 0
            args = [F.eq(args[0], 0), args[2], args[1]]
        if op.derivatives:
            return elementwise(name, *args) if len(args) > 1 else op(args[0])
        for value, place in zip(args, node.args, strict=True):
            self._matrix(value, place)
        try:
            return op(*args)
        except ShapeError as error:
            shown = ", ".join(map(_brief, args))
            raise ShapeError(f"{name}({shown}): {error.message}", clash=error.clash) from None

    def _args(self, node: ast.Call, name: str, expected: int) -> list[Expr]:
        if node.keywords and name not in BY_AXIS:
            raise ParseError(f"{name} takes no option {node.keywords[0].arg}")
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                raise self.source.error(arg, "this is not in the language")
        if len(node.args) != expected:
            raise ParseError(f"{name} takes {count(expected, 'argument')}, {len(node.args)} given")
        return [self.read(arg) for arg in node.args]

    def _reduction(self, node: ast.Call, name: str) -> Expr:
        node = with_options(node)
        (arg,) = self._args(node, name, 1)
        self._matrix(arg, node.args[0])
        axes = tuple(ast.literal_eval(option.value) for option in node.keywords)
        op = OPS[BY_AXIS[name]]
        if axes not in op.axes and ALL not in op.axes:
            raise ParseError(f"{name} needs an axis", hint="write axis=0, down the rows, or axis=1")
        return op(arg, data=axes or None)

    def _constant_matrix(self, node: ast.Call, name: str) -> Expr:
        expected = 1 if name == EYE.name else 2
        if len(node.args) != expected or node.keywords:
            raise ParseError(f"{name} takes {count(expected, 'dimension')}")
        dims = [self._dim(arg) for arg in node.args]
        return OPS[name](data=dims[0] if name == EYE.name else Shape(*dims))

    def _shaped(self, node: ast.Call, name: str) -> Expr:
        """Return what takes a matrix and a shape."""
        shape = node.args[1] if len(node.args) == 2 and not node.keywords else None
        if not isinstance(shape, ast.Tuple) or len(shape.elts) != 2:
            raise ParseError(f"{name} takes a matrix and a shape: {name}(B, (n, m))")
        dims = Shape(*(self._dim(dim) for dim in shape.elts))
        value = self.read(node.args[0])
        if name == BROADCAST.name:
            try:
                return broadcast_to(value, dims)
            except ValueError as error:
                raise ShapeError(str(error)) from None
        self._matrix(value, node.args[0])
        return OPS[name](value, data=dims)

    def _dim(self, node: ast.expr) -> Dim:
        """Return a dimension that is known."""
        dim = dimension(self.source, node)
        for word in words(dim):
            if word not in self.symbols:
                near = nearest(word, self.symbols)
                message = f"{word} is not a dimension of any declared shape{near}"
                raise self.source.error(node, message)
        return substituted(dim, self.symbols)

    def _matrix(self, value: Expr, node: ast.expr) -> None:
        """Refuse a name without a shape where a matrix is meant."""
        if value.is_var and value.data[0] in self.undeclared:
            name = value.data[0]
            meant = nearest(name, [k for k in self.leaves if k != name])
            raise self.source.error(
                node,
                f"{name} has no shape{meant}",
                hint=f"write {name}: (n, d) in the text, or -s {name}=n,d beside it",
            )

    def _bindings(self, *values: Expr) -> str | None:
        known = dict.fromkeys(
            f"{leaf} is {leaf.shape}" for value in values for leaf in nodes(value) if leaf.is_var
        )
        return "known so far: " + ", ".join(known) if known else None


def _left_open(scope: Scope, node: ast.Call, name: str) -> Expr:
    """Return a function that is left open, or its derivative: g(Z), g.diff(Z), g.diff(Z, 2)."""
    order, shown, args = 0, name, list(node.args)
    if isinstance(node.func, ast.Attribute):
        if node.func.attr != "diff":
            raise ParseError(
                f"{name}.{node.func.attr} is not in the language",
                hint=f"the derivative of {name} is written {name}.diff(Z)",
            )
        order, shown = 1, f"{name}.diff"
        if len(args) == 2:
            match args.pop():
                case ast.Constant(value=int(value)) if type(value) is int and 1 <= value <= 9:
                    order = value
                case other:
                    message = "the order of a derivative is a number from 1 to 9"
                    raise scope.source.error(other, message)
    if len(args) > 1:
        raise ParseError(
            f"{name} is a function of one number, and is applied to each entry: "
            f"it takes 1 argument, {len(args)} given"
        )
    one = ast.copy_location(ast.Call(node.func, args, node.keywords), node)
    return unspecified(name, order)(*scope._args(one, shown, 1))


def _is_function(op: Op) -> bool:
    """Whether an operator is written as a call of its own name."""
    return op.symbol == f"{op.name}({{}})" and op.name not in _SPECIAL


#: Reductions of one argument; the largest of two has the name of the largest of all.
BY_AXIS = {op.called: op.name for op in OPS.values() if op.axes}
_SPECIAL = {
    **{name: Scope._reduction for name in BY_AXIS if name not in OPS or OPS[name].axes},
    **{op.name: Scope._constant_matrix for op in (ONES, ZEROS, EYE)},
    **{op.name: Scope._shaped for op in (BROADCAST, UNVEC)},
}
#: The functions of the language, for suggestions and for the manual.
FUNCTIONS = (*_SPECIAL, *(name for name, op in OPS.items() if _is_function(op)))


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


def _length(value: Fraction) -> int:
    return max(abs(value.numerator), value.denominator).bit_length()
