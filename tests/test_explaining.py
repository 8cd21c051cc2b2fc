"""What a lecturer adds: which row meets which, why entries regroup, the proof row by row."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from programs import evaluate

import derive
from derive.documents.explaining import by_lines, regrouped, stands
from derive.documents.prove import Writer
from derive.expressions.errors import ProofError
from derive.judges.verify import insist, verify
from derive.language.parse import parse
from derive.notation.latex import latex
from derive.notation.mathematics import Style
from derive.notation.text import text
from derive.proof.explain import explain
from derive.proof.local import LocalProof

AFFINE = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
COLUMNS = "W: (m, n); A: (n, s); b: (m, 1); Z = W @ A + b"


def local_of(program: str, name: str):
    page = Writer(explain(parse(program)), Style())
    return page, page.derivation.locals_of(name)[0]


#: A program, a variable; what its first entry acts on and what it meets, as (own side, side, of).
MEETS = [
    (AFFINE, "X", [("row", "row")], [("column", "row", "W")]),
    (AFFINE, "W", [("column", "column")], [("row", "column", "X")]),
    (AFFINE, "B", [("column", "column")], []),
    (COLUMNS, "W", [("row", "row")], [("column", "row", "A")]),
    (COLUMNS, "A", [("column", "column")], [("row", "column", "W")]),
    ("X: (n, d); W: (m, d); Y = X @ W.T", "W", [("row", "column")], [("column", "column", "X")]),
    ("X: (d, n); W: (d, m); Y = X.T @ W", "X", [("column", "row")], [("row", "row", "W")]),
    ("X: (n, d); Y = exp(X)", "X", [("row", "row"), ("column", "column")], []),
    ("X: (n, d); c: (1, d); Y = X * c", "c", [("column", "column")], [("column", "column", "X")]),
]  # fmt: skip


@pytest.mark.parametrize(("program", "name", "acts", "meets"), MEETS)
def test_where_the_first_entry_acts_and_what_it_meets(program, name, acts, meets):
    page, local = local_of(program, name)
    found = stands(page, local)
    assert [(one["own"], one["side"]) for one in found["acts"]] == acts
    assert [(one["own"], one["side"], text(one["name"])) for one in found["meets"]] == meets


@pytest.mark.parametrize(("program", "name", "acts", "meets"), MEETS)
def test_it_meets_what_numbers_say(program, name, acts, meets):
    """The first entry moves exactly that row or column of the value; if what it meets is zero,
    it moves nothing."""
    read = parse(program)
    sizes = dict(zip(read.dims, (3, 4, 5)))
    rng = np.random.default_rng(3)
    values = {n: rng.normal(size=read.leaves[n].shape.extents(sizes)) for n in read.inputs}

    def moved(at: dict[str, np.ndarray]) -> np.ndarray:
        scope = {"exp": np.exp}
        formula = program.rpartition("= ")[2]
        nudged = {**at, name: at[name].copy()}
        nudged[name][0, 0] += 1
        return eval(formula, scope, nudged) - eval(formula, scope, at)

    change = np.abs(moved(values)) > 1e-12
    sides = {side for _, side in acts}
    expected = np.ones_like(change)
    if "row" in sides:
        expected[1:, :] = False
    if "column" in sides:
        expected[:, 1:] = False
    assert (change == expected).all()
    for _, side, other in meets:
        gone = values[other].copy()
        if side == "row":
            gone[0, :] = 0
        else:
            gone[:, 0] = 0
        assert not np.any(np.abs(moved({**values, other: gone})) > 1e-12)


#: A program, a variable, and the lines that make an entry of its gradient.
REGROUPED = [
    (AFFINE, "X", ["row a of ∂L/∂Y", "row c of W is column c of Wᵀ"]),
    (AFFINE, "W", ["column a of X is row a of Xᵀ", "column c of ∂L/∂Y"]),
    (AFFINE, "B", ["column c of ∂L/∂Y"]),
    (COLUMNS, "b", ["row c of ∂L/∂Z"]),
    ("X: (n, d); W: (d, m); Y = 3 * X @ W", "X", None),
    ("X: (n, d); Y = exp(X)", "X", None),
]  # fmt: skip


@pytest.mark.parametrize(("program", "name", "lines"), REGROUPED)
def test_why_entries_regroup(program, name, lines):
    page, local = local_of(program, name)
    found = regrouped(page, local)
    if lines is None:
        assert found is None or len(found["lines"]) == 2
        return

    def told(one) -> str:
        index = f" {text(one['index'])}" if one["index"] is not None else ""
        whole = f"{one['side']}{index} of {text(one['name'])}"
        return whole + (
            f" is {one['becomes']}{index} of {text(one['of'])}" if one["of"] is not None else ""
        )

    assert list(map(told, found["lines"])) == lines


#: A program, a variable, and what is said of a row: its value, and the gradient.
LINES = [
    (AFFINE, "X", "Y_a· = X_a·W + B", "∂L/∂X_a· = ∂L/∂Y_a· Wᵀ"),
    (AFFINE, "W", "Y_·c = XW_·c + B_·c𝟏", "∂L/∂W_·c = Xᵀ ∂L/∂Y_·c"),
    (COLUMNS, "W", "Z_c· = W_c·A + b_c·𝟏ᵀ", "∂L/∂W_c· = ∂L/∂Z_c· Aᵀ"),
    (COLUMNS, "A", "Z_·e = WA_·e + b", "∂L/∂A_·e = Wᵀ ∂L/∂Z_·e"),
    ("X: (n, d); Y = softmax(X)", "X", "Y_a· = softmax(X_a·)", None),
    ("X: (n, d); Y = exp(X)", "X", None, None),  # entry by entry: nothing is gained
    ("X: (n, n); Y = X @ X", "X", None, None),
    ("X: (n, d); Y = cumsum(X, axis=0)", "X", "Y_·c = colcumsum(X_·c)", None),
    ("X: (n, d); Y = X @ X.T", "X", None, None),
    ("X: (n, d); W: (d, m); Y = X @ W / sum(X)", "X", None, None),
    ("X: (n, n); W: (n, n); Y = X @ W", "X", None, None),  # which n is meant?
    ("X: (n, d); W: (m, d); Y = X @ W.T", "W", None, None),  # rows become columns
]  # fmt: skip


@pytest.mark.parametrize(("program", "name", "value", "gradient"), LINES)
def test_the_proof_row_by_row(program, name, value, gradient):
    page, local = local_of(program, name)
    said = [message.facts for message in by_lines(page, local)]
    assert len(said) == (value is not None)
    for facts in said:
        assert f"{text(facts['value'])} = {text(facts['formula'])}" == value
        if gradient is not None:
            assert f"{text(facts['own'])} = {text(facts['result'])}" == gradient


TOLD = [(program, name) for program, name, value, _ in LINES if value is not None]


@pytest.mark.parametrize(("program", "name"), TOLD)
def test_a_row_is_what_its_formula_says_in_numbers(program, name):
    """NumPy runs the formulas about one row on that row of what they cut."""
    _, local = local_of(program, name)
    read, lines = parse(program), local.lines
    sizes = dict(zip(read.dims, (3, 4, 5)))
    rng = np.random.default_rng(5)
    values = {n: rng.normal(size=read.leaves[n].shape.extents(sizes)) for n in read.inputs}
    value, upstream = local.statement.name, f"d{local.statement.name}"
    values[value] = numpy(program.rpartition("= ")[2], values, sizes)
    values[upstream] = rng.normal(size=values[value].shape)
    values[local.gradient.data[0]] = numpy(str(local.formula), values, sizes)
    for k in range(values[value].shape[lines.axis]):
        line = np.s_[k : k + 1, :] if lines.axis == 0 else np.s_[:, k : k + 1]
        one = {n: a[line] if n in lines.cut else a for n, a in values.items()}
        for whole, formula in ((value, lines.value), (local.gradient.data[0], lines.gradient)):
            found = numpy(str(formula), one, sizes)
            assert np.allclose(found, values[whole][line])


def numpy(text: str, values: dict[str, np.ndarray], sizes: dict[str, int]) -> np.ndarray:
    return np.array(evaluate(text, values, sizes), dtype=float)


#: What could be said of rows, and is wrong: it is refused by the judges of every step.
WRONG = [
    (AFFINE, "X", "row-c"), (AFFINE, "X", "column-a"), (AFFINE, "W", "row-a"),
    (COLUMNS, "W", "column-c"), (COLUMNS, "A", "row-a"),
    ("X: (n, d); Y = softmax(X)", "X", "column-c"),
    ("X: (n, d); Y = X @ X.T", "X", "row-a"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "name", "word"), WRONG)
def test_a_wrong_word_of_where_an_entry_acts_is_refused(program, name, word, monkeypatch):
    monkeypatch.setattr(LocalProof, "occurrence", lambda self: (word,))
    derivation = explain(parse(program), wrt=(name,))
    with pytest.raises(ProofError, match="rule depends"):
        insist(verify(derivation))


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("program", "name"), TOLD)
def test_a_wrong_formula_of_a_row_is_refused_by_every_judge(program, name, which):
    derivation = explain(parse(program), wrt=(name,))
    (local,) = derivation.locals
    steps = list(local.lines.steps)
    proved = verify(derivation).locals[0].lines.steps[which]
    assert proved.proved and len(proved.verdicts) == 3
    steps[which] = replace(steps[which], right=2 * steps[which].right)
    wrong = replace(local, lines=local.lines._replace(steps=tuple(steps)))
    judged = verify(replace(derivation, locals=(wrong,))).locals[0].lines.steps
    assert not any(verdict.proved for verdict in judged[which].verdicts)


def test_an_index_on_an_index_has_brackets():
    page, local = local_of("X: (n, d); W_1: (d, m); Y = X @ W_1", "W_1")
    (message,) = by_lines(page, local)
    assert "(W_{1})_{\\cdot c}" in latex(message.facts["formula"])


def test_the_document_says_it():
    page = derive.prove("affine").to_markdown()
    assert "stands in row 1 of $X$, so it acts on row 1 of $Y$ alone" in page
    assert "stands in column 1 of $X$, so it meets row 1 of $W$ there" in page
    assert "only three of the six terms can be different from zero" in page
    assert "row $c$ of $W$ is column $c$ of $W^{\\top}$" in page
    assert len(re.findall(r",\\qquad \\frac\{\\partial L\}\{\\partial Y\} = \\begin", page)) == 1
    assert page.index(r"\frac{\partial L}{\partial Y} = \begin") < page.index("chain rule")
