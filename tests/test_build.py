"""Courses: what is made, what is made again, what a bad item does, and how a build may end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import derive
from derive.command import kept
from derive.command.building import build
from derive.command.cli import main
from derive.documents import files
from derive.documents.files import is_free, question_of

COURSE = Path("course.toml")
OUT = Path("output/course")
GOOD = """
title = "A course"
[options]
format = "md,tex"
[[item]]
graph = "z = x * y"
[[item]]
graph = "w = t ** 2; t = x + y"
name = "w"
values = { x = 1, y = 2 }
title = "With numbers"
[[item]]
prove = "X: (n, d); Y = 2 * X"
detail = "brief"
"""
NAMES = [
    "Y.md", "Y.tex", "index.md", "index.tex", "w-graph.md", "w-graph.svg", "w-graph.tex",
    "z-graph.md", "z-graph.svg", "z-graph.tex",
]  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(text: str) -> Path:
    COURSE.write_text(text, "utf-8")
    return COURSE


def texts() -> dict[str, str]:
    return {p.name: p.read_text("utf-8") for p in sorted(OUT.iterdir()) if p.name[0] != "."}


def states(found: derive.Build) -> list[str]:
    return [outcome.state for outcome in found.items]


def whole() -> list[str]:
    """The files that are not as somebody has written them, hidden ones too."""
    return [
        path.name for path in OUT.iterdir()
        if path.suffix != ".json" and not is_free(path, question_of(path.read_text("utf-8")))
    ]  # fmt: skip


# -- what is made ----------------------------------------------------------------------------------


def test_a_course_is_made_with_an_index(capsys):
    assert main(["build", str(written(GOOD))]) == 0
    out = capsys.readouterr().out.splitlines()
    assert sorted(texts()) == NAMES and whole() == []
    assert out[-1] == "3 items: 3 made"
    assert [line for line in out if line.startswith("wrote ")] == out[:-1]
    assert sorted(line.rpartition("/")[2] for line in out[:-1]) == NAMES
    index = texts()["index.md"]
    for line in ("# A course", "1. [z = x \\* y](z-graph.md)", "2. [With numbers](w-graph.md)"):
        assert line in index
    assert all(f"({name})" in index for name in NAMES if not name.startswith("index"))
    assert index.count("[tex](") == 3 and index.count("[svg](") == 2
    page = texts()["index.tex"]
    assert [page.count(rf"\input{{{n}.tex}}") for n in ("z-graph", "w-graph", "Y")] == [1, 1, 1]
    assert r"\documentclass" in page and r"\documentclass" not in texts()["Y.tex"]


def test_documents_are_those_of_the_commands():
    build(written(GOOD))
    for command in (
        ["graph", "w = t ** 2; t = x + y", "--values", "x=1,y=2"],
        ["prove", "X: (n, d); Y = 2 * X", "--detail", "brief"],
    ):
        assert main([*command, "-o", "alone", "-f", "md"]) == 0
    alone = {p.name: files.unsealed(p.read_text("utf-8")) for p in Path("alone").iterdir()}
    made = {name: files.unsealed(text) for name, text in texts().items()}
    assert alone["w-graph.md"] == made["w-graph.md"] and alone["w-graph.svg"] == made["w-graph.svg"]
    assert alone["Y-2x3.md"] == made["Y.md"]


def test_every_kind_and_every_way_to_say_an_option():
    written("""
[[item]]
example = "affine"
seed = 2
at = { n = 1, d = 2, m = 1 }
[[item]]
exercise = "affine"
count = 1
format = ["md"]
[[item]]
check = "A: (n, k); B: (k, m); Y = A @ B"
claim = ["dA = dY @ B.T", "dB = dY.T @ A"]
fragment = true
[[item]]
prove = "mlp"
activation = "tanh"
detail = "brief"
[[item]]
prove = "Y = A @ B"
shape = { A = ["n", "k"], B = "k,m" }
assume = { A = "positive" }
wrt = ["A"]
detail = "brief"
fragment = false
""")
    found = build(COURSE)
    assert [outcome.message for outcome in found.items] == [""] * 5
    assert [outcome.item.name for outcome in found.items] == [
        "affine-example", "affine", "Y-check", "mlp", "Y"
    ]  # fmt: skip
    assert found.items[1].files == ("affine-exercises.md", "affine-solutions.md")
    assert found.items[2].verdicts == (
        ("proved", "dA = dY @ B.T"), ("refuted", "dB = dY.T @ A"),
    )  # fmt: skip
    assert found.status == 1
    assert r"\documentclass" in texts()["Y.tex"] and "Y.tex" not in texts()["index.tex"]
    assert "tanh" in texts()["mlp.md"]
    again = build(COURSE)
    assert states(again) == ["unchanged"] * 5 and again.status == 1


def test_what_is_refuted_is_said_again(capsys):
    written('[[item]]\ncheck = "X: (n, d); Y = 2 * X"\nclaim = ["dX = 3 * dY"]\nformat = "md"')
    assert main(["build"]) == 1
    first = capsys.readouterr().out.splitlines()
    assert main(["build"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        first[-2], "1 item: 1 unchanged"
    ]  # fmt: skip
    assert first[-2] == "refuted   item 1 (check X: (n, d); Y = 2 * X): dX = 3 * dY"


def test_options_of_the_command_come_before_those_of_the_file(capsys):
    written(GOOD + 'brackets = "round"\n')
    assert main(["build", "-f", "md", "-o", "there", "--brackets", "square"]) == 0
    there = {path.name: path.read_text("utf-8") for path in Path("there").iterdir()}
    assert sorted(name for name in there if name[0] != ".") == [
        name for name in NAMES if not name.endswith("tex")
    ]
    assert "pmatrix" not in there["w-graph.md"] and "pmatrix" not in there["Y.md"]
    capsys.readouterr()
    assert main(["build", "-f", "md", "-o", "there", "--brackets", "square", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [item["state"] for item in found["items"]] == ["unchanged"] * 3
    assert (found["title"], found["index"], found["items"][1]["line"]) == (
        "A course", ["index.md"], 7,
    )  # fmt: skip


def test_paths_begin_where_the_file_stands(tmp_path):
    Path("lectures/mine/words").mkdir(parents=True)
    Path("lectures/one.txt").write_text("X: (n, d); Y = 2 * X", "utf-8")
    Path("lectures/mine/words/en.jinja").write_text(
        "<% macro theorem() %>Satz<% endmacro %>", "utf-8"
    )
    Path("lectures/course.toml").write_text(
        '[options]\ntemplates = "mine"\nformat = "md"\n[[item]]\nprove = "one.txt"\n', "utf-8"
    )
    assert build("lectures/course.toml").status == 0
    assert "**Satz" in texts()["one.md"]


def test_a_course_in_another_language(capsys):
    written(GOOD + '[[item]]\ngraph = "circuit"\n')
    assert main(["build", "--language", "ko", "-f", "md"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("항목 4개: 새로 만듦 4\n")
    assert "**정리" in texts()["Y.md"] and "계산 그래프" in texts()["index.md"]
    assert "An add gate" not in texts()["index.md"]
    assert main(["build", "--language", "ko", "-f", "md"]) == 0
    assert capsys.readouterr().out == "항목 4개: 그대로임 4\n"
    assert main(["build", "-f", "md"]) == 0
    assert "**Theorem" in texts()["Y.md"]


# -- what is made again ----------------------------------------------------------------------------

TWO = GOOD.replace('graph = "z = x * y"', 'graph = "program.txt"').replace("md,tex", "md")
CHANGES = {
    "an option": lambda: written(TWO.replace("y = 2", "y = 3")),
    "a title": lambda: written(TWO.replace("With numbers", "In numbers")),
    "a program": lambda: Path("program.txt").write_text("z = x + y", "utf-8"),
    "a file that is gone": lambda: (OUT / "program-graph.svg").unlink(),
    "an index that is gone": lambda: (OUT / "index.md").unlink(),
    "a file that was cut": lambda: (OUT / "Y.md").write_bytes((OUT / "Y.md").read_bytes()[:99]),
    "the title of all": lambda: written(TWO.replace("A course", "My course")),
    "an option of all": lambda: written(TWO.replace('"md"', '"md"\nfirst = "0"')),
    "a new item": lambda: written(TWO + '[[item]]\ngraph = "f = x / y"\n'),
    "a comment": lambda: written(TWO + "# what for\n"),
    "nothing": lambda: None,
}  # fmt: skip
AGAIN = {
    "an option": [1], "a title": [1], "a program": [0], "a file that is gone": [0],
    "an index that is gone": [], "a file that was cut": [2], "the title of all": [],
    "an option of all": [0, 1, 2], "a new item": [3], "a comment": [], "nothing": [],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_only_what_changed_is_made_again(change, capsys):
    Path("program.txt").write_text("z = x * y", "utf-8")
    written(TWO)
    assert main(["build"]) == 0
    before = {path.name: path.stat().st_mtime_ns for path in OUT.iterdir()}
    CHANGES[change]()
    known = kept.answer([])
    assert (known is not None) == (change == "nothing")
    found = build(COURSE)
    assert [k for k, state in enumerate(states(found)) if state == "made"] == AGAIN[change]
    made = {name for k in AGAIN[change] for name in found.items[k].files}
    same = {name for one in found.items if one.state == "unchanged" for name in one.files}
    assert all((OUT / name).stat().st_mtime_ns == before[name] for name in same)
    assert all((OUT / name).stat().st_mtime_ns != before.get(name) for name in made)
    capsys.readouterr()
    assert main(["build"]) == 0 and main(["build"]) == 0
    assert kept.answer([]) == ([f"{len(found.items)} items: {len(found.items)} unchanged"], 0)


@pytest.mark.parametrize("which", ["package", "surroundings"])
def test_another_version_or_another_language_makes_all_again(which, monkeypatch):
    build(written(GOOD))
    monkeypatch.setattr(kept, which, lambda *look, **more: "another")
    assert states(build(COURSE)) == ["made"] * 3


def test_a_changed_template_makes_all_again(tmp_path):
    folder = tmp_path / "mine" / "markdown"
    folder.mkdir(parents=True)
    (folder / "heading.md").write_text("# Hi\n\n", "utf-8")
    built = ["build", "--templates", "mine", "-f", "md"]
    written(GOOD)
    assert main(built) == 0
    (folder / "heading.md").write_text("# Hello\n\n", "utf-8")
    assert kept.answer(built[1:]) is None
    assert main(built) == 0
    assert texts()["Y.md"].startswith("# Hello")


def test_nothing_is_imported_where_nothing_has_changed():
    written(GOOD)
    assert main(["build"]) == 0
    look = (
        "import sys; from derive.command.cli import main; assert main(['build']) == 0; "
        "assert not {'click', 'flint', 'jinja2', 'tomllib'} & {*sys.modules}, [*sys.modules]"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "3 items: 3 unchanged\n"), done.stderr


def test_files_that_nothing_makes_any_more_go_unless_they_were_changed(capsys):
    build(written(GOOD))
    (OUT / "Y.md").write_text("my own notes", "utf-8")
    (OUT / "mine.txt").write_text("mine", "utf-8")
    written(GOOD.replace('prove = "X: (n, d); Y = 2 * X"', 'prove = "X: (n, d); H = 2 * X"'))
    assert main(["build"]) == 0
    out = capsys.readouterr().out
    assert {*texts()} == {*NAMES, "H.md", "H.tex", "mine.txt"} - {"Y.tex"}
    assert "removed output/course/Y.tex: nothing makes it any more" in out


def test_what_somebody_changed_stays_and_is_said(capsys):
    build(written(GOOD))
    path = OUT / "Y.md"
    path.write_text(path.read_text("utf-8") + "my own notes\n", "utf-8")
    mine = path.read_text("utf-8")
    assert main(["build"]) == 0
    out = capsys.readouterr().out
    assert path.read_text("utf-8") == mine
    assert "output/course/Y* is another document, or was changed: it stays" in out
    assert "(Y-2.md)" in texts()["index.md"] and "Y-2.tex" in texts()["index.tex"]
    assert kept.answer([]) is not None


def test_names_that_change_places():
    """A document may be written over by another of the same course, and by no other."""
    items = ['[[item]]\ngraph = "z = x * y"\nname = "one"\n',
             '[[item]]\ngraph = "z = x + y"\nname = "two"\n']  # fmt: skip
    build(written("".join(items)))
    first = texts()
    build(written("".join(items).replace("one", "1").replace("two", "one").replace("1", "two")))
    second = texts()
    assert {*first} == {*second}
    assert "x + y" in second["one-graph.md"] and "xy" in second["two-graph.md"]


# -- what is wrong ---------------------------------------------------------------------------------

BAD = {
    "no kind": ('[[item]]\ntitle = "x"', 8, "an item has one of prove, graph, example"),
    "two kinds": ('[[item]]\nprove = "affine"\ngraph = "affine"', 8,
                  "this has both prove and graph"),
    "an unknown name": ('[[item]]\nprove = "afine"', 8, "did you mean affine"),
    "a false program": ('[[item]]\nprove = "Y = X @"', 8, "line 1, column 8"),
    "an unknown option": ('[[item]]\nprove = "affine"\nsead = 3', 8, "--sead"),
    "a value of another kind": ('[[item]]\nprove = "affine"\nfragment = 3', 8,
                                "fragment is true or false, not 3"),
    "a choice that is not there": ('[[item]]\nprove = "affine"\nbrackets = "angle"', 8,
                                   "'angle' is not one of 'round', 'square'"),
    "an unknown format": ('[[item]]\nprove = "affine"\nformat = "docx"', 8,
                          "there is no format docx"),
    "a target that is no text": ("[[item]]\nprove = 3", 9, "prove is a text"),
    "an empty target": ('[[item]]\nprove = " "', 8, "prove is empty"),
    "standard input": ('[[item]]\nprove = "-"', 8, "standard input is no part of a course"),
    "another folder": ('[[item]]\nprove = "affine"\noutput = "x"', 8,
                       "output is no option of a single document"),
    "a name that leaves": ('[[item]]\nprove = "affine"\nname = "../x"', 8,
                           "'../x' is no name for files"),
    "a name of another": ('[[item]]\nprove = "affine"\nname = "index"', 8,
                          "its files are called index, and so are those of the index"),
    "no claim": ('[[item]]\ncheck = "affine"', 8, "there is no claim"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_item_is_said_with_its_place_and_the_others_are_made(bad, capsys):
    item, line, message = BAD[bad]
    written(f"""
title = "A course"
options = {{ format = "md" }}

[[item]]
graph = "z = x * y"

{item}
[[item]]
graph = "z = x + y"
name = "last"
""")
    assert main(["build"]) == 2
    found = capsys.readouterr()
    assert f"derive: course.toml, line {line}, item 2" in found.err and message in found.err
    assert found.out.endswith("3 items: 2 made, 1 error\n")
    made = [f"{name}-graph.{form}" for name in ("z", "last") for form in ("md", "svg")]
    assert {*texts()} == {*made, "index.md"}
    assert main(["build"]) == 2, "it is tried again, and said again"
    assert "2 unchanged, 1 error" in capsys.readouterr().out


def test_two_items_that_would_write_the_same_files(capsys):
    items = ("graph = 'z = x * y'\nname = 'one'", "prove = 'affine'\nname = 'One-graph'")
    written("".join(f"[[item]]\n{item}\nformat = 'md'\n" for item in items))
    assert main(["build"]) == 2
    err = capsys.readouterr().err
    assert "course.toml, line 5, item 2 (prove affine): its files are called One-graph, and" in err
    assert {*texts()} == {"one-graph.md", "one-graph.svg", "index.md"}


MALFORMED = {
    "no TOML": ("title = \n", "line 1, column 9: course.toml is not TOML", "key = value"),
    "an unknown key": ("titel = 'x'\n", "line 1, column 1: course.toml: a course has no key titel",
                       "did you mean title"),
    "an unknown option": ("[options]\n\nbrakets = 'x'\n[[item]]\nprove = 'affine'",
                          "line 3, column 1: course.toml: no document has an option brakets",
                          "did you mean brackets"),
    "no items": ("title = 'x'\n", "course.toml has no items", "[[item]]"),
    "items that are none": ("item = 3\n", "line 1, column 1: course.toml has no items", "[[item]]"),
    "a title that is no text": ("title = 3\n[[item]]\nprove = 'affine'",
                                "line 1, column 1: course.toml: title is a text", ""),
    "options that are no table": ("options = 3\n[[item]]\nprove = 'affine'",
                                  "line 1, column 1: course.toml: options are a table", ""),
}  # fmt: skip


@pytest.mark.parametrize("bad", MALFORMED)
def test_a_file_that_is_no_course(bad, capsys):
    text, *messages = MALFORMED[bad]
    written(text)
    assert main(["build"]) == 2
    err = capsys.readouterr().err
    assert all(message in err for message in messages), err
    assert not OUT.exists()


def test_a_file_that_is_not_there(capsys):
    assert main(["build"]) == 2
    assert "--init writes an example" in capsys.readouterr().err
    COURSE.write_bytes(b"\xff")
    assert main(["build"]) == 2
    assert "course.toml is not UTF-8 text: byte 1" in capsys.readouterr().err


def test_places_are_those_of_keys_not_of_texts():
    """What looks like a head inside a text of several lines, or in a comment, is none."""
    written('''title = """
[[item]]
prove = "x"
"""
# [[item]]
[[item]]
prove = 3
''')
    (outcome,) = build(COURSE).items
    assert outcome.item.place is not None and outcome.item.place.line == 7


def test_default_names_are_apart_and_never_those_of_the_index():
    items = ("graph = 'z = x * y'", "graph = 'z = x + y'", "prove = 'X: (n, d); index = 2 * X'")
    found = build(written("".join(f"[[item]]\n{item}\nformat = 'md'\n" for item in items)))
    assert [outcome.item.name for outcome in found.items] == ["z", "z-2", "index-2"]
    assert "x + y" in texts()["z-2-graph.md"] and "(z-2-graph.svg)" in texts()["z-2-graph.md"]
    assert found.index == ("index.md",)


def test_a_title_stays_text(require_tool):
    title = r"\input{/etc/passwd} <b> ]( *a* $x$ `c` # %"
    found = build(
        written(f"title = '''{title}'''\n[[item]]\ngraph = 'z = x'\ntitle = '''{title}'''")
    )
    assert found.status == 0
    page = texts()["index.tex"]
    assert r"\input{/etc" not in page and r"\textbackslash{}input\{/etc/passwd\} <b>" in page
    assert r"\<b\> \]( \*a\* \$x\$ \`c\` \#" in texts()["index.md"]


def test_an_item_that_takes_too_long_ends_alone():
    text = GOOD.replace('prove = "X: (n, d); Y = 2 * X"', 'prove = "lstm-cell"')
    found = build(written(text), timeout=0.2)
    assert found.items[2].state == "error" and found.status == 3
    assert "stopped after 0.2 seconds" in found.items[2].message


# -- how a build may end ---------------------------------------------------------------------------


def test_a_full_disk_leaves_what_was_there(monkeypatch, capsys):
    if threading.active_count() > 1:
        pytest.skip("workers see a full disk only where they are forks")
    build(written(GOOD))
    before = texts()
    written(GOOD.replace("y = 2", "y = 3").replace("2 * X", "3 * X"))

    def full(path, *args, **settings):
        if isinstance(path, int):
            os.close(path)
            raise OSError(28, "No space left on device")
        return open(path, *args, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(files, "open", full, raising=False)
        assert main(["build"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert texts() == before and whole() == []
    assert states(build(COURSE)) == ["unchanged", "made", "made"]


def test_an_index_that_cannot_be_written_takes_nothing_with_it(monkeypatch, capsys):
    build(written(GOOD))
    before, real = texts(), files.write_whole

    def full(contents):
        if any(path.name.startswith("index") for path in contents):
            raise derive.OutputError("the disk is full")
        real(contents)

    written(GOOD.replace("With numbers", "In numbers") + "[[item]]\nprove = 'afine'\n")
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", full)
        assert main(["build"]) == 2
    found = capsys.readouterr()
    assert "derive: the disk is full" in found.err and "item 4 (prove afine)" in found.err
    assert found.out.endswith("4 items: 1 made, 2 unchanged, 1 error\n")
    assert texts() == before
    assert build(COURSE).index == ("index.md", "index.tex") and "In numbers" in texts()["index.md"]


@pytest.mark.parametrize("folder", ["/proc/nothing/here", "course.toml", "course.toml/x"])
def test_where_nothing_can_be_written_nothing_is_worked_out(folder, capsys):
    written(GOOD)
    assert main(["build", "-o", folder]) == 2
    found = capsys.readouterr()
    assert "cannot write" in found.err and "made" not in found.out


def test_a_folder_that_may_not_be_written_to(capsys):
    written(GOOD)
    OUT.mkdir(parents=True)
    OUT.chmod(0o555)
    if os.access(OUT, os.W_OK):
        pytest.skip("this user may write everywhere")
    assert main(["build"]) == 2
    assert "it may not be written to" in capsys.readouterr().err


MANY = "title = 'Many'\noptions = { format = 'md' }\n" + "".join(
    f"[[item]]\ngraph = 'z = {k} * x'\nvalues = {{ x = 1 }}\n" for k in range(2, 18)
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_what_was_there_whole(number):
    """A build over an older one is ended in its midst: each file is the old one or the new one."""
    assert build(written(MANY.replace("x = 1", "x = 3"))).status == 0
    old = texts()
    written(MANY)
    command = [sys.executable, "-m", "derive", "build", "-j", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    stamps, start = {name: (OUT / name).stat().st_mtime_ns for name in old}, time.monotonic()
    while time.monotonic() < start + 60:
        changed = [name for name, at in stamps.items() if (OUT / name).stat().st_mtime_ns != at]
        if len(changed) > 6:
            break
        time.sleep(0.005)
    os.killpg(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert texts().keys() == old.keys()
    assert [name for name in whole() if not name.startswith(".")] == [], "none is half written"
    found = build(COURSE)
    assert (found.status, whole()) == (0, []), "what was half written is gone"
    assert "made" in states(found)
    if number == signal.SIGINT:
        assert "unchanged" in states(found), "what was made before is not made again"
    assert texts().keys() == old.keys() and texts() != old


def test_the_example_is_written_once(capsys):
    assert main(["build", "--init"]) == 0
    assert capsys.readouterr().out == "wrote course.toml\n"
    assert main(["build", "--init"]) == 2
    assert "course.toml is there already" in capsys.readouterr().err
