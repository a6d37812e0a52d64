/** Rules as values, in nft's own words. */
import type { Expression } from "./expressions/index.ts";
import type { ctStates, icmpTypes, icmpv6Types, protocols, tcpFlags, units } from "./words.ts";

/** Families whose tables can be written. */
export type Family = "ip" | "ip6" | "inet" | "bridge";

/** A value, or anything but it. Same as: nft `!=`. */
export type Not<T> = T | { readonly not: T };
/** One number, or all from the first to the second. */
export type Span = number | readonly [from: number, to: number];
/** How a number compares. Same as: nft `5`, `5-9`, `!= 5`, `> 5`, `>= 5`, `< 5`, `<= 5`. */
export type Compared =
  | Not<Span>
  | { readonly over: number }
  | { readonly atLeast: number }
  | { readonly under: number }
  | { readonly atMost: number };

export type Protocol = keyof typeof protocols | number;
export type CtState = keyof typeof ctStates;
export type TcpFlag = keyof typeof tcpFlags;
export type IcmpType = keyof typeof icmpTypes | keyof typeof icmpv6Types | number;

/** What a packet must be for the rule to act; all of it must hold. */
export interface Match {
  /** IPv4 or IPv6, in tables that see both. An address implies it. Same as: nft `meta nfproto ipv4`; in a bridge table `meta protocol ip`. */
  readonly family?: "ip" | "ip6";
  /** Source address or prefix. Same as: nft `ip saddr 12.12.139.0/24`, `ip6 saddr …`. */
  readonly saddr?: Not<string>;
  /** Destination address or prefix. Same as: nft `ip daddr …`. */
  readonly daddr?: Not<string>;
  /** Input interface; `ens*` for all that begin so. Same as: nft `iifname "br-vm"`. */
  readonly iifname?: Not<string>;
  /** Output interface. Same as: nft `oifname "ens34f0"`. */
  readonly oifname?: Not<string>;
  /** Bridge of the input port, in a bridge table. Same as: nft `ibrname "br-vm"`. */
  readonly ibrname?: Not<string>;
  /** Bridge of the output port, in a bridge table. Same as: nft `obrname "br-vm"`. */
  readonly obrname?: Not<string>;
  /** Same as: nft `meta l4proto tcp`. */
  readonly protocol?: Not<Protocol>;
  /** Same as: nft `tcp sport 1024`. Needs `protocol`. */
  readonly sport?: Compared;
  /** Same as: nft `udp dport 4789`. Needs `protocol`. */
  readonly dport?: Compared;
  /** Same as: nft `icmp type destination-unreachable`. Needs `protocol`. */
  readonly icmpType?: IcmpType;
  /** Same as: nft `icmp code 4`. Needs `protocol`. */
  readonly icmpCode?: number;
  /** `{ set, of }`: of these flags exactly those are set. `{ any }`: at least one is. Same as: nft `tcp flags syn / syn,rst`; `tcp flags syn`. */
  readonly tcpFlags?:
    | { readonly set: readonly TcpFlag[]; readonly of: readonly TcpFlag[] }
    | { readonly any: readonly TcpFlag[] };
  /** The MSS option, in bytes. Same as: nft `tcp option maxseg size > 1410`. */
  readonly mss?: Compared;
  /** Length in bytes of the IP packet, also in a bridge table. Same as: nft `meta length 1455-1500`. */
  readonly length?: Compared;
  /** Any of these states. Same as: nft `ct state established,related`. */
  readonly ctState?: readonly CtState[];
}

export type NatFlag = "random" | "fully-random" | "persistent";
interface Nat {
  readonly flags?: readonly NatFlag[];
}

/** What happens to a packet that matches. */
export type Action =
  | "accept"
  | "drop"
  | "return"
  | { readonly jump: string }
  | { readonly goto: string }
  /** Same as: nft `masquerade`; with text `":1024-65535"`, `masquerade to :1024-65535`. */
  | (Nat & { readonly masquerade: true | string })
  /** Same as: nft `snat ip to 192.0.2.23`; a port as `"192.0.2.23:80"`, `"[2001:db8::1]:80-90"`. */
  | (Nat & { readonly snat: string })
  /** Same as: nft `dnat ip to 198.51.100.11:6443`. */
  | (Nat & { readonly dnat: string })
  /** Same as: nft `redirect to :80`. */
  | (Nat & { readonly redirect: true | string })
  /** Lowers the MSS that a TCP handshake tells: to what the route carries, or to a number of bytes. Same as: nft `tcp option maxseg size set rt mtu`. */
  | { readonly clampMss: "rt mtu" | number }
  /** Same as: nft `reject`, `reject with tcp reset`, `reject with icmpx admin-prohibited`, `reject with icmp host-prohibited`. */
  | { readonly reject: true | string };

/** Packets and bytes counted so far. */
export interface Count {
  readonly packets: bigint;
  readonly bytes: bigint;
}
/** Same as: nft `limit rate over 10/minute burst 20 packets`. */
export interface Limit {
  readonly rate: number;
  readonly per: keyof typeof units;
  /** Packets that may come at once; 5 when absent. */
  readonly burst?: number;
  readonly over?: true;
}
export type LogLevel = "emerg" | "alert" | "crit" | "err" | "warn" | "notice" | "info" | "debug" | "audit";

interface Remarks {
  /** Shown by nft as `comment "…"`. At most 128 bytes. */
  readonly comment?: string;
}

/** A rule that this library understands whole. */
export interface FriendlyRule extends Remarks {
  readonly match?: Match;
  readonly limit?: Limit;
  /** `true`, or what it starts from; a name means a counter of the table. Same as: nft `counter`, `counter name "x"`. */
  readonly counter?: true | Count | string;
  /** Same as: nft `log prefix "x" level info`. */
  readonly log?: { readonly prefix?: string; readonly level?: LogLevel };
  readonly action?: Action;
  readonly expressions?: never;
}

/** A rule that holds something this library has no words for, as the kernel runs it. */
export interface RawRule extends Remarks {
  readonly expressions: readonly Expression[];
}

/** One rule. Same as: nft add rule …. */
export type Rule = FriendlyRule | RawRule;

/** Whether a rule is kept as the kernel's own steps. */
export const isRaw = (rule: Rule): rule is RawRule => rule.expressions !== undefined;
