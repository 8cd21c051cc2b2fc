"""The whole catalogue, proved and rendered to both formats on one core, in times of the imports.

Run `python tests/benchmarks/catalogue.py`, or with names for some entries alone. One process does
all; every figure is CPU time within this run, in multiples of that of `import sympy, jinja2`. The
five slowest entries are named; nothing is asserted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from time import process_time

from courses import cpu

import derive
from derive.catalogue import names


def spent(name: str) -> float:
    """Return the seconds in which an entry is proved and its document written in both formats."""
    start = process_time()
    proof = derive.prove(name)
    for form in ("md", "tex"):
        proof.render(form)
    return process_time() - start


def main(words: Sequence[str]) -> None:
    imports = min(cpu(["-c", "import sympy, jinja2"])[0] for _ in range(3))
    print(f"import sympy, jinja2: {1000 * imports:.0f} ms of CPU time")
    spent("circuit")  # modules are imported and templates compiled
    seconds = {name: spent(name) for name in words or names()}
    for name in sorted(seconds, key=seconds.__getitem__, reverse=True)[:5]:
        print(f"{name:40} {seconds[name] / imports:6.1f}")
    total = sum(seconds.values())
    print(f"{f'{len(seconds)} entries':40} {total / imports:6.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
