"""A drawing as a `tikzpicture`: it needs the package tikz and nothing else.

The places are those of the drawing, a pixel being 0.52 pt, so that a line of type fits its line of
text. A text that TeX sets larger than the room it has, with half of the air beside it, is scaled
down, and so is a picture that is larger than the page: nothing overlaps, whatever the fonts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.pictures.drawing import CLEAR
from derive.pictures.shapes import ARROW, DOT, Drawing, Label, Node, Path, Point

_SCALE = 0.52
#: How many pixels wide a picture should be drawn, to fill a page without getting too small.
ACROSS = 1_000
#: On a page the signs of a wider bare picture would be smaller than a point: they are left out.
READABLE = 4_000
_COLOURS = r"""\definecolor{derivevalue}{RGB}{0,114,178}%
\definecolor{derivegradient}{RGB}{213,94,0}%
\definecolor{derivewire}{RGB}{95,107,122}%"""
#: What is written, the room for it: scaled down where it is larger.
_FIT = r"""\def\derivefit#1#2#3{%
  \sbox0{$#3$}%
  \ifdim\wd0>#1\relax\sbox0{\resizebox{#1}{!}{\usebox0}}\fi
  \dimen2=\ht0 \advance\dimen2 by \dp0
  \ifdim\dimen2>#2\relax\sbox0{\resizebox*{!}{#2}{\usebox0}}\fi
  \usebox0}%"""
#: The picture is in a box; it may be as wide as the text and nearly as high as the page.
_PAGE = r"""\ifdim\wd0>\linewidth\sbox0{\resizebox{\linewidth}{!}{\usebox0}}\fi
\dimen0=0.9\textheight
\ifdim\ht0>\dimen0\sbox0{\resizebox{!}{\dimen0}{\usebox0}}\fi
\usebox0%"""
_STYLES = {
    "sign": "",
    "variable": "",
    "constant": "",
    "name": "",
    "value": "text=derivevalue",
    "gradient": "text=derivegradient",
}
_SHAPES = {
    "gate": "draw, fill=white, line width=0.7pt",
    "input": "draw, fill=black!5, line width=0.6pt",
    "constant": "draw=derivewire, fill=white, densely dashed",
}


def tikz(drawing: Drawing) -> str:
    """Return a drawing as LaTeX that draws it, no wider than the text around it.

    >>> from derive.pictures.drawing import draw
    >>> from derive.pictures.picture import Picture, Vertex, line
    >>> vertex = Vertex("theta", "input", line("θ", r"\\theta"))
    >>> r"{\\theta}" in tikz(draw(Picture((vertex,), ())))
    True
    """
    return "\n".join(_lines(drawing)) + "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    yield r"\begingroup\noindent"
    yield _COLOURS
    yield _FIT
    yield r"\sbox0{%"
    size = r"\tiny" if drawing.bare else r"\footnotesize"
    yield rf"\begin{{tikzpicture}}[x={_SCALE}pt, y=-{_SCALE}pt, inner sep=0pt, outer sep=0pt,"
    yield rf"  every node/.style={{font={size}}}, line cap=round]"
    yield r"\renewcommand{\arraystretch}{0.86}\setlength{\arraycolsep}{2.5pt}"
    yield rf"\useasboundingbox (0,0) rectangle ({_n(drawing.width)},{_n(drawing.height)});"
    thickness = "0.4pt" if drawing.bare else "0.7pt"
    yield from _together(rf"\draw[derivewire, line width={thickness}]", map(_path, drawing.paths))
    yield from _together(r"\fill[derivewire]", map(_arrow, drawing.arrows))
    yield from _together(r"\fill[derivewire]", map(_dot, drawing.dots))
    shapes: dict[str, list[str]] = {}
    for node in drawing.nodes:
        style, shape = _shape(node)
        shapes.setdefault(style, []).append(shape)
    for style, outlines in shapes.items():
        yield from _together(rf"\draw[{style}]", outlines)
    if not drawing.bare or drawing.width <= READABLE:
        write = _small if drawing.bare else _label
        yield from (write(node.label) for node in drawing.nodes if node.label)
    yield from map(_label, drawing.labels)
    yield r"\end{tikzpicture}}%"
    yield _PAGE
    yield r"\endgroup"


def _together(command: str, shapes: Iterable[str]) -> Iterator[str]:
    """One command for many shapes: TeX needs far less memory for it than for one command each."""
    waiting = list(shapes)
    for first in range(0, len(waiting), 100):
        several = waiting[first : first + 100]
        yield command
        yield from (f"  {shape}" for shape in several[:-1])
        yield f"  {several[-1]};"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _at(point: Point) -> str:
    return f"({_n(point[0])},{_n(point[1])})"


def _path(path: Path) -> str:
    steps = [_at(path.pieces[0][0])]
    for _, *others in path.pieces:
        if len(others) == 3:
            steps.append(f".. controls {_at(others[0])} and {_at(others[1])} .. {_at(others[2])}")
        else:
            steps.append(f"-- {_at(others[0])}")
    return " ".join(steps)


def _arrow(tip: Point) -> str:
    x, y = tip
    return f"{_at(tip)} -- {_at((x - ARROW, y - 3.2))} -- {_at((x - ARROW, y + 3.2))} -- cycle"


def _dot(middle: Point) -> str:
    return f"{_at(middle)} circle[radius={_n(DOT * _SCALE)}pt]"


def _shape(node: Node) -> tuple[str, str]:
    """How the outline of a node is drawn, and the outline."""
    rect, style = node.rect, _SHAPES[node.kind]
    corner = _n(node.corner * _SCALE)
    if node.is_circle:
        return style, f"{_at(rect.middle)} circle[radius={corner}pt]"
    outline = f"{_at((rect.left, rect.top))} rectangle {_at((rect.right, rect.bottom))}"
    return f"{style}, rounded corners={corner}pt", outline


def _fitted(label: Label) -> str:
    rect = label.rect
    room = f"{{{_n((rect.width + CLEAR) * _SCALE)}pt}}{{{_n(rect.height * _SCALE)}pt}}"
    return rf"\derivefit{room}{{{_weighed(label)}}}"


def _small(label: Label) -> str:
    """A text without a node of TikZ around it, which would take TeX more memory."""
    x, y = label.rect.middle
    place = f"x={_n(x * _SCALE)}pt, y={_n(-y * _SCALE)}pt"
    return rf"\pgftext[{place}]{{\tiny {_fitted(label)}}}"


def _label(label: Label) -> str:
    rect = label.rect
    shown = _fitted(label)
    style = f"[{_STYLES[label.role]}]" if _STYLES[label.role] else ""
    return rf"\node{style} at {_at(rect.middle)} {{{shown}}};"


def _weighed(label: Label) -> str:
    """The mathematics of a text: names and values are bold, gradients in the slant they have."""
    shown = _mathematics(label)
    return rf"\mbox{{\boldmath${shown}$}}" if label.role in ("name", "value") else shown


def _mathematics(label: Label) -> str:
    rows = label.text.tex
    if len(rows) == 1 and len(rows[0]) == 1 and not label.text.brackets:
        return rows[0][0]
    columns = "c" * max(map(len, rows))
    body = r" \\ ".join(" & ".join(row) for row in rows)
    array = rf"\begin{{array}}{{@{{}}{columns}@{{}}}} {body} \end{{array}}"
    return rf"\left( {array} \right)" if label.text.brackets else array
