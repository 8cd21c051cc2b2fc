"""Cells to the text of a Jupyter notebook.

Enters what is to be read and what is to be run, in order; leaves JSON as nbformat 4.5 writes it, to
the byte, so that Jupyter changes nothing where nothing was changed. The law: the same cells are the
same text, their ids too.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2s
from typing import Any, NamedTuple


class Cell(NamedTuple):
    """Markdown, or a program in Python that `runs`; with pictures in SVG that it shows, by name."""

    text: str
    runs: bool = False
    pictures: Mapping[str, str] = {}


def notebook(cells: Iterable[Cell]) -> str:
    """Return a notebook of cells.

    >>> found = json.loads(notebook([Cell("# A sum"), Cell("1 + 1", runs=True)]))
    >>> [(cell["cell_type"], cell["source"]) for cell in found["cells"]], found["nbformat_minor"]
    ([('markdown', ['# A sum']), ('code', ['1 + 1'])], 5)
    """
    seen: Counter[str] = Counter()
    made = {
        "cells": [_cell(cell, seen) for cell in cells],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return _json(made) + "\n"


def _cell(cell: Cell, seen: Counter[str]) -> dict[str, Any]:
    text = cell.text.strip()
    known = blake2s(text.encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()
    seen[known] += 1
    found: dict[str, Any] = {
        "cell_type": "code" if cell.runs else "markdown",
        "id": known if seen[known] == 1 else f"{known}-{seen[known]}",
        "metadata": {},
        "source": text.splitlines(True),
    }
    if cell.runs:
        return found | {"execution_count": None, "outputs": []}
    if cell.pictures:
        found["attachments"] = {
            name: {"image/svg+xml": b64encode(svg.encode()).decode("ascii")}
            for name, svg in cell.pictures.items()
        }
    return found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
