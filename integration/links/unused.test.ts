/** Attributes that docs/attributes.md calls unused: the kernel takes them without a word, or refuses them, and tells none. */
import { deepEqual, ok } from "node:assert/strict";
import { type KindName, kindNamed } from "../../lib/links/kinds/index.ts";
import { getlink, newlink } from "../../lib/links/schema.ts";
import { getroute, newroute } from "../../lib/routes/schema.ts";
import { Connection, NetlinkError } from "../../lib/socket/index.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../../lib/wire/index.ts";
import { UNUSED } from "../../test/attributes/exceptions.ts";
import { skip } from "../../test/needs.ts";
import { scene } from "./kit.ts";

const VALUES: Readonly<Record<string, unknown>> = {
  tos: 16,
  pmtudisc: true,
  ignoreDf: true,
  encapLimit: 7,
  flowinfo: { tclass: 1, label: 5 },
  erspanIndex: 5,
  erspanVer: 2,
  erspanDir: "egress",
  erspanHwid: 5,
  "6rdPrefix": "2001:db8::",
  "6rdRelayPrefix": "192.0.2.0",
  "6rdPrefixlen": 32,
  "6rdRelayPrefixlen": 24,
  collectMetadata: true,
  cost: new Uint8Array(4),
  priority: new Uint8Array(4),
  weight: 7,
  protoinfo: new Uint8Array(4),
  session: new Uint8Array(4),
  mpAlgo: new Uint8Array(4),
};
/** A table has it as wide as the kind that uses it: two bytes of flags in IPv4 tunnels, four in the others. */
const wrongly = (kind: string, key: string): unknown =>
  key === "flags" ? (kind === "ipip" ? 1 : { allowLocalRemote: true }) : VALUES[key];
const ENDS = (kind: string): object =>
  kind.startsWith("ip6")
    ? { remote: "2001:db8::1", local: "2001:db8::2" }
    : { remote: "192.0.2.1", local: "192.0.2.2" };
const SESSION = { iflags: { key: true, seq: true }, oflags: { key: true, seq: true }, okey: 3 };
const KIND = /^Links of kind (\w+)$/;
/** A refusal that is not one of the kind. */
const refused = (error: unknown): boolean => error instanceof NetlinkError && error.code !== "EOPNOTSUPP";

describe("unused attributes", () => {
  for (const [title, keys] of Object.entries(UNUSED)) {
    const [, kind] = KIND.exec(title) ?? [];
    if (kind === undefined) continue;
    it(`${kind} tells none of ${keys.join(", ")}`, async function () {
      await using here = await scene();
      await using connection = Connection.open({ protocol: 0, netns: here.netns.fd });
      const make = (more: object) => {
        const data = { ...ENDS(kind), ...(kind.includes("erspan") ? SESSION : {}), ...more };
        const attrs = { ifname: "t", linkinfo: { info: { kind, data } } };
        return connection.request(newlink, { header: {}, attrs } as never, NLM_F_CREATE | NLM_F_EXCL);
      };
      try {
        await make({});
      } catch {
        skip(this, `this kernel has no ${kind}`);
      }
      ok(kindNamed(kind as KindName));
      for (const key of keys) {
        await here.links.delete("t");
        await make({ [key]: wrongly(kind, key) }).catch(async (error: unknown) => {
          if (!refused(error)) throw error;
          await make({});
        });
        const { attrs } = await connection.get(getlink, { header: {}, attrs: { ifname: "t" } }, newlink);
        const told = attrs.linkinfo?.info?.data as Readonly<Record<string, unknown>>;
        deepEqual([key, told[key]], [key, undefined]);
      }
    });
  }

  it("links of every kind tell none of the others", async () => {
    await using here = await scene();
    await using connection = Connection.open({ protocol: 0, netns: here.netns.fd });
    const keys = UNUSED["Links of every kind"] ?? [];
    const unused = Object.fromEntries(keys.map((key) => [key, VALUES[key]]));
    const attrs = { ifname: "t", linkinfo: { info: { kind: "veth" } }, ...unused };
    await connection.request(newlink, { header: {}, attrs } as never, NLM_F_CREATE | NLM_F_EXCL);
    const told = await connection.get(getlink, { header: {}, attrs: { ifname: "t" } }, newlink);
    deepEqual(
      Object.keys(told.attrs).filter((key) => keys.includes(key)),
      [],
    );
  });

  it("routes tell none of the others", async () => {
    await using here = await scene("ip link set lo up");
    await using connection = Connection.open({ protocol: 0, netns: here.netns.fd });
    const keys = UNUSED["Routes"] ?? [];
    const unused = Object.fromEntries(keys.map((key) => [key, VALUES[key]]));
    const header = { family: 2, dstLen: 24, table: 254, protocol: 4, scope: 253, type: 1 };
    const attrs = { dst: "198.51.100.0", oif: 1, ...unused };
    await connection.request(newroute, { header, attrs } as never, NLM_F_CREATE);
    const { messages } = await connection.dump(getroute, { header: { family: 2 } }, newroute);
    const told = messages.find((one) => one.attrs.dst === "198.51.100.0");
    ok(told);
    deepEqual(
      Object.keys(told.attrs).filter((key) => keys.includes(key)),
      [],
    );
  });
});
