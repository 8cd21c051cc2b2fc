"""What people get wrong in a gradient: a stable word for each, what it is about, how it is made.

What enters is a formula, what leaves are formulas one change away, the most plausible first. A
change may mend a claim, or it spoils a gradient: by what is forgotten, or as a mistake of an
exercise. The law: nothing here decides; numbers screen each change, and a judge proves the one that
is offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial, reduce
from itertools import combinations, permutations, product
from operator import matmul, mul, truediv
from typing import Any, NamedTuple

from derive import ops
from derive.expressions.errors import DeriveError
from derive.expressions.expr import (
    Expr,
    broadcast_to,
    elementwise,
    nodes,
    number,
    substitute,
    unrepeated,
)
from derive.expressions.program import with_dims
from derive.expressions.shape import Shape
from derive.ops.elementwise import COS, DIV, GREATER, MUL, POW, SIN, SQRT, WHERE
from derive.ops.kronecker import KRON
from derive.ops.linear import ADD, BROADCAST, DIM, EYE, MATMUL, NEG, ONES, SUB, TRANSPOSE, VAR
from derive.ops.reduction import ALL, COLS, MEAN, ROWS, SUM
from derive.ops.rows import NORM

Put = Callable[[Expr], Expr]
#: A stable word, what it is about, and how the other formula is made.
Slip = tuple[str, tuple[Any, ...], Callable[[], Expr]]
Slips = Iterator[Slip]

#: More places than this are not visited: a claim of that length has no nearest variant.
MOST_PLACES = 150
#: What is longer is not named; formulas with more nodes are no exercise: nobody finds the place.
LONGEST_NAME, LONGEST = 40, 40


def repairs(claim: Expr, shape: Shape, dims: Iterable[str]) -> Iterator[tuple[str, tuple, Expr]]:
    """Yield changes of a claim of the gradient's shape, each with what the claim does instead."""
    extents = [DIM(data=dim) for dim in dims]
    places = list(occurrences(claim))
    several = _terms(places, extents), _everywhere(claim, places), _chains(places)
    yield from _of_shape(shape, _whole(claim), _at(places, _mean), _scaled(claim, extents))
    yield from _of_shape(shape, *(_at(places, change) for change in MENDING))
    yield from _of_shape(shape, _at(places, partial(_dimension, extents)), *several)


def forgotten(truth: Expr, shape: Shape) -> Iterator[tuple[str, tuple, Expr]]:
    """Yield what is left of a gradient when a part of it is forgotten."""
    places = list(occurrences(truth))
    yield from _of_shape(
        shape, *(_at(places, change) for change in (_no_sum, _no_factor, _no_term))
    )


def _of_shape(shape: Shape, *changes: Slips) -> Iterator[tuple[str, tuple, Expr]]:
    """Yield the changes that can be built and have the gradient's shape."""
    for kind, about, make in (slip for slips in changes for slip in slips):
        try:
            variant = make()
            if variant.shape != shape and not variant.is_var:
                variant = broadcast_to(variant, shape)
        except (DeriveError, ValueError, ZeroDivisionError):
            continue
        if variant.shape == shape:
            yield kind, about, variant


# -- mistakes for an exercise ----------------------------------------------------------------------

#: The kinds of mistakes, those first from which most is learned.
KINDS = (
    "step-skipped", "upstream-missing", "not-switched", "factor-missing", "transpose-missing",
    "transpose-extra", "order", "wrong-axis", "entrywise", "mask", "mean-for-sum", "sum-for-mean",
    "term-missing", "division-missing", "constant-missing", "sign-inside", "is-transpose", "sign",
    "factor-extra",
)  # fmt: skip
#: Kinds that every formula admits, taken where nothing else fits.
PLAIN = ("is-transpose", "sign", "factor-extra")


class Mistake(NamedTuple):
    """A formula with one mistake in it.

    `kind` is a stable word, `about` what the mistake was made with, in the formula's own names.
    """

    kind: str
    formula: Expr
    about: tuple[Expr, ...]


def mistakes(
    truth: Expr,
    sizes: Mapping[str, int],
    *,
    own: Expr | None = None,
    skipped: Mapping[Expr, Expr] | None = None,
) -> list[Mistake]:
    """Return the mistakes that can be made in a gradient at sizes, each formula once.

    `own` is the variable itself. `skipped` gives, for every gradient, the gradient that entered its
    statement, or the number 1: who uses that one forgets a step of the chain.

    >>> from derive.ops import var
    >>> g, W = var("dY", Shape("n", "m")), var("W", Shape("d", "m"))
    >>> [(m.kind, str(m.formula)) for m in mistakes(g @ W.T, {"n": 2, "d": 3, "m": 3})]
    [('transpose-missing', 'dY @ W'), ('sign', '-(dY @ W.T)'), ('factor-extra', '2 * (dY @ W.T)')]
    """
    at_sizes = partial(with_dims, meant=sizes, numbers=False)
    formula = at_sizes(truth)
    if len(nodes(formula)) > LONGEST:
        return []
    links = {at_sizes(k): at_sizes(v) for k, v in (skipped or {}).items()}
    found: dict[Expr, Mistake] = {}
    for kind, about, make in (*_spoilt(formula, links), *_unswitched(formula, own, links)):
        try:
            changed = make()
        except (DeriveError, ValueError, ZeroDivisionError):
            continue  # it cannot be written down at these sizes
        if changed.shape == formula.shape and changed is not formula:
            found.setdefault(changed, Mistake(kind, changed, about))
    return sorted(found.values(), key=lambda mistake: KINDS.index(mistake.kind))


def _spoilt(formula: Expr, links: Mapping[Expr, Expr]) -> Slips:
    for place in occurrences(formula):
        node, put = place
        if node in links and links[node].shape == node.shape:
            kind = "step-skipped" if links[node].is_var else "upstream-missing"
            yield kind, (node, links[node]), partial(put, links[node])
        yield from _at([place], _spoils)
    if not formula.shape.is_scalar:
        yield "is-transpose", (), lambda: flipped(formula)
    yield "sign", (), lambda: -formula
    yield "factor-extra", (), lambda: number(2) * formula


def _unswitched(formula: Expr, own: Expr | None, gradients: Mapping[Expr, Expr]) -> Slips:
    """Yield the factor itself in the place of the other one: a product hands back the other."""
    if own is None or not own.shape.is_scalar or formula.op not in (VAR, MUL):
        return
    leaves = dict.fromkeys(node for node, _ in occurrences(formula) if node.is_var)
    for leaf in leaves:
        if leaf not in gradients and leaf.shape.is_scalar and own not in leaves:
            yield "not-switched", (own, leaf), partial(substitute, formula, {leaf: own})


def _spoils(node: Expr) -> Slips:
    """Yield the mistakes that are made at one place."""
    a, b = (*node.args, node, node)[:2]
    first, second = unrepeated(a), unrepeated(b)
    match node.op:
        case ops.MATMUL:
            if not (a.shape.is_scalar or b.shape.is_scalar):
                yield "order", (a, b), lambda: b @ a
                if a.shape == b.shape:
                    yield "entrywise", (a, b), lambda: a * b
            for turned, make in ((a, lambda: flipped(a) @ b), (b, lambda: a @ flipped(b))):
                kind = "missing" if turned.op is TRANSPOSE else "extra"
                about = turned.args if turned.op is TRANSPOSE else (turned,)
                both = partial(matmul, flipped(a), flipped(a))
                yield f"transpose-{kind}", about, both if a is b else make
        case ops.MUL:
            for kept, lost in ((a, b), (b, a)):
                if not _is_constant(kept):
                    kind = "constant-missing" if _is_constant(lost) else "factor-missing"
                    yield kind, (unrepeated(lost),), partial(unrepeated, kept)
        case ops.DIV if not _is_constant(a):
            yield "division-missing", (second,), lambda: first
        case ops.ADD | ops.SUB:
            yield "sign-inside", (second,), lambda: (SUB if node.op is ADD else ADD)(a, b)
            if not (_is_constant(a) or _is_constant(b)):
                yield "term-missing", (second,), lambda: first
                if node.op is ADD:
                    yield "term-missing", (first,), lambda: second
        case ops.GREATER:
            yield "mask", (node,), lambda: GREATER(b, a)
    for mends, about, make in _mean(node):
        yield _OPPOSITE[mends], about, make
    if node.op is SUM and len(node.data) == 1:
        yield "wrong-axis", node.args, lambda: SUM(a, data=_across(node)).T


_OPPOSITE = {"mean-for-sum": "sum-for-mean", "sum-for-mean": "mean-for-sum"}

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
        if node.op is BROADCAST:
            return put(new)  # the entrywise operator around it repeats it again
        return put(_rebuilt(node, [*node.args[:place], new, *node.args[place + 1 :]]))

    return replaced


def _rebuilt(node: Expr, args: list[Expr]) -> Expr:
    """Return a node with other arguments, repeated anew where it works entry by entry."""
    if len(args) > 1 and (node.op.derivatives or node.op in (ADD, SUB, MUL, DIV, GREATER)):
        return elementwise(node.name, *map(unrepeated, args))
    return node.op(*args, data=node.data)


def _at(places: Iterable[tuple[Expr, Put]], change: Callable[[Expr], Slips]) -> Slips:
    """Yield a change of each place."""
    for node, put in places:
        for kind, about, make in change(node):
            yield kind, about, partial(_then, put, make)


def _then(put: Put, make: Callable[[], Expr]) -> Expr:
    return put(make())


def flipped(a: Expr) -> Expr:
    """Return a transpose, where two cancel."""
    return a.args[0] if a.op is TRANSPOSE else a.T


def _is_constant(node: Expr) -> bool:
    return not any(x.is_var for x in nodes(node))


def _across(node: Expr) -> tuple[int, ...]:
    return tuple(1 - axis for axis in node.data)


# -- the whole claim -------------------------------------------------------------------------------

_OVER = {COLS: "cols", ROWS: "rows", ALL: "all"}


def _whole(claim: Expr) -> Slips:
    yield "is-transpose", (), lambda: flipped(claim)
    yield "sign", (), lambda: -claim
    for axes in (ROWS, COLS):
        if claim.shape.dims[axes[0]] != 1:
            yield f"sum-missing-{_OVER[axes]}", (), partial(SUM, claim, data=axes)
    if not claim.shape.is_scalar:
        yield "sum-missing-all", (), lambda: SUM(claim)


def _scaled(claim: Expr, dims: list[Expr]) -> Slips:
    extents = [*dims, *(a * b for a, b in combinations(dims, 2))]
    for k in (2, 3, 4):
        yield "factor-of-missing", (k,), partial(mul, number(k), claim)
        yield "factor-of-extra", (k,), partial(truediv, claim, k)
    for dim in extents:
        yield "division-missing", (dim,), partial(truediv, claim, dim)
        yield "division-twice", (dim,), partial(mul, claim, dim)
    yield "sign-and-factor-missing", (2,), lambda: -2 * claim
    yield "sign-and-factor-extra", (2,), lambda: -claim / 2
    for dim in extents:
        yield "factor-of-missing", (f"2 / ({dim})",), partial(truediv, 2 * claim, dim)


# -- one place of a claim --------------------------------------------------------------------------


def _transpose(node: Expr) -> Slips:
    if node.op is TRANSPOSE:
        yield "transpose-extra", node.args, lambda: node.args[0]
    elif not node.shape.is_scalar and len(str(node)) < LONGEST_NAME:
        if node.op not in (BROADCAST, ONES, EYE):
            yield "transpose-missing", (node,), lambda: node.T


def _order(node: Expr) -> Slips:
    if node.op is KRON:
        yield "kronecker-order", (), lambda: KRON(*reversed(node.args))
    if node.op is MATMUL:
        a, b = node.args
        yield "order", (), lambda: b @ a
        yield "transpose-elsewhere", (), lambda: flipped(a) @ flipped(b)
        yield "order", (), lambda: flipped(b) @ a
        yield "order", (), lambda: b @ flipped(a)


def _sign(node: Expr) -> Slips:
    if node.op in (ADD, SUB):
        first, second = node.args
        other = SUB if node.op is ADD else ADD
        yield "sign-before", (unrepeated(second),), lambda: other(first, second)
        yield "sign-before", (unrepeated(first),), lambda: node.op(-first, second)
        yield "sign-in", (node,), lambda: -node
    if node.op is NEG:
        yield "sign-before", node.args, lambda: node.args[0]
    elif len(node.args) == 1 and node.op.derivatives:
        yield "sign-inside", (node,), lambda: node.op(-node.args[0])


def _product(node: Expr) -> Slips:
    a, b = (unrepeated(arg) for arg in (*node.args, node, node)[:2])
    if node.op is MATMUL:
        yield "matrix-product", (), lambda: node.args[0] * node.args[1]
    if node.op is MUL:
        yield "entrywise", (), lambda: a @ b
        yield "entrywise", (), lambda: b @ a


def _mean(node: Expr) -> Slips:
    if node.op in (SUM, MEAN):
        kind, other = ("sum-for-mean", MEAN) if node.op is SUM else ("mean-for-sum", SUM)
        yield kind, node.args, lambda: other(node.args[0], data=node.data)


def _reduction(node: Expr) -> Slips:
    if node.op in (SUM, MEAN):
        (a,) = node.args
        if node.data == ALL:
            for axes in (COLS, ROWS):
                yield f"sum-of-all-for-{_OVER[axes]}", (), partial(node.op, a, data=axes)
        else:
            yield "wrong-axis", (), lambda: node.op(a, data=_across(node))
    if node.op is SUM:
        yield "sum-extra", node.args, lambda: node.args[0]
    if node.op in (MUL, MATMUL) and not node.shape.is_scalar:
        for axes, over in _OVER.items():
            yield f"sum-missing-of-{over}", (node,), partial(SUM, node, data=axes)


def _mask(node: Expr) -> Slips:
    if node.op is GREATER:
        yield "mask", (), lambda: GREATER(*reversed(node.args))
    elif node.is_var:
        yield "mask-missing", (node,), lambda: node > 0
    other = {SIN: COS, COS: SIN}.get(node.op)
    if other:
        yield "other-function", (node.name, other.name), lambda: other(*node.args)
    if node.op is WHERE:
        mask, a, b = node.args
        yield "cases-exchanged", (), lambda: WHERE(mask, b, a)


def _power(node: Expr) -> Slips:
    if node.op is POW:
        for step in (1, -1):
            yield "power", node.args, partial(_power_of, node.args[0], node.data + step)
    if node.is_var or node.op is NORM or (len(node.args) == 1 and node.op.derivatives):
        yield "square-missing", (node,), lambda: node**2


def _power_of(base: Expr, exponent: Fraction) -> Expr:
    return base**exponent


def _diagonal(node: Expr) -> Slips:
    if node.op is ONES:
        yield "ones-for-identity", (), lambda: EYE(data=node.shape.rows)
    if node.op is EYE:
        yield "identity-for-ones", (), lambda: ONES(data=Shape(node.data, node.data))


def _dimension(dims: list[Expr], node: Expr) -> Slips:
    """Yield a dimension exchanged for another, or under a root."""
    if node.op is DIM:
        for other in (dim for dim in dims if dim is not node):
            yield "other-dimension", (node, other), partial(unrepeated, other)
        yield "root-missing", (node,), lambda: SQRT(node)


#: Changes of one place, the most plausible kind first.
MENDING = (_transpose, _order, _sign, _product, _reduction, _mask, _power, _diagonal)


# -- several places --------------------------------------------------------------------------------


def _terms(places: list[tuple[Expr, Put]], dims: list[Expr]) -> Slips:
    """Yield one term with another constant factor."""
    for node, put in places:
        for k, arg in enumerate(node.args if node.op in (ADD, SUB) else ()):
            yield from _at([(unrepeated(arg), _inside(node, k, put))], partial(_weighed, dims))


def _weighed(dims: list[Expr], term: Expr) -> Slips:
    for dim in dims:
        yield "division-missing-of", (term, dim), partial(truediv, term, dim)
        yield "factor-missing-before", (dim, term), partial(mul, dim, term)
    yield "factor-of-missing-before", (2, term), lambda: number(2) * term
    yield "factor-of-extra-before", (2, term), lambda: number(Fraction(1, 2)) * term
    yield "factor-of-missing-before", (3, term), lambda: number(3) * term


def _everywhere(claim: Expr, places: list[tuple[Expr, Put]]) -> Slips:
    """Yield one or two variables transposed everywhere, or two exchanged."""
    leaves = dict.fromkeys(node for node, _ in places if node.is_var and not node.shape.is_scalar)
    turned = {node.args[0] for node, _ in places if node.op is TRANSPOSE}
    for a in leaves:
        kind = "each-turned" if a in turned else "each-transpose-missing"
        yield kind, (a,), partial(_replaced, claim, {a: a.T})
    for a, b in combinations(leaves, 2):
        kind = "transposes-wrong" if {a, b} & turned else "transposes-missing"
        yield kind, (a, b), partial(_replaced, claim, {a: a.T, b: b.T})
        yield "exchanged", (a, b), partial(_replaced, claim, {a: b, b: a})


def _replaced(root: Expr, leaves: dict[Expr, Expr]) -> Expr:
    """Return an expression with variables replaced, a double transpose being none."""
    if root in leaves:
        return leaves[root]
    if root.op is TRANSPOSE:
        return flipped(_replaced(root.args[0], leaves))
    args = [_replaced(unrepeated(arg), leaves) for arg in root.args]
    return _rebuilt(root, args) if args else root


def _chains(places: list[tuple[Expr, Put]]) -> Slips:
    """Yield a product of three or four with its factors in another order, or transposed."""
    inner = {arg for node, _ in places if node.op is MATMUL for arg in node.args}
    for node, put in places:
        factors = _factors(node)
        if node in inner or not 3 <= len(factors) <= 4:
            continue
        for flips in product((False, True), repeat=3) if len(factors) == 3 else ((False,) * 4,):
            for order in permutations(factors):
                turned = [flipped(f) if flip else f for f, flip in zip(order, flips, strict=True)]
                kind = "order-and-transposes" if any(flips) else "order"
                if list(order) == factors:
                    kind = "transposes-elsewhere"
                yield kind, (), partial(_then, put, partial(reduce, matmul, turned))


def _factors(node: Expr) -> list[Expr]:
    if node.op is not MATMUL:
        return [node]
    return [factor for arg in node.args for factor in _factors(arg)]


# -- what is forgotten of a gradient ---------------------------------------------------------------


def _no_sum(node: Expr) -> Slips:
    if node.op in (SUM, MEAN):
        yield f"{node.name}-missing-of-{_OVER[node.data]}", node.args, lambda: node.args[0]


def _no_term(node: Expr) -> Slips:
    if node.op in (ADD, SUB):
        first, second = map(unrepeated, node.args)
        lost = -node.args[1] if node.op is SUB else second
        yield "term-missing", (f"{'-' * (node.op is SUB)}{brief(second)}",), lambda: first
        yield "term-missing", (first,), lambda: lost


def _no_factor(node: Expr) -> Slips:
    if node.op in (MUL, DIV):
        above, below = _fraction(node)
        for gone in (*combinations(range(len(above)), 1), *combinations(range(len(above)), 2)):
            left = [f for place, f in enumerate(above) if place not in gone]
            lost = _quotient([above[place] for place in gone], [])
            yield "factor-missing", (lost,), partial(_quotient, left, below)
        for place, factor in enumerate(below):
            rest = below[:place] + below[place + 1 :]
            yield "division-missing", (factor,), partial(_quotient, above, rest)
    if node.op is MATMUL:
        first, second = node.args
        yield "factor-missing", (second,), lambda: first
        yield "factor-missing", (first,), lambda: second


def _fraction(node: Expr) -> tuple[list[Expr], list[Expr]]:
    """Return the factors of an entrywise product, and those by which it is divided."""
    if node.op not in (MUL, DIV):
        return [node], []
    (above, below), (more, less) = (_fraction(unrepeated(arg)) for arg in node.args)
    if node.op is DIV:
        more, less = less, more
    return above + more, below + less


def _quotient(above: list[Expr], below: list[Expr]) -> Expr:
    return reduce(truediv, below, reduce(mul, above) if above else number(1))


def brief(about: Any) -> str:
    """Return what a change is about, as short as a name."""
    text = str(about)
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


__all__ = ["KINDS", "PLAIN", "Mistake", "brief", "forgotten", "mistakes", "repairs"]
