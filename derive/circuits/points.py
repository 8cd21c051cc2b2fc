"""Points: small numbers at which a claim is held against what its program says there.

What enters is a program, sizes and what is assumed; what leaves are numbers that obey all of it,
the values of the program's names, and gradients: derivatives carried forwards through the
statements as they are defined, by the calculus of a few functions. No gradient rule is read. A
number is a fraction as long as it is known to be one, and an interval that holds it otherwise. At a
point where something jumps, or has no value, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import cached_property
from itertools import count
from math import log10
from operator import add
from typing import Any

from flint import arb

from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import Expr, variables
from derive.expressions.program import Program
from derive.language.assumptions import Matrix, congruent, drawn
from derive.readings.base import Table, places
from derive.readings.jets import Definition, Smooth, carried, chain, slope
from derive.readings.numbers import (
    DomainError,
    Floats,
    Numbers,
    Rows,
    as_float,
    is_exact,
    numbers,
    precision,
    rational,
    worked,
)

#: How far a point is moved to see whether something jumps there; what counts as a jump, as a share
#: of a number, and what of one that is 0.
STEP, JUMP, LITTLE = Fraction(1, 2**66), Fraction(1, 10**6), Fraction(1, 2**40)
#: An intermediate is moved by numbers that come so much later than those of the inputs.
APART = 2000
#: Sizes that are tried, the smallest first.
LARGEST, MOST_SIZES = 3, 81
#: So many seeds give numbers to be shown, the others give numbers that meet no kink by chance.
PLEASANT = 8


def small_sizes(dims: tuple[str, ...]) -> Iterator[dict[str, int]]:
    """Yield sizes up to 3 for every dimension, in the order of their sum, none before it is asked.

    >>> [tuple(sizes.values()) for sizes in small_sizes(("n", "m"))][:4]
    [(1, 1), (1, 2), (2, 1), (1, 3)]
    """
    for total in range(len(dims), LARGEST * len(dims) + 1):
        yield from (dict(zip(dims, found, strict=True)) for found in _parts(len(dims), total))


def _parts(count: int, total: int) -> Iterator[tuple[int, ...]]:
    """Yield so many numbers from 1 to 3 with a sum, in lexicographic order."""
    if count == 0:
        yield ()
        return
    for first in range(1, LARGEST + 1):
        if count - 1 <= total - first <= LARGEST * (count - 1):
            yield from ((first, *rest) for rest in _parts(count - 1, total - first))


def values_at(
    program: Program,
    sizes: Mapping[str, int],
    seed: int,
    assumed: Mapping[str, frozenset[str]],
    far: int = 1,
) -> dict[str, Matrix] | None:
    """Return numbers for every input and the upstream gradient that obey what is assumed.

    They are small integers, signed or all positive, before they are made to obey; from the fifth
    seed on quarters, then integers up to 12, for kinks elsewhere; from the ninth on no two of them
    are likely to be equal. All are made `far` times as large before they obey. `None` where none
    are found.
    """
    positive = seed % 2 == 1
    scale = (Fraction(1), Fraction(1), Fraction(1, 4), Fraction(4))[seed // 2 % 4]
    scale = scale if seed < PLEASANT else Fraction(1, (4001, 1009, 401)[(seed - PLEASANT) // 2 % 3])
    scale *= far
    states = congruent(12345 + seed)

    def entry(i: int, j: int) -> Fraction:
        state = next(states)
        k = 1 + (state >> 16) % (3 if seed < PLEASANT else 3001)
        return scale * (k if positive or (state >> 20) % 2 else -k)

    try:
        values = drawn(program, sizes, lambda k, name, shape: Table.of(shape, entry), assumed)
    except UnsupportedError:
        return None
    if program.is_loss:
        del values[f"d{program.output}"]
    return values


class Trial:
    """A program at a point, where claims about it are tried.

    >>> from derive.language.parse import parse
    >>> program = parse("x: (); y = x ** 2 * x")
    >>> trial = Trial(program, {}, {"x": [[Fraction(2)]]})
    >>> trial.gradient("x"), trial.value(3 * program.leaves["x"])
    ([[12]], [[6]])
    """

    def __init__(
        self,
        program: Program,
        sizes: Mapping[str, int],
        values: Mapping[str, Matrix],
        nudge: Fraction = Fraction(0),
    ):
        self.program, self.sizes, self.values, self.nudge = program, sizes, values, nudge
        self.gradients: dict[str, Rows] = {}
        self.slopes: dict[str, Any] = {}
        self.levels: dict[str, list[Any]] = {}
        self.steady: dict[str, bool] = {}
        upstream = f"d{program.output}"
        seed = values.get(upstream, [[Fraction(1)]])
        self.upstream: Rows = numbers(seed)
        self.gradients[program.output.data[0]] = self.upstream

    @cached_property
    def known(self) -> dict[str, Table]:
        """The value of every name; raises `DomainError` where one does not exist."""
        inputs = {name: numbers(self.values[name]) for name in self.program.inputs}
        with precision():
            found = worked(self.program.statements, self.sizes, inputs)
        return {name: _finite(rows) for name, rows in found.items()}

    def value(self, expr: Expr) -> Table:
        """Return the value of an expression over the names and their gradients."""
        self._provide(expr)
        with precision():
            return _finite(self._reading.matrix(expr))

    @cached_property
    def _reading(self) -> Numbers:
        return Numbers(self.sizes, self._rows)

    @cached_property
    def _rows(self) -> dict[str, Rows]:
        return {**self.known}

    def _provide(self, expr: Expr) -> None:
        """Enter the gradients that an expression uses beside the values."""
        for leaf in variables(expr):
            if (name := leaf.data[0]) not in self._rows:
                self._rows[name] = self.gradient(name[1:])

    def gradient(self, name: str) -> Rows:
        """Return the gradient with respect to a name, entry by entry."""
        if name not in self.gradients:
            extents = self.program.leaves[name].shape.extents(self.sizes)
            self.gradients[name] = Table.of(extents, lambda *at: self.slope(name, {at: 1}))
        return self.gradients[name]

    @cached_property
    def _chain(self) -> tuple[Definition[str], ...]:
        return tuple(chain(self.program))

    def slope(self, name: str, direction: Mapping[tuple[int, ...], int]) -> Any:
        """Return the derivative of the loss when a name moves along a direction, all that does not
        depend on it standing still."""
        own, values = self.known[name], self.known
        along = Table.of(own.extents, lambda *place: rational(direction.get(place, 0)))
        if self.nudge and name not in self.program.inputs:
            moved = [rational(self.nudge * _unlike(APART + k)) for k in range(3 * sum(own.extents))]
            nudges = Table.of(own.extents, lambda i, j: moved[3 * i + j])
            values = {**values, name: own.zip(nudges, add)}
        with precision():
            jets = carried(self._chain, self.sizes, values, {name: along}, Smooth())
            output = jets[str(self.program.output)]
            self.levels[name] = [x.value for x in output.flat()]
            return _finite([[slope(output, self.upstream)]])[0][0]

    def differs(self, name: str, expr: Expr) -> bool | None:
        """Whether a claimed gradient certainly differs from the true one; `None` where something
        jumps or has no value, and nothing is said.

        One derivative decides, along a direction in which every entry has a part.
        """
        try:
            truth, claimed = self.along(name), self._along(name, expr)
            if not apart(truth, claimed):
                return False
            beside = (near._along(name, expr) for near in self._beside)
            steady = self.is_steady(name) and all(_near(claimed, other) for other in beside)
        except (DomainError, ZeroDivisionError):
            return None
        return True if steady else None

    def is_steady(self, name: str) -> bool:
        """Whether neither a value nor a gradient jumps at the point."""
        if name not in self.steady:
            try:
                self.steady[name] = all(
                    _near(x, y)
                    for near in self._beside
                    for x, y in zip(self._around(name), near._around(name), strict=True)
                )
            except DomainError:
                self.steady[name] = False
        return self.steady[name]

    def _around(self, name: str) -> list[Any]:
        """The slope by a name, the output with that name moved, and the values behind it."""
        return [self.along(name), *self.levels[name], *self._reached]

    def difference(self, name: str, expr: Expr) -> tuple[tuple[int, ...], Any, Any] | None:
        """Return the first entry in which a claim differs, what is expected and what is claimed."""
        if not self.differs(name, expr):
            return None
        try:
            for place, claimed in self.value(expr).cells():
                known = self.gradients.get(name)
                expected = Table(known).at(place) if known else self.slope(name, {place: 1})
                if apart(expected, claimed):
                    beside = (near.slope(name, {place: 1}) for near in self._beside)
                    steady = all(_near(expected, other) for other in beside)
                    return (place, expected, claimed) if steady else None
        except DomainError:
            pass
        return None

    def digits(self, name: str, expr: Expr) -> int | None:
        """Return to how many digits a claim agrees with the gradient, `None` without values."""
        try:
            with precision():
                pairs = zip(Table(self.gradient(name)).flat(), self.value(expr).flat(), strict=True)
                errors = [
                    float((abs(arb(x) - arb(y)) / (1 + abs(arb(x)))).upper()) for x, y in pairs
                ]
        except (DomainError, ZeroDivisionError):
            return None
        return 60 if max(errors) < 1e-60 else int(-log10(max(errors)))

    def screen(self, name: str) -> Screen | None:
        """Return a gradient in floating point, `None` where there is none."""
        try:
            return Screen(self, name)
        except (DomainError, ArithmeticError):
            return None

    def direction(self, name: str) -> dict[tuple[int, ...], int]:
        """Return a direction in which every entry of a name has a part, each another one."""
        extents = self.program.leaves[name].shape.extents(self.sizes)
        cells = [*places(extents)]
        return {cell: _unlike(k) if len(cells) > 1 else 1 for k, cell in enumerate(cells)}

    def along(self, name: str) -> Any:
        """Return the slope of the loss along that direction."""
        if name not in self.slopes:
            self.slopes[name] = self.slope(name, self.direction(name))
        return self.slopes[name]

    def _along(self, name: str, expr: Expr) -> Any:
        """Return the slope that a claim says it is."""
        claim = self.value(expr)
        with precision():
            return sum(claim.at(place) * part for place, part in self.direction(name).items())

    @cached_property
    def _reached(self) -> list[Any]:
        """The values of all that the output depends on."""
        names = self.program.reaching()
        return [x for name, rows in self.known.items() if name in names for x in rows.flat()]

    @cached_property
    def _beside(self) -> tuple[Trial, ...]:
        """The program beside the point, every number moved by an amount of its own.

        Two ties may cancel on both sides of a point, where one gains what the other loses; hardly
        along several lines through it.
        """

        def moved(step: Fraction, start: int) -> Trial:
            place = count(start)
            values = {
                name: Table(rows).map(lambda x: x + step * _unlike(next(place)))
                for name, rows in self.values.items()
            }
            return Trial(self.program, self.sizes, values, step)

        return tuple(moved(step, start) for start in LINES for step in (STEP, -STEP))


class Screen:
    """A name's gradient at a point in floating point: it sorts out formulas that are not it."""

    def __init__(self, trial: Trial, name: str):
        self.trial, self.name, self.direction = trial, name, trial.direction(name)
        self.slope = as_float(trial.along(name))
        self.values = {n: _floats(rows) for n, rows in trial.known.items()}
        self.values[f"d{trial.program.output}"] = _floats(trial.upstream)
        self.reading = Numbers(trial.sizes, self.values, Floats())

    def along(self, expr: Expr) -> float | None:
        """Return the slope that a formula gives, `None` where it has no value."""
        try:
            for leaf in variables(expr):
                if (name := leaf.data[0]) not in self.values:
                    self.values[name] = _floats(self.trial.gradient(name[1:]))
            rows = self.reading.matrix(expr)
            return float(sum(rows.at(at) * part for at, part in self.direction.items()))
        except (ArithmeticError, ValueError, TypeError, DomainError):
            return None  # a root of a negative number is complex, and is no number here

    def define(self, name: str, expr: Expr) -> None:
        """Give a name the value of an expression, if that has one in floating point."""
        with suppress(ArithmeticError, ValueError, TypeError, KeyError):
            self.values[name] = self.reading.matrix(expr)

    def differ(self, one: Expr, other: Expr) -> bool:
        """Whether two expressions over names that have values here are different numbers."""
        try:
            return not all(self.reading.matrix(one).zip(self.reading.matrix(other), close).flat())
        except (ArithmeticError, ValueError, TypeError, KeyError):
            return False

    def is_gradient(self, expr: Expr) -> bool:
        return close(self.along(expr), self.slope)

    @property
    def is_steady(self) -> bool:
        """Whether nothing jumps at the point."""
        try:
            return self.trial.is_steady(self.name)
        except (DomainError, ArithmeticError):
            return False


#: Where numbers in floating point cancel, so much is left of them; deep gradients are small, too.
NOISE = 1e-14


def close(a: float | None, b: float | None) -> bool:
    """Whether two numbers in floating point may be the same one."""
    return a is not None and b is not None and abs(a - b) <= 1e-7 * max(abs(a), abs(b)) + NOISE


def _floats(rows: Rows) -> Rows:
    return Table(rows).map(as_float)


def _finite(rows: Rows) -> Table:
    """Return numbers, all of them finite; raises `DomainError` where one is not."""
    table = Table(rows)
    if not all(is_exact(x) or x.is_finite() for x in table.flat()):
        raise DomainError("a number that is not finite, or too large")
    return table


#: Where the amounts begin that numbers move by, one start a line through the point.
LINES = (0, 1000, 2500, 5300)


def _unlike(k: int) -> int:
    """Return the k-th of numbers that differ, and of which no few have a simple sum: what is equal
    at a point, and moves by these, is equal no more."""
    return pow(5, k + 1, 10_007)


def apart(a: Any, b: Any) -> bool:
    """Whether two numbers are certainly different."""
    if is_exact(a) and is_exact(b):
        return bool(a != b)
    with precision():
        return not (arb(a) - arb(b)).contains(0)


def _near(a: Any, b: Any) -> bool:
    """Whether a number hardly changes: by a small share of it, of 0 by little."""
    if is_exact(a) and is_exact(b):
        return bool(abs(a - b) < (rational(JUMP) * abs(a) or rational(LITTLE)))
    with precision():
        least = arb(rational(JUMP)) * abs(arb(a))
        return bool(abs(arb(a) - arb(b)) < (arb(rational(LITTLE)) if least.contains(0) else least))
