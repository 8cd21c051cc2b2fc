"""The index of a course: which documents there are, and in which files.

Enters a title and what was written; leaves the blocks of one page. The law: an index names files
that are there, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from derive.documents.formats import FORMATS, format_of
from derive.documents.model import Block, Contents, Heading, words
from derive.documents.page import Document
from derive.notation.messages import template_folder


class Listed(NamedTuple):
    """A document of a course: its title, the command that made it, its files, and whether that of
    LaTeX is a piece of a document."""

    title: str
    kind: str
    files: tuple[str, ...]
    fragment: bool = False


@dataclass(frozen=True, slots=True)
class Index(Document):
    """The first page of a course.

    >>> page = Index("Gradients", (Listed("One layer", "prove", ("affine.md", "affine.tex")),))
    >>> print(page.render("md").splitlines()[2])
    1. [One layer](affine.md), a proof ([tex](affine.tex))
    """

    title: str
    listed: tuple[Listed, ...]

    @property
    def name(self) -> str:
        return "index"

    @property
    def question(self) -> dict[str, Any]:
        return {"course": self.title}

    def blocks(self) -> Iterable[Block]:
        yield Heading(words("user-text", text=self.title), 1)
        yield Contents(tuple(
            {"title": one.title, "kind": words("course-kind", kind=one.kind),
             "files": list(one.files), "fragment": one.fragment}
            for one in self.listed
        ))  # fmt: skip


def index_formats(formats: Iterable[str]) -> list[str]:
    """Return the formats in which an index is written: those that have a template for it, else
    Markdown.

    >>> index_formats(["tex", "svg"]), index_formats(["svg"])
    (['tex'], ['md'])
    """

    def listing(form: str) -> Path:
        of = format_of(form)
        return template_folder() / of.folder / f"contents.{of.ending}"

    found = [form for form in dict.fromkeys(formats) if form in FORMATS and listing(form).is_file()]
    return found or ["md"]
