"""Boxes to LaTeX that amsmath, KaTeX and MathJax all read."""

from __future__ import annotations

import re

from derive.layout import Box

GREEK = (
    *"alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho".split(),
    *"sigma tau upsilon phi chi psi omega".split(),
    *"Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(),
)
_OPERATORS = {
    "partial": r"\partial ",
    "delta": r"\delta",
    "odot": r" \odot ",
    "entrywise": r"\odot ",
    "oslash": r" \oslash ",
    "cdot": r" \cdot ",
    "times": r"\times ",
    "plus": " + ",
    "minus": " - ",
    "negative": "-",
    "equals": " = ",
    "greater": r" \gt ",
    "not-equal": r" \ne ",
    "top": r"\top",
    "ones": r"\mathbf{1}",
    "zeros": r"\mathbf{0}",
    "sigma": r"\sigma",
    "comma": ",",
    "comma-space": r",\ ",
    "thin": r"\,",
    "cdots": r"\cdots",
    "vdots": r"\vdots",
    "ddots": r"\ddots",
}
_FUNCTIONS = frozenset("exp log sin cos tan sinh cosh tanh max min".split())
_BRACKETS = {
    "round": (r"\left(", r"\right)"),
    "square": (r"\left[", r"\right]"),
    "bars": (r"\left\lvert ", r"\right\rvert "),
    "iverson": ("[", "]"),
    "flat": ("(", ")"),
}
_MATRICES = {"round": "pmatrix", "square": "bmatrix"}
SLOT = re.compile("\x01(\\w+)\x02")


def latex(box: Box) -> str:
    """Return a box as LaTeX.

    >>> from derive.layout import frac, num, word
    >>> latex(frac(num(1), word("tr")))
    '\\\\frac{1}{\\\\operatorname{tr}}'
    """
    text = box.text
    match box.kind:
        case "id":
            return _name(text)
        case "num" | "raw":
            return text
        case "op":
            return _OPERATORS[text]
        case "word":
            return f"\\{text}" if text in _FUNCTIONS else rf"\operatorname{{{text}}}"
        case "slot":
            return f"\x01{text}\x02"
        case "matrix":
            return matrix([[latex(cell) for cell in line.parts] for line in box.parts], text)
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
            left, right = _BRACKETS[_fitting(text, parts[0])]
            return f"{left}{parts[0]}{right}"
        case "under":
            return rf"\underset{{{parts[1]}}}{{{parts[0]}}}"
        case "sum":
            return rf"\sum_{{{parts[0]}}}^{{{parts[1]}}} "
        case "at":
            return rf"\left.{parts[0]}\right\rvert_{{{parts[1]}}}"
    raise AssertionError(f"no LaTeX for a box of kind {box.kind}")


def matrix(rows: list[list[str]], brackets: str) -> str:
    """Return printed cells as a matrix."""
    name = _MATRICES[brackets]
    tall = any(r"\frac" in cell for cells in rows for cell in cells)
    body = (" \\\\[6pt]\n" if tall else " \\\\\n").join(" & ".join(cells) for cells in rows)
    return f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}"


def broken(terms: list[str], most: float) -> list[str]:
    """Return the terms of a sum as lines no wider than `most`; every term but the first is signed."""
    lines, used = [terms[0]], width(terms[0])
    for term in terms[1:]:
        wide = width(term)
        if used + wide > most:
            lines.append("{}" + term.lstrip())
            used = wide + 2
        else:
            lines[-1] += term
            used += wide
    return lines


def width(text: str) -> float:
    """Return roughly how wide a formula is, in widths of a digit."""
    return _width(_tokens(text), 0)[0]


# -- details ---------------------------------------------------------------------------------------


def _name(text: str) -> str:
    if text in GREEK:
        return f"\\{text}"
    return text if len(text) == 1 else rf"\mathit{{{text}}}"


def _joined(parts: list[str]) -> str:
    """Join parts, keeping a command apart from a letter that would run into it."""
    result = ""
    for part in parts:
        if part[:1].isalpha() and re.search(r"\\[A-Za-z]+$", result):
            result += " "
        result += part
    return result


def _fitting(kind: str, inner: str) -> str:
    """Small brackets around flat contents, growing ones around fractions, sums and matrices."""
    tall = any(mark in inner for mark in (r"\frac", r"\sum", r"\begin", r"\underset", r"\left"))
    return "flat" if kind == "round" and not tall else kind


_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_&]|\s+|.")
_NARROW = {r"\,": 0.3, r"\left": 0.0, r"\right": 0.0, r"\top": 0.7, r"\quad": 2.0}
_SYMBOLS = {r"\sum": 2.6, r"\odot": 2.2, r"\oslash": 2.2, r"\cdot": 1.4, "+": 2.2, "=": 2.4}


def _tokens(text: str) -> list[str]:
    return [token for token in _TOKEN.findall(text) if not token.isspace()]


def _width(tokens: list[str], at: int, closing: str = "") -> tuple[float, int]:
    total, widest = 0.0, 0.0
    while at < len(tokens):
        token = tokens[at]
        if token == closing:
            at += 1
            break
        if token in (r"\frac", r"\underset", r"\tfrac"):
            top, at = _argument(tokens, at + 1)
            bottom, at = _argument(tokens, at)
            total += max(top, bottom) * (1.0 if token != r"\tfrac" else 0.75)
            continue
        if token in "^_":  # a subscript and a superscript on one base stand above each other
            size, at = _argument(tokens, at + 1)
            if at < len(tokens) and tokens[at] in "^_":
                other, at = _argument(tokens, at + 1)
                size = max(size, other)
            total += 0.75 * size
            continue
        if token in (r"\begin", r"\end"):
            _, at = _argument(tokens, at + 1)
            total += 1.0
            continue
        if token == "{":
            size, at = _width(tokens, at + 1, "}")
            total += size
            continue
        at += 1
        if token == r"\\":
            widest, total = max(widest, total), 0.0
        elif token in (r"\mathbf", r"\mathit", r"\operatorname", r"\mathrm", r"\text"):
            continue
        elif token == "&":
            total += 2.0
        elif token == "-":
            total += 1.8
        else:
            function = token[0] == "\\" and token[1:] in _FUNCTIONS
            total += len(token) - 1 if function else _SYMBOLS.get(token, _NARROW.get(token, 1.1))
    return max(widest, total), at


def _argument(tokens: list[str], at: int) -> tuple[float, int]:
    if at < len(tokens) and tokens[at] == "{":
        return _width(tokens, at + 1, "}")
    return (1.1, at + 1)
