/** A namespace for each test; our links and iproute2 side by side in it. */
import { existsSync } from "node:fs";
import { release } from "node:os";
import { Host } from "../../lib/host.ts";
import type { Links } from "../../lib/links/links.ts";
import type { Link } from "../../lib/links/words.ts";
import type { Netns } from "../../lib/netns/netns.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";

/** What `ip -json` tells of one link. */
export type IpLink = Readonly<Record<string, unknown>> & { readonly ifname: string };

/** The kernels that brought an option. An older one takes it without a word and does nothing. */
const SINCE: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  fdbMaxLearned: [6, 7],
  gsoIpv4MaxSize: [6, 3],
  groIpv4MaxSize: [6, 3],
  labelPolicy: [6, 7],
  reservedBits: [6, 14],
  mcroute: [6, 17],
  "bond.coupledControl": [6, 9],
  "bond.broadcastNeighbor": [6, 17],
  "bond_slave.actorPortPrio": [6, 18],
  "hsr.interlink": [6, 10],
  "macvlan.bclim": [6, 4],
  "macvtap.bclim": [6, 4],
  "netkit.headroom": [6, 14],
  "netkit.peerScrub": [6, 13],
  "netkit.scrub": [6, 13],
  "netkit.tailroom": [6, 14],
  "port.backupNhid": [6, 6],
  "port.mcastMaxGroups": [6, 3],
  "port.neighVlanSuppress": [6, 4],
};

/** Whether this kernel is older than an option. A kernel for one processor tells no number of queues to receive. */
export function isTooNew(key: string): boolean {
  if (key === "numRxQueues") return !existsSync("/sys/class/net/lo/queues/rx-0/rps_cpus");
  const [major, minor] = SINCE[key] ?? [0, 0];
  return isUpTo(major, minor - 1);
}

/**
 * What needs something that is in no kernel here, by the kind of link and the option; beside it no change is tried.
 * docs/attributes.md says of the rest what was tried, and where.
 */
export const UNTRIED: Readonly<Record<string, string>> = {
  "macsec.offload": "needs hardware that can do it",
};

/** Whether this kernel is this old, or older. */
export function isUpTo(major: number, minor: number): boolean {
  const [first = 0, second = 0] = release().split(/[.-]/).map(Number);
  return first < major || (first === major && second <= minor);
}

/** What a test works with. */
export interface Scene extends AsyncDisposable {
  readonly host: Host;
  readonly links: Links;
  readonly netns: Netns;
  /** Runs lines of shell in the namespace; returns what they printed. */
  sh(script: string): Promise<string>;
  /** What `ip -json -d link` tells of a link. */
  ip(name: string): Promise<IpLink>;
  /** A link that is there. */
  link(name: string): Promise<Link>;
}

function run(namespace: Netns, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = namespace.run("sh", ["-ec", script], { stdio: ["ignore", "pipe", "pipe"] });
    const said = { out: "", error: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said.out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said.error += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(said.out) : reject(new Error(`${script}: ${said.error}`))));
  });
}

/** Opens a scene; it is gone at the end of the block. */
export async function scene(script = ""): Promise<Scene> {
  const netns = await TestNamespace.create();
  const host = await Host.open({ netns });
  const sh = (lines: string): Promise<string> => run(netns, lines);
  const end = async (): Promise<void> => {
    host.close();
    await netns[Symbol.asyncDispose]();
  };
  try {
    if (script !== "") await sh(script);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    host,
    netns,
    links: host.links,
    sh,
    async ip(name) {
      const [link] = JSON.parse(await sh(`ip -json -d link show dev ${name}`)) as IpLink[];
      if (link === undefined) throw new Error(`ip shows no ${name}`);
      return link;
    },
    async link(name) {
      const link = await host.links.get(name);
      if (link === undefined) throw new Error(`there is no ${name}`);
      return link;
    },
    [Symbol.asyncDispose]: end,
  };
}
