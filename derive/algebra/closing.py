"""Closing: sums over deltas and masks worked out, and bound indices named by how they are used.

What enters is a form whose sums may have any names for their indices; what leaves is the form whose
bound indices have names that depend only on their use. The law: forms that differ in the names of
bound indices, or in the order of their sums, are closed to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import permutations
from typing import TYPE_CHECKING, Any

from derive.algebra.forms import LARGEST, Exponent, Form, Monomial, accumulate, add_to, exact, merge
from derive.algebra.laws import first, law
from derive.algebra.powers import settle
from derive.calculus.index import Index, named
from derive.expressions.shape import Dim, Pair

if TYPE_CHECKING:
    from derive.algebra.normal import Ring

Bound = Mapping[Index, Dim]


def sums_over(ring: Ring, dims: Iterable[tuple[Index, Dim]], form: Form) -> Form:
    """Return the sum of a form over some indices."""
    for index, dim in dims:
        if isinstance(index, Pair):
            form = ring.sums_over(zip(index.parts, index.dims, strict=True), form)
            continue
        result: Form = {}
        for monomial, coefficient in form.items():
            if any(index in ring.indices[atom] for atom, _ in monomial):
                binder = ring.atom(("Σ", index, dim))
                accumulate(result, merge(monomial, ((binder, 1),)), coefficient)
            else:
                add_to(result, ring.mul({monomial: coefficient}, ring.size(dim)))
        form = result
    return ring.close(form)


def apart(ring: Ring, q: Form, word: str = "") -> Form:
    """Return a form with its bound indices renamed to words that nothing else uses.

    A `word` begins them where the caller has no use for them but to multiply once and close.
    """
    result: Form = {}
    for monomial, coefficient in q.items():
        names: dict[Index, Index] = {
            k: f"{word}{n}" if word else ring.new_index()
            for n, k in enumerate(ring.bound(monomial))
        }
        if names:
            add_to(result, renamed(ring, monomial, names), coefficient)
        else:
            accumulate(result, monomial, coefficient)
    return result


def close(ring: Ring, form: Form) -> Form:
    """Return the form with bound deltas contracted and bound indices named canonically."""
    ring.budget.spend(len(form))
    result: Form = {}
    sums, closing = ring.sums, ring.closing
    for monomial, coefficient in form.items():
        if not any(atom in sums or atom in closing for atom, _ in monomial):
            accumulate(result, monomial, coefficient)  # there is nothing to do
            continue
        known = ring.closed.get(monomial)
        if known is None:
            known = closed(ring, monomial)
            if len(ring.closed) < LARGEST:
                ring.closed[monomial] = known
        add_to(result, known, coefficient)
    return result


def rename(ring: Ring, form: Form, names: Mapping[Index, Index]) -> Form:
    """Return a form with free indices replaced."""
    ring.budget.spend(len(form))
    result: Form = {}
    for monomial, coefficient in form.items():
        add_to(result, renamed(ring, monomial, names), coefficient)
    return ring.close(result) if ring.sums else result


# -- the laws --------------------------------------------------------------------------------------


def closed(ring: Ring, monomial: Monomial) -> Form:
    """Return a monomial with its sums worked out as far as there are laws, and named."""
    bound = ring.bound(monomial)
    acting = [atom for atom, _ in monomial if atom in ring.closing]
    acting.sort(key=lambda atom: ring.atoms[atom][0] != "δ")  # a delta makes the others fewer
    for atom in acting:
        found = first(ring.closing[atom], ring, monomial, atom, bound)
        if found is not None:
            return ring.close(found)
    found = sum_of_what_has_no_index(ring, monomial, bound)
    if found is not None:
        return found
    if not bound:
        return {monomial: 1}
    found = _canonical(ring, monomial, bound)
    return ring.close(found) if acting and _backwards(ring, found) else found


def _backwards(ring: Ring, form: Form) -> int:
    """Return how many atoms of a form have their ends in the wrong order."""
    return sum(ring.kinds[a].backwards(ring.atoms[a], ring.bound(m)) for m in form for a, _ in m)


@law
def sum_over_a_delta(ring: Ring, monomial: Monomial, atom: int, bound: Bound) -> Form | None:
    """Σ_k δ_ik f(k) = f(i)."""
    _, i, j = ring.atoms[atom]
    gone, kept = (i, j) if i in bound else (j, i)
    if gone not in bound:
        return None
    sign = ring.atom(("Σ", gone, bound[gone]))
    rest = tuple((a, e) for a, e in monomial if a not in (atom, sign))
    return renamed(ring, rest, {gone: kept})


@law
def factor_of_a_delta(ring: Ring, monomial: Monomial, atom: int, bound: Bound) -> Form | None:
    """δ_ij f(j) = δ_ij f(i)."""
    _, i, j = ring.atoms[atom]
    rest = tuple((a, e) for a, e in monomial if a != atom)
    if not any(j in ring.indices[a] for a, _ in rest):
        return None
    return ring.mul(renamed(ring, rest, {j: i}), ring.delta(i, j))


@law
def sum_of_a_winner(ring: Ring, monomial: Monomial, atom: int, bound: Bound) -> Form | None:
    """Σ_k m_k = 1 for the mask m of a winner that nothing else meets."""
    _, form, _, _, places = ring.atoms[atom]
    own = {*places}
    if not own or dict(monomial)[atom] != 1 or len(own) != len(places):
        return None
    if not own <= bound.keys() or own & ring.free(ring.thaw(form)):
        return None
    if any(a != atom and ring.indices[a] & own for a in ring.plain(monomial)):
        return None
    signs = {ring.atom(("Σ", k, bound[k])) for k in own}
    return {tuple((a, e) for a, e in monomial if a != atom and a not in signs): 1}


@law
def sum_of_what_has_no_index(ring: Ring, monomial: Monomial, bound: Bound) -> Form | None:
    """Σ_k c = n c for a sum of n terms that are alike."""
    used = {k for a in ring.plain(monomial) for k in ring.indices[a]}
    unused = [k for k in bound if k not in used]
    if not unused:
        return None
    signs = {ring.atom(("Σ", k, bound[k])) for k in unused}
    left = tuple((a, e) for a, e in monomial if a not in signs)
    return ring.mul({left: 1}, ring.product(ring.size(bound[k]) for k in unused))


# -- names of bound indices ------------------------------------------------------------------------


def _canonical(ring: Ring, monomial: Monomial, bound: Bound) -> Form:
    """Return the monomial with its bound indices named by their use, refined until stable."""
    colors: dict[Index, Any] = {k: repr(dim) for k, dim in bound.items()}
    plain = [(a, e) for a, e in monomial if a not in ring.sums]
    for _ in bound:
        if len(set(colors.values())) == len(bound):
            break  # all are told apart, and more rounds keep their order
        ring.budget.spend(len(bound) * len(plain) // 8)
        uses = {
            k: sorted(
                repr((_skeleton(ring, a, colors, k), e)) for a, e in plain if k in ring.indices[a]
            )
            for k in bound
        }
        ranked = sorted({(colors[k], *uses[k]) for k in bound})
        colors = {k: f"{ranked.index((colors[k], *uses[k])):03d}" for k in bound}
    classes: dict[str, list[Index]] = {}
    for k in bound:
        classes.setdefault(colors[k], []).append(k)
    level = 1 + max((ring.levels[a] for a, _ in plain), default=0)
    best: tuple | None = None
    for order in _orders([classes[color] for color in sorted(classes)]):
        names: dict[Index, Index] = {k: f"%{level}.{place}" for place, k in enumerate(order)}
        if len(classes) == len(bound):  # there is one order
            settled = all(k == name for k, name in names.items())
            return {monomial: 1} if settled else renamed(ring, monomial, names)
        candidate = renamed(ring, monomial, names)
        key = (_backwards(ring, candidate), min(candidate, default=()))
        if best is None or key < best[0]:
            best = (key, candidate)
    return best[1] if best else {monomial: 1}


def _skeleton(ring: Ring, atom: int, colors: Mapping[Index, str], me: Index) -> Any:
    """Return an atom with bound indices replaced by their colours, `me` marked."""
    ring.budget.spend(1)
    kind, key = ring.kinds[atom], ring.atoms[atom]

    def shown(k: Index) -> Any:
        if k == me:
            return "*"
        if k in colors:
            return ("bound", colors[k])
        return ("pair", *map(shown, k.parts)) if isinstance(k, Pair) else ("free", str(k))

    ends = [repr(shown(k)) for k in kind.ends(key)]
    inner = sorted(
        repr((sorted(repr((_skeleton(ring, a, colors, me), e)) for a, e in m), c))
        for form in kind.seen(key)
        for m, c in form
    )
    return (*kind.label(key), *(sorted(ends) if kind.alike(ring, key) else ends), *inner)


def _orders(classes: list[list[Index]]) -> Iterable[list[Index]]:
    """Yield the orders of indices that refinement left open, a bounded number of them."""
    most = 1
    for members in classes:
        for k in range(2, len(members) + 1):
            most *= k
    if most > 120:
        by_name = (sorted(members, key=lambda k: (len(str(k)), str(k))) for members in classes)
        yield [k for members in by_name for k in members]
        return
    orders: list[list[Index]] = [[]]
    for members in classes:
        orders = [[*head, *tail] for head in orders for tail in permutations(members)]
    yield from orders


# -- renaming --------------------------------------------------------------------------------------


def renamed(ring: Ring, monomial: Monomial, names: Mapping[Index, Index]) -> Form:
    """Return a monomial with indices replaced, also inside functions; it is not closed."""
    plain: list[tuple[int, Exponent]] = []
    others: list[Form] = []
    indices, atoms, new_name = ring.indices, ring.atoms, names.get
    for factor in monomial:
        atom, exponent = factor
        if indices[atom].isdisjoint(names):
            plain.append(factor)
            continue
        key = atoms[atom]
        if key[0] == "x":
            place = [named(k, names) if type(k) is Pair else new_name(k, k) for k in key[2:]]
            plain.append((ring.atom(ring.entry_key(key[1], *place)), exponent))
        elif key[0] == "Σ":
            plain.append((ring.atom(("Σ", new_name(key[1], key[1]), key[2])), exponent))
        else:
            kind = ring.kinds[atom]
            own = {k: names[k] for k in indices[atom] & names.keys()}
            renewed = kind.rebuilt(ring, key, _renaming(ring, own) if kind.sees else _kept, own)
            if exponent != 1:
                renewed = ring.power(renewed, exponent)
            if kind.function:
                renewed = ring.apart(renewed)  # exp(log P) may have brought sums out
            others.append(renewed)
    if len({atom for atom, _ in plain}) != len(plain):
        collected: dict[int, Exponent] = {}
        for atom, exponent in plain:
            collected[atom] = collected.get(atom, 0) + exponent
        plain = [(a, exact(e)) for a, e in collected.items() if e]
    plain.sort()
    result: Form = {tuple(plain): 1}
    for form in others:
        result = times(ring, result, form)
    return result


def _kept(form: Form) -> Form:
    return form


def _renaming(ring: Ring, names: Mapping[Index, Index]) -> Callable[[Form], Form]:
    return lambda form: ring.rename(form, names)


def times(ring: Ring, p: Form, q: Form) -> Form:
    """Multiply without naming bound indices anew: the caller closes the result."""
    ring.spend_on_product(p, q)
    result: Form = {}
    for m, c in p.items():
        for n, d in q.items():
            for settled, e in settle(ring, merge(m, n)).items():
                accumulate(result, settled, exact(c * d * e))
    return result
