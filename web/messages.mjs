// Says whether the catalogues have every text of the pages: `node messages.mjs [--missing]`.
//
// Exits 1 where a text has no translation, a translation no text, or t() gets something that cannot be looked up
// beforehand. `--missing` writes what is missing as entries of a catalogue, to be translated.
import { readFile, readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { readCatalogue } from "./po.mjs";

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), "src");
const KEYED = ["title"]; // properties of pages.ts that are keys for t()

/** @type {Map<string, { plural: string | null, place: string }>} */
const texts = new Map();
/** @type {string[]} */
const wrong = [];
/** @type {Record<string, string | string[]>} */
const translated = {};

const files = (await readdir(SOURCE, { recursive: true })).map((name) => join(SOURCE, name));
for (const path of files.filter((name) => /\.tsx?$/.test(name) && !/\.(test|d)\.ts$/.test(name))) {
  const tree = ts.createSourceFile(path, await readFile(path, "utf8"), ts.ScriptTarget.Latest, true);
  visit(tree, path.endsWith("pages.ts") ? KEYED : []);
}
for (const path of files.filter((name) => name.endsWith("pt_BR.po"))) {
  for (const [id, text] of Object.entries(readCatalogue(await readFile(path, "utf8")))) {
    if (id in translated) wrong.push(`${relative(SOURCE, path)}: ${JSON.stringify(id)} is in another catalogue already`);
    translated[id] = text;
  }
}

const missing = [...texts].filter(([id]) => !(id in translated));
if (process.argv.includes("--missing")) {
  for (const [id, { plural, place }] of missing) console.log(entry(id, plural, place));
} else {
  for (const [id, { place }] of missing) wrong.push(`${place}: no translation of ${JSON.stringify(id)}`);
  for (const id of Object.keys(translated)) {
    if (!texts.has(id)) wrong.push(`no page says ${JSON.stringify(id)} any more`);
  }
  for (const line of wrong) console.error(line);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}

/**
 * @param {ts.Node} node
 * @param {readonly string[]} keyed
 */
function visit(node, keyed) {
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && ["t", "tn"].includes(node.expression.text)) {
    const [first, second] = node.arguments;
    if (first && ts.isStringLiteralLike(first)) {
      const plural = node.expression.text === "tn" && second && ts.isStringLiteralLike(second) ? second.text : null;
      texts.set(first.text, { plural, place: place(node) });
    } else if (first && !/\btitle$/.test(first.getText())) {
      wrong.push(`${place(node)}: ${node.expression.text}() takes a text in quotes, which can be looked up here`);
    }
  }
  if (ts.isPropertyAssignment(node) && keyed.includes(node.name.getText()) && ts.isStringLiteralLike(node.initializer)) {
    texts.set(node.initializer.text, { plural: null, place: place(node) });
  }
  ts.forEachChild(node, (child) => visit(child, keyed));
}

/** @param {ts.Node} node */
function place(node) {
  const file = node.getSourceFile();
  return `${relative(SOURCE, file.fileName)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

/**
 * @param {string} id
 * @param {string | null} plural
 * @param {string} where
 */
function entry(id, plural, where) {
  const quote = JSON.stringify;
  if (plural === null) return `#: ${where}\nmsgid ${quote(id)}\nmsgstr ""\n`;
  return `#: ${where}\nmsgid ${quote(id)}\nmsgid_plural ${quote(plural)}\nmsgstr[0] ""\nmsgstr[1] ""\n`;
}
