/** `linkwright import`: the document on standard output, findings on standard error, the exit code. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs } from "../../test/needs.ts";
import { Documents, linkwright } from "../cli/kit.ts";

describe("linkwright import", function () {
  this.timeout(60_000);

  it("prints the document of commands, and what is amiss", () => {
    using documents = new Documents();
    const file = documents.write("ip link add br0 type bridge\n", "a.txt");
    const { status, stdout, stderr } = linkwright("import", "--commands", file);
    equal(stdout, "linkwright: 1\n\nlinks:\n  br0:\n    kind: bridge\n");
    deepEqual(stderr.trimEnd().split("\n"), [
      `${file}:1: warning: br0 is made and never set up; the document sets it up; write ip link set br0 up`,
      `${file}:1: note: links, addresses and routes of line 1 are gone after a reboot; apply the document at boot`,
    ]);
    equal(status, 2);
  });

  it("is content where nothing is amiss", () => {
    using documents = new Documents();
    const file = documents.write("ip link add br0 up type bridge\n", "a.txt");
    equal(linkwright("import", "--commands", file).status, 0);
    const { document, findings } = JSON.parse(linkwright("import", "--commands", file, "--json").stdout) as {
      document: string;
      findings: object[];
    };
    equal(document, "linkwright: 1\n\nlinks:\n  br0:\n    kind: bridge\n");
    deepEqual(findings, [
      {
        file,
        line: 1,
        level: "note",
        message: "links, addresses and routes of line 1 are gone after a reboot",
        fix: "apply the document at boot",
      },
    ]);
  });

  it("puts hosts together, and what it prints is taken by plan", () => {
    const fixture = (n: number): string => `test/fixtures/import/founding-story-bm${n}.txt`;
    const { status, stdout } = linkwright(
      "import",
      "--commands",
      `bm1=${fixture(1)}`,
      "--commands",
      `bm2=${fixture(2)}`,
    );
    equal(status, 2);
    using documents = new Documents();
    const planned = linkwright("plan", documents.write(stdout), "--host", "bm2");
    // This host has no such underlay: the document itself is right.
    ok(planned.stderr.includes("there is no link ens34f0"), planned.stderr);
  });

  it("refuses what makes no sense, in one line", () => {
    const said = (...args: readonly string[]): string => {
      const { status, stdout, stderr } = linkwright("import", ...args);
      equal(status, 1);
      equal(stdout, "");
      return stderr;
    };
    equal(said("--commands", "/nowhere"), "linkwright: /nowhere: there is no such file\n");
    equal(said("--commands", "/"), "linkwright: /: this is a directory, not a file\n");
    equal(
      said("--commands", "a", "--commands", "b"),
      "linkwright: several files need a host each: --commands bm1=FILE --commands bm2=FILE\n",
    );
    equal(said("--commands"), "linkwright: --commands needs a value: --commands [HOST=]FILE\n");
  });

  it("prints the document of a namespace, which changes nothing there", async function () {
    needs(this, "ip");
    await using namespace = await TestNamespace.create();
    const { name } = namespace;
    const made = linkwright(
      "apply",
      documentFile("linkwright: 1\nlinks: { br0: { kind: bridge, ageing: 60, addresses: [192.0.2.1/24] } }\n"),
      "--netns",
      String(name),
    );
    equal(made.status, 0, made.stderr);
    const { status, stdout, stderr } = linkwright("import", "--netns", String(name));
    equal(status, 0, stderr);
    ok(stdout.includes("  br0:\n    kind: bridge\n    ageing: 60\n    addresses: [ 192.0.2.1/24 ]\n"), stdout);
    const planned = linkwright("plan", documentFile(stdout), "--netns", String(name));
    equal(planned.status, 0, planned.stdout + planned.stderr);
  });

  const documents = new Documents();
  after(() => documents[Symbol.dispose]());
  const documentFile = (text: string): string => documents.write(text);
});
