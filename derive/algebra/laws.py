"""Laws: identities as values, each with its name, its theorem and its rewriting.

What enters a law is a ring and what is to be rewritten, what leaves is the rewritten form, `None`
where the law does not apply. A ring that keeps a journal notes which laws fired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from derive.algebra.normal import Ring


class Law(NamedTuple):
    """An identity of the algebra: its name, its theorem in one line, and the rewriting."""

    name: str
    theorem: str
    rewriting: Callable[..., Any]

    def __call__(self, ring: Ring, *what: Any) -> Any:
        found = self.rewriting(ring, *what)
        if found is not None and ring.journal is not None:
            ring.journal[self] = None
        return found


def law(rewriting: Callable[..., Any]) -> Law:
    """Return a function as a law: its name in words, its docstring the theorem."""
    return Law(rewriting.__name__.replace("_", " "), rewriting.__doc__ or "", rewriting)


def first(laws: Iterable[Law], ring: Ring, *what: Any) -> Any:
    """Return what the first law that applies makes of something, `None` where none does."""
    for one in laws:
        found = one(ring, *what)
        if found is not None:
            return found
    return None
