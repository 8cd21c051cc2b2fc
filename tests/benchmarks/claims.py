"""Claims, timed: a verdict for every shape against a float test at one shape, and against SymPy.

Run `python tests/benchmarks/claims.py`. Every figure is a ratio within this run, nothing
is asserted. The identities are those of tests/identities.jsonl that the judge proves.

What is compared: ours is the time from the texts of program and claim to the verdict, on one core,
nothing being kept from one identity to the next. The others are given a function that is read
already, with values at sizes around 4. `gradcheck` has one thread; in its first row the claim is
the function's backward, so that both judge the same claim about the same function, in its second
row torch's own backward is checked and the claim is not looked at. Each time is the best of a few,
both columns of a row are over the same identities, and a check counts only where it succeeds (one
that fails ends early). SymPy's road runs in fresh processes, so that it keeps nothing either; its
import is not counted.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from referee import NoValue, Setting

from derive.judges.claim import Court
from derive.ops import OPS

TABLE = Path(__file__).parents[1] / "identities.jsonl"
FOUR = (4, 5, 3, 4, 5, 3)
LIMIT = 60.0
#: Identities whose functions SymPy's entries can be given, at sizes 2, 3, 2.
PLAIN = (
    "bilinear", "quadratic-vector", "gram-bilinear", "trace-square", "trace-congruence",
    "frobenius-squared", "product-left", "matrix-square", "mse", "sigmoid", "softmax", "logsoftmax",
    "layer-norm-inner", "l2-rows", "mlp-sigmoid",
)  # fmt: skip


def seconds(work: Callable[[], object], times: int = 3) -> float:
    found = []
    for _ in range(times):
        start = perf_counter()
        work()
        found.append(perf_counter() - start)
    return min(found)


def judged(record: dict, claim: str) -> tuple[str, float]:
    """Return the verdict, and the time from text to verdict."""
    shapes = {name: tuple(dims) for name, dims in record["shapes"].items()}
    start = perf_counter()
    verdict = (
        Court(record["program"], shapes, record["assume"])
        .judge(f"d{record['wrt']} = {claim}")
        .verdict
    )
    return verdict, perf_counter() - start


# -- floats at one shape ---------------------------------------------------------------------------


def floats(record: dict) -> tuple[Setting, dict, dict] | None:
    """Return a setting, float values at sizes around 4, and the sizes; `None` without values."""
    ground = Setting(record["program"], record["shapes"], record["assume"])
    sizes = ground.sizes(FOUR)
    for seed in range(6):
        try:
            point = ground.point(sizes, seed)
            ground.environment(point, sizes)
        except (NoValue, StopIteration):  # the referee has 370 numbers, fewer than a few matrices
            continue
        return ground, {name: A.astype(float) for name, A in point.items()}, sizes
    return None


def central_differences(record: dict) -> float | None:
    """Return the time of NumPy central differences of the same function, entry by entry."""
    found = floats(record)
    if found is None or any(name in record["program"] for name in ("normcdf", "gelu")):
        return None
    ground, values, sizes = found
    codes = [(name, compile(text, "<text>", "eval")) for name, text in ground.statements]
    base, h = values[record["wrt"]] if record["wrt"] in values else None, 1e-6
    if base is None:
        return None

    def loss(moved: np.ndarray) -> float:
        known: dict[str, Any] = {**NUMPY, **sizes, **values, record["wrt"]: moved}
        for name, code in codes:
            known[name] = eval(code, known)
        return float(np.sum(known[ground.output]))

    def work() -> None:
        for cell in np.ndindex(base.shape):
            moved = base.copy()
            moved[cell] += h
            above = loss(moved)
            moved[cell] -= 2 * h
            _ = (above - loss(moved)) / (2 * h)

    try:
        return seconds(work)
    except (TypeError, ValueError, KeyError, NameError):
        return None


def _soft(A: np.ndarray) -> np.ndarray:
    e = np.exp(A - A.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


NUMPY: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh",
       "tanh", "sqrt", "abs", "sign", "where", "kron", "ones", "eye")},
    "sum": lambda A, axis=None: np.sum(A, axis=axis, keepdims=True),
    "mean": lambda A, axis=None: np.mean(A, axis=axis, keepdims=True),
    "tr": lambda A: np.trace(A).reshape(1, 1),
    "det": lambda A: np.linalg.det(A).reshape(1, 1),
    "logdet": lambda A: np.log(np.linalg.det(A)).reshape(1, 1),
    "inv": np.linalg.inv,
    "norm": lambda A: np.linalg.norm(A).reshape(1, 1),
    "diag": lambda v: np.diag(v.reshape(-1)),
    "diagonal": lambda A: np.diagonal(A).reshape(-1, 1),
    "vec": lambda A: A.T.reshape(-1, 1),
    "max": lambda A, B=None, axis=None: np.maximum(A, B) if B is not None else
    np.max(A, axis=axis, keepdims=True),
    "min": lambda A, B: np.minimum(A, B),
    "softmax": _soft,
    "logsoftmax": lambda A: np.log(_soft(A)),
    "logsumexp": lambda A: np.log(np.sum(np.exp(A), axis=1, keepdims=True)),
    "sigmoid": lambda A: 1 / (1 + np.exp(-A)),
    "silu": lambda A: A / (1 + np.exp(-A)),
    "softplus": lambda A: np.log1p(np.exp(A)),
    "relu": lambda A: np.maximum(A, 0),
}  # fmt: skip


def gradcheck(record: dict, claimed: bool) -> float | None:
    """Return the time of a torch.autograd.gradcheck that succeeds, of the same function.

    With `claimed` the function's backward is the claim itself, so that what is checked is exactly
    what is proved; else it is torch's own, and the claim is not looked at. `None` where the words
    of torch do not suffice: a claim in terms of the gradient of an intermediate has no backward of
    its own, and a few functions have no name there.
    """
    import torch

    found = floats(record)
    if found is None or record["wrt"] not in found[1]:
        return None
    ground, values, sizes = found
    tensors = {name: torch.tensor(A) for name, A in values.items()}
    fixed = {**torch_names(torch), **sizes, **tensors}
    codes = [(name, compile(text, "<text>", "eval")) for name, text in ground.statements]
    claim, output = compile(record["claim"], "<text>", "eval"), ground.output

    def run(moved) -> dict[str, Any]:
        known = {**fixed, record["wrt"]: moved}
        for name, code in codes:
            known[name] = eval(code, known)
        return known

    class Claimed(torch.autograd.Function):
        @staticmethod
        def forward(ctx, moved):
            ctx.known = run(moved)
            return ctx.known[output]

        @staticmethod
        def backward(ctx, g):
            gradient = eval(claim, {**ctx.known, f"d{output}": g})
            return (
                g * gradient if g.numel() == 1 and f"d{output}" not in record["claim"] else gradient
            )

    function = Claimed.apply if claimed else lambda moved: run(moved)[output]
    x = tensors[record["wrt"]].clone().requires_grad_()
    try:
        if torch.autograd.gradcheck(function, (x,), raise_exception=False):
            return seconds(lambda: torch.autograd.gradcheck(function, (x,)))
    except (TypeError, ValueError, RuntimeError, KeyError, NameError):
        pass
    return None


def torch_names(torch) -> dict[str, Any]:
    f = torch.nn.functional

    def tensor(x):
        return torch.as_tensor(x, dtype=torch.float64)

    return {
        **{name: getattr(torch, name) for name in ("exp", "log", "sin", "cos", "tan", "tanh",
           "sqrt", "abs", "sign", "relu", "sigmoid", "kron", "logdet", "eye")},
        "ones": lambda *dims: torch.ones(*dims, dtype=torch.float64),
        "sum": lambda A, axis=None: A.sum().reshape(1, 1) if axis is None else A.sum(axis, True),
        "mean": lambda A, axis=None: A.mean().reshape(1, 1) if axis is None else A.mean(axis, True),
        "tr": lambda A: torch.trace(A).reshape(1, 1),
        "det": lambda A: torch.linalg.det(A).reshape(1, 1),
        "inv": torch.linalg.inv,
        "norm": lambda A: torch.linalg.norm(A).reshape(1, 1),
        "diag": lambda v: torch.diag(v.reshape(-1)),
        "diagonal": lambda A: torch.diagonal(A).reshape(-1, 1),
        "vec": lambda A: A.T.reshape(-1, 1),
        "max": lambda A, B=None, axis=None: torch.maximum(tensor(A), tensor(B))
        if axis is None else torch.amax(A, axis, True),
        "min": lambda A, B: torch.minimum(tensor(A), tensor(B)),
        "where": lambda c, a, b: torch.where(c, tensor(a), tensor(b)),
        "softmax": lambda A: torch.softmax(A, 1),
        "logsoftmax": lambda A: torch.log_softmax(A, 1),
        "logsumexp": lambda A: torch.logsumexp(A, 1, True),
        "silu": f.silu,
        "softplus": f.softplus,
        "gelu": f.gelu,
    }  # fmt: skip


# -- the plain road: entries and simplify ----------------------------------------------------------


def plain_road(record: dict) -> None:
    """Check an identity by SymPy at 2×3×2: every entry written out, differentiated, simplified."""
    import sympy

    ground = Setting(record["program"], record["shapes"])
    sizes = ground.sizes((2, 3, 2, 3))

    def matrix(name: str, rows: int, cols: int) -> np.ndarray:
        cells = [[sympy.Symbol(f"{name}_{i}_{j}", positive=True) for j in range(cols)]
                 for i in range(rows)]  # fmt: skip
        return np.array(cells, dtype=object)

    def entrywise(function) -> Callable:
        return np.frompyfunc(function, 1, 1)

    exp, log = entrywise(sympy.exp), entrywise(sympy.log)
    total = lambda A: np.sum(exp(A), axis=1, keepdims=True)  # noqa: E731
    names: dict[str, Any] = {
        "exp": exp,
        "log": log,
        "sqrt": entrywise(sympy.sqrt),
        "tanh": entrywise(sympy.tanh),
        "sum": lambda A, axis=None: np.sum(A, axis=axis, keepdims=True),
        "mean": lambda A, axis=None: (
            np.sum(A, axis=axis, keepdims=True)
            / sympy.Integer(A.size if axis is None else A.shape[axis])
        ),
        "tr": lambda A: np.array([[np.trace(A)]], dtype=object),
        "norm": lambda A: np.array([[sympy.sqrt(np.sum(A * A))]], dtype=object),
        "sigmoid": entrywise(lambda x: 1 / (1 + sympy.exp(-x))),
        "softmax": lambda A: exp(A) / total(A),
        "logsoftmax": lambda A: A - log(total(A)),
    }
    known: dict[str, Any] = {**names, **sizes}
    for name, dims in ground.shapes.items():
        known[name] = matrix(name, *(sizes[d] if isinstance(d, str) else d for d in dims))
    for name, text in ground.statements:
        known[name] = eval(text, known)
    output = known[ground.output]
    g = matrix("g", *output.shape) if output.shape != (1, 1) else np.array([[sympy.Integer(1)]])
    known[f"d{ground.output}"] = g
    loss, claim = sympy.Add(*(g * output).flat), np.atleast_2d(eval(record["claim"], known))
    for cell, symbol in np.ndenumerate(known[record["wrt"]]):
        assert sympy.simplify(sympy.diff(loss, symbol) - claim[cell]) == 0


def warm(records: list[dict]) -> None:
    """Import all that SymPy imports on the way, and let it forget what it has worked out."""
    from sympy.core.cache import clear_cache

    for record in records:
        plain_road(record)
    clear_cache()


def within(limit: float, record: dict) -> float | None:
    """Return the time of the plain road, `None` where it takes longer or does not succeed.

    A process of its own runs it, so that it can be ended; the time is taken inside.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def work() -> None:
        start = perf_counter()
        plain_road(record)
        theirs.send(perf_counter() - start)

    worker = context.Process(target=work)
    worker.start()
    found = ours.recv() if ours.poll(limit) else None
    worker.kill()
    worker.join()
    return found


# -- the figures -----------------------------------------------------------------------------------


def measured(pairs: list[tuple[float, float | None]]) -> tuple[list[float], list[float]]:
    """Return both columns of the identities that the other road can be given."""
    kept = [(ours, theirs) for ours, theirs in pairs if theirs is not None]
    return [ours for ours, _ in kept], [theirs for _, theirs in kept]


def row(name: str, ours: list[float], theirs: list[float], baseline: str) -> None:
    if not theirs:
        return
    for word, middle in (("median", median), ("mean", fmean)):
        one, other = 1000 * middle(ours), 1000 * middle(theirs)
        shown = name if word == "median" else ""
        times = f"{one:6.2f} ms {other:6.2f} ms {other / one:6.2f}"
        print(f"{shown:46} {word:>6} {len(theirs):5} {times}  {baseline}")


def main() -> None:
    gc.disable()  # for every road, as the timeit module does
    records = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]
    records = [r for r in records if all(name in OPS for name in r.get("needs", ()))]
    judged(records[0], records[0]["claim"])
    true: dict[str, float] = {}
    for record in records:
        tries = [judged(record, record["claim"]) for _ in range(5)]
        if tries[0][0] == "proved":
            true[record["id"]] = min(time for _, time in tries)
    proved = [r for r in records if r["id"] in true]
    false = [judged(r, f["claim"])[1] for r in proved for f in r["false"]]
    print(f"{len(proved)} of {len(records)} identities proved for every shape")
    print(f"{'':53} {'cases':>5} {'ours':>9} {'theirs':>9} {'ratio':>6}")
    mine = list(true.values())
    row("a proof, and a false claim with all that is said", mine, false, "a false claim")
    compared = "a proof for every shape"
    try:
        import torch

        torch.set_num_threads(1)  # ours has one core, too
        for claimed, words in (
            (True, "torch.autograd.gradcheck, the claim as backward"),
            (False, "torch.autograd.gradcheck, torch's own backward"),
        ):
            pairs = [(true[r["id"]], gradcheck(r, claimed)) for r in proved]
            row(compared, *measured(pairs), f"{words}, sizes around 4")
    except ImportError:
        print("torch is not installed: no gradcheck")
    with np.errstate(all="ignore"):
        pairs = [(true[r["id"]], central_differences(r)) for r in proved]
    row(compared, *measured(pairs), "NumPy central differences, sizes around 4")
    warm([r for r in proved if r["id"] in PLAIN[:7]])
    ratios = []
    for record in (r for r in proved if r["id"] in PLAIN):
        if (time := within(LIMIT, record)) is not None:
            again = 2 if time < 1 else 0
            tries = [time, *(within(LIMIT, record) or time for _ in range(again))]
            ratios.append(min(tries) / true[record["id"]])
            print(f"  {record['id']:50} {ratios[-1]:16.1f}  SymPy entries and simplify, 2×3×2")
    if ratios:
        print(f"{'SymPy, ratio':46} {'median':>6} {len(ratios):5} {median(ratios):10.1f}")
        print(f"{'':46} {'mean':>6} {len(ratios):5} {fmean(ratios):10.1f}")


if __name__ == "__main__":
    main()
