/** Guests whose packets are too large for the tunnel. */

import type { Link } from "../../links/index.ts";
import { VLAN_ALLOWANCE } from "../../mtu/encapsulation.ts";
import type { Finding } from "../finding.ts";
import { portsOf } from "../view.ts";
import { USUAL_MTU } from "../witness.ts";
import { bridges, type Case, FEW } from "./check.ts";

/** Whether a guest may be behind a port. */
export function isGuestPort(port: Link): boolean {
  return port.kind !== "vxlan" && port.kind !== "bridge";
}

/** What guests behind taps of a bridge sent or offered to who is behind a tunnel, and that does not take. */
function overheardOf({ view, asked }: Case, bridge: string, tunnel: string) {
  // Netfilter puts bridged packets together and cuts them anew.
  const cuts = view.sysctls["net.bridge.bridge-nf-call-iptables"] === "1";
  const all = portsOf(view, bridge).flatMap(({ name: port }) => {
    const { offers = [], oversize = [] } = asked.overheard[port] ?? {};
    const here = <T extends { readonly tunnel: string }>(heard: readonly T[]): T[] =>
      heard.filter((one) => one.tunnel === tunnel);
    return [{ port, offers: here(offers), oversize: here(oversize).filter(({ whole }) => whole || !cuts) }];
  });
  return {
    offers: all.flatMap(({ port, offers }) => offers.map((one) => ({ port, ...one }))),
    oversize: all.flatMap(({ port, oversize }) => oversize.map((one) => ({ port, ...one }))),
  };
}

export function guests(given: Case): Finding[] {
  return bridges(given).flatMap(([{ link }, bridge]): Finding[] => {
    const large = portsOf(given.view, bridge.name).filter((port) => isGuestPort(port) && port.mtu > link.mtu);
    const fragments = given.moved["Ip.FragFails"];
    const { large: { size, answered } = { size: 0, answered: true } } = given.asked.bridged[link.name] ?? {};
    const lost = !answered && size > link.mtu;
    const { syns = 0, frames = 0 } = given.asked.witnessed[link.name] ?? {};
    const { offers, oversize } = overheardOf(given, bridge.name, link.name);
    const counted = syns + frames + oversize.length;
    const known = [...large, ...offers].map(({ mtu }) => mtu);
    if (known.length + counted === 0) return [];
    const most = known.length === 0 ? undefined : Math.max(...known);
    const from = link.mtu + VLAN_ALLOWANCE + 1;
    // What a tap takes from a virtual machine has nothing to do with its own MTU.
    const sure = large.some(({ kind }) => kind === "veth") || counted > 0;
    return [
      {
        cause: "guest-mtu",
        severity: sure ? "error" : "warning",
        subject: large[0]?.name ?? oversize[0]?.port ?? offers[0]?.port ?? bridge.name,
        text: `guests on ${bridge.name} ${most === undefined ? "send too much" : `may send ${most} bytes`}, and ${link.name} takes ${link.mtu}: frames of ${from} bytes and more vanish in the bridge, with no ICMP message and no counter. Small packets pass and TLS handshakes hang`,
        evidence: [
          ...large.map(({ name, mtu }) => `${name}: MTU ${mtu}`),
          `${link.name}: MTU ${link.mtu}`,
          ...(lost
            ? [`an ARP request of ${size} bytes from ${bridge.name} was not answered, and a small one was`]
            : []),
          ...(fragments === undefined ? [] : [`Ip.FragFails moved by ${fragments} meanwhile`]),
          ...(syns === 0 ? [] : [`${syns} TCP handshakes offered segments that do not fit`]),
          ...offers
            .slice(0, FEW)
            .map(
              ({ port, mac, mtu, to }) =>
                `TCP of ${mac} at ${port} offered segments for an MTU of ${mtu} to ${to}, behind ${link.name}`,
            ),
          ...oversize
            .slice(0, FEW)
            .map(
              ({ port, mac, to, packets, size }) =>
                `${packets} packets of ${size} bytes went from ${mac} at ${port} to ${to}, behind ${link.name}`,
            ),
          ...(frames === 0 ? [] : [`${frames} frames of ${from} bytes and more were about to vanish`]),
        ],
        fix: `set the MTU inside the guests to ${link.mtu} or less, ${link.mtu - 100} where they run an overlay of their own${large[0] === undefined ? "" : `; and ip link set dev ${large[0].name} mtu ${link.mtu}`}`,
      },
    ];
  });
}

/** TCP that gets through because a bundle of its segments is not measured. */
export function masked(given: Case): Finding[] {
  return bridges(given).flatMap(([{ link }, bridge]): Finding[] => {
    const { syns = 0, bundles = 0 } = given.asked.witnessed[link.name] ?? {};
    // Both: segments that do not fit were offered, and bundles of them went on their way.
    if (syns === 0 || bundles === 0) return [];
    return [
      {
        cause: "gso-masking",
        severity: "note",
        subject: bridge.name,
        text: `TCP of guests on ${bridge.name} sends bundles of segments, whose size no bridge looks at; ${link.name} then tells the guest its MTU. A single frame as large as their segments vanishes all the same: it depends on how much a program writes at once whether a connection hangs`,
        evidence: [
          `${bundles} bundles of more than ${Math.max(link.mtu, USUAL_MTU)} bytes went to ${link.name}`,
          `${syns} TCP handshakes offered segments that do not fit`,
        ],
        fix: `set the MTU inside the guests to ${link.mtu} or less; ethtool -K eth0 tso off gso off in one of them shows the fault each time`,
      },
    ];
  });
}
