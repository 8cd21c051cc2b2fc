"""The mistake that is usually made with a gradient: chosen by data, and refuted by numbers.

Enters a proved derivation, leaves one false formula with a point at which it is false: small sizes
and small numbers. The law: what is expected there is the slope of the definitions, and the formula
that is called true comes to it, entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, islice
from math import prod
from typing import Any

from flint import arb

from derive.circuits.points import PLEASANT, apart, small_sizes
from derive.expressions.errors import DeriveError
from derive.expressions.expr import Expr, number, variables
from derive.expressions.program import with_dims
from derive.expressions.shape import Shape
from derive.judges.refutation import Points
from derive.judges.slips import KINDS, Mistake, mistakes
from derive.proof.derivation import Derivation
from derive.proof.sizes import obeyed
from derive.readings.numbers import Rows, is_exact

#: So many mistakes are tried, each at so many sizes; matrices of more entries are not shown.
MOST_TRIED, MOST_SIZES, MOST_ENTRIES = 12, 40, 6
#: The kind from which nothing is learned.
LAST = KINDS[-1]
#: Of so many gradients mistakes are sought, those nearest to the output: of a long program the
#: others have the same.
MOST_NAMES = 16
#: The kind of a mistake of which somebody knows.
TOLD = "told"
#: Of exact points the best of so many is shown.
ENOUGH = 4
#: What a number with no end costs, and a factor that is 0; how near to 0 or 1 a value is saturated.
UGLY, DULL, SATURATED, LARGE = 4, 6, 0.1, 40
#: Dimensions of which no two are equal.
APART, EQUAL = (2, 3, 5, 7, 11, 13, 17, 19), 23


@dataclass(frozen=True, slots=True)
class Usual:
    """A mistake about the gradient by a name, and the numbers that refute it.

    `truth` and the mistake's formula are in the names whose numbers `values` has, at `sizes`;
    `expected` and `claimed` are what they come to. Where the mistake's shapes fit at two equal
    dimensions alone, `equal` says which. `why` is what somebody who knows the program says of it.
    """

    name: str
    mistake: Mistake
    truth: Expr
    sizes: Mapping[str, int]
    values: Mapping[str, Rows]
    expected: Rows
    claimed: Rows
    equal: tuple[str, ...] = ()
    why: str = ""


def usual(derivation: Derivation) -> Usual | None:
    """Return the most instructive mistake that numbers refute, `None` where none was found.

    >>> from derive.language.parse import parse
    >>> from derive.proof.explain import explain
    >>> found = usual(explain(parse("X: (n, d); W: (d, m); Y = X @ W"), detail="brief"))
    >>> found.mistake.kind, str(found.mistake.formula), found.equal
    ('transpose-missing', 'dY @ W', ('d', 'm'))
    """
    return _Search(derivation).found()


class _Search:
    """The gradients of a derivation, and points at which formulas for them are tried."""

    def __init__(self, derivation: Derivation):
        self.derivation, self.program = derivation, derivation.program
        self.points = Points(self.program, derivation.assumed)
        self.skipped = {
            local.gradient: number(1) if local.upstream is None else local.upstream
            for local in derivation.locals
        }
        near = [*derivation.backward][:MOST_NAMES]
        wanted = [name for name in derivation.wrt if name in near]
        self.names = [*wanted, *(name for name in near if name not in wanted)]

    def found(self) -> Usual | None:
        return self.told() or self.chosen()

    def said(self, name: str) -> Expr:
        """Return what the theorem of the document says of a gradient, where all that stands in it
        has numbers."""
        said = self.derivation.says().get(f"d{name}")
        known = said is not None and all(self.shape(x.data[0]) for x in variables(said))
        return said if said is not None and known else self.derivation.backward[name]

    def shape(self, name: str) -> Shape | None:
        """Return the shape of a name, or a gradient, of the program."""
        leaves = self.program.leaves
        leaf = leaves.get(name) or leaves.get(name[1:])
        return None if leaf is None else leaf.shape

    def told(self) -> Usual | None:
        """Return the mistake of which somebody knows, refuted; `None` where numbers do not."""
        if (
            self.derivation.mistake is None
            or self.derivation.mistake[0] not in self.derivation.backward
        ):
            return None
        name, formula, why = self.derivation.mistake
        for truth in dict.fromkeys((self.said(name), self.derivation.backward[name])):
            for sizes in islice(self.sizes(), MOST_SIZES):
                here = with_dims(formula, sizes, numbers=False)
                found = self.shown(name, Mistake(TOLD, here, ()), sizes, truth)
                if found is not None:
                    return replace(found, mistake=Mistake(TOLD, formula, ()), why=why)
        return None

    def chosen(self) -> Usual | None:
        """Return the first mistake of those that can be made that numbers refute."""
        candidates = [
            (mistake, name)
            for name in self.names
            for mistake in self.made(name, dict.fromkeys(self.program.dims, 2))
            if mistake.kind != LAST
        ]
        candidates.sort(key=lambda one: KINDS.index(one[0].kind))
        for mistake, name in candidates[:MOST_TRIED]:
            found = None
            for sizes in islice(self.sizes(), MOST_SIZES):
                here = self.refuted(name, mistake, sizes)
                if here is not None and any(map(any, here.expected)):
                    return here
                found = found or here
            if found is not None:
                return found
        return None

    def made(self, name: str, sizes: Mapping[str, int], fixed: bool = True) -> list[Mistake]:
        """Return the mistakes that can be made in a gradient at sizes, those of the user too."""
        truth, leaf = self.derivation.backward[name], self.program.leaves[name]
        given = {**sizes, **(self.program.sizes if fixed else {})}
        return mistakes(truth, given, own=leaf, skipped=self.skipped)

    def sizes(self) -> Iterator[Mapping[str, int]]:
        """Yield the smallest sizes that the program allows, with those that the user gave."""
        free = tuple(dim for dim in self.program.dims if dim not in self.program.sizes)
        for sizes in small_sizes(free):
            whole = {**sizes, **self.program.sizes}
            if obeyed(self.derivation.relations, whole):
                yield whole

    def refuted(self, name: str, mistake: Mistake, sizes: Mapping[str, int]) -> Usual | None:
        """Return a mistake with numbers that refute it at sizes, made there anew."""
        alike = (m for m in self.made(name, sizes) if _alike(m, mistake))
        here = next(alike, None)
        truth = self.derivation.backward[name]
        return None if here is None else self.shown(name, here, sizes, truth)

    def shown(
        self, name: str, here: Mistake, sizes: Mapping[str, int], whole: Expr
    ) -> Usual | None:
        """Return a mistake at sizes with the most pleasant numbers that refute it, and the `whole`
        of what is true instead."""
        truth = with_dims(whole, sizes, numbers=False)
        leaves = (*variables(truth), *variables(here.formula))
        used = list(dict.fromkeys(leaf.data[0] for leaf in leaves))
        shapes = [self.shape(n) for n in (*used, name)]
        if any(shape is None or prod(shape.extents(sizes)) > MOST_ENTRIES for shape in shapes):
            return None
        found, least = None, 0
        for seed in range(PLEASANT):
            one = self.at(name, here, truth, used, sizes, seed)
            if one is not None:
                price = self.price(one, seed)
                if found is None or price < least:
                    found, least = one, price
                if _is_exact(one) and seed + 1 >= ENOUGH:
                    break
        return found and replace(found, truth=whole)

    def price(self, found: Usual, seed: int) -> int:
        """Return how unpleasant the numbers of a point are: those that are shown twice as much as
        the values on the way to them."""
        trial = self.points.trial(found.sizes, seed)
        assert trial is not None
        shown = (*found.values.values(), found.expected, found.claimed)
        dull = sum(
            not x for rows in found.values.values() for row in rows for x in row if is_exact(x)
        )
        return 2 * sum(map(_price, shown)) + sum(map(_price, trial.known.values())) + DULL * dull

    def at(
        self,
        name: str,
        mistake: Mistake,
        truth: Expr,
        used: list[str],
        sizes: Mapping[str, int],
        seed: int,
    ) -> Usual | None:
        """Return a mistake with the numbers of one point, `None` where these do not refute it."""
        if self.points.difference(name, mistake.formula, sizes, seed) is None:
            return None
        trial = self.points.trial(sizes, seed)
        assert trial is not None
        try:
            values = {
                n: trial.known[n] if n in trial.known else trial.gradient(n[1:])
                for n in used if n in trial.known or n[1:] in trial.known
            }  # fmt: skip
            expected, true = trial.gradient(name), trial.value(truth)
            claimed = trial.value(mistake.formula)
        except DeriveError:
            return None
        pairs = zip(expected, true, strict=True)
        if len(values) < len(used) or any(apart(x, y) for a, b in pairs for x, y in zip(a, b)):
            return None
        shown = (*values.values(), expected, claimed)
        if not all(_is_certain(x) for table in shown for y in table for x in y):
            return None
        equal, general = self.general(name, mistake)
        return Usual(name, general, truth, sizes, values, expected, claimed, equal)

    def general(self, name: str, mistake: Mistake) -> tuple[tuple[str, ...], Mistake]:
        """Return the dimensions that must be equal for a mistake to fit, none or two, and the
        mistake where others are not; itself where more than that is needed."""
        dims = self.program.dims
        for pair in ((), *combinations(dims, 2)) if len(dims) <= len(APART) else ():
            sizes = {**dict(zip(dims, APART)), **dict.fromkeys(pair, EQUAL)}
            for other in self.made(name, sizes, fixed=False):
                if _alike(other, mistake):
                    return pair, other
        return (), mistake


def _alike(one: Mistake, other: Mistake) -> bool:
    return one.kind == other.kind and str(one.formula) == str(other.formula)


def _is_certain(x: Any) -> bool:
    """Whether digits of a number are certain: not of one that may be 0 and is not known to be."""
    return is_exact(x) or arb(x).is_zero() or not arb(x).contains(0)


def _price(rows: Rows) -> int:
    """Return how unpleasant numbers are to reckon with: fractions and many digits cost, and most of
    all numbers with no end that are next to nothing, next to one, or large."""
    total = 0
    for x in (x for row in rows for x in row):
        if is_exact(x):
            total += len(str(x).lstrip("-")) - 1
        else:
            size = abs(float(arb(x)))
            far = min(size, abs(size - 1)) < SATURATED or size > LARGE
            total += UGLY * (3 if far else 1)
    return total


def _is_exact(found: Usual) -> bool:
    tables = (*found.values.values(), found.expected, found.claimed)
    return all(is_exact(x) for rows in tables for row in rows for x in row)
