"""Rules of the textbook: each proposes formulas that equal a node, its docstring is the theorem."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from derive.calculus.rules_entries import ENTRIES
from derive.calculus.rules_matrices import MATRICES
from derive.expressions.expr import Expr

if TYPE_CHECKING:
    from derive.calculus.textbook import Textbook

Rule = Callable[[Expr, "Textbook"], Iterable[Expr]]
RULES: dict[str, Rule] = {**MATRICES, **ENTRIES}
