// Reads [{tex, display}, ...] from standard input, writes KaTeX's objection to each, or null.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const katex = createRequire(join(process.env.DERIVE_KATEX, "package.json"))("katex");

function objection({ tex, display }) {
  try {
    katex.renderToString(tex, { displayMode: display, throwOnError: true, strict: "error" });
    return null;
  } catch (error) {
    return error.message;
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(objection)));
