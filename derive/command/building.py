"""A course is built: what changed is made again, side by side, and an index of all of it.

Enters a course file and a folder, leaves what became of each item. The law: whatever happens to an
item, the others are made; what is there stays whole until what takes its place is complete.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, NamedTuple

import click

from derive.command import asking, course as course_room, kept
from derive.command.asking import Asked
from derive.command.course import Course, Item
from derive.command.terminal import safe, word
from derive.expressions.crew import Crew
from derive.expressions.errors import FAULT, REFUTED, UNDECIDED, WRONG, DeriveError, OutputError
from derive.expressions.limits import TIMEOUT, limited, seconds, stage
from derive.notation.messages import of_entry, say, speaking, translated

#: What became of an item: its documents were made, or were there as they would be made; or why not.
MADE, SAME, ERROR = "made", "unchanged", "error"
#: What is worse comes first, of what documents say and of exit statuses.
_WORST = {"refuted": REFUTED, "undecided": UNDECIDED, "proved": 0}
#: Options that are paths.
PATHS = ("templates", "catalogue")
#: Seconds between two times at which what has been made is noted down.
_NOTED = 1.0


class Task(NamedTuple):
    """An item on its way to a worker: where it is made, and what it may write over."""

    item: Item
    home: str
    folder: str
    timeout: float | None
    replaced: tuple[str, ...]
    taken: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: its files, what the claims in it were found to be, or an error."""

    item: Item
    state: str
    files: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, str], ...] = ()
    message: str = ""
    code: int = 0
    seconds: float = 0.0
    kept: Mapping[str, Any] | None = None

    @property
    def status(self) -> int:
        """The exit status that this item alone would have."""
        worst = min((list(_WORST).index(word) for word, _ in self.verdicts), default=-1)
        return self.code or (list(_WORST.values())[worst] if worst >= 0 else 0)

    def plain(self) -> dict[str, Any]:
        """Return what became of the item as plain values, for `--json`."""
        line = self.item.place.line if self.item.place else None
        found = {
            "item": self.item.number, "line": line, "kind": self.item.kind,
            "target": self.item.target, "name": self.item.name, "state": self.state,
            "files": list(self.files), "message": self.message,
            "verdicts": [{"claim": claim, "verdict": word} for word, claim in self.verdicts],
        }  # fmt: skip
        told = {key: value for key, value in found.items() if value not in ("", None, [])}
        return told | {"seconds": round(self.seconds, 6)}


@dataclass(frozen=True)
class Build:
    """What a build has done: every item, the index, and what was removed.

    `status` is the exit status of the command: 0 where all was made and nothing is refuted, and
    `problem` says why there is no index where it could not be written.
    """

    course: Course
    folder: Path
    items: tuple[Outcome, ...]
    index: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problem: str = ""

    @cached_property
    def status(self) -> int:
        found = {outcome.status for outcome in self.items} | ({WRONG} if self.problem else set())
        order = (FAULT, REFUTED, UNDECIDED, WRONG)
        return next((code for code in order if code in found), 0)

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain values, for `--json`."""
        return {
            "title": self.course.title, "folder": str(self.folder),
            "items": [outcome.plain() for outcome in self.items],
            "index": list(self.index), "removed": list(self.removed),
            **({"message": self.problem} if self.problem else {}),
        }  # fmt: skip


def build(
    course: str | Path = kept.COURSE,
    folder: str | Path | None = None,
    *,
    jobs: int | None = None,
    timeout: float | None = TIMEOUT,
    progress: Callable[[float], None] | None = None,
    arguments: list[str] | None = None,
    **options: Any,
) -> Build:
    """Make the documents that a course file lists, those alone that are not there as they should.

    >>> import pathlib, tempfile
    >>> place = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (place / "course.toml").write_text('[[item]]' + chr(10) + 'graph = "z = x * y"')
    >>> found = build(place / "course.toml", place / "out", format="md", jobs=1)
    >>> [outcome.files for outcome in found.items], found.index, found.status
    ([('z-graph.svg', 'z-graph.md')], ('index.md',), 0)
    >>> build(place / "course.toml", place / "out", format="md", jobs=1).items[0].state
    'unchanged'

    `options` come before those of the file: the long options of the commands, as the file has
    them. `jobs` is the number of processes, as many as there are processors by default, `timeout`
    the seconds that an item may take, and `progress` is called with the part that is done. Paths in
    the file begin where it stands. Raises `ParseError` where the file is no course, and
    `OutputError` where it cannot be read or nothing can be written; an item that is wrong is one of
    the outcomes.
    """
    file = Path(course)
    told = {name.replace("_", "-"): value for name, value in options.items() if value is not None}
    for name in told:
        asking.known(name)
        if name in PATHS:  # those of the file begin where it stands
            told[name] = os.path.abspath(told[name])
    found = course_room.read(file, told)
    where = Path(kept.usual(str(file)) if folder is None else folder)
    return _Builder(found, where, seconds(timeout), arguments).build(jobs, progress)


class _Builder:
    """One build: what the last one has kept, and what this one finds."""

    def __init__(
        self, course: Course, folder: Path, timeout: float | None, arguments: list[str] | None
    ):
        self.course, self.folder, self.timeout = course, folder, timeout
        self.arguments = arguments
        self.home = course.file.resolve().parent
        self.package, self.around = kept.package(look=True), kept.surroundings()
        self.stamped = kept.package()  # before anything is made
        self.read = {str(course.file.resolve()): kept.content(str(course.file))}
        self.last = kept.read(str(course.file), str(folder)).get("items", {})
        self.now: dict[str, Any] = {}
        self.noted = monotonic()

    def build(self, jobs: int | None, progress: Callable[[float], None] | None) -> Build:
        found: dict[int, Outcome] = {}
        tasks: list[Task] = []
        self._sweep()
        for item in self.course.items:
            if item.error is not None:
                place = item.error.place or item.place
                error = type(item.error)(item.error.message, hint=item.error.hint)
                found[item.number] = _wrong(replace(item, place=place), error)
            elif self._is_made(item):
                record = self.now[item.name] = self.last[item.name]
                verdicts = tuple((word, claim) for word, claim in record["verdicts"])
                found[item.number] = Outcome(item, SAME, tuple(record["files"]), verdicts)
            else:
                tasks.append(self._task(item))
        if progress is not None:
            progress(len(found) / len(self.course.items))
        if tasks:
            self._writable()
        crew: Crew[Task, Outcome] = Crew(
            min(jobs or _processors(), len(tasks) or 1), made, _lost, self.timeout
        )
        try:
            for _, outcome in crew.finished(tasks):
                found[outcome.item.number] = outcome
                if outcome.kept is not None:
                    self.now[outcome.item.name] = self._record(outcome)
                    self._note()
                if progress is not None:
                    progress(len(found) / len(self.course.items))
        except BaseException:
            self._sweep()
            self._note(self._with_last())
            raise
        outcomes = tuple(found[item.number] for item in self.course.items)
        fresh = tuple(n for one in outcomes if one.state == MADE for n in one.files)
        self._keep_what_failed(outcomes)
        index: tuple[str, ...] = ()
        changed: tuple[str, ...] = ()
        problem = ""
        try:
            index, changed = self._index()
        except OutputError as error:  # what became of the items is said all the same
            problem = str(error)
            if "" in self.last:
                self.now[""] = {**self.last[""], "key": ""}
        removed = tuple(self._remove())
        build = Build(
            self.course, self.folder, outcomes, index, (*fresh, *changed), removed, problem
        )
        self._note(self.now, build)
        return build

    # -- what is there -----------------------------------------------------------------------------

    def _key(self, item: Item) -> str:
        said = json.dumps(
            [item.kind, item.target, item.title, dict(item.said)], sort_keys=True, default=str
        )
        return kept.digest(said, self.package, self.around)

    def _is_made(self, item: Item) -> bool:
        """Whether the last build made it of the same things, and its files are as they were."""
        record = self.last.get(item.name)
        return (
            bool(record)
            and record["key"] == self._key(item)
            and all(kept.content(path) == word for path, word in record["reads"].items())
            and all(self._content(name) == word for name, word in record["files"].items())
        )

    def _content(self, name: str) -> str:
        return kept.content(os.path.join(self.folder, name))

    def _task(self, item: Item) -> Task:
        taken = self._bases(item) | {course_room.INDEX}
        return Task(item, str(self.home), str(self.folder.resolve()), self.timeout,
                    self._questions(), taken)  # fmt: skip

    def _bases(self, but: Item | None = None) -> frozenset[str]:
        """Return how the names of files begin that other items write."""
        others = (one for one in self.course.items if one is not but and one.error is None)
        return frozenset(base.lower() for one in others for base in one.bases)

    def _questions(self) -> tuple[str, ...]:
        """Return what the files of the last build answer: this one may write over them."""
        return tuple({word for record in self.last.values() for word in record["questions"]})

    def _record(self, outcome: Outcome) -> dict[str, Any]:
        """Return what is kept of an item that was made."""
        from derive.documents.files import question_of

        files = {name: self._content(name) for name in outcome.files}
        texts = ((self.folder / name).read_bytes().decode("utf-8", "replace") for name in files)
        return {
            "key": self._key(outcome.item), "files": files,
            "questions": sorted({question_of(text) for text in texts}),
            "verdicts": outcome.verdicts, **(outcome.kept or {}),
        }  # fmt: skip

    def _keep_what_failed(self, outcomes: tuple[Outcome, ...]) -> None:
        """Keep what was there of items that could not be made."""
        for outcome in outcomes:
            name = outcome.item.name
            if outcome.state == ERROR and name in self.last:
                self.now[name] = {**self.last[name], "key": ""}

    def _with_last(self) -> dict[str, Any]:
        return {**self.last, **self.now}

    # -- the index, and what is no longer made -----------------------------------------------------

    def _index(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Write the index where it is not as it should; return its files, and those written."""
        listed = [
            [item.title or self.now[item.name]["title"], item.kind,
             list(self.now[item.name]["files"]), self.now[item.name]["fragment"]]
            for item in self.course.items if item.name in self.now
        ]  # fmt: skip
        forms = list(dict.fromkeys(
            form for item in self.course.items if item.name in self.now
            for form in self.now[item.name]["formats"]
        ))  # fmt: skip
        if not listed:
            return (), ()
        told = json.dumps(
            [self.course.title, listed, forms, self._setting()], sort_keys=True, default=str
        )
        key = kept.digest(told, self.package, self.around)
        last = self.last.get("")
        if (
            last
            and last["key"] == key
            and all(self._content(name) == word for name, word in last["files"].items())
        ):
            self.now[""] = last
            return tuple(last["files"]), ()
        from derive.documents.course import Index, Listed, index_formats

        index = Index(self.course.title, tuple(
            Listed(title, kind, tuple(files), fragment) for title, kind, files, fragment in listed
        ))  # fmt: skip
        paths = index.save(
            self.folder, index_formats(forms), replaced=self._questions(),
            taken=self._bases(),
            **self._setting(),
        )  # fmt: skip
        names = tuple(path.name for path in paths)
        self.now[""] = self._record(Outcome(Item(0), MADE, names)) | {"key": key, "reads": {}}
        return names, names

    def _setting(self) -> dict[str, Any]:
        """Return how the index is set, of what holds for all items."""
        said = self.course.options
        found = {name: said[name] for name in ("language", "templates") if said.get(name)}
        if "templates" in found:
            found["templates"] = str(self.home / found["templates"])
        return found

    def _remove(self) -> Iterator[str]:
        """Remove the files of the last build that are made no longer, as far as they are as they
        were written, and yield their names."""
        now = kept.files(self.now)
        for name, written in kept.files(self.last).items():
            if name not in now and self._content(name) == written:
                with suppress(OSError):
                    os.unlink(os.path.join(self.folder, name))
                    yield name

    # -- what is kept ------------------------------------------------------------------------------

    def _note(self, items: Mapping[str, Any] | None = None, build: Build | None = None) -> None:
        """Note down what has been made, from time to time, and in the end."""
        if items is None:
            if monotonic() < self.noted + _NOTED:
                return
            items = self._with_last()
        self.noted = monotonic()
        found: dict[str, Any] = {"form": kept.FORM, "items": items}
        if (
            build is not None
            and not build.problem
            and all(one.state != ERROR for one in build.items)
        ):
            reads = self.read | {p: w for one in items.values() for p, w in one["reads"].items()}
            found |= {
                "asked": [self.arguments, self.around], "package": self.stamped, "reads": reads,
                "files": {n: kept.stamp(str(self.folder / n)) for n in kept.files(items)},
                "status": build.status, "answer": [safe(x) for x in answered(build, again=True)],
            }  # fmt: skip
        from derive.documents.files import write_whole

        path = Path(kept.place(str(self.course.file), str(self.folder)))
        text = json.dumps(found, ensure_ascii=False, indent=0) + "\n"
        with suppress(OSError):
            if path.read_text("utf-8") == text:
                return
        if items or path.parent.is_dir():
            with suppress(OutputError):  # then all is made again the next time
                write_whole({path: text})

    def _writable(self) -> None:
        """Raise `OutputError` where nothing can be written, before anything is worked out."""
        place = self.folder
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            why = "it may not be written to" if place.is_dir() else f"{place} is no folder"
            raise OutputError(
                f"cannot write to {self.folder}: {why}", hint="choose another folder with -o"
            )

    def _sweep(self) -> None:
        """Remove what a build that was ended has left half written: files that nobody has seen."""
        bases = {f"{course_room.INDEX}.", f".{kept.stem(str(self.course.file))}.build.json."}
        bases |= {base for item in self.course.items for base in item.bases}
        with suppress(OSError), os.scandir(self.folder) as entries:
            for one in list(entries):
                half = re.fullmatch(r"\.(.+)\.[a-z0-9_]{8}", one.name)
                if half and half[1].startswith(tuple(bases)):
                    with suppress(OSError):
                        os.unlink(one.path)


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def answered(build: Build, again: bool = False) -> Iterator[str]:
    """Yield what a build says of what it found, in lines; `again` what it would say next time."""
    for outcome in build.items:
        for found, claim in outcome.verdicts:
            if found != "proved":
                yield f"{translated(word(found)):<10}{outcome.item}: {claim}"
    items = len(build.items)
    counts = {SAME: items} if again else {
        state: sum(one.state == state for one in build.items) for state in (MADE, SAME, ERROR)
    }  # fmt: skip
    told = ", ".join(
        translated(say("told.some", count=n, state=translated(word(state))))
        for state, n in counts.items() if n
    )  # fmt: skip
    key = "told.items-one" if items == 1 else "told.items"
    yield translated(say(key, count=items, counts=told))


# -- one item --------------------------------------------------------------------------------------


def made(task: Task) -> Outcome:
    """Make the documents of one item, whatever happens; its paths begin where the course stands."""
    start, item = perf_counter(), task.item
    try:
        os.chdir(task.home)
        asked = asking.asked(item.kind, item.target, item.said)
        with limited(task.timeout), speaking(asked.given["language"]):
            return _documented(task, asked, start)
    except DeriveError as error:
        return _wrong(item, error, start)
    except click.ClickException as error:
        return _wrong(item, DeriveError(error.format_message()), start)
    except (RecursionError, MemoryError) as error:
        message = f"this is too large to be worked out ({type(error).__name__})"
        return Outcome(item, ERROR, message=message, code=UNDECIDED)
    except Exception as error:  # a fault of ours ends one item, and never the course
        message = f"a fault of derive: {type(error).__name__}: {error}, {stage(error)}"
        return Outcome(item, ERROR, message=message, code=FAULT)


def _documented(task: Task, asked: Asked, start: float) -> Outcome:
    from derive.command.delivery import formats
    from derive.command.options import setting
    from derive.documents.check import Judged

    item, given = task.item, asked.given
    if given["output"] is not None:
        raise OutputError("the documents of a course are in one folder")
    forms = formats(given)
    pieces = given["fragment"] or item.said.get("fragment") is None
    each = {"tex": {"fragment": True, "level": given["level"] or "subsection"}} if pieces else {}
    names: list[str] = []
    verdicts: list[tuple[str, str]] = []
    for document in asked.documents():
        called = item.name
        if isinstance(document, Judged):
            called += "-" + document.name.rpartition("-")[2]
            verdicts.append((document.judgement.verdict, document.judgement.claim))
        paths = document.save(
            task.folder, forms, called=_unlike(called, names), each=each, replaced=task.replaced,
            taken=task.taken, **setting(given),
        )  # fmt: skip
        names += [path.name for path in paths]
    title = item.title or _title(asked)
    reads = {str(Path(path).resolve()): kept.content(path) for path in _read_by(asked)}
    record = {"title": title, "formats": list(forms), "fragment": bool(pieces), "reads": reads}
    spent = perf_counter() - start
    return Outcome(item, MADE, tuple(names), tuple(verdicts), seconds=spent, kept=record)


def _unlike(called: str, names: list[str]) -> str:
    """Return a name that no document of the same item has."""
    stems = {name.partition(".")[0] for name in names}
    others = (called, *(f"{called}-{number}" for number in range(2, len(names) + 3)))
    return next(name for name in others if name not in stems)


def _title(asked: Asked) -> str:
    """Return what an item is called in the index where it does not say."""
    from derive.catalogue import load, names
    from derive.catalogue.shelf import ENDING
    from derive.notation.escape import one_line

    if asked.target in names(asked.given["catalogue"]) or asked.target.endswith(ENDING):
        return translated(of_entry(load(asked.target, asked.given["catalogue"]), "title"))
    return one_line(asked.target) or asked.target


def _read_by(asked: Asked) -> Iterator[str]:
    """Yield the files and folders of the user that an item is made of."""
    for said in (asked.target, *(asked.given.get(o) for o in ("templates", "catalogue", "values"))):
        with suppress(OSError, ValueError):
            if isinstance(said, str) and os.path.exists(said):
                yield said


def _wrong(item: Item, error: DeriveError, start: float | None = None) -> Outcome:
    spent = 0.0 if start is None else perf_counter() - start
    return Outcome(item, ERROR, message=str(error), code=error.exit_code, seconds=spent)


def _lost(task: Task, message: str, spent: float) -> Outcome:
    return Outcome(task.item, ERROR, message=message, code=UNDECIDED, seconds=spent)
