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
from derive.ops.rows import ROWWISE

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


def mixing(root: Expr) -> set[str]:
    """Return the words of the operators that make an entry of several entries.

    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, d); A = X * X + 1; B = A @ X.T; f = sum(B)")
    >>> [mixing(s.expr) for s in program.statements]
    [set(), {'matmul'}, {'sum'}]
    """
    return {node.word for node in nodes(root) if not _by_entries(node)}


def _by_entries(node: Expr) -> bool:
    """Whether an entry of a node is made of one entry of each argument."""
    arithmetic = node.op.style in ("infix", "prefix", "power") and node.op is not MATMUL
    return not node.args or arithmetic or bool(node.op.derivatives) or _is_view(node)


def spoken_parts(root: Expr) -> set[Expr]:
    """Return the parts of an expression that a lecturer would give names: what a function, or a
    matrix product, is taken of where that holds a product, functions of whole rows, and
    functions that are repeated.

    >>> from derive.language.parse import parse
    >>> gate = parse("X: (n, d); W: (d, m); c: (n, m); H = c * sigmoid(X @ W) + exp(c / 2)")
    >>> [str(part) for part in spoken_parts(gate.statements[0].expr)]
    ['X @ W']
    """
    mixed: dict[Expr, bool] = {}
    found: dict[Expr, None] = {}
    for node in nodes(root):
        inside = [mixed[arg] and not _is_view(arg) for arg in node.args]
        if node.op in ROWWISE:
            found |= dict.fromkeys((*(x for x in node.args if not x.is_var), node))
        elif node.op is BROADCAST:
            found |= dict.fromkeys(x for x in node.args if _is_function(x) and not x.args[0].is_var)
        elif _is_function(node):
            found |= dict.fromkeys(x for x, mixes in zip(node.args, inside) if mixes)
        elif node.op is MATMUL:
            found |= dict.fromkeys(x for x in node.args if x.args and _by_entries(x)
                                   and not _is_view(x) and len(variables(x)) > 1)  # fmt: skip
        mixed[node] = any(map(mixed.__getitem__, node.args)) or node.op is MATMUL
    return set(found)


def _has_name(part: Expr) -> bool:
    return part.op in ROWWISE or _is_function(part)


def _is_function(node: Expr) -> bool:
    return bool(node.op.derivatives) and node.op.style == "call"


def spoken(program: Program, choose: Choice = spoken_parts) -> Program:
    """Return a program in which the parts have names that a lecturer would speak of.

    >>> from derive.language.parse import parse
    >>> gate = parse("X: (n, d); W: (d, m); c: (n, m); i = sigmoid(X @ W); H = c * i")
    >>> [str(s) for s in spoken(gate).statements]
    ['Z = X @ W', 'i = sigmoid(Z)', 'H = c * i']
    """
    taken = (*program.leaves, *program.dims)
    roots = {name.partition("_")[0].rstrip("0123456789").lower() for name in taken}
    order = {s.name: choose(s.expr) - {s.expr} for s in program.statements}
    whole = {s: [p for p in parts if _has_name(p)] for s, parts in order.items()}
    inner = {s: [p for p in parts if not _has_name(p)] for s, parts in order.items()}
    names: dict[tuple[str, Expr], str] = {}
    for parts, pool in ((whole, "SPAQM"), (inner, "ZASUVMQ")):
        letters = (x for x in (*pool, *(f"{x}{x}" for x in pool)) if x.lower() not in roots)
        for rank in range(max(map(len, parts.values()), default=0)):
            letter = next(letters)
            roots.add(letter.lower())
            here = {s: parts[s][rank] for s in parts if len(parts[s]) > rank}
            for s, part in here.items():
                shown = letter.lower() if part.shape.is_scalar else letter
                names[s, part] = f"{shown}_{s}" if len(here) > 1 else shown
    return _with_names(program, choose, lambda s, part: names[s, part])


def _with_names(
    program: Program, choose: Choice, name_of: Callable[[str, Expr], str] | None = None
) -> Program:
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
                name = name_of(statement.name, node) if name_of else f"{shown}_{next(numbers)}"
                done[node] = names[own] = leaves[name] = var(name, own.shape)
                statements.append(Statement(name, own))
        statements.append(Statement(statement.name, done[statement.expr]))
    parts = (*program.parts, *(leaf.data[0] for leaf in names.values()))
    return program._replace(statements=tuple(statements), leaves=leaves, parts=parts)
