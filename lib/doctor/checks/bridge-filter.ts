/** What packet filters make of frames that a bridge forwards. */

import type { Link } from "../../links/index.ts";
import type { Finding } from "../finding.ts";
import { judge, type Verdict } from "../verdict.ts";
import { addressesOf, portsOf, type Tunnel, type View } from "../view.ts";
import { acceptance, type Call, callOf, type IpFamily } from "./acceptance.ts";
import { bridges, type Case, FEW } from "./check.ts";
import { isGuestPort } from "./guests.ts";
import { downs, ports, unbridged } from "./ports.ts";
import { clones, twins } from "./twice.ts";

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
export function netfilter(given: Case): Finding[] {
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
export function filtered(given: Case): Finding[] {
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
