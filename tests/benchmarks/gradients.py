"""`derive gradient`, timed: an LSTM cell against the check of its gradients, and deep networks.

Run `python tests/benchmarks/gradients.py`. CPU time, nothing is kept from one work to the next but
what was imported. The first figure is a ratio: all gradients of a cell, proved and brought to their
shortest form, to the check of the same gradients as claims. Then the time of networks of 2 to 64
layers, each as a multiple of that of the network of half as many: two where time grows linearly.
Nothing is asserted.
"""

from __future__ import annotations

import gc
from time import process_time

from courses import PROGRAMS, network

import derive

DEPTHS = (2, 4, 8, 16, 32, 64)


def seconds(program: str, times: int) -> tuple[float, derive.bridges.code.Gradients]:  # type: ignore[name-defined]
    """Return the least CPU time of the gradients of a program, and these."""
    best = float("inf")
    for _ in range(times):
        gc.collect()
        start = process_time()
        found = derive.gradient(program, timeout=None)
        best = min(best, process_time() - start)
    return best, found


def main() -> None:
    derive.gradient("affine")  # what is imported on the way is not counted
    for name in ("LSTM cell", "GRU cell", "attention"):
        spent, found = seconds(PROGRAMS[name], 3)
        claims = [found.claim(one) for one in found]
        start = process_time()
        judged = derive.check(PROGRAMS[name], claims, timeout=None)
        checked = process_time() - start
        proved = sum(one.verdict == "proved" for one in judged)
        print(f"{name}: gradient {spent:.2f} s, check {checked:.2f} s, {spent / checked:.1f} times "
              f"({proved} of {len(claims)} proved)")  # fmt: skip
    before = None
    for depth in DEPTHS:
        spent, found = seconds(network(depth, "tanh"), 1)
        times = f", {spent / before:.1f} times half as many" if before else ""
        lines = len(found.statements) + len(found)
        print(f"{depth} layers: {spent:.2f} s, {lines} lines{times}", flush=True)
        before = spent


if __name__ == "__main__":
    main()
