"""A reader of MathML: what a browser sets, as the LaTeX of the page that `reading.py` reads.

It knows MathML Core and the conventions of a page, and nothing of the package: brackets by their
form, what stands above and below, cells of a table, signs by their character.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

GREEK = dict(zip(
    "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(),
    strict=True,
))  # fmt: skip
SIGNS = {
    "⊙": r"\odot", "⊘": r"\oslash", "⊗": r"\otimes", "⋅": r"\cdot", "·": r"\cdot", "×": r"\times",
    "−": "-", "+": "+", "=": "=", "≤": r"\le", "≥": r"\ge", ">": ">", "≠": r"\ne",
    "≈": r"\approx", "→": r"\to", "∈": r"\in", "∂": r"\partial", "⊤": r"\top", "′": "'",
    "∏": r"\prod", "∑": r"\sum",
    ",": ",", "/": "/", "⋯": r"\cdots", "⋮": r"\vdots", "⋱": r"\ddots", "ℝ": r"\mathbf{R}",
    "𝟏": r"\mathbf{1}", "𝟎": r"\mathbf{0}", "\u2061": "", "?": "?",
}  # fmt: skip
#: Upright names that LaTeX has a command for.
COMMANDS = {"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min", "det"}
ACCENTS = {"^": r"\hat", "¯": r"\bar", "~": r"\tilde"}
BARS = {"|": ("lvert", "rvert"), "‖": ("lVert", "rVert")}
SIDES = (r"\left", r"\right")
FENCES = {"(": "p", "[": "b"}


def tex(markup: str) -> str:
    """Return markup as LaTeX."""
    return _row(list(ElementTree.fromstring(f"<math>{markup}</math>")))


def _row(elements: list[ElementTree.Element]) -> str:
    kinds = [e.tag for e in elements]
    if kinds == ["mo", "mtable", "mo"] and elements[0].text in FENCES:
        kind, cells = f"{FENCES[elements[0].text]}matrix", _cells(elements[1], r"\\")
        return rf"\begin{{{kind}}} {cells} \end{{{kind}}}"
    if kinds == ["mo", "mtable"] and elements[0].text == "{":
        cells = _cells(elements[1], r"\\")
        return rf"\begin{{cases}} {cells} \end{{cases}}"
    return " ".join(map(_one, elements))


def _cells(table: ElementTree.Element, end: str) -> str:
    rows = [" & ".join(_row(list(cell)) for cell in row) for row in table]
    return f" {end} ".join(rows)


def _one(e: ElementTree.Element) -> str:
    text, parts = e.text or "", list(e)
    match e.tag:
        case "mn":
            return SIGNS.get(text, text)
        case "mi":
            return _name(e, text)
        case "mo":
            return _sign(e, text)
        case "mtext":
            return text
        case "mspace":
            return ""
        case "mtable":  # lines of one cell
            return _cells(e, "")
        case "mrow":
            if [p.tag for p in parts] == ["mfrac", "mo"] and parts[1].text == "|":
                return rf"\left. {_one(parts[0])} \right\rvert"
            return _row(parts)
        case "mfrac":
            above, below = map(_one, parts)
            return rf"\frac{{{above}}}{{{below}}}"
        case "msqrt":
            return rf"\sqrt{{{_row(parts)}}}"
        case "msub":
            return f"{_one(parts[0])}_{{{_one(parts[1])}}}"
        case "msup":
            return f"{_one(parts[0])}^{{{_one(parts[1])}}}"
        case "msubsup":  # what a name has above it in brackets belongs to the name
            base, below, above = map(_one, parts)
            scripts = [f"_{{{below}}}", f"^{{{above}}}"]
            return base + "".join(scripts[::-1] if above.startswith("(") else scripts)
        case "mover":
            return f"{ACCENTS[parts[1].text or '']}{{{_one(parts[0])}}}"
        case "munder":
            base, below = map(_one, parts)
            over = base in (r"\max", r"\min", r"\prod")
            return f"{base}_{{{below}}}" if over else rf"\underset{{{below}}}{{{base}}}"
        case "munderover":
            base, below, above = map(_one, parts)
            return f"{base}_{{{below}}}^{{{above}}}"
    raise AssertionError(f"<{e.tag}> is not known")


def _name(e: ElementTree.Element, text: str) -> str:
    if text in GREEK:
        return f"\\{GREEK[text]}"
    if text in SIGNS:
        return SIGNS[text]
    if e.get("class") == "name":
        return rf"\mathit{{{text}}}"
    if len(text) == 1 and e.get("mathvariant") != "normal":
        return text
    return f"\\{text}" if text in COMMANDS else rf"\operatorname{{{text}}}"


def _sign(e: ElementTree.Element, text: str) -> str:
    closes = e.get("form") == "postfix"
    if text in BARS:
        text = f"\\{BARS[text][closes]}"
    elif text not in "()[]":
        assert text in SIGNS, f"what is {text}?"
        return SIGNS[text]
    grows = e.get("stretchy") == "true" and e.get("minsize") is None
    return f"{SIDES[closes]}{text}" if grows else text


def math(page: str) -> list[str]:
    """Return what stands in each element of mathematics of a page."""
    return re.findall(r"<math[^>]*>(.*?)</math>", page, re.S)
