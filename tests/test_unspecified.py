"""A function that a program leaves open: `g: entrywise`, from its declaration to a refutation."""

from __future__ import annotations

import mpmath
import pytest

import derive
from derive.expressions.errors import DeriveError
from derive.judges.modular import agrees_modulo
from derive.language.parse import parse, parse_claim
from derive.ops import var
from derive.ops.unspecified import samples, unspecified
from derive.proof.verdict import Road
from derive.readings.numbers import Functions, Real

LAYER = "W: (m, n); A: (n, s); b: (m, 1); g: entrywise; Z = W @ A + b; H = g(Z)"

#: A program, a claim about it, and what it is; each is refuted for a function that is named.
CLAIMS = [
    (LAYER, "dZ = dH * g.diff(Z)", "proved"),
    (LAYER, "dW = (dH * g.diff(Z)) @ A.T", "proved"),
    (LAYER, "dA = W.T @ (dH * g.diff(Z))", "proved"),
    (LAYER, "db = sum(dH * g.diff(Z), axis=1)", "proved"),
    (LAYER, "dZ = dH * g(Z)", "refuted"),
    (LAYER, "dZ = dH * g.diff(Z, 2)", "refuted"),
    (LAYER, "dZ = dH * g.diff(H)", "refuted"),
    (LAYER, "dZ = dH", "refuted"),
    (LAYER, "dZ = dH * (1 - H ** 2)", "refuted"),  # true of tanh
    (LAYER, "dZ = dH * H * (1 - H)", "refuted"),  # true of the sigmoid
    ("x: (); g: entrywise; h: entrywise; y = g(h(x))", "dx = g.diff(h(x)) * h.diff(x)", "proved"),
    ("x: (); g: entrywise; h: entrywise; y = g(h(x))", "dx = h.diff(g(x)) * g.diff(x)", "refuted"),
    ("x: (); g: entrywise; h: entrywise; y = g(x) + h(x)", "dx = 2 * g.diff(x)", "refuted"),
    ("X: (n, d); g: entrywise; Y = g.diff(X)", "dX = dY * g.diff(X, 2)", "proved"),
    ("X: (n, d); g: entrywise; L = sum(g(X) ** 2)", "dX = 2 * g(X) * g.diff(X)", "proved"),
    ("X: (n, d); g: entrywise; L = sum(g(-X))", "dX = -g.diff(-X)", "proved"),
    ("X: (n, d); g: entrywise; L = sum(g(-X))", "dX = g.diff(X)", "refuted"),
    # equal arguments have equal values, however they are written
    ("X: (n, d); g: entrywise; Y = g(X + X)", "dX = 2 * dY * g.diff(2 * X)", "proved"),
    ("X: (n, d); g: entrywise; L = sum(g(X)) - sum(g(X.T))", "dX = 0 * X", "proved"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "claim", "verdict"), CLAIMS)
def test_claims(program, claim, verdict):
    [found] = derive.check(program, claim)
    assert found.verdict == verdict, found
    if verdict == "refuted":
        assert found.counterexample.functions == tuple(samples(parse(program).functions))
        assert found.plain()["counterexample"]["functions"]


def test_what_is_true_of_the_sample_alone_is_refuted_by_other_numbers():
    text = samples(["g"])[0].partition(" = ")[2].replace("x", "Z")
    [found] = derive.check("Z: (n, d); g: entrywise; L = sum(g(Z) ** 2)",
                           f"dZ = 2 * {text} * g.diff(Z)")  # fmt: skip
    assert (found.verdict, found.road) == ("refuted", Road.MODULO)


@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("name", ["g", "h", "phi", "act", "u"])
def test_a_sample_has_its_derivatives(name, order):
    with mpmath.workdps(40):
        text = samples([name])[0].partition(" = ")[2]
        for x in (-3, 0, 2):
            expected = mpmath.diff(lambda x: eval(text, {"x": x}), x, order)
            found = getattr(Functions(), unspecified(name, order).name)(Real(x)).value
            assert abs(mpmath.mpf(int(found.p)) / int(found.q) - expected) < 1e-12


#: What is wrong, and what is said of it.
ERRORS = [
    ("W: (m, n); g: entrywise; Y = g(W, W)", "it takes 1 argument, 2 given"),
    ("W: (m, n); g: entrywise; Y = g()", "g takes 1 argument, 0 given"),
    ("W: (m, n); g: entrywise; Y = g @ W", "g is a function: write g(...)"),
    ("W: (m, n); g: entrywise; Y = g.T @ W", "g is a function: write g(...)"),
    ("W: (m, n); g: entrywise; Y = W * g", "g is a function: write g(...)"),
    ("W: (m, n); g: entrywise; Y = g.slope(W)", "the derivative of g is written g.diff(Z)"),
    ("W: (m, n); g: entrywise; Y = g.diff(W, 0)", "a number from 1 to 9"),
    ("W: (m, n); g: entrywise; Y = g.diff(W, m)", "a number from 1 to 9"),
    ("W: (m, n); g: entrywise; Y = g(W, axis=0)", "g takes no option axis"),
    ("W: (m, n); exp: entrywise; Y = exp(W)", "exp is a function; choose another name"),
    ("W: (m, n); m: entrywise; Y = m(W)", "m is both a dimension and a function"),
    ("W: (m, n); W: entrywise; Y = W(W)", "W is a function, and has a shape as well"),
    ("W: (m, n); g: entrywise; g: (n, m); Y = g(W)", "g is a function, and has a shape as well"),
    ("W: (m, n); g: entrywise; g = W", "g is a function, and is assigned as well"),
    ("W: (m, n); dg: (m, n); g: entrywise; Y = g(W) * dg", "dg is a derivative of g"),
    ("W: (m, n); dW: entrywise; Y = dW(W)", "dW is the gradient of the loss"),
    ("W: (m, n); Y = g(W)", "for a function of which nothing is known: g: entrywise"),
    ("W: (m, n); gate: entrywise; Y = gat(W)", "did you mean gate?"),
    ("W: (m, n); g: entry; Y = g(W)", "a shape has rows and columns"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_errors_say_what_is_wrong(text, message):
    with pytest.raises(DeriveError) as caught:
        derive.prove(text)
    assert message in str(caught.value)


def test_a_function_is_declared_beside_the_text_too():
    given = {"W": ("m", "n"), "g": "entrywise"}
    assert derive.prove("Y = g(W)", given, detail="brief").gradients == {"W": "dY * g.diff(W)"}
    with pytest.raises(derive.ShapeError, match="the shape of g is 'entry'"):
        derive.prove("Y = g(W)", {"W": ("m", "n"), "g": "entry"})


FORMULAS = [("{dW}", True), ("2 * ({dW})", False), ("({dH} * g(Z)) @ A.T", False)]


@pytest.mark.parametrize(("formula", "agrees"), FORMULAS)
def test_the_modular_judge_knows_open_functions(formula, agrees):
    program = parse(f"{LAYER}; Y = g(H @ A.T) * g.diff(H @ A.T)")
    proof = derive.prove(program.text, detail="brief")
    shapes = {f"d{name}": var(f"d{name}", leaf.shape) for name, leaf in program.leaves.items()}
    whole = derive.gradient(program.text, expanded=True)["W"]
    text = formula.format(dW=whole, dH=proof.backward["H"])
    _, claim = parse_claim(f"dW = {text}", {**program.leaves, **shapes}, program.dims,
                           functions=program.functions)  # fmt: skip
    sizes = {dim: 11 + k for k, dim in enumerate(program.dims)}
    found = agrees_modulo(program, "W", claim, sizes)
    assert found.agrees == agrees and found.bound < 1e-9


@pytest.mark.parametrize("work", [derive.example, derive.exercise])
def test_numbers_need_a_function(work):
    with pytest.raises(derive.UnsupportedError, match="any function has no numbers"):
        work(LAYER)
    with pytest.raises(derive.UnsupportedError, match="did you mean tanh"):
        work(LAYER, values={"g": "tanhh"})
    given = "tanh(Z)" in work(LAYER, values="g=tanh").program.lines()[-1]
    assert given


def test_a_graph_is_drawn_with_and_without_a_function():
    assert "g" in derive.graph(LAYER).to_mermaid()
    inputs = "W=[[1, 2]], A=[[1], [0]], b=[[-1]], dH=[[1]]"
    with pytest.raises(derive.UnsupportedError, match="--values g=tanh"):
        derive.graph(LAYER, values=inputs)
    assert derive.graph(LAYER, values=f"{inputs}, g=relu").forward["H"] == [[0]]


def test_documents_say_what_is_meant_and_what_was_put_in():
    text = derive.prove(LAYER).to_markdown()
    assert "$g$ is any differentiable function of one number, with the derivative $g'$." in text
    assert f"`{samples(['g'])[0]}`" in text
    twice = derive.prove("X: (n, d); g: entrywise; Y = g.diff(X)").to_markdown()
    assert "$g$ is any function that is differentiable 2 times, with the derivatives $g'$" in twice


def test_code_takes_the_function_and_its_derivative():
    text = derive.gradient(LAYER, code="numpy")
    assert "def gradients(W, A, b, dH, dg):" in text and "dH * dg(Z)" in text
