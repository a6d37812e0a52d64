/** Links of a running host in the words of a document: what a new link has anyway is left out. */
import { kindNamed } from "../links/kinds/index.ts";
import type { Options } from "../links/option.ts";
import { settable } from "../state/compare.ts";
import { vxlanOverhead } from "../state/mtu.ts";
import type { Observed, ObservedLink } from "../state/observed.ts";
import { isDefault, mtuOfKind, NEVER, portRest } from "./defaults.ts";
import type { Bag } from "./model.ts";

/** A link as a document has it, and what cannot be said of it. */
export interface HostLink {
  readonly name: string;
  readonly bag: Bag;
  readonly remark?: string;
}

/** Devices that a kernel makes in each namespace, by the modules that are loaded. */
const FALLBACKS = ["tunl0", "gre0", "gretap0", "erspan0", "sit0", "ip6tnl0", "ip6gre0", "ip_vti0", "ip6_vti0"];
/** What people choose of a link that they did not make. */
const CHOSEN = ["alias", "group", "promisc", "allmulticast"];
/** Kinds whose MTU is that of the link below. */
const LIKE_BELOW = ["vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"];

const linkOf = (observed: Observed, name: unknown): ObservedLink | undefined =>
  observed.links.find((one) => one.name === name);

/** Whether the ends of a VXLAN have IPv6 addresses. */
function isWide(observed: Observed, link: ObservedLink): boolean {
  const entry = (observed.fdb ?? []).find(({ dev, dst }) => dev === link.name && dst !== undefined);
  return String(link["remote"] ?? link["local"] ?? entry?.["dst"] ?? "").includes(":");
}

/** The MTU that a VXLAN gets by itself; undefined where it has none from below. */
function vxlanMtu(observed: Observed, link: ObservedLink): number | undefined {
  const below = linkOf(observed, link["dev"]);
  return below === undefined
    ? undefined
    : Number(below["mtu"]) - vxlanOverhead(isWide(observed, link), link["gpe"] === true);
}

function portsOf(observed: Observed, bridge: string): ObservedLink[] {
  return observed.links.filter(({ master }) => master === bridge);
}

/** A number, auto, or nothing where it is what a new link has. */
function mtuOf(observed: Observed, link: ObservedLink): number | "auto" | undefined {
  const { kind, name } = link;
  const mtu = Number(link["mtu"]);
  const auto = kind === "vxlan" ? vxlanMtu(observed, link) : undefined;
  if (auto !== undefined) return mtu === auto ? "auto" : mtu;
  if (kind === "bridge") {
    const ports = portsOf(observed, name);
    const follows = mtu === Math.min(...ports.map((port) => Number(port["mtu"])));
    const tunneled = ports.some((port) => port.kind === "vxlan" && vxlanMtu(observed, port) === port["mtu"]);
    if (follows) return tunneled ? "auto" : undefined;
  }
  const below = linkOf(observed, link["dev"]);
  const usual =
    LIKE_BELOW.includes(String(kind)) && below !== undefined ? below["mtu"] : name === "lo" ? mtu : mtuOfKind(kind);
  return mtu === usual ? undefined : mtu;
}

/** Whether this end of a pair is the one that a document makes; the other one comes with it. */
function isNearEnd(observed: Observed, link: ObservedLink): boolean {
  const { peer } = link as { readonly peer?: { readonly name: string } };
  const far = linkOf(observed, peer?.name);
  return far !== undefined && observed.links.indexOf(link) < observed.links.indexOf(far);
}

/** Why a link of this kind is taken to be there: it is hardware, or others make it. */
function madeByOthers(observed: Observed, link: ObservedLink): string | undefined {
  const { kind, name } = link;
  if (kind === undefined) return "";
  if (FALLBACKS.includes(name)) return "";
  if (kindNamed(kind) === undefined) return `Of kind ${kind}, which is not known here: others make it.`;
  if (kind === "tun" && link["persist"] === false) return "The program behind it makes it.";
  if (kind !== "veth" && kind !== "netkit") return undefined;
  const { peer } = link as { readonly peer?: { readonly name: string } };
  if (peer === undefined || linkOf(observed, peer.name) === undefined)
    return "Its far end is in another namespace: others make it.";
  return isNearEnd(observed, link) ? undefined : "";
}

/** Names that stand for a link of another namespace, or for an address. */
function isForeign(key: string, value: unknown): boolean {
  return (
    ["dev", "primary", "activeSlave", "backupPort"].includes(key) && typeof value === "string" && value.startsWith("#")
  );
}

/** Keys are told to root, and printed for nobody. */
function isSecret(kind: string | undefined, key: string): boolean {
  const options = kindNamed(kind)?.options as Options | undefined;
  return options?.[key]?.shape.secret === true;
}

function optionsOf(link: ObservedLink, made: boolean): Bag {
  const all = settable(link);
  const entries = Object.entries(all).filter(([key, value]) => {
    // Told so by the kernel where a number of hops is set, which goes with path MTU discovery only.
    if (key === "pmtudisc" && value === false && all["ttl"] !== "inherit") return false;
    if (NEVER.includes(key) || isForeign(key, value) || isSecret(link.kind, key)) return false;
    // What others make has much that its driver or its maker chose.
    if (!made && (!CHOSEN.includes(key) || link.name === "lo")) return false;
    return !isDefault(link.kind, key, value);
  });
  return Object.fromEntries(entries);
}

/** Whether the kernel has a value that nobody may write into a document. */
const isOdd = (link: ObservedLink, key: string): boolean =>
  link[key] !== undefined && settable(link)[key] === undefined;

/** Says a link. */
function say(observed: Observed, link: ObservedLink): HostLink {
  const others = madeByOthers(observed, link);
  const made = others === undefined;
  const { kind, name } = link;
  const master = linkOf(observed, link["master"]);
  const port = master === undefined ? {} : portRest(master.kind, (settable(link)["port"] ?? {}) as Bag);
  const { peer } = link as { readonly peer?: { readonly name: string } };
  const options = optionsOf(link, made);
  const { vni, id, dev, local, remote, ...more } = options;
  const up = made
    ? link["up"] === false
      ? false
      : undefined
    : link["up"] === true && name !== "lo"
      ? true
      : undefined;
  const bag: Bag = {
    kind: made ? kind : undefined,
    up,
    ...(made && peer !== undefined && { peer: { name: peer.name } }),
    vni,
    id,
    dev,
    local,
    remote,
    ...more,
    master: master?.name,
    port: Object.keys(port).length > 0 ? port : undefined,
    mtu: mtuOf(observed, link),
  };
  const remark = [others ?? "", isOdd(link, "alias") ? "Its alias has what a document may not have." : ""]
    .filter((text) => text !== "")
    .join(" ");
  return {
    name,
    bag: Object.fromEntries(Object.entries(bag).filter(([, one]) => one !== undefined)),
    ...(remark !== "" && { remark }),
  };
}

/** Masters and links below come before those that name them. */
function inOrder(links: readonly ObservedLink[]): ObservedLink[] {
  const order: ObservedLink[] = [];
  const done = new Set<unknown>();
  const visit = (link: ObservedLink): void => {
    if (done.has(link.name)) return;
    done.add(link.name);
    for (const key of ["master", "dev"]) {
      const other = links.find(({ name }) => name === link[key]);
      if (other !== undefined) visit(other);
    }
    order.push(link);
  };
  for (const link of links) visit(link);
  return order;
}

/** All links of a host, each in the words of a document. Those of which nothing is to be said are empty. */
export function linksOf(observed: Observed): HostLink[] {
  return inOrder(observed.links).map((link) => say(observed, link));
}
