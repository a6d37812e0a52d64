/** Commands are carried out by the programs themselves, and read by us: the document fits the host that they made. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { Host } from "../../lib/host.ts";
import { importCommands, writeDraft } from "../../lib/import/index.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import { firstTryCounts, needs } from "../../test/needs.ts";
import { addressesIn } from "../agreement/addresses.ts";
import { entriesIn } from "../agreement/entries.ts";
import type { Sort } from "../agreement/kit.ts";
import { linksIn, sortsHere, UNDER } from "../agreement/links.ts";
import { routesIn } from "../agreement/routes.ts";
import { scene } from "../links/kit.ts";
import { LINKS } from "./links.ts";

/** Objects that are drawn of each sort; fewer on an emulated processor. */
const DRAWN = process.env["LINKWRIGHT_LOAD"] === "0" ? 10 : 60;

type Shell = (script: string) => Promise<string>;

/** What a document made of these commands would still do on a host, as texts. */
async function stepsOf(host: Host, text: string): Promise<string[]> {
  const { draft } = importCommands([{ file: "commands", text }]);
  const document = writeDraft(draft);
  const desired = desiredOf(parseSource(document));
  const planned = plan(await observe(host, desired), desired);
  // Who makes a link and never sets it up has forgotten it: the document does.
  const steps = planned.steps.filter((step) => step.differences.some(({ field, to }) => field !== "up" || to !== true));
  return steps.map(
    ({ action, object, subject, differences }) => `${action} ${object} ${subject} ${JSON.stringify(differences)}`,
  );
}

describe("import of commands that iproute2 carries out", function () {
  this.timeout(120_000);
  firstTryCounts(this);
  before(function () {
    needs(this, "ip", "bridge");
  });

  const SCRIPT = `
modprobe bridge || true
ip link add name br0 type bridge forward_delay 400 priority 100
ip l s br0 up
ip link add link under name under.7 type macvlan mode bridge
ip link set dev under.7 mtu 1400 up
brctl addbr br1
brctl setfd br1 5
ip link set dev br1 up
ip link add v0 type veth peer name v1 && ip link set v0 master br0 up; ip link set v1 up
bridge link set dev v0 hairpin on cost 7
ip a a 192.0.2.1/24 brd + dev br0
ip -6 addr add 2001:db8::1/64 dev br0 nodad
ip route add 198.51.100.0/24 via 192.0.2.9 metric 7
ip r add blackhole 203.0.113.0/24
ip -6 route add default via 2001:db8::9
ip link add vx0 type vxlan id 39 dev under local 10.9.9.1 dstport 4789 nolearning
ip link set vx0 master br0 up
bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.9.9.2
bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.9.9.3
bridge fdb add 02:00:00:00:00:77 dev vx0 dst 10.9.9.3 self static
ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev br0
ip rule add from 192.0.2.0/24 table 100 pref 500
ip nexthop add id 5 via 192.0.2.8 dev br0
ip route add 198.18.0.0/15 nhid 5
sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.br0.rp_filter=2
echo 1 > /proc/sys/net/ipv4/conf/br0/proxy_arp
printf 1 | tee /proc/sys/net/ipv4/conf/br1/proxy_arp > /dev/null
`;

  it("fits the host that a script made", async function () {
    needs(this, "brctl", "sysctl");
    await using here = await scene(UNDER.replaceAll(/br0/g, "other"));
    await here.sh("ip address add 10.9.9.1/24 dev under");
    await here.sh(SCRIPT);
    deepEqual(await stepsOf(here.host, SCRIPT), []);
  });

  it("fits the host that the founding story's commands made, once their bridge is there", async function () {
    needs(this, "nft", "iptables", "sysctl");
    const text = readFileSync("test/fixtures/import/founding-story-bm1.txt", "utf8");
    await using here = await scene(
      "ip link add ens34f0 type veth peer name cable; ip link set ens34f0 up; ip address add 192.168.0.23/24 dev ens34f0",
    );
    const script = text
      .replaceAll(/^# /gm, "")
      .replace("/etc/sysctl.d/98-rpfilter.conf", "rpfilter.conf")
      .replace("sysctl --system", "sysctl -p rpfilter.conf")
      .replace("master br0", "master br-vm");
    await here.sh(`cd $(mktemp -d); ip link add br-vm type bridge; ip link set br-vm up\n${script}`);
    const steps = await stepsOf(here.host, text);
    // Their rules are in tables of iptables, ours will be in one of our own.
    equal(steps.length, 1, steps.join("\n"));
    ok(steps[0]?.startsWith("create nftables inet linkwright"), steps[0]);
  });

  async function hold<C>(host: Host, sh: Shell, sort: Sort<C>): Promise<void> {
    let fitting = 0;
    const property = fc.asyncProperty(sort.drawn, async (configs) => {
      for (const config of configs.slice(0, 5)) {
        const text = sort
          .lines(config)
          .map((line) => `${sort.program} ${line}`)
          .join("\n");
        try {
          const refused = await sh(text).then(
            () => false,
            () => true,
          );
          if (refused) continue;
          deepEqual(await stepsOf(host, text), [], text);
          fitting++;
        } finally {
          await sort.clear([config]);
        }
      }
    });
    while (fitting < DRAWN) await fc.assert(property, { numRuns: 5, interruptAfterTimeLimit: 30_000 });
  }

  it("fits any link", async () => {
    await using here = await scene(UNDER);
    await hold(here.host, here.sh, linksIn(here, await sortsHere(here)));
  });

  for (const [name, sortIn] of [
    ["address", addressesIn],
    ["route", routesIn],
    ["forwarding entry", entriesIn],
  ] as unknown as readonly (readonly [string, (scene: never) => Sort<unknown>])[])
    it(`fits any ${name}`, async () => {
      await using here = await scene(LINKS);
      const { addresses, routes, fdb } = here.host;
      await hold(here.host, here.sh, sortIn({ addresses, routes, fdb } as never));
    });
});
