/**
 * Bundles lib/ into dist/, where `tsc` has put the types: what every script needs, and beside it each part that is
 * loaded when it is first used. usage: node lib/bundle.mjs
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CHUNKS = "lib/chunks";
const ENTRIES = ["lib/index", "lib/wire/index", "lib/cli/main"];
/** Entries that share much with the parts that are loaded late. */
const SHARING = {
  "lib/fabric/index": "document",
  "lib/systemd/index": "systemd",
  "lib/doctor/index": "doctor",
  "lib/testkit/index": "testkit",
};

const sources = readdirSync(join(ROOT, "lib"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => `lib/${file}`);
/** Programs that are started by their path. */
const programs = sources.filter((file) => file.endsWith("-main.ts")).map((file) => file.slice(0, -3));
/** What `late` loads. */
const parts = sources.flatMap((file) =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(/\blate<[^>]*>\("([^"]+)"\)/g)].map(([, name]) => `lib/${name}`),
);

/** Has what every script needs stand in one file: what one part needs of it and another does not would get one of its own. */
const together = {
  name: "together",
  setup({ onLoad }) {
    const whole = new Set(
      [...parts, ...Object.keys(SHARING), "lib/transaction/guardian-main"].map((name) => join(ROOT, `${name}.ts`)),
    );
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!whole.has(path) && !path.startsWith(join(ROOT, "lib/cli/commands/"))) return undefined;
      const library = relative(dirname(path), join(ROOT, "lib/index.ts"));
      return { contents: `${readFileSync(path, "utf8")}\nexport * as library from "./${library}";\n`, loader: "ts" };
    });
  },
};

rmSync(join(ROOT, "dist", CHUNKS), { recursive: true, force: true });
const { metafile, outputFiles } = await build({
  absWorkingDir: ROOT,
  entryPoints: [
    ...[...new Set([...ENTRIES, ...programs, ...parts])].map((name) => ({ in: `${name}.ts`, out: name })),
    ...Object.entries(SHARING).map(([name, chunk]) => ({ in: `${name}.ts`, out: `${CHUNKS}/${chunk}` })),
  ],
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
  sourcemap: true,
  legalComments: "none",
  metafile: true,
  write: false,
  plugins: [together],
  logLevel: "warning",
});

/** A class that speaks of itself would be called `_Host` here, and in the traces of errors. */
const named = (code) =>
  [...code.matchAll(/^var (\w+) = class _\1\b/gm)].reduce(
    (text, [, name]) => text.replaceAll(new RegExp(`(?<![\\w$.])_${name}\\b`, "g"), name),
    code,
  );
for (const { path, text } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, path.endsWith(".js") ? named(text) : text);
}

// Parts of these are in the bundle, and their licenses ask to come along.
const licenses = ["yaml", "zod"].map(
  (name) => `${name}\n\n${readFileSync(join(ROOT, "node_modules", name, "LICENSE"), "utf8")}`,
);
writeFileSync(join(ROOT, "dist/LICENSES"), licenses.join("\n"));

// Node cannot load a file at once that it is about to load in its own time. These entries may be imported while parts are
// loaded that share files with them, so they load theirs at once, too, when the library itself is there.
for (const [name, chunk] of Object.entries(SHARING)) {
  const path = (to) => JSON.stringify(relative(dirname(name), to));
  const { exports } = metafile.outputs[`dist/${CHUNKS}/${chunk}.js`];
  const lines = [
    `import ${path("lib/index.js")};`,
    'import { createRequire } from "node:module";',
    `export const { ${exports.filter((one) => one !== "library").join(", ")} } = createRequire(import.meta.url)(${path(`${CHUNKS}/${chunk}.js`)});`,
  ];
  writeFileSync(join(ROOT, "dist", `${name}.js`), `${lines.join("\n")}\n`);
}
