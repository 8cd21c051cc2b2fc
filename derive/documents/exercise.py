"""A sheet of problems with their solutions as a document, or as one that shows them if asked.

Enters a program, a count and a seed; leaves the problems and, behind a switch, the solutions: the
formula of each step, the numbers put in, and why. The law: a value is read off the trace, and the
arithmetic that leads to it is written from the operators' definitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import prod
from typing import Any

from derive.calculus.index import Index, Scalar, entry, mul, partial, total
from derive.catalogue import Entry, opened
from derive.circuits.backprop import Trace
from derive.circuits.values import read_values
from derive.documents.files import told
from derive.documents.formats import format_of
from derive.documents.graphs import Graph, number
from derive.documents.model import Beside, Block, Environment, Heading, Paragraph, Switch, words
from derive.documents.page import Document, render
from derive.documents.pipeline import proved_at
from derive.documents.setting import Setting, equal
from derive.documents.sheet import MOST_PROBLEMS, Gap, Problem, Setter
from derive.documents.worked import DIGITS, LINE, Board, needed
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import Expr, nodes, variables
from derive.expressions.layout import Box, num
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.program import Program
from derive.expressions.shape import extent
from derive.language.assumptions import Assumptions
from derive.language.given import closed
from derive.language.parse import Shapes
from derive.notation.displays import Link, side_by_side
from derive.notation.mathematics import Notation, Style
from derive.proof.derivation import Derivation, Local
from derive.proof.plain import plain
from derive.readings.base import Table, places

#: So many entries of a matrix are worked one by one; of a larger one the first two.
LISTED = 12


@dataclass(frozen=True, slots=True, repr=False)
class Sheet(Document):
    """Problems about one program, with everything that their solutions rest on."""

    derivation: Derivation
    trace: Trace
    seed: int
    problems: tuple[Problem, ...]
    style: Style

    @property
    def program(self) -> Program:
        return self.derivation.program

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def question(self) -> dict[str, Any]:
        return self.derivation.question | {
            "seed": self.seed, "count": len(self.problems), "style": told(self.style),
        }  # fmt: skip

    def named(self, name: str) -> dict[str, Any]:
        return {"file": f"{name}-exercises.tex"}

    def files(self, formats: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield problems and solutions, both in one file where that can show them or not."""
        for form in formats:
            yield f"-exercises.{form}", form, {}
            if not format_of(form).switches:
                yield f"-solutions.{form}", form, {"solutions": True}

    def blocks(self) -> Iterator[Block]:
        return _Page(self).blocks()

    def runnable(self) -> Iterator[Block]:
        yield Switch(tuple(proved_at(self.derivation, self.trace)))

    def plain(self) -> dict[str, Any]:
        """Return the sheet as plain values, for `--json`."""
        page = _Page(self)
        return {
            "program": self.program.lines(),
            "seed": self.seed,
            "sizes": dict(self.trace.sizes),
            "assumed": {name: sorted(said) for name, said in self.derivation.assumed.items()},
            "given": _given(self.trace),
            "problems": [
                _plain(problem, self)
                | {key: render(blocks, "md").strip()
                   for key, blocks in zip(("problem", "solution"), page.problem(problem))}
                for problem in self.problems
            ],
        }  # fmt: skip


def exercise(
    program: str | Entry,
    shapes: Shapes | None = None,
    *,
    count: int = 6,
    seed: int = 1,
    at: Mapping[str, int] | None = None,
    wrt: Sequence[str] | None = None,
    assume: Assumptions | None = None,
    data: Sequence[str] = (),
    values: Mapping[str, Any] | str | None = None,
    style: Style | None = None,
    name: str = "",
    timeout: float | None = TIMEOUT,
) -> Sheet:
    """Return a sheet of problems about a program's gradients, every solution checked.

    >>> sheet = exercise("X: (n, d); w: (d, 1); y = X @ w", count=3, seed=7)
    >>> [(problem.kind, problem.variable) for problem in sheet.problems]
    [('forward', ''), ('gradient', 'w'), ('mistake', 'w')]
    >>> sheet.to_markdown() == exercise(sheet.program.text, count=3, seed=7).to_markdown()
    True

    `at` gives the sizes, `wrt` the variables to differentiate by (all inputs but `data` by
    default), `assume` what the numbers obey,
    `values` the functions that the program leaves open (`g=tanh`), `style` the notation. Without
    `at` a problem may have other sizes, where a mistake hides better.
    Raises `ParseError`, `ShapeError`, `UnsupportedError` or `SizeError` for bad input, `LimitError`
    after `timeout` seconds, and `ProofError` where a solution did not pass its check.
    """
    if not 1 <= count <= MOST_PROBLEMS:
        raise UnsupportedError(f"a sheet has from 1 to {MOST_PROBLEMS} problems, not {count}")
    with limited(timeout):
        given = values if isinstance(values, Mapping | None) else read_values(values)
        read, entry = opened(program, shapes, name, [*(wrt or ()), *(assume or ())])
        read, left = closed(read, given)
        if left:
            raise UnsupportedError(
                f"the numbers of a sheet are chosen, and {next(iter(left))} is given one",
                hint="values give functions that are left open: g=tanh",
            )
        obeyed = entry.assuming(assume, numbers=True)
        wanted = read.wanted(wrt, (*entry.data, *data))
        setter = Setter(read, {**entry.at, **(at or {})}, wanted, obeyed, seed, bool(at))
        problems = setter.problems(count)
        return Sheet(setter.derivation, setter.trace, seed, problems, style or Style())


# -- the document ----------------------------------------------------------------------------------

#: What is asked, and how it is solved.
Parts = tuple[list[Block], list[Block]]


class _Page(Setting):
    """The blocks of one sheet."""

    def __init__(self, sheet: Sheet):
        super().__init__(sheet.derivation, replace(sheet.style, elide=0))  # all has to be known
        self.numbers = {}  # a sheet cites no equations
        self.sheet = sheet
        traces = {id(trace): trace for trace in (sheet.trace, *(p.trace for p in sheet.problems))}
        self.boards = {key: Board(self.notation, trace) for key, trace in traces.items()}
        self.gradients = {f"d{name}": e for name, e in self.derivation.backward.items()}
        self.values = {s.name: s.expr for s in self.statements}

    def blocks(self) -> Iterator[Block]:
        parts = [self.problem(problem) for problem in self.sheet.problems]
        board = self.boards[id(self.sheet.trace)]
        given = _equations(board, _names_given(self.program))
        title = self.title().facts
        asked, solved = (Heading(words(x, **title), 1) for x in ("exercises", "solutions"))
        yield Switch((solved,), (asked,))
        yield from self.setting()
        several = any(problem.trace is not self.sheet.trace for problem in self.sheet.problems)
        said = words("numbers-of-all", sizes=self.sizes_of(board), unless=several)
        rounds = any(board.rounds for board in self.boards.values())
        rounding = [Paragraph((words("rounding", digits=DIGITS),))] if rounds else []
        yield Environment("remark", (Paragraph((said,)), given, *rounding), words("the-numbers"))
        for problem, (asked_for, solution) in zip(self.sheet.problems, parts, strict=True):
            yield Heading(words("problem", number=problem.number, kind=problem.kind,
                                scalar=self.is_number(problem.variable)))  # fmt: skip
            yield from asked_for
            yield Switch((Environment("solution", tuple(solution)),))

    def problem(self, p: Problem) -> Parts:
        """Return what a problem asks for, with its own numbers if it has any, and its solution."""
        board = self.boards[id(p.trace)]
        asked, solution = getattr(self, f"_{p.kind}")(p, board)
        if p.trace is not self.sheet.trace:
            given = _equations(board, _names_given(self.program))
            asked = [_say("own-numbers", sizes=self.sizes_of(board)), given, *asked]
        return asked, solution

    def is_number(self, name: str) -> bool:
        return bool(name) and self.program.leaves[name].shape.is_scalar

    def sizes_of(self, board: Board) -> list[Box]:
        """Return the sizes, in one equation where all are equal."""
        dims = [self.notation.word_of(dim) for dim in board.sizes]
        sizes = list(board.sizes.values())
        if len(set(sizes)) == 1:
            return [equal(*dims, num(sizes[0]))]
        return [equal(dim, num(k)) for dim, k in zip(dims, sizes, strict=True)]

    # -- the kinds of problems ---------------------------------------------------------------------

    def _shapes(self, p: Problem, board: Board) -> Parts:
        shaped = Notation(self.derivation, self.style)
        shaped.written = dict(board.sizes)
        leaves = self.program.leaves

        def over(names: Sequence[str], mark: str) -> list[dict[str, Box]]:
            return [{"name": self.leaf(f"{mark}{name}"), "shape": shaped.shape(leaves[name].shape)}
                    for name in names if not self.is_number(name)]  # fmt: skip

        values, gradients = over(list(self.values), ""), over(list(self.derivation.backward), "d")
        links = [
            Link(shaped.expr(formula, shapes=True),
                 shaped.operand(self.leaf(name), formula.shape, True))
            for name, formula in self.gradients.items() if not formula.shape.is_scalar
        ]  # fmt: skip
        return [_say("asked-shapes", values=values, gradients=gradients)], [
            *([_say("shapes-forward", shapes=values)] if values else []),
            _say("shapes-backward", shapes=gradients), _say("formulas-agree"), self.display(links),
        ]  # fmt: skip

    def _forward(self, p: Problem, board: Board) -> Parts:
        solution: list[Block] = []
        for name, expr in self.values.items():
            parts, links = self.parts(board, [expr]), _entries(board, name, expr)
            if not expr.shape.is_scalar:
                some = _is_long(expr, board)
                solution.append(_say("from-formula", formula=self.statement_of(name), some=some,
                                     first=bool(parts)))  # fmt: skip
                parts = [*parts[1:], _say("entry-by-entry", some=some)] if parts else []
                links += board.chain(self.leaf(name), [board.of(name)])
            solution += [*parts, self.reckoning(links)]
        return [_say("asked-forward", names=list(map(self.leaf, self.values)))], solution

    def _entry(self, p: Problem, board: Board) -> Parts:
        formula = self.derivation.backward[p.variable]
        asked = _say("asked-entry", g=_entry_of(p, board), X=self.leaf(p.variable))
        return [asked], [
            *self.known([formula], p, board), *self.upstream([formula], board),
            *self.parts(board, [formula]), *self.true_entry(p, board),
        ]  # fmt: skip

    def _gradient(self, p: Problem, board: Board) -> Parts:
        name, formula = p.variable, self.derivation.backward[p.variable]
        solution = [*self.known([formula], p, board), *self.upstream([formula], board),
                    *self.step(board, name)]  # fmt: skip
        if not formula.is_var and not formula.shape.is_scalar:
            solution += [_say("entry-by-entry", some=_is_long(formula, board)),
                         self.reckoning(_entries(board, f"d{name}", formula))]  # fmt: skip
        G = self.leaf(f"d{name}")
        return [_say("asked-gradient", G=G, scalar=self.is_number(name))], solution

    def _mistake(self, p: Problem, board: Board) -> Parts:
        assert p.mistake is not None and p.place is not None
        name, mistake = f"d{p.variable}", p.mistake
        truth, claimed = self.derivation.backward[p.variable], mistake.formula
        rows = p.trace.of(claimed)
        links = board.worked(name, claimed, p.place, letters=True, first=first_worked(claimed),
                             rows=rows)  # fmt: skip
        loss = None if self.program.is_loss else self.notation.loss
        own = p.trace is not self.sheet.trace
        expr, scalar = self.notation.expr, self.is_number(p.variable)
        asked: list[Block] = [
            _say("asked-mistake", L=loss), self.display([Link(expr(claimed), self.leaf(name))]),
            _say("asked-to-refute", scalar=scalar, own=own),
        ]  # fmt: skip
        return asked, [
            *self.known([truth, claimed], p, board),
            *self.upstream([truth, claimed], board, worked=False),
            *self.parts(board, [truth, claimed]),
            _say("claim-would-be", g=_entry_of(p, board)), self.reckoning(links),
            *self.true_entry(p, board),
            _say("mistake-made", mistake=mistake.kind, scalars=self.scalars,
                 statement=self.skipped(mistake.about), about=list(map(expr, mistake.about))),
            self.display([Link(expr(truth), self.leaf(name))]),
        ]  # fmt: skip

    def _gap(self, p: Problem, board: Board) -> Parts:
        assert p.gap is not None
        gap, chain = p.gap, p.gap.chain
        local = next((x for x in self.locals_of(p.variable) if x.statement.name == gap.statement),
                     None)  # fmt: skip
        through = self.through(local) if local else None
        G = self.leaf(f"d{p.variable}")
        formula = local.formula if local else self.derivation.gradients[p.variable]
        if through is not None:
            G = Box("at", (G, through))
        asked = _say(
            "asked-gap", proof=gap.part, X=self.leaf(p.variable), scalars=self.scalars,
            formula=equal(G, self.notation.expr(formula)), through=through,
            statement=self.statement_of(gap.statement) if local else None,
            delta_used=local is not None and any("delta" in str(step.right) for step in chain),
        )  # fmt: skip
        why = [
            _say("why-filled", label=label, rule=step.rule, scalars=self.scalars,
                 indices=reason.facts.get("indices", ()), reason=reason)
            for label, step in (("a", chain[gap.formula]), ("b", chain[gap.reason]))
            for reason in [self.reason(step)]
        ]  # fmt: skip
        open_, filled = (self.display(self.proof(gap, solved=solved)) for solved in (False, True))
        return [asked, open_], [_say("chain-filled"), filled, *why]

    def proof(self, gap: Gap, *, solved: bool) -> Iterator[Link]:
        """Yield a chain of a proof, its gaps open, or filled and framed."""
        last: Any = None
        for k, step in enumerate(gap.chain):
            follows = step.left is last or (isinstance(last, Scalar) and step.left == last)
            last = step.right
            right, reason = self.notation.math(step.right), self.reason(step)
            if k == gap.formula:
                right = Box("frame", (right if solved else Box("gap", text="a"),))
            if k == gap.reason:
                reason = words("gap", label="b", filled=reason if solved else None)
            yield Link(right, None if follows else self.notation.math(step.left), reason=reason)

    # -- pieces of solutions -----------------------------------------------------------------------

    def known(self, roots: Sequence[Expr], p: Problem, board: Board) -> list[Block]:
        """Return the values of the forward pass on which a solution rests."""
        chain = [*roots, *(self.gradients[n] for n in needed(roots, self.gradients))]
        used = {leaf.data[0] for expr in chain for leaf in variables(expr)}
        names = [name for name in self.values if name in used]
        if not names:
            return []
        solved = next((other.number for other in self.sheet.problems
                       if other.kind == "forward" and other.trace is p.trace), None)  # fmt: skip
        if solved is None:
            rest = needed([self.program.leaves[name] for name in names], self.values)
            names = [name for name in self.values if name in rest]
        return [_say("known", problem=solved), _equations(board, names)]

    def upstream(self, roots: Sequence[Expr], board: Board, worked: bool = True) -> list[Block]:
        """Return the gradients on the way back to the one that is asked for, with numbers."""
        names = needed(roots, self.gradients)
        if worked or not names:
            return [block for name in names for block in self.step(board, name[1:])]
        expr = self.notation.expr
        links = [link for name in names for link in board.chain(
            self.leaf(name), [expr(self.gradients[name]), board.of(name)])]  # fmt: skip
        return [_say("on-the-way-back", several=len(names) > 1), self.reckoning(links)]

    def step(self, board: Board, name: str) -> list[Block]:
        """Return one step backwards: the reason, the formula, the numbers put in, the result."""
        formula, uses = self.derivation.backward[name], self.locals_of(name)
        links = board.whole(f"d{name}", formula, first_worked(formula))
        rules = list(dict.fromkeys(rule for use in uses for rule in use.rules))
        statements = [self.heading(use.statement) for use in uses]
        said = _say("step-back", statements=statements, scalars=self.scalars, names=rules)
        return [*self.parts(board, [formula]), said, self.reckoning(links)]

    def true_entry(self, p: Problem, board: Board) -> list[Block]:
        """Return an entry of a gradient: where it acts, the chain rule, the numbers."""
        assert p.place is not None
        name, place = p.variable, p.place
        locals_, truth = self.locals_of(name), self.derivation.backward[name]
        uses = [
            {"Y": self.leaf(use.statement.name), "occurrence": self.occurrence(use, place),
             "scalar": use.statement.expr.shape.at(board.sizes).dims == (1, 1)}
            for use in locals_
        ]  # fmt: skip
        one = len(locals_) == 1 and locals_[0].upstream is not None
        sides = [self.chain_rule(locals_[0], board, place)] if one else []
        links = board.worked(f"d{name}", truth, place, sides, letters=True,
                             first=first_worked(truth))  # fmt: skip
        return [
            _say("acts-on", x=self.notation.entry(name, *place), uses=uses, L=self.notation.loss,
                 direct=all(use.upstream is None for use in locals_),
                 number=self.is_number(name)),
            self.reckoning(links),
        ]  # fmt: skip

    def chain_rule(self, local: Local, board: Board, place: tuple[int, ...]) -> Box:
        """Return the chain rule for an entry, over the entries of the value on which it acts."""
        assert local.upstream is not None
        found = {word.split("-")[0]: place[0] if word.endswith("a") else place[1]
                 for word in local.occurrence}  # fmt: skip
        value = self.program.leaves[local.statement.name]
        letters = self.derivation.letters.output
        i: Index = found.get("row", letters[0])
        j: Index = found.get("column", letters[1])
        x = entry(local.variable.data, *place)
        term = mul(entry(local.upstream.data, i, j), partial(entry(value.data, i, j), x))
        for index, dim in ((j, value.shape.cols), (i, value.shape.rows)):
            if isinstance(index, str) and dim != 1:
                term = total(index, extent(dim, board.sizes), term)
        return self.notation.scalar(term)

    def parts(self, board: Board, roots: Sequence[Expr]) -> list[Block]:
        """Return the parts of formulas that are worked out before their entries are."""
        found = dict.fromkeys(node for root in roots for node in first_worked(root))
        links = [link for node in found for link in board.chain(
            self.notation.expr(node), [board.matrix(board.trace.of(node))])]  # fmt: skip
        return [_say("first-worked"), self.reckoning(links)] if links else []

    def locals_of(self, name: str) -> list[Local]:
        return [local for local in self.derivation.locals if local.variable.data[0] == name]

    def statement_of(self, name: str) -> Box:
        """Return a statement for a sentence: all of it, or its name where it is long."""
        found = self.program.defining(name)
        assert found is not None
        return self.heading(found)

    def skipped(self, about: tuple[Expr, ...]) -> Box | None:
        """Return the statement between two gradients of which one is mistaken for the other."""
        names = [e.data[0][1:] for e in about if e.is_var and e.data[0] in self.gradients]
        users = [s for name in names[:1] for s in self.program.users(name) if s in self.statements]
        return self.heading(users[0]) if users else None


def first_worked(root: Expr) -> list[Expr]:
    """Return the parts of a formula that a person works out before its entries."""
    inside = [node for node in nodes(root) if node.op.is_whole and node is not root]
    inner = {x for node in inside for x in nodes(node) if x is not node}
    return [node for node in inside if node not in inner]


def _entries(board: Board, name: str, formula: Expr) -> list[Link]:
    """Return the entries of a value one by one, the first with its letters."""
    first, most = first_worked(formula), 2 if _is_long(formula, board) else LISTED
    return [
        link for place in islice(places(formula.shape.extents(board.sizes)), most)
        for link in board.worked(name, formula, place, letters=place == (0, 0), first=first)
    ]  # fmt: skip


def _is_long(formula: Expr, board: Board) -> bool:
    """Whether a value has too many entries for all of them to be worked."""
    return prod(formula.shape.extents(board.sizes)) > LISTED


def _entry_of(p: Problem, board: Board) -> Box:
    assert p.place is not None
    return board.entry(f"d{p.variable}", *p.place)


def _equations(board: Board, names: Sequence[str]) -> Beside:
    """Return names and their numbers side by side."""
    return Beside(tuple(map(tuple, side_by_side(map(board.given, names), LINE))))


def _say(key: str, **facts: Any) -> Paragraph:
    return Paragraph((words(key, **facts),))


# -- plain values ----------------------------------------------------------------------------------


def _names_given(program: Program) -> list[str]:
    names = [name for name in program.inputs if name in program.reaching()]
    return names if program.is_loss else [*names, f"d{program.output}"]


def _given(trace: Trace) -> dict[str, Any]:
    found = Graph(trace.circuit, trace).plain()
    known = found["forward"] | {f"d{name}": value for name, value in found["gradients"].items()}
    return {name: known[name] for name in _names_given(trace.circuit.program)}


def _plain(p: Problem, sheet: Sheet) -> dict[str, Any]:
    """Return a problem and its answer as plain values."""
    backward, written = sheet.derivation.backward, sheet.program.written
    numbers = Graph(p.trace.circuit, p.trace).plain()
    found: dict[str, Any] = {"number": p.number, "kind": p.kind}
    answer: dict[str, Any] = {}
    if p.variable:
        found["variable"] = p.variable
    if p.trace is not sheet.trace:
        found |= {"sizes": dict(p.trace.sizes), "given": _given(p.trace)}

    def one(rows: Any) -> dict[str, str | None]:
        return number(Table(rows).at(p.place or (0, 0))).plain()

    match p.kind:
        case "shapes":
            answer = {f"d{name}": list(sheet.program.leaves[name].shape.extents(p.trace.sizes))
                      for name in backward}  # fmt: skip
        case "forward":
            reaching = sheet.program.reaching()
            answer = {s.name: numbers["forward"][s.name] for s in sheet.program.statements
                      if s.name in reaching}  # fmt: skip
        case "entry":
            answer = {"value": one(p.trace.rows(f"d{p.variable}"))}
        case "gradient":
            answer = {"formula": f"d{p.variable} = {written(backward[p.variable])}",
                      "value": numbers["gradients"][p.variable]}  # fmt: skip
    if p.mistake is not None:
        name = f"d{p.variable}"
        found["claim"] = f"{name} = {written(p.mistake.formula)}"
        answer = {
            "mistake": p.mistake.kind, "about": [written(expr) for expr in p.mistake.about],
            "formula": f"{name} = {written(backward[p.variable])}",
            "claimed": one(p.trace.of(p.mistake.formula)), "true": one(p.trace.rows(name)),
        }  # fmt: skip
    if p.place is not None:
        (answer if p.mistake else found)["entry"] = [k + 1 for k in p.place]
    if p.gap is not None:
        gap, chain = p.gap, p.gap.chain
        found["lines"] = [
            {"left": plain(step.left), "right": "?" if k == gap.formula else plain(step.right),
             "reason": "?" if k == gap.reason else step.rule}
            for k, step in enumerate(chain)
        ]  # fmt: skip
        answer = {"line": gap.formula + 1, "right": plain(chain[gap.formula].right),
                  "reason line": gap.reason + 1, "reason": chain[gap.reason].rule}  # fmt: skip
    return found | {"answer": answer}
