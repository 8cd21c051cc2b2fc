"""What the tables cite is written down as well: every identity, catalogue and course as a document.

A claim that is proved and a document that is refused would be two answers to one question.
"""

import json
from pathlib import Path

import pytest
from programs import FEW
from told import proved

from derive.catalogue import load
from derive.documents.pipeline import prove


def _table(name: str) -> list[dict]:
    text = (Path(__file__).parent / name).read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


#: Of identities about one program and variable, one stands for all.
IDENTITIES = {(r["program"], r["wrt"]): r for r in reversed(_table("identities.jsonl"))}
COURSES = {r["program"]: r for r in reversed(_table("courses.jsonl"))}


def _named(records: list[dict]) -> list:
    return [pytest.param(record, id=record["id"]) for record in records]


def is_written(program: str, **options) -> None:
    """Check that a document is made and proved, and that both formats can be rendered."""
    proof = proved(program, detail="brief", **options)
    assert proof.proved and proof.gradients
    for form, mark in (("md", "$$"), ("tex", r"\begin{")):
        assert mark in proof.render(form)


@pytest.mark.parametrize("record", _named(list(IDENTITIES.values())))
def test_an_identity_is_a_document(record):
    shapes = {name: tuple(dims) for name, dims in record["shapes"].items()}
    is_written(record["program"], **({"shapes": shapes} if shapes else {}), wrt=[record["wrt"]])


@pytest.mark.parametrize("record", _named(list(COURSES.values())))
def test_a_course_example_is_a_document(record):
    is_written(record["program"])


@pytest.mark.parametrize("name", FEW)
def test_a_catalogue_program_is_a_document_with_every_step(name):
    entry = load(name)
    assert prove(entry.program, at=entry.at).proved
