/** What it takes to have a link back that was deleted, with all that was on it. */

import { portChoice, rejoining, settable } from "./compare.ts";
import { sortOf } from "./entries/sorts.ts";
import { goneOf, lost } from "./gone.ts";
import { linkOf, type Observed } from "./observed.ts";
import { ethtoolAgain } from "./plan-ethtool.ts";
import { wireguardAgain } from "./plan-wireguard.ts";
import { qdiscAgain } from "./queue.ts";
import { secretAgain } from "./secrets.ts";
import { pick, type Request, type Words } from "./step.ts";
import { kindNamed } from "./words.ts";

/** Names of links that stand on another one. */
export function directlyOn(observed: Observed, name: string): readonly string[] {
  return observed.links
    .filter((link) =>
      Object.entries(kindNamed(link.kind)?.options ?? {}).some(
        ([key, one]) => one.refers === true && link[key] === name,
      ),
    )
    .map((link) => link.name);
}

/** Names of links that stand on another one or on its other end, and go with it. */
export function standingOn(observed: Observed, name: string): readonly string[] {
  const other = peerOf(observed, name);
  return [...directlyOn(observed, name), ...(other === undefined ? [] : directlyOn(observed, other))];
}

/** Requests that put back what is on a link, beyond the link itself, and what else would go with it. */
export function entriesOn(observed: Observed, dev: string): Request[] {
  return lost(observed, goneOf(observed, [dev]));
}

/** What it takes to have the sysctls of a link back that was made again, but for those with these keys. */
export function sysctlsAgain({ linkSysctls }: Observed, name: string, but: ReadonlySet<string> = new Set()): Request[] {
  const saved = (linkSysctls?.[name] ?? []).filter(({ key }) => !but.has(key));
  return saved.length === 0 ? [] : [{ object: "sysctl", verb: "restore", words: { saved } }];
}

/**
 * A link as it is made, and what is put back before it is switched on. The kernel takes a way of making addresses from a
 * secret only once there is one, and chooses that way when it gets one.
 */
export function withSecret(observed: Observed, words: Words): { readonly made: Words; readonly back: Request[] } {
  const { addrGenMode, ...made } = words;
  const name = String(words["name"]);
  if (observed.ownSecrets?.includes(name) !== true) return { made: words, back: [] };
  const mode: Request = { object: "link", verb: "update", words: { name, change: { addrGenMode } } };
  return { made, back: [secretAgain(name), ...(addrGenMode === undefined ? [] : [mode])] };
}

/** Requests that make a link, and switch it on once it has its sysctls: whether it asks for routers is one of them. */
function madeWith(observed: Observed, words: Words): Request[] {
  const { made, back } = withSecret(observed, words);
  const name = String(words["name"]);
  // A veth that is on tells of a carrier when it gets other channels, whatever its other end is.
  const settings = [...back, ...sysctlsAgain(observed, name), ...ethtoolAgain(observed, name)];
  const create = (one: Words): Request => ({ object: "link", verb: "create", words: one });
  if (settings.length === 0 || words["up"] !== true) return [create(made), ...settings];
  const on = { name, change: { up: true } };
  return [create({ ...made, up: false }), ...settings, { object: "link", verb: "update", words: on }];
}

/** Requests that make a link again that was deleted, and bring its ports back that are still there. */
export function remade(observed: Observed, name: string): Request[] {
  const link = linkOf(observed, name);
  if (link === undefined) return [];
  const ports = observed.links.filter((port) => port["master"] === name);
  const choice = portChoice(link);
  const chosen = ports.some((port) => Object.values(choice).includes(port.name));
  return [
    ...madeWith(observed, { ...settable(link, observed), ...withPeer(observed, name) }),
    ...ports.map(
      (port): Request => ({
        object: "link",
        verb: "update",
        words: { name: port.name, change: rejoining(port, link) },
      }),
    ),
    ...(chosen ? [{ object: "link", verb: "update", words: { name, change: choice } } as const] : []),
    ...qdiscAgain(observed, name),
    ...wireguardAgain(observed, name),
  ];
}

/** The other end of a link that has one in this namespace. */
export function peerOf(observed: Observed, name: string): string | undefined {
  const { name: other } = (linkOf(observed, name)?.["peer"] ?? {}) as { readonly name?: string };
  return other !== undefined && linkOf(observed, other)?.["peer"] !== undefined ? other : undefined;
}

/** The other end as it is made together with a link, also in another namespace, where it is known. */
export function withPeer(observed: Observed, name: string): { readonly peer?: Words } {
  const other = peerOf(observed, name);
  const { link, problem: _, ...away } = observed.endsAway?.[name] ?? {};
  if (link !== undefined) return { peer: { ...away, ...link } };
  return other === undefined ? {} : { peer: pick(linkOf(observed, other) ?? {}, ["name", "mac", "mtu"]) };
}

/** What an other end has from its making, or comes to it as a port. */
const MADE = new Set(["kind", "name", "peer", "mac", "mtu", "master", "port", "numTxQueues", "numRxQueues"]);

/** Requests that make an other end, which is there again, what it was, but for sysctls with these keys. */
export function revived(observed: Observed, name: string, but?: ReadonlySet<string>): Request[] {
  const link = linkOf(observed, name);
  if (link === undefined) return [];
  const joined = link["master"] === undefined ? {} : rejoining(link, linkOf(observed, String(link["master"])));
  const made = Object.entries(settable(link, observed)).filter(([key]) => !MADE.has(key));
  const change = { ...Object.fromEntries(made), ...joined };
  return [
    ...(observed.ownSecrets?.includes(name) === true ? [secretAgain(name)] : []),
    ...sysctlsAgain(observed, name, but),
    ...ethtoolAgain(observed, name),
    { object: "link", verb: "update", words: { name, change } },
    ...qdiscAgain(observed, name),
  ];
}

/** What is lost with a link, for a person to read. */
export function onLink(observed: Observed, name: string): string[] {
  const { links } = observed;
  const went = entriesOn(observed, name);
  const of = (object: Request["object"]): Words[] =>
    went.filter((one) => one.object === object && one.verb !== "delete").map(({ words }) => words);
  const some = (object: Request["object"], one: string, many: string): string[] => {
    const { length } = of(object);
    return length === 0 ? [] : [`${length} ${length === 1 ? one : many}`];
  };
  return [
    `traffic through ${name}`,
    ...of("address").map(({ address }) => String(address)),
    ...of("nexthop").map(({ id }) => `nexthop ${String(id)}`),
    ...of("route").map(({ dst }) => `route ${String(dst)}`),
    ...some("fdb", "forwarding entry", "forwarding entries"),
    ...some("mdb", "multicast entry", "multicast entries"),
    ...some("vlan", "range of VLANs", "ranges of VLANs"),
    ...some("vni", "range of VNIs", "ranges of VNIs"),
    ...of("filter")
      .filter(({ dev }) => dev !== name)
      .map((words) => `what filter ${String(sortOf("filter")?.subject(words))} sends there`),
    ...links.filter(({ master }) => master === name).map((port) => `port ${port.name}`),
  ];
}
