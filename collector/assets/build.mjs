// Makes dist/: the stylesheet without GOV.UK's font and crown, the scripts, each named by its content, and a manifest.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { compile } from "sass";

const text = (file) => readFileSync(new URL(file, import.meta.url), "utf8").replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
const dist = new URL("dist/", import.meta.url);
const manifest = {};

mkdirSync(dist, { recursive: true });

function put(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 16);
  const dot = name.lastIndexOf(".");
  manifest[name] = `${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
  keep(manifest[name], content);
}

// What is the same already is left alone, so that nothing is built again for nothing.
function keep(file, content) {
  const place = new URL(file, dist);
  if (!existsSync(place) || readFileSync(place, "utf8") !== content) writeFileSync(place, content);
}

const styles = compile(new URL("src/console.scss", import.meta.url).pathname, {
  loadPaths: [new URL("node_modules/govuk-frontend/dist", import.meta.url).pathname],
  quietDeps: true,
  style: "compressed",
});
if (/gds transport|@font-face|crown/i.test(styles.css)) throw new Error("the stylesheet still holds GOV.UK's font or crown");

put("console.css", styles.css);
put("start.js", text("src/start.js"));
put("htmx.js", text("node_modules/htmx.org/dist/htmx.min.js"));
put("hx-sse.js", text("node_modules/htmx.org/dist/ext/hx-sse.min.js"));
put("govuk-frontend.js", text("node_modules/govuk-frontend/dist/govuk/govuk-frontend.min.js"));
put("console.js", text("src/console.js").replace("./govuk-frontend.js", `./${manifest["govuk-frontend.js"]}`));
put("icon.svg", text("src/icon.svg"));
keep("manifest.json", JSON.stringify(manifest, null, 2) + "\n");

const made = new Set([...Object.values(manifest), "manifest.json"]);
for (const file of readdirSync(dist)) if (!made.has(file)) rmSync(new URL(file, dist));
