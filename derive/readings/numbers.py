"""Numbers: definitions read in fractions where these suffice, and in intervals where not.

What enters is an expression and the matrices of its names, what leaves is a matrix of numbers. A
number is a fraction as long as it is known to be one: sums, products, quotients and whole powers
are, exp(0), sqrt(4/9) and their like too. Anything else is an interval of Arb that holds the true
number. Where a value does not exist, or cannot be told, that is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import partial, reduce
from typing import Any

from flint import arb, ctx, fmpq, fmpz

from derive.expressions.errors import DeriveError
from derive.expressions.expr import OPS
from derive.expressions.limits import Cells
from derive.expressions.program import Statement
from derive.ops.elementwise import MAXIMUM, MINIMUM
from derive.readings.base import AtSizes, Place, Table, View

#: Binary digits of an interval, about 60 decimal ones.
BITS = 200
#: Digits that are shown of a number that goes on for ever, and up to which an exact one is written.
DIGITS, LONGEST = 17, 30
#: Digits with which two numbers are shown until they look different; a fraction so long is rounded.
APART, LONG = (6, 12, 24, 48), 24
#: A fraction of numbers with more binary digits than this goes on as an interval.
MOST_BITS = 14_000
#: FLINT ends the process where the exponent of an exponent is larger than a word of the machine.
HUGE = arb(2) ** 60

Rows = list[list[Any]]
#: The types of numbers that nothing carries.
RAW = frozenset((fmpq, arb))


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


def interval(value: Any) -> Any:
    """Return a number as an interval; one that it is already stays the same object."""
    value = raw(value)
    return value if type(value) is arb else arb(value)


def numbers(rows: Rows) -> Table:
    """Return a matrix of numbers in the form in which they are computed with."""
    return Table(rows).map(raw)


def inner(one: Rows, other: Rows) -> Any:
    """Return the sum of the products of the entries of two matrices."""
    pairs = zip(Table(one).flat(), Table(other).flat(), strict=True)
    return sum((x * y for x, y in pairs), rational(0))


class Real:
    """A number with Python's operators: a fraction where it is known to be one, else an interval.

    >>> (Real(Fraction(4, 9)) ** Fraction(1, 2)).value
    2/3
    """

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value: Any = value if type(value) in RAW else raw(value)

    def __add__(self, other: Any) -> Real:
        return Real(self.value + raw(other))

    def __sub__(self, other: Any) -> Real:
        other = raw(other)
        return Real(rational(0) if self.value is other else self.value - other)

    def __rsub__(self, other: Any) -> Real:
        return Real(raw(other) - self.value)

    def __mul__(self, other: Any) -> Real:
        other = raw(other)
        product = self.value * other
        if type(product) is arb and (self.value == 0 or other == 0) and product == 0:
            return Real(rational(0))  # nothing is left to be uncertain of
        return Real(product)

    def __truediv__(self, other: Any) -> Real:
        return Real(divided(self.value, raw(other)))

    def __rtruediv__(self, other: Any) -> Real:
        return Real(divided(raw(other), self.value))

    def __neg__(self) -> Real:
        return Real(-self.value)

    def __pow__(self, exponent: int | Fraction) -> Real:
        return Real(raised(self.value, Fraction(exponent)))

    __radd__, __rmul__ = __add__, __mul__


def raw(value: Any) -> Any:
    if type(value) in RAW:
        return value
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
    if is_exact(value) or value == 0:
        return (value > 0) - (value < 0)
    if value > 0:
        return 1
    if value < 0:
        return -1
    raise Imprecise(f"a number so near to 0 that its sign is not certain, {shown(value)}")


def exponential(value: Any) -> Any:
    """Return exp of an interval; beyond e^HUGE it is no number that could be told."""
    return value.exp() if abs(value) < HUGE else arb("nan")


def real_power(value: Any, exponent: Any) -> Any:
    """Return a power of an interval, none where it is larger or smaller than could be told."""
    if value > 0 and not abs(value.log() * exponent) < HUGE:
        return arb("nan")
    return value**exponent


def whole_power(value: Any, exponent: int) -> Any:
    """Return a power by products: Arb's own has no value where the interval holds a zero."""
    if exponent < 0:
        return 1 / whole_power(value, -exponent)
    result = arb(1)
    while exponent:
        if exponent & 1:
            result = result * value
        value, exponent = value * value, exponent >> 1
    return result


# -- functions -------------------------------------------------------------------------------------


class Functions:
    """The functions that others are defined by, on real numbers; `f.tanh` is found by definition.

    `tie` is the value of a mask such as x > y where both are equal.
    """

    tie = rational(0)
    number: Callable[[Any], Any] = Real

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            through = OPS[name].through or OPS[name].sample
        except KeyError:
            through = None
        if through is None:
            raise AttributeError(f"{name} has no definition")
        self.__dict__[name] = found = partial(through, self)
        return found

    def lifted(self, value: Any) -> Any:
        """Return a number with Python's operators; of too many digits it goes on as an interval."""
        if type(value) is not Real:
            value = Real(value)
        number = value.value
        if type(number) is fmpq and number.height_bits() > MOST_BITS:
            return Real(arb(number))
        return value

    def exp(self, x: Any) -> Any:
        return Real(rational(1) if x.value == 0 else _told(exponential(arb(x.value))))

    def log(self, x: Any) -> Any:
        if sign(x.value) <= 0:
            word = "zero" if x.value == 0 else f"a negative number, {shown(x.value)}"
            raise DomainError(f"the logarithm of {word}")
        return Real(rational(0) if x.value == 1 else arb(x.value).log())

    def sin(self, x: Any) -> Any:
        return Real(rational(0) if x.value == 0 else arb(x.value).sin())

    def cos(self, x: Any) -> Any:
        return Real(rational(1) if x.value == 0 else arb(x.value).cos())

    def normcdf(self, x: Any) -> Any:
        half = rational(Fraction(1, 2))
        return Real(half if x.value == 0 else (1 + (arb(x.value) / arb(2).sqrt()).erf()) / 2)

    def pi(self) -> Any:
        return self.lifted(arb.pi())

    def sign(self, x: Any) -> Any:
        return self.lifted(sign(x.value))

    def gt(self, x: Any, y: Any) -> Any:
        order = sign((x - y).value)
        return self.lifted(self.tie if order == 0 else int(order > 0))

    def eq(self, x: Any, y: Any) -> Any:
        return self.lifted(int(sign((x - y).value) == 0))

    def max(self, *entries: Any) -> Any:
        return self._winner(1, entries)

    def min(self, *entries: Any) -> Any:
        return self._winner(-1, entries)

    def _winner(self, better: int, entries: tuple[Any, ...]) -> Any:
        winners = [entries[0]]
        for other in entries[1:]:
            order = sign((other - winners[0]).value) * better
            if order > 0:
                winners = [other]
            elif order == 0:
                winners.append(other)
        return winners[0] if len(winners) == 1 else self.tied(winners)

    def tied(self, winners: list[Any]) -> Any:
        """Return the largest of numbers where several are equal."""
        return winners[0]


PLAIN = Functions()


def is_short(value: Any) -> bool:
    return not is_exact(value) or value.height_bits() <= MOST_BITS


class Wide(Real):
    """A number that may be any of an interval's: less itself it is not taken to be zero."""

    __slots__ = ()

    def __sub__(self, other: Any) -> Real:
        return Real(self.value - raw(other))


class Enclosing(Functions):
    """The same functions where intervals may be wide: of what they leave open all is held."""

    number = Wide

    def lifted(self, value: Any) -> Any:
        return value if type(value) is Wide else Wide(super().lifted(value).value)

    def sign(self, x: Any) -> Any:
        return Real(sign(x.value) if is_exact(x.value) else x.value.sgn())

    def gt(self, x: Any, y: Any) -> Any:
        x, y = raw(x), raw(y)
        order = rational(0) if x is y else self.sign(Real(x - y)).value
        known = is_exact(order) or order.is_exact()
        return Real(int(order > 0) if known else arb(0.5, 0.5))

    def eq(self, x: Any, y: Any) -> Any:
        x, y = raw(x), raw(y)
        apart = rational(0) if x is y else x - y
        if apart == 0:
            return Real(1)
        return Real(0 if is_exact(apart) or not apart.contains(0) else arb(0.5, 0.5))

    def max(self, *entries: Any) -> Any:
        return reduce(partial(MAXIMUM.through, self), entries)  # type: ignore[arg-type, misc]

    def min(self, *entries: Any) -> Any:
        return reduce(partial(MINIMUM.through, self), entries)  # type: ignore[arg-type, misc]


class Floats(Functions):
    """The same functions in floating point: quick, and good enough to sort out what differs."""

    number = float

    def __init__(self) -> None:
        for name in ("exp", "log", "sin", "cos"):
            setattr(self, name, getattr(math, name))
        for function in (abs, max, min):
            setattr(self, function.__name__, function)

    def lifted(self, value: Any) -> Any:
        return value if type(value) is float else float(value)

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


# -- reading an expression -------------------------------------------------------------------------


class Numbers(AtSizes):
    """The matrices of an expression at sizes, by the operators' definitions.

    `values` holds a matrix of numbers for each name; `functions` are what numbers there are.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        values: Mapping[str, Rows],
        functions: Functions | None = None,
    ):
        super().__init__(sizes)
        self.values = values
        self.functions = functions or PLAIN
        self.lifted = self.functions.lifted  # type: ignore[method-assign]
        self.spend = Cells().spend  # type: ignore[method-assign]

    def bare(self, value: Any) -> Any:
        return value.value if isinstance(value, Real) else value

    def read(self, view: View, places: Iterable[Place]) -> None:
        expr = view.expr
        if expr.args or not expr.is_var:
            return AtSizes.read(self, view, places)
        rows, number, lifted = self.values[expr.data[0]], self.functions.number, self.lifted
        for place in places:
            x: Any = rows
            for k in place:
                x = x[k]
            view[place] = number(x) if type(x) in RAW else lifted(x)

    def entry(self, leaf: tuple, *place: int) -> Any:
        return Table(self.values[leaf[0]]).at(place)

    def function(self, name: str, *args: Any) -> Any:
        return getattr(self.functions, name)(*map(self.lifted, args))

    def winner(self, name: str, entries: list[Any]) -> Any:
        return getattr(self.functions, name)(*entries) if len(entries) > 1 else entries[0]


def worked(
    statements: Iterable[Statement], sizes: Mapping[str, int], values: Mapping[str, Rows]
) -> dict[str, Rows]:
    """Return the values of names and of what statements define by them."""
    known = dict(values)
    for statement in statements:
        known[statement.name] = Numbers(sizes, known).matrix(statement.expr)
    return known


class Enclosures(Numbers):
    """The same in intervals that may be wide; `tied` says that a largest entry is not certain."""

    def __init__(self, sizes: Mapping[str, int], values: Mapping[str, Rows]):
        super().__init__(sizes, values, Enclosing())
        self.tied = False

    def winner(self, name: str, entries: list[Any]) -> Any:
        """Return the winner itself where there is one for certain, so that == knows it again."""
        first, tied = interval(entries[0]), False
        for other in map(interval, entries[1:]):
            if (other > first) if name == "max" else (other < first):
                first, tied = other, False
            elif first.overlaps(other):
                tied = True
                if not (first.is_exact() and other.is_exact()):
                    first = first.max(other) if name == "max" else first.min(other)
        self.tied |= tied
        return Real(first)


# -- numbers as text -------------------------------------------------------------------------------


def as_float(value: Any) -> float:
    """Return a number in floating point; the oldest FLINT has no word of its own for that."""
    return float(arb(value).mid())


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


def told_apart(a: Any, b: Any) -> tuple[str, str]:
    """Return two different numbers as texts that a reader tells apart: short fractions as they are,
    anything else with so many digits that the two differ, and a point or an exponent.

    >>> told_apart(rational(Fraction(-2, 97)), rational(Fraction(1, 3)))
    ('-2/97', '1/3')
    >>> told_apart(arb(44).exp(), rational(Fraction(1, 2)))
    ('1.28516e+19', '1/2')
    """
    for digits in APART:
        if _rounded(a, digits) != _rounded(b, digits):
            found = number_text(a, digits), number_text(b, digits)
            if _meant(found[0]) != _meant(found[1]):
                return found
    return str(a), str(b)


def _meant(text: str) -> Fraction | str:
    """Return the number that a text tells; a very large or small one is its text."""
    return text if abs(int(text.partition("e")[2] or 0)) > 1000 else Fraction(text)


def number_text(value: Any, digits: int = APART[0]) -> str:
    """Return a number as text: a short fraction as it is, also where an interval of more than 40
    digits holds it, or so many digits with a point or an exponent."""
    if is_exact(value) and len(str(value)) <= LONG:
        return str(value)
    if not is_exact(value) and abs(value) < 10**6:
        guess = Fraction(float(value.mid())).limit_denominator(1000)
        with precision():
            near = abs(guess) < 10**6 and value.rad() < arb(10) ** -40
            if near and (value * guess.denominator).contains(guess.numerator):
                return str(guess)
    return _rounded(value, digits)


def is_rounded(text: str) -> bool:
    """Whether a number that was made a text is not known to be exactly that."""
    return any(mark in text for mark in ".e")


def _rounded(value: Any, digits: int) -> str:
    with precision():
        return str(arb(value).str(digits, radius=False))
