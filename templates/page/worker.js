// Python, and derive in it: requests and answers are JSON.
let answer;

async function start(places) {
  postMessage({ stage: "python" });
  const { loadPyodide } = await import(places.pyodide + "pyodide.mjs");
  const python = await loadPyodide({ indexURL: places.pyodide });
  postMessage({ stage: "flint" });
  await python.loadPackage(places.flint, { messageCallback: () => {}, errorCallback: () => {} });
  postMessage({ stage: "derive" });
  const found = await fetch(places.archive);
  if (!found.ok) throw new Error(`${places.archive}: ${found.status}`);
  python.unpackArchive(await found.arrayBuffer(), "zip", { extractDir: "/derive" });
  python.runPython("import sys; sys.path.insert(0, '/derive')");
  answer = python.pyimport("derive.command.answer").answer;
  postMessage({ ready: true });
}

onmessage = async ({ data }) => {
  try {
    if (data.places) await start(data.places);
    else postMessage({ number: data.number, answer: JSON.parse(answer(JSON.stringify(data))) });
  } catch (error) {
    postMessage({ failed: String(error.message || error) });
  }
};
