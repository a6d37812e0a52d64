/** What belongs into the frr.conf of a host. */
import type { Fabric } from "../overlay.ts";

/** Another speaker of BGP, as one host sees it. */
export interface Neighbor {
  readonly address: string;
  /** Whether this host reflects to it what it hears from others. */
  readonly client: boolean;
}
/** What BGP has to be on a host. */
export interface Speaker {
  readonly asn: number;
  readonly routerId: string;
  /** Address that it speaks from. */
  readonly source: string;
  readonly neighbors: readonly Neighbor[];
  /** VRFs that have a member overlay on this host, with the VNI of routed packets. */
  readonly vrfs: readonly { readonly name: string; readonly vni: number }[];
}

/** Hosts that speak BGP: those with an overlay of it, and reflectors. */
function speakers({ hosts, overlays, evpn }: Fabric): readonly string[] {
  const own = overlays.filter(({ flood }) => flood === "evpn");
  // What stands under `links` is on all hosts.
  if (own.length === 0) return Object.keys(hosts);
  const found = new Set([...own.flatMap(({ ends }) => [...ends.keys()]), ...(evpn?.reflectors ?? [])]);
  return Object.keys(hosts).filter((host) => found.has(host));
}

/** What BGP has to be on a host; undefined where it has nothing to do there. */
export function speakerOf(fabric: Fabric, host: string): Speaker | undefined {
  const { evpn, hosts, overlays } = fabric;
  const { vtep: source, routerId = source } = hosts[host] ?? {};
  const all = speakers(fabric);
  if (evpn === undefined || source === undefined || routerId === undefined || !all.includes(host)) return undefined;
  const reflectors = evpn.reflectors ?? [];
  const reflects = reflectors.includes(host);
  const wanted =
    reflectors.length === 0 || reflects ? [...all, ...reflectors.filter((one) => !all.includes(one))] : reflectors;
  const neighbors = wanted
    .filter((one) => one !== host)
    .map((one) => ({ address: hosts[one]?.vtep ?? one, client: reflects && !reflectors.includes(one) }));
  const names = new Set(overlays.filter(({ ends }) => ends.has(host)).flatMap(({ entry }) => entry.vrf ?? []));
  const vrfs = [...names].flatMap((name) => {
    const vrf = evpn.vrfs?.[name];
    return vrf === undefined ? [] : [{ name, vni: vrf.vni }];
  });
  return { asn: evpn.asn, routerId, source, neighbors, vrfs };
}

/** Peer groups: what neighbors have in common. */
const GROUPS = { fabric: false, clients: true } as const;

function groupLines({ neighbors, source }: Speaker): string[] {
  const used = Object.entries(GROUPS).filter(([, client]) => neighbors.some((one) => one.client === client));
  return used.flatMap(([group, client]) => [
    ` neighbor ${group} peer-group`,
    ` neighbor ${group} remote-as internal`,
    ` neighbor ${group} update-source ${source}`,
    // As the datacenter profile of FRR: a host that died is given up after 9 seconds.
    ` neighbor ${group} timers 3 9`,
    ` neighbor ${group} timers connect 5`,
    ...neighbors
      .filter((one) => one.client === client)
      .map(({ address }) => ` neighbor ${address} peer-group ${group}`),
  ]);
}

function familyLines({ neighbors }: Speaker): string[] {
  return [
    " address-family l2vpn evpn",
    ...Object.entries(GROUPS).flatMap(([group, client]) =>
      neighbors.some((one) => one.client === client)
        ? [`  neighbor ${group} activate`, ...(client ? [`  neighbor ${group} route-reflector-client`] : [])]
        : [],
    ),
    "  advertise-all-vni",
    " exit-address-family",
  ];
}

function vrfLines({ asn, routerId }: Speaker, name: string): string[] {
  const families = ["ipv4", "ipv6"];
  return [
    `router bgp ${asn} vrf ${name}`,
    ` bgp router-id ${routerId}`,
    ...families.flatMap((family) => [
      ` address-family ${family} unicast`,
      "  redistribute connected",
      " exit-address-family",
    ]),
    " address-family l2vpn evpn",
    ...families.map((family) => `  advertise ${family} unicast`),
    " exit-address-family",
    "exit",
    "!",
  ];
}

/** From which FRR on VTEPs may have IPv6. */
export const WIDE_VTEPS = { major: 10, minor: 6 } as const;

/** The part of a host's frr.conf that the fabric decides; undefined where the host has nothing to do with BGP. */
export function renderFrr(fabric: Fabric, host: string): string | undefined {
  const speaker = speakerOf(fabric, host);
  if (speaker === undefined) return undefined;
  const { asn, routerId, vrfs, source } = speaker;
  return [
    ...(source.includes(":") ? [`! VTEPs of IPv6 take FRR ${WIDE_VTEPS.major}.${WIDE_VTEPS.minor} or later.`] : []),
    ...vrfs.flatMap(({ name, vni }) => [`vrf ${name}`, ` vni ${vni}`, "exit-vrf", "!"]),
    `router bgp ${asn}`,
    ` bgp router-id ${routerId}`,
    " no bgp default ipv4-unicast",
    ...groupLines(speaker),
    " !",
    ...familyLines(speaker),
    "exit",
    "!",
    ...vrfs.flatMap(({ name }) => vrfLines(speaker, name)),
    "",
  ].join("\n");
}
