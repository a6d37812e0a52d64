/**
 * What iptables-nft leaves in rules as its own: matches and targets in the form of xtables, as far as a document has
 * words for them.
 *
 * Source: include/uapi/linux/netfilter/nf_tables_compat.h (NFTA_MATCH_*, NFTA_TARGET_*), xt_conntrack.h
 * (xt_conntrack_mtinfo3), xt_TCPMSS.h, nf_nat.h (nf_nat_ipv4_multi_range_compat, nf_nat_range).
 */
import { endianness } from "node:os";
import type { Expression } from "../nftables/index.ts";
import { at, attrs, bytes, Reader, text } from "../wire/index.ts";
import type { FirewallRule } from "./firewall.ts";

/** What steps of xtables say. */
export type XtFacts = Pick<FirewallRule, "states"> & {
  readonly action?: FirewallRule["action"];
  readonly more: readonly string[];
};

const extension = attrs("NFTA_TARGET", { name: at(1, text), info: at(3, bytes) });

/** XT_CONNTRACK_STATE_BIT: of the states, counted as in enum ip_conntrack_info. */
const STATES: readonly (readonly [bit: number, word: string])[] = [
  [2, "established"],
  [4, "related"],
];
const MATCH_STATE = 1;
/** XT_CONNTRACK_STATE_ALIAS: it was written as -m state. */
const AS_STATE = 1 << 13;
const MATCH_FLAGS = 146;
const INVERT_FLAGS = 148;
const STATE_MASK = 150;
/** TCPMSS: as large as the route's MTU allows. */
const CLAMP_TO_PMTU = 0xffff;

function u16(info: Uint8Array, offset: number): number {
  const view = new DataView(info.buffer, info.byteOffset, info.byteLength);
  return offset + 2 <= info.byteLength ? view.getUint16(offset, endianness() === "LE") : 0;
}

function conntrack(info: Uint8Array): readonly string[] | undefined {
  if ((u16(info, MATCH_FLAGS) & ~AS_STATE) !== MATCH_STATE || u16(info, INVERT_FLAGS) !== 0) return undefined;
  const mask = u16(info, STATE_MASK);
  const known = STATES.reduce((sum, [bit]) => sum | bit, 0);
  return (mask & ~known) !== 0 ? undefined : STATES.filter(([bit]) => (mask & bit) !== 0).map(([, word]) => word);
}

function factsOf(kind: string, name: string, info: Uint8Array): Partial<XtFacts> | undefined {
  if (kind === "#match" && name === "conntrack") {
    const states = conntrack(info);
    return states && { states };
  }
  if (kind === "#match" && name === "comment") return {};
  // Flags ask for ports, and for other ways to choose them.
  if (kind === "#target" && name === "MASQUERADE")
    return [...info.subarray(4)].every((byte) => byte === 0) ? { action: "masquerade" } : undefined;
  if (kind === "#target" && name === "TCPMSS" && u16(info, 0) === CLAMP_TO_PMTU) return { action: "clamp" };
  return undefined;
}

/** Splits the steps of a rule into those of nftables and what the others say. */
export function takeXtables(steps: readonly Expression[]): {
  readonly plain: readonly Expression[];
  readonly facts: XtFacts;
} {
  let facts: XtFacts = { more: [] };
  const plain = steps.filter((step) => {
    const { kind, data } = step as { readonly kind: string; readonly data: unknown };
    if (kind !== "#match" && kind !== "#target") return true;
    const { name = "?", info } = data instanceof Uint8Array ? extension.read(new Reader(data), 0, data.length) : {};
    const said = info === undefined ? undefined : factsOf(kind, name, info);
    facts = { ...facts, ...said, more: said === undefined ? [...facts.more, `${kind.slice(1)} ${name}`] : facts.more };
    return false;
  });
  return { plain, facts };
}
