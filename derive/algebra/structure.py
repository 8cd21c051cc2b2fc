"""What a matrix, given as the form of its entry, is made of.

What enters is the form of the entry at @r, @s; what leaves are factors, a diagonal, the path of a
product, the parts of an update, each as such a form again; `None` where a matrix is not of the kind
that is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from derive.algebra.closing import renamed
from derive.algebra.forms import (
    UNIT,
    Exponent,
    Form,
    Monomial,
    accumulate,
    exact,
    inverse,
    merge,
    oriented,
    primitive,
    quotient,
    scaled,
)
from derive.algebra.powers import independent
from derive.calculus.index import Index, along, index_words, renaming
from derive.expressions.shape import Dim, Pair, Product, times

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

ONE: Form = {UNIT: 1}


def ends(dim: Dim) -> tuple[Index, Index]:
    """Return the indices at which a matrix is given."""
    return along("@r", dim), along("@s", dim)


def words(dim: Dim) -> frozenset[Index]:
    """Return the words in the indices at which a matrix is given."""
    return frozenset(index_words(*ends(dim)))


def moved(ring: Ring, form: Form, i: Index, j: Index) -> Form:
    """Return the entry i, j of a matrix."""
    return ring.rename(form, {**renaming("@r", i), **renaming("@s", j)})


def at(ring: Ring, form: Form, place: Index) -> Form:
    return ring.rename(form, renaming("@r", place))


def separated(ring: Ring, form: Form, inside: Collection[Index]) -> tuple[Form, Form]:
    """Return P and Q with P Q the form, where P has none of some words in it.

    P is the number in front, the factors that all terms share, and a sum where the form is the
    product of two.
    """
    rows: dict[Monomial, Form] = {}
    for monomial, coefficient in form.items():
        sides: tuple[list, list] = ([], [])
        for part in factors(ring, monomial):
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
    rest = ring.close({merge(m, inverse(common)): c for m, c in form.items()})
    return _numbered({common: 1}, rest)


def factors(ring: Ring, monomial: Monomial) -> Iterator[Monomial]:
    """Yield the factors of a monomial, those that a sum holds together as one."""
    bound = ring.bound(monomial).keys()
    for part in independent(ring, monomial):
        if any(ring.indices[atom] & bound for atom, _ in part):
            yield part
        else:
            yield from ((factor,) for factor in part)


def _one_term(ring: Ring, monomial: Monomial) -> Monomial | None:
    """Return a part of a monomial with the names that its bound indices have when it is alone."""
    closed = ring.close({monomial: 1})
    return next(iter(closed)) if list(closed.values()) == [1] else None


def _common(ring: Ring, monomials: Collection[Monomial]) -> Monomial:
    """Return the factors that monomials share, none of them bound by a sum."""
    shared: dict[int, Exponent] | None = None
    for monomial in monomials:
        bound = ring.bound(monomial).keys()
        own = {a: e for a, e in monomial if a not in ring.sums and not ring.indices[a] & bound}
        if shared is None:
            shared = own
        shared = {a: e for a, e in shared.items() if own.get(a) == e}
    return tuple(sorted((shared or {}).items()))


def _numbered(left: Form, right: Form) -> tuple[Form, Form]:
    """Return two factors, the number in front of the second moved to the first."""
    sign, turned = oriented(right)
    number, rest = primitive(turned)
    return scaled(left, number * sign), rest


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
    bound = ring.bound(monomial)
    plain = [(a, e) for a, e in monomial if a not in ring.sums]
    corners = {a: ring.indices[a] & {"@r", "@s", *bound} for a, _ in plain}
    if coefficient != 1 or not all(corners.values()):
        return None
    if "@s" not in _reached(corners, "@r", None):
        return None
    before = {k: _reached(corners, "@r", k) for k in bound if bound[k] == dim}
    cuts = [k for k in before if "@s" not in before[k]]
    stops = ["@r", *sorted(cuts, key=lambda k: len(before[k] & {*cuts})), "@s"]
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
    return ring.close(renamed(ring, tuple(sorted([*piece, *signs])), names))


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
        ring.kinds[a].mask
        or ring.atoms[a][0] == "sign"
        or (ring.atoms[a][0] == "pow" and may_vanish(ring, ring.thaw(ring.atoms[a][1])))
        for monomial in form
        for a, _ in monomial
    )


def transposed(ring: Ring, form: Form, dim: Dim) -> Form:
    """Return a matrix's form with its row and column indices exchanged."""
    r, s = (tuple(index_words(end)) for end in ends(dim))
    exchanged: dict[Index, Index] = dict(zip((*r, *s), (*s, *r), strict=True))
    return ring.close(ring.rename(form, exchanged))
