/**
 * Counts what guests send into a tunnel that is too large for it: the MSS that their TCP offers, and the frames that the
 * bridge is about to drop without a word. A table of its own in nf_tables, as long as somebody looks.
 */

import type { Host } from "../host.ts";
import { VLAN_ALLOWANCE } from "../mtu/encapsulation.ts";
import { type Chain, type Expression, isRaw, type ObservedTable, type Table } from "../nftables/index.ts";
import { interfaceBytes } from "../nftables/names.ts";
import { bridgeOf, type Tunnel, type View } from "./view.ts";

/** What was counted on the way into a tunnel. */
export interface Witnessed {
  /** TCP handshakes that offered segments which do not fit. */
  readonly syns: number;
  /** Frames that were longer than the port takes. */
  readonly frames: number;
  /** Bundles of TCP segments, which are not measured. */
  readonly bundles: number;
  /** IPv4 packets of guests to single addresses that came to the first of the filters between the bridge's ports. */
  readonly entered: number;
  /** Those of them that the last of the filters saw. */
  readonly left: number;
}

const FAMILY = "bridge";
const NAME = "linkwright-doctor";
/** Headers of IPv4 and TCP. */
const HEADERS = 40;
/** What guests have unless told otherwise; longer ones are bundles of segments, which pass. */
export const USUAL_MTU = 1500;

/** Before and after all filters of a bridge, those of IP packets among them. */
const FIRST = -300;
const LAST = 300;

const REG = 1;
const IPV4 = Uint8Array.of(0x08, 0x00);
/** The bit of an Ethernet address that is for more than one receiver. */
const MANY = Uint8Array.of(1);
const NONE = Uint8Array.of(0);
const equal = (value: Uint8Array): Expression => ({ kind: "cmp", data: { sreg: REG, op: "eq", data: { value } } });

/**
 * Counts IPv4 that leaves by a link for one receiver. Multicast and broadcasts are often dropped on purpose, and nobody misses
 * them. Same as: nft … meta protocol ip oifname X ether daddr & 01:00:00:00:00:00 == 0 counter
 */
function countUnicast(to: string): Expression[] {
  return [
    { kind: "meta", data: { key: "protocol", dreg: REG } },
    equal(IPV4),
    { kind: "meta", data: { key: "oifname", dreg: REG } },
    equal(interfaceBytes(to, "oifname")),
    { kind: "payload", data: { dreg: REG, base: "link", offset: 0, len: 1 } },
    { kind: "bitwise", data: { sreg: REG, dreg: REG, len: 1, mask: { value: MANY }, xor: { value: NONE } } },
    equal(NONE),
    { kind: "counter", data: { bytes: 0n, packets: 0n } },
  ];
}

/** Counts what guests send into tunnels, at one end of the hook. */
function passing(name: string, priority: number, tunnels: readonly Tunnel[]): Chain {
  const rules = tunnels.map(({ link }) => ({
    expressions: countUnicast(link.name),
    comment: `${name} ${link.name}`,
  }));
  return { name, hook: "forward", priority, rules };
}

function chainOf(tunnels: readonly Tunnel[]): Chain {
  return {
    name: "forward",
    hook: "forward",
    rules: tunnels.flatMap(({ link: { name, mtu } }) => [
      {
        match: {
          oifname: name,
          protocol: "tcp",
          tcpFlags: { set: ["syn"], of: ["syn", "rst"] },
          mss: { over: mtu - HEADERS },
        },
        counter: true,
        comment: `syn ${name}`,
      },
      {
        match: { oifname: name, length: [mtu + VLAN_ALLOWANCE + 1, Math.max(mtu + VLAN_ALLOWANCE + 1, USUAL_MTU)] },
        counter: true,
        comment: `frame ${name}`,
      },
      {
        match: { oifname: name, protocol: "tcp", length: { over: Math.max(mtu + VLAN_ALLOWANCE, USUAL_MTU) } },
        counter: true,
        comment: `bundle ${name}`,
      },
    ]),
  };
}

function countOf(table: ObservedTable | undefined, comment: string): number {
  const rule = table?.chains.flatMap(({ rules }) => rules).find((one) => one.comment === comment);
  if (rule !== undefined && isRaw(rule)) {
    const step = rule.expressions.find((one) => one.kind === "counter");
    return Number(step?.data?.packets ?? 0);
  }
  const counter = rule !== undefined && "counter" in rule ? rule.counter : undefined;
  return typeof counter === "object" ? Number(counter.packets) : 0;
}

/** What a kernel says that has no such family, or no chains of it. */
const ABSENT: readonly unknown[] = ["EOPNOTSUPP", "EPROTONOSUPPORT", "EAFNOSUPPORT", "EINVAL", "ENOENT"];

/** Why nothing can be counted; `missing`: what the kernel has not got, where it says one of `codes`. @throws what is no reason for that. */
function refusal(missing: string, codes: readonly unknown[]): (error: unknown) => string {
  return (error) => {
    const { code } = error as { readonly code?: unknown };
    if (code === "EPERM") return "what guests send: without CAP_NET_ADMIN nothing was counted; run it as root";
    if (codes.includes(code)) return `what guests send: this kernel has no ${missing} to count it`;
    throw error;
  };
}

/** Begins to count; says why not. Chains without rules come first: what the kernel refuses then is none of the rules' fault. */
async function begin(nftables: Host["nftables"], table: Table): Promise<string | undefined> {
  const empty = { ...table, chains: (table.chains ?? []).map((chain) => ({ ...chain, rules: [] })) };
  const why = await nftables.replace(empty).then(() => undefined, refusal("nf_tables for bridges", ABSENT));
  if (why !== undefined) return why;
  try {
    // An expression whose module is not there.
    const lacks = await nftables.replace(table).then(() => undefined, refusal("expressions of nf_tables", ["ENOENT"]));
    if (lacks !== undefined) await nftables.delete(FAMILY, NAME);
    return lacks;
  } catch (error) {
    await nftables.delete(FAMILY, NAME);
    throw error;
  }
}

/**
 * Counts while `work` goes on, for each VXLAN in a bridge. Needs CAP_NET_ADMIN, without which it
 * says so in `why`; the table is gone afterwards.
 * Same as: nft add table bridge linkwright-doctor …; nft list table …; nft delete table …
 */
export async function witnessed<T>(
  { nftables }: Host,
  view: View,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly counts: Readonly<Record<string, Witnessed>>; readonly why?: string }> {
  const tunnels = view.tunnels.filter(({ link }) => bridgeOf(view, link) !== undefined);
  if (tunnels.length === 0) return { result: await work(), counts: {} };
  const table: Table = {
    family: FAMILY,
    name: NAME,
    chains: [chainOf(tunnels), passing("entered", FIRST, tunnels), passing("left", LAST, tunnels)],
  };
  const why = await begin(nftables, table);
  if (why !== undefined) return { result: await work(), counts: {}, why };
  try {
    const result = await work();
    const found = await nftables.get(FAMILY, NAME);
    const counts = tunnels.map(({ link: { name } }) => {
      const count = (of: string): number => countOf(found, `${of} ${name}`);
      const sizes = { syns: count("syn"), frames: count("frame"), bundles: count("bundle") };
      return [name, { ...sizes, entered: count("entered"), left: count("left") }];
    });
    return { result, counts: Object.fromEntries(counts) };
  } finally {
    await nftables.delete(FAMILY, NAME);
  }
}
