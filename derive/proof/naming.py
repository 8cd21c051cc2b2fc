"""Names for what occurs again: G = ∂L/∂Y Vᵀ once, and G or Gᵀ wherever that was.

Formulas enter; the same formulas leave, shorter, with the definitions of the names that stand in
them now. Length is counted in operators, definitions included, and never grows. Nothing is checked
here: that the names may be put back is a step for the judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count

from derive.calculus.index import letters
from derive.expressions.expr import (
    COMPARE,
    OPS,
    Expr,
    broadcast_to,
    nodes,
    operators,
    rebuild,
    variables,
    written_args,
)
from derive.expressions.program import Program, split_name
from derive.ops import var
from derive.ops.elementwise import EXP, SIGMOID, SQRT, TANH
from derive.ops.linear import BROADCAST, EYE, MATMUL, NEG, SUB, TRANSPOSE
from derive.ops.reduction import MEAN, SUM
from derive.ops.rows import LOGSOFTMAX, NORM, SOFTMAX
from derive.ops.square import INV

#: What the field calls a value by the operator that makes it, the usual letter first; a row, a
#: column or a number has the small letter.
CALLED = {
    SOFTMAX: "PS", LOGSOFTMAX: "QP", SQRT: "S", NORM: "R", EXP: "E", SIGMOID: "SP", TANH: "H",
    INV: "KR", SUB: "RC",
}  # fmt: skip
#: What comes back from the loss, what is 0 or 1, and anything else.
BACK, MASKS, OTHERS = "GDUVQR", "M", "ACFQRUVBK"
#: Named where it occurs twice, though it is one operator; another such value occurs three times.
FIELD = {SOFTMAX, LOGSOFTMAX}
#: Names that may mean something else on paper: the loss, the identity.
KEPT = {"L", "J", "I"}


@dataclass(slots=True)
class _Value:
    """A value that occurs, in the orientation that is met first and in the other, and how often.

    `turned` says how many more transposes there would be if it had a name, `whole` how often it is
    all of a formula.
    """

    expr: Expr
    other: Expr
    weight: int
    uses: int = 0
    turned: int = 0
    other_turned: int = 0
    whole: int = 0
    chosen: bool = False
    name: Expr | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """Definitions of names, each by those before it, and formulas in which the names stand."""

    definitions: tuple[tuple[Expr, Expr], ...]
    formulas: Mapping[Expr, Expr]

    @property
    def length(self) -> int:
        """How many operators there are in all."""
        written = (*(value for _, value in self.definitions), *self.formulas.values())
        return sum(map(operators, written))


def named(
    formulas: Mapping[Expr, Expr],
    program: Program,
    natural: Mapping[Expr, Expr] | None = None,
    tails: Mapping[Expr, str] | None = None,
) -> Named:
    """Return formulas in which what occurs again has a name.

    `natural` are values that have one; `tails` say what to put behind the letters of others.

    >>> from derive.language.parse import parse
    >>> program = parse("X: (n, d); Y = X @ exp(X / 2).T; Z = Y * (exp(X / 2) @ X.T)")
    >>> found = named({program.leaves[s.name]: s.expr for s in program.statements}, program)
    >>> [f"{name} = {value}" for name, value in found.definitions]
    ['A = X @ exp(X / 2).T']
    >>> [str(value) for value in found.formulas.values()]
    ['A', 'Y * A.T']
    """
    return _Namer(formulas, program, natural or {}, tails or {}).named()


class _Namer:
    """The values of some formulas, each with its transpose as one."""

    def __init__(
        self,
        formulas: Mapping[Expr, Expr],
        program: Program,
        natural: Mapping[Expr, Expr],
        tails: Mapping[Expr, str],
    ):
        self.formulas = formulas
        self.inside: dict[tuple[Expr, bool], Expr] = {}
        self.weights: dict[Expr, int] = {}
        self.values: dict[Expr, _Value] = {}
        for root in formulas.values():
            for node in nodes(root):
                self.value(node)
        self.natural = {self.value(value).expr: name for value, name in natural.items()}
        self.tails = {self.value(value).expr: tail for value, tail in tails.items()}
        self.back = {f"d{name}" for name in program.leaves}
        self.program = program

    def named(self) -> Named:
        refused: set[Expr] = set()
        while True:
            chosen = self.choose(refused)
            free, done = FreeLetters(self.program), dict[Expr, Expr]()
            definitions = []
            for value in chosen:
                definition, other = (self.written(x, done) for x in (value.expr, value.other))
                other = min(_transposed(definition), other, key=operators)
                name = self.natural.get(value.expr)
                lengths = (operators(definition) + value.turned,
                           operators(other) + value.other_turned)  # fmt: skip
                if name is None and lengths[1] < lengths[0]:
                    name = self.letter(value.other, free)
                    value.name, definition = _transposed(name), other
                    value.turned = value.other_turned
                else:
                    name = value.name = name or self.letter(value.expr, free)
                done[value.other] = _transposed(value.name)
                done[value.expr] = value.name
                definitions.append((name, definition))
            small = {
                value.expr
                for value, (_, definition) in zip(chosen, definitions, strict=True)
                if not _earns(value, definition)
            }
            if not small:
                break
            refused |= small
        written = {own: self.written(root, done) for own, root in self.formulas.items()}
        return Named(tuple(definitions), written)

    def value(self, node: Expr) -> _Value:
        """Return the value of a node, that of its transpose or of its repetitions."""
        node, _ = bare(node)
        own = turned_inside(node, False, self.inside)
        found = self.values.get(own) or self.values.get(turned_inside(node, True, self.inside))
        if found is None:
            other = turned_inside(node, True, self.inside)
            found = self.values[own] = _Value(node, other, self.weight(node))
        return found

    def is_turned(self, node: Expr, as_named: Expr) -> bool:
        """Whether a node is the transpose of a value as it has its name."""
        ways = (turned_inside(one, False, self.inside) for one in (node, as_named))
        return next(ways) is not next(ways)

    def weight(self, node: Expr) -> int:
        if node not in self.weights:
            own = node.op not in (TRANSPOSE, BROADCAST)
            self.weights[node] = own + sum(map(self.weight, node.args))
        return self.weights[node]

    def choose(self, refused: set[Expr]) -> list[_Value]:
        """Return what is named, the smallest first: the largest that earn it, then what is left."""
        for value in self.values.values():
            value.uses = value.turned = value.other_turned = value.whole = 0
            value.name = None
        for root in self.formulas.values():
            self._use(root, 1)
            if self.value(root).expr not in self.natural:
                self.value(root).whole += 1
        order = sorted(self.values.values(), key=lambda value: -value.weight)
        for value in order:
            value.chosen = value.expr not in refused and _earns(value, value.expr)
            times = 1 if value.chosen else value.uses
            for arg in written_args(value.expr):
                self._use(arg, times)
        return [value for value in reversed(order) if value.chosen]

    def _use(self, node: Expr, times: int) -> None:
        value, (inside, turned) = self.value(node), bare(node)
        value.uses += times
        more = -times if turned else times
        if self.is_turned(inside, value.expr):
            value.turned += more
        if self.is_turned(inside, value.other):
            value.other_turned += more

    # -- writing -----------------------------------------------------------------------------------

    def written(self, root: Expr, done: dict[Expr, Expr]) -> Expr:
        """Return an expression with the names that there are so far."""
        for node in nodes(root):
            if node in done:
                continue
            args = tuple(done[arg] for arg in node.args)
            if node.op is BROADCAST:
                done[node] = broadcast_to(args[0], node.shape)
            elif node.op is TRANSPOSE:
                ways = (turned_inside(node.args[0], way, self.inside) for way in (False, True))
                done[node] = args[0] if next(ways) is next(ways) else _transposed(args[0])
            else:
                value = self.value(node)
                name = value.name
                if name is not None and self.is_turned(node, value.expr):
                    name = _transposed(name)
                done[node] = rebuild(node, args) if name is None else name
        return done[root]

    def letter(self, expr: Expr, free: FreeLetters) -> Expr:
        """Return a variable for a value, its letter by the kind of value that it is."""
        ways, tail = CALLED.get(expr.op, ""), self.tails.get(expr, "")
        if not self.back.isdisjoint(leaf.data[0] for leaf in variables(expr)):
            ways = BACK
        elif expr.op.strength == COMPARE:
            ways = MASKS
        return var(free.letter(ways, tail, small=1 in expr.shape.dims), expr.shape)


class FreeLetters:
    """The letters that mean nothing in a program yet."""

    def __init__(self, program: Program):
        self.taken = {*program.letters(), *program.functions, *KEPT, *OPS}
        self.taken |= {f"d{name}" for name in program.leaves}
        self.taken |= set(letters(program.letters()).output)

    def letter(self, ways: str, tail: str, small: bool) -> str:
        """Return a letter, with a tail where one is wished for."""
        wished = ((x, tail) for x in ways if tail)
        plain = ((x, "") for x in f"{ways}{OTHERS}")
        numbered = ((x, str(k)) for k in count(1) for x in (ways or OTHERS)[:1])
        for letter, tail in chain(wished, plain, numbered):
            pair = {f"{letter}{tail}", f"{letter.lower()}{tail}"}
            if pair.isdisjoint(self.taken):
                self.taken |= pair
                return f"{letter.lower() if small else letter}{tail}"
        raise AssertionError("there is always another number")


def tail_of(name: str) -> str:
    """Return what tells a gate or a layer from others.

    >>> tail_of("i"), tail_of("H1"), tail_of("loss")
    ('_i', '1', '')
    """
    root, index = split_name(name)
    return index if index.isdigit() else f"_{root}" if len(root) == 1 and not index else ""


def bare(node: Expr) -> tuple[Expr, bool]:
    """Return what is repeated or turned over, and whether it is turned over."""
    turned = False
    while node.op in (BROADCAST, TRANSPOSE):
        turned ^= node.op is TRANSPOSE
        node = node.args[0]
    return node, turned


def turned_inside(root: Expr, turned: bool, known: dict[tuple[Expr, bool], Expr]) -> Expr:
    """Return an expression or its transpose, transposes taken inside as far as they go."""
    waiting = [(root, turned)]
    while waiting:
        node, way = waiting[-1]
        needs = [(arg, way ^ (node.op is TRANSPOSE)) for arg in node.args] if _opens(node) else []
        missing = [need for need in needs if need not in known]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        args = tuple(known[need] for need in needs)
        known[node, way] = _turned(node, args, way) if _opens(node) else _closed(node, way)
    return known[root, turned]


def _opens(node: Expr) -> bool:
    """Whether the transpose of a node is made of those of its arguments."""
    entrywise = node.op.style in ("infix", "prefix", "power", "postfix") or node.op.derivatives
    return bool(node.args) and (bool(entrywise) or node.op in (BROADCAST, SUM, MEAN, INV))


def _closed(node: Expr, turned: bool) -> Expr:
    return _transposed(node) if turned and node.op is not EYE else node


def _turned(node: Expr, args: tuple[Expr, ...], turned: bool) -> Expr:
    if node.op is TRANSPOSE:
        return args[0]
    if node.name == MATMUL.name:
        return _times(*(reversed(args) if turned else args))
    if node.op is BROADCAST:
        return broadcast_to(args[0], node.shape.T if turned else node.shape)
    if node.op in (SUM, MEAN) and turned:
        return node.op(args[0], data=tuple(sorted(1 - axis for axis in node.data)))
    return rebuild(node, args)


def _times(a: Expr, b: Expr) -> Expr:
    """Return a product with its factors from left to right, as they are always written."""
    factors = [b]
    while factors[0].op is MATMUL:
        factors[:1] = factors[0].args
    for factor in factors:
        a = a @ factor
    return a


def _transposed(e: Expr) -> Expr:
    return e.args[0] if e.op is TRANSPOSE else e if e.shape.is_scalar else e.T


def _earns(value: _Value, definition: Expr) -> bool:
    """Whether the text is shorter, and not harder to read, with a name for a value."""
    own = operators(definition)
    if (
        value.uses < 2
        or value.uses == value.whole
        or not own
        or definition.op is NEG
        or not variables(definition)
    ):
        return False
    saved = (value.uses - 1) * own - max(value.turned, 0)
    if own > 1 or definition.op in FIELD:
        return saved > 0
    return saved > 1 and (definition.op.style == "call" or definition.op is MATMUL)
