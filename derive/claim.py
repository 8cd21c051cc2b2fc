"""Somebody else's identity: proved, refuted with a counterexample, or undecided.

A claim `dX = ...` is held against the *definition* of the gradient, the chain rule over derivatives
of normal forms; our own gradient rules are not asked. Where the normal forms agree the claim is
proved for every shape. Where they do not, a counterexample is sought at the smallest sizes and small
integers, in rigorous intervals; without one the claim stays undecided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from time import perf_counter
from typing import Any

from derive.errors import DeriveError, ShapeError, UnsupportedError
from derive.explain import explain
from derive.expr import Expr, broadcast_to, nodes, number, rebuild, substitute, variables
from derive.graph import Program, Statement, nearest
from derive.index import Entries, Index, Scalar, letters
from derive.normal import Form, Ring, TooLarge, Undefined
from derive.ops import var
from derive.parse import Shapes, parse, parse_claim
from derive.proof import EVERY_SHAPE, PROVED, REFUTED, UNDECIDED, Derivation
from derive.shape import Shape
from derive.simplify import simplify


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A point at which a claim is false: sizes, values, the entry, what is expected and claimed."""

    sizes: Mapping[str, int]
    values: Mapping[str, list[list[str]]]
    entry: tuple[int, int]
    expected: str
    claimed: str

    def plain(self) -> dict[str, Any]:
        return {
            "sizes": dict(self.sizes),
            "values": dict(self.values),
            "entry": list(self.entry),
            "expected": self.expected,
            "claimed": self.claimed,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one claim.

    `verdict` is proved, refuted or undecided; `truth` is the gradient in input syntax; `reason`
    says in words why the claim is refuted or undecided, `diagnosis` what its author may have meant,
    proved itself before it is offered, and `holds` where the claim happens to be true.
    """

    claim: str
    verdict: str
    scope: str
    method: str
    truth: str
    conditions: tuple[str, ...] = ()
    counterexample: Counterexample | None = None
    reason: str = ""
    diagnosis: str = ""
    holds: str = ""
    seconds: float = 0.0

    def plain(self) -> dict[str, Any]:
        """Return the judgement as plain values, for `--json`."""
        found = {
            "claim": self.claim,
            "verdict": self.verdict,
            "scope": self.scope,
            "method": self.method,
            "truth": self.truth,
            "conditions": list(self.conditions),
            "counterexample": self.counterexample.plain() if self.counterexample else None,
            "reason": self.reason,
            "diagnosis": self.diagnosis,
            "holds": self.holds,
            "seconds": round(self.seconds, 6),
        }
        return {key: value for key, value in found.items() if value not in ("", [], None)}


def check(
    program: str, claims: str | list[str], shapes: Shapes | None = None
) -> list[Judgement]:
    """Judge claims about a program's gradients.

    >>> text = "a: (n, 1); b: (m, 1); X: (n, m); L = a.T @ X @ b"
    >>> [j.verdict for j in check(text, ["dX = a @ b.T", "dX = 2 * a @ b.T"])]
    ['proved', 'refuted']

    Raises `ParseError` or `ShapeError` where the program or a claim cannot be read.
    """
    case = Case(parse(program, shapes))
    return [case.judge(claim) for claim in ([claims] if isinstance(claims, str) else claims)]


class Case:
    """A program about whose gradients claims are made."""

    def __init__(self, program: Program):
        self.program = program
        names = [n for n in program.leaves if n in program.reaching()]
        self.names = [n for n in names if n != program.output.data[0]]
        self.derivation: Derivation = explain(program, wrt=tuple(self.names), detail="brief")
        self.gradients = {
            f"d{name}": var(f"d{name}", program.leaves[name].shape) for name in names
        }
        taken = {*program.leaves, *program.dims}
        self.entries = Entries(letters(taken).bound)
        self.ring = Ring(meaning=self._meaning)
        self.known: dict[str, Form] = {}

    # -- reading -----------------------------------------------------------------------------------

    def read(self, text: str) -> tuple[str, Expr]:
        """Return the name whose gradient a claim gives, and the formula that it gives."""
        leaves = {**self.program.leaves, **self.gradients}
        target, expr = parse_claim(text, leaves, self.program.dims)
        name = target[1:]
        if not target.startswith("d") or name not in self.program.leaves:
            raise UnsupportedError(
                f"{target} is not the gradient of a variable{nearest(target, self.gradients)}",
                hint=f"a claim gives one of {', '.join(f'd{n}' for n in self.names)}",
            )
        if name == self.program.output.data[0]:
            raise UnsupportedError(f"{target} is where the gradients start from; it is given")
        if name not in self.names:
            raise UnsupportedError(f"{self.program.output} does not depend on {name}")
        return name, expr

    # -- judging -----------------------------------------------------------------------------------

    def judge(self, text: str) -> Judgement:
        """Return the judgement of one claim."""
        start = perf_counter()
        try:
            name, expr = self.read(text)
        except ShapeError as error:
            if error.clash is None:
                raise
            found = self._ill_shaped(text, error)
            return _timed(found, start)
        return _timed(self._judged(text, name, expr), start)

    def _judged(self, text: str, name: str, expr: Expr) -> Judgement:
        truth = self.derivation.gradients[name]
        shape = self.program.leaves[name].shape
        common = {"claim": text, "truth": f"d{name} = {truth}", "conditions": self._conditions()}
        if expr.shape != shape:
            reason = f"d{name} is {shape}, the claim is {expr.shape}"
            variant = self._diagnosis(name, expr)
            return Judgement(
                verdict=REFUTED, scope=EVERY_SHAPE, method="shapes", reason=reason,
                diagnosis=variant, **common,
            )  # fmt: skip
        try:
            if self.proves(name, expr):
                return Judgement(
                    verdict=PROVED, scope=EVERY_SHAPE, method="index normal form", **common
                )
            why = "the normal forms differ, and no counterexample was found"
        except TooLarge:
            why = "the normal form is too large"
        except Undefined:
            why = "the claim divides by zero"
        found = self.refute(name, expr)
        if found is None:
            return Judgement(
                verdict=UNDECIDED, scope="", method="index normal form, intervals", reason=why,
                **common,
            )  # fmt: skip
        return Judgement(
            verdict=REFUTED,
            scope=", ".join(f"{dim} = {k}" for dim, k in found.sizes.items()) or "scalars",
            method="rigorous intervals at a point",
            counterexample=found,
            diagnosis=self._diagnosis(name, expr),
            holds=self._holds(name, expr),
            **common,
        )

    def _ill_shaped(self, text: str, error: ShapeError) -> Judgement:
        """A claim that does not fit is refuted as such, unless its own sizes were given."""
        return Judgement(
            claim=text, verdict=REFUTED, scope=EVERY_SHAPE, method="shapes",
            truth="", reason=error.message,
        )  # fmt: skip

    def _conditions(self) -> tuple[str, ...]:
        return tuple(
            _CONDITIONS[c.kind].format(*map(str, c.args))
            for group in self.derivation.conditions
            for c in group
        )

    def proves(self, name: str, expr: Expr) -> bool:
        """Whether the normal forms of a claim and of the gradient agree; intermediates are atoms
        first, and are unfolded one by one where that does not decide."""
        ring = self.ring
        claimed = ring.of(self.entries.of(expr, "@r", "@s"))
        rows, cols = self.program.leaves[name].shape.dims
        truth = self.gradient(name, "@r" if rows != 1 else 0, "@s" if cols != 1 else 0)
        if ring.equal(claimed, truth):
            return True
        for statement in reversed(self.program.statements):

            def define(leaf: str, i: Index, j: Index, own: Statement = statement) -> Form | None:
                return self._entry_form(own.expr, i, j) if leaf == own.name else None

            claimed, truth = ring.unfold(claimed, define), ring.unfold(truth, define)
            if ring.equal(claimed, truth):
                return True
        return False

    # -- the gradient by its definition ------------------------------------------------------------

    def gradient(self, name: str, a: Index, c: Index) -> Form:
        """Return the gradient's entry as a form: the chain rule, over every use of the name."""
        if name not in self.known:
            total: Form = {}
            for statement in self.program.users(name):
                if f"d{statement.name}" in self.gradients:
                    total = self.ring.add(total, self._part(statement, name))
            self.known[name] = total
        return self.ring.rename(self.known[name], {"@a": a, "@c": c})

    def _part(self, statement: Statement, name: str) -> Form:
        ring, (rows, cols) = self.ring, statement.expr.shape.dims
        i, j = ("~i" if rows != 1 else 0, "~j" if cols != 1 else 0)
        leaf = self.program.leaves[name]
        y = self._entry_form(statement.expr, i, j)
        term = ring.derivative(y, leaf.data, "@a", "@c")
        term = ring.mul(self._upstream(statement.name, i, j), term)
        for index, dim in ((j, cols), (i, rows)):
            term = ring.sum(index, dim, term) if dim != 1 else term
        return term

    def _upstream(self, name: str, i: Index, j: Index) -> Form:
        if name != self.program.output.data[0]:
            return self.gradient(name, i, j)
        return {(): 1} if self.program.is_loss else self.ring.entry(f"d{name}", i, j)

    def _entry_form(self, expr: Expr, i: Index, j: Index) -> Form:
        return self.ring.of(self.entries.of(expr, i, j))

    def _meaning(self, term: Scalar, names: Mapping[Index, Index]) -> Form | None:
        name, i, j = term.data
        if name not in self.gradients:
            return None
        return self._upstream(name[1:], names.get(i, i), names.get(j, j))

    # -- refuting ----------------------------------------------------------------------------------

    def refute(self, name: str, expr: Expr) -> Counterexample | None:
        """Return a counterexample of small sizes and small integers, or `None`."""
        for sizes in self._sizes():
            for seed in range(4):
                found = self._differs(name, expr, sizes, seed)
                if found is not None:
                    return found
        return None

    def _sizes(self) -> Iterator[dict[str, int]]:
        dims = self.program.dims
        options = sorted(product((1, 2, 3), repeat=len(dims)), key=lambda s: (sum(s), s))
        for sizes in options[:81]:
            yield dict(zip(dims, sizes, strict=True))

    def _values(self, sizes: Mapping[str, int], seed: int) -> dict[str, list[list[Fraction]]]:
        """Return small integers for every input and for the upstream gradient."""
        program = self.program
        shapes = {leaf: program.leaves[leaf].shape for leaf in program.inputs}
        if not program.is_loss:
            shapes[f"d{program.output}"] = program.output.shape
        positive = seed % 2 == 1
        state = 12345 + seed
        values: dict[str, list[list[Fraction]]] = {}
        for leaf, shape in shapes.items():
            rows, cols = (int(k) for k in shape.at(sizes).dims)
            table = []
            for _ in range(rows):
                line = []
                for _ in range(cols):
                    state = (1103515245 * state + 12345) % 2**31
                    k = 1 + (state >> 16) % 3
                    line.append(Fraction(k if positive or (state >> 20) % 2 else -k))
                table.append(line)
            values[leaf] = table
        return values

    def _differs(
        self, name: str, expr: Expr, sizes: Mapping[str, int], seed: int
    ) -> Counterexample | None:
        from derive.numbers import at_point, decided_difference

        values = self._values(sizes, seed)
        formulas = {f"d{n}": v for n, v in self.derivation.gradients.items()}
        claim = self.program.composed(_put_in(expr, formulas))
        truth = self.program.composed(self.derivation.gradients[name])
        if self.program.is_loss:
            own = {self.gradients[f"d{self.program.output}"]: number(1)}
            claim, truth = substitute(claim, own), substitute(truth, own)
        found = decided_difference(truth, claim, sizes, values)
        if found is None:
            return None
        (i, j), expected, claimed = found
        return Counterexample(
            sizes=dict(sizes),
            values={n: [[str(x) for x in line] for line in rows] for n, rows in values.items()},
            entry=(i + 1, j + 1),
            expected=at_point(expected),
            claimed=at_point(claimed),
        )

    def agrees(self, name: str, expr: Expr, sizes: Mapping[str, int]) -> bool:
        """Whether no difference shows at these sizes, at any of a few points."""
        return all(self._differs(name, expr, sizes, seed) is None for seed in range(6))

    def _holds(self, name: str, expr: Expr) -> str:
        """Return sizes at which a false claim happens to be true: why its author believed it."""
        dims = self.program.dims
        if not dims:
            return ""
        trials = [(f"{dim} = 1", {d: 1 if d == dim else k + 2 for k, d in enumerate(dims)})
                  for dim in dims]  # fmt: skip
        trials.append(("every dimension is 1", dict.fromkeys(dims, 1)))
        for text, sizes in trials:
            if self.agrees(name, expr, sizes):
                return f"where {text}"
        return ""

    # -- what was meant ----------------------------------------------------------------------------

    def _diagnosis(self, name: str, expr: Expr) -> str:
        """Return the nearest true variant of a false claim, in words; it is proved first."""
        shape = self.program.leaves[name].shape
        small = {dim: 2 + k % 2 for k, dim in enumerate(self.program.dims)}
        for words, variant in _variants(expr, shape, self.program, self.gradients):
            if variant.shape != shape or not self.agrees(name, variant, small):
                continue
            try:
                if self.proves(name, variant):
                    return f"true is d{name} = {simplify(variant)[0]}; yours {words}"
            except (TooLarge, Undefined):
                continue
        return ""


_CONDITIONS = {
    "nonzero": "every entry of {0} is different from 0",
    "positive": "every entry of {0} is positive",
    "cosine-nonzero": "the cosine of every entry of {0} is different from 0",
    "distinct": "{0} and {1} differ in every entry",
    "nonzero-matrix": "{0} is not the zero matrix",
    "invertible": "{0} is invertible",
    "positive-determinant": "the determinant of {0} is positive",
}


def _timed(judgement: Judgement, start: float) -> Judgement:
    from dataclasses import replace

    return replace(judgement, seconds=perf_counter() - start)


def _put_in(expr: Expr, formulas: Mapping[str, Expr]) -> Expr:
    known = {leaf: formulas[leaf.data[0]] for leaf in variables(expr) if leaf.data[0] in formulas}
    return substitute(expr, known)


def _variants(
    expr: Expr, shape: Shape, program: Program, gradients: Mapping[str, Expr]
) -> Iterator[tuple[str, Expr]]:
    """Yield what the author may have meant, each with the words for what the claim does instead."""
    if expr.shape == shape.T and shape != shape.T:
        yield "is its transpose", expr.T
    if expr.shape == shape:
        yield "has the wrong sign", -expr
        yield "lacks a factor of 2", 2 * expr
        yield "has a factor of 2 too many", expr / 2
        for dim in program.dims:
            from derive.expr import OPS

            extent = OPS["dim"](data=dim)
            yield f"lacks the division by {dim}", expr / extent
            yield f"divides by {dim} once too often", expr * extent
        if shape.rows == shape.cols:
            yield "is its transpose", expr.T
    yield from _local_variants(expr)
    yield from _reductions(expr, shape)


def _local_variants(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield variants that change one node: a transpose more or less, an order, a product."""
    for node in nodes(expr):
        for words, new in _changed(node):
            try:
                yield words, substitute(expr, {node: new})
            except (DeriveError, ValueError):
                continue
    yield from _double_changes(expr)


def _changed(node: Expr) -> Iterator[tuple[str, Expr]]:
    def built(make) -> Iterator[Expr]:
        try:
            yield make()
        except (DeriveError, ValueError):
            return

    if node.name == "transpose":
        yield "has a transpose too many", node.args[0]
    elif node.is_var and not node.shape.is_scalar:
        yield f"lacks the transpose of {node}", node.T
    if node.name == "matmul":
        a, b = node.args
        for new in built(lambda: b @ a):
            yield "has the factors in the wrong order", new
        for new in built(lambda: a * b):
            yield "has a matrix product for an entrywise one", new
    if node.name == "mul":
        a, b = (arg.args[0] if arg.name == "broadcast_to" else arg for arg in node.args)
        for new in built(lambda: a @ b):
            yield "has an entrywise product for a matrix product", new
    if node.name in ("sub", "add"):
        other = "add" if node.name == "sub" else "sub"
        from derive.expr import OPS

        yield "has a wrong sign inside", OPS[other](*node.args)
        yield "has a wrong sign inside", -node
    swapped = {"sum_rows": "mean_rows", "sum_cols": "mean_cols", "sum": "mean",
               "mean_rows": "sum_rows", "mean_cols": "sum_cols", "mean": "sum"}  # fmt: skip
    if node.name in swapped:
        from derive.expr import OPS

        other = swapped[node.name]
        words = "has a sum for a mean" if "sum" in node.name else "has a mean for a sum"
        yield words, OPS[other](node.args[0])


def _double_changes(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield both factors of a product transposed, and exchanged with transposes."""
    for node in nodes(expr):
        if node.name != "matmul":
            continue
        a, b = node.args
        for words, pair in (
            ("has the factors in the wrong order and lacks transposes", (b.T, a.T)),
            ("has the transpose on the wrong factor", (_flipped(a), _flipped(b))),
            ("has the factors in the wrong order", (_flipped(b), a)),
            ("has the factors in the wrong order", (b, _flipped(a))),
        ):
            try:
                yield words, substitute(expr, {node: pair[0] @ pair[1]})
            except (DeriveError, ValueError):
                continue


def _flipped(a: Expr) -> Expr:
    return a.args[0] if a.name == "transpose" else a.T


def _reductions(expr: Expr, shape: Shape) -> Iterator[tuple[str, Expr]]:
    """Yield the sum over an axis that the claim forgot."""
    from derive.expr import OPS

    if shape.rows == 1 and expr.shape.rows != 1:
        yield "lacks the sum over the rows", OPS["sum_rows"](expr)
    if shape.cols == 1 and expr.shape.cols != 1:
        yield "lacks the sum over the columns", OPS["sum_cols"](expr)
    if shape.is_scalar and not expr.shape.is_scalar:
        yield "lacks the sum over all entries", OPS["sum"](expr)


__all__ = ["Case", "Counterexample", "Judgement", "broadcast_to", "check", "rebuild"]
