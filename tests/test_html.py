"""HTML documents: well-formed, complete without anything else, to be used by eye, ear and keyboard.

A real browser lays them out: nothing overlaps, nothing runs off a page of 360 or 1280 pixels, and
every letter stands out from what is behind it, by day and by night.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from markup import math
from test_browser import BROWSERS, FLAGS

import derive
from derive.command.cli import main
from derive.documents.graph import Graphs
from derive.documents.model import Code, Figure, Heading, Paragraph, words
from derive.documents.page import render

MLP = "X: (n, d); W: (d, h); V: (h, m); T: (n, m); Y = relu(X @ W) @ V; L = sum((Y - T) ** 2) / n"
#: Every kind of document, large and small ones.
MADE = {
    "affine": lambda: derive.prove("affine"),
    "appendix": lambda: derive.prove("neuron", detail="full"),
    "mlp": lambda: derive.prove(MLP),
    "layer-norm": lambda: derive.prove("layer-norm"),
    "self-attention": lambda: derive.prove("self-attention"),
    "deep-network": lambda: derive.prove("deep-network"),
    "leaky": lambda: derive.prove("leaky-relu"),
    "example": lambda: derive.example("softmax-cross-entropy"),
    "sheet": lambda: derive.exercise("affine", count=8, seed=7),
    "circuit": lambda: Graphs((derive.graph("circuit", values="x=-2,y=5,z=-4"),)),
    "layer": lambda: Graphs((derive.graph("affine"),)),
}
VOID = {"meta", "wbr", "rect", "circle", "path", "mspace", "br"}


@cache
def page(name: str) -> str:
    return MADE[name]().render("html")


class Strict(HTMLParser):
    """A parser that lets no element be closed by another, or left open."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.found: list[tuple[str, dict]] = []
        self.feed(text)
        self.close()
        self.faults += [f"{tag} stays open" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} is closed where it is not open")


@pytest.mark.parametrize("name", MADE)
def test_a_page_is_well_formed_and_stands_alone(name):
    text = page(name)
    ElementTree.fromstring(text)
    found = Strict(text)
    assert found.faults == []
    tags = [tag for tag, _ in found.found]
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(tags)
    assert re.findall(r"https?://(?!www\.w3\.org/)|url\(|@import", text) == []
    assert not re.search(r"[$\ue000\ue001]", text), "mathematics that was not read"
    assert not re.search(r'class="reason">[^<]*\b(?:of|by)\s*</span>', text), "half a reason"


@pytest.mark.parametrize("name", MADE)
def test_a_page_is_read_by_ear_and_by_keyboard(name):
    found = Strict(page(name)).found
    tags = [tag for tag, _ in found]
    assert dict(found)["html"]["lang"] == "en" and tags.count("title") >= 1
    assert all(own.get("alttext", "").strip() for tag, own in found if tag == "math")
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), levels
    ids = [own["id"] for _, own in found if "id" in own]
    assert len(ids) == len(set(ids))
    targets = {own["href"] for tag, own in found if tag == "a"}
    assert targets <= {f"#{one}" for one in ids}
    assert all(own.get("aria-label") for _, own in found if own.get("role") == "group")


@pytest.mark.parametrize("name", ["affine", "layer-norm", "deep-network"])
def test_a_citation_shows_what_it_cites(name):
    text = page(name)
    cited = set(re.findall(r'class="cite" href="#[^"]*?(\d+)"', text))
    cards = dict(re.findall(r'<div class="card card-(\d+)">(.*?)</div>\n</div>', text, re.S))
    lines = dict(
        re.findall(r'<div class="display[^"]*" id="[^"]*?(\d+)">(.*?)</div>\n', text, re.S)
    )
    assert cited and cards.keys() <= cited
    for number in cards:
        assert f".card-{number}" in text and set(math(cards[number])) <= set(math(lines[number]))
    assert len(cards) > len(cited) - 3  # a table of entries is not shown twice


def test_what_a_proof_rests_on_unfolds():
    text, told = page("layer-norm"), derive.prove("layer-norm")
    closed = re.findall(r"<details>\s*<summary>(.*?)</summary>", text, re.S)
    assert len(closed) > 4 and "Step by step, each with the name of its rule" in closed
    assert "Step by step" not in told.to_markdown() + told.to_latex()


def test_a_title_is_plain_text():
    assert re.findall("<title>(.*?)</title>", page("affine")) == [
        "Gradients of L with respect to X, W and B, where Y = XW + 𝟏B"
    ]


HOSTILE = "<script>alert('x')</script>$1$ & \ue0000\ue001"


def test_what_a_user_wrote_is_text():
    said = [
        Heading(words("judged", verdict="refuted", claim=HOSTILE), 1),
        Paragraph((words("why-undecided", reason=HOSTILE), words("code", text=HOSTILE))),
        Code((HOSTILE, "x < y")),
        Figure(words("code", text="a picture"), ".svg", str, lambda: "<svg/>"),
    ]
    text = render(said, "html")
    found = Strict(text)
    ElementTree.fromstring(text)
    assert found.faults == [] and "script" not in [tag for tag, _ in found.found]
    shown = html.unescape(re.sub(r"<[^>]*>", "", text))
    assert shown.count("<script>alert('x')</script>$1$ &") == 5  # the title is said twice


@pytest.mark.parametrize("name", ["affine", "sheet", "circuit", "example"])
def test_a_fragment_stands_in_somebody_elses_page(name):
    shown = MADE[name]()
    text = shown._repr_html_()
    assert text == shown.render("html", fragment=True)
    assert not re.search(r"<html|<body|<head|:root", text)
    style = text.partition("<style>")[2].partition("</style>")[0]
    rules = re.sub(r"@media[^{]*\{", "", re.sub(r"\{[^{}]*\}", "{}", style))
    for rule in re.findall(r"([^{}]+)\{\}", rules):
        assert all(one.strip().startswith(".derive") for one in _apart(rule)), rule
    ElementTree.fromstring(f"<div>{text}</div>")


def _apart(rule: str) -> list[str]:
    """Selectors, commas in brackets left alone."""
    return re.split(r",(?![^(]*\))", rule)


@pytest.mark.parametrize("name", ["affine", "sheet", "circuit", "example"])
def test_what_it_is_called_in_a_session_is_short(name):
    assert len(repr(MADE[name]())) < 60
    assert repr(derive.graph("circuit")) == "<Graph circuit>"


def test_files_are_known_again(tmp_path, capsys):
    arguments = ["prove", "y = 2 * x", "-f", "html", "-o", str(tmp_path)]
    assert main(arguments) == main(arguments) == 0
    (path,) = tmp_path.iterdir()
    ElementTree.parse(path)
    assert path.suffix == ".html" and "<!-- derive " in path.read_text("utf-8").splitlines()[-1]
    path.write_text("mine", "utf-8")
    assert main(arguments) == 0
    assert {one.read_text("utf-8") == "mine" for one in tmp_path.iterdir()} == {True, False}


# -- in a browser ----------------------------------------------------------------------------------

WIDTHS = (360, 1280)
STUDY = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<pre id="found"></pre>
<script type="application/json" id="pages">%s</script>
<script>
const pages = JSON.parse(document.getElementById("pages").textContent), all = [];
const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
function rgba(colour) {
  paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
}
const over = (top, under) => [0, 1, 2].map(k => top[k] * top[3] + under[k] * (1 - top[3]));
const light = c => c.map(x => (x /= 255, x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
  .reduce((sum, x, k) => sum + x * [0.2126, 0.7152, 0.0722][k], 0);
function contrast(element, view) {
  const chain = [];
  for (let e = element; e; e = e.parentElement) chain.unshift(e);
  let ground = view.getComputedStyle(view.document.documentElement).colorScheme === "dark"
    ? [18, 18, 18] : [255, 255, 255];
  for (const e of chain) ground = over(rgba(view.getComputedStyle(e).backgroundColor), ground);
  const ink = over(rgba(view.getComputedStyle(element).color), ground);
  const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}
const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1.5;
function study(page, frame) {
  const view = frame.contentWindow, root = view.document, found = [];
  root.querySelectorAll("details").forEach(one => one.open = true);
  root.documentElement.style.colorScheme = page.scheme;
  const wide = root.documentElement.scrollWidth;
  if (wide > view.innerWidth) found.push(`the page is ${wide} wide`);
  for (const one of root.querySelectorAll(".derive *")) {
    if (one.closest("svg, .cards, style")) continue;
    const box = one.getBoundingClientRect(), scroll = one.closest(".scroll, pre");
    const told = one.outerHTML.slice(0, 80);
    if (!scroll && box.right > view.innerWidth + 1) found.push(`${told} runs off`);
    if (one.matches(".scroll, pre") && one.scrollWidth > one.clientWidth + 1 && one.tabIndex < 0)
      found.push(`${told} scrolls without a key`);
    if (one.matches(".scroll") && one.scrollHeight > one.clientHeight + 1)
      found.push(`${one.innerHTML.slice(0, 200)} is cut off`);
    const own = [...one.childNodes].some(x => x.nodeType === 3 && x.data.trim());
    if (own) {
      const ratio = contrast(one, view);
      if (ratio < 4.5) found.push(`${told} has contrast ${ratio}`);
    }
  }
  for (const display of root.querySelectorAll(".display")) {
    const parts = [...display.querySelectorAll(".left, .right, .alone, .reason, .beside > .scroll")]
      .map(e => ({what: e.textContent, ...e.getBoundingClientRect().toJSON()}));
    parts.forEach((a, k) => parts.slice(k + 1).forEach(b => {
      if (meet(a, b)) found.push(`${a.what} meets ${b.what}`);
    }));
    const scroll = display.querySelector(".scroll"), number = display.querySelector(".number");
    if (number && meet(scroll.getBoundingClientRect(), number.getBoundingClientRect()))
      found.push(`${number.textContent} meets its equation`);
  }
  const link = root.querySelector(".cite");
  let shown = -1;
  if (link) {
    link.focus({focusVisible: true});
    shown = [...root.querySelectorAll(".card")].filter(x => x.getClientRects().length).length;
  }
  return {name: page.name, found, width: view.innerWidth, shown,
          maths: root.querySelectorAll("math").length};
}
async function work() {
  for (const page of pages) {
    const frame = document.createElement("iframe");
    frame.style = `width:${page.width}px;height:800px;border:0`;
    const loaded = new Promise(done => frame.onload = done);
    frame.srcdoc = page.text;
    document.body.append(frame);
    await loaded;
    frame.contentWindow.focus();
    all.push(study(page, frame));
    frame.remove();
  }
  document.getElementById("pages").remove();
  document.getElementById("found").textContent = JSON.stringify(all);
}
work();
</script>
"""


def studied(pages, browser, folder):
    """What the browser says of each page: a name, a text, a width and a colour scheme."""
    told = [dict(zip(("name", "text", "width", "scheme"), one)) for one in pages]
    path = folder / "study.html"
    path.write_text(STUDY % json.dumps(told).replace("<", "\\u003c"), "utf-8")
    command = [browser, *FLAGS, "--virtual-time-budget=60000",
               f"--user-data-dir={folder / 'profile'}", path.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=300)
    answer = re.search(r'<pre id="found">(.+?)</pre>', done.stdout.decode("utf-8"), re.S)
    assert answer, done.stderr.decode("utf-8", errors="replace")
    return json.loads(html.unescape(answer[1]))


@pytest.fixture(scope="module")
def browser(require_tool):
    return next(filter(None, map(shutil.which, BROWSERS)), None) or require_tool(BROWSERS[0])


def test_a_browser_finds_nothing_to_complain_about(browser, tmp_path):
    pages = [(name, page(name), width, scheme) for name in MADE for width in WIDTHS
             for scheme in (("light", "dark") if width == WIDTHS[1] else ("light",))]  # fmt: skip
    answers = studied(pages, browser, tmp_path)
    assert len(answers) == len(pages)
    for (name, text, width, _), answer in zip(pages, answers, strict=True):
        assert (answer["name"], answer["width"]) == (name, width)
        assert answer["found"] == [], f"{name} at {width}"
        assert answer["maths"] == text.count("<math")
        assert answer["shown"] == (1 if 'class="cite"' in text else -1), name


WRONG = {
    "the page is": ("</main>", '<p style="width:3000px">wide</p></main>'),
    "runs off": ("</main>", '<p style="width:3000px">wide</p></main>'),
    "has contrast": ("</main>", '<p style="color:#999;background:#bbb">pale</p></main>'),
    "meets": ('class="right"', 'class="right" style="position:relative;left:-3em"'),
    "scrolls without a key": (' tabindex="0"', ""),
}


def test_the_browser_sees_what_is_wrong(browser, tmp_path):
    pages = [(name, page("affine").replace(*WRONG[name]), 360, "light") for name in WRONG]
    for answer in studied(pages, browser, tmp_path):
        assert any(answer["name"] in one for one in answer["found"]), answer
