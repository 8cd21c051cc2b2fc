"""A judge: one road from a step to a verdict, and what all roads share.

What enters is a step of a derivation, what leaves is a verdict with a stable word for the road. A
judge proves, or says where two sides differ; that a difference is certain is known of rational
functions alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from derive.algebra.forms import Form, TooLarge, Undefined
from derive.algebra.normal import Ring
from derive.calculus.index import Place, place_of
from derive.expressions.expr import Expr
from derive.expressions.program import Program
from derive.notation.messages import Message, say
from derive.proof.derivation import Step
from derive.proof.verdict import PROVED, REFUTED, UNDECIDED, Road, Scope, Verdict

Sizes = Mapping[str, int]
#: A message that says where two sides differ, and whether they do for certain.
Difference = tuple[Message, bool]
#: The name of a node of a formula that is taken as a variable.
NODE = "the node"
#: Words for the place of any entry, of the one that is differentiated by, and of those summed over.
ANY, BY, SUMMED = (
    tuple(f"{mark}{letter}" for letter in letters)
    for mark, letters in (("@", "rstuvw"), ("@", "acefhb"), ("~", "ijklpq"))
)


class Judge(ABC):
    """One road: what mathematics means on it, and whether two meanings are equal."""

    road: Road
    at: Scope
    ring: Ring

    def verdict(self, step: Step) -> Verdict:
        """Return what this road finds of a step."""
        found = self.tried(step)
        return found or Verdict(UNDECIDED, self.at, self.road, say("too-large"))

    def tried(self, step: Step) -> Verdict | None:
        """Return what this road finds of a step, `None` where that would take too much."""
        self.ring.budget.cut = False
        try:
            found = self.differs(step)
        except TooLarge:
            return None
        except Undefined:
            return Verdict(UNDECIDED, self.at, self.road, say("step-divides"))
        if found is None:
            return Verdict(PROVED, self.at, self.road)
        where, certain = found
        if self.ring.budget.cut and not certain:
            return None
        return Verdict(REFUTED if certain else UNDECIDED, self.at, self.road, where)

    @abstractmethod
    def differs(self, step: Step) -> Difference | None:
        """Return where the two sides differ, and whether that is certain; `None` if nowhere."""


def entry_differs(*place: int) -> Message:
    """Return that two sides differ in an entry."""
    return say("step.entry-differs", place=", ".join(str(k + 1) for k in place))


def is_rational(ring: Ring, *forms: Form) -> bool:
    """Whether forms are rational functions of entries alone, which differ when their forms do.

    With functions in them two forms may be equal by a law that the normal form does not know.
    """
    return all(
        ring.atoms[atom][0] == "x" and isinstance(exponent, int)
        for form in forms
        for monomial in form
        for atom, exponent in monomial
    )


def sizes_of(program: Program, sizes: Sizes) -> Scope:
    """Return the sizes of a program's dimensions, in their order."""
    return Scope.at({dim: sizes[dim] for dim in program.dims})


def any_place(expr: Expr) -> Place:
    return place_of(expr.shape, ANY)


def contribution(
    ring: Ring,
    read: Callable[..., Form],
    expr: Expr,
    leaf: Expr,
    upstream: Callable[..., Form],
) -> Form:
    """Return the chain rule through one formula, Σ_ij ∂L/∂y_ij ∂y_ij/∂x_ac, at the words of `BY`.

    `read` is the reading of definitions, `upstream` the gradient of the formula's value.
    """
    place = place_of(expr.shape, SUMMED)
    slope = ring.derivative(read(expr, *place), leaf.data, *place_of(leaf.shape, BY))
    over = [(k, dim) for k, dim in zip(place, expr.shape.dims, strict=True) if dim != 1]
    return ring.sums_over(over[::-1], ring.mul(upstream(*place), slope))
