"""The names of a derivation on paper: letters, their entries and gradients, dimensions and indices.

A derivation and a style enter, boxes for its names leave. The law: no two names are written alike,
and no letter of a lemma means something else in the document around it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.calculus.index import Index, along
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import Expr, Op
from derive.expressions.layout import (
    ATOM,
    SUM,
    Box,
    frac,
    num as digits,
    op,
    paren,
    row,
    sub,
    sup,
    word,
)
from derive.expressions.program import split_name
from derive.expressions.shape import Dim, Pair, Product, Shape
from derive.language.syntax import NAME
from derive.notation.joining import is_letter, joined
from derive.notation.latex import latex
from derive.notation.numerals import fraction, spelled as spelled_number
from derive.notation.signs import spelled
from derive.ops.linear import EYE, ONES
from derive.proof.derivation import Derivation


@dataclass(frozen=True, slots=True)
class Style:
    """The options of notation.

    `gradients` is `partials` (∂L/∂y) or `short` (g); `brackets` round or square; `base` the number
    of the first entry; `loss` the letter of the loss; `elide` the number of rows, columns or terms
    beyond which a matrix or a sum is shortened by dots, 0 for never. Raises `UnsupportedError` for
    another word, and for a loss that is no name.
    """

    gradients: str = "partials"
    brackets: str = "round"
    base: int = 1
    loss: str | None = None
    elide: int = 0

    def __post_init__(self) -> None:
        if self.loss is not None and not NAME.match(self.loss):
            raise UnsupportedError(
                f"{self.loss!r} is no name for a loss", hint="use letters and digits"
            )
        known = {"gradients": ("partials", "short"), "brackets": ("round", "square")}
        for option, words in known.items():
            if getattr(self, option) not in words:
                raise UnsupportedError(f"{option} are {' or '.join(words)}")


class Names(ABC):
    """How the names of one derivation are written in one style.

    A lemma is written within the document of the derivation `around` it.
    """

    def __init__(self, derivation: Derivation, style: Style, around: Derivation | None = None):
        self.derivation, self.style, self.around = derivation, style, around
        self.program, self.sizes = derivation.program, derivation.sizes
        self.written = {dim: self.sizes[dim] for dim in self.program.sizes}
        self.numerals = (around or derivation).program.numerals
        #: The names of values to which the user gave none, where the document says them.
        self.besides: dict[Expr, Expr] = {}
        #: What was laid out already, by what it is.
        self.kept: dict[tuple, tuple[Any, Any]] = {}
        self.entries: dict[tuple[str, tuple[Index, ...]], Box] = {}

    def number(self, value: Fraction) -> tuple[Box, int]:
        """Return a number as the user wrote it, as a fraction where nobody did, and how strongly it
        binds."""
        text = self.numerals.get(abs(value))
        if text is None:
            return fraction(value), ATOM if value >= 0 else SUM
        box, binds = spelled_number(text)
        return (box, binds) if value >= 0 else (row(op("negative"), box), SUM)

    def _keep(self, key: tuple, source: Any, make: Callable[[], Any]) -> Any:
        """Return what is made of a source the first time; the source lives as long as its name."""
        found = self.kept.get((id(source), *key))
        if found is None:
            found = self.kept[id(source), *key] = (source, make())
        return found[1]

    # -- letters -----------------------------------------------------------------------------------

    @cached_property
    def names(self) -> dict[str, Box]:
        """How each name of the program is written; no two alike."""
        shown: dict[str, Box] = {}
        printed = {latex(_name_box(dim)) for dim in self.program.dims}
        for own in self.program.leaves:
            name = self.alias(own)
            box = _name_box(name)
            if latex(box) in printed:
                box = sub(Box("id", text=name[0]), paren(Box("id", text=_plain(name[1:])), "flat"))
            printed.add(latex(box))
            shown[own] = box
        return shown

    @cached_property
    def _aliases(self) -> dict[str, str]:
        """What stands for the letters of a lemma that mean something else in the document."""
        if self.around is None:
            return {}
        there, own = self.around.program, self.program
        taken = there.letters()
        indices = self.derivation.letters
        places = (*indices.output, *indices.variable, *indices.bound[:3])
        outside = self.around.letters
        running = {*outside.output, *outside.variable, *outside.bound[:3]}
        used = taken | own.letters() | set(places) | running
        found: dict[str, str] = {}

        def rename(name: str, pool: str) -> None:
            more = (f"{letter}_{k}" for k in range(1, 99) for letter in pool)
            fresh = (x for x in (*pool, *more) if used.isdisjoint((x, x.lower())))
            found[name] = next(fresh)
            used.update((found[name], found[name].lower()))

        for name, leaf in own.leaves.items():
            same = there.leaves.get(name)
            meant, said = own.defining(name), there.defining(name)
            if same is not None and str(meant) == str(said) and name.lower() not in running:
                if meant is not None or same.shape.rows == same.shape.cols:
                    continue  # it means the same in both
            if name in taken or name.lower() in {*there.dims, *there.leaves, *running}:
                rename(name, "hqrtuvwz" if leaf.shape.is_scalar else "ABMNQSUVZ")
        names = {x for name in there.leaves for x in (name, name.lower(), *split_name(name))}
        for dim in own.dims:
            if dim in names:
                rename(dim, "nmpqrstuv")
        for index in places:
            if index in taken:
                rename(index, "ijkpqrstuvwceabfh")
        return found

    def alias(self, name: str) -> str:
        """Return what a letter is written as."""
        return self._aliases.get(name, name)

    @cached_property
    def entry_names(self) -> dict[str, tuple[Box, Box | None]]:
        """The letter of each name's entries, and what stands above it: W1 has w^(1)."""
        roots = {name: split_name(self.alias(name)) for name in self.program.leaves}
        letters = {root for root, _ in roots.values()}
        letters |= {part for dim in self.program.dims for part in (dim, split_name(dim)[0])}
        found: dict[str, tuple[Box, Box | None]] = {}
        used = {("delta", "")}  # the Kronecker delta
        for name, (root, tail) in roots.items():
            small = root.lower() if root[:1].isupper() and root.lower() not in letters else root
            if small == "sigma" and not self.program.leaves[name].shape.is_scalar:
                small = root
            if self.program.leaves[name].shape.is_scalar:
                small = root
            written = self.alias(name)
            ways = ((small, tail), (root, tail), (_plain(written), ""), (written, ""))
            letter, above = next(
                w for w in ways if (spelled(w[0]), w[1]) not in used or w[0] == written
            )
            kind = "word" if (spelled(letter), above) in used else "id"
            used.add((spelled(letter), above))
            found[name] = (Box(kind, text=letter), _tail_box(above) if above else None)
        return found

    @cached_property
    def loss(self) -> Box:
        """The name of the loss: the output itself if it is a scalar, else a free letter."""
        if self.program.is_loss:
            return self.names[self.program.output.data[0]]
        if self.style.loss:
            return _name_box(self.style.loss)
        taken = {*self.program.leaves, *self.program.dims}
        return Box("id", text=next(x for x in ("L", "J", "E", "loss") if x not in taken))

    def constant(self, kind: Op, shape: Shape) -> Box:
        """Return a matrix of ones or zeros, or the identity."""
        if kind is EYE:
            return self.identity
        sign = op(f"all-{kind.name}")
        return sup(sign, op("top")) if kind is ONES and shape.rows == 1 else sign

    @property
    def identity(self) -> Box:
        """The identity matrix: I, or a word where a name has that letter."""
        names = {*self.program.leaves, *self.program.dims}
        if self.around is not None:
            names |= {*self.around.program.leaves, *self.around.program.dims}
        return word("Id") if "I" in names else Box("id", text="I")

    def _taken(self, letter: str) -> bool:
        names = {*self.program.leaves, *self.program.dims}
        return not {letter, letter.capitalize()}.isdisjoint(names)

    # -- dimensions --------------------------------------------------------------------------------

    def dim(self, dim: Dim) -> Box:
        """Return a dimension: the number where the user wrote one, else its word."""
        if isinstance(dim, Product):
            return joined([self.dim(factor) for factor in dim.dims], "cdot")
        dim = self.written.get(dim, dim) if isinstance(dim, str) else dim
        return digits(dim) if isinstance(dim, int) else _name_box(self.alias(dim))

    def word_of(self, dim: Dim) -> Box:
        """Return a dimension by its word, also where the user wrote a number."""
        if isinstance(dim, Product):
            return joined([self.word_of(factor) for factor in dim.dims], "cdot")
        return digits(dim) if isinstance(dim, int) else _name_box(self.alias(dim))

    def shape(self, shape: Shape, general: bool = False) -> Box:
        dim = self.word_of if general else self.dim
        boxes = [paren(dim(d)) if isinstance(d, Product) else dim(d) for d in shape.dims]
        return joined(boxes, "times")

    def operand(self, box: Box, shape: Shape, shapes: bool) -> Box:
        return Box("under", (box, self.shape(shape))) if shapes and not shape.is_scalar else box

    @abstractmethod
    def expr(self, expr: Expr, shapes: bool = False) -> Box:
        """Return a matrix expression; with `shapes`, each operand stands over its shape."""

    # -- values and their gradients ----------------------------------------------------------------

    def leaf(self, name: str) -> Box:
        """Return a variable or a gradient as a whole."""
        meant = self.derivation.names.get(name)
        if meant is None and name in self.derivation.introduced:
            return _name_box(name)
        if meant is None:
            return self.names.get(name) or self._upstream_leaf(name)
        return self._gradient(name, self.expr(meant.of), meant.through)

    def _upstream_leaf(self, name: str) -> Box:
        return self._gradient(name, self.names[name[1:]], None)

    def _gradient(self, name: str, of: Box, through: str | None) -> Box:
        if self._is_short(name):
            letter = Box("id", text="Gamma" if self._short_taken else "G")
            return letter if name == self._output_gradient else sub(letter, of)
        name_alone = of.kind == "id" or (of.kind == "index" and of.parts[0].kind == "id")
        of = of if name_alone or (is_letter(of) and of.kind != "row") else paren(of)
        box = frac(row(op("partial"), self.loss), row(op("partial"), of))
        return box if through is None else Box("at", (box, self.names[through]))

    @property
    def _short_taken(self) -> bool:
        """Whether the letter of short gradients means something else."""
        return not {"g", "G"}.isdisjoint(self.program.letters())

    @property
    def _output_gradient(self) -> str:
        return f"d{self.program.output}"

    def _is_short(self, name: str) -> bool:
        if self.style.gradients != "short" or "[" in name or "(" in name:
            return False
        return name[1:] not in self.program.inputs

    # -- entries -----------------------------------------------------------------------------------

    def index(self, i: Index) -> Box:
        if isinstance(i, int):
            return digits(i + self.style.base)
        if isinstance(i, Pair):
            return paren(joined([self.index(part) for part in i.parts], "comma"), "flat")
        if i.startswith("\x01"):
            return Box("slot", text=i[1:])
        i = self.alias(i)
        return Box("id", text=i) if "_" not in i else _name_box(i)

    def counted(self, word: str, dim: Product) -> dict[str, Box]:
        """Return a pair of indices, the product along which it runs, and which place it is."""
        pair = along(word, dim)
        assert isinstance(pair, Pair)
        place = self.index(pair.parts[0])
        for part, factor in zip(pair.parts[1:], pair.dims[1:], strict=True):
            before = paren(row(place, op("minus"), digits(1))) if self.style.base else place
            before = paren(place) if not self.style.base and place.kind == "row" else before
            place = row(before, op("thin"), self.dim(factor), op("plus"), self.index(part))
        return {"pair": self.index(pair), "dim": self.dim(dim), "place": place}

    def entry(self, name: str, *place: Index) -> Box:
        """Return an entry at its place; the index of a dimension that is 1 is left out."""
        found = self.entries.get((name, place))
        if found is None:
            found = self.entries[name, place] = self._entry(name, place)
        return found

    def _entry(self, name: str, place: tuple[Index, ...]) -> Box:
        meant = self.derivation.names.get(name)
        if meant is None and name in self.program.leaves:
            letter, above = self.entry_names[name]
            shape = self.program.leaves[name].shape
            return self._indexed(letter, above, shape, place)
        source = meant.of if meant else self.program.leaves[name[1:]]
        through = meant.through if meant else None
        if not source.is_var:
            raise AssertionError("the entries of a node's gradient are not written")
        below = self.entry(source.data[0], *place)
        if self._is_short(name):
            above = None if name == self._output_gradient else self.names[source.data[0]]
            letter = Box("id", text="gamma" if self._short_taken else "g")
            return self._indexed(letter, above, source.shape, place)
        box = frac(row(op("partial"), self.loss), row(op("partial"), below))
        return box if through is None else Box("at", (box, self.names[through]))

    def _indexed(
        self, letter: Box, above: Box | None, shape: Shape, place: tuple[Index, ...]
    ) -> Box:
        kept = [k for k, dim in zip(place, shape.dims, strict=True) if dim != 1]
        if not kept:
            return letter if above is None else sub(letter, above)
        base = letter if above is None else sup(letter, paren(above, "flat"))
        boxes = [self.index(k) for k in kept]
        several = len(boxes) > 1 and self._needs_comma(shape, kept)
        return sub(base, joined(boxes, "comma") if several else row(*boxes))

    def _needs_comma(self, shape: Shape, indices: Iterable[Index]) -> bool:
        """x_111 could be x_{1,11} or x_{11,1}: from two digits on a comma separates."""
        if any(isinstance(k, Pair) for k in indices):
            return False
        if any(isinstance(k, str) and not k.startswith("\x01") for k in indices):
            return any(isinstance(k, str) and "_" in k for k in indices)
        if any(isinstance(k, int) and k + self.style.base > 9 for k in indices):
            return True
        return max(shape.extents(self.sizes)) + self.style.base - 1 > 9


def _plain(text: str) -> str:
    return text.replace("_", "")


def _tail_box(tail: str) -> Box:
    if tail.isdigit():
        return Box("num", text=tail)
    return Box("id", text=_plain(tail))


def _name_box(name: str) -> Box:
    root, tail = split_name(name)
    base = Box("id", text=root)
    return sub(base, _tail_box(tail)) if tail else base
