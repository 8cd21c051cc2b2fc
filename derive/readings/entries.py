"""Explicit matrices at given sizes, and their written-out partial derivatives.

Every y_ij is built from the operators' definitions and differentiated on its own, by FLINT where it
is a polynomial and function by function where it is not; no gradient rule is read. Polynomials that
differ only in the names of their variables are differentiated once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from derive.algebra.forms import UNIT, Exponent, Form, Monomial, accumulate, exact
from derive.algebra.normal import MASKS, Ring
from derive.algebra.values import RingFunctions, Value
from derive.expressions.expr import Expr, nodes
from derive.expressions.shape import Dim, extent
from derive.ops.kronecker import parted
from derive.ops.square import cofactor, determinant

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
        self.determinants: dict[Expr, Value] = {}
        self.patterns: dict[tuple, list[Form]] = {}
        self.read: dict[int, tuple[Form, list[int], list[Form], list[int] | None]] = {}
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
        if A.expr not in self.determinants:
            rows = [[Value(self.ring, form) for form in row] for row in A.matrix]
            self.determinants[A.expr] = Value(self.ring, _form(determinant(rows)))
        return self.determinants[A.expr]

    def function(self, name: str, *args: Value) -> Value:
        return getattr(self.functions, name)(*args)

    # -- derivatives -------------------------------------------------------------------------------

    def partials(self, form: Form) -> Partials:
        """Return the partial derivatives of one written-out entry, zero ones left out."""
        variables, derivatives, places = self._derivatives(form)
        return {
            atom: _relabelled(derivative, places)
            for atom, derivative in zip(variables, derivatives, strict=True)
            if self.ring.atoms[atom][0] == "x"
        }

    def partial(self, form: Form, atom: int) -> Form:
        """Return one partial derivative of a written-out entry."""
        variables, derivatives, places = self._derivatives(form)
        if atom not in variables:
            return {}
        return _relabelled(derivatives[variables.index(atom)], places)

    def accumulate_partials(self, form: Form, weight: int | None, totals: dict[int, Form]) -> None:
        """Add each partial derivative of an entry, times an atom, to the total of its variable."""
        variables, derivatives, places = self._derivatives(form)
        factor = [] if weight is None else [(weight, 1)]
        for atom, derivative in zip(variables, derivatives, strict=True):
            if self.ring.atoms[atom][0] != "x":
                continue
            total = totals.setdefault(atom, {})
            if places is None:
                for monomial, coefficient in self.ring.mul({tuple(factor): 1}, derivative).items():
                    accumulate(total, monomial, coefficient)
                continue
            for named, coefficient in derivative.items():
                monomial = tuple(sorted([*factor, *((places[k], e) for k, e in named)]))
                accumulate(total, monomial, coefficient)

    def _derivatives(self, form: Form) -> tuple[list[int], list[Form], list[int] | None]:
        """Return an entry's variables and its derivatives, and the variables by whose places 0, 1,
        2 ... these are written, where that is so."""
        read = self.read.get(id(form))
        if read is None:
            variables = self._variables(form)
            found: tuple[list[int], list[Form], list[int] | None]
            if _is_polynomial(form, set(variables)):
                places = {atom: k for k, atom in enumerate(variables)}
                pattern = tuple(
                    (tuple((places[atom], e) for atom, e in monomial), coefficient)
                    for monomial, coefficient in form.items()
                )
                if pattern not in self.patterns:
                    self.patterns[pattern] = _by_flint(form, places)
                found = variables, self.patterns[pattern], variables
            else:
                found = variables, [slope(self.ring, form, atom) for atom in variables], None
            # the form is kept beside its answer, so that its identity is not given to another
            read = self.read[id(form)] = (form, *found)
        return read[1:]

    def _variables(self, form: Form) -> list[int]:
        """Return the variables of a form in order, those inside functions as well."""
        found: dict[int, None] = {}
        seen: set[int] = set()

        def walk(items: Iterable[tuple[Monomial, Exponent]]) -> None:
            for monomial, _ in items:
                self.ring.budget.spend(1)
                for atom, _ in monomial:
                    if atom in seen:
                        continue
                    seen.add(atom)
                    key = self.ring.atoms[atom]
                    if key[0] == "x" or key[0] in MASKS:  # a mask is constant between its jumps
                        found[atom] = None
                    elif key[0] != "n":
                        walk(key[1])

        walk(form.items())
        return list(found)


def _is_polynomial(form: Form, variables: set[int]) -> bool:
    return all(
        atom in variables and isinstance(exponent, int) and exponent > 0
        for monomial in form
        for atom, exponent in monomial
    )


def slope(ring: Ring, form: Form, variable: int, known: dict[int, Form] | None = None) -> Form:
    """Return the derivative of a written-out entry by a variable: product rule and chain rule.

    `known` are derivatives of functions by that variable: most terms share theirs.
    """
    known = {variable: {UNIT: 1}} if known is None else known
    result: Form = {}
    for monomial, coefficient in form.items():
        for place, (atom, exponent) in enumerate(monomial):
            inner = known.get(atom)
            if inner is None:
                inner = known[atom] = _slope_of(ring, atom, variable, known)
            if not inner:
                continue
            rest: Form = {
                (*monomial[:place], *monomial[place + 1 :]): exact(coefficient * exponent)
            }
            lowered = exact(exponent - 1)
            power: Form = {((atom, lowered),): 1} if lowered else {UNIT: 1}
            for m, c in ring.mul(ring.mul(rest, power), inner).items():
                accumulate(result, m, c)
    return result


def _slope_of(ring: Ring, atom: int, variable: int, known: dict[int, Form]) -> Form:
    """Return the derivative of a function of entries; between their jumps masks are constant."""
    kind, *rest = ring.atoms[atom]
    if kind not in SLOPES:
        return {}
    form: Form = ring.thaw(rest[0])
    inner = slope(ring, form, variable, known)
    return ring.mul(SLOPES[kind](ring, form), inner) if inner else {}


#: The derivatives of the functions that normal forms are made of, at a form; `pow` stands for its
#: base. The normal form over indices has its own: neither judge relies on the other's.
SLOPES: dict[str, Callable[[Ring, Form], Form]] = {
    "exp": lambda ring, x: ring.function("exp", x),
    "log": lambda ring, x: ring.power(x, -1),
    "sin": lambda ring, x: ring.function("cos", x),
    "cos": lambda ring, x: ring.scale(-1, ring.function("sin", x)),
    "normcdf": lambda ring, x: ring.function("normpdf", x),
    "pow": lambda ring, x: {UNIT: 1},
}


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


def _relabelled(form: Form, places: list[int] | None) -> Form:
    """Return a pattern's form over the variables of one entry."""
    if places is None:
        return form
    return {
        tuple(sorted((places[k], e) for k, e in monomial)): coefficient
        for monomial, coefficient in form.items()
    }


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
