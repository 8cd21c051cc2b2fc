"""A document to wherever it was asked for: as JSON, on standard output, or as files in a folder.

What enters is what was said on the command line and how the document is made; what leaves is an
exit status. The law: what cannot be delivered is refused before anything is worked out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from derive.command.options import setting
from derive.command.terminal import say_document, say_json, tell, working
from derive.expressions.errors import UnsupportedError

FOLDER = "output"
#: Takes the name of what is worked on, or the part that is done.
Progress = Callable[[Any], None]
#: What is said of a document: facts in two columns, and what was checked.
Told = tuple[Iterable[tuple[str, str]], Iterable[str]]


def formats(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the formats that are asked for: md and tex if none is, one on standard output."""
    stdout = given["output"] == "-"
    found: tuple[str, ...] = given["formats"] or ("md", "tex")[: 1 if stdout else 2]
    if stdout and len(found) > 1:
        raise UnsupportedError("standard output takes one format", hint="add -f md or -f tex")
    return found


def deliver(
    given: Mapping[str, Any],
    make: Callable[[Progress | None], Any],
    told: Callable[[Any], Told],
) -> int:
    """Make a document, deliver it as the options say, and return the exit status.

    It has a name, a text in each format (`render`), files (`save`) and plain values (`plain`).
    `make` tells how far it is, where somebody sees it, and `told` says in a few lines what was
    found, where files are written.
    """
    where, asked, options = given["output"], formats(given), setting(given)
    with working() as progress:
        found = make(progress)
        if given["as_json"]:
            if where not in (None, "-"):
                found.save(where, asked, **options)
            print_it = partial(say_json, found.plain())
        elif where == "-":
            print_it = partial(say_document, found.render(asked[0], **options))
        else:
            from derive.documents.files import reported

            paths = found.save(where or FOLDER, asked, **options)
            print_it = partial(tell, *told(found), reported(paths, found.name))
    print_it()
    return 0
