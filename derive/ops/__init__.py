"""The table: every operator, one entry each, one file a family.

To add an operator, write one `Op` in a family's file and put it into that file's `OPERATORS`.
Parsing, proving, checking and printing read it from here.
"""

from derive.expressions.expr import OPS
from derive.ops import elementwise, kronecker, linear, reduction, rows, square
from derive.ops.linear import var

for _family in (linear, elementwise, reduction, rows, square, kronecker):
    OPS.update((op.name, op) for op in _family.OPERATORS)

__all__ = ["OPS", "var"]
