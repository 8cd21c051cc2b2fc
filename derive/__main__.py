"""Run the command, as `derive` and as `python -m derive`."""

import _signal  # type: ignore[import-not-found]

if _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN:  # until somebody listens:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # no traceback of an import

import sys

from derive.command.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
