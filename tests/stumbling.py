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
