"""The catalogue: every entry is proved and drawn, and what is no entry is refused."""

import json

import pytest

import derive
from derive.catalogue import load, names
from derive.command.cli import main
from derive.documents.graphs import graph
from derive.documents.pipeline import prove
from derive.expressions.errors import DeriveError


@pytest.mark.parametrize("name", names())
def test_an_entry_is_proved(name):
    entry = load(name)
    assert prove(entry.program, at=entry.at, detail="brief").proved


@pytest.mark.parametrize("name", names())
def test_an_entry_has_a_graph(name):
    found = graph(load(name).program)
    assert found.nodes[-1].name == str(found.program.output)
    assert found.to_svg().startswith("<svg")


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

    monkeypatch.setattr("derive.judges.entries.Court", judging)
    assert derive.entry("affine") == load("affine")
    with pytest.raises(AssertionError, match="a court was opened"):
        derive.entry(str(mine()))
