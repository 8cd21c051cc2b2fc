"""Simple theorems by chance: compositions of the whole table of functions, each of them proved.

Functions of functions, products of matrices, broadcasting, sums and quotients, two to four deep.
`python tests/test_compositions.py COUNT SEED` says what is refused among more of them.
"""

import random
import sys
import time

import pytest

import derive
from derive.expressions.errors import DeriveError
from derive.ops import OPS

#: Functions of an entry, and what is put around an argument of those that want it positive.
UNARY = [name for name, op in OPS.items() if len(op.derivatives) == 1 and name != "sign"]
POSITIVE = {"log": "1 + {} ** 2", "sqrt": "2 + {} ** 2"}
ROWS = ("softmax", "logsoftmax")
SHAPES = {"A": ("n", "k"), "B": ("k", "m"), "C": ("n", "m"), "D": ("n", "m"), "b": (1, "m"),
          "c": ("n", 1), "S": ("m", "m"), "s": (1, 1)}  # fmt: skip


def composition(chance: random.Random, depth: int) -> str:
    """Return an n×m formula of some depth."""
    if depth == 0:
        return chance.choice(("C", "D", "C", "A @ B", "C * s", "C + b", "c * D"))
    kind = chance.random()
    inner = composition(chance, depth - 1)
    if kind < 0.5:
        name = chance.choice(UNARY)
        return f"{name}({POSITIVE.get(name, '{}').format(f'({inner})')})"
    other = composition(chance, chance.randrange(depth))
    other = "D * s" if other == inner else other  # 0 over its norm has no value anywhere
    if kind < 0.8:
        form = chance.choice((
            "({}) * ({})", "({}) + ({})", "({}) - ({})", "({}) / (1 + ({}) ** 2)",
            "max({}, {})", "where(({}) > 0, {}, C)",
        ))  # fmt: skip
        return form.format(inner, other)
    form = chance.choice((
        "({}) @ S", "({}) ** 2", "({}) - mean({}, axis=1)", "softmax({})", "logsoftmax({})",
        "({}) + sum({}, axis=0)", "({}) / norm({})", "({}) * b",
    ))  # fmt: skip
    return form.replace("{}", inner)


def program(seed: int) -> str:
    chance = random.Random(seed)
    formula = composition(chance, chance.randint(2, 4))
    if chance.random() < 0.3:
        formula = f"sum({formula})"
    words = set("".join(c if c.isalnum() else " " for c in formula).split())
    shapes = "; ".join(f"{n}: ({p}, {q})" for n, (p, q) in SHAPES.items() if n in words)
    return f"{shapes}; Y = {formula}"


@pytest.mark.parametrize("seed", range(40))
def test_a_composition_is_proved(seed):
    assert derive.prove(program(seed), detail="brief").proved


def main(count: int, first: int) -> None:
    for seed in range(first, first + count):
        text, start = program(seed), time.process_time()
        try:
            derive.prove(text, detail="brief", timeout=20)
            word = ""
        except DeriveError as error:
            word = str(error).splitlines()[0][-120:]
        took = time.process_time() - start
        if word or took > 4:
            print(f"{seed} {took:.1f} {text} :: {word}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
