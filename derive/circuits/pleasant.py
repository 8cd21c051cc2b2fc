"""Numbers that are pleasant to reckon with: a program and a seed to a point.

What enters is a program, sizes and a whole number; what leaves is a matrix for every input and an
upstream gradient, the same for the same seed on every machine. Candidates are drawn, the two passes
are run, and the point with the shortest numbers is kept. At no point that leaves does a value fail
to exist, nor a function have a kink; nothing is promised of the gradients, which are checked later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from math import prod
from random import Random
from typing import Any

from derive.circuits.backprop import Kink, backward, forward, sides, switches
from derive.circuits.circuit import Circuit, Gate, circuit, formula
from derive.circuits.values import Matrix, Point, point
from derive.expressions.errors import SizeError, UnsupportedError
from derive.expressions.expr import nodes
from derive.expressions.limits import MOST_CELLS, during
from derive.expressions.program import Program
from derive.expressions.shape import Shape
from derive.language.assumptions import drawing, drawn, refuse_broken, unimodular
from derive.ops.elementwise import EXP, RELU, SHARED, TIE
from derive.ops.linear import MATMUL
from derive.readings.numbers import DomainError, Rows, is_exact, precision

#: So many candidates are drawn before it is said that there is none; the best of so many is kept.
TRIES, ENOUGH = 300, 48
#: Multiplications that all candidates together may take: of large programs fewer are tried.
WORK = 200_000
#: What makes a number unpleasant, in the order in which it disturbs.
UGLY, DULL, LONG = 1_000, 100, 1


@during("choosing")
def pleasant(
    program: Program,
    sizes: Mapping[str, int] | None = None,
    seed: int = 1,
    given: Mapping[str, Any] | None = None,
    assume: Mapping[str, frozenset[str]] | None = None,
) -> Point:
    """Return numbers for the inputs of a program, and an upstream gradient unless it is a loss.

    `given` holds values that are settled, `assume` what the others obey (see `assumptions`).

    >>> from derive.language.parse import parse
    >>> found = pleasant(parse("X: (n, 2); w: (2, 1); y = X @ w"), {"n": 3}, seed=1)
    >>> {name: (len(rows), len(rows[0])) for name, rows in found.values.items()}
    {'X': (3, 2), 'w': (2, 1)}
    >>> found == pleasant(parse("X: (n, 2); w: (2, 1); y = X @ w"), {"n": 3}, seed=1)
    True

    Raises `UnsupportedError` where no point is found, saying what stood in the way most often, and
    `DomainError` where all inputs are given and the program has no value there.
    """
    return _Search(program, sizes, seed, given or {}, assume or {}).best()


class _Search:
    """The search for a point: what is settled, what is drawn, what was in the way."""

    def __init__(
        self,
        program: Program,
        sizes: Mapping[str, int] | None,
        seed: int,
        given: Mapping[str, Any],
        assume: Mapping[str, frozenset[str]],
    ):
        settled = point(program, given, sizes, partial=True)
        self.program, self.assume = program, assume
        self.settled, self.sizes = settled, settled.sizes
        self.circuit = circuit(program)
        self.random = Random(str(seed))  # of a text, for a negative number is read as positive
        work = sum(_work(gate, self.circuit, self.sizes) for gate in self.circuit.gates)
        self.work = max(work, 1)
        if work > MOST_CELLS:
            raise SizeError(
                f"working this out would take about {work:,} products, more than {MOST_CELLS:,}",
                hint="choose smaller sizes with --at",
            )
        self.enough = 1 if self.is_settled else max(1, min(ENOUGH, WORK // self.work))
        self.obstacles: Counter[str] = Counter()
        self.steep = [_is_steep(users, self.circuit) for users in self.circuit.uses()]
        self.inverts = any(node.op.costly for s in program.statements for node in nodes(s.expr))
        refuse_broken(settled.values, assume)

    def best(self) -> Point:
        tries = max(8, min(TRIES, 8 * WORK // self.work))
        found: Point | None = None
        least, good = 0, 0
        for attempt in range(tries):
            # of large programs one point is enough, so the likeliest way to one comes first
            candidate = self.candidate(attempt + (self.enough == 1))
            price = self.price(candidate)
            if price is None:
                continue
            if found is None or price < least:
                found, least = candidate, price
            good += 1
            if good >= self.enough or self.is_settled:
                break
        if found is None:
            raise self.failure(attempt + 1)
        return found

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to be drawn."""
        return self.inputs_settled and (self.program.is_loss or self.settled.seed is not None)

    @property
    def inputs_settled(self) -> bool:
        return len(self.settled.values) == len(self.program.inputs)

    def failure(self, tries: int) -> UnsupportedError:
        ((obstacle, _),) = self.obstacles.most_common(1)
        return UnsupportedError(
            f"no numbers were found at which the program has values and gradients, in {tries} "
            f"tries; most often {obstacle}",
            hint="give your own numbers with --values, or other sizes with --at",
        )

    def candidate(self, attempt: int) -> Point:
        def draw(k: int, name: str, extents: tuple[int, ...]) -> Matrix:
            rows, cols = extents
            if name in self.settled.values:
                return self.settled.values[name]
            if name not in self.program.inputs:
                return self.settled.seed or _signed(self.random, rows, cols, 0)
            shape, words = self.program.leaves[name].shape, self.assume.get(name, frozenset())
            return _drawing(shape, words, self.inverts)(self.random, rows, cols, attempt)

        values = drawn(self.program, self.sizes, draw, self.assume)
        seed = values.pop(f"d{self.program.output}")
        return Point(values, self.sizes, self.settled.seed if self.program.is_loss else seed)

    def price(self, candidate: Point) -> int | None:
        """Return how unpleasant a point is, `None` where the program has no value or a kink."""
        try:
            with precision(64):
                known, kinks = forward(self.circuit, self.sizes, candidate.values)
                if kinks and not self.inputs_settled:
                    self.obstacles[_kink(self.circuit, kinks[0])] += 1
                    return None
                if self.enough == 1:  # nothing to choose between
                    return 0
                gradients, _ = backward(self.circuit, self.sizes, known, kinks, candidate.seed)
        except DomainError as error:
            if self.inputs_settled:
                raise  # other numbers are not asked for
            self.obstacles[_general(error.message)] += 1
            return None
        free = [gate for gate in self.circuit.gates
                if gate.is_input and gate.name not in self.settled.values]  # fmt: skip
        total = sum(_dull(known[gate.place], self.assume.get(gate.name)) for gate in free)
        total += 60 * LONG * sum(x.q != 1 for g in free for row in known[g.place] for x in row)
        scalars = [str(known[gate.place][0][0]) for gate in free if gate.shape.is_scalar]
        total += 60 * LONG * (len(scalars) - len(set(scalars)))
        if candidate.seed is not None:
            total += _dull([[*row] for row in candidate.seed], None)
        for gate in self.circuit.gates:
            total += _price(known[gate.place], steep=self.steep[gate.place])
            total += _price(gradients[gate.place])
            if all(x == 0 for row in gradients[gate.place] for x in row):
                total += UGLY
            if gate.name and not gate.is_input:
                total += _poor(known[gate.place], bool(switches(gate)))
            if switches(gate):
                total += _one_sided(gate, known, self.sizes)
        return total


def _work(gate: Gate, circuit: Circuit, sizes: Mapping[str, int]) -> int:
    """Return about how many multiplications a gate takes, forwards and backwards."""
    own = prod(gate.shape.extents(sizes))
    if gate.pattern is not None and gate.pattern.op is MATMUL:
        return 3 * own * gate.pattern.args[0].shape.extents(sizes)[1]
    if gate.pattern is not None and gate.pattern.op.costly:
        size = circuit.gates[gate.args[0]].shape.extents(sizes)[0]
        return 3 * size * size * 2 ** min(size, 24)
    return own + sum(prod(circuit.gates[arg].shape.extents(sizes)) for arg in gate.args)


# -- what is drawn ---------------------------------------------------------------------------------

Draw = Callable[[Random, int, int, int], Matrix]


def _of(*numbers: int | Fraction) -> Draw:
    """Return how to draw a matrix of such numbers."""

    def draw(random: Random, rows: int, cols: int, attempt: int) -> Matrix:
        return [[Fraction(numbers[random.randrange(len(numbers))]) for _ in range(cols)]
                for _ in range(rows)]  # fmt: skip

    return draw


_signed = _of(1, 2, 3, -1, -2, 1, 2, -1, -3, 0)
_positive = _of(1, 2, 3, 1, 2, 4)
_several = _of(2, 3, 4, 5, 6)
_squares = _of(1, 4, 9)
_small = _of(0, 1, -1, 2, 1, -1)
_single = _of(1, 2, 3, 4, 5, -1, -2, -3, -4)
_halves = _of(*(Fraction(k, 2) for k in (1, -1, 3, -1, 1, -3)))
_unit = _of(Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))


def _drawing(shape: Shape, words: frozenset[str], inverts: bool) -> Draw:
    """Return how the values of an input are drawn."""
    if words:
        return lambda random, rows, cols, attempt: _assumed(random, rows, cols, words)

    def draw(random: Random, rows: int, cols: int, attempt: int) -> Matrix:
        choice = random.randrange(4)
        if inverts and shape.rows == shape.cols != 1 and choice:
            return unimodular(random, rows, cols)
        usual = _single if shape.is_scalar else _signed if rows * cols <= 36 else _small
        if attempt % 4 == 0:
            return usual(random, rows, cols, 0)
        if attempt % 4 == 1:  # a bias of halves keeps whole numbers off a kink
            return (_halves if 1 in (rows, cols) else usual)(random, rows, cols, 0)
        if attempt % 4 == 2:
            return (_positive, usual, _small, _squares)[choice](random, rows, cols, 0)
        return (_positive, _unit, _squares, _positive)[choice](random, rows, cols, 0)

    return draw


def _assumed(random: Random, rows: int, cols: int, words: frozenset[str]) -> Matrix:
    """Return a pleasant matrix that is to be made to obey its assumptions, or obeys them."""
    draw = drawing(words)
    if draw is not None:
        return draw(random, rows, cols)
    if "unit-interval" in words:
        return _unit(random, rows, cols, 0)
    if "positive" in words:
        return (_positive if rows * cols > 1 else _several)(random, rows, cols, 0)
    return _signed(random, rows, cols, 0)


#: A number beyond this is as ugly as any.
FAR = 10**9


# -- what is pleasant ------------------------------------------------------------------------------


def _price(rows: Rows, steep: bool = False) -> int:
    """Return how long the numbers of a matrix are, in characters; large ones count as ugly."""
    total = 0
    for x in (x for row in rows for x in row):
        if not is_exact(x):
            size = int(abs(x).upper().floor().unique_fmpz() or 0) if abs(x) < FAR else FAR
            total += UGLY * x.contains(0)  # most likely zero, but not known to be
            total += DULL * (steep and size > 3)
            total += 4 * LONG + (UGLY if size > 1000 else DULL if size > 30 else 0)
            continue
        if x.height_bits() > 100:
            total += UGLY + LONG * x.height_bits()
            continue
        top, bottom = abs(int(x.p)), int(x.q)
        total += LONG * (len(str(top)) + (bottom > 1) * (6 + 3 * len(str(bottom))) + 2 * (top == 0))
        size = top // bottom
        total += UGLY if size > 1000 else DULL if size > 50 else 4 * LONG if size > 12 else 0
        total += UGLY if bottom > 1000 else DULL if bottom > 50 else 0
        total += DULL * (steep and size > 4)
    return total


def _dull(rows: Rows, words: frozenset[str] | None) -> int:
    """Return a price for an input that hides something: zeros, equal rows, all entries alike."""
    cells = [x for row in rows for x in row]
    zeros = sum(x == 0 for x in cells)
    if words:
        spread = min(len({str(x) for x in cells}), 3)
        alike = len({tuple(map(str, row)) for row in rows}) == 1 < len(rows)
        return DULL * (3 - spread + alike) if len(cells) > 1 else 20 * LONG * (cells[0] == 1)
    total = DULL * zeros if 4 * zeros > len(cells) else 5 * LONG * zeros
    if len(cells) == 1:
        return total + (UGLY if zeros else 20 * LONG * (abs(cells[0]) == 1))
    total += UGLY * _all_alike(rows)
    total += DULL * (len(cells) > 3 and all(x > 0 for x in cells))
    for lines in (rows, list(zip(*rows, strict=True))):
        lines = [tuple(map(str, line)) for line in lines]
        total += DULL * (len(lines[0]) > 1 and len(set(lines)) < min(len(lines), 9))
    if len(rows) == len(rows[0]) and [list(c) for c in zip(*rows, strict=True)] == rows:
        total += UGLY  # it would hide a transpose
    return total


def _poor(rows: Rows, switch: bool) -> int:
    """Return a price for values that show little: all alike, few different ones, rows of zeros."""
    cells = [str(x) for row in rows for x in row]
    if len(cells) == 1:
        return 0
    empty = sum(all(x == 0 for x in row) for row in rows) * (not switch)
    return DULL * empty + 20 * LONG * (len(set(cells)) <= (len(cells) + 1) // 2)


def _all_alike(rows: Rows) -> bool:
    cells = [str(x) for row in rows for x in row]
    return len(cells) > 1 and len(set(cells)) == 1


def _is_steep(users: Iterable[tuple[int, int]], circuit: Circuit) -> bool:
    """Whether a user is made of powers of e: arguments of these should stay near to zero."""
    patterns = (circuit.gates[user].pattern for user, _ in users)
    return any(node.op is EXP for user in patterns if user for node in nodes(user.meaning))


def _one_sided(gate: Gate, known: tuple[Rows, ...], sizes: Mapping[str, int]) -> int:
    """Return a price for a relu that is everywhere on, or everywhere off, and the like."""
    found = Counter(side > 0 for _, side in sides(gate, sizes, known))
    if not found or (len(found) == 1 and found.total() == 1):
        return UGLY if found[False] and gate.pattern and gate.pattern.op is RELU else 0
    few = 3 * min(found[True], found[False]) < found.total()
    return UGLY * 5 * (len(found) == 1) + DULL * few


# -- what stood in the way -------------------------------------------------------------------------


def _general(message: str) -> str:
    """Return an error about numbers without its numbers, so that like ones count as one."""
    place, _, rest = message.partition(" does not exist at ")
    reason = rest.rpartition(": ")[2].partition(", ")[0]
    return f"{place} did not exist: {reason}" if rest else message


def _kink(circuit: Circuit, kink: Kink) -> str:
    where = "had a tie" if circuit.gates[kink.place].kink in (TIE, SHARED) else "was at its kink"
    return f"{formula(circuit, kink.place, named=False)} {where}"
