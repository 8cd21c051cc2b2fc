"""Imports go one way, the judges do not read the theorems, and a cheap command stays cheap."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from derive.ops import OPS

ROOT = Path(__file__).parents[1]

# A wing imports from itself and from the wings before it.
WINGS = [
    "expressions", "ops", "calculus", "algebra", "readings", "language", "catalogue", "proof",
    "circuits", "notation", "judges", "pictures", "documents", "bridges", "command",
]  # fmt: skip
# One file stands after all of them, where Sphinx asks for it by its name.
PLACE = {wing: place for place, wing in enumerate([*WINGS, "sphinx"])}
TOP = {"__init__", "__main__", "testing"}

# A judge takes an operator by its definition: neither its theorems nor the sweep that applies them.
# `judges.formulas` is not meant: claims are shown beside the gradient that is true.
JUDGES = {
    "algebra", "readings", "circuits.slopes",
    *(f"judges.{room}" for room in (
        "citations", "congruence", "differences", "forwards", "indices", "judge", "modular",
        "proofs", "refutation", "tangents", "verify", "written",
    )),
}  # fmt: skip
THEOREMS = {"pullbacks", "derivatives"}
SWEEP = "calculus.reverse"

# Rooms that name operators, because their algebra is about them; elsewhere the table's entry tells.
NAMING = {
    "expressions": "what `+`, `@` and `.T` mean in Python",
    "algebra": "atoms are functions, inverses and determinants, by the names of these",
    "readings": "what exp, log, sin and cos are in a world of numbers",
    "calculus.index": "an entry of an inverse and a determinant are kinds of scalars",
}
# What an operator is called and other things are as well.
HOMONYMS = {
    "ones": "a sentence about a sign", "eye": "a constant that is drawn",
    "sign": "an assumption, a slip, and the role of a text in a picture",
    "det": "a kind of scalar, and a word on paper", "log": "a word on paper",
    "diagonal": "where a hypothesis is excepted",
    "max": "which extremum", "where": "the hypotheses, in JSON",
}  # fmt: skip
# So many literals are names of operators, homonyms and all.
MOST_NAMES = 150


def modules(package: Path) -> dict[str, ast.Module]:
    """Each module of a package by its dotted path below the package, a folder by its own name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and parts[:-1] else parts)
        found[name] = ast.parse(path.read_text("utf-8"), str(path))
    return found


def imports(package: Path) -> dict[str, set[str]]:
    """What each module imports of the package, inside functions too, apart from types alone."""
    trees = modules(package)
    found: dict[str, set[str]] = {}
    for name, tree in trees.items():
        folder = (package.joinpath(*name.split(".")) / "__init__.py").exists()
        here = [package.name, *name.split(".")][: None if folder else -1]
        here = here if name not in TOP else [package.name]
        targets: list[list[str]] = []
        for node in running(tree):
            if isinstance(node, ast.Import):
                targets += [alias.name.split(".") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = here[: len(here) - node.level + 1] if node.level else []
                base = base + (node.module.split(".") if node.module else [])
                targets += [[*base, alias.name] for alias in node.names]
        met = {longest(parts[1:], trees) for parts in targets if parts[0] == package.name}
        found[name] = met - {name}
    return found


def running(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of a module that run: not those under `if TYPE_CHECKING`."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            left += node.orelse
            continue
        yield node
        left += ast.iter_child_nodes(node)


def longest(parts: list[str], known: dict[str, ast.Module]) -> str:
    """The module that a dotted path begins with, the package itself if none."""
    names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((name for name in names if name in known), "__init__")


def wing(name: str) -> str:
    return name.split(".")[0]


def upward(package: Path) -> list[str]:
    """Where the order is broken, one sentence each."""
    found = []
    for name, targets in imports(package).items():
        if name in TOP:
            continue
        if wing(name) not in PLACE:
            found.append(f"{wing(name)} is new: give it a place in WINGS")
            continue
        for target in targets - TOP:
            if PLACE.get(wing(target), 0) > PLACE[wing(name)]:
                found.append(f"{name} imports {target}, which comes after it")
        if "__init__" in targets and wing(name) not in ("command", "sphinx"):
            found.append(f"{name} imports __init__, which comes after it")
    return sorted(set(found))


def circles(package: Path) -> list[list[str]]:
    """The groups of modules that import each other, sorted."""
    edges = imports(package)

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        left = [start]
        while left:
            for target in edges.get(left.pop(), set()) - TOP - found:
                found.add(target)
                left.append(target)
        return found

    beyond = {name: reached(name) for name in edges if name not in TOP}
    groups = {
        tuple(sorted(other for other in beyond[name] if name in beyond.get(other, ())))
        for name in beyond
        if name in beyond[name]
    }
    return sorted(map(list, groups))


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
    trees, edges = modules(package), imports(package)
    found = []
    for name, tree in trees.items():
        if name in JUDGES or wing(name) in JUDGES:
            found += [f"{name} mentions {theorem}" for theorem in THEOREMS & mentioned(tree)]
            found += [f"{name} imports {SWEEP}"] * (SWEEP in edges[name])
    return sorted(found)


def naming(package: Path) -> dict[str, list[str]]:
    """The literals of each module outside the table that are names of operators."""
    # these are words of every room
    known = {*OPS} - {"sum", "var", "number", "dim", "pow", "add", "mul"}
    found = {}
    for name, tree in modules(package).items():
        values = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
        said = [value for value in values if isinstance(value, str) and value in known]
        if said and wing(name) != "ops":
            found[name] = said
    return found


def told_twice(found: dict[str, list[str]]) -> list[str]:
    """Where an operator is known by its name outside its entry, one sentence each."""
    return sorted({
        f"{name} names {word}"
        for name, said in found.items()
        if name not in NAMING and wing(name) not in NAMING
        for word in said
        if word not in HOMONYMS
    })  # fmt: skip


def test_operators_are_known_by_their_entries():
    found = naming(ROOT / "derive")
    assert told_twice(found) == []
    assert sum(map(len, found.values())) <= MOST_NAMES
    assert all(any(name in (room, wing(room)) for room in found) for name in NAMING)
    assert {word for said in found.values() for word in said} >= HOMONYMS.keys()


def test_an_operator_known_by_its_name_is_seen(tmp_path):
    (tmp_path / "notation").mkdir()
    (tmp_path / "notation" / "signs.py").write_text('_ = {"softmax": 1, "sign": 2}[node.name]')
    assert told_twice(naming(tmp_path)) == ["notation.signs names softmax"]


def test_imports_go_one_way():
    assert upward(ROOT / "derive") == []


def test_nothing_imports_its_own_user():
    assert circles(ROOT / "derive") == []


def test_judges_never_read_the_theorems():
    assert peeking(ROOT / "derive") == []


def test_every_wing_says_what_it_is():
    """Each `__init__` says what enters, what leaves and a law, and does nothing."""
    for name in WINGS:
        if name not in ("ops", "catalogue"):
            tree = ast.parse((ROOT / "derive" / name / "__init__.py").read_text("utf-8"))
            (only,) = tree.body
            words = only.value.value  # type: ignore[attr-defined]
            assert "The law:" in " ".join(words.split()) and len(words.splitlines()) <= 6, name


def test_templates_never_see_an_expression():
    templates = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    assert templates
    assert [
        path.name
        for path in templates
        if path != ROOT / "templates" / "README.md"
        if re.search(r"\bExpr\b", path.read_text("utf-8"))
    ] == []


LATE = "from derive.command.cli import main"


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        *(
            ("ops/shape.py", line, "ops.shape imports command.cli, which comes after it")
            for line in (
                LATE,
                "from derive.command import cli",
                "from ..command import cli",
                "from ..command.cli import main",
                "import derive.command.cli",
                "import derive.command.cli as c",
                f"def f():\n    {LATE}",
                f"if TYPE_CHECKING:\n    pass\nelse:\n    {LATE}",
            )
        ),
        (
            "ops/shape.py",
            "from derive import prove",
            "ops.shape imports __init__, which comes after it",
        ),
        ("shed.py", "", "shed is new: give it a place in WINGS"),
    ],
)
def test_a_broken_order_is_seen(module, source, complaint, tmp_path):
    files = {"command/__init__.py": "", "command/cli.py": "from derive import ops", module: source}
    assert upward(write_package(tmp_path, files)) == [complaint]


def test_a_kept_order_is_quiet(tmp_path):
    sources = {
        "expressions/errors.py": "",
        "ops/__init__.py": "from derive.ops.linear import TABLE",
        "ops/table.py": f"if TYPE_CHECKING:\n    {LATE}",
        "ops/linear.py": "import sys\nfrom . import table\nfrom ..expressions.errors import Error",
        "command/cli.py": "import derive\nfrom derive.ops.linear import TABLE",
    }
    package = write_package(tmp_path, sources)
    assert upward(package) == []
    assert circles(package) == []


def test_a_circle_is_seen(tmp_path):
    sources = {
        "ops/a.py": "from derive.ops.b import x",
        "ops/b.py": "def f():\n    from . import c",
        "ops/c.py": "import derive.ops.a",
        "ops/d.py": "import derive.ops.a",
    }
    assert circles(write_package(tmp_path, sources)) == [["ops.a", "ops.b", "ops.c"]]


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("judges/verify.py", "op.pullbacks", "judges.verify mentions pullbacks"),
        ("readings/entries.py", "getattr(op, 'pullbacks')", "readings.entries mentions pullbacks"),
        ("algebra/normal.py", "op.derivatives(x)", "algebra.normal mentions derivatives"),
        (
            "judges/verify.py",
            "from derive.calculus.reverse import sweep",
            "judges.verify imports calculus.reverse",
        ),
    ],
)
def test_a_peeking_judge_is_seen(module, source, complaint, tmp_path):
    assert peeking(write_package(tmp_path, {"calculus/reverse.py": "", module: source})) == [
        complaint
    ]


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
        "from derive.command.cli import main; assert main(['--version']) == 0",
        "from derive.command.cli import main; assert main(['--help']) == 0",
    ],
)
def test_a_cheap_command_does_not_import_sympy(work):
    script = f"{work}; import sys; assert 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("work", "unused"),
    [
        ("import derive.documents.formats", ("notation.typst", "notation.mathml", "documents.pdf")),
        ("import derive.documents.pipeline", ("judges.induction", "judges.claim")),
        ("import derive.documents.graphs", ("algebra.normal", "judges.case")),
        ("import derive.catalogue", ("language.parse", "ops", "catalogue.recursion")),
    ],
)
def test_what_is_not_asked_for_is_not_imported(work, unused):
    names = [f"derive.{name}" for name in unused]
    script = f"{work}; import sys; print(*(name for name in {names} if name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, capture_output=True)
    assert ran.stdout.split() == []
