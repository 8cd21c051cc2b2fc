"""Points of a program, at which a claim is seen to be false.

What enters are a program and what is assumed of its inputs, what leaves is a difference of a claim
and the gradient at small sizes and small numbers. The law: nothing is said at a point where
something jumps or has no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import cycle, islice, product
from typing import Any

from derive.circuits.points import (
    LARGEST,
    MOST_SIZES,
    NOISE,
    PLEASANT,
    Screen,
    Trial,
    apart,
    small_sizes,
    values_at,
)
from derive.expressions.errors import DeriveError
from derive.expressions.expr import Expr
from derive.expressions.limits import during
from derive.expressions.program import Program
from derive.judges.judgement import Counterexample
from derive.ops.unspecified import samples
from derive.proof.hypotheses import beyond
from derive.proof.sizes import asked, chosen, obeyed
from derive.readings.numbers import told_apart

Sizes = Mapping[str, int]
Assumed = Mapping[str, frozenset[str]]
#: How many points are tried at each choice of sizes, and how many where there is one choice.
SEEDS, MOST_SEEDS = 8, 64


class Points:
    """The points of a program that obey what is assumed, each made once."""

    def __init__(self, program: Program, assumed: Assumed):
        self.program, self.assumed = program, assumed
        self.trials: dict[tuple, Trial | None] = {}

    # -- sizes -------------------------------------------------------------------------------------

    def at(self, numbers: tuple[int, ...]) -> dict[str, int]:
        """Return sizes: those that the user gave, and for the other dimensions some numbers."""
        dims, fixed = self.program.dims, self.program.sizes
        plain = {dim: fixed.get(dim, k) for dim, k in zip(dims, cycle(numbers), strict=False)}
        return chosen(dims, asked(self.program), numbers, fixed) or plain

    def sized(self, numbers: tuple[int, ...], ones: Sequence[str] = ()) -> dict[str, int]:
        """Return sizes: some numbers in turn, such that what the program asks of them holds."""
        fixed = dict.fromkeys(ones, 1)
        found = chosen(self.program.dims, asked(self.program), numbers, fixed)
        return found or ({} if ones else self.at(numbers))

    def smallest(self) -> Iterator[Sizes]:
        """Yield the smallest sizes that obey what the program asks of them."""
        relations = asked(self.program)
        if not relations:
            return islice(small_sizes(self.program.dims), MOST_SIZES)
        few = islice(small_sizes(self.program.dims), 10 * MOST_SIZES)
        found = [sizes for sizes in few if obeyed(relations, sizes)]
        return islice(found or [self.at((2, 3, 4))], MOST_SIZES)

    # -- points ------------------------------------------------------------------------------------

    def trial(
        self, sizes: Sizes, seed: int, assumed: Assumed | None = None, scale: int = 1
    ) -> Trial | None:
        """Return the program at a point that obeys what is assumed, `None` where none is found."""
        assumed = self.assumed if assumed is None else assumed
        key = (*sizes.items(), seed, scale, *assumed.items())
        if key not in self.trials:
            values = values_at(self.program, sizes, seed, assumed, scale)
            found = Trial(self.program, dict(sizes), values) if values is not None else None
            self.trials[key] = found
        return self.trials[key]

    def screen(self, name: str, sizes: Sizes, assumed: Assumed | None = None) -> Screen | None:
        """Return a gradient at a point of some sizes at which it has a value, and meets no kink."""
        seeds = range(PLEASANT, PLEASANT + SEEDS)
        trials = (self.trial(sizes, seed, assumed) for seed in seeds)
        first = None
        for trial in trials:
            screen = trial.screen(name) if trial else None
            if screen and abs(screen.slope) > NOISE:
                return screen
            first = first or screen
        return first

    def screens(self, name: str) -> list[Screen]:
        """Return a gradient at two points of different sizes, at which it has a value."""
        found = (self.screen(name, self.sized(numbers)) for numbers in ((2, 3, 4), (3, 2)))
        return [screen for screen in found if screen]

    # -- claims ------------------------------------------------------------------------------------

    @during("trying")
    def looks_false(self, name: str, expr: Expr) -> bool:
        """Whether a claim fails at the smallest sizes, or at one of two points of middling sizes:
        then no proof is tried."""
        small, middling = self.sized((1,)), self.sized((2, 3))
        trials = (self.trial(*at) for at in ((small, 0), (middling, 0), (middling, 1)))
        return any(trial.differs(name, expr) for trial in trials if trial)

    @during("refuting")
    def refute(self, name: str, expr: Expr) -> Counterexample | None:
        """Return a counterexample of small sizes and small integers, or `None`.

        Where small integers meet kinks, or never lie between two of them, others do not; in the end
        they are so large that some lie beyond every constant.
        """
        few = max(SEEDS, MOST_SEEDS // 3 ** len(self.program.dims))
        far = beyond(*(s.expr for s in self.program.statements), expr)
        rounds = [(range(SEEDS), MOST_SIZES, 1), (range(PLEASANT, PLEASANT + few), SEEDS, 1)]
        for seeds, most, scale in rounds + [(range(SEEDS), SEEDS, far)] * (far > LARGEST):
            for sizes in islice(self.smallest(), most):
                for seed in seeds:
                    found = self.difference(name, expr, sizes, seed, scale)
                    if found is not None:
                        return found
        return None

    def difference(
        self, name: str, expr: Expr, sizes: Sizes, seed: int, scale: int = 1
    ) -> Counterexample | None:
        """Return where a claim differs at one point, `None` also where nothing is said of it."""
        trial = self.trial(sizes, seed, scale=scale)
        found = trial and trial.difference(name, expr)
        if not trial or not found:
            return None  # no difference, or at a kink, or where the program has no value
        place, expected, claimed = found
        expected, claimed = told_apart(expected, claimed)
        return Counterexample(
            sizes=dict(sizes),
            values={
                n: [[str(x) for x in line] for line in rows] for n, rows in trial.values.items()
            },
            entry=tuple(k + 1 for k in place),
            expected=expected,
            claimed=claimed,
            name=f"d{name}",
            functions=tuple(samples(self.program.functions)),
        )

    def is_true_there(self, name: str, truth: Expr, found: Counterexample) -> bool:
        """Whether a formula has the value that a counterexample expects, at its entry."""
        values = {
            k: [[Fraction(x) for x in line] for line in rows] for k, rows in found.values.items()
        }
        trial = Trial(self.program, found.sizes, values)
        place = tuple(k - 1 for k in found.entry)
        try:
            return not apart(trial.value(truth).at(place), trial.slope(name, {place: 1}))
        except DeriveError:
            return False

    def digits(self, name: str, expr: Expr) -> int | None:
        """Return to how many digits both sides agree at a few points, `None` without values."""
        sizes = {dim: 2 + k % 2 for k, dim in enumerate(self.program.dims)}
        trials = (self.trial(sizes, seed) for seed in range(4))
        found = (trial.digits(name, expr) for trial in trials if trial)
        return min((k for k in found if k is not None), default=None)

    def fails(self, name: str, expr: Expr, leaf: str, word: str) -> bool:
        """Whether a claim is false, or nothing is said, at a point that obeys one word more.

        What is true at one point of each choice of sizes is tried at others: a mask that is
        forgotten is 1 where all is positive.
        """
        also: dict[str, Any] = {**self.assumed}
        also[leaf] = also.get(leaf, frozenset()) | {word}
        seen, choices = False, [self.sized(numbers) for numbers in ((2,), (2, 3))]
        for sizes in choices:
            if screen := self.screen(name, sizes, also):
                if not (screen.is_gradient(expr) and screen.is_steady):
                    return True
                seen = True
        points = product(choices, range(PLEASANT, PLEASANT + SEEDS))
        trials = (self.trial(sizes, seed, also) for sizes, seed in points)
        screens = (screen for trial in trials if trial and (screen := trial.screen(name)))
        return not seen or any(not s.is_gradient(expr) and s.is_steady for s in screens)
