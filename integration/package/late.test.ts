/** The package as it is published: what is loaded, and when. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as library from "linkwright";
import { skip } from "../../test/needs.ts";

const ENTRY = fileURLToPath(import.meta.resolve("linkwright"));

/** The text of a file and of all that it imports at once. */
function closure(file: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(file)) return seen;
  const text = readFileSync(file, "utf8");
  seen.set(file, text);
  for (const [, path = ""] of text.matchAll(/\b(?:__part|require)\("([^":]+)"\)/g))
    closure(join(dirname(ENTRY), path), seen);
  return seen;
}

/** What a program prints that runs from the top of the package. */
function said(program: string): string {
  const command = ["--input-type=module", "--eval", program];
  const { stdout, stderr, status } = spawnSync(process.execPath, command, {
    encoding: "utf8",
    cwd: import.meta.dirname,
  });
  equal(stderr, "");
  equal(status, 0);
  return stdout;
}

describe("package", () => {
  it("loads few files for a script that makes one link", () => {
    const files = closure(ENTRY);
    ok(files.size <= 6, [...files.keys()].join("\n"));
    const text = [...files.values()].join("");
    ok(text.length < 330_000, `${text.length} bytes`);
    ok(text.includes("var Links = "));
    for (const late of ["var Routes = ", "dbus-next", "var Nftables = ", "var Watch = ", '"zod"', '"yaml"'])
      ok(!text.includes(late), late);
  });

  it("comes with what Node makes of it, for the version that built it", function () {
    const parts = join(dirname(ENTRY), "parts.js");
    if (!existsSync(join(dirname(ENTRY), "code", `${process.version}-${process.arch}`)))
      skip(this, "built by another version of Node, or where there are no sandboxes");
    const program = `
      import { Host } from "linkwright";
      import { scripts } from ${JSON.stringify(parts)};
      console.log([...scripts.values()].map((script) => script.cachedDataRejected).join());`;
    const told = said(program).trim().split(",");
    ok(told.length > 1 && told.every((rejected) => rejected === "false"), told.join());
  });

  describe("whose files are changed", () => {
    let copy: string;
    beforeEach(() => {
      copy = mkdtempSync(join(tmpdir(), "linkwright-package-"));
      cpSync(dirname(ENTRY), copy, { recursive: true, filter: (path) => !/\.(map|ts)$/.test(path) });
    });
    afterEach(() => rmSync(copy, { recursive: true }));

    /** What `program` prints, given a part of which one text was replaced by another. */
    function patched(name: string, from: string, to: string, program: string): string {
      const text = readFileSync(join(copy, name), "utf8");
      ok(text.includes(from), from);
      writeFileSync(
        join(copy, name),
        text.replace(from, () => to),
      );
      const parts = JSON.stringify(join(copy, "parts.js"));
      return said(`import { part, scripts } from ${parts}; const name = ${JSON.stringify(name)}; ${program}`);
    }

    it("runs what stands there, also where the length is as before", () => {
      const program = "console.log(Object.keys(part(name)).join(), scripts.get(name).cachedDataRejected);";
      equal(patched("rules/rules.cjs", "Rules: ()", "Mules: ()", program), "Mules,library undefined\n");
    });

    it("loads a part again that could not be run", () => {
      const program = `
        const tries = [1, 2].map(() => { try { return part(name); } catch (error) { return error.message; } });
        console.log(tries.join());`;
      equal(patched("rules/rules.cjs", "", "throw new Error('no');", program), "no,no\n");
    });
  });

  it("has every service of a host when it is asked for", async () => {
    await using host = await library.Host.open();
    const getters = Object.entries(Object.getOwnPropertyDescriptors(library.Host.prototype)).filter(
      ([, one]) => one.get,
    );
    ok(getters.length > 15);
    for (const [name] of getters) {
      const service = host[name as "links"];
      equal(service.constructor.name.toLowerCase(), name.toLowerCase());
      equal(host[name as "links"], service);
    }
  });

  it("loads no part twice, whoever asks first", () => {
    const program = `
      import { Host, InputError, printTable } from "linkwright";
      const host = await Host.open();
      const error = await host.routes.create({ dst: "nonsense" }).catch((error) => error);
      console.log(error instanceof InputError, printTable({ family: "ip", name: "t", chains: [] }).length > 0);`;
    equal(said(program), "true true\n");
  });

  it("loads parts while an entry of its own is being loaded", () => {
    const program = `
      const [used, { plan }, { Lab }] = await Promise.all([
        import("linkwright").then(async ({ Host }) => {
          const host = await Host.open();
          const { length } = [host.routes, host.nftables, host.qdiscs];
          host.close();
          return length;
        }),
        import("linkwright/document"),
        import("linkwright/testkit"),
      ]);
      console.log(used, typeof plan, typeof Lab);`;
    equal(said(program), "3 function function\n");
  });

  it("has the same names as its sources", async () => {
    const sources = ["index", "fabric/index", "systemd/index", "testkit/index", "wire/index"];
    for (const [i, entry] of ["", "/document", "/systemd", "/testkit", "/wire"].entries()) {
      const source: object = await import(`../../lib/${sources[i]}.js`);
      const built: object = await import(`linkwright${entry}`);
      deepEqual(Object.keys(built).sort(), Object.keys(source).sort());
    }
  });
});
