/** A fabric as large as is wanted, as the text of a document. */

/** How large. */
export interface FabricSize {
  readonly hosts: number;
  readonly overlays: number;
  /** Static MACs of all overlays and hosts together. */
  readonly macs: number;
  readonly flood: "unicast" | "multicast" | "evpn";
  /** Hosts that have MACs; default all. */
  readonly carriers?: number;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const macOf = (index: number): string => `02:00:${hex(index, 8).replace(/..(?!$)/g, "$&:")}`;
const nameOf = (host: number): string => `h${host + 1}`;

function floodOf(flood: FabricSize["flood"], overlay: number): string {
  return flood === "multicast" ? `{ multicast: 239.1.${overlay >> 8}.${(overlay & 255) + 1} }` : flood;
}

/** All hosts in all overlays, MACs spread evenly. */
export function fabricText({ hosts, overlays, macs, flood, carriers = hosts }: FabricSize): string {
  const lines = ["linkwright: 1", "hosts:"];
  for (let host = 0; host < hosts; host++)
    lines.push(
      `  ${nameOf(host)}: { underlay: eth0, vtep: 10.0.${host >> 8}.${host & 255}, mtu: 9000 }`.replace(
        "10.0.0.0,",
        "10.0.255.1,",
      ),
    );
  if (flood === "evpn") lines.push("evpn: { asn: 64512, reflectors: [h1, h2] }");
  lines.push("overlays:");
  const each = Math.ceil(macs / (carriers * overlays));
  let next = 0;
  for (let overlay = 0; overlay < overlays; overlay++) {
    lines.push(`  v${overlay}:`, `    vni: ${1000 + overlay}`, `    flood: ${floodOf(flood, overlay)}`);
    if (next < macs) lines.push("    staticMacs:");
    for (let host = 0; host < carriers && next < macs; host++) {
      const list = Array.from({ length: Math.min(each, macs - next) }, () => `"${macOf(next++)}"`);
      lines.push(`      ${nameOf(host)}: [${list.join(", ")}]`);
    }
  }
  return `${lines.join("\n")}\n`;
}
