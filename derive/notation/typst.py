"""Boxes to the mathematics of Typst, what stands between its dollars.

Layout enters, text leaves. The law: nothing depends on where it stands, so that it may be an
argument of a function: a comma, and a bracket that does not grow, has a backslash before it.
"""

from __future__ import annotations

from derive.expressions.layout import Box
from derive.notation.signs import GREEK, SIGNS, accented, spelled
from derive.notation.widths import fitting, plain

#: Brackets that grow with what stands between them, and those that do not.
_BRACKETS = {
    "round": ("( ", " )"),
    "square": ("[ ", " ]"),
    "bars": ("abs(", ")"),
    "double-bars": ("norm(", ")"),
    "iverson": (r"\[ ", r" \]"),
    "flat": (r"\( ", r" \)"),
}
#: Brackets of a fixed size, and how many times they are as high as letters.
_FIXED = {"round": ("(", ")", 1.8), "square": ("[", "]", 1.8), "iverson": ("[", "]", 1.8),
          "bars": ("|", "|", 1.8), "flat": ("(", ")", 1.2)}  # fmt: skip
#: Functions that have a name in Typst.
_FUNCTIONS = frozenset("exp log sin cos tan sinh cosh tanh max min det tr".split())
#: Greek letters that TeX draws otherwise than Typst.
_LETTERS = {**GREEK, "epsilon": "ϵ", "phi": "ϕ"}
_ACCENTS = {"hat": "hat", "bar": "macron", "tilde": "tilde"}


def typst(box: Box) -> str:
    """Return a box as mathematics of Typst.

    >>> from derive.expressions.layout import frac, num, row, sub, word
    >>> typst(frac(num(1), row(word("tr"), sub(Box("id", text="A"), num(1)))))
    'frac(1, tr A_1)'
    """
    found = box.known.get("typst")
    if found is None:
        found = box.known["typst"] = _typst(box)
    return found


def _typst(box: Box) -> str:
    text = box.text
    match box.kind:
        case "id":
            return _name(text)
        case "num" | "rounded" | "raw":
            return text.replace("/", r"\/")
        case "op":
            return SIGNS[text].typst or SIGNS[text].text.strip()
        case "word":
            return text if text in _FUNCTIONS else f'op("{text}")'
        case "gap":
            return f'"({text})" space ?'
        case "filled":
            return typst(plain(box))
        case "cases":
            cases = (" quad & ".join(map(typst, line.parts)) for line in box.parts)
            return f"cases({', '.join(cases)})"
        case "matrix":
            rows = ";\n  ".join(", ".join(map(typst, line.parts)) for line in box.parts)
            delim = 'delim: "[",' if text == "square" else ""
            return f"mat({delim}\n  {rows}\n)"
        case "open" | "close":
            *ends, size = _FIXED[text]
            return rf"lr(\{ends[box.kind == 'close']}, size: #{size}em)"
    parts = [typst(part) for part in box.parts]
    match box.kind:
        case "row":
            return " ".join(filter(None, parts)).replace(" '", "'")
        case "index":
            return f"{parts[0]}_{_script(parts[1])}"
        case "sup":
            return f"{parts[0]}^{_script(parts[1])}"
        case "frac":
            return f"frac({parts[0]}, {parts[1]})"
        case "root":
            return f"sqrt({parts[0]})"
        case "paren":
            return parts[0].join(_BRACKETS[fitting(box)])
        case "under":
            return f"limits({parts[0]})_{_script(parts[1])}"
        case "sum":
            return f"∑_{_script(parts[0])}^{_script(parts[1])}"
        case "frame":
            return f"boxed({parts[0]})"
        case "at":
            return f"lr({parts[0]} |)_{_script(parts[1])}"
        case "lines":
            return f"mat(delim: #none, align: #left, {'; '.join(parts)})"
    raise AssertionError(f"no Typst for a box of kind {box.kind}")


def _script(shown: str) -> str:
    return shown if len(shown) == 1 else f"({shown})"


def _name(text: str) -> str:
    bare, accent = accented(text)
    if accent:
        return f"{_ACCENTS[accent]}({_name(bare)})"
    letter = spelled(text)
    if letter in _LETTERS:
        return _LETTERS[letter]
    return text if len(text) == 1 else f'italic("{text}")'
