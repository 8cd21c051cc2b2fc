"""A computation graph to blocks: picture, the two passes line by line, the chain rule, checks.

Enters one graph, or two readings of one program, gate by gate and with named functions; leaves the
blocks of its document. The law: numbers come from the trace and formulas from the theorems, and
where a formula stands with its numbers put in, as many digits are shown as give the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derive import ops
from derive.calculus.simplify import simplify
from derive.circuits.backprop import Kink, Trace
from derive.circuits.circuit import Circuit, Gate, circuit, formula
from derive.documents.files import Content, asked, fingerprint
from derive.documents.formats import FORMATS
from derive.documents.graphs import Graph
from derive.documents.model import (
    Beside,
    Block,
    Cell,
    Chain,
    Environment,
    Figure,
    Heading,
    Items,
    Paragraph,
    Table,
    Words,
    words,
)
from derive.documents.page import Document, render
from derive.documents.setting import assumptions, equal, meant_by
from derive.documents.worked import Board
from derive.expressions.expr import Expr, number, substitute, variables
from derive.expressions.layout import Box, frac, is_sum, num, op, paren, row, sup
from derive.judges.chain import Chain as Ways, Factor, chains
from derive.judges.granularity import agreement, same_gradients
from derive.notation.calculator import has_rounded
from derive.notation.displays import Link, broken, side_by_side
from derive.notation.latex import latex
from derive.notation.mathematics import Notation
from derive.notation.widths import width
from derive.pictures.diagram import Writing
from derive.readings.numbers import Numbers, Rows, precision

#: Matrices with more rows or columns, or that are wider than a line, are given by their shape.
LARGEST = 12
#: Equations wider than this continue on a line of their own.
LINE = 66.0
#: The same where a reason stands beside the equation.
CHAIN = 46.0
#: Tables with more gates than this are left to `--json`.
MOST_GATES = 120


def render_graph(
    graphs: Graph | Sequence[Graph], form: str, *, stem: str = "", **options: Any
) -> Content:
    """Return the document of a graph, or of two readings of a program, in a format.

    A Markdown document shows the files of its pictures, whose names begin with `stem`; LaTeX has
    its picture inside. See `page.render` for the other options.
    """
    shown = [graphs] if isinstance(graphs, Graph) else list(graphs)
    return render(_blocks(shown), form, stem=stem, **options)


@dataclass(frozen=True, slots=True, repr=False)
class Graphs(Document):
    """One graph, or two of the same program, as one document with its pictures beside it."""

    graphs: tuple[Graph, ...]

    @property
    def name(self) -> str:
        return self.graphs[0].program.name

    @property
    def question(self) -> dict[str, Any]:
        return {"graphs": [one.question for one in self.graphs]}

    def asked(self, said: dict[str, str]) -> str:
        return fingerprint([asked("Graph", one.question | said) for one in self.graphs])

    def named(self, name: str) -> dict[str, Any]:
        return {"stem": name}

    def files(self, formats: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield the documents, and the pictures: those asked for, and those that Markdown shows."""
        made: dict[str, tuple[str, str, dict[str, Any]]] = {}
        for form in formats:
            picture = "svg" if form == "md" else "" if form in FORMATS else form
            for k in range(len(self.graphs)) if picture else ():
                ending = _ending(k, picture)
                made[ending] = ending, picture, {"only": k}
            if form in FORMATS:
                made[f"-graph.{form}"] = f"-graph.{form}", form, {}
        yield from made.values()

    def blocks(self) -> Iterable[Block]:
        return _blocks(self.graphs)

    def runnable(self) -> Iterable[Block]:
        from derive.documents.pipeline import proved_at

        graph = self.graphs[0]
        return proved_at(graph, graph.trace)

    def _printed(self, blocks: Iterable[Block], form: str, options: Mapping[str, Any]) -> Content:
        """Return the document in a format, or the pictures (`only` one of them) in svg or mmd."""
        only = options.get("only")
        graphs = self.graphs if only is None else self.graphs[only : only + 1]
        if form == "svg":
            return "\n".join(one.to_svg() for one in graphs)
        if form == "mmd":
            return "\n".join(one.to_mermaid() for one in graphs)
        return Document._printed(self, blocks, form, options)

    def plain(self) -> Any:
        """Return one graph, or a list of them, as plain values, for `--json`."""
        found = [one.plain() for one in self.graphs]
        return found[0] if len(found) == 1 else found


def _ending(k: int, form: str) -> str:
    """Return how the file of the k-th picture is called after its document."""
    return f"-graph{k + 1 if k else ''}.{form}"


def _blocks(graphs: Sequence[Graph]) -> Iterator[Block]:
    passes = [_Pass(graph) for graph in graphs]
    yield from passes[0].setting(passes)
    for k, one in enumerate(passes):
        yield from one.blocks(_ending(k, "svg"), len(passes) > 1)
    if len(graphs) > 1:
        yield from _agreement(graphs)
    if graphs[0].trace is None:
        yield from _chains(graphs[0])
    else:
        yield from _checks([graph.trace for graph in graphs if graph.trace is not None])


# -- the passes ------------------------------------------------------------------------------------


class _Pass:
    """What is told of one circuit: its picture, its two passes, what its gates do."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.circuit, self.trace = graph.circuit, graph.trace
        self.writing = Writing(self.circuit, self.trace.sizes if self.trace else None, graph.style)
        self.paper = self.writing.paper
        self.leaf = self.paper.leaf
        self.uses = self.circuit.uses()
        self.reaching = self.circuit.reaching()
        self.gates = self.circuit.gates if len(self.circuit.gates) <= MOST_GATES else ()
        self.scalars = all(gate.shape.is_scalar for gate in self.circuit.gates)
        self.rows_of: dict[str, Rows] = {}
        if self.trace is not None:
            for gate in self.circuit.gates:
                label = self.writing.labels[gate.place]
                self.rows_of[label] = self.trace.values[gate.place]
                self.rows_of[f"d{label}"] = self.trace.gradients[gate.place]
        self.kinked = {kink.place for kink in self.trace.kinks} if self.trace else set()
        self.board = Board(self.paper, self, digits=graph.digits, decimals=True)

    # -- what is given -----------------------------------------------------------------------------

    def setting(self, passes: Sequence[_Pass]) -> Iterator[Block]:
        """Yield the program, where it is worked out, and where the way back begins."""
        program, trace, leaf = self.graph.program, self.trace, self.leaf
        output = program.output.data[0]
        links = [Link(self.paper.expr(s.expr), leaf(s.name)) for s in program.statements]
        whole = len(links) == 1
        shown = equal(leaf(output), links[0].right) if whole else leaf(output)
        yield Heading(words("graph-of", formula=shown), 1)
        if not whole:
            yield Chain(tuple(links))
        if program.reordered:
            names = [leaf(s.name) for s in program.statements]
            yield Paragraph((words("worked-in-order", names=names),))
        if self.graph.assumed:
            said = assumptions(self.graph.assumed, leaf, program)
            yield Paragraph((words("assumed", assumptions=said),))
        if trace is not None:
            given = [self.told(g.name) for g in self.circuit.gates if g.is_input]
            yield Paragraph((words("at"),))
            yield Beside(tuple(map(tuple, side_by_side(given, LINE))))
        if not self.scalars:
            meant = tuple(meant_by(box for one in passes for box in one.formulas()))
            yield from [Paragraph(meant)] if meant else []
        loss = self.paper.loss
        if program.is_loss:
            yield Paragraph((words("begins-with-one"),))
        elif trace is None:
            yield Paragraph((words("any-scalar", L=loss, Y=leaf(output)),))
        else:
            yield Paragraph((words("seed", L=loss, Y=leaf(output), chosen=trace.chosen),))
        if trace is not None and not program.output.shape.is_scalar:
            yield Beside(((self.told(f"d{output}"),),))

    def told(self, label: str) -> Box:
        """Return a name and its numbers."""
        (link,) = self.chain(self.leaf(label), [], self.rows(label)).links
        return row(self.leaf(label), op(link.sign), link.right)

    def formulas(self) -> Iterator[Box]:
        """Yield the formulas that are printed."""
        for gate in self.gates:
            if gate.pattern is not None:
                yield self.formula(gate)
                if gate.place in self.reaching:
                    yield from (self.paper.expr(self.flow(gate, k)) for k in range(len(gate.args)))

    # -- one circuit -------------------------------------------------------------------------------

    def blocks(self, picture: str, several: bool) -> Iterator[Block]:
        """Yield the picture, what its gates do, and the two passes."""
        circuit, trace, program = self.circuit, self.trace, self.graph.program
        named = {"primitive": "gate-by-gate", "named": "whole-functions" if several else ""}
        yield Heading(words(named.get(circuit.granularity) or "the-graph"))
        gates = sum(not gate.is_input for gate in circuit.gates)
        alt = words("picture", statements=len(program.statements), gates=gates)
        yield Figure(alt, picture, self.graph.to_tikz, self.graph.to_svg)
        forks = any(len(users) > 1 for users in self.uses)
        yield Paragraph((words("legend", numbers=trace is not None, L=self.paper.loss,
                               forks=forks),))  # fmt: skip
        meant = [
            equal(self.name(g), self.paper.expr(formula(circuit, g.place)))
            for g in self.gates if not g.name
        ]  # fmt: skip
        if meant:
            yield Paragraph((words("unnamed", meant=meant),))
        for kink in trace.kinks if trace else ():
            yield Paragraph((self.kink(kink),))
        unused = [self.name(g) for g in circuit.gates if g.name and g.place not in self.reaching]
        if unused:
            yield Paragraph((words("unused", names=unused),))
        yield Paragraph((words("how-gates-pass"),))
        yield Items(tuple(words("gate", kind=kind) for kind in _kinds(circuit)))
        worked = [gate for gate in self.gates if not gate.is_input]
        if trace is not None and worked:
            yield Heading(words("forward-pass"), 3)
            if self.scalars:
                heads = tuple(map(words, ("value", "formula", "put-in", "result")))
                yield Table(heads, tuple(map(self.forward_row, worked)))
            else:
                yield from map(self.forward, worked)
        back = [g for g in reversed(worked) if g.place in self.reaching and g.args]
        if back:
            yield Heading(words("backward-pass"), 3)
            yield from self.table(back, forks) if self.scalars else map(self.through, back)

    # -- names, formulas, numbers ------------------------------------------------------------------

    def name(self, gate: Gate) -> Box:
        return self.leaf(self.writing.labels[gate.place])

    def gradient(self, gate: Gate) -> Box:
        return self.leaf(f"d{self.writing.labels[gate.place]}")

    def expr(self, gate: Gate) -> Expr:
        """Return the formula of a gate in the names of the circuit."""
        assert gate.pattern is not None
        return self.writing.put_in(gate.pattern, gate)

    def formula(self, gate: Gate) -> Box:
        return self.paper.expr(self.expr(gate))

    def flow(self, gate: Gate, k: int) -> Expr:
        """Return what a gate hands to an operand; a loss has the gradient 1."""
        flow = self.writing.flows(gate)[k]
        if gate is self.circuit.output and gate.shape.is_scalar:
            one = {self.writing.gradient(gate): number(1)}
            return simplify(substitute(flow, one))[0]
        return flow

    def too_large(self, rows: Rows) -> bool:
        """Whether a matrix is told by its shape alone."""
        large = len(rows) > LARGEST or len(rows[0]) > LARGEST
        return large or width(self.board.matrix(rows)) > LINE

    def value(self, rows: Rows) -> Box:
        """Return a value as it is printed: the space that it lies in where it is too large."""
        if not self.too_large(rows):
            return self.board.matrix(rows)
        return sup(op("reals"), row(num(len(rows)), op("times"), num(len(rows[0]))))

    def put_in(self, gate: Gate, expr: Expr, rows: Rows) -> Box | None:
        """Return a formula with its numbers put in, with as many digits as give the result.

        None is shown where a number is told by its shape.
        """
        labels = [self.writing.labels[place] for place in (*gate.args, gate.place)]
        used = [*labels, *(leaf.data[0] for leaf in variables(expr))]
        if any(self.too_large(self.rows(x)) for x in used):
            return None
        return self.board.put_in(expr, rows)

    def chain(self, left: Box, sides: Sequence[Box | None], rows: Rows) -> Chain:
        """Return equalities down to a value; what follows a rounded number is near to it."""
        value = self.value(rows)
        kept = [box for box in sides if box is not None and box != value]
        first, *rest = self.board.chain(left, [*kept, value])
        links = [first, *(link._replace(optional=link is not rest[-1]) for link in rest)]
        if self.too_large(rows):
            links[-1] = links[-1]._replace(sign="in")
        return Chain(tuple(links), packed=True)

    # -- the point of the board --------------------------------------------------------------------

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.trace.sizes if self.trace else {}

    def rows(self, label: str) -> Rows:
        """Return the numbers of a gate by its label, or of its gradient."""
        return self.rows_of[label]

    def of(self, expr: Expr) -> Rows:
        """Return what a formula in labels comes to."""
        known = {leaf.data[0]: self.rows(leaf.data[0]) for leaf in variables(expr)}
        with precision():
            return Numbers(self.sizes, known).matrix(expr)

    # -- forward -----------------------------------------------------------------------------------

    def forward(self, gate: Gate) -> Block:
        assert self.trace is not None
        expr, rows = self.expr(gate), self.trace.values[gate.place]
        sides = [self.paper.expr(expr), self.put_in(gate, expr, rows)]
        return self.chain(self.name(gate), sides, rows)

    def forward_row(self, gate: Gate) -> tuple[Cell, ...]:
        assert self.trace is not None
        expr, rows = self.expr(gate), self.trace.values[gate.place]
        put_in, value = self.put_in(gate, expr, rows), self.value(rows)
        shown = words("nothing") if put_in is None or put_in == value else put_in
        result = row(op("approx"), value) if has_rounded(value) else value
        return self.name(gate), self.paper.expr(expr), shown, result

    # -- backward ----------------------------------------------------------------------------------

    def through(self, gate: Gate) -> Block:
        """Return what a gate hands to its operands, and the sums that are complete with that."""
        body: list[Block] = []
        for k, arg in enumerate(gate.args):
            flow = self.flow(gate, k)
            left, shown = self.handed(gate, k), self.paper.expr(flow)
            if self.trace is None:
                body.append(Chain((Link(shown, left),)))
            else:
                told = (
                    gate.place in self.kinked
                    or flow.is_var
                    or (
                        not flow.shape.is_scalar and all(x.shape.is_scalar for x in variables(flow))
                    )
                )
                rows = self.trace.flows[gate.place, k]
                put_in = None if told else self.put_in(gate, flow, rows)
                body.append(self.chain(left, [shown, put_in], rows))
            body += self.total(gate, k, self.circuit.gates[arg])
        head = words("through-gate", formula=equal(self.name(gate), self.formula(gate)))
        return Environment("remark", tuple(body), head)

    def handed(self, gate: Gate, k: int) -> Box:
        """Return the name of what a gate hands to an operand."""
        operand = self.circuit.gates[gate.args[k]]
        whole = self.gradient(operand)
        return Box("at", (whole, self.name(gate))) if len(self.uses[operand.place]) > 1 else whole

    def total(self, gate: Gate, k: int, operand: Gate) -> Iterator[Block]:
        """Yield the sum of what comes back to a value that is used more than once."""
        users = self.uses[operand.place]
        if len(users) == 1 or (gate.place, k) != users[0]:
            return
        left = self.gradient(operand)
        parts = [Box("at", (left, self.name(self.circuit.gates[u]))) for u, _ in reversed(users)]
        yield Paragraph((words("adds-up", name=self.name(operand), uses=len(users)),))
        yield Chain((Link(_sum(parts), left),))
        if self.trace is not None:
            yield self.chain(left, [self.summed(operand)], self.trace.gradients[operand.place])

    def summed(self, operand: Gate) -> Box | None:
        """Return the numbers that add up to a gradient."""
        assert self.trace is not None
        flows = [self.trace.flows[user] for user in reversed(self.uses[operand.place])]
        if any(map(self.too_large, flows)):
            return None
        return self.board.combined(flows, "plus", self.trace.gradients[operand.place])

    def table(self, gates: Sequence[Gate], forks: bool) -> Iterator[Block]:
        """Yield the backward pass of scalars as a table: one row an operand."""
        heads = ["gate", "arrives", "local-gradient", "as-a-number", "handed-back", "adds-up-to"]
        if self.trace is None:
            heads = ["gate", "local-gradient", "handed-back"]
        elif not forks:
            heads.pop()
        rows = tuple(
            self.row(gate, k)[: len(heads)] for gate in gates for k in range(len(gate.args))
        )
        yield Table(tuple(words(f"column-{head}") for head in heads), rows)

    def row(self, gate: Gate, k: int) -> tuple[Cell, ...]:
        operand = self.circuit.gates[gate.args[k]]
        nothing = words("nothing")
        whole = nothing if k else equal(self.name(gate), self.formula(gate))
        local = self.writing.locals(gate)[k]
        slope = equal(_partial(self.name(gate), self.name(operand)), self.paper.expr(local))
        if self.trace is None:
            return whole, slope, equal(self.handed(gate, k), self.paper.expr(self.flow(gate, k)))
        up, back = self.trace.gradients[gate.place], self.trace.flows[gate.place, k]
        arrives = nothing if k else self.value(up)
        own = [[self.trace.slope(gate, k)]]
        work = self.related(self.board.combined([up, own], "cdot", back), back)
        handed = words("handed-to", to=self.name(operand), work=work)
        users = self.uses[operand.place]
        adds: Cell = nothing
        if len(users) > 1 and (gate.place, k) == users[0] and (total := self.summed(operand)):
            adds = self.related(total, self.trace.gradients[operand.place])
        return whole, arrives, slope, self.value(own), handed, adds

    def related(self, work: Box, rows: Rows) -> Box:
        """Return a calculation and what it comes to, in one line."""
        (_, last) = self.board.chain(work, [work, self.value(rows)])
        return row(work, op(last.sign), last.right)

    def kink(self, kink: Kink) -> Words:
        gate = self.circuit.gates[kink.place]
        entries = [] if gate.shape.is_scalar else [[i + 1, j + 1] for i, j in kink.entries]
        return words("kink", kind=gate.kink, formula=self.formula(gate), entries=entries)


def _kinds(circuit: Circuit) -> list[str]:
    found: dict[str, None] = {}
    for gate in circuit.gates:
        if gate.pattern is None or not gate.args:
            continue
        two = len(gate.args) == 2
        match gate.pattern.op:
            case ops.MUL:
                kind = "mul" if two else "scale"
            case ops.DIV:
                above = variables(gate.pattern.args[0])
                kind = "divide" if two else "scale" if above else "reciprocal"
            case ops.POW:
                kind = "reciprocal" if gate.pattern.data == -1 else "power"
            case ops.ADD | ops.SUB if not two:
                kind = "shift"
            case _:
                kind = gate.pattern.op.flow
        found[kind] = None
    if any(len(users) > 1 for users in circuit.uses()):
        found["copy"] = None
    return list(found)


# -- layout ----------------------------------------------------------------------------------------


class _Spelled(Notation):
    """Formulas in which names are replaced by what they stand for."""

    def __init__(self, paper: Notation, boxes: Mapping[str, Box]):
        super().__init__(paper.derivation, paper.style)
        self.boxes = boxes

    def leaf(self, name: str) -> Box:
        return self.boxes.get(name) or super().leaf(name)


def _sum(parts: Sequence[Box]) -> Box:
    return row(*[x for part in parts for x in (op("plus"), part)][1:])


def _partial(of: Box, by: Box) -> Box:
    return frac(row(op("partial"), of), row(op("partial"), by))


# -- the chain rule --------------------------------------------------------------------------------


def _chains(graph: Graph) -> Iterator[Block]:
    found = chains(graph.circuit)
    if found:
        yield Heading(words("chain-from-inputs"))
        yield Paragraph((words("chain-rule"),))
    paper = Writing(graph.circuit, style=graph.style).paper
    output = paper.leaf(graph.program.output.data[0])
    for one in found:
        yield _chain(one, output, paper)


def _chain(ways: Ways, output: Box, paper: Notation) -> Block:
    def partial(factor: Factor) -> Box:
        return _partial(paper.leaf(factor.of.data[0]), paper.leaf(factor.by.data[0]))

    def product(way: tuple[Factor, ...]) -> Box:
        parts: list[Box] = []
        for k, factor in enumerate(way):
            box = paper.expr(factor.value)
            loose = is_sum(box) and (k or box.parts[0] != op("negative") or _has_sum(box))
            parts += [op("cdot"), paren(box) if loose else box]
        return row(*parts[1:])

    symbols = [
        row(*[x for factor in way for x in (op("thin"), partial(factor))][1:]) for way in ways.ways
    ]
    variable = paper.leaf(ways.variable.data[0])
    lines = [("chain-rule", _sum(symbols)), ("factors", _sum([*map(product, ways.ways)]))]
    if len(ways.ways) == len(ways.ways[0]) == 1:
        lines = [("", lines[1][1])]
    for key, expr in (("simplified", ways.result), ("put-back", ways.inputs)):
        box = paper.expr(expr)
        fits = max(map(width, broken(box, CHAIN))) <= CHAIN + 4
        if fits and latex(box) not in [latex(known) for _, known in lines]:
            lines.append((key, box))
    left: Box | None = _partial(output, variable)
    links = []
    for key, box in lines:
        links.append(Link(box, left, reason=words("step", key=key) if key else None))
        left = None
    factors = dict.fromkeys(f for way in ways.ways for f in way)
    body = (
        Paragraph((words("ways", X=variable, Y=output, count=len(ways.ways)),)),
        Chain(tuple(Link(paper.expr(f.value), partial(f)) for f in factors)),
        Paragraph((words("and-so"),)),
        Chain(tuple(links), end=True),
    )
    return Environment("remark", body, words("with-respect-to", X=variable))


def _has_sum(box: Box) -> bool:
    return any(part in (op("plus"), op("minus")) for part in box.parts)


# -- two readings of one program -------------------------------------------------------------------


def _agreement(graphs: Sequence[Graph]) -> Iterator[Block]:
    """Yield the proof that functions broken into gates have the derivatives that they have whole.

    Raises `ProofError` where a line is not proved, or where numbers of the readings differ.
    """
    found = agreement(graph.circuit for graph in graphs)
    fine, coarse = (graph.trace for graph in graphs[:2])
    if fine is not None and coarse is not None:
        same_gradients(fine, coarse)
    yield Heading(words("why-both-agree"))
    yield Paragraph((words("both-agree"),))
    d = Box("id", text="d")
    for one in found:
        paper = Writing(circuit(one.program)).paper
        function, gates = paper.expr(one.function), paper.expr(one.gates)
        spelled = _Spelled(paper, {"y": gates}).expr(one.table)
        slope = row(frac(d, row(d, Box("id", text="s"))), function)
        sides = (
            (gates, function, "in-gates"),
            (paper.expr(one.through), slope, "back-through-gates"),
            (spelled, None, "rearranged"),
            (paper.expr(one.whole), None, "in-functions"),
        )
        links = (Link(right, left, reason=words("step", key=key)) for right, left, key in sides)
        yield Chain(tuple(links), end=True)


# -- checks ----------------------------------------------------------------------------------------


def _checks(traces: list[Trace]) -> Iterator[Block]:
    checks = [trace.checks for trace in traces]
    exact, enclosed = (sum(getattr(c, word) for c in checks) for word in ("exact", "enclosed"))
    said = [words("compared-together", count=exact + enclosed)]
    if not any(one.together for one in checks):
        said = [words("compared-exactly", count=exact)] if exact else []
        said += [words("compared-in-intervals", count=enclosed)] if enclosed else []
    said.append(words("compared-by-gate"))
    digits = min((d for one in checks for d in one.digits.values()), default=0)
    smooth = not traces[0].kinks
    said.append(words("differences-agree", digits=digits) if smooth else words("no-differences"))
    said += [words("same-in-both")] if len(traces) > 1 else []
    yield Heading(words("checked"))
    yield Paragraph(tuple(said))
