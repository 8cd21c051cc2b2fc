"""Names that can be exchanged in a statement: X with H and W with U in X W + H U.

Enters a statement's formula and the gradients by its variables; leaves the names whose exchange
makes one gradient of another and leaves the formula as it is. A judge sees that it does.
"""

from __future__ import annotations

from collections.abc import Mapping

from derive.expressions.expr import Expr, substitute, variables
from derive.proof.kinds import matched, unordered


def exchanged(
    expr: Expr, known: Mapping[Expr, Expr], leaf: Expr, formula: Expr
) -> dict[Expr, Expr]:
    """Return what to exchange, both ways, so that the proof about one of the `known` variables is
    that about `leaf`; nothing where there is no such exchange.

    >>> from derive.language.parse import parse
    >>> from derive.ops import var
    >>> program = parse("X: (n, d); W: (d, m); H: (n, k); U: (k, m); Z = X @ W + H @ U")
    >>> X, W, H, U = map(program.leaves.get, "XWHU")
    >>> g = var("dZ", program.output.shape)
    >>> found = exchanged(program.statements[0].expr, {X: g @ W.T}, H, g @ U.T)
    >>> {str(a): str(b) for a, b in found.items()}
    {'X': 'H', 'W': 'U', 'H': 'X', 'U': 'W'}
    """
    own = set(variables(expr))
    for other, said in known.items():
        put_in = matched(said, formula)
        if put_in is None:
            continue
        pairs = {other: leaf}
        leaves = {x.data[0]: x for x in variables(said)}
        pairs |= {leaves[name]: y for name, y in put_in.names.items() if leaves[name] is not y}
        if not own.issuperset(pairs) or not own.issuperset(pairs.values()):
            continue
        both = dict(pairs)
        for a, b in pairs.items():
            both.setdefault(b, a)
        if any(both[both[a]] is not a for a in both):
            continue
        if unordered(substitute(expr, both)) == unordered(expr):
            return both
    return {}
