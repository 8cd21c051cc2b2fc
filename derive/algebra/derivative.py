"""Derivatives of forms by entries, and forms with something else put in for their atoms.

What enters is a form, what leaves is a form. The law: both go through a form term by term, sums
opened under names that nothing else uses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from derive.algebra.closing import renamed
from derive.algebra.forms import UNIT, Exponent, Form, Monomial, add_to, lowered, scaled
from derive.algebra.laws import Law, law
from derive.algebra.powers import power
from derive.calculus.index import Index, Place
from derive.expressions.shape import Dim, Pair
from derive.ops import OPS
from derive.ops.unspecified import derivative as derivative_of

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

Loops = list[tuple[Index, Dim]]


def term_by_term(ring: Ring, form: Form, change: Callable[[Monomial, Loops], Form]) -> Form:
    """Return a form with its terms changed: each given without its sums, these as indices."""
    result: Form = {}
    for monomial, coefficient in form.items():
        bound = ring.bound(monomial)
        names: dict[Index, Index] = {k: ring.new_index() for k in bound}
        loops = [(names[k], dim) for k, dim in bound.items()]
        bare = tuple(pair for pair in monomial if pair[0] not in ring.sums)
        for opened, factor in renamed(ring, bare, names).items() if names else ((bare, 1),):
            add_to(result, change(opened, loops), factor * coefficient)
    return result


# -- derivatives -----------------------------------------------------------------------------------


def derivative(ring: Ring, form: Form, leaf: tuple, *place: Index) -> Form:
    """Return the partial derivative with respect to an entry of a variable."""
    return term_by_term(ring, form, lambda m, loops: _of_term(ring, m, leaf, place, loops))


def _of_term(ring: Ring, monomial: Monomial, leaf: tuple, place: Place, loops: Loops) -> Form:
    """Return the derivative of a product of powers, summed over some of its indices."""
    result: Form = {}
    for position, (atom, exponent) in enumerate(monomial):
        key, own = ring.atoms[atom], ring.kinds[atom].derivative
        if own is None and key[:2] != ("x", leaf[0]):
            continue
        rest: Form = {(*monomial[:position], *monomial[position + 1 :]): exponent}
        rest = ring.mul(rest, lowered(atom, exponent)) if exponent != 1 else rest
        left = loops
        if own is None:
            rest, left = _at_entry(ring, rest, key, leaf, place, loops)
        else:
            inner = own(ring, key, leaf, *place)
            if not inner:
                continue
            rest = ring.mul(rest, inner)
        add_to(result, ring.sums_over(left, rest) if left else rest)
    return result


def _at_entry(
    ring: Ring, rest: Form, key: tuple, leaf: tuple, place: Place, loops: Loops
) -> tuple[Form, Loops]:
    """Return what multiplies an entry in the sum's derivative by one: Σ_i δ_ia f(i) is f(a)."""
    ends: list[tuple[Index, Index]] = []
    for k, new, dim in zip(key[2:], place, leaf[1].dims, strict=True):
        if isinstance(k, Pair) and isinstance(new, Pair):
            ends += zip(k.parts, new.parts, strict=True)
        elif dim != 1:
            ends.append((k, new))
    words = {k for k, _ in loops}
    names: dict[Index, Index] = {}
    for k, new in ends:
        if k in words:
            names.setdefault(k, new)
    rest = ring.rename(rest, names) if names else rest
    for k, new in ends:
        if names.get(k) != new:
            rest = ring.mul(rest, ring.delta(names.get(k, k), new))
    return rest, [(k, dim) for k, dim in loops if k not in names]


def _chain(name: str, theorem: str, slope: Callable[[Ring, tuple], Form]) -> Law:
    """Return the law of the derivative of a function, given its slope at an inner form."""

    def rewriting(ring: Ring, key: tuple, leaf: tuple, *place: Index) -> Form:
        inside = derivative(ring, ring.thaw(key[1]), leaf, *place)
        return ring.mul(slope(ring, key[1]), inside) if inside else {}

    return Law(f"derivative of {'a base' if name == 'pow' else name}", theorem, rewriting)


#: By the kind of the atom, its theorem and its slope; of a power, its other factors stand before.
_SLOPES: dict[str, tuple[str, Callable[[Ring, tuple], Form]]] = {
    "exp": ("∂ exp P = exp P ∂P", lambda ring, p: ring.single(("exp", p))),
    "log": ("∂ log P = ∂P / P", lambda ring, p: power(ring, ring.thaw(p), -1)),
    "sin": ("∂ sin P = cos P ∂P", lambda ring, p: ring.single(("cos", p))),
    "cos": ("∂ cos P = -sin P ∂P", lambda ring, p: scaled(ring.single(("sin", p)), -1)),
    "normcdf": ("∂ Φ(P) = φ(P) ∂P", lambda ring, p: ring.function("normpdf", ring.thaw(p))),
    "pow": ("∂ P^e = e P^(e - 1) ∂P", lambda ring, p: {UNIT: 1}),
}
CHAIN = {kind: _chain(kind, *facts) for kind, facts in _SLOPES.items()}


@law
def derivative_of_an_open_function(ring: Ring, key: tuple, leaf: tuple, *place: Index) -> Form:
    """∂ g(P) = g'(P) ∂P, for a function of which nothing is known."""
    inside = derivative(ring, ring.thaw(key[1]), leaf, *place)
    return ring.mul(slope_of_open(ring, key), inside) if inside else {}


def slope_of_open(ring: Ring, key: tuple) -> Form:
    """Return the derivative of a function that is left open, at its argument."""
    return ring.function(derivative_of(OPS[key[2]]).name, ring.thaw(key[1]))


# -- substitution ----------------------------------------------------------------------------------

Known = dict[tuple[int, Exponent], Form]


def replaced(
    ring: Ring,
    form: Form,
    meant: Callable[[int], Form | None],
    known: Known,
    touched: Callable[[int], bool] = lambda atom: True,
) -> Form:
    """Return a form with other forms for some atoms, also inside functions.

    `known` are the powers of atoms that were replaced before: most terms share theirs. What is not
    `touched` has none of them in it.
    """

    def change(monomial: Monomial, loops: Loops) -> Form:
        for atom, exponent in monomial:
            if (atom, exponent) not in known:
                one = _replaced(ring, atom, meant, known, touched)
                known[atom, exponent] = (
                    {((atom, exponent),): 1} if one is None else ring.power(one, exponent)
                )
        body = ring.product(known[pair] for pair in monomial)
        return ring.sums_over(loops, body) if loops else body

    return term_by_term(ring, form, change)


def _replaced(
    ring: Ring,
    atom: int,
    meant: Callable[[int], Form | None],
    known: Known,
    touched: Callable[[int], bool],
) -> Form | None:
    """Return what stands for an atom, `None` where it stays."""
    kind, key = ring.kinds[atom], ring.atoms[atom]
    found = meant(atom)
    if found is not None or not kind.forms(key) or not touched(atom):
        return found
    return kind.rebuilt(ring, key, lambda form: replaced(ring, form, meant, known, touched), {})


def unfold(
    ring: Ring,
    form: Form,
    define: Callable[..., Form | None],
    known: Known | None = None,
) -> Form:
    """Return a form with entries replaced by what `define`, given name and place, says they are."""

    def meant(atom: int) -> Form | None:
        key = ring.atoms[atom]
        return define(*key[1:]) if key[0] == "x" else None

    return replaced(ring, form, meant, {} if known is None else known)
