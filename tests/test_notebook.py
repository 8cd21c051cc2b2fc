"""Notebooks: what they hold is valid, runs, and says what the other formats say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

import derive
from derive.command.cli import main
from derive.documents.files import is_free, question_of, sealed, unsealed
from derive.documents.notebook import Cell, notebook

AFFINE = "X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B"
RELU = "X: (n, d); Y = relu(X)"
#: Commands that write a notebook: each kind of document, of entries of the catalogue and programs,
#: with kinks, hypotheses, assumptions, open functions, sizes and points that were given.
COMMANDS = {
    "prove": ("prove", "affine", "--detail", "brief"),
    "lecture": ("prove", "mlp", "--at", "n=2,d=2,h=3,m=2"),
    "every layer": ("prove", "deep-network"),
    "names that a library has": ("prove", "torch: (n, d); np: (d, n); Y = torch @ np + math"),
    "names of ours": ("prove", "loss: (n, 1); point: (1, n); names = point @ loss"),
    "hypotheses": ("prove", "A: (n, n); f = logdet(A)", "--detail", "brief"),
    "assumptions": ("prove", "A: (n, n); f = tr(A @ A)", "--assume", "A=spd", "--detail", "brief"),
    "open functions": ("prove", "X: (n, d); g: entrywise; Y = g(X) + g.diff(X)", "--detail", "one"),
    "large sizes": ("prove", AFFINE, "--at", "n=12,d=12,m=12", "--detail", "brief"),
    "sizes in the text": ("prove", "X: (3, 2); w: (2, 1); y = X @ w", "--detail", "brief"),
    "ties": ("prove", "X: (n, d); y = max(X, axis=1)", "--detail", "brief"),
    "some of the inputs": ("prove", "mlp", "--wrt", "W1,b2", "--detail", "brief"),
    "example": ("example", "mlp", "--at", "n=2,d=2,h=3,m=2"),
    "example at a kink": ("example", RELU, "--values", "X=[[0, 1], [2, -1]]"),
    "example of a function": ("example", "X: (n, d); g: entrywise; Y = g(X)", "--values", "g=tanh"),
    "graph": ("graph", "circuit", "--values", "x=-2,y=5,z=-4"),
    "graph of formulas": ("graph", "affine"),
    "two graphs": ("graph", "neuron", "--gates", "both"),
    "exercise": ("exercise", "affine", "--count", "3"),
    "check, proved": ("check", "affine", "--claim", "dW = X.T @ dY", "--write"),
    "check, refuted": ("check", "affine", "--claim", "dW = X.T @ dY / n", "--write"),
}  # fmt: skip


def written(folder: Path, *command: str) -> dict[str, dict]:
    """The notebooks that a command writes into a folder, by their names."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main([*command, "-f", "ipynb", "-o", str(folder)]) in (0, 1)
    paths = sorted(folder.glob("*.ipynb"))
    assert paths and {path.suffix for path in folder.iterdir()} == {".ipynb"}
    return {path.name: json.loads(path.read_text("utf-8")) for path in paths}


def code(found: dict) -> list[str]:
    return ["".join(c["source"]) for c in found["cells"] if c["cell_type"] == "code"]


def words(found: dict) -> str:
    cells = ("".join(c["source"]) for c in found["cells"] if c["cell_type"] == "markdown")
    return "\n\n".join(cells)


@pytest.mark.parametrize("kind", COMMANDS)
def test_what_a_notebook_holds_runs(kind, tmp_path, capsys):
    found = written(tmp_path, *COMMANDS[kind])
    capsys.readouterr()
    for name, one in found.items():
        lines, space = code(one), {}
        assert bool(lines) == (not name.endswith("-exercises.ipynb"))
        for line in lines:
            exec(line, space)
        checked = capsys.readouterr().out.splitlines()
        assert len(checked) == (len(space["gradients"](*_given(space))) if lines else 0)
        ids = [cell["id"] for cell in one["cells"]]
        assert len(set(ids)) == len(ids)


def _given(space: dict) -> list:
    return [*space["point"], *space.get("derivatives", ())]


# -- what a notebook says --------------------------------------------------------------------------


def test_a_notebook_says_what_markdown_for_jupyter_says():
    proof = derive.prove(AFFINE, detail="one")
    found = json.loads(proof.render("ipynb"))
    told, _, below = words(found).partition("## To run")
    assert told.split() == proof.to_markdown(flavour="jupyter").split()
    assert "central differences" in below
    assert code(found)[0] + "\n" == _module(proof)
    assert proof.render("ipynb") == derive.prove(AFFINE, detail="one").render("ipynb")


def _module(proof: derive.Proof) -> str:
    from derive.documents.code import Functions

    return Functions(proof.derivation, "numpy", proof.hypotheses).module(loss=True)


#: A gradient as it is written, and as somebody gets it wrong: the check is seen to fail.
WRONG = {
    "transpose": ("dY @ W.T", "dY @ (W + 1).T"),
    "sign": ("X.T @ dY", "-X.T @ dY"),
    "axis": ("np.sum(dY, axis=0, keepdims=True)", "np.mean(dY, axis=0, keepdims=True)"),
    "shape": ("np.sum(dY, axis=0, keepdims=True)", "np.sum(dY, axis=0)"),
}


@pytest.mark.parametrize("slip", WRONG)
def test_the_check_of_a_notebook_is_one(slip):
    right, wrong = WRONG[slip]
    gradients, point, check = code(json.loads(derive.prove(AFFINE, detail="brief").render("ipynb")))
    space: dict = {}
    assert right in gradients
    for line in (gradients.replace(right, wrong), point):
        exec(line, space)
    with pytest.raises(AssertionError):
        exec(check, space)


def test_pictures_are_in_the_cell_that_shows_them(tmp_path, capsys):
    (found,) = written(tmp_path, "graph", "circuit").values()
    (cell,) = [cell for cell in found["cells"] if "attachments" in cell]
    ((name, kinds),) = cell["attachments"].items()
    assert f"](attachment:{name})" in "".join(cell["source"]) and [*kinds] == ["image/svg+xml"]


def test_solutions_stand_in_a_notebook_of_their_own(tmp_path, capsys):
    found = written(tmp_path, "exercise", "affine", "--count", "2")
    asked, solved = found["affine-exercises.ipynb"], found["affine-solutions.ipynb"]
    assert "**Solution.**" in words(solved) and "Solution" not in words(asked)


# -- objects show themselves -----------------------------------------------------------------------

HOSTILE = "X: (n, d); Y = 2 * X  # <script>alert(1)</script> $x$"
#: What is made, how it is shown in short, and what stands in how it shows itself, by the kind.
SHOWN = {
    "a proof": (lambda: derive.prove(AFFINE, detail="brief"), "<Proof Y-2x3x4>", {
        "latex": r"\begin{theorem}", "markdown": "**Theorem.**", "html": "<math"}),
    "a refutation": (lambda: derive.check("affine", "dW = X.T @ dY / n")[0],
                     "<Judgement refuted: dW = X.T @ dY / n>", {
        "html": "<strong>refuted</strong> <code>dW = X.T @ dY / n</code>",
        "markdown": "\n- true is dW = X.T @ dY; yours divides by n once too often"}),
    "a long claim": (lambda: derive.check("affine", f"dW = X.T @ dY{' + 0 * W' * 20}")[0],
                     "<Judgement proved: " + f"dW = X.T @ dY{' + 0 * W' * 20}"[:60] + "…>", {}),
    "gradients": (lambda: derive.gradient("X: (n, d); w: (d, 1); y = X @ w"),
                  "{'X': 'dy @ w.T', 'w': 'X.T @ dy'}", {
        "latex": r"\frac{\partial L}{\partial w} &= X^{\top}\,\frac{\partial L}{\partial y}"}),
    "gradients by cases": (lambda: derive.gradient("X: (n, d); Y = where(X > 0, 2 * X, X)"), None,
                           {"latex": r"\begin{aligned}"}),
    "an entry": (lambda: derive.entry("affine"), "<Entry affine>", {
        "html": "<pre>X: (n, d)\nW: (d, m)\nB: (1, m)\nY = X @ W + B</pre>"}),
    "a sheet": (lambda: derive.exercise("affine", count=1), "<Sheet affine>", {
        "markdown": "## Problem 1", "html": "<h2"}),
    "an example": (lambda: derive.example("affine"), "<Example affine-2x2x3-example>", {
        "html": "<math"}),
    "a graph": (lambda: derive.graph("circuit"), "<Graph circuit>", {"svg": "<svg"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHOWN)
def test_an_object_shows_itself(kind):
    make, short, shows = SHOWN[kind]
    found = make()
    assert short in (None, repr(found))
    for form, part in shows.items():
        text = getattr(found, f"_repr_{form}_")()
        assert part in text and r"\noalign" not in text


def test_a_users_text_stays_text_where_objects_show_themselves():
    (found,) = derive.check(HOSTILE, "dX = 3 * dY  # <img src=x onerror=alert(1)> $`")
    assert "<img" not in found._repr_html_() and "$" not in found._repr_html_()
    assert "<img" not in found._repr_markdown_().partition("`")[0]
    assert found._repr_markdown_().count("``") == 2


# -- files -----------------------------------------------------------------------------------------

CELLS = {
    "plain": [Cell("# A title"), Cell("1 + 1", runs=True)],
    "the same twice": [Cell("1", runs=True), Cell("1", runs=True)],
    "a seal in a cell": [Cell(' "metadata": {\n  "derive": "derive 0123456789ab 0123456789ab",\n')],
    "other lines": [Cell("a\u2028b\x0bc\ud800")],
    "nothing": [],
}


@pytest.mark.parametrize("kind", CELLS)
def test_a_seal_is_taken_off_again(kind, tmp_path):
    text = notebook(CELLS[kind])
    question = "0" * 12
    found = sealed(text, "ipynb", question)
    assert json.loads(found)["metadata"]["derive"].split()[:2] == ["derive", question]
    assert unsealed(found) == text != found and question_of(found) == question
    assert unsealed(text) == text and question_of(text) == ""
    path = tmp_path / "one.ipynb"
    if kind != "other lines":
        path.write_text(found, "utf-8")
        assert is_free(path, question) and not is_free(path, "1" * 12)
        path.write_text(found.replace('"nbformat": 4', '"nbformat": 3'), "utf-8")
        assert not is_free(path, question)


# -- as Jupyter has them ---------------------------------------------------------------------------

EXECUTED = ("lecture", "open functions", "check, refuted")
JUPYTER = """
import sys, nbformat, nbclient
for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    found = nbformat.reads(text, as_version=4)
    nbformat.validate(found)
    assert nbformat.writes(found) + "\\n" == text, "Jupyter would write another file"
    nbclient.NotebookClient(found, timeout=120, kernel_name="python3").execute()
    said = [out["text"] for cell in found.cells for out in cell.get("outputs", ())]
    assert said and all("central differences" in line for line in said), said
"""


def test_notebooks_run_in_jupyter(tmp_path, capsys):
    missing = [name for name in ("nbclient", "nbformat", "ipykernel") if not find_spec(name)]
    if missing:
        (pytest.fail if os.environ.get("DERIVE_CI") else pytest.skip)(f"there is no {missing[0]}")
    paths = []
    for kind in EXECUTED:
        written(folder := tmp_path / kind, *COMMANDS[kind])
        paths += map(str, folder.iterdir())
    done = subprocess.run([sys.executable, "-c", JUPYTER, *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
