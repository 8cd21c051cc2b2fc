"""Our Markdown built by those who will read it: Sphinx, mystmd, pandoc, KaTeX and MathJax.

Each flavour goes to the readers that it is for, the one of nobody's choice to all of them, and what
comes out is searched for the marks of errors. GitHub cannot be asked; a second reader of Markdown
says instead whether every formula is still what it was when the words around it have been read.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from test_katex import CHECKER, Formula, hazards

from derive.documents.formats import FORMATS
from derive.documents.page import Document

FLAVOURS = tuple(FORMATS["md"])
#: A computation with a composed gradient, cases, masks, operators by name and sums over axes.
COMPOSITE = (
    "X: (n, d); W: (d, m); T: (n, m); Z = X @ W; H = elu(Z) + leaky_relu(Z, 1/10); "
    "P = softmax(H); L = -sum(T * log(P)) / n"
)
DOCUMENTS = (
    ("prove", "affine", "--at", "n=2,d=2,m=3"),
    ("prove", COMPOSITE),
    ("prove", "A: (n, m); B: (p, q); K = kron(A, B); L = sum(vec(K) ** 2) / 2"),
    ("check", "affine", "--claim", "dW = X.T @ dY", "--claim", "dX = W @ dY.T"),
    ("graph", "circuit", "--values", "x=-2,y=5,z=-4"),
    ("example", "affine"),
    ("exercise", "affine", "--count", "4"),
)


def documents() -> Iterator[Document]:
    """The documents that commands would write."""
    for name, target, *options in DOCUMENTS:
        room = import_module(f"derive.command.{name}")
        given = getattr(room, name).make_context(name, [*options, "--", target]).params
        if name == "check":
            court = room.court_of(target, given)
            for claim in given["claims"]:
                yield room.document(court, court.judgement(claim), given)
        else:
            yield room.document(target, given)


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, list[Path]]:
    """The pages of every flavour, each in a folder with its pictures."""
    folder = tmp_path_factory.mktemp("pages")
    for number, document in enumerate(documents()):
        for flavour in FLAVOURS:
            place = folder / (flavour or "default") / str(number)
            document.save(place, ("md",), flavour=flavour)
    return {name: sorted((folder / (name or "default")).glob("*/*.md")) for name in FLAVOURS}


def built(*command: str | Path, **where) -> str:
    """What a program says when it has done its work."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **where)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


DISPLAYED = re.compile(r"^(?:\$\$|```math)\n(.*?)\n(?:\$\$|```)(?: \(.*\))?$", re.M | re.S)
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
INLINE = re.compile(r"\$([^$\n]+)\$")


def formulas(text: str) -> Iterator[Formula]:
    """Every formula of a page in any flavour, apart from what stands in code."""
    for found in DISPLAYED.finditer(text):
        yield Formula(0, found[1], True)
    rest = re.sub(r"`[^`\n]*`", "", FENCED.sub("", DISPLAYED.sub("", text)))
    yield from (Formula(0, tex, False) for tex in INLINE.findall(rest))


def objections(script: str, node: str, asked: list[Formula]) -> list[str]:
    """What a typesetter of mathematics objects to."""
    request = json.dumps([{"tex": one.tex, "display": one.display} for one in asked])
    done = subprocess.run([node, script], input=request, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = zip(json.loads(done.stdout), asked, strict=True)
    return [f"{objection}: {one.tex}" for objection, one in said if objection]


def distinct(paths: list[Path]) -> list[Formula]:
    found = (one for path in paths for one in formulas(path.read_text("utf-8")))
    return list(dict.fromkeys(found))


TYPESETTERS = {"katex": CHECKER, "mathjax": CHECKER.with_name("mathjax.mjs")}


@pytest.mark.parametrize("tool", TYPESETTERS)
def test_every_formula_of_every_flavour_is_set(tool, pages, require_tool):
    node, _ = require_tool("node"), require_tool(tool)
    asked = list(dict.fromkeys(one for flavour in FLAVOURS for one in distinct(pages[flavour])))
    assert len(asked) > 300 and {one.display for one in asked} == {True, False}
    assert objections(TYPESETTERS[tool], node, asked) == []


@pytest.mark.parametrize(
    "tex", [r"\nosuchmacro x", r"\frac{a}{b", r"\begin{split} a \\ b \tag{1} \end{split}"]
)
def test_mathjax_objects(tex, require_tool):
    node, _ = require_tool("node"), require_tool("mathjax")
    good = Formula(0, "x_ {1} > 2", True)
    (said,) = objections(TYPESETTERS["mathjax"], node, [good, Formula(0, tex, True)])
    assert said.endswith(tex)


# -- Sphinx and mystmd -----------------------------------------------------------------------------

CONF = """
project = "site"
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
math_number_all = False
suppress_warnings = ["myst.header"]
"""
SCRIPTS = re.compile(r"<(script|pre).*?</\1>", re.S)
SET = re.compile(r'<(div|span) class="math notranslate nohighlight"[^>]*>(.*?)</\1>', re.S)


def site(folder: Path, paths: list[Path]) -> Path:
    """The folder of a site with a page for each document, beside its pictures."""
    names = []
    for path in paths:
        names.append(f"{path.parent.name}-{path.stem}")
        (folder / f"{names[-1]}.md").write_text(path.read_text("utf-8"), "utf-8")
        for picture in path.parent.glob("*.svg"):
            (folder / picture.name).write_bytes(picture.read_bytes())
    contents = "\n".join(["# Site", "", "```{toctree}", *names, "```", ""])
    (folder / "index.md").write_text(contents, "utf-8")
    (folder / "conf.py").write_text(CONF, "utf-8")
    return folder


@pytest.mark.parametrize("flavour", ["", "myst"])
def test_sphinx_builds_a_site(flavour, pages, tmp_path, require_tool):
    require_tool("sphinx"), require_tool("myst_parser")
    node, _ = require_tool("node"), require_tool("mathjax")
    folder, out = site(tmp_path, pages[flavour]), tmp_path / "out"
    built(sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", folder, out)
    texts = [path.read_text("utf-8") for path in sorted(out.glob("[0-9]*.html"))]
    assert len(texts) == len(pages[flavour])
    found = [(kind, html.unescape(tex)) for text in texts for kind, tex in SET.findall(text)]
    bare = [re.sub(r"<span class=.eqno.*?</span>", "", tex).strip()[2:-2] for _, tex in found]
    asked = [Formula(0, tex, kind == "div") for (kind, _), tex in zip(found, bare)]
    assert sum(one.display for one in asked) > 50
    assert objections(TYPESETTERS["mathjax"], node, list(dict.fromkeys(asked))) == []
    cited = sum(text.count('class="reference internal" href="#equation-') for text in texts)
    assert bool(cited) == (flavour == "myst")
    assert not [text for text in texts if "$" in SCRIPTS.sub("", text)]


@pytest.mark.parametrize("flavour", ["", "myst"])
def test_mystmd_reads_the_pages(flavour, pages, tmp_path, require_tool):
    said = mystmd(site(tmp_path, pages[flavour]), require_tool("myst"))
    assert [line for line in said.splitlines() if re.search("⛔|⚠|rror", line)] == []
    assert said.count("Exported JATS") == len(pages[flavour])


def mystmd(folder: Path, myst: str) -> str:
    """What mystmd says of the pages of a folder, each of them written as XML."""
    folder.joinpath("index.md").unlink(missing_ok=True)
    folder.joinpath("myst.yml").write_text("version: 1\nproject:\n  id: site\n", "utf-8")
    names = sorted(path.name for path in folder.glob("*.md"))
    return built(myst, "build", "--xml", "--force", *names, cwd=folder)


def test_mystmd_objects(tmp_path, require_tool):
    (tmp_path / "bad.md").write_text("$$\n\\nosuchmacro\n$$ (one)\n\nBy {eq}`two`.\n", "utf-8")
    said = mystmd(tmp_path, require_tool("myst"))
    assert "⛔" in said and "⚠" in said


# -- pandoc ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", ["", "pandoc"])
@pytest.mark.parametrize("form", ["html", "docx", "pdf"])
def test_pandoc_writes(form, flavour, pages, tmp_path, require_tool):
    pandoc, _ = require_tool("pandoc"), require_tool("rsvg-convert")
    if form == "pdf":
        require_tool("pdflatex")
    out = tmp_path / f"out.{form}"
    folders = ":".join(str(path.parent) for path in pages[flavour])
    options = ["--mathml", "-s", "--fail-if-warnings", f"--resource-path={folders}", "-o", out]
    if flavour == "":
        options += ["-M", "pagetitle=all"]
    assert built(pandoc, "-f", "markdown", *pages[flavour], *options) == ""
    if form == "pdf":
        assert out.read_bytes().startswith(b"%PDF")
    else:
        text = out.read_text("utf-8") if form == "html" else xml_of(out)
        shown = re.sub(r"<(annotation|title).*?</\1>", "", text, flags=re.S)
        assert re.findall(r"\\[A-Za-z]+", shown) == []
        assert len(re.findall(r"<math|<m:oMath>", shown)) > 200


def xml_of(path: Path) -> str:
    with zipfile.ZipFile(path) as file:
        return file.read("word/document.xml").decode("utf-8")


@pytest.mark.parametrize("tex", [r"a \thinspace b", r"\Bigl( a \Bigr)"])
def test_pandoc_objects(tex, tmp_path, require_tool):
    page = tmp_path / "page.md"
    page.write_text(f"It is ${tex}$.\n", "utf-8")
    command = [require_tool("pandoc"), "--fail-if-warnings", "--mathml", page]
    assert subprocess.run(command, capture_output=True).returncode != 0


# -- GitHub ----------------------------------------------------------------------------------------

REFUSED = re.compile(r"\\(operatorname|(re)?newcommand|require|def|class|href)\b")


def changed(text: str) -> list[str]:
    """The formulas that a reader of Markdown who knows no mathematics has made something else of;
    two backslashes at the end of a line are one to it, and GitHub puts the other one back."""
    read = MarkdownIt("commonmark").enable("table").parse(text)
    shown = "\n".join(
        "".join("\n" if part.type == "softbreak" else part.content or f"<{part.type}>"
                for part in token.children)
        for token in read if token.children
    )  # fmt: skip
    asked = list(formulas(re.sub(r"^```math\n.*?^```$", "", text, flags=re.M | re.S)))
    return [one.tex for one in asked if one.tex.replace("\\\\\n", "\\\n") not in shown]


@pytest.mark.parametrize("flavour", ["", "github"])
def test_a_second_reader_of_markdown_leaves_every_formula(flavour, pages):
    for path in pages[flavour]:
        text = path.read_text("utf-8")
        assert len(list(formulas(text))) > 10, path
        assert changed(text) == [] and hazards(text) == [] and not REFUSED.search(text), path
        assert ("```math" in text) == (flavour == "github")


@pytest.mark.parametrize(
    "text",
    [
        r"So $\mathbf{a}_{i}$ and $\mathbf{b}_{i}$.",
        r"So $a\,b$.",
        "$$\na \\\\[4pt]\nb\n$$",
        "So $[a](b)$.",
        "$$\n\\hat{a}_{i} \\\\\n\\hat{b}_{i}\n$$",
        "So $a*b$ and $c*d$.",
    ],
)
def test_the_second_reader_objects(text):
    assert changed(text) != []
