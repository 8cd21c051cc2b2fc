"""The laws of the algebra, each alone: what is rewritten has the value that it had.

A law is held against numbers by a road that knows none: a form is evaluated by the meaning of its
atoms, its indices as numbers, its sums written out.
"""

import random
from itertools import product
from math import cos, exp, log, pi, prod, sin
from statistics import NormalDist

import pytest

from derive.algebra.forms import TooLarge
from derive.algebra.normal import Ring
from derive.algebra.values import Value

SIZES = {"n": 3, "m": 2}


class Point:
    """Numbers for entries: random ones, each the same whenever it is asked for again."""

    def __init__(self, seed: int, sizes: dict[str, int] = SIZES, low: float = -2.0):
        self.sizes, self.low, self.random = sizes, low, random.Random(seed)
        self.entries: dict[tuple, float] = {}

    def entry(self, name: str, i: int, j: int) -> float:
        return self.entries.setdefault((name, i, j), self.random.uniform(self.low, 2))

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
        return total

    def atom(self, ring: Ring, key: tuple, at: dict) -> float:
        kind, *rest = key
        if kind == "x":
            return self.entry(rest[0], *(at.get(k, k) for k in rest[1:]))
        if kind == "n":
            return pi if rest == ["π"] else float(self.sizes[rest[0]])
        if kind in ("δ", "le"):
            i, j = (at.get(k, k) for k in rest)
            return float(i == j if kind == "δ" else i <= j)
        inner = self.value(ring, ring.thaw(rest[0]), at)
        return float(FUNCTIONS[kind](inner))


FUNCTIONS = {
    "exp": exp, "log": log, "sin": sin, "cos": cos, "pow": lambda x: x,
    "normcdf": NormalDist().cdf, "sign": lambda x: (x > 0) - (x < 0), "eq": lambda x: x == 0,
}  # fmt: skip


class Words:
    """A vocabulary for forms: entries by name, sums, comparisons and functions."""

    def __init__(self, ring: Ring):
        self.ring = ring
        self.n = Value(ring, ring.size("n"))

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

    def of(self, name, value):
        return Value(self.ring, self.ring.function(name, value.form))


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
