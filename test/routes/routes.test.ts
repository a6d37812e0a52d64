import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { canonicalPrefix, maskedAddress, parsePrefix } from "../../lib/families/prefix.ts";
import { rtmsg } from "../../lib/families/route.ts";
import { routeFromWire, routeToWire } from "../../lib/routes/convert.ts";
import { multipath, newroute, rtvia } from "../../lib/routes/schema.ts";
import { canonicalRoute, checkRoute, type RouteConfig } from "../../lib/routes/words.ts";
import { Reader, WireError, Writer } from "../../lib/wire/index.ts";
import { indexIn, NAMES, readAgain } from "../addresses/attributes.ts";
import { firstTryCounts } from "../needs.ts";

const four = { family: "inet", table: "main", type: "unicast", protocol: "boot", scope: "global" };
const six = { family: "inet6", table: "main", type: "unicast", protocol: "boot", metric: 1024, pref: "medium" };
const CAPTURES: Readonly<Record<string, object>> = {
  default: { ...four, dst: "default", via: "192.0.2.9", dev: "d0" },
  via: {
    ...four,
    dst: "10.0.0.0/8",
    via: "192.0.2.7",
    dev: "d0",
    src: "192.0.2.1",
    metric: 50,
    protocol: "static",
    tos: 16,
  },
  metrics: {
    ...four,
    dst: "10.1.0.0/16",
    via: "192.0.2.7",
    dev: "d0",
    mtu: 1400,
    window: 9000,
    rtt: 0.1,
    rttvar: 0.05,
    advmss: 1300,
    hoplimit: 9,
    initcwnd: 20,
    features: 1,
    rtoMin: 0.03,
    quickack: true,
    congctl: "cubic",
    lock: ["mtu", "rtoMin"],
  },
  multipath: {
    ...four,
    dst: "10.2.0.0/16",
    nexthops: [
      { via: "192.0.2.7", dev: "d0", weight: 3 },
      { via: "203.0.113.9", dev: "d0", weight: 1, onlink: true },
    ],
  },
  blackhole: { ...four, dst: "10.3.0.0/16", type: "blackhole", table: 1000 },
  encap: {
    ...four,
    dst: "10.5.0.0/16",
    dev: "d0",
    scope: "link",
    encap: { type: "ip", id: 39, dst: "192.0.2.12" },
  },
  "encap-ip6": {
    ...four,
    dst: "10.6.0.0/16",
    dev: "d0",
    scope: "link",
    encap: { type: "ip6", id: 7, dst: "2001:db8::9", src: "2001:db8::1", ttl: 3, csum: true },
  },
  nhid: { ...four, dst: "10.16.0.0/16", nhid: 920, via: "192.0.2.7", dev: "d0" },
  "encap-mpls": {
    ...four,
    dst: "10.15.0.0/16",
    via: "192.0.2.7",
    dev: "d0",
    encap: { type: "mpls", labels: [100, 200], ttl: 9 },
  },
  "encap-seg6": {
    ...four,
    dst: "10.7.0.0/16",
    dev: "d0",
    scope: "link",
    encap: { type: "seg6", mode: "encap", segments: ["2001:db8:a::1", "2001:db8:b::2"] },
  },
  "encap-seg6-inline": {
    ...six,
    dst: "2001:db8:a0::/48",
    dev: "d0",
    encap: { type: "seg6", mode: "inline", segments: ["2001:db8:a::1"] },
  },
  realm: { ...four, dst: "10.9.0.0/16", via: "192.0.2.7", dev: "d0", realm: 0x3_0004 },
  "via-inet6": { ...four, dst: "10.4.0.0/16", via: "fe80::1", dev: "d0" },
  ipv6: {
    ...six,
    dst: "2001:db8:5::/48",
    via: "2001:db8::7",
    dev: "d0",
    mtu: 1400,
    pref: "high",
    expires: 1000,
  },
  "ipv6-from": { ...six, dst: "2001:db8:6::/48", from: "2001:db8:60::/48", dev: "d0", protocol: "bgp" },
  "ipv6-multipath": {
    ...six,
    dst: "2001:db8:7::/48",
    nexthops: [
      { via: "2001:db8::7", dev: "d0", weight: 2 },
      { via: "2001:db8::8", dev: "d0", weight: 1 },
    ],
  },
  "ipv6-unreachable": { ...six, dst: "2001:db8:8::/48", type: "unreachable", dev: "lo" },
};

const REFUSED: readonly (readonly [config: object, message: RegExp])[] = [
  [{ dst: "10.1.0.1/8", dev: "d0" }, /^dst: 10\.1\.0\.1\/8 has bits set beyond its length; write 10\.0\.0\.0\/8$/],
  [{ dst: "2001:db8::1/32", dev: "d0" }, /^dst: .*; write 2001:db8::\/32$/],
  [{ dst: "10.0.0.1/0", dev: "d0" }, /^dst: .*; write default$/],
  [{ dst: "10.0.0.0/33", dev: "d0" }, /^dst: expected a network such as/],
  [{ dst: "any", dev: "d0" }, /^dst: expected a network/],
  [{ via: "192.0.2.1" }, /^dst: missing/],
  [{ dst: "default" }, /^via: missing; a route needs via, dev, nexthops or nhid/],
  [{ dst: "default", gateway: "192.0.2.1" }, /^gateway: unknown key/],
  [{ dst: "default", metrc: 5, dev: "d0" }, /^metrc: unknown key; did you mean metric\?/],
  [{ dst: "2001:db8::/32", via: "192.0.2.1" }, /^via: 192\.0\.2\.1 is an IPv4 gateway/],
  [{ dst: "10.0.0.0/8", family: "inet6", dev: "d0" }, /^family: inet6, but the destination/],
  [{ dst: "10.0.0.0/8", dev: "d0", src: "::1" }, /^src: ::1 is not of the family/],
  [{ dst: "10.0.0.0/8", dev: "d0", from: "192.0.2.0/24" }, /^from: is for IPv6 only/],
  [{ dst: "10.0.0.0/8", dev: "d0", pref: "high" }, /^pref: is for IPv6 only/],
  [{ dst: "2001:db8::/32", dev: "d0", scope: "link" }, /^scope: is for IPv4 only/],
  [{ dst: "10.0.0.0/8", type: "blackhole", via: "192.0.2.1" }, /^type: a route of type blackhole leads nowhere/],
  [{ dst: "10.0.0.0/8", via: "192.0.2.1", onlink: true }, /^onlink: needs dev/],
  [{ dst: "10.0.0.0/8", nexthops: [] }, /^nexthops: expected a list of nexthops/],
  [{ dst: "10.0.0.0/8", nexthops: [{ weight: 1 }] }, /^nexthops\.0: needs via, dev or both/],
  [
    { dst: "10.0.0.0/8", nexthops: [{ via: "192.0.2.1", wieght: 1 }] },
    /^nexthops\.0\.wieght: unknown key; did you mean/,
  ],
  [{ dst: "10.0.0.0/8", nexthops: [{ via: "192.0.2.1", weight: 257 }] }, /^nexthops\.0\.weight: expected a whole/],
  [{ dst: "10.0.0.0/8", dev: "d0", nexthops: [{ via: "192.0.2.1" }] }, /^dev: stands beside nexthops/],
  [{ dst: "10.0.0.0/8", dev: "d0", table: "mian" }, /^table: expected one of compat, default, main, local/],
  [{ dst: "10.0.0.0/8", dev: "d0", protocol: 256 }, /^protocol: expected one of/],
  [{ dst: "10.0.0.0/8", dev: "d0", lock: ["mut"] }, /^lock: expected a list/],
];

describe("routes", function () {
  firstTryCounts(this);
  for (const [name, expected] of Object.entries(CAPTURES))
    it(`reads the kernel's ${name}`, () => {
      deepEqual(routeFromWire(readAgain(`routes/${name}.hex`, newroute, rtmsg.size), NAMES), expected);
    });

  for (const [config, message] of REFUSED)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(() => checkRoute(config as RouteConfig, "create"), { code: "ERR_INPUT", message });
    });

  it("deletes by destination alone", () => {
    checkRoute({ dst: "default" }, "delete");
    const { header } = routeToWire({ dst: "10.0.0.0/8" }, "delete", indexIn);
    deepEqual([header.type, header.protocol, header.scope, header.table], [0, 0, 255, 254]);
  });

  it("has one text for a network", () => {
    for (const [given, wanted] of [
      ["10.0.0.1/32", "10.0.0.1"],
      ["0.0.0.0/0", "default"],
      ["::/0", "default"],
      ["2001:DB8:0::/48", "2001:db8::/48"],
      ["2001:db8::1/128", "2001:db8::1"],
    ] as const)
      equal(canonicalPrefix(given), wanted);
  });

  it("says what the kernel adds", () => {
    deepEqual(canonicalRoute({ dst: "2001:DB8::/32", dev: "d0" }), {
      dst: "2001:db8::/32",
      dev: "d0",
      family: "inet6",
      table: "main",
      type: "unicast",
      protocol: "linkwright",
      metric: 1024,
    });
    equal(canonicalRoute({ dst: "10.0.0.0/8", type: "local", dev: "lo" }).table, "local");
    equal(canonicalRoute({ dst: "10.0.0.0/8", dev: "d0", table: 254, protocol: 4 }).protocol, "static");
  });

  it("masks addresses", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 128 }), (address, given) => {
        const length = address.includes(":") ? given : given % 33;
        const masked = maskedAddress(address, length);
        parsePrefix(`${masked}/${length}`, "dst", false);
        equal(maskedAddress(masked, length), masked);
      }),
    );
  });

  it("reads what it writes", () => {
    const number = fc.integer({ min: 1, max: 0xffff_ffff });
    const config = fc.record(
      {
        dst: fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 128 })).map(([address, given]) => {
          const length = address.includes(":") ? given : 1 + (given % 32);
          const masked = maskedAddress(address, length);
          return `${masked}/${length}`;
        }),
        dev: fc.constantFrom(...NAMES.values()),
        metric: number,
        table: fc.oneof(
          fc.constantFrom("main" as const, "local" as const),
          number.filter((n) => n < 252 || n > 255),
        ),
        type: fc.constantFrom("unicast" as const, "local" as const, "unreachable" as const),
        protocol: fc.oneof(fc.constantFrom("static" as const, "linkwright" as const), fc.constant(200)),
        mtu: fc.integer({ min: 68, max: 65535 }),
        rtt: fc.integer({ min: 1, max: 1000 }).map((n) => n / 1000),
        quickack: fc.boolean(),
        congctl: fc.constantFrom("bbr", "cubic"),
        lock: fc.uniqueArray(fc.constantFrom("mtu" as const, "rtt" as const), { minLength: 1 }),
      },
      { requiredKeys: ["dst", "dev"] },
    );
    fc.assert(
      fc.property(config, (given) => {
        checkRoute(given, "create");
        const out = new Writer();
        newroute.body.write(out, routeToWire(given, "create", indexIn));
        const bytes = out.finish();
        const found = routeFromWire(newroute.body.read(new Reader(bytes), 0, bytes.length), NAMES);
        const { lock, metric, ...wanted } = canonicalRoute(given);
        for (const [key, value] of Object.entries(wanted)) equal(found[key as keyof typeof found], value, key);
        deepEqual([...(found.lock ?? [])].sort(), [...(lock ?? [])].sort());
        equal(found.metric, given.metric);
        if (given.metric !== undefined) equal(metric, given.metric);
      }),
    );
  });

  it("does not trust lengths", () => {
    const read = (codec: typeof multipath | typeof rtvia, hex: string): unknown => {
      const bytes = new Uint8Array(Buffer.from(hex, "hex"));
      return codec.read(new Reader(bytes), 0, bytes.length);
    };
    throws(() => read(multipath, "0400000000000000"), WireError);
    throws(() => read(multipath, "ff00000000000000"), WireError);
    throws(() => read(rtvia, "0200c000"), WireError);
    throws(() => read(rtvia, "1100c0000201"), WireError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          multipath.read(new Reader(bytes), 0, bytes.length);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }),
    );
  });
});
