"""A sheet of problems about a program: which are set, with which numbers, and what is the answer.

What enters is a program, a count and a seed; what leaves are plain values: problems in increasing
difficulty, the point at which they are worked, the derivation that proves the formulas. Nothing
unchecked leaves: the formulas are proved, every number agrees with the trace of the two passes, and
a claim in which a mistake is to be found is false at the very numbers that are given with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count as counting
from pathlib import Path
from random import Random
from typing import Any

from derive.catalogue import opened
from derive.circuits.backprop import Trace, backprop
from derive.circuits.circuit import circuit
from derive.circuits.pleasant import pleasant
from derive.documents.pipeline import judged, plain
from derive.expressions.errors import FaultError, SizeError, UnsupportedError
from derive.expressions.expr import Expr, nodes, number, variables
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.program import Program
from derive.judges.slips import PLAIN, Mistake, mistakes
from derive.judges.verify import insist
from derive.language.assumptions import Assumptions, assumed
from derive.language.parse import Shapes
from derive.proof.derivation import Chain, Derivation, EntryOf, Step
from derive.proof.sizes import obeyed, with_values
from derive.readings.exact import (
    DomainError,
    Reading,
    Rows,
    decimal,
    exact_text,
    is_exact,
    precision,
    raw,
)

#: The kinds of problems in increasing difficulty.
KINDS = ("shapes", "forward", "entry", "gradient", "mistake", "gap")
#: The kinds in the order in which a sheet takes them in; then the last four in turn.
FIRST = ("gradient", "forward", "mistake", "entry", "gap", "shapes")
TURNS = ("entry", "gradient", "mistake", "gap")
#: Matrices with more entries are not worked by hand; a sheet has at most so many problems.
MOST_ENTRIES, MOST_PROBLEMS = 36, 60


@dataclass(frozen=True, slots=True)
class Scene:
    """A program at a point: the trace of both passes, and every name's value and gradient.

    `values` holds the names of the program and, as `dX`, their gradients.
    """

    sizes: Mapping[str, int]
    trace: Trace
    values: Mapping[str, Rows]

    def of(self, expr: Expr) -> Rows:
        """Return what an expression over the names comes to."""
        with precision():
            return raw(Reading(self.sizes, self.values).matrix(expr))


@dataclass(frozen=True, slots=True)
class Gap:
    """A chain of a proof with two gaps: the right side of one step, the reason of another.

    `part` says which proof: index, operators or composed; `statement` whose theorem it proves, or
    is empty.
    """

    part: str
    statement: str
    chain: Chain
    formula: int
    reason: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: its kind, the variable that it is about, and what the kind needs.

    `place` is the entry that is asked for, or the one at which a claim is seen to be false.
    """

    number: int
    kind: str
    scene: Scene
    variable: str = ""
    place: tuple[int, int] | None = None
    mistake: Mistake | None = None
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Problems about one program, with everything that their solutions rest on."""

    derivation: Derivation
    scene: Scene
    seed: int
    problems: tuple[Problem, ...]
    name: str = field(default="")

    @property
    def program(self) -> Program:
        return self.derivation.program

    def to_markdown(self, *, solutions: bool = False) -> str:
        """Return the problems, or the problems with their solutions, as Markdown."""
        from derive.documents.exercise import render_exercise

        return render_exercise(self, "md", solutions=solutions)

    def to_latex(self) -> str:
        """Return the sheet as a LaTeX article with a switch that shows the solutions."""
        from derive.documents.exercise import render_exercise

        return render_exercise(self, "tex")

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def save(
        self, folder: str | Path = "output", formats: Sequence[str] = ("md", "tex")
    ) -> list[Path]:
        """Write the sheet into a folder, each file whole or not at all; return their paths."""
        from derive.documents.exercise import save_exercise

        return save_exercise(self, Path(folder), formats)

    def plain(self) -> dict[str, Any]:
        """Return the sheet as plain values, for `--json`."""
        from derive.documents.exercise import texts

        written = texts(self)
        return {
            "program": self.program.lines(),
            "seed": self.seed,
            "sizes": dict(self.scene.sizes),
            "assumed": {name: sorted(words) for name, words in self.derivation.assumed.items()},
            "given": _given(self.scene, self.program),
            "problems": [
                _plain(problem, self) | {"problem": asked, "solution": solved}
                for problem, (asked, solved) in zip(self.problems, written, strict=True)
            ],
        }


def exercise(
    program: str,
    shapes: Shapes | None = None,
    *,
    count: int = 6,
    seed: int = 1,
    at: Mapping[str, int] | None = None,
    wrt: Sequence[str] | None = None,
    assume: Assumptions | None = None,
    name: str = "",
    timeout: float | None = TIMEOUT,
) -> Sheet:
    """Return a sheet of problems about a program's gradients, every solution checked.

    >>> sheet = exercise("X: (n, d); w: (d, 1); y = X @ w", count=3, seed=7)
    >>> [(problem.kind, problem.variable) for problem in sheet.problems]
    [('forward', ''), ('gradient', 'w'), ('mistake', 'w')]
    >>> sheet.to_markdown() == exercise(sheet.program.text, count=3, seed=7).to_markdown()
    True

    `at` gives the sizes, `wrt` the variables to differentiate by, `assume` what the numbers obey.
    Without `at` a problem may have other sizes, where a mistake hides better. Raises `ParseError`,
    `ShapeError`, `UnsupportedError` or `SizeError` for bad input, `LimitError` after `timeout`
    seconds, and `ProofError` where a solution did not pass its check.
    """
    if not 1 <= count <= MOST_PROBLEMS:
        raise UnsupportedError(f"a sheet has from 1 to {MOST_PROBLEMS} problems, not {count}")
    with limited(timeout):
        read, entry = opened(program, shapes, name, [*(wrt or ()), *(assume or ())])
        sizes = {**entry.at, **(at or {})}
        return _Setter(read, sizes, wrt, assume, seed, bool(at)).sheet(count)


class _Setter:
    """Who sets the problems: the program, its proved formulas, and the numbers chosen by seed."""

    def __init__(
        self,
        program: Program,
        at: Mapping[str, int] | None,
        wrt: Sequence[str] | None,
        assume: Assumptions | None,
        seed: int,
        fixed: bool,
    ):
        self.program, self.seed, self.fixed = program, seed, fixed
        self.wrt = program.wanted(tuple(wrt) if wrt is not None else None)
        self.assume = assumed(program, assume or {})
        self.sizes = with_values(program, at)
        self._refuse(self.sizes)
        proved = insist(judged(program, {"at": self.sizes, "wrt": self.wrt, "detail": "brief"}))
        self.program = proved.program  # deep formulas in parts that have names
        self.derivation = replace(proved, assumed=self.assume)  # said; the formulas hold without
        self.scene = self._scene(self.sizes)
        self.scalars = all(leaf.shape.is_scalar for leaf in program.leaves.values())

    def _refuse(self, sizes: Mapping[str, int]) -> None:
        """Refuse matrices that nobody would multiply by hand."""
        for name in self.program.leaves:
            rows, cols = self.program.leaves[name].shape.extents(sizes)
            if rows * cols > MOST_ENTRIES:
                raise SizeError(
                    f"{name} would be {rows}×{cols}, and a matrix of more than {MOST_ENTRIES} "
                    "entries is not worked by hand",
                    hint="choose smaller sizes with --at",
                )

    def sheet(self, count: int) -> Sheet:
        """Return so many problems, the easy ones first, no two alike."""
        queues: dict[str, Iterator[Problem]] = {kind: getattr(self, f"_{kind}")() for kind in KINDS}
        chosen: list[Problem] = []
        waiting = [*FIRST]
        turns = list(TURNS)
        while len(chosen) < count and (waiting or turns):
            if not waiting:
                waiting = [*turns]
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
        numbered = (
            Problem(n, p.kind, p.scene, p.variable, p.place, p.mistake, p.gap)
            for n, p in enumerate(chosen, 1)
        )
        return Sheet(
            self.derivation, self.scene, self.seed, tuple(numbered), self.program.name
        )  # fmt: skip

    # -- numbers -----------------------------------------------------------------------------------

    def _scene(self, sizes: Mapping[str, int]) -> Scene:
        point = pleasant(self.program, sizes, self.seed, assume=self.assume)
        trace = backprop(circuit(self.program), point.sizes, point.values, point.seed)
        values: dict[str, Rows] = {}
        for gate in trace.circuit.gates:
            if gate.name:
                values[gate.name] = trace.values[gate.place]
                values[f"d{gate.name}"] = trace.gradients[gate.place]
        scene = Scene(point.sizes, trace, values)
        for formulas in (self.derivation.backward, self.derivation.gradients):
            for name, formula in formulas.items():
                if not _same(scene.of(formula), values[f"d{name}"]):
                    raise FaultError(
                        f"the formula d{name} = {formula} and the backward pass disagree; this is "
                        "a mistake of the program, and nothing is written"
                    )
        return scene

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
            inside = {node.word for node in nodes(self.derivation.backward[name])}
            group = 0 if "matmul" in inside else 1 if len(inside) > 2 else 2
            if kind == "gap" and inside & {"sum_rows", "sum_cols"}:
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
            yield Problem(0, "shapes", self.scene)

    def _forward(self) -> Iterator[Problem]:
        yield Problem(0, "forward", self.scene)

    def _entry(self) -> Iterator[Problem]:
        """Yield an entry of each variable, then a second one of each; entries that are 0 last."""
        queues = []
        for name in self._ranked("entry"):
            rows = self.scene.values[f"d{name}"]
            places = [(i, j) for i, row in enumerate(rows) for j, _ in enumerate(row)]
            if len(places) > 1:
                self._random("entry", name).shuffle(places)
                zeros = {(i, j) for i, j in places if is_zero(rows[i][j])}
                places.sort(key=zeros.__contains__)
                queues.append([(name, place) for place in places])
        for name, place in _in_turn(queues):
            yield Problem(0, "entry", self.scene, name, place)

    def _gradient(self) -> Iterator[Problem]:
        for name in self._ranked("gradient"):
            yield Problem(0, "gradient", self.scene, name)

    def _gap(self) -> Iterator[Problem]:
        """Yield chains of the proof with gaps at places that the seed chooses."""
        ranked = self._ranked("gap")
        order = [*ranked, *(name for name in self.derivation.backward if name not in ranked)]
        found: list[tuple[str, str, str, Chain]] = []
        for local in sorted(
            self.derivation.locals, key=lambda local: order.index(local.variable.data[0])
        ):
            about = local.variable.data[0], local.statement.name
            # numbers have no entries: the proof of a long formula of theirs is the sweep itself
            sweep = local.statement.expr.shape.is_scalar and local.variable.shape.is_scalar
            if sweep and local.operators:
                found.append((*about, "operators", _tidied(local.operators)))
            else:
                scalar = all(leaf.shape.is_scalar for leaf in variables(local.statement.expr))
                found.append((*about, "index", _without_entries(local.index, scalar)))
        for name in self.derivation.gradients:
            if name in self.derivation.composed:
                found.append((name, "", "composed", self.derivation.composed[name]))
        queues = []
        for name, statement, part, chain in found:
            places = _open(chain)
            gaps = [Gap(part, statement, chain, a, b) for a in places for b in places if a != b]
            self._random("gap", name, statement, part).shuffle(gaps)
            queues.append([Problem(0, "gap", self.scene, name, gap=gap) for gap in gaps])
        yield from _in_turn(queues)

    def _mistake(self) -> Iterator[Problem]:
        """Yield false claims: a new kind of mistake and a new name each time, as far as it goes;
        those that every formula admits come last."""
        scenes = [self.scene]
        if not self.fixed and self.program.dims:
            equal = {dim: self.program.sizes.get(dim, 2) for dim in self.program.dims}
            if equal != dict(self.sizes) and obeyed(self.derivation.relations, equal):
                scenes.append(self._scene(self.program.at(equal)))
        names = self._ranked("mistake")
        names += [name for name in self.derivation.backward if name not in names]
        found: list[Problem] = []
        for name in names:
            kinds: dict[str, Problem] = {}
            for problem in (p for scene in scenes for p in self._false(name, scene)):
                assert problem.mistake is not None
                kinds.setdefault(problem.mistake.kind, problem)
            own = list(kinds.values())
            self._random("mistake", name).shuffle(own)
            found += own
        used: Counter[str] = Counter()

        def worn(problem: Problem) -> tuple[bool, int, int, int]:
            assert problem.mistake is not None
            kind, name = problem.mistake.kind, problem.variable
            return (kind in PLAIN, used[kind], used[f"d{name}"], names.index(name))

        while found:
            problem = min(found, key=worn)
            found.remove(problem)
            assert problem.mistake is not None
            used.update([problem.mistake.kind, f"d{problem.variable}"])
            yield problem

    def _false(self, name: str, scene: Scene) -> Iterator[Problem]:
        """Yield claims about a gradient that are false at a scene, with an entry that shows it."""
        truth = self.derivation.backward[name]
        leaf = self.program.leaves[name]
        for mistake in mistakes(truth, scene.sizes, own=leaf, skipped=self._skipped()):
            try:
                claimed = scene.of(mistake.formula)
            except DomainError:
                continue
            place = _differing(claimed, scene.values[f"d{name}"])
            if place is not None:
                yield Problem(0, "mistake", scene, name, place, mistake)

    def _skipped(self) -> dict[Expr, Expr]:
        """Return, for each gradient, the one that entered its statement; for the loss it is 1."""
        return {
            local.gradient: number(1) if local.upstream is None else local.upstream
            for local in self.derivation.locals
        }


# -- helpers ---------------------------------------------------------------------------------------


def is_zero(value: Any) -> bool:
    return is_exact(value) and bool(value == 0)


def needed(roots: Sequence[Expr], formulas: Mapping[str, Expr]) -> list[str]:
    """Return the names that formulas rest on and that have formulas themselves, in the order of
    the work."""
    order: dict[str, None] = {}

    def visit(expr: Expr) -> None:
        for leaf in variables(expr):
            name = leaf.data[0]
            if name in formulas and name not in order:
                visit(formulas[name])
                order[name] = None

    for root in roots:
        visit(root)
    return list(order)


def _in_turn(queues: list[list[Any]]) -> Iterator[Any]:
    """Yield the first of each queue, then the second of each, and so on."""
    for k in counting():
        row = [queue[k] for queue in queues if k < len(queue)]
        if not row:
            return
        yield from row


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


def _same(a: Rows, b: Rows) -> bool:
    """Whether matrices are equal: exactly, or as intervals that meet."""
    return all(
        (x == y if is_exact(x) and is_exact(y) else (x - y).contains(0))
        for row, line in zip(a, b, strict=True)
        for x, y in zip(row, line, strict=True)
    )


def _differing(a: Rows, b: Rows) -> tuple[int, int] | None:
    """Return the first entry at which matrices differ for certain."""
    with precision():
        for i, (row, line) in enumerate(zip(a, b, strict=True)):
            for j, (x, y) in enumerate(zip(row, line, strict=True)):
                gap = x - y
                if gap != 0 if is_exact(gap) else not gap.contains(0):
                    return i, j
    return None


# -- plain values ----------------------------------------------------------------------------------


def _number(value: Any) -> dict[str, str | None]:
    return {"exact": exact_text(value), "decimal": decimal(value)}


def _matrix(rows: Rows) -> Any:
    if len(rows) == len(rows[0]) == 1:
        return _number(rows[0][0])
    return [[_number(x) for x in row] for row in rows]


def _given(scene: Scene, program: Program) -> dict[str, Any]:
    names = [name for name in program.inputs if name in program.reaching()]
    names += [] if program.is_loss else [f"d{program.output}"]
    return {name: _matrix(scene.values[name]) for name in names}


def _plain(problem: Problem, sheet: Sheet) -> dict[str, Any]:
    """Return a problem and its answer as plain values."""
    scene, derivation = problem.scene, sheet.derivation
    written = sheet.program.written
    found: dict[str, Any] = {"number": problem.number, "kind": problem.kind}
    if problem.variable:
        found["variable"] = problem.variable
    if scene is not sheet.scene:
        found |= {"sizes": dict(scene.sizes), "given": _given(scene, sheet.program)}
    answer: dict[str, Any] = {}
    match problem.kind:
        case "shapes":
            answer = {
                f"d{name}": list(sheet.program.leaves[name].shape.extents(scene.sizes))
                for name in derivation.backward
            }
        case "forward":
            answer = {
                s.name: _matrix(scene.values[s.name])
                for s in sheet.program.statements
                if s.name in sheet.program.reaching()
            }
        case "entry" if problem.place is not None:
            i, j = problem.place
            found["entry"] = [i + 1, j + 1]
            answer = {"value": _number(scene.values[f"d{problem.variable}"][i][j])}
        case "gradient":
            formula = written(derivation.backward[problem.variable])
            answer = {
                "formula": f"d{problem.variable} = {formula}",
                "value": _matrix(scene.values[f"d{problem.variable}"]),
            }
        case "mistake" if problem.mistake is not None and problem.place is not None:
            (i, j), name = problem.place, problem.variable
            found["claim"] = f"d{name} = {written(problem.mistake.formula)}"
            answer = {
                "mistake": problem.mistake.kind,
                "about": [written(expr) for expr in problem.mistake.about],
                "formula": f"d{name} = {written(derivation.backward[name])}",
                "entry": [i + 1, j + 1],
                "claimed": _number(scene.of(problem.mistake.formula)[i][j]),
                "true": _number(scene.values[f"d{name}"][i][j]),
            }
        case "gap" if problem.gap is not None:
            gap = problem.gap
            found["lines"] = [
                {"left": plain(step.left), "right": "?" if k == gap.formula else plain(step.right),
                 "reason": "?" if k == gap.reason else step.rule}
                for k, step in enumerate(gap.chain)
            ]  # fmt: skip
            answer = {
                "line": gap.formula + 1, "right": plain(gap.chain[gap.formula].right),
                "reason line": gap.reason + 1, "reason": gap.chain[gap.reason].rule,
            }  # fmt: skip
    return found | {"answer": answer}


__all__ = ["Gap", "Problem", "Scene", "Sheet", "exercise", "needed"]
