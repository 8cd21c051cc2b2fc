"""Formats, timed: a document in each against bare writing of as many bytes, and a course built.

Run `python tests/benchmarks/formats.py`. Everything is CPU time, the least of three; of a format it
is that of printing a document whose proof is there. The last lines are processes: the course of the
examples built, built again where nothing has changed, and built again where one item has; ratios
are to `derive --version` in the same run. Nothing is asserted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

from against import cpu

import derive
from derive.documents.formats import FORMATS

COURSE = Path(__file__).parents[2] / "output" / "examples" / "course" / "course.toml"
PROGRAMS = {"affine": "affine", "attention": "attention"}


def least(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the CPU time of the fastest of some rounds, the first of which is not counted."""
    work()
    times = []
    for _ in range(rounds):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)


def formats() -> None:
    print(f"{'document':12}{'format':8}{'bytes':>9}{'printed':>10}{'written':>10}{'ratio':>8}")
    for name, program in PROGRAMS.items():
        proof = derive.prove(program)
        for form in FORMATS:
            try:
                made = proof.render(form)
            except derive.OutputError as error:
                print(f"{name:12}{form:8} {error.message}")
                continue
            data = made if isinstance(made, bytes) else made.encode()
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "bare"
                bare = least(lambda path=path, data=data: path.write_bytes(data), 20)
            spent = least(lambda proof=proof, form=form: proof.render(form))
            print(f"{name:12}{form:8}{len(data):9,}{spent * 1e3:7.1f} ms{bare * 1e3:7.2f} ms"
                  f"{spent / bare:8.0f}")  # fmt: skip


def course() -> None:
    run = ["-m", "derive"]
    version = min(cpu([*run, "--version"])[0] for _ in range(5))
    print(f"\n{'process':44}{'CPU time':>10}{'ratio':>8}")
    print(f"{'derive --version':44}{version * 1e3:7.0f} ms{1:8.1f}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "course.toml"
        text = COURSE.read_text("utf-8")
        build = [*run, "build", str(file), "-o", str(Path(folder) / "made")]
        for what, said, rounds in (
            ("derive build, all of the course", text, 1),
            ("again, nothing has changed", text, 5),
            ("again, one item has changed", text.replace("seed = 7", "seed = 8"), 1),
        ):
            file.write_text(said, "utf-8")
            spent = min(cpu(build)[0] for _ in range(rounds))
            print(f"{what:44}{spent * 1e3:7.0f} ms{spent / version:8.1f}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] == "formats":
        formats()
    if len(sys.argv) < 2 or sys.argv[1] == "course":
        course()
