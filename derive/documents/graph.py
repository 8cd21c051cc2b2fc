"""A computation graph to a document: picture, the two passes line by line, the chain rule, checks.

What enters is one graph, or two readings of one program, gate by gate and with named functions;
what leaves is Markdown or LaTeX. Numbers are printed from the trace, formulas from the theorems.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from derive.algebra.normal import Ring
from derive.calculus.reverse import sweep
from derive.calculus.simplify import simplify
from derive.circuits.backprop import Kink, Trace, conventions
from derive.circuits.circuit import Circuit, Gate, formula, primitive
from derive.circuits.slopes import same
from derive.documents.graphs import Graph
from derive.documents.page import fill
from derive.expressions.errors import FaultError
from derive.expressions.expr import OPS, Expr, elementwise, number, substitute, variables
from derive.expressions.layout import Box, frac, op, row
from derive.expressions.program import Program, Statement
from derive.expressions.shape import SCALAR
from derive.judges.chain import Chain, Factor, chains
from derive.judges.claim import Case
from derive.language.assumptions import said
from derive.notation.calculator import MORE
from derive.notation.figures import figure, printed, rounds_to
from derive.notation.latex import broken, latex, matrix, width
from derive.notation.mathematics import Notation
from derive.ops import var
from derive.pictures.diagram import Writing
from derive.readings.exact import DomainError, Reading, Rows, precision
from derive.readings.forms import Forms

#: Matrices with more rows or columns, or that are wider than a line, are given by their shape.
LARGEST = 12
#: Equations wider than this continue on a line of their own.
LINE = 66.0
#: The same where a reason stands beside the equation.
CHAIN = 46.0
#: Tables with more gates than this are left to `--json`.
MOST_GATES = 120

_DOUBLE = re.compile(
    r"\\left\(\s*(\\begin\{pmatrix\}(?:(?!\\begin\{pmatrix\}).)*?\\end\{pmatrix\})\s*\\right\)",
    re.S,
)
_ALONE = re.compile(r"\{\((-[^(){}]*)\)\}")
_LEADING = re.compile(r"\A\((-[^()]*)\)(?!\^)")
_TWICE = re.compile(r"(?:\\left)?\((\(-[^()]*\))(?:\\right)?\)")


def render_graph(
    graphs: Graph | Sequence[Graph], form: str, *, picture: str = "", fragment: bool = False
) -> str:
    """Return the document of a graph, or of two readings of a program, in a format.

    `picture` is the name of the SVG file that a Markdown document shows (several: numbered by a
    `{}`); LaTeX has its picture inside.
    """
    shown = [graphs] if isinstance(graphs, Graph) else list(graphs)
    readings = [_reading(g, form, picture.replace("{}", str(k + 1) if k else "")) for k, g in
                enumerate(shown)]  # fmt: skip
    document = {
        **_setting(shown[0]),
        "readings": readings,
        "uses": _uses(readings),
        "agreement": _agreement(shown) if len(shown) > 1 else None,
        "chains": [] if shown[0].trace else _chains(shown[0]),
        "checks": _checks(shown),
        "fragment": fragment,
    }
    return fill("graph", form, document)


# -- what is given ---------------------------------------------------------------------------------


def _setting(graph: Graph) -> dict[str, Any]:
    program, trace = graph.program, graph.trace
    writing = Writing(graph.circuit, trace.sizes if trace else None)
    paper = writing.paper
    lines = [
        rf"{latex(paper.leaf(s.name))} &= {latex(paper.expr(s.expr))}" for s in program.statements
    ]

    def told(name: str, rows: Rows) -> str:
        value, exact = _numbers(rows, graph.digits)
        return f"{latex(paper.leaf(name))} {_relation(exact)} {value}"

    given, seed, output = [], "", program.output
    if trace is not None:
        inputs = (gate for gate in graph.circuit.gates if gate.is_input)
        given = [told(gate.name, trace.values[gate.place]) for gate in inputs]
        if not output.shape.is_scalar:
            seed = told(f"d{output}", trace.gradients[graph.circuit.output.place])
    return {
        "title": lines[-1].replace("&", "")
        if len(lines) == 1
        else latex(paper.leaf(output.data[0])),
        "whole": len(lines) == 1,
        "statements": lines,
        "reordered": [latex(paper.leaf(s.name)) for s in program.statements]
        if program.reordered
        else [],
        "assumptions": said(graph.assumed, lambda name: latex(paper.leaf(name))),
        "given": _rows(given),
        "seed": seed,
        "chosen": bool(trace and trace.chosen),
        "loss": latex(paper.loss),
        "output": latex(paper.leaf(output.data[0])),
        "is_loss": program.is_loss,
        "scalars": all(gate.shape.is_scalar for gate in graph.circuit.gates),
        "numbers": trace is not None,
    }


def _rows(parts: list[str]) -> list[str]:
    """Return equations as lines of a display, as many to a line as fit."""
    lines: list[list[str]] = []
    room = 0.0
    for part in parts:
        wide = width(part) + 4
        if not lines or room + wide > LINE:
            lines.append([])
            room = 0.0
        lines[-1].append(part)
        room += wide
    return [r", \qquad ".join(line) for line in lines]


def _uses(readings: list[dict[str, Any]]) -> dict[str, bool]:
    """Return which signs of matrix formulas a document has to explain: those that it prints."""
    formulas = [x["formula"] for r in readings for x in r["forward"]]
    formulas += [part["flow"] for r in readings for x in r["backward"] for part in x["parts"]]
    printed = " ".join(formulas)
    return {
        "ones": r"\mathbf{1}" in printed,
        "odot": r"\odot" in printed,
        "mask": r" \gt " in printed,
    }


def _reading(graph: Graph, form: str, picture: str) -> dict[str, Any]:
    """Return what is told of one circuit: its picture, its passes, what its gates do."""
    circuit, trace = graph.circuit, graph.trace
    told = circuit.gates if len(circuit.gates) <= MOST_GATES else ()
    page = _Pass(graph)
    reaching = circuit.reaching()
    return {
        "granularity": circuit.granularity,
        "picture": picture,
        "tikz": graph.to_tikz() if form == "tex" else "",
        "gates": len([g for g in circuit.gates if not g.is_input]),
        "kinds": _kinds(circuit),
        "names": [page.definition(gate) for gate in told if not gate.name],
        "forward": [page.forward(gate) for gate in told if not gate.is_input],
        "backward": page.backward if told else [],
        "scalar_rows": page.rows() if told else [],
        "forks": any(len(users) > 1 for users in circuit.uses()),
        "kinks": [page.kink(kink) for kink in trace.kinks] if trace else [],
        "unused": [
            latex(page.writing.paper.leaf(g.name)) for g in circuit.gates
            if g.name and g.place not in reaching
        ],
    }  # fmt: skip


#: What a gate does to the gradient that arrives, by its operator.


def _kinds(circuit: Circuit) -> list[str]:
    found: dict[str, None] = {}
    for gate in circuit.gates:
        if gate.pattern is None or not gate.args:
            continue
        two = len(gate.args) == 2
        match gate.op:
            case "mul":
                kind = "mul" if two else "scale"
            case "div":
                above = variables(gate.pattern.args[0])
                kind = "divide" if two else "scale" if above else "reciprocal"
            case "pow":
                kind = "reciprocal" if gate.pattern.data == -1 else "power"
            case "add" | "sub" if not two:
                kind = "shift"
            case _:
                kind = gate.pattern.op.flow
        found[kind] = None
    if any(len(users) > 1 for users in circuit.uses()):
        found["copy"] = None
    return list(found)


# -- the passes ------------------------------------------------------------------------------------


class _Numbered(Notation):
    """Formulas in which every name is replaced by its value."""

    def __init__(self, derivation: Any, style: Any, values: Mapping[str, str]):
        super().__init__(derivation, style)
        self.values = values
        self.written = dict(self.sizes)  # a dimension is put in as well

    def leaf(self, name: str) -> Box:
        text = self.values[name]
        return Box("raw" if r"\begin" in text else "num", text=text)


class _Pass:
    """The lines of the two passes of one circuit."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.circuit, self.trace = graph.circuit, graph.trace
        self.writing = Writing(self.circuit, self.trace.sizes if self.trace else None)
        self.paper = self.writing.paper
        self.uses = self.circuit.uses()
        self.values: dict[str, str] = {}
        self.rows_of: dict[str, Rows] = {}
        self.rounded: set[str] = set()  # the names whose values are not printed in full
        if self.trace is not None:
            for gate in self.circuit.gates:
                label = self.writing.labels[gate.place]
                self._note(label, self.trace.values[gate.place])
                self._note(f"d{label}", self.trace.gradients[gate.place])

    def _note(self, label: str, rows: Rows) -> None:
        self.rows_of[label] = rows
        text, exact = _numbers(rows, self.graph.digits)
        self.values[label] = _bracketed(text)
        if not exact:
            self.rounded.add(label)

    def _in_full(self, expr: Expr) -> bool:
        """Whether the numbers put into a formula are printed in full."""
        return not any(leaf.data[0] in self.rounded for leaf in variables(expr))

    def name(self, gate: Gate) -> str:
        return latex(self.paper.leaf(self.writing.labels[gate.place]))

    def gradient(self, gate: Gate) -> str:
        return latex(self.paper.leaf(f"d{self.writing.labels[gate.place]}"))

    def definition(self, gate: Gate) -> dict[str, str]:
        """Return what a name stands for that the program does not have."""
        meant = formula(self.circuit, gate.place)
        return {"name": self.name(gate), "formula": latex(self.paper.expr(meant))}

    def put_in(self, gate: Gate, expr: Expr, rows: Rows) -> str:
        """Return a formula with its numbers put in, with as many digits as give the result."""
        names = [leaf.data[0] for leaf in variables(expr)]
        digits = self._enough(names, lambda known: self._read(gate, expr, known), rows)
        if digits is None:
            return ""
        values = {n: _bracketed(_numbers(self.rows_of[n], digits)[0]) for n in names}
        if any("numbers" in value for value in values.values()):  # too wide with so many digits
            return ""
        text = latex(_Numbered(self.paper.derivation, self.paper.style, values).expr(expr))
        text = _DOUBLE.sub(r"\1", text)
        text = _TWICE.sub(r"\1", text)
        return _LEADING.sub(r"\1", _ALONE.sub(r"{\1}", text))

    def _read(self, gate: Gate, expr: Expr, known: Mapping[str, Rows]) -> Rows:
        assert self.trace is not None
        reading = Reading(self.trace.sizes, known, conventions(gate))
        return [[x.value for x in line] for line in reading.matrix(expr)]

    def _enough(
        self, names: list[str], work: Callable[[Mapping[str, Rows]], Rows], rows: Rows
    ) -> int | None:
        """Return how many digits of some numbers give a result as it is printed."""
        digits = self.graph.digits
        if self.rounded.isdisjoint(names):
            return digits
        for more in range(digits, digits + MORE):
            known = {
                n: [[printed(x, more) for x in line] for line in self.rows_of[n]] for n in names
            }
            try:
                with precision():
                    found = work(known)
            except DomainError:  # with more digits a difference is no longer zero
                continue
            pairs = ((a, b) for p, q in zip(found, rows, strict=True) for a, b in zip(p, q))
            if all(rounds_to(a, b, digits) for a, b in pairs):
                return more
        return None

    def forward(self, gate: Gate) -> dict[str, Any]:
        assert gate.pattern is not None
        expr = self.writing.put_in(gate.pattern, gate)
        found: dict[str, Any] = {
            "name": self.name(gate),
            "formula": latex(self.paper.expr(expr)),
        }
        if self.trace is not None:
            rows = self.trace.values[gate.place]
            value, exact = _numbers(rows, self.graph.digits)
            put_in = self.put_in(gate, expr, rows) if self._fits(*gate.args, gate.place) else ""
            found |= {
                "put_in": "" if put_in == value else put_in, "value": value, "exact": exact,
            }  # fmt: skip
            parts = [(found["formula"], True), (found["put_in"], self._in_full(expr))]
            found["lines"] = _lines(found["name"], parts, value, exact)
        return found

    def _fits(self, *places: int) -> bool:
        """Whether the matrices at some places are small enough to be written down."""
        labels = (self.writing.labels[place] for place in places)
        return not any("numbers" in self.values[label] for label in labels)

    @cached_property
    def backward(self) -> list[dict[str, Any]]:
        """Return the gates in reverse order, each with what it hands to its operands."""
        found = []
        reaching = self.circuit.reaching()
        for gate in reversed(self.circuit.gates):
            if gate.pattern is None or gate.place not in reaching or not gate.args:
                continue
            expr = self.writing.put_in(gate.pattern, gate)
            entry: dict[str, Any] = {
                "name": self.name(gate),
                "formula": latex(self.paper.expr(expr)),
                "upstream": "",
                "parts": [self._part(gate, k) for k in range(len(gate.args))],
            }
            if self.trace is not None:
                entry["upstream"] = _numbers(self.trace.gradients[gate.place], self.graph.digits)[0]
            found.append(entry)
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the backward table: one an operand, the gate in the first."""
        return [
            {**part, "first": k == 0, "gate": f"{entry['name']} = {entry['formula']}",
             "upstream": entry["upstream"]}
            for entry in self.backward
            for k, part in enumerate(entry["parts"])
        ]  # fmt: skip

    def _part(self, gate: Gate, k: int) -> dict[str, Any]:
        """Return what a gate hands to one operand, and the operand's sum where it is complete."""
        operand = self.circuit.gates[gate.args[k]]
        users = self.uses[operand.place]
        flow = self._flow(gate, k)
        scalars = gate.shape.is_scalar and operand.shape.is_scalar
        partial = _partial(self.paper, self.writing, gate, operand)
        left = self.gradient(operand)
        if len(users) > 1:
            left = latex(
                Box("at", (self.paper.leaf(f"d{self.writing.labels[operand.place]}"),
                           self.paper.leaf(self.writing.labels[gate.place])))
            )  # fmt: skip
        found: dict[str, Any] = {
            "to": self.name(operand),
            "left": left,
            "flow": latex(self.paper.expr(flow)),
            "local": "",
            "local_value": "",
            "value": "",
            "exact": True,
            "total": "",
        }
        if scalars:
            local = self.writing.locals(gate)[k]
            found["local"] = f"{partial} = {latex(self.paper.expr(local))}"
        if self.trace is not None:
            rows = self.trace.flows[gate.place, k]
            value, exact = _numbers(rows, self.graph.digits)
            found |= {"value": value, "exact": exact}
            if scalars:
                if all(len(r) == 1 for r in rows):
                    slope = figure(self._local_value(gate, k), self.graph.digits)
                    up_name = f"d{self.writing.labels[gate.place]}"
                    found["local_value"] = slope.tex
                    found["exact"] = exact and slope.exact and up_name not in self.rounded
                    found["product"] = self._product(gate, k, rows)
            fits = self._fits(*gate.args, gate.place)
            told = flow.is_var or (
                not flow.shape.is_scalar and all(x.shape.is_scalar for x in variables(flow))
            )
            put_in = self.put_in(gate, flow, rows) if fits and not told else ""
            parts = [(found["flow"], True), (put_in, self._in_full(flow))]
            found["lines"] = _lines(left, parts, value, exact)
        if len(users) > 1 and (gate.place, k) == users[0]:
            found["total"] = self._total(operand)
        return found

    def _flow(self, gate: Gate, k: int) -> Expr:
        """Return what a gate hands to an operand; a loss has the gradient 1."""
        flow = self.writing.flows(gate)[k]
        if gate is self.circuit.output and gate.shape.is_scalar:
            one = {self.writing.gradient(gate): number(1)}
            return simplify(substitute(flow, one))[0]
        return flow

    def _product(self, gate: Gate, k: int, rows: Rows) -> str:
        """Return what arrives times the local gradient, with as many digits as give the flow."""
        self.rows_of.update({
            "arrives": self.rows_of[f"d{self.writing.labels[gate.place]}"],
            "local": [[self._local_value(gate, k)]],
        })  # fmt: skip
        names = ["arrives", "local"]
        self.rounded |= {
            n for n in names if not figure(self.rows_of[n][0][0], self.graph.digits).exact
        }
        digits = self._enough(
            names, lambda known: [[known["arrives"][0][0] * known["local"][0][0]]], rows
        )
        up, slope = (figure(self.rows_of[n][0][0], digits or 3 * self.graph.digits) for n in names)
        return rf"{up.tex} \cdot {_bracketed(slope.tex)}"

    def _local_value(self, gate: Gate, k: int) -> Any:
        """Return a local gradient as a number."""
        assert self.trace is not None
        local = self.writing.locals(gate)[k]
        operand = gate.args[k]
        values = {
            label: self.trace.values[place] for place, label in enumerate(self.writing.labels)
        }
        with precision():
            reading = Reading(self.trace.sizes, values, conventions(gate))
            slope = reading.matrix(local)[0][0].value
            up, flow = self.trace.gradients[gate.place], self.trace.flows[gate.place, k]
            if not same(up[0][0] * slope, flow[0][0]):
                name = self.writing.labels[operand]
                raise FaultError(f"the local gradient at {name} is not what was handed back")
            return slope

    def _total(self, operand: Gate) -> dict[str, Any]:
        """Return the sum of what comes back to a value that is used more than once."""
        users = self.uses[operand.place]
        label = self.writing.labels[operand.place]
        names = [
            latex(Box("at", (self.paper.leaf(f"d{label}"),
                             self.paper.leaf(self.writing.labels[user]))))
            for user, _ in reversed(users)
        ]  # fmt: skip
        found: dict[str, Any] = {
            "name": self.name(operand), "uses": len(users),
            "formula": f"{self.gradient(operand)} = {' + '.join(names)}",
        }  # fmt: skip
        if self.trace is not None:
            flows = {f"#{n}": self.trace.flows[one] for n, one in enumerate(reversed(users))}
            self.rows_of |= flows
            whole = all(_numbers(rows, self.graph.digits)[1] for rows in flows.values())
            if not whole:
                self.rounded |= flows.keys()
            rows = self.trace.gradients[operand.place]
            digits = self._enough(list(flows), _added, rows) or 3 * self.graph.digits
            parts = [_numbers(part, digits)[0] for part in flows.values()]
            parts = [parts[0], *map(_bracketed, parts[1:])]
            value, exact = _numbers(self.trace.gradients[operand.place], self.graph.digits)
            left = self.gradient(operand)
            total = " + ".join(parts)
            found["lines"] = _lines(left, [(total, whole)], value, exact)
            found["sum"] = f"{total} {_relation(exact and whole)} {value}"
        return found

    def kink(self, kink: Kink) -> dict[str, Any]:
        gate = self.circuit.gates[kink.place]
        assert gate.pattern is not None
        expr = self.writing.put_in(gate.pattern, gate)
        cells = [f"({i + 1}, {j + 1})" for i, j in kink.entries]
        return {
            "formula": latex(self.paper.expr(expr)),
            "kind": gate.kink,
            "entries": [] if gate.shape.is_scalar else cells,
        }  # fmt: skip


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _added(known: Mapping[str, Rows]) -> Rows:
    first, *others = known.values()
    for other in others:
        first = [
            [a + b for a, b in zip(p, q, strict=True)] for p, q in zip(first, other, strict=True)
        ]
    return first


def _partial(paper: Notation, writing: Writing, of: Gate, by: Gate) -> str:
    top = paper.leaf(writing.labels[of.place])
    bottom = paper.leaf(writing.labels[by.place])
    return latex(frac(row(op("partial"), top), row(op("partial"), bottom)))


def _numbers(rows: Rows, digits: int) -> tuple[str, bool]:
    """Return a value as it is printed, and whether nothing in it was rounded."""
    if len(rows) <= LARGEST and len(rows[0]) <= LARGEST:
        cells = [[figure(x, digits) for x in line] for line in rows]
        exact = all(cell.exact for line in cells for cell in line)
        if len(rows) == len(rows[0]) == 1:
            return cells[0][0].tex, exact
        text = matrix([[cell.tex for cell in line] for line in cells], "round")
        if width(text) <= LINE:
            return text, exact
    return rf"\text{{(}}{len(rows)}\times {len(rows[0])}\text{{ numbers)}}", True


def _relation(exact: bool) -> str:
    return "=" if exact else r"\approx"


def _lines(left: str, parts: list[tuple[str, bool]], value: str, exact: bool) -> list[str]:
    """Return the lines of a chain of equalities, broken where it would be too wide.

    Each part comes with whether it is printed in full: what follows a rounded one is near to it.
    """
    links = []
    for part, whole in dict(parts).items():
        if part and part != value:
            links.append((_relation(whole), part))
            exact = exact and whole
    links.append((_relation(exact), value))
    lines, current = [], left
    room = width(left)
    for k, (relation, part) in enumerate(links):
        piece = f" &{relation} {part}" if k == 0 or room + width(part) > LINE else (
            f" {relation} {part}"
        )  # fmt: skip
        if k and piece.startswith(" &"):
            lines.append(current)
            current, room = "", width(left)
        current += piece
        room += width(part) + 2
    return [*lines, current]


# -- the chain rule --------------------------------------------------------------------------------


def _chains(graph: Graph) -> list[dict[str, Any]]:
    paper = Writing(graph.circuit).paper
    output = latex(paper.leaf(graph.program.output.data[0]))
    return [_chain(chain, output, paper) for chain in chains(graph.circuit)]


def _chain(chain: Chain, output: str, paper: Notation) -> dict[str, Any]:

    def partial(factor: Factor) -> str:
        top, bottom = paper.leaf(factor.of.data[0]), paper.leaf(factor.by.data[0])
        return latex(frac(row(op("partial"), top), row(op("partial"), bottom)))

    def written(expr: Expr) -> str:
        return latex(paper.expr(expr))

    def product(way: tuple[Factor, ...]) -> str:
        parts = []
        for k, factor in enumerate(way):
            text = written(factor.value)
            loose = (text.startswith("-") and k) or " + " in text or " - " in text
            parts.append(rf"\left({text}\right)" if loose else text)
        return r" \cdot ".join(parts)

    variable = latex(paper.leaf(chain.variable.data[0]))
    symbols = [r"\,".join(partial(f) for f in way) for way in chain.ways]
    products = [product(way) for way in chain.ways]
    single = len(chain.ways) == 1 and len(chain.ways[0]) == 1
    lines = [] if single else [("chain-rule", _terms(symbols))]
    lines.append(("factors" if lines else "", _terms(products)))
    for key, expr in (("simplified", chain.result), ("put-back", chain.inputs)):
        pieces = broken(paper.expr(expr), CHAIN)
        known = ["".join(part) for _, part in lines]
        if "".join(pieces) not in known and max(map(width, pieces)) <= CHAIN + 4:
            lines.append((key, pieces))
    factors = dict.fromkeys(f for way in chain.ways for f in way)
    return {
        "left": rf"\frac{{\partial {output}}}{{\partial {variable}}}",
        "variable": variable,
        "ways": len(chain.ways),
        "factors": [f"{partial(f)} &= {written(f.value)}" for f in factors],
        "lines": [{"key": key, "pieces": pieces} for key, pieces in lines],
    }


def _terms(parts: list[str]) -> list[str]:
    """Return a sum as lines, as many terms to a line as fit."""
    lines = [parts[0]]
    for part in parts[1:]:
        if width(lines[-1]) + width(part) + 2 <= CHAIN:
            lines[-1] += f" + {part}"
        else:
            lines.append(f"{{}} + {part}")
    return lines


# -- two readings of one program -------------------------------------------------------------------


def _agreement(graphs: list[Graph]) -> dict[str, Any]:
    """Return the proof that functions broken into gates have the derivatives that they have whole.

    Raises `ProofError` where a line is not proved, or where numbers of the readings differ.
    """
    functions: dict[str, None] = {}
    for graph in graphs:
        for gate in graph.circuit.gates:
            if gate.pattern is not None and gate.op in OPS and OPS[gate.op].through is not None:
                if primitive(gate.pattern) is not gate.pattern:
                    functions[gate.op] = None
    lemmas = [_lemma(name) for name in functions]
    fine, coarse = (graph.trace for graph in graphs[:2])
    if fine is not None and coarse is not None:
        _same_numbers(fine, coarse)
    return {"lemmas": lemmas, "numbers": fine is not None}


def _same_numbers(fine: Trace, coarse: Trace) -> None:
    places = {gate.name: gate.place for gate in coarse.circuit.gates if gate.name}
    for gate in fine.circuit.gates:
        if gate.name in places:
            pairs = zip(
                fine.gradients[gate.place], coarse.gradients[places[gate.name]], strict=True
            )
            if not all(same(a, b) for p, q in pairs for a, b in zip(p, q, strict=True)):
                raise FaultError(f"the two readings disagree about the gradient of {gate.name}")


def _lemma(name: str) -> dict[str, Any]:
    """Return σ(s) in gates, its derivative through them, and the one that the table has."""
    s, value = var("s", SCALAR), var("y", SCALAR)
    whole = elementwise(name, s)
    broken = primitive(whole)
    through = sweep(broken, number(1), [s], broken)[s].value
    table = sweep(whole, number(1), [s], value)[s].value
    program = Program("", "y", (Statement("y", whole),), {"s": s, "y": value}, ("s",), (), {})
    case, ring = Case(program), Ring()
    definition = Forms(ring)
    if not ring.equal(definition.of(whole, 0, 0), definition.of(broken, 0, 0)):
        raise FaultError(f"{name} was not proved to be {broken}")
    put_back = substitute(table, {value: broken})
    for line in (through, put_back, table):
        if not case.proves("s", line):
            raise FaultError(f"the derivative of {name} was not proved to be {line}")
    paper = _lemma_paper(program)
    in_function = substitute(table, {value: whole})
    spelled = _Spelled(paper.derivation, paper.style, {"y": paper.expr(broken)})
    return {
        "function": latex(paper.expr(whole)),
        "broken": latex(paper.expr(broken)),
        "through": latex(paper.expr(through)),
        "put_back": _ALONE.sub(r"{\1}", latex(spelled.expr(table))),
        "table": latex(paper.expr(in_function)),
    }


class _Spelled(Notation):
    """Formulas in which a name is replaced by what it stands for."""

    def __init__(self, derivation: Any, style: Any, boxes: Mapping[str, Box]):
        super().__init__(derivation, style)
        self.boxes = boxes

    def leaf(self, name: str) -> Box:
        return self.boxes.get(name) or super().leaf(name)


def _lemma_paper(program: Program) -> Notation:
    from derive.circuits.circuit import circuit

    return Writing(circuit(program)).paper


# -- checks ----------------------------------------------------------------------------------------


def _checks(graphs: list[Graph]) -> dict[str, Any] | None:
    traces = [graph.trace for graph in graphs if graph.trace is not None]
    if not traces:
        return None
    checks = [trace.checks for trace in traces]
    return {
        "exact": sum(one.exact for one in checks),
        "enclosed": sum(one.enclosed for one in checks),
        "together": any(one.together for one in checks),
        "digits": min((d for one in checks for d in one.digits.values()), default=0),
        "smooth": not traces[0].kinks,
    }
