"""What a table says, in the words of a shell: the options of a command by their long names.

Enters a command, a target and a table of options, as a course file has them; leave the documents
that the command makes of them. The law: a command is the only one that knows its options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from derive.command.options import Formats
from derive.documents.page import Document
from derive.expressions.errors import ParseError, UnsupportedError, nearest

#: The commands that make documents.
KINDS = ("prove", "graph", "example", "exercise", "check")
#: Options that say where and when, not what.
ELSEWHERE = frozenset(("output", "json", "timeout", "file", "jobs", "write"))


class Asked(NamedTuple):
    """What is asked of a command: its target, its options as they were read, and the formats."""

    kind: str
    target: str
    given: dict[str, Any]

    def documents(self) -> Iterator[Document]:
        """Yield the documents that the command makes, several of a command that judges claims."""
        module = import_module(f"derive.command.{self.kind}")
        if hasattr(module, "documents"):
            yield from module.documents(self.target, self.given)
        else:
            yield module.document(self.target, self.given)


def command(kind: str) -> click.Command:
    """Return the command of a kind of document."""
    return getattr(import_module(f"derive.command.{kind}"), kind)


def options(kind: str) -> dict[str, click.Option]:
    """Return the options of a command that say what a document is, by their long names.

    >>> options("prove")["fragment"].is_flag
    True
    """
    found = {
        name.removeprefix("--"): param
        for param in command(kind).params
        if isinstance(param, click.Option)
        for name in param.opts
        if name.startswith("--")
    }
    return {name: param for name, param in found.items() if name not in ELSEWHERE}


def asked(kind: str, target: str, said: Mapping[str, Any]) -> Asked:
    """Return what a table of options asks of a command.

    >>> asked("example", "affine", {"seed": 2, "at": {"n": 1, "d": 2}}).given["at"]
    {'n': 1, 'd': 2}

    Raises `click.UsageError` for an option that is not there, and what the command raises.
    """
    if target == "-":
        raise UnsupportedError("standard input is no part of a course", hint="name a file")
    words = [word for name, value in said.items() for word in arguments(kind, name, value)]
    context = command(kind).make_context(kind, [*words, "--", target])
    given = dict(context.params)
    return Asked(kind, given.pop("target"), given)


def arguments(kind: str, name: str, value: Any) -> list[str]:
    """Return an option as words of a shell.

    >>> arguments("prove", "shape", {"X": ["n", "d"]}), arguments("prove", "wrt", ["X", "W"])
    (['--shape=X=n,d'], ['--wrt=X,W'])
    >>> arguments("graph", "values", {"x": -2, "X": [[1, 2]]}), arguments("graph", "fragment", True)
    (['--values=x=-2, X=[[1, 2]]'], ['--fragment'])

    Raises `ParseError` for a value that no option takes.
    """
    if name in ELSEWHERE:
        raise UnsupportedError(f"{name} is no option of a single document")
    param = options(kind).get(name)
    option = f"--{name}"
    if param is not None and param.is_flag:
        if not isinstance(value, bool):
            raise ParseError(f"{name} is true or false, not {_said(value)}")
        return [option] if value else []
    if isinstance(value, bool):
        raise ParseError(f"{name} takes a value, not {_said(value)}")
    if param is not None and param.multiple:
        several = value if isinstance(value, list) else [value]
        if isinstance(value, dict):
            several = [f"{key}={_joined(one)}" for key, one in value.items()]
        return [f"{option}={_said(one)}" for one in several]
    if isinstance(value, dict):
        return [f"{option}={', '.join(f'{key}={_said(one)}' for key, one in value.items())}"]
    return [f"{option}={_joined(value)}"]


def _joined(value: Any) -> str:
    return ",".join(map(_said, value)) if isinstance(value, list | tuple) else _said(value)


def _said(value: Any) -> str:
    """Return a value of TOML as it is written on a command line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def known(name: str) -> None:
    """Raise `UnsupportedError` for an option that no command has."""
    every = {option for kind in KINDS for option in options(kind)}
    if name not in every:
        raise UnsupportedError(
            f"no document has an option {name}{nearest(name, every)}",
            hint=f"there are {', '.join(sorted(every))}",
        )


def formats(kind: str, said: Any) -> str:
    """Return those formats of a list that a command knows; all of them where it knows none, so that
    it says so.

    >>> formats("prove", "md,svg"), formats("graph", ["md", "svg"])
    ('md', 'md,svg')
    """
    listed = [form.strip() for form in _joined(said).split(",")]
    of = options(kind)["format"].type
    known = of.known if isinstance(of, Formats) else ()
    return ",".join([form for form in listed if form in known] or listed)
