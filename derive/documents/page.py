"""Blocks to text and to a file: one small template a kind of block, and the words of a language.

Enters a tree of blocks and a format, leaves the text of a document. The law: what is printed is
decided by the blocks alone; templates give order and signs, messages give words, and neither knows
which kind of document it serves. `templates/README.md` describes both.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from derive.documents import formats as formats_room
from derive.documents.files import Content, asked, write
from derive.documents.formats import FORMATS, flavoured, format_of
from derive.documents.model import (
    Block,
    Chain,
    Code,
    Contents,
    Entries,
    Figure,
    Folded,
    Heading,
    Paragraph,
    Switch,
    Table,
    Words,
    words,
)
from derive.documents.parts import LEVELS, chosen, deeper, numbered
from derive.expressions.errors import FaultError, OutputError, UnsupportedError
from derive.expressions.layout import Box, op, row
from derive.expressions.limits import during
from derive.notation import escape
from derive.notation.displays import PAGE, Link, broken, fitted, places, shortened
from derive.notation.messages import (
    ENGLISH,
    Message,
    fonts,
    language,
    letters,
    particles,
    plain,
    plain_words,
    speaking,
    template_folder,
    translated,
)
from derive.notation.widths import holds, is_tall, width

if TYPE_CHECKING:
    import jinja2

    from derive.documents.notebook import Cell

#: The words of a language; those of a user come before ours, message by message. What all
#: languages say alike stands in SHARED.
WORDS, SHARED = "words/{}.jinja", "words/shared.jinja"
#: What stands beside its reason is no wider.
BESIDE = 52.0
#: What a label may consist of.
LABEL = re.compile(r"[A-Za-z0-9:.-]*\Z")


@during("writing")
def render(
    blocks: Iterable[Block],
    form: str,
    *,
    fragment: bool = False,
    prefix: str = "",
    flavour: str = "",
    solutions: bool = False,
    templates: str | Path | None = None,
    stem: str = "",
    language: str | None = None,
    level: str = "section",
    part: Sequence[str] = (),
    **facts: Any,
) -> Content:
    """Return blocks as a document in a format of `FORMATS`, in a flavour: text, or bytes of PDF.

    `fragment` leaves out title and preamble in LaTeX, `prefix` begins every label, `solutions`
    shows those of a sheet in Markdown, `templates` is a folder whose templates and words come
    before ours, `stem` begins the names of the files beside it, `language` is that of all words, en
    or ko; `level` is what its sections are to be, of `LEVELS`, and `part` names the pieces that are
    printed (see `parts.chosen`), all where none is named; other facts go to the template of the
    document as they are. Raises `UnsupportedError` for a format, flavour, language, level or part
    that there is not or a prefix that no label can have, `OutputError` for a template that cannot
    be filled.
    """
    if level not in LEVELS:
        raise UnsupportedError(f"there is no level {level}", hint=f"there are {', '.join(LEVELS)}")
    if not LABEL.match(prefix):
        raise UnsupportedError(
            f"the label prefix {prefix!r} would not survive LaTeX",
            hint="letters, digits, colon, dot and hyphen are safe",
        )
    blocks = list(deeper(chosen(blocks, part), LEVELS[level]))
    there = frozenset(numbered(blocks)) if part else None
    told = {"prefix": prefix, "fragment": fragment, "solutions": solutions, "stem": stem}
    with speaking(language):
        press = Press(form, templates, flavour, deeper=LEVELS[level], there=there, **told)
        return press.format.made(press.document(press.format.arranged(blocks), **facts))


class Press:
    """The templates and words of a format, for one document."""

    def __init__(
        self, form: str, templates: str | Path | None = None, flavour: str = "", **facts: Any
    ):
        self.form, self.format = form, format_of(form, flavour)
        self.folder = None if templates is None else Path(templates)
        if self.folder is not None and not self.folder.is_dir():
            raise OutputError(f"there is no folder of templates at {self.folder}")
        self.language, self.particles = language(), particles()
        self.at = own = WORDS.format(self.language)  # the template that is being filled
        if self.format.bound is not None:
            facts["stem"] = "picture"  # a cell brings its pictures along, under names of its own
        self.number = 0  # of the last equation, where some are left out
        self.facts = {
            **self.particles.marks,
            "deeper": 0,
            "there": None,
            **facts,
            "form": self.format.ending,
            "flavour": flavour,
            "language": self.language,
            "packages": plain_words().get("packages", ""),
            "fonts": fonts(),
            "say": self._named,
            "plain": plain,
        }
        self.facts["cites"] = self._cites
        self.beside = False  # whether what is printed stands inside mathematics
        self.spoken: list[Box] = []  # what stands in words that are still to be printed
        self.within = 0  # so many messages
        self.kinds: dict[str, None] = {}  # of what was printed, for the preamble
        self.displays: dict[int, dict[str, Any]] = {}  # that have a number, for who cites them
        names = [f"derive/{own}", f"derive/{SHARED}"]
        if self.folder is not None and (self.folder / own).is_file():
            names.insert(0, own)
        with self._told():
            self.template = _environment(form, flavour, self.folder, self.language).get_template
            self.words = [self.template(name).make_module(self.facts) for name in names]

    def document(self, blocks: Iterable[Block], **facts: Any) -> str:
        """Return the whole text: the blocks, and what stands around them."""
        made = list(blocks)
        with self._told():
            if self.format.bound is not None:
                return self.format.bound(self._cells(made))
            body = self.printed(made)
            columns = max(line.count("&") for line in body.splitlines()) + 1 if body else 0
            doc = {**facts, "body": body, "kinds": list(self.kinds), "columns": columns,
                   "displays": self.displays}  # fmt: skip
            text = self._filled("document", doc=doc)
        return _close(text)

    def _cells(self, blocks: Iterable[Block]) -> Iterator[Cell]:
        """Yield the cells of a notebook: one from each heading on, and each program that runs."""
        from derive.documents.notebook import Cell

        texts: list[str] = []
        pictures: dict[str, str] = {}
        for block in (*self._switched(blocks), None):
            runs = isinstance(block, Code) and block.runs
            if texts and (block is None or runs or isinstance(block, Heading)):
                yield Cell(_close("".join(texts)), pictures=pictures)
                texts, pictures = [], {}
            if isinstance(block, Code) and runs:
                yield Cell("\n".join(block.lines), runs=True)
            elif block is not None:
                texts += filter(str.strip, [self.printed(block)])
            if isinstance(block, Figure):
                pictures[self.facts["stem"] + block.file] = block.svg()

    def _switched(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield blocks, those of a switch as it is set."""
        for block in blocks:
            if isinstance(block, Switch):
                yield from block.solved if self.facts["solutions"] else block.asked
            else:
                yield block

    def printed(self, value: Any, within: bool = False) -> Any:
        """Return blocks, messages and layout as text, in whatever holds them.

        Layout that stands `within` a sentence keeps clear of what Markdown would take away, and may
        break on paper where it is long.
        """
        match value:
            case Message():
                return translated(value)
            case None | str() | int() | float():
                return value
            case Box() if within:
                shown = self.format.inline(value) if self.format.speaks else self._marked(value)
                return shown + (self.particles.of_box(value) if self.particles else "")
            case Box():
                return self.format.displayed(value)
            case Words(key, facts):
                return self.say(key, facts)
            case _ if isinstance(value, Block):
                return self._block(value)
            case Mapping():
                return {name: self.printed(one, within) for name, one in value.items()}
            case list() | tuple() if value and all(isinstance(x, Block) for x in value):
                return "".join(map(self.printed, value))
            case list() | tuple():
                return [self.printed(one, within) for one in value]
        return value

    def worded(self, text: str) -> str:
        """Return a sentence with its formulas printed, where the format has its own."""
        if self.format.speaks or self.within:  # a message in another is printed with it
            return text
        from derive.notation.spoken import spoken

        text = spoken(text, self.spoken, self.format.inline, self.format.frame)
        self.spoken.clear()
        return text

    def _marked(self, box: Box) -> str:
        from derive.notation.spoken import mark

        self.spoken.append(box)
        return mark(len(self.spoken) - 1)

    def _block(self, block: Block) -> str:
        kind = type(block).__name__.lower()
        match block:
            case Chain():
                self.beside = True
                display = self._fitted(block) | {"jump": self._jump(block.number)}
                self.beside = False
                if block.number is not None:
                    self.displays[block.number] = display
                return self._filled("display", b=display)
            case Folded(said, body, more) if not self.format.unfolds:
                return "" if more else self.printed((Paragraph(said), *body))
            case Entries():
                block = self._entries(block)
            case Contents():
                block = block.linked(self.form)
            case Table():  # mathematics in a cell stands in a line of text
                block = block._replace(rows=tuple(
                    tuple(words("maths", it=x) if isinstance(x, Box) else x for x in row)
                    for row in block.rows
                ))  # fmt: skip
        found = {name: self.printed(value) for name, value in block._asdict().items()}
        if isinstance(block, Entries):
            found["jump"] = self._jump(block.number)
        self.kinds |= dict.fromkeys((kind, found.get("kind", kind)))
        return self._filled(kind, b=found)

    def _jump(self, number: int | None) -> int | None:
        """Return what an equation has to count from, where those before it were left out."""
        if number is None or self.facts["there"] is None or self.facts.get("fragment"):
            return None
        last, self.number = self.number, number
        return number - 1 if number != last + 1 else None

    def _fitted(self, chain: Chain) -> dict[str, Any]:
        """Return a chain as lines that fit the page, or a screen."""
        links: Sequence[Link] = chain.links
        if not self.format.on_page:
            links = [link._replace(optional=link.optional and not chain.packed) for link in links]
        elif chain.dots:
            links = [link._replace(right=shortened(link.right, chain.dots)) for link in links]
        paper = self.format.paper
        if chain.packed:  # several sides share a line, and no number is left out
            paper = paper._replace(dots=())
        found = fitted(links, paper, packed=chain.packed)
        whole = self.format.unfolds
        lines = [
            {"left": x.left or "", "reason": x.reason,
             "right": row(op(x.sign), x.right) if whole and x.sign and x.right else x.right or "",
             "sign": self.format.displayed(op(x.sign)).strip() if x.sign else ""}
            for x in found.lines
        ]  # fmt: skip
        return {
            "lines": self.printed(lines), "number": chain.number, "end": chain.end,
            "font": found.size, "room": found.room, "tall": found.tall,
            "spread": chain.packed or any(holds(link.right, "under") for link in links),
            "high": bool(found.lines[-1].right and is_tall(found.lines[-1].right)),
        }  # fmt: skip

    def _entries(self, table: Entries) -> Any:
        """Return a table with its right sides in lines, and dots where there are many."""
        if not self.format.on_page:
            rows: list[Any] = [(*row[:2], [row[2]]) for row in table.rows]
        else:
            shown = [None if k is None else table.rows[k]
                     for k in places(len(table.rows), table.dots)]  # fmt: skip
            room = BESIDE * self.format.paper.sizes[0][1] / PAGE.sizes[0][1]
            rows = [row and (*row[:2], broken(row[2], room)) for row in shown]
        whole = all(row and len(row[2]) == 1 for row in rows)
        wide = max(width(row[0]) + width(row[2]) for row in table.rows) if whole else 0.0
        return table._replace(rows=tuple(rows), width=wide)

    def say(self, key: str, facts: Mapping[str, Any]) -> str:
        """Return a message in words, mathematics in dollars; within another one it is still known
        how it sounds."""
        macro = key.replace("-", "_")
        for module in self.words:
            message = getattr(module, macro, None)
            if message is not None:
                self.at = f"{WORDS.format(self.language)}, {key},"
                self.within += 1
                told = {name: self.printed(fact, within=True) for name, fact in facts.items()}
                text = " ".join(str(message(**told)).split())
                self.within -= 1
                return self.worded(self.particles.resolved(text, whole=not self.within))
        raise FaultError(f"there are no words for {key}")

    def _named(self, key: str, **facts: Any) -> str:
        return self.say(key, facts)

    def _cites(self, number: int) -> str:
        """Return the number of an equation, as the format cites it here; of one that was left out,
        where it is."""
        there = self.facts["there"]
        if there is not None and number not in there:
            return self.say("left-out", {"number": number})
        cited = self.format.beside if self.beside and self.format.beside else self.format.cited
        return cited(self.facts["prefix"], number)

    def _filled(self, kind: str, **facts: Any) -> str:
        self.at = f"{self.format.folder}/{kind}.{self.format.ending}"
        text = self.template(self.at).render(self.facts, **facts)
        return self.particles.resolved(text)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one sentence which template is wrong."""
        import jinja2

        try:
            yield
        except jinja2.TemplateError as error:
            where = getattr(error, "name", None) or self.at
            line = getattr(error, "lineno", None)
            raise OutputError(
                f"the template {where}{f', line {line},' if line else ''} cannot be filled: "
                f"{error.message or error}"
            ) from None
        except Exception as error:  # a template is a program, and may fail as one
            if self.folder is None or isinstance(error, OutputError):
                raise
            told = f"{type(error).__name__}: {error}"
            raise OutputError(f"the template {self.at} cannot be filled: {told}") from None


def _close(text: str) -> str:
    """Return a text with no more than one empty line at a time."""
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip() + "\n"


@cache
def _environment(
    form: str, flavour: str, templates: Path | None, language: str = ENGLISH
) -> jinja2.Environment:
    """Return the templates of a format, a user's before ours; compiled ones are kept."""
    import jinja2

    from derive.documents.template_cache import compiled

    printed = format_of(form, flavour)
    folder = template_folder()
    own = [folder / "flavours" / printed.before] if printed.before else []
    ours = jinja2.FileSystemLoader([*own, folder])
    loaders: list[jinja2.BaseLoader] = [jinja2.PrefixLoader({
        "derive": ours, "common": jinja2.FileSystemLoader(folder),
    }), ours]  # fmt: skip
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
        bytecode_cache=compiled(
            (__file__, formats_room.__file__, escape.__file__), f"{form} {flavour} {language}"
        ),
    )
    sounds, known = particles(language), [letters(language)] * printed.fonts

    @jinja2.pass_context
    def ref(context: jinja2.runtime.Context, number: int) -> str:
        cited = context["cites"](number)
        return cited + sounds.sound(str(number)) if sounds else cited

    def code(text: str) -> str:
        return printed.code(text, *known) + (sounds.sound(text) if sounds else "")

    environment.filters |= {"ref": ref, "code": code, "link": printed.linked}
    environment.filters["words"] = lambda text: printed.words(text, *known)
    environment.filters["reason"] = _reason_text
    environment.filters |= {"text_width": _text_width, "wrapped": _wrapped}
    environment.filters |= {"inline": printed.within, "string": escape.typst_string}
    environment.filters["dollars"] = lambda items: [f"${item}$" for item in items]
    environment.filters |= {"title": _title, "tied": _tied, "cited": _cited}
    environment.filters |= {"em": printed.italic.format, "bold": printed.strong.format}
    return environment


def _title(body: str) -> str:
    """Return the words of the first heading of HTML, what is mathematics in plain text."""
    head = re.search(r"<h1>(.*?)</h1>", body, re.S)
    said = re.sub(r'<math[^>]* alttext="([^"]*)">.*?</math>', r"\1", head[1] if head else "")
    return " ".join(re.sub(r"<[^>]*>", "", said).split())


def _tied(body: str) -> str:
    """Return HTML in which no line begins with the sign that ends a clause after mathematics."""
    return re.sub(r"</math>(?=[,.:;)?])", "</math>&#x2060;", body)


def _cited(body: str, prefix: str) -> frozenset[int]:
    """Return the numbers of the equations that a body of HTML cites."""
    return frozenset(map(int, re.findall(rf'class="cite" href="#{re.escape(prefix)}(\d+)"', body)))


def _text_width(words: str) -> float:
    """Return how wide words are, in digits; of a reference its number is seen, of a sign one
    letter, and a syllable of Hangul is as wide as two.

    >>> _text_width(r"by \\eqref{network:12}") == _text_width("by (12)")
    True
    """
    seen = re.sub(r"\\(?:eq)?ref\{[^}]*?(\d+)\}", r"(\1)", words)
    seen = re.sub(r"\\[A-Za-z]+ ?", "x", seen).translate({ord(sign): None for sign in "${}^_"})
    seen = " ".join(seen.split())
    return 0.9 * (len(seen) + sum(east_asian_width(c) in "WF" for c in seen))


def _wrapped(words: str, room: float) -> list[str]:
    """Return words as lines, none wider than there is room if that can be; mathematics in dollars
    and what stands in a frame are not broken."""
    lines: list[str] = []
    for word in re.findall(r"(?:\$\\boxed\{\$.*?\$\}\$|\$[^$]*\$|[^\s$])+", words, re.S):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _text_width(longer) < room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _reason_text(words: str) -> str:
    """Return words with mathematics in dollars as the text of a display: `\\text{only } k = c`."""
    pieces = " ".join(words.split()).split("$")
    shown = [
        (rf"\text{{{piece}}}" if at % 2 == 0 else piece) for at, piece in enumerate(pieces) if piece
    ]
    return "".join(shown)


# -- files -----------------------------------------------------------------------------------------


class Document(ABC):
    """What can be rendered and saved under a name; a notebook shows it as Markdown."""

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of its files, without an ending."""

    @abstractmethod
    def blocks(self) -> Iterable[Block]:
        """Return what the document is made of."""

    def render(self, form: str, **options: Any) -> Content:
        """Return the document in a format; see `page.render` for formats and options."""
        with speaking(options.get("language")):
            return self._printed(self.blocks(), form, options)

    def runnable(self) -> Iterable[Block]:
        """Return what a notebook runs after the document."""
        return ()

    def _printed(self, blocks: Iterable[Block], form: str, options: Mapping[str, Any]) -> Content:
        if format_of(form).bound is not None:
            blocks = [*blocks, *self.runnable()]
        given = {name: value for name, value in options.items() if value}
        return render(blocks, form, **self.named(self.name) | given)

    def to_markdown(self, **options: Any) -> str:
        """Return the document as Markdown with mathematics between dollars."""
        return str(self.render("md", **options))

    def to_latex(self, **options: Any) -> str:
        """Return the document as a LaTeX article, or with `fragment=True` as a piece of one."""
        return str(self.render("tex", **options))

    def to_typst(self, **options: Any) -> str:
        """Return the document in Typst's language."""
        return str(self.render("typ", **options))

    def to_pdf(self, **options: Any) -> bytes:
        """Return the document as PDF, made by Typst; raise `OutputError` where that is missing."""
        made = self.render("pdf", **options)
        assert isinstance(made, bytes)
        return made

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_latex_(self) -> str:
        return self.to_latex(fragment=True)

    def _repr_html_(self) -> str:
        return str(self.render("html", fragment=True))

    def save(
        self,
        folder: str | Path = "output",
        formats: Sequence[str] = ("md", "tex"),
        *,
        called: str = "",
        each: Mapping[str, Mapping[str, Any]] | None = None,
        replaced: Sequence[str] = (),
        taken: Collection[str] = (),
        **options: Any,
    ) -> list[Path]:
        """Write the document into a folder, all its files or none; return their paths.

        A file of another document, or one that was changed by hand, is not written over: then a
        number follows the name, that of the document or what it is `called`. `each` has the options
        of one format. See `files.write` for what is `replaced` or `taken`.
        """
        options = {name: value for name, value in options.items() if value}
        with speaking(options.pop("language", None)) as language:
            said = {name: str(value) for name, value in options.items()}
            said |= {} if language == ENGLISH else {"language": language}
            several = {k: dict(own) for k, own in (each or {}).items() if k in formats and own}
            said |= {f"set-{k}": str(sorted(own.items())) for k, own in several.items()}
            files = list(self.files(formats))
            flavours = flavoured([form for _, form, _ in files], options.pop("flavour", ""))
            blocks = list(self.blocks()) if any(form in FORMATS for _, form, _ in files) else []
            return write(
                folder, called or self.name, self.asked(said), [ending for ending, _, _ in files],
                lambda name: [
                    self._printed(blocks, form, self.named(name) | options | several.get(form, {})
                                  | own | flavours[form])
                    for _, form, own in files
                ],
                replaced, taken,
            )  # fmt: skip

    def files(self, formats: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield the ending of each of its files, the format, and what it is rendered with."""
        yield from ((f".{form}", form, {}) for form in formats)

    @property
    @abstractmethod
    def question(self) -> dict[str, Any]:
        """What the document answers, as plain values by name: the same question, the same file."""

    def asked(self, said: dict[str, str]) -> str:
        """Return the fingerprint of the question, and of how the document is to be set."""
        return asked(type(self).__name__, self.question | said)

    def named(self, name: str) -> dict[str, Any]:
        """Return the options that say which name a document has."""
        return {}
