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
    "prove": "derive.pipeline",
    "example": "derive.worked",
    "Example": "derive.worked",
    "Proof": "derive.pipeline",
    "check": "derive.claim",
    "Judgement": "derive.claim",
    "check_file": "derive.batch",
    "gradient": "derive.code",
    "graph": "derive.graphs",
    "Graph": "derive.graphs",
    "Number": "derive.graphs",
    "exercise": "derive.sheet",
    "Sheet": "derive.sheet",
    "from_sympy": "derive.bridge",
    "claim_from_sympy": "derive.bridge",
    "to_sympy": "derive.bridge",
    "Style": "derive.notation",
    "DeriveError": "derive.errors",
    "ParseError": "derive.errors",
    "ShapeError": "derive.errors",
    "UnsupportedError": "derive.errors",
    "SizeError": "derive.errors",
    "OutputError": "derive.errors",
    "LimitError": "derive.errors",
    "ProofError": "derive.errors",
    "DomainError": "derive.exact",
}
__all__ = ["__version__", *_PUBLIC]

if TYPE_CHECKING:
    from derive.batch import check_file as check_file
    from derive.bridge import (
        claim_from_sympy as claim_from_sympy,
        from_sympy as from_sympy,
        to_sympy as to_sympy,
    )
    from derive.claim import Judgement as Judgement, check as check
    from derive.code import gradient as gradient
    from derive.errors import (
        DeriveError as DeriveError,
        LimitError as LimitError,
        OutputError as OutputError,
        ParseError as ParseError,
        ProofError as ProofError,
        ShapeError as ShapeError,
        SizeError as SizeError,
        UnsupportedError as UnsupportedError,
    )
    from derive.exact import DomainError as DomainError
    from derive.graphs import Graph as Graph, Number as Number, graph as graph
    from derive.notation import Style as Style
    from derive.pipeline import Proof as Proof, prove as prove
    from derive.sheet import Sheet as Sheet, exercise as exercise
    from derive.worked import Example as Example, example as example


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
