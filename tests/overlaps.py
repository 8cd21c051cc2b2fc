"""A finished drawing, looked at again without knowing how it was made."""

from __future__ import annotations

from collections.abc import Iterator

from derive.pictures.shapes import ARROW, DOT, Drawing, Label, Path, Point, Rect

_STEPS = 24


def _segments(path: Path) -> Iterator[tuple[Point, Point]]:
    for piece in path.pieces:
        if len(piece) == 2:
            yield piece[0], piece[1]
            continue
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = piece
        last = piece[0]
        for step in range(1, _STEPS + 1):
            t = step / _STEPS
            s = 1 - t
            a, b, c, d = s**3, 3 * s * s * t, 3 * s * t * t, t**3
            point = (a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy)
            yield last, point
            last = point


def overlaps(drawing: Drawing) -> list[tuple[str, str]]:
    """What meets what in a drawing and should not, by rectangles and pieces of curves.

    Text meets no text, wire, dot, arrowhead or node; a wire meets no node but those it joins; a
    node's own text stays inside it; everything stays on the page.
    """
    found: list[tuple[str, str]] = []
    labels = [(_called(label), label.rect) for label in drawing.labels]
    solid = labels + [(f"node {node.key}", node.rect) for node in drawing.nodes]
    for number, (name, rect) in enumerate(solid):
        if rect.left < 0 or rect.top < 0 or rect.right > drawing.width + _NEAR:
            found.append((name, "the page"))
        elif rect.bottom > drawing.height + _NEAR:
            found.append((name, "the page"))
        found += [(name, other) for other, its in solid[number + 1 :] if _share(rect, its)]
    for node in drawing.nodes:
        if node.label and not _within(node.label.rect, node.rect):
            found.append((_called(node.label), f"the border of node {node.key}"))
    marks = [Rect(x - DOT, y - DOT, 2 * DOT, 2 * DOT) for x, y in drawing.dots]
    marks += [Rect(x - ARROW, y - ARROW / 2, ARROW, ARROW) for x, y in drawing.arrows]
    found += [(name, "a mark") for name, rect in labels for mark in marks if _share(rect, mark)]
    for path in drawing.paths:
        allowed = {f"node {key}" for key in path.ends}
        around = _around(path)
        obstacles = [it for it in solid if _share(it[1], around) and it[0] not in allowed]
        met = set()
        for start, end in _segments(path):
            for name, rect in obstacles:
                if name not in met and _crosses(start, end, rect):
                    met.add(name)
                    found.append((name, f"a wire at {start[0]:.0f}, {start[1]:.0f}"))
    return found


_NEAR = 0.15


def _called(label: Label) -> str:
    return f"{label.role} {'; '.join(' '.join(row) for row in label.text.plain)}"


def _around(path: Path) -> Rect:
    """A rectangle in which a wire stays: a curve never leaves that of its four points."""
    points = [point for piece in path.pieces for point in piece]
    left, top = (min(point[at] for point in points) - 1 for at in (0, 1))
    right, bottom = (max(point[at] for point in points) + 1 for at in (0, 1))
    return Rect(left, top, right - left, bottom - top)


def _share(a: Rect, b: Rect) -> bool:
    wide = min(a.right, b.right) - max(a.left, b.left)
    return wide > _NEAR and min(a.bottom, b.bottom) - max(a.top, b.top) > _NEAR


def _within(inner: Rect, outer: Rect) -> bool:
    across = outer.left <= inner.left + _NEAR and inner.right <= outer.right + _NEAR
    return across and outer.top <= inner.top + _NEAR and inner.bottom <= outer.bottom + _NEAR


def _crosses(start: Point, end: Point, rect: Rect) -> bool:
    """Whether a segment has a point inside a rectangle (Liang and Barsky 1984)."""
    (x, y), (u, v) = start, end
    if max(x, u) <= rect.left or min(x, u) >= rect.right:
        return False
    first, last = 0.0, 1.0
    for step, low, high in (
        (u - x, rect.left + _NEAR - x, rect.right - _NEAR - x),
        (v - y, rect.top + _NEAR - y, rect.bottom - _NEAR - y),
    ):
        if not step:
            if low >= 0 or high <= 0:
                return False
            continue
        near, far = sorted((low / step, high / step))
        first, last = max(first, near), min(last, far)
    return first < last
