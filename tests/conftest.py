"""What the tests share: outside tools that a laptop may lack and that CI may not."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Many tests at once on few cores: no answer of a test depends on how busy the machine is.
os.environ.setdefault("DERIVE_TIMEOUT", "900")
# The processes that tests start keep what they compile: else each would read the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# The same examples in every run; DERIVE_SEARCH=1 looks for new ones.
SEARCH = bool(os.environ.get("DERIVE_SEARCH"))
settings.register_profile("derive", deadline=None, print_blob=True, derandomize=not SEARCH)
settings.load_profile("derive")


#: Files whose tests share a fixture that takes long.
TOGETHER = ("test_browser.py", "test_builds.py", "test_catalogue.py", "test_snapshots.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let the tests about one program run one after the other in one process, as those of a file do
    that have much in common: what is made once is there for all of them (see told.py)."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return about(nodeid)

    return Scheduling(config, log)


def about(nodeid: str) -> str:
    """Return what a test is about: its program, by its name or text, or all of its file.

    >>> [about(f"tests/test_a.py::test_b[{one}]") for one in ("mm-left", "huber dy", "X: (n, d)")]
    ['mm-left', 'huber', 'X: (n, d)']
    """
    file, _, test = nodeid.partition("::")
    parameter = test.partition("[")[2].rstrip("]")
    named = re.match(r"([a-z][\w-]{3,})(?: d\w+)?$", parameter)
    return file if file.endswith(TOGETHER) else named[1] if named else parameter or nodeid


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Find a tool by name; without it skip the test, or fail it where DERIVE_CI is set.

    A program is found on the PATH, a package of npm in the folder that DERIVE_KATEX names, a module
    where Python looks for it, a package of LaTeX where that has it, and a page with all that it
    fetches where DERIVE_PAGE says.
    """

    def find(name: str) -> str:
        found = package(name) or shutil.which(name) or module(name) or style(name) or folder(name)
        if found:
            return found
        if os.environ.get("DERIVE_CI"):
            pytest.fail(f"{name} is not installed, and CI skips nothing")
        pytest.skip(f"{name} is not installed")

    return find


def package(name: str) -> str | None:
    """What npm has installed: the program of a package, or its folder."""
    folder = Path(os.environ.get("DERIVE_KATEX") or os.devnull, "node_modules")
    found = (one for one in (folder / ".bin" / name, folder / name) if one.exists())
    return next(map(str, found), None)


def module(name: str) -> str | None:
    return name if name in ("sphinx", "myst_parser", "typst") and find_spec(name) else None


def style(name: str) -> str | None:
    """Where LaTeX has a package of this name, such as `kotex.sty`."""
    if not name.endswith(".sty") or not shutil.which("kpsewhich"):
        return None
    return subprocess.run(["kpsewhich", name], capture_output=True, text=True).stdout or None


def folder(name: str) -> str | None:
    found = os.environ.get("DERIVE_PAGE", "") if name == "page" else ""
    return found if found and Path(found, "pyodide").is_dir() else None
