"""The directives for Sphinx: from MyST and reStructuredText alike, a false claim a warning."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from test_builds import SCRIPTS, SET, TYPESETTERS, Formula, objections

from derive.command.commands import SUBCOMMANDS
from derive.command.options import TEXTS

CONF = """
project = "site"
extensions = ["myst_parser", "derive.sphinx"]
myst_enable_extensions = ["dollarmath"]
"""
PAGES = {
    "index.md": """# Notes

```{toctree}
folder/other
```

$$
a = b
$$ (own)

```{derive:prove} A: (n, k); B: (k, m); Y = A @ B  # <script>alert("$1$")</script>
:at: n=2,k=2,m=2
:detail: one
:prefix: product.
```

As {eq}`product.1` says, and {eq}`own`.

```{derive:prove} A: (n, k); B: (k, m); Y = A @ B
:detail: one
```

```{derive:graph} program.txt
:values: x=-2, y=5
:gates: both
```

```{derive:check} A: (n, k); B: (k, m); Y = A @ B
---
claim: |
  dA = dY @ B.T
  dB = A.T @ dY
---
```

```{derive:example}
:seed: 2

X: (n, d); W: (d, m)
Y = relu(X @ W)
```
""",
    "folder/other.rst": """Other
=====

.. derive:prove:: mlp
   :layers: 2

.. derive:prove:: X: (n, d); Y = elu(X)

.. derive:check:: x: (n, 1); A: (n, n); q = x.T @ A @ x
   :claim: dx = 2 * A @ x
   :assume: A=symmetric
   :write:
""",
    "program.txt": "f = max(x, y) * sigmoid(x * y)",
}


def build(folder: Path, pages: dict[str, str], *options: str) -> tuple[int, str]:
    """Build a site; the exit status, and what was complained of."""
    for name, text in {"conf.py": CONF, **pages}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", *options, str(folder), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stderr.replace(f"{folder}/", "")


@pytest.fixture(scope="module")
def site(tmp_path_factory, require_tool) -> dict[str, str]:
    """The pages of a site that has nothing wrong, by name."""
    require_tool("sphinx"), require_tool("myst_parser")
    folder = tmp_path_factory.mktemp("site")
    assert build(folder, PAGES, "-W", "--keep-going", "-b", "html") == (0, "")
    return {name: (folder / "out" / f"{name}.html").read_text("utf-8")
            for name in ("index", "folder/other")}  # fmt: skip


def test_all_of_a_document_is_on_the_page(site):
    index, other = site["index"], site["folder/other"]
    for part in ("derive-theorem", "derive-proof", "<svg", "derive-table"):
        assert part in index, part
    assert "derive-lemma" in other and "highlight-python" in other
    assert "<script>alert" not in index and not re.search("[\x00-\x08\x0e-\x1f]", index + other)
    assert index.count("<svg") == 2, "both readings of the program in a file"


def test_equations_are_numbered_and_cited_as_sphinx_does(site):
    index = site["index"]
    ids = re.findall(r'id="(equation-[^"]*)"', index)
    numbers = [int(k) for k in re.findall(r'class="eqno">\((\d+)\)', index)]
    assert numbers == list(range(1, len(numbers) + 1)) and len(set(ids)) == len(ids)
    assert len(ids) == len(numbers) > 15
    cited = re.findall(r'href="#(equation-[^"]*)">\((\d+)\)', index)
    shown = dict(zip(ids, numbers))
    assert cited and all(shown[label] == int(number) for label, number in cited)
    # The same proof twice, after an equation of the author's: what mathematics cites agrees.
    beside = [int(k) for k in re.findall(r"\\text\{by \((\d+)\)\}", index)]
    first, second = beside[: len(beside) // 2], beside[len(beside) // 2 :]
    apart = shown[next(i for i in ids if "product" not in i and i != "equation-own")] - 2
    assert first and second == [number + apart for number in first] and apart > 1


def test_mathjax_sets_the_pages(site, require_tool):
    node, _ = require_tool("node"), require_tool("mathjax")
    found = SET.findall(html.unescape("".join(site.values())))
    bare = [re.sub(r"<span class=.eqno.*?</span>", "", tex).strip()[2:-2] for _, tex in found]
    asked = [Formula(0, tex, kind == "div") for (kind, _), tex in zip(found, bare)]
    assert len(asked) > 100
    assert objections(TYPESETTERS["mathjax"], node, list(dict.fromkeys(asked))) == []
    assert not [text for text in site.values() if "$" in SCRIPTS.sub("", text)]


#: A page, and what is said of it, with the line of its directive.
WRONG = {
    "false.md": (
        "# A\n\n```{derive:check} A: (n, k); B: (k, m); Y = A @ B\n:claim: dB = A @ dY\n```\n",
        "false.md:3: WARNING: refuted: dB = A @ dY\n", "dB_11 is ", "true is dB = A.T @ dY",
    ),
    "untrue.rst": (
        "A\n=\n\n.. derive:check:: affine\n   :claim: dX = 2 * dY @ W.T\n",
        "untrue.rst:4: WARNING: refuted: dX = 2 * dY @ W.T\n", "true is dX = dY @ W.T",
    ),
    "option.md": (
        "# A\n\n```{derive:prove} affine\n:wrtt: X\n```\n",
        "option.md:3: ERROR: ", "no option --wrtt", "'--wrt'", "Options are assume, at, ",
    ),
    "format.rst": (
        "A\n=\n\n.. derive:prove:: Y = X @ W\n   :format: md\n",
        "format.rst:4: ERROR: ", "No such option", "Options are assume, at, ",
    ),
    "choice.rst": (
        "A\n=\n\n.. derive:prove:: affine\n   :detail: all\n",
        "choice.rst:4: ERROR: ", "'all' is not one of 'full', 'lecture', 'one', 'brief'",
    ),
    "program.md": (
        "# A\n\n```{derive:graph} X: (n, d); Y = X @ X\n```\n",
        "program.md:3: ERROR: line 1, column 16: X @ X: X has d columns", "^^^^^",
    ),
    "empty.rst": ("A\n=\n\n.. derive:example::\n", "empty.rst:4: ERROR: there is no TARGET"),
    "stdin.rst": ("A\n=\n\n.. derive:example:: -\n", "stdin.rst:4: ERROR: there is no TARGET"),
    "claim.md": (
        "# A\n\n```{derive:check} affine\n```\n", "claim.md:3: ERROR: there is no claim",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def complaints(tmp_path_factory, require_tool) -> str:
    require_tool("sphinx"), require_tool("myst_parser")
    pages = {name: page for name, (page, *_) in WRONG.items()}
    names = "\n".join(pages)
    pages["index.md"] = f"# Site\n\n```{{toctree}}\n{names}\n```\n"
    status, said = build(tmp_path_factory.mktemp("wrong"), pages, "-W", "--keep-going")
    assert status == 1
    return said


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_its_place(name, complaints):
    _, begins, *parts = WRONG[name]
    told = complaints[complaints.index(begins) :]
    told = told[: re.search(r"\[(docutils|derive\.\w+)\]", told).end()]
    assert [part for part in parts if part not in told] == []
    assert complaints.count(begins) == 1 and "Traceback" not in complaints


def test_numbers_follow_sections_where_figures_do(tmp_path, require_tool):
    require_tool("sphinx"), require_tool("myst_parser")
    page = "# A\n\n```{toctree}\n:numbered:\nb\n```\n"
    proof = "# B\n\n```{derive:prove} affine\n:detail: one\n:at: n=2,d=2,m=2\n```\n"
    options = ("-W", "-b", "html", "-D", "numfig=1")
    assert build(tmp_path, {"index.md": page, "b.md": proof}, *options) == (0, "")
    text = (tmp_path / "out" / "b.html").read_text("utf-8")
    assert 'class="eqno">(1.3)' in text and r"\text{by (1.3)}" in text


def test_words_are_of_the_language_of_the_site(tmp_path, require_tool):
    require_tool("sphinx"), require_tool("myst_parser")
    page = "# A\n\n```{derive:prove} affine\n```\n\n```{derive:prove} affine\n:language: en\n```\n"
    assert build(tmp_path, {"index.md": page}, "-W", "-b", "html", "-D", "language=ko") == (0, "")
    text = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert text.count("정리") and text.count("Theorem") == 1


def test_latex_has_the_pages(tmp_path, require_tool):
    require_tool("sphinx"), require_tool("myst_parser")
    page = "# A\n\n```{derive:graph} circuit\n```\n\n```{derive:prove} affine\n```\n"
    assert build(tmp_path, {"index.md": page}, "-W", "-b", "latex") == (0, "")
    text = (tmp_path / "out" / "site.tex").read_text("utf-8")
    assert "{tikz}" in text and r"\begin{tikzpicture}" in text and r"\eqref{equation:" in text
    assert r"\text{by (8)}" in text


def test_the_options_are_those_of_the_commands():
    pytest.importorskip("sphinx")
    from derive.sphinx import COMMANDS, LEFT_OUT, Derive, command_of

    assert set(COMMANDS) < set(SUBCOMMANDS) and "md" in TEXTS
    for name in COMMANDS:
        command, spec = command_of(name), Derive.directives[name].option_spec
        long = {opt[2:]: param for param in command.params if isinstance(param, click.Option)
                for opt in param.opts if opt.startswith("--")}  # fmt: skip
        assert {opt for opt in long if opt not in spec} <= {
            "output",
            "format",
            "json",
            "file",
            "jobs",
            "flavour",
            "fragment",
        }
        assert not {long[opt].name for opt in spec} & LEFT_OUT


def test_without_sphinx_it_says_what_to_install():
    program = (
        "import sys; sys.modules['sphinx'] = None\n"
        "try:\n    import derive.sphinx\nexcept Exception as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "Sphinx is not installed" in done.stdout and "derive-proofs[sphinx]" in done.stdout
