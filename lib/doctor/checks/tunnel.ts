/** The VXLAN itself, and what the other end makes of it. */

import type { Link } from "../../links/index.ts";
import { ZERO_MAC } from "../../neighbors/zero-mac.ts";
import type { FarEnd } from "../ask.ts";
import type { Finding } from "../finding.ts";
import type { Heard } from "../hear.ts";
import { judge, type Packet } from "../verdict.ts";
import { isExternal, isFilled, type Tunnel, type View } from "../view.ts";
import type { Case } from "./check.ts";
import {
  heardBy,
  homeless,
  isWell,
  noFlood,
  oneWay,
  ownAddresses,
  partners,
  stale,
  told,
  toSelf,
  wrongRemote,
} from "./ends.ts";
import { eachEnd, isFormer, spoiledHere, spoiledThere } from "./underlay.ts";

const LINUX_PORT = 8472;
const IANA_PORT = 4789;

function downs({ view }: Case): Finding[] {
  return view.tunnels
    .filter(({ link }) => !link.up)
    .map(({ link }): Finding => {
      return {
        cause: "vxlan-down",
        severity: "error",
        subject: link.name,
        text: `${link.name} is switched off: nothing passes between the hosts`,
        evidence: [`${link.name}: down`],
        fix: `ip link set dev ${link.name} up`,
      };
    });
}

const isForAnother = ({ tunnels }: View, { vni, dport }: Heard): boolean =>
  tunnels.some((one) => (one.vni === vni || isExternal(one)) && one.dstport === dport);

/** What speaks as a tunnel does, over the other version of IP, where no tunnel here hears that. */
function inOtherFamily(given: Case, tunnel: Tunnel): Heard[] {
  const { vni, dstport, family } = tunnel;
  const hears = given.view.tunnels.some(
    (one) => one.dstport === dstport && (isExternal(one) || (one.vni === vni && one.family !== family)),
  );
  if (hears) return [];
  return heardBy(given, tunnel).filter(
    (one) => one.vni === vni && one.dport === dstport && one.from.includes(":") !== (family === 6),
  );
}

function mismatches(given: Case): Finding[] {
  const own = ownAddresses(given);
  return given.view.tunnels.flatMap((tunnel): Finding[] => {
    if (isExternal(tunnel)) return [];
    const { link, remotes, group, vni, dstport, underlay: dev } = tunnel;
    const lost = partners(given, tunnel).filter((remote) => !isWell(given, tunnel, remote));
    const strange = heardBy(given, tunnel).filter((one) => !isForAnother(given.view, one));
    const from = (one: Heard): boolean => lost.includes(one.from);
    const otherPort = strange.find((one) => from(one) && one.vni === vni && one.dport !== dstport);
    const otherVni = strange.find((one) => from(one) && one.dport === dstport && one.vni !== vni);
    const wide = tunnel.family === 6;
    const otherFamily = inOtherFamily(given, tunnel).find(({ to }) => lost.length > 0 || own.has(to));
    const refused = (given.asked.sounds[dev?.name ?? ""]?.refusals ?? []).find(
      (one) => lost.includes(one.from) && one.dport === dstport,
    );
    const found: Finding[] = [];
    if (otherPort !== undefined)
      found.push({
        cause: "port-mismatch",
        severity: "error",
        subject: link.name,
        text: `${link.name} uses UDP port ${dstport}, and ${otherPort.from} sends to ${otherPort.dport}${otherPort.dport === LINUX_PORT ? ", the kernel's default where nobody says dstport" : ""}`,
        evidence: [told(otherPort), `${link.name}: dstport ${dstport}`, ...refusedBy(refused)],
        fix: `make both the same, 4789: the port of a VXLAN cannot be changed, so delete the other host's and make it again with dstport ${IANA_PORT}`,
      });
    if (otherVni !== undefined)
      found.push({
        cause: "vni-mismatch",
        severity: "error",
        subject: link.name,
        text: `${link.name} has VNI ${vni}, and ${otherVni.from} sends VNI ${otherVni.vni}: each drops what the other sends`,
        evidence: [told(otherVni), `${link.name}: vni ${vni}`],
        fix: `make ${link.name} again with the same VNI on both hosts: it cannot be changed`,
      });
    if (otherFamily !== undefined)
      found.push({
        cause: "family-mismatch",
        severity: "error",
        subject: link.name,
        text: `${link.name} sends over IPv${wide ? 6 : 4}, and ${otherFamily.from} over IPv${wide ? 4 : 6}: a VXLAN hears one of them only`,
        evidence: [told(otherFamily), `${link.name}: remote ${group ?? remotes.join(", ")}`],
        fix: `give both hosts remotes of the same version of IP`,
      });
    if (found.length === 0 && refused !== undefined)
      found.push({
        cause: "port-mismatch",
        severity: "error",
        subject: link.name,
        text: `nobody listens on UDP port ${dstport} at ${refused.from}: the other host's VXLAN is missing, is down, or uses another port`,
        evidence: refusedBy(refused),
        fix: `look at \`ip -d link show type vxlan\` on ${refused.from}: it has to be up, with dstport ${dstport}`,
      });
    return found;
  });
}
function refusedBy(refused: { from: string; dport: number; packets: number } | undefined): string[] {
  if (refused === undefined) return [];
  return [`${refused.from} answered ${refused.packets} times: ICMP port unreachable for UDP port ${refused.dport}`];
}

/** A packet as it arrives from a far end. */
const outer = ({ underlay: dev, local, dstport }: Tunnel, { remote }: Pick<FarEnd, "remote">): Packet => {
  return {
    family: remote.includes(":") ? "ip6" : "ip",
    ...(dev !== undefined && { in: dev.name }),
    saddr: remote,
    ...(local !== undefined && { daddr: local }),
    protocol: "udp",
    dport: dstport,
    ctState: "new",
  };
};

function filteredHere(given: Case): Finding[] {
  const { tables } = given.view;
  if (tables === undefined) return [];
  const filtered = given.view.tunnels.flatMap((tunnel) =>
    partners(given, tunnel).flatMap((remote) => {
      const verdict = judge(tables, "input", outer(tunnel, { remote }));
      return verdict.verdict === "drop" ? [[tunnel, remote, verdict] as const] : [];
    }),
  );
  return filtered.map(([tunnel, remote, { chain, rule }]): Finding => {
    return {
      cause: "vxlan-filtered-here",
      severity: "error",
      subject: chain ?? "input",
      text: `this host drops VXLAN from ${remote}: UDP port ${tunnel.dstport} is not let in. “established” never helps here, as each direction has a source port of its own`,
      evidence: [`chain ${chain}: ${rule === undefined ? "its policy drops it" : `rule ${rule} drops it`}`],
      fix: `nft insert rule ${chain} ${remote.includes(":") ? "ip6" : "ip"} saddr ${remote} udp dport ${tunnel.dstport} accept`,
    };
  });
}

/** The other end answers, but not to VXLAN, and nothing else explains it. */
function filteredAway(given: Case): Finding[] {
  const explained = [...mismatches(given), ...filteredHere(given), ...wrongRemote(given), ...spoiledHere(given)];
  if (explained.length > 0 || given.asked.duplicates.length > 0) return [];
  const spoiled = new Set(spoiledThere(given).map(({ from }) => from));
  return eachEnd(given).flatMap(([tunnel, end]): Finding[] => {
    const { link, dstport } = tunnel;
    if (end.group || !end.answers || end.macs.size > 0 || end.asked === 0) return [];
    if (spoiled.has(end.remote)) return [];
    // Who has entries by hand for all that it sends to answers nobody that it was not told of.
    if (isFilled(given.view, tunnel)) return [];
    // Whose guests are heard is there, with the same port and VNI.
    const heard = heardBy(given, tunnel).filter(({ from }) => from === end.remote);
    const sure = heard.length > 0;
    if (!sure && isFormer(tunnel, end)) return [];
    return [
      {
        cause: "vxlan-filtered-away",
        severity: sure ? "error" : "warning",
        subject: end.remote,
        text: sure
          ? `${end.remote} sends VXLAN and hears none of ours: a packet filter there or on the way drops UDP port ${dstport}, or its VXLAN is no port of its bridge`
          : `${end.remote} answers pings, but nothing comes back through ${link.name}: a packet filter drops UDP port ${dstport}, its VNI is another one, its VXLAN is no port of its bridge, or nobody there has the addresses that were asked for`,
        evidence: [
          "an echo request was answered",
          `none of ${end.asked} questions inside of VXLAN was`,
          ...heard.map(told),
        ],
        fix: sure
          ? `on ${end.remote}: nft insert rule … input udp dport ${dstport} accept; \`linkwright doctor\` there names the chain`
          : `run \`linkwright doctor\` on ${end.remote}; name an address that is there: --peer ADDRESS`,
      },
    ];
  });
}

/** A group that it floods to and hears nothing of, as an entry by hand makes it. */
function notJoined({ view }: Case): Finding[] {
  return view.tunnels.flatMap((tunnel): Finding[] => {
    const { link, group, underlay: dev } = tunnel;
    if (group === undefined || dev === undefined || !link.up || !dev.up || isExternal(tunnel)) return [];
    const joined = view.joined[dev.name];
    // Each device is at least a member of what all hosts hear.
    if (
      joined === undefined ||
      joined.includes(group) ||
      !joined.some((one) => one.includes(":") === group.includes(":"))
    )
      return [];
    return [
      {
        cause: "group-not-joined",
        severity: "error",
        subject: link.name,
        text: `${link.name} sends broadcasts to the group ${group}, and ${dev.name} is no member of it: what the others send to it never gets here. An all-zero entry by hand sends to a group and does not join it`,
        evidence: [
          `ip maddress show dev ${dev.name}: ${joined.join(", ")}`,
          `bridge fdb show dev ${link.name}: ${ZERO_MAC} dst ${group}`,
        ],
        fix: `ip link set dev ${link.name} type vxlan id ${link["vni"]} group ${group} dev ${dev.name}`,
      },
    ];
  });
}

/** What a bridge beneath that looks at who wants multicast knows of who asks for it. */
function querierOf(dev: Link): string[] {
  if (dev.kind !== "bridge" || dev["mcastSnooping"] !== true) return [];
  return [
    `${dev.name} is a bridge that snoops, ${dev["mcastQuerier"] === true ? "and asks who wants multicast" : "and does not ask who wants multicast itself"}`,
  ];
}

/** A group that nobody answers on, though somebody is there. */
function silentGroup(given: Case): Finding[] {
  return eachEnd(given).flatMap(([tunnel, end]): Finding[] => {
    if (end.group === undefined || end.macs.size > 0 || end.asked === 0) return [];
    const explained = [...mismatches(given), ...filteredHere(given), ...notJoined(given), ...spoiledHere(given)];
    if (explained.length > 0 || spoiledThere(given).length > 0 || tunnel.underlay?.up !== true) return [];
    const answering = (given.asked.ends[tunnel.link.name] ?? []).filter(({ group, macs }) => !group && macs.size > 0);
    // Who does not answer where it is asked by itself either has another reason not to.
    if (answering.length === 0 && filteredAway(given).length > 0) return [];
    const heard = heardBy(given, tunnel);
    const sure = answering.length > 0 || heard.length > 0;
    return [
      {
        cause: "multicast-silent",
        severity: sure ? "error" : "warning",
        subject: end.remote,
        text: `nobody answers on the group ${end.remote} of ${tunnel.link.name}${sure ? ", though other hosts are there" : ""}: the network does not carry multicast from here (IGMP snooping without a querier, a router on the way and a ttl of 1), or the others are in another group`,
        evidence: [
          `none of ${end.asked} questions to ${end.remote} was answered`,
          `${tunnel.underlay.name} is a member of ${end.remote} here`,
          ...querierOf(tunnel.underlay),
          ...answering.map(({ remote, macs }) => `${macs.size} were answered where ${remote} was asked by itself`),
          ...heard.map(told),
        ],
        fix: "give the switch an IGMP querier, or use flood: unicast",
      },
    ];
  });
}

function oldPort({ view }: Case): Finding[] {
  return view.tunnels
    .filter(({ dstport }) => dstport === LINUX_PORT)
    .map(({ link }): Finding => {
      return {
        cause: "port-8472",
        severity: "note",
        subject: link.name,
        text: `${link.name} uses UDP port 8472, which the kernel takes where nobody says dstport; other systems and hardware use 4789`,
        evidence: [`${link.name}: dstport 8472`],
        fix: "make it again with dstport 4789 on every host, if something other than Linux is to take part",
      };
    });
}

/** Causes in the tunnel. */
export const tunnelChecks = [
  downs,
  homeless,
  toSelf,
  noFlood,
  mismatches,
  wrongRemote,
  oneWay,
  stale,
  filteredHere,
  filteredAway,
  notJoined,
  silentGroup,
  oldPort,
];
