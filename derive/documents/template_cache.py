"""Compiled templates, kept between runs: compiling them takes longer than most proofs.

Enters a folder for this version of Python, Jinja and of what templates call; leaves what Jinja asks
of a bytecode cache. A template that was changed is compiled anew, for its text is compared. Where
nothing can be read or written, nothing is kept; as of modules, nothing is written where Python is
told to write no bytecode.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import jinja2


class Compiled(jinja2.FileSystemBytecodeCache):
    """A folder of compiled templates that belongs to one user.

    >>> Compiled(Path("/nowhere/at/all")).folder.name
    'all'
    """

    def __init__(self, folder: Path):
        super().__init__(str(folder), "%s.jinja")
        self.folder = folder

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Fill a bucket with the compiled template, or leave it empty."""
        try:
            super().load_bytecode(bucket)
        except Exception:  # unreadable, cut short, or of another kind: it is compiled anew
            bucket.reset()

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Keep a compiled template, whole or not at all."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                super().dump_bytecode(bucket)


def compiled(called: Iterable[str], form: str) -> Compiled | None:
    """Return the compiled templates of this user; `called` are the files of functions they call.

    Jinja works constants out when it compiles, so what it calls in a format is part of what is
    compiled.
    """
    base = cache_folder()
    if base is None:
        return None
    versions = f"{sys.version} {jinja2.__version__} {jinja2.bccache.bc_version} {form}"
    code = b"".join(Path(file).read_bytes() for file in called)
    own = sha256(versions.encode() + code).hexdigest()[:16]
    return Compiled(base / "derive" / "templates" / own)


def cache_folder() -> Path | None:
    """Return the folder in which a user's programs keep what they can make again."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):
        return Path(given)
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return Path(local) if local else None
    home = Path(os.path.expanduser("~"))
    if not home.is_absolute():
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache")
