/**
 * What sysctls of an interface do together with those of `all`, and what else a write to one of them rewrites.
 *
 * Source: include/linux/inetdevice.h (IN_DEV_MAXCONF, IN_DEV_ORCONF, IN_DEV_ANDCONF), net/ipv4/devinet.c
 * (inet_forward_change, devinet_copy_dflt_conf), net/ipv6/addrconf.c (addrconf_fixup_forwarding, addrconf_disable_ipv6).
 */

/** How the kernel puts the values of `all` and of an interface together. */
export type Combination = "interface" | "greater" | "either" | "both";

const COMBINATIONS: Readonly<Record<string, Combination>> = {
  accept_local: "either",
  accept_source_route: "both",
  arp_accept: "greater",
  arp_announce: "greater",
  arp_evict_nocarrier: "both",
  arp_filter: "either",
  arp_ignore: "greater",
  arp_notify: "greater",
  bc_forwarding: "both",
  bootp_relay: "both",
  forwarding: "interface",
  ignore_routes_with_linkdown: "either",
  log_martians: "either",
  mc_forwarding: "both",
  promote_secondaries: "either",
  proxy_arp: "either",
  proxy_arp_pvlan: "either",
  route_localnet: "either",
  rp_filter: "greater",
  secure_redirects: "either",
  send_redirects: "either",
  shared_media: "either",
  src_valid_mark: "either",
};

/** How `net.ipv4.conf.all.SETTING` and that of an interface combine; `forwards` only matters to accept_redirects. */
export function combinationOf(setting: string, forwards = false): Combination {
  if (setting === "accept_redirects") return forwards ? "both" : "either";
  return (Object.hasOwn(COMBINATIONS, setting) ? COMBINATIONS[setting] : undefined) ?? "interface";
}

/** The value in force for an interface: rp_filter is the greater of `all` and the interface's own. */
export function combine(setting: string, all: number, own: number, forwards = false): number {
  switch (combinationOf(setting, forwards)) {
    case "interface":
      return own;
    case "greater":
      return Math.max(all, own);
    case "either":
      return all !== 0 || own !== 0 ? 1 : 0;
    case "both":
      return all !== 0 && own !== 0 ? 1 : 0;
  }
}

/** Stands for each interface, without `all` and `default`. */
const INTERFACE = "+";

/** Whether a part of a pattern stands for this name. */
export function standsFor(part: string, name: string): boolean {
  return part === "*" || part === name || (part === INTERFACE && name !== "all" && name !== "default");
}

/**
 * Other sysctls that a write to this one rewrites, so that a restore has to have them too. What may be anything is
 * written as `*`, what may be any interface as `+`.
 */
export function alsoWrites(path: readonly string[]): readonly (readonly string[])[] {
  const key = path.join("/");
  const each = (family: string, setting: string): string[] => ["net", family, "conf", "*", setting];
  if (key === "net/ipv4/ip_forward" || key === "net/ipv4/conf/all/forwarding")
    return [
      ["net", "ipv4", "ip_forward"],
      each("ipv4", "forwarding"),
      ["net", "ipv4", "conf", "all", "accept_redirects"],
    ];
  const [, , , scope, setting = ""] = path;
  // Interfaces that nobody gave a value of their own have that of `default`, whenever it is written.
  if (key.startsWith("net/ipv4/conf/default/") && setting !== "forwarding")
    return [
      ["net", "ipv4", "conf", "default", setting],
      ["net", "ipv4", "conf", INTERFACE, setting],
    ];
  if (path[1] !== "ipv6" || path[2] !== "conf" || (scope !== "all" && scope !== "default")) return [];
  if (setting === "forwarding" || setting === "disable_ipv6" || setting === "ignore_routes_with_linkdown")
    return [each("ipv6", setting)];
  return [];
}
