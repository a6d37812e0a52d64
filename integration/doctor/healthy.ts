/** Random fabrics that are in order. */
import { Host } from "../../lib/host.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { parseSource, type Source } from "../../lib/state/index.ts";
import { type Lab, TestNamespace } from "../../lib/testkit/index.ts";

/** Numbers from a seed: mulberry32. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** What an overlay of a fabric is like: flooding by lists or a group; by a control plane; over another one; several by VLAN. */
export type Kind = "plain" | "evpn" | "stacked" | "vlans";

/** Overlays of a kind, between hosts with these gateways. */
function overlaysOf(kind: Kind, draw: (below: number) => number, flood: string, gateways: readonly string[]): string[] {
  const gateway = (net: number): string =>
    `{ ${gateways.map((one, at) => `h${at + 1}: [${one.replace(/^100\.64\.\d+/, `100.64.${net}`)}]`).join(", ")} }`;
  const port = draw(4) === 0 ? ["    dstport: 8472"] : [];
  const vni = 1 + draw(0xff_ff00);
  if (kind === "vlans")
    return ["red", "blue"].flatMap((name, at) => [
      ...[`  ${name}:`, `    vni: ${vni + at}`, `    vlan: ${10 + at}`, "    bridge: br-vm", ...port],
      `    gateway: ${gateway(7 + at)}`,
    ]);
  const vm = [
    "  vm:",
    `    vni: ${vni}`,
    ...port,
    `    flood: ${kind === "evpn" ? "evpn" : flood}`,
    `    gateway: ${gateway(7)}`,
  ];
  if (kind !== "stacked") return vm;
  return [...vm, "  pods:", `    vni: ${vni + 1}`, "    over: vm", `    gateway: ${gateway(8)}`];
}

/**
 * A document of two to four hosts: either version of IP, either way to flood, with or without NAT, rp_filter, a small
 * underlay; one in four has no plain overlay. `vlans`: whether bridges of this kernel have them.
 */
export function healthyFabric(
  seed: number,
  vlans: boolean,
): { readonly source: Source; readonly underlayMtu: number; readonly kind: Kind } {
  const draw = random(seed);
  const count = 2 + draw(3);
  const wide = draw(2) === 1;
  const multicast = draw(3) === 0;
  const nat = !wide && draw(2) === 1;
  const others: readonly Kind[] = vlans ? ["evpn", "stacked", "vlans"] : ["evpn", "stacked"];
  const kind = draw(4) === 0 ? (others[draw(others.length)] ?? "plain") : "plain";
  const names = Array.from({ length: count }, (_, at) => `h${at + 1}`);
  const vteps = names.map((_, at) => (wide ? `fd00:10::${at + 11}` : `10.9.8.${at + 11}`));
  const gateways = names.map((_, at) => `100.64.7.${at + 1}/24`);
  const group = wide ? "ff05::39" : "239.1.1.39";
  const flood = multicast ? `{ multicast: "${group}", ttl: ${1 + draw(9)} }` : "unicast";
  const lines = [
    "linkwright: 1",
    "hosts:",
    ...names.map((name, at) => `  ${name}: { underlay: up0, vtep: "${vteps[at]}", routerId: 10.9.8.${at + 11} }`),
    ...(kind === "evpn" ? ["evpn: { asn: 64512 }"] : []),
    "overlays:",
    ...overlaysOf(kind, draw, flood, gateways),
    `sysctls: { net.ipv4.ip_forward: 1, net.ipv4.conf.all.rp_filter: ${draw(3)} }`,
    ...(nat && kind !== "vlans"
      ? [
          "nat:",
          "  - { masquerade: 100.64.7.0/24, out: $underlay }",
          "forward:",
          "  - { in: br-vm, out: $underlay, accept: all }",
          "  - { in: $underlay, out: br-vm, accept: replies }",
        ]
      : []),
    ...(kind === "vlans" ? [] : [`guests: { on: ${kind === "stacked" ? "br-pods" : "br-vm"}, mtu: auto }`]),
  ];
  return {
    source: parseSource(`${lines.join("\n")}\n`, `fabric-${seed}.yaml`),
    underlayMtu: [1400, 1500, 9000][draw(3)] ?? 1500,
    kind,
  };
}

/** Whether bridges of this kernel have VLANs. */
export async function hasVlans(): Promise<boolean> {
  await using netns = await TestNamespace.create();
  await using host = await Host.open({ netns });
  const config = { kind: "bridge", name: "br0", vlanFiltering: true } as const;
  return await host.links.create(config).then(
    () => true,
    () => false,
  );
}

/** Does what a control plane does once: tells each host where the others' guests are. */
export async function advertise(lab: Lab): Promise<void> {
  const far = await Promise.all(
    lab.guests.map(async (name) => {
      const { on, node } = lab.guest(name);
      return { on, mac: String((await node.host.links.get("eth0"))?.mac) };
    }),
  );
  for (const { name } of lab.topology.hosts) {
    const { fdb, links } = lab.host(name);
    const dev = (await links.list()).find(({ kind }) => kind === "vxlan")?.name ?? "";
    for (const { name: other, address } of lab.topology.hosts.filter((one) => one.name !== name)) {
      const dst = address.split("/")[0] ?? "";
      await fdb.append({ mac: ZERO_MAC, dev, dst, externLearn: true });
      for (const { on, mac } of far)
        if (on === other) await fdb.replace({ mac, dev, dst, externLearn: true, state: "static" } as never);
    }
  }
}
