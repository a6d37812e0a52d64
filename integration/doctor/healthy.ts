/** Random fabrics that are in order. */
import { Host } from "../../lib/host.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { placeOf } from "../../lib/netns/netns.ts";
import { ping } from "../../lib/probe/ping.ts";
import { parseSource, type Source } from "../../lib/state/index.ts";
import { Lab, TestNamespace } from "../../lib/testkit/index.ts";

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
export const KINDS = ["plain", "evpn", "stacked", "vlans"] as const;
/** One of them. */
export type Kind = (typeof KINDS)[number];

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
 * underlay; one in four has no plain overlay, or all are of the kind that is wanted. `vlans`: whether bridges of this
 * kernel have them.
 */
export function healthyFabric(
  seed: number,
  vlans: boolean,
  wanted?: Kind,
): { readonly source: Source; readonly underlayMtu: number; readonly kind: Kind } {
  const draw = random(seed);
  const count = 2 + draw(3);
  const wide = draw(2) === 1;
  const multicast = draw(3) === 0;
  const nat = !wide && draw(2) === 1;
  const others: readonly Kind[] = vlans ? ["evpn", "stacked", "vlans"] : ["evpn", "stacked"];
  const drawn = draw(4) === 0 ? (others[draw(others.length)] ?? "plain") : "plain";
  const kind = wanted ?? drawn;
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

/** Two hosts and the cable between them, where other programs than this one make the VXLANs. */
const BARE = `linkwright: 1
hosts:
  h1: { underlay: up0, vtep: 10.9.8.11 }
  h2: { underlay: up0, vtep: 10.9.8.12 }
links: { up0: { mtu: 1500 } }
`;

interface Place {
  readonly host: Host;
  readonly local: string;
  readonly at: number;
}

async function places(lab: Lab): Promise<[Place, Place]> {
  const [one, other] = lab.topology.hosts.map(({ name, address }, at): Place => {
    return { host: lab.host(name), local: address.split("/")[0] ?? "", at: at + 1 };
  });
  if (one === undefined || other === undefined) throw new Error("a pair takes two hosts");
  return [one, other];
}

const macOf = async ({ host }: Place, dev: string): Promise<string> => String((await host.links.get(dev))?.mac);

/** Routes to the network of each host's pods, whose next hop is an address that only entries by hand lead to. */
async function flannel(lab: Lab): Promise<void> {
  const both = await places(lab);
  const dev = "flannel.1";
  const vxlan = { kind: "vxlan", name: dev, vni: 1, dev: "up0", dstport: 8472, learning: false, mtu: 1450 } as const;
  for (const { host, local, at } of both) {
    await host.links.create({ ...vxlan, local, up: true });
    await host.addresses.create({ address: `10.244.${at}.0/32`, dev });
  }
  for (const [{ host }, there] of [both, [...both].reverse()] as [Place, Place][]) {
    const [mac, address] = [await macOf(there, dev), `10.244.${there.at}.0`];
    await host.neighbors.create({ address, mac, dev, state: "permanent" });
    await host.fdb.append({ mac, dev, dst: there.local, state: "permanent" });
    await host.routes.create({ dst: `${address}/24`, via: address, dev, onlink: true });
  }
  await reach(both[0], "10.244.2.0");
}

/** A bridge whose VXLAN answers ARP in the place of others, and tells a program of what it does not know. */
async function swarm(lab: Lab): Promise<void> {
  const both = await places(lab);
  const dev = "vx-000100";
  const asking = { proxy: true, l2miss: true, l3miss: true, learning: true } as const;
  for (const { host, at, local } of both) {
    await host.links.create({ kind: "bridge", name: "br0", up: true });
    const vxlan = { kind: "vxlan", name: dev, vni: 4097, dev: "up0", local, dstport: 4789, mtu: 1450 } as const;
    await host.links.create({ ...vxlan, ...asking, master: "br0", up: true });
    await host.addresses.create({ address: `10.0.1.${at}/24`, dev: "br0" });
  }
  for (const [{ host }, there] of [both, [...both].reverse()] as [Place, Place][]) {
    const mac = await macOf(there, "br0");
    await host.neighbors.create({ address: `10.0.1.${there.at}`, mac, dev, state: "permanent" });
    await host.fdb.append({ mac, dev, dst: there.local, state: "permanent" });
  }
  await reach(both[0], "10.0.1.2");
}

/** A VXLAN in no bridge that gets its VNI and its far end with each frame, as programs of tc tell. */
async function steered(lab: Lab): Promise<void> {
  const both = await places(lab);
  for (const { host, at } of both) {
    await host.links.create({ kind: "vxlan", name: "cilium_vxlan", external: true, dstport: 8472, up: true });
    await host.addresses.create({ address: `10.0.${at}.1/32`, dev: "lo" });
  }
}

async function reach({ host }: Place, address: string): Promise<void> {
  const { received } = await ping(placeOf(host.netns), address, { df: true, count: 3, interval: 200, timeout: 2000 });
  if (received === 0) throw new Error(`${address} does not answer: this pair is not healthy`);
}

/** Hosts as other programs make them. */
export const OTHERS = { flannel, swarm, steered } as const;

/** A lab of two such hosts, which reach one another. */
export async function pairOf(kind: keyof typeof OTHERS): Promise<Lab> {
  const lab = await Lab.up(parseSource(BARE, "bare.yaml"));
  try {
    await OTHERS[kind](lab);
    return lab;
  } catch (error) {
    await lab.down();
    throw error;
  }
}
