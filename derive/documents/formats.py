"""The formats of documents: one entry each, with its flavours.

Enters the name of a format and of a flavour, leaves how it is printed. The law: what sets one
format apart from another stands in its entry and in its folder of templates, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from derive.documents.notebook import Cell, notebook
from derive.documents.pdf import pdf
from derive.expressions.errors import UnsupportedError
from derive.expressions.layout import Box
from derive.notation import escape, mathml
from derive.notation.displays import PAGE, SCREEN, Paper, broken
from derive.notation.latex import BETWEEN_ROWS, latex
from derive.notation.typst import typst

#: What is wider than this in a sentence may break on paper.
INLINE = 42.0
#: Longer mathematics does without thin spaces: each is a macro, and KaTeX expands a thousand.
CROWDED = 8000


class Format(NamedTuple):
    """How documents are printed in a format.

    `folder` has its templates, which end as its files do, in `ending`. `displayed` and `inline`
    print layout, `within` makes what is displayed fit for a line of text, `cited` says the number
    of an equation, after the prefix of its label. `code` and `words` make a user's text safe,
    `italic` and `strong` emphasise words. On a page, unlike on a screen, long sums and matrices
    are shortened. A format that `speaks` LaTeX takes the formulas that stand in the words of a
    language as they are; else they are read, and printed by `inline`, and `frame` is what stands
    around framed words. Where it `unfolds`, a reader can open what a page has not room for, and a
    sign of equality is one piece with what stands on its right.
    `linked` is how a file is named where it is shown; where it has `bound`, a document is no one
    text but cells that this binds. One that `switches` shows the solutions of a sheet, or does not,
    by itself. `made` is what becomes of the text in the end.
    """

    folder: str
    ending: str
    displayed: Callable[[Box], str]
    inline: Callable[[Box], str]
    within: Callable[[str], str]
    cited: Callable[[str, int], str]
    code: Callable[[str], str]
    words: Callable[[str], str]
    italic: str
    strong: str
    paper: Paper = SCREEN
    speaks: bool = True
    frame: tuple[str, str] = ("", "")
    unfolds: bool = False
    linked: Callable[[str], str] = escape.link
    bound: Callable[[Iterable[Cell]], str] | None = None
    switches: bool = False
    made: Callable[[str], str | bytes] = str

    @property
    def on_page(self) -> bool:
        return self.paper is not SCREEN


def _thin(shown: str) -> str:
    """Return mathematics for a line of text: Markdown takes a backslash before a comma away."""
    return shown.replace(r"\,", r"\thinspace ")


def _katex(box: Box) -> str:
    shown = latex(box).replace(BETWEEN_ROWS, "[8pt]")  # KaTeX has no \noalign
    return shown.replace(r"\,", "{}") if len(shown) > CROWDED else shown


def _may_break(box: Box) -> str:
    return _thin(r"\allowbreak ".join(map(latex, broken(box, INLINE))))


def _between_dollars(box: Box) -> str:
    return f"${typst(box)}$"


_MARKDOWN = Format(
    "markdown", "md", _katex, lambda box: _thin(latex(box)), _thin,
    lambda prefix, number: f"({number})", escape.markdown_code, escape.markdown,
    "*{}*", "**{}**",
)  # fmt: skip
_LATEX = Format(
    "latex", "tex", latex, _may_break, _thin,
    lambda prefix, number: rf"\eqref{{{prefix}{number}}}", escape.latex_code, escape.latex,
    r"\emph{{{}}}", r"\textbf{{{}}}", PAGE, switches=True,
)  # fmt: skip

_HTML = Format(
    "html", "html", mathml.displayed, mathml.inline, lambda shown: shown,
    lambda prefix, number: f'<a class="cite" href="#{prefix}{number}">({number})</a>',
    escape.html_code, escape.html, "<em>{}</em>", "<strong>{}</strong>",
    speaks=False, frame=("<ins>", "</ins>"), unfolds=True,
)  # fmt: skip
_TYPST = Format(
    "typst", "typ", typst, _between_dollars, str, lambda prefix, number: f"#eq({number})",
    escape.typst_code, escape.typst, "#emph[{}]", "#strong[{}]", PAGE, False, ("#boxed[", "]"),
)  # fmt: skip
_NOTEBOOK = _MARKDOWN._replace(bound=notebook, linked="attachment:{}".format)

#: Formats by name, each with its flavours by name; the first is what nobody chose.
FORMATS: dict[str, dict[str, Format]] = {
    "md": {"": _MARKDOWN},
    "tex": {"": _LATEX},
    "html": {"": _HTML},
    "ipynb": {"": _NOTEBOOK},
    "typ": {"": _TYPST},
    "pdf": {"": _TYPST._replace(made=pdf)},
}


def format_of(form: str, flavour: str = "") -> Format:
    """Return how a format is printed, in one of its flavours.

    >>> format_of("tex").folder
    'latex'

    Raises `UnsupportedError` for one that there is not.
    """
    if form not in FORMATS:
        raise UnsupportedError(f"there is no format {form}", hint=f"there are {', '.join(FORMATS)}")
    flavours = FORMATS[form]
    if flavour not in flavours:
        known = ", ".join(filter(None, flavours))
        raise UnsupportedError(
            f"there is no flavour {flavour} of {form}",
            hint=f"there are {known}" if known else f"{form} has one flavour",
        )
    return flavours[flavour]


def flavoured(forms: Iterable[str], flavour: str) -> dict[str, dict[str, str]]:
    """Return the flavour of each format, as an option: the one that was chosen, where there is it.

    >>> flavoured(["md", "tex"], "")
    {'md': {}, 'tex': {}}

    Raises `UnsupportedError` for one that none of the formats has.
    """
    has = {form: bool(flavour) and flavour in FORMATS.get(form, ()) for form in forms}
    if flavour and not any(has.values()):
        format_of(next(iter(has), ""), flavour)
    return {form: {"flavour": flavour} if own else {} for form, own in has.items()}
