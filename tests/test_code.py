"""Generated code is run: NumPy against central differences, PyTorch and JAX against their own."""

import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import derive
from derive.bridges.code import to_code
from derive.language.parse import parse
from derive.notation.code import LIBRARIES
from derive.ops import OPS
from derive.ops.elementwise import function

AFFINE = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"

#: Programs that together use every operator of the table, at points where all are differentiable.
PROGRAMS = [
    AFFINE,
    "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); T: (n, m); Z = X @ W1 + b1; H = relu(Z); "
    "Y = H @ W2; L = sum((Y - T) ** 2) / (2 * n)",
    "X: (n, d); Y = sigmoid(X) * tanh(X) + exp(-X) / 3 - sin(X) * cos(X) + tan(X / 4)",
    "X: (n, d); Y = sinh(X) + cosh(2 * X) + softplus(X) + silu(X) + gelu(X) + abs(X) * sign(X)",
    "X: (n, d); Y = prod(X) * prod(X, axis=0) + prod(X, axis=1)",
    "X: (n, d); Y = cumsum(X, axis=0) * cumsum(X ** 2, axis=1)",
    "X: (n, d); Y = elu(X) + leaky_relu(X, 0.1) + leaky_relu(X, X)",
    "u: (n, 1); v: (1, m); w: (m, 1); Y = outer(u, v) * outer(u, w)",
    "P: (n, d); Y = log(P) + sqrt(P) + P ** -2 + P ** (3 / 2) + 0.1 * P ** 2",
    "X: (n, d); Y = normcdf(X) * normpdf(X)",
    "X: (n, d); Y = softmax(X) + 2 * logsoftmax(X) - X * logsumexp(X)",
    "X: (n, d); L = norm(X) + norm(X) ** 3",
    "v: (n, 1); A: (n, n); Y = diag(v) @ A + diagonal(A @ A) * A",
    "r: (1, n); A: (n, n); Y = A @ diag(r) + tr(A) * A + tr(r.T @ r)",
    "X: (n, d); Y = where(X > 0, X ** 2, -X) * (X > 0.3) + max(X, 0) * min(X, 1) + max(X, -X)",
    "X: (n, d); C: (n, d); Y = where(C, X, 2 * X) + where(1 > 0, X, C)",
    "X: (n, d); Y = mean(X) + mean(X, axis=0) * mean(X, axis=1) + sum(X, axis=1) * sum(X)",
    "X: (n, d); Y = sum(X, axis=0) * X",
    "X: (n, d); b: (1, d); Y = broadcast_to(b, (n, d)) * X + ones(n, d) + zeros(n, d) + eye(n) @ X",
    "X: (n, d); L = lam * sum(X * X) / (n * d) + exp(1) * sum(X) + 3 * mu",
    "x: (); L = 3 * x",
    "X: (n, d); L = 2 * sum(X)",
    "torch: (n, d); np: (d, n); Y = torch @ np + math * sum(torch)",
    "A: (n, n); L = log(sum(exp(A)) + 7) * sum(A.T @ A) ** 0.5",
]
EXTRA = {
    "inv": "A: (n, n); Y = inv(A + 5 * eye(n)) @ A.T",
    "det": "A: (n, n); Y = det(A + 5 * eye(n)) * A",
    "logdet": "A: (n, n); Y = logdet(A + 5 * eye(n)) * A",
    "kron": "A: (n, d); B: (m, k); Y = kron(A, B)",
    "vec": "A: (n, d); B: (d, m); Y = vec(A @ B)",
    "max_all": "A: (n, d); Y = A * max(A) - min(A)",
    "max_rows": "A: (n, d); Y = A * (A == max(A, axis=0)) - min(A, axis=0)",
    "max_cols": "A: (n, d); Y = A * (A >= max(A, axis=1)) - min(A, axis=1)",
    "unvec": "A: (n, d); Y = unvec(2 * vec(A) ** 2, (n, d))",
    "kron_left": "A: (n, d); B: (m, k); C: (n * m, d * k); Y = kron_left(kron(A, B) * C, B)",
    "kron_right": "A: (n, d); B: (m, k); C: (n * m, d * k); Y = kron_right(kron(A, B) * C, A)",
}
PROGRAMS += EXTRA.values()


@cache
def proved(text: str) -> derive.Proof:
    return derive.prove(text, detail="brief")


def run(text: str, library: str = "numpy"):
    """The generated function, from its text."""
    space: dict = {}
    exec(to_code(proved(text), library), space)
    return space["gradients"]


def point(text: str, seed: int = 0) -> tuple:
    """Random arrays for a program's inputs, and for the upstream gradient where there is one."""
    program = parse(text)
    sizes = dict(zip(program.dims, (2, 3, 4, 5), strict=False))
    names = [*program.inputs, *([] if program.is_loss else [f"d{program.output}"])]
    rng = np.random.default_rng(seed)
    values = []
    for name in names:
        leaf = program.leaves[name if name in program.leaves else name[1:]]
        shape = leaf.shape.at(sizes).dims
        value = rng.uniform(0.2, 0.9, shape)
        if name != "P":
            value *= rng.choice([-1.0, 1.0], shape)
        values.append(value)
    return program, names, values


def loss(program, values: dict[str, np.ndarray], upstream: np.ndarray | None) -> float:
    """The loss at a point, by the definitions of the operators."""
    from fractions import Fraction

    from derive.readings.numbers import Enclosures

    sizes = dict(zip(program.dims, (2, 3, 4, 5), strict=False))
    exact = {n: [[float_arb(x) for x in line] for line in v] for n, v in values.items()}
    rows = Enclosures(sizes, exact).matrix(program.composed(program.output))
    table = np.array([[float_of(x, Fraction) for x in line] for line in rows])
    return float(table.sum() if upstream is None else (table * upstream).sum())


def float_arb(x: float):
    from flint import arb

    return arb(float(x))


def float_of(x, exact) -> float:
    x = getattr(x, "value", x)
    return float(x) if isinstance(x, int | float | exact) else float(x.mid())


@pytest.mark.parametrize("text", PROGRAMS)
def test_numpy_agrees_with_central_differences(text):
    program, names, values = point(text)
    arrays = dict(zip(names, values, strict=True))
    upstream = None if program.is_loss else arrays[names[-1]]
    found = run(text)(*values)
    assert list(found) == [n for n in program.inputs if n in program.reaching()]
    for name, gradient in found.items():
        assert gradient.shape == arrays[name].shape and gradient.dtype == float
        inputs = {n: arrays[n] for n in program.inputs}
        slopes = np.zeros_like(gradient)
        for place in np.ndindex(gradient.shape):
            step = np.zeros_like(gradient)
            step[place] = 1e-5
            up = loss(program, {**inputs, name: arrays[name] + step}, upstream)
            down = loss(program, {**inputs, name: arrays[name] - step}, upstream)
            slopes[place] = (up - down) / 2e-5
        np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("text", PROGRAMS)
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_libraries_agree_with_numpy(text, library):
    module = pytest.importorskip(library)
    if library == "jax":
        module.config.update("jax_enable_x64", True)
        convert = module.numpy.asarray
    else:
        convert = module.from_numpy
    _, _, values = point(text)
    expected = run(text)(*values)
    found = run(text, library)(*(convert(value.copy()) for value in values))
    assert list(found) == list(expected)
    for name, gradient in found.items():
        assert tuple(gradient.shape) == expected[name].shape
        np.testing.assert_allclose(np.asarray(gradient), expected[name], rtol=1e-9, atol=1e-11)


TORCH_FORWARD = [
    ("X: (n, d); W: (d, m); B: (1, m); Y = sigmoid(X @ W + B)",
     lambda t, X, W, B: t.sigmoid(X @ W + B)),
    ("X: (n, d); T: (n, d); L = -sum(T * logsoftmax(X)) / n",
     lambda t, X, T: -(T * t.log_softmax(X, 1)).sum() / X.shape[0]),
    ("X: (n, d); Y = gelu(X) * softplus(X)",
     lambda t, X: t.nn.functional.gelu(X) * t.nn.functional.softplus(X)),
    ("X: (n, d); L = norm(X)", lambda t, X: t.linalg.norm(X)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "forward"), TORCH_FORWARD)
def test_torch_agrees_with_autograd(text, forward):
    torch = pytest.importorskip("torch")
    program, _, values = point(text)
    tensors = [torch.from_numpy(v).requires_grad_() for v in values]
    inputs, upstream = tensors[: len(program.inputs)], tensors[len(program.inputs) :]
    output = forward(torch, *inputs)
    torch.autograd.backward(output, [u.detach() for u in upstream] or None)
    found = run(text, "torch")(*(t.detach() for t in tensors))
    for name, tensor in zip(program.inputs, inputs, strict=True):
        torch.testing.assert_close(found[name], tensor.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("library", "text"),
    [
        ("numpy", "np.exp(2) * dY / np.sqrt(d)"),
        ("torch", "math.exp(2) * dY / math.sqrt(d)"),
        ("jax", "jnp.exp(2) * dY / jnp.sqrt(d)"),
    ],
)
def test_a_function_of_a_number_takes_the_number(library, text):
    code = derive.gradient("X: (n, d); Y = X * exp(2) / sqrt(d)", code=library)
    assert f"dX = {text}\n" in code and "full" not in code


def test_every_operator_is_used_by_a_program_and_has_code():
    from derive.expressions.expr import nodes

    used = set()
    for text in PROGRAMS:
        program = parse(text)
        for statement in program.statements:
            used |= {node.name for node in nodes(statement.expr)}
    assert sorted(set(OPS) - used) == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_function_that_was_added_has_code_by_its_definition(library, monkeypatch):
    cube = function("cube", lambda f, y, x: 3 * x**2, through=lambda f, x: x**3)
    monkeypatch.setitem(OPS, "cube", cube)
    text = derive.gradient("X: (n, d); L = sum(cube(X) * cube(X))", code=library)
    assert "X ** 3" in text and "cube" not in text.split('"""')[2]


def test_scalars_may_be_plain_numbers():
    gradients = run("X: (n, d); L = lam * sum(X * X)")
    found = gradients(np.ones((2, 3)), 0.5)
    assert found["lam"].tolist() == [[6.0]] and found["X"].tolist() == [[1.0] * 3] * 2


def test_the_function_reads_like_one(capsys):
    assert derive.gradient(AFFINE, code="numpy") == (
        "import numpy as np\n\n\n"
        "def gradients(X, W, B, dY):\n"
        '    """The gradients of Y = X @ W + B: X is n×d, W is d×m, B is 1×m, dY is n×m."""\n'
        "    dX = dY @ W.T\n"
        "    dW = X.T @ dY\n"
        "    dB = np.sum(dY, axis=0, keepdims=True)\n"
        '    return {"X": dX, "W": dW, "B": dB}\n'
    )


def test_only_what_is_asked_for_is_computed():
    text = derive.gradient("X: (n, d); W: (d, m); Z = X @ W; Y = tanh(Z)", wrt=["X"], code="numpy")
    assert "dW" not in text and "Z = X @ W\n" in text


def test_bad_requests():
    with pytest.raises(derive.UnsupportedError, match="there is no code for 'fortran'") as caught:
        derive.gradient("y = x", code="fortran")
    assert caught.value.hint == "there is numpy, torch, jax"
    with pytest.raises(derive.ParseError):
        derive.gradient("Y = ")


def test_nothing_is_evaluated_in_the_package():
    done = subprocess.run(
        [sys.executable, "-c", "import derive.bridges.code, ast, pathlib, inspect\n"
         "for path in pathlib.Path(derive.__file__).parent.rglob('*.py'):\n"
         "    for node in ast.walk(ast.parse(path.read_text('utf-8'))):\n"
         "        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):\n"
         "            assert node.func.id not in ('eval', 'exec'), path\n"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
