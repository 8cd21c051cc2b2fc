"""Boxes to one line of Unicode, for terminals and error messages."""

from __future__ import annotations

import re

from derive.expressions.layout import Box
from derive.notation.signs import ACCENTS, GREEK, SIGNS, accented, spelled
from derive.notation.widths import plain

_BRACKETS = {"round": "()", "square": "[]", "bars": "||", "double-bars": "‖‖", "iverson": "[]",
             "flat": "()"}  # fmt: skip
_SUPER = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def text(box: Box) -> str:
    """Return a box as a line of Unicode.

    >>> from derive.expressions.layout import num, sub, word
    >>> text(sub(word("W"), num(12)))
    'W₁₂'
    """
    match box.kind:
        case "id":
            letter, accent = accented(box.text)
            shown = GREEK.get(spelled(letter), letter)
            return shown + ACCENTS[accent][1] if accent else shown
        case "num" | "rounded" | "word" | "raw" | "slot":
            return box.text
        case "op":
            return SIGNS[box.text].text
        case "open" | "close":
            return _BRACKETS[box.text][box.kind == "close"]
        case "gap":
            return f"({box.text}) ?"
        case "filled":
            return text(plain(box))
        case "cases":
            lines = (", ".join(map(text, line.parts)) for line in box.parts)
            return "{" + "; ".join(lines) + "}"
        case "matrix":
            lines = ("  ".join(text(cell) for cell in line.parts) for line in box.parts)
            return "[" + "; ".join(lines) + "]"
    parts = [text(part) for part in box.parts]
    match box.kind:
        case "row":
            return _joined(parts)
        case "index":
            index = parts[1]
            if " " in index:  # H_(l-1) is no difference
                index = f"({index.replace(' ', '')})"
            return parts[0] + (index.translate(_SUB) if index.isdigit() else f"_{index}")
        case "sup":
            exponent = parts[1]
            if exponent == "ᵀ":
                return parts[0] + exponent
            digits = exponent.lstrip("-").isdigit()
            return parts[0] + (exponent.translate(_SUPER) if digits else f"^{exponent}")
        case "frac":
            return f"{_tight(box.parts[0], parts[0])}/{_tight(box.parts[1], parts[1])}"
        case "root":
            return f"√{parts[0]}" if len(parts[0]) == 1 else f"√({parts[0]})"
        case "paren":
            return parts[0].join(_BRACKETS[box.text])
        case "lines":
            return " ".join(parts)
        case "under" | "frame":
            return parts[0]
        case "sum":
            return f"Σ_{parts[0]} "
        case "at":
            return f"{parts[0]}|{parts[1]}"
    raise AssertionError(f"no text for a box of kind {box.kind}")


def _tight(box: Box, shown: str) -> str:
    return f"({shown})" if " " in shown and box.kind == "row" else shown


def _joined(parts: list[str]) -> str:
    """Join parts; a raised number keeps away from what follows."""
    result = ""
    for part in parts:
        raised = re.search(r"\^\S*\d$", result)
        result += f" {part}" if raised and re.match(r"[^\s)\],·]", part) else part
    return result
