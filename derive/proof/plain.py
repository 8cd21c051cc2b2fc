"""Mathematics of a proof in input syntax, for machines that read a trace.

Enters a side of a step, leaves its text, entries as `X[i, k]`. The law: what the input syntax has
is written in it, and can be parsed again.
"""

from __future__ import annotations

from collections.abc import Iterable

from derive.calculus.index import Index, Scalar
from derive.expressions.expr import Expr
from derive.proof.derivation import EntryOf, Explicit, Grid, Math, Slice

#: The kinds of scalars by what they hold, and those by their arguments.
HELD = {
    "num": "{0}", "size": "{0}", "det": "det({0[0]})",
    "delta": "delta[{0[0]}, {0[1]}]", "le": "[{0[0]} <= {0[1]}]",
    "inverse": "inv({0[0]})[{0[4]}, {0[5]}]",
}  # fmt: skip
MADE = {
    "partial": "d{1}/d{2}", "pow": "({1}) ** ({0})", "sum": "sum({0[0]} < {0[1]}: {1})",
}  # fmt: skip


def plain(math: Math) -> str:
    """Return mathematics in input syntax.

    >>> from derive.expressions.shape import Shape
    >>> from derive.ops import var
    >>> plain(EntryOf(var("X", Shape("n", "n")).T, ("i", "k")))
    '(X.T)[i, k]'
    """
    match math:
        case Expr():
            return str(math)
        case Explicit(expr):
            return f"written out: {expr}"
        case EntryOf(expr, place):
            return f"({expr}){_at(place)}"
        case Scalar("entry", _, (name, *place)):
            return f"{name}{_at(place)}"
        case Slice(of, wrt):
            return f"d{of}/d{plain(wrt)}"
        case Grid(tree, words, _):
            return f"[{plain(tree)} for {', '.join(words)}]"
    args = [plain(arg) for arg in math.args]
    if math.kind in ("add", "mul"):
        return f"({' + '.join(args)})" if math.kind == "add" else " * ".join(args)
    known = HELD.get(math.kind) or MADE.get(math.kind)
    return known.format(math.data, *args) if known else f"{math.data}({', '.join(args)})"


def _at(place: Iterable[Index]) -> str:
    return f"[{', '.join(map(str, place))}]"
