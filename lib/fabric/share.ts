/** One host's share of the overlays, as links of its document. */
import type { Path } from "../state/error.ts";
import { ZERO_MAC } from "../state/words.ts";
import { type End, type Fabric, gatewayDevice, gatewaysOf, type Overlay } from "./overlay.ts";

type Value = Readonly<Record<string, unknown>>;

/** A link that an overlay brings, and where the file says what is in it. */
export interface SharedLink {
  readonly link: Value;
  origin(rest: Path): Path;
}

/** Hops of multicast where the document says nothing: further than the kernel's 1, not as far as the world. */
export const TTL = 4;

/** Hops of what an overlay floods by multicast; undefined where it floods by other means. */
export function hopsOf({ flood }: Overlay): number | undefined {
  return typeof flood === "object" ? (flood.ttl ?? TTL) : undefined;
}

/** The port options that FRR asks for: it is BGP that tells where addresses are, and hosts answer for those they know. */
export const EVPN_PORT = { learning: false, neighSuppress: true };

interface Origins {
  readonly [key: string]: Path | ((index: number) => Path);
}

function shared(link: Value, otherwise: Path, origins: Origins): SharedLink {
  return {
    link,
    origin([key = "", index, ...rest]) {
      const place = Object.hasOwn(origins, key) ? origins[String(key)] : undefined;
      if (typeof place !== "function") return place ?? otherwise;
      return typeof index === "number" ? [...place(index), ...rest] : otherwise;
    },
  };
}

/** Far ends of an overlay, in the order of the document, and whose they are. */
function peersOf(
  { ends }: Overlay,
  host: string,
): { readonly hosts: readonly string[]; readonly vteps: readonly string[] } {
  const hosts = [...ends.keys()].filter((one) => one !== host);
  return { hosts, vteps: hosts.map((one) => ends.get(one)?.vtep ?? "") };
}

/** Forwarding entries for addresses that the document places: towards the others, and none for what is here. */
function placed(
  overlay: Overlay,
  host: string,
  more: Value = {},
): { fdb: readonly Value[]; paths: (index: number) => Path } {
  const { entry, ends, name } = overlay;
  const fdb: Value[] = [];
  const places: [string, number][] = [];
  const both = entry.learning === false;
  for (const [at, macs] of Object.entries(entry.staticMacs ?? {})) {
    const here = at === host;
    const far = here ? { state: "absent" } : { dst: ends.get(at)?.vtep };
    macs.forEach((mac, i) => {
      fdb.push({ mac, ...far, ...more });
      // Nothing is learned: the bridge has to be told too, or it floods to its own ports.
      if (both) fdb.push({ mac, master: true, state: here ? "absent" : "static", ...bridgeWords(entry.vlan) });
      for (let count = both ? 2 : 1; count > 0; count--) places.push([at, i]);
    });
  }
  return { fdb, paths: (index) => ["overlays", name, "staticMacs", ...(places[index] ?? [])] };
}

const bridgeWords = (vlan: number | undefined): Value => (vlan === undefined ? {} : { vlan });

function gatewayWords({ entry }: Overlay, host: string): Value {
  const { gatewayMac, vrf } = entry;
  const addresses = gatewaysOf(entry, host);
  return {
    ...(addresses.length > 0 && { addresses }),
    ...(gatewayMac !== undefined && { mac: gatewayMac }),
    ...(vrf !== undefined && { master: vrf }),
  };
}

function gatewayOrigins({ name, entry }: Overlay, host: string): Origins {
  const top = ["overlays", name, "gateway"];
  return {
    addresses: (index) => [...top, ...(Array.isArray(entry.gateway) ? [] : [host]), index],
    mac: ["overlays", name, "gatewayMac"],
    master: ["overlays", name, "vrf"],
  };
}

/** What a VXLAN has whatever it floods by. */
function tunnel({ dstport, bridge, mtu }: Overlay, { dev, vtep }: End): Value {
  return { kind: "vxlan", dev, local: vtep, dstport, master: bridge, mtu };
}

function endOrigins({ name, entry }: Overlay, host: string): Origins {
  const place = (key: string): Path => (entry.over === undefined ? ["hosts", host, key] : ["overlays", name, "over"]);
  const own = Object.keys(entry).map((key): [string, Path] => [key, ["overlays", name, key]]);
  return { ...Object.fromEntries(own), dev: place("underlay"), local: place("vtep") };
}

/** How it floods: words of the VXLAN, and of its port. */
function flooding(overlay: Overlay, vteps: readonly string[]): Value {
  const { flood, entry } = overlay;
  if (flood === "evpn") return { learning: false, addrGenMode: "none", port: EVPN_PORT };
  const learning = entry.learning === undefined ? {} : { learning: entry.learning, port: { learning: entry.learning } };
  if (flood === "unicast") return { remotes: vteps, ...learning };
  return { remote: flood.multicast, ttl: hopsOf(overlay), ...learning };
}

function addSingle(links: Map<string, SharedLink>, overlay: Overlay, host: string, end: End): void {
  const { name, entry, bridge, vxlan, vni } = overlay;
  const top = ["overlays", name];
  const { hosts, vteps } = peersOf(overlay, host);
  const { fdb, paths } = placed(overlay, host);
  links.set(
    bridge,
    shared({ kind: "bridge", mtu: "auto", ...gatewayWords(overlay, host) }, top, gatewayOrigins(overlay, host)),
  );
  links.set(
    vxlan,
    shared(
      { ...tunnel(overlay, end), vni, ...flooding(overlay, vteps), ...(entry.staticMacs !== undefined && { fdb }) },
      top,
      {
        ...endOrigins(overlay, host),
        remotes: (index) => ["hosts", hosts[index] ?? "", "vtep"],
        remote: [...top, "flood", "multicast"],
        ttl: [...top, "flood"],
        fdb: paths,
      },
    ),
  );
}

/** Overlays with a VLAN each on one bridge, and one VXLAN that tells them apart by it. */
function addVlans(links: Map<string, SharedLink>, overlays: readonly Overlay[], host: string, end: End): void {
  const [first] = overlays;
  if (first === undefined) return;
  const { flood, bridge, vxlan, entry } = first;
  const lists = overlays.map((overlay) => vniEntries(overlay, host));
  const paths = lists.flatMap((one) => one.paths);
  const at = (index: number): Path => ["overlays", overlays[index]?.name ?? ""];
  const vlan = overlays.map((one) => one.entry.vlan);
  // Those that flood otherwise have none, and all that do by multicast the same.
  const far = overlays.find((one) => hopsOf(one) !== undefined);
  const port = {
    vlanTunnel: true,
    ...(flood === "evpn" ? EVPN_PORT : entry.learning === false && { learning: false }),
  };
  links.set(
    bridge,
    shared({ kind: "bridge", mtu: "auto", vlanFiltering: true, vlanDefaultPvid: 0, vlans: vlan }, at(0), {
      vlans: (i) => [...at(i), "vlan"],
    }),
  );
  links.set(
    vxlan,
    shared(
      {
        ...tunnel(first, end),
        external: true,
        vnifilter: true,
        learning: flood !== "evpn" && entry.learning !== false,
        ...(flood === "evpn" && { addrGenMode: "none" }),
        port,
        vlans: overlays.map(({ vni }, i) => ({ vid: vlan[i], tunnelId: vni })),
        vnis: overlays.map(({ vni, flood: how }) => (typeof how === "object" ? { vni, group: how.multicast } : vni)),
        ...(far !== undefined && { ttl: hopsOf(far) }),
        // The entries of `fdb` are the whole list; with BGP it is FRR's.
        ...(flood !== "evpn" && { remotes: [] }),
        ...(paths.length > 0 && { fdb: lists.flatMap(({ fdb }) => fdb) }),
      },
      at(0),
      {
        ...endOrigins(first, host),
        vlans: (i) => [...at(i), "vlan"],
        vnis: (i) => [...at(i), "vni"],
        ...(far !== undefined && { ttl: ["overlays", far.name, "flood"] }),
        fdb: (i) => paths[i] ?? at(0),
      },
    ),
  );
  for (const overlay of overlays) addVlanGateway(links, overlay, host);
}

/** Far ends of one VNI of a VXLAN that has several. */
function vniEntries(overlay: Overlay, host: string): { fdb: readonly Value[]; paths: readonly Path[] } {
  const { flood, vni: srcVni } = overlay;
  const { hosts, vteps } = flood === "unicast" ? peersOf(overlay, host) : { hosts: [], vteps: [] };
  const known = placed(overlay, host, { srcVni });
  return {
    fdb: [...vteps.map((dst) => ({ mac: ZERO_MAC, dst, srcVni })), ...known.fdb],
    paths: [...hosts.map((one) => ["hosts", one, "vtep"]), ...known.fdb.map((_, i) => known.paths(i))],
  };
}

function addVlanGateway(links: Map<string, SharedLink>, overlay: Overlay, host: string): void {
  const { bridge, name, entry } = overlay;
  const words = gatewayWords(overlay, host);
  if (Object.keys(words).length === 0) return;
  const link = { kind: "vlan", dev: bridge, id: entry.vlan, mtu: "auto", ...words };
  const dev = gatewayDevice({ bridge, vlan: entry.vlan });
  links.set(
    dev,
    shared(link, ["overlays", name], { id: ["overlays", name, "vlan"], ...gatewayOrigins(overlay, host) }),
  );
}

/** What packets between overlays are routed by: a VRF with a bridge and a VXLAN of its own, as FRR wants it. */
function addVrf(links: Map<string, SharedLink>, { evpn }: Fabric, name: string, overlay: Overlay, end: End): void {
  const vrf = evpn?.vrfs?.[name];
  if (vrf === undefined) return;
  const top = ["evpn", "vrfs", name];
  const [bridge, vxlan] = [`br-${name}`, `vx-${name}`];
  links.set(name, shared({ kind: "vrf", table: vrf.table }, top, { table: [...top, "table"] }));
  links.set(bridge, shared({ kind: "bridge", master: name, mtu: "auto", addrGenMode: "none" }, top, {}));
  const words = { ...tunnel(overlay, end), ...flooding(overlay, []), vni: vrf.vni, master: bridge };
  links.set(vxlan, shared(words, top, { vni: [...top, "vni"] }));
}

/** The links that the overlays bring to a host, by name. */
export function shareOf(fabric: Fabric, host: string): ReadonlyMap<string, SharedLink> {
  const links = new Map<string, SharedLink>();
  const groups = new Map<string, Overlay[]>();
  for (const overlay of fabric.overlays) {
    const end = overlay.ends.get(host);
    if (end === undefined) continue;
    const { vlan, vrf } = overlay.entry;
    if (vrf !== undefined && !links.has(vrf)) addVrf(links, fabric, vrf, overlay, end);
    if (vlan === undefined) addSingle(links, overlay, host, end);
    else groups.set(overlay.vxlan, [...(groups.get(overlay.vxlan) ?? []), overlay]);
  }
  for (const overlays of groups.values()) {
    const end = overlays[0]?.ends.get(host);
    if (end !== undefined) addVlans(links, overlays, host, end);
  }
  return links;
}

/** The addresses that the overlays bring to a host. */
export function shareAddresses(
  { overlays }: Fabric,
  host: string,
): readonly { readonly dev: string; readonly address: string }[] {
  return overlays
    .filter(({ ends }) => ends.has(host))
    .flatMap(({ bridge, entry }) =>
      gatewaysOf(entry, host).map((address) => ({ dev: gatewayDevice({ bridge, vlan: entry.vlan }), address })),
    );
}
