/** Tunnels as iproute2 sees them, and each of their options changed. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { differences } from "../../lib/links/differences.ts";
import type { AnyKind } from "../../lib/links/kind.ts";
import { type KindName, kindNamed } from "../../lib/links/kinds/index.ts";
import type { Link, LinkChanges, LinkConfig } from "../../lib/links/words.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { type Scene, scene } from "./kit.ts";
import { agree } from "./oracle.ts";

const V4 = { remote: "192.0.2.1", local: "192.0.2.2" };
const V6 = { remote: "2001:db8::1", local: "2001:db8::2" };
const KEYED = { ikey: 5, okey: 0x0102_0304 };
const HEADER4 = { ...V4, dev: "under", ttl: 7, tos: 16, fwmark: 9 };
const HEADER6 = {
  ...V6,
  dev: "under",
  ttl: 7,
  encaplimit: 3,
  tclass: 0x12,
  flowlabel: 0x34567,
  dscp: "inherit",
  allowLocalremote: true,
  fwmark: 9,
} as const;
const INHERITED = {
  ...V6,
  ttl: "inherit",
  encaplimit: "none",
  tclass: "inherit",
  flowlabel: "inherit",
  fwmark: "inherit",
} as const;
const ENCAP = { encap: "gue", encapSport: 7, encapDport: 6080, encapCsum: true, encapRemcsum: true } as const;
/** How each kind is made: the first line is what changes start from. */
const MADE: { readonly [K in KindName]?: readonly object[] } = {
  gre: [
    HEADER4,
    { ...HEADER4, ...KEYED, iseq: true, ocsum: true, pmtudisc: false, ignoreDf: true },
    { ...V4, oseq: true, icsum: true, ttl: "inherit", tos: 1, ...ENCAP },
    { remote: "239.1.1.1", local: "192.0.2.2", dev: "under" },
    { external: true },
  ],
  gretap: [HEADER4, { remote: "192.0.2.1", ...KEYED, iseq: true, up: true, mtu: 1300 }, { external: true }],
  ip6gre: [HEADER6, { ...INHERITED, ...KEYED, oseq: true, icsum: true }, { ...V6, ...ENCAP }, { external: true }],
  ip6gretap: [HEADER6, { remote: "2001:db8::1", ...KEYED, iseq: true, ocsum: true, up: true }, { external: true }],
  erspan: [
    { ...HEADER4, okey: 3, erspan: 0x12345 },
    { ...V4, ikey: 3, okey: 3, erspanVer: 2, erspanDir: "egress", erspanHwid: 31 },
    { ...V4, erspanVer: 0 },
    { external: true },
  ],
  ip6erspan: [
    { ...HEADER6, okey: 3, erspan: 0x12345 },
    { ...INHERITED, ikey: 3, okey: 3, erspanVer: 2, erspanDir: "egress", erspanHwid: 31 },
    { external: true },
  ],
  ipip: [HEADER4, { ...V4, mode: "mplsip", pmtudisc: false }, { ...V4, mode: "any", ...ENCAP }, { external: true }],
  sit: [
    HEADER4,
    { local: "192.0.2.2", isatap: true },
    { local: "192.0.2.2", "6rdPrefix": "2001:db8::/32", "6rdRelayPrefix": "192.0.2.0/24", mode: "any" },
    { ...V4, ...ENCAP, mode: "ip6ip" },
  ],
  ip6tnl: [
    { ...HEADER6, mode: "ip6ip6" },
    { ...INHERITED, mode: "ipip6" },
    { ...V6, mode: "ip6ip6", ...ENCAP },
    { external: true },
  ],
  vti: [{ ...V4, ...KEYED, dev: "under", fwmark: 9 }, V4],
  vti6: [{ ...V6, ...KEYED, dev: "under", fwmark: 9 }, V6],
  xfrm: [{ ifId: 42, dev: "under" }, { external: true }],
  geneve: [
    { vni: 42, remote: "192.0.2.1", ttl: 7, tos: 16, df: "set" },
    { vni: 0xff_ffff, remote: "192.0.2.1", ttl: "inherit", df: "inherit", dstport: 6082, udpCsum: true },
    { vni: 1, remote: "2001:db8::1", label: 0x12345, udp6ZeroCsumTx: true, udp6ZeroCsumRx: true },
    { vni: 1, remote: "192.0.2.1", innerProtoInherit: true },
    { external: true },
  ],
};
/** Another value for each option that is no switch. */
const OTHER: Readonly<Record<string, unknown>> = {
  dev: "other",
  ttl: 9,
  tos: 32,
  fwmark: 10,
  ikey: 77,
  okey: 78,
  encaplimit: 5,
  tclass: 0x21,
  flowlabel: 5,
  dscp: "keep",
  encap: "fou",
  encapSport: 5555,
  encapDport: 5556,
  erspanVer: 2,
  erspan: 9,
  erspanDir: "egress",
  erspanHwid: 9,
  mode: "any",
  "6rdPrefix": "2001:db9::/32",
  "6rdRelayPrefix": "198.51.100.0/24",
  ifId: 43,
  vni: 43,
  df: "unset",
  dstport: 6083,
  srcport: { low: 1000, high: 2000 },
  label: 0x54321,
};
/** What an option needs beside it. */
const WITH: Readonly<Record<string, object>> = {
  ignoreDf: { pmtudisc: false },
  erspanDir: { erspanVer: 2, erspan: undefined },
  erspanHwid: { erspanVer: 2, erspan: undefined },
  "6rdRelayPrefix": { "6rdPrefix": "2001:db8::/32" },
  label: { remote: "2001:db8::1" },
  udpCsum: { remote: "192.0.2.1" },
  udp6ZeroCsumTx: { remote: "2001:db8::1" },
  pmtudisc: { ttl: "inherit" },
};

/** Two links that a tunnel may lie on, without starting a program: there are many tests, and kernels that are slow. */
async function place(): Promise<Scene> {
  const here = await scene();
  await here.links.create({ kind: "veth", name: "under", up: true, peer: { name: "other" } });
  return here;
}
/** Makes a tunnel, or skips where this kernel has none of it, or no UDP around it. */
async function make(context: Mocha.Context, { links, link }: Scene, kind: KindName, options: object): Promise<Link> {
  const config = { kind, name: "t", ...options } as LinkConfig;
  try {
    await links.create(config);
  } catch (error) {
    if (error instanceof NetlinkError && error.attribute === "kind") skip(context, `this kernel has no ${kind}`);
    if ("encap" in options && error instanceof NetlinkError && error.code === "EINVAL")
      skip(context, "this kernel has no UDP around tunnels (CONFIG_NET_FOU_IP_TUNNELS)");
    throw error;
  }
  const made = await link("t");
  const missing = differences(config, made).filter(({ found }) => found === undefined);
  if (missing.length > 0) skip(context, `this kernel does not tell ${missing.map(({ key }) => key).join(", ")}`);
  return made;
}
/** The options of its kind that a link tells. */
function told({ options }: AnyKind, link: Link): Record<string, unknown> {
  return Object.fromEntries(Object.entries(link).filter(([key]) => Object.hasOwn(options, key)));
}
/** All but one option, and but for those that come and go with it. */
function besides(key: string, options: Record<string, unknown>): Record<string, unknown> {
  const gone = (other: string): boolean => other === key || (key === "erspanVer" && other.startsWith("erspan"));
  return Object.fromEntries(Object.entries(options).filter(([other]) => !gone(other)));
}
function otherThan(key: string, now: unknown): unknown {
  if (key === "remote" || key === "local") return String(now).includes(":") ? "2001:db8::99" : "192.0.2.99";
  return key in OTHER ? OTHER[key] : now !== true;
}

describe("tunnels", () => {
  before(function () {
    needs(this, "ip");
  });

  for (const [kindName, made] of Object.entries(MADE) as [KindName, readonly object[]][]) {
    const kind = kindNamed(kindName) as AnyKind;
    const [base = {}] = made;
    for (const options of made)
      it(`${kindName} as iproute2 sees it: ${JSON.stringify(options)}`, async function () {
        await using here = await place();
        const link = await make(this, here, kindName, options);
        deepEqual(differences({ kind: kindName, name: "t", ...options } as LinkConfig, link), []);
        ok(agree(await here.link("t"), await here.ip("t")) > 20);
      });

    for (const [key, option] of Object.entries(kind.options))
      it(`${kindName}: ${key} ${option.fixed ? "is fixed" : "changes, and nothing else does"}`, async function () {
        await using here = await place();
        const { links } = here;
        await make(this, here, kindName, { ...base, ...WITH[key] });
        const now = await here.link("t");
        const to = otherThan(key, now[key as "mtu"]);
        const change = { [key]: to } as LinkChanges;
        if (now[key as "mtu"] === undefined && option.none === undefined && typeof to !== "number")
          skip(this, `this kernel does not tell ${key}`);
        const before = told(kind, now);
        equal(option.inPlace(before[key], to), !option.fixed);
        if (!option.fixed) {
          try {
            deepEqual(await links.update("t", change), [key]);
          } catch (error) {
            if (key === "encap" && error instanceof NetlinkError && error.code === "EINVAL")
              skip(this, "this kernel has no UDP around tunnels (CONFIG_NET_FOU_IP_TUNNELS)");
            throw error;
          }
          const after = await here.link("t");
          deepEqual(differences(change, after), []);
          deepEqual(besides(key, told(kind, after)), besides(key, before));
          deepEqual(await links.update("t", change), [], "once is enough");
          return tried(`${kindName}.${key}`, "changes");
        }
        await rejects(links.update("t", change), (error) => {
          if (option.ignored) return error instanceof InputError && error.path.join(".") === `t.${key}`;
          ok(error instanceof NetlinkError, String(error));
          equal(error.attribute, key);
          ok(error.message.startsWith("cannot change link t: "), error.message);
          return true;
        });
        deepEqual(told(kind, await here.link("t")), before);
        tried(`${kindName}.${key}`, "fixed");
      });
  }

  it("has no other far end for none, and none for another, in layer 3 over IPv4", async function () {
    for (const kind of ["gre", "ipip", "sit", "vti"] as const) {
      await using here = await place();
      await make(this, here, kind, { local: "192.0.2.2" });
      await rejects(here.links.update("t", { remote: "192.0.2.1" }), { code: "EINVAL", attribute: "remote" });
      equal((await here.link("t")).remote, undefined);
      equal(kindNamed(kind)?.options["remote"]?.inPlace(undefined, "192.0.2.1"), false);
    }
  });

  it("tells what is wrong with a tunnel in its words", async function () {
    await using here = await place();
    const { links } = here;
    await make(this, here, "geneve", { vni: 1, remote: "192.0.2.1" });
    await rejects(links.create({ kind: "geneve", name: "g", vni: 2, remote: "239.1.1.1" }), {
      message: /cannot create link g: .*[Mm]ulticast.* \(EINVAL, at remote\)/,
    });
    await links.create({ kind: "ipip", name: "i", ...V4 });
    await rejects(links.create({ kind: "ipip", name: "j", ...V4 }), { code: "EEXIST" });
    await rejects(
      links.create({ kind: "ipip", name: "i6", remote: "2001:db8::1" }),
      /i6.remote: expected an IPv4 address/,
    );
  });
});
