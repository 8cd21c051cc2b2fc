"""A judgement to a document: the derivation of what is true, the counterexample worked by hand.

What enters is a case and what was judged of it; what leaves is Markdown or LaTeX. The numbers of a
counterexample are evaluated anew from the operators' definitions, with the arithmetic written down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

from derive.documents.files import Content, asked, question_of, sealed, told, unsealed, write
from derive.documents.formats import flavoured, format_of
from derive.documents.model import Beside, Block, Chain, Environment, Heading, Paragraph, words
from derive.documents.page import Document, render
from derive.documents.pipeline import Proof, prefix_of, prove
from derive.documents.setting import Setting, assumptions, equal
from derive.documents.worked import DIGITS, Board, needed
from derive.expressions.errors import ProofError, UnsupportedError
from derive.expressions.expr import Expr, nodes, variables
from derive.expressions.layout import num
from derive.expressions.limits import TIMEOUT, seconds
from derive.judges.batch import Answer, answers, identities
from derive.judges.case import Case, Claim
from derive.judges.judgement import Counterexample, Judgement, scope_said
from derive.language.parse import Shapes
from derive.notation.displays import Link, side_by_side
from derive.notation.escape import one_line
from derive.notation.mathematics import Notation, Style
from derive.notation.messages import Message
from derive.ops.square import DET, INV
from derive.proof.textbook import Settled
from derive.proof.verdict import PROVED, REFUTED
from derive.readings.numbers import Numbers, Rows, is_rounded, precision, rational

#: A line holds so many digits.
LINE = 62.0
#: What is worked out before the entries of a formula that it stands in.
FIRST = (INV.name, DET.name)


def render_check(
    case: Case,
    judgement: Judgement,
    form: str,
    proof: Proof | None = None,
    style: Style | None = None,
    **options: Any,
) -> Content:
    """Return the document of a judgement in a format.

    `proof` is the gradient's derivation, which follows the statement that a claim was proved,
    `style` the notation; see `page.render` for the other options.
    """
    options.setdefault("prefix", prefix_of(f"{case.program.name}-check"))
    blocks = _blocks(case, judgement, proof, style or Style())
    if format_of(form).bound is not None:
        blocks = chain(blocks, _runnable(case, judgement, proof))
    return render(blocks, form, **options)


def _runnable(case: Case, judgement: Judgement, proof: Proof | None) -> Iterator[Block]:
    """Yield what a notebook runs after a judgement: the true gradient, at the counterexample."""
    from derive.documents.runnable import runnable, trial_at

    found, (_, said) = judgement.counterexample, case.fitting(judgement.claim)
    if proof is None:
        proof = prove(
            case.program, wrt=(said.name,) if said else None, assume=case.assumptions,
            detail="brief", timeout=None,
        )  # fmt: skip
    at = trial_at(proof.derivation, found.sizes, found.values) if found else None
    yield from runnable(proof.derivation, proof.hypotheses, at)


def _blocks(case: Case, judgement: Judgement, proof: Proof | None, style: Style) -> Iterator[Block]:
    case, said = case.fitting(judgement.claim)
    page = Setting(case.derivation, style)
    notation, leaf = page.notation, page.leaf
    claim = one_line(judgement.claim)
    truth = judgement.truth
    if said and judgement.verdict == PROVED:  # the reader sees how we would write it
        value = Settled(case.program, (), case.assumed).of(case.truth(said.name))[0]
        truth = case.formulas.says(said.name, value)
    yield Heading(words("judged", verdict=judgement.verdict, claim=claim), 1)
    output = leaf(str(case.program.output))
    loss = () if case.program.is_loss else (words("any-scalar", L=notation.loss, Y=output),)
    yield page.given(*loss)
    if case.assumed:
        supposed = words("assumed", assumptions=assumptions(case.assumed, leaf, case.program))
        yield Environment("hypotheses", (Paragraph((supposed,)),))
    if said:
        claimed = _shown(notation, said.name, said.expr)
        yield Environment("remark", (claimed,), words("the-claim"))
    if judgement.meanings:
        found = judgement.meanings.items()
        yield Paragraph(tuple(words("stands-for", name=n, meant=m) for n, m in found))
    if judgement.verdict == PROVED:
        told = [words(
            "how-proved", scope=scope_said(judgement.where), road=judgement.road,
            general=bool(judgement.where and judgement.where.key),
            conditions=list(judgement.conditions),
        )]  # fmt: skip
        told += [words("written-otherwise", truth=truth)] if truth != claim else []
        told += [words("derivation-follows")] if proof else []
        yield Environment("remark", (Paragraph(tuple(told)),), words("it-is-true"))
        if proof:
            title, *below = proof.blocks()
            assert isinstance(title, Heading)
            yield from (title._replace(level=2), *below)
    elif judgement.verdict == REFUTED:
        shown = (_shown(notation, said.name, case.truth(said.name)),) if said and truth else ()
        meant = judgement.diagnosis
        yours = meant.facts["slip"] if isinstance(meant, Message) else ""
        why = words("how-false", reason=judgement.reason, truth=truth, yours=yours,
                    holds=judgement.holds, lines=bool(shown))  # fmt: skip
        yield Environment("remark", (Paragraph((why,)), *shown), words("it-is-false"))
        if said and judgement.counterexample:
            yield from _worked(case, notation, judgement, said, judgement.counterexample)
    else:
        why = words("why-undecided", reason=judgement.reason)
        yield Environment("remark", (Paragraph((why,)),), words("it-is-undecided"))


def _shown(notation: Notation, name: str, expr: Expr) -> Chain:
    """Return a claim as mathematics."""
    return Chain((Link(notation.expr(expr), notation.leaf(f"d{name}")),))


# -- the counterexample ----------------------------------------------------------------------------


def _worked(
    case: Case, notation: Notation, judgement: Judgement, said: Claim, found: Counterexample
) -> Iterator[Block]:
    """Yield the numbers of a counterexample: what is given, what follows, and the two entries."""
    point, name = _Point(case, found), f"d{said.name}"
    told = (text.partition("e")[0] for text in (found.expected, found.claimed))
    board = Board(notation, point, digits=max(DIGITS, *(len(re.findall(r"\d", x)) for x in told)))
    place = tuple(k - 1 for k in found.entry)
    truth = point.formulas[name]
    known = [truth, said.expr] if judgement.truth else [said.expr]
    parts = dict.fromkeys(
        node for root in known for node in nodes(root) if node.name in FIRST and node is not root
    )

    def worked(expr: Expr, rows: Rows) -> Chain:
        links = board.worked(name, expr, place, letters=True, first=tuple(parts), rows=rows)
        return Chain(tuple(links))

    sizes = [equal(notation.word_of(dim), num(k)) for dim, k in found.said.items()]
    given = [board.given(n) for n in found.values]
    yield Heading(words("counterexample"))
    yield Paragraph((words("take", sizes=sizes, functions=found.functions),))
    yield Beside(tuple(map(tuple, side_by_side(given, LINE))))
    steps = [
        board.chain(notation.leaf(n), [notation.expr(point.formulas[n]), board.of(n)])
        for n in needed(known, point.unknown)
    ]
    steps += [board.chain(notation.expr(x), [board.matrix(point.of(x))]) for x in parts]
    if steps:
        yield Paragraph((words("then"),))
        yield Chain(tuple(link for step in steps for link in step))
    yield Paragraph((words("entry-of-gradient"),))
    if judgement.truth:
        yield worked(truth, point.rows(name))
    else:
        sign = "approx" if is_rounded(found.expected) else "equals"
        value = board.number(rational(Fraction(found.expected))).box
        yield Chain((Link(value, board.entry(name, *place), sign),))
    yield Paragraph((words("entry-of-claim"),))
    yield worked(said.expr, point.of(said.expr))
    yield Paragraph((words("so-it-is-false"),))


class _Point:
    """The values of every name at the point of a counterexample."""

    def __init__(self, case: Case, found: Counterexample):
        self.sizes = found.sizes
        gradients = {**case.derivation.gradients, **case.derivation.backward}
        self.formulas = {s.name: s.expr for s in case.program.statements}
        self.formulas |= {f"d{name}": value for name, value in gradients.items()}
        self.known: dict[str, Rows] = {
            name: [[rational(Fraction(x)) for x in line] for line in cells]
            for name, cells in found.values.items()
        }
        if case.program.is_loss:
            self.known[f"d{case.program.output}"] = [[rational(1)]]
        self.unknown = {n: x for n, x in self.formulas.items() if n not in self.known}

    def rows(self, name: str) -> Rows:
        """Return the numbers of a name, from its formula where they are not given."""
        if name not in self.known:
            self.known[name] = self.of(self.formulas[name])
        return self.known[name]

    def of(self, expr: Expr) -> Rows:
        """Return what a formula comes to."""
        known = {leaf.data[0]: self.rows(leaf.data[0]) for leaf in variables(expr)}
        with precision():
            return Numbers(self.sizes, known).matrix(expr)


def check_file(
    path: str | Path,
    *,
    jobs: int = 1,
    timeout: float | None = TIMEOUT,
    progress: Callable[[float], None] | None = None,
    formats: tuple[str, ...] = (),
    **options: Any,
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
    judgement comes with its documents in `formats`, set as `options` say. Raises
    `OutputError` or `ParseError` where the file itself cannot be read.
    """
    if jobs < 1:
        raise UnsupportedError(f"the number of workers must be at least 1, {jobs} is not")
    made = partial(documents, formats=formats, **options) if formats else None
    return answers(identities(path, progress), jobs, seconds(timeout), made)


def documents(
    case: Case,
    judgement: Judgement,
    *,
    formats: Sequence[str],
    shapes: Shapes | None = None,
    at: Mapping[str, int] | None = None,
    style: Style | None = None,
    **options: Any,
) -> list[tuple[str, Content]]:
    """Return a judgement's document in each format, that of a proved claim with its derivation."""
    found = Judged(case, judgement, shapes, at, style or Style())
    question = found.asked({name: str(value) for name, value in options.items()})
    flavours = flavoured(formats, options.pop("flavour", ""))
    texts = (found.render(form, **options | flavours[form]) for form in formats)
    return [(form, sealed(text, form, question)) for form, text in zip(formats, texts)]


@dataclass(frozen=True, repr=False)
class Judged(Document):
    """A judgement as a document; `shapes`, `at` and `style` set the derivation of what is true,
    which follows where it is to be `derived`.
    """

    case: Case
    judgement: Judgement
    shapes: Shapes | None = None
    at: Mapping[str, int] | None = None
    style: Style = field(default_factory=Style)
    derived: bool = True

    @property
    def name(self) -> str:
        """The program's name, and what is claimed."""
        said = self.case.fitting(self.judgement.claim)[1]
        return f"{self.case.program.name}-check-{f'd{said.name}' if said else 'claim'}"

    @property
    def question(self) -> dict[str, Any]:
        return self.case.derivation.question | {
            "claim": self.judgement.claim, "at": sorted((self.at or {}).items()),
            "assumed": sorted((name, sorted(words)) for name, words in self.case.assumed.items()),
            "style": told(self.style),
        }  # fmt: skip

    def asked(self, said: dict[str, str]) -> str:
        return asked("Judgement", self.question | said)

    @cached_property
    def proof(self) -> Proof | None:
        """The derivation that follows the statement that a claim was proved."""
        if self.judgement.verdict != PROVED or not self.derived:
            return None
        return _proof(self.case, self.judgement, self.shapes, self.at, self.style)

    def blocks(self) -> Iterable[Block]:
        return _blocks(self.case, self.judgement, self.proof, self.style)

    def runnable(self) -> Iterable[Block]:
        return _runnable(self.case, self.judgement, self.proof)

    def named(self, name: str) -> dict[str, Any]:
        return {"prefix": prefix_of(name)}

    def plain(self) -> dict[str, Any]:
        return self.judgement.plain()


def _proof(
    case: Case,
    judgement: Judgement,
    shapes: Shapes | None,
    at: Mapping[str, int] | None,
    style: Style,
) -> Proof:
    """Return the derivation of a claimed gradient, which ends with the claim where it can.

    It cannot where the claim speaks of a special case, of dimensions that are equal, or where the
    judges of a claim know more than those of a step.
    """
    fitted, said = case.fitting(judgement.claim)
    assert said is not None, "what is proved has been read"
    common: dict[str, Any] = {
        "at": at, "wrt": (said.name,), "name": case.program.name, "assume": case.assumptions,
        "detail": "full",
        "style": replace(style, elide=style.elide or 6),
    }  # fmt: skip
    if fitted is case and not case.misfit(said):
        try:
            return prove(case.program.text, shapes, claims={said.name: [said.expr]}, **common)
        except ProofError:
            pass
    return prove(case.program.text, shapes, **common)


def write_documents(
    folder: str | Path, stem: str, texts: Iterable[tuple[str, Content]]
) -> list[Path]:
    """Write documents into a folder, each file whole or not at all; return their paths."""
    made = dict(texts)
    (question,) = {question_of(text) for text in made.values()}
    endings = [f".{form}" for form in made]
    return write(folder, stem, question, endings, lambda name: map(unsealed, made.values()))
