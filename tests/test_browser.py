"""SVG pictures in a real browser: its own measurements of text, boxes and wires show no overlap.

All pictures stand on one page. A script on that page asks the browser for the rectangle of every
piece of text and writes down what it finds; the page is then read back as text.
"""

import html
import json
import re
import shutil
import subprocess

import pytest
from pictures import PICTURES, random_graph
from test_courses import EXAMPLES as COURSES

from derive.documents.graphs import graph
from derive.pictures.drawing import draw
from derive.pictures.picture import line
from derive.pictures.shapes import Cell, Drawing, Label, Node, Path, Rect
from derive.pictures.svg import svg

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update --dump-dom"
).split()

PAGE = """<!doctype html><meta charset="utf-8"><body style="margin:0">
%s
<pre id="found"></pre>
<script>
const round = value => Math.round(value * 10) / 10;
const near = 0.4;  // pixels, for rounding and the edges of glyphs

function meet(a, b) {
  return Math.min(a.right, b.right) - Math.max(a.left, b.left) > near
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > near;
}
// The line box of a text is higher than its letters: between rows it may touch, as in any page.
function letters(element) {
  const box = element.getBoundingClientRect(), trim = box.height * 0.06;
  return {left: box.left, right: box.right, top: box.top + trim, bottom: box.bottom - trim,
          what: element.textContent, element};
}
function study(picture) {
  const origin = picture.getBoundingClientRect(), found = [];
  const words = [...picture.querySelectorAll("text")].map(letters);
  words.forEach((a, at) => words.slice(at + 1).forEach(b => {
    if (meet(a, b)) found.push(`text ${a.what} meets text ${b.what}`);
  }));
  const shapes = [...picture.querySelectorAll("circle, rect")].slice(1);
  for (const shape of shapes) {
    const box = shape.getBoundingClientRect();
    for (const word of words) {
      const inside = shape.parentElement !== picture && shape.parentElement.contains(word.element);
      if (!inside && meet(box, word)) found.push(`text ${word.what} meets a shape`);
      if (inside && (word.left < box.left || word.right > box.right))
        found.push(`text ${word.what} leaves its shape`);
    }
  }
  for (const wire of picture.querySelectorAll(":scope > g > path")) {
    const length = wire.getTotalLength();
    for (let along = 0; along <= length; along += 2) {
      const point = wire.getPointAtLength(along);
      const x = point.x + origin.left, y = point.y + origin.top;
      const hit = words.find(word => word.left + near < x && x < word.right - near
                                  && word.top + near < y && y < word.bottom - near);
      if (hit) { found.push(`a wire meets text ${hit.what}`); break; }
    }
  }
  return {found, texts: words.map(word => ({
    what: word.what, left: round(word.left - origin.left), right: round(word.right - origin.left),
    top: round(word.top - origin.top), bottom: round(word.bottom - origin.top)}))};
}
const studied = [...document.querySelectorAll("svg")].map(study);
document.getElementById("found").textContent = JSON.stringify(studied);
</script>
"""


def measured(drawings, browser, folder):
    """What the browser says of each drawing: what meets what, and where its texts are."""
    page = folder / "pictures.html"
    page.write_text(PAGE % "\n".join(f"<div>{svg(drawing)}</div>" for drawing in drawings), "utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=300)
    answer = re.search(r'<pre id="found">(.*?)</pre>', done.stdout.decode("utf-8"), re.S)
    assert answer, done.stderr.decode("utf-8", errors="replace")
    return json.loads(html.unescape(answer[1]))


@pytest.fixture(scope="module")
def browser(require_tool):
    return next(filter(None, map(shutil.which, BROWSERS)), None) or require_tool(BROWSERS[0])


SAMPLES = {
    **{name: draw(picture) for name, picture in PICTURES.items()},
    **{f"{name}, on a page": draw(picture, across=1000) for name, picture in PICTURES.items()},
    **{f"random {seed}": draw(random_graph(seed, 30, 3 + seed)) for seed in range(8)},
    **{
        found["id"]: draw(graph(found["program"], values=found["values"]).picture())
        for found in COURSES
    },
}


def written(text, x, y):
    return Label("value", Rect(x - 20, y - 12, 40, 17), (Cell(x, y, text, text),), line(text))


CROWD = Drawing(
    200,
    100,
    nodes=(Node("n", "gate", Rect(100, 60, 34, 34), None),),
    labels=(
        written("12345", 50, 40),
        written("67890", 60, 45),
        written("far", 150, 20),
        written("in", 117, 80),
    ),
    paths=(Path((), (((130, 16), (170, 16)),)),),
)


@pytest.fixture(scope="module")
def answers(browser, tmp_path_factory):
    drawings = [*SAMPLES.values(), CROWD]
    found = measured(drawings, browser, tmp_path_factory.mktemp("browser"))
    assert len(found) == len(drawings)
    return dict(zip([*SAMPLES, "crowd"], found))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_browser_finds_no_overlap(name, answers):
    assert answers[name]["found"] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_the_layout_reserved_enough_room_for_every_text(name, answers):
    drawing = SAMPLES[name]
    labels = [*(node.label for node in drawing.nodes), *drawing.labels]
    texts = iter(answers[name]["texts"])
    for label in labels:
        for cell in label.cells:
            if cell.plain.strip():
                text = next(texts)
                assert text["what"] == cell.plain
                assert label.rect.left - 0.5 <= text["left"], text
                assert text["right"] <= label.rect.right + 0.5, text
                assert label.rect.top - 0.5 <= text["top"], text
                assert text["bottom"] <= label.rect.bottom + 0.5, text
    assert next(texts, None) is None


def test_the_browser_sees_an_overlap(answers):
    assert sorted(answers["crowd"]["found"]) == [
        "a wire meets text far",
        "text 12345 meets text 67890",
        "text in meets a shape",
    ]
