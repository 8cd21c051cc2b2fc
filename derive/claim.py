"""Somebody else's identity: proved, refuted with a counterexample, or undecided.

A claim `dX = ...` is held against the *definition* of the gradient, the chain rule over derivatives
of normal forms; our own gradient rules are not asked. Where the normal forms agree the claim is
proved for every shape. Where they do not, a counterexample is sought at the smallest sizes and small
integers, in rigorous intervals; without one the claim stays undecided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


ASSUMPTIONS = (
    "symmetric", "spd", "invertible", "positive", "unit-interval", "row-stochastic",
    "one-hot-rows", "binary", "sign",
)  # fmt: skip
Assumptions = Mapping[str, str | Sequence[str]]


def check(
    program: str | Program,
    claims: str | Sequence[str],
    shapes: Shapes | None = None,
    *,
    assume: Assumptions | None = None,
) -> list[Judgement]:
    """Judge claims about a program's gradients.

    >>> text = "a: (n, 1); b: (m, 1); X: (n, m); L = a.T @ X @ b"
    >>> [j.verdict for j in check(text, ["dX = a @ b.T", "dX = 2 * a @ b.T"])]
    ['proved', 'refuted']

    Raises `ParseError` or `ShapeError` where the program or a claim cannot be read.
    """
    read = program if isinstance(program, Program) else parse(program, shapes)
    case = Case(read, assume)
    return [case.judge(claim) for claim in ([claims] if isinstance(claims, str) else claims)]


class Case:
    """A program about whose gradients claims are made, and what is assumed of its inputs.

    Assumptions restrict the points at which a claim is judged, never the differentiation.
    """

    def __init__(self, program: Program, assume: Assumptions | None = None):
        self.program = program
        self.assumptions = assume
        self.assumed = _assumptions(program, assume or {})
        self.equalities: list[str] = []
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
        """Judge a claim that does not fit for every shape where it does: at equal dimensions."""
        merged, claim = self, text
        for _ in self.program.dims:
            merged = merged._with_equal(error)
            if merged is None:
                break
            try:
                name, expr = merged.read(claim)
            except ShapeError as again:
                error = again
                continue
            found = merged._judged(text, name, expr)
            equal = " and ".join(merged.equalities)
            if found.verdict == PROVED:
                own = all(self._same_size(pair) for pair in merged.equalities)
                return replace(
                    found, scope=f"where {equal}", verdict=PROVED if own else REFUTED,
                    reason="" if own else error.message, holds="" if own else f"where {equal}",
                )  # fmt: skip
            return replace(found, reason=f"{error.message}; it fits where {equal}, and is false there")
        return Judgement(
            claim=text, verdict=REFUTED, scope=EVERY_SHAPE, method="shapes",
            truth="", reason=error.message,
        )  # fmt: skip

    def _same_size(self, equality: str) -> bool:
        """Whether the user gave two dimensions as the same number."""
        first, second = (self.program.sizes.get(dim) for dim in equality.split(" = "))
        return first is not None and first == second

    def _with_equal(self, error: ShapeError) -> Case | None:
        """Return the case in which two dimensions that clashed are one."""
        if error.clash is None or not all(isinstance(dim, str) for dim in error.clash):
            return None
        kept, gone = error.clash
        case = Case(self.program.with_dim(gone, kept), self.assumptions)
        case.equalities = [*self.equalities, f"{kept} = {gone}"]
        return case

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
        ring.assume({})
        claimed = self._entry_form(self.exposed(expr), "@r", "@s")
        rows, cols = self.program.leaves[name].shape.dims
        truth = self.gradient(name, "@r" if rows != 1 else 0, "@s" if cols != 1 else 0)
        if ring.equal(claimed, truth):
            return True
        if self.assumed:
            ring.assume(self.assumed)
            claimed, truth = (ring.unfold(form, ring.entry) for form in (claimed, truth))
            if ring.equal(claimed, truth):
                return True
        for statement in reversed(self.program.statements):

            def define(leaf: str, i: Index, j: Index, own: Statement = statement) -> Form | None:
                return self._entry_form(own.expr, i, j) if leaf == own.name else None

            claimed, truth = ring.unfold(claimed, define), ring.unfold(truth, define)
            if ring.equal(claimed, truth):
                return True
        return False

    def exposed(self, expr: Expr) -> Expr:
        """Return an expression in which a kink sees what its argument is made of.

        An intermediate such as H = relu(Z) is 0 on a whole region: in a mask or a sign it must not
        stand as an atom that is taken to differ from 0.
        """
        done: dict[Expr, Expr] = {}
        for node in nodes(expr):
            args = tuple(done[arg] for arg in node.args)
            if _has_kink(node):
                args = tuple(self._ungated(arg) for arg in args)
            done[node] = rebuild(node, args)
        return done[expr]

    def _ungated(self, expr: Expr) -> Expr:
        """Return an expression without the intermediates that may vanish on a region."""
        for statement in reversed(self.program.statements):
            if any(_has_kink(node) for node in nodes(statement.expr)):
                expr = substitute(expr, {self.program.leaves[statement.name]: statement.expr})
        return expr

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
            values[leaf] = _obeying(table, self.assumed.get(leaf, frozenset()))
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
        """Return where a false claim happens to be true: why its author believed it."""
        for leaf in self.program.inputs:
            shape = self.program.leaves[leaf].shape
            if shape.rows == shape.cols != 1 and "symmetric" not in self.assumed.get(leaf, ()):
                if self._proves_with(name, expr, leaf, "symmetric"):
                    return f"where {leaf} is symmetric"
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

    def _proves_with(self, name: str, expr: Expr, leaf: str, word: str) -> bool:
        """Whether a claim is proved under one more assumption."""
        before = self.assumed
        self.assumed = {**before, leaf: before.get(leaf, frozenset()) | {word}}
        try:
            return self.proves(name, expr)
        except (TooLarge, Undefined):
            return False
        finally:
            self.assumed = before

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


def _has_kink(node: Expr) -> bool:
    return any(c.kind in ("nonzero", "distinct") for c in node.op.where(node.data, *node.args)) and (
        node.op.through is not None or node.name == "sign"
    )


def _assumptions(program: Program, assume: Assumptions) -> dict[str, frozenset[str]]:
    found = {}
    for name, words in assume.items():
        if name not in program.inputs:
            raise UnsupportedError(f"there is no input {name}{nearest(name, program.inputs)}")
        known = frozenset([words] if isinstance(words, str) else words)
        for word in known:
            if word not in ASSUMPTIONS:
                raise UnsupportedError(
                    f"there is no assumption {word}{nearest(word, ASSUMPTIONS)}",
                    hint=f"there are {', '.join(ASSUMPTIONS)}",
                )
        shape = program.leaves[name].shape
        if known & {"symmetric", "spd", "invertible"} and shape.rows != shape.cols:
            raise ShapeError(f"{name} is {shape}, and only a square matrix is {min(known)}")
        found[name] = known
    return found


def _obeying(table: list[list[Fraction]], words: frozenset[str]) -> list[list[Fraction]]:
    """Return a table of small integers changed as little as its assumptions ask for."""
    rows, cols = range(len(table)), range(len(table[0]))
    if {"positive", "unit-interval", "row-stochastic"} & words:
        table = [[abs(x) for x in row] for row in table]
    if "unit-interval" in words:
        table = [[x / 4 for x in row] for row in table]
    if "row-stochastic" in words:
        table = [[x / sum(row) for x in row] for row in table]
    if "sign" in words:
        table = [[Fraction(1 if x > 0 else -1) for x in row] for row in table]
    if "binary" in words:
        table = [[Fraction(int(x > 0)) for x in row] for row in table]
    if "one-hot-rows" in words:
        hot = [int(abs(sum(row))) % len(row) for row in table]
        table = [[Fraction(int(j == hot[i])) for j in cols] for i in rows]
    if {"symmetric", "spd"} & words:
        table = [[table[min(i, j)][max(i, j)] for j in cols] for i in rows]
    if "spd" in words:  # diagonally dominant
        table = [[abs(x) + 3 * len(table) if i == j else x for j, x in enumerate(row)]
                 for i, row in enumerate(table)]  # fmt: skip
    return table


def _timed(judgement: Judgement, start: float) -> Judgement:
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
