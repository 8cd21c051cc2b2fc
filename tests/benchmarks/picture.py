"""Pictures, timed: layout and SVG of chains and of random graphs, with what one vertex costs.

Run `python tests/benchmarks/picture.py`. Up to 300 vertices carry text; larger graphs are drawn
bare, and their cost is to grow linearly. Each figure is the best of a few repetitions.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from pictures import random_graph

from derive.pictures.drawing import draw
from derive.pictures.picture import Picture, Vertex, Wire, line
from derive.pictures.svg import svg


def chain(count: int) -> Picture:
    """So many gates in a row behind one input."""
    keys = [f"g{number}" for number in range(count + 1)]
    known = {"value": line("0.25"), "gradient": line("−1.5")}
    vertices = [Vertex(keys[0], "input", line("x"), **known)]
    vertices += [Vertex(key, "gate", line("exp"), **known) for key in keys[1:]]
    return Picture(tuple(vertices), tuple(Wire(a, b, 0) for a, b in pairwise(keys)))


def seconds(picture: Picture) -> float:
    best = float("inf")
    for _ in range(5):
        start = perf_counter()
        svg(draw(picture))
        best = min(best, perf_counter() - start)
    return best


def main() -> None:
    pictures = {f"chain of {count:,} gates": chain(count) for count in (100, 250, 1000, 2000, 4000)}
    for count in (30, 100, 300, 1000, 4000):
        pictures[f"random graph of {count:,} vertices"] = random_graph(1, count)
    for name, picture in pictures.items():
        took = seconds(picture)
        each = 1e6 * took / len(picture.vertices)
        print(f"{name:34} {1000 * took:8.1f} ms {each:8.1f} µs a vertex")


if __name__ == "__main__":
    main()
