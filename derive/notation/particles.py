"""Particles: short words whose form depends on the sound that they follow, as in Korean.

Enters a text in which such words stand as marks, and what was printed before them; leaves the text
with each in its form. The law: a form is chosen by how what stands before is read aloud, and where
nobody can know that both forms are written, as Koreans do.

A syllable is *open* (ends in a vowel), *closed* (in a consonant) or *liquid* (in l). How letters
are called in Korean: National Institute of Korean Language, Standard Korean Language Dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from unicodedata import name as unicode_name

if TYPE_CHECKING:
    from derive.expressions.layout import Box

OPEN, CLOSED, LIQUID, UNKNOWN = "\ue100", "\ue101", "\ue102", "\ue103"
#: The first mark of a particle: characters of private use, which no user's text keeps.
FIRST = 0xE110

#: Letters and digits whose name ends in a consonant; those of the others end in a vowel.
_CLOSED = {*"mnMN036"}
_LIQUID = {*"lrLR178"}
_GREEK = {
    **dict.fromkeys(("epsilon", "varepsilon", "omicron", "upsilon", "Upsilon"), CLOSED),
    **dict.fromkeys((
        "alpha", "beta", "gamma", "delta", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
        "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
    ), OPEN),
}  # fmt: skip
#: How English words are read that end so; of e, t, d, k, p and c nobody knows.
_ENDS = {**dict.fromkeys("abfghijorsuvwxyz", OPEN), "m": CLOSED, "n": CLOSED, "l": LIQUID}
#: What stands above a letter is said last: hat, bar, tilde.
_ACCENTS = {"hat": CLOSED, "bar": OPEN, "tilde": OPEN}
#: Signs that are said, and what is said last of what stands between bars.
_SIGNS = {"delta": OPEN, "sigma": OPEN, "all-ones": LIQUID, "all-zeros": CLOSED, "reals": LIQUID,
          "cdots": CLOSED, "prime": CLOSED}  # fmt: skip
_BARS = {"bars": CLOSED, "double-bars": CLOSED}


class Particles:
    """The particles of a language, by the name under which its words ask for them, and how English
    words end that are read in it: `closed`, `open` or `liquid`.

    >>> found = Particles({"을": ["을", "를"], "로": ["으로", "로", "로"]})
    >>> found.resolved(f"$A${found.marks['을']} $B_3${found.marks['로']}")
    '$A$를 $B_3$으로'
    """

    def __init__(self, forms: Mapping[str, Sequence[str]], words: Mapping[str, str] | None = None):
        #: After a closed syllable, an open one, and a liquid one where that is not as closed.
        self.forms = [(form[0], form[1], form[-1] if len(form) > 2 else form[0])
                      for form in forms.values()]  # fmt: skip
        self.marks = {name: chr(FIRST + k) for k, name in enumerate(forms)}
        self._mark = re.compile(f"[{chr(FIRST)}-{chr(FIRST + max(len(forms) - 1, 0))}]")
        ends = {"open": OPEN, "closed": CLOSED, "liquid": LIQUID}
        self._words = {
            word: ends[end] for end, known in (words or {}).items() for word in known.split()
        }

    def __bool__(self) -> bool:
        return bool(self.forms)

    def resolved(self, text: str, whole: bool = True) -> str:
        """Return a text with every particle in its form; marks of sounds stay in a part of one."""
        if not self.forms:
            return text
        parts, end = [], 0
        for found in self._mark.finditer(text):
            parts.append(text[end : found.start()])
            closed, open_, liquid = self.forms[ord(found[0]) - FIRST]
            both = f"({closed[:1]}){open_}" if closed.endswith(open_) else f"{closed}({open_})"
            said = {OPEN: open_, CLOSED: closed, LIQUID: liquid, UNKNOWN: both}
            parts.append(said[self.sound("".join(parts[-3:]))])
            end = found.end()
        told = "".join([*parts, text[end:]])
        return re.sub(f"[{OPEN}-{UNKNOWN}]", "", told) if whole else told

    def sound(self, text: str) -> str:
        """Return in which sound a text ends, read aloud in Korean.

        >>> [Particles({}).sound(text) for text in ("행렬", "함수", "$n$", "X.T", "(12)")] == [
        ...     LIQUID, OPEN, CLOSED, OPEN, OPEN]
        True
        """
        text = re.sub(r"<[^<>]*>\Z", "", text.rstrip())
        text = re.sub(r"(?:[^\w\ue100-\ue103]|_)+\Z", "", text)
        if not text:
            return UNKNOWN
        last = text[-1]
        if OPEN <= last <= UNKNOWN:
            return last
        if "가" <= last <= "힣":
            final = (ord(last) - ord("가")) % 28
            return {0: OPEN, 8: LIQUID}.get(final, CLOSED)
        word = re.search(r"[A-Za-z]+\Z", text)
        return self._of_word(word[0] if word else last)

    def _of_word(self, word: str) -> str:
        """Return in which sound a letter, a number or an English word ends."""
        greek = _GREEK.get(word) or _GREEK.get(word.lower())
        if greek:
            return greek
        last = word[-1:]
        if len(word) < 3 or word.isupper() or not word.isalpha():  # letter by letter: dX, GRU
            if last.isascii() and last.isalnum():
                return CLOSED if last in _CLOSED else LIQUID if last in _LIQUID else OPEN
            return _of_sign(last)
        known = self._words.get(word.lower())
        return known or (CLOSED if word.endswith("ng") else _ENDS.get(last, UNKNOWN))

    def of_box(self, box: Box) -> str:
        """Return in which sound a formula ends, read aloud in Korean.

        >>> from derive.expressions.layout import Box, frac, num, sup
        >>> A, known = Box("id", text="A"), Particles({})
        >>> [known.of_box(x) for x in (A, sup(A, num(2)), frac(A, num(3)))] == [OPEN, CLOSED, OPEN]
        True
        """
        return next(self._sounds(box), UNKNOWN)

    def _sounds(self, box: Box) -> Iterator[str]:
        """Yield what a formula ends in, the last part first; signs that nobody says are passed
        over."""
        parts, text = box.parts, box.text
        match box.kind:
            case "id":
                from derive.notation.signs import accented, spelled

                bare, accent = accented(text)
                yield _ACCENTS[accent] if accent else self._of_word(spelled(bare))
            case "num" | "rounded" | "raw":
                yield self.sound(text)
            case "word":
                yield self._of_word(text)
            case "op" if text in _SIGNS:
                yield _SIGNS[text]
            case "sup" if parts[0].text == "reals":
                yield from self._sounds(parts[1])
            case "sup":
                yield self._exponent(parts[1])
            case "frac":  # a over b is said `of b, a`; a derivative is said from top to bottom
                signs = [any(one.text == "partial" for one in part.walk()) for part in parts]
                yield from self._sounds(parts[1] if all(signs) else parts[0])
            case "paren" if text in _BARS:
                yield _BARS[text]
            case "paren" | "root" | "frame" | "under" | "at":
                yield from self._sounds(parts[0])
            case "matrix" | "lines":
                yield LIQUID
            case "filled":
                from derive.notation.widths import plain

                yield from self._sounds(plain(box))
            case "row" | "index" | "sum":
                for part in reversed(parts):
                    yield from self._sounds(part)

    def _exponent(self, box: Box) -> str:
        """Return how an exponent ends: transpose, inverse, the number of a layer, a power."""
        match box.kind, [one.text for one in box.walk() if one.text]:
            case _, ["top"]:
                return OPEN
            case _, ["negative", "1"] | ["-1"]:
                return LIQUID
            case "paren", _:
                return self.of_box(box)
        return CLOSED


def _of_sign(letter: str) -> str:
    words = unicode_name(letter, "").split()
    greek = words[-1].lower() if words[:1] == ["GREEK"] else ""
    return _GREEK.get({"lamda": "lambda"}.get(greek, greek), UNKNOWN)
