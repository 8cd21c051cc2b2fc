"""Our gradients are never longer than the literature's, but for those on a ledger that shrinks.

`longer.txt` holds them, a line each: by how many operators, and the name of the case. What is not
on it may not be longer, and what is longer no more has to leave it: `python
tests/benchmarks/textbook.py --ledger` writes it anew.
"""

import ast
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from textbook import LEDGER, cases, definitions, measured, operators
from told import gradients

CASES = {case.name: case for case in cases()}
LONGER = {
    name: int(excess)
    for excess, name in (line.split(" ", 1) for line in LEDGER.read_text("utf-8").splitlines())
}


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_is_not_longer_than_the_literatures(name):
    found = measured(CASES[name], gradients)
    assert not brackets(found.text), found.text
    if name not in LONGER:
        assert found.excess <= 0, f"{found.text} is longer than {found.case.claim}"
    else:
        assert found.excess > 0, "it is longer no more: take it off the ledger"
        assert found.excess <= LONGER[name], f"it is longer than it was: {found.text}"


def brackets(text: str) -> set[str]:
    """The signs and brackets of a text that nobody would write."""
    found = set()

    def is_negative(node: ast.expr) -> bool:
        return isinstance(node, ast.UnaryOp)

    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.BinOp(op=ast.Mult() | ast.MatMult() | ast.Div(), right=right) if is_negative(
                right
            ):
                found.add("a sign within a product")
            case ast.BinOp(op=ast.Mult(), left=ast.Constant(value=1)):
                found.add("one times")
            case ast.BinOp(op=ast.Add() | ast.Sub(), right=ast.BinOp(op=ast.Add() | ast.Sub())):
                found.add("a sum within a sum")
            case ast.BinOp(op=ast.Add() | ast.Sub(), right=right) if is_negative(right):
                found.add("two signs")
            case ast.BinOp(op=ast.Add(), left=left) if is_negative(left):
                found.add("a sign at the beginning of a sum")
            case ast.UnaryOp(operand=ast.BinOp(op=ast.Sub())):
                found.add("the negative of a difference")
            case ast.BinOp(op=ast.Div(), right=ast.BinOp(op=ast.Div())):
                found.add("over a quotient")
            case ast.BinOp(op=ast.Div(), left=ast.BinOp(op=ast.Div())):
                found.add("a quotient over something")
    return found


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("-X * W / n - A.T @ -(B + C) * 1", 1),
        ("X * -W", 1),
        ("1 * X", 1),
        ("X + (W - Y)", 1),
        ("X - -W", 1),
        ("-X + W", 1),
        ("-(X - W)", 1),
        ("X / (W / n)", 1),
        ("X / n / m", 1),
        ("-X * W / (n * m) - (A - B) @ C", 0),
    ],
)
def test_signs_and_brackets_are_seen(text, count):
    assert len(brackets(text)) == count


def test_the_ledger_names_cases():
    assert set(LONGER) <= set(CASES)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("dY", 0),
        ("X.T @ dY", 2),
        ("-(X @ W) / n", 3),
        ("2 * (A + A.T)", 3),
        ("sum(dY, axis=0)", 1),
        ("(Z > 0) * dZ", 2),
        ("P = softmax(Z); dZ = (P - T) / n", 3),
        ("unvec(dy, (n, m))", 1),
    ],
)
def test_operators_are_counted_on_the_text(text, count):
    assert operators(text) == count


def test_what_a_text_defines_counts_and_what_it_is_given_does_not():
    assert definitions("P = softmax(Z); dZ = P - T") == [("P", "softmax(Z)"), ("dZ", "P - T")]
