/** Documents that are wrong: each message in one line, with the place and the way out. */
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { checkAll } from "../../lib/fabric/fabric.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { ConfigError, formatIssue, formatPath } from "../../lib/state/error.ts";
import { documentJsonSchema } from "../../lib/state/schema.ts";
import { parseSource, readSource } from "../../lib/state/source.ts";
import { firstTryCounts } from "../needs.ts";

function errorOf(text: string | Uint8Array): ConfigError {
  try {
    checkAll(parseSource(text, "f.yaml"));
  } catch (error) {
    ok(error instanceof ConfigError, String(error));
    return error;
  }
  throw new Error(`nothing is wrong with ${String(text)}`);
}
/** The lines that a document without its first line gets. */
function said(body: string): string[] {
  return errorOf(`linkwright: 1\n${body}`).message.split("\n");
}
const vxlan = (options: string): string => `links:\n  vx0: { kind: vxlan, vni: 39, ${options} }`;

/** What is wrong, the document after its first line, and the message. */
const TABLE: readonly (readonly [name: string, body: string, ...lines: string[]])[] = [
  ["unknown key", "link: {}", "f.yaml:2:1: link: unknown key; did you mean links?"],
  [
    "unknown option",
    "links:\n  br0:\n    kind: bridge\n    adresses: []",
    "f.yaml:5:5: links.br0.adresses: unknown key; did you mean addresses?",
  ],
  [
    "option of another kind",
    "links:\n  br0: { kind: bridge, vni: 3 }",
    "f.yaml:3:24: links.br0.vni: unknown key; known are ",
  ],
  [
    "unknown kind",
    "links:\n  a: { kind: brigde }",
    "f.yaml:3:14: links.a.kind: unknown kind of link; did you mean bridge?",
  ],
  ["wrong type", vxlan("dev: 5"), "f.yaml:3:37: links.vx0.dev: expected an interface name"],
  [
    "number as text",
    'links:\n  a: { kind: vxlan, vni: "39" }',
    'f.yaml:3:26: links.a.vni: expected a whole number from 0 to 16777215, got "39"',
  ],
  [
    "VNI of 2^24",
    "links:\n  a: { kind: vxlan, vni: 16777216 }",
    "f.yaml:3:26: links.a.vni: expected a whole number from 0 to 16777215, got 16777216",
  ],
  [
    "no VNI",
    "links:\n  a: { kind: vxlan }",
    "f.yaml:3:6: links.a.vni: missing; write the VXLAN network identifier, such as vni: 39",
  ],
  [
    "MTU of 65536",
    vxlan("mtu: 65536"),
    "f.yaml:3:37: links.vx0.mtu: expected a whole number of bytes from 68 to 65535, or auto, got 65536",
  ],
  [
    "MTU of 67",
    vxlan("mtu: 67"),
    "f.yaml:3:37: links.vx0.mtu: expected a whole number of bytes from 68 to 65535, or auto, got 67",
  ],
  [
    "name of 16 bytes",
    "links:\n  abcdefghijklmnop: { kind: bridge }",
    "f.yaml:3:3: links.abcdefghijklmnop: expected an interface name: 1 to 15 ",
  ],
  [
    "name with slash",
    "links:\n  a/b: { kind: bridge }",
    'f.yaml:3:3: links."a/b": expected an interface name: 1 to 15 ',
  ],
  [
    "name with newline",
    'links:\n  "a\\nb": { kind: bridge }',
    'f.yaml:3:3: links."a\\nb": expected an interface name: 1 to 15 ',
  ],
  [
    "name of somebody else with newline",
    'links:\n  "a\\nb": { mtu: 1400 }',
    'f.yaml:3:3: links."a\\nb": expected an interface name: 1 to 15 bytes',
  ],
  [
    "IPv4 and IPv6 in one tunnel",
    vxlan('local: 192.0.2.1, remote: "2001:db8::1"'),
    "f.yaml:3:39: links.vx0.local: 192.0.2.1 and remote 2001:db8::1 are of different families; use one",
  ],
  [
    "IPv4 and IPv6 in remotes",
    vxlan('remotes: [192.0.2.1, "2001:db8::1"]'),
    "f.yaml:3:53: links.vx0.remotes[1]: 2001:db8::1 and 192.0.2.1 are of different families; use one",
  ],
  [
    "twice the same remote",
    vxlan("remotes: [192.0.2.1, 192.0.2.1]"),
    "f.yaml:3:53: links.vx0.remotes[1]: 192.0.2.1 stands in this list already; keep one",
  ],
  [
    "flood without hosts",
    vxlan("flood: unicast"),
    "f.yaml:3:32: links.vx0.flood: flood needs hosts; without them write remotes: ",
  ],
  [
    "bridges in a loop",
    "links:\n  a: { kind: bridge, master: b }\n  b: { kind: bridge, master: a }",
    "f.yaml:3:30: links.a.master: a bridge cannot be a port of a bridge; join them by a veth",
    "f.yaml:4:30: links.b.master: a → b → a is a loop; take one of them out",
    "f.yaml:4:30: links.b.master: a bridge cannot be a port of a bridge; join them by a veth",
  ],
  [
    "links above each other in a loop",
    "links:\n  a: { kind: vlan, id: 5, dev: b }\n  b: { kind: macvlan, dev: c }\n  c: { kind: vlan, id: 6, dev: a }",
    "f.yaml:5:32: links.c.dev: a → b → c → a is a loop; take one of them out",
  ],
  [
    "two masters",
    "links:\n  a: { kind: bridge }\n  b: { kind: bridge }\n  c: { kind: macvlan, dev: eth0, master: a, master: b }",
    "f.yaml:5:45: the same key stands twice in this map; keep one",
  ],
  [
    "a link twice, with two masters",
    "links:\n  c: { master: a }\n  c: { master: b }",
    "f.yaml:4:3: the same key stands twice in this map; keep one",
  ],
  [
    "a master that has no ports",
    "links:\n  a: { kind: vxlan, vni: 5 }\n  c: { master: a }",
    "f.yaml:4:16: links.c.master: a is a vxlan, which has no ports; write the name of a bridge",
  ],
  [
    "VNI twice, among external ones",
    "links:\n  a: { kind: vxlan, external: true }\n  b: { kind: vxlan, external: true }",
    "f.yaml:4:31: links.b.external: a at line 3 has external: true on UDP port 4789 already; give one of them another dstport, or both vnifilter: true",
  ],
  ["gateway of another family", 'routes: [{ dst: "2001:db8::/32", via: 192.0.2.1 }]', "f.yaml:2:"],
  [
    "ends of a nexthop's ways of two families",
    'routes: [{ dst: "2001:db8::/32", nexthops: [{ via: "fd00::1" }, { via: 192.0.2.1 }] }]',
    "f.yaml:2:",
  ],
  [
    "address twice, in a link and beside",
    "links:\n  a: { kind: bridge, addresses: [192.0.2.1/24] }\naddresses: [{ address: 192.0.2.1/24, dev: b }]",
    "f.yaml:4:13: addresses[0]: 192.0.2.1 stands at line 3 already; keep one",
  ],
  [
    "route twice",
    "routes: [{ dst: 10.0.0.0/8, via: 192.0.2.1 }, { dst: 10.0.0.0/8, via: 192.0.2.2 }]",
    "f.yaml:2:47: routes[1]: route 10.0.0.0/8 via 192.0.2.1 stands at line 2 already; keep one",
  ],
  [
    "VNI and port twice",
    "links:\n  a: { kind: vxlan, vni: 39 }\n  b: { kind: vxlan, vni: 39, dstport: 4789 }",
    "f.yaml:4:26: links.b.vni: a at line 3 has VNI 39 on UDP port 4789 already; give one of them another vni or dstport",
  ],
  [
    "address twice",
    "links:\n  a: { kind: bridge, addresses: [192.0.2.1/24] }\n  b: { kind: bridge, addresses: [192.0.2.1/25] }",
    "f.yaml:4:34: links.b.addresses[0]: 192.0.2.1 stands at line 3 already; keep one",
  ],
  [
    "address without length",
    "links:\n  a: { kind: bridge, addresses: [192.0.2.1] }",
    "f.yaml:3:34: links.a.addresses[0]: expected an address with prefix length",
  ],
  [
    "NAT of an address in place of a network",
    "nat: [{ masquerade: 12.12.139.1/24, out: eth0 }]",
    "f.yaml:2:21: nat[0].masquerade: 12.12.139.1/24 has bits behind its prefix: write 12.12.139.0/24",
  ],
  [
    "NAT without output",
    "nat: [{ masquerade: 12.12.139.0/24 }]",
    "f.yaml:2:7: nat[0].out: missing; expected an interface name",
  ],
  [
    "forward of another word",
    "forward: [{ in: a, out: b, accept: some }]",
    'f.yaml:2:36: forward[0].accept: expected one of all, replies, got "some"',
  ],
  [
    "sysctl out of range",
    'sysctls:\n  "net.ipv4.conf.{all,eth0}.rp_filter": 3',
    'f.yaml:3:41: sysctls."net.ipv4.conf.{all,eth0}.rp_filter": net.ipv4.conf.all.rp_filter: expected 0..2, got 3',
  ],
  ["sysctl outside of net", "sysctls:\n  kernel.panic: 3", 'f.yaml:3:17: sysctls."kernel.panic": '],
  [
    "sysctl with two values",
    "sysctls:\n  net.ipv4.ip_forward: 1\n  net/ipv4/ip_forward: 0",
    'f.yaml:4:3: sysctls."net/ipv4/ip_forward": net.ipv4.ip_forward is 1 at line 3; keep one',
  ],
  [
    "route without a way",
    "routes: [{ dst: default }]",
    "f.yaml:2:10: routes[0].via: missing; a route needs via, dev, nexthops or nhid",
  ],
  [
    "variable without hosts",
    vxlan("dev: $underlay"),
    "f.yaml:3:37: links.vx0.dev: $underlay needs hosts, which say what it stands for; without them write the value",
  ],
  [
    "things on an absent link",
    "links:\n  a: { state: absent, addresses: [192.0.2.1/24] }",
    "f.yaml:3:23: links.a.addresses: a is absent, and with it goes all that is on it; leave addresses out",
  ],
];

/** Files that are no documents. */
const FILES: readonly (readonly [name: string, text: string | Uint8Array, line: string])[] = [
  ["nothing", "", "f.yaml:1:1: the file is empty; a document begins with `linkwright: 1`"],
  ["a comment", "# hello\n", "f.yaml:1:1: the file is empty; a document begins with `linkwright: 1`"],
  ["a list", "- 1", "f.yaml:1:1: expected a map of keys such as links and sysctls; it begins with `linkwright: 1`"],
  ["text", "hello", "f.yaml:1:1: expected a map of keys such as links and sysctls; it begins with `linkwright: 1`"],
  ["no YAML", "a: [1,\nb", "f.yaml:2:1: this is not YAML: "],
  ["tabs", "links:\n\ta: 1", "f.yaml:2:1: this is not YAML: Tabs are not allowed as indentation"],
  ["a key twice", "linkwright: 1\nlinks: {}\nlinks: {}", "f.yaml:3:1: the same key stands twice in this map; keep one"],
  [
    "two documents",
    "linkwright: 1\n---\nlinkwright: 1",
    "f.yaml:2:1: more than one YAML document in one file; keep one",
  ],
  [
    "another version",
    "linkwright: 2\nanything: 1",
    "f.yaml:1:13: linkwright: expected 1, the version of the format, got 2",
  ],
  ["no version", "links: {}", "f.yaml:1:1: linkwright: missing; expected 1, the version of the format"],
  [
    "an alias of nothing",
    "linkwright: 1\nlinks: *a",
    "f.yaml:2:8: links: there is no &a above that *a could stand for",
  ],
  [
    "a tag",
    "linkwright: 1\nlinks: !!binary aGk=",
    "f.yaml:2:17: links: expected maps, lists, text, numbers, true, false; put quotes around it",
  ],
  [
    "a binary",
    new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0]),
    "f.yaml:1:1: this is a binary file, not a YAML document",
  ],
  [
    "another encoding",
    new Uint8Array([0x61, 0x3a, 0x20, 0xe4, 0x0a]),
    "f.yaml:1:1: this is not text in UTF-8; a document is YAML text",
  ],
  [
    "ten megabytes",
    "#".repeat(10_000_000),
    "f.yaml:1:1: the file has 10000000 bytes; a document has at most 8388608: is this the right file?",
  ],
  ["a deep list", `a: ${"[".repeat(5000)}`, "values too deep within each other"],
];

describe("a document that is wrong", function () {
  firstTryCounts(this);
  for (const [name, body, ...lines] of TABLE)
    it(`has ${name}`, () => {
      const found = said(body);
      equal(found.length, lines.length, found.join("\n"));
      for (const [i, line] of lines.entries()) ok(found[i]?.startsWith(line), `${found[i]}\n${line}`);
    });
  for (const [name, text, line] of FILES)
    it(`is ${name}`, () => {
      const found = errorOf(text).message.split("\n");
      equal(found.length, 1, found.join("\n"));
      ok(found[0]?.includes(line), `${found[0]}\n${line}`);
    });

  it("has not the same VNI twice where the ends are of two families, as the kernel has it", () => {
    const two = 'a: { kind: vxlan, vni: 5, remote: 192.0.2.1 }\n  b: { kind: vxlan, vni: 5, remote: "2001:db8::1" }';
    equal(desiredOf(parseSource(`linkwright: 1\nlinks:\n  ${two}\n`)).links.length, 2);
  });
  it("is a bomb of aliases", () => {
    const levels = ["a", "b", "c", "d", "e", "f", "g"];
    const bomb = levels
      .map((name, i) => `${name}: &${name} [${`*${levels[i - 1]},`.repeat(i === 0 ? 0 : 10)}]`)
      .join("\n");
    match(
      errorOf(`linkwright: 1\n${bomb}`).message,
      /^f\.yaml:1:1: too many values|^f\.yaml:\d+:\d+: [a-g]: unknown key/,
    );
  });

  it("has all of its mistakes told at once, in the order of the file", () => {
    const { issues, code } = errorOf(
      "linkwright: 1\nsysctls: []\nlinks:\n  a: { kind: vxlan, vni: -1, mtu: x }\nfoo: 1",
    );
    equal(code, "ERR_CONFIG");
    deepEqual(
      issues.map(({ line, path }) => `${line} ${formatPath(path)}`),
      ["2 sysctls", "4 links.a.vni", "4 links.a.mtu", "5 foo"],
    );
  });

  it("cannot write to the terminal", () => {
    const found = errorOf('linkwright: 1\n"a\\e[31m": 1\nlinks: { b: { kind: bridge, mtu: "\\e[0m\\n" } }');
    ok([...found.message].every((char) => char >= " " || char === "\n"));
    equal(found.message.split("\n").length, 2);
    equal(
      formatIssue({ file: "\u001b", line: 1, column: 2, path: ["\n"], message: "\u0007" }).includes("\u001b"),
      false,
    );
  });

  it("is never anything but a ConfigError", () => {
    const words = fc.constantFrom(
      "linkwright: 1",
      "links:",
      "  a:",
      " {",
      "}",
      "[",
      "]",
      "kind: vxlan",
      "mtu: auto",
      "&x",
      "*x",
      "\n",
      ", ",
      "nat:",
      "- ",
      "1",
      '"',
      "$peer",
      "hosts:",
      "<<: ",
      "__proto__: ",
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 20 }), (parts) => {
        try {
          checkAll(parseSource(`linkwright: 1\n${parts.join("")}`));
        } catch (error) {
          ok(error instanceof ConfigError, String((error as Error).stack));
          ok(error.issues.length > 0);
        }
      }),
      { numRuns: Number(process.env["FC_RUNS"] ?? 1000) },
    );
  });
});

describe("a document that is right", () => {
  for (const name of ["two-hosts", "three-hosts", "two-hosts-ipv6"])
    it(`is examples/${name}.yaml`, async () => {
      ok(checkAll(await readSource(`examples/${name}.yaml`)).size >= 2);
    });

  it("may use anchors and merge keys", () => {
    const text =
      "linkwright: 1\nlinks:\n  a: &bridge { kind: bridge, stp: true }\n  b: { <<: *bridge, stp: false }\n  c: *bridge";
    const links = checkAll(parseSource(text)).get("")?.links ?? [];
    deepEqual(
      links.map(({ options }) => options["stp"]),
      [true, false, true],
    );
  });

  it("is brought to the kernel's way of writing", () => {
    const text =
      'linkwright: 1\nlinks:\n  a: { kind: vxlan, vni: 1, remote: "2001:DB8:0::1", mac: "02:00:00:00:00:0A" }\nroutes: [{ dst: "2001:DB8::/32", dev: a }]';
    const found = checkAll(parseSource(text)).get("");
    deepEqual(found?.links[0]?.options, { up: true, vni: 1, remote: "2001:db8::1", mac: "02:00:00:00:00:0a" });
    equal(found?.routes[0]?.words["dst"], "2001:db8::/32");
  });

  it("is each one on the page about documents", async () => {
    const page = await readFile("docs/document.md", "utf8");
    const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
    ok(blocks.length >= 3);
    for (const text of blocks) desiredOf(parseSource(text.startsWith("linkwright") ? text : `linkwright: 1\n${text}`));
  });

  it("has a JSON Schema with each kind's options", async () => {
    const text = JSON.stringify(documentJsonSchema());
    for (const word of ["vni", "ageing", "maximum", "auto", "masquerade", "hairpin", "additionalProperties"])
      ok(text.includes(word), word);
    ok(!(await readFile("lib/state/schema.ts", "utf8")).includes("dstport"), "options stand with their kinds");
  });
});

describe("a file", () => {
  it("is told when it cannot be read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "document-"));
    try {
      const big = join(folder, "big.yaml");
      writeFileSync(big, "#".repeat(9_000_000));
      for (const [path, reason] of [
        [join(folder, "none.yaml"), /:1:1: there is no such file$/],
        [folder, /:1:1: this is a directory, not a file$/],
        [big, /:1:1: the file has 9000000 bytes/],
      ] as const)
        await readSource(path).then(
          () => ok(false),
          (error: unknown) =>
            throws(() => {
              throw error;
            }, reason),
        );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
