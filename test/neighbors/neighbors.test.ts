import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { ndmsg } from "../../lib/families/route.ts";
import { checkEntry, entryFromWire, entryToWire, type FdbConfig } from "../../lib/neighbors/entry.ts";
import { newneigh } from "../../lib/neighbors/schema.ts";
import { checkNeighbor, type NeighborConfig, neighborFromWire, neighborToWire } from "../../lib/neighbors/words.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { Reader, Writer } from "../../lib/wire/index.ts";
import { indexIn, NAMES, readAgain } from "../addresses/attributes.ts";
import { firstTryCounts } from "../needs.ts";

const MAC = "02:00:00:00:00:01";
const NEIGHBORS: Readonly<Record<string, object>> = {
  arp: {
    address: "192.0.2.5",
    dev: "d0",
    family: "inet",
    state: "permanent",
    mac: "02:00:00:00:00:05",
    protocol: "babel",
  },
  ipv6: {
    address: "2001:db8::5",
    dev: "d0",
    family: "inet6",
    state: "stale",
    mac: "02:00:00:00:00:06",
    router: true,
    externLearn: true,
  },
  managed: { address: "192.0.2.40", dev: "d0", family: "inet", state: "incomplete", managed: true, probes: 4 },
};
const ENTRIES: Readonly<Record<string, object>> = {
  remote: { mac: ZERO_MAC, dev: "vx0", state: "permanent", dst: "192.0.2.12", self: true },
  vxlan: {
    mac: "02:00:00:00:01:01",
    dev: "vx0",
    state: "static",
    dst: "192.0.2.13",
    port: 4790,
    vni: 77,
    via: "d0",
    self: true,
  },
  nhid: { mac: "02:00:00:00:01:04", dev: "vx0", state: "permanent", nhid: 922, self: true },
  "src-vni": {
    mac: "02:00:00:00:01:05",
    dev: "#14",
    state: "permanent",
    dst: "192.0.2.15",
    srcVni: 55,
    vni: 56,
    self: true,
  },
  vlan: { mac: "02:00:00:00:01:06", dev: "d1", state: "static", master: "br0", vlan: 1 },
  "link-netns": { mac: "02:00:00:00:01:07", dev: "#15", state: "permanent", dst: "192.0.2.16", self: true },
  bridge: { mac: "02:00:00:00:01:02", dev: "d1", state: "static", master: "br0", sticky: true },
  learned: { mac: "02:00:00:00:01:03", dev: "vx0", state: "dynamic", dst: "192.0.2.14", self: true, externLearn: true },
};

const REFUSED_NEIGHBORS: readonly (readonly [config: object, message: RegExp])[] = [
  [{ address: "192.0.2.5", dev: "d0" }, /^mac: missing; a neighbor of state permanent needs it/],
  [{ address: "192.0.2.5", mac: MAC }, /^dev: missing/],
  [{ address: "192.0.2.5", dev: "d0", lladdr: MAC }, /^lladdr: unknown key/],
  [{ address: "192.0.2.5/24", dev: "d0", mac: MAC }, /^address: expected an IPv4 or IPv6 address/],
  [{ address: "192.0.2.5", dev: "d0", mac: MAC, proxy: true }, /^mac: a proxy entry has none/],
  [{ address: "192.0.2.5", dev: "d0", mac: MAC, state: "alive" }, /^state: expected one of permanent, noarp/],
];
const REFUSED_ENTRIES: readonly (readonly [config: object, verb: string, message: RegExp])[] = [
  [{ mac: "02:00:00:00:00", dev: "d0" }, "create", /^mac: expected a MAC address/],
  [{ mac: MAC }, "create", /^dev: missing/],
  [{ mac: MAC, dev: "d0", vlan: 4095 }, "create", /^vlan: expected a whole number from 1 to 4094/],
  [{ mac: MAC, dev: "d0", state: "stale" }, "create", /^state: expected one of permanent, static, dynamic/],
  [{ mac: MAC, dev: "d0", dsst: "192.0.2.1" }, "create", /^dsst: unknown key; did you mean dst\?/],
  [{ mac: MAC, dev: "d0", dst: "192.0.2.1", nhid: 5 }, "create", /^nhid: stands beside dst/],
  [{ mac: ZERO_MAC, dev: "d0", dst: "192.0.2.1" }, "replace", /^mac: the kernel replaces no all-zero entry; append/],
  [{ mac: ZERO_MAC, dev: "d0" }, "delete", /^dst: missing; without it the kernel drops every remote/],
];

describe("neighbors", () => {
  for (const [name, expected] of Object.entries(NEIGHBORS))
    it(`reads the kernel's ${name}`, () => {
      const message = readAgain(`neighbors/${name}.hex`, newneigh, ndmsg.size);
      const { used, confirmed, updated, ...rest } = neighborFromWire(message, NAMES) ?? {};
      deepEqual(rest, expected);
      for (const time of [used, confirmed, updated]) equal(typeof time, "number");
    });

  it("reads the kernel's proxy", () => {
    const found = neighborFromWire(readAgain("neighbors/proxy.hex", newneigh, ndmsg.size), NAMES);
    deepEqual(found, { address: "192.0.2.41", dev: "d0", family: "inet", state: "none", proxy: true });
  });

  for (const [config, message] of REFUSED_NEIGHBORS)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(() => checkNeighbor(config as NeighborConfig, "create"), { code: "ERR_INPUT", message });
    });

  it("asks for resolution with the state left to the kernel", () => {
    const { header } = neighborToWire({ address: "192.0.2.5", dev: "d0", use: true }, "create", indexIn);
    deepEqual([header.state, header.flags], [0, 1]);
  });
});

describe("forwarding entries", function () {
  firstTryCounts(this);
  for (const [name, expected] of Object.entries(ENTRIES))
    it(`reads the kernel's ${name}`, () => {
      const { used, updated, ...rest } = entryFromWire(readAgain(`neighbors/${name}.hex`, newneigh, ndmsg.size), NAMES);
      deepEqual(rest, expected);
      for (const time of [used, updated]) equal(typeof time, "number");
    });

  for (const [config, verb, message] of REFUSED_ENTRIES)
    it(`refuses to ${verb} ${JSON.stringify(config)}`, () => {
      throws(() => checkEntry(config as FdbConfig, verb), { code: "ERR_INPUT", message });
    });

  it("reads what it writes", () => {
    const config = fc.record(
      {
        mac: fc
          .uint8Array({ minLength: 6, maxLength: 6 })
          .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":")),
        dev: fc.constantFrom(...NAMES.values()),
        dst: fc.ipV4(),
        vlan: fc.integer({ min: 1, max: 4094 }),
        port: fc.integer({ min: 1, max: 65535 }),
        vni: fc.integer({ min: 0, max: 0xff_ffff }),
        srcVni: fc.integer({ min: 0, max: 0xff_ffff }),
        via: fc.constantFrom(...NAMES.values()),
        state: fc.constantFrom("permanent" as const, "static" as const, "dynamic" as const),
        externLearn: fc.constant(true),
        sticky: fc.constant(true),
      },
      { requiredKeys: ["mac", "dev"] },
    );
    fc.assert(
      fc.property(config, (given) => {
        checkEntry(given, "append");
        const out = new Writer();
        newneigh.body.write(out, entryToWire(given, "append", indexIn));
        const bytes = out.finish();
        const found = entryFromWire(newneigh.body.read(new Reader(bytes), 0, bytes.length), NAMES);
        deepEqual(found, { state: "permanent", self: true, ...given });
      }),
    );
  });

  it("chooses the table", () => {
    const flags = (config: object): number | undefined =>
      entryToWire({ mac: MAC, dev: "d0", ...config }, "create", indexIn).header.flags;
    deepEqual(
      [{}, { master: true }, { master: "br0" }, { master: true, self: true }, { master: false }].map(flags),
      [2, 4, 4, 6, 2],
    );
  });
});
