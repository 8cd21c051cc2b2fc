"""What a reader of a document stumbles over, as patterns of LaTeX that no document has.

Each is a kind of line that was found on a page and read twice.
"""

from __future__ import annotations

import re

DOLLARS = r"\$([^$]+)\$"
STUMBLING = {
    "a derivative above another fraction bar": r"\\frac\{[^{}]*\\frac\{\\partial",
    "the same shapes twice": rf"mnemonic: {DOLLARS} and \$\1\$",
    "fractions without air between them": r"\\frac\{\d+\}\{[^{}]*\}\\frac\{\\partial",
    "and before the last of three alone": r"definition of [^,;\\&]* and of [^,;\\&]* and of ",
    "a number between a one and its row": r"\\mathbf\{1\} *(?:\\cdot|\\,) *\\frac\{1\}",
    "the entries of a number": r"the entries of \$(?:\\epsilon|c|s)\$ are",
}


def stumbles(tex: str) -> list[str]:
    """Return what a reader stumbles over in a document, by name."""
    text = " ".join(tex.split())
    return [name for name, pattern in STUMBLING.items() if re.search(pattern, text)]


def trivial(page: str) -> list[str]:
    """Return which equations of numbers behind the usual mistake say nothing, in Markdown: that
    something is itself, or what was said already."""
    _, _, numbers = page.partition("usual mistake*")
    shown = r" \qquad ".join(re.findall(r"\$\$(.*?)\$\$", numbers, re.S))
    within = r"(?s)\\begin\{(pmatrix|cases)\}.*?\\end\{\1\}"
    shown = re.sub(within, lambda m: m[0].replace(r"\\", "/"), shown)
    said = re.split(r"\\(?:begin|end)\{gathered\}|\\\\|\\qquad", shown)
    said = [one.strip(" ,\n") for one in said if one.strip(" ,\n")]
    sides = ([*map(str.strip, one.split("="))] for one in said)
    itself = [one for one, both in zip(said, sides, strict=True) if len({*both}) < len(both)]
    return itself + [one for k, one in enumerate(said) if one in said[:k]]
