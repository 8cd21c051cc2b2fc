"""The command's entry: argv to exit status. What it does is in `commands`, imported when needed.

0 all proved, 1 something is refuted, 2 the input is wrong or a file cannot be read or written, 3
something is undecided, 4 this package has made a mistake, 130 somebody has stopped it. A user never
sees a traceback.

Where the system can fork, the work is done in a child that may have a gigabyte and that the system
ends where nothing else does: what a library in C does with a number is beyond Python's reach.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from derive import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; without arguments those of this process.

    >>> main(["--version"])
    derive 0.1.0
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:  # asked for by scripts: answered without a command parser
        print(f"derive {__version__}")
        return 0
    if arguments[:1] == ["build"]:
        from derive.command.kept import answer

        known = answer(arguments[1:])
        if known is not None:  # nothing has changed: said without a look at what makes documents
            print("\n".join(known[0]))
            return known[1]
    if argv is None:
        return _as_a_process(arguments)
    from derive.command.commands import run

    return run(arguments)


def _as_a_process(arguments: list[str]) -> int:
    """Run the command with the streams and signals of this process."""
    import gc
    import signal

    gc.set_threshold(10_000)  # what a short life leaves in circles is little

    def stop(signum: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one finds nothing more to stop
        raise KeyboardInterrupt

    try:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, stop)
        _open_streams()
        watched = _fork() if hasattr(os, "fork") else 0
        if watched:
            return _watch(watched)
        from derive.command.commands import run

        return run(arguments)
    except KeyboardInterrupt:
        with suppress(OSError):
            print("derive: stopped", file=sys.stderr)
        return 128 + signal.SIGINT


def _open_streams() -> None:
    """Give every stream that is closed nothing to read or to write; no file takes its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that has no ∂ still shows something
            stream.reconfigure(errors="backslashreplace")


def _fork() -> int:
    """Return the number of a child, and 0 in the child itself, which ends when its parent does."""
    from derive.expressions.limits import contain

    ear, mouth = os.pipe()
    child = os.fork()
    if child:
        os.close(ear)
        return child
    os.close(mouth)
    with suppress(ImportError, OSError, AttributeError):
        import fcntl

        # that nobody is left to write is a signal, which ends the process
        fcntl.fcntl(ear, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(ear, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    contain()
    return 0


def _watch(child: int) -> int:
    """Wait for the child that does the work, and return its exit status or say how it ended."""
    import signal

    from derive.expressions.errors import FAULT, UNDECIDED

    def hand_on(signum: int, frame: object) -> None:
        with suppress(OSError):
            os.kill(child, signum)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hand_on)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    if code in (-signal.SIGTERM, -signal.SIGHUP):
        return 128 - code
    if code == -signal.SIGPROF:
        message, code = "stopped: its time was over inside a calculation", UNDECIDED
    elif code == -signal.SIGKILL:
        message, code = "it was ended from outside, perhaps for want of memory", UNDECIDED
    else:
        name = signal.Signals(-code).name
        message, code = f"a fault of derive: a calculation ended with {name}", FAULT
    with suppress(OSError):
        print(f"derive: {message}; nothing was decided", file=sys.stderr, flush=True)
    return code
