/** The VXLAN itself, and what the other end makes of it. */

import type { Link } from "../../links/index.ts";
import { ZERO_MAC } from "../../neighbors/zero-mac.ts";
import { isMulticast } from "../../wire/multicast.ts";
import type { FarEnd } from "../ask.ts";
import type { Finding } from "../finding.ts";
import type { Heard } from "../hear.ts";
import { judge, type Packet } from "../verdict.ts";
import { isExternal, isFilled, isManaged, type Tunnel, type View } from "../view.ts";
import type { Case } from "./check.ts";
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

const ownAddresses = ({ view }: Case): Set<string | undefined> =>
  new Set(view.addresses.map(({ address }) => address.split("/")[0]));

/** The length of the prefix that an address would have on a device, as those that are there have it. */
function lengthOf({ addresses }: View, on: string | undefined, address: string): string {
  const wide = address.includes(":");
  const near = addresses.find(
    ({ dev, scope, address: one }) => dev === on && scope !== "link" && one.includes(":") === wide,
  );
  return near?.address.split("/")[1] ?? (wide ? "128" : "32");
}

/** An address that it sends from, and that nobody gave to this host. */
function homeless(given: Case): Finding[] {
  const own = ownAddresses(given);
  return given.view.tunnels.flatMap(({ link, local, underlay: dev }): Finding[] => {
    if (local === undefined || own.has(local)) return [];
    return [
      {
        cause: "local-missing",
        severity: "error",
        subject: link.name,
        text: `${link.name} sends from ${local}, which is no address of this host: nothing that it sends leaves, and nothing for it arrives`,
        evidence: [`${link.name}: local ${local}`, `addresses here: ${[...own].join(", ")}`],
        fix: `ip address add ${local}/${lengthOf(given.view, dev?.name, local)} dev ${dev?.name ?? "lo"}`,
      },
    ];
  });
}

const UNKNOWN = "ADDRESS_OF_THE_OTHER_HOST";

/** Where a tunnel would have to send to: the remote that it was made with, and who was learned of or heard. */
function likely(given: Case, tunnel: Tunnel): string[] {
  const { link, learned, vni, dstport } = tunnel;
  const own = ownAddresses(given);
  const made = typeof link["remote"] === "string" ? [link["remote"]] : [];
  // Who is in a group gets all by it.
  if (made.some(isMulticast)) return made;
  const heard = heardBy(given, tunnel).filter((one) => one.vni === vni && one.dport === dstport);
  const all = [...made, ...learned, ...heard.map(({ from }) => from)];
  return [...new Set(all)].filter((one) => !own.has(one));
}

/**
 * The commands that send broadcasts to one far end instead of another. The kernel changes nothing where the remote that it
 * shows is set again, whether it still sends there or not.
 */
function redirected({ link, vni }: Tunnel, from: string, to: string): string {
  return from === link["remote"]
    ? `ip link set dev ${link.name} type vxlan id ${vni} remote ${to}`
    : `bridge fdb append ${ZERO_MAC} dev ${link.name} dst ${to}; bridge fdb del ${ZERO_MAC} dev ${link.name} dst ${from}`;
}

function toSelf(given: Case): Finding[] {
  const own = ownAddresses(given);
  return given.view.tunnels.flatMap((tunnel) => {
    const { link, remotes } = tunnel;
    return remotes
      .filter((remote) => own.has(remote))
      .map((remote): Finding => {
        return {
          cause: "remote-is-self",
          severity: "error",
          subject: link.name,
          text: `${link.name} sends to ${remote}, which is an address of this host: the other host never hears it`,
          evidence: [`${remote} is on this host`, `${link.name}: remote ${remote}`],
          fix: redirected(tunnel, remote, likely(given, tunnel)[0] ?? UNKNOWN),
        };
      });
  });
}

function noFlood(given: Case): Finding[] {
  const { view } = given;
  const aimless = ({ remotes, group }: Tunnel): boolean => remotes.length === 0 && group === undefined;
  return view.tunnels
    .filter((tunnel) => aimless(tunnel) && !isManaged(view, tunnel) && !isFilled(view, tunnel))
    .map((tunnel): Finding => {
      const { link, underlay: dev } = tunnel;
      const all = likely(given, tunnel);
      const via = (dst: string): string => (isMulticast(dst) && dev !== undefined ? ` via ${dev.name}` : "");
      return {
        cause: "no-flood-entry",
        severity: "error",
        subject: link.name,
        text: `${link.name} has neither a remote nor a multicast group nor an all-zero entry: broadcasts such as ARP go nowhere, so that no guest ever finds another`,
        evidence: [`bridge fdb show dev ${link.name}: no entry ${ZERO_MAC}`],
        fix:
          all.length === 0
            ? `bridge fdb append ${ZERO_MAC} dev ${link.name} dst ${UNKNOWN}, once for each`
            : all.map((dst) => `bridge fdb append ${ZERO_MAC} dev ${link.name} dst ${dst}${via(dst)}`).join("; "),
      };
    });
}

/** What came from others by the underlay of a tunnel. */
const heardBy = ({ asked }: Case, { underlay: dev }: Tunnel): readonly Heard[] =>
  asked.sounds[dev?.name ?? ""]?.heard ?? [];
const told = ({ from, to, dport, vni, packets }: Heard): string =>
  `${packets} packet${packets === 1 ? "" : "s"} from ${from} to ${to}, UDP port ${dport}, VNI ${vni}`;
/** Whether a far end was heard, or answered, as this tunnel expects it. */
function isWell(given: Case, tunnel: Tunnel, remote: string): boolean {
  const answered = given.asked.ends[tunnel.link.name]?.some((end) => end.remote === remote && end.macs.size > 0);
  const right = heardBy(given, tunnel).some(
    ({ from, dport, vni }) => from === remote && dport === tunnel.dstport && vni === tunnel.vni,
  );
  return answered === true || right;
}
/** Far ends that it sends to; with a group also those who send to it. Who was learned of and is on no list may have left. */
function partners(given: Case, tunnel: Tunnel): string[] {
  const { remotes, group } = tunnel;
  const learned = tunnel.learned.filter((remote) => !isFormer(tunnel, { remote }));
  const others = heardBy(given, tunnel).flatMap(({ from, to }) => (group !== undefined && to === group ? [from] : []));
  return [...new Set([...remotes, ...learned, ...others])];
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

/** Where it hears from, against where it sends to. */
function wrongRemote(given: Case): Finding[] {
  const { view } = given;
  const own = ownAddresses(given);
  return view.tunnels.flatMap((tunnel): Finding[] => {
    const { link, vni, dstport, remotes, group } = tunnel;
    if (group !== undefined || remotes.length === 0 || isManaged(view, tunnel)) return [];
    const heard = heardBy(given, tunnel).filter((one) => one.vni === vni && one.dport === dstport);
    const learned = view.fdb.filter(
      ({ dev, dst, state }) => dev === link.name && dst !== undefined && state !== "permanent",
    );
    const others = [...new Set([...heard.map(({ from }) => from), ...learned.map(({ dst }) => String(dst))])].filter(
      (one) => !remotes.includes(one) && one.includes(":") === remotes[0]?.includes(":"),
    );
    const lost = remotes.filter((remote) => !own.has(remote) && !isWell(given, tunnel, remote));
    if (others.length === 0 || lost.length === 0) return [];
    return [
      {
        cause: "wrong-remote",
        severity: "error",
        subject: link.name,
        text: `${link.name} sends broadcasts to ${lost.join(", ")}, from where nothing comes, and hears from ${others.join(", ")}, where it does not send to`,
        evidence: [
          ...heard.filter(({ from }) => others.includes(from)).map(told),
          ...learned
            .filter(({ dst }) => others.includes(String(dst)))
            .map(({ mac, dst }) => `${mac} was learned from ${dst}`),
          `all-zero entries: ${remotes.join(", ")}`,
        ],
        fix: redirected(tunnel, lost.find((one) => one === link["remote"]) ?? lost[0] ?? "", others[0] ?? UNKNOWN),
      },
    ];
  });
}

/** A host that takes part, though this one sends it no broadcasts. */
function unlisted(given: Case, tunnel: Tunnel): Finding[] {
  const { link, vni, dstport, remotes } = tunnel;
  const ends = given.asked.ends[link.name] ?? [];
  const reached = new Set(ends.flatMap(({ remote, macs }) => (remotes.includes(remote) ? [...macs.values()] : [])));
  return ends.flatMap(({ remote, macs, asked, floods }): Finding[] => {
    const heard = heardBy(given, tunnel).filter(
      (one) => one.from === remote && one.vni === vni && one.dport === dstport,
    );
    const behind = [...macs].filter(([, mac]) => !reached.has(mac));
    // A host may have more than one address. Of one that has left entries stay that were learned.
    const isThere =
      behind.length > 0 ? floods === true || heard.length > 0 : asked + macs.size === 0 && heard.length > 0;
    if (remotes.includes(remote) || !isThere) return [];
    return [
      {
        cause: "one-way-remote",
        severity: floods === true ? "error" : "warning",
        subject: remote,
        text: `${link.name} hears from ${remote} and sends it no broadcasts: guests here that look for one there by ARP do not find it, until that one looks for them`,
        evidence: [
          `all-zero entries: ${remotes.join(", ")}`,
          ...heard.map(told),
          ...behind
            .map(([address, mac]) => `${address} (${mac}) answered where ${remote} was asked by itself`)
            .slice(0, 3),
          ...(floods === true ? [`${remote} sends to this host what it has no place for`] : []),
        ],
        fix: `bridge fdb append ${ZERO_MAC} dev ${link.name} dst ${remote}; or take this host from the list of ${remote}, if that one is no longer to take part`,
      },
    ];
  });
}

/** A far end that sends this host no broadcasts. */
function unlistedThere({ view, asked }: Case, { link, local, remotes }: Tunnel): Finding[] {
  const ends = (asked.ends[link.name] ?? []).filter(
    ({ remote, floods }) => floods === false && remotes.includes(remote),
  );
  return ends.map(({ remote }): Finding => {
    const own = local ?? view.ways[remote]?.src ?? "ADDRESS_OF_THIS_HOST";
    return {
      cause: "one-way-remote",
      severity: "warning",
      subject: remote,
      text: `${remote} hears ${link.name} and sends it no broadcasts: ${own} is missing in its all-zero entries, or its bridge floods nothing to its VXLAN. Guests there that look for one here by ARP do not find it, until that one looks for them`,
      evidence: [
        `${remote} answers a question whose sender it has learned the place of`,
        "it answers none, asked twice, whose answer it would have to send to all",
      ],
      fix: `on ${remote}: bridge fdb append ${ZERO_MAC} dev VXLAN dst ${own}`,
    };
  });
}

/** Lists of far ends that do not agree. */
function oneWay(given: Case): Finding[] {
  const { view, asked } = given;
  const other = [homeless, toSelf, wrongRemote].flatMap((check) => check(given));
  const explained = new Set(other.map(({ subject }) => subject));
  return view.tunnels.flatMap((tunnel) => {
    const { link, remotes, group } = tunnel;
    const listed = group === undefined && remotes.length > 0 && !isManaged(view, tunnel) && !isFilled(view, tunnel);
    if (!listed || explained.has(link.name) || asked.duplicates.length > 0) return [];
    return [...unlisted(given, tunnel), ...unlistedThere(given, tunnel)];
  });
}

/**
 * Entries by hand, against where frames of their addresses come from. The kernel drops those that come from elsewhere where
 * it learns; where it does not, a host may send from another address than it is reached at.
 */
function stale(given: Case): Finding[] {
  const { view } = given;
  return view.tunnels.flatMap((tunnel): Finding[] => {
    const { link, vni, remotes, learned, group, underlay: dev } = tunnel;
    if (isManaged(view, tunnel)) return [];
    const seen = (given.asked.sounds[dev?.name ?? ""]?.seen ?? []).filter((one) => one.vni === vni);
    const fixed = view.fdb.filter(
      ({ dev: on, mac, dst, state }) =>
        on === link.name && dst !== undefined && state !== "dynamic" && mac !== ZERO_MAC,
    );
    return fixed.flatMap(({ mac, dst }): Finding[] => {
      const elsewhere = seen.find((one) => one.mac === mac && one.from !== dst);
      const others = [...remotes, ...learned];
      const told = group !== undefined || isFilled(view, tunnel) || isWell(given, tunnel, String(dst));
      const unknown = !told && !others.includes(String(dst));
      if (elsewhere === undefined && !unknown) return [];
      const dropped = elsewhere !== undefined && link["learning"] !== false;
      return [
        {
          cause: "stale-entry",
          severity: dropped ? "error" : "warning",
          subject: mac,
          text:
            elsewhere === undefined
              ? `${link.name} sends frames for ${mac} to ${dst}, which is none of the hosts it sends broadcasts to`
              : `${link.name} sends frames for ${mac} to ${dst}, and it is at ${elsewhere.from}: ${dropped ? "what it sends is dropped here, and what is for it goes astray" : "what is for it may go astray"}`,
          evidence: [
            `bridge fdb: ${mac} dev ${link.name} dst ${dst}, by hand`,
            ...(elsewhere === undefined ? [] : [`${elsewhere.packets} frames of it came from ${elsewhere.from}`]),
            `far ends: ${others.join(", ") || (group ?? "none")}`,
          ],
          fix: `bridge fdb ${elsewhere === undefined ? "del" : "replace"} ${mac} dev ${link.name} dst ${elsewhere?.from ?? dst}`,
        },
      ];
    });
  });
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
