import { deepEqual, equal } from "node:assert/strict";
import { type LinkXstats, xstatsFromWire } from "../../lib/links/xstats.ts";
import {
  bond3adStats,
  bondXstats,
  bridgeXstats,
  IFLA_STATS_FILTER,
  iflaStats,
  linkXstats,
  newstats,
} from "../../lib/links/xstats-schema.ts";
import { readTwice } from "../addresses/attributes.ts";
import { compare, header } from "../headers.ts";

const read = (name: string): LinkXstats => xstatsFromWire(readTwice(`xstats/${name}.hex`, newstats));

describe("counters of bridges and bonds", () => {
  it("reads the kernel's of a bridge", () => {
    const { bridge, ...rest } = read("bridge");
    deepEqual(rest, {});
    deepEqual(bridge?.vlans, [{ vid: 1, rxBytes: 0n, rxPackets: 0n, txBytes: 0n, txPackets: 0n }]);
    // What it asks it hears itself.
    deepEqual(bridge?.mcast?.igmpV2queries, { rx: 1n, tx: 0n });
    equal(bridge?.stp, undefined);
  });

  it("reads the kernel's of a bridge's port", () => {
    const { bridgePort, ...rest } = read("bridge-port");
    deepEqual(rest, {});
    deepEqual([bridgePort?.mcast?.igmpV2queries.tx, bridgePort?.stp?.transitionBlk], [1n, 0n]);
    equal(Object.keys(bridgePort?.mcast ?? {}).length, 16);
  });

  it("reads the kernel's of a bond, and of its port", () => {
    const { bond } = read("bond");
    equal(Object.keys(bond ?? {}).length, 9);
    const { bondPort } = read("bond-port");
    equal(bondPort?.lacpduTx, 3n);
  });

  it("numbers are those of the headers, all of them", function () {
    const [link, bridge, bond] = [
      ["if_link.h", [iflaStats, linkXstats]] as const,
      ["if_bridge.h", [bridgeXstats]] as const,
      ["if_bonding.h", [bondXstats, bond3adStats]] as const,
    ];
    for (const [file, schemas] of [link, bridge, bond])
      for (const schema of schemas) deepEqual(compare(header(this, file), schema).wrong, []);
    const numbers = header(this, "if_link.h");
    equal(IFLA_STATS_FILTER.LINK_XSTATS, 1 << ((numbers.get("IFLA_STATS_LINK_XSTATS") ?? 0) - 1));
    equal(IFLA_STATS_FILTER.LINK_XSTATS_SLAVE, 1 << ((numbers.get("IFLA_STATS_LINK_XSTATS_SLAVE") ?? 0) - 1));
  });
});
