"""What the author of a false claim may have meant: the mistakes that people make, by name.

A repair changes the claim (with W transposed it is true); a slip changes the gradient (without its
sum it is the claim). Each is a line of a table that gives the words and the changed expression, the
most plausible first. Nothing here decides: the judge of claims screens each by numbers, and proves
the one that it offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import combinations, permutations, product

from derive.expressions.errors import DeriveError
from derive.expressions.expr import OPS, Expr, broadcast_to, elementwise, number
from derive.expressions.shape import Shape
from derive.ops.reduction import ALL, COLS, MEAN, ROWS, SUM

#: What a claim does wrong, as the rest of "yours ...", and an expression.
Variant = tuple[str, Expr]
Put = Callable[[Expr], Expr]

#: More places than this are not visited: a claim of that length has no nearest variant.
MOST_PLACES = 150
LONGEST_NAME = 40


def repairs(claim: Expr, shape: Shape, dims: Iterable[str]) -> Iterator[Variant]:
    """Yield changes of a claim, each with the words for what the claim does instead."""
    dims = tuple(dims)
    yield from _of_shape(_whole(claim, dims), shape)
    places = list(occurrences(claim))
    yield from _of_shape(_applied(_mean, places), shape)
    yield from _of_shape(_scaled(claim, dims), shape)
    for kind in LOCAL:
        yield from _of_shape(_applied(kind, places), shape)
    yield from _of_shape(_dimensions(places, dims), shape)
    yield from _of_shape(_terms(places, dims), shape)
    yield from _of_shape(_flipped_pairs(claim, places), shape)
    yield from _of_shape(_chains(places), shape)


def slips(truth: Expr, shape: Shape) -> Iterator[Variant]:
    """Yield what is left of a gradient when a part of it is forgotten, with words for that."""
    places = list(occurrences(truth))
    for kind in FORGOTTEN:
        yield from _of_shape(_applied(kind, places), shape)


# -- places ----------------------------------------------------------------------------------------


def occurrences(root: Expr) -> Iterator[tuple[Expr, Put]]:
    """Yield each occurrence of a node, from the outside in, and how to put something else there."""
    queue: list[tuple[Expr, Put]] = [(root, lambda new: new)]
    for place in queue:
        if len(queue) > MOST_PLACES:
            break
        node, put = place
        queue.extend((arg, _inside(node, k, put)) for k, arg in enumerate(node.args))
    yield from queue


def _inside(node: Expr, place: int, put: Put) -> Put:
    def replaced(new: Expr) -> Expr:
        args = list(node.args)
        args[place] = new
        if node.name == "broadcast_to":
            return put(new)  # the entrywise operator around it repeats it again
        if len(args) > 1 and (node.op.derivatives or node.name in _ENTRYWISE):
            return put(elementwise(node.name, *map(_bare, args)))
        return put(node.op(*args, data=node.data))

    return replaced


_ENTRYWISE = ("add", "sub", "mul", "div", "gt")


def _bare(node: Expr) -> Expr:
    return node.args[0] if node.name == "broadcast_to" else node


def _applied(
    kind: Callable[[Expr], Iterator], places: Iterable[tuple[Expr, Put]]
) -> Iterator[tuple[str, Callable[[], Expr]]]:
    for node, put in places:
        for words, make in kind(node):
            yield words, _then(make, put)


def _then(make: Callable[[], Expr], put: Put) -> Callable[[], Expr]:
    return lambda: put(make())


def _of_shape(changes: Iterable, shape: Shape) -> Iterator[Variant]:
    """Yield the changes that can be built and have the gradient's shape."""
    for words, make in changes:
        try:
            variant = make()
            if variant.shape != shape and not variant.is_var:
                variant = broadcast_to(variant, shape)
        except (DeriveError, ValueError, ZeroDivisionError):
            continue
        if variant.shape == shape:
            yield words, variant


# -- the whole claim -------------------------------------------------------------------------------


def _whole(claim: Expr, dims: tuple[str, ...]) -> Iterator:
    yield "is its transpose", lambda: claim.T
    yield "has the wrong sign", lambda: -claim
    for dim in (0, 1):
        if claim.shape.dims[dim] != 1:
            yield f"lacks the sum over {_OVER[dim,]}", lambda dim=dim: SUM(claim, data=(dim,))
    if not claim.shape.is_scalar:
        yield "lacks the sum over all entries", lambda: SUM(claim)


def _scaled(claim: Expr, dims: tuple[str, ...]) -> Iterator:
    extents = [OPS["dim"](data=dim) for dim in dims]
    extents += [a * b for a, b in combinations(extents, 2)]
    for k in (2, 3, 4):
        yield f"lacks a factor of {k}", lambda k=k: number(k) * claim
        yield f"has a factor of {k} too many", lambda k=k: claim / k
    for extent in extents:
        yield f"lacks the division by {extent}", lambda e=extent: claim / e
        yield f"divides by {extent} once too often", lambda e=extent: claim * e
    yield "has the wrong sign and lacks a factor of 2", lambda: -2 * claim
    yield "has the wrong sign and a factor of 2 too many", lambda: -claim / 2
    for extent in extents:
        yield f"lacks a factor of 2 / ({extent})", lambda e=extent: 2 * claim / e


# -- one place of a claim --------------------------------------------------------------------------


def _transpose(node: Expr) -> Iterator:
    if node.name == "transpose":
        yield f"has a transpose of {node.args[0]} too many", lambda: node.args[0]
    elif not node.shape.is_scalar and len(str(node)) < LONGEST_NAME:
        if node.name not in ("broadcast_to", "ones", "eye"):
            yield f"lacks the transpose of {node}", lambda: node.T


def _order(node: Expr) -> Iterator:
    if node.name == "kron":
        first, second = node.args
        words = "has the factors of the Kronecker product in the wrong order"
        yield words, lambda: OPS["kron"](second, first)
    if node.name != "matmul":
        return
    a, b = node.args
    words = "has the factors in the wrong order"
    yield words, lambda: b @ a
    yield "has the transpose on the wrong factor", lambda: flipped(a) @ flipped(b)
    yield words, lambda: flipped(b) @ a
    yield words, lambda: b @ flipped(a)


def _product(node: Expr) -> Iterator:
    if node.name == "matmul":
        a, b = node.args
        words = "has a matrix product for an entrywise one"
        yield words, lambda: a * b
    if node.name == "mul":
        a, b = map(_bare, node.args)
        words = "has an entrywise product for a matrix product"
        yield words, lambda: a @ b
        yield words, lambda: b @ a


def _sign(node: Expr) -> Iterator:
    if node.name in ("add", "sub"):
        first, second = node.args
        other = "sub" if node.name == "add" else "add"
        shown = _bare(second)
        yield f"has the wrong sign before {_brief(shown)}", lambda: OPS[other](first, second)
        words = f"has the wrong sign before {_brief(_bare(first))}"
        yield words, lambda: OPS[node.name](-first, second)
        yield f"has the wrong sign in {_brief(node)}", lambda: -node
    if node.name == "neg":
        yield f"has the wrong sign before {_brief(node.args[0])}", lambda: node.args[0]
    elif len(node.args) == 1 and node.op.derivatives:
        yield f"has the wrong sign inside {_brief(node)}", lambda: node.op(-node.args[0])


_OVER = {COLS: "the columns", ROWS: "the rows", ALL: "all entries"}


def _mean(node: Expr) -> Iterator:
    if node.op is SUM:
        yield "has a sum for a mean", lambda: MEAN(node.args[0], data=node.data)
    if node.op is MEAN:
        yield "has a mean for a sum", lambda: SUM(node.args[0], data=node.data)


def _reduction(node: Expr) -> Iterator:
    if node.op in (SUM, MEAN):
        (a,) = node.args
        if node.data == ALL:
            for axes in (COLS, ROWS):
                words = f"sums over all entries, not over {_OVER[axes]} alone"
                yield words, lambda axes=axes: node.op(a, data=axes)
        else:
            other = tuple(1 - axis for axis in node.data)
            yield "sums over the wrong axis", lambda: node.op(a, data=other)
    if node.op is SUM:
        yield f"sums over {_brief(node.args[0])}, which stays as it is", lambda: node.args[0]
    if node.name in ("mul", "matmul") and not node.shape.is_scalar:
        for axes, words in _OVER.items():
            yield (
                f"lacks the sum of {_brief(node)} over {words}",
                lambda axes=axes: SUM(node, data=axes),
            )


def _power(node: Expr) -> Iterator:
    if node.name == "pow":
        for step in (1, -1):
            yield (
                f"has the wrong power of {_brief(node.args[0])}",
                lambda step=step: node.args[0] ** (node.data + step),
            )
    if node.is_var or node.name == "norm" or (len(node.args) == 1 and node.op.derivatives):
        yield f"lacks the square of {_brief(node)}", lambda: node**2


def _mask(node: Expr) -> Iterator:
    if node.name == "gt":
        yield "has the comparison the wrong way round", lambda: OPS["gt"](*reversed(node.args))
    elif node.is_var:
        yield f"has {node} for the mask {node} > 0", lambda: node > 0
    other = {"sin": "cos", "cos": "sin"}.get(node.name)
    if other:
        yield f"has {node.name} for {other}", lambda: OPS[other](node.args[0])
    if node.name == "where":
        mask, a, b = node.args
        yield "has the two cases exchanged", lambda: OPS["where"](mask, b, a)


def _diagonal(node: Expr) -> Iterator:
    if node.name == "ones":
        extent = node.shape.rows
        yield "has ones for the identity matrix", lambda: OPS["eye"](data=extent)
    if node.name == "eye":
        extent = node.data
        yield "has the identity matrix for ones", lambda: OPS["ones"](data=Shape(extent, extent))


#: Changes of one place, the most plausible kind first.
LOCAL = (_transpose, _order, _sign, _product, _reduction, _mask, _power, _diagonal)


# -- several places --------------------------------------------------------------------------------


def _dimensions(places: list[tuple[Expr, Put]], dims: tuple[str, ...]) -> Iterator:
    """Yield one dimension exchanged for another, or under a root."""
    for node, put in places:
        if node.name == "dim":
            for other in (OPS["dim"](data=dim) for dim in dims if dim != node.data):
                yield f"has {node} for {other}", lambda put=put, new=other: put(new)
            root = OPS["sqrt"](node)
            yield f"lacks the square root of {node}", lambda put=put, new=root: put(new)


def _terms(places: list[tuple[Expr, Put]], dims: tuple[str, ...]) -> Iterator:
    """Yield one term with another constant factor."""
    extents = [OPS["dim"](data=dim) for dim in dims]
    for node, put in places:
        for k, arg in enumerate(node.args if node.name in ("add", "sub") else ()):
            inside = _inside(node, k, put)
            bare = _bare(arg)
            for extent in extents:
                yield (
                    f"lacks the division of {_brief(bare)} by {extent}",
                    lambda put=inside, node=bare, e=extent: put(node / e),
                )
                yield (
                    f"lacks the factor {extent} before {_brief(bare)}",
                    lambda put=inside, node=bare, e=extent: put(e * node),
                )
            for factor in (Fraction(2), Fraction(1, 2), Fraction(3)):
                words = f"lacks a factor of {factor}"
                if factor < 1:
                    words = f"has a factor of {1 / factor} too many"
                yield (
                    f"{words} before {_brief(bare)}",
                    lambda put=inside, node=bare, f=factor: put(number(f) * node),
                )


def _flipped_pairs(claim: Expr, places: list[tuple[Expr, Put]]) -> Iterator:
    """Yield one or two variables transposed everywhere, or two exchanged."""
    leaves = dict.fromkeys(node for node, _ in places if node.is_var and not node.shape.is_scalar)
    for a in leaves:
        turned = any(node.name == "transpose" and node.args[0] is a for node, _ in places)
        words = f"has each {a} the wrong way round" if turned else f"lacks each transpose of {a}"
        yield words, lambda a=a: _everywhere(claim, {a: a.T})
    for a, b in combinations(leaves, 2):
        words = f"lacks the transposes of {a} and {b}"
        if any(node.name == "transpose" and node.args[0] in (a, b) for node, _ in places):
            words = f"has the transposes of {a} and {b} wrong"
        yield words, lambda a=a, b=b: _everywhere(claim, {a: a.T, b: b.T})
        yield f"has {a} and {b} exchanged", lambda a=a, b=b: _everywhere(claim, {a: b, b: a})


def _everywhere(root: Expr, leaves: dict[Expr, Expr]) -> Expr:
    """Return an expression with variables replaced, a double transpose being none."""
    if root in leaves:
        return leaves[root]
    if not root.args:
        return root
    if root.name == "transpose":
        return flipped(_everywhere(root.args[0], leaves))
    args = [_everywhere(_bare(arg), leaves) for arg in root.args]
    if len(args) > 1 and (root.op.derivatives or root.name in _ENTRYWISE):
        return elementwise(root.name, *args)
    return root.op(*args, data=root.data)


def _chains(places: list[tuple[Expr, Put]]) -> Iterator:
    """Yield a product of three or four with its factors in another order, or transposed."""
    inner = {arg for node, _ in places if node.name == "matmul" for arg in node.args}
    for node, put in places:
        factors = _factors(node)
        if node in inner or not 3 <= len(factors) <= 4:
            continue
        orders = list(permutations(factors))
        for flips in product((False, True), repeat=len(factors)) if len(factors) == 3 else ((),):
            for order in orders:
                turned = [flipped(f) if flip else f for f, flip in zip(order, flips)]
                chosen = turned or list(order)
                words = "has the factors in the wrong order"
                if list(order) == factors:
                    words = "has the transposes on the wrong factors"
                elif any(flips):
                    words += " and wrong transposes"
                yield words, lambda put=put, chosen=chosen: put(_multiplied(chosen))


def _factors(node: Expr) -> list[Expr]:
    if node.name != "matmul":
        return [node]
    return [factor for arg in node.args for factor in _factors(arg)]


def _multiplied(factors: list[Expr]) -> Expr:
    result = factors[0]
    for factor in factors[1:]:
        result = result @ factor
    return result


# -- what is forgotten of a gradient ---------------------------------------------------------------


def _no_sum(node: Expr) -> Iterator:
    if node.op in (SUM, MEAN):
        words = f"lacks the {node.name} of {_brief(node.args[0])} over {_OVER[node.data]}"
        yield words, lambda: node.args[0]


def _no_term(node: Expr) -> Iterator:
    if node.name in ("add", "sub"):
        first, second = node.args
        sign = "-" if node.name == "sub" else ""
        yield f"lacks the term {sign}{_brief(_bare(second))}", lambda: _bare(first)
        yield f"lacks the term {_brief(_bare(first))}", lambda: -second if sign else _bare(second)


def _no_factor(node: Expr) -> Iterator:
    if node.name in ("mul", "div"):
        above, below = _fraction(node)
        for k in (1, 2):
            for gone in combinations(range(len(above)), k):
                left = [f for place, f in enumerate(above) if place not in gone]
                lost = _times([above[place] for place in gone])
                words = f"lacks the factor {_brief(lost)}"
                yield words, lambda left=left: _over(_times(left), below)
        for place, factor in enumerate(below):
            rest = below[:place] + below[place + 1 :]
            words = f"lacks the division by {_brief(factor)}"
            yield words, lambda rest=rest: _over(_times(above), rest)
    if node.name == "matmul":
        first, second = node.args
        yield f"lacks the factor {_brief(second)}", lambda: first
        yield f"lacks the factor {_brief(first)}", lambda: second


def _fraction(node: Expr) -> tuple[list[Expr], list[Expr]]:
    """Return the factors of an entrywise product, and those by which it is divided."""
    if node.name not in ("mul", "div"):
        return [node], []
    (above, below), (more, less) = (_fraction(_bare(arg)) for arg in node.args)
    if node.name == "div":
        more, less = less, more
    return above + more, below + less


def _times(factors: list[Expr]) -> Expr:
    result = factors[0] if factors else number(1)
    for factor in factors[1:]:
        result = result * factor
    return result


def _over(above: Expr, below: list[Expr]) -> Expr:
    for factor in below:
        above = above / factor
    return above


#: Parts of a gradient that are forgotten, the most frequent first.
FORGOTTEN = (_no_sum, _no_factor, _no_term)


def flipped(a: Expr) -> Expr:
    return a.args[0] if a.name == "transpose" else a.T


def _brief(node: Expr) -> str:
    text = str(node)
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


__all__ = ["Put", "Variant", "flipped", "occurrences", "repairs", "slips"]
