"""A program about whose gradients claims are made, and the claims as they are read.

What enters are a program, assumptions and texts, what leaves are formulas, with the hypotheses
under which they have values. The law: an assumption restricts the points at which a claim is
judged, never the differentiation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from math import prod
from typing import NamedTuple

from derive.algebra.forms import MOST_STEPS, TooLarge, Undefined
from derive.expressions.errors import ParseError, ShapeError, UnsupportedError, nearest
from derive.expressions.expr import Condition, Expr, nodes, number, unrepeated, variables
from derive.expressions.limits import during
from derive.expressions.program import Program
from derive.expressions.shape import first_clash
from derive.judges.formulas import Formulas
from derive.judges.proofs import Proofs, names_in
from derive.judges.refutation import Assumed, Points
from derive.language.assumptions import Assumptions, assumed
from derive.language.parse import parse_claim
from derive.ops.elementwise import WHERE, marks_winner
from derive.ops.linear import DIM
from derive.ops.square import INV, LOGDET
from derive.proof.derivation import Derivation
from derive.proof.explain import explain
from derive.proof.hypotheses import Ground, conditions, points, sizes_asked
from derive.proof.implied import hypotheses
from derive.proof.parts import folded, taken_apart
from derive.proof.sizes import Relation, asked, asks_of

#: Matrices with more entries than this are not drawn at the sizes that a user gave as numbers.
MOST_DRAWN = 10_000
#: What is asked of a number of which an inverse or a determinant's logarithm is taken.
OF_ONE = {INV: "≠", LOGDET: ">"}


class Claim(NamedTuple):
    """What a text claims: the name whose gradient it gives, and the formula.

    `restated` are formulas that it states again and that are what their names mean, `meanings`
    says what names mean that stand for something else inside it.
    """

    name: str
    expr: Expr
    text: str = ""
    restated: tuple[Expr, ...] = ()
    meanings: Mapping[str, str] = {}


class Case:
    """A program under assumptions; what is asked of it is remembered.

    Where dimensions are taken to be equal, `merged` says by which others some are replaced, and
    `apart` is the case in which they are not: what is true is said in its names.
    """

    def __init__(
        self,
        program: Program,
        assume: Assumptions | None = None,
        *,
        merged: Mapping[str, str] | None = None,
        equalities: tuple[str, ...] = (),
        apart: Case | None = None,
    ):
        self.program, self.assumptions = program, assume
        self.merged, self.equalities, self.apart = dict(merged or {}), equalities, apart or self
        self.formulas = Formulas(program)
        self._under(assumed(program, assume or {}))
        self.proofs = Proofs(
            self.formulas, self.assumed, self.points, self._open, self._nonzero()
        )  # fmt: skip
        for statement in program.statements:
            self._insist_on_values(statement.expr)

    def _under(self, words: Assumed) -> None:
        """Begin anew, with what is assumed of the inputs as words."""
        self.assumed = words
        self.grounds: dict[tuple[str, tuple[Expr, ...]], Ground] = {}
        self.known_meanings: dict[tuple[str, Expr], bool] = {}
        self.claims: dict[str, Claim] = {}
        self.texts: dict[str, str] = {}
        self.points = Points(self.program, words)

    def _open(self, name: str, expr: Expr) -> frozenset[str]:
        return self.ground(name, expr).open

    def _nonzero(self) -> frozenset[Expr]:
        """Return the matrices by which the program chooses, as far as no entry of them is 0."""
        choices = [n for s in self.program.statements for n in nodes(s.expr) if n.op is WHERE]
        if not any(choice.op.where(choice.data, *choice.args) for choice in choices):
            return frozenset()
        found = conditions(self.ground(""), choices)
        return frozenset(c.args[0] for c in found if c.kind == "nonzero" and not c.but)

    @property
    def names(self) -> list[str]:
        """The names about whose gradients claims are made."""
        return self.formulas.names

    @property
    def gradients(self) -> dict[str, Expr]:
        """The gradients as variables."""
        return self.formulas.gradients

    def truth(self, name: str) -> Expr:
        """Return our formula for a gradient."""
        return self.formulas.truth(name)

    def told(self, name: str) -> str:
        """Return our formula for a gradient in input syntax, all dimensions by their own names.

        It is empty where the formula fails at a point: of a tie that no input avoids, as on the
        diagonal of `max(A, A.T)`, the theorem about maxima says nothing.
        """
        case = self.apart
        if name not in case.texts:
            fails = case.points.looks_false(name, case.truth(name))
            case.texts[name] = "" if fails else case.formulas.says(name, case.truth(name))
        return case.texts[name]

    @cached_property
    def derivation(self) -> Derivation:
        """The derivation of every gradient, for documents."""
        return explain(self.program, wrt=tuple(self.names), detail="brief")

    # -- other cases -------------------------------------------------------------------------------

    @cached_property
    def in_numbers(self) -> Case | None:
        """The same question at the sizes that the user gave as numbers, if there are such."""
        sizes = self.points.at((1,))
        drawn = (prod(leaf.shape.extents(sizes)) for leaf in self.program.leaves.values())
        if not self.program.sizes or max(drawn) > MOST_DRAWN:
            return None
        return Case(self.program.with_numbers(), self.assumptions)

    @cached_property
    def in_parts(self) -> list[Case]:
        """The same question with names for the parts of deep statements, where there are such."""
        return [Case(program, self.assumptions) for program in taken_apart(self.program)]

    def supposing(self, leaf: str, word: str) -> Case:
        """Return the case in which one thing more is assumed."""
        found = Case.__new__(Case)
        found.__dict__ |= self.__dict__
        found._under({**self.assumed, leaf: self.assumed.get(leaf, frozenset()) | {word}})
        found.proofs = self.proofs.under(
            found.assumed, found.points, found._open, found._nonzero()
        )  # fmt: skip
        return found

    def at_one(self, dims: Iterable[str]) -> Case:
        """Return the case in which some dimensions are 1."""
        return Case(self.program.with_dims(dict.fromkeys(dims, 1)), self.assumptions)

    def merging(self, error: ShapeError) -> Case | None:
        """Return the case in which two dimensions that clashed are one."""
        kept, gone = first_clash(*error.clash) if error.clash else (0, 0)
        if not (isinstance(kept, str) and isinstance(gone, str)):
            return None
        merged = {k: kept if v == gone else v for k, v in self.merged.items()}
        return Case(
            self.program.with_dims({gone: kept}),
            self.assumptions,
            merged={**merged, gone: kept},
            equalities=(*self.equalities, f"{kept} = {gone}"),
            apart=self.apart,
        )

    def fitting(self, text: str) -> tuple[Case, Claim | None]:
        """Return the case in which a claim fits, and what it says there: that of the user's sizes,
        or of equal dimensions."""
        case = self
        numbers = self.in_numbers
        if numbers is not None and (found := numbers.reads(text)):
            return numbers, found
        while True:
            claim: Claim | None = None
            try:
                claim = case.read(text)
                clash = case.misfit(claim)
                if clash is None:
                    return case, claim
                error = ShapeError("another shape", clash=clash)
            except ShapeError as misfit:
                error = misfit
            wider = case.merging(error)
            if wider is None:
                return case, claim
            case = wider

    def misfit(self, claim: Claim) -> tuple | None:
        """Return the first two dimensions in which a claim's shape is not the gradient's."""
        wanted = self.program.leaves[claim.name].shape
        pairs = zip(wanted.dims, claim.expr.shape.dims, strict=True)
        return next((pair for pair in pairs if pair[0] != pair[1]), None)

    # -- reading -----------------------------------------------------------------------------------

    def read(self, text: str) -> Claim:
        """Return what a text claims.

        Raises `ParseError` where it cannot be read, `ShapeError` where it does not fit together,
        `UnsupportedError` where it is about no gradient.
        """
        if text not in self.claims:
            self.claims[text] = self._read(text)
        return self.claims[text]

    def _read(self, text: str) -> Claim:
        leaves = {**self.program.leaves, **self.gradients}
        dims = {**dict(zip(self.program.dims, self.program.dims, strict=True)), **self.merged}
        restated: list[Expr] = []
        meanings: dict[str, str] = {}

        def again(name: str, expr: Expr) -> Expr | None:
            """What a name stands for that is stated again: what the program means by it where that
            is the same by proof, else what the claim says."""
            if name in self.program.inputs:
                return None
            if self._is_meant(name, expr):
                restated.append(expr)
                return self.formulas.leaf(name)
            meanings[name] = self.program.written(expr)
            return expr

        target, expr = parse_claim(text, leaves, dims, again, self.program.functions)
        name = target[1:]
        if not target.startswith("d") or name not in self.program.leaves:
            raise UnsupportedError(
                f"{target} is not the gradient of a variable{nearest(target, self.gradients)}",
                hint=f"a claim gives one of {', '.join(f'd{n}' for n in self.names)}",
            )
        if name == self.program.output.data[0]:
            raise UnsupportedError(f"{target} is where the gradients start from; it is given")
        if name not in self.names:
            raise UnsupportedError(f"{self.program.output} does not depend on {name}")
        if self.gradients[target] in nodes(expr):
            raise UnsupportedError(f"the claim gives {target} in terms of {target} itself")
        self._insist_on_values(expr)
        return Claim(name, expr, text, tuple(restated), meanings)

    def reads(self, text: str) -> Claim | None:
        """Return what a text claims where it is of the shape that it should be."""
        try:
            claim = self.read(text)
        except ShapeError:
            return None
        return claim if self.misfit(claim) is None else None

    def _is_meant(self, name: str, expr: Expr) -> bool:
        """Whether a formula is proved to be the value, or the gradient, that has a name."""
        key = (name, expr)
        if key not in self.known_meanings:
            own = self.program.defining(name)
            if expr.shape != self.formulas.leaf(name).shape or (
                asked(self.program, expr) != asked(self.program)
            ):
                same = False
            elif own is not None:
                same = own.expr is expr or decided(lambda: any(
                    self.proofs.equalities(own.expr, expr)))  # fmt: skip
            elif name == f"d{self.program.output}":
                same = self.program.is_loss and expr is number(1)
            else:
                same = self.is_proved(name[1:], expr)
            self.known_meanings[key] = same
        return self.known_meanings[key]

    def _insist_on_values(self, expr: Expr) -> None:
        """Raise `ParseError` for a quotient, a root or a logarithm that is a number nowhere."""
        for node in nodes(expr):
            sign = asks_of(node) or OF_ONE.get(node.op)
            if not sign:
                continue
            arg = unrepeated(node.args[-1])
            if arg.is_var or arg.op is DIM or self.gradients.keys() & names_in(arg):
                continue
            form = self.proofs.constant(arg)
            value = form.get((), 0) if form is not None and form.keys() <= {()} else None
            if value is None or (
                value > 0 if sign == ">" else value >= 0 if sign == "≥" else value
            ):
                continue
            what = arg if len(str(arg)) < 40 else "what it is taken of"
            words = "negative" if value < 0 else "0"
            raise ParseError(f"{node} is not a number anywhere: {what} is {words}")

    # -- proofs ------------------------------------------------------------------------------------

    def proves(self, name: str, expr: Expr, steps: int = MOST_STEPS) -> bool:
        """Whether a claim is proved for every shape."""
        return self.proofs.proves(name, expr, steps)

    def is_proved(self, name: str, expr: Expr, steps: int = MOST_STEPS) -> bool:
        """Whether a claim is proved, and is not too large to be."""
        return decided(lambda: self.proves(name, expr, steps))

    def is_proved_in_parts(self, name: str, expr: Expr) -> bool:
        """Whether a claim is proved in which parts of the program's formulas have their names."""
        return self.is_proved(name, folded(self.program, expr))

    # -- hypotheses --------------------------------------------------------------------------------

    def ground(self, name: str, *said: Expr) -> Ground:
        """Return where the hypotheses of the program and of formulas are satisfied."""
        if (name, said) not in self.grounds:
            definitions = [(s.name, s.expr) for s in self.program.statements]
            seen = {node for one in said for node in nodes(one)}
            used = {}
            for n in reversed(self.formulas.outermost):  # a long formula stands on those behind it
                if self.gradients[f"d{n}"] in seen:
                    used[f"d{n}"] = self.truth(n)
                    seen.update(variables(used[f"d{n}"]))
            definitions += reversed(used.items())
            if self.program.is_loss:
                definitions.append((f"d{self.program.output}", number(1)))
            definitions += [("", one) for one in said]
            self.grounds[name, said] = Ground(
                self.program, definitions, points(self.program, self.assumed), self.assumed,
                [name] if name else [],
            )  # fmt: skip
        return self.grounds[name, said]

    def conditions(self, claim: Claim) -> list[Condition]:
        """Return what the program and a claim ask for of the inputs."""
        own = [s.expr for s in self.program.statements if f"d{s.name}" in self.gradients]
        said = (*claim.restated, claim.expr)
        return [
            c
            for c in hypotheses(self.ground(claim.name, *said), (*own, *said))
            if c.kind != "distinct"
            or not marks_winner(*(self.program.composed(unrepeated(arg)) for arg in c.args))
        ]

    @during("satisfying")
    def relations(self, claim: Claim) -> tuple[Relation, ...] | None:
        """Return what the program and a claim ask of the sizes; `None` where no point was found at
        which their hypotheses hold."""
        ground = self.ground(claim.name, *claim.restated, claim.expr)
        return sizes_asked(self.program, ground, claim.expr)


def decided(question: Callable[[], bool]) -> bool:
    """Whether the answer is yes, and was not too large to be found."""
    try:
        return question()
    except (TooLarge, Undefined, UnsupportedError):
        return False
