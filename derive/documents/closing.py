"""The box that closes a proof: what a student takes away, on half a page.

Enters a document's setting, with its derivation; leave the theorem again, its lines of NumPy, the
shapes by which to remember it, one usual mistake with the numbers that refute it, and the cost. The
law: everything here is read off the derivation, or was judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise, permutations, product
from textwrap import wrap
from typing import Any

from derive.documents.model import (
    Beside,
    Block,
    Code,
    Environment,
    Paragraph,
    Table,
    Words,
    words,
)
from derive.documents.setting import Setting, equal
from derive.documents.worked import Written
from derive.expressions.expr import Expr, unrepeated
from derive.expressions.layout import Box, op, paren, row
from derive.expressions.program import Program
from derive.expressions.shape import Shape
from derive.judges.usual import Usual, usual
from derive.notation.code import Coder, library
from derive.notation.displays import side_by_side
from derive.notation.widths import width
from derive.ops.elementwise import DIV, MUL
from derive.ops.linear import BROADCAST, MATMUL, NEG, NUMBER, ones
from derive.ops.reduction import ALL, SUM
from derive.readings.cost import (
    Polynomial,
    eliminates,
    leading,
    multiplications,
    polynomial,
)
from derive.readings.numbers import Rows, is_exact

#: A line of the display holds so much; in a table a formula does, and a line of code.
LINE, FORMULA, CODE = 72.0, 26.0, 42
#: What the numbers that a formula comes to may take of a line.
ROOM = 14.0
#: A line of code that is longer is broken; more lines than so many stand in two columns, each of so
#: many characters.
LONGEST, LONG, HALF = 84, 5, 52
#: What half a page has room for, and what of that takes a line of formulas, of code and of numbers;
#: where that is not enough, the code alone says the theorem.
SPACE, OF_FORMULAS, OF_CODE, OF_NUMBERS = 30, 5, 2, 5


def closing(page: Setting) -> Iterator[Block]:
    """Yield the box that closes the document of a proof."""
    yield from Closing(page).box()


class Closing:
    """What the box of one document says."""

    def __init__(self, page: Setting):
        self.page, self.notation, self.derivation = page, page.notation, page.derivation
        self.program: Program = page.program
        #: What the theorem says, by the names of gradients and those that it introduces.
        self.said = self.derivation.says()
        self.space = SPACE

    def box(self) -> Iterator[Block]:
        """Yield the box, if it says anything."""
        if body := tuple(self.blocks()):
            yield Environment("closing", body, words("to-remember"))

    def blocks(self) -> Iterator[Block]:
        told = usual(self.derivation)
        short = told is not None and all(map(self.is_short, (told.truth, told.mistake.formula)))
        mistake = tuple(self.mistake(told)) if told is not None and short else ()
        numbers = sum(len(block.lines) for block in mistake if isinstance(block, Beside))
        self.space -= OF_NUMBERS * numbers
        yield from self.theorem()
        yield from mistake
        yield Paragraph((self.cost(),))

    def is_short(self, formula: Expr) -> bool:
        """Whether a formula and its value fit on a line; a longer mistake is seen by nobody."""
        return width(self.notation.expr(formula)) <= LINE - ROOM

    # -- the theorem, in code, and its shapes ------------------------------------------------------

    def theorem(self) -> Iterator[Block]:
        """Yield the gradients as formulas and as code, beside each other where they are short."""
        left = {name: self.page.leaf(name) for name in self.said}
        equations = {name: equal(left[name], self.notation.expr(value))
                     for name, value in self.said.items()}  # fmt: skip
        known = all(name in self.code for name in self.said) and not self.helpers
        short = known and len(self.code) == len(self.said) and all(
            width(equations[name]) <= FORMULA and len(self.code[name]) <= CODE for name in self.said
        )  # fmt: skip
        if short and not self.page.scalars:
            heads = words("nothing"), words("in-numpy"), words("shapes")
            rows = [(equations[name], words("code", text=self.code[name]), self.fit(value))
                    for name, value in self.said.items()]  # fmt: skip
            yield Table(heads, tuple(rows))
        else:
            lines, typed = side_by_side(equations.values(), LINE), self.typed()
            code = typed.turn or len(typed.lines) - len(self.helpers)
            fits = len(lines) == 1 or OF_FORMULAS * len(lines) + OF_CODE * code <= self.space
            if fits and all(width(one) <= LINE for one in equations.values()):
                yield Beside(tuple(map(tuple, lines)))
            yield Paragraph((words("numpy-lines", scalars=self.page.scalars),))
            yield typed
        orders = dict.fromkeys(self.fit(x) for x in self.said.values() if self.is_only_order(x))
        if orders:
            yield Paragraph((words("only-order", shapes=[] if short else [*orders][:2]),))

    def typed(self) -> Code:
        """Return the lines of code, beside each other where they are many."""
        if len(self.code) > LONG and not self.helpers:
            short = [_broken(line, HALF) for line in self.code.values()]
            if all(len(line) <= HALF for lines in short for line in lines):
                ends = list(accumulate(map(len, short)))
                turn = next(end for end in ends if 2 * end >= ends[-1])
                return Code(tuple(line for lines in short for line in lines), turn=turn)
        lines = (part for line in self.code.values() for part in _broken(line, LONGEST))
        return Code((*self.helpers, *lines))

    @cached_property
    def _coder(self) -> Coder:
        output, leaves = self.program.output, self.program.leaves
        given = [*self.program.inputs, *([] if self.program.is_loss else [f"d{output}"])]
        taken = [*leaves, *self.program.dims, *(f"d{name}" for name in leaves), *self.said]
        return Coder(library("numpy"), given, taken, self.program.numerals)

    @cached_property
    def code(self) -> dict[str, str]:
        """The lines of NumPy by the names, in the order in which they are worked."""
        coder, written = self._coder, self.program.in_numbers
        return {
            name: f"{coder.name(name)} = {coder.array(written(value))}"
            for name, value in self.said.items()
        }

    @cached_property
    def helpers(self) -> list[str]:
        """The lines of the functions that the code calls."""
        assert self.code is not None
        coder = self._coder
        return [line for name in coder.helpers for line in coder.helper(name).split("\n")]

    def fit(self, value: Expr) -> Box:
        """Return the shapes of a formula: (n×d) = (n×m)(m×d)."""
        factors = _factors(value) or [value]
        left, *right = (
            paren(self.notation.shape(shape), "flat")
            for shape in (value.shape, *(factor.shape for factor in factors))
        )
        return row(left, op("equals"), *right)

    def is_only_order(self, value: Expr) -> bool:
        """Whether the factors of a product, each as it is or transposed, fit in no other order."""
        factors = [factor.shape for factor in _factors(value)]
        if not 2 <= len(factors) <= 3 or any(shape.is_scalar for shape in (value.shape, *factors)):
            return False
        ways = (
            shapes
            for order in permutations(factors)
            for shapes in product(*((shape, shape.T) for shape in order))
        )
        return sum(_fits(shapes, value.shape) for shapes in ways) == 1

    # -- a usual mistake ---------------------------------------------------------------------------

    def mistake(self, told: Usual) -> Iterator[Block]:
        """Yield a mistake, what is wrong with it, and numbers that a student can redo."""
        G, expr, made = self.page.leaf(f"d{told.name}"), self.notation.expr, told.mistake
        yield Paragraph((words(
            "usual-mistake", claim=equal(G, expr(made.formula)), mistake=made.kind,
            about=list(map(expr, made.about)), statement=self.skipped(made.about), why=told.why,
            scalars=self.page.scalars, numbers=bool(told.values),
            equal=[self.notation.word_of(dim) for dim in told.equal],
        ),))  # fmt: skip
        if not told.values:
            return  # both formulas are numbers
        board = Written(self.notation, _Point(told))
        said = {x.data[0] for x in (told.truth, made.formula) if x.is_var}
        given = [board.given(name) for name in told.values if name not in said]
        truth = [_valued(board, expr(told.truth), told.expected),
                 _valued(board, expr(made.formula), told.claimed)]  # fmt: skip
        yield Beside(tuple(map(tuple, [*side_by_side(given, LINE), *side_by_side(truth, LINE)])))

    def skipped(self, about: Sequence[Expr]) -> Box | None:
        """Return the statement through which a mistake forgets to go back."""
        names = {local.gradient.data[0]: local.statement for local in self.derivation.locals}
        statement = next((names[x.data[0]] for x in about if x.is_var and x.data[0] in names), None)
        return self.page.heading(statement) if statement else None

    # -- the cost ----------------------------------------------------------------------------------

    def cost(self) -> Words:
        """Return how many multiplications both passes take."""
        forward = [statement.expr for statement in self.page.statements]
        backward = list(self.derivation.backward.values())
        costs = [multiplications(forward), multiplications(backward, forward)]
        both = [self.in_numbers(cost) for cost in costs]
        lead = [leading(cost) for cost in both]
        matrices = max((len(words) for cost in both for words in cost), default=0) > 2
        shown = lead if matrices else both
        first, second = shown
        times = {second.get(word, 0) / k for word, k in first.items() if k}
        ratio = times.pop() if len(times) == 1 and first.keys() == second.keys() else None
        return words(
            "cost", forward=self.polynomial(first), backward=self.polynomial(second),
            ratio=int(ratio) if ratio is not None and ratio in (1, 2, 3) else None,
            leading=matrices and shown != both, eliminates=eliminates((*forward, *backward)),
        )  # fmt: skip

    def in_numbers(self, cost: Polynomial) -> Polynomial:
        """Return a cost with the numbers that the user gave for dimensions."""
        found: dict[tuple[str, ...], Any] = {}
        sizes = self.program.sizes
        for term, k in cost.items():
            for word in term:
                k *= sizes.get(word, 1)
            rest = tuple(word for word in term if word not in sizes)
            found[rest] = found.get(rest, 0) + k
        return found

    def polynomial(self, cost: Polynomial) -> Box:
        return self.notation.expr(polynomial(cost, self.program.dims))


@dataclass(frozen=True, slots=True)
class _Point:
    """The numbers of a mistake's names."""

    told: Usual

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.told.sizes

    def rows(self, name: str) -> Rows:
        return self.told.values[name]


def _valued(board: Written, formula: Box, rows: Rows) -> Box:
    near = not all(is_exact(x) for line in rows for x in line)
    return row(formula, op("approx" if near else "equals"), board.matrix(rows))


def _factors(value: Expr) -> list[Expr]:
    """Return the matrices that a formula multiplies, without scalars in front; a sum over an axis
    is a product with ones. Of what is no product there are none."""
    value = unrepeated(value)
    if value.op in (NEG, MUL, DIV):
        matrices = [arg for arg in value.args if not _is_scaling(arg)]
        return _factors(matrices[0]) if len(matrices) == 1 else []
    if value.op is MATMUL:
        return [x for arg in value.args for x in (_factors(arg) or [arg])]
    if value.op is SUM and value.data != ALL:
        (arg,) = value.args
        inner = _factors(arg) or [arg]
        if value.data == (0,):
            return [ones(1, arg.shape.rows), *inner]
        return [*inner, ones(arg.shape.cols, 1)]
    return []


def _is_scaling(expr: Expr) -> bool:
    """Whether a factor multiplies every entry alike."""
    return expr.op is NUMBER or (expr.op is BROADCAST and expr.args[0].shape.is_scalar)


def _fits(shapes: Sequence[Shape], whole: Shape) -> bool:
    inner = pairwise(shapes)
    ends = Shape(shapes[0].rows, shapes[-1].cols)
    return ends == whole and all(a.cols == b.rows for a, b in inner)


def _broken(line: str, longest: int) -> list[str]:
    """Return a line of code in lines that are no longer, in brackets if there are several: broken
    before the signs that stand outside of brackets, and at any space where that is not enough."""
    if len(line) <= longest:
        return [line]
    name, _, formula = line.partition(" = ")
    parts = [""]
    for term in _terms(formula):
        if parts[-1] and len(parts[-1]) + 1 + len(term) > longest - 4:
            parts.append("")
        parts[-1] += f" {term}" if parts[-1] else term
    if any(len(part) > longest - 4 for part in parts):
        parts = wrap(formula, longest - 4, break_long_words=False, break_on_hyphens=False)
    return [f"{name} = (", *(f"    {part}" for part in parts), ")"]


def _terms(formula: str) -> list[str]:
    """Return the terms of a sum with their signs; of a single one its factors.

    >>> _terms("A @ B + f(x + y) - C"), _terms("A @ B / f(x / y)")
    (['A @ B', '+ f(x + y)', '- C'], ['A', '@ B', '/ f(x / y)'])
    """
    for signs in ("+-", "@*/"):
        terms, depth = [""], 0
        for word in formula.split(" "):
            if depth == 0 and word in tuple(signs) and terms[-1]:
                terms.append(word)
            else:
                terms[-1] += f" {word}" if terms[-1] else word
            depth += sum(map(word.count, "([")) - sum(map(word.count, ")]"))
        if len(terms) > 1:
            break
    return terms


__all__ = ["Closing", "closing"]
