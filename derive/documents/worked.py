"""A worked example: a program at one point, every number of it checked, ready to be written down.

`example` composes the hops: text to program, numbers given or chosen, the two passes with their
checks, the formulas of the gradients. A formula that does not come to the numbers of the trace at
this point is kept out, as at a tie, where a convention takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flint import arb

from derive.catalogue import opened
from derive.circuits.backprop import Trace, backprop
from derive.circuits.circuit import circuit
from derive.circuits.pleasant import pleasant
from derive.circuits.values import point, read_values
from derive.documents.files import told
from derive.documents.graphs import Graph, Value
from derive.documents.page import Document
from derive.expressions.errors import FaultError
from derive.expressions.expr import Expr, variables
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.program import Program
from derive.language.assumptions import Assumptions, assumed
from derive.language.parse import Shapes
from derive.notation.mathematics import Style
from derive.proof.derivation import Derivation
from derive.proof.explain import explain
from derive.readings.exact import DomainError, Reading, Rows, is_exact, precision, raw


@dataclass(frozen=True, slots=True)
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
        parts = [self.program.name, sizes, "example"]
        if self.seed not in (None, 1):
            parts.append(str(self.seed))
        return "-".join(part for part in parts if part)

    @property
    def question(self) -> dict[str, Any]:
        given = [(name, str(self.rows(name))) for name in self.program.inputs]
        given.append(("output", str(self.rows(f"d{self.program.output}"))))
        return self.derivation.question | {
            "seed": self.seed, "decimals": self.decimals, "given": given,
            "style": told(self.style),
        }  # fmt: skip

    def rows(self, name: str) -> Rows:
        """Return the numbers of a name of the program, or of its gradient: `X`, `dX`."""
        table = self.trace.values
        if name not in self.program.leaves:
            name, table = name[1:], self.trace.gradients
        place = next(g.place for g in self.trace.circuit.gates if g.name == name)
        return table[place]

    def matrix(self, expr: Expr) -> Rows:
        """Return the numbers of an expression in the names of the program and of its gradients."""
        return evaluated(expr, self.sizes, self.rows)

    def render(self, form: str, **options: Any) -> str:
        """Return the document in a format, `md` or `tex`."""
        from derive.documents.example import render

        return render(self, form, **options)

    def plain(self) -> dict[str, Any]:
        """Return the example as plain values, for `--json`."""
        checks, graph = self.trace.checks, self.graph.plain()
        return {
            "program": self.program.lines(),
            "sizes": dict(self.sizes),
            "seed": self.seed,
            "assumed": {name: sorted(words) for name, words in self.derivation.assumed.items()},
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
                    "entries": [[i + 1, j + 1] for i, j in kink.entries],
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
    program: str | Program,
    shapes: Shapes | None = None,
    *,
    at: Mapping[str, int] | None = None,
    seed: int = 1,
    values: Mapping[str, Any] | str | Path | None = None,
    wrt: Sequence[str] | None = None,
    assume: Assumptions | None = None,
    style: Style | None = None,
    name: str = "",
    timeout: float | None = TIMEOUT,
) -> Example:
    """Return a worked example of a program: numbers, both passes, every gradient as a formula.

    >>> found = example("X: (n, d); w: (d, 1); y = X @ w", at={"n": 2, "d": 2}, seed=3)
    >>> found.formulas["w"], len(found.gradients["w"])
    (<X.T @ dy : d×1>, 2)

    Numbers are chosen by `seed`, under the assumptions of `assume`, unless `values` gives them (for
    every input, and for `dY` if wanted). `at` gives sizes, `wrt` the variables. Raises
    `ParseError`, `ShapeError`, `UnsupportedError` for bad input, `DomainError` where a value does
    not exist and `LimitError` after `timeout` seconds; nothing that was not checked is returned.
    """
    with limited(timeout):
        if isinstance(values, str | Path):
            values = read_values(values)
        named = (*(values or ()), *(wrt or ()), *(assume or ()))
        read, entry = opened(program, shapes, name, named)
        if values is None:
            at = {**entry.at, **(at or {})}
        usual = entry.assume if values is None else {}
        return _worked(read, at, seed, values, wrt, assume or {}, usual, style)


def _worked(
    read: Program,
    at: Mapping[str, int] | None,
    seed: int,
    values: Mapping[str, Any] | None,
    wrt: Sequence[str] | None,
    assume: Assumptions,
    usual: Assumptions,
    style: Style | None,
) -> Example:
    """Return a worked example; `usual` is what numbers obey that are chosen, beside `assume`."""
    wanted = tuple(wrt) if wrt is not None else None
    read.wanted(wanted)
    words = assumed(read, {**usual, **assume})
    given: Mapping[str, Any] = {}
    if values is not None:
        given = values
        point(read, given, at)  # says what is missing
    where = pleasant(read, at, seed, given, words)
    trace = backprop(circuit(read), where.sizes, where.values, where.seed)
    derivation = explain(
        read, at=where.sizes, wrt=wanted, detail="brief", assume=assumed(read, assume)
    )
    found = Example(
        derivation, trace, {}, style or Style(elide=6), None if values is not None else seed,
        _has_decimals(given),
    )  # fmt: skip
    return replace(found, formulas=_holding(found))


def evaluated(expr: Expr, sizes: Mapping[str, int], rows: Any) -> Rows:
    """Return the numbers of an expression; `rows(name)` gives those of its variables."""
    values = {leaf.data[0]: rows(leaf.data[0]) for leaf in variables(expr)}
    with precision():
        return raw(Reading(sizes, values).matrix(expr))


def _has_decimals(given: Any) -> bool:
    """Whether a number was written with a point."""
    if isinstance(given, Mapping):
        return any(_has_decimals(value) for value in given.values())
    if isinstance(given, list | tuple):
        return any(_has_decimals(value) for value in given)
    if hasattr(given, "tolist"):
        return _has_decimals(given.tolist())
    return isinstance(given, str | float) and "." in str(given).removesuffix(".0")


def _holding(found: Example) -> dict[str, Expr]:
    """Return the formulas that come to the numbers of the trace.

    One that does not may be met at a kink alone; elsewhere it is a mistake of this program.
    """
    holding = {}
    for name, formula in found.derivation.backward.items():
        try:
            ours = found.matrix(formula)
        except DomainError:
            continue
        pairs = (
            (a, b)
            for row, other in zip(ours, found.rows(f"d{name}"), strict=True)
            for a, b in zip(row, other, strict=True)
        )
        if all(_same(a, b) for a, b in pairs):
            holding[name] = formula
        elif not found.trace.kinks:
            raise FaultError(
                f"the formula {formula} does not come to the gradient of {name} at this point; "
                "this is a mistake of the program, and nothing is shown"
            )
    return holding


def _same(a: Any, b: Any) -> bool:
    if is_exact(a) and is_exact(b):
        return bool(a == b)
    difference = arb(a) - arb(b)
    return bool(difference.contains(0) and difference.rad() < arb(10) ** -30)
