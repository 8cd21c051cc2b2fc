"""Displays: chains of equalities as lines that fit, by smaller letters, breaks and dots."""

from itertools import groupby

import pytest

from derive.expressions.layout import Box, frac, num, op, row, sub, word
from derive.notation.displays import (
    PAGE,
    SCREEN,
    Link,
    Paper,
    broken,
    fitted,
    matrix_of,
    shortened,
    side_by_side,
)
from derive.notation.latex import latex
from derive.notation.text import text
from derive.notation.widths import plain, width


def letter(name: str) -> Box:
    return Box("id", text=name)


def total(*terms: Box) -> Box:
    return row(*[box for term in terms for box in (op("plus"), term)][1:])


def indexed(name: str, *indices: int) -> Box:
    return sub(letter(name), row(*map(num, indices)))


def words(count: int, length: int = 6) -> Box:
    """Return a sum of names that no line is wide enough for."""
    return total(*(word("abcdefgh"[k % 8] * length) for k in range(count)))


A, B = letter("A"), letter("B")


def lines(display):
    return [
        f"{text(x.left) if x.left else ''}|{x.sign}|{text(x.right) if x.right else ''}"
        for x in display.lines
    ]


@pytest.mark.parametrize(
    ("links", "packed", "shown"),
    [
        ([Link(A, B)], False, ["B|equals|A"]),
        ([Link(A, B), Link(num(2))], False, ["B|equals|A", "|equals|2"]),
        ([Link(A, B), Link(num(2), sign="approx")], True, ["B|equals|A ≈ 2"]),
        ([Link(A, B), Link(num(2), A)], True, ["B|equals|A", "A|equals|2"]),
        ([Link(A, B), Link(A), Link(num(2))], False, ["B|equals|A", "|equals|2"]),
        ([Link(row(A, op("thin"), B), B), Link(row(A, B))], False, ["B|equals|A B"]),
        ([Link(A, words(8)), Link(B)], False, [f"{text(words(8))}||", "|equals|A", "|equals|B"]),
    ],
)
def test_a_chain(links, packed, shown):
    assert lines(fitted(links, packed=packed)) == shown


def test_a_reason_stands_on_the_last_line_of_its_side():
    found = fitted([Link(words(12), A, reason="because"), Link(B, reason="so")])
    assert [line.reason for line in found.lines] == [None, None, "because", "so"]


@pytest.mark.parametrize("count", [1, 5, 10, 20, 40])
@pytest.mark.parametrize("wide", [3, 12])
def test_no_line_is_wider_than_the_paper(count, wide):
    cell = words(count, wide)
    for box in (cell, matrix_of(3, 2, lambda i, j: cell if j else A)):
        found = fitted([Link(box, A), Link(B)], PAGE)
        limit = dict((*PAGE.sizes, PAGE.last))[found.size]
        assert all(width(line.right) <= limit for line in found.lines)
        assert found.room >= -2


def test_letters_become_smaller_before_a_matrix_has_dots():
    row_of = [matrix_of(1, k, lambda i, j: num(1)) for k in range(1, 40)]
    sizes = [fitted([Link(box, A)]).size for box in row_of]
    assert [size for size, _ in groupby(sizes)] == ["", "small", "footnotesize", ""]


def test_a_wide_matrix_has_dots():
    box = matrix_of(2, 30, lambda i, j: indexed("x", i, j))
    found = fitted([Link(box, A)]).lines[0].right
    assert text(found) == "[x₀₀  x₀₁  ⋯  x₀₂₉; x₁₀  x₁₁  ⋯  x₁₂₉]"


def test_a_screen_is_as_wide_as_it_is():
    found = fitted([Link(words(60), A)], SCREEN)
    assert len(found.lines) > 1 and found.size == ""
    assert all(width(line.right) <= SCREEN.sizes[0][1] for line in found.lines)


def test_three_columns_stay_whole_while_anything_else_helps():
    box = matrix_of(2, 3, lambda i, j: total(*(indexed("x", k) for k in range(9))))
    assert shortened(box, 3).parts[0].parts[2] != op("cdots")
    kept = fitted([Link(box, A)]).lines[0].right
    assert len(kept.parts[0].parts) == 3 and kept.parts[0].parts[1] != op("cdots")
    stiff = matrix_of(2, 3, lambda i, j: frac(num(1), word("w" * 60)))
    assert fitted([Link(stiff, A)]).lines[0].right.parts[0].parts[1] == op("cdots")


def test_what_is_optional_goes_where_it_has_no_room():
    box = matrix_of(1, 3, lambda i, j: word("w" * 40))
    chain = [Link(A, B), Link(box, optional=True), Link(num(1))]
    assert lines(fitted(chain)) == ["B|equals|A", "|equals|1"]
    assert len(fitted(chain, Paper((("", 1000.0),))).lines) == 3


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        (total(*(indexed("x", k) for k in range(4))), "x₀ + x₁ + x₂ + x₃"),
        (total(*(indexed("x", k) for k in range(9))), "x₀ + x₁ + ⋯ + x₈"),
        (
            total(*(indexed("xy"[k % 2], k) for k in range(12))),
            "x₀ + y₁ + x₂ + y₃ + ⋯ + x₁₀ + y₁₁",
        ),
        (total(*map(letter, "abcdefgh")), "a + b + c + d + e + f + g + h"),
        (matrix_of(6, 1, lambda i, j: num(i)), "[0; 1; ⋮; 5]"),
        (matrix_of(6, 6, lambda i, j: num(i)), "[0  0  ⋯  0; 1  1  ⋯  1; ⋮  ⋮  ⋱  ⋮; 5  5  ⋯  5]"),
    ],
)
def test_dots(box, shown):
    assert text(shortened(box, 4)) == shown
    assert shortened(shortened(box, 4), 4) is shortened(box, 4)


def test_what_is_short_is_the_same_box():
    box = matrix_of(2, 2, lambda i, j: indexed("x", i, j))
    assert shortened(box, 4) is box


def test_slots_are_filled_before_a_line_breaks():
    template = total(*(row(word("abcdef"), Box("slot", text="i")) for _ in range(4)))
    box = Box("filled", (template, num(7)), "i")
    assert [text(line) for line in broken(box, 20)] == [
        "abcdef7 + abcdef7", " + abcdef7", " + abcdef7",
    ]  # fmt: skip


@pytest.mark.parametrize("digits", [(1, 2), (3, 14), (15, 9), (26, 53)])
def test_a_filled_layout_is_measured_and_broken_as_if_it_was_written_out(digits):
    slots = [Box("slot", text=k) for k in "ij"]
    cell = total(*(frac(sub(letter("abcdef"[k]), row(*slots)), num(2)) for k in range(6)))
    filled = Box("filled", (cell, *map(num, digits)), "i j")
    other = Box("filled", (cell, num(10 * digits[0]), num(100)), "i j")
    assert width(filled) == width(plain(filled)) < width(other) == width(plain(other))
    lines, whole = broken(filled, 12), broken(plain(filled), 12)
    assert len(lines) > 1 and list(map(latex, lines)) == list(map(latex, whole))


def test_equations_side_by_side():
    assert [len(line) for line in side_by_side([num(10**9)] * 7, 45)] == [3, 3, 1]
