"""Entries of a named value put back into a term: e^z_ij / Σ_k e^z_ik is s_ij of S = softmax(Z).

A term and the definition of a value's entry enter; leaves the term in which that entry stands
wherever a product holds its factors, common factors in front. Nothing here is checked: a judge
unfolds the name again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    rename,
    split,
    total,
)
from derive.expressions.shape import Pair


def folded(term: Scalar, leaf: tuple, tree: Scalar, place: tuple[Index, Index]) -> Scalar:
    """Return a term in which a value, `tree` at a place, stands by the entry of its name.

    >>> from derive.calculus.index import function
    >>> from derive.expressions.shape import Shape
    >>> z, s = (lambda i: entry(("z", Shape("n", 1)), i, 0)), ("s", Shape("n", 1))
    >>> tree = function("exp", z("i"))
    >>> folded(2 * function("exp", z("k")), s, tree, ("i", 0)) == 2 * entry(s, "k", 0)
    True
    """
    if tree.kind in ("entry", "num", "add") or any(isinstance(k, Pair) for k in place):
        return term
    words = [*index_words(*place)]
    there = sorted(map(str, all_indices(term) - {*_bound(tree)}))
    ways = []
    for chosen in product(there, repeat=len(words)):
        names: dict[Index, Index] = dict(zip(words, chosen, strict=True))
        at = rename(tree, names)
        i, j = (k if isinstance(k, int) else names.get(k, k) for k in place)
        ways.append((dict(_powers(at)), entry(leaf, i, j)))
    return _folded(term, ways)


def _bound(term: Scalar) -> Iterator[Index]:
    if term.kind == "sum":
        yield term.data[0]
    for arg in term.args:
        yield from _bound(arg)


def _powers(term: Scalar) -> Iterator[tuple[Scalar, Fraction]]:
    for factor in term.args if term.kind == "mul" else (term,):
        yield (factor.args[0], factor.data) if factor.kind == "pow" else (factor, Fraction(1))


#: The factors of an entry with their exponents, and the entry by its name.
Way = tuple[Mapping[Scalar, Fraction], Scalar]


def _folded(term: Scalar, ways: Sequence[Way]) -> Scalar:
    if term.kind not in ("mul", "pow", "fn"):
        return _rebuilt(term, ways)
    bases = dict(_powers(term))
    for parts, name in ways:
        times = {bases.get(base, Fraction(0)) / exponent for base, exponent in parts.items()}
        count = int(min(times, key=abs, default=Fraction(0)))
        if count and all(k / count > 0 for k in times):
            left = (power(base, exponent - count * parts.get(base, 0))
                    for base, exponent in bases.items())  # fmt: skip
            return mul(power(name, count), _folded(mul(*left), ways))
    return _rebuilt(term, ways)


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
