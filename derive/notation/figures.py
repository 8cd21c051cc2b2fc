"""Numbers as a reader wants to see them: whole numbers, short decimals and fractions, else rounded.

What enters is a number of `exact`, what leaves is a `Figure`: the same text for a screen and for
LaTeX, and whether it is the number itself or a rounded one.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb

from derive.readings.exact import decimal, is_exact, rational

#: A number with more places before or behind its point is computed with as an interval.
MOST_PLACES = 1000
#: Longer denominators are not written as fractions.
LARGEST_DENOMINATOR = 999


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in print: on a screen, in LaTeX, and whether nothing was rounded."""

    plain: str
    tex: str
    exact: bool = True

    @property
    def negative(self) -> bool:
        return self.tex.startswith("-")


def figure(value: Any, digits: int = 4) -> Figure:
    """Return a number as it is printed, rounded to so many significant digits if it is long.

    >>> from derive.readings.exact import rational
    >>> [figure(rational(Fraction(*x))).plain for x in ((-4, 1), (11, 5), (1, 3), (2000, 2999))]
    ['−4', '2.2', '1/3', '0.6669']
    """
    if is_exact(value):
        whole = decimal(value, 40)
        if value.q == 1 and len(whole) <= 12:
            return _figure(whole, whole)
        if "e" not in whole and _significant(whole) <= digits and _is_all(value, whole):
            return _figure(whole, whole)
        if value.q <= LARGEST_DENOMINATOR and abs(value.p) <= LARGEST_DENOMINATOR:
            sign = "-" if value < 0 else ""
            return _figure(str(value), rf"{sign}\tfrac{{{abs(value.p)}}}{{{value.q}}}")
    before_point = len(decimal(value, 40).lstrip("-").partition(".")[0])
    text = decimal(value, max(digits, before_point if before_point <= 9 else 0))
    mantissa, _, exponent = text.partition("e")
    tex = rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else text
    return _figure(text, tex, exact=is_exact(value) and _is_all(value, text))


def printed(value: Any, digits: int) -> Any:
    """Return a number as a reader of its figure knows it."""
    shown = figure(value, digits)
    return value if shown.exact else _number(shown)


def rounds_to(found: Any, value: Any, digits: int) -> bool:
    """Whether a number, rounded to the digits of a printed one, is the printed one.

    >>> from derive.readings.exact import rational
    >>> third = rational(Fraction(1, 3))
    >>> [rounds_to(rational(Fraction(x)), third / 1000, 2) for x in ("0.000331", "0.00034")]
    [True, False]
    """
    shown = figure(value, digits)
    if shown.exact:
        unit = min(abs(arb(value)), arb(1)) / 10**digits if value else arb(1) / 10**digits
    else:
        mantissa, _, exponent = shown.plain.partition("e")
        places = len(mantissa.partition(".")[2]) - int(exponent.replace("−", "-") or 0)
        unit = arb(10) ** -places / 2
    return bool(abs(arb(found) - arb(printed(value, digits))) <= unit)


def _number(shown: Figure) -> Any:
    """Return the number that a figure says; one with very many places is an interval."""
    mantissa, _, exponent = shown.plain.replace("−", "-").partition("e")
    places = int(exponent or 0)
    if abs(places) > MOST_PLACES:
        return arb(rational(Fraction(mantissa))) * arb(10) ** places
    return rational(Fraction(mantissa) * Fraction(10) ** places)


def _figure(plain: str, tex: str, exact: bool = True) -> Figure:
    return Figure(plain.replace("-", "−"), tex, exact)


def _significant(text: str) -> int:
    return len(text.replace(".", "").lstrip("-0"))


def _is_all(value: Any, text: str) -> bool:
    return bool(Fraction(int(value.p), int(value.q)) == Fraction(text))
