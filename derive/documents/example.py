"""A worked example: a program at one point, every number of it checked, as a document.

Enters a program, its numbers or a seed to choose them by; leaves both passes, entry by entry and
matrix by matrix. The law: a formula that does not come to the numbers of the trace at this point is
kept out, as at a tie, where a convention takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from flint import arb

from derive.catalogue import Entry, opened
from derive.circuits.backprop import Trace, backprop, switches
from derive.circuits.circuit import Gate, circuit, formula, slots
from derive.circuits.pleasant import pleasant
from derive.circuits.values import point, read_values
from derive.documents.files import told
from derive.documents.graphs import Graph, Value
from derive.documents.model import (
    Beside,
    Block,
    Cell,
    Environment,
    Heading,
    Paragraph,
    Table,
    Words,
    words,
)
from derive.documents.page import Document
from derive.documents.pipeline import proved_at
from derive.documents.setting import Setting, assumptions
from derive.documents.worked import DIGITS, LINE, Board
from derive.expressions.expr import Expr, substitute, variables
from derive.expressions.layout import Box, num, op, raw as printed, row
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.program import Program, Statement
from derive.language.assumptions import Assumptions, assumed
from derive.language.given import closed
from derive.language.parse import Shapes
from derive.notation.displays import Link, side_by_side
from derive.notation.mathematics import Style
from derive.notation.numerals import rounded
from derive.ops.elementwise import SHARED
from derive.ops.linear import BROADCAST
from derive.proof.derivation import Derivation, EntryOf
from derive.proof.explain import explain
from derive.readings.base import Table as Values, places
from derive.readings.differences import digits_of
from derive.readings.numbers import (
    DomainError,
    Numbers,
    Rows,
    decimal,
    inner,
    is_exact,
    precision,
    rational,
)

#: Up to so many entries are all written, of more the first four and the last one.
ENTRIES = 12
#: The step of the central differences that a reader can redo, of how many entries, to how many
#: digits; and the entries of all values together up to which they are shown: each takes two passes.
STEP, SHOWN, CLOSE, SMALL = Fraction(1, 1000), 4, 10, 2_000
#: So many entries of a kink are named.
NAMED = 3


@dataclass(frozen=True, slots=True, repr=False)
class Example(Document):
    """A program with numbers, and how they are to be written.

    `formulas` holds the gradients in the program's names, those that hold at this point; `seed` is
    `None` where the numbers were given; `decimals` says that they were given in decimals.
    """

    derivation: Derivation
    trace: Trace
    formulas: Mapping[str, Expr]
    style: Style
    seed: int | None = None
    decimals: bool = False

    @property
    def program(self) -> Program:
        return self.derivation.program

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.trace.sizes

    @property
    def graph(self) -> Graph:
        """The computation graph with the same numbers."""
        return Graph(self.trace.circuit, self.trace)

    @property
    def forward(self) -> dict[str, Value]:
        """The value of every named variable; matrices are nested lists."""
        return self.graph.forward

    @property
    def gradients(self) -> dict[str, Value]:
        """The gradient of the loss with respect to every named variable."""
        return self.graph.gradients

    @property
    def name(self) -> str:
        """The file name of the document: the program's name, its sizes, its seed."""
        sizes = "x".join(str(self.sizes[dim]) for dim in self.program.dims)
        seed = "" if self.seed in (None, 1) else str(self.seed)
        return "-".join(part for part in (self.program.name, sizes, "example", seed) if part)

    @property
    def question(self) -> dict[str, Any]:
        given = [(name, str(self.trace.rows(name))) for name in self.program.inputs]
        given.append(("output", str(self.trace.rows(f"d{self.program.output}"))))
        return self.derivation.question | {
            "seed": self.seed, "decimals": self.decimals, "given": given,
            "style": told(self.style),
        }  # fmt: skip

    def blocks(self) -> Iterator[Block]:
        return _Page(self).blocks()

    def runnable(self) -> Iterator[Block]:
        return proved_at(self.derivation, self.trace)

    def plain(self) -> dict[str, Any]:
        """Return the example as plain values, for `--json`."""
        checks, graph = self.trace.checks, self.graph.plain()
        return {
            "program": self.program.lines(),
            "sizes": dict(self.sizes),
            "seed": self.seed,
            "assumed": {name: sorted(said) for name, said in self.derivation.assumed.items()},
            "inputs": list(self.program.inputs),
            "output": str(self.program.output),
            "forward": graph["forward"],
            "gradients": graph["gradients"],
            "formulas": {
                name: self.program.written(value) for name, value in self.formulas.items()
            },
            "kinks": [
                {
                    "gate": self.graph.nodes[kink.place].formula,
                    "entries": [[k + 1 for k in place] for place in kink.entries],
                }
                for kink in self.trace.kinks
            ],
            "checks": {
                "exact": checks.exact,
                "enclosed": checks.enclosed,
                "central differences": dict(checks.digits),
            },
        }


def example(
    program: str | Program | Entry,
    shapes: Shapes | None = None,
    *,
    at: Mapping[str, int] | None = None,
    seed: int = 1,
    values: Mapping[str, Any] | str | Path | None = None,
    wrt: Sequence[str] | None = None,
    assume: Assumptions | None = None,
    data: Sequence[str] = (),
    style: Style | None = None,
    name: str = "",
    timeout: float | None = TIMEOUT,
) -> Example:
    """Return a worked example of a program: numbers, both passes, every gradient as a formula.

    >>> found = example("X: (n, d); w: (d, 1); y = X @ w", at={"n": 2, "d": 2}, seed=3)
    >>> found.formulas["w"], len(found.gradients["w"])
    (<X.T @ dy : d×1>, 2)

    Numbers are chosen by `seed`, under the assumptions of `assume`, unless `values` gives them (for
    every input, and for `dY` if wanted); a function that the program leaves open is given by the
    name of one (`g=tanh`). `at` gives sizes, `wrt` the variables, all inputs
    but `data` by default. Raises
    `ParseError`, `ShapeError`, `UnsupportedError` for bad input, `DomainError` where a value does
    not exist and `LimitError` after `timeout` seconds; nothing that was not checked is returned.
    """
    with limited(timeout):
        given = values if isinstance(values, Mapping | None) else read_values(values)
        read, entry = opened(program, shapes, name, (*(given or ()), *(wrt or ()), *(assume or ())))
        read, given = closed(read, given)
        wanted = read.wanted(wrt, (*entry.data, *data))
        said = assumed(read, entry.assuming(assume))
        if given is None:  # chosen numbers obey what the catalogue says as well
            at = {**entry.at, **(at or {})}
            obeyed = assumed(read, entry.assuming(assume, numbers=True))
        else:
            obeyed = said
            point(read, given, at)  # says what is missing
        where = pleasant(read, at, seed, given or {}, obeyed)
        trace = backprop(circuit(read), where.sizes, where.values, where.seed)
        found = explain(read, at=where.sizes, wrt=wanted, detail="brief", assume=said)
        return Example(
            found, trace, trace.holding(found.backward), style or Style(elide=6),
            seed if given is None else None, _has_decimals(given),
        )  # fmt: skip


def _has_decimals(given: Any) -> bool:
    """Whether a number was written with a point."""
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, Mapping):
        given = list(given.values())
    if isinstance(given, list | tuple):
        return any(map(_has_decimals, given))
    return isinstance(given, str | float) and "." in str(given).removesuffix(".0")


# -- the document ----------------------------------------------------------------------------------


class _Page(Setting):
    """The blocks of one document."""

    def __init__(self, example: Example):
        super().__init__(example.derivation, example.style)
        self.example, self.trace, self.sized = example, example.trace, example.sizes
        self.board = Board(self.notation, self.trace, decimals=example.decimals)
        self.output = str(self.program.output)

    def blocks(self) -> Iterator[Block]:
        body = [*self.forward(), *self.backward(), *self.agreement()]
        last = self.program.statements[-1]
        short = not self._several and self.is_short(last)
        title = self.statement(last) if short else self.leaf(last.name)
        yield Heading(words("worked-example", formula=title, whole=short), 1)
        reordered = [words("reordered")] if self.program.reordered else []
        yield self.given(*reordered, *self.signs(sizes=self.sized), sizes=self.sized)
        if said := assumptions(self.derivation.assumed, self.leaf, self.program):
            yield Environment("hypotheses", (Paragraph((words("assumed", assumptions=said),)),))
        yield from self.numbers_given()
        if self.board.rounds:
            yield Paragraph((words("rounded", digits=DIGITS),))
        yield from body

    def numbers_given(self) -> Iterator[Block]:
        """Yield the numbers of the inputs, and what the way back begins with."""
        yield Paragraph((words("numbers", chosen=self.example.seed is not None),))
        yield self.beside(self.inputs)
        upstream, loss = f"d{self.output}", self.program.is_loss
        begins = loss and self.trace.rows(upstream)[0][0] == 1
        L, G = self.notation.loss, self.leaf(upstream)
        with_itself = words("begins-with-itself", L=L, upstream=G)
        with_a_loss = words("some-loss", L=L, Y=self.leaf(self.output), given=loss)
        yield Paragraph((with_itself if begins else with_a_loss,))
        if not begins:
            yield self.beside([upstream])

    def beside(self, names: Iterable[str]) -> Beside:
        return Beside(tuple(map(tuple, side_by_side(map(self.board.given, names), LINE))))

    # -- forward and backward ----------------------------------------------------------------------

    def forward(self) -> Iterator[Block]:
        yield Heading(words("forward-pass"))
        if self.scalars:
            links = [self.board.whole(s.name, s.expr) for s in self.statements]
            yield self.reckoning(link for chain in links for link in chain)
            return
        for statement in self.statements:
            if len(self.statements) > 1:
                yield Heading(words("maths", it=self.heading(statement)), 3)
            first, body = self.value(statement.name, statement.expr)
            if first:
                yield Paragraph((first,))
            yield from body

    def value(self, name: str, expr: Expr) -> tuple[Words | None, list[Block]]:
        """Return how the numbers of a name follow from the formula of its value: a sentence that
        comes first, if there is one, and what follows."""
        board, rows = self.board, self.trace.rows(name)
        whole = self.reckoning(board.whole(name, expr))
        if len(rows) == len(rows[0]) == 1:
            return None, [whole]
        written = _written(rows)
        first = board.worked(name, expr, (0, 0), letters=True)
        if expr.is_var or all(link.right == first[-1].right for link in first):
            return (words("in-matrices") if name in self.program.leaves else None), [whole]
        others = [
            link for place in written[1:]
            for link in ([Link(op("vdots"), printed(""), "")] if place is None
                         else board.worked(name, expr, place))
        ]  # fmt: skip
        body: list[Block] = [self.reckoning(first)]
        if others:
            body += [Paragraph((words("others", count=len(written) - 1),)), self.reckoning(others)]
        return words("first-entry"), [*body, Paragraph((words("same-in-matrices"),)), whole]

    def backward(self) -> Iterator[Block]:
        yield Heading(words("backward-pass"))
        together: list[Link] = []  # scalars of one statement, in one display
        last = None
        for name in self.derivation.backward:
            users = [s for s in self.program.users(name) if s in self.statements]
            first = users[0]  # the last that is met on the way back
            formula = self.example.formulas.get(name)
            plain = self.scalars and len(users) == 1 and not self.conventions(name)
            if together and (first.name != last or not plain or formula is None):
                yield self.reckoning(together)
                together = []
            if len(self.statements) > 1 and first.name != last:
                yield Heading(words("back-through", statement=self.heading(first)), 3)
            last = first.name
            if plain and formula is not None:
                together += self.board.whole(f"d{name}", formula)
            else:
                yield self.gradient(name, users)
        if together:
            yield self.reckoning(together)

    def gradient(self, name: str, users: list[Statement]) -> Block:
        """Return how a gradient is worked out, and what is agreed upon where there is a kink."""
        said, conventions = [], self.conventions(name)
        if len(users) > 1:
            said.append(words("uses-add-up", X=self.leaf(name),
                              users=[self.leaf(s.name) for s in users]))  # fmt: skip
        formula = self.example.formulas.get(name)
        if formula is None:
            said += conventions or [words("no-formula")]
            body: list[Block] = [self.reckoning(
                self.board.chain(self.leaf(f"d{name}"), [self.board.of(f"d{name}")])
            )]  # fmt: skip
        else:
            first, body = self.value(f"d{name}", formula)
            said += [first] if first else []
            body += [Paragraph((convention,)) for convention in conventions]
        whole = (Paragraph(tuple(said)), *body) if said else tuple(body)
        return Environment("remark", whole, words("with-respect-to", X=self.leaf(name)))

    def conventions(self, name: str) -> list[Words]:
        """Return what is agreed upon at each kink that a variable passes through."""
        found, gates = [], self.trace.circuit
        for kink in self.trace.kinks:
            gate = gates.gates[kink.place]
            operands = [formula(gates, arg) for arg in gate.args]
            if self.program.leaves[name] in {x for e in operands for x in variables(e)}:
                at = [self.tie(gate, operands, *place) for place in kink.entries[:NAMED]]
                more = len(kink.entries) - len(at)
                found.append(words("convention", kind=gate.kink, at=at, more=more))
        return found

    def tie(self, gate: Gate, operands: list[Expr], *place: int) -> Box:
        """Return an extremum with several winners, or the two sides that are equal at a kink."""
        gates = self.trace.circuit
        if gate.kink == SHARED:
            return self.at(formula(gates, gate.place, named=True), *place)
        known = dict(zip(slots(gate, gates), operands, strict=True))
        left, *right = (self.at(substitute(side, known), *place) for side in switches(gate))
        return row(left, op("equals"), *(right or [num(0)]))

    def at(self, expr: Expr, *place: int) -> Box:
        """Return an entry of an expression in letters, that of a repeated one as it is there."""
        while expr.op is BROADCAST:
            (expr,) = expr.args
            axes = zip(place, expr.shape.dims, strict=True)
            place = tuple(0 if dim == 1 else k for k, dim in axes)
        if expr.shape.is_scalar:
            return self.notation.expr(expr)
        if expr.is_var:
            return self.notation.entry(expr.data[0], *place)
        return self.notation.math(EntryOf(expr, place))

    # -- the check ---------------------------------------------------------------------------------

    def agreement(self) -> Iterator[Block]:
        """Yield that the gradients agree with central differences, some of which are shown."""
        yield Heading(words("check"))
        digits = self.trace.checks.digits
        if not digits:
            yield Paragraph((words("differences-left-out"),))
            return
        leaf = self.leaf
        if rows := self.differences():
            yield Paragraph((words(
                "differences", L=self.notation.loss, is_loss=self.program.is_loss, step=str(STEP),
                Y=leaf(self.output), upstream=leaf(f"d{self.output}"),
            ),))  # fmt: skip
            heads = tuple(words(f"column-{x}") for x in ("entry", "gradient", "difference", "near"))
            yield Table(heads, tuple(rows))
        used = self.inputs
        yield Paragraph((words("closer", digits=min(digits[name] for name in used),
                               scalars=self.scalars, names=list(map(leaf, used))),))  # fmt: skip

    def differences(self) -> list[tuple[Cell, ...]]:
        """Return a few entries of gradients beside the central differences that they are near to.

        There are none where that is much work, and where the step is too long to come near.
        """
        if sum(len(rows) * len(rows[0]) for rows in self.trace.values) > SMALL:
            return []
        found: list[tuple[Cell, ...]] = []
        names = [name for name in self.derivation.wrt if name in self.program.inputs]
        for name in names:
            gradient = self.trace.rows(f"d{name}")
            written = [place for place in _written(gradient) if place is not None]
            for place in written[: max(SHOWN - len(names), 1)]:
                ours = Values(gradient).at(place)
                with precision():
                    try:
                        up, down = (self.moved(name, place, step) for step in (STEP, -STEP))
                    except DomainError:
                        return []
                    quotient = (up - down) / (2 * rational(STEP))
                    gap = quotient - ours
                    equal = gap == 0 if is_exact(gap) else gap.contains(0)
                    far = abs(arb(gap)).upper() / (1 + abs(arb(ours)).lower())
                    digits = None if equal else digits_of(far)
                if digits == 0:
                    return []
                near = words("agree-to-digits", digits=digits)
                found.append((self.board.entry(f"d{name}", *place), _close(ours), _close(quotient),
                              near))  # fmt: skip
        return found

    def moved(self, name: str, place: tuple[int, ...], step: Fraction) -> Any:
        """Return <dY, Y> of the program as it is written, one entry moved by a step."""
        known: dict[str, Rows] = {n: self.trace.rows(n) for n in self.program.inputs}
        cells = Values(known[name]).cells()
        values = (x + rational(step) if at == place else x for at, x in cells)
        known[name] = Values.filled(Values(known[name]).extents, values)
        for s in self.program.statements:
            known[s.name] = Numbers(self.sized, known).matrix(s.expr)
        return inner(known[self.output], self.trace.rows(f"d{self.output}"))


def _written(rows: Rows) -> list[tuple[int, ...] | None]:
    """Return the entries that are written, `None` where dots stand."""
    every = [*places(Values(rows).extents)]
    return [*every] if len(every) <= ENTRIES else [*every[:4], None, every[-1]]


def _close(value: Any) -> Box:
    """Return a number to many digits, without zeros at its end."""
    if is_exact(value):
        text = decimal(value, CLOSE)
        if "e" not in text and len(text.lstrip("-").replace(".", "")) <= CLOSE + 2:
            return printed(text)
    return rounded(value, CLOSE)
