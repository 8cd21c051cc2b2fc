"""The modular judge: a gradient that is claimed, tried at one random point modulo a large prime.

A rational program is evaluated exactly modulo a prime of 64 bits. For a claim dX = E a direction
V = u v.T is drawn. The slope of the loss along V, <dY, tangent of Y>, is carried forwards through
the definitions of the operators, a tangent beside each value, and is compared with the claimed
slope <E, V> = u.T E v. No gradient rule is read.

*A difference refutes for certain.* The residues that were drawn are whole numbers, and no divisor
vanished; so at that point of whole numbers both sides are fractions whose denominators the prime
does not divide, and the two fractions leave different rests. The claim is false at these sizes.

*Agreement proves nothing, and has a bound.* Where E is not dX, u.T (E - dX) v is not zero, as a
rational function of the inputs, dY, u and v. Let N be the degree of its numerator, D that of the
product of all divisors; entries are drawn from S = 2**62 numbers, no two of which leave the same
rest. By Schwartz and Zippel at most N/S of all points make the numerator vanish, at most D/S are
not defined, so the chance to agree all the same is at most N / (S - D). (u and v are part of N: a
bilinear form that is not zero vanishes with chance 2/S.) This is about the identity modulo the
prime: a claim that is wrong by a multiple of the prime itself, such as `(1 + p) * dY`, is not seen;
each seed has a prime of its own. Sizes that were not tried are not spoken of.

*A function that is left open* has at each argument that is met a number of its own, drawn as the
entries are, and so have its derivatives: some smooth function has these values. They count as
inputs of degree 1. That two arguments differ, and leave the same rest all the same, has a chance of
at most their degree over S - D, which the bound adds for every two of them.

*Assumptions.* A matrix that is symmetric is drawn as F + F.T, which leaves degrees as they are. One
that is positive, between 0 and 1, or invertible is drawn as any other: fractions of polynomials
that differ anywhere differ somewhere in every open set. Other assumptions are not served.

The direction has rank one so that products with it are products of a matrix and a vector: an affine
layer costs a few of these, and no product of two matrices. For that its tangents and its point are
those of whole matrices in FLINT, and not the jets of `readings.jets`, which are numbers of Python,
entry by entry: for a product at 48×48×48 these take 0.3 s to what takes a millisecond here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from random import Random
from typing import NamedTuple

from flint import fmpz

from derive import ops
from derive.expressions.errors import ShapeError, UnsupportedError
from derive.expressions.expr import Expr, nodes
from derive.expressions.program import Program
from derive.judges.rational import TOTALS, Setting
from derive.judges.residues import CHOICES, Point
from derive.language.assumptions import TABLE, implied
from derive.ops.square import DET

#: So many points are tried until one is found at which both sides are defined.
TRIES = 4
Assumptions = Mapping[str, str | Collection[str]]


class Outcome(NamedTuple):
    """What one point says: a difference is certain, agreement is chance with at most `bound`."""

    agrees: bool
    bound: Fraction
    prime: int


def agrees_modulo(
    program: Program,
    name: str,
    claim: Expr,
    sizes: Mapping[str, int],
    *,
    seed: int = 0,
    assume: Assumptions | None = None,
) -> Outcome:
    """Return whether a claimed gradient agrees with the true one at a point modulo a prime.

    The claim may use the program's names and the gradients of them. The seed chooses the prime; the
    point is drawn by FLINT.

    >>> from derive.language.parse import parse
    >>> from derive.ops import var
    >>> program = parse("X: (n, d); W: (d, m); Y = X @ W")
    >>> X, W, Y = program.leaves.values()
    >>> dY = var("dY", Y.shape)
    >>> [agrees_modulo(program, "X", E, {"n": 40}).agrees for E in (dY @ W.T, 2 * (dY @ W.T), X)]
    [True, False, False]

    Raises `UnsupportedError` for an operator that is not rational, and where no point was found at
    which both sides have a value; `ShapeError` for a claim of another shape.
    """
    return Judge(program, sizes, seed=seed, assume=assume).agrees(name, claim)


class Judge:
    """A program at sizes, before which claims are brought; they share the points that are drawn."""

    def __init__(
        self,
        program: Program,
        sizes: Mapping[str, int],
        *,
        seed: int = 0,
        assume: Assumptions | None = None,
    ):
        self.setting = Setting(program, program.at(sizes), _symmetric(assume or {}))
        self.random = Random(seed)
        self.points: list[Point] = []

    def agrees(self, name: str, claim: Expr) -> Outcome:
        """Return what `agrees_modulo` returns, of one claim among several."""
        setting = self.setting
        setting.program.wanted((name,))
        shape = setting.program.leaves[name].shape
        if claim.shape != shape:
            raise ShapeError(f"d{name} is {shape}, the claim is {claim.shape}")
        try:
            return self._tried(setting.slope(name), setting.along(name, claim))
        except RecursionError:
            raise UnsupportedError("this is nested too deeply for the modular judge") from None

    def _tried(self, truth: Expr, claimed: Expr) -> Outcome:
        for point in self._points():
            point.visits.clear()
            try:
                agrees = point.value(truth) == point.value(claimed)
                point.insist()
            except ZeroDivisionError:
                continue
            bound = _Degrees(self.setting).bound(truth, claimed) if agrees else Fraction(0)
            return Outcome(agrees, bound, point.prime)
        raise UnsupportedError("both sides have a value at none of the points that were tried")

    def _points(self) -> Iterator[Point]:
        for k in range(TRIES):
            if k == len(self.points):
                self.points.append(Point(self.setting, _prime(self.random)))
            yield self.points[k]


def _symmetric(assume: Assumptions) -> set[str]:
    """Return the names of the inputs that are symmetric; refuse what no random point obeys."""
    found = set()
    for name, given in assume.items():
        said = implied([given] if isinstance(given, str) else given)
        if special := [word for word in sorted(said) if not TABLE[word].generic]:
            raise UnsupportedError(f"no random point makes {name} {special[0]}")
        if "symmetric" in said:
            found.add(name)
    return found


def _prime(random: Random) -> int:
    """Return a prime of 64 bits, larger than the distance of any two numbers that are drawn."""
    found = random.randrange(2**63 + 2**62, 2**64) | 1
    while not fmpz(found).is_prime():
        found -= 2
    return found


# -- degrees ---------------------------------------------------------------------------------------

#: The degrees of a numerator and a denominator that any entry of a matrix can be written with.
Degree = tuple[int, int]


class _Degrees:
    """Bounds of the degrees of expressions, as rational functions of all that is drawn."""

    def __init__(self, setting: Setting):
        self.setting = setting
        self.known: dict[Expr, Degree] = {}
        self.divisors = 0
        #: How many arguments of open functions there are, and the largest degree of a difference.
        self.arguments, self.largest = 0, 0

    def bound(self, one: Expr, other: Expr) -> Fraction:
        """Return the chance at most to find two scalars equal that are not."""
        for leaf in self.setting.defined:
            self.of(leaf)
        (a, b), (c, d) = self.of(one), self.of(other)
        left = CHOICES - self.divisors
        most = max(a + d, c + b) + self.arguments**2 * self.largest
        return min(Fraction(1), Fraction(most, left)) if left > 0 else Fraction(1)

    def of(self, root: Expr) -> Degree:
        for node in nodes(root):
            if node not in self.known:
                self.known[node] = self._degree(node)
        return self.known[root]

    def _degree(self, node: Expr) -> Degree:
        setting = self.setting
        if node.is_var:
            if node in setting.defined:
                return self.of(setting.defined[node])
            return self.of(setting.gradients[node][1]) if node in setting.gradients else (1, 0)
        if not node.args:
            return 0, 0
        (a, b), (c, d) = self.known[node.args[0]], self.known[node.args[-1]]
        rows, cols = node.args[0].shape.extents(setting.sizes)
        entries = int.__mul__(*node.shape.extents(setting.sizes))
        if node.op.left_open:
            self.arguments, self.largest = self.arguments + entries, max(self.largest, a + b)
            return 1, 0
        match node.op:
            case ops.ADD | ops.SUB:
                return max(a + d, c + b), b + d
            case ops.MUL | ops.KRON:
                return a + c, b + d
            case ops.KRON_LEFT | ops.KRON_RIGHT:
                return _total((a + c, b + d), rows * cols // entries)
            case ops.DIV:
                self.divisors += entries * c
                return a + d, b + c
            case ops.POW:
                k = int(node.data)
                self.divisors += entries * a if k < 0 else 0
                return (k * a, k * b) if k >= 0 else (-k * b, -k * a)
            case ops.MATMUL:
                return _total((a + c, b + d), cols)
            case ops.TRACE:
                return _total((a, b), rows)
            case ops.INV | ops.DET:
                # A = M / e, with a common denominator e of degree `common`
                common = rows * rows * b
                own = a + common - b if b else a
                if node.op is DET:
                    return rows * own, rows * common
                self.divisors += rows * own
                return (rows - 1) * own + common, rows * own
        if node.op in TOTALS:
            return _total((a, b), rows * cols // entries)
        return a, b


def _total(degree: Degree, count: int) -> Degree:
    """Return the degrees of a sum of so many fractions of different denominators."""
    a, b = degree
    return a + (count - 1) * b, count * b
