"""The signs of mathematics, each once: its LaTeX, its character, its width, how it stands.

What enters is the name that a box of layout has, what leaves is a row of the table. The law: a sign
that one printer knows, every printer knows.
"""

from __future__ import annotations

from typing import NamedTuple

#: How a sign stands: alone, between operands, between sides, so with space around it or without.
ORDINARY, BINARY, RELATION = 0.0, 0.9, 1.12


class Sign(NamedTuple):
    """A sign: its LaTeX, its character, its width in digits, and the space around it.

    In Typst it is its character, or what is said.
    """

    latex: str
    text: str
    width: float
    space: float = ORDINARY
    typst: str = ""


SIGNS = {
    "partial": Sign(r"\partial ", "∂", 1.06),
    "delta": Sign(r"\delta", "δ", 1.14),
    "odot": Sign(r" \odot ", " ⊙ ", 1.56, BINARY),
    "otimes": Sign(r" \otimes ", " ⊗ ", 1.56, BINARY),
    "entrywise": Sign(r"\odot ", "⊙", 1.56),
    "oslash": Sign(r" \oslash ", " ⊘ ", 1.56, BINARY),
    "cdot": Sign(r" \cdot ", "·", 0.56, BINARY, typst="⋅"),
    "times": Sign(r"\times ", "×", 1.56, BINARY),
    "plus": Sign(" + ", " + ", 1.56, BINARY),
    "minus": Sign(" - ", " - ", 1.56, BINARY),
    "negative": Sign("-", "-", 1.56),
    "equals": Sign(" = ", " = ", 1.56, RELATION),
    "approx": Sign(r" \approx ", " ≈ ", 1.56, RELATION),
    "to": Sign(r" \to ", " → ", 1.56, RELATION),
    "in": Sign(r" \in ", " ∈ ", 1.34, RELATION),
    "greater": Sign(" > ", " > ", 1.56, RELATION),
    "at-least": Sign(r" \ge ", " ≥ ", 1.56, RELATION),
    "differs": Sign(r" \ne ", " ≠ ", 1.56, RELATION),
    "at-most": Sign(r" \le ", "≤", 1.56, RELATION),
    "not-equal": Sign(r" \ne ", " ≠ ", 1.56, RELATION),
    "top": Sign(r"\top", "ᵀ", 1.56, typst="⊤"),
    "all-ones": Sign(r"\mathbf{1}", "𝟏", 1.16, typst="bold(1)"),
    "all-zeros": Sign(r"\mathbf{0}", "𝟎", 1.16, typst="bold(0)"),
    "sigma": Sign(r"\sigma", "σ", 1.14),
    "prime": Sign("'", "'", 0.5),
    "product": Sign(r"\prod", "Π", 2.9, typst="∏"),
    "reals": Sign(r"\mathbf{R}", "R", 1.7, typst="RR"),
    "comma": Sign(",", ",", 0.89, typst=r"\,"),
    "comma-space": Sign(r",\ ", ", ", 1.56, typst=r"\, space"),
    "any": Sign(r"\cdot", "·", 0.56, typst="⋅"),
    "comma-quad": Sign(r",\qquad ", ",   ", 4.9, typst=r"\, quad quad"),
    "thin": Sign(r"\,", " ", 0.33, typst="thin"),
    "nothing": Sign("{}", "", 0.0, typst='""'),
    "cdots": Sign(r"\cdots", "⋯", 2.7),
    "vdots": Sign(r"\vdots", "⋮", 0.56),
    "ddots": Sign(r"\ddots", "⋱", 2.6),
}

#: The Greek letters by their names in LaTeX; Python keeps the word lambda for itself.
GREEK = dict(zip(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(),
    "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True,
))  # fmt: skip
SPELLED = {"eps": "epsilon", "lam": "lambda", "lamda": "lambda"}
#: What is set above a letter whose name ends so: its LaTeX, and the character that joins it.
ACCENTS = {"hat": (r"\hat", "\u0302"), "bar": (r"\bar", "\u0304"), "tilde": (r"\tilde", "\u0303")}
#: Names of functions that LaTeX has a command for.
FUNCTIONS = frozenset("exp log sin cos tan sinh cosh tanh max min det".split())


def spelled(name: str) -> str:
    """Return the name of a letter as LaTeX has it: `lam` is lambda."""
    return SPELLED.get(name, name)


def accented(name: str) -> tuple[str, str]:
    """Return the letter of a name and what is set above it: xhat is x with a hat.

    >>> accented("xhat"), accented("mubar"), accented("chat_2"), accented("hat")
    (('x', 'hat'), ('mu', 'bar'), ('chat_2', ''), ('hat', ''))
    """
    for accent in ACCENTS:
        letter = name.removesuffix(accent)
        if letter != name and (len(letter) == 1 or spelled(letter) in GREEK):
            return letter, accent
    return name, ""


def is_sign(name: str) -> bool:
    """Whether a name is printed as one letter.

    >>> [is_sign(name) for name in ("x", "theta", "lam", "xhat", "hidden")]
    [True, True, True, True, False]
    """
    letter, _ = accented(name)
    return len(letter) == 1 or spelled(letter) in GREEK
