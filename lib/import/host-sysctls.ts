/** Sysctls of a running host that are not what a kernel has by itself. */
import type { Host } from "../host.ts";

/** Of the whole host, and what a kernel has. */
const OF_HOST: Readonly<Record<string, string>> = {
  "net.ipv4.ip_forward": "0",
  "net.ipv6.conf.all.forwarding": "0",
  "net.ipv4.conf.all.rp_filter": "0",
  "net.ipv4.conf.default.rp_filter": "0",
  "net.ipv4.conf.all.proxy_arp": "0",
  "net.ipv4.conf.all.arp_ignore": "0",
  "net.ipv4.conf.all.arp_announce": "0",
  "net.ipv4.conf.all.arp_filter": "0",
  "net.ipv4.conf.all.accept_local": "0",
  "net.ipv4.conf.all.route_localnet": "0",
  "net.ipv4.conf.all.src_valid_mark": "0",
  "net.ipv6.conf.all.disable_ipv6": "0",
  "net.ipv6.conf.default.disable_ipv6": "0",
  "net.ipv6.conf.all.proxy_ndp": "0",
  "net.bridge.bridge-nf-call-iptables": "1",
  "net.bridge.bridge-nf-call-ip6tables": "1",
  "net.bridge.bridge-nf-call-arptables": "1",
};
/** Of an interface: a new one has what `default` says. */
const OF_LINK = [
  "net.ipv4.conf.*.rp_filter",
  "net.ipv4.conf.*.forwarding",
  "net.ipv4.conf.*.proxy_arp",
  "net.ipv4.conf.*.arp_ignore",
  "net.ipv4.conf.*.arp_announce",
  "net.ipv4.conf.*.arp_filter",
  "net.ipv4.conf.*.accept_local",
  "net.ipv4.conf.*.route_localnet",
  "net.ipv4.conf.*.src_valid_mark",
  "net.ipv4.conf.*.send_redirects",
  "net.ipv6.conf.*.disable_ipv6",
  "net.ipv6.conf.*.accept_ra",
  "net.ipv6.conf.*.autoconf",
  "net.ipv6.conf.*.forwarding",
  "net.ipv6.conf.*.proxy_ndp",
];

async function read(host: Host, key: string): Promise<string | undefined> {
  try {
    return (await host.sysctls.get(key)).trim();
  } catch (error) {
    if (["ENOENT", "EACCES", "EPERM", "ERR_SYSCTL_KEY"].includes(String((error as { code?: unknown }).code)))
      return undefined;
    throw error;
  }
}

/** Reads what differs from a kernel that nobody told anything. */
export async function sysctlsOf(host: Host, links: readonly string[]): Promise<{ key: string; value: string }[]> {
  const found: { key: string; value: string }[] = [];
  for (const [key, usual] of Object.entries(OF_HOST)) {
    const value = await read(host, key);
    if (value !== undefined && value !== usual) found.push({ key, value });
  }
  for (const pattern of OF_LINK) {
    const usual = await read(host, pattern.replace("*", "default"));
    for (const link of links) {
      const key = pattern.replace("*", () => link.replaceAll(".", "/"));
      const value = link === "lo" ? undefined : await read(host, key);
      if (value !== undefined && value !== usual) found.push({ key, value });
    }
  }
  return found;
}
