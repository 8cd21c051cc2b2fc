"""Files: every document under a name of its own, and labels that are its own, too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import derive
from derive.command.cli import main
from derive.documents.files import fingerprint, is_free, question_of, sealed, unsealed

AFFINE = ("prove", "affine", "--detail", "brief")
#: Pairs of commands whose documents had one name: the first file was lost.
PAIRS = {
    "wrt": ((*AFFINE, "--wrt", "W"), (*AFFINE, "--wrt", "X")),
    "programs": (
        ("prove", "X: (n, d); Y = 2 * X", "--detail", "brief"),
        ("prove", "A: (n, d); Y = exp(A)", "--detail", "brief"),
    ),
    "detail": (AFFINE, ("prove", "affine", "--detail", "one")),
    "style": (AFFINE, (*AFFINE, "--brackets", "square")),
    "fragment": (AFFINE, (*AFFINE, "--fragment")),
    "example": (("example", "z = x * y", "--values", "x=1,y=2"), ("example", "z = x * y",
                "--values", "x=3,y=4")),
    "programs of examples": (("example", "z = x * y"), ("example", "z = x + y")),
    "graph": (("graph", "z = x * y", "--values", "x=1,y=2"), ("graph", "z = x * y")),
    "programs of graphs": (("graph", "z = x * y"), ("graph", "z = x + y")),
    "exercise": (("exercise", "affine", "--count", "1"), ("exercise", "affine", "--count", "2")),
    "check": (
        ("check", "X: (n, d); Y = 2 * X", "--claim", "dX = 2 * dY", "--write"),
        ("check", "X: (n, d); Y = 3 * X", "--claim", "dX = 3 * dY", "--write"),
    ),
    "assumptions": (
        ("check", "A: (n, n); f = tr(A @ A)", "--claim", "dA = 2 * A.T", "--write"),
        ("check", "A: (n, n); f = tr(A @ A)", "--claim", "dA = 2 * A.T", "--write",
         "--assume", "A=symmetric"),
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def texts() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in Path("output").iterdir()}


@pytest.mark.parametrize("pair", PAIRS)
def test_another_document_is_not_written_over(pair, capsys):
    one, two = PAIRS[pair]
    main([*one])
    first = texts()
    capsys.readouterr()
    main([*two])
    out = capsys.readouterr().out
    both = texts()
    assert {name: both[name] for name in first} == first
    new = sorted(both.keys() - first.keys())
    assert new and all(re.search(r"-2[-.]", name) for name in new), new
    assert all(f"wrote output/{name}\n" in out for name in new)
    assert "is another document, or was changed: it stays, and this one ends in -2" in out
    main([*one])
    main([*two])
    assert texts() == both, "the same commands write the same files"


@pytest.mark.parametrize("pair", ["programs of graphs", "graph"])
def test_a_document_shows_its_own_picture(pair):
    for command in PAIRS[pair]:
        main([*command])
    assert "(z-graph.svg)" in Path("output/z-graph.md").read_text("utf-8")
    assert "(z-2-graph.svg)" in Path("output/z-2-graph.md").read_text("utf-8")


def test_what_somebody_wrote_stays(capsys):
    proof = derive.prove("X: (n, d); Y = 2 * X", detail="brief")
    (path,) = proof.save(formats=["md"])
    path.write_text(path.read_text("utf-8").replace("Theorem", "My theorem"), "utf-8")
    Path("output/Y-2x3-2.md").write_text("my notes\n", "utf-8")
    Path("output/Y-2x3-3.md").write_bytes(b"\xff\xfe")
    Path("output/Y-2x3-4.md").symlink_to("nowhere")
    Path("output/Y-2x3-5.md").mkdir()
    assert proof.save(formats=["md"]) == [Path("output/Y-2x3-6.md")]
    assert "My theorem" in path.read_text("utf-8")
    assert proof.save(formats=["md"]) == [Path("output/Y-2x3-6.md")]


def test_a_later_version_writes_over_its_own_answer(monkeypatch):
    """The question decides, not the text: other words do not make another file."""
    from derive.documents import page

    proof = derive.prove("X: (n, d); Y = 2 * X", detail="brief")
    (path,) = proof.save(formats=["md"])
    real = page.render
    monkeypatch.setattr(page, "render", lambda *a, **k: real(*a, **k).replace("Theorem", "Satz"))
    assert proof.save(formats=["md"]) == [path]
    assert "Satz" in path.read_text("utf-8") and [*Path("output").iterdir()] == [path]


def test_both_formats_have_one_name():
    proof = derive.prove("X: (n, d); Y = 2 * X", detail="brief")
    Path("output").mkdir()
    Path("output/Y-2x3.tex").write_text("mine", "utf-8")
    assert [path.name for path in proof.save()] == ["Y-2x3-2.md", "Y-2x3-2.tex"]


@pytest.mark.parametrize("form", ["md", "svg", "tex", "mmd", "typ"])
def test_the_last_line(form, tmp_path):
    text, question = "one\ntwo % <!-- %% \n", fingerprint("one", 2)
    path = tmp_path / "file"
    path.write_text(sealed(text, form, question), "utf-8")
    kept = path.read_text("utf-8")
    assert (unsealed(kept), question_of(kept)) == (text, question)
    assert is_free(path, question) and not is_free(path, fingerprint("one", 3))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # as some checkouts do
    assert is_free(path, question)
    path.write_text(kept.replace("two", "three"), "utf-8")
    assert not is_free(path, question)
    assert question_of(text) == "" and unsealed(text) == text


def test_the_last_line_of_what_is_no_text(tmp_path):
    content, question = b"%PDF-1.7\r\n\xff\x00 // %%EOF", fingerprint("one", 2)
    path = tmp_path / "file.pdf"
    path.write_bytes(sealed(content, "pdf", question))
    kept = path.read_bytes()
    assert kept.startswith(content) and question_of(kept) == question
    assert (unsealed(kept), is_free(path, question)) == (content + b"\n", True)
    path.write_bytes(kept.replace(b"\xff", b"\xfe"))
    assert not is_free(path, question)


# -- labels ----------------------------------------------------------------------------------------

ONE = "X: (n, d); W: (d, m); Y = X @ W"
TWO = "A: (n, d); C: (d, m); Y = exp(A) @ C"


def labels(text: str) -> list[str]:
    return re.findall(r"\\label\{([^}]*)\}", text)


def test_two_fragments_share_no_label(tmp_path, require_tool):
    """Both end in Y and have the same sizes; both stand in somebody's notes."""
    from test_latex import flaws

    for program in (ONE, TWO):
        assert main(["prove", program, "--fragment", "-f", "tex", "-o", "notes"]) == 0
    one, two = (Path(f"notes/Y-2x3x4{end}.tex").read_text("utf-8") for end in ("", "-2"))
    assert labels(one)[:2] == ["Y-2x3x4:1", "Y-2x3x4:2"] and labels(two)[0] == "Y-2x3x4-2:1"
    assert not set(labels(one)) & set(labels(two))
    for text in (one, two):
        assert set(re.findall(r"\\eqref\{([^}]*)\}", text)) <= set(labels(text))
    assert flaws(f"{one}\n\\newpage\n{two}", tmp_path, require_tool("pdflatex")) == []


@pytest.mark.parametrize(("name", "label"), [("my_net", "my-net-2x3:1"), ("", "Y-2x3:1")])
def test_labels_carry_the_name(name, label):
    proof = derive.prove("X: (n, d); Y = 2 * X", detail="brief", name=name)
    assert labels(proof.to_latex())[0] == label
    assert labels(proof.to_latex(prefix="mine."))[0] == "mine.1"


# -- whole or not at all ---------------------------------------------------------------------------


def test_a_full_disk_leaves_all_files_of_a_document_as_they_were(monkeypatch):
    proof = derive.prove("X: (n, d); Y = 2 * X", detail="brief")
    proof.save()
    before = texts()
    real, made = open, []

    def full(path, *args, **settings):
        file = real(path, *args, **settings)
        if isinstance(path, int):  # the second file that is made
            made.append(path)
            if len(made) == 2:
                file.close()
                raise OSError(28, "No space left on device")
        return file

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", full)
        with pytest.raises(derive.OutputError, match=r"cannot write .*Y-2x3.tex: No space left"):
            proof.save()
    assert texts() == before and len(made) == 2


def test_a_replaced_document_is_written_over_and_a_taken_name_is_not():
    one, two = (derive.prove(f"X: (n, d); Y = {k} * X", detail="brief") for k in (2, 3))
    (path,) = one.save(formats=["md"], called="lecture")
    question = question_of(path.read_text("utf-8"))
    assert two.save(formats=["md"], called="lecture", replaced=[question]) == [path]
    assert one.save(formats=["md"], called="new", taken=["new"]) == [Path("output/new-2.md")]
    assert two.save(formats=["tex"], called="f", each={"tex": {"fragment": True}}) != []
    assert r"\documentclass" not in Path("output/f.tex").read_text("utf-8")
