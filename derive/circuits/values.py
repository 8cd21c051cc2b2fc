"""The numbers that a user gives: text, a file or Python values to exact fractions, by name.

What enters may be wrong in every way: a name too few or too many, a matrix of another shape, text
that is no number. Each is refused with the name and what was expected. Decimals are exact: 0.1 is
1/10. A size that the shapes leave open follows from the matrices.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from derive.expressions.errors import OutputError, ParseError, ShapeError, UnsupportedError, nearest
from derive.expressions.program import Program
from derive.expressions.shape import Product, Shape, count, words
from derive.language.toml_text import read_toml
from derive.proof.sizes import sizes_at, with_values
from derive.readings.base import Table

Matrix = list[list[Fraction]]

#: A longer text is not read as a number, a longer file not as values.
LONGEST, LARGEST = 200, 20_000_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?(/\d+)?\Z")


class Point(NamedTuple):
    """A matrix for each input, the sizes that they have, and the upstream gradient if given."""

    values: Mapping[str, Matrix]
    sizes: Mapping[str, int]
    seed: Matrix | None = None


def read_values(source: str | Path) -> dict[str, Any]:
    """Return the values that a text (`x=-2, X=[[1, 2], [3, 4]]`) or a .json or .toml file gives.

    >>> read_values("x=-2, y=1/3, X=[[1, 2], [3, 4.5]]")
    {'x': '-2', 'y': '1/3', 'X': [['1', '2'], ['3', '4.5']]}
    """
    text = str(source)
    if isinstance(source, Path) or re.fullmatch(r"[^=\[\]]+\.(json|toml)", text.strip(), re.I):
        return _file(Path(text.strip()))
    found: dict[str, Any] = {}
    for item in _items(text):
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not name:
            raise UnsupportedError(
                f"values are written x=-2,y=5, not {_brief(item)}",
                hint="a matrix is a nested list: X=[[1,2],[3,4]]; a file ends in .json or .toml",
            )
        if name in found:
            raise UnsupportedError(f"{name} has two values")
        found[name] = _nested(name, value)
    return found


def point(
    program: Program,
    given: Mapping[str, Any],
    sizes: Mapping[str, int] | None = None,
    *,
    partial: bool = False,
) -> Point:
    """Return the point that values give to a program, complete and of the right shapes.

    >>> from derive.language.parse import parse
    >>> found = point(parse("X: (n, 2); f = sum(X)"), {"X": [[1, 2], [3, "0.5"]]})
    >>> found.values["X"][1], dict(found.sizes)
    ([Fraction(3, 1), Fraction(1, 2)], {'n': 2, 'd': 2})

    With `partial` inputs may be missing, and their sizes follow from the others where they can.
    Raises `UnsupportedError` for a value that is missing, not wanted or not a number, `ShapeError`
    for one of another shape.
    """
    output = program.output
    wanted = {name: program.leaves[name].shape for name in program.inputs}
    known = {f"d{output}": output.shape, **wanted}
    for name in given:
        if name not in known:
            if name in program.leaves:
                raise UnsupportedError(
                    f"{name} is computed by the program and takes no value",
                    hint=f"values are given to {_listed(wanted)}",
                )
            raise UnsupportedError(
                f"there is no input {name}{nearest(name, known)}",
                hint=f"values are given to {_listed(wanted)}" if wanted else "it has no inputs",
            )
    missing = [] if partial else [name for name in wanted if name not in given]
    if missing:
        raise UnsupportedError(
            f"{_listed(missing)} {'has' if len(missing) == 1 else 'have'} no value",
            hint=f"add {', '.join(f'{name}=...' for name in missing)}",
        )
    bound: dict[str, tuple[int, str]] = {
        dim: (k, "the program") for dim, k in program.sizes.items()
    }
    bound |= {dim: (k, "the sizes asked for") for dim, k in (sizes or {}).items()}
    # a product of sizes is read after the sizes of which it is made
    order = sorted(
        known.items(), key=lambda item: any(isinstance(d, Product) for d in item[1].dims)
    )
    values = {
        name: _matrix(name, given[name], shape, bound) for name, shape in order if name in given
    }
    seed = values.pop(f"d{output}", None)
    settled = {dim: k for dim, (k, _) in bound.items()}
    return Point(values, (with_values if partial else sizes_at)(program, settled), seed)


# -- one value -------------------------------------------------------------------------------------


def number(name: str, value: Any) -> Fraction:
    """Return one exact number; raises `UnsupportedError` for anything else.

    >>> number("x", "2.50"), number("x", "1/3"), number("x", 0.1)
    (Fraction(5, 2), Fraction(1, 3), Fraction(1, 10))
    """
    if isinstance(value, bool) or value is None:
        raise UnsupportedError(f"{name} is {str(value).lower()}, a number is expected")
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnsupportedError(f"{name} is {value}, a finite number is expected")
        return Fraction(repr(float(value)))  # NumPy has floats with another repr
    text = str(value).strip() if isinstance(value, str) or _is_numeric(value) else ""
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise UnsupportedError(f"{name} is {text}, a finite number is expected")
    if not _NUMBER.match(text) or len(text) > LONGEST:
        raise UnsupportedError(
            f"{name} is {_brief(value)}, a number is expected",
            hint="numbers are written 3, -0.5, 1e-3 or 1/3",
        )
    top, _, bottom = text.partition("/")
    if bottom and int(bottom) == 0:
        raise UnsupportedError(f"{name} is {text}: division by zero")
    return Fraction(top) / int(bottom or 1)


def _is_numeric(value: Any) -> bool:
    """Whether a value is a number of another library, such as NumPy's or decimal's."""
    return hasattr(value, "__float__") and not isinstance(value, list | tuple | dict)


def _matrix(name: str, value: Any, shape: Shape, bound: dict[str, tuple[int, str]]) -> Matrix:
    if hasattr(value, "tolist") and not isinstance(value, list):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        value = [[value]]
    elif not any(isinstance(row, list | tuple) for row in value):
        # a flat list is a row or a column, whichever the shape asks for
        value = [value] if shape.rows == 1 else [[x] for x in value]
    rows = [list(row) if isinstance(row, list | tuple) else None for row in value]
    if not rows or any(row is None for row in rows):
        raise ShapeError(f"{name} is no matrix: a nested list such as [[1, 2], [3, 4]] is expected")
    lengths = {len(row) for row in rows if row is not None}
    if len(lengths) != 1 or 0 in lengths:
        raise ShapeError(f"{name} has rows of different lengths: {sorted(lengths)}")
    for axis, (dim, found) in enumerate(zip(shape.dims, (len(rows), *lengths), strict=True)):
        noun = "row" if axis == 0 else "column"
        if isinstance(dim, int):
            expected, because = dim, "its shape"
        elif isinstance(dim, Product):
            expected, because = _product(dim, found, f"the {noun}s of {name}", bound)
        else:
            expected, because = bound.setdefault(dim, (found, f"the {noun}s of {name}"))
        if expected != found:
            reason = "" if isinstance(dim, int) else f": {dim} = {expected} by {because}"
            raise ShapeError(
                f"{name} has {count(found, noun)}, {expected} expected{reason}",
                hint=f"{name} is {shape}",
            )
    table = Table(rows)
    return Table.of(
        table.extents, lambda *place: number(_entry(name, place, shape), table.at(place))
    )


def _product(
    dim: Product, found: int, because: str, bound: dict[str, tuple[int, str]]
) -> tuple[int, str]:
    """Return what a product of sizes must be; one factor that is open follows from the others."""
    known = prod(bound[f][0] if f in bound else 1 for f in words(dim))
    known *= prod(f for f in dim.dims if isinstance(f, int))
    missing = [f for f in words(dim) if f not in bound]
    if len(missing) > 1:
        raise UnsupportedError(
            f"{because} are {dim} = {found}, which leaves {missing[0]} open",
            hint=f"give it with --at {missing[0]}=2",
        )
    if missing and found % known == 0:
        bound[missing[0]] = (found // known, because)
        return found, because
    return known, "the sizes known so far"


def _entry(name: str, place: tuple[int, ...], shape: Shape) -> str:
    return name if shape.is_scalar else f"{name}[{', '.join(str(k + 1) for k in place)}]"


# -- text and files --------------------------------------------------------------------------------


def _items(text: str) -> list[str]:
    """Return the parts of a text between the commas that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth < 0:
            break
        if character in ",;\n" and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    if depth != 0:
        raise ParseError(f"the brackets of {_brief(text)} do not match")
    return [part for part in (*parts, text[start:]) if part.strip()]


def _nested(name: str, text: str, depth: int = 0) -> Any:
    """Return a number as text, or the nested list that a text writes down."""
    if not text.startswith("["):
        return text
    if not text.endswith("]"):
        raise ParseError(f"{name} is {_brief(text)}: a list ends with a bracket")
    if depth == 8:
        raise ShapeError(f"{name} is no matrix: a nested list such as [[1, 2], [3, 4]] is expected")
    inner = _items(text[1:-1])
    return [_nested(name, item.strip(), depth + 1) for item in inner]


def _file(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():  # a pipe may never end
            raise OutputError(f"cannot read {path}: it is no file")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > LARGEST:
        raise OutputError(f"{path} has more than the {LARGEST:,} bytes that are read")
    try:
        text = data.decode("utf-8-sig")
        found = read_toml(text, str(path)) if path.suffix.lower() == ".toml" else _json(text)
    except UnicodeDecodeError as error:
        raise ParseError(f"{path} is not UTF-8 text: byte {error.start + 1}") from None
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ParseError(f'{path} holds no names: an object such as {{"x": -2}} is expected')
    return found


def _json(text: str) -> Any:
    import json

    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def _listed(names: Any) -> str:
    words = list(names)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."
