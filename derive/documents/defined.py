"""What the functions of a document are: each defined once, by its entries, as the table says.

Enters whatever the document's equations hold, leave equations as layout and the messages that they
stand in. The law: a definition is read off the operator's entry; no function is known by name here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from derive.calculus.index import Scalar, letters, place_of
from derive.documents.model import Words, words
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import OPS, Expr, Op, elementwise, nodes
from derive.expressions.layout import Box, op as sign, row, sub
from derive.expressions.program import Program, Statement
from derive.expressions.shape import SCALAR, Shape
from derive.notation.mathematics import Notation
from derive.notation.signs import FUNCTIONS
from derive.ops import var
from derive.ops.elementwise import SHARED, TIE, F
from derive.ops.kronecker import KRON_LEFT, KRON_RIGHT, UNVEC, VEC
from derive.ops.reduction import ALL, MEAN, SUM
from derive.ops.rows import NORM
from derive.proof.derivation import Derivation, EntryOf, Explicit, Grid, Math
from derive.readings.terms import Entries

#: An operator along its axes, with the shapes of its arguments where it was met first.
Used = dict[tuple[Op, Any], tuple[Shape, ...]]
#: These have sentences of their own.
TOLD = (VEC, UNVEC, KRON_LEFT, KRON_RIGHT)


def used(maths: Iterable[Math]) -> Used:
    """Return the operators that pieces of mathematics are written with, in the order of first use.

    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, d); L = sum(sigmoid(X), axis=0) @ ones(d, 1)")
    >>> [op.name for op, _ in used([program.statements[0].expr])]
    ['var', 'sigmoid', 'sum', 'ones', 'matmul']
    """
    found: Used = {}
    seen: set[int] = set()
    waiting: list[Any] = [*maths]
    for math in waiting:
        if id(math) in seen:
            continue
        seen.add(id(math))
        match math:
            case Expr():
                for node in nodes(math):
                    shapes = tuple(arg.shape for arg in node.args)
                    along = node.data if node.op.axes else None
                    found.setdefault((node.op, along), shapes)
            case Scalar():
                if math.kind == "fn":
                    found.setdefault((OPS[math.data], None), (SCALAR,) * len(math.args))
                waiting += math.args
            case EntryOf() | Explicit():
                waiting.append(math.expr)
            case Grid():
                waiting.append(math.tree)
    return found


def definitions(
    derivation: Derivation, notation: Notation, known: Used, sizes: Mapping[str, int]
) -> Iterator[Words]:
    """Yield what the functions among the operators in use are: of numbers, then of matrices.

    The equations of a message are its fact `equations`; numbers stand for dimensions in `sizes`.
    """
    numbers = {**derivation.program.sizes, **sizes}
    room = partial(_Room, derivation, notation, numbers)
    of_numbers: list[Box] = []
    of_matrices: list[Box] = []
    by_words: dict[Op, None] = {}
    waiting = list(known.items())
    for (op, along), shapes in waiting:
        if op.derivatives and is_named(op):
            small = room(op, [SCALAR] * op.arity, along)
            right = _through(op, small.args)
            if right is None:
                by_words[op] = None
                continue
            inner = used([right])
            waiting += [(key, inner[key]) for key in inner if key not in dict(waiting)]
            of_numbers.append(_equal(small.left(), small.notation.expr(right)))
        elif is_named(op, along):
            small = room(op, shapes, along)
            of_matrices.append(_equal(small.left(), small.right()))
    if of_numbers:
        yield words("functions-are", equations=of_numbers)
    yield from (words("function-is", name=op.name, f=op.title()) for op in by_words)
    if of_matrices:
        yield words("entries-are", equations=of_matrices)


def is_named(op: Op, along: Any = None) -> bool:
    """Whether an operator is written as a name that a document has to explain.

    >>> [is_named(OPS[name]) for name in ("softmax", "exp", "sqrt", "matmul")]
    [True, False, False, False]
    """
    if op in (SUM, MEAN):
        return along == ALL
    if op.left_open:
        return False  # all that is said of it is that it has derivatives
    if op.style != "call" or op in TOLD or op.kink in (TIE, SHARED) or op.notation is not None:
        return False
    if op.called in FUNCTIONS:
        return op.through is not None
    return op is NORM or op.paper is None


class _Language(type(F)):  # type: ignore[misc]
    """The functions of the language, in which no letter stands for the circle's number."""

    def pi(self) -> Expr:
        raise UnsupportedError("π is no formula of the language")


def _through(op: Op, args: Iterable[Expr]) -> Expr | None:
    """Return a function of numbers by its definition, `None` where that is no formula."""
    try:
        return op.through and op.through(_Language(), *args)
    except UnsupportedError:
        return None


class _Room:
    """A place where one operator is applied to letters that mean nothing else in the document."""

    def __init__(
        self,
        derivation: Derivation,
        notation: Notation,
        sizes: Mapping[str, int],
        op: Op,
        shapes: Iterable[Shape],
        along: Any,
    ):
        scalars, vectors, matrices = iter("tuvw"), iter("vuw"), iter("ABMN")
        self.args = [
            var(next(scalars if shape.is_scalar else vectors if 1 in shape.dims else matrices),
                shape)
            for shape in shapes
        ]  # fmt: skip
        if op.derivatives:
            self.value = elementwise(op.name, *self.args)
        else:
            self.value = op(*self.args, data=along)
        leaves = {leaf.data[0]: leaf for leaf in self.args}
        dims, name = derivation.program.dims, "defined"
        leaves[name] = var(name, self.value.shape)
        program = Program("", name, (Statement(name, self.value),), leaves, tuple(leaves)[:-1],
                          dims, sizes)  # fmt: skip
        self.letters = letters(program.letters() | derivation.program.letters())
        blank: Mapping[str, Any] = {}
        small = Derivation(
            program, (), {**derivation.sizes, **sizes}, "full", {}, self.letters, (), (), (),
            blank, blank, blank, blank,
        )  # fmt: skip
        self.notation = Notation(small, notation.style, derivation)
        self.place = place_of(self.value.shape, self.letters.output)

    def left(self) -> Box:
        """Return the function of letters: softmax(A), with its indices where it has some."""
        box = self.notation.expr(self.value)
        indices = [self.notation.index(k) for k in self.place if not isinstance(k, int)]
        return sub(box, row(*indices)) if indices else box

    def right(self) -> Box:
        """Return its entry, as the table defines it."""
        return self.notation.scalar(Entries(self.letters.bound).of(self.value, *self.place))


def _equal(left: Box, right: Box) -> Box:
    return row(left, sign("equals"), right)
