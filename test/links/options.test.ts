import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { linkKinds } from "../../lib/links/kinds/index.ts";
import { fromWire, type Options, toWire, wordFor } from "../../lib/links/option.ts";
import { bondPortOptions, bondSlave } from "../../lib/links/ports/bond.ts";
import { brport, portOptions } from "../../lib/links/ports/bridge.ts";
import { ifla } from "../../lib/links/schema.ts";
import { commonOptions } from "../../lib/links/words.ts";
import type { Shape } from "../../lib/shape/shape.ts";
import { type AnySchema, Reader, Writer } from "../../lib/wire/index.ts";
import { firstTryCounts } from "../needs.ts";
import { names, optionsOf } from "./arbitrary.ts";

const TUNNELS = [
  ...(["gre", "gretap", "ip6gre", "ip6gretap", "erspan", "ip6erspan", "ipip", "sit", "ip6tnl"] as const),
  ...(["vti", "vti6", "xfrm", "geneve"] as const),
];
const LAYER2 = [
  ...(["vlan", "bond", "macvlan", "macvtap", "ipvlan", "ipvtap", "vrf", "hsr", "macsec", "netkit"] as const),
];
/** Options that are attributes of the kind, and are not objects of their own. */
function inside(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([key, { beside }]) => !beside && key !== "peer"));
}
const TABLES: readonly (readonly [name: string, schema: AnySchema, options: Options])[] = [
  ["every link", ifla, commonOptions],
  ["a port", brport, portOptions],
  ["vxlan", linkKinds.vxlan.wire, linkKinds.vxlan.options],
  ["bridge", linkKinds.bridge.wire, linkKinds.bridge.options],
  ["a port of a bond", bondSlave, bondPortOptions],
  ...LAYER2.map((name) => [name, linkKinds[name].wire as AnySchema, inside(linkKinds[name].options)] as const),
  ...TUNNELS.map((name) => [name, linkKinds[name].wire, linkKinds[name].options] as const),
];

/** Empty lists and maps, and numbers below zero, for options that say so. */
function hasSense({ type, minimum, required }: Shape<unknown>["json"], value: unknown): boolean {
  if (Array.isArray(value)) return type === "array";
  if (typeof value === "object") return type === "object" && required === undefined;
  return value === -1 && (minimum as number) < 0;
}

/** An empty list is as good as none. */
const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function through(schema: AnySchema, options: Options, values: object): Record<string, unknown> {
  const out = new Writer();
  schema.write(out, toWire(options, values, names) as never);
  const bytes = out.finish();
  return fromWire(options, schema.read(new Reader(bytes), 0, bytes.length) as Record<string, unknown>, names);
}

describe("options of links", function () {
  firstTryCounts(this);
  for (const [name, schema, options] of TABLES) {
    it(`of ${name} come back from the wire as they were given`, () => {
      fc.assert(
        fc.property(optionsOf(options), (values) => {
          const back = through(schema, options, values);
          for (const [key, value] of Object.entries(values)) {
            const option = options[key];
            const told = back[key] ?? option?.none;
            if (value === null || told === undefined) deepEqual(told ?? null, isEmpty(value) ? null : value, key);
            else
              ok(option?.equal(told, value), `${key}: ${JSON.stringify(value)} came back as ${JSON.stringify(told)}`);
          }
        }),
        { numRuns: 300 },
      );
    });

    it(`of ${name} stand for attributes that exist`, () => {
      for (const [word, { keys }] of Object.entries(options))
        for (const key of keys) ok(Object.hasOwn(schema.fields, key), `${word}: ${key}`);
    });

    it(`of ${name} refuse values of no sense`, () => {
      for (const [word, { shape }] of Object.entries(options))
        for (const value of [undefined, Number.NaN, "\0", -1, 2 ** 53, {}, [], Symbol("x"), 1.001e300])
          ok(hasSense(shape.json, value) || !shape.accepts(value), `${word} accepts ${String(value)}`);
    });
  }

  it("say seconds where the kernel says hundredths, and share sets of bits", () => {
    deepEqual(
      toWire(linkKinds.bridge.options, { ageing: 300, hello: 1.5, mcastQueryInterval: 125, stp: true }, names),
      {
        ageingTime: 30_000,
        helloTime: 150,
        mcastQueryIntvl: 12_500n,
        stpState: 1,
      },
    );
    deepEqual(toWire(linkKinds.bridge.options, { noLinklocalLearn: true, mst: false }, names), {
      multiBoolopt: { noLlLearn: true, mstEnable: false },
    });
    deepEqual(toWire(linkKinds.vxlan.options, { vni: 39, dev: "eth0", remote: "FD00::1", ttl: "inherit" }, names), {
      id: 39,
      link: 2,
      group6: "FD00::1",
      ttlInherit: true,
    });
  });

  it("tell the word for an attribute", () => {
    equal(wordFor(linkKinds.vxlan.options, "id"), "vni");
    equal(wordFor(linkKinds.vxlan.options, "local6"), "local");
    equal(wordFor(linkKinds.bridge.options, "multiBoolopt"), "mcastVlanSnooping");
    equal(wordFor(linkKinds.bridge.options, "nothing"), undefined);
  });

  it("know what changes in place for some values only", () => {
    const { vni, ttl, remote, ageing } = linkKinds.vxlan.options;
    equal(vni.inPlace(1, 2), false);
    equal(ageing.inPlace(1, 2), true);
    equal(ttl.inPlace(1, 64), true);
    equal(ttl.inPlace(1, "inherit"), false);
    equal(remote.inPlace("192.0.2.1", "192.0.2.2"), true);
    equal(remote.inPlace("192.0.2.1", "2001:db8::1"), false);
  });

  it("take the same address in another form for equal", () => {
    const { remote } = linkKinds.vxlan.options;
    ok(remote.equal("FD00:0::1", "fd00::1"));
    ok(!remote.equal("fd00::2", "fd00::1"));
    ok(commonOptions.mac.equal("02:00:00:00:00:AB", "02:00:00:00:00:ab"));
    ok(linkKinds.bridge.options.mcastStartupQueryInterval.equal(31.24, 31.25));
    ok(!linkKinds.bridge.options.hello.equal(1, 2));
  });
});
