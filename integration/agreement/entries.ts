/** Random forwarding entries of a VXLAN, of a bridge and of its ports. */
import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import type { FdbConfig } from "../../lib/neighbors/entry.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { asBridge } from "../neighbors/fdb-oracle.ts";
import { type Scene, sorted } from "../routes/kit.ts";
import { asAsked, hosts4, macs, type Sort, some, upTo, whole } from "./kit.ts";

/** Number of a group of nexthops that are far ends. */
const GROUP = 20;
/** What entries refer to. */
export const FAR_ENDS = `ip nexthop add id 10 via 192.0.2.9 fdb; ip nexthop add id ${GROUP} group 10 fdb`;

const states = fc.constantFrom("permanent" as const, "static" as const, "dynamic" as const);
const on = (...devices: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...devices);
const farEnd = { port: whole(1, 0xffff), vni: whole(1, 0xff_ffff), via: on("d0") };
const entries: fc.Arbitrary<FdbConfig> = fc.oneof(
  some(
    { dev: on("vx0"), mac: macs, state: states, dst: hosts4 },
    { ...farEnd, externLearn: fc.boolean(), router: fc.boolean() },
  ),
  some({ dev: on("vx0"), mac: fc.constant(ZERO_MAC), state: fc.constant("permanent"), dst: hosts4 }, farEnd),
  some({ dev: on("vx0"), mac: macs, state: states, nhid: fc.constant(GROUP) }, { externLearn: fc.boolean() }),
  some({ dev: on("d1", "vx0"), mac: macs, state: states, master: fc.constant(true) }, {}),
  // Of what a control plane learned, a bridge does not look at the state.
  some(
    { dev: on("d1", "vx0"), mac: macs, state: fc.constant("dynamic"), master: fc.constant(true) },
    { externLearn: fc.boolean() },
  ),
  some(
    { dev: on("d1"), mac: macs, state: fc.constantFrom("static", "dynamic"), master: fc.constant(true) },
    { sticky: fc.boolean() },
  ),
  some({ dev: on("br0"), mac: macs, state: fc.constant("permanent") }, {}),
);

function line(config: FdbConfig): string {
  const { mac, dev, dst, port, vni, via, nhid, state, master, externLearn, router, sticky } = config;
  return [
    `fdb ${mac === ZERO_MAC ? "append" : "add"} ${mac} dev ${dev}`,
    dst === undefined ? "" : `dst ${dst}`,
    port === undefined ? "" : `port ${port}`,
    vni === undefined ? "" : `vni ${vni}`,
    via === undefined ? "" : `via ${via}`,
    nhid === undefined ? "" : `nhid ${nhid}`,
    master === true ? "master" : "self",
    String(state),
    externLearn === true ? "extern_learn" : "",
    router === true ? "router" : "",
    sticky === true ? "sticky" : "",
  ].join(" ");
}

export function entriesIn({ fdb, json }: Scene): Sort<FdbConfig> {
  return {
    name: "forwarding entries",
    program: "bridge",
    drawn: fc.uniqueArray(entries, { ...upTo(20), selector: ({ mac, dst }) => (mac === ZERO_MAC ? dst : mac) }),
    write: (config) => (config.mac === ZERO_MAC ? fdb.append(config) : fdb.create(config)),
    lines: (config) => [line(config)],
    async compare(made) {
      const ours = await fdb.list();
      deepEqual(sorted(ours.map(asBridge)), sorted(await json("bridge -json fdb show")));
      for (const { master, ...asked } of made) {
        const found = ours.find(
          (one) => one.mac === asked.mac && one.dev === asked.dev && (asked.mac !== ZERO_MAC || one.dst === asked.dst),
        );
        asAsked({ ...asked, ...(master === true && { master: "br0" }) }, found, `${asked.mac} on ${asked.dev}`);
      }
    },
    // What the kernel did not take is not there.
    clear: async (configs) => void (await fdb.batch("delete", configs)),
  };
}
