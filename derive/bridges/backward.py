"""A backward pass that somebody wrote, held against the gradients of its program.

What enters is a function of NumPy, PyTorch or JAX and a program; what leaves is nothing, or an
`AssertionError` with a counterexample and what the function seems to compute. The law: what is
expected is the gradient that was proved, at points where every hypothesis holds and no function has
a kink; what is said of the function's formula has been seen at every point.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import chain, islice
from typing import Any

from derive.catalogue import Entry, opened
from derive.circuits.backprop import is_smooth
from derive.circuits.circuit import circuit
from derive.circuits.points import PLEASANT, Trial
from derive.documents.pipeline import Proof, prove
from derive.expressions.errors import DeriveError, UnsupportedError, nearest
from derive.expressions.expr import Expr
from derive.expressions.limits import TIMEOUT, limited
from derive.expressions.program import Program
from derive.expressions.shape import count
from derive.judges.case import Case
from derive.judges.claim import Court
from derive.judges.refutation import Points
from derive.judges.slips import forgotten, mistakes, repairs
from derive.language.assumptions import Assumptions, assumed
from derive.language.parse import Shapes
from derive.readings.base import Table
from derive.readings.numbers import Floats, Numbers, as_float

#: Sizes in turn, of which no two are equal or some are 1; so many points of each.
SIZES, EACH, SEEDS = ((2, 3, 4, 5), (4, 2, 3), (1,), (3, 1, 2)), 2, 8
#: So many small points are tried for a counterexample that can be read, and so many variants of a
#: gradient for what a function computes.
MOST_SMALL, MOST_VARIANTS = 60, 2000
#: What of a number may be lost, by the precision that it has.
LOST = {"float64": 1e-6, "float32": 1e-3, "float16": 3e-2, "bfloat16": 2e-1}


def assert_backward(
    function: Callable[..., Any],
    program: str | Entry,
    shapes: Shapes | None = None,
    *,
    wrt: Sequence[str] | None = None,
    assume: Assumptions | None = None,
    data: Sequence[str] = (),
    at: Mapping[str, int] | None = None,
    library: str = "numpy",
    dtype: str = "float64",
    tolerance: float | None = None,
    timeout: float | None = TIMEOUT,
) -> None:
    """Assert that a function returns the gradients of a program.

    >>> def backward(X, W, dY):
    ...     return {"X": dY @ W.T, "W": X.T @ dY / len(X)}
    >>> assert_backward(backward, "X: (n, d); W: (d, m); Y = X @ W")
    Traceback (most recent call last):
    AssertionError: dW is wrong
      at n = 2, d = 1, m = 1: X = [[1], [-2]], W = -2, dY = [[-1], [2]]
      dW is -5, the function returns -2.5
      the gradient is dW = X.T @ dY
      at all 8 points the function agrees with dW = X.T @ dY / n
      true is dW = X.T @ dY; yours divides by n once too often

    The `function` takes the values of the program that its parameters name (`X`, `W`, an
    intermediate `Z`, the gradient of the output `dY`), or where they name none the inputs in their
    order and then the gradient of the output, if that is no scalar. Matrices have two axes and
    scalars none. It returns a dictionary by name (`"W"` or `"dW"`), a tuple in the order of `wrt`,
    or of the inputs, or one array. A `torch.autograd.Function` is taken as it is.

    `wrt`, `assume` and `data` mean what they mean to `derive.prove`; under an assumption the
    gradient is still the unconstrained one. `at` fixes sizes, `library` is numpy, torch or jax,
    `tolerance` what of the largest entry may be lost. Raises `AssertionError`, and what
    `derive.prove` raises for a bad program.
    """
    with limited(timeout):
        proof = prove(
            program, shapes, wrt=wrt, assume=assume, data=data, detail="brief", timeout=None
        )
        read, entry = opened(program, shapes)
        if read.functions:
            raise UnsupportedError(
                f"{read.functions[0]} is any function, and a function of arrays computes one",
                hint="write the function that is meant into the program",
            )
        obeyed = assumed(read, entry.assuming(assume))
        own = proof.derivation.program
        hearing = _Hearing(function, own, proof, obeyed, _Arrays(library, dtype), tolerance)
        hearing.run(at or {})


# -- arrays ----------------------------------------------------------------------------------------


class _Arrays:
    """What a library calls an array, of one precision."""

    def __init__(self, library: str, dtype: str):
        if library not in ("numpy", "torch", "jax"):
            raise UnsupportedError(
                f"there is no library {library!r}", hint="there is numpy, torch, jax"
            )
        try:
            self.numpy: Any = import_module("numpy")
            self.torch: Any = None
            if library == "torch":
                self.torch = import_module("torch")
                self.kind, self.made = getattr(self.torch, dtype), self._tensor
            elif library == "jax":
                jnp = import_module("jax.numpy")
                self.kind, self.made = dtype, lambda rows: jnp.asarray(rows, dtype=dtype)
            else:
                self.kind, self.made = dtype, lambda rows: self.numpy.asarray(rows, dtype=dtype)
        except ImportError as error:
            raise UnsupportedError(
                f"{library} is not installed", hint=f"install it: pip install {error.name}"
            ) from None

    def _tensor(self, rows: Any) -> Any:
        return self.torch.tensor(rows, dtype=self.kind)

    def read(self, value: Any) -> Any:
        """Return an array of any of the libraries as one of NumPy's, `None` where it is none."""
        if self.torch is not None and isinstance(value, self.torch.Tensor):
            value = value.detach().cpu()
            value = value.double() if value.dtype is self.torch.bfloat16 else value
            return value.resolve_conj().numpy()
        if isinstance(value, bool | str | bytes | Mapping) or value is None:
            return None
        try:
            found = self.numpy.asarray(value)
        except Exception:  # a ragged list, an array on another device
            return None
        return found if found.dtype != object else None

    def dtype(self, value: Any) -> str:
        """Return the name of the precision that a value has."""
        kind = str(getattr(value, "dtype", "")).removeprefix("torch.")
        return kind or str(self.numpy.asarray(value).dtype)


# -- one function ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """What a function has returned at a point, by the names of the gradients."""

    trial: Trial
    found: Mapping[str, Any]


class _Hearing:
    """A function, and the program whose gradients it is to return."""

    def __init__(
        self,
        function: Callable[..., Any],
        program: Program,
        proof: Proof,
        obeyed: Mapping[str, frozenset[str]],
        arrays: _Arrays,
        tolerance: float | None,
    ):
        self.function, self.program, self.arrays = function, program, arrays
        self.proof, self.tolerance = proof, tolerance
        self.wrt = [*proof.gradients]
        self.points, self.circuit = Points(program, obeyed), circuit(program)
        self.numbers: dict[int, Numbers] = {}
        upstream = [] if program.is_loss else [f"d{program.output}"]
        self.given = [*program.inputs, *upstream]
        self.named = self._takes()

    def run(self, at: Mapping[str, int]) -> None:
        """Hold what the function returns against the gradients, at points of several sizes."""
        seen: list[_Seen] = []
        for trial in self._points(at):
            one = self.called(trial)
            wrong = next((name for name in self.wrt if not self._is_right(name, one)), None)
            seen.append(one)
            if wrong is not None:
                raise AssertionError(self._told(wrong, seen, at))
        if not seen:
            raise UnsupportedError(
                "no numbers were found at which all hypotheses hold and nothing jumps",
                hint="give other sizes: at={'n': 3}",
            )

    def _points(self, at: Mapping[str, int]) -> Iterator[Trial]:
        """Yield points of several sizes, numbers of which no two are likely to be equal."""
        every = ({**self.points.sized(sizes), **at} for sizes in SIZES)
        for sizes in {tuple(sizes.items()): sizes for sizes in every}.values():
            yield from islice(self._steady(sizes, range(PLEASANT, PLEASANT + SEEDS)), EACH)

    def _steady(self, sizes: Mapping[str, int], seeds: Sequence[int]) -> Iterator[Trial]:
        """Yield points of some sizes at which every value exists and no function has a kink."""
        for seed in seeds:
            trial = self.points.trial(sizes, seed)
            if trial is not None and is_smooth(self.circuit, sizes, trial.values):
                yield trial

    def _numbers(self, trial: Trial) -> Numbers:
        """Return the values of all names at a point in floating point, and of the gradients."""
        if (found := self.numbers.get(id(trial))) is None:
            known = {name: rows.map(as_float) for name, rows in trial.known.items()}
            known[f"d{self.program.output}"] = Table(trial.upstream).map(as_float)
            found = self.numbers[id(trial)] = Numbers(trial.sizes, known, Floats())
            for name, value in self.proof.lines:
                known.setdefault(name, found.matrix(value))
        return found

    # -- the call ----------------------------------------------------------------------------------

    def _takes(self) -> list[str] | None:
        """Return the names that the function takes by its parameters, `None` where it takes the
        inputs in their order."""
        if self._is_torch_function:
            return None
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except (TypeError, ValueError):
            return None
        own = [p.name for p in parameters if p.default is p.empty and p.kind in (
            p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]  # fmt: skip
        known = {*self.program.leaves, *(f"d{name}" for name in self.program.leaves)}
        if own and known.issuperset(own):
            return own
        several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        if len(own) == len(self.given) or several:
            return None
        raise UnsupportedError(
            f"the function takes {_listed(own)}, which are not values of the program",
            hint=f"it may take {_listed(self.given)}, by these names or in this order",
        )

    @property
    def _is_torch_function(self) -> bool:
        torch = self.arrays.torch
        return (
            torch is not None
            and isinstance(self.function, type)
            and issubclass(self.function, torch.autograd.Function)
        )

    def _array(self, trial: Trial, name: str) -> Any:
        known = self._numbers(trial).values
        floats = known.get(name) or Table(trial.gradient(name[1:])).map(as_float)
        leaf = self.program.leaves[name if name in self.program.leaves else name[1:]]
        return self.arrays.made(floats[0][0] if leaf.shape.is_scalar else floats)

    def called(self, trial: Trial) -> _Seen:
        """Return what the function returns at a point, by names; raises `AssertionError`."""
        names = self.given if self.named is None else self.named
        arrays = {name: self._array(trial, name) for name in names}
        shapes = ", ".join(f"{name} {tuple(array.shape)}" for name, array in arrays.items())
        try:
            if self._is_torch_function:
                value = self._applied(trial, arrays)
            elif self.named is None:
                value = self.function(*arrays.values())
            else:
                value = self.function(**arrays)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise AssertionError(f"the function fails with {told}\n  given {shapes}") from error
        found = self._by_name(value)
        for name in self.wrt:
            self._insist(name, found[name], trial, arrays)
        return _Seen(trial, {name: self.arrays.read(found[name]) for name in self.wrt})

    def _applied(self, trial: Trial, arrays: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the gradients that a `torch.autograd.Function` hands back."""
        torch, output = self.arrays.torch, f"d{self.program.output}"
        leaves = [arrays[name].requires_grad_(name in self.wrt) for name in self.program.inputs]
        result = self.function.apply(*leaves)  # type: ignore[attr-defined]
        upstream = arrays.get(output, torch.ones_like(result)).reshape(result.shape)
        wanted = [arrays[name] for name in self.wrt]
        return torch.autograd.grad(result, wanted, upstream, allow_unused=True)

    def _by_name(self, value: Any) -> dict[str, Any]:
        """Return what the function returned by the names of the gradients."""
        wanted = _listed([f"d{name}" for name in self.wrt])
        if value is None:
            raise AssertionError(f"the function returns None, {wanted} expected")
        if isinstance(value, Mapping):
            found = {}
            for key, one in value.items():
                name = str(key)
                name = name[1:] if name not in self.program.leaves and name[:1] == "d" else name
                if name not in self.program.leaves:
                    near = nearest(str(key), [f"d{name}" for name in self.wrt])
                    raise AssertionError(f"the function returns {key!r}, {wanted} expected{near}")
                found[name] = one
            missing = [f"d{name}" for name in self.wrt if name not in found]
            if missing:
                raise AssertionError(f"the function returns no {_listed(missing)}")
            return found
        several = [*value] if isinstance(value, tuple | list) else [value]
        for names in (self.wrt, self.program.inputs):
            if len(several) == len(names):
                return dict(zip(names, several, strict=True))
        raise AssertionError(f"the function returns {count(len(several), 'array')}, {wanted} "
                             "expected")  # fmt: skip

    def _insist(self, name: str, value: Any, trial: Trial, given: Mapping[str, Any]) -> None:
        """Raise `AssertionError` for what is no array of the gradient's shape and precision."""
        if value is None:
            raise AssertionError(f"d{name} is None")
        array = self.arrays.read(value)
        if array is None:
            raise AssertionError(f"d{name} is {type(value).__name__}, an array of numbers expected")
        shape = self.program.leaves[name].shape
        expected = shape.extents(trial.sizes)
        if array.size != 1 if shape.is_scalar else array.shape != expected:
            truth = self._truth(name, trial)
            hint = ""
            if array.size == truth.size and array.ndim <= 2:
                if self._near(array.reshape(truth.shape), truth, value):
                    hint = f"\n  the numbers are right: reshape it to {expected}"
                elif array.ndim == 2 and self._near(array.T, truth, value):
                    hint = "\n  it is the transpose of the gradient"
            sizes = ", ".join(f"{dim} = {k}" for dim, k in trial.sizes.items())
            raise AssertionError(
                f"d{name} has the shape {array.shape}, {expected} expected as {name} has, "
                f"at {sizes}{hint}"
            )
        kinds = {self.arrays.dtype(x) for x in given.values()}
        if (kind := self.arrays.dtype(value)) not in kinds and not (
            isinstance(value, float) or shape.is_scalar
        ):
            raise AssertionError(
                f"d{name} has the dtype {kind}, {_listed(sorted(kinds))} expected as what is given"
            )

    # -- right or wrong ----------------------------------------------------------------------------

    def _truth(self, name: str, trial: Trial) -> Any:
        return self.arrays.numpy.array(self._numbers(trial).values[f"d{name}"])

    def _near(self, array: Any, truth: Any, value: Any = None) -> bool:
        np = self.arrays.numpy
        lost = LOST.get(str(self.arrays.kind).removeprefix("torch."), 1e-6)
        if self.tolerance is not None:
            lost = self.tolerance
        with suppress(TypeError):
            error = np.abs(np.asarray(array, dtype=float).reshape(truth.shape) - truth)
            return bool(np.all(error <= lost * np.max(np.abs(truth)) + lost * 1e-3))
        return False

    def _is_right(self, name: str, one: _Seen) -> bool:
        return self._near(one.found[name], self._truth(name, one.trial))

    # -- what is said ------------------------------------------------------------------------------

    def _told(self, name: str, seen: list[_Seen], at: Mapping[str, int]) -> str:
        small = next(self._small(name, at), seen[-1])
        with suppress(AssertionError):  # at every point that the function can be called at
            for trial in islice(self._points(at), len(seen), None):
                seen.append(self.called(trial))
        lines = [f"d{name} is wrong", *self._counterexample(name, small)]
        lines.append(f"the gradient is d{name} = {self.proof.gradients[name]}")
        before = [f"{left} = {right}" for left, right in self.proof.statements]
        if before:
            lines[-1] += f", where {', '.join(before)}"
        like = self._like(name, seen)
        if like is not None:
            claim = self.case.formulas.says(name, like)
            lines.append(f"at all {len(seen)} points the function agrees with {claim}")
            with suppress(DeriveError):
                if diagnosis := self.court.judgement(claim, TIMEOUT).diagnosis:
                    lines.append(str(diagnosis))
        return "\n  ".join(lines)

    def _small(self, name: str, at: Mapping[str, int]) -> Iterator[_Seen]:
        """Yield small points at which the function is wrong."""
        tries = (
            trial
            for sizes in self.points.smallest()
            if all(sizes.get(dim) == k for dim, k in at.items())
            for trial in self._steady(sizes, range(4))
        )
        for trial in islice(tries, MOST_SMALL):
            with suppress(AssertionError):
                one = self.called(trial)
                if not self._is_right(name, one):
                    yield one

    def _counterexample(self, name: str, one: _Seen) -> Iterator[str]:
        np, trial = self.arrays.numpy, one.trial
        truth = self._truth(name, trial)
        found = np.asarray(one.found[name], dtype=float).reshape(truth.shape)
        worst = np.abs(found - truth)
        i, j = (int(k) for k in np.unravel_index(np.argmax(np.where(
            np.isfinite(worst), worst, np.inf)), truth.shape))  # fmt: skip

        def table(rows: Any) -> str:
            if len(rows) == len(rows[0]) == 1:
                return str(rows[0][0])
            return "[" + ", ".join("[" + ", ".join(map(str, row)) + "]" for row in rows) + "]"

        sizes = ", ".join(f"{dim} = {k}" for dim, k in trial.sizes.items())
        values = ", ".join(f"{n} = {table(rows)}" for n, rows in trial.values.items())
        yield f"at {sizes}: {values}" if sizes else f"at {values}"
        place = "" if truth.size == 1 else f"[{i}, {j}]"
        yield f"d{name}{place} is {truth[i, j]:.10g}, the function returns {found[i, j]:.10g}"

    @cached_property
    def court(self) -> Court:
        words = {name: sorted(said) for name, said in self.points.assumed.items()}
        return Court(self.program, None, words)

    @property
    def case(self) -> Case:
        return self.court.case

    def _like(self, name: str, seen: Sequence[_Seen]) -> Expr | None:
        """Return a formula with which the function agrees at every point, `None` if none is known:
        the gradient, with one of the mistakes that people make."""
        truth, leaf = self.case.truth(name), self.program.leaves[name]
        points = [(self._numbers(one.trial), one.found[name]) for one in seen]
        made = chain(
            (m.formula for m in mistakes(truth, {}, own=leaf)),
            (v for _, _, v in repairs(truth, leaf.shape, self.program.dims)),
            (v for _, _, v in forgotten(truth, leaf.shape)),
        )
        fits = (v for v in islice(made, MOST_VARIANTS) if all(self._fits(v, *x) for x in points))
        return next(fits, None)

    def _fits(self, variant: Expr, at: Numbers, found: Any) -> bool:
        np = self.arrays.numpy
        try:
            rows = np.array(at.matrix(variant), dtype=float)
        except (DeriveError, ArithmeticError, ValueError, TypeError, KeyError):
            return False
        return rows.size == found.size and self._near(found, rows)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
