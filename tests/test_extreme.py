"""Maxima and minima: the winner's mask, its laws, the theorem, claims about it, and its limits."""

import random
from fractions import Fraction

import pytest

from derive.algebra.forms import TooLarge
from derive.algebra.normal import Ring
from derive.expressions.errors import ParseError
from derive.expressions.shape import Shape
from derive.judges.claim import check
from derive.judges.verify import insist, verify
from derive.language.parse import parse, parse_claim
from derive.ops import var
from derive.proof.explain import explain
from derive.readings.numbers import Enclosures
from derive.readings.terms import Entries

SHIFTED = "Z: (n, k); M = max(Z, axis=1); E = exp(Z - M); S = E / sum(E, axis=1)"
POOLED = "X: (n, d); W: (d, m); H = relu(X @ W); p = max(H, axis=0)"
GRADIENTS = [
    ("X: (n, d); Y = max(X, axis=1)", "dY * (X == Y)"),
    ("X: (n, d); Y = max(X, axis=0)", "dY * (X == Y)"),
    ("X: (n, d); L = max(X)", "X == L"),
    ("X: (n, d); Y = min(X, axis=1)", "dY * (X == Y)"),
    ("X: (n, d); Y = min(X, axis=0)", "dY * (X == Y)"),
    ("X: (n, d); L = min(X)", "X == L"),
    ("x: (n, 1); y = max(x)", "x == y"),
    ("X: (n, d); L = sum(max(X, axis=1) ** 2)", "2 * max(X, axis=1) * (X == max(X, axis=1))"),
    (POOLED, "(dp * (H == p) * (X @ W > 0)) @ W.T"),
    ("X: (n, d); Y = relu(max(X, axis=1))", "dY * (max(X, axis=1) > 0) * (X == max(X, axis=1))"),
    ("X: (n, d); Y = X * (X == max(X, axis=1))", "dY * (X == max(X, axis=1))"),
    ("X: (n, d); Y = X * (X >= 1)", "where(1 > X, 0, dY)"),
    ("A: (n, k); X: (n, d); W: (d, k); Y = max(A + X @ W, axis=1)", None),
    ("X: (n, d); Y = max(max(X, axis=1), axis=0)", None),
    ("X: (n, d); L = max(X.T) - min(X)", None),
    (SHIFTED, None),
]


@pytest.mark.parametrize("text, gradient", GRADIENTS)
def test_the_gradient_is_proved_for_every_shape(text, gradient):
    derivation = insist(verify(explain(parse(text))))
    first = next(iter(derivation.gradients.values()))
    assert gradient is None or str(first) == gradient
    assert all(found.digits > 30 for found in derivation.agreements)
    assert derivation.agreements


def test_the_largest_entry_must_be_unique():
    derivation = explain(parse("X: (n, d); Y = max(X, axis=1)"))
    assert [c.kind for group in derivation.conditions for c in group] == ["unique-max-of-each-row"]
    derivation = explain(parse("x: (n, 1); Y = max(x, axis=1)"))  # the only one is
    assert derivation.conditions == ()


CLAIMS = [
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X == max(X, axis=1))", "proved"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (max(X, axis=1) == X)", "proved"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X == Y)", "proved"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X >= Y)", "proved"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (1 - (X < max(X, axis=1)))", "proved"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (2 * X == 2 * Y)", "proved"),
    ("X: (n, d); Y = max(X, axis=1)", "M = X == Y; dX = dY * M / sum(M, axis=1)", "proved"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (-X == min(-X, axis=1))", "proved"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY + 0 * X", "refuted"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY", "refuted"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X > 0)", "refuted"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X > Y)", "refuted"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X <= Y)", "refuted"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X == min(X, axis=1))", "refuted"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X == max(X))", "refuted"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X == max(X, axis=0))", "refuted"),
    ("X: (n, d); Y = max(X, axis=1)", "dX = 0 * X", "refuted"),
    ("X: (n, d); L = max(X)", "dX = X == max(X.T)", "proved"),
    ("X: (n, d); L = max(X)", "dX = X == max(X, axis=1)", "refuted"),
    ("X: (n, d); L = max(X.T)", "dX = (X.T == L).T", "proved"),
    ("X: (n, d); Y = min(X, axis=0)", "dX = dY * (X == min(X, axis=0))", "proved"),
    (SHIFTED, "dZ = S * (dS - sum(dS * S, axis=1))", "proved"),
    (SHIFTED, "dZ = softmax(Z) * (dS - sum(dS * softmax(Z), axis=1))", "proved"),
    (SHIFTED, "dZ = S * (dS - sum(dS * S, axis=0))", "refuted"),
    ("Z: (n, k); M = max(Z, axis=1); l = M + log(sum(exp(Z - M), axis=1))",
     "dZ = dl * softmax(Z)", "proved"),
    (POOLED, "dW = X.T @ (dp * (H == p) * (H > 0))", "proved"),
    (POOLED, "dW = X.T @ (dp * (H == p))", "refuted"),
    ("A: (n, d); B: (n, d); Y = A + B", "dA = dY * (A == A)", "proved"),
    ("A: (n, d); B: (n, d); Y = A + B", "dA = dY * (A == B)", "refuted"),
    ("A: (n, d); B: (n, d); Y = A + B", "dA = dY * (1 - (A == B))", "undecided"),
]  # fmt: skip


@pytest.mark.parametrize("program, claim, verdict", CLAIMS)
def test_claims_about_the_winner(program, claim, verdict):
    (found,) = check(program, claim)
    assert found.verdict == verdict, found


def test_a_winner_is_no_reason_to_ask_that_it_differs_from_its_maximum():
    (found,) = check("X: (n, d); Y = max(X, axis=1)", "dX = dY * (X >= Y)")
    assert found.conditions == ("the largest entry of each row of X is unique",)


LAWS = [
    ("sum(X == max(X, axis=1), axis=1)", "ones(n, 1)"),
    ("sum(X == max(X))", "1"),
    ("(X == max(X, axis=1)) ** 2", "X == max(X, axis=1)"),
    ("sum((X == max(X, axis=1)) * X, axis=1)", "max(X, axis=1)"),
    ("(X == max(X, axis=1)) * max(X, axis=1)", "(X == max(X, axis=1)) * X"),
    ("max(X + c, axis=1)", "max(X, axis=1) + c"),
    ("max(3 * X)", "3 * max(X)"),
    ("max(-X)", "-min(X)"),
    ("max(X.T, axis=0)", "max(X, axis=1).T"),
    ("max(X) ** 2", "sum((X == max(X)) * X ** 2)"),
    ("(X > max(X, axis=1))", "0 * X"),
    ("(X <= max(X, axis=1))", "ones(n, d)"),
]


@pytest.mark.parametrize("left, right", LAWS)
@pytest.mark.parametrize("sizes", [None, {"n": 2, "d": 3}, {"n": 3, "d": 2}])
def test_laws_of_the_mask(left, right, sizes):
    leaves = {"X": var("X", Shape("n", "d")), "c": var("c", Shape("n", 1))}
    forms = []
    ring = Ring(sizes)
    for text in (left, right):
        _, expr = parse_claim(f"dX = {text}", leaves, ("n", "d"))
        i, j = (0 if dim == 1 else at for dim, at in zip(expr.shape.dims, "ij", strict=True))
        names = {"i": 1, "j": sizes["d"] - 1} if sizes else {}
        if expr.shape.rows == "d":
            names = {}
        forms.append(ring.of(Entries(("k", "l", "p", "q")).of(expr, i, j), names))
    assert ring.equal(*forms)


UNEQUAL = [
    ("X == max(X)", "X == max(X, axis=1)"),
    ("max(X)", "max(X, axis=1)"),
    ("X == max(X, axis=1)", "0 * X"),
    ("X == c", "0 * X"),
    ("(X == max(X, axis=1)) + (X == min(X, axis=1))", "ones(n, d)"),
    ("abs(X - max(X, axis=1))", "X - max(X, axis=1)"),
]


@pytest.mark.parametrize("left, right", UNEQUAL)
def test_what_differs_stays_different(left, right):
    leaves = {"X": var("X", Shape("n", "d")), "c": var("c", Shape("n", 1))}
    ring, forms = Ring(), []
    for text in (left, right):
        _, expr = parse_claim(f"dX = {text}", leaves, ("n", "d"))
        i, j = (0 if dim == 1 else at for dim, at in zip(expr.shape.dims, "ij", strict=True))
        forms.append(ring.of(Entries(("k", "l", "p", "q")).of(expr, i, j)))
    assert not ring.equal(*forms)


@pytest.mark.parametrize("text", [
    "sign(max(X) - max(X, axis=1))",  # 0 where the row has the largest entry of all
    "relu(c * (X - max(X, axis=1)))",
    "relu(sum(X == c))",
])  # fmt: skip
def test_signs_of_what_may_vanish_on_a_region_are_not_decided(text):
    leaves = {"X": var("X", Shape("n", "d")), "c": var("c", Shape("n", 1))}
    _, expr = parse_claim(f"dX = {text}", leaves, ("n", "d"))
    i, j = (0 if dim == 1 else at for dim, at in zip(expr.shape.dims, "ij", strict=True))
    with pytest.raises(TooLarge):
        Ring().of(Entries(("k", "l", "p", "q")).of(expr, i, j))


def random_text(rng: random.Random, shape: str, depth: int) -> str:
    """A text of random maxima, masks and signs, of the shape of a matrix or of a column."""

    def of(kind: str = shape) -> str:
        return random_text(rng, kind, depth - 1)

    if depth == 0:
        return {"matrix": rng.choice(["X", "Y"]), "column": rng.choice(["c", "e"])}[shape]
    extreme = rng.choice(["max", "min"])
    if shape == "column":
        return rng.choice([
            f"{extreme}({of('matrix')}, axis=1)", f"sum({of('matrix')}, axis=1)",
            f"({of()} {rng.choice('+-*')} {of()})", f"relu({of()})",
        ])  # fmt: skip
    inside = of()
    return rng.choice([
        f"({inside} == {extreme}({inside}, axis={rng.choice([0, 1])}))", f"relu({of()})",
        f"({inside} {rng.choice(['>', '<', '>=', '<='])} {extreme}({inside}, axis=1))",
        f"({of()} {rng.choice('+-*')} {of('column')})", f"({of()} {rng.choice('+-*')} {of()})",
        f"({inside} - {extreme}({inside}))", f"({of()} > {of('column')})",
    ])  # fmt: skip


SIZES = {"n": 2, "d": 3}


def settled(rng: random.Random):
    """A random formula, its normal forms and its values: the first one that no tie leaves open."""
    shapes = {"X": ("n", "d"), "Y": ("n", "d"), "c": ("n", 1), "e": ("n", 1)}
    leaves = {name: var(name, Shape(*dims)) for name, dims in shapes.items()}
    while True:
        _, expr = parse_claim(f"dX = {random_text(rng, 'matrix', 3)}", leaves, ("n", "d"))
        values = {
            name: [
                [Fraction(rng.randint(-99, 99), 7) for _ in range(SIZES.get(dims[1], 1))]
                for _ in range(2)
            ]
            for name, dims in shapes.items()
        }
        exact = {n: [[_exact(x) for x in r] for r in v] for n, v in values.items()}
        point = Enclosures(SIZES, exact)
        found = point.matrix(expr)
        if point.tied:
            continue
        entries = Entries(("k", "l", "p", "q", "r", "s", "t", "u"))
        i, j = (0 if dim == 1 else at for dim, at in zip(expr.shape.dims, "ij", strict=True))
        ring, flat = Ring(), Ring(SIZES)
        try:
            form = ring.of(entries.of(expr, i, j))
            written = [
                [flat.of(entries.of(expr, i, j), {"i": a, "j": b}) for b in range(3)]
                for a in range(2)
            ]
        except TooLarge:
            continue
        return found, values, (ring, form), (flat, written)


@pytest.mark.parametrize("seed", range(80))
def test_equal_forms_have_equal_values(seed):
    """The normal form of a random expression, evaluated, is the expression's value."""
    found, values, (ring, form), (flat, written) = settled(random.Random(seed))
    for a in range(len(found)):
        for b in range(len(found[0])):
            value = _value_of(found[a][b])
            assert abs(_evaluated(ring, form, {"i": a, "j": b}, SIZES, values) - value) < 1e-9
            assert abs(_evaluated(flat, written[a][b], {}, SIZES, values) - value) < 1e-9


def _exact(x):
    from derive.readings.numbers import interval

    return interval(x * 7)  # whole, so that ties are seen


def _value_of(x) -> float:
    from derive.readings.numbers import interval

    return float(interval(x).mid())


def _evaluated(ring: Ring, form, names, sizes, values) -> float:
    """Return the value of a form, by the meaning of its atoms."""
    total = 0.0
    for monomial, coefficient in form.items():
        sums = [ring.atoms[a][1:] for a, _ in monomial if a in ring.sums]
        places = [{}]
        for k, dim in sums:
            places = [{**p, k: v} for p in places for v in range(sizes.get(dim, dim))]
        for p in places:
            here, term = {**names, **p}, float(coefficient)
            for a, e in monomial:
                if a not in ring.sums:
                    term *= _atom(ring, ring.atoms[a], here, sizes, values) ** float(e)
            total += term
    return total


def _atom(ring: Ring, key, names, sizes, values) -> float:
    def of(frozen, more=None) -> float:
        return _evaluated(ring, dict(frozen), {**names, **(more or {})}, sizes, values)

    match key:
        case ("x", name, i, j):
            return float(7 * values[name][names.get(i, i)][names.get(j, j)])
        case ("n", dim):
            return float(sizes[dim])
        case ("δ", i, j):
            return float(names.get(i, i) == names.get(j, j))
        case ("sign", inner):
            return float((of(inner) > 0) - (of(inner) < 0))
        case ("eq", inner):
            return float(of(inner) == 0)
        case ("top", keys, own):
            return float(own == max(keys, key=of))
        case ("win", inner, words, dims, at):
            options = [{}]
            for word, dim in zip(words, dims, strict=True):
                options = [{**o, word: v} for o in options for v in range(sizes.get(dim, dim))]
            best = max(options, key=lambda o: of(inner, o))
            return float([names.get(k, k) for k in at] == [best[word] for word in words])
    raise AssertionError(key)


ERRORS = [
    ("A: (n, d); B: (n, d); Y = A * (A == B)", "== marks the winner of a maximum or a minimum"),
    ("X: (n, d); Y = X * (X != 0)", "only >, <, >=, <= and == compare here"),
    ("X: (n, d); Y = max(X, axis=2)", "the axis is 0"),
    ("X: (n, d); Y = max(X, X, axis=1)", "max takes 1 argument, 2 given"),
    ("X: (n, d); Y = max(X, X, X)", "max takes 2 arguments, 3 given"),
]


@pytest.mark.parametrize("text, message", ERRORS)
def test_errors_say_what_is_meant(text, message):
    with pytest.raises(ParseError, match=message.replace("(", r"\(")):
        parse(text)


def test_two_arguments_are_compared_entry_by_entry():
    assert str(parse("A: (n, d); B: (n, d); Y = max(A, B)").output.shape) == "n×d"
    assert str(parse("A: (n, d); Y = max(A, axis=1)").output.shape) == "n×1"


#: Programs in which two are equal whatever the inputs are, so that the theorem about maxima is
#: silent there, and whether our formula holds all the same.
TIED = [
    ("X: (m, m); Y = max(X.T, X)", "X", False),
    ("X: (m, m); Y = max(X.T, X) - X", "X", False),
    ("x: (n, 1); s: (); H = x @ x.T - x @ x.T; Y = x + min(H + s)", "s", False),
    ("x: (n, 1); s: (); Y = max(s * ones(n, 1)) * x", "s", False),
    ("X: (n, m); Y = max(X, 0)", "X", True),
    ("X: (n, m); y = max(X, axis=1)", "X", True),
]


@pytest.mark.parametrize(("program", "name", "told"), TIED)
def test_what_is_called_true_is_not_refuted(program, name, told):
    (found,) = check(program, f"d{name} = 3 * {name}")
    assert found.verdict == "refuted" and bool(found.truth) == told
    if told:
        (again,) = check(program, found.truth)
        assert again.verdict != "refuted"
