"""LaTeX as those who read Markdown take it: mathematics between dollars, in a dialect of each.

Enters LaTeX of ours, leaves LaTeX that means the same. The law: a reader meets no macro that it
does not know, and where Markdown is read before mathematics, nothing that Markdown would take for
its own. The sources are the readers themselves: `tests/test_builds.py` asks each of them.
"""

from __future__ import annotations

import re

from derive.expressions.layout import Box, is_sum, op, paren, row
from derive.notation.latex import BETWEEN_ROWS, latex

#: Longer mathematics does without thin spaces: each is a macro, and KaTeX expands a thousand.
CROWDED = 8000
#: What a reader has instead of a macro that it does not know, by its name.
INSTEAD = {
    "katex": {BETWEEN_ROWS: "[8pt]"},
    "github": {r"\operatorname": r"\mathrm"},
    "pandoc": {r"\Bigl": r"\bigl", r"\Bigr": r"\bigr"},
}
_ROW = re.compile(r"\\\\(?:\[\d+pt\])?\s*")
#: A hyphen in an upright name, which is no minus; `operatorname` knows it.
_HYPHEN = re.compile(r"(\\mathrm\{[a-z]+)-(?=[a-z])")
#: An underscore after anything but a letter or a digit opens emphasis, unless a space follows.
_OPENS = re.compile(r"(?<![A-Za-z0-9])_(?=\S)")


def dialect(box: Box, *readers: str) -> str:
    """Return a box as LaTeX that some readers know.

    >>> from derive.expressions.layout import word
    >>> dialect(word("tr"), "katex", "github")
    '\\\\mathrm{tr}'
    """
    shown = latex(box)
    for macro, other in (pair for reader in readers for pair in INSTEAD[reader].items()):
        shown = shown.replace(macro, other)
    shown = _HYPHEN.sub(r"\1\\text{-}", shown)
    return shown.replace(r"\,", "{}") if len(shown) > CROWDED else shown


def in_line(box: Box) -> Box:
    """Return a box without rows that a line of prose could not keep apart: cases as brackets.

    >>> from derive.expressions.layout import num
    >>> whether = row(Box("id", text="t"), op("greater"), num(0))
    >>> latex(in_line(Box("cases", (row(num(1), whether), row(num(2), whether)))))
    '[t > 0]1 + [t > 0]2'
    """
    parts = tuple(map(in_line, box.parts))
    if box.kind != "cases":
        return box if parts == box.parts else Box(box.kind, parts, box.text)
    found: list[Box] = []
    for value, where in (case.parts for case in parts):
        whole = paren(value) if is_sum(value) else value
        found += (op("plus"), paren(where, "iverson"), whole)
    return row(*found[1:])


def as_prose(tex: str) -> str:
    """Return mathematics that stays as it is where Markdown reads it as words.

    A backslash before punctuation is taken away, but from the two at the end of a line, what stands
    between two underscores may be emphasised, and a bracket before another reads as a link.

    >>> print(as_prose(r"x\\,\\mathbf{1}_{n}"))
    x\\hspace{2pt}\\mathbf{1}_ {n}
    """
    tex = _ROW.sub(r"\\\\" + "\n", tex).replace(r"\,", r"\hspace{2pt}")
    return _OPENS.sub("_ ", tex.replace("](", "] ("))
