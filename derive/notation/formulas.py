"""Matrix expressions to boxes: sums, products and what the operators say of themselves.

An expression over the names of a derivation enters, a box leaves, and how strongly it binds. The
law: a product, an entrywise product and brackets stay distinct, always.
"""

from __future__ import annotations

from typing import Any

from derive.expressions.expr import Expr, Op, broadcast_to, number
from derive.expressions.layout import Box, frac, num as digits, op, paren, raw, row, sub, sup, word
from derive.expressions.shape import Shape
from derive.notation.joining import (
    ATOM,
    ENTRYWISE,
    PRODUCT,
    SUM,
    begins,
    beside,
    fraction,
    is_letter,
    is_negative,
    is_word,
    joined,
    meet,
    parts_of,
    power,
)
from derive.notation.names import Names
from derive.ops.linear import ones
from derive.ops.reduction import ALL, ROWS

#: Functions whose powers are written at the name: tanh²(x).
POWERED = frozenset("sin cos tan sinh cosh tanh".split())


class Formulas(Names):
    """How matrix expressions are written."""

    def expr(self, expr: Expr, shapes: bool = False) -> Box:
        """Return a matrix expression; with `shapes`, each operand stands over its shape."""
        return self._expr(expr, shapes)[0]

    def _expr(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        return self._keep(("expr", shapes), e, lambda: self._laid(e, shapes))

    def _laid(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        def inner(arg: Expr, least: int) -> Box:
            box, strength = self._expr(arg, shapes)
            return box if strength >= least else paren(box)

        match e.name:
            case "var":
                return self.operand(self.leaf(e.data[0]), e.shape, shapes), ATOM
            case "number":
                return fraction(e.data), ATOM if e.data >= 0 else SUM
            case "dim":
                return self.dim(e.data), ATOM
            case "ones" | "zeros" | "eye":
                return self._constant(e, shapes), PRODUCT if e.name == "ones" else ATOM
            case "add" | "sub":
                a, b = self._summands(e)
                minus = e.name == "sub"
                second, strength = self._expr(b, shapes)
                if strength == SUM and b.name in ("mul", "div") and is_negative(second):
                    minus, second, strength = not minus, row(*second.parts[1:]), PRODUCT
                second = second if strength > SUM else paren(second)
                return row(inner(a, SUM), op("minus" if minus else "plus"), second), SUM
            case "neg":
                return row(op("negative"), inner(e.args[0], ENTRYWISE)), SUM
            case "matmul":
                a, b = e.args
                if a.name == "number" and a.data == 1:
                    return self._expr(b, shapes)
                boxes = inner(a, PRODUCT), inner(b, PRODUCT + (b.name == "matmul"))
                return beside(*boxes), PRODUCT
            case "mul" | "div":
                return self._product(e, shapes)
            case "pow" if e.args[0].name in POWERED and not e.args[0].shape.is_scalar:
                head, argument = self._expr(e.args[0], shapes)[0].parts
                return row(sup(head, row(op("entrywise"), power(e.data))), argument), ATOM
            case "pow" if e.args[0].name in POWERED:
                head, argument = self._expr(e.args[0], shapes)[0].parts
                return row(sup(head, power(e.data)), argument), ATOM
            case "pow":
                base = inner(e.args[0], ATOM)
                base = paren(base) if base.kind in ("sup", "frac", "under") else base
                raised = power(e.data)
                if not e.shape.is_scalar:
                    raised = row(op("entrywise"), raised)
                return sup(base, raised), ATOM
            case "kron":
                return joined([inner(arg, ATOM) for arg in e.args], "otimes"), ENTRYWISE
            case "unvec":
                head = sub(word("unvec"), self.shape(e.shape))
                return row(head, paren(self._expr(e.args[0], shapes)[0])), ATOM
            case "inv":
                return sup(self._based(e.args[0], shapes), raw("-1")), ATOM
            case "logdet":
                inside = paren(self._expr(e.args[0], shapes)[0])
                return row(word("log"), op("thin"), word("det"), inside), PRODUCT
            case "norm":
                inside = paren(self._expr(e.args[0], shapes)[0], "norm")
                return sub(inside, Box("id", text="F")) if 1 not in e.args[
                    0
                ].shape.dims else inside, ATOM
            case "transpose" if e.args[0].name == "inv":
                base = self._based(e.args[0].args[0], shapes)
                return sup(base, row(op("negative"), op("top"))), ATOM
            case "transpose":
                (a,) = e.args
                if a.is_var and not self.derivation.names.get(a.data[0]):
                    return self.operand(sup(self.leaf(a.data[0]), op("top")), e.shape, shapes), ATOM
                base = inner(a, ATOM)
                base = paren(base) if base.kind in ("sup", "frac", "at", "under") else base
                return sup(base, op("top")), ATOM
            case "broadcast_to":
                return self._repeated(e, shapes)
            case "sum" | "mean" if e.data != ALL:
                (extent,) = e.args[0].shape.along(e.data)
                rows = e.data == ROWS
                ones = self._ones(Shape(1, extent) if rows else Shape(extent, 1), shapes)
                body = inner(e.args[0], PRODUCT)
                product = beside(ones, body) if rows else beside(body, ones)
                if e.name == "mean":
                    product = beside(frac(digits(1), self.dim(extent)), product)
                return product, PRODUCT
        return self._function(e, shapes)

    def _based(self, e: Expr, shapes: bool) -> Box:
        """Return an expression on which an power can stand."""
        box, strength = self._expr(e, shapes)
        return box if strength >= ATOM and is_letter(box) and box.kind != "sup" else paren(box)

    def _function(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        args = [self._expr(arg, shapes)[0] for arg in e.args]  # a repeated one is shown repeated
        box, strength = self._applied(e.op, args, e.data)
        if box.kind == "root" and not e.shape.is_scalar:
            box = Box("root", box.parts, "entrywise")
        return box, strength

    def _applied(self, known: Op, args: list[Box], data: Any = None) -> tuple[Box, int]:
        head = known.title(data)
        taken = head.kind == "op" and self._taken(head.text)
        return known.written(*args, data=data, head=word(known.called) if taken else None), ATOM

    def _summands(self, e: Expr) -> tuple[Expr, Expr]:
        """Return the operands of a sum; a repeated number is written as the number."""
        a, b = (arg.args[0] if arg.name == "broadcast_to" and _is_number(arg.args[0]) else arg
                for arg in e.args)  # fmt: skip
        return a, b

    def _constant(self, e: Expr, shapes: bool) -> Box:
        if e.name == "eye":
            return self.operand(self.identity, e.shape, shapes)
        if e.name == "zeros":
            return self.operand(op("zeros"), e.shape, shapes)
        rows, cols = e.shape.dims
        if e.shape.is_scalar:
            return digits(1)
        if 1 in (rows, cols):
            return self._ones(e.shape, shapes)
        return beside(self._ones(Shape(rows, 1), shapes), self._ones(Shape(1, cols), shapes))

    def _ones(self, shape: Shape, shapes: bool) -> Box:
        box = sup(op("ones"), op("top")) if shape.rows == 1 else op("ones")
        return self.operand(box, shape, shapes)

    def _repeated(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        """1B for a row, b1ᵀ for a column, c11ᵀ for a scalar; a number stays a number."""
        (a,) = e.args
        box, strength = self._expr(a, shapes)
        box = box if strength >= PRODUCT else paren(box)
        if a.shape.is_scalar and _is_number(a):
            return box, strength
        if a.shape.is_scalar:
            return beside(box, self._constant(ones(*e.shape.dims), shapes)), PRODUCT
        if a.shape.rows != e.shape.rows:
            box = beside(self._ones(Shape(e.shape.rows, 1), shapes), box)
        if a.shape.cols != e.shape.cols:
            box = beside(box, self._ones(Shape(1, e.shape.cols), shapes))
        return box, PRODUCT

    def _product(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        """Scalars in front, entrywise factors joined by their own sign, divisors below."""
        above, below = factors(e)
        sign, scalars = _sign([scalar_of(x) for x in above if is_scaling(x, e)])
        matrices = [x for x in above if not is_scaling(x, e)]
        divisors = [scalar_of(x) for x in below if is_scaling(x, e)]
        others = [x for x in below if not is_scaling(x, e)]

        def joined(factors: list[Expr], sign: str, least: int) -> Box:
            boxes: list[Box] = []
            for factor in factors:
                box, strength = self._expr(factor, shapes)
                if boxes:
                    if sign != "thin" or not is_letter(box) or is_word(boxes[-1], box):
                        numbers = sign == "thin" and (factor.name == "number" or box.kind == "num")
                        boxes.append(op("cdot" if numbers else sign))
                boxes.append(box if strength >= least or len(factors) == 1 else paren(box))
            return row(*boxes)

        def signed(box: Box, strength: int) -> tuple[Box, int]:
            return (row(op("negative"), *parts_of(box)), SUM) if sign < 0 else (box, strength)

        if e.shape.is_scalar and divisors:
            top = joined(scalars, "thin", PRODUCT) if scalars else digits(1)
            return signed(frac(top, joined(divisors, "thin", PRODUCT)), PRODUCT)
        if not (scalars or matrices or others):
            return signed(digits(1), ATOM)
        parts: list[Box] = []
        if divisors:
            top = joined(scalars, "thin", PRODUCT) if scalars else digits(1)
            parts.append(frac(top, joined(divisors, "thin", PRODUCT)))
        elif scalars:
            box, strength = self._expr(scalars[0], shapes)
            lead = joined(scalars, "thin", PRODUCT)
            parts.append(lead if strength >= PRODUCT or len(scalars) > 1 or not matrices
                         or scalars[0].name == "number" else paren(box))  # fmt: skip
        strength = PRODUCT
        if matrices:
            several = len(matrices) + len(others) > 1
            body = joined(matrices, "odot", ATOM if several else PRODUCT)
            alone, weak = self._expr(matrices[0], shapes)
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
            weak = self._expr(others[0], shapes)[1]
            parts += [op("oslash"), paren(body) if len(others) > 1 or weak < ATOM else body]
            strength = ENTRYWISE
        if sign < 0 and strength <= SUM:
            parts, strength = [paren(row(*parts))], ATOM
        return signed(row(*parts), strength)


# -- factors ---------------------------------------------------------------------------------------


def _sign(factors: list[Expr]) -> tuple[int, list[Expr]]:
    """Return the sign of a product and its factors without it, and without ones."""
    sign, kept = 1, []
    for x in factors:
        if x.name == "neg" and len(factors) == 1:
            sign, x = -sign, x.args[0]
        elif x.name == "number" and x.data < 0:
            sign, x = -sign, number(-x.data)
        if not (x.name == "number" and x.data == 1):
            kept.append(x)
    return sign, kept


def _is_number(e: Expr) -> bool:
    return e.name in ("number", "dim")


def is_scaling(x: Expr, whole: Expr) -> bool:
    """Whether a factor multiplies every entry alike."""
    if whole.shape.is_scalar:
        return True
    return x.name == "broadcast_to" and x.args[0].shape.is_scalar


def scalar_of(x: Expr) -> Expr:
    return x.args[0] if x.name == "broadcast_to" else x


def factors(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """Return the factors and the divisors of a product that is read from the left."""
    if e.name == "mul":
        (above, below), last = factors(e.args[0]), e.args[1]
        return [*above, *_spread(last, e.shape)], below
    if e.name == "div":
        (above, below), last = factors(e.args[0]), e.args[1]
        return above, [*below, *_spread(last, e.shape)]
    if e.name == "broadcast_to" and e.args[0].name in ("mul", "div") and e.args[0].shape.is_scalar:
        from derive.expressions.expr import broadcast_to

        above, below = factors(e.args[0])
        return tuple([broadcast_to(x, e.shape) for x in factors] for factors in (above, below))  # type: ignore[return-value]
    return [e], []


def _spread(e: Expr, shape: Shape) -> list[Expr]:
    """Return the factors of a scalar product that stands last, each repeated to the shape."""

    bare = e.args[0] if e.name == "broadcast_to" else e
    if bare.shape.is_scalar and bare.name == "mul":
        return [broadcast_to(x, shape) for x in factors(bare)[0]]
    return [e]
