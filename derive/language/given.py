"""Functions that a program leaves open, and what a user puts for them where numbers are needed.

What enters is a program and values by name, what leaves is a program in which nothing is open, and
the values that are left. The law: a function of the table is put in with its derivative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.expressions.errors import UnsupportedError, nearest
from derive.expressions.expr import OPS, Expr, broadcast_to, elementwise, nodes, number, rebuild
from derive.expressions.program import Program, Statement
from derive.ops.elementwise import F

#: What may be put for a function that is left open.
KNOWN = tuple(name for name, op in OPS.items() if op.arity == 1 and op.derivatives)


def closed(
    program: Program, given: Mapping[str, Any] | None, *, needed: bool = True
) -> tuple[Program, Mapping[str, Any] | None]:
    """Return a program with functions put in, and the values that are numbers, `None` if none are.

    >>> from derive.language.parse import parse
    >>> program, left = closed(parse("Z: (n, d); g: entrywise; H = g(Z)"), {"g": "tanh"})
    >>> program.lines(), left
    (['H = tanh(Z)'], None)

    Raises `UnsupportedError` for a function that is not known, and for one that is `needed` and not
    given.
    """
    if not program.functions:
        return program, given
    said = {name: str(given[name]) for name in program.functions if given and name in given}
    for name, function in said.items():
        if function not in KNOWN:
            raise UnsupportedError(
                f"{name} = {function}: this is no function of one number{nearest(function, KNOWN)}",
                hint=f"there are {', '.join(KNOWN)}",
            )
    missing = [name for name in program.functions if name not in said]
    if missing and needed:
        raise UnsupportedError(
            f"{missing[0]} is any function, and any function has no numbers",
            hint=f"say which function it is: --values {missing[0]}=tanh",
        )
    left = {name: value for name, value in (given or {}).items() if name not in said}
    found = program._replace(
        statements=tuple(Statement(s.name, put_in(s.expr, said)) for s in program.statements),
        functions=tuple(missing),
    )
    return found, left or None


def put_in(root: Expr, meant: Mapping[str, str]) -> Expr:
    """Return an expression in which functions of the table stand for open ones."""
    done: dict[Expr, Expr] = {}
    for node in nodes(root):
        args = tuple(done[arg] for arg in node.args)
        name, order = node.op.left_open or ("", 0)
        if name not in meant:
            done[node] = rebuild(node, args)
            continue
        known, (x,) = OPS[meant[name]], args
        if order > 1:
            raise UnsupportedError(
                f"{node} is a derivative of the {order}th order, which is not put in",
                hint="write its formula into the program",
            )
        y = elementwise(known.name, x)
        made: Any = known.derivatives[0](F, y, x) if order else y
        done[node] = broadcast_to(made if isinstance(made, Expr) else number(made), x.shape)
    return done[root]
