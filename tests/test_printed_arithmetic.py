"""Every arithmetic that is printed is done again with the digits that are printed."""

from __future__ import annotations

import re
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from programs import FEW
from reading import Page, Unreadable
from test_example import NETWORK, equations

from derive import catalogue
from derive.documents.example import example
from derive.documents.exercise import exercise
from derive.documents.graph import render_graph
from derive.documents.graphs import graph


def _letter(*_):
    raise Unreadable


PAGE = Page({}, {}, {}, _letter, {}, "")
PROGRAMS = {
    "neuron": "f = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))",
    "roots": "f = sqrt(x) * log(y) / z - sqrt(y) + x",
    "cancelling": "a = exp(x); b = exp(y); c = a - b; f = c ** 2 / a",
    "fork": "a = sqrt(x); f = a * y + a * z + log(a)",
    "network": NETWORK,
    "softmax": "X: (n, d); W: (d, m); P = softmax(X @ W)",
    "norm": "X: (n, d); L = norm(X) * mean(X) + log(norm(X))",
    "layer-norm": "X: (n, d); C = X - mean(X, axis=1); Y = C / sqrt(mean(C ** 2, axis=1) + 1)",
    "tanh": "X: (n, d); w: (d, 1); Y = tanh(X @ w) ** 2",
}


def read(tex: str) -> np.ndarray | None:
    """What a side comes to with the digits that stand there; none where it has letters."""
    try:
        return PAGE.read(tex.replace(r"\tfrac", r"\frac").replace(r"\approx", "")).cells
    except (
        Unreadable,
        AssertionError,
        KeyError,
        TypeError,
        IndexError,
        ZeroDivisionError,
        ValueError,
    ):
        return None


def half_units(tex: str, shape: tuple[int, int]) -> np.ndarray:
    """Half a unit of the last digit of each number of a result."""
    body = re.sub(r"\\(begin|end)\{[a-z]+\}|\[6pt\]|\\noalign\{.*?\}", "", tex)
    cells = [cell for line in re.split(r"\\\\", body) for cell in line.split("&")]
    if len(cells) != shape[0] * shape[1]:
        cells = [tex] * (shape[0] * shape[1])
    found = []
    for cell in cells:
        decimals = re.search(r"\d+\.(\d+)", cell)
        power = re.search(r"10\^\{(-?\d+)\}", cell)
        places = len(decimals[1]) if decimals else 0
        exact = "frac" in cell or not decimals
        unit = mpmath.mpf(10) ** -(2 if exact and "frac" in cell else places) / 2
        found.append(unit * mpmath.mpf(10) ** int(power[1] if power else 0))
    return np.array(found, dtype=object).reshape(shape)


def false(markdown: str) -> tuple[list[str], int]:
    """Return the neighbours of which the first does not round to the second, and how many agree."""
    chains = [*equations(markdown)]
    for line in re.findall(r"^\|(.*)\|$", markdown, re.M):
        for inside in re.findall(r"\$([^$]+)\$", line):
            chains.append(re.split(r"=|\\approx", inside))
        cells = line.split("|")
        if len(cells) == 4:  # value, formula, numbers put in, result
            chains.append([cell.strip(" $") for cell in cells[2:]])
    wrong, count = [], 0
    for sides in chains:
        for left, right in pairwise(side for side in sides if side.strip()):
            if not re.search(r"\\cdot|\+|-|\\frac|\\exp|\\sqrt|\^|\\log|\\begin", left):
                continue
            a, b = read(left), read(right)
            if a is None or b is None or a.shape != b.shape:
                continue
            count += 1
            slack = half_units(right, b.shape) * (1 + mpmath.mpf(10) ** -9)
            if not np.all(abs(a - b) <= slack):
                wrong.append(f"{left} is not {right}")
    return wrong, count


def values(name: str) -> dict:
    from derive.language.parse import parse

    program, k, found = parse(PROGRAMS[name]), 0, {}
    for n in program.inputs:
        rows, cols = program.leaves[n].shape.at(program.at(None)).dims
        found[n] = [[f"{(7 * (k := k + 1)) % 23 + 3}/{k % 5 + 4}" for _ in range(cols)]
                    for _ in range(rows)]  # fmt: skip
    return found


@pytest.mark.parametrize("digits", [2, 3, 4, 6])
@pytest.mark.parametrize("name", PROGRAMS)
def test_graphs(name, digits):
    found = graph(PROGRAMS[name], values=values(name), digits=digits)
    wrong, count = false(render_graph(found, "md"))
    assert wrong == [] and count > 3


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", PROGRAMS)
def test_examples(name, seed):
    wrong, count = false(example(PROGRAMS[name], seed=seed).to_markdown())
    assert wrong == [] and count > 1


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_sheets(name, seed):
    wrong, count = false(exercise(PROGRAMS[name], seed=seed, count=8).to_markdown(solutions=True))
    assert wrong == [] and count > 0


@pytest.mark.parametrize("name", FEW)
def test_the_catalogue(name):
    entry = catalogue.load(name)
    assert false(example(entry.program, at=entry.at, assume=entry.assume).to_markdown())[0] == []


def test_the_neuron_of_the_lecture():
    given = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
    page = render_graph(graph(PROGRAMS["neuron"], values=given, digits=2), "md")
    assert r"\frac{1}{1.4}" not in page and r"\frac{1}{1.37}" in page
    assert r"0.20 \cdot 2 \approx 0.39" not in page and r"0.197 \cdot 2 \approx 0.39" in page
    assert false(page.replace("1.37", "1.4"))[0] == [r"\frac{1}{1.4} is not \approx 0.73"]


def test_a_boundary_is_no_endless_search():
    page = render_graph(graph("f = sqrt(x) * sqrt(x)", values={"x": "1/8"}, digits=2), "md")
    assert false(page)[0] == []


CLAIMS = [
    ("f = exp(x) * y", "dx = 2 * exp(x) * y"),
    ("X: (n, d); w: (d, 1); Y = tanh(X @ w)", "dw = X.T @ (dY * tanh(X @ w))"),
    ("X: (n, d); Y = softmax(X)", "dX = dY * Y * (1 - Y)"),
    ("x: (n, 1); L = norm(x)", "dx = x"),
    ("X: (n, d); Y = sqrt(X ** 2 + 1) * exp(X)", "dX = dY * exp(X) * X"),
]


@pytest.mark.parametrize(("program", "claim"), CLAIMS)
def test_counterexamples(program, claim):
    from derive.documents.check import render_check
    from derive.judges.claim import Court

    court = Court(program)
    found = court.judge(claim)
    assert found.verdict == "refuted"
    assert false(render_check(court.case, found, "md"))[0] == []
