"""A worked example to a document: numbers put in, entry by entry and matrix by matrix.

What enters is an example whose numbers are checked; what leaves is Markdown or LaTeX. Arithmetic is
printed only if reading it again, as it stands on the page, comes to the number behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flint import arb

from derive.circuits.backprop import Kink, switches
from derive.circuits.circuit import formula
from derive.documents.page import FORMATS, fill
from derive.documents.worked import Example, evaluated
from derive.expressions.errors import FaultError, UnsupportedError
from derive.expressions.expr import OPS, Expr, nodes, substitute, variables
from derive.expressions.layout import Box, op, paren, row, sup
from derive.expressions.program import Statement
from derive.expressions.shape import Shape, extent
from derive.language.assumptions import said
from derive.notation.arithmetic import (
    ATOM,
    PRODUCT,
    SUM,
    Term,
    TooLong,
    Work,
    inverse_entry,
    literal,
    minor_sum,
)
from derive.notation.calculator import Unreadable, comes_to, has_rounded, sufficient
from derive.notation.figures import figure
from derive.notation.latex import broken, latex, width
from derive.notation.mathematics import Notation, Style
from derive.ops import var
from derive.ops.elementwise import SHARED
from derive.proof.derivation import EntryOf
from derive.readings.exact import Rows, decimal, is_exact, precision, rational
from derive.readings.numbers import digits_of

if TYPE_CHECKING:
    from collections.abc import Callable

#: Widths in digits that fit a line of a page and of a screen.
WIDTHS = {"tex": 78.0, "md": 96.0}
#: What is wider stands in no heading.
INLINE = 42.0
#: Digits of a rounded number, and of the numbers that central differences are compared with.
DIGITS, CLOSE = 4, 10
#: Up to so many entries are all written; arithmetic that is elided is checked up to so many terms.
ENTRIES, CHECKED = 12, 20_000
#: Matrices with more entries, all together, are not read again as matrices; the trace has them.
READ = 4_000
#: A formula for the first entry takes so many lines, then it is left to the matrices.
LINES = 4
#: A determinant is expanded up to this size.
COFACTORS = 3
#: The step of the central differences that a reader can redo, and of how many entries.
STEP, SHOWN = Fraction(1, 1000), 4
#: Entries of all values together up to which they are shown, for each takes two passes.
SMALL = 2_000
#: What is replaced by its numbers inside a formula, for a matrix shows them better than a sign.
_WORKED_OUT = frozenset(("gt", "eq", "inv", "det", "logdet", "transpose"))


def render(
    example: Example, form: str = "md", *, fragment: bool = False, templates: Path | None = None
) -> str:
    """Return the document of a worked example in a format: `md` or `tex`."""
    if form not in FORMATS:
        raise UnsupportedError(f"there is no format {form}", hint=f"there are {', '.join(FORMATS)}")
    page = _Page(example, form)
    blocks = list(page.blocks())
    document = {
        "title": page.title(),
        "blocks": blocks,
        "fragment": fragment,
        "columns": max(page.widest, example.style.elide),
        "prefix": "",
    }
    return fill("example", form, document, templates)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the document: its kind, the key of its sentence, and what that needs."""

    kind: str
    key: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(f"a {self.kind} block {self.key} has no {name}") from None


@dataclass(frozen=True, slots=True)
class Equation:
    """A left side and what it is equal to, or nearly: each side with its sign."""

    left: Box
    sides: tuple[tuple[str, Box], ...]


class _Page:
    """The blocks of one document."""

    def __init__(self, example: Example, form: str):
        self.example, self.form = example, form
        self.program, self.trace = example.program, example.trace
        self.sizes = example.sizes
        self.style: Style = example.style
        self.notation = Notation(example.derivation, self.style)
        self.limit = WIDTHS[form]
        self.widest = 0
        self.rounds = False
        self.digits = DIGITS

    def title(self) -> dict[str, Any]:
        """Return the formula if there is one short statement, else the name of the output."""
        last = self.program.statements[-1]
        if len(self.program.statements) == 1 and self._is_short(last):
            return {"formula": self._definition(last), "whole": True}
        return {"formula": latex(self.notation.leaf(last.name)), "whole": False}

    def blocks(self) -> Iterator[Block]:
        body = [*self.forward(), *self.backward(), *self.checks()]
        yield from self.setting()
        if self.rounds:
            yield Block("text", "rounded", {"digits": DIGITS})
        yield from body

    # -- what is given -----------------------------------------------------------------------------

    @cached_property
    def statements(self) -> list[Statement]:
        return [s for s in self.program.statements if s.name in self.program.reaching()]

    def setting(self) -> Iterator[Block]:
        notation, reaching = self.notation, self.program.reaching()
        inputs = {n: self.program.leaves[n].shape for n in self.program.inputs if n in reaching}
        fields = {
            "inputs": [
                {
                    "name": latex(notation.leaf(name)),
                    "shape": "" if shape.is_scalar else latex(notation.shape(shape.at(self.sizes))),
                }
                for name, shape in inputs.items()
            ],
            "scalars": all(shape.is_scalar for shape in inputs.values()),
            "statements": [self._definition(s) for s in self.statements],
            "lines": self._lines(
                [
                    Equation(notation.leaf(s.name), (("=", notation.expr(s.expr)),))
                    for s in self.statements
                ]
            ),
            "short": len(self.statements) == 1 and self._is_short(self.statements[0]),
            "reordered": self.program.reordered,
            "assumptions": said(
                self.example.derivation.assumed, lambda name: latex(notation.leaf(name))
            ),
        }
        yield Block("setting", fields=fields)
        yield Block("text", "numbers", {"given": self.example.seed is None, "count": len(inputs)})
        yield self.beside([(self.notation.leaf(name), name) for name in inputs])
        output = str(self.program.output)
        yield Block(
            "text",
            "loss" if self.program.is_loss and self._is_one(f"d{output}") else "upstream",
            {
                "loss": latex(self.notation.loss),
                "output": latex(self.notation.leaf(output)),
                "upstream": latex(self.notation.leaf(f"d{output}")),
                "is_loss": self.program.is_loss,
            },
        )
        if not (self.program.is_loss and self._is_one(f"d{output}")):
            yield self.beside([(self.notation.leaf(f"d{output}"), f"d{output}")])

    def _is_one(self, name: str) -> bool:
        return bool(self.example.rows(name)[0][0] == 1)

    def _definition(self, s: Statement) -> str:
        return f"{latex(self.notation.leaf(s.name))} = {latex(self.notation.expr(s.expr))}"

    def beside(self, items: list[tuple[Box, str]]) -> Block:
        """Return names and their numbers side by side, as many on a line as fit."""
        lines: list[list[str]] = [[]]
        used = 0.0
        for left, name in items:
            rows = self.example.rows(name)
            sign = r"\approx" if self._is_rounded(rows) else "="
            text = f"{latex(left)} {sign} {latex(self.matrix(rows))}"
            if lines[-1] and used + width(text) + 4 > self.limit:
                lines.append([])
                used = 0.0
            lines[-1].append(text)
            used += width(text) + 4
        return Block("beside", fields={"lines": lines})

    # -- numbers -----------------------------------------------------------------------------------

    def number(self, value: Any) -> Term:
        """Return a number as it stands in arithmetic: a short fraction, or rounded."""
        if is_exact(value):
            top, bottom = int(value.p), int(value.q)
            if bottom == 1 and abs(top) < 10**9:
                return literal(top)
            shown = figure(value, DIGITS)
            if self.example.decimals and shown.exact and "." in shown.tex:
                return _signed(Box("num", text=shown.tex.lstrip("-")), value < 0)
            if bottom <= 999 and abs(top) <= 9999:
                return literal(Fraction(top, bottom))
        self.rounds = True
        return rounded(value, self.digits)

    def sufficient(
        self, write: Callable[[], tuple[Box, Box | None] | None], result: Box
    ) -> Box | None:
        """Return what is written, with as many digits as it takes to give the printed result."""

        def written(digits: int) -> tuple[Box, Box | None] | None:
            self.digits = digits
            return write()

        try:
            return sufficient(written, result, DIGITS)
        finally:
            self.digits = DIGITS

    def _is_rounded(self, rows: Rows) -> bool:
        return any(has_rounded(self.number(x).box) for line in rows for x in line)

    def matrix(
        self,
        rows: Rows,
        within: bool = False,
        shown: Callable[[int], list[int | None]] | None = None,
    ) -> Box:
        """Return a matrix of numbers, or a number, in brackets if it stands within a formula."""
        shown = shown or self.notation.shown
        if len(rows) == len(rows[0]) == 1:
            term = self.number(rows[0][0])
            return paren(term.box) if within and term.strength < ATOM else term.box
        down, across = shown(len(rows)), shown(len(rows[0]))
        self.widest = max(self.widest, len(self.notation.shown(len(rows[0]))))
        lines = []
        for i in down:
            cells = []
            for j in across:
                if i is None or j is None:
                    dots = "cdots" if i is not None else "vdots" if j is not None else "ddots"
                    cells.append(op(dots))
                else:
                    cells.append(self.number(rows[i][j]).box)
            lines.append(Box("row", tuple(cells)))
        return Box("matrix", tuple(lines), self.style.brackets)

    # -- one value: its entries, its matrix --------------------------------------------------------

    def value(self, name: str, expr: Expr) -> Iterator[Block]:
        """Yield how the numbers of a name follow from the formula of its value."""
        rows, shape = self.example.rows(name), expr.shape.extents(self.sizes)
        about = latex(self.notation.leaf(name[1:])) if name not in self.program.leaves else ""
        if shape == (1, 1):
            if about and not self._scalars:
                yield Block("text", "matrices", {"about": about, "worked": False})
            yield self.display([self.scalar(name, expr)])
            return
        if expr.is_var:
            yield Block("text", "matrices", {"about": about, "worked": False})
        else:
            places = list(self._places(*shape))
            letters, numbers = self._letters(), self._numbers()
            first = self.entry(name, expr, 0, 0, numbers, letters)
            others = [
                None if at is None else self.entry(name, expr, *at, numbers) for at in places[1:]
            ]
            worked = len(first.sides) > 1
            if worked:
                yield Block("text", "first", {"about": about})
                yield self.display([first])
                if others:
                    yield Block("text", "others", {"count": len(others)})
                    yield self.display(others)
            yield Block("text", "matrices", {"about": "" if worked else about, "worked": worked})
        yield self.display([self.whole(name, expr, rows)])

    def scalar(self, name: str, expr: Expr) -> Equation:
        """Return a number, its formula, the numbers put in, and what it comes to."""
        numbers = self._numbers()
        equation = self.entry(name, expr, 0, 0, numbers)
        return replace(equation, sides=(("=", self.notation.expr(expr)), *equation.sides))

    def entry(
        self,
        name: str,
        expr: Expr,
        i: int,
        j: int,
        numbers: tuple[Work, Work],
        letters: Work | None = None,
    ) -> Equation:
        """Return an entry as the arithmetic that its definition asks for, read again first."""
        value = self.example.rows(name)[i][j]
        result = self.number(value)
        sides: list[tuple[str, Box]] = []
        if letters is not None:
            try:
                formula = self._of_entries(expr, i, j, letters) or letters.at(expr, i, j)
                if len(broken(formula.box, self.limit)) <= LINES and formula.box != result.box:
                    sides.append(("=", formula.box))
            except TooLong:
                pass
        arithmetic = self.sufficient(
            lambda: self._arithmetic(
                expr, i, j, numbers if self.digits == DIGITS else self._numbers(), value
            ),
            result.box,
        )
        near = "="
        if arithmetic is not None and arithmetic != result.box:
            near = r"\approx" if has_rounded(arithmetic) else "="
            sides.append((near, arithmetic))
        if has_rounded(result.box):
            near = r"\approx"
        return Equation(self._entry(name, i, j), (*sides, (near, result.box)))

    def _arithmetic(
        self, expr: Expr, i: int, j: int, numbers: tuple[Work, Work], value: Any
    ) -> tuple[Box, Box] | None:
        """Return the arithmetic of an entry, and without dots; none where it is too long."""
        shown, whole = numbers
        try:
            short = self._of_entries(expr, i, j, shown) or shown.at(expr, i, j)
            complete = short if not has_dots(short.box) else whole.at(expr, i, j)
        except TooLong:
            return None
        what = f"the arithmetic written for entry {i + 1}, {j + 1} of {expr}"
        if short.numbers == 1 and value == 0:  # not: -0 = 0
            return None
        confirmed = self._confirmed(complete.box, [[value]], what)
        return (short.box, complete.box) if confirmed else None

    def _of_entries(self, expr: Expr, i: int, j: int, work: Work) -> Term | None:
        """Return an entry of the inverse of a small matrix by its cofactors, else `None`."""
        if expr.name != "inv":
            return None
        (A,) = expr.args
        size = A.shape.extents(self.sizes)[0]
        if not A.is_var or size > COFACTORS:
            return None
        cells = [[work.at(A, p, q) for q in range(size)] for p in range(size)]
        return inverse_entry(cells, i, j, work.at(OPS["det"](A), 0, 0))

    def _confirmed(self, box: Box, rows: Rows, what: str) -> bool:
        """Whether a layout, read again, comes to its numbers; a wrong one is never printed.

        One that cannot be read, for its roundings leave a sign open, is not confirmed.
        """
        try:
            with precision():
                right = comes_to(box, rows)
        except Unreadable:
            return False
        if not right:
            raise FaultError(
                f"{what} does not come to its numbers; this is a mistake of the program, and "
                "nothing is shown"
            )
        return True

    def whole(self, name: str, expr: Expr, rows: Rows) -> Equation:
        """Return a matrix, its formula, the matrices put in, and what they come to."""
        left = self.notation.leaf(name)
        sides = [("=", self.notation.expr(expr))]
        near = r"\approx" if self._is_rounded(rows) else "="
        result = self.matrix(rows)
        put_in = None
        if not expr.is_var:
            whole = self.matrix(rows, shown=lambda count: list(range(count)))
            put_in = self.sufficient(lambda: self._put_in(expr, rows), whole)
        if put_in is not None and put_in != result:
            sides.append((r"\approx" if has_rounded(put_in) else "=", put_in))
            near = r"\approx" if has_rounded(put_in) else near
        return Equation(left, (*sides, (near, result)))

    def _put_in(self, expr: Expr, rows: Rows) -> tuple[Box, Box | None] | None:
        """Return a formula with its matrices put in, and without dots; read again first."""
        shown = _Numeric(self, self.style).put_in(expr)
        complete = shown
        if has_dots(shown):
            area = sum(a * b for x in nodes(expr) for a, b in [x.shape.extents(self.sizes)])
            if area > READ:
                return shown, None
            complete = _Numeric(self, replace(self.style, elide=0)).put_in(expr)
        what = f"the formula {expr} with its matrices put in"
        return (shown, complete) if self._confirmed(complete, rows, what) else None

    def _entry(self, name: str, i: int, j: int) -> Box:
        leaf = name if name in self.program.leaves else name[1:]
        if self.program.leaves[leaf].shape.extents(self.sizes) == (1, 1):
            return self.notation.leaf(name)
        return self.notation.entry(name, i, j)

    def _places(self, rows: int, cols: int) -> Iterator[tuple[int, int] | None]:
        """Yield the entries that are written, `None` where dots stand."""
        count = rows * cols
        shown = range(count) if count <= ENTRIES else (*range(4), None, count - 1)
        for k in shown:
            yield None if k is None else divmod(k, cols)

    def _numbers(self) -> tuple[Work, Work]:
        """Return how entries are written in numbers: as they are shown, and with every term."""

        def entry(name: str, i: int, j: int) -> Term:
            return self.number(self.example.rows(name)[i][j])

        def inverse(A: Expr, i: int, j: int) -> Term:
            return self.number(self.example.matrix(OPS["inv"](A))[i][j])

        def det(A: Expr) -> Term:
            size = A.shape.extents(self.sizes)[0]
            if A.is_var and size <= COFACTORS:
                name = A.data[0]
                return minor_sum([[entry(name, p, q) for q in range(size)] for p in range(size)])
            return self.number(self.example.matrix(OPS["det"](A))[0][0])

        sigma = self._sigma
        short = Work(self.sizes, entry, inverse, det, elide=self.style.elide, sigma=sigma)
        return short, Work(self.sizes, entry, inverse, det, most=CHECKED, sigma=sigma)

    def _letters(self) -> Work:
        """Return how entries are written in letters."""

        def entry(name: str, i: int, j: int) -> Term:
            return Term(self._entry(name, i, j), letter=True)

        def inverse(A: Expr, i: int, j: int) -> Term:
            return Term(self.notation.math(EntryOf(OPS["inv"](A), i, j)), letter=True)

        def det(A: Expr) -> Term:
            return Term(self.notation.expr(OPS["det"](A)), letter=True)

        def size(dim: str) -> Term:
            return Term(self.notation.dim(dim), letter=not dim.isdigit())

        return Work(
            self.sizes, entry, inverse, det, elide=self.style.elide, size=size, sigma=self._sigma
        )

    @property
    def _sigma(self) -> bool:
        return not {"sigma", "Sigma"} & self.program.leaves.keys()

    # -- forward and backward ----------------------------------------------------------------------

    def forward(self) -> Iterator[Block]:
        yield Block("section", "forward", {"level": 2})
        for statement in self.statements:
            if len(self.statements) > 1 and not self._scalars:
                yield Block("section", "statement", {"level": 3, "math": self._heading(statement)})
            if self._scalars:
                continue
            yield from self.value(statement.name, statement.expr)
        if self._scalars:
            yield self.display([self.scalar(s.name, s.expr) for s in self.statements])

    @cached_property
    def _scalars(self) -> bool:
        return all(leaf.shape.is_scalar for leaf in self.program.leaves.values())

    def _heading(self, statement: Statement) -> str:
        short = self._is_short(statement)
        return self._definition(statement) if short else latex(self.notation.leaf(statement.name))

    def _is_short(self, statement: Statement) -> bool:
        return width(self._definition(statement)) <= INLINE

    def backward(self) -> Iterator[Block]:
        yield Block("section", "backward", {"level": 2})
        together: list[Equation | None] = []  # scalars of one statement, in one display
        last = None
        for name in self.example.derivation.backward:
            users = [s for s in self.program.users(name) if s.name in self.program.reaching()]
            first = users[0]  # the last that is met on the way back
            if len(self.statements) > 1 and first.name != last:
                if together:
                    yield self.display(together)
                    together = []
                yield Block("section", "through", {"level": 3, "math": self._heading(first)})
            last = first.name
            formula = self.example.formulas.get(name)
            plain = self._scalars and formula is not None and len(users) == 1
            if plain and not any(self.conventions(name)):
                assert formula is not None
                together.append(self.scalar(f"d{name}", formula))
                continue
            if together:
                yield self.display(together)
                together = []
            yield from self.gradient(name, users)
        if together:
            yield self.display(together)

    def gradient(self, name: str, users: list[Statement]) -> Iterator[Block]:
        """Yield how a gradient is worked out, and what is agreed upon where there is a kink."""
        shown = latex(self.notation.leaf(name))
        if len(users) > 1:
            names = [latex(self.notation.leaf(s.name)) for s in users]
            yield Block("text", "adds", {"name": shown, "users": names})
        formula = self.example.formulas.get(name)
        if formula is not None:
            yield from self.value(f"d{name}", formula)
            yield from self.conventions(name)
            return
        yield Block("text", "matrices", {"about": shown, "worked": False})
        conventions = list(self.conventions(name))
        yield from conventions or [Block("text", "no-formula")]
        rows = self.example.rows(f"d{name}")
        sign = r"\approx" if self._is_rounded(rows) else "="
        whole = Equation(self.notation.leaf(f"d{name}"), ((sign, self.matrix(rows)),))
        yield self.display([whole])

    def conventions(self, name: str) -> Iterator[Block]:
        """Yield what is agreed upon at each kink that a variable passes through."""
        for kink in self.trace.kinks:
            yield from self.convention(name, kink)

    def convention(self, name: str, kink: Kink) -> Iterator[Block]:
        """Yield what is agreed upon at a kink, beside the gradients that it concerns."""
        circuit = self.trace.circuit
        gate = circuit.gates[kink.place]
        operands = [formula(circuit, arg) for arg in gate.args]
        if self.program.leaves[name] not in {x for e in operands for x in variables(e)}:
            return
        shown: list[str] = []
        for i, j in kink.entries[:3]:
            if gate.kink == SHARED:
                whole = formula(circuit, kink.place, named=True)
                shown.append(latex(self._math(whole, i, j)))
                continue
            sides = [
                substitute(side, {})
                if not variables(side)
                else formula(circuit, gate.args[int(variables(side)[0].data[0][1:])])
                for side in switches(gate)
            ]
            boxes = [self._math(side, i, j) for side in sides]
            other = boxes[1] if len(boxes) > 1 else literal(0).box
            shown.append(latex(row(boxes[0], op("equals"), other)))
        yield Block(
            "text", "kink", {"gate": gate.kink, "at": shown, "more": len(kink.entries) - len(shown)}
        )

    def _math(self, expr: Expr, i: int, j: int) -> Box:
        while expr.name == "broadcast_to":
            (expr,) = expr.args
            i, j = (0 if dim == 1 else k for k, dim in zip((i, j), expr.shape.dims, strict=True))
        if expr.shape.is_scalar:
            return self.notation.expr(expr)
        if expr.is_var:
            return self.notation.entry(expr.data[0], i, j)
        return self.notation.math(EntryOf(expr, i, j))

    # -- the check ---------------------------------------------------------------------------------

    def checks(self) -> Iterator[Block]:
        yield Block("section", "checks", {"level": 2})
        found = self.trace.checks
        if not found.digits:
            yield Block("text", "no-differences")
            return
        leaf, output = self.notation.leaf, str(self.program.output)
        if sum(len(rows) * len(rows[0]) for rows in self.trace.values) <= SMALL:
            facts = {
                "loss": latex(self.notation.loss),
                "step": str(STEP),
                "is_loss": self.program.is_loss,
                "output": latex(leaf(output)),
                "upstream": latex(leaf(f"d{output}")),
            }
            yield Block("text", "differences", facts)
            yield Block("differences", fields={"rows": list(self.differences())})
        used = [n for n in self.program.inputs if n in self.program.reaching()]
        facts = {
            "digits": min(found.digits[name] for name in used),
            "scalars": self._scalars,
            "names": [latex(leaf(name)) for name in used],
        }
        yield Block("text", "closer", facts)

    def differences(self) -> Iterator[dict[str, str]]:
        """Yield a few entries of gradients beside the central differences that they are near to."""
        names = [n for n in self.example.derivation.wrt if n in self.program.inputs]
        for name in names:
            shape = self.program.leaves[name].shape.extents(self.sizes)
            places = [p for p in self._places(*shape) if p is not None]
            for i, j in places[: max(SHOWN - len(names), 1)]:
                ours = self.example.rows(f"d{name}")[i][j]
                with precision():
                    quotient = (self._moved(name, i, j, STEP) - self._moved(name, i, j, -STEP)) / (
                        2 * rational(STEP)
                    )
                    same = quotient - ours
                    equal = bool(same == 0) or (not is_exact(same) and bool(same.contains(0)))
                    far = 0 if equal else _digits(same, ours)
                yield {
                    "entry": latex(self._entry(f"d{name}", i, j)),
                    "gradient": _close(ours),
                    "quotient": _close(quotient),
                    "digits": "" if equal else str(far),
                }

    def _moved(self, name: str, i: int, j: int, step: Fraction) -> Any:
        """Return <dY, Y> of the program as it is written, one entry moved by a step."""
        known = {n: self.example.rows(n) for n in self.program.inputs}
        known[name] = [list(line) for line in known[name]]
        known[name][i][j] = known[name][i][j] + rational(step)
        for statement in self.program.statements:
            known[statement.name] = evaluated(statement.expr, self.sizes, known.__getitem__)
        output = str(self.program.output)
        total = rational(0)
        for line, weights in zip(known[output], self.example.rows(f"d{output}"), strict=True):
            for x, weight in zip(line, weights, strict=True):
                total = total + x * weight
        return total

    # -- displays ----------------------------------------------------------------------------------

    def display(self, equations: list[Equation | None]) -> Block:
        """Return equations under each other, aligned at their first signs."""
        return Block("display", fields={"lines": self._lines(equations)})

    def _lines(self, equations: list[Equation | None]) -> list[dict[str, str]]:
        lefts = [width(latex(e.left)) for e in equations if e is not None]
        room = self.limit - max(lefts, default=0.0) - 4
        lines: list[dict[str, str]] = []
        for equation in equations:
            if equation is None:
                lines.append({"left": "", "sign": "&", "math": r"\;\,\vdots"})
                continue
            left = latex(equation.left)
            joined = "".join(
                f" {sign} {latex(side)}" if k else latex(side)
                for k, (sign, side) in enumerate(equation.sides)
            )
            if width(joined) <= room and (len(equation.sides) < 4 or len(equations) > 1):
                lines.append({"left": left, "sign": f"&{equation.sides[0][0]}", "math": joined})
                continue
            for sign, side in equation.sides:
                for k, part in enumerate(broken(side, room)):
                    lines.append({"left": left, "sign": f"&{sign}" if k == 0 else r"&\quad",
                                  "math": part})  # fmt: skip
                    left = ""
        return lines


class _Numeric(Notation):
    """The notation of an example in which every name is written as its numbers."""

    def __init__(self, page: _Page, style: Style):
        super().__init__(page.example.derivation, style)
        self.page = page
        self.rows: dict[str, Rows] = {}

    def put_in(self, expr: Expr) -> Box:
        """Return a formula with its matrices put in."""
        known: dict[Expr, Expr] = {}
        for node in nodes(expr):
            if node is not expr and node.name in _WORKED_OUT and variables(node):
                known[node] = var(f"#{len(known)}", node.shape)
                self.rows[f"#{len(known) - 1}"] = self.page.example.matrix(node)
        inner = tuple(substitute(arg, known) for arg in expr.args)
        data = {"data": expr.data} if expr.op.takes_data else {}
        return tidied(self.expr(expr.op(*inner, **data)))

    def leaf(self, name: str) -> Box:
        rows = self.rows[name] if name in self.rows else self.page.example.rows(name)
        return self._matrix(rows)

    def _matrix(self, rows: Rows) -> Box:
        return self.page.matrix(rows, within=True, shown=self.shown)

    def dim(self, dim: Any) -> Box:
        return literal(extent(dim, self.sizes)).box

    def constant(self, kind: str, shape: Shape) -> Box:
        rows, cols = shape.extents(self.sizes)
        one = {"ones": lambda i, j: True, "eye": lambda i, j: i == j}.get(kind, lambda i, j: False)
        return self._matrix([[rational(int(one(i, j))) for j in range(cols)] for i in range(rows)])


def tidied(box: Box) -> Box:
    """Return numbers with a sign of multiplication between them, matrices without a second bracket.

    >>> tidied(row(Box("num", text="2"), op("thin"), Box("num", text="3"))).parts[1].text
    'cdot'
    """
    if box.kind == "matrix":
        return box
    parts = [tidied(part) for part in box.parts]
    if box.kind == "paren" and box.text == "round" and parts[0].kind == "matrix":
        return parts[0]
    if box.kind == "row":
        flat = [
            inner for part in parts for inner in (part.parts if part.kind == "row" else (part,))
        ]
        parts = []
        for k, part in enumerate(flat):
            near = flat[k - 1 : k] + flat[k + 1 : k + 2]
            if part == op("thin") and not any(x.kind == "matrix" for x in near):
                part = op("cdot")
            elif parts and _is_number(part) and _is_number(parts[-1]):
                parts.append(op("cdot"))
            parts.append(part)
    return Box(box.kind, tuple(parts), box.text)


def _is_number(box: Box) -> bool:
    return box.kind in ("num", "rounded", "frac", "paren", "root", "sup")


def rounded(value: Any, digits: int = DIGITS) -> Term:
    """Return a number rounded to so many digits, all its digits before the point among them.

    >>> latex(rounded(rational(Fraction(2, 3))).box), latex(rounded(rational(-123456)).box)
    ('0.6667', '-123456')
    """
    with precision():
        x = arb(value)
        before = len(decimal(abs(x).upper().floor(), 30).partition(".")[0])
        text = decimal(x, max(digits, before if before <= 9 else 0))
    mantissa, _, exponent = text.lstrip("-").partition("e")
    box = Box("rounded", text=mantissa.rstrip("."))
    if exponent:
        ten = sup(Box("num", text="10"), literal(int(exponent)).box)
        box = row(box, op("cdot"), ten)
        return Term(row(op("negative"), *box.parts), SUM) if text[0] == "-" else Term(box, PRODUCT)
    return _signed(box, text[0] == "-")


def _signed(box: Box, negative: bool) -> Term:
    return Term(row(op("negative"), box), SUM) if negative else Term(box, ATOM)


def has_dots(box: Box) -> bool:
    """Whether a layout leaves something out."""
    return box == op("cdots") or any(map(has_dots, box.parts))


def _close(value: Any) -> str:
    """Return a number to many digits, without zeros at its end."""
    with precision():
        text = decimal(value, CLOSE) if is_exact(value) else decimal(arb(value), CLOSE)
    if is_exact(value) and len(text.lstrip("-").replace(".", "")) > CLOSE + 2:
        with precision():
            text = decimal(arb(value), CLOSE)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    return text


def _digits(difference: Any, ours: Any) -> int:
    """Return to how many digits a number is met."""
    share = abs(arb(difference)).upper() / (1 + abs(arb(ours)).lower())
    return digits_of(share)


__all__ = ["render"]
