"""Somebody else's identity: proved, refuted with a counterexample, or undecided.

A claim `dX = ...` is held against the *definition* of the gradient, the chain rule over derivatives
of normal forms; our own gradient rules are not asked. Where the normal forms agree the claim is
proved for every shape. Where they do not, a counterexample is sought at the smallest sizes and
small integers, in rigorous intervals; without one the claim stays undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial
from itertools import cycle, islice
from math import prod
from time import perf_counter
from typing import TYPE_CHECKING, Any

from derive.algebra.forms import MOST_STEPS, PART, Budget, Form, TooLarge, Undefined
from derive.algebra.normal import Ring
from derive.calculus.index import Index, along, renaming
from derive.calculus.reverse import sweep
from derive.calculus.simplify import simplify
from derive.catalogue import opened
from derive.circuits.points import (
    MOST_SIZES,
    NOISE,
    PLEASANT,
    Screen,
    Trial,
    apart,
    beyond,
    close,
    is_rounded,
    small_sizes,
    told_apart,
    values_at,
)
from derive.expressions.errors import DeriveError, ParseError, ShapeError, UnsupportedError
from derive.expressions.expr import (
    Condition,
    Expr,
    nodes,
    number,
    rebuild,
    substitute,
    variables,
    written,
)
from derive.expressions.limits import JUDGED, TIMEOUT, TimeUp, limited, stage, within
from derive.expressions.program import Program, Statement, nearest, with_dim
from derive.expressions.shape import first_clash, same_number
from derive.judges.congruence import Congruence
from derive.judges.forwards import assumed_entry
from derive.judges.variants import repairs, slips
from derive.language.assumptions import (
    TABLE,
    Assumptions,
    Matrix,
    assumed,
    broken,
    implied,
    obeying,
    unmet,
)
from derive.language.parse import Shapes, parse_claim
from derive.ops import var
from derive.ops.elementwise import SHARED, marks_winner
from derive.proof.derivation import EVERY_SHAPE, GIVEN_SIZES, PROVED, REFUTED, UNDECIDED, Derivation
from derive.proof.explain import LONGEST, explain
from derive.proof.hypotheses import (
    Ground,
    Relation,
    asked,
    bare,
    chosen,
    conditions,
    in_words,
    obeyed,
    points,
    sizes_asked,
    suppose,
)
from derive.proof.parts import folded, taken_apart
from derive.readings.entries import Explicit, Matrix as Entries
from derive.readings.forms import Forms

if TYPE_CHECKING:
    from derive.judges.modular import Outcome

#: So many variants of a false claim are looked at, and so many are tried to be proved.
MOST_VARIANTS, MOST_TRIALS = 1000, 4
#: Matrices with more entries than this are not drawn at the sizes that a user gave as numbers.
MOST_DRAWN = 10_000
#: Where a program without dimensions is judged.
SCALARS = "scalars"
#: A gradient with more entries than this is not written out.
MOST_ENTRIES = 100
#: By what a claim is proved: forms of all of it, or of the parts of deep formulas one by one.
AT_ONCE, PART_BY_PART = "index normal form", "index normal form, part by part"
#: What an entry of a name stands for, `None` for another name's.
Define = Callable[[str, Index, Index], Form | None]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A point at which a claim is false: sizes, values, the entry, what is expected and claimed.

    A number is a fraction where it is exact, or else rounded, with a point or an exponent in it.
    """

    sizes: Mapping[str, int]
    values: Mapping[str, list[list[str]]]
    entry: tuple[int, int]
    expected: str
    claimed: str
    name: str = "the entry"

    @property
    def is_exact(self) -> bool:
        return not is_rounded(self.expected) and not is_rounded(self.claimed)

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

    `verdict` is proved, refuted or undecided; `truth` is the gradient in input syntax, the claim's
    own formula where that is proved; `reason` says in words why the claim is refuted or undecided,
    `diagnosis` what its author may have meant, proved itself before it is offered, and `holds`
    where the claim is true all the same. `assumed` is what was assumed of the inputs, `meanings`
    holds the names that a claim states again without meaning what the program means by them.
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
    assumed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether the claim is proved: what is refuted or undecided is false in a condition."""
        return self.verdict == PROVED

    def plain(self) -> dict[str, Any]:
        """Return the judgement as plain values, for `--json`."""
        found = {
            "claim": self.claim,
            "verdict": self.verdict,
            "scope": self.scope,
            "method": self.method,
            "assumed": {name: list(words) for name, words in self.assumed.items()},
            "truth": self.truth,
            "conditions": list(self.conditions),
            "counterexample": self.counterexample.plain() if self.counterexample else None,
            "reason": self.reason,
            "diagnosis": self.diagnosis,
            "holds": self.holds,
            "meanings": dict(self.meanings),
            "seconds": round(self.seconds, 6),
        }
        return {key: value for key, value in found.items() if value not in ("", [], {}, None)}


#: What is usually assumed of an input and not said, the weakest first.
USUAL = ("symmetric", "row-stochastic", "positive", "binary", "sign", "one-hot-rows")
#: How many points are tried at each choice of sizes, and how many where there is one choice.
SEEDS, MOST_SEEDS = 8, 64
#: Functions that have no value anywhere where their argument is a constant of the wrong kind.
NOWHERE = {
    "div": "{} is 0", "inv": "{} is 0", "sqrt": "{} is negative", "log": "{} is negative",
    "logdet": "{} is negative",
}  # fmt: skip


def check(
    program: str | Program,
    claims: str | Sequence[str],
    shapes: Shapes | None = None,
    *,
    assume: Assumptions | None = None,
    timeout: float | None = TIMEOUT,
) -> list[Judgement]:
    """Judge claims about a program's gradients.

    >>> text = "a: (n, 1); b: (m, 1); X: (n, m); L = a.T @ X @ b"
    >>> [j.verdict for j in check(text, ["dX = a @ b.T", "dX = 2 * a @ b.T"])]
    ['proved', 'refuted']

    A judgement is true in a condition where its claim is proved, and only there. `program` is a
    text or a name of the catalogue, `timeout` the seconds that each claim may take before it is
    undecided. Raises `ParseError` or `ShapeError` where the program or a claim cannot be read.
    """
    texts = [claims] if isinstance(claims, str) else claims
    with limited(timeout):
        court = Court(program, shapes, assume)
        for text in texts:
            court.read(text)
    return [court.judgement(text, timeout) for text in texts]


class Court:
    """A program about which claims are judged, under assumptions and a time limit."""

    def __init__(
        self,
        program: str | Program,
        shapes: Mapping[str, Any] | None = None,
        assume: Mapping[str, str | Sequence[str]] | None = None,
        *,
        name: str = "",
    ):
        self.program, entry = opened(program, dict(shapes or {}), name, assume or ())
        self.at = dict(entry.at)
        given = (assume or {}).items()
        self.assume = {n: (w,) if isinstance(w, str) else tuple(w) for n, w in given}
        self.case = self._case()

    def _case(self) -> Case:
        return Case(self.program, self.assume)

    def read(self, claim: str) -> None:
        """Raise the error of a claim that cannot be read; one that does not fit can be."""
        try:
            self.case.read(claim)
        except ShapeError as error:
            if error.clash is None:
                raise

    def judge(self, claim: str, timeout: float | None = None) -> tuple[str, Judgement | None, str]:
        """Return the verdict, the judgement where there is one, and a message where there is not.

        What fails after a claim has been read is no fault of the claim: it is undecided, or stays
        refuted where only the reasons were still sought.
        """
        case = self.case
        try:
            with within(timeout):
                judgement = replace(case.judge(claim), assumed=self.assume)
            return judgement.verdict, judgement, ""
        except TimeUp as error:
            self.case = self._case()  # the one that was interrupted may be in pieces
            message = f"stopped after {timeout:g} seconds, {stage(error, JUDGED)}"
        except DeriveError as error:
            message = str(error)
        except RecursionError:
            message = "the formulas are nested too deeply for the judges"
        except MemoryError:
            message = "the judges ran out of memory"
        standing = case.standing.get(claim)
        if standing is not None:
            standing = replace(standing, assumed=self.assume)
        return standing.verdict if standing is not None else UNDECIDED, standing, message

    def judgement(self, claim: str, timeout: float | None = None) -> Judgement:
        """Return the judgement of a claim, an undecided one where there is no other."""
        verdict, found, message = self.judge(claim, timeout)
        return Judgement(claim, verdict, "", "", "", reason=message) if found is None else found


class Case:
    """A program about whose gradients claims are made, and what is assumed of its inputs.

    Assumptions restrict the points at which a claim is judged, never the differentiation.
    """

    def __init__(self, program: Program, assume: Assumptions | None = None):
        self.program = program
        self.assumptions = assume
        self.assumed = assumed(program, assume or {})
        self.equalities: list[str] = []
        names = [n for n in program.leaves if n in program.reaching()]
        self.names = [n for n in names if n != program.output.data[0]]
        self.truths: dict[str, Expr] = {}
        self.locals: dict[str, Expr] = {}
        self.gradients = {f"d{name}": var(f"d{name}", program.leaves[name].shape) for name in names}
        self.ring = Ring()
        self.reading = Forms(self.ring, self._meaning)
        self.known: dict[str, Form] = {}
        self.trials: dict[tuple, Trial | None] = {}
        #: Dimensions that another one stands for, since the two are taken to be equal, and the case
        #: in which they are not: what is true is said in its names.
        self.merged: dict[str, str] = {}
        self.apart = self
        #: Of the claim that was read last: formulas that it states again and that are what their
        #: names mean, and the names that mean something else inside it.
        self.restated: tuple[Expr, ...] = ()
        self.meanings: dict[str, str] = {}
        self.known_meanings: dict[tuple[str, Expr], bool] = {}
        self.grounds: dict[tuple[str, tuple[Expr, ...]], Ground] = {}
        suppose(self.ring, asked(program))
        #: What is refuted already while the reasons are still looked for.
        self.standing: dict[str, Judgement] = {}
        #: By which road the claim was proved that was judged last.
        self.road = AT_ONCE
        for statement in program.statements:
            self._insist_on_values(statement.expr)

    @cached_property
    def derivation(self) -> Derivation:
        """The derivation of every gradient, for documents."""
        return explain(self.program, wrt=tuple(self.names), detail="brief")

    # -- reading -----------------------------------------------------------------------------------

    def read(self, text: str) -> tuple[str, Expr]:
        """Return the name whose gradient a claim gives, and the formula that it gives."""
        leaves = {**self.program.leaves, **self.gradients}
        dims = {**dict(zip(self.program.dims, self.program.dims, strict=True)), **self.merged}
        self.restated, self.meanings = (), {}
        target, expr = parse_claim(text, leaves, dims, self._restated)
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
        if self.gradients[target] in nodes(expr):
            raise UnsupportedError(f"the claim gives {target} in terms of {target} itself")
        self._insist_on_values(expr)
        return name, expr

    def _restated(self, name: str, expr: Expr) -> Expr | None:
        """Return what a name stands for where a claim states it again: what it stands for in the
        program where that is the same by proof, else what the claim says."""
        if name in self.program.inputs:
            return None
        if self._is_meant(name, expr):
            self.restated = (*self.restated, expr)
            return self._leaf(name)
        self.meanings[name] = self.program.written(expr)
        return expr

    def _is_meant(self, name: str, expr: Expr) -> bool:
        """Whether a formula is proved to be the value, or the gradient, that has a name."""
        key = (name, expr)
        if key not in self.known_meanings:
            own = self.program.defining(name)
            try:
                if expr.shape != self._leaf(name).shape or asked(self.program, expr) != asked(
                    self.program
                ):
                    same = False
                elif own is not None:
                    same = own.expr is expr or any(self._equalities(own.expr, expr))
                elif name == f"d{self.program.output}":
                    same = self.program.is_loss and expr is number(1)
                else:
                    same = self.proves(name[1:], expr)
            except (TooLarge, Undefined, UnsupportedError):
                same = False
            self.known_meanings[key] = same
        return self.known_meanings[key]

    def _insist_on_values(self, expr: Expr) -> None:
        """Raise `ParseError` for a quotient, a root or a logarithm that is a number nowhere."""
        for node in nodes(expr):
            kind = node.name if node.name != "pow" else "div" if node.data < 0 else "sqrt"
            if kind not in NOWHERE or (node.name == "pow" and node.data > 0 == node.data % 1):
                continue
            arg = bare(node.args[-1])
            if arg.is_var or arg.name == "dim" or self.gradients.keys() & _names(arg):
                continue
            self._assume({})
            rows, cols = arg.shape.dims
            try:
                form = self.reading.of(arg, along("@a", rows), along("@c", cols))
            except (TooLarge, Undefined, UnsupportedError):
                continue
            value = form.get((), 0) if form.keys() <= {()} else None
            if value is not None and (value == 0 if kind in ("div", "inv") else value < 0):
                words = NOWHERE[kind].format(arg if len(str(arg)) < 40 else "what it is taken of")
                raise ParseError(f"{node} is not a number anywhere: {words}")
            if value == 0 and kind in ("log", "logdet"):
                raise ParseError(f"{node} is not a number anywhere: {arg} is 0")

    # -- judging -----------------------------------------------------------------------------------

    def judge(self, text: str) -> Judgement:
        """Return the judgement of one claim."""
        start = perf_counter()
        self.standing.clear()
        try:
            name, expr = self.read(text)
        except ShapeError as error:
            if error.clash is None:
                raise
            if _is_order_of_factors(error):
                return _timed(self._other_order(text, error), start)
            found = self._in_numbers(text)
            return _timed(self._ill_shaped(text, error) if found is None else found, start)
        misfit = expr.shape != self.program.leaves[name].shape
        found = self._in_numbers(text) if misfit else None
        if found is None:
            found = self._judged(text, name, expr)
            if found.verdict != PROVED:  # it may be true at the sizes that were given
                numbers = self._in_numbers(text)
                found = found if numbers is None else numbers
        return _timed(found, start)

    @cached_property
    def _numbers(self) -> Case | None:
        """The same question at the sizes that the user gave as numbers, if there are such."""
        sizes = self._at((1,))
        leaves = self.program.leaves.values()
        if not self.program.sizes or any(
            prod(leaf.shape.extents(sizes)) > MOST_DRAWN for leaf in leaves
        ):
            return None
        case = Case(self.program.with_numbers(), self.assumptions)
        case.standing = self.standing
        return case

    def _reads(self, text: str) -> tuple[str, Expr] | None:
        """Return what a claim says where it is of the shape that it should be."""
        try:
            name, expr = self.read(text)
        except ShapeError:
            return None
        return (name, expr) if expr.shape == self.program.leaves[name].shape else None

    def _in_numbers(self, text: str) -> Judgement | None:
        """Judge a claim at the sizes that the user gave as numbers, where it fits there."""
        case = self._numbers
        meant = case._reads(text) if case is not None else None
        if case is None or meant is None:
            return None
        found = case._judged(text, *meant)
        if found.verdict != PROVED:
            return replace(found, scope=GIVEN_SIZES) if found.scope == SCALARS else found
        every = found.scope == EVERY_SHAPE
        return replace(found, scope=GIVEN_SIZES if every else f"{GIVEN_SIZES}, {found.scope}")

    def _judged(self, text: str, name: str, expr: Expr) -> Judgement:
        shape = self.program.leaves[name].shape
        own, other = (x.at(self.program.sizes) for x in (shape, expr.shape))
        asks = self._asks(name, expr)
        common: dict[str, Any] = {
            "claim": text, "conditions": _each_once(asked(self.program, expr), asks),
            "meanings": dict(self.meanings),
        }  # fmt: skip
        if expr.shape != shape and all(map(same_number, expr.shape.dims, shape.dims)):
            reason = f"d{name} is {own}, the claim is {other}: another order of the entries"
            return Judgement(
                verdict=UNDECIDED, scope="", method="shapes", reason=reason,
                truth=self._true(name), **common,
            )  # fmt: skip
        if expr.shape != shape:
            reason = f"d{name} is {own}, the claim is {other}"
            refuted = Judgement(
                verdict=REFUTED, scope=EVERY_SHAPE, method="shapes", reason=reason,
                truth=self._true(name), **common,
            )  # fmt: skip
            self.standing[text] = refuted
            merged = self.fitting(text)
            if merged is not self:  # where dimensions are equal its numbers are wrong as well
                own_name, formula = merged.read(text)
                fits = formula.shape == merged.program.leaves[own_name].shape
                found = merged.refute(own_name, formula) if fits else None
                if found is not None:
                    equal = " and ".join(merged.equalities)
                    reason = f"{reason}; it fits where {equal}, and is false there"
                    refuted = replace(refuted, reason=reason, counterexample=found)
                    self.standing[text] = refuted
            return replace(refuted, diagnosis=self._diagnosis(name, expr))
        if self._unmet:
            return Judgement(
                verdict=UNDECIDED, scope="", method="points", reason=self._unmet,
                truth=self._true(name), **common,
            )  # fmt: skip
        try:
            if self._proved_unless_false(name, expr):
                relations = self.relations(name, expr)
                if relations is None:
                    return Judgement(
                        verdict=UNDECIDED, scope="", method="index normal form",
                        reason="the forms agree, but no point was found at which all hypotheses "
                        "hold and both sides have a value",
                        truth=self._true(name), **common,
                    )  # fmt: skip
                common["conditions"] = _each_once(relations, asks)
                return Judgement(
                    verdict=PROVED, scope=EVERY_SHAPE, method=self.road,
                    truth=self._says(name, expr), **common,
                )  # fmt: skip
            if self.ring.budget.cut:
                raise TooLarge
            why = "the normal forms differ, and no counterexample was found"
        except TooLarge:
            why = "the normal form is too large"
        except Undefined:
            why = "the claim divides by zero"
        except UnsupportedError as error:
            why = error.message
        common["truth"] = self._true(name)
        found = self.refute(name, expr)
        if found is None:
            return self._last_resort(name, expr, why, common)
        refuted = Judgement(
            verdict=REFUTED,
            scope=sizes_in_words(found.sizes) or SCALARS,
            method=_road(found),
            counterexample=found,
            **common,
        )
        if not self._is_true_there(name, found):
            refuted = replace(refuted, truth="")
        self.standing[text] = refuted
        return replace(
            refuted,
            diagnosis=self._diagnosis(name, expr) if refuted.truth else "",
            holds=self._holds(name, expr, found),
        )

    @cached_property
    def _unmet(self) -> str:
        """That nothing obeys what is assumed, at any of a few sizes; empty where something does."""
        for leaf, words in self.assumed.items():
            shape = self.program.leaves[leaf].shape
            for numbers in ((1,), (2,), (2, 3, 4), (3, 2)):
                rows, cols = shape.extents(self._sized(numbers))
                if obeying([[Fraction(1)] * cols] * rows, words) is not None:
                    break
            else:
                return unmet(leaf, words)
        return ""

    def _last_resort(self, name: str, expr: Expr, why: str, common: Mapping[str, Any]) -> Judgement:
        """Judge what neither normal forms nor points decide, by judges who know sizes alone."""
        sizes = self._at((4, 5, 6))
        outcome = self._modulo(name, expr, sizes)
        differs = outcome is not None and not outcome.agrees
        seeds = range(SEEDS) if differs else range(PLEASANT, PLEASANT + SEEDS * (outcome is None))
        points = (self._differs(name, expr, sizes, seed) for seed in seeds)
        found = next((point for point in points if point), None)
        if differs or found:
            prime = outcome.prime if outcome is not None else 0
            reason = f"both sides are different numbers at random integers modulo {prime}"
            return Judgement(
                verdict=REFUTED, scope=sizes_in_words(sizes) or SCALARS, counterexample=found,
                method="evaluation modulo a prime" if differs else _road(found),
                reason="" if found else reason, **common,
            )  # fmt: skip
        small = self._at((2, 3))
        written = self._equal_at(name, expr, small) and self.has_a_point(name, expr)
        if written and small == dict(self.program.sizes):
            return Judgement(
                verdict=PROVED, scope=sizes_in_words(small) or EVERY_SHAPE,
                method="both sides written out and compared exactly", **common,
            )  # fmt: skip
        agreed = []
        if written:
            agreed.append(f"both sides are equal where {sizes_in_words(small)}, written out")
        if outcome is not None:
            place = f"where {sizes_in_words(sizes)}, " if sizes else ""
            chance = f"with a chance of error of at most {float(outcome.bound):.0e}"
            agreed.append(f"they agree {place}modulo a prime, {chance}")
        if not agreed and (digits := self._digits(name, expr)):
            agreed.append(f"they agree to {digits} digits at the points that were tried")
        return Judgement(
            verdict=UNDECIDED, scope="", method="index normal form, intervals",
            reason="; ".join([why, *agreed]), **common,
        )  # fmt: skip

    def _at(self, numbers: tuple[int, ...]) -> dict[str, int]:
        """Return sizes: those that the user gave, and for the other dimensions some numbers."""
        dims, fixed = self.program.dims, self.program.sizes
        plain = {dim: fixed.get(dim, k) for dim, k in zip(dims, cycle(numbers), strict=False)}
        return chosen(dims, asked(self.program), numbers, fixed) or plain

    def _sized(self, numbers: tuple[int, ...]) -> dict[str, int]:
        """Return sizes: some numbers in turn, such that what the program asks of them holds."""
        return chosen(self.program.dims, asked(self.program), numbers) or self._at(numbers)

    def _modulo(self, name: str, expr: Expr, sizes: Mapping[str, int]) -> Outcome | None:
        """Return what one point modulo a prime says, `None` where that judge does not serve."""
        from derive.judges.modular import agrees_modulo

        if any(k > MOST_ENTRIES for k in sizes.values()):
            return None
        try:
            return agrees_modulo(self.program, name, expr, sizes, assume=self.assumed)
        except DeriveError:
            return None

    def _equal_at(self, name: str, expr: Expr, sizes: Mapping[str, int]) -> bool:
        """Whether both sides, written out at sizes, are equal entry by entry.

        The gradient is the derivative of the output's entries, each taken for itself, by the
        entries of the name, whose meaning is put in then.
        """
        if prod(expr.shape.extents(sizes)) > MOST_ENTRIES:
            return False
        program, ring, slopes = self.program, Ring(sizes), {}
        ring.wait_for(frozenset(self.assumed) | {s.name for s in program.statements})

        def meaning(leaf: str, i: int, j: int) -> Form | None:
            if leaf == f"d{program.output}":
                return {(): 1} if program.is_loss else None
            return slope(leaf[1:])[i][j] if leaf in self.gradients else None

        written = Explicit(ring, meaning)

        def slope(of: str) -> Entries:
            """The derivatives of the loss by the entries of a name, everything else composed."""
            if of not in slopes:
                output, leaf = program.composed(program.output, of), program.leaves[of]
                loss: Form = {}
                upstream = written.matrix(self.gradients[f"d{program.output}"])
                for ys, gs in zip(written.matrix(output), upstream, strict=True):
                    for y, g in zip(ys, gs, strict=True):
                        loss = ring.add(loss, ring.mul(g, y))
                rows, cols = map(range, leaf.shape.extents(sizes))
                slopes[of] = [[ring.derivative(loss, leaf.data, a, c) for c in cols] for a in rows]
            return slopes[of]

        def over_inputs(leaf: str, i: Any, j: Any) -> Form:
            meant = program.composed(program.leaves[leaf]) if leaf in program.leaves else None
            return written.matrix(meant)[i][j] if meant else ring.entry(leaf, i, j)

        try:
            sides = slope(name), written.matrix(program.composed(expr))
            pairs = [pair for rows in zip(*sides, strict=True) for pair in zip(*rows, strict=True)]
            found = [[ring.unfold(form, over_inputs) for form in pair] for pair in pairs]
            ring.assume(self.assumed)
            entry = partial(assumed_entry, ring, program, self.assumed)
            return all(
                ring.equal(*(ring.unfold(ring.unfold(form, entry), ring.entry) for form in pair))
                for pair in found
            )
        except (TooLarge, Undefined, DeriveError):
            return False

    def _digits(self, name: str, expr: Expr) -> int | None:
        """Return to how many digits both sides agree at a few points, `None` without values."""
        sizes = {dim: 2 + k % 2 for k, dim in enumerate(self.program.dims)}
        trials = (self.trial(sizes, seed) for seed in range(4))
        found = (trial.digits(name, expr) for trial in trials if trial)
        return min((k for k in found if k is not None), default=None)

    def _ill_shaped(self, text: str, error: ShapeError) -> Judgement:
        """Judge a claim that does not fit for every shape where it does: at equal dimensions."""
        merged = self
        for _ in self.program.dims:
            wider = merged._with_equal(error)
            if wider is None:
                break
            merged = wider
            try:
                name, expr = merged.read(text)
            except ShapeError as again:
                if _is_order_of_factors(again):
                    return self._other_order(text, again)
                error = again
                continue
            found = merged._judged(text, name, expr)
            equal = " and ".join(merged.equalities)
            if found.verdict == PROVED:
                own = all(self._same_size(pair) for pair in merged.equalities)
                found = replace(found, scope=f"where {equal}")
                if own:
                    return found
                return replace(
                    found, verdict=REFUTED, truth=self._true(name), reason=error.message,
                    holds=f"where {equal}",
                )  # fmt: skip
            reason = f"{error.message}; it fits where {equal}, and is false there"
            return replace(found, reason=reason)
        return Judgement(
            claim=text, verdict=REFUTED, scope=EVERY_SHAPE, method="shapes",
            truth="", reason=error.message,
        )  # fmt: skip

    def _other_order(self, text: str, error: ShapeError) -> Judgement:
        """Judge a claim with a sum such as vec(A) + vec(B.T): NumPy adds n * m to m * n entries."""
        return Judgement(
            claim=text, verdict=UNDECIDED, scope="", method="shapes", truth="",
            reason=f"{error.message}, whose entries stand in another order",
        )  # fmt: skip

    def _same_size(self, equality: str) -> bool:
        """Whether the user gave two dimensions as the same number."""
        first, second = (self.program.sizes.get(dim) for dim in equality.split(" = "))
        return first is not None and first == second

    def fitting(self, text: str) -> Case:
        """Return the case in which a claim can be read: the user's sizes, or equal dimensions."""
        case = self
        if self._numbers is not None and self._numbers._reads(text) is not None:
            return self._numbers
        for _ in self.program.dims:
            try:
                name, expr = case.read(text)
                wanted = case.program.leaves[name].shape
                clash = next((p for p in zip(wanted.dims, expr.shape.dims) if p[0] != p[1]), None)
                if clash is None:
                    break
                case = case._with_equal(ShapeError("another shape", clash=clash)) or case
            except ShapeError as error:
                case = case._with_equal(error) or case
        return case

    def _with_equal(self, error: ShapeError) -> Case | None:
        """Return the case in which two dimensions that clashed are one."""
        kept, gone = first_clash(*error.clash) if error.clash else (0, 0)
        if not (isinstance(kept, str) and isinstance(gone, str)):
            return None
        case = Case(self.program.with_dim(gone, kept), self.assumptions)
        case.standing = self.standing
        case.equalities = [*self.equalities, f"{kept} = {gone}"]
        case.merged = {**{k: kept if v == gone else v for k, v in self.merged.items()}, gone: kept}
        case.apart = self.apart
        return case

    def _asks(self, name: str, expr: Expr) -> list[str]:
        """Return what the program and the claim ask for of the inputs, in words."""
        return [in_words(c, self.program.written) for c in self._conditions(name, expr)]

    def _conditions(self, name: str, expr: Expr) -> list[Condition]:
        own = [s.expr for s in self.program.statements if f"d{s.name}" in self.gradients]
        return [
            c
            for c in conditions(self.ground(name, expr), (*own, *self.restated, expr))
            if c.kind != "distinct" or not marks_winner(*map(self._composed, c.args))
        ]

    def _composed(self, arg: Expr) -> Expr:
        return self.program.composed(bare(arg))

    def ground(self, name: str, expr: Expr) -> Ground:
        """Return where the hypotheses of the program and of a claim are satisfied."""
        said = (*self.restated, expr)
        if (name, said) not in self.grounds:
            definitions = [(s.name, s.expr) for s in self.program.statements]
            seen = {node for one in said for node in nodes(one)}
            used = [n for n in self.names if self.gradients[f"d{n}"] in seen]
            definitions += [(f"d{n}", self.truth(n)) for n in used]
            definitions += [("", one) for one in said]
            self.grounds[name, said] = Ground(
                self.program, definitions, self._point, self.assumed, [name] if name else []
            )
        return self.grounds[name, said]

    def _point(self, sizes: Mapping[str, int], seed: int) -> dict[str, Matrix] | None:
        """Return a point that obeys what is assumed, `None` where this seed gives none."""
        values = points(self.program)(sizes, seed)
        if not self.assumed:
            return values
        obeying = values_at(self.program, sizes, seed, self.assumed)
        return obeying and values | {name: obeying[name] for name in self.assumed}

    def relations(self, name: str, expr: Expr) -> tuple[Relation, ...] | None:
        """Return what the program and a claim ask of the sizes; `None` where no point was found at
        which their hypotheses hold."""
        return sizes_asked(self.program, self.ground(name, expr), expr)

    def has_a_point(self, name: str, expr: Expr) -> bool:
        """Whether a point was found at which every hypothesis holds."""
        return self.relations(name, expr) is not None

    def _proved_unless_false(self, name: str, expr: Expr) -> bool:
        """Whether a claim is proved; one that fails at a point is not carried through to the end.

        Most claims that are true are seen to be so while intermediates are atoms, at less cost than
        the point.
        """
        apart, failed, self.road = self._apart, None, AT_ONCE
        steps = self._comparisons(name, expr, PART if apart else MOST_STEPS)
        try:
            if next(steps):
                return True
            if self.looks_false(name, expr):
                return False
            if any(steps):
                return True
        except (TooLarge, Undefined) as error:
            failed = error
        if apart and self.looks_false(name, expr):
            return False
        if any(case.proves_in_parts(name, expr) for case in apart):
            self.road = PART_BY_PART
            return True
        if failed is not None:
            raise failed
        return bool(apart) and self.proves(name, expr)

    def proves_in_parts(self, name: str, expr: Expr) -> bool:
        """Whether a claim is proved in which parts of the program's formulas have their names."""
        try:
            return self.proves(name, folded(self.program, expr))
        except (TooLarge, Undefined, UnsupportedError):
            return False

    @cached_property
    def _apart(self) -> list[Case]:
        """The same question with names for the parts of deep statements, where there are such."""
        return [Case(program, self.assumptions) for program in taken_apart(self.program)]

    def proves(self, name: str, expr: Expr, steps: int = MOST_STEPS) -> bool:
        """Whether the normal forms of a claim and of the gradient agree."""
        return any(self._comparisons(name, expr, steps))

    def _comparisons(self, name: str, expr: Expr, steps: int = MOST_STEPS) -> Iterator[bool]:
        """Yield whether the normal forms of a claim and of the gradient agree.

        The gradients and intermediates that they name are atoms first; they are unfolded one by one
        where that does not decide, from the name on towards the output.
        """
        a, c = self._begin(expr, name, steps)
        exposed, ring = self.exposed(expr), self.ring
        claimed, truth = self._entry_form(exposed, a, c), self.gradient(name, a, c)
        if self._has_gated_gradient(exposed):  # it may vanish on a region, and is no atom there
            for define in self._gradients_unfolded():
                claimed, truth = ring.unfold(claimed, define), ring.unfold(truth, define)
        theorems = self._theorems if self.program.statements[1:] else {}

        def by_theorems() -> bool:
            congruence = Congruence(theorems.get, self._same, self._differ_at_a_point(name))
            return congruence.holds(self.gradients[f"d{name}"], expr)

        yield from self._agreements(claimed, truth, by_theorems if theorems else None)

    def _equalities(self, one: Expr, other: Expr) -> Iterator[bool]:
        """Yield whether the normal forms of two expressions agree, in the same way."""
        a, c = self._begin(other)
        left, right = (self._entry_form(self.exposed(e), a, c) for e in (one, other))
        yield from self._agreements(left, right)

    def _begin(self, expr: Expr, name: str = "", steps: int = MOST_STEPS) -> tuple[Index, Index]:
        """Return indices of an expression's entry, for a question that has a budget of its own."""
        self.ring.budget = Budget(steps)
        self._assume({})
        self._await(self.ground(name, expr).open)
        rows, cols = expr.shape.dims
        return along("@a", rows), along("@c", cols)

    def _agreements(
        self, claimed: Form, truth: Form, otherwise: Callable[[], bool] | None = None
    ) -> Iterator[bool]:
        ring = self.ring
        yield ring.equal(claimed, truth)
        if self.assumed:  # derivatives are taken before
            for name in self.names:
                self.gradient(name)
            self._assume(self.assumed)
            claimed, truth = (self._under_assumptions(form) for form in (claimed, truth))
            yield ring.equal(claimed, truth)
        if otherwise is not None:
            yield otherwise()
        for define in (*self._gradients_unfolded(), *self._statements_unfolded()):
            before = claimed, truth
            claimed, truth = ring.unfold(claimed, define), ring.unfold(truth, define)
            if (claimed, truth) != before:
                yield ring.equal(claimed, truth)

    def _gradients_unfolded(self) -> Iterator[Define]:
        """Yield what each gradient is by the gradients of the statements that use its name."""
        for name in self.names:

            def define(leaf: str, i: Index, j: Index, own: str = name) -> Form | None:
                if leaf != f"d{own}":
                    return None
                form = self.gradient(own, i, j)
                return self._under_assumptions(form) if self.ring.assumed else form

            yield define

    def _under_assumptions(self, form: Form) -> Form:
        """Return a form that was made before anything was assumed."""
        entry = partial(assumed_entry, self.ring, self.program, self.assumed)
        return self.ring.unfold(self.ring.unfold(form, entry), self.ring.entry)

    def _statements_unfolded(self) -> Iterator[Define]:
        """Yield what each intermediate is by the names that its statement uses."""
        yield from map(self._unfolding, reversed(self.program.statements))

    def _unfolding(self, statement: Statement) -> Define:
        def define(leaf: str, i: Index, j: Index) -> Form | None:
            return self._entry_form(statement.expr, i, j) if leaf == statement.name else None

        return define

    @cached_property
    def _theorems(self) -> dict[Expr, Expr]:
        """Return what each gradient is by the gradients of the statements that use its name, as far
        as the formula is proved of its definition."""
        found = {}
        for name in self.names:
            place = (
                along(word, dim) for word, dim in zip(("@a", "@c"), self._leaf(name).shape.dims)
            )
            claimed, truth = self._entry_form(self.local(name), *place), self.gradient(name)
            for statement in self.program.users(name):
                define = self._unfolding(statement)
                claimed, truth = (self.ring.unfold(form, define) for form in (claimed, truth))
            if self.ring.budget.within(PART, partial(self.ring.equal, claimed, truth)):
                found[self.gradients[f"d{name}"]] = self.local(name)
        return found

    def _differ_at_a_point(self, name: str) -> Callable[[Expr, Expr], bool]:
        """Return whether two expressions are different numbers at a point, as far as is seen."""
        screens = self._screens(name)[:1]
        for screen in screens:
            for other in self._outermost:
                screen.define(f"d{other}", self.local(other))
        return lambda p, q: any(screen.differ(p, q) for screen in screens)

    def _same(self, p: Expr, q: Expr) -> bool:
        """Whether two expressions have the same normal form, what they name being atoms."""
        p, q = self.exposed(p), self.exposed(q)
        if self._has_gated_gradient(p) or self._has_gated_gradient(q):
            return False
        place = [along(word, dim) for word, dim in zip(("@a", "@c"), p.shape.dims)]
        forms = (self._entry_form(side, *place) for side in (p, q))
        return self.ring.budget.within(PART, lambda: self.ring.equal(*forms))

    def _has_gated_gradient(self, expr: Expr) -> bool:
        """Whether a kink of an expression sees the gradient of an intermediate."""
        own = self.gradients.keys() - {f"d{self.program.output}"}
        return any(_has_kink(node) and own & _names(node) for node in nodes(expr))

    def _assume(self, words: Mapping[str, frozenset[str]]) -> None:
        if words != self.ring.assumed:
            self.ring.assume(words)
            self.reading.forget()

    def _await(self, names: frozenset[str]) -> None:
        """Keep open what an assumption about some names may make zero, until it is made."""
        if names != self.ring.waiting:
            self.ring.wait_for(names)
            self.known = {}
            self.reading.forget()

    def exposed(self, expr: Expr) -> Expr:
        """Return an expression in which a kink sees what its argument is made of.

        An intermediate such as H = relu(Z) is 0 on a whole region, and M = max(Z) is an entry of Z:
        in a mask or a sign it must not stand as an atom that is taken to differ from 0.
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
            if any(_has_kink(node) or node.op.kink == SHARED for node in nodes(statement.expr)):
                expr = substitute(expr, {self.program.leaves[statement.name]: statement.expr})
        return expr

    def _says(self, name: str, expr: Expr) -> str:
        """Return a gradient in input syntax."""
        return f"d{name} = {self.program.written(expr)}"

    def _true(self, name: str) -> str:
        """Return our formula for a gradient in input syntax, all dimensions by their own names."""
        return self.apart._says(name, self.apart.truth(name))

    # -- our own gradient: shown beside a claim, and evaluated at points ---------------------------

    def truth(self, name: str) -> Expr:
        """Return our formula for a gradient, those behind it put in where that can be read."""
        if name not in self.truths:
            behind = self.program.depending({name})
            for other in self._outermost:
                if other in behind and other not in self.truths:
                    known = {self.gradients[f"d{n}"]: truth for n, truth in self.truths.items()}
                    whole = substitute(self.local(other), known)
                    short = written(whole) <= LONGEST
                    self.truths[other] = simplify(whole)[0] if short else self.local(other)
        return self.truths[name]

    @cached_property
    def _outermost(self) -> list[str]:
        """The names that have a gradient, each after those that depend on it."""
        made = [s.name for s in reversed(self.program.statements) if s.name in self.names]
        return [*made, *(name for name in self.names if name not in made)]

    def local(self, name: str) -> Expr:
        """Return a gradient by those of the statements that use its name, by the sweep."""
        if name not in self.locals:
            leaf, total = self.program.leaves[name], None
            for statement in self.program.users(name):
                upstream = self.gradients.get(f"d{statement.name}")
                if upstream is not None:
                    value = self.program.leaves[statement.name]
                    if self.program.is_loss and value is self.program.output:
                        upstream = number(1)
                    part = sweep(statement.expr, upstream, [leaf], value)[leaf].value
                    total = part if total is None else total + part
            assert total is not None
            self.locals[name] = simplify(total)[0]
        return self.locals[name]

    # -- the gradient by its definition ------------------------------------------------------------

    def gradient(self, name: str, a: Index = "@a", c: Index = "@c") -> Form:
        """Return the gradient's entry as a form: the chain rule, over every use of the name.

        The gradients of the statements that use it are atoms.
        """
        if name not in self.known:
            total: Form = {}
            for statement in self.program.users(name):
                if f"d{statement.name}" in self.gradients:
                    total = self.ring.add(total, self._part(statement, name))
            self.known[name] = total
        names = {**renaming("@a", a), **renaming("@c", c)}
        names = {old: new for old, new in names.items() if old != new}
        return self.ring.rename(self.known[name], names) if names else self.known[name]

    def _part(self, statement: Statement, name: str) -> Form:
        ring, (rows, cols) = self.ring, statement.expr.shape.dims
        i, j = (along("~i", rows) if rows != 1 else 0, along("~j", cols) if cols != 1 else 0)
        leaf = self.program.leaves[name]
        y = self._entry_form(statement.expr, i, j)
        a, c = along("@a", leaf.shape.rows), along("@c", leaf.shape.cols)
        term = ring.derivative(y, leaf.data, a, c)
        upstream = f"d{statement.name}"
        weight = self._meaning(upstream, i, j) or ring.entry(upstream, i, j)
        term = ring.mul(weight, term)
        return ring.sums_over([(k, dim) for k, dim in ((j, cols), (i, rows)) if dim != 1], term)

    def _entry_form(self, expr: Expr, i: Index, j: Index) -> Form:
        return self.reading.of(expr, i, j)

    def _meaning(self, name: str, i: Index, j: Index) -> Form | None:
        """Return the gradient of a loss with respect to itself."""
        return {(): 1} if self.program.is_loss and name == f"d{self.program.output}" else None

    # -- refuting ----------------------------------------------------------------------------------

    def refute(self, name: str, expr: Expr) -> Counterexample | None:
        """Return a counterexample of small sizes and small integers, or `None`.

        Where small integers meet kinks, or never lie between two of them, others do not.
        """
        few = max(SEEDS, MOST_SEEDS // 3 ** len(self.program.dims))
        pleasant, others = range(SEEDS), range(PLEASANT, PLEASANT + few)
        far = beyond(*(s.expr for s in self.program.statements), expr)
        rounds = [(pleasant, MOST_SIZES, 1), (others, SEEDS, 1), (range(SEEDS), SEEDS, far)]
        for seeds, most, scale in rounds[: 2 + (far > 1)]:
            for sizes in islice(self._small_sizes(), most):
                for seed in seeds:
                    found = self._differs(name, expr, sizes, seed, scale)
                    if found is not None:
                        return found
        return None

    def _small_sizes(self) -> Iterator[Mapping[str, int]]:
        """Yield the smallest sizes that obey what the program asks of them."""
        relations = asked(self.program)
        if not relations:
            return islice(small_sizes(self.program.dims), MOST_SIZES)
        few = islice(small_sizes(self.program.dims), 10 * MOST_SIZES)
        found = [sizes for sizes in few if obeyed(relations, sizes)]
        return islice(found or [self._at((2, 3, 4))], MOST_SIZES)

    def _is_true_there(self, name: str, found: Counterexample) -> bool:
        """Whether our own formula has the value that a counterexample expects, at its entry."""
        values = {
            k: [[Fraction(x) for x in line] for line in rows] for k, rows in found.values.items()
        }
        trial = Trial(self.program, found.sizes, values)
        i, j = (k - 1 for k in found.entry)
        try:
            ours = trial.value(self.truth(name))[i][j]
            return not apart(ours, trial.slope(name, {(i, j): 1}))
        except DeriveError:
            return False

    def looks_false(self, name: str, expr: Expr) -> bool:
        """Whether a claim fails at the smallest sizes, or at one of two points of middling sizes:
        then no proof is tried."""
        small, middling = self._sized((1,)), self._sized((2, 3))
        trials = (self.trial(*at) for at in ((small, 0), (middling, 0), (middling, 1)))
        return any(trial.differs(name, expr) for trial in trials if trial)

    def trial(
        self,
        sizes: Mapping[str, int],
        seed: int,
        assumed: Mapping[str, frozenset[str]] | None = None,
        scale: int = 1,
    ) -> Trial | None:
        """Return the program at a point that obeys what is assumed, `None` where none is found."""
        assumed = self.assumed if assumed is None else assumed
        key = (*sizes.items(), seed, scale, *assumed.items())
        if key not in self.trials:
            values = values_at(self.program, sizes, seed, assumed, scale)
            found = Trial(self.program, dict(sizes), values) if values is not None else None
            self.trials[key] = found
        return self.trials[key]

    def _differs(
        self, name: str, expr: Expr, sizes: Mapping[str, int], seed: int, scale: int = 1
    ) -> Counterexample | None:
        trial = self.trial(sizes, seed, scale=scale)
        found = trial and trial.difference(name, expr)
        if not trial or not found:
            return None  # no difference, or at a kink, or where the program has no value
        (i, j), expected, claimed = found
        expected, claimed = told_apart(expected, claimed)
        return Counterexample(
            sizes={dim: sizes[self.merged.get(dim, dim)] for dim in self.apart.program.dims},
            values={
                n: [[str(x) for x in line] for line in rows] for n, rows in trial.values.items()
            },
            entry=(i + 1, j + 1),
            expected=expected,
            claimed=claimed,
            name=f"d{name}",
        )

    def _formula(self, expr: Expr) -> Expr:
        """Return an expression over the inputs alone, the gradients in it by their formulas."""
        found = expr
        for name in reversed(self._outermost):
            leaf = self.gradients[f"d{name}"]
            if leaf in variables(found):
                found = substitute(found, {leaf: self.local(name)})
        found = self.program.composed(found)
        if self.program.is_loss:
            found = substitute(found, {self.gradients[f"d{self.program.output}"]: number(1)})
        return found

    def _holds(self, name: str, expr: Expr, found: Counterexample) -> str:
        """Return where a false claim is true all the same, proved: why its author believed it.

        Nothing is said of which the counterexample is a case.
        """
        for leaf, word in self._usual(name, expr):
            rows = [[Fraction(x) for x in line] for line in found.values[leaf]]
            if broken(rows, [word]) and self._proves_with(name, expr, leaf, word):
                return f"where {TABLE[word].says.format(leaf)}"
        dims = self.program.dims
        trials: list[tuple[tuple[str, ...], str]] = [((dim,), f"where {dim} = 1") for dim in dims]
        if len(dims) > 1:
            trials.append((dims, "where every dimension is 1"))
        for gone, words in trials:
            if all(found.sizes[dim] == 1 for dim in gone):
                continue
            sizes = chosen(dims, asked(self.program), (2, 3, 4), dict.fromkeys(gone, 1))
            screen = self._screen(name, sizes) if sizes else None
            if screen and screen.is_gradient(expr) and self._proves_at_one(name, expr, gone):
                return words
        return ""

    def _usual(self, name: str, expr: Expr) -> Iterator[tuple[str, str]]:
        """Yield what else might be assumed of an input, the weakest first, where no point shows
        that a claim is false all the same.

        Of numbers that are few, it is not assumed of the variable itself, nor of a scalar.
        """
        used = _names(self._formula(expr)) | _names(self._formula(self.truth(name)))
        for leaf in (k for k in self.program.inputs if k in used):
            shape, known = self.program.leaves[leaf].shape, implied(self.assumed.get(leaf, ()))
            failed: set[str] = set()
            for word in reversed(USUAL):
                entry = TABLE[word]
                few = entry.choices or "row-stochastic" in implied([word])
                fits = not (few and (leaf == name or shape.is_scalar))
                fits = fits and not (word == "row-stochastic" and shape.cols == 1)
                fits = fits and not (entry.square and (shape.rows != shape.cols or shape.is_scalar))
                stronger = (k for k in failed if word in TABLE[k].implies)
                if (
                    word in known
                    or not fits
                    or any(stronger)
                    or self._fails(name, expr, leaf, word)
                ):
                    failed.add(word)
            yield from ((leaf, word) for word in USUAL if word not in failed)

    def _fails(self, name: str, expr: Expr, leaf: str, word: str) -> bool:
        """Whether a claim is false, or nothing is said, at a point that obeys one word more."""
        also = {**self.assumed, leaf: self.assumed.get(leaf, frozenset()) | {word}}
        seen = False
        for numbers in ((2,), (2, 3)):
            if screen := self._screen(name, self._sized(numbers), also):
                if not screen.is_gradient(expr) or not screen.is_steady:
                    return True
                seen = True
        return not seen

    def _proves_at_one(self, name: str, expr: Expr, gone: Sequence[str]) -> bool:
        """Whether a claim is proved where some dimensions are 1."""
        program = self.program
        for dim in gone:
            program, expr = program.with_dim(dim, 1), with_dim(expr, dim, 1)
        try:
            return Case(program, self.assumptions).proves(name, expr)
        except (TooLarge, Undefined, DeriveError):
            return False

    def _proves_with(self, name: str, expr: Expr, leaf: str, word: str) -> bool:
        """Whether a claim is proved under one more assumption."""
        before = self.assumed
        self.assumed = {**before, leaf: before.get(leaf, frozenset()) | {word}}
        self.grounds = {}
        try:
            return self.proves(name, expr)
        except (TooLarge, Undefined, UnsupportedError):
            return False
        finally:
            self.assumed, self.grounds = before, {}

    # -- what was meant ----------------------------------------------------------------------------

    def _diagnosis(self, name: str, expr: Expr) -> str:
        """Return the nearest true variant of a false claim, in words; it is proved first."""
        truth, shape = self.truth(name), self.program.leaves[name].shape
        screens, trials = self._screens(name), MOST_TRIALS
        for words, variant in islice(repairs(expr, shape, self.program.dims), MOST_VARIANTS):
            if trials and screens and all(screen.is_gradient(variant) for screen in screens):
                trials -= 1
                if self._proved(name, variant) and self._asks_no_more(name, variant, expr):
                    shown = self._says(name, simplify(variant)[0])
                    shown = shown if self.apart is self else self._true(name)
                    return f"true is {shown}; yours {words}"
        claimed = [screen.along(expr) for screen in screens] if expr.shape == shape else []
        for words, variant in islice(slips(truth, shape), MOST_VARIANTS):
            pairs = zip(screens, claimed, strict=False)
            if trials and claimed and all(close(s.along(variant), along) for s, along in pairs):
                trials -= 1
                if self._proved(name, truth + (expr - variant)):
                    return f"true is {self._true(name)}; yours {words}"
        given = (*self.program.inputs, f"d{self.program.output}") if expr.shape == shape else ()
        for leaf in given:
            rows, cols = self._leaf(leaf).shape.dims
            if rows == cols != 1 and self._proves_with(name, expr, leaf, "symmetric"):
                return f"true is {self._true(name)}; yours takes {leaf} to be symmetric"
        return ""

    def _screens(self, name: str) -> list[Screen]:
        """Return a gradient at two points of different sizes, at which it has a value."""
        found = (self._screen(name, self._sized(numbers)) for numbers in ((2, 3, 4), (3, 2)))
        return [screen for screen in found if screen]

    def _screen(
        self,
        name: str,
        sizes: Mapping[str, int],
        assumed: Mapping[str, frozenset[str]] | None = None,
    ) -> Screen | None:
        """Return a gradient at a point of some sizes at which it has a value, and meets no kink."""
        seeds = range(PLEASANT, PLEASANT + SEEDS)
        trials = (self.trial(sizes, seed, assumed) for seed in seeds)
        found = [screen for trial in trials if trial and (screen := trial.screen(name))]
        return max(found, key=lambda screen: abs(screen.slope) > NOISE, default=None)

    def _asks_no_more(self, name: str, variant: Expr, expr: Expr) -> bool:
        """Whether a variant is what was meant wherever the gradient is there: Z > 0 is 1 where Z is
        positive, and is not the gradient of Z."""
        asked = [{self._kind(c) for c in self._conditions(name, one)} for one in (variant, expr)]
        return asked[0] <= asked[1]

    def _kind(self, condition: Condition) -> tuple[str, frozenset[Expr]]:
        """Return a hypothesis whichever way round it is written: x ≠ 0 is that x and 0 differ."""
        args = [bare(arg) for arg in condition.args]
        zero = condition.kind == "nonzero"
        return "distinct" if zero else condition.kind, frozenset([*args, *[number(0)] * zero])

    def _leaf(self, name: str) -> Expr:
        return self.gradients[name] if name in self.gradients else self.program.leaves[name]

    def _proved(self, name: str, expr: Expr) -> bool:
        """Whether a formula that may be what was meant is proved without long work."""
        try:
            return self.proves(name, expr, PART)
        except (TooLarge, Undefined, UnsupportedError):
            return False


def sizes_in_words(sizes: Mapping[str, int]) -> str:
    """Return sizes as a reader writes them: n = 2, d = 3."""
    return ", ".join(f"{dim} = {k}" for dim, k in sizes.items())


def _road(found: Counterexample | None) -> str:
    exact = found is None or found.is_exact
    return "fractions at a point" if exact else "rigorous intervals at a point"


def _each_once(relations: Sequence[Relation], words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*map(str, relations), *words]))


def _is_order_of_factors(error: ShapeError) -> bool:
    """Whether two dimensions clashed that are the same number at all sizes."""
    return error.clash is not None and same_number(*error.clash)


def _has_kink(node: Expr) -> bool:
    asked = node.op.where(node.data, *node.args)
    return bool(node.op.derivatives) and any(c.kind in ("nonzero", "distinct") for c in asked)


def _names(expr: Expr) -> set[str]:
    return {leaf.data[0] for leaf in variables(expr)}


def _timed(judgement: Judgement, start: float) -> Judgement:
    return replace(judgement, seconds=perf_counter() - start)


__all__ = ["Case", "Counterexample", "Judgement", "check"]
