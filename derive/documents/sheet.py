"""Problems about a program: which are set, with which numbers, and what is the answer.

Enters a program, a count and a seed; leave problems in increasing difficulty, each with the trace
at which it is worked, and the derivation that proves the formulas. The law: nothing unchecked
leaves. The formulas are proved, every number agrees with the trace of the two passes, and a claim
in which a mistake is to be found is false at the very numbers that are given with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from math import prod
from random import Random
from typing import Any, NamedTuple

from derive.circuits.backprop import Trace, backprop
from derive.circuits.circuit import circuit
from derive.circuits.pleasant import pleasant
from derive.documents.pipeline import judged
from derive.expressions.errors import FaultError, SizeError, UnsupportedError
from derive.expressions.expr import Expr, nodes, number, variables
from derive.expressions.program import Program
from derive.judges.slips import PLAIN, Mistake, mistakes
from derive.judges.verify import insist
from derive.language.assumptions import Assumptions, assumed
from derive.ops.linear import MATMUL
from derive.ops.reduction import SUM
from derive.proof.derivation import Chain, EntryOf, Step
from derive.proof.sizes import obeyed, with_values
from derive.readings.base import Table
from derive.readings.numbers import DomainError, is_exact

#: The kinds of problems in increasing difficulty.
KINDS = ("shapes", "forward", "entry", "gradient", "mistake", "gap")
#: The kinds in the order in which a sheet takes them in; then the last four in turn.
FIRST = ("gradient", "forward", "mistake", "entry", "gap", "shapes")
TURNS = ("entry", "gradient", "mistake", "gap")
#: Matrices with more entries are not worked by hand; a sheet has at most so many problems.
MOST_ENTRIES, MOST_PROBLEMS = 36, 60


class Gap(NamedTuple):
    """A chain of a proof with two gaps: the right side of one step, the reason of another.

    `part` says which proof: index, operators or composed; `statement` whose theorem it proves, or
    is empty.
    """

    part: str
    statement: str
    chain: Chain
    formula: int
    reason: int


class Problem(NamedTuple):
    """One problem: its kind, its numbers, the variable that it is about, and what the kind needs.

    `place` is the entry that is asked for, or the one at which a claim is seen to be false.
    """

    kind: str
    trace: Trace
    variable: str = ""
    place: tuple[int, ...] | None = None
    mistake: Mistake | None = None
    gap: Gap | None = None
    number: int = 0


class Setter:
    """Who sets the problems: the program, its proved formulas, and the numbers chosen by seed."""

    def __init__(
        self,
        program: Program,
        at: Mapping[str, int] | None,
        wrt: tuple[str, ...],
        assume: Assumptions | None,
        seed: int,
        fixed: bool,
    ):
        self.program, self.seed, self.fixed = program, seed, fixed
        self.wrt = wrt
        self.assume = assumed(program, assume or {})
        self.sizes = with_values(program, at)
        self._refuse(self.sizes)
        proved = insist(judged(program, {"at": self.sizes, "wrt": self.wrt, "detail": "brief"}))
        self.program = proved.program  # deep formulas in parts that have names
        self.derivation = replace(proved, assumed=self.assume)  # said; the formulas hold without
        self.trace = self._worked(self.sizes)
        self.scalars = all(leaf.shape.is_scalar for leaf in program.leaves.values())

    def _refuse(self, sizes: Mapping[str, int]) -> None:
        """Refuse matrices that nobody would multiply by hand."""
        for name in self.program.leaves:
            extents = self.program.leaves[name].shape.extents(sizes)
            if prod(extents) > MOST_ENTRIES:
                raise SizeError(
                    f"{name} would be {'×'.join(map(str, extents))}, and a matrix of more than "
                    f"{MOST_ENTRIES} entries is not worked by hand",
                    hint="choose smaller sizes with --at",
                )

    def problems(self, count: int) -> tuple[Problem, ...]:
        """Return so many problems, the easy ones first, no two alike."""
        queues: dict[str, Iterator[Problem]] = {kind: getattr(self, f"_{kind}")() for kind in KINDS}
        chosen: list[Problem] = []
        waiting, turns = [*FIRST], [*TURNS]
        while len(chosen) < count and (waiting or turns):
            waiting = waiting or [*turns]
            kind = waiting.pop(0)
            problem = next(queues[kind], None)
            if problem is not None:
                chosen.append(problem)
            elif kind in turns:
                turns.remove(kind)
        if len(chosen) < count:
            raise UnsupportedError(
                f"{count} problems were asked for, and there are {len(chosen)} about this program",
                hint=f"choose --count {len(chosen)} or less, or larger sizes with --at",
            )
        chosen.sort(key=lambda problem: KINDS.index(problem.kind))
        return tuple(problem._replace(number=n) for n, problem in enumerate(chosen, 1))

    # -- numbers -----------------------------------------------------------------------------------

    def _worked(self, sizes: Mapping[str, int]) -> Trace:
        """Return the numbers of both passes at a point, to which every formula comes."""
        point = pleasant(self.program, sizes, self.seed, assume=self.assume)
        trace = backprop(circuit(self.program), point.sizes, point.values, point.seed)
        for formulas in (self.derivation.backward, self.derivation.gradients):
            if len(trace.holding(formulas)) < len(formulas):
                raise FaultError("a sheet's numbers are at a kink; nothing is written")
        return trace

    def _random(self, *words: str) -> Random:
        return Random(f"{self.seed} {' '.join(words)}")

    # -- which variable ----------------------------------------------------------------------------

    def _ranked(self, kind: str) -> list[str]:
        """Return the variables in the order in which problems of a kind are about them.

        One entry is asked of a product near the output, a whole gradient of one far from it; a
        proof has gaps where something is summed.
        """
        order = {name: k for k, name in enumerate(self.wrt)}

        def rank(name: str) -> tuple[int, int, int]:
            inside = {(node.op, node.word) for node in nodes(self.derivation.backward[name])}
            ops = {op for op, _ in inside}
            group = 0 if MATMUL in ops else 1 if len(inside) > 2 else 2
            if kind == "gap" and any(op is SUM and word != SUM.name for op, word in inside):
                group = -1
            depth = self._depth(name)
            last = kind == "gradient" and group == 0
            return group, depth if kind == "entry" else -depth, order[name] * (-1) ** last

        return sorted(self.wrt, key=rank)

    def _depth(self, name: str) -> int:
        """Return how many statements lie between a name and the output, on the shortest way."""
        if name == self.program.output.data[0]:
            return -1
        users = [s.name for s in self.program.users(name) if s.name in self.program.reaching()]
        return 1 + min((self._depth(user) for user in users), default=0)

    # -- the problems of each kind -----------------------------------------------------------------

    def _shapes(self) -> Iterator[Problem]:
        if not self.scalars:
            yield Problem("shapes", self.trace)

    def _forward(self) -> Iterator[Problem]:
        yield Problem("forward", self.trace)

    def _entry(self) -> Iterator[Problem]:
        """Yield an entry of each variable, then a second one of each; entries that are 0 last."""
        queues = []
        for name in self._ranked("entry"):
            cells = [*Table(self.trace.rows(f"d{name}")).cells()]
            if len(cells) > 1:
                self._random("entry", name).shuffle(cells)
                cells.sort(key=lambda cell: is_exact(cell[1]) and cell[1] == 0)
                queues.append([(name, place) for place, _ in cells])
        for name, place in _in_turn(queues):
            yield Problem("entry", self.trace, name, place)

    def _gradient(self) -> Iterator[Problem]:
        for name in self._ranked("gradient"):
            yield Problem("gradient", self.trace, name)

    def _gap(self) -> Iterator[Problem]:
        """Yield chains of the proof with gaps at places that the seed chooses."""
        ranked = self._ranked("gap")
        order = [*ranked, *(name for name in self.derivation.backward if name not in ranked)]
        found: list[tuple[str, str, str, Chain]] = []
        for local in sorted(self.derivation.locals, key=lambda x: order.index(x.variable.data[0])):
            about = local.variable.data[0], local.statement.name
            # numbers have no entries: the proof of a long formula of theirs is the sweep itself
            sweep = local.statement.expr.shape.is_scalar and local.variable.shape.is_scalar
            if sweep and local.operators:
                found.append((*about, "operators", _tidied(local.operators)))
            else:
                scalar = all(leaf.shape.is_scalar for leaf in variables(local.statement.expr))
                found.append((*about, "index", _without_entries(local.index, scalar)))
        composed = self.derivation.composed
        found += [
            (x, "", "composed", composed[x]) for x in self.derivation.gradients if x in composed
        ]
        queues = []
        for name, statement, part, chain in found:
            places = _open(chain)
            gaps = [Gap(part, statement, chain, a, b) for a in places for b in places if a != b]
            self._random("gap", name, statement, part).shuffle(gaps)
            queues.append([Problem("gap", self.trace, name, gap=gap) for gap in gaps])
        yield from _in_turn(queues)

    def _mistake(self) -> Iterator[Problem]:
        """Yield false claims: a new kind of mistake and a new name each time, as far as it goes;
        those that every formula admits come last."""
        traces = [self.trace]
        if not self.fixed and self.program.dims:
            equal = {dim: self.program.sizes.get(dim, 2) for dim in self.program.dims}
            if equal != dict(self.sizes) and obeyed(self.derivation.relations, equal):
                traces.append(self._worked(self.program.at(equal)))
        names = self._ranked("mistake")
        names += [name for name in self.derivation.backward if name not in names]
        found: list[tuple[str, Problem]] = []
        for name in names:
            own: dict[str, Problem] = {}
            for kind, problem in (one for trace in traces for one in self._false(name, trace)):
                own.setdefault(kind, problem)
            pairs = list(own.items())
            self._random("mistake", name).shuffle(pairs)
            found += pairs
        used: Counter[str] = Counter()

        def worn(one: tuple[str, Problem]) -> tuple[bool, int, int, int]:
            kind, name = one[0], one[1].variable
            return kind in PLAIN, used[kind], used[f"d{name}"], names.index(name)

        while found:
            kind, problem = found.pop(found.index(min(found, key=worn)))
            used.update([kind, f"d{problem.variable}"])
            yield problem

    def _false(self, name: str, trace: Trace) -> Iterator[tuple[str, Problem]]:
        """Yield claims about a gradient that are false at a point, each with its kind."""
        truth = self.derivation.backward[name]
        leaf = self.program.leaves[name]
        for mistake in mistakes(truth, trace.sizes, own=leaf, skipped=self._skipped()):
            try:
                place = trace.differing(f"d{name}", trace.of(mistake.formula))
            except DomainError:
                continue
            if place is not None:
                yield mistake.kind, Problem("mistake", trace, name, place, mistake)

    def _skipped(self) -> dict[Expr, Expr]:
        """Return, for each gradient, the one that entered its statement; for the loss it is 1."""
        return {
            local.gradient: number(1) if local.upstream is None else local.upstream
            for local in self.derivation.locals
        }


# -- helpers ---------------------------------------------------------------------------------------


def _in_turn(queues: list[list[Any]]) -> Iterator[Any]:
    """Yield the first of each queue, then the second of each, and so on."""
    yield from (one for row in zip_longest(*queues) for one in row if one is not None)


def _open(chain: Chain) -> list[int]:
    """Return the steps of which something may be left out: those that say something new."""
    return [
        k
        for k, step in enumerate(chain)
        if step.rule != "definition"
        and not (isinstance(step.right, EntryOf) and step.right.expr.shape.is_scalar)
    ]


def _without_entries(chain: Chain, scalar: bool) -> Chain:
    """Return the proof about numbers without its last line, which only brings back the formula."""
    return tuple(step for step in chain if not (scalar and isinstance(step.right, EntryOf)))


def _tidied(chain: Chain) -> Chain:
    """Return a sweep with one step for each operation, its result as it is after tidying up."""
    kept: list[Step] = []
    for step in chain:
        if kept and not step.facts:
            kept[-1] = replace(kept[-1], right=step.right)
        else:
            kept.append(step)
    return tuple(kept)
