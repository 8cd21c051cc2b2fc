"""Numbers in print: whole numbers, short decimals and fractions as they are, all else rounded.

A number of `exact` enters, a box leaves. The law: what is printed is the number itself, unless the
box has a `rounded` part, of which only the digits that are shown are meant.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb

from derive.expressions.layout import ATOM, PRODUCT, Box, frac, num, op, raw, row, sup
from derive.readings.numbers import decimal, is_exact, precision, rational

#: A whole number of more digits is rounded, and so is a fraction of a larger top or bottom.
WHOLE, TOP, BOTTOM = 12, 9999, 999
#: All digits before the point are shown where there are no more than these.
BEFORE = 9


def numeral(value: Any, digits: int = 4, *, decimals: bool = True) -> Box:
    """Return a number as it is printed, rounded to so many digits where it is long.

    `decimals` writes fractions as decimals where these are short.

    >>> from derive.notation.text import text
    >>> found = (numeral(rational(Fraction(*x))) for x in ((-4, 1), (11, 5), (1, 3), (9, 99991)))
    >>> [text(box) for box in found]
    ['-4', '2.2', '1/3', '0.00009001']
    """
    if not is_exact(value):
        return num(0) if arb(value).is_zero() else rounded(value, digits)
    exact = Fraction(int(value.p), int(value.q))
    whole = decimal(value, 40)
    if exact.denominator == 1 and len(whole) <= WHOLE:
        return fraction(exact)
    size = whole.lstrip("-")
    if decimals and "e" not in whole and len(size.replace(".", "").lstrip("0")) <= digits:
        if Fraction(whole) == exact:
            return _signed(Box("num", text=size), value < 0)
    if exact.denominator <= BOTTOM and abs(exact.numerator) <= TOP:
        return fraction(exact)
    return rounded(value, digits)


def rounded(value: Any, digits: int) -> Box:
    """Return a number rounded to so many digits, all its digits before the point among them.

    >>> from derive.notation.latex import latex
    >>> latex(rounded(Fraction(2, 3), 4)), latex(rounded(-123456, 4))
    ('0.6667', '-123456')
    """
    with precision():
        x = arb(rational(value) if isinstance(value, int | Fraction) else value)
        before = len(decimal(abs(x).upper().floor(), 30).partition(".")[0])
        shown = decimal(x, max(digits, before if before <= BEFORE else 0))
    mantissa, _, exponent = shown.lstrip("-").partition("e")
    box = Box("rounded", text=mantissa.rstrip("."))
    if exponent:
        box = row(box, op("cdot"), sup(num(10), fraction(Fraction(exponent))))
    return _signed(box, shown[0] == "-")


def fraction(value: int | Fraction) -> Box:
    """Return an exact number as it is, a fraction over its denominator."""
    top, bottom = abs(value.numerator), value.denominator
    return _signed(num(top) if bottom == 1 else frac(num(top), num(bottom)), value < 0)


def spelled(text: str) -> tuple[Box, int]:
    """Return a positive number as somebody wrote it, and how strongly it binds.

    >>> from derive.notation.latex import latex
    >>> [latex(spelled(text)[0]) for text in ("0.1", "1e-5", "2.5e3")]
    ['0.1', '10^{-5}', '2.5 \\\\cdot 10^{3}']
    """
    mantissa, _, exponent = text.partition("e")
    front = Box("num", text=mantissa)
    if not exponent:
        return front, ATOM
    raised = sup(num(10), raw(exponent))
    return (raised, ATOM) if Fraction(mantissa) == 1 else (row(front, op("cdot"), raised), PRODUCT)


def power(value: Fraction) -> Box:
    """Return a number as an exponent, a fraction on one line."""
    return raw(str(value))


def _signed(box: Box, negative: bool) -> Box:
    parts = box.parts if box.kind == "row" else (box,)
    return row(op("negative"), *parts) if negative else box
