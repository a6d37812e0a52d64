/** What contradicts itself between hosts: links that each host's own document has in order. */

import { VXLAN_PORT } from "../state/consistency.ts";
import type { Path } from "../state/error.ts";
import type { Source } from "../state/source.ts";
import { canonicalIp } from "../state/words.ts";
import { bare, type Say } from "./overlay.ts";
import type { Hosts } from "./variables.ts";

type Value = Readonly<Record<string, unknown>>;

/** Links of a host as its share has them, and where the file says so. */
export interface HostLinks {
  readonly host: string;
  readonly links: Readonly<Record<string, Value>>;
  origin(path: Path): Path;
}

/** A VXLAN on a host. */
interface Tunnel extends HostLinks {
  readonly name: string;
  readonly link: Value;
}

/** What decides whether a host hears what another one sends. */
const HEARD = ["vni", "dstport", "mtu"] as const;
type Heard = (typeof HEARD)[number];

const heard = ({ link }: Tunnel, key: Heard): unknown => link[key] ?? (key === "dstport" ? VXLAN_PORT : undefined);

const REASONS: Readonly<Record<Heard, string>> = {
  vni: "they would not hear each other",
  dstport: "they would not hear each other",
  mtu: "what the larger one sends would not get out of the smaller one's bridge",
};

/** Whether one sends to the other. */
function sends({ link }: Tunnel, vtep: string | undefined): boolean {
  const { flood, remote, remotes } = link;
  if (flood !== undefined) return true;
  return vtep !== undefined && (remote === vtep || (Array.isArray(remotes) && remotes.includes(vtep)));
}

/** The tunnels of one name that speak with each other, beginning with the first. */
function together(tunnels: readonly Tunnel[], hosts: Hosts): readonly Tunnel[] {
  const [first, ...rest] = tunnels;
  if (first === undefined) return [];
  const own = hosts[first.host]?.vtep;
  return [first, ...rest.filter((one) => sends(first, hosts[one.host]?.vtep) || sends(one, own))];
}

function compare(first: Tunnel, other: Tunnel, source: Source, say: Say): void {
  for (const key of HEARD) {
    const [one, two] = [heard(first, key), heard(other, key)];
    if (one === two || one === undefined || two === undefined) continue;
    if (key === "mtu" && (typeof one !== "number" || typeof two !== "number")) continue;
    const path = other.origin(["links", other.name, key]);
    const before = first.origin(["links", first.name, key]);
    const { line } = source.locate(before);
    say(
      path,
      `${other.host} has ${key} ${two} and ${first.host} ${one} (line ${line}): ${REASONS[key]}; give both the same`,
    );
  }
}

/** The addresses of the segment: those of the VXLAN's bridge, or its own. */
function addressesOf({ links, name, link }: Tunnel): { ip: string; path: Path }[] {
  const dev = typeof link["master"] === "string" ? link["master"] : name;
  const list = links[dev]?.["addresses"];
  return (Array.isArray(list) ? list : []).flatMap((one: unknown, i) => {
    const { address, state } = (typeof one === "string" ? { address: one } : one) as Value;
    return typeof address === "string" && state !== "absent"
      ? [{ ip: canonicalIp(bare(address)), path: ["links", dev, "addresses", i] }]
      : [];
  });
}

function macsOf({ links, name, link }: Tunnel): { ip: string; path: Path }[] {
  const devs = [name, link["master"]].filter((dev) => typeof dev === "string");
  return devs.flatMap((dev) => {
    const mac = links[dev]?.["mac"];
    return typeof mac === "string" ? [{ ip: mac.toLowerCase(), path: ["links", dev, "mac"] }] : [];
  });
}

/** What there may be only once in a segment. */
function checkOnce(
  tunnels: readonly Tunnel[],
  find: (tunnel: Tunnel) => { ip: string; path: Path }[],
  source: Source,
  say: Say,
): void {
  const seen = new Map<string, { host: string; path: Path }>();
  const told = new Set<string>();
  for (const tunnel of tunnels)
    for (const { ip, path } of find(tunnel)) {
      const before = seen.get(ip);
      const own = tunnel.origin(path);
      if (before === undefined) seen.set(ip, { host: tunnel.host, path: own });
      else if (before.host !== tunnel.host && !told.has(ip)) {
        told.add(ip);
        const line = source.locate(before.path).line;
        say(
          own,
          `${ip} would be on ${before.host} (line ${line}) and on ${tunnel.host}, which share a network; give each host its own`,
        );
      }
    }
}

/** Says what hosts that speak with each other have that does not go together. */
export function checkAcross(source: Source, hosts: Hosts, all: readonly HostLinks[], say: Say): void {
  const byName = new Map<string, Tunnel[]>();
  for (const one of all)
    for (const [name, link] of Object.entries(one.links)) {
      if (link["kind"] !== "vxlan" || link["state"] === "absent" || link["external"] === true) continue;
      byName.set(name, [...(byName.get(name) ?? []), { ...one, name, link }]);
    }
  for (const tunnels of byName.values()) {
    const group = together(tunnels, hosts);
    const [first, ...rest] = group;
    if (first === undefined || rest.length === 0) continue;
    for (const other of rest) compare(first, other, source, say);
    // With EVPN a gateway may be the same on all hosts.
    if (first.link["flood"] === "evpn") continue;
    checkOnce(group, addressesOf, source, say);
    checkOnce(group, macsOf, source, say);
  }
}
