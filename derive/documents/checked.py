"""What was checked: a line that says it, or a table of how and where each equation was.

Enters a judged derivation, leave the blocks at the end of its document. The law: a verdict is told
with the words and the sizes that its judge gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.documents.model import Block, Environment, Heading, Paragraph, Table, Words, words
from derive.documents.setting import Setting
from derive.expressions.layout import Box, row
from derive.ops.unspecified import samples
from derive.proof.derivation import Chain, Derivation, Place
from derive.proof.verdict import EVERY_SHAPE, Road, Scope


class Checked(Setting):
    """A document that ends with what was checked; with an `appendix`, in a table."""

    appendix = False

    def checks(self) -> Iterator[Block]:
        """Yield how many equations there are, and a table of how and where each was checked."""
        d = self.derivation
        if not self.appendix:
            digits = min((a.digits for a in d.agreements), default=None)
            said = words("checked-said", equations=len(self.numbers), steps=len(d.steps()),
                         digits=digits, functions=samples(self.program.functions))  # fmt: skip
            yield Environment("remark", (Paragraph((said,)),), words("checked-head"))
            return
        own = [(place, chain) for place, chain in d.equations() if place[0] != "lemma"]
        rows = self._checked(d, own)
        for lemma in d.lemmas:
            rows += self._checked(lemma.derivation, lemma.equations())
        several, nothing = len(rows) > 1, words("nothing")
        put = samples(self.program.functions)
        if d.carried:
            rows.append((
                words("carried", gradients=len(d.carried.variables)), nothing,
                words("carried-how", functions=put),
                words("at-point", sizes=self.equations(d.carried.sizes)),
                words("carried-found", exact=d.carried.exact),
            ))  # fmt: skip
        if d.agreements:
            variables = [self.leaf(f"d{a.variable}") for a in d.agreements]
            rows.append((
                words("in-numbers", variables=variables), nothing,
                words("differences-how", functions=put),
                words("at-point", sizes=self.equations(d.agreements[0].sizes)),
                words("agree-to", digits=min(a.digits for a in d.agreements)),
            ))  # fmt: skip
        yield Heading(words("checked"))
        yield Paragraph((words("all-proved", equations=len(self.numbers), steps=len(d.steps()),
                               several=several),))  # fmt: skip
        heads = tuple(words(f"column-{x}") for x in "equations steps how where verdict".split())
        yield Table(heads, tuple(rows), (0.19, 0, 0.26, 0.24, 0.10))

    def _checked(
        self, of: Derivation, equations: Iterable[tuple[Place, Chain]]
    ) -> list[tuple[Words, ...]]:
        """Return how and where equations were checked, one row a road and a scope."""
        found: dict[tuple[Road, Scope], list[int]] = {}
        for place, chain in equations:
            for step in chain:
                for verdict in step.verdicts:
                    if verdict.proved:
                        numbers = found.setdefault((verdict.road, verdict.where), [])
                        numbers.append(self.numbers[place])
        every = words("for-every", dims=_listed(map(self.notation.word_of, of.program.dims)))
        return [
            (words("runs", numbers=_runs(numbers)), words("count", number=len(numbers)),
             words("method", name=road),
             every if at == EVERY_SHAPE else
             words("at-sizes", sizes=self.equations(dict(at.sizes), of.program)),
             words("proved"))
            for (road, at), numbers in found.items()
        ]  # fmt: skip


def _listed(boxes: Iterable[Box]) -> Box | None:
    """Return mathematics with commas between, if there is any."""
    spread = [part for box in boxes for part in (Box("raw", text=", "), box)]
    return row(*spread[1:]) if spread else None


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return numbers as runs, first and last: [1, 2, 3, 7] as (1, 3), (7, 7)."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    pairs = [[(a, a), (b, b)] if b == a + 1 else [(a, b)] for a, b in runs]
    return [run for pair in pairs for run in pair]
