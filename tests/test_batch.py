"""Files of identities: what is read, what a bad line does, order, memory, workers, time."""

import gc
import json
import os
import threading
import time
import tracemalloc
from contextlib import nullcontext
from multiprocessing import active_children
from pathlib import Path

import pytest

import derive
from derive.documents.check import check_file
from derive.expressions import crew
from derive.expressions.errors import DeriveError, OutputError, ParseError
from derive.expressions.limits import during, tick, within
from derive.judges import batch, claim as claim_room, hearing
from derive.judges.batch import Identity, answers, identities, judged
from derive.judges.refutation import Points

SHAPES = {"A": ["n", "k"], "B": ["k", "m"]}
LEFT = {"id": "left", "program": "Y = A @ B", "shapes": SHAPES, "wrt": "A", "claim": "dY @ B.T"}


def write(lines, path="file.jsonl") -> Path:
    """A file of JSON Lines; a text stays as it is."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    Path(path).write_text("\n".join(texts) + "\n", "utf-8")
    return Path(path)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def one(record, **options):
    """The answer to one identity."""
    (answer,) = check_file(write([record]), **options)
    return answer


# -- verdicts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "proved"),
        ({"claim": "dA = dY @ B.T"}, "proved"),
        ({"claim": "dA=dY @ B.T # as in the lecture"}, "proved"),
        ({"claim": "dA = dY @ B.T", "wrt": None}, "proved"),
        ({"claim": "G = B.T; dY @ G"}, "proved"),
        ({"claim": "G = B.T\ndY @ G;"}, "proved"),
        ({"claim": "(dY\n@ B.T)"}, "proved"),
        ({"claim": "G = B.T\ndA = dY @ G\n"}, "proved"),
        ({"assume": {}, "source": "a book", "page": 12}, "proved"),
        ({"assume": None}, "proved"),
        ({"claim": "2 * dY @ B.T"}, "refuted"),
        ({"claim": "B.T @ dY"}, "refuted"),
        ({"shapes": {"A": [2, 3], "B": [3, 4]}}, "proved"),
        ({"program": "A: (n, k); B: (k, m); Y = A @ B", "shapes": {}}, "proved"),
        ({"program": "L = sum(A * A)", "shapes": {"A": ["n", "k"]}, "claim": "2 * A"}, "proved"),
        ({"program": "L = c * sum(A)", "shapes": {"A": ["n", "k"], "c": []}, "claim": "sum(A)",
          "wrt": "c"}, "proved"),
        ({"program": "L = x.T @ A @ x", "shapes": {"A": ["n", "n"], "x": ["n", 1]}, "wrt": "x",
          "claim": "2 * A @ x", "assume": {"A": "symmetric"}}, "proved"),
        ({"program": "L = x.T @ A @ x", "shapes": {"A": ["n", "n"], "x": ["n", 1]}, "wrt": "x",
          "claim": "2 * A @ x", "assume": {"A": ["symmetric", "invertible"]}}, "proved"),
        ({"program": "L = x.T @ A @ x", "shapes": {"A": ["n", "n"], "x": ["n", 1]}, "wrt": "x",
          "claim": "2 * A @ x"}, "refuted"),
    ],
)  # fmt: skip
def test_verdicts(change, verdict):
    answer = one({**LEFT, **change})
    assert (answer.id, answer.verdict, answer.line) == ("left", verdict, 1), answer.message


def test_the_fields_of_an_answer():
    plain = one(LEFT).plain()
    seconds = plain.pop("seconds")
    assert 0 < seconds < 10
    assert plain == {
        "id": "left", "verdict": "proved", "claim": "dA = dY @ B.T", "scope": "every shape",
        "method": "index normal form", "truth": "dA = dY @ B.T",
    }  # fmt: skip
    plain = one({**LEFT, "id": [1, None], "claim": "2 * dY @ B.T"}).plain()
    assert plain["id"] == [1, None] and plain["verdict"] == "refuted"
    assert set(plain["counterexample"]) == {"sizes", "values", "entry", "expected", "claimed"}
    assert plain["diagnosis"].startswith("true is dA = dY @ B.T; yours ")
    json.dumps(plain)


# -- bad lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '{"id": 3, "program": "Y" "claim": "x"}',
            "line 2, column 26: this is not JSON: '\"' was not expected here\n"
            '  {"id": 3, "program": "Y" "claim": "x"}\n'
            "                           ^",
        ),
        (
            '{"id": 3,',
            "line 2, column 10: this is not JSON: the line ends too early\n"
            '  {"id": 3,\n           ^',
        ),
        (
            "[1, 2",
            "line 2, column 6: this is not JSON: the line ends too early\n  [1, 2\n       ^\n"
            "  hint: a line is one object",
        ),
        ("[" * 100_000, "line 2: this is not JSON that can be read"),
        ("1" * 5000, "line 2: this is not JSON that can be read"),
        ("7", 'an identity is an object {"program": ...}, not a number'),
        ("[]", 'an identity is an object {"program": ...}, not a list'),
        ({"claim": "dA = A"}, 'the identity has no "program"'),
        ({"programm": "Y = A", "claim": "x"},
         'the identity has no "program": did you mean programm?'),
        ({"program": "Y = A"}, 'the identity has no "claim"'),
        ({**LEFT, "program": 3}, '"program" is a text, this is a number'),
        ({**LEFT, "claim": ["dA"]}, '"claim" is a text, this is a list'),
        ({**LEFT, "shapes": [["n", "k"]]}, '"shapes" is an object, this is a list'),
        ({**LEFT, "wrt": ["A"]}, '"wrt" is a text, this is a list'),
        ({**LEFT, "wrt": "A; B"}, "\"wrt\" is the name of a variable, not 'A; B'"),
        ({**LEFT, "wrt": None},
         'the identity has no "wrt", and its claim does not begin with dX = ...'),
        ({**LEFT, "claim": "dB = A.T @ dY"}, 'the claim gives dB, and "wrt" is A'),
        ({**LEFT, "claim": " # nothing"},
         "the claim is empty\n  hint: write something such as dY @ B.T"),
        ({**LEFT, "assume": {"A": 3}}, "what is assumed of A is a word or a list of words"),
        ({**LEFT, "assume": {"A": "symetric"}},
         "program: there is no assumption symetric: did you mean symmetric?\n  hint: there are "
         "symmetric, spd, invertible, positive, unit-interval, row-stochastic, one-hot-rows, "
         "binary, sign"),
        ({**LEFT, "shapes": {"A": ["n", "k"], "B": "k, m"}},
         "program: the shape of B is 'k, m', a pair such as (2, 'd') is expected"),
        ({**LEFT, "shapes": {"A": ["n", "k"], "B": ["k", 0]}},
         "program: B: a dimension must be at least 1, this one is 0"),
        ({**LEFT, "shapes": {"A": ["n", "k"], "B": ["k", ["m"]]}},
         "program: B: ['m'] is neither a name nor a whole number"),
        ({**LEFT, "program": "Y = A @"},
         "program: line 1, column 8: the text ends too early\n  Y = A @\n         ^"),
        ({**LEFT, "program": "Y = A @ A"}, "program: line 1, column 5: A @ A: A has k columns, "),
        ({**LEFT, "claim": "dY @ C.T"},
         "claim: line 1, column 11: unknown name C\n  dA = dY @ C.T\n            ^\n"),
        ({**LEFT, "claim": "1/0"}, "claim: line 1, column 6: division by zero\n"),
        ({**LEFT, "wrt": "Q"}, "claim: dQ is not the gradient of a variable"),
        ({**LEFT, "wrt": "Y"}, "claim: dY is where the gradients start from; it is given"),
    ],
)  # fmt: skip
def test_a_bad_line_is_an_answer_and_the_run_goes_on(line, message):
    before, answer, after = check_file(write([LEFT, line, LEFT]))
    assert (before.verdict, answer.verdict, after.verdict) == ("proved", "error", "proved")
    assert answer.message.startswith(message)
    assert answer.plain()["line"] == answer.line == 2
    assert "counterexample" not in answer.plain()


def test_bytes_that_are_no_text_are_errors_of_their_lines():
    good = json.dumps(LEFT).encode()
    Path("mixed.jsonl").write_bytes(b'"caf\xe9"\n' + good + b"\n\0\n" + good + b"\n\xff\xfe\n")
    found = list(check_file("mixed.jsonl"))
    assert [a.verdict for a in found] == ["error", "proved", "error", "proved", "error"]
    assert [a.message for a in found if a.message] == [
        "line 1, byte 5 cannot be read",
        "line 3, byte 1 cannot be read",
        "line 5, byte 1 cannot be read",
    ]


def test_blank_lines_byte_order_marks_and_windows_line_ends():
    text = json.dumps(LEFT)
    Path("f.jsonl").write_bytes(f"\ufeff{text}\r\n\r\n   \n{text}".encode())
    assert [(a.line, a.verdict) for a in check_file("f.jsonl")] == [(1, "proved"), (4, "proved")]


def test_a_line_that_is_too_long_is_refused_unread():
    text = json.dumps({**LEFT, "note": "x" * 3_000_000})
    first, second = check_file(write([text, LEFT]))
    assert first.message == "line 1 has more than the 1,000,000 bytes that are read"
    assert (second.verdict, second.line) == ("proved", 2)


@pytest.mark.parametrize(
    ("path", "data", "message"),
    [
        ("no.jsonl", None, "there is no file no.jsonl"),
        ("empty.jsonl", b"", "empty.jsonl is empty: it holds no identity"),
        ("blank.jsonl", b"\n \n\r\n", "blank.jsonl is empty: it holds no identity"),
        ("a.jsonl", b"caf\xe9\n", "a.jsonl is not UTF-8 text: line 1, byte 4 cannot be read"),
        ("b.jsonl", "{}\n{}\n".encode("utf-16"), "b.jsonl is not UTF-8 text: line 1, byte 1 "),
        ("c.jsonl", b"\xff\n" * 500, "c.jsonl is not UTF-8 text: line 1, byte 1 cannot be read"),
        ("a.toml", b"x = \xff", "a.toml is not UTF-8 text: byte 5 cannot be read"),
        ("b.toml", b"x = 3\n", "b.toml is empty: it holds no identity"),
        ("c.toml", b"identity = 3\n", "c.toml has no list of identities"),
        ("d.toml", b"x = 3\ny = = 4\n", "d.toml is not TOML that can be read"),
        (".", None, "cannot read .: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(path, data, message):
    if data is not None:
        Path(path).write_bytes(data)
    with pytest.raises((OutputError, ParseError)) as caught:
        list(check_file(path))
    assert caught.value.message.startswith(message)


def test_toml_says_the_same():
    Path("f.toml").write_text(
        '[[identity]]\nid = "left"\nprogram = "Y = A @ B"\nwrt = "A"\nclaim = "dY @ B.T"\n'
        'shapes = { A = ["n", "k"], B = ["k", "m"] }\n'
        '[[identity]]\nprogram = "Y = A"\n'
        '[[identity]]\nprogram = "L = sum(A * A)"\nshapes.A = [2, 3]\nclaim = "dA = A"\n',
        "utf-8",
    )
    found = list(check_file("f.toml"))
    assert [a.verdict for a in found] == ["proved", "error", "refuted"]
    assert found[1].message == 'identity 2: the identity has no "claim"'
    assert "line" not in found[1].plain()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "the number of workers must be at least 1, 0 is not"),
        ({"timeout": 0}, "a time limit is a positive number of seconds, 0 is not"),
        ({"timeout": float("nan")}, "a time limit is a positive number of seconds, nan is not"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(DeriveError) as caught:
        check_file(write([LEFT]), **options)
    assert caught.value.message == message


# -- streams ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_come_in_the_order_of_the_file(jobs):
    slow = "X: (n, d); W: (d, m); Z = X @ W; H = sigmoid(Z); L = sum((softmax(H) - Z) ** 2)"
    records = [
        {"id": k, "program": slow, "wrt": "X", "claim": "dZ @ W.T"} if k % 7 == 0 else
        {**LEFT, "id": k} if k % 3 else "not JSON"
        for k in range(60)
    ]  # fmt: skip
    found = list(check_file(write(records), jobs=jobs))
    assert [a.line for a in found] == list(range(1, 61))
    assert [a.id for a in found if a.verdict != "error"] == [
        k for k in range(60) if k % 7 == 0 or k % 3
    ]
    assert {a.verdict for a in found} == {"proved", "error"}


def test_an_answer_comes_before_the_next_line_is_there():
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no pipes with names here")
    os.mkfifo("pipe")
    answered = threading.Event()

    def writer():
        with open("pipe", "w", encoding="utf-8") as pipe:
            for _ in range(3):
                pipe.write(json.dumps(LEFT) + "\n")
                pipe.flush()
                assert answered.wait(30)
                answered.clear()

    thread = threading.Thread(target=writer, daemon=True)
    thread.start()
    for answer in check_file("pipe"):
        assert answer.verdict == "proved"
        answered.set()
    thread.join(30)


def test_memory_does_not_grow_with_the_file():
    def peak(count: int) -> int:
        with open("long.jsonl", "w", encoding="utf-8") as file:
            for k in range(count):
                file.write(f'{{"id": {k}, "program": "L = x{k} ** 2", "claim": 3}}\n')
        tracemalloc.start()
        try:
            assert sum(1 for _ in check_file("long.jsonl")) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(20_000) < peak(1_000) + 100_000


def test_memory_does_not_grow_with_what_is_judged():
    def work(count: int) -> int:
        write([{"program": f"L = sum(x{k} ** 2)", "shapes": {f"x{k}": ["n", 1]}, "wrt": f"x{k}",
                "claim": f"2 * x{k}"} for k in range(count)])  # fmt: skip
        tracemalloc.start()
        try:
            assert {a.verdict for a in check_file("file.jsonl")} == {"proved"}
            gc.collect()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    work(5)
    assert work(150) < work(50) + 200_000


def test_progress_is_the_part_that_has_been_read():
    seen: list[float] = []
    list(check_file(write([LEFT] * 4), progress=seen.append))
    assert seen == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=0.01)


def test_leaving_early_ends_the_workers():
    found = answers(identities(write([LEFT] * 50)), jobs=2)
    next(found)
    processes = active_children()
    found.close()
    assert len(processes) == 2 and not any(p.is_alive() for p in processes)


# -- time ------------------------------------------------------------------------------------------


def stuck(self, text):
    """A judge that does not come back."""
    return self.case.points.refute(None, None)


@during("refuting")
def refute(self, name, expr):
    """A search that does not end."""
    while True:
        time.sleep(0.01)


@pytest.fixture
def slow_judge(monkeypatch):
    from derive.judges.claim import Court

    if threading.active_count() > 1:
        pytest.skip("workers see a changed judge only where they are forks")
    real = Court.judge
    monkeypatch.setattr(Points, "refute", refute)
    monkeypatch.setattr(Court, "judge", lambda self, text: (
        stuck(self, text) if "7 *" in text else real(self, text)))  # fmt: skip


def test_a_time_limit_interrupts_and_says_what_was_tried(slow_judge):
    lines = [LEFT, {**LEFT, "claim": "7 * dY @ B.T"}, LEFT]
    first, second, third = check_file(write(lines), timeout=0.3)
    assert (first.verdict, second.verdict, third.verdict) == ("proved", "undecided", "proved")
    assert second.message == (
        "stopped after 0.3 seconds, while the smallest counterexample was sought; "
        "it had not been proved"
    )
    assert 0.3 <= second.seconds < 2


@pytest.mark.parametrize(
    ("part", "claim", "words"),
    [
        ("meant", "2 * dY @ B.T", "the nearest true variant was sought"),
        ("true_where", "2 * dY @ B.T", "the sizes where it holds were sought"),
        ("meant", "B @ dY.T", "the nearest true variant was sought"),
    ],
)
def test_a_refutation_stands_without_its_reasons(part, claim, words, monkeypatch):

    if threading.active_count() > 1:
        pytest.skip("workers see a changed judge only where they are forks")

    @during("guessing")
    def meant(case, claim):
        refute(case, *claim[:2])

    @during("restricting")
    def true_where(case, claim, found):
        refute(case, *claim[:2])

    monkeypatch.setattr(hearing, part, {"meant": meant, "true_where": true_where}[part])
    found, after = check_file(write([{**LEFT, "claim": claim}, LEFT]), timeout=0.5)
    assert (found.verdict, after.verdict) == ("refuted", "proved")
    assert found.message == f"stopped after 0.5 seconds, while {words}"
    assert found.judgement is not None and not found.judgement.diagnosis
    assert found.judgement.counterexample is not None or found.judgement.method == "shapes"


def test_a_worker_that_does_not_hear_the_alarm_is_ended(slow_judge, monkeypatch):
    for room in (batch, claim_room):
        monkeypatch.setattr(room, "within", lambda limit: nullcontext())
    monkeypatch.setattr(crew, "GRACE", 0.1)
    lines = [{**LEFT, "claim": "7 * dY @ B.T"}, LEFT, LEFT]
    found = list(check_file(write(lines), timeout=0.2))
    assert [a.verdict for a in found] == ["undecided", "proved", "proved"]
    assert found[0].message == "stopped after 0.2 seconds from outside"


def test_a_worker_that_ends_loses_one_answer_alone(monkeypatch):
    from derive.judges.claim import Court

    if threading.active_count() > 1:
        pytest.skip("workers see a changed judge only where they are forks")
    real = Court.judge
    monkeypatch.setattr(Court, "judge", lambda self, text: (
        os._exit(9) if "7 *" in text else real(self, text)))  # fmt: skip
    lines = [LEFT, {**LEFT, "claim": "7 * dY @ B.T"}, LEFT, LEFT]
    found = list(check_file(write(lines), jobs=2))
    assert [a.verdict for a in found] == ["proved", "undecided", "proved", "proved"]
    assert found[1].message == "the worker process ended, perhaps for want of memory"


def test_the_limit_is_raised_where_the_work_is_and_then_gone():
    with pytest.raises(batch.TimeUp), within(0.05):
        refute(None, None, None)
    time.sleep(0.1)
    with within(5), within(None), within(3):
        tick()


@pytest.mark.parametrize(
    ("error", "verdict", "message"),
    [
        (RecursionError(), "undecided", "the formulas are nested too deeply for the judges"),
        (MemoryError(), "undecided", "the judges ran out of memory"),
        (derive.UnsupportedError("no such thing"), "undecided", "no such thing"),
        (KeyError("k"), "error", "a fault of derive: KeyError: 'k'"),
    ],
)
def test_nothing_is_refuted_because_the_tool_failed(error, verdict, message, monkeypatch):
    from derive.judges.claim import Court

    def fails(self, text):
        raise error

    monkeypatch.setattr(Court, "judge", fails)
    answer = one(LEFT)
    assert (answer.verdict, answer.message) == (verdict, message)


def test_one_identity_as_a_value():
    answer = judged(Identity("a", 0, "L = x ** 2", "dx = 2 * x", {}, {}))
    assert answer.verdict == "proved" and answer.judgement.scope == "every shape"
