/** Reads a host, in the words of the document. */

import { setMaxListeners } from "node:events";
import type { Listing } from "../families/lookup.ts";
import type { Host } from "../host.ts";
import { commonOptions } from "../links/words.ts";
import type { Table } from "../nftables/index.ts";
import type { CallOptions } from "../socket/index.ts";
import { alsoWrites } from "../sysctl/effect.ts";
import { parseKey } from "../sysctl/key.ts";
import type { SavedSysctl } from "../sysctl/sysctl.ts";
import { consistent } from "./consistent.ts";
import type { Desired } from "./desired.ts";
import { endsAwayOf } from "./ends-away.ts";
import { goingOf, linkSysctlsOf, ownSecretsOf } from "./going.ts";
import { type ObservedQueues, observeQueues } from "./observe-queues.ts";
import type { ForeignChain, Observed, ObservedLink } from "./observed.ts";
import { DEVICE_GROUPS, type DeviceGroup, type ObservedEthtool } from "./plan-ethtool.ts";
import type { KeyFile, ObservedWireguard } from "./plan-wireguard.ts";
import { TABLE } from "./policy.ts";
import { idOf, readKey, SecretError } from "./secrets.ts";
import type { Words } from "./step.ts";

interface Options {
  readonly signal?: AbortSignal | undefined;
  /** What the document describes is to be removed. */
  readonly removal?: boolean | undefined;
}

/** Without the numbers and counters, which say nothing of what somebody wanted. */
const UNSETTABLE = [
  ...["wire", "statistics", "operstate", "carrier", "minMtu", "maxMtu"],
  ...Object.entries(commonOptions).flatMap(([key, { readOnly }]) => (readOnly ? [key] : [])),
];
/**
 * While a spanning tree changes, its bridge tells twice the forward delay instead of the ageing that it was given and goes
 * back to, which nobody can ask for then. Source: net/bridge/br_stp.c (__br_set_topology_change)
 */
const passing = ({ topologyChange, ageing, forwardDelay }: Words): readonly string[] =>
  topologyChange === true && ageing === 2 * Number(forwardDelay) ? ["ageing"] : [];

/** A link as somebody could want it. */
export function linkWords(link: Words): ObservedLink {
  const left = [...UNSETTABLE, ...passing(link)];
  return Object.fromEntries(Object.entries(link).filter(([key]) => !left.includes(key))) as ObservedLink;
}

function plainTable(table: Table): Table {
  const { family, name, comment, dormant, counters, chains } = table;
  const strip = (value: object): object =>
    Object.fromEntries(Object.entries(value).filter(([key, one]) => key !== "handle" && one !== undefined));
  return {
    family,
    name,
    ...(comment !== undefined && { comment }),
    ...(dormant === true && { dormant }),
    ...(counters !== undefined && counters.length > 0 && { counters }),
    chains: (chains ?? []).map((chain) => ({ ...strip(chain), rules: (chain.rules ?? []).map(strip) })) as never,
  };
}

async function sysctlsOf(host: Host, desired: Desired): Promise<Pick<Observed, "sysctls" | "rewritten">> {
  const sysctls: Record<string, string> = {};
  const rewritten: Record<string, readonly SavedSysctl[]> = {};
  for (const { key } of desired.sysctls)
    try {
      sysctls[key] = await host.sysctls.get(key);
      if (alsoWrites(parseKey(key)).length > 0) rewritten[key] = await host.sysctls.snapshot([key]);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    }
  return { sysctls, rewritten };
}

async function tablesOf(
  host: Host,
  { signal }: Options,
): Promise<Pick<Observed, "table" | "generation" | "chains" | "hidden">> {
  const options = signal === undefined ? {} : { signal };
  try {
    const { id } = await host.nftables.generation(options);
    const { table } = await consistent("rules of nftables", async () => {
      const seen = await host.nftables.get(TABLE.family, TABLE.name, options);
      return { table: seen, consistent: seen?.consistent !== false };
    });
    const chains = await host.nftables.chains(options);
    const foreign = chains
      .filter((chain) => chain.hook !== undefined && !(chain.family === TABLE.family && chain.table === TABLE.name))
      .map(({ family, table: of, name, hook, policy }): ForeignChain => {
        return {
          family,
          table: of,
          name,
          ...(hook !== undefined && { hook }),
          ...(policy !== undefined && { policy }),
        };
      });
    const generation = table?.generation ?? id;
    return { ...(table !== undefined && { table: plainTable(table) }), generation, chains: foreign };
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "EPERM") return { hidden: true };
    // A kernel without nf_tables has no tables.
    if (code === "EOPNOTSUPP" || code === "EPROTONOSUPPORT" || code === "EINVAL") return {};
    throw error;
  }
}

/** What not every kernel has: a list that it lacks is absent, and so is one that no link can have anything in. */
async function youngerLists(
  host: Host,
  links: readonly { readonly kind?: string }[],
  { fou }: Desired,
  call: CallOptions,
): Promise<Partial<Observed>> {
  const has = (kind: string): boolean => links.some((link) => link.kind === kind);
  const wanted = {
    rules: true,
    nexthops: true,
    vlans: has("bridge"),
    vlanGlobals: has("bridge"),
    vnis: has("vxlan"),
    mdb: has("bridge") || has("vxlan"),
    addressLabels: true,
    // To ask for them has the kernel load their module.
    fou: fou.length > 0,
  };
  type Name = keyof typeof wanted;
  type Reader = { list(filter: object, options: CallOptions): Promise<Listing<unknown>> };
  const names = (Object.keys(wanted) as Name[]).filter((name) => wanted[name]);
  const found = names.map(async (list) => {
    const service: Reader =
      list === "vlanGlobals"
        ? { list: (_, options) => host.vlans.globals({}, options) }
        : list === "fou"
          ? { list: (_, options) => host.fou.list(options) }
          : host[list];
    try {
      const all = await consistent(list, () => service.list({}, call));
      return [list, all as unknown as readonly Words[]] as const;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (LACKED.includes(String(code)) || (list === "fou" && code === "ENOENT")) return undefined;
      throw error;
    }
  });
  return Object.fromEntries((await Promise.all(found)).filter((one) => one !== undefined));
}
/** Keys and peers of all WireGuard links; no key leaves this function. */
async function wireguardOf(
  host: Host,
  links: readonly { readonly kind?: string; readonly name: string }[],
  call: CallOptions,
): Promise<Pick<Observed, "wireguard">> {
  const found: Record<string, ObservedWireguard> = {};
  for (const { name } of links.filter(({ kind }) => kind === "wireguard")) {
    const device = await host.wireguard.get(name, call).catch((error: { readonly code?: unknown }) => {
      if (error.code === "EPERM") return undefined;
      throw error;
    });
    if (device === undefined) continue;
    const { publicKey, listenPort, fwmark } = device;
    const peers = device.peers.map(({ publicKey: of, presharedKey, endpoint, persistentKeepalive, allowedIps }) => ({
      publicKey: of,
      ...(presharedKey !== undefined && { presharedKey: idOf("preshared", presharedKey) }),
      ...(endpoint !== undefined && { endpoint }),
      persistentKeepalive,
      allowedIps: [...allowedIps].sort(),
    }));
    found[name] = { ...(publicKey !== undefined && { publicKey }), listenPort, fwmark, peers };
  }
  return Object.keys(found).length === 0 ? {} : { wireguard: found };
}

/** Queues, where the document names some, or links go. */
async function queuesOf(
  host: Host,
  { links, queues, classes, filters }: Desired,
  going: ReadonlySet<string>,
  call: CallOptions,
): Promise<Partial<ObservedQueues>> {
  const named = [queues, classes, filters].some((list) => list.length > 0);
  const none = going.size === 0 && !named && links.every(({ qdisc }) => qdisc === undefined);
  return none ? {} : observeQueues(host, call);
}

/** What the devices tell that the document names settings of, or that go. */
async function ethtoolOf(
  host: Host,
  there: readonly { readonly name: string }[],
  { links }: Desired,
  going: ReadonlySet<string>,
  call: CallOptions,
): Promise<Pick<Observed, "ethtool">> {
  const lacking = (error: { readonly code?: unknown }): undefined => {
    if (error.code === "EOPNOTSUPP" || error.code === "ENOENT") return undefined;
    throw error;
  };
  const found: Record<string, ObservedEthtool> = {};
  const named = links.filter(({ ethtool }) => ethtool !== undefined).map(({ name }) => name);
  for (const name of new Set([...named, ...going])) {
    if (there.every((one) => one.name !== name)) continue;
    const told = host.ethtool.features(name, call);
    const of = await (named.includes(name) ? told : told.catch(lacking));
    if (of === undefined) continue;
    const { features } = of;
    const groups: [DeviceGroup, Words][] = [];
    for (const group of DEVICE_GROUPS) {
      const settings = await host.ethtool[group](name, call).catch(lacking);
      if (settings !== undefined) groups.push([group, { ...settings }]);
    }
    found[name] = { features: Object.fromEntries(features), ...Object.fromEntries(groups) };
  }
  return Object.keys(found).length === 0 ? {} : { ethtool: found };
}

/** What is told of the keys in the files that the document names. */
async function keyFilesOf({ links }: Desired): Promise<Pick<Observed, "keyFiles">> {
  const files = links.flatMap(({ wireguard = {} }) => [
    wireguard["privateKeyFile"],
    ...((wireguard["peers"] ?? []) as readonly Words[]).map((peer) => peer["presharedKeyFile"]),
  ]);
  const found: Record<string, KeyFile> = {};
  for (const file of new Set(files.filter((one) => typeof one === "string")))
    try {
      const secret = await readKey(file);
      found[file] = { privateId: idOf("private", secret), presharedId: idOf("preshared", secret) };
    } catch (error) {
      if (!(error instanceof SecretError)) throw error;
      found[file] = { problem: error.message };
    }
  return Object.keys(found).length === 0 ? {} : { keyFiles: found };
}

async function secretsOn(host: Host, going: ReadonlySet<string>): Promise<Pick<Observed, "ownSecrets">> {
  const ownSecrets = await ownSecretsOf(host, going);
  return ownSecrets.length === 0 ? {} : { ownSecrets };
}

async function endsAway(
  host: Host,
  desired: Desired,
  links: readonly Words[],
  call: CallOptions,
): Promise<Pick<Observed, "endsAway">> {
  const ends = await endsAwayOf(host, desired, links, call);
  return Object.keys(ends).length === 0 ? {} : { endsAway: ends };
}

/** How a kernel refuses to list what it does not know. */
const LACKED = ["EOPNOTSUPP", "EPROTONOSUPPORT", "EAFNOSUPPORT", "EINVAL"];

/**
 * Reads a host. Only the sysctls that the document names are read.
 *
 * @throws {ObserveError} where something would not hold still.
 */
export async function observe(host: Host, desired: Desired, options: Options = {}): Promise<Observed> {
  const call = options.signal === undefined ? {} : { signal: options.signal };
  // Each of the many lists that are read at once listens.
  if (options.signal !== undefined) setMaxListeners(0, options.signal);
  const links = await consistent("links", () => host.links.list({}, call));
  const [addresses, routes, fdb, neighbors, proxies, younger] = await Promise.all([
    consistent("addresses", () => host.addresses.list({}, call)),
    consistent("routes", () => host.routes.list({ table: "all" }, call)),
    consistent("forwarding entries", () => host.fdb.list({}, call)),
    consistent("neighbors", () => host.neighbors.list({}, call)),
    consistent("proxy neighbors", () => host.neighbors.list({ proxy: true }, call)),
    youngerLists(host, links as readonly { kind?: string }[], desired, call),
  ]);
  const lists = {
    links: links.map((link) => linkWords(link as unknown as Words)),
    addresses: addresses as unknown as readonly Words[],
    routes: (routes as unknown as readonly Words[]).filter(
      ({ table, protocol }) => table !== "local" && protocol !== "kernel",
    ),
    fdb: fdb as unknown as readonly Words[],
    neighbors: [...neighbors, ...proxies] as unknown as readonly Words[],
    ...younger,
  };
  const ends = await endsAway(host, desired, links as unknown as readonly Words[], call);
  const going = goingOf(desired, { ...lists, ...ends }, options.removal === true);
  return {
    ...lists,
    ...ends,
    ...(going.size > 0 && { linkSysctls: await linkSysctlsOf(host, going) }),
    ...(await secretsOn(host, going)),
    ...(await wireguardOf(host, links, call)),
    ...(await queuesOf(host, desired, going, call)),
    ...(await ethtoolOf(host, links, desired, going, call)),
    ...(await keyFilesOf(desired)),
    ...(await sysctlsOf(host, desired)),
    ...(await tablesOf(host, options)),
  };
}
