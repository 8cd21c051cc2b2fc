"""Jets: numbers that carry a derivative along, by the calculus of a few functions of their own.

What enters is a chain of definitions, values, and directions in which some of them move; what
leaves is how fast each value moves then. This is the chain rule, and whoever judges at a point asks
here. No gradient rule is read.

Source of the derivatives: NIST Digital Library of Mathematical Functions (2024), 4.2, 4.20, 7.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from flint import arb, fmpq

from derive.expressions.expr import Expr, variables
from derive.expressions.program import Program
from derive.readings.base import Table
from derive.readings.numbers import (
    MOST_BITS,
    RAW,
    DomainError,
    Functions,
    Numbers,
    Real,
    Rows,
    divided,
    interval,
    is_short,
    raised,
    rational,
    raw,
)


class Jet:
    """A number and its derivative along one direction, both exact or intervals."""

    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any = 0):
        self.value: Any = value if type(value) in RAW else raw(value)
        self.slope: Any = slope if type(slope) in RAW else raw(slope)

    def __add__(self, other: Any) -> Jet:
        other = _jet(other)
        return Jet(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Any) -> Jet:
        other = _jet(other)
        same = self.value is other.value
        return Jet(rational(0) if same else self.value - other.value, self.slope - other.slope)

    def __rsub__(self, other: Any) -> Jet:
        return _jet(other) - self

    def __mul__(self, other: Any) -> Jet:
        other = _jet(other)
        return Jet(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other: Any) -> Jet:
        other = _jet(other)
        value = divided(self.value, other.value)
        return Jet(value, divided(self.slope - value * other.slope, other.value))

    def __rtruediv__(self, other: Any) -> Jet:
        return _jet(other) / self

    def __neg__(self) -> Jet:
        return Jet(-self.value, -self.slope)

    def __pow__(self, exponent: int | Fraction) -> Jet:
        exponent = Fraction(exponent)
        if exponent == 0:
            return Jet(1)
        value = raised(self.value, exponent)
        if self.slope == 0:
            return Jet(value)
        inner = raised(self.value, exponent - 1)
        return Jet(value, rational(exponent) * inner * self.slope)

    __radd__, __rmul__ = __add__, __mul__


def _jet(value: Any) -> Jet:
    return value if isinstance(value, Jet) else Jet(value)


#: The derivatives of the functions that others are defined by, at a number `x` with its value `y`.
SLOPES: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    "exp": lambda f, x, y: y,
    "log": lambda f, x, y: 1 / x,
    "sin": lambda f, x, y: f.cos(x),
    "cos": lambda f, x, y: -f.sin(x),
    "normcdf": lambda f, x, y: f.exp(-(x**2) / 2) / (2 * f.pi()) ** Fraction(1, 2),
}


class JetFunctions(Functions):
    """The functions of numbers on jets, each with the derivative that calculus gives it.

    Where several numbers are the largest, the slope of their maximum is the mean of theirs, by
    convention: each has an equal share.
    """

    number = Jet

    def lifted(self, value: Any) -> Any:
        if type(value) is not Jet:
            value = Jet(value)
        for number in (value.value, value.slope):
            if type(number) is fmpq and number.height_bits() > MOST_BITS:
                return Jet(*(x if is_short(x) else arb(x) for x in (value.value, value.slope)))
        return value

    def tied(self, winners: list[Any]) -> Any:
        return Jet(winners[0].value, sum(x.slope for x in winners) / len(winners))


def _with_slope(name: str, derivative: Callable[[Any, Any, Any], Any]) -> Callable[..., Jet]:
    plain = Functions()

    def function(self: Any, x: Jet) -> Jet:
        at = Real(x.value)
        y = getattr(plain, name)(at)
        return Jet(y) if x.slope == 0 else Jet(y, derivative(plain, at, y) * x.slope)

    return function


for _name, _derivative in SLOPES.items():
    setattr(JetFunctions, _name, _with_slope(_name, _derivative))


class Smooth(JetFunctions):
    """Those functions where the largest of several numbers moves in one way: else no value."""

    def tied(self, winners: list[Any]) -> Any:
        first, *others = winners
        ways = (interval(x.slope) - interval(first.slope) for x in others)
        if not all(way.contains(0) for way in ways):
            raise DomainError("the largest of several numbers that are equal")
        return first


class AwayFromTies(JetFunctions):
    """Those functions where no two numbers that move are both the largest: else no value."""

    def tied(self, winners: list[Any]) -> Any:
        if any(x.slope != 0 for x in winners):
            raise DomainError("the largest of several numbers that are equal")
        return winners[0]


JETS = JetFunctions()


# -- the chain rule --------------------------------------------------------------------------------

Key = TypeVar("Key")
#: A name, its formula unless it is given, and what the variables of the formula are.
Definition = tuple[Key, Expr | None, Mapping[str, Key]]


def chain(program: Program) -> Iterator[Definition[str]]:
    """Yield the definitions of a program's names, as far as its output depends on them."""
    reaching = program.reaching()
    yield from ((name, None, {}) for name in program.inputs if name in reaching)
    for s in program.statements:
        if s.name in reaching:
            yield s.name, s.expr, {leaf.data[0]: leaf.data[0] for leaf in variables(s.expr)}


def carried(
    definitions: Iterable[Definition[Key]],
    sizes: Mapping[str, int],
    values: Mapping[Key, Rows],
    directions: Mapping[Key, Rows],
    functions: JetFunctions = JETS,
) -> dict[Key, Table]:
    """Return jets of all that moves when some values move along directions of their own.

    >>> from derive.language.parse import parse
    >>> program, one = parse("x: (); y = x ** 2"), [[rational(1)]]
    >>> carried(chain(program), {}, {"x": [[rational(5)]]}, {"x": one})["y"][0][0].slope
    10
    """
    jets: dict[Key, Table] = {}
    for name, formula, operands in definitions:
        if formula is not None and not jets.keys().isdisjoint(operands.values()):
            own = {leaf: jets.get(key, values.get(key, [])) for leaf, key in operands.items()}
            rows = Numbers(sizes, own, functions).matrix(formula)
        elif name in directions:
            rows = Table(values[name]).map(Jet)
        else:
            continue
        if name in directions:
            rows = rows.zip(directions[name], lambda x, along: Jet(x.value, x.slope + along))
        jets[name] = rows
    return jets


def slope(rows: Table, weights: Rows) -> Any:
    """Return how fast the sum of entries times weights moves."""
    pairs = zip(rows.flat(), Table(weights).flat(), strict=True)
    return sum((x.slope * weight for x, weight in pairs), rational(0))
