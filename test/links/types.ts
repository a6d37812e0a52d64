/** Checked by the compiler: what may be written, and what is told. */
import type { KindName, Link, LinkChanges, LinkConfig } from "../../lib/links/index.ts";
import type { ConfigOf } from "../../lib/links/words.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(): T | undefined => undefined;

yes<Equal<LinkConfig["kind"], KindName>>();
yes<Equal<ConfigOf<"vxlan">["vni"], number | undefined>>();
yes<Equal<ConfigOf<"vxlan">["ttl"], number | "inherit" | undefined>>();
yes<Equal<ConfigOf<"bridge">["vlanProtocol"], "802.1Q" | "802.1ad" | undefined>>();
yes<Equal<Link["vni"], number | undefined>>();
yes<Equal<Link["mtu"], number>>();
yes<Equal<Link["kind"], string | undefined>>();
yes<Equal<Link["rootId"], string | undefined>>();
yes<Equal<LinkChanges["master"], string | null | undefined>>();

export const good: readonly LinkConfig[] = [
  { kind: "bridge", name: "br-vm", up: true, stp: false, ageing: 300 },
  { kind: "vxlan", name: "vxlan0", vni: 39, dev: "ens34f0", remote: "192.168.0.24", dstport: 4789, master: "br-vm" },
  { kind: "veth", name: "v0", peer: { name: "v1", netns: "blue" }, port: { learning: false } },
];
export const bad: readonly LinkConfig[] = [
  // @ts-expect-error a bridge has no VNI
  { kind: "bridge", name: "br-vm", vni: 39 },
  // @ts-expect-error the kernel tells it, nobody sets it
  { kind: "bridge", name: "br-vm", rootId: "8000.02:00:00:00:00:01" },
  // @ts-expect-error a number
  { kind: "vxlan", name: "vxlan0", vni: "39" },
  // @ts-expect-error a name is needed
  { kind: "vxlan", vni: 39 },
  // @ts-expect-error there is no such kind
  { kind: "vlxan", name: "vxlan0" },
  // @ts-expect-error nor such a word
  { kind: "vxlan", name: "vxlan0", remot: "192.0.2.1" },
  // @ts-expect-error the far end needs a name
  { kind: "veth", name: "v0", peer: { mtu: 1400 } },
];
export function change(link: Link): void {
  // @ts-expect-error what was told cannot be changed
  link.mtu = 7;
}
