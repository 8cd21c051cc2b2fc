"""Forms with operators: what a definition in the table, or a law, may do with an entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from derive.algebra.forms import UNIT, Exponent, Form, exact

if TYPE_CHECKING:
    from derive.algebra.normal import Ring


class Value:
    """A form with operators, so that definitions in the table apply to it."""

    __slots__ = ("form", "ring")

    def __init__(self, ring: Ring, form: Form):
        self.ring, self.form = ring, form

    def _lift(self, other: Any) -> Form:
        if isinstance(other, Value):
            return other.form
        return {UNIT: exact(other)} if other else {}

    def __add__(self, other: Any) -> Value:
        return Value(self.ring, self.ring.add(self.form, self._lift(other)))

    def __neg__(self) -> Value:
        return Value(self.ring, self.ring.scale(-1, self.form))

    def __sub__(self, other: Any) -> Value:
        return self + -Value(self.ring, self._lift(other))

    def __rsub__(self, other: Any) -> Value:
        return -self + other

    def __mul__(self, other: Any) -> Value:
        form = other.form if type(other) is Value else self._lift(other)
        return Value(self.ring, self.ring.mul(self.form, form))

    def __pow__(self, exponent: Exponent) -> Value:
        return Value(self.ring, self.ring.power(self.form, exponent))

    def __truediv__(self, other: Any) -> Value:
        return self * Value(self.ring, self.ring.power(self._lift(other), -1))

    def __rtruediv__(self, other: Any) -> Value:
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__


class RingFunctions:
    """The functions of the table on forms."""

    def __init__(self, ring: Ring):
        self.ring = ring

    def __getattr__(self, name: str) -> Callable[..., Value]:
        return lambda *args: Value(
            self.ring,
            self.ring.function(name, *(Value(self.ring, {})._lift(arg) for arg in args)),
        )
