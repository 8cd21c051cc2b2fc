"""The mathematics that stands in sentences, read into layout.

A message writes a formula between dollars, in a small part of LaTeX, and facts that are layout
stand in it as marks. What enters is such a text and its facts, what leaves is the text with every
formula printed. The law: what is written in a language's words is read by one reader, so a format
that does not print LaTeX needs no words of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from derive.expressions.errors import FaultError
from derive.expressions.layout import Box, frac, num, op, paren, raw, row, sub, sup, word
from derive.notation.signs import FUNCTIONS, GREEK, SIGNS

#: What stands before and after the number of a fact.
_OPEN, _CLOSE = "\ue000", "\ue001"
#: The parts of a formula: a fact, a command, a number, or one character.
_PART = re.compile(rf"{_OPEN}(\d+){_CLOSE}|\\([A-Za-z]+|.)|(\d+(?:\.\d+)?)|(\S)")
_FORMULA = re.compile(r"\$([^$]*)\$")
_FRAME = r"\boxed{"
_UPRIGHT = ("operatorname", "mathrm", "text")
_SPACES = {"thinspace": "thin", ",": "thin", " ": "thin", ";": "thin", "quad": "thin"}
_BRACKETS = {"(": (")", "flat"), "[": ("]", "iverson")}
_CHARACTERS = {
    "+": op("plus"), "=": op("equals"), ",": op("comma"), "'": op("prime"), "−": op("minus"),
    ">": op("greater"), "~": op("thin"),
}  # fmt: skip
_COMMANDS = {
    sign.latex.strip().removeprefix("\\"): op(name)
    for name, sign in SIGNS.items()
    if re.fullmatch(r"\\[A-Za-z]+", sign.latex.strip())
} | {
    "dots": raw("…"), "langle": raw("⟨"), "rangle": raw("⟩"), "circ": raw("∘"), "mid": raw("|"),
}  # fmt: skip
_BOLD = {"1": op("all-ones"), "0": op("all-zeros"), "R": op("reals")}


def mark(place: int) -> str:
    """Return what stands in a formula for the fact of this number."""
    return f"{_OPEN}{place}{_CLOSE}"


def spoken(
    text: str, facts: Sequence[Box], inline: Callable[[Box], str], frame: tuple[str, str] = ("", "")
) -> str:
    """Return words with each formula printed; `frame` is what stands around framed words.

    >>> from derive.notation.text import text
    >>> spoken(f"Let $x \\\\in {mark(0)}$.", [sup(op("reals"), num(2))], text)
    'Let x ∈ R².'

    Raises `FaultError` for a formula that is not of the part of LaTeX that is read.
    """
    pieces = _FORMULA.split(text)
    for at in range(1, len(pieces), 2):
        formula = pieces[at].strip()
        if formula == _FRAME:
            pieces[at] = frame[0]
        elif formula == "}":
            pieces[at] = frame[1]
        else:
            pieces[at] = inline(formula_of(formula, facts))
    return "".join(pieces)


def formula_of(text: str, facts: Sequence[Box] = ()) -> Box:
    """Return a formula as layout.

    >>> from derive.notation.latex import latex
    >>> latex(formula_of(r"(AB)^{\\top} = B^{\\top}A^{\\top}"))
    '(AB)^{\\\\top} = B^{\\\\top}A^{\\\\top}'
    """
    return _Reader(text, facts).read()


class _Reader:
    """The parts of one formula, read from left to right."""

    def __init__(self, text: str, facts: Sequence[Box]):
        self.text, self.facts = text, facts
        self.parts = list(_PART.finditer(text))
        self.at = 0

    def read(self) -> Box:
        found = self._until("")
        if self.at < len(self.parts):
            raise self._unread()
        return found

    def _until(self, end: str) -> Box:
        """Read up to a closing sign, which is left."""
        found: list[Box] = []
        while self.at < len(self.parts) and self._next() not in ("}", end):
            sign = self._next()
            if sign in ("_", "^") and found:
                self.at += 1
                found[-1] = (sub if sign == "_" else sup)(found[-1], self._one())
            elif sign == "-":
                self.at += 1
                found.append(op("minus" if found and found[-1].kind != "op" else "negative"))
            else:
                found.append(self._one())
        return row(*found)

    def _one(self) -> Box:
        """Read one thing: a group, a bracketed part, a command with what it takes, a sign."""
        if self.at == len(self.parts):
            raise self._unread()
        part = self.parts[self.at]
        fact, command, digits, sign = part.groups()
        self.at += 1
        if fact:
            return self.facts[int(fact)]
        if digits:
            return num(int(digits)) if digits.isdecimal() else raw(digits)
        if command:
            return self._command(part[0], command)
        if sign == "{":
            return self._group("}")
        if sign in _BRACKETS:
            end, kind = _BRACKETS[sign]
            return paren(self._group(end), kind)
        if sign in _CHARACTERS:
            return _CHARACTERS[sign]
        return Box("id", text=sign) if sign.isalpha() else raw(sign)

    def _group(self, end: str) -> Box:
        found = self._until(end)
        if self.at == len(self.parts) or self._next() != end:
            raise self._unread()
        self.at += 1
        return found

    def _command(self, part: str, name: str) -> Box:
        if name in _UPRIGHT:
            return word(self._letters())
        if name in ("mathbf", "mathbb"):
            letters = self._letters()
            if letters in _BOLD:
                return _BOLD[letters]
        elif name == "frac":
            return frac(self._one(), self._one())
        elif part == r"\sqrt":
            return Box("root", (self._one(),))
        elif name == "boxed":
            return Box("frame", (self._one(),))
        elif name == "sum":
            return self._sum()
        elif name in FUNCTIONS:
            return word(name)
        elif name in GREEK:
            return Box("id", text=name)
        elif name in _SPACES:
            return op(_SPACES[name])
        elif name in _COMMANDS:
            return _COMMANDS[name]
        raise self._unread()

    def _sum(self) -> Box:
        limits = {"_": row(), "^": row()}
        while self.at < len(self.parts) and self._next() in limits:
            sign = self._next()
            self.at += 1
            limits[sign] = self._one()
        return Box("sum", tuple(limits.values()))

    def _letters(self) -> str:
        """Read a group as it stands."""
        start = self.parts[self.at].end() if self.at < len(self.parts) else len(self.text)
        end = self.text.find("}", start)
        if end < 0:
            raise self._unread()
        while self.parts[self.at].start() < end:
            self.at += 1
        self.at += 1
        return self.text[start:end]

    def _next(self) -> str:
        return self.parts[self.at][0]

    def _unread(self) -> FaultError:
        return FaultError(f"the formula {self.text!r} in the words of a document cannot be read")
