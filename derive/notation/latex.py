"""Boxes to LaTeX that amsmath, KaTeX and MathJax all read."""

from __future__ import annotations

import re

from derive.expressions.layout import Box
from derive.notation.signs import ACCENTS, FUNCTIONS, GREEK, SIGNS, accented, spelled
from derive.notation.widths import fitting, is_tall

_BRACKETS = {
    "round": (r"\left(", r"\right)"),
    "square": (r"\left[", r"\right]"),
    "bars": (r"\left\lvert ", r"\right\rvert "),
    "double-bars": (r"\left\lVert ", r"\right\rVert "),
    "iverson": ("[", "]"),
    "flat": ("(", ")"),
}
#: Brackets of a fixed size, between which lines may break.
_FIXED = {
    "round": (r"\Bigl(", r"\Bigr)"),
    "square": (r"\Bigl[", r"\Bigr]"),
    "bars": (r"\Bigl\lvert ", r"\Bigr\rvert "),
    "iverson": (r"\Bigl[", r"\Bigr]"),
    "flat": (r"\bigl(", r"\bigr)"),
}
_MATRICES = {"round": "pmatrix", "square": "bmatrix"}
#: A space between rows of a matrix that the depth of a cell does not swallow.
BETWEEN_ROWS = "\n\\noalign{\\vskip 8pt}"
SLOT = re.compile("\x01(\\w+)\x02")
_COMMAND = re.compile(r"\\[A-Za-z]+$")


def latex(box: Box) -> str:
    """Return a box as LaTeX.

    >>> from derive.expressions.layout import frac, num, word
    >>> latex(frac(num(1), word("tr")))
    '\\\\frac{1}{\\\\operatorname{tr}}'
    """
    found = box.known.get("latex")
    if found is None:
        found = box.known["latex"] = _latex(box)
    return found


def _latex(box: Box) -> str:
    text = box.text
    match box.kind:
        case "id":
            return _name(text)
        case "num" | "rounded" | "raw":
            return text
        case "op":
            return SIGNS[text].latex
        case "word":
            return f"\\{text}" if text in FUNCTIONS else rf"\operatorname{{{text}}}"
        case "slot":
            return f"\x01{text}\x02"
        case "gap":
            return rf"\text{{({text})}}\ ?"
        case "cases":
            cases = (" & ".join(map(latex, line.parts)) for line in box.parts)
            return "\\begin{cases}\n" + " \\\\\n".join(cases) + "\n\\end{cases}"
        case "matrix":
            return matrix([[latex(cell) for cell in line.parts] for line in box.parts], text)
        case "open" | "close":
            return _FIXED[text][box.kind == "close"]
    parts = [latex(part) for part in box.parts]
    match box.kind:
        case "row":
            return _joined(parts)
        case "index":
            return f"{parts[0]}_{{{parts[1]}}}"
        case "sup":
            return f"{parts[0]}^{{{parts[1]}}}"
        case "frac":
            return rf"\frac{{{parts[0].strip()}}}{{{parts[1].strip()}}}"
        case "root":
            return rf"\sqrt{{{parts[0]}}}"
        case "paren":
            left, right = _BRACKETS[fitting(box)]
            return f"{left}{parts[0]}{right}"
        case "under":
            return rf"\underset{{{parts[1]}}}{{{parts[0]}}}"
        case "sum":
            return rf"\sum_{{{parts[0]}}}^{{{parts[1]}}} "
        case "frame":
            return rf"\boxed{{{parts[0]}}}"
        case "at":
            return rf"\left.{parts[0]}\right\rvert_{{{parts[1]}}}"
        case "filled":
            return _filled(box.parts[0], dict(zip(text.split(), parts[1:], strict=True)))
        case "lines":  # aligned sets displays, and the other cells of a matrix are smaller
            air = "[3pt]" if any(map(is_tall, box.parts)) else ""
            lines = rf" \\{air} ".join(rf"& \textstyle {part}" for part in parts)
            return rf"\begin{{aligned}} {lines} \end{{aligned}}"
    raise AssertionError(f"no LaTeX for a box of kind {box.kind}")


def matrix(rows: list[list[str]], brackets: str) -> str:
    """Return printed cells as a matrix."""
    name = _MATRICES[brackets]
    inside = "".join(cell for cells in rows for cell in cells)
    space = "[6pt]" if r"\frac" in inside else "[2pt]" if "}_{" in inside and "^{" in inside else ""
    if r"\begin" in inside:  # cells of several lines, whose depth would swallow a space
        space = BETWEEN_ROWS
    body = f" \\\\{space}\n".join(" & ".join(cells) for cells in rows)
    return f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}"


def _name(text: str) -> str:
    bare, accent = accented(text)
    if accent:
        return f"{ACCENTS[accent][0]}{{{_name(bare)}}}"
    letter = spelled(text)
    if letter in GREEK:
        return f"\\{letter}"
    return text if len(text) == 1 else rf"\mathit{{{text}}}"


def _joined(parts: list[str]) -> str:
    """Join parts, keeping a command apart from a letter that would run into it."""
    found, last = [], ""
    for part in parts:
        if part[:1].isalpha() and "\\" in last and _COMMAND.search(last):
            found.append(" ")
        found.append(part)
        last = part or last
    return "".join(found)


def _filled(template: Box, names: dict[str, str]) -> str:
    """Return a printed layout with its slots filled; its text is taken apart once."""
    pieces = template.known.get("pieces")
    if pieces is None:
        pieces = template.known["pieces"] = SLOT.split(latex(template))
    found = list(pieces)
    for at in range(1, len(found), 2):
        found[at] = names.get(found[at]) or f"\x01{found[at]}\x02"
    return "".join(found)
