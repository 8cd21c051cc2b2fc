"""Forms: sums of monomials, as the plain values that the algebra of `normal` works on.

A monomial is a sorted tuple of atoms, given by their numbers, with exponents; a form maps monomials
to coefficients and holds no zero.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from fractions import Fraction
from math import gcd, isqrt, lcm

from derive.calculus.index import Index, Place, Scalar, split
from derive.expressions.limits import tick
from derive.expressions.shape import Dim, Pair

Exponent = int | Fraction
Monomial = tuple[tuple[int, Exponent], ...]
Form = dict[Monomial, Exponent]
UNIT: Monomial = ()
#: A form with more terms than this is not multiplied out; the question stays undecided.
LARGEST = 200_000
#: A coefficient with more binary digits than this is not worked out.
LONGEST_NUMBER = 100_000
#: All questions about a derivation, and each about a claim, together take at most so many steps; a
#: step is a product of two terms, or a term that is closed or reduced.
MOST_STEPS = 4_000_000
#: Two parts of a gradient that may be equal are compared by so many steps.
PART = 400_000


class TooLarge(Exception):
    """The normal form would have too many terms; nothing is decided."""


class Undefined(Exception):
    """The form divides by zero; the expression has no value."""


class Budget:
    """Steps that are left; what would take more stays undecided.

    They are counted and not timed, so that an answer does not depend on the machine. The clock is
    asked now and then, as a last resort. `cut` says that a part of a question was given up: then a
    difference is none.
    """

    __slots__ = ("asked", "cut", "left")

    def __init__(self, left: int = MOST_STEPS):
        self.left = left
        self.asked = left
        self.cut = False

    def spend(self, steps: int) -> None:
        """Take some steps; raise `TooLarge` where so many are not left."""
        self.left -= steps
        if self.left < self.asked:
            if self.left < 0:
                raise TooLarge
            self.asked = max(self.left - 2_000, 0)
            tick()

    def within(self, steps: int, ask: Callable[[], bool]) -> bool:
        """Return the answer to a question that may take so many of the steps, else False, cut."""
        allowed = min(steps, self.left)
        kept, self.left = self.left - allowed, allowed
        try:
            return ask()
        except TooLarge:
            self.cut = True
            return False
        except Undefined:
            return False
        finally:
            self.left = self.asked = max(self.left, 0) + kept


def raised(value: Exponent, exponent: int) -> Exponent:
    """Return a whole power of a number; raises `TooLarge` where it has absurdly many digits."""
    fraction = Fraction(value)
    bits = max(abs(fraction.numerator), fraction.denominator).bit_length() - 1
    if bits * abs(exponent) > LONGEST_NUMBER:
        raise TooLarge
    return exact(fraction**exponent)


def exact(value: Exponent) -> Exponent:
    """Return a whole fraction as an integer, which is faster to compute with."""
    if type(value) is int or value.denominator != 1:
        return value
    return value.numerator


def accumulate(form: Form, monomial: Monomial, coefficient: Exponent) -> None:
    """Add a term to a form in place; a term that cancels is removed."""
    value = form.get(monomial)
    if value is None:
        if coefficient:
            form[monomial] = coefficient
    else:
        value = value + coefficient
        if value:
            form[monomial] = value
        else:
            del form[monomial]


def add_to(form: Form, other: Form, factor: Exponent = 1) -> None:
    """Add a multiple of another form to a form in place."""
    if factor != 1:
        other = scaled(other, factor)
    for monomial, coefficient in other.items():
        accumulate(form, monomial, coefficient)


def scaled(form: Form, factor: Exponent) -> Form:
    return {m: exact(factor * c) for m, c in form.items()} if factor else {}


def merge(m: Monomial, n: Monomial) -> Monomial:
    """Return the product of two monomials."""
    if not m or not n:
        return m or n
    if m[-1][0] < n[0][0]:
        return m + n
    if n[-1][0] < m[0][0]:
        return n + m
    exponents = dict(m)
    for atom, exponent in n:
        exponents[atom] = exact(exponents.get(atom, 0) + exponent)
    return tuple(sorted((a, e) for a, e in exponents.items() if e))


def holds(monomial: Monomial, atoms: Container[int]) -> bool:
    """Whether one of some atoms is in a monomial."""
    for atom, _ in monomial:
        if atom in atoms:
            return True
    return False


def quotient(form: Form, other: Form) -> Fraction | None:
    """Return the number by which one form is a multiple of another, if it is one."""
    if form.keys() != other.keys():
        return None
    ratios = {Fraction(c) / Fraction(other[m]) for m, c in form.items()}
    return ratios.pop() if len(ratios) == 1 else None


def content(values: Iterable[Exponent]) -> Fraction:
    fractions = [Fraction(value) for value in values]
    top = gcd(*(f.numerator for f in fractions))
    return Fraction(top, lcm(*(f.denominator for f in fractions)))


def primitive(form: Form) -> tuple[Exponent, Form]:
    """Return the number that all coefficients have in common, and the form divided by it."""
    shared = content(form.values()) or Fraction(1)
    return exact(shared), form if shared == 1 else scaled(form, 1 / shared)


def oriented(form: Form) -> tuple[int, Form]:
    """Return a sign and the form times it, such that P and -P come out alike."""
    if form and form[min(form)] < 0:
        return -1, {m: -c for m, c in form.items()}
    return 1, form


def inverse(monomial: Monomial) -> Monomial:
    return tuple((atom, -exponent) for atom, exponent in monomial)


def lowered(atom: int, exponent: Exponent) -> Form:
    """Return x to the power of one less."""
    exponent = exact(exponent - 1)
    return {((atom, exponent),): 1} if exponent else {UNIT: 1}


def rational_root(value: Exponent) -> Exponent | None:
    """Return the square root of a number where it is a fraction."""
    fraction = Fraction(value)
    if fraction < 0:
        return None
    top, bottom = isqrt(fraction.numerator), isqrt(fraction.denominator)
    root = Fraction(top, bottom)
    return exact(root) if root * root == fraction else None


#: A coefficient, the indices summed over with their dimensions, and the entries multiplied, each
#: a name and its place.
Summand = tuple[Exponent, tuple[tuple[Index, Dim], ...], tuple[tuple[str, Place], ...]]


def sums_of_entries(tree: Scalar) -> list[Summand] | None:
    """Return a tree as positive multiples of sums of products of different matrices' entries."""
    summands: list[Summand] = []
    for term in tree.args if tree.kind == "add" else (tree,):
        coefficient, body = split(term)
        loops: list[tuple[Index, Dim]] = []
        while body.kind == "sum":
            loops.append(body.data)
            body = body.args[0]
        factors = body.args if body.kind == "mul" else (body,)
        names = {factor.data[0] for factor in factors if factor.kind == "entry"}
        if coefficient <= 0 or len(names) != len(factors):
            return None
        if any(isinstance(k, Pair) for factor in factors for k in factor.data):
            return None
        entries = ((f.data[0], f.data[1:]) for f in factors)
        summands.append((exact(coefficient), tuple(loops), tuple(entries)))
    return summands


def prime_factors(value: Exponent) -> list[tuple[int, int]]:
    """Return the primes of a positive fraction, those below its line with negative exponents.

    >>> prime_factors(Fraction(12, 5))
    [(2, 2), (3, 1), (5, -1)]
    """
    fraction, found = Fraction(value), []
    for whole, sign in ((fraction.numerator, 1), (fraction.denominator, -1)):
        prime = 2
        while prime * prime <= whole and prime < 100_000:
            times = 0
            while whole % prime == 0:
                whole //= prime
                times += 1
            if times:
                found.append((prime, sign * times))
            prime += 1
        if whole > 1:
            found.append((whole, sign))
    return found
