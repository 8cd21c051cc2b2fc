"""Calls as NumPy, PyTorch and JAX write them, put into the language; nothing is evaluated.

What enters is a call such as `np.sum(X, axis=0, keepdims=True)`, `F.softmax(Z, dim=1)` or
`X.mean()`, what leaves is the same in the language's own syntax tree. It means what the library
means: where that drops an axis, which no matrix here can, the call is refused and told how to
keep it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from derive.expressions.errors import ParseError, nearest
from derive.expressions.expr import COMPARE, OPS, Op
from derive.expressions.shape import Shape
from derive.ops.elementwise import EXP, GELU, GREATER, LOG
from derive.ops.linear import EYE, NEG, ONES, TRANSPOSE, ZEROS
from derive.ops.reduction import COLS, MAX, MIN
from derive.ops.rows import DIAG, DIAGONAL, ROWWISE

#: What a library is imported as, and whose conventions its functions have.
MODULES: Mapping[str, str] = {
    **dict.fromkeys(("np", "numpy", "np.linalg", "numpy.linalg"), "numpy"),
    **dict.fromkeys(("jnp", "jax.numpy", "jnp.linalg", "jax.numpy.linalg"), "numpy"),
    **dict.fromkeys(("jax.nn", "nn", "jax.scipy.special"), "jax"),
    **dict.fromkeys(("scipy.special", "special"), "scipy"),
    **dict.fromkeys(("torch", "torch.linalg", "torch.special", "F"), "torch"),
    **dict.fromkeys(("torch.nn.functional", "nn.functional"), "torch"),
}
#: What a function or a method is called here, and the operator that it is.
CALLED = {
    name: op for op in OPS.values() if op.style == "call" for name in (*op.spelled, op.name)
} | {op.called: op for op in OPS.values() if op.axes}
#: Reductions whose name is that of a function of two as well.
PAIRWISE = {op.called for op in OPS.values() if op.axes and op.called != op.name}
INFIX: Mapping[str, type[ast.operator]] = {
    name: type(ast.parse(f"a {op.symbol} b", mode="eval").body.op)  # type: ignore[attr-defined]
    for op in OPS.values()
    if op.style in ("infix", "power") and op.strength != COMPARE
    for name in (op.name, *op.spelled)
}
COMPARED: Mapping[str, type[ast.cmpop]] = {
    **dict.fromkeys((GREATER.name, *GREATER.spelled), ast.Gt), "less": ast.Lt, "lt": ast.Lt,
    "greater_equal": ast.GtE, "ge": ast.GtE, "less_equal": ast.LtE, "le": ast.LtE,
}  # fmt: skip
#: What has no meaning here, and what to write instead.
INSTEAD: Mapping[str, str] = {
    "T": "a transpose has no brackets: write X.T",
    DIAG.name: "write diag(v) for a row or a column v, diagonal(A) for the diagonal of a matrix",
    DIAGONAL.name: "write diagonal(A), which is a column",
    "slogdet": "write logdet(A)",
    "vdot": "write a.T @ b for columns a and b",
    "einsum": "write a product such as A @ B, or sum(A * B, axis=1)",
    "var": "write mean((X - mean(X, axis=0)) ** 2, axis=0)",
    "std": "write sqrt(mean((X - mean(X, axis=0)) ** 2, axis=0))",
    "reshape": "write unvec(v, (n, m)), or vec(A)",
    "view": "write unvec(v, (n, m)), or vec(A)",
    "flatten": "write vec(A), which stacks columns",
    "item": "leave it out: a 1×1 matrix is a number",
    "detach": "what is detached has no gradient; declare it as an input",
}


class _Call(NamedTuple):
    """A call and its conventions: what it is called, its operands, and the options read off."""

    node: ast.Call
    shown: str
    library: str
    name: str
    args: list[ast.expr]
    options: dict[str, ast.expr]

    def error(self, message: str, hint: str | None = None) -> ParseError:
        return ParseError(f"{self.shown} {message}", hint=hint)


def module_of(node: ast.expr, names: Collection[str]) -> str | None:
    """Return the library's name that a prefix is, `None` where it is a value such as `X`."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id in names:
        return None
    path = ".".join([node.id, *parts])
    return path if path in MODULES or not parts else None


def in_the_language(node: ast.Call, names: Collection[str]) -> ast.expr:
    """Return a library's call, or a method's, in the syntax of the language.

    `names` are the values that there are. Raises `ParseError` for what has no meaning here.
    """
    assert isinstance(node.func, ast.Attribute)
    name, prefix = node.func.attr, module_of(node.func.value, names)
    if prefix is not None and prefix not in MODULES:
        raise ParseError(
            f"{prefix} has no shape, and is no library that is read{nearest(prefix, names)}",
            hint=f"write {prefix}: (n, d) in the text; libraries are np, torch, F, jnp and jax.nn",
        )
    library = MODULES[prefix] if prefix is not None else "method"
    operands = list(node.args) if prefix is not None else [node.func.value, *node.args]
    shown = f"{prefix}.{name}" if prefix is not None else f".{name}"
    call = _Call(node, shown, library, name, operands, _options(node))
    if any(isinstance(arg, ast.Starred) for arg in node.args):
        raise call.error("takes no starred arguments here")
    return ast.copy_location(_read(call), node)


def with_options(node: ast.Call) -> Any:
    """Return a reduction of the language, or its function of rows, along the axis that is meant."""
    assert isinstance(node.func, ast.Name)
    name, options = node.func.id, _options(node)
    if not options:
        return node
    return ast.copy_location(_by_axis(_Call(node, name, "", name, list(node.args), options)), node)


def _options(node: ast.Call) -> dict[str, ast.expr]:
    same = {"dim": "axis", "keepdim": "keepdims"}
    found: dict[str, ast.expr] = {}
    for option in node.keywords:
        if option.arg is None:
            raise ParseError("this is not in the language")
        found[same.get(option.arg, option.arg)] = option.value
    return found


def _read(call: _Call) -> ast.expr:
    name, op = call.name, CALLED.get(call.name)
    if op in ROWWISE or (op and op.axes and not (call.library == "torch" and _is_pairwise(call))):
        return _by_axis(call)
    special = _SPECIAL.get(name)
    if special is not None:
        return special(call)
    if name in INFIX:
        a, b = _operands(call, 2)
        return ast.BinOp(a, INFIX[name](), b)
    if name in COMPARED:
        a, b = _operands(call, 2)
        return ast.Compare(a, [COMPARED[name]()], [b])
    if name in INSTEAD:
        raise call.error("is not in the language", INSTEAD[name])
    if op is None:
        known = (*CALLED, *INFIX, *COMPARED, *_SPECIAL)
        raise call.error(
            f"is not in the language{nearest(name, known)}",
            "functions may be written by their names alone, such as exp(X)",
        )
    if op is GELU and (call.options or call.library == "jax"):
        if call.options.keys() - {"approximate"}:
            _no_options(call)
        if not call.options:
            raise call.error(
                "is an approximation by default", "write approximate=False, or gelu(X)"
            )
        if _constant(call.options["approximate"]) not in (False, "none"):
            raise call.error("with an approximation is another function; gelu is the exact one")
        return _called(name, call.args)
    _no_options(call)
    return _called(op.called, call.args)


def _is_pairwise(call: _Call) -> bool:
    """Whether torch's max and min compare two matrices entry by entry."""
    return (
        call.name in PAIRWISE
        and len(call.args) == 2
        and not call.options
        and _constant(call.args[1]) is None
        and not isinstance(call.args[1], ast.UnaryOp)
    )


def _by_axis(call: _Call) -> ast.expr:
    """Return a reduction, or a function of rows, along the axis that is meant."""
    op, args, options = CALLED[call.name], list(call.args), dict(call.options)
    if call.library and len(args) == 2 and "axis" not in options:
        options["axis"] = args.pop()
    if len(args) == 3 and call.library:
        options["axis"], options["keepdims"] = args[1:]
        del args[1:]
    if len(args) != 1:
        raise call.error(f"takes 1 argument, {len(args)} given")
    for option in options:
        if option not in ("axis", "keepdims"):
            raise call.error(f"has the options axis and keepdims; {option} is not known")
    axis = _axis(call, options["axis"]) if "axis" in options else None
    keep = _flag(call, options["keepdims"]) if "keepdims" in options else None
    if op in ROWWISE and axis is None:
        if call.library in ("torch", "scipy", "method"):
            raise call.error("needs to know along which axis", "write dim=1 for each row")
        axis = 1
    written_dim = any(option.arg == "dim" for option in call.node.keywords)
    by_torch = call.library == "torch" or (written_dim and call.library)
    if call.name in PAIRWISE and by_torch and axis is not None:
        raise call.error("with a dim gives places as well", f"write a{call.name}")
    if axis is not None and _drops(op) and keep is not True and (call.library or keep is False):
        raise call.error(
            "drops the axis, and every value here is a matrix",
            f"add keepdim{'' if written_dim else 's'}=True",
        )
    if op not in ROWWISE:
        return _called(op.called, args, axis)
    if axis == 1:
        return _called(op.called, args)
    return _turned(_placed(_called(op.called, [_turned(args[0])]), call))


def _drops(op: Op) -> bool:
    """Whether an axis has one entry left."""
    whole = Shape("n", "m")
    return op.shape(COLS, whole) != whole


def _axis(call: _Call, node: ast.expr) -> int | None:
    """Return 0 or 1, `None` for both axes."""
    if isinstance(node, ast.Tuple):
        axes = {_axis(call, one) for one in node.elts}
        if axes == {0, 1}:
            return None
        if len(axes) == 1:
            return axes.pop()
    value = _constant(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = {"1": 1, "2": 0}.get(str(_constant(node.operand)))
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value not in (0, 1):
        raise ParseError("the axis is 0 (over the rows) or 1 (over the columns)")
    return value


def _flag(call: _Call, node: ast.expr) -> bool:
    value = _constant(node)
    if not isinstance(value, bool):
        raise call.error("has an option keepdims that is True or False")
    return value


def _constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


# -- calls with a form of their own ----------------------------------------------------------------


def _transpose(call: _Call) -> ast.expr:
    """A transpose; with axes it is one where they are exchanged."""
    axes = [_constant(arg) for arg in call.args[1:]]
    moved = [[1, 0], [0, 1]] if call.library == "torch" else [[1, 0]]
    if call.options or (axes and axes not in moved):
        raise call.error("exchanges the two axes of a matrix", "write X.T")
    return _turned(call.args[0]) if call.args else _operands(call, 1)[0]


def _square(call: _Call) -> ast.expr:
    (a,) = _operands(call, 1)
    return ast.BinOp(a, ast.Pow(), _whole(2, a))


def _one_plus(call: _Call) -> ast.expr:
    """log1p(x) = log(1 + x)."""
    (a,) = _operands(call, 1)
    return _called(LOG.name, [_placed(ast.BinOp(_whole(1, a), ast.Add(), a), call)])


def _less_one(call: _Call) -> ast.expr:
    """expm1(x) = exp(x) - 1."""
    (a,) = _operands(call, 1)
    return ast.BinOp(_placed(_called(EXP.name, [a]), call), ast.Sub(), _whole(1, a))


def _reciprocal(call: _Call) -> ast.expr:
    (a,) = _operands(call, 1)
    return ast.BinOp(_whole(1, a), ast.Div(), a)


def _negative(call: _Call) -> ast.expr:
    (a,) = _operands(call, 1)
    return ast.UnaryOp(ast.USub(), a)


def _clip(call: _Call) -> ast.expr:
    """clip(X, a, b) = min(max(X, a), b)."""
    ends = (MIN.called, MAX.called)
    bounds = {k.removeprefix("a_"): v for k, v in call.options.items()}
    bounds |= dict(zip(ends, call.args[1:], strict=False))
    bounds = {k: v for k, v in bounds.items() if not _is_none(v)}
    if not call.args or len(call.args) > 3 or not bounds or not bounds.keys() <= {*ends}:
        raise call.error("takes a matrix and two bounds")
    found = call.args[0]
    for end, other in (ends, ends[::-1]):
        if end in bounds:
            found = _placed(_called(other, [found, bounds[end]]), call)
    return found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constant_matrix(call: _Call) -> ast.expr:
    """A matrix of ones or zeros, its shape a pair as in NumPy or two numbers as in PyTorch."""
    _no_options(call)
    dims = call.args
    if len(dims) == 1 and isinstance(dims[0], ast.Tuple):
        dims = dims[0].elts
    if len(dims) != 2:
        raise call.error("is a matrix here, with two dimensions", f"write {call.name}((n, 1))")
    return _called(call.name, dims)


def _identity(call: _Call) -> ast.expr:
    return _called(EYE.name, _operands(call, 1))


_SPECIAL: Mapping[str, Callable[[_Call], ast.expr]] = {
    TRANSPOSE.name: _transpose, "t": _transpose, "square": _square, "log1p": _one_plus,
    "expm1": _less_one, "reciprocal": _reciprocal, "negative": _negative, NEG.name: _negative,
    "clip": _clip, "clamp": _clip, ONES.name: _constant_matrix, ZEROS.name: _constant_matrix,
    EYE.name: _identity, "identity": _identity,
}  # fmt: skip


# -- pieces of syntax ------------------------------------------------------------------------------


def _operands(call: _Call, expected: int) -> list[ast.expr]:
    _no_options(call)
    if len(call.args) != expected:
        raise call.error(
            f"takes {expected} argument{'s' if expected > 1 else ''}, {len(call.args)} given"
        )
    return call.args


def _no_options(call: _Call) -> None:
    for option in call.options:
        raise call.error(f"takes no option {option} here")


def _called(name: str, args: list[ast.expr], axis: int | None = None) -> ast.Call:
    where = args[0] if args else None
    function: ast.expr = ast.Name(name, ast.Load())
    keywords = [] if axis is None else [ast.keyword("axis", ast.Constant(axis))]
    if where is not None:
        function = ast.copy_location(function, where)
        for option in keywords:
            ast.copy_location(option.value, where)
    return ast.Call(function, args, keywords)


def _placed(node: ast.expr, call: _Call) -> ast.expr:
    return ast.copy_location(node, call.node)


def _turned(node: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Attribute(node, "T", ast.Load()), node)


class Whole(ast.Constant):
    """A number that stands in no text."""


def _whole(value: int, beside: ast.expr) -> ast.expr:
    return ast.copy_location(Whole(value), beside)
