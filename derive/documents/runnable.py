"""A derivation as cells of a notebook: its gradients in NumPy, and a check of them in numbers.

Enters a proved derivation, and a point if its document has one; leaves blocks, some of which run.
The law: at the point of the check every hypothesis holds and nothing jumps, so that the central
differences are those of a differentiable function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any

from derive.circuits.backprop import is_smooth
from derive.circuits.circuit import Circuit, circuit
from derive.circuits.points import Trial
from derive.documents.code import Functions, Opened
from derive.documents.model import Block, Code, Heading, Paragraph, words
from derive.judges.refutation import Points
from derive.language.assumptions import Matrix
from derive.notation.messages import plain
from derive.ops.unspecified import sample, samples
from derive.proof.derivation import Derivation
from derive.readings.numbers import as_float

#: More numbers than this are not written out; so many points are tried, at sizes of which no two
#: are equal where the document's own are too large.
MOST_NUMBERS, MOST_SEEDS, SIZES = 150, 16, (2, 3, 4, 5)
#: Larger values of the loss leave too few digits to their differences.
LARGEST = 10_000

CHECK = """\
def central_differences(k, h=1e-6):
    slopes = np.zeros(point[k].shape)
    for place in np.ndindex(*slopes.shape):
        both = [[x.copy() for x in point] for _ in range(2)]
        for moved, step in zip(both, (h, -h)):
            moved[k][place] += step
        up, down = (loss({0}) for moved in both)
        slopes[place] = (up - down) / (2 * h)
    return slopes


for name, gradient in gradients({1}).items():
    slopes = central_differences(names.index(name))
    error = np.max(np.abs(gradient - slopes) / (1 + np.abs(slopes)))
    print(f"{2}")
    assert gradient.shape == slopes.shape and error < 1e-5"""


def runnable(
    derivation: Derivation, hypotheses: Sequence[str] = (), at: Trial | None = None
) -> Iterator[Block]:
    """Yield the gradients as a function, and their check against central differences.

    >>> from derive.language.parse import parse
    >>> from derive.proof.explain import explain
    >>> found = explain(parse("x: (n, 1); L = sum(x ** 2)"), detail="brief")
    >>> [type(block).__name__ for block in runnable(found)]
    ['Heading', 'Paragraph', 'Code', 'Paragraph', 'Code', 'Code']
    """
    functions = Functions(derivation, "numpy", hypotheses)
    yield Heading(words("to-run"))
    yield Paragraph((words("run-gradients"),))
    yield _cell(functions.module(loss=True))
    gates = circuit(derivation.program)
    trial = at if at is not None and _is_good(gates, at) else _point(derivation, gates)
    if trial is None:
        yield Paragraph((words("run-nowhere"),))
        return
    yield Paragraph((words("run-check", functions=samples(functions.program.functions)),))
    names = functions.given
    lines = [f"names = {_listed(names)}", "point = ["]
    lines += [f"    np.array({_rows(trial.values[name])})," for name in names]
    taken = {"functions": functions.open_in_loss, "derivatives": functions.open}
    lines += ["]", *(_samples(name, opened) for name, opened in taken.items() if opened)]
    yield _cell("\n".join(lines))
    arrays = zip(("*moved", "*point"), taken.items(), strict=True)
    calls = (f"{array}, *{name}" if opened else array for array, (name, opened) in arrays)
    said = plain("code-differs", name="d{name}", error="{error:.0e}")
    yield _cell(CHECK.format(*calls, said))


def _cell(text: str) -> Code:
    return Code(tuple(text.rstrip("\n").split("\n")), runs=True)


def _listed(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _rows(rows: Matrix) -> str:
    return "[" + ", ".join(f"[{', '.join(repr(float(x)) for x in row)}]" for row in rows) + "]"


def _samples(name: str, opened: Sequence[Opened]) -> str:
    return f"{name} = [{', '.join(f'lambda x: {sample(*one)}' for one in opened)}]"


# -- the point -------------------------------------------------------------------------------------


def trial_at(derivation: Derivation, sizes: Mapping[str, int], values: Mapping[str, Any]) -> Trial:
    """Return a derivation's program at a point that a document has, of exact numbers."""
    exact = {
        name: [[Fraction(str(x)) for x in row] for row in rows] for name, rows in values.items()
    }
    return Trial(derivation.program, sizes, exact)


def _point(derivation: Derivation, gates: Circuit) -> Trial | None:
    """Return a point at which all hypotheses hold, `None` where none was found or it is too large
    to be written down; one where the loss is small if there is such."""
    points, good = Points(derivation.program, derivation.assumed), list[Trial]()
    for sizes in (dict(derivation.sizes), points.sized(SIZES), points.at(SIZES)):
        if not sizes.keys() >= {*derivation.program.dims}:
            continue
        for trial in (points.trial(sizes, seed) for seed in range(MOST_SEEDS)):
            if trial is None or not _is_good(gates, trial):
                continue
            if _level(trial) < LARGEST:
                return trial
            good.append(trial)
    return next(iter(good), None)


def _is_good(gates: Circuit, trial: Trial) -> bool:
    numbers = sum(len(rows) * len(rows[0]) for rows in trial.values.values())
    return numbers <= MOST_NUMBERS and is_smooth(gates, trial.sizes, trial.values)


def _level(trial: Trial) -> float:
    """Return the largest number in the output."""
    output = trial.known[trial.program.output.data[0]]
    return max(abs(as_float(x)) for x in chain(*output))
