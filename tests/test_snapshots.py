"""The committed examples are what the command writes now, every file and no other."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from examples import EXAMPLES, FOLDER, NAMES, written

from derive.documents.files import unsealed


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return written(tmp_path_factory.mktemp("examples"))


def test_every_listed_file_is_there_and_no_other():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_what_the_command_writes(name, fresh):
    kept = (FOLDER / name).read_text("utf-8")
    assert kept == fresh[name], "run `python tests/examples.py`, and look at the difference"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_text_is_the_same_in_every_process(seed):
    command = [sys.executable, "-m", "derive", "prove", EXAMPLES[4][2][0], *EXAMPLES[4][2][1:]]
    done = subprocess.run(
        [*command, "-o", "-", "-f", "md"],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
        capture_output=True, cwd=FOLDER.parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == unsealed((FOLDER / "network.md").read_text("utf-8"))
