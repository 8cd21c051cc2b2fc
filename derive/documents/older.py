"""A judged derivation to a document: facts become printed blocks, templates give order and words.

What a template receives are plain values: strings of mathematics, numbers, stable words. Nothing is
decided in a template that is not a matter of order or of words, and nothing in a block comes from
anywhere but the derivation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from derive.calculus.index import Index, Scalar, at_place, index_words, written_out
from derive.expressions.expr import Expr, nodes
from derive.expressions.layout import Box, op, row
from derive.expressions.program import Statement
from derive.expressions.shape import Dim, Product
from derive.language.assumptions import said
from derive.notation.displays import PAGE, SCREEN, Link, broken, fitted
from derive.notation.latex import latex
from derive.notation.mathematics import Notation, Style
from derive.notation.widths import width
from derive.ops.elementwise import SHARED
from derive.proof.derivation import (
    Derivation,
    Local,
    Step,
)

if TYPE_CHECKING:
    pass

#: What is wider than this, in a sentence or a heading, is displayed or named instead.
INLINE = 42.0
#: Room that a reason beside a broken line would like, and the least that a cell can be broken to.
REASON, CELL = 24.0, 13.0
#: Matrices with more characters do without thin spaces: each is a macro, and KaTeX expands 1000.
CROWDED = 8000
#: A display with more lines than this may break across pages.
TALL = 14
LABEL = re.compile(r"[A-Za-z0-9:.-]*\Z")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an equation: a left side or none, a right side in pieces, and why it holds."""

    left: str
    right: tuple[str, ...]
    reason: dict[str, Any] | None = None
    wide: bool = False  # the left side is so wide that the right side begins on the next line


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the document: its kind, and the fields of that kind (see templates/README.md)."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(f"a {self.kind} block has no {name}") from None


# -- blocks ----------------------------------------------------------------------------------------


class _Page:
    """The blocks of one document, numbered as the derivation says."""

    def __init__(
        self, derivation: Derivation, style: Style, form: str, around: Derivation | None = None
    ):
        self.derivation = derivation
        self.program = derivation.program
        self.form = form
        self.style = style
        never = form == "md" and derivation.detail == "full"
        self.elide = 0 if never else style.elide
        self.notation = Notation(derivation, replace(style, elide=self.elide), around)
        self.numbers = derivation.numbers()

    def title(self) -> dict[str, Any]:
        """Return the formula if there is one short statement, else the output and the variables."""
        if not self._several and self._is_short(self.program.statements[-1]):
            return {"formula": self._statement(self.program.statements[-1]), "variables": []}
        leaf = self.notation.leaf
        return {
            "formula": latex(leaf(self.program.output.data[0])),
            "variables": [latex(leaf(name)) for name in self.derivation.wrt],
        }

    # -- the statement -----------------------------------------------------------------------------

    def setting(self) -> Block:
        d, notation = self.derivation, self.notation
        inputs = [name for name in self.program.inputs if name in self.program.reaching()]
        statements = [s for s in self.program.statements if s.name in self.program.reaching()]
        conditions: list[dict[str, Any]] = [
            {"kind": "sizes", "args": [latex(notation.relation(r))], "scalar": False, "but": ""}
            for r in d.relations
        ]
        conditions += [
            {
                "kind": kind,
                "args": [self._inline(box) for box in boxes],
                "scalar": all(arg.shape.is_scalar for arg in c.args),
                "but": c.but,
            }
            for group in d.conditions
            for c in group
            for kind, boxes in (notation.condition(c),)
        ]
        seen = [node for s in self.program.statements for node in nodes(s.expr)]
        seen += [node for value in d.backward.values() for node in nodes(value)]
        used = {node.name for node in seen}
        formulas = [latex(notation.expr(v)) for v in (
            *(s.expr for s in self.program.statements), *d.backward.values())]  # fmt: skip
        return Block(
            "setting",
            {
                "inputs": [
                    {"name": latex(notation.leaf(name)), "shape": self._space(name)}
                    for name in inputs
                ],
                "statements": [self._statement(s) for s in statements],
                "parts": [latex(notation.leaf(name)) for name in self.program.parts],
                "display": self._definitions(statements),
                "scalars": self._scalars,
                "is_loss": self.program.is_loss,
                "upstream": latex(notation.leaf(f"d{self.program.output}")),
                "through": self._first_part(),
                "loss": latex(notation.loss),
                "output": latex(notation.leaf(self.program.output.data[0])),
                "conditions": conditions,
                "assumptions": said(d.assumed, lambda name: latex(notation.leaf(name))),
                "uses": {
                    "ones": any(r"\mathbf{1}" in text for text in formulas),
                    "odot": any(r"\odot" in text or r"\oslash" in text for text in formulas),
                    "oslash": any(r"\oslash" in text for text in formulas),
                    "power": any(r"^{\odot" in text for text in formulas),
                    "mask": bool({"gt", "eq"} & used),
                    "extrema": sorted({node.word for node in seen if node.op.kink == SHARED}),
                    "functions": bool(used & _ENTRYWISE),
                    "several": len(d.wrt) > 1,
                    "identity": latex(self.notation.identity) if "eye" in used else "",
                    "vec": bool(used & {"vec", "unvec"}),
                    "kron": "kron" in used,
                    "blocks": bool(used & {"kron_left", "kron_right"}),
                    "pairs": self._pairs(),
                },
                "sizes": self._sizes() if d.forward else [],
                "kinks": _kinks(d),
            },
        )  # fmt: skip

    def _pairs(self) -> list[dict[str, str]]:
        """Return which place a pair of indices is, along each product of dimensions in use."""
        letters, leaves = self.derivation.letters, self.program.leaves
        assigned = {s.name for s in self.program.statements}
        found: dict[tuple[str, Dim], None] = {}
        for name, leaf in leaves.items():
            words = letters.output if name in assigned else letters.variable
            if name in assigned or name in self.derivation.wrt:
                found |= dict.fromkeys(zip(words, leaf.shape.dims, strict=True))
        return [
            {key: latex(box) for key, box in self.notation.counted(word, dim).items()}
            for word, dim in found
            if isinstance(dim, Product)
        ]

    def _space(self, name: str) -> str | None:
        shape = self.program.leaves[name].shape
        return None if shape.is_scalar else latex(self.notation.shape(shape))

    def _statement(self, statement: Statement) -> str:
        notation = self.notation
        return f"{latex(notation.leaf(statement.name))} = {latex(notation.expr(statement.expr))}"

    def _first_part(self) -> dict[str, str] | None:
        """Return an example of a gradient that counts one use of several, where there is one."""
        for local in self.derivation.locals:
            through = self._through(local)
            if through is not None:
                leaf = self.notation.leaf
                return {"part": latex(leaf(local.gradient.data[0])), "by": through,
                        "of": latex(leaf(local.variable.data[0]))}  # fmt: skip
        return None

    def _is_short(self, statement: Statement) -> bool:
        left, right = self.notation.leaf(statement.name), self.notation.expr(statement.expr)
        return width(row(left, op("equals"), right)) <= INLINE

    def _heading(self, statement: Statement) -> str:
        """Return what a heading says of a statement: all of it, or its name where it is long."""
        short = self._is_short(statement)
        return self._statement(statement) if short else latex(self.notation.leaf(statement.name))

    def _definitions(self, statements: list[Statement]) -> dict[str, Any] | None:
        """Return the program as a display; `None` where one short formula stands in the text."""
        if len(statements) == 1 and self._is_short(statements[0]):
            return None
        notation = self.notation
        links = [Link(notation.expr(s.expr), notation.leaf(s.name)) for s in statements]
        lines: list[Line] = []
        for line in fitted(links, PAGE if self.form == "tex" else SCREEN).lines:
            assert line.right is not None
            if line.sign:
                lines.append(Line(latex(line.left) if line.left else "", (latex(line.right),)))
            else:
                lines[-1] = replace(lines[-1], right=(*lines[-1].right, latex(line.right)))
        return {"lines": lines}

    def _inline(self, box: Box) -> str:
        """Return mathematics for a sentence, with places where a long formula may break."""
        return (
            r"\allowbreak ".join(map(latex, broken(box, INLINE)))
            if self.form == "tex"
            else latex(box)
        )

    @cached_property
    def _scalars(self) -> bool:
        """Whether every quantity of the program is a number."""
        return all(leaf.shape.is_scalar for leaf in self.program.leaves.values())

    def _sizes(self) -> list[str]:
        return [
            f"{latex(self.notation.word_of(dim))} = {self.derivation.sizes[dim]}"
            for dim in self.program.dims
            if dim not in self.program.sizes
        ]

    # -- the proof of one statement ----------------------------------------------------------------

    @property
    def _several(self) -> bool:
        return len(self.program.statements) > 1

    def _through(self, local: Local) -> str | None:
        through = self.derivation.names[local.gradient.data[0]].through
        return None if through is None else latex(self.notation.leaf(through))

    def _occurrence(self, local: Local, a: int, c: int) -> dict[str, Any]:
        """Return where an entry of the variable acts: a row, a column, one entry or everywhere."""
        base = self.style.base
        found = {word.split("-")[0]: (a if word.endswith("a") else c) + base
                 for word in local.occurrence}  # fmt: skip
        acts = self._acts(local, a, c)
        return {
            "row": found.get("row"), "column": found.get("column"), "some": "some" in found,
            "entry": latex(self.notation.scalar(acts)) if acts else None,
            "several": [latex(self.notation.index(k)) for k in index_words(*acts.data[1:])]
            if acts else [],
        }  # fmt: skip

    def _acts(self, local: Local, a: int, c: int) -> Scalar | None:
        """Return the entry on which the entry a, c of the variable acts, where pairs say which."""
        if local.acts is None:
            return None
        words, dims = self.derivation.letters.variable, local.variable.shape.dims
        names: dict[Index, Index] = {}
        for word, dim, place in zip(words, dims, (a, c), strict=True):
            names |= at_place(word, dim, place, self.derivation.sizes)
        return written_out(local.acts, names, self.derivation.sizes)

    # -- equations ---------------------------------------------------------------------------------

    def _reason(self, step: Step) -> dict[str, Any]:
        facts: dict[str, Any] = {"rule": step.rule, "scalars": self._scalars}
        facts["by"] = sorted(self.numbers[place] for place in step.cites)
        for name, fact in step.facts:
            if name == "indices":
                index = self.notation.index
                facts["indices"] = [f"{latex(index(k))} = {latex(index(p))}" for k, p in fact]
            elif name == "put_in":
                facts["put_in"] = [latex(self.notation.leaf(leaf)) for leaf in fact]
            elif name == "because":
                used = {leaf: frozenset({word}) for leaf, word in fact}
                facts["because"] = said(used, lambda leaf: latex(self.notation.leaf(leaf)))
            elif name == "lemmas":
                facts["lemmas"] = self._lemma_numbers(fact)
            elif isinstance(fact, Scalar | Expr):
                facts[name] = latex(self.notation.math(fact))
            else:
                facts[name] = fact
        return facts

    def _lemma_numbers(self, keys: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the lemmas a step rests on, each with its number if the document proves it."""
        return [{"key": k, "number": self.numbers.get(("lemma", k, "claim"))} for k in keys]

    # -- what was checked --------------------------------------------------------------------------


_ENTRYWISE = frozenset(
    "exp log sin cos tan sinh cosh tanh sqrt abs sigmoid relu softplus sign max min".split()
)
_KINKS = {"relu": "relu", "abs": "abs", "max": "max", "min": "max", "gt": "gt", "sign": "sign"}


def _kinks(derivation: Derivation) -> list[str]:
    used = {n.name for s in derivation.program.statements for n in nodes(s.expr)}
    return sorted({_KINKS[name] for name in used & _KINKS.keys()})
