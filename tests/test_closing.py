"""The closing box: its code runs, its shapes fit, its mistake is one, its cost is right."""

from __future__ import annotations

import re
from itertools import permutations, product

import mpmath
import numpy as np
import pytest
from programs import evaluate
from stumbling import trivial

import derive
from derive.catalogue import load, names, opened
from derive.documents.closing import Closing, _factors
from derive.documents.setting import Setting
from derive.judges.usual import usual
from derive.language.parse import parse
from derive.notation.mathematics import Style
from derive.ops import OPS
from derive.proof.explain import explain

AFFINE = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
#: A program, the mistake that is told of it and the dimensions at which its shapes fit.
MISTAKES = [
    (AFFINE, "transpose-missing", "dX = dY @ W", ("d", "m")),
    ("X: (n, d); Y = relu(X)", "factor-missing", "dX = dY", ()),
    ("X: (n, d); W: (d, m); Z = X @ W; H = sigmoid(Z)", "step-skipped", "dX = dH @ W.T", ()),
    ("q = x + y; f = q * z", "upstream-missing", None, ()),
    ("price: (); number: (); tax: (); total = price * number * tax", "not-switched", None, ()),
]  # fmt: skip
#: A program, and what both passes cost.
COSTS = [
    (AFFINE, "forward $ndm$, backward $2ndm$, twice as many"),
    ("X: (n, d); Y = X * X", "forward $nd$, backward"),
    ("A: (n, n); Y = inv(A)", "an inverse or a determinant is, as elimination finds it"),
    ("X: (2, 3); W: (3, 4); Y = X @ W", "forward $24$, backward $48$, twice as many"),
    ("X: (n, d); W: (d, m); Y = exp(X @ W)", "terms of lower degree left out"),
]  # fmt: skip


def box(program: str, detail: str = "brief", form: str = "md") -> str:
    page = derive.prove(program, detail=detail).render(form)
    return page[page.index("To remember") : page.index("What was checked")]


@pytest.mark.parametrize(("program", "kind", "claim", "equal"), MISTAKES)
def test_the_mistake_that_is_told(program, kind, claim, equal):
    found = usual(explain(parse(program), detail="brief"))
    assert found is not None and found.mistake.kind == kind and found.equal == equal
    if claim is not None:
        assert f"d{found.name} = {found.mistake.formula}" == claim


#: The catalogue, without what is about every number of layers.
ENTRIES = [name for name in names() if not (load(name).recursion and load(name).recursion.every)]


@pytest.mark.parametrize("name", [*ENTRIES, *(program for program, *_ in MISTAKES)])
def test_what_is_told_as_a_mistake_is_refuted(name):
    """By the judges of claims, and by NumPy: the values say what both formulas come to."""
    program, _ = opened(name)
    found = usual(explain(program, detail="brief"))
    assert found is not None
    (judgement,) = derive.check(program, f"d{found.name} = {found.mistake.formula}")
    assert judgement.verdict == "refuted", judgement
    values = {n: exact(rows) for n, rows in found.values.items()}
    for formula, rows in ((found.truth, found.expected), (found.mistake.formula, found.claimed)):
        told = evaluate(str(formula), values, found.sizes)
        assert np.allclose(told.astype(float), exact(rows).astype(float))
    assert not np.allclose(exact(found.expected).astype(float), exact(found.claimed).astype(float))


def exact(rows) -> np.ndarray:
    """Rows of fractions, or of rigorous intervals, as mpmath's numbers."""
    return np.array([[mpmath.mpf(float(x)) for x in line] for line in rows])


@pytest.mark.parametrize(("program", "said"), COSTS)
def test_the_cost(program, said):
    assert said in box(program)


@pytest.mark.parametrize("form", ["md", "tex"])
def test_every_detail_has_the_box_once(form):
    for detail in ("full", "one", "brief"):
        page = derive.prove(AFFINE, detail=detail).render(form)
        assert page.count("To remember") == 1


def test_the_code_runs():
    text = box("X: (n, d); W: (d, m); T: (n, m); Z = X @ W; L = -sum(T * logsoftmax(Z)) / n")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    rng = np.random.default_rng(7)
    X, W, T = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=(4, 5))
    scope = {"np": np, "X": X, "W": W, "T": T, "Z": X @ W, "n": 4, "d": 3, "m": 5}
    exec(code, scope)

    def loss(W):
        Z = X @ W
        Z = Z - Z.max(axis=1, keepdims=True)
        return -(T * (Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))).sum() / 4

    step = 1e-6
    for i, j in product(range(3), range(5)):
        nudge = np.zeros_like(W)
        nudge[i, j] = step
        slope = (loss(W + nudge) - loss(W - nudge)) / (2 * step)
        assert abs(slope - scope["dW"][i, j]) < 1e-6


#: Formulas over shapes, and whether their factors fit in one order alone.
ORDERS = [
    (AFFINE, "W", True), (AFFINE, "X", True), (AFFINE, "B", True),
    ("X: (n, n); W: (n, n); Y = X @ W", "W", False),
    ("X: (n, d); Y = X * X", "X", False),
]  # fmt: skip


@pytest.mark.parametrize(("program", "name", "only"), ORDERS)
def test_the_only_order_in_which_factors_fit(program, name, only):
    derivation = explain(parse(program), detail="brief")
    found = Closing(Setting(derivation, Style()))
    value = derivation.backward[name]
    assert found.is_only_order(value) == only
    if only:
        sizes = {"n": 2, "d": 3, "m": 5}
        factors = [np.zeros(f.shape.extents(sizes)) for f in _factors(value)]
        fits = set()
        for order in permutations(factors):
            for one, two in product(*((x, x.T) for x in order)):
                try:
                    whole = one @ two
                except ValueError:
                    continue
                if whole.shape == value.shape.extents(sizes):
                    fits.add((one.shape, two.shape))
        assert len(fits) == 1


def test_a_mistake_that_is_none_is_not_told(monkeypatch):
    """A formula that is the gradient written otherwise is never offered."""
    from derive.judges import usual as room
    from derive.judges.slips import Mistake

    def same(truth, sizes, **_):
        return [Mistake("transpose-missing", OPS["add"](truth, truth) / 2, ())]

    monkeypatch.setattr(room, "mistakes", same)
    assert usual(explain(parse(AFFINE), detail="brief")) is None


def test_what_does_not_fit_a_line_is_left_to_the_code():
    text = box(
        "X: (n, d); c: (1, d); Y = where(relu(X) > c, relu(X) * X, cumsum(X * relu(X), axis=1))"
    )
    assert (
        "dX" in text
        and "usual mistake" not in text
        and r"\frac{\partial L}{\partial X} =" not in text
    )


@pytest.mark.parametrize(
    "program", ["y = 2 * z", "X: (n, d); Y = 2 * X", "y = x + z", *ENTRIES[:6]]
)
def test_no_line_of_the_box_says_nothing(program):
    assert trivial(box(program)) == []


def test_a_line_that_says_nothing_is_seen():
    text = "*A usual mistake* $$2 = 2, \\qquad\n-2 \\approx -2.0$$ $$x = 3, \\qquad x = 3$$"
    assert trivial(text) == ["2 = 2", "x = 3"]


#: Programs whose values have no end, and how near to 0 or 1 one comes that is shown.
SATURATING = {
    "tanh": 0.1, "sigmoid": 0.1, "softmax": 0.1, "columns": 0.1, "rnn-step": 0.1,
    "X: (n, d); W: (d, m); b: (1, m); H = tanh(X @ W + b)": 0.1,
    "X: (n, d); W: (d, m); V: (m, k); Y = sigmoid(tanh(X @ W) @ V)": 0.1,
}  # fmt: skip


@pytest.mark.parametrize("program", SATURATING)
def test_the_numbers_of_a_mistake_are_not_saturated(program):
    """A value such as 0.9993 is unpleasant to redo, and hides what the slope does."""
    found = usual(derive.prove(program, detail="brief").derivation)
    shown = [x for rows in found.values.values() for x in exact(rows).flat]
    least = min(min(abs(x), abs(1 - abs(x))) or 1 for x in shown)
    assert least > SATURATING[program], shown
