// Makes dist/: the stylesheet without GOV.UK's font and crown, the scripts, each named by its content, and a manifest.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { compile } from "sass";

const text = (file) => readFileSync(new URL(file, import.meta.url), "utf8").replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
const dist = new URL("dist/", import.meta.url);
const manifest = {};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

function put(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 16);
  const dot = name.lastIndexOf(".");
  manifest[name] = `${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
  writeFileSync(new URL(manifest[name], dist), content);
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
writeFileSync(new URL("manifest.json", dist), JSON.stringify(manifest, null, 2) + "\n");
