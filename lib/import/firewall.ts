/** Rules of a firewall in one form, whoever wrote them: iptables, nft, or a kernel; and what of them a document can say. */
import { network } from "../shape/shape.ts";
import type { Bag } from "./model.ts";

/** A rule, as far as it is understood. */
export interface FirewallRule {
  /** `forward`, `postrouting`, …; absent for a chain that no packet comes by itself into. */
  readonly hook?: string;
  readonly saddr?: string;
  readonly in?: string;
  readonly out?: string;
  /** Words of connection tracking: `established`. */
  readonly states?: readonly string[];
  /** For TCP handshakes only. */
  readonly handshakes?: boolean;
  readonly action: "masquerade" | "accept" | "drop" | "clamp" | "other";
  /** What is more than a document can say: `-p tcp`. */
  readonly more: readonly string[];
}

/** What a document says for a rule, or why it says nothing. */
export type Saying =
  | { readonly section: "nat" | "forward"; readonly words: Bag }
  | { readonly section: "clamp"; readonly in?: string; readonly out?: string }
  | { readonly section: "none"; readonly reason: string; readonly fix?: string };

const none = (reason: string, fix?: string): Saying => ({ section: "none", reason, ...(fix !== undefined && { fix }) });

function masquerade({ saddr, in: input, out, states, handshakes }: FirewallRule): Saying {
  if (out === undefined)
    return none(
      "masquerade without an output link is for all of them, also for those between guests",
      "name the output link, as -o does",
    );
  if (input !== undefined || states !== undefined || handshakes === true)
    return none("a document masquerades by source network and output link only");
  if (saddr !== undefined && !network.accepts(saddr)) return none(`${JSON.stringify(saddr)} is no network`);
  return { section: "nat", words: { masquerade: saddr ?? "default", out } };
}

const REPLIES = ["established", "related"];

function accept({ saddr, in: input, out, states, handshakes }: FirewallRule): Saying {
  if (input === undefined || out === undefined)
    return none(
      "a document's forward rules name the link that packets come in by, and the one they leave by",
      "give the rule both",
    );
  if (saddr !== undefined || handshakes === true) return none("a document's forward rules are by links only");
  if (states === undefined) return { section: "forward", words: { in: input, out, accept: "all" } };
  const replies = states.length === REPLIES.length && REPLIES.every((word) => states.includes(word));
  if (replies) return { section: "forward", words: { in: input, out, accept: "replies" } };
  return none(`a document accepts all, or replies (established and related), and not ${states.join(", ")}`);
}

/** What a document says for a rule. */
export function sayingOf(rule: FirewallRule): Saying {
  const { hook, action, more } = rule;
  if (more.length > 0) return none(`a document has no words for ${more.join(" ")}`);
  if (action === "masquerade" && hook === "postrouting") return masquerade(rule);
  if (action === "clamp" && (hook === "forward" || hook === "postrouting"))
    return {
      section: "clamp",
      ...(rule.in !== undefined && { in: rule.in }),
      ...(rule.out !== undefined && { out: rule.out }),
    };
  if (action === "accept" && hook === "forward") return accept(rule);
  if (action === "drop" && hook === "forward")
    return none("a document drops only what accept: replies leaves", "leave the rule where it is");
  return none(`a document has no words for such a rule${hook === undefined ? "" : ` at ${hook}`}`);
}
