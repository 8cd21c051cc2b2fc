"""Matrix expressions: a frozen, interned tree in which an ill-shaped node cannot be built.

An `Op` is a table entry: what the operator *is* (its entry) and what is *claimed* of it (its
pullbacks). An `Expr` is an operator applied to arguments. `str(expr)` is the input syntax again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from itertools import product
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from derive.expressions.errors import SizeError
from derive.expressions.layout import Box, listed, paren, row, word
from derive.expressions.shape import Dim, Shape, broadcast, factors

#: Binding strengths of the input syntax, as in Python.
COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
#: What the axes of a matrix run over.
AXES = ("rows", "cols")


class Pullback(NamedTuple):
    """A theorem: the gradient of one argument, given the upstream gradient `g`.

    `rule(g, Y, *args)` returns it as an `Expr`; `Y` is the operator's own value. `because` names
    the theorem, a stable word that templates turn into a sentence.
    """

    rule: Callable[..., Expr]
    because: str


class Condition(NamedTuple):
    """What must hold of the entries of `args`, a hypothesis of the theorem.

    `but` says which entries are excepted: those on the `diagonal`, or `off` it, where they are zero
    for every input, or those that are zero all `around` a point.
    """

    kind: str
    args: tuple[Expr, ...]
    but: str = ""


def asks_nothing(data: Any, *args: Expr) -> tuple[Condition, ...]:
    """Return the hypotheses of an operator that has a value and a derivative everywhere."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Op:
    """One operator: its definition, and the theorems about it.

    `shape(data, *shapes)` is its shape law. `entry(ix, i, j, *args)` makes entry i, j of the result
    from entries of the arguments; `ix` brings sums, deltas and functions, so the same lambda serves
    symbolic indices, explicit matrices and numbers. For a function of scalars, `through` defines it
    by exp, log, sin, cos, sign and powers, and `derivatives` holds one partial derivative
    `(f, y, *x)` an argument. `where` lists the conditions under which it is defined and
    differentiable; of its last argument it asks to be in the `domain`, "≠", ">" or "≥" 0, for a
    value at all. `costly` marks an operator whose entries, written out, grow faster than its
    matrices. On paper a function is its `head` before its arguments in brackets, or what
    `notation` makes of the arguments; `paper(pen, e)` is for what is no function: it returns the
    box of an expression and how strongly it binds, and `pen` writes the arguments. A power of a
    `raised` function stands at its name: tanh²(x). `axes` lists the tuples of axes along which it
    may work, its data, the usual ones first. In a picture its gate shows `gate`, in Unicode and in
    LaTeX, and `flow` names the sentence about what the gate does to a gradient. Where the entries
    that `where` speaks of are a kink, `kink` names what is agreed upon there.

    What need not be said is read off the definition. `formula(*args)` is the same in elementary
    operators. `code` tells what libraries have for it, by `numpy`, `torch`, `jax`, or `any` where
    it differs in the library's name alone, `{lib}`; JAX has what NumPy has, and `torch all` is what
    differs along all axes. It is a call or the body of a function of `x`; `{0}` is an argument and
    `{0.rows}` its number of rows, `{rows}` that of the value, `{axes}` what it works along and
    `{axis}` the same as an option, `{x}` an array of the kind that is meant. `sympy` is the class
    that SymPy has for it; `spelled` are names that libraries have for it besides its own.

    A function that a program leaves open has no definition: `left_open` is its name and which of
    its derivatives it is, and where a number is needed its `sample` has one.
    """

    name: str
    shape: Callable[..., Shape]
    entry: Callable[..., Any]
    pullbacks: tuple[Pullback, ...] = ()
    symbol: str = ""
    strength: int = ATOM
    style: str = "call"
    through: Callable[..., Any] | None = None
    derivatives: tuple[Callable[..., Any], ...] = ()
    where: Callable[..., tuple[Condition, ...]] = asks_nothing
    domain: str = ""
    takes_data: bool = False
    costly: bool = False
    head: Box | Callable[[Any], Box] | None = None
    notation: Callable[..., Box] | None = None
    paper: Callable[[Any, Expr], tuple[Box, int]] | None = None
    raised: bool = False
    axes: tuple[tuple[int, ...], ...] = ()
    gate: tuple[str, str] = ("", "")
    flow: str = "other"
    kink: str = ""
    formula: Callable[..., Expr] | None = None
    code: Mapping[str, str] = field(default_factory=dict)
    sympy: str = ""
    spelled: tuple[str, ...] = ()
    left_open: tuple[str, int] | None = None
    sample: Callable[..., Any] | None = None

    @property
    def arity(self) -> int:
        """How many arguments it takes."""
        return len(self.pullbacks)

    @property
    def is_whole(self) -> bool:
        """Whether a person works out the matrix before its entries: softmax, an inverse."""
        return self.costly or (self.formula is not None and self.through is None)

    @property
    def called(self) -> str:
        """What its function is called in the language."""
        return self.symbol.partition("(")[0]

    def along(self, data: Any) -> tuple[int, ...]:
        """Return the axes along which it works, where these must be said."""
        return data if self.axes and data and len(data) == 1 else ()

    def word(self, data: Any = None) -> str:
        """Return the stable word by which sentences speak of it: its name, and its axes if any."""
        return "_".join([self.name, *(AXES[axis] for axis in self.along(data))])

    def title(self, data: Any = None) -> Box:
        """Return what stands before the arguments on paper."""
        return (self.head(data) if callable(self.head) else self.head) or word(self.called)

    def written(self, *args: Box, data: Any = None, head: Box | None = None) -> Box:
        """Return how the operator stands on paper before all its arguments, `head` for its name.

        >>> from derive.notation.text import text
        >>> text(OPS["where"].written(word("c"), word("a"), word("b")))
        'where(c, a, b)'
        """
        if self.notation is not None:
            return self.notation(*args)
        return row(head or self.title(data), paren(listed(args)))

    def __call__(self, *args: Expr, data: Any = None) -> Expr:
        """Return the interned node; the shape law is checked here and nowhere else."""
        if data is None and self.axes:
            data = self.axes[0]
        key = (self.name, data, args)
        node = _NODES.get(key)
        if node is None:
            shape = self.shape(data, *(arg.shape for arg in args))
            node = _NODES.setdefault(key, Expr(self, args, shape, data))
        return node


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Expr:
    """An operator applied to arguments; equal expressions are the same object, and what is worked
    out of one is kept in `known`.

    >>> from derive.ops import var
    >>> X, W = var("X", Shape("n", "d")), var("W", Shape("d", "m"))
    >>> str((X @ W).T), (X @ W).shape, X @ W is X @ W
    ('(X @ W).T', Shape(rows='n', cols='m'), True)
    """

    op: Op
    args: tuple[Expr, ...]
    shape: Shape
    data: Any
    known: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """The operator's name; for a variable see `data`."""
        return self.op.name

    @property
    def word(self) -> str:
        """The stable word for the operator along its axes, by which sentences speak of it."""
        return self.op.word(self.data)

    @property
    def meaning(self) -> Expr:
        """The same in elementary operators, where the table has it."""
        formula, data = self.op.formula, {"data": self.data} if self.op.takes_data else {}
        return self if formula is None else formula(*self.args, **data)

    @property
    def is_var(self) -> bool:
        return self.op.name == "var"

    @property
    def T(self) -> Expr:
        return OPS["transpose"](self)

    def __matmul__(self, other: Expr) -> Expr:
        return OPS["matmul"](self, other)

    def __add__(self, other: Operand) -> Expr:
        return elementwise("add", self, other)

    def __sub__(self, other: Operand) -> Expr:
        return elementwise("sub", self, other)

    def __mul__(self, other: Operand) -> Expr:
        return elementwise("mul", self, other)

    def __truediv__(self, other: Operand) -> Expr:
        return elementwise("div", self, other)

    def __radd__(self, other: Operand) -> Expr:
        return elementwise("add", other, self)

    def __rsub__(self, other: Operand) -> Expr:
        return elementwise("sub", other, self)

    def __rmul__(self, other: Operand) -> Expr:
        return elementwise("mul", other, self)

    def __rtruediv__(self, other: Operand) -> Expr:
        return elementwise("div", other, self)

    def __neg__(self) -> Expr:
        return OPS["neg"](self)

    def __pow__(self, exponent: int | Fraction) -> Expr:
        return OPS["pow"](self, data=Fraction(exponent))

    def __gt__(self, other: Operand) -> Expr:
        return elementwise("gt", self, other)

    def __str__(self) -> str:
        return _write(self)[0]

    def __repr__(self) -> str:
        return f"<{self} : {self.shape}>"


Operand = Expr | int | Fraction

#: Binary digits of a constant.
MOST_BITS = 14_000


class _Table(dict[str, Op]):
    """Operators by their names; `beyond` makes the rows that are not among them, once each."""

    beyond: Callable[[str], Op | None] = staticmethod(lambda name: None)

    def __missing__(self, name: str) -> Op:
        if (found := self.beyond(name)) is None:
            raise KeyError(name)
        return found


#: The table: every operator by its name. `derive.ops` fills it.
OPS = _Table()
_NODES: WeakValueDictionary[tuple, Expr] = WeakValueDictionary()


def elementwise(name: str, *args: Operand) -> Expr:
    """Apply an entrywise operator with NumPy's broadcasting made visible as nodes."""
    nodes = [arg if isinstance(arg, Expr) else number(arg) for arg in args]
    target = nodes[0].shape
    for node in nodes[1:]:
        if node.shape != target:
            target = broadcast(target, node.shape)
    return OPS[name](*(broadcast_to(node, target) for node in nodes))


def broadcast_to(node: Expr, shape: Shape) -> Expr:
    """Return the node repeated to a shape, or the node itself where nothing repeats."""
    return node if node.shape == shape else OPS["broadcast_to"](node, data=shape)


def number(value: int | Fraction) -> Expr:
    """Return an exact 1×1 constant; raises `SizeError` for one that Python would not print."""
    if isinstance(value, Fraction):
        bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    else:
        bits = value.bit_length()
    if bits > MOST_BITS:
        raise SizeError("a number of more than 4,000 digits is not written")
    return OPS["number"](data=Fraction(value))


def extent_of(dim: Dim) -> Expr:
    """Return a dimension as a 1×1 value: a number, its word, or a product of these."""
    if dim == 1:
        return number(1)
    first, *rest = (number(f) if isinstance(f, int) else OPS["dim"](data=f) for f in factors(dim))
    for factor in rest:
        first = first * factor
    return first


def nodes(root: Expr) -> list[Expr]:
    """Return every node once, arguments before the operators that use them."""
    seen: dict[Expr, None] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        if not node.args:
            seen[stack.pop()] = None
            continue
        waiting = [arg for arg in node.args if arg not in seen]
        if waiting:
            stack.extend(reversed(waiting))
        else:
            seen[stack.pop()] = None
    return list(seen)


def kept(root: Expr, what: str, of: Callable[[Expr], Any]) -> Any:
    """Return what `of` makes of a node whose arguments have it in `known`; every node keeps it."""
    waiting = [root] if what not in root.known else []
    while waiting:
        node = waiting[-1]
        left = [arg for arg in node.args if what not in arg.known]
        if left:
            waiting.extend(reversed(left))
        else:
            waiting.pop().known.setdefault(what, of(node))
    return root.known[what]


def written(root: Expr) -> int:
    """Return how many operators and operands an expression has as it is written out: what is used
    twice counts twice.

    >>> from derive.ops import var
    >>> X = var("X", Shape("n", "n"))
    >>> written(X), written((X @ X) * (X @ X))
    (1, 7)
    """
    return kept(root, "written", lambda e: 1 + sum(arg.known["written"] for arg in e.args))


def operators(root: Expr) -> int:
    """Return how many operators the text of an expression has: operations, calls and `.T`.

    >>> from derive.ops import var
    >>> X = var("X", Shape("n", "d"))
    >>> operators(X), operators(-X.T @ X / 2), operators(X ** Fraction(-1, 2))
    (0, 4, 3)
    """
    return kept(root, "operators", _operators)


def _operators(node: Expr) -> int:
    value = node.data if node.op.style in ("number", "power") else Fraction(0)
    own = (value < 0) + (value.denominator > 1) + (node.op.style not in ("number", "name"))
    for axis, dim in zip(("{rows}", "{cols}"), node.shape.dims, strict=True):
        own += (axis in node.op.symbol) * max(len(factors(dim)) - 1, 0)
    return own + sum(arg.known["operators"] for arg in written_args(node))


def times_written(root: Expr, leaf: Expr) -> int:
    """Return how often a leaf stands in the text of an expression."""
    counts: dict[Expr, int] = {}
    for node in nodes(root):
        counts[node] = (node is leaf) + sum(counts[arg] for arg in written_args(node))
    return counts[root]


def variables(root: Expr) -> list[Expr]:
    """Return the variables of an expression in the order in which they are first used."""
    return list(kept(root, "variables", _variables))


def _variables(node: Expr) -> tuple[Expr, ...]:
    if node.is_var:
        return (node,)
    return tuple(dict.fromkeys(leaf for arg in node.args for leaf in arg.known["variables"]))


def rebuild(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """Return the same operator applied to other arguments."""
    return node if args == node.args else node.op(*args, data=node.data)


def substitute(root: Expr, replace: dict[Expr, Expr]) -> Expr:
    """Return the expression with nodes replaced, from the leaves up.

    >>> from derive.ops import var
    >>> X, Z = var("X", Shape("n", "d")), var("Z", Shape("n", "d"))
    >>> str(substitute(X * X, {X: Z}))
    'Z * Z'
    """
    done: dict[Expr, Expr] = {}
    for node in nodes(root):
        if node in replace:
            done[node] = replace[node]
        else:
            done[node] = rebuild(node, tuple(done[arg] for arg in node.args))
    return done[root]


# -- the input syntax ------------------------------------------------------------------------------


def unrepeated(node: Expr) -> Expr:
    """Return what is repeated, or the node itself where nothing is."""
    return node.args[0] if node.name == "broadcast_to" else node


def written_args(node: Expr) -> tuple[Expr, ...]:
    """Return the arguments as they are written: a broadcast that NumPy would insert is left out."""
    entrywise = node.op.derivatives or (node.op.style == "infix" and node.name != "matmul")
    if not entrywise or all(arg.name != "broadcast_to" for arg in node.args):
        return node.args
    ways = product(*((unrepeated(arg), arg) for arg in node.args))
    fits = (args for args in ways if reduce(broadcast, (a.shape for a in args)) == node.shape)
    return next(fits)


def spelled(root: Expr, numerals: Mapping[Fraction, str]) -> str:
    """Return an expression in input syntax, with some numbers as somebody wrote them."""
    return _write(root, numerals)[0]


def _write(root: Expr, numerals: Mapping[Fraction, str] | None = None) -> tuple[str, int]:
    numerals = numerals or {}
    done: dict[Expr, tuple[str, int]] = {}

    def within(arg: Expr, least: int) -> str:
        text, strength = done[arg]
        return text if strength >= least else f"({text})"

    def one(node: Expr) -> tuple[str, int]:
        op = node.op
        match op.style:
            case "infix":
                left, right = written_args(node)
                # `A * B @ C` is read from the left; brackets spare the reader the rule
                mixed = op.name == "matmul" and left.name in ("mul", "div")
                least = op.strength + (op.strength == COMPARE or mixed)
                shown = f"{within(left, least)} {op.symbol} {within(right, op.strength + 1)}"
                return shown, op.strength
            case "prefix":
                return f"{op.symbol}{within(node.args[0], SIGN)}", SIGN
            case "postfix":
                (arg,) = node.args
                shown = f"({done[arg][0]})" if arg.name == "number" else within(arg, ATOM)
                return f"{shown}{op.symbol}", ATOM
            case "power":
                exponent, strength = _write_number(node.data)
                shown = exponent if strength == ATOM else f"({exponent})"
                return f"{within(node.args[0], ATOM)} ** {shown}", POWER
            case "number":
                return _write_number(node.data, numerals.get(abs(node.data)))
            case "name":
                return str(node.data), ATOM
        inner = ", ".join(done[arg][0] for arg in written_args(node))
        inner += "".join(f", axis={axis}" for axis in op.along(node.data))
        return op.symbol.format(inner, rows=node.shape.rows, cols=node.shape.cols), ATOM

    for node in nodes(root):
        done[node] = one(node)
    return done[root]


def _write_number(value: Fraction, numeral: str | None = None) -> tuple[str, int]:
    if numeral is not None:
        return (numeral, ATOM) if value >= 0 else (f"-{numeral}", SIGN)
    if value.denominator != 1:
        return f"{value.numerator} / {value.denominator}", PRODUCT
    return str(value), ATOM if value >= 0 else SIGN
