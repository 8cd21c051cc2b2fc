"""Random programs: a gradient rewritten truly is proved, a gradient made wrong is refuted.

What is wrong is decided by NumPy over mpmath's numbers on the printed text (see programs.py), never
by the judge.
"""

from collections.abc import Iterator
from fractions import Fraction

import mpmath
import numpy as np
from hypothesis import HealthCheck, assume, event, given, settings, strategies as st
from programs import DIGITS, evaluate, matrix, point, run, stacked, texts

from derive.expressions.errors import DeriveError
from derive.expressions.expr import OPS, Expr, nodes, number, substitute
from derive.judges.case import Case
from derive.judges.claim import Counterexample, Court
from derive.language.parse import parse
from derive.proof.verdict import PROVED, REFUTED

SIZES = (2, 3, 4)
RELAXED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


# -- true rewrites: each line is an identity of matrices -------------------------------------------


def rewrites(e: Expr) -> Iterator[Expr]:
    """Yield expressions that are equal to `e`, of its shape."""
    yield e.T.T
    yield 2 * e - e
    yield -1 * -e
    yield e + number(1) / 7 - number(1) / 7
    if not e.args:
        return
    a, *rest = e.args
    b = rest[0] if rest else None
    match e.name:
        case "add" | "mul":
            yield e.op(b, a)
            yield e.op(a.T, b.T).T
        case "sub":
            yield -(b - a)
            yield a + -b
        case "div":
            yield a * b**-1
            yield -a / -b
        case "neg":
            yield -1 * a
        case "matmul":
            yield (b.T @ a.T).T
            if a.name == "matmul":
                yield a.args[0] @ (a.args[1] @ b)
            if b.name == "matmul":
                yield (a @ b.args[0]) @ b.args[1]
            if a.name in ("add", "sub"):
                yield a.op(a.args[0] @ b, a.args[1] @ b)
            if b.name in ("add", "sub"):
                yield b.op(a @ b.args[0], a @ b.args[1])
            if e.shape.is_scalar:
                yield OPS["sum"](a.T * b)
        case "kron":
            yield e.op(a.T, b.T).T
            yield (2 * e.op(a, b / 2)) if not b.shape.is_scalar else e.op(2 * a, b / 2)
            if a.name == "matmul" and b.name == "matmul":
                yield e.op(a.args[0], b.args[0]) @ e.op(a.args[1], b.args[1])
            for part, other in ((a, 1), (b, 0)):
                if part.name in ("add", "sub"):
                    p, q = part.args
                    yield part.op(*(e.op(x, b) if other else e.op(a, x) for x in (p, q)))
        case "vec":
            if a.name == "matmul":
                left, right = a.args
                eye = OPS["eye"](data=right.shape.cols)
                yield OPS["kron"](eye, left) @ OPS["vec"](right)
            if a.name in ("add", "sub", "mul"):
                yield a.op(*map(e.op, a.args))
        case "transpose" if a.name == "matmul":
            yield a.args[1].T @ a.args[0].T
        case "sum" if len(e.data) == 2:
            yield OPS["sum"](a.T)
            yield OPS["sum"](OPS["sum"](a, data=(0,)))
            yield OPS["ones"](data=type(a.shape)(1, a.shape.rows)) @ OPS["sum"](a, data=(1,))
        case "sum" if e.data == (0,):
            yield OPS["sum"](a.T, data=(1,)).T
            yield OPS["ones"](data=type(a.shape)(1, a.shape.rows)) @ a
        case "sum" if e.data == (1,):
            yield OPS["sum"](a.T, data=(0,)).T
        case "tr" if a.name == "matmul":
            yield OPS["tr"](a.args[1] @ a.args[0])
            yield OPS["sum"](a.args[0] * a.args[1].T)
        case "exp":
            yield 1 / OPS["exp"](-a)
            yield OPS["exp"](a / 2) ** 2
        case "sigmoid":
            yield 1 - OPS["sigmoid"](-a)
        case "tanh":
            yield 2 * OPS["sigmoid"](2 * a) - 1
        case "relu":
            yield (a + OPS["abs"](a)) / 2
        case "sin":
            yield -OPS["sin"](-a)
    if e.name == "mul" and b.name in ("add", "sub"):
        yield b.op(a * b.args[0], a * b.args[1])


def slips(e: Expr) -> Iterator[Expr]:
    """Yield expressions of the same shape that are another matrix, as a rule."""
    yield -e
    yield 2 * e
    yield e + 1
    yield e * e
    yield number(2001) / 2000 * e
    if e.shape.rows == e.shape.cols != 1:
        yield e.T
    if len(e.args) == 2:
        a, b = e.args
        for make in (lambda: e.op(b, a), lambda: a, lambda: b, lambda: a * b, lambda: a @ b,
                     lambda: a.T @ b, lambda: a - b):  # fmt: skip
            try:
                yield make()
            except (DeriveError, ValueError):
                continue
    if e.name == "sum":
        yield OPS["mean"](e.args[0], data=e.data)


def changed(draw, root: Expr, change) -> Expr:
    """Return the expression with one node, drawn at random, replaced by one of its changes."""
    node = draw(st.sampled_from(nodes(root)))
    options = [new for new in change(node) if new.shape == node.shape]
    return substitute(root, {node: draw(st.sampled_from(options))})


@st.composite
def cases(draw) -> tuple[Court, str]:
    program = parse(draw(st.one_of(texts(depth=2), stacked())))
    court = Court(program)
    case = court.case
    assume(case.names)
    name = draw(st.sampled_from(case.names))
    assume(len(str(case.derivation.gradients[name])) < 400)
    return court, name


@settings(max_examples=60, suppress_health_check=RELAXED)
@given(cases(), st.data())
def test_a_true_gradient_is_proved_however_it_is_written(found, data):
    court, name = found
    case = court.case
    claim = case.derivation.gradients[name]
    for _ in range(data.draw(st.integers(0, 4))):
        claim = changed(data.draw, claim, rewrites)
    judgement = court.judge(f"d{name} = {claim}")
    text = f"{case.program.text}\nd{name} = {claim}\n{judgement.reason}"
    assert judgement.verdict == PROVED, text


@settings(max_examples=60, suppress_health_check=RELAXED)
@given(cases(), st.data())
def test_a_gradient_made_wrong_is_refuted(found, data):
    court, name = found
    case = court.case
    truth = case.derivation.gradients[name]
    claim = changed(data.draw, truth, slips)
    wrong = differs(case, str(truth), str(claim))
    event("wrong" if wrong else "right after all, or without a value")
    judgement = court.judge(f"d{name} = {claim}")
    text = f"{case.program.text}\nd{name} = {claim}\ninstead of {truth}\n{judgement.reason}"
    if wrong:
        assert judgement.verdict == REFUTED, text
        assert judgement.counterexample is not None, text
    if judgement.verdict == REFUTED:
        confirm(case, str(truth), str(claim), judgement.counterexample)


def confirm(case: Case, truth: str, claim: str, found: Counterexample) -> None:
    """Check by NumPy that two formulas have the values that a counterexample shows."""
    with mpmath.workdps(DIGITS):
        table = {name: matrix([[Fraction(x) for x in row] for row in rows])
                 for name, rows in found.values.items()}  # fmt: skip
        table.setdefault(f"d{case.program.output}", np.array([[mpmath.mpf(1)]]))
        known = {**run(case.program, table, found.sizes), **table}
        i, j = found.entry
        for text, shown in ((truth, found.expected), (claim, found.claimed)):
            value = evaluate(text, known, found.sizes)[i - 1, j - 1]
            assert abs(value - shown_number(shown)) <= 1e-5 * (1 + abs(value)), text


def differs(case: Case, truth: str, claim: str) -> bool | None:
    """Whether two formulas have different values at some point; `None` without a value."""
    program, tried = case.program, False
    with mpmath.workdps(DIGITS):
        for seed in range(3):
            sizes = dict(zip(program.dims, SIZES))
            values = {name: matrix(rows) for name, rows in point(program, sizes, seed).items()}
            if program.is_loss:
                values[f"d{program.output}"] = np.array([[mpmath.mpf(1)]])
            known = {**run(program, values, sizes), **values}
            try:
                one, other = evaluate(truth, known, sizes), evaluate(claim, known, sizes)
                far = abs(one - other) > mpmath.mpf(10) ** -25 * (1 + abs(one))
            except (TypeError, ZeroDivisionError, ValueError):
                continue
            if any(isinstance(x, mpmath.mpc) for x in other.flat):
                continue  # the root of a negative is no value
            tried = True
            if np.any(far):
                return True
    return False if tried else None


def shown_number(text: str) -> mpmath.mpf:
    shown = Fraction(text)
    return mpmath.mpf(shown.numerator) / shown.denominator
