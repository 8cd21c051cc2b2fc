"""A drawing as SVG: one file that needs no script, no font and no style from elsewhere.

Values are bold and blue and stand above their wire, gradients are slanted and vermilion and stand
below it: place and weight tell them apart where colours do not. The colours are those of Okabe and
Ito, which colour-blind readers tell apart too.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.notation.escape import xml
from derive.pictures.shapes import ARROW, DOT, TYPE, Cell, Drawing, Label, Node, Path, Point, Rect

FONTS = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
BLUE, VERMILION, INK, LINE = "#0072B2", "#D55E00", "#1a1a1a", "#5f6b7a"
_TEXT = {
    "sign": f'fill="{INK}"',
    "variable": f'fill="{INK}"',
    "constant": f'fill="{INK}"',
    "name": f'fill="{INK}" font-weight="bold"',
    "value": f'fill="{BLUE}" font-weight="bold"',
    "gradient": f'fill="{VERMILION}" font-style="italic"',
}
_SHAPE = {
    "gate": f'fill="#ffffff" stroke="{INK}" stroke-width="1.4"',
    "input": f'fill="#eef1f5" stroke="{INK}" stroke-width="1.2"',
    "constant": f'fill="#ffffff" stroke="{LINE}" stroke-dasharray="3 2"',
}
_INKS = {"value": BLUE, "gradient": VERMILION}
_BRACKET = 5.0


def svg(drawing: Drawing) -> str:
    """Return a drawing as SVG.

    >>> from derive.pictures.drawing import draw
    >>> from derive.pictures.picture import Picture, Vertex, line
    >>> svg(draw(Picture((Vertex("x", "input", line("x < y")),), ()))).count("x &lt; y")
    1
    """
    return "\n".join(_lines(drawing)) + "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    wide, high = _n(drawing.width), _n(drawing.height)
    size = 8 if drawing.bare else TYPE
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide}" height="{high}"'
        f' viewBox="0 0 {wide} {high}" font-family="{FONTS}" font-size="{size}"'
        ' text-anchor="middle" text-rendering="geometricPrecision">'
    )
    if drawing.title:
        yield f"<title>{xml(drawing.title)}</title>"
    if drawing.description:
        yield f"<desc>{xml(drawing.description)}</desc>"
    yield f'<rect width="{wide}" height="{high}" rx="10" fill="#ffffff"/>'
    thickness = "0.8" if drawing.bare else "1.4"
    yield f'<g fill="none" stroke="{LINE}" stroke-width="{thickness}" stroke-linecap="round">'
    yield from (f'<path d="{_path(path)}"/>' for path in drawing.paths)
    yield "</g>"
    yield f'<g fill="{LINE}">'
    yield from (f'<path d="{_arrow(x, y)}"/>' for x, y in drawing.arrows)
    yield from (f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{DOT}"/>' for x, y in drawing.dots)
    yield "</g>"
    for node in drawing.nodes:
        yield from _node(node)
    for label in drawing.labels:
        yield from _label(label)
    yield "</svg>"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(path: Path) -> str:
    """The commands of a wire; a straight piece is horizontal or vertical."""
    steps = [f"M{_at(path.pieces[0][0])}"]
    for start, *others in path.pieces:
        end = others[-1]
        if len(others) == 3:
            steps.append("C" + " ".join(map(_at, others)))
        elif start[1] == end[1]:
            steps.append(f"H{_n(end[0])}")
        else:
            steps.append(f"V{_n(end[1])}")
    return "".join(steps)


def _at(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _arrow(x: float, y: float) -> str:
    return f"M{_n(x)} {_n(y)}l{-ARROW} -3.2v6.4z"


def _node(node: Node) -> Iterator[str]:
    rect, style = node.rect, _SHAPE[node.kind]
    yield f'<g class="{node.kind}">'
    if node.is_circle:
        x, y = map(_n, rect.middle)
        yield f'<circle cx="{x}" cy="{y}" r="{_n(node.corner)}" {style}/>'
    else:
        yield f'<rect {_box(rect)} rx="{_n(node.corner)}" {style}/>'
    if node.label:
        yield from _label(node.label)
    yield "</g>"


def _box(rect: Rect) -> str:
    place = f'x="{_n(rect.left)}" y="{_n(rect.top)}"'
    return f'{place} width="{_n(rect.width)}" height="{_n(rect.height)}"'


def _label(label: Label) -> Iterator[str]:
    style = f'class="{label.role}" {_TEXT[label.role]}'
    cells = [cell for cell in label.cells if cell.plain.strip()]
    if len(cells) == 1 and not label.text.brackets:
        yield _cell(cells[0], f" {style}")
        return
    yield f"<g {style}>"
    yield from map(_cell, cells)
    if label.text.brackets:
        ink = _INKS.get(label.role, INK)
        yield f'<path d="{_brackets(label.rect)}" fill="none" stroke="{ink}"/>'
    yield "</g>"


def _cell(cell: Cell, style: str = "") -> str:
    return f'<text x="{_n(cell.x)}" y="{_n(cell.y)}"{style}>{xml(cell.plain)}</text>'


def _brackets(rect: Rect) -> str:
    top, bottom = rect.top + 1.5, rect.bottom - 1.5

    def bracket(foot: float, back: float) -> str:
        return (
            f"M{_n(foot)} {_n(top)}C{_n(back)} {_n(top + 5)} {_n(back)} {_n(bottom - 5)}"
            f" {_n(foot)} {_n(bottom)}"
        )

    return bracket(rect.left + _BRACKET, rect.left - 0.5) + bracket(
        rect.right - _BRACKET, rect.right + 0.5
    )
