"""The lemmas that proofs rest on: the derivatives of inverse, determinant, log-determinant, norm.

Enters the key of a lemma; leaves the lemma with its own small program, letters and proof, in which
each line follows from the lines before it by what a student knows: A A⁻¹ = I, Laplace's expansion,
the chain rule. Nothing here is checked: the steps leave with no verdict, and the judges see them.

Sources: Magnus and Neudecker, Matrix Differential Calculus (2019), 8.3 and 8.4, for the inverse and
the determinant; Petersen and Pedersen, The Matrix Cookbook (2012), 2.6, for the norm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from derive.calculus.index import ZERO, Index, Scalar, delta, entry, partial, total
from derive.expressions.expr import OPS, Expr, nodes
from derive.expressions.shape import SCALAR, Dim, Shape
from derive.ops import var
from derive.ops.rows import NORM
from derive.ops.square import COFACTORS, DET, INV, LOGDET
from derive.proof.derivation import Lemma
from derive.proof.functions import derivative, is_defined
from derive.proof.room import Room
from derive.readings.terms import Entries

#: The letters of every lemma: of the output, of the variable, and of sums.
I, J, C, E, K, L, P = "ijceklp"
ROUND = Shape("n", "n")


@cache
def inverse() -> Lemma:
    """∂(A⁻¹)_ij/∂a_ce = -(A⁻¹)_ic (A⁻¹)_ej: differentiate A A⁻¹ = I, multiply by A⁻¹."""
    A, Y = var("A", ROUND), var("Y", ROUND)
    room = Room(INV.name, A, {"Y": INV(A)})
    a, y = _entries(A), _entries(Y)

    def change(i: Index, j: Index) -> Scalar:
        return partial(y(i, j), a(C, E))

    claim = room.step(change(I, J), -y(I, C) * y(E, J), "lemma")
    product = delta(P, C) * delta(K, E) * y(K, J) + a(P, K) * change(K, J)
    differentiated = (
        room.step(_sum(K, a(P, K) * y(K, J)), delta(P, J), "identity", of=A @ Y),
        room.step(_sum(K, product), ZERO, "differentiate-both", wrt=a(C, E)),
        room.step(_sum(K, a(P, K) * change(K, J)), -delta(P, C) * y(E, J), "contract",
                  indices=((K, E),)),
    )  # fmt: skip
    multiplied = room.chain(
        change(I, J),
        (_sum(K, _sum(P, y(I, P) * a(P, K) * change(K, J))), "identity", {"of": Y @ A}),
        (-_sum(P, y(I, P) * delta(P, C) * y(E, J)), "cited", room.cites("0")),
        (-y(I, C) * y(E, J), "contract", {"indices": ((P, C),)}),
    )
    return room.lemma(claim, (differentiated, multiplied), dict.fromkeys((I, J, C, E, P), "n"))


@cache
def determinant() -> Lemma:
    """∂det A/∂a_ce = det(A) (A⁻¹)_ec: expand along row c; a row times another's cofactors is 0."""
    A, M, f = var("A", ROUND), var("M", ROUND), var("f", SCALAR)
    room = Room(DET.name, A, {"M": COFACTORS(A), "f": DET(A)})
    a, m, value = _entries(A), _entries(M), entry(f.data, 0, 0)
    inverted = INV(A)

    def y(i: Index, j: Index) -> Scalar:
        return Entries(()).of(inverted, i, j)

    change = partial(value, a(C, E))
    claim = room.step(change, y(E, C) * value, "lemma")
    expansion = (
        room.step(value, _sum(L, a(C, L) * m(C, L)), "laplace", row=C),
        room.step(partial(m(C, L), a(C, E)), ZERO, "row-left-out", row=C),
        room.step(_sum(L, a(I, L) * m(C, L)), delta(I, C) * value, "wrong-row", rows=(I, C)),
    )
    by_product = delta(L, E) * m(C, L) + a(C, L) * partial(m(C, L), a(C, E))
    here = room.cites("0")
    solved = room.chain(
        change,
        (_sum(L, by_product), "product-rule", {}),
        (m(C, E), "contract", {"indices": ((L, E),), **here}),
        (_sum(I, _sum(L, y(E, I) * a(I, L) * m(C, L))), "identity", {"of": inverted @ A}),
        (_sum(I, y(E, I) * delta(I, C) * value), "cited", here),
        (y(E, C) * value, "contract", {"indices": ((I, C),)}),
    )
    return room.lemma(claim, (expansion, solved), dict.fromkeys((I, C, E, L), "n"), (2, 3, 4))


@cache
def log_determinant() -> Lemma:
    """∂log det A/∂a_ce = (A⁻¹)_ec: the chain rule, and the lemma on the determinant."""
    A, d, f = var("A", ROUND), var("d", SCALAR), var("f", SCALAR)
    room = Room(LOGDET.name, A, {"d": DET(A), "f": LOGDET(A)})
    a, inner, value = _entries(A), entry(d.data, 0, 0), entry(f.data, 0, 0)
    inverse = Entries(()).of(INV(A), E, C)
    change = partial(value, a(C, E))
    chain = room.chain(
        change,
        (inner**-1 * partial(inner, a(C, E)), "chain-rule", {}),
        (Scalar("mul", (inner**-1, inverse, inner)), "cited",
         {"cites": (("lemma", DET.name, "claim"),)}),
        (inverse, "cancelled", {}),
    )  # fmt: skip
    claim = room.step(change, inverse, "lemma")
    return room.lemma(claim, (chain,), dict.fromkeys((C, E), "n"))


@cache
def norm() -> Lemma:
    """∂‖A‖/∂a_ce = a_ce / ‖A‖: differentiate the square of the norm."""
    A, f = var("A", Shape("n", "m")), var("f", SCALAR)
    room = Room(NORM.name, A, {"f": NORM(A)})
    a, value = _entries(A), entry(f.data, 0, 0)
    change = partial(value, a(C, E))
    squared = (
        room.step(value**2, _sum(K, _sum(L, a(K, L) ** 2, "m")), "norm-squared"),
        *room.chain(
            2 * value * change,
            (
                2 * _sum(K, _sum(L, a(K, L) * delta(K, C) * delta(L, E), "m")),
                "differentiate-both",
                {"wrt": a(C, E)},
            ),
            (2 * a(C, E), "contract", {"indices": ((K, C), (L, E))}),
        ),
        room.step(change, a(C, E) / value, "divided", divisor=2 * value),
    )
    claim = room.step(change, a(C, E) / value, "lemma")
    return room.lemma(claim, (squared,), {C: "n", E: "m"})


#: Each lemma under its key, the name of its operator, and the lemmas that its own proof cites.
LEMMAS: Mapping[str, tuple[Callable[[], Lemma], tuple[str, ...]]] = {
    INV.name: (inverse, ()),
    DET.name: (determinant, ()),
    LOGDET.name: (log_determinant, (DET.name,)),
    NORM.name: (norm, ()),
}


def operators(expr: Expr, tree: Scalar, leaf: Expr, functions: bool = True) -> tuple[str, ...]:
    """Return the operators whose lemma the derivative of an expression by a variable needs.

    `tree` is its entry, in which an inverse may have cancelled: det(inv(A)) needs no inverse.
    Without `functions`, the derivatives of functions of numbers are taken for granted.
    """
    kinds = set(_square_kinds(tree, leaf))
    needed = {INV: "inverse", DET: "det", LOGDET: "det"}
    return tuple(
        dict.fromkeys(
            node.name
            for node in nodes(expr)
            if any(leaf in nodes(arg) for arg in node.args)
            if (node.name in LEMMAS and needed.get(node.op) in (None, *kinds))
            or (functions and is_defined(node.op))
        )
    )


def lemmas(names: Iterable[str]) -> tuple[Lemma, ...]:
    """Return the lemmas of some operators and those that these need, in an order to read them."""
    wanted: dict[str, None] = {}
    for name in names:
        wanted.update(dict.fromkeys((*(LEMMAS[name][1] if name in LEMMAS else ()), name)))
    return tuple(LEMMAS[name][0]() if name in LEMMAS else derivative(OPS[name]) for name in wanted)


def _square_kinds(tree: Scalar, leaf: Expr) -> Iterator[str]:
    """Yield which of inverse and determinant are taken of a matrix with the variable in it."""
    if tree.kind in ("inverse", "det") and leaf in nodes(tree.data[0]):
        yield tree.kind
    for arg in tree.args:
        yield from _square_kinds(arg, leaf)


def _entries(leaf: Expr) -> Callable[[Index, Index], Scalar]:
    return lambda i, j: entry(leaf.data, i, j)


def _sum(index: Index, body: Scalar, dim: Dim = "n") -> Scalar:
    return total(index, dim, body)
