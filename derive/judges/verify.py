"""The judges: each looks at a step by a road that did not produce it.

The *index* judge compares normal forms, for every shape; a gradient means to it the sum of the
chain rule over derivatives of normal forms. The *entries* judge writes both sides out at sizes,
where a gradient is assembled from every y_ij differentiated on its own. The *forward* judge
differentiates the whole program forwards. *Numbers* are central differences in rigorous intervals.
No judge reads a gradient rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

from derive.algebra.forms import MOST_STEPS, Budget, TooLarge
from derive.expressions.errors import ProofError
from derive.expressions.expr import Expr, nodes, unrepeated
from derive.expressions.limits import during
from derive.expressions.program import Program, Statement
from derive.judges.citations import AlgebraJudge
from derive.judges.differences import first_agreement
from derive.judges.forwards import ForwardJudge
from derive.judges.indices import IndexJudge
from derive.judges.judge import Judge, Sizes
from derive.judges.tangents import carried
from derive.judges.written import EntriesJudge
from derive.notation.messages import Message, say
from derive.proof.derivation import (
    Agreement,
    Chain,
    Derivation,
    EntryOf,
    Explicit as ExplicitMath,
    Grid,
    Lemma,
    Local,
    Math,
    Slice,
    Step,
)
from derive.proof.explain import LEMMA
from derive.proof.shares import shares
from derive.proof.sizes import Relation, chosen, most_composed
from derive.proof.verdict import REFUTED, UNDECIDED, Road, Verdict
from derive.readings.counts import is_defined

#: Takes a message that says what is being checked.
Progress = Callable[[Message], None]
J = TypeVar("J", bound="Judge")

#: Sizes at which statements about every shape are written out besides, in turn for each dimension.
PROBES = ((1, 3, 2), (4, 2, 1))
#: The same for whole programs, and where a program has determinants in it.
SMALL_PROBES = ((1, 3, 2), (2, 1, 3))
#: Sizes that are tried where a program has no value at those.
MORE_PROBES = ((2, 1, 1), (3, 2, 1), (3, 1, 2), (1, 1, 1), (2, 2, 2))
#: The whole program is differentiated forwards by so many steps, and no further.
WHOLE = 100_000
#: A theorem is written out at sizes by so many steps, and at smaller sizes where it takes more.
PROBE = 100_000
#: In a hurry all questions together take so many steps.
HURRIED = 1_000_000
#: Up to so many statements times variables each gradient has central differences of its own.
ONE_BY_ONE = 100
#: A point for numbers has no dimension larger than this.
SMALL = 3


class TheoremTooLarge(TooLarge):
    """The theorem of a statement is too large to be judged, whatever is made of it afterwards."""


@during("checking")
def verify(
    derivation: Derivation, progress: Progress | None = None, *, hurried: bool = False
) -> Derivation:
    """Return the derivation with a verdict on every step, and the agreement of numbers.

    With `hurried`, less work is done, and `TooLarge` raised where it leaves a step undecided, or
    `TheoremTooLarge` where that is a step of a single statement.

    Raises `ProofError` where no point was found at which the hypotheses of the theorem hold.
    """
    if derivation.tied:
        node = derivation.tied[0]
        a, b = map(unrepeated, node.args)
        raise ProofError(
            f"{node} has ties whatever the inputs are: {a} and {b} are the same number somewhere, "
            f"as on a diagonal, and the rule for {node.name} holds where they differ"
        )
    if not derivation.satisfied:
        raise ProofError(
            "no point was found at which everything has a value and a derivative",
            hint="look for a division by zero, or the root or logarithm of what is never positive",
        )
    return _Court(derivation, progress or (lambda message: None), hurried).judged()


def insist(derivation: Derivation) -> Derivation:
    """Return a derivation, every step of it proved; raise `ProofError` at the first that is not."""
    for step in derivation.every_step():
        if not step.proved:
            found = next((v for v in step.verdicts if not v.proved), None)
            word = found.word if found else UNDECIDED
            where = f" in the theorem of {step.theme}" if step.theme else ""
            raise ProofError(
                f"a step was not proved: {describe(step)} (rule {step.rule}, part {step.part}"
                f"{where}) is {word}",
                refuted=word == REFUTED,
                hint=f"{found.method}: {found.detail or found.scope}" if found else None,
            )
    return derivation


def describe(step: Step) -> str:
    """Return a step as a short line of text."""
    return f"{_brief(step.left)} = {_brief(step.right)}"


def _brief(math: Math) -> str:
    match math:
        case Expr():
            return str(math)
        case ExplicitMath(expr):
            return str(expr)
        case EntryOf(expr, place):
            return f"({expr})[{', '.join(map(str, place))}]"
        case Grid(leaf=leaf):
            return f"the entries of {leaf.shape}"
        case Slice(of, wrt):
            return f"d{of}/d{wrt.data[0]}{list(wrt.data[1:])}"
    return f"a {math.kind} of {math.data or len(math.args)}"


def probes(
    program: Program, small: bool = False, relations: Sequence[Relation] = ()
) -> tuple[Sizes, ...]:
    """Return small sizes that differ from each other and from a square, and obey some relations.

    Where a program inverts, only sizes at which it has a value are of use, and those come first at
    which what it inverts is small, unless that is an input as it is.
    """
    costly = any(node.op.costly for s in program.statements for node in nodes(s.expr))
    found = list(_obeying(program, relations, SMALL_PROBES if small or costly else PROBES))
    if not found:
        return (dict.fromkeys(program.dims, 2),)
    if not program.dims:
        return (found[0],)
    if not costly:
        return tuple(found)

    def is_large(sizes: Sizes) -> bool:
        return most_composed(program, sizes) > 2

    if not all(is_defined(program, sizes) and not is_large(sizes) for sizes in found):
        others = (s for s in _obeying(program, relations, MORE_PROBES) if s not in found)
        defined = [sizes for sizes in (*found, *others) if is_defined(program, sizes)]
        return tuple(sorted(defined, key=is_large)[:2] or found)
    return tuple(found)


def _obeying(
    program: Program, relations: Sequence[Relation], numbers: Iterable[Sequence[int]]
) -> Iterator[dict[str, int]]:
    """Yield sizes that take some numbers in turn, changed as little as relations ask for."""
    found = (chosen(program.dims, relations, few) for few in numbers)
    yield from (sizes for sizes in found if sizes is not None)


class _Court:
    """The judges of one derivation, each made when it is first needed."""

    def __init__(self, derivation: Derivation, progress: Progress, hurried: bool = False):
        self.derivation = derivation
        self.progress = progress
        self.hurried = hurried
        self.budget = Budget(HURRIED if hurried else MOST_STEPS)
        self.whole = Budget(WHOLE)
        self.probes = probes(derivation.program, relations=derivation.relations)
        self.small_probes = probes(derivation.program, True, derivation.relations)
        self.statements = {s.name: s for s in derivation.program.statements}

    def judged(self) -> Derivation:
        d = self.derivation
        lemmas = tuple(self._lemma(lemma) for lemma in d.lemmas)
        forward = tuple(step for s in d.forward for step in self._written((s,)))
        locals_ = tuple(self._local(local) for local in d.locals)
        self.progress(say("progress.whole"))
        whole: dict[str, Any] = {
            part: {name: self._whole(chain) for name, chain in getattr(d, part).items()}
            for part in ("totals", "composed", "assuming", "claimed")
        }
        judged = replace(
            d, lemmas=lemmas, forward=forward, locals=locals_, stated=self._whole(d.stated), **whole
        )
        if not all(step.proved for step in judged.every_step()):
            words = {verdict.word for step in judged.every_step() for verdict in step.verdicts}
            if self.hurried and REFUTED not in words:
                raise TooLarge
            return judged
        if d.detail == LEMMA:
            return judged  # the whole program has numbers
        self.progress(say("progress.numbers"))
        small = {dim: min(k, SMALL) for dim, k in d.sizes.items()}
        return replace(
            judged,
            agreements=tuple(self._agreements(small)),
            carried=carried(judged, small),
            probes=self.probes,
        )

    # -- local theorems ----------------------------------------------------------------------------

    def _lemma(self, lemma: Lemma) -> Lemma:
        """Return a lemma with its verdicts: one about a kind of statement is judged as that is."""
        if lemma.statement is None:
            return judged_lemma(lemma)
        self.progress(say("progress.lemma", name=lemma.statement.name))
        found = _Court(lemma.derivation, self.progress, self.hurried).judged()
        claim = tuple(step for local in found.locals for step in local.claim)
        return replace(lemma, derivation=found, claim=claim)

    def _written(self, chain: Chain) -> Chain:
        """Return a chain of one theme, judged at the document's sizes."""
        return tuple(
            replace(step, verdicts=(self._sized(step.theme).verdict(step),)) for step in chain
        )

    def _local(self, local: Local) -> Local:
        theme = local.statement.name
        self.progress(say("progress.gradient", name=theme, variable=str(local.variable)))
        if self.derivation.detail == "lecture":
            return replace(local, claim=self._whole(local.claim))

        def general(chain: Chain) -> Chain:
            return tuple(self._general(step, theme) for step in chain)

        found: dict[str, Any] = {
            part: judge(getattr(local, part))
            for judge, parts in (
                (self._written, ("slice", "one", "entries", "assembly")),
                (general, ("claim", "index", "operators", "exchange", "depends")),
            )
            for part in parts
        }
        if local.lines is not None:
            found["lines"] = local.lines._replace(steps=general(local.lines.steps))
        return replace(local, **found)

    def _general(self, step: Step, theme: str) -> Step:
        verdicts = [self._index(theme).verdict(step)]
        if self.hurried and verdicts[0].word == UNDECIDED:
            raise TheoremTooLarge
        verdicts += dict.fromkeys(self._probed(step, theme, k) for k in range(len(self.probes)))
        if step.part == "theorem":
            verdicts += self._forwards(step)
        return replace(step, verdicts=tuple(verdicts))

    def _sized(self, theme: str) -> EntriesJudge:
        return self._kept(("sized", theme), lambda: EntriesJudge(
            self.derivation, self.statements[theme], self.derivation.sizes,
            self.budget, others=self._named(theme)))  # fmt: skip

    def _probed(self, step: Step, theme: str, probe: int) -> Verdict:
        """Return what is found of a step that is written out, at small sizes if need be."""
        found = self._entries(theme, probe, small=False).tried(step)
        return found or self._entries(theme, probe, small=True).verdict(step)

    def _entries(self, theme: str, probe: int, small: bool) -> EntriesJudge:
        sizes = (self.small_probes if small else self.probes)[probe]
        return self._kept(("probe", theme, probe, small), lambda: EntriesJudge(
            self.derivation, self.statements[theme], sizes,
            self.budget if small else Budget(PROBE), others=self._named(theme)))  # fmt: skip

    def _index(self, theme: str) -> IndexJudge:
        return self._kept(("index", theme), lambda: IndexJudge(
            self.derivation, self.statements[theme], self.budget,
            others=self._named(theme)))  # fmt: skip

    def _named(self, theme: str) -> list[Statement]:
        """Return the names of other values that a proof about a statement speaks of."""
        found = shares(self.derivation.program, self.statements[theme])
        return [share for share in found if share.name != theme]

    def _kept(self, key: tuple[Any, ...], make: Callable[[], J]) -> J:
        known: dict[tuple[Any, ...], Any] = self.__dict__.setdefault("_judges", {})
        if key not in known:
            known[key] = make()
        return known[key]

    # -- the whole program -------------------------------------------------------------------------

    def _whole(self, chain: Chain) -> Chain:
        algebra = self._kept(("algebra",), lambda: AlgebraJudge(self.derivation, self.budget))
        return tuple(
            replace(step, verdicts=(algebra.verdict(step), *self._forwards(self._put_in(step))))
            for step in chain
        )

    def _put_in(self, step: Step) -> Step:
        """Return a step about gradients and the user's names alone."""
        left, right = (self.derivation.put_in(side) for side in (step.left, step.right))  # type: ignore[arg-type]
        return replace(step, left=left, right=right)

    def _forwards(self, step: Step) -> list[Verdict]:
        """Return what the whole program says that is differentiated forwards, as far as it goes.

        That road multiplies everything out. What it leaves open is proved by the theorems of the
        statements, and all gradients are held against slopes at a point in the end.
        """
        judges = (self._forward(k) for k in range(len(self.probes)))
        found = [judge.verdict(step) for judge in judges if self.whole.left > 0]
        return [verdict for verdict in found if verdict.word != UNDECIDED]

    def _forward(self, probe: int) -> ForwardJudge:
        d = self.derivation
        return self._kept(("forward", probe), lambda: ForwardJudge(
            d.program, self.small_probes[probe], d.names, d.assumed, d.open,
            self.whole))  # fmt: skip

    def _agreements(self, sizes: Sizes) -> Iterator[Agreement]:
        d = self.derivation
        names = [name for name in d.gradients if name in d.program.inputs]
        together = len(names) * len(self.statements) > ONE_BY_ONE
        for group in [names] if together else [[name] for name in names]:
            found = first_agreement(d, group, sizes) if group else None
            if found is not None:
                yield from (Agreement(name, sizes, found) for name in group)


@cache
def judged_lemma(lemma: Lemma) -> Lemma:
    """Return a lemma with verdicts on its steps: by normal forms, and written out at its sizes.

    The normal form knows the derivative of an inverse and of a determinant, and Laplace's law. Both
    sides written out know neither: there an inverse is minors over a determinant, a cofactor is a
    minor, and the derivatives are those of rational functions.
    """
    derivation = lemma.derivation
    statements = derivation.program.statements
    general = IndexJudge(derivation, statements[-1], others=statements)
    if any(s.expr.name == "cofactors" for s in statements):
        general.road = Road.LAPLACE
    judges: list[Judge] = [general]
    judges += [
        EntriesJudge(derivation, statements[-1], sizes, others=statements, indices=lemma.indices)
        for sizes in lemma.probes
    ]

    def judged(chain: Chain) -> Chain:
        return tuple(replace(s, verdicts=tuple(j.verdict(s) for j in judges)) for s in chain)

    return replace(lemma, claim=judged(lemma.claim), proof=tuple(map(judged, lemma.proof)))
