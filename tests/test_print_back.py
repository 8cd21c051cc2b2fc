"""What is printed is what was proved: every side of every step, read back as a number."""

from __future__ import annotations

import re
import zlib
from functools import cache
from itertools import product
from math import inf

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from programs import NUMPY, evaluate, texts
from reading import Page, Unreadable

from derive.calculus.index import Scalar
from derive.expressions.errors import DeriveError
from derive.expressions.expr import Expr, nodes, substitute
from derive.language.parse import parse
from derive.notation.displays import broken, narrowed
from derive.notation.latex import latex
from derive.notation.mathematics import Notation, Style
from derive.ops import OPS, var
from derive.proof.derivation import EntryOf, Explicit, Grid, Slice
from derive.proof.explain import explain
from derive.proof.functions import is_defined

PROGRAMS = [
    "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B",
    "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); T: (n, m); Z = X @ W1 + b1; H = relu(Z); "
    "Y = H @ W2; L = sum((Y - T) ** 2) / (2 * n)",
    "W: (m, n); A: (n, s); b: (m, 1); Z = W @ A + b; P = sigmoid(Z)",
    "X: (n, d); mu = mean(X, axis=1); C = X - mu; v = mean(C ** 2, axis=1); Y = C / sqrt(v + 1/9)",
    "X: (n, d); E = exp(X); Y = E / sum(E, axis=1)",
    "X: (n, d); Y = exp(X) / sum(exp(X), axis=1)",
    "X: (n, d); W: (d, h); V: (h, m); Y = tanh(X @ W) @ V",
    "X: (n, d); w: (d, 1); y: (n, 1); L = sum((X @ w - y) ** 2) / n + lam * sum(w ** 2)",
    "x: (n, 1); A: (n, n); q = x.T @ A @ x",
    "A: (n, m); B: (m, m); t = tr(A @ B @ A.T)",
    "t = x + y; z = t ** 2",
    "z = 3 * x ** 3 - 2 * x ** 2 * y + x * y ** 2 / 5 - 7 * y + 1",
    "f = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))",
    "A: (n, d); B: (n, d); Y = max(A, B) + min(A, 0) * abs(B) - sqrt(A)",
    "A: (n, d); B: (n, d); s: (1, 1); Y = -(A + B) * s / (2 * n) - (-A) / 3 * B",
    "X: (n, n); W: (n, n); Y = X @ W; Z = Y @ X",
    "A: (n, d); B: (n, d); V: (d, m); Y = (A * B) @ V; Z = Y * (A @ (V * V))",
    "A: (n, d); B: (d, n); Y = (A + B.T).T @ (2 * A) - (B @ A) @ (A.T @ B.T) * 3",
    "A: (n, d); B: (n, d); Y = A / (B * B) / (2 / A) - A / B * A",
    "W1: (d, h); X: (n, d); Y = (X @ W1) ** 2 + X @ W1 ** 2 - exp(X @ W1) ** 3",
    "A: (n, d); B: (n, d); C: (n, d); Y = A / B * C - A * (B * C) - A / (B * C) + A * B / C * -1",
    "A: (n, d); c: (1, d); Y = A * (-c) - (A - c) * -2",
    "a: (n, 1); B: (n, m); Y = -(a * B) * (1 - B) / (a + 1) ** 2",
    "A: (n, n); Y = (A + 2 * eye(n)) @ A.T - A",
    "s = a * (b - c) / (d * (e + 1)) - (a - (b - c)) ** 2 / 3 - -a",
    "X: (n, d); g: (1, d); r = sqrt(mean(X ** 2, axis=1) + 1/1000); Y = X / r * g",
    "X: (n, d); w: (d, 1); y: (n, 1); "
    "L = sum(log(1 + exp(-y * (X @ w)))) / n + lam * sum(w ** 2) / 2",
    "hidden: (n, d); W_out: (d, m); Sigma = tanh(hidden @ W_out); Y = alpha * Sigma * hot",
    "X: (n, d); m = mean(X); L = mean((X - m) ** 2)",
    "X: (n, d); Y = 0.1 * X / sqrt(X ** 2 + 2.5e-3) - where(X > 1e-2, X, 0.3 * X) * 1e3",
    "X: (n, d); Y = max(X, axis=1)",
    "X: (n, d); c: (n, 1); Y = min(X + c, axis=0) * c; L = sum(Y ** 2) * max(X)",
    "Z: (n, h); M = max(Z, axis=1); E = exp(Z - M); S = E / sum(E, axis=1)",
    "X: (n, d); W: (d, h); Y = X * (X == max(X, axis=1)) + relu(X); p = min(Y @ W, axis=0)",
    "p: (1, d); q: (1, d); Y = (p - q) ** 2 / (p + q) - (p / q) ** (-3 / 2)",
]  # fmt: skip
STYLES = [Style(), Style(base=0, brackets="square"), Style(gradients="short")]


class Judged:
    """A derivation whose leaves, gradients and partial derivatives have random values."""

    #: How wide lines may be.
    rooms = inf, 60.0, 24.0

    def __init__(self, derivation, style: Style, lemma=None):
        self.derivation, self.style, self.lemma = derivation, style, lemma
        d = derivation
        self.sizes = dict(d.sizes)
        self.notation = Notation(d, style)
        leaves = {n: leaf.shape for n, leaf in d.program.leaves.items()}
        leaves |= {n: meant.of.shape for n, meant in d.names.items()}
        leaves |= {f"d{n}": leaf.shape for n, leaf in d.program.leaves.items()}
        self.values = {n: _random(n, shape.at(self.sizes).dims) for n, shape in leaves.items()}
        self.indices = {
            index: k % 2 for k, index in enumerate((*d.letters.output, *d.letters.variable))
        }
        if lemma is not None:
            self.indices |= {index: k % 2 for k, index in enumerate(lemma.indices)}
        safe = {n: var(f"v{k}", shape) for k, (n, shape) in enumerate(leaves.items())}
        self.safe = {var(n, shape): safe[n] for n, shape in leaves.items()}
        self.arrays = {safe[n].data[0]: self.values[n] for n in leaves}
        self.arrays["exactly"] = lambda x: np.array([[mpmath.mpf(x)]])  # 1 @ A is a product
        self.page = self.conventions(leaves, style)

    def conventions(self, leaves, style: Style) -> Page:
        """Return what each name means; that no two are written alike is a test of its own."""
        notation, d = self.notation, self.derivation
        matrices, letters, gradients, shown = {}, {}, {}, {}
        for name in (*d.program.leaves, *leaves):
            if name not in self.values:  # a page of numbers has no use for the name of a share
                continue
            written = _tight(latex(notation.leaf(name))) if self._has_name(name) else None
            meant = d.names.get(name)
            if written is not None:
                through = (
                    f"|{_tight(latex(notation.names[meant.through]))}"
                    if meant and meant.through
                    else ""
                )
                if through:
                    written = written[len(r"\left.") : written.index(r"\right")] + through
                matrices.setdefault(written, self.values[name])
                shown.setdefault(written, name)
            source = meant.of if meant else d.program.leaves.get(name)
            if source is None or not source.is_var:
                continue
            letter = self._letter(source.data[0])
            if meant is None:
                letters.setdefault(letter, self._entries(name))
            elif notation._is_short(name):
                first = _tight(latex(notation.entry(name, 0, 0)))
                shape = source.shape
                kept = sum(dim != 1 for dim in shape.dims)
                letters.setdefault(first.rpartition("_")[0] if kept else first, self._entries(name))
                matrices.setdefault(first, self.values[name]) if not kept else None
            else:
                through = _tight(latex(notation.names[meant.through])) if meant.through else ""
                gradients.setdefault((letter, through), self._entries(name))
        if r"\delta" not in letters:
            letters[r"\delta"] = lambda i, j: mpmath.mpf(i == j)
        formulas = [side for step in d.steps() for side in (step.left, step.right)
                    if isinstance(side, Expr)]  # fmt: skip
        formulas += [statement.expr for statement in d.program.statements]
        for size in {node.shape.at(self.sizes).rows for side in formulas for node in nodes(side)
                     if node.name == "eye"}:  # fmt: skip
            matrices.setdefault("I", NUMPY["eye"](size))
        return Page(
            matrices=matrices,
            letters=letters,
            numbers={_tight(latex(notation.word_of(dim))): k for dim, k in self.sizes.items()},
            partial=lambda y, i, x, a: _hashed("partial", y, *i, x, *a),
            slice=lambda y, x, a: self.slice(shown[y], (x, *a)),
            gradients=gradients,
            loss=_tight(latex(notation.loss)),
            base=style.base,
            indices=dict(self.indices),
        )

    def _has_name(self, name: str) -> bool:
        return name in self.derivation.names or name in self.derivation.program.leaves

    def _letter(self, name: str) -> str:
        letter, above = self.notation.entry_names[name]
        shape = self.derivation.program.leaves[name].shape
        if above is None:
            return _tight(latex(letter))
        return (
            f"{latex(letter)}_{{{latex(above)}}}"
            if shape.is_scalar
            else f"{latex(letter)}^{{({latex(above)})}}"
        )

    def _entries(self, name: str):
        rows = self.values[name]

        def entry(*index: int):
            if len(index) < 2:
                (k,) = index or (0,)
                index = (0, k) if rows.shape[0] == 1 else (k, 0)
            return rows[index]

        return entry

    # -- what a step means -------------------------------------------------------------------------

    def number(self, term: Scalar, names) -> mpmath.mpf:
        """Return the value of a scalar, by the meaning of its kinds."""
        of = lambda arg: self.number(arg, names)  # noqa: E731
        match term.kind:
            case "num":
                return mpmath.mpf(term.data.numerator) / term.data.denominator
            case "size":
                return mpmath.mpf(self.sizes[term.data])
            case "entry":
                name, *index = term.data
                return self.values[name][tuple(names.get(k, k) for k in index)]
            case "delta":
                return mpmath.mpf(len({names.get(k, k) for k in term.data}) == 1)
            case "le":
                i, j = (names.get(k, k) for k in term.data)
                return mpmath.mpf(i <= j)
            case "inverse" | "det":
                whole = NUMPY[{"inverse": "inv"}.get(term.kind, term.kind)]
                at = tuple(names.get(k, k) for k in term.data[4:]) or (0, 0)
                return np.atleast_2d(whole(self.matrix(term.data[0])))[at]
            case "partial":
                y, x = term.args
                return _hashed("partial", *self._named(y, names), *self._named(x, names))
            case "add":
                return mpmath.fsum(map(of, term.args))
            case "mul":
                return mpmath.fprod(map(of, term.args))
            case "pow":
                e = term.data
                return of(term.args[0]) ** (
                    int(e) if e.denominator == 1 else mpmath.mpf(e.numerator) / e.denominator
                )
            case "fn" if term.data == "eq":
                return mpmath.mpf(of(term.args[0]) == of(term.args[1]))
            case "most":
                word, loops = term.data
                ranges = [range(self.sizes.get(dim, dim)) for _, dim in loops]
                values = (
                    self.number(arg, {**names, **dict(zip([k for k, _ in loops], places))})
                    for arg in term.args
                    for places in product(*ranges)
                )
                return {"max": max, "min": min, "prod": mpmath.fprod}[word](values)
            case "fn" if term.data == "gt":
                return mpmath.mpf(of(term.args[0]) > of(term.args[1]))
            case "fn":
                return NUMPY[term.data](*map(of, term.args))
        index, dim = term.data
        extent = self.sizes.get(dim, dim)
        return mpmath.fsum(self.number(term.args[0], {**names, index: k}) for k in range(extent))

    def _named(self, term: Scalar, names):
        name, *index = term.data
        dims = self.derivation.program.leaves[name].shape.dims
        kept = [names.get(k, k) for k, dim in zip(index, dims, strict=True) if dim != 1]
        return (self._letter(name), *kept)

    def slice(self, name: str, wrt: tuple) -> np.ndarray:
        """Return the partial derivatives of every entry of a variable by one entry."""
        cells = np.empty(self.values[name].shape, dtype=object)
        for place in np.ndindex(*cells.shape):
            of = Scalar("entry", (), (name, *place))
            cells[place] = _hashed("partial", *self._named(of, {}), *wrt)
        return cells

    def matrix(self, expr: Expr) -> np.ndarray:
        text = re.sub(r"\b(\d+)\.T", r"(\1).T", str(substitute(expr, self.safe)))
        found = evaluate(text, self.arrays, self.sizes)
        rows, cols = expr.shape.at(self.sizes).dims
        return np.broadcast_to(found, (rows, cols))

    def meaning(self, math) -> np.ndarray | None:
        match math:
            case Scalar():
                return np.array([[self.number(math, self.indices)]])
            case Expr():
                return self.matrix(math)
            case Explicit(expr):
                return self.matrix(expr)
            case EntryOf(expr, place):
                at = tuple(self.indices.get(k, k) for k in place)
                return np.array([[self.matrix(expr)[at]]])
            case Slice(of, wrt):
                return self.slice(of.data[0], self._named(wrt, self.indices))
            case Grid(tree, (row, col), leaf):
                rows, cols = leaf.shape.at(self.sizes).dims
                return np.array([
                    [self.number(tree, {**self.indices, row: i, col: j}) for j in range(cols)]
                    for i in range(rows)
                ])  # fmt: skip
        return None

    # -- what is printed ---------------------------------------------------------------------------

    def printed(self, math, step, room: float):
        write = self.notation.sized if step.sized else self.notation.math
        box = write(math)
        lines = broken(narrowed(box, room) if room < inf else box, room)
        return " ".join(map(latex, lines))

    def compare(self) -> int:
        """Hold every side of every step against what is printed; return how many were read.

        A lemma is read in letters of its own.
        """
        lemmas = self.derivation.lemmas
        count = sum(Judged(x.derivation, self.style, x).compare() for x in lemmas)
        said = (self.lemma or self.derivation).equations()
        own = (chain for place, chain in said if self.lemma or place[0] != "lemma")
        for step in (step for chain in own for step in chain):
            for side in (step.left, step.right):
                meant = self.meaning(side)
                if meant is None:
                    continue
                for room in self.rooms:
                    tex = self.printed(side, step, room)
                    try:
                        read = self.page.read(tex)
                    except Unreadable:
                        continue
                    except AssertionError as error:
                        raise AssertionError(f"{tex}\n{error}") from error
                    cells = read.cells
                    for axis in (0, 1):
                        if read.free[axis] or read.numeral:
                            cells = np.repeat(cells, meant.shape[axis], axis=axis)
                    assert cells.shape == meant.shape, f"{tex}\nhas shape {cells.shape}"
                    for x, y in zip(cells.flat, meant.flat, strict=True):
                        assert abs(x - y) <= mpmath.mpf(10) ** -9 * (1 + abs(y)), (
                            f"{tex}\nis {x}, not {y}"
                        )
                    count += 1
        return count


@cache
def _random(name: str, dims: tuple[int, int]) -> np.ndarray:
    return np.array([[_hashed(name, i, j) for j in range(dims[1])] for i in range(dims[0])])


def _hashed(*key) -> mpmath.mpf:
    """Return a positive number that depends on the key alone."""
    return mpmath.mpf(zlib.crc32(repr(key).encode()) % 9973 + 1000) / 7919


def _tight(tex: str) -> str:
    return tex.replace(r"\ ", "").replace(r"\,", "").replace(" ", "")


def derived(text: str, detail: str = "full"):
    program = parse(text)
    used = program.reaching()
    return explain(program, wrt=tuple(n for n in program.inputs if n in used), detail=detail)


CASES = [(text, STYLES[0]) for text in PROGRAMS]
CASES += [(text, style) for text in PROGRAMS[:4] for style in STYLES[1:]]
#: What a lecture says in lemmas: functions, operators of whole matrices, kinds of statements.
LEMMAS = [
    *(f"X: (n, d); Y = {name}(X)" for name, op in OPS.items() if is_defined(op)),
    "X: (n, d); Y = softmax(X); T: (n, d); L = -sum(T * logsoftmax(X)) + sum(logsumexp(X) * Y)",
    "X: (n, d); W: (d, m); B: (1, m); Z = X @ W + B; H = tanh(Z); V: (m, k); Y = H @ V",
    "A: (n, n); Y = inv(A)",
    "A: (n, n); f = det(A)",
    "A: (n, n); f = logdet(A) + norm(A)",
    "g: entrywise; A: (n, d); Y = g(A)",
]
CASES = [(text, style, "full") for text, style in CASES]
CASES += [(text, style, "lecture") for text in LEMMAS for style in STYLES[:2]]


@pytest.mark.parametrize(("text", "style", "detail"), CASES)
def test_what_is_printed_is_what_was_proved(text, style, detail):
    assert Judged(derived(text, detail), style).compare() > 5


class Doubled(Judged):
    """Of a lemma's claim twice its right side is printed."""

    def printed(self, math, step, room: float):
        written = super().printed(math, step, room)
        doubled = math is self.lemma.claim[0].right
        return rf"2 \cdot \left({written}\right)" if doubled else written


@pytest.mark.parametrize("text", LEMMAS)
def test_a_claim_of_a_lemma_that_is_not_what_is_printed_is_seen(text):
    for lemma in derived(text, "lecture").lemmas:
        with pytest.raises(AssertionError, match=r"is .+, not"):
            Doubled(lemma.derivation, STYLES[0], lemma).compare()


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(texts(depth=2, statements=1))
def test_random_programs_are_printed_as_they_are(text):
    try:
        judged = Judged(derived(text, "brief"), Style())
    except DeriveError:  # refused, and nothing is written
        reject()
    judged.compare()
