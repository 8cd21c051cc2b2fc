"""The laws of the algebra, each alone: what is rewritten has the value that it had.

A law is held against numbers by a road that knows none: a form is evaluated by the meaning of its
atoms, its indices as numbers, its sums written out.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import cos, exp, isfinite, log, pi, prod, sin
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from derive.algebra import (
    closing as closings,
    derivative,
    functions,
    matrices,
    places as comparisons,
    powers,
    products,
    winners,
    zero as zeros,
)
from derive.algebra.forms import UNIT, TooLarge
from derive.algebra.laws import Law
from derive.algebra.normal import Ring
from derive.algebra.values import Value
from derive.calculus.index import at_place
from derive.expressions.shape import Dim, Product, Shape, extent

SIZES = {"n": 3, "m": 2}
ASSUMED = {
    "b": {"binary"},
    "t": {"sign"},
    "r": {"row-stochastic"},
    "h": {"one-hot-rows", "binary", "row-stochastic"},
    "p": {"positive"},
}


class Point:
    """Numbers for entries: random ones, each the same whenever it is asked for again."""

    def __init__(self, seed: int, sizes: dict[str, int] = SIZES):
        self.sizes, self.random = sizes, random.Random(seed)
        self.entries: dict[tuple, float] = {}

    def entry(self, name: str, i: int, j: int) -> float:
        if (name, i, j) not in self.entries:
            self.entries.update({(name, i, k): x for k, x in self.row(name, j)})
        return self.entries[name, i, j]

    def row(self, name: str, j: int) -> list[tuple[int, float]]:
        """Some entries of a row: one, or all where it is assumed to have a sum."""
        rng, n = self.random, self.sizes["n"]
        match name:
            case "b":
                return [(j, float(rng.randint(0, 1)))]
            case "t":
                return [(j, rng.choice([-1.0, 1.0]))]
            case "h":
                one = rng.randrange(n)
                return [(k, float(k == one)) for k in range(n)]
            case "r":
                row = [rng.uniform(0.1, 2) for _ in range(n)]
                return [(k, x / sum(row)) for k, x in enumerate(row)]
            case "p":
                return [(j, rng.uniform(0.1, 2))]
        return [(j, rng.uniform(-2, 2))]

    def value(self, ring: Ring, form: dict, at: dict) -> float:
        """The value of a form, its free indices as numbers."""
        total = 0.0
        for monomial, coefficient in form.items():
            sums = [ring.atoms[a][1:] for a, _ in monomial if ring.atoms[a][0] == "Σ"]
            plain = [(a, e) for a, e in monomial if ring.atoms[a][0] != "Σ"]
            for places in product(*(range(self.sizes.get(dim, dim)) for _, dim in sums)):
                here = {**at, **dict(zip((k for k, _ in sums), places, strict=True))}
                total += float(coefficient) * prod(
                    self.atom(ring, ring.atoms[a], here) ** (e if e % 1 == 0 else float(e))
                    for a, e in plain
                )
        if isinstance(total, complex) or not isfinite(total):
            raise ValueError
        return total

    def matrix(self, ring: Ring, form: dict, dim: Dim, at: dict) -> np.ndarray:
        """A matrix, given by the form of its entry at @r, @s."""
        span = range(extent(dim, self.sizes))
        down, across = ([at_place(k, dim, x, self.sizes) for x in span] for k in ("@r", "@s"))
        return np.array([[self.value(ring, form, {**at, **r, **s}) for s in across] for r in down])

    def atom(self, ring: Ring, key: tuple, at: dict) -> float:
        kind, *rest = key
        if kind == "x":
            return self.entry(rest[0], *(at.get(k, k) for k in rest[1:]))
        if kind == "n":
            return pi if rest == ["π"] else float(self.sizes[rest[0]])
        if kind in ("δ", "le"):
            i, j = (at.get(k, k) for k in rest)
            return float(i == j if kind == "δ" else i <= j)
        if kind in ("inv", "det"):
            matrix = self.matrix(ring, ring.thaw(rest[0]), rest[1], {})
            i, j = (at.get(k, k) for k in rest[2:]) if kind == "inv" else (0, 0)
            return float(np.linalg.inv(matrix)[i, j] if kind == "inv" else np.linalg.det(matrix))
        if kind == "top":
            return float(rest[1] == max(rest[0], key=lambda f: self.value(ring, dict(f), at)))
        if kind == "win":
            form, (word,), (dim,), (place,) = ring.thaw(rest[0]), *rest[1:]
            values = [self.value(ring, form, {**at, word: k}) for k in range(self.sizes[dim])]
            return float(values[at.get(place, place)] == max(values))
        if kind == "Π":
            form, word, dim = ring.thaw(rest[0]), *rest[1:]
            return prod(
                self.value(ring, form, {**at, word: k}) for k in range(self.sizes.get(dim, dim))
            )
        inner = self.value(ring, ring.thaw(rest[0]), at)
        return float(FUNCTIONS[kind if kind != "open" else rest[1]](inner))


FUNCTIONS = {
    "exp": exp, "log": log, "sin": sin, "cos": cos, "pow": lambda x: x,
    "normcdf": NormalDist().cdf, "sign": lambda x: (x > 0) - (x < 0), "eq": lambda x: x == 0,
    "g()": sin, "g'()": cos,  # what may stand for a function that is left open
}  # fmt: skip


class Words:
    """A vocabulary for forms: entries by name, sums, comparisons and functions."""

    def __init__(self, ring: Ring):
        self.ring = ring
        self.n, self.one = Value(ring, ring.size("n")), Value(ring, {UNIT: 1})

    def x(self, i="i", j=0, name="x"):
        return Value(self.ring, self.ring.entry(name, i, j))

    def y(self, i="i", j=0):
        return self.x(i, j, "y")

    def delta(self, i, j):
        return Value(self.ring, self.ring.delta(i, j))

    def le(self, i, j):
        return Value(self.ring, self.ring.le(i, j))

    def sum(self, words, value):
        return Value(self.ring, self.ring.sums_over([(k, "n") for k in words], value.form))

    def sums(self, words):
        return [("Σ", k, "n") for k in words]

    def of(self, name, value):
        return Value(self.ring, self.ring.function(name, value.form))

    def mask(self):
        return self.le("i", "j")

    def base(self, value):
        return ("pow", self.ring.freeze(value.form))

    def root(self, value):
        """The atom whose powers are those of a form."""
        return Value(self.ring, self.ring.single(self.base(value)))

    def won(self, place, name="x"):
        form = self.x("w", 0, name).form
        return Value(self.ring, winners.winner(self.ring, form, [("w", "n")], [place]))

    def wins(self, place):
        return self.ring.atoms[atom_of(self.won(place))]

    def most(self):
        return Value(self.ring, self.ring.extremum("max", self.x("w").form, [("w", "n")]))

    def tops(self, *values):
        return [Value(self.ring, f) for f in winners.tops(self.ring, [x.form for x in values])]

    def times(self, value, k):
        return Value(self.ring, products.along(self.ring, value.form, k, "n"))

    def inv(self, value, i="@r", j="@s"):
        return Value(self.ring, self.ring.inverse(value.form, "n", i, j))

    def det(self, value):
        return Value(self.ring, self.ring.det(value.form, "n"))

    def inverse(self, name, i, j):
        return ("inv", self.ring.freeze(self.x("@r", "@s", name).form), "n", i, j)

    def id(self, a, b):
        return self.delta("@r", "@s") + self.sum("k", self.x("@r", "k", a) * self.x("k", "@s", b))


# -- each law alone --------------------------------------------------------------------------------
# A row is a law and what it is given; after it, what it must leave as it is, or rewrite into what
# has the same value: there its premises barely fail. The value before is that of what it is given.

R, S = "@r", "@s"
IJ = ("δ", "i", "j")


@dataclass(frozen=True)
class Case:
    """What a law is given, and the value before: that of a form, or of something made of it."""

    what: tuple
    before: dict
    of: Callable[[Any], Any] = lambda x: x
    dim: Dim = 1
    differentiated: bool = False

    def agrees(self, ring: Ring, found: dict) -> bool:
        """Whether what is found has the value from before, at small sizes and at every place."""
        tried = 0
        for n, seed in product((1, 2, 3), range(6)):
            point = Point(seed, {"n": n, "m": 2})
            words = {*ring.free(self.before), *ring.free(found), *(["a"] * self.differentiated)}
            words = sorted(k for k in words if "@" not in k)
            for places in product(range(n), repeat=len(words)):
                at = dict(zip(words, places, strict=True))
                try:
                    before, after = self.values(ring, found, point, at)
                except (ValueError, ZeroDivisionError, OverflowError, np.linalg.LinAlgError):
                    continue
                tried += 1
                if not np.allclose(before, after, rtol=1e-4, atol=1e-5):
                    return False
        assert tried > 2
        return True

    def values(self, ring: Ring, found: dict, point: Point, at: dict) -> tuple[Any, Any]:
        if self.dim != 1:
            before = self.of(point.matrix(ring, self.before, self.dim, at))
            if before.ndim:
                return before, point.matrix(ring, found, self.dim, at)
            return before, point.value(ring, found, at)
        if self.differentiated:
            x, ends = point.entry("x", at["a"], 0), []
            for step in (1e-5, -1e-5):
                point.entries["x", at["a"], 0] = x + step
                ends.append(point.value(ring, self.before, at))
            point.entries["x", at["a"], 0] = x
            return (ends[0] - ends[1]) / 2e-5, point.value(ring, found, at)
        value = self.of(point.value(ring, self.before, at))
        if isinstance(value, complex):
            raise ValueError
        return value, point.value(ring, found, at)


def keyed(v: Words, *keys: tuple) -> tuple:
    """The monomial of some atoms as it is before it is closed, and the atom of the last key."""
    atoms = [v.ring.atom(key) for key in keys]
    return tuple(sorted((a, 1) for a in atoms)), atoms[-1]


def closing(v: Words, *keys: tuple) -> Case:
    monomial, atom = keyed(v, *keys)
    return Case((monomial, atom, v.ring.bound(monomial)), {monomial: 1})


def unused(v: Words, *keys: tuple) -> Case:
    monomial, _ = keyed(v, *keys)
    return Case((monomial, v.ring.bound(monomial)), {monomial: 1})


def reduction(v: Words, power: int, *keys: tuple) -> Case:
    """The last key's atom to a power, beside others."""
    monomial, atom = keyed(v, *keys)
    monomial = tuple((a, power if a == atom else e) for a, e in monomial)
    return Case((monomial, atom, power), {monomial: 1})


def atom_of(value: Value) -> int:
    ((((atom, _),), _),) = value.form.items()
    return atom


def power_of(value: Value, exponent) -> Case:
    """An atom to a power."""
    atom = atom_of(value)
    return Case((atom, exponent), {((atom, exponent),): 1})


def meeting(p: Value, q: Value) -> Case:
    a, b = atom_of(p), atom_of(q)
    return Case((a, b), {tuple(sorted([(a, 1), (b, 1)])): 1})


def raising(value: Value, exponent) -> Case:
    return Case((value.form, exponent), value.form, lambda x: x ** float(exponent))


def of(name: str) -> Callable[[Value], Case]:
    return lambda value: Case((value.form,), value.form, FUNCTIONS[name])


def sign_of(value: Value, exponent=1) -> Case:
    atom = atom_of(value)
    return Case((atom, exponent), {((atom, exponent),): 1}, FUNCTIONS["sign"])


def slope(value: Value, inside: bool = False) -> Case:
    key = value.ring.atoms[atom_of(value)]
    form = value.ring.thaw(key[1]) if inside else value.form
    return Case((key, ("x", Shape("n", 1)), "a", 0), form, differentiated=True)


def matrix(value: Value, dim="n", of=np.linalg.inv) -> Case:
    return Case((value.form, dim), value.form, of, dim=dim)


def determinant(value: Value, dim="n") -> Case:
    return matrix(value, dim, np.linalg.det)


def product_over(value: Value, dim: Dim = "n", k: str = "k") -> Case:
    """A product before any law: the atom, of whatever form."""
    inside = value.ring.freeze(value.ring.rename(value.form, {k: "@9.0"}))
    return Case((value.form, k, dim), value.ring.single(("Π", inside, "@9.0", dim)))


def zero(value: Value) -> Case:
    return Case((value.form,), value.form)


half, third = Fraction(1, 2), Fraction(1, 3)
sin_of, cos_of, exp_of, log_of = of("sin"), of("cos"), of("exp"), of("log")
signum, eq_of = of("sign"), of("eq")

TABLE = {
    # powers of atoms
    "power of a mask": [
        lambda v: power_of(v.mask(), 3),
        lambda v: power_of(v.mask(), 1),
        lambda v: power_of(v.mask(), -1),
    ],
    "power of a delta": [
        lambda v: power_of(v.delta("i", "j"), 2),
        lambda v: power_of(v.delta("i", "j"), 1),
    ],
    "power of a binary entry": [
        lambda v: power_of(v.x(name="b"), 2),
        lambda v: power_of(v.x(name="b"), 1),
    ],
    "power of one or minus one": [
        lambda v: power_of(v.x(name="t"), 2),
        lambda v: power_of(v.x(name="t"), 3),
        lambda v: power_of(v.x(name="t"), 1),
    ],
    "power of a sign": [
        lambda v: power_of(v.of("sign", v.x() - v.x("j")), 2),
        lambda v: power_of(v.of("sign", v.x("i") - v.y()), 3),
        lambda v: power_of(v.of("sign", v.n - 2), 2),
        lambda v: power_of(v.of("sign", v.n - 1), 2),
    ],
    "power of a sine": [
        lambda v: power_of(v.of("sin", v.x()), 3),
        lambda v: power_of(v.of("sin", v.x()), 1),
        lambda v: power_of(v.of("sin", v.x()), -2),
    ],
    "power of a power": [
        lambda v: power_of(v.root(v.x() + v.y()), Fraction(5, 2)),
        lambda v: power_of(v.root(3 * v.one), -half),
        lambda v: power_of(v.root(v.x() + v.y()), half),
        lambda v: power_of(v.root(v.x() + v.y()), -half),
    ],
    "one winner": [
        lambda v: meeting(v.won("i"), v.won("j")),
        lambda v: meeting(v.won("i"), v.won("j", "y")),
    ],
    "one top": [
        lambda v: meeting(*v.tops(v.x(0), v.x(1), v.x(2))[:2]),
        lambda v: meeting(v.tops(v.x(0), v.x(1), v.x(2))[0], v.tops(v.x(0), v.x(1), v.y(2))[1]),
    ],
    "each not after the other": [
        lambda v: meeting(v.le("i", "j"), v.le("j", "i")),
        lambda v: meeting(v.le("i", "j"), v.le("j", "k")),
    ],
    # powers of forms
    "power of a term": [
        lambda v: raising(8 * v.x() ** 2 * v.y() ** 3, -third),
        lambda v: raising(v.x() ** 2 * v.y(), half),
        lambda v: raising(2 * v.x() * v.of("sign", v.x()), half),
        lambda v: raising(v.x() + v.y(), -1),
    ],
    "power of sums": [
        lambda v: raising(v.sum("k", v.x("k")) * v.sum("k", v.y("k")), -2),
        lambda v: raising(v.sum("k", v.x("k")) ** 2, half),
        lambda v: raising(v.sum("k", v.x("k")) * v.sum("k", v.y("k")), half),
    ],
    "power over a power": [
        lambda v: raising(v.x() / (v.x() + v.y()) + 1, -1),
        lambda v: raising(v.x() / (v.x() + v.y()) + 1, half),
        lambda v: raising(v.x() + v.y(), -1),
    ],
    "root of a square": [
        lambda v: raising(3 * (v.x() - v.y()) ** 2, half),
        lambda v: raising((v.x() - v.y()) ** 2 + 1, half),
        lambda v: raising((v.x() - v.y()) ** 2, third),
    ],
    "power of factors": [
        lambda v: raising(v.x() ** 2 - v.y() ** 2, -1),
        lambda v: raising(v.x() ** 3 + v.x() ** 2 * v.y(), half),
        lambda v: raising(v.x() ** 2 * v.y() + v.y(), half),
        lambda v: raising(v.x() + v.y(), half),
    ],
    "power of a sum": [
        lambda v: raising(2 * v.x() * v.y() - 4 * v.x(), -1),
        lambda v: raising(2 * v.x(name="p") * v.y() + 4 * v.x(name="p"), half),
    ],
    # sums
    "sum over a delta": [
        lambda v: closing(v, ("Σ", "k", "n"), ("x", "A", "k", "j"), ("δ", "i", "k")),
        lambda v: closing(v, ("Σ", "k", "n"), ("x", "A", "k", "j"), IJ),
    ],
    "factor of a delta": [
        lambda v: closing(v, ("x", "A", "i", "j"), IJ),
        lambda v: closing(v, ("x", "A", "i", "i"), IJ),
    ],
    "sum of a winner": [
        lambda v: closing(v, ("Σ", "k", "n"), ("x", "y", "i", 0), v.wins("k")),
        lambda v: closing(v, ("Σ", "k", "n"), ("x", "y", "k", 0), v.wins("k")),
        lambda v: closing(v, ("x", "y", "i", 0), v.wins("i")),
    ],
    "sum of what has no index": [
        lambda v: unused(v, ("Σ", "k", "n"), ("x", "y", "i", 0)),
        lambda v: unused(v, ("Σ", "k", "n"), ("x", "y", "k", 0)),
    ],
    "one before the other": [
        lambda v: closing(v, ("x", "A", "i", "j"), ("le", "j", "i")),
        lambda v: closing(v, ("Σ", "k", "n"), ("x", "y", "k", 0), ("le", "i", "k")),
        lambda v: closing(v, ("Σ", "k", "n"), ("x", "y", "k", 0), ("le", "k", "i")),
    ],
    "sum over both ends": [
        lambda v: closing(
            v, *v.sums("jk"), ("x", "y", "k", 0), ("x", "y", "j", 0), ("le", "j", "k")
        ),
        lambda v: closing(
            v, *v.sums("jk"), ("x", "y", "k", 0), ("x", "x", "j", 0), ("le", "j", "k")
        ),
        lambda v: closing(v, *v.sums("jk"), ("x", "A", "j", "k"), ("le", "j", "k")),
        lambda v: closing(v, *v.sums("jkp"), ("le", "k", "p"), ("le", "p", "j"), ("le", "j", "k")),
    ],
    # functions
    "exp of a sum": [lambda v: exp_of(v.x() - 2 * v.y()), lambda v: exp_of(v.x())],
    "log of one": [lambda v: log_of(v.one), lambda v: log_of(2 * v.one)],
    "log of a fraction": [
        lambda v: log_of(v.x() / (v.x() + v.y()) ** 2 + v.y() / (v.x() + v.y()) ** 2),
        lambda v: log_of(v.x() / (v.x() + v.y()) + 1),
    ],
    "log of a product": [
        lambda v: log_of(v.of("exp", v.x()) * v.of("exp", v.y()) ** 2),
        lambda v: log_of(v.x() * v.y()),
        lambda v: log_of(2 * v.of("exp", v.x())),
    ],
    "log of a common factor": [
        lambda v: log_of(v.of("exp", v.x()) * (1 + v.y() ** 2)),
        lambda v: log_of(v.x() * (1 + v.y())),
    ],
    "sine of a sum": [
        lambda v: sin_of(v.x() - v.y()),
        lambda v: sin_of(3 * v.x()),
        lambda v: sin_of(5 * v.x()),
        lambda v: sin_of(v.x() * half + v.y()),
    ],
    "cosine of a sum": [lambda v: cos_of(v.x() - v.y()), lambda v: cos_of(5 * v.x())],
    "sine is odd": [lambda v: sin_of(-v.x()), lambda v: sin_of(0 * v.x()), lambda v: sin_of(v.x())],
    "cosine is even": [
        lambda v: cos_of(-v.x()),
        lambda v: cos_of(0 * v.x()),
        lambda v: cos_of(v.x()),
    ],
    "sign of zero": [lambda v: signum(0 * v.x()), lambda v: signum(v.x())],
    "sign below a winner": [
        lambda v: signum(v.x("j") - v.most()),
        lambda v: signum(3 * v.most() - 3 * v.x("j")),
        lambda v: signum(v.x("j") - 2 * v.most()),
        lambda v: signum(v.y("j") - v.most()),
    ],
    "sign by cases": [
        lambda v: signum(v.of("abs", v.x()) - v.y()),
        lambda v: signum(v.le("i", "j") * v.x() - 1),
        lambda v: signum(v.of("relu", v.x())),
        lambda v: signum(v.x() - v.y()),
    ],
    "sign of dimensions": [
        lambda v: signum(v.n**2 - v.n + 1),
        lambda v: signum(v.n - 1),
        lambda v: signum(v.n - 4),
    ],
    "sign of factors": [
        lambda v: signum(v.x() * v.y() - v.x()),
        lambda v: signum(v.x() ** 2 + 1),
        lambda v: signum(-(v.x() ** 2)),
        lambda v: signum(v.delta("i", "j") * (v.x() + v.y())),
        lambda v: signum(v.x("i") - v.x("j")),
    ],
    "sign on a diagonal": [
        lambda v: signum(v.delta("i", "j") * v.x() + v.delta("i", "j") * v.y()),
        lambda v: signum(v.delta("i", "j") * v.x() + v.y()),
    ],
    "sign of a mask": [
        lambda v: sign_of(v.mask(), 2),
        lambda v: sign_of(v.x(name="t")),
        lambda v: sign_of(v.x()),
    ],
    "sign of a root": [
        lambda v: sign_of(v.root(v.x() + v.y()), half),
        lambda v: sign_of(v.root(v.x() * v.of("relu", v.y()) + 1), 1),
    ],
    "sign of a logarithm": [
        lambda v: sign_of(v.of("log", v.x())),
        lambda v: sign_of(v.of("log", v.x()), 2),
    ],
    "equality of numbers": [
        lambda v: eq_of(0 * v.x()),
        lambda v: eq_of(v.one),
        lambda v: eq_of(v.n - 3),
        lambda v: eq_of(v.x()),
    ],
    "equality with a winner": [
        lambda v: eq_of(v.x("j") - v.most()),
        lambda v: eq_of(v.y("j") - v.most()),
    ],
    "equality by cases": [lambda v: eq_of(v.of("sign", v.x()) - 1), lambda v: eq_of(v.x() - 1)],
    "equality of a mask": [
        lambda v: eq_of(v.mask()),
        lambda v: eq_of(2 * v.x(name="b")),
        lambda v: eq_of(v.x()),
        lambda v: eq_of(v.x(name="b") - v.x("j", name="b")),
    ],
    "equality of multiples": [lambda v: eq_of(2 - 2 * v.x()), lambda v: eq_of(v.x() - v.y())],
    # derivatives
    "derivative of exp": [lambda v: slope(v.of("exp", v.x("i") * v.x("j")))],
    "derivative of log": [lambda v: slope(v.of("log", v.x("i") * v.x("j")))],
    "derivative of sin": [lambda v: slope(v.of("sin", v.x("i") * v.x("j")))],
    "derivative of cos": [lambda v: slope(v.of("cos", v.x("i") * v.x("j")))],
    "derivative of normcdf": [lambda v: slope(v.of("normcdf", v.x("i") * v.y("j")))],
    "derivative of an open function": [lambda v: slope(v.of("g()", v.x("i") * v.y("j")))],
    "derivative of a base": [lambda v: slope(v.root(v.x("i") + v.x("j")), inside=True)],
    "derivative of an inverse": [
        lambda v: slope(v.inv(v.x(R, S, "A") + v.x(R) * v.y(S), "i", "j"))
    ],
    "derivative of a determinant": [lambda v: slope(v.det(v.x(R, S, "A") + v.x(R) * v.y(S)))],
    "derivative of a product": [lambda v: slope(v.times(v.x("k") + v.y("i"), "k"))],
    # products
    "product of zero or one": [lambda v: product_over(v.one), lambda v: product_over(v.x("k"))],
    "product with a zero": [
        lambda v: product_over(v.x("k") - v.x("i")),
        lambda v: product_over(v.x("k") - v.y("i")),
        lambda v: product_over(v.x("k", "i", "A") - v.x("i", "k", "A")),
        lambda v: product_over(v.x("k") - v.x("i") + v.le("k", "i")),
        lambda v: product_over((1 - v.le("k", 0)) * v.x("k")),
    ],
    "product of a constant": [
        lambda v: product_over(v.x("i"), 2),
        lambda v: product_over(v.x("k"), 2),
    ],
    "product of factors": [
        lambda v: product_over(3 * v.x("k") * v.y("k")),
        lambda v: product_over(v.x("k") + v.y("k")),
    ],
    "product of powers of e": [
        lambda v: product_over(v.of("exp", v.x("k") * v.y("k"))),
        lambda v: product_over(v.of("exp", v.x("k")) + v.y("k")),
    ],
    "product of products": [
        lambda v: product_over(v.times(v.x("k", "l", "A"), "l"), "m"),
        lambda v: product_over(v.times(v.x("k", "l", "A"), "l") + 1, "m"),
    ],
    "product of a power": [
        lambda v: product_over(v.x("k") ** 2),
        lambda v: product_over(v.root(v.x("k") ** 2 + 1) ** half),
    ],
    # matrices
    "inverse of multiple": [
        lambda v: matrix(2 * v.x(0) * v.x(R, S, "A")),
        lambda v: matrix(v.x(R, S, "A") + v.x(S, R, "A")),
    ],
    "inverse of diagonal": [
        lambda v: matrix(v.delta(R, S) * (v.x(R) + 3)),
        lambda v: matrix(v.delta(R, S) * v.x(R) + v.x(R, S, "A")),
    ],
    "inverse of inverse": [
        lambda v: matrix(v.inv(v.x(R, S, "A"), S, R)),
        lambda v: matrix(v.inv(v.x(R, S, "A")) + v.delta(R, S)),
    ],
    "inverse of kronecker": [
        lambda v: matrix(v.x("@r_1", "@s_1", "C") * v.x("@r_2", "@s_2", "A"), Product(("m", "n"))),
        lambda v: matrix(v.x("@r_1", "@s_2", "C") * v.x("@r_2", "@s_1", "A"), Product(("m", "n"))),
    ],
    "inverse of product": [
        lambda v: matrix(v.sum("k", v.x(R, "k", "A") * v.x("k", S, "B"))),
        lambda v: matrix(v.x(R) * v.x(R, S, "A") * v.y(S)),
        lambda v: matrix(v.x(R, S, "A") * v.x(R, S, "B")),
    ],
    "inverse of update": [
        lambda v: matrix(v.delta(R, S) * (1 + v.x(R) ** 2) + v.x(R) * v.y(S)),
        lambda v: matrix(v.delta(R, S) * v.of("relu", v.x(R)) + v.x(R) * v.y(S)),
        lambda v: matrix(v.delta(R, S) + v.x(R, S, "A")),
    ],
    "determinant of multiple": [
        lambda v: determinant(-2 * v.x(0) * v.x(R, S, "A")),
        lambda v: determinant(v.x(R, S, "A")),
    ],
    "determinant of diagonal": [
        lambda v: determinant(v.delta(R, S) * (v.x(R) - 3)),
        lambda v: determinant(v.delta(R, S) * v.x(R) + v.x(R, S, "A")),
    ],
    "determinant of inverse": [
        lambda v: determinant(v.inv(v.x(R, S, "A"), S, R)),
        lambda v: determinant(v.inv(v.x(R, S, "A")) + v.delta(R, S)),
    ],
    "determinant of kronecker": [
        lambda v: determinant(
            v.x("@r_1", "@s_1", "C") * v.x("@r_2", "@s_2", "A"), Product(("m", "n"))
        ),
        lambda v: determinant(
            v.x("@r_1", "@s_2", "C") * v.x("@r_2", "@s_1", "A"), Product(("m", "n"))
        ),
    ],
    "determinant of product": [
        lambda v: determinant(v.sum("k", v.x(R, "k", "A") * v.x("k", S, "B"))),
        lambda v: determinant(v.x(R, S, "A") * v.x(R, S, "B")),
    ],
    "determinant of update": [
        lambda v: determinant(v.delta(R, S) * (1 + v.x(R) ** 2) + v.x(R) * v.y(S)),
        lambda v: determinant(v.delta(R, S) + v.x(R, S, "A")),
    ],
    # terms as a whole
    "rows sum to one": [
        lambda v: reduction(v, 1, ("Σ", "k", "n"), ("x", "y", "i", 0), ("x", "r", "i", "k")),
        lambda v: reduction(v, 1, ("Σ", "k", "n"), ("x", "r", "k", "k")),
        lambda v: reduction(v, 1, ("Σ", "k", "n"), ("x", "r", "k", "i")),
        lambda v: reduction(v, 2, ("Σ", "k", "n"), ("x", "r", "i", "k")),
        lambda v: reduction(v, 1, ("Σ", "k", "n"), ("x", "y", "k", 0), ("x", "r", "i", "k")),
    ],
    "one entry of a row": [
        lambda v: reduction(v, 1, ("x", "h", "i", "k"), ("x", "h", "i", "j")),
        lambda v: reduction(v, 1, ("x", "h", "k", "i"), ("x", "h", "j", "i")),
        lambda v: reduction(v, 1, ("x", "r", "i", "k"), ("x", "r", "i", "j")),
    ],
    "part of a denominator": [
        lambda v: reduction(v, -1, ("x", "x", "i", 0), v.base(v.x() + 1)),
        lambda v: reduction(
            v, -1, ("Σ", "k", "n"), ("x", "x", "k", 0), v.base(1 + v.sum("k", v.x("k")))
        ),
        lambda v: reduction(v, -1, ("x", "y", "i", 0), v.base(v.x() + 1)),
        lambda v: reduction(v, 1, ("x", "x", "i", 0), v.base(v.x() + 1)),
    ],
    "inverse beside its matrix": [
        lambda v: reduction(v, 1, ("Σ", "k", "n"), ("x", "A", "i", "k"), v.inverse("A", "k", "j")),
        lambda v: reduction(v, 1, ("Σ", "k", "n"), ("x", "A", "k", "i"), v.inverse("A", "j", "k")),
        lambda v: reduction(v, 1, ("Σ", "k", "n"), ("x", "A", "k", "i"), v.inverse("A", "k", "j")),
        lambda v: reduction(
            v,
            1,
            ("Σ", "k", "n"),
            ("x", "A", "i", "k"),
            ("x", "y", "k", 0),
            v.inverse("A", "k", "j"),
        ),
    ],
    "zero over a denominator": [
        lambda v: zero(v.x() / (v.x() + v.y()) + v.y() / (v.x() + v.y()) - 1),
        lambda v: zero(v.x() / (v.x() + v.y()) + v.y() / (v.x() + 2 * v.y()) - 1),
    ],
    "zero whatever the signs": [
        lambda v: zero(
            v.of("log", 1 + v.of("exp", -v.of("abs", v.x())))
            + v.of("relu", v.x())
            - v.of("softplus", v.x())
        ),
        lambda v: zero(v.of("exp", v.of("abs", v.x())) - v.of("exp", v.x())),
    ],
    "zero times a matrix": [
        lambda v: zero(
            v.sum("k", v.inv(v.id("a", "b"), "i", "k") * v.x("k", "j", "a"))
            - v.sum("k", v.x("i", "k", "a") * v.inv(v.id("b", "a"), "k", "j"))
        ),
        lambda v: zero(
            v.sum("k", v.inv(v.id("a", "b"), "i", "k") * v.x("k", "j", "a"))
            - v.sum("k", v.x("i", "k", "a") * v.inv(v.id("a", "b"), "k", "j"))
        ),
    ],
}


LAWS = [
    law
    for room in (closings, derivative, functions, matrices, comparisons, powers, products,
                 winners, zeros)
    for law in (*vars(room).values(), *matrices.INVERSES, *matrices.DETERMINANTS,
                *derivative.CHAIN.values())
    if isinstance(law, Law)
]  # fmt: skip
BY_NAME = {law.name: law for law in LAWS}
#: They are parts of other laws: of exp of a sum, of the sign of a power.
WITHIN = {"exp of a logarithm"}


def test_every_law_is_in_the_table():
    assert BY_NAME.keys() - WITHIN == TABLE.keys()
    assert all(law.theorem and "\n" not in law.theorem for law in LAWS)


def applied(law: Law, case: Callable[[Words], Case]) -> tuple[Ring, Case, Any]:
    ring = Ring()
    ring.assume(ASSUMED)
    given = case(Words(ring))
    return ring, given, law(ring, *given.what)


@pytest.mark.parametrize("name", TABLE)
def test_a_law_keeps_values(name):
    ring, case, found = applied(BY_NAME[name], TABLE[name][0])
    assert found is not None, "it does not apply"
    found = {} if found is True else found
    assert case.agrees(ring, found)
    wrong = ring.add(ring.scale(2, found), {UNIT: 1})
    assert not case.agrees(ring, wrong), "a wrong law would not be seen"


NEAR = [pytest.param(name, case, id=f"{name}-{k}")
        for name, cases in TABLE.items() for k, case in enumerate(cases[1:])]  # fmt: skip


@pytest.mark.parametrize("name, case", NEAR)
def test_a_law_keeps_values_where_its_premises_barely_fail(name, case):
    ring, given, found = applied(BY_NAME[name], case)
    if found is not None:
        assert given.agrees(ring, {} if found is True else found)


# -- comparisons of indices ------------------------------------------------------------------------

ORDERS = {
    "one or the other": lambda v: (v.le("i", "j") + v.le("j", "i"), 1 + v.delta("i", "j")),
    "both": lambda v: (v.le("i", "j") * v.le("j", "i"), v.delta("i", "j")),
    "squared": lambda v: (v.le("i", "j") ** 2, v.le("i", "j")),
    "where they are equal": lambda v: (v.le("i", "j") * v.delta("i", "j"), v.delta("i", "j")),
    "the first": lambda v: (v.le(0, "j") + v.le("i", 0), 1 + v.delta("i", 0)),
    "how many": lambda v: (v.sum("ij", v.le("i", "j")), (v.n**2 + v.n) / 2),
    "from both sides": lambda v: (
        v.sum("k", v.le("i", "k") * v.x("k")),
        v.sum("k", v.x("k") - v.le("k", "i") * v.x("k")) + v.x("i"),
    ),
    "renamed": lambda v: (
        v.sum("jk", v.le("j", "k") * v.x("j") * v.y("k")),
        v.sum("jk", v.le("k", "j") * v.x("k") * v.y("j")),
    ),
    "half of all": lambda v: (
        2 * v.sum("jk", v.le("j", "k") * v.x("j") * v.x("k")),
        v.sum("k", v.x("k")) ** 2 + v.sum("k", v.x("k") ** 2),
    ),
    "in a function": lambda v: (
        v.of("abs", v.le("i", "j") * v.x("i")), v.le("i", "j") * v.of("abs", v.x("i")),
    ),
    "a sum up to here": lambda v: (
        v.of("abs", v.sum("k", v.le("k", "i") * v.x("k"))) ** 2,
        v.sum("k", v.le("k", "i") * v.x("k")) ** 2,
    ),
    "products of sums": lambda v: (
        v.sum("jkpq", v.le("j", "k") * v.le("p", "q") * v.x("j") * v.x("p") * v.y("k") * v.y("q")),
        v.sum("jk", v.le("j", "k") * v.x("j") * v.y("k")) ** 2,
    ),
}  # fmt: skip
DIFFERENT = {
    "strictly": lambda v: (v.le("i", "j") + v.le("j", "i"), 1 + 0 * v.n),
    "exchanged": lambda v: (v.le("i", "j"), v.le("j", "i")),
    "how many": lambda v: (v.sum("ij", v.le("i", "j")), v.n**2 / 2),
    "not of what is no mirror": lambda v: (
        2 * v.sum("jk", v.le("j", "k") * v.x("j") * v.y("k")),
        v.sum("k", v.x("k")) * v.sum("k", v.y("k")) + v.sum("k", v.x("k") * v.y("k")),
    ),
    "the other side": lambda v: (
        v.sum("k", v.le("i", "k") * v.x("k")), v.sum("k", v.le("k", "i") * v.x("k")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("sides", ORDERS.values(), ids=ORDERS)
def test_what_comparisons_of_indices_obey(sides):
    ring = Ring()
    left, right = (side.form for side in sides(Words(ring)))
    assert ring.equal(left, right)


@pytest.mark.parametrize("sides", DIFFERENT.values(), ids=DIFFERENT)
def test_what_comparisons_of_indices_do_not_obey(sides):
    ring = Ring()
    left, right = (side.form for side in sides(Words(ring)))
    assert not ring.equal(left, right)


def test_a_sum_over_no_place_has_no_sign_of_its_own():
    """Σ_k (1 - [k ≤ i]) x_k is 0 where i is the last, whatever the entries are."""
    v = Words(Ring())
    for nothing in (
        v.sum("k", (1 - v.le("k", "i")) * v.x("k")),
        v.sum("k", v.le("k", "i") * v.x("k")) - v.x("i"),
        v.sum("k", (1 - v.le("k", "i")) * v.x("k")) + v.y("i") - v.y("j"),
    ):
        with pytest.raises(TooLarge):
            v.of("sign", nothing)
    v.of("sign", v.sum("k", v.le("k", "i") * v.x("k")))


@pytest.mark.parametrize("seed", range(150))
def test_sums_over_comparisons_keep_their_values(seed):
    """Σ over random comparisons of three or four indices, beside entries, closed and evaluated."""
    rng, ring = random.Random(seed), Ring()
    v, words = Words(ring), "abcd"[: rng.randint(2, 4)]
    atoms = [("le", *rng.sample(words + "i", 2)) for _ in range(rng.randint(1, 3))]
    atoms += [("x", "x", k, 0) for k in words if rng.random() < 0.6]
    atoms += [("x", "A", *rng.choices(words, k=2)) for _ in range(rng.randint(0, 1))]
    body = prod((Value(ring, ring.single(key)) for key in atoms), start=Value(ring, {(): 1}))
    closed = v.sum(words, body).form
    for i in range(3):
        point, total = Point(seed), 0.0
        for places in product(range(3), repeat=len(words)):
            at = {"i": i, **dict(zip(words, places, strict=True))}
            total += prod(point.atom(ring, key, at) for key in atoms)
        assert abs(point.value(ring, closed, {"i": i}) - total) < 1e-9 * (1 + abs(total))


# -- the journal -----------------------------------------------------------------------------------

FIRED = {
    "exp of a logarithm": lambda v: v.of("exp", 2 * v.of("log", v.x())),
    "sum over a delta": lambda v: v.sum("k", v.delta("i", "k") * v.x("k")),
    "power of a sine": lambda v: v.of("sin", v.x()) ** 2,
}


@pytest.mark.parametrize("name", FIRED)
def test_a_journal_names_the_laws_that_fired(name):
    v = Words(Ring())
    FIRED[name](v)  # what is remembered fires again where a journal is kept
    with v.ring.recorded() as journal:
        FIRED[name](v)
    assert name in [law.name for law in journal] and v.ring.journal is None


def test_deciding_that_two_forms_are_equal_keeps_a_journal():
    ring, journal = Ring(), {}
    v = Words(ring)
    share = v.x() / (v.x() + v.y())
    assert ring.equal(share.form, (1 - v.y() / (v.x() + v.y())).form, journal=journal)
    assert "zero over a denominator" in [law.name for law in journal]
