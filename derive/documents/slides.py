"""A document as slides: one idea a frame.

Blocks enter, frames leave. The law: an idea is what leads to one display, and the display; what
stands between two headings keeps the heading above it, and nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from derive.documents.model import (
    Beside,
    Block,
    Chain,
    Code,
    Entries,
    Environment,
    Figure,
    Folded,
    Frame,
    Heading,
    Items,
    Paragraph,
    Switch,
    Table,
    Words,
    words,
)
from derive.notation.displays import SLIDE, fitted
from derive.notation.widths import height

#: So many lines of text a display may take on a slide.
HIGH = 11.5
_LEADING, _SHOWN = (Paragraph, Items), (Chain, Entries, Beside, Table, Code, Figure)


def slides(blocks: Iterable[Block], title: Words | None = None) -> Iterator[Block]:
    """Yield frames: the title, then each idea under its heading, theorems and lemmas by themselves.

    >>> said = [Heading(words("forward")), Chain((), 1), Paragraph((words("at"),)), Chain((), 2)]
    >>> [(frame.title.key, len(frame.body)) for frame in slides(said)]
    [('forward', 1), ('forward', 2)]
    """
    waiting: list[Block] = []  # what leads to a display
    for block in (*_unfolded(blocks), None):
        if not isinstance(block, _LEADING) and waiting:
            if isinstance(block, _SHOWN):
                waiting.append(block)
            yield from map(partial(Frame, title), _fitting(waiting))
            waiting, block = [], None if isinstance(block, _SHOWN) else block
        match block:
            case None:
                pass
            case Paragraph() | Items():
                waiting.append(block)
            case Heading(said, level):
                if level == 1:
                    yield Frame(None, (block,))
                title = said if level > 1 else None
            case Environment(kind, body, head) if kind in ("theorem", "lemma"):
                for part in _fitting(body):
                    yield Frame(title, (Environment(kind, part, head),))
            case Environment(kind, body, head) if kind in ("proof", "solution"):
                first, *others = slides(body, title)
                assert isinstance(first, Frame)
                yield Frame(title, (Environment(kind, first.body, head),))
                yield from others
            case Environment(kind, body, head):
                yield from slides(body, head or words(kind))
            case Switch(solved, asked):
                yield Switch(tuple(slides(solved, title)), tuple(slides(asked, title)))
            case _:
                yield from map(partial(Frame, title), _fitting([block]))


def _unfolded(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        if not isinstance(block, Folded):
            yield block
        elif not block.more:
            yield Paragraph(block.words)
            yield from _unfolded(block.body)


def _fitting(blocks: Iterable[Block]) -> Iterator[tuple[Block, ...]]:
    """Yield what stands on one slide: a display that is too high goes on on the next."""
    found: list[Block] = []
    for block in blocks:
        if not isinstance(block, Chain):
            found.append(block)
            continue
        *some, last = _halves(block)
        for one in some:
            yield (*found, one)
            found = []
        found.append(last)
    yield tuple(found)


def _halves(chain: Chain) -> Iterator[Chain]:
    lines = fitted(chain.links, SLIDE, packed=chain.packed).lines
    if len(chain.links) < 2 or sum(height(x.right) for x in lines if x.right) <= HIGH:
        yield chain
        return
    half = len(chain.links) / 2
    begins = [k for k, link in enumerate(chain.links) if k and link.left is not None]
    at = min(begins or range(1, len(chain.links)), key=lambda k: abs(k - half))
    yield from _halves(chain._replace(links=chain.links[:at], number=None, end=False))
    yield from _halves(chain._replace(links=chain.links[at:]))
