"""A reader of Typst's mathematics: from what is printed to the LaTeX that says the same.

It knows the language by its own rules and nothing of the package: a word before a bracket is a
function, of arguments between commas and rows between semicolons; a script is one thing, or what
stands in brackets; other brackets are themselves, and grow. `reading` makes numbers of the LaTeX.
"""

from __future__ import annotations

import re

TOKEN = re.compile(
    r'\s*(?P<name>[A-Za-z][A-Za-z.]*[A-Za-z](?![A-Za-z]))|\s*(?P<string>"(?:[^"\\]|\\.)*")'
    r"|\s*(?P<escaped>\\.)|\s*(?P<number>\d+(?:\.\d+)?)|\s*(?P<setting>#[\w.]+)|\s*(?P<sign>\S)",
)
LATIN = "exp log sin cos tan sinh cosh tanh max min det".split()
NAMES = {name: rf"\{name} " for name in LATIN} | {
    "tr": r"\operatorname{tr}", "thin": r"\,", "quad": r"\,", "space": r"\ ",
}  # fmt: skip
SIGNS = {
    "∂": "partial", "⊙": "odot", "⊗": "otimes", "⊘": "oslash", "⋅": "cdot", "×": "times",
    "≈": "approx", "→": "to", "∈": "in", "≥": "ge", "≠": "ne", "≤": "le", "⊤": "top",
    "∑": "sum", "∏": "prod", "⋯": "cdots", "⋮": "vdots", "⋱": "ddots", "ϵ": "epsilon",
    "ϕ": "phi",
} | dict(zip("αβγδζηθικλμνξπρστυχψωΓΔΘΛΞΠΣΥΦΨΩ", (
    "alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon chi "
    "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
), strict=True))  # fmt: skip
ACCENTS = {"hat": r"\hat", "macron": r"\bar", "tilde": r"\tilde"}
BARS = {"abs": "lvert", "norm": "lVert"}


def tex(text: str) -> str:
    """Return mathematics of Typst as LaTeX; it must be read to its end.

    >>> tex('frac(1, n) op("softmax") \\\\( X_(i j)^⊤ \\\\)')
    '\\\\frac{1}{n}\\\\operatorname{softmax}(X_{ij}^{\\\\top })'
    """
    found = TOKEN.finditer(text.strip())
    reader = _Reader([(m.lastgroup, m[m.lastgroup], m[0][0].isspace()) for m in found])
    shown = reader.row()
    assert reader.next == "", f"left over: {reader.tokens[reader.at :]}"
    return shown


class _Reader:
    def __init__(self, tokens: list[tuple[str, str, bool]]):
        self.tokens, self.at = tokens, 0

    @property
    def next(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        assert token and (not expected or token in expected), f"{token!r}, not {expected}"
        self.at += 1
        return token

    def row(self, *ends: str) -> str:
        found = []
        while self.next not in ("", *ends):
            under = self.next == "limits"
            found.append(self.one())
            while self.next in ("_", "^"):
                sign, script = self.take(), self.script()
                if under:  # what stands below a base that has its limits there
                    found[-1] = rf"\underset{{{script}}}{{{found[-1]}}}"
                    under = False
                else:
                    found.append(f"{sign}{{{script}}}")
        return "".join(found)

    def script(self) -> str:
        if self.next != "(":
            return self.one()
        self.take("(")
        inside = self.row(")")
        self.take(")")
        return inside

    def one(self) -> str:
        kind, token, _ = self.tokens[self.at]
        self.take()
        if kind == "name":
            called = self.next == "(" and not self.tokens[self.at][2]
            return self.call(token) if called else NAMES[token]
        if kind == "string":
            assert token == '""', f"text {token}"
            return "{}"
        if kind == "escaped":
            assert token[1] in r"()[],/;|", token
            return token[1]
        if kind == "number" or re.fullmatch(r"[A-Za-z=>+\-'.&?…]", token):
            return token
        if token in "([":
            end = ")" if token == "(" else "]"
            inside = self.row(end)
            return rf"\left{token}{inside}\right{self.take(end)}"
        assert token in SIGNS, f"the sign {token!r}"
        return rf"\{SIGNS[token]} "

    def call(self, name: str) -> str:
        self.take("(")
        if name in ("op", "italic"):
            letters = self.take()[1:-1]
            self.take(")")
            return rf"\{'operatorname' if name == 'op' else 'mathit'}{{{letters}}}"
        rows, settings = [[]], {}
        while self.next != ")":
            if self.tokens[self.at + 1][1] == ":":
                key, _, settings[key] = self.take(), self.take(), self.take()
            elif name == "lr":
                rows[-1].append(self.row(",", "|", ")"))
                settings |= {"bar": True} if self.next == "|" and self.take() else {}
            else:
                rows[-1].append(self.row(",", ";", ")"))
            if self.next in (",", ";") and self.take() == ";":
                rows.append([])
        self.take(")")
        return self.made(name, rows, settings)

    def made(self, name: str, rows: list[list[str]], settings: dict[str, str]) -> str:
        if name == "mat" and settings.get("delim") == "#none":
            return "".join(cell for row in rows for cell in row)
        if name == "mat":
            kind = "bmatrix" if settings.get("delim") == '"["' else "pmatrix"
            body = r" \\ ".join(" & ".join(row) for row in rows)
            return rf"\begin{{{kind}}}{body}\end{{{kind}}}"
        (given,) = rows
        if name == "cases":
            return r"\begin{cases}" + r" \\ ".join(given) + r"\end{cases}"
        if name == "frac":
            above, below = given
            return rf"\frac{{{above}}}{{{below}}}"
        (inside,) = given
        if name == "lr":
            return rf"\left.{inside}\right\rvert " if "bar" in settings else inside
        if name in BARS:
            return rf"\left\{BARS[name]} {inside}\right\{BARS[name].replace('l', 'r', 1)} "
        made = {"sqrt": r"\sqrt", "bold": r"\mathbf", "limits": "", **ACCENTS}[name]
        return f"{made}{{{inside}}}" if made else inside
