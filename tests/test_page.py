"""The page without a server: what it asks is answered, and a real browser works it on loopback."""

import functools
import http.server
import io
import json
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from xml.etree import ElementTree

import pytest
from test_browser import BROWSERS, FLAGS
from test_html import Strict

from derive.command.answer import TASKS, answer
from derive.command.cli import main
from derive.command.page import archive, refuse, site
from derive.expressions.errors import OutputError

LAYER = "X: (n, d); W: (d, m); Y = X @ W"
HOSTILE = "<img src=x onerror=hacked=1><script>hacked=1</script>"


def asked(task: str, program: str = LAYER, claim: str = "", **more: str) -> dict:
    request = {"task": task, "program": program, "claim": claim, **more}
    return json.loads(answer(json.dumps(request)))


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "claim", "verdict"), [
    ("gradients", "", "proved"),
    ("proof", "", "proved"),
    ("check", "dX = dY @ W.T", "proved"),
    ("check", "dX = dY @ W", "refuted"),
    ("graph", "", ""),
    ("example", "", ""),
    ("exercise", "", ""),
])  # fmt: skip
def test_what_is_asked_is_answered(task, claim, verdict):
    found = asked(task, claim=claim)
    assert found["verdict"] == verdict
    ElementTree.fromstring(f"<div>{found['html']}</div>")
    assert found["html"].count("<math") > 3


@pytest.mark.parametrize(("task", "program", "claim", "error"), [
    ("proof", "Y = X @@ W", "", "    ^"),
    ("proof", "afine", "", "did you mean affine?"),
    ("check", LAYER, "dX = dY @", "^"),
    ("check", LAYER, " ", "there is no claim"),
    ("proof", f"Y = {HOSTILE}", "", HOSTILE),
    ("dance", LAYER, "", "there is no task dance"),
    ("proof", "y = " + "(" * 4000 + "x" + ")" * 4000, "", "deep"),
])  # fmt: skip
def test_what_cannot_be_answered_says_why(task, program, claim, error):
    found = asked(task, program, claim)
    assert list(found) == ["error"] and error in found["error"]


@pytest.mark.parametrize(("copy", "begin"), [
    ("tex", "%|\\\\ifcsname|\\\\providecommand"), ("md", "# Gradients"), ("numpy", "import numpy"),
])  # fmt: skip
def test_an_answer_is_copied(copy, begin):
    assert re.match(begin, asked("gradients", copy=copy)["text"])


# -- files -----------------------------------------------------------------------------------------


def test_the_page_is_well_formed_and_fetches_from_itself():
    found = dict(site(offline=True))
    index = found["index.html"]
    tags = Strict(index).found
    assert Strict(index).faults == []
    assert not re.search(r"https?://", re.sub(r"<script type.*?</script>", "", index, flags=re.S))
    labels = {own["for"] for tag, own in tags if tag == "label"}
    assert labels == {"choice", "program", "claim"}
    (policy,) = (own["content"] for _, own in tags if own.get("http-equiv"))
    assert "script-src 'self';" in policy and "unsafe-inline" not in policy.split("style-src")[0]
    online = dict(site())["index.html"]
    assert "https://cdn.jsdelivr.net" in online and "https://files.pythonhosted.org" in online


def test_every_word_of_the_page_is_a_message():
    found = dict(site())
    index = found["index.html"]
    told = json.loads(re.search(r'id="data">(.*?)</script>', index, re.S)[1])
    script = found["page.js"]
    used = set(re.findall(r"words\.(\w+)", script)) | {f"load-{stage}" for stage in re.findall(
        r'stage: "(\w+)"', found["worker.js"])} | {*TASKS}  # fmt: skip
    assert used <= told["words"].keys()
    shown = re.sub(r"<(script|option|textarea|title)\b.*?</\1>|<[^>]*>", " ", index, flags=re.S)
    shown = re.sub(r"derive [\d.]+", " ", shown)
    for text in sorted(told["words"].values(), key=len, reverse=True):
        shown = shown.replace(text, " ")
    assert re.findall(r"[A-Za-z]{2,}", shown) == []


def test_the_archive_answers_by_itself(tmp_path):
    with zipfile.ZipFile(io.BytesIO(archive())) as held:
        held.extractall(tmp_path / "all")
    assert archive() == archive()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from derive.command.answer import answer; "
        "print(answer(sys.argv[2])); import jinja2; print(sys.modules['derive'].__file__); "
        "print(jinja2.__file__)"
    )
    request = json.dumps({"task": "gradients", "program": LAYER})
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "all"), request],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    found, *files = done.stdout.splitlines()
    assert json.loads(found)["verdict"] == "proved"
    assert all(file.startswith(str(tmp_path)) for file in files)


def test_another_page_stays(tmp_path, capsys):
    (tmp_path / "index.html").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="is another page"):
        refuse(tmp_path)
    assert main(["page", "-o", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    assert (
        main(["page", "-o", str(tmp_path / "new")])
        == main(["page", "-o", str(tmp_path / "new")])
        == 0
    )


def test_without_npm_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["page", "--offline", "-o", str(tmp_path / "page")]) == 2
    assert "npm is not here" in capsys.readouterr().err
    assert not (tmp_path / "page").exists()


# -- in a browser ----------------------------------------------------------------------------------

#: What is typed, which key is pressed, and what the page says.
STEPS = [
    (LAYER, "", "proof", "Proved"),
    (LAYER, "dX = dY @ W", "check", "Refuted"),
    ("X: (n, d); Y = X @@ X", "", "proof", "There is no answer"),
    (f"Y = {HOSTILE}", "", "graph", "There is no answer"),
    ("circuit", "", "exercise", "Done"),
]
DRIVE = """<!doctype html><meta charset="utf-8"><body>
<iframe id="frame" style="width:360px;height:900px;border:0"></iframe>
<script>
const steps = %s, frame = document.getElementById("frame"), found = [];
const wait = () => new Promise(done => setTimeout(done, 50));
async function until(ready) { while (!ready()) await wait(); }
async function work() {
  const [program, claim, task] = steps[0];
  frame.src = "/index.html#" + new URLSearchParams({program, claim, task});
  await until(() => frame.contentDocument && frame.contentDocument.getElementById("result"));
  const root = frame.contentDocument, at = id => root.getElementById(id), loading = [];
  new MutationObserver(() => loading.push(at("status").textContent))
    .observe(at("status"), {childList: true});
  for (const [k, [program, claim, task, said]] of steps.entries()) {
    if (k) {
      at("program").value = program;
      at("claim").value = claim;
      root.querySelector(`button[value="${task}"]`).click();
    }
    else await until(() => root.body.hasAttribute("aria-busy"));
    await until(() => at("stop").hidden && !root.body.hasAttribute("aria-busy"));
    found.push({
      status: at("status").textContent, error: at("error").hidden ? "" : at("error").textContent,
      maths: at("result").querySelectorAll("math").length, hash: frame.contentWindow.location.hash,
      elements: root.querySelectorAll("#result script, #error *, img").length,
      hacked: "hacked" in frame.contentWindow,
      wide: root.documentElement.scrollWidth - frame.contentWindow.innerWidth});
  }
  await fetch("/done", {method: "POST", body: JSON.stringify({found, loading})});
}
work().catch(error => fetch("/done",
  {method: "POST", body: JSON.stringify({fault: String(error)})}));
</script>
"""


class Server(http.server.SimpleHTTPRequestHandler):
    """Hands out the folder, the page that drives it, and takes what that one has found."""

    def do_GET(self):
        if self.path != "/drive.html":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((DRIVE % json.dumps(STEPS).replace("<", "\\u003c")).encode())

    def do_POST(self):
        self.server.found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.server.done.set()

    def log_message(self, *words):
        pass


def test_a_browser_works_the_page(require_tool, tmp_path):
    folder = require_tool("page")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None) or require_tool(BROWSERS[0])
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Server, directory=folder)
    )
    server.done, server.found = threading.Event(), None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    flags = [flag for flag in FLAGS if flag != "--dump-dom"]
    command = [browser, *flags, "--remote-debugging-port=0", f"--user-data-dir={tmp_path}",
               f"http://127.0.0.1:{server.server_port}/drive.html"]  # fmt: skip
    try:
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            server.done.wait(400)
            process.terminate()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert server.found and "fault" not in server.found, server.found
    assert any("Loading FLINT" in one for one in server.found["loading"])
    for (_, _, task, said), found in zip(STEPS, server.found["found"], strict=True):
        assert found["status"].startswith(said), found
        assert (found["elements"], found["hacked"]) == (0, False) and found["wide"] <= 0, found
        assert f"task={task}" in found["hash"]
        assert bool(found["error"]) == said.startswith("There is no") != (found["maths"] > 0)
    assert "^" in server.found["found"][2]["error"]
    assert HOSTILE in server.found["found"][3]["error"]
