"""What assumptions make of a formula: laws about matrices of which something is known.

What enters is a gradient, taken as if nothing were assumed, and what is assumed of the inputs; what
leaves is a shorter formula that is equal to it where the assumptions hold, and the steps between. A
law is a function whose docstring is its theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from derive.calculus.simplify import simplify
from derive.expressions.expr import Expr, extent_of, nodes, substitute, unrepeated
from derive.language.assumptions import implied
from derive.ops.elementwise import ABS, DIV, GREATER, MUL, POW, RELU, SIGN
from derive.ops.linear import ADD, BROADCAST, EYE, NEG, NUMBER, SUB, TRANSPOSE, ZEROS, ones
from derive.ops.reduction import ALL, ROWS, SUM
from derive.ops.square import INV

#: What is known of an input: the words that hold of it, those that follow included.
Known = Callable[[Expr], frozenset[str]]
#: Which word was used of which input.
Because = tuple[str, str]
Law = Callable[[Expr, Known], "tuple[Expr, tuple[Because, ...]] | None"]


class Use(NamedTuple):
    """One step: the whole expression before and after it, its rule, and what was assumed in it.

    Nothing is assumed in a step of plain algebra.
    """

    before: Expr
    after: Expr
    rule: str
    because: tuple[Because, ...] = ()


def under(expr: Expr, assumed: Mapping[str, frozenset[str]]) -> tuple[Expr, tuple[Use, ...]]:
    """Return an expression that is equal where the assumptions hold, and the steps to it.

    >>> from derive.language.parse import parse
    >>> program = parse("A: (n, n); x: (n, 1); y = A @ x + A.T @ x")
    >>> found, steps = under(program.statements[0].expr, {"A": frozenset({"symmetric"})})
    >>> str(found), [step.because for step in steps]
    ('2 * (A @ x)', [(('A', 'symmetric'),), ()])
    """
    words = {name: implied(given) for name, given in assumed.items()}

    def known(e: Expr) -> frozenset[str]:
        return words.get(e.data[0], frozenset()) if e.is_var else frozenset()

    steps: list[Use] = []
    seen = {expr}
    while (found := _next(expr, known)) is not None and found[0] not in seen:
        steps.append(Use(expr, found[0], "assumed", found[1]))
        expr = found[0]
        short, rewrites = simplify(expr)
        steps += [Use(r.before, r.after, r.rule) for r in rewrites]
        expr = short
        seen.add(expr)
    return expr, tuple(steps)


def _next(root: Expr, known: Known) -> tuple[Expr, tuple[Because, ...]] | None:
    for node in reversed(nodes(root)):  # the outermost first
        for law in LAWS:
            found = law(node, known)
            if found is not None and found[0] is not node:
                return substitute(root, {node: found[0]}), found[1]
    return None


# -- laws ------------------------------------------------------------------------------------------


def transposed(e: Expr, known: Known) -> tuple[Expr, tuple[Because, ...]] | None:
    """Sᵀ = S where S is symmetric."""
    if e.op is not TRANSPOSE:
        return None
    names = _symmetric(e.args[0], known)
    if not names:
        return None
    return e.args[0], tuple((name, "symmetric") for name in sorted(names))


def _symmetric(e: Expr, known: Known) -> frozenset[str] | None:
    """Return the inputs that make a matrix symmetric, `None` where it may not be.

    Inverses, transposes, sums, differences and multiples of symmetric matrices are symmetric.
    """
    if e.is_var:
        return frozenset({e.data[0]}) if "symmetric" in known(e) else None
    if e.op is EYE or e.shape.is_scalar:
        return frozenset()
    if e.op is BROADCAST:
        return frozenset() if e.args[0].shape.is_scalar else None
    if e.op not in (INV, TRANSPOSE, ADD, SUB, NEG, MUL, DIV):
        return None
    found = [_symmetric(arg, known) for arg in e.args]
    if any(names is None for names in found):
        return None
    return frozenset().union(*(names for names in found if names))


def row_sums(e: Expr, known: Known) -> tuple[Expr, tuple[Because, ...]] | None:
    """The sums of the rows are 1, and their sum is the number of rows, where rows sum to one."""
    total = unrepeated(e)  # the same column, repeated
    if total.op is not SUM or total.data == ROWS or "row-stochastic" not in known(total.args[0]):
        return None
    (T,) = total.args
    because = ((T.data[0], "row-stochastic"),)
    if total.data == ALL:
        return (extent_of(T.shape.rows), because) if total is e else None
    return ones(*e.shape.dims), because


def powers(e: Expr, known: Known) -> tuple[Expr, tuple[Because, ...]] | None:
    """bᵏ = b where b is 0 or 1 and k > 0; s² = 1 where s is 1 or -1."""
    if e.op is not POW or not e.args[0].is_var:
        return None
    (b,) = e.args
    if "binary" in known(b) and e.data > 0:
        return b, ((b.data[0], "binary"),)
    if "sign" in known(b) and e.data.denominator == 1:
        even = e.data % 2 == 0
        return ones(*e.shape.dims) if even else b, ((b.data[0], "sign"),)
    return None


def positive(e: Expr, known: Known) -> tuple[Expr, tuple[Because, ...]] | None:
    """|x| = x, relu x = x, and the sign of x and [x > 0] are 1, where x is positive."""
    if e.op not in (ABS, RELU, SIGN, GREATER) or not e.args[0].is_var:
        return None
    word = next((w for w in ("unit-interval", "positive") if w in known(e.args[0])), None)
    if word is None:
        return None
    because = ((e.args[0].data[0], word),)
    if e.op in (ABS, RELU):
        return e.args[0], because
    if e.op is SIGN or _is_zero(e.args[1]):
        return ones(*e.shape.dims), because
    return None


def _is_zero(e: Expr) -> bool:
    return e.op is ZEROS or (e.op is NUMBER and e.data == 0) or (
        e.op is BROADCAST and _is_zero(e.args[0])
    )  # fmt: skip


LAWS: tuple[Law, ...] = (transposed, row_sums, powers, positive)
