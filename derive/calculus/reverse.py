"""The sweep: from the output back to every node that matters, by the pullbacks of the table.

It knows no operator by name. What leaves is a list of gradients, one a node, the node's users
before the node; each carries the rules that gave its parts and the rewrites that made it readable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from derive.calculus.simplify import Rewrite, simplify
from derive.expressions.expr import Expr, nodes

#: How a gradient is written, and the rewrites that lead there.
Form = Callable[[Expr], tuple[Expr, tuple[Rewrite, ...]]]


class Gradient(NamedTuple):
    """The gradient of the loss with respect to one node of an expression.

    `parts` are the contributions of its uses, with the name of the rule that gave each; `value` is
    their sum in textbook form, reached from `raw` by `rewrites`.
    """

    node: Expr
    value: Expr
    raw: Expr
    parts: tuple[tuple[str, Expr], ...]
    rewrites: tuple[Rewrite, ...]


def sweep(
    root: Expr, upstream: Expr, wrt: Iterable[Expr], value: Expr, form: Form = simplify
) -> dict[Expr, Gradient]:
    """Return the gradients of `root`'s nodes on the way to the leaves `wrt`, outermost first.

    `upstream` is the gradient of the loss with respect to `root`; `value` is what `root` is called
    in formulas, its name or itself. `form` is how the gradients of the leaves are written.

    >>> from derive.ops import var
    >>> from derive.expressions.shape import Shape
    >>> X, W = var("X", Shape("n", "d")), var("W", Shape("d", "m"))
    >>> g = var("g", Shape("n", "m"))
    >>> found = sweep(X @ W, g, [X, W], X @ W)
    >>> str(found[X].value), str(found[W].value)
    ('g @ W.T', 'X.T @ g')
    """
    order = nodes(root)
    active = set(wrt)
    for node in order:
        if any(arg in active for arg in node.args):
            active.add(node)
    parts: dict[Expr, list[tuple[str, Expr]]] = {root: [("upstream", upstream)]}
    gradients: dict[Expr, Gradient] = {}
    for node in reversed(order):
        if node not in active or node not in parts:
            continue
        gradient = _gathered(node, parts[node], form if node.is_var else simplify)
        gradients[node] = gradient
        data = {"data": node.data} if node.op.takes_data else {}
        own = value if node is root else node
        for arg, pullback in zip(node.args, node.op.pullbacks, strict=False):
            if arg in active:
                part = pullback.rule(gradient.value, own, *node.args, **data)
                parts.setdefault(arg, []).append((pullback.because, part))
    return gradients


def _gathered(node: Expr, parts: list[tuple[str, Expr]], form: Form) -> Gradient:
    parts = parts[::-1]  # in the order in which the program uses the node
    raw = parts[0][1]
    for _, part in parts[1:]:
        raw = raw + part
    simple, rewrites = form(raw)
    return Gradient(node, simple, raw, tuple(parts), rewrites)
