"""What the tests share: outside tools that a laptop may lack and that CI may not."""

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

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


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Find a tool by name; without it skip the test, or fail it where DERIVE_CI is set.

    A program is found on the PATH, KaTeX in the folder that DERIVE_KATEX names, Typst in Python.
    """

    def find(name: str) -> str:
        if name == "typst":
            found = name if find_spec(name) else None
        else:
            found = katex_folder() if name == "katex" else shutil.which(name)
        if found:
            return found
        if os.environ.get("DERIVE_CI"):
            pytest.fail(f"{name} is not installed, and CI skips nothing")
        pytest.skip(f"{name} is not installed")

    return find


def katex_folder() -> str | None:
    folder = os.environ.get("DERIVE_KATEX")
    return folder if folder and Path(folder, "node_modules", "katex").is_dir() else None
