"""The subcommand that writes a page which needs no server: Python itself runs in the browser.

Enters a folder; leave the page, its scripts and an archive of this package with those that it needs
and that are Python alone. The law: what the page does is done by the same package, in the browser
of who reads it, and nothing of it leaves that machine.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from derive import __version__
from derive.catalogue import load, names
from derive.command.answer import TASKS
from derive.command.options import command, option
from derive.command.terminal import say, working
from derive.expressions.errors import OutputError
from derive.notation.messages import language, plain_words, say as said, template_folder, translated

#: Python for the browser and FLINT built for it, as npm and PyPI have them.
PYODIDE, FLINT, PYTHON = "314.0.7", "0.9.0", "3.14"
WHEEL = f"python_flint-{FLINT}-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
NETWORK = {
    "pyodide": f"https://cdn.jsdelivr.net/npm/pyodide@{PYODIDE}/",
    "flint": "https://files.pythonhosted.org/packages/2f/6b/"
    f"660e6982354b07080fc23459b0e30e02b84076dc7876c48de07e30e1da4b/{WHEEL}",
}
#: The files of Pyodide that a browser fetches.
FETCHED = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip",
           "pyodide-lock.json")  # fmt: skip
#: What derive imports besides FLINT, all of it Python.
PURE = ("jinja2", "markupsafe")
ARCHIVE, GENERATOR = "derive.zip", '<meta name="generator" content="derive page"/>'
#: A program of the page before anybody has typed one, and what is claimed of it.
FIRST = ("affine", "dX = dY @ W.T")


@command(
    option("-o", "--output", "folder", metavar="DIR", required=True, help="Folder to write to."),
    option("--offline", is_flag=True,
           help="Fetch Python and FLINT for the browser now, by npm and pip, into the folder."),
)  # fmt: skip
def page(folder: str, offline: bool, catalogue: str | None, **given: Any) -> int:
    """Write a page that derives, proves and judges in the browser, without a server.

    Any web server can hand out the folder, such as python -m http.server.
    """
    into = Path(folder)
    refuse(into)
    from derive.documents.files import write_whole

    with working(), tempfile.TemporaryDirectory() as place:
        fetched = dict(offline_files(Path(place))) if offline else {}
        files = {**dict(site(offline, catalogue)), **fetched}
        write_whole({into / name: content for name, content in files.items()})
    say(translated(said("wrote", path=into / "index.html")))
    return 0


def refuse(folder: Path) -> None:
    """Refuse a folder whose page is another one.

    Raises `OutputError`.
    """
    index = folder / "index.html"
    if index.exists() and GENERATOR not in index.read_text("utf-8", "replace"):
        raise OutputError(f"{index} is another page", hint="choose another folder with -o")


def site(offline: bool = False, catalogue: str | None = None) -> Iterator[tuple[str, str | bytes]]:
    """Yield the files of the page by name; with `offline`, it looks for everything beside itself.

    Of a `catalogue` the programs can be chosen, beside ours.

    >>> sorted(dict(site()))
    ['derive.zip', 'index.html', 'page.css', 'page.js', 'worker.js']
    """
    from derive.documents.page import Press

    where = {"pyodide": "pyodide/", "flint": WHEEL} if offline else NETWORK
    words = {key.removeprefix("page."): text for key, text in plain_words().items()
             if key.startswith("page.")}  # fmt: skip
    entries = [(name, load(name, catalogue)) for name in names(catalogue)]
    told = {
        "words": words, "language": language(),
        "places": {**where, "archive": ARCHIVE, "worker": "worker.js"},
        "programs": {name: entry.program for name, entry in entries if not entry.recursion},
    }  # fmt: skip
    press = Press("html", fragment=False, prefix="")
    data = json.dumps(told).replace("<", "\\u003c")  # text in an element stays text
    yield "index.html", press.template("page/index.html").render(
        words=words, language=language(), programs=told["programs"], tasks=list(TASKS),
        version=__version__,
        first=(load(FIRST[0]).program, FIRST[1]), data=data, generator=GENERATOR,
        network=[] if offline else [url.split("/", 3)[2] for url in NETWORK.values()],
    )  # fmt: skip
    for name in ("page.css", "page.js", "worker.js"):
        yield name, (template_folder() / "page" / name).read_text("utf-8")
    yield ARCHIVE, archive()


def archive() -> bytes:
    """Return this package and the pure ones that it imports, as one zip of the same bytes always.

    >>> with zipfile.ZipFile(io.BytesIO(archive())) as held:
    ...     sorted({name.split("/")[0] for name in held.namelist()})
    ['derive', 'jinja2', 'markupsafe']
    """
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, path in sorted(_held()):
            file.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _held() -> Iterator[tuple[str, Path]]:
    templates = template_folder()
    folders = [("derive/templates", templates), ("derive", Path(__file__).parents[1])]
    for name in PURE:
        found = find_spec(name)
        assert found is not None and found.origin
        folders.append((name, Path(found.origin).parent))
    for name, folder in folders:
        for path in folder.rglob("*"):
            whole = folder == templates or path.suffix in (".py", ".toml")
            if not (path.is_file() and whole):
                continue
            if name != "derive" or templates not in path.parents:
                yield f"{name}/{path.relative_to(folder).as_posix()}", path


def offline_files(place: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of Pyodide and FLINT, fetched by npm and pip into a folder of their own.

    Raises `OutputError` where one of them cannot.
    """
    _run("npm", "pack", "--silent", f"pyodide@{PYODIDE}", "--pack-destination", str(place))
    with tarfile.open(next(place.glob("*.tgz"))) as packed:
        for name in FETCHED:
            file = packed.extractfile(f"package/{name}")
            assert file is not None
            yield f"pyodide/{name}", file.read()
    _run(
        sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:",
        "--platform", "pyemscripten_2026_0_wasm32", "--python-version", PYTHON,
        "--implementation", "cp", "-d", str(place), f"python-flint=={FLINT}",
    )  # fmt: skip
    yield WHEEL, (place / WHEEL).read_bytes()


def _run(*words: str) -> None:
    asked = " ".join(words[:3]) if words[0] == "npm" else "pip download"
    try:
        subprocess.run(words, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise OutputError(
            f"{words[0]} is not here",
            hint="install it, or leave --offline out: then the page fetches",
        ) from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["it failed"])[-1]
        raise OutputError(f"{asked}: {last}", hint="is there a network?") from None
