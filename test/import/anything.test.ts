/** Whatever is pasted is read to its end: nothing throws, nothing is run, every document is a document. */
import { doesNotThrow, ok } from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { checkAll } from "../../lib/fabric/fabric.ts";
import { importCommands } from "../../lib/import/commands.ts";
import { writeDraft } from "../../lib/import/draft.ts";
import { formatFinding } from "../../lib/import/finding.ts";
import { parseSource } from "../../lib/state/source.ts";
import { firstTryCounts } from "../needs.ts";

const WORDS = [
  ...[
    "ip",
    "bridge",
    "brctl",
    "iptables",
    "ip6tables",
    "nft",
    "sysctl",
    "echo",
    "cat",
    "tee",
    "sudo",
    "sh",
    "-c",
    "netns",
    "exec",
  ],
  ...[
    "link",
    "addr",
    "route",
    "neigh",
    "rule",
    "nexthop",
    "fdb",
    "vlan",
    "vni",
    "mdb",
    "add",
    "set",
    "del",
    "append",
    "replace",
  ],
  ...[
    "dev",
    "name",
    "type",
    "bridge",
    "vxlan",
    "veth",
    "peer",
    "id",
    "remote",
    "local",
    "dstport",
    "master",
    "up",
    "down",
    "mtu",
    "via",
  ],
  ...[
    "br0",
    "vx0",
    "eth0",
    "__proto__",
    "constructor",
    "../x",
    "192.0.2.1/24",
    "192.0.2.9",
    "2001:db8::1/64",
    "default",
    "39",
    "4789",
    "1500",
    "0x10",
    "-1",
  ],
  ...[
    "-t",
    "nat",
    "-A",
    "FORWARD",
    "POSTROUTING",
    "-i",
    "-o",
    "-s",
    "-j",
    "ACCEPT",
    "MASQUERADE",
    "-m",
    "state",
    "--state",
    "RELATED,ESTABLISHED",
  ],
  ...["table", "chain", "rule", "inet", "forward", "{", "}", "\\;", "accept", "oifname", "ct", "state", "masquerade"],
  ...[
    "net.ipv4.ip_forward=1",
    "net.ipv4.conf.vx0.rp_filter=0",
    ">",
    ">>",
    "<<EOF",
    "EOF",
    "|",
    "&&",
    "||",
    ";",
    "&",
    "#",
    "$X",
    "$(x)",
    "`x`",
    "'",
    '"',
    "\\",
    "~~~",
    "(",
    ")",
  ],
  ...[
    "/proc/sys/net/ipv4/ip_forward",
    "/etc/sysctl.d/x.conf",
    "vid",
    "10-20",
    "grp",
    "239.1.1.1",
    "for",
    "do",
    "done",
    "if",
    "fi",
    "$",
    "\t",
    "\u0000",
    "é",
    "**Baremetal 1:**",
    "VNI",
  ],
];
const lines = fc
  .array(
    fc.array(fc.constantFrom(...WORDS), { maxLength: 14 }).map((words) => words.join(" ")),
    { maxLength: 12 },
  )
  .map((all) => all.join("\n"));
const text = fc.oneof(
  { weight: 5, arbitrary: lines },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 400 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString("utf8")) },
);

/** Reads a paste, and sees that what comes out is a document, and fit for a terminal. */
function read(inputs: readonly string[]): void {
  const commands = inputs.map((one, i) => ({ file: `f${i}`, text: one, ...(inputs.length > 1 && { host: `h${i}` }) }));
  const { draft, findings } = importCommands(commands);
  checkAll(parseSource(writeDraft(draft)));
  for (const finding of findings) ok(!/[\p{Cc}\u2028\u2029]/u.test(formatFinding(finding)), formatFinding(finding));
}

describe("import: anything", function () {
  firstTryCounts(this);
  this.timeout(60_000);

  it("reads any text", () => {
    fc.assert(
      fc.property(text, (one) => doesNotThrow(() => read([one]), one)),
      { numRuns: 1500 },
    );
  });

  it("puts any two texts together", () => {
    fc.assert(
      fc.property(lines, lines, (one, other) => doesNotThrow(() => read([one, other]))),
      { numRuns: 300 },
    );
  });

  it("runs nothing", () => {
    const folder = mkdtempSync(join(tmpdir(), "linkwright-import-"));
    const file = join(folder, "made");
    try {
      const ways = [
        `touch ${file}`,
        `ip link set $(touch ${file}) up`,
        `ip link set \`touch ${file}\` up`,
        `echo x > ${file}`,
        `cat <<EOF > ${file}\nx\nEOF`,
        `sh -c 'touch ${file}'`,
        `ip netns exec x touch ${file}`,
        `ip -batch ${file}`,
        `nft -f ${file}`,
        `source ${file}; . ${file}; eval touch ${file}`,
        `nft "$(touch ${file})"; sysctl -p ${file}; tee ${file} <<< x; { touch ${file}; }; (touch ${file})`,
      ];
      importCommands([{ file: "f", text: ways.join("\n") }]);
      for (const one of ways) importCommands([{ file: "f", text: one }]);
      ok(!existsSync(file));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("imports nothing that could run a program or write a file", () => {
    const folder = "lib/import";
    const sources = [
      "commands.ts",
      "shell.ts",
      "lexer.ts",
      "blocks.ts",
      "settle.ts",
      "draft.ts",
      "slips.ts",
      "fabric.ts",
    ];
    for (const source of sources)
      ok(!/node:(child_process|fs|vm|worker_threads)/.test(readFileSync(join(folder, source), "utf8")), source);
  });

  it("takes long lines and many of them", () => {
    const many = Array.from({ length: 2000 }, (_, i) => `ip link add br${i} up type bridge`).join("\n");
    const start = process.hrtime.bigint();
    read([many]);
    read([`ip link add ${"x".repeat(200_000)} type bridge`]);
    read([`echo '${"a ".repeat(200_000)}`]);
    ok(process.hrtime.bigint() - start < 20_000_000_000n);
  });
});
