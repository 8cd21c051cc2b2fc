"""The four hops in one function, and the object that it returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from derive.algebra.forms import TooLarge
from derive.catalogue import Entry, opened
from derive.documents.files import told
from derive.documents.model import Block
from derive.documents.page import Document
from derive.expressions.errors import ProofError, UnsupportedError
from derive.expressions.expr import Expr, substitute, times_written, variables
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.program import Program
from derive.expressions.shape import Product
from derive.judges.case import Case
from derive.judges.verify import TheoremTooLarge, insist, verify
from derive.language.assumptions import Assumptions, assumed
from derive.language.parse import Shapes
from derive.notation.mathematics import Style
from derive.notation.messages import hypothesis, language, of_entry
from derive.proof.derivation import Derivation, Place, Step
from derive.proof.explain import DETAILS, explain
from derive.proof.parts import spoken, taken_apart
from derive.proof.plain import plain
from derive.proof.roads import READABLE, STATEMENTS, THEOREMS, WHOLE
from derive.proof.sizes import sizes_at
from derive.proof.verdict import PROVED, REFUTED, UNDECIDED, Verdict

if TYPE_CHECKING:
    from derive.catalogue.recursion import Recursion
    from derive.circuits.backprop import Trace
    from derive.documents.graphs import Graph
    from derive.documents.induction import Layers
    from derive.expressions.layout import Box
    from derive.proof.induction import Induction


def prove(
    program: str | Program | Entry,
    shapes: Shapes | None = None,
    *,
    at: Mapping[str, int] | None = None,
    wrt: Sequence[str] | None = None,
    assume: Assumptions | None = None,
    data: Sequence[str] = (),
    detail: str | None = None,
    style: Style | None = None,
    name: str = "",
    max_entries: int = 1_000_000,
    progress: Callable[[str], None] | None = None,
    timeout: float | None = TIMEOUT,
    claims: Mapping[str, Sequence[Expr]] | None = None,
    expanded: bool = False,
) -> Proof:
    """Derive a program's gradients and prove them, every step checked by another road.

    >>> proof = prove("X: (n, d); w: (d, 1); y = X @ w", at={"n": 2, "d": 3})
    >>> proof.gradients
    {'X': 'dy @ w.T', 'w': 'X.T @ dy'}
    >>> {verdict.word for verdict in proof.verdicts}
    {'proved'}

    `program` is a text or a name of the catalogue, `shapes` gives shapes beside the text
    (`{"X": ("n", "d")}`), `at` the sizes at which entries are written out, `wrt` the variables, by
    default all inputs but `data` and what the catalogue calls so, and `assume` what holds of an
    input besides what the catalogue says (`{"A": "symmetric"}`): the gradient is
    taken as if nothing did, and what is assumed then makes it shorter. `detail` is full, lecture,
    one or brief: lecture for several statements and full for one where nothing is said. `style` is
    the notation, `timeout` the seconds that it may take; with `claims`, formulas in the program's
    names, the proof goes on to these. The gradients are a short list of statements, or where they
    are `expanded` each is one formula of the inputs. Raises `ParseError`, `ShapeError`,
    `UnsupportedError` or `SizeError` for bad input, `LimitError` where it takes too long, and
    `ProofError` where a step was not proved: nothing unproved is returned.
    """
    if detail not in (None, *DETAILS):
        raise UnsupportedError(f"there is no detail {detail!r}", hint=f"it is {', '.join(DETAILS)}")
    with limited(timeout):
        read, entry = opened(program, shapes, name, wrt or (), layer=True)
        every = entry.recursion if entry.recursion and entry.recursion.every else None
        if every and (wrt or claims):
            raise UnsupportedError(
                f"{entry.name} is about every number of layers: a layer's step needs all gradients",
                hint="leave out which are wanted, or say how many layers: --layers 3",
            )
        sizes = {**entry.at, **(at or {})}
        wanted = read.wanted(wrt, () if every else (*entry.data, *data))
        forms = {} if every or claims or detail == "brief" else _forms(read, entry, wanted)
        options = {
            "at": sizes, "wrt": wanted, "claims": claims or forms,
            "detail": "lecture" if every else detail or usual(read),
            "max_entries": max_entries, "assume": assumed(read, entry.assuming(assume)),
            "form": READABLE if claims or every else WHOLE if expanded else STATEMENTS,
        }  # fmt: skip
        try:
            found = insist(judged(read, options, progress))
        except ProofError:  # the judges of a claim know more than those of a step
            if not forms:
                raise
            found = insist(judged(read, options | {"claims": None}, progress))
        found, style = replace(found, mistake=_mistake(read, entry)), style or Style(elide=6)
        return _layered(every, found, style) if every else Proof(found, style, detail == "full")


def _layered(every: Recursion, found: Derivation, style: Style) -> Recurrence:
    """Return the proof for every number of layers, by induction."""
    from derive.judges.induction import held
    from derive.proof.induction import induction

    return Recurrence(found, style, induction=held(induction(every, found)))


def _mistake(read: Program, entry: Entry) -> tuple[str, Expr, str] | None:
    """Return what is usually written for a gradient, where the entry says that and it fits."""
    said = entry.mistake and Case(read).reads(entry.mistake.claim)
    return (said.name, said.expr, of_entry(entry, "why")) if entry.mistake and said else None


def _forms(read: Program, entry: Entry, wanted: Sequence[str]) -> dict[str, list[Expr]]:
    """Return the forms of a gradient of which the literature has two, where they are all known."""
    case, found = Case(read), dict[str, list[Expr]]()
    for claim in map(case.read, entry.claims if entry.name else ()):
        found.setdefault(claim.name, []).append(claim.expr)
    return {name: forms for name, forms in found.items() if name in wanted and len(forms) > 1}


def judged(
    program: Program, options: Mapping[str, Any], progress: Callable[[str], None] | None = None
) -> Derivation:
    """Return a program's derivation with its verdicts.

    In a lecture the parts of a formula have names of which a lecturer would speak. A program whose
    statements are too large to be judged at once is judged part by part. Gradients whose short form
    is not proved stay as the theorems say them.
    """
    if options["detail"] == "lecture":
        program = spoken(program)
    for way in (program, *apart) if (apart := list(taken_apart(program))) else ():
        try:
            return _verified(way, options, progress, hurried=True)
        except TooLarge:
            continue
    return _verified(program, options, progress)


def _verified(
    program: Program,
    options: Mapping[str, Any],
    progress: Callable[[str], None] | None,
    hurried: bool = False,
) -> Derivation:
    explained = explain(program, **options)
    try:
        found = verify(explained, progress, hurried=hurried)
        words = {v.word for s in found.steps() for v in s.verdicts}
        if options.get("form") != STATEMENTS or UNDECIDED not in words or REFUTED in words:
            return found
    except TheoremTooLarge:  # the theorems are the same in every form
        raise
    except TooLarge:
        if not explained.composed:
            raise
    return verify(explain(program, **{**options, "form": THEOREMS}), progress, hurried=hurried)


@dataclass(frozen=True, slots=True, repr=False)
class Proof(Document):
    """A proved derivation and the notation in which it is shown; with an `appendix`, a table says
    how each equation was checked. What is made of it in a language is `made` once."""

    derivation: Derivation
    style: Style = field(default_factory=Style)
    appendix: bool = False
    made: dict[str, list[Block]] = field(default_factory=dict, init=False, compare=False)

    @property
    def gradients(self) -> dict[str, str]:
        """The gradient of the loss by each variable, in input syntax, in terms of `statements`."""
        d = self.derivation
        if d.form == WHOLE:
            return {n: d.program.written(d.program.composed(e)) for n, e in d.gradients.items()}
        if d.form == READABLE:
            return self._written(d.gradients)
        texts = dict(self._lines)
        return {name: texts[f"d{name}"] for name in d.gradients}

    @property
    def statements(self) -> tuple[tuple[str, str], ...]:
        """What stands in the gradients and has no name in the program, each by those before it."""
        d = self.derivation
        own = {*dict(d.statements), *d.program.parts} if d.form in (STATEMENTS, THEOREMS) else set()
        return tuple((name, text) for name, text in self._lines if name in own)

    @property
    def lines(self) -> tuple[tuple[str, Expr], ...]:
        """The statements and the gradients as expressions, those of the inputs where expanded."""
        d = self.derivation
        if d.form != WHOLE:
            return d.lines
        return tuple((name, d.program.composed(value)) for name, value in d.lines)

    @property
    def _lines(self) -> tuple[tuple[str, str], ...]:
        """The lines in input syntax, what the program's own parts stand for among them."""
        program = self.derivation.program
        lines = [(s.name, s.expr) for s in program.statements if s.name in program.parts]
        lines += self.lines
        for name in program.parts:  # what is written once needs no name
            leaf, value = program.leaves[name], dict(lines)[name]
            if sum(times_written(e, leaf) for _, e in lines) < 2:
                lines = [(n, substitute(e, {leaf: value})) for n, e in lines if n != name]
        return tuple((name, program.spelled(value)) for name, value in lines)

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """What must hold of the sizes and of the inputs, in words."""
        d = self.derivation
        words = (hypothesis(c, d.program.written) for group in d.conditions for c in group)
        return tuple(dict.fromkeys([*map(str, d.relations), *words]))

    @property
    def backward(self) -> dict[str, str]:
        """The gradient by every name on the way back, each in terms of the one before it."""
        return self._written(self.derivation.backward)

    def _written(self, values: Mapping[str, Expr]) -> dict[str, str]:
        d = self.derivation
        return {
            name: d.program.written(self._by_own_names(value))
            for name, value in values.items() if name not in d.program.parts
        }  # fmt: skip

    def _by_own_names(self, expr: Expr) -> Expr:
        """Return a formula without the gradients of parts that the user gave no name."""
        d = self.derivation
        for name in reversed(list(d.backward)):  # those nearest to the output come last
            if name not in d.program.parts:
                continue
            leaf = next((x for x in variables(expr) if x.data[0] == f"d{name}"), None)
            if leaf is not None:
                expr = substitute(expr, {leaf: d.backward[name]})
        return expr

    @property
    def steps(self) -> list[Step]:
        """Every equation of the document, in order, with its rule and its verdicts."""
        return self.derivation.steps()

    @property
    def verdicts(self) -> list[Verdict]:
        """What the judges found, for every step."""
        return [verdict for step in self.steps for verdict in step.verdicts]

    @property
    def proved(self) -> bool:
        return all(step.proved for step in self.steps)

    @property
    def name(self) -> str:
        """The file name of the document: the program's name and its sizes."""
        d = self.derivation
        sizes = "x".join(str(d.sizes[dim]) for dim in d.program.dims)
        return f"{d.program.name}-{sizes}" if sizes else d.program.name

    @property
    def question(self) -> dict[str, Any]:
        return self.derivation.question | {"style": told(self.style), "appendix": self.appendix}

    def named(self, name: str) -> dict[str, Any]:
        return {"prefix": prefix_of(name)}

    def blocks(self) -> Iterator[Block]:
        from derive.documents.prove import Writer

        said = language()
        if said not in self.made:
            told = Writer
            if self.derivation.detail == "lecture":
                from derive.documents.lecture import Lecture as told
            page = told(self.derivation, self.style)
            page.appendix = self.appendix
            self.made[said] = list(page.blocks())
        yield from self.made[said]

    def runnable(self) -> Iterator[Block]:
        from derive.documents.runnable import runnable

        return runnable(self.derivation, self.hypotheses)

    def entries(self, name: str, at: Mapping[str, int] | None = None) -> Any:
        """Return a value or a gradient written out, as a matrix of SymPy.

        >>> proof = prove("X: (n, d); w: (d, 1); y = X @ w", at={"n": 1, "d": 2}, detail="brief")
        >>> proof.entries("y"), proof.entries("dX")
        (Matrix([[X_1,1*w_1,1 + X_1,2*w_2,1]]), Matrix([[dy_1,1*w_1,1, dy_1,1*w_2,1]]))

        Its entries are expressions in symbols: those of the inputs and of the gradient of the
        output, at the sizes of the document or `at` others. Raises `UnsupportedError` for a name
        that there is not, `SizeError` for sizes that do not fit.
        """
        from derive.readings.symbolic import written

        d = self.derivation
        formulas = dict(self.lines)
        formulas |= {f"d{n}": e for n, e in d.backward.items() if f"d{n}" not in formulas}
        return written(d.program, formulas, sizes_at(d.program, {**d.sizes, **(at or {})}), name)

    def plain(self) -> dict[str, Any]:
        """Return the proof as plain values, for `--json`."""
        return self.trace()

    def trace(self) -> dict[str, Any]:
        """Return the whole trace as plain values."""
        d = self.derivation
        return {
            "program": d.program.lines(),
            "shapes": {
                name: [str(dim) if isinstance(dim, Product) else dim for dim in shape.dims]
                for name, leaf in d.program.leaves.items()
                for shape in (leaf.shape.at(d.program.sizes),)
            },
            "sizes": dict(d.sizes),
            "wrt": list(d.wrt),
            "assumed": {name: sorted(words) for name, words in d.assumed.items()},
            "hypotheses": list(self.hypotheses),
            "statements": [list(pair) for pair in self.statements],
            "gradients": self.gradients,
            "backward": self.backward,
            "proved": self.proved,
            "equations": len(d.numbers()),
            "steps": [
                _plain_step(step, d.numbers(), place)
                for place, chain in d.equations()
                for step in chain
            ],
            "carried": d.carried and d.carried._asdict() | {"sizes": dict(d.carried.sizes)},
            "numbers": [one._asdict() | {"sizes": dict(one.sizes)} for one in d.agreements],
        }


def proved_at(about: Derivation | Graph, trace: Trace | None) -> Iterator[Block]:
    """Yield what a notebook runs after a document about a program at a point: the gradients, which
    are proved first, and their check there, or elsewhere if something jumps there."""
    from derive.documents.runnable import runnable, trial_at

    program, wrt = about.program, about.wrt if isinstance(about, Derivation) else None
    assume = {name: sorted(words) for name, words in about.assumed.items()}
    proof = prove(program, wrt=wrt, assume=assume, detail="brief", timeout=None)
    at = None
    if trace is not None:
        values = {name: trace.rows(name) for name in program.inputs}
        if not program.is_loss:
            values[f"d{program.output}"] = trace.rows(f"d{program.output}")
        at = trial_at(proof.derivation, trace.sizes, values)
    yield from runnable(proof.derivation, proof.hypotheses, at)


def usual(program: Program) -> str:
    """Return how much a document tells where nobody says: of one statement all, of several what a
    lecturer would."""
    several = len(program.reaching() - {*program.inputs}) > 1
    return "lecture" if several else "full"


@dataclass(frozen=True, slots=True, repr=False)
class Recurrence(Proof):
    """The gradients of every number of layers, proved by induction; `derivation` is about one.

    >>> found = prove("deep-network")
    >>> found.gradients["W[l]"], found.proved, [one.layers for one in found.induction.unrolled]
    ('dZ[l] @ H[l-1].T', True, [1, 2, 3])
    """

    induction: Induction = None  # type: ignore[assignment]

    @property
    def gradients(self) -> dict[str, str]:
        """The gradient by each name of a layer, in those of the layer behind it; the number of a
        layer stands in square brackets."""
        return self.induction.written()

    @property
    def backward(self) -> dict[str, str]:
        return self.gradients

    @property
    def proved(self) -> bool:
        said = {word for one in self.induction.unrolled for word in one.verdicts.values()}
        return all(step.proved for step in self.steps) and said == {PROVED}

    @property
    def name(self) -> str:
        return self.derivation.program.name

    @property
    def question(self) -> dict[str, Any]:
        return self.derivation.question | {"every": True, "style": told(self.style)}

    def blocks(self) -> Iterator[Block]:
        return self._layers().blocks()

    def runnable(self) -> Iterator[Block]:
        """Return what runs for two layers, which are proved anew."""
        two = self.induction.recursion.chosen({"layers": "2"})
        return prove(two.program(), detail="brief").runnable()

    def entries(self, name: str, at: Mapping[str, int] | None = None) -> Any:
        """Raises `UnsupportedError`: what has any number of layers is not written out."""
        raise UnsupportedError(
            "entries are written for one number of layers, and this is about every one",
            hint="say how many: --layers 3",
        )

    def formulas(self) -> list[tuple[Box, Box]]:
        """Return each gradient and what it is, as layout."""
        return [*self._layers().formulas(shapes=False)]

    def _layers(self) -> Layers:
        from derive.documents.induction import Layers

        return Layers(self.induction, self.style)

    def trace(self) -> dict[str, Any]:
        recursion = self.induction.recursion
        return super(Recurrence, self).trace() | {
            "recursion": {
                "index": recursion.index, "count": recursion.count,
                "gives": self.induction.hypothesis, "takes": self.induction.conclusion,
                "given": f"d{self.induction.hypothesis}[{recursion.count}]",
                "shared": list(recursion.shared),
            },
            "unrolled": [
                {"layers": one.layers, "gradients": dict(one.gradients),
                 "verdicts": dict(one.verdicts)}
                for one in self.induction.unrolled
            ],
        }  # fmt: skip


def prefix_of(name: str) -> str:
    """Return how the labels of a document begin, so that no two documents share them."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name) + ":"


def _plain_step(step: Step, numbers: Mapping[Place, int], place: Place) -> dict[str, Any]:
    return {
        "equation": numbers[place],
        "left": plain(step.left),
        "right": plain(step.right),
        "rule": step.rule,
        "cites": sorted(numbers.get(at) or numbers[(*place[:2], *at)] for at in step.cites),
        "part": step.part,
        "statement": step.theme or None,
        "variable": step.about or None,
        "verdicts": [{"word": v.word, "scope": v.scope, "method": v.method} for v in step.verdicts],
    }
