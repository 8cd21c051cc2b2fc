"""The subcommand that lists programs with a name, and the functions of the language."""

from __future__ import annotations

from dataclasses import asdict

from derive.command.options import command, option
from derive.command.terminal import say, say_json


@command(
    option("--json", "as_json", is_flag=True, help="Print every entry with its program."),
    option("--functions", is_flag=True, help="List the functions of the language instead."),
    name="list",
)
def catalogue(as_json: bool, functions: bool) -> int:
    """List the catalogue: programs that a name stands for."""
    from derive.catalogue import load, names

    if functions:
        for kind, known in manual().items():
            say(f"{kind}: {' '.join(known) if '(' not in known[0] else ', '.join(known)}")
        return 0
    entries = [load(name) for name in names()]
    if as_json:
        say_json([{k: v for k, v in asdict(e).items() if k != "assume"} for e in entries])
        return 0
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        say(f"{entry.name:<{width}}  {entry.title}")
    return 0


def manual() -> dict[str, list[str]]:
    """Return every function of the language, by what it is a function of.

    >>> manual()["several matrices, entry by entry"]
    ['leaky_relu(A, B)', 'where(A, B, C)', 'max(A, B)', 'min(A, B)']
    >>> manual()["a matrix, a row or a column, by axis"]
    ['sum', 'mean', 'prod', 'cumsum', 'max', 'min']
    """
    from derive.language.scope import BY_AXIS, FUNCTIONS
    from derive.ops import OPS

    found: tuple[list[str], ...] = ([], [], [], [], [])
    entrywise, several, by_axis, whole, shaped = found
    for name in FUNCTIONS:
        op = OPS[name]
        if name in BY_AXIS:
            by_axis.append(name)
        if op.takes_data and not op.axes:
            shaped.append(name)
        elif op.arity > 1:
            (several if op.derivatives else whole).append(f"{name}({', '.join('ABC'[: op.arity])})")
        elif op.derivatives:
            entrywise.append(name)
        elif name not in by_axis:
            whole.append(name)
    kinds = ("each entry", "several matrices, entry by entry",
             "a matrix, a row or a column, by axis", "a whole matrix", "a shape")  # fmt: skip
    return dict(zip(kinds, found, strict=True))
