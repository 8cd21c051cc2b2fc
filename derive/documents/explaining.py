"""Why the lines of a proof hold, in what a lecturer adds: which rows meet, and why entries regroup.

Enters a document's setting and the theorem of one statement about one variable, leave facts for
sentences. The law: nothing is said of a row or a column but what the entries of the definitions
say; what they do not say is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive.calculus.index import Index, Scalar, entry, place_of
from derive.documents.model import Chain, Words, words
from derive.documents.setting import Setting
from derive.expressions.expr import Expr, unrepeated
from derive.expressions.layout import Box, op, paren, row, sub
from derive.notation.displays import Link
from derive.notation.mathematics import Notation
from derive.notation.widths import width
from derive.ops.elementwise import DIV, MUL
from derive.ops.linear import BROADCAST, MATMUL, NEG, NUMBER, TRANSPOSE
from derive.ops.reduction import COLS, ROWS, SUM
from derive.proof.derivation import Grid, Lines, Local

#: The sides of a matrix along its axes.
SIDES = ("row", "column")
#: What is wider than this is not said of single rows, nor set beside another matrix.
WIDE, BESIDE = 46.0, 62.0


def derivative(local: Local) -> Scalar | None:
    """Return what is left of ∂y/∂x, `None` for a loss, which has no entries."""
    before = None
    for step in local.index:
        if step.rule == "chain-rule":
            return before
        before = step.right if isinstance(step.right, Scalar) else before
    return None


def stands(page: Setting, local: Local) -> dict[str, Any]:
    """Return where the first entry of the variable stands, what it acts on and what it meets.

    In `acts` are the sides of the variable and of the value that agree, in `meets` those of the
    variable and of another factor: x stands in column 1, so it meets row 1 of W.
    """
    first = 0 + page.style.base
    words_of = {"a": "row", "c": "column"}
    acts = [
        {"own": words_of[letter], "side": side}
        for side, _, letter in (word.partition("-") for word in local.occurrence)
        if letter in words_of
    ]
    a, c = page.derivation.letters.variable
    meets = []
    for name, *place in _factors_of(derivative(local)):
        if name == local.variable.data[0] or name not in page.program.leaves:
            continue
        fixed = [(axis, "row" if k == a else "column")
                 for axis, k in enumerate(place) if k in (a, c)]  # fmt: skip
        free = [k for k in place if k not in (a, c, 0)]
        if len(fixed) == 1 and free:
            ((axis, own),) = fixed
            meets.append({"own": own, "side": SIDES[axis], "name": page.leaf(name)})
    return {"at": first, "acts": acts, "meets": meets}


def _factors_of(term: Scalar | None) -> list[tuple[Any, ...]]:
    """Return the entries that a single product is made of, as names and places in which deltas are
    used up; none where it is more than that."""
    if term is None:
        return []
    parts = term.args if term.kind == "mul" else (term,)
    if any(part.kind not in ("entry", "delta", "num", "size", "pow") for part in parts):
        return []
    met = {i: k for part in parts if part.kind == "delta" for i, k in [part.data]}
    entries = (part.data for part in parts if part.kind == "entry")
    return [(name, *(met.get(k, k) for k in place)) for name, *place in entries]


def upstream(page: Setting, local: Local) -> Box | None:
    """Return ∂L/∂Y = its entries, where this is the first proof of its statement that uses them."""
    d = page.derivation
    first = next(x for x in d.locals if x.statement.name == local.statement.name and x.slice)
    if local.upstream is None or local is not first:
        return None
    value = page.program.leaves[local.statement.name]
    place = place_of(value.shape, d.letters.output)
    tree = entry(local.upstream.data, *place)
    grid = Grid(tree, d.letters.output, value)
    return row(page.leaf(local.upstream.data[0]), op("equals"), page.notation.cells(grid))


def with_beside(chain: Chain, beside: Box | None) -> Chain:
    """Return a display with an equation beside its last, or below it where there is no room."""
    if beside is None:
        return chain
    *links, last = chain.links
    together = row(last.right, op("comma-quad"), beside)
    if width(together) <= BESIDE:
        return chain._replace(links=(*links, last._replace(right=together)))
    left, _, *right = beside.parts
    return chain._replace(links=(*chain.links, Link(row(*right), left)))


# -- why entries regroup ---------------------------------------------------------------------------


def regrouped(page: Setting, local: Local) -> dict[str, Any] | None:
    """Return how the entry a, c of a formula is made of whole rows and columns.

    Of a product there are two `lines`, each a side of what stands in it, and, where that is
    transposed, the side of the transpose that it is; of a sum over an axis there is one.
    """
    formula = _bare(local.formula)
    place = place_of(formula.shape, page.derivation.letters.variable)
    kept = [page.notation.index(k) for k in place if not isinstance(k, int)]
    if not kept or any(not isinstance(k, str | int) for k in place):
        return None
    if formula.op is MATMUL:
        left, right = formula.args
        lines = [_line(page, left, 0, place[0]), _line(page, right, 1, place[1])]
    elif formula.op is SUM and formula.data in (ROWS, COLS):
        axis = 1 if formula.data == ROWS else 0
        lines = [_line(page, formula.args[0], axis, place[axis])]
    else:
        return None
    if any(line is None for line in lines):
        return None
    return {"place": kept, "lines": lines}


def _line(page: Setting, factor: Expr, axis: int, index: Index) -> dict[str, Any] | None:
    """Return which row, or column, of a factor enters: of what is transposed, the other side."""
    turned = factor.op is TRANSPOSE
    whole = factor.args[0] if turned else factor
    if not whole.is_var:
        return None
    return {
        "side": SIDES[1 - axis if turned else axis], "name": page.leaf(whole.data[0]),
        "index": None if isinstance(index, int) else page.notation.index(index),
        "of": page.notation.expr(factor) if turned else None, "becomes": SIDES[axis],
    }  # fmt: skip


def _bare(formula: Expr) -> Expr:
    """Return a formula without numbers in front."""
    formula = unrepeated(formula)
    if formula.op in (NEG, MUL, DIV):
        rest = [arg for arg in formula.args if not _is_scaling(arg)]
        return _bare(rest[0]) if len(rest) == 1 else formula
    return formula


def _is_scaling(expr: Expr) -> bool:
    return expr.op is NUMBER or (expr.op is BROADCAST and expr.args[0].shape.is_scalar)


# -- row by row ------------------------------------------------------------------------------------


def by_lines(page: Setting, local: Local) -> Iterator[Words]:
    """Yield the proof row by row, or column by column, where everything can be said of one row."""
    if local.lines is None:
        return
    lines, notation = local.lines, page.notation
    letters = page.derivation.letters.variable
    short = _of_one(page, lines)
    said = {
        "value": short.leaf(local.statement.name),
        "formula": short.expr(lines.value),
        "own": short.leaf(local.gradient.data[0]),
        "result": short.expr(lines.gradient),
    }
    if all(width(box) <= WIDE for box in said.values()):
        result = [x.right for x in local.index if isinstance(x.right, Scalar)][-1]
        own = entry(local.gradient.data, *place_of(local.variable.shape, letters))
        yield words(
            "by-lines", side=SIDES[lines.axis], X=page.leaf(local.variable.data[0]),
            Y=page.leaf(local.statement.name),
            a=notation.index(letters[lines.axis]), **said,
            whole=notation.expr(local.formula), G=page.leaf(local.gradient.data[0]),
            entry=notation.scalar(own), sum=notation.scalar(result),
        )  # fmt: skip


def _of_one(page: Setting, lines: Lines) -> Notation:
    """Return the writing in which a name stands for one of its rows, or columns."""
    written = Notation(page.derivation, page.style, page.notation.around)
    index = page.notation.index(page.derivation.letters.variable[lines.axis])
    line = row(index, op("any")) if lines.axis == 0 else row(op("any"), index)
    written.__dict__["names"] = {
        name: sub(paren(box) if box.kind in ("index", "sup") else box, line)
        if name in lines.cut
        else box
        for name, box in written.names.items()
    }
    return written


__all__ = ["by_lines", "derivative", "regrouped", "stands", "upstream"]
