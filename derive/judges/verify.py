"""The judges: each looks at a step by a road that did not produce it.

The *index* judge compares normal forms, for every shape; a gradient means to it the sum of the
chain rule over derivatives of normal forms. The *entries* judge writes both sides out at sizes,
where a gradient is assembled from every y_ij differentiated on its own. The *forward* judge
differentiates the whole program forwards. *Numbers* are central differences in rigorous intervals.
No judge reads a gradient rule.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache, cached_property, partial
from itertools import product
from typing import Any, TypeVar

from derive.algebra.forms import (
    MOST_STEPS,
    PART,
    Budget,
    Form,
    TooLarge,
    Undefined,
    accumulate,
    sums_of_entries,
)
from derive.algebra.normal import Ring
from derive.calculus.index import Index, Scalar, along, at_place, index_words, named, renaming
from derive.expressions.errors import ProofError, UnsupportedError
from derive.expressions.expr import Expr, nodes, substitute, variables
from derive.expressions.program import Program, Statement
from derive.expressions.shape import Dim, Shape, extent, factors
from derive.judges.congruence import Congruence
from derive.judges.tangents import carried
from derive.language.assumptions import implied, obeying
from derive.ops import var
from derive.proof.derivation import (
    EVERY_SHAPE,
    PROVED,
    REFUTED,
    UNDECIDED,
    Agreement,
    Chain,
    Derivation,
    EntryOf,
    Explicit as ExplicitMath,
    GradientName,
    Grid,
    Lemma,
    Local,
    Math,
    Place,
    Slice,
    Step,
    Verdict,
)
from derive.proof.hypotheses import (
    Ground,
    Relation,
    bare,
    chosen,
    ground_of,
    most_composed,
    suppose,
)
from derive.readings.entries import Explicit, Matrix, Partials, cells
from derive.readings.numbers import Numbers, Values, agreement, interval, is_defined
from derive.readings.terms import Entries

Progress = Callable[[str], None]
Sizes = Mapping[str, int]
J = TypeVar("J", bound="_Judge")
#: Where two sides differ, and whether they do for certain.
Difference = tuple[str, bool]

#: Sizes at which statements about every shape are written out besides, in turn for each dimension.
PROBES = ((1, 3, 2), (4, 2, 1))
#: The same for whole programs, and where a program has determinants in it.
SMALL_PROBES = ((1, 3, 2), (2, 1, 3))
#: Sizes that are tried where a program has no value at those.
MORE_PROBES = ((2, 1, 1), (3, 2, 1), (3, 1, 2), (1, 1, 1), (2, 2, 2))
#: The name of a node of a formula that is taken as a variable.
NODE = "the node"
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


def verify(
    derivation: Derivation, progress: Progress | None = None, *, hurried: bool = False
) -> Derivation:
    """Return the derivation with a verdict on every step, and the agreement of numbers.

    With `hurried`, less work is done, and `TooLarge` raised where it leaves a step undecided.

    Raises `ProofError` where no point was found at which the hypotheses of the theorem hold.
    """
    if derivation.tied:
        node = derivation.tied[0]
        a, b = map(bare, node.args)
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
    for step in derivation.steps():
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
        case EntryOf(expr, i, j):
            return f"({expr})[{i}, {j}]"
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
        lemmas = tuple(judged_lemma(lemma) for lemma in d.lemmas)
        forward = tuple(step for (step,) in self._by_theme([(s,) for s in d.forward]))
        locals_ = tuple(self._local(local) for local in d.locals)
        self.progress("the whole program")
        whole = {name: self._whole(chain) for name, chain in d.totals.items()}
        composed = {name: self._whole(chain) for name, chain in d.composed.items()}
        assuming = {name: self._whole(chain) for name, chain in d.assuming.items()}
        claimed = {name: self._whole(chain) for name, chain in d.claimed.items()}
        judged = replace(
            d, lemmas=lemmas, forward=forward, locals=locals_, totals=whole, composed=composed,
            assuming=assuming, claimed=claimed,
        )  # fmt: skip
        if not all(step.proved for step in judged.steps()):
            words = {verdict.word for step in judged.steps() for verdict in step.verdicts}
            if self.hurried and REFUTED not in words:
                raise TooLarge
            return judged
        self.progress("numbers")
        small = {dim: min(k, SMALL) for dim, k in d.sizes.items()}
        return replace(
            judged,
            agreements=tuple(self._agreements(small)),
            carried=carried(judged, small),
            probes=self.probes,
        )

    # -- local theorems ----------------------------------------------------------------------------

    def _by_theme(self, chains: list[Chain]) -> Iterator[Chain]:
        for chain in chains:
            judge = self._sized(chain[0].theme)
            yield tuple(replace(step, verdicts=(judge.verdict(step),)) for step in chain)

    def _local(self, local: Local) -> Local:
        self.progress(f"the gradient of {local.statement.name} with respect to {local.variable}")
        theme = local.statement.name

        def sized(chain: Chain) -> Chain:
            return next(self._by_theme([chain])) if chain else ()

        def general(chain: Chain) -> Chain:
            return tuple(self._general(step, theme) for step in chain)

        return replace(
            local,
            slice=sized(local.slice),
            one=sized(local.one),
            entries=sized(local.entries),
            assembly=sized(local.assembly),
            claim=general(local.claim),
            index=general(local.index),
            operators=general(local.operators),
        )

    def _general(self, step: Step, theme: str) -> Step:
        verdicts = [self._index(theme).verdict(step)]
        if self.hurried and verdicts[0].word == UNDECIDED:
            raise TooLarge
        verdicts += dict.fromkeys(self._probed(step, theme, k) for k in range(len(self.probes)))
        if step.part == "theorem":
            verdicts += self._forwards(step)
        return replace(step, verdicts=tuple(verdicts))

    def _sized(self, theme: str) -> EntriesJudge:
        return self._kept(("sized", theme), lambda: EntriesJudge(
            self.derivation, self.statements[theme], self.derivation.sizes,
            self.budget))  # fmt: skip

    def _probed(self, step: Step, theme: str, probe: int) -> Verdict:
        """Return what is found of a step that is written out, at small sizes if need be."""
        found = self._entries(theme, probe, small=False).tried(step)
        return found or self._entries(theme, probe, small=True).verdict(step)

    def _entries(self, theme: str, probe: int, small: bool) -> EntriesJudge:
        sizes = (self.small_probes if small else self.probes)[probe]
        return self._kept(("probe", theme, probe, small), lambda: EntriesJudge(
            self.derivation, self.statements[theme], sizes,
            self.budget if small else Budget(PROBE)))  # fmt: skip

    def _index(self, theme: str) -> IndexJudge:
        return self._kept(("index", theme), lambda: IndexJudge(
            self.derivation, self.statements[theme], self.budget))  # fmt: skip

    def _kept(self, key: tuple[Any, ...], make: Callable[[], J]) -> J:
        known: dict[tuple[Any, ...], Any] = self.__dict__.setdefault("_judges", {})
        if key not in known:
            known[key] = make()
        return known[key]

    # -- the whole program -------------------------------------------------------------------------

    def _whole(self, chain: Chain) -> Chain:
        algebra = self._kept(("algebra",), lambda: AlgebraJudge(self.derivation, self.budget))
        return tuple(
            replace(step, verdicts=(algebra.verdict(step), *self._forwards(step))) for step in chain
        )

    def _forwards(self, step: Step) -> list[Verdict]:
        """Return what the whole program says that is differentiated forwards, as far as it goes.

        That road multiplies everything out. What it leaves open is proved by the theorems of the
        statements, and all gradients are held against slopes at a point in the end.
        """
        judges = (self._forward(k) for k in range(len(self.probes)))
        found = [judge.verdict(step) for judge in judges if self.whole.left > 0]
        return [verdict for verdict in found if verdict.word != UNDECIDED]

    def _forward(self, probe: int) -> ForwardJudge:
        return self._kept(("forward", probe), lambda: ForwardJudge(
            self.derivation, self.small_probes[probe], self.whole))  # fmt: skip

    def _agreements(self, sizes: Sizes) -> Iterator[Agreement]:
        d = self.derivation
        names = [name for name in d.gradients if name in d.program.inputs]
        together = len(names) * len(self.statements) > ONE_BY_ONE
        for group in [names] if together else [[name] for name in names]:
            found = _first_agreement(d, group, sizes) if group else None
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
        general.method = "index normal form, given Laplace's expansion"
    judges: list[_Judge] = [general]
    judges += [
        EntriesJudge(derivation, statements[-1], sizes, others=statements, indices=lemma.indices)
        for sizes in lemma.probes
    ]

    def judged(chain: Chain) -> Chain:
        return tuple(replace(s, verdicts=tuple(j.verdict(s) for j in judges)) for s in chain)

    return replace(lemma, claim=judged(lemma.claim), proof=tuple(map(judged, lemma.proof)))


def _first_agreement(derivation: Derivation, names: list[str], sizes: Sizes) -> int | None:
    """Return the digits to which central differences agree, `None` where no point has a value.

    The point obeys what is assumed; the differences leave it in any direction.
    """
    program, assumed = derivation.program, derivation.assumed
    out, reaching = f"d{program.output}", program.reaching()
    statements = [s for s in program.statements if s.name in reaching]

    def forward(point: Mapping[str, Values]) -> dict[str, Values]:
        known = dict(point)
        for s in statements:
            known[s.name] = Numbers(sizes, known).matrix(s.expr)
        return known

    def value(point: Mapping[str, Values]) -> Any:
        rows = forward(point)[program.output.data[0]]
        pairs = zip([[1]] if program.is_loss else point[out], rows, strict=True)
        return sum(interval(y) * g for gs, ys in pairs for g, y in zip(gs, ys, strict=True))

    def gradients(point: Mapping[str, Values]) -> dict[str, Values]:
        known = forward(point)
        for name, formula in derivation.backward.items():  # outermost first
            known[f"d{name}"] = Numbers(sizes, known).matrix(formula)
        return {name: Numbers(sizes, known).matrix(derivation.gradients[name]) for name in names}

    ground = ground_of(program, assumed, [name for name in names if name in program.inputs])
    for point in _points(derivation, sizes, ground):
        try:
            digits = agreement(value, gradients, names, point)
        except (UnsupportedError, ZeroDivisionError):
            continue
        if digits is not None:
            return digits
        if ground.holds_at(sizes, point, ground.flat):
            raise ProofError(
                f"the gradient with respect to {', '.join(names)} disagrees with central "
                "differences",
                hint=f"at sizes {dict(sizes)}",
            )
    return None


def _points(
    derivation: Derivation, sizes: Sizes, ground: Ground
) -> Iterator[Mapping[str, list[list[Fraction]]]]:
    """Yield points that obey what is assumed, in the end one at which every hypothesis holds."""
    program, assumed = derivation.program, derivation.assumed
    for positive in (False, True):
        leaves = {leaf: program.leaves[leaf].shape for leaf in program.inputs}
        leaves[f"d{program.output}"] = program.output.shape
        point = {
            leaf: _point(shape.at(sizes), k, positive)
            for k, (leaf, shape) in enumerate(leaves.items())
        }
        obeyed = {leaf: obeying(point[leaf], words) for leaf, words in assumed.items()}
        if any(rows is None for rows in obeyed.values()):
            continue
        yield point | {leaf: rows for leaf, rows in obeyed.items() if rows is not None}
    witness = ground.witness(sizes, ground.flat)
    if witness is not None:
        yield witness


def _point(shape: Shape, seed: int, positive: bool) -> list[list[Fraction]]:
    """Return small rationals that do not repeat in a pattern a formula could exploit."""

    def one(i: int, j: int) -> Fraction:
        k = (37 * i * i + 59 * j + 101 * seed + 13 * i * j + 7) % 97
        value = Fraction(k + 11, 64)
        return value if positive or k % 3 else -value

    rows, cols = shape.extents({})
    return [[one(i, j) for j in range(cols)] for i in range(rows)]


# -- judges ----------------------------------------------------------------------------------------


class _Judge(ABC):
    """One road: what mathematics means on it, and whether two meanings are equal."""

    method: str
    scope: str
    ring: Ring

    def verdict(self, step: Step) -> Verdict:
        """Return what this road finds of a step."""
        too_large = Verdict(UNDECIDED, self.scope, self.method, "the normal form is too large")
        return self.tried(step) or too_large

    def tried(self, step: Step) -> Verdict | None:
        """Return what this road finds of a step, `None` where that would take too much."""
        self.ring.budget.cut = False
        try:
            found = self.differs(step)
        except TooLarge:
            return None
        except Undefined:
            return Verdict(UNDECIDED, self.scope, self.method, "a division by zero")
        if found is None:
            return Verdict(PROVED, self.scope, self.method)
        where, certain = found
        if self.ring.budget.cut and not certain:
            return None
        return Verdict(REFUTED if certain else UNDECIDED, self.scope, self.method, where)

    @abstractmethod
    def differs(self, step: Step) -> Difference | None:
        """Return where the two sides differ, and whether that is certain; `None` if nowhere."""


def is_rational(ring: Ring, *forms: Form) -> bool:
    """Whether forms are rational functions of entries alone, which differ when their forms do.

    With functions in them two forms may be equal by a law that the normal form does not know.
    """
    return all(
        ring.atoms[atom][0] == "x" and isinstance(exponent, int)
        for form in forms
        for monomial in form
        for atom, exponent in monomial
    )


class IndexJudge(_Judge):
    """Normal forms over symbolic indices: what it proves holds for every shape.

    The statement's own name is unfolded, and those of `others`; all other names are atoms.
    """

    method = "index normal form"
    scope = EVERY_SHAPE

    def __init__(
        self,
        derivation: Derivation,
        statement: Statement,
        budget: Budget | None = None,
        *,
        others: Iterable[Statement] = (),
    ):
        self.derivation = derivation
        self.statement = statement
        self.definitions = {s.name: s.expr for s in (*others, statement)}
        self.ring = Ring(meaning=self._meaning, budget=budget)
        self.ring.wait_for(frozenset({NODE}))
        suppose(self.ring, derivation.relations)
        self.entries = Entries(derivation.letters.bound)
        self.value = derivation.program.leaves[statement.name]
        self.known: dict[str, Form] = {}

    def differs(self, step: Step) -> Difference | None:
        same = self.ring.equal(self._form(step.left), self._form(step.right))
        return None if same else ("the normal forms differ", False)

    def _form(self, math: Math) -> Form:
        match math:
            case Scalar():
                return self.ring.of(math)
            case EntryOf(expr, i, j):
                return self.ring.of(self.entries.of(expr, i, j))
            case Expr():
                return self.ring.of(self.entries.of(math, *_any_place(math)))
        raise AssertionError(f"{type(math).__name__} is not mathematics of every shape")

    def _meaning(self, term: Scalar, names: Mapping[Index, Index]) -> Form | None:
        if term.kind == "partial":
            y, x = term.args
            i, j, a, c = (named(k, names) for k in (*y.data[1:], *x.data[1:]))
            return self._derivative(y.data[0], x.data[0], i, j, a, c)
        name, i, j = term.data
        return self._entry(name, named(i, names), named(j, names))

    def _entry(self, name: str, i: Index, j: Index) -> Form | None:
        if name in self.definitions:
            return self._definition(name, i, j)
        upstream = self._upstream()
        meant = self.derivation.names.get(name)
        if meant is None or (upstream is not None and name == upstream):
            return None
        if name not in self.known:
            self.known[name] = self._gradient(meant, upstream)
        return self.ring.rename(self.known[name], {**renaming("@a", i), **renaming("@c", j)})

    def _upstream(self) -> str | None:
        program = self.derivation.program
        if program.is_loss and self.statement.name == program.output.data[0]:
            return None
        return f"d{self.statement.name}"

    def _definition(self, name: str, i: Index, j: Index) -> Form:
        return self.ring.of(self.entries.of(self.definitions[name], i, j))

    def _derivative(self, of: str, name: str, i: Index, j: Index, a: Index, c: Index) -> Form:
        key = f"partial {of} {name}"
        if key not in self.known:
            leaf = self.derivation.program.leaves[name]
            rows, cols = self.definitions[of].shape.dims
            y = self._definition(
                of, along("@i", rows) if rows != 1 else 0, along("@j", cols) if cols != 1 else 0
            )
            place = along("@a", leaf.shape.rows), along("@c", leaf.shape.cols)
            self.known[key] = self.ring.derivative(y, leaf.data, *place)
        pairs = zip(("@i", "@j", "@a", "@c"), (i, j, a, c), strict=True)
        names = {old: new for word, index in pairs for old, new in renaming(word, index).items()}
        return self.ring.rename(self.known[key], names)

    def _gradient(self, meant: GradientName, upstream: str | None) -> Form:
        """Return Σ_ij ∂L/∂y_ij ∂y_ij/∂x_ac for a variable, or for a node taken as a variable."""
        ring, rows, cols = self.ring, *self.value.shape.dims
        i, j = (along("~i", rows) if rows != 1 else 0, along("~j", cols) if cols != 1 else 0)
        place = along("@a", meant.of.shape.rows), along("@c", meant.of.shape.cols)
        if meant.of.is_var:
            partial = self._derivative(self.statement.name, meant.of.data[0], i, j, *place)
        else:
            free = var(NODE, meant.of.shape)
            y = self.entries.of(substitute(self.statement.expr, {meant.of: free}), i, j)
            partial = ring.derivative(ring.of(y), free.data, *place)
            partial = ring.unfold(
                partial,
                lambda name, k, p: (
                    ring.of(self.entries.of(meant.of, k, p)) if name == NODE else None
                ),
            )
        if upstream is None:
            return partial
        term = ring.mul(ring.entry(upstream, i, j), partial)
        for index, dim in ((j, cols), (i, rows)):
            term = ring.sum(index, dim, term) if dim != 1 else term
        return term


class EntriesJudge(_Judge):
    """Explicit matrices at sizes, every y_ij differentiated on its own.

    `others` are unfolded besides the statement; `indices` says through what free indices run that
    are not those of the statement's value and its variable.
    """

    method = "both sides written out and compared exactly"

    def __init__(
        self,
        derivation: Derivation,
        statement: Statement,
        sizes: Sizes,
        budget: Budget | None = None,
        *,
        others: Iterable[Statement] = (),
        indices: Mapping[Index, Dim] | None = None,
    ):
        self.derivation = derivation
        self.statement = statement
        self.definitions = {s.name: s.expr for s in (*others, statement)}
        self.indices = indices or {}
        self.values: dict[str, Matrix] = {}
        self.partials: dict[tuple, Form] = {}
        self.sizes = sizes
        self.ring = Ring(sizes, self._meaning, budget)
        self.ring.wait_for(frozenset({NODE}))
        self.plain = Explicit(self.ring)
        self.judging = Explicit(self.ring, self._entry)
        self.value = derivation.program.leaves[statement.name]
        self.known: dict[int, tuple[Math, Matrix]] = {}
        self.entries: dict[tuple[int, tuple[Index, ...]], tuple[Math, Form]] = {}
        self.tables: dict[str, Mapping[tuple[int, int], Form]] = {}
        self.scope = sizes_text(derivation.program, sizes)

    def differs(self, step: Step) -> Difference | None:
        left, right = step.left, step.right
        if isinstance(left, Scalar | EntryOf):
            assert isinstance(right, Scalar | EntryOf)
            return self._scalars_differ(step, left, right)
        p, q = self._matrix(left), self._matrix(right)
        for i, (row, other) in enumerate(zip(p, q, strict=True)):
            for j, (x, y) in enumerate(zip(row, other, strict=True)):
                if x != y and not self.ring.equal(x, y):
                    return f"entry {i + 1}, {j + 1} differs", is_rational(self.ring, x, y)
        return None

    def _scalars_differ(
        self, step: Step, left: Scalar | EntryOf, right: Scalar | EntryOf
    ) -> Difference | None:
        sides = (left, _free(left)), (right, _free(right))
        words = dict.fromkeys([word for _, free in sides for word in free])
        dims = self._index_dims(step.about)
        ranges = [range(extent(dims[word], self.sizes)) for word in words]
        for values in product(*ranges):
            names: dict[Index, Index] = dict(zip(words, values, strict=True))
            p, q = (self._scalar(math, {k: names[k] for k in free}) for math, free in sides)
            if not self.ring.equal(p, q):
                places = ", ".join(f"{word} = {value + 1}" for word, value in zip(words, values))
                return f"they differ at {places}", is_rational(self.ring, p, q)
        return None

    def _index_dims(self, about: str) -> dict[Index, Dim]:
        letters, leaves = self.derivation.letters, self.derivation.program.leaves
        words = (*letters.output, *letters.variable)
        dims = (*self.value.shape.dims, *leaves[about].shape.dims)
        found: dict[Index, Dim] = {}
        for word, dim in zip(words, dims, strict=True):
            index = along(word, dim)
            found |= dict(zip(index_words(index), factors(dim) or (dim,), strict=True))
        return {**found, **self.indices}

    def _scalar(self, math: Scalar | EntryOf, names: Mapping[Index, Index]) -> Form:
        key = id(math), tuple(names.values())
        if key not in self.entries:  # math is kept: its identity is not given to another
            self.entries[key] = math, self._one(math, names)
        return self.entries[key][1]

    def _one(self, math: Scalar | EntryOf, names: Mapping[Index, Index]) -> Form:
        if isinstance(math, EntryOf):
            i: Any = named(math.i, names, self.sizes)  # at sizes every index is a number
            j: Any = named(math.j, names, self.sizes)
            return self.judging.matrix(math.expr)[i][j]
        return self.ring.of(math, names)

    def _matrix(self, math: Math) -> Matrix:
        kept = self.known.get(id(math))
        if kept is None:
            kept = self.known[id(math)] = (math, self._written(math))
        return kept[1]

    def _written(self, math: Math) -> Matrix:
        match math:
            case Expr():
                return self.judging.matrix(math)
            case ExplicitMath(expr):
                return self.judging.matrix(expr)
            case Grid(tree, row, col, leaf):
                rows, cols = leaf.shape.extents(self.sizes)
                of = self._writer(tree) or self.ring.of
                p, q = leaf.shape.dims
                names = [
                    [at_place(word, dim, k, self.sizes) for k in range(count)]
                    for word, dim, count in ((row, p, rows), (col, q, cols))
                ]
                return [[of(tree, {**down, **across}) for across in names[1]] for down in names[0]]
            case Slice(of, wrt):
                rows, cols = of.shape.extents(self.sizes)
                _, a, c = wrt.data
                y = self._value(of.data[0])
                return [
                    [self._partial(y[i][j], wrt.data[0], a, c) for j in range(cols)]
                    for i in range(rows)
                ]
        raise AssertionError(f"{type(math).__name__} is no matrix")

    def _writer(self, tree: Scalar) -> Callable[[Scalar, Mapping[Index, Index]], Form] | None:
        """Return a quicker `Ring.of` for sums of products of entries that stand for themselves."""
        summands = sums_of_entries(tree)
        if summands is None or any(
            name in self.definitions or (name in self.derivation.names and name != self._upstream)
            for _, _, factors in summands
            for name, _, _ in factors
        ):
            return None
        return lambda term, names: self.ring.sum_of_products(summands, names)

    # -- what names mean ---------------------------------------------------------------------------

    def _meaning(self, term: Scalar, names: Mapping[Index, Index]) -> Form | None:
        if term.kind == "partial":
            y, x = term.args
            places: list[Any] = [named(k, names, self.sizes) for k in (*y.data[1:], *x.data[1:])]
            key = (y.data[0], x.data[0], *places)
            if key not in self.partials:
                i, j, a, c = places
                self.partials[key] = self._partial(self._value(y.data[0])[i][j], x.data[0], a, c)
            return self.partials[key]
        name, k, p = term.data
        row: Any = named(k, names, self.sizes)
        col: Any = named(p, names, self.sizes)
        return self._entry(name, row, col)

    def _entry(self, name: str, i: int, j: int) -> Form | None:
        if name in self.definitions:
            return self._value(name)[i][j]
        meant = self.derivation.names.get(name)
        if meant is None or name == self._upstream:
            return None
        if name not in self.tables:
            self.tables[name] = self._gradient(meant)
        return self.tables[name].get((i, j), {})

    def _value(self, name: str) -> Matrix:
        if name not in self.values:
            self.values[name] = self.plain.matrix(self.definitions[name])
        return self.values[name]

    @cached_property
    def _upstream(self) -> str | None:
        program = self.derivation.program
        is_loss = program.is_loss and self.statement.name == program.output.data[0]
        return None if is_loss else f"d{self.statement.name}"

    def _partial(self, form: Form, name: str, a: int, c: int) -> Form:
        return self.plain.partial(form, self.ring.atom(("x", name, a, c)))

    @cached_property
    def _gradients(self) -> dict[int, Form]:
        return self._gathered(self._value(self.statement.name))

    def _gradient(self, meant: GradientName) -> dict[tuple[int, int], Form]:
        """Return Σ_ij ∂L/∂y_ij ∂y_ij/∂x_ac for all a, c, visiting no zero derivative."""
        atoms = self.ring.atoms
        if meant.of.is_var:
            name = meant.of.data[0]
            totals = self._gradients.items()
            return {atoms[x][2:]: form for x, form in totals if atoms[x][1] == name}
        free = var(NODE, meant.of.shape)
        rows = self.plain.matrix(substitute(self.statement.expr, {meant.of: free}))
        node = self.plain.matrix(meant.of)

        def define(name: str, k: Any, p: Any) -> Form | None:
            return node[k][p] if name == NODE else None

        return {
            atoms[x][2:]: self.ring.unfold(form, define)
            for x, form in self._gathered(rows).items()
            if atoms[x][1] == NODE
        }

    def _gathered(self, rows: Matrix) -> dict[int, Form]:
        """Return the chain rule's sum for every variable that occurs in the entries."""
        totals: dict[int, Form] = {}
        for i, row in enumerate(rows):
            for j, form in enumerate(row):
                weight = self.ring.atom(("x", self._upstream, i, j)) if self._upstream else None
                self.plain.accumulate_partials(form, weight, totals)
        return totals


class AlgebraJudge(_Judge):
    """The equations that a step cites, put into its left side, and normal forms of what is left.

    What is not cited is an atom, so a step that cites too little is not proved; neither is one that
    cites an equation without use for it. A gradient that adds up stands for its parts.
    """

    method = "index normal form"
    scope = EVERY_SHAPE

    def __init__(self, derivation: Derivation, budget: Budget | None = None):
        self.derivation = derivation
        self.ring = Ring(budget=budget)
        suppose(self.ring, derivation.relations)
        self.entries = Entries(derivation.letters.bound)
        self.equations = dict(derivation.equations())

    def differs(self, step: Step) -> Difference | None:
        left, right = step.left, step.right
        assert isinstance(left, Expr) and isinstance(right, Expr)
        known = dict(self.says(place) for place in step.cites)
        if step.rule == "gradients-add":
            known[left] = self.parts(left)
        used = variables(left) + (variables(right) if step.rule == "claimed" else [])
        unused = [str(name) for name in known if name not in used]
        if unused:
            return f"what is cited of {', '.join(unused)} is not used", False
        left = substitute(left, known)
        if step.rule not in ("assumed", "claimed"):
            return None if self._same(left, right) else ("the normal forms differ", False)
        self.ring.assume(self.derivation.assumed)
        try:
            proved = self._same(left, right) if step.rule == "assumed" else any(
                self._same(*sides) for sides in self.unfolded(step, left, substitute(right, known))
            )  # fmt: skip
        finally:
            self.ring.assume({})
        return None if proved else ("the normal forms differ, under the assumptions", False)

    def unfolded(self, step: Step, left: Expr, right: Expr) -> Iterator[tuple[Expr, Expr]]:
        """Yield the sides of a claim, the names that it says are put in as they are and then so."""
        yield left, right
        program = self.derivation.program
        for name in dict(step.facts)["put_in"]:
            own = {program.leaves[s.name]: s.expr for s in program.statements if s.name == name}
            left, right = substitute(left, own), substitute(right, own)
            yield left, right

    def says(self, place: Place) -> tuple[Expr, Expr]:
        """Return the two sides of an equation about a whole gradient."""
        chain = self.equations[place]
        if place[0] == "index":  # it is proved there by entries, and claimed of the matrix
            chain = next(p.claim for p in self.derivation.locals if p.index[0] is chain[0])
        left, right = chain[0].left, chain[-1].right
        assert isinstance(left, Expr) and isinstance(right, Expr)
        return left, right

    def parts(self, gradient: Expr) -> Expr:
        """Return the sum of a gradient's parts, one for each statement that uses its variable."""
        names, program = self.derivation.names, self.derivation.program
        of, reaching = names[gradient.data[0]].of, program.reaching()
        through = {meant.through: name for name, meant in names.items() if meant.of is of}
        first, *rest = (
            var(through[s.name], of.shape)
            for s in program.users(of.data[0]) if s.name in reaching
        )  # fmt: skip
        return sum(rest, first)

    def _same(self, p: Expr, q: Expr) -> bool:
        return Congruence(lambda node: None, self._equal).holds(p, q)

    def _equal(self, p: Expr, q: Expr) -> bool:
        forms = (self.ring.of(self.entries.of(side, *_any_place(side))) for side in (p, q))
        return self.ring.budget.within(PART, lambda: self.ring.equal(*forms))


class ForwardJudge(_Judge):
    """The whole program differentiated forwards at sizes, by entries; intermediates are atoms."""

    method = "the whole program differentiated forwards, entry by entry"

    def __init__(self, derivation: Derivation, sizes: Sizes, budget: Budget | None = None):
        self.derivation = derivation
        self.program = derivation.program
        self.sizes = sizes
        self.ring = Ring(sizes, budget=budget)
        self.ring.wait_for(derivation.open)
        self.plain = Explicit(self.ring)
        self.judging = Explicit(self.ring, self._entry)
        self.scope = sizes_text(self.program, sizes)
        self.totals: dict[tuple, Form] = {}
        self.partials: dict[str, list[list[Partials]]] = {}

    def differs(self, step: Step) -> Difference | None:
        left, right = step.left, step.right
        assert isinstance(left, Expr) and isinstance(right, Expr)
        p, q = self.judging.matrix(left), self.judging.matrix(right)
        for i, j in cells(len(p), len(p[0])):
            if not self._same(p[i][j], q[i][j]) and not self._same_where_assumed(
                step, p[i][j], q[i][j]
            ):
                certain = len(self.program.statements) == 1 and is_rational(
                    self.ring, p[i][j], q[i][j]
                )
                return f"entry {i + 1}, {j + 1} differs", certain
        return None

    def _same(self, p: Form, q: Form) -> bool:
        """Compare with the intermediates as atoms; unfold them one by one where that fails.

        What is quickly seen is looked for at every stage before anything is multiplied out.
        """
        stages = []
        for pair in self._unfolded(p, q):
            if self.ring.plainly_equal(*pair):
                return True
            stages.append(pair)
        return any(self.ring.equal(*pair) for pair in stages)

    def _same_where_assumed(self, step: Step, p: Form, q: Form) -> bool:
        """Compare with what is assumed of the inputs, now that the derivatives are taken."""
        if step.part not in ("assuming", "composed", "claimed") or not self.derivation.assumed:
            return False
        sides = [*self._unfolded(p, q)][-1]
        self.ring.assume(self.derivation.assumed)
        try:
            entry = partial(assumed_entry, self.ring, self.program, self.derivation.assumed)
            whole = (self.ring.unfold(side, entry) for side in sides)
            p, q = (self.ring.unfold(side, self.ring.entry) for side in whole)
            return self.ring.equal(p, q)
        finally:
            self.ring.assume({})

    def _unfolded(self, p: Form, q: Form) -> Iterator[tuple[Form, Form]]:
        yield p, q
        for statement in reversed(self.program.statements):
            rows = self.plain.matrix(statement.expr)

            def define(name, i, j, own=statement.name, rows=rows):
                return rows[i][j] if name == own else None

            p, q = self.ring.unfold(p, define), self.ring.unfold(q, define)
            yield p, q

    def _entry(self, name: str, i: int, j: int) -> Form | None:
        meant = self.derivation.names.get(name)
        if meant is None or name == f"d{self.program.output}":
            return None
        source = meant.of.data[0]
        key = (source, meant.through, i, j)
        if key not in self.totals:
            self.totals[key] = self._total(source, meant.through, i, j)
        return self.totals[key]

    def _total(self, source: str, through: str | None, a: int, c: int) -> Form:
        """Return the derivative of the loss by one entry, carried through the statements."""
        ring = self.ring
        moved: dict[int, Form] = {ring.atom(("x", source, a, c)): {(): 1}}
        output = self.program.output.data[0]
        for statement in self.program.statements:
            if statement.name == source:
                moved = {ring.atom(("x", source, a, c)): {(): 1}}
                continue
            for (i, j), found in self._derivatives(statement):
                change: Form = {}
                for atom, slope in found.items():
                    direct = ring.atoms[atom][1] == source
                    if atom not in moved or (direct and through not in (None, statement.name)):
                        continue
                    for m, k in ring.mul(slope, moved[atom]).items():
                        accumulate(change, m, k)
                if change:
                    moved[ring.atom(("x", statement.name, i, j))] = change
        result: Form = {}
        for i, j in cells(*self.program.output.shape.extents(self.sizes)):
            slope = moved.get(ring.atom(("x", output, i, j)), {})
            weight: Form = {(): 1} if self.program.is_loss else ring.entry(f"d{output}", i, j)
            for m, k in ring.mul(weight, slope).items():
                accumulate(result, m, k)
        return result

    def _derivatives(self, statement: Statement) -> Iterator[tuple[tuple[int, int], Partials]]:
        if statement.name not in self.partials:
            rows = self.plain.matrix(statement.expr)
            self.partials[statement.name] = [[self.plain.partials(f) for f in row] for row in rows]
        found = self.partials[statement.name]
        for i, j in cells(len(found), len(found[0])):
            yield (i, j), found[i][j]


def assumed_entry(
    ring: Ring, program: Program, assumed: Mapping[str, frozenset[str]], name: str, i: Any, j: Any
) -> Form:
    """Return an entry under the assumptions, the last of a row by the others where they sum to one;
    of a row of symbolic length it is the last where it is the only one."""
    if "row-stochastic" not in implied(assumed.get(name, ())):
        return ring.entry(name, i, j)
    cols: Any = program.leaves[name].shape.cols
    if ring.sizes is not None:
        cols = extent(cols, ring.sizes)
    if cols != 1 and (ring.sizes is None or j != cols - 1):
        return ring.entry(name, i, j)
    last: Form = {(): 1}
    for k in range(cols - 1):
        last = ring.add(last, ring.mul({(): -1}, ring.entry(name, i, k)))
    return last


def sizes_text(program: Program, sizes: Sizes) -> str:
    """Return sizes as a reader sees them: the shapes of the inputs, or of all dimensions."""
    if not program.dims:
        return "scalars"
    return ", ".join(f"{dim} = {sizes[dim]}" for dim in program.dims)


def _any_place(expr: Expr) -> tuple[Index, Index]:
    return along("@r", expr.shape.rows), along("@s", expr.shape.cols)


def _free(math: Scalar | EntryOf) -> list[Index]:
    from derive.calculus.index import free_indices

    if isinstance(math, EntryOf):
        return list(index_words(math.i, math.j))
    return sorted(free_indices(math), key=str)
