"""Names for the parts of deep statements: Y = relu(relu(X W) V) is H = relu(X W), Y = relu(H V).

A program enters, and what leaves are the same program with more statements. Every statement is a
theorem of its own, so what is too large to be judged at once is judged part by part, and the
gradient of the whole follows by substitution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from derive.expressions.expr import Expr, nodes, rebuild, substitute, variables
from derive.expressions.program import Program, Statement
from derive.ops import var
from derive.ops.linear import BROADCAST, MATMUL, TRANSPOSE

Choice = Callable[[Expr], set[Expr]]


def taken_apart(program: Program) -> Iterator[Program]:
    """Yield a program with names for parts of its statements: few of them first, then for all.

    >>> from derive.language.parse import parse
    >>> deep = parse("X: (n, d); W: (d, m); V: (m, k); Y = relu(relu(X @ W) @ V)")
    >>> [str(s) for s in next(taken_apart(deep)).statements]
    ['T_1 = relu(X @ W)', 'Y = relu(T_1 @ V)']
    """
    known = [program.statements]
    for choose in (operands_of_sums, every_part):
        found = _with_names(program, choose)
        if found.statements not in known:
            known.append(found.statements)
            yield found


def folded(program: Program, expr: Expr) -> Expr:
    """Return an expression in which the parts of a program that have names stand by them."""
    for statement in program.statements:
        if statement.name in program.parts:
            expr = substitute(expr, {statement.expr: program.leaves[statement.name]})
    return expr


def operands_of_sums(root: Expr) -> set[Expr]:
    """Return what products and sums are taken of that holds a product or a sum itself."""
    sums: dict[Expr, bool] = {}
    found: set[Expr] = set()
    for node in nodes(root):
        inside = any(sums[arg] for arg in node.args)
        sums[node] = inside or not _by_entries(node)
        if not _by_entries(node):
            found.update(arg for arg in node.args if sums[arg])
    return found


def every_part(root: Expr) -> set[Expr]:
    """Return every part of an expression that varies, but what is repeated or turned over."""
    return {node for node in nodes(root) if not _is_view(node)}


def _is_view(node: Expr) -> bool:
    return node.op in (BROADCAST, TRANSPOSE)


def _by_entries(node: Expr) -> bool:
    """Whether an entry of a node is made of one entry of each argument."""
    arithmetic = node.op.style in ("infix", "prefix", "power") and node.op is not MATMUL
    return not node.args or arithmetic or bool(node.op.derivatives) or _is_view(node)


def _with_names(program: Program, choose: Choice) -> Program:
    """Return a program with a statement for each part that is chosen; equal parts share one."""
    letter, numbers = program.free_letter(), count(1)
    leaves, statements = dict(program.leaves), list[Statement]()
    names: dict[Expr, Expr] = {}
    for statement in program.statements:
        chosen = choose(statement.expr) - {statement.expr}
        done: dict[Expr, Expr] = {}
        for node in nodes(statement.expr):
            own = rebuild(node, tuple(done[arg] for arg in node.args))
            done[node] = names.get(own, own)
            if node in chosen and node.args and own not in names and variables(own):
                shown = letter if own.shape.is_scalar else letter.upper()
                name = f"{shown}_{next(numbers)}"
                done[node] = names[own] = leaves[name] = var(name, own.shape)
                statements.append(Statement(name, own))
        statements.append(Statement(statement.name, done[statement.expr]))
    parts = tuple(leaf.data[0] for leaf in names.values())
    return program._replace(statements=tuple(statements), leaves=leaves, parts=parts)
