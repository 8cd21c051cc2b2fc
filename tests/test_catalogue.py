"""The catalogue: every entry is proved, drawn and worked out, and what is no entry is refused.

Gradients are held against central differences in high precision (see referee.py) and against torch,
which share nothing with the package; claims are judged, and refuted where they are changed.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from examples import FOLDER, THEOREMS, theorems
from pages import TEXT, Line, height, pages, without_prose
from programs import evaluate
from referee import NoValue, Setting
from stumbling import STUMBLING, stumbles, trivial
from test_latex import flaws
from test_properties import gradients_in_torch, in_torch
from told import once

import derive
from derive.catalogue import Entry, by_topic, load, names
from derive.command.cli import main
from derive.documents.model import Chain, Heading
from derive.documents.pipeline import Proof
from derive.expressions.errors import DeriveError
from derive.expressions.expr import variables
from derive.expressions.program import Program
from derive.judges.claim import Court
from derive.judges.entries import opened
from derive.judges.slips import repairs
from derive.language.parse import parse
from derive.notation.displays import fitted
from derive.notation.escape import markdown
from derive.proof.verdict import EVERY_SHAPE

BEGIN = r"\begin{document}"
#: So many changes are made to a claim, of so many claims of an entry: the shortest.
MUTANTS, CLAIMS = 3, 3


def definite(name: str) -> Entry:
    """The entry; where it is about any function and any number of layers, two layers of tanh."""
    entry = load(name)
    every = entry.recursion is not None and entry.recursion.every
    return load(name, choice={"activation": "tanh", "layers": "2"}) if every else entry


@pytest.fixture(scope="module")
def proved() -> Callable[[str], Proof]:
    """The proof of an entry by name, made once for all that is asked of it."""
    return cache(lambda name: derive.prove(load(name)))


@pytest.fixture(scope="module")
def proof(proved) -> Callable[[str], Proof]:
    """The same of what numbers can be put in."""
    every = cache(lambda name: derive.prove(definite(name)))
    return lambda name: proved(name) if definite(name) == load(name) else every(name)


@once
def court(name: str) -> Court:
    return opened(definite(name))


def referee(name: str) -> Setting:
    """The program as NumPy reads it, under what is assumed in the entry."""
    entry = definite(name)
    program = parse(entry.program)
    shapes = {n: tuple(program.leaves[n].shape.dims) for n in program.inputs}
    return Setting("; ".join(program.lines()), shapes, entry.assume)


def first_value(ground: Setting, sizes: dict[str, int]) -> dict:
    """What the program computes at the first point where it has a value."""
    for seed in range(9):
        with suppress(NoValue):
            return ground.environment(ground.point(sizes, seed), sizes)
    raise AssertionError("no point was found")


def final(claim: str) -> str:
    """The name of which a claim says the gradient."""
    return claim.split(";")[-1].partition("=")[0].strip().removeprefix("d")


def in_inputs(proof: Proof, formula: str) -> str:
    """A gradient with the statements put in on which it rests."""
    for name, value in reversed(proof.statements):
        formula = re.sub(rf"\b{name}\b", f"({value})", formula)
    return formula


def all_together(found: Proof) -> list[Chain]:
    """The displays of a lecture under its last heading, one for each gradient of the whole."""
    section: str | None = None
    chains = []
    for block in found.blocks() if found.derivation.detail == "lecture" else ():
        if isinstance(block, Heading):
            section = block.words.key
        elif isinstance(block, Chain) and section == "all-together":
            chains.append(block)
    return chains


@pytest.mark.parametrize("name", names())
def test_the_claims_of_an_entry_are_proved_for_every_shape(name):
    entry = load(name)
    assert entry.claims and entry.about and entry.source and entry.mistake
    judges = opened(entry)
    for claim in entry.claims:
        found = judges.judge(claim)
        assert (found.verdict, found.where) == ("proved", EVERY_SHAPE), (claim, found.reason)
    mistake = judges.judge(entry.mistake.claim)
    assert mistake.verdict == "refuted", (mistake, mistake.reason)
    assert mistake.counterexample is not None or mistake.method == "shapes"
    assert {*entry.parameters} <= {final(claim) for claim in entry.claims}


@pytest.mark.parametrize("name", names())
def test_a_claim_that_is_changed_is_refuted(name):
    """Differences say whether a change spoils a claim; a claim that they call false is refuted."""
    found, ground, spoilt = court(name), referee(name), 0
    read = map(found.case.read, sorted(definite(name).claims, key=len))
    inputs = {f"d{n}" for n in found.program.inputs}  # of these the referee knows no gradient
    own = [said for said in read if f"d{said.name}" in inputs
           if not {leaf.data[0] for leaf in variables(said.expr)} & inputs]  # fmt: skip
    for said in own[:CLAIMS]:
        shape, dims = found.program.leaves[said.name].shape, found.program.dims
        for _, _, mutant in islice(repairs(said.expr, shape, dims), MUTANTS):
            text = found.program.written(mutant)
            if ground.agrees(said.name, text) is False:
                verdict = found.judge(f"d{said.name} = {text}").verdict
                assert verdict == "refuted", f"d{said.name} = {text}"
                spoilt += 1
    assert spoilt


@pytest.mark.parametrize("name", names())
def test_the_gradients_of_an_entry_agree_with_differences(name, proof):
    ground, found = referee(name), proof(name)
    for of, formula in found.gradients.items():
        if of in found.derivation.program.inputs:
            text = in_inputs(found, formula)
            assert ground.agrees(of, text), f"d{of} = {text}"


@pytest.mark.parametrize("name", names())
def test_the_gradients_of_an_entry_agree_with_torch(name, proof):
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    found, ground = proof(name), referee(name)
    program = found.derivation.program
    sizes = dict(found.derivation.sizes)
    known = first_value(ground, sizes)
    known[f"d{program.output}"] = ground.upstream(known)
    values = {k: np.array(v).astype(float) for k, v in known.items() if k not in sizes}
    theirs = gradients_in_torch(torch, program, values, sizes)
    values = {k: torch.tensor(v) for k, v in values.items()}
    for of, formula in found.gradients.items():
        if of in theirs:
            scale = 1 + np.abs(theirs[of]).max()
            value = in_torch(torch, in_inputs(found, formula), values, sizes)
            ours = np.broadcast_to(np.asarray(value), theirs[of].shape)
            assert np.allclose(ours / scale, theirs[of] / scale, rtol=1e-7, atol=1e-9), formula


@pytest.mark.parametrize("name", names())
def test_an_entry_is_a_document_in_both_formats(name, proved):
    found = proved(name)
    assert found.proved
    tex = found.render("tex")
    assert r"\begin{" in tex and stumbles(tex) == []
    text = found.render("md")
    page = " ".join(text.split())
    assert "$$" in page and "*A usual mistake*" in page and trivial(text) == []
    told = found.derivation.mistake is not None  # shapes that do not fit are not worked out
    why = markdown(load(name).mistake.why)
    assert (f": {why}. With numbers that one can redo" in page) is told
    for chain in all_together(found):
        assert len(chain.links) <= 2 and len(fitted(chain.links).lines) <= 2, name


def reaching(program: Program, X: str) -> dict[tuple[int, ...], set]:
    """Which entries of a variable each entry of the value depends on, as numbers say: one entry is
    changed, and the value is looked at."""
    sizes = dict(zip(program.dims, (2, 3, 4, 5), strict=False))
    rng, found = np.random.default_rng(7), {}
    known = {
        name: rng.uniform(0.1, 0.9, program.leaves[name].shape.extents(sizes)).astype(object)
        for name in program.inputs
    }
    (statement,) = program.statements
    base = evaluate(str(statement.expr), known, sizes)
    for place in np.ndindex(known[X].shape):
        moved = known[X].copy()
        moved[place] += 0.25
        value = evaluate(str(statement.expr), known | {X: moved}, sizes)
        for at in map(tuple, np.argwhere(abs(value - base) > 1e-9)):
            found.setdefault(at, set()).add(place)
    return found


@pytest.mark.parametrize("name", names())
def test_every_lemma_shows_an_entry_slowly_unless_it_is_made_entry_by_entry(name, proved):
    """Where an entry of the value is made of several entries of one variable: which acts where, the
    partial derivatives beside those of the loss, the sum, what is left."""
    found = proved(name).derivation
    for lemma in found.lemmas if found.detail == "lecture" else ():
        if lemma.statement is None:
            continue
        own = lemma.derivation
        shown = [local for local in own.locals if local.one]
        said = (local for local in own.locals if local.claim)
        several = any(
            len(places) > 1
            for local in said for places in reaching(own.program, local.variable.data[0]).values()
        )  # fmt: skip
        assert len(shown) == several, (name, str(lemma.statement))
        assert all(local.slice or own.program.is_loss for local in shown)


#: A line of each kind that a reader stumbles over.
STUMBLED = (
    r"\sum_{j} \frac{\frac{\partial L}{\partial y_{j}} c_{j}}{n}",
    r"The shapes are the mnemonic: $(1) = (n)(n)$ and $(1) = (n)(n)$ are",
    r"&= \frac{1}{d}\frac{\partial d}{\partial b}",
    r"&& \text{definition of the product and of the difference and of $P$}",
    r"C = X - \mathbf{1} \cdot \frac{1}{n}\,\mathbf{1}^{\top}X",
    r"Suppose that the entries of $\epsilon$ are positive.",
)


def test_what_a_reader_stumbles_over_is_seen():
    assert [*map(stumbles, STUMBLED)] == [[name] for name in STUMBLING]


def test_a_road_of_more_lines_is_seen(monkeypatch, proof):
    assert all_together(proof("softmax-regression"))
    monkeypatch.setattr("derive.documents.lecture.Lecture.shown", lambda page, chain: chain)
    for name in ("softmax-regression", "sigmoid-network"):
        anew = replace(proof(name))  # what it shows is kept with it
        assert any(len(chain.links) > 2 for chain in all_together(anew))


def test_an_entry_knows_of_a_mistake_that_numbers_refute(proved):
    told = {name: proved(name).derivation.mistake for name in ("tanh", "affine")}
    assert told["tanh"] is not None and told["affine"] is None


@pytest.mark.parametrize("name", names())
def test_an_entry_is_drawn_worked_out_and_made_a_sheet(name):
    entry = definite(name)
    drawn = derive.graph(entry)
    assert drawn.nodes[-1].name == str(drawn.program.output)
    assert drawn.to_svg().startswith("<svg")
    example = derive.example(entry)
    assert entry.at.items() <= example.sizes.items() and example.name.startswith(name)
    assert r"\begin{document}" in example.to_latex() and "$$" in example.to_markdown()
    sheet = derive.exercise(entry, count=3)
    assert len(sheet.problems) == 3 and "$$" in sheet.to_markdown(solutions=True)


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("batch-norm", (r"\odot \left(\frac{1}{n}", r"= \frac{1}{n}\hspace{2pt}\left(n")),
        ("sigmoid", (r"Y \odot (1 - Y)", r"\sigma(X) \odot (1 - \sigma(X))")),
        ("linear-regression", (r"X^{\top}r", r"(X^{\top}Xw - X^{\top}y)")),
        ("trace-quadratic", (r"AX + A^{\top}X", r"(A + A^{\top})X")),
        ("binary-cross-entropy", (r"(p - t) \oslash", r"((1 - t) \oslash (1 - p)")),
    ],
)
def test_two_forms_of_the_literature_are_printed_and_proved_equal(name, forms, proved):
    found = proved(name)
    page = found.to_markdown()
    *_, last = page[: page.index("## To remember")].split("## Written otherwise")
    assert all(form in last for form in forms), last
    (chain,) = found.derivation.claimed.values()
    assert len(chain) >= 2 and all(step.proved for step in chain)


# -- the pages -------------------------------------------------------------------------------------

#: The most pages that a document may have, A4 at 11 points, at the detail that is usual.
BUDGETS = {
    "affine": 4,
    "mlp": 4,
    "sigmoid-network": 5,
    "softmax-cross-entropy": 3,
    "batch-norm": 5,
    "layer-norm": 5,
    "rms-norm": 5,
    "attention": 5,
    "self-attention": 6,
    "gaussian": 4,
    "gaussian-covariance": 4,
    "lstm-cell": 8,
    "gru-cell": 8,
    "logistic-regression": 3,
}
#: The same of all others.
MOST_PAGES = 6


@pytest.fixture(scope="module")
def volume(proved, tmp_path_factory, require_tool) -> dict[str, list[list[Line]]]:
    """The lines of the pages of every entry, all documents set as one; the log has no flaw."""
    folder, parts = tmp_path_factory.mktemp("volume"), []
    preamble: dict[str, None] = {}  # the lines that any of them needs
    for name in names():
        head, _, rest = proved(name).to_latex(prefix=f"{name}:").partition(BEGIN)
        preamble |= dict.fromkeys(head.splitlines())
        body = rest.partition(r"\end{document}")[0]
        parts.append(rf"\setcounter{{page}}{{1}}\setcounter{{equation}}{{0}}{body}\clearpage")
        parts.append(r"\typeout{PAGES \the\numexpr\value{page}-1}")
    whole = "\n".join([*preamble, BEGIN, *parts, r"\end{document}"])
    assert flaws(whole, folder, require_tool("pdflatex")) == []
    log = (folder / "page.log").read_text("utf-8", "replace")
    set_ = iter(pages(folder / "page.pdf", require_tool("pdftotext")))
    counts = map(int, re.findall(r"^PAGES (\d+)", log, re.M))
    return {name: list(islice(set_, count)) for name, count in zip(names(), counts, strict=True)}


@pytest.mark.parametrize("name", names())
def test_a_document_keeps_within_its_pages(name, volume):
    """No table and no figure is alone on a page, and the closing box has less than half of one,
    where its head stands above it."""
    assert len(volume[name]) <= BUDGETS.get(name, MOST_PAGES)
    assert without_prose(volume[name]) == []
    assert not any(page[-1].text.startswith("To remember") for page in volume[name])
    assert height(volume[name], "To remember", "What was checked") <= TEXT / 2


def test_the_theorems_are_those_of_the_committed_page(proved):
    kept = (FOLDER / THEOREMS).read_text("utf-8")
    assert theorems(proved) == kept, "run `python tests/examples.py`, and look at the difference"


# -- the list --------------------------------------------------------------------------------------


def test_the_list_names_every_entry_under_its_topic(capsys):
    assert main(["list"]) == 0
    blocks = capsys.readouterr().out.strip().split("\n\n")
    listed = {}
    for block in blocks:
        topic, *lines = block.splitlines()
        listed |= {line.split()[0]: topic for line in lines}
    assert sorted(listed) == names() and len(blocks) > 4
    assert all(load(name).topic == topic for name, topic in listed.items())
    assert main(["list", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in plain] == [*listed]
    assert all(entry["program"] == load(entry["name"]).program for entry in plain)


def test_the_readme_lists_what_there_is():
    page = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    (table,) = re.findall(r"^\| topic \|.*\n\|-.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    rows = dict(re.findall(r"^\| (.*?) \| (.*?) \|$", table, re.MULTILINE))
    entries = by_topic([load(name) for name in names()])
    assert rows == {topic: ", ".join(e.name for e in those) for topic, those in entries.items()}
    assert page.index("| topic |") < page.index("## What came out")


def test_all_of_one_entry(capsys):
    assert main(["list", "affine"]) == 0
    out = capsys.readouterr().out
    for part in ("X: (n, d)", "W, B", "proved    dX = dY @ W.T", "usual mistake", "CS231n"):
        assert part in out, part
    assert main(["list", "affine", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["data"] == [] if "data" in found else True
    assert [one["verdict"] for one in found["judged"]] == ["proved"] * 3 + ["refuted"]


# -- entries of somebody else ----------------------------------------------------------------------

MINE = """\
title = "A layer of mine"
about = "It is tried out here."
program = '''
X: (n, d); W: (d, m); eps: ()
Z = {layer} + eps
Y = {g}(Z)
'''
at = { n = 2, d = 2, m = 3 }
assume = { eps = "positive" }
data = ["eps"]
parameters = ["W"]
claims = [
  "dW = X.T @ dZ",
  "dZ = dY * {slope}",
]
source = "nowhere"
[mistake]
claim = "dZ = dY * Y"
why = "the slope is not the value"
[options.activation]
sigmoid = { g = "sigmoid", slope = "Y * (1 - Y)" }
tanh = { g = "tanh", slope = "(1 - Y ** 2)" }
[options.layer]
rows = "X @ W"
twice = "2 * X @ W / 2"
"""


@pytest.fixture
def mine(tmp_path):
    """A folder with an entry, and a way to change it."""

    def changed(*pairs, name="mine"):
        text = MINE
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "own" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    changed()
    return changed


def test_an_entry_of_mine_is_one_of_the_catalogue(mine, capsys):
    path = mine()
    entry = derive.entry("mine", catalogue=path.parent)
    assert entry == derive.entry(str(path)) and entry.topic == "own"
    assert derive.prove(entry).name == "mine-2x2x3"
    assert derive.gradient(entry, wrt=["W"])["W"] == "X.T @ (dY * Y * (1 - Y))"
    for arguments in (["mine", "--catalogue", str(path.parent)], [str(path)]):
        for command in ("prove", "example", "exercise", "graph"):
            assert main([command, *arguments, "-o", str(path.parent / "out")]) == 0
        assert main(["gradient", *arguments, "--wrt", "W"]) == 0
        assert main(["check", *arguments, "--claim", "dW = X.T @ dZ"]) == 0
        assert main(["list", *arguments]) == 0
    assert "A layer of mine" in capsys.readouterr().out
    assert main(["list", "--catalogue", str(path.parent)]) == 0
    assert "own\n  mine " in capsys.readouterr().out


def test_a_choice_among_options_is_another_program(mine, capsys):
    path = str(mine())
    assert main(["gradient", path, "--activation", "tanh", "--wrt", "W"]) == 0
    assert capsys.readouterr().out.startswith("dW = X.T @ (dY * (1 - Y ** 2))")
    entry = derive.entry(path, activation="tanh", layer="twice")
    assert entry.named == "mine-tanh-twice" and "2 * X @ W / 2" in entry.program
    assert derive.prove(entry, detail="brief").name == "mine-tanh-twice-2x2x3"


def test_an_option_of_an_entry_comes_before_that_of_the_command(mine, capsys):
    path = str(mine(("[options.activation]", "[options.loss]")))
    assert main(["example", path, "--loss", "tanh", "-o", "-"]) == 0
    assert "tanh" in capsys.readouterr().out


WRONG = [
    ((), ['nine'], 2,
     'nine is neither a program nor a name of the catalogue: did you mean mine?'),
    ((), ['nowhere.toml'], 2,
     'there is no file nowhere.toml'),
    ((), ['mine', '--activatoin', 'tanh'], 2,
     'mine has no option --activatoin.'),
    ((), ['mine', '--activation', 'tan'], 2,
     '--activation is not tan: did you mean tanh?'),
    ((), ['affine', '--activation', 'tanh'], 2,
     'affine has no option --activation.'),
    ((), ['Y = X @ X.T', '--activation', 'tanh'], 2,
     "No such option '--activation'."),
    ((), ['--activation', 'mine'], 2,
     "No such option '--activation'."),
    (('title = ', 'titel = '), ['mine'], 2,
     'line 1, column 1: {}: an entry has no key titel: did you mean title?'),
    (('title = "A layer of mine"\n', ''), ['mine'], 2,
     '{}: there is no title'),
    (('"A layer of mine"', '3'), ['mine'], 2,
     'line 1, column 1: {}: title is a line of text'),
    (('n = 2', 'n = 0'), ['mine'], 2,
     'line 8, column 1: {}: at is sizes, such as'),
    (('["W"]', '"W"'), ['mine'], 2,
     'line 11, column 1: {}: parameters is a list of inputs'),
    (('why = "the slope is not the value"\n', ''), ['mine'], 2,
     'line 17, column 2: {}: mistake is a table'),
    (('{layer}', '{lyer}'), ['mine'], 2,
     'line 5, column 5: {}: {{lyer}} is no place that an option fills'),
    (('[options.layer]\n', '[options]\nlayer = 3\n'), ['mine'], 2,
     'an option is a table of values'),
    (('= [\n', '= \n'), ['mine'], 2,
     'line 12, column 10: {} is not TOML'),
    (('(d, m)', '(e, m)'), ['mine'], 2,
     'line 3, column 1: {}: X @ W: X has d columns, W has e rows'),
    (('["eps"]', '["epsilon"]'), ['mine'], 2,
     'line 10, column 1: {}: data has epsilon, and the program has X, W, eps'),
    (('d = 2', 'k = 2'), ['mine'], 2,
     'line 8, column 1: {}: at has k, and the program has n, d, m'),
    (('"positive"', '"postive"'), ['mine'], 2,
     'line 9, column 1: {}: there is no assumption postive: did you mean positive?'),
    (('X.T @ dZ', 'X.T @@ dZ'), ['mine'], 2,
     'line 13, column 14: {}: '),
    (('X.T @ dZ', 'dZ.T @ X'), ['mine'], 1,
     'line 13, column 4: {}: the claim dW = dZ.T @ X is false: '),
    (('X.T @ dZ', '2 * X.T @ dZ'), ['mine'], 1,
     'line 13, column 4: {}: the claim dW = 2 * X.T @ dZ is false: at n = '),
    (('dY * Y', 'dY * (1 - Y) * Y'), ['mine'], 1,
     '{}: what is called a mistake is true: dZ = '),
    ((), ['mine', '--values', 'X=[[1,2]],W=[[1],[2]],eps=-1'], 2,
     'eps is not positive'),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "arguments", "status", "said"), WRONG, ids=str)
def test_what_is_no_entry_is_refused(mine, changes, arguments, status, said, capsys):
    path = mine(*([changes] if changes else []))
    assert main(["example", *arguments, "--catalogue", str(path.parent)]) == status
    err = capsys.readouterr().err
    assert said.format(path) in err
    assert "Traceback" not in err


def test_two_entries_of_one_name_are_refused(mine, capsys):
    folder = mine(name="affine").parent
    assert main(["list", "--catalogue", str(folder)]) == 2
    assert "two entries are named affine: " in capsys.readouterr().err
    (folder / "affine.toml").rename(folder / "not so.toml")
    (folder / "again").mkdir()
    (folder / "again" / "mine.toml").write_text(MINE)
    for word in ("two entries are named mine: ", f"{folder / 'again' / 'mine.toml'}"):
        with pytest.raises(DeriveError, match=word):
            derive.entry("mine", catalogue=folder)
    with pytest.raises(DeriveError, match="is no file of an entry"):
        derive.entry(str(folder / "not so.toml"))
    with pytest.raises(DeriveError, match="there is no folder of entries"):
        derive.entry("mine", catalogue=folder / "nowhere")


def test_our_own_entries_are_not_judged_at_every_start(mine, monkeypatch):
    def judging(*_):
        raise AssertionError("a court was opened")

    monkeypatch.setattr("derive.judges.claim.Court", judging)
    assert derive.entry("affine") == load("affine")
    with pytest.raises(AssertionError, match="a court was opened"):
        derive.entry(str(mine()))
