"""Boxes to MathML Core, that a browser sets without a script.

A box of layout enters, markup leaves, with the same mathematics as plain text beside it for who
does not see it. The law: the markup is XML, and a name that a user chose is text in it.
"""

from __future__ import annotations

from derive.expressions.layout import Box, op
from derive.notation.displays import broken
from derive.notation.escape import xml
from derive.notation.signs import BINARY, GREEK, RELATION, SIGNS, accented, spelled
from derive.notation.text import text
from derive.notation.widths import fitting, plain, width

#: What is wider than this in a sentence may break, into pieces no wider: a narrow screen has more.
NARROW, PIECE = 32.0, 28.0
_BRACKETS = {
    "round": "()", "flat": "()", "square": "[]", "iverson": "[]", "bars": "||", "double-bars": "‖‖",
}  # fmt: skip
_ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~"}
#: Signs that are spaces, by their width, and those that end in one.
_SPACES = {"thin": "0.167em", "nothing": ""}
_COMMAS = {"comma-space": "0.4em", "comma-quad": "2em"}
#: Signs that are letters, or whose character on paper is another than in a line of text.
_LETTERS = {
    "partial": "∂", "delta": "δ", "sigma": "σ", "top": "⊤", "reals": "ℝ", "entrywise": "⊙",
    "any": "·", "all-ones": "𝟏", "all-zeros": "𝟎",
}  # fmt: skip
_OTHERS = {"cdot": "⋅", "minus": "−", "negative": "−", "prime": "′", "product": "∏"}
#: Cells that begin under each other.
LINES = ' class="stack"'
_APPLIED = "<mo>&#x2061;</mo>"
_THIN = '<mspace width="0.167em"/>'


def displayed(box: Box) -> str:
    """Return a box as an element that is set as in a display.

    >>> from derive.expressions.layout import num
    >>> displayed(num(1))
    '<math displaystyle="true" alttext="1"><mn>1</mn></math>'
    """
    return f'<math displaystyle="true" alttext="{_alternative(box)}">{mathml(box)}</math>'


def inline(box: Box) -> str:
    """Return a box as an element in a line of text, in several between which a long line breaks."""
    parts = [box] if width(box) <= NARROW else broken(box, PIECE)
    return "<wbr/>".join(
        f'<math alttext="{_alternative(part)}">{_alone(part)}</math>' for part in parts
    )


def _alone(box: Box) -> str:
    """Return a box that is all of a formula; a sign of which one speaks has no space around it."""
    return f'<mo lspace="0" rspace="0"{mathml(box)[3:]}' if _is_sign(box) else mathml(box)


def _is_sign(box: Box) -> bool:
    return box.kind == "op" and mathml(box).startswith("<mo")


def _alternative(box: Box) -> str:
    return xml(" ".join(text(box).split()))


def mathml(box: Box) -> str:
    """Return a box as what stands inside an element of mathematics.

    >>> from derive.expressions.layout import frac, num, word
    >>> mathml(frac(num(1), word("tr")))
    '<mfrac><mn>1</mn><mi>tr</mi></mfrac>'
    """
    found = box.known.get("mathml")
    if found is None:
        found = box.known["mathml"] = _mathml(box)
    return found


def _mathml(box: Box) -> str:
    match box.kind:
        case "id":
            return _name(box.text)
        case "num" | "rounded":
            return f"<mn>{box.text}</mn>"
        case "raw":
            return "".join(map(_character, _words(box.text)))
        case "op":
            return _sign(box.text)
        case "word":
            upright = ' mathvariant="normal"' if len(box.text) == 1 else ""
            return f"<mi{upright}>{xml(box.text)}</mi>"
        case "gap":
            return f"<mtext>({xml(box.text)})</mtext>{_space('0.3em')}<mo>?</mo>"
        case "open" | "close":
            return _bracket(box.text, box.kind == "close", ' minsize="1.6em" maxsize="1.6em"')
        case "filled":
            return mathml(plain(box))
        case "row":
            return _row(box.parts)
        case "index" | "sup":
            return _scripted(box)
        case "matrix":
            return _fenced(box.text, _table(box))
        case "cases":
            return f'<mrow><mo form="prefix">{{</mo>{_table(box, LINES)}</mrow>'
    parts = [mathml(part) for part in box.parts]
    match box.kind:
        case "frac":
            return f"<mfrac>{_one(box.parts[0])}{_one(box.parts[1])}</mfrac>"
        case "root":
            return f"<msqrt>{parts[0]}</msqrt>"
        case "paren":
            kind = fitting(box)
            return _fenced(box.text, parts[0], fixed=kind in ("flat", "iverson"))
        case "lines":
            rows = "".join(f"<mtr><mtd>{part}</mtd></mtr>" for part in parts)
            return f"<mtable{LINES}>{rows}</mtable>"
        case "under":
            return f"<munder>{_one(box.parts[0])}{_one(box.parts[1])}</munder>"
        case "sum":
            below, above = map(_one, box.parts)
            return f"<munderover><mo>∑</mo>{below}{above}</munderover>"
        case "frame":
            return f'<mrow class="frame">{parts[0]}</mrow>'
        case "at":
            return (
                f"<msub><mrow>{parts[0]}{_bracket('bars', True)}</mrow>{_one(box.parts[1])}</msub>"
            )
    raise AssertionError(f"no MathML for a box of kind {box.kind}")


def _name(name: str) -> str:
    letter, accent = accented(name)
    if accent:
        above = f'<mo stretchy="false">{_ACCENTS[accent]}</mo>'
        return f'<mover accent="true">{_name(letter)}{above}</mover>'
    shown = GREEK.get(spelled(letter))
    if shown:  # capitals stand upright, as in LaTeX
        return f'<mi mathvariant="normal">{shown}</mi>' if shown.isupper() else f"<mi>{shown}</mi>"
    return f"<mi>{xml(name)}</mi>" if len(name) == 1 else f'<mi class="name">{xml(name)}</mi>'


def _sign(name: str) -> str:
    sign = SIGNS[name]
    if name in _SPACES:
        return _space(_SPACES[name])
    if name in _COMMAS:
        return f'<mo separator="true">,</mo>{_space(_COMMAS[name])}'
    if name in ("partial", "delta", "sigma"):
        return f"<mi>{_LETTERS[name]}</mi>"
    if name in _LETTERS:
        kind = "mn" if name.startswith("all-") else "mi"
        normal = ' mathvariant="normal"' if kind == "mi" else ""
        return f"<{kind}{normal}>{_LETTERS[name]}</{kind}>"
    shown = xml(_OTHERS.get(name, sign.text.strip()))
    form = "infix" if sign.space in (BINARY, RELATION) else "prefix" if name == "negative" else ""
    return f'<mo form="{form}">{shown}</mo>' if form else f"<mo>{shown}</mo>"


def _space(wide: str) -> str:
    return f'<mspace width="{wide}"/>' if wide else ""


def _words(text: str) -> list[str]:
    """Return what a text of numbers and signs is made of."""
    found: list[str] = []
    for character in text:
        if found and found[-1][-1].isdigit() and (character.isdigit() or character == "."):
            found[-1] += character
        else:
            found.append(character)
    return found


def _character(word: str) -> str:
    if word[0].isdigit():
        return f"<mn>{word}</mn>"
    if word == "-":
        return _sign("negative")
    if word == ",":
        return '<mo separator="true">,</mo>'
    if word.isspace():
        return _THIN
    if word.isalpha():
        return f"<mi>{word}</mi>"
    tight = ' lspace="0" rspace="0"' if word == "/" else ""
    return f"<mo{tight}>{xml(word)}</mo>"


def _row(parts: tuple[Box, ...]) -> str:
    """Return boxes side by side: air around a name of letters, and between shapes of operands."""
    found: list[str] = []
    before: Box | None = None
    for part in parts:
        if before is not None:
            if _ends(before).kind == "word":
                if part.kind in ("paren", "matrix"):
                    found.append(_APPLIED)
                elif part.kind not in ("op", "open", "close"):
                    found.append(_THIN)
            elif part.kind == "word" and before.kind not in ("op", "open", "sum"):
                found.append(_THIN)
            elif before.kind == part.kind == "under":
                found.append(_space("0.3em"))
        found.append(mathml(part))
        before = part
    return "".join(found)


def _ends(box: Box) -> Box:
    """Return the box whose name stands last, without what is above or below it."""
    while box.kind in ("index", "sup") or (box.kind == "row" and box.parts):
        box = box.parts[-1] if box.kind == "row" else box.parts[0]
    return box


def _one(box: Box) -> str:
    """Return a box as one element."""
    inner = mathml(box)
    alone = box.kind in ("num", "rounded", "word", "frac", "root", "under", "sum", "frame", "at",
                         "index", "sup", "id", "matrix", "paren", "lines", "cases")  # fmt: skip
    return inner if alone else f"<mrow>{inner}</mrow>"


def _scripted(box: Box) -> str:
    """Return a base with what stands below and above it, one over the other."""
    base, script = box.parts
    if base.kind in ("index", "sup") and base.kind != box.kind:
        inner, other = base.parts
        below, above = (other, script) if box.kind == "sup" else (script, other)
        return f"<msubsup>{_one(inner)}{_one(below)}{_one(above)}</msubsup>"
    if box.kind == "index" and any(part == op("at-most") for part in script.walk()):
        return f"<munder>{_one(base)}{_one(script)}</munder>"
    kind = "msub" if box.kind == "index" else "msup"
    return f"<{kind}>{_one(base)}{_one(script)}</{kind}>"


def _bracket(kind: str, closes: bool, size: str = "") -> str:
    form = "postfix" if closes else "prefix"
    return f'<mo form="{form}" stretchy="true"{size}>{_BRACKETS[kind][closes]}</mo>'


def _fenced(kind: str, inner: str, fixed: bool = False) -> str:
    begin, end = (
        f'<mo form="{form}" stretchy="{"false" if fixed else "true"}">{sign}</mo>'
        for form, sign in zip(("prefix", "postfix"), _BRACKETS[kind], strict=True)
    )
    return f"<mrow>{begin}{inner}{end}</mrow>"


def _table(box: Box, kind: str = "") -> str:
    rows = ("".join(f"<mtd>{mathml(cell)}</mtd>" for cell in line.parts) for line in box.parts)
    return f"<mtable{kind}>{''.join(f'<mtr>{cells}</mtr>' for cells in rows)}</mtable>"
