"""A proof by induction over layers, as a lecturer gives it: one layer behind any loss, then all.

Enters an induction whose layer is judged; leave the blocks of its document. The law: the lemmas are
those of one layer, in names of their own, and every line about layer l cites them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from derive.catalogue.recursion import renamed
from derive.documents.closing import Closing
from derive.documents.lecture import Lecture
from derive.documents.model import Block, Code, Environment, Heading, Paragraph, Words, words
from derive.expressions.layout import Box, op, row
from derive.expressions.program import Statement
from derive.notation.displays import Link
from derive.notation.indexed import Indexed
from derive.notation.joining import joined
from derive.notation.mathematics import Style
from derive.proof.derivation import Step
from derive.proof.induction import Induction
from derive.proof.kinds import PutIn


class Layers(Lecture):
    """The blocks of one induction: a lecture about a layer, and the step from each to the next."""

    def __init__(self, induction: Induction, style: Style):
        recursion = induction.recursion
        taken = {*induction.layer.program.letters(), recursion.count, recursion.index}
        loss = style.loss or next(x for x in ("J", "L", "E", "loss") if x not in taken)
        style = replace(style, loss=loss)
        super().__init__(induction.layer, style)
        self.induction, self.recursion = induction, recursion
        self.notation = self.layer = self.at(recursion.index)
        self.leaf = self.layer.leaf
        self.index, self.count = self.layer.place(), Box("id", text=recursion.count)

    def at(self, layer: str | int) -> Indexed:
        """Return the notation of another layer."""
        return Indexed(self.derivation, self.notation.style, self.recursion, layer)

    def blocks(self) -> Iterator[Block]:
        yield Heading(words("layers-title", L=self.notation.loss, count=self.count), 1)
        yield from self.setting()
        yield self.theorem()
        yield from self.lemmas()
        yield Heading(words("by-induction"))
        yield from self.induced()
        yield from _Closing(self).box()
        yield from self.checks()

    def formulas(self, *, shapes: bool = True) -> Iterator[tuple[Box, Box]]:
        """Yield the gradients of the theorem and what they are, those of what is shared as sums."""
        for name, value in self.induction.formulas.items():
            right = self.notation.expr(value, shapes=shapes)
            left = self.notation.operand(self.leaf(f"d{name}"), value.shape, shapes)
            if name in self.recursion.shared:
                lower = row(self.index, op("equals"), Box("num", text="1"))
                right = row(Box("sum", (lower, self.count)), right)
            yield left, right

    # -- what is given -----------------------------------------------------------------------------

    def given(self, *meant: Words, sizes: Mapping[str, int] | None = None) -> Environment:
        first, takes = self.at(1), self.induction.conclusion

        def each(names: list[str], notation: Indexed) -> list[dict[str, Box]]:
            leaves = self.program.leaves
            return [
                {"name": notation.leaf(n), "shape": notation.shape(leaves[n].shape)} for n in names
            ]

        shared = [n for n in self.program.inputs if n in self.recursion.shared]
        own = [n for n in self.program.inputs if n != takes and n not in shared]
        said = words(
            "layers-let", index=self.index, count=self.count, first=each([takes], first),
            shared=each(shared, self.layer), own=each(own, self.layer),
        )  # fmt: skip
        body = (Paragraph((said,)), self.definitions(self.statements), Paragraph(meant))
        return Environment("setting", body)

    def meanings(self) -> Iterator[Words]:
        last, gives = self.at(self.recursion.count), self.induction.hypothesis
        yield words("any-loss", L=self.notation.loss, Y=last.leaf(gives),
                    upstream=last.leaf(f"d{gives}"))  # fmt: skip
        yield words("gradient", L=self.notation.loss)

    def theorem(self) -> Block:
        said = Paragraph((words("layers-say", index=self.index, count=self.count),))
        links = (Link(right, left) for left, right in self.formulas())
        return Environment("theorem", (said, self.display(links, self.numbers[("theorem",)])))

    # -- the induction -----------------------------------------------------------------------------

    def induced(self) -> Iterator[Block]:
        """Yield the claim, its base, its step, and what follows."""
        notation, gives, takes = self.notation, self.induction.hypothesis, self.induction.conclusion
        last = self.at(self.recursion.count)
        facts: dict[str, Any] = {
            "L": notation.loss, "index": self.index, "count": self.count,
            "before": self.layer.place(1), "H": self.leaf(gives), "dH": self.leaf(f"d{gives}"),
            "X": self.leaf(takes), "dX": self.leaf(f"d{takes}"),
            "last": last.leaf(gives), "given": last.leaf(f"d{gives}"),
            "shape": notation.shape(self.program.leaves[takes].shape),
            "shared": [self.leaf(name) for name in self.recursion.shared],
        }  # fmt: skip
        yield Paragraph((words("layers-claim", **facts),))
        yield Environment("remark", (Paragraph((words("layers-base", **facts),)),),
                          words("layers-base-head", **facts))  # fmt: skip
        yield Environment("remark", (Paragraph((words("layers-step", **facts),)),),
                          words("layers-step-head", **facts))  # fmt: skip
        yield from self.backwards()
        yield Paragraph((words("layers-behind", **facts),))
        own = [name for name in self.program.inputs if name in set(self.recursion.own())]
        yield Paragraph((words("layers-end", **facts, own=[self.leaf(f"d{n}") for n in own],
                               number=self.numbers[("theorem",)]),))  # fmt: skip
        first, *way = [f"d{name}" for name in self.back()]
        gone = [*(last.leaf(name) for name in way), op("cdots"), self.at(1).leaf(way[-1])]
        yield self.display([Link(joined(gone, "to"), last.leaf(first), sign="to")], end=True)

    def backwards(self) -> Iterator[Block]:
        """Yield a line for each statement of a layer: its lemma with the layer's names put in."""
        for name in dict.fromkeys(local.statement.name for local in self.derivation.locals):
            here = [local for local in self.derivation.locals if local.statement.name == name]
            claims = [step for local in here for step in local.claim]
            yield Paragraph((self.citation(here[0].statement, claims[0], True),))
            yield self.side_by_side(claims, self.numbers.get(("back", name)))
            yield from self.met(here)

    def citation(self, statement: Statement, step: Step, restated: bool) -> Words:
        put_in: PutIn = dict(step.facts)["names"]
        lemma = next(x for x in self.derivation.lemmas if x.key == step.cites[0][1])
        own = Lecture(lemma.derivation, self.style)
        pairs = [(own.leaf(old), self.leaf(new.data[0])) for old, new in put_in.names.items()]
        return words(
            "by-kind", statement=self.heading(statement),
            by=[self.numbers[place] for place in step.cites],
            old=[old for old, new in pairs if old != new],
            new=[new for old, new in pairs if old != new],
        )  # fmt: skip

    def back(self) -> list[str]:
        """Return the names on the way from what a layer gives to what it takes."""
        reaching = self.program.depending({self.induction.conclusion})
        path = [s.name for s in self.statements if s.name in reaching]
        return [*reversed(path), self.induction.conclusion]

    def checks(self) -> Iterator[Block]:
        *before, last = super().checks()
        assert isinstance(last, Environment)
        unrolled = self.induction.unrolled
        said = words(
            "layers-unrolled", layers=[str(one.layers) for one in unrolled],
            gradients=sum(len(one.gradients) for one in unrolled),
        )  # fmt: skip
        (paragraph,) = last.body
        assert isinstance(paragraph, Paragraph)
        yield from before
        yield last._replace(body=(Paragraph((*paragraph.words, said)),))


class _Closing(Closing):
    """What closes it: the recursion as a loop."""

    def __init__(self, page: Layers):
        super().__init__(page)
        self.induction, self.recursion = page.induction, page.recursion

    def theorem(self) -> Iterator[Block]:
        recursion, loop = self.recursion, self.induction.indexed(f"{self.recursion.index} - 1")
        lines = []
        for name, line in self.code.items():
            left, _, right = line.partition(" = ")
            sign = "+=" if name.removeprefix("d") in recursion.shared else "="
            lines.append(f"    {renamed(left, loop)} {sign} {renamed(right, loop)}")
        head = f"for {recursion.index} in range({recursion.count}, 0, -1):"
        yield Paragraph((words("layers-loop"),))
        yield Code((*self.helpers, head, *lines))
