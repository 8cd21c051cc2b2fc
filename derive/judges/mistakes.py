"""Mistakes that people make in a gradient: a true formula to false ones that look like it.

What enters is a formula and sizes, what leaves are changed formulas of the same shape, each with
the name of the mistake and what it was made with, the most instructive first. Whether a changed
formula is false is not decided here: numbers decide it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from derive.expressions.errors import DeriveError
from derive.expressions.expr import OPS, Expr, nodes, number, substitute
from derive.expressions.shape import Shape, extent
from derive.judges.variants import Put, flipped, occurrences
from derive.ops.reduction import MEAN, SUM

#: Formulas with more nodes than this are not changed: nobody would find the place.
LONGEST = 40


@dataclass(frozen=True, slots=True)
class Mistake:
    """A formula with one mistake in it.

    `kind` is a stable word, `about` what the mistake was made with, in the formula's own names.
    """

    kind: str
    formula: Expr
    about: tuple[Expr, ...]


#: A change of one node: the kind of the mistake, what it is about, and how to make it.
Change = tuple[str, tuple[Expr, ...], Callable[[], Expr]]


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
    formula = at_sizes(truth, sizes)
    if len(nodes(formula)) > LONGEST:
        return []
    links = {at_sizes(k, sizes): at_sizes(v, sizes) for k, v in (skipped or {}).items()}
    found: dict[Expr, Mistake] = {}
    changes = [*_changes(formula, links), *_unswitched(formula, own, links)]
    for kind, about, make in changes:
        try:
            changed = make()
        except (DeriveError, ValueError, ZeroDivisionError):
            continue  # it cannot be written down at these sizes
        if changed.shape == formula.shape and changed is not formula:
            found.setdefault(changed, Mistake(kind, changed, about))
    return sorted(found.values(), key=lambda mistake: KINDS.index(mistake.kind))


#: The kinds of mistakes, those first from which most is learned.
KINDS = (
    "step-skipped", "upstream-missing", "not-switched", "factor-missing", "transpose-missing",
    "transpose-extra", "order", "wrong-axis", "entrywise", "mask", "mean-for-sum", "sum-for-mean",
    "term-missing", "division-missing", "constant-missing", "sign-inside", "is-transpose", "sign",
    "factor-extra",
)  # fmt: skip
#: Kinds that every formula admits, taken where nothing else fits.
PLAIN = ("is-transpose", "sign", "factor-extra")


def at_sizes(root: Expr, sizes: Mapping[str, int]) -> Expr:
    """Return an expression whose matrices have sizes; dimensions in a formula stay words."""

    def sized(shape: Shape) -> Shape:
        return Shape(*(extent(dim, sizes) for dim in shape.dims))

    done: dict[Expr, Expr] = {}
    for node in nodes(root):
        data, args = node.data, tuple(done[arg] for arg in node.args)
        if isinstance(data, Shape):
            data = sized(data)
        elif node.is_var:
            data = type(data)(data[0], sized(data[1]))
        elif node.name == "eye":
            data = extent(data, sizes)
        repeats = node.name != "broadcast_to" or args[0].shape != data
        done[node] = node.op(*args, data=data) if repeats else args[0]
    return done[root]


def _changes(formula: Expr, links: Mapping[Expr, Expr]) -> Iterator[Change]:
    for node, put in occurrences(formula):
        if node in links and links[node].shape == node.shape:
            kind = "step-skipped" if links[node].is_var else "upstream-missing"
            yield kind, (node, links[node]), _then(_always(links[node]), put)
        for change in (_product, _entrywise, _sum, _transpose, _term, _mask):
            for name, about, make in change(node):
                yield name, about, _then(make, put)
    if not formula.shape.is_scalar:
        yield "is-transpose", (), lambda: formula.T
    yield "sign", (), lambda: -formula
    yield "factor-extra", (), lambda: number(2) * formula


def _unswitched(
    formula: Expr, own: Expr | None, gradients: Mapping[Expr, Expr]
) -> Iterator[Change]:
    """Yield the factor itself in the place of the other one: a product hands back the other."""
    if own is None or not own.shape.is_scalar:
        return
    leaves = [node for node, _ in occurrences(formula) if node.is_var]
    factors = leaves if formula.name in ("var", "mul") else []
    for leaf in dict.fromkeys(factors):
        if leaf not in gradients and leaf.shape.is_scalar and own not in leaves:
            yield "not-switched", (own, leaf), _always(substitute(formula, {leaf: own}))


def _always(changed: Expr) -> Callable[[], Expr]:
    return lambda: changed


def _then(make: Callable[[], Expr], put: Put) -> Callable[[], Expr]:
    return lambda: put(make())


def _product(node: Expr) -> Iterator[Change]:
    if node.name != "matmul":
        return
    a, b = node.args
    if not (a.shape.is_scalar or b.shape.is_scalar):
        yield "order", (a, b), lambda: b @ a
        if a.shape == b.shape:
            yield "entrywise", (a, b), lambda: a * b


def _entrywise(node: Expr) -> Iterator[Change]:
    if node.name == "mul":
        for kept, lost in (node.args, node.args[::-1]):
            if _is_constant(kept):
                continue
            kind = "constant-missing" if _is_constant(lost) else "factor-missing"
            yield kind, (_bare(lost),), _always(_bare(kept))
    if node.name == "div" and not _is_constant(node.args[0]):
        yield "division-missing", (_bare(node.args[1]),), lambda: _bare(node.args[0])


def _sum(node: Expr) -> Iterator[Change]:
    if node.op is SUM:
        yield "mean-for-sum", node.args, _always(MEAN(*node.args, data=node.data))
    if node.op is MEAN:
        yield "sum-for-mean", node.args, _always(SUM(*node.args, data=node.data))
    if node.op is SUM and len(node.data) == 1:
        other = tuple(1 - axis for axis in node.data)
        yield "wrong-axis", node.args, lambda: SUM(*node.args, data=other).T


def _transpose(node: Expr) -> Iterator[Change]:
    if node.name != "matmul":
        return
    a, b = node.args
    for arg in (a, b):
        name = "transpose-missing" if arg.name == "transpose" else "transpose-extra"
        about = arg.args if arg.name == "transpose" else (arg,)
        make = partial(OPS["matmul"], *((flipped(x) if x is arg else x) for x in (a, b)))
        yield name, about, make


def _term(node: Expr) -> Iterator[Change]:
    if node.name not in ("add", "sub"):
        return
    first, second = node.args
    other = "sub" if node.name == "add" else "add"
    yield "sign-inside", (_bare(second),), lambda: OPS[other](first, second)
    if not (_is_constant(first) or _is_constant(second)):
        yield "term-missing", (_bare(second),), lambda: _bare(first)
        if node.name == "add":
            yield "term-missing", (_bare(first),), lambda: _bare(second)


def _mask(node: Expr) -> Iterator[Change]:
    if node.name == "gt":
        yield "mask", (node,), lambda: OPS["gt"](*reversed(node.args))


def _is_constant(node: Expr) -> bool:
    return not any(x.is_var for x in nodes(node))


def _bare(node: Expr) -> Expr:
    return node.args[0] if node.name == "broadcast_to" else node


__all__ = ["KINDS", "PLAIN", "Mistake", "at_sizes", "mistakes"]
