import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { confFromWire, confToWire } from "../../lib/devconf/devconf.ts";
import { netconfFromWire } from "../../lib/devconf/netconf.ts";
import * as schema from "../../lib/devconf/schema.ts";
import { fromArray, type Settings } from "../../lib/devconf/setting.ts";
import { inet6Settings, inetSettings } from "../../lib/devconf/settings.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { type Message, Reader, Writer } from "../../lib/wire/index.ts";
import { only } from "../fixtures.ts";
import { compare, constantOf, header } from "../headers.ts";

function read<O>({ type, body }: Message<never, O>, file: string): O {
  const from = new Reader(only(`devconf/${file}.hex`));
  equal(from.u16[2], type);
  return body.read(from, 16, from.u8.length);
}
const bytesOf = (body: { write(out: Writer, value: never): void }, value: unknown): Uint8Array => {
  const out = new Writer();
  body.write(out, value as never);
  return out.finish();
};

describe("devconf: captures", () => {
  const conf = confFromWire(read(schema.newlink, "link"));

  it("tells the sysctls of a link", () => {
    equal(conf.name, "v0");
    const { forwarding, rpFilter, proxyArp, arpAnnounce, mediumId, arpEvictNocarrier } = conf.inet ?? {};
    deepEqual([forwarding, rpFilter, proxyArp, arpAnnounce, mediumId], [true, "loose", true, 2, -1]);
    equal(arpEvictNocarrier, true);
    deepEqual(
      [conf.inet?.igmpv2UnsolicitedReportInterval, conf.inet?.igmpv3UnsolicitedReportInterval],
      [10, 2.5],
      "seconds",
    );
    const { acceptRa, routerSolicitationInterval, proxyNdp, hopLimit, mtu } = conf.inet6 ?? {};
    deepEqual([acceptRa, routerSolicitationInterval, proxyNdp, hopLimit, mtu], [2, 7, true, 64, 1500]);
  });

  it("keeps what it has no word for", () => {
    equal(conf.inet6?.["#36"], 0, "the stable secret, which is never told");
    deepEqual(fromArray({}, new Uint8Array(new Int32Array([7, -8]).buffer), 40), { "#40": 7, "#41": -8 });
    deepEqual(fromArray(inetSettings, new Uint8Array(7), 1), { forwarding: false }, "half a number is none");
  });

  for (const [file, family, rest] of [
    ["netconf-inet", "inet", { rpFilter: "loose", bcForwarding: false, proxyNeigh: true }],
    ["netconf-inet6", "inet6", { proxyNeigh: true }],
    ["netconf-inet-all", "inet", { rpFilter: "off", bcForwarding: false, proxyNeigh: false }],
    ["netconf-inet6-all", "inet6", { proxyNeigh: false }],
    ["netconf-mpls", "mpls", { input: true }],
  ] as const)
    it(`reads ${file}, and writes the same bytes`, () => {
      const message = read(schema.newnetconf, file);
      const entry = netconfFromWire(message, new Map([[message.attrs.ifindex ?? 0, "v0"]]));
      equal(entry.family, family);
      equal(entry.dev, file.endsWith("all") ? "all" : "v0");
      for (const [key, value] of Object.entries(rest)) equal(entry[key as "dev"], value, key);
      deepEqual(
        Buffer.from(bytesOf(schema.newnetconf.body, message)),
        Buffer.from(only(`devconf/${file}.hex`).subarray(16)),
      );
    });
});

describe("devconf: words", () => {
  it("are sent as a nest of numbers", () => {
    const conf = confToWire({ rpFilter: "strict", mediumId: -1, igmpv2UnsolicitedReportInterval: 1.5 });
    deepEqual(conf, { rpFilter: 1, mediumId: -1, igmpv2UnsolicitedReportInterval: 1500 });
    const body = bytesOf(schema.setlink.body, { header: { index: 3 }, attrs: { afSpec: { inet: { conf } } } });
    const nests = "24001a80" + "20000280" + "1c000180";
    const attributes = "0800080001000000" + "08000e00ffffffff" + "08001b00dc050000";
    equal(Buffer.from(body.subarray(16)).toString("hex"), nests + attributes);
  });

  for (const [changes, at, said] of [
    [{ rpfilter: 1 }, "rpfilter", /did you mean rpFilter/],
    [{ rpFilter: "firm" }, "rpFilter", /expected one of off, strict, loose/],
    [{ forwarding: 1 }, "forwarding", /expected true or false, got 1/],
    [{ mcForwarding: true }, "mcForwarding", /unknown key/],
    [{ arpIgnore: 9 }, "arpIgnore", /from 0 to 8, got 9/],
    [{ mediumId: -2 }, "mediumId", /from -1 to/],
    [{}, "changes", /nothing to set/],
    [{ forwarding: undefined }, "changes", /nothing to set/],
  ] as const)
    it(`refuses ${JSON.stringify(changes)}`, () =>
      throws(
        () => confToWire(changes as never),
        (error) => error instanceof InputError && error.path.join(".") === at && said.test(error.reason),
      ));
});

describe("devconf: numbers", () => {
  for (const [file, prefix, settings, without] of [
    ["ip.h", "IPV4_DEVCONF", inetSettings, []],
    ["ipv6.h", "DEVCONF", inet6Settings, ["DEVCONF_STABLE_SECRET", "DEVCONF_MAX"]],
  ] as const)
    it(`of ${prefix} are those of ${file}, all of them`, function () {
      const numbers = header(this, file);
      const last = prefix === "DEVCONF" ? numbers.get("DEVCONF_MAX") : numbers.get("__IPV4_DEVCONF_MAX");
      ok(last !== undefined && last > 30);
      const seen = new Set<string>(without);
      for (const [word, { number }] of Object.entries(settings as Settings)) {
        const constant = constantOf(prefix, word);
        seen.add(constant);
        if (number < last) equal(numbers.get(constant), number, constant);
      }
      for (const [constant, number] of numbers)
        if (constant.startsWith(`${prefix}_`) && number < last) ok(seen.has(constant), `${constant} has no word`);
    });

  it("of NETCONFA are those of netconf.h, all of them", function () {
    const { checked, wrong, newer } = compare(header(this, "netconf.h"), schema.netconfa);
    deepEqual(wrong, []);
    equal(checked + newer.length, 9);
  });

  it("of messages and groups are those of rtnetlink.h", function () {
    const numbers = header(this, "rtnetlink.h");
    for (const { name, type } of [schema.newnetconf, schema.delnetconf, schema.getnetconf, schema.setlink])
      equal(numbers.get(name), type, name);
    const groups = { IPV4: "inet", IPV6: "inet6", MPLS: "mpls" } as const;
    for (const [word, family] of Object.entries(groups))
      equal(numbers.get(`RTNLGRP_${word}_NETCONF`), schema.NETCONF_GROUPS[family], word);
  });
});
