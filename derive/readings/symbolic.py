"""Written-out matrices as SymPy has them, for whoever wants to check them with SymPy alone.

What enters are shapes, formulas and sizes, what leaves are tables of SymPy's expressions in symbols
such as `X_1,2`. The law: an operator is written by its definition, so a function that jumps or has
a kink is one that is given by cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from derive.expressions.errors import UnsupportedError, nearest
from derive.expressions.expr import OPS, Expr, variables
from derive.expressions.program import Program
from derive.expressions.shape import Shape
from derive.readings.base import Table
from derive.readings.numbers import Functions, Numbers


def symbols(name: str, shape: Shape, sizes: Mapping[str, int]) -> Table:
    """Return the entries of a matrix as symbols; the one of a scalar is its name.

    >>> symbols("X", Shape("n", 2), {"n": 1})
    [[X_1,1, X_1,2]]
    """
    if shape.is_scalar:
        return Table([[sp.Symbol(name, real=True)]])
    extents = shape.extents(sizes)

    def symbol(*place: int) -> Any:
        return sp.Symbol(f"{name}_{','.join(str(k + 1) for k in place)}", real=True)

    return Table.of(extents, symbol)


def written(
    program: Program, gradients: Mapping[str, Expr], sizes: Mapping[str, int], name: str
) -> Any:
    """Return a value of a program, or one of its gradients by those before it, as SymPy's matrix.

    Raises `UnsupportedError` for a name that there is not.
    """
    output = program.output
    known = {n: symbols(n, program.leaves[n].shape, sizes) for n in program.inputs}
    one = Table([[sp.Integer(1)]])
    known[f"d{output}"] = one if program.is_loss else symbols(f"d{output}", output.shape, sizes)
    formulas = {s.name: s.expr for s in program.statements} | dict(gradients)
    every = [*known, *formulas]
    if name not in every:
        near = nearest(name, every)
        raise UnsupportedError(f"there is no {name}{near}", hint=f"there are {', '.join(every)}")
    needed, found = [name], set[str]()
    while needed:
        if (wanted := needed.pop()) not in found:
            found.add(wanted)
            needed += [x.data[0] for x in variables(formulas[wanted])] if wanted in formulas else []
    left = [n for n in formulas if n in found and n not in known]
    while left:  # a gradient may stand before one that it is given by
        ready = [n for n in left if all(x.data[0] in known for x in variables(formulas[n]))]
        known |= {n: Symbolic(sizes, known).matrix(formulas[n]) for n in ready}
        left = [n for n in left if n not in known]
    return sp.Matrix(known[name])


class Symbolic(Numbers):
    """The entries of formulas over tables of SymPy's expressions."""

    def __init__(self, sizes: Mapping[str, int], values: Mapping[str, Table]):
        super().__init__(sizes, values, _Written())

    def size(self, dim: Any) -> Any:
        return sp.Integer(int(super().size(dim)))


class _Written(Functions):
    """The functions that others are defined by, in SymPy."""

    exp, log, sin, cos = map(staticmethod, (sp.exp, sp.log, sp.sin, sp.cos))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        open_function = OPS[name].left_open if name in OPS else None
        if open_function is None:
            return super().__getattr__(name)
        known, order = open_function
        t = sp.Dummy("t")
        return lambda x: sp.Function(known)(t).diff(t, order).subs(t, x)

    def lifted(self, value: Any) -> Any:
        if isinstance(value, sp.Basic):
            return value
        exact = Fraction(value) if isinstance(value, int | Fraction) else Fraction(str(value))
        return sp.Rational(exact.numerator, exact.denominator)

    number = lifted

    def pi(self) -> Any:
        return sp.pi

    def normcdf(self, x: Any) -> Any:
        return (1 + sp.erf(x / sp.sqrt(2))) / 2

    def sign(self, x: Any) -> Any:
        return sp.sign(x)

    def gt(self, x: Any, y: Any) -> Any:
        return sp.Piecewise((1, x > y), (0, True))

    def eq(self, x: Any, y: Any) -> Any:
        return sp.Piecewise((1, sp.Eq(x, y)), (0, True))

    def abs(self, x: Any) -> Any:
        return sp.Abs(x)

    def relu(self, x: Any) -> Any:
        return sp.Piecewise((x, x > 0), (0, True))

    def max(self, *entries: Any) -> Any:
        return sp.Max(*entries)

    def min(self, *entries: Any) -> Any:
        return sp.Min(*entries)
