"""A judged derivation to a document: facts become printed blocks, templates give order and words.

What a template receives are plain values: strings of mathematics, numbers, stable words. Nothing is
decided in a template that is not a matter of order or of words, and nothing in a block comes from
anywhere but the derivation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.calculus.index import Index, Scalar, at_place, index_words, written_out
from derive.documents.page import FORMATS, fill
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import Expr, nodes
from derive.expressions.layout import Box, is_sum
from derive.expressions.program import Statement
from derive.expressions.shape import Dim, Pair, Product, extent
from derive.language.assumptions import said
from derive.notation.latex import broken, latex, matrix, width
from derive.notation.mathematics import Cells, Notation, Style
from derive.ops.elementwise import SHARED
from derive.proof.derivation import (
    EVERY_SHAPE,
    PROVED,
    Chain,
    Derivation,
    Explicit,
    Grid,
    Lemma,
    Local,
    Math,
    Place,
    Step,
)

if TYPE_CHECKING:
    pass

#: Widths in digits that fit a line: of a page at each font size, and of a screen.
PAGE = (("", 75.0), ("small", 82.0), ("footnotesize", 89.0))
#: The last resort.
TINY = ("scriptsize", 97.0)
#: How far matrices and sums are shortened, one after the other, until an equation fits the page.
NARROWER = (4, 3, 2)
SCREEN = 150.0
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


def render(
    derivation: Derivation,
    form: str = "md",
    style: Style | None = None,
    *,
    fragment: bool = False,
    prefix: str = "derive:",
    templates: Path | None = None,
) -> str:
    """Return the document of a derivation in a format: `md` or `tex`.

    `fragment` leaves out the preamble; `prefix` begins every label; `templates` is a folder whose
    templates come before ours. Raises `UnsupportedError` for a format that there is no folder for.
    """
    if form not in FORMATS:
        raise UnsupportedError(f"there is no format {form}", hint=f"there are {', '.join(FORMATS)}")
    if not LABEL.match(prefix):
        raise UnsupportedError(
            f"the label prefix {prefix!r} would not survive LaTeX",
            hint="letters, digits, colon, dot and hyphen are safe",
        )
    page = _Page(derivation, style or Style(), form)
    return fill("prove", form, page.document(fragment, prefix), templates)


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
        self.notation = Notation(derivation, replace(style, elide=self.elide), latex, around)
        self.notations = [self.notation]
        if form == "tex":
            self.notations += [
                Notation(derivation, replace(style, elide=most), latex, around)
                for most in NARROWER
                if not self.elide or most < self.elide
            ]
        self.numbers = derivation.numbers()
        self.widest_matrix = 0

    def document(self, fragment: bool, prefix: str) -> dict[str, Any]:
        blocks = list(self.blocks())
        return {
            "title": self.title(),
            "blocks": blocks,
            "fragment": fragment,
            "prefix": prefix,
            "columns": self.widest_matrix,
            "lemmas": bool(self.derivation.lemmas),
            "detail": self.derivation.detail,
        }

    def title(self) -> dict[str, Any]:
        """Return the formula if there is one short statement, else the output and the variables."""
        if not self._several and self._is_short(self.program.statements[-1]):
            return {"formula": self._statement(self.program.statements[-1]), "variables": []}
        leaf = self.notation.leaf
        return {
            "formula": latex(leaf(self.program.output.data[0])),
            "variables": [latex(leaf(name)) for name in self.derivation.wrt],
        }

    def blocks(self) -> Iterator[Block]:
        d = self.derivation
        yield self.setting()
        yield self.theorem()
        if d.lemmas:
            yield Block("section", {"key": "lemmas", "level": 2, "count": len(d.lemmas)})
            yield Block("text", {"key": "lemmas", "count": len(d.lemmas)})
            for lemma in d.lemmas:
                yield from self.lemma(lemma)
        if d.forward:
            yield Block("section", {"key": "forward", "level": 2})
            for step in d.forward:
                yield self.equation([step], ("forward", step.theme), reasons=False)
        theme = None
        for local in d.locals:
            if local.statement.name != theme and len(d.program.statements) > 1:
                yield Block("section", {"key": "statement", "level": 2,
                                        "math": self._heading(local.statement)})  # fmt: skip
            theme = local.statement.name
            yield from self.local(local)
            name = local.variable.data[0]
            if name in d.totals and _is_last(d, local):
                yield from self.total(name)
            if name in d.assuming and _is_last(d, local):
                yield Block("text", {"key": "assuming", "X": latex(self.notation.leaf(name))})
                yield self.equation(d.assuming[name][:-1], ("assuming", name), qed=True)
        if d.composed:
            yield Block("section", {"key": "composed", "level": 2})
            for name, chain in d.composed.items():
                yield self.equation(chain, ("composed", name), qed=True)
        if d.claimed:
            yield Block("section", {"key": "claimed", "level": 2})
            for name, chain in d.claimed.items():
                yield self.equation(chain, ("claimed", name), qed=True)
        yield self.checks()

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
        return width(self._statement(statement)) <= INLINE

    def _heading(self, statement: Statement) -> str:
        """Return what a heading says of a statement: all of it, or its name where it is long."""
        short = self._is_short(statement)
        return self._statement(statement) if short else latex(self.notation.leaf(statement.name))

    def _definitions(self, statements: list[Statement]) -> dict[str, Any] | None:
        """Return the program as a display; `None` where one short formula stands in the text."""
        if len(statements) == 1 and self._is_short(statements[0]):
            return None
        notation = self.notation
        lefts = [latex(notation.leaf(s.name)) for s in statements]
        room = PAGE[0][1] - 4 - max(map(width, lefts))
        lines = [
            Line(left, tuple(self._broken(notation.expr(s.expr), room)))
            for left, s in zip(lefts, statements, strict=True)
        ]
        return self._display(lines, "")

    def _inline(self, box: Box) -> str:
        """Return mathematics for a sentence, with places where a long formula may break."""
        return r"\allowbreak ".join(broken(box, INLINE)) if self.form == "tex" else latex(box)

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

    def _all_sizes(self) -> list[str]:
        d = self.derivation
        return [f"{latex(self.notation.word_of(dim))} = {d.sizes[dim]}" for dim in d.program.dims]

    def theorem(self) -> Block:
        d, notation = self.derivation, self.notation
        sides = [
            (
                latex(notation.operand(notation.leaf(f"d{name}"), value.shape, True)),
                notation.expr(value, shapes=True),
            )
            for name, value in d.backward.items()
        ]
        font = ""
        for font, limit in PAGE:  # noqa: B007
            room = limit - 4 - max(self._wide(left) for left, _ in sides)
            lines = [Line(left, tuple(self._broken(right, room))) for left, right in sides]
            if self.form == "md" or _lines_width(lines) <= limit:
                break
        number = self.numbers[("theorem",)]
        return Block("theorem", {"number": number, **self._display(lines, font), "qed": False})

    # -- lemmas ------------------------------------------------------------------------------------

    def lemma(self, lemma: Lemma) -> Iterator[Block]:
        """Yield a lemma and its proof, in its own letters, numbered on."""
        own = _Page(lemma.derivation, self.style, self.form, self.derivation)
        own.numbers = self.numbers
        yield from own.lemma_blocks(lemma)

    def lemma_blocks(self, lemma: Lemma) -> Iterator[Block]:
        facts = self._lemma_facts(lemma)
        claim = self.equation(lemma.claim, ("lemma", lemma.key, "claim"), reasons=False)
        yield Block("lemma", {**claim.fields, **facts})
        yield Block("begin-proof", {"key": "lemma", "math": "", "sizes": []})
        for k, chain in enumerate(lemma.proof):
            yield Block("text", {"key": "lemma", "place": k, **facts})
            last = k == len(lemma.proof) - 1
            yield self.equation(chain, ("lemma", lemma.key, str(k)), qed=last)
        yield Block("end-proof")

    def _lemma_facts(self, lemma: Lemma) -> dict[str, Any]:
        """Return the key of a lemma, its variable, and how its names are defined and written."""
        program, notation = self.program, self.notation
        (variable,) = program.inputs
        i, j = self.derivation.letters.output
        return {
            "lemma": lemma.key,
            "A": latex(notation.leaf(variable)),
            "shape": latex(notation.shape(program.leaves[variable].shape)),
            "entry": latex(notation.entry(variable, i, j)),
            "names": {
                s.expr.name: {
                    "name": latex(notation.leaf(s.name)),
                    "entry": latex(notation.entry(s.name, i, j)),
                    "definition": self._statement(s),
                }
                for s in program.statements
            },
            "i": latex(notation.index(i)),
            "j": latex(notation.index(j)),
        }

    # -- the proof of one statement ----------------------------------------------------------------

    def local(self, local: Local) -> Iterator[Block]:
        variable, value = local.variable.data[0], local.statement.name
        of = latex(self.notation.leaf(variable))
        key = (value, variable)
        yield Block("section", {"key": "variable", "level": 3 if self._several else 2, "math": of,
                                "through": self._through(local)})  # fmt: skip
        facts = self._facts(local)
        if local.one:
            yield Block("begin-proof", {"key": "sizes", "math": of, "sizes": self._all_sizes()})
        if local.slice:
            yield Block("text", {"key": "occurs", **facts})
            yield self.equation(local.slice, ("slice", *key), reasons=False)
        if local.one:
            yield Block("text", {"key": "one" if local.slice else "one-loss", **facts})
            yield self.equation(local.one, ("one", *key))
        if local.entries:
            yield Block("text", {"key": "others", **facts})
            yield self.table(local, ("entries", *key))
        if local.assembly:
            yield Block("text", {"key": "assemble", **facts})
            yield self.equation(local.assembly, ("assembly", *key), reasons=False, qed=True)
            yield Block("end-proof")
        key_ = "scalars" if self._scalars else "every-shape"
        yield Block("begin-proof", {"key": key_, "math": of, "sizes": []})
        yield Block("text", {"key": "every-shape", **facts})
        yield self.equation(local.index, ("index", *key), qed=True)
        yield Block("end-proof")
        if local.operators:
            yield Block("text", {"key": "operators", **facts})
            yield self.equation(local.operators, ("operators", *key))

    @property
    def _several(self) -> bool:
        return len(self.program.statements) > 1

    def _through(self, local: Local) -> str | None:
        through = self.derivation.names[local.gradient.data[0]].through
        return None if through is None else latex(self.notation.leaf(through))

    def _facts(self, local: Local) -> dict[str, Any]:
        notation, d = self.notation, self.derivation
        a, c = (0, 0)
        name = local.variable.data[0]
        value = local.statement.name
        shape = self.program.leaves[value].shape
        rows, cols = shape.extents(d.sizes)
        return {
            "x": latex(notation.entry(name, a, c)),
            "X": latex(notation.leaf(name)),
            "Y": latex(notation.leaf(value)),
            "L": latex(notation.loss),
            "is_loss": local.upstream is None,
            "occurrence": self._occurrence(local, a, c),
            "entries": rows * cols,
            "zeros": self._zeros(local),
            "lemmas": self._lemma_numbers(dict(local.index[1].facts).get("lemmas", ())),
            "single": self.program.leaves[name].shape.at(d.sizes).dims == (1, 1),
            "forward": self.numbers.get(("forward", value)),
            "slice": self.numbers.get(("slice", value, name)),
            "table": self.numbers.get(("entries", value, name)),
            "leaf": local.formula.is_var,
            "shapes": [
                {"name": latex(notation.leaf(leaf.data[0])),
                 "shape": latex(notation.shape(leaf.shape, general=True))}
                for leaf in (n for n in nodes(local.statement.expr) if n.is_var)
                if not leaf.shape.is_scalar
            ],
            "general": bool(self.program.sizes),
            "delta": any(_has_delta(step.right) for step in local.index),
            "scalars": self._scalars,
            "a": latex(notation.index(self.derivation.letters.variable[0])),
        }  # fmt: skip

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

    def _zeros(self, local: Local) -> int:
        if not local.slice:
            return 0
        rows, cols = self.program.leaves[local.statement.name].shape.extents(self.derivation.sizes)
        acts = self._acts(local, 0, 0)
        if acts is not None:
            shape = self.program.leaves[local.statement.name].shape
            alive = 1
            for index, own in zip(acts.data[1:], shape.dims, strict=True):
                pairs = zip(index.parts, index.dims) if isinstance(index, Pair) else [(index, own)]
                for part, dim in pairs:
                    alive *= extent(dim, self.derivation.sizes) if isinstance(part, str) else 1
            return rows * cols - alive
        where = {word.split("-")[0] for word in local.occurrence}
        if "some" in where:
            return 0  # how many is not said
        alive = (1 if "row" in where else rows) * (1 if "column" in where else cols)
        return rows * cols - alive

    def table(self, local: Local, place: Place) -> Block:
        step = local.entries[0]
        assert isinstance(step.left, Grid) and isinstance(step.right, Grid)
        height, width = local.variable.shape.extents(self.derivation.sizes)
        left = self.notation._cell_writer(step.left)
        right = self.notation._cell_writer(step.right)
        limit = SCREEN if self.form == "md" else 52.0
        rows: list[dict[str, Any] | None] = []
        places = [(i, j) for i in range(height) for j in range(width)]
        shown = self.notation.shown(len(places)) if self.form == "tex" else range(len(places))
        for k in shown:
            if k is None:
                rows.append(None)
                continue
            i, j = places[k]
            rows.append(
                {
                    "left": "".join(left(i, j)),
                    "place": self._occurrence(local, i, j),
                    "right": self._broken(self.notation.cell(step.right, i, j), limit)
                    if self.form == "tex"
                    else ["".join(right(i, j))],
                }
            )
        return Block("table", {"rows": rows, "number": self.numbers[place],
                               "Y": latex(self.notation.leaf(local.statement.name)),
                               "scalar": local.statement.expr.shape.is_scalar,
                               "proved": step.proved})  # fmt: skip

    def total(self, name: str) -> Iterator[Block]:
        users = [s.name for s in self.program.users(name)]
        yield Block("text", {
            "key": "gradients-add",
            "X": latex(self.notation.leaf(name)),
            "users": [latex(self.notation.leaf(user)) for user in users],
        })  # fmt: skip
        yield self.equation(self.derivation.totals[name], ("total", name), qed=True)

    # -- equations ---------------------------------------------------------------------------------

    def equation(
        self, chain: Chain | list[Step], place: Place, *, reasons: bool = True,
        qed: bool = False,
    ) -> Block:  # fmt: skip
        """Return a chain of equalities as one numbered display that fits the page."""
        font, lines = self._fitted(list(chain), reasons)
        return Block(
            "equation",
            {"number": self.numbers[place], **self._display(lines, font), "qed": qed,
             "proved": all(step.proved for step in chain)},
        )  # fmt: skip

    def _display(self, lines: list[Line], font: str) -> dict[str, Any]:
        """Return the fields that every display has."""
        if self.form == "md":
            return {"lines": lines, "font": "", "room": SCREEN, "tall": False, "qed": False}
        count = sum(len(line.right) + line.wide for line in lines)
        room = _room(lines, font)
        return {"lines": lines, "font": font, "room": room, "tall": count > TALL, "qed": False}

    def _fitted(self, chain: list[Step], reasons: bool) -> tuple[str, list[Line]]:
        """Return the font and the lines of a display: smaller, then broken, then with dots."""
        if self.form == "md":
            return "", self._lines(chain, reasons, self.notation, SCREEN)
        best: tuple[float, str, list[Line]] | None = None
        for notation in self.notations:
            for cells in (False, True):
                last = (TINY,) if cells and notation is self.notations[-1] else ()
                for font, limit in (*PAGE, *last):
                    lines = self._lines(chain, reasons, notation, limit, cells)
                    excess = _lines_width(lines) - limit
                    if excess <= 0:
                        return font, lines
                    if best is None or excess < best[0]:
                        best = (excess, font, lines)
                if not any(isinstance(step.right, Grid | Explicit) for step in chain):
                    break
        if any(isinstance(step.right, Explicit) for step in chain):
            whole = _without_explicit(chain)  # the factors, written out, have no room on a page
            return self._fitted(whole, reasons)
        assert best is not None
        return best[1], best[2]

    def _lines(
        self,
        chain: list[Step],
        reasons: bool,
        notation: Notation,
        limit: float,
        cells: bool = False,
    ) -> list[Line]:
        shown: list[tuple[Step, str]] = []
        last: Math | None = None
        for step in chain:
            follows = step.left is last or (isinstance(last, Scalar) and step.left == last)
            last = step.right
            if follows and isinstance(last, Explicit) and len(notation.explicit(last.expr)) == 1:
                continue  # nothing to take apart: the same matrix again
            shown.append((step, "" if follows else latex(notation.math(step.left))))
        wide = {left for _, left in shown if self.form == "tex" and width(left) > limit / 3}
        narrow = (self._wide(left) for _, left in shown if left not in wide)
        room = limit - 4 - max(narrow, default=2.0)
        lines: list[Line] = []
        for step, left in shown:
            right = self._right(step, notation, room, cells)
            if reasons and len(right) > 1 and room > 2 * REASON:
                right = self._right(step, notation, room - REASON, cells)
            if not left and lines and _bare(right) == _bare(lines[-1].right):
                continue  # two names for what is written alike
            reason = self._reason(step) if reasons else None
            lines.append(Line(left, right, reason, left in wide))
        return lines

    def _wide(self, shown: str) -> float:
        return width(shown) if self.form == "tex" else 0.0

    def _right(self, step: Step, notation: Notation, room: float, cells: bool) -> tuple[str, ...]:
        """Return the right side of a step in lines that fit, as far as they can be broken."""
        most = room if cells else None
        match step.right:
            case Grid() if step.right.leaf.shape.at(notation.sizes).dims == (1, 1):
                return tuple(self._broken(notation.cell(step.right, 0, 0), room))
            case Grid():
                return (self._matrix(notation.cells(step.right), most),)
            case Explicit(expr):
                parts = notation.explicit(expr)
                if most is not None:
                    most = room / max(1, sum(isinstance(part, Cells) for part in parts))
                return self._beside([self._piece(part, most) for part in parts], room)
            case Scalar() if step.sized:
                return tuple(self._broken(notation.written_sum(step.right), room))
        return tuple(self._broken(notation.math(step.right), room))

    def _broken(self, box: Box, room: float) -> list[str]:
        return broken(box, room) if self.form == "tex" else [latex(box)]

    def _beside(self, pieces: list[str], room: float) -> tuple[str, ...]:
        """Return the factors of a product of matrices on as many lines as they need."""
        if self.form == "md":
            return ("\n".join(pieces),)
        if sum(map(width, pieces)) <= room or r"\left(" in pieces:
            return ("\n".join(pieces),)
        lines, used = [""], 0.0
        for before, piece in pairwise(["", *pieces]):
            wide = width(piece)
            if lines[-1] and used + wide > room and piece.startswith(r"\begin"):
                sign = before.strip() if before.strip() == r"\odot" else r"\cdot"
                lines[-1] = lines[-1].rstrip().removesuffix(r"\odot").rstrip()
                lines.append(f"{{}} {sign} {piece}")
                used = wide + 4
            else:
                lines[-1] += "\n" + piece if lines[-1] else piece
                used += wide
        return tuple(lines)

    def _piece(self, part: Cells | Box, most: float | None) -> str:
        if isinstance(part, Cells):
            return self._matrix(part, most)
        if part.text in ("open", "close"):
            return r"\left(" if part.text == "open" else r"\right)"
        return latex(part)

    def _matrix(self, cells: Cells, most: float | None = None) -> str:
        """Return a matrix; where `most` is given, its cells are broken to be no wider in all."""
        rows: list[list[str]] = []
        for line in cells.rows:
            if all(cell is None for cell in line):
                gap = _gap(cells)
                rows.append([r"\ddots" if k == gap else r"\vdots" for k in range(len(line))])
            else:
                rows.append([r"\cdots" if cell is None else "".join(cell) for cell in line])
        self.widest_matrix = max(self.widest_matrix, len(rows[0]))
        if len(rows) == 1 and len(rows[0]) == 1:
            return rf"\left({rows[0][0]}\right)" if is_sum(cells.box(0, 0)) else rows[0][0]
        if most is not None:
            self._break_cells(cells, rows, most)
        shown = matrix(rows, self.style.brackets)
        if self.form == "md" and len(shown) > CROWDED:
            return shown.replace(r"\,", "{}")
        return shown

    def _break_cells(self, cells: Cells, rows: list[list[str]], most: float) -> None:
        """Break the cells of a matrix's wide columns in place, as far as they stay readable."""
        columns = list(zip(*rows, strict=True))
        widths = [max(width(rf"\begin{{x}}{cell}\end{{x}}") - 3.5 for cell in c) for c in columns]
        free = most - 3.5 - 2 * len(columns)
        if sum(widths) <= free:
            return
        cap = free / len(widths)
        for _ in widths:  # narrow columns leave their room to the wide ones
            small = sum(w for w in widths if w <= cap)
            large = sum(w > cap for w in widths)
            cap = (free - small) / large if large else cap
        cap = max(cap, CELL)
        for r, line in enumerate(cells.rows):
            for c, cell in enumerate(line):
                if cell is not None and widths[c] > cap:
                    pieces = broken(cells.box(r, c), cap)
                    if len(pieces) > 1:
                        body = r" \\ ".join(rf"& {piece}" for piece in pieces)
                        rows[r][c] = rf"\begin{{aligned}} {body} \end{{aligned}}"

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

    def checks(self) -> Block:
        """Return the closing table: which equations, how many, how and where they were checked."""
        d = self.derivation
        own = [(place, chain) for place, chain in d.equations() if place[0] != "lemma"]
        rows = self._checked(d, own)
        for lemma in d.lemmas:
            rows += self._checked(lemma.derivation, lemma.equations())
        agreed = carried = None
        if d.agreements:
            agreed = {
                "variables": [latex(self.notation.leaf(f"d{a.variable}")) for a in d.agreements],
                "digits": min(a.digits for a in d.agreements),
                "sizes": self._each(d.agreements[0].sizes),
            }
        if d.carried:
            count, sizes = len(d.carried.variables), self._each(d.carried.sizes)
            carried = {"gradients": count, "exact": d.carried.exact, "sizes": sizes}
        steps, equations = len(d.steps()), len(self.numbers)
        counts = {"steps": steps, "equations": equations}
        return Block("checks", {**counts, "rows": rows, "carried": carried, "numbers": agreed})

    def _each(self, sizes: Mapping[str, int]) -> list[str]:
        return [f"{latex(self.notation.word_of(x))} = {k}" for x, k in sizes.items()]

    def _checked(
        self, of: Derivation, equations: Iterable[tuple[Place, Chain]]
    ) -> list[dict[str, Any]]:
        """Return how and where equations were checked, one row a method and a scope."""
        found: dict[tuple[str, str], list[int]] = {}
        for place, chain in equations:
            for step in chain:
                for verdict in step.verdicts:
                    if verdict.word == PROVED:
                        row = found.setdefault((verdict.method, verdict.scope), [])
                        row.append(self.numbers[place])
        return [
            {
                "steps": len(numbers),
                "method": method,
                "every": scope == EVERY_SHAPE,
                "dims": ", ".join(latex(self.notation.word_of(x)) for x in of.program.dims),
                "scope": self._scope(scope),
                "numbers": _ranges(numbers),
            }
            for (method, scope), numbers in found.items()
        ]

    def _scope(self, scope: str) -> list[str]:
        """Return the sizes of a scope printed; none for scalars and for every shape."""
        pairs = (item.split(" = ") for item in scope.split(", ") if " = " in item)
        return [f"{latex(self.notation.word_of(dim))} = {number}" for dim, number in pairs]


_ENTRYWISE = frozenset(
    "exp log sin cos tan sinh cosh tanh sqrt abs sigmoid relu softplus sign max min".split()
)
_KINKS = {"relu": "relu", "abs": "abs", "max": "max", "min": "max", "gt": "gt", "sign": "sign"}


def _kinks(derivation: Derivation) -> list[str]:
    used = {n.name for s in derivation.program.statements for n in nodes(s.expr)}
    return sorted({_KINKS[name] for name in used & _KINKS.keys()})


def _is_last(derivation: Derivation, local: Local) -> bool:
    """Whether this is the last of the parts that add up to a variable's gradient."""
    name = local.variable.data[0]
    return [p for p in derivation.locals if p.variable.data[0] == name][-1] is local


def _has_delta(math: Math) -> bool:
    if not isinstance(math, Scalar):
        return False
    return math.kind == "delta" or any(_has_delta(arg) for arg in math.args)


def _gap(cells: Cells) -> int:
    line = next(line for line in cells.rows if any(cell is not None for cell in line))
    return next((k for k, cell in enumerate(line) if cell is None), -1)


def _without_explicit(chain: list[Step]) -> list[Step]:
    """Return a chain that passes over the product written out: from the entries to the formula."""
    kept: list[Step] = []
    for step in chain:
        if kept and isinstance(step.left, Explicit):
            kept[-1] = replace(kept[-1], right=step.right)
        else:
            kept.append(step)
    return kept


def _lines_width(lines: list[Line]) -> float:
    """Return the width of lines that stand under each other, aligned at their signs."""
    left = max((width(line.left) for line in lines if not line.wide), default=2.0)
    alone = max((width(line.left) for line in lines if line.wide), default=0.0)
    right = max(width(part) + 2 * (k > 0) for line in lines for k, part in enumerate(line.right))
    return max(left + 4 + right, alone)


def _bare(pieces: tuple[str, ...]) -> str:
    """Return what is written, without the space between."""
    return "".join(pieces).replace(r"\,", "").replace(" ", "")


def _room(lines: list[Line], font: str) -> float:
    """Return the width that the lines leave for reasons beside them."""
    return dict((*PAGE, TINY))[font] - _lines_width(lines) - 2


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Return numbers as runs, first and last: [1, 2, 3, 7] as (1, 3), (7, 7)."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    pairs = [[(a, a), (b, b)] if b == a + 1 else [(a, b)] for a, b in runs]
    return [run for pair in pairs for run in pair]
