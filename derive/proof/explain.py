"""From a program to the trace of its derivation: which equations, in which order, by which rule.

The sweep gives the formulas; the index calculus gives the road by which a student reaches them.
Nothing here is checked: every step leaves with no verdict, and the judges see it next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from derive.calculus.index import (
    Index,
    Letters,
    Scalar,
    along,
    contract,
    delta,
    differentiate,
    entry,
    index_words,
    letters,
    mul,
    partial,
    rename,
    total,
    written_out,
)
from derive.calculus.reverse import Gradient, sweep
from derive.calculus.simplify import simplify
from derive.expressions.errors import SizeError
from derive.expressions.expr import Condition, Expr, nodes, number, substitute, variables, written
from derive.expressions.program import Program, Statement
from derive.expressions.shape import Pair, Shape, extent
from derive.ops import var
from derive.ops.elementwise import DIV
from derive.ops.rows import LOGSOFTMAX, LOGSUMEXP, SOFTMAX
from derive.proof.assuming import under
from derive.proof.derivation import (
    Chain,
    Derivation,
    EntryOf,
    Explicit,
    GradientName,
    Grid,
    Lemma,
    Local,
    Math,
    Place,
    Slice,
    Step,
)
from derive.proof.hypotheses import Ground, conditions, ground_of, sizes_asked
from derive.proof.lemmas import lemmas, operators
from derive.proof.sizes import Relation, with_values
from derive.readings.terms import Entries

DETAILS = ("full", "one", "brief")
#: A gradient with more operators and operands than this is not written as one formula.
LONGEST = 250


def explain(
    program: Program,
    *,
    at: Mapping[str, int] | None = None,
    wrt: tuple[str, ...] | None = None,
    detail: str = "full",
    max_entries: int = 1_000_000,
    assume: Mapping[str, frozenset[str]] | None = None,
    claims: Mapping[str, Expr] | None = None,
) -> Derivation:
    """Return the derivation of a program's gradients, its steps not yet judged.

    `assume` is what the inputs obey, as `assumed` returns it; `claims` are formulas of gradients,
    by name, with which the derivation ends.

    Raises `UnsupportedError` for a variable that cannot be differentiated by, `SizeError` where the
    document would have more than `max_entries` entries.
    """
    if all(leaf.shape.is_scalar for leaf in program.leaves.values()):
        detail = "brief"  # a scalar has no entries: the proof for every shape says it all
    wanted = program.wanted(wrt)
    ground = ground_of(program, assume, [name for name in wanted if name in program.inputs])
    relations = sizes_asked(program, ground)
    sizes = with_values(program, at, relations or ())
    writer = _Writer(program, wanted, sizes, detail, ground, relations, assume or {}, claims or {})
    writer.refuse_above(max_entries)
    return writer.derivation()


class _Writer:
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
        claims: Mapping[str, Expr],
    ):
        self.program = program
        self.assume, self.claims = assume, claims
        self.assuming: dict[str, Chain] = {}
        self.wrt = wrt
        self.sizes = sizes
        self.detail = detail
        self.ground = ground
        self.relations = relations
        self.reaching = program.reaching()
        self.active = program.depending(set(wrt)) & self.reaching
        self.statements = [s for s in program.statements if s.name in self.reaching]
        self.letters: Letters = letters(program.letters())
        self.entries = Entries(self.letters.bound)
        self.names: dict[str, GradientName] = {}
        self.trees = {s.name: self._tree(s) for s in self.statements}

    # -- names -------------------------------------------------------------------------------------

    def gradient(self, name: str, through: str | None = None) -> Expr:
        """Return the variable that stands for a gradient, or for its part through a statement."""
        leaf = self.program.leaves[name]
        shown = f"d{name}" if through is None else f"d{name}[{through}]"
        self.names[shown] = GradientName(leaf, through)
        return var(shown, leaf.shape)

    def node_gradient(self, node: Expr) -> Expr:
        if node.is_var:
            return self.gradient(node.data[0])
        self.names[f"d({node})"] = GradientName(node)
        return var(f"d({node})", node.shape)

    def upstream(self, statement: Statement) -> Expr | None:
        """Return the gradient that enters a statement, `None` for the loss itself."""
        if self.program.is_loss and statement.name == self.program.output.data[0]:
            return None
        return self.gradient(statement.name)

    def users(self, name: str) -> list[Statement]:
        return [s for s in self.program.users(name) if s.name in self.active]

    def _tree(self, statement: Statement) -> Scalar:
        return self.entries.of(statement.expr, *_own(statement.expr.shape, self.letters.output))

    # -- size of the document ----------------------------------------------------------------------

    def refuse_above(self, most: int) -> None:
        """Refuse a document with more entries than `most`, before work begins."""
        if self.detail == "brief":
            return
        count = 0
        for statement in self.statements:
            area = _area(statement.expr.shape, self.sizes)
            count += area * _length(self.trees[statement.name], self.sizes)
            for leaf in variables(statement.expr):
                if leaf.data[0] in self.active:
                    used = max(area // max(leaf.shape.extents(self.sizes)), 1)
                    count += area + _area(leaf.shape, self.sizes) * used
        if count > most:
            raise SizeError(
                f"the document would have about {count:,} entries, more than the limit of {most:,}",
                hint="choose smaller sizes with --at, or --detail brief, or raise --max-entries",
            )

    # -- the derivation ----------------------------------------------------------------------------

    def derivation(self) -> Derivation:
        locals_: list[Local] = []
        totals: dict[str, Chain] = {}
        backward: dict[str, Expr] = {}
        for statement in reversed(self.statements):
            if statement.name not in self.active:
                continue
            locals_ += self.local_theorems(statement)
            self.add_up(locals_, totals, backward)
            for name in [name for name in backward if name not in self.assuming]:
                backward[name] = self.shortened(name, backward[name], totals)
        order = {name: k for k, name in enumerate(self.program.leaves)}
        composed, gradients = self.compose(backward, totals)
        claimed = self.claimed(backward, gradients, composed, totals)
        return Derivation(
            program=self.program,
            wrt=self.wrt,
            sizes=self.sizes,
            detail=self.detail,
            names=self.names,
            letters=self.letters,
            conditions=tuple(self.conditions()),
            relations=self.relations or (),
            satisfied=self.relations is not None,
            open=self.ground.open,
            tied=tuple(self.tied()),
            forward=tuple(self.forward()) if self.detail != "brief" else (),
            locals=tuple(locals_),
            totals=totals,
            composed=composed,
            backward=backward,
            gradients=dict(sorted(gradients.items(), key=lambda item: order[item[0]])),
            lemmas=self.lemmas(),
            assumed=self.assume,
            assuming={name: chain for name, chain in self.assuming.items() if chain},
            claimed=claimed,
        )

    def lemmas(self) -> tuple[Lemma, ...]:
        """Return the lemmas that the proofs cite; a brief document does without."""
        if self.detail == "brief":
            return ()
        return lemmas(
            name
            for statement in self.statements
            for leaf in variables(statement.expr)
            if leaf.data[0] in self.active
            for name in operators(statement.expr, self.trees[statement.name], leaf)
        )

    def conditions(self) -> Iterator[tuple[Condition, ...]]:
        """Yield what the operators of each statement ask for, each condition once."""
        found = conditions(self.ground, (statement.expr for statement in self.statements))
        yield from ((condition,) for condition in dict.fromkeys(found))

    def tied(self) -> Iterator[Expr]:
        """Yield the maxima of two that are equal somewhere whatever the inputs are: there the
        theorem about maxima does not hold."""
        for node in self.ground.ties:
            inside = any(leaf.data[0] in self.active for leaf in variables(node))
            if inside and any(p.because == "maximum-rule" for p in node.op.pullbacks):
                yield node

    def forward(self) -> Iterator[Step]:
        i, j = self.letters.output
        for statement in self.statements:
            leaf = self.program.leaves[statement.name]
            grid = Grid(self.trees[statement.name], i, j, leaf)
            yield Step(leaf, grid, "definition", statement.name, sized=True, part="forward")

    def local_theorems(self, statement: Statement) -> Iterator[Local]:
        upstream = self.upstream(statement)
        value = self.program.leaves[statement.name]
        wanted = [leaf for leaf in variables(statement.expr) if leaf.data[0] in self.active]
        seed = upstream if upstream is not None else number(1)
        gradients = sweep(statement.expr, seed, wanted, value)
        for leaf in wanted:
            name = leaf.data[0]
            shared = len(self.users(name)) > 1
            own = self.gradient(name, statement.name if shared else None)
            yield self._local(statement, leaf, own, upstream, gradients)

    def _local(
        self,
        statement: Statement,
        leaf: Expr,
        own: Expr,
        upstream: Expr | None,
        gradients: dict[Expr, Gradient],
    ) -> Local:
        formula = gradients[leaf].value
        proof = _Proof(self, statement, leaf, own, upstream, formula)
        sized = self.detail != "brief"
        sweep = tuple(self.operator_chain(statement, leaf, own, gradients))
        return Local(
            statement=statement,
            variable=leaf,
            gradient=own,
            upstream=upstream,
            formula=formula,
            occurrence=proof.occurrence(),
            acts=proof.acts(),
            claim=tuple(proof.claim()),
            slice=tuple(proof.slice()) if sized else (),
            one=tuple(proof.one()) if sized else (),
            entries=tuple(proof.every_entry()) if self.detail == "full" else (),
            assembly=tuple(proof.assembly()) if sized else (),
            index=tuple(proof.index_chain()),
            operators=sweep if len(sweep) > 1 else (),
            rules=tuple(r for step in sweep for r in dict(step.facts).get("rules", ())),
        )

    def operator_chain(
        self, statement: Statement, leaf: Expr, own: Expr, gradients: dict[Expr, Gradient]
    ) -> Iterator[Step]:
        """Yield the sweep itself: the gradient of every node between the output and the leaf."""
        for node, gradient in gradients.items():
            other = node.is_var and node is not leaf
            if node is statement.expr or leaf not in nodes(node) or other:
                continue
            left = own if node is leaf else self.node_gradient(node)
            rules = tuple(dict.fromkeys(because for because, _ in gradient.parts))
            theme = (statement.name, leaf.data[0], False, "operators")
            yield Step(left, gradient.raw, rules[0], *theme, facts=(("rules", rules),))
            for rewrite in gradient.rewrites:
                yield Step(rewrite.before, rewrite.after, rewrite.rule, *theme)

    def add_up(
        self, locals_: list[Local], totals: dict[str, Chain], backward: dict[str, Expr]
    ) -> None:
        """Enter the gradients that are complete: every use of the variable has been met."""
        for name in dict.fromkeys(local.variable.data[0] for local in locals_):
            if name in backward:
                continue
            parts = [p for p in locals_ if p.variable.data[0] == name]
            if len(parts) != len(self.users(name)):
                continue
            if len(parts) == 1:
                backward[name] = parts[0].formula
                continue
            parts = parts[::-1]
            own = self.gradient(name)
            raw = parts[0].gradient
            cites = tuple(("index", part.statement.name, name) for part in parts)
            put_in = parts[0].formula
            for part in parts[1:]:
                raw, put_in = raw + part.gradient, put_in + part.formula
            value, rewrites = simplify(put_in)
            steps = [
                Step(own, raw, "gradients-add", part="totals"),
                Step(raw, put_in, "substitution", part="totals", facts=(("cites", cites),)),
                *(Step(r.before, r.after, r.rule, part="totals") for r in rewrites),
            ]
            totals[name] = tuple(steps)
            backward[name] = value

    def compose(
        self, backward: dict[str, Expr], totals: Mapping[str, Chain]
    ) -> tuple[dict[str, Chain], dict[str, Expr]]:
        """Return each wanted gradient with the upstream gradients put in, and the road there.

        A gradient that is put in has its own road, unless its theorem says it already. One that
        would be too long to read stays as its theorem says it, by the gradients that stand there.
        """
        known: dict[Expr, Expr] = {}
        chains: dict[str, Chain] = {}
        says: dict[Expr, Place] = {}  # which equation says what is known of a gradient
        for name in backward:  # outermost first, as they were found
            own, local = self.gradient(name), backward[name]
            says[own] = self.theorem_of(name, totals)
            put_in = substitute(local, known)
            if written(put_in) > LONGEST:
                known[own] = local
                continue
            value, rewrites = self.simplified(put_in, "composed")
            known[own] = value
            if put_in is not local:
                cites = tuple(says[leaf] for leaf in variables(local) if leaf in known)
                chains[name] = (
                    Step(own, local, "theorem", part="composed", facts=(("cites", (says[own],)),)),
                    Step(local, put_in, "substitution", part="composed", facts=(("cites", cites),)),
                    *rewrites,
                )
                says[own] = ("composed", name)
        wanted = self.named_in(known)
        claimed = (leaf.data[0][1:] for claim in self.claims.values() for leaf in variables(claim))
        cited = _needed((*wanted, *claimed), chains)
        chains = {name: chain for name, chain in chains.items() if name in cited}
        return chains, {name: known[self.gradient(name)] for name in backward if name in wanted}

    def named_in(self, known: Mapping[Expr, Expr]) -> tuple[str, ...]:
        """Return the variables that are asked for, and those whose gradients stand in theirs."""
        names, waiting = dict.fromkeys(self.wrt), list(self.wrt)
        while waiting:
            for leaf in variables(known[self.gradient(waiting.pop())]):
                if leaf in known and leaf.data[0][1:] not in names:
                    names[leaf.data[0][1:]] = None
                    waiting.append(leaf.data[0][1:])
        return tuple(names)

    def simplified(self, expr: Expr, part: str) -> tuple[Expr, Chain]:
        """Return an expression in textbook form, the assumptions used, and the steps to it."""
        value, rewrites = simplify(expr)
        shorter, uses = under(value, self.assume)
        steps = [Step(r.before, r.after, r.rule, part=part) for r in rewrites]
        for use in uses:
            facts = (("because", use.because),) if use.because else ()
            steps.append(Step(use.before, use.after, use.rule, part=part, facts=facts))
        return shorter, tuple(steps)

    def shortened(self, name: str, formula: Expr, totals: Mapping[str, Chain]) -> Expr:
        """Return the gradient by a name where the assumptions hold, and keep the road to it."""
        value, steps = self.simplified(formula, "assuming")
        if not any(step.rule == "assumed" for step in steps):
            self.assuming[name] = ()
            return formula
        facts = (("cites", (self.theorem_of(name, totals),)),)
        own = self.gradient(name)
        here = (("cites", (("assuming", name),)),)
        self.assuming[name] = (
            Step(own, formula, "theorem", part="assuming", facts=facts),
            *steps,
            Step(own, value, "theorem", part="assuming", facts=here),
        )
        return value

    def claimed(
        self,
        backward: Mapping[str, Expr],
        gradients: Mapping[str, Expr],
        composed: Mapping[str, Chain],
        totals: Mapping[str, Chain],
    ) -> dict[str, Chain]:
        """Return the roads from the gradients to what is claimed of them, where it is not that."""
        found: dict[str, Chain] = {}
        for name, claim in self.claims.items():
            value = gradients[name]
            if claim in (value, backward[name]):
                continue

            def says(of: str) -> Place:
                return ("composed", of) if of in composed else self.theorem_of(of, totals)

            own = self.gradient(name)
            names = (leaf.data[0] for leaf in variables(claim))
            used = [own[1:] for own in names if own in self.names and own[1:] in backward]
            start = (("cites", (says(name),)),)
            cites = tuple(says(of) for of in used)
            known: dict[Expr, Expr] = {}
            for of in used:
                last = composed[of][-1].right if of in composed else backward[of]
                assert isinstance(last, Expr)
                known[self.gradient(of)] = last
            put_in = self.put_in(value, substitute(claim, known))
            found[name] = (
                Step(own, value, "theorem", part="claimed", facts=start),
                Step(
                    value,
                    claim,
                    "claimed",
                    part="claimed",
                    facts=(("cites", cites), ("put_in", put_in)),
                ),
            )
        return found

    def put_in(self, *sides: Expr) -> tuple[str, ...]:
        """Return the names of statements that two formulas do not share, and those behind these."""
        found: dict[str, None] = {}
        for statement in reversed(self.program.statements):
            leaf = self.program.leaves[statement.name]
            if len({leaf in variables(side) for side in sides}) == 2:
                found[statement.name] = None
                sides = tuple(substitute(side, {leaf: statement.expr}) for side in sides)
        return tuple(found)

    def theorem_of(self, name: str, totals: Mapping[str, Chain]) -> Place:
        """Return the place of the equation that says what the gradient by a name is."""
        if self.assuming.get(name):
            return ("assuming", name)
        if name in totals:
            return ("total", name)
        (user,) = self.users(name)
        return ("index", user.name, name)


class _Proof:
    """The proof of one local theorem: at the sizes, and for every shape."""

    def __init__(
        self,
        writer: _Writer,
        statement: Statement,
        leaf: Expr,
        own: Expr,
        upstream: Expr | None,
        formula: Expr,
    ):
        self.writer = writer
        self.theme = statement.name
        self.value = writer.program.leaves[statement.name]
        self.leaf, self.own, self.upstream, self.formula = leaf, own, upstream, formula
        self.tree = writer.trees[statement.name]
        self.output = _own(self.value.shape, writer.letters.output)
        self.variable = _own(leaf.shape, writer.letters.variable)
        raw = differentiate(self.tree, leaf.data, *self.variable)
        self.raw, self.derivative = raw, contract(raw)
        self.y = entry(self.value.data, *self.output)
        self.x = entry(leaf.data, *self.variable)
        if upstream is None:
            self.summand = self.derivative
        else:
            self.summand = mul(entry(upstream.data, *self.output), self.derivative)
        self.chained = self._summed(self.summand)
        self.result = contract(self.chained)
        self.how = {
            "lemmas": operators(statement.expr, self.tree, leaf),
            "methods": tuple(dict.fromkeys(_methods(statement.expr, leaf))),
        }

    def _summed(self, term: Scalar) -> Scalar:
        for index, dim in zip(reversed(self.output), reversed(self.value.shape.dims), strict=True):
            term = total(index, dim, term) if dim != 1 else term
        return term

    def _step(
        self, left: Math, right: Math, rule: str, part: str, sized: bool, **facts: Any
    ) -> Step:
        about = self.leaf.data[0]
        return Step(left, right, rule, self.theme, about, sized, part, tuple(facts.items()))

    def claim(self) -> Iterator[Step]:
        """Yield the theorem itself."""
        yield self._step(self.own, self.formula, "theorem", "theorem", False)

    # -- at the sizes ------------------------------------------------------------------------------

    def occurrence(self) -> tuple[str, ...]:
        """Return which entries of the value depend on x_ac: by which of its indices they agree."""
        (i, j), (a, c) = self.output, self.variable
        places = {"row-a": delta(i, a), "row-c": delta(i, c), "column-a": delta(j, a),
                  "column-c": delta(j, c)}  # fmt: skip
        found = tuple(
            word
            for word, d in places.items()
            if d.kind == "delta" and all(_has_factor(term, d) for term in self._terms)
        )
        parts = {word for k in (i, j, a, c) if isinstance(k, Pair) for word in index_words(k)}
        if parts and all(any(parts & {*d} for d in _deltas(term)) for term in self._terms):
            return (*found, "some")
        return found

    def acts(self) -> Scalar | None:
        """Return the entry of the value that depends on x_ac, where pairs say which it is."""
        if not any(isinstance(k, Pair) for k in (*self.output, *self.variable)):
            return None
        words = [(i, a) for i in index_words(*self.output) for a in index_words(*self.variable)]
        names: dict[Index, Index] = {
            i: a for i, a in words if all(_has_factor(t, delta(i, a)) for t in self._terms)
        }
        return rename(self.y, names) if names else None

    @cached_property
    def _terms(self) -> tuple[Scalar, ...]:
        return self.derivative.args if self.derivative.kind == "add" else (self.derivative,)

    def slice(self) -> Iterator[Step]:
        """Yield the matrix of the partial derivatives by the first entry, zeros and all."""
        if self.upstream is None or self.value.shape.is_scalar:
            return
        first = written_out(self.x, self._first(), {})
        tree = _at(self.derivative, self._first())
        grid = Grid(tree, *self.writer.letters.output, self.value)
        yield self._step(Slice(self.value, first), grid, "differentiate", "one", True, **self.how)

    def one(self) -> Iterator[Step]:
        """Yield the chain rule for the first entry, and what survives of it."""
        first = self._first()
        left = written_out(entry(self.own.data, *self.variable), first, {})
        result = written_out(self.result, first, self.writer.sizes)
        x = written_out(self.x, first, {})
        here = {"cites": (("forward", self.theme),), **self.how}
        if self.upstream is None:
            yield self._step(left, result, "differentiate", "one", True, **here)
            return
        g = entry(self.upstream.data, *self.output)
        chain = _sized(self._summed(mul(g, partial(self.y, x))), self.writer.sizes)
        yield self._step(left, chain, "chain-rule", "one", True)
        if self.value.shape.is_scalar:
            yield self._step(chain, result, "differentiate", "one", True, **here)
            return
        cites = (("slice", self.theme, self.leaf.data[0]),)
        yield self._step(chain, result, "survivors", "one", True, cites=cites)

    def every_entry(self) -> Iterator[Step]:
        """Yield the equations of all entries, as one equation between grids; none for one entry."""
        if self.leaf.shape.at(self.writer.sizes).dims == (1, 1):
            return
        yield self._step(
            self._grid(self.own_entry),
            self.written_result,
            "same-way", "entries", True,
        )  # fmt: skip

    def assembly(self) -> Iterator[Step]:
        """Yield the results assembled into one matrix, and its factors."""
        grid = self.written_result
        yield self._step(self.own, grid, "assemble", "assembly", True)
        if self.formula.is_var:
            yield self._step(grid, self.formula, "entries-of", "assembly", True)
            return
        explicit = Explicit(self.formula)
        yield self._step(grid, explicit, "factor", "assembly", True)
        yield self._step(explicit, self.formula, "name-factors", "assembly", True)

    @cached_property
    def written_result(self) -> Grid:
        """The gradient's entries, written out: one value, wherever it is shown."""
        return self._grid(self.result)

    @cached_property
    def own_entry(self) -> Scalar:
        """The entry of the gradient at the variable's place."""
        pair = zip(self.writer.letters.variable, self.leaf.shape.dims, strict=True)
        return entry(self.own.data, *(along(word, dim) for word, dim in pair))

    def _grid(self, tree: Scalar) -> Grid:
        return Grid(tree, *self.writer.letters.variable, self.leaf)

    def _first(self) -> dict[Index, Index]:
        return {index: 0 for index in index_words(*self.variable)}  # noqa: C420 - an index is wider

    # -- for every shape ---------------------------------------------------------------------------

    def index_chain(self) -> Iterator[Step]:
        part, sized = "index", False
        own = entry(self.own.data, *self.variable)
        dy = own if self.upstream is None else partial(self.y, self.x)
        yield self._step(self.y, self.tree, "definition", part, sized)
        yield self._step(dy, self.raw, "differentiate-delta", part, sized, **self.how)
        if self.derivative != self.raw:
            yield self._step(
                self.raw, self.derivative, "contract", part, sized,
                indices=_contracted(self.raw, self.derivative),
            )  # fmt: skip
        last = self.derivative
        if self.upstream is not None:
            yield self._step(own, self.chained, "chain-rule", part, sized)
            if self.result != self.chained:
                yield self._step(
                    self.chained, self.result, "contract", part, sized,
                    indices=_contracted(self.chained, self.result),
                )  # fmt: skip
            last = self.result
        if self.formula.is_var:
            return
        yield self._step(
            last, EntryOf(self.formula, *self.variable), "entry-of", part, sized,
            operators=tuple(dict.fromkeys(
                node.word for node in reversed(nodes(self.formula)) if not node.is_var
            )),
            **({"value": self.value} if self.value in nodes(self.formula) else {}),
        )  # fmt: skip


# -- helpers ---------------------------------------------------------------------------------------


def _needed(wanted: Iterable[str], chains: Mapping[str, Chain]) -> set[str]:
    """Return the names whose roads are read: those that are wanted, and what these cite."""
    found: set[str] = set()
    left = [name for name in wanted if name in chains]
    while left:
        name = left.pop()
        found.add(name)
        cited = [
            place[1] for step in chains[name] for place in step.cites if place[0] == "composed"
        ]
        left += [name for name in cited if name not in found]
    return found


def _own(shape: Shape, words: tuple[str, str]) -> tuple[Index, Index]:
    """Return index words for a shape; along a dimension of 1 the index is 0."""
    rows, cols = shape.dims
    return (
        0 if rows == 1 else along(words[0], rows),
        0 if cols == 1 else along(words[1], cols),
    )


def _at(term: Scalar, names: Mapping) -> Scalar:
    return rename(term, names)


def _sized(term: Scalar, sizes: Mapping[str, int]) -> Scalar:
    """Return a sum whose limits are numbers, its terms not written out."""
    if term.kind != "sum":
        return term
    index, dim = term.data
    return total(index, sizes.get(dim, dim), _sized(term.args[0], sizes))


def _has_factor(term: Scalar, factor: Scalar) -> bool:
    if term.kind == "sum":
        return _has_factor(term.args[0], factor)
    return term == factor or (term.kind == "mul" and factor in term.args)


def _methods(expr: Expr, leaf: Expr) -> Iterator[str]:
    """Yield the rules of differentiation that a reader of an entry's derivative should think of."""
    for node in nodes(expr):
        inside = [leaf in nodes(arg) for arg in node.args]
        if (node.op is SOFTMAX and inside[0]) or (node.op is DIV and inside[1]):
            yield "quotient"
        elif node.op in (LOGSOFTMAX, LOGSUMEXP) and inside[0]:
            yield "logarithm"


def _contracted(before: Scalar, after: Scalar) -> tuple[tuple[str, str], ...]:
    """Return the summed indices that a contraction used up, each with the index it met."""
    gone = _bound(before) - _bound(after) | set(_used_up(before))
    found: dict[str, str] = {}
    for first, second in _deltas(before):
        for index, met in ((first, second), (second, first)):
            if index in gone and index not in found and met not in gone:
                found[index] = met
    return tuple(found.items())


def _bound(term: Scalar) -> set[str]:
    own = {term.data[0]} if term.kind == "sum" else set()
    return own.union(*(_bound(arg) for arg in term.args))


def _used_up(term: Scalar) -> Iterator[str]:
    """Yield the indices of sums in which every term has a delta for them."""
    if term.kind == "sum" and _meets(term.args[0], term.data[0]):
        yield term.data[0]
    for arg in term.args:
        yield from _used_up(arg)


def _meets(term: Scalar, index: str) -> bool:
    """Whether every term has a delta with an index for a factor."""
    match term.kind:
        case "delta":
            return index in term.data
        case "mul" | "sum":
            return any(_meets(arg, index) for arg in term.args)
        case "add":
            return all(_meets(arg, index) for arg in term.args)
    return False


def _deltas(term: Scalar) -> Iterator[tuple]:
    if term.kind == "delta":
        yield term.data
    for arg in term.args:
        yield from _deltas(arg)


def _area(shape: Shape, sizes: Mapping[str, int]) -> int:
    rows, cols = shape.extents(sizes)
    return rows * cols


def _length(term: Scalar, sizes: Mapping[str, int]) -> int:
    """Return how many symbols a term has when its sums are written out."""
    if term.kind == "sum":
        return extent(term.data[1], sizes) * _length(term.args[0], sizes)
    return sum(_length(arg, sizes) for arg in term.args) or 1
