"""Time and memory: what an answer may cost at most, whatever the input.

Budgets are counted in steps and decide what is undecided, so that an answer does not depend on the
machine. What no budget foresaw is stopped where loops ask (`tick`): by the clock, and where the
process has grown by a gigabyte since the answer was begun. A library sets its host no limits. Where
a process of our own does the work (`contain`) the system has them too, and ends what does not come
back, such as a call into FLINT.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import prod
from time import monotonic
from traceback import walk_tb
from types import CodeType, FrameType
from typing import Any, TypeVar

from derive.expressions.errors import LimitError, SizeError, UnsupportedError

#: Seconds that one answer may take where nobody says otherwise; a slow machine may be given more.
TIMEOUT = 60.0
with suppress(KeyError, ValueError):
    TIMEOUT = float(os.environ["DERIVE_TIMEOUT"])
#: Entries that are worked out in numbers, sums of an entry counted with their terms.
MOST_CELLS = 4_000_000
#: Bytes that an answer may take, and that a process of ours may have.
MEMORY = 1 << 30
#: The memory of the process is looked at so often, in seconds.
LOOK = 0.05
#: What may be taken beyond a time limit before a process is ended from outside, in seconds.
GRACE = 1.0


class TimeUp(BaseException):
    """The time limit, raised wherever the work is; not to be caught by the way."""


class _Clock(threading.local):
    """When the work of a thread has to end, and whether its process may be ended with it."""

    end: float | None = None
    room: int | None = None
    look: float = 0.0


_clock = _Clock()
_contained = False


def tick() -> None:
    """Raise `TimeUp` where the time of this thread's work is over, `MemoryError` without room."""
    clock, now = _clock, monotonic()
    if clock.end is not None and now > clock.end:
        raise TimeUp
    if clock.room is not None and now > clock.look:
        clock.look = now + LOOK
        if resident() > clock.room:
            raise MemoryError


def resident() -> int:
    """Return the bytes of memory that this process has, 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0


class Cells:
    """Entries that one reading may work out; what would take more is refused before it is begun."""

    __slots__ = ("left",)

    def __init__(self, left: int = MOST_CELLS):
        self.left = left

    def spend(self, *dims: int) -> None:
        """Take as many entries as a matrix of these dimensions has; the clock is asked too.

        >>> Cells().spend(10**7, 9)
        Traceback (most recent call last):
            ...
        derive.expressions.errors.SizeError: the numbers of 10000000×9 entries are too many
        """
        self.left -= prod(dims)
        if self.left < 0:
            shown = "×".join(map(str, dims))
            raise SizeError(f"the numbers of {shown} entries are too many")
        tick()


def seconds(limit: float | None) -> float | None:
    """Return a time limit, checked; `None` is no limit.

    >>> seconds(60)
    60
    """
    if limit is not None and not 0 < limit < 1e6:
        raise UnsupportedError(f"a time limit is a positive number of seconds, {limit:g} is not")
    return limit


@contextmanager
def within(limit: float | None) -> Iterator[None]:
    """Raise `TimeUp` inside the block when so many seconds are over; an outer limit stays.

    What is around everything else has so much room, too: `MemoryError` is raised beyond it.

    >>> with within(60):
    ...     tick()
    """
    outer, room = _clock.end, _clock.room
    if room is None:
        _clock.room = resident() + MEMORY
    try:
        if limit is None or (outer is not None and monotonic() + limit >= outer):
            yield
        else:
            _clock.end = monotonic() + limit
            with _alarm(limit):
                yield
    finally:
        _clock.end, _clock.room = outer, room


@contextmanager
def _alarm(limit: float) -> Iterator[None]:
    """Ring where the work is: on the main thread, unless somebody else has set the alarm."""
    alarm = getattr(signal, "setitimer", None)
    if (
        alarm is None
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, _ring)
    ):
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    left, _ = alarm(signal.ITIMER_REAL, limit, 0.2)  # again: one in a destructor is lost
    start = monotonic()
    # the process ends if so much of its time does not bring it back
    hard, _ = alarm(signal.ITIMER_PROF, limit + GRACE) if _contained else (0.0, 0.0)
    try:
        yield
    finally:
        alarm(signal.ITIMER_REAL, 0)
        if _contained:
            alarm(signal.ITIMER_PROF, hard)
        signal.signal(signal.SIGALRM, before)
        if left:  # the alarm of a limit around this one
            alarm(signal.ITIMER_REAL, max(left - (monotonic() - start), 1e-3), 0.2)


def _ring(signum: int, frame: FrameType | None) -> None:
    if frame is None or frame.f_globals.get("__name__") not in ("weakref", "_weakrefset"):
        raise TimeUp  # what is raised where a weak reference ends is lost, and said to be


@contextmanager
def limited(limit: float | None, doing: str = "") -> Iterator[None]:
    """Give what is done in a block so many seconds, unless what is around it has a limit already.

    Raises `LimitError` where they are over, and where formulas are too deep or too large.
    """
    limit = seconds(limit) if _clock.end is None else None
    try:
        with within(limit):
            yield
    except TimeUp as error:
        if limit is None:
            raise
        raise LimitError(f"stopped after {limit:g} seconds, {doing or stage(error)}") from None
    except RecursionError:
        raise LimitError("the formulas are nested too deeply to be worked out") from None
    except MemoryError:
        raise LimitError("this needs more memory than an answer may have") from None


#: What is being done to a claim where nothing more is known.
JUDGED = "while it was judged"
#: What may be being done, by the word that functions have for it.
STAGES = {
    "reading": "while the program was read",
    "deriving": "while the gradient was derived",
    "checking": "while the steps were checked",
    "comparing": "while the normal forms were compared",
    "trying": "while it was tried at a few points",
    "satisfying": "while a point was sought at which both sides have a value",
    "refuting": "while the smallest counterexample was sought; it had not been proved",
    "guessing": "while the nearest true variant was sought",
    "restricting": "while the sizes where it holds were sought",
    "at-sizes": "while it was judged at sizes; it had not been proved",
    "choosing": "while numbers were chosen",
    "working-out": "while the numbers were worked out",
    "writing": "while the document was written",
}
Work = TypeVar("Work", bound=Callable[..., Any])
#: What is being done while a function is at work, by its code: a word of `STAGES`.
_AT_WORK: dict[CodeType, str] = {}


def during(doing: str) -> Callable[[Work], Work]:
    """Have a function say what is being done while it is at work, should the time be over then."""

    def told(function: Work) -> Work:
        assert doing in STAGES
        _AT_WORK[function.__code__] = doing
        return function

    return told


def at_work(error: BaseException) -> str:
    """Return what was being done when an error arose, by its word; nothing if that is not known."""
    codes = (frame.f_code for frame, _ in walk_tb(error.__traceback__))
    return next((_AT_WORK[code] for code in codes if code in _AT_WORK), "")


def stage(error: BaseException, otherwise: str = "while it was worked out") -> str:
    """Return what was being done when an error arose, in words."""
    return STAGES.get(at_work(error), otherwise)


def contain() -> None:
    """Let this process have so much memory, and let it be ended where its time is over."""
    global _contained
    _contained = True
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        least = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
        resource.setrlimit(resource.RLIMIT_DATA, (least, most))
