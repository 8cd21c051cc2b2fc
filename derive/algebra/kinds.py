"""Kinds of atoms: one row says all that the algebra must know of a kind.

What enters is the key of an atom, the name of its kind and what it is made of; what leaves are its
indices, its laws, and the atom again when something in it has changed. The law: a new kind of atom
costs its row and its laws, and nothing in another room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from derive.algebra import (
    closing,
    derivative,
    functions,
    matrices,
    places,
    powers,
    products,
    winners,
)
from derive.algebra.forms import Form
from derive.algebra.laws import Law
from derive.algebra.signs import is_positive_form
from derive.calculus.index import Index, index_words
from derive.expressions.shape import Dim

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

Change = Callable[[Form], Form]
Rebuilt = Callable[["Ring", tuple, Change, Mapping[Index, Index]], Form]


def _never(ring: Ring, key: tuple) -> bool:
    return False


def _always(ring: Ring, key: tuple) -> bool:
    return True


def _same(ring: Ring, key: tuple, change: Change, names: Mapping[Index, Index]) -> Form:
    return ring.single(key)


def _none(key: tuple) -> tuple:
    return ()


class Kind(NamedTuple):
    """What is to be known of atoms of a kind, each given by its key."""

    #: The indices at which it stands; whether they may be exchanged, or are in the wrong order.
    ends: Callable[[tuple], tuple[Index, ...]] = _none
    alike: Callable[[Ring, tuple], bool] = _never
    backwards: Callable[[tuple, Mapping[Index, Dim]], bool] = lambda key, bound: False
    #: What tells it apart from others besides its indices and the forms that see them.
    label: Callable[[tuple], tuple] = lambda key: (key[0],)
    #: The forms inside, as keys; whether they see the indices outside, but for some words.
    forms: Callable[[tuple], Iterable[tuple]] = _none
    sees: bool = False
    within: Callable[[tuple], tuple[Index, ...]] = _none
    #: The atom again, its forms changed and its indices renamed.
    rebuilt: Rebuilt = _same
    #: The law of its powers, if it has one; and that of a product with another of its kind.
    powers: Callable[[Ring, tuple], Law | None] = lambda ring, key: None
    meets: Law | None = None
    #: The laws of sums over its indices.
    closing: tuple[Law, ...] = ()
    #: What is not said is zero: it is constant, between its jumps if it has any.
    derivative: Law | None = None
    #: Whether it is positive for certain; its logarithm, where that is another form.
    positive: Callable[[Ring, tuple], bool] = _never
    log: Callable[[Ring, tuple], Form] | None = None
    #: The law of its sign; what is not said is an atom.
    sign: Law | None = None
    #: Whether it is 0 or 1; a function of one form; cleared where it is a denominator.
    mask: bool = False
    function: bool = False
    cleared: bool = False

    def seen(self, key: tuple) -> Iterable[tuple]:
        """Return the forms inside that see the indices outside."""
        return self.forms(key) if self.sees else ()

    def indices(self, ring: Ring, key: tuple) -> frozenset[Index]:
        """Return the words of its indices, those inside as well."""
        found: frozenset[Index] = frozenset(index_words(*self.ends(key)))
        for form in self.seen(key):
            found |= ring.free(ring.thaw(form)).difference(self.within(key))
        return found

    def level(self, ring: Ring, key: tuple) -> int:
        """Return the level of the bound indices inside an atom; those around it use a higher."""
        inside = max((ring.level_inside(ring.thaw(form)) for form in self.forms(key)), default=0)
        return inside + bool(self.within(key))


def _own(law: Law) -> Callable[[Ring, tuple], Law]:
    return lambda ring, key: law


def _inside(key: tuple) -> tuple[tuple]:
    return (key[1],)


def _function(**more: Any) -> Callable[[str], Kind]:
    """Return the row of a function of one form, but for its name."""

    def row(name: str) -> Kind:
        def rebuilt(ring: Ring, key: tuple, change: Change, names: Mapping[Index, Index]) -> Form:
            return functions.of_one(ring, name, change(ring.thaw(key[1])))

        chain = derivative.CHAIN.get(name)
        facts = {"forms": _inside, "sees": True, "rebuilt": rebuilt, "derivative": chain, **more}
        return Kind(function=True, **facts)

    return row


#: What all have that are 0 or 1.
MASK: dict[str, Any] = {
    "powers": _own(powers.power_of_a_mask), "sign": functions.sign_of_a_mask, "mask": True,
}  # fmt: skip


def _entry_law(ring: Ring, key: tuple) -> Law | None:
    words = ring.assumed.get(key[1], ())
    if "sign" in words:
        return powers.power_of_one_or_minus_one
    return powers.power_of_a_binary_entry if "binary" in words else None


def _determinant_law(ring: Ring, key: tuple) -> Law | None:
    return powers.power_of_one_or_minus_one if matrices.is_sign(ring, *key[1:]) else None


FUNCTIONS: dict[str, Callable[[str], Kind]] = {
    "exp": _function(positive=_always, log=lambda ring, key: ring.thaw(key[1])),
    "log": _function(sign=functions.sign_of_a_logarithm),
    "sin": _function(powers=_own(powers.power_of_a_sine), cleared=True),
    "cos": _function(),
    "normcdf": _function(positive=_always),
    "sign": _function(powers=_own(powers.power_of_a_sign), sign=functions.sign_of_a_mask),
    "eq": _function(**MASK),
    "pow": _function(
        rebuilt=lambda ring, key, change, names: change(ring.thaw(key[1])),
        powers=_own(powers.power_of_a_power),
        positive=lambda ring, key: is_positive_form(ring, ring.thaw(key[1])),
        log=lambda ring, key: functions.of_one(ring, "log", ring.thaw(key[1])),
        sign=functions.sign_of_a_root,
        cleared=True,
    ),
    # of a function that is left open: the name in the table as well
    "open": _function(
        label=lambda key: (key[0], key[2]),
        rebuilt=lambda ring, key, change, names: ring.function(key[2], change(ring.thaw(key[1]))),
        derivative=derivative.derivative_of_an_open_function,
    ),
}
KINDS: dict[str, Kind] = {
    # an entry of a variable: x, its name, its place
    "x": Kind(
        ends=lambda key: key[2:],
        label=lambda key: key[:2],
        alike=lambda ring, key: "symmetric" in ring.assumed.get(key[1], ()),
        powers=_entry_law,
        positive=lambda ring, key: "positive" in ring.assumed.get(key[1], ()),
        sign=functions.sign_of_a_mask,
    ),
    # a dimension, and π: n, its word
    "n": Kind(label=lambda key: key, positive=_always),
    # a sum over an index: Σ, k, its dimension
    "Σ": Kind(ends=lambda key: key[1:2]),
    # whether two indices are equal: δ, i, j
    "δ": Kind(
        ends=lambda key: key[1:],
        alike=_always,
        rebuilt=lambda ring, key, change, names: ring.delta(*(names.get(k, k) for k in key[1:])),
        closing=(closing.sum_over_a_delta, closing.factor_of_a_delta),
        **MASK | {"powers": _own(powers.power_of_a_delta)},
    ),
    # whether an index is not after another: le, i, j
    "le": Kind(
        ends=lambda key: key[1:],
        alike=_always,  # what is sorted into classes has either order
        backwards=places.is_backwards,
        rebuilt=places.again,
        meets=places.each_not_after_the_other,
        closing=(places.sum_over_both_ends, places.one_before_the_other),
        **MASK,
    ),
    # functions of a form: their names, the form; a power is that of its form to be
    **{name: kind(name) for name, kind in FUNCTIONS.items()},
    # a product over an index: Π, the form, its own word, its dimension
    "Π": Kind(
        label=lambda key: (key[0], key[3]),
        forms=_inside,
        sees=True,
        within=lambda key: (key[2],),
        rebuilt=products.again,
        positive=lambda ring, key: is_positive_form(ring, ring.thaw(key[1])),
        derivative=products.derivative_of_a_product,
    ),
    # the winner of a maximum: win, the form, its own words, their dimensions, the winner's place
    "win": Kind(
        ends=lambda key: key[4],
        forms=_inside,
        sees=True,
        within=lambda key: key[2],
        rebuilt=winners.again,
        meets=winners.one_winner,
        closing=(closing.sum_of_a_winner,),
        **MASK,
    ),
    # the largest of forms that are written out: top, all of them, the one
    "top": Kind(
        forms=lambda key: key[1],
        rebuilt=winners.top_again,
        meets=winners.one_top,
        **MASK,
    ),
    # an entry of an inverse: inv, the matrix as its entry at @r, @s, its dimension, i, j
    "inv": Kind(
        ends=lambda key: key[3:],
        alike=lambda ring, key: matrices.is_symmetric(ring, *key[1:3]),
        label=lambda key: (key[0], repr(key[1])),
        forms=_inside,
        rebuilt=matrices.inverse_again,
        derivative=matrices.derivative_of_an_inverse,
    ),
    # a determinant: det, the matrix, its dimension
    "det": Kind(
        label=lambda key: (key[0], repr(key[1])),
        forms=_inside,
        rebuilt=matrices.determinant_again,
        powers=_determinant_law,
        positive=lambda ring, key: matrices.is_positive(ring, *key[1:]),
        log=lambda ring, key: matrices.logarithm(ring, *key[1:]),
        derivative=matrices.derivative_of_a_determinant,
    ),
}
