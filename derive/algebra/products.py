"""Products over an index: Π_k f(k), which sees the indices outside.

What enters is a form and the indices that it runs over, what leaves is a form. The law: a product
of factors is the product of their products, and of c over n terms it is cⁿ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from derive.algebra.forms import UNIT, Form, scaled
from derive.algebra.laws import law
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
    if not form:
        return {}
    if isinstance(dim, int) and index not in ring.free(form):
        return ring.power(form, dim)
    if form == {UNIT: 1}:
        return form
    if len(form) == 1 and not ring.bound(next(iter(form))):
        ((monomial, coefficient),) = form.items()
        parts: list[Form] = [{(pair,): 1} for pair in monomial]
        parts += [{UNIT: coefficient}] if coefficient != 1 else []
        if len(parts) > 1:
            return ring.product([along(ring, part, index, dim) for part in parts])
        for atom, exponent in monomial:
            kind, *rest = ring.atoms[atom]
            if kind == "exp":  # Π exp P = exp Σ P
                inner = ring.sum(index, dim, scaled(ring.thaw(rest[0]), exponent))
                return ring.function(kind, inner)
            if kind == "Π" and exponent == 1 and str(dim) < str(rest[2]):  # Π_k Π_l is Π_l Π_k
                other = ring.new_index()
                body = ring.rename(ring.thaw(rest[0]), {rest[1]: other})
                return along(ring, along(ring, body, index, dim), other, rest[2])
            if isinstance(exponent, int) and exponent != 1:
                return ring.power(along(ring, {((atom, 1),): 1}, index, dim), exponent)
    word = f"@{ring.level_inside(form) + 1}.0"
    return ring.single(("Π", ring.freeze(ring.rename(form, {index: word})), word, dim))


def again(
    ring: Ring, key: tuple, change: Callable[[Form], Form], names: Mapping[Index, Index]
) -> Form:
    """Return the product of a form that is changed; its own index is not met."""
    _, inside, word, dim = key
    fresh = ring.new_index()
    return along(ring, change(ring.rename(ring.thaw(inside), {word: fresh})), fresh, dim)


@law
def derivative_of_a_product(ring: Ring, key: tuple, leaf: tuple, a: Index, c: Index) -> Form:
    """∂ Π_k f(k) = Π_k f(k) Σ_k ∂f(k) / f(k)."""
    _, inside, word, dim = key
    k = ring.new_index()
    body = ring.rename(ring.thaw(inside), {word: k})
    change = ring.derivative(body, leaf, a, c)
    if not change:
        return {}
    return ring.sums_over(
        [(k, dim)], ring.product([ring.single(key), change, ring.power(body, -1)])
    )
