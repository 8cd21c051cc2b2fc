// Reads [{tex, display}, ...] from standard input, writes MathJax's objection to each, or null.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const mathjax = createRequire(join(process.env.DERIVE_KATEX, "package.json"))("mathjax");
await mathjax.init({ loader: { load: ["input/tex"] } });

async function objection({ tex, display }) {
  const shown = await globalThis.MathJax.tex2mmlPromise(tex, { display });
  const wrong = shown.match(/data-mjx-error="([^"]*)"|mathcolor="red"[^>]*>([^<]*)/);
  return wrong && (wrong[1] ?? wrong[2]);
}

const found = [];
for (const one of JSON.parse(readFileSync(0, "utf8"))) found.push(await objection(one));
process.stdout.write(JSON.stringify(found));
