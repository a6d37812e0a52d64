/** What contradicts itself between overlays, and between the hosts of one. */
import { address, linkName } from "../shape/shape.ts";
import { canonicalIp } from "../state/words.ts";
import { isMulticast } from "../wire/multicast.ts";
import { bare, type Fabric, few, NO_ASN, type Overlay, type Say, unknownHost } from "./overlay.ts";
import { hopsOf } from "./share.ts";

const wide = (ip: string): boolean => ip.includes(":");

/** Whether any host is in both. */
function meet(one: Overlay, other: Overlay): boolean {
  if (one.ends === other.ends) return one.ends.size > 0;
  return [...one.ends.keys()].some((host) => other.ends.has(host));
}

/** Overlays by a key that they must not share where a host is in both. */
function checkUnique(
  { overlays, source }: Fabric,
  keyOf: (overlay: Overlay) => string | undefined,
  tell: (overlay: Overlay, before: Overlay, line: number) => void,
): void {
  const seen = new Map<string, Overlay[]>();
  for (const overlay of overlays) {
    const key = keyOf(overlay);
    if (key === undefined) continue;
    const others = seen.get(key) ?? [];
    const before = others.find((other) => meet(overlay, other));
    if (before !== undefined) tell(overlay, before, source.locateKey(["overlays", before.name]).line);
    seen.set(key, [...others, overlay]);
  }
}

function checkVnis(fabric: Fabric, say: Say): void {
  checkUnique(
    fabric,
    ({ vni, dstport }) => `${vni} ${dstport}`,
    ({ name, vni, dstport }, before, line) =>
      say(
        ["overlays", name, "vni"],
        `overlay ${before.name} at line ${line} has VNI ${vni} on UDP port ${dstport} already; give one of them another vni or dstport`,
      ),
  );
  checkL3Vnis(fabric, say);
}

const noName = (what: string, device: string): string =>
  `its ${what} would be called ${device}, and links have names of at most 15 letters, digits, - and _; choose another name`;

function checkL3Vnis({ evpn, overlays }: Fabric, say: Say): void {
  const seen = new Map<number, string>(overlays.map(({ name, vni }) => [vni, `overlay ${name}`]));
  const tables = new Map<number, string>();
  for (const [name, { vni, table }] of Object.entries(evpn?.vrfs ?? {})) {
    const path = ["evpn", "vrfs", name];
    if (!linkName.accepts(name) || !linkName.accepts(`br-${name}`)) say(path, noName("bridge", `br-${name}`), "key");
    if (seen.has(vni))
      say([...path, "vni"], `${seen.get(vni)} has VNI ${vni} already; routed packets need one of their own`);
    if (tables.has(table))
      say([...path, "table"], `VRF ${tables.get(table)} has table ${table} already; each has its own`);
    seen.set(vni, `VRF ${name}`);
    tables.set(table, name);
  }
}

/** One bridge and one VXLAN for one overlay, or for several of which each has its VLAN there. */
function checkDevices(fabric: Fabric, say: Say): void {
  const shared = ({ entry }: Overlay): boolean => entry.vlan !== undefined;
  for (const what of ["bridge", "vxlan"] as const)
    checkUnique(
      fabric,
      (overlay) => overlay[what],
      (overlay, before, line) => {
        if (!shared(overlay) || !shared(before))
          say(
            ["overlays", overlay.name],
            `overlay ${before.name} at line ${line} has ${what} ${overlay[what]} already; give each a vlan to share it, or another ${what}`,
            "key",
          );
        else checkShared(overlay, before, line, say);
      },
    );
  checkUnique(
    fabric,
    ({ bridge, entry: { vlan } }) => (vlan === undefined ? undefined : `${bridge} ${vlan}`),
    ({ name, bridge, entry: { vlan } }, before, line) =>
      say(
        ["overlays", name, "vlan"],
        `overlay ${before.name} at line ${line} is VLAN ${vlan} of ${bridge} already; give one of them another`,
      ),
  );
  for (const { name, bridge, vxlan } of fabric.overlays)
    for (const [what, device] of Object.entries({ bridge, vxlan })) {
      if (!linkName.accepts(device)) say(["overlays", name], noName(what, device), "key");
    }
}

/** A device has one port, one place below it. */
function checkShared(overlay: Overlay, before: Overlay, line: number, say: Say): void {
  for (const key of ["dstport", "vxlan", "bridge", "mtu"] as const)
    if (overlay[key] !== before[key])
      say(
        ["overlays", overlay.name, key],
        `overlay ${before.name} at line ${line} shares its VXLAN and has ${key} ${before[key]}; they have it in common`,
        "key",
      );
  for (const key of ["over", "learning"] as const)
    if (overlay.entry[key] !== before.entry[key])
      say(
        ["overlays", overlay.name, key],
        `overlay ${before.name} at line ${line} shares its VXLAN; they have ${key} in common`,
        "key",
      );
  if ((overlay.flood === "evpn") !== (before.flood === "evpn"))
    say(
      ["overlays", overlay.name, "flood"],
      `overlay ${before.name} at line ${line} shares its VXLAN; both or none are evpn`,
      "key",
    );
}

/** A device has one `ttl`, and of those that share it not all flood by multicast. */
function checkHops({ overlays, source }: Fabric, say: Say): void {
  const far = overlays.filter((one) => one.entry.vlan !== undefined && hopsOf(one) !== undefined);
  far.forEach((overlay, i) => {
    const other = far
      .slice(0, i)
      .find((one) => one.vxlan === overlay.vxlan && hopsOf(one) !== hopsOf(overlay) && meet(one, overlay));
    if (other === undefined) return;
    const { line } = source.locateKey(["overlays", other.name]);
    say(
      ["overlays", overlay.name, "flood"],
      `overlay ${other.name} at line ${line} shares its VXLAN and has ttl ${hopsOf(other)}, this one ${hopsOf(overlay)}; write the same ttl, or give each a bridge of its own`,
      "key",
    );
  });
}

function checkFlood({ evpn }: Fabric, { name, flood, ends }: Overlay, say: Say): void {
  const path = ["overlays", name, "flood"];
  if (flood === "evpn" && evpn === undefined) say(path, NO_ASN);
  if (typeof flood !== "object") return;
  const { multicast } = flood;
  const [first] = ends.values();
  if (!isMulticast(multicast))
    say([...path, "multicast"], `${multicast} is no multicast group; those are 239.0.0.0/8, and ff05::/16`);
  else if (/^224\.0\.0\.|^ff02:/i.test(multicast))
    say(
      [...path, "multicast"],
      `${multicast} is kept for protocols of the link itself; take one of 239.0.0.0/8, or ff05::/16`,
    );
  else if (first !== undefined && wide(first.vtep) !== wide(multicast))
    say([...path, "multicast"], `${multicast} and the vtep ${first.vtep} are of different families; use one`);
}

/** Outer packets of an overlay are of one family. */
function checkFamilies({ name, ends }: Overlay, say: Say): void {
  const [first] = ends;
  for (const [host, { vtep }] of ends)
    if (first !== undefined && wide(vtep) !== wide(first[1].vtep))
      say(
        ["overlays", name],
        `the vtep ${vtep} of ${host} and ${first[1].vtep} of ${first[0]} are of different families; an overlay has one`,
        "key",
      );
}

function checkGateways({ source, hosts }: Fabric, overlay: Overlay, say: Say): void {
  const { name, entry, ends, flood } = overlay;
  const { gateway, gatewayMac } = entry;
  const path = ["overlays", name, "gateway"];
  if (gatewayMac !== undefined && !Array.isArray(gateway))
    say(
      ["overlays", name, "gatewayMac"],
      "is for a gateway that is the same on all hosts; write gateway as a list",
      "key",
    );
  if (Array.isArray(gateway)) {
    if (ends.size > 1 && (flood !== "evpn" || gatewayMac === undefined))
      say(
        path,
        `the same addresses would be on ${ends.size} hosts; write gateway: { HOST: [ADDRESS] }, or flood: evpn and gatewayMac`,
      );
    return;
  }
  const seen = new Map<string, string>();
  for (const [host, addresses] of Object.entries((gateway ?? {}) as Readonly<Record<string, readonly string[]>>)) {
    if (!ends.has(host)) say([...path, host], notMember(overlay, host, hosts), "key");
    addresses.forEach((address, i) => {
      const ip = canonicalIp(bare(address));
      const before = seen.get(ip);
      const place = (): string => `line ${source.locateKey([...path, before ?? ""]).line}`;
      if (before !== undefined)
        say([...path, host, i], `${ip} is an address of ${before} at ${place()} already; each host has its own`);
      else seen.set(ip, host);
    });
  }
}

function notMember({ name, ends }: Overlay, host: string, hosts: Fabric["hosts"]): string {
  if (!Object.hasOwn(hosts, host)) return unknownHost(host, Object.keys(hosts));
  return `${host} is not in overlay ${name}, whose members are ${few([...ends.keys()])}`;
}

function checkMacs({ source, hosts }: Fabric, overlay: Overlay, say: Say): void {
  const { name, entry, ends, flood } = overlay;
  const seen = new Map<string, string>();
  const top = ["overlays", name, "staticMacs"];
  if (flood === "evpn" && entry.staticMacs !== undefined)
    say(top, "with flood: evpn it is FRR that tells where MACs are; leave them out", "key");
  for (const [host, macs] of Object.entries(entry.staticMacs ?? {})) {
    if (!ends.has(host)) say([...top, host], notMember(overlay, host, hosts), "key");
    macs.forEach((mac, i) => {
      const key = mac.toLowerCase();
      const before = seen.get(key);
      if (Number.parseInt(mac.slice(0, 2), 16) % 2 === 1 || key === "00:00:00:00:00:00")
        say([...top, host, i], `${mac} is not the address of one machine`);
      else if (before === undefined) seen.set(key, host);
      else if (before === host) say([...top, host, i], `${mac} stands in this list already; keep one`);
      else
        say(
          [...top, host, i],
          `${mac} is on ${before} at line ${source.locateKey([...top, before]).line} already; keep one`,
        );
    });
  }
}

function checkEvpn({ evpn, overlays, hosts, source }: Fabric, say: Say): void {
  const known = Object.keys(hosts);
  evpn?.reflectors?.forEach((one, i) => {
    if (!known.includes(one) && !address.accepts(one))
      say(["evpn", "reflectors", i], `${unknownHost(one, known)}, or the address of another machine`);
  });
  for (const { name, flood, entry } of overlays) {
    const { vrf } = entry;
    if (vrf === undefined) continue;
    if (flood !== "evpn") say(["overlays", name, "vrf"], "routing between overlays by VRF needs flood: evpn");
    else if (!Object.hasOwn(evpn?.vrfs ?? {}, vrf))
      say(["overlays", name, "vrf"], `there is no ${vrf} in evpn.vrfs; write its vni and table there`);
  }
  const ids = new Map<string, string>();
  for (const [host, { vtep, routerId = vtep }] of Object.entries(evpn === undefined ? {} : hosts)) {
    if (routerId === undefined) continue;
    const before = ids.get(routerId);
    if (wide(routerId)) say(["hosts", host], `BGP knows hosts by an IPv4 address; write hosts.${host}.routerId`, "key");
    else if (before !== undefined)
      say(
        ["hosts", host, "routerId"],
        `${routerId} is that of ${before} at line ${source.locateKey(["hosts", before]).line} already; each host has its own`,
      );
    ids.set(routerId, host);
  }
}

/** Says all that contradicts. */
export function checkOverlays(fabric: Fabric, say: Say): void {
  checkVnis(fabric, say);
  checkDevices(fabric, say);
  checkHops(fabric, say);
  checkEvpn(fabric, say);
  for (const overlay of fabric.overlays) {
    checkFlood(fabric, overlay, say);
    checkFamilies(overlay, say);
    checkGateways(fabric, overlay, say);
    checkMacs(fabric, overlay, say);
  }
}
