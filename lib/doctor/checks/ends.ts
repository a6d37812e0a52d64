/** The ends of a VXLAN: where it sends from, whom it sends to, and who sends to it. */

import { ZERO_MAC } from "../../neighbors/zero-mac.ts";
import { isMulticast } from "../../wire/multicast.ts";
import type { Finding } from "../finding.ts";
import type { Heard } from "../hear.ts";
import { isFilled, isManaged, type Tunnel, type View } from "../view.ts";
import type { Case } from "./check.ts";
import { isFormer } from "./underlay.ts";

export const ownAddresses = ({ view }: Case): Set<string | undefined> =>
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
export function homeless(given: Case): Finding[] {
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

export function toSelf(given: Case): Finding[] {
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

export function noFlood(given: Case): Finding[] {
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
export const heardBy = ({ asked }: Case, { underlay: dev }: Tunnel): readonly Heard[] =>
  asked.sounds[dev?.name ?? ""]?.heard ?? [];
export const told = ({ from, to, dport, vni, packets }: Heard): string =>
  `${packets} packet${packets === 1 ? "" : "s"} from ${from} to ${to}, UDP port ${dport}, VNI ${vni}`;
/** Whether a far end was heard, or answered, as this tunnel expects it. */
export function isWell(given: Case, tunnel: Tunnel, remote: string): boolean {
  const answered = given.asked.ends[tunnel.link.name]?.some((end) => end.remote === remote && end.macs.size > 0);
  const right = heardBy(given, tunnel).some(
    ({ from, dport, vni }) => from === remote && dport === tunnel.dstport && vni === tunnel.vni,
  );
  return answered === true || right;
}
/** Far ends that it sends to; with a group also those who send to it. Who was learned of and is on no list may have left. */
export function partners(given: Case, tunnel: Tunnel): string[] {
  const { remotes, group } = tunnel;
  const learned = tunnel.learned.filter((remote) => !isFormer(tunnel, { remote }));
  const others = heardBy(given, tunnel).flatMap(({ from, to }) => (group !== undefined && to === group ? [from] : []));
  return [...new Set([...remotes, ...learned, ...others])];
}
/** Where it hears from, against where it sends to. */
export function wrongRemote(given: Case): Finding[] {
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
export function oneWay(given: Case): Finding[] {
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
export function stale(given: Case): Finding[] {
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
