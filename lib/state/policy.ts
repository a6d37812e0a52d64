/** NAT and forward rules of a document as one nftables table of our own. */
import type { Chain, ChainEntry, FriendlyRule, Table } from "../nftables/index.ts";
import type { ForwardEntry, NatEntry } from "./document.ts";

/** The one table that is ours; others are never touched. */
export const TABLE = { family: "inet", name: "linkwright" } as const;

function masquerade({ masquerade: network, out }: NatEntry): FriendlyRule {
  return {
    match: { ...(network === "default" ? {} : { saddr: network }), oifname: out },
    action: { masquerade: true },
    comment: `masquerade ${network} out of ${out}`,
  };
}

function accept({ in: iifname, out: oifname, accept: what }: ForwardEntry): FriendlyRule {
  return {
    match: { iifname, oifname, ...(what === "replies" && { ctState: ["established", "related"] }) },
    action: "accept",
    comment: `${what === "all" ? "all" : "replies"} from ${iifname} to ${oifname}`,
  };
}

/** "Only replies" is a promise about the rest. */
function refuse({ in: iifname, out: oifname }: ForwardEntry): FriendlyRule {
  return { match: { iifname, oifname }, action: "drop", comment: `nothing else from ${iifname} to ${oifname}` };
}

function clamp({ in: iifname, out: oifname }: ForwardEntry): FriendlyRule {
  return {
    match: { iifname, oifname, protocol: "tcp", tcpFlags: { set: ["syn"], of: ["syn", "rst"] } },
    action: { clampMss: "rt mtu" },
    comment: `TCP handshakes from ${iifname} to ${oifname} tell what fits`,
  };
}

/**
 * The table for these rules, or undefined for none. Rules keep the order of the document; what is dropped comes after
 * all that is accepted.
 */
export function policyTable(nat: readonly NatEntry[], forward: readonly ForwardEntry[]): Table | undefined {
  const chains: Chain[] = [];
  if (nat.length > 0)
    chains.push({
      name: "postrouting",
      type: "nat",
      hook: "postrouting",
      priority: "srcnat",
      rules: nat.map(masquerade),
    });
  if (forward.length > 0) {
    const replies = forward.filter((one) => one.accept === "replies");
    const whole = (one: ForwardEntry): boolean =>
      forward.some((other) => other.accept === "all" && other.in === one.in && other.out === one.out);
    chains.push({
      name: "forward",
      type: "filter",
      hook: "forward",
      priority: "filter",
      rules: [
        ...forward.filter((one) => one.clampMss === true).map(clamp),
        ...forward.map(accept),
        ...replies.filter((one) => !whole(one)).map(refuse),
      ],
    });
  }
  return chains.length === 0 ? undefined : { ...TABLE, chains };
}

/** Chains of others that drop what ours accepts: in nftables an accept is only the end of its own chain. */
export function droppingChains(chains: readonly ChainEntry[]): readonly ChainEntry[] {
  return chains.filter(
    ({ family, table, hook, policy }) =>
      hook === "forward" &&
      policy === "drop" &&
      ["ip", "ip6", "inet"].includes(family) &&
      !(family === TABLE.family && table === TABLE.name),
  );
}
