"""A judgement to a document: the derivation of what is true, the counterexample worked by hand.

What enters is a case and what was judged of it; what leaves is Markdown or LaTeX. The numbers of a
counterexample are evaluated anew from the operators' definitions, with the arithmetic written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from derive.circuits.points import DIGITS, is_rounded, number_text
from derive.documents.files import asked, question_of, sealed, unsealed, write
from derive.documents.model import (
    Beside,
    Block,
    Display,
    Environment,
    Heading,
    Line,
    Paragraph,
    words,
)
from derive.documents.page import render
from derive.documents.pipeline import Proof, prove
from derive.documents.prove import assumptions
from derive.expressions.errors import ProofError, UnsupportedError
from derive.expressions.expr import Expr, nodes, variables
from derive.expressions.layout import Box, num, op, row, sup
from derive.expressions.limits import TIMEOUT, seconds
from derive.judges.batch import Answer, answers, identities
from derive.judges.case import Case, Claim
from derive.judges.judgement import Counterexample, Judgement
from derive.language.parse import Shapes
from derive.notation.arithmetic import Term, TooLong, Work, literal, rounded
from derive.notation.calculator import has_rounded, sufficient
from derive.notation.escape import one_line
from derive.notation.latex import broken, latex
from derive.notation.mathematics import Notation, Style
from derive.notation.messages import Message
from derive.ops.square import DET, INV
from derive.proof.assuming import under
from derive.proof.derivation import EVERY_SHAPE, GIVEN_SIZES, PROVED, REFUTED, EntryOf
from derive.readings.exact import precision
from derive.readings.numbers import BITS, Numbers, interval

#: A line holds so many digits.
LINE = 62.0


def render_check(case: Case, judgement: Judgement, form: str, proof: Proof | None = None) -> str:
    """Return the document of a judgement in a format, `md` or `tex`.

    `proof` is the gradient's derivation, which follows the statement that a claim was proved.
    """
    prefix = proof.named(proof.name)["prefix"] if proof else ""
    return render(_blocks(case, judgement, form, proof), form, prefix=prefix)


def _blocks(case: Case, judgement: Judgement, form: str, proof: Proof | None) -> Iterator[Block]:
    case, said = case.fitting(judgement.claim)
    notation = Notation(case.derivation, Style())
    claim = one_line(judgement.claim)
    truth = judgement.truth
    if said and judgement.verdict == PROVED:  # the reader sees how we would write it
        value = under(case.truth(said.name), case.assumed)[0]
        truth = case.formulas.says(said.name, value)
    yield Heading(words("judged", verdict=judgement.verdict, claim=claim), 1)
    yield from _setting(case, notation)
    if said:
        shown = _shown(notation, said.name, said.expr)
        yield Environment("remark", (Display(shown),), words("the-claim"))
    if judgement.meanings:
        found = judgement.meanings.items()
        yield Paragraph(tuple(words("stands-for", name=n, meant=m) for n, m in found))
    if judgement.verdict == PROVED:
        told = [words("how-proved", scope=_where(judgement.scope), method=judgement.method,
                      conditions=list(judgement.conditions))]  # fmt: skip
        told += [words("written-otherwise", truth=truth)] if truth != claim else []
        told += [words("derivation-follows")] if proof else []
        yield Environment("remark", (Paragraph(tuple(told)),), words("it-is-true"))
        if proof:
            title, *below = proof.blocks()
            assert isinstance(title, Heading)
            yield from (replace(title, level=2), *below)
    elif judgement.verdict == REFUTED:
        lines = _shown(notation, said.name, case.truth(said.name)) if said and truth else ()
        meant = judgement.diagnosis
        yours = meant.facts["slip"] if isinstance(meant, Message) else ""
        why = words("how-false", reason=judgement.reason, truth=truth, yours=yours,
                    holds=judgement.holds, lines=bool(lines))  # fmt: skip
        body = (Paragraph((why,)), Display(lines)) if lines else (Paragraph((why,)),)
        yield Environment("remark", body, words("it-is-false"))
        if said and judgement.counterexample:
            yield from _worked(case, notation, judgement, said, judgement.counterexample)
    else:
        why = words("why-undecided", reason=judgement.reason)
        yield Environment("remark", (Paragraph((why,)),), words("it-is-undecided"))


def _setting(case: Case, notation: Notation) -> Iterator[Block]:
    """Yield the program, and what is assumed of its inputs."""
    program, leaf = case.program, notation.leaf
    inputs = [
        {"name": leaf(name),
         "shape": "" if x.shape.is_scalar else notation.shape(x.shape, general=True)}
        for name, x in program.leaves.items() if name in program.inputs
    ]  # fmt: skip
    lines = tuple(Line(leaf(s.name), notation.expr(s.expr)) for s in program.statements)
    body: list[Block] = [Paragraph((words("let", inputs=inputs),)), Display(lines)]
    if not program.is_loss:
        output = leaf(program.output.data[0])
        body.append(Paragraph((words("any-scalar", L=notation.loss, Y=output),)))
    yield Environment("remark", tuple(body), words("the-program"))
    if case.assumed:
        said = words("assumed", assumptions=assumptions(case.assumed, leaf))
        yield Environment("hypotheses", (Paragraph((said,)),))


def _where(scope: str) -> str:
    """Return the scope of a proof as the end of a sentence."""
    if scope.startswith((EVERY_SHAPE, GIVEN_SIZES)):
        return f"for {scope}"
    return scope if scope.startswith("where") else f"where {scope}"


def _shown(notation: Notation, name: str, expr: Expr) -> tuple[Line, ...]:
    """Return a claim as lines of mathematics."""
    first, *rest = broken(notation.expr(expr), LINE)
    left = Line(notation.leaf(f"d{name}"), first)
    return (left, *(Line(right=part, sign="") for part in rest))


# -- the counterexample ----------------------------------------------------------------------------


def _worked(
    case: Case, notation: Notation, judgement: Judgement, said: Claim, found: Counterexample
) -> Iterator[Block]:
    """Yield the numbers of a counterexample: what is given, what follows, and the two entries."""
    name, claimed = said.name, said.expr
    work = _Table(case, found)
    truth = case.derivation.backward.get(name, case.derivation.gradients[name])
    known = [truth, claimed] if judgement.truth else [claimed]
    steps = work.needed(known)
    i, j = (k - 1 for k in found.entry)
    entry = _entry(notation, case.gradients[f"d{name}"], i, j)

    def worked(expr: Expr | None, text: str) -> Display:
        """The entry as it is defined, with the numbers put in, and what it comes to."""
        value, sides, near = _number(text), [], not _is_exact(text)
        if expr is not None:
            if not (expr.is_var and expr.shape.is_scalar):
                sides.append(("=", [latex(_entry(notation, expr, i, j))]))
            put_in = sufficient(lambda digits: work.written(expr, i, j, digits), value, DIGITS[0])
            if put_in is not None and latex(put_in) != latex(value):
                rounded_off = has_rounded(put_in)
                near = near or rounded_off
                sides.append((_sign(rounded_off), broken(put_in, LINE)))
        return Display(_chain(entry, [*sides, (_sign(near), [latex(value)])]))

    sizes = [_equal(notation.word_of(dim), num(k)) for dim, k in found.sizes.items()]
    given = [_equal(notation.leaf(n), _matrix(rows)) for n, rows in found.values.items()]
    yield Heading(words("counterexample"))
    yield Paragraph((words("take", sizes=sizes),))
    yield Beside(tuple(tuple(given[k : k + 3]) for k in range(0, len(given), 3)))
    lines: list[Line] = []
    for n, expr in work.with_inverses(steps, known):
        sides = [("=", broken(notation.expr(expr), LINE))] if n else []
        sides.append((_sign(not work.is_exact(expr)), [latex(_matrix(work.shown(expr)))]))
        lines += _chain(notation.leaf(n) if n else notation.expr(expr), sides)
    if lines:
        yield Paragraph((words("then"),))
        yield Display(tuple(lines), spread=True)
    yield Paragraph((words("entry-of-gradient"),))
    yield worked(truth if judgement.truth else None, found.expected)
    yield Paragraph((words("entry-of-claim"),))
    yield worked(claimed, found.claimed)
    yield Paragraph((words("so-it-is-false"),))


def _entry(notation: Notation, expr: Expr, i: int, j: int) -> Box:
    if (
        expr.is_var
        and not notation.derivation.names.get(expr.data[0])
        and expr.data[0] not in (f"d{name}" for name in notation.program.leaves)
    ):
        return notation.entry(expr.data[0], i, j)
    return notation.math(EntryOf(expr, i, j))


def _chain(left: Box, sides: Sequence[tuple[str, Sequence[str]]]) -> tuple[Line, ...]:
    """Return the lines of a chain of equalities, each side in lines that fit."""
    found = [
        Line("", part, "" if k else sign) for sign, side in sides for k, part in enumerate(side)
    ]
    return (replace(found[0], left=left), *found[1:])


def _sign(near: bool) -> str:
    return r"\approx" if near else "="


def _equal(left: Box, right: Box) -> Box:
    return row(left, op("equals"), right)


def _matrix(rows: list[list[str]]) -> Box:
    if len(rows) == len(rows[0]) == 1:
        return _number(rows[0][0])
    return Box("matrix", tuple(Box("row", tuple(map(_number, line))) for line in rows), "round")


class _Table:
    """The values of every name at the point of a counterexample."""

    def __init__(self, case: Case, found: Counterexample):
        self.case, self.found = case, found
        self.formulas: dict[str, Expr] = {s.name: s.expr for s in case.program.statements}
        for name, value in case.derivation.backward.items():
            self.formulas[f"d{name}"] = value
        for name, value in case.derivation.gradients.items():
            self.formulas.setdefault(f"d{name}", value)
        self.values: dict[str, list[list[Any]]] = {}
        with precision(BITS):
            for name, cells in found.values.items():
                self.values[name] = [[interval(Fraction(x)) for x in line] for line in cells]
            if case.program.is_loss:
                self.values[f"d{case.program.output}"] = [[interval(1)]]

    def needed(self, roots: list[Expr]) -> list[tuple[str, Expr]]:
        """Return the names that formulas use and that are not given, in the order of the work."""
        order: dict[str, Expr] = {}

        def visit(expr: Expr) -> None:
            for leaf in variables(expr):
                name = leaf.data[0]
                if name not in self.values and name not in order:
                    visit(self.formulas[name])
                    order[name] = self.formulas[name]

        for root in roots:
            visit(root)
        for name, expr in order.items():
            self.values[name] = self._evaluate(expr)
        return list(order.items())

    def _evaluate(self, expr: Expr) -> list[list[Any]]:
        with precision(BITS):
            return [[interval(x) for x in line] for line in self._point.matrix(expr)]

    @property
    def _point(self) -> Numbers:
        return Numbers(self.found.sizes, self.values)

    def with_inverses(
        self, steps: list[tuple[str, Expr]], roots: list[Expr]
    ) -> list[tuple[str, Expr]]:
        """Return the steps, each after the inverses that it uses, which have no names."""
        found: dict[tuple[str, Expr], None] = {}
        for name, expr in [*steps, *(("", root) for root in roots)]:
            for node in nodes(expr):
                if node.op in (INV, DET) and node is not expr:
                    found[("", node)] = None
            if name:
                found[(name, expr)] = None
        return list(found)

    def shown(self, expr: Expr) -> list[list[str]]:
        return [[number_text(x) for x in line] for line in self._evaluate(expr)]

    def is_exact(self, expr: Expr) -> bool:
        return all(_is_exact(cell) for line in self.shown(expr) for cell in line)

    def written(self, expr: Expr, i: int, j: int, digits: int) -> tuple[Box, Box] | None:
        """Return the arithmetic of an entry with its numbers put in; `None` where it is long."""
        point = self._point
        work = Work(
            point.sizes,
            lambda name, p, q: _written(point.values[name][p][q], digits),
            lambda A, p, q: _written(interval(point.matrix(INV(A))[p][q]), digits),
            lambda A: _written(interval(point.matrix(DET(A))[0][0]), digits),
        )
        try:
            found = work.at(expr, i, j)
        except TooLong:
            return None
        return (found.box, found.box) if found.numbers > 1 else None


def _is_exact(text: str) -> bool:
    return not is_rounded(text)


def _written(value: Any, digits: int) -> Term:
    """Return a number of the table as it stands in arithmetic."""
    text = number_text(value)
    return literal(Fraction(text)) if _is_exact(text) else rounded(value, digits)


def _number(text: str) -> Box:
    """Return a number that is printed as a layout."""
    if _is_exact(text):
        return literal(Fraction(text)).box
    mantissa, _, exponent = text.lstrip("-").partition("e")
    parts = [Box("rounded", text=mantissa)]
    if exponent:
        parts += [op("cdot"), sup(num(10), literal(int(exponent)).box)]
    return row(*([op("negative")] if text.startswith("-") else []), *parts)


def check_file(
    path: str | Path,
    *,
    jobs: int = 1,
    timeout: float | None = TIMEOUT,
    progress: Callable[[float], None] | None = None,
    formats: tuple[str, ...] = (),
) -> Iterator[Answer]:
    """Judge the identities of a JSON Lines or TOML file, in order, as they come.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "one.jsonl")
    >>> line = '{"id": "left", "program": "A: (n, k); B: (k, m); Y = A @ B", '
    >>> _ = path.write_text(line + '"wrt": "A", "claim": "dY @ B.T"}')
    >>> [(answer.id, answer.verdict) for answer in check_file(path)]
    [('left', 'proved')]

    `jobs` is the number of worker processes, `timeout` the seconds that one identity may take,
    `progress` is called with the part of the file that has been read, from 0 to 1, and each
    judgement comes with its documents in `formats`, md and tex. Raises `OutputError` or
    `ParseError` where the file itself cannot be read.
    """
    if jobs < 1:
        raise UnsupportedError(f"the number of workers must be at least 1, {jobs} is not")
    made = partial(documents, formats=formats) if formats else None
    return answers(identities(path, progress), jobs, seconds(timeout), made)


def documents(
    case: Case,
    judgement: Judgement,
    *,
    formats: Sequence[str],
    shapes: Shapes | None = None,
    at: Mapping[str, int] | None = None,
) -> list[tuple[str, str]]:
    """Return a judgement's document in each format, that of a proved claim with its derivation."""
    proof = _proof(case, judgement, shapes, at) if judgement.verdict == PROVED else None
    found = []
    for form in formats:
        text = render_check(case, judgement, form, proof)
        found.append((form, sealed(text, form, _question(case, judgement, at))))
    return found


def _proof(
    case: Case, judgement: Judgement, shapes: Shapes | None, at: Mapping[str, int] | None
) -> Proof:
    """Return the derivation of a claimed gradient, which ends with the claim where it can.

    It cannot where the claim speaks of a special case, of dimensions that are equal, or where the
    judges of a claim know more than those of a step.
    """
    fitted, said = case.fitting(judgement.claim)
    assert said is not None, "what is proved has been read"
    common: dict[str, Any] = {
        "at": at, "wrt": (said.name,), "name": case.program.name, "assume": case.assumptions,
    }  # fmt: skip
    if fitted is case and not case.misfit(said):
        try:
            return prove(case.program.text, shapes, claims={said.name: said.expr}, **common)
        except ProofError:
            pass
    return prove(case.program.text, shapes, **common)


def _question(case: Case, judgement: Judgement, at: Mapping[str, int] | None) -> str:
    """Return the fingerprint of what a document answers."""
    return asked("Judgement", case.derivation.question | {
        "claim": judgement.claim, "at": sorted((at or {}).items()),
        "assumed": sorted((name, sorted(words)) for name, words in case.assumed.items()),
    })  # fmt: skip


def write_documents(folder: str | Path, stem: str, texts: Iterable[tuple[str, str]]) -> list[Path]:
    """Write documents into a folder, each file whole or not at all; return their paths."""
    made = dict(texts)
    (question,) = {question_of(text) for text in made.values()}
    endings = [f".{form}" for form in made]
    return write(folder, stem, question, endings, lambda name: map(unsealed, made.values()))
