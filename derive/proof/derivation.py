"""The document model: statements with verdicts, and the proof that is made of them. Plain values.

A `Step` says that two pieces of mathematics are equal, by which rule, and where. Only the judges of
`verify` give it a verdict. A `Derivation` is the trace of a whole computation; documents, JSON and
answers are read off it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from derive.calculus.index import Index, Letters, Scalar
from derive.expressions.expr import Condition, Expr, substitute
from derive.expressions.program import Program, Statement
from derive.expressions.shape import Dim
from derive.ops import var
from derive.proof.sizes import Relation
from derive.proof.verdict import Verdict

# -- mathematics that is neither a scalar nor an expression ----------------------------------------


class Grid(NamedTuple):
    """A matrix written out: an entry is `tree` with the words of a place replaced by numbers."""

    tree: Scalar
    words: tuple[str, ...]
    leaf: Expr  # a variable of the same shape


class Explicit(NamedTuple):
    """An expression whose operands are written out as matrices, its products left standing."""

    expr: Expr


class Slice(NamedTuple):
    """The matrix of the partial derivatives of every entry of `of` by one entry, `wrt`."""

    of: Expr
    wrt: Scalar


class EntryOf(NamedTuple):
    """An entry of an expression, not written out."""

    expr: Expr
    place: tuple[Index, ...]


Math = Scalar | Expr | Grid | Explicit | Slice | EntryOf
#: Where an equation stands in a document: its part, and whose it is.
Place = tuple[str, ...]

# -- statements ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """`left = right` by `rule`.

    `facts` fill the rule's sentence; the fact `cites` says by which other equations the step holds,
    all of them and no more, each as the place that it has in `Derivation.equations`. `theme` names
    the statement whose theorem the step belongs to, or is empty where it is about the whole
    program; `about` is the variable of that theorem. `sized` marks a step that is written out at
    the document's sizes; the others hold for every shape. `part` is the part of the document.
    """

    left: Math
    right: Math
    rule: str
    theme: str = ""
    about: str = ""
    sized: bool = False
    part: str = ""
    facts: tuple[tuple[str, Any], ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def cites(self) -> tuple[Place, ...]:
        """The places of the equations that the step rests on."""
        return dict(self.facts).get("cites", ())

    @property
    def proved(self) -> bool:
        return bool(self.verdicts) and all(v.proved for v in self.verdicts)


Chain = tuple[Step, ...]


class GradientName(NamedTuple):
    """What a gradient variable stands for: the gradient of the loss with respect to `of`.

    `through` names the statement if only the paths through that statement are counted.
    """

    of: Expr
    through: str | None = None


class Lines(NamedTuple):
    """Formulas about one row of the value (`axis` 0), or one column.

    In `value` and `gradient` the names in `cut` stand for that row of theirs, the others for all of
    what they name; `steps` say that these are the entries of the whole.
    """

    axis: int
    cut: frozenset[str]
    value: Expr
    gradient: Expr
    steps: Chain


@dataclass(frozen=True, slots=True)
class Local:
    """The theorem of one statement about one of its variables, and its proof.

    `occurrence` says by which of its indices an entry of the value agrees with the variable it
    depends on, and `depends` is the step that holds it; `acts` says it of pairs of indices, as that
    entry with the indices put in. `lines` tell the theorem of a single row or column. `rules`
    are those of the sweep; its steps are `operators` where there are several. Where names can be
    exchanged in the statement, `exchange` says so, and the proof is that of another variable.
    """

    statement: Statement
    variable: Expr
    gradient: Expr
    upstream: Expr | None
    formula: Expr
    occurrence: tuple[str, ...] = ()
    depends: Chain = ()
    acts: Scalar | None = None
    lines: Lines | None = None
    claim: Chain = ()
    slice: Chain = ()
    one: Chain = ()
    entries: Chain = ()
    assembly: Chain = ()
    index: Chain = ()
    operators: Chain = ()
    exchange: Chain = ()
    rules: tuple[str, ...] = ()

    @property
    def is_restated(self) -> bool:
        """Whether the lemma that it cites says it with other names, or of a part of a gradient."""
        facts = dict(self.claim[0].facts)
        part = self.gradient.data[0] != f"d{self.variable.data[0]}"
        return part or not facts["names"].is_identity

    def equations(self) -> Iterator[tuple[Place, Chain]]:
        """Yield the equations of the proof with their places, in the order of the document."""
        for part in ("slice", "one", "entries", "assembly", "index"):
            chain = getattr(self, part)
            if chain:
                yield (part, self.statement.name, self.variable.data[0]), chain


@dataclass(frozen=True, slots=True, eq=False)
class Lemma:
    """What the proofs of a document rest on: a claim about an operator, or about a kind of
    statement, and its own proof.

    `derivation` holds the small program that the lemma speaks of, with letters of its own. Of a
    kind of statement it is all of the proof. Of an operator nothing is derived in it, and all its
    names are unfolded where a step is judged: `indices` says through what the free indices of the
    steps run, `probes` at which sizes the steps are written out. A lemma is equal to itself alone,
    so that it is judged once.
    """

    key: str
    derivation: Derivation
    claim: Chain
    proof: tuple[Chain, ...] = ()
    indices: Mapping[Index, Dim] = field(default_factory=dict)
    probes: tuple[Mapping[str, int], ...] = ()

    @property
    def statement(self) -> Statement | None:
        """The statement whose gradients it is about, `None` for a lemma about an operator."""
        return self.derivation.program.statements[-1] if self.derivation.locals else None

    def equations(self) -> Iterator[tuple[Place, Chain]]:
        """Yield the lemma and the equations of its proof, with their places."""
        yield ("lemma", self.key, "claim"), self.claim
        for place, chain in self.derivation.equations() if self.derivation.locals else ():
            if place != ("theorem",):
                yield ("lemma", self.key, *place), chain
        for k, chain in enumerate(self.proof):
            yield ("lemma", self.key, str(k)), chain


class Agreement(NamedTuple):
    """Central differences of the whole program against a gradient, at one point."""

    variable: str
    sizes: Mapping[str, int]
    digits: int


class Carried(NamedTuple):
    """Gradients that agree at a random point with a slope carried forwards: no proof.

    `exact` says that both were fractions, else they were intervals of at least 40 digits.
    """

    variables: tuple[str, ...]
    sizes: Mapping[str, int]
    exact: bool


@dataclass(frozen=True, slots=True)
class Derivation:
    """The trace of a derivation: what was asked, every step, and what became of it.

    Gradients are taken as if nothing were assumed. `assuming` holds, by name, how one becomes
    shorter by what is assumed of the inputs, its last step being what the theorem says; `claimed`
    holds how it becomes what somebody claims. `gradients` are those that were asked for, in terms
    of the program's names and of `statements`, each by those before it: gradients on the way, and
    names that were introduced for what occurs again. `form` says what form they have (see
    `roads`), `composed` holds how each came about. Where each statement cites a lemma about its
    kind, `stated` is what the theorem says: these.
    `relations` must hold of the sizes. `satisfied` says whether a point was found at which all
    hypotheses hold; `open` are names behind which something is zero for every input; `tied` are
    maxima whose theorem holds nowhere, for what they compare is equal. `mistake` is what somebody
    who knows the program says is usually written for a gradient: its name, the formula, and what is
    wrong with it.
    """

    program: Program
    wrt: tuple[str, ...]
    sizes: Mapping[str, int]
    detail: str
    names: Mapping[str, GradientName]
    letters: Letters
    conditions: tuple[tuple[Condition, ...], ...]
    forward: tuple[Step, ...]
    locals: tuple[Local, ...]
    totals: Mapping[str, Chain]
    composed: Mapping[str, Chain]
    backward: Mapping[str, Expr]
    gradients: Mapping[str, Expr]
    form: str = "readable"
    statements: tuple[tuple[str, Expr], ...] = ()
    assumed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    assuming: Mapping[str, Chain] = field(default_factory=dict)
    claimed: Mapping[str, Chain] = field(default_factory=dict)
    stated: Chain = ()
    agreements: tuple[Agreement, ...] = ()
    probes: tuple[Mapping[str, int], ...] = field(default=())
    lemmas: tuple[Lemma, ...] = ()
    relations: tuple[Relation, ...] = ()
    satisfied: bool = True
    open: frozenset[str] = frozenset()
    tied: tuple[Expr, ...] = ()
    carried: Carried | None = None
    mistake: tuple[str, Expr, str] | None = None

    def equations(self) -> Iterator[tuple[Place, Chain]]:
        """Yield every equation in the order of the document: its place, and its steps.

        The number of an equation is its rank here, in every format. What is claimed of a part of a
        gradient, or is said shorter in the theorem, stands at the end of its own proof.
        """
        parts = {
            p.gradient for p in self.locals
            if self.names[p.gradient.data[0]].through or p.variable.data[0] in self.assuming
        }  # fmt: skip
        said = [s for p in self.locals if p.gradient not in parts for s in p.claim]
        said += [chain[-1] for chain in self.assuming.values()]
        yield ("theorem",), self.stated or tuple(said)
        for lemma in self.lemmas:
            yield from lemma.equations()
        if self.stated:
            yield from self._backwards()
            return
        for step in self.forward:
            yield ("forward", step.theme), (step,)
        last = {local.variable.data[0]: local for local in self.locals}
        for local in self.locals:
            for place, chain in local.equations():
                ends = place[0] == "index" and local.gradient in parts
                yield place, (*chain, *local.claim) if ends else chain
            name = local.variable.data[0]
            if name in self.totals and last[name] is local:
                yield ("total", name), self.totals[name]
            if name in self.assuming and last[name] is local:
                yield ("assuming", name), self.assuming[name][:-1]
        yield from self._whole()

    def _backwards(self) -> Iterator[tuple[Place, Chain]]:
        """Yield the equations of a proof that cites a lemma for each statement; what a lemma says
        as it stands is not said again."""
        for place in dict.fromkeys(("back", local.statement.name) for local in self.locals):
            here = [local for local in self.locals if local.statement.name == place[1]]
            if any(local.is_restated for local in here):
                yield place, tuple(step for local in here for step in local.claim)
            for name in (local.variable.data[0] for local in here):
                if self.locals_of(name)[-1] in here:
                    if name in self.totals:
                        yield ("total", name), self.totals[name]
                    if name in self.assuming:
                        yield ("assuming", name), self.assuming[name][:-1]
        yield from self._whole()

    def _whole(self) -> Iterator[tuple[Place, Chain]]:
        for name, chain in self.composed.items():
            yield ("composed", name), chain
        for name, chain in self.claimed.items():
            yield ("claimed", name), chain

    def says(self) -> dict[str, Expr]:
        """Return what the theorem says: formulas by the names of gradients, each after those that
        stand in it, the names that it introduces among them."""
        ends = {str(step.left): step.right for step in self.stated if isinstance(step.right, Expr)}
        return ends or {f"d{name}": value for name, value in self.backward.items()}

    def locals_of(self, name: str) -> list[Local]:
        """Return the theorems about a variable, one for each statement that uses it."""
        return [local for local in self.locals if local.variable.data[0] == name]

    @property
    def lines(self) -> tuple[tuple[str, Expr], ...]:
        """The statements and the gradients, each by those before it."""
        asked = ((f"d{name}", value) for name, value in self.gradients.items())
        said = dict(self.statements)
        return (*self.statements, *((name, value) for name, value in asked if name not in said))

    @property
    def introduced(self) -> dict[str, Expr]:
        """What the names stand for that are neither the user's nor gradients."""
        return {name: value for name, value in self.statements if name not in self.names}

    def put_in(self, expr: Expr) -> Expr:
        """Return an expression in which what introduced names stand for is put in."""
        known = self.introduced
        for leaf in reversed([var(name, value.shape) for name, value in known.items()]):
            expr = substitute(expr, {leaf: known[leaf.data[0]]})
        return expr

    def steps(self) -> list[Step]:
        """Return every step in the order of the document."""
        return [step for _, chain in self.equations() for step in chain]

    def every_step(self) -> list[Step]:
        """Return every step in the order of the document, then those that it does not show."""
        found = {id(step): step for step in self.steps()}
        for d in (self, *(lemma.derivation for lemma in self.lemmas)):
            for local in d.locals:
                lines = local.lines.steps if local.lines else ()
                for step in (
                    *local.claim, *local.exchange, *local.operators, *local.depends, *lines,
                ):  # fmt: skip
                    found.setdefault(id(step), step)
        return [*found.values()]

    @property
    def question(self) -> dict[str, Any]:
        """What was asked, as plain values by name."""
        program = self.program
        statements = [str(statement) for statement in program.statements]
        return {
            "statements": statements,
            "shapes": sorted((name, str(leaf.shape)) for name, leaf in program.leaves.items()),
            "sizes": sorted(self.sizes.items()),
            "wrt": sorted(self.wrt),
            "detail": self.detail,
            "assumed": sorted((name, sorted(words)) for name, words in self.assumed.items()),
        }

    def numbers(self) -> dict[Place, int]:
        """Return the number of every equation by its place."""
        return {place: k for k, (place, _) in enumerate(self.equations(), 1)}
