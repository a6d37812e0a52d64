/** Counters of bridges, bonds and their ports: ours beside `ip -json link xstats` and `ip -json stats`. */
import { deepEqual, ok, rejects } from "node:assert/strict";
import { type LacpCounters, type McastCounters, type StpCounters, Xstats } from "../../lib/links/xstats.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Scene, scene } from "../routes/kit.ts";

const asIp = (mcast: McastCounters | undefined): object => {
  const versions = (kind: "igmp" | "mld", what: "queries" | "reports"): object =>
    Object.fromEntries(
      (["rx", "tx"] as const).flatMap((way) =>
        (kind === "igmp" ? [1, 2, 3] : [1, 2]).map((version) => [
          `${way}_v${version}`,
          Number(mcast?.[`${kind}V${version}${what}` as "igmpV1queries"][way]),
        ]),
      ),
    );
  const kinds = (kind: "igmp" | "mld"): object => ({
    [`${kind}_queries`]: versions(kind, "queries"),
    [`${kind}_reports`]: versions(kind, "reports"),
    [`${kind}_leaves`]: { rx: Number(mcast?.[`${kind}Leaves`].rx), tx: Number(mcast?.[`${kind}Leaves`].tx) },
    [`${kind}_parse_errors`]: Number(mcast?.[`${kind}ParseErrors`]),
  });
  return { ...kinds("igmp"), ...kinds("mld") };
};
const stpAsIp = (stp: StpCounters | undefined): object => ({
  rx_bpdu: Number(stp?.rxBpdu),
  tx_bpdu: Number(stp?.txBpdu),
  rx_tcn: Number(stp?.rxTcn),
  tx_tcn: Number(stp?.txTcn),
  transition_blk: Number(stp?.transitionBlk),
  transition_fwd: Number(stp?.transitionFwd),
});

/** Counters may move between two readings. */
async function agreeing(compare: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++)
    try {
      return await compare();
    } catch (error) {
      if (attempt === 5) throw error;
    }
}
async function asked({ json }: Scene, command: string): Promise<Record<string, unknown>> {
  const [found = {}] = await json(`ip -json link xstats type ${command}`);
  return found;
}

describe("counters of bridges and bonds beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are those of ip for a bridge and its port", async function () {
    await using here = await scene();
    const xstats = new Xstats(here.connection, here.links);
    await here
      .sh("ip link set br0 type bridge mcast_snooping 1 mcast_stats_enabled 1 mcast_querier 1 stp_state 1; sleep 0.5")
      .catch((error: Error) => skip(this, `no multicast snooping here: ${error.message}`));
    await agreeing(async () => {
      const { bridgePort, ...rest } = await xstats.get("d1");
      const theirs = await asked(here, "bridge_slave dev d1");
      deepEqual(rest, {});
      deepEqual(asIp(bridgePort?.mcast), theirs["multicast"]);
      deepEqual(stpAsIp(bridgePort?.stp), theirs["stp"]);
    });
    await agreeing(async () => {
      const { bridge } = await xstats.get("br0");
      deepEqual(asIp(bridge?.mcast), (await asked(here, "bridge dev br0"))["multicast"]);
    });
    const { bridgePort } = await xstats.get("d1");
    ok((bridgePort?.mcast?.igmpV2queries.tx ?? 0n) > 0n, "the querier asked");
    deepEqual(await xstats.get("d0"), {});
    await rejects(xstats.get("nowhere"), { code: "ERR_INPUT" });
  });

  it("are those of ip for a bond and its port", async function () {
    await using here = await scene();
    const xstats = new Xstats(here.connection, here.links);
    await here
      .sh("ip link add bo type bond mode 802.3ad")
      .catch((error: Error) => skip(this, `no bonds here: ${error.message}`));
    await here.sh(`ip link add p0 type veth peer name p1; ip link set p1 master bo; ip link set bo up; ip link set p0 up
      sleep 1`);
    const words: Readonly<Record<string, keyof LacpCounters>> = { lacpdu_rx: "lacpduRx", lacpdu_tx: "lacpduTx" };
    await agreeing(async () => {
      const { bondPort } = await xstats.get("p1");
      const [found = {}] = await here.json("ip -json stats show dev p1 group xstats_slave subgroup bond");
      const { "802.3ad": theirs = {} } = found as { readonly "802.3ad"?: Record<string, number> };
      for (const [word, key] of Object.entries(words))
        deepEqual(Number(bondPort?.[key]), theirs[word], JSON.stringify(found));
    });
    ok(((await xstats.get("p1")).bondPort?.lacpduTx ?? 0n) > 0n, "LACP spoke");
    ok((await xstats.get("bo")).bond !== undefined);
  });
});
