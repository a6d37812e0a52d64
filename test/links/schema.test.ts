import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { linkKinds } from "../../lib/links/kinds/index.ts";
import { brport } from "../../lib/links/port.ts";
import { ifla, newlink, readCounters } from "../../lib/links/schema.ts";
import { type AnySchema, type MessageOut, NLMSG_HDRLEN, Reader, Writer, writeMessage } from "../../lib/wire/index.ts";
import { only } from "../fixtures.ts";
import { compare, header, numbersOf, shouted } from "../headers.ts";

type LinkMessage = MessageOut<typeof newlink>;
const FIXTURES = readdirSync("test/fixtures/links").filter((file) => file.endsWith(".hex"));

function read(bytes: Uint8Array): LinkMessage {
  return newlink.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length);
}
function written(value: LinkMessage): Uint8Array {
  const out = new Writer();
  writeMessage(out, newlink, value, 0, 0);
  return out.finish();
}
/** The kernel dumps a byte where it accepts a flag: false is written as nothing. */
function settable(value: LinkMessage): LinkMessage {
  const copy = structuredClone(value) as { attrs: { linkinfo?: { info?: { data?: { ttlInherit?: boolean } } } } };
  const data = copy.attrs.linkinfo?.info?.data;
  if (data?.ttlInherit === false) delete data.ttlInherit;
  return copy as LinkMessage;
}
/** Keys of attributes without a schema, however deep. */
function unknownIn(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    const here = `${path}.${key}`;
    return key.startsWith("#") ? [here] : unknownIn(part, here);
  });
}
/** The schema inside a field, where there is one. */
function inside(schema: AnySchema, ...keys: readonly string[]): AnySchema {
  let now = schema;
  for (const key of keys) {
    const field = now.fields[key];
    ok(field, `${now.name} has ${key}`);
    const { codec } = field.open(new Reader(new Uint8Array(8)), 0, { start: 0, end: 0 });
    ok(codec !== undefined && "fields" in codec, `${now.name}.${key} has attributes`);
    now = codec as AnySchema;
  }
  return now;
}

describe("links on the wire", () => {
  for (const file of FIXTURES) {
    it(`knows every attribute of ${file}, and writes back what it read`, () => {
      const bytes = only(`links/${file}`);
      const value = read(bytes);
      deepEqual(unknownIn(value), []);
      deepEqual(read(written(value)), settable(value));
    });

    it(`loses no byte of ${file} that it cannot name`, () => {
      const bytes = only(`links/${file}`).slice();
      // An attribute from the future at the end.
      const more = new Uint8Array([...bytes, 8, 0, 0xff, 0x0f, 1, 2, 3, 4]);
      const value = read(more);
      deepEqual(unknownIn(value), [".attrs.#4095"]);
      deepEqual(read(written(value)), settable(value));
    });
  }

  it("reads what `ip` asked for", () => {
    const data = (file: string): object | undefined => {
      const info = read(only(`links/${file}`)).attrs.linkinfo?.info;
      return info?.data instanceof Uint8Array ? undefined : info?.data;
    };
    const vxlan = data("vxlan-all.hex") as Record<string, unknown>;
    equal(vxlan["id"], 42);
    equal(vxlan["port"], 4789);
    deepEqual(vxlan["portRange"], { low: 100, high: 200 });
    equal(vxlan["ttlInherit"], true);
    equal(vxlan["gbp"], true);
    equal((data("vxlan-ipv6.hex") as Record<string, unknown>)["label"], 0x12345);
    equal((data("vxlan-ipv6.hex") as Record<string, unknown>)["group6"], "2001:db8::1");
    equal((data("bridge-stp.hex") as Record<string, unknown>)["forwardDelay"], 400);
    const mcast = data("bridge-mcast.hex") as Record<string, unknown>;
    equal((mcast["mcastQuerierState"] as Record<string, unknown>)["ipAddress"], "192.0.2.1");
    equal((mcast["multiBoolopt"] as Record<string, unknown>)["noLlLearn"], true);
    const veth = read(only("links/veth-pair.hex")).attrs;
    equal(veth.address, "02:00:00:00:00:01");
    equal(veth.ifalias, "left end");
    deepEqual(veth.propList?.altIfname, ["a-name-that-is-longer-than-fifteen"]);
    equal(typeof readCounters(veth.stats64 ?? new Uint8Array()).rxBytes, "bigint");
  });
});

describe("numbers of links", () => {
  const SCHEMAS: readonly (readonly [file: string, schema: AnySchema, names?: Record<string, string[]>])[] = [
    ["if_link.h", ifla, { targetNetnsid: ["IFLA_TARGET_NETNSID"] }],
    [
      "if_link.h",
      inside(ifla, "linkinfo"),
      { info: ["IFLA_INFO_KIND", "IFLA_INFO_DATA"], slave: ["IFLA_INFO_SLAVE_KIND", "IFLA_INFO_SLAVE_DATA"] },
    ],
    ["if_link.h", linkKinds.vxlan.wire],
    ["if_link.h", linkKinds.bridge.wire],
    ["if_link.h", brport],
    ["if_link.h", inside(ifla, "afSpec", "inet")],
    ["if_link.h", inside(ifla, "afSpec", "inet6")],
    ["if_link.h", inside(ifla, "xdp")],
    ["if_link.h", inside(ifla, "protoDownReason")],
    ["if_bridge.h", inside(linkKinds.bridge.wire, "mcastQuerierState")],
    ["veth.h", linkKinds.veth.wire],
  ];
  for (const [file, schema, names] of SCHEMAS)
    it(`${schema.name}_* are those of ${file}, all of them`, function () {
      const { checked, wrong } = compare(header(this, file), schema, names);
      deepEqual(wrong, []);
      ok(checked > 0);
    });

  it("are those of a veth's far end too", function () {
    const peer = linkKinds.veth.wire.fields.peer;
    ok(peer !== undefined);
    const numbers = header(this, "if_link.h");
    for (const [key, number] of Object.entries({ address: 1, ifname: 3, mtu: 4, netNsFd: 28 }))
      equal(numbers.get(`IFLA_${shouted(key)}`), number);
  });

  it("reads enumerators as a compiler does", () => {
    const numbers = numbersOf("enum { A, B = 5, /* x, */ C, D = B, __E_MAX, }; enum e {F}; #define G 7");
    deepEqual(
      [...numbers.entries()],
      [
        ["A", 0],
        ["B", 5],
        ["C", 6],
        ["D", 5],
        ["__E_MAX", 6],
        ["F", 0],
      ],
    );
  });
});
