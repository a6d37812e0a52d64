/** Builds the parts of a lab with the library's own services. */
import { type LabGuest, type LabNode, portOf } from "./lab-node.ts";
import type { PlannedGuest, PlannedHost, PlannedRoute, Topology } from "./lab-topology.ts";

/** Name of the switch's bridge, and of the router's link to the internet. */
export const SWITCH_BRIDGE = "sw";
const UPLINK = "inet0";
const GUEST_LINK = "eth0";
/** Offloads by which a sender hands over more than one segment at a time, or by which they are put together again. */
const OFFLOADS = ["tso", "gso", "gro", "tx", "sg"] as const;

async function address(node: LabNode, dev: string, addresses: readonly string[]): Promise<void> {
  for (const one of addresses) {
    // A sandbox has nobody else on the line: do not wait for duplicates.
    const nodad = one.includes(":") ? { nodad: true } : {};
    await node.host.addresses.create({ address: one, dev, ...nodad });
  }
}

async function route(node: LabNode, routes: readonly PlannedRoute[]): Promise<void> {
  for (const { dst, via } of routes) await node.host.routes.create({ dst, via });
}

/** A veth between two nodes, both ends up. The far end is switched on by itself: the kernel cannot while it makes the pair. */
async function cable(near: LabNode, name: string, far: LabNode, farName: string, mtu: number, master?: string) {
  const peer = { name: farName, netns: far.netns, mtu };
  const bridge = master === undefined ? {} : { master };
  await near.host.links.create({ kind: "veth", name, mtu, peer, up: true, ...bridge });
  await far.host.links.update(farName, { up: true });
}

/** Sets a sysctl that not every kernel has. */
async function setIfThere(node: LabNode, key: string, value: number): Promise<void> {
  try {
    await node.host.sysctls.set(key, value);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
  }
}

/** Bridged frames are none of the packet filter's business here: its fragments and counters would change the story. */
async function withoutBridgeFilter(node: LabNode): Promise<void> {
  for (const what of ["iptables", "ip6tables", "arptables"])
    await setIfThere(node, `net.bridge.bridge-nf-call-${what}`, 0);
}

/** The switch and router, and the internet behind it. */
export async function buildUnderlay(underlay: LabNode, internet: LabNode, plan: Topology, mtu: number): Promise<void> {
  await withoutBridgeFilter(underlay);
  await underlay.host.links.create({ kind: "bridge", name: SWITCH_BRIDGE, mcastSnooping: false, mtu, up: true });
  await underlay.host.sysctls.set("net.ipv4.ip_forward", 1);
  await setIfThere(underlay, "net.ipv6.conf.all.forwarding", 1);
  await cable(underlay, UPLINK, internet, GUEST_LINK, mtu);
  await address(underlay, SWITCH_BRIDGE, plan.router);
  await address(underlay, UPLINK, plan.uplink);
  await address(internet, GUEST_LINK, plan.internet.addresses);
  await route(internet, plan.internet.routes);
}

/** A host's cable to the switch, its address there, and its way out. */
export async function buildHost(node: LabNode, underlay: LabNode, plan: PlannedHost, mtu: number): Promise<void> {
  await withoutBridgeFilter(node);
  await cable(underlay, plan.port, node, plan.underlay, mtu, SWITCH_BRIDGE);
  await address(node, plan.underlay, [plan.address]);
  await node.settled([plan.underlay]);
  await underlay.settled([plan.port, SWITCH_BRIDGE]);
  await route(node, plan.routes);
}

/** A guest on the bridge of its host. Both ends of its cable have the guest's MTU: a veth drops what the other end cannot take. */
export async function buildGuest(node: LabNode, on: LabNode, plan: PlannedGuest): Promise<LabGuest> {
  const port = portOf(plan);
  await cable(on, port, node, GUEST_LINK, plan.mtu, plan.bridge);
  const { vlan: vid } = plan;
  if (vid !== undefined) await on.host.vlans.create({ dev: port, vid, pvid: true, untagged: true });
  await address(node, GUEST_LINK, plan.addresses);
  await node.settled([GUEST_LINK]);
  await on.settled([port]);
  await route(node, plan.routes);
  const addresses = plan.addresses.map((one) => one.split("/")[0] ?? one);
  return { name: plan.name, node, on: plan.host, port, bridge: plan.bridge, addresses };
}

/** Gives both ends of a guest's cable another MTU. */
export async function resizeGuest(guest: LabGuest, on: LabNode, mtu: number): Promise<void> {
  await Promise.all([on.host.links.update(guest.port, { mtu }), guest.node.host.links.update(GUEST_LINK, { mtu })]);
}

/** Switches a guest's segmentation offloads on or off. */
export async function setOffloads(guest: LabGuest, on: boolean): Promise<void> {
  await guest.node.host.ethtool.set(GUEST_LINK, Object.fromEntries(OFFLOADS.map((word) => [word, on])));
}
