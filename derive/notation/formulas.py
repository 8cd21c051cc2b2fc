"""Matrix expressions to boxes: products as they are written, all else as its operator says.

An expression over the names of a derivation enters, a box leaves, and how strongly it binds. The
law: a product, an entrywise product and brackets stay distinct, always.
"""

from __future__ import annotations

from fractions import Fraction

from derive.expressions.expr import Expr, Op, broadcast_to, number, unrepeated
from derive.expressions.layout import (
    ATOM,
    ENTRYWISE,
    PRODUCT,
    SUM,
    Box,
    frac,
    num as digits,
    op,
    paren,
    row,
    word,
)
from derive.expressions.shape import Dim, Shape
from derive.notation.joining import (
    begins,
    beside,
    is_letter,
    is_word,
    meet,
    parts_of,
)
from derive.notation.names import Names
from derive.ops.elementwise import DIV, MUL
from derive.ops.linear import BROADCAST, DIM, NEG, NUMBER, unsigned


class Formulas(Names):
    """How matrix expressions are written."""

    def expr(self, expr: Expr, shapes: bool = False) -> Box:
        """Return a matrix expression; with `shapes`, each operand stands over its shape."""
        return self._keep(("pen", shapes), self, lambda: Pen(self, shapes))(expr)

    def meaning(self, expr: Expr) -> Box:
        """Return a function of something, though it has a name."""
        return self.applied(expr.op, [self.expr(arg) for arg in expr.args], expr.data)

    def applied(self, known: Op, args: list[Box], data: object = None) -> Box:
        """Return a function of boxes; its word where its letter means something else."""
        head = known.title(data)
        taken = head.kind == "op" and self._taken(head.text)
        return known.written(*args, data=data, head=word(known.called) if taken else None)


class Pen:
    """What an operator's entry writes itself with: its arguments, and the names around it.

    Called with an expression it returns its box, in brackets where it binds weaker than `least`.
    """

    def __init__(self, names: Formulas, shapes: bool = False):
        self.names, self.shapes = names, shapes
        self.known: dict[Expr, tuple[Box, int]] = {}

    def __call__(self, e: Expr, least: int = 0) -> Box:
        box, strength = self.of(e)
        return box if strength >= least else paren(box)

    def of(self, e: Expr) -> tuple[Box, int]:
        """Return the box of an expression, and how strongly it binds."""
        found = self.known.get(e)
        if found is None and e in self.names.besides:
            found = self.known[e] = self.of(self.names.besides[e])
        if found is None:
            found = self.known[e] = e.op.paper(self, e) if e.op.paper else self.function(e)
        return found

    def function(self, e: Expr) -> tuple[Box, int]:
        """Return the name of an operator before its arguments; a repeated one is shown repeated."""
        box = self.names.applied(e.op, [self(arg) for arg in e.args], e.data)
        if box.kind == "root" and not e.shape.is_scalar:
            return Box("root", box.parts, "entrywise"), ATOM
        return box, strength(box)

    # -- what entries ask for ----------------------------------------------------------------------

    def over(self, box: Box, shape: Shape) -> Box:
        """Return an operand, over its shape where shapes are shown."""
        return self.names.operand(box, shape, self.shapes)

    def leaf(self, e: Expr) -> Box:
        """Return a variable or a gradient."""
        return self.names.leaf(e.data[0])

    def is_name(self, e: Expr) -> bool:
        """Whether an expression is a name of the program, which a sign may raise."""
        return e.is_var and not self.names.derivation.names.get(e.data[0])

    def constant(self, kind: Op, shape: Shape) -> Box:
        """Return a matrix of ones, of zeros, or the identity: `ones`, `zeros`, `eye`."""
        return self.over(self.names.constant(kind, shape), shape)

    def dim(self, dim: Dim) -> Box:
        """Return a dimension as a number."""
        return self.names.dim(dim)

    def shape(self, shape: Shape) -> Box:
        """Return a shape: n×d."""
        return self.names.shape(shape)

    def is_multiple(self, e: Expr) -> bool:
        """Whether an expression is a number times a matrix, or numbers alone: the number stands in
        front where that is repeated."""
        return is_multiple(e)

    def number(self, value: Fraction) -> tuple[Box, int]:
        """Return a number as the user wrote it, and how strongly it binds."""
        return self.names.number(value)

    def beside(self, a: Box, b: Box) -> Box:
        """Return a product of matrices."""
        return beside(a, b)

    def based(self, e: Expr) -> Box:
        """Return an expression on which an exponent can stand."""
        box = self(e, ATOM)
        return box if is_letter(box) and box.kind != "sup" else paren(self(e))

    def product(self, e: Expr) -> tuple[Box, int]:
        """Scalars in front, entrywise factors joined by their own sign, divisors below."""
        above, below = factors(e)
        sign, scalars = _sign([scalar_of(x) for x in above if is_scaling(x, e)])
        matrices = [x for x in above if not is_scaling(x, e)]
        under, divisors = _sign([scalar_of(x) for x in below if is_scaling(x, e)])
        sign *= under
        others = [x for x in below if not is_scaling(x, e)]

        def joined(factors: list[Expr], sign: str, least: int) -> Box:
            boxes: list[Box] = []
            for factor in factors:
                box, strength = self.of(factor)
                if boxes:
                    if sign != "thin" or not is_letter(box) or is_word(boxes[-1], box):
                        numbers = sign == "thin" and (factor.op is NUMBER or box.kind == "num")
                        boxes.append(op("cdot" if numbers else sign))
                boxes.append(box if strength >= least or len(factors) == 1 else paren(box))
            return row(*boxes)

        def signed(box: Box, strength: int) -> tuple[Box, int]:
            return (row(op("negative"), *parts_of(box)), SUM) if sign < 0 else (box, strength)

        def quotient() -> Box:
            """Return the scalars over their divisors, before it those that are fractions."""
            below = joined(divisors, "thin", PRODUCT)
            if any(self.of(x)[0].kind in ("frac", "at") for x in scalars):
                return row(frac(digits(1), below), op("thin"), joined(scalars, "thin", PRODUCT))
            return frac(joined(scalars, "thin", PRODUCT) if scalars else digits(1), below)

        if e.shape.is_scalar and divisors:
            return signed(quotient(), PRODUCT)
        if not (scalars or matrices or others):
            return signed(digits(1), ATOM)
        parts: list[Box] = []
        if divisors:
            parts.append(quotient())
        elif scalars:
            box, strength = self.of(scalars[0])
            lead = joined(scalars, "thin", PRODUCT)
            parts.append(lead if strength >= PRODUCT or len(scalars) > 1 or not matrices
                         or scalars[0].op is NUMBER else paren(box))  # fmt: skip
        strength = PRODUCT
        if matrices:
            several = len(matrices) + len(others) > 1
            body = joined(matrices, "odot", ATOM if several else PRODUCT)
            alone, weak = self.of(matrices[0])
            if len(matrices) == 1 and (weak < PRODUCT if not several else weak < ATOM):
                if parts or several:
                    body = paren(alone)
                else:
                    strength = weak
            if several:
                strength = ENTRYWISE
            if parts and (begins(body).kind in ("num", "raw") or meet(row(*parts), body)):
                parts.append(op("cdot"))
            elif parts and parts[-1].kind != "num":
                parts.append(op("thin"))
            parts.append(body)
        if others:
            if not parts:
                parts.append(digits(1))
            body = joined(others, "odot", ATOM)
            weak = self.of(others[0])[1]
            parts += [op("oslash"), paren(body) if len(others) > 1 or weak < ATOM else body]
            strength = ENTRYWISE
        if sign < 0 and strength <= SUM:
            parts, strength = [paren(row(*parts))], ATOM
        return signed(row(*parts), strength)


def strength(box: Box) -> int:
    """Return how strongly a function binds: one in cases ends nowhere, and always asks for
    brackets."""
    return 0 if box.kind == "cases" else ATOM


# -- factors ---------------------------------------------------------------------------------------


def _sign(factors: list[Expr]) -> tuple[int, list[Expr]]:
    """Return the sign of a product and its factors without it, and without ones."""
    sign, kept = 1, []
    for x in factors:
        if x.op is NUMBER and x.data < 0:
            sign, x = -sign, number(-x.data)
        if not (x.op is NUMBER and x.data == 1):
            kept.append(x)
    return sign, kept


def _is_number(e: Expr) -> bool:
    return e.op in (NUMBER, DIM)


def is_scaling(x: Expr, whole: Expr) -> bool:
    """Whether a factor multiplies every entry alike."""
    if whole.shape.is_scalar:
        return True
    return x.op is BROADCAST and x.args[0].shape.is_scalar


def scalar_of(x: Expr) -> Expr:
    return unrepeated(x)


def factors(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """Return the factors and the divisors of a product that is read from the left."""
    if e.op is MUL:
        (above, below), last = factors(e.args[0]), e.args[1]
        return [*above, *_spread(last, e.shape)], below
    if e.op is DIV:
        (above, below), last = factors(e.args[0]), e.args[1]
        return above, [*below, *_spread(last, e.shape)]
    bare = e.args[0] if e.op is NEG else unsigned(e)
    if bare is not None:  # the sign of a factor stands before the product
        above, below = factors(bare)
        return [broadcast_to(number(-1), e.shape), *above], below
    if e.op is BROADCAST and e.args[0].op is NEG and e.args[0].shape.is_scalar:
        above, below = factors(e.args[0])
        return _repeated(above, e.shape), _repeated(below, e.shape)
    if e.op is BROADCAST and is_multiple(e.args[0]):
        above, below = factors(e.args[0].meaning)
        return _repeated(above, e.shape), _repeated(below, e.shape)
    return [e], []


def is_multiple(e: Expr) -> bool:
    """Whether an expression is numbers times or through each other, or a multiple of one matrix."""
    if e.shape.is_scalar or e.meaning.op not in (MUL, DIV):
        return e.op in (MUL, DIV)
    above, below = factors(e.meaning)
    matrices = [x for x in above if not is_scaling(x, e)]
    return len(matrices) == 1 and all(is_scaling(x, e) for x in below)


def _repeated(factors: list[Expr], shape: Shape) -> list[Expr]:
    return [broadcast_to(unrepeated(x) if is_scaling(x, x) else x, shape) for x in factors]


def _spread(e: Expr, shape: Shape) -> list[Expr]:
    """Return the factors of a product of numbers, or a multiple of a matrix, that stands last, each
    repeated to the shape."""
    bare = unrepeated(e)
    if bare.op is MUL and is_multiple(bare):
        return _repeated(factors(bare)[0], shape)
    if bare.op is NEG:
        inner = bare.args[0]
        return [broadcast_to(x, shape) for x in (number(-1), *_spread(inner, inner.shape))]
    return [e]
