import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Addresses } from "../../lib/addresses/addresses.ts";
import { newaddr } from "../../lib/addresses/schema.ts";
import { Mdb } from "../../lib/bridges/mdb.ts";
import * as bridges from "../../lib/bridges/schema.ts";
import { Vlans } from "../../lib/bridges/vlans.ts";
import { Vnis } from "../../lib/bridges/vnis.ts";
import { Devconf } from "../../lib/devconf/devconf.ts";
import { Netconf } from "../../lib/devconf/netconf.ts";
import * as devconf from "../../lib/devconf/schema.ts";
import { inTurns } from "../../lib/families/turns.ts";
import { Links } from "../../lib/links/links.ts";
import { newlink } from "../../lib/links/schema.ts";
import { Fdb } from "../../lib/neighbors/fdb.ts";
import { Neighbors } from "../../lib/neighbors/neighbors.ts";
import { newneigh } from "../../lib/neighbors/schema.ts";
import { Nexthops } from "../../lib/nexthops/nexthops.ts";
import { newbucket, newnexthop } from "../../lib/nexthops/schema.ts";
import { Qdiscs } from "../../lib/qdiscs/qdiscs.ts";
import { newqdisc } from "../../lib/qdiscs/schema.ts";
import { Routes } from "../../lib/routes/routes.ts";
import { newroute } from "../../lib/routes/schema.ts";
import { Rules } from "../../lib/rules/rules.ts";
import { newrule } from "../../lib/rules/schema.ts";
import { type Command, type Connection, NetlinkError } from "../../lib/socket/index.ts";
import { type Message, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { NAMES } from "../addresses/attributes.ts";
import { capture } from "../fixtures.ts";

/** Objects in a list: many pieces, each of which would be one only without turns. */
const MANY = 2000;
/** The most that may be done in one turn, whatever it costs. */
const PIECE = 64;

/**
 * The turns of the event loop while something is done. On the clock each look costs 5 ms, more than one turn may have:
 * so what counts is whether somebody looks, and not how fast this machine is.
 */
async function turnsOf(act: () => Promise<unknown>, each: () => void = () => undefined): Promise<number> {
  let [now, turns] = [0, 0];
  const beat = (): void => {
    turns++;
    each();
    next = setImmediate(beat);
  };
  let next = setImmediate(beat);
  const real = process.hrtime;
  process.hrtime = Object.assign((): [number, number] => {
    now += 5;
    return [Math.floor(now / 1000), (now % 1000) * 1e6];
  }, real);
  try {
    await act();
    return turns;
  } finally {
    process.hrtime = real;
    clearImmediate(next);
  }
}

/** A kernel whose tables are one captured message, many times, and that refuses every change. */
function kernel(file: string, message: Message<never, unknown>): Connection {
  const bytes = capture(file)[0] ?? new Uint8Array();
  const made = {
    dump: async (_asked: unknown, _value: unknown, kind: typeof message) => {
      const told = kind.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length);
      return { messages: new Array(MANY).fill(told), consistent: true };
    },
    batch: async (commands: Iterable<Command>) =>
      [...commands].map((_, index) => new NetlinkError({ errno: -17, request: "made up", index })),
  };
  return made as unknown as Connection;
}
const links = { indexOf: async () => 10, names: async () => NAMES };
/** Routes are put into words as they arrive, and once more where their links were not known then. */
const strangers = { ...links, names: async () => new Map<number, string>() };

const LISTS: Readonly<Record<string, () => Promise<readonly unknown[]>>> = {
  addresses: () => new Addresses(kernel("addresses/plain.hex", newaddr), links).list(),
  devconf: () => new Devconf(kernel("devconf/link.hex", devconf.newlink), links).list(),
  fdb: () => new Fdb(kernel("neighbors/bridge.hex", newneigh), links).list(),
  links: () => new Links(kernel("links/bridge-plain.hex", newlink)).list(),
  mdb: () => new Mdb(kernel("bridges/mdb.hex", bridges.newmdb), links).list(),
  neighbors: () => new Neighbors(kernel("neighbors/arp.hex", newneigh), links).list(),
  netconf: () => new Netconf(kernel("devconf/netconf-inet.hex", devconf.newnetconf), links).list({ family: "inet" }),
  nexthops: () => new Nexthops(kernel("nexthops/via.hex", newnexthop), links).list(),
  "buckets of nexthops": () => new Nexthops(kernel("nexthops/bucket.hex", newbucket), links).buckets(),
  qdiscs: () => new Qdiscs(kernel("qdiscs/htb.hex", newqdisc), links).list(),
  routes: () => new Routes(kernel("routes/via.hex", newroute), strangers).list({ family: "inet" }),
  rules: () => new Rules(kernel("rules/from.hex", newrule), links).list(),
  vlans: () => new Vlans(kernel("bridges/vlan.hex", bridges.newvlan), links).list(),
  vnis: () => new Vnis(kernel("bridges/vni.hex", bridges.newtunnel), links).list(),
};

describe("families: long work in turns", () => {
  it("keeps the order, leaves out what became undefined, and passes on what is thrown", async () => {
    const all = Array.from({ length: 1000 }, (_, i) => i);
    const odd = await inTurns(all, (one, index) => (one % 2 === 1 ? [one, index] : undefined));
    deepEqual(
      odd,
      all.filter((one) => one % 2 === 1).map((one) => [one, one]),
    );
    const broken = inTurns(all, (one) => {
      if (one === 700) throw new RangeError("700");
    });
    await rejects(broken, RangeError);
  });

  it("takes no turn for a few", async () => {
    equal(await turnsOf(() => inTurns(new Array(15).fill(0), () => 0)), 0);
  });

  for (const [name, list] of Object.entries(LISTS))
    it(`lists ${name} in turns`, async () => {
      let listed: readonly unknown[] = [];
      const turns = await turnsOf(async () => {
        listed = await list();
      });
      ok(listed.length >= MANY, `${listed.length} of ${MANY}`);
      ok(turns >= MANY / PIECE, `${turns} turns`);
    });

  const configs = Array.from({ length: MANY }, (_, i) => ({ dst: `10.0.${i >> 8}.${i & 255}/32`, dev: "d0" }));
  const routes = new Routes(kernel("routes/via.hex", newroute), links);

  it("checks many changes in turns, and takes the list as it was in the beginning", async () => {
    const growing: object[] = [...configs];
    let commands: readonly Command[] = [];
    const act = async (): Promise<void> => {
      commands = await routes.commands("create", growing as typeof configs);
    };
    const turns = await turnsOf(act, () => growing.push({ dst: "not checked" }));
    ok(turns >= (2 * MANY) / PIECE, `${turns} turns`);
    ok(growing.length > MANY);
    deepEqual(
      commands.map(({ value }) => value),
      configs,
    );
    const broken = configs.with(MANY - 1, { dst: "10.0.0.0/33", dev: "d0" });
    await rejects(routes.commands("create", broken), { name: "InputError", path: [String(MANY - 1), "dst"] });
  });

  it("tells many refusals in turns, each of its own change", async () => {
    let results: readonly (NetlinkError | undefined)[] = [];
    const turns = await turnsOf(async () => {
      results = await routes.batch("create", configs);
    });
    // Once they are checked, and once they are told.
    ok(turns >= (2 * MANY) / PIECE, `${turns} turns`);
    for (const at of [0, 999, MANY - 1]) {
      ok(results[at]?.message.includes(configs[at]?.dst ?? ""), results[at]?.message);
      equal(results[at]?.index, at);
    }
    equal(results.length, MANY);
  });
});
