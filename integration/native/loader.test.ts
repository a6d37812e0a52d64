import assert from "node:assert";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadBinding } from "../../native-bindings/index.ts";
import { inChild } from "./kit.ts";

const env = (LINKWRIGHT_NATIVE: string) => ({ env: { ...process.env, LINKWRIGHT_NATIVE } });

describe("native layer: loading", () => {
  let directory = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "linkwright-loader-"));
  });
  after(() => rmSync(directory, { recursive: true }));

  /** The compiled loader in a package of its own, with or without a build. */
  function elsewhere(build: boolean): string {
    // Another place each time: writing over a loaded library takes its memory away.
    const root = mkdtempSync(join(directory, "package-"));
    const here = fileURLToPath(new URL("../../", import.meta.url));
    const name = `linux-${process.arch}.node`;
    mkdirSync(join(root, "dist", "native-bindings"), { recursive: true });
    mkdirSync(join(root, "native-bindings", "prebuilds"), { recursive: true });
    writeFileSync(join(root, "package.json"), '{"name":"linkwright","type":"module"}');
    copyFileSync(join(here, "native-bindings", "index.js"), join(root, "dist", "native-bindings", "index.js"));
    if (build) {
      const own =
        process.env["LINKWRIGHT_NATIVE"] ??
        join(dirname(dirname(fileURLToPath(import.meta.url))), "..", "..", "native-bindings", "prebuilds", name);
      copyFileSync(own, join(root, "native-bindings", "prebuilds", name));
    }
    return join(root, "dist", "native-bindings", "index.js");
  }

  it("gives the same binding each time", () => {
    assert.equal(loadBinding(), loadBinding());
    assert(Number.isInteger(loadBinding().abi));
  });

  it("finds the build of its own package, from wherever it runs", async () => {
    const loader: { loadBinding(): { abi: number } } = await import(elsewhere(true));
    assert.equal(loader.loadBinding().abi, loadBinding().abi);
  });

  it("names every try when there is nothing", async () => {
    const loader: { loadBinding(): unknown } = await import(elsewhere(false));
    const before = process.env["LINKWRIGHT_NATIVE"];
    process.env["LINKWRIGHT_NATIVE"] = "/nowhere/x.node";
    try {
      assert.throws(
        () => loader.loadBinding(),
        (error: Error) => {
          assert.match(error.message, /\/nowhere\/x\.node: /);
          assert.match(error.message, new RegExp(`prebuilds/linux-${process.arch}\\.node: `));
          assert.match(error.message, /npm run build:native \(needs cc\)/);
          return true;
        },
      );
    } finally {
      if (before === undefined) delete process.env["LINKWRIGHT_NATIVE"];
      else process.env["LINKWRIGHT_NATIVE"] = before;
    }
  });

  it("refuses another interface version and takes the next one", async () => {
    const wrong = join(directory, "wrong.cjs");
    writeFileSync(wrong, "exports.abi = 99;");
    assert.equal(inChild("loads", env(wrong)), "loaded");
    const loader: { loadBinding(): unknown } = await import(elsewhere(false));
    const before = process.env["LINKWRIGHT_NATIVE"];
    process.env["LINKWRIGHT_NATIVE"] = wrong;
    try {
      assert.throws(
        () => loader.loadBinding(),
        new RegExp(`wrong\\.cjs: speaks interface 99, needed is ${loadBinding().abi}\\b`),
      );
    } finally {
      if (before === undefined) delete process.env["LINKWRIGHT_NATIVE"];
      else process.env["LINKWRIGHT_NATIVE"] = before;
    }
  });

  it("says that it is for Linux", () => {
    assert.match(inChild("loadElsewhere"), /Linux only; this is darwin/);
  });

  it("may be loaded by two copies of the package in one process", () => {
    const file = process.env["LINKWRIGHT_NATIVE"] ?? "";
    const path =
      file === ""
        ? elsewhere(true).replace(
            "dist/native-bindings/index.js",
            `native-bindings/prebuilds/linux-${process.arch}.node`,
          )
        : file;
    const twice = join(directory, "copy.node");
    copyFileSync(path, twice);
    const loaded: { abi: number } = createRequire(import.meta.url)(twice);
    assert.equal(loaded.abi, loadBinding().abi);
  });
});
