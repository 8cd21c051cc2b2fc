"""The same work by this checkout and by another one, in turn within one run: ratios of CPU time.

Run `python tests/benchmarks/against.py PATH`, where PATH is the other checkout, or with words that
the names of works begin with; `courses.py --against PATH` does the same for course programs. Each
work is a process of its own that uses what a user may, the command and the public functions, so
that the inside of either may differ. The least of a few rounds counts. Nothing is asserted; what
takes more than a tenth longer is marked.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
TESTS = HERE / "tests"
#: Seconds of a core after which a work is ended.
LIMIT = 120
MLP = (
    "X: (n, d); W1: (d, h); W2: (h, m); T: (n, m); Z = X @ W1; H = tanh(Z); Y = H @ W2; "
    "L = sum((Y - T) ** 2) / n"
)
DEEP = "; ".join(
    ["X: (n, d); H0 = X", *(f"W{k}: (d, d); H{k} = relu(H{k - 1} @ W{k})" for k in range(1, 9))]
)
COMMANDS = {
    "version": ["--version"],
    "list": ["list"],
    "prove affine": ["prove", "affine"],
    "prove affine, 12×12×12": ["prove", "affine", "--at", "n=12,d=12,m=12"],
    "prove attention": ["prove", "attention"],
    "prove gaussian": ["prove", "gaussian"],
    "prove network, brief": ["prove", MLP, "--detail", "brief"],
    "prove 8 layers, brief": ["prove", DEEP, "--detail", "brief"],
    "gradient attention, code": ["gradient", "attention", "--code", "numpy"],
    "example layer-norm": ["example", "layer-norm"],
    "exercise mlp": ["exercise", "mlp"],
    "graph neuron": ["graph", "neuron", "--values", "w0=2,x0=-1,w1=-3,x1=-2,w2=-3"],
    "graph mlp": ["graph", "mlp"],
    "check true": ["check", MLP, "--claim", "dW1 = 2 * X.T @ ((Y - T) @ W2.T * (1 - H ** 2)) / n"],
    "check false": ["check", MLP, "--claim", "dW1 = X.T @ ((Y - T) @ W2.T * (1 - H ** 2)) / n"],
    "check identities": ["check", "--file", str(TESTS / "identities.jsonl"), "--json"],
}
CODE = {
    "parse and prove, 20 times": f"[derive.prove({MLP!r}, detail='brief') for _ in range(20)]",
    "claims, 40 times": (
        "[derive.check('X: (n, d); Y = softmax(X)', "
        "['dX = Y * (dY - sum(Y * dY, axis=1))', 'dX = Y * dY']) for _ in range(40)]"
    ),
    "written out, 16×16×16": "derive.prove('affine', at=dict(n=16, d=16, m=16)).to_markdown()",
    "passes through 400 gates": (
        "derive.graph('; '.join(['x0 = x * a', *(f'x{k} = x{k - 1} * a + b' "
        "for k in range(1, 200))]), values=dict(x=2, a='1/3', b=-1))"
    ),
    "to SymPy and back": "derive.from_sympy(derive.to_sympy('affine'))",
}
WORKS: Mapping[str, Sequence[str]] = {
    **{name: ["-m", "derive", *words] for name, words in COMMANDS.items()},
    **{name: ["-c", f"import derive; {code}"] for name, code in CODE.items()},
}


def cpu(words: Sequence[str], checkout: Path = HERE, folder: str | None = None) -> tuple:
    """Return the CPU time of Python with some words, its status and the last line that it says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, preexec_fn=_limited, cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(checkout),
             "DERIVE_TIMEOUT": str(10 * LIMIT),  # of a clock, which a busy machine slows down
             "PYTHONDONTWRITEBYTECODE": ""},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = sum(getattr(after, kind) - getattr(before, kind) for kind in ("ru_utime", "ru_stime"))
    said = [line for line in ran.stderr.splitlines() if "derive:" in line]
    return spent, ran.returncode, next(iter(said), "")


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))


def compare(works: Mapping[str, Sequence[str]], other: Path, rounds: int = 3) -> None:
    """Print the CPU time of each work here and there, and their ratio."""
    print(f"{'CPU time':40} {'here':>8} {'there':>8} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name, words in works.items():
            best, statuses = [float("inf")] * 2, [0, 0]
            for _ in range(rounds + 1):  # the first may have to compile
                for side, checkout in enumerate((HERE, other)):
                    spent, statuses[side], _ = cpu(words, checkout, folder)
                    best[side] = min(best[side], spent)
                if sum(best) > 40:
                    break
            here, there = best
            mark = "slower" if here > 1.1 * there else "faster" if here < 0.9 * there else ""
            if statuses[0] != statuses[1]:
                mark += f" (status {statuses[0]} here, {statuses[1]} there)"
            print(f"{name:40} {here:8.2f} {there:8.2f} {here / there:6.2f} {mark}", flush=True)


if __name__ == "__main__":
    path, *starts = sys.argv[1:]
    chosen = {n: w for n, w in WORKS.items() if not starts or n.startswith(tuple(starts))}
    compare(chosen, Path(path).resolve())
