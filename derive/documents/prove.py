"""A judged derivation to blocks: what is proved, in the order in which it is told.

Enters a derivation, its style and the format whose page it has to fit; leaves the blocks of the
document. The law: nothing in a block comes from anywhere but the derivation, and each of its
equations stands in one block, under its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from derive.calculus.index import Scalar, place_of
from derive.documents.checked import Checked
from derive.documents.closing import closing
from derive.documents.explaining import by_lines, regrouped, stands, upstream, with_beside
from derive.documents.model import (
    Block,
    Chain as Equations,
    Entries,
    Environment,
    Folded,
    Heading,
    Paragraph,
    Words,
    words,
)
from derive.expressions.expr import nodes
from derive.expressions.layout import Box, op, row
from derive.expressions.program import Statement
from derive.expressions.shape import Pair, extent
from derive.notation.displays import Link
from derive.notation.widths import width
from derive.proof.derivation import (
    Chain,
    Explicit,
    Grid,
    Lemma,
    Local,
    Math,
    Place,
    Step,
)
from derive.readings.base import places

#: A derivative, and what is left of it, share a line that is no wider than this.
JOINED = 40.0


class Writer(Checked):
    """The blocks of one document, numbered as the derivation says."""

    def blocks(self) -> Iterator[Block]:
        d = self.derivation
        yield Heading(self.title(), 1)
        yield from self.setting()
        yield self.theorem()
        yield from self.lemmas()
        if d.forward:
            yield Heading(words("forward"))
            for step in d.forward:
                yield self.equation([step], ("forward", step.theme), reasons=False)
        theme = None
        for local in d.locals:
            if local.statement.name != theme and self._several:
                yield Heading(words("backward-through", statement=self.heading(local.statement)))
            theme = local.statement.name
            yield from self.local(local)
            yield from self.met([local])
        yield from self.whole()
        yield from closing(self)
        yield from self.checks()

    def met(self, locals_: Iterable[Local]) -> Iterator[Block]:
        """Yield how gradients add up of which these are the last parts, and what is assumed."""
        d = self.derivation
        ends = d.detail != "lecture"  # of a lecture the lemmas are what is proved
        for local in locals_:
            name = local.variable.data[0]
            if d.locals_of(name)[-1] is not local:
                continue
            if name in d.totals:
                users = [self.leaf(s.name) for s in self.program.users(name)]
                yield Paragraph((words("gradients-add", X=self.leaf(name), users=users),))
                yield self.equation(d.totals[name], ("total", name), end=ends)
            if name in d.assuming:
                yield Paragraph((words("now-assumed", X=self.leaf(name)),))
                yield self.equation(d.assuming[name][:-1], ("assuming", name), end=ends)

    def whole(self) -> Iterator[Block]:
        """Yield the roads to the gradients of the whole."""
        for part, key in (("composed", "all-together"), ("claimed", "as-claimed")):
            chains: Mapping[str, Chain] = getattr(self.derivation, part)
            if chains:
                yield Heading(words(key))
            for name, chain in chains.items():
                shown, is_last = self.shown(chain), name == [*chains][-1]
                yield self.equation(shown, (part, name), end=is_last)
                if len(shown) < len(chain):
                    every = self.display(self._links(chain, reasons=True))
                    yield Folded((words("named-rewrites"),), (every,), more=True)

    def shown(self, chain: Chain) -> Chain:
        """Return the steps of the road to a gradient of the whole that stand in the document."""
        return chain

    @property
    def besides(self) -> tuple[Statement, ...]:
        return self.program.besides

    def printed(self) -> Iterator[Math]:
        """Yield the sides of all equations; a lemma's formulas are in letters of its own."""
        for place, chain in self.derivation.equations():
            sides = (side for step in chain for side in (step.left, step.right))
            yield from (x for x in sides if place[0] != "lemma" or isinstance(x, Scalar))

    # -- the statement -----------------------------------------------------------------------------

    def theorem(self) -> Block:
        d, notation = self.derivation, self.notation
        links = (
            Link(notation.expr(value, shapes=True),
                 notation.operand(self.leaf(f"d{name}"), value.shape, True))
            for name, value in d.backward.items()
        )  # fmt: skip
        return Environment("theorem", (self.display(links, self.numbers[("theorem",)]),))

    # -- lemmas ------------------------------------------------------------------------------------

    def lemmas(self) -> Iterator[Block]:
        """Yield the lemmas that the proofs rest on, each in letters of its own."""
        d = self.derivation
        if not d.lemmas:
            return
        count = len(d.lemmas)
        yield Heading(words("lemmas", count=count))
        yield Paragraph((words("rest-on-lemmas", count=count),))
        for lemma in d.lemmas:
            yield from self.told(lemma)

    def told(self, lemma: Lemma) -> Iterator[Block]:
        """Yield a lemma about an operator, and its proof."""
        own = Writer(lemma.derivation, self.style, self.derivation)
        own.numbers = self.numbers_in(lemma)
        yield from own.function(lemma) if own.scalars else own.lemma(lemma)

    def numbers_in(self, lemma: Lemma) -> dict[Place, int]:
        """Return the numbers of equations, those of a lemma under the places that they have in it
        as well."""
        start = ("lemma", lemma.key)
        within = {place[2:]: k for place, k in self.numbers.items() if place[:2] == start}
        return self.numbers | within

    def function(self, lemma: Lemma) -> Iterator[Block]:
        """Yield the lemma on the derivative of a function of the table, and its proof."""
        (variable,), (statement,) = self.program.inputs, self.program.statements
        said = words("function-says", x=self.leaf(variable), formula=self.statement(statement),
                     conditions=self.conditions())  # fmt: skip
        claim, *proof = (
            self.equation(chain, place, reasons=bool(k), end=bool(k))
            for k, (place, chain) in enumerate(lemma.equations())
        )
        head = self.notation.expr(statement.expr)
        yield Environment("lemma", (Paragraph((said,)), claim), words("function-name", f=head))
        yield Environment("proof", tuple(proof), words("proof"))

    def lemma(self, lemma: Lemma) -> Iterator[Block]:
        """Yield a lemma and its proof, in its own letters, numbered on."""
        program, notation = self.program, self.notation
        (variable,) = program.inputs
        place = i, j = self.derivation.letters.output
        facts = {
            "lemma": lemma.key, "A": self.leaf(variable), "entry": notation.entry(variable, *place),
            "shape": notation.shape(program.leaves[variable].shape),
            "i": notation.index(i), "j": notation.index(j),
            "names": {
                s.expr.name: {"name": self.leaf(s.name), "entry": notation.entry(s.name, *place),
                              "definition": self.statement(s)}
                for s in program.statements
            },
        }  # fmt: skip
        claim = self.equation(lemma.claim, ("lemma", lemma.key, "claim"), reasons=False)
        said = Paragraph((words("lemma-says", **facts),))
        yield Environment("lemma", (said, claim), words("lemma-name", lemma=lemma.key))
        body: list[Block] = []
        for k, chain in enumerate(lemma.proof):
            body.append(Paragraph((words("lemma-proof", place=k, **facts),)))
            last = k == len(lemma.proof) - 1
            body.append(self.equation(chain, ("lemma", lemma.key, str(k)), end=last))
        yield Environment("proof", tuple(body), words("proof"))

    # -- the proof of one statement ----------------------------------------------------------------

    def local(self, local: Local) -> Iterator[Block]:
        """Yield the gradient of one statement by one variable, entry by entry and as a whole."""
        d, notation, leaf = self.derivation, self.notation, self.leaf
        variable, value = local.variable.data[0], local.statement.name
        key = (value, variable)
        X = leaf(variable)
        yield Heading(words("gradient-by", X=X, L=notation.loss, through=self.through(local)),
                      3 if self._several else 2)  # fmt: skip
        steps = self.slowly(local)
        if local.entries:
            steps += [Paragraph((words("all-entries"),)), self.table(local, ("entries", *key))]
        if local.assembly:
            single = self.program.leaves[variable].shape.at(d.sizes).dims == (1, 1)
            whole = words("assembled", X=X, single=single, leaf=local.formula.is_var,
                          regrouped=regrouped(self, local))  # fmt: skip
            steps += [Paragraph((whole,)), self.equation(local.assembly, ("assembly", *key),
                                                        reasons=False, end=True)]  # fmt: skip
        if local.one:
            sizes = self.equations(d.sizes)
            yield Environment("proof", tuple(steps), words("proof", sizes=sizes))
        else:
            yield from steps
        yield from map(Paragraph, zip(by_lines(self, local)))
        general = bool(self.program.sizes)
        shapes = [
            {"name": leaf(n.data[0]), "shape": notation.shape(n.shape, general=True)}
            for n in nodes(local.statement.expr)
            if general and n.is_var and not n.shape.is_scalar
        ]
        entries = self.free_entries(local)
        said = (words("every-shape", shapes=shapes, entries=entries),) if shapes or entries else ()
        chain = self.equation(local.index, ("index", *key), end=True)
        body = (Paragraph(said), chain) if said else (chain,)
        yield Environment("proof", body, words("proof", every_shape=not self.scalars))

    def slowly(self, local: Local) -> list[Block]:
        """Return how one entry is differentiated: where it acts, and what survives of the sum."""
        d, notation = self.derivation, self.notation
        variable, value = local.variable.data[0], local.statement.name
        Y, x, key = self.leaf(value), notation.entry(variable, 0, 0), (value, variable)
        lemmas = self.lemma_numbers(dict(local.index[1].facts).get("lemmas", ()))
        rows, cols = self.program.leaves[value].shape.extents(d.sizes)
        common = {
            "x": x, "Y": Y, "lemmas": lemmas, "forward": self.numbers.get(("forward", value)),
            "single": self.program.leaves[variable].shape.at(d.sizes).dims == (1, 1),
        }  # fmt: skip
        steps: list[Block] = []
        if local.slice:
            beside = upstream(self, local)
            occurs = words(
                "occurs", **common, occurrence=self.occurrence(local, (0, 0)),
                X=self.leaf(variable), stands=stands(self, local),
                G=self.leaf(f"d{value}") if beside else None,
            )  # fmt: skip
            partials = self.equation(local.slice, ("slice", *key), reasons=False)
            steps += [Paragraph((occurs,)), with_beside(partials, beside)]
        if local.one:
            why = words("contributions", L=notation.loss, x=x, Y=Y, entries=rows * cols,
                        zeros=self.zeros(local),
                        slice=self.numbers.get(("slice", *key))) if local.slice else (
                  words("one-of-loss", **common))  # fmt: skip
            steps += [Paragraph((why,)), self.equation(local.one, ("one", *key))]
        return steps

    def free_entries(self, local: Local) -> list[dict[str, Box]]:
        """Return the entries whose indices are free in the proof for every shape."""
        leaves = self.program.leaves[local.statement.name], local.variable
        letters = self.derivation.letters
        places = (place_of(leaf.shape, words)
                  for leaf, words in zip(leaves, (letters.output, letters.variable)))  # fmt: skip
        return [
            {"entry": self.notation.entry(leaf.data[0], *place), "name": self.leaf(leaf.data[0])}
            for leaf, place in zip(leaves, places)
            if not leaf.shape.is_scalar
        ]

    def zeros(self, local: Local) -> int:
        """Return how many entries of a value an entry of the variable does not act on."""
        shape = self.program.leaves[local.statement.name].shape
        rows, cols = shape.extents(self.derivation.sizes)
        acts = self._acts(local, (0, 0))
        if acts is not None:
            alive = 1
            for index, own in zip(acts.data[1:], shape.dims, strict=True):
                pairs = zip(index.parts, index.dims) if isinstance(index, Pair) else [(index, own)]
                for part, dim in pairs:
                    alive *= extent(dim, self.derivation.sizes) if isinstance(part, str) else 1
            return rows * cols - alive
        where = {word.split("-")[0] for word in local.occurrence}
        if "some" in where:
            return 0  # how many is not said
        return rows * cols - (1 if "row" in where else rows) * (1 if "column" in where else cols)

    def table(self, local: Local, place: Place) -> Block:
        """Return all entries of a gradient, each with where its variable acts."""
        step = local.entries[0]
        assert isinstance(step.left, Grid) and isinstance(step.right, Grid)
        left, right = self.notation.writer(step.left), self.notation.writer(step.right)
        Y = self.leaf(local.statement.name)
        scalar = local.statement.expr.shape.is_scalar

        def acts(place: tuple[int, ...]) -> Words | None:
            if scalar:
                return None
            return words("place", occurrence=self.occurrence(local, place), Y=Y)

        entries = places(local.variable.shape.extents(self.derivation.sizes))
        rows = tuple((left(*at), acts(at), right(*at)) for at in entries)
        heads = (*(() if scalar else (words("where-it-acts"),)), words("result"))
        return Entries(self.numbers[place], heads, rows, self.style.elide)

    # -- equations ---------------------------------------------------------------------------------

    def equation(
        self, chain: Iterable[Step], place: Place, *, reasons: bool = True, end: bool = False
    ) -> Equations:
        """Return a chain of equalities as one numbered display."""
        return self.display(self.joined(self._links(chain, reasons)), self.numbers[place], end)

    def joined(self, links: Iterable[Link]) -> Iterator[Link]:
        """Yield links, a derivative and what is left of it when its deltas are used up in one."""
        waiting: Link | None = None
        for link in links:
            if waiting is not None and link.left is None and _is(link, "contract"):
                both = row(waiting.right, op("equals"), link.right)
                if width(both) <= JOINED:
                    yield link._replace(right=both, left=waiting.left)
                    waiting = None
                    continue
            if waiting is not None:
                yield waiting
            plain = _is(link, "differentiate-delta") and not link.reason.facts.get("lemmas")
            waiting = link if plain and not link.reason.facts.get("methods") else None
            if waiting is None:
                yield link
        if waiting is not None:
            yield waiting

    def _links(self, chain: Iterable[Step], reasons: bool) -> Iterator[Link]:
        last: Math | None = None
        for step in chain:
            follows = step.left is last or (isinstance(last, Scalar) and step.left == last)
            last = step.right
            right = self.notation.sized(last) if step.sized else self.notation.math(last)
            apart = isinstance(last, Explicit)
            if follows and apart and right.kind == "matrix":
                continue  # nothing to take apart: the same matrix again
            left = None if follows else self.notation.math(step.left)
            yield Link(right, left, reason=self.reason(step) if reasons else None, optional=apart)


def _is(link: Link, rule: str) -> bool:
    return isinstance(link.reason, Words) and link.reason.facts.get("name") == rule
