"""Compiled templates: kept, never stale, and never in the way."""

import os
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest

import derive
from derive.documents import page
from derive.documents.template_cache import Compiled, cache_folder, compiled

SOURCE = Path(page.__file__)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A cache of its own, in which something may be written."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    page._environment.cache_clear()
    yield tmp_path / "cache"
    page._environment.cache_clear()


def kept(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def again(monkeypatch):
    """Render in another process, as it were: nothing is compiled any more."""
    page._environment.cache_clear()
    compiling = []
    monkeypatch.setattr(
        jinja2.Environment, "compile",
        lambda self, source, name=None, *rest, **kw: compiling.append(name) or
        COMPILE(self, source, name, *rest, **kw),
    )  # fmt: skip
    return derive.prove("affine").render("md"), compiling


COMPILE = jinja2.Environment.compile


def test_templates_are_compiled_once(home, monkeypatch):
    first = derive.prove("affine").render("md")
    assert kept(home)
    assert again(monkeypatch) == (first, [])
    assert os.name == "nt" or kept(home)[0].parent.stat().st_mode & 0o077 == 0


def test_formats_share_words_and_nothing_that_was_compiled(home):
    proof = derive.prove("affine")
    assert "*One entry, slowly.*" in proof.render("md")
    assert r"\emph{One entry, slowly.}" in proof.render("tex")


def test_a_template_that_was_changed_is_compiled_anew(home, tmp_path):
    folder = tmp_path / "own"
    (folder / "markdown").mkdir(parents=True)
    path = folder / "markdown" / "document.md"
    stamp = None
    for words in ("one <<doc.body>>", "two <<doc.body>>"):  # of one length and time
        path.write_text(words)
        if stamp:
            os.utime(path, ns=stamp)
        stamp = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        page._environment.cache_clear()
        text = derive.prove("affine").render("md", templates=folder)
        assert text.startswith(words[:3])


@pytest.mark.parametrize("spoilt", [b"", b"j2", b"\0" * 200, b"not at all"])
def test_a_spoilt_file_is_made_again(home, monkeypatch, spoilt):
    first = derive.prove("affine").render("md")
    for path in kept(home):
        path.write_bytes(path.read_bytes()[:30] if spoilt == b"j2" else spoilt)
    text, compiling = again(monkeypatch)
    assert text == first and compiling
    assert again(monkeypatch) == (first, [])


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file is no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    page._environment.cache_clear()
    assert derive.prove("affine").render("md")


def test_where_python_writes_no_bytecode_nothing_is_written(home, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    derive.prove("affine").render("md")
    assert not kept(home) if home.exists() else True


def test_other_versions_and_other_functions_have_folders_of_their_own(home, tmp_path, monkeypatch):
    changed = tmp_path / "page.py"
    changed.write_bytes(SOURCE.read_bytes() + b"\n")
    folders = {compiled((SOURCE,), form).folder for form in ("md", "tex")}
    folders |= {compiled((changed,), "md").folder}
    monkeypatch.setattr(jinja2, "__version__", "9.9")
    folders.add(compiled((SOURCE,), "md").folder)
    monkeypatch.setattr(sys, "version", "4.0")
    folders.add(compiled((SOURCE,), "md").folder)
    assert len(folders) == 5


def test_a_relative_cache_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        assert cache_folder() == tmp_path / ".cache"
    monkeypatch.setenv("HOME", "relative")
    assert cache_folder() is None or sys.platform == "win32"


def test_many_at_once_do_not_meet(home):
    """Processes that compile at the same time write whole files or none."""
    code = "import derive; print(len(derive.prove('affine').render('md')))"
    environment = {**os.environ, "XDG_CACHE_HOME": str(home)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert kept(home) and all(path.suffix == ".jinja" for path in kept(home))


def test_what_is_not_there_is_no_fault():
    cache = Compiled(Path("/nowhere/at/all"))
    bucket = jinja2.bccache.Bucket(jinja2.Environment(), "key", "checksum")
    cache.load_bytecode(bucket)
    assert bucket.code is None
