"""The mathematics in our Markdown: KaTeX accepts it, GitHub does not mistake it for Markdown."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
CHECKER = Path(__file__).parent / "katex" / "check.mjs"
EXAMPLES = sorted((ROOT / "output" / "examples").glob("*.md"))
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
    (r"[<>]", "a raw < or > may open an HTML tag; \\lt and \\gt do not"),
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
        if re.search(r"\w\$[^$]+\$|\$[^$]+\$\w", INLINE.sub(lambda it: f"$·{it[1]}·$", line)):
            found.append((number, "a $ beside a letter or a digit is not mathematics"))
        if "$" in INLINE.sub("", line):
            found.append((number, "a $ has no partner"))
    return [f"line {number}: {reason}" for number, reason in sorted(found)]


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
        ("so $a<b$", "line 1: a raw < or > may open an HTML tag; \\lt and \\gt do not"),
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
