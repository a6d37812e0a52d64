/** From the VXLAN to the guests' cables. */

import type { Link } from "../../links/index.ts";
import { VLAN_ALLOWANCE } from "../../mtu/encapsulation.ts";
import { stableMac } from "../../state/new-mac.ts";
import type { Finding } from "../finding.ts";
import { machineMacs } from "../machine-mac.ts";
import { judge, type Verdict } from "../verdict.ts";
import { addressesOf, bridgeOf, isExternal, isManaged, portsOf, type Tunnel, type View } from "../view.ts";
import { USUAL_MTU } from "../witness.ts";
import { acceptance, type Call, callOf, type IpFamily } from "./acceptance.ts";
import type { Case } from "./check.ts";

/** Packets from which on it means something that all of them were lost; and how many of several alike are told of. */
const FEW = 3;

const bridges = ({ view }: Case): [Tunnel, Link][] =>
  view.tunnels.flatMap((tunnel) => {
    const bridge = bridgeOf(view, tunnel.link);
    return bridge === undefined ? [] : [[tunnel, bridge]];
  });

function unbridged({ view }: Case): Finding[] {
  return view.tunnels.flatMap((tunnel): Finding[] => {
    const { link } = tunnel;
    const routed =
      addressesOf(view, link.name).length > 0 ||
      view.routes.some(({ dev, protocol }) => dev === link.name && protocol !== "kernel");
    // Without VNI it may be steered by programs of tc, as Cilium's is.
    if (link.master !== undefined || routed || isExternal(tunnel)) return [];
    const likely = view.links.filter(({ kind, name }) => kind === "bridge" && portsOf(view, name).length > 0);
    return [
      {
        cause: "vxlan-not-in-bridge",
        severity: "error",
        subject: link.name,
        text: `${link.name} belongs to no bridge and has no address: frames that arrive by it go nowhere`,
        evidence: [
          `${link.name}: no master, no address`,
          `bridges here: ${likely.map(({ name }) => name).join(", ") || "none with ports"}`,
        ],
        fix:
          likely[0] === undefined
            ? `ip link add br-${link.name} type bridge; ip link set dev br-${link.name} up; ip link set dev ${link.name} master br-${link.name}`
            : `ip link set dev ${link.name} master ${likely[0].name}`,
      },
    ];
  });
}

function downs(given: Case): Finding[] {
  return bridges(given)
    .filter(([, bridge]) => !bridge.up)
    .map(([{ link }, bridge]): Finding => {
      return {
        cause: "bridge-down",
        severity: "error",
        subject: bridge.name,
        text: `${bridge.name} is switched off: it passes nothing from ${link.name} to the guests`,
        evidence: [`${bridge.name}: down`],
        fix: `ip link set dev ${bridge.name} up`,
      };
    });
}

const portWord = (link: Link, key: string): unknown => (link.port as Record<string, unknown> | undefined)?.[key];

function ports(given: Case): Finding[] {
  return bridges(given).flatMap(([tunnel, bridge]) => {
    const all = portsOf(given.view, bridge.name);
    const blocked = all.filter((port) => {
      const state = portWord(port, "state");
      // A port whose cable is not in is switched off by the bridge itself.
      return port.up && port.carrier && bridge.up && state !== undefined && state !== "forwarding";
    });
    const isolated = all.filter((port) => portWord(port, "isolated") === true);
    const deaf = portWord(tunnel.link, "flood") === false || portWord(tunnel.link, "bcastFlood") === false;
    const findings = blocked.map((port): Finding => {
      const state = String(portWord(port, "state"));
      const stp = bridge["stp"] === true || state !== "disabled";
      return {
        cause: "port-not-forwarding",
        severity: "error",
        subject: port.name,
        text: `${port.name} is ${state} in ${bridge.name}: ${stp ? "spanning tree holds it back" : "somebody switched it off"}, and nothing passes by it`,
        evidence: [
          `bridge link show dev ${port.name}: state ${state}`,
          `${bridge.name}: stp ${bridge["stp"] === true ? "on" : "off"}`,
        ],
        fix:
          stp && bridge["stp"] === true
            ? `ip link set dev ${bridge.name} type bridge stp_state 0, where no loop is possible`
            : `bridge link set dev ${port.name} state 3`,
      };
    });
    if (deaf)
      findings.push({
        cause: "flood-off",
        severity: "error",
        subject: tunnel.link.name,
        text: `${bridge.name} does not flood to ${tunnel.link.name}: ${portWord(tunnel.link, "bcastFlood") === false ? "broadcasts such as ARP" : "frames for addresses it has not learned"} never leave this host`,
        evidence: [
          `bridge -d link show dev ${tunnel.link.name}: flood ${portWord(tunnel.link, "flood")}, bcast_flood ${portWord(tunnel.link, "bcastFlood")}`,
        ],
        fix: `bridge link set dev ${tunnel.link.name} flood on bcast_flood on`,
      });
    if (isolated.length > 1 && isolated.includes(all.find(({ name }) => name === tunnel.link.name) as Link))
      findings.push({
        cause: "ports-isolated",
        severity: "error",
        subject: tunnel.link.name,
        text: `${isolated.map(({ name }) => name).join(" and ")} are isolated ports of ${bridge.name}: a bridge passes nothing from one of these to another`,
        evidence: isolated.map(({ name }) => `bridge -d link show dev ${name}: isolated on`),
        fix: `bridge link set dev ${tunnel.link.name} isolated off`,
      });
    return findings;
  });
}

const NEW_ID = "; and on one of the hosts: rm -f /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup";

/** Where a bridge's MAC address comes from: whether systemd made it of the machine's id, as far as that is known. */
function originOf({ view }: Case, { name, mac }: Link): Pick<Finding, "text" | "evidence" | "fix"> {
  // The id itself is nobody else's business: what is made of it is shown.
  const id = view.lasting?.machineId ?? "";
  // A bridge that nobody gave an address has that of a port.
  const port = portsOf(view, name).find((one) => one["mac"] === mac)?.name;
  const made = [name, ...(port === undefined ? [] : [port])].flatMap((link) =>
    machineMacs(id, link).map((one) => ({ ...one, link })),
  );
  const own = made.find((one) => one.mac === mac);
  if (own !== undefined)
    return {
      text: `${own.by} made it of this host's /etc/machine-id: the other host has the same id, as hosts of one image do`,
      evidence: [`${own.by} makes ${own.mac} of this host's /etc/machine-id for a link called ${own.link}`],
      fix: NEW_ID,
    };
  const text =
    port === undefined
      ? "Where it comes from is not known: hosts of one image may have the same /etc/machine-id, of which systemd makes such addresses, or somebody gave it to both"
      : `It is that of its port ${port}`;
  const others = made.map((one) => `${one.mac} for ${one.link}`).join(", ");
  const evidence = made.length === 0 ? [] : [`of this host's /etc/machine-id systemd would make ${others}`];
  return { text, evidence, fix: "" };
}

function twins(given: Case): Finding[] {
  return bridges(given).flatMap(([tunnel, bridge]): Finding[] => {
    // Gateways of EVPN have one MAC address on all hosts, on purpose.
    if (isManaged(given.view, tunnel)) return [];
    const { link, vni, underlay: dev } = tunnel;
    const seen = given.asked.sounds[dev?.name ?? ""]?.seen ?? [];
    const same = seen.find((one) => one.vni === vni && one.mac === bridge["mac"]);
    if (same === undefined) return [];
    const origin = originOf(given, bridge);
    return [
      {
        cause: "duplicate-mac",
        severity: "error",
        subject: bridge.name,
        text: `${bridge.name} has the same MAC address as the bridge at ${same.from}: neither can be reached from the other. ${origin.text}`,
        evidence: [
          `${same.packets} frame${same.packets === 1 ? "" : "s"} from ${same.mac} came through ${link.name} from ${same.from}`,
          `${bridge.name}: ${String(bridge["mac"])}`,
          ...origin.evidence,
        ],
        fix: `ip link set dev ${bridge.name} address ${another(bridge.name, String(dev?.mac))}${origin.fix}`,
      },
    ];
  });
}

/** An address of a link as its owner wrote it, with the length of its prefix. */
function withLength({ addresses }: View, on: string, address: string): string {
  return addresses.find(({ dev, address: full }) => dev === on && full.startsWith(`${address}/`))?.address ?? address;
}

function duplicates(given: Case): Finding[] {
  const names = new Set(bridges(given).map(([, bridge]) => bridge.name));
  return given.asked.duplicates
    .filter(({ dev }) => names.has(dev))
    .map(({ address, dev, mac }): Finding => {
      return {
        cause: "duplicate-ip",
        severity: "error",
        subject: address,
        text: `${address} is on ${dev} here, and ${mac} has it too: guests that use it as their gateway reach the one or the other`,
        evidence: [`an ARP request for ${address} on ${dev} was answered by ${mac}`],
        fix: `ip address del ${withLength(given.view, dev, address)} dev ${dev}, on one of the two hosts`,
      };
    });
}

/** Two guests that have one Ethernet address: both here, or one of them behind a tunnel. */
function clones({ asked }: Case): Finding[] {
  return asked.clones.map(({ mac, tunnel, port, from, near, far }): Finding => {
    const frames = (count: number): string => `${count} frame${count === 1 ? "" : "s"} from ${mac} came`;
    const place = tunnel === undefined ? from : `behind ${from}`;
    return {
      cause: "duplicate-mac",
      // One guest may have both ports, and its cards one address.
      severity: tunnel === undefined ? "warning" : "error",
      subject: mac,
      text: `${mac} sends from ${port} here and from ${place} at the same time: two guests have one MAC address, as clones of an image do, and the bridges send each what is for the other`,
      evidence: [
        `${frames(near)} in by ${port}`,
        `${frames(far)} ${tunnel === undefined ? `in by ${from}` : `through ${tunnel} from ${from}`} meanwhile, and others than those`,
      ],
      fix: `ip link set dev eth0 address ${another(mac, port)}, inside the guest at ${port} or in its definition`,
    };
  });
}

/** An address of its own for a machine, locally administered. */
function another(mac: string, salt: string): string {
  return stableMac(mac, salt, "");
}

/** Machines whose addresses one answers for, from which on it answers in their place on purpose. */
const PROXIED = 3;

/** Addresses that more than one machine answers for. */
function contested({ asked }: Case): Finding[] {
  const others = (mac: string): Set<string> => {
    const contested = asked.claimed.filter(({ by }) => by.some((one) => one.mac === mac));
    return new Set(contested.flatMap(({ by }) => by.map((one) => one.mac)).filter((one) => one !== mac));
  };
  return asked.claimed.flatMap(({ address, dev, by: all }): Finding[] => {
    const by = all.filter(({ mac }) => others(mac).size < PROXIED);
    if (by.length < 2) return [];
    // One machine with several cards on a network may answer by all of them: not so from several hosts.
    const hosts = new Set(by.map(({ port, from }) => (port === undefined ? from : "")));
    const sure = hosts.size > 1 && !hosts.has(undefined);
    const told = by.map(({ mac, port = "", from = "" }) => [mac, port || from] as const);
    const who = told.map(([mac, at]) => (at === "" ? mac : `${mac} (${at})`)).join(" and ");
    const [[, place = ""] = []] = told.filter(([, at]) => at !== "");
    return [
      {
        cause: "duplicate-ip",
        severity: sure ? "error" : "warning",
        subject: address,
        text: `${address} is used ${by.length} times on ${dev}, by ${who}: who talks to it reaches the one or the other${sure ? "" : ". It may be one machine with several cards, which then answers by all of them"}`,
        evidence: told.map(
          ([mac, at]) =>
            `an ARP request for ${address} on ${dev} was answered by ${mac}${at === "" ? "" : `, which is at ${at}`}`,
        ),
        fix: sure
          ? `ip address del ${address} dev eth0, inside the guest at ${place}, which needs an address of its own`
          : "sysctl -w net.ipv4.conf.all.arp_ignore=1, inside the machine with both cards; else give one of the two another address",
      },
    ];
  });
}

/** Packets of guests that came to the filters of a bridge on their way to a tunnel: how many, where none came out again. */
function lostBetween({ asked }: Case, tunnels: readonly Tunnel[]): number {
  const all = tunnels.map(({ link }) => asked.witnessed[link.name] ?? { entered: 0, left: 0 });
  const entered = all.reduce((sum, one) => sum + one.entered, 0);
  return entered >= FEW && all.every(({ left }) => left === 0) ? entered : 0;
}

/** Whether anybody on a bridge is known to use a version of IP; of IPv6 more than what each link has by itself. */
function speaks({ addresses, neighbors }: View, bridge: string, family: IpFamily): boolean {
  const wide = [...addresses, ...neighbors].filter(({ dev, address }) => dev === bridge && address.includes(":"));
  return family === "ip" || wide.some(({ address }) => !/^(fe80|ff)/.test(address));
}

/** Bridged frames that the IP packet filter sees, and what its forward chains make of them: for both versions of IP alike, or for one. */
function netfilter(given: Case): Finding[] {
  const all = new Map(bridges(given).map(([, bridge]) => [bridge.name, bridge]));
  return [...all.values()].flatMap((bridge) => {
    const fates = FAMILIES.flatMap((family) => fateOf(given, bridge, family));
    const [first, second] = fates;
    const alike = first?.verdict === second?.verdict && first?.chain === second?.chain && first?.rule === second?.rule;
    const groups = alike && fates.length === 2 ? [fates] : fates.map((one) => [one]);
    return groups.map((group) => bridgeNetfilter(given, bridge.name, group));
  });
}

interface Fate extends Verdict {
  readonly family: IpFamily;
  readonly call: Call;
}
const FAMILIES: readonly IpFamily[] = ["ip", "ip6"];

/** What becomes of frames between ports of a bridge in the IP packet filter; nothing where it does not see them, or lets them through. */
function fateOf({ view }: Case, bridge: Link, family: IpFamily): Fate[] {
  const call = callOf(view, bridge, family);
  if (call === undefined || view.tables === undefined) return [];
  const packet = { family, in: bridge.name, out: bridge.name, protocol: "tcp", ctState: "new" } as const;
  const said = judge(view.tables, "forward", packet);
  return said.verdict === "accept" ? [] : [{ ...said, family, call }];
}

function bridgeNetfilter(given: Case, bridge: string, fates: readonly Fate[]): Finding {
  const { view } = given;
  const [{ verdict, chain, rule, family } = { verdict: "unsure" } as Fate] = fates;
  const narrow = fates.some((one) => one.family === "ip");
  const own = view.tunnels.filter(({ link }) => link.master === bridge);
  const lost = narrow ? lostBetween(given, own) : 0;
  const sure = verdict === "drop" || lost > 0;
  const idle = !fates.some((one) => speaks(view, bridge, one.family));
  const which = rule === undefined ? "its policy" : `rule ${rule}`;
  const some = lost > 0 ? `dropped all ${lost} packets that guests sent meanwhile` : "may drop some of them";
  const fate = verdict === "drop" ? "drops them: guests do not reach one another, not even on the same host" : some;
  const frames = narrow ? "frames" : "frames of IPv6";
  return {
    cause: "bridge-netfilter",
    severity: idle ? "note" : sure ? "error" : "warning",
    subject: bridge,
    text: `${frames} between ports of ${bridge} pass through the IP packet filter, and its forward chain ${fate}${idle ? " by IPv6, which nobody there is known to use" : ""}`,
    evidence: [
      ...fates.flatMap(({ call }) => call.seen),
      ...(lost === 0 ? [] : [`${lost} IPv4 packets of guests came to the filters of ${bridge}, and none passed them`]),
      `chain ${chain}: ${which} ${verdict === "drop" ? "drops" : "may drop"} a packet from ${bridge} to ${bridge}`,
      ...view.managers.filter(({ changes }) => changes.includes("nftables")).map(({ name }) => `${name} runs here`),
    ],
    fix: `${fates.map(({ call }) => call.off).join("; ")}, or ${acceptance(chain ?? "inet filter forward", { family, in: bridge, out: bridge })}`,
  };
}

interface Hop extends Verdict {
  readonly from: string;
  readonly to?: string;
}
/** What the bridge family's chains make of a frame from a port to a tunnel, and of one that comes back; without a port: this host's own. */
function hopsOf({ view }: Case, tunnel: string, port?: string): Hop[] {
  // A frame of the host's own came in nowhere, and one for it goes out nowhere: their names are empty then.
  const ways =
    port === undefined
      ? [
          ["output", "", tunnel],
          ["postrouting", "", tunnel],
          ["prerouting", tunnel],
          ["input", tunnel, ""],
        ]
      : [
          ["prerouting", port],
          ["forward", port, tunnel],
          ["postrouting", port, tunnel],
          ["prerouting", tunnel],
          ["forward", tunnel, port],
          ["postrouting", tunnel, port],
        ];
  return ways.map(([hook = "", from = "", to]) => {
    const packet = { family: "bridge", in: from, ...(to !== undefined && { out: to }) } as const;
    return { from, ...(to !== undefined && { to }), ...judge(view.tables ?? [], hook, packet) };
  });
}

/** The first of the hops that drops what it is given, with the port it is about. */
function blockOf(given: Case, tunnel: string, port?: string): Hop | undefined {
  return hopsOf(given, tunnel, port).find(({ verdict }) => verdict === "drop");
}
const saidBy = ({ chain, rule }: Verdict): string =>
  `chain ${chain}: ${rule === undefined ? "its policy drops it" : `rule ${rule} drops it`}`;
const mended = ({ chain, from, to }: Hop): string =>
  `nft insert rule ${chain} ${to ? `oifname ${to}` : `iifname ${from}`} accept`;

/** Guests whose frames a rule drops: all of them, or some, which somebody may want. */
function cutOff(given: Case, [{ link }, bridge]: [Tunnel, Link], seen: readonly string[]): Finding[] {
  const all = portsOf(given.view, bridge.name).filter(isGuestPort);
  const cut = all.flatMap(({ name: port }) => {
    const block = blockOf(given, link.name, port);
    return block === undefined ? [] : [{ port, block }];
  });
  const [first] = cut;
  const base = { cause: "bridge-filtered" } as const;
  if (first !== undefined && cut.length === all.length) {
    const { block } = first;
    return [
      {
        ...base,
        severity: "error",
        subject: block.chain ?? bridge.name,
        text: `chain ${block.chain} drops frames from ${block.from}${block.to === undefined ? "" : ` to ${block.to}`}: guests here and behind ${link.name} do not reach one another`,
        evidence: [
          ...new Set(cut.map((one) => saidBy(one.block))),
          `ports of guests: ${all.map(({ name }) => name).join(", ")}`,
          ...seen,
        ],
        fix: mended(block),
      },
    ];
  }
  return cut.map(({ port, block }) => ({
    ...base,
    severity: "warning",
    subject: port,
    text: `chain ${block.chain} drops frames from ${block.from}${block.to === undefined ? "" : ` to ${block.to}`}: the guest at ${port} and those behind ${link.name} do not reach one another; the other ports of ${bridge.name} are not concerned`,
    evidence: [saidBy(block)],
    fix: `${mended(block)}, unless this is meant`,
  }));
}

/** This host itself, which a rule hides from who is behind the tunnel, though not its guests. */
function hidden(given: Case, [{ link }, bridge]: [Tunnel, Link], seen: readonly string[]): Finding[] {
  const block = blockOf(given, link.name);
  if (block === undefined) return [];
  const addresses = addressesOf(given.view, bridge.name);
  return [
    {
      cause: "bridge-filtered",
      severity: addresses.length > 0 ? "warning" : "note",
      subject: block.chain ?? bridge.name,
      text: `chain ${block.chain} drops frames between this host itself and ${link.name}: who is behind it does not reach ${addresses.join(", ") || "this host"}. Guests are not concerned`,
      evidence: [saidBy(block), ...seen],
      fix: `${mended(block)}, unless this is meant`,
    },
  ];
}

/** Frames that rules of the bridge family drop, and those that get lost without such a rule. */
function filtered(given: Case): Finding[] {
  const { view, asked } = given;
  return bridges(given).flatMap(([tunnel, bridge]): Finding[] => {
    const { name } = tunnel.link;
    const { asked: count = 0, answered = 0 } = asked.bridged[name] ?? {};
    const silent = count > 0 && answered === 0;
    const seen = silent
      ? [
          `none of ${count} addresses answered to ${bridge.name}, and all of them where they were asked through the tunnel alone`,
        ]
      : [];
    const cut = cutOff(given, [tunnel, bridge], seen);
    if (cut.some(({ severity }) => severity === "error")) return cut;
    const sure = [...cut, ...hidden(given, [tunnel, bridge], seen)];
    if (sure.length > 0) return sure;
    // Who got answers there got frames through.
    const lost = answered > 0 ? 0 : lostBetween(given, [tunnel]);
    const here = [ports, unbridged, downs, netfilter, twins, clones].flatMap((check) => check(given));
    const explained = here.length > 0 || asked.duplicates.length + asked.claimed.length > 0;
    if ((!silent && lost === 0) || explained) return [];
    const guests = portsOf(view, bridge.name).filter(isGuestPort);
    const hops = [
      ...(lost > 0 ? guests.flatMap((port) => hopsOf(given, name, port.name)) : []),
      ...hopsOf(given, name),
    ];
    const odd = hops.find(({ verdict }) => verdict === "unsure");
    const whose = lost > 0 ? "guests" : "this host itself";
    return [
      {
        cause: "bridge-filtered",
        severity: "warning",
        subject: bridge.name,
        text: `frames of ${whose} do not get from ${bridge.name} through ${name}${silent ? ", though the tunnel carries what is sent by it alone" : ""}: ${odd === undefined ? "something between the two drops them" : `chain ${odd.chain} may drop them`}${lost > 0 ? "" : ". Whether those of guests do is not known"}`,
        evidence: [
          ...seen,
          ...(lost === 0
            ? []
            : [`${lost} IPv4 packets of guests came to the filters of ${bridge.name}, and none passed them`]),
        ],
        fix: `look at nft list ruleset, ebtables -L, and tc filter show dev ${name} egress`,
      },
    ];
  });
}

function isGuestPort(port: Link): boolean {
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

function guests(given: Case): Finding[] {
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
function masked(given: Case): Finding[] {
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

/** Causes in the bridge. */
export const bridgeChecks = [
  unbridged,
  downs,
  ports,
  twins,
  clones,
  duplicates,
  contested,
  filtered,
  netfilter,
  guests,
  masked,
];
