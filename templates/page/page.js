// What is typed goes to a worker, in which Python runs; what comes back is shown. Text is always text.
const at = id => document.getElementById(id);
const { words, places, programs, language } = JSON.parse(at("data").textContent);
const full = path => new URL(path, location.href).href;
let worker, waiting = null, ready = false, number = 0;

function start() {
  ready = false;
  worker = new Worker(places.worker, { type: "module" });
  worker.onmessage = ({ data }) => hear(data);
  worker.onerror = error => fail(error.message || words.broken);
  worker.postMessage({ places: Object.fromEntries(Object.entries(places).map(([k, v]) => [k, full(v)])) });
}

function hear(data) {
  if (data.stage) return tell(words["load-" + data.stage]);
  if (data.failed) return fail(data.failed);
  if (data.ready) {
    ready = true;
    tell(words.ready);
    if (waiting) send();
    return;
  }
  if (!waiting || data.number !== waiting.asked.number) return;
  const { done } = waiting;
  waiting = null;
  at("stop").hidden = true;
  document.body.removeAttribute("aria-busy");
  done(data.answer);
}

let begun = 0;
function send() {
  begun = performance.now();
  tell(words.working);
  worker.postMessage(waiting.asked);
}

function tell(text) { at("status").textContent = text; }

function fail(text) {
  waiting = null;
  at("stop").hidden = true;
  document.body.removeAttribute("aria-busy");
  tell(words.failed);
  at("error").textContent = text;
  at("error").hidden = false;
}

function ask(asked, done) {
  asked = { ...asked, language, number: ++number };
  waiting = { asked, done };
  at("stop").hidden = false;
  document.body.setAttribute("aria-busy", "true");
  if (ready) send();
}

function typed(task) {
  return { task, program: at("program").value, claim: task === "check" ? at("claim").value : "" };
}

const told = asked => new URLSearchParams(Object.entries(asked).filter(([, text]) => text));

let last = null;
function run(task) {
  last = typed(task);
  history.replaceState(null, "", "#" + told(last));
  at("error").hidden = true;
  ask(last, answer => {
    const took = ((performance.now() - begun) / 1000).toFixed(1);
    if (answer.error) {
      at("result").replaceChildren();
      at("copies").hidden = true;
      fail(answer.error);
      return;
    }
    at("result").innerHTML = answer.html;  // derive escapes what a user wrote
    at("copies").hidden = false;
    tell((words[answer.verdict] || words.done).replace("{0}", took));
  });
}

at("form").addEventListener("submit", event => {
  event.preventDefault();
  run(event.submitter && event.submitter.value || "proof");
});
at("choice").addEventListener("change", event => {
  const program = programs[event.target.value];
  if (program) { at("program").value = program; at("claim").value = ""; }
});
at("program").addEventListener("input", () => { at("choice").value = ""; });
at("stop").addEventListener("click", () => {
  worker.terminate();
  waiting = null;
  at("stop").hidden = true;
  document.body.removeAttribute("aria-busy");
  start();
});
at("copies").addEventListener("click", event => {
  const copy = event.target.dataset.copy;
  if (!copy || !last) return;
  if (copy === "link") return keep(full("#" + told(last)));
  ask({ ...last, copy }, answer => answer.error ? fail(answer.error) : keep(answer.text));
});

async function keep(text) {
  try {
    await navigator.clipboard.writeText(text);
    tell(words.copied);
  } catch {  // where the clipboard is closed the text is shown
    at("error").textContent = text;
    at("error").hidden = false;
    tell(words.shown);
  }
}

function open() {
  const said = new URLSearchParams(location.hash.slice(1));
  if (!said.has("program")) return;
  at("program").value = said.get("program");
  at("claim").value = said.get("claim") || "";
  run(said.get("task") || "proof");
}
addEventListener("hashchange", open);
start();
open();
