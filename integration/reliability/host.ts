/** A host of its own for each random case, and all that it is configured to as lines of text. */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Host } from "../../lib/host.ts";
import { Netns } from "../../lib/netns/netns.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { parseSource } from "../../lib/state/source.ts";
import { assertSandboxed } from "../../lib/testkit/sandbox.ts";
import type { Document } from "./documents.ts";

/** A host with two network cards, joined by a cable that stays in it. */
export interface Machine extends AsyncDisposable {
  readonly namespace: Netns;
  readonly host: Host;
}

/** Two network cards, each with its addresses. */
export type Cards = Readonly<Record<string, readonly string[]>>;
const CARDS: Cards = { eth0: ["192.0.2.1/24", "2001:db8::1/64"], eth1: ["198.51.100.1/24"] };

/** The kernel finds a carrier in its own time, and then has a route for an address of its own. */
async function settled(host: Host, cards: Cards): Promise<void> {
  const own = Object.values(cards).flatMap((all) => all.map((address) => address.replace(/\/.*/, "")));
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(5)) {
    const local = new Set((await host.routes.list({ table: "local" })).map(({ dst }) => dst));
    const links = await host.links.list();
    if (own.every((address) => local.has(address)) && links.every(({ lowerUp }) => lowerUp)) return;
  }
  throw new Error(`${Object.keys(cards).join(" and ")} have no carrier`);
}

/** Makes one; it is gone at the end of the block. */
export async function machine(cards = CARDS): Promise<Machine> {
  assertSandboxed();
  const namespace = await Netns.create();
  const host = await Host.open({ netns: namespace, inline: true });
  // A duplicate address detection that ends between two looks would be a difference.
  await host.sysctls.set("net.ipv6.conf.default.accept_dad", 0);
  await host.links.update("lo", { up: true });
  const [one = "", other = ""] = Object.keys(cards);
  await host.links.create({ kind: "veth", name: one, addrGenMode: "none", peer: { name: other } });
  for (const [dev, addresses] of Object.entries(cards)) {
    await host.links.update(dev, { up: true });
    for (const address of addresses) await host.addresses.create({ address, dev });
  }
  await settled(host, cards);
  return {
    namespace,
    host,
    [Symbol.asyncDispose]: async () => {
      host.close();
      namespace.close();
    },
  };
}

/** A document as the planner has it. */
export function desired(document: Document): Desired {
  return desiredOf(parseSource(JSON.stringify(document), "random.yaml"));
}

/** What differs from one look to the next although nobody changes anything, and numbers that come again with new objects. */
const VOLATILE = new Set([
  ...["index", "ifindex", "stats", "carrierUpCount", "carrierDownCount", "carrierChanges", "changes", "cacheInfo"],
  ...["age", "used", "updated", "confirmed", "validLifetime", "preferredLifetime", "created", "expires", "handle"],
  ...["refCount", "helloTimer", "tcnTimer", "topologyChangeTimer", "gcTimer", "topologyChange", "cacheinfo"],
  ...["operstate", "carrier", "state_timers", "bridgeId", "rootId", "designatedRoot", "designatedBridge", "allmulti"],
  ...["forwardDelayTimer", "messageAgeTimer", "holdTimer", "designatedPort", "designatedCost", "rootPort", "rootCost"],
  ...["wire", "timer", "inactive", "lowerUp", "promiscuity", "number", "parentIndex"],
  ...["tentative", "linkdown", "qdisc", "tsoMaxSize", "tsoMaxSegs", "gsoMaxSize", "statistics", "directPackets"],
]);

function line(kind: string, value: object): string {
  const text = JSON.stringify(value, (key, one: unknown) => {
    // What spanning tree found out, unlike the state of a neighbor.
    if (VOLATILE.has(key) || (kind === "link" && key === "state")) return undefined;
    if (typeof one === "bigint") return `${one}n`;
    if (one instanceof Uint8Array) return Buffer.from(one).toString("hex");
    if (typeof one !== "object" || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
  return `${kind} ${text}`;
}

/** What a kernel without the sort of thing says is an empty list. */
async function listed(kind: string, list: Promise<readonly object[]>): Promise<string[]> {
  try {
    return (await list).map((one) => line(kind, one));
  } catch (error) {
    if (["EOPNOTSUPP", "ENOENT"].includes(String((error as { code?: unknown }).code))) return [];
    throw error;
  }
}

interface Told {
  readonly state?: string;
  readonly protocol?: string;
  readonly dev?: string;
  readonly master?: string | boolean;
  readonly mac?: string;
}
/** Neither learned nor found out nor made by the kernel when a link gets its carrier: what is configured. */
function isMade(one: object): boolean {
  const { state, protocol, mac = "", dev, master } = one as Told;
  if (state !== undefined && state !== "permanent" && state !== "static") return false;
  // The entry of a bridge's own address.
  if (master !== undefined && master === dev) return false;
  if (protocol === "kernel_ll" || mac.startsWith("33:33:") || mac.startsWith("01:00:5e:")) return false;
  // The routes that come with an address come and go with it, in their own time.
  return protocol !== "kernel";
}

/** A link without what depends on its ports: the MAC address of a bridge that nobody gave one is that of a port. */
function configured(link: Links): object {
  const { port, ...rest } = link;
  const { id: _, ...kept } = port ?? {};
  const free = rest.kind === "bridge" && !rest.mac?.startsWith("02:00:00:00:00:");
  return { ...rest, ...(port && { port: kept }), ...(free && { mac: "free" }) };
}
interface Links {
  readonly kind?: string;
  readonly mac?: string;
  readonly port?: { readonly id?: number };
}

/** What network cards are told; other links have what the kernel gave them. */
async function features({ ethtool, links }: Host): Promise<readonly object[]> {
  const all: object[] = [];
  for (const { name } of await links.list())
    if (name in CARDS) all.push({ name, ...Object.fromEntries((await ethtool.features(name)).features) });
  return all;
}

/** What a link has of its own accord. */
const DEFAULT_QUEUES = ["noqueue", "pfifo_fast", "noop", "mq"];

/** Queues that somebody gave a link, with their classes and filters. */
async function queuesOf({ qdiscs }: Host): Promise<string[]> {
  const all = (await qdiscs.list()).filter(({ kind }) => !DEFAULT_QUEUES.includes(kind));
  if (all.length === 0) return [];
  const lines = [
    ...all.map((one) => line("queue", one)),
    ...(await listed("class", qdiscs.classes.list())),
    ...(await listed("filter", qdiscs.filters.list())),
  ];
  // From 8000 on the kernel chose the number.
  return lines.map((one) => one.replaceAll(/"[89a-f][0-9a-f]{3}:/g, '"its own:'));
}

/** Everything that a host is configured to. Two equal lists are the same state. */
export async function snapshot({ host }: Pick<Machine, "host">): Promise<readonly string[]> {
  const { links, addresses, routes, rules, nexthops, neighbors, fdb, vlans, vnis, mdb, devconf, nftables } = host;
  const made = async (list: Promise<readonly object[]>): Promise<readonly object[]> => (await list).filter(isMade);
  const all = [
    await listed("link", (async () => (await links.list()).map((one) => configured(one as Links)))()),
    await listed("address", made(addresses.list())),
    await listed("route", made(routes.list({ table: "all" }))),
    await listed("rule", rules.list()),
    await listed("nexthop", nexthops.list()),
    await listed("label", host.addressLabels.list()),
    await listed("neighbor", made(neighbors.list())),
    await listed("fdb", made(fdb.list())),
    await listed("vlan", vlans.list()),
    await listed("vni", vnis.list()),
    await listed("mdb", made(mdb.list())),
    await listed("conf", devconf.list()),
    await listed("nftables", nftables.list()),
    await queuesOf(host),
    await listed("feature", features(host)),
    [`ip_forward ${await host.sysctls.get("net.ipv4.ip_forward")}`],
  ];
  return all.flat().sort();
}

/** The same without random MAC addresses, and what the kernel makes of them: as it is on every host of this document. */
export function anonymous(lines: readonly string[]): readonly string[] {
  const plain = (one: string): string =>
    one.replaceAll(/[0-9a-f]{2}(:[0-9a-f]{2}){5}/g, "mac").replaceAll(/fe80::[0-9a-f:]+/g, "ll");
  return lines.map(plain).sort();
}

/** Lines that only one of two lists has: nothing, where they are the same. */
export function difference(before: readonly string[], now: readonly string[]): readonly string[] {
  const counted = (list: readonly string[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const one of list) counts.set(one, (counts.get(one) ?? 0) + 1);
    return counts;
  };
  const [old, fresh] = [counted(before), counted(now)];
  const missing = [...old].filter(([one, count]) => (fresh.get(one) ?? 0) < count).map(([one]) => `- ${one}`);
  return [...missing, ...[...fresh].filter(([one, count]) => (old.get(one) ?? 0) < count).map(([one]) => `+ ${one}`)];
}

/** Runs lines of shell in the namespace, and returns what they printed. */
export function shell({ namespace }: Machine, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = namespace.run("sh", ["-ec", script], { stdio: ["ignore", "pipe", "pipe"] });
    let [out, said] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${script}: ${said}`))));
  });
}

/** Mounts a small file system of memory on a directory of this sandbox. */
export function mountMemory(path: string, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "none", path], { stdio: "ignore" });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`mount ended with ${code}`))));
  });
}
