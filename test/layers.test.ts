/** The layers of CONTRIBUTING.md: the linter has to see an import that points up, and to let one pass that points down. */
import { equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";

/** What the linter says of a file that would stand at `path`. */
function lint(path: string, ...imports: readonly string[]): string {
  const source = imports.map((from, i) => `export { x as x${i} } from "${from}";\n`).join("");
  const args = ["lint", "--only=style/noRestrictedImports", "--colors=off", `--stdin-file-path=${path}`];
  const { stdout, stderr, error } = spawnSync("node_modules/.bin/biome", args, { input: source, encoding: "utf8" });
  if (error !== undefined) throw error;
  return stdout + stderr;
}
const refused = (path: string, from: string): void => match(lint(path, from), /noRestrictedImports/, `${path} → ${from}`);
const allowed = (path: string, from: string): void =>
  equal(/noRestrictedImports/.test(lint(path, from)), false, `${path} → ${from}`);

describe("layers", () => {
  it("refuse imports that point up or aside", () => {
    refused("lib/wire/planted.ts", "../socket/index.ts");
    refused("lib/wire/planted.ts", "../shape/shape.ts");
    refused("lib/socket/planted.ts", "../families/route.ts");
    refused("lib/families/planted.ts", "../links/links.ts");
    refused("lib/links/planted.ts", "../routes/routes.ts");
    refused("lib/links/planted.ts", "../../native-bindings/index.ts");
    refused("lib/nftables/expressions/planted.ts", "../../links/links.ts");
    refused("lib/host.ts", "./state/index.ts");
    refused("lib/state/planted.ts", "../fabric/fabric.ts");
    refused("lib/fabric/planted.ts", "../cli/main.ts");
    refused("native-bindings/planted.ts", "../lib/wire/index.ts");
    refused("lib/links/kinds/planted.ts", "./vxlan.ts");
  });

  it("let imports pass that point down", () => {
    allowed("lib/socket/planted.ts", "../wire/index.ts");
    allowed("lib/socket/planted.ts", "../../native-bindings/index.ts");
    allowed("lib/links/planted.ts", "../families/route.ts");
    allowed("lib/links/kinds/planted.ts", "../../wire/index.ts");
    allowed("lib/host.ts", "./links/links.ts");
    allowed("lib/state/planted.ts", "../links/kind.ts");
    allowed("lib/cli/planted.ts", "../fabric/fabric.ts");
  });
}).timeout(60_000);
