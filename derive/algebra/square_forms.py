"""Inverses and determinants of matrices that are given as forms: laws, each with its theorem.

A matrix is the form of its entry at @r, @s. A law of the inverse returns the inverse as another
such form, a law of the determinant a form; `None` where it does not apply. What no law takes apart
is an atom, the same one for a matrix, its transpose and its multiples.

The determinant of a diagonal matrix is the product of its entries: Π_r f(r) is the atom det of
δ_rs f(r), split into one atom a factor, and c to the power of a dimension is that of c I.
Sources: Magnus and Neudecker, Matrix Differential Calculus (2019), chapters 1 and 2; the Matrix
Cookbook (2012), 3.2 for a matrix and a product of a column and a row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING

from derive.algebra.forms import (
    MASKS,
    UNIT,
    Exponent,
    Form,
    Monomial,
    Undefined,
    accumulate,
    content,
    exact,
    merge,
    prime_factors,
    quotient,
)
from derive.calculus.index import Index, along, index_words, renaming
from derive.expressions.shape import Dim, Pair, Product, times

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

Law = Callable[["Ring", Form, Dim], Form | None]
ONE: Form = {UNIT: 1}
#: A form is multiplied by so many matrices whose inverses are in it, and in so many steps.
MOST_TIMES, MOST_MULTIPLIED = 2, 10_000


def inverse(ring: Ring, form: Form, dim: Dim, i: Index, j: Index) -> Form:
    """Return the entry i, j of the inverse of a matrix."""
    form = ring._close(form)
    if not form:
        raise Undefined
    for law in INVERSES:
        found = law(ring, form, dim)
        if found is not None:
            return moved(ring, found, i, j)
    key, turned = oriented(ring, form, dim)
    return inverse_atom(ring, key, dim, *((j, i) if turned else (i, j)))


def determinant(ring: Ring, form: Form, dim: Dim) -> Form:
    """Return the determinant of a matrix."""
    form = ring._close(form)
    if not form:
        return {}
    for law in DETERMINANTS:
        found = law(ring, form, dim)
        if found is not None:
            return found
    return ring.single(("det", oriented(ring, form, dim)[0], dim))


# -- the laws --------------------------------------------------------------------------------------


def inverse_of_multiple(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """(c A)⁻¹ = A⁻¹ / c."""
    c, rest = separated(ring, form, words(dim))
    if c == ONE:
        return None
    return ring.mul(ring.power(c, -1), inverse(ring, rest, dim, *ends(dim)))


def determinant_of_multiple(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """det(c A) = cⁿ det A."""
    c, rest = separated(ring, form, words(dim))
    if c == ONE:
        return None
    return ring.mul(repeated(ring, c, dim), determinant(ring, rest, dim))


def inverse_of_diagonal(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """diag(f)⁻¹ = diag(1 / f)."""
    entries = diagonal(ring, form, dim)
    if entries is None:
        return None
    return ring.mul(ring.delta(*ends(dim)), ring.power(entries, -1))


def determinant_of_diagonal(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """det(diag(f)) = Π_r f(r)."""
    entries = diagonal(ring, form, dim)
    return None if entries is None else repeated(ring, entries, dim)


def inverse_of_inverse(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """(A⁻¹)⁻¹ = A."""
    return inverted(ring, form, dim)


def determinant_of_inverse(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """det(A⁻¹) = 1 / det(A)."""
    inside = inverted(ring, form, dim)
    return None if inside is None else ring.power(determinant(ring, inside, dim), -1)


def inverse_of_product(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """(A B ... C)⁻¹ = C⁻¹ ... B⁻¹ A⁻¹ for square factors."""
    path = path_of(ring, form, dim)
    if path is None:
        return None
    r, s = ends(dim)
    inner = [along(ring._new_index(), dim) for _ in path[1:]]
    stops = [r, *inner, s]
    body = ring.product(
        inverse(ring, factor, dim, stops[k], stops[k + 1])
        for k, factor in enumerate(reversed(path))
    )
    return ring.sums_over([(k, dim) for k in inner], body)


def determinant_of_product(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """det(A B ... C) = det(A) det(B) ... det(C) for square factors."""
    path = path_of(ring, form, dim)
    return None if path is None else ring.product(determinant(ring, x, dim) for x in path)


def inverse_of_kronecker(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """(A ⊗ B)⁻¹ = A⁻¹ ⊗ B⁻¹."""
    found = kronecker_factors(ring, form, dim)
    if found is None:
        return None
    return ring.product(inverse(ring, factor, own, *places) for factor, own, places in found)


def determinant_of_kronecker(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """det(A ⊗ B) = det(A)ᵐ det(B)ⁿ for A of n rows and B of m."""
    found = kronecker_factors(ring, form, dim)
    if found is None:
        return None
    (a, n, _), (b, m, _) = found
    left, right = determinant(ring, a, n), determinant(ring, b, m)
    return ring.mul(repeated(ring, left, m), repeated(ring, right, n))


def inverse_of_update(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """(D + u vᵀ)⁻¹ = D⁻¹ - D⁻¹u vᵀD⁻¹ / (1 + vᵀD⁻¹u) for a diagonal D."""
    found = update_of(ring, form, dim)
    if found is None:
        return None
    d, u, v = found
    r, s = ends(dim)
    below = ring.power(d, -1)
    left, right = ring.mul(below, u), _at(ring, ring.mul(below, v), s)
    quotient = ring.product([left, right, ring.power(_one_and(ring, d, u, v, dim), -1)])
    return ring.add(ring.mul(ring.delta(r, s), below), ring.scale(-1, quotient))


def determinant_of_update(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """det(D + u vᵀ) = det(D) (1 + vᵀD⁻¹u) for a diagonal D."""
    found = update_of(ring, form, dim)
    if found is None:
        return None
    return ring.mul(repeated(ring, found[0], dim), _one_and(ring, *found, dim))


INVERSES: tuple[Law, ...] = (
    inverse_of_multiple,
    inverse_of_diagonal,
    inverse_of_inverse,
    inverse_of_kronecker,
    inverse_of_product,
    inverse_of_update,
)
DETERMINANTS: tuple[Law, ...] = (
    determinant_of_multiple,
    determinant_of_diagonal,
    determinant_of_inverse,
    determinant_of_kronecker,
    determinant_of_product,
    determinant_of_update,
)


def repeated(ring: Ring, form: Form, dim: Dim) -> Form:
    """Return the product of a form over @r: Π (p q) = Π p Π q, and Π exp f = exp Σ f.

    For a form without @r it is a power: c to so many as the dimension is.
    """
    if not form:
        return {}
    constant = not words(dim) & ring.free(form)
    if constant and isinstance(dim, Product):
        for factor in sorted(dim.dims, key=str):
            form = repeated(ring, form, factor)
        return form
    if constant and isinstance(dim, int):
        return ring.power(form, dim)
    if len(form) > 1:
        c, rest = (ONE, form) if constant else separated(ring, form, words(dim))
        if c != ONE:
            return ring.mul(repeated(ring, c, dim), repeated(ring, rest, dim))
        scale = content(form.values()) * (-1 if form[min(form)] < 0 else 1)
        return ring.mul(
            _repeated_number(ring, exact(scale), dim),
            _repeated_atom(ring, ring.scale(1 / scale, form), dim),
        )
    ((monomial, coefficient),) = form.items()
    parts = (_repeated_part(ring, part, dim) for part in _parts(ring, monomial))
    return ring.product([_repeated_number(ring, coefficient, dim), *parts])


def _repeated_part(ring: Ring, part: Monomial, dim: Dim) -> Form:
    """Return Π p over @r for a product p whose factors a sum holds together, or for one factor."""
    if len(part) > 1:
        return _repeated_atom(ring, ring._close({part: 1}), dim)
    ((atom, exponent),) = part
    kind, *rest = ring.atoms[atom]
    if kind == "exp":
        inner = ring.scale(exponent, ring.thaw(rest[0]))
        return ring._exp(ring.sum(ends(dim)[0], dim, inner))
    if not isinstance(exponent, int):
        return _repeated_atom(ring, {part: 1}, dim)
    if kind == "pow":
        return ring.power(repeated(ring, ring.thaw(rest[0]), dim), exponent)
    return ring.power(_repeated_atom(ring, {((atom, 1),): 1}, dim), exponent)


def _repeated_number(ring: Ring, value: Exponent, dim: Dim) -> Form:
    """Return a number to the power of a dimension, as powers of its primes."""
    fraction = Fraction(value)
    found = ONE if fraction > 0 else _repeated_atom(ring, {UNIT: -1}, dim)
    for whole, sign in ((abs(fraction.numerator), 1), (fraction.denominator, -1)):
        for prime, count in prime_factors(whole):
            one = _repeated_atom(ring, {UNIT: prime}, dim)
            found = ring.mul(found, ring.power(one, sign * count))
    return found


def _repeated_atom(ring: Ring, form: Form, dim: Dim) -> Form:
    """Return the atom of a product; c to the power of n m is that of m n."""
    if isinstance(dim, int) and not words(dim) & ring.free(form):
        return ring.power(form, dim)
    if len(form) == 1 and isinstance(dim, str):
        ((monomial, coefficient),) = form.items()
        if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            kind, *rest = ring.atoms[monomial[0][0]]
            if kind == "det" and isinstance(rest[1], str) and str(dim) < rest[1]:
                inner = diagonal(ring, ring.thaw(rest[0]), rest[1])
                if inner is not None and not words(rest[1]) & ring.free(inner):
                    return repeated(ring, repeated(ring, inner, dim), rest[1])
    key = ring._close(ring.mul(ring.delta(*ends(dim)), form))
    return ring.single(("det", ring.freeze(key), dim))


def is_positive(ring: Ring, key: tuple, dim: Dim) -> bool:
    """Whether a determinant is a product of entries that are positive for certain."""
    entries = diagonal(ring, ring.thaw(key), dim)
    return entries is not None and ring._positive_form(entries)


def is_sign(ring: Ring, key: tuple, dim: Dim) -> bool:
    """Whether a determinant is -1 to the power of a dimension: its square is 1."""
    entries = diagonal(ring, ring.thaw(key), dim)
    return entries == {UNIT: -1}


def logarithm(ring: Ring, key: tuple, dim: Dim) -> Form:
    """Return log Π f = Σ log f for a product of entries that are positive."""
    entries = diagonal(ring, ring.thaw(key), dim)
    assert entries is not None
    return ring.sum(ends(dim)[0], dim, ring._log(entries))


# -- what a matrix is made of ----------------------------------------------------------------------


def ends(dim: Dim) -> tuple[Index, Index]:
    """Return the indices at which a matrix is given."""
    return along("@r", dim), along("@s", dim)


def words(dim: Dim) -> frozenset[Index]:
    """Return the words in the indices at which a matrix is given."""
    return frozenset(index_words(*ends(dim)))


def moved(ring: Ring, form: Form, i: Index, j: Index) -> Form:
    """Return the entry i, j of a matrix."""
    return ring.rename(form, {**renaming("@r", i), **renaming("@s", j)})


def _at(ring: Ring, form: Form, place: Index) -> Form:
    return ring.rename(form, renaming("@r", place))


def separated(ring: Ring, form: Form, inside: Collection[Index]) -> tuple[Form, Form]:
    """Return P and Q with P Q the form, where P has none of some words in it.

    P is the number in front, the factors that all terms share, and a sum where the form is the
    product of two.
    """
    rows: dict[Monomial, Form] = {}
    for monomial, coefficient in form.items():
        sides: tuple[list, list] = ([], [])
        for part in _parts(ring, monomial):
            touched = any(k in inside for atom, _ in part for k in ring.indices[atom])
            sides[touched].extend(part)
        outer, inner = (_one_term(ring, tuple(sorted(side))) for side in sides)
        if outer is None or inner is None:
            return _numbered(ONE, form)
        rows.setdefault(outer, {})[inner] = coefficient
    first, *others = rows.values()
    ratios = [quotient(row, first) for row in others]
    if all(ratio is not None for ratio in ratios):
        left: Form = dict(zip(rows, [1, *map(exact, filter(None, ratios))], strict=True))
        return _numbered(left, first)
    common = _common(ring, rows)
    if not common:
        return _numbered(ONE, form)
    gone = tuple((a, -e) for a, e in common)
    rest = ring._close({merge(m, gone): c for m, c in form.items()})
    return _numbered({common: 1}, rest)


def _parts(ring: Ring, monomial: Monomial) -> Iterator[Monomial]:
    """Yield the factors of a monomial, those that a sum holds together as one."""
    bound = ring._bound(monomial).keys()
    for part in ring._independent(monomial):
        if any(ring.indices[atom] & bound for atom, _ in part):
            yield part
        else:
            yield from ((factor,) for factor in part)


def _one_term(ring: Ring, monomial: Monomial) -> Monomial | None:
    """Return a part of a monomial with the names that its bound indices have when it is alone."""
    closed = ring._close({monomial: 1})
    return next(iter(closed)) if list(closed.values()) == [1] else None


def _common(ring: Ring, monomials: Collection[Monomial]) -> Monomial:
    """Return the factors that monomials share, none of them bound by a sum."""
    shared: dict[int, Exponent] | None = None
    for monomial in monomials:
        bound = ring._bound(monomial).keys()
        own = {a: e for a, e in monomial if a not in ring.sums and not ring.indices[a] & bound}
        if shared is None:
            shared = own
        shared = {a: e for a, e in shared.items() if own.get(a) == e}
    return tuple(sorted((shared or {}).items()))


def _numbered(left: Form, right: Form) -> tuple[Form, Form]:
    """Return two factors, the number in front of the second moved to the first."""
    scale = content(right.values()) * (-1 if right[min(right)] < 0 else 1)
    if scale == 1:
        return left, right
    return (
        {m: exact(c * scale) for m, c in left.items()},
        {m: exact(Fraction(c) / scale) for m, c in right.items()},
    )


def diagonal(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """Return f, over @r, of a matrix δ_rs f(r); `None` for any other."""
    r, s = ends(dim)
    ((equal, _),) = ring.delta(r, s).items()
    entries: Form = {}
    for monomial, coefficient in form.items():
        rest = tuple(factor for factor in monomial if factor not in equal)
        if len(rest) + len(equal) != len(monomial):
            return None
        accumulate(entries, rest, coefficient)
    back: dict[Index, Index] = dict(zip(index_words(s), index_words(r), strict=True))
    return ring.rename(entries, back)


def inverted(ring: Ring, form: Form, dim: Dim) -> Form | None:
    """Return the matrix of which a form is the inverse, `None` for any other form."""
    if len(form) != 1:
        return None
    ((monomial, coefficient),) = form.items()
    if coefficient != 1 or len(monomial) != 1 or monomial[0][1] != 1:
        return None
    kind, *rest = ring.atoms[monomial[0][0]]
    r, s = ends(dim)
    if kind != "inv" or rest[1] != dim or {rest[2], rest[3]} != {r, s}:
        return None
    inside: Form = ring.thaw(rest[0])
    return inside if rest[2] == r else transposed(ring, inside, dim)


def path_of(ring: Ring, form: Form, dim: Dim) -> list[Form] | None:
    """Return the square factors of a matrix that is a product: @r to k, k to p ... to @s.

    A factor may be made of sums of its own, and may be diagonal: d_r Σ_k a_rk b_ks is D A B.
    """
    if len(form) != 1 or isinstance(dim, Product):
        return None
    ((monomial, coefficient),) = form.items()
    bound = ring._bound(monomial)
    plain = [(a, e) for a, e in monomial if a not in ring.sums]
    corners = {a: ring.indices[a] & {"@r", "@s", *bound} for a, _ in plain}
    if coefficient != 1 or not all(corners.values()):
        return None
    if "@s" not in _reached(corners, "@r", None):
        return None
    before = {k: _reached(corners, "@r", k) for k in bound if bound[k] == dim}
    cuts = [k for k in before if "@s" not in before[k]]
    cuts.sort(key=lambda k: len(before[k] & {*cuts}))
    stops = ["@r", *cuts, "@s"]
    pieces: dict[frozenset[Index], list[tuple[int, Exponent]]] = {}
    for piece in _pieces(corners, stops):
        touched = frozenset(k for a in piece for k in corners[a] if k in stops)
        pieces.setdefault(touched, []).extend(f for f in plain if f[0] in piece)
    path: list[Form] = []
    for k, stop in enumerate(stops):
        alone = pieces.pop(frozenset((stop,)), None)
        if alone is not None:
            factor = _piece(ring, alone, bound, {stop: "@r"})
            path.append(ring.mul(ring.delta("@r", "@s"), factor))
        if k + 1 < len(stops):
            between = pieces.pop(frozenset(stops[k : k + 2]), None)
            if between is None:
                return None
            path.append(_piece(ring, between, bound, {stop: "@r", stops[k + 1]: "@s"}))
    return path if len(path) > 1 and not pieces else None


def _reached(
    corners: Mapping[int, frozenset[Index]], start: Index, without: Index | None
) -> set[Index]:
    """Return the indices that factors connect with one, by ways that leave another out."""
    found, news = {start}, [start]
    while news:
        here = news.pop()
        for met in corners.values():
            if here in met:
                news += [k for k in met if k not in found and k != without]
                found |= met - {without}
    return found


def _pieces(
    corners: Mapping[int, frozenset[Index]], stops: Collection[Index]
) -> Iterator[set[int]]:
    """Yield the factors that hang together by other indices than the stops."""
    left = dict(corners)
    while left:
        atom, own = left.popitem()
        piece, inner = {atom}, {*own}.difference(stops)
        while more := [a for a, met in left.items() if met & inner]:
            for a in more:
                piece.add(a)
                inner |= left.pop(a).difference(stops)
        yield piece


def _piece(
    ring: Ring,
    piece: list[tuple[int, Exponent]],
    bound: Mapping[Index, Dim],
    names: Mapping[Index, Index],
) -> Form:
    """Return factors with the sums that are theirs alone, their ends renamed."""
    own = {k for atom, _ in piece for k in ring.indices[atom]} & bound.keys() - names.keys()
    signs = [(ring.atom(("Σ", k, bound[k])), 1) for k in own]
    return ring._close(ring._renamed(tuple(sorted([*piece, *signs])), names))


def kronecker_factors(
    ring: Ring, form: Form, dim: Dim
) -> list[tuple[Form, Dim, tuple[Index, Index]]] | None:
    """Return two matrices of which a third is the Kronecker product, with their dimensions, and
    the indices that they have in it."""
    if not isinstance(dim, Product):
        return None
    r, s = ends(dim)
    assert isinstance(r, Pair) and isinstance(s, Pair)
    for k in range(1, len(dim.dims)):
        first = {*r.parts[:k], *s.parts[:k]}
        second, rest = separated(ring, form, first)
        if not ring.free(rest) <= first or ring.free(second) & first:
            continue
        found = []
        for part, own in ((rest, slice(0, k)), (second, slice(k, None))):
            dims = times(*dim.dims[own])
            places = (_slice(r, own), _slice(s, own))
            names: dict[Index, Index]
            names = dict(zip(index_words(*places), index_words(*ends(dims)), strict=True))
            found.append((ring.rename(part, names), dims, places))
        return found
    return None


def _slice(index: Pair, own: slice) -> Index:
    parts, dims = index.parts[own], index.dims[own]
    return Pair(parts, dims) if len(parts) > 1 else parts[0]


def update_of(ring: Ring, form: Form, dim: Dim) -> tuple[Form, Form, Form] | None:
    """Return d, u, v, all over @r, of a matrix δ_rs d(r) + u(r) v(s), where d is 0 on no region;
    `None` for any other."""
    r, s = ends(dim)
    ((equal, _),) = ring.delta(r, s).items()
    on = {m: c for m, c in form.items() if {*equal} <= {*m}}
    off = {m: c for m, c in form.items() if m not in on}
    if not on or not off:
        return None
    d = diagonal(ring, on, dim)
    rows, columns = {*index_words(r)}, {*index_words(s)}
    v, u = separated(ring, off, rows)
    if d is None or ring.free(u) & columns or ring.free(v) & rows or may_vanish(ring, d):
        return None
    back: dict[Index, Index] = dict(zip(index_words(s), index_words(r), strict=True))
    return d, u, ring.rename(v, back)


def may_vanish(ring: Ring, form: Form) -> bool:
    """Whether masks or signs are in a form, so that it may be 0 on a region and has no inverse."""
    return any(
        ring.atoms[a][0] in (*MASKS, "sign", "δ")
        or (ring.atoms[a][0] == "pow" and may_vanish(ring, ring.thaw(ring.atoms[a][1])))
        for monomial in form
        for a, _ in monomial
    )


def _one_and(ring: Ring, d: Form, u: Form, v: Form, dim: Dim) -> Form:
    """Return 1 + Σ_r v_r u_r / d_r."""
    body = ring.product([v, u, ring.power(d, -1)])
    return ring.add(ONE, ring.sum(ends(dim)[0], dim, body))


# -- atoms -----------------------------------------------------------------------------------------


def transposed(ring: Ring, form: Form, dim: Dim) -> Form:
    """Return a matrix's form with its row and column indices exchanged."""
    r, s = (tuple(index_words(end)) for end in ends(dim))
    exchanged: dict[Index, Index] = dict(zip((*r, *s), (*s, *r), strict=True))
    return ring._close(ring.rename(form, exchanged))


def oriented(ring: Ring, form: Form, dim: Dim) -> tuple[tuple, bool]:
    """Return the smaller of a matrix and its transpose as a key, and whether it is turned."""
    straight, turned = ring.freeze(form), ring.freeze(transposed(ring, form, dim))
    return (turned, True) if repr(turned) < repr(straight) else (straight, False)


def inverse_atom(ring: Ring, key: tuple, dim: Dim, i: Index, j: Index) -> Form:
    """Return the entry i, j of an inverse that no law takes apart."""
    if str(j) < str(i) and is_symmetric(ring, key, dim):  # and so is its inverse
        i, j = j, i
    return ring.single(("inv", key, dim, i, j))


def is_symmetric(ring: Ring, key: tuple, dim: Dim) -> bool:
    """Whether a matrix, given as its entry's key, equals its transpose."""
    if key not in ring.symmetric:
        ring.symmetric[key] = ring.freeze(transposed(ring, ring.thaw(key), dim)) == key
    return ring.symmetric[key]


# -- calculus --------------------------------------------------------------------------------------


def inverse_derivative(
    ring: Ring, key: tuple, dim: Dim, leaf: tuple, a: Index, c: Index, i: Index, j: Index
) -> Form:
    """∂(A⁻¹)_ij = -Σ_kp (A⁻¹)_ik ∂A_kp (A⁻¹)_pj."""
    k, p, change = _change(ring, key, dim, leaf, a, c)
    around = (inverse_atom(ring, key, dim, i, k), inverse_atom(ring, key, dim, p, j))
    return ring.sums_over([(p, dim), (k, dim)], ring.product([{UNIT: -1}, change, *around]))


def determinant_derivative(
    ring: Ring, key: tuple, dim: Dim, leaf: tuple, a: Index, c: Index
) -> Form:
    """∂ det A = det A Σ_kp (A⁻¹)_pk ∂A_kp."""
    k, p, change = _change(ring, key, dim, leaf, a, c)
    matrix = ring.thaw(key)
    below = inverse_of_diagonal(ring, matrix, dim)
    around = inverse_atom(ring, key, dim, p, k) if below is None else moved(ring, below, p, k)
    body = ring.product([ring.single(("det", key, dim)), change, around])
    return ring.sums_over([(p, dim), (k, dim)], body)


def _change(
    ring: Ring, key: tuple, dim: Dim, leaf: tuple, a: Index, c: Index
) -> tuple[Index, Index, Form]:
    k, p = along(ring._new_index(), dim), along(ring._new_index(), dim)
    return k, p, moved(ring, ring.derivative(ring.thaw(key), leaf, a, c), k, p)


def reduction(ring: Ring, monomial: Monomial, atom: int) -> Form | None:
    """Use Σ_k A_pk A⁻¹_kj = δ_pj, or its mirror, where the monomial has the left side in it."""
    _, key, dim, i, j = ring.atoms[atom]
    if isinstance(dim, Product):
        return None
    matrix = ring.thaw(key)
    ((equal, _),) = ring.delta("@r", "@s").items()
    lead = max(matrix, key=lambda m: (not {*equal} <= {*m}, len(ring._bound(m)), len(m)))
    outer, inner = ring._bound(monomial), ring._bound(lead)
    exponents = dict(monomial)
    used = {k for a, _ in monomial for k in ring.indices[a]} | {0}
    # of a symmetric inverse the ends are alike, and the matrix stands on its left
    sides = ((i, j, True), (j, i, is_symmetric(ring, key, dim)))
    for summed, other, from_left in sides:
        if summed not in outer:
            continue
        for free in used - {summed}:
            here: dict[Index, Index]
            here = {"@r": free, "@s": summed} if from_left else {"@r": summed, "@s": free}
            others = [k for k in outer if k not in (summed, free)]
            for chosen in permutations(others, len(inner)):
                if any(inner[k] != outer[q] for k, q in zip(inner, chosen, strict=True)):
                    continue
                names = {**here, **dict(zip(inner, chosen, strict=True))}
                renamed = ring._renamed(lead, names)
                if len(renamed) != 1:
                    continue
                ((found, scale),) = renamed.items()
                if scale != 1 or any(exponents.get(a, 0) < e for a, e in found):
                    continue
                left = merge(monomial, tuple((a, -e) for a, e in found))
                left = merge(left, ((atom, -1),))
                plain = ring._plain(left)
                if any(ring.indices[a] & {summed, *chosen} for a in plain):
                    continue
                sign = ring.atom(("Σ", summed, dim))
                left = merge(left, ((sign, -1),))
                rest = {m: c for m, c in matrix.items() if m != lead}
                factor = exact(Fraction(1) / matrix[lead])
                one = ring.mul({left: factor}, ring.delta(free, other))
                fresh = ring._new_index()
                places = (free, fresh) if from_left else (fresh, free)
                tips = (fresh, other) if from_left else (other, fresh)
                tail = ring.mul(moved(ring, rest, *places), inverse_atom(ring, key, dim, *tips))
                tail = ring.sum(fresh, dim, tail)
                return ring.add(one, ring.mul({left: -factor}, tail))
    return None


def vanishes_multiplied(ring: Ring, form: Form, times: int = MOST_TIMES) -> bool:
    """A F = 0 or F A = 0 gives F = 0, for an A whose inverse stands at a free index of F.

    So A⁻¹ B is C where B is A C, by Woodbury and by any other way.
    """
    for atom in sorted({a for m in form for a, _ in m if ring.atoms[a][0] == "inv"}):
        _, key, dim, i, j = ring.atoms[atom]
        for end, from_left in ((i, True), (j, False)):
            if isinstance(dim, Product) or end not in ring.free(form):
                continue
            fresh = along(ring._new_index(), dim)
            matrix = moved(ring, ring.thaw(key), *((fresh, end) if from_left else (end, fresh)))
            new = ring._reduced(ring.sum(end, dim, ring.mul(matrix, form)))
            if not new or (times > 1 and vanishes_multiplied(ring, new, times - 1)):
                return True
    return False
