"""A program: its statements in order, each over the names of earlier ones.

A statement's expression holds the names of intermediates as variables, so each statement is a
theorem of its own and the proof can speak of `Z` and `H` as the user does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import cycle
from types import MappingProxyType
from typing import NamedTuple

from derive.expressions.errors import SizeError, UnsupportedError, nearest
from derive.expressions.expr import Expr, nodes, number, spelled, substitute, variables
from derive.expressions.shape import Dim, Shape, substituted


class Statement(NamedTuple):
    """`name = expr`, where `expr` uses inputs and earlier names as variables."""

    name: str
    expr: Expr

    def __str__(self) -> str:
        return f"{self.name} = {self.expr}"


class Program(NamedTuple):
    """Statements in order, the leaves they are written in, and what is known of the dimensions.

    `leaves` maps every input and every assigned name to its variable. `dims` are the words in which
    the shapes are stated; `sizes` holds the numbers that the user wrote for some of them.
    `reordered` says that the user wrote the statements in another order. `upstream` says that the
    loss is a function of the output even where that is a scalar: a matrix whose dimensions were
    made 1 is no loss for that. `parts` are names that the user did not write: they stand for parts
    of the user's formulas. `functions` are names of functions of one number that are left open.
    `besides` are names for values that proofs speak of and the output does not depend on.
    `numerals` are the numbers that the user wrote with a point or an exponent, and how.
    """

    text: str
    name: str
    statements: tuple[Statement, ...]
    leaves: Mapping[str, Expr]
    inputs: tuple[str, ...]
    dims: tuple[str, ...]
    sizes: Mapping[str, int]
    reordered: bool = False
    upstream: bool = False
    parts: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    besides: tuple[Statement, ...] = ()
    numerals: Mapping[Fraction, str] = MappingProxyType({})

    @property
    def output(self) -> Expr:
        """The last assigned name, as a variable."""
        return self.leaves[self.statements[-1].name]

    @property
    def is_loss(self) -> bool:
        """Whether the output is a scalar, so that it is itself the loss."""
        return self.output.shape.is_scalar and not self.upstream

    def letters(self) -> set[str]:
        """Return every letter that the writing of its names and dimensions may use.

        >>> from derive.language.parse import parse
        >>> sorted(parse("W_i: (k, n); Y = 2 * W_i").letters())
        ['W', 'W_i', 'Y', 'i', 'k', 'n', 'w', 'w_i', 'y']
        """
        names = {*self.leaves, *self.dims, *self.functions}
        parts = {part for name in names for part in (name, *split_name(name)) if part}
        parts = {part for part in parts if not part.isdigit()}
        return parts | {part.lower() for part in parts}

    def defining(self, name: str) -> Statement | None:
        """Return the statement that assigns a name, `None` for an input."""
        return next((s for s in self.statements if s.name == name), None)

    def users(self, name: str) -> list[Statement]:
        """Return the statements that use a name."""
        leaf = self.leaves[name]
        return [s for s in self.statements if leaf in nodes(s.expr)]

    def reaching(self) -> set[str]:
        """Return the names on which the output depends, itself included."""
        found = {self.output.data[0]}
        for statement in reversed(self.statements):
            if statement.name in found:
                found.update(leaf.data[0] for leaf in variables(statement.expr))
        return found

    def depending(self, names: set[str]) -> set[str]:
        """Return the names that depend on any of `names`, these included."""
        found = set(names)
        for statement in self.statements:
            if any(leaf.data[0] in found for leaf in variables(statement.expr)):
                found.add(statement.name)
        return found

    def composed(self, expr: Expr, held: str = "") -> Expr:
        """Return an expression with every intermediate but one replaced by what it stands for."""
        for statement in reversed(self.statements):
            if statement.name != held:
                expr = substitute(expr, {self.leaves[statement.name]: statement.expr})
        return expr

    def in_numbers(self, expr: Expr) -> Expr:
        """Return an expression with the numbers that the user wrote for dimensions."""
        return with_dims(expr, self.sizes) if self.sizes else expr

    def with_numbers(self) -> Program:
        """Return the program at the sizes that the user wrote as numbers."""
        return self.with_dims(self.sizes)

    def written(self, expr: Expr) -> str:
        """Return an expression in input syntax, in the words and numbers of the user.

        >>> from derive.language.parse import parse
        >>> from derive.expressions.expr import extent_of
        >>> program = parse("C: (3, 3); W = tr(C)")
        >>> str(extent_of("n")), program.written(extent_of("n"))
        ('n', '3')
        """
        for statement in reversed(self.statements):
            if statement.name in self.parts:
                expr = substitute(expr, {self.leaves[statement.name]: statement.expr})
        return self.spelled(expr)

    def spelled(self, expr: Expr) -> str:
        """Return an expression in input syntax by the names that stand in it.

        >>> from derive.language.parse import parse
        >>> program = parse("y = sqrt(x + 1e-5)")
        >>> program.spelled(program.statements[0].expr)
        'sqrt(x + 1e-5)'
        """
        return spelled(self.in_numbers(expr), self.numerals)

    def lines(self) -> list[str]:
        """Return the statements in input syntax, in the words and numbers of the user."""
        own = [s for s in self.statements if s.name not in self.parts]
        return [f"{s.name} = {self.written(s.expr)}" for s in own]

    def free_letter(self) -> str:
        """Return a small letter, or a word, that begins no name of the program."""
        taken = (*self.leaves, *self.dims, *self.functions)
        roots = {name.partition("_")[0].rstrip("0123456789").lower() for name in taken}
        return next(x for x in ("t", "u", "v", "s", "a", "gate") if x not in roots)

    def with_dims(self, meant: Mapping[str, Dim]) -> Program:
        """Return the program in which dimensions are others, or numbers."""
        return self._replace(
            statements=tuple(Statement(s.name, with_dims(s.expr, meant)) for s in self.statements),
            leaves={name: with_dims(leaf, meant) for name, leaf in self.leaves.items()},
            dims=tuple(dim for dim in self.dims if dim not in meant),
            sizes={dim: k for dim, k in self.sizes.items() if dim not in meant},
            upstream=not self.is_loss,
        )

    def wanted(self, wrt: Iterable[str] | None, data: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the variables to differentiate with respect to, checked: where nobody says, all
        inputs but `data`, by which nobody differentiates.

        Raises `UnsupportedError` for an unknown name, and for one on which the output does not
        depend: its gradient is zero, and a silent zero would look like a result.
        """
        left_out = tuple(data)
        own = tuple(name for name in self.inputs if name not in left_out)
        names = tuple(dict.fromkeys(wrt)) if wrt else own
        reaching = self.reaching()
        for name in (*names, *left_out):
            if name not in self.leaves:
                known = ", ".join(self.leaves)
                raise UnsupportedError(
                    f"there is no variable {name}{nearest(name, self.leaves)}",
                    hint=f"the program has {known}",
                )
            if name in left_out and name not in names:
                continue
            if name == self.output.data[0]:
                raise UnsupportedError(
                    f"{name} is the output itself: its gradient is what the proof starts from"
                )
            if name not in reaching:
                raise UnsupportedError(
                    f"{self.output} does not depend on {name}, so there is nothing to derive",
                    hint=f"leave {name} out, or name the variables with --wrt",
                )
        if not names and self.inputs:
            raise UnsupportedError(
                "every input is data, so there is nothing to differentiate by",
                hint="name the variables with --wrt",
            )
        if not names:
            raise UnsupportedError(f"{self.output} depends on no variable: there is no gradient")
        return names

    def at(self, sizes: Mapping[str, int] | None) -> dict[str, int]:
        """Return a number for every dimension: asked for, written by the user, or a small one.

        Raises `UnsupportedError` for a dimension that the program does not have, `SizeError` for
        one that is not positive.
        """
        sizes = dict(sizes or {})
        for dim, extent in sizes.items():
            if dim not in self.dims:
                known = f"the dimensions are {', '.join(self.dims)}" if self.dims else "it has none"
                raise UnsupportedError(
                    f"the program has no dimension {dim}{nearest(dim, self.dims)}", hint=known
                )
            if extent < 1:
                raise SizeError(f"a dimension must be at least 1, {dim} = {extent} is not")
        small = dict(zip(self.dims, cycle((2, 3, 4)), strict=False))
        return {dim: sizes.get(dim, self.sizes.get(dim, small[dim])) for dim in self.dims}


def with_dims(root: Expr, meant: Mapping[str, Dim], *, numbers: bool = True) -> Expr:
    """Return an expression in which dimensions are others, or numbers; in its formulas they stay
    the words where `numbers` is false."""

    def renamed(shape: Shape) -> Shape:
        return Shape(*(substituted(dim, meant) for dim in shape.dims))

    done: dict[Expr, Expr] = {}
    for node in nodes(root):
        data, args = node.data, tuple(done[arg] for arg in node.args)
        if isinstance(data, Shape):
            data = renamed(data)
        elif node.is_var:
            data = type(data)(data[0], renamed(data[1]))
        elif node.name == "eye" or (numbers and node.name == "dim"):
            data = substituted(data, meant)
        if node.name == "dim" and isinstance(data, int):
            done[node] = number(data)
            continue
        repeats = node.name != "broadcast_to" or args[0].shape != data
        done[node] = node.op(*args, data=data) if repeats else args[0]
    return done[root]


def split_name(name: str) -> tuple[str, str]:
    """Return a name's root and its index: W1 and W_1 have root W; Greek words are one letter."""
    root, _, tail = name.partition("_")
    if not tail:
        bare = root.rstrip("0123456789")
        root, tail = bare, root[len(bare) :]
    return root, tail
