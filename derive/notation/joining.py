"""How boxes stand beside each other on paper: with a space, a point, or nothing between them.

Boxes enter, and how strongly what they hold binds; a row leaves. The law: two numerals never touch,
and a name of several letters has air around it.
"""

from __future__ import annotations

from derive.expressions.layout import Box, op, row
from derive.notation.signs import is_sign


def beside(a: Box, b: Box) -> Box:
    """Return a product of matrices: letters stand close, anything larger gets a thin space.

    Between a number and another, or a bold one, stands a point.
    """
    if meet(a, b):
        return row(a, op("cdot"), b)
    ends = a.parts[-1] if a.kind == "row" else a, b.parts[0] if b.kind == "row" else b
    return row(a, b) if all(map(is_letter, ends)) else row(a, op("thin"), b)


def begins(box: Box) -> Box:
    """Return the box with which another begins on paper."""
    return begins(box.parts[0]) if box.kind in ("row", "sup", "index", "under") else box


def _last(box: Box) -> Box:
    """Return the box with which another ends on paper."""
    if box.kind == "row":
        return _last(box.parts[-1])
    return _last(box.parts[0]) if box.kind in ("sup", "index", "under") else box


def meet(a: Box, b: Box) -> bool:
    """Whether two numerals would stand side by side, of which a bold one is one."""
    ends = _last(a), begins(b)
    bold = [box.kind == "op" and box.text in ("all-ones", "all-zeros") for box in ends]
    sides = [box.parts[1 - k] if box.kind == "frac" else box for k, box in enumerate(ends)]
    plain = [_is_numeral(box) for box in sides]
    return any(plain) and all(x or y for x, y in zip(bold, plain, strict=True))


def _is_numeral(box: Box) -> bool:
    return box.kind == "num"


def joined(boxes: list[Box], sign: str) -> Box:
    return row(*(b for k, box in enumerate(boxes) for b in ((op(sign), box) if k else (box,))))


def is_letter(box: Box) -> bool:
    if box.kind in ("index", "sup"):
        return is_letter(box.parts[0])
    if box.kind == "row":
        return all(is_letter(part) for part in box.parts)
    if box.kind == "id":
        return is_sign(box.text)
    return box.kind == "paren" or (box.kind == "op" and box.text in ("all-ones", "all-zeros"))


def is_word(*boxes: Box) -> bool:
    """Whether one of two neighbours is a name of several letters, which needs air around it."""
    for box in boxes:
        while box.kind in ("index", "sup"):
            box = box.parts[0]
        if box.kind == "id" and not is_sign(box.text):
            return True
    return False


def parts_of(box: Box) -> tuple[Box, ...]:
    return box.parts if box.kind == "row" else (box,)
