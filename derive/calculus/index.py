"""Index calculus: the entry of a matrix as a scalar, its partial derivatives, and their deltas.

A `Scalar` is mathematics as it is written on a board: sums with bound indices, entries, Kronecker
deltas, functions. An index is a word (`i`, `k`) or a number counted from 0. Along a dimension that
is literally 1 the index is the number 0 and is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from derive.expressions.shape import Dim, Pair, Product, Shape, extent
from derive.ops import OPS

Index = int | str | Pair
#: The position of an entry: an index along each axis.
Place = tuple[Index, ...]


def along(word: str, dim: Dim) -> Index:
    """Return an index word along a dimension: words of its own along the factors of a product."""
    if not isinstance(dim, Product):
        return word
    return Pair(tuple(f"{word}_{k}" for k in range(1, len(dim.dims) + 1)), dim.dims)


def renaming(word: str, index: Index) -> dict[Index, Index]:
    """Return the names by which `along(word, ...)` becomes another index."""
    if isinstance(index, Pair):
        return {f"{word}_{k}": part for k, part in enumerate(index.parts, 1)}
    return {word: index}


def place_of(shape: Shape, words: Iterable[str]) -> Place:
    """Return an index along each axis of a shape, made of words; along a dimension of 1 it is 0.

    >>> place_of(Shape("n", 1), "ij")
    ('i', 0)
    """
    return tuple(0 if dim == 1 else along(word, dim) for word, dim in zip(words, shape.dims))


def moves(words: Iterable[str], place: Place) -> dict[Index, Index]:
    """Return the names by which `place_of(..., words)` becomes another place."""
    return dict(pair for word, k in zip(words, place) for pair in renaming(word, k).items())


def numbering(
    words: Iterable[str], shape: Shape, place: Iterable[int], sizes: Mapping[str, int]
) -> dict[Index, Index]:
    """Return the names by which `place_of(shape, words)` becomes numbers, at sizes."""
    found: dict[Index, Index] = {}
    for word, dim, k in zip(words, shape.dims, place):
        found |= at_place(word, dim, k, sizes)
    return found


def at_place(word: str, dim: Dim, place: int, sizes: Mapping[str, int]) -> dict[Index, Index]:
    """Return the names by which `along(word, dim)` becomes a place, counted from 0, at sizes."""
    if not isinstance(dim, Product):
        return {word: place}
    parts: list[int | str] = []
    for factor in reversed(dim.dims):
        place, part = divmod(place, extent(factor, sizes))
        parts.insert(0, part)
    return renaming(word, Pair(tuple(parts), dim.dims))


def named(
    index: Index, names: Mapping[Index, Index], sizes: Mapping[str, int] | None = None
) -> Index:
    """Return an index with its words replaced; with `sizes`, a pair of numbers becomes a number."""
    if not isinstance(index, Pair):
        return names.get(index, index)
    parts = tuple(names.get(part, part) for part in index.parts)
    if sizes is None or not all(isinstance(part, int) for part in parts):
        return Pair(parts, index.dims)  # type: ignore[arg-type]
    place = 0
    for part, dim in zip(parts, index.dims, strict=True):
        place = place * (extent(dim, sizes) if place else 1) + part  # type: ignore[operator]
    return place


def index_words(*indices: Index) -> Iterator[str]:
    """Yield the words that indices are made of."""
    for index in indices:
        if isinstance(index, str):
            yield index
        elif isinstance(index, Pair):
            yield from (part for part in index.parts if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Scalar:
    """A node: its kind, its arguments, and what is not an argument.

    Kinds and their data: `num` a fraction; `size` a dimension; `entry` a name and its place;
    `delta` i, j; `le` i, j; `partial` two entries; `add`, `mul`; `pow` an exponent; `fn` a name;
    `sum` an index and its dimension; `det` and `inverse` of a matrix, given by its entry as the
    argument, under two index words: the matrix, the words, the dimension, and for `inverse` i,
    j; `most` the word max or min, and the indices and dimensions through which its argument
    runs.
    """

    kind: str
    args: tuple[Scalar, ...] = ()
    data: Any = None
    hashed: int = field(default=0, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        if not self.hashed:
            object.__setattr__(self, "hashed", hash((self.kind, self.args, self.data)))
        return self.hashed

    def kinds(self) -> set[str]:
        """Return the kinds of a node and of all that are in it.

        >>> sorted((delta("i", "k") * 2).kinds())
        ['delta', 'mul', 'num']
        """
        return {self.kind}.union(*(arg.kinds() for arg in self.args))

    def __add__(self, other: Term) -> Scalar:
        return add(self, other)

    def __radd__(self, other: Term) -> Scalar:
        return add(other, self)

    def __sub__(self, other: Term) -> Scalar:
        return add(self, mul(-1, other))

    def __rsub__(self, other: Term) -> Scalar:
        return add(other, mul(-1, self))

    def __mul__(self, other: Term) -> Scalar:
        return mul(self, other)

    def __rmul__(self, other: Term) -> Scalar:
        return mul(other, self)

    def __truediv__(self, other: Term) -> Scalar:
        return mul(self, power(scalar(other), -1))

    def __rtruediv__(self, other: Term) -> Scalar:
        return mul(other, power(self, -1))

    def __neg__(self) -> Scalar:
        return mul(-1, self)

    def __pow__(self, exponent: int | Fraction) -> Scalar:
        return power(self, exponent)


Term = Scalar | int | Fraction


def num(value: int | Fraction) -> Scalar:
    return Scalar("num", data=Fraction(value))


ZERO, ONE = num(0), num(1)
#: What a definition asks for as an extremum, and is the product of all.
PROD = "prod"
UNIT = Fraction(1)


def scalar(value: Term) -> Scalar:
    return value if isinstance(value, Scalar) else num(value)


def size(dim: Dim) -> Scalar:
    if isinstance(dim, Product):
        return mul(*(size(factor) for factor in dim.dims))
    return num(dim) if isinstance(dim, int) else Scalar("size", data=dim)


def entry(leaf: tuple, *place: Index) -> Scalar:
    """Return an entry of a variable, given as its name and shape."""
    name, shape = leaf
    own = [0 if dim == 1 else k for k, dim in zip(place, shape.dims, strict=True)]
    return Scalar("entry", data=(name, *own))


def delta(i: Index, j: Index) -> Scalar:
    """Return the Kronecker delta: 1 where the indices are equal, else 0."""
    if i == j:
        return ONE
    if isinstance(i, int) and isinstance(j, int):
        return ZERO
    if isinstance(i, Pair) and isinstance(j, Pair):
        return mul(*(delta(p, q) for p, q in zip(i.parts, j.parts, strict=True)))
    return Scalar("delta", data=(i, j))


def le(i: Index, j: Index) -> Scalar:
    """Return 1 where an index is not after another, else 0.

    >>> le("i", "j"), le(0, "j") == le(1, 2) == ONE, le(2, 1) == ZERO
    (Scalar(kind='le', args=(), data=('i', 'j')), True, True)
    """
    if i in (j, 0):
        return ONE
    if isinstance(i, int) and isinstance(j, int):
        return ONE if i < j else ZERO
    if isinstance(i, Pair) and isinstance(j, Pair):
        (p, *ps), (q, *qs) = i.parts, j.parts
        rest = le(Pair(tuple(ps), i.dims[1:]), Pair(tuple(qs), j.dims[1:])) if ps else ONE
        return add(1, mul(-1, le(q, p)), mul(delta(p, q), rest))
    return Scalar("le", data=(i, j))


def partial(of: Scalar, wrt: Scalar) -> Scalar:
    """Return the partial derivative of one entry with respect to another, unevaluated."""
    return Scalar("partial", (of, wrt))


def function(name: str, *args: Scalar) -> Scalar:
    return Scalar("fn", tuple(scalar(arg) for arg in args), name)


def total(index: Index, dim: Dim, body: Scalar) -> Scalar:
    """Return the sum of `body` over an index that runs through a dimension, its number in front."""
    if isinstance(index, Pair):
        for part, factor in zip(reversed(index.parts), reversed(index.dims), strict=True):
            body = total(part, factor, body)
        return body
    coefficient, rest = split(body)
    return mul(coefficient, Scalar("sum", (rest,), (index, dim))) if coefficient else ZERO


def add(*terms: Term) -> Scalar:
    """Return a sum: flat, like terms collected, in the order in which they are first met."""
    collected: dict[Scalar, Fraction] = {}
    for term in _flat("add", terms):
        coefficient, rest = split(term)
        known = collected.get(rest)
        collected[rest] = coefficient if known is None else known + coefficient
    kept = [_scaled(coefficient, rest) for rest, coefficient in collected.items() if coefficient]
    return kept[0] if len(kept) == 1 else Scalar("add", tuple(kept)) if kept else ZERO


def mul(*factors: Term) -> Scalar:
    """Return a product: flat, its number in front, equal bases collected into powers."""
    coefficient = UNIT
    bases: dict[Scalar, Fraction] = {}
    for factor in _flat("mul", factors):
        if factor.kind == "num":
            coefficient *= factor.data
            continue
        base, exponent = (factor.args[0], factor.data) if factor.kind == "pow" else (factor, UNIT)
        known = bases.get(base)
        bases[base] = exponent if known is None else known + exponent
    if coefficient == 0:
        return ZERO
    kept = tuple(
        base if exponent == 1 else Scalar("pow", (base,), exponent)
        for base, exponent in bases.items()
        if exponent
    )
    return _scaled(coefficient, kept[0] if len(kept) == 1 else Scalar("mul", kept))


def power(base: Scalar, exponent: int | Fraction) -> Scalar:
    """Return a power; a whole power of a product is the product of the powers."""
    exponent = Fraction(exponent)
    if exponent == 1:
        return base
    if exponent == 0:
        return ONE
    if base.kind in ("delta", "le") and exponent > 0:
        return base
    if exponent.denominator == 1:
        if base.kind == "num" and (base.data or exponent > 0):
            return num(base.data ** int(exponent))
        if base.kind == "pow":
            return power(base.args[0], base.data * exponent)
        if base.kind == "mul":
            return mul(*(power(factor, exponent) for factor in base.args))
    return base if base == ONE else Scalar("pow", (base,), exponent)


def most(name: str, loops: Iterable[tuple[Index, Dim]], *items: Scalar) -> Scalar:
    """Return the largest or the smallest of terms, over indices that run through dimensions.

    Their product is one of the same kind: of terms that are written out it is their product.
    """
    loops = tuple(loops)
    if name == PROD and not loops:
        return mul(*items)
    return Scalar("most", items, (name, loops)) if loops or len(items) > 1 else items[0]


def split(term: Scalar) -> tuple[Fraction, Scalar]:
    """Return a term as a number times the rest."""
    if term.kind == "num":
        return term.data, ONE
    if term.kind == "mul" and term.args[0].kind == "num":
        rest = term.args[1:]
        return term.args[0].data, rest[0] if len(rest) == 1 else Scalar("mul", rest)
    return UNIT, term


def _scaled(coefficient: Fraction, rest: Scalar) -> Scalar:
    if rest.kind == "mul":
        if not rest.args:
            return num(coefficient)
        return rest if coefficient == 1 else Scalar("mul", (num(coefficient), *rest.args))
    if rest == ONE:
        return num(coefficient)
    return rest if coefficient == 1 else Scalar("mul", (num(coefficient), rest))


def _flat(kind: str, items: Iterable[Term]) -> Iterator[Scalar]:
    for item in items:
        node = scalar(item)
        if node.kind == kind:
            yield from node.args
        else:
            yield node


class _Functions:
    """The functions of the table on scalars: `f.exp(x)`."""

    def __getattr__(self, name: str) -> Callable[..., Scalar]:
        return lambda *args: function(name, *(scalar(arg) for arg in args))


# -- letters ---------------------------------------------------------------------------------------


class Letters(NamedTuple):
    """The index letters of a document: of the output, of the variable, and of sums."""

    output: tuple[str, ...]
    variable: tuple[str, ...]
    bound: tuple[str, ...]


def letters(taken: Iterable[str]) -> Letters:
    """Return index letters that no name of the program uses.

    >>> letters({"a", "n"}).variable
    ('c', 'e')
    """
    used = set(taken)

    def free(pool: str) -> list[str]:
        plain = [letter for letter in pool if letter not in used]
        return [*plain, *(f"{letter}_{k}" for k in range(1, 9) for letter in pool)]

    output, variable, bound = free("ij"), free("acefhb"), free("klpqrstuvw")
    return Letters(tuple(output[:2]), tuple(variable[:2]), tuple(bound))


# -- calculus --------------------------------------------------------------------------------------


def differentiate(term: Scalar, leaf: tuple, *place: Index) -> Scalar:
    """Return the partial derivative with respect to an entry of a variable, deltas and all.

    >>> from derive.ops import var
    >>> from derive.expressions.shape import Shape
    >>> X = var("X", Shape("n", "d"))
    >>> differentiate(entry(X.data, "i", "j"), X.data, "a", "c")
    Scalar(kind='mul', args=(Scalar(kind='delta', args=(), data=('i', 'a')), \
Scalar(kind='delta', args=(), data=('j', 'c'))), data=None)
    """
    name, shape = leaf
    match term.kind:
        case "entry":
            if term.data[0] != name:
                return ZERO
            axes = zip(term.data[1:], place, shape.dims, strict=True)
            return mul(*(delta(k, new) for k, new, dim in axes if dim != 1))
        case "add":
            return add(*(differentiate(arg, leaf, *place) for arg in term.args))
        case "mul":
            return add(*_leibniz(term.args, leaf, place))
        case "pow":
            base, exponent = term.args[0], term.data
            inner = differentiate(base, leaf, *place)
            return mul(exponent, power(base, exponent - 1), inner)
        case "fn":
            return add(*_chain(term, leaf, place))
        case "sum":
            index, dim = term.data
            return total(index, dim, differentiate(term.args[0], leaf, *place))
        case "inverse" | "det":
            return _square_derivative(term, leaf, place)
        case "most":
            return _winner_derivative(term, leaf, place)
    return ZERO


def _winner_derivative(term: Scalar, leaf: tuple, place: Place) -> Scalar:
    """Differentiate the winner: max_k x_k is Σ_k [x_k = max_l x_l] x_k, and masks are constant.

    Of a product, Π_k x_k, the derivative is Π_l x_l Σ_k ∂x_k / x_k.
    """
    (name, loops), (body,) = term.data, term.args
    inner = differentiate(body, leaf, *place)
    if inner == ZERO:
        return ZERO
    used = {*all_indices(term), *_names(term), *place, "i", "j"}
    used |= {str(dim).lower() for _, dim in loops}
    free = iter([*(x for x in "klpqrstuvw" if x not in used), *(f"k_{k}" for k in range(9, 99))])
    names = {k: next(free) for k, _ in loops}
    others = most(name, [(names[k], dim) for k, dim in loops], rename(body, names))
    chosen = mul(others, power(body, -1)) if name == PROD else function("eq", body, others)
    result = mul(chosen, inner)
    for index, dim in reversed(loops):
        result = total(index, dim, result)
    return result


def _names(term: Scalar) -> set[str]:
    """Return the names in a term, small: of entries and of dimensions."""
    own = {str(term.data[0]).lower()} if term.kind == "entry" else set()
    return own.union(*(_names(arg) for arg in term.args))


def _square_derivative(term: Scalar, leaf: tuple, place: Place) -> Scalar:
    """Differentiate A A⁻¹ = I, or the Laplace expansion, in which every cofactor is det A times an
    entry of the inverse."""
    expr, r, s, dim = term.data[:4]
    (tree,) = term.args
    used = {*all_indices(term), *place, "i", "j"}
    letter = [letter for letter in "klpqrstuvw" if letter not in used]
    k, p = along(letter[0], dim), along(letter[1], dim)
    places: dict[Index, Index] = dict(zip(index_words(r, s), index_words(k, p), strict=True))
    inner = differentiate(rename(tree, places), leaf, *place)

    def inverse(i: Index, j: Index) -> Scalar:
        return Scalar("inverse", (tree,), (expr, r, s, dim, i, j))

    if term.kind == "det":
        product = mul(term, inverse(p, k), inner)
    else:
        i, j = term.data[4:]
        product = mul(-1, inverse(i, k), inner, inverse(p, j))
    return total(k, dim, total(p, dim, product))


def all_indices(term: Scalar) -> set[Index]:
    """Return every index word that occurs in a term, bound ones included."""
    own = {term.data[0]} if term.kind == "sum" else free_indices(term)
    if term.kind == "most":
        own = {k for k, _ in term.data[1]}
    return own.union(*(all_indices(arg) for arg in term.args))


def _leibniz(factors: tuple[Scalar, ...], leaf: tuple, place: Place) -> Iterator[Scalar]:
    for position, factor in enumerate(factors):
        inner = differentiate(factor, leaf, *place)
        if inner != ZERO:
            yield mul(*factors[:position], inner, *factors[position + 1 :])


def _chain(term: Scalar, leaf: tuple, place: Place) -> Iterator[Scalar]:
    for rule, arg in zip(OPS[term.data].derivatives, term.args, strict=True):
        inner = differentiate(arg, leaf, *place)
        if inner != ZERO:
            yield mul(rule(_Functions(), term, *term.args), inner)


def free_indices(term: Scalar) -> set[Index]:
    """Return the index words of a term that no sum in it binds."""
    match term.kind:
        case "entry":
            return set(index_words(*term.data[1:]))
        case "delta" | "le":
            return {i for i in term.data if isinstance(i, str)}
        case "sum":
            return free_indices(term.args[0]) - {term.data[0]}
        case "most":
            found = set().union(*(free_indices(arg) for arg in term.args))
            return found - {k for k, _ in term.data[1]}
        case "inverse":
            return set(index_words(*term.data[4:]))
        case "det":
            return set()
    return set().union(*(free_indices(arg) for arg in term.args))


def rename(term: Scalar, names: Mapping[Index, Index]) -> Scalar:
    """Return the term with free indices replaced, by words or by numbers."""
    match term.kind:
        case "entry":
            name, *place = term.data
            return Scalar("entry", data=(name, *[named(k, names) for k in place]))
        case "delta":
            i, j = term.data
            return delta(names.get(i, i), names.get(j, j))
        case "le":
            return le(*(names.get(k, k) for k in term.data))
        case "sum":
            index, dim = term.data
            kept = {old: new for old, new in names.items() if old != index}
            return total(index, dim, rename(term.args[0], kept))
        case "most":
            name, loops = term.data
            kept = {old: new for old, new in names.items() if old in free_indices(term)}
            inner = {k: f"{k}_0" for k, _ in loops if k in kept.values()}  # none is to be captured
            loops = [(inner.get(k, k), dim) for k, dim in loops]
            return most(name, loops, *(rename(arg, {**kept, **inner}) for arg in term.args))
        case "inverse":
            i, j = term.data[4:]
            data = (*term.data[:4], named(i, names), named(j, names))
            return Scalar("inverse", term.args, data)
        case "num" | "size" | "det":
            return term
    return rebuilt(term, (rename(arg, names) for arg in term.args))


def rebuilt(term: Scalar, args: Iterable[Scalar]) -> Scalar:
    """Return a term of other arguments, in its simplest form."""
    match term.kind:
        case "add":
            return add(*args)
        case "mul":
            return mul(*args)
        case "pow":
            (base,) = args
            return power(base, term.data)
    return Scalar(term.kind, tuple(args), term.data)


def written_out(term: Scalar, names: Mapping[Index, Index], sizes: Mapping[str, int]) -> Scalar:
    """Return a term at sizes: free indices as numbers, dimensions as numbers, sums as sums.

    >>> term = total("k", "d", Scalar("entry", data=("W", "k", "j")))
    >>> [t.data for t in written_out(term, {"j": 0}, {"d": 2}).args]
    [('W', 0, 0), ('W', 1, 0)]
    """
    match term.kind:
        case "sum":
            index, dim = term.data
            extent = sizes.get(dim, dim)
            body = term.args[0]
            return add(*(written_out(body, {**names, index: k}, sizes) for k in range(extent)))
        case "most":
            name, loops = term.data
            ranges = [range(sizes.get(dim, dim)) for _, dim in loops]
            words = [k for k, _ in loops]
            return most(name, (), *(
                written_out(arg, {**names, **dict(zip(words, places, strict=True))}, sizes)
                for arg in term.args
                for places in product(*ranges)
            ))  # fmt: skip
        case "size":
            return num(sizes.get(term.data, term.data))
        case "entry":
            name, *place = term.data
            return Scalar("entry", data=(name, *[named(k, names, sizes) for k in place]))
        case "delta" | "le" | "num" | "det" | "inverse":
            return rename(term, names)
    return rebuilt(term, (written_out(arg, names, sizes) for arg in term.args))
