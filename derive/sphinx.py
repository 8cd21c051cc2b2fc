"""Directives for Sphinx, in pages of MyST and of reStructuredText alike.

    extensions = ["derive.sphinx"]

Enters a directive, `derive:prove`, `derive:graph`, `derive:example` or `derive:check`, whose
argument is the TARGET of the command of that name and whose options are that command's long ones;
leaves a part of the page. The law: the blocks of the document are told node by node, so nothing of
a user's is read as markup, and a claim that is not proved is a warning of the build.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from derive import __version__
from derive.command.asking import command as command_of
from derive.command.options import setting
from derive.documents.formats import CITES, CLOSES, CODE, DOLLAR, EMPHASIS, NODES, STRONG
from derive.documents.model import (
    Beside,
    Block,
    Chain,
    Code,
    Entries,
    Environment,
    Figure,
    Folded,
    Heading,
    Items,
    Paragraph,
    Switch,
    Table,
    Words,
)
from derive.documents.page import Press
from derive.expressions.errors import DeriveError, OutputError
from derive.expressions.layout import Box
from derive.expressions.limits import limited
from derive.notation.messages import languages, speaking

try:
    from docutils import nodes
    from docutils.parsers.rst import directives
    from sphinx import addnodes
    from sphinx.domains import Domain
    from sphinx.util import logging
    from sphinx.util.docutils import SphinxDirective
except ImportError:
    raise OutputError(
        "Sphinx is not installed", hint="pip install 'derive-proofs[sphinx]'"
    ) from None

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: What a page of a site decides itself: where it is written, and in which format.
LEFT_OUT = {"output", "formats", "as_json", "path", "jobs", "flavour", "fragment", "help"}
#: The parts of a message: a formula, the beginning of something and what it is, the end of it.
_PART = re.compile(rf"\$([^$]*)\$|([{CODE}{EMPHASIS}{STRONG}{CITES}])|({CLOSES})")
_CITED = re.compile(f"{CITES}(.*?){CLOSES}")
logger = logging.getLogger(__name__)


# -- blocks as nodes -------------------------------------------------------------------------------


class Page:
    """Blocks as nodes of a page; equations have labels that begin with the prefix of the press."""

    def __init__(self, press: Press, directive: SphinxDirective):
        self.press = press
        self.directive = directive

    def blocks(self, blocks: Iterable[Block]) -> list[nodes.Node]:
        return [node for block in blocks for node in self.block(block)]

    def block(self, block: Block) -> Iterator[nodes.Node]:
        """Yield what a block is on a page."""
        match block:
            case Heading(said):
                yield nodes.rubric("", "", *self.words(said))
            case Paragraph(said):
                yield self.paragraph(said)
            case Chain() | Beside() | Entries():
                tex = str(self.press.printed(block)).strip()
                yield from self.display(tex, getattr(block, "number", None))
            case Table(heads, rows):
                yield self.table(heads, rows)
            case Code(lines):
                yield nodes.literal_block("\n".join(lines), "\n".join(lines), language="python")
            case Items(said):
                ends = ";" * (len(said) - 1) + "."
                items = (self.paragraph((one,), end) for one, end in zip(said, ends))
                yield nodes.bullet_list("", *(nodes.list_item("", item) for item in items))
            case Figure(_, _, drawing, svg):
                drawn = f"\\begin{{center}}{drawing()}\\end{{center}}"
                pictures = (
                    nodes.raw("", shown, format=form)
                    for form, shown in (("html", svg()), ("latex", drawn))
                )
                yield nodes.container("", *pictures, classes=["derive-figure"])
            case Environment():
                yield self.environment(block)
            case Folded(said, body, more):
                if not more:
                    yield from self.blocks((Paragraph(said), *body))
            case Switch(solved, asked):
                yield from self.blocks(asked or solved)

    def paragraph(self, said: Iterable[Words], end: str = "") -> nodes.paragraph:
        text = " ".join(self.press.say(one.key, one.facts) for one in said)
        return nodes.paragraph("", "", *inline(text + end, self.directive.env.docname))

    def words(self, said: Words | Box | str) -> list[nodes.Node]:
        """Return what a cell or a head holds."""
        text = self.press.printed(said)
        return inline(text if isinstance(said, Words) else f"${text}$", self.directive.env.docname)

    def environment(self, block: Environment) -> nodes.Node:
        """Return a theorem in a box, and other parts with their heads in the first line."""
        head = self.words(block.title) if block.title else []
        if block.kind in ("theorem", "lemma"):
            kind = [nodes.Text(self.press.say(block.kind, {}))]
            named = [nodes.Text(" ("), *head, nodes.Text(")")] if head else []
            title = nodes.title("", "", *kind, *named)
            found: nodes.Element = nodes.admonition("", title, *self.blocks(block.body))
        else:
            body = self.blocks(block.body)
            strong = nodes.strong("", "", *(head or inline(self.press.say(block.kind, {}), "")))
            if body and isinstance(body[0], nodes.paragraph):
                body[0].insert(0, [strong, nodes.Text(" ")])
            else:
                body.insert(0, nodes.paragraph("", "", strong))
            found = nodes.container("", *body)
        found["classes"].append(f"derive-{block.kind}")
        return found

    def display(self, tex: str, number: int | None) -> Iterator[nodes.Node]:
        """Yield displayed mathematics, with the target of its label where it has a number."""
        env = self.directive.env
        label = None if number is None else f"{self.press.facts['prefix']}{number}"
        block = nodes.math_block(tex, tex, docname=env.docname, number=None, label=label)
        block["no-wrap"] = block["nowrap"] = False
        self.directive.set_source_info(block)
        if label is not None:
            domain: Any = env.get_domain("math")
            domain.note_equation(env.docname, label, location=block)
            block["number"] = domain.get_equation_number_for(label)
            target = nodes.target("", "", ids=[nodes.make_id(f"equation-{label}")])
            self.directive.state.document.note_explicit_target(target)
            yield target
        yield block

    def table(self, heads: Iterable[Words], rows: Iterable[Iterable[Any]]) -> nodes.table:
        def row(cells: Iterable[Any]) -> nodes.row:
            entries = (nodes.entry("", nodes.paragraph("", "", *self.words(x))) for x in cells)
            return nodes.row("", *entries)

        head = row(heads)
        columns = [nodes.colspec(colwidth=1) for _ in head.children]
        body = nodes.tbody("", *map(row, rows))
        group = nodes.tgroup("", *columns, nodes.thead("", head), body, cols=len(columns))
        return nodes.table("", group, classes=["derive-table"])


def inline(text: str, docname: str) -> list[nodes.Node]:
    """Return a message as nodes: words, formulas, code, what is emphasised, and citations.

    >>> [type(node).__name__ for node in inline("Let $x$ be given.", "index")]
    ['Text', 'math', 'Text']
    """
    kinds = {CODE: nodes.literal, EMPHASIS: nodes.emphasis, STRONG: nodes.strong}
    open_: list[tuple[str, list[nodes.Node]]] = [("", [])]
    at = 0
    for part in _PART.finditer(text):
        _add(open_[-1][1], text[at : part.start()])
        at = part.end()
        formula, begins, ends = part.groups()
        if begins:
            open_.append((begins, []))
        elif ends:
            kind, inside = open_.pop()
            if kind == CITES:
                open_[-1][1].append(_cited(inside[0].astext(), docname))
            else:
                open_[-1][1].append(kinds[kind]("", "", *inside))
        else:
            open_[-1][1].append(nodes.math(formula, formula))
    _add(open_[-1][1], text[at:])
    return open_[0][1]


def _add(found: list[nodes.Node], words: str) -> None:
    if words:
        found.append(nodes.Text(words.replace(DOLLAR, "$")))


def _cited(label: str, docname: str) -> nodes.Node:
    return addnodes.pending_xref(
        "", nodes.inline("", label), refdomain="math", reftype="numref", reftarget=label,
        refexplicit=False, refwarn=True, refdoc=docname,
    )  # fmt: skip


def cite_in_formulas(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put numbers for the labels that mathematics cites in reasons: no reference stands there."""
    for block in doctree.findall(nodes.math_block):
        tex = _CITED.sub(lambda found: f"({_number(app, found[1])})", block.astext())
        if tex != block.astext():
            block.children = []
            block += nodes.Text(tex)


def _number(app: Sphinx, label: str) -> str:
    """Return the number that an equation has on its page, after its section where figures do."""
    domain: Any = app.env.get_domain("math")
    page, number = domain.equations[label]
    if not (app.config.numfig and app.config.math_numfig):
        return str(number)
    of_page = app.env.toc_fignumbers.get(page, {}).get("displaymath", {})
    numbers = of_page.get(nodes.make_id(f"equation-{label}"), (number,))
    return ".".join(map(str, numbers))


# -- directives ------------------------------------------------------------------------------------


class Options(dict[str, Any]):
    """The long options of a command, those that an entry of the catalogue has of its own too.

    What no command has is said by the command, when the options are read.
    """

    def __missing__(self, name: str) -> Any:
        return directives.unchanged


def long_options(command: click.Command) -> Options:
    """Return a command's long options, each with how its text is read.

    >>> from derive.command.prove import prove
    >>> "wrt" in long_options(prove), "output" in long_options(prove)
    (True, False)
    """
    found = Options()
    for param in command.params:
        names = [name for name in param.opts if name.startswith("--")]
        if isinstance(param, click.Option) and names and param.name not in LEFT_OUT:
            flag = directives.flag if param.is_flag else directives.unchanged_required
            found[names[0].removeprefix("--")] = flag
    return found


class Directive(SphinxDirective):
    """A document of the command that has the directive's name; the body may hold the program."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    command: str

    def run(self) -> list[nodes.Node]:
        target = "\n".join((*self.arguments, *self.content)).strip()
        if target in ("", "-"):
            raise self.error("there is no TARGET: a program, a file, or a name of the catalogue")
        if not any(mark in target for mark in "=@;\n"):
            relative, path = self.env.relfn2path(target)
            if Path(path).is_file():
                self.env.note_dependency(relative)
                target = path
        try:
            given = self.given(target)
            with speaking(self.language(given)), limited(given["timeout"]):
                made = self.made(target, given)
                return [node for document in made for node in self.told(document, given)]
        except click.ClickException as error:
            known = ", ".join(sorted(self.option_spec or ()))
            raise self.error(f"{error.format_message()} Options are {known}.") from None
        except DeriveError as error:
            raise self.error(str(error)) from None

    def language(self, given: dict[str, Any]) -> str:
        """Return the language of the words: of the directive, or else of the site."""
        chosen, of_site = given.pop("language"), self.config.language
        return of_site if "language" not in self.options and of_site in languages() else chosen

    def given(self, target: str) -> dict[str, Any]:
        """Return what the command makes of the options; one that it takes often is one a line."""
        command = command_of(self.command)
        takes = {name: param for param in command.params for name in param.opts}
        words: list[str] = []
        for name, value in self.options.items():
            param = takes.get(f"--{name}")
            if param is not None and param.name in LEFT_OUT:
                raise click.NoSuchOption(name)
            several = isinstance(param, click.Option) and param.multiple
            if isinstance(param, click.Option) and param.is_flag:
                words.append(f"--{name}")
            else:
                texts = value.splitlines() if several else [value]
                words += (f"--{name}={text.strip()}" for text in texts)
        context = command.make_context(f"derive:{self.command}", [*words, "--", target])
        return {name: value for name, value in context.params.items() if name != "target"}

    def made(self, target: str, given: dict[str, Any]) -> Iterator[Any]:
        """Yield the documents that are asked for."""
        yield import_module(f"derive.command.{self.command}").document(target, given)

    def told(self, document: Any, given: Mapping[str, Any]) -> list[nodes.Node]:
        """Return a document as nodes, with labels that no other page of the site has."""
        options = setting(given)
        number = self.env.new_serialno("derive")
        page = re.sub(r"[^A-Za-z0-9.-]", "-", self.env.docname)
        prefix = options.get("prefix") or f"{page}:{document.name}-{number}:"
        press = Press(NODES, options.get("templates"), prefix=prefix, stem="",
                      fragment=False, solutions=False)  # fmt: skip
        return Page(press, self).blocks(document.blocks())


class Check(Directive):
    """Claims about a program; one that is refuted, or undecided, is a warning."""

    def made(self, target: str, given: dict[str, Any]) -> Iterator[Any]:
        from derive.command.check import court_of, document
        from derive.proof.verdict import PROVED

        if not given["claims"]:
            raise self.error("there is no claim: add  :claim: dX = dY @ W.T")
        court = court_of(target, given)
        for claim in given["claims"]:
            judgement = court.judgement(claim)
            if judgement.verdict != PROVED:
                told = "\n  ".join((f"{judgement.verdict}: {claim}", *judgement.lines()))
                logger.warning(
                    told, location=self.get_location(), type="derive", subtype=judgement.verdict
                )
            found = document(court, judgement, given)
            yield found if given["write"] else replace(found, derived=False)


COMMANDS = {"prove": Directive, "graph": Directive, "example": Directive, "check": Check}


class Derive(Domain):
    """The directives of this package, each with the options of its command."""

    name = "derive"
    label = "derive"
    directives = {  # noqa: RUF012
        name: type(name.title(), (base,), {
            "command": name, "option_spec": long_options(command_of(name)), "__doc__": base.__doc__,
        })
        for name, base in COMMANDS.items()
    }  # fmt: skip

    def merge_domaindata(self, docnames: Any, otherdata: Any) -> None:
        """Labels belong to the domain of mathematics; there is nothing of our own."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Give Sphinx the directives."""
    app.add_domain(Derive)
    app.add_latex_package("tikz")
    app.connect("doctree-resolved", cite_in_formulas)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
