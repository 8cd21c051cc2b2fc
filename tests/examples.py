"""The committed examples: which command line makes which files of output/examples.

Run as a program, it writes them anew; test_snapshots.py compares, in both directions.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import derive
from derive.catalogue import by_topic, load, names
from derive.command.cli import main
from derive.documents.formats import FORMATS
from derive.documents.pipeline import Proof

FOLDER = Path(__file__).parents[1] / "output" / "examples"
#: The folder in it that holds a course, which `derive build` makes.
COURSE = "course"
#: The file in it that has the theorem of every entry of the catalogue.
THEOREMS = "catalogue.md"
NETWORK = (
    "X: (n, d); W1: (d, h); b1: (1, h); W2: (h, m); b2: (1, m); T: (n, m); "
    "Z = X @ W1 + b1; H = relu(Z); Y = H @ W2 + b2; L = sum((Y - T) ** 2) / (2 * n)"
)
COLUMNS = "W: (m, n); A: (n, s); b: (m, 1); Z = W @ A + b; P = sigmoid(Z)"
FOUR = ("mlp", "--detail", "lecture", "--widths", "4,5,3,1", "--activation", "tanh", "--convention")
#: The name of a document, its formats, and the arguments of `derive prove` that write it.
EXAMPLES = (
    ("affine-2x2x3", "md,tex,html,typ,ipynb", ("affine", "--at", "n=2,d=2,m=3")),
    ("affine-1x4x1", "md,tex", ("affine", "--at", "n=1,d=4,m=1")),
    ("affine-3x3x3", "md,tex", ("affine", "--at", "n=3,d=3,m=3")),
    ("affine-12x12x12", "md,tex", ("affine", "--at", "n=12,d=12,m=12", "--detail", "one")),
    ("network", "md,tex,html,ipynb", (NETWORK, "--at", "n=2,d=2,h=3,m=2")),
    ("columns", "md,tex", (COLUMNS, "--at", "m=2,n=3,s=2")),
    ("affine-fragment", "tex", ("affine", "--fragment", "--prefix", "affine:")),
    ("inverse", "md,tex", ("A: (n, n); Y = inv(A)", "--detail", "one")),
    ("log-determinant", "md,tex", ("A: (n, n); f = logdet(A)",)),
    ("softmax-cross-entropy", "md,tex", ("softmax-cross-entropy",)),
    ("layer-norm", "md,tex,typ", ("layer-norm",)),
    ("self-attention", "md,tex", ("self-attention",)),
    ("lstm-cell", "md,tex", ("lstm-cell",)),
    ("network-4-5-3-1", "md,tex", (*FOUR, "rows")),
    ("network-4-5-3-1-columns", "md,tex", (*FOUR, "columns")),
    ("deep-network", "md,tex", ("deep-network",)),
    ("deep-network-rows", "md,tex", ("deep-network", "--convention", "rows")),
    ("recurrent-network", "md,tex", ("recurrent-network",)),
    *((f"{name}-{flavour}", "md", (name, "--flavour", flavour))
      for name in ("affine", "softmax-cross-entropy") for flavour in FORMATS["md"] if flavour),
    ("affine-ko", "md,tex", ("affine", "--at", "n=2,d=2,m=3", "--language", "ko")),
    ("layer-norm-ko", "md,tex", ("layer-norm", "--language", "ko")),
)  # fmt: skip
SHOPPING = "p_1=100, n_1=2, p_2=150, n_2=3, tax=1.1"
KINKS = "X: (n, d); c: (1, d); H = relu(X); M = max(H, c); y = max(M, axis=1); f = sum(y)"
AT_KINKS = "X=[[0,2,-1],[3,3,1]], c=[[-1,2,1]]"
LARGE = ("mlp", "--at", "n=8,d=16,h=16,m=7")
STYLE = ("--fragment", "--brackets", "square", "--first", "0", "--gradients", "short")
#: The same for `derive example`.
WORKED = (
    ("example-affine", "md,tex", ("affine", "--at", "n=2,d=2,m=3")),
    ("example-network", "md,tex", ("mlp", "--at", "n=2,d=2,h=3,m=2")),
    ("example-large", "md,tex", LARGE),
    ("example-softmax", "md,tex", ("softmax-cross-entropy",)),
    ("example-attention", "md,tex", ("attention", "--at", "n=2,m=2,d=4,p=2")),
    ("example-layer-norm", "md,tex", ("layer-norm",)),
    ("example-gaussian", "md,tex", ("gaussian",)),
    ("example-inverse", "md,tex", ("A: (n, n); Y = inv(A)", "--seed", "2")),
    ("example-circuit", "md,tex", ("circuit", "--values", "x=-2, y=5, z=-4")),
    ("example-shopping", "md,tex", ("fruit", "--values", SHOPPING)),
    ("example-neuron", "md,tex", ("neuron", "--values", "w0=2, x0=-1, w1=-3, x1=-2, w2=-3")),
    ("example-kinks", "md,tex", (KINKS, "--values", AT_KINKS)),
    ("example-fragment", "tex", ("affine", *STYLE)),
)
#: The name of a sheet of problems, and the arguments of `derive exercise` that write its files.
SHEETS = (
    ("affine", ("affine", "--count", "8", "--seed", "7")),
    ("mlp", ("mlp", "--wrt", "W1,b1,W2,b2", "--count", "8", "--seed", "7")),
)
NEURON = "w0=2,x0=-1,w1=-3,x1=-2,w2=-3"
LAYER = "X=[[1,2],[0,-1]],W=[[1,0,2],[-1,3,1]],B=[1,2,-1],dY=[[1,-1,2],[0,1,1]]"
MLP = (
    "X=[[1,2],[0,1]],W1=[[1,-1,0],[1,1,-2]],b1=[1,0,1],W2=[[1,0],[2,1],[1,1]],b2=[0,1],"
    "T=[[1,2],[3,4]]"
)
CELL = (
    "i = sigmoid(u * x + v * h); g = tanh(p * x + q * h); c = i * g + (1 - i) * s; y = i * tanh(c)"
)
#: The name of a graph, its files, and the arguments of `derive graph` that write them.
GRAPHS = (
    ("circuit", "md svg tex mmd", ("circuit", "--values", "x=-2,y=5,z=-4")),
    ("neuron", "md svg tex", ("neuron", "--values", NEURON, "--digits", "2")),
    ("apples", "md svg tex", ("apples", "--values", "price=100,number=2,tax=1.1")),
    ("fruit", "md svg tex", ("fruit", "--values", SHOPPING)),
    ("affine", "md svg tex mmd", ("affine", "--values", LAYER)),
    ("mlp", "md svg tex", ("mlp", "--values", MLP)),
    ("columns", "md svg tex", ("columns",)),
    ("z", "md svg tex", ("z = 3 * y; y = x ** 2",)),
    ("w", "md svg tex", ("w = t ** 2; t = x + y",)),
    ("y", "md svg tex", (CELL,)),
    ("f", "md svg svg2 tex", ("f = max(x, y) * sigmoid(x * y)", "--values", "x=1,y=1",
                              "--gates", "both")),
)  # fmt: skip
#: Every document, with the whole command.
ALL = tuple(
    (name, formats, (command, *arguments))
    for command, examples in (("prove", EXAMPLES), ("example", WORKED))
    for name, formats, arguments in examples
)
NAMES = (
    *(f"{name}.{form}" for name, formats, _ in ALL for form in formats.split(",")),
    *(f"{name}-{rest}" for name, _ in SHEETS
      for rest in ("exercises.md", "solutions.md", "exercises.tex")),
    *(f"{name}-graph{rest.lstrip('mdsvgtex')}.{rest.rstrip('2')}"
      for name, files, _ in GRAPHS for rest in files.split()),
)  # fmt: skip


def written(folder: Path) -> Mapping[str, str]:
    """Write every example into a folder by the command itself; return the texts by file name."""
    texts = {}
    for name, formats, arguments in ALL:
        with tempfile.TemporaryDirectory(dir=folder) as place, redirect_stdout(StringIO()):
            status = main([*arguments, "-o", place, "-f", formats])
            assert status == 0, f"{name}: exit status {status}"
            made = {f"{name}{path.suffix}": path for path in Path(place).iterdir()}
            assert len(made) == len(formats.split(","))
            texts |= {file: path.read_text("utf-8") for file, path in made.items()}
    several = [("exercise", name, arguments) for name, arguments in SHEETS]
    for name, files, arguments in GRAPHS:
        formats = sorted({form.rstrip("2") for form in files.split()})
        several.append(("graph", name, (*arguments, "-f", ",".join(formats))))
    for command, name, arguments in several:
        with tempfile.TemporaryDirectory(dir=folder) as place, redirect_stdout(StringIO()):
            status = main([command, *arguments, "-o", place])
            assert status == 0, f"{name}: exit status {status}"
            texts |= {path.name: path.read_text("utf-8") for path in Path(place).iterdir()}
    return texts


def course(folder: Path) -> Mapping[str, str]:
    """Build the course among the examples into a folder; return the texts by file name."""
    with redirect_stdout(StringIO()) as said:
        status = main(["build", str(FOLDER / COURSE / "course.toml"), "-o", str(folder)])
    assert status == 0, said.getvalue()
    found = {p.name: p.read_text("utf-8") for p in folder.iterdir() if not p.name.startswith(".")}
    return found | {"course.toml": (FOLDER / COURSE / "course.toml").read_text("utf-8")}


def theorems(proved: Callable[[str], Proof]) -> str:
    """Return the theorems of all entries under their topics, given how an entry is proved."""
    lines = ["# What the catalogue proves\n"]
    for topic, entries in by_topic([load(name) for name in names()]).items():
        lines.append(f"## {topic.capitalize()}\n")
        for entry in entries:
            text = proved(entry.name).to_markdown(part=["theorem"])
            program = "\n".join(entry.program.split("; ")).strip()
            lines += [f"### `{entry.name}`: {entry.title}\n", f"```text\n{program}\n```\n"]
            lines.append(text.partition("\n\n")[2])
    return "\n".join(lines)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = dict(written(FOLDER))
    with tempfile.TemporaryDirectory() as place:
        found |= {f"{COURSE}/{name}": text for name, text in course(Path(place)).items()}
    found[THEOREMS] = theorems(lambda name: derive.prove(load(name)))
    for old in (*FOLDER.iterdir(), *(FOLDER / COURSE).iterdir()):
        if old.is_file() and old.relative_to(FOLDER).as_posix() not in found:
            old.unlink()
    for name, text in found.items():
        (FOLDER / name).write_text(text, "utf-8", newline="\n")
    print(f"wrote {len(found)} files to {FOLDER}", file=sys.stderr)
