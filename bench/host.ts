/**
 * The founding story's host as a script makes it with the package: a bridge, a VXLAN in it, both of one MTU, five
 * sysctls, masquerading and two rules. Nothing of it was loaded or compiled before.
 */
import { Host } from "linkwright";
import { measured } from "./contest.ts";

const SYSCTLS = [
  ["net.ipv4.ip_forward", 1],
  ["net.ipv4.conf.all.rp_filter", 2],
  ["net.ipv4.conf.br0.rp_filter", 2],
  ["net.ipv4.conf.br0.proxy_arp", 1],
  ["net.ipv6.conf.br0.disable_ipv6", 1],
] as const;

async function story({ links, sysctls, nftables }: Host): Promise<undefined> {
  await links.create({ kind: "bridge", name: "br0", mtu: 1400, up: true });
  const vxlan = { kind: "vxlan", name: "vx0", vni: 1, remote: "10.0.0.2", dstport: 4789 } as const;
  await Promise.all([
    links.create({ ...vxlan, master: "br0", mtu: 1400, up: true }),
    ...SYSCTLS.map(([key, value]) => sysctls.set(key, value)),
    nftables.replace({
      family: "ip",
      name: "pf",
      chains: [
        {
          name: "post",
          type: "nat",
          hook: "postrouting",
          priority: "srcnat",
          rules: [{ match: { saddr: "10.9.0.0/24", oifname: { not: "br0" } }, action: { masquerade: true } }],
        },
        {
          name: "fw",
          hook: "forward",
          rules: [
            { match: { iifname: "br0" }, action: "accept" },
            { match: { oifname: "br0" }, action: "accept" },
          ],
        },
      ],
    }),
  ]);
  return undefined;
}

await measured("host", 1, async (netns) => {
  const host = await Host.open(netns === undefined ? {} : { netns: `/proc/self/fd/${netns}` });
  return { run: () => story(host), [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
});
