"""A document to text and to a file: the templates of a format, filled with plain values.

Delimiters and filters are the same for every template; `templates/README.md` describes them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.documents.files import asked, write
from derive.expressions.errors import OutputError, UnsupportedError
from derive.notation import escape

if TYPE_CHECKING:
    import jinja2

FORMATS = {"md": "markdown", "tex": "latex"}
#: How a user's text stands in a format: as code, and between words.
ESCAPES: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "md": (escape.markdown_code, escape.markdown),
    "tex": (escape.latex_code, escape.latex),
}


def fill(
    template: str, form: str, document: Mapping[str, Any], templates: str | Path | None = None
) -> str:
    """Return the template of a format, `prove` or another, filled with a document.

    `templates` is a folder whose templates come before ours. Raises `UnsupportedError` for a format
    that there is no folder for, `OutputError` for a template that cannot be filled.
    """
    import jinja2

    if form not in FORMATS:
        raise UnsupportedError(f"there is no format {form}", hint=f"there are {', '.join(FORMATS)}")

    folder = None if templates is None else Path(templates)
    if folder is not None and not folder.is_dir():
        raise OutputError(f"there is no folder of templates at {folder}")
    environment = _environment(form, folder)
    name = f"{FORMATS[form]}/{template}.{form}"
    try:
        text = environment.get_template(name).render(doc=document)
    except jinja2.TemplateError as error:
        where = getattr(error, "name", None) or name
        line = getattr(error, "lineno", None)
        raise OutputError(
            f"the template {where}{f', line {line},' if line else ''} cannot be filled: "
            f"{error.message or error}"
        ) from None
    except Exception as error:  # a template is a program, and may fail as one
        if folder is None:
            raise
        told = f"{type(error).__name__}: {error}"
        raise OutputError(f"the template {name} cannot be filled: {told}") from None
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip() + "\n"


@cache
def _environment(form: str, templates: Path | None) -> jinja2.Environment:
    """Return the templates of a format, a user's before ours; compiled ones are kept."""
    import jinja2

    from derive.documents.template_cache import compiled

    ours = jinja2.FileSystemLoader(template_folder())
    loaders: list[jinja2.BaseLoader] = [jinja2.PrefixLoader({"derive": ours}), ours]
    if templates is not None:
        loaders.insert(0, jinja2.FileSystemLoader(templates))
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        bytecode_cache=compiled(Path(__file__)),
    )

    @jinja2.pass_context
    def ref(context: jinja2.runtime.Context, number: int) -> str:
        return f"({number})" if form == "md" else rf"\eqref{{{context['doc']['prefix']}{number}}}"

    environment.filters["ref"] = ref
    code, words = ESCAPES[form]
    environment.filters |= {"code": code, "words": words, "link": escape.link}
    environment.filters["reason"] = _reason_text
    environment.filters["text_width"] = lambda words: 0.9 * len(" ".join(words.split()))
    environment.filters["inline"] = lambda shown: shown.replace(r"\,", r"\thinspace ")
    environment.filters["strong"] = lambda words: re.sub(r"\*\*([^*]+)\*\*", r"\\textbf{\1}", words)
    environment.filters["emphasis"] = lambda words: re.sub(r"\*([^*]+)\*", r"\\emph{\1}", words)
    return environment


def _reason_text(words: str) -> str:
    """Return words with mathematics in dollars as the text of a display: `\\text{only } k = c`."""
    pieces = " ".join(words.split()).split("$")
    shown = [
        (rf"\text{{{piece}}}" if at % 2 == 0 else piece) for at, piece in enumerate(pieces) if piece
    ]
    return "".join(shown)


def template_folder() -> Path:
    """Return the folder of our templates: inside the installed package, or beside it."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "templates", here.parent / "templates"):
        if (folder / "markdown").is_dir():
            return folder
    raise OutputError("the templates are missing from this installation")


# -- files -----------------------------------------------------------------------------------------


class Document(ABC):
    """What can be rendered and saved under a name; a notebook shows it as Markdown."""

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of its files, without an ending."""

    @abstractmethod
    def render(self, form: str, **options: Any) -> str:
        """Return the document in a format, `md` or `tex`."""

    def to_markdown(self, **options: Any) -> str:
        """Return the document as Markdown with mathematics between dollars."""
        return self.render("md", **options)

    def to_latex(self, **options: Any) -> str:
        """Return the document as a LaTeX article, or with `fragment=True` as a piece of one."""
        return self.render("tex", **options)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def save(
        self, folder: str | Path = "output", formats: Sequence[str] = ("md", "tex"), **options: Any
    ) -> list[Path]:
        """Write the document into a folder, each file whole or not at all; return their paths.

        A file of another document, or one that was changed by hand, is not written over: then a
        number follows the name.
        """
        options = {name: value for name, value in options.items() if value}
        said = {name: str(value) for name, value in options.items()}
        question = asked(type(self).__name__, self.question | said)
        return write(
            folder, self.name, question, [f".{form}" for form in formats],
            lambda name: [self.render(form, **self.named(name) | options) for form in formats],
        )  # fmt: skip

    @property
    @abstractmethod
    def question(self) -> dict[str, Any]:
        """What the document answers, as plain values by name: the same question, the same file."""

    def named(self, name: str) -> dict[str, Any]:
        """Return the options that say which name a document has."""
        return {}
