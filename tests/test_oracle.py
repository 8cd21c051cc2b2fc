"""The judges refuse what is slightly wrong: every pullback, derivative, rewrite and step, mutated.

A mutant is legal: it has the right shape, and often the right value at some point. Each is put
where the theorem was, the whole derivation is made with it, and the judges must not prove it.
They do not know the theorem, so they cannot have been told.
"""

from dataclasses import replace
from weakref import WeakValueDictionary

import pytest

from derive.calculus.index import Scalar, add, mul, scalar
from derive.calculus.simplify import RULES, simplify
from derive.expressions.errors import ProofError, ShapeError
from derive.expressions.expr import OPS, Expr, Op, number
from derive.expressions.shape import Shape
from derive.judges.verify import SMALL_PROBES, insist, verify
from derive.language.parse import parse
from derive.ops import var
from derive.proof.derivation import Chain, Derivation, EntryOf, Explicit, Grid, Slice, Step
from derive.proof.explain import explain

# A program in which the operator's own pullback matters, in its first and in its second argument.
# Matrices are square where a transpose or an order is at stake, so that the mutant is legal.
PROGRAMS = {
    "add": "A: (n, d); B: (n, d); Y = A + B",
    "sub": "A: (n, d); B: (n, d); Y = A - B",
    "neg": "A: (n, n); Y = -A",
    "matmul": "A: (n, n); B: (n, n); Y = A @ B",
    "transpose": "A: (n, n); Y = A.T",
    "broadcast_to": "A: (1, d); B: (n, d); C: (n, 1); s: (); Y = A + B * C + s",
    "mul": "A: (n, n); B: (n, n); Y = A * B",
    "div": "A: (n, n); B: (n, n); Y = A / B",
    "pow": "A: (n, n); Y = A ** 3",
    "gt": "A: (n, d); B: (n, d); Y = A * (A > B)",
    "sum": "A: (n, n); L = sum(A * A)",
    "sum_rows": "A: (n, n); L = sum(A * A, axis=0)",
    "sum_cols": "A: (n, n); L = sum(A * A, axis=1)",
    "mean": "A: (n, n); L = mean(A * A)",
    "mean_rows": "A: (n, n); L = mean(A * A, axis=0)",
    "mean_cols": "A: (n, n); L = mean(A * A, axis=1)",
    "tr": "A: (n, n); L = tr(A @ A)",
    "where": "A: (n, n); B: (n, n); C: (n, n); Y = where(A, B, C)",
    "diag": "A: (n, 1); Y = diag(A)",
    "eq": "A: (n, n); Y = A * (A == max(A, axis=1))",
    "outer": "A: (n, 1); B: (n, 1); Y = outer(A, B)",
    **{f"a{word}": f"A: (n, n); L = {word}(A) ** 2" for word in ("max", "min")},
    "unvec": "A: (n * n, 1); Y = unvec(A, (n, n))",
    "kron_left": "A: (n * n, n * n); B: (n, n); Y = kron_left(A, B)",
    "kron_right": "A: (n * n, n * n); B: (n, n); Y = kron_right(A, B)",
}
LEAVES = {"var", "number", "dim", "ones", "zeros", "eye"}
#: Every operator that has a theorem, by its word: its name, and the axes along which it works.
WORDS = {op.word(axes): op for op in OPS.values() if op.pullbacks for axes in op.axes or (None,)}


@pytest.fixture(autouse=True)
def own_nodes(monkeypatch):
    """A node keeps the operator that it was made with: every test makes its own nodes.

    Written out they are at the smallest sizes of the judges: less is seen there, and it must do.
    """
    monkeypatch.setattr("derive.expressions.expr._NODES", WeakValueDictionary())
    monkeypatch.setattr("derive.judges.verify.PROBES", SMALL_PROBES)


def program_of(name: str) -> str:
    """A program of the operator; a function of the language needs no line in the table."""
    op, given = WORDS[name], ("A", "B", "C")[: len(WORDS[name].pullbacks)]
    axes = next(axes for axes in op.axes or (None,) if op.word(axes) == name)
    along = "".join(f", axis={axis}" for axis in op.along(axes))
    shapes = "".join(f"{arg}: (n, n); " for arg in given)
    return PROGRAMS.get(name, f"{shapes}Y = {op.called}({', '.join(given)}{along})")


def swapped(e: Expr) -> Expr:
    """The same product with its factors in the other order."""
    if e.name in ("matmul", "sub", "div"):
        return e.op(*reversed(e.args))
    if e.name == "mul" and e.args[1].name in ("div", "sub", "matmul"):
        return e.op(e.args[0], swapped(e.args[1]))
    return e


# What may be wrong with a gradient `e` of an argument `a`, given the upstream `g`.
MUTATIONS = {
    "sign": lambda e, a: -e,
    "factor": lambda e, a: 2 * e,
    "nearly": lambda e, a: number(2001) / number(2000) * e,
    "one more": lambda e, a: e + 1,
    "transposed": lambda e, a: e.T,
    "order": lambda e, a: swapped(e),
    "extra factor": lambda e, a: e * a,
    "squared": lambda e, a: e * e,
    "a row too few": lambda e, a: OPS["sum"](e, data=(0,)) + 0 * e,
    "zero": lambda e, a: 0 * e,
    "first factor transposed": lambda e, a: part_transposed(e, 0),
    "second factor transposed": lambda e, a: part_transposed(e, 1),
}


def part_transposed(e: Expr, place: int) -> Expr:
    if len(e.args) != 2 or e.op.takes_data:
        return e
    args = list(e.args)
    args[place] = args[place].T
    return e.op(*args)


def mutants() -> list[tuple[str, int, str]]:
    return [
        (name, place, kind)
        for name, op in WORDS.items()
        for place, _ in enumerate(op.pullbacks)
        for kind in MUTATIONS
    ]


def mutated(op: Op, place: int, kind: str, count: list[int]) -> Op:
    """The operator with one pullback made wrong; `count` tells how often that changed anything."""
    theorem = op.pullbacks[place]

    def rule(g, Y, *args, **data):
        right = theorem.rule(g, Y, *args, **data)
        try:
            wrong = MUTATIONS[kind](right, args[place])
        except ShapeError:
            return right
        if wrong.shape != right.shape:
            return right
        count[0] += simplify(wrong)[0] is not simplify(right)[0]
        return wrong

    pullbacks = list(op.pullbacks)
    pullbacks[place] = theorem._replace(rule=rule)
    return replace(op, pullbacks=tuple(pullbacks))


def refused(derivation: Derivation) -> bool:
    try:
        return any(not step.proved for step in verify(derivation).every_step())
    except ProofError:
        return True


def equal(name: str, kind: str) -> bool:
    """Whether a mutant is none: the identity is its own square, a diagonal matrix its own
    transpose, and multiples of the gradient of a mask or a sign are zero as it is."""
    return (name, kind) in {("tr", "squared"), ("diagonal", "transposed")} or (
        name in ("gt", "eq", "sign") and kind != "one more"
    )


@pytest.mark.parametrize("name, place, kind", [m for m in mutants() if not equal(m[0], m[2])])
def test_a_wrong_pullback_is_refused(name, place, kind, monkeypatch):
    count = [0]
    op = WORDS[name]
    monkeypatch.setitem(OPS, op.name, mutated(op, place, kind, count))
    derivation = explain(parse(program_of(name)))
    assert refused(derivation) == bool(count[0])


def test_every_operator_is_mutated():
    assert {name for name, op in OPS.items() if not op.pullbacks} == LEAVES


@pytest.mark.parametrize("name", WORDS)
def test_a_right_pullback_is_proved(name):
    insist(verify(explain(parse(program_of(name)))))


# -- every mutation changes something, for most operators ------------------------------------------


@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_mutation_is_one(kind):
    changed = set()
    for name, place, _ in (m for m in mutants() if m[2] == kind):
        with pytest.MonkeyPatch.context() as patch:
            count = [0]
            op = WORDS[name]
            patch.setitem(OPS, op.name, mutated(op, place, kind, count))
            explain(parse(program_of(name)))
            changed |= {name} if count[0] else set()
    assert len(changed) >= (1 if "transposed" in kind or kind == "order" else 20), changed


# -- derivatives of the table ----------------------------------------------------------------------

#: The condition of `where` is a mask, whose own derivative is 0.
FUNCTIONS = [
    (name, place)
    for name, op in OPS.items()
    for place, _ in enumerate(op.derivatives)
    if (name, place) != ("where", 0)
]
WRONG_DERIVATIVES = {
    "sign": lambda d: -1 * d,
    "factor": lambda d: d * 2,
    "one more": lambda d: d + 1,
    "squared": lambda d: d * d,
}


def wrong_derivatives() -> list[tuple[str, int, str]]:
    """Every derivative with what may be wrong with it. A mask is its own square, the square of a
    sign is 1 away from the kink, and what is 0 has no multiples."""
    masks = ("relu", "max", "min", "abs", "where")
    return [
        (name, place, kind)
        for name, place in FUNCTIONS
        for kind in WRONG_DERIVATIVES
        if not (kind == "squared" and name in masks)
        and (kind == "one more" or OPS[name].derivatives[place](*_probe(OPS[name])) != 0)
    ]


def _probe(op: Op) -> tuple:
    from derive.calculus.index import _Functions

    x = Scalar("entry", data=("x", "i", "j"))
    return (_Functions(), Scalar("fn", (x,), op.name), *(x for _ in op.derivatives))


@pytest.mark.parametrize("name, place, kind", wrong_derivatives())
def test_a_wrong_derivative_is_refused(name, place, kind, monkeypatch):
    """The chain of the index proof reads `derivatives`; the judges do not."""
    op = OPS[name]
    right = op.derivatives[place]
    rules = list(op.derivatives)
    rules[place] = lambda f, y, *x: WRONG_DERIVATIVES[kind](right(f, y, *x))
    monkeypatch.setitem(OPS, name, replace(op, derivatives=tuple(rules)))
    derivation = explain(parse(program_of(name)))
    assert refused(derivation)


def test_the_square_of_a_mask_is_the_mask():
    """Why two mutants above are none: shown once, so that the exception is not a hole."""
    program = "A: (n, n); Y = (A > 0) ** 2 - (A > 0) + abs(A) * (A / abs(A)) - A"
    assert not refused(explain(parse(program)))


# -- rewrites --------------------------------------------------------------------------------------

REWRITTEN = {
    "double-transpose": "A: (n, n); B: (n, n); Y = A.T @ B",
    "transposed-product": "A: (m, k); B: (n, k); Y = B @ A.T",
    "transposed-entrywise": "A: (n, d); Y = A.T * A.T",
    "transposed-sum": "A: (n, d); b: (n, 1); Y = (A.T + b.T).T",
    "identity-matrix": "A: (n, n); B: (n, n); L = tr(A @ B)",
    "squared-root": "A: (n, n); Y = 1 / sqrt(A)",
    "zero-term": "A: (n, n); Y = A * (A > 0)",
    "single-sum": "X: (n, d); B: (1, d); s: (); Y = X + (B + s)",
    "repeated-sum": "X: (n, d); B: (1, d); R: (1, d); L = sum(sum(X + B, axis=0) * R)",
    "signs": "A: (n, n); B: (n, n); Y = A * A - B * A",
    "like-terms": "A: (n, n); Y = A * A",
    "associativity": "A: (n, n); B: (n, n); C: (n, n); Y = A @ (B @ C)",
    "scalar-factors": "A: (n, n); Y = 3 * (A * 2)",
    "constant-matrix": "A: (n, n); L = sum(A)",
    "stacked-back": "A: (n, n); Y = unvec(vec(A), (n, n))",
    "transposed-kronecker": "A: (n, n); B: (n, n); C: (n * n, m); Y = kron(A, B) @ C",
    "kronecker-times-column": "A: (n, m); B: (p, q); X: (q, m); y = kron(A, B) @ vec(X)",
    "transposed-inverse": "X: (n, d); f = logdet(X.T @ X)",
    "inverse-of-kronecker": "A: (n, n); B: (m, m); f = logdet(kron(A, B))",
    "product-of-kronecker": "A: (n, n); B: (m, m); f = tr(inv(kron(A, B)))",
    "kronecker-summed": "A: (n, n); B: (m, m); f = logdet(kron(A, B))",
    "inverse-against-itself": "A: (n, n); B: (m, m); f = logdet(kron(A, B))",
}
WRONG_REWRITES = {
    "sign": lambda e: -e,
    "factor": lambda e: 2 * e,
    "one more": lambda e: e + 1,
}


def used_rules(text: str) -> set[str]:
    return {step.rule for step in explain(parse(text), detail="brief").every_step()}


@pytest.mark.parametrize("rule", REWRITTEN)
def test_a_rewrite_is_used_and_proved(rule):
    assert rule in used_rules(REWRITTEN[rule])
    insist(verify(explain(parse(REWRITTEN[rule]), detail="brief")))


def test_every_rewrite_is_in_the_table():
    # no gradient so far repeats a repetition; that rule is held against the normal form alone
    assert {*RULES, "scalar-factors", "constant-matrix"} - {"repeated-repeat"} == set(REWRITTEN)
    s, repeat = var("s", Shape(1, 1)), OPS["broadcast_to"]
    twice = repeat(repeat(s, data=Shape("n", 1)), data=Shape("n", "d"))
    assert RULES["repeated-repeat"](twice) is repeat(s, data=Shape("n", "d"))


@pytest.mark.parametrize("kind", WRONG_REWRITES)
@pytest.mark.parametrize("rule", REWRITTEN)
def test_a_wrong_rewrite_is_refused(rule, kind, monkeypatch):
    fired = []

    def wrong(right):
        def rewrite(e: Expr):
            new = right(e)
            if new is None or new is e or fired:
                return new
            fired.append(e)
            return WRONG_REWRITES[kind](new)

        return rewrite

    if rule in RULES:
        monkeypatch.setitem(RULES, rule, wrong(RULES[rule]))
    else:
        name = {"scalar-factors": "_scalar_factors", "constant-matrix": "_constant_matrix"}[rule]
        import derive.calculus.simplify as module

        monkeypatch.setattr(module, name, wrong(getattr(module, name)))
    derivation = explain(parse(REWRITTEN[rule]), detail="brief")
    assert fired and refused(derivation)


# -- the trace -------------------------------------------------------------------------------------

TRACE = (
    "X: (n, d); W: (d, m); b: (1, m); T: (n, m); Z = X @ W + b; H = sin(Z); "
    "E = H - T; L = sum(E ** 2 * H) / (2 * n)"
)


PARTS = ("forward", "theorem", "one", "entries", "assembly", "index", "operators", "totals",
         "composed", "depends", "lines")  # fmt: skip


def altered(math, how: str):
    """The same mathematics, false."""
    first = how == "entry"
    match math:
        case Expr():
            wrong = math + 1 if first else 2 * math
            return wrong
        case Scalar():
            return add(math, scalar(1)) if first else mul(2, math)
        case Grid(tree, words, leaf):
            return Grid(altered(tree, how), words, leaf)
        case Explicit(expr):
            return Explicit(altered(expr, how))
        case EntryOf(expr, place):
            return EntryOf(altered(expr, how), place)
        case Slice(of, wrt):
            return Slice(altered(of, how), wrt)
    raise AssertionError(math)


def places(derivation: Derivation) -> list[tuple[str, int]]:
    return [(step.part, k) for k, step in enumerate(derivation.every_step())]


def with_step(derivation: Derivation, place: int, make) -> Derivation:
    """The derivation with one step altered, found by its place in the document."""
    step = derivation.every_step()[place]

    def chain(steps: Chain) -> Chain:
        return tuple(make(s) if s is step else s for s in steps)

    forward = tuple(s for step in derivation.forward for s in chain((step,)))
    parts = ("claim", "slice", "one", "entries", "assembly", "index", "operators", "depends")
    locals_ = []
    for local in derivation.locals:
        made = {part: chain(getattr(local, part)) for part in parts}
        lines = local.lines and local.lines._replace(steps=chain(local.lines.steps))
        locals_.append(replace(local, **made, lines=lines))
    totals = {name: chain(steps) for name, steps in derivation.totals.items()}
    composed = {name: chain(steps) for name, steps in derivation.composed.items()}
    return replace(
        derivation, forward=forward, locals=tuple(locals_), totals=totals, composed=composed
    )


@pytest.fixture
def derivation() -> Derivation:
    return explain(parse(TRACE), at={"n": 2, "d": 2, "m": 2})


def test_the_trace_has_every_part(derivation):
    assert {part for part, _ in places(derivation)} == set(PARTS)
    insist(verify(derivation))


@pytest.mark.parametrize("how", ["entry", "factor"])
@pytest.mark.parametrize("part", PARTS)
def test_a_false_step_is_refused(part, how, derivation):
    ranks = [k for p, k in places(derivation) if p == part]
    for place in {ranks[0], ranks[len(ranks) // 2], ranks[-1]}:

        def make(step: Step) -> Step:
            return replace(step, right=altered(step.right, how))

        judged = verify(with_step(derivation, place, make))
        steps = judged.every_step()
        open_ = [step for step in steps if not step.proved]
        assert steps[place] in open_  # besides it, only what cites its equation
        assert all(step.cites for step in open_ if step != steps[place])
        with pytest.raises(ProofError, match="a step was not proved"):
            insist(judged)


def test_a_wrong_composed_gradient_is_refused(derivation):
    """The chain of steps may be right and the answer beside it wrong."""
    wrong = {name: 2 * value for name, value in derivation.gradients.items()}
    with pytest.raises(ProofError, match="the gradient with respect to X "):
        verify(replace(derivation, gradients=wrong))


def test_a_step_without_a_verdict_is_not_proved(derivation):
    with pytest.raises(ProofError, match="a step was not proved"):
        insist(derivation)


def test_the_mutants_are_distinguishable():
    A = var("A", Shape("n", "n"))
    assert swapped(A @ A.T) is A.T @ A
    assert part_transposed(A @ A.T, 0) is A.T @ A.T
