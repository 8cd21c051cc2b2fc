"""The table of identities: the true ones are proved for every shape, the false ones refuted.

Each verdict is held against central differences in high precision (see referee.py), which share
nothing with the judge: no parser, no definition of an operator, no gradient.
"""

import json
from collections import Counter
from pathlib import Path

import mpmath
import pytest
from referee import NoValue, Setting, at_counterexample, number

from derive.judges.claim import Court
from derive.ops import OPS
from derive.proof.verdict import EVERY_SHAPE

TABLE = Path(__file__).with_name("identities.jsonl")
RECORDS = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]
READY = [r for r in RECORDS if all(name in OPS for name in r.get("needs", ()))]
BY_ID = {r["id"]: r for r in READY}
KINDS = {
    "transpose", "order", "upstream", "sign", "factor", "over n", "missing sum", "missing part",
    "extra sum", "elementwise", "symmetric only", "diagonal only", "sum for mean",
}  # fmt: skip


def case(record: dict) -> Court:
    shapes = {name: tuple(dims) for name, dims in record["shapes"].items()}
    return Court(record["program"], shapes, record["assume"])


def setting(record: dict) -> Setting:
    return Setting(record["program"], record["shapes"], record["assume"])


@pytest.mark.parametrize("name", BY_ID)
def test_an_identity_and_its_false_variants(name):
    record = BY_ID[name]
    court, ground, wrt = case(record), setting(record), record["wrt"]
    assert ground.agrees(wrt, record["claim"]), "the table itself is wrong: differences disagree"
    found = court.judge(f"d{wrt} = {record['claim']}")
    assert (found.verdict, found.where) == ("proved", EVERY_SHAPE), found.reason
    for variant in record["false"]:
        refuted(court, ground, wrt, variant["claim"])


def refuted(court: Court, ground: Setting, wrt: str, claim: str) -> None:
    found = court.judge(f"d{wrt} = {claim}")
    assert found.verdict == "refuted", f"{claim}: {found.verdict}, {found.reason}"
    if found.counterexample is None:
        assert found.method == "shapes" and found.reason
    else:
        expected, claimed = at_counterexample(ground, wrt, claim, found.counterexample)
        for shown, value in (
            (found.counterexample.expected, expected), (found.counterexample.claimed, claimed),
        ):  # fmt: skip
            assert abs(number(shown) - value) <= 2e-5 * (1 + abs(value)), (
                f"{claim}: the counterexample says {shown}, differences say {mpmath.nstr(value)}"
            )
        assert abs(expected - claimed) > 1e-12 * (1 + abs(expected))
    if found.diagnosis:
        true = found.diagnosis.removeprefix(f"true is d{wrt} = ").split("; yours")[0]
        assert ground.agrees(wrt, true), f"the diagnosis of {claim} is false: {true}"


def test_the_table_is_large_and_covers_every_kind_of_mistake():
    assert len(RECORDS) >= 150
    assert len({r["id"] for r in RECORDS}) == len(RECORDS)
    kinds = Counter(variant["kind"] for r in RECORDS for variant in r["false"])
    assert set(kinds) == KINDS and min(kinds.values()) >= 5
    for record in RECORDS:
        assert record["false"] and record["source"], record["id"]


def test_differences_see_a_wrong_claim():
    """The referee itself: it agrees with what is true, and sees what is nearly true."""
    ground = Setting("Y = X @ W", {"X": ("n", "d"), "W": ("d", "m")})
    assert ground.agrees("X", "dY @ W.T") is True
    assert ground.agrees("X", "dY @ W.T * 1.0000001") is False
    assert ground.agrees("X", "log(-X ** 2)") is None
    with pytest.raises(NoValue), mpmath.workdps(30):
        known = ground.environment(ground.point({"n": 1, "d": 1, "m": 1}, 1), {})
        ground.claimed("1 / (X - X)", known, ground.upstream(known))


def test_most_false_variants_are_explained():
    """A diagnosis is offered for most of the mistakes that people make."""
    found = [
        bool(case(record).judge(f"d{record['wrt']} = {variant['claim']}").diagnosis)
        for record in READY[::7]
        for variant in record["false"]
    ]
    assert sum(found) >= 0.8 * len(found)
