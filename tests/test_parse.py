"""The language: what is read, what it prints as again, and how each mistake is answered."""

import string
from textwrap import dedent

import mpmath
import pytest
from flint import ctx
from hypothesis import given, settings, strategies as st
from programs import DECLARED, DIGITS, matrix, point, run, texts

from derive.expressions.errors import DeriveError, ParseError, ShapeError, UnsupportedError
from derive.expressions.program import Program
from derive.expressions.shape import Shape
from derive.language.parse import parse
from derive.language.syntax import LONGEST
from derive.readings.numbers import Enclosures, interval

# -- what is read ----------------------------------------------------------------------------------

READ = {
    "affine": ("X: (n, d); W: (d, m); B: (1, m); Y = X @ W + B", "Y = X @ W + B", "n×m"),
    "lines": ("X: (n, d)\n  Y = X  # twice\n\nZ = 2*Y", "Y = X; Z = 2 * Y", "n×d"),
    "windows": ("X: (n, d)\r\nY = X\r\n", "Y = X", "n×d"),
    "scalars": ("y = a*x**2 + b", "y = a * x ** 2 + b", "1×1"),
    "no name": ("X: (n, d); X.T", "Y = X.T", "d×n"),
    "no name, a loss": ("X: (n, d); sum(X)", "L = sum(X)", "1×1"),
    "the usual name is taken": ("X: (n, d); Y: (n, d); X + Y", "Z = X + Y", "n×d"),
    "decimals are exact": (
        "y = 0.1*x + .5*x + 1e-3*x",
        "y = 1 / 10 * x + 1 / 2 * x + 1 / 1000 * x",
        "1×1",
    ),
    "numbers are folded": ("y = (1 + 2*3)/4*x", "y = 7 / 4 * x", "1×1"),
    "powers": ("y = x**-2 + x**0.5", "y = x ** (-2) + x ** (1 / 2)", "1×1"),
    "a power binds before a sign": ("y = -x**2", "y = -x ** 2", "1×1"),
    "brackets where they are needed": (
        "y = (a + b)*(c - (d - e))",
        "y = (a + b) * (c - (d - e))",
        "1×1",
    ),
    "products stay as bracketed": (
        "A: (n, n); B: (n, n); C: (n, n); Y = A @ (B @ C) * (A @ B)",
        "Y = A @ (B @ C) * (A @ B)",
        "n×n",
    ),
    "a transpose of a sum": ("A: (n, d); B: (n, d); Y = (A + B).T", "Y = (A + B).T", "d×n"),
    "sums": (
        "X: (n, d); a = sum(X); b = sum(X, axis=0); c = mean(X, axis=1); Y = mean(X) * X",
        "a = sum(X); b = sum(X, axis=0); c = mean(X, axis=1); Y = mean(X) * X",
        "n×d",
    ),
    "a column against a row": ("u: (n, 1); v: (1, d); Y = u + v", "Y = u + v", "n×d"),
    "a dimension as a number": (
        "E: (n, d); L = sum(E ** 2) / (2 * n)",
        "L = sum(E ** 2) / (2 * n)",
        "1×1",
    ),
    "masks": ("X: (n, d); Y = X * (X > 0) + (X < 1)", "Y = X * (X > 0) + (1 > X)", "n×d"),
    "two arguments": ("X: (n, d); Y = max(X, 0) - min(1, X)", "Y = max(X, 0) - min(1, X)", "n×d"),
    "constant matrices": (
        "X: (n, n); Y = X @ ones(n, 1) + zeros(n, 1) + eye(n) @ ones(n, 1)",
        "Y = X @ ones(n, 1) + zeros(n, 1) + eye(n) @ ones(n, 1)",
        "n×1",
    ),
    "names that LaTeX reads otherwise": (
        "x_1: (n, 1); alpha: (); hat_y = alpha * x_1",
        "hat_y = alpha * x_1",
        "n×1",
    ),
    "a name of an operator that is no function": (
        "var = 3*x; y = var + mul",
        "var = 3 * x; y = var + mul",
        "1×1",
    ),
    "a comment may hold anything": ("y = x  # \ud800 é \x00 ' ( \\", "y = x", "1×1"),
    "shapes after their use": ("Y = X @ W; X: (n, d); W: (d, m)", "Y = X @ W", "n×m"),
}


@pytest.mark.parametrize("text, printed, shape", READ.values(), ids=READ)
def test_a_text_is_read_and_printed_again(text, printed, shape):
    program = parse(text)
    assert "; ".join(map(str, program.statements)) == printed
    assert str(program.output.shape) == shape


# Sizes that must be equal become one word, others become different words; 1 stays 1.
GENERALISED = {
    "the affine layer": (
        "X: (2, 2); W: (2, 3); B: (1, 3); Y = X @ W + B",
        {"X": "n×d", "W": "d×m", "B": "1×m", "Y": "n×m"},
        {"n": 2, "d": 2, "m": 3},
    ),
    "a square needs one word": ("A: (3, 3); L = tr(A)", {"A": "n×n", "L": "1×1"}, {"n": 3}),
    "equal sizes by chance": ("A: (3, 3); L = sum(A)", {"A": "n×d", "L": "1×1"}, {"n": 3, "d": 3}),
    "a word beside a number": (
        "X: (n, 4); W: (4, m); Y = X @ W",
        {"X": "n×d", "W": "d×m", "Y": "n×m"},
        {"d": 4},
    ),
    "a word wins where they meet": ("X: (n, d); Y: (n, 4); Z = X @ Y.T", None, None),
    "names are spared": ("n: (2, 3); Y = 2 * n", {"n": "d×m", "Y": "d×m"}, {"d": 2, "m": 3}),
    "a number in the formula stays": (
        "X: (3, 2); Y = X + ones(3, 2)",
        {"X": "3×2", "Y": "3×2"},
        {},
    ),
    "sizes of 1": (
        "x: (1, 1); r: (1, 5); Y = x @ r",
        {"x": "1×1", "r": "1×n", "Y": "1×n"},
        {"n": 5},
    ),
}


@pytest.mark.parametrize("text, shapes, sizes", GENERALISED.values(), ids=GENERALISED)
def test_sizes_become_words(text, shapes, sizes):
    if shapes is None:
        with pytest.raises(ShapeError, match="X has d columns"):
            parse(text)
        return
    program = parse(text)
    assert {name: str(leaf.shape) for name, leaf in program.leaves.items()} == shapes
    assert dict(program.sizes) == sizes


def test_shapes_beside_the_text():
    program = parse("Y = X @ W", {"X": ("n", "d"), "W": Shape("d", 3)})
    assert str(program.output.shape) == "n×m"
    assert parse("y = 2 * x", {"x": ()}).output.shape.is_scalar


BESIDE = {
    "another shape": (
        "X: (n, d); Y = X",
        {"X": ("n", "m")},
        "X has two shapes: n×d in the text, n×m beside it",
    ),
    "three dimensions": (
        "Y = X",
        {"X": ("n", "d", "m")},
        "the shape of X has 3 dimensions, two are expected",
    ),
    "zero": ("Y = X", {"X": (0, 2)}, "X: a dimension must be at least 1, this one is 0"),
    "a fraction": ("Y = X", {"X": (1.5, 2)}, "X: 1.5 is neither a name nor a whole number"),
    "a truth value": ("Y = X", {"X": (True, 2)}, "X: True is neither a name nor a whole number"),
    "not a name": ("Y = X", {"X": ("n d", 2)}, "X: 'n d' is neither a name nor a whole number"),
    "not a pair": ("Y = X", {"X": 3}, "the shape of X is 3, a pair such as (2, 'd') is expected"),
    "a text": ("Y = X", {"X": "nd"}, "the shape of X is 'nd', a pair such as (2, 'd') is expected"),
}


@pytest.mark.parametrize("text, shapes, message", BESIDE.values(), ids=BESIDE)
def test_wrong_shapes_beside_the_text(text, shapes, message):
    with pytest.raises(ShapeError) as caught:
        parse(text, shapes)
    assert caught.value.message == message


# -- what is refused -------------------------------------------------------------------------------
# Each message is here word for word, with the line at fault and the caret under the culprit.

REFUSED = """
    Y = X @ W
    line 1, column 5: X has no shape
      Y = X @ W
          ^
      hint: write X: (n, d) in the text, or -s X=n,d beside it

    x: (n, 1); Y = X.T @ x
    line 1, column 16: X has no shape: did you mean x?
      x: (n, 1); Y = X.T @ x
                     ^
      hint: write X: (n, d) in the text, or -s X=n,d beside it

    y = sum(x)
    line 1, column 9: x has no shape
      y = sum(x)
              ^
      hint: write x: (n, d) in the text, or -s x=n,d beside it

    weight: (); loss = 2 * weigth
    line 1, column 24: unknown name weigth: did you mean weight?
      weight: (); loss = 2 * weigth
                             ^^^^^^
      hint: or declare it: weigth: () is a scalar

    X: (n, d); Y = sigmod(X)
    line 1, column 16: unknown function sigmod: did you mean sigmoid?
      X: (n, d); Y = sigmod(X)
                     ^^^^^^^^^

    X: (n, d); Y = open("f")
    line 1, column 16: unknown function open
      X: (n, d); Y = open("f")
                     ^^^^^^^^^

    X: (n, d); W: (k, m); Y = X @ W
    line 1, column 27: X @ W: X has d columns, W has k rows
      X: (n, d); W: (k, m); Y = X @ W
                                ^^^^^
      hint: known so far: X is n×d, W is k×m

    X: (2, 3); W: (4, 5); Y = 1 + X @ W
    line 1, column 31: X @ W: X has 3 columns, W has 4 rows
      X: (2, 3); W: (4, 5); Y = 1 + X @ W
                                    ^^^^^
      hint: known so far: X is 2×3, W is 4×5

    X: (n, d); B: (m, d); Y = X + B
    line 1, column 27: X is n×d and B is m×d: these do not broadcast
      X: (n, d); B: (m, d); Y = X + B
                                ^^^^^
      hint: known so far: X is n×d, B is m×d

    X: (n, d); Y = X @ 2
    line 1, column 20: 2 is a number, and @ multiplies matrices
      X: (n, d); Y = X @ 2
                         ^
      hint: write * instead

    X: (n, d); Y = tr(X)
    line 1, column 16: tr(X): a square matrix is needed, this one is n×d
      X: (n, d); Y = tr(X)
                     ^^^^^

    X: (2, 3); X: (2, 4); Y = X
    line 1, column 12: X has two shapes: 2×3 before, 2×4 here
      X: (2, 3); X: (2, 4); Y = X
                 ^^^^^^^^^

    X: (0, 3); Y = X
    line 1, column 5: a dimension must be at least 1, this one is 0
      X: (0, 3); Y = X
          ^

    X: (n, -1); Y = X
    line 1, column 8: a dimension must be at least 1, this one is -1
      X: (n, -1); Y = X
             ^^

    X: (n, 99999999999); Y = X
    line 1, column 8: a dimension of 99,999,999,999 is absurdly large
      X: (n, 99999999999); Y = X
             ^^^^^^^^^^^

    X: (n + 1, d); Y = X
    line 1, column 5: a dimension is a name, a positive whole number, or a product of these
      X: (n + 1, d); Y = X
          ^^^^^

    X: [n, d]; Y = X
    line 1, column 4: a shape is written in round brackets: (n, d)
      X: [n, d]; Y = X
         ^^^^^^

    X: (n, d, m); Y = X
    line 1, column 4: a shape has rows and columns, this one has 3 dimensions
      X: (n, d, m); Y = X
         ^^^^^^^^^
      hint: write (n, 1) for a column, (1, n) for a row, () for a scalar

    n: (n, d); Y = n
    line 1, column 1: n is both a dimension and a variable; give one of them another name
      n: (n, d); Y = n
      ^

    X: (n, d); X = 3
    line 1, column 1: X has a shape as an input and is assigned as well
      X: (n, d); X = 3
      ^
      hint: the shape of an assigned name follows from its formula

    y = x; y = 2 * x
    line 1, column 8: y is assigned twice
      y = x; y = 2 * x
             ^
      hint: give every value a name of its own, so that the proof can speak of it

    Y = 2 * Z; Z = x * Y
    line 1, column 1: the program is circular: Y, which needs Z, which needs Y
      Y = 2 * Z; Z = x * Y
      ^^^^^^^^^
      hint: every name must come down to inputs; give a new value a new name

    Z = Z + x
    line 1, column 1: Z is defined by itself
      Z = Z + x
      ^^^^^^^^^
      hint: every name must come down to inputs; give a new value a new name

    sum = 2 * x
    line 1, column 1: sum is a function; choose another name
      sum = 2 * x
      ^^^

    X: (n, d); Y = exp
    line 1, column 16: exp is a function: write exp(...)
      X: (n, d); Y = exp
                     ^^^

    X: (n, d); dX = X
    line 1, column 12: dX is the gradient of the loss with respect to X; choose another name
      X: (n, d); dX = X
                 ^^

    X: (n, d); Y = X + dX
    line 1, column 20: dX is a gradient, and cannot be used in the program itself
      X: (n, d); Y = X + dX
                         ^^

    X: (n, d); Y = X^T
    line 1, column 16: this operator is not in the language
      X: (n, d); Y = X^T
                     ^^^
      hint: for a transpose write X.T, for a power write X ** 2

    X: (n, d); Y = X^T @ X
    line 1, column 16: this operator is not in the language
      X: (n, d); Y = X^T @ X
                     ^^^^^^^
      hint: for a transpose write X.T, for a power write X ** 2

    X: (n, d); Y = X' @ X
    line 1, column 17: a prime is not read as a transpose
      X: (n, d); Y = X' @ X
                      ^
      hint: write X.T

    X: (n, d); Y = Xᵀ @ X
    line 1, column 17: the character 'ᵀ' is not in the language
      X: (n, d); Y = Xᵀ @ X
                      ^
      hint: for a transpose write X.T

    X: (n, d); Y = X // 2
    line 1, column 16: this operator is not in the language
      X: (n, d); Y = X // 2
                     ^^^^^^
      hint: // rounds, which has no gradient; write / for division

    X: (n, d); Y = 0 < X < 1
    line 1, column 16: comparisons cannot be chained
      X: (n, d); Y = 0 < X < 1
                     ^^^^^^^^^
      hint: write (a > b) * (b > c)

    X: (n, d); Y = X == 1
    line 1, column 16: == marks the winner of a maximum or a minimum, and nothing else
      X: (n, d); Y = X == 1
                     ^^^^^^
      hint: write X == max(X, axis=1), or a mask such as X > 0

    X: (n, d); Y = X != 1
    line 1, column 16: only >, <, >=, <= and == compare here
      X: (n, d); Y = X != 1
                     ^^^^^^

    X: (n, d); Y = X.__class__
    line 1, column 16: .__class__ is not in the language
      X: (n, d); Y = X.__class__
                     ^^^^^^^^^^^
      hint: the one attribute is .T

    X: (n, d); Y = sp.exp(X)
    line 1, column 16: sp has no shape, and is no library that is read
      X: (n, d); Y = sp.exp(X)
                     ^^^^^^^^^
      hint: write sp: (n, d) in the text; libraries are np, torch, F, jnp and jax.nn

    X: (n, d); Y = np.softmx(X)
    line 1, column 16: np.softmx is not in the language: did you mean softmax?
      X: (n, d); Y = np.softmx(X)
                     ^^^^^^^^^^^^
      hint: functions may be written by their names alone, such as exp(X)

    X: (n, d); Y = X - np.mean(X, axis=0)
    line 1, column 20: np.mean drops the axis, and every value here is a matrix
      X: (n, d); Y = X - np.mean(X, axis=0)
                         ^^^^^^^^^^^^^^^^^^
      hint: add keepdims=True

    X: (n, d); Y = X - X.mean(dim=0)
    line 1, column 20: .mean drops the axis, and every value here is a matrix
      X: (n, d); Y = X - X.mean(dim=0)
                         ^^^^^^^^^^^^^
      hint: add keepdim=True

    X: (n, d); Y = X.T()
    line 1, column 16: .T is not in the language
      X: (n, d); Y = X.T()
                     ^^^^^
      hint: a transpose has no brackets: write X.T

    f = lambda x: x
    line 1, column 5: this is not in the language
      f = lambda x: x
          ^^^^^^^^^^^
      hint: functions cannot be defined; write the formula itself

    X: (n, d); Y = [x for x in X]
    line 1, column 16: this is not in the language
      X: (n, d); Y = [x for x in X]
                     ^^^^^^^^^^^^^^
      hint: write sum(...), or matrix products, instead of a loop

    X: (n, d); Y = sum(x for x in X)
    line 1, column 19: this is not in the language
      X: (n, d); Y = sum(x for x in X)
                        ^^^^^^^^^^^^^^
      hint: write sum(...), or matrix products, instead of a loop

    X: (n, d); Y = X[0]
    line 1, column 16: this is not in the language
      X: (n, d); Y = X[0]
                     ^^^^
      hint: entries cannot be picked out; a product with a matrix of 0 and 1 can do it

    y = x if x else 1
    line 1, column 5: this is not in the language
      y = x if x else 1
          ^^^^^^^^^^^^^
      hint: write max(a, b), or a mask such as X > 0

    y = 'a' * x
    line 1, column 5: only numbers and names are read here
      y = 'a' * x
          ^^^

    y = True * x
    line 1, column 5: only numbers and names are read here
      y = True * x
          ^^^^

    y = 0x10 * x
    line 1, column 5: write this number in decimals
      y = 0x10 * x
          ^^^^

    y = 1e400 * x
    line 1, column 5: this number is out of range
      y = 1e400 * x
          ^^^^^
      hint: exponents go up to 300

    y = ((10 ** 1000) ** 1000) ** 1000 * x
    line 1, column 6: this number has too many digits
      y = ((10 ** 1000) ** 1000) ** 1000 * x
           ^^^^^^^^^^^^^^^^^^^^
      hint: a name can stand for it

    X: (n, d); Y = X ** X
    line 1, column 16: the exponent must be a number
      X: (n, d); Y = X ** X
                     ^^^^^^
      hint: write exp(b * log(a)) instead

    y = x ** 1001
    line 1, column 5: the exponent 1001 is out of range
      y = x ** 1001
          ^^^^^^^^^
      hint: it goes up to 1000

    y = x / (1 - 1)
    line 1, column 5: division by zero
      y = x / (1 - 1)
          ^^^^^^^^^^^

    X: (n, d); Y = sum(X, axis=2)
    line 1, column 16: the axis is 0 (over the rows) or 1 (over the columns)
      X: (n, d); Y = sum(X, axis=2)
                     ^^^^^^^^^^^^^^

    X: (n, d); Y = sum(X, dtype=8)
    line 1, column 16: sum has the options axis and keepdims; dtype is not known
      X: (n, d); Y = sum(X, dtype=8)
                     ^^^^^^^^^^^^^^^

    X: (n, d); Y = sum(X, axis=0, keepdims=False)
    line 1, column 16: sum drops the axis, and every value here is a matrix
      X: (n, d); Y = sum(X, axis=0, keepdims=False)
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint: add keepdims=True

    X: (n, d); Y = exp(X, axis=0)
    line 1, column 16: exp takes no option axis
      X: (n, d); Y = exp(X, axis=0)
                     ^^^^^^^^^^^^^^

    X: (n, d); Y = max(X, X, X)
    line 1, column 16: max takes 2 arguments, 3 given
      X: (n, d); Y = max(X, X, X)
                     ^^^^^^^^^^^^

    X: (n, d); Y = X + exp(*X)
    line 1, column 24: this is not in the language
      X: (n, d); Y = X + exp(*X)
                             ^^

    X: (n, d); Y = X * ones(n)
    line 1, column 20: ones takes 2 dimensions
      X: (n, d); Y = X * ones(n)
                         ^^^^^^^

    X: (n, d); Y = X * ones(n, k)
    line 1, column 28: k is not a dimension of any declared shape
      X: (n, d); Y = X * ones(n, k)
                                 ^

    X: (n, d); Y = broadcast_to(X, (n,))
    line 1, column 16: broadcast_to takes a matrix and a shape: broadcast_to(B, (n, m))
      X: (n, d); Y = broadcast_to(X, (n,))
                     ^^^^^^^^^^^^^^^^^^^^^

    _ = 3 * x
    line 1, column 1: _ is not a name
      _ = 3 * x
      ^
      hint: a name begins with a letter

    X: (n, d); Y = \\input{X}
    line 1, column 16: a backslash is not in the language
      X: (n, d); Y = \\input{X}
                     ^
      hint: LaTeX commands are not read; write alpha for a Greek letter

    y = α * x
    line 1, column 5: the character 'α' is not in the language
      y = α * x
          ^
      hint: write alpha, which is printed as the Greek letter

    lambda: (); y = lambda * x
    line 1, column 27: the text ends too early
      lambda: (); y = lambda * x
                                ^
      hint: write lam: lambda is a word of Python

    X: (n, d); Y = (X
    line 1, column 16: '(' is never closed
      X: (n, d); Y = (X
                     ^

    X: (n, d); Y = X)
    line 1, column 17: ')' was not expected here
      X: (n, d); Y = X)
                      ^

    y = 2x
    line 1, column 5: '2x' was not expected here
      y = 2x
          ^^

    a, b = x
    line 1, column 1: one name stands on the left: Y = ...
      a, b = x
      ^^^^^^^^

    import os
    line 1, column 1: only shapes (X: (n, d)) and assignments (Y = ...) are read
      import os
      ^^^^^^^^^

    X: (n, d); X; Y = 2 * X
    line 1, column 12: this value is not used; give it a name: Z = ...
      X: (n, d); X; Y = 2 * X
                 ^

    X: (n, d)
    there is no formula: write something such as Y = X @ W + B
"""


def blocks(table: str) -> list[tuple[str, str]]:
    found = (block.split("\n", 1) for block in dedent(table).strip().split("\n\n"))
    return [(text, answer) for text, answer in found]


@pytest.mark.parametrize("text, answer", blocks(REFUSED))
def test_a_mistake_is_answered_where_it_is(text, answer):
    with pytest.raises(DeriveError) as caught:
        parse(text)
    assert str(caught.value) == answer
    assert caught.value.exit_code == 2


# What cannot stand in the table: other lines, characters that no file holds, very long texts.
ODD = {
    "nothing": ("", "there is no formula: write something such as Y = X @ W + B"),
    "the third line": (
        "X: (n, d)\n\n  Y = X @ X",
        "line 3, column 7: X @ X: X has d columns, X has n rows\n    Y = X @ X\n        ^^^^^\n"
        "  hint: known so far: X is n×d",
    ),
    "a surrogate": (
        "y = \ud800",
        "line 1, column 5: the character '\\ud800' is not in the language\n  y = \ud800\n      ^\n"
        "  hint: this is not Unicode text; save it as UTF-8",
    ),
    "a byte order mark": (
        "\ufeffy = x",
        "line 1, column 1: the character '\\ufeff' is not in the language\n  \ufeffy = x\n  ^\n"
        "  hint: this is a byte order mark; save the text as UTF-8 without one",
    ),
    "a null": (
        "y = x\x00",
        "line 1, column 6: the character '\\x00' is not in the language\n  y = x\x00\n       ^",
    ),
    "after wide characters in a comment above": (
        "# ééé\ny = x @ z",
        "line 2, column 5: x has no shape\n  y = x @ z\n      ^\n"
        "  hint: write x: (n, d) in the text, or -s x=n,d beside it",
    ),
    "very long": (
        "y = x" + " + x" * LONGEST,
        "the text has 200,005 characters, more than the 50,000 that are read",
    ),
}


@pytest.mark.parametrize("text, answer", ODD.values(), ids=ODD)
def test_an_odd_text(text, answer):
    with pytest.raises(DeriveError) as caught:
        parse(text)
    assert str(caught.value) == answer


DEEP = {
    "brackets": "y = " + "(" * 5000 + "x" + ")" * 5000,
    "brackets that do not close": "y = " + "(" * 300,
    "signs": "y = " + "-" * 5000 + "x",
    "terms": "y = " + " + ".join(["x"] * 3000),
    "transposes": "X: (n, n); Y = X" + ".T" * 3000,
    "powers": "y = x" + " ** 2" * 1000,
    "calls": "y = " + "exp(" * 2000 + "x" + ")" * 2000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_a_very_deep_text(text):
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.message == "the formula is nested too deeply, or has too many terms"
    assert caught.value.hint == "give parts of it names: Z = ..., then Y = ... Z ..."


def test_a_deep_text_that_is_not_too_deep():
    assert str(parse("y = " + " + ".join(["x"] * 150)).output) == "y"
    assert str(parse("y = " + "(" * 90 + "x" + ")" * 90).output) == "y"


def test_a_very_long_number():
    with pytest.raises(ParseError, match="this number has too many digits"):
        parse("y = " + "9" * 5000 + " * x")


def test_a_place_in_a_long_line_shows_the_culprit():
    with pytest.raises(ParseError) as caught:
        parse("y = " + "x + " * 100 + "foo(x)" + " + x" * 50)
    line, caret = str(caught.value).splitlines()[1:3]
    assert line[caret.index("^") :].startswith("foo(x)")


# -- what can be asked of a program ----------------------------------------------------------------

WANTED = {
    "a name that is not there": (
        "weights: (d, m); X: (n, d); Y = X @ weights",
        "weigths",
        "there is no variable weigths: did you mean weights?",
        "the program has weights, X, Y",
    ),
    "independent": (
        "X: (n, d); T: (n, d); Y = 2 * X",
        "T",
        "Y does not depend on T, so there is nothing to derive",
        "leave T out, or name the variables with --wrt",
    ),
    "independent intermediate": (
        "X: (n, d); Z = X + 1; Y = 2 * X",
        "Z",
        "Y does not depend on Z, so there is nothing to derive",
        "leave Z out, or name the variables with --wrt",
    ),
    "the output": (
        "X: (n, d); Y = 2 * X",
        "Y",
        "Y is the output itself: its gradient is what the proof starts from",
        None,
    ),
}


@pytest.mark.parametrize("text, name, message, hint", WANTED.values(), ids=WANTED)
def test_a_variable_that_cannot_be_asked_for(text, name, message, hint):
    with pytest.raises(UnsupportedError) as caught:
        parse(text).wanted((name,))
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_constant_has_no_gradient():
    with pytest.raises(UnsupportedError, match="y depends on no variable: there is no gradient"):
        parse("y = 3").wanted(None)


# -- nothing else ever happens ---------------------------------------------------------------------

TOKENS = st.sampled_from(
    [
        *"XYWABbcsn()+-*/@.,:;=<>'\"[]{}^_#!&|\\~%$ \n\t",
        *("**", "//", ".T", "sum", "exp(", "max", "axis=", "0", "1", "2.5", "1e9", "ᵀ", "dX"),
        *("X: (n, d)", "W: (d, 3)", "Y = ", "eye(n)", "ones(n, d)", "mean(X, axis=0)"),
        *("lambda ", " if ", " for ", "not ", "in ", "None", "broadcast_to("),
    ]
)


@settings(max_examples=400)
@given(st.one_of(
    st.lists(TOKENS, max_size=25).map("".join),
    st.text(max_size=40),
    st.text(string.printable, max_size=40),
    st.lists(TOKENS, max_size=12).map("".join).map(f"{DECLARED}; Z = ".__add__),
))  # fmt: skip
def test_any_text_is_a_program_or_an_error(text):
    try:
        assert isinstance(parse(text), Program)
    except DeriveError as error:
        assert str(error)


# -- the way back ----------------------------------------------------------------------------------


def printed(program: Program) -> str:
    shapes = (
        f"{n}: ({s.rows}, {s.cols})" for n in program.inputs for s in [program.leaves[n].shape]
    )
    return "; ".join([*shapes, *map(str, program.statements)])


@settings(max_examples=100)
@given(texts())
def test_what_is_printed_is_read_as_the_same_program(text):
    program = parse(text)
    again = parse(printed(program))
    assert printed(again) == printed(program)
    for before, after in zip(program.statements, again.statements, strict=True):
        assert after.expr is before.expr


@settings(max_examples=60)
@given(texts())
def test_numpy_gives_a_printed_program_the_same_numbers(text):
    before, ctx.prec = ctx.prec, 200
    try:
        with mpmath.workdps(DIGITS):
            compare_with_numpy(text)
    finally:
        ctx.prec = before


def compare_with_numpy(text):
    program = parse(text)
    sizes = dict(zip(program.dims, (2, 3, 4)))
    values = point(program, sizes)
    theirs = run(program, {name: matrix(rows) for name, rows in values.items()}, sizes)
    exact = {name: [[interval(x) for x in row] for row in rows] for name, rows in values.items()}
    for statement in program.statements:
        ours = Enclosures(sizes, exact).matrix(statement.expr)
        exact[statement.name] = [[interval(x) for x in row] for row in ours]
        shape = statement.expr.shape.at(sizes)
        assert theirs[statement.name].shape == (shape.rows, shape.cols)
        for mine, row in zip(exact[statement.name], theirs[statement.name], strict=True):
            for a, b in zip(mine, row, strict=True):
                assert float(a) == pytest.approx(float(b), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("text", ['open("f")', "__import__('os')", "eval('1')", "exec('1')"])
def test_nothing_is_evaluated(text, monkeypatch):
    called = []
    with monkeypatch.context() as patch:
        for name in ("eval", "exec", "open"):
            patch.setattr(f"builtins.{name}", lambda *args: called.append(args))
        with pytest.raises(ParseError, match="unknown function"):
            parse(text)
    assert not called


@pytest.mark.parametrize(
    ("text", "order", "reordered"),
    [
        ("y = x ** 2; z = 3 * y", "y z", False),
        ("z = 3 * y; y = x ** 2", "y z", True),
        ("a = x * y; f = a + b; b = 2 * a", "a b f", True),
        ("f = a * b; a = x + 1; g = 2 * x; b = a * y", "a b f g", True),
        ("f = a * b; a = x + 1; g = 2 * f; b = a * y", "a b f g", True),
        ("z * y; y = x", "y L", True),
    ],
)
def test_statements_come_in_any_order(text, order, reordered):
    program = parse(text)
    assert " ".join(s.name for s in program.statements) == order
    assert program.reordered is reordered
