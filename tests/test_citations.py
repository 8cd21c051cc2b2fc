"""A line follows from the equations that it cites, from all of them, and from nothing else.

NumPy evaluates both sides where every name, the gradients included, is a random number, and what
is cited of a name is put in for it. Nothing of the judges is used.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import mpmath
import numpy as np
import pytest
from documents import PROGRAMS, text_of
from programs import NUMPY, number_of
from told import explained

import derive
from derive.calculus.index import at_place, named
from derive.catalogue import load
from derive.documents.pipeline import Proof
from derive.expressions.expr import Expr, substitute, variables
from derive.judges.citations import AlgebraJudge
from derive.judges.verify import verify
from derive.ops import var
from derive.proof.derivation import Derivation, Step

FUNCTIONS = {
    **{name: getattr(np, name) for name in ("exp", "log", "tanh", "sqrt", "kron")},
    **{name: NUMPY[name] for name in ("sum", "mean", "tr", "vec", "unvec", "broadcast_to")},
    **{name: NUMPY[name] for name in ("kron_left", "kron_right")},
    "ones": lambda n, m: np.ones((n, m)),
    "eye": np.eye,
    "sigmoid": lambda A: 1 / (1 + np.exp(-A)),
    "relu": lambda A: np.maximum(A, 0),
    "softplus": lambda A: np.log1p(np.exp(A)),
    "softmax": lambda A: np.exp(A) / np.exp(A).sum(1, keepdims=True),
    "logsoftmax": lambda A: A - np.log(np.exp(A).sum(1, keepdims=True)),
    "inv": np.linalg.inv,
    "det": lambda A: np.full((1, 1), np.linalg.det(A)),
    "logdet": lambda A: np.full((1, 1), np.linalg.slogdet(A)[1]),
    "norm": lambda A: np.full((1, 1), np.linalg.norm(A)),
}


def derivation(name: str) -> Derivation:
    return explained(text_of(PROGRAMS[name]))


class Point:
    """A number for every entry of every name: gradients, too, are what they like."""

    def __init__(self, of: Derivation, seed: int):
        self.of, self.sizes = of, of.sizes
        self.random = np.random.default_rng(seed)
        self.values: dict[Expr, np.ndarray] = {}

    def value(self, leaf: Expr) -> np.ndarray:
        if leaf not in self.values:
            shape = leaf.shape.extents(self.sizes)
            self.values[leaf] = self.random.uniform(0.25, 1.75, shape)
            if shape[0] == shape[1]:  # a determinant is positive
                self.values[leaf] += shape[0] * np.eye(shape[0])
        return self.values[leaf]

    def at(self, expr: Expr) -> np.ndarray:
        """The value of an expression: its text, with plain names, as NumPy reads it."""
        plain = {leaf: var(f"v{k}", leaf.shape) for k, leaf in enumerate(variables(expr))}
        known = {new.data[0]: self.value(leaf) for leaf, new in plain.items()}
        text = str(substitute(expr, plain))
        found = eval(text, {**FUNCTIONS, **self.sizes, **known})  # the printed text of our own tree
        return np.atleast_2d(np.asarray(found, dtype=float))

    def named(self) -> dict[str, np.ndarray]:
        leaves = [*self.of.program.leaves.values()]
        found = {leaf.data[0]: self.value(leaf) for leaf in leaves}
        found |= {s.name: self.at(s.expr) for s in self.of.program.besides}
        for name, meant in self.of.names.items():
            found[name] = self.value(var(name, meant.of.shape))
        found[f"d{self.of.program.output}"] = self.value(
            var(f"d{self.of.program.output}", self.of.program.output.shape)
        )
        return found


def equation(of: Derivation, place: tuple[str, ...]) -> tuple[Expr, Expr]:
    """Return what an equation says of a gradient: its first left side, its last right side."""
    chain = dict(of.equations())[place]
    if place[0] == "index":
        (local,) = (p for p in of.locals if p.index[0] is chain[0])
        return local.gradient, local.formula
    return chain[0].left, chain[-1].right


def whole(of: Derivation) -> list[Step]:
    """Return the steps about whole gradients, which cite."""
    chains = [*of.totals.values(), *of.composed.values()]
    return [step for chain in chains for step in chain if step.rule != "gradients-add"]


def agree(
    of: Derivation, step: Step, cites: tuple, seed: int, put_in: tuple[str, ...] | None = None
) -> bool:
    point = Point(of, seed)
    said = [equation(of, place) for place in cites]
    values = [(left, point.at(right)) for left, right in said]
    point.values |= dict(values)
    sides = [step.left, step.right]
    for name in dict(step.facts).get("put_in", ()) if put_in is None else put_in:
        defined = {of.program.leaves[name]: of.program.defining(name).expr}
        sides = [substitute(side, defined) for side in sides]
    return np.allclose(*map(point.at, sides), rtol=1e-9)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_line_is_what_it_cites_put_in(name):
    of = derivation(name)
    for step in whole(of):
        assert agree(of, step, step.cites, 1), step
        for gone in step.cites:
            rest = tuple(place for place in step.cites if place != gone)
            assert not agree(of, step, rest, 1), f"{step} does not need {gone}"
        names = dict(step.facts).get("put_in", ())
        for gone in names:
            fewer = tuple(name for name in names if name != gone)
            assert not agree(of, step, step.cites, 1, fewer), f"{step} does not need {gone}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_cited_stands_before(name):
    of = derivation(name)
    numbers = of.numbers()
    for place, chain in of.equations():
        for step in chain:
            assert all(numbers[cited] < numbers[place] for cited in step.cites), step


@pytest.mark.parametrize("name", PROGRAMS)
def test_one_entry_is_what_it_cites_put_in(name):
    """The matrix of partial derivatives, or the definition differentiated, into the chain rule."""
    of = derivation(name)
    equations = dict(of.equations())
    for local in of.locals:
        for step in local.one:
            if step.cites:
                ((kind, *_),) = step.cites
                assert (kind == "slice") == bool(local.slice)
                left, right = _one(of, local, step, equations[step.cites[0]][0])
                assert mpmath.almosteq(left, right, rel_eps=1e-7), step


def _one(of: Derivation, local, step: Step, cited: Step) -> tuple:
    point = Point(of, 2)
    values = point.named()

    def number(term, names=(), **changed):
        def inverse(term, names):
            i, j = (named(k, names, of.sizes) for k in term.data[4:])
            return np.linalg.inv(point.at(term.data[0]))[i, j]

        def entry(term, names):
            i, j = (named(k, names, of.sizes) for k in term.data[1:])
            return values[term.data[0]][i, j]

        more = {
            "entry": entry,
            "inverse": inverse,
            "det": lambda term, names: np.linalg.det(point.at(term.data[0])),
            **changed,
        }
        return mpmath.mpf(number_of(term, values, dict(names), of.sizes, more))

    grid = cited.right
    x = point.value(local.variable)

    def partial(term, names):
        y = term.args[0]
        i, j = (named(k, names, of.sizes) for k in y.data[1:])
        return cell(i, j) if cited.rule != "definition" else slope(i, j)

    def cell(i, j):
        places = zip(grid.words, grid.leaf.shape.dims, (i, j), strict=True)
        names = {k: v for place in places for k, v in at_place(*place, of.sizes).items()}
        return number(grid.tree, names)

    def slope(i, j):
        old, step = x[0, 0], 1e-6
        found = []
        for sign in (1, -1):
            x[0, 0] = old + sign * step
            found.append(cell(i, j))
        x[0, 0] = old
        return (found[0] - found[1]) / (2 * step)

    # the value's own name in a formula is what its definition says
    value = local.statement
    if value.name in values:
        values[value.name][...] = point.at(value.expr)
    if local.upstream is None:
        return slope(0, 0), number(step.right)
    return number(step.left, partial=partial), number(step.right)


WRONG = {
    "too little": lambda cites: cites[:-1],
    "too much": lambda cites: (*cites, ("index", "L", "Z2")),
    "another": lambda cites: (("index", "L", "Z2"),),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_judge_objects_to_a_wrong_citation(wrong):
    from dataclasses import replace

    of = derivation("mlp")
    chain = of.composed["W1"]
    cites = WRONG[wrong](chain[1].cites)
    step = replace(chain[1], facts=(("cites", cites),))
    judged = verify(replace(of, composed={**of.composed, "W1": (chain[0], step, *chain[2:])}))
    assert [s.proved for s in judged.composed["W1"]][:2] == [True, False]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_numbers_beside_a_line_are_those_of_its_citations(name):
    of = derivation(name)
    numbers = of.numbers()
    text = Proof(of).render("md")
    printed = {
        int(number): [
            [int(k) for k in re.findall(r"\((\d+)\)", reason)]
            for reason in re.findall(
                r"(?:&&|\\\\\n&\\qquad) (\\text.*?)(?: \\\\| \\qquad|$)", body, re.M
            )
        ]
        for body, number in re.findall(
            r"\$\$\n\\begin\{aligned\}\n(.*?)\\end\{aligned\} \\qquad \((\d+)\)\n\$\$", text, re.S
        )
    }
    for place, chain in of.equations():
        if place[0] in ("one", "total", "composed"):
            cited = [sorted(numbers[c] for c in step.cites) for step in chain if step.cites]
            lemmas = {numbers[p] for p in numbers if p[0] == "lemma" and place[0] == "one"}
            found = [[k for k in ks if k not in lemmas] for ks in printed[numbers[place]]]
            assert [ks for ks in found if ks] == cited, place


# -- two forms, where the literature has two -------------------------------------------------------

TWO_FORMS = {
    "batch-norm": "X",
    "layer-norm": "X",
}


@cache
def of_both_forms(name: str) -> Derivation:
    """The derivation of an entry with a second form: n times everything, through n."""
    entry = load(name)
    k, axis = ("n", 0) if name == "batch-norm" else ("d", 1)
    second = (
        f"dX = ({k} * dXhat - sum(dXhat, axis={axis}) - Xhat * sum(dXhat * Xhat, axis={axis}))"
        f" / ({k} * sigma)"
    )
    first = next(claim for claim in entry.claims if claim.startswith("dX ="))
    return derive.prove(replace(entry, claims=(first, second))).derivation


@pytest.mark.parametrize("name", TWO_FORMS)
def test_both_forms_stand_in_one_chain_and_are_proved(name):
    of = of_both_forms(name)
    first, *forms = of.claimed[TWO_FORMS[name]]
    assert len(forms) == 2, "neither is left out"
    assert all(step.proved for step in (first, *forms))
    point = Point(of, 1)
    for statement in of.program.statements:  # what is put in may be any of them
        point.values[of.program.leaves[statement.name]] = point.at(statement.expr)
    for shown, value in of.says().items():
        if shown != f"d{TWO_FORMS[name]}":
            point.values[var(shown, value.shape)] = point.at(value)
    values = [point.at(step.right) for step in (first, *forms)]
    assert np.allclose(values[0], values[1]) and np.allclose(values[1], values[2])


def test_only_what_a_form_needs_is_put_in():
    (_, form, other) = of_both_forms("batch-norm").claimed["X"]
    assert dict(form.facts)["put_in"] == ("Xhat", "C"), "σ stands for itself"
    assert [place[-1] for place in form.cites] == ["C"], "so does the gradient that both name"
    assert not dict(other.facts)["put_in"] and not other.cites


@pytest.mark.parametrize("gone", ["put_in", "cites"])
def test_a_form_is_not_proved_without_what_it_needs(gone):
    of = of_both_forms("batch-norm")
    step = of.claimed["X"][1]
    assert AlgebraJudge(of).verdict(step).word == "proved"
    facts = {**dict(step.facts), gone: dict(step.facts)[gone][1:]}
    assert AlgebraJudge(of).verdict(replace(step, facts=tuple(facts.items()))).word != "proved"
