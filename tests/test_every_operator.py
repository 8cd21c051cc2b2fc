"""Every operator through every output, and read back where there is a reader."""

from __future__ import annotations

import inspect
import json
import re
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import markup
import mpmath
import numpy as np
import pytest
from programs import OPEN, evaluate, point
from reading import Unreadable
from test_example import Board, disagreeing, equations
from test_exercise import lines as chains, wrong
from test_print_back import Judged, _tight, derived

import derive
from derive.bridges.code import Gradients
from derive.documents.check import render_check
from derive.documents.example import example
from derive.documents.exercise import exercise
from derive.documents.graph import render_graph
from derive.documents.graphs import graph
from derive.expressions.expr import Expr, Op, nodes
from derive.judges.case import Case
from derive.judges.claim import Court
from derive.language.parse import parse, parse_claim
from derive.notation.latex import latex
from derive.notation.mathematics import Notation, Style
from derive.notation.mathml import mathml
from derive.ops import OPS
from derive.ops.reduction import MAX, MIN
from derive.proof.derivation import Explicit, Slice
from derive.readings.numbers import decimal

A, B, S = "A: (n, m)", "A: (n, m); B: (n, m)", "A: (n, n)"
#: Operators that are not written as functions of matrices, and ways to write others.
PROGRAMS = {
    "log": f"{A}; Y = log(A ** 2 + 1)",
    "sqrt": f"{A}; Y = sqrt(A ** 2 + 1)",
    "add": f"{B}; Y = A + B",
    "sub": f"{B}; Y = A - B",
    "neg": f"{A}; Y = -A",
    "mul": f"{B}; Y = A * B",
    "div": f"{B}; Y = A / B",
    "pow": f"{A}; Y = A ** 3",
    "matmul": "A: (n, m); B: (m, k); Y = A @ B",
    "transpose": f"{A}; Y = A.T",
    "gt": f"{B}; Y = A * (A > B)",
    "eq": f"{A}; Y = A * (A == max(A, axis=1))",
    "where": "A: (n, m); B: (n, m); C: (n, m); Y = where(A > 0, B, C)",
    "logdet": f"{S}; Y = logdet(A @ A.T + eye(n))",
    "unvec": f"{A}; Y = unvec(vec(A) ** 2, (n, m))",
    "kron": "A: (n, m); B: (k, p); Y = kron(A, B)",
    "kron_left": "A: (n, m); B: (k, p); Y = kron_left(kron(A, B) ** 2, B)",
    "kron_right": "A: (n, m); B: (k, p); Y = kron_right(kron(A, B) ** 2, A)",
    # what follows an open product or maximum is no part of it
    "product-beside": "A: (n, m); b: (1, m); Y = prod(A, axis=0) * b",
    "maximum-beside": "A: (n, m); b: (1, m); c: (1, m); Y = b * max(A, axis=0) * c",
    "ones": f"{A}; Y = A + ones(n, m)",
    "zeros": f"{A}; Y = A + zeros(n, m)",
    "eye": f"{S}; Y = A @ (A + eye(n))",
    "broadcast_to": "b: (1, m); A: (n, m); Y = broadcast_to(b, (n, m)) * A",
    "dim": f"{A}; Y = A / n",
    "number": f"{A}; Y = 2 * A + 1 / 3",
    "less": f"{B}; Y = A * (A < B)",
    "at-least": f"{B}; Y = A * (A >= B)",
    "at-most": f"{B}; Y = A * (A <= B)",
    "square-root-power": f"{A}; Y = (A ** 2 + 1) ** 0.5",
    "fractional-power": f"{A}; Y = (A ** 2 + 1) ** (3 / 2)",
    "negative-power": f"{A}; Y = A ** -2",
    "power-of-a-function": f"{A}; Y = tanh(A) ** 2",
    "maximum-with-zero": f"{A}; Y = max(A, 0)",
    "maximum-of-a-row": "A: (n, m); b: (1, m); Y = max(A, b) * min(b, A)",
    "where-with-constants": f"{A}; Y = A * where(A > 0, 1, 0.5)",
    "where-of-a-row": "A: (n, m); b: (1, m); Y = where(A > b, b, A)",
    "where-with-a-scalar": f"{A}; Y = where(A > 0, A, c * A)",
    "diagonal-of-a-row": "a: (1, n); Y = diag(a)",
    "norm-of-a-column": "a: (n, 1); Y = norm(a) * a",
    "winner-of-a-column": f"{A}; Y = A * (A == min(A, axis=0))",
    "inverse-transposed": f"{S}; Y = inv(A).T @ A",
    "open": f"{A}; g: entrywise; Y = g(A)",
    "open-derivative": f"{A}; g: entrywise; Y = A * g.diff(A)",
    "scalars": "y = where(a > 0, a * b, max(a, b)) + abs(a) + sqrt(a ** 2 + 1) + sigmoid(a)",
}  # fmt: skip


#: What the documents have no reader for at these names: ones whose number nothing tells.
LEFT = {"var", "cofactors"}


def usual(op: Op, axes: tuple[int, ...] | None) -> str:
    """Return a program that applies an operator in its usual spelling to matrices, or columns."""
    names = "ABC"[: op.arity]
    along = "".join(f", axis={axis}" for axis in op.along(axes))
    for shapes in (("(n, m)",) * 3, ("(n, n)",) * 3, ("(n, 1)", "(m, 1)", "(k, 1)")):
        given = "".join(f"{name}: {shape}; " for name, shape in zip(names, shapes))
        text = f"{given}Y = {op.called}({', '.join(names)}{along})"
        try:
            parse(text)
        except derive.ShapeError:
            continue
        return text
    raise AssertionError(f"{op.name} fits no shapes")


PROGRAMS |= {op.word(axes): usual(op, axes) for op in OPS.values() for axes in op.axes or (None,)
             if op.word(axes) not in {*PROGRAMS, *LEFT}}  # fmt: skip


def test_every_operator_has_a_program():
    used = {node.word for text in PROGRAMS.values()
            for statement in parse(text).statements for node in nodes(statement.expr)}  # fmt: skip
    words = {op.word(axes) for op in OPS.values() for axes in op.axes or (None,)}
    assert words - LEFT == {word for word in used if "()" not in word} - LEFT
    for name, text in PROGRAMS.items():
        assert name not in OPS or any(
            node.name == name for s in parse(text).statements for node in nodes(s.expr)
        )


# -- text ------------------------------------------------------------------------------------------


@cache
def proof(name: str) -> derive.Proof:
    return derive.prove(PROGRAMS[name], detail="brief")


def setting(name: str):
    """The program at a point: NumPy's values of inputs and upstream gradient, as long numbers."""
    program = parse(PROGRAMS[name])
    sizes = program.at(None)
    values = {n: _long(rows) for n, rows in point(program, sizes, seed=1).items()}
    if program.is_loss:
        values[f"d{program.output}"] = np.array([[mpmath.mpf(1)]], dtype=object)
    return program, sizes, values


def _long(rows) -> np.ndarray:
    cells = [[mpmath.mpf(x.numerator) / x.denominator for x in line] for line in rows]
    return np.array(cells, dtype=object)


def slopes(name: str) -> dict[str, np.ndarray]:
    """Central differences of the program as it was written, in NumPy's meaning of its text."""
    program, sizes, values = setting(name)
    text = PROGRAMS[name].rpartition("; Y = ")[2].rpartition("; y = ")[2].removeprefix("y = ")
    upstream = values[f"d{program.output}"]
    step = mpmath.mpf(10) ** -12

    def loss(changed) -> mpmath.mpf:
        return np.sum(evaluate(text, changed, sizes) * upstream)

    found = {}
    for n in program.inputs:
        slope = values[n] * 0
        for place in np.ndindex(values[n].shape):
            up, down = values[n].copy(), values[n].copy()
            up[place] += step
            down[place] -= step
            slope[place] = (loss({**values, n: up}) - loss({**values, n: down})) / (2 * step)
        found[n] = slope
    return found


def near(a: np.ndarray, b: np.ndarray, digits: int = 9) -> bool:
    a = np.broadcast_to(a, b.shape)
    return all(abs(x - y) <= mpmath.mpf(10) ** -digits * (1 + abs(y))
               for x, y in zip(a.flat, b.flat, strict=True))  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_text_is_read_again(name):
    program = parse(PROGRAMS[name])
    for statement in program.statements:
        _, again = parse_claim(
            str(statement), program.leaves, program.dims, functions=program.functions
        )
        assert again is statement.expr, f"{statement} was read as {again}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_printed_gradients_are_slopes(name):
    with mpmath.workdps(50):
        program, sizes, values = setting(name)
        known = dict(values)
        for statement in program.statements:
            known[statement.name] = evaluate(str(statement.expr), known, sizes)
        expected = slopes(name)
        printed = json.loads(json.dumps(proof(name).trace()))["gradients"]
        found = Gradients(proof(name))
        assert printed == found
        for n, formula in found.statements:
            known[n] = evaluate(formula, known, sizes)
        for n, formula in printed.items():
            assert near(evaluate(formula, known, sizes), expected[n]), f"d{n} = {formula}"
            again = Case(program).read(found.claim(n))[1]
            assert found.statements or str(again) == formula
            assert near(evaluate(str(again), known, sizes), expected[n])


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_code_computes_the_slopes(name, library):
    lib = pytest.importorskip(library)
    space: dict = {}
    exec(derive.gradient(PROGRAMS[name], code=library), space)
    with mpmath.workdps(50):
        program, _, values = setting(name)
        given = [*program.inputs, *([] if program.is_loss else [f"d{program.output}"])]
        arrays = [np.array(values[n], dtype=float) for n in given]
        of = {"g": OPEN, "dg": OPEN.diff, "d2g": lambda A: OPEN.diff(A, 2)}
        asked = list(inspect.signature(space["gradients"]).parameters)[len(given) :]
        assert bool(asked) == bool(program.functions)
        found = space["gradients"](
            *(x if library == "numpy" else lib.tensor(x) for x in arrays),
            *(_floats(of[name], lib) for name in asked),
        )
        expected = slopes(name)
        for n, gradient in found.items():
            assert near(np.array(gradient.tolist()), expected[n], 8), n


def _floats(function, lib):
    """A function of arrays of mpmath's numbers, on arrays of a library."""
    make = lib.tensor if hasattr(lib, "tensor") else np.array
    return lambda x: make(np.array(function(_matrix(x)), dtype=float))


def _matrix(x) -> np.ndarray:
    return np.array([[mpmath.mpf(float(c)) for c in line] for line in x.tolist()], dtype=object)


#: Operators that SymPy has no node for, and what is built of them.
NO_SYMPY = {*(op.word(axes) for op in (MAX, MIN) for axes in op.axes), "eq",
            "vec", "unvec", "kron_left", "kron_right", "winner-of-a-column",
            "maximum-beside"}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_sympy_and_back(name):
    from derive.bridges.sympy import from_sympy, to_sympy
    from derive.expressions.errors import UnsupportedError

    if name in NO_SYMPY:
        with pytest.raises(UnsupportedError, match="SymPy has no node for"):
            to_sympy(PROGRAMS[name])
        return
    try:
        text = from_sympy(to_sympy(PROGRAMS[name]))
    except UnsupportedError as error:  # SymPy has it, the language does not: said by name
        assert re.match("SymPy's node (erf|Pi|FunctionMatrix|Sum|Product) is not", error.message)
        return
    with mpmath.workdps(30):
        program, sizes, values = setting(name)
        again = parse(text)
        (last,) = again.statements
        found = evaluate(str(last.expr), values, sizes)
        known = {**values}
        assert near(found, evaluate(str(program.statements[-1].expr), known, sizes)), text


# -- proofs ----------------------------------------------------------------------------------------


#: Of these the entries have letters and indices of their own, the whole matrices are read.
OF_MATRICES = {"inv", "det", "logdet", "norm", "vec", "unvec", "kron", "kron_left", "kron_right"}


class Counted(Judged):
    """A derivation read back, which counts what cannot be read."""

    def __init__(self, name: str, style: Style):
        super().__init__(derived(PROGRAMS[name]), style)
        used = {node.name for s in self.derivation.program.statements for node in nodes(s.expr)}
        self.whole = not used.isdisjoint(OF_MATRICES)
        self.unread: list[str] = []

    def meaning(self, math):
        if self.whole and not isinstance(math, Expr | Explicit):
            return None
        try:
            return super().meaning(math)
        except KeyError:  # the letters of a lemma
            return None

    def printed(self, math, step, room):
        tex = super().printed(math, step, room)
        if not isinstance(math, Slice):
            try:
                self.page.read(tex)
            except Unreadable:
                self.unread.append(tex)
            except AssertionError:
                pass
        return tex


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_printed_is_what_was_proved(name):
    short = Style(base=0, brackets="square", gradients="short")
    style = short if len(name) % 2 else Style()  # other styles of other programs
    judged = Counted(name, style)
    read = judged.compare()
    assert read > 5 and len(judged.unread) <= read / 3, (read, judged.unread)
    page = judged.page
    for n, value in judged.derivation.gradients.items():  # `gradient --latex`
        box = judged.notation.expr(value)
        for tex in (latex(box), markup.tex(mathml(box))):
            try:
                read_back = page.read(tex).cells
            except Unreadable:
                continue
            assert near(read_back, judged.matrix(value)), f"{n}: {tex}"


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_examples_are_true(name):
    found = example(PROGRAMS[name], seed=3, values=_open(name))
    wrong_ones, count = disagreeing(found, found.to_markdown())
    assert wrong_ones == []
    assert count["read"] > 5 and count["unreadable"] <= 2
    assert r"\begin{document}" in found.to_latex()


class Table(Board):
    """The page of a graph: its letters mean the numbers of the trace."""

    def __init__(self, found):
        from derive.pictures.diagram import Writing

        circuit, trace = found.circuit, found.trace
        paper = Writing(circuit, trace.sizes).paper
        self.derivation, self.sizes = paper.derivation, dict(trace.sizes)
        self.notation = Notation(paper.derivation, Style())
        labels = circuit.labels()
        rows = {label: trace.values[k] for k, label in enumerate(labels)}
        rows |= {f"d{label}": trace.gradients[k] for k, label in enumerate(labels)}
        self.values = {n: _exact(cells) for n, cells in rows.items()}
        self.indices = {}
        shapes = {n: leaf.shape for n, leaf in paper.program.leaves.items()}
        self.page = self.conventions(shapes | {f"d{n}": s for n, s in shapes.items()}, Style())
        for n in shapes:
            self.page.matrices[_tight(latex(paper.leaf(f"d{n}")))] = self.values[f"d{n}"]


def _exact(rows) -> np.ndarray:
    return np.array([[mpmath.mpf(decimal(x, 40)) for x in line] for line in rows], dtype=object)


def _open(name: str) -> dict[str, str] | None:
    """What is put for functions that a program leaves open, where there are any."""
    return dict.fromkeys(parse(PROGRAMS[name]).functions, "tanh") or None


@pytest.mark.parametrize("name", PROGRAMS)
def test_graphs_are_true(name):
    found = graph(PROGRAMS[name], values={**_values(name), **(_open(name) or {})})
    text = render_graph(found, "md")
    board, read = Table(found), 0
    rows = [
        [re.sub(r"^\\approx ", "", cell) for cell in re.findall(r"\$([^$]+)\$", line)]
        for line in re.findall(r"^\|(.*)\|$", text.partition("### Backward")[0], re.M)
    ]
    for sides in [*equations(text), *rows]:
        values = []
        for side in sides:
            try:
                values.append((side, *board.near(side.replace(r"\tfrac", r"\frac"))))
                read += 1
            except (Unreadable, AssertionError, KeyError):
                continue
        for (left, a, far), (right, b, wide) in pairwise(values):
            assert a.shape != b.shape or np.all(abs(a - b) <= far + wide), f"{left} is not {right}"
    assert read > 3
    shown = json.loads(json.dumps(found.plain()))
    for form in (found.to_svg(), found.to_tikz(), found.to_mermaid(), json.dumps(shown)):
        assert "{}" not in form.replace("{} ", "") or form is not found.to_svg()


def _values(name: str) -> dict:
    program = parse(PROGRAMS[name])
    found = point(program, program.at(None), seed=1)
    return {n: [[str(Fraction(x)) for x in line] for line in rows] for n, rows in found.items()
            if n in program.leaves}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_sheets_are_true(name):
    at = {"n": 2, "m": 2, "k": 1, "p": 2} if name == "kron" else None
    sheet = exercise(PROGRAMS[name], count=6, seed=3, at=at, values=_open(name))
    for solutions in (False, True):
        for line in chains(sheet.to_markdown(solutions=solutions)):
            assert wrong(line) == []
    assert r"\begin{document}" in sheet.to_latex()


# -- claims ----------------------------------------------------------------------------------------

CLAIM = {
    "md": r"The claim\.?.*?\$\$\n(.*?)\n\$\$",
    "tex": r"The claim\.?.*?\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}",
}


@pytest.mark.parametrize("form", ["md", "tex"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_written_judgements_are_true(name, form):
    found = Gradients(proof(name))
    n, formula = next(iter(found.items()))
    before = found.claim(n).removesuffix(f"d{n} = {formula}")
    claims = {f"{before}d{n} = {formula}": "proved",
              f"{before}d{n} = 2 * ({formula}) + 1": "refuted"}  # fmt: skip
    for claim, verdict in claims.items():
        court = Court(PROGRAMS[name])
        judgement = court.judge(claim)
        text = render_check(court.case, judgement, form)
        assert judgement.verdict == verdict
        judged = Judged(derived(PROGRAMS[name], "brief"), Style())
        shown = re.search(CLAIM[form], text, re.S)[1]
        shown = re.sub(r"\\(?:begin|end)\{aligned\}", "", shown).replace("&=", "=", 1)
        tex = re.sub(r"\\\\\s*&\\quad", " ", shown).partition("=")[2]
        try:
            read = judged.page.read(tex).cells
        except Unreadable:
            continue
        assert near(read, judged.matrix(court.case.read(claim).expr)), tex


# -- the manual ------------------------------------------------------------------------------------


def test_the_manual_has_every_function(capsys):
    from derive.command.cli import main
    from derive.language.scope import FUNCTIONS

    assert main(["list", "--functions"]) == 0
    listed = capsys.readouterr().out.strip()
    named = re.sub(r"\([^)]*\)|^[^:\n]*:|,", " ", listed, flags=re.M).split()
    assert set(named) == set(FUNCTIONS)
    page = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert f"\n{listed}\n" in page and "derive list --functions" in page
