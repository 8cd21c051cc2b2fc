"""Names for what the derivatives of functions of whole rows are made of: S of softmax(X).

A program enters; leaves the same program with a name for each softmax that a derivative of one of
its statements has in it and that the program does not name. The law: such a name is nobody's
variable, it stands in proofs alone and is unfolded wherever one is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.expressions.expr import Expr, nodes, variables
from derive.expressions.program import Program, Statement
from derive.ops import var
from derive.ops.rows import ROWWISE, SOFTMAX
from derive.proof.naming import FreeLetters

#: The letters of a softmax, the usual one first.
LETTERS = "SPA"


def with_shares(program: Program, statements: Iterable[Statement]) -> Program:
    """Return a program with names for the softmaxes behind the derivatives of some statements.

    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, m); S: (n, 1); y = S * logsumexp(X)")
    >>> [str(s) for s in with_shares(program, program.statements).besides]
    ['P = softmax(X)']
    """
    free, found = FreeLetters(program), dict[Expr, str]()
    for statement in statements:
        known = {value for _, value in _named(program, statement)}
        for value in _softmaxes(statement):
            if value not in known and value not in found:
                found[value] = free.letter(LETTERS, "", small=False)
    leaves = {name: var(name, value.shape) for value, name in found.items()}
    besides = tuple(Statement(name, value) for value, name in found.items())
    return program._replace(leaves={**program.leaves, **leaves}, besides=besides)


def shares(program: Program, statement: Statement) -> Iterator[Statement]:
    """Yield the names, and what they stand for, of the softmaxes behind a statement's derivatives.

    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, m); S = softmax(X); L = sum(S * S) + sum(logsumexp(X))")
    >>> [[str(share) for share in shares(program, s)] for s in program.statements]
    [['S = softmax(X)'], []]
    """
    named = {value: name for name, value in _named(program, statement)}
    for value in _softmaxes(statement):
        if value in named:
            yield Statement(named[value], value)


def _softmaxes(statement: Statement) -> dict[Expr, None]:
    """Return softmax(A) for every function of rows that is taken of A."""
    rows = (node.args[0] for node in nodes(statement.expr) if node.op in ROWWISE)
    return dict.fromkeys(SOFTMAX(arg) for arg in rows if variables(arg))


def _named(program: Program, statement: Statement) -> Iterator[tuple[str, Expr]]:
    """Yield what has a name that a proof about a statement may unfold: none of its variables."""
    taken = {leaf.data[0] for leaf in variables(statement.expr)}
    yield from (s for s in (*program.statements, *program.besides) if s.name not in taken)
