"""From a program to the trace of its derivation: which equations, in which order, by which rule.

The sweep gives the formulas; the index calculus gives the road by which a student reaches them.
Nothing here is checked: every step leaves with no verdict, and the judges see it next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle
from math import prod

from derive.calculus.index import Letters, Scalar, letters, place_of
from derive.calculus.reverse import Gradient, sweep
from derive.expressions.errors import SizeError
from derive.expressions.expr import Condition, Expr, nodes, number, substitute, variables
from derive.expressions.limits import during
from derive.expressions.program import Program, Statement
from derive.expressions.shape import Shape, extent
from derive.ops import var
from derive.proof.composing import Composed, System
from derive.proof.derivation import (
    Chain,
    Derivation,
    Grid,
    Lemma,
    Local,
    Place,
    Step,
)
from derive.proof.exchanging import exchanged
from derive.proof.hypotheses import Ground, ground_of, sizes_asked
from derive.proof.implied import hypotheses
from derive.proof.kinds import Kind, kinds
from derive.proof.lemmas import lemmas, operators
from derive.proof.lines import lines
from derive.proof.local import LocalProof
from derive.proof.parts import mixing
from derive.proof.roads import READABLE, STATEMENTS, WHOLE, Names, Roads
from derive.proof.shares import with_shares
from derive.proof.sizes import Relation, with_values
from derive.proof.textbook import Settled
from derive.readings.terms import Entries

DETAILS = ("full", "lecture", "one", "brief")
#: The detail of the proof that a lemma about a kind of statement has within a lecture.
LEMMA = "lemma"
#: The sizes at which a lemma is written out, in turn; of two dimensions the last two.
SMALL = (2, 2, 3)
#: Where a number, or an entry of a matrix, has more symbols than this, all dimensions are the first
#: of these sizes; and a matrix whose entries have still more than the last is not written out.
MOST_SYMBOLS, MOST_OF_ENTRY, MOST_WRITTEN = 36, 16, 24


@during("deriving")
def explain(
    program: Program,
    *,
    at: Mapping[str, int] | None = None,
    wrt: tuple[str, ...] | None = None,
    detail: str = "full",
    max_entries: int = 1_000_000,
    assume: Mapping[str, frozenset[str]] | None = None,
    claims: Mapping[str, Sequence[Expr]] | None = None,
    form: str = READABLE,
) -> Derivation:
    """Return the derivation of a program's gradients, its steps not yet judged.

    `assume` is what the inputs obey, as `assumed` returns it; `claims` are formulas of gradients,
    by name, with which the derivation ends. `form` is that of the gradients: each `READABLE` is one
    formula as long as that can be read, `WHOLE` in any case, `STATEMENTS` a short list of these,
    `THEOREMS` what the theorems say and no more.

    Raises `UnsupportedError` for a variable that cannot be differentiated by, `SizeError` where the
    document would have more than `max_entries` entries.
    """
    if all(leaf.shape.is_scalar for leaf in program.leaves.values()):
        detail = "brief"  # a scalar has no entries: the proof for every shape says it all
    wanted = program.wanted(wrt)
    ground = ground_of(program, assume, [name for name in wanted if name in program.inputs])
    relations = sizes_asked(program, ground)
    sizes = with_values(program, at, relations or ())
    writer = Writer(program, wanted, sizes, detail, ground, relations, assume or {}, claims or {})
    writer.form = form
    refuse_above(writer, max_entries)
    return writer.derivation()


class Writer:
    """One program, its wanted variables and the names that its proof uses."""

    def __init__(
        self,
        program: Program,
        wrt: tuple[str, ...],
        sizes: Mapping[str, int],
        detail: str,
        ground: Ground,
        relations: tuple[Relation, ...] | None,
        assume: Mapping[str, frozenset[str]],
        claims: Mapping[str, Sequence[Expr]],
    ):
        self.program = program
        self.assume = assume
        self.wrt = wrt
        self.form = READABLE
        self.sizes = sizes
        self.detail = detail
        self.ground = ground
        self.relations = relations
        self.reaching = program.reaching()
        self.active = program.depending(set(wrt)) & self.reaching
        self.statements = [s for s in program.statements if s.name in self.reaching]
        lecture = detail == "lecture"
        acting = [s for s in self.statements if s.name in self.active]
        if not lecture:
            program = self.program = with_shares(program, acting)
        self.letters: Letters = letters(program.letters())
        self.entries = Entries(self.letters.bound)
        self.names = Names(program, self.active)
        self.settled = Settled(program, relations or (), assume)
        told = {"told": self.told} if lecture else {}
        self.slowly = True
        self.roads = Roads(self.names, wrt, self.settled, claims, **told)
        self.kinds = kinds(program, acting) if lecture else ()
        self.kind_of = {name: kind for kind in self.kinds for name in kind.cited}
        self.trees = {} if lecture else {s.name: self._tree(s) for s in self.statements}

    def told(self, statement: str, name: str) -> Place:
        """Return which equation of a lecture has the theorem of a statement: that of its lemma,
        where its names need not be put in."""
        kind = self.kind_of[statement]
        used = [leaf.data[0] for leaf in variables(kind.program.statements[-1].expr)]
        shared = any(len(self.names.users(name)) > 1 for name in used if name in self.active)
        if shared or not kind.cited[statement].is_identity:
            return ("back", statement)
        return ("lemma", lemma_of(kind), "claim")

    def _tree(self, statement: Statement) -> Scalar:
        return self.entries.of(statement.expr, *place_of(statement.expr.shape, self.letters.output))

    # -- the derivation ----------------------------------------------------------------------------

    def derivation(self) -> Derivation:
        locals_: list[Local] = []
        totals: dict[str, Chain] = {}
        backward: dict[str, Expr] = {}
        for statement in reversed(self.statements):
            if statement.name not in self.active:
                continue
            locals_ += self.local_theorems(statement)
            self.roads.add_up(locals_, totals, backward)
            for name in [name for name in backward if name not in self.roads.assuming]:
                backward[name] = self.roads.shortened(name, backward[name], totals)
        order = {name: k for k, name in enumerate(self.program.leaves)}
        found = self.composed(backward, totals)
        composed, gradients = found.chains, found.gradients
        claimed = self.roads.claimed(backward, gradients, composed, totals)
        return Derivation(
            program=self.program,
            wrt=self.wrt,
            sizes=self.sizes,
            detail=self.detail,
            names=self.names.known,
            letters=self.letters,
            conditions=tuple(self.conditions()),
            relations=self.relations or (),
            satisfied=self.relations is not None,
            open=self.ground.open,
            tied=tuple(tied(self)),
            forward=tuple(self.forward(locals_)),
            locals=tuple(locals_),
            totals=totals,
            composed=composed,
            backward=backward,
            form=self.form,
            statements=found.statements,
            gradients=dict(sorted(gradients.items(), key=lambda item: order[item[0]])),
            lemmas=self.lemmas(),
            assumed=self.assume,
            assuming={name: chain for name, chain in self.roads.assuming.items() if chain},
            claimed=claimed,
            stated=tuple(self.stated(found, backward, totals)),
        )

    def stated(
        self, found: Composed, backward: Mapping[str, Expr], totals: Mapping[str, Chain]
    ) -> Iterator[Step]:
        """Yield what the theorem of a lecture says, each gradient as its road ends."""
        if self.detail != "lecture":
            return
        behind = {name: found.gradients[name] for name in backward if name in found.gradients}
        lines = [*found.statements, *((f"d{name}", value) for name, value in behind.items())]
        for shown, value in dict(lines).items():
            name = shown[1:] if shown in self.names.known else shown
            end = (
                ("composed", name) if name in found.chains else self.roads.theorem_of(name, totals)
            )
            own, cites = var(shown, value.shape), (("cites", (end,)),)
            yield Step(own, value, "theorem", "", name, part="stated", facts=cites)

    def kind_lemmas(self) -> Iterator[Lemma]:
        """Yield the lemmas of a lecture: one for each kind of statement, after those it cites."""
        known: set[str] = set()
        for kind in self.kinds:
            lemma = self.kind_lemma(kind)
            for other in lemma.derivation.lemmas:
                if other.key not in known:
                    yield other
                known.add(other.key)
            yield replace(lemma, derivation=replace(lemma.derivation, lemmas=()))

    def kind_lemma(self, kind: Kind) -> Lemma:
        """Return the lemma about a kind of statement, about every name that any of them asks for.

        One entry is shown slowly at small sizes, where entries are made of several: what is made
        entry by entry is seen from the definition.
        """
        wanted = {own for put_in in kind.cited.values() for own, leaf in put_in.names.items()
                  if leaf.data[0] in self.active}  # fmt: skip
        wrt = tuple(name for name in kind.program.inputs if name in wanted)
        dims = kind.program.dims
        small = dict(zip(dims, cycle(SMALL if len(dims) > 2 else SMALL[1:]), strict=False))
        ground = ground_of(kind.program, {}, wrt)
        relations = sizes_asked(kind.program, ground)
        sizes = with_values(kind.program, small, relations or ())
        writer = Writer(kind.program, wrt, sizes, LEMMA, ground, relations, {}, {})
        entry, is_number = (
            writer.trees[kind.program.output.data[0]],
            kind.program.output.shape.is_scalar,
        )
        if _length(entry, sizes) > (MOST_SYMBOLS if is_number else MOST_OF_ENTRY):
            smallest = dict.fromkeys(dims, SMALL[0])
            writer.sizes = with_values(kind.program, smallest, relations or ())
        short = is_number or _length(entry, writer.sizes) <= MOST_WRITTEN
        writer.slowly = short and bool(mixing(kind.program.statements[-1].expr))
        own = writer.derivation()
        claim = tuple(step for local in own.locals for step in local.claim)
        return Lemma(lemma_of(kind), own, claim)

    def composed(self, backward: dict[str, Expr], totals: Mapping[str, Chain]) -> Composed:
        """Return the gradients asked for, in the form that was asked for."""
        if self.form in (READABLE, WHOLE):
            chains, gradients = self.roads.compose(backward, totals, self.form == WHOLE)
            return Composed(gradients, (), chains)
        places = partial(self.roads.theorem_of, totals=totals)
        system = System(self.names, self.wrt, backward, places, self.roads.simplified)
        return system.composed(system.solve() if self.form == STATEMENTS else {})

    def lemmas(self) -> tuple[Lemma, ...]:
        """Return the lemmas that the proofs cite; a brief document does without."""
        if self.detail == "brief":
            return ()
        if self.detail == "lecture":
            return tuple(self.kind_lemmas())
        return lemmas(
            name
            for statement in self.statements
            for leaf in variables(statement.expr)
            if leaf.data[0] in self.active
            for name in operators(statement.expr, self.trees[statement.name], leaf)
        )

    def conditions(self) -> Iterator[tuple[Condition, ...]]:
        """Yield what the operators of each statement ask for, each condition once."""
        found = hypotheses(self.ground, (statement.expr for statement in self.statements))
        yield from ((condition,) for condition in dict.fromkeys(found))

    def forward(self, locals_: Iterable[Local]) -> Iterator[Step]:
        """Yield the statements written out, those of which an entry is shown slowly."""
        shown = {local.statement.name for local in locals_ if local.one}
        for statement in self.statements:
            if statement.name not in shown and self.detail in ("brief", "lecture", LEMMA):
                continue
            leaf = self.program.leaves[statement.name]
            grid = Grid(self.trees[statement.name], self.letters.output, leaf)
            yield Step(leaf, grid, "definition", statement.name, sized=True, part="forward")

    def local_theorems(self, statement: Statement) -> Iterator[Local]:
        upstream = self.names.upstream(statement)
        value = self.program.leaves[statement.name]
        wanted = [leaf for leaf in variables(statement.expr) if leaf.data[0] in self.active]
        seed = upstream if upstream is not None else number(1)
        form = self.settled.local(value, statement.expr)
        gradients = sweep(statement.expr, seed, wanted, value, form)
        known: dict[Expr, Expr] = {}
        for leaf in wanted:
            name = leaf.data[0]
            shared = len(self.names.users(name)) > 1
            own = self.names.gradient(name, statement.name if shared else None)
            formula = gradients[leaf].value
            pairs = exchanged(statement.expr, known, leaf, formula) if self.detail == LEMMA else {}
            if pairs:
                yield self._exchanged(statement, leaf, own, upstream, formula, pairs)
            else:
                yield self._local(statement, leaf, own, upstream, gradients, not known)
                known[leaf] = formula

    def _local(
        self,
        statement: Statement,
        leaf: Expr,
        own: Expr,
        upstream: Expr | None,
        gradients: dict[Expr, Gradient],
        is_first: bool,
    ) -> Local:
        """Return the theorem of a statement about a variable, with as much proof as is asked for.

        A lemma shows one entry slowly, where there is more to see than that it is the only one.
        """
        formula = gradients[leaf].value
        if self.detail == "lecture":
            return self._cited(statement, leaf, own, upstream, formula)
        proof = LocalProof(self, statement, leaf, own, upstream, formula)
        occurrence, is_lemma = proof.occurrence(), self.detail == LEMMA
        slowly = self.detail != "brief" and (not is_lemma or (is_first and self.slowly))
        is_usual = self.detail == "full" and len(self.statements) == 1
        sweep = () if is_lemma else tuple(self.operator_chain(statement, leaf, own, gradients))
        facts = statement, proof.value, leaf, own, formula, occurrence, self.letters
        return Local(
            statement=statement,
            variable=leaf,
            gradient=own,
            upstream=upstream,
            formula=formula,
            occurrence=occurrence,
            depends=tuple(proof.depends(occurrence)),
            acts=proof.acts(),
            lines=lines(*facts) if slowly or not is_lemma else None,
            claim=tuple(proof.claim()),
            slice=tuple(proof.slice()) if slowly else (),
            one=tuple(proof.one()) if slowly else (),
            entries=tuple(proof.every_entry()) if self.detail == "full" else (),
            assembly=tuple(proof.assembly()) if slowly and not is_lemma else (),
            index=tuple(proof.index_chain(is_first or not is_lemma)),
            operators=sweep if len(sweep) > 1 and not is_usual else (),
            rules=tuple(r for step in sweep for r in dict(step.facts).get("rules", ())),
        )

    def _cited(
        self, statement: Statement, leaf: Expr, own: Expr, upstream: Expr | None, formula: Expr
    ) -> Local:
        """Return the theorem of a statement as the lemma about its kind says it."""
        kind = self.kind_of[statement.name]
        facts = (("cites", (("lemma", lemma_of(kind), "claim"),)),
                 ("names", kind.cited[statement.name]))  # fmt: skip
        claim = Step(own, formula, "by-lemma", statement.name, leaf.data[0], part="back",
                     facts=facts)  # fmt: skip
        return Local(statement, leaf, own, upstream, formula, claim=(claim,))

    def _exchanged(
        self,
        statement: Statement,
        leaf: Expr,
        own: Expr,
        upstream: Expr | None,
        formula: Expr,
        pairs: Mapping[Expr, Expr],
    ) -> Local:
        """Return a theorem that another one becomes where names are exchanged."""
        facts = (("pairs", tuple((a.data[0], b.data[0]) for a, b in pairs.items())),)
        about = (statement.name, leaf.data[0])
        said = Step(substitute(statement.expr, dict(pairs)), statement.expr, "exchanged", *about,
                    part="exchange", facts=facts)  # fmt: skip
        claim = Step(own, formula, "theorem", *about, part="theorem")
        return Local(statement, leaf, own, upstream, formula, claim=(claim,), exchange=(said,))

    def operator_chain(
        self, statement: Statement, leaf: Expr, own: Expr, gradients: dict[Expr, Gradient]
    ) -> Iterator[Step]:
        """Yield the sweep itself: the gradient of every node between the output and the leaf."""
        for node, gradient in gradients.items():
            other = node.is_var and node is not leaf
            if node is statement.expr or leaf not in nodes(node) or other:
                continue
            left = own if node is leaf else self.names.node_gradient(node)
            rules = tuple(dict.fromkeys(because for because, _ in gradient.parts))
            theme = (statement.name, leaf.data[0], False, "operators")
            yield Step(left, gradient.raw, rules[0], *theme, facts=(("rules", rules),))
            for rewrite in gradient.rewrites:
                yield Step(rewrite.before, rewrite.after, rewrite.rule, *theme)


# -- helpers ---------------------------------------------------------------------------------------


def refuse_above(writer: Writer, most: int) -> None:
    """Refuse a document with more entries than `most`, before work begins."""
    if writer.detail in ("brief", "lecture"):
        return
    count = 0
    for statement in writer.statements:
        area = _area(statement.expr.shape, writer.sizes)
        count += area * _length(writer.trees[statement.name], writer.sizes)
        for leaf in variables(statement.expr):
            if leaf.data[0] in writer.active:
                used = max(area // max(leaf.shape.extents(writer.sizes)), 1)
                count += area + _area(leaf.shape, writer.sizes) * used
    if count > most:
        raise SizeError(
            f"the document would have about {count:,} entries, more than the limit of {most:,}",
            hint="choose smaller sizes with --at, or --detail brief, or raise --max-entries",
        )


def tied(writer: Writer) -> Iterator[Expr]:
    """Yield the maxima of two that are equal somewhere whatever the inputs are: there the
    theorem about maxima does not hold."""
    for node in writer.ground.ties:
        inside = any(leaf.data[0] in writer.active for leaf in variables(node))
        if inside and any(p.because == "maximum-rule" for p in node.op.pullbacks):
            yield node


def lemma_of(kind: Kind) -> str:
    """Return the key of the lemma about a kind of statement; no operator is called so."""
    return f"{kind.key} ="


def _area(shape: Shape, sizes: Mapping[str, int]) -> int:
    return prod(shape.extents(sizes))


def _length(term: Scalar, sizes: Mapping[str, int]) -> int:
    """Return how many symbols a term has when its sums are written out."""
    if term.kind == "sum":
        return extent(term.data[1], sizes) * _length(term.args[0], sizes)
    return sum(_length(arg, sizes) for arg in term.args) or 1
