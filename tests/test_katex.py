"""The mathematics in our Markdown: KaTeX accepts it, GitHub does not mistake it for Markdown."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from test_browser import BROWSERS, FLAGS

from derive.documents.formats import FORMATS

ROOT = Path(__file__).parents[1]
CHECKER = Path(__file__).parent / "katex" / "check.mjs"
#: The pages in the flavour that everybody reads; test_builds.py reads the others.
EXAMPLES = sorted(path for path in (ROOT / "output" / "examples").glob("*.md")
                  if path.stem.rpartition("-")[2] not in FORMATS["md"])  # fmt: skip
PAGES = [*EXAMPLES, ROOT / "README.md"]


class Formula(NamedTuple):
    line: int
    tex: str
    display: bool


FENCED = re.compile(r"^```.*?^```", re.M | re.S)
DISPLAY = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
INLINE = re.compile(r"\$([^$\n]+)\$")


def blank(pattern: re.Pattern[str], text: str) -> str:
    """`text` with every match blanked out, each character in its place."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def page_and_prose(text: str) -> tuple[str, str]:
    """A text without fenced code, and the same without displays and code spans."""
    page = blank(FENCED, text)
    return page, blank(CODE, blank(DISPLAY, page))


def formulas(text: str) -> Iterator[Formula]:
    """Every formula of a page with the line on which it begins."""
    for source, pattern in zip(page_and_prose(text), (DISPLAY, INLINE)):
        for match in pattern.finditer(source):
            line = source.count("\n", 0, match.start(1)) + 1
            yield Formula(line, match[1], pattern is DISPLAY)


def rejected(pages: dict[str, str], node: str) -> list[str]:
    """What KaTeX objects to in these pages, all asked in one process."""
    found = [(name, formula) for name, text in pages.items() for formula in formulas(text)]
    request = json.dumps([{"tex": it.tex, "display": it.display} for _, it in found])
    answer = subprocess.run([node, CHECKER], input=request, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return [
        f"{name}:{formula.line}: {objection}\n{formula.tex}"
        for (name, formula), objection in zip(found, json.loads(answer.stdout))
        if objection
    ]


# What GitHub, VS Code or Jupyter read as Markdown or HTML before they see mathematics.
EVERYWHERE = [
    (r"<|^\s*>", "a raw < may open an HTML tag, and > at the beginning of a line a quotation"),
    (r"\*", "a * may open emphasis"),
    (r"`", "a backtick may open a code span"),
    (r"\\_", "\\_ loses its backslash"),
    (r"\]\(", "]( reads as a link"),
]
IN_DISPLAY = [
    (r"^\s*$", "a blank line ends the paragraph"),
    (r"^\s*([-+]|#+|\d+[.)])\s", "the line reads as a list item or a heading"),
    (r"^\s*(=+|-+)\s*$", "the line reads as an underlined heading"),
]
IN_LINE = [
    (r"^\s|\s$", "a space beside the $ keeps it from being mathematics"),
]


def hazards(text: str) -> list[str]:
    """Where the page's mathematics may be taken for something else, one sentence each."""
    page, prose = page_and_prose(text)
    lines, found = page.split("\n"), []

    def neighbour(number: int) -> str:
        return lines[number].strip() if 0 <= number < len(lines) else ""

    fences = [number for number, line in enumerate(lines) if "$$" in line]
    for position, number in enumerate(fences):
        outside = number - 1 if position % 2 == 0 else number + 1
        if lines[number] != "$$":
            found.append((number + 1, "$$ stands alone on its line"))
        elif neighbour(outside):
            found.append((number + 1, "a display needs a blank line before and after it"))
    for formula in formulas(text):
        for pattern, reason in EVERYWHERE + (IN_DISPLAY if formula.display else IN_LINE):
            if re.search(pattern, formula.tex, re.M):
                found.append((formula.line, reason))
    for number, line in enumerate(prose.split("\n"), 1):
        if line.startswith("|") and any("|" in tex for tex in INLINE.findall(line)):
            found.append((number, "a | inside a formula ends the table cell; \\lvert does not"))
        # what follows may be Hangul: github/markup#1742 names letters and digits of ASCII
        if re.search(
            r"\w\$[^$]+\$|\$[^$]+\$[A-Za-z0-9_]", INLINE.sub(lambda it: f"$·{it[1]}·$", line)
        ):
            found.append((number, "a $ beside a letter or a digit is not mathematics"))
        if "$" in INLINE.sub("", line):
            found.append((number, "a $ has no partner"))
    return [f"line {number}: {reason}" for number, reason in sorted(found)]


#: So many pixels are a page of text on GitHub.
PIXELS = 830


def widths(pages: dict[str, str], node: str, browser: str, folder: Path) -> list[tuple[int, str]]:
    """How wide each formula of these pages is in a browser, with where it stands, widest first: all
    of a display, and the widest piece that a line of text does not break."""
    found = [(name, formula) for name, text in pages.items() for formula in formulas(text)]
    request = json.dumps([{"tex": it.tex, "display": it.display} for _, it in found])
    script = CHECKER.with_name("render.mjs")
    made = subprocess.run([node, script], input=request, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    page = folder / "formulas.html"
    page.write_text(made.stdout, "utf-8")
    flags = [*FLAGS, "--allow-file-access-from-files", "--virtual-time-budget=5000"]
    command = [browser, *flags, f"--user-data-dir={folder / 'profile'}", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, timeout=300).stdout.decode("utf-8")
    answer = re.search(r'<pre id="found">(\[.*?)</pre>', dom, re.S)
    assert answer, dom[-500:]
    places = [f"{name}:{formula.line}" for name, formula in found]
    return sorted(zip(json.loads(answer[1]), places, strict=True), reverse=True)


@pytest.fixture(scope="module")
def browser(require_tool):
    return next(filter(None, map(shutil.which, BROWSERS)), None) or require_tool(BROWSERS[0])


def test_no_formula_is_wider_than_a_page(require_tool, browser, tmp_path):
    node, _ = require_tool("node"), require_tool("katex")
    pages = {page.name: page.read_text("utf-8") for page in EXAMPLES}
    found = widths(pages, node, browser, tmp_path)
    assert [one for one in found if one[0] > PIXELS] == []
    assert found[0][0] > PIXELS / 2  # it was measured


def test_a_formula_that_is_too_wide_is_seen(require_tool, browser, tmp_path):
    node, _ = require_tool("node"), require_tool("katex")
    wide = "$$\n" + " + ".join(f"x_{{{k}}}" for k in range(40)) + " \\tag{1}\n$$"
    (found,) = widths({"page": wide}, node, browser, tmp_path)
    assert found[0] > PIXELS and found[1] == "page:2"


def test_katex_accepts_every_formula(require_tool):
    node, _ = require_tool("node"), require_tool("katex")
    pages = {page.name: page.read_text("utf-8") for page in PAGES}
    assert "\n\n".join(rejected(pages, node)) == ""


@pytest.mark.parametrize(
    ("tex", "objection"),
    [
        (r"\frac{a}{b", "at end of input"),
        (r"\nosuchmacro", "Undefined control sequence"),
        (r"\begin{aligned} a \end{matrix}", "Mismatch"),
        ("größe", "Unicode text character"),
    ],
)
@pytest.mark.parametrize("template", ["It is ${}$.", "$$\n{}\n$$"])
def test_the_checker_rejects_a_bad_formula(tex, objection, template, require_tool):
    node, _ = require_tool("node"), require_tool("katex")
    page = "Good: $x_{1,11}$.\n\n" + template.replace("{}", tex)
    (complaint,) = rejected({"page.md": page}, node)
    assert complaint.startswith("page.md:") and objection in complaint and tex in complaint


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_has_mathematics_of_both_kinds(example):
    kinds = {formula.display for formula in formulas(example.read_text("utf-8"))}
    assert kinds == {True, False}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_github_sees_the_mathematics(page):
    assert hazards(page.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("page", "hazard"),
    [
        ("text $$x$$ text", "line 1: $$ stands alone on its line"),
        ("text\n$$\nx\n$$", "line 2: a display needs a blank line before and after it"),
        ("$$\nx\n$$\ntext", "line 3: a display needs a blank line before and after it"),
        ("$$\nx\n\ny\n$$", "line 2: a blank line ends the paragraph"),
        ("$$\nx\n+ y\n$$", "line 2: the line reads as a list item or a heading"),
        ("$$\nx\n=\ny\n$$", "line 2: the line reads as an underlined heading"),
        ("| $|x|$ |", "line 1: a | inside a formula ends the table cell; \\lvert does not"),
        ("so $a<b$", f"line 1: {EVERYWHERE[0][1]}"),
        ("$$\na\n> b\n$$", f"line 2: {EVERYWHERE[0][1]}"),
        ("so $a*b$", "line 1: a * may open emphasis"),
        ("so $a`b$", "line 1: a backtick may open a code span"),
        (r"so $a\_b$", "line 1: \\_ loses its backslash"),
        ("so $[a](b)$", "line 1: ]( reads as a link"),
        ("so $ a$", "line 1: a space beside the $ keeps it from being mathematics"),
        ("the $i$th", "line 1: a $ beside a letter or a digit is not mathematics"),
        ("costs $5", "line 1: a $ has no partner"),
        ("$$\nx\n", "line 1: a $ has no partner"),
    ],
)
def test_a_hazard_is_seen(page, hazard):
    assert hazard in hazards(page)


def test_code_is_not_mathematics():
    page = "Run `echo $HOME`:\n\n```sh\necho $$ | cat\n```\n\n| $a$ | $b$ |\n"
    assert [formula.tex for formula in formulas(page)] == ["a", "b"]
    assert hazards(page) == []
