"""What may be assumed of an input: words, what they mean for a matrix, and such matrices.

What enters comes from a user; what leaves is a set of known words for each input. An assumption
restricts the points at which something is judged or worked out, never the differentiation. The law:
a word is one row of a table, and whoever draws numbers, is given some or uses a law asks the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import NamedTuple

from derive.expressions.errors import ShapeError, UnsupportedError, nearest
from derive.expressions.program import Program
from derive.ops.square import determinant

Matrix = list[list[Fraction]]
Assumptions = Mapping[str, str | Sequence[str]]


def _is_symmetric(rows: Matrix) -> bool:
    return rows == [list(column) for column in zip(*rows, strict=True)]


def _is_definite(rows: Matrix) -> bool:
    """Sylvester's criterion."""
    minors = ([row[:k] for row in rows[:k]] for k in range(1, len(rows) + 1))
    return _is_symmetric(rows) and all(determinant(minor) > 0 for minor in minors)


def _each(law: Callable[[Fraction], bool]) -> Callable[[Matrix], bool]:
    return lambda rows: all(law(x) for row in rows for x in row)


class Assumption(NamedTuple):
    """A word that may be said of a matrix.

    `holds` is its meaning, `says` the sentence of it, with a place for the name, `of_one` that of a
    number where it is another. `square` marks
    what is said of square matrices alone, `choices` are the numbers that an entry may be, where
    they are few, and `implies` the words that hold as well. `generic` marks what a random matrix,
    made symmetric where that is asked for, obeys in a field without an order. `drawn` draws small
    numbers of some rows and columns that obey it, where any numbers would not soon do so.
    """

    word: str
    says: str
    holds: Callable[[Matrix], bool]
    square: bool = False
    choices: tuple[int, ...] = ()
    implies: tuple[str, ...] = ()
    generic: bool = False
    drawn: Callable[[Random, int, int], Matrix] | None = None
    of_one: str = ""


# -- small numbers ---------------------------------------------------------------------------------


def unimodular(random: Random, rows: int, cols: int) -> Matrix:
    """Return a matrix of small whole numbers whose determinant is 1, -1 or 2.

    It is a product of two triangular matrices with such a diagonal.
    """
    upper = [[random.randrange(-2, 3) if j > i else int(i == j) for j in range(cols)]
             for i in range(rows)]  # fmt: skip
    upper[-1][-1] = (1, 2, -1)[random.randrange(3)]
    return _product(_lower(random, rows), upper)


def _lower(random: Random, size: int) -> list[list[int]]:
    return [[random.randrange(-1, 2) if j < i else int(i == j) for j in range(size)]
            for i in range(size)]  # fmt: skip


def _product(a: list[list[int]], b: list[list[int]]) -> Matrix:
    columns = list(zip(*b, strict=True))
    return [
        [Fraction(sum(x * y for x, y in zip(row, column, strict=True))) for column in columns]
        for row in a
    ]


def _definite(random: Random, rows: int, cols: int) -> Matrix:
    """Return a lower triangular matrix times its transpose."""
    lower = _lower(random, rows)
    lower[-1][-1] = 1 + random.randrange(2)
    return _product(lower, [list(column) for column in zip(*lower, strict=True)])


def _hot(random: Random, rows: int, cols: int) -> Matrix:
    hot = [random.randrange(cols) for _ in range(rows)]
    return [[Fraction(int(j == k)) for j in range(cols)] for k in hot]


def _shares(random: Random, rows: int, cols: int) -> Matrix:
    """Return rows of positive parts of one, in quarters, eighths and so on."""
    whole = 4
    while whole < 2 * cols:
        whole *= 2
    found = [[1] * cols for _ in range(rows)]
    for parts in found:
        for _ in range(whole - cols):
            parts[random.randrange(cols)] += 1
    return [[Fraction(part, whole) for part in parts] for parts in found]


# -- the table -------------------------------------------------------------------------------------

TABLE = {
    entry.word: entry
    for entry in (
        Assumption(
            "symmetric", "{} is symmetric", _is_symmetric, square=True, generic=True
        ),
        Assumption(
            "spd", "{} is symmetric and positive definite", _is_definite, square=True,
            implies=("symmetric",), generic=True, drawn=_definite,
        ),
        Assumption(
            "invertible", "{} is invertible", lambda rows: bool(determinant(rows) != 0),
            square=True, generic=True, drawn=unimodular,
        ),
        Assumption(
            "positive", "the entries of {} are positive", _each(lambda x: x > 0), generic=True,
            of_one="{} is positive",
        ),
        Assumption(
            "unit-interval", "the entries of {} are between 0 and 1", _each(lambda x: 0 < x < 1),
            implies=("positive",), generic=True, of_one="{} is between 0 and 1",
        ),
        Assumption(
            "row-stochastic", "the rows of {} sum to one",
            lambda rows: all(min(row) >= 0 and sum(row) == 1 for row in rows), drawn=_shares,
        ),
        Assumption(
            "one-hot-rows", "the rows of {} are one-hot",
            lambda rows: all(sorted(row) == [0] * (len(row) - 1) + [1] for row in rows),
            choices=(0, 1), implies=("binary", "row-stochastic"), drawn=_hot,
        ),
        Assumption(
            "binary", "the entries of {} are 0 or 1", _each(lambda x: x in (0, 1)), choices=(0, 1),
            of_one="{} is 0 or 1",
        ),
        Assumption(
            "sign", "the entries of {} are 1 or -1", _each(lambda x: x in (-1, 1)), choices=(-1, 1),
            of_one="{} is 1 or -1",
        ),
    )
}  # fmt: skip
ASSUMPTIONS = tuple(TABLE)
#: So many matrices are tried where the numbers are few and a determinant must not vanish.
TRIES = 60


def assumed(program: Program, assume: Assumptions) -> dict[str, frozenset[str]]:
    """Return what is assumed of each input as a set of words.

    >>> from derive.language.parse import parse
    >>> assumed(parse("A: (n, n); f = tr(A)"), {"A": "spd"})
    {'A': frozenset({'spd'})}

    Raises `UnsupportedError` for an unknown input or word, `ShapeError` where a word asks for a
    square matrix.
    """
    found = {}
    for name, words in assume.items():
        if name not in program.inputs:
            raise UnsupportedError(f"there is no input {name}{nearest(name, program.inputs)}")
        known = frozenset([words] if isinstance(words, str) else words)
        for word in known:
            if word not in ASSUMPTIONS:
                raise UnsupportedError(
                    f"there is no assumption {word}{nearest(word, ASSUMPTIONS)}",
                    hint=f"there are {', '.join(ASSUMPTIONS)}",
                )
        shape = program.leaves[name].shape
        square = [word for word in ASSUMPTIONS if word in known and TABLE[word].square]
        if square and shape.rows != shape.cols:
            raise ShapeError(f"{name} is {shape}, and only a square matrix is {square[0]}")
        found[name] = known
    return found


def broken(rows: list[list[Fraction]], words: Iterable[str]) -> list[str]:
    """Return the words that a matrix does not obey.

    >>> broken([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(1)]], ["symmetric", "spd"])
    ['spd']
    """
    return [word for word in ASSUMPTIONS if word in words and not TABLE[word].holds(rows)]


def implied(words: Iterable[str]) -> frozenset[str]:
    """Return some words and all that follow from each of them.

    >>> sorted(implied(["spd"]))
    ['spd', 'symmetric']
    """
    return frozenset(w for word in words for w in (word, *TABLE[word].implies))


def facts(assume: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Return what is assumed of each name with all that follows: what the laws of algebra ask for.

    >>> sorted(facts({"p": ["unit-interval"]})["p"])
    ['positive', 'unit-interval']
    """
    return {name: implied(words) for name, words in assume.items()}


def is_discrete(words: Iterable[str]) -> bool:
    """Whether an entry can be one of a few numbers alone."""
    return any(TABLE[word].choices for word in words)


def drawing(words: Iterable[str]) -> Callable[[Random, int, int], Matrix] | None:
    """Return what draws small numbers for the word that says most; `None` where any will do."""
    rows = (TABLE[word] for word in ASSUMPTIONS if word in words and TABLE[word].drawn)
    best = max(rows, key=lambda row: len(row.implies), default=None)
    return best.drawn if best else None


def obeying(table: Matrix, words: Iterable[str]) -> Matrix | None:
    """Return a matrix that obeys all of some words together, made of a table of numbers.

    What obeys them already stays as it is. `None` where no matrix is found: where there is none,
    or where entries that may be 0, 1 or -1 alone would have to be chosen better.

    >>> one = Fraction(1)
    >>> [[str(x) for x in row] for row in obeying([[one, 2 * one], [one, -one]], ["symmetric"])]
    [['1', '2'], ['2', '-1']]
    >>> obeying([[one]], ["unit-interval", "row-stochastic"]) is None
    True
    """
    words = tuple(words)
    made = _candidates(table, implied(words))
    return next((rows for rows in made if not broken(rows, words)), None)


def drawn(
    program: Program,
    sizes: Mapping[str, int],
    draw: Callable[[int, str, tuple[int, ...]], Matrix],
    assume: Mapping[str, Iterable[str]],
) -> dict[str, Matrix]:
    """Return a matrix for every input and for the upstream gradient that obeys what is assumed.

    `draw(k, name, extents)` gives the k-th of them before it is made to obey; a loss has the
    gradient 1.

    >>> from derive.language.parse import parse
    >>> drawn(parse("x: (n, 1); f = sum(x)"), {"n": 1}, lambda *k: [[Fraction(-2)]], {})
    {'x': [[Fraction(-2, 1)]], 'df': [[Fraction(1, 1)]]}

    Raises `UnsupportedError` where no matrix is found.
    """
    upstream, found = f"d{program.output}", {}
    for k, name in enumerate((*program.inputs, upstream)):
        shape = program.leaves.get(name, program.output).shape
        if name == upstream and program.is_loss:
            found[name] = [[Fraction(1)]]
            continue
        words = tuple(assume.get(name, ()))
        rows = obeying(draw(k, name, shape.extents(sizes)), words)
        if rows is None:
            raise UnsupportedError(unmet(name, words, str(shape.at(sizes))))
        found[name] = rows
    return found


def congruent(state: int) -> Iterator[int]:
    """Yield numbers that look random and are the same on every machine (Knuth, TAOCP 3.2.1)."""
    while True:
        state = (1103515245 * state + 12345) % 2**31
        yield state


def _candidates(table: Matrix, words: frozenset[str]) -> Iterator[Matrix]:
    yield table
    few = [set(TABLE[word].choices) for word in words if TABLE[word].choices]
    if few:
        cells = [Fraction(x) for x in sorted(set.intersection(*few))]
        chosen = [x for x in cells if not broken([[x]], words & {"positive", "unit-interval"})]
        yield from _of_few(table, words, chosen)
        return
    for dominant in (False, True):
        if dominant or "spd" not in words:
            yield _of_many(table, words, dominant)


def _of_many(table: Matrix, words: frozenset[str], dominant: bool) -> Matrix:
    """Return a table brought between bounds, made symmetric, its rows divided by their sums; where
    the diagonal is to be dominant it becomes larger than the rest of its row, and of its column."""
    square = range(len(table))
    if words & {"positive", "row-stochastic"}:
        table = [[abs(x) for x in row] for row in table]
    if "positive" in words:
        table = [[x or Fraction(1) for x in row] for row in table]
    if "symmetric" in words:
        table = [[table[min(i, j)][max(i, j)] for j in square] for i in square]
    beside = [sum((abs(x) for j, x in enumerate(row) if j != i), Fraction(0))
              for i, row in enumerate(table)]  # fmt: skip
    if "symmetric" in words and "row-stochastic" in words:
        most = max(beside)
        whole = (2 * most if dominant else most + min(abs(table[i][i]) for i in square)) + 1
        table = [[whole - beside[i] if i == j else x for j, x in enumerate(row)]
                 for i, row in enumerate(table)]  # fmt: skip
        return [[x / whole for x in row] for row in table]
    if dominant:
        table = [[abs(x) + beside[i] + 1 if i == j else x for j, x in enumerate(row)]
                 for i, row in enumerate(table)]  # fmt: skip
    if "row-stochastic" in words:
        table = [
            [x / sum(row) if sum(row) else Fraction(1, len(row)) for x in row] for row in table
        ]
    elif "unit-interval" in words:
        whole = Fraction(max(x for row in table for x in row) // 1 + 1)
        table = [[x / whole for x in row] for row in table]
    return table


def refuse_broken(values: Mapping[str, Matrix], assume: Mapping[str, frozenset[str]]) -> None:
    """Raise `UnsupportedError` where values that were given are not what is assumed of them.

    >>> refuse_broken({"x": [[Fraction(1)]]}, {"x": frozenset({"positive"})})
    """
    for name, words in assume.items():
        if name in values and (wrong := broken(values[name], words)):
            raise UnsupportedError(f"{name} is not {' and not '.join(wrong)}")


def unmet(name: str, words: Iterable[str], sizes: str = "") -> str:
    """Return the sentence that no matrix was found that obeys all of some words."""
    said = " and ".join(TABLE[word].says.format(name) for word in ASSUMPTIONS if word in words)
    return f"no {sizes}{' ' if sizes else ''}matrix was found such that {said}"


def _of_few(table: Matrix, words: frozenset[str], cells: list[Fraction]) -> Iterator[Matrix]:
    """Yield matrices whose entries are some of a few numbers, chosen by a table."""
    rows, cols = range(len(table)), range(len(table[0]))
    if not cells:
        return
    mixed = [int(x * 4) for row in table for x in row]
    for shift in range(TRIES):
        state = shift

        def draw(most: int) -> int:
            nonlocal state
            state = (1103515245 * state + 12345 + mixed[state % len(mixed)]) % 2**31
            return (state >> 16) % most

        if "row-stochastic" in words:
            hot = [draw(len(cols)) for _ in rows]
            if "symmetric" in words:
                hot = _pairing(len(cols), draw)
            elif "invertible" in words:
                hot = sorted(cols, key=lambda _: draw(2**15))
            yield [[Fraction(int(j == hot[i])) for j in cols] for i in rows]
            continue
        made = [[cells[draw(len(cells))] for _ in cols] for _ in rows]
        if "symmetric" in words:
            made = [[made[min(i, j)][max(i, j)] for j in cols] for i in rows]
        yield made
    if len(rows) == len(cols):
        yield [[Fraction(int(i == j)) for j in cols] for i in rows]


def _pairing(size: int, draw: Callable[[int], int]) -> list[int]:
    """Return a permutation that is its own inverse."""
    hot, left = list(range(size)), list(range(size))
    while left:
        i = left.pop(0)
        k = draw(len(left) + 1)
        if k:
            j = left.pop(k - 1)
            hot[i], hot[j] = j, i
    return hot
