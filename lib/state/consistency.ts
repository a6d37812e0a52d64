/** What is wrong with a document although each value by itself is right. */
import { parsePrefix } from "../nftables/prefix.ts";
import { linkName, problem } from "../shape/shape.ts";
import type { DocumentValue, LinkEntry } from "./document.ts";
import { LIST_NAMES } from "./entries/sort.ts";
import type { Issue, Path } from "./error.ts";
import { checkLoops } from "./loops.ts";
import { canonicalAllowed } from "./plan-wireguard.ts";
import { anyLinkName } from "./schema.ts";
import { issueAt, type Source } from "./source.ts";
import { canonicalIp, kinds } from "./words.ts";

/** The registered UDP port of VXLAN; the kernel's own default is another one. */
export const VXLAN_PORT = 4789;
/** That of the generic protocol extension. */
const GPE_PORT = 4790;

type Say = (path: Path, message: string, what?: "value" | "key") => void;
type Links = Readonly<Record<string, LinkEntry>>;

const isIPv6 = (ip: string): boolean => ip.includes(":");

function checkNames(links: Links, say: Say): void {
  for (const [name, { kind }] of Object.entries(links)) {
    const wrong = problem(kind === undefined ? anyLinkName : linkName, name);
    if (wrong !== undefined) say(["links", name], wrong, "key");
  }
}

function checkMasters(links: Links, say: Say): void {
  for (const [name, { kind, master, state }] of Object.entries(links)) {
    if (master === undefined) continue;
    const above = Object.hasOwn(links, master) ? links[master] : undefined;
    if (kind === "bridge" && above?.kind === "bridge")
      say(["links", name, "master"], "a bridge cannot be a port of a bridge; join them by a veth");
    if (above?.state === "absent" && state !== "absent")
      say(["links", name, "master"], `${master} is absent in this document; leave master out, or keep ${master}`);
    if (above?.kind !== undefined && !["bridge", "bond", "vrf", "team"].includes(above.kind))
      say(["links", name, "master"], `${master} is a ${above.kind}, which has no ports; write the name of a bridge`);
  }
}

function checkOptions(links: Links, say: Say): void {
  for (const [name, entry] of Object.entries(links)) {
    const kind = entry.kind === undefined || !Object.hasOwn(kinds, entry.kind) ? undefined : kinds[entry.kind];
    const options = Object.fromEntries(
      Object.entries(entry).filter(([key]) => kind !== undefined && Object.hasOwn(kind.options, key)),
    );
    const wrong = entry.state === "absent" ? undefined : kind?.check?.(options);
    if (wrong !== undefined) say(["links", name, wrong.key], wrong.reason);
    if (entry.state !== "absent" && entry.kind === "vxlan") checkVxlan(name, entry, say);
  }
}

function checkVxlan(name: string, entry: LinkEntry, say: Say): void {
  const { local, remote, remotes = [], flood } = entry as LinkEntry & { local?: string; remote?: string };
  if (entry["vni"] === undefined && entry["external"] !== true)
    say(["links", name, "vni"], "missing; write the VXLAN network identifier, such as vni: 39");
  if (flood !== undefined)
    say(
      ["links", name, "flood"],
      "flood needs hosts; without them write remotes: [addresses of the other ends]",
      "key",
    );
  if (remote !== undefined && remotes.length > 0)
    say(
      ["links", name, "remotes"],
      `remote is one of them already; leave remote out and put ${remote} into remotes`,
      "key",
    );
  const known = new Set<string>();
  remotes.forEach((ip, i) => {
    const other = local ?? remotes[0] ?? ip;
    if (isIPv6(ip) !== isIPv6(other))
      say(["links", name, "remotes", i], `${ip} and ${other} are of different families; use one`);
    if (known.has(ip)) say(["links", name, "remotes", i], `${ip} stands in this list already; keep one`);
    known.add(ip);
  });
}

/** A public key is one peer, and a network belongs to one. */
function checkPeers(links: Links, say: Say): void {
  for (const [name, { kind, peers, state }] of Object.entries(links)) {
    if (kind !== "wireguard" || state === "absent" || !Array.isArray(peers)) continue;
    const keys = new Map<unknown, number>();
    const networks = new Map<string, number>();
    for (const [i, { publicKey, allowedIps = [] }] of (peers as readonly PeerEntry[]).entries()) {
      const path = ["links", name, "peers", i];
      if (keys.has(publicKey))
        say([...path, "publicKey"], `peers[${keys.get(publicKey)}] has this key already; keep one`);
      keys.set(publicKey, i);
      for (const [at, text] of allowedIps.entries()) {
        checkNetwork(text, (reason) => say([...path, "allowedIps", at], reason));
        const network = canonicalAllowed(text);
        const before = networks.get(network);
        if (before !== undefined)
          say([...path, "allowedIps", at], `${text} belongs to peers[${before}] already; a network has one peer`);
        networks.set(network, i);
      }
    }
  }
}
type PeerEntry = { readonly publicKey: string; readonly allowedIps?: readonly string[] };

function checkNetwork(text: string, say: (reason: string) => void): void {
  try {
    parsePrefix(text, "");
  } catch (error) {
    say((error as { reason?: string }).reason ?? (error as Error).message);
  }
}

/** Whether the ends of a VXLAN have IPv6 addresses; without any the kernel takes it for one of IPv4. */
function isWide({ local, remote, remotes, group }: LinkEntry): boolean {
  const end = remote ?? local ?? group ?? remotes?.[0];
  return typeof end === "string" && isIPv6(end);
}

/** The device that tells a VXLAN from others of its VNI, where its own address is a link-local one. */
function deviceOf({ local, dev }: LinkEntry): string {
  return /^fe[89ab]/i.test(String(local)) ? String(dev ?? "") : "";
}

const portOf = ({ gpe, dstport = gpe === true ? GPE_PORT : VXLAN_PORT }: LinkEntry): unknown => dstport;

/**
 * Of a family the kernel has one device for a VNI and a port, whatever they are on unless they have link-local addresses,
 * and one for all VNIs of a port.
 */
function checkVnis(source: Source, links: Links, say: Say): void {
  const seen = new Map<string, string>();
  for (const [name, entry] of Object.entries(links)) {
    const { kind, vni, state } = entry;
    const dstport = portOf(entry);
    const external = entry["external"] === true;
    if (kind !== "vxlan" || state === "absent" || entry["vnifilter"] === true) continue;
    if (!external && typeof vni !== "number") continue;
    const what = external ? "external: true" : `VNI ${vni}`;
    const key = `${what} ${dstport} ${isWide(entry)} ${deviceOf(entry)}`;
    const before = seen.get(key);
    if (before === undefined) seen.set(key, name);
    else {
      const option = external ? "external" : "vni";
      const { line } = source.locate(["links", before, option]);
      const cure = external ? "another dstport, or both vnifilter: true" : "another vni or dstport";
      say(
        ["links", name, option],
        `${before} at line ${line} has ${what} on UDP port ${dstport} already; give one of them ${cure}`,
      );
    }
  }
}

/** Options that decide how what comes in is read: all VXLANs of a UDP port and a family have the same. */
const RECEIVING = ["external", "vnifilter", "gbp", "gpe", "udp6ZeroCsumRx", "remoteCsumRx"] as const;

/** A socket has one way to read what comes in; with `external` there is one for each family. */
function checkReceiving(source: Source, links: Links, say: Say): void {
  const first = new Map<string, string>();
  for (const [name, entry] of Object.entries(links)) {
    if (entry.kind !== "vxlan" || entry.state === "absent" || entry.up === false) continue;
    const port = portOf(entry);
    const families = entry["external"] === true ? [true, false] : [isWide(entry)];
    for (const key of families.map((wide) => `${port} ${wide}`)) {
      const before = first.get(key) ?? name;
      first.set(key, before);
      const option = RECEIVING.find((one) => (links[before]?.[one] === true) !== (entry[one] === true));
      if (option === undefined) continue;
      const { line } = source.locate(["links", before]);
      const text = `${before} at line ${line} is on UDP port ${port} too, ${entry[option] === true ? "without" : "with"} ${option}; give one of them another dstport`;
      say(["links", name, ...(entry[option] === undefined ? [] : [option])], text, "key");
      break;
    }
  }
}

function addressPlaces(value: DocumentValue): { ip: string; path: Path; dev: unknown }[] {
  const found: { ip: string; path: Path; dev: unknown }[] = [];
  const take = (one: unknown, dev: unknown, path: Path): void => {
    const entry = (typeof one === "string" ? { address: one } : one) as { address?: unknown; state?: unknown };
    if (typeof entry.address !== "string" || entry.state === "absent") return;
    found.push({ ip: canonicalIp(entry.address.split("/")[0] ?? ""), path, dev });
  };
  for (const [name, { addresses, state }] of Object.entries(value.links ?? {}))
    if (state !== "absent")
      for (const [i, one] of (addresses ?? []).entries()) take(one, name, ["links", name, "addresses", i]);
  for (const [i, one] of (value.addresses ?? []).entries()) take(one, one["dev"], ["addresses", i]);
  return found;
}

function checkAddresses(source: Source, value: DocumentValue, say: Say): void {
  const seen = new Map<string, Path>();
  for (const { ip, path, dev } of addressPlaces(value)) {
    const before = seen.get(ip);
    if (before === undefined) seen.set(ip, path);
    // A link-local address means something else on each link.
    else if (!/^fe[89ab]/i.test(ip) || dev === undefined)
      say(path, `${ip} stands at line ${source.locate(before).line} already; keep one`);
  }
}

function checkRules({ nat = [], forward = [] }: DocumentValue, say: Say): void {
  nat.forEach(({ masquerade }, i) => {
    try {
      if (masquerade !== "default") parsePrefix(masquerade, "");
    } catch (error) {
      say(["nat", i, "masquerade"], (error as Error).message);
    }
  });
  forward.forEach((one, i) => {
    const same = forward.findIndex(
      (other) => other.in === one.in && other.out === one.out && other.accept === one.accept,
    );
    if (same < i) say(["forward", i], `the same rule stands at forward[${same}] already; keep one`);
  });
}

/** Of a link there is one VLAN for frames without a tag. */
function checkPvids(source: Source, links: Links, say: Say): void {
  for (const [name, { vlans = [] }] of Object.entries(links)) {
    const pvids = vlans.flatMap((one, i) =>
      typeof one === "object" && one["pvid"] === true && one.state !== "absent" ? [i] : [],
    );
    const [first = 0, ...rest] = pvids;
    for (const i of rest) {
      const { line } = source.locate(["links", name, "vlans", first]);
      const text = `frames without a tag are in one VLAN, and pvid stands at line ${line} already; keep one`;
      say(["links", name, "vlans", i, "pvid"], text, "key");
    }
  }
}

function checkAbsent(links: Links, say: Say): void {
  for (const [name, entry] of Object.entries(links))
    for (const key of [...LIST_NAMES, "remotes"])
      if (entry.state === "absent" && entry[key] !== undefined)
        say(["links", name, key], `${name} is absent, and with it goes all that is on it; leave ${key} out`, "key");
}

/** Text with `$` that nobody replaced. */
function findVariables(value: unknown, path: Path, say: Say): void {
  const told = (text: string, what: "key" | "value"): void => {
    const name = /\$\{?[a-z]\w*\}?/.exec(text)?.[0];
    if (name !== undefined)
      say(path, `${name} needs hosts, which say what it stands for; without them write the value`, what);
  };
  if (typeof value === "string") told(value, "value");
  if (typeof value !== "object" || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    if (key.includes("$")) findVariables(key, at, say);
    findVariables(one, at, say);
  }
}

/** Variables that stand for nothing. */
export function checkVariables(source: Source): Issue[] {
  const issues: Issue[] = [];
  const { hosts, ...value } = source.value as DocumentValue;
  if (hosts === undefined)
    findVariables(value, [], (path, message, what) => issues.push(issueAt(source, path, message, what)));
  return issues;
}

/** All that contradicts within a document that fits the schema. */
export function checkConsistency(source: Source, value: DocumentValue): Issue[] {
  const issues: Issue[] = [];
  const say: Say = (path, message, what) => issues.push(issueAt(source, path, message, what));
  const links = value.links ?? {};
  if (value.hosts !== undefined)
    say(
      ["hosts"],
      `this document is for several hosts; say for which one: ${Object.keys(value.hosts).join(", ")}`,
      "key",
    );
  for (const key of ["overlays", "evpn"] as const)
    if (value[key] !== undefined) say([key], "needs hosts, which say where tunnels end", "key");
  checkNames(links, say);
  checkLoops(links, say);
  checkMasters(links, say);
  checkOptions(links, say);
  checkVnis(source, links, say);
  checkReceiving(source, links, say);
  checkPeers(links, say);
  checkAbsent(links, say);
  checkPvids(source, links, say);
  checkAddresses(source, value, say);
  checkRules(value, say);
  return issues;
}
