"""A crew: processes that work side by side, each on one task, so that any of them can be ended.

Tasks enter as they come, answers leave. The law: every task has an answer, also where its process
is lost, and no process outlives the work. A pool of `concurrent.futures` breaks as a whole when one
of its processes ends.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from derive.expressions.limits import GRACE, contain

if TYPE_CHECKING:
    from multiprocessing import connection

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class Crew(Generic[Task, Answer]):
    """Processes for tasks. `work` does one, within `timeout` seconds by its own clock.

    `lost` makes the answer to a task whose process is gone, of what happened and after how many
    seconds; `known` is the answer to one that needs no work, else `None`. Work, tasks and answers
    go through pipes.
    """

    def __init__(
        self,
        jobs: int,
        work: Callable[[Task], Answer],
        lost: Callable[[Task, str, float], Answer],
        timeout: float | None = None,
        known: Callable[[Task], Answer | None] = lambda task: None,
    ):
        self.jobs, self.work, self.lost, self.timeout = jobs, work, lost, timeout
        self.known = known
        self.workers: list[_Worker] = []

    def answers(self, tasks: Iterable[Task], window: int | None = None) -> Iterator[Answer]:
        """Yield the answers in the order of the tasks, no more than a window of tasks ahead."""
        done: dict[int, Answer] = {}
        given = 0
        most = window or 8 * self.jobs

        def may(taken: int) -> bool:
            return taken - given < most

        for number, answer in self.finished(tasks, may):
            done[number] = answer
            while given in done:
                yield done.pop(given)
                given += 1

    def finished(
        self, tasks: Iterable[Task], may: Callable[[int], bool] = lambda taken: True
    ) -> Iterator[tuple[int, Answer]]:
        """Yield the answers as they come, each with the number of its task; a further task is
        taken where it may be, by how many were."""
        source, left, taken = enumerate(tasks), True, 0
        try:
            while True:
                while left and may(taken) and (idle := self._idle()) is not None:
                    following = next(source, None)
                    if following is None:
                        left = False
                        break
                    number, task = following
                    taken += 1
                    known = self.known(task)
                    if known is None:
                        idle.take(number, task, self.work, self.timeout)
                    else:
                        yield number, known
                if not left and all(worker.idle for worker in self.workers):
                    return
                yield from self._ready()
        finally:
            for worker in self.workers:
                worker.end()
            self.workers.clear()

    def _idle(self) -> _Worker | None:
        for worker in self.workers:
            if worker.idle:
                return worker
        if len(self.workers) < self.jobs:
            self.workers.append(_Worker())
            return self.workers[-1]
        return None

    def _ready(self) -> Iterator[tuple[int, Answer]]:
        """Wait until a worker has an answer, or is beyond its time; yield what there is."""
        from multiprocessing import connection

        busy = [worker for worker in self.workers if not worker.idle]
        ends = [worker.deadline for worker in busy if worker.deadline is not None]
        wait = max(0.0, min(ends) - monotonic()) if ends else None
        ready = connection.wait([worker.pipe for worker in busy], wait)
        for worker in busy:
            number, task = worker.number, worker.task
            if worker.pipe in ready:
                answer, why = (
                    worker.answer(),
                    "the worker process ended, perhaps for want of memory",
                )
            elif worker.deadline is not None and monotonic() > worker.deadline:
                answer, why = None, f"stopped after {self.timeout:g} seconds from outside"
            else:
                continue
            if answer is None:
                worker.end()
                self.workers.remove(worker)
                answer = (self.lost(task, why, monotonic() - worker.started),)
            yield number, answer[0]


def forks() -> bool:
    """Whether workers are forks, which keep operators that were added on the fly; beside threads
    that is not safe."""
    return sys.platform == "linux" and threading.active_count() == 1


class _Worker:
    """A process that works, and the pipe to it."""

    def __init__(self) -> None:
        from multiprocessing import get_context

        context: Any = get_context("fork" if forks() else "spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
        self.process.start()
        theirs.close()
        self.idle = True
        self.number = -1
        self.task: Any = None
        self.deadline: float | None = None
        self.started = 0.0

    def take(self, number: int, task: Any, work: Any, timeout: float | None) -> None:
        self.number, self.task, self.started, self.idle = number, task, monotonic(), False
        self.deadline = None if timeout is None else self.started + timeout + GRACE + timeout / 2
        with suppress(OSError):  # a worker that has ended is seen when its answer is read
            self.pipe.send((work, task))

    def answer(self) -> tuple[Any] | None:
        """Return the answer, `None` where there will be none."""
        try:
            found = self.pipe.recv()
        except (EOFError, OSError):
            return None
        self.idle = True
        return (found,)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(pipe: connection.Connection, parent: int) -> None:
    """Work until the pipe is closed, or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    contain()
    with suppress(EOFError, OSError):
        while True:
            while not pipe.poll(5):
                if os.getppid() != parent:
                    return
            work, task = pipe.recv()
            pipe.send(work(task))
