/** What a picture is of: a host as it is, a document's hosts, a plan, what the doctor found. */
import type { Finding } from "../doctor/index.ts";
import { derive, fabricOf, hostsOf } from "../fabric/fabric.ts";
import { type Fabric, few, type Overlay } from "../fabric/overlay.ts";
import type { Between, GraphHost, GraphLink, Mark, Marked, Marks, Remark } from "../graph/graph.ts";
import { ZERO_MAC } from "../neighbors/zero-mac.ts";
import type { Desired } from "../state/desired.ts";
import { desiredOf } from "../state/desired.ts";
import type { Plan, Source } from "../state/index.ts";
import { Mtus } from "../state/mtu.ts";
import { isMulticast } from "../wire/multicast.ts";
import { observedOnPaper } from "./mtu-source.ts";
import type { PathLink } from "./path.ts";

/** MTU of devices of which a document says none. */
const UNDERLAY = 1500;
/** Far ends that are named; more are counted. */
const NAMED = 3;

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/** Where a tunnel sends what has no known place. */
function farEnds(peers: readonly string[]): string[] {
  const groups = peers.filter(isMulticast).map((group) => `group ${group}`);
  const single = peers.filter((one) => !isMulticast(one));
  if (single.length === 0) return groups;
  return [...groups, single.length > NAMED ? `to ${single.length} far ends` : `to ${single.join(", ")}`];
}

/** Links of a running host. */
export function ofHost(links: readonly PathLink[]): GraphLink[] {
  const ends = new Set(links.map(({ tunnel }) => tunnel?.local));
  const endOf = (addresses: readonly string[]): string | undefined =>
    addresses.map((one) => one.split("/")[0]).find((one) => one !== undefined && ends.has(one));
  return links
    .filter(({ kind }) => kind !== "loopback")
    .map(({ name, kind, mtu, state, addresses, master, dev, tunnel }): GraphLink => {
      return {
        name,
        kind,
        mtu,
        ...(state !== "up" && { state }),
        addresses,
        vtep: endOf(addresses),
        master,
        dev,
        vni: tunnel?.vni,
        peers: tunnel?.peers,
        ...(tunnel !== undefined && { more: farEnds(tunnel.peers) }),
      };
    });
}

/** The VLANs of a link, each with the VNI that it travels in. */
function vlansOf({ vlans }: Desired, link: string): string[] {
  return vlans
    .filter(({ words, absent }) => !absent && words["dev"] === link && words["tunnelId"] !== undefined)
    .map(({ words: { vid, vidEnd, tunnelId } }) => {
      const last = typeof vidEnd === "number" ? vidEnd - Number(vid) : 0;
      const range = (first: unknown): string => (last === 0 ? String(first) : `${first}–${Number(first) + last}`);
      return `VLAN ${range(vid)} in VNI ${range(tunnelId)}`;
    });
}

function tunnelWords(desired: Desired, link: Desired["links"][number]): Partial<GraphLink> {
  const { name, options, remotes, port } = link;
  const listed = desired.fdb
    .filter(({ words, absent }) => !absent && words["dev"] === name && words["mac"] === ZERO_MAC)
    .map(({ words }) => words["dst"]);
  const groups = desired.vnis
    .filter(({ words }) => words["dev"] === name)
    .map(({ words }) => words["group"] ?? words["remote"]);
  const peers = [...(remotes ?? [options["remote"]]), ...listed, ...groups].filter((one) => typeof one === "string");
  const byBgp = options["learning"] === false && port?.["neighSuppress"] === true;
  return {
    vni: number(options["vni"]),
    peers: [...new Set(peers)],
    more: [...vlansOf(desired, name), ...(byBgp ? ["far ends by BGP"] : farEnds([...new Set(peers)]))],
  };
}

/** Links as a document makes them, with the devices that it takes for granted. */
export function ofDesired(desired: Desired, underlay = UNDERLAY): GraphLink[] {
  const observed = observedOnPaper(desired, underlay);
  const mtus = new Mtus(desired, observed);
  const made = desired.links.filter(({ absent }) => !absent);
  const given = observed.links.filter(({ name }) => made.some(({ options }) => options["dev"] === name));
  const own = made.map((link): GraphLink => {
    const { name, kind = "device", options } = link;
    const { id, table } = options;
    const more = kind === "vlan" ? [`VLAN ${String(id)}`] : kind === "vrf" ? [`table ${String(table)}`] : [];
    return {
      ...{ name, kind, ...(kind !== "vrf" && { mtu: mtus.of(name)?.value }), addresses: addressesOn(desired, name) },
      ...{ master: text(options["master"]), dev: text(options["dev"]), more },
      ...(kind === "vxlan" && tunnelWords(desired, link)),
    };
  });
  const known = new Set(own.map(({ name }) => name));
  return [
    ...own,
    ...given
      .filter(({ name }) => !known.has(name))
      .map(({ name }): GraphLink => ({ name, kind: "device", mtu: underlay, addresses: addressesOn(desired, name) })),
  ];
}
function addressesOn(desired: Desired, link: string): string[] {
  return desired.addresses
    .filter(({ words, absent }) => !absent && words["dev"] === link)
    .map(({ words }) => String(words["address"]));
}

/** All hosts of a document, or the one it is for. */
export function ofDocument(source: Source): GraphHost[] {
  const names = hostsOf(source);
  if (names.length === 0) return [{ name: source.file, links: ofDesired(desiredOf(source)) }];
  const { hosts, evpn } = fabricOf(source);
  return names.map((name) => {
    const { vtep, underlay: dev, mtu } = hosts[name] ?? {};
    const links = ofDesired(desiredOf(derive(source, name)), mtu);
    const reflects = evpn?.reflectors?.includes(name) === true;
    return {
      name,
      links: links.map((link) => (link.name === dev ? { ...link, vtep } : link)),
      ...(reflects && { remarks: [{ text: "route reflector" }] }),
    };
  });
}

function floodOf({ flood }: Overlay): string {
  if (typeof flood === "object")
    return `multicast ${flood.multicast}${flood.ttl === undefined ? "" : `, ttl ${flood.ttl}`}`;
  return flood === "evpn" ? "EVPN" : "unicast lists";
}

function overlayLines(overlay: Overlay, all: number): string[] {
  const { vni, dstport, mtu, ends, bridge, vxlan, entry } = overlay;
  const { vlan, over, vrf } = entry;
  return [
    `VNI ${vni}, UDP ${dstport}`,
    `${vxlan} on ${bridge}${vlan === undefined ? "" : `, VLAN ${vlan}`}`,
    [floodOf(overlay), ...(mtu === "auto" ? [] : [`MTU ${mtu}`])].join(", "),
    ...(over === undefined ? [] : [`over ${over}`]),
    ...(vrf === undefined ? [] : [`routed by VRF ${vrf}`]),
    ends.size === all && all > NAMED ? `all ${all} hosts` : few([...ends.keys()]),
  ];
}

/** What the hosts of a document have in common: overlays, and who tells where addresses are. */
export function betweenOf(source: Source): Between {
  const names = hostsOf(source);
  if (names.length === 0) return {};
  const { overlays, evpn }: Fabric = fabricOf(source);
  const vrfs = Object.entries(evpn?.vrfs ?? {}).map(([name, { vni, table }]) => {
    return { title: `VRF ${name}`, lines: [`VNI ${vni}, table ${table}`] };
  });
  return {
    lines: evpn === undefined ? [] : bgpLines(evpn),
    overlays: [
      ...overlays.map((overlay) => ({ title: overlay.name, lines: overlayLines(overlay, names.length) })),
      ...vrfs,
    ],
  };
}

function bgpLines({ asn, reflectors = [] }: NonNullable<Fabric["evpn"]>): string[] {
  const how = reflectors.length === 0 ? "full mesh" : `reflected by ${few(reflectors)}`;
  return [`BGP EVPN, AS ${asn}`, how];
}

const MARKS: Readonly<Record<string, Mark>> = {
  create: "added",
  change: "changed",
  recreate: "changed",
  remove: "removed",
};

/** How many of each sort: `12 fdb, address`. */
function counts(words: readonly string[]): string {
  const found = new Map<string, number>();
  for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
  return [...found].map(([word, count]) => (count === 1 ? word : `${count} ${word}`)).join(", ");
}

const linkIn = (subject: string): string | undefined => / (?:on|dev) (\S+)$/.exec(subject)?.[1];

/** What a plan does to links: to themselves, or to what is on them. */
export function marksOf({ steps }: Plan, links: readonly string[]): Marks {
  const marks: Record<string, Marked> = {};
  const on = new Map<string, string[]>();
  for (const { object, subject } of steps) {
    const link = object === "link" ? undefined : linkIn(subject);
    if (link !== undefined) on.set(link, [...(on.get(link) ?? []), object]);
  }
  for (const name of links) {
    const own = steps.find(({ object, subject }) => object === "link" && subject === name);
    const entries = counts(on.get(name) ?? []);
    const mark = own === undefined ? (entries === "" ? undefined : "changed") : MARKS[own.action];
    const fields = own?.action === "change" ? own.differences.map(({ field }) => field) : [];
    const notes = [...(own?.action === "recreate" ? ["made again"] : fields), ...(entries === "" ? [] : [entries])];
    const shown = own?.action === "remove" ? "" : notes.join(", ");
    if (mark !== undefined) marks[name] = { mark, ...(shown !== "" && { note: shown }) };
  }
  return marks;
}

/** What a plan does to what is on no link of the picture. */
export function planRemarks({ steps }: Plan, links: readonly string[]): Remark[] {
  const beside = steps.filter(({ object, subject }) => object !== "link" && !links.includes(linkIn(subject) ?? ""));
  return (["added", "changed", "removed"] as const).flatMap((mark) => {
    const own = beside.filter(({ action }) => MARKS[action] === mark).map(({ object }) => object);
    return own.length === 0 ? [] : [{ mark, text: counts(own) }];
  });
}

/** What the doctor found, where it is to be seen. */
export interface Sick {
  readonly marks: Marks;
  readonly remarks: readonly Remark[];
  readonly between: Pick<Between, "marked">;
}

/** The link of a finding: the one that it is about, or the one that it has to do with. */
function linkOf({ subject, evidence }: Finding, links: readonly GraphLink[]): string | undefined {
  const found =
    links.find(({ name }) => name === subject) ??
    links.find(({ addresses }) => addresses.some((one) => one.split("/")[0] === subject)) ??
    links.find(({ name }) => evidence.some((one) => one.split(/[\s:,;]+/).includes(name)));
  return found?.name;
}

/** Where on the path findings are. Packets get no further than the first error: others may come of it. */
export function sickOf(findings: readonly Finding[], links: readonly GraphLink[]): Sick {
  const marks: Record<string, Marked> = {};
  const remarks: Remark[] = [];
  let marked: Marked | undefined;
  const all = findings.filter(({ severity }) => severity !== "note");
  const first = all.find(({ severity }) => severity === "error");
  for (const finding of all) {
    const { cause, severity, subject } = finding;
    const mark = severity === "error" ? "wrong" : "suspect";
    const stops = finding === first ? { stops: true } : {};
    const joined = (known: Marked | undefined, note: string): Marked =>
      known === undefined ? { mark, note, ...stops } : { ...known, ...stops, note: `${known.note}, ${note}` };
    const far = links.some(({ peers = [] }) => peers.includes(subject));
    const link = far ? undefined : linkOf(finding, links);
    if (far) marked = joined(marked, `${cause}: ${subject}`);
    else if (link === undefined) remarks.push({ mark, text: `${cause}: ${subject}` });
    else marks[link] = joined(marks[link], cause);
  }
  return { marks, remarks, between: marked === undefined ? {} : { marked } };
}
