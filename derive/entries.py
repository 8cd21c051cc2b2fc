"""Explicit matrices at given sizes, and their written-out partial derivatives.

Every y_ij is built from the operators' definitions and differentiated on its own, by FLINT where it
is a polynomial and by SymPy where it is not; no gradient rule is read. Entries that differ only in
the names of their variables are differentiated once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from derive.errors import UnsupportedError
from derive.expr import Expr, nodes
from derive.forms import UNIT, Exponent, Form, Monomial, accumulate, exact
from derive.normal import MASKS, Ring
from derive.ops.kronecker import parted
from derive.ops.square import cofactor, determinant
from derive.reading import RingFunctions, Value
from derive.shape import Dim, extent

if TYPE_CHECKING:
    import sympy

#: What SymPy takes to differentiate one factor by one variable, in steps of a ring.
SYMPY_STEPS = 20

Matrix = list[list[Form]]
#: The partial derivatives of one entry: the atom of each variable that occurs in it, and the form.
Partials = dict[int, Form]


class Explicit:
    """The matrices of a program at sizes: every entry a form over the entries of the leaves."""

    def __init__(self, ring: Ring, meaning: Callable[[str, int, int], Form | None] | None = None):
        assert ring.sizes is not None
        self.ring = ring
        self.meaning = meaning
        self.sizes: Mapping[str, int] = ring.sizes
        self.known: dict[Expr, Matrix] = {}
        self.patterns: dict[tuple, list[Form]] = {}
        self.read: dict[int, tuple[Form, list[int], list[Form]]] = {}
        self.functions = RingFunctions(ring)

    def matrix(self, root: Expr) -> Matrix:
        """Return all entries of an expression, by its operators' definitions."""
        for node in nodes(root):
            if node not in self.known:
                self.known[node] = self._evaluate(node)
        return self.known[root]

    def _evaluate(self, node: Expr) -> Matrix:
        rows, cols = node.shape.extents(self.sizes)
        views = [_View(self, arg) for arg in node.args]
        data = {"data": node.data} if node.op.takes_data else {}
        define = node.op.entry
        return [
            [_form(define(self, i, j, *views, **data)) for j in range(cols)] for i in range(rows)
        ]

    # -- what a definition may ask for -------------------------------------------------------------

    def sum(self, dim: Dim, body: Callable[[int], Any]) -> Value:
        """Return a sum written out; it is collected in place, so its cost is its length."""
        total: Form = {}
        for k in range(extent(dim, self.sizes)):
            for monomial, coefficient in _form(body(k)).items():
                accumulate(total, monomial, coefficient)
        return Value(self.ring, total)

    def extremum(self, name: str, dims: tuple[Dim, ...], body: Callable[..., Any]) -> Value:
        """Return the largest or the smallest of entries, by the mask of the winner."""
        ranges = (range(extent(dim, self.sizes)) for dim in dims)
        forms = [_form(body(*places)) for places in product(*ranges)]
        return Value(self.ring, self.ring.highest(name, forms))

    def entry(self, leaf: tuple, i: int, j: int) -> Value:
        meant = self.meaning(leaf[0], i, j) if self.meaning else None
        return Value(self.ring, self.ring.entry(leaf[0], i, j) if meant is None else meant)

    def number(self, value: int | Fraction) -> Value:
        return Value(self.ring, {UNIT: exact(value)} if value else {})

    def size(self, dim: Dim) -> Value:
        return Value(self.ring, self.ring.size(dim))

    def delta(self, i: int, j: int) -> Value:
        return Value(self.ring, {UNIT: 1} if i == j else {})

    def inverse(self, A: _View, i: int, j: int) -> Value:
        """Return an entry of an inverse: a cofactor over the determinant.

        That of a Kronecker product is taken factor by factor, (A⁻¹ ⊗ B⁻¹)(A ⊗ B) = I ⊗ I: the
        cofactors of a matrix as large as the product of two are beyond reach.
        """
        if (parts := A.factors) is not None:
            a, b = parts
            (p, k), (q, m) = (parted(x, (a.rows, b.rows), self.sizes) for x in (i, j))
            return self.inverse(a, p, q) * self.inverse(b, k, m)
        rows = [[Value(self.ring, form) for form in row] for row in A.matrix]
        return cofactor(rows, j, i) / self.det(A)

    def cofactor(self, A: _View, i: int, j: int) -> Value:
        """Return a cofactor: the signed determinant of what row i and column j leave."""
        rows = [[Value(self.ring, form) for form in row] for row in A.matrix]
        return Value(self.ring, _form(cofactor(rows, i, j)))

    def det(self, A: _View) -> Value:
        """Return a determinant; that of a Kronecker product factor by factor, as its inverse is.

        It is that of (A ⊗ I)(I ⊗ B), which is det(A) as often as B has rows, times det(B) likewise.
        """
        if (parts := A.factors) is not None:
            a, b = parts
            n, m = (extent(view.rows, self.sizes) for view in parts)
            return self.det(a) ** m * self.det(b) ** n
        rows = [[Value(self.ring, form) for form in row] for row in A.matrix]
        return Value(self.ring, _form(determinant(rows)))

    def function(self, name: str, *args: Value) -> Value:
        return getattr(self.functions, name)(*args)

    # -- derivatives -------------------------------------------------------------------------------

    def partials(self, form: Form) -> Partials:
        """Return the partial derivatives of one written-out entry, zero ones left out."""
        variables, derivatives = self._derivatives(form)
        return {
            atom: _relabelled(self.ring, derivative, variables)
            for atom, derivative in zip(variables, derivatives, strict=True)
            if self.ring.atoms[atom][0] == "x"
        }

    def partial(self, form: Form, atom: int) -> Form:
        """Return one partial derivative of a written-out entry."""
        variables, derivatives = self._derivatives(form)
        if atom not in variables:
            return {}
        return _relabelled(self.ring, derivatives[variables.index(atom)], variables)

    def accumulate_partials(self, form: Form, weight: int | None, totals: dict[int, Form]) -> None:
        """Add each partial derivative of an entry, times an atom, to the total of its variable."""
        variables, derivatives = self._derivatives(form)
        factor = [] if weight is None else [(weight, 1)]
        for atom, derivative in zip(variables, derivatives, strict=True):
            if self.ring.atoms[atom][0] != "x":
                continue
            total = totals.setdefault(atom, {})
            if isinstance(derivative, _Foreign):
                term = _relabelled(self.ring, derivative, variables)
                if weight is not None:
                    term = self.ring.mul({((weight, 1),): 1}, term)
                for monomial, coefficient in term.items():
                    accumulate(total, monomial, coefficient)
                continue
            for places, coefficient in derivative.items():
                monomial = tuple(sorted([*factor, *((variables[k], e) for k, e in places)]))
                accumulate(total, monomial, coefficient)

    def _derivatives(self, form: Form) -> tuple[list[int], list[Form]]:
        """Return an entry's variables, and its derivatives with places 0, 1, 2 ... for them."""
        read = self.read.get(id(form))
        if read is None:
            variables, pattern = self._pattern(form)
            if pattern not in self.patterns:
                self.patterns[pattern] = self._differentiated(form, variables)
            # the form is kept beside its answer, so that its identity is not given to another
            read = self.read[id(form)] = (form, variables, self.patterns[pattern])
        return read[1:]

    def _pattern(self, form: Form) -> tuple[list[int], tuple]:
        """Return the variables of a form in order, and the form with their places for names."""
        places: dict[int, int] = {}
        atoms = self.ring.atoms

        def key_of(items: Iterable[tuple[Monomial, Exponent]]) -> tuple:
            return tuple(
                (tuple((place(atom), exponent) for atom, exponent in monomial), coefficient)
                for monomial, coefficient in items
            )

        def place(atom: int) -> Any:
            if atom in places:
                return places[atom]
            key = atoms[atom]
            if key[0] == "x" or key[0] in MASKS:  # a mask is constant between its jumps
                return places.setdefault(atom, len(places))
            if key[0] == "n":
                return key
            return key[0], key_of(key[1])

        pattern = key_of(form.items())
        return list(places), pattern

    def _differentiated(self, form: Form, variables: list[int]) -> list[Form]:
        """Return the derivative of a form by each of its variables, which become 0, 1, 2 ..."""
        places = {atom: k for k, atom in enumerate(variables)}
        polynomial = all(
            atom in places and isinstance(exponent, int) and exponent > 0
            for monomial in form
            for atom, exponent in monomial
        )
        if polynomial:
            return _by_flint(form, places)
        return _by_sympy(self.ring, form, variables)


def _by_flint(form: Form, places: dict[int, int]) -> list[Form]:
    from flint import Ordering, fmpq, fmpq_mpoly_ctx

    if not places:
        return []
    width = len(places)
    context = fmpq_mpoly_ctx.get([f"v{k}" for k in range(width)], Ordering.lex)
    terms = {}
    for monomial, coefficient in form.items():
        exponents: list[Exponent] = [0] * width
        for atom, exponent in monomial:
            exponents[places[atom]] = exponent
        value = Fraction(coefficient)
        terms[tuple(exponents)] = fmpq(value.numerator, value.denominator)
    polynomial = context.from_dict(terms)
    return [
        {
            tuple((k, int(e)) for k, e in enumerate(exponents) if e): exact(
                Fraction(int(coefficient.p), int(coefficient.q))
            )
            for exponents, coefficient in polynomial.derivative(place).to_dict().items()
        }
        for place in range(width)
    ]


def _by_sympy(ring: Ring, form: Form, variables: list[int]) -> list[Form]:
    """Differentiate with SymPy; the variables of the results are the numbers 0, 1, 2 ..."""
    import sympy

    ring.budget.spend(SYMPY_STEPS * len(variables) * _length(ring, form))
    symbols = {atom: sympy.Symbol(f"v{k}", real=True) for k, atom in enumerate(variables)}
    places = {symbol: k for k, symbol in enumerate(symbols.values())}
    expression = to_sympy(ring, form, symbols)
    own = Ring(ring.sizes)
    own.wait_for(frozenset({"v"}))  # what it stands for may be zero for every input
    for k in range(len(variables)):
        own.entry("v", k, 0)
    derivatives = (expression.diff(symbols[atom]) for atom in variables)
    return [_Foreign(own, from_sympy(own, d, places)) for d in derivatives]


def _length(ring: Ring, form: Form) -> int:
    """Return how many factors a form has, those inside its functions included."""
    return sum(
        1 + sum(_length(ring, ring.thaw(ring.atoms[atom][1])) for atom, _ in monomial
                if ring.atoms[atom][0] not in ("x", "n", *MASKS))
        for monomial in form
    )  # fmt: skip


class _Foreign(dict):
    """A form over the table of another ring."""

    def __init__(self, ring: Ring, form: Form):
        super().__init__(form)
        self.ring = ring


def _relabelled(ring: Ring, form: Form, renamed: list[int]) -> Form:
    """Return a pattern's form over the variables of one entry."""
    if isinstance(form, _Foreign):
        return _moved(form.ring, ring, form, renamed)
    return {
        tuple(sorted((renamed[k], e) for k, e in monomial)): coefficient
        for monomial, coefficient in form.items()
    }


def _moved(source: Ring, target: Ring, form: Form, renamed: list[int]) -> Form:
    """Rebuild a form in another ring, its variables renamed, its functions applied anew."""
    result: Form = {}
    for monomial, coefficient in form.items():
        factors: list[Form] = [{UNIT: coefficient}]
        for atom, exponent in monomial:
            key = source.atoms[atom]
            if key[0] == "x":
                base: Form = {((renamed[atom], 1),): 1}
            elif key[0] == "n":
                base = target.single(key)
            else:
                inner = _moved(source, target, source.thaw(key[1]), renamed)
                base = inner if key[0] == "pow" else target.function(key[0], inner)
            factors.append(target.power(base, exponent))
        for m, c in target.product(factors).items():
            accumulate(result, m, c)
    return result


# -- to SymPy and back -----------------------------------------------------------------------------


def to_sympy(ring: Ring, form: Form, symbols: Mapping[int, sympy.Symbol]) -> sympy.Expr:
    """Return a form as a SymPy expression; `symbols` names the variables by their atoms."""
    import sympy

    def atom(number: int) -> sympy.Expr:
        key = ring.atoms[number]
        if number in symbols:
            return symbols[number]
        if key[0] == "n":  # at sizes there is one such constant
            return sympy.pi
        inner = to_sympy(ring, ring.thaw(key[1]), symbols)
        if key[0] == "normcdf":
            return (1 + sympy.erf(inner / sympy.sqrt(2))) / 2
        return inner if key[0] == "pow" else getattr(sympy, key[0])(inner)

    return sympy.Add(
        *(
            sympy.Mul(
                sympy.Rational(Fraction(coefficient)),
                *(sympy.Pow(atom(a), sympy.Rational(Fraction(e))) for a, e in monomial),
            )
            for monomial, coefficient in form.items()
        )
    )


def from_sympy(ring: Ring, expression: sympy.Expr, places: Mapping[sympy.Symbol, int]) -> Form:
    """Return a SymPy expression as a form; what lives on a kink alone is 0."""
    import sympy

    def read(node: sympy.Expr) -> Form:
        if node in places:
            return {((places[node], 1),): 1}
        if node.is_Rational:
            value = exact(Fraction(int(node.p), int(node.q)))
            return {UNIT: value} if value else {}
        if node.is_Add:
            return ring.add({}, *(read(arg) for arg in node.args))
        if node.is_Mul:
            return ring.product(read(arg) for arg in node.args)
        if node is sympy.pi:
            return ring.function("pi")
        if isinstance(node, sympy.erf):  # erf(x) = 2 Φ(√2 x) - 1
            root = ring.power({UNIT: 2}, Fraction(1, 2))
            inside = ring.function("normcdf", ring.mul(root, read(node.args[0])))
            return ring.add(ring.scale(2, inside), {UNIT: -1})
        if node is sympy.E:
            return ring.function("exp", {UNIT: 1})
        if node.is_Pow and node.exp.is_Rational:
            exponent = Fraction(int(node.exp.p), int(node.exp.q))
            return ring.power(read(node.base), exact(exponent))
        if isinstance(node, sympy.exp | sympy.log | sympy.sin | sympy.cos | sympy.sign):
            return ring.function(node.func.__name__, read(node.args[0]))
        if isinstance(node, sympy.DiracDelta):
            return {}
        if isinstance(node, sympy.Derivative) and isinstance(node.expr, sympy.sign):
            return {}  # where SymPy cannot tell that the argument is real
        if isinstance(node, sympy.tan):
            return ring.function("tan", read(node.args[0]))
        if isinstance(node, sympy.Abs):
            return ring.function("abs", read(node.args[0]))
        raise UnsupportedError(f"SymPy answered with {node.func}, which has no normal form here")

    return read(expression)


# -- views -----------------------------------------------------------------------------------------


class _View:
    """An argument of an operator as an explicit matrix: `A[i, k]`, `A.rows`, `A.cols`."""

    __slots__ = ("cols", "explicit", "expr", "matrix", "ring", "rows")

    def __init__(self, explicit: Explicit, expr: Expr):
        self.explicit, self.expr = explicit, expr
        self.ring = explicit.ring
        self.matrix = explicit.known[expr]
        self.rows, self.cols = expr.shape.dims

    def __getitem__(self, indices: tuple[int, int]) -> Value:
        return Value(self.ring, self.matrix[indices[0]][indices[1]])

    @property
    def factors(self) -> tuple[_View, _View] | None:
        """The two square matrices of which this one is the Kronecker product, if it is."""
        if self.expr.name != "kron" or any(a.shape.rows != a.shape.cols for a in self.expr.args):
            return None
        left, right = self.expr.args
        return _View(self.explicit, left), _View(self.explicit, right)


def _form(value: Any) -> Form:
    return value.form if isinstance(value, Value) else {UNIT: exact(value)} if value else {}


def cells(rows: int, cols: int) -> Iterator[tuple[int, int]]:
    """Yield the places of a matrix row by row."""
    return ((i, j) for i in range(rows) for j in range(cols))
