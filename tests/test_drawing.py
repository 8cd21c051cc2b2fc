"""Pictures get places: nothing meets what it should not, and every wire arrives."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path as File

import pytest
from hypothesis import given, settings, strategies as st
from overlaps import overlaps
from pictures import PICTURES

from derive.expressions.errors import SizeError
from derive.pictures import drawing as rooms
from derive.pictures.drawing import draw
from derive.pictures.mermaid import mermaid
from derive.pictures.picture import Picture, Text, Vertex, Wire, line
from derive.pictures.shapes import Cell, Drawing, Label, Node, Path, Rect, extent
from derive.pictures.svg import svg
from derive.pictures.tikz import ACROSS, tikz

SVG = "{http://www.w3.org/2000/svg}"
ONE_BAND = 1e9

CELLS = st.sampled_from(
    ["0", "1", "−2", "3.14", "−0.5772156649", "22/7", "x", "dY @ Wᵀ", "∂f/∂q = z"]
)


@st.composite
def texts(draw):
    rows, columns = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 2), (3, 1), (1, 4), (4, 3)]))
    cells = [tuple(draw(CELLS) for _ in range(columns)) for _ in range(rows)]
    return Text(tuple(cells), tuple(cells), brackets=rows * columns > 1)


@st.composite
def pictures(draw, most=30):
    """Any graph: forks, long wires, one value used twice by a gate, many outputs, loose ends."""
    count = draw(st.integers(1, most))
    maybe = st.none() | texts()
    vertices, wires = [], []
    for number in range(count):
        key = f"v{number}"
        sources = draw(st.lists(st.integers(0, number - 1), max_size=4)) if number else []
        for port, source in enumerate(sources):
            wires.append(Wire(f"v{source}", key, port, draw(maybe), draw(maybe)))
        kind = "gate" if sources else draw(st.sampled_from(["input", "constant", "gate"]))
        sign = draw(st.sampled_from(["x", "+", "×", "×(−1)", "learning_rate", "1/x", "softmax"]))
        name = draw(st.none() | st.sampled_from(["q", "total_loss", "W₁"]).map(line))
        about = (draw(maybe), draw(maybe), draw(st.booleans()))
        vertices.append(Vertex(key, kind, line(sign), name, *about))
    return Picture(tuple(vertices), tuple(wires))


# Nothing meets what it should not -----------------------------------------------------------------


@pytest.mark.parametrize("across", [ONE_BAND, ACROSS, 300])
@pytest.mark.parametrize("name", PICTURES)
def test_nothing_overlaps(name, across):
    assert overlaps(draw(PICTURES[name], across=across)) == []


@given(pictures(), st.sampled_from([ONE_BAND, 1900, 700]))
@settings(max_examples=120)
def test_nothing_overlaps_in_any_graph(picture, across):
    assert overlaps(draw(picture, across=across)) == []


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("GAP", -20),
        ("CLEAR", -9),
        ("MARGIN", -40),
        ("CHANNEL", -60),
        ("GUTTER", -30),
    ],
)
def test_a_layout_with_too_little_room_is_seen(constant, value, monkeypatch):
    monkeypatch.setattr(rooms, constant, value)
    drawings = [draw(picture, across=ACROSS) for picture in PICTURES.values()]
    assert any(overlaps(drawing) for drawing in drawings)


BOX = Rect(40, 40, 20, 10)


def label(rect, text="a"):
    return Label("value", rect, (Cell(rect.left, rect.bottom, text, text),), line(text))


def wire(*points, ends=()):
    return Path(ends, (points,))


@pytest.mark.parametrize(
    ("content", "count"),
    [
        ({"labels": (label(BOX), label(Rect(59, 49, 9, 9)))}, 1),
        ({"labels": (label(BOX), label(Rect(60, 40, 9, 9)))}, 0),
        ({"labels": (label(BOX),), "paths": (wire((0, 45), (90, 45)),)}, 1),
        ({"labels": (label(BOX),), "paths": (wire((0, 51), (90, 51)),)}, 0),
        ({"labels": (label(BOX),), "paths": (wire((50, 0), (50, 90)),)}, 1),
        ({"labels": (label(BOX),), "paths": (wire((0, 0), (50, 0), (50, 90), (90, 90)),)}, 1),
        ({"labels": (label(BOX),), "paths": (wire((0, 0), (90, 0), (90, 90), (90, 90)),)}, 0),
        ({"labels": (label(BOX),), "dots": ((61, 45),)}, 1),
        ({"labels": (label(BOX),), "arrows": ((62, 45),)}, 1),
        ({"labels": (label(BOX),), "arrows": ((40, 45),)}, 0),
        ({"labels": (label(Rect(90, 0, 20, 10)),)}, 1),
        ({"nodes": (Node("n", "gate", BOX, None),), "labels": (label(Rect(45, 42, 5, 5)),)}, 1),
        ({"nodes": (Node("n", "gate", BOX, label(Rect(45, 42, 5, 5))),)}, 0),
        ({"nodes": (Node("n", "gate", BOX, label(Rect(45, 42, 5, 9))),)}, 1),
        ({"nodes": (Node("n", "gate", BOX, None),), "paths": (wire((0, 45), (90, 45)),)}, 1),
        (
            {
                "nodes": (Node("n", "gate", BOX, None),),
                "paths": (wire((0, 45), (45, 45), ends=("n",)),),
            },
            0,
        ),
    ],
)
def test_an_overlap_is_seen_and_a_touch_is_none(content, count):
    assert len(overlaps(Drawing(100, 100, **content))) == count


# Every wire arrives, from left to right -----------------------------------------------------------


def arrivals(drawing):
    """For each node, the nodes that its wire leads to, followed from point to point."""
    onward = {}
    for path in drawing.paths:
        onward.setdefault(path.pieces[0][0], []).append(path)
    found = {}
    for node in drawing.nodes:
        middle = (node.rect.right, node.rect.top + node.rect.height / 2)
        todo = [p for p in drawing.paths if p.ends == (node.key,) and close(p.pieces[0][0], middle)]
        found[node.key] = []
        while todo:
            path = todo.pop()
            end = path.pieces[-1][-1]
            if path.ends and path.ends != (node.key,):
                found[node.key] += path.ends
            else:
                todo += onward.get(end, [])
    return {key: sorted(ends) for key, ends in found.items()}


def close(a, b):
    return abs(a[0] - b[0]) < 0.2 and abs(a[1] - b[1]) < 0.2


@given(pictures(most=20), st.sampled_from([ONE_BAND, 700]))
@settings(max_examples=60)
def test_every_wire_leads_from_its_source_to_its_target(picture, across):
    drawing = draw(picture, across=across)
    wanted = {vertex.key: [] for vertex in picture.vertices}
    for wire in picture.wires:
        wanted[wire.source].append(wire.target)
    assert arrivals(drawing) == {key: sorted(ends) for key, ends in wanted.items()}
    outputs = sum(vertex.output for vertex in picture.vertices)
    assert len(drawing.arrows) == len(picture.wires) + outputs
    for path in drawing.paths:
        for before, after in pairwise(path.pieces):
            assert before[-1] == after[0]


@given(pictures())
@settings(max_examples=60)
def test_wires_go_from_left_to_right_and_ports_from_top_to_bottom(picture):
    drawing = draw(picture, across=ONE_BAND)
    place = {node.key: node.rect for node in drawing.nodes}
    for wire in picture.wires:
        assert place[wire.source].right < place[wire.target].left
    first = {place[vertex.key].left for vertex in picture.vertices if vertex.kind == "input"}
    gates = {place[wire.target].left for wire in picture.wires}
    assert not first or not gates or max(first) < min(gates)


def test_inputs_stand_in_the_first_column():
    drawing = draw(PICTURES["neuron"])
    middles = {
        node.rect.left + node.rect.width / 2 for node in drawing.nodes if node.kind == "input"
    }
    assert max(middles) - min(middles) < 0.2


def test_the_value_stands_above_the_wire_and_the_gradient_below():
    drawing = draw(PICTURES["product_of_a_sum"])
    for node in drawing.nodes:
        (y,) = {
            path.pieces[0][0][1]
            for path in drawing.paths
            if close(path.pieces[0][0], (node.rect.right, node.rect.top + node.rect.height / 2))
        }
        beside = [label for label in drawing.labels if 0 < label.rect.left - node.rect.right < 20]
        above = [it.role for it in beside if abs(it.rect.bottom - y + rooms.CLEAR) < 0.2]
        below = [it.role for it in beside if abs(it.rect.top - y - rooms.CLEAR) < 0.2]
        assert (above, below) == (["value"], ["gradient"])


def test_each_text_is_drawn_once():
    for picture in PICTURES.values():
        shown = [text for vertex in picture.vertices for text in texts_of(vertex)]
        shown += [it for wire in picture.wires for it in (wire.value, wire.gradient) if it]
        drawing = draw(picture)
        drawn = [*drawing.labels, *(node.label for node in drawing.nodes)]
        assert sorted(map(str, shown)) == sorted(str(label.text) for label in drawn)


def texts_of(vertex):
    return [it for it in (vertex.text, vertex.name, vertex.value, vertex.gradient) if it]


def test_a_fork_has_a_dot_and_a_single_wire_none():
    assert len(draw(PICTURES["diamond"]).dots) == 2
    assert draw(PICTURES["neuron"]).dots == ()


def test_a_chain_is_straight():
    heights = {
        point[1]
        for path in draw(PICTURES["chain"]).paths
        for piece in path.pieces
        for point in piece
    }
    assert len(heights) == 1


# Limits -------------------------------------------------------------------------------------------


def gates_in_a_row(count):
    keys = [f"g{number}" for number in range(count)]
    vertices = [Vertex("g0", "input", line("x"), value=line("1"))]
    vertices += [Vertex(key, "gate", line("exp"), value=line("2")) for key in keys[1:]]
    wires = [Wire(*pair, 0, gradient=line("3")) for pair in pairwise(keys)]
    return Picture(tuple(vertices), tuple(wires))


def test_a_large_graph_is_drawn_without_text_on_its_wires():
    written, bare = draw(gates_in_a_row(300)), draw(gates_in_a_row(301))
    assert (written.bare, bare.bare) == (False, True)
    assert written.labels and not bare.labels
    assert len(bare.nodes) == 301 and len(bare.paths) == 300
    assert overlaps(bare) == []


def test_a_huge_graph_is_refused_by_the_name_of_the_limit():
    with pytest.raises(SizeError, match="5,001 vertices, and the limit of a drawing is 5,000"):
        draw(gates_in_a_row(5_001))


def test_an_empty_picture_is_an_empty_page():
    assert overlaps(draw(Picture((), ()))) == []
    ElementTree.fromstring(svg(draw(Picture((), ()))))


# Bytes --------------------------------------------------------------------------------------------

ALL = (
    "from pictures import PICTURES; from derive.pictures.drawing import draw;"
    "from derive.pictures.svg import svg; from derive.pictures.tikz import tikz;"
    "from derive.pictures.mermaid import mermaid;"
    "print(*(svg(draw(p)) + tikz(draw(p)) + mermaid(p) for p in PICTURES.values()))"
)


def test_two_runs_give_the_same_bytes():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", ALL],
            env=os.environ
            | {
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTHONIOENCODING": "utf-8",
            },
            cwd=File(__file__).parent,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


SMALL = File(__file__).parent / "small.svg"


def small():
    x = Vertex("x", "input", line("x"), value=line("2"), gradient=line("4"))
    f = Vertex("f", "gate", line("×"), line("f"), line("4"), line("1"), output=True)
    wires = (Wire("x", "f", 0, line("2")), Wire("x", "f", 1, line("2")))
    return Picture((x, f), wires, "f = x · x", "one fork")


def test_a_small_picture_as_svg():
    assert svg(draw(small())) == SMALL.read_text("utf-8")


# Text that is none --------------------------------------------------------------------------------

NASTY = [
    "<b>&amp;\"'",
    "]]>",
    "a\x00b\x1b[0m",
    "end",
    "|x|",
    "`code`",
    "#35;",
    "日本語",
    "🙂",
    "-- x",
    "",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_the_users_text_stays_text_in_xml(nasty):
    x = Vertex("x", "input", line(nasty), value=line(nasty), gradient=line(nasty))
    picture = Picture((x,), (), nasty, nasty)
    root = ElementTree.fromstring(svg(draw(picture)))
    shown = "".join(char if char >= " " else " " for char in nasty)
    assert [it.text for it in root.iter(f"{SVG}text")] == ([shown] * 3 if shown.strip() else [])
    assert {it.tag for it in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "g", "rect", "path", "text", "circle")
    }
    assert overlaps(draw(picture)) == []


@given(pictures())
@settings(max_examples=30)
def test_svg_is_well_formed_and_says_what_it_is(picture):
    root = ElementTree.fromstring(svg(draw(picture)))
    assert root.get("role") == "img" and root.get("viewBox")
    assert not list(root.iter(f"{SVG}script"))


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ('a"b', "a#34;b"),
        ("<x>", "#60;x#62;"),
        ("+", "#43;"),
        ("×(−1)", "×#40;−1#41;"),
        ("a;b#c", "a#59;b#35;c"),
        ("`m`", "#96;m#96;"),
        ("|x|", "#124;x#124;"),
        ("W_1", "W#95;1"),
        ("∂f/∂q = z", "∂f/∂q = z"),
    ],
)
def test_mermaid_reads_the_users_text_as_text(plain, written):
    assert f'v0["{written}"]' in mermaid(Picture((Vertex("x", "input", line(plain)),), ()))


def test_mermaid_has_every_vertex_and_every_wire():
    for picture in PICTURES.values():
        text = mermaid(picture)
        outputs = sum(vertex.output for vertex in picture.vertices)
        assert text.count("-->") == len(picture.wires) + outputs
        assert all(f"  v{number}" in text for number in range(len(picture.vertices)))


def test_a_text_with_unequal_forms_is_refused():
    with pytest.raises(ValueError, match="the same cells"):
        Text((("a", "b"),), (("a",),))


def test_a_longer_text_is_never_narrower():
    assert extent(line("−12.5"))[0] > extent(line("−12"))[0]


def test_tikz_draws_what_the_drawing_has():
    for picture in PICTURES.values():
        drawing = draw(picture, across=ACROSS)
        text = tikz(drawing)
        assert text.count(r"\derivefit{") == len(drawing.labels) + len(drawing.nodes)
        outlines = text.count("circle[") + text.count(") rectangle (") - 1
        assert outlines == len(drawing.nodes) + len(drawing.dots)
        assert text.count("-- cycle") == len(drawing.arrows)
