"""Networks of the family, timed: proofs and documents of 2 to 64 layers, and of every number.

Run `python tests/benchmarks/family.py`. CPU time, best of two; each time stands with its multiple
of that of half as many layers, which is two where time grows linearly. Nothing is asserted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import derive

DEPTHS = (2, 4, 8, 16, 32, 64)
#: What is chosen, and how much is told.
RUNS = {
    "rows, tanh, brief": ({"activation": "tanh"}, "brief"),
    "rows, tanh, lecture": ({"activation": "tanh"}, "lecture"),
    "columns, any g, lecture": (
        {"activation": "g", "convention": "columns", "loss": "none"}, "lecture"),
}  # fmt: skip


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU time of some work, and what it made."""
    found, best = None, float("inf")
    for _ in range(2):
        start = process_time()
        found = work()
        best = min(best, process_time() - start)
    return best, found


def main() -> None:
    derive.prove("affine").to_markdown()  # what is imported on the way is not counted
    for name, (chosen, detail) in RUNS.items():
        print(name)
        before: tuple[float, float] | None = None
        for depth in DEPTHS:
            entry = derive.entry("mlp", layers=depth, **chosen)
            proof, made = timed(partial(derive.prove, entry, detail=detail, timeout=None))
            page, _ = timed(made.to_markdown)
            more = f" ({proof / before[0]:.1f}, {page / before[1]:.1f})" if before else ""
            print(f"  {depth:>2} layers: proof {proof:.2f} s, page {page:.2f} s{more}", flush=True)
            before = proof, page
    every, made = timed(lambda: derive.prove("deep-network"))
    page, _ = timed(made.to_markdown)
    print(f"every number of layers: proof {every:.2f} s, page {page:.2f} s")


if __name__ == "__main__":
    main()
