"""What a program asks of its sizes: relations between dimensions, and sizes that obey them.

What enters are quotients, roots and logarithms of dimensions alone, what leaves are relations such
as n ≥ 2, and numbers for the dimensions. The law: whoever chooses sizes asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, cycle, product
from math import lcm
from typing import TYPE_CHECKING, NamedTuple

from derive.algebra.forms import UNIT, Form, TooLarge, Undefined, merge
from derive.expressions.errors import SizeError, UnsupportedError
from derive.expressions.expr import Expr, extent_of, nodes, number, unrepeated
from derive.expressions.program import Program
from derive.expressions.shape import extent
from derive.ops.elementwise import ABS, DIV, GREATER, MUL, POW, SIGN, SQRT
from derive.ops.kronecker import KRON
from derive.ops.linear import BROADCAST, DIM, NEG, NUMBER, TRANSPOSE
from derive.readings.counts import is_defined
from derive.readings.numbers import DomainError, Enclosures, interval

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

Sizes = Mapping[str, int]
#: Polynomials with larger numbers in them are not factored.
MOST = 10_000
#: A matrix of more rows is inverted, written out, where sizes are asked for alone.
LARGE = 4
#: The largest step of a search for sizes.
FAR = 8


class Relation(NamedTuple):
    """`left ≥ right`, `left > right` or `left ≠ right` between dimensions.

    >>> from derive.language.parse import parse
    >>> [str(r) for r in asked(parse("X: (n, m); Y = X / ((n - 1) * (n - m))"))]
    ['n ≥ 2', 'n ≠ m']
    """

    left: Expr
    relation: str
    right: Expr

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"

    def holds(self, sizes: Sizes) -> bool:
        """Whether sizes obey; where rounding hides it they do not."""
        try:
            work = Enclosures(sizes, {})
            left, right = (interval(work.at(side, 0, 0)) for side in (self.left, self.right))
        except (DomainError, ValueError):
            return False
        if self.relation == "≠":
            return not left.overlaps(right)
        return bool(left > right) or (self.relation == "≥" and bool(left.overlaps(right)))

    @property
    def dims(self) -> set[str]:
        """The dimensions that it relates."""
        parts = (*nodes(self.left), *nodes(self.right))
        return {node.data for node in parts if node.op is DIM}

    @property
    def plain(self) -> tuple[str, int] | None:
        """The dimension and the number that it relates, where that is all."""
        if self.left.op is DIM and self.right.op is NUMBER:
            return self.left.data, int(self.right.data)
        return None

    @property
    def least(self) -> tuple[str, int] | None:
        """The dimension of which this is a lower bound, and the bound."""
        return self.plain if self.relation == "≥" else None


def obeyed(relations: Iterable[Relation], sizes: Sizes) -> bool:
    """Whether sizes obey all of some relations."""
    return all(relation.holds(sizes) for relation in relations)


# -- read off a program ----------------------------------------------------------------------------


def asked(program: Program, *others: Expr) -> tuple[Relation, ...]:
    """Return what quotients, roots and logarithms of dimensions alone ask of the sizes.

    `others` are formulas beside those of the program, such as a claim.
    """
    return _asked((*(s.expr for s in program.statements), *others))


@lru_cache(maxsize=256)
def _asked(formulas: tuple[Expr, ...]) -> tuple[Relation, ...]:
    found: dict[Relation, None] = {}
    for node in dict.fromkeys(n for formula in formulas for n in nodes(formula)):
        if kind := asks_of(node):
            arg = node.args[-1]
            if not is_constant(arg):  # of inputs that vary, a root asks for a derivative as well
                kind = "≠"
            for factor, asks in factors_of(arg, kind):
                found |= dict.fromkeys(relations_of(factor, asks))
    return merged(tuple(found))


def asks_of(node: Expr) -> str:
    """Return what a function asks of its last argument for a value, empty where that is nothing.

    Of a power the exponent decides.
    """
    if node.op is POW and (node.data < 0 or node.data.denominator != 1):
        return "≠" if node.data.denominator == 1 else ">" if node.data < 0 else "≥"
    return node.op.domain


def is_constant(expr: Expr) -> bool:
    return not any(node.is_var for node in nodes(expr))


def factors_of(expr: Expr, kind: str, vary: bool = False) -> Iterator[tuple[Expr, str]]:
    """Yield the factors of a formula that are made of dimensions, or that `vary` with the inputs,
    and what is asked of them."""
    passes = expr.op in (BROADCAST, NEG, TRANSPOSE, POW, SQRT, SIGN, ABS)
    if expr.op is GREATER and is_constant(expr) and not vary:
        if kind != "≥":  # a mask is 1, or else 0
            yield expr.args[0] - expr.args[1], ">"
    elif kind == "≠" and (passes or expr.op in (MUL, DIV)):
        for arg in expr.args:
            yield from factors_of(arg, kind, vary)
    elif is_constant(expr) != vary:
        yield expr, kind


def relations_of(expr: Expr, kind: str) -> Iterator[Relation]:
    """Yield what must hold of dimensions where a constant is not zero, positive or not negative."""
    expr = unrepeated(expr)
    if not expr.shape.is_scalar:
        return
    from derive.algebra.normal import Ring
    from derive.readings.forms import Forms

    try:
        ring = Ring()
        form = Forms(ring).of(expr, 0, 0)
    except (TooLarge, Undefined, UnsupportedError):
        yield Relation(expr, kind, number(0))
        return
    if form and _is_polynomial(ring, form):
        yield from _of_form(ring, form, kind)
    elif form or kind != "≥":
        yield Relation(expr, kind, number(0))


def _of_form(ring: Ring, form: Form, kind: str) -> Iterator[Relation]:
    """Yield what must hold of dimensions where a polynomial of them is not zero, and so on."""
    scale = lcm(*(Fraction(c).denominator for c in form.values()))
    shared = [dict(m) for m in form]
    common = {a: min(m.get(a, 0) for m in shared) for a in shared[0]}
    positive = tuple((a, -e) for a, e in common.items() if e)
    form = {merge(m, positive): c * scale for m, c in form.items()}
    yield from _of_polynomial(ring, form, kind)


def _is_polynomial(ring: Ring, form: Form) -> bool:
    return all(
        ring.atoms[a][0] == "n" and ring.atoms[a][1] != "π" and isinstance(e, int) and e > 0
        for monomial in form
        for a, e in monomial
    )


def _of_polynomial(ring: Ring, form: Form, kind: str) -> Iterator[Relation]:
    from derive.algebra.signs import sign_of_sizes

    known = sign_of_sizes(ring, form)
    if known is not None:
        sign, weak = known
        if (sign > 0 or kind == "≠") and not weak:
            return
        if kind == "≥" and sign > 0:
            return
        if kind == "≠" and sign < 0:
            form, sign = ring.scale(-1, form), 1
        if sign > 0:  # whole and not negative: it is at least 1
            yield _sides(ring, ring.add(form, {UNIT: -1}), "≥")
            return
    atoms = {a for monomial in form for a, _ in monomial}
    if len(atoms) == 1 and all(abs(Fraction(c)) <= MOST for c in form.values()):
        yield from _of_one_dimension(ring, form, kind, *atoms)
        return
    yield _sides(ring, form, kind)


def _of_one_dimension(ring: Ring, form: Form, kind: str, atom: int) -> Iterator[Relation]:
    """Yield what a polynomial of one dimension asks of it; beyond a bound its sign is settled."""

    def fits(value: int) -> bool:
        total = sum(
            (Fraction(c) * value ** int(sum(e for _, e in m)) for m, c in form.items()),
            Fraction(0),
        )
        return total != 0 if kind == "≠" else total > 0 if kind == ">" else total >= 0

    lead = form[max(form, key=lambda m: sum(e for _, e in m))]
    bound = 2 + int(max(abs(Fraction(c)) for c in form.values()) / abs(Fraction(lead)))
    dim = extent_of(ring.atoms[atom][1])
    bad = [k for k in range(1, bound + 1) if not fits(k)]
    if fits(bound) and bad == list(range(1, len(bad) + 1)):
        if bad:
            yield Relation(dim, "≥", number(len(bad) + 1))
    elif kind == "≠":
        yield from (Relation(dim, "≠", number(k)) for k in bad)
    else:
        yield _sides(ring, form, kind)


def _sides(ring: Ring, form: Form, kind: str) -> Relation:
    """Return a form's terms on two sides, so that none has a minus: n - m ≠ 0 is n ≠ m."""
    first = next(iter(form.values()), 0)
    if kind == "≠" and first < 0:
        form = ring.scale(-1, form)
    left = _sum(ring, {m: c for m, c in form.items() if c > 0})
    right = _sum(ring, {m: -c for m, c in form.items() if c < 0})
    return Relation(left, kind, right)


def _sum(ring: Ring, form: Form) -> Expr:
    total: Expr | None = None
    for monomial, coefficient in form.items():
        term: Expr | None = None if coefficient == 1 and monomial else number(Fraction(coefficient))
        for atom, exponent in monomial:
            power = extent_of(ring.atoms[atom][1])
            power = power if exponent == 1 else power ** Fraction(exponent)
            term = power if term is None else term * power
        assert term is not None
        total = term if total is None else total + term
    return number(0) if total is None else total


def merged(relations: tuple[Relation, ...]) -> tuple[Relation, ...]:
    """Return relations without those that follow: n ≥ 2 and n ≠ 2 is n ≥ 3."""
    least: dict[str, int] = {}
    for dim, bound in (r.least for r in relations if r.least):
        least[dim] = max(bound, least.get(dim, 1))
    barred = {r.plain for r in relations if r.relation == "≠" and r.plain}
    for dim in {dim for dim, _ in barred}:
        while (dim, least.get(dim, 1)) in barred:
            least[dim] = least.get(dim, 1) + 1
    found: dict[Relation, None] = {}
    for relation in relations:
        dim, k = relation.plain or ("", 0)
        if dim in least and (relation.relation == "≥" or k < least[dim]):
            relation = Relation(relation.left, "≥", number(least[dim]))
        if relation.relation != "≠" or Relation(relation.right, "≠", relation.left) not in found:
            found[relation] = None
    strict = {(r.left, r.right) for r in found if r.relation == ">"}
    return tuple(
        r for r in found if r.relation == ">" or not {(r.left, r.right), (r.right, r.left)} & strict
    )


# -- choosing sizes --------------------------------------------------------------------------------


def chosen(
    dims: Sequence[str],
    relations: Sequence[Relation],
    numbers: Sequence[int],
    fixed: Sizes | None = None,
) -> dict[str, int] | None:
    """Return sizes: some numbers in turn, changed as little as the relations ask for.

    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, m); Y = X / ((n - 1) * (n - m))")
    >>> chosen(program.dims, asked(program), (1, 3))
    {'n': 2, 'm': 3}

    `None` where no sizes near by obey.
    """
    fixed = fixed or {}
    start = {**dict(zip(dims, cycle(numbers), strict=False)), **fixed}
    if obeyed(relations, start):
        return start
    used = {dim for relation in relations for dim in relation.dims}
    free = [dim for dim in dims if dim in used and dim not in fixed][:4]
    steps = sorted(
        product(range(-FAR, FAR + 1), repeat=len(free)) if len(free) < 3
        else product(range(-3, 4), repeat=len(free)),
        key=lambda moves: (sum(map(abs, moves)), [-k for k in moves]),
    )  # fmt: skip
    for moves in steps:
        sizes = start | {dim: start[dim] + k for dim, k in zip(free, moves, strict=True)}
        if min(sizes.values(), default=1) >= 1 and obeyed(relations, sizes):
            return sizes
    return None


def sizes_at(
    program: Program, at: Sizes | None, *, more: Sequence[Relation] = ()
) -> dict[str, int]:
    """Return a number for every dimension, such that what the program asks of them is obeyed.

    >>> from derive.language.parse import parse
    >>> sizes_at(parse("X: (n, m); Y = X / (n - 2)"), {"m": 5})
    {'n': 3, 'm': 5}

    Raises what `Program.at` raises, and `SizeError` where the sizes asked for break a hypothesis.
    """
    sizes = program.at(at)
    relations = merged((*asked(program), *more))
    if obeyed(relations, sizes):
        return sizes
    fixed = {dim: k for dim, k in sizes.items() if dim in {**program.sizes, **(at or {})}}
    found = chosen(program.dims, relations, (2, 3, 4), fixed)
    if found is None:
        broken = " and ".join(str(r) for r in relations if not r.holds(sizes))
        given = ", ".join(f"{dim} = {k}" for dim, k in (fixed or sizes).items())
        raise SizeError(f"the program asks for {broken}, and {given} breaks that")
    return found


def with_values(
    program: Program, at: Sizes | None, more: Sequence[Relation] = ()
) -> dict[str, int]:
    """Return a size for every dimension; where nobody asked, such that there are values.

    So X.T @ X is inverted where X has at least as many rows as columns.

    >>> from derive.language.parse import parse
    >>> with_values(parse("X: (n, d); f = logdet(X.T @ X)"), None)
    {'n': 3, 'd': 2}

    Raises what `sizes_at` raises, and `UnsupportedError` where a program that inverts has no value
    at any of them.
    """
    sizes = sizes_at(program, at, more=more)
    if not any(node.op.costly for s in program.statements for node in nodes(s.expr)):
        return sizes
    fixed = {**program.sizes, **(at or {})}
    tried = []
    for few in ((2, 3, 4), (3, 2, 4), (4, 3, 2), (3, 2, 2), (2, 2, 2)):
        small = dict(zip(program.dims, cycle(few), strict=False))
        tried.append({dim: fixed.get(dim, small[dim]) for dim in program.dims})
    for found in sorted(tried, key=lambda at: (_most_inverted(program, at) > LARGE,
                                               most_composed(program, at))):  # fmt: skip
        if obeyed((*asked(program), *more), found) and is_defined(program, found):
            return found
    shown = ", ".join(f"{dim} = {k}" for dim, k in sizes.items())
    raise UnsupportedError(
        f"the program has no value at {shown}: it inverts a matrix that is singular there",
        hint="choose other sizes with --at",
    )


def _most_inverted(program: Program, sizes: Sizes) -> int:
    """Return the rows of the largest matrix that is inverted, or whose determinant is taken."""
    inverted = (n.args[0] for s in program.statements for n in nodes(s.expr) if n.op.costly)
    return max(extent(matrix.shape.rows, sizes) for matrix in inverted)


def most_composed(program: Program, sizes: Sizes) -> int:
    """Return the rows of the largest matrix that is inverted and is no input as it is.

    Written out, its minors are sums of products of sums. A Kronecker product is inverted factor by
    factor.

    >>> from derive.language.parse import parse
    >>> most_composed(parse("X: (n, d); A: (n, n); f = logdet(X.T @ X) + det(A)"), {"n": 5, "d": 2})
    2
    """
    inverted = [n.args[0] for s in program.statements for n in nodes(s.expr) if n.op.costly]
    factors = [f for m in inverted for f in (m.args if m.op is KRON else (m,))]
    return max((extent(f.shape.rows, sizes) for f in factors if not f.is_var), default=0)


def suppose(ring: Ring, relations: Iterable[Relation]) -> None:
    """Let an algebra know what holds of the sizes."""
    from derive.readings.forms import Forms

    relations = tuple(relations)
    ring.least = {r.least[0]: r.least[1] for r in relations if r.least}
    for relation in relations:
        if relation.relation != "≥":
            form = Forms(ring).of(relation.left - relation.right, 0, 0)
            ring.suppose(form, positive=relation.relation == ">")


def simple_relations(dims: Sequence[str]) -> Iterator[Relation]:
    """Yield the relations that are tried, the simplest first."""
    words = [extent_of(dim) for dim in dims]
    yield from (Relation(word, "≥", number(2)) for word in words)
    pairs = list(combinations(words, 2))
    for p, q in pairs:
        yield from (Relation(p, "≥", q), Relation(q, "≥", p), Relation(p, "≠", q))
        yield from (Relation(p, ">", q), Relation(q, ">", p))
    yield from (Relation(p * q, "≥", number(2)) for p, q in pairs)
