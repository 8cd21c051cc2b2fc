"""How mathematics is written: expressions, scalars and written-out matrices to layout boxes.

The options are those of a lecturer: partial derivatives or g_ij, round or square brackets, entries
counted from 1 or from 0, the name of the loss. A product, an entrywise product and brackets stay
distinct, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain, product
from typing import Any

from derive.calculus.index import (
    Index,
    Scalar,
    along,
    at_place,
    free_indices,
    mul,
    num,
    rename,
    split,
    written_out,
)
from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import OPS, Condition, Expr, Op, number
from derive.expressions.layout import (
    Box,
    frac,
    is_sum,
    num as digits,
    op,
    paren,
    raw,
    row,
    sub,
    sup,
    word,
)
from derive.expressions.program import split_name
from derive.expressions.shape import Dim, Pair, Product, Shape, extent
from derive.language.syntax import NAME
from derive.notation.displays import matrix_of, places, shortened
from derive.notation.signs import is_sign, spelled
from derive.ops import var
from derive.ops.linear import ones
from derive.ops.reduction import ALL, COLS, ROWS
from derive.proof.derivation import Derivation, EntryOf, Explicit, Grid, Math, Slice
from derive.proof.hypotheses import Relation
from derive.readings.terms import Entries

#: Binding strengths on paper: a comparison, a sum, an entrywise product, a product, an atom.
COMPARE, SUM, ENTRYWISE, PRODUCT, ATOM = range(5)
#: Functions whose powers are written at the name: tanh²(x).
POWERED = frozenset("sin cos tan sinh cosh tanh".split())
Printer = Callable[[Box], str]


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


class Notation:
    """The writing of one derivation in one style, for one printer."""

    def __init__(
        self,
        derivation: Derivation,
        style: Style,
        printer: Printer,
        around: Derivation | None = None,
    ):
        self.derivation = derivation
        self.around = around
        self.style = style
        self.printer = printer
        self.program = derivation.program
        self.sizes = derivation.sizes
        self.written = {dim: self.sizes[dim] for dim in self.program.sizes}
        #: What was laid out already, by what it is: a display is tried at several widths.
        self.kept: dict[tuple, tuple[Any, Any]] = {}
        self.entries: dict[tuple[str, Index, Index], Box] = {}

    # -- names -------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> dict[str, Box]:
        """How each name of the program is written; no two alike."""
        shown: dict[str, Box] = {}
        printed = {self.printer(_name_box(dim)) for dim in self.program.dims}
        for own in self.program.leaves:
            name = self.alias(own)
            box = _name_box(name)
            if self.printer(box) in printed:
                box = sub(Box("id", text=name[0]), paren(Box("id", text=_plain(name[1:])), "flat"))
            printed.add(self.printer(box))
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

    def dim(self, dim: Dim) -> Box:
        """Return a dimension: the number where the user wrote one, else its word."""
        if isinstance(dim, Product):
            return _joined([self.dim(factor) for factor in dim.dims], "cdot")
        dim = self.written.get(dim, dim) if isinstance(dim, str) else dim
        return digits(dim) if isinstance(dim, int) else _name_box(self.alias(dim))

    def word_of(self, dim: Dim) -> Box:
        """Return a dimension by its word, also where the user wrote a number."""
        if isinstance(dim, Product):
            return _joined([self.word_of(factor) for factor in dim.dims], "cdot")
        return digits(dim) if isinstance(dim, int) else _name_box(self.alias(dim))

    def shape(self, shape: Shape, general: bool = False) -> Box:
        dim = self.word_of if general else self.dim
        boxes = [paren(dim(d)) if isinstance(d, Product) else dim(d) for d in shape.dims]
        return _joined(boxes, "times")

    # -- matrices and their gradients --------------------------------------------------------------

    def leaf(self, name: str) -> Box:
        """Return a variable or a gradient as a whole."""
        meant = self.derivation.names.get(name)
        if meant is None:
            return self.names.get(name) or self._upstream_leaf(name)
        return self._gradient(name, self.expr(meant.of), meant.through)

    def _upstream_leaf(self, name: str) -> Box:
        return self._gradient(name, self.names[name[1:]], None)

    def _gradient(self, name: str, of: Box, through: str | None) -> Box:
        if self._is_short(name):
            letter = Box("id", text="Gamma" if self._short_taken else "G")
            return letter if name == self._output_gradient else sub(letter, of)
        of = of if _is_letter(of) and of.kind != "row" else paren(of)
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

    def operand(self, box: Box, shape: Shape, shapes: bool) -> Box:
        return Box("under", (box, self.shape(shape))) if shapes and not shape.is_scalar else box

    def expr(self, expr: Expr, shapes: bool = False) -> Box:
        """Return a matrix expression; with `shapes`, each operand stands over its shape."""
        return self._expr(expr, shapes)[0]

    def _expr(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        return self._keep(("expr", shapes), e, lambda: self._laid(e, shapes))

    def _laid(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        def inner(arg: Expr, least: int) -> Box:
            box, strength = self._expr(arg, shapes)
            return box if strength >= least else paren(box)

        match e.name:
            case "var":
                return self.operand(self.leaf(e.data[0]), e.shape, shapes), ATOM
            case "number":
                return _fraction(e.data), ATOM if e.data >= 0 else SUM
            case "dim":
                return self.dim(e.data), ATOM
            case "ones" | "zeros" | "eye":
                return self._constant(e, shapes), PRODUCT if e.name == "ones" else ATOM
            case "add" | "sub":
                a, b = self._summands(e)
                minus = e.name == "sub"
                second, strength = self._expr(b, shapes)
                if strength == SUM and b.name in ("mul", "div") and _is_negative(second):
                    minus, second, strength = not minus, row(*second.parts[1:]), PRODUCT
                second = second if strength > SUM else paren(second)
                return row(inner(a, SUM), op("minus" if minus else "plus"), second), SUM
            case "neg":
                return row(op("negative"), inner(e.args[0], ENTRYWISE)), SUM
            case "matmul":
                a, b = e.args
                if a.name == "number" and a.data == 1:
                    return self._expr(b, shapes)
                boxes = inner(a, PRODUCT), inner(b, PRODUCT + (b.name == "matmul"))
                return _beside(*boxes), PRODUCT
            case "mul" | "div":
                return self._product(e, shapes)
            case "pow" if e.args[0].name in POWERED and not e.args[0].shape.is_scalar:
                head, argument = self._expr(e.args[0], shapes)[0].parts
                return row(sup(head, row(op("entrywise"), _exponent(e.data))), argument), ATOM
            case "pow" if e.args[0].name in POWERED:
                head, argument = self._expr(e.args[0], shapes)[0].parts
                return row(sup(head, _exponent(e.data)), argument), ATOM
            case "pow":
                base = inner(e.args[0], ATOM)
                base = paren(base) if base.kind in ("sup", "frac", "under") else base
                exponent = _exponent(e.data)
                if not e.shape.is_scalar:
                    exponent = row(op("entrywise"), exponent)
                return sup(base, exponent), ATOM
            case "kron":
                return _joined([inner(arg, ATOM) for arg in e.args], "otimes"), ENTRYWISE
            case "unvec":
                head = sub(word("unvec"), self.shape(e.shape))
                return row(head, paren(self._expr(e.args[0], shapes)[0])), ATOM
            case "inv":
                return sup(self._based(e.args[0], shapes), raw("-1")), ATOM
            case "logdet":
                inside = paren(self._expr(e.args[0], shapes)[0])
                return row(word("log"), op("thin"), word("det"), inside), PRODUCT
            case "norm":
                inside = paren(self._expr(e.args[0], shapes)[0], "norm")
                return sub(inside, Box("id", text="F")) if 1 not in e.args[
                    0
                ].shape.dims else inside, ATOM
            case "transpose" if e.args[0].name == "inv":
                base = self._based(e.args[0].args[0], shapes)
                return sup(base, row(op("negative"), op("top"))), ATOM
            case "transpose":
                (a,) = e.args
                if a.is_var and not self.derivation.names.get(a.data[0]):
                    return self.operand(sup(self.leaf(a.data[0]), op("top")), e.shape, shapes), ATOM
                base = inner(a, ATOM)
                base = paren(base) if base.kind in ("sup", "frac", "at", "under") else base
                return sup(base, op("top")), ATOM
            case "broadcast_to":
                return self._repeated(e, shapes)
            case "sum" | "mean" if e.data != ALL:
                (extent,) = e.args[0].shape.along(e.data)
                rows = e.data == ROWS
                ones = self._ones(Shape(1, extent) if rows else Shape(extent, 1), shapes)
                body = inner(e.args[0], PRODUCT)
                product = _beside(ones, body) if rows else _beside(body, ones)
                if e.name == "mean":
                    product = _beside(frac(digits(1), self.dim(extent)), product)
                return product, PRODUCT
        return self._function(e, shapes)

    def _based(self, e: Expr, shapes: bool) -> Box:
        """Return an expression on which an exponent can stand."""
        box, strength = self._expr(e, shapes)
        return box if strength >= ATOM and _is_letter(box) and box.kind != "sup" else paren(box)

    def _function(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        args = [self._expr(arg, shapes)[0] for arg in e.args]  # a repeated one is shown repeated
        box, strength = self._applied(e.op, args, e.data)
        if box.kind == "root" and not e.shape.is_scalar:
            box = Box("root", box.parts, "entrywise")
        return box, strength

    def _applied(self, known: Op, args: list[Box], data: Any = None) -> tuple[Box, int]:
        head = known.title(data)
        taken = head.kind == "op" and self._taken(head.text)
        return known.written(*args, data=data, head=word(known.called) if taken else None), ATOM

    def _taken(self, letter: str) -> bool:
        names = {*self.program.leaves, *self.program.dims}
        return not {letter, letter.capitalize()}.isdisjoint(names)

    def _summands(self, e: Expr) -> tuple[Expr, Expr]:
        """Return the operands of a sum; a repeated number is written as the number."""
        a, b = (arg.args[0] if arg.name == "broadcast_to" and _is_number(arg.args[0]) else arg
                for arg in e.args)  # fmt: skip
        return a, b

    @property
    def identity(self) -> Box:
        """The identity matrix: I, or a word where a name has that letter."""
        names = {*self.program.leaves, *self.program.dims}
        if self.around is not None:
            names |= {*self.around.program.leaves, *self.around.program.dims}
        return word("Id") if "I" in names else Box("id", text="I")

    def _constant(self, e: Expr, shapes: bool) -> Box:
        if e.name == "eye":
            return self.operand(self.identity, e.shape, shapes)
        if e.name == "zeros":
            return self.operand(op("zeros"), e.shape, shapes)
        rows, cols = e.shape.dims
        if e.shape.is_scalar:
            return digits(1)
        if 1 in (rows, cols):
            return self._ones(e.shape, shapes)
        return _beside(self._ones(Shape(rows, 1), shapes), self._ones(Shape(1, cols), shapes))

    def _ones(self, shape: Shape, shapes: bool) -> Box:
        box = sup(op("ones"), op("top")) if shape.rows == 1 else op("ones")
        return self.operand(box, shape, shapes)

    def _repeated(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        """1B for a row, b1ᵀ for a column, c11ᵀ for a scalar; a number stays a number."""
        (a,) = e.args
        box, strength = self._expr(a, shapes)
        box = box if strength >= PRODUCT else paren(box)
        if a.shape.is_scalar and _is_number(a):
            return box, strength
        if a.shape.is_scalar:
            return _beside(box, self._constant(ones(*e.shape.dims), shapes)), PRODUCT
        if a.shape.rows != e.shape.rows:
            box = _beside(self._ones(Shape(e.shape.rows, 1), shapes), box)
        if a.shape.cols != e.shape.cols:
            box = _beside(box, self._ones(Shape(1, e.shape.cols), shapes))
        return box, PRODUCT

    def _product(self, e: Expr, shapes: bool) -> tuple[Box, int]:
        """Scalars in front, entrywise factors joined by their own sign, divisors below."""
        above, below = _factors(e)
        sign, scalars = _sign([_scalar_of(x) for x in above if _is_scaling(x, e)])
        matrices = [x for x in above if not _is_scaling(x, e)]
        divisors = [_scalar_of(x) for x in below if _is_scaling(x, e)]
        others = [x for x in below if not _is_scaling(x, e)]

        def joined(factors: list[Expr], sign: str, least: int) -> Box:
            boxes: list[Box] = []
            for factor in factors:
                box, strength = self._expr(factor, shapes)
                if boxes:
                    if sign != "thin" or not _is_letter(box) or is_word(boxes[-1], box):
                        numbers = sign == "thin" and (factor.name == "number" or box.kind == "num")
                        boxes.append(op("cdot" if numbers else sign))
                boxes.append(box if strength >= least or len(factors) == 1 else paren(box))
            return row(*boxes)

        def signed(box: Box, strength: int) -> tuple[Box, int]:
            return (row(op("negative"), *_parts(box)), SUM) if sign < 0 else (box, strength)

        if e.shape.is_scalar and divisors:
            top = joined(scalars, "thin", PRODUCT) if scalars else digits(1)
            return signed(frac(top, joined(divisors, "thin", PRODUCT)), PRODUCT)
        if not (scalars or matrices or others):
            return signed(digits(1), ATOM)
        parts: list[Box] = []
        if divisors:
            top = joined(scalars, "thin", PRODUCT) if scalars else digits(1)
            parts.append(frac(top, joined(divisors, "thin", PRODUCT)))
        elif scalars:
            box, strength = self._expr(scalars[0], shapes)
            lead = joined(scalars, "thin", PRODUCT)
            parts.append(lead if strength >= PRODUCT or len(scalars) > 1 or not matrices
                         or scalars[0].name == "number" else paren(box))  # fmt: skip
        strength = PRODUCT
        if matrices:
            several = len(matrices) + len(others) > 1
            body = joined(matrices, "odot", ATOM if several else PRODUCT)
            alone, weak = self._expr(matrices[0], shapes)
            if len(matrices) == 1 and (weak < PRODUCT if not several else weak < ATOM):
                if parts or several:
                    body = paren(alone)
                else:
                    strength = weak
            if several:
                strength = ENTRYWISE
            if parts and (_first(body).kind in ("num", "raw") or _meet(row(*parts), body)):
                parts.append(op("cdot"))
            elif parts and parts[-1].kind != "num":
                parts.append(op("thin"))
            parts.append(body)
        if others:
            if not parts:
                parts.append(digits(1))
            body = joined(others, "odot", ATOM)
            weak = self._expr(others[0], shapes)[1]
            parts += [op("oslash"), paren(body) if len(others) > 1 or weak < ATOM else body]
            strength = ENTRYWISE
        if sign < 0 and strength <= SUM:
            parts, strength = [paren(row(*parts))], ATOM
        return signed(row(*parts), strength)

    # -- scalars -----------------------------------------------------------------------------------

    def index(self, i: Index) -> Box:
        if isinstance(i, int):
            return digits(i + self.style.base)
        if isinstance(i, Pair):
            return paren(_joined([self.index(part) for part in i.parts], "comma"), "flat")
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

    def entry(self, name: str, i: Index, j: Index) -> Box:
        """Return an entry; the index of a dimension that is 1 is left out."""
        found = self.entries.get((name, i, j))
        if found is None:
            found = self.entries[name, i, j] = self._entry(name, i, j)
        return found

    def _entry(self, name: str, i: Index, j: Index) -> Box:
        meant = self.derivation.names.get(name)
        if meant is None and name in self.program.leaves:
            letter, above = self.entry_names[name]
            shape = self.program.leaves[name].shape
            return self._indexed(letter, above, shape, i, j)
        source = meant.of if meant else self.program.leaves[name[1:]]
        through = meant.through if meant else None
        if not source.is_var:
            raise AssertionError("the entries of a node's gradient are not written")
        below = self.entry(source.data[0], i, j)
        if self._is_short(name):
            above = None if name == self._output_gradient else self.names[source.data[0]]
            letter = Box("id", text="gamma" if self._short_taken else "g")
            return self._indexed(letter, above, source.shape, i, j)
        box = frac(row(op("partial"), self.loss), row(op("partial"), below))
        return box if through is None else Box("at", (box, self.names[through]))

    def _indexed(self, letter: Box, above: Box | None, shape: Shape, i: Index, j: Index) -> Box:
        kept = [k for k, dim in zip((i, j), shape.dims, strict=True) if dim != 1]
        if not kept:
            return letter if above is None else sub(letter, above)
        base = letter if above is None else sup(letter, paren(above, "flat"))
        boxes = [self.index(k) for k in kept]
        if len(boxes) == 2 and self._needs_comma(shape, kept):
            boxes.insert(1, op("comma"))
        return sub(base, row(*boxes))

    def _needs_comma(self, shape: Shape, indices: Iterable[Index]) -> bool:
        """x_111 could be x_{1,11} or x_{11,1}: from two digits on a comma separates."""
        if any(isinstance(k, Pair) for k in indices):
            return False
        if any(isinstance(k, str) and not k.startswith("\x01") for k in indices):
            return any(isinstance(k, str) and "_" in k for k in indices)
        if any(isinstance(k, int) and k + self.style.base > 9 for k in indices):
            return True
        return max(shape.extents(self.sizes)) + self.style.base - 1 > 9

    def scalar(self, term: Scalar) -> Box:
        """Return a scalar as it is written on a board."""
        return self._scalar(term)[0]

    def _scalar(self, term: Scalar) -> tuple[Box, int]:
        match term.kind:
            case "num":
                return _fraction(term.data), ATOM if term.data >= 0 else SUM
            case "size":
                return self.word_of(term.data), ATOM
            case "entry":
                return self.entry(*term.data), ATOM
            case "delta":
                boxes = [self.index(k) for k in term.data]
                if any(isinstance(k, str) and "_" in k for k in term.data):
                    boxes.insert(1, op("comma"))
                return sub(op("delta"), row(*boxes)), ATOM
            case "partial":
                of, wrt = (self.scalar(arg) for arg in term.args)
                return frac(row(op("partial"), of), row(op("partial"), wrt)), ATOM
            case "add":
                return row(*self._signed(term.args)), SUM
            case "mul":
                return self._scalar_product(term)
            case "pow":
                return self._scalar_power(term)
            case "inverse":
                return self._inverse_entry(term), ATOM
            case "det":
                return row(word("det"), paren(self.expr(term.data[0]))), ATOM
            case "fn":
                return self._applied(OPS[term.data], [self.scalar(arg) for arg in term.args])
            case "most":
                return self._most(term)
        index, dim = term.data
        body, strength = self._scalar(term.args[0])
        body = body if strength > SUM else paren(body)
        return row(self._sum_sign(index, dim), body), ENTRYWISE

    def _inverse_entry(self, term: Scalar) -> Box:
        i, j = term.data[4:]
        inverse = sup(self._based(term.data[0], False), raw("-1"))
        indices = [self.index(k) for k in (i, j)]
        return sub(paren(inverse), row(*indices))

    def _most(self, term: Scalar) -> tuple[Box, int]:
        """Return a maximum or a minimum: over its indices, or of the terms written out."""
        name, loops = term.data
        if loops:
            below = chain.from_iterable((op("comma"), *self._range(*loop)) for loop in loops)
            body, strength = self._scalar(term.args[0])
            body = body if strength > SUM else paren(body)
            under = row(*list(below)[1:], raw(" "))
            return row(sub(word(name), under), body), ENTRYWISE
        shown = self.shown(len(term.args))
        boxes = (op("cdots") if k is None else self.scalar(term.args[k]) for k in shown)
        inside = chain.from_iterable((op("comma-space"), box) for box in boxes)
        return row(word(name), paren(row(*list(inside)[1:]))), ATOM

    def _sum_sign(self, index: Index, dim: Dim) -> Box:
        lower = row(self.index(index), op("equals"), digits(self.style.base))
        return Box("sum", (lower, self._last(dim)))

    def _range(self, index: Index, dim: Dim) -> tuple[Box, ...]:
        at_most = op("at-most")
        return digits(self.style.base), at_most, self.index(index), at_most, self._last(dim)

    def _last(self, dim: Dim) -> Box:
        """Return the last value of an index."""
        upper = self.word_of(dim)
        if self.style.base == 0:
            upper = digits(dim - 1) if isinstance(dim, int) else row(upper, op("minus"), digits(1))
        return upper

    def _signed(self, terms: Iterable[Scalar]) -> Iterable[Box]:
        """Yield the terms of a sum, each after its sign."""
        for at, term in enumerate(terms):
            coefficient, rest = split(term)
            if coefficient < 0:
                yield op("minus" if at else "negative")
                term = mul(-coefficient, rest)
            elif at:
                yield op("plus")
            box, strength = self._scalar(term)
            yield box if strength > SUM or coefficient > 0 else paren(box)

    def _scalar_product(self, term: Scalar) -> tuple[Box, int]:
        coefficient, rest = split(term)
        factors = rest.args if rest.kind == "mul" else (rest,)
        under = [f for f in factors if f.kind == "pow" and f.data < 0]
        above = [f for f in factors if f not in under]
        constant = [f for f in under if f.args[0].kind == "size"]
        divisors = [f for f in under if f not in constant]
        size = abs(coefficient)
        sign = [op("negative")] if coefficient < 0 else []
        below = [num(size.denominator)] if size.denominator != 1 else []
        below += [mul(f**-1) for f in constant]
        front = [num(size.numerator)] if size.numerator != 1 else []
        heavy = any(f.kind in ("sum", "add", "partial") for f in above)
        if divisors and not heavy:
            top = self._side_by_side([*front, *above]) if front or above else digits(1)
            bottom = self._side_by_side([*below, *(f**-1 for f in divisors)])
            return row(*sign, frac(top, bottom)), SUM if sign else PRODUCT
        parts = list(sign)
        below += [f**-1 for f in divisors]
        if below:
            top = self._side_by_side(front) if front else digits(1)
            parts.append(frac(top, self._side_by_side(below)))
            front = []
        if front or above:
            parts.append(self._side_by_side([*front, *above], alone=not parts))
        strength = ENTRYWISE if above and above[-1].kind == "sum" else PRODUCT
        return row(*parts), SUM if sign else strength

    def _side_by_side(self, factors: list[Scalar], alone: bool = True) -> Box:
        """Return factors one after the other; `alone` says that nothing stands beside them."""
        alone = alone and len(factors) == 1
        boxes: list[Box] = []
        for position, factor in enumerate(factors):
            box, strength = self._scalar(factor)
            last = position == len(factors) - 1
            open_sum = factor.kind == "sum" and not last
            if not alone and (strength <= SUM or open_sum):
                box = paren(box)
            if boxes and (factor.kind == "num" or box.kind == "num"):
                boxes.append(op("cdot"))
            elif boxes and (self._is_partial(factors[position - 1]) or is_word(boxes[-1], box)):
                boxes.append(op("thin"))
            boxes.append(box)
        return row(*boxes) if boxes else digits(1)

    def _is_partial(self, factor: Scalar) -> bool:
        """Whether a factor is written as a fraction, after which a thin space helps the eye."""
        if factor.kind == "partial":
            return True
        return factor.kind == "entry" and factor.data[0] not in self.program.leaves

    def _scalar_power(self, term: Scalar) -> tuple[Box, int]:
        (base,), exponent = term.args, term.data
        if exponent < 0:
            return frac(digits(1), self.scalar(base ** (-exponent))), PRODUCT
        if exponent == Fraction(1, 2):
            return Box("root", (self.scalar(base),)), ATOM
        box, strength = self._scalar(base)
        tall = box.kind in ("frac", "sup", "at", "root")
        tall = tall or (box.kind == "sub" and box.parts[0].kind == "sup")
        if base.kind == "fn" and base.data in POWERED:
            head, arguments = box.parts
            return row(sup(head, _exponent(exponent)), arguments), ATOM
        return sup(box if strength == ATOM and not tall else paren(box), _exponent(exponent)), ATOM

    # -- written-out matrices ----------------------------------------------------------------------

    def _keep(self, key: tuple, source: Any, make: Callable[[], Any]) -> Any:
        """Return what is made of a source the first time; the source lives as long as its name."""
        found = self.kept.get((id(source), *key))
        if found is None:
            found = self.kept[id(source), *key] = (source, make())
        return found[1]

    def cells(self, grid: Grid) -> Box:
        """Return a matrix's entries, those that elision leaves; one alone is no matrix."""
        return self._keep(("cells",), grid, lambda: self._cells(grid))

    def _cells(self, grid: Grid) -> Box:
        rows, cols = grid.leaf.shape.extents(self.sizes)
        write = self.writer(grid)
        if rows == cols == 1:
            return write(0, 0)
        return matrix_of(rows, cols, write, self.style.elide, self.style.brackets)

    def writer(self, grid: Grid) -> Callable[[int, int], Box]:
        """Return what writes an entry of a matrix at its row and column.

        Entries that differ only in their indices share one layout, so the cost of a written-out
        matrix is the cost of its characters.
        """
        summands = _uniform(grid.tree)
        if summands is None or any(isinstance(dim, Product) for dim in grid.leaf.shape.dims):
            return lambda i, j: self.written_sum(self._at(grid, i, j))
        places = (grid.row, grid.col)
        boxes: list[Box] = []
        for summand in summands:
            terms = self._terms(*summand, places)
            for k in self.shown(len(terms)):
                boxes += [op("plus")] if boxes else []
                boxes.append(op("cdots") if k is None else terms[k])
        whole, base, words = row(*boxes), self.style.base, " ".join(places)
        return lambda i, j: Box("filled", (whole, digits(i + base), digits(j + base)), words)

    def _terms(
        self, loops: tuple[tuple[str, Dim], ...], body: Scalar, places: tuple[str, str]
    ) -> list[Box]:
        """Return a term for all values of its loops, with slots for the row and the column."""
        words = {k for k in free_indices(body) if isinstance(k, str)} | {k for k, _ in loops}
        slotted = rename(_at_sizes(body, self.sizes), {k: f"\x01{k}" for k in words})
        template = self.scalar(slotted)
        if not loops:
            return [template]
        names = " ".join((*places, *(index for index, _ in loops)))
        slots = [Box("slot", text=place) for place in places]
        base = self.style.base
        ranges = (range(base, extent(dim, self.sizes) + base) for _, dim in loops)
        return [Box("filled", (template, *slots, *map(digits, k)), names) for k in product(*ranges)]

    def shown(self, count: int) -> list[int | None]:
        """Return the places that are shown, `None` where dots stand."""
        return places(count, self.style.elide)

    def written_sum(self, term: Scalar) -> Box:
        """Return a written-out scalar, with dots in the middle of a long run of like terms."""
        if term.kind != "add":
            return self.scalar(term)
        box = self._keep(("sum",), term, lambda: self.scalar(term))
        return shortened(box, self.style.elide) if self.style.elide else box

    def _at(self, grid: Grid, i: int, j: int) -> Scalar:
        def put_in() -> Scalar:
            return written_out(grid.tree, self._places(grid, i, j), self.sizes)

        return self._keep(("at", i, j), grid, put_in)

    def _places(self, grid: Grid, i: int, j: int) -> dict[Index, Index]:
        rows, cols = grid.leaf.shape.dims
        down = at_place(grid.row, rows, i, self.sizes)
        return {**down, **at_place(grid.col, cols, j, self.sizes)}

    def explicit(self, expr: Expr) -> Box:
        """Return an expression whose operands are matrices written out, and the signs between."""
        return self._keep(("explicit",), expr, lambda: row(*self._explicit(expr)))

    def _explicit(self, expr: Expr) -> list[Box]:
        match expr.name:
            case "matmul":
                return [*self._factor(expr.args[0]), *self._factor(expr.args[1])]
            case "sum" if expr.data == ROWS:
                ones = self._all_ones(Shape(1, expr.args[0].shape.rows))
                return [ones, *self._factor(expr.args[0])]
            case "sum" if expr.data == COLS:
                ones = self._all_ones(Shape(expr.args[0].shape.cols, 1))
                return [*self._factor(expr.args[0]), ones]
            case "mul" | "div" if not expr.shape.is_scalar:
                return self._explicit_product(expr)
        return [self._written(expr)]

    def _explicit_product(self, expr: Expr) -> list[Box]:
        """Return scalars in front of the one or more matrices that are multiplied entrywise."""
        above, below = _factors(expr)
        matrices = [x for x in above if not _is_scaling(x, expr)]
        if any(not _is_scaling(x, expr) for x in below) or not matrices:
            return [self._written(expr)]
        parts: list[Box] = []
        for factor in matrices:
            parts += [op("odot")] if parts else []
            parts += self._factor(factor)
        if len(parts) == 1:
            return [self._written(expr)]
        scalars = [_scalar_of(x) for x in above if _is_scaling(x, expr)]
        divisors = [_scalar_of(x) for x in below if _is_scaling(x, expr)]
        if not scalars and not divisors:
            return parts
        front = number(1)
        for x in scalars:
            front = front * x if front is not number(1) else x
        for x in divisors:
            front = front / x
        wrapped = [paren(row(*parts))] if len(matrices) > 1 else parts
        return [self.expr(front), *wrapped]

    def _factor(self, expr: Expr) -> list[Box]:
        inner = self._explicit(expr)
        needs = len(inner) > 1 and expr.name == "mul"
        return [paren(row(*inner))] if needs else inner

    def _all_ones(self, shape: Shape) -> Box:
        rows, cols = shape.extents(self.sizes)
        one = digits(1)
        if rows == cols == 1:
            return one
        return matrix_of(rows, cols, lambda i, j: one, self.style.elide, self.style.brackets)

    def _written(self, expr: Expr) -> Box:
        """Return the entries of an expression, by the definitions of its operators."""
        letters = self.derivation.letters
        i, j = letters.variable
        rows, cols = expr.shape.dims
        place = along(i, rows) if rows != 1 else 0, along(j, cols) if cols != 1 else 0
        tree = Entries(letters.bound).of(expr, *place)
        box = self.cells(Grid(tree, i, j, var("any", expr.shape)))
        return paren(box) if is_sum(box) else box

    # -- anything ----------------------------------------------------------------------------------

    def math(self, math: Math, shapes: bool = False) -> Box:
        """Return what fits on a line: an expression, a scalar, an entry, a slice."""
        return self._keep(("math", shapes), math, lambda: self._math(math, shapes))

    def _math(self, math: Math, shapes: bool) -> Box:
        match math:
            case Scalar():
                return self.scalar(math)
            case Expr():
                return self.expr(math, shapes)
            case EntryOf(expr, i, j):
                return self._entry_of(expr, i, j)
            case Slice(of, wrt):
                top = row(op("partial"), self.leaf(of.data[0]))
                return frac(top, row(op("partial"), self.scalar(wrt)))
            case Explicit(expr):
                return self.explicit(expr)
            case Grid():
                return self.cells(math)
        raise AssertionError(f"no layout for {math}")

    def sized(self, math: Math) -> Box:
        """Return mathematics at the document's sizes: a long sum is shortened."""
        return self.written_sum(math) if isinstance(math, Scalar) else self.math(math)

    def _entry_of(self, expr: Expr, i: Index, j: Index) -> Box:
        box = self.expr(expr)
        kept = [k for k, dim in zip((i, j), expr.shape.dims, strict=True) if dim != 1]
        if not kept:
            return box
        return sub(paren(box), row(*(self.index(k) for k in kept)))

    def relation(self, relation: Relation) -> Box:
        """Return a relation between sizes as mathematics."""
        sign = {"≥": "at-least", ">": "greater", "≠": "differs"}[relation.relation]
        return row(self.expr(relation.left), op(sign), self.expr(relation.right))

    def condition(self, condition: Condition) -> tuple[str, list[Box]]:
        """Return the kind of a hypothesis and what it speaks of."""
        return condition.kind, [
            self.expr(arg.args[0] if arg.name == "broadcast_to" else arg) for arg in condition.args
        ]


# -- helpers ---------------------------------------------------------------------------------------


def _beside(a: Box, b: Box) -> Box:
    """Return a product of matrices: letters stand close, anything larger gets a thin space.

    Between a number and another, or a bold one, stands a point.
    """
    if _meet(a, b):
        return row(a, op("cdot"), b)
    return row(a, b) if _is_letter(a) and _is_letter(b) else row(a, op("thin"), b)


def _first(box: Box) -> Box:
    """Return the box with which another begins on paper."""
    return _first(box.parts[0]) if box.kind in ("row", "sup", "sub", "under") else box


def _last(box: Box) -> Box:
    """Return the box with which another ends on paper."""
    if box.kind == "row":
        return _last(box.parts[-1])
    return _last(box.parts[0]) if box.kind in ("sup", "sub", "under") else box


def _meet(a: Box, b: Box) -> bool:
    """Whether two numerals would stand side by side, of which a bold one is one."""
    ends = _last(a), _first(b)
    bold = [box.kind == "op" and box.text in ("ones", "zeros") for box in ends]
    sides = [box.parts[1 - k] if box.kind == "frac" else box for k, box in enumerate(ends)]
    plain = [_is_numeral(box) for box in sides]
    return any(plain) and all(x or y for x, y in zip(bold, plain, strict=True))


def _is_numeral(box: Box) -> bool:
    return box.kind == "num"


def _joined(boxes: list[Box], sign: str) -> Box:
    return row(*(b for k, box in enumerate(boxes) for b in ((op(sign), box) if k else (box,))))


def _is_letter(box: Box) -> bool:
    if box.kind in ("sub", "sup"):
        return _is_letter(box.parts[0])
    if box.kind == "row":
        return all(_is_letter(part) for part in box.parts)
    if box.kind == "id":
        return is_sign(box.text)
    return box.kind == "paren" or (box.kind == "op" and box.text in ("ones", "zeros"))


def is_word(*boxes: Box) -> bool:
    """Whether one of two neighbours is a name of several letters, which needs air around it."""
    for box in boxes:
        while box.kind in ("sub", "sup"):
            box = box.parts[0]
        if box.kind == "id" and not is_sign(box.text):
            return True
    return False


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


def _fraction(value: Fraction) -> Box:
    sign = [op("negative")] if value < 0 else []
    size = abs(value)
    if size.denominator == 1:
        return row(*sign, digits(size.numerator))
    return row(*sign, frac(digits(size.numerator), digits(size.denominator)))


def _exponent(value: Fraction) -> Box:
    if value.denominator == 1:
        return raw(str(value))
    return raw(f"{value.numerator}/{value.denominator}")


def _parts(box: Box) -> tuple[Box, ...]:
    return box.parts if box.kind == "row" else (box,)


def _is_negative(box: Box) -> bool:
    return box.kind == "row" and box.parts[0] == op("negative")


def _sign(factors: list[Expr]) -> tuple[int, list[Expr]]:
    """Return the sign of a product and its factors without it, and without ones."""
    sign, kept = 1, []
    for x in factors:
        if x.name == "neg" and len(factors) == 1:
            sign, x = -sign, x.args[0]
        elif x.name == "number" and x.data < 0:
            sign, x = -sign, number(-x.data)
        if not (x.name == "number" and x.data == 1):
            kept.append(x)
    return sign, kept


def _is_number(e: Expr) -> bool:
    return e.name in ("number", "dim")


def _is_scaling(x: Expr, whole: Expr) -> bool:
    """Whether a factor multiplies every entry alike."""
    if whole.shape.is_scalar:
        return True
    return x.name == "broadcast_to" and x.args[0].shape.is_scalar


def _scalar_of(x: Expr) -> Expr:
    return x.args[0] if x.name == "broadcast_to" else x


def _factors(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """Return the factors and the divisors of a product that is read from the left."""
    if e.name == "mul":
        (above, below), last = _factors(e.args[0]), e.args[1]
        return [*above, *_spread(last, e.shape)], below
    if e.name == "div":
        (above, below), last = _factors(e.args[0]), e.args[1]
        return above, [*below, *_spread(last, e.shape)]
    if e.name == "broadcast_to" and e.args[0].name in ("mul", "div") and e.args[0].shape.is_scalar:
        from derive.expressions.expr import broadcast_to

        above, below = _factors(e.args[0])
        return tuple([broadcast_to(x, e.shape) for x in factors] for factors in (above, below))  # type: ignore[return-value]
    return [e], []


def _spread(e: Expr, shape: Shape) -> list[Expr]:
    """Return the factors of a scalar product that stands last, each repeated to the shape."""
    from derive.expressions.expr import broadcast_to

    bare = e.args[0] if e.name == "broadcast_to" else e
    if bare.shape.is_scalar and bare.name == "mul":
        return [broadcast_to(x, shape) for x in _factors(bare)[0]]
    return [e]


def _at_sizes(term: Scalar, sizes: Mapping[str, int]) -> Scalar:
    """Return a term with its dimensions as numbers, sums left alone."""
    if term.kind == "size":
        return num(sizes.get(term.data, term.data))
    if not term.args or term.kind == "sum":
        return term
    args = tuple(_at_sizes(arg, sizes) for arg in term.args)
    if term.kind == "mul":
        return mul(*args)
    if term.kind == "pow":
        return args[0] ** term.data
    return Scalar(term.kind, args, term.data)


def _uniform(tree: Scalar) -> list[tuple[tuple[tuple[str, Dim], ...], Scalar]] | None:
    """Return a tree as sums of like products, or `None` where entries may differ in form."""
    summands = []
    for term in tree.args if tree.kind == "add" else (tree,):
        loops: list[tuple[str, Dim]] = []
        body = term
        while body.kind == "sum":
            loops.append(body.data)
            body = body.args[0]
        if body.kind == "add" or not _is_plain(body):
            return None
        summands.append((tuple(loops), body))
    return summands


def _is_plain(body: Scalar) -> bool:
    """Whether a product is of entries of different matrices, so that nothing in it can combine."""
    factors = body.args if body.kind == "mul" else (body,)
    names = [f.data[0] for f in factors if f.kind == "entry"]
    if len(names) != len(set(names)):
        return False
    if any(isinstance(k, Pair) for f in factors if f.kind == "entry" for k in f.data):
        return False
    return all(f.kind in ("entry", "size") or (f.kind == "num" and f.data > 0)
               or (f.kind == "pow" and f.args[0].kind == "size") for f in factors)  # fmt: skip


__all__ = ["Notation", "Style", "is_word"]
