/** Where the links of an MTU plan come from: a document, a host, or both. */
import type { Host } from "../host.ts";
import { isTunnelOfFrames } from "../mtu/encapsulation.ts";
import { type MtuLink, type Remark, topsOf } from "../mtu/plan.ts";
import { type Desired, desiredOf } from "../state/desired.ts";
import { isWide, Mtus } from "../state/mtu.ts";
import type { Observed, ObservedLink } from "../state/observed.ts";
import { masterOf } from "../state/ports.ts";
import { parseSource } from "../state/source.ts";
import { parseEndpoint } from "../wireguard/words.ts";
import { CommandError } from "./failure.ts";

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** What an MTU depends on: links, and the far ends of tunnels. */
export async function observeMtus(host: Host): Promise<Observed> {
  const [links, fdb] = await Promise.all([host.links.list(), host.fdb.list()]);
  return { links: links.map(({ wire: _, ...link }) => link as unknown as ObservedLink), fdb: fdb as never };
}

/** What tunnels that name no device send through, on a host that nobody looked at. */
const PAPER = "underlay";

/** A host that nobody looked at: the devices that the document takes for granted have this MTU. */
export function observedOnPaper(desired: Desired, underlay: number): Observed {
  const made = new Set(desired.links.filter(({ kind }) => kind !== undefined).map(({ name }) => name));
  const named = desired.links.flatMap(({ options }) => text(options["dev"]) ?? []);
  const missing = [...new Set(named)].filter((name) => !made.has(name));
  return { links: [...missing, PAPER].map((name) => ({ name, mtu: underlay })) };
}

/** A document that describes nothing. */
export function emptyDesired(): Desired {
  return desiredOf(parseSource("linkwright: 1\n", "nothing"));
}

function farEnd(name: string, desired: Desired, observed: Observed): string | undefined {
  const link = desired.links.find((one) => one.name === name);
  const seen = observed.links.find((one) => one.name === name);
  const entry = observed.fdb?.find((one) => one["dev"] === name && one["dst"] !== undefined);
  return text(link?.options["remote"]) ?? link?.remotes?.[0] ?? text(seen?.["remote"]) ?? text(entry?.["dst"]);
}

/** The device that a tunnel which names none sends through; undefined where that is not known. */
async function routeOf(host: Host | undefined, peer: string | undefined, mark = 0): Promise<string | undefined> {
  if (host === undefined) return PAPER;
  if (peer === undefined) return undefined;
  try {
    return (await host.routes.get(peer, mark === 0 ? {} : { mark })).dev;
  } catch {
    return undefined; // no route: then there is no underlay to reckon with
  }
}

/** The encapsulation that a kind of link is. */
function reckonedAs(kind: string, gpe: boolean): string {
  if (kind === "vxlan" && gpe) return "vxlan-gpe";
  return kind === "xfrm" ? "ipsec" : kind;
}

/** Where a WireGuard link sends to, as the document has it, or the host. */
async function wireguardOf(
  name: string,
  desired: Desired,
  host: Host | undefined,
): Promise<{ readonly ends: readonly string[]; readonly mark: number }> {
  const told = desired.links.find((one) => one.name === name)?.wireguard;
  // Keys and peers are shown to who may see them.
  const seen = await host?.wireguard.get(name).catch(() => undefined);
  const peers = (told?.["peers"] ?? seen?.peers ?? []) as readonly { readonly endpoint?: string }[];
  const ends = peers.flatMap(({ endpoint }) => parseEndpoint(endpoint ?? "")?.address ?? []);
  return { ends, mark: Number(told?.["fwmark"] ?? seen?.fwmark ?? 0) };
}

/** What is below a WireGuard link: the way to its peers, and of several versions of IP the one that takes more. */
async function underWireguard(
  name: string,
  desired: Desired,
  host: Host | undefined,
): Promise<Pick<MtuLink, "dev" | "family">> {
  const { ends, mark } = await wireguardOf(name, desired, host);
  const wide = ends.find((one) => one.includes(":"));
  const dev = await routeOf(host, wide ?? ends[0], mark);
  return { family: wide === undefined ? 4 : 6, ...(dev !== undefined && dev !== name && { dev }) };
}

/** All links as the document makes them; those that it does not describe are as they are. */
export async function linksOf(desired: Desired, observed: Observed, host?: Host): Promise<MtuLink[]> {
  const mtus = new Mtus(desired, observed);
  const absent = new Set(desired.links.filter((one) => one.absent).map(({ name }) => name));
  const names = [...new Set([...desired.links, ...observed.links].map(({ name }) => name))];
  const found = names.map(async (name): Promise<MtuLink | undefined> => {
    const known = absent.has(name) ? undefined : mtus.of(name);
    if (known === undefined) return undefined;
    const link = desired.links.find((one) => one.name === name);
    const seen = observed.links.find((one) => one.name === name);
    const kind = link?.kind ?? seen?.kind ?? "device";
    const far = farEnd(name, desired, observed);
    const wide =
      isWide(link ?? { name, absent: false, options: {}, path: [] }, desired, observed) || far?.includes(":");
    const named = text(link?.options["dev"] ?? seen?.["dev"]);
    const dev = named ?? (isTunnelOfFrames(kind) ? await routeOf(host, far) : undefined);
    const master = text(masterOf(link, seen));
    const gpe = (link?.options["gpe"] ?? seen?.["gpe"]) === true;
    return {
      name,
      kind: reckonedAs(kind, gpe),
      mtu: known.value,
      why: known.why,
      family: wide ? 6 : 4,
      ...(dev === undefined ? {} : { dev }),
      ...(dev !== undefined && named === undefined ? { routed: true } : {}),
      ...(master === undefined ? {} : { master }),
      ...(kind === "wireguard" && (await underWireguard(name, desired, host))),
    };
  });
  return (await Promise.all(found)).filter((one) => one !== undefined);
}

/** Where the host has another MTU than the document gives. */
export function disagreements(desired: Desired, observed: Observed, links: readonly MtuLink[]): Remark[] {
  return desired.links.flatMap(({ name, absent }): Remark[] => {
    const has = observed.links.find((one) => one.name === name)?.["mtu"];
    const wanted = links.find((one) => one.name === name)?.mtu;
    if (absent || has === undefined || wanted === undefined || has === wanted) return [];
    return [{ name, level: "wrong", text: `the host has MTU ${String(has)}, and the document makes it ${wanted}` }];
  });
}

/** @throws {CommandError} where a tunnel of the document goes through a device that is not here: any number would be wrong. */
export function needUnderlays(desired: Desired, links: readonly MtuLink[]): void {
  for (const { name, kind, absent, options } of desired.links) {
    if (absent || !isTunnelOfFrames(kind ?? "")) continue;
    const dev = text(options["dev"]);
    const missing = dev === undefined ? undefined : links.every((link) => link.name !== dev);
    if (missing === true || links.every((link) => link.name !== name))
      throw new CommandError(
        `${name}: this host has no ${dev ?? "device to reckon with"}; run it on the document's host, or say its MTU: --underlay 1500`,
        "ERR_MTU",
      );
  }
}

/** The links that the guests' paths end in: tunnels, and the bridge that the document names. */
export function endsOf(desired: Desired, links: readonly MtuLink[]): MtuLink[] {
  const tunnels = topsOf(links);
  const on = desired.guests?.on;
  const bridge = links.find(({ name }) => name === on);
  if (bridge === undefined || tunnels.some(({ master }) => master === on)) return tunnels;
  return [...tunnels, bridge];
}
