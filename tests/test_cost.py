"""What formulas cost, against numbers that count how often they are multiplied."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from derive.language.parse import parse
from derive.ops import OPS
from derive.readings.cost import leading, multiplications, polynomial, size

X = "X: (n, d)"
#: A program, and what it costs, by hand.
COSTS = [
    (f"{X}; W: (d, m); Y = X @ W", "d * m * n"),
    (f"{X}; W: (d, m); b: (1, m); Y = X @ W + b", "d * m * n"),
    (f"{X}; Y = X.T @ X @ X.T", "2 * (d * d * n)"),
    (f"{X}; Y = X * X - X / 3 + 2 * X", "3 * (d * n)"),
    (f"{X}; Y = X ** 3", "2 * (d * n)"),
    (f"{X}; Y = X ** -1", "d * n"),
    (f"{X}; Y = -X + sigmoid(X)", "0"),
    (f"{X}; Y = softmax(X)", "d * n"),
    (f"{X}; L = norm(X)", "d * n"),
    (f"{X}; y = prod(X, axis=1)", "d * n - n"),
    (f"{X}; y = mean(X, axis=0)", "d"),
    ("A: (n, n); Y = inv(A)", "n * n * n"),
    ("A: (n, n); y = det(A)", "1 / 3 * (n * n * n)"),
    ("v: (n, 1); Y = diag(v)", "0"),
    (f"{X}; Y = cumsum(X, axis=0)", "0"),
    ("A: (n, n); B: (m, m); Y = kron(A, B)", "m * m * n * n"),
    (f"{X}; Y = (X * X) + exp(X * X)", "d * n"),
]  # fmt: skip


def value(text: str, sizes: dict[str, int]) -> Fraction:
    return Fraction(eval(re.sub(r"\b([a-z])\b", lambda m: f"Fraction({sizes[m[1]]})", text)))


@pytest.mark.parametrize(("program", "cost"), COSTS)
def test_what_a_program_costs(program, cost):
    found = str(polynomial(multiplications(s.expr for s in parse(program).statements)))
    for sizes in ({"n": 2, "d": 3, "m": 5}, {"n": 7, "d": 4, "m": 3}):
        assert value(found, sizes) == value(cost, sizes), found


class Counting:
    """A number that tells how often it and others were multiplied, but by 0, 1 and -1."""

    count = 0

    def __init__(self, x: Fraction, trivial: bool = False):
        self.x, self.trivial = Fraction(x), trivial

    def _made(self, x: Fraction, *args: object) -> Counting:
        if not any(isinstance(a, int | Fraction) and abs(a) in (0, 1) for a in args):
            Counting.count += not any(getattr(a, "trivial", False) for a in args)
        return Counting(x)

    def __add__(self, other):
        return Counting(self.x + getattr(other, "x", other))

    __radd__ = __add__

    def __sub__(self, other):
        return Counting(self.x - getattr(other, "x", other))

    def __neg__(self):
        return Counting(-self.x)

    def __mul__(self, other):
        return self._made(self.x * getattr(other, "x", other), self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._made(self.x / getattr(other, "x", other), self, other)


class World:
    """Definitions read with counting numbers at sizes."""

    def __init__(self, sizes):
        self.sizes = sizes

    def extent(self, dim):
        return self.sizes.get(dim, dim)

    def sum(self, dim, body):
        total = body(0)
        for k in range(1, self.extent(dim)):
            total = total + body(k)
        return total

    def delta(self, i, j):
        return Counting(Fraction(i == j), trivial=True)

    def le(self, i, j):
        return Counting(Fraction(i <= j), trivial=True)

    def number(self, x):
        return Counting(x, trivial=abs(x) in (0, 1))

    def size(self, dim):
        return Counting(Fraction(self.extent(dim)))

    def function(self, name, *args):
        return Counting(Fraction(1, 2))


class Matrix(dict):
    def __init__(self, shape, cells):
        super().__init__(cells)
        self.rows, self.cols = shape.dims


@pytest.mark.parametrize("name", sorted(OPS))
def test_an_entry_costs_what_its_definition_multiplies(name):
    """Every operator of the table of which an entry can be worked out with such numbers."""
    from derive.expressions.shape import Shape
    from derive.ops import var

    op = OPS[name]
    sizes = {"n": 3, "m": 2}
    shapes = [Shape("n", "m")] * op.arity if op.arity else []
    if name == "matmul":
        shapes = [Shape("n", "m"), Shape("m", "n")]
    if name in ("tr", "diagonal"):
        shapes = [Shape("n", "n")]
    if name in ("diag", "outer"):
        shapes = [Shape("n", 1)] * op.arity
    skipped = ("number", "dim", "var", "ones", "zeros", "eye", "broadcast_to", "inv", "det",
               "logdet", "cofactors", "kron", "kron_left", "kron_right", "vec", "unvec", "pow",
               "prod", "amax", "amin", "norm", "transpose")  # fmt: skip
    if name in skipped:
        pytest.skip("has a row of its own above, or no numbers of this kind")
    for axes in op.axes or (None,):
        node = op(*(var(f"x{k}", shape) for k, shape in enumerate(shapes)), data=axes)
        Counting.count = 0
        args = [
            Matrix(
                s, {(i, j): Counting(Fraction(2 + i + j, 3)) for i in range(3) for j in range(3)}
            )
            for s in shapes
        ]
        data = {"data": axes} if op.takes_data else {}
        rows, cols = node.shape.extents(sizes)
        for i in range(rows):
            for j in range(cols):
                op.entry(World(sizes), i, j, *args, **data)
        found = str(polynomial(multiplications([node])))
        assert value(found, sizes) == Counting.count, found


def test_what_is_known_costs_nothing():
    first, second = (
        s.expr for s in parse(f"{X}; Z = X * X; Y = X * X + exp(X * X) * 3").statements
    )
    assert str(polynomial(multiplications([second], [first]))) == "d * n"


def test_terms_of_highest_degree():
    cost = multiplications([parse(f"{X}; Y = (X.T @ X) * 2").statements[0].expr])
    assert str(polynomial(leading(cost), ("n", "d"))) == "n * d ** 2"
    assert size(1) == {(): 1}
