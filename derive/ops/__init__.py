"""The table: every operator, one entry each, one file a family.

To add an operator, write one `Op` in a family's file and put it into that file's `OPERATORS`.
Parsing, proving, checking and printing read it from here.
"""

from derive.expressions.expr import OPS
from derive.ops import elementwise, kronecker, linear, reduction, rows, square
from derive.ops.elementwise import (
    ABS,
    COS,
    COSH,
    DIV,
    ELU,
    EQUAL,
    EXP,
    GELU,
    GREATER,
    LEAKY_RELU,
    LOG,
    MAXIMUM,
    MINIMUM,
    MUL,
    NORMCDF,
    NORMPDF,
    POW,
    RELU,
    SIGMOID,
    SIGN,
    SILU,
    SIN,
    SINH,
    SOFTPLUS,
    SQRT,
    TAN,
    TANH,
    WHERE,
)
from derive.ops.kronecker import KRON, KRON_LEFT, KRON_RIGHT, UNVEC, VEC
from derive.ops.linear import (
    ADD,
    BROADCAST,
    DIM,
    EYE,
    MATMUL,
    NEG,
    NUMBER,
    ONES,
    SUB,
    TRANSPOSE,
    VAR,
    ZEROS,
    var,
)
from derive.ops.reduction import CUMSUM, MAX, MEAN, MIN, SUM, TRACE
from derive.ops.rows import DIAG, DIAGONAL, LOGSOFTMAX, LOGSUMEXP, NORM, OUTER, SOFTMAX
from derive.ops.square import COFACTORS, DET, INV, LOGDET
from derive.ops.unspecified import unspecified

for _family in (linear, elementwise, reduction, rows, square, kronecker):
    OPS.update((op.name, op) for op in _family.OPERATORS)

__all__ = [
    "ABS", "ADD", "BROADCAST", "COFACTORS", "COS", "COSH", "CUMSUM", "DET", "DIAG", "DIAGONAL",
    "DIM", "DIV", "ELU", "EQUAL", "EXP", "EYE", "GELU", "GREATER", "INV", "KRON", "KRON_LEFT",
    "KRON_RIGHT", "LEAKY_RELU", "LOG", "LOGDET", "LOGSOFTMAX", "LOGSUMEXP", "MATMUL", "MAX",
    "MAXIMUM", "MEAN", "MIN", "MINIMUM", "MUL", "NEG", "NORM", "NORMCDF", "NORMPDF", "NUMBER",
    "ONES", "OPS", "OUTER", "POW", "RELU", "SIGMOID", "SIGN", "SILU", "SIN", "SINH", "SOFTMAX",
    "SOFTPLUS", "SQRT", "SUB", "SUM", "TAN", "TANH", "TRACE", "TRANSPOSE", "UNVEC", "VAR",
    "VEC", "WHERE", "ZEROS", "unspecified", "var",
]  # fmt: skip
