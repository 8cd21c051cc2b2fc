"""How wide a layout is when TeX sets it in Computer Modern: asked of the boxes, never of a text.

A box enters, and the style in which it stands; its width in digits leaves. The law: what was
measured is kept with its box, and a display that fits by these widths does not run over on paper.
"""

from __future__ import annotations

from collections.abc import Sequence

from derive.expressions.layout import Box
from derive.notation.signs import FUNCTIONS, SIGNS, accented, is_sign

#: The styles of TeX: of a display, of a line, of an index, and of an index's index.
DISPLAY, TEXT, SCRIPT, SMALLEST = range(4)
_SIZES = (1.0, 1.0, 0.8, 0.68)
_KEYS = tuple(f"width {style}" for style in range(4))
#: Widths of math italic with its corrections, in hundredths of a point at ten points.
_LETTERS = dict(zip(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    (529, 429, 433, 520, 466, 597, 513, 576, 345, 469, 552, 318, 878, 600, 485, 503, 482, 479, 469,
     361, 572, 521, 743, 572, 526, 509, 750, 809, 786, 856, 796, 782, 786, 912, 518, 651, 921, 681,
     1079, 912, 791, 781, 791, 767, 671, 723, 792, 806, 1083, 907, 803, 754), strict=True,
))  # fmt: skip
_GREEK = 600
_CHARACTERS = {"-": 1.56, "/": 1.0, ".": 0.56, " ": 0.0}
#: Of a bracket on one side: its own width, and what it has beyond that where it grows.
_BRACKETS = {"round": 0.78, "flat": 0.78, "square": 0.56, "iverson": 0.56, "bars": 0.56,
             "double-bars": 1.14}  # fmt: skip
_GROWN = {"round": 0.85, "square": 0.4, "bars": 0.1, "double-bars": 0.1}
#: How high what stands in a line is, in lines of text.
_HEIGHTS = {"frac": 2.2, "sum": 2.6}
#: The width of a matrix's two brackets, and of the space between two columns.
FENCES, GUTTER = 3.5, 2.0


def width(box: Box, style: int = DISPLAY) -> float:
    """Return how wide a layout is, in digits of the size of the text.

    >>> from derive.expressions.layout import num, row, sub
    >>> width(num(12)), width(sub(num(1), num(2))) < width(row(num(1), num(2)))
    (2.0, True)
    """
    found = box.known.get(_KEYS[style])
    if found is None:
        found = box.known[_KEYS[style]] = _width(box, style)
    return found


def _width(box: Box, style: int) -> float:
    parts, text, scale = box.parts, box.text, _SIZES[style]
    match box.kind:
        case "row":
            return sum(width(part, style) for part in parts)
        case "id" if is_sign(text):
            return _LETTERS.get(accented(text)[0], _GREEK) / 500 * scale
        case "id":
            return sum(1.5 if c.isupper() else 1.06 for c in text) * scale + 0.2
        case "word":
            return (1.0 if text in FUNCTIONS else 1.06) * len(text) * scale + 0.4
        case "num" | "rounded" | "raw":
            return sum(_CHARACTERS.get(c, 1.0) for c in text) * scale
        case "op":
            sign = SIGNS[text]
            return sign.width * scale + (sign.space if style < SCRIPT else 0.0)
        case "slot":
            return width(parts[0], style) if parts else scale
        case "gap":
            return (len(text) + 4.0) * scale
        case "filled":
            return width(sized(box), style)
        case "index" | "sup":
            return _scripted(box, style)
        case "frac":
            return max(width(part, min(style + 1, SMALLEST)) for part in parts) + 0.5
        case "root":
            return width(parts[0], style) + 1.8
        case "paren":
            grown = _GROWN.get(fitting(box), 0.0)
            return width(parts[0], style) + 2 * (_BRACKETS[text] * scale + grown)
        case "open" | "close":
            return _BRACKETS[text] * scale + 0.4
        case "matrix":
            columns = column_widths(box, style)
            return sum(columns) + GUTTER * (len(columns) - 1) + FENCES
        case "cases":
            return sum(column_widths(box, style)) + GUTTER + FENCES / 2
        case "lines":
            return max(width(part, style) for part in parts)
        case "frame":
            return width(parts[0], style) + 1.3
        case "under":
            return max(width(parts[0], style), width(parts[1], SCRIPT))
        case "sum":
            below = max(width(part, SCRIPT) for part in parts)
            return 0.4 + (max(2.9, below) if style == DISPLAY else 2.1 + below)
        case "at":
            return width(parts[0], style) + width(parts[1], _script(style)) + 1.0
    raise AssertionError(f"no width for a box of kind {box.kind}")


def _script(style: int) -> int:
    return max(SCRIPT, min(style + 1, SMALLEST))


def _scripted(box: Box, style: int) -> float:
    """Return the width of a base with what stands above and below it, one over the other."""
    (base, script), inner = box.parts, _script(style)
    wide = width(script, inner)
    if base.kind in ("index", "sup") and base.kind != box.kind:
        base, other = base.parts
        wide = max(wide, width(other, inner))
    return width(base, style) + wide + 0.1


def column_widths(box: Box, style: int = DISPLAY) -> list[float]:
    """Return how wide each column of a matrix is."""
    inner = max(style, TEXT)
    columns = zip(*(line.parts for line in box.parts), strict=True)
    return [max(width(cell, inner) for cell in column) for column in columns]


def together(parts: Sequence[Box], style: int = DISPLAY) -> float:
    """Return how wide boxes are side by side."""
    return sum(width(part, style) for part in parts)


def holds(box: Box, kind: str) -> bool:
    """Whether a layout has a part of a kind."""
    key = f"holds {kind}"
    found = box.known.get(key)
    if found is None:
        printed = box.kind == "raw" and rf"\begin{{p{kind}" in box.text  # in LaTeX already
        found = box.kind == kind or printed or any(holds(part, kind) for part in box.parts)
        box.known[key] = found
    return found


def fitting(box: Box) -> str:
    """Return the kind of brackets a part gets: small around what is flat, growing around the rest.

    >>> from derive.expressions.layout import frac, num, paren
    >>> fitting(paren(num(1))), fitting(paren(frac(num(1), num(2))))
    ('flat', 'round')
    """
    (inner,) = box.parts
    if box.text == "round" and not is_tall(inner):
        return "flat"
    return "square" if box.text == "iverson" and holds(inner, "matrix") else box.text


def is_tall(box: Box) -> bool:
    """Whether a layout is higher than a line of letters."""
    found = box.known.get("tall")
    if found is None:
        if box.kind == "paren":
            tall = fitting(box) not in ("flat", "iverson")
        else:
            tall = box.kind in ("frac", "sum", "under", "at", "cases") or holds(box, "matrix")
        found = box.known["tall"] = tall or any(map(is_tall, box.parts))
    return found


def height(box: Box) -> float:
    """Return about how high a layout is when TeX sets it, in lines of text.

    >>> from derive.expressions.layout import frac, num
    >>> height(num(1)), height(frac(num(1), num(2)))
    (1.2, 2.2)
    """
    if box.kind in ("matrix", "cases", "lines"):
        rows = (max(map(height, line.parts or (line,))) for line in box.parts)
        return sum(0.75 * high if high > 1.2 else high for high in rows)
    within = max(map(height, box.parts), default=1.2)
    return max(within + 0.7 * (box.kind == "under"), _HEIGHTS.get(box.kind, 1.2))


def sized(box: Box) -> Box:
    """Return a filled layout with slots as wide as what fills them: a layout is as wide, and breaks
    at the same places, whichever digits stand in it, so that it is measured once for all of them.
    """
    template, *values = box.parts
    key = f"sized {' '.join(str(len(value.text)) for value in values)}"
    found = template.known.get(key)
    if found is None:
        room = {
            name: Box("slot", (value,), name) if value.kind == "num" else value
            for name, value in zip(box.text.split(), values, strict=True)
        }
        found = template.known[key] = _put_in(template, room)
    return found


def plain(box: Box) -> Box:
    """Return a layout with what fills its slots put in."""
    if box.kind != "filled":
        return box
    found = box.known.get("plain")
    if found is None:
        template, *values = box.parts
        names = dict(zip(box.text.split(), values, strict=True))
        found = box.known["plain"] = _put_in(template, names)
    return found


def _put_in(box: Box, names: dict[str, Box]) -> Box:
    if box.kind == "slot":
        return names.get(box.text, box)
    if not box.parts:
        return box
    if box.kind == "filled":
        template, *values = box.parts
        return plain(Box("filled", (template, *(_put_in(v, names) for v in values)), box.text))
    return Box(box.kind, tuple(_put_in(part, names) for part in box.parts), box.text)
