"""The functions of the language as the manual lists them, taken from the table."""

from __future__ import annotations

from derive.language.scope import BY_AXIS, FUNCTIONS
from derive.ops import OPS


def manual() -> dict[str, list[str]]:
    """Return every function of the language, by what it is a function of.

    >>> manual()["several matrices, entry by entry"]
    ['where(A, B, C)', 'max(A, B)', 'min(A, B)']
    >>> manual()["a matrix, a row or a column, by axis"]
    ['sum', 'mean', 'max', 'min']
    """
    found: dict[str, list[str]] = {
        kind: []
        for kind in (
            "each entry",
            "several matrices, entry by entry",
            "a matrix, a row or a column, by axis",
            "a whole matrix",
            "a shape",
        )
    }
    entrywise, several, by_axis, whole, shaped = found.values()
    for name in FUNCTIONS:
        op = OPS[name]
        if name in BY_AXIS:
            by_axis.append(name)
        if op.takes_data and not op.axes:
            shaped.append(name)
        elif op.derivatives and op.arity == 1:
            entrywise.append(name)
        elif op.arity > 1:
            (several if op.derivatives else whole).append(f"{name}({', '.join('ABC'[: op.arity])})")
        elif name not in by_axis:
            whole.append(name)
    return found
