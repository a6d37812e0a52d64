/**
 * Virtual functions beside `ip -json link`, of the simulated card of the module netdevsim. Debian builds it for none of its
 * kernels: made of linux-source for the kernel at hand, and loaded, this test runs.
 */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { type Vf, Vfs } from "../../lib/links/vfs.ts";
import { needs, skip } from "../../test/needs.ts";
import { given, type Scene, scene } from "../routes/kit.ts";

const BUS = "/sys/bus/netdevsim";
const NUMBER = 77;

/** A card with three virtual functions; its name. */
async function card(context: Mocha.Context, { sh, json }: Scene): Promise<string> {
  await sh(`echo '${NUMBER} 1' > ${BUS}/new_device`).catch(() => skip(context, "this kernel has no netdevsim"));
  await sh(`echo 3 > ${BUS}/devices/netdevsim${NUMBER}/sriov_numvfs`);
  const [found] = (await json("ip -json -d link show")).filter((one) => one["parentdev"] === `netdevsim${NUMBER}`);
  return String(found?.["ifname"]);
}
const MEGABIT = 1_000_000;
const asIp = ({ vf, mac, vlan, qos, vlanProtocol, ...one }: Vf): object => ({
  vf,
  address: mac,
  vlan_list: [
    vlan === undefined ? {} : given({ vlan, qos, protocol: vlanProtocol === "802.1ad" ? "802.1ad" : undefined }),
  ],
  rate: { max_tx: (one.maxTxRate ?? 0) / MEGABIT, min_tx: (one.minTxRate ?? 0) / MEGABIT },
  spoofchk: one.spoofchk,
  link_state: one.state,
  trust: one.trust,
  query_rss_en: one.queryRss,
});

describe("virtual functions beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are told alike, whoever set them", async function () {
    await using here = await scene();
    const dev = await card(this, here);
    try {
      const vfs = new Vfs(here.connection, here.links);
      const agree = async (): Promise<readonly Vf[]> => {
        const ours = await vfs.list({ dev });
        const [{ vfinfo_list } = {}] = await here.json(`ip -json -d link show dev ${dev}`);
        const theirs = (vfinfo_list as Record<string, unknown>[]).map(
          ({ link_type: _, broadcast: __, tx_rate: ___, ...one }) => one,
        );
        deepEqual(ours.map(asIp), theirs);
        return ours;
      };
      const before = await agree();
      equal(before.length, 3);
      const all = {
        mac: "02:00:00:00:00:0b",
        vlan: 10,
        qos: 3,
        vlanProtocol: "802.1ad",
        maxTxRate: 100 * MEGABIT,
        minTxRate: 50 * MEGABIT,
        spoofchk: true,
        queryRss: true,
        state: "enable",
        trust: true,
      } as const;
      deepEqual((await vfs.update({ dev, vf: 1, ...all })).toSorted(), Object.keys(all).toSorted());
      deepEqual(await vfs.update({ dev, vf: 1, ...all }), []);
      const [first, second] = await agree();
      deepEqual(first, before[0]);
      deepEqual(second, { ...before[1], ...all });
      deepEqual(await vfs.update({ dev, vf: 1, maxTxRate: 200 * MEGABIT }), ["maxTxRate"]);
      equal((await agree())[1]?.minTxRate, 50 * MEGABIT);
      await here.sh(
        `ip link set ${dev} vf 1 vlan 0; ip link set ${dev} vf 2 vlan 7 qos 1; ip link set ${dev} vf 0 state disable`,
      );
      equal((await agree())[1]?.vlan, undefined);
      deepEqual(
        (await vfs.list()).map(({ vf, vlan, state }) => [vf, vlan, state]),
        [
          [0, undefined, "disable"],
          [1, undefined, "enable"],
          [2, 7, "auto"],
        ],
      );
      equal((await vfs.list({ dev, statistics: true }))[0]?.statistics?.txBytes, 0n);
      await rejects(vfs.update({ dev, vf: 9, trust: true }), {
        code: "ENODEV",
        message: new RegExp(
          `^cannot change virtual function 9 of ${dev}: the card has none of this number \\(ENODEV, at vf\\)$`,
        ),
      });
      deepEqual(await vfs.list({ dev: "d0" }), []);
    } finally {
      await here.sh(`echo ${NUMBER} > ${BUS}/del_device`);
    }
  });
});
