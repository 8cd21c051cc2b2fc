"""Derivations, proofs and gradients that several tests read: each is made once.

Tests of one parameter run one after the other (see conftest.py), so the last few are enough.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import derive
from derive.bridges.code import Gradients
from derive.documents.pipeline import Proof
from derive.language.parse import parse
from derive.proof.derivation import Derivation
from derive.proof.explain import explain

T = TypeVar("T")
#: So many are kept of a kind.
KEPT = 8


def once(make: Callable[..., T]) -> Callable[..., T]:
    """Return a function that keeps what it last made, by what it was asked."""
    kept: OrderedDict[str, T] = OrderedDict()

    @wraps(make)
    def asked(*args: Any, **options: Any) -> T:
        key = repr((args, sorted(options.items())))
        if key not in kept:
            kept[key] = make(*args, **options)
            if len(kept) > KEPT:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key]

    return asked


@once
def explained(program: str, **options: Any) -> Derivation:
    """The derivation of a text, its steps not judged."""
    return explain(parse(program), **options)


@once
def proved(program: str | derive.Entry, **options: Any) -> Proof:
    return derive.prove(program, **options)


def gradients(program: str, shapes=None, *, wrt=None, assume=None) -> Gradients:
    """What `derive.gradient` returns."""
    given = {"shapes": shapes, "assume": assume, "wrt": wrt and list(wrt)}
    given = {word: value for word, value in given.items() if value}
    return Gradients(proved(program, detail="brief", **given))
