"""What we publish works: source archive, wheel, clean environment, the checkout out of reach."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from the source archive as pip would build it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("derive_proofs-*.whl")
    return wheel


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run outside the checkout: in another folder, without PYTHONPATH and the like."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_wheel_holds_package_and_templates_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        f"{prefix}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, prefix in {"derive": "derive", "templates": "derive/templates"}.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert held == wanted


def test_the_wheel_proves_the_affine_layer(wheel, tmp_path):
    home = tmp_path / "environment"
    venv.create(home, symlinks=True)
    python, derive = home / "bin" / "python", home / "bin" / "derive"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # The dependencies are those of the running environment; a .pth found there is not followed,
    # so that an editable install does not bring the checkout back.
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    site.joinpath("dependencies.pth").write_text(sysconfig.get_path("purelib"), "utf-8")

    found = run(python, "-c", "import derive; print(derive.__file__)", cwd=tmp_path).stdout
    assert Path(found.strip()) == site / "derive" / "__init__.py"

    prove = (derive, "prove", "affine", "--at", "n=2,d=2,m=3", "-o")
    run(*prove, "first", cwd=tmp_path)
    assert sorted(path.suffix for path in (tmp_path / "first").iterdir()) == [".md", ".tex"]

    shutil.rmtree(site / "derive" / "templates")
    assert run(*prove, "second", cwd=tmp_path, check=False).returncode != 0
    assert not list(tmp_path.glob("second/*"))
