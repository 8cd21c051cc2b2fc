"""Boxes to LaTeX that amsmath, KaTeX and MathJax all read."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from derive.expressions.layout import Box, frac, op, raw, row, sup
from derive.notation.signs import FUNCTIONS, GREEK, SIGNS, spelled
from derive.notation.widths import fitting

#: So many widths are remembered: a display is measured in every font in which it may fit.
MOST_WIDTHS = 20_000

_BRACKETS = {
    "round": (r"\left(", r"\right)"),
    "square": (r"\left[", r"\right]"),
    "bars": (r"\left\lvert ", r"\right\rvert "),
    "norm": (r"\left\lVert ", r"\right\rVert "),
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
        case "matrix":
            return matrix([[latex(cell) for cell in line.parts] for line in box.parts], text)
        case "open" | "close":
            return _FIXED[text][box.kind == "close"]
    parts = [latex(part) for part in box.parts]
    match box.kind:
        case "row":
            return _joined(parts)
        case "sub":
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
            lines = r" \\ ".join(rf"& \textstyle {part}" for part in parts)
            return rf"\begin{{aligned}} {lines} \end{{aligned}}"
    raise AssertionError(f"no LaTeX for a box of kind {box.kind}")


def matrix(rows: list[list[str]], brackets: str) -> str:
    """Return printed cells as a matrix."""
    name = _MATRICES[brackets]
    inside = "".join(cell for cells in rows for cell in cells)
    space = "[6pt]" if r"\frac" in inside else ""
    if r"\begin" in inside:  # cells of several lines, whose depth would swallow a space
        space = "\n\\noalign{\\vskip 8pt}"
    body = f" \\\\{space}\n".join(" & ".join(cells) for cells in rows)
    return f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}"


def broken(box: Box, most: float) -> list[str]:
    """Return a formula as lines no wider than `most` where it can be broken.

    It breaks before + and -, then between factors, then inside the brackets of what is still too
    wide; a fraction with a long numerator becomes a factor before it.

    >>> from derive.expressions.layout import num, op, row
    >>> broken(row(num(1), op("plus"), num(2), op("minus"), num(3)), 5)
    ['1 + 2', '{} - 3']
    """
    whole = latex(box)
    if width(whole) <= most:
        return [whole]
    lines: list[str] = []
    used = 0.0
    for piece in _pieces(box, most - 3):
        text = latex(row(*piece))
        wide = width(text)
        if lines and used + wide <= most - (2 if len(lines) > 1 else 0):
            lines[-1] = _joined([lines[-1], text])
            used += wide
        else:
            lines.append(_continued(piece) if lines else text)
            used = wide + (2 if len(lines) > 1 else 0)
    return lines


@lru_cache(MOST_WIDTHS)
def width(text: str) -> float:
    """Return roughly how wide a displayed formula is, in widths of a digit of Computer Modern."""
    return _width(_tokens(text), 0, style=0)[0]


# -- details ---------------------------------------------------------------------------------------


def _name(text: str) -> str:
    letter = spelled(text)
    if letter in GREEK:
        return f"\\{letter}"
    return text if len(text) == 1 else rf"\mathit{{{text}}}"


def _joined(parts: list[str]) -> str:
    """Join parts, keeping a command apart from a letter that would run into it."""
    result = ""
    for part in parts:
        if part[:1].isalpha() and _COMMAND.search(result):
            result += " "
        result += part
    return result


def _filled(template: Box, names: dict[str, str]) -> str:
    """Return a printed layout with its slots filled; its text is taken apart once."""
    pieces = template.known.get("pieces")
    if pieces is None:
        pieces = template.known["pieces"] = SLOT.split(latex(template))
    found = list(pieces)
    for at in range(1, len(found), 2):
        found[at] = names.get(found[at]) or f"\x01{found[at]}\x02"
    return "".join(found)


# -- breaking --------------------------------------------------------------------------------------

_SIGNS = ("plus", "minus")
_BETWEEN = ("odot", "otimes", "oslash", "cdot", "thin")


def _flat(box: Box) -> list[Box]:
    """Return what stands side by side, rows within rows spread out."""
    if box.kind != "row":
        return [box]
    return [inner for part in box.parts for inner in _flat(part)]


def _pieces(box: Box, most: float) -> list[list[Box]]:
    """Return a formula as pieces that may begin a line, none wider than `most` if that can be."""
    pieces: list[list[Box]] = []
    for term in _split(_flat(box), lambda part, before: part.kind == "op" and part.text in _SIGNS):
        if _measured(term) <= most:
            pieces.append(term)
            continue
        if max((_measured([part]) for part in term), default=0) > 0.7 * _measured(term):
            pieces += _opened(term, most)  # one bracket, and little beside it
            continue
        for factor in _split(term, _begins_factor):
            pieces += [factor] if _measured(factor) <= most else _opened(factor, most)
    return pieces


def _split(parts: list[Box], begins: Callable[[Box, Box], bool]) -> list[list[Box]]:
    groups = [parts[:1]]
    for before, part in pairwise(parts):
        if begins(part, before):
            groups.append([])
        groups[-1].append(part)
    return groups


def _begins_factor(part: Box, before: Box) -> bool:
    """Whether a line may break before a factor: not between a function and its argument."""
    if part.kind == "op":
        return part.text in _BETWEEN
    head = before.parts[0] if before.kind in ("sup", "sub") else before
    if head.kind in ("word", "sum", "op"):
        return False
    return part.kind in ("paren", "frac", "sum") or (
        part.kind in ("sub", "sup") and part.parts[0].kind == "paren"
    )


def _opened(parts: list[Box], most: float) -> list[list[Box]]:
    """Return a piece with its widest brackets of fixed size, so that lines may break inside."""
    places = [k for k, part in enumerate(parts) if _inside(part) is not None]
    if not places:
        return [parts]
    place = max(places, key=lambda k: _measured([parts[k]]))
    before, inner, after = _inside(parts[place])  # type: ignore[misc]
    pieces = _pieces(inner, most - 3)
    if len(pieces) == 1 and not before:
        return [parts]
    pieces[0] = [*parts[:place], *before, *pieces[0]]
    pieces[-1] = [*pieces[-1], after, *parts[place + 1 :]]
    return pieces


def _inside(box: Box) -> tuple[list[Box], Box, Box] | None:
    """Return what a box is when its brackets are open: the beginning, the inner part, the end."""
    match box.kind:
        case "paren":
            left, right = _FIXED[box.text]
            return [raw(left)], box.parts[0], raw(right)
        case "sup" | "sub" if box.parts[0].kind == "paren":
            before, inner, after = _inside(box.parts[0])  # type: ignore[misc]
            return before, inner, Box(box.kind, (after, box.parts[1]))
        case "root":
            left, right = _FIXED["round"]
            half = r"\odot 1/2" if box.text == "entrywise" else "1/2"
            return [raw(left)], box.parts[0], sup(raw(right), raw(half))
        case "frac":
            top, bottom = box.parts
            if _measured([top]) > _measured([bottom]):
                left, right = _FIXED["round"]
                return [frac(raw("1"), bottom), raw(left)], top, raw(right)
    return None


def _measured(parts: list[Box]) -> float:
    return sum(width(latex(part)) for part in parts)


def _continued(piece: list[Box]) -> str:
    """Return a piece at the beginning of a line, its sign before it."""
    first = piece[0]
    if first.kind == "op" and first.text in (*_SIGNS, *_BETWEEN):
        piece = piece[1:]
        sign = op("cdot") if first.text == "thin" else first
    else:
        sign = op("cdot")
    return "{}" + latex(row(sign, *piece))


# -- width -----------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.| [-+] |[{}^_&]|\s+|.")
#: Widths of the letters of Computer Modern's math italic, in thousandths of an em.
_LETTERS = dict(zip(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    (529, 429, 433, 520, 466, 490, 477, 576, 345, 412, 521, 298, 878, 600, 485, 503, 446, 451, 469,
     361, 572, 485, 716, 572, 490, 465, 750, 759, 715, 828, 738, 643, 786, 831, 439, 554, 849, 681,
     970, 803, 763, 642, 791, 759, 613, 584, 683, 583, 944, 828, 581, 683), strict=True,
))  # fmt: skip
_SIZES = (1.0, 1.0, 0.73, 0.55)  # of display, text, script and scriptscript style
_ORDINARY = {"(": 0.78, ")": 0.78, "[": 0.56, "]": 0.56, ",": 0.89, "/": 1.0, "-": 1.56,
             r"\top": 1.56, r"\partial": 1.06, r"\infty": 2.0, r"\cdots": 2.7, r"\vdots": 0.56,
             r"\ddots": 2.6, r"\,": 0.33, r"\ ": 0.67, r"\quad": 2.0, r"\qquad": 4.0,
             r"\lvert": 0.56, r"\rvert": 0.56}  # fmt: skip
_BINARY = {" + ": 1.56, " - ": 1.56, r"\odot": 1.56, r"\otimes": 1.56, r"\oslash": 1.56,
           r"\times": 1.56, r"\cdot": 0.56}  # fmt: skip
_RELATIONS = {"=": 1.56, "+": 1.56, r"\gt": 1.56, r"\le": 1.56, r"\ne": 1.56}
_FIXED_SIZES = {r"\bigl", r"\bigr", r"\Bigl", r"\Bigr"}
_ALPHABETS = {r"\mathbf", r"\mathit", r"\operatorname", r"\mathrm"}


def _tokens(text: str) -> list[str]:
    return [token for token in _TOKEN.findall(text) if not token.isspace()]


def _width(tokens: list[str], at: int, closing: str = "", style: int = 0) -> tuple[float, int]:
    total = 0.0
    columns: list[float] = []  # of a matrix, whose cells stand under each other
    column = 0
    scale = _SIZES[style]
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token == closing:
            break
        if token == r"\frac":
            top, at = _argument(tokens, at, min(style + 1, 3))
            bottom, at = _argument(tokens, at, min(style + 1, 3))
            total += max(top, bottom) + 0.5
        elif token == r"\underset":
            below, at = _argument(tokens, at, 2)
            base, at = _argument(tokens, at, style)
            total += max(below, base)
        elif token == r"\sqrt":
            inner, at = _argument(tokens, at, style)
            total += inner + 1.8
        elif token == r"\sum":
            below, above, at = _scripts(tokens, at, 2)
            total += 0.4 + (max(2.9, below, above) if style == 0 else 2.1 + max(below, above))
        elif token in ("^", "_"):
            below, above, at = _scripts(tokens, at - 1, max(2, min(style + 1, 3)))
            total += max(below, above) + 0.1
        elif token == r"\begin":
            _, end = _argument(tokens, at, style)
            free = tokens[at + 1 : end - 1] == [*"aligned"]
            inner, at = _width(tokens, end, r"\end", 0 if free else max(style, 1))
            _, at = _argument(tokens, at, style)
            total += inner + (-2 if free else 3.5)
        elif token == "{":
            inner, at = _width(tokens, at, "}", style)
            total += inner
        elif token in _ALPHABETS:
            begin = at
            _, at = _argument(tokens, at, style)
            total += 1.06 * max(at - begin - 2, 1) * scale + (0.4 if token != r"\mathbf" else 0.1)
        elif token in (r"\\", "&"):
            _widen(columns, column, total)
            total, column = 0.0, column + 1 if token == "&" else 0
            if token != "&" and tokens[at : at + 1] == ["["]:
                at = tokens.index("]", at) + 1
        elif token in (r"\left", r"\right"):
            total += 0.7  # beyond the bracket's own small size
        elif token in _FIXED_SIZES:
            total += 0.4
        elif token in _BINARY:
            total += _BINARY[token] * scale + (0.9 if style < 2 else 0)
        elif token in _RELATIONS:
            total += _RELATIONS[token] * scale + (1.12 if style < 2 else 0)
        elif token in _ORDINARY:
            total += _ORDINARY[token] * scale
        elif token[0] == "\\" and token[1:] in FUNCTIONS:
            total += (len(token) - 1) * scale + 0.4
        else:
            total += _LETTERS.get(token, 500 if token.isdigit() else 570) / 500 * scale
    if columns:
        _widen(columns, column, total)
        total = sum(columns) + 2.0 * (len(columns) - 1)
    return total, at


def _widen(columns: list[float], column: int, size: float) -> None:
    """Enter the width of a cell into the widths of the columns."""
    if column < len(columns):
        columns[column] = max(columns[column], size)
    else:
        columns.append(size)


def _scripts(tokens: list[str], at: int, style: int) -> tuple[float, float, int]:
    """Return the widths below and above that begin at a place, and where they end."""
    below = above = 0.0
    while at < len(tokens) and tokens[at] in ("^", "_"):
        size, end = _argument(tokens, at + 1, style)
        below, above = (max(below, size), above) if tokens[at] == "_" else (below, max(above, size))
        at = end
    return below, above, at


def _argument(tokens: list[str], at: int, style: int) -> tuple[float, int]:
    if at < len(tokens) and tokens[at] == "{":
        return _width(tokens, at + 1, "}", style)
    return (1.1 * _SIZES[style], at + 1)
