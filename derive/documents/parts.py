"""Pieces of a document, chosen by name, and headings as deep as other notes have them.

Blocks enter and leave. The law: what a piece is called is decided by the tree, by the kind of an
environment or by the message of the heading above it, so that a new document has its pieces as soon
as it is written; and what is left out leaves no number behind that nobody finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from derive.documents.model import (
    Block,
    Chain,
    Entries,
    Environment,
    Folded,
    Frame,
    Heading,
    Switch,
)
from derive.expressions.errors import UnsupportedError

#: How much deeper the headings of a document are where its sections are to be these.
LEVELS = {"section": 0, "subsection": 1, "paragraph": 3}
#: Environments that are a piece by themselves, in whichever section they stand.
_ALONE = ("setting", "hypotheses", "theorem", "closing")
#: What pieces are called whose messages have another name.
_CALLED = {
    "gradient-by": "gradients", "backward-through": "gradients", "for-all-by": "every-shape",
    "forward-pass": "forward", "backward-pass": "backward", "checked-head": "checked",
}  # fmt: skip


def chosen(blocks: Iterable[Block], parts: Sequence[str]) -> list[Block]:
    """Return the pieces of a document that have one of these names, under their headings.

    >>> from derive.documents.model import words
    >>> said = [Heading(words("lemmas")), Chain((), 1), Heading(words("forward")), Chain((), 2)]
    >>> [block.number for block in chosen(said, ["lemmas"]) if isinstance(block, Chain)]
    [1]

    Raises `UnsupportedError` for a name that no piece has.
    """
    blocks = list(blocks)
    if not parts:
        return blocks
    known: dict[str, None] = {}
    kept = list(_headed(_chosen(blocks, {"setting"}, frozenset(parts), known)))
    for part in parts:
        if part not in known:
            raise UnsupportedError(
                f"the document has no part {part!r}", hint=f"there are {', '.join(known)}"
            )
    return kept


def _chosen(
    blocks: Iterable[Block], section: set[str], parts: frozenset[str], known: dict[str, None]
) -> Iterator[Block]:
    """Yield blocks that are chosen, all headings among them; `known` collects the names."""
    for block in blocks:
        match block:
            case Heading(said, level):
                if level == 2:
                    section = {_name(said.key), *filter(None, [said.facts.get("kind")])}
                elif level > 2:
                    section = section | {_name(said.key)}
                yield block
                continue
            case Environment(kind, _, _) if kind in _ALONE:
                names = {kind}
                section = section if kind != "closing" else set()
            case Environment(kind, _, title):
                names = section | {kind} | _titled(title)
            case Folded(said, _, _):
                names = section | {_name(one.key) for one in said}
            case _:
                names = section
        known |= dict.fromkeys(sorted(names))
        if names & parts or _has_title(block):
            yield block
        elif isinstance(block, Environment | Folded):
            body = tuple(_chosen(block.body, names, parts, known))
            if body:
                yield block._replace(body=body)


def _name(key: str) -> str:
    return _CALLED.get(key, key)


def _titled(title: Any) -> set[str]:
    """Return what the head of an environment calls it: a proof, for every shape or at sizes."""
    if title is None:
        return set()
    which = {"every-shape"} if title.facts.get("every_shape") else set()
    return which | {"at-sizes"} if title.facts.get("sizes") else which | {_name(title.key)}


def _has_title(block: Block) -> bool:
    both = (*block.solved, *block.asked) if isinstance(block, Switch) else ()
    return any(isinstance(one, Heading) and one.level == 1 for one in both)


def _headed(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield blocks without headings under which nothing stands, but for the title."""
    waiting: list[Heading] = []
    for block in blocks:
        if not isinstance(block, Heading):
            yield from waiting
            yield block
            waiting = []
            continue
        waiting = [one for one in waiting if one.level < block.level]
        if block.level == 1:
            yield block
        else:
            waiting.append(block)


def deeper(blocks: Iterable[Block], by: int) -> Iterator[Block]:
    """Yield blocks whose headings, but for the title, are so many levels deeper."""
    for block in blocks:
        match block:
            case Heading(_, level) if level > 1:
                yield block._replace(level=level + by)
            case Environment() | Folded():
                yield block._replace(body=tuple(deeper(block.body, by)))
            case Switch(solved, asked):
                yield Switch(tuple(deeper(solved, by)), tuple(deeper(asked, by)))
            case _:
                yield block


def numbered(blocks: Iterable[Block]) -> Iterator[int]:
    """Yield the numbers of the equations that stand in blocks."""
    for block in blocks:
        match block:
            case Chain() | Entries():
                yield from filter(None, [block.number])
            case Environment() | Folded() | Frame():
                yield from numbered(block.body)
            case Switch(solved, asked):
                yield from numbered((*solved, *asked))
