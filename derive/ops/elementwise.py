"""Functions applied to each entry, and the entrywise arithmetic.

A function of the table is one line: its name, its derivative (written with its own value `y` where
that is what a textbook does), what it means in terms of exp, log, sin, cos, sign and powers, and
where it is differentiable. Sources: NIST Digital Library of Mathematical Functions (2024), 4.7,
4.20 and 4.34, for the elementary derivatives; Goodfellow, Bengio and Courville, Deep Learning
(2016), 3.10, for sigmoid and softplus.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from derive.expressions import layout
from derive.expressions.expr import (
    COMPARE,
    POWER,
    PRODUCT,
    Condition,
    Expr,
    Op,
    Pullback,
    asks_nothing,
    elementwise,
    nodes,
    number,
    unrepeated,
)
from derive.expressions.layout import Box, listed, op as sign, paren, raw, row, sup, word
from derive.expressions.shape import Shape, broadcast


class _Functions:
    """The functions of the table on matrix expressions: `f.exp(X)`."""

    def __getattr__(self, name: str) -> Callable[..., Expr]:
        return lambda *args: elementwise(name, *args)


F = _Functions()
HALF = Fraction(1, 2)


def holds(kind: str) -> Callable[..., tuple[Condition, ...]]:
    """Return a law that asks a condition of the arguments, unless they are constants."""

    def conditions(data: Any, *args: Expr) -> tuple[Condition, ...]:
        free = any(node.is_var for arg in args for node in nodes(arg))
        return (Condition(kind, args),) if free else ()

    return conditions


#: What is agreed upon where entries are equally large: two operands get half each, winners share.
TIE, SHARED = "max", "extremum"


def marks_winner(a: Expr, b: Expr) -> bool:
    """Whether one of two operands is a maximum or a minimum of the other, which meets it."""
    a, b = (unrepeated(x) for x in (a, b))
    return any(y.op.kink == SHARED and y.args[0] is x for x, y in ((a, b), (b, a)))


def is_mask(expr: Expr) -> bool:
    """Whether an expression is 0 or 1 by how it is made: a comparison, or what masks make.

    >>> from derive.language.parse import parse
    >>> [is_mask(parse(f"X: (n, d); Y = {t}").statements[0].expr) for t in ("1 - (X > 0)", "X")]
    [True, False]
    """
    match expr.name:
        case "gt" | "eq" | "eye":
            return True
        case "number":
            return expr.data in (0, 1)
        case "sub":
            first, mask = map(unrepeated, expr.args)
            return first.name == "number" and first.data == 1 and is_mask(mask)
        case "mul" | "max" | "min" | "where" | "transpose" | "broadcast_to" | "diagonal":
            return all(map(is_mask, expr.args))
    return False


def is_step(expr: Expr) -> bool:
    """Whether an expression depends on its variables through masks and signs alone, so that it is
    constant around almost every point.

    >>> from derive.language.parse import parse
    >>> [is_step(parse(f"X: (n, d); Y = {t}").statements[0].expr) for t in ("2 * (X > 0)", "X")]
    [True, False]
    """
    waiting = [expr]
    for node in waiting:
        if node.is_var:
            return False
        if node.name not in ("gt", "eq", "sign"):
            waiting += node.args
    return True


def _jumps(data: Any, c: Expr, a: Expr, b: Expr) -> tuple[Condition, ...]:
    """Return what a choice by a matrix asks for: where it is 0, the choice jumps."""
    if c.name != "eq" or marks_winner(*c.args):
        return ()
    of, to = map(unrepeated, c.args)
    return holds("nonzero")(data, of) if to.name == "number" and to.data == 0 else ()


def function(
    name: str,
    *derivatives: Callable[..., Any],
    through: Callable[..., Any] | None = None,
    where: str | Callable[..., tuple[Condition, ...]] = "",
    because: str = "function-rule",
    smooth: bool = False,
    **facts: Any,
) -> Op:
    """Return the table entry of a function of one or more scalars, applied entry by entry.

    A `smooth` one is made of other functions: `through` opens it into gates.
    """

    def pullback(partial: Callable[..., Any]) -> Pullback:
        return Pullback(lambda g, Y, *args: g * partial(F, Y, *args), because=because)

    usual: dict[str, Any] = {
        "name": name,
        "symbol": f"{name}({{}})",
        "shape": lambda data, first, *rest: _common(first, *rest),
        "entry": lambda ix, i, j, *args: ix.function(name, *(arg[i, j] for arg in args)),
        "pullbacks": tuple(pullback(partial) for partial in derivatives),
        "derivatives": derivatives,
        "through": through,
        "where": holds(where) if isinstance(where, str) and where else where or asks_nothing,
        "formula": (lambda *args: through(F, *args)) if smooth and through else None,
    }
    return Op(**(usual | facts))


def _flat(*args: Any) -> int:
    """The derivative of what is constant between its jumps."""
    return 0


def _common(shape: Shape, *rest: Shape) -> Shape:
    for other in rest:
        shape = broadcast(shape, other)
    return shape


def power(base: Any, exponent: Fraction) -> Any:
    """Return a power, with exponents 0 and 1 written away."""
    return 1 if exponent == 0 else base if exponent == 1 else base**exponent


def _power_domain(exponent: Fraction, base: Expr) -> tuple[Condition, ...]:
    if exponent.denominator == 1 and exponent > 0:
        return ()
    return holds("nonzero" if exponent.denominator == 1 else "positive")(exponent, base)


def _raised(pen: Any, e: Expr) -> tuple[Box, int]:
    """The power stands at the name of a function that has it there."""
    (a,) = e.args
    exponent = raw(str(e.data)) if e.shape.is_scalar else row(sign("entrywise"), raw(str(e.data)))
    if a.op.raised:
        head, argument = pen(a).parts
        return row(sup(head, exponent), argument), layout.ATOM
    base = pen(a, layout.ATOM)
    base = paren(base) if base.kind in ("sup", "frac", "under") else base
    return sup(base, exponent), layout.ATOM


MUL = Op(
    name="mul",
    paper=lambda pen, e: pen.product(e),
    symbol="*",
    style="infix",
    strength=PRODUCT,
    shape=lambda data, a, b: broadcast(a, b),
    entry=lambda ix, i, j, A, B: A[i, j] * B[i, j],
    pullbacks=(
        Pullback(lambda g, Y, A, B: g * B, because="entrywise-product-rule"),
        Pullback(lambda g, Y, A, B: g * A, because="entrywise-product-rule"),
    ),
    spelled=("multiply",),
)
DIV = Op(
    name="div",
    paper=lambda pen, e: pen.product(e),
    gate=("÷", r"\div"),
    symbol="/",
    style="infix",
    strength=PRODUCT,
    shape=lambda data, a, b: broadcast(a, b),
    entry=lambda ix, i, j, A, B: A[i, j] / B[i, j],
    pullbacks=(
        Pullback(lambda g, Y, A, B: g / B, because="quotient-rule"),
        Pullback(lambda g, Y, A, B: -(g * A / B**2), because="quotient-rule"),
    ),
    where=lambda data, A, B: holds("nonzero")(data, B),
    domain="≠",
    spelled=("divide", "true_divide"),
)
POW = Op(
    name="pow",
    paper=_raised,
    symbol="**",
    style="power",
    strength=POWER,
    shape=lambda data, a: a,
    entry=lambda ix, i, j, A, data: A[i, j] ** data,
    pullbacks=(
        Pullback(
            lambda g, Y, A, data: g * (number(data) * power(A, data - 1)), because="power-rule"
        ),
    ),
    where=_power_domain,
    takes_data=True,
    spelled=("power",),
)
GREATER = function(
    "gt",
    _flat,
    _flat,
    through=lambda f, x, y: HALF * (f.sign(x - y) ** 2 + f.sign(x - y)),  # 0 at a tie
    where=lambda data, A, B: () if marks_winner(A, B) else holds("distinct")(data, A, B),
    because="constant-rule",
    gate=(">", ">"),
    flow="mask",
    kink="gt",
    symbol=">",
    style="infix",
    strength=COMPARE,
    notation=lambda a, b: paren(row(a, sign("greater"), b), "iverson"),
    spelled=("greater",),
)
EQUAL = function(
    "eq",
    _flat,
    _flat,
    because="constant-rule",
    gate=("=", "="),
    symbol="==",
    style="infix",
    strength=COMPARE,
    notation=lambda a, b: paren(row(a, sign("equals"), b), "iverson"),
)

#: What every library has by the name that it has here.
SAME = {"any": "{lib}.{name}({0})"}


def _cases(c: Box, a: Box, b: Box) -> Box:
    """A choice by a comparison is written in cases, the second where it does not hold."""
    if c.kind != "paren" or c.text != "iverson":
        return row(word("where"), paren(listed((c, a, b))))
    left, compared, right = c.parts[0].parts
    other = {"greater": "at-most", "equals": "differs"}[compared.text]
    lines = ((a, c.parts[0]), (b, row(left, sign(other), right)))
    return Box("cases", tuple(Box("row", line) for line in lines))


WHERE = function(
    "where",
    lambda f, y, c, a, b: a - b,
    lambda f, y, c, a, b: c,
    lambda f, y, c, a, b: 1 - c,
    through=lambda f, c, a, b: c * a + (1 - c) * b,
    where=_jumps,
    notation=_cases,
)
EXP = function("exp", lambda f, y, x: y, code=SAME, flow="exp", sympy="exp")
RELU = function(
    "relu",
    lambda f, y, x: f.gt(x, 0),
    through=lambda f, x: x * f.gt(x, 0),
    where="nonzero",
    code={
        "numpy": "np.maximum({0}, 0)",
        "torch": "torch.relu({0})",
        "jax": "jax.nn.relu({0})",
    },
    gate=("ReLU", r"\mathrm{ReLU}"),
    flow="relu",
    kink="relu",
)
GELU = function(
    "gelu",
    lambda f, y, x: f.normcdf(x) + x * f.normpdf(x),
    through=lambda f, x: x * f.normcdf(x),
    smooth=True,
    code={
        "numpy": "return x * _normcdf(x)",
        "torch": "return x * torch.special.ndtr(x)",
        "jax": "jax.nn.gelu({0}, approximate=False)",
    },
)
LOG = function(
    "log", lambda f, y, x: 1 / x, where="positive", domain=">", code=SAME, flow="log", sympy="log"
)
SIN = function("sin", lambda f, y, x: f.cos(x), code=SAME, raised=True, flow="sin", sympy="sin")
COS = function("cos", lambda f, y, x: -f.sin(x), code=SAME, raised=True, flow="cos", sympy="cos")
SIGN = function(
    "sign",
    lambda f, y, x: 0,
    where="nonzero",
    because="constant-rule",
    code=SAME,
    kink="sign",
    sympy="sign",
)
TAN = function(
    "tan",
    lambda f, y, x: 1 + y**2,
    through=lambda f, x: f.sin(x) / f.cos(x),
    where="cosine-nonzero",
    smooth=True,
    raised=True,
    code=SAME,
    sympy="tan",
)
SINH = function(
    "sinh",
    lambda f, y, x: f.cosh(x),
    through=lambda f, x: HALF * (f.exp(x) - f.exp(-x)),
    smooth=True,
    raised=True,
    code=SAME,
    sympy="sinh",
)
COSH = function(
    "cosh",
    lambda f, y, x: f.sinh(x),
    through=lambda f, x: HALF * (f.exp(x) + f.exp(-x)),
    smooth=True,
    raised=True,
    code=SAME,
    sympy="cosh",
)
TANH = function(
    "tanh",
    lambda f, y, x: 1 - y**2,
    through=lambda f, x: (f.exp(x) - f.exp(-x)) / (f.exp(x) + f.exp(-x)),
    smooth=True,
    raised=True,
    code=SAME,
    flow="tanh",
    sympy="tanh",
)
SQRT = function(
    "sqrt",
    lambda f, y, x: 1 / (2 * y),
    through=lambda f, x: x**HALF,
    where="positive",
    domain="≥",
    notation=lambda x: Box("root", (x,)),
    code=SAME,
    gate=("√", r"\sqrt{\ }"),
    flow="sqrt",
    sympy="sqrt",
)
ABS = function(
    "abs",
    lambda f, y, x: f.sign(x),
    through=lambda f, x: x * f.sign(x),
    where="nonzero",
    notation=lambda x: paren(x, "bars"),
    code=SAME,
    gate=("| |", r"\lvert\ \rvert"),
    flow="abs",
    kink="abs",
    sympy="Abs",
    spelled=("absolute", "fabs"),
)
SIGMOID = function(
    "sigmoid",
    lambda f, y, x: y * (1 - y),
    through=lambda f, x: 1 / (1 + f.exp(-x)),
    head=sign("sigma"),
    smooth=True,
    code={
        "numpy": "return (1 + {lib}.tanh(x / 2)) / 2",
        "torch": "torch.sigmoid({0})",
        "jax": "jax.nn.sigmoid({0})",
    },
    gate=("σ", r"\sigma"),
    flow="sigmoid",
    spelled=("expit",),
)
LEAKY_RELU = function(
    "leaky_relu",
    lambda f, y, x, a: f.where(f.gt(x, 0), 1, a),
    lambda f, y, x, a: f.min(x, 0),
    through=lambda f, x, a: x * (f.gt(x, 0) + a * f.gt(0, x)),
    where=lambda data, x, a: holds("nonzero")(data, x),
    kink="kink",
    head=word("leaky-relu"),
)
ELU = function(
    "elu",
    lambda f, y, x: f.where(f.gt(x, 0), 1, f.exp(x)),
    through=lambda f, x: f.where(f.gt(x, 0), x, f.exp(x) - 1),
)
SOFTPLUS = function(
    "softplus",
    lambda f, y, x: f.sigmoid(x),
    through=lambda f, x: f.log(1 + f.exp(x)),
    smooth=True,
    code={
        "numpy": "np.logaddexp({0}, 0)",
        "torch": "return torch.logaddexp(x, torch.zeros_like(x))",
        "jax": "jax.nn.softplus({0})",
    },
)
SILU = function(
    "silu",
    lambda f, y, x: f.sigmoid(x) * (1 + x * (1 - f.sigmoid(x))),
    through=lambda f, x: x / (1 + f.exp(-x)),
    smooth=True,
    code={
        "numpy": "return x * _sigmoid(x)",
        "torch": "return x * torch.sigmoid(x)",
        "jax": "jax.nn.silu({0})",
    },
    spelled=("swish",),
)
NORMCDF = function(
    "normcdf",
    lambda f, y, x: f.normpdf(x),
    code={
        "numpy": "return (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2))) / 2",
        "torch": "torch.special.ndtr({0})",
        "jax": "jax.scipy.special.ndtr({0})",
    },
)
NORMPDF = function(
    "normpdf",
    lambda f, y, x: -(x * y),
    through=lambda f, x: f.exp(-HALF * x**2) / (2 * f.pi()) ** HALF,
    code={"any": "return {lib}.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)"},
)
MAXIMUM = function(
    "max",
    lambda f, y, a, b: f.gt(a, b),
    lambda f, y, a, b: f.gt(b, a),
    through=lambda f, a, b: HALF * (a + b + (a - b) * f.sign(a - b)),
    where="distinct",
    because="maximum-rule",
    code={"any": "{lib}.maximum({0}, {1})"},
    flow="max",
    kink=TIE,
    sympy="Max",
    spelled=("maximum", "fmax"),
)
MINIMUM = function(
    "min",
    lambda f, y, a, b: f.gt(b, a),
    lambda f, y, a, b: f.gt(a, b),
    through=lambda f, a, b: HALF * (a + b - (a - b) * f.sign(a - b)),
    where="distinct",
    because="maximum-rule",
    code={"any": "{lib}.minimum({0}, {1})"},
    flow="max",
    kink=TIE,
    sympy="Min",
    spelled=("minimum", "fmin"),
)

OPERATORS = (
    MUL, DIV, POW, GREATER, EQUAL, EXP, LOG, SIN, COS, SIGN, TAN, SINH, COSH, TANH, SQRT, ABS,
    SIGMOID, RELU, LEAKY_RELU, ELU, SOFTPLUS, SILU, NORMCDF, NORMPDF, GELU, WHERE, MAXIMUM, MINIMUM,
)  # fmt: skip
