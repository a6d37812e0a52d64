/** From the cable to the other end of the tunnel. */
import type { FarEnd } from "../ask.ts";
import type { Finding } from "../finding.ts";
import { inPrefix } from "../prefix.ts";
import type { Spoiled } from "../sums.ts";
import { isExternal, type Tunnel, type View } from "../view.ts";
import type { Case } from "./check.ts";

function downs({ view }: Case): Finding[] {
  const devices = new Map(view.tunnels.flatMap(({ underlay: dev }) => (dev === undefined ? [] : [[dev.name, dev]])));
  return [...devices.values()].flatMap((dev): Finding[] => {
    if (dev.up && dev.carrier) return [];
    const how = dev.up ? "has no carrier" : "is switched off";
    return [
      {
        cause: "underlay-down",
        severity: "error",
        subject: dev.name,
        text: `${dev.name} ${how}: nothing leaves this host by it, and so nothing by its VXLAN`,
        evidence: [`${dev.name}: ${dev.up ? "up" : "down"}, operstate ${dev.operstate}, carrier ${dev.carrier}`],
        fix: dev.up ? `look at the cable and at the switch's port of ${dev.name}` : `ip link set dev ${dev.name} up`,
      },
    ];
  });
}

function duplicates({ view, asked }: Case): Finding[] {
  const underlays = new Set(view.tunnels.map(({ underlay: dev }) => dev?.name));
  return asked.duplicates
    .filter(({ dev }) => underlays.has(dev))
    .map(({ address, dev, mac }): Finding => {
      return {
        cause: "duplicate-vtep-address",
        severity: "error",
        subject: address,
        text: `another machine on ${dev} has ${address} too: packets for this host reach it only now and then`,
        evidence: [`an ARP request for ${address} was answered by ${mac}`],
        fix: `give one of the two another address; find the other one by its MAC address ${mac}`,
      };
    });
}

const REFUSING: readonly unknown[] = ["unreachable", "blackhole", "prohibit", "throw"];

/** Routes of a table that lead to an address or refuse it, the longest first. */
function leading({ routes }: View, table: View["routes"][number]["table"], remote: string): View["routes"] {
  const lengthOf = (dst: string): number => (dst === "default" ? 0 : Number(dst.split("/")[1] ?? 128));
  const all = routes.filter(
    ({ dst, table: one, family }) =>
      one === table && (dst === "default" ? (family === "inet6") === remote.includes(":") : inPrefix(remote, dst)),
  );
  return [...all].sort((one, other) => lengthOf(other.dst) - lengthOf(one.dst));
}

/** How a far end gets a route: without the one that refuses it alone, or by the device that the tunnel leaves by. */
function routeTo(view: View, tunnel: Tunnel, remote: string): string {
  const [first] = leading(view, "main", remote);
  const refuses = first !== undefined && REFUSING.includes(first.type);
  if (refuses && first.dst.split("/")[0] === remote)
    return `ip route del ${first.type} ${first.dst}, or mend the remote of ${tunnel.link.name}`;
  if (first !== undefined && !refuses)
    return `look at ip rule list: a table that is asked before main refuses ${remote}; or mend the remote of ${tunnel.link.name}`;
  const dev = tunnel.underlay?.name;
  if (dev === undefined) return `add a route to ${remote}, or mend the remote of ${tunnel.link.name}`;
  return `ip route add ${remote} dev ${dev}, with via ROUTER where a router is between; or mend the remote of ${tunnel.link.name}`;
}

function unrouted({ view }: Case): Finding[] {
  return view.tunnels.flatMap((tunnel) => {
    const { link, remotes } = tunnel;
    return remotes
      .filter((remote) => view.ways[remote] === undefined)
      .map((remote): Finding => {
        return {
          cause: "no-route-to-peer",
          severity: "error",
          subject: remote,
          text: `this host has no route to ${remote}, where ${link.name} sends to`,
          evidence: [`ip route get ${remote}: Network is unreachable`],
          fix: routeTo(view, tunnel, remote),
        };
      });
  });
}

/** What a strict rp_filter says no to: packets from where this host would not send to by the same link. */
function strict({ view, moved }: Case): Finding[] {
  const keyOf = (name: string): string => `net.ipv4.conf.${name.replaceAll(".", "/")}.rp_filter`;
  const value = (name: string): number => Number(view.sysctls[keyOf(name)]);
  return view.tunnels.flatMap(({ link, remotes, learned, underlay: dev }) =>
    [...remotes, ...learned].flatMap((remote): Finding[] => {
      const way = view.ways[remote]?.dev;
      if (dev === undefined || way === undefined || way === dev.name || remote.includes(":")) return [];
      const [all, own] = [value("all"), value(dev.name)];
      if (Math.max(all, own) !== 1) return [];
      const counted = moved["TcpExt.IPReversePathFilter"];
      return [
        {
          cause: "rp-filter",
          severity: "error",
          subject: dev.name,
          text: `${dev.name} drops what ${remote} sends: rp_filter is strict, and the way back to ${remote} is by ${way}`,
          evidence: [
            `net.ipv4.conf.all.rp_filter = ${all}, ${keyOf(dev.name)} = ${own}: the larger one counts, ${Math.max(all, own)}`,
            `ip route get ${remote}: dev ${way}; ${link.name} sends by ${dev.name}`,
            ...(counted === undefined ? [] : [`IPReversePathFilter moved by ${counted} meanwhile`]),
          ],
          fix: `sysctl -w ${keyOf(dev.name)}=2, or route ${remote} by ${dev.name}`,
        },
      ];
    }),
  );
}

/** Whether it was learned of and is not sent to: nobody misses it. */
export const isFormer = ({ remotes, group }: Tunnel, { remote }: Pick<FarEnd, "remote">): boolean =>
  group === undefined && remotes.length > 0 && !remotes.includes(remote);

function silent(given: Case): Finding[] {
  return eachEnd(given).flatMap(([tunnel, end]): Finding[] => {
    const { link, underlay: dev } = tunnel;
    if (
      end.group ||
      isFormer(tunnel, end) ||
      end.answers ||
      end.macs.size > 0 ||
      end.error === "ECONNREFUSED" ||
      dev?.up !== true ||
      !dev.carrier
    )
      return [];
    const sounds = given.asked.sounds[dev.name];
    if (sounds?.heard.some(({ from }) => from === end.remote)) return [];
    const neighbor = given.view.neighbors.find(({ address }) => address === end.remote);
    const dead = neighbor?.state === "failed" || neighbor?.state === "incomplete";
    return [
      {
        cause: "peer-silent",
        severity: dead ? "error" : "warning",
        subject: end.remote,
        text: dead
          ? `${end.remote} is not there: it does not even answer ARP on ${dev.name}`
          : `${end.remote} answers neither pings nor VXLAN: it is off, or something on the way drops both`,
        evidence: [
          `no reply to an echo request, none to ${end.asked} questions inside of VXLAN`,
          ...(neighbor === undefined ? [] : [`neighbor ${end.remote} is ${neighbor.state}`]),
        ],
        fix: `look whether ${end.remote} is up and is the right address for ${link.name}`,
      },
    ];
  });
}

/** Every far end that was asked, with its tunnel. */
export function eachEnd({ view, asked }: Case): (readonly [Tunnel, FarEnd])[] {
  return view.tunnels.flatMap((tunnel) => (asked.ends[tunnel.link.name] ?? []).map((end) => [tunnel, end] as const));
}

function tooSmall(given: Case): Finding[] {
  return eachEnd(given).flatMap(([{ link, overhead, underlay: dev }, end]): Finding[] => {
    const outside = end.largest !== undefined && end.largest < end.whole ? end.largest : undefined;
    const inside = end.through !== undefined && end.through < link.mtu ? end.through + overhead : undefined;
    const fits = inside ?? outside;
    // Where the tunnel itself carried it, a ping that was lost says nothing: large pings are filtered here and there.
    if (fits === undefined || end.through === link.mtu) return [];
    const cut = link["df"] === undefined || link["df"] === "unset";
    const shrunk = dev !== undefined && dev.mtu < end.whole;
    const who = shrunk ? `${dev.name} itself, with its MTU of ${dev.mtu}` : `the way to ${end.remote}`;
    return [
      {
        cause: "underlay-mtu",
        severity: cut && end.told !== undefined ? "warning" : "error",
        subject: shrunk ? dev.name : end.remote,
        text: `${link.name} makes packets of up to ${end.whole} bytes, and ${who} carries ${fits}: larger ones ${cut ? "travel in fragments at best" : "are lost"}`,
        evidence: [
          `${link.name} has MTU ${link.mtu}, and ${overhead} bytes around it are ${end.whole}`,
          ...(end.largest === undefined
            ? []
            : [`largest echo request with DF that ${end.remote} answered: ${end.largest} bytes`]),
          ...(end.through === undefined
            ? []
            : [`largest packet that was answered through the tunnel: ${end.through} bytes`]),
          ...(end.told === undefined ? [] : [`a router told MTU ${end.told}`]),
        ],
        fix: shrunk
          ? `ip link set dev ${dev.name} mtu ${end.whole}, or ip link set dev ${link.name} mtu ${fits - overhead} and the same in the guests`
          : `ip link set dev ${link.name} mtu ${fits - overhead} on both hosts, and the same in the guests; or mend the MTU of the switch between them`,
      },
    ];
  });
}

const SUMS = ["Udp.InCsumErrors", "Udp6InCsumErrors", "Tcp.InCsumErrors", "Icmp.InCsumErrors", "Icmp6InCsumErrors"];

/** Far ends that answer only where the network card has no part in the checksum. */
export function spoiledHere(given: Case): (readonly [Tunnel, FarEnd])[] {
  return eachEnd(given).filter(([, { summed = 0 }]) => summed > 0);
}

const UDP_SUMS = ["Udp.InCsumErrors", "Udp6InCsumErrors"];

/** VXLAN for this host that is dropped here for its checksum, most of what its sender sends: then nobody could answer. */
export function spoiledThere({ view, asked, moved }: Case): readonly Spoiled[] {
  // A packet filter may have taken it before.
  if (!UDP_SUMS.some((name) => (moved[name] ?? 0) > 0)) return [];
  return view.tunnels.flatMap((tunnel) =>
    (asked.sounds[tunnel.underlay?.name ?? ""]?.spoiled ?? []).filter(
      ({ dport, vni, packets, of }) =>
        dport === tunnel.dstport && (isExternal(tunnel) || vni === tunnel.vni) && packets * 2 > of,
    ),
  );
}

/** Sums that arrive wrong: at the others where a network card here computes them, or here. */
function checksums(given: Case): Finding[] {
  const { view, moved } = given;
  const here = spoiledHere(given).map(([{ link, underlay: dev }, { remote, asked, summed }]): Finding => {
    return {
      cause: "checksum-offload",
      severity: "error",
      subject: dev?.name ?? link.name,
      text: `what ${link.name} sends to ${remote} arrives with a wrong checksum and is dropped there: ${dev?.name ?? "the network card"} is to compute it, and does it wrongly`,
      evidence: [
        `none of ${asked} questions inside of VXLAN was answered while their checksum was left to the network card`,
        `${summed} of them were answered with the checksum computed beforehand, and again not without`,
      ],
      fix: `ethtool -K ${dev?.name ?? link.name} tx off, and look for a newer driver or firmware`,
    };
  });
  const names = SUMS.filter((name) => (moved[name] ?? 0) > 0);
  const counted = names.map((name) => `${name} moved by ${moved[name]} meanwhile`);
  if (names.length === 0 || view.tunnels.length === 0) return here;
  const silent = eachEnd(given).filter(([, { macs, group }]) => group === undefined && macs.size === 0);
  const mute = spoiledThere(given).find(({ from }) => silent.some(([, { remote }]) => remote === from));
  if (mute === undefined)
    return [
      ...here,
      {
        cause: "checksum-offload",
        severity: "note",
        subject: "checksums",
        text: "packets arrive with wrong checksums, none of them known to be VXLAN for this host: a cable, or the network card of who sends them",
        evidence: counted,
        fix: "ethtool -K DEVICE tx off, on the host that sends them, for the device that they leave by",
      },
    ];
  return [
    ...here,
    {
      cause: "checksum-offload",
      severity: "error",
      subject: mute.from,
      text: `VXLAN from ${mute.from} arrives with wrong checksums and is dropped: its network card computes them wrongly, or something on the way changes what they cover`,
      evidence: [
        `${mute.packets} of ${mute.of} packets of VXLAN from ${mute.from} came with a wrong checksum, and it answered none of ours`,
        ...counted,
      ],
      fix: `on ${mute.from}: ethtool -K DEVICE tx off, for the device that has this address`,
    },
  ];
}

/** Causes below the tunnel. */
export const underlayChecks = [downs, duplicates, unrouted, strict, silent, tooSmall, checksums];
