/** What `ip -json -details address` should tell of an address that we read. */
import type { Address } from "../../lib/addresses/words.ts";
import { given } from "../routes/kit.ts";

const FOREVER = 0xffff_ffff;
const seconds = (value: Address["validLifetime"]): number => (value === "forever" ? FOREVER : value);

/** An address of ours as `ip -json -details address` tells it. */
export function asIp(one: Address): Record<string, unknown> {
  const [local, length] = one.address.split("/");
  return given({
    ifname: one.dev,
    family: one.family,
    local,
    prefixlen: Number(length),
    address: one.peer,
    broadcast: one.broadcast,
    anycast: one.anycast,
    metric: one.metric,
    scope: String(one.scope),
    label: one.family === "inet" ? (one.label ?? one.dev) : undefined,
    valid_life_time: seconds(one.validLifetime),
    preferred_life_time: seconds(one.preferredLifetime),
    dynamic: one.dynamic,
    secondary: one.secondary,
    temporary: one.temporary,
    tentative: one.tentative,
    deprecated: one.deprecated,
    dadfailed: one.dadfailed,
    nodad: one.nodad,
    optimistic: one.optimistic,
    home: one.home,
    mngtmpaddr: one.mngtmpaddr,
    noprefixroute: one.noprefixroute,
    autojoin: one.autojoin,
  });
}

/** The addresses that `ip -json -details address show` tells of all links. */
export function addressesOf(links: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  return links.flatMap(({ ifname, addr_info }) =>
    (addr_info as Record<string, unknown>[])
      .filter((one) => Object.keys(one).length > 0)
      .map((one) => ({ ifname, ...one })),
  );
}
