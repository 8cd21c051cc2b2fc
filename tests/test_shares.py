"""Softmax has a name wherever a derivative is made of it: no quotient of exponentials on paper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive import prove
from derive.calculus.index import Scalar, entry, function, total
from derive.catalogue import load, names
from derive.expressions.program import Statement
from derive.expressions.shape import Shape
from derive.judges.verify import verify
from derive.language.parse import parse
from derive.ops.rows import ROWWISE
from derive.proof import explain as explaining
from derive.proof.derivation import Derivation, Grid
from derive.proof.explain import explain
from derive.proof.folding import folded
from derive.proof.parts import spoken

X, S = ("X", Shape("n", "m")), ("S", Shape("n", "m"))


def e(j, i="i"):
    return function("exp", entry(X, i, j))


def s(j, i="i"):
    return entry(S, i, j)


def row(word, i="i"):
    return total(word, "m", e(word, i))


SOFTMAX = e("j") / row("k")
FOLDED = {
    "itself": (e("j") / row("k"), s("j")),
    "by another letter": (e("j") / row("q"), s("j")),
    "at a letter that it sums over": (e("k") / row("k"), s("k")),
    "of another row": (e("c", "a") / row("k", "a"), s("c", "a")),
    "twice": (e("j") * e("c") / row("k") ** 2, s("c") * s("j")),
    "in a sum": (total("k", "m", e("k") * entry(X, 0, "k")) / row("k"),
                 total("k", "m", s("k") * entry(X, 0, "k"))),
    "of two rows": (e("j") / row("k", "a"), None),
    "upside down": (row("k") / e("j"), s("j") ** -1),
    "a single exponential": (e("j"), None),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDED)
def test_a_softmax_is_seen(case):
    term, expected = FOLDED[case]
    assert folded(term, [(S, SOFTMAX, ("i", "j"))]) == (term if expected is None else expected)


def quotients(of: Derivation) -> list[tuple]:
    """The places of equations, those of definitions apart, that divide by a sum of exponentials."""
    sides = [
        (place, side.tree if isinstance(side, Grid) else side)
        for place, chain in of.equations()
        for step in chain if step.rule != "definition"
        for side in (step.left, step.right)
    ]  # fmt: skip
    return [place for place, side in sides if isinstance(side, Scalar) and _divides(side)]


def _divides(term: Scalar) -> bool:
    if term.kind == "pow" and term.data < 0:
        (below,) = term.args
        if below.kind == "sum" or (below.kind == "add" and all(map(_exp, below.args))):
            return any(map(_exp, below.args))
    return any(map(_divides, term.args))


def _exp(term: Scalar) -> bool:
    return (term.kind, term.data) == ("fn", "exp")


ENTRIES = [name for name in names() if any(op.name in load(name).program for op in ROWWISE)]


def told(text: str, detail: str) -> Derivation:
    program = parse(text)
    return explain(spoken(program) if detail == "lecture" else program, detail=detail)


def test_the_entries_with_a_softmax():
    assert {"softmax", "log-softmax", "log-sum-exp", "softmax-cross-entropy"} < {*ENTRIES}
    assert len(ENTRIES) >= 13


@pytest.mark.parametrize("detail", ["full", "lecture"])
@pytest.mark.parametrize("name", ENTRIES)
def test_no_document_prints_a_softmax_as_a_quotient(name, detail):
    assert quotients(told(load(name).program, detail)) == []


def test_a_quotient_is_seen(monkeypatch):
    monkeypatch.setattr(explaining, "with_shares", lambda program, statements: program)
    for name in ("log-softmax", "log-sum-exp", "softmax-cross-entropy"):
        assert quotients(told(load(name).program, "full"))
        assert quotients(told(load(name).program, "lecture"))


PROVED = {
    "log-softmax": ("log-softmax", "S"),
    "a name of the program": ("X: (n, m); S = softmax(X); y = logsumexp(X); Y = S * y", None),
    "two of them": ("X: (n, m); S: (n, 1); Y = S * logsumexp(X) + logsumexp(X / 2)", "P"),
    "of a product": ("X: (n, d); W: (d, m); Y = logsoftmax(X @ W)", "S"),
}  # fmt: skip


@pytest.mark.parametrize("detail", ["full", "lecture"])
@pytest.mark.parametrize("case", PROVED)
def test_every_line_with_the_name_is_proved(case, detail):
    text, letter = PROVED[case]
    found = prove(text, detail=detail)
    assert found.proved and quotients(found.derivation) == []
    page = found.to_markdown()
    if detail == "full" and letter:
        assert f"Besides, let ${letter} = " in page and f"definition of }}{letter}" in page


def test_a_line_with_another_meaning_of_the_name_is_not_proved():
    of = told("X: (n, m); y = logsumexp(X)", "full")
    (share,) = of.program.besides
    wrong = Statement(share.name, 2 * share.expr)
    judged = verify(replace(of, program=of.program._replace(besides=(wrong,))))
    assert not all(step.proved for local in judged.locals for step in local.index)
