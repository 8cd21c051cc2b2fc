"""Options that subcommands share, each written once, and what their texts mean.

Words of a shell enter, plain values leave under the names that the library's functions have. The
law: a text that cannot be read raises an error that says how it is written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from derive.catalogue import ENDING, Entry, load, meant, names
from derive.expressions.errors import DeriveError, OutputError, ParseError, UnsupportedError
from derive.expressions.limits import TIMEOUT, limited
from derive.notation.messages import ENGLISH, VARIABLE, language, languages, speaking

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# -- what texts mean -------------------------------------------------------------------------------


def read_target(target: str, given: Mapping[str, Any]) -> tuple[str | Entry, str]:
    """Return what a target stands for, and its name where it is a file.

    A text with a formula in it is a program; else it is an entry of the catalogue, a file, or
    standard input, `-`. `given` holds the folder of somebody's own entries, and what is chosen of
    the options of an entry.
    """
    chosen = given["chosen"]
    text, name = _read_target(target, given["catalogue"], chosen)
    if chosen and not isinstance(text, Entry):
        raise UnsupportedError(
            f"there is no option --{next(iter(chosen))}",
            hint="only entries of the catalogue have it",
        )
    return text, name


def _read_target(
    target: str, catalogue: str | None, chosen: Mapping[str, str]
) -> tuple[str | Entry, str]:
    if target == "-":
        if sys.stdin is None:
            raise OutputError("standard input is closed")
        return _text(sys.stdin.buffer, "standard input"), ""
    if any(mark in target for mark in "=@;\n"):
        return target, ""
    if target in names(catalogue) or target.endswith(ENDING):
        from derive.judges.entries import entry

        return entry(target, catalogue=catalogue, timeout=None, **chosen), ""
    path = Path(target)
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if found:
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in path.stem)
        try:
            with path.open("rb") as file:
                return _text(file, str(path)), name or "program"
        except OSError as error:
            raise OutputError(f"cannot read {path}: {error.strerror}") from None
    if path.suffix or "/" in target:
        raise OutputError(f"there is no file {target}")
    return meant(target, catalogue).program, ""


def _text(file: IO[bytes], name: str) -> str:
    from derive.language.syntax import LONGEST

    data = file.read(4 * LONGEST + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) > 4 * LONGEST and error.start > 4 * LONGEST - 4:  # cut, and too long anyway
            return data.decode("utf-8-sig", "ignore")
        raise ParseError(
            f"{name} is not UTF-8 text: byte {error.start + 1} cannot be read"
        ) from None


def _shapes(items: Iterable[str]) -> dict[str, tuple[int | str, ...]]:
    """Return the shapes that texts such as `X=n,d` give."""
    found: dict[str, tuple[int | str, ...]] = {}
    for item in items:
        name, equals, dims = item.partition("=")
        words = [word.strip() for word in dims.strip("() ").split(",") if word.strip()]
        if not equals or not name.strip() or len(words) not in (0, 2):
            raise UnsupportedError(
                f"a shape is written X=n,d, not {item!r}",
                hint="rows, then columns; X= is a scalar",
            )
        found[name.strip()] = tuple(map(_dim, words))
    return found


def _dim(word: str) -> int | str:
    try:
        return int(word)
    except ValueError:
        return word


def _sizes(text: str | None) -> dict[str, int]:
    """Return the sizes that `n=2,d=3` gives."""
    found: dict[str, int] = {}
    for item in (text or "").split(","):
        if not item.strip():
            continue
        name, equals, number = (part.strip() for part in item.partition("="))
        digits = number.removeprefix("-")
        if not equals or not digits.isdecimal() or len(digits) > 18:
            raise UnsupportedError(f"sizes are written n=2,d=3, not {text!r}")
        if found.setdefault(name, int(number)) != int(number):
            raise UnsupportedError(f"{name} has two sizes in {text!r}")
    return found


def _names(text: str | None) -> tuple[str, ...] | None:
    """Return the names that a text such as `X,W` lists."""
    return None if text is None else tuple(word.strip() for word in text.split(","))


def _assumptions(items: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return what options such as `A=symmetric` assume of each name."""
    found: dict[str, tuple[str, ...]] = {}
    for item in items:
        name, equals, words = (part.strip() for part in item.partition("="))
        if not equals or not name or not words:
            raise UnsupportedError(f"an assumption is written A=symmetric, not {item!r}")
        found[name] = (*found.get(name, ()), *(word.strip() for word in words.split(",")))
    return found


# -- options ---------------------------------------------------------------------------------------


def option(*names: str, read: Callable[[Any], Any] | None = None, **settings: Any) -> Any:
    """Return an option whose text is read by a function; its default is shown where it has one."""
    settings.setdefault("show_default", not settings.get("is_flag"))
    if read is not None:
        settings["callback"] = lambda context, parameter, text: read(text)
    return click.option(*names, **settings)


SHAPES = option(
    "-s", "--shape", "shapes", multiple=True, metavar="X=n,d", help="Shape of a name.", read=_shapes
)
ASSUME = option(
    "--assume", multiple=True, metavar="A=symmetric", help="Holds of an input.", read=_assumptions
)
AT = option("--at", metavar="n=2,d=3", help="Sizes at which entries are worked.", read=_sizes)
WRT = option(
    "--wrt", metavar="X,W", help="Variables to differentiate by; all inputs by default.",
    read=_names,
)  # fmt: skip
DATA = option(
    "--data", metavar="T,eps", help="Inputs that nobody differentiates by, such as labels.",
    read=lambda text: _names(text) or (),
)  # fmt: skip
VALUES = option("--values", metavar="x=-2,y=5", help="Your own numbers: text, .json or .toml.")
TEXTS = ("md", "tex", "html", "ipynb", "typ", "pdf")


def writing(*known: str) -> tuple[Any, ...]:
    """Return the options of every command that writes documents, in formats that it knows."""
    return (
        AT,
        option("-o", "--output", metavar="DIR",
               help="Folder to write to (output), or - for stdout."),
        option("-f", "--format", "formats", metavar=",".join(known), type=Formats(known),
               default=(), show_default=False, help="Formats; md and tex by default."),
        option("--json", "as_json", is_flag=True, help="Print it as JSON; write only with -o."),
        *_SETTING,
    )  # fmt: skip


class Formats(click.ParamType):
    """A list of formats, with commas between them, of those that a command knows."""

    name = "formats"

    def __init__(self, known: tuple[str, ...]):
        self.known = known

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        found = tuple(value.split(",")) if isinstance(value, str) and value else tuple(value or ())
        for form in found:
            if form not in self.known:
                listed = f"{', '.join(self.known[:-1])} and {self.known[-1]}"
                raise UnsupportedError(f"there is no format {form}", hint=f"there are {listed}")
        return found

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the lists that what is typed may become: with one more format than it has."""
        from click.shell_completion import CompletionItem

        before, comma, begun = incomplete.rpartition(",")
        said = before.split(",")
        return [
            CompletionItem(f"{before}{comma}{form}")
            for form in self.known
            if form.startswith(begun) and form not in said
        ]


#: How a document is set.
_SETTING = (
    option("--fragment", is_flag=True, help="LaTeX without a preamble, to \\input."),
    option("--flavour", metavar="NAME", help="Whose dialect of a format it is written in."),
    option("--level", type=click.Choice(["section", "subsection", "paragraph"]),
           show_default="section", help="What its sections are in your notes."),
    option("--part", metavar="theorem,lemmas", help="Pieces that are printed; all by default.",
           read=_names),
    option("--prefix", help="Beginning of LaTeX labels; the document's name by default."),
    option("--gradients", type=click.Choice(["partials", "short"]), default="partials",
           help="Upstream gradients as partial derivatives, or as G and g_ij."),
    option("--brackets", type=click.Choice(["round", "square"]), default="round",
           help="Brackets of matrices."),
    option("--first", type=click.Choice(["1", "0"]), default="1",
           help="Number of the first row and column."),
    option("--loss", metavar="NAME", help="Name of the loss, where it is not the output."),
    option("--elide", type=click.IntRange(min=0), show_default="6 in proofs and examples",
           help="Rows, columns and terms beyond which dots stand; 0 for never."),
    option("--templates", metavar="DIR", help="Folder of templates that come before ours."),
)  # fmt: skip


def style(given: Mapping[str, Any], elide: int = 0) -> Any:
    """Return the style that the options of notation ask for; `elide` where they do not say."""
    from derive.notation.mathematics import Style

    return Style(
        gradients=given["gradients"],
        brackets=given["brackets"],
        base=int(given["first"]),
        loss=given["loss"],
        elide=elide if given["elide"] is None else given["elide"],
    )


def setting(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a document is to be set, apart from its notation, where that was said."""
    said = {
        name: given[name]
        for name in ("fragment", "prefix", "flavour", "templates", "level", "part")
        if given[name]
    }
    return said if language() == ENGLISH else {**said, "language": language()}


CATALOGUE = option("--catalogue", metavar="DIR", help="Folder of your own entries, beside ours.")
LANGUAGE = option(
    "--language", metavar="|".join(languages()), read=language, show_default=VARIABLE,
    help="Language of what is written and told.",
)  # fmt: skip


#: Where a command finds the words that it was called with.
WORDS = "derive.words"


def targets(
    context: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return what a target that is being typed may become: a name of the catalogue, or a file."""
    from click.shell_completion import CompletionItem

    with suppress(DeriveError):
        found = [
            CompletionItem(name)
            for name in names(context.params.get("catalogue"))
            if name.startswith(incomplete)
        ]
        if found:
            return found
    return [CompletionItem(incomplete, type="file")]


#: A program's text, a file, or a name of the catalogue.
TARGET = click.argument("target", shell_complete=targets)


class _Command(click.Command):
    """A command whose target may bring options of its own: those that an entry has.

    They come before the command's own of the same name.
    """

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the options that are being typed, those of an entry too."""
        from click.shell_completion import CompletionItem

        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            target, catalogue = (ctx.params.get(name) or "" for name in ("target", "catalogue"))
            with suppress(DeriveError):
                offered = load(target, catalogue or None).options if target else {}
                own = (f"--{name}" for name in offered)
                found += [CompletionItem(name) for name in own if name.startswith(incomplete)]
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[WORDS] = [*args]
        own = [opt for param in self.params for opt in param.opts] + [*ctx.help_option_names]
        if ctx.resilient_parsing:  # a shell asks what may follow: nothing is refused
            return super().parse_args(ctx, _apart(args, own)[1])
        chosen, rest = _apart(args, own)
        try:
            left = super().parse_args(ctx, rest)
        except click.MissingParameter:
            for name in chosen:  # its value may be what is missing
                raise _unknown(name, own) from None
            raise
        target, catalogue = (ctx.params.get(name) or "" for name in ("target", "catalogue"))
        entry = ""
        if target and (target in names(catalogue or None) or target.endswith(ENDING)):
            entry = target
        offered = load(entry, catalogue or None).options if entry else {}
        for name in chosen:
            if name not in offered:
                raise _unknown(name, [*own, *(f"--{option}" for option in offered)], entry)
        for name in offered:
            if ctx.params.get(name) is not None:
                chosen[name], ctx.params[name] = ctx.params[name], None
        ctx.params["chosen"] = chosen
        return left


def _apart(args: list[str], own: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return options that are none of the command's own with their values, and the other words."""
    chosen: dict[str, str] = {}
    rest: list[str] = []
    words = iter(args)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            rest += (word, *words)
        elif name in own or not re.fullmatch(r"--[^\W\d][\w-]*", name):
            rest.append(word)
        else:
            chosen[name[2:]] = value if equals else next(words, "")
    return chosen, rest


def _unknown(name: str, known: Sequence[str], entry: str = "") -> click.NoSuchOption:
    from difflib import get_close_matches

    near = get_close_matches(f"--{name}", known, n=3)
    message = f"{entry} has no option --{name}." if entry else None
    return click.NoSuchOption(f"--{name}", message, sorted(near))


def timeout(help_text: str = "Seconds that it may take.") -> Any:
    return option("--timeout", type=float, default=TIMEOUT, metavar="S", help=help_text)


def subcommand(*options: Any, name: str | None = None) -> Callable[[Callable[..., int]], Any]:
    """Make a command of a function: a target, some options, and a time limit on all of it."""

    def made(work: Callable[..., int]) -> Any:
        @wraps(work)
        def run(timeout: float, **given: Any) -> int:
            with limited(timeout):
                return work(**given)

        return command(TARGET, *options, timeout(), name=name)(run)

    return made


def command(*options: Any, name: str | None = None) -> Callable[[Callable[..., int]], Any]:
    """Make a command of a function and its options, in their order."""

    def made(work: Any) -> Any:
        @wraps(work)
        def run(language: str, **given: Any) -> int:
            with speaking(language):
                return work(**given)

        for one in reversed((*options, CATALOGUE, LANGUAGE)):
            run = one(run)
        return click.command(name, cls=_Command)(run)

    return made


def asked(target: str, given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return what a function of the library is asked for: the program, its name, some options."""
    program, name = read_target(target, given)
    return {"program": program, "name": name} | {k: given[k] for k in ("shapes", *names)}
