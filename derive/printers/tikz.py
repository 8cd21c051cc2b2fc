"""A drawing as a `tikzpicture`: it needs the package tikz and nothing else.

The places are those of the drawing, a pixel being 0.52 pt, so that a line of type fits its line of
text. A text that TeX sets larger than the room it has is scaled down to it, and a picture that is
larger than the page is scaled down to that: nothing overlaps, whatever the fonts.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.drawing import ARROW, DOT, Drawing, Label, Node, Path, Point, Rect

_SCALE = 0.52
_COLOURS = r"""\definecolor{derivevalue}{RGB}{0,114,178}
\definecolor{derivegradient}{RGB}{213,94,0}
\definecolor{derivewire}{RGB}{95,107,122}"""
#: What is written, the room for it: scaled down where it is larger.
_FIT = r"""\def\derivefit#1#2#3{%
  \sbox0{$#3$}\dimen0=\wd0 \dimen2=\ht0 \advance\dimen2 by \dp0
  \ifdim\dimen0>#1\relax\sbox0{\resizebox{#1}{!}{\usebox0}}\fi
  \dimen2=\ht0 \advance\dimen2 by \dp0
  \ifdim\dimen2>#2\relax\sbox0{\resizebox{!}{#2}{\usebox0}}\fi
  \usebox0}"""
#: The picture is in a box; it may be as wide as the text and nearly as high as the page.
_PAGE = r"""\ifdim\wd0>\linewidth\sbox0{\resizebox{\linewidth}{!}{\usebox0}}\fi
\dimen0=0.9\textheight
\ifdim\ht0>\dimen0\sbox0{\resizebox{!}{\dimen0}{\usebox0}}\fi
\usebox0"""
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

    >>> from derive.drawing import draw
    >>> from derive.picture import Picture, Vertex, line
    >>> vertex = Vertex("theta", "input", line("θ", r"\\theta"))
    >>> r"{\\theta}" in tikz(draw(Picture((vertex,), ())))
    True
    """
    return "\n".join(_lines(drawing)) + "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    yield r"\begingroup"
    yield _COLOURS
    yield _FIT
    yield r"\sbox0{%"
    size = r"\tiny" if drawing.bare else r"\footnotesize"
    yield rf"\begin{{tikzpicture}}[x={_SCALE}pt, y=-{_SCALE}pt, inner sep=0pt, outer sep=0pt,"
    yield rf"  every node/.style={{font={size}}}, line cap=round]"
    yield r"\renewcommand{\arraystretch}{0.86}\setlength{\arraycolsep}{2.5pt}"
    yield rf"\useasboundingbox (0,0) rectangle ({_n(drawing.width)},{_n(drawing.height)});"
    thickness = "0.4pt" if drawing.bare else "0.7pt"
    for path in drawing.paths:
        yield rf"\draw[derivewire, line width={thickness}] {_path(path)};"
    for x, y in drawing.arrows:
        back = _n(x - ARROW)
        corners = f"({back},{_n(y - 3.2)}) -- ({back},{_n(y + 3.2)})"
        yield rf"\fill[derivewire] ({_n(x)},{_n(y)}) -- {corners} -- cycle;"
    for x, y in drawing.dots:
        yield rf"\fill[derivewire] ({_n(x)},{_n(y)}) circle[radius={_n(DOT * _SCALE)}pt];"
    for node in drawing.nodes:
        yield _node(node)
        if node.label:
            yield _label(node.label)
    yield from map(_label, drawing.labels)
    yield r"\end{tikzpicture}}%"
    yield _PAGE
    yield r"\endgroup"


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


def _node(node: Node) -> str:
    rect = node.rect
    corner = min(rect.width, rect.height) / 2 if node.kind == "gate" else 5.0
    style = f"{_SHAPES[node.kind]}, rounded corners={_n(corner * _SCALE)}pt"
    if node.kind == "gate" and rect.width == rect.height:
        middle = _at(_middle(rect))
        return rf"\draw[{_SHAPES['gate']}] {middle} circle[radius={_n(corner * _SCALE)}pt];"
    return (
        rf"\draw[{style}] {_at((rect.left, rect.top))} rectangle {_at((rect.right, rect.bottom))};"
    )


def _middle(rect: Rect) -> Point:
    return rect.left + rect.width / 2, rect.top + rect.height / 2


def _label(label: Label) -> str:
    rect = label.rect
    room = f"{{{_n(rect.width * _SCALE)}pt}}{{{_n(rect.height * _SCALE)}pt}}"
    shown = rf"\derivefit{room}{{{_weighed(label)}}}"
    style = f"[{_STYLES[label.role]}]" if _STYLES[label.role] else ""
    return rf"\node{style} at {_at(_middle(rect))} {{{shown}}};"


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
