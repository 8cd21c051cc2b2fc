"""Every program of the catalogue is proved, and drawn."""

import json

import pytest

from derive.catalogue import load, names
from derive.command.cli import main
from derive.documents.graphs import graph
from derive.documents.pipeline import prove


@pytest.mark.parametrize("name", names())
def test_an_entry_is_proved(name):
    entry = load(name)
    assert prove(entry.program, at=entry.at, detail="brief").proved


@pytest.mark.parametrize("name", names())
def test_an_entry_has_a_graph(name):
    found = graph(load(name).program)
    assert found.nodes[-1].name == str(found.program.output)
    assert found.to_svg().startswith("<svg")


def test_the_list_names_every_entry(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == names() and len(lines) > 10
    assert main(["list", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [entry["program"] for entry in plain] == [load(name).program for name in names()]
