/** Ways to change routes beside create and delete, tunnel headers, and flushing. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import type { Encap } from "../../lib/families/encap.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Scene, scene } from "./kit.ts";

/** Headers, and how `ip route` says them. */
const HEADERS: readonly (readonly [dst: string, encap: Encap, said: RegExp])[] = [
  [
    "10.1.0.0/16",
    { type: "ip", id: 39, dst: "192.0.2.12" },
    /encap ip id 39 src 0\.0\.0\.0 dst 192\.0\.2\.12 ttl 0 tos 0/,
  ],
  [
    "10.2.0.0/16",
    { type: "ip", id: 5, dst: "192.0.2.12", src: "192.0.2.1", ttl: 64, tos: 16, key: true, seq: true },
    /encap ip id 5 src 192\.0\.2\.1 dst 192\.0\.2\.12 ttl 64 tos 16 key seq/,
  ],
  [
    "10.3.0.0/16",
    { type: "ip6", id: 7, dst: "2001:db8::9", src: "2001:db8::1", ttl: 3, csum: true },
    /encap ip6 id 7 src 2001:db8::1 dst 2001:db8::9 hoplimit 3 tc 0 csum/,
  ],
  [
    "10.4.0.0/16",
    { type: "seg6", mode: "encap", segments: ["2001:db8:a::1", "2001:db8:b::2"] },
    /encap seg6 mode encap segs 2 \[ 2001:db8:a::1 2001:db8:b::2 \]/,
  ],
  [
    "2001:db8:a0::/48",
    { type: "seg6", mode: "inline", segments: ["2001:db8:a::1"] },
    /encap seg6 mode inline segs 2 \[ 2001:db8:a::1 :: \]/,
  ],
  ["10.5.0.0/16", { type: "mpls", labels: [100, 200], ttl: 9 }, /encap mpls +100\/200 ttl 9/],
  ["10.6.0.0/16", { type: "mpls", labels: [16] }, /encap mpls +16 /],
];
const THEIRS: readonly (readonly [line: string, encap: Encap])[] = [
  ["10.1.0.0/16 encap ip id 9 dst 192.0.2.9 ttl 5 dev d0", { type: "ip", id: 9, dst: "192.0.2.9", ttl: 5 }],
  [
    "10.2.0.0/16 encap seg6 mode l2encap segs 2001:db8:a::1,2001:db8:a::2 dev d0",
    { type: "seg6", mode: "l2encap", segments: ["2001:db8:a::1", "2001:db8:a::2"] },
  ],
];

const vias = async ({ routes }: Scene): Promise<unknown[]> =>
  (await routes.list({ protocol: "linkwright" })).map(({ via }) => via);

describe("routes", () => {
  before(function () {
    needs(this, "ip");
  });

  for (const [dst, encap, said] of HEADERS)
    it(`carry a header: ${JSON.stringify(encap)}`, async function () {
      await using here = await scene();
      const config = { dst, ...(encap.type === "mpls" ? { via: "192.0.2.7" } : { dev: "d0" }), encap };
      try {
        await here.routes.create(config);
      } catch (error) {
        if (error instanceof NetlinkError && error.code === "EOPNOTSUPP") skip(this, `this kernel: ${error.message}`);
        throw error;
      }
      deepEqual((await here.routes.list({ protocol: "linkwright" }))[0]?.encap, encap);
      match(await here.sh(`ip ${dst.includes(":") ? "-6" : "-4"} route show ${dst}`), said);
      await here.routes.delete({ dst });
    });

  for (const [line, encap] of THEIRS)
    it(`carry the header that ip gave them: ${line}`, async function () {
      await using here = await scene();
      await here.sh(`ip route add ${line}`).catch((error: Error) => {
        if (error.message.includes("encapsulation type not supported")) skip(this, `this kernel: ${error.message}`);
        throw error;
      });
      deepEqual((await here.routes.list({ protocol: "boot" })).at(-1)?.encap, encap);
    });

  it("carry a header for each of several nexthops", async () => {
    await using here = await scene();
    const header = (id: number): Encap => ({ type: "ip", id, dst: "192.0.2.12" });
    const nexthops = [1, 2].map((id) => ({ dev: "d0", via: `192.0.2.${id + 6}`, encap: header(id), weight: id }));
    await here.routes.create({ dst: "10.0.0.0/8", nexthops });
    deepEqual((await here.routes.list({ protocol: "linkwright" }))[0]?.nexthops, nexthops);
  });

  it("are refused with the place in the header", async () => {
    await using here = await scene();
    await rejects(here.routes.create({ dst: "10.0.0.0/8", dev: "d0", encap: { type: "ip", dst: "::1" } }), {
      code: "ERR_INPUT",
      path: ["encap", "dst"],
    });
    await rejects(here.routes.create({ dst: "10.0.0.0/8", dev: "d0", encap: { type: "mpls", labels: [] } }), {
      message: /^encap\.labels: missing/,
    });
  });

  it("are appended, prepended and changed", async () => {
    await using here = await scene();
    const dst = "10.0.0.0/8";
    await here.routes.create({ dst, via: "192.0.2.7" });
    await here.routes.append({ dst, via: "192.0.2.8" });
    await here.routes.prepend({ dst, via: "192.0.2.6" });
    deepEqual(await vias(here), ["192.0.2.6", "192.0.2.7", "192.0.2.8"]);
    await here.routes.change({ dst, via: "192.0.2.5" });
    deepEqual(await vias(here), ["192.0.2.5", "192.0.2.7", "192.0.2.8"]);
    await rejects(here.routes.change({ dst: "11.0.0.0/8", via: "192.0.2.5" }), {
      code: "ENOENT",
      message: /^cannot change route 11\.0\.0\.0\/8 via 192\.0\.2\.5: .*\(ENOENT, at dst\)$/,
    });
  });

  it("of every type are made and told", async () => {
    await using here = await scene();
    for (const type of ["local", "broadcast", "multicast", "blackhole", "unreachable", "prohibit", "throw"] as const) {
      const nowhere = ["blackhole", "unreachable", "prohibit", "throw"].includes(type);
      const dst = type === "multicast" ? "239.1.0.0/16" : "10.7.0.0/16";
      await here.routes.create({ dst, type, table: 77, ...(nowhere ? {} : { dev: "d0" }) });
      match(await here.sh("ip route show table 77"), new RegExp(`^${type} ${dst}`));
      equal((await here.routes.list({ table: 77 }))[0]?.type, type);
      await here.routes.delete({ dst, type, table: 77 });
    }
    await here.routes.create({ dst: "2001:db8:7::1", type: "anycast", dev: "d0", table: 77 });
    match(await here.sh("ip -6 route show table 77"), /^anycast 2001:db8:7::1/);
  });

  it("are flushed by what a filter names, and only so", async () => {
    await using here = await scene();
    const make = (dst: string, more: object): Promise<void> =>
      here.routes.create({ dst, ...(dst.includes(":") ? { via: "2001:db8::7" } : { via: "192.0.2.7" }), ...more });
    for (let i = 0; i < 20; i++) await make(`10.${i}.0.0/16`, { table: 100 });
    await make("2001:db8:5::/48", { table: 100, metric: 7 });
    await make("2001:db8:5::/48", { table: 100, metric: 8, protocol: "bgp" });
    await make("10.0.0.0/8", { protocol: "bgp" });
    equal(await here.routes.flush({ table: 100, protocol: "bgp" }), 1);
    equal(await here.routes.flush({ table: 100 }), 21);
    equal((await here.routes.list({ table: 100 })).length, 0);
    equal(await here.routes.flush({ protocol: "bgp" }), 1);
    equal(await here.routes.flush({ protocol: "bgp" }), 0);
    await rejects(here.routes.flush({}), { code: "ERR_INPUT" });
  });
});
