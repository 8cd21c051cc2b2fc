"""A sheet of problems to documents: the problems, their solutions, and LaTeX with a switch.

What enters is a checked sheet; what leaves is Markdown or LaTeX. The arithmetic of an entry is
written down from the operators' definitions, its value is read off the trace; which words stand
around both is decided in the templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.calculus.index import Index, Scalar, entry, mul, partial, total
from derive.documents.files import asked, write
from derive.documents.older import _Page
from derive.documents.page import FORMATS, fill
from derive.documents.sheet import Gap, Problem, Scene, Sheet, needed
from derive.expressions.errors import FaultError, UnsupportedError
from derive.expressions.expr import OPS, Expr, nodes, variables
from derive.expressions.layout import Box, frac, is_sum, num as digits, op, paren, raw, row, sup
from derive.expressions.shape import extent
from derive.notation import arithmetic
from derive.notation.arithmetic import Term, TooLong, Work, literal
from derive.notation.calculator import Unreadable, comes_to, has_rounded, sufficient
from derive.notation.displays import PAGE
from derive.notation.latex import broken, latex, width
from derive.notation.mathematics import Notation, Style
from derive.ops.linear import ones
from derive.ops.reduction import COLS, ROWS
from derive.proof.derivation import EntryOf, Local
from derive.readings.exact import Rows, decimal, is_exact

#: Digits that are printed of a number that is not a fraction.
DIGITS = 4
#: So many entries of a matrix are worked one by one; of a larger one the first two.
LISTED = 12
#: Widths of a line on a page and on a screen, in digits.
LINE = {"tex": PAGE.sizes[0][1] - 2, "md": 100.0}

Text = dict[str, Any]
#: How strongly matrices of numbers bind on paper.
SUM, ENTRYWISE, PRODUCT, ATOM = range(4)


def render_exercise(sheet: Sheet, form: str, *, solutions: bool = False) -> str:
    """Return a sheet in a format; in Markdown either the problems, or the solutions with them."""
    if form not in FORMATS:
        raise UnsupportedError(f"there is no format {form}", hint=f"there are {', '.join(FORMATS)}")
    return fill("exercise", form, {**_Writer(sheet, form).document(), "solutions": solutions})


def save_exercise(sheet: Sheet, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write a sheet into a folder: problems and solutions in Markdown, both at once in LaTeX."""
    written: dict[str, str] = {}
    for form in formats:
        written[f"-exercises.{form}"] = render_exercise(sheet, form)
        if form == "md":
            written["-solutions.md"] = render_exercise(sheet, form, solutions=True)
    said = {"seed": sheet.seed, "count": len(sheet.problems)}
    question = asked("Sheet", sheet.derivation.question | said)
    return write(folder, sheet.name, question, list(written), lambda name: written.values())


def texts(sheet: Sheet) -> list[tuple[str, str]]:
    """Return each problem and its solution as Markdown."""
    document = _Writer(sheet, "md").document()
    return [
        tuple(
            fill("problem", "md", {**document, "problem": problem, "part": part}).strip()
            for part in ("asked", "solved")
        )  # type: ignore[misc]
        for problem in document["problems"]
    ]


class _Writer:
    """The pieces of one sheet's document: sentences by their keys, displays by their rows."""

    def __init__(self, sheet: Sheet, form: str):
        self.sheet, self.form = sheet, form
        self.digits = DIGITS
        self.derivation, self.program = sheet.derivation, sheet.program
        self.page = _Page(self.derivation, Style(), form)
        self.notation = self.page.notation
        self.gradients = {f"d{n}": e for n, e in self.derivation.backward.items()}
        self.statements = [s for s in self.program.statements if s.name in self.program.reaching()]

    def document(self) -> dict[str, Any]:
        scene = self.sheet.scene
        return {
            "prefix": "",
            "file": f"{self.sheet.name}-exercises.tex",
            "title": self.page.title(),
            "setting": self.page.setting(),
            "scene": self.scene(scene),
            "digits": DIGITS,
            "rounded": any(not is_exact(x) for p in self.sheet.problems for x in _all(p.scene)),
            "problems": [self.problem(problem) for problem in self.sheet.problems],
        }

    def scene(self, scene: Scene) -> dict[str, Any]:
        """Return the sizes and the numbers that are given."""
        names = [n for n in self.program.inputs if n in self.program.reaching()]
        names += [] if self.program.is_loss else [f"d{self.program.output}"]
        return {
            "sizes": self.sizes(scene),
            "given": self.equations([(self.leaf(n), self.value(scene.values[n])) for n in names]),
        }  # fmt: skip

    def sizes(self, scene: Scene) -> list[str]:
        """Return the sizes, in one equation where all are equal."""
        words = [latex(self.notation.word_of(dim)) for dim in scene.sizes]
        numbers = set(scene.sizes.values())
        if len(numbers) == 1:
            return [" = ".join([*words, *map(str, numbers)])]
        return [f"{word} = {k}" for word, k in zip(words, scene.sizes.values(), strict=True)]

    def equations(self, pairs: Iterable[tuple[Box, Box]]) -> list[list[str]]:
        """Return equations side by side, in lines that fit."""
        lines: list[list[str]] = []
        used = 0.0
        for left, right in pairs:
            text = f"{latex(left)} = {latex(right)}"
            wide = width(text) + 6
            if not lines or used + wide > LINE[self.form]:
                lines.append([])
                used = 0.0
            lines[-1].append(text)
            used += wide
        return lines

    # -- problems ----------------------------------------------------------------------------------

    def problem(self, problem: Problem) -> dict[str, Any]:
        """Return a problem as its template receives it."""
        name = problem.variable
        own = problem.scene is not self.sheet.scene
        found: dict[str, Any] = {
            "number": problem.number,
            "kind": problem.kind,
            "scene": self.scene(problem.scene) if own else None,
            "scalar": bool(name) and self.program.leaves[name].shape.is_scalar,
            "L": "" if self.program.is_loss else latex(self.notation.loss),
            "scalars": self.page._scalars,
            "X": latex(self.leaf(name)) if name else "",
            "G": latex(self.leaf(f"d{name}")) if name else "",
            "g": "",
            "place": [k + 1 for k in problem.place or ()],
            "computed": [latex(self.leaf(s.name)) for s in self.statements],
            "asked": None,
        }
        if name and problem.place is not None:
            found["g"] = latex(self.entry(f"d{name}", *problem.place))
        return found | getattr(self, f"_{problem.kind}")(problem)

    def _shapes(self, problem: Problem) -> dict[str, Any]:
        shaped = Notation(self.derivation, Style())
        shaped.written = dict(problem.scene.sizes)
        names = [n for n in self.derivation.backward if not self.program.leaves[n].shape.is_scalar]
        values = [s.name for s in self.statements
                  if not self.program.leaves[s.name].shape.is_scalar]  # fmt: skip
        rows = []
        for name in names:
            formula = self.derivation.backward[name]
            left = shaped.operand(shaped.leaf(f"d{name}"), formula.shape, True)
            rows += self.chain(left, [("=", shaped.expr(formula, shapes=True))])

        def shape(name: str) -> dict[str, str]:
            own = self.program.leaves[name].shape
            return {"name": latex(self.leaf(name)), "shape": latex(shaped.shape(own))}

        return {
            "computed": [latex(self.leaf(n)) for n in values],
            "gradients": [latex(self.leaf(f"d{n}")) for n in names],
            "solution": [
                *([_text("shapes-forward", shapes=[shape(n) for n in values])] if values else []),
                _text("shapes-backward", shapes=[
                    shape(n) | {"gradient": latex(self.leaf(f"d{n}"))} for n in names]),
                _text("shapes-check"),
                self.display(rows),
            ],
        }  # fmt: skip

    def _forward(self, problem: Problem) -> dict[str, Any]:
        solution: list[Text | None] = []
        for statement in self.statements:
            several = not self.program.leaves[statement.name].shape.is_scalar
            parts = self.parts(problem.scene, [statement.expr])
            rows, complete = self.entries(problem.scene, statement.name, statement.expr)
            entries = "all" if complete else "some"
            if several:
                formula = self.formula(statement.name, statement.expr)
                solution.append(_text("forward", formula=formula, entries="" if parts else entries))
                parts = parts[1:]
                rows += self.result(problem.scene, statement.name)
            solution += parts
            if several and parts:
                solution.append(_text("entries", entries=entries))
            solution.append(self.display(rows))
        return {"solution": solution}

    def _entry(self, problem: Problem) -> dict[str, Any]:
        assert problem.place is not None
        name = problem.variable
        formula = self.derivation.backward[name]
        return {"solution": [
            *self.known([formula], problem),
            *self.upstream([formula], problem),
            *self.parts(problem.scene, [formula]),
            *self.true_entry(problem),
        ]}  # fmt: skip

    def _gradient(self, problem: Problem) -> dict[str, Any]:
        name, scene = problem.variable, problem.scene
        formula = self.derivation.backward[name]
        solution = [*self.known([formula], problem), *self.upstream([formula], problem),
                    *self.step(scene, name)]  # fmt: skip
        if not formula.is_var and not formula.shape.is_scalar:
            rows, complete = self.entries(scene, f"d{name}", formula)
            solution.append(_text("entries", entries="all" if complete else "some"))
            solution.append(self.display(rows))
        return {"solution": solution}

    def _mistake(self, problem: Problem) -> dict[str, Any]:
        assert problem.mistake is not None and problem.place is not None
        name, scene, mistake = problem.variable, problem.scene, problem.mistake
        truth = self.derivation.backward[name]
        claimed = self.worked(
            scene, f"d{name}", mistake.formula, problem.place, symbols=True, claim=True
        )
        return {
            "asked": self.display(
                self.chain(self.leaf(f"d{name}"), [("=", self.notation.expr(mistake.formula))])
            ),
            "solution": [
                *self.known([truth, mistake.formula], problem),
                *self.upstream([truth, mistake.formula], problem, worked=False),
                *self.parts(scene, [truth, mistake.formula]),
                _text("claimed", g=latex(self.entry(f"d{name}", *problem.place))),
                self.display(claimed),
                *self.true_entry(problem),
                _text("mistake", mistake=mistake.kind, scalars=self.page._scalars,
                      statement=self.skipped(mistake.about),
                      about=[latex(self.notation.expr(expr)) for expr in mistake.about]),
                self.display(
                    self.chain(self.leaf(f"d{name}"), [("=", self.notation.expr(truth))])
                ),
            ],
        }  # fmt: skip

    def _gap(self, problem: Problem) -> dict[str, Any]:
        assert problem.gap is not None
        gap, name = problem.gap, problem.variable
        chain = gap.chain
        about = (name, gap.statement)
        local = next(
            (p for p in self.derivation.locals if (p.variable.data[0], p.statement.name) == about),
            None,
        )
        through = self.page._through(local) if local else None
        facts = {
            "formula": self.formula(f"d{name}", local.formula if local else
                                    self.derivation.gradients[name], through),
            "statement": self.statement(local.statement.name) if local else "",
            "through": through,
            "proof": gap.part,
            "delta": local is not None and any("delta" in str(s.right) for s in chain),
        }  # fmt: skip
        return facts | {
            "asked": self.proof(gap, solved=False),
            "solution": [
                _text("filled"),
                self.proof(gap, solved=True),
                *self.why(gap),
            ],
        }

    # -- pieces of solutions -----------------------------------------------------------------------

    def known(self, roots: Sequence[Expr], problem: Problem) -> list[Text | None]:
        """Return the values of the forward pass on which a solution rests."""
        statements = {s.name: s.expr for s in self.statements}
        chain = [*roots, *(self.gradients[n] for n in needed(roots, self.gradients))]
        used = {leaf.data[0] for expr in chain for leaf in variables(expr)}
        names = [n for n in statements if n in used]
        if not names:
            return []
        solved = next((p.number for p in self.sheet.problems
                       if p.kind == "forward" and p.scene is problem.scene), None)  # fmt: skip
        if solved is None:
            names = [n for n in statements if n in needed([self.program.leaves[n] for n in names],
                                                          statements)]  # fmt: skip
        pairs = [(self.leaf(n), self.value(problem.scene.values[n])) for n in names]
        return [_text("known", problem=solved, several=len(names) > 1),
                {"equations": self.equations(pairs)}]  # fmt: skip

    def upstream(
        self, roots: Sequence[Expr], problem: Problem, worked: bool = True
    ) -> list[Text | None]:
        """Return the gradients on the way back to the one that is asked for, with numbers."""
        names = [n[1:] for n in needed(roots, self.gradients)]
        if worked:
            return [piece for name in names for piece in self.step(problem.scene, name)]
        if not names:
            return []
        rows = []
        for n in names:
            sides = [("=", self.notation.expr(self.gradients[f"d{n}"]))]
            sides.append(self.last([], self.value(problem.scene.values[f"d{n}"])))
            rows += self.chain(self.leaf(f"d{n}"), sides)
        return [_text("upstream", several=len(names) > 1), self.display(rows)]

    def step(self, scene: Scene, name: str) -> list[Text | None]:
        """Return one step backwards: the reason, the formula, the numbers put in, the result."""
        formula = self.derivation.backward[name]
        locals_ = [p for p in self.derivation.locals if p.variable.data[0] == name]
        sides: list[tuple[str, Box]] = [("=", self.notation.expr(formula))]
        value = self.value(scene.values[f"d{name}"])

        def written() -> Box | None:
            put_in = self.put_in(scene, formula)
            if put_in is not None and self.read_again(formula, put_in, scene.of(formula)):
                return put_in
            return None

        put_in = self.sufficient(written, value)
        if put_in is not None and latex(put_in) not in (latex(value), latex(sides[0][1])):
            sides.append((r"\approx" if has_rounded(put_in) else "=", put_in))
        sides.append(self.last(sides, value))
        return [
            *self.parts(scene, [formula]),
            _text("step", G=latex(self.leaf(f"d{name}")),
                  statements=[self.statement(p.statement.name) for p in locals_],
                  scalars=self.page._scalars,
                  rules=list(dict.fromkeys(r for p in locals_ for r in p.rules))),
            self.display(self.chain(self.leaf(f"d{name}"), sides)),
        ]  # fmt: skip

    def true_entry(self, problem: Problem) -> list[Text | None]:
        """Return an entry of a gradient: where it acts, the chain rule, the numbers."""
        assert problem.place is not None
        name, scene, place = problem.variable, problem.scene, problem.place
        locals_ = [p for p in self.derivation.locals if p.variable.data[0] == name]
        uses = [
            {"Y": latex(self.leaf(p.statement.name)),
             "occurrence": self.page._occurrence(p, *place),
             "scalar": p.statement.expr.shape.at(scene.sizes).dims == (1, 1)}
            for p in locals_
        ]  # fmt: skip
        first: list[tuple[str, Box]] = []
        if len(locals_) == 1 and locals_[0].upstream is not None:
            first.append(("=", self.chain_rule(locals_[0], scene, place)))
        truth = self.derivation.backward[name]
        return [
            _text("acts", x=latex(self.entry(name, *place)), uses=uses,
                  loss=latex(self.notation.loss),
                  direct=all(p.upstream is None for p in locals_),
                  number=self.program.leaves[name].shape.is_scalar),
            self.display(self.worked(scene, f"d{name}", truth, place, symbols=True, first=first)),
        ]  # fmt: skip

    def chain_rule(self, local: Local, scene: Scene, place: tuple[int, int]) -> Box:
        """Return the chain rule for an entry, over the entries of the value on which it acts."""
        assert local.upstream is not None
        found = {word.split("-")[0]: place[0] if word.endswith("a") else place[1]
                 for word in local.occurrence}  # fmt: skip
        value = self.program.leaves[local.statement.name]
        letters = self.derivation.letters.output
        i: Index = found.get("row", letters[0])
        j: Index = found.get("column", letters[1])
        x = entry(local.variable.data, *place)
        term = mul(entry(local.upstream.data, i, j), partial(entry(value.data, i, j), x))
        for index, dim in ((j, value.shape.cols), (i, value.shape.rows)):
            if isinstance(index, str) and dim != 1:
                term = total(index, extent(dim, scene.sizes), term)
        return self.notation.scalar(term)

    def entries(self, scene: Scene, name: str, formula: Expr) -> tuple[list[Text], bool]:
        """Return the entries of a value one by one, the first with its symbols; and if all are."""
        rows, cols = formula.shape.extents(scene.sizes)
        places = [(i, j) for i in range(rows) for j in range(cols)]
        listed = places if len(places) <= LISTED else places[:2]
        lines: list[Text] = []
        for k, place in enumerate(listed):
            lines += self.worked(scene, name, formula, place, symbols=k == 0)
        return lines, listed is places

    def worked(
        self,
        scene: Scene,
        name: str,
        formula: Expr,
        place: tuple[int, int],
        symbols: bool = False,
        claim: bool = False,
        first: Sequence[tuple[str, Box]] = (),
    ) -> list[Text]:
        """Return an entry as arithmetic: in symbols, with the numbers put in, and its value."""
        i, j = place
        value = scene.of(formula)[i][j] if claim else scene.values[name][i][j]
        sides = [*first]
        if symbols:
            term = self.written(formula, scene, place)
            if term is None and name[1:] in self.derivation.backward:
                term = self.notation.math(EntryOf(formula, i, j))
            if term is not None:
                sides.append(("=", term))
        result = self.number(value)
        arithmetic = self.sufficient(lambda: self.arithmetic(formula, scene, place), result)
        if arithmetic is not None:
            sides.append((r"\approx" if has_rounded(arithmetic) else "=", arithmetic))
        sides.append(self.last(sides, result))
        return self.chain(self.entry(name, i, j), sides)

    def sufficient(self, write: Callable[[], Box | None], result: Box) -> Box | None:
        """Return what is written, with as many digits as it takes to give the printed result."""

        def written(digits: int) -> tuple[Box, Box] | None:
            self.digits = digits
            box = write()
            return None if box is None else (box, box)

        try:
            return sufficient(written, result, DIGITS)
        finally:
            self.digits = DIGITS

    def last(self, sides: list[tuple[str, Box]], value: Box) -> tuple[str, Box]:
        """Return a value as the end of a chain: rounded where it, or what came before it, is."""
        rounded = has_rounded(value) or any(has_rounded(box) for _, box in sides)
        return (r"\approx" if rounded else "=", value)

    def result(self, scene: Scene, name: str) -> list[Text]:
        value = self.value(scene.values[name])
        return self.chain(self.leaf(name), [self.last([], value)])

    def parts(self, scene: Scene, roots: Sequence[Expr]) -> list[Text | None]:
        """Return the parts of formulas that are worked out before their entries are."""
        found = {str(node): node for root in roots for node in _first_worked(root)}
        if not found:
            return []
        rows = []
        for node in found.values():
            rows += self.chain(
                self.notation.expr(node), [self.last([], self.value(scene.of(node)))]
            )
        return [_text("parts"), self.display(rows)]

    def written(self, formula: Expr, scene: Scene, place: tuple[int, int]) -> Box | None:
        """Return an entry of a formula in symbols, `None` where that is long or says nothing."""
        if _first_worked(formula):
            return None

        def letter(name: str, i: int, j: int) -> Term:
            return Term(self.entry(name, i, j), letter=True)

        try:
            work = self.work(scene, letter, lambda dim: Term(self.notation.word_of(dim)))
            box = work.at(formula, *place).box
        except TooLong:
            return None
        return box if width(latex(box)) < 1.5 * LINE[self.form] else None

    def arithmetic(self, formula: Expr, scene: Scene, place: tuple[int, int]) -> Box | None:
        """Return the arithmetic of an entry with its numbers put in; `None` where it is long.

        It is read again, and has to come to the value.
        """
        work = self.work(scene, lambda name, i, j: self.term(scene.values[name][i][j]))
        for node in _first_worked(formula):
            for i, line in enumerate(scene.of(node)):
                for j, x in enumerate(line):
                    work.known[node, i, j] = self.term(x)
        try:
            found = work.at(formula, *place)
        except TooLong:
            return None
        if found.numbers == 1:
            return None
        i, j = place
        read = self.read_again(formula, found.box, [[scene.of(formula)[i][j]]])
        return found.box if read else None

    def read_again(self, formula: Expr, written: Box, rows: Rows) -> bool:
        """Refuse what does not come to its numbers when it is read as it stands on the page.

        Returns whether it can be read: between rounded numbers there may be a division by zero.
        """
        try:
            if comes_to(written, rows):
                return True
        except Unreadable as error:
            if has_rounded(written):
                return False
            reason = f" ({error})"
        else:
            reason = ""
        raise FaultError(
            f"what is written for {formula} does not come to its value{reason}; this is a mistake "
            "of the program, and nothing is written"
        )

    def work(
        self,
        scene: Scene,
        letter: Callable[[str, int, int], Term],
        size: Callable[[str], Term] | None = None,
    ) -> Work:
        """Return the writer of entries; an inverse and a determinant are written as numbers."""
        return Work(
            scene.sizes,
            letter,
            lambda e, i, j: self.term(scene.of(OPS["inv"](e))[i][j]),
            lambda e: self.term(scene.of(OPS["det"](e))[0][0]),
            size=size,
            sigma=not {"sigma", "Sigma"} & self.program.leaves.keys(),
        )

    # -- the gaps of a proof -----------------------------------------------------------------------

    def proof(self, gap: Gap, *, solved: bool) -> Text:
        """Return a chain of a proof, its gaps open, or filled and framed."""
        rows: list[Text] = []
        last: Any = None
        shown = ""
        for k, step in enumerate(gap.chain):
            follows = step.left is last or (isinstance(last, Scalar) and step.left == last)
            last = step.right
            left = "" if follows else latex(self.notation.math(step.left))
            right = latex(self.notation.math(step.right))
            reason: Text | None = self.page._reason(step)
            if k == gap.formula:
                right = rf"\boxed{{{right}}}" if solved else r"\boxed{\text{(a)}\ ?}"
            if k == gap.reason:
                reason = {"rule": "gap", "filled": reason if solved else None}
            if right == shown and k not in (gap.formula, gap.reason):
                continue  # two names for what is written alike
            shown = right
            rows.append({"math": f"{left} &= {right}", "reason": reason})
        return self.display(rows)

    def why(self, gap: Gap) -> list[Text | None]:
        """Return why each of the gaps is filled as it is."""
        found: list[Text | None] = []
        for label, place in (("a", gap.formula), ("b", gap.reason)):
            found.append(_text("why", label=label, reason=self.page._reason(gap.chain[place])))
        return found

    # -- lines -------------------------------------------------------------------------------------

    def chain(self, left: Box, sides: list[tuple[str, Box]]) -> list[Text]:
        """Return a chain of equalities as rows that fit the page."""
        sides = [side for k, side in enumerate(sides) if not k or side[1] != sides[k - 1][1]]
        head = latex(left)
        room = LINE[self.form] - width(head) - 4
        rows: list[Text] = []
        line, used = f"{head} &", 0.0
        for k, (sign, box) in enumerate(sides):
            first, *rest = broken(box, room) if self.form == "tex" else [latex(box)]
            wide = width(first) + 3
            if k and (used + wide > room or rest):
                rows.append({"math": line, "reason": None})
                line, used = "&", 0.0
            line += f"{sign} {first}" if line.endswith("&") else f" {sign} {first}"
            used += wide
            for part in rest:
                rows.append({"math": line, "reason": None})
                line, used = rf"&\quad {part}", width(part) + 4
        return [*rows, {"math": line, "reason": None}]

    def display(self, rows: list[Text]) -> Text:
        wide = max((_measured(r["math"]) for r in rows), default=0.0)
        return {"rows": rows, "room": PAGE.sizes[0][1] - wide if self.form == "tex" else 1000.0}

    def leaf(self, name: str) -> Box:
        return self.notation.leaf(name)

    def entry(self, name: str, i: int, j: int) -> Box:
        return self.notation.entry(name, i, j)

    def formula(self, name: str, expr: Expr, through: str | None = None) -> str:
        left = latex(self.leaf(name))
        if through is not None:
            left = rf"\left.{left}\right\rvert_{{{through}}}"
        return f"{left} = {self.page._inline(self.notation.expr(expr))}"

    def statement(self, name: str) -> str:
        """Return a statement for a sentence: all of it, or its name where it is long."""
        found = self.program.defining(name)
        assert found is not None
        return self.page._heading(found)

    def skipped(self, about: tuple[Expr, ...]) -> str:
        """Return the statement between two gradients of which one is mistaken for the other."""
        names = [e.data[0][1:] for e in about if e.is_var and e.data[0] in self.gradients]
        users = [s for n in names[:1] for s in self.statements
                 if n in {leaf.data[0] for leaf in variables(s.expr)}]  # fmt: skip
        return self.statement(users[0].name) if users else ""

    # -- numbers -----------------------------------------------------------------------------------

    def number(self, value: Any) -> Box:
        if is_exact(value):
            size = digits(abs(int(value.p)))
            box = size if value.q == 1 else frac(size, digits(int(value.q)))
        else:
            mantissa, _, power = decimal(abs(value), self.digits).partition("e")
            box = Box("rounded", text=mantissa)
            if power:
                box = row(box, op("cdot"), sup(digits(10), raw(str(int(power)))))
        return row(op("negative"), *_parts(box)) if value < 0 else box

    def term(self, value: Any) -> Term:
        """Return a number in an arithmetic."""
        if is_exact(value):
            return literal(Fraction(int(value.p), int(value.q)))
        box = self.number(value)
        loose = box.kind == "row" and box.parts[0] != op("negative")  # a power of ten
        strength = arithmetic.SUM if value < 0 else arithmetic.PRODUCT if loose else arithmetic.ATOM
        return Term(box, strength)

    def value(self, rows: Rows) -> Box:
        """Return a matrix of numbers; one by one it is a number."""
        if len(rows) == len(rows[0]) == 1:
            return self.number(rows[0][0])
        return Box("matrix", tuple(Box("row", tuple(self.number(x) for x in r)) for r in rows),
                   "round")  # fmt: skip

    def put_in(self, scene: Scene, e: Expr) -> Box | None:
        """Return a formula whose factors and terms are matrices of numbers."""
        if e.shape.is_scalar:
            return self.arithmetic(e, scene, (0, 0))
        return self._put_in(scene, e, 0)[0]

    def _put_in(self, scene: Scene, e: Expr, depth: int) -> tuple[Box, int]:
        """Return a formula with its numbers, and how strongly it binds on paper."""

        def inner(arg: Expr, least: int) -> Box:
            if arg.shape.is_scalar:
                return self._factor(scene, arg)
            box, strength = self._put_in(scene, arg, depth + 1)
            return box if strength >= least else paren(box)

        if depth > 2:
            return self.value(scene.of(e)), ATOM
        match e.name:
            case "matmul":
                a, b = e.args
                return row(inner(a, PRODUCT), inner(b, PRODUCT)), PRODUCT
            case "sum" if e.data == ROWS and not e.args[0].shape.is_scalar:
                ones_row = self.value(scene.of(ones(1, e.args[0].shape.rows)))
                return row(ones_row, inner(e.args[0], PRODUCT)), PRODUCT
            case "sum" if e.data == COLS and not e.args[0].shape.is_scalar:
                ones_column = self.value(scene.of(ones(e.args[0].shape.cols, 1)))
                return row(inner(e.args[0], PRODUCT), ones_column), PRODUCT
            case "add" | "sub":
                a, b = e.args
                sign = op("plus" if e.name == "add" else "minus")
                return row(inner(a, SUM), sign, inner(b, ENTRYWISE)), SUM
            case "neg":
                return row(op("negative"), inner(e.args[0], ENTRYWISE)), SUM
            case "mul":
                a, b = e.args
                for number, matrix in ((a, b), (b, a)):
                    if _is_number(number):
                        factor = self._factor(scene, number)
                        return _scaled(factor, inner(matrix, PRODUCT)), PRODUCT
                return row(inner(a, PRODUCT), op("odot"), inner(b, PRODUCT)), ENTRYWISE
            case "div" if _is_number(e.args[1]):
                below = self.number(scene.of(_bare(e.args[1]))[0][0])
                whole = frac(digits(1), below)
                return _scaled(whole, inner(e.args[0], PRODUCT)), PRODUCT
        return self.value(scene.of(e)), ATOM

    def _factor(self, scene: Scene, e: Expr) -> Box:
        box = self.number(scene.of(_bare(e))[0][0])
        return paren(box) if is_sum(box) else box


# -- helpers ---------------------------------------------------------------------------------------


def _text(key: str, **facts: Any) -> Text:
    return {"key": key, **facts}


def _all(scene: Scene) -> Iterable[Any]:
    return (x for rows in scene.values.values() for line in rows for x in line)


def _is_number(e: Expr) -> bool:
    return e.name == "broadcast_to" and e.args[0].shape.is_scalar


def _bare(e: Expr) -> Expr:
    return e.args[0] if e.name == "broadcast_to" else e


def _parts(box: Box) -> tuple[Box, ...]:
    return box.parts if box.kind == "row" else (box,)


#: Operators whose matrices are worked out first where they stand inside a formula.
_WHOLE = frozenset("softmax logsoftmax logsumexp norm inv det logdet mean".split())


def _first_worked(root: Expr) -> list[Expr]:
    """Return the parts of a formula that a person works out before its entries."""
    inside = [node for node in nodes(root) if node.name in _WHOLE and node is not root]
    inner = {x for node in inside for x in nodes(node) if x is not node}
    return [node for node in inside if node not in inner]


def _scaled(number: Box, matrix: Box) -> Box:
    """Return a number before a matrix, with a sign between them where that begins with a number."""
    first = matrix.parts[0] if matrix.kind == "row" else matrix
    return row(number, *([] if first.kind in ("matrix", "paren") else [op("cdot")]), matrix)


def _measured(math: str) -> float:
    return width(math.replace("&", ""))


__all__ = ["render_exercise", "save_exercise", "texts"]
