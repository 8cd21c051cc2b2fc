"""Extrema: a maximum is a sum over masks of winners.

What enters is a form and the indices that it runs over, or some forms written out; what leaves is
the largest, Σ_k m_k x_k, where the mask m is 1 at the winner. The law: what is added to all, and a
positive factor, change no winner. Ties are taken not to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import permutations, product
from typing import TYPE_CHECKING

from derive.algebra import products
from derive.algebra.forms import UNIT, Form, content, primitive, quotient, scaled
from derive.algebra.laws import law
from derive.calculus.index import PROD, Index
from derive.expressions.shape import Dim

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

Loops = list[tuple[Index, Dim]]
ONE: Form = {UNIT: 1}


def extremum(ring: Ring, name: str, form: Form, loops: Loops) -> Form:
    """Return the largest or the smallest of a form over some indices, or its product."""
    if name == PROD:
        return products.over(ring, form, loops)
    turned = form if name == "max" else scaled(form, -1)
    loops = [(k, dim) for k, dim in loops if k in ring.free(form)]
    return ring.sums_over(loops, ring.mul(winner(ring, turned, loops, [k for k, _ in loops]), form))


def winner(ring: Ring, form: Form, loops: Loops, places: list[Index]) -> Form:
    """Return the mask of the largest value of a form over some indices, at a place."""
    words = {k for k, _ in loops}
    varying = {m: c for m, c in form.items() if ring.free({m: 1}) & words}
    used = [x for x, (k, _) in enumerate(loops) if k in ring.free(varying)]
    if not used:
        return ONE
    _, varying = primitive(varying)
    level = ring.level_inside(varying) + 1
    keys = []
    for order in permutations(used):
        names: dict[Index, Index] = {
            loops[x][0]: f"@{level}.{place}" for place, x in enumerate(order)
        }
        frozen = ring.freeze(ring.rename(varying, names))
        dims = tuple(loops[x][1] for x in order)
        keys.append(("win", frozen, tuple(names.values()), dims, tuple(places[x] for x in order)))
    return ring.single(min(keys, key=lambda key: key[1]))


def again(
    ring: Ring, key: tuple, change: Callable[[Form], Form], names: Mapping[Index, Index]
) -> Form:
    """Return the mask of a winner whose forms are changed; its own indices are not met."""
    _, inside, words, dims, places = key
    fresh: dict[Index, Index] = {word: ring.new_index() for word in words}
    form = change(ring.rename(ring.thaw(inside), fresh))
    loops = list(zip(fresh.values(), dims, strict=True))
    return winner(ring, form, loops, [names.get(k, k) for k in places])


def highest(ring: Ring, name: str, forms: list[Form]) -> Form:
    """Return the largest or the smallest of some forms at sizes, or their product."""
    if name == PROD:
        return ring.product(forms)
    forms = [ring.thaw(key) for key in dict.fromkeys(map(ring.freeze, forms))]
    masks = tops(ring, forms if name == "max" else [scaled(form, -1) for form in forms])
    return ring.add({}, *(ring.mul(m, f) for m, f in zip(masks, forms, strict=True)))


def tops(ring: Ring, forms: list[Form]) -> list[Form]:
    """Return the mask of the largest of some forms for each; they sum to one."""
    shared = {m for m, c in forms[0].items() if all(form.get(m) == c for form in forms)}
    own = [{m: c for m, c in form.items() if m not in shared} for form in forms]
    number = content(c for form in own for c in form.values()) or 1
    frozen = [ring.freeze(scaled(form, Fraction(1) / number)) for form in own]
    keys = tuple(sorted(set(frozen)))
    masks = {key: ring.single(("top", keys, key)) for key in keys[:-1]}
    masks[keys[-1]] = ring.add(ONE, *(scaled(mask, -1) for mask in masks.values()))
    return [masks[key] for key in frozen]


def top_again(
    ring: Ring, key: tuple, change: Callable[[Form], Form], names: Mapping[Index, Index]
) -> Form:
    """Return the mask of the largest of some forms that are changed."""
    _, keys, own = key
    return tops(ring, [change(ring.thaw(inside)) for inside in keys])[keys.index(own)]


@law
def one_winner(ring: Ring, p: int, q: int) -> Form | None:
    """m_i m_j = δ_ij m_i: a family has one winner."""
    *family, place = ring.atoms[p]
    *other, another = ring.atoms[q]
    if family != other:
        return None
    equal = ring.product(ring.delta(i, j) for i, j in zip(place, another, strict=True))
    return ring.mul({((p, 1),): 1}, equal)


@law
def one_top(ring: Ring, p: int, q: int) -> Form | None:
    """m n = 0 for the masks of two of the same forms: one is the largest."""
    return {} if ring.atoms[p][1] == ring.atoms[q][1] else None


def below_winner(ring: Ring, form: Form) -> tuple[Fraction, Form] | None:
    """Return r and the mask of j's winning where a form is r (x_j - max_k x_k), or `None`."""
    for atom in sorted({a for m in form for a, _ in m}):
        if ring.atoms[atom][0] in ("top", "win"):
            for own, most, mask in _candidates(ring, ring.atoms[atom], form):
                ratio = quotient(form, ring.add(own, scaled(most, -1)))
                if ratio:
                    return ratio, mask
    return None


def _candidates(ring: Ring, key: tuple, form: Form) -> Iterator[tuple[Form, Form, Form]]:
    """Yield what may win by the mask of a key, the largest of all, and the mask of its winning."""
    if key[0] == "top":
        forms = [ring.thaw(inside) for inside in key[1]]
        most = highest(ring, "max", forms)
        for own, mask in zip(forms, tops(ring, forms), strict=True):
            yield own, most, mask
        return
    _, inside, words, dims, _ = key
    body = ring.thaw(inside)
    most = extremum(ring, "max", body, list(zip(words, dims, strict=True)))
    for places in product([*ring.free(form), 0], repeat=len(words)):
        own = ring.rename(body, dict(zip(words, places, strict=True)))
        yield own, most, ring.single(("win", inside, words, dims, places))


def may_tie(ring: Ring, form: Form, masks: list[int]) -> bool:
    """Whether a sum over winners may vanish on a region.

    Σ_k m_k x_k, a maximum, does not: it is x_k where k wins. But x_j less it does where j wins.
    """
    bound = {k for m in form for k in ring.bound(m)}
    families = {ring.atoms[atom][:-1] for atom in masks}
    places = {k for atom in masks for k in ring.atoms[atom][-1]}
    if len(families) > 1 or ring.atoms[masks[0]][0] != "win" or not places <= bound:
        return True
    ((_, key, words, dims),) = families
    return any(
        not ring.mul(form, ring.single(("win", key, words, dims, chosen)))
        for chosen in product([*ring.free(form), 0], repeat=len(words))
    )
