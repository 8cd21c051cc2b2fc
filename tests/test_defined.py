"""Every function and sign of a document is defined in its setting, once, by its entries."""

import re

import pytest

import derive
from derive.documents.defined import is_named, used
from derive.language.parse import parse
from derive.notation.latex import latex
from derive.ops import OPS

X = "X: (n, d)"
MASK = "A bracket such as"
#: A program, and what its setting says; written by hand.
SAYS = [
    (f"{X}; Y = sigmoid(X)", [r"\sigma(t) = \frac{1}{1 + \exp(-t)}"]),
    (f"{X}; Y = relu(X)", [r"\mathrm{relu}(t) = t[t > 0]", MASK]),
    (f"{X}; Y = leaky_relu(X, 0.1)",
     [r"\mathrm{leaky\text{-}relu}(t,\ u) = t\,([t > 0] + u[0 > t])", MASK]),
    (f"{X}; Y = elu(X)",
     [r"\mathrm{elu}(t) = [t > 0]t + [t \le 0](\exp(t) - 1)", MASK]),
    (f"{X}; Y = gelu(X)",
     [r"\mathrm{gelu}(t) = t\,\mathrm{normcdf}(t)",
      "the distribution function of the standard normal distribution", "its density"]),
    (f"{X}; Y = softmax(X)",
     [r"\mathrm{softmax}(B)_{ij} = \frac{\exp(b_{ij})}{\sum_{k = 1}^{d} \exp(b_{ik})}"]),
    (f"{X}; Y = prod(X, axis=0)",
     [r"\mathrm{colprod}(B)_{j} = \prod_{1 \le k \le n }b_{kj}"]),
    (f"{X}; Y = cumsum(X, axis=1)",
     [r"\mathrm{rowcumsum}(B)_{ij} = \sum_{k = 1}^{d} [k \le j]b_{ik}", MASK]),
    (f"{X}; L = norm(X)",
     [r"\left\lVert B\right\rVert_{F} = \sqrt{\sum_{k = 1}^{n} \sum_{p = 1}^{d} b_{kp}^{2}}"]),
    (f"{X}; L = mean(X)",
     [r"\mathrm{mean}(B) = \frac{1}{nd}\sum_{k = 1}^{n} \sum_{p = 1}^{d} b_{kp}"]),
    ("v: (n, 1); A: (n, n); Y = A @ diag(v)",
     [r"\mathrm{diag}(B)_{ij} = \delta_{ij}b_{i}", "Kronecker"]),
    ("x: (); y = tanh(x)", [r"\tanh(t) = \frac{\exp(t) - \exp(-t)}{\exp(t) + \exp(-t)}"]),
]  # fmt: skip


def setting(program: str) -> str:
    page = derive.prove(program, detail="brief").to_markdown()
    return page[page.index("**Setting.**") : page.index("**Theorem.**")]


def plain(tex: str) -> str:
    return re.sub(r"\\,|\\hspace\{2pt\}|\s|[_{}]", "", tex)


@pytest.mark.parametrize(("program", "said"), SAYS)
def test_what_is_used_is_defined(program, said):
    found = plain(setting(program))
    for one in said:
        assert found.count(plain(one)) == 1, (one, setting(program))


@pytest.mark.parametrize("program", ["X: (n, d); W: (d, m); Y = X @ W", "X: (n, d); Y = exp(X)"])
def test_what_every_reader_knows_is_not(program):
    assert "mathrm" not in setting(program) and "Here" not in setting(program)


def test_the_delta_is_introduced_once():
    page = derive.prove("affine").to_markdown()
    assert page.count("Kronecker delta") == 1


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_function_with_a_name_is_defined(name):
    """What is written as a word that LaTeX does not know has a definition."""
    op = OPS[name]
    along = op.axes[0] if op.axes else None
    word = op.style == "call" and op.paper is None and op.notation is None
    known = latex(op.title(along)) in (rf"\{op.called}",)
    told = op.kink in ("extremum", "max") or name in ("vec", "unvec", "kron_left", "kron_right")
    if word and not known and not told:
        assert is_named(op, along)


def test_used_goes_into_definitions_of_entries():
    (statement,) = parse(f"{X}; Y = softmax(sin(X))").statements
    assert [op.name for op, _ in used([statement.expr])] == ["var", "sin", "softmax"]
