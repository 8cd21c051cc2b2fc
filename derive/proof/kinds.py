"""Kinds of statements: those that differ in names and dimensions alone, and what their lemma says.

The statements of a program enter; leave their kinds, each with the statement that its lemma is
about, and the names to be put into that lemma for each statement. The law: a statement of the kind
is the lemma's with names put in, its terms and factors in any order, and never one that is equal to
it by another law of the algebra.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations, takewhile
from typing import NamedTuple

from derive.expressions.expr import Expr, Op, nodes, substitute, variables
from derive.expressions.program import Program, Statement, split_name, with_dims
from derive.expressions.shape import Dim, Shape, words
from derive.ops import var
from derive.ops.elementwise import MUL
from derive.ops.linear import ADD

#: Letters that stand for indices in every lemma.
INDICES = "ijkl"
#: The terms of a longer sum are matched in their order alone.
MOST_TERMS = 4


class PutIn(NamedTuple):
    """What stands for the names and the dimensions of a lemma: a leaf each, and a dimension each.

    Gradients are put in as their names say: what stands for Y has a gradient that stands for dY.
    """

    names: Mapping[str, Expr]
    dims: Mapping[str, Dim]

    def of(self, expr: Expr) -> Expr:
        """Return an expression in the names of a lemma, in those that are put in.

        >>> X, A = var("X", Shape("n", "d")), var("A", Shape("k", "k"))
        >>> str(PutIn({"X": A}, {"n": "k", "d": "k"}).of(X.T @ X))
        'A.T @ A'
        """
        known = with_dims(expr, self.dims, numbers=False)
        leaves = {leaf: self.names[leaf.data[0]] for leaf in variables(known)
                  if leaf.data[0] in self.names}  # fmt: skip
        return substitute(known, leaves)

    @property
    def is_identity(self) -> bool:
        """Whether every name and every dimension is put in for itself."""
        return not self.changes and all(old == new for old, new in self.dims.items())

    @property
    def changes(self) -> dict[str, str]:
        """The names that are not their own, and what stands for them."""
        return {old: leaf.data[0] for old, leaf in self.names.items() if leaf.data[0] != old}


def matched(pattern: Expr, expr: Expr) -> PutIn | None:
    """Return what has to be put into one expression to have another, `None` where nothing does.

    >>> from derive.language.parse import parse
    >>> two = parse("X: (n, d); W: (d, m); V: (m, m); Z = X @ W; Y = Z @ V").statements
    >>> matched(two[0].expr, two[1].expr).changes
    {'X': 'Z', 'W': 'V'}
    >>> matched(two[1].expr, two[0].expr) is None
    True
    >>> sums = parse("X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B; Z = B + X @ W").statements
    >>> matched(sums[0].expr, sums[1].expr).is_identity
    True
    """
    for names, dims in _ways([(pattern, expr)], {}, {}):
        if len({leaf.data[0] for leaf in names.values()}) == len(names):
            found = PutIn(names, dims)  # else what is used twice has a gradient of two parts
            if unordered(found.of(pattern)) == unordered(expr):
                return found
    return None


#: What is put in for names, and for dimensions.
Found = tuple[dict[str, Expr], dict[str, Dim]]


def _ways(
    pairs: list[tuple[Expr, Expr]], names: dict[str, Expr], dims: dict[str, Dim]
) -> Iterator[Found]:
    """Yield what makes the first of each pair the second, terms of a sum in any order."""
    if not pairs:
        yield names, dims
        return
    (own, other), *rest = pairs
    names, dims = dict(names), dict(dims)
    if own.op is not other.op or not _sized(own.shape, other.shape, dims):
        return
    if own.is_var:
        if names.setdefault(own.data[0], other) is other:
            yield from _ways(rest, names, dims)
        return
    if own.name == "dim" and dims.setdefault(own.data, other.data) != other.data:
        return
    terms, others = _terms(own), _terms(other)
    if len(terms) != len(others):
        return
    is_sum = own.op is ADD and len(terms) <= MOST_TERMS
    for order in permutations(others) if is_sum else (others,):
        yield from _ways([*zip(terms, order, strict=True), *rest], names, dims)


def _terms(e: Expr) -> tuple[Expr, ...]:
    """Return the terms of a sum, and of anything else its arguments."""
    return tuple(_parts(e, ADD)) if e.op is ADD else e.args


def _parts(e: Expr, op: Op) -> Iterator[Expr]:
    if e.op is not op:
        yield e
        return
    for arg in e.args:
        yield from _parts(arg, op)


def unordered(expr: Expr) -> str:
    """Return an expression as a text that does not say in which order terms and factors stand.

    >>> from derive.language.parse import parse
    >>> two = parse("X: (n, m); Y: (n, m); A = X + Y; B = Y + X").statements
    >>> unordered(two[0].expr) == unordered(two[1].expr)
    True
    """
    if expr.op in (ADD, MUL):
        return f"{expr.name}({', '.join(sorted(map(unordered, _parts(expr, expr.op))))})"
    return f"{expr.name}{expr.data}({', '.join(map(unordered, expr.args))})"


def _sized(own: Shape, other: Shape, dims: dict[str, Dim]) -> bool:
    """Whether a shape is another with dimensions put in, those that are known and new ones."""
    return all(
        dims.setdefault(p, q) == q if isinstance(p, str) and q != 1 else p == q
        for p, q in zip(own.dims, other.dims, strict=True)
    )


class Kind(NamedTuple):
    """Statements of one kind: the program of its lemma, and what is put in for each of them."""

    key: str
    program: Program
    cited: Mapping[str, PutIn]


def kinds(program: Program, statements: Iterable[Statement]) -> tuple[Kind, ...]:
    """Return the kinds of statements, in the order in which the first of each stands.

    A lemma about one statement has its names; what several share is named after the first.

    >>> from derive.language.parse import parse
    >>> text = "X: (n, d); W1: (d, h); W2: (h, m); Z = X @ W1; H = relu(Z); Y = H @ W2"
    >>> for kind in kinds(found := parse(text), found.statements):
    ...     print(kind.program.statements[0], [p.changes for p in kind.cited.values()])
    Z = X @ W [{'W': 'W1'}, {'X': 'H', 'W': 'W2', 'Z': 'Y'}]
    H = relu(Z) [{}]
    """
    left, found = list(statements), []
    while left:
        general = left[0]
        for other in left[1:]:
            if _alike(program, other, general) and not _alike(program, general, other):
                general = other
        cited = {s.name: put_in for s in left if (put_in := _alike(program, general, s))}
        found.append(_kind(program, general, cited))
        left = [s for s in left if s.name not in cited]
    return tuple(found)


def _alike(program: Program, own: Statement, other: Statement) -> PutIn | None:
    """Return what makes one statement of another; the loss is like itself alone."""
    if program.is_loss and own is not other and program.statements[-1].name in (
        own.name, other.name
    ):  # fmt: skip
        return None
    put_in = matched(own.expr, other.expr)
    if put_in is None or other.name in (leaf.data[0] for leaf in put_in.names.values()):
        return None
    return PutIn({**put_in.names, own.name: program.leaves[other.name]}, put_in.dims)


def _kind(program: Program, general: Statement, cited: Mapping[str, PutIn]) -> Kind:
    """Return a kind, its lemma in names of its own."""
    used = [leaf.data[0] for leaf in variables(general.expr)] + [general.name]
    called = dict(zip(used, _called(used, list(cited.values())), strict=True))
    leaves = {called[name]: var(called[name], program.leaves[name].shape) for name in used}
    names = {program.leaves[name]: leaves[called[name]] for name in used}
    statement = Statement(called[general.name], substitute(general.expr, names))
    shapes = (node.shape for node in nodes(statement.expr))
    there = {word for shape in shapes for word in words(*shape.dims)}
    there |= {node.data for node in nodes(statement.expr) if node.name == "dim"}
    dims = tuple(dim for dim in program.dims if dim in there)
    is_loss = program.is_loss and general is program.statements[-1]
    own = Program(
        text=str(statement),
        name=statement.name,
        statements=(statement,),
        leaves=leaves,
        inputs=tuple(called[name] for name in used if name != general.name),
        dims=dims,
        sizes={},  # it is written out at small ones, and holds for every shape
        upstream=statement.expr.shape.is_scalar and not is_loss,
        numerals=program.numerals,
    )
    put_ins = {
        name: PutIn({called[old]: leaf for old, leaf in put_in.names.items()}, put_in.dims)
        for name, put_in in cited.items()
    }
    return Kind(statement.name, own, put_ins)


def _called(used: Sequence[str], cited: Sequence[PutIn]) -> list[str]:
    """Return what names are called in a lemma: W of W1 and W2, W_q and W_k; X of X and H."""
    if len(cited) == 1:
        return list(used)
    found = []
    for name in used:
        there = [put_in.names[name].data[0] for put_in in cited]
        like = [other for other in there if other[0] == there[0][0]]
        apart = takewhile(lambda letters: len({*letters}) == 1, zip(*like, strict=False))
        shared = "".join(letters[0] for letters in apart).rstrip("_0123456789")
        name = shared if len(like) > 1 and shared else split_name(there[0])[0]
        found.append("Y" if name.lower() in INDICES else name)
    differ = len({name.lower() for name in found}) == len(found)
    return found if differ else [cited[0].names[name].data[0] for name in used]
