"""Lemmas: each line judged by two roads, wrong lines refused by both, cited where they are used."""

import re
from dataclasses import replace

import pytest
import sympy

from derive import prove
from derive.algebra import matrices
from derive.algebra.kinds import KINDS
from derive.calculus.index import ONE, ZERO, rename
from derive.expressions.errors import ProofError
from derive.expressions.expr import Op
from derive.expressions.program import Statement
from derive.judges.verify import insist, judged_lemma, verify
from derive.judges.written import EntriesJudge
from derive.language.parse import parse
from derive.ops.square import cofactor
from derive.proof.explain import explain
from derive.proof.lemmas import LEMMAS, determinant, inverse, lemmas
from derive.proof.verdict import EVERY_SHAPE, PROVED, REFUTED

ALL = [make() for make, _ in LEMMAS.values()]
STEPS = [
    pytest.param(lemma, chain, k, id=f"{lemma.key}-{chain}-{k}")
    for lemma in ALL
    for chain, (_, steps) in enumerate(lemma.equations())
    for k in range(len(steps))
]


@pytest.mark.parametrize("lemma", ALL, ids=list(LEMMAS))
def test_every_line_is_proved_by_normal_forms_and_written_out(lemma):
    for _, chain in judged_lemma(lemma).equations():
        for step in chain:
            assert [v.word for v in step.verdicts] == [PROVED] * len(step.verdicts)
            first, *others = step.verdicts
            assert first.where == EVERY_SHAPE
            assert len({v.scope for v in others}) == len(others) >= 2
            assert {v.method for v in others} == {"both sides written out and compared exactly"}


def changed(lemma, chain, k, right):
    """The lemma with another right side in one line."""
    chains = [list(steps) for _, steps in lemma.equations()]
    chains[chain][k] = replace(chains[chain][k], right=right)
    claim, *proof = map(tuple, chains)
    return replace(lemma, claim=claim, proof=tuple(proof))


@pytest.mark.parametrize("lemma, chain, k", STEPS)
def test_every_judge_refuses_a_wrong_line(lemma, chain, k):
    right = list(lemma.equations())[chain][1][k].right
    wrong = ONE if right == ZERO else -2 * right
    judged = [c for _, c in judged_lemma(changed(lemma, chain, k, wrong)).equations()]
    assert not any(v.proved for v in judged[chain][k].verdicts)
    assert all(
        step.proved for c, steps in enumerate(judged) for n, step in enumerate(steps)
        if (c, n) != (chain, k)
    )  # fmt: skip


@pytest.mark.parametrize("lemma", [x for x in ALL if x.key != "norm"], ids=lambda x: x.key)
def test_every_judge_refuses_a_transposed_claim(lemma):
    turned = rename(lemma.claim[0].right, {"c": "e", "e": "c"})
    assert not any(v.proved for v in judged_lemma(changed(lemma, 0, 0, turned)).claim[0].verdicts)


def test_what_is_written_out_does_not_see_the_axiom_of_the_normal_form(monkeypatch):
    """With a wrong derivative of the inverse the normal form believes a wrong lemma, alone."""
    right = matrices.derivative_of_an_inverse
    wrong_law = right._replace(rewriting=lambda ring, *rest: ring.scale(-1, right(ring, *rest)))
    monkeypatch.setitem(KINDS, "inv", KINDS["inv"]._replace(derivative=wrong_law))
    lemma = inverse()
    wrong = changed(lemma, 0, 0, -lemma.claim[0].right)
    first, *others = judged_lemma(wrong).claim[0].verdicts
    assert first.proved and not any(v.proved for v in others)


def test_cofactors_are_minors_and_not_what_the_lemma_says_of_them():
    """A cofactor without its sign: Laplace's expansion fails where it is written out."""
    lemma = determinant()
    unsigned = Op(
        name="unsigned",
        shape=lambda data, a: a,
        entry=lambda ix, i, j, A: ix.cofactor(A, i, j) * (-1) ** (i + j),
    )
    program = lemma.derivation.program
    A = program.leaves["A"]
    statements = (Statement("M", unsigned(A)), *program.statements[1:])
    mutant = program._replace(statements=statements)
    derivation = replace(lemma.derivation, program=mutant)
    for sizes in lemma.probes:
        judge = EntriesJudge(
            derivation, statements[-1], sizes, others=statements, indices=lemma.indices
        )
        laplace, row_left_out, wrong_row = (judge.verdict(step) for step in lemma.proof[0])
        assert (laplace.word, wrong_row.word) == (REFUTED, REFUTED)
        assert row_left_out.proved  # a sign does not change what a minor leaves out


@pytest.mark.parametrize("n", [2, 3, 4])
def test_cofactors_are_those_of_sympy(n):
    A = sympy.Matrix(n, n, lambda i, j: sympy.Symbol(f"a{i}{j}"))
    for i in range(n):
        for j in range(n):
            assert sympy.expand(cofactor(A.tolist(), i, j) - A.cofactor(i, j)) == 0


# -- in documents ----------------------------------------------------------------------------------

USED = {
    "A: (n, n); Y = inv(A)": ["inv"],
    "A: (n, n); Y = inv(A.T @ A + eye(n))": ["inv"],
    "A: (n, n); f = det(A)": ["det"],
    "A: (n, n); f = logdet(A)": ["det", "logdet"],
    "A: (n, n); f = logdet(A) + det(A) + logdet(2 * A)": ["det", "logdet"],
    "A: (n, n); f = log(det(A))": ["det"],
    "A: (n, n); f = det(inv(A))": ["det"],
    "A: (n, n); Y = inv(inv(A))": [],
    "a: (1, 1); f = inv(a)": [],
    "x: (n, 1); f = norm(x)": ["norm"],
    "A: (n, n); B: (n, n); f = tr(inv(A) @ B) + norm(B)": ["inv", "norm"],
    "X: (n, d); W: (d, m); Y = X @ W": [],
}


@pytest.mark.parametrize("text, keys", USED.items(), ids=USED)
def test_which_lemmas_a_program_needs(text, keys):
    assert [lemma.key for lemma in explain(parse(text)).lemmas] == keys


def test_a_constant_inverse_needs_no_lemma():
    assert explain(parse("A: (n, n); B: (n, n); Y = inv(A) @ B"), wrt=("B",)).lemmas == ()


def test_lemmas_come_after_those_that_they_cite():
    assert [x.key for x in lemmas(("logdet", "inv", "logdet"))] == ["det", "logdet", "inv"]


def test_a_document_with_a_wrong_lemma_is_not_returned():
    derivation = explain(parse("A: (n, n); Y = inv(A)"))
    lemma = derivation.lemmas[0]
    wrong = changed(lemma, 2, 1, 2 * lemma.proof[1][1].right)
    with pytest.raises(ProofError, match="rule cited, part lemma-inv"):
        insist(verify(replace(derivation, lemmas=(wrong,))))


@pytest.mark.parametrize("form", ["md", "tex"])
def test_the_differentiating_step_cites_the_lemma(form):
    page = prove("A: (n, n); B: (n, n); f = tr(inv(A) @ B) + logdet(A)").render(form)
    ref = r"\((\d+)\)" if form == "md" else r"\\eqref\{[^:}]*:(\d+)\}"
    lemma = r"\*\*Lemma\*\* \((.*)\)\." if form == "md" else r"\\begin\{lemma\}\[(.*)\]"
    number = r"\\qquad \((\d+)\)" if form == "md" else r"\\label\{[^:}]*:(\d+)\}"
    places = {
        found[1]: re.compile(number).search(page, found.end())[1]
        for found in re.finditer(lemma, page)
    }
    assert list(places) == [
        "the derivative of the inverse",
        "the derivative of the determinant",
        "the derivative of the log-determinant",
    ]
    cited = re.search(rf"lemmas {ref} and {ref},", page)
    inv, _, logdet = places.values()
    assert {cited[1], cited[2]} == {inv, logdet}
    assert page.index("roof for every shape") > page.index("derivative of the log-determinant")


def test_a_brief_document_has_no_lemma_and_cites_none():
    page = prove("A: (n, n); Y = inv(A)", detail="brief").to_markdown()
    assert "emma" not in page and "derivative of the inverse, chain rule" in page


def test_the_table_of_checks_has_rows_for_the_lemma():
    proof = prove("A: (k, k); Y = inv(A)", detail="full")
    page = proof.to_markdown()
    assert "| (2) to (4) | 7 | index normal form | every $n$ |" in page
    assert "| (2) to (4) | 7 | both sides written out and compared exactly | $n = 3$ |" in page
    assert "index normal form | every $k$ |" in page
    lines = [step for step in proof.trace()["steps"] if step["part"] == "lemma-inv"]
    assert len(lines) == 7 and all(len(line["verdicts"]) == 3 for line in lines)


METHODS = [
    ("Z: (n, m); Y = softmax(Z)", "quotient rule"),
    ("X: (n, d); Y = exp(X) / sum(exp(X), axis=1)", "quotient rule"),
    ("X: (n, d); Y = X / 2", "differentiating each entry"),
    ("Z: (n, m); Y = logsoftmax(Z)", "chain rule for the logarithm"),
    ("Z: (n, m); Y = logsumexp(Z)", "chain rule for the logarithm"),
]


@pytest.mark.parametrize("text, reason", METHODS)
def test_the_differentiating_step_names_its_rule(text, reason):
    page = prove(text, detail="brief").to_markdown().replace("\\\\\n&\\qquad", "&&")
    assert [line for line in page.splitlines() if r"\partial y" in line and reason in line]


def test_a_delta_in_a_sum_is_used_up_though_its_letter_stays_elsewhere():
    """In the quotient k still runs through the denominator, and leaves the numerator at k = c."""
    page = prove("Z: (n, m); Y = softmax(Z)", detail="brief").to_markdown()
    assert r"\text{only }k = c\text{ survives}" in page
