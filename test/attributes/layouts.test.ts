/**
 * Structs as the C compiler of this machine lays them out: how long they are, and where each member stands. Attributes that
 * are no structs have one possible length, and what a kernel told in another is kept as unknown, which captures.test.ts
 * and the tests of each service refuse.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ifaddrlblmsg } from "../../lib/addresses/label-schema.ts";
import { brVlanMsg, tunnelMsg } from "../../lib/bridges/schema.ts";
import { fibRuleHdr, ifaddrmsg, ifinfomsg, ndmsg, nhmsg, rtmsg } from "../../lib/families/route.ts";
import { tcmsg } from "../../lib/families/tc.ts";
import { ndtmsg } from "../../lib/neighbors/table-schema.ts";
import { type Fixed, Reader } from "../../lib/wire/index.ts";
import { shouted } from "../headers.ts";
import { skip } from "../needs.ts";
import { sections } from "./sections.ts";

type Struct = Fixed<never, object>;
type Extent = readonly [offset: number, size: number];

const HEADERS = [
  ...[
    "rtnetlink",
    "if_link",
    "if_bridge",
    "if_addr",
    "if_addrlabel",
    "neighbour",
    "fib_rules",
    "nexthop",
    "time_types",
  ],
  ...["pkt_sched", "pkt_cls", "gen_stats", "tc_act/tc_gact", "tc_act/tc_mirred"],
].map((name) => `linux/${name}.h`);
/** What C puts before the names of a struct's members. */
const PREFIXES: Readonly<Record<string, string>> = {
  ifinfomsg: "ifi_",
  ifaddrmsg: "ifa_",
  rtmsg: "rtm_",
  ndmsg: "ndm_",
  nhmsg: "nh_",
  tcmsg: "tcm_",
  rta_cacheinfo: "rta_",
  rta_mfc_stats: "mfcs_",
  nda_cacheinfo: "ndm_",
  ndtmsg: "ndtm_",
  ndt_config: "ndtc_",
  ndt_stats: "ndts_",
  ifaddrlblmsg: "ifal_",
  __kernel_timespec: "tv_",
};
const NAMES: Readonly<Record<string, string>> = {
  "ifa_cacheinfo.prefered": "ifa_prefered",
  "ifa_cacheinfo.valid": "ifa_valid",
  "tc_netem_corr.delay": "delay_corr",
  "tc_netem_corr.loss": "loss_corr",
  "tc_netem_corr.duplicate": "dup_corr",
};

const readOf = (struct: Struct, bytes: Uint8Array): object => {
  const padded = new Uint8Array((struct.size + 7) & ~7);
  padded.set(bytes);
  return struct.read(new Reader(padded), 0, struct.size);
};
const text = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));

function isStruct(codec: unknown): codec is Struct {
  const { size, name = "" } = (codec ?? {}) as Partial<Struct>;
  if (size === undefined || !/^[a-z_0-9]+$/.test(name)) return false;
  return typeof readOf(codec as Struct, new Uint8Array(size)) === "object";
}
/** The headers of messages, and the structs that are attributes. */
function structs(): Map<string, Struct> {
  const attributes = sections().flatMap(({ schema }) =>
    Object.values(schema.fields).flatMap((field) => {
      const nowhere = { u8: [], u16: [], u32: [] } as never;
      return [field.plain, field.open(nowhere, field.claims[0] ?? 0, { start: 0, end: 0 }).codec];
    }),
  );
  const headers = [
    ifinfomsg,
    ifaddrmsg,
    rtmsg,
    ndmsg,
    fibRuleHdr,
    nhmsg,
    tcmsg,
    brVlanMsg,
    tunnelMsg,
    ifaddrlblmsg,
    ndtmsg,
  ];
  return new Map([...headers, ...attributes].filter(isStruct).map((one) => [one.name, one]));
}

/** Where each member stands here: the bytes that it depends on. */
function extents(struct: Struct): Map<string, Extent> {
  const zero = readOf(struct, new Uint8Array(struct.size)) as Readonly<Record<string, unknown>>;
  const found = new Map<string, Extent>();
  for (let at = 0; at < struct.size; at++)
    for (const byte of [1, 0xff]) {
      const bytes = new Uint8Array(struct.size);
      bytes[at] = byte;
      for (const [key, value] of Object.entries(readOf(struct, bytes))) {
        if (!(key in zero) || text(value) === text(zero[key])) continue;
        const [begin = at] = found.get(key) ?? [];
        found.set(key, [begin, at + 1 - begin]);
      }
    }
  return found;
}

const nameInC = (struct: string, key: string): string =>
  NAMES[`${struct}.${key}`] ?? `${PREFIXES[struct] ?? ""}${shouted(key).toLowerCase()}`;

/** What the compiler says: the size of each struct, and of each member where it stands and how long it is. */
function compiled(context: Mocha.Context, all: ReadonlyMap<string, Struct>): Map<string, readonly number[]> {
  const lines = [...all].flatMap(([name, struct]) => [
    `printf("${name} %zu\\n", sizeof(struct ${name}));`,
    ...[...extents(struct).keys()].map((key) => {
      const member = nameInC(name, key);
      return `printf("${name}.${key} %zu %zu\\n", offsetof(struct ${name}, ${member}), sizeof(((struct ${name} *)0)->${member}));`;
    }),
  ]);
  const includes = ["stdio.h", "stddef.h", "sys/socket.h", ...HEADERS].map((file) => `#include <${file}>`);
  const folder = mkdtempSync(join(tmpdir(), "layouts-"));
  try {
    const program = join(folder, "layouts");
    const source = [...includes, "int main(void) {", ...lines, "}"].join("\n");
    const made = spawnSync("cc", ["-x", "c", "-", "-o", program], { input: source, encoding: "utf8" });
    if (made.error !== undefined) skip(context, "there is no cc; apt-get install gcc");
    equal(made.stderr, "");
    const { stdout } = spawnSync(program, { encoding: "utf8" });
    const rows = stdout.trim().split("\n");
    return new Map(rows.map((row) => row.split(" ")).map(([name = "", ...numbers]) => [name, numbers.map(Number)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("layouts of structs", () => {
  it("are those of the compiler, member for member", function () {
    const files = HEADERS.map((name) => `/usr/include/${name}`).filter(existsSync);
    if (files.length < HEADERS.length) skip(this, "headers are missing; apt-get install linux-libc-dev");
    const source = files.map((file) => readFileSync(file, "utf8")).join("\n");
    const known = new Map([...structs()].filter(([name]) => new RegExp(`struct ${name}\\b`).test(source)));
    const theirs = compiled(this, known);
    const ours = [...known].flatMap(([name, struct]) => [
      [name, [struct.size]] as const,
      ...[...extents(struct)].map(([key, extent]) => [`${name}.${key}`, [...extent]] as const),
    ]);
    deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs));
    ok(known.size > 40, `${known.size} structs`);
    ok(ours.length > 200, `${ours.length} sizes and places`);
  });
});
