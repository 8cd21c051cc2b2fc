"""A derivation as functions that run: its gradients, and the loss that they are the gradients of.

A derivation enters, the text of a function leaves: the forward values that the gradients need, then
the gradients one after the other. Every value is a matrix there too, so sums keep their axes and
scalars are 1×1. Nothing is run here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import starmap
from textwrap import wrap

from derive.expressions.errors import UnsupportedError
from derive.expressions.expr import Expr, variables
from derive.expressions.program import Statement
from derive.expressions.shape import Shape
from derive.language.assumptions import ASSUMPTIONS, TABLE
from derive.notation.code import Coder, library
from derive.notation.messages import message, plain, translated
from derive.ops.unspecified import left_open, primed
from derive.proof.derivation import Derivation
from derive.proof.roads import WHOLE

#: A line of what is said of a function is no longer, where it can be broken.
LONGEST = 95

#: A function that a program leaves open, and how often it is differentiated.
Opened = tuple[str, int]


def _opened(formulas: Iterable[Expr]) -> list[Opened]:
    return [(name, k) for name, orders in left_open(formulas).items() for k in orders]


class Functions(Coder):
    """The functions of one derivation in one library.

    >>> from derive.language.parse import parse
    >>> from derive.proof.explain import explain
    >>> found = Functions(explain(parse("x: (n, 1); L = sum(x ** 2)"), detail="brief"), "numpy")
    >>> print(found.loss())
    def loss(x):
        L = np.sum(x ** 2, keepdims=True)
        return float(np.sum(L))
    """

    def __init__(self, derivation: Derivation, name: str, hypotheses: Sequence[str] = ()):
        self.derivation, self.hypotheses = derivation, hypotheses
        self.program = derivation.program.with_numbers()
        written = derivation.program.in_numbers
        self.lines = [(name, written(value)) for name, value in derivation.lines]
        if derivation.form == WHOLE:
            self.lines = [(name, self.program.composed(value)) for name, value in self.lines]
        output, leaves = self.program.output, self.program.leaves
        given = [*self.program.inputs, *([] if self.program.is_loss else [f"d{output}"])]
        needed = self._needed()
        formulas = [s.expr for s in self.program.statements if s.name in needed]
        #: The functions that are left open and that the gradients take, and those that the loss
        #: takes: each by its name and how often it is differentiated.
        self.open = _opened([*formulas, *dict(self.lines).values()])
        self.open_in_loss = _opened(s.expr for s in self._behind())
        names = [*leaves, *self.program.dims, *(f"d{name}" for name in leaves),
                 *starmap(primed, self.open), *dict(self.lines)]  # fmt: skip
        super().__init__(library(name), given, names, self.program.numerals)

    def module(self, *, loss: bool = False) -> str:
        """Return the text of the gradients, and of the `loss` where it is wanted, with imports and
        helpers before them."""
        bodies = [self.gradients(), *([self.loss()] if loss else [])]
        helpers = list(map(self.helper, self.helpers))
        text = "\n".join([*helpers, *bodies])
        imports = [line for word, line in self.lib.imports.items() if f"{word}." in text]
        main = self.lib.imports[self.lib.alias]
        imports = imports if main in imports else [main, *imports]
        return "\n\n\n".join(["\n".join(sorted(imports)), *helpers, *bodies]) + "\n"

    def gradients(self) -> str:
        """Return the text of the function that returns the gradients by name."""
        lines = [(s.name, s.expr) for s in self.program.statements if s.name in self._needed()]
        answer = ", ".join(f'"{name}": {self.name(f"d{name}")}' for name in self.derivation.wrt)
        body = [*self._lines([*lines, *self.lines]), f"return {{{answer}}}"]
        return self._function("gradients", self.open, [self._docstring(), *body])

    def loss(self) -> str:
        """Return the text of the function whose gradients they are: the output, or the sum of its
        entries, each times the gradient by it."""
        program, output = self.program, self.program.output.data[0]
        lines = [(s.name, s.expr) for s in self._behind()]
        shown = [self.name(name) for name in ([] if program.is_loss else [f"d{output}"])]
        value = " * ".join([*shown, self.name(output)])
        body = [*self._lines(lines), f"return float({self.lib.alias}.sum({value}))"]
        return self._function("loss", self.open_in_loss, body)

    def _behind(self) -> list[Statement]:
        """Return the statements on which the output depends."""
        reaching = self.program.reaching()
        return [s for s in self.program.statements if s.name in reaching]

    def _function(self, name: str, functions: Iterable[Opened], body: list[str]) -> str:
        takes = [*self.given, *starmap(primed, functions)]
        head = f"def {name}({', '.join(map(self.name, takes))}):"
        return "\n    ".join([head, *body])

    def _lines(self, values: Iterable[tuple[str, Expr]]) -> list[str]:
        """Return the lines of a function that give names to values, and before them to numbers and
        sizes."""
        scalars = [
            f"{self.name(name)} = {self.lib.scalar.format(self.name(name))}"
            for name in self.given
            if self._shape(name).is_scalar
        ]
        written = [f"{self.name(name)} = {self.array(value)}" for name, value in values]
        return [*scalars, *self._dims([*written, *scalars]), *written]

    def _docstring(self) -> str:
        shapes = [
            plain("code-shape", name=name, shape=str(self._shape(name))) for name in self.given
        ]
        for name, order in self.open:
            kind = ("function", "derivative")[order] if order < 2 else "derivatives"
            taken = self.name(primed(name, order))
            shapes.append(plain(f"code-{kind}", name=taken, of=name, order=order))
        assumed = ((word, self.name(name)) for name, words in self.derivation.assumed.items()
                   for word in ASSUMPTIONS if word in words)  # fmt: skip
        where = [
            *(translated(message(TABLE[word].says.format(name), f"assumes.{word}", name))
              for word, name in assumed),
            *map(translated, self.hypotheses),
        ]  # fmt: skip
        text = plain(
            "code-gradients" if len(self.derivation.wrt) > 1 else "code-gradient",
            what="; ".join(self.program.lines()),
            shapes=", ".join(shapes),
            where=plain("code-where", where=where) if where else "",
        )
        return "\n    ".join(
            wrap(f'"""{text}"""', LONGEST, break_long_words=False, break_on_hyphens=False)
        )

    def _shape(self, name: str) -> Shape:
        return self.program.leaves[name if name in self.program.leaves else name[1:]].shape

    def _needed(self) -> set[str]:
        """Return the assigned names that the gradients use, and those that these use."""
        used = {v.data[0] for _, value in self.lines for v in variables(value)}
        for statement in reversed(self.program.statements):
            if statement.name in used:
                used |= {leaf.data[0] for leaf in variables(statement.expr)}
        return used

    def _dims(self, lines: list[str]) -> list[str]:
        """Return the lines that name the dimensions which other lines use."""
        words = set(re.findall(r"[A-Za-z_]\w*", " ".join(lines)))
        found = []
        for dim in self.program.dims:
            if self.name(dim) in words:
                source = next((n for n in self.given if dim in self._shape(n).dims), None)
                if source is None:
                    raise UnsupportedError(f"no array of the program has {dim} rows or columns")
                axis = self._shape(source).dims.index(dim)
                found.append(f"{self.name(dim)} = {self.name(source)}.shape[{axis}]")
        return found
