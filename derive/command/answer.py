"""What the page without a server asks, answered: a request as JSON to an answer as JSON.

Enters a task, a program and what else the task needs; leaves HTML to show, the text of a copy, or
the message of an error. The law: nothing that is asked ends in an exception.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from derive.expressions.errors import DeriveError, UnsupportedError
from derive.notation.messages import say, speaking, translated

if TYPE_CHECKING:
    from derive.documents.page import Document

#: How many problems a sheet has.
COUNT = 4


def answer(request: str) -> str:
    """Return the answer to a request.

    >>> asked = {"task": "check", "program": "y = 2 * z", "claim": "dz = 3 * dy"}
    >>> json.loads(answer(json.dumps(asked)))["verdict"]
    'refuted'
    """
    asked = json.loads(request)
    with speaking(asked.get("language")):
        try:
            return json.dumps(_answered(asked))
        except DeriveError as error:
            return json.dumps({"error": str(error)})
        except (RecursionError, MemoryError):
            return json.dumps({"error": translated(say("too-deep"))})


def _answered(asked: Mapping[str, str]) -> dict[str, Any]:
    task, program, claim = (asked.get(key, "") for key in ("task", "program", "claim"))
    if task not in TASKS:
        raise UnsupportedError(f"there is no task {task}", hint=f"there are {', '.join(TASKS)}")
    copy = asked.get("copy", "")
    if copy == "numpy":
        from derive.bridges.code import to_code
        from derive.documents.pipeline import prove

        return {"text": to_code(prove(program, detail="brief"), copy)}
    found = document(task, program, claim)
    if copy:
        return {"text": found.render(copy, fragment=copy == "tex")}
    return {"html": found.render("html", fragment=True), "verdict": _verdict(found)}


@lru_cache(4)
def document(task: str, program: str, claim: str = "") -> Document:
    """Return the document that a task asks for; the last ones are kept, for copies of them."""
    return TASKS[task](program, claim)


def _verdict(found: Any) -> str:
    """Return proved, refuted or undecided, where there is such a word to be said."""
    judgement = getattr(found, "judgement", None)
    if judgement is not None:
        return judgement.verdict
    return "proved" if getattr(found, "proved", False) else ""


def _gradients(program: str, claim: str) -> Document:
    from derive.documents.pipeline import prove

    return prove(program, detail="brief")


def _proof(program: str, claim: str) -> Document:
    from derive.documents.pipeline import prove

    return prove(program)


def _graph(program: str, claim: str) -> Document:
    from derive.documents.graph import Graphs
    from derive.documents.graphs import graph

    return Graphs((graph(program),))


def _check(program: str, claim: str) -> Document:
    from derive.documents.check import Judged
    from derive.judges.claim import Court

    if not claim.strip():
        raise UnsupportedError("there is no claim", hint="write one, such as dX = dY @ W.T")
    court = Court(program)
    court.read(claim)
    return Judged(court.case, court.judgement(claim), at=court.at)


def _example(program: str, claim: str) -> Document:
    from derive.documents.example import example

    return example(program)


def _exercise(program: str, claim: str) -> Document:
    from derive.documents.exercise import exercise

    return exercise(program, count=COUNT)


#: What can be asked for.
TASKS: dict[str, Callable[[str, str], Document]] = {
    "gradients": _gradients, "proof": _proof, "graph": _graph, "check": _check,
    "example": _example, "exercise": _exercise,
}  # fmt: skip
