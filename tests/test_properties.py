"""Random programs: every gradient is proved, and agrees with roads that share nothing with ours.

NumPy over mpmath's numbers runs the printed text and its central differences; torch differentiates
it by its own rules. Neither sees an operator of the table.
"""

import ast

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st
from programs import DECLARED, DIGITS, evaluate, matrix, point, run, stacked, texts

from derive.expressions.program import Program
from derive.judges.verify import insist, verify
from derive.language.parse import parse
from derive.proof.explain import explain
from derive.proof.verdict import EVERY_SHAPE

SIZES = (2, 3, 4)
STEP = mpmath.mpf(10) ** -15


@pytest.fixture(autouse=True, scope="module")
def precision():
    with mpmath.workdps(DIGITS):
        yield


def reached(program: Program) -> tuple[str, ...]:
    found = program.reaching()
    return tuple(name for name in program.inputs if name in found)


def direction(shape: tuple[int, int]) -> np.ndarray:
    """A direction in which no two entries move alike."""
    cells = [[(-1) ** (i + j) * mpmath.mpf(3 + 5 * i + 7 * j) / 8 for j in range(shape[1])]
             for i in range(shape[0])]  # fmt: skip
    return np.array(cells)


def slope(program: Program, values: dict, sizes: dict, name: str) -> mpmath.mpf:
    """The derivative of the loss along a direction of one input, by central differences."""
    output = str(program.output)

    def loss(moved: np.ndarray) -> mpmath.mpf:
        value = run(program, {**values, name: moved}, sizes)[output]
        return np.sum(value if program.is_loss else value * values[f"d{output}"])

    step = STEP * direction(values[name].shape)
    return (loss(values[name] + step) - loss(values[name] - step)) / (2 * STEP)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.one_of(texts(), stacked()))
@example(f"{DECLARED}; H0 = (X @ W) * sum(X) + tr(A); L = mean(H0 ** 3) / (1 + sum(b ** 2))")
def test_gradients_agree_with_central_differences(text):
    program = parse(text)
    sizes = dict(zip(program.dims, SIZES))
    values = {name: matrix(rows) for name, rows in point(program, sizes).items()}
    known = {**run(program, values, sizes), **values}
    derivation = explain(program, wrt=reached(program), detail="brief")
    for name, gradient in derivation.gradients.items():
        ours = evaluate(str(gradient), known, sizes)
        assert ours.shape == values[name].shape, f"{gradient} has another shape than {name}"
        along = np.sum(ours * direction(ours.shape))
        expected = slope(program, values, sizes, name)
        assert abs(along - expected) <= mpmath.mpf(10) ** -12 * (1 + abs(expected)), (
            f"d{name} = {gradient} gives {float(along)}, differences give {float(expected)}"
        )


def test_central_differences_see_a_wrong_gradient():
    program = parse("X: (n, d); W: (d, m); Y = X @ W")
    sizes = dict(zip(program.dims, SIZES))
    values = {name: matrix(rows) for name, rows in point(program, sizes).items()}
    expected = slope(program, values, sizes, "X")
    for text, right in (("dY @ W.T", True), ("2 * dY @ W.T", False), ("dY @ W.T + X", False)):
        along = np.sum(evaluate(text, values, sizes) * direction((2, 3)))
        assert (abs(along - expected) < 1e-12) == right


# The same programs in every run: a quotient of whole sums, drawn once in hundreds, takes minutes.
@settings(max_examples=30, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.one_of(texts(depth=2), stacked()))
def test_random_programs_are_proved_for_every_shape(text):
    program = parse(text)
    derivation = insist(verify(explain(program, wrt=reached(program), detail="one")))
    for local in derivation.locals:
        for step in (*local.index, *local.operators):
            assert step.verdicts[0].where == EVERY_SHAPE and step.verdicts[0].proved


# -- torch -----------------------------------------------------------------------------------------


class _Masks(ast.NodeTransformer):
    """A comparison is a mask of numbers, which torch does not subtract."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return ast.Call(ast.Name("mask", ast.Load()), [self.generic_visit(node)], [])


def in_torch(torch, text: str, values: dict, sizes: dict):
    """The value of the text of an expression, by torch's own functions."""
    f = torch.nn.functional
    names = {
        "sum": lambda A, axis=None: A.sum().reshape(1, 1) if axis is None else A.sum(axis, True),
        "mean": lambda A, axis=None: A.mean().reshape(1, 1) if axis is None else A.mean(axis, True),
        "tr": lambda A: torch.trace(A).reshape(1, 1),
        "max": lambda A, B: torch.maximum(*map(torch.as_tensor, (A, B))),
        "min": lambda A, B: torch.minimum(*map(torch.as_tensor, (A, B))),
        "ones": lambda *extents: torch.ones([int(k) for k in extents]),
        "zeros": lambda *extents: torch.zeros([int(k) for k in extents]),
        "eye": lambda extent: torch.eye(int(extent)),
        "broadcast_to": lambda A, shape: torch.as_tensor(A).expand(shape),
        "softplus": lambda A: f.softplus(A, threshold=500),
        "softmax": lambda A: torch.softmax(A, 1),
        "logsoftmax": lambda A: torch.log_softmax(A, 1),
        "logsumexp": lambda A: torch.logsumexp(A, 1, True),
        "mask": lambda A: A * 1.0,
        "where": lambda C, A, B: torch.where(C.bool(), *map(torch.as_tensor, (A, B))),
        "silu": f.silu,
        "gelu": f.gelu,
        "normcdf": torch.special.ndtr,
        "normpdf": lambda A: torch.exp(-(A**2) / 2) / (2 * torch.pi) ** 0.5,
        "norm": lambda A: torch.linalg.norm(A).reshape(1, 1),
        "inv": torch.linalg.inv,
        "det": lambda A: torch.linalg.det(A).reshape(1, 1),
        "logdet": lambda A: torch.logdet(A).reshape(1, 1),
        "kron": lambda A, B: torch.kron(A.contiguous(), B.contiguous()),
        "vec": lambda A: A.T.reshape(-1, 1),
        "unvec": lambda v, shape: v.reshape(*shape[::-1]).T,
        "diagonal": lambda A: torch.diagonal(A).reshape(-1, 1),
        "diag": lambda v: torch.diag(v.reshape(-1)),
    }
    for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "abs", "relu",
                 "sigmoid", "sign"):  # fmt: skip
        names[name] = getattr(torch, name)
    tree = ast.fix_missing_locations(_Masks().visit(ast.parse(text, mode="eval")))
    sizes = {dim: torch.tensor(float(k)) for dim, k in sizes.items()} if "sqrt" in text else sizes
    return eval(compile(tree, "<text>", "eval"), {**names, **sizes, **values})


def gradients_in_torch(torch, program: Program, point: dict, sizes: dict) -> dict[str, np.ndarray]:
    values = {name: torch.tensor(rows.astype(float)) for name, rows in point.items()}
    for name in program.inputs:
        values[name].requires_grad_()
    for statement in program.statements:
        values[statement.name] = in_torch(torch, str(statement.expr), values, sizes)
    output = str(program.output)
    weight = torch.ones(1, 1) if program.is_loss else values[f"d{output}"]
    (values[output] * weight).sum().backward()
    return {
        name: values[name].grad.numpy() for name in program.inputs if values[name].grad is not None
    }


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(texts())
def test_gradients_agree_with_torch(text):
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    program = parse(text)
    sizes = dict(zip(program.dims, SIZES))
    values = {name: matrix(rows) for name, rows in point(program, sizes).items()}
    known = {**run(program, values, sizes), **values}
    theirs = gradients_in_torch(torch, program, values, sizes)
    derivation = explain(program, wrt=reached(program), detail="brief")
    for name, gradient in reversed(derivation.gradients.items()):
        known[f"d{name}"] = evaluate(str(gradient), known, sizes)  # where others stand by name
        if name not in program.inputs:
            continue
        ours = known[f"d{name}"].astype(float)
        scale = 1 + np.abs(ours).max()
        assert np.allclose(ours / scale, theirs[name] / scale, rtol=1e-7, atol=1e-9), (
            f"d{name} = {gradient}"
        )
