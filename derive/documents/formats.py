"""The formats of documents: one entry each, with its flavours.

Enters the name of a format and of a flavour, leaves how it is printed. The law: what sets one
format apart from another stands in its entry and in its folder of templates, nowhere else. A
printer is imported where its format is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from derive.documents.model import Block
from derive.expressions.errors import UnsupportedError
from derive.expressions.layout import Box
from derive.notation import escape
from derive.notation.dialects import INSTEAD, as_prose, dialect, in_line
from derive.notation.displays import PAGE, SCREEN, SITE, SLIDE, Paper, broken
from derive.notation.latex import latex

if TYPE_CHECKING:
    from derive.documents.notebook import Cell

#: What begins in the words of a format whose parts somebody else puts together, what ends it, and
#: what a dollar is there; a text of a user has no such characters.
CODE, EMPHASIS, STRONG, CITES, CLOSES, DOLLAR = "\x10\x11\x12\x13\x14\x15"
#: The name of that format.
NODES = "nodes"
#: What is wider than this in a sentence may break on paper.
INLINE = 42.0


class Format(NamedTuple):
    """How documents are printed in a format.

    `folder` has its templates, which end as its files do, in `ending`. `displayed` and `inline`
    print layout, `within` makes what is displayed fit for a line of text, `cited` says the number
    of an equation, after the prefix of its label. `code` and `words` make a user's text safe,
    `italic` and `strong` emphasise words, `beside` says the number of an equation inside
    mathematics. On a page, unlike on a screen, long sums and matrices are shortened. What stands
    in the folder `before` of `flavours` comes before the templates of `folder`. A format that
    `speaks` LaTeX takes the formulas that stand in the words of a language as they are; else they
    are read, and printed by `inline`, and `frame` is what stands around framed words. Where it
    `unfolds`, a reader can open what a page has not room for, and a sign of equality is one piece
    with what stands on its right.
    `linked` is how a file is named where it is shown; where it has `bound`, a document is no one
    text but cells that this binds. One that `switches` shows the solutions of a sheet, or does not,
    by itself. `arranged` is how its blocks follow each other, `made` what becomes of the text in
    the end. Where `fonts` have few letters, `code` and `words` are told which else there are.
    """

    folder: str
    ending: str
    displayed: Callable[[Box], str]
    inline: Callable[[Box], str]
    within: Callable[[str], str]
    cited: Callable[[str, int], str]
    code: Callable[..., str]
    words: Callable[..., str]
    italic: str
    strong: str
    paper: Paper = SCREEN
    speaks: bool = True
    frame: tuple[str, str] = ("", "")
    unfolds: bool = False
    linked: Callable[[str], str] = escape.link
    bound: Callable[[Iterable[Cell]], str] | None = None
    switches: bool = False
    arranged: Callable[[Iterable[Block]], Iterable[Block]] = list
    made: Callable[[str], str | bytes] = str
    beside: Callable[[str, int], str] | None = None
    before: str = ""
    fonts: bool = False

    @property
    def on_page(self) -> bool:
        return self.paper.last is not None


def _may_break(box: Box) -> str:
    return r"\allowbreak ".join(map(latex, broken(box, INLINE)))


def _typst(box: Box) -> str:
    from derive.notation.typst import typst

    return typst(box)


def _between_dollars(box: Box) -> str:
    return f"${_typst(box)}$"


def _mathml(box: Box) -> str:
    from derive.notation.mathml import displayed

    return displayed(box)


def _mathml_in_line(box: Box) -> str:
    from derive.notation.mathml import inline

    return inline(box)


def _notebook(cells: Iterable[Cell]) -> str:
    from derive.documents.notebook import notebook

    return notebook(cells)


def _slides(blocks: Iterable[Block]) -> Iterable[Block]:
    from derive.documents.slides import slides

    return slides(blocks)


def _pdf(text: str) -> bytes:
    from derive.documents.pdf import pdf

    return pdf(text)


def _plain(prefix: str, number: int) -> str:
    return f"({number})"


def _markdown(before: str, *readers: str) -> Format:
    """Return Markdown for readers who take mathematics before they look for Markdown in it."""

    def shown(box: Box) -> str:
        return dialect(box, "katex", *readers)

    return Format(
        "markdown", "md", shown, shown, str, _plain,
        escape.markdown_code, escape.markdown, "*{}*", "**{}**", before=before,
    )  # fmt: skip


def _marked(text: str) -> str:
    return escape.one_piece(text).replace("$", DOLLAR)


def _prose(box: Box) -> str:
    return as_prose(dialect(box, *INSTEAD))


def _in_prose(box: Box) -> str:
    return _prose(in_line(box))


_JUPYTER = _markdown("jupyter")
_GITHUB = _markdown("github", "github")._replace(inline=_in_prose, within=as_prose)
_MYST = _markdown("myst")._replace(
    cited=lambda prefix, number: f"{{eq}}`{prefix}{number}`", beside=_plain, paper=SITE
)
_LATEX = Format(
    "latex", "tex", latex, _may_break, str,
    lambda prefix, number: rf"\eqref{{{prefix}{number}}}", escape.latex_code, escape.latex,
    r"\emph{{{}}}", r"\textbf{{{}}}", PAGE, switches=True, fonts=True,
)  # fmt: skip

_BEAMER = _LATEX._replace(paper=SLIDE, arranged=_slides, before="beamer")
_HTML = Format(
    "html", "html", _mathml, _mathml_in_line, lambda shown: shown,
    lambda prefix, number: f'<a class="cite" href="#{prefix}{number}">({number})</a>',
    escape.html_code, escape.html, "<em>{}</em>", "<strong>{}</strong>",
    speaks=False, frame=("<ins>", "</ins>"), unfolds=True,
)  # fmt: skip
_TYPST = Format(
    "typst", "typ", _typst, _between_dollars, str, lambda prefix, number: f"#eq({number})",
    escape.typst_code, escape.typst, "#emph[{}]", "#strong[{}]", PAGE, False, ("#boxed[", "]"),
)  # fmt: skip
_NOTEBOOK = _JUPYTER._replace(bound=_notebook, linked="attachment:{}".format)

_NODES = _markdown("sphinx")._replace(
    cited=lambda prefix, number: f"{CITES}{prefix}{number}{CLOSES}", words=_marked,
    code=lambda text: f"{CODE}{_marked(text)}{CLOSES}", italic=f"{EMPHASIS}{{}}{CLOSES}",
    strong=f"{STRONG}{{}}{CLOSES}", paper=SITE,
)  # fmt: skip

#: Formats by name, each with its flavours by name; the first is what nobody chose.
FORMATS: dict[str, dict[str, Format]] = {
    "md": {
        "": _GITHUB._replace(displayed=_prose, before=""),
        "github": _GITHUB,
        "myst": _MYST,
        "pandoc": _markdown("pandoc", "pandoc"),
        "jupyter": _JUPYTER,
    },
    "tex": {"": _LATEX, "beamer": _BEAMER},
    "html": {"": _HTML},
    "ipynb": {"": _NOTEBOOK},
    "typ": {"": _TYPST},
    "pdf": {"": _TYPST._replace(made=_pdf)},
}


def format_of(form: str, flavour: str = "") -> Format:
    """Return how a format is printed, in one of its flavours.

    >>> format_of("tex").folder
    'latex'

    Raises `UnsupportedError` for one that there is not.
    """
    if form == NODES:
        return _NODES
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
