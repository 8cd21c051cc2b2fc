"""Graphs that courses and books print, with their numbers, reproduced to the digits they print.

`courses.jsonl` holds one example a line: its source, the program, the inputs, and every forward
value and gradient that the source prints, as it prints it. `units` is how far the last printed
digit may be off where the source itself rounds on the way (half a unit where nothing is said).
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from derive.documents.graphs import Number, graph

EXAMPLES = [
    json.loads(text)
    for text in (Path(__file__).parent / "courses.jsonl").read_text("utf-8").splitlines()
]


def cells(value):
    """Every number of a scalar or a nested list, in order."""
    if isinstance(value, list):
        for part in value:
            yield from cells(part)
    else:
        yield value


def agrees(found: Number, printed: str, units: float) -> bool:
    """Whether a number, rounded as the source rounds, is what the source prints."""
    shown = Decimal(printed.rstrip("."))
    place = Decimal(1).scaleb(int(shown.as_tuple().exponent))
    value = Decimal(found.decimal)
    return abs(value - shown) <= place * Decimal(str(units)) * Decimal("1.000001")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["id"])
@pytest.mark.parametrize("gates", ["written", "primitive", "named"])
def test_the_numbers_are_those_that_the_source_prints(example, gates):
    found = graph(example["program"], values=example["values"], gates=gates)
    units = example.get("units", 0.5)
    for table, known in ((example["forward"], found.forward),
                         (example["gradients"], found.gradients)):  # fmt: skip
        for name, printed in table.items():
            pairs = list(zip(cells(known[name]), cells(printed), strict=True))
            assert pairs and all(agrees(number, text, units) for number, text in pairs), name


def test_the_table_is_large_cited_and_not_all_scalars():
    assert len(EXAMPLES) >= 60
    assert len({example["id"] for example in EXAMPLES}) == len(EXAMPLES)
    assert all(len(example["source"]) > 20 for example in EXAMPLES)
    assert sum(":" in example["program"] for example in EXAMPLES) >= 12
    assert all(example["forward"] or example["gradients"] for example in EXAMPLES)


def test_a_digit_that_is_off_is_seen():
    seen = 0
    for example in EXAMPLES:
        found = graph(example["program"], values=example["values"])
        for name, printed in example["gradients"].items():
            for number, text in zip(cells(found.gradients[name]), cells(printed), strict=True):
                if "." in text.rstrip(".") and "units" not in example:
                    last = "4" if text[-1] != "4" else "7"
                    seen += 1
                    assert not agrees(number, text[:-1] + last, 0.5)
    assert seen > 100
