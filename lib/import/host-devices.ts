/** What a running host's links have beside their options: keys and peers of WireGuard, queues, features of devices. */
import type { Host } from "../host.ts";
import { type ObservedQueues, observeQueues } from "../state/observe-queues.ts";
import type { Observed } from "../state/observed.ts";
import { isWhole, type ObservedQdisc, OWN, ownWords } from "../state/queue.ts";
import { pick, sameValue, type Words } from "../state/step.ts";
import type { Bag } from "./model.ts";

/** Of all links: what stands in their entries, what is said beside these, and what cannot be said. */
export interface HostDevices {
  readonly bags: ReadonlyMap<string, Bag>;
  readonly remarks: ReadonlyMap<string, string>;
  readonly left: readonly string[];
}

/** Peers, and what is chosen of the link; keys are named by nobody but their owner. */
export function wireguardOf({ wireguard }: Observed, name: string): { readonly bag: Bag; readonly remark: string } {
  const seen = wireguard?.[name];
  if (seen === undefined) return { bag: {}, remark: "Its peers are shown to root only, and are not in this document." };
  const { listenPort, fwmark, publicKey } = seen;
  const peers = seen.peers.map(({ publicKey: of, endpoint, persistentKeepalive, allowedIps }) => ({
    publicKey: of,
    ...(endpoint !== undefined && { endpoint }),
    ...(persistentKeepalive !== 0 && { persistentKeepalive }),
    ...(Array.isArray(allowedIps) && allowedIps.length > 0 && { allowedIps }),
  }));
  const shared = seen.peers.filter(({ presharedKey }) => presharedKey !== undefined).length;
  const remark = [
    ...(publicKey === undefined
      ? []
      : [
          `Its private key stays. To have it elsewhere, write what wg show ${name} private-key tells to a file, and add privateKeyFile: /etc/wireguard/${name}.key`,
        ]),
    ...(shared === 0 ? [] : [`${shared} of its peers have a preshared key, for presharedKeyFile`]),
  ].join(". ");
  return {
    bag: {
      ...(listenPort !== 0 && { listenPort }),
      ...(fwmark !== 0 && { fwmark }),
      ...(peers.length > 0 && { peers }),
    },
    remark,
  };
}

/** Qdiscs that a kernel puts on links by itself. */
const USUAL: readonly unknown[] = ["noqueue", "pfifo_fast", "mq", "fq_codel", "fq", "noop"];
/** What a queue has that nobody told anything. */
const DEFAULTS: Readonly<Record<string, Words>> = {
  fq_codel: {
    target: 0.005,
    interval: 0.1,
    limit: 10_240,
    flows: 1024,
    ecn: true,
    memoryLimit: 33_554_432,
    dropBatch: 64,
  },
};

/** A queue as a document has it; undefined where it is the kernel's own. */
function queueOf(seen: ObservedQdisc, named: boolean): Bag | undefined {
  if (seen.handle === OWN) return undefined;
  const { handle, ...words } = ownWords(seen) as Words;
  const usual = DEFAULTS[seen.kind] ?? {};
  const others = Object.keys(words).filter((key) => !sameValue(words[key], usual[key]));
  return { ...pick(words, others), ...(named && { handle }) };
}

/** Whether classes or filters name the queue at the root of a link. */
function isNamed({ queues, classes, filters }: ObservedQueues, dev: string, handle: string): boolean {
  const names = [...queues, ...classes, ...filters].filter((one) => one["dev"] === dev);
  return names.some(({ parent, classid }) => [parent, classid].some((one) => String(one).startsWith(handle)));
}

/** The queues of a host; nothing where this user, or this kernel, tells none. */
export async function queuesOfHost(host: Host): Promise<ObservedQueues> {
  try {
    return await observeQueues(host, {});
  } catch (error) {
    if (["EPERM", "EOPNOTSUPP"].includes(String((error as { code?: unknown }).code)))
      return { qdiscs: {}, queues: [], classes: [], filters: [] };
    throw error;
  }
}

function queuesAtRoots(all: ObservedQueues): { bags: ReadonlyMap<string, Bag>; left: readonly string[] } {
  const roots = Object.entries(all.qdiscs);
  const said = roots.filter(([, seen]) => isWhole(seen));
  const bags = said.map(([dev, seen]) => [dev, queueOf(seen, isNamed(all, dev, seen.handle))] as const);
  const left = roots
    .filter(([, seen]) => !isWhole(seen) && !(USUAL.includes(seen.kind) && seen.inner !== true))
    .map(([dev, { kind }]) => `the qdisc ${kind} of ${dev} cannot be said in a document`);
  const odd = roots
    .filter(([, { ingress }]) => ingress === true)
    .map(([dev]) => `the queue for what comes in at ${dev} cannot be said in a document`);
  return { bags: new Map(bags.filter(isGiven)), left: [...left, ...odd] };
}
const isGiven = (one: readonly [string, Bag | undefined]): one is readonly [string, Bag] => one[1] !== undefined;

/** Features that are on where a device can change them, but for those that somebody switched off. */
const USUALLY_ON = [
  ...["tx-scatter-gather", "tx-checksum-ip-generic", "tx-checksum-ipv4", "tx-checksum-ipv6", "rx-checksum"],
  ...["tx-generic-segmentation", "tx-tcp-segmentation", "tx-tcp6-segmentation", "rx-gro"],
];
/** Features that nothing switches on by itself. */
const USUALLY_OFF = ["rx-gro-list", "rx-udp-gro-forwarding", "rx-fcs", "rx-all", "loopback"];
/** A pair's ends have no GRO of their own until somebody wants it. */
const OFF_OF: Readonly<Record<string, readonly string[]>> = { veth: ["rx-gro"] };

/** Features that somebody switched, as far as that can be told: no kernel says what a device began with. */
async function featuresOf(host: Host, name: string, kind: string | undefined): Promise<Bag> {
  const { features } = await host.ethtool.features(name);
  const off = OFF_OF[kind ?? ""] ?? [];
  const switched = (feature: string): boolean => {
    const one = features.get(feature);
    if (one === undefined || !one.changeable || one.active !== one.wanted) return false;
    return USUALLY_OFF.includes(feature) || off.includes(feature) ? one.wanted : !one.wanted;
  };
  const found = [...USUALLY_ON, ...USUALLY_OFF].filter(switched);
  return Object.fromEntries(found.map((feature) => [feature, features.get(feature)?.wanted === true]));
}

/** A device or a kernel that tells nothing, a device that is gone by now, or a name that nobody may write. */
const SILENT = ["EOPNOTSUPP", "ENOENT", "ENODEV", "ERR_INPUT"];

async function features(host: Host, { links }: Observed): Promise<ReadonlyMap<string, Bag>> {
  const found = new Map<string, Bag>();
  for (const { name, kind } of links.filter((link) => link.name !== "lo"))
    try {
      const all = await featuresOf(host, name, kind);
      if (Object.keys(all).length > 0) found.set(name, all);
    } catch (error) {
      if (!SILENT.includes(String((error as { code?: unknown }).code))) throw error;
    }
  return found;
}

/** Reads what stands beside the options of links. */
export async function devicesOf(host: Host, observed: Observed, queues: ObservedQueues): Promise<HostDevices> {
  const { bags: qdiscs, left } = queuesAtRoots(queues);
  const switched = await features(host, observed);
  const bags = new Map<string, Bag>();
  const remarks = new Map<string, string>();
  for (const { name, kind } of observed.links) {
    const { bag, remark } = kind === "wireguard" ? wireguardOf(observed, name) : { bag: {}, remark: "" };
    const [qdisc, of] = [qdiscs.get(name), switched.get(name)];
    bags.set(name, {
      ...bag,
      ...(of !== undefined && { ethtool: { features: of } }),
      ...(qdisc !== undefined && { qdisc }),
    });
    if (remark !== "") remarks.set(name, remark);
  }
  return { bags, remarks, left };
}
