"""A proof for every number of layers: what is given behind the last one, and a step from each to
the one before it.

What enters is how layers follow each other, and the derivation of one layer's gradients behind any
loss; what leaves is an `Induction`. The law: the step's conclusion about layer l is the hypothesis
of layer l - 1, of the same name and the same shape, or there is no induction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from derive.catalogue.recursion import Recursion, renamed
from derive.expressions.errors import ProofError, ShapeError
from derive.expressions.expr import Expr, variables
from derive.expressions.shape import Shape, substituted
from derive.proof.derivation import Derivation


class Unrolled(NamedTuple):
    """A number of layers written out: the gradients that the recursion gives there, each with what
    a judge says of it, who knows the definition of a gradient alone."""

    layers: int
    gradients: Mapping[str, str]
    verdicts: Mapping[str, str]


class Induction(NamedTuple):
    """The gradients of every number of layers: `layer` is the theorem about one of them."""

    recursion: Recursion
    layer: Derivation
    unrolled: tuple[Unrolled, ...] = ()

    @property
    def hypothesis(self) -> str:
        """The name whose gradient is known when a layer's turn comes: what the layer gives."""
        return self.recursion.feeds[0]

    @property
    def conclusion(self) -> str:
        """The name whose gradient is known behind the layer: what it takes."""
        return self.recursion.feeds[1]

    @property
    def formulas(self) -> dict[str, Expr]:
        """The gradient of each name of a layer, in those that are known before it."""
        return dict(self.layer.backward)

    def written(self) -> dict[str, str]:
        """Return the recursion in input syntax, the number of the layer in square brackets.

        What all layers share has a gradient that is a sum over them.
        """
        recursion = self.recursion
        names = self.indexed(f"{recursion.index}-1")
        each = f" for {recursion.index} in range(1, {recursion.count} + 1)"
        said = {name: renamed(str(value), names) for name, value in self.formulas.items()}
        return {
            names.get(name, name): f"sum({text}{each})" if name in recursion.shared else text
            for name, text in said.items()
        }

    def indexed(self, before: str) -> dict[str, str]:
        """Return the names of a layer, and of gradients, with its number in square brackets;
        `before` is that of the layer before it."""
        names = {name: f"{name}[{self.recursion.index}]" for name in self.recursion.own()}
        names[self.conclusion] = f"{self.hypothesis}[{before}]"
        return names | {f"d{name}": f"d{shown}" for name, shown in names.items()}

    def composed(self, layers: int) -> dict[str, str]:
        """Return what the recursion gives for a number of layers: the gradient of every input, by
        the upstream gradient and the values of the layers alone."""
        recursion = self.recursion.chosen({"layers": str(layers)})
        found: dict[str, str] = {}
        last = recursion.names(layers)[self.hypothesis]
        known = {f"d{last}": f"d{last}"}
        for k in range(layers, 0, -1):
            names = recursion.names(k)
            for name, value in self.formulas.items():
                own = names.get(name, name)
                put = {f"d{n}": known[f"d{m}"] for n, m in names.items() if f"d{m}" in known}
                text = f"({renamed(str(value), {**names, **put})})"
                if name in recursion.shared:
                    found[own] = f"{found[own]} + {text}" if own in found else text
                    continue
                known[f"d{own}"] = found[own] = text
        inputs = {*recursion.inputs(), recursion.names(1).get(self.conclusion, self.conclusion)}
        return {name: text for name, text in found.items() if name in inputs}


def induction(recursion: Recursion, layer: Derivation) -> Induction:
    """Return the proof by induction that the theorem about one layer makes.

    >>> from derive.language.parse import parse
    >>> from derive.proof.explain import explain
    >>> one = Recursion("X: (n, k); W: (k, m); H = X @ W", ("H", "X"), ("k", "m"), layers="every")
    >>> induction(one, explain(one.parsed(), detail="brief")).written()
    {'H[l-1]': 'dH[l] @ W[l].T', 'W[l]': 'H[l-1].T @ dH[l]'}

    Raises `ShapeError` where a layer does not take what the one before it gives, and `ProofError`
    where a layer's theorem is not about every loss behind it.
    """
    program, (gives, takes) = layer.program, recursion.feeds
    for name, where in ((gives, "gives"), (takes, "takes")):
        if name not in program.leaves:
            raise ProofError(f"a layer {where} {name}, and has no such name")
    if program.output.data[0] != gives or program.is_loss:
        raise ProofError(
            f"a layer ends at {program.output}, and {gives} is what the next one takes"
        )
    if takes not in program.inputs:
        raise ProofError(f"{takes} is computed by the layer, and taken from the one before it")
    meant = dict([recursion.sizes[::-1]]) if recursion.sizes else {}
    given = Shape(*(substituted(dim, meant) for dim in program.leaves[gives].shape.dims))
    taken = program.leaves[takes].shape
    if given != taken:
        raise ShapeError(
            f"a layer gives {gives}, which is {program.leaves[gives].shape}, and the next one "
            f"takes {takes}, which is {taken}",
            hint="{} behind a layer is {} before the next".format(*recursion.sizes[::-1])
            if recursion.sizes
            else None,
        )
    found = Induction(recursion, layer)
    if takes not in found.formulas:
        raise ProofError(
            f"the gradient of {takes} is not derived, and the next step begins with it"
        )
    known = {f"d{gives}"}
    for name, value in found.formulas.items():  # outermost first
        for leaf in variables(value):
            word = leaf.data[0]
            if word not in program.leaves and word not in known:
                raise ProofError(f"the gradient of {name} takes {word}, which is not known there")
        known.add(f"d{name}")
    return found
