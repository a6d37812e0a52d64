/** The layers of CONTRIBUTING.md: the linter has to see an import that points up, and to let one pass that points down. */
import { deepEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const refused: readonly (readonly [path: string, from: string])[] = [
  ["lib/wire/a.ts", "../socket/index.ts"],
  ["lib/wire/b.ts", "../shape/shape.ts"],
  ["lib/socket/a.ts", "../families/route.ts"],
  ["lib/families/a.ts", "../links/links.ts"],
  ["lib/links/a.ts", "../routes/routes.ts"],
  ["lib/links/b.ts", "../../native-bindings/index.ts"],
  ["lib/links/kinds/a.ts", "./vxlan.ts"],
  ["lib/links/tunnels/a.ts", "../kinds/vxlan.ts"],
  ["lib/links/tunnels/b.ts", "../schema.ts"],
  ["lib/nftables/expressions/a.ts", "../../links/links.ts"],
  ["lib/anything-new/a.ts", "../routes/routes.ts"],
  ["lib/anything-new/b.ts", "../host.ts"],
  ["lib/host.ts", "./state/index.ts"],
  ["lib/watch/a.ts", "../probe/index.ts"],
  ["lib/probe/a.ts", "../state/index.ts"],
  ["lib/state/a.ts", "../fabric/fabric.ts"],
  ["lib/fabric/a.ts", "../cli/main.ts"],
  ["lib/fabric/b.ts", "../import/index.ts"],
  ["lib/import/a.ts", "../cli/main.ts"],
  ["lib/state/b.ts", "../systemd/index.ts"],
  ["lib/systemd/a.ts", "../cli/main.ts"],
  ["native-bindings/a.ts", "../lib/wire/index.ts"],
];
const allowed: typeof refused = [
  ["lib/socket/y.ts", "../wire/index.ts"],
  ["lib/socket/z.ts", "../../native-bindings/index.ts"],
  ["lib/links/z.ts", "../families/route.ts"],
  ["lib/anything-new/z.ts", "../families/route.ts"],
  ["lib/nftables/expressions/z.ts", "../value.ts"],
  ["lib/links/kinds/z.ts", "../../wire/index.ts"],
  ["lib/links/kinds/y.ts", "../tunnels/gre.ts"],
  ["lib/links/tunnels/z.ts", "../option.ts"],
  ["lib/links/tunnels/y.ts", "./gre.ts"],
  ["lib/probe/z.ts", "../host.ts"],
  ["lib/probe/y.ts", "../../native-bindings/index.ts"],
  ["lib/state/z.ts", "../links/kind.ts"],
  ["lib/state/y.ts", "../probe/index.ts"],
  ["lib/import/z.ts", "../fabric/fabric.ts"],
  ["lib/systemd/z.ts", "../state/index.ts"],
  ["lib/cli/z.ts", "../fabric/fabric.ts"],
];

/** Paths of those files that the linter refuses for what they import. */
function lint(files: typeof refused): string[] {
  const folder = mkdtempSync(join(tmpdir(), "linkwright-layers-"));
  try {
    copyFileSync("biome.json", join(folder, "biome.json"));
    for (const [path, from] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `export { x } from "${from}";\n`);
    }
    const args = ["lint", "--vcs-enabled=false", "--only=style/noRestrictedImports", "--reporter=json", "."];
    const { stdout, error } = spawnSync(resolve("node_modules/.bin/biome"), args, { cwd: folder, encoding: "utf8" });
    if (error !== undefined) throw error;
    const report = JSON.parse(stdout) as { diagnostics: { location: { path: string | { file: string } } }[] };
    return report.diagnostics
      .map(({ location: { path } }) => (typeof path === "string" ? path : path.file).replace(/^\.\//, ""))
      .sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("layers", () => {
  it("refuse imports that point up or aside, and let those pass that point down", () => {
    deepEqual(lint([...refused, ...allowed]), refused.map(([path]) => path).sort());
  });
}).timeout(60_000);
