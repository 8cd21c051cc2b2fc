"""The affine layer, timed: derivation and check against SymPy, the document against f-strings.

Run `python tests/benchmarks/affine.py`. Every figure is a ratio within this run, the best of a few
repetitions; nothing is asserted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from time import perf_counter

from derive.documents.pipeline import Proof
from derive.judges.verify import insist, verify
from derive.language.parse import parse
from derive.proof.derivation import Derivation
from derive.proof.explain import explain

PROGRAM = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"


def best(work: Callable[[], object], times: int = 3) -> float:
    """Return the shortest of several durations, in seconds."""
    found = []
    for _ in range(times):
        start = perf_counter()
        work()
        found.append(perf_counter() - start)
    return min(found)


def derived(size: int) -> Derivation:
    """Derive the layer at n = d = m = size and check every step of it."""
    sizes = {"n": size, "d": size, "m": size}
    return insist(verify(explain(parse(PROGRAM), at=sizes)))


def plain_table(size: int) -> None:
    """The same by SymPy alone: every y_kl by every x_ij, multiplied by g_kl, summed, compared."""
    import sympy

    def matrix(name: str, rows: int, cols: int) -> list[list[sympy.Symbol]]:
        return [[sympy.Symbol(f"{name}_{i}_{j}") for j in range(cols)] for i in range(rows)]

    span = range(size)
    x, w, g = (matrix(name, size, size) for name in "xwg")
    (b,) = matrix("b", 1, size)
    y = [[sympy.Add(*(x[i][k] * w[k][j] for k in span)) + b[j] for j in span] for i in span]
    for a in span:
        for c in span:
            total = sum(g[i][j] * y[i][j].diff(x[a][c]) for i in span for j in span)
            claimed = sum(g[a][j] * w[c][j] for j in span)
            assert sympy.expand(total - claimed) == 0


def f_strings(characters: int) -> str:
    """Write about so many characters of the same formulas with nothing but f-strings."""
    partial, pieces, written, i, j, k = "\\frac{\\partial L}{\\partial y_{", [], 0, 0, 0, 0
    while written < characters:
        i, j, k = (i + 1) % 16, (j + i) % 16, (k + 3) % 16
        piece = f"{partial}{i},{j}}}}}\\,w_{{{k},{j}}} + "
        pieces.append(piece)
        written += len(piece)
    return "".join(pieces)


class command:
    """The running of a command, output discarded."""

    def __init__(self, *words: str, env: Mapping[str, str] | None = None):
        self.words, self.env = words, env

    def __call__(self) -> None:
        subprocess.run(self.words, check=True, capture_output=True, env=self.env)


def row(name: str, ours: float, theirs: float, baseline: str) -> None:
    print(f"{name:54} {ours * 1e3:9.1f} ms {theirs * 1e3:9.1f} ms {theirs / ours:8.2f}  {baseline}")


def main() -> None:
    print(f"{'':54} {'derive':>12} {'baseline':>12} {'ratio':>8}  baseline")
    derived(2)
    ours = {size: best(lambda size=size: derived(size)) for size in (8, 16, 32)}
    row("derive and check, 8×8×8", ours[8], best(lambda: plain_table(8), 1), "SymPy's table for X")
    row("derive and check, 16×16×16", ours[16], best(lambda: plain_table(16), 1), "the same")
    print(f"{'growth from 8 to 16':54} {ours[16] / ours[8]:8.1f} times, 8 times the products")
    print(f"{'growth from 16 to 32':54} {ours[32] / ours[16]:8.1f} times, 8 times the products")

    text = Proof(derived(16)).render("md")

    def prove() -> None:
        Proof(derived(16)).render("md")

    strings = best(lambda: f_strings(len(text)))
    row(f"prove, 16×16×16, {len(text):,} characters", best(prove), strings, "f-strings")

    row(
        "derive --version",
        best(command(sys.executable, "-m", "derive", "--version"), 10),
        best(command(sys.executable, "-c", "pass"), 10),
        "python -c pass",
    )
    with tempfile.TemporaryDirectory() as folder:
        proving = command(sys.executable, "-m", "derive", "prove", "affine", "-o", folder)
        proving()  # from now on the compiled templates are kept, as those of Jinja's own are
        proved = best(proving, 5)
        for code in ("pass", "import jinja2, click, flint", "import sympy, jinja2"):
            least = best(command(sys.executable, "-c", code), 5)
            row("derive prove affine, 2×2×3, both formats", proved, least, f'python -c "{code}"')
        unkept = {**os.environ, "XDG_CACHE_HOME": os.devnull, "LOCALAPPDATA": ""}
        first = best(command(*proving.words, env=unkept), 3)
        row("the same, where no compiled templates are kept", first, proved, "where they are")


if __name__ == "__main__":
    main()
