"""derive: matrix gradients with their proofs, every line of which has been checked.

    text --parse--> Program --explain--> Derivation --verify--> Derivation --render--> text

>>> proof = prove("X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B")
>>> proof.gradients["W"], proof.proved
('X.T @ dY', True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "prove": "derive.documents.pipeline",
    "build": "derive.command.building",
    "Build": "derive.command.building",
    "example": "derive.documents.example",
    "Example": "derive.documents.example",
    "Proof": "derive.documents.pipeline",
    "check": "derive.judges.claim",
    "Judgement": "derive.judges.claim",
    "check_file": "derive.documents.check",
    "entry": "derive.judges.entries",
    "Entry": "derive.catalogue",
    "gradient": "derive.bridges.code",
    "graph": "derive.documents.graphs",
    "Graph": "derive.documents.graphs",
    "Number": "derive.documents.graphs",
    "exercise": "derive.documents.exercise",
    "Sheet": "derive.documents.exercise",
    "from_sympy": "derive.bridges.sympy",
    "claim_from_sympy": "derive.bridges.sympy",
    "to_sympy": "derive.bridges.sympy",
    "Style": "derive.notation.mathematics",
    "DeriveError": "derive.expressions.errors",
    "ParseError": "derive.expressions.errors",
    "ShapeError": "derive.expressions.errors",
    "UnsupportedError": "derive.expressions.errors",
    "SizeError": "derive.expressions.errors",
    "OutputError": "derive.expressions.errors",
    "LimitError": "derive.expressions.errors",
    "ProofError": "derive.expressions.errors",
    "DomainError": "derive.readings.numbers",
}
__all__ = ["__version__", *_PUBLIC]

if TYPE_CHECKING:
    from derive.bridges.code import gradient as gradient
    from derive.bridges.sympy import (
        claim_from_sympy as claim_from_sympy,
        from_sympy as from_sympy,
        to_sympy as to_sympy,
    )
    from derive.catalogue import Entry as Entry
    from derive.command.building import Build as Build, build as build
    from derive.documents.check import check_file as check_file
    from derive.documents.example import Example as Example, example as example
    from derive.documents.exercise import Sheet as Sheet, exercise as exercise
    from derive.documents.graphs import Graph as Graph, Number as Number, graph as graph
    from derive.documents.pipeline import Proof as Proof, prove as prove
    from derive.expressions.errors import (
        DeriveError as DeriveError,
        LimitError as LimitError,
        OutputError as OutputError,
        ParseError as ParseError,
        ProofError as ProofError,
        ShapeError as ShapeError,
        SizeError as SizeError,
        UnsupportedError as UnsupportedError,
    )
    from derive.judges.claim import Judgement as Judgement, check as check
    from derive.judges.entries import entry as entry
    from derive.notation.mathematics import Style as Style
    from derive.readings.numbers import DomainError as DomainError


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    from importlib import import_module

    if name not in _PUBLIC:
        raise AttributeError(f"module 'derive' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
