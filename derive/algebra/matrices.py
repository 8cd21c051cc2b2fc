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

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from derive.algebra.forms import (
    UNIT,
    Exponent,
    Form,
    Monomial,
    Undefined,
    oriented,
    prime_factors,
    primitive,
    scaled,
)
from derive.algebra.functions import of_one
from derive.algebra.laws import Law, first, law
from derive.algebra.signs import is_positive_form
from derive.algebra.structure import (
    ONE,
    at,
    diagonal,
    ends,
    factors,
    inverted,
    kronecker_factors,
    moved,
    path_of,
    separated,
    transposed,
    update_of,
    words,
)
from derive.calculus.index import Index, Place, along, named
from derive.expressions.shape import Dim, Product

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

#: How a matrix is taken apart, and what is made of its parts.
Apart = Callable[["Ring", Form, Dim], Any]
Made = Callable[..., Form]


def inverse(ring: Ring, form: Form, dim: Dim, i: Index, j: Index) -> Form:
    """Return the entry i, j of the inverse of a matrix."""
    form = ring.close(form)
    if not form:
        raise Undefined
    found: Form | None = first(INVERSES, ring, form, dim)
    if found is not None:
        return moved(ring, found, i, j)
    key, exchanged = turned(ring, form, dim)
    return inverse_atom(ring, key, dim, *((j, i) if exchanged else (i, j)))


def determinant(ring: Ring, form: Form, dim: Dim) -> Form:
    """Return the determinant of a matrix."""
    form = ring.close(form)
    if not form:
        return {}
    found: Form | None = first(DETERMINANTS, ring, form, dim)
    return ring.single(("det", turned(ring, form, dim)[0], dim)) if found is None else found


# -- the laws --------------------------------------------------------------------------------------


def _multiple(ring: Ring, form: Form, dim: Dim) -> tuple[Form, Form] | None:
    c, rest = separated(ring, form, words(dim))
    return None if c == ONE else (c, rest)


def _inverse_of_path(ring: Ring, dim: Dim, path: Sequence[Form]) -> Form:
    r, s = ends(dim)
    inner = [along(ring.new_index(), dim) for _ in path[1:]]
    places = zip(reversed(path), [r, *inner], [*inner, s], strict=True)
    body = ring.product(inverse(ring, factor, dim, i, j) for factor, i, j in places)
    return ring.sums_over([(k, dim) for k in inner], body)


def _inverse_of_update(ring: Ring, dim: Dim, d: Form, u: Form, v: Form) -> Form:
    r, s = ends(dim)
    below = ring.power(d, -1)
    left, right = ring.mul(below, u), at(ring, ring.mul(below, v), s)
    outer = ring.product([left, right, ring.power(_one_and(ring, dim, d, u, v), -1)])
    return ring.add(ring.mul(ring.delta(r, s), below), scaled(outer, -1))


def _one_and(ring: Ring, dim: Dim, d: Form, u: Form, v: Form) -> Form:
    """Return 1 + Σ_r v_r u_r / d_r."""
    body = ring.product([v, u, ring.power(d, -1)])
    return ring.add(ONE, ring.sum(ends(dim)[0], dim, body))


#: What a matrix may be, how it is taken apart, and the theorems of its inverse and its determinant.
STRUCTURES: tuple[tuple[str, Apart, str, Made, str, Made], ...] = (
    (
        "multiple", _multiple,
        "(c A)⁻¹ = A⁻¹ / c",
        lambda ring, dim, c, a: ring.mul(ring.power(c, -1), inverse(ring, a, dim, *ends(dim))),
        "det(c A) = cⁿ det A",
        lambda ring, dim, c, a: ring.mul(repeated(ring, c, dim), determinant(ring, a, dim)),
    ),
    (
        "diagonal", diagonal,
        "diag(f)⁻¹ = diag(1 / f)",
        lambda ring, dim, f: ring.mul(ring.delta(*ends(dim)), ring.power(f, -1)),
        "det(diag(f)) = Π_r f(r)",
        lambda ring, dim, f: repeated(ring, f, dim),
    ),
    (
        "inverse", inverted,
        "(A⁻¹)⁻¹ = A",
        lambda ring, dim, a: a,
        "det(A⁻¹) = 1 / det(A)",
        lambda ring, dim, a: ring.power(determinant(ring, a, dim), -1),
    ),
    (
        "kronecker", kronecker_factors,
        "(A ⊗ B)⁻¹ = A⁻¹ ⊗ B⁻¹",
        lambda ring, dim, a, b: ring.mul(*(inverse(ring, x, own, *at) for x, own, at in (a, b))),
        "det(A ⊗ B) = det(A)ᵐ det(B)ⁿ for A of n rows and B of m",
        lambda ring, dim, a, b: ring.mul(
            repeated(ring, determinant(ring, *a[:2]), b[1]),
            repeated(ring, determinant(ring, *b[:2]), a[1]),
        ),
    ),
    (
        "product", path_of,
        "(A B ... C)⁻¹ = C⁻¹ ... B⁻¹ A⁻¹ for square factors",
        lambda ring, dim, *path: _inverse_of_path(ring, dim, path),
        "det(A B ... C) = det(A) det(B) ... det(C) for square factors",
        lambda ring, dim, *path: ring.product(determinant(ring, x, dim) for x in path),
    ),
    (
        "update", update_of,
        "(D + u vᵀ)⁻¹ = D⁻¹ - D⁻¹u vᵀD⁻¹ / (1 + vᵀD⁻¹u) for a diagonal D",
        _inverse_of_update,
        "det(D + u vᵀ) = det(D) (1 + vᵀD⁻¹u) for a diagonal D",
        lambda ring, dim, d, u, v: ring.mul(
            repeated(ring, d, dim), _one_and(ring, dim, d, u, v)
        ),
    ),
)  # fmt: skip


def _where(apart: Apart, made: Made) -> Callable[[Ring, Form, Dim], Form | None]:
    def rewriting(ring: Ring, form: Form, dim: Dim) -> Form | None:
        parts = apart(ring, form, dim)
        if parts is None:
            return None
        return made(ring, dim, *((parts,) if isinstance(parts, dict) else parts))

    return rewriting


INVERSES = tuple(
    Law(f"inverse of {name}", theorem, _where(apart, made))
    for name, apart, theorem, made, _, _ in STRUCTURES
)
DETERMINANTS = tuple(
    Law(f"determinant of {name}", theorem, _where(apart, made))
    for name, apart, _, _, theorem, made in STRUCTURES
)


# -- products over an index ------------------------------------------------------------------------


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
        sign, turned = oriented(form)
        number, rest = primitive(turned)
        return ring.mul(_repeated_number(ring, number * sign, dim), _repeated_atom(ring, rest, dim))
    ((monomial, coefficient),) = form.items()
    parts = (_repeated_part(ring, part, dim) for part in factors(ring, monomial))
    return ring.product([_repeated_number(ring, coefficient, dim), *parts])


def _repeated_part(ring: Ring, part: Monomial, dim: Dim) -> Form:
    """Return Π p over @r for a product p whose factors a sum holds together, or for one factor."""
    if len(part) > 1:
        return _repeated_atom(ring, ring.close({part: 1}), dim)
    ((atom, exponent),) = part
    kind, *rest = ring.atoms[atom]
    if kind == "exp":
        inner = scaled(ring.thaw(rest[0]), exponent)
        return of_one(ring, "exp", ring.sum(ends(dim)[0], dim, inner))
    if not isinstance(exponent, int):
        return _repeated_atom(ring, {part: 1}, dim)
    if kind == "pow":
        return ring.power(repeated(ring, ring.thaw(rest[0]), dim), exponent)
    return ring.power(_repeated_atom(ring, {((atom, 1),): 1}, dim), exponent)


def _repeated_number(ring: Ring, value: Exponent, dim: Dim) -> Form:
    """Return a number to the power of a dimension, as powers of its primes."""
    found = ONE if value > 0 else _repeated_atom(ring, {UNIT: -1}, dim)
    for prime, count in prime_factors(value if value > 0 else -value):
        found = ring.mul(found, ring.power(_repeated_atom(ring, {UNIT: prime}, dim), count))
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
    key = ring.close(ring.mul(ring.delta(*ends(dim)), form))
    return ring.single(("det", ring.freeze(key), dim))


def is_positive(ring: Ring, key: tuple, dim: Dim) -> bool:
    """Whether a determinant is a product of entries that are positive for certain."""
    entries = diagonal(ring, ring.thaw(key), dim)
    return entries is not None and is_positive_form(ring, entries)


def is_sign(ring: Ring, key: tuple, dim: Dim) -> bool:
    """Whether a determinant is -1 to the power of a dimension: its square is 1."""
    entries = diagonal(ring, ring.thaw(key), dim)
    return entries == {UNIT: -1}


def logarithm(ring: Ring, key: tuple, dim: Dim) -> Form:
    """Return log Π f = Σ log f for a product of entries that are positive."""
    entries = diagonal(ring, ring.thaw(key), dim)
    assert entries is not None
    return ring.sum(ends(dim)[0], dim, of_one(ring, "log", entries))


# -- atoms -----------------------------------------------------------------------------------------


def turned(ring: Ring, form: Form, dim: Dim) -> tuple[tuple, bool]:
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


def inverse_again(
    ring: Ring, key: tuple, change: Callable[[Form], Form], names: Mapping[Index, Index]
) -> Form:
    """Return an entry of the inverse of a matrix that is changed, at other indices."""
    _, matrix, dim, i, j = key
    i, j = named(i, names), named(j, names)
    inside = ring.thaw(matrix)
    new = change(inside)
    return inverse_atom(ring, matrix, dim, i, j) if new is inside else inverse(ring, new, dim, i, j)


def determinant_again(
    ring: Ring, key: tuple, change: Callable[[Form], Form], names: Mapping[Index, Index]
) -> Form:
    """Return the determinant of a matrix that is changed."""
    return determinant(ring, change(ring.thaw(key[1])), key[2])


# -- calculus --------------------------------------------------------------------------------------


@law
def derivative_of_an_inverse(ring: Ring, key: tuple, leaf: tuple, *place: Index) -> Form:
    """∂(A⁻¹)_ij = -Σ_kp (A⁻¹)_ik ∂A_kp (A⁻¹)_pj."""
    _, matrix, dim, i, j = key
    k, p, change = _change(ring, matrix, dim, leaf, place)
    around = (inverse_atom(ring, matrix, dim, i, k), inverse_atom(ring, matrix, dim, p, j))
    return ring.sums_over([(p, dim), (k, dim)], ring.product([{UNIT: -1}, change, *around]))


@law
def derivative_of_a_determinant(ring: Ring, key: tuple, leaf: tuple, *place: Index) -> Form:
    """∂ det A = det A Σ_kp (A⁻¹)_pk ∂A_kp."""
    _, matrix, dim = key
    k, p, change = _change(ring, matrix, dim, leaf, place)
    entries = diagonal(ring, ring.thaw(matrix), dim)
    if entries is None:
        around = inverse_atom(ring, matrix, dim, p, k)
    else:
        around = ring.mul(ring.delta(p, k), ring.power(at(ring, entries, p), -1))
    body = ring.product([ring.single(key), change, around])
    return ring.sums_over([(p, dim), (k, dim)], body)


def _change(
    ring: Ring, matrix: tuple, dim: Dim, leaf: tuple, place: Place
) -> tuple[Index, Index, Form]:
    k, p = along(ring.new_index(), dim), along(ring.new_index(), dim)
    return k, p, moved(ring, ring.derivative(ring.thaw(matrix), leaf, *place), k, p)
