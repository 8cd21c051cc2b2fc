"""A proof as it is told in a lecture: lemmas, each once, and a line a statement that cites them.

Enters a derivation whose statements cite lemmas about their kinds; leave the blocks of the
document. The law: a line says which equations it takes from, and what stands for their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from derive.documents.closing import closing
from derive.documents.explaining import by_lines
from derive.documents.model import (
    Block,
    Chain as Equations,
    Environment,
    Folded,
    Heading,
    Paragraph,
    Words,
    words,
)
from derive.documents.prove import Writer
from derive.expressions.expr import nodes
from derive.expressions.layout import Box, op, row
from derive.expressions.program import Statement
from derive.notation.displays import Link
from derive.notation.widths import width
from derive.proof.derivation import Chain, Lemma, Step
from derive.proof.kinds import PutIn

#: What is wider than this does not share a line with another equation.
LINE = 70.0
#: Names, and what each is exchanged with.
Pairs = tuple[tuple[str, str], ...]
#: With more gradients than this the theorem says no shapes, so that several share a line.
MOST_WITH_SHAPES = 3


class Lecture(Writer):
    """The blocks of a lecture, numbered as the derivation says."""

    def blocks(self) -> Iterator[Block]:
        yield Heading(self.title(), 1)
        yield from self.setting()
        yield self.theorem()
        yield from self.lemmas()
        yield Heading(words("backwards"))
        yield from self.backwards()
        yield from self.whole()
        yield from closing(self)
        yield from self.checks()

    def theorem(self) -> Block:
        d, notation = self.derivation, self.notation
        if len(d.stated) > MOST_WITH_SHAPES:
            said = self.side_by_side(d.stated, self.numbers[("theorem",)])
        else:
            links = (
                Link(notation.expr(value, shapes=True),
                     notation.operand(self.leaf(name), value.shape, True))
                for name, value in d.says().items()
            )  # fmt: skip
            said = self.display(links, self.numbers[("theorem",)])
        return Environment("theorem", (said,))

    def shown(self, chain: Chain) -> Chain:
        """Return a road as two lines: what the theorem says, and what becomes of that; where
        something is assumed, what comes before that and what is left by it. Of claims each is a
        line."""
        if chain[0].part == "claimed":
            return chain
        assumed = [k for k, step in enumerate(chain) if step.rule == "assumed"]
        cut = assumed[0] if assumed else 1
        return tuple(_as_one(part) for part in (chain[:cut], chain[cut:]) if part)

    # -- lemmas ------------------------------------------------------------------------------------

    def told(self, lemma: Lemma) -> Iterator[Block]:
        if lemma.statement is None:
            yield from super().told(lemma)
            return
        own = Lecture(lemma.derivation, self.style)
        own.numbers = self.numbers_in(lemma)
        yield from own.kind(lemma)

    def kind(self, lemma: Lemma) -> Iterator[Block]:
        """Yield the lemma about a kind of statement, and its proof."""
        d = self.derivation
        (statement,) = self.statements
        formulas = [self.statement(one) for one in (statement, *self.besides)]
        said = words("kind-says", shapes=self.shapes(statement), formulas=formulas,
                     conditions=self.conditions())  # fmt: skip
        claim = self.side_by_side(lemma.claim, self.numbers[("claim",)])
        yield Environment("lemma", (Paragraph((said,)), claim))
        body: list[Block] = []
        for local in d.locals:
            if local.one:
                body.append(Paragraph((words("at-small", sizes=self.equations(d.sizes)),)))
                body += [self.equation([step], ("forward", step.theme), reasons=False)
                         for step in d.forward]  # fmt: skip
                body += self.slowly(local)
        for local in (local for local in d.locals if local.index):
            variable = local.variable.data[0]
            exchanges = self.exchanges() if local is d.locals[0] else ()
            by = words("for-all-by", X=self.leaf(variable), first=local is d.locals[0],
                       several=len(d.locals) > 1, scalars=self.scalars)  # fmt: skip
            place = ("index", local.statement.name, variable)
            last = [other for other in d.locals if other.index][-1]
            chain = self.equation(local.index, place, end=local is last)
            if local.one:
                body += map(Paragraph, zip(by_lines(self, local)))
            body.append(Folded((*exchanges, by), (chain,)))
        yield Environment("proof", tuple(body), words("proof"))

    def exchanges(self) -> Iterator[Words]:
        """Yield which names can be exchanged, and which proofs need not be written for that."""
        known: dict[frozenset[tuple[str, str]], tuple[Pairs, list[str]]] = {}
        for local in self.derivation.locals:
            for step in local.exchange:
                found: Pairs = dict(step.facts)["pairs"]
                known.setdefault(frozenset(found), (found, []))[1].append(step.about)
        for pairs, about in known.values():
            back = {b: a for a, b in pairs}
            once = [(a, b) for k, (a, b) in enumerate(pairs) if (b, a) not in pairs[:k]]
            yield words(
                "exchanged", statement=self.statement(self.statements[0]),
                old=[self.leaf(a) for a, _ in once],
                new=[self.leaf(b) for _, b in once],
                known=[self.leaf(back[name]) for name in about],
                about=[self.leaf(name) for name in about],
            )  # fmt: skip

    def shapes(self, statement: Statement) -> list[dict[str, Box]]:
        """Return the shapes of the names that a statement uses."""
        return [
            {"name": self.leaf(node.data[0]), "shape": self.notation.shape(node.shape)}
            for node in nodes(statement.expr)
            if node.is_var and not node.shape.is_scalar
        ]

    # -- backwards ---------------------------------------------------------------------------------

    def backwards(self) -> Iterator[Block]:
        """Yield a line for each statement, that of its lemma; gradients add up where they meet."""
        d = self.derivation
        for name in dict.fromkeys(local.statement.name for local in d.locals):
            here = [local for local in d.locals if local.statement.name == name]
            claims = [step for local in here for step in local.claim]
            number = self.numbers.get(("back", name))
            yield Paragraph((self.citation(here[0].statement, claims[0], number is not None),))
            if number is not None:
                yield self.side_by_side(claims, number)
            yield from self.met(here)

    def citation(self, statement: Statement, step: Step, restated: bool) -> Words:
        """Return which lemma a line is, and what stands in it for the lemma's names."""
        put_in: PutIn = dict(step.facts)["names"]
        lemma = next(x for x in self.derivation.lemmas if x.key == step.cites[0][1])
        own = Writer(lemma.derivation, self.style)
        changes = put_in.changes
        changes = {name: changes[name] for name in own.program.leaves if name in changes}
        return words(
            "by-kind" if restated else "as-kind", statement=self.heading(statement),
            by=[self.numbers[place] for place in step.cites],
            old=[own.leaf(name) for name in changes],
            new=[self.leaf(name) for name in changes.values()],
        )  # fmt: skip

    def side_by_side(self, steps: Sequence[Step], number: int | None) -> Equations:
        """Return equations as one display, as many on a line as fit."""
        lines: list[list[tuple[Box, Box]]] = []
        wide = 0.0
        for step in steps:
            left, right = self.notation.math(step.left), self.notation.math(step.right)
            own = width(left) + width(right) + 6.0
            if not lines or wide + own > LINE:
                lines.append([])
                wide = 0.0
            lines[-1].append((left, right))
            wide += own
        return self.display(map(_line, lines), number)


def _line(pairs: Sequence[tuple[Box, Box]]) -> Link:
    """Return equations that share a line, as what the first left side is equal to."""
    (left, right), *others = pairs
    boxes = [right]
    for x, y in others:
        boxes += [op("comma-quad"), x, op("equals"), y]
    return Link(row(*boxes), left)


def _as_one(steps: Chain) -> Step:
    """Return a chain as one step, by all that its steps are by."""
    if len(steps) == 1:
        return steps[0]
    facts: dict[str, tuple] = {}
    for step in steps:
        for name, fact in step.facts:
            if name in ("cites", "because"):
                facts[name] = tuple(dict.fromkeys([*facts.get(name, ()), *fact]))
    rules = [step.rule for step in steps]
    rule = "assumed" if "assumed" in rules else rules[0]
    return Step(steps[0].left, steps[-1].right, rule, part=steps[0].part,
                facts=tuple(facts.items()))  # fmt: skip
