"""Imports go one way, the judges do not read the theorems, and a cheap command stays cheap."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module imports from its own line and from the lines above it.
LAYERS = [
    "errors layout escape",
    "limits toml_text",
    "shape",
    "expr",
    "ops",
    "program",
    "spelling",
    "parse",
    "catalogue manual",
    "square_laws",
    "index",
    "forms congruence",
    "reading normal square_forms vanishing factors order signs cases",
    "entries",
    "numbers exact",
    "counts",
    "modular",
    "circuit",
    "slopes",
    "simplify",
    "reverse",
    "backprop",
    "assumptions",
    "hypotheses",
    "values",
    "pleasant",
    "proof",
    "lemmas",
    "assuming",
    "parts explain",
    "tangents",
    "verify",
    "variants",
    "mistakes",
    "points",
    "claim",
    "picture lanes",
    "drawing calculator",
    "template_cache",
    "printers figures",
    "notation",
    "files page",
    "chain diagram arithmetic",
    "graphs",
    "render render_graph",
    "pipeline bridge",
    "batch code render_check worked render_worked",
    "sheet render_exercise",
    "target options",
    "__init__ commands commands_check commands_example commands_exercise commands_graph cli "
    "__main__",
]
PLACE = {room: place for place, rooms in enumerate(LAYERS) for room in rooms.split()}

# A judge takes an operator by its definition: neither its theorems nor the sweep that applies them.
JUDGES = {
    "verify",
    "normal",
    "forms",
    "reading",
    "vanishing",
    "counts",
    "factors",
    "order",
    "signs",
    "cases",
    "square_laws",
    "square_forms",
    "entries",
    "modular",
    "exact",
    "slopes",
    "congruence",
    "tangents",
}
THEOREMS = {"pullbacks", "derivatives"}
SWEEP = {"reverse"}


def modules(package: Path) -> Iterator[tuple[tuple[str, ...], ast.Module]]:
    """Each module of a package as its dotted path below the package and its syntax tree."""
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).with_suffix("").parts
        yield name, ast.parse(path.read_text("utf-8"), str(path))


def imported(name: tuple[str, ...], tree: ast.Module, package: Path) -> Iterator[str]:
    """The rooms of the package that a module imports, at its top or inside a function."""

    def room(parts: list[str]) -> str:
        inside = parts and ((package / parts[0]).is_dir() or (package / f"{parts[0]}.py").exists())
        return parts[0] if inside else "__init__"

    here = [package.name, *name[:-1]]
    for node in ast.walk(tree):
        targets: list[list[str]] = []
        if isinstance(node, ast.Import):
            targets = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            targets = [[*base, alias.name] for alias in node.names]
        yield from (room(parts[1:]) for parts in targets if parts[0] == package.name)


def upward(package: Path) -> list[str]:
    """Where the order is broken, one sentence each."""
    found = []
    for name, tree in modules(package):
        if name[0] not in PLACE:
            found.append(f"{name[0]} is new: give it a place in LAYERS")
            continue
        for target in imported(name, tree, package):
            if target not in PLACE:
                found.append(f"{target} is new: give it a place in LAYERS")
            elif PLACE[target] > PLACE[name[0]]:
                found.append(f"{'.'.join(name)} imports {target}, which comes after it")
    return sorted(set(found))


def mentioned(tree: ast.Module) -> set[str]:
    """Every attribute that a module names, also as a string."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                found.add(name)
    return found


def peeking(package: Path) -> list[str]:
    """Where a judge looks at what it is to judge, one sentence each."""
    found = []
    for name, tree in modules(package):
        if name[0] in JUDGES:
            module, rooms = ".".join(name), set(imported(name, tree, package))
            found += [f"{module} mentions {theorem}" for theorem in THEOREMS & mentioned(tree)]
            found += [f"{module} imports {room}" for room in SWEEP & rooms]
    return sorted(found)


def test_imports_go_one_way():
    assert upward(ROOT / "derive") == []


def test_judges_never_read_the_theorems():
    assert peeking(ROOT / "derive") == []


def test_templates_never_see_an_expression():
    templates = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    assert templates
    assert [
        path.name
        for path in templates
        if path != ROOT / "templates" / "README.md"
        if re.search(r"\bExpr\b", path.read_text("utf-8"))
    ] == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("shape.py", "from derive.cli import main", "shape imports cli, which comes after it"),
        ("shape.py", "from derive import cli", "shape imports cli, which comes after it"),
        ("shape.py", "from . import cli", "shape imports cli, which comes after it"),
        ("shape.py", "import derive.cli", "shape imports cli, which comes after it"),
        ("shape.py", "from derive import prove", "shape imports __init__, which comes after it"),
        ("shape.py", "def f():\n    from .cli import x", "shape imports cli, which comes after it"),
        ("ops/linear.py", "from ..cli import x", "ops.linear imports cli, which comes after it"),
        ("shed.py", "", "shed is new: give it a place in LAYERS"),
    ],
)
def test_a_broken_order_is_seen(module, source, complaint, tmp_path):
    package = write_package(tmp_path, {"cli.py": "from derive import errors", module: source})
    assert upward(package) == [complaint]


def test_a_kept_order_is_quiet(tmp_path):
    sources = {
        "errors.py": "",
        "ops/table.py": "",
        "ops/linear.py": "import sys\nfrom . import table\nfrom ..errors import DeriveError",
        "cli.py": "import derive\nfrom derive.ops.linear import TABLE",
    }
    assert upward(write_package(tmp_path, sources)) == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("verify.py", "op.pullbacks", "verify mentions pullbacks"),
        ("entries.py", "getattr(op, 'pullbacks')", "entries mentions pullbacks"),
        ("normal.py", "op.derivatives(x)", "normal mentions derivatives"),
        ("verify.py", "from derive.reverse import sweep", "verify imports reverse"),
    ],
)
def test_a_peeking_judge_is_seen(module, source, complaint, tmp_path):
    assert peeking(write_package(tmp_path, {"reverse.py": "", module: source})) == [complaint]


def write_package(folder: Path, sources: dict[str, str]) -> Path:
    package = folder / "derive"
    for name, source in {"__init__.py": "", **sources}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    return package


@pytest.mark.parametrize(
    "work",
    [
        "import derive",
        "from derive.cli import main; assert main(['--version']) == 0",
        "from derive.cli import main; assert main(['--help']) == 0",
    ],
)
def test_a_cheap_command_does_not_import_sympy(work):
    script = f"{work}; import sys; assert 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
