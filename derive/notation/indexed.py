"""The names of one layer among many: Z_l, W_l, and H_{l-1}, which the layer before it gives.

The notation of a layer's derivation enters, and how layers follow each other; leaves the same
notation with the number of a layer at every name that a layer has of its own. The law: what all
layers share has no number.
"""

from __future__ import annotations

from functools import cached_property

from derive.catalogue.recursion import Recursion
from derive.expressions.layout import Box, num, op, row, sub
from derive.expressions.program import split_name
from derive.expressions.shape import Dim
from derive.notation.mathematics import Notation, Style
from derive.proof.derivation import Derivation


class Indexed(Notation):
    """The writing of layer `at`, a letter or a number."""

    def __init__(
        self, derivation: Derivation, style: Style, recursion: Recursion, at: str | int = ""
    ):
        super().__init__(derivation, style)
        self.recursion = recursion
        self.at = at if at != "" else recursion.index

    def place(self, back: int = 0) -> Box:
        """Return the number of the layer, or that of one before it."""
        if isinstance(self.at, int):
            return num(self.at - back)
        letter = Box("id", text=self.at)
        return row(letter, op("minus"), num(back)) if back else letter

    @cached_property
    def names(self) -> dict[str, Box]:
        shown = dict(super().names)
        gives, takes = self.recursion.feeds
        for name in self.recursion.own():
            shown[name] = sub(shown[name], self.place())
        shown[takes] = sub(super().names[gives], self.place(1))
        return shown

    def dim(self, dim: Dim) -> Box:
        return self._sized(dim) or super().dim(dim)

    def word_of(self, dim: Dim) -> Box:
        return self._sized(dim) or super().word_of(dim)

    def _sized(self, dim: Dim) -> Box | None:
        """Return a dimension that each layer has of its own: n_l behind it, n_{l-1} before it."""
        sizes = self.recursion.sizes
        if not sizes or dim not in sizes:
            return None
        root, _ = split_name(sizes[0])
        return sub(Box("id", text=root), self.place(int(dim == sizes[0])))
