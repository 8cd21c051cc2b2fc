"""Products over an index: Π_k f(k), which sees the indices outside.

What enters is a form, an index and its dimension, what leaves is a form. A law of products returns
the product as another form; what no law takes apart is an atom. Source: logarithms turn each of
these laws into one of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from derive.algebra.forms import UNIT, Exponent, Form, scaled
from derive.algebra.laws import first, law
from derive.calculus.index import Index
from derive.expressions.shape import Dim

if TYPE_CHECKING:
    from derive.algebra.normal import Ring


def over(ring: Ring, form: Form, loops: list[tuple[Index, Dim]]) -> Form:
    """Return the product of a form over some indices."""
    for index, dim in reversed(loops):
        form = along(ring, form, index, dim)
    return form


def along(ring: Ring, form: Form, index: Index, dim: Dim) -> Form:
    """Return the product of a form over an index."""
    form = ring.close(form)
    found: Form | None = first(PRODUCTS, ring, form, index, dim)
    if found is not None:
        return found
    word = f"@{ring.level_inside(form) + 1}.0"
    return ring.single(("Π", ring.freeze(ring.rename(form, {index: word})), word, dim))


def again(
    ring: Ring, key: tuple, change: Callable[[Form], Form], names: Mapping[Index, Index]
) -> Form:
    """Return the product of a form that is changed; its own index is not met."""
    _, inside, word, dim = key
    fresh = ring.new_index()
    return along(ring, change(ring.rename(ring.thaw(inside), {word: fresh})), fresh, dim)


# -- the laws --------------------------------------------------------------------------------------


@law
def product_of_zero_or_one(ring: Ring, form: Form, index: Index, dim: Dim) -> Form | None:
    """Π 0 = 0 and Π 1 = 1."""
    return form if form in ({}, {UNIT: 1}) else None


@law
def product_with_a_zero(ring: Ring, form: Form, index: Index, dim: Dim) -> Form | None:
    """Π_k f(k) = 0 where f(i) = 0 at the first place, or at another index i of f."""
    places = (0, *(ring.free(form) - {index})) if index in ring.free(form) else ()
    return None if all(ring.rename(form, {index: place}) for place in places) else {}


@law
def product_of_a_constant(ring: Ring, form: Form, index: Index, dim: Dim) -> Form | None:
    """Π_k c = cⁿ, n a number."""
    if not isinstance(dim, int) or index in ring.free(form):
        return None
    return ring.power(form, dim)


@law
def product_of_factors(ring: Ring, form: Form, index: Index, dim: Dim) -> Form | None:
    """Π_k c f(k) g(k) = Π_k c Π_k f(k) Π_k g(k)."""
    if len(form) != 1 or ring.bound(next(iter(form))):
        return None
    ((monomial, coefficient),) = form.items()
    parts: list[Form] = [{(pair,): 1} for pair in monomial]
    parts += [{UNIT: coefficient}] if coefficient != 1 else []
    if len(parts) < 2:
        return None
    return ring.product([along(ring, part, index, dim) for part in parts])


@law
def product_of_powers_of_e(ring: Ring, form: Form, index: Index, dim: Dim) -> Form | None:
    """Π_k exp P(k) = exp Σ_k P(k)."""
    if (found := _factor(ring, form)) is None or found[0][0] != "exp":
        return None
    (kind, inside), exponent = found
    return ring.function(kind, ring.sum(index, dim, scaled(ring.thaw(inside), exponent)))


@law
def product_of_products(ring: Ring, form: Form, index: Index, dim: Dim) -> Form | None:
    """Π_k Π_l f(k, l) = Π_l Π_k f(k, l)."""
    found = _factor(ring, form)
    if found is None or found[0][0] != "Π" or found[1] != 1 or str(dim) > str(found[0][3]):
        return None
    _, inside, word, other = found[0]
    fresh = ring.new_index()
    inner = along(ring, ring.rename(ring.thaw(inside), {word: fresh}), index, dim)
    if dim == other:  # of two orders of one kind the first is kept
        here, there = ring.rename(form, {index: "@"}), ring.rename(inner, {fresh: "@"})
        if ring.freeze(here) <= ring.freeze(there):
            return None
    return along(ring, inner, fresh, other)


@law
def product_of_a_power(ring: Ring, form: Form, index: Index, dim: Dim) -> Form | None:
    """Π_k f(k)ᵉ = (Π_k f(k))ᵉ, e a whole number."""
    if (found := _factor(ring, form)) is None or found[1] == 1 or not isinstance(found[1], int):
        return None
    return ring.power(along(ring, ring.single(found[0]), index, dim), found[1])


PRODUCTS = (
    product_of_zero_or_one, product_with_a_zero, product_of_a_constant, product_of_factors,
    product_of_powers_of_e, product_of_products, product_of_a_power,
)  # fmt: skip


def _factor(ring: Ring, form: Form) -> tuple[tuple, Exponent] | None:
    """Return the key and the exponent of the atom whose power a form is, if it is one."""
    if len(form) != 1 or ring.bound(monomial := next(iter(form))) or form[monomial] != 1:
        return None
    return (ring.atoms[monomial[0][0]], monomial[0][1]) if len(monomial) == 1 else None


@law
def derivative_of_a_product(ring: Ring, key: tuple, leaf: tuple, *place: Index) -> Form:
    """∂ Π_k f(k) = Π_k f(k) Σ_k ∂f(k) / f(k)."""
    _, inside, word, dim = key
    k = ring.new_index()
    body = ring.rename(ring.thaw(inside), {word: k})
    change = ring.derivative(body, leaf, *place)
    if not change:
        return {}
    terms = ring.product([ring.single(key), change, ring.power(body, -1)])
    return ring.sums_over([(k, dim)], terms)
