"""A reader of pages that were set: the lines of a PDF, where they stand, and what they are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

#: The height of the text on A4 with margins of 2 cm above and below, in points.
TEXT = 729.0
PAGE = re.compile(r"<page .*?</page>", re.S)
WORD = re.compile(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="[\d.]+" yMax="([\d.]+)">(.*?)</word>')


class Line(NamedTuple):
    """Words on one height of a page, from left to right."""

    top: float
    bottom: float
    text: str

    @property
    def is_prose(self) -> bool:
        """Whether words stand in a row, as in a sentence and not in a formula or a cell."""
        return re.search(r"(?:\b[A-Za-z]{2,}[,.:;]?\s+){3}[A-Za-z]{2,}", self.text) is not None


def pages(pdf: Path, pdftotext: str) -> list[list[Line]]:
    """Return the lines of each page, from the top down, without the number at its foot."""
    done = subprocess.run([pdftotext, "-bbox", pdf, "-"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [_lines(page) for page in PAGE.findall(done.stdout)]


def _lines(page: str) -> list[Line]:
    words = [(float(y), float(x), float(end), text) for x, y, end, text in WORD.findall(page)]
    rows: list[list[tuple[float, float, float, str]]] = []
    for word in sorted(words, key=lambda one: (one[0] + one[2]) / 2):
        middle = (word[0] + word[2]) / 2
        if rows and abs(middle - (rows[-1][-1][0] + rows[-1][-1][2]) / 2) < 3:
            rows[-1].append(word)
        else:
            rows.append([word])
    found = [
        Line(min(w[0] for w in row), max(w[2] for w in row),
             " ".join(w[3] for w in sorted(row, key=lambda one: one[1])))
        for row in rows
    ]  # fmt: skip
    return [line for line in found if not re.fullmatch(r"\d+", line.text) or line.bottom < 770]


def without_prose(found: list[list[Line]]) -> list[int]:
    """Return the pages on which no sentence stands: what is on them is alone there."""
    return [k for k, lines in enumerate(found, 1) if not any(line.is_prose for line in lines)]


def height(found: list[list[Line]], first: str, last: str) -> float:
    """Return how high is what stands from the line that begins so to that before which begins so;
    what is left blank behind it, or at the foot of a page, is no part of it."""
    places = [(k, line) for k, lines in enumerate(found) for line in lines]
    (begin,) = [place for place in places if place[1].text.startswith(first)]
    (end,) = [place for place in places if place[1].text.startswith(last)]
    total = 0.0
    for k in range(begin[0], end[0] + 1):
        top = begin[1].top if k == begin[0] else found[k][0].top
        within = [line for line in found[k] if (k, line.top) < (end[0], end[1].top)]
        bottom = within[-1].bottom if within else top
        total += bottom - top
    return total
