"""The yardstick: our gradients against the literature's, operators counted on the printed text.

Run `python tests/benchmarks/textbook.py`, or with words that the names of cases begin with. A case
is a claim of the literature: those of tests/identities.jsonl, those of tests/courses.jsonl that
print a formula, and those of the catalogue. Every binary and unary operation, comparison, call and
`.T` counts one, on either side, definitions of introduced names included. What is longer than the
literature's is listed, worst first, and the totals come last; nothing is asserted. With `--ledger`
the list is written to tests/longer.txt, which tests/test_textbook.py holds.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from derive.bridges.code import gradient
from derive.catalogue import load, names, opened
from derive.expressions.errors import DeriveError
from derive.ops import OPS

TESTS = Path(__file__).resolve().parents[1]
TABLES = [TESTS / f"{name}.jsonl" for name in ("identities", "courses")]
#: The cases whose gradient is still longer, a line each: by how many operators, and the name.
LEDGER = TESTS / "longer.txt"


@dataclass(frozen=True)
class Case:
    """A program, and the gradient by one of its names as the literature prints it."""

    name: str
    program: str
    wrt: str
    claim: str
    shapes: Mapping[str, tuple] = field(default_factory=dict)
    assume: Mapping[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> set[str]:
        """The gradients by intermediates that the literature uses and does not define."""
        used = {node.id for node in ast.walk(ast.parse(self.claim)) if isinstance(node, ast.Name)}
        return used - {name for name, _ in definitions(self.claim)}


@dataclass(frozen=True)
class Measured:
    """A case, our text of the gradient, and how many operators each has."""

    case: Case
    text: str
    ours: int
    literature: int

    @property
    def excess(self) -> int:
        return self.ours - self.literature


def definitions(text: str) -> list[tuple[str, str]]:
    """Return the statements of a text as pairs of a name and a formula.

    >>> definitions("S = softmax(Z); dZ = S - T")
    [('S', 'softmax(Z)'), ('dZ', 'S - T')]
    """
    found = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    return [(ast.unparse(node.targets[0]), ast.unparse(node.value)) for node in found]


def operators(text: str) -> int:
    """Return how many operators a text has.

    >>> operators("P = softmax(Z); dZ = -(P - T.T) / n"), operators("X[:, 1] > 0.1 * -2")
    (5, 3)
    """
    counted = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Attribute)
    return sum(isinstance(node, counted) for node in ast.walk(ast.parse(text)))


def cases() -> Iterator[Case]:
    """Yield every claim of the tables and of the catalogue."""
    for table in TABLES:
        for line in table.read_text("utf-8").splitlines():
            record = json.loads(line)
            if "claim" in record and all(name in OPS for name in record.get("needs", ())):
                shapes = {name: tuple(dims) for name, dims in record.get("shapes", {}).items()}
                yield Case(
                    record["id"], record["program"], record["wrt"], record["claim"], shapes,
                    record.get("assume", {}),
                )  # fmt: skip
    for name in names():
        entry = load(name)
        every = entry.recursion is not None and entry.recursion.every
        program = entry.program if every else name  # of every number of layers it is about one
        claims: dict[str, str] = {}
        for claim in sorted(entry.claims, key=operators, reverse=True):
            claims[definitions(claim)[-1][0]] = claim  # of two forms the shorter
        for target, claim in claims.items():
            wrt = target.removeprefix("d")
            yield Case(f"{name} {target}", program, wrt, claim, {}, entry.assume)


def measured(case: Case, gradient: Callable[..., Any] = gradient) -> Measured:
    """Return a case with our gradient, as it is printed where the literature's names are asked for.

    What the literature says by another gradient we may say by it, too.
    """
    program, _ = opened(case.program, dict(case.shapes))
    made = {f"d{name}" for name in program.leaves} - {f"d{case.wrt}"}
    made &= case.given - {f"d{program.output}"}
    wrt = [case.wrt, *sorted(name[1:] for name in made)]
    found = gradient(case.program, dict(case.shapes), wrt=wrt, assume=dict(case.assume))
    assert not isinstance(found, str)
    ours = found.claim(case.wrt, given=made)
    return Measured(case, ours, operators(ours), operators(case.claim))


def main(words: Sequence[str]) -> None:
    found: list[Measured] = []
    ledger = list(words) == ["--ledger"]
    for case in cases():
        if words and not ledger and not case.name.startswith(tuple(words)):
            continue
        try:
            found.append(measured(case))
        except DeriveError as error:
            print(f"{case.name}: {error.message}")
    if ledger:
        excess = {one.case.name: one.excess for one in found if one.excess > 0}
        lines = [f"{excess[name]} {name}\n" for name in sorted(excess)]
        LEDGER.write_text("".join(lines), "utf-8")
    longer = sorted((one for one in found if one.excess > 0), key=lambda one: -one.excess)
    for one in longer:
        print(f"{one.case.name}: {one.ours} operators, the literature has {one.literature}")
        print(f"  ours        {one.text}")
        print(f"  literature  {one.case.claim}")
    ours, theirs = sum(one.ours for one in found), sum(one.literature for one in found)
    shorter = sum(one.excess < 0 for one in found)
    print(f"{len(found)} gradients: {len(longer)} longer than the literature's, {shorter} shorter")
    print(f"{ours} operators, the literature has {theirs}: {ours / max(theirs, 1):.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
