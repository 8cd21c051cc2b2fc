"""No symbol of a document has two meanings, and no numeral stands beside a bold one."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from programs import texts
from test_every_operator import PROGRAMS
from told import explained

from derive import catalogue
from derive.documents.pipeline import Proof
from derive.language.parse import parse
from derive.notation.latex import latex
from derive.notation.mathematics import Notation, Style
from derive.notation.text import text
from derive.proof.explain import explain

#: Names that ask for trouble: of dimensions, indices, constants, gradients, lemmas, and alike.
HOSTILE = [
    "X: (n, d); mu: (1, d); P: (d, d); R = X - mu; L = n * logdet(P) / 2 - tr(R @ P @ R.T) / 2",
    "x: (d, 1); W_i: (k, d); i = sigmoid(W_i @ x); L = sum(i)",
    "x: (d, 1); W_i: (k, d); W_j: (k, d); Y = W_i @ x + W_j @ x",
    "x: (d, 1); Wi: (k, d); i = sigmoid(Wi @ x); L = sum(i)",
    "I: (i, j); J: (j, k); Y = I @ J",
    "N: (n, d); D: (d, k); K: (k, n); Y = N @ D @ K",
    "A: (a, c); C: (c, e); E: (e, f); Y = A @ C @ E",
    "K1: (n, k); P1: (k, p); Y = K1 @ P1",
    "X: (L, J); Y = X * 2",
    "n1: (n_1, 1); Y = n1 * 2",
    "lam: (n, d); lamda: (n, d); Y = lam * lamda",
    "eps: (n, d); epsilon: (n, d); epsilonbar: (n, d); Y = eps * epsilon + epsilonbar",
    "X: (n, d); Xhat: (n, d); xhat: (n, d); Y = X * Xhat + xhat",
    "W1: (n, d); W_1: (n, d); Y = W1 * W_1",
    "sigma: (n, d); Y = sigmoid(sigma)",
    "X: (sigma, d); Y = sigmoid(X)",
    "G: (n, g); Y = 2 * G",
    "delta: (n, m); Y = delta * 2",
    "A: (n, m); d: (m, m); f = logdet(d) * sum(A)",
    "f: (n, n); Y = det(f) * inv(f)",
    "M: (d, d); f = det(M)",
    "B: (k, k); p: (k, 1); e: (1, 1); Y = inv(B) @ p * e",
    "A: (n, m); Y = norm(A) * A",
    "l: (c, e); Y = norm(l) * l",
]
CATALOGUE = [catalogue.load(name).program for name in catalogue.names()]
EVERY = [*HOSTILE, *CATALOGUE, *PROGRAMS.values()]
STYLES = [Style(), Style(gradients="short")]


def symbols(notation: Notation) -> dict[str, set[str]]:
    """Each symbol of a page as it is printed, without its indices, with what it means there."""
    program, found = notation.program, {}

    def means(symbol: str, meaning: str) -> None:
        found.setdefault(symbol.replace(" ", ""), set()).add(meaning)

    for name, leaf in program.leaves.items():
        means(latex(notation.names[name]), f"{name}")
        letter, above = notation.entry_names[name]
        small = latex(letter) if above is None else f"{latex(letter)}^{latex(above)}"
        if leaf.shape.is_scalar and above is not None:
            small = f"{latex(letter)}_{{{latex(above)}}}"
        means(small, f"{name}")
    for dim in program.dims:
        means(latex(notation.word_of(dim)), f"the dimension {dim}")
    places = notation.derivation.letters
    for index in (*places.output, *places.variable, *places.bound[:3]):
        means(latex(notation.index(index)), f"the index {index}")
    if not program.is_loss:
        means(latex(notation.loss), "the loss")
    return found


def twice(found: dict[str, set[str]]) -> dict[str, set[str]]:
    return {symbol: meanings for symbol, meanings in found.items() if len(meanings) > 1}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("program", EVERY)
def test_no_symbol_has_two_meanings(program, style):
    derivation = explained(program)
    notation = Notation(derivation, style)
    assert twice(symbols(notation)) == {}
    around = symbols(notation)
    for lemma in derivation.lemmas:
        own = symbols(Notation(lemma.derivation, style, derivation))
        assert twice(own) == {}
        for symbol in own.keys() & around.keys():
            (here,), (there,) = own[symbol], around[symbol]
            kinds = [next((k for k in ("the index", "the dimension") if m.startswith(k)), "value")
                     for m in (here, there)]  # fmt: skip
            assert kinds[0] == kinds[1], f"{symbol} is {there}, and {here} in a lemma"
            loss = notation.program.is_loss and str(notation.program.output)
            if (here, there) == ("the loss", loss):
                continue
            if kinds[0] == "value":  # the same letter for the same value, or for a square matrix
                said = lemma.derivation.program.defining(here)
                assert here == there and str(said) == str(parse(program).defining(there))


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(texts(depth=2))
def test_random_programs_have_one_meaning_a_symbol(program):
    read = parse(program)
    used = tuple(name for name in read.inputs if name in read.reaching())
    derivation = explain(read, wrt=used, detail="brief")
    assert twice(symbols(Notation(derivation, Style()))) == {}


NUMERALS = [
    "v: (1, d); X: (n, d); Y = X + 2 * v",
    "X: (n, d); Y = sum(2 * X, axis=0) + sum(X / 2, axis=1).T @ X",
    "X: (n, d); Y = ones(n, d) * 2 + X",
    "X: (n, d); L = sum(X @ (2 * ones(d, 1)) * 3)",
    "X: (n, d); Y = mean(X, axis=0) * 2 + 2 * mean(X, axis=0)",
    "v: (1, 1); X: (n, d); Y = max(X, 2 * v)",
]


@pytest.mark.parametrize("program", [*NUMERALS, *CATALOGUE])
def test_no_numeral_stands_beside_a_bold_one(program):
    derivation = explained(program)
    notation = Notation(derivation, Style())
    formulas = [s.expr for s in derivation.program.statements]
    formulas += [*derivation.gradients.values(), *derivation.backward.values()]
    for shown in (text(notation.expr(formula)) for formula in formulas):
        plain = re.sub(r"\^⊙?[0-9/]+ ", "^k ", shown)  # an exponent is raised, and stands apart
        assert not re.search(r"[0-9]\s*[𝟏𝟎]|[𝟏𝟎]ᵀ?\s*[0-9]", plain), shown
    page = Proof(derivation).render("md")
    bold = r"\\mathbf\{[01]\}(?:\^\{\\top\})?"
    assert not re.search(rf"\d(?:\\,)?\s*{bold}|{bold}(?:\\,)?\s*\d", page)


@pytest.mark.parametrize("program", EVERY)
def test_gates_have_letters_of_their_own(program):
    from derive.circuits.circuit import circuit
    from derive.pictures.diagram import Writing

    paper = Writing(circuit(parse(program))).paper
    found = symbols(paper)
    assert twice({s: m for s, m in found.items() if not any("index" in one for one in m)}) == {}


def test_the_identity_is_no_matrix_of_the_program():
    page = Proof(explain(parse("I: (n, n); Y = I @ (I + eye(n))"))).render("md")
    assert r"$\mathrm{Id}$ is the identity matrix" in page
    assert r"I(I + \mathrm{Id})" in page
