"""Functions of one number that a program leaves open: `g: entrywise`, its derivatives g', g''.

What enters is a name and an order, what leaves is a row of the table. The law: nothing is known of
such a function but that it has derivatives, and that what is equal has equal values under it. Where
numbers are needed a sample stands for it; a sample refutes, and proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from derive.expressions.expr import OPS, Expr, Op, nodes
from derive.expressions.layout import Box, op as sign, row
from derive.ops.elementwise import function

#: Samples by their numerators over 1 + x²: smooth, bounded, and exact where their argument is.
NUMERATORS = ((1, 2), (2, -1), (-1, 3), (3, 1, 1), (1, -3, 2))
_KEY = re.compile(r"(\w+)('*)\(\)")


def unspecified(name: str, order: int = 0) -> Op:
    """Return the derivative of an order of a function that has a name and nothing else.

    >>> from derive.language.parse import parse
    >>> [statement] = parse("X: (n, d); g: entrywise; Y = g(X) * g.diff(X)").statements
    >>> print(statement), {arg.op.left_open for arg in statement.expr.args} == {("g", 0), ("g", 1)}
    Y = g(X) * g.diff(X)
    (None, True)
    """
    return OPS[f"{name}{order * chr(39)}()"]


@cache
def _row(key: str) -> Op | None:
    """Return the row of the table by its name there, `None` for a name of no such function."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    name, order = found[1], len(found[2])
    spelled = (f"{name}({{}})", f"{name}.diff({{}})", f"{name}.diff({{}}, {order})")
    return function(
        key,
        lambda f, y, x: getattr(f, unspecified(name, order + 1).name)(x),
        symbol=spelled[min(order, 2)],
        head=row(Box("id", text=name), *[sign("prime")] * order),
        gate=(f"{name}{order * chr(39)}",) * 2,
        left_open=(name, order),
        sample=lambda f, x: _ratio(name, order, x),
    )


OPS.beyond = _row


def derivative(op: Op) -> Op:
    """Return the derivative of a function that is left open.

    >>> derivative(unspecified("g")) is unspecified("g", 1)
    True
    """
    assert op.left_open is not None
    name, order = op.left_open
    return unspecified(name, order + 1)


def primed(name: str, order: int) -> str:
    """Return what code calls a derivative: `g`, `dg`, `d2g`."""
    return ("" if order == 0 else "d" if order == 1 else f"d{order}") + name


def left_open(roots: Iterable[Expr]) -> dict[str, list[int]]:
    """Return the functions in expressions that are left open, with the orders that occur.

    >>> from derive.language.parse import parse
    >>> left_open([parse("X: (n, d); g: entrywise; Y = g.diff(X) * g(X)").statements[0].expr])
    {'g': [0, 1]}
    """
    found: dict[str, set[int]] = {}
    for name, order in (n.op.left_open for root in roots for n in nodes(root) if n.op.left_open):
        found.setdefault(name, set()).add(order)
    return {name: sorted(orders) for name, orders in found.items()}


# -- samples ---------------------------------------------------------------------------------------


def _numerator(name: str) -> tuple[int, ...]:
    return NUMERATORS[sum(map(ord, name)) % len(NUMERATORS)]


@cache
def _derived(name: str, order: int) -> tuple[int, ...]:
    """Return p where the derivative of the sample is p / (1 + x²)^(order + 1)."""
    if order == 0:
        return _numerator(name)
    p = _derived(name, order - 1)
    slope = [k * c for k, c in enumerate(p)][1:]
    found = [0] * (len(p) + 1)
    for k, c in enumerate(slope):  # (p / q^m)' = (p' q - m p q') / q^(m + 1)
        found[k] += c
        found[k + 2] += c
    for k, c in enumerate(p):
        found[k + 1] -= 2 * order * c
    return tuple(found)


def _ratio(name: str, order: int, x: Any) -> Any:
    top: Any = 0
    for c in reversed(_derived(name, order)):
        top = top * x + c
    return top / (x * x + 1) ** (order + 1)


def samples(names: Iterable[str]) -> list[str]:
    """Return what stands for open functions where numbers are needed, as it is written.

    >>> samples(["g"])
    ['g(x) = (x ** 2 + x + 3) / (x ** 2 + 1)']
    """
    return [f"{name}(x) = {sample(name)}" for name in names]


def sample(name: str, order: int = 0) -> str:
    """Return what stands for an open function, or for a derivative of it, as it is written.

    >>> sample("g", 1)
    '(1 - 4 * x - x ** 2) / (x ** 2 + 1) ** 2'
    """
    below = f" ** {order + 1}" if order else ""
    return f"{_written(_derived(name, order))} / (x ** 2 + 1){below}"


def _written(coefficients: tuple[int, ...]) -> str:
    def power(k: int, c: int) -> str:
        x = ("", "x", f"x ** {k}")[min(k, 2)]
        return x if x and c == 1 else f"{c} * {x}" if x else str(c)

    terms = [(c, power(k, abs(c))) for k, c in enumerate(coefficients) if c]
    terms.sort(key=lambda term: term[0] < 0)
    (_, first), *rest = reversed(terms) if all(c > 0 for c, _ in terms) else terms
    return "(" + first + "".join(f" {'-' if c < 0 else '+'} {text}" for c, text in rest) + ")"
