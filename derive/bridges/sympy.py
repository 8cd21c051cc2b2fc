"""SymPy's matrix expressions to programs and back.

A SymPy expression enters, the text of a program leaves, and the other way about. A node that the
other language has no word for is an error that names it: nothing changes its meaning on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import partial, reduce
from itertools import islice, permutations, product
from keyword import iskeyword
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices import expressions as mx
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagonalMatrix

from derive.bridges.sympy_writing import Writing, is_matrix
from derive.catalogue import Entry, opened
from derive.expressions.errors import ShapeError, UnsupportedError
from derive.expressions.expr import OPS, Expr, broadcast_to, elementwise, number
from derive.expressions.program import Program
from derive.expressions.shape import SCALAR, Dim, Shape, times, words
from derive.language.parse import Shapes, parse
from derive.language.scope import FUNCTIONS
from derive.language.syntax import NAME
from derive.ops import unspecified, var
from derive.ops.elementwise import DIV, HALF, MUL, F, power
from derive.ops.kronecker import KRON
from derive.ops.linear import BROADCAST, DIM, EYE, NEG, NUMBER, ONES, ZEROS
from derive.ops.reduction import COLS, ROWS, SUM
from derive.ops.rows import DIAG, DIAGONAL
from derive.ops.square import INV, LOGDET
from derive.ops.unspecified import left_open

#: A matrix power is written out as a product of at most so many factors.
LONGEST_POWER = 32


def from_sympy(*statements: Any) -> str:
    """Return the program that SymPy expressions state, as text with its shapes.

    >>> from sympy import MatrixSymbol, Trace, symbols
    >>> n, k = symbols("n k")
    >>> A, X = MatrixSymbol("A", k, n), MatrixSymbol("X", n, k)
    >>> from_sympy(Trace(A * X))
    'A: (k, n); X: (n, k); L = tr(A @ X)'

    The text is what `prove` and `check` take. The last statement is the output; `Eq(Z, X * W)`
    names a value, and later statements may use it. Sums of unequal shapes mean what they mean in
    NumPy, and products with `OneMatrix` become sums over an axis, or repetitions. Raises
    `UnsupportedError` for what the language cannot say, `ShapeError` where shapes do not fit.
    """
    if not statements:
        raise UnsupportedError("there is no expression to read")

    def program(reader: _FromSympy) -> str:
        *named, last = statements
        lines = [*map(reader.equation, named), reader.output(last)]
        shapes = (f"{n}: ({s.rows}, {s.cols})" for n, s in reader.declared())
        functions = (f"{name}: entrywise" for name in left_open(expr for _, expr in lines))
        text = "; ".join([*shapes, *functions, *(f"{name} = {expr}" for name, expr in lines)])
        parse(text)  # what leaves is a program
        return text

    with _shallow():
        return _in_some_order(statements, program)


def claim_from_sympy(name: str, expr: Any) -> str:
    """Return a claim about a gradient, as the text that `check` takes.

    >>> from sympy import MatrixSymbol, symbols
    >>> n, k = symbols("n k")
    >>> claim_from_sympy("dX", MatrixSymbol("A", k, n).T)
    'dX = A.T'

    The upstream gradient of a matrix `Y` is the matrix symbol `dY`. The shapes that count are those
    of the program. Raises `UnsupportedError` for what the language cannot say.
    """
    _checked(name)
    with _shallow():
        return _in_some_order((expr,), lambda reader: f"{name} = {reader.read(expr)}")


def to_sympy(program: str | Program | Entry | Expr, shapes: Shapes | None = None) -> Any:
    """Return a program's output, or a formula, as a SymPy expression.

    >>> to_sympy("X @ W + B", {"X": ("n", "d"), "W": ("d", "m"), "B": (1, "m")})
    X*W + 1*B
    >>> to_sympy("X: (n, 3); L = sum(X ** 2) / n")
    Trace(1*HadamardPower(X, 2)*1)/n

    Intermediates are put in. A 1×1 value is a scalar of SymPy, a sum is a product with matrices of
    ones (SymPy prints `OneMatrix` as `1`), and a dimension `n` is `Symbol("n")`. Raises
    `UnsupportedError` for what SymPy has no node for.
    """
    if isinstance(program, Expr):
        return Writing({}).read(program)
    read, _ = opened(program, shapes)
    return Writing(read.sizes).read(read.composed(read.statements[-1].expr))


# -- from SymPy ------------------------------------------------------------------------------------

#: The operators of the table by what SymPy calls them.
_KNOWN = {op.sympy: op for op in OPS.values() if op.sympy}
_HINTS = {
    "Adjoint": "matrices are real: write X.T",
    "Conjugate": "matrices are real: leave it out",
    "Sum": "write a Trace, or a product with OneMatrix",
    "MatrixElement": "a product with vectors picks an entry out",
    "ImmutableDenseMatrix": "give the matrix a name: MatrixSymbol('C', 2, 2)",
    "MutableDenseMatrix": "give the matrix a name: MatrixSymbol('C', 2, 2)",
    "Pi": "a Symbol can stand for it",
}


#: A product of dimensions is tried in at most so many orders of its factors.
MOST_ORDERS = 64


def _in_some_order(statements: tuple[Any, ...], read: Callable[[_FromSympy], str]) -> str:
    """Return what is read with the factors of dimensions in the first order in which shapes fit.

    SymPy sorts the factors of n * m; the rows of a Kronecker product stand in one of the orders.
    """
    kinds = (mx.MatrixSymbol, mx.OneMatrix, mx.ZeroMatrix, mx.Identity)
    known = [s for s in statements if isinstance(s, sp.Basic | sp.MatrixBase)]
    found = {d for s in known for m in s.atoms(*kinds) for d in m.args if isinstance(d, sp.Mul)}
    products = sorted(found, key=str)
    first: ShapeError | None = None
    for orders in islice(product(*(permutations(d.args) for d in products)), MOST_ORDERS):
        try:
            return read(_FromSympy(statements, dict(zip(products, orders, strict=True))))
        except ShapeError as error:
            first = first or error
    assert first is not None
    raise first


class _FromSympy:
    """The names of some SymPy expressions, and the reading of these expressions."""

    def __init__(self, statements: tuple[Any, ...], orders: Mapping[Any, tuple[Any, ...]]):
        self.orders = orders
        for statement in statements:
            if not isinstance(statement, sp.Basic | sp.MatrixBase):
                kind = type(statement).__name__
                raise UnsupportedError(f"a SymPy expression is expected, this is of type {kind}")
        self.matrices: dict[str, Shape] = {}
        self.dims: set[str] = set()
        self.scalars: set[str] = set()
        self.assigned: set[str] = set()
        for statement in statements:
            for symbol in sorted(statement.atoms(mx.MatrixSymbol), key=lambda s: s.name):
                self._declare(symbol)
            for one in statement.atoms(mx.OneMatrix, mx.ZeroMatrix, mx.Identity):
                self.dims.update(words(*self._shape(one).dims))
        for statement in statements:
            for symbol in statement.free_symbols - statement.atoms(mx.MatrixSymbol):
                if symbol.name not in self.dims:
                    self.scalars.add(_checked(symbol.name))
        both = sorted(self.scalars & set(self.matrices))
        if both:
            raise UnsupportedError(f"{both[0]} is both a matrix and a scalar")

    def _declare(self, symbol: Any) -> None:
        name, shape = _checked(symbol.name), self._shape(symbol)
        if self.matrices.setdefault(name, shape) != shape:
            raise ShapeError(f"{name} has two shapes: {self.matrices[name]} and {shape}")
        self.dims.update(words(*shape.dims))

    def declared(self) -> Iterator[tuple[str, Shape]]:
        """Yield the inputs whose shapes have to be stated."""
        yield from ((n, s) for n, s in self.matrices.items() if n not in self.assigned)

    def equation(self, statement: Any) -> tuple[str, Expr]:
        """Return the name and the value of `Eq(name, value)`."""
        if not isinstance(statement, sp.Eq):
            raise UnsupportedError(f"{statement} has no name", hint="write Eq(Z, ...)")
        name, expr = getattr(statement.lhs, "name", ""), self.read(statement.rhs)
        if not name:
            raise UnsupportedError(f"a name stands on the left of Eq, not {statement.lhs}")
        stated = self.matrices.get(name, SCALAR)
        if stated != expr.shape:
            raise ShapeError(f"{name} is {stated}, its value is {expr.shape}")
        self.assigned.add(name)
        return name, expr

    def output(self, statement: Any) -> tuple[str, Expr]:
        """Return the name and the value of the last statement, which may have no name."""
        if isinstance(statement, sp.Eq):
            return self.equation(statement)
        expr = self.read(statement)
        taken = {*self.matrices, *self.scalars, *self.dims}
        wanted = ("L", "J", "f") if expr.shape.is_scalar else ("Y", "Z", "F")
        free = (name for name in (*wanted, "Y_out") if not {name, f"d{name}"} & taken)
        return next(free, "out"), expr

    def read(self, expr: Any) -> Expr:
        return self.matrix(expr) if is_matrix(expr) else self.scalar(expr, {})

    def _shape(self, expr: Any) -> Shape:
        try:
            return Shape(self._dim(expr.rows), self._dim(expr.cols))
        except TypeError:  # a GenericIdentity, a GenericZeroMatrix
            raise _unsupported(expr) from None

    def _dim(self, dim: Any) -> Dim:
        if isinstance(dim, sp.Symbol):
            return _checked(dim.name)
        if isinstance(dim, sp.Mul):
            return times(*map(self._dim, self.orders.get(dim, dim.args)))
        if not dim.is_Integer:
            raise UnsupportedError(
                f"the dimension {dim} is neither a name nor a whole number, nor a product of these",
                hint="give it a Symbol of its own",
            )
        if dim < 1:
            raise ShapeError(f"a dimension must be at least 1, this one is {dim}")
        return int(dim)

    # -- matrices ----------------------------------------------------------------------------------

    def matrix(self, expr: Any) -> Expr:
        """Return a matrix of SymPy as an expression."""
        match expr:
            case mx.MatrixSymbol():
                return var(expr.name, self._shape(expr))
            case mx.Identity():
                return EYE(data=self._dim(expr.rows))
            case mx.OneMatrix() | mx.ZeroMatrix():
                constant = ONES if isinstance(expr, mx.OneMatrix) else ZEROS
                return constant(data=self._shape(expr))
            case mx.MatAdd():
                return _total([self._signed(arg) for arg in expr.args])
            case mx.MatMul():
                return self._product(expr)
            case mx.MatPow():  # an Inverse is one
                return self._matrix_power(expr)
            case mx.HadamardProduct():
                return _ratio(*self._hadamard(expr.args))
            case mx.HadamardPower():
                return _ratio(*self._hadamard([expr]))
            case ElementwiseApplyFunction():
                function = expr.function
                return self.scalar(function.expr, {function.variables[0]: self.matrix(expr.expr)})
            case DiagonalMatrix():
                return DIAG(DIAGONAL(self.matrix(expr.arg)))
            case mx.KroneckerProduct():
                return reduce(KRON, map(self.matrix, expr.args))
        if (known := _KNOWN.get(type(expr).__name__)) is not None:
            return known(*map(self.matrix, expr.args))
        raise _unsupported(expr)

    def _signed(self, term: Any) -> tuple[bool, Expr]:
        """Return whether a term is subtracted, and the term without its sign."""
        factor = term.as_coeff_matrices()[0] if isinstance(term, mx.MatMul) else sp.Integer(1)
        negative = factor.could_extract_minus_sign()
        return negative, self.matrix(-term if negative else term)

    def _product(self, expr: Any) -> Expr:
        scalars = [arg for arg in expr.args if not is_matrix(arg)]
        matrices = [self.matrix(arg) for arg in expr.args if is_matrix(arg)]
        return _scaled(self, sp.Mul(*scalars), reduce(_matmul, matrices))

    def _matrix_power(self, expr: Any) -> Expr:
        exponent = expr.exp
        if not exponent.is_Integer:
            raise UnsupportedError(f"the matrix power {expr} is not in the language",
                                   hint="the exponent is a whole number")  # fmt: skip
        if abs(exponent) > LONGEST_POWER:
            raise UnsupportedError(
                f"the matrix power {expr} is too long: {exponent} is beyond {LONGEST_POWER}"
            )
        base = self.matrix(expr.base)
        if exponent == 0:
            return EYE(data=base.shape.rows)
        if exponent < 0:
            base = INV(base)
        return reduce(_matmul, [base] * abs(int(exponent)))

    def _hadamard(self, factors: Any) -> tuple[list[Expr], list[Expr]]:
        """Return the factors of an entrywise product above and below the line."""
        above: list[Expr] = []
        below: list[Expr] = []
        for factor in factors:
            exponent = Fraction(1)
            if isinstance(factor, mx.HadamardPower):
                if not (factor.exp.is_Rational and is_matrix(factor.base)):
                    raise UnsupportedError(
                        f"the entrywise power {factor} is not in the language",
                        hint="the exponent is a number",
                    )
                factor, exponent = factor.base, _fraction(factor.exp)
            side = below if exponent < 0 else above
            side.append(_powered(self.matrix(factor), abs(exponent)))
        return above, below

    # -- scalars, and functions of one entry -------------------------------------------------------

    def scalar(self, expr: Any, bound: Mapping[Any, Expr]) -> Expr:
        """Return a scalar of SymPy as an expression; a bound symbol stands for a matrix's entry."""
        again = partial(self.scalar, bound=bound)
        if expr in bound:
            return bound[expr]
        if is_matrix(expr):
            raise UnsupportedError(
                f"{expr} is a matrix where SymPy means a scalar",
                hint="for a function of each entry write X.applyfunc(exp)",
            )
        match expr:
            case sp.Rational() | sp.Float():
                return number(_fraction(expr))
            case sp.Symbol():
                return self._symbol(expr)
            case sp.Add():
                terms = expr.as_ordered_terms()
                return _total([
                    (t.could_extract_minus_sign(), again(-t if t.could_extract_minus_sign() else t))
                    for t in terms
                ])  # fmt: skip
            case sp.Mul() | sp.Pow():
                return self._scalar_product(expr, again)
            case sp.core.numbers.Exp1():
                return F.exp(number(1))
            case sp.Max() | sp.Min():
                return _extreme(expr, [again(arg) for arg in expr.args])
            case sp.Heaviside() if expr.args[1] == 0:
                return again(expr.args[0]) > 0
            case sp.Piecewise():
                return self._cases(expr, again)
            case sp.log(args=(mx.Determinant(arg=arg),)):
                return LOGDET(self.matrix(arg))
            case mx.Trace() | mx.Determinant():
                arg = self.matrix(expr.arg)
                return arg if arg.shape.is_scalar else _KNOWN[type(expr).__name__](arg)
            case mx.matexpr.MatrixElement() if self._shape(expr.parent).is_scalar:
                return self.matrix(expr.parent)
            case sp.core.function.AppliedUndef() if len(expr.args) == 1:
                return unspecified(self._open(expr), 0)(again(*expr.args))
            case sp.Derivative(expr=sp.core.function.AppliedUndef(args=(x,)) as of):
                if [known for known, _ in expr.variable_count] == [x]:
                    return unspecified(self._open(of), expr.derivative_count)(again(x))
            case sp.Subs():
                at = dict(zip(expr.variables, map(again, expr.point), strict=True))
                return self.scalar(expr.expr, {**bound, **at})
        if (known := _KNOWN.get(type(expr).__name__)) is not None and known.derivatives:
            return known(again(*expr.args))
        raise _unsupported(expr)

    def _open(self, expr: Any) -> str:
        """Return the name of a function of which SymPy knows nothing else."""
        return _checked(expr.func.__name__)

    def _symbol(self, symbol: Any) -> Expr:
        if symbol.name in self.dims:
            return DIM(data=symbol.name)
        return var(symbol.name, SCALAR)

    def _scalar_product(self, expr: Any, again: Callable[[Any], Expr]) -> Expr:
        above, below = sp.fraction(expr, exact=True)
        if below != 1:
            return again(above) / again(below)
        if isinstance(expr, sp.Pow):
            if not expr.exp.is_Rational:
                raise UnsupportedError(
                    f"the power {expr} is not in the language", hint="write exp(b * log(a)) instead"
                )
            return _powered(again(expr.base), _fraction(expr.exp))
        if expr.args[0] == -1:
            return _negated(again(-expr))
        return reduce(lambda a, b: a * b, map(again, expr.as_ordered_factors()))

    def _cases(self, expr: Any, again: Callable[[Any], Expr]) -> Expr:
        *cases, (otherwise, always) = expr.args
        if always != True:  # noqa: E712 - a truth value of SymPy
            raise UnsupportedError(f"{expr} has no last case that always holds")
        found = again(otherwise)
        for value, condition in reversed(cases):
            if isinstance(condition, sp.Eq | sp.Ne) and condition.rhs == 0:
                zero = F.eq(again(condition.lhs), number(0))
                sides = (again(value), found)
                found = F.where(zero, *(sides if isinstance(condition, sp.Eq) else sides[::-1]))
                continue
            if not isinstance(condition, sp.StrictGreaterThan | sp.StrictLessThan):
                raise UnsupportedError(
                    f"the condition {condition} is not in the language",
                    hint="write > or <, or compare with 0",
                )
            found = F.where(again(condition.gts) > again(condition.lts), again(value), found)
        return found


@contextmanager
def _shallow() -> Iterator[None]:
    """SymPy's own methods call themselves, so a deep expression ends them."""
    try:
        yield
    except RecursionError:
        raise UnsupportedError("the expression is nested too deeply") from None


def _total(terms: list[tuple[bool, Expr]]) -> Expr:
    """Return a sum of signed terms, a positive one first where there is one."""
    terms = sorted(terms, key=lambda term: term[0]) if terms[0][0] else terms
    (negative, found), *others = terms
    found = _negated(found) if negative else found
    for negative, term in others:
        found = found - term if negative else found + term
    return found


def _negated(expr: Expr) -> Expr:
    """Return the negative, the sign at a leading number where there is one: `-2 * X`."""
    if expr.op is NUMBER:
        return number(-expr.data)
    if expr.op in (MUL, DIV):
        left, right = expr.args
        left = _negated(left.args[0] if left.op is BROADCAST else left)
        if left.op is not NEG:
            return elementwise(expr.name, left, right)
    return -expr


def _scaled(reader: _FromSympy, factor: Any, matrix: Expr) -> Expr:
    """Return a scalar of SymPy times a matrix: `2 * X`, `X / 2`, `-X`."""
    if factor.could_extract_minus_sign():
        return _negated(_scaled(reader, -factor, matrix))
    above, below = sp.fraction(factor, exact=True)
    found = matrix if above == 1 else reader.scalar(above, {}) * matrix
    return found if below == 1 else found / reader.scalar(below, {})


def _matmul(a: Expr, b: Expr) -> Expr:
    """Return a product; with a row or a column of ones it is a sum, or a repetition."""
    if a.shape.cols != b.shape.rows:
        return a @ b  # which says so
    if a.op is ONES and 1 in a.shape.dims:
        found = SUM(b, data=ROWS) if a.shape.cols != 1 else b
        return broadcast_to(found, Shape(a.shape.rows, b.shape.cols))
    if b.op is ONES and 1 in b.shape.dims:
        if b.shape.rows != 1:
            rows = a.op is SUM and a.data == ROWS
            a = SUM(a.args[0]) if rows else SUM(a, data=COLS)
        return broadcast_to(a, Shape(a.shape.rows, b.shape.cols))
    return a @ b


def _ratio(above: list[Expr], below: list[Expr]) -> Expr:
    found = reduce(lambda a, b: a * b, above) if above else number(1)
    return found / reduce(lambda a, b: a * b, below) if below else found


def _powered(base: Expr, exponent: Fraction) -> Expr:
    return F.sqrt(base) if exponent == HALF else power(base, exponent)


def _extreme(expr: Any, args: list[Expr]) -> Expr:
    """Return a maximum or a minimum; the maximum of 0 and x is relu(x)."""
    if isinstance(expr, sp.Max) and len(args) == 2 and 0 in expr.args:
        return F.relu(args[1 - expr.args.index(0)])
    return reduce(partial(elementwise, _KNOWN[type(expr).__name__].name), args)


def _unsupported(node: Any) -> UnsupportedError:
    kind = type(node).__name__
    shown = str(node).replace("\n", "")
    shown = shown if len(shown) <= 60 else f"{shown[:56]} ..."
    word = "function" if isinstance(node, AppliedUndef) else "node"
    return UnsupportedError(
        f"SymPy's {word} {kind} is not in the language: {shown}", hint=_HINTS.get(kind)
    )


def _fraction(value: Any) -> Fraction:
    """Return a number of SymPy exactly; a decimal is the decimal that it prints."""
    if not value.is_finite:
        raise UnsupportedError(f"{value} is not a number of the language")
    return Fraction(str(value)) if value.is_Float else Fraction(int(value.p), int(value.q))


def _checked(name: str) -> str:
    """Return a name that the language can say."""
    if not NAME.match(name) or iskeyword(name):
        raise UnsupportedError(
            f"the SymPy name {name!r} is not a name of the language",
            hint="a name is letters, digits and underscores, begins with a letter, "
            "and is no word of Python",
        )
    if name in FUNCTIONS:
        raise UnsupportedError(
            f"the SymPy name {name!r} is a function of the language", hint="choose another name"
        )
    return name


__all__ = ["claim_from_sympy", "from_sympy", "to_sympy"]
