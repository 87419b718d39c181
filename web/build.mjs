// Builds the pages: `node build.mjs [--out DIR] [--watch]`.
//
// One entry, one chunk for each page, names with the hash of what is in them, and every file also compressed (brotli
// and gzip), so that the service only hands files out.
import { build, context } from "esbuild";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { readCatalogue } from "./po.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const MOST_KB = 250; // of everything a page loads, compressed
const COMPRESSED = /\.(js|css|svg|webmanifest)$/;

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#123a4a"/>' +
  '<path d="M4 16c4-6 8-8 12-8s8 2 12 8c-4 6-8 8-12 8S8 22 4 16z" fill="none" stroke="#e8f1f3" stroke-width="2.4"/>' +
  '<circle cx="16" cy="16" r="4" fill="#4cc2b4"/></svg>';

const { values: options } = parseArgs({
  options: {
    out: { type: "string", default: join(HERE, "../src/vigilia/interfaces/web/pages") },
    watch: { type: "boolean", default: false },
  },
});
const OUT = resolve(options.out);

/** Makes one module of all catalogues below src/, and one sheet of all styles: layers say what goes before what. */
const ours = {
  name: "vigilia",
  setup(/** @type {import("esbuild").PluginBuild} */ { onLoad, onResolve }) {
    onLoad({ filter: /\.po$/ }, async () => {
      const paths = (await filesBelow(join(HERE, "src"))).filter((path) => path.endsWith("/pt_BR.po"));
      const catalogues = await Promise.all(paths.map(async (path) => readCatalogue(await readFile(path, "utf8"))));
      return { contents: JSON.stringify(Object.assign({}, ...catalogues)), loader: "json", watchFiles: paths };
    });
    onResolve({ filter: /^vigilia:styles$/ }, () => ({ path: "styles", namespace: "vigilia" }));
    onLoad({ filter: /^styles$/, namespace: "vigilia" }, async () => {
      const sheets = (await filesBelow(join(HERE, "src"))).filter((path) => path.endsWith(".css")).sort(byFolder);
      return {
        contents: sheets.map((path) => `@import ${JSON.stringify("./" + relative(HERE, path))};`).join("\n"),
        loader: "css",
        resolveDir: HERE,
        watchDirs: [join(HERE, "src")],
      };
    });
  },
};

/** @type {import("esbuild").BuildOptions} */
const BUNDLE = {
  absWorkingDir: HERE,
  entryPoints: { main: "src/main.tsx", style: "vigilia:styles" },
  entryNames: "[name].[hash]",
  chunkNames: "[name].[hash]",
  assetNames: "[name].[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"], // light-dark() and what is older
  minify: !options.watch,
  sourcemap: options.watch ? "inline" : false,
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "linked",
  metafile: true,
  write: false,
  outdir: OUT,
  plugins: [ours],
  logLevel: "warning",
};

/** What runs before anything is painted is no module, for those wait. @type {import("esbuild").BuildOptions} */
const BOOT = { ...BUNDLE, entryPoints: { boot: "src/boot.ts" }, splitting: false, format: "iife", plugins: [] };

if (options.watch) {
  const again = { name: "write", setup: (/** @type {import("esbuild").PluginBuild} */ { onEnd }) => onEnd(write) };
  const watched = await context({ ...BUNDLE, plugins: [ours, again] });
  await watched.watch();
} else {
  await write(await build(BUNDLE));
}

/**
 * Write the files beside their compressed forms into a folder that takes OUT's place at the end.
 * @param {import("esbuild").BuildResult} result
 */
async function write({ outputFiles, metafile, errors }) {
  if (errors.length > 0 || !outputFiles || !metafile) return;
  const boot = await build(BOOT);
  Object.assign(metafile.outputs, boot.metafile?.outputs);
  const fresh = `${OUT}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(join(fresh, "assets"), { recursive: true });
  /** @type {Map<string, number>} */
  const weights = new Map();
  for (const { path, contents } of [...outputFiles, ...(boot.outputFiles ?? [])]) {
    const name = relative(OUT, path);
    weights.set(name, await writeCompressed(join(fresh, "assets", name), contents));
  }
  await writeFile(join(fresh, "index.html"), index(metafile));
  await rm(OUT, { recursive: true, force: true });
  await rename(fresh, OUT);
  weigh(metafile, weights);
}

/**
 * Write one file, and what is smaller of it; return how much a browser fetches.
 * @param {string} path
 * @param {Uint8Array} contents
 */
async function writeCompressed(path, contents) {
  await writeFile(path, contents);
  if (!COMPRESSED.test(path) || options.watch) return contents.length;
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: contents.length };
  const brotli = brotliCompressSync(contents, { params: quality });
  await writeFile(`${path}.br`, brotli);
  await writeFile(`${path}.gz`, gzipSync(contents, { level: 9 }));
  return brotli.length;
}

/** @param {import("esbuild").Metafile} metafile */
function index(metafile) {
  const assets = Object.entries(metafile.outputs).map(([path, about]) => ({ name: asset(path), path, ...about }));
  const named = (/** @type {string} */ start) => assets.find(({ name }) => name.startsWith(start))?.name;
  const preloaded = staticImports(metafile, entry(metafile)).map(asset);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Vigilia</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
<script src="/assets/${named("boot.")}"></script>
<link rel="stylesheet" href="/assets/${named("style.")}">
${preloaded.map((name) => `<link rel="modulepreload" href="/assets/${name}">`).join("\n")}
<script type="module" src="/assets/${named("main.")}"></script>
</head>
<body>
<noscript>These pages need JavaScript. The data are also at <a href="/api/docs">/api/docs</a>.</noscript>
<div id="app"></div>
</body>
</html>
`;
}

/** @param {import("esbuild").Metafile} metafile */
function entry(metafile) {
  const found = Object.keys(metafile.outputs).find((path) => metafile.outputs[path]?.entryPoint === "src/main.tsx");
  if (!found) throw new Error("the build made no main.js");
  return found;
}

/**
 * @param {import("esbuild").Metafile} metafile
 * @param {string} path
 * @param {Set<string>} seen
 * @returns {string[]}
 */
function staticImports(metafile, path, seen = new Set()) {
  for (const { kind, path: next } of metafile.outputs[path]?.imports ?? []) {
    if (kind === "import-statement" && !seen.has(next)) {
      seen.add(next);
      staticImports(metafile, next, seen);
    }
  }
  return [...seen];
}

/**
 * Fail where some page is too heavy.
 * @param {import("esbuild").Metafile} metafile
 * @param {Map<string, number>} weights
 */
function weigh(metafile, weights) {
  if (options.watch) return;
  const sum = (/** @type {Iterable<string>} */ paths) =>
    [...new Set(paths)].reduce((total, path) => total + (weights.get(asset(path)) ?? 0), 0);
  const main = entry(metafile);
  const outputs = Object.keys(metafile.outputs);
  const shell = [main, ...staticImports(metafile, main), ...outputs.filter((path) => /(boot|style)\./.test(asset(path)))];
  // What the shell loads afterwards; that may stand in any of its parts.
  const loaded = shell.flatMap((path) => metafile.outputs[path]?.imports.filter(({ kind }) => kind === "dynamic-import") ?? []);
  const pages = loaded.filter(({ path }) => metafile.outputs[path]?.entryPoint?.includes("/pages/"));
  const catalogues = loaded.filter(({ path }) => metafile.outputs[path]?.entryPoint?.endsWith(".po"));
  const base = [...shell, ...catalogues.map(({ path }) => path)];
  let heaviest = ["the shell", sum(base)];
  for (const { path } of pages) {
    const weight = sum([...base, path, ...staticImports(metafile, path)]);
    if (weight > Number(heaviest[1])) heaviest = [asset(path), weight];
  }
  const kb = Number(heaviest[1]) / 1000;
  console.log(`pages: ${outputs.length} files; heaviest page ${kb.toFixed(1)} kB compressed (${heaviest[0]})`);
  if (kb > MOST_KB) throw new Error(`${heaviest[0]} weighs ${kb.toFixed(0)} kB compressed; ${MOST_KB} kB are allowed`);
}

/** @param {string} path */
function asset(path) {
  return relative(OUT, resolve(HERE, path));
}

/**
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((found) => found.isFile()).map((found) => join(found.parentPath, found.name));
}

/**
 * Styles of the whole first, then of parts, then of pages.
 * @param {string} left
 * @param {string} right
 */
function byFolder(left, right) {
  const rank = (/** @type {string} */ path) => (path.includes("/styles/") ? 0 : path.includes("/pages/") ? 2 : 1);
  return rank(left) - rank(right) || left.localeCompare(right);
}
