/** All that the kernel tells of a namespace, so that two can be compared; and hosts to compare. */
import { TestNamespace } from "../../lib/testkit/index.ts";
import { output, sysctlsOf } from "./networkd.ts";

/** What may differ, and why. A part of the path of a value decides. */
const PERMITTED: readonly (readonly [path: RegExp, why: string])[] = [
  [/\.(ifindex|link_index|link_netnsid|iflink)$/, "numbers that the kernel gives in order of creation"],
  [
    /(^|\.)(bridge_id|root_id|designated_\w+|permaddr|perm_hwaddr)$/,
    "they are made of MAC addresses, or of such numbers",
  ],
  [/(_timer|^gc_timer|valid_life_time|preferred_life_time)$/, "they run"],
  [/\.info_slave_data\.(id|no)$/, "they count ports in order of arrival"],
  [/^sysctl .*\/accept_ra$/, "networkd keeps it at 0 and takes router announcements itself"],
  [/^sysctl .*\/use_tempaddr$/, "networkd keeps it at 0, and links without MAC address have -1 by themselves"],
  [/^sysctl .*\/stable_secret$/, "links without MAC address get a random one"],
  [/^sysctl .*\/promote_secondaries$/, "networkd sets it, so that a second address outlives the first"],
  [/^fdb 01:80:c2:00:00:0[03e]$/, "networkd listens to LLDP on links that it did not make"],
];

/** A MAC address that nobody chose is random; those that are chosen in these tests begin so. */
const isUnchosen = (path: string, value: unknown): boolean =>
  path.endsWith(".address") && !/^02:(00:00|12:12):/.test(String(value));

const isPermitted = (path: string): boolean => PERMITTED.some(([pattern]) => pattern.test(path));

/** A value as paths, without those that may differ. */
function flat(value: unknown, path: string, into: Record<string, unknown> = {}): Record<string, unknown> {
  if (typeof value !== "object" || value === null) {
    if (!isPermitted(path) && !isUnchosen(path, value)) into[path] = value;
  } else for (const [key, inner] of Object.entries(value)) flat(inner, path === "" ? key : `${path}.${key}`, into);
  return into;
}

type Told = Readonly<Record<string, unknown>>;
/** IPv6 addresses made of random MAC addresses, and what is about them. */
const isOfMac = (text: string): boolean => /fe80::|33:33:|01:00:5e:|ff02::/.test(text);

function entriesOf(told: readonly Told[]): string[] {
  return told
    .map((one) => JSON.stringify(one))
    .filter((text) => !isOfMac(text))
    .sort();
}

/** All that the kernel tells of a namespace, as text of a fixed order. */
export function stateOf(netns: string): Record<string, unknown> {
  const list = (program: string, ...args: readonly string[]): Told[] =>
    JSON.parse(output(program, "-n", netns, "-json", ...args) || "[]") as Told[];
  const links = list("ip", "-d", "link", "show");
  const state: Record<string, unknown> = {};
  for (const link of links) flat(link, `link ${String(link["ifname"])}`, state);
  for (const { ifname, addr_info } of list("ip", "address", "show") as { ifname?: string; addr_info?: Told[] }[])
    for (const one of addr_info ?? [])
      if (one["scope"] !== "link" || one["family"] === "inet")
        flat(one, `addr ${ifname} ${String(one["local"])}`, state);
  state["routes"] = entriesOf([
    ...list("ip", "route", "show", "table", "all"),
    ...list("ip", "-6", "route", "show", "table", "all"),
  ]);
  // Each marks what it makes, which changes nothing of what it does.
  const unmarked = (told: readonly Told[]): readonly Told[] => told.map(({ protocol: _, ...rest }) => rest);
  state["rules"] = entriesOf(unmarked([...list("ip", "rule", "show"), ...list("ip", "-6", "rule", "show")]));
  state["neighbors"] = entriesOf(list("ip", "neighbor", "show", "nud", "permanent"));
  const macs = new Set(links.map(({ address }) => address));
  state["fdb"] = entriesOf(
    list("bridge", "fdb", "show").filter(({ mac }) => !macs.has(mac as string) && !isPermitted(`fdb ${String(mac)}`)),
  );
  for (const [key, value] of Object.entries(sysctlsOf(netns))) flat(value, `sysctl ${key}`, state);
  return state;
}

/** A host with a network card. */
export async function machine(): Promise<TestNamespace> {
  const namespace = await TestNamespace.create();
  const ip = (...args: readonly string[]) => output("ip", "-n", namespace.name ?? "", ...args);
  ip("link", "set", "lo", "up");
  ip("link", "add", "ens34f0", "type", "veth", "peer", "name", "cable");
  ip("link", "set", "cable", "up");
  ip("link", "set", "ens34f0", "up");
  return namespace;
}
