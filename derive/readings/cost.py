"""What formulas cost: so many multiplications of numbers, as a polynomial of dimensions.

Enter formulas, each of whose operators is worked out once, leaves the number of products and
quotients that the operators' definitions ask for. The law: a cost is read off a definition. An
inverse and a determinant, which nobody works out by theirs, are counted as elimination has them:
d³ and d³/3 for d rows. A function's value is not counted, nor is a sign, a sum or a choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from typing import Any

from derive.calculus.index import PROD, place_of
from derive.expressions.expr import Expr, extent_of, nodes, number
from derive.expressions.shape import Dim, factors
from derive.ops.square import DET, INV, LOGDET

#: A polynomial: coefficients by the words of a product, sorted.
Polynomial = Mapping[tuple[str, ...], Fraction]
NONE: Polynomial = {}
ONE: Polynomial = {(): Fraction(1)}


def _plus(*terms: Polynomial) -> Polynomial:
    total: Counter[tuple[str, ...]] = Counter()
    for term in terms:
        for words, k in term.items():
            total[words] += k  # type: ignore[assignment]
    return {words: Fraction(k) for words, k in total.items() if k}


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    return _plus(*({tuple(sorted((*u, *v))): x * y} for u, x in a.items() for v, y in b.items()))


def size(dim: Dim) -> Polynomial:
    """Return a dimension as a polynomial."""
    parts = factors(dim) if dim != 1 else ()
    words = tuple(sorted(part for part in parts if isinstance(part, str)))
    whole = (part for part in parts if isinstance(part, int))
    return {words: Fraction(reduce(int.__mul__, whole, 1))}


@dataclass(frozen=True, slots=True)
class _Cost:
    """An entry by what it costs; a `sign` costs nothing to multiply by."""

    cost: Polynomial = field(default_factory=dict)
    sign: bool = False

    def _with(self, other: Any, multiplications: Polynomial) -> _Cost:
        other = _lifted(other)
        free = self.sign or other.sign
        both = _plus(self.cost, other.cost, NONE if free else multiplications)
        return _Cost(both, self.sign and other.sign)

    def __add__(self, other: Any) -> _Cost:
        return _Cost(self._with(other, NONE).cost)

    __radd__ = __sub__ = __rsub__ = __add__

    def __neg__(self) -> _Cost:
        return self

    def __mul__(self, other: Any) -> _Cost:
        return self._with(other, ONE)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> _Cost:
        return self._with(other, ONE)

    def __rtruediv__(self, other: Any) -> _Cost:
        return _Cost(_plus(self.cost, ONE))

    def __pow__(self, exponent: Any) -> _Cost:
        exponent = Fraction(exponent)
        if exponent.denominator != 1:
            return self  # a function's value
        times = abs(exponent) - (exponent > 0)
        return _Cost(_plus(self.cost, {(): Fraction(times)}))


def _lifted(value: Any) -> _Cost:
    return value if isinstance(value, _Cost) else _Cost(sign=abs(value) in (0, 1))


class _View:
    """An argument: its entries are worked out before."""

    def __init__(self, expr: Expr):
        self.expr = expr
        self.rows, self.cols = expr.shape.dims

    def __getitem__(self, place: Any) -> _Cost:
        return _Cost()


class _Costs:
    """The reading of one entry's definition as what it costs, for every size."""

    sizes = None
    entry = size = staticmethod(lambda *_: _Cost())
    delta = le = staticmethod(lambda *_: _Cost(sign=True))
    number = staticmethod(_lifted)

    def function(self, name: str, *args: Any) -> _Cost:
        return _Cost(_plus(*(_lifted(arg).cost for arg in args)))

    def sum(self, dim: Dim, body: Callable[..., Any]) -> _Cost:
        return _Cost(_times(size(dim), _lifted(body(0)).cost))

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> _Cost:
        count = reduce(_times, map(size, dims), ONE)
        inner = _lifted(body(*(0 for _ in dims))).cost
        more = _plus(count, {(): Fraction(-1)}) if name == PROD else NONE
        return _Cost(_plus(_times(count, inner), more))

    def inverse(self, A: _View, i: Any, j: Any) -> _Cost:
        return _Cost(size(A.rows))  # of d² entries that cost d³ together

    cofactor = inverse

    def det(self, A: _View) -> _Cost:
        cube = reduce(_times, [size(A.rows)] * 3)
        return _Cost({words: k / 3 for words, k in cube.items()})


def multiplications(formulas: Iterable[Expr], known: Iterable[Expr] = ()) -> Polynomial:
    """Return how many multiplications formulas cost, each of their operators worked out once.

    What is in the formulas that are `known` costs nothing any more.

    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, d); W: (d, m); b: (1, m); Y = X @ W + b; L = sum(Y ** 2) / (2 * n)")
    >>> print(polynomial(multiplications(s.expr for s in program.statements)))
    d * m * n + m * n + 2
    """
    done = {node for formula in known for node in nodes(formula)}
    costs: list[Polynomial] = []
    for formula in formulas:
        for node in nodes(formula):
            if node not in done:
                done.add(node)
                costs.append(_of(node))
    return _plus(*costs)


def _of(node: Expr) -> Polynomial:
    data = {"data": node.data} if node.op.takes_data else {}
    place = place_of(node.shape, "ij")
    entry = _lifted(node.op.entry(_Costs(), *place, *map(_View, node.args), **data))
    return reduce(_times, map(size, node.shape.dims), entry.cost)


def leading(cost: Polynomial) -> Polynomial:
    """Return the terms of highest degree.

    >>> from derive.ops import var
    >>> from derive.expressions.shape import Shape
    >>> X = var("X", Shape("n", "d"))
    >>> print(polynomial(leading(multiplications([(X.T @ X) * 2]))))
    d ** 2 * n
    """
    most = max(map(len, cost), default=0)
    return {words: k for words, k in cost.items() if len(words) == most}


def polynomial(cost: Polynomial, order: Iterable[str] = ()) -> Expr:
    """Return a polynomial as an expression, its words in an order, the largest terms first."""
    places = {word: k for k, word in enumerate(order)}
    total: Expr | None = None
    for words, k in sorted(cost.items(), key=lambda term: (-len(term[0]), term[0])):
        term: Expr | None = number(k) if k != 1 or not words else None
        for word in sorted({*words}, key=lambda word: (places.get(word, len(places)), word)):
            times = words.count(word)
            factor = extent_of(word) ** times if times > 1 else extent_of(word)
            term = factor if term is None else term * factor
        assert term is not None
        total = term if total is None else total + term
    return number(0) if total is None else total


def eliminates(formulas: Iterable[Expr]) -> bool:
    """Whether a cost is one of elimination: of an inverse or a determinant."""
    return any(node.op in (INV, DET, LOGDET) for formula in formulas for node in nodes(formula))
