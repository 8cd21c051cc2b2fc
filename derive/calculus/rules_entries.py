"""Rules of the textbook about functions of entries: masks and cases, exponentials, angles.

A rule proposes formulas that equal a node; its docstring is the theorem. Sources: NIST Digital
Library of Mathematical Functions (2024), 4.2, 4.21 and 4.35; Goodfellow, Bengio and Courville, Deep
Learning (2016), 3.10.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.calculus.length import length
from derive.calculus.products import Exponent, Factors, single
from derive.calculus.terms import repeated, without
from derive.expressions.expr import (
    Expr,
    broadcast_to,
    nodes,
    number,
    rebuild,
    substitute,
    unrepeated,
)
from derive.expressions.shape import SCALAR
from derive.ops.elementwise import (
    ABS,
    COS,
    COSH,
    DIV,
    EQUAL,
    EXP,
    GREATER,
    LOG,
    MAXIMUM,
    MINIMUM,
    MUL,
    POW,
    RELU,
    SIGMOID,
    SIGN,
    SILU,
    SIN,
    SINH,
    SOFTPLUS,
    TAN,
    TANH,
    WHERE,
    F,
)
from derive.ops.linear import ADD, NEG, NUMBER, ONES, SUB, ZEROS
from derive.ops.reduction import COLS, SUM
from derive.ops.rows import LOGSOFTMAX, LOGSUMEXP, SOFTMAX

if TYPE_CHECKING:
    from derive.calculus.textbook import Textbook

PRODUCTS = (MUL, DIV, POW, NEG)
SUMS = (ADD, SUB)


def constant(e: Expr) -> Fraction | None:
    """Return the number that every entry is, if it is one that is written as such."""
    e = unrepeated(e)
    if e.op is NUMBER:
        return e.data
    if e.op is NEG:
        inner = constant(e.args[0])
        return None if inner is None else -inner
    if e.op in (ONES, ZEROS):
        return Fraction(int(e.op is ONES))
    return None


def _bases(t: Factors) -> dict[Expr, Exponent]:
    return {**t.scalars, **t.matrices}


def _powers(
    e: Expr, search: Textbook
) -> Iterator[tuple[Factors, dict[Expr, Exponent], Expr, Expr, Exponent]]:
    """Yield the powers that a node multiplies: the whole product, the exponents by their bases, a
    base as it is repeated and bare, and its exponent."""
    if e.op in PRODUCTS:
        t = search.terms.product(e)
        found = _bases(t)
        for base, exponent in found.items():
            yield t, found, base, unrepeated(base), exponent


def _swapped(t: Factors, gone: list[tuple[Expr, Exponent]], new: Expr | None) -> Factors:
    """Return a product with some powers of factors replaced by one factor."""
    for base, exponent in gone:
        t = without(t, base, exponent)
    if new is None:
        return t
    return t.times(single(t.shape, new if new.shape == SCALAR else broadcast_to(new, t.shape)))


def _like(e: Expr, base: Expr) -> Expr:
    """Return a value repeated as a factor of a product is."""
    return broadcast_to(e, base.shape)


# -- masks -----------------------------------------------------------------------------------------


def cases(e: Expr, search: Textbook) -> Iterator[Expr]:
    """u + m v = where(m, u + v, u), and m u + (1 - m) v = where(m, u, v), where m is 0 or 1."""
    if e.op not in (*SUMS, MUL):
        return
    try:
        terms = search.terms.collected(e, full=True)
    except ArithmeticError:
        return
    masks = dict.fromkeys(
        base for t in terms for base in (*t.matrices, *t.scalars)
        if unrepeated(base).op in (GREATER, EQUAL)
    )  # fmt: skip
    for m in masks:
        some = [t for t in terms if (t.matrices.get(m) or t.scalars.get(m)) == 1]
        others = [t for t in terms if not (t.matrices.get(m) or t.scalars.get(m))]
        if not others or len(some) + len(others) != len(terms):
            continue
        then = search.factoring.sum([*others, *(without(t, m) for t in some)], e.shape)
        other = search.factoring.sum(others, e.shape)
        yield F.where(m, _number_in(then), _number_in(other))


def _number_in(e: Expr) -> Expr:
    """Return a matrix of one number as the number, which NumPy repeats."""
    value = constant(e)
    return e if value is None else number(value)


def pieces(e: Expr, search: Textbook) -> Iterator[Expr]:
    """What changes its formula at two numbers or three, as cases of what lies between them."""
    if e.op not in SUMS:
        return
    gates = {x: _gate(x, search) for x in nodes(e) if x.op in (GREATER, MAXIMUM, MINIMUM, RELU)}
    found = [gate for gate in gates.values() if gate is not None]
    at = sorted({c for _, c, _ in found})
    if len(found) != len(gates) or not 2 <= len(at) <= 3 or len({u for u, _, _ in found}) != 1:
        return
    (u, _, _), result = found[0], None
    for value, above in zip([at[0] - 1, *at], [None, *at], strict=True):  # a number, from there on
        done: dict[Expr, Expr] = {}
        for x in nodes(e):
            now = rebuild(x, tuple(done[arg] for arg in x.args))
            gate = gates.get(x)
            if gate is not None:
                first = (value >= gate[1]) == gate[2]
                if x.op is GREATER:
                    now = broadcast_to(number(int(first)), x.shape)
                elif x.op is RELU:
                    now = now.args[0] if first else broadcast_to(number(0), x.shape)
                else:
                    now = now.args[first != (x.op is MAXIMUM)]
            done[x] = now
        here = _number_in(search.factoring.sum(search.terms.collected(done[e], True), e.shape))
        result = here if above is None else F.where(F.gt(u, number(above)), here, result)
    assert result is not None
    yield broadcast_to(result, e.shape)


def _gate(e: Expr, search: Textbook) -> tuple[Expr, Fraction, bool] | None:
    """Return u and c where a node asks whether u > c, or c > u, and which of the two it is."""
    a, b = (*map(unrepeated, e.args), number(0))[:2]
    mask = search.best(F.gt(a, b), 0)
    if mask.op is not GREATER:
        return None
    above, below = map(unrepeated, mask.args)
    for u, other, up in ((above, below, True), (below, above, False)):
        c = constant(other)
        if c is not None:
            return u, c, up
    return None


def masked(e: Expr, search: Textbook) -> Iterator[Expr]:
    """relu(x) [x > 0] = relu(x), [c]² = [c], x sign(x) = |x|, |x| sign(x) = x, x/|x| = sign(x)."""
    for t, found, base, bare, exponent in _powers(e, search):
        if bare.op in (GREATER, EQUAL) and exponent > 1:
            yield _swapped(t, [(base, exponent - 1)], None).expr()
        if bare.op is RELU and exponent > 0:
            x = bare.args[0]
            for gate in (F.gt(x, 0), search.best(F.gt(x, 0))):
                mask = _like(gate, base)
                if found.get(mask, 0) > 0:
                    yield _swapped(t, [(mask, found[mask])], None).expr()
        if bare.op is SIGN:
            x = _like(bare.args[0], base)
            size = _like(ABS(bare.args[0]), base)
            if exponent.denominator == 1 and exponent >= 2:
                yield _swapped(t, [(base, 2)], None).expr()
            if found.get(x, 0) > 0:
                yield _swapped(t, [(base, 1), (x, 1)], size).expr()
            if found.get(size, 0) > 0:
                yield _swapped(t, [(base, 1), (size, 1)], x).expr()
        if bare.op is ABS:
            x = _like(bare.args[0], base)
            if exponent < 0 and found.get(x, 0) > 0:
                yield _swapped(t, [(base, -1), (x, 1)], _like(SIGN(bare.args[0]), base)).expr()
            if exponent.denominator == 1 and exponent % 2 == 0:
                yield without(t, base, exponent).times(single(t.shape, x, exponent)).expr()


def thresholds(e: Expr, search: Textbook) -> Iterator[Expr]:
    """[q x + c > d] = [x > (d - c) / q], and max(x, y) > c where x > c or y > c."""
    if e.op is not GREATER:
        return
    a, b = map(unrepeated, e.args)
    for big, other, above in ((a, b, True), (b, a, False)):
        c = constant(other)
        if c is None:
            continue
        if big.op is RELU and c >= 0:
            yield _compared(big.args[0], other, above, e)
            if not above and c == 0:
                continue
        if big.op in (MAXIMUM, MINIMUM):
            p, q = big.args
            sides = [constant(p), constant(q)]
            meets = (big.op is MINIMUM) == above  # both must hold
            if all(side is None for side in sides):
                if meets:
                    yield _compared(p, other, above, e) * _compared(q, other, above, e)
                continue
            k, free = (sides[0], q) if sides[0] is not None else (sides[1], p)
            assert k is not None
            holds = k > c if above else c > k
            if meets == holds and k != c:
                yield _compared(free, other, above, e)
            elif k == c and not meets:
                yield _compared(free, other, above, e)
    terms = search.terms.collected(a - b, full=False)
    constants = [t for t in terms if not t.scalars and not t.matrices]
    left = [t for t in terms if t.scalars or t.matrices]
    if len(left) == 0:
        return
    sizes = {abs(t.coefficient) for t in left}
    scale = sizes.pop() if len(sizes) == 1 else Fraction(1)
    shift = -sum((t.coefficient for t in constants), Fraction(0)) / scale
    plus = [t.scaled(1 / scale) for t in left if t.coefficient > 0]
    minus = [t.scaled(-1 / scale) for t in left if t.coefficient < 0]
    bare = search.factoring
    if not minus:
        yield F.gt(unrepeated(bare.sum(plus, left[0].shape)), number(shift))
    elif not plus:
        yield F.gt(number(-shift), unrepeated(bare.sum(minus, left[0].shape)))
    else:
        p, q = (unrepeated(bare.sum(part, left[0].shape)) for part in (plus, minus))
        if shift == 0:
            yield F.gt(p, q)
        elif shift > 0:
            yield F.gt(p, q + number(shift))
            yield F.gt(p - q, number(shift))
        else:
            yield F.gt(p + number(-shift), q)
            yield F.gt(number(-shift), q - p)


def _compared(x: Expr, c: Expr, above: bool, e: Expr) -> Expr:
    found = F.gt(x, c) if above else F.gt(c, x)
    return broadcast_to(found, e.shape)


def clipped(e: Expr, search: Textbook) -> Iterator[Expr]:
    """where(c > |x|, x, c sign(x)) = max(-c, min(c, x)) for a c that is not negative."""
    if e.op is not WHERE:
        return
    mask, x, other = map(unrepeated, e.args)
    if mask.op is not GREATER or unrepeated(mask.args[1]) is not ABS(x):
        return
    c = unrepeated(mask.args[0])
    if (constant(c) or 0) <= 0 and not search.positive(c):
        return
    if (other is SIGN(x) and constant(c) == 1) or other is search.best(c * SIGN(x)):
        yield F.max(_number_in(-c), F.min(c, x))


# -- exponentials ----------------------------------------------------------------------------------


def exponentials(e: Expr, search: Textbook) -> Iterator[Expr]:
    """1 / (1 + eˣ) = σ(-x), eˣ / (1 + eˣ) = eˣ σ(-x) = σ(x), eˣ / Σeˣ = softmax(x), eˣ eʸ = eˣ⁺ʸ,
    sin x / cos x = tan x and sinh x / cosh x = tanh x."""
    for t, found, base, bare, exponent in _powers(e, search):
        if bare.op in SUMS and exponent <= -1:
            u = _one_plus_exp(bare)
            if u is not None:
                up = _like(EXP(u), base)
                if found.get(up, 0) >= 1:
                    yield _swapped(t, [(up, 1), (base, -1)], _like(SIGMOID(u), base)).expr()
                yield _swapped(t, [(base, -1)], _like(SIGMOID(search.best(-u)), base)).expr()
            pair = _two_exps(bare)
            if pair is not None and pair[1] > 0:
                x = pair[0]
                over = _like(EXP(x) - EXP(search.best(-x)), base)
                if found.get(over, 0) >= 1:
                    yield _swapped(t, [(over, 1), (base, -1)], _like(TANH(x), base)).expr()
        if bare.op in SUMS and exponent.denominator == 1 and _two_exps(bare) is not None:
            x, sign = _two_exps(bare) or (bare, 0)
            head = _like(COSH(x) if sign > 0 else SINH(x), base)
            doubled = single(t.shape, head, exponent).scaled(Fraction(2) ** int(exponent))
            yield without(t, base, exponent).times(doubled).expr()
        if bare.op is SUM and bare.data == COLS and exponent <= -1:
            inner = bare.args[0]
            if inner.op is EXP and found.get(inner, 0) >= 1:
                yield _swapped(t, [(inner, 1), (base, -1)], SOFTMAX(inner.args[0])).expr()
        if bare.op is EXP:
            for other, power in found.items():
                b = unrepeated(other)
                if b.op is EXP and other is not base and (exponent, power) in ((1, 1), (1, -1)):
                    u, v = bare.args[0], b.args[0]
                    total = F.exp(u + v if power == 1 else u - v)
                    yield _swapped(t, [(base, exponent), (other, power)], total).expr()
        if bare.op is SIGMOID and exponent >= 1:
            u = search.best(-bare.args[0])
            up = _like(EXP(u), base)
            if found.get(up, 0) >= 1:
                yield _swapped(t, [(base, 1), (up, 1)], _like(SIGMOID(u), base)).expr()
        if bare.op is SIGMOID and exponent == 1:
            x = _like(bare.args[0], base)
            if found.get(x, 0) == 1:
                yield _swapped(t, [(base, 1), (x, 1)], _like(SILU(bare.args[0]), base)).expr()
        for top, bottom, quotient in ((SIN, COS, TAN), (SINH, COSH, TANH)):
            if bare.op is top and exponent >= 1:
                low = _like(bottom(bare.args[0]), base)
                if found.get(low, 0) <= -1:
                    new = _like(quotient(bare.args[0]), base)
                    yield _swapped(t, [(base, 1), (low, -1)], new).expr()
        if bare.op in (SIN, SINH) and exponent == 1:
            other = _like((COS if bare.op is SIN else COSH)(bare.args[0]), base)
            if found.get(other, 0) == 1:
                new = _like(bare.op(2 * bare.args[0]), base)
                yield _swapped(t, [(base, 1), (other, 1)], new).scaled(Fraction(1, 2)).expr()


def hyperbolic(e: Expr, search: Textbook) -> Iterator[Expr]:
    """a eˣ + a e⁻ˣ = 2 a cosh(x) and a eˣ - a e⁻ˣ = 2 a sinh(x), among other terms."""
    if e.op not in SUMS:
        return
    left = search.terms.collected(e, full=True)
    found: list[Factors] = []
    for t in list(left):
        for base, exponent in _bases(t).items():
            if unrepeated(base).op is not EXP or exponent != 1 or t not in left:
                continue
            x = unrepeated(base).args[0]
            other = _like(EXP(search.best(-x)), base)
            rest = without(t, base)
            for u in (u for u in left if _bases(u).get(other) == 1):
                if without(u, other).key_of() != rest.key_of():
                    continue
                if abs(u.coefficient) == abs(t.coefficient):
                    head = COSH(x) if u.coefficient == t.coefficient else SINH(x)
                    found.append(rest.scaled(Fraction(2)).times(single(e.shape, _like(head, base))))
                    left = [v for v in left if v is not t and v is not u]
                    break
    if found:
        yield search.factoring.sum([*found, *left], e.shape)


def halves(e: Expr, search: Textbook) -> Iterator[Expr]:
    """σ(-x) = 1 - σ(x) in a sum that has σ(x) as well."""
    if e.op not in SUMS:
        return
    inside = dict.fromkeys(x for x in nodes(e) if x.op is SIGMOID)
    for one in inside:
        other = SIGMOID(search.best(-one.args[0]))
        if other in inside and length(other) > length(one):
            whole = substitute(e, {other: 1 - one})
            yield search.factoring.sum(search.terms.collected(whole, full=True), e.shape)


def powers(e: Expr, search: Textbook) -> Iterator[Expr]:
    """xᵖ / yᵖ = (x / y)ᵖ, and xᵖ yᵖ = (x y)ᵖ."""
    if e.op not in (MUL, DIV):
        return
    t = search.terms.product(e)
    exponents: dict[int, None] = {abs(int(p)): None for p in _bases(t).values() if p == int(p)}
    for size in (p for p in exponents if p > 1):
        alike = {base: p for base, p in _bases(t).items() if abs(p) == size}
        above = {base: p for base, p in alike.items() if p > 0}
        if len(alike) > 1 and above:
            inner = Factors(e.shape)
            for base, p in alike.items():
                inner = inner.times(single(e.shape, base, 1 if p > 0 else -1))
            yield _raised(_swapped(t, [*alike.items()], None), inner.expr(), size)


def _raised(t: Factors, base: Expr, power: Exponent) -> Expr:
    """Return a product with a power of an expression that stays as it is."""
    return t.times(single(t.shape, base, power)).expr()


def scaled_cases(e: Expr, search: Textbook) -> Iterator[Expr]:
    """c where(m, u, v) = where(m, c u, c v) for a number or a scalar c."""
    if e.op not in PRODUCTS:
        return
    t = search.terms.product(e)
    if not t.scalars and t.coefficient == 1:
        return
    scale = Factors(SCALAR, t.coefficient, t.scalars).expr()
    for base, exponent in t.matrices.items():
        if base.op is WHERE and exponent == 1:
            mask, *parts = base.args
            inner = F.where(mask, *(search.best(scale * unrepeated(x), 0) for x in parts))
            bare = Factors(t.shape, Fraction(1), {}, t.matrices)
            yield _swapped(bare, [(base, 1)], _like(inner, base)).expr()


def taken_in(e: Expr, search: Textbook) -> Iterator[Expr]:
    """f(x) (a + b) = f(x) a + f(x) b, where one of the two may have a name."""
    if e.op not in (MUL, DIV):
        return
    t = search.terms.product(e)
    bases = [base for base, exponent in _bases(t).items() if exponent == 1]
    for base in (b for b in bases if b.op in SUMS):
        for f in (f for f in bases if f.op.derivatives and f.op.style == "call"):
            if f.shape == base.shape:
                inner = base.op(*(search.best(f * arg, 0) for arg in base.args))
                yield _swapped(t, [(base, 1), (f, 1)], inner).expr()


def _one_plus_exp(e: Expr) -> Expr | None:
    """Return u of 1 + eᵘ."""
    if e.op is not ADD:
        return None
    for one, other in (e.args, reversed(e.args)):
        if constant(one) == 1 and unrepeated(other).op is EXP:
            return unrepeated(other).args[0]
    return None


def _two_exps(e: Expr) -> tuple[Expr, int] | None:
    """Return x and the sign of eˣ ± e⁻ˣ."""
    a, b = map(unrepeated, e.args)
    if a.op is not EXP or b.op is not EXP:
        return None
    x, y = a.args[0], b.args[0]
    if y.op is NEG and y.args[0] is x:
        return x, 1 if e.op is ADD else -1
    if x.op is NEG and x.args[0] is y and e.op is ADD:
        return y, 1
    return None


def undone(e: Expr, search: Textbook) -> Iterator[Expr]:
    """log eˣ = x, e^(log x) = x, log(1 + eˣ) = softplus(x), and logarithms by their names."""
    if e.op is LOG:
        x = e.args[0]
        if x.op is EXP:
            yield x.args[0]
        if x.op is SOFTMAX:
            yield LOGSOFTMAX(x.args[0])
        if x.op is SUM and x.data == COLS and x.args[0].op is EXP:
            yield LOGSUMEXP(x.args[0].args[0])
        if x.op is SIGMOID:
            yield -SOFTPLUS(-x.args[0])
        u = _one_plus_exp(x)
        if u is not None:
            yield SOFTPLUS(u)
    if e.op is EXP:
        x = e.args[0]
        if x.op is LOG:
            yield x.args[0]
        if x.op is LOGSOFTMAX:
            yield SOFTMAX(x.args[0])
        if x.op is SUB and unrepeated(x.args[1]) is LOGSUMEXP(x.args[0]):
            yield SOFTMAX(x.args[0])
    if e.op in (SIGMOID, ABS, COS, COSH) and e.args[0].op is NEG and e.op is not SIGMOID:
        yield e.op(e.args[0].args[0])
    if e.op in (SIGN, SIN, TAN, TANH, SINH) and e.args[0].op is NEG:
        yield -e.op(e.args[0].args[0])
    if e.op in (RELU, ABS) and e.args[0].op in (RELU, ABS):
        yield e.args[0]


def complements(e: Expr, search: Textbook) -> Iterator[Expr]:
    """1 - σ(x) = σ(-x); sin² + cos² = 1; cosh² - sinh² = 1; softplus(x) - x = softplus(-x)."""
    if e.op not in SUMS:
        return
    a, b = map(unrepeated, e.args)
    if e.op is SUB and constant(a) == 1 and b.op is SIGMOID:
        yield SIGMOID(search.best(-b.args[0]))
    if e.op is SUB and a.op is SOFTPLUS and a.args[0] is b:
        yield SOFTPLUS(-b)
    terms = search.terms.collected(e, full=False)
    squares = {}
    for k, t in enumerate(terms):
        for base, exponent in _bases(t).items():
            if unrepeated(base).op in (SIN, COS, SINH, COSH) and exponent == 2:
                squares[unrepeated(base)] = (k, without(t, base, 2))
    for base, (k, t) in squares.items():
        for op, partner, sign in ((SIN, COS, 1), (COSH, SINH, -1)):
            if base.op is not op:
                continue
            other = squares.get(partner(base.args[0]))
            if other is None or other[1].key_of() != t.key_of():
                continue
            if other[1].coefficient == sign * t.coefficient:
                left = [u for n, u in enumerate(terms) if n not in (k, other[0])]
                yield search.factoring.sum([*left, repeated(t, e.shape)], e.shape)


ENTRIES = {
    "cases": cases,
    "pieces": pieces,
    "masks": masked,
    "thresholds": thresholds,
    "clipped": clipped,
    "exponentials": exponentials,
    "taken-in": taken_in,
    "hyperbolic": hyperbolic,
    "halves": halves,
    "powers": powers,
    "scaled-cases": scaled_cases,
    "undone": undone,
    "complements": complements,
}
