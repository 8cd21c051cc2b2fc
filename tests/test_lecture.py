"""A lecture: each lemma once, cited with other names put in, functions derived, pages counted."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from documents import LSTM, PROGRAMS, RECURRENT, text_of
from pages import Line, height, pages as read, without_prose
from test_citations import Point

from derive import prove
from derive.calculus.index import ONE
from derive.command.cli import main
from derive.expressions.expr import OPS, Expr, substitute
from derive.judges.verify import judged_lemma, verify
from derive.language.parse import parse
from derive.ops import var
from derive.proof.derivation import Derivation, Step
from derive.proof.explain import explain
from derive.proof.functions import derivative, is_defined
from derive.proof.kinds import PutIn, kinds, unordered
from derive.proof.parts import spoken

NETWORK = text_of("mlp")


def lecture(text: str) -> Derivation:
    return explain(spoken(parse(text)), detail="lecture")


# -- kinds -----------------------------------------------------------------------------------------

KINDS = {
    "one": ("X: (n, d); Y = sigmoid(X)", ["Y = sigmoid(X)"]),
    "network": (
        "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); b2: (1, m); Z1 = X @ W1 + b1; "
        "H = relu(Z1); Z2 = H @ W2 + b2; L = sum(Z2 ** 2)",
        ["Z = X @ W + b", "H = relu(Z1)", "L = sum(Z2 ** 2)"],
    ),
    "the more general one": (
        "X: (n, h); U: (h, h); V: (h, m); Z = X @ U; Y = Z @ V", ["Z = X @ U"],
    ),
    "terms in another order": (
        "X: (n, d); V: (d, h); a: (1, h); W: (h, m); b: (1, m); "
        "Z = X @ V + a; Y = b + Z @ W; L = sum(Y ** 2)",
        ["Z = X @ V + a", "L = sum(Y ** 2)"],
    ),
    "an order is no name": ("A: (n, n); B: (n, n); Y = A @ B.T; Z = Y.T @ A", ["Y = A @ B.T",
                                                                             "Z = Y.T @ A"]),
    "one name in two places": ("X: (n, n); Y = X @ X; Z = Y @ X", ["Y = X @ X", "Z = Y @ X"]),
    "the loss is not a value": ("x: (n, 1); f = sum(x); y = f * x; L = sum(y)",
                                ["f = sum(x)", "y = f * x", "L = sum(y)"]),
    "gates": (LSTM, ["Z = x @ W + h @ U", "f = sigmoid(Z_f)", "g = tanh(Z_g)",
                     "C = f * c + (1 - f) * g", "H = f * tanh(C)"]),
}  # fmt: skip


@pytest.mark.parametrize("case", KINDS)
def test_statements_that_differ_in_names_alone_share_a_lemma(case):
    text, expected = KINDS[case]
    program = spoken(parse(text))
    found = kinds(program, program.statements)
    assert [str(kind.program.statements[0]) for kind in found] == expected
    for kind in found:
        for name, put_in in kind.cited.items():
            own = program.defining(name)
            assert unordered(put_in.of(kind.program.statements[0].expr)) == unordered(own.expr)
    assert sum(len(kind.cited) for kind in found) == len(program.statements)


# -- citations -------------------------------------------------------------------------------------


def said(of: Derivation, step: Step) -> Expr:
    """What the lemma that a line cites says of its gradient, in the names of the line."""
    put_in: PutIn = dict(step.facts)["names"]
    ((_, key, _),) = step.cites
    lemma = next(x for x in of.lemmas if x.key == key)
    claim = next(s for s in lemma.claim if put_in.names[s.about].data[0] == step.about)
    value = of.program.leaves[step.theme]
    upstream = {var(f"d{lemma.statement.name}", value.shape): var(f"d{step.theme}", value.shape)}
    return substitute(put_in.of(claim.right), upstream)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_lemma_says_what_is_taken_from_it(name):
    """In numbers: NumPy evaluates the line, and the lemma with other names put in."""
    of = lecture(text_of(PROGRAMS[name]))
    point = Point(of, 3)
    for local in of.locals if of.detail == "lecture" else ():  # numbers have no entries to show
        (step,) = local.claim
        assert np.allclose(point.at(step.right), point.at(said(of, step)), rtol=1e-9), step


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_line_of_a_lecture_is_proved(name):
    judged = verify(lecture(text_of(PROGRAMS[name])))
    assert all(step.proved for step in judged.steps())
    numbers = judged.numbers()
    for place, chain in judged.equations():
        for step in chain:
            if place[0] not in ("lemma", "theorem"):
                assert all(numbers[cited] < numbers[place] for cited in step.cites), step


def _facts(step: Step, **changed) -> Step:
    return replace(step, facts=tuple((dict(step.facts) | changed).items()))


def _other_names(of: Derivation, step: Step) -> Step:
    put_in = dict(step.facts)["names"]
    swapped = {"X": put_in.names["W"], "W": put_in.names["X"]}
    return _facts(step, names=PutIn({**put_in.names, **swapped}, put_in.dims))


def _other_dims(of: Derivation, step: Step) -> Step:
    put_in = dict(step.facts)["names"]
    return _facts(step, names=PutIn(put_in.names, dict.fromkeys(put_in.dims, "n")))


WRONG = {
    "names exchanged": _other_names,
    "other dimensions": _other_dims,
    "another lemma": lambda of, step: _facts(step, cites=(("lemma", "L =", "claim"),)),
    "another variable": lambda of, step: replace(step, about="b2"),
    "another statement": lambda of, step: replace(step, theme="Z1"),
    "another gradient": lambda of, step: replace(step, right=2 * step.right),
    "of another": lambda of, step: replace(step, left=var("dZ1", step.left.shape)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_judge_objects_to_a_wrong_citation_of_a_lemma(wrong):
    of = lecture(NETWORK)
    place = next(k for k, p in enumerate(of.locals) if p.statement.name == "Z2")
    local = of.locals[place]
    assert str(local.claim[0].right) == "dZ2 @ W2.T"
    claim = (WRONG[wrong](of, local.claim[0]),)
    locals_ = (*of.locals[:place], replace(local, claim=claim), *of.locals[place + 1 :])
    judged = verify(replace(of, locals=locals_))
    found = [step.proved for one in judged.locals for step in one.claim]
    assert found == [k != place for k in range(len(found))]


# -- functions and exchanges -----------------------------------------------------------------------

FUNCTIONS = [name for name, op in OPS.items() if is_defined(op)]


def test_the_functions_that_are_derived():
    assert {"sigmoid", "tanh", "relu", "softplus", "silu", "gelu", "abs"} <= {*FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_derivative_is_derived_and_a_wrong_one_is_not(name):
    lemma = derivative(OPS[name])
    for _, chain in judged_lemma(lemma).equations():
        assert all(step.proved for step in chain)
    for k, step in enumerate(lemma.proof[0]):
        wrong = replace(step, right=step.right + ONE)
        chain = (*lemma.proof[0][:k], wrong, *lemma.proof[0][k + 1 :])
        judged = judged_lemma(replace(lemma, proof=(chain,)))
        assert not judged.proof[0][k].proved


def test_names_are_exchanged_where_the_statement_stays_as_it_is():
    of = lecture("A: (n, d); B: (n, d); C: (n, d); D: (n, d); Y = A * B + C * D; Z = Y * Y")
    (lemma, _) = of.lemmas
    proofs = {str(p.variable): bool(p.index) for p in lemma.derivation.locals}
    assert proofs == {"A": True, "B": False, "C": False, "D": False}
    local = lemma.derivation.locals[1]
    (step,) = local.exchange
    wrong = replace(local, exchange=(replace(step, left=step.left + step.right),))
    inner = replace(lemma.derivation, locals=(lemma.derivation.locals[0], wrong))
    judged = verify(replace(of, lemmas=(replace(lemma, derivation=inner), of.lemmas[1])))
    assert not judged.lemmas[0].derivation.locals[1].exchange[0].proved


def test_softmax_has_a_name_where_its_derivative_is_used():
    of = lecture("Z: (n, m); T: (n, m); P = softmax(Z); L = sum(T * P)")
    (lemma, *_) = of.lemmas
    chained = lemma.derivation.locals[0].index[-1]
    assert "exp" not in str(chained.left)


# -- data ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, expected",
    [
        ({}, ["W1", "b1", "W2", "b2"]),
        ({"wrt": ["T", "W2"]}, ["W2", "T"]),
        ({"data": ["b1", "b2"]}, ["W1", "W2"]),
    ],
)
def test_nobody_differentiates_by_data(given, expected):
    wanted = prove("mlp", detail="brief", **given).derivation.wrt
    assert sorted(wanted) == sorted(expected)


@pytest.mark.parametrize(
    "words, message",
    [
        (["y = x * t", "--data", "t,q"], "there is no variable q"),
        (["y = x * t", "--data", "t,x"], "every input is data"),
    ],
)
def test_data_that_cannot_be_is_refused(words, message, capsys):
    assert main(["gradient", *words]) == 2
    assert message in capsys.readouterr().err


# -- the document ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, detail",
    [("affine", "full"), (NETWORK, "lecture"), (RECURRENT, "lecture"), ("inverse", "full")],
)
def test_how_much_is_told_where_nobody_says(text, detail):
    assert prove(text).derivation.detail == detail


def test_a_lemma_is_told_once():
    text = prove(NETWORK).to_markdown()
    assert len(re.findall(r"^\*\*Lemma", text, re.M)) == 4
    assert "Operator by operator" not in text
    assert re.search(r"by \(2\) with \$H_\{1\}\$, .* for \$X\$, \$W\$", text)


@pytest.mark.parametrize("name", ["affine", "mlp"])
def test_no_table_is_alone_on_a_page(name, tmp_path, require_tool):
    page = replace(prove(name, detail="full"), appendix=True).to_latex()
    assert without_prose(paged(page, tmp_path, require_tool)) == []


def paged(tex: str, folder: Path, require_tool) -> list[list[Line]]:
    (folder / "page.tex").write_text(tex, "utf-8")
    command = [require_tool("pdflatex"), "-interaction=batchmode", "page.tex"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return read(folder / "page.pdf", require_tool("pdftotext"))


def test_what_is_alone_on_a_page_is_seen_and_how_high_it_is(tmp_path, require_tool):
    alone = r"""\documentclass{article}\begin{document}
    Some words here make one sentence. \clearpage
    \begin{tabular}{ll} a & b is c \\ d & e \end{tabular} \clearpage
    To remember \par\vspace{100pt} and that \par\vspace{50pt} What was checked is this here.
    \end{document}"""
    found = paged(alone, tmp_path, require_tool)
    assert without_prose(found) == [2]
    assert 100 < height(found, "To remember", "What was checked") < 130


def test_what_is_too_long_to_be_written_out_is_proved_by_its_entry():
    """Two heads in one line: an entry has dozens of terms, a page of which explains nothing."""
    found = lecture(
        "X: (n, d); P: (n, n); Q: (n, n); C: (d, p); D: (d, p); U: (p, d); V: (p, d); "
        "H = X @ C @ U; Y = P @ (X @ C) @ U + Q @ (X @ D) @ V; L = sum(Y * H)"
    )
    said = {str(x.statement): x.derivation.locals for x in found.lemmas if x.statement}
    assert [any(local.one for local in locals_) for locals_ in said.values()] == [True, False, True]
    assert all(local.index or local.exchange for locals_ in said.values() for local in locals_)
