// Reads [{tex, display}, ...] from standard input, writes a page on which KaTeX has set them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.env.DERIVE_KATEX;
const katex = createRequire(join(folder, "package.json"))("katex");
const style = pathToFileURL(join(folder, "node_modules", "katex", "dist", "katex.min.css"));
const formulas = JSON.parse(readFileSync(0, "utf8")).map(
  ({ tex, display }) =>
    `<div class="formula">${katex.renderToString(tex, { displayMode: display, output: "html" })}</div>`,
);

process.stdout.write(`<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="${style}">
<body style="margin:0;width:830px;font-size:16px">${formulas.join("\n")}<pre id="found"></pre>
<script>
const wide = (box) => box.getBoundingClientRect().width;
const measured = [...document.querySelectorAll(".formula")].map((formula) => {
  const bases = [...formula.querySelectorAll(".katex-html > :is(.base, .katex-base)")].map(wide);
  const tag = formula.querySelector(".katex-html > :is(.tag, .katex-tag)");
  const display = formula.querySelector(".katex-display") !== null;
  const whole = display ? bases.reduce((one, other) => one + other, 0) : Math.max(0, ...bases);
  return Math.round(whole + (tag ? 2 * wide(tag) : 0));  // in the middle, clear of its number
});
document.getElementById("found").textContent = JSON.stringify(measured);
</script>`);
