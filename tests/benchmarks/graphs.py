"""Computation graphs: the two passes against plain fractions, and growth with gates and entries.

The baseline is a forward and a backward pass in `fractions.Fraction`, written out by hand for the
same program, in the same run. Our time is that of both passes with every check that a document
relies on; the passes alone are printed beside it. Run `python tests/benchmarks/graphs.py`.
"""

from __future__ import annotations

from fractions import Fraction
from time import perf_counter

from derive.circuits import backprop as room
from derive.circuits.circuit import circuit
from derive.documents.graphs import Graph, graph
from derive.language.parse import parse
from derive.readings.numbers import precision, rational


def best(action, times=3):
    """Return the shortest of a few runs, and what the last one returned."""
    seconds, found = float("inf"), None
    for _ in range(times):
        start = perf_counter()
        found = action()
        seconds = min(seconds, perf_counter() - start)
    return seconds, found


def passes(made, sizes, values):
    """The two passes alone, without the checks."""
    with precision():
        known, kinks = room.forward(made, sizes, values)
        return room.backward(made, sizes, known, kinks, [[rational(1)]])


# -- a chain of scalar gates -----------------------------------------------------------------------

START = {"x0": Fraction(3, 7), "a": Fraction(5, 3), "b": Fraction(-2, 5)}


def chain(count):
    """x_k = x_{k-1} * a, then + b, by turns: a gate a statement."""
    return "; ".join(f"x{k} = x{k - 1} {'* a' if k % 2 else '+ b'}" for k in range(1, count + 1))


def chain_by_hand(count):
    """Forward and backward through the chain in plain fractions."""
    a, b = START["a"], START["b"]
    values = [START["x0"]]
    for k in range(1, count + 1):
        values.append(values[-1] * a if k % 2 else values[-1] + b)
    gradient, da, db, gradients = Fraction(1), Fraction(0), Fraction(0), [Fraction(1)]
    for k in range(count, 0, -1):
        if k % 2:
            da += gradient * values[k - 1]
            gradient = gradient * a
        else:
            db += gradient
        gradients.append(gradient)
    return values[-1], gradient, da, db


# -- a network -------------------------------------------------------------------------------------


def network(n, d, h, m):
    """A network of three layers with ReLU, and its numbers: small fractions."""
    text = (
        f"X: ({n}, {d}); W1: ({d}, {h}); W2: ({h}, {h}); W3: ({h}, {m}); Z1 = X @ W1; "
        "H1 = relu(Z1); Z2 = H1 @ W2; H2 = relu(Z2); Y = H2 @ W3; L = sum(Y ** 2)"
    )

    def matrix(rows, cols, salt):
        return [[Fraction((7 * i + 3 * j + salt) % 11 - 5, 4) for j in range(cols)]
                for i in range(rows)]  # fmt: skip

    sizes = {"X": (n, d), "W1": (d, h), "W2": (h, h), "W3": (h, m)}
    return text, {name: matrix(*size, k) for k, (name, size) in enumerate(sizes.items())}


def network_by_hand(values):
    def times(A, B):
        columns = list(zip(*B))
        return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in A]

    def turned(A):
        return [list(column) for column in zip(*A)]

    def masked(G, Z):
        return [[g if z > 0 else Fraction(0) for g, z in zip(p, q)] for p, q in zip(G, Z)]

    X, W1, W2, W3 = (values[name] for name in ("X", "W1", "W2", "W3"))
    Z1 = times(X, W1)
    H1 = masked(Z1, Z1)
    Z2 = times(H1, W2)
    H2 = masked(Z2, Z2)
    Y = times(H2, W3)
    dY = [[2 * y for y in row] for row in Y]
    dH2, dW3 = times(dY, turned(W3)), times(turned(H2), dY)
    dZ2 = masked(dH2, Z2)
    dH1, dW2 = times(dZ2, turned(W2)), times(turned(H1), dZ2)
    dZ1 = masked(dH1, Z1)
    return times(dZ1, turned(W1)), times(turned(X), dZ1), dW2, dW3


def main() -> None:
    ours = {count: one_chain(count) for count in (500, 1000, 2000)}
    for what, place in (("passes", 0), ("with checks", 1), ("picture", 2)):
        growth = ours[2000][place] / ours[1000][place]
        print(f"  twice the gates: {what} {growth:.1f} times")
    for size in ((8, 16, 16, 10), (16, 32, 32, 10), (32, 64, 64, 10)):
        one_network(*size)


def one_chain(count):
    """Print the times of one chain, and return those of passes, checks and picture."""
    program = parse(chain(count))
    made = circuit(program)
    values = {name: [[x]] for name, x in START.items()}
    alone, (gradients, _) = best(lambda: passes(made, {}, values))
    whole, trace = best(lambda: room.backprop(made, {}, values))
    hand, expected = best(lambda: chain_by_hand(count))
    names = {g.name: g.place for g in made.gates}
    assert str(gradients[names["x0"]][0][0]) == str(expected[1])
    assert str(trace.gradients[names["a"]][0][0]) == str(expected[2])
    picture, _ = best(lambda: Graph(made, trace).to_svg(), 1)
    print(
        f"chain of {count:5,} gates: passes {1e3 * alone:7.1f} ms, {alone / hand:4.1f} times "
        f"fractions by hand ({1e3 * hand:.1f} ms); with all checks {whole / hand:4.1f} times; "
        f"picture {1e3 * picture:6.1f} ms"
    )
    return alone, whole, picture


def one_network(n, d, h, m):
    """Print the times of one network, checked against the numbers by hand."""
    text, values = network(n, d, h, m)
    program = parse(text)
    made, sizes = circuit(program), dict(program.sizes)
    hand, expected = best(lambda: network_by_hand(values), 1)
    alone, (gradients, _) = best(lambda: passes(made, sizes, values), 1)
    assert str(gradients[0][0][0]) == str(expected[0][0][0])
    whole, found = best(lambda: graph(text, values=values), 1)
    picture, _ = best(found.to_svg, 1)
    products = n * d * h + n * h * h + n * h * m
    print(
        f"network {n}×{d}×{h}×{m}: passes {alone:6.2f} s, {alone / hand:4.2f} times fractions "
        f"by hand ({hand:.2f} s); {1e6 * alone / products:.2f} µs a product; with all checks "
        f"{whole / hand:4.2f} times; picture {1e3 * picture:.0f} ms"
    )


if __name__ == "__main__":
    main()
