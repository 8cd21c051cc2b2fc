"""The command's entry: argv to exit status. What it does is in `commands`, imported when needed.

0 all proved, 1 something was not proved, 2 the input is wrong. A user never sees a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from derive import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    >>> main(["--version"])
    derive 0.1.0
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:  # asked for by scripts: answered without a command parser
        print(f"derive {__version__}")
        return 0
    from derive.commands import run

    return run(arguments)
