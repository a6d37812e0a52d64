/** Whether the IP packet filter sees bridged frames, and what lets packets through it. */
import type { Link } from "../../links/index.ts";
import type { Packet } from "../verdict.ts";
import type { View } from "../view.ts";

/** The versions of IP, as nf_tables calls them. */
export type IpFamily = "ip" | "ip6";

/** What makes frames pass through the IP packet filter, and the commands that end it. */
export interface Call {
  readonly seen: readonly string[];
  readonly off: string;
}

/** For all bridges of a namespace, and for one. Source: net/bridge/br_netfilter_hooks.c */
const CALLS = {
  ip: { sysctl: "net.bridge.bridge-nf-call-iptables", option: "nfCallIptables", word: "nf_call_iptables" },
  ip6: { sysctl: "net.bridge.bridge-nf-call-ip6tables", option: "nfCallIp6tables", word: "nf_call_ip6tables" },
} as const;

/** Why the IP packet filter sees frames between ports of a bridge; undefined where it does not. */
export function callOf({ sysctls }: Pick<View, "sysctls">, bridge: Link, family: IpFamily): Call | undefined {
  const { sysctl, option, word } = CALLS[family];
  const all = sysctls[sysctl] === "1";
  // Without br_netfilter there is no such sysctl, and the option of a bridge does nothing.
  const own = sysctls[sysctl] !== undefined && bridge[option] === true;
  if (!all && !own) return undefined;
  return {
    seen: [...(all ? [`${sysctl} = 1`] : []), ...(own ? [`ip -d link show dev ${bridge.name}: ${word} 1`] : [])],
    off: [
      ...(all ? [`sysctl -w ${sysctl}=0`] : []),
      ...(own ? [`ip link set dev ${bridge.name} type bridge ${word} 0`] : []),
    ].join("; "),
  };
}

/** The line that lets packets through where this chain drops them. */
export function acceptance(chain: string, { family, in: from, out: to, ctState }: Packet): string {
  const replies = ctState === "established";
  const tool = family === "ip" ? "iptables" : "ip6tables";
  if (chain === `${family} filter FORWARD`)
    return `${tool} -I FORWARD -i ${from} -o ${to}${replies ? " -m conntrack --ctstate RELATED,ESTABLISHED" : ""} -j ACCEPT`;
  return `nft insert rule ${chain} iifname ${from} oifname ${to}${replies ? " ct state established,related" : ""} accept`;
}
