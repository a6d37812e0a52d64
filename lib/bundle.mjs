/**
 * Bundles lib/ into dist/, where `tsc` has put the types: what every script needs, and beside it each part that is
 * loaded when it is first used. Entries are modules; everything else are scripts, which lib/parts.js loads with what Node
 * made of them here. usage: node lib/bundle.mjs
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CHUNKS = "lib/chunks";
const ENTRIES = ["lib/index", "lib/wire/index", "lib/cli/main"];
/** Entries that share much with the parts that are loaded late. */
const SHARING = ["lib/fabric/index", "lib/systemd/index", "lib/doctor/index", "lib/testkit/index"];

const sources = readdirSync(join(ROOT, "lib"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => `lib/${file}`);
/** Programs that are started by their path. */
const programs = sources.filter((file) => file.endsWith("-main.ts")).map((file) => file.slice(0, -3));
/** What `late` loads. */
const parts = sources.flatMap((file) =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(/\blate<[^>]*>\("([^"]+)"\)/g)].map(([, name]) => `lib/${name}`),
);

const entries = new Set([...ENTRIES, ...SHARING, ...programs].map((name) => `${name}.js`));

/** Has `late` ask for parts. */
const lateParts = {
  name: "late-parts",
  setup({ onLoad }) {
    const contents = "export const late = (name) => __part(name + '.cjs');\n";
    onLoad({ filter: /\/families\/late\.ts$/ }, () => ({ contents, loader: "js" }));
  },
};

/** Has what every script needs stand in one file: what one part needs of it and another does not would get one of its own. */
const together = {
  name: "together",
  setup({ onLoad }) {
    const whole = new Set(
      [...parts, ...SHARING, "lib/transaction/guardian-main"].map((name) => join(ROOT, `${name}.ts`)),
    );
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!whole.has(path) && !path.startsWith(join(ROOT, "lib/cli/commands/"))) return undefined;
      const library = relative(dirname(path), join(ROOT, "lib/index.ts"));
      return { contents: `${readFileSync(path, "utf8")}\nexport * as library from "./${library}";\n`, loader: "ts" };
    });
  },
};

rmSync(join(ROOT, "dist", CHUNKS), { recursive: true, force: true });
rmSync(join(ROOT, "dist/lib/code"), { recursive: true, force: true });
const { outputFiles } = await build({
  absWorkingDir: ROOT,
  entryPoints: [...new Set([...ENTRIES, ...SHARING, ...programs, ...parts])].map((name) => ({
    in: `${name}.ts`,
    out: name,
  })),
  outdir: "dist",
  outbase: ".",
  chunkNames: `${CHUNKS}/[name]-[hash]`,
  bundle: true,
  splitting: true,
  // The form of yaml for browsers is of modules, of which only what is used is taken.
  alias: { yaml: join(ROOT, "node_modules/yaml/browser/index.js") },
  format: "esm",
  platform: "node",
  target: "node20.19",
  sourcemap: "inline",
  legalComments: "none",
  write: false,
  plugins: [lateParts, together],
  logLevel: "warning",
});

/** A class that speaks of itself would be called `_Host` here, and in the traces of errors. */
const named = (code) =>
  [...code.matchAll(/^var (\w+) = class _\1\b/gm)].reduce(
    (text, [, name]) => text.replaceAll(new RegExp(`(?<![\\w$.])_${name}\\b`, "g"), name),
    code,
  );

/** The file `path`, imported by the file `by`, as `part` knows it; both below dist/. */
const partOf = (by, path) => relative("lib", posix.join(dirname(by), path)).replace(/\.js$/, ".cjs");
/** What is loaded by `import()`: an entry, or a part. */
const later = (code, by) =>
  code.replaceAll(/\bimport\("(\.[^"]+)"\)/g, (whole, path) => {
    if (!entries.has(posix.join(dirname(by), path))) return `(async () => __part("${partOf(by, path)}"))()`;
    return entries.has(by) ? whole : `import("./${relative("lib", posix.join(dirname(by), path))}")`;
  });

/** A module that takes what it needs from parts. Lines stay where they are, for the source map. */
function entry(code, name) {
  const loader = `./${relative(dirname(name), "lib/parts.js")}`.replace(/^\.\/\.\./, "..");
  return later(code, name)
    .replace(/,?\n\s*lib_exports as library\b/, "")
    .replaceAll(/^import (\{[^}]*\}) from "(\.[^"]+)";$/gm, (_, names, path) => {
      return `const ${names.replaceAll(" as ", ": ")} = __part("${partOf(name, path)}");`;
    })
    .replaceAll(/^import "(\.[^"]+)";$/gm, (_, path) => `__part("${partOf(name, path)}");`)
    .replace(/^(#!.*\n)?/, (start) => `${start}import { part as __part } from "${loader}"; `);
}
/** A script, as `part` runs it; what it loads by `import()` is imported by the module that `part` is in. */
const script = (code, name) =>
  later(code, name)
    .replaceAll(/\brequire\("(\.[^"]+)"\)/g, (_, path) => `require("${partOf(name, path)}")`)
    .replaceAll(/\bimport\(/g, "__import(");

for (const { path, text } of outputFiles) {
  const name = relative(join(ROOT, "dist"), path);
  const isEntry = entries.has(name);
  const { code, map } = await transform(text, {
    format: isEntry ? "esm" : "cjs",
    platform: "node",
    target: "node20.19",
    sourcemap: "external",
    sourcefile: name,
    define: isEntry ? {} : { "import.meta.url": "__url" },
    logLevel: "warning",
  });
  const file = isEntry ? path : path.replace(/\.js$/, ".cjs");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    file,
    `${named((isEntry ? entry : script)(code, name))}//# sourceMappingURL=${posix.basename(file)}.map\n`,
  );
  writeFileSync(`${file}.map`, map);
}
copyFileSync(join(ROOT, "lib/parts.js"), join(ROOT, "dist/lib/parts.js"));

// Parts of these are in the bundle, and their licenses ask to come along.
const licenses = ["yaml", "zod"].map(
  (name) => `${name}\n\n${readFileSync(join(ROOT, "node_modules", name, "LICENSE"), "utf8")}`,
);
writeFileSync(join(ROOT, "dist/LICENSES"), licenses.join("\n"));

// What Node makes of the scripts that a rehearsal needs, so that it does not have to be made again in each process.
const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "lib/rehearsal.mjs")], { encoding: "utf8" });
if (status !== 0) console.warn(`Compiled code is not kept, programs start slower: ${stderr.trim().split("\n").at(-1)}`);
