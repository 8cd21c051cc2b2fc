"""What comes in at the door: programs by their names, and answers as truth values."""

import pytest

import derive
from derive.catalogue import load, names
from derive.expressions.errors import UnsupportedError

#: Every public function that takes a program, and what it says of the affine layer.
FUNCTIONS = {
    "prove": (lambda program: derive.prove(program).gradients["X"], "dY @ W.T"),
    "gradient": (lambda program: derive.gradient(program)["W"], "X.T @ dY"),
    "check": (lambda program: derive.check(program, "dX = dY @ W.T")[0].verdict, "proved"),
    "graph": (lambda program: [node.name for node in derive.graph(program).nodes][:3], [*"XWB"]),
    "example": (lambda program: [*derive.example(program).forward], [*"XWBY"]),
    "exercise": (lambda program: [*derive.exercise(program).program.inputs], [*"XWB"]),
    "to_sympy": (lambda program: str(derive.to_sympy(program)), "X*W + 1*B"),
}
BARE = [
    ("afine", "did you mean affine?"),
    (" affine2 ", "did you mean affine?"),
    ("layer_norm", "did you mean layer-norm?"),
    ("layer-nrm", "did you mean layer-norm?"),
    ("x", "neither a program nor a name"),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_bare_word_is_a_name_of_the_catalogue(function):
    ask, answer = FUNCTIONS[function]
    assert ask("affine") == ask(" affine\n") == ask(load("affine").program) == answer
    for word, message in BARE:
        with pytest.raises(UnsupportedError, match=message.replace("?", r"\?")):
            ask(word)


def test_a_name_brings_its_sizes_and_assumptions():
    assert derive.prove("affine").name == "affine-2x2x3"
    assert derive.prove("affine", at={"m": 1}).name == "affine-2x2x1"
    name = next(name for name in names() if load(name).assume)
    found = derive.example(name)
    assert dict(found.sizes) == load(name).at
    assert found.seed == 1 and found.name.startswith(name)


def test_a_difference_of_scalars_is_a_program():
    assert derive.gradient("alpha-beta") == {"alpha": "1", "beta": "-1"}


VERDICTS = [
    ("dX = dY @ W.T", "proved"),
    ("dX = 2 * dY @ W.T", "refuted"),
    ("dX = dY", "refuted"),
]


@pytest.mark.parametrize("claim, verdict", VERDICTS)
def test_a_judgement_is_true_where_its_claim_is_proved(claim, verdict):
    (found,) = derive.check("affine", claim)
    assert found.verdict == verdict and bool(found) is (verdict == "proved")


def test_what_is_undecided_is_not_true():
    (found,) = derive.check("A: (n, d); B: (n, d); Y = A + B", "dA = dY * (1 - (A == B))")
    assert found.verdict == "undecided" and not found
    assert not all(derive.check("affine", ["dX = dY @ W.T", "dX = dY @ W"]))


SCALARS = "apple_price = apple * apple_num; total = apple_price * tax"
APPLES = {"apple": 100, "apple_num": 2, "tax": "1.1"}
NAMED = [
    (lambda: derive.graph(SCALARS, values=APPLES).forward["total"], 220),
    (lambda: derive.gradient("apple_price = apple * apple_num")["apple"], "apple_num"),
    (lambda: derive.gradient("weight: (n, 1); L = sum(weight) * weigth * weigth")["weight"],
     "weigth ** 2 * ones(n, 1)"),
    (lambda: derive.gradient("weight: (n, 1); L = sum(weight) * weigth", wrt=["weigth"]),
     {"weigth": "sum(weight)"}),
    (lambda: derive.example("prices: (n, 1); L = sum(prices) * price", assume={"price": "positive"})
     .sizes, {"n": 2}),
    (lambda: derive.graph("price = p; y = price * prise", values="p=2, prise=3").forward["y"], 6),
]  # fmt: skip


@pytest.mark.parametrize("ask, answer", NAMED)
def test_a_name_that_somebody_means_is_no_misspelling(ask, answer):
    assert ask() == answer


def test_a_name_that_stands_once_beside_one_like_it_is_a_misspelling():
    for text in ("weight: (n, 1); L = sum(weight) * weigth", "total = a * b; f = 2 * totl"):
        with pytest.raises(derive.ParseError, match="did you mean"):
            derive.gradient(text)
