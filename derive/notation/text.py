"""Boxes to one line of Unicode, for terminals and error messages."""

from __future__ import annotations

import re

from derive.expressions.layout import Box

_LETTERS = dict(zip(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega "
    "lam lamda".split(),
    "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩλλ", strict=True,
))  # fmt: skip
_OPERATORS = {
    "partial": "∂",
    "delta": "δ",
    "odot": " ⊙ ",
    "otimes": " ⊗ ",
    "entrywise": "⊙",
    "oslash": " ⊘ ",
    "cdot": "·",
    "times": "×",
    "plus": " + ",
    "minus": " - ",
    "negative": "-",
    "equals": " = ",
    "greater": " > ",
    "at-least": " ≥ ",
    "differs": " ≠ ",
    "at-most": "≤",
    "not-equal": " ≠ ",
    "top": "ᵀ",
    "ones": "𝟏",
    "zeros": "𝟎",
    "sigma": "σ",
    "comma": ",",
    "comma-space": ", ",
    "thin": " ",
    "cdots": "⋯",
    "vdots": "⋮",
    "ddots": "⋱",
}
_BRACKETS = {"round": "()", "square": "[]", "bars": "||", "norm": "‖‖", "iverson": "[]"}
_SUPER = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def text(box: Box) -> str:
    """Return a box as a line of Unicode.

    >>> from derive.expressions.layout import num, sub, word
    >>> text(sub(word("W"), num(12)))
    'W₁₂'
    """
    match box.kind:
        case "id" if box.text in _LETTERS:
            return _LETTERS[box.text]
        case "id" | "num" | "rounded" | "word" | "raw" | "slot":
            return box.text
        case "op":
            return _OPERATORS[box.text]
        case "matrix":
            lines = ("  ".join(text(cell) for cell in line.parts) for line in box.parts)
            return "[" + "; ".join(lines) + "]"
    parts = [text(part) for part in box.parts]
    match box.kind:
        case "row":
            return _joined(parts)
        case "sub":
            index = parts[1]
            return parts[0] + (index.translate(_SUB) if index.isdigit() else f"_{index}")
        case "sup":
            exponent = parts[1]
            if exponent == "ᵀ":
                return parts[0] + exponent
            plain = exponent.lstrip("-").isdigit()
            return parts[0] + (exponent.translate(_SUPER) if plain else f"^{exponent}")
        case "frac":
            return f"{_tight(box.parts[0], parts[0])}/{_tight(box.parts[1], parts[1])}"
        case "root":
            return f"√({parts[0]})"
        case "paren":
            return parts[0].join(_BRACKETS[box.text])
        case "under":
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
