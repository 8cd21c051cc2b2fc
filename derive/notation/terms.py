"""Scalars of the index calculus to boxes: entries, deltas, sums with bound indices.

A scalar enters, what a lecturer writes on a board leaves. The law: an entry that is written out
differs from another of its kind in its indices alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain

from derive.calculus.index import PROD, Index, Scalar, mul, num, split
from derive.expressions.expr import OPS
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
    raw,
    row,
    sub,
    sup,
    word,
)
from derive.expressions.shape import Dim
from derive.notation.displays import places
from derive.notation.formulas import Formulas, Pen, strength
from derive.notation.joining import is_word
from derive.notation.numerals import power


def is_open(term: Scalar) -> bool:
    """Whether what follows a term would be read as a part of it: Σ, Π and max over an index."""
    return term.kind == "sum" or (term.kind == "most" and bool(term.data[1]))


class Terms(Formulas):
    """How scalars are written."""

    def scalar(self, term: Scalar) -> Box:
        """Return a scalar as it is written on a board."""
        return self._scalar(term)[0]

    def _scalar(self, term: Scalar) -> tuple[Box, int]:
        match term.kind:
            case "num":
                return self.number(term.data)
            case "size":
                return self.word_of(term.data), ATOM
            case "entry":
                return self.entry(*term.data), ATOM
            case "delta":
                boxes = [self.index(k) for k in term.data]
                if any(isinstance(k, str) and "_" in k for k in term.data):
                    boxes.insert(1, op("comma"))
                return sub(op("delta"), row(*boxes)), ATOM
            case "le":
                i, j = map(self.index, term.data)
                return paren(row(i, op("at-most"), j), "iverson"), ATOM
            case "partial":
                of, wrt = (self.scalar(arg) for arg in term.args)
                return frac(row(op("partial"), of), row(op("partial"), wrt)), ATOM
            case "add":
                return row(*self._signed(term.args)), SUM
            case "mul":
                return self._scalar_product(term)
            case "pow":
                return self._scalar_power(term)
            case "inverse":
                return self._inverse_entry(term), ATOM
            case "det":
                return row(word("det"), paren(self.expr(term.data[0]))), ATOM
            case "fn":
                box = self.applied(OPS[term.data], [self.scalar(arg) for arg in term.args])
                return box, strength(box)
            case "most":
                return self._most(term)
        index, dim = term.data
        body, binds = self._scalar(term.args[0])
        body = body if binds > SUM else paren(body)
        return row(self._sum_sign(index, dim), body), ENTRYWISE

    def _inverse_entry(self, term: Scalar) -> Box:
        i, j = term.data[4:]
        inverse = sup(Pen(self).based(term.data[0]), raw("-1"))
        indices = [self.index(k) for k in (i, j)]
        return sub(paren(inverse), row(*indices))

    def _most(self, term: Scalar) -> tuple[Box, int]:
        """Return a maximum or a minimum: over its indices, or of the terms written out."""
        name, loops = term.data
        if loops:
            below = chain.from_iterable((op("comma"), *self._range(*loop)) for loop in loops)
            body, binds = self._scalar(term.args[0])
            body = body if binds > SUM else paren(body)
            under = row(*list(below)[1:], raw(" "))
            head = op("product") if name == PROD else word(name)
            return row(sub(head, under), body), ENTRYWISE
        shown = self.shown(len(term.args))
        boxes = (op("cdots") if k is None else self.scalar(term.args[k]) for k in shown)
        inside = chain.from_iterable((op("comma-space"), box) for box in boxes)
        return row(word(name), paren(row(*list(inside)[1:]))), ATOM

    def _sum_sign(self, index: Index, dim: Dim) -> Box:
        lower = row(self.index(index), op("equals"), digits(self.style.base))
        return Box("sum", (lower, self._last(dim)))

    def _range(self, index: Index, dim: Dim) -> tuple[Box, ...]:
        at_most = op("at-most")
        return digits(self.style.base), at_most, self.index(index), at_most, self._last(dim)

    def _last(self, dim: Dim) -> Box:
        """Return the last value of an index."""
        upper = self.word_of(dim)
        if self.style.base == 0:
            upper = digits(dim - 1) if isinstance(dim, int) else row(upper, op("minus"), digits(1))
        return upper

    def _signed(self, terms: Iterable[Scalar]) -> Iterable[Box]:
        """Yield the terms of a sum, each after its sign."""
        for at, term in enumerate(terms):
            coefficient, rest = split(term)
            if coefficient < 0:
                yield op("minus" if at else "negative")
                term = mul(-coefficient, rest)
            elif at:
                yield op("plus")
            box, binds = self._scalar(term)
            yield box if binds > SUM or (coefficient > 0 and binds) else paren(box)

    def _scalar_product(self, term: Scalar) -> tuple[Box, int]:
        coefficient, rest = split(term)
        factors = rest.args if rest.kind == "mul" else (rest,)
        under = [f for f in factors if f.kind == "pow" and f.data < 0]
        above = [f for f in factors if f not in under]
        constant = [f for f in under if f.args[0].kind == "size"]
        divisors = [f for f in under if f not in constant]
        size = abs(coefficient)
        written = size in self.numerals
        sign = [op("negative")] if coefficient < 0 else []
        below = [num(size.denominator)] if size.denominator != 1 and not written else []
        below += [mul(f**-1) for f in constant]
        front = [num(size if written else size.numerator)] if size.numerator != 1 or written else []
        heavy = any(f.kind in ("sum", "add") or self._is_partial(f) for f in above)
        if divisors and not heavy:
            top = self._side_by_side([*front, *above]) if front or above else digits(1)
            bottom = self._side_by_side([*below, *(f**-1 for f in divisors)])
            return row(*sign, frac(top, bottom)), SUM if sign else PRODUCT
        parts = list(sign)
        below += [f**-1 for f in divisors]
        if below:
            top = self._side_by_side(front) if front else digits(1)
            parts.append(frac(top, self._side_by_side(below)))
            front = []
        if front or above:
            if below and not front and self._is_partial(above[0]):
                parts.append(op("thin"))
            parts.append(self._side_by_side([*front, *above], alone=not parts))
        binds = ENTRYWISE if above and is_open(above[-1]) else PRODUCT
        return row(*parts), SUM if sign else binds

    def _side_by_side(self, factors: list[Scalar], alone: bool = True) -> Box:
        """Return factors one after the other; `alone` says that nothing stands beside them."""
        alone = alone and len(factors) == 1
        boxes: list[Box] = []
        for position, factor in enumerate(factors):
            box, binds = self._scalar(factor)
            last = position == len(factors) - 1
            if not alone and (binds <= SUM or (is_open(factor) and not last)):
                box = paren(box)
            if boxes and (factor.kind == "num" or box.kind == "num"):
                boxes.append(op("cdot"))
            elif boxes and (self._is_partial(factors[position - 1]) or is_word(boxes[-1], box)):
                boxes.append(op("thin"))
            boxes.append(box)
        return row(*boxes) if boxes else digits(1)

    def _is_partial(self, factor: Scalar) -> bool:
        """Whether a factor is written as a fraction, after which a thin space helps the eye."""
        if factor.kind == "partial":
            return True
        return factor.kind == "entry" and factor.data[0] not in self.program.leaves

    def _scalar_power(self, term: Scalar) -> tuple[Box, int]:
        (base,), exponent = term.args, term.data
        if exponent < 0:
            return frac(digits(1), self.scalar(base ** (-exponent))), PRODUCT
        if exponent == Fraction(1, 2):
            return Box("root", (self.scalar(base),)), ATOM
        box, binds = self._scalar(base)
        tall = box.kind in ("frac", "sup", "at", "root")
        tall = tall or (box.kind == "index" and box.parts[0].kind == "sup")
        if base.kind == "fn" and OPS[base.data].raised:
            head, arguments = box.parts
            return row(sup(head, power(exponent)), arguments), ATOM
        return sup(box if binds == ATOM and not tall else paren(box), power(exponent)), ATOM

    def shown(self, count: int) -> list[int | None]:
        """Return the places that are shown, `None` where dots stand."""
        return places(count, self.style.elide)
