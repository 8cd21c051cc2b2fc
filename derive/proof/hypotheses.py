"""What a program asks of the entries of its inputs: hypotheses that some point satisfies.

max(x, mean(x)) has a gradient where x and its mean differ, which is satisfied nowhere where n = 1.
What enters is a program, what leaves are hypotheses, and relations between its dimensions: at sizes
that break them no point was found. The law: what no point satisfies is no hypothesis of a theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import cached_property, partial
from itertools import cycle, islice, product
from math import prod

from flint import arb

from derive.algebra.forms import Form, TooLarge, Undefined
from derive.algebra.normal import Ring
from derive.calculus.index import place_of
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import (
    Condition,
    Expr,
    asks_nothing,
    nodes,
    number,
    substitute,
    unrepeated,
    variables,
)
from derive.expressions.program import Program
from derive.language.assumptions import Matrix, congruent, drawn, facts, is_discrete
from derive.ops import var
from derive.ops.elementwise import GREATER, MUL, POW, SHARED, marks_winner
from derive.ops.linear import ADD, BROADCAST, MATMUL, NEG, NUMBER, SUB, TRANSPOSE
from derive.ops.reduction import MAX, MIN
from derive.ops.square import DET, INV, LOGDET
from derive.proof.sizes import (
    Relation,
    Sizes,
    asked,
    asks_of,
    chosen,
    factors_of,
    is_constant,
    merged,
    obeyed,
    relations_of,
    simple_relations,
)
from derive.readings.base import Table
from derive.readings.counts import counted
from derive.readings.forms import Forms
from derive.readings.numbers import DomainError, Enclosures, interval, precision

#: How far all around a point is looked.
STEP = Fraction(1, 2**66)
#: A point for a program at sizes, by a seed; none where no values were found.
Points = Callable[[Sizes, int], Mapping[str, Matrix] | None]

#: So many points are tried at each kind of sizes; the digits of each to the base of 3 say which
#: signs the inputs have. First come points at which all of them have the same.
CODES = (0, 13, 0, 13, 26, 26, *(k for k in range(1, 26) if k != 13))
TRIES = len(CODES)
#: Points are made of numbers up to this; beyond a larger constant none is looked for.
LARGEST, FARTHEST = 47, 10**6
#: Sizes that the user gave are those of points, up to this.
SMALL = 4
#: So many dimensions are made 1 one by one.
SEVERAL = 6


#: What may be asked of the extrema of a matrix: one of all entries, of each row, of each column.
UNIQUE = tuple(
    f"unique-{word}{of}"
    for word in (MAX.called, MIN.called)
    for of in ("", "-of-each-row", "-of-each-column")
)


def _is_unique(kind: str, work: Enclosures, A: Expr) -> bool:
    """Whether one entry is certainly the largest or the smallest, of all or of each line."""
    rows = work.matrix(A).map(interval)
    lines = [[*rows.flat()]]
    if kind.endswith("row"):
        lines = rows
    elif kind.endswith("column"):
        lines = [list(column) for column in zip(*rows, strict=True)]
    beats = arb.__gt__ if kind.startswith("unique-max") else arb.__lt__
    return all(
        any(all(beats(x, y) for q, y in enumerate(line) if q != p) for p, x in enumerate(line))
        for line in lines
    )


#: Hypotheses that a value does not imply, as they are seen to hold: the root of 0 is 0.
SEEN: Mapping[str, Callable[[Enclosures, Expr], bool]] = {
    "positive": lambda work, A: all(x > 0 for x in work.matrix(A).flat()),
    "invertible": lambda work, A: not interval(work.matrix(DET(A))[0][0]).contains(0),
    "nonzero": lambda work, A: not _zeros(work, A),
    "nonzero-matrix": lambda work, A: len(_zeros(work, A)) < prod(A.shape.extents(work.sizes)),
    **{kind: partial(_is_unique, kind) for kind in UNIQUE},
}


class Ground:
    """Where the hypotheses of some formulas are satisfied: by which points, at which sizes.

    `definitions` are names with their formulas, each over the inputs and the names before it;
    `points` gives values to the inputs. Derivatives are taken by the names in `moved`.
    """

    def __init__(
        self,
        program: Program,
        definitions: Sequence[tuple[str, Expr]],
        points: Points,
        assumed: Mapping[str, Iterable[str]] | None = None,
        moved: Iterable[str] = (),
    ):
        self.program = program
        self.moved = frozenset(moved)
        self.definitions = list(definitions)
        self.points = points
        self.assumed = dict(assumed or {})
        self.meanings = {name: expr for name, expr in self.definitions if name}
        #: The inputs whose entries may be any numbers.
        self.inputs = {*program.inputs, f"d{program.output}"} - self.assumed.keys()
        seen = dict.fromkeys(node for _, expr in self.definitions for node in nodes(expr))
        self.nodes = list(seen)
        asking = [node for node in seen if node.op.where is not asks_nothing]
        gaps = ((node, gap_of(node)) for node in asking if not self._marks_winner(node))
        self.kinks = {n: gap for n, gap in gaps if gap is not None and not self._is_free(gap)}
        self.known = {node for node, gap in self.kinks.items() if self._is_known(gap)}
        self.asks = bool(self.kinks) or any(map(self._is_partial, asking))

    @cached_property
    def insisted(self) -> set[tuple[str, Expr]]:
        """What functions ask for although they have a value elsewhere."""
        return {
            (condition.kind, condition.args[0])
            for node in self.nodes
            for condition in node.op.where(node.data, *node.args)
            if condition.kind in SEEN and (condition.kind != "nonzero" or gap_of(node) is None)
        }

    def _marks_winner(self, node: Expr) -> bool:
        """Whether a comparison tells a maximum's winner, which meets it all around a point."""
        if node.op is not GREATER:
            return False
        sides = [unrepeated(arg) for arg in node.args]
        meant = (self.meanings.get(side.data[0], side) if side.is_var else side for side in sides)
        return any(side.op.kink == SHARED for side in meant) and marks_winner(
            *map(self.composed, sides)
        )

    def _is_partial(self, node: Expr) -> bool:
        """Whether a function has no value or no derivative somewhere, at a point or at all."""
        if gap_of(node) is not None or not node.args:
            return False
        if is_constant(node.args[-1]):  # of scalars, what they ask is read off
            partial = node.op.domain or (node.op is POW and node.data < 0)
            scalar = unrepeated(node.args[-1]).shape.is_scalar
            return node.op in (INV, LOGDET) or bool(partial and not scalar)
        if node.op.kink == SHARED and _leaf(node.args[0]) in self.inputs:
            return False  # entries that vary each for itself have one that is the largest
        return bool(node.op.where(node.data, *node.args))

    def _is_free(self, gap: Expr) -> bool:
        """Whether an argument is zero almost nowhere, at all sizes, whatever other names are worth.

        In x + f(y), and in the product of x and y, x varies for itself.
        """
        while True:
            gap = unrepeated(gap)
            name = gap.data[0] if gap.is_var else ""
            if name in self.meanings:
                gap = self.meanings[name]
            elif gap.op in (NEG, TRANSPOSE):
                gap = gap.args[0]
            elif gap.op in (ADD, SUB) and any(map(is_constant, gap.args)):
                gap = gap.args[is_constant(gap.args[0])]
            else:
                break
        if gap.is_var:
            return name in self.inputs
        if gap.op not in (ADD, SUB, MUL, MATMUL):
            return False
        for one, other in (gap.args, gap.args[::-1]):
            own = _leaf(one)
            if own in self.inputs and own not in self._behind(other):
                return gap.op in (ADD, SUB) or _leaf(other) in self.inputs
        return False

    def _behind(self, expr: Expr) -> set[str]:
        """Return the inputs on which an expression depends."""
        found: set[str] = set()
        stack = [expr]
        while stack:
            for leaf in variables(stack.pop()):
                if leaf.data[0] not in found:
                    found.add(leaf.data[0])
                    stack += [self.meanings[leaf.data[0]]] if leaf.data[0] in self.meanings else []
        return found

    def _is_known(self, gap: Expr) -> bool:
        """Whether the algebra has the sign of an argument, 0 included: the entries are assumed to
        be 0 and 1, or 1 and -1."""
        if not self.assumed:
            return False
        gap = self.composed(gap)
        if not all(is_discrete(self.assumed.get(leaf.data[0], ())) for leaf in variables(gap)):
            return False
        sign = _sign(gap, self.assumed)
        return sign is not None and not any(a == "sign" for a in sign[1])

    @cached_property
    def ties(self) -> dict[Expr, str]:
        """The nodes whose argument is zero for every input: `all` of it, or on the `diagonal`.

        An empty word says that it is zero elsewhere, or that the algebra does not see why.
        """
        sizes = self._fixed(dict.fromkeys(self.program.dims, 2))
        left = {node: gap for node, gap in self.kinks.items() if node not in self.known}
        zeros: dict[Expr, set[tuple[int, ...]]] = {}
        for _, work in self._works(sizes, 0) if left else ():
            if not left:
                break
            for node in list(left):
                found = _zeros(work, left[node])
                zeros[node] = zeros.get(node, found) & found
                if not zeros[node]:
                    del left[node]
        return {
            node: _tie(self.composed(self.kinks[node]), places, sizes, self.assumed)
            for node, places in zeros.items()
            if node in left and places
        }

    def exception(self, node: Expr) -> str:
        """Return where an argument need not differ from zero: `all`, `diagonal`, `off` it, or
        `around` a point where it is zero; empty where it must."""
        if node in self.stuck:
            return ""
        if node in self.known:
            return "all"
        return "around" if node in self.flat else self.ties.get(node, "")

    def composed(self, expr: Expr) -> Expr:
        """Return a formula over the inputs alone."""
        for name, meant in reversed(self.definitions):
            if name:
                expr = substitute(expr, {var(name, meant.shape): meant})
        return expr

    @cached_property
    def stuck(self) -> frozenset[Expr]:
        """The nodes of the program that are zero because of what is assumed of an input, or of what
        a name stands for, by which a derivative is taken: as that moves alone, they jump."""
        own = {s.name for s in self.program.statements}
        touched = {
            node
            for name, expr in self.definitions
            for node in (nodes(expr) if name in own else ())
            if (node in self.ties or node in self.known)
            and self._behind(self.kinks[node]) & self.moved
        }
        if not touched or self.moved & self.meanings.keys():
            return frozenset(touched)
        if not self.moved & self.assumed.keys():
            return frozenset()
        plain = Ground(self.program, self.definitions, points(self.program))
        return frozenset(n for n in touched if plain.ties.get(n) != self.ties.get(n, "all"))

    @cached_property
    def open(self) -> frozenset[str]:
        """The names that stand between an argument and its being zero for every input: those that
        are defined, and those of which something is assumed. No square of its sign is 1 yet."""
        behind: set[str] = set()
        for node in (*self.ties, *self.known):
            behind |= self._behind(self.kinks[node])
        return frozenset(behind & (self.meanings.keys() | self.assumed.keys()))

    def witness(
        self, sizes: Sizes, flat: frozenset[Expr] = frozenset()
    ) -> Mapping[str, Matrix] | None:
        """Return a point at which every hypothesis holds, `None` where none was found.

        The arguments of some nodes, `flat`, may be zero all around it.
        """
        works = self._works(sizes, STEP)
        return next((values for values, work in works if self._apart(work, flat)), None)

    def _works(
        self, sizes: Sizes, around: Fraction | int
    ) -> Iterator[tuple[Mapping[str, Matrix], Enclosures]]:
        """Yield points at which everything has a value, or all around which it has."""
        for seed in range(TRIES):
            values = self.points(sizes, seed)
            work = self._worked(sizes, values, around) if values is not None else None
            if values is not None and work is not None:
                yield values, work

    def holds_at(
        self, sizes: Sizes, values: Mapping[str, Matrix], flat: frozenset[Expr] = frozenset()
    ) -> bool:
        """Whether every hypothesis is seen to hold at a point."""
        work = self._worked(sizes, values, STEP)
        return work is not None and self._apart(work, flat)

    @cached_property
    def flat(self) -> frozenset[Expr]:
        """The nodes whose argument must be zero all around a point, for it is zero on regions:
        relu(X) and relu(-X) have no common point at which neither is zero."""
        base = self._fixed(dict.fromkeys(self.program.dims, 2))
        relations = asked(self.program)
        if not obeyed(relations, base):
            base = chosen(self.program.dims, relations, (2, 3), self.program.sizes) or base
        if self.witness(base) is not None:
            return frozenset()
        for _, work in self._works(base, STEP):
            zero = (n for n, gap in self.kinks.items() if _zeros(work, gap, around=True))
            flat = frozenset(zero) - {n for n in self.stuck if self.ties.get(n) == "all"}
            if flat and self._apart(work, flat):
                return flat
        return frozenset()

    def _apart(self, work: Enclosures, flat: frozenset[Expr] = frozenset()) -> bool:
        """Whether no argument of a kink is zero, but where it always is."""
        for node, gap in self.kinks.items():
            places = _zeros(work, gap)
            if node in flat:
                places -= _zeros(work, gap, around=True)
            if not places or (node in self.known and node not in self.stuck):
                continue
            tie = self.ties.get(node, "") if node not in self.stuck else ""
            on = {"all": {True, False}, "diagonal": {True}, "off": {False}}.get(tie, set())
            if not {p == q for p, q in places} <= on:
                return False
        return all(SEEN[kind](work, matrix) for kind, matrix in self.insisted)

    @precision()
    def _worked(
        self, sizes: Sizes, values: Mapping[str, Matrix], around: Fraction | int
    ) -> Enclosures | None:
        """Return everything at a point, or all around it; `None` where something has no value."""
        ball = interval(around) * arb(0, 1)
        known = {n: Table(rows).map(lambda x: interval(x) + ball) for n, rows in values.items()}
        work = Enclosures(sizes, known)
        with suppress(DomainError, ValueError):
            for name, expr in self.definitions:
                known[name] = work.matrix(expr).map(interval)
                if not all(x.is_finite() for x in known[name].flat()):
                    return None
            for gap in self.kinks.values():
                work.matrix(gap)
            return work
        return None

    def of_sizes(self) -> Iterator[Relation]:
        """Yield what is asked of the sizes by arguments that depend on nothing else: the sum of
        softmax(X) is n."""
        asking = [(n.args[-1], k.replace("≥", ">")) for n in self.nodes if (k := asks_of(n))]
        asking += [(gap, "≠") for gap in self.kinks.values()]
        parts = (
            part for arg, kind in asking for part in factors_of(self.composed(arg), kind, True)
        )
        for part, kind in dict.fromkeys(parts):
            found = counted(part, self.points, self.program.dims, facts(self.assumed))
            if found is not None and found is not number(0):
                yield from relations_of(found, kind)

    def _fixed(self, sizes: Sizes) -> dict[str, int]:
        given = {dim: k for dim, k in self.program.sizes.items() if k <= SMALL}
        return {**sizes, **given}


def _sign(gap: Expr, assumed: Mapping[str, Iterable[str]]) -> tuple[Form, set[str]] | None:
    """Return the square of an argument's sign, and the kinds of atoms in the sign itself."""
    ring = Ring()
    ring.assume(facts(assumed))
    try:
        sign = ring.function("sign", Forms(ring).of(gap, *place_of(gap.shape, "ij")))
        square = ring.mul(sign, sign)
    except (TooLarge, Undefined, UnsupportedError):
        return None
    kinds = {ring.atoms[atom][0] for form in (sign, square) for m in form for atom, _ in m}
    return square, kinds


def _tie(gap: Expr, places: set[tuple[int, ...]], sizes: Sizes, assumed: Mapping) -> str:
    """Return where an argument is zero, if that is where the algebra sees its sign to be 0."""
    found = _sign(gap, assumed)
    if found is None or not found[1] <= {"δ", "sign"}:
        return ""
    whole = set(product(*map(range, gap.shape.extents(sizes))))
    zero = {(p, q) for p, q in whole if not sum(c for m, c in found[0].items() if p == q or not m)}
    diagonal = {(p, q) for p, q in whole if p == q}
    words = ((whole, "all"), (diagonal, "diagonal"), (whole - diagonal, "off"))
    return next((word for seen, word in words if zero == places == seen), "")


def conditions(ground: Ground, roots: Iterable[Expr]) -> Iterator[Condition]:
    """Yield what the functions of some formulas ask for, as some point can satisfy it."""
    for node in dict.fromkeys(node for root in roots for node in nodes(root)):
        if node.op.where is asks_nothing:
            continue
        for condition in node.op.where(node.data, *node.args):
            but = ground.exception(node) if node in ground.kinks else ""
            if but != "all":
                yield condition._replace(but=but) if but else condition


def ground_of(
    program: Program,
    assume: Mapping[str, frozenset[str]] | None = None,
    moved: Iterable[str] = (),
) -> Ground:
    """Return where the hypotheses of a program are satisfied, by points that obey `assume`."""
    reaching = program.reaching()
    return Ground(
        program,
        [(s.name, s.expr) for s in program.statements if s.name in reaching],
        points(program, assume),
        assume,
        moved,
    )


def sizes_asked(program: Program, ground: Ground, *others: Expr) -> tuple[Relation, ...] | None:
    """Return what must hold of a program's sizes, all of it that the given ones do not settle.

    `None` where no point was found at which its hypotheses hold.
    """
    own = asked(program, *others)
    own = merged((*own, *ground.of_sizes())) if ground.asks else own
    more = _found_relations(ground, own)
    if more is None:
        return None
    return tuple(
        relation
        for relation in merged((*own, *more))
        if not (relation.dims <= program.sizes.keys() and relation.holds(program.sizes))
    )


def _found_relations(ground: Ground, known: Sequence[Relation]) -> tuple[Relation, ...] | None:
    """Return what must hold of the sizes for a point to be there, beside what is known.

    `None` where no sizes were found with a point, or where no simple relation tells those
    sizes from others.
    """
    if not ground.asks:
        return ()

    def sorted_(one_by_one: bool) -> tuple[list[dict[str, int]], ...]:
        """The sizes at which there is a point, and the others."""
        found = [(s, ground.witness(s, ground.flat)) for s in _kinds(ground, known, one_by_one)]
        return [s for s, point in found if point], [s for s, point in found if not point]

    found: list[Relation] = []
    several = len(ground.program.dims) > SEVERAL
    good, bad = sorted_(not several)
    if bad and several:
        good, bad = sorted_(True)
    tried = simple_relations(ground.program.dims) if bad else ()
    simple = [relation for relation in tried if all(map(relation.holds, good))]
    while good and bad:
        relation = max(simple, key=lambda r: sum(not r.holds(s) for s in bad), default=None)
        if relation is None or all(relation.holds(s) for s in bad):
            return None
        found.append(relation)
        bad = [s for s in bad if relation.holds(s)]
    return tuple(found) if good else None


def _kinds(ground: Ground, known: Sequence[Relation], one_by_one: bool) -> list[dict[str, int]]:
    """Return small sizes of every kind that obey what is known: equal ones, different ones, and
    1, of many dimensions for some together."""
    dims, places = ground.program.dims, range(len(ground.program.dims))
    rows: list[Sequence[int]] = [[2] * len(dims), [1] * len(dims)]
    if one_by_one:
        rows += [[1 if k == one else 2 for k in places] for one in places]
    else:
        bits = range((len(dims) - 1).bit_length())
        rows += [[1 + (k >> bit & 1 ^ side) for k in places] for bit in bits for side in (0, 1)]
    ranks = any(node.op.costly for node in ground.nodes)
    if ranks or any(map(is_discrete, ground.assumed.values())):  # where two may differ, three not
        patterns = ((2, 3), (3, 2), (3, 2, 2)) if ranks else ((2, 3), (3, 2))
        rows += [list(islice(cycle(few), len(dims))) for few in patterns]
    found = (chosen(dims, known, row, ground._fixed({})) for row in rows if dims)
    kinds = dict.fromkeys(tuple(sizes.items()) for sizes in found if sizes is not None)
    return [dict(sizes) for sizes in kinds] if dims else [{}]


def gap_of(node: Expr) -> Expr | None:
    """Return what must not be zero for a function to have a derivative, `None` if it always has."""
    if not node.op.derivatives:
        return None
    for condition in node.op.where(node.data, *node.args):
        if condition.kind == "nonzero":
            return condition.args[0]
        if condition.kind == "distinct" and not marks_winner(*condition.args):
            return condition.args[0] - condition.args[1]
    return None


def has_kink(node: Expr) -> bool:
    """Whether a function of entries has a kink, or jumps, where one is 0 or two are equal."""
    asks = node.op.where(node.data, *node.args) if node.op.derivatives else ()
    return any(condition.kind in ("nonzero", "distinct") for condition in asks)


def _leaf(expr: Expr) -> str:
    """Return the name of an input that an expression is, perhaps repeated, turned or negated."""
    while expr.op in (BROADCAST, NEG, TRANSPOSE):
        expr = expr.args[0]
    return expr.data[0] if expr.is_var else ""


def _zeros(work: Enclosures, gap: Expr, *, around: bool = False) -> set[tuple[int, ...]]:
    """Return where a matrix may be zero, or where it is zero all around the point."""
    return {
        place
        for place, x in work.matrix(gap).cells()
        if (interval(x) == 0 if around else interval(x).contains(0))
    }


def beyond(*formulas: Expr) -> int:
    """Return by what to multiply small numbers so that some lie beyond every constant of formulas:
    on both sides of all that a mask compares with.

    >>> from derive.language.parse import parse
    >>> beyond(parse("w: (); L = relu(w - 20)").statements[0].expr)
    21
    """
    found = [abs(node.data) for one in formulas for node in nodes(one) if node.op is NUMBER]
    return int(max((k for k in found if k <= FARTHEST), default=Fraction(0))) + 1


def points(program: Program, assume: Mapping[str, Iterable[str]] | None = None) -> Points:
    """Return how values are given to the inputs of a program that obey what is assumed of them.

    Fractions of both signs, or of one sign in each input, some far from singular on the diagonal,
    and some beyond every constant that is larger than they are.
    """
    far = beyond(*(s.expr for s in program.statements))

    def at(sizes: Sizes, seed: int) -> dict[str, Matrix] | None:
        states = congruent(2024 + 77 * seed)
        signs, bump = CODES[seed], 16 * (seed % 8 in (2, 3))
        scale = Fraction((4, 1, 64, 4)[seed % 4], far if far > LARGEST and seed % 2 else 1)

        def matrix(k: int, name: str, extents: tuple[int, ...]) -> Matrix:
            sign = signs // 3 ** min(k, 2) % 3  # of both signs, positive, negative

            def entry(i: int, j: int) -> Fraction:
                state = next(states)
                value = (1 + (state >> 12) % LARGEST) / scale + bump * (i == j)
                turned = sign == 2 or (sign == 0 and (state >> 20) % 2 and not bump)
                return -value if turned else value

            return Table.of(extents, entry)

        try:
            return drawn(program, sizes, matrix, assume or {})
        except UnsupportedError:
            return None

    return at
