/** What goes wrong with hosts and networks, on demand: each fault has the name of the cause that the doctor has to find. */

import { machineMacs } from "../doctor/machine-mac.ts";
import type { Host } from "../host.ts";
import type { Link, LinkConfig } from "../links/index.ts";
import { ZERO_MAC } from "../neighbors/zero-mac.ts";
import { arp } from "../probe/neighbor.ts";
import { isMulticast } from "../wire/multicast.ts";
import { breakCard } from "./bad-card.ts";
import type { Lab } from "./lab.ts";
import { SWITCH_BRIDGE } from "./lab-build.ts";
import type { LabGuest } from "./lab-node.ts";
import { LabError, type PlannedHost } from "./lab-topology.ts";

/** One host of a lab, with what it has. */
interface Site {
  readonly lab: Lab;
  readonly host: Host;
  readonly plan: PlannedHost;
  readonly vxlan: Link;
  readonly bridge: Link;
  /** The next host, in turn. */
  other(): Promise<Site>;
}
type Inject = (site: Site) => Promise<unknown>;

/** An address in a host's network that nobody has. */
const nobody = ({ plan }: Site): string =>
  plan.address.includes(":") ? addressOf(plan).replace(/:[^:]*$/, ":77") : addressOf(plan).replace(/\.\d+$/, ".77");
const addressOf = ({ address }: PlannedHost): string => address.split("/")[0] ?? "";
const isWide = ({ plan }: Site): boolean => plan.address.includes(":");
const TABLE = "fault";
/** The id that hosts of one image have. */
const MACHINE_ID = "5c1e3f0a9b7d4e2f8a6c0d1e2f3a4b5c";
/** The kernel's default, where nobody says dstport. */
const LINUX_PORT = 8472;

/** Makes the VXLAN again with something else about it, as these cannot be changed. */
async function remade({ host, vxlan }: Site, changes: object): Promise<void> {
  const { links, fdb } = host;
  const words = ["vni", "dev", "local", "dstport", "ttl", "learning"] as const;
  const kept = Object.fromEntries(words.flatMap((word) => (vxlan[word] === undefined ? [] : [[word, vxlan[word]]])));
  const entries = (await fdb.list({ dev: vxlan.name })).filter(({ mac, dst }) => mac === ZERO_MAC && dst !== undefined);
  const { name, mtu, master, remote } = vxlan;
  const group = typeof remote === "string" && isMulticast(remote) ? { remote } : {};
  await links.delete(name);
  const config = {
    ...kept,
    ...group,
    ...changes,
    kind: "vxlan",
    name,
    mtu,
    up: true,
    ...(master !== undefined && { master }),
  };
  await links.create(config as LinkConfig);
  if ("remote" in changes) return;
  for (const { dst } of entries.filter((one) => !isMulticast(String(one.dst))))
    await fdb.append({ mac: ZERO_MAC, dev: name, dst: String(dst) });
}

/** Takes away all that the VXLAN sends broadcasts to. */
async function silence({ host, vxlan }: Site): Promise<void> {
  for (const { mac, dst, via } of await host.fdb.list({ dev: vxlan.name }))
    if (mac === ZERO_MAC && dst !== undefined) await host.fdb.delete({ mac, dev: vxlan.name, dst, via });
}

/** Sends the VXLAN's broadcasts elsewhere. */
async function sendTo(site: Site, remote: string): Promise<void> {
  const {
    vxlan,
    host: { fdb },
  } = site;
  await silence(site);
  await fdb.append({ mac: ZERO_MAC, dev: vxlan.name, dst: remote });
}

/** Takes one of several far ends from the list of those that broadcasts go to. */
async function forget({ host: { fdb }, vxlan: { name: dev } }: Site, { plan }: Site): Promise<void> {
  const dst = addressOf(plan);
  const listed = (await fdb.list({ dev })).filter((one) => one.mac === ZERO_MAC && one.dst !== undefined);
  if (listed.length < 2 || !listed.some((one) => one.dst === dst))
    throw new LabError("this fault needs a VXLAN with a list of several far ends", "ERR_LAB_NODE");
  await fdb.delete({ mac: ZERO_MAC, dev, dst });
}

/** A table of somebody else's. */
async function foreign({ host }: Site, family: "ip" | "ip6" | "bridge", chain: object): Promise<void> {
  await host.nftables.replace({ family, name: TABLE, chains: [{ name: "fault", ...chain }] } as never);
}
const ipOf = (site: Site): "ip" | "ip6" => (isWide(site) ? "ip6" : "ip");

async function gatewayOf({ host, bridge }: Site): Promise<string | undefined> {
  const all = await host.addresses.list({ dev: bridge.name });
  return all.find(({ scope }) => scope !== "link")?.address;
}

/** The version of IP that guests have. */
const insideOf = async (site: Site): Promise<"ip" | "ip6"> =>
  (await gatewayOf(site))?.includes(":") === true ? "ip6" : "ip";

async function port(site: Site, options: object): Promise<void> {
  await site.host.links.update(site.vxlan.name, { port: options } as never);
}

/** Lets a host have a network card that computes no checksums. */
async function breakCardOf({ lab, plan, vxlan }: Site): Promise<void> {
  const { host } = lab.underlay;
  const card = { host, port: plan.port, address: addressOf(plan), dstport: Number(vxlan["dstport"]) };
  lab.hold(await breakCard(card));
}

/** Lets the switch lose what is for the group. */
async function muteGroup({ lab, vxlan, plan }: Site, match: object): Promise<void> {
  const daddr = String(vxlan["remote"]);
  if (!isMulticast(daddr)) throw new LabError("this fault needs a VXLAN with a multicast group", "ERR_LAB_NODE");
  const rules = [{ match: { ...match, daddr, family: plan.address.includes(":") ? "ip6" : "ip" }, action: "drop" }];
  await lab.underlay.host.nftables.replace({
    ...{ family: "bridge", name: TABLE },
    chains: [{ name: "fault", hook: "forward", rules }],
  } as never);
}

/** A guest of a host. */
function guestOn({ lab, plan: { name } }: Site): LabGuest {
  const guest = lab.guests.map((one) => lab.guest(one)).find(({ on }) => on === name);
  if (guest === undefined) throw new LabError(`this fault needs a guest on ${name}`, "ERR_LAB_NODE");
  return guest;
}
const macOf = async ({ node }: LabGuest): Promise<string> => String((await node.host.links.get("eth0"))?.mac);
/** An address of a guest's network that nobody has. */
const nobodyNear = ({ addresses: [address = ""] }: LabGuest): string => address.replace(/\.\d+$/, ".250");

/** Lets a guest ask for an address that nobody has, many times a second, until the lab ends. */
async function callOut({ node, addresses: [own = ""] }: LabGuest, target: string): Promise<AsyncDisposable> {
  const link = await node.host.links.get("eth0");
  const { name, index } = link ?? { name: "eth0", index: 0 };
  const mac = String(link?.mac);
  const stop = new AbortController();
  const patience = { interval: 50, timeout: 1000, signal: stop.signal };
  const calls = (async () => {
    while (!stop.signal.aborted)
      await arp(node.netns.fd, { name, index, mac }, own, target, patience).catch(() => undefined);
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await calls;
    },
  };
}

/** Lets one guest take much from another one, again and again, until the lab ends. */
async function download(from: LabGuest, to: LabGuest): Promise<AsyncDisposable> {
  const [server, client] = [await from.node.worker(), await to.node.worker()];
  const { port } = await server.serve();
  let ended = false;
  const transfers = (async () => {
    while (!ended) {
      // Who was told the MTU sends no bundles that are too large.
      for (const { node } of [from, to]) await node.host.routes.flushCache();
      await client.fetch(from.addresses[0] ?? "", port, 100_000, 1000);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      ended = true;
      await transfers;
    },
  };
}

/** The network of the guests, as a prefix. */
const networkOf = (address: string): string => {
  const [base = "", length = "24"] = address.split("/");
  return base.includes(":")
    ? `${base.replace(/:[^:]*$/, ":")}:/${length}`.replace(":::", "::")
    : `${base.replace(/\.\d+$/, ".0")}/${length}`;
};

/** Every fault, by name. */
const INJECT = {
  "underlay-down": ({ host, plan }) => host.links.update(plan.underlay, { up: false }),
  "local-missing": async ({ host, plan }) => {
    await host.addresses.create({ address: plan.address.replace(/[^.:]+(?=\/)/, "99"), dev: plan.underlay });
    await host.addresses.delete({ address: plan.address, dev: plan.underlay });
  },
  "duplicate-vtep-address": ({ lab, plan }) =>
    lab.underlay.host.addresses.create({
      address: plan.address,
      dev: SWITCH_BRIDGE,
      nodad: isIpv6(plan.address),
    } as never),
  "no-route-to-peer": async (site) => {
    const { plan } = await site.other();
    await site.host.routes.create({ dst: hostRoute(addressOf(plan)), type: "unreachable" });
  },
  "rp-filter": async (site) => {
    const { host } = site;
    const { plan } = await site.other();
    await host.links.create({ kind: "veth", name: "wrong0", peer: { name: "wrong1" }, up: true });
    await host.links.update("wrong1", { up: true });
    await host.routes.create({ dst: hostRoute(addressOf(plan)), dev: "wrong0" });
    for (const name of ["all", site.plan.underlay]) await host.sysctls.set(`net.ipv4.conf.${name}.rp_filter`, 1);
  },
  "peer-silent": async (site) => {
    const { plan } = await site.other();
    await site.lab.underlay.host.links.update(plan.port, { up: false });
  },
  "vxlan-down": ({ host, vxlan }) => host.links.update(vxlan.name, { up: false }),
  "remote-is-self": (site) => sendTo(site, addressOf(site.plan)),
  "no-flood-entry": silence,
  "one-way-remote": async (site) => forget(site, await site.other()),
  "one-way-remote-away": async (site) => forget(await site.other(), site),
  // The other host has gone over to another version of IP, on the same cable.
  "family-mismatch": async (site) => {
    const there = await site.other();
    const [near, far] = isWide(site) ? ["192.0.2.1/24", "192.0.2.2/24"] : ["fd00:6::1/64", "fd00:6::2/64"];
    for (const [one, address] of [
      [site, near],
      [there, far],
    ] as const)
      await one.host.addresses.create({ address, dev: one.plan.underlay, ...(isIpv6(address) && { nodad: true }) });
    await remade(there, { local: far.split("/")[0], remote: near.split("/")[0] });
  },
  "port-mismatch": async (site) => remade(await site.other(), { dstport: 8472 }),
  "vni-mismatch": async (site) => remade(await site.other(), { vni: Number(site.vxlan["vni"]) + 1 }),
  "wrong-remote": (site) => sendTo(site, nobody(site)),
  "stale-entry": async (site) => {
    const there = await site.other();
    const mac = await macOf(guestOn(there));
    await site.host.fdb.replace({ mac, dev: site.vxlan.name, dst: nobody(site), state: "permanent" });
  },
  "vxlan-filtered-here": (site) => foreign(site, ipOf(site), dropVxlan(site)),
  "vxlan-filtered-away": async (site) => {
    const there = await site.other();
    await foreign(there, ipOf(there), dropVxlan(there));
  },
  // What the host sends itself has a sum that its card was to compute.
  "checksum-offload": (site) => breakCardOf(site),
  "checksum-offload-away": async (site) => breakCardOf(await site.other()),
  // No switch on the way knows who wants the group.
  "multicast-silent": async (site) => muteGroup(site, {}),
  // What this host sends to the group is lost, and what others send is not.
  "multicast-one-way": async (site) => muteGroup(site, { iifname: site.plan.port }),
  // An entry by hand floods to a group without joining it.
  "group-not-joined": async (site) => {
    const { vxlan, host, plan } = site;
    await remade(site, { remote: undefined });
    await host.fdb.append({ mac: ZERO_MAC, dev: vxlan.name, dst: String(vxlan["remote"]), via: plan.underlay });
  },
  "underlay-mtu": ({ lab, plan }) => lab.underlay.host.links.update(plan.port, { mtu: 1400 }),
  "underlay-shrunk": ({ host, plan }) => host.links.update(plan.underlay, { mtu: 1400 }),
  "vxlan-not-in-bridge": ({ host, vxlan }) => host.links.update(vxlan.name, { master: null }),
  "bridge-down": ({ host, bridge }) => host.links.update(bridge.name, { up: false }),
  "port-not-forwarding": (site) => port(site, { state: "disabled" }),
  "flood-off": (site) => port(site, { flood: false, bcastFlood: false }),
  "ports-isolated": async (site) => {
    await port(site, { isolated: true });
    const all = (await site.host.links.list()).filter(({ master }) => master === site.bridge.name);
    for (const { name } of all) await site.host.links.update(name, { port: { isolated: true } } as never);
  },
  "duplicate-mac": async (site) => {
    const there = await site.other();
    await there.host.links.update(there.bridge.name, { mac: String(site.bridge["mac"]) });
  },
  // Hosts of one image: systemd makes the address of the id and the name.
  "equal-machine-ids": async ({ lab, bridge }) => {
    const [made] = machineMacs(MACHINE_ID, bridge.name);
    for (const name of lab.hosts) {
      (await lab.files(name)).write("etc/machine-id", `${MACHINE_ID}\n`);
      await lab.host(name).links.update((await siteOf(lab, name)).bridge.name, { mac: String(made?.mac) });
    }
  },
  // One image twice, and nobody gave the second another address.
  "cloned-guest": async (site) => {
    const [near, far] = [guestOn(site), guestOn(await site.other())];
    await far.node.host.links.update("eth0", { mac: await macOf(near) });
    for (const guest of [near, far]) site.lab.hold(await callOut(guest, nobodyNear(guest)));
  },
  "guest-address-twice": async (site) => {
    const [near, far] = [guestOn(site), guestOn(await site.other())];
    const { address } =
      (await near.node.host.addresses.list({ dev: "eth0" })).find(({ scope }) => scope !== "link") ?? {};
    await far.node.host.addresses.create({ address: String(address), dev: "eth0" });
  },
  "duplicate-ip": async (site) => {
    const [address, there] = [await gatewayOf(site), await site.other()];
    if (address === undefined) throw new LabError("this fault needs an address on the bridge", "ERR_LAB_NODE");
    await there.host.addresses.create({ address, dev: there.bridge.name });
  },
  "bridge-netfilter": async (site) => {
    const { bridge, plan } = site;
    const family = await insideOf(site);
    // For all bridges, or for one: either will do.
    if (family === "ip") await site.host.sysctls.set("net.bridge.bridge-nf-call-iptables", 1);
    else await site.host.links.update(bridge.name, { nfCallIp6tables: true } as never);
    await foreign(site, family, {
      ...{ hook: "forward", policy: "drop" },
      rules: [
        { match: { iifname: bridge.name, oifname: plan.underlay }, action: "accept" },
        { match: { iifname: plan.underlay, oifname: bridge.name }, action: "accept" },
      ],
    });
  },
  // As ebtables does: frames of guests, and of the host itself.
  "bridge-filtered": (site) =>
    foreign(site, "bridge", {
      hook: "postrouting",
      rules: [{ match: { oifname: site.vxlan.name }, action: "drop" }],
    }),
  "guest-mtu": async (site) => {
    await site.lab.setGuestMtu(site.vxlan.mtu + 50, guestOn(site).name);
  },
  // Bundles of segments get through where no single one would.
  "gso-masking": async (site) => {
    const [near, far] = [guestOn(site), guestOn(await site.other())];
    await site.lab.setGuestMtu(site.vxlan.mtu + 50);
    site.lab.hold(await download(near, far));
  },
  "forwarding-off": async (site) => {
    const key = (await insideOf(site)) === "ip" ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
    await site.host.sysctls.set(key, 0);
  },
  "forward-dropped": async (site) =>
    foreign(site, await insideOf(site), { hook: "forward", policy: "drop", rules: [] }),
  "masquerade-missing": async ({ host }) => {
    const table = await host.nftables.get("inet", "linkwright");
    if (table === undefined) throw new LabError("this fault needs a document with nat", "ERR_LAB_NODE");
    const { family, name, chains } = table;
    await host.nftables.replace({ family, name, chains: chains.filter(({ type }) => type !== "nat") } as never);
  },
  "masquerade-too-wide": async (site) => {
    const saddr = networkOf((await gatewayOf(site)) ?? "");
    await foreign(site, await insideOf(site), {
      ...{ hook: "postrouting", type: "nat", priority: "srcnat" },
      rules: [{ match: { saddr }, action: { masquerade: true } }],
    });
  },
  "port-8472": async (site) => {
    for (const name of site.lab.hosts) await remade(await siteOf(site.lab, name), { dstport: LINUX_PORT });
  },
  "managed-by-other": async ({ lab, plan, vxlan, bridge }) => {
    const files = await lab.files(plan.name);
    files.write("etc/systemd/network/99-all.network", "[Match]\nName=*\n\n[Network]\nDHCP=yes\n");
    const state = "ADMIN_STATE=configured\nOPER_STATE=routable\nNETWORK_FILE=/etc/systemd/network/99-all.network\n";
    for (const { index } of [vxlan, bridge]) files.write(`run/systemd/netif/links/${index}`, state);
  },
  "managed-by-networkmanager": async ({ lab, plan, vxlan, bridge }) => {
    const files = await lab.files(plan.name);
    const profile = "[connection]\nid=all\nuuid=5f6a1c9e-6e0b-4e5c-9d1a-1f2e3d4c5b6a\ntype=ethernet\n";
    files.write("etc/NetworkManager/system-connections/all.nmconnection", profile);
    const state = "[device]\nmanaged=true\nconnection-uuid=5f6a1c9e-6e0b-4e5c-9d1a-1f2e3d4c5b6a\nnm-owned=false\n";
    for (const { index } of [vxlan, bridge]) files.write(`run/NetworkManager/devices/${index}`, state);
  },
  "ipforward-ignored": async ({ lab, host, plan }) => {
    const files = await lab.files(plan.name);
    const network = `[Match]\nName=${plan.underlay}\n\n[Network]\nAddress=${plan.address}\nIPForward=yes\n`;
    files.write(`etc/systemd/network/10-${plan.underlay}.network`, network);
    await host.sysctls.set("net.ipv4.ip_forward", 0);
  },
  "not-persistent": async ({ lab, plan }) => (await lab.files(plan.name)).forget(),
} as const satisfies Readonly<Record<string, Inject>>;

const isIpv6 = (address: string): boolean => address.includes(":");
const hostRoute = (address: string): string => `${address}/${isIpv6(address) ? 128 : 32}`;
const dropVxlan = ({ vxlan }: Site): object => {
  return { hook: "input", rules: [{ match: { protocol: "udp", dport: Number(vxlan["dstport"]) }, action: "drop" }] };
};

/** Name of a fault. */
export type FaultName = keyof typeof INJECT;

/** Names of all faults. */
export const FAULTS = Object.keys(INJECT) as readonly FaultName[];

async function siteOf(lab: Lab, name: string): Promise<Site> {
  const plan = lab.topology.hosts.find((one) => one.name === name);
  const links = await lab.host(name).links.list();
  const vxlan = links.find(({ kind }) => kind === "vxlan");
  const bridge = links.find(({ name: of }) => of === vxlan?.master);
  if (plan === undefined || vxlan === undefined || bridge === undefined)
    throw new LabError(`${name} has no VXLAN in a bridge that something could go wrong with`, "ERR_LAB_NODE");
  const next = (): string => lab.hosts[(lab.hosts.indexOf(name) + 1) % lab.hosts.length] ?? name;
  return { lab, host: lab.host(name), plan, vxlan, bridge, other: () => siteOf(lab, next()) };
}

/** Lets something go wrong on a host, or on the one after it where that is how this host would meet the fault. */
export async function inject(lab: Lab, fault: FaultName, host: string): Promise<void> {
  const found: Inject | undefined = Object.hasOwn(INJECT, fault) ? INJECT[fault] : undefined;
  if (found === undefined)
    throw new LabError(`there is no fault ${fault}; there are ${FAULTS.join(", ")}`, "ERR_LAB_FAULT");
  await found(await siteOf(lab, host));
}
