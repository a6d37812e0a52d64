/** What the doctor tells to type is typed, in the lab: then it finds nothing of that cause any more. */
import { deepEqual } from "node:assert/strict";
import { type Cause, diagnose, type Finding } from "../../lib/doctor/index.ts";
import { inject } from "../../lib/testkit/faults.ts";
import { Lab } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { addressed, BRISK, causeOf, chatter, type FaultName, inTurns, UNDERLAYS, type Underlay } from "./matrix.ts";

/** The commands that a way to mend it begins with; what follows is another way, or what to do besides. */
function commandsOf(fix: string): string[] {
  const [told = ""] = fix.split(/, (?:or|unless|and|on|where|with|once) |; (?:and|or) | on both hosts/);
  return told.split("; ").map((one) => one.trim());
}

/** Types a command on a host. */
async function type(lab: Lab, host: string, command: string): Promise<void> {
  const child = lab.node(host).netns.run("sh", ["-ec", command], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  deepEqual([code, said], [0, ""], command);
}

/** Types what mends each finding of the cause that a fault has, which is the first. */
async function mend(lab: Lab, host: string, fault: FaultName, found: readonly Finding[]): Promise<void> {
  deepEqual(found[0]?.cause, causeOf(fault));
  for (const { fix } of found.filter(({ cause }) => cause === causeOf(fault)))
    for (const command of commandsOf(fix)) await type(lab, host, command);
}
const causes = (found: readonly Finding[]): Cause[] => found.map(({ cause }) => cause);

/** Seen in what a host has, without asking anybody. */
const WRITTEN: readonly FaultName[] = [
  ...(["underlay-down", "no-route-to-peer", "vxlan-down", "vxlan-not-in-bridge", "bridge-down"] as const),
  ...(["port-not-forwarding", "flood-off", "ports-isolated", "bridge-netfilter", "bridge-filtered"] as const),
  ...(["forwarding-off", "forward-dropped", "masquerade-too-wide", "vxlan-filtered-here", "rp-filter"] as const),
  ...(["remote-is-self", "no-flood-entry"] as const),
];
/** Seen in what the network answers. */
const ASKED: readonly (readonly [FaultName, Underlay])[] = [
  ["wrong-remote", "IPv4 unicast"],
  ["stale-entry", "IPv4 unicast"],
  ["underlay-mtu", "IPv4 unicast"],
  ["underlay-shrunk", "IPv6 unicast"],
  ["masquerade-missing", "IPv4 unicast"],
  ["masquerade-missing", "IPv6 guests"],
  ["duplicate-mac", "IPv4 unicast"],
  ["duplicate-ip", "IPv4 unicast"],
  ["group-not-joined", "IPv4 multicast"],
  ["no-flood-entry", "IPv4 multicast"],
  ["local-missing", "IPv6 unicast"],
];

describe("what the doctor tells to type mends", function () {
  this.timeout(120_000);
  before(function () {
    needs(this, "ip", "bridge", "nft", "iptables-nft");
  });

  it("what is wrong with a host in itself", async () => {
    const tried = await inTurns(WRITTEN, async (fault) => {
      await using lab = await Lab.up("examples/two-hosts.yaml");
      const look = async () => (await diagnose(lab.host("bm1"), { ask: false })).findings;
      deepEqual(await look(), []);
      await inject(lab, fault, "bm1");
      await mend(lab, "bm1", fault, await look());
      return [fault, causes(await look()).filter((cause) => cause === causeOf(fault))];
    });
    deepEqual(
      tried,
      WRITTEN.map((fault) => [fault, []]),
    );
  });

  it("what shows in what the network answers", async () => {
    const tried = await inTurns(ASKED, async ([fault, underlay]) => {
      const [document, host] = UNDERLAYS[underlay];
      await using lab = await Lab.up(document);
      await inject(lab, fault, host);
      await addressed(lab);
      const ended = chatter(lab);
      try {
        const look = async () => (await diagnose(lab.host(host), BRISK)).findings;
        await mend(lab, host, fault, await look());
        return [fault, underlay, causes(await look()).filter((cause) => cause === causeOf(fault))];
      } finally {
        await ended();
      }
    });
    deepEqual(
      tried,
      ASKED.map(([fault, underlay]) => [fault, underlay, []]),
    );
  });
});
