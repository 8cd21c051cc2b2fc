"""A judgement to a document: the derivation of what is true, the counterexample worked by hand.

What enters is a case and what was judged of it; what leaves is Markdown or LaTeX. The numbers of a
counterexample are evaluated anew from the operators' definitions, with the arithmetic written down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.errors import DeriveError, UnsupportedError
from derive.expr import OPS, Expr, nodes, variables
from derive.layout import Box, frac, num, op, paren, row, sup, word
from derive.notation import Notation, Style
from derive.numbers import BITS, Numbers, at_point, interval
from derive.page import FORMATS, fill
from derive.parse import Shapes
from derive.pipeline import prove, write_whole
from derive.printers.latex import broken, latex, matrix
from derive.proof import EVERY_SHAPE, PROVED, EntryOf
from derive.shape import extent

if TYPE_CHECKING:
    from derive.claim import Case, Counterexample, Judgement

#: Arithmetic with more numbers than this is left to the reader; a line holds so many digits.
LONGEST, LINE = 60, 62.0


def render_check(case: Case, judgement: Judgement, form: str, *, derivation: str = "") -> str:
    """Return the document of a judgement in a format, `md` or `tex`.

    `derivation` is the document of the gradient's derivation, a fragment in LaTeX, which follows
    the statement that a claim was proved.
    """
    if form not in FORMATS:
        raise UnsupportedError(f"there is no format {form}", hint=f"there are {', '.join(FORMATS)}")
    return fill("check", form, {**_document(case, judgement), "derivation": derivation})


def _document(case: Case, judgement: Judgement) -> dict[str, Any]:
    case = case.fitting(judgement.claim)
    notation = Notation(case.derivation, Style(), latex)
    program = case.program
    found = judgement.counterexample
    truth = judgement.truth
    if judgement.verdict == PROVED:  # the reader sees how we would write it
        name = case.read(judgement.claim)[0]
        truth = f"d{name} = {case.truth(name)}"
    return {
        "prefix": "",
        "verdict": judgement.verdict,
        "where": _where(judgement.scope),
        "method": judgement.method,
        "claim": judgement.claim,
        "shown": _shown(case, notation, judgement.claim),
        "program": [
            f"{latex(notation.leaf(s.name))} = {latex(notation.expr(s.expr))}"
            for s in program.statements
        ],
        "inputs": [
            {
                "name": latex(notation.leaf(name)),
                "shape": latex(notation.shape(leaf.shape, True))
                if not leaf.shape.is_scalar
                else "",
            }
            for name, leaf in program.leaves.items()
            if name in program.inputs
        ],
        "is_loss": program.is_loss,
        "loss": latex(notation.loss),
        "output": latex(notation.leaf(program.output.data[0])),
        "truth": _shown(case, notation, truth) if truth else [],
        "truth_text": truth,
        "reason": judgement.reason,
        "yours": judgement.diagnosis.partition("; yours ")[2],
        "holds": judgement.holds,
        "conditions": list(judgement.conditions),
        "counterexample": _worked(case, notation, judgement, found) if found else None,
    }


def _where(scope: str) -> str:
    """Return the scope of a proof as the end of a sentence."""
    if scope == EVERY_SHAPE:
        return f"for {scope}"
    return scope if scope.startswith("where") else f"where {scope}"


def _shown(case: Case, notation: Notation, claim: str) -> list[str]:
    """Return a claim as lines of mathematics, none where it does not fit together."""
    try:
        name, expr = case.read(claim)
    except DeriveError:
        return []
    first, *rest = broken(notation.expr(expr), LINE)
    return [f"{latex(notation.leaf(f'd{name}'))} &= {first}", *(rf"&\quad {part}" for part in rest)]


# -- the counterexample ----------------------------------------------------------------------------


def _worked(
    case: Case, notation: Notation, judgement: Judgement, found: Counterexample
) -> dict[str, Any]:
    """Return the numbers of a counterexample: what is given, what follows, and the two entries."""
    name, claimed = case.read(judgement.claim)
    work = _Table(case, found)
    truth = case.derivation.backward.get(name, case.derivation.gradients[name])
    steps = work.needed([truth, claimed])
    i, j = (k - 1 for k in found.entry)

    def worked(expr: Expr, text: str) -> list[dict[str, str]]:
        """The entry as it is defined, with the numbers put in, and what it comes to."""
        value = _value(text)
        parts = []
        if not (expr.is_var and expr.shape.is_scalar):
            parts.append(_entry(notation, expr, i, j))
        arithmetic = work.written(expr, i, j)
        if arithmetic is not None and latex(arithmetic) != value:
            parts += broken(arithmetic, LINE)
        return _equation(parts, value, _is_exact(text))

    return {
        "sizes": [f"{latex(notation.word_of(dim))} = {k}" for dim, k in found.sizes.items()],
        "given": [
            {"name": latex(notation.leaf(n)), "value": _matrix(rows)}
            for n, rows in found.values.items()
        ],
        "steps": [
            {
                "name": latex(notation.leaf(n) if n else notation.expr(expr)),
                "lines": _equation(
                    broken(notation.expr(expr), LINE) if n else [],
                    _matrix(work.shown(expr)),
                    work.is_exact(expr),
                ),
            }
            for n, expr in work.with_inverses(steps, [truth, claimed])
        ],
        "entry": _entry(notation, case.gradients[f"d{name}"], i, j),
        "expected": worked(truth, found.expected),
        "claimed": worked(claimed, found.claimed),
    }


def _entry(notation: Notation, expr: Expr, i: int, j: int) -> str:
    if (
        expr.is_var
        and not notation.derivation.names.get(expr.data[0])
        and expr.data[0] not in (f"d{name}" for name in notation.program.leaves)
    ):
        return latex(notation.entry(expr.data[0], i, j))
    return latex(notation.math(EntryOf(expr, i, j)))


def _equation(parts: list[str], value: str, exact: bool) -> list[dict[str, str]]:
    """Return the lines of a chain of equalities, each with the sign that begins it."""
    lines = [
        {"math": part, "sign": r"&\quad " if part.startswith("{}") else "&= "} for part in parts
    ]
    return [*lines, {"math": value, "sign": "&= " if exact else r"&\approx "}]


def _value(text: str) -> str:
    """Return a value as a reader writes it, with its sign and as a fraction."""
    return latex(_literal(Fraction(text))) if _is_exact(text) else text


def _matrix(rows: list[list[str]]) -> str:
    if len(rows) == len(rows[0]) == 1:
        return _value(rows[0][0])
    return matrix([[_value(cell) for cell in line] for line in rows], "round")


class _Table:
    """The values of every name at the point of a counterexample."""

    def __init__(self, case: Case, found: Counterexample):
        from flint import ctx

        self.case, self.found = case, found
        self.formulas: dict[str, Expr] = {s.name: s.expr for s in case.program.statements}
        for name, value in case.derivation.backward.items():
            self.formulas[f"d{name}"] = value
        for name, value in case.derivation.gradients.items():
            self.formulas.setdefault(f"d{name}", value)
        self.values: dict[str, list[list[Any]]] = {}
        before, ctx.prec = ctx.prec, BITS
        try:
            for name, cells in found.values.items():
                self.values[name] = [[interval(Fraction(x)) for x in line] for line in cells]
            if case.program.is_loss:
                self.values[f"d{case.program.output}"] = [[interval(1)]]
        finally:
            ctx.prec = before

    def needed(self, roots: list[Expr]) -> list[tuple[str, Expr]]:
        """Return the names that formulas use and that are not given, in the order of the work."""
        order: dict[str, Expr] = {}

        def visit(expr: Expr) -> None:
            for leaf in variables(expr):
                name = leaf.data[0]
                if name not in self.values and name not in order:
                    visit(self.formulas[name])
                    order[name] = self.formulas[name]

        for root in roots:
            visit(root)
        for name, expr in order.items():
            self.values[name] = self._evaluate(expr)
        return list(order.items())

    def _evaluate(self, expr: Expr) -> list[list[Any]]:
        from flint import ctx

        before, ctx.prec = ctx.prec, BITS
        try:
            return [[interval(x) for x in line] for line in self._point.matrix(expr)]
        finally:
            ctx.prec = before

    @property
    def _point(self) -> Numbers:
        return Numbers(self.found.sizes, self.values)

    def with_inverses(
        self, steps: list[tuple[str, Expr]], roots: list[Expr]
    ) -> list[tuple[str, Expr]]:
        """Return the steps, each after the inverses that it uses, which have no names."""
        found: dict[tuple[str, Expr], None] = {}
        for name, expr in [*steps, *(("", root) for root in roots)]:
            for node in nodes(expr):
                if node.name in ("inv", "det") and node is not expr:
                    found[("", node)] = None
            if name:
                found[(name, expr)] = None
        return list(found)

    def shown(self, expr: Expr) -> list[list[str]]:
        return [[at_point(x) for x in line] for line in self._evaluate(expr)]

    def is_exact(self, expr: Expr) -> bool:
        return all(_is_exact(cell) for line in self.shown(expr) for cell in line)

    def written(self, expr: Expr, i: int, j: int) -> Box | None:
        """Return the arithmetic of an entry with its numbers put in; `None` where it is long."""
        work = _Work(self._point)
        try:
            found = work.at(expr, i, j)
        except _TooLong:
            return None
        return found.box if found.numbers > 1 else None


def _is_exact(text: str) -> bool:
    return re.fullmatch(r"-?\d+(/\d+)?", text) is not None


# -- arithmetic that is written down ---------------------------------------------------------------


class _TooLong(Exception):
    """The arithmetic is more than a reader would check."""


SUM, PRODUCT, ATOM = range(3)


@dataclass(frozen=True, slots=True)
class _Written:
    """A number as it is calculated: its layout, how strongly it binds, how many numbers it has."""

    box: Box
    strength: int = ATOM
    numbers: int = 1

    def __add__(self, other: Any) -> _Written:
        return _joined(SUM, (self, "plus", other))

    def __radd__(self, other: Any) -> _Written:
        return _joined(SUM, (_written(other), "plus", self))

    def __sub__(self, other: Any) -> _Written:
        return _joined(SUM, (self, "minus", other))

    def __rsub__(self, other: Any) -> _Written:
        return _joined(SUM, (_written(other), "minus", self))

    def __mul__(self, other: Any) -> _Written:
        return _joined(PRODUCT, (self, "cdot", other))

    def __rmul__(self, other: Any) -> _Written:
        return _joined(PRODUCT, (_written(other), "cdot", self))

    def __truediv__(self, other: Any) -> _Written:
        other = _written(other)
        return _Written(frac(self.box, other.box), PRODUCT, _few(self, other))

    def __rtruediv__(self, other: Any) -> _Written:
        return _written(other) / self

    def __neg__(self) -> _Written:
        inner = self.box if self.strength == ATOM else paren(self.box)
        return _Written(row(op("negative"), inner), SUM, self.numbers)

    def __pow__(self, exponent: Any) -> _Written:
        exponent = Fraction(exponent)
        base = self.box if self.strength == ATOM and self.box.kind == "num" else paren(self.box)
        if exponent == Fraction(1, 2):
            return _Written(Box("root", (self.box,)), ATOM, self.numbers)
        return _Written(sup(base, _literal(exponent)), ATOM, self.numbers)


def _joined(strength: int, terms: tuple[_Written, str, Any]) -> _Written:
    left, sign, right = terms[0], terms[1], _written(terms[2])
    a = (
        left.box
        if left.strength >= strength and (strength == SUM or left.strength)
        else paren(left.box)
    )
    loose = right.strength < strength or right.strength == SUM
    b = paren(right.box) if loose else right.box
    return _Written(row(*_flat(a), op(sign), *_flat(b)), strength, _few(left, right))


def _flat(box: Box) -> tuple[Box, ...]:
    return box.parts if box.kind == "row" else (box,)


def _few(*parts: _Written) -> int:
    count = sum(part.numbers for part in parts)
    if count > LONGEST:
        raise _TooLong
    return count


def _literal(value: Fraction) -> Box:
    size = num(abs(value.numerator))
    shown = size if value.denominator == 1 else frac(size, num(value.denominator))
    return row(op("negative"), shown) if value < 0 else shown


def _written(value: Any) -> _Written:
    if isinstance(value, _Written):
        return value
    if not isinstance(value, int | Fraction):
        text = at_point(value)
        if not _is_exact(text):
            return _Written(Box("num", text=text), SUM if text.startswith("-") else ATOM)
        value = Fraction(text)
    return _Written(_literal(Fraction(value)), SUM if value < 0 else ATOM)


class _Work:
    """Entries by the operators' definitions, as arithmetic to be written down."""

    def __init__(self, point: Numbers):
        self.point = point
        self.sizes = point.sizes
        self.known: dict[tuple[Expr, int, int], _Written] = {}

    def at(self, node: Expr, i: int, j: int) -> _Written:
        key = (node, i, j)
        if key not in self.known:
            views = [_View(self, arg) for arg in node.args]
            data = {"data": node.data} if node.op.takes_data else {}
            self.known[key] = _written(node.op.entry(self, i, j, *views, **data))
        return self.known[key]

    def sum(self, dim: Any, body: Callable[[int], Any]) -> _Written:
        total = _written(body(0))
        for k in range(1, extent(dim, self.point.sizes)):
            total = total + body(k)
        return total

    def extremum(self, name: str, dims: tuple[Any, ...], body: Callable[..., Any]) -> _Written:
        ranges = (range(extent(dim, self.point.sizes)) for dim in dims)
        values = [_written(body(*places)) for places in product(*ranges)]
        return self.function(name, *values) if len(values) > 1 else values[0]

    def entry(self, leaf: tuple, i: int, j: int) -> _Written:
        return _written(self.point.values[leaf[0]][i][j])

    def number(self, value: Any) -> _Written:
        return _written(value)

    def size(self, dim: Any) -> _Written:
        return _written(extent(dim, self.point.sizes))

    def delta(self, i: int, j: int) -> _Written:
        return _written(1 if i == j else 0)

    def inverse(self, A: _View, i: int, j: int) -> _Written:
        return _written(interval(self.point.matrix(OPS["inv"](A.expr))[i][j]))

    def det(self, A: _View) -> _Written:
        return _written(interval(self.point.matrix(OPS["det"](A.expr))[0][0]))

    def function(self, name: str, *args: Any) -> _Written:
        values = [_written(arg) for arg in args]
        boxes = [value.box for value in values]
        if name in ("gt", "eq"):
            sign = op("greater" if name == "gt" else "equals")
            inside = paren(row(boxes[0], sign, boxes[1]), "iverson")
        elif name == "abs":
            inside = paren(boxes[0], "bars")
        elif name == "sqrt":
            inside = Box("root", (boxes[0],))
        else:
            parts = [
                b
                for k, box in enumerate(boxes)
                for b in ((op("comma-space"), box) if k else (box,))
            ]
            inside = row(word(name), paren(row(*parts)))
        return _Written(inside, ATOM, _few(*values) + 1)


class _View:
    """An argument of an operator: `A[i, k]`, `A.rows`, `A.cols`."""

    __slots__ = ("cols", "expr", "rows", "work")

    def __init__(self, work: _Work, expr: Expr):
        self.work, self.expr = work, expr
        self.rows, self.cols = expr.shape.dims

    def __getitem__(self, indices: tuple[int, int]) -> _Written:
        return self.work.at(self.expr, *indices)


# -- templates -------------------------------------------------------------------------------------


def documents(
    case: Case,
    judgement: Judgement,
    formats: Sequence[str],
    *,
    shapes: Shapes | None = None,
    at: Mapping[str, int] | None = None,
) -> list[tuple[str, str]]:
    """Return a judgement's document in each format, that of a proved claim with its derivation."""
    proof = None
    if judgement.verdict == PROVED:
        name = case.fitting(judgement.claim).read(judgement.claim)[0]
        proof = prove(case.program.text, shapes, at=at, wrt=(name,), name=case.program.name)
    found = []
    for form in formats:
        below = proof.render(form, fragment=form == "tex") if proof else ""
        found.append((form, render_check(case, judgement, form, derivation=below)))
    return found


def write_documents(folder: str | Path, stem: str, texts: Iterable[tuple[str, str]]) -> list[Path]:
    """Write documents into a folder, each file whole or not at all; return their paths."""
    written = [(Path(folder) / f"{stem}.{form}", text) for form, text in texts]
    for path, text in written:
        write_whole(path, text)
    return [path for path, _ in written]
