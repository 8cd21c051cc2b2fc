"""Entries of a named value put back into a term: e^z_ij / Σ_k e^z_ik is s_ij of S = softmax(Z).

A term and the definition of a value's entry enter; leaves the term in which that entry stands
wherever a product holds its factors, common factors in front. Nothing here is checked: a judge
unfolds the name again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product

from derive.calculus.index import (
    Index,
    Scalar,
    add,
    all_indices,
    entry,
    free_indices,
    index_words,
    mul,
    power,
    rebuilt,
    rename,
    split,
    total,
)
from derive.expressions.shape import Pair


def folded(term: Scalar, values: Iterable[Value]) -> Scalar:
    """Return a term in which values stand by the entries of their names: of each its leaf, and its
    entry at a place.

    >>> from derive.calculus.index import function
    >>> from derive.expressions.shape import Shape
    >>> z, s = (lambda i: entry(("z", Shape("n", 1)), i, 0)), ("s", Shape("n", 1))
    >>> tree = function("exp", z("i"))
    >>> folded(2 * function("exp", z("k")), [(s, tree, ("i", 0))]) == 2 * entry(s, "k", 0)
    True
    """
    there = sorted(map(str, all_indices(term)))
    ways: list[Way] = []
    for leaf, tree, place in values:
        if tree.kind in ("entry", "num", "add") or any(isinstance(k, Pair) for k in place):
            continue
        words, whole = [*index_words(*place)], _unnamed(tree)
        for chosen in product(there, repeat=len(words)):
            names: dict[Index, Index] = dict(zip(words, chosen, strict=True))
            at = (k if isinstance(k, int) else names.get(k, k) for k in place)
            ways.append((dict(_powers(rename(whole, names))), entry(leaf, *at)))
    return _folded(term, ways)


def _unnamed(term: Scalar) -> Scalar:
    """Return a term in which the index of a sum is called by how many sums are in it, and so alike
    wherever it stands."""
    term = rebuilt(term, map(_unnamed, term.args)) if term.args else term
    if term.kind != "sum":
        return term
    (index, dim), (body,) = term.data, term.args
    name = f"@{_depth(body)}"
    return Scalar("sum", (rename(body, {index: name}),), (name, dim))


def _depth(term: Scalar) -> int:
    return (term.kind == "sum") + max(map(_depth, term.args), default=0)


def _powers(term: Scalar) -> Iterator[tuple[Scalar, Fraction]]:
    for factor in term.args if term.kind == "mul" else (term,):
        yield (factor.args[0], factor.data) if factor.kind == "pow" else (factor, Fraction(1))


#: The leaf of a name, the entry of what it stands for, and the place of that.
Value = tuple[tuple, Scalar, tuple[Index, ...]]
#: The factors of an entry with their exponents, and the entry by its name.
Way = tuple[Mapping[Scalar, Fraction], Scalar]


def _folded(term: Scalar, ways: Sequence[Way]) -> Scalar:
    if term.kind not in ("mul", "pow", "fn"):
        return _rebuilt(term, ways)
    bases = [(base, _unnamed(base), exponent) for base, exponent in _powers(term)]
    known = {name: exponent for _, name, exponent in bases}
    for parts, name in ways:
        times = {known.get(base, Fraction(0)) / exponent for base, exponent in parts.items()}
        count = int(min(times, key=abs, default=Fraction(0)))
        if count and all(k / count > 0 for k in times):
            left = (power(base, exponent - count * parts.get(own, 0))
                    for base, own, exponent in bases)  # fmt: skip
            return mul(power(name, count), _folded(mul(*left), ways))
    return _taken_inside(term, ways) or _rebuilt(term, ways)


def _taken_inside(term: Scalar, ways: Sequence[Way]) -> Scalar | None:
    """Return a product with divisors of a sum taken into it, if what is summed has a name there:
    Σ_k e^z_ik a_k / Σ_p e^z_ip is Σ_k s_ik a_k."""
    factors = term.args if term.kind == "mul" else ()
    divisors = [f for f in factors if f.kind == "pow" and f.data < 0]
    for one in (f for f in factors if f.kind == "sum" and divisors):
        (index, dim), (body,) = one.data, one.args
        if any(index in free_indices(f) for f in divisors):
            continue
        inner = mul(*divisors, body)
        found = _folded(inner, ways)
        if found != inner and not any(base == d.args[0] for d in divisors
                                      for base, _ in _powers(found)):  # fmt: skip
            rest = (f for f in factors if f is not one and f not in divisors)
            return mul(*(_folded(f, ways) for f in rest), total(index, dim, found))
    return None


def _rebuilt(term: Scalar, ways: Sequence[Way]) -> Scalar:
    args = [_folded(arg, ways) for arg in term.args]
    match term.kind:
        case "add":
            return collected(add(*args))
        case "mul":
            return mul(*args)
        case "pow":
            return power(args[0], term.data)
        case "sum":
            index, dim = term.data
            return total(index, dim, args[0])
        case "fn":
            return Scalar("fn", tuple(args), term.data)
    return term


def collected(term: Scalar) -> Scalar:
    """Return a sum with the factors that all its terms share in front; of a sum over an index,
    those that do not depend on it.

    >>> from derive.expressions.shape import SCALAR
    >>> x, y, z = (entry((name, SCALAR), 0, 0) for name in "xyz")
    >>> collected(x * y - x * z) == x * (y - z)
    True
    """
    if term.kind == "mul":
        return mul(*map(collected, term.args))
    if term.kind == "sum":
        (index, dim), body = term.data, collected(term.args[0])
        factors = body.args if body.kind == "mul" else (body,)
        outside = [f for f in factors if index not in free_indices(f)]
        inside = [f for f in factors if f not in outside]
        return mul(*outside, total(index, dim, mul(*inside))) if inside else term
    if term.kind != "add":
        return term
    parts = [collected(arg) for arg in term.args]
    split_parts = [split(part) for part in parts]
    first = dict(_powers(split_parts[0][1]))
    shared = [
        base for base, exponent in first.items()
        if exponent == 1 and base.kind not in ("num", "size")
        and all(dict(_powers(rest)).get(base) == 1 for _, rest in split_parts[1:])
    ]  # fmt: skip
    if not shared:
        return add(*parts)
    front = mul(*shared)
    return mul(front, add(*(mul(number, rest, power(front, -1)) for number, rest in split_parts)))
