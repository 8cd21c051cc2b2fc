"""What documents say of a program before they go their own ways, and how they name its parts.

Enters a derivation and a style; leave title, setting and hypotheses as blocks, and statements,
places and reasons as layout and messages. The law: whatever two documents say alike is said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from derive.calculus.index import Scalar, index_words, numbering, written_out
from derive.documents.defined import definitions, used as used_in
from derive.documents.model import Block, Chain, Environment, Paragraph, Words, words
from derive.expressions.expr import Expr, variables
from derive.expressions.layout import Box, num, op, row
from derive.expressions.program import Program, Statement
from derive.expressions.shape import Dim, Product
from derive.language.assumptions import ASSUMPTIONS, TABLE
from derive.notation.displays import Link
from derive.notation.mathematics import Notation, Style
from derive.notation.widths import width
from derive.ops.elementwise import SHARED
from derive.ops.kronecker import KRON, KRON_LEFT, KRON_RIGHT, UNVEC, VEC
from derive.ops.linear import EYE
from derive.ops.unspecified import left_open, unspecified
from derive.proof.derivation import Derivation, Local, Math, Step

#: What is wider than this, in a sentence or a heading, is displayed or named instead.
INLINE = 42.0


class Setting:
    """What is told of one derivation's program, in one style; `numbers` are those of equations."""

    def __init__(self, derivation: Derivation, style: Style, around: Derivation | None = None):
        self.derivation = derivation
        self.program = derivation.program
        self.style = style
        elide = 0 if derivation.detail == "full" else style.elide  # on a screen all is written
        self.notation = Notation(derivation, replace(style, elide=elide), around)
        leaves = derivation.program.leaves
        self.notation.besides = {s.expr: leaves[s.name] for s in self.besides}
        self.leaf = self.notation.leaf
        self.numbers = derivation.numbers()

    def title(self) -> Words:
        """Return what is differentiated with respect to what; a short formula is said."""
        last = self.program.statements[-1]
        short = not self._several and self.is_short(last)
        return words(
            "title", L=self.notation.loss, formula=self.statement(last) if short else None,
            variables=[self.leaf(name) for name in self.derivation.wrt],
            Y=None if self.program.is_loss else self.leaf(last.name),
        )  # fmt: skip

    def setting(self) -> Iterator[Block]:
        """Yield what is given, and what is supposed of it."""
        yield self.given(*self.signs(self.printed()), *self.meanings())
        supposed = tuple(self.hypotheses())
        if supposed:
            yield Environment("hypotheses", (Paragraph(supposed),))

    @cached_property
    def inputs(self) -> list[str]:
        """The inputs on which the output depends."""
        return [name for name in self.program.inputs if name in self.program.reaching()]

    @cached_property
    def statements(self) -> list[Statement]:
        """The statements on which the output depends."""
        return [s for s in self.program.statements if s.name in self.program.reaching()]

    def given(self, *meant: Words, sizes: Mapping[str, int] | None = None) -> Environment:
        """Return the inputs, with numbers for their dimensions if there are any, and the formulas;
        then what is meant by these."""
        leaves, statements = self.program.leaves, self.statements
        short = len(statements) == 1 and self.is_short(statements[0])
        inputs = [
            {"name": self.leaf(name),
             "shape": "" if shape.is_scalar else self.notation.shape(shape.at(sizes or {}))}
            for name, shape in ((name, leaves[name].shape) for name in self.inputs)
        ]  # fmt: skip
        given = words("let", inputs=inputs, scalars=self.scalars,
                      formula=self.statement(statements[0]) if short else None)  # fmt: skip
        body: list[Block] = [Paragraph((given, *meant))] if short else [
            Paragraph((given,)), self.definitions(statements), Paragraph(meant)]  # fmt: skip
        return Environment("setting", tuple(body))

    def printed(self) -> Iterator[Math]:
        """Yield the mathematics whose functions and signs the setting defines."""
        yield from (s.expr for s in self.program.statements)
        yield from self.derivation.backward.values()

    @property
    def besides(self) -> tuple[Statement, ...]:
        """Names of values on which the output does not depend, where the document speaks of any."""
        return ()

    def signs(
        self, printed: Iterable[Math] = (), sizes: Mapping[str, int] | None = None
    ) -> Iterator[Words]:
        """Yield what the signs of the formulas mean, and of what else is `printed`, with numbers
        for dimensions if there are any."""
        notation = self.notation
        formulas = [*Setting.printed(self), *printed]
        used = used_in(formulas)
        known = {op for op, _ in used}
        if self.besides:
            yield words("besides", formulas=list(map(self.statement, self.besides)))
        if self.program.parts:
            yield words("parts", names=[self.leaf(name) for name in self.program.parts],
                        lecture=self.derivation.detail == "lecture")  # fmt: skip
        if not self.scalars and any(op.style == "call" and op.derivatives for op in known):
            yield words("functions")
        exprs = [formula for formula in formulas if isinstance(formula, Expr)]
        for name, orders in left_open(exprs).items():
            shown = [unspecified(name, k).title() for k in range(max(*orders, 1) + 1)]
            yield words("left-open", names=shown)
        defined = list(definitions(self.derivation, notation, used, sizes or {}))
        yield from defined
        boxes = [notation.expr(formula) for formula in exprs if self._is_own(formula)]
        boxes += [box for message in defined for box in message.facts.get("equations", ())]
        scalars = [formula for formula in formulas if isinstance(formula, Scalar)]
        yield from meant_by(boxes, scalars)
        extrema = sorted({op.word(along) for op, along in used if op.kink == SHARED})
        yield from (words("extremum", name=name) for name in extrema)
        if extrema:
            yield words("winners")
        for key, meant in ((KRON.name, {KRON}), ("blocks", {KRON_LEFT, KRON_RIGHT}),
                           (VEC.name, {VEC, UNVEC})):  # fmt: skip
            if known & meant:
                yield words(key)
        if pairs := self.pairs():
            yield words("pairs", places=pairs)
        if EYE in known:
            yield words("identity", I=notation.identity)

    def _is_own(self, expr: Expr) -> bool:
        """Whether an expression is in the names of the document, and not in those of a lemma."""
        leaves = self.program.leaves
        names = {*leaves, *(f"d{name}" for name in leaves), *self.derivation.names}
        return all(leaf.data[0] in names for leaf in variables(expr))

    def meanings(self) -> Iterator[Words]:
        """Yield what the loss is, and where entries are written out."""
        d, notation = self.derivation, self.notation
        if not self.program.is_loss:
            output = str(self.program.output)
            yield words("any-loss", L=notation.loss, Y=self.leaf(output),
                        upstream=self.leaf(f"d{output}"))  # fmt: skip
        if not self.scalars:
            yield words("gradient", L=notation.loss)
        chosen = {dim: k for dim, k in d.sizes.items() if dim not in self.program.sizes}
        if d.forward and chosen:
            yield words("written-at", sizes=self.equations(chosen))
        for local in d.locals:
            if (through := self.through(local)) is not None:
                yield words("through", part=self.leaf(local.gradient.data[0]), by=through,
                            of=self.leaf(local.variable.data[0]))  # fmt: skip
                break

    def hypotheses(self) -> Iterator[Words]:
        """Yield what is assumed of the inputs, and where everything is differentiable."""
        d = self.derivation
        if d.assumed:
            yield words("assumed", assumptions=assumptions(d.assumed, self.leaf, self.program))
        if conditions := self.conditions():
            yield words("suppose", conditions=conditions, also=bool(d.assumed))

    def conditions(self) -> list[Words]:
        """Return what must hold of the sizes, and where everything is differentiable."""
        d, notation = self.derivation, self.notation
        conditions = [words("condition", kind="sizes", args=[notation.relation(r)])
                      for r in d.relations]  # fmt: skip
        for c in (c for group in d.conditions for c in group):
            kind, boxes = notation.condition(c)
            conditions.append(words(
                "condition", kind=kind, args=boxes, but=c.but,
                scalar=all(arg.shape.is_scalar for arg in c.args),
            ))  # fmt: skip
        return conditions

    def pairs(self) -> list[dict[str, Box]]:
        """Return which place a pair of indices is, along each product of dimensions in use."""
        letters, leaves = self.derivation.letters, self.program.leaves
        assigned = {s.name for s in self.program.statements}
        found: dict[tuple[str, Dim], None] = {}
        for name, leaf in leaves.items():
            places = letters.output if name in assigned else letters.variable
            if name in assigned or name in self.derivation.wrt:
                found |= dict.fromkeys(zip(places, leaf.shape.dims, strict=True))
        return [self.notation.counted(word, dim) for word, dim in found if isinstance(dim, Product)]

    def statement(self, statement: Statement) -> Box:
        named = statement.expr in self.notation.besides
        meant = (self.notation.meaning if named else self.notation.expr)(statement.expr)
        return equal(self.leaf(statement.name), meant)

    def is_short(self, statement: Statement) -> bool:
        return width(self.statement(statement)) <= INLINE

    def heading(self, statement: Statement) -> Box:
        """Return what a heading says of a statement: all of it, or its name where it is long."""
        return self.statement(statement) if self.is_short(statement) else self.leaf(statement.name)

    def definitions(self, statements: list[Statement]) -> Chain:
        """Return the program as a display."""
        return self.display(Link(self.notation.expr(s.expr), self.leaf(s.name)) for s in statements)

    @cached_property
    def scalars(self) -> bool:
        """Whether every quantity of the program is a number."""
        return all(leaf.shape.is_scalar for leaf in self.program.leaves.values())

    @property
    def _several(self) -> bool:
        return len(self.program.statements) > 1

    def equations(self, sizes: Mapping[str, int], program: Program | None = None) -> list[Box]:
        """Return the sizes of a program's dimensions, an equation each."""
        return [
            equal(self.notation.word_of(dim), num(sizes[dim]))
            for dim in (program or self.program).dims
            if dim in sizes
        ]

    # -- the parts of a proof ----------------------------------------------------------------------

    def through(self, local: Local) -> Box | None:
        through = self.derivation.names[local.gradient.data[0]].through
        return None if through is None else self.leaf(through)

    def occurrence(self, local: Local, place: tuple[int, ...]) -> dict[str, Any]:
        """Return where an entry of the variable acts: a row, a column, one entry or everywhere."""
        base = self.style.base
        found = {word.split("-")[0]: place[not word.endswith("a")] + base
                 for word in local.occurrence}  # fmt: skip
        acts = self._acts(local, place)
        return {
            "row": found.get("row"), "column": found.get("column"), "some": "some" in found,
            "entry": self.notation.scalar(acts) if acts else None,
            "several": [self.notation.index(k) for k in index_words(*acts.data[1:])]
            if acts else [],
        }  # fmt: skip

    def _acts(self, local: Local, place: tuple[int, ...]) -> Scalar | None:
        """Return the entry on which an entry of the variable acts, where pairs say which."""
        if local.acts is None:
            return None
        letters, sizes = self.derivation.letters.variable, self.derivation.sizes
        names = numbering(letters, local.variable.shape, place, sizes)
        return written_out(local.acts, names, sizes)

    def display(self, links: Iterable[Link], number: int | None = None, end: bool = False) -> Chain:
        return Chain(tuple(links), number, end, dots=self.style.elide)

    def reckoning(self, links: Iterable[Link]) -> Chain:
        """Return chains of numbers, several sides on a line, nothing left out."""
        return Chain(tuple(links), packed=True)

    def reason(self, step: Step) -> Words:
        """Return why a step holds: its rule, the equations that it cites, and its facts."""
        facts: dict[str, Any] = {}
        for name, fact in step.facts:
            match name, fact:
                case "cites", _:
                    facts["by"] = sorted(self.numbers[p] for p in fact if p in self.numbers)
                case "indices", _:
                    index = self.notation.index
                    facts[name] = [equal(index(k), index(place)) for k, place in fact]
                case "put_in", _:
                    facts[name] = [self.leaf(leaf) for leaf in fact]
                case "names", _:
                    pass
                case "values", _:
                    facts[name] = [self.notation.math(value) for value in fact]
                case "because", _:
                    used = {leaf: frozenset({word}) for leaf, word in fact}
                    facts[name] = assumptions(used, self.leaf, self.program)
                case "lemmas", _:
                    facts[name] = self.lemma_numbers(fact)
                case _, Scalar() | Expr():
                    facts[name] = self.notation.math(fact)
                case _:
                    facts[name] = fact
        return words("reason", name=step.rule, scalars=self.scalars, **facts)

    def lemma_numbers(self, keys: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the lemmas a step rests on, each with its number if the document proves it."""
        return [{"key": k, "number": self.numbers.get(("lemma", k, "claim"))} for k in keys]


def assumptions(assumed: Mapping[str, frozenset[str]], leaf: Any, program: Program) -> list[Words]:
    """Return what is assumed of inputs, a message each; `leaf` lays a name out."""
    found = []
    for name, said in assumed.items():
        one = program.leaves[name].shape.is_scalar
        for word in (word for word in ASSUMPTIONS if word in said):
            number = one and bool(TABLE[word].of_one)
            says = TABLE[word].of_one if number else TABLE[word].says
            found.append(words("assumption", word=word, says=says, X=leaf(name), number=number))
    return found


def equal(*sides: Box) -> Box:
    """Return sides with signs of equality between them."""
    return row(*[box for side in sides for box in (op("equals"), side)][1:])


def meant_by(formulas: Iterable[Box], scalars: Iterable[Scalar] = ()) -> Iterator[Words]:
    """Yield what the signs of printed formulas, and of scalars, mean that a reader may not know."""
    boxes = [box for formula in formulas for box in formula.walk()]
    kinds = {kind for scalar in scalars for kind in scalar.kinds()}
    signs = {box.text for box in boxes if box.kind == "op"}
    if "all-ones" in signs:
        yield words("ones")
    if signs & {"odot", "oslash"}:
        yield words("entrywise", oslash="oslash" in signs, power="entrywise" in signs)
    if "le" in kinds or any(box.text == "iverson" or box.kind == "cases" for box in boxes):
        yield words("mask")
    if "delta" in kinds or "delta" in signs:
        yield words("delta")
