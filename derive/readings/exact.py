"""Exact numbers: definitions read in fractions, and in intervals where a value is irrational.

What enters is an expression and the matrices of its names, what leaves is a matrix of numbers. A
number is a fraction as long as it is known to be one: sums, products, quotients and whole powers
are, exp(0), sqrt(4/9) and their like too. Anything else is an interval of Arb that holds the true
number. A `Jet` carries a derivative along with it, by the calculus of its own few functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache, partial
from itertools import product
from typing import Any

from flint import arb, ctx, fmpq, fmpz

from derive.expressions.errors import DeriveError
from derive.expressions.expr import OPS, Expr, nodes
from derive.expressions.limits import Cells
from derive.expressions.shape import Dim, Shape, extent
from derive.ops.square import cofactor, determinant
from derive.readings.numbers import exponential, real_power, whole_power

#: Binary digits of an interval, about 60 decimal ones.
BITS = 200
#: Digits that are shown of a number that goes on for ever, and up to which an exact one is written.
DIGITS, LONGEST = 17, 30

#: A fraction of numbers with more binary digits than this goes on as an interval.
MOST_BITS = 14_000

Rows = list[list[Any]]
#: The types of numbers that nothing carries.
RAW = (fmpq, arb)


class DomainError(DeriveError):
    """A value does not exist: a division by zero, the logarithm of a negative number."""


class Imprecise(DomainError):
    """An interval is too wide to say what is asked; with more digits it may be narrow enough."""


@contextmanager
def precision(bits: int = BITS) -> Iterator[None]:
    """Work with so many binary digits inside the block."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def rational(value: int | Fraction) -> Any:
    """Return an exact number in the form in which it is computed with.

    >>> rational(Fraction(1, 3)) * 3
    1
    """
    return fmpq(value.numerator, value.denominator)


def is_exact(value: Any) -> bool:
    return isinstance(value, fmpq)


class Real:
    """A number with Python's operators: a fraction where it is known to be one, else an interval.

    >>> (Real(Fraction(4, 9)) ** Fraction(1, 2)).value
    2/3
    """

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value: Any = value if isinstance(value, fmpq | arb) else _raw(value)

    def __add__(self, other: Any) -> Real:
        return Real(self.value + _raw(other))

    def __sub__(self, other: Any) -> Real:
        other = _raw(other)
        return Real(rational(0) if self.value is other else self.value - other)

    def __rsub__(self, other: Any) -> Real:
        return Real(_raw(other) - self.value)

    def __mul__(self, other: Any) -> Real:
        other = _raw(other)
        product = self.value * other
        if type(product) is arb and (self.value == 0 or other == 0) and product == 0:
            return Real(rational(0))  # nothing is left to be uncertain of
        return Real(product)

    def __truediv__(self, other: Any) -> Real:
        return Real(divided(self.value, _raw(other)))

    def __rtruediv__(self, other: Any) -> Real:
        return Real(divided(_raw(other), self.value))

    def __neg__(self) -> Real:
        return Real(-self.value)

    def __pow__(self, exponent: int | Fraction) -> Real:
        return Real(raised(self.value, Fraction(exponent)))

    __radd__, __rmul__ = __add__, __mul__


def _raw(value: Any) -> Any:
    if isinstance(value, Real):
        return value.value
    return rational(value) if isinstance(value, int | Fraction) else value


def divided(a: Any, b: Any) -> Any:
    """Return a quotient; raises `DomainError` where the divisor is zero, or may be."""
    if b == 0 or (not is_exact(b) and b.contains(0)):
        raise DomainError("division by zero")
    return a / b


def raised(base: Any, exponent: Fraction) -> Any:
    """Return a power; raises `DomainError` where it is no real number."""
    if exponent.denominator == 1:
        whole = int(exponent)
        if whole < 0:
            return divided(rational(1), raised(base, -exponent))
        if is_exact(base) and base.height_bits() * whole <= MOST_BITS:
            return base**whole
        return whole_power(arb(base), whole)
    if sign(base) < 0:
        raise DomainError(f"the power {exponent} of a negative number, {shown(base)}")
    if sign(base) == 0:
        if exponent < 0:
            raise DomainError("division by zero")
        return rational(0)
    if is_exact(base):
        root = _exact_root(base, exponent.denominator)
        if root is not None:
            return raised(root, Fraction(exponent.numerator))
    if exponent.denominator == 2:
        return raised(arb(base).sqrt(), Fraction(exponent.numerator))
    return _told(real_power(arb(base), arb(rational(exponent))))


def _told(value: Any) -> Any:
    """Return an interval; raises `DomainError` where it holds no number that could be told."""
    if not value.is_finite():
        raise DomainError("a number of so many digits that it cannot be told")
    return value


def _exact_root(value: Any, degree: int) -> Any | None:
    parts = []
    for whole in (value.p, value.q):
        root = fmpz(whole).root(degree)
        if root**degree != whole:
            return None
        parts.append(root)
    return fmpq(*parts)


def sign(value: Any) -> int:
    """Return −1, 0 or 1; raises `DomainError` where an interval leaves it open."""
    if is_exact(value):
        return (value > 0) - (value < 0)
    if value > 0:
        return 1
    if value < 0:
        return -1
    raise Imprecise(f"a number so near to 0 that its sign is not certain, {shown(value)}")


# -- functions -------------------------------------------------------------------------------------


class Functions:
    """The functions that others are defined by, on real numbers; `f.tanh` is found by definition.

    `tie` is the value of a mask such as x > y where both are equal.
    """

    tie = rational(0)

    def __getattr__(self, name: str) -> Callable[..., Real]:
        through = OPS[name].through
        assert through is not None, f"{name} has no definition"
        return partial(through, self)

    def exp(self, x: Any) -> Real:
        return Real(rational(1) if x.value == 0 else _told(exponential(arb(x.value))))

    def log(self, x: Any) -> Real:
        if sign(x.value) <= 0:
            word = "zero" if x.value == 0 else f"a negative number, {shown(x.value)}"
            raise DomainError(f"the logarithm of {word}")
        return Real(rational(0) if x.value == 1 else arb(x.value).log())

    def sin(self, x: Any) -> Real:
        return Real(rational(0) if x.value == 0 else arb(x.value).sin())

    def cos(self, x: Any) -> Real:
        return Real(rational(1) if x.value == 0 else arb(x.value).cos())

    def normcdf(self, x: Any) -> Real:
        half = rational(Fraction(1, 2))
        return Real(half if x.value == 0 else (1 + (arb(x.value) / arb(2).sqrt()).erf()) / 2)

    def pi(self) -> Real:
        return Real(arb.pi())

    def sign(self, x: Any) -> Real:
        return Real(sign(x.value))

    def abs(self, x: Any) -> Real:
        return Real(x.value * sign(x.value))

    def relu(self, x: Any) -> Real:
        return x if sign(x.value) > 0 else Real(0)

    def gt(self, x: Any, y: Any) -> Real:
        order = sign((x - y).value)
        return Real(self.tie if order == 0 else (order > 0))

    def eq(self, x: Any, y: Any) -> Real:
        return Real(int(sign((x - y).value) == 0))

    def where(self, c: Any, a: Any, b: Any) -> Real:
        return c * a + (1 - c) * b

    def max(self, a: Any, b: Any) -> Real:
        return a if sign((a - b).value) >= 0 else b

    def min(self, a: Any, b: Any) -> Real:
        return a if sign((a - b).value) <= 0 else b


class Jet:
    """A number and its derivative along one direction, both exact or intervals."""

    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any = 0):
        self.value: Any = _raw(value)
        self.slope: Any = _raw(slope)

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


class JetFunctions(Functions):
    """The same functions, each with the derivative that calculus gives it.

    At a tie of two operands the slope of their maximum is the mean of theirs, by convention.

    Source: NIST Digital Library of Mathematical Functions (2024), 4.2, 4.20 and 7.2.
    """

    def _lifted(self, name: str, x: Jet, derivative: Callable[[Any], Any]) -> Jet:
        value = getattr(super(), name)(Real(x.value)).value
        if x.slope == 0:
            return Jet(value)
        return Jet(value, derivative(value) * x.slope)

    def exp(self, x: Any) -> Any:
        return self._lifted("exp", _jet(x), lambda y: y)

    def log(self, x: Any) -> Any:
        return self._lifted("log", _jet(x), lambda y: divided(rational(1), x.value))

    def sin(self, x: Any) -> Any:
        return self._lifted("sin", _jet(x), lambda y: Functions().cos(Real(x.value)).value)

    def cos(self, x: Any) -> Any:
        return self._lifted("cos", _jet(x), lambda y: -Functions().sin(Real(x.value)).value)

    def normcdf(self, x: Any) -> Any:
        def density(y: Any) -> Any:
            return exponential(-(arb(x.value) ** 2) / 2) / (2 * arb.pi()).sqrt()

        return self._lifted("normcdf", _jet(x), density)

    def pi(self) -> Any:
        return Jet(arb.pi())

    def sign(self, x: Any) -> Any:
        return Jet(sign(_jet(x).value))

    def abs(self, x: Any) -> Any:
        return x * Jet(sign(x.value))

    def relu(self, x: Any) -> Any:
        return x if sign(x.value) > 0 else Jet(0)

    def max(self, a: Any, b: Any) -> Any:
        return self._winner(a, b, 1)

    def min(self, a: Any, b: Any) -> Any:
        return self._winner(a, b, -1)

    def _winner(self, a: Any, b: Any, better: int) -> Any:
        order = sign((a - b).value) * better
        if order == 0:
            return Jet(a.value, (a.slope + b.slope) / 2)
        return a if order > 0 else b

    def gt(self, x: Any, y: Any) -> Any:
        return Jet(super().gt(_jet(x), _jet(y)).value)

    def eq(self, x: Any, y: Any) -> Any:
        return Jet(super().eq(_jet(x), _jet(y)).value)


# -- reading an expression -------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _order(root: Expr) -> tuple[Expr, ...]:
    """Return the nodes of an expression, operands first; gates of a kind share a pattern."""
    return tuple(nodes(root))


class Reading:
    """The matrices of an expression at sizes, by the operators' definitions.

    `values` holds a matrix of raw numbers (or of `Jet`s) for each name. `number_of` lifts them.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        values: Mapping[str, Rows],
        functions: Functions | None = None,
    ):
        self.sizes = sizes
        self.values = values
        self.functions = functions or Functions()
        self.number: Callable[[Any], Any] = Jet if isinstance(functions, JetFunctions) else Real
        self.known: dict[Expr, Rows] = {}
        self.cells = Cells()

    def matrix(self, root: Expr) -> Rows:
        """Return the entries of an expression as `Real`s or `Jet`s."""
        known, number, sizes = self.known, self.number, self.sizes
        for node in _order(root):
            if node in known:
                continue
            op = node.op
            if op.name == "var":
                rows = self.values[node.data[0]]
                known[node] = [[number(x) if type(x) in RAW else x for x in row] for row in rows]
                continue
            views = [View(known[arg], arg.shape) for arg in node.args]
            data = {"data": node.data} if op.takes_data else {}
            self.cells.spend(*node.shape.extents(sizes))
            if node.shape.is_scalar:
                known[node] = [[self._lifted(op.entry(self, 0, 0, *views, **data))]]
                continue
            height, width = node.shape.extents(sizes)
            known[node] = [
                [self._lifted(op.entry(self, i, j, *views, **data)) for j in range(width)]
                for i in range(height)
            ]
        return known[root]

    def _lifted(self, value: Any) -> Any:
        if type(value) is Real:
            return value if _is_short(value.value) else Real(arb(value.value))
        if isinstance(value, Jet):
            if _is_short(value.value) and _is_short(value.slope):
                return value
            return Jet(*(x if _is_short(x) else arb(x) for x in (value.value, value.slope)))
        return self.number(value)

    def sum(self, dim: Dim, body: Callable[[int], Any]) -> Any:
        count = extent(dim, self.sizes)
        self.cells.spend(count)
        total = body(0)
        for k in range(1, count):
            total = total + body(k)
        return total

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Any:
        """Return the winner; of tied ones the mean, so that each has an equal share of a slope."""
        ranges = (range(extent(dim, self.sizes)) for dim in dims)
        first, *others = (self._lifted(body(*places)) for places in product(*ranges))
        better, winners = 1 if name == "max" else -1, [first]
        for other in others:
            order = sign((other - winners[0]).value)
            if order == better:
                winners = [other]
            elif order == 0:
                winners.append(other)
        if len(winners) == 1 or isinstance(first, Real):
            return winners[0]
        total = winners[0].slope
        for other in winners[1:]:
            total = total + other.slope
        return Jet(winners[0].value, total / len(winners))

    def entry(self, leaf: tuple, i: int, j: int) -> Any:
        return self._lifted(self.values[leaf[0]][i][j])

    def size(self, dim: Dim) -> Any:
        return self.number(extent(dim, self.sizes))

    def delta(self, i: int, j: int) -> Any:
        return self.number(int(i == j))

    def le(self, i: int, j: int) -> Any:
        return self.number(int(i <= j))

    def inverse(self, A: View, i: int, j: int) -> Any:
        return cofactor(A.values, j, i) / self.det(A)

    def det(self, A: View) -> Any:
        if A.determinant is None:
            A.determinant = self._lifted(determinant(A.values))
        return A.determinant

    def function(self, name: str, *args: Any) -> Any:
        return getattr(self.functions, name)(*(self._lifted(arg) for arg in args))


def _is_short(value: Any) -> bool:
    return not is_exact(value) or value.height_bits() <= MOST_BITS


class View:
    """A matrix as a definition sees it: its entries, its dimensions."""

    __slots__ = ("cols", "determinant", "rows", "values")

    def __init__(self, values: Rows, shape: Shape):
        self.values = values
        self.rows, self.cols = shape.dims
        self.determinant: Any = None

    def __getitem__(self, indices: tuple[int, int]) -> Any:
        return self.values[indices[0]][indices[1]]


class FloatFunctions(Functions):
    """The same functions in floating point."""

    def __init__(self) -> None:
        for name in ("exp", "log", "sin", "cos"):
            setattr(self, name, getattr(math, name))
        for function in (abs, max, min):
            setattr(self, function.__name__, function)

    def pi(self) -> Any:
        return math.pi

    def normcdf(self, x: Any) -> Any:
        return (1 + math.erf(x / math.sqrt(2))) / 2

    def sign(self, x: Any) -> Any:
        return float((x > 0) - (x < 0))

    def relu(self, x: Any) -> Any:
        return max(x, 0.0)

    def gt(self, x: Any, y: Any) -> Any:
        return float(x > y)

    def eq(self, x: Any, y: Any) -> Any:
        return float(x == y)


class FloatReading(Reading):
    """The same definitions in floating point: quick, and good enough to sort out what differs."""

    def __init__(self, sizes: Mapping[str, int], values: Mapping[str, Rows]):
        super().__init__(sizes, values, FloatFunctions())
        self.number = float

    def _lifted(self, value: Any) -> Any:
        return value

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Any:
        ranges = (range(extent(dim, self.sizes)) for dim in dims)
        return getattr(self.functions, name)(body(*places) for places in product(*ranges))


def raw(rows: Rows) -> Rows:
    """Return the numbers of a matrix without what carries them."""
    return [[x.value for x in row] for row in rows]


# -- numbers as text -------------------------------------------------------------------------------


def exact_text(value: Any) -> str | None:
    """Return a fraction as text, `None` for a number that is only enclosed.

    >>> exact_text(rational(Fraction(22, 10)))
    '11/5'
    """
    return str(value) if is_exact(value) else None


def decimal(value: Any, digits: int = DIGITS) -> str:
    """Return a number in decimals: in full where they end early, else to so many certain digits.

    >>> decimal(rational(Fraction(11, 5))), decimal(rational(Fraction(2, 3)), 5)
    ('2.2', '0.66667')
    """
    if is_exact(value):
        whole = _terminating(value)
        if whole is not None and len(whole.replace(".", "").lstrip("-0")) <= max(digits, LONGEST):
            return whole
        with precision(4 * digits + 64):
            return _plain(arb(value).str(digits, radius=False))
    if not value.is_finite():
        raise DomainError("a value that is not a finite number")
    text = value.str(digits, radius=False)
    if text == "0" or text.startswith("0e"):
        return "0." + "0" * digits  # not known to be zero, and smaller than what is shown
    return _plain(text)


def shown(value: Any, digits: int = 6) -> str:
    """Return a number as a reader of a message wants it: a short fraction, or a few digits."""
    if is_exact(value) and len(str(value)) <= 12:
        return str(value)
    return decimal(value, digits)


def _terminating(value: Any) -> str | None:
    """Return the decimals of a fraction that has finitely many, and not absurdly many."""
    bottom, places = int(value.q), 0
    top = int(value.p)
    twos = (bottom & -bottom).bit_length() - 1
    fives, rest = 0, bottom >> twos
    while rest % 5 == 0:
        fives, rest = fives + 1, rest // 5
    places = max(twos, fives)
    if rest != 1 or places > 60 or abs(top).bit_length() > 400:
        return None
    scaled = abs(top) * 10**places // bottom
    text = str(scaled).rjust(places + 1, "0")
    text = f"{text[:-places]}.{text[-places:]}" if places else text
    return f"-{text}" if top < 0 else text


def _plain(text: str) -> str:
    """Return a number without an exponent where it is short enough to be read."""
    mantissa, _, exponent = text.partition("e")
    if not exponent or not -8 < int(exponent) < 20:
        return text
    sign_, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, part = digits.partition(".")
    shift, figures = int(exponent), whole + part
    point = len(whole) + shift
    if point <= 0:
        return f"{sign_}0.{'0' * -point}{figures}"
    if point >= len(figures):
        return f"{sign_}{figures}{'0' * (point - len(figures))}"
    return f"{sign_}{figures[:point]}.{figures[point:]}"
