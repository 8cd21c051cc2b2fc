"""What became of a claim: its verdict, where it holds, how that was found, and why.

Stable words and facts alone; a text among them is a message or input syntax. The law: a judgement
is true in a condition where its claim is proved, and only there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from derive.notation.escape import html, html_code, markdown, markdown_code, one_line
from derive.notation.messages import say, translated
from derive.proof.verdict import PROVED, REFUTED, Road, Scope, in_words
from derive.readings.numbers import is_rounded

#: So much of a claim is shown in short.
SHOWN = 60


def scope_said(scope: Scope | None) -> str:
    """Return what is said of a scope: sizes, or a message that other languages have too."""
    if scope is None:
        return ""
    sizes = in_words(dict(scope.sizes))
    if not scope.key:
        return sizes
    found = say(f"scope.{scope.key}", equal=[*scope.equal])
    return say("scope.both", found, sizes) if sizes else found


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A point at which a claim is false: sizes, values, the entry, what is expected and claimed.

    `functions` says what was put for those that the program leaves open. A number is a fraction
    where it is exact, or else rounded, with a point or an exponent in it. Of dimensions that are
    `unsaid` the user gave the number, and no word.
    """

    sizes: Mapping[str, int]
    values: Mapping[str, list[list[str]]]
    entry: tuple[int, ...]
    expected: str
    claimed: str
    name: str = ""
    functions: tuple[str, ...] = ()
    unsaid: frozenset[str] = frozenset()

    @property
    def said(self) -> dict[str, int]:
        """The sizes of the dimensions that have words."""
        return {dim: k for dim, k in self.sizes.items() if dim not in self.unsaid}

    @property
    def road(self) -> Road:
        """The road by which the point was found."""
        rounded = is_rounded(self.expected) or is_rounded(self.claimed)
        return Road.ROUNDED if rounded else Road.EXACT

    def lines(self) -> Iterator[str]:
        """Yield the point, and what stands against what there, for a terminal or an error.

        >>> print(*Counterexample({}, {"x": [["2"]]}, (1, 1), "4", "2", "dx").lines(), sep="; ")
        at x = 2; dx is 4, the claim says 2
        """

        def table(rows: list[list[str]]) -> str:
            if len(rows) == len(rows[0]) == 1:
                return rows[0][0]
            return "[" + ", ".join("[" + ", ".join(row) + "]" for row in rows) + "]"

        sizes = in_words(self.said)
        values = ", ".join(f"{name} = {table(rows)}" for name, rows in self.values.items())
        expected, claimed = (
            say("told.about", x) if is_rounded(x) else x for x in (self.expected, self.claimed)
        )
        between = "" if max(self.entry) < 10 else ","
        place = f"_{between.join(map(str, self.entry))}"
        scalars = not sizes and all(len(rows) == len(rows[0]) == 1 for rows in self.values.values())
        values = ", ".join([values, *self.functions])
        yield say("told.at-sizes", sizes=sizes, values=values) if sizes else (
            say("told.at", values=values))  # fmt: skip
        entry = f"{self.name}{'' if scalars else place}"
        yield say("told.entry", entry=entry, expected=expected, claimed=claimed)

    def plain(self) -> dict[str, Any]:
        return {
            "sizes": self.said,
            "values": dict(self.values),
            "entry": list(self.entry),
            "expected": self.expected,
            "claimed": self.claimed,
            **({"functions": list(self.functions)} if self.functions else {}),
        }


@dataclass(frozen=True, slots=True, repr=False)
class Judgement:
    """What became of one claim.

    `verdict` is proved, refuted or undecided; `truth` is the gradient in input syntax, the claim's
    own formula where that is proved; `reason` says why the claim is refuted or undecided,
    `diagnosis` what its author may have meant, proved itself before it is offered, and `holds`
    where the claim is true all the same. `assumed` is what was assumed of the inputs, `meanings`
    holds the names that a claim states again without meaning what the program means by them.
    """

    claim: str
    verdict: str
    where: Scope | None = None
    road: Road | None = None
    truth: str = ""
    conditions: tuple[str, ...] = ()
    counterexample: Counterexample | None = None
    reason: str = ""
    diagnosis: str = ""
    holds: str = ""
    seconds: float = 0.0
    assumed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        """Where it was judged, as JSON says it."""
        return self.where.json if self.where else ""

    @property
    def method(self) -> str:
        """How that was found, as JSON says it."""
        return self.road.json if self.road else ""

    def __bool__(self) -> bool:
        """Whether the claim is proved: what is refuted or undecided is false in a condition."""
        return self.verdict == PROVED

    def __repr__(self) -> str:
        claim = one_line(self.claim)
        return f"<Judgement {self.verdict}: {claim if len(claim) < SHOWN else claim[:SHOWN] + '…'}>"

    def lines(self) -> Iterator[str]:
        """Yield everything that is known beside the verdict, as messages and input syntax."""
        if self.verdict == PROVED:
            yield from (say("told.where", what=one) for one in self.conditions)
        for name, meant in self.meanings.items():
            yield say("told.inside", name=name, meant=meant)
        if self.reason:
            yield self.reason
        if self.counterexample is not None:
            yield from self.counterexample.lines()
        if self.diagnosis:
            yield self.diagnosis
        elif self.verdict == REFUTED and self.truth:
            yield say("told.true", truth=self.truth)
        if self.holds:
            yield say("told.true-where", where=self.holds)

    def _repr_markdown_(self) -> str:
        told = "".join(f"\n- {markdown(translated(line))}" for line in self.lines())
        return (
            f"**{translated(say(f'verdict.{self.verdict}'))}** {markdown_code(self.claim)} "
            f"({markdown(translated(scope_said(self.where)))})\n{told}"
        )

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{html(translated(line))}</li>" for line in self.lines())
        return (
            f"<p><strong>{html(translated(say(f'verdict.{self.verdict}')))}</strong> "
            f"{html_code(self.claim)} ({html(translated(scope_said(self.where)))})</p>"
        ) + (f"<ul>{told}</ul>" if told else "")

    def plain(self) -> dict[str, Any]:
        """Return the judgement as plain values, for `--json`."""
        found = {
            "claim": self.claim,
            "verdict": self.verdict,
            "scope": self.scope,
            "method": self.method,
            "assumed": {name: list(words) for name, words in self.assumed.items()},
            "truth": self.truth,
            "conditions": list(self.conditions),
            "counterexample": self.counterexample.plain() if self.counterexample else None,
            "reason": self.reason,
            "diagnosis": self.diagnosis,
            "holds": self.holds,
            "meanings": dict(self.meanings),
            "seconds": round(self.seconds, 6),
        }
        return {key: value for key, value in found.items() if value not in ("", [], {}, None)}
