/** A document for several hosts: what it says for one of them. */

import { nearest, shown } from "../shape/shape.ts";
import { type Desired, desiredOf } from "../state/desired.ts";
import { checkHosts, valueAt } from "../state/document.ts";
import { ConfigError, type Issue, type Path } from "../state/error.ts";
import { issueAt, type Peer, type Source } from "../state/source.ts";
import { checkAcross, type HostLinks } from "./across.ts";
import { Derivation, isMap } from "./derivation.ts";
import { type Fabric, NO_ASN, type Say } from "./overlay.ts";
import { overlaysOf } from "./overlays.ts";
import { type SharedLink, shareAddresses, shareOf } from "./share.ts";
import { type Hosts, peersOf } from "./variables.ts";

type Value = Readonly<Record<string, unknown>>;

function checkVteps(source: Source, hosts: Hosts): void {
  const issues: Issue[] = [];
  const all = Object.entries(hosts).flatMap(([name, { vtep }]) => (vtep === undefined ? [] : [{ name, vtep }]));
  all.forEach(({ name, vtep }, i) => {
    const [first] = all;
    const path = ["hosts", name, "vtep"];
    if (first !== undefined && vtep.includes(":") !== first.vtep.includes(":"))
      issues.push(
        issueAt(source, path, `${vtep} and ${first.vtep} of ${first.name} are of different families; use one`),
      );
    const same = all.findIndex((other) => other.vtep === vtep);
    if (same < i)
      issues.push(issueAt(source, path, `${vtep} is the vtep of ${all[same]?.name} already; each host has its own`));
  });
  if (issues.length > 0) throw new ConfigError(issues);
}

/** Names of the hosts of a document, in its order; none where it is for one host. @throws {ConfigError} */
export function hostsOf(source: Source): readonly string[] {
  return Object.keys(checkHosts(source));
}

function chosen(source: Source, hosts: Hosts, host: string | undefined): string {
  const names = Object.keys(hosts);
  if (host !== undefined && names.includes(host)) return host;
  const list = `its hosts are ${names.join(", ")}`;
  const meant = host === undefined ? undefined : nearest(host, names);
  const way = meant === undefined ? list : `${list}; did you mean ${meant}?`;
  const message =
    host === undefined
      ? `this document is for several hosts; say for which one (--host): ${list}`
      : `there is no host ${shown(host)} in this document; ${way}`;
  throw new ConfigError([issueAt(source, ["hosts"], message, "key")]);
}

const fabrics = new WeakMap<Source, Fabric>();

/**
 * What a document says of all of its hosts: its overlays worked out, and everything checked that is between hosts. The
 * document of each host is derived from it when it is asked for.
 *
 * @throws {ConfigError} with all that is wrong.
 */
export function fabricOf(source: Source): Fabric {
  const known = fabrics.get(source);
  if (known !== undefined) return known;
  const fabric = uncompared(source);
  const issues: Issue[] = [];
  checkLinks(fabric, (path, message, what) => void issues.push(issueAt(source, path, message, what)));
  if (issues.length > 0) throw new ConfigError(issues);
  fabrics.set(source, fabric);
  return fabric;
}

/** Overlays worked out, and links of hosts not compared with each other. @throws {ConfigError} */
function uncompared(source: Source): Fabric {
  const hosts = checkHosts(source);
  checkVteps(source, hosts);
  const { fabric, issues } = overlaysOf(source, hosts);
  if (issues.length > 0) throw new ConfigError(issues);
  return fabric;
}

/** Checks between hosts of what stands under `links`. What is wrong with one host's is told when that is derived. */
function checkLinks({ source, hosts, evpn }: Fabric, say: Say): void {
  const { links } = source.value as Value;
  const vxlans = Object.entries(isMap(links) ? links : {}).filter(
    ([, link]) => isMap(link) && link["kind"] === "vxlan",
  );
  if (vxlans.length === 0) return;
  if (evpn === undefined)
    for (const [name, link] of vxlans) if ((link as Value)["flood"] === "evpn") say(["links", name, "flood"], NO_ASN);
  const all = Object.keys(hosts).map((host): HostLinks => {
    const derivation = new Derivation(source, hosts, host);
    const own = derivation.value({ links: comparedOf(links as Value) }, [], []) as { links: Record<string, Value> };
    return { host, links: own.links, origin: (path) => derivation.origins.get(JSON.stringify(path)) ?? path };
  });
  checkAcross(source, hosts, all, say);
}

const COMPARED: readonly string[] = [
  ...["kind", "state", "vni", "dstport", "external", "flood", "remote", "remotes", "mtu", "master", "addresses", "mac"],
];
/** Links with no more than what is compared between hosts. */
function comparedOf(links: Value): Value {
  const pairs = Object.entries(links).filter((pair): pair is [string, Value] => isMap(pair[1]));
  const kept = (link: Value): Value =>
    Object.fromEntries(Object.entries(link).filter(([key]) => COMPARED.includes(key)));
  return Object.fromEntries(pairs.map(([name, link]) => [name, kept(link)]));
}

/** Adds a host's share of the overlays to its links; what stands there of the same link comes to it. */
function withShare(links: Value, share: ReadonlyMap<string, SharedLink>, derivation: Derivation): Value {
  const all: Record<string, unknown> = { ...links };
  for (const [name, { link, origin }] of share) {
    const own = links[name];
    if (!isMap(own)) {
      all[name] = link;
      continue;
    }
    for (const key of Object.keys(own).filter((one) => Object.hasOwn(link, one) && !["mtu", "port"].includes(one)))
      derivation.say(["links", name, key], `${origin([key]).join(".")} says it already; leave it out here`, "key");
    const port = isMap(link["port"]) && isMap(own["port"]) ? { port: { ...link["port"], ...own["port"] } } : {};
    all[name] = { ...link, ...own, ...port };
  }
  return all;
}

/**
 * The document of one host, made from one for several: variables replaced, this host's own values taken, `flood` and
 * `overlays` worked out. A document without `hosts` comes back as it is.
 *
 * @throws {ConfigError} also where there is no such host, and where hosts contradict each other.
 */
export function derive(source: Source, host?: string): Source {
  if (valueAt(source.value, ["hosts"]) === undefined) {
    if (host === undefined) return source;
    throw new ConfigError([
      issueAt(source, [], `this document has no hosts, and so no host ${shown(host)}; leave the host out`),
    ]);
  }
  const name = chosen(source, checkHosts(source), host);
  return deriveFrom(fabricOf(source), name);
}

/** See {@link derive}. */
function deriveFrom(fabric: Fabric, name: string): Source {
  const { source, hosts } = fabric;
  const derivation = new Derivation(source, hosts, name);
  const { hosts: _, overlays: __, evpn: ___, ...rest } = source.value as Value;
  const value = derivation.value(rest, [], []) as Value;
  const share = shareOf(fabric, name);
  const links = isMap(value["links"]) ? value["links"] : undefined;
  const flooded = Object.entries(links ?? {}).map(([key, link]) => [
    key,
    isMap(link) ? derivation.flood(key, link) : link,
  ]);
  const all = withShare(Object.fromEntries(flooded), share, derivation);
  if (derivation.issues.length > 0) throw new ConfigError(derivation.issues);
  const { underlay } = hosts[name] ?? {};
  const whole = links === undefined && share.size === 0 ? value : { ...value, links: all };
  return {
    ...derivedSource(source, derivation.origins, share, whole),
    ...(underlay !== undefined && { underlay: { name: underlay, path: ["hosts", name, "underlay"] } }),
    peers: () =>
      peersOf(hosts, name).map(({ name: peer, vtep }) => ({
        name: peer,
        ...(vtep !== undefined && { vtep }),
        addresses: [...addressesOf(source, hosts, peer), ...shareAddresses(fabric, peer)],
      })),
  };
}

/** What a host has on its links. What is wrong with it is told when that host's own document is derived. */
function addressesOf(source: Source, hosts: Hosts, host: string): Peer["addresses"] {
  const { links, addresses } = source.value as Value;
  const present = (one: unknown): boolean => isMap(one) && one["state"] !== "absent";
  const bare = Object.entries(isMap(links) ? links : {}).flatMap(([name, link]) =>
    isMap(link) && present(link) ? [[name, { addresses: link["addresses"] }]] : [],
  );
  const own = new Derivation(source, hosts, host).value(
    { links: Object.fromEntries(bare), addresses },
    [],
    [],
  ) as Value;
  const listOf = (list: unknown): readonly unknown[] => (Array.isArray(list) ? list : []);
  const onLinks = Object.entries(own["links"] as Value).flatMap(([dev, link]) =>
    listOf((link as Value)["addresses"]).map((one) => (isMap(one) ? { ...one, dev } : { address: one, dev })),
  );
  return [...onLinks, ...listOf(own["addresses"])]
    .filter(present)
    .map((one) => one as Value)
    .flatMap(({ dev, address }) => (typeof dev === "string" && typeof address === "string" ? [{ dev, address }] : []));
}

function derivedSource(
  source: Source,
  origins: ReadonlyMap<string, Path>,
  share: ReadonlyMap<string, SharedLink>,
  value: unknown,
): Source {
  const origin = (path: Path): Path => {
    const [section, name, ...rest] = path;
    const brought = section === "links" ? share.get(String(name)) : undefined;
    // A link of an overlay may have more under `links`.
    for (let length = path.length; length > (brought === undefined ? 0 : 2); length--) {
      const from = origins.get(JSON.stringify(path.slice(0, length)));
      if (from !== undefined) return source.origin([...from, ...path.slice(length)]);
    }
    return brought === undefined ? path : source.origin(brought.origin(rest));
  };
  return {
    file: source.file,
    value,
    locate: (path) => source.locate(origin(path)),
    locateKey: (path) => source.locateKey(origin(path)),
    origin,
  };
}

/**
 * Checks a document for all of its hosts.
 *
 * @param compared - whether links of hosts that speak with each other are compared too; default true.
 * @returns what each host shall look like; one entry named `""` for a document without hosts.
 * @throws {ConfigError} with all that is wrong for any of them.
 */
export function checkAll(source: Source, compared = true): ReadonlyMap<string, Desired> {
  const hosts = hostsOf(source);
  if (hosts.length === 0) return new Map([["", desiredOf(derive(source))]]);
  const fabric = compared ? fabricOf(source) : uncompared(source);
  const found = new Map<string, Desired>();
  const issues: Issue[] = [];
  for (const host of hosts)
    try {
      found.set(host, desiredOf(deriveFrom(fabric, host)));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      issues.push(...error.issues);
    }
  if (issues.length > 0) throw new ConfigError(issues);
  return found;
}
