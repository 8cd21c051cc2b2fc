"""Equality of expressions, looked for where they differ: f(a) = f(b) where a = b.

Two expressions enter, and what some of their names stand for; what leaves is whether they were seen
to be equal. Operators that are the same on both sides are walked past, a name is opened only where
the other side does not have it, and a judge of forms gets what is left, with a letter for each part
that both sides share. So a chain of theorems is checked one theorem at a time, however long it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from derive.expressions.expr import PRODUCT, SIGN, SUM, Expr, nodes, substitute, variables
from derive.ops import var
from derive.ops.linear import BROADCAST, MATMUL

#: So many parts of either side are compared with those of the other.
MOST_PARTS = 8


class Congruence:
    """Equality modulo `meaning`, which says what a name stands for, and `equal`, a judge of forms.

    `differ` may tell at once of two expressions that they are not equal, as numbers at a point do.
    A `definition` is put in for a name that the other side does not have, if nothing else helps.

    >>> from derive.expressions.shape import Shape
    >>> X, W, Z = var("X", Shape("n", "d")), var("W", Shape("d", "m")), var("Z", Shape("n", "m"))
    >>> meant = Congruence({Z: X @ W}.get, lambda p, q: False)
    >>> meant.holds(Z * Z + Z, (X @ W) * Z + Z), meant.holds(Z, X)
    (True, False)
    >>> defined = Congruence({}.get, lambda p, q: p is q, definition={Z: X @ W}.get)
    >>> defined.holds(Z, X @ W), defined.holds(Z, 2 * (X @ W)), defined.holds(Z, Z + Z)
    (True, False, False)
    """

    def __init__(
        self,
        meaning: Callable[[Expr], Expr | None],
        equal: Callable[[Expr, Expr], bool],
        differ: Callable[[Expr, Expr], bool] = lambda p, q: False,
        definition: Callable[[Expr], Expr | None] = lambda name: None,
    ):
        self.meaning = meaning
        self.equal = equal
        self.differ = differ
        self.definition = definition
        self.known: dict[tuple[Expr, Expr], bool] = {}

    def holds(self, p: Expr, q: Expr) -> bool:
        """Whether two expressions are seen to be equal."""
        if p is q:
            return True
        if p.shape != q.shape:
            return False
        if (p, q) not in self.known:
            self.known[p, q] = self._holds(p, q)
        return self.known[p, q]

    def _holds(self, p: Expr, q: Expr) -> bool:
        if self.differ(p, q):
            return False
        for one, other in ((p, q), (q, p)):
            meant = self.meaning(one)
            if meant is not None:
                return self.holds(meant, other)
        for goes_on in (_is_arithmetic, _is_smooth):
            lettered = self._with_letters(p, q, goes_on)
            if lettered is not None and self.equal(*lettered):
                return True
        if (p.op, p.data, len(p.args)) == (q.op, q.data, len(q.args)) and p.args:
            if all(map(self.holds, p.args, q.args)):
                return True
        if self.equal(p, q):
            return True
        opened = self._opened(p, q), self._opened(q, p)
        return opened != (p, q) and self.holds(*opened)

    def _with_letters(
        self, p: Expr, q: Expr, goes_on: Callable[[Expr], bool]
    ) -> tuple[Expr, Expr] | None:
        """Return both sides with a letter for each part, the same one for parts that are equal.

        What holds whatever the letters are holds of the parts.
        """
        parts, others = list(_parts(p, goes_on)), list(_parts(q, goes_on))
        if max(len(parts), len(others)) > MOST_PARTS or parts == [p] or others == [q]:
            return None
        letters: dict[Expr, Expr] = {}
        for part in (*parts, *others):
            like = (x for x in letters if self._may_be(x, part) and self.holds(x, part))
            same = letters.get(next(like, part))
            letters[part] = var(f"~{len(letters)}", part.shape) if same is None else same
        return substitute(p, letters), substitute(q, letters)

    def _may_be(self, p: Expr, q: Expr) -> bool:
        """Whether it is worth while to compare two parts."""
        if self.meaning(p) or self.meaning(q):
            return True
        return p.op is q.op and not p.is_var

    def _opened(self, expr: Expr, other: Expr) -> Expr:
        """Return an expression in which every name is what it stands for, or, where there is none
        left, what defines it if the other side does not have it."""
        found = {node: meant for node in nodes(expr) if (meant := self.meaning(node)) is not None}
        if not found and not any(self.meaning(node) for node in nodes(other)):
            own = set(variables(expr)) - set(variables(other))
            found = {leaf: meant for leaf in own if (meant := self.definition(leaf)) is not None}
        return substitute(expr, found) if found else expr


def _is_arithmetic(node: Expr) -> bool:
    """Whether a node is a sum, a product or a quotient of entries, or repeats them."""
    repeats = node.op is BROADCAST
    return repeats or (node.op.strength in (SUM, PRODUCT, SIGN) and node.op is not MATMUL)


def _is_smooth(node: Expr) -> bool:
    """Whether a node is arithmetic, or a function without conditions that keeps the shape."""
    keeps = node.op.style == "call" and all(arg.shape == node.shape for arg in node.args)
    return _is_arithmetic(node) or (keeps and not node.op.where(node.data, *node.args))


def _parts(root: Expr, goes_on: Callable[[Expr], bool]) -> Iterator[Expr]:
    """Yield the first nodes below a root that end what goes on from it, constants left out."""
    seen, waiting = {root}, [root]
    while waiting:
        node = waiting.pop()
        if not goes_on(node):
            if any(leaf.is_var for leaf in nodes(node)):
                yield node
            continue
        waiting += [arg for arg in node.args if arg not in seen]
        seen.update(node.args)
