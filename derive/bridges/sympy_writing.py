"""The language's expressions as SymPy's.

An expression enters, an object of SymPy leaves: a 1×1 value is a scalar there. Operators without a
class there are told by what they are made of, or entry by entry as they are defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import sympy as sp
from sympy.matrices import expressions as mx
from sympy.matrices.expressions import diagonal

from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import OPS, Expr, nodes
from derive.expressions.shape import Dim, Product, Shape, size
from derive.ops.elementwise import GREATER, F
from derive.ops.linear import BROADCAST
from derive.ops.reduction import PROD
from derive.ops.rows import DIAG
from derive.ops.square import DET


def is_matrix(expr: Any) -> bool:
    return bool(getattr(expr, "is_Matrix", False))


class _Functions:
    """The functions of the table on scalars of SymPy, by their definitions where SymPy has none."""

    def relu(self, x: Any) -> Any:
        return sp.Max(0, x)

    def gt(self, x: Any, y: Any) -> Any:
        return sp.Heaviside(x - y, 0)

    def eq(self, x: Any, y: Any) -> Any:
        return sp.Piecewise((1, sp.Eq(x, y)), (0, True))

    def normcdf(self, x: Any) -> Any:
        return (1 + sp.erf(x / sp.sqrt(2))) / 2

    def pi(self) -> Any:
        return sp.pi

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            op = OPS[name]
        except KeyError:
            raise AttributeError(name) from None
        if op.left_open:
            return partial(_open, *op.left_open)
        if op.sympy:
            return getattr(sp, op.sympy)
        if op.through is None:
            raise UnsupportedError(f"SymPy has no node for {name}")
        return partial(op.through, self)


def _open(name: str, order: int, x: Any) -> Any:
    """Return a function that is left open, or its derivative, at a scalar."""
    y = x if isinstance(x, sp.Symbol) else sp.Dummy("x")
    value = sp.Function(name)(y)
    value = sp.Derivative(value, (y, order)) if order else value
    return value if y is x else sp.Subs(value, y, x) if order else value.subs(y, x)


class Writing:
    """The reading of expressions as SymPy's; a 1×1 value becomes a scalar."""

    def __init__(self, sizes: Mapping[str, int]):
        self.sizes = sizes
        self.functions = _Functions()
        self.done: dict[Expr, Any] = {}

    def read(self, root: Expr) -> Any:
        for node in nodes(root):
            if node not in self.done:
                self.done[node] = self._one(node, [self.done[arg] for arg in node.args])
        return self.done[root]

    def _one(self, node: Expr, args: list[Any]) -> Any:
        op = node.op
        if op.derivatives:
            return self._function(node, args)
        if (method := getattr(self, f"_{op.name}", None)) is not None:
            return method(node, *args)
        if node.meaning is not node:
            return self.read(node.meaning)
        if not op.sympy or not any(map(is_matrix, args)):
            return _Defined(self, node).value(args)
        if op is DIAG and node.args[0].shape.cols != 1:
            args = [args[0].T]
        return getattr(mx if hasattr(mx, op.sympy) else diagonal, op.sympy)(*args)

    def dim(self, dim: Dim) -> Any:
        if isinstance(dim, Product):
            return sp.Mul(*map(self.dim, dim.dims))
        known = size(dim, self.sizes)
        return sp.Integer(known) if isinstance(known, int) else sp.Symbol(str(known))

    def dims(self, shape: Shape) -> tuple[Any, Any]:
        return self.dim(shape.rows), self.dim(shape.cols)

    def ones(self, rows: Dim, cols: Dim) -> Any:
        return mx.OneMatrix(self.dim(rows), self.dim(cols))

    def _function(self, node: Expr, args: list[Any]) -> Any:
        """Return a function of each entry: `X.applyfunc(f)` where one argument varies."""
        define = getattr(self.functions, node.name)
        varying = [k for k, arg in enumerate(node.args) if _repeated(arg) is None]
        if node.shape.is_scalar:
            return define(*args)
        if len(varying) == 1:
            fixed = [self.read(_repeated(arg) or arg) for arg in node.args]
            (place,) = varying
            return args[place].applyfunc(lambda x: define(*fixed[:place], x, *fixed[place + 1 :]))
        if node.op is GREATER:
            return (args[0] - args[1]).applyfunc(lambda x: sp.Heaviside(x, 0))
        if node.op.through is None:
            raise UnsupportedError(f"SymPy has no node for {node.name}: {node}")
        return self.read(node.op.through(F, *node.args))

    # -- one method an operator --------------------------------------------------------------------

    def _var(self, node: Expr) -> Any:
        name = node.data[0]
        scalar = node.shape.is_scalar
        return sp.Symbol(name) if scalar else mx.MatrixSymbol(name, *self.dims(node.shape))

    def _number(self, node: Expr) -> Any:
        return sp.Rational(node.data.numerator, node.data.denominator)

    def _dim(self, node: Expr) -> Any:
        return self.dim(node.data)

    def _ones(self, node: Expr) -> Any:
        return sp.Integer(1) if node.shape.is_scalar else self.ones(*node.shape.dims)

    def _zeros(self, node: Expr) -> Any:
        return sp.Integer(0) if node.shape.is_scalar else mx.ZeroMatrix(*self.dims(node.shape))

    def _eye(self, node: Expr) -> Any:
        return sp.Integer(1) if node.shape.is_scalar else mx.Identity(self.dim(node.data))

    def _add(self, node: Expr, a: Any, b: Any) -> Any:
        return a + b

    def _sub(self, node: Expr, a: Any, b: Any) -> Any:
        return a - b

    def _neg(self, node: Expr, a: Any) -> Any:
        return -a

    def _mul(self, node: Expr, a: Any, b: Any) -> Any:
        left, right = (_repeated(arg) for arg in node.args)
        if left is not None:
            return self.read(left) * b
        if right is not None:
            return self.read(right) * a
        return mx.HadamardProduct(a, b)

    def _div(self, node: Expr, a: Any, b: Any) -> Any:
        left, right = (_repeated(arg) for arg in node.args)
        if right is not None:
            return a / self.read(right)
        inverse = mx.HadamardPower(b, -1)
        return mx.HadamardProduct(a, inverse) if left is None else self.read(left) * inverse

    def _pow(self, node: Expr, a: Any) -> Any:
        exponent = sp.Rational(node.data.numerator, node.data.denominator)
        return a**exponent if node.shape.is_scalar else mx.HadamardPower(a, exponent)

    def _matmul(self, node: Expr, a: Any, b: Any) -> Any:
        product = a * b if not is_matrix(a) or is_matrix(b) else b * a
        return _scalar_of(product)

    def _broadcast_to(self, node: Expr, a: Any) -> Any:
        (rows, cols), old = node.shape.dims, node.args[0].shape
        if old.is_scalar:
            return a * self.ones(rows, cols)
        return self.ones(rows, 1) * a if old.rows != rows else a * self.ones(1, cols)

    def _sum(self, node: Expr, a: Any) -> Any:
        rows, cols = node.args[0].shape.dims
        total = self.ones(1, rows) * a if 0 in node.data and rows != 1 else a
        return _scalar_of(total * self.ones(cols, 1) if 1 in node.data and cols != 1 else total)

    def _logdet(self, node: Expr, a: Any) -> Any:
        return sp.log(self.read(DET(*node.args)))

    def _norm(self, node: Expr, a: Any) -> Any:
        return sp.sqrt(mx.Trace(a.T * a)) if is_matrix(a) else sp.Abs(a)

    def _kron(self, node: Expr, a: Any, b: Any) -> Any:
        both = is_matrix(a) and is_matrix(b)
        return mx.KroneckerProduct(a, b) if both else a * b if is_matrix(b) else b * a


class _Defined:
    """The reading of a definition over SymPy's matrices and scalars, entry by entry."""

    sizes = None

    delta = staticmethod(sp.KroneckerDelta)

    def __init__(self, reader: Writing, node: Expr):
        self.reader, self.node = reader, node
        shapes = (node.shape, *(arg.shape for arg in node.args))
        if any(isinstance(dim, Product) for shape in shapes for dim in shape.dims):
            raise self._unknown()
        self.size = reader.dim

    def value(self, args: list[Any]) -> Any:
        """Return the value of an operator, given those of its arguments."""
        node = self.node
        data = {"data": node.data} if node.op.takes_data else {}
        views = [_Entries(v, *arg.shape.dims) for arg, v in zip(node.args, args, strict=True)]
        if node.shape.is_scalar:
            return node.op.entry(self, 0, 0, *views, **data)
        i, j = sp.Dummy("i", integer=True), sp.Dummy("j", integer=True)
        entry = sp.Lambda((i, j), node.op.entry(self, i, j, *views, **data))
        return mx.FunctionMatrix(*self.reader.dims(node.shape), entry)

    def number(self, value: Any) -> Any:
        return sp.Rational(Fraction(value).numerator, Fraction(value).denominator)

    def sum(self, dim: Dim, body: Callable[..., Any]) -> Any:
        if dim == 1:
            return body(0)
        k = sp.Dummy("k", integer=True)
        return sp.Sum(body(k), (k, 0, self.size(dim) - 1))

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Any:
        if name != PROD.name:
            raise self._unknown()
        words = [sp.Dummy("k", integer=True) for _ in dims]
        ranges = [(k, 0, self.size(dim) - 1) for k, dim in zip(words, dims, strict=True)]
        return sp.Product(body(*words), *ranges)

    def le(self, i: Any, j: Any) -> Any:
        return sp.Piecewise((1, sp.Le(i, j)), (0, True))

    def function(self, name: str, *args: Any) -> Any:
        return getattr(self.reader.functions, name)(*args)

    def det(self, A: _Entries) -> Any:
        return A[0, 0]

    def inverse(self, A: _Entries, i: Any, j: Any) -> Any:
        return 1 / A[0, 0]

    def __getattr__(self, name: str) -> Any:
        raise self._unknown()

    def _unknown(self) -> UnsupportedError:
        return UnsupportedError(f"SymPy has no node for {self.node.name}: {self.node}")


@dataclass
class _Entries:
    """A matrix or a scalar of SymPy as a definition sees it."""

    value: Any
    rows: Dim
    cols: Dim

    def __getitem__(self, place: tuple[Any, Any]) -> Any:
        return self.value[place] if is_matrix(self.value) else self.value


def _repeated(arg: Expr) -> Expr | None:
    """Return the scalar that an argument repeats, `None` where it is a matrix."""
    if arg.shape.is_scalar:
        return arg
    scalar = arg.op is BROADCAST and arg.args[0].shape.is_scalar
    return arg.args[0] if scalar else None


def _scalar_of(value: Any) -> Any:
    """Return the scalar that a 1×1 matrix of SymPy holds, or the matrix itself."""
    return mx.Trace(value) if is_matrix(value) and value.shape == (1, 1) else value
