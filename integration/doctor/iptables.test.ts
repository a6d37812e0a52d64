import { deepEqual, equal } from "node:assert/strict";
import { judge, type Packet } from "../../lib/doctor/verdict.ts";
import { Host } from "../../lib/host.ts";
import type { ObservedTable } from "../../lib/nftables/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs } from "../../test/needs.ts";

/** What Docker makes of the FORWARD chain, in short. */
const DOCKER = `iptables -P FORWARD DROP
iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER; iptables -A DOCKER-USER -j RETURN
iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT`;

describe("what iptables-nft makes of a packet", function () {
  this.timeout(20_000);
  before(function () {
    needs(this, "iptables-nft");
  });

  /** The tables after these commands. */
  async function tables(commands: string): Promise<readonly ObservedTable[]> {
    await using netns = await TestNamespace.create();
    await using host = await Host.open({ netns });
    const child = netns.run("sh", ["-ec", commands.replaceAll("iptables ", "iptables-nft ")], { stdio: "inherit" });
    equal(await new Promise((resolve) => child.on("close", resolve)), 0, commands);
    const table = await host.nftables.get("ip", "filter");
    return table === undefined ? [] : [table];
  }
  const packet: Packet = {
    family: "ip",
    in: "br-vm",
    out: "ens34f0",
    saddr: "12.12.139.11",
    protocol: "tcp",
    ctState: "new",
  };
  const fate = async (commands: string, changes: Partial<Packet> = {}): Promise<[string, string | undefined]> => {
    const { verdict, chain } = judge(await tables(commands), "forward", { ...packet, ...changes });
    return [verdict, chain];
  };

  it("is dropped by Docker's policy, as no rule of Docker's is for it", async () => {
    deepEqual(await fate(DOCKER), ["drop", "ip filter FORWARD"]);
    deepEqual(await fate(DOCKER, { in: "docker0" }), ["accept", undefined]);
    deepEqual(await fate(DOCKER, { out: "docker0" }), ["unsure", "ip filter FORWARD"]);
  });

  it("is let through by a rule that names its links", async () => {
    deepEqual(await fate(`${DOCKER}; iptables -I FORWARD -i br-vm -o ens34f0 -j ACCEPT`), ["accept", undefined]);
    deepEqual(await fate(`${DOCKER}; iptables -I FORWARD -i br-vm -o ens34f1 -j ACCEPT`), [
      "drop",
      "ip filter FORWARD",
    ]);
    deepEqual(await fate(`${DOCKER}; iptables -I FORWARD -i br+ -j ACCEPT`), ["accept", undefined]);
  });

  it("is not decided by what this library has no words for", async () => {
    const odd = "iptables -I FORWARD -m conntrack --ctstate NEW -j ACCEPT";
    deepEqual(await fate(`iptables -P FORWARD DROP; ${odd}`), ["unsure", "ip filter FORWARD"]);
  });
});
