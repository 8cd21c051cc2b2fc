"""Inputs that nobody would write, and every command: no traceback, a status that says what it is,
counted budgets that stop it, a gigabyte at most.

Each case is a process of its own. The clock is no part of it: `--timeout` is out of reach, and what
a budget does not stop is ended by the limit of processor time that the test sets.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

PROVED, REFUTED, WRONG, UNDECIDED = 0, 1, 2, 3
#: Seconds of processor time, many times what any case takes.
MOST_TIME = 100
MOST_MEMORY = 1_300_000_000

TOWER = "y = " + "(" * 4 + "x" + " ** 1000)" * 4
EXPS = "y = exp(exp(exp(exp(exp(x)))))"
LONG = "X: (n, n); y = tr(" + " @ ".join(["X"] * 12) + ")"
INVERSES = "A: (n, n); Y = inv(inv(A) + inv(inv(A) + A))"
KRON = "A: (a, p); B: (b, q); C: (c, r); D: (e, s); Y = kron(kron(kron(A, B), C), D)"
KRONS = (
    "A: (a, p); B: (b, q); C: (c, r); D: (e, s); F: (f, t); "
    "Y = kron(kron(kron(kron(A, B), C), D), F)"
)
MASKED = "z = (2 * x * (y - 1)) / (1 + abs(y + x + log(y)))"
SQUARES = "; ".join(["a0 = x * x", *(f"a{k} = a{k - 1} * a{k - 1}" for k in range(1, 40))])
HUGE = "X: (1000000000, 3); Y = X * X"

#: What is asked, and with which statuses it may be answered.
CASES = [
    # numbers
    (["prove", "X: (n, d); Y = 10 ** 1000 * X", "-o", "-"], {PROVED}),
    (["check", "X: (n, d); Y = 10 ** 1000 * X", "--claim", "dX = dY"], {REFUTED}),
    (["check", "y = (exp(1000) - exp(1000)) * x", "--claim", "dx = 1"], {REFUTED, UNDECIDED}),
    (["graph", "y = (exp(1000) - exp(1000)) * x", "--values", "x=1", "-o", "-"], {0, WRONG}),
    (["check", TOWER, "--claim", "dx = 1"], {REFUTED}),
    (["example", TOWER, "-o", "-"], {0, WRONG}),
    (["graph", TOWER, "--values", "x=3", "-o", "-"], {0, WRONG}),
    (["check", f"{TOWER[:-1]} * 7) ** 1000", "--claim", "dx = 1"], {WRONG, REFUTED}),
    (["check", "y = (10 ** 1000 * x) ** 1000", "--claim", "dx = 1"], {REFUTED, UNDECIDED}),
    (["prove", "y = (10 ** 1000 * x) ** 1000", "-o", "-"], {PROVED, WRONG}),
    (["gradient", EXPS], {PROVED, UNDECIDED}),
    (["check", EXPS, "--claim", "dx = 1"], {REFUTED}),
    (["example", EXPS, "-o", "-"], {0, WRONG}),
    (["graph", EXPS, "--values", "x=3", "-o", "-"], {WRONG}),
    (["graph", "y = exp(x ** 1000)", "--values", "x=1e300"], {WRONG}),
    (["graph", SQUARES, "--values", "x=1/3", "-f", "svg", "-o", "-"], {0, WRONG}),
    (["check", SQUARES, "--claim", "dx = 1"], {REFUTED, UNDECIDED}),
    # forms that grow
    (["prove", "X: (n, d); Y = (sum(X) + 1) ** 200", "-o", "-"], {PROVED, UNDECIDED}),
    (["check", "X: (n, d); y = (sum(X) + sum(X**2)) ** 50", "--claim", "dX = X"], {REFUTED}),
    (["prove", "A: (n, n); Y = max(inv(A), eye(n) + A)", "-o", "-"], {PROVED, UNDECIDED}),
    (["check", "A: (n, n); Y = max(inv(A), eye(n) + A)", "--claim", "dA = dY"], {REFUTED}),
    (["prove", MASKED, "-o", "-"], {PROVED, UNDECIDED}),
    (["check", MASKED, "--claim", "dx = 1"], {REFUTED}),
    (["check", "X: (n, d); W: (d, m); Y = X @ W", "--claim", "dX = (dY @ W.T) ** 1000"], {REFUTED}),
    (["check", LONG, "--claim", "dX = 12 * X"], {REFUTED}),
    (["prove", LONG.replace("X @ X @ X @ ", "", 1), "-o", "-"], {PROVED, UNDECIDED}),
    (["check", INVERSES, "--claim", "dA = dY"], {REFUTED}),
    (["prove", INVERSES, "-o", "-"], {PROVED, UNDECIDED}),
    (["check", KRONS, "--claim", "dA = A"], {REFUTED, UNDECIDED}),
    (["prove", KRON, "-o", "-"], {PROVED, UNDECIDED, WRONG}),
    # sizes
    (["check", "X: (n, d); Y = X", "--claim", "dX = sum(ones(1000000000, 1000000000)) * dY"],
     {REFUTED, UNDECIDED}),
    (["example", "X: (n, d); Y = X", "--at", "n=1000000000"], {WRONG}),
    (["prove", "X: (n, d); Y = X", "--at", "n=1000000000"], {WRONG}),
    (["exercise", "X: (n, d); Y = X", "--at", "n=1000000000"], {WRONG}),
    (["graph", "X: (n, d); Y = X", "--at", "n=1000000000", "-o", "-"], {0}),
    (["prove", HUGE, "-o", "-"], {WRONG}),
    (["gradient", HUGE], {PROVED}),
    (["example", HUGE], {WRONG}),
    (["check", HUGE, "--claim", "dX = dY"], {REFUTED}),
    (["check", HUGE, "--claim", "dX = 2 * X * dY"], {PROVED}),
    (["check", "A: (1000000000, 1000000000); y = logdet(A)", "--claim", "dA = A"], {REFUTED}),
    # values
    (["graph", "y = x", "--values", "x=" + "[" * 2000 + "1" + "]" * 2000], {WRONG}),
    (["graph", "y = x", "--values", "x=" + "9" * 5000], {WRONG}),
    (["graph", "y = x", "--values", "x=1e999"], {WRONG}),
    (["graph", "y = x", "--values", "deep.toml"], {WRONG}),
    (["graph", "y = x", "--values", "long.toml"], {WRONG}),
    (["graph", "y = x", "--values", "date.toml"], {WRONG}),
    (["graph", "y = x", "--values", "nested.json"], {WRONG}),
    (["graph", "y = x", "--values", "pipe.json"], {WRONG}),
    (["graph", "y = x", "--values", "latin.json"], {WRONG}),
    # texts and files
    (["prove", "pipe.json"], {WRONG}),
    (["prove", "latin.txt"], {WRONG}),
    (["prove", "y = " + "(" * 2000 + "x" + ")" * 2000], {WRONG}),
    (["prove", "y = " + "+".join(["x"] * 20_000)], {WRONG}),
    (["check", "--file", "deep.toml"], {WRONG}),
    (["check", "--file", "long.toml"], {WRONG}),
    (["check", "--file", "dated.toml", "--json"], {PROVED}),
    (["check", "--file", "nested.json"], {WRONG}),
    (["check", b"y = 2 * x  # \xe9", "--claim", b"dx = 2  # \xe9", "--write"], {PROVED}),
    (["example", b"y = 2 * x  # \xe9", "-o", "-"], {0}),
    (["prove", "affine", "--templates", "broken", "-o", "-"], {WRONG}),
    (["prove", "affine", "--templates", "bytes", "-o", "-"], {WRONG}),
    (["prove", "affine", "--timeout", "0"], {WRONG}),
    (["prove", "affine", "--timeout", "nan"], {WRONG}),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with files that are not what they should be."""
    monkeypatch.chdir(tmp_path)
    Path("deep.toml").write_text("".join(f"{'a.' * 5000}b{k} = 1\n" for k in range(40)), "utf-8")
    Path("long.toml").write_text(f"x = {'9' * 5000}\n", "utf-8")
    Path("date.toml").write_text("x = 2024-01-01\n", "utf-8")
    Path("dated.toml").write_text(
        '[[identity]]\nid = 2024-01-01\nprogram = "y = 2 * x"\nclaim = "dx = 2"\n', "utf-8"
    )
    Path("nested.json").write_text("[" * 100_000, "utf-8")
    Path("latin.txt").write_bytes(b"y = 2 * x  # \xe9")
    Path("latin.json").write_bytes(b'{"x": 1, "\xe9": 2}')
    os.mkfifo("pipe.json")
    for name, text in (("broken", b"<< 1 // 0 >>"), ("bytes", b"\xff\xfe")):
        Path(name, "markdown").mkdir(parents=True)
        Path(name, "markdown", "heading.md").write_bytes(text)
    return tmp_path


def started(arguments, **options) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-m", "derive", *arguments], env=environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def _shown(case) -> str:
    return " ".join(str(word)[:40] for word in case[0][:2])


@pytest.mark.parametrize("case", CASES, ids=map(_shown, CASES))
def test_no_input_runs_away_or_falls_over(case, folder):
    arguments, statuses = case
    limited = arguments if "--timeout" in arguments else [*arguments, "--timeout", "90000"]
    process = started(
        limited, stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (MOST_TIME, MOST_TIME + 5)),
    )  # fmt: skip
    out, err = process.communicate()
    told = (out + err).decode("utf-8", "replace")
    assert process.returncode in statuses, told[-500:]
    assert "Traceback" not in told and "fault of derive" not in told and "FLINT" not in told
    if process.returncode in (WRONG, UNDECIDED) and arguments[0] != "check":
        assert err.startswith(b"derive: ") and b"wrote" not in out
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < MOST_MEMORY


# -- streams and signals ---------------------------------------------------------------------------

STREAMS = [
    ("prove affine -o - | head -1", 0),
    ("list | true", 0),
    ("check affine --claim 'dX = dY' | true", 0),
    ("list > /dev/full", WRONG),
    ("prove affine -o - > /dev/full", WRONG),
    ("check affine --claim 'dX = dY' > /dev/full", WRONG),
    ("check affine --claim 'dX = dY @ W.T' >&- 2>&-", PROVED),
    ("check affine --claim 'dX = dY' <&- >&- 2>&-", REFUTED),
    ("prove nonsense 2> /dev/full", WRONG),
    ("prove nonsense 2>&-", WRONG),
    ("prove - <&-", WRONG),
    ("check --file - <&-", WRONG),
    ("gradient - < /dev/null", WRONG),
    ("gradient - <<< 'X: (n, d); Y = X @ X.T'", PROVED),
]


@pytest.mark.parametrize("command, status", STREAMS)
def test_streams_that_close_fill_or_break(command, status, folder):
    process = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m derive {command}; exit ${{PIPESTATUS[0]}}"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}, capture_output=True,
    )  # fmt: skip
    assert (process.returncode, b"Traceback" in process.stderr) == (status, False), process.stderr


@pytest.mark.parametrize(
    "module",
    ["derive.command.cli", "derive.expressions.limits", "click", "derive.language.parse", "flint"],
)
def test_whoever_stops_it_sees_no_traceback(module, folder):
    """An interrupt arrives while the module is being imported, and again a moment later."""
    code = f"""if True:
        import os, runpy, signal, sys
        class Hook:
            def find_spec(self, name, path=None, target=None):
                if name == {module!r}:
                    os.kill(os.getpid(), signal.SIGINT)
                    os.kill(os.getpid(), signal.SIGINT)
        sys.meta_path.insert(0, Hook())
        sys.argv = ["derive", "prove", "affine"]
        runpy.run_module("derive", run_name="__main__", alter_sys=True)
    """
    process = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert process.returncode in (130, -signal.SIGINT)
    assert b"Traceback" not in process.stderr and not Path("output").exists()


def test_an_end_from_outside_ends_the_work_too(folder):
    process = started(["prove", LONG, "--timeout", "90000"])
    process.stderr.read(0)
    process.send_signal(signal.SIGTERM)
    process.communicate()  # returns when nobody holds its streams any more
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)


# -- the clock -------------------------------------------------------------------------------------

SLOW = "; ".join(["X: (n, n); H0 = tanh(X @ X)", *(
    f"H{k} = tanh(H{k - 1} @ H{k - 1} + exp(H{k - 1}))" for k in range(1, 9))])  # fmt: skip
ASKED = [
    (["prove", SLOW], UNDECIDED),
    (["gradient", SLOW], UNDECIDED),
    (["graph", "X: (n, n); Y = X @ X"], UNDECIDED),
    (["example", SLOW], UNDECIDED),
    (["exercise", SLOW], UNDECIDED),
    (["check", SLOW, "--claim", "dX = X"], UNDECIDED),
]


@pytest.mark.parametrize("arguments, status", ASKED)
def test_every_command_has_a_time_limit(arguments, status, folder):
    process = started([*arguments, "--timeout", "0.001"])
    out, err = process.communicate()
    assert process.returncode == status, err
    assert b"stopped after 0.001 seconds" in out + err
    assert not Path("output").exists()


class Weak:
    """What can be referred to weakly."""


def test_an_alarm_is_not_lost_where_weak_references_end():
    """Nothing that is raised there arrives: it rings again, and the limit holds."""
    from derive.expressions.errors import LimitError
    from derive.expressions.limits import limited

    known = weakref.WeakValueDictionary()
    for _ in range(8):
        with pytest.raises(LimitError), limited(0.01):
            while True:
                known[sum(range(30))] = Weak()  # each ends the one before it


FUNCTIONS = ["prove", "gradient", "example", "exercise"]


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_time_limit(function, thread):
    import threading

    import derive

    found = []

    def ask() -> None:
        try:
            getattr(derive, function)(SLOW, timeout=0.001)
        except derive.LimitError as error:
            found.append(str(error))

    if thread:
        worker = threading.Thread(target=ask)
        worker.start()
        worker.join()
    else:
        ask()
    assert found and found[0].startswith("stopped after 0.001 seconds")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_memory_limit_and_sets_its_host_none(function, monkeypatch):
    import derive
    from derive.expressions import limits

    before = [resource.getrlimit(kind) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS)]
    monkeypatch.setattr(limits, "MEMORY", -(1 << 24))  # beyond it from the beginning
    monkeypatch.setattr(limits, "LOOK", 0)
    keep = "; ".join(f"X{k}: (n, n); Y{k} = exp(X{k} @ X{k}) @ tanh(X{k})" for k in range(40))
    with pytest.raises(derive.LimitError, match="more memory than"):
        getattr(derive, function)(f"{keep}; L = " + " + ".join(f"sum(Y{k})" for k in range(40)))
    assert before == [resource.getrlimit(k) for k in (resource.RLIMIT_DATA, resource.RLIMIT_AS)]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say")
def test_memory_is_counted_from_where_a_limit_begins(monkeypatch):
    from derive.expressions import limits

    monkeypatch.setattr(limits, "MEMORY", 1 << 25)
    monkeypatch.setattr(limits, "LOOK", 0)
    with limits.within(60):
        limits.tick()
        kept = b"x" * (1 << 27)
        with pytest.raises(MemoryError):
            limits.tick()
    assert len(kept) == 1 << 27


# an alarm that rings while memory is collected is lost, and rings again
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_claim_that_takes_too_long_is_undecided():
    import derive

    right, wrong = derive.check(SLOW, ["dX = 2 * X", "dX = X"], timeout=0.4)
    assert right.verdict in ("undecided", "refuted") and not right and not wrong
    assert "stopped after" in right.reason or right.verdict == "refuted"


def test_limits_inside_each_other():
    from derive.expressions.limits import TimeUp, limited, tick, within

    with pytest.raises(TimeUp), within(0.001):
        while True:
            tick()
    with within(100), limited(0.001):  # the caller's limit stands for both
        for _ in range(20_000):
            tick()


# -- Python ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "..", ".hidden", "a/b", "a\nb", "x" * 500])
def test_a_document_stays_in_its_folder(name, folder):
    import derive

    with pytest.raises(derive.UnsupportedError, match="is no name for a document"):
        derive.prove("y = 2 * x", name=name)


def test_templates_may_be_named_by_a_text(folder):
    import derive

    proof = derive.prove("y = 2 * x")
    with pytest.raises(derive.OutputError, match="cannot be filled: ZeroDivisionError"):
        proof.to_markdown(templates="broken")
    with pytest.raises(derive.OutputError, match="there is no folder of templates at nowhere"):
        proof.to_markdown(templates="nowhere")


def test_an_answer_of_a_file_is_always_json(folder):
    process = started(["check", "--file", "dated.toml", "--json"])
    out, _ = process.communicate()
    assert json.loads(out)["id"] == "2024-01-01" and json.loads(out)["verdict"] == "proved"
