"""Worked examples: every printed line read back, every number found another way."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest
from documents import numbered
from hypothesis import HealthCheck, given, settings
from programs import FEW, matrix, run, texts
from reading import Unreadable
from test_print_back import Judged

import derive
from derive.command.cli import main
from derive.documents.example import Example, example
from derive.documents.worked import _PutIn
from derive.expressions.errors import ProofError, ShapeError, UnsupportedError
from derive.language.parse import parse
from derive.notation.arithmetic import Term, Work
from derive.notation.mathematics import Notation, Style
from derive.readings.numbers import DomainError, decimal, is_exact

NETWORK = (
    "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); T: (n, m); Z = X @ W1 + b1; H = relu(Z); "
    "Y = H @ W2; L = sum((Y - T) ** 2) / (2 * n)"
)
PROGRAMS = {
    "affine": ("X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B", {"n": 2, "d": 2, "m": 3}),
    "network": (NETWORK, {"n": 2, "d": 2, "h": 3, "m": 2}),
    "softmax": ("X: (n, d); W: (d, m); Z = X @ W; P = softmax(Z)", {}),
    "cross-entropy": ("Z: (n, m); T: (n, m); L = -sum(T * logsoftmax(Z)) / n", {}),
    "attention": ("Q: (n, d); K: (m, d); V: (m, p); A = softmax(Q @ K.T / 2); Y = A @ V", {}),
    "layer-norm": ("X: (n, d); g: (1, d); C = X - mean(X, axis=1); v = mean(C ** 2, axis=1); "
                   "Y = C / sqrt(v + 1) * g", {}),
    "inverse": ("A: (n, n); Y = inv(A)", {"n": 3}),
    "logdet": ("A: (n, n); f = logdet(A)", {}),
    "gauss": ("A: (n, n); x: (n, 1); f = logdet(A) + x.T @ inv(A) @ x", {}),
    "scalars": ("q = x + y; f = q * z", {}),
    "neuron": ("f = 1 / (1 + exp(-(w * x + b)))", {}),
    "roots": ("f = sqrt(x) * log(y) / z", {}),
    "winners": ("X: (n, d); C: (n, d); Y = max(max(X, C), axis=1); f = sum(Y ** 2)", {}),
    "powers": ("X: (n, d); Y = tanh(X) ** 2 / abs(X)", {}),
    "signs": ("A: (n, d); B: (n, d); c: (); Y = -(A - c) * B / (1 + B ** 2)", {}),
    "large": (NETWORK, {"n": 5, "d": 9, "h": 8, "m": 7}),
}  # fmt: skip


def made(name: str, **options) -> Example:
    text, at = PROGRAMS[name]
    return example(text, at=at, **options)


# -- what is printed, read back --------------------------------------------------------------------


class Board(Judged):
    """The page of an example: its letters mean the numbers of the trace."""

    def __init__(self, found: Example):
        self.derivation, self.sizes = found.derivation, dict(found.sizes)
        self.notation = Notation(found.derivation, found.style)
        leaves = found.trace.circuit.program.leaves
        names = [*leaves, *(f"d{name}" for name in leaves)]
        shapes = {name: leaf.shape for name, leaf in found.program.leaves.items()}
        shapes |= {f"d{name}": shape for name, shape in shapes.items()}
        self.values = {
            name: np.array([[mpmath.mpf(decimal(x, 40)) if not is_exact(x)
                             else mpmath.mpf(int(x.p)) / int(x.q) for x in row]
                            for row in found.trace.rows(name)], dtype=object)
            for name in names
        }  # fmt: skip
        self.indices = {}
        self.page = self.conventions(shapes, found.style)

    def near(self, tex: str) -> tuple[np.ndarray, np.ndarray]:
        """Return what a side comes to, and how far its roundings can move it."""
        self.page.numeral = mpmath.mpf
        value = self.page.read(tex).cells
        spread = value * 0
        if "." in tex:
            for seed in range(12):
                draw = random.Random(seed)

                def nudged(token: str, draw=draw) -> mpmath.mpf:
                    whole, _, places = token.partition(".")
                    # among rounded numbers a long one may be rounded to a whole one
                    some = places or len(whole) > 4
                    half = mpmath.mpf(10) ** -len(places) / 2 if some else 0
                    return mpmath.mpf(token) + half * draw.choice((-1, 1))

                self.page.numeral = nudged
                spread = np.maximum(spread, abs(self.page.read(tex).cells - value))
        return value, 3 * spread + mpmath.mpf(10) ** -12 * (1 + abs(value))


def equations(markdown: str) -> list[list[str]]:
    """Return the sides of every equation that a document displays, in order."""
    found: list[list[str]] = []
    for display in re.findall(r"^\$\$\n(.*?)\n\$\$$", markdown, re.M | re.S):
        text = re.sub(r"\\(begin|end)\{(aligned|gathered)\}", "", display)
        depth, lines, line = 0, [], ""
        for token in re.findall(r"\\begin|\\end|\\\\(?:\[\d+pt\])?|\\qquad|.|\n", text):
            depth += {r"\begin": 1, r"\end": -1}.get(token, 0)
            if depth == 0 and (token.startswith(r"\\") or token == r"\qquad"):
                lines.append(line)
                line = ""
            else:
                line += token
        chain: list[str] = []
        for raw in [*lines, line]:
            plain = re.sub(r"^\s*&\s*\\quad\s*\{\}", r"\\continued ", raw).strip(" \n,")
            sides = [side.strip(" &\n") for side in split(plain)]
            if sides[0].startswith(r"\continued"):
                chain[-1] += " " + sides[0].removeprefix(r"\continued ")
                chain += sides[1:]
            elif sides[0] == "" and chain:
                chain += sides[1:]
            else:
                chain = sides
                found.append(chain)
    return found


def split(line: str) -> list[str]:
    """Split a line at its signs of equality, those in brackets left alone."""
    parts, depth, part = [], 0, ""
    for token in re.findall(r"\\begin|\\end|\\approx|\\[A-Za-z]+|\\.|.|\n", line):
        depth += {r"\begin": 1, r"\end": -1, "{": 1, "}": -1, "[": 1, "]": -1}.get(token, 0)
        if depth == 0 and token in ("=", r"\approx"):
            parts.append(part)
            part = ""
        else:
            part += token
    return [*parts, part]


def disagreeing(found: Example, markdown: str) -> tuple[list[str], Counter[str]]:
    """Return the equations of a document whose sides differ, and how many sides were read."""
    board, wrong, count = Board(found), [], Counter()
    for sides in equations(markdown):
        values = []
        for side in sides:
            if "dots" in side or not side:
                count["dots"] += 1
                continue
            try:
                values.append((side, *board.near(side)))
                count["read"] += 1
            except Unreadable:
                count["unreadable"] += 1
        for (left, a, far), (right, b, wide) in pairwise(values):
            stretches = r"\mathbf{" in left + right  # as many ones or zeros as are asked for
            if (a.shape != b.shape and not stretches) or not np.all(abs(a - b) <= far + wide):
                wrong.append(f"{left} against {right}")
    return wrong, count


STYLES = {"plain": Style(elide=6), "square": Style(base=0, brackets="square"),
          "short": Style(gradients="short")}  # fmt: skip


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_equation_of_the_page_is_true(name, style):
    found = made(name, style=style)
    wrong, count = disagreeing(found, found.to_markdown())
    assert wrong == []
    assert count["read"] > 10 and count["unreadable"] <= count["read"] // 20


@pytest.mark.parametrize("name", ["affine", "network", "softmax", "inverse"])
def test_a_changed_digit_is_seen(name):
    found = made(name)
    page = found.to_markdown()
    places = [
        m.start(1)
        for m in re.finditer(r"(?:=|approx) -?(\d)[\d.]*(?: \\\\(?:\[\d+pt\])?)?$", page, re.M)
    ]
    draw = random.Random(0)
    assert len(places) > 12
    for place in draw.sample(places, 12):
        changed = page[:place] + str(int(page[place]) % 9 + 1) + page[place + 1 :]
        assert disagreeing(found, changed)[0], page[place - 60 : place + 20]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts(depth=2))
def test_a_random_program_is_worked_out_truly(text):
    program = parse(text)
    wrt = [name for name in program.inputs if name in program.reaching()]
    found = example(text, wrt=wrt, seed=2)
    page = found.to_markdown()
    assert page == example(text, wrt=wrt, seed=2).to_markdown()
    assert disagreeing(found, page)[0] == []
    assert r"\begin{document}" in found.to_latex()


@pytest.mark.parametrize("name", FEW)
def test_an_entry_of_the_catalogue_is_worked_out(name):
    entry = numbered(name)
    found = example(entry.program, at=entry.at, assume=entry.assume)
    assert disagreeing(found, found.to_markdown())[0] == []
    assert set(found.gradients) == set(found.trace.circuit.program.leaves)


# -- the numbers, found another way ----------------------------------------------------------------


TORCH = ("softmax", "cross-entropy", "attention", "inverse", "logdet", "gauss")


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in TORCH])
def test_numbers_are_those_of_numpy_and_of_central_differences(name):
    found = made(name)
    program, sizes = found.program, dict(found.sizes)
    with mpmath.workdps(50):
        inputs = {n: matrix([[Fraction(int(x.p), int(x.q)) for x in row]
                             for row in found.trace.rows(n)])
                  for n in program.inputs}  # fmt: skip
        upstream = np.array([[mpmath.mpf(decimal(x, 40)) for x in row]
                             for row in found.trace.rows(f"d{program.output}")])  # fmt: skip

        def loss(values) -> mpmath.mpf:
            return np.sum(run(program, values, sizes)[str(program.output)] * upstream)

        forward = run(program, inputs, sizes)
        for n, rows in found.forward.items():
            ours = np.atleast_2d(np.array(rows, dtype=object))
            for x, y in zip(ours.flat, np.array(forward[n]).flat, strict=True):
                assert mpmath.almosteq(mpmath.mpf(x.decimal), y, 1e-14, 1e-14)
        h = mpmath.mpf(10) ** -20
        for n in program.inputs:
            for i, j in list(np.ndindex(inputs[n].shape))[:4]:
                up, down = inputs[n].copy(), inputs[n].copy()
                up[i, j] += h
                down[i, j] -= h
                slope = (loss({**inputs, n: up}) - loss({**inputs, n: down})) / (2 * h)
                gradient = np.atleast_2d(np.array(found.gradients[n], dtype=object))[i, j]
                assert mpmath.almosteq(mpmath.mpf(gradient.decimal), slope, 1e-12, 1e-12)


def test_numbers_are_those_of_torch():
    torch = pytest.importorskip("torch")
    functions = {"softmax": lambda z: torch.softmax(z, dim=1), "inv": torch.linalg.inv,
                 "logdet": lambda a: torch.logdet(a).reshape(1, 1),
                 "logsoftmax": lambda z: torch.log_softmax(z, dim=1),
                 "sum": lambda a: a.sum().reshape(1, 1)}  # fmt: skip
    for name in TORCH:
        found = made(name)
        known = {n: torch.tensor([[float(x) for x in row] for row in found.forward[n]],
                                 dtype=torch.float64, requires_grad=True)
                 for n in found.program.inputs}  # fmt: skip
        inputs = dict(known)
        for statement in found.program.statements:
            text = str(statement.expr).replace("@", "@")
            known[statement.name] = eval(text, {**functions, **found.sizes, **known})
        output = str(found.program.output)
        weights = found.gradients[output]
        weights = [[1.0]] if found.program.is_loss else [[float(x) for x in r] for r in weights]
        (known[output] * torch.tensor(weights, dtype=torch.float64)).sum().backward()
        for n, tensor in inputs.items():
            ours = np.array([[float(x) for x in row] for row in found.gradients[n]])
            assert np.allclose(ours, tensor.grad.numpy(), rtol=1e-12, atol=1e-12), (name, n)


def test_the_affine_layer_by_hand():
    found = derive.example(
        "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B",
        values={
            "X": [[1, 0], [2, -1]],
            "W": [[1, 2, 3], [0, -1, 1]],
            "B": [[1, 1, 1]],
            "dY": [[1, 0, 3], [2, -1, 0]],
        },
    )
    assert found.forward["Y"] == [[2, 3, 4], [3, 6, 6]]
    assert found.gradients["X"] == [[10, 3], [0, 1]]
    assert found.gradients["W"] == [[5, -2, 3], [-2, 1, 0]]
    assert found.gradients["B"] == [[3, -1, 3]]
    page = found.to_markdown()
    assert r"= 1 \cdot 1 + 0 \cdot 2 + 3 \cdot 3 = 10" in page
    assert r"y_{11} = x_{11}w_{11} + x_{12}w_{21} + b_{1} = 1 \cdot 1 + 0 \cdot 0 + 1 = 2" in page


# -- words and limits ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values", "said"),
    [
        ("f = relu(x) * y", "x=0, y=2", "Here $x = 0$: relu has its kink there"),
        ("f = abs(x)", "x=0", "absolute value has its kink"),
        ("f = max(x, y)", "x=2, y=2", "Here $x = y$: a tie, and by convention each of the two"),
        ("X: (2, 2); f = sum(max(X, axis=1))", "X=[[1,1],[2,1]]", "several entries are equally"),
        ("X: (2, 2); Y = X; f = sum(X) + sum(Y)", "X=[[1,2],[3,4]]", "add up"),
        ("f = exp(x)", "x=1", r"The sign $\approx$ stands before rounded numbers"),
        ("f = x * y", "x=1, y=2", "so the way back begins with"),
        ("X: (2, 1); Y = 2 * X", "X=[1, 2]", "The loss $L$ is some differentiable function"),
    ],
)
def test_what_the_page_says(text, values, said):
    assert said in example(text, values=values).to_markdown()


def test_a_tie_shares_the_gradient_and_no_formula_is_shown():
    found = example("f = 3 * max(x, y)", values="x=2, y=2")
    assert found.gradients["x"] == Fraction(3, 2) and "x" not in found.formulas
    assert r"\frac{\partial f}{\partial x} = \frac{3}{2}" in found.to_markdown()
    assert "Central differences look at both sides" in found.to_markdown()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("f = sqrt(x)", "x=0.0005"),  # a step down leaves where it is defined
        ("f = y * log(x)", "x=1/2000, y=1"),
        ("y = (x ** 1000) ** 1000", "x=3"),  # nowhere near with a step of 1/1000
        ("y = ((((x ** 1000) ** 1000) ** 1000) ** 1000)", "x=3"),
    ],
)
def test_differences_with_a_step_that_is_too_long_are_not_shown(text, values):
    page = example(text, values=values).to_markdown()
    assert "The change divided by" not in page and "both sides agree to" in page


def test_decimals_that_were_given_stay_decimals():
    page = example("total = price * tax", values="price=100, tax=1.1").to_markdown()
    assert r"100 \cdot 1.1 = 110" in page and r"\frac{11}{10}" not in page
    page = example("total = price * tax", values="price=100, tax=11/10").to_markdown()
    assert r"100 \cdot \frac{11}{10} = 110" in page


def test_long_sums_and_large_matrices_have_dots():
    found = made("large")
    page = found.to_markdown()
    assert r"+ \cdots +" in page and r"\ddots" in page
    assert len(page) < 3 * len(made("network").to_markdown())
    assert r"\cdots" not in made("network").to_markdown()


def test_the_cost_is_that_of_what_is_printed():
    """Ten times as many entries make a document that is hardly longer."""
    text = "X: (n, d); W: (d, m); Y = X @ W"
    small, large = (example(text, at={"n": k, "d": k, "m": k}).to_markdown() for k in (8, 24))
    assert len(large) < 1.5 * len(small)


# -- mistakes are not printed ----------------------------------------------------------------------


def test_a_lost_term_is_not_printed(monkeypatch):
    found = made("affine")
    whole = Work.sum
    monkeypatch.setattr(Work, "sum", lambda self, dim, body: whole(self, 1, body))
    with pytest.raises(ProofError, match="does not come to its numbers"):
        found.to_markdown()


def test_a_wrong_sign_is_not_printed(monkeypatch):
    found = made("signs")
    monkeypatch.setattr(Term, "__sub__", lambda self, other: self + other)
    with pytest.raises(ProofError, match="does not come to its numbers"):
        found.to_markdown()


def test_a_lost_bracket_is_not_printed(monkeypatch):
    found = made("affine")
    monkeypatch.setattr("derive.notation.arithmetic.paren", lambda box, kind="round": box)
    page = found.to_markdown()
    assert r"\cdot -" not in page  # arithmetic that cannot be read is left out


def test_a_wrong_matrix_is_not_printed(monkeypatch):
    found = made("attention")
    leaf = _PutIn.leaf

    def shifted(self, name):
        box = leaf(self, name)
        return type(box)(box.kind, box.parts[::-1], box.text)

    monkeypatch.setattr(_PutIn, "leaf", shifted)
    with pytest.raises(ProofError, match="matrices put in does not come to its numbers"):
        found.to_markdown()


def test_a_wrong_formula_is_not_returned(monkeypatch):
    import derive.documents.example as worked

    honest = worked.explain

    def doubled(*args, **options):
        derivation = honest(*args, **options)
        for name, formula in derivation.backward.items():
            derivation.backward[name] = 2 * formula
        return derivation

    monkeypatch.setattr(worked, "explain", doubled)
    with pytest.raises(ProofError, match="does not come to the gradient"):
        made("affine")


def test_a_changed_number_of_the_trace_is_not_printed():
    found = made("affine")
    place = found.trace.circuit.output.place
    found.trace.values[place][0][0] += 1
    with pytest.raises(ProofError):
        found.to_markdown()


TRACE = "A: (n, n); f = tr(A)"
DOT = "x: (1, d); w: (d, 1); y = x @ w"

# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "error", "said"),
    [
        ("f = x * y", {"values": "x=1"}, UnsupportedError, "y has no value"),
        ("f = x * y", {"values": "x=1, y=2, z=3"}, UnsupportedError, "there is no input z"),
        ("q = x + y; f = q", {"values": "x=1, y=2, q=3"}, UnsupportedError, "takes no value"),
        ("X: (2, 3); Y = 2 * X", {"values": {"X": [[1, 2], [3, 4]]}}, ShapeError, "2 columns"),
        (DOT, {"values": "x=[[1,2]], w=[1,2,3]"}, ShapeError, "3 rows"),
        ("X: (n, 2); Y = 2 * X", {"values": "X=[[1,2]]", "at": {"n": 2}}, ShapeError, "1 row"),
        ("f = x", {"values": "x=nan"}, UnsupportedError, "a finite number is expected"),
        ("f = x", {"values": {"x": float("inf")}}, UnsupportedError, "x is inf"),
        ("f = x", {"values": "x=two"}, UnsupportedError, "a number is expected"),
        ("f = log(x - y)", {"values": "x=1, y=3"}, DomainError, "does not exist at x - y = -2"),
        ("f = x / (y - 3)", {"values": "x=1, y=3"}, DomainError, "y - 3 = 0: division by zero"),
        ("A: (2, 2); Y = inv(A)", {"values": "A=[[1,2],[2,4]]"}, DomainError, "inv(A) does not"),
        ("f = x * y", {"wrt": ["z"]}, UnsupportedError, "there is no variable z"),
        ("f = x; g = y", {}, UnsupportedError, "does not depend on x"),
        ("X: (n, d); f = sum(log(-(X ** 2)))", {}, UnsupportedError, "no numbers were found"),
        (TRACE, {"assume": {"A": "round"}}, UnsupportedError, "there is no assumption round"),
        (TRACE, {"values": "A=[[1,2],[3,4]]", "assume": {"A": "spd"}}, UnsupportedError, "not spd"),
        ("X: (n, d); Y = 2 * X", {"at": {"k": 2}}, UnsupportedError, "no dimension k"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_a_reason(text, options, error, said):
    with pytest.raises(error) as caught:
        example(text, **options)
    assert said in str(caught.value)


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_command_writes_and_reports(capsys):
    assert main(["example", "affine"]) == 0
    names = ["affine-2x2x3-example.md", "affine-2x2x3-example.tex"]
    assert sorted(path.name for path in Path("output").iterdir()) == names
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("X = [[") and "dL/dX" in lines[0]
    assert lines[-2:] == [f"wrote output/{name}" for name in names]


def test_the_seed_decides(capsys):
    pages = []
    for arguments in (["--seed", "1"], [], ["--seed", "2"], ["--seed", "-2"]):
        assert main(["example", "affine", "-o", "-", *arguments]) == 0
        pages.append(capsys.readouterr().out)
    assert pages[0] == pages[1] and len(set(pages)) == 3
    assert main(["example", "affine", "--seed", "2", "-f", "md"]) == 0
    assert Path("output/affine-2x2x3-example-2.md").exists()


def test_the_numbers_as_json(capsys):
    assert main(["example", "f = 1 / x", "--values", "x=3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["forward"]["f"] == {"exact": "1/3", "decimal": "0.33333333333333333"}
    assert found["gradients"]["x"]["exact"] == "-1/9" and found["seed"] is None
    assert not Path("output").exists()
    assert main(["example", "affine", "--json", "-o", "there", "-f", "md"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["forward"]["Y"]) == 2 and found["formulas"]["W"] == "X.T @ dY"
    assert [path.suffix for path in Path("there").iterdir()] == [".md"]


def test_values_of_a_file_and_the_upstream_gradient(capsys):
    Path("v.json").write_text('{"X": [[1, 2]], "dY": [[3, 5]]}', "utf-8")
    assert main(["example", "X: (n, d); Y = 2 * X", "--values", "v.json", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [x["exact"] for x in found["gradients"]["X"][0]] == ["6", "10"]


def test_style_fragment_and_templates(capsys):
    Path("mine/markdown").mkdir(parents=True)
    Path("mine/markdown/heading.md").write_text(
        "<% if b.level == 1 %># Sheet 3\n"
        '<% else %><% include "derive/markdown/heading.md" %><% endif %>'
    )
    assert main(["example", "affine", "-o", "-", "--templates", "mine"]) == 0
    assert capsys.readouterr().out.startswith("# Sheet 3\n")
    style = ["--brackets", "square", "--first", "0", "--gradients", "short", "--loss", "J"]
    assert main(["example", "affine", "-o", "-", "-f", "tex", "--fragment", *style]) == 0
    out = capsys.readouterr().out
    assert "documentclass" not in out and "bmatrix" in out and "y_{00}" in out and "g_{00}" in out
    assert "The loss $J$" in out


def test_the_catalogue_brings_what_it_assumes(capsys):
    assert main(["example", "softmax-cross-entropy", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["forward"]["T"]
    assert all(sorted(x["exact"] for x in row) == ["0", "0", "1"] for row in rows)
    assert main(["example", "A: (n, n); f = tr(A)", "--assume", "A=symmetric", "--json"]) == 0
    (a, b), (c, _) = json.loads(capsys.readouterr().out)["forward"]["A"]
    assert b == c and a != b


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["affine", "-f", "docx"], "there is no format docx"),
        (["affine", "-o", "-", "-f", "md,tex"], "standard output takes one format"),
        (["affine", "--values", "X=[[1,2],[3,4]]"], "W and B have no value"),
        (["affine", "--loss", "a b"], "no name for a loss"),
        (["affine", "--assume", "X"], "an assumption is written"),
        (["affine", "--templates", "nowhere"], "no folder of templates"),
        (["affine", "--seed", "one"], "one"),
        (["affin"], "did you mean affine?"),
        (["f = log(x)", "--values", "x=-1"], "f = log(x) does not exist at x = -1"),
    ],
)
def test_the_command_refuses(arguments, said, capsys):
    assert main(["example", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not Path("output").exists()
