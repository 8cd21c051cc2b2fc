"""A reader of our own LaTeX: from what is printed back to a number or a matrix of numbers.

It knows the conventions of a page and nothing of the package: + and - last, then the entrywise
signs, then products; a sum reaches to the end of its term. A `1` in bold is a column of ones, as
long as what stands beside it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import mpmath
import numpy as np

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|\S")
SPACES = {r"\,", r"\ ", r"\thinspace", r"\displaystyle"}
CLOSING = {
    ")", "]", "}", "&", r"\\", r"\end", r"\rvert", r"\rVert", ">", r"\le", r"\ne",
    "=", ",", "",
}  # fmt: skip
COMPARED = {
    ">": lambda x, y: mpmath.mpf(x > y),
    r"\le": lambda x, y: mpmath.mpf(x <= y),
    "=": lambda x, y: mpmath.mpf(x == y),
    r"\ne": lambda x, y: mpmath.mpf(x != y),
}
OVER = {r"\max": max, r"\min": min, r"\prod": mpmath.fprod}
EXTREMA = {
    "rowmax": (np.max, 1), "rowmin": (np.min, 1), "colmax": (np.max, 0), "colmin": (np.min, 0),
}  # fmt: skip
FUNCTIONS = {
    r"\sigma": lambda x: 1 / (1 + mpmath.exp(-x)),
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "leaky-relu": lambda x, a: x if x > 0 else a * x,
    "elu": lambda x: x if x > 0 else mpmath.expm1(x),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "sign": mpmath.sign,
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "normcdf": mpmath.ncdf,
    "normpdf": mpmath.npdf,
    "where": lambda c, a, b: a if c else b,
    "g": lambda x: 1 + (x + 2) / (x * x + 1),  # what stands for a function that is left open
    "g'": lambda x: (1 - 4 * x - x * x) / (x * x + 1) ** 2,
    "g''": lambda x: (2 * x**3 + 12 * x * x - 6 * x - 4) / (x * x + 1) ** 3,
    **{rf"\{name}": getattr(mpmath, name)
       for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
}  # fmt: skip


def _softmax(A: np.ndarray) -> np.ndarray:
    E = np.frompyfunc(mpmath.exp, 1, 1)(A)
    return E / E.sum(axis=1, keepdims=True)


def _logsumexp(A: np.ndarray) -> np.ndarray:
    E = np.frompyfunc(mpmath.exp, 1, 1)(A)
    return np.frompyfunc(mpmath.log, 1, 1)(E.sum(axis=1, keepdims=True))


def _det(A: np.ndarray) -> np.ndarray:
    return np.array([[mpmath.det(mpmath.matrix(A.tolist()))]], dtype=object)


def _inv(A: np.ndarray) -> np.ndarray:
    return np.array((mpmath.matrix(A.tolist()) ** -1).tolist(), dtype=object)


#: Functions of a whole matrix.
WHOLE = {
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "logsoftmax": lambda A: A - _logsumexp(A),
    r"\det": _det,
    r"\log\det": lambda A: np.array([[mpmath.log(_det(A)[0, 0])]], dtype=object),
    "outer": lambda u, v: np.outer(u, v),
    "prod": lambda A: np.prod(A, keepdims=True).reshape(1, 1),
    "colprod": lambda A: np.prod(A, axis=0, keepdims=True),
    "rowprod": lambda A: np.prod(A, axis=1, keepdims=True),
    "colcumsum": lambda A: np.cumsum(A, axis=0),
    "rowcumsum": lambda A: np.cumsum(A, axis=1),
    "diag": lambda v: np.diag(v.ravel()) + mpmath.mpf(0),
    "diagonal": lambda A: np.diagonal(A).reshape(-1, 1),
    "vec": lambda A: A.reshape(-1, 1, order="F"),
    "unvec": lambda v, rows, cols: v.reshape((rows, cols), order="F"),
    "kron_left": lambda G, B: _blocks(G, B, "ikjl,kl->ij", 1, 3),
    "kron_right": lambda G, A: _blocks(G, A, "kilj,kl->ij", 0, 2),
}


def _blocks(G: np.ndarray, F: np.ndarray, places: str, rows: int, cols: int) -> np.ndarray:
    dims = [G.shape[0] // len(F), G.shape[0] // len(F), G.shape[1] // len(F.T), 0]
    dims[3] = dims[2]
    dims[rows], dims[cols] = F.shape
    return np.einsum(places, G.reshape(dims), F, optimize=False)


class Unreadable(Exception):
    """What is printed does not determine a number: ones whose number nothing tells."""


@dataclass(frozen=True)
class Value:
    """Rows of numbers; along a free axis one row or column stands for any number of equal ones."""

    cells: np.ndarray
    free: tuple[bool, bool] = (False, False)
    numeral: bool = False

    @property
    def single(self) -> bool:
        return self.cells.shape == (1, 1) and self.free == (False, False)


def number(x: Any) -> Value:
    return Value(np.array([[mpmath.mpf(x)]], dtype=object), numeral=True)


@dataclass
class Page:
    """What the letters of a page mean: matrices by their name, entries by letter and index."""

    matrices: Mapping[str, np.ndarray]
    letters: Mapping[str, Callable[..., Any]]
    numbers: Mapping[str, int]
    partial: Callable[[str, list[int], str, list[int]], Any]
    gradients: Mapping[tuple[str, str], Callable[..., Any]]
    loss: str
    base: int = 1
    indices: dict[str, int] = field(default_factory=dict)
    numeral: Callable[[str], Any] = mpmath.mpf
    slice: Callable[[str, str, list[int]], Any] | None = None

    def read(self, tex: str) -> Value:
        """Return the value of a formula; it must be read to its end."""
        tex = re.sub(r"\\textstyle |\\hspace\{2pt\}", " ", tex).replace(r"\\[3pt]", r"\\")
        tex = tex.replace(r"\text{-}", "-")
        tex = re.sub(r"\\begin\{aligned\}\s*&|\\end\{aligned\}|\\\\\s*&\s*\{\}", " ", tex)
        tex = re.sub(r"\\noalign\{[^}]*\}", " ", tex)
        tex = re.sub(r"\{\}|\\\\\[\d+pt\]", lambda m: r"\\" if m[0][0] == "\\" else " ", tex)
        reader = _Reader(self, TOKEN.findall(re.sub(r"\\([Bb]igg?)[lr]", "", tex)))
        value = reader.sum()
        assert reader.at == len(reader.tokens), f"left over: {reader.tokens[reader.at :]}"
        return value


class _Reader:
    def __init__(self, page: Page, tokens: list[str]):
        self.page, self.tokens, self.at = page, [t for t in tokens if t not in SPACES], 0

    # -- tokens ------------------------------------------------------------------------------------

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        assert not expected or token in expected, f"{token!r} where {expected} should stand"
        self.at += 1
        return token

    def group(self) -> list[str]:
        """Take a group in braces, or one token, unread."""
        if self.next != "{":
            return [self.take()]
        begin, depth = self.at + 1, 0
        while True:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)
            if depth == 0:
                return self.tokens[begin : self.at - 1]

    def inside(self, tokens: list[str]) -> Value:
        reader = _Reader(self.page, tokens)
        value = reader.sum()
        assert reader.at == len(reader.tokens), f"left over: {reader.tokens[reader.at :]}"
        return value

    # -- the grammar -------------------------------------------------------------------------------

    def sum(self) -> Value:
        negative = self.next == "-" and bool(self.take())
        value = self.entrywise()
        value = _entrywise(lambda x: -x, value) if negative else value
        while self.next in ("+", "-"):
            sign = self.take()
            value = _entrywise(
                (lambda x, y: x + y) if sign == "+" else (lambda x, y: x - y),
                value,
                self.entrywise(),
            )
        return value

    def entrywise(self) -> Value:
        value = self.product()
        while self.next in (r"\odot", r"\oslash", r"\otimes"):
            sign = self.take()
            if sign == r"\otimes":
                value = Value(np.kron(value.cells, self.product().cells))
                continue
            if sign == r"\oslash" and value.single:  # a number over each entry
                value = Value(value.cells, (True, True))
            value = _entrywise(
                (lambda x, y: x * y) if sign == r"\odot" else (lambda x, y: x / y),
                value, self.product(),
            )  # fmt: skip
        return value

    def product(self) -> Value:
        value = self.factor()
        while self.next not in CLOSING | {"+", "-", r"\odot", r"\oslash", r"\otimes", r"\right"}:
            if self.next == r"\cdot":
                self.take()
            value = _times(value, self.factor())
        return value

    def factor(self) -> Value:
        if self.next == r"\sum":
            return self.summation()
        value = self.function() or self.atom()
        while self.next == "^":
            self.take()
            value = _raised(value, self.group())
        return value

    def summation(self) -> Value:
        self.take(r"\sum")
        self.take("_")
        index, equals, low = self.group()
        assert equals == "="
        self.take("^")
        high = int(self.inside(self.group()).cells[0, 0])
        begin, total, outer = self.at, number(0), dict(self.page.indices)
        for k in range(int(low), high + 1):
            self.at = begin
            self.page.indices[index] = k - self.page.base
            total = _entrywise(lambda x, y: x + y, total, self.product())
        self.page.indices.clear()
        self.page.indices.update(outer)
        return Value(total.cells, total.free)

    def extremum(self, choose: Callable) -> Value:
        """Read a maximum over indices, whose ranges stand below it."""
        self.take("_")
        indices, ranges = [], []
        for part in "\n".join(self.group()).split(","):
            low, index, high = (t.split() for t in part.split(r"\le"))
            indices += index
            last = int(self.inside(high).cells[0, 0])
            ranges.append(range(int("".join(low)), last + 1))
        begin, found, outer = self.at, [], dict(self.page.indices)
        for places in product(*ranges):
            self.at = begin
            self.page.indices.update({k: v - self.page.base for k, v in zip(indices, places)})
            found.append(self.product().cells[0, 0])
        self.page.indices.clear()
        self.page.indices.update(outer)
        return _plain(choose(found))

    def function(self) -> Value | None:
        begin = self.at
        name = self.take()
        if name in (r"\operatorname", r"\mathrm"):
            name = "".join(self.group())
        if name == r"\log" and self.next == r"\det":
            name += self.take()
        shape: list[int] = []
        if name in ("kron", "unvec") and self.next == "_":
            self.take()
            inside = self.group()
            if name == "kron":
                name = "kron_" + "".join(inside[2:-1])
            else:
                sides = "\n".join(inside).split(r"\times")
                shape = [int(self.inside(side.split()).cells[0, 0]) for side in sides]
        while name[0] == "g" and self.next == "'":
            name += self.take()
        if name == "g" and {"g"} & {*self.page.matrices, *self.page.letters}:
            self.at = begin
            return None
        power = None
        if self.next == "^" and (name in FUNCTIONS):
            self.take()
            power = self.group()
        if name in OVER and self.next == "_":
            return self.extremum(OVER[name])
        opened = self.next == "(" or self.tokens[self.at : self.at + 2] == [r"\left", "("]
        if self.next == r"\begin" and (
            name in FUNCTIONS or name in EXTREMA or name in WHOLE or name in ("sum", "mean", "tr")
        ):
            end = self.at
            value = self.matrix()
            self.tokens[end : self.at] = ["(", *self.tokens[end : self.at], ")"]
            self.at, opened = end, True
        if not opened or name not in {
            *FUNCTIONS,
            "sum",
            "mean",
            "tr",
            r"\max",
            r"\min",
            *EXTREMA,
            *WHOLE,
        }:
            self.at = begin
            return None
        if name in WHOLE:
            given = self.bracketed()
            if any(argument.free != (False, False) for argument in given):
                raise Unreadable
            return Value(WHOLE[name](*(argument.cells for argument in given), *shape))
        arguments = self.bracketed()
        if name in EXTREMA or (
            name in (r"\max", r"\min") and not arguments[0].single and len(arguments) == 1
        ):
            (argument,) = arguments
            choose, axis = EXTREMA.get(name, (np.min if name == r"\min" else np.max, None))
            value = Value(np.atleast_2d(choose(argument.cells, axis=axis, keepdims=True)))
        elif name in (r"\max", r"\min"):
            choose = max if name == r"\max" else min
            value = _entrywise(choose, *arguments)
        elif name in FUNCTIONS:
            value = _entrywise(FUNCTIONS[name], *arguments)
        else:
            (argument,) = arguments
            if argument.free != (False, False):
                raise Unreadable
            cells = argument.cells
            total = mpmath.fsum(np.diagonal(cells) if name == "tr" else cells.flat)
            value = number(total / (cells.size if name == "mean" else 1))
            value = Value(value.cells)
        return _raised(value, power, entrywise=True) if power else value

    def bracketed(self) -> list[Value]:
        """Read what stands in brackets: values between commas."""
        if self.next == r"\left":
            self.take()
        self.take("(", "[", r"\lvert", r"\lVert")
        values = [self.sum()]
        while self.next in (",", *COMPARED):
            sign = self.take()
            if sign in COMPARED:
                values.append(_entrywise(COMPARED[sign], values.pop(), self.sum()))
            else:
                values.append(self.sum())
        if self.next == r"\right":
            self.take()
        self.take(")", "]", r"\rvert", r"\rVert")
        return values

    def atom(self) -> Value:
        token = self.next
        page = self.page
        if token[:1].isdigit():
            return number(page.numeral(self.take()))
        if r"\lVert" in self.tokens[self.at : self.at + 2]:
            (value,) = self.bracketed()
            if self.next == "_":
                self.take()
                assert self.group() == ["F"]
            return _plain(mpmath.sqrt(mpmath.fsum(x * x for x in value.cells.flat)))
        if token in ("(", "[", r"\lvert") or (
            token == r"\left" and self.tokens[self.at + 1] != "."
        ):
            bars = r"\lvert" in (token, self.tokens[self.at + 1])
            (value,) = self.bracketed()
            value = _entrywise(abs, value) if bars else value
            return self.entry_of(value) if self.next == "_" else value
        if token == r"\left":
            self.take(), self.take(".")
            self.take(r"\frac")
            above, below = self.group(), self.group()
            self.take(r"\right"), self.take(r"\rvert"), self.take("_")
            return self.derivative(above, below, "".join(self.group()))
        if token == r"\frac":
            self.take()
            above, below = self.group(), self.group()
            if above[0] == r"\partial":
                return self.derivative(above, below, "")
            return _divided(self.inside(above), self.inside(below))
        if token == r"\sqrt":
            self.take()
            return _entrywise(mpmath.sqrt, self.inside(self.group()))
        if token == r"\mathbf":
            self.take()
            digit = int(self.group()[0])
            return Value(number(digit).cells, (True, digit == 0))
        if token == r"\begin":
            cases = self.tokens[self.at + 1 : self.at + 4] == ["{", "c", "a"]
            return self.cases() if cases else self.matrix()
        if token == r"\underset":
            self.take()
            self.group()
            value = self.inside(self.group())
            return value
        name = self.name()
        if name in page.matrices:
            return Value(np.array(page.matrices[name], dtype=object))
        if name in page.numbers:
            return number(page.numbers[name])
        if name in page.indices:  # one of two that are compared
            return number(page.indices[name] + page.base)
        letter, index = _split(name)
        assert letter in page.letters, f"what is {name}?"
        return _plain(page.letters[letter](*self.places(index)))

    def name(self) -> str:
        """Take a letter with its scripts, as far as they belong to a name."""
        parts = [self.take()]
        if parts[0] in (r"\mathit", r"\operatorname", r"\mathrm", r"\hat", r"\bar", r"\tilde"):
            parts.append("{" + "".join(self.group()) + "}")
        while self.next in ("_", "^"):
            begin = self.at
            sign, group = self.take(), self.group()
            if sign == "^" and group[0] != "(":
                self.at = begin
                break
            parts.append(f"{sign}{{{''.join(group)}}}")
        return "".join(parts)

    def places(self, index: list[str]) -> list[int]:
        return [int(k) - self.page.base if k.isdigit() else self.page.indices[k] for k in index]

    def entry_of(self, value: Value) -> Value:
        self.take("_")
        places = self.places(_indices(self.group()))
        cells = value.cells
        if cells.shape == (1, 1) and value.free == (True, True):
            return _plain(cells[0, 0])
        if len(places) == 1:
            places = (
                [0, *places] if value.cells.shape[0] == 1 and not value.free[0] else [*places, 0]
            )
        i, j = (0 if free else k for k, free in zip(places, value.free, strict=True))
        return _plain(cells[i, j])

    def derivative(self, above: list[str], below: list[str], through: str) -> Value:
        page = self.page
        top, bottom = ("".join(tokens[1:]).replace(r"\,", "") for tokens in (above, below))
        if top == page.loss:
            name = rf"\frac{{\partial{page.loss}}}{{\partial{bottom}}}" + (
                f"|{through}" * bool(through)
            )
            if name in page.matrices:
                return Value(np.array(page.matrices[name], dtype=object))
            letter, index = _split(_Reader(page, TOKEN.findall(bottom)).name())
            if (letter, through) in page.gradients:
                return _plain(page.gradients[letter, through](*self.places(index)))
            if through:
                raise KeyError(through)
        if top in page.matrices and page.matrices[top].shape != (1, 1):
            x, a = _split(_Reader(page, TOKEN.findall(bottom)).name())
            return Value(page.slice(top, x, self.places(a)))
        (y, i), (x, a) = (_split(_Reader(page, TOKEN.findall(t)).name()) for t in (top, bottom))
        return _plain(page.partial(y, self.places(i), x, self.places(a)))

    def cases(self) -> Value:
        """Read values, each with where it is taken; somewhere one of them is."""
        self.take(r"\begin"), self.group()
        found: list[tuple[Value, Value]] = []
        while self.next != r"\end":
            value = self.sum()
            self.take("&")
            left = self.sum()
            found.append((_entrywise(COMPARED[self.take()], left, self.sum()), value))
            if self.next == r"\\":
                self.take()
        self.take(r"\end"), self.group()
        (first, a), (second, b) = found
        whether = _entrywise(lambda x, y: mpmath.mpf(x != y), first, second)
        assert all(whether.cells.flat), "one case or the other"
        return _entrywise(lambda c, x, y: x if c else y, first, a, b)

    def matrix(self) -> Value:
        self.take(r"\begin")
        self.group()
        rows: list[list[Any]] = [[]]
        while self.next != r"\end":
            if self.next == "&":
                self.take()
            elif self.next == r"\\":
                self.take()
                rows.append([])
            elif self.next in (r"\cdots", r"\vdots", r"\ddots"):
                raise Unreadable
            else:
                rows[-1].append(self.sum().cells[0, 0])
        self.take(r"\end")
        self.group()
        return Value(np.array(rows, dtype=object))


# -- arithmetic of values --------------------------------------------------------------------------


def _plain(x: Any) -> Value:
    return Value(np.array([[x]], dtype=object))


def _entrywise(function: Callable, *values: Value) -> Value:
    """Apply a function entry by entry; shapes agree, only numerals and free axes stretch."""
    fixed = [v for v in values if not v.numeral]
    for axis in (0, 1):
        sizes = {v.cells.shape[axis] for v in fixed if not v.free[axis]}
        assert len(sizes) <= 1, f"shapes {[v.cells.shape for v in values]} do not agree"
    free = tuple(bool(fixed) and all(v.free[axis] for v in fixed) for axis in (0, 1))
    arrays = [v.cells for v in values]
    cells = np.frompyfunc(function, len(arrays), 1)(*arrays)
    return Value(np.array(cells, dtype=object), free, not fixed)  # type: ignore[arg-type]


def _times(a: Value, b: Value) -> Value:
    """Return the product of matrices, or of a number and a matrix."""
    if a.single or b.single:
        many = b if a.single else a
        return Value(a.cells * b.cells, many.free, a.numeral and b.numeral)
    inner_a, inner_b = a.cells.shape[1], b.cells.shape[0]
    if a.free[1] and b.free[0]:
        raise Unreadable
    if a.free[1]:
        cells = np.repeat(a.cells, inner_b, axis=1) @ b.cells
    elif b.free[0]:
        cells = a.cells @ np.repeat(b.cells, inner_a, axis=0)
    else:
        assert inner_a == inner_b, f"a product of {a.cells.shape} and {b.cells.shape}"
        cells = a.cells @ b.cells
    return Value(cells, (a.free[0], b.free[1]))


def _divided(a: Value, b: Value) -> Value:
    assert b.single, "a fraction's denominator is a number"
    return Value(a.cells / b.cells[0, 0], a.free, a.numeral and b.numeral)


def _raised(value: Value, exponent: list[str], entrywise: bool = False) -> Value:
    if exponent == [r"\top"]:
        return Value(value.cells.T, value.free[::-1])  # type: ignore[arg-type]
    if exponent in (["-", "1"], ["-", r"\top"]) and not (entrywise or value.single):
        inverse = _inv(value.cells)
        return Value(inverse if exponent[1] == "1" else inverse.T)
    if exponent[0] == r"\odot":
        exponent, entrywise = exponent[1:], True
    assert entrywise or value.single, "a power of a matrix would be a product"
    above, _, below = "".join(exponent).partition("/")
    power = int(above) if not below else mpmath.mpf(int(above)) / int(below)
    return _entrywise(lambda x: x**power, value)


def _split(name: str) -> tuple[str, list[str]]:
    """Return a letter and its indices: `w^{(1)}_{ij}` is `w^{(1)}` and i, j."""
    found = re.fullmatch(r"(.*)_\{([^}]*(?:_\{\d+\})?[^}]*)\}", name)
    if not found:
        return name, []
    return found[1], _indices(TOKEN.findall(found[2]))


def _indices(tokens: list[str]) -> list[str]:
    if "," in tokens:
        return "".join(tokens).split(",")
    return [k for token in tokens for k in token]
