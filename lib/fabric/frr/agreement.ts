/** Whether FRR, the kernel and the fabric say the same of one host. */
import type { FdbEntry } from "../../neighbors/entry.ts";
import { canonicalIp, ZERO_MAC } from "../../state/words.ts";
import type { Fabric } from "../overlay.ts";
import type { FrrFinding } from "./finding.ts";
import { speakerOf, WIDE_VTEPS } from "./render.ts";

/** What FRR answers to `show … json`. Only what is looked at. */
interface Answers {
  readonly summary: {
    readonly as?: number;
    readonly routerId?: string;
    readonly peers?: Readonly<Record<string, { readonly state?: string }>>;
  };
  readonly vnis: Readonly<
    Record<
      string,
      {
        readonly type?: string;
        readonly vxlanIf?: string;
        readonly tenantVrf?: string;
        readonly remoteVteps?: readonly string[] | string;
      }
    >
  >;
  readonly macs: Readonly<
    Record<
      string,
      { readonly macs?: Readonly<Record<string, { readonly type?: string; readonly remoteVtep?: string }>> }
    >
  >;
}

/** Asks FRR, as `vtysh -c COMMAND` does. */
export type AskFrr = (command: string) => Promise<string>;

/** What FRR told is not what this library knows how to read. */
export class FrrError extends Error {
  override readonly name = "FrrError";
  readonly code = "ERR_FRR";
}

async function json<T>(ask: AskFrr, command: string): Promise<T> {
  const text = await ask(command);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new FrrError(`FRR answers to ${command}: ${text.trim().split("\n")[0] || "nothing"}`);
  }
}

/** Asks what is compared. @throws {FrrError} */
async function askAll(ask: AskFrr): Promise<Answers> {
  return {
    summary: await json(ask, "show bgp l2vpn evpn summary json"),
    vnis: await json(ask, "show evpn vni json"),
    macs: await json(ask, "show evpn mac vni all json"),
  };
}

/** What not every FRR can, and from which version on. */
const NEWER: readonly {
  readonly major: number;
  readonly minor: number;
  readonly what: string;
  needed(fabric: Fabric, host: string): boolean;
}[] = [
  {
    ...{ major: 9, minor: 0, what: "one VXLAN for several VNIs" },
    needed: ({ overlays }, host) =>
      overlays.some(({ flood, entry, ends }) => flood === "evpn" && entry.vlan !== undefined && ends.has(host)),
  },
  {
    ...{ ...WIDE_VTEPS, what: "VTEPs of IPv6" },
    needed: ({ hosts, overlays }, host) =>
      hosts[host]?.vtep?.includes(":") === true &&
      overlays.some(({ flood, ends }) => flood === "evpn" && ends.has(host)),
  },
];

/** Says what the fabric takes and this version of FRR cannot: then the rest does not agree either. */
async function compareVersion(fabric: Fabric, host: string, ask: AskFrr, say: Say): Promise<void> {
  const needed = NEWER.filter((one) => one.needed(fabric, host));
  if (needed.length === 0) return;
  const [, version = "", ...numbers] = /FRRouting ((\d+)\.(\d+)\S*)/.exec(await ask("show version")) ?? [];
  const [has = Number.POSITIVE_INFINITY, minor = 0] = numbers.map(Number);
  for (const one of needed)
    if (has < one.major || (has === one.major && minor < one.minor))
      say(`FRR ${version} does not know ${one.what}: that takes ${one.major}.${one.minor} or later`);
}

type Say = (message: string, severity?: FrrFinding["severity"]) => void;

interface Wanted {
  readonly vni: number;
  readonly vxlan: string;
  /** Far ends that take part, by host. */
  readonly ends: ReadonlyMap<string, string>;
  readonly vrf?: string;
}

function wantedOf({ overlays, evpn }: Fabric, host: string): Wanted[] {
  const own = overlays.filter(({ flood, ends }) => flood === "evpn" && ends.has(host));
  const names = new Set(own.flatMap(({ entry }) => entry.vrf ?? []));
  const layer2 = own.map(({ vni, vxlan, ends }) => ({
    vni,
    vxlan,
    ends: new Map([...ends].filter(([one]) => one !== host).map(([one, { vtep }]) => [one, canonicalIp(vtep)])),
  }));
  const layer3 = [...names].flatMap((vrf) => {
    const vni = evpn?.vrfs?.[vrf]?.vni;
    return vni === undefined ? [] : [{ vni, vxlan: `vx-${vrf}`, ends: new Map<string, string>(), vrf }];
  });
  return [...layer2, ...layer3];
}

function compareBgp(fabric: Fabric, host: string, { as, routerId, peers = {} }: Answers["summary"], say: Say): void {
  const speaker = speakerOf(fabric, host);
  if (speaker === undefined) return;
  if (as !== undefined && as !== speaker.asn)
    say(`BGP is of autonomous system ${as}, and the fabric of ${speaker.asn}`);
  if (routerId !== undefined && routerId !== speaker.routerId)
    say(`BGP's router-id is ${routerId}, and the fabric's ${speaker.routerId}`);
  for (const { address } of speaker.neighbors) {
    const state = peers[address]?.state;
    if (state === undefined) say(`BGP has no neighbor ${address}`);
    else if (state !== "Established") say(`BGP's neighbor ${address} is ${state}: is it up, and TCP port 179 open?`);
  }
}

const listed = (ends: readonly string[] | string | undefined): readonly string[] =>
  Array.isArray(ends) ? ends.map(canonicalIp) : [];

/** Entries of the kernel for a VNI: a VXLAN that has several tells of each which one it is for. */
const entriesOf = ({ vni, vxlan }: Wanted, fdb: readonly FdbEntry[]): readonly FdbEntry[] =>
  fdb.filter(({ dev, srcVni = vni }) => dev === vxlan && srcVni === vni);

function compareEnds(wanted: Wanted, told: readonly string[], fdb: readonly FdbEntry[], say: Say): void {
  const { vni, vxlan, ends } = wanted;
  const flooded = entriesOf(wanted, fdb).flatMap(({ mac, dst }) =>
    mac === ZERO_MAC && dst !== undefined ? [dst] : [],
  );
  for (const [host, vtep] of ends) if (!told.includes(vtep)) say(`VNI ${vni}: ${host} (${vtep}) does not announce it`);
  const known = new Set(ends.values());
  for (const vtep of told) {
    if (!known.has(vtep)) say(`VNI ${vni}: ${vtep} announces it, and is no member of the overlay`, "warning");
    if (!flooded.includes(vtep)) say(`VNI ${vni}: FRR knows the far end ${vtep}, and ${vxlan} does not flood to it`);
  }
  for (const vtep of flooded)
    if (!told.includes(vtep))
      say(`VNI ${vni}: ${vxlan} floods to ${vtep}, of which FRR knows nothing: whose entry is it?`);
}

function compareMacs(wanted: Wanted, { macs: all }: Answers, fdb: readonly FdbEntry[], say: Say): void {
  const { vni } = wanted;
  const known = Object.entries(all[String(vni)]?.macs ?? {}).filter(([, { type }]) => type === "remote");
  const there = new Map(
    entriesOf(wanted, fdb).flatMap(({ mac, dst, externLearn }) =>
      externLearn === true && dst !== undefined ? [[mac, dst]] : [],
    ),
  );
  for (const [mac, { remoteVtep = "" }] of known) {
    const dst = there.get(mac);
    if (dst === undefined) say(`VNI ${vni}: FRR has ${mac} at ${remoteVtep}, and the kernel no entry for it`);
    else if (dst !== canonicalIp(remoteVtep))
      say(`VNI ${vni}: FRR has ${mac} at ${remoteVtep}, and the kernel at ${dst}`);
  }
  // Of a machine that has come back the VXLAN keeps the entry, and the bridge does not ask it any more.
  const macs = new Set(Object.keys(all[String(vni)]?.macs ?? {}));
  for (const [mac, dst] of there)
    if (!macs.has(mac)) say(`VNI ${vni}: the kernel has ${mac} at ${dst}, and FRR does not: the entry is stale`);
}

/**
 * Compares what FRR says on a host with the fabric and the kernel: neighbors, VNIs, far ends, MACs. While something
 * moves they differ for a moment. `fdb` are the forwarding entries of that host.
 *
 * @throws {FrrError} where FRR does not answer.
 */
export async function compareFrr(
  fabric: Fabric,
  host: string,
  ask: AskFrr,
  fdb: readonly FdbEntry[],
): Promise<readonly FrrFinding[]> {
  const found: FrrFinding[] = [];
  const say: Say = (message, severity = "error") => void found.push({ severity, message });
  await compareVersion(fabric, host, ask, say);
  const answers = await askAll(ask);
  compareBgp(fabric, host, answers.summary, say);
  for (const wanted of wantedOf(fabric, host)) {
    const { vni, vxlan, vrf } = wanted;
    const told = answers.vnis[String(vni)];
    if (told === undefined) say(`VNI ${vni}: FRR does not know it: is ${vxlan} up, and advertise-all-vni set?`);
    else if (vrf !== undefined && (told.type !== "L3" || told.tenantVrf !== vrf))
      say(`VNI ${vni}: to FRR it is not that of VRF ${vrf}; write vrf ${vrf}, vni ${vni}`);
    else if (told.vxlanIf !== vxlan) say(`VNI ${vni}: to FRR it is ${told.vxlanIf}, and the fabric has ${vxlan}`);
    else if (vrf === undefined) {
      compareEnds(wanted, listed(told.remoteVteps), fdb, say);
      compareMacs(wanted, answers, fdb, say);
    }
  }
  return found;
}
