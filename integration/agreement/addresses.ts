/** Random addresses. */
import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import type { AddressConfig } from "../../lib/addresses/words.ts";
import { addressesOf, asIp } from "../addresses/oracle.ts";
import { type Scene, sorted } from "../routes/kit.ts";
import { asAsked, hosts4, hosts6, type Sort, some, upTo, whole } from "./kit.ts";

const DEVICES = ["br0", "d1", "vx0"];
const devices = { dev: fc.constantFrom(...DEVICES) };
const preferred = { preferredLifetime: whole(0, 100) };
const limited = fc.record({ validLifetime: whole(100, 100_000), ...preferred });
/** Of an IPv4 address that stays for ever, Linux does not tell until when it is preferred. */
const lifetimes6 = fc.oneof(limited, fc.record({ validLifetime: fc.constant("forever" as const), ...preferred }));
const common = { metric: whole(1, 0xffff_ffff), noprefixroute: fc.boolean() };

const inet = fc
  .tuple(
    some(devices, {
      ...common,
      scope: fc.constantFrom("global" as const, "site" as const, "link" as const, "host" as const),
    }),
    hosts4,
    whole(8, 32),
    fc.option(hosts4, { nil: undefined }),
    fc.constantFrom("none", "+", "10.255.255.255"),
    fc.option(whole(0, 99), { nil: undefined }),
    fc.option(limited, { nil: undefined }),
  )
  .map(
    ([rest, host, length, peer, broadcast, label, lived]): AddressConfig => ({
      ...rest,
      address: `${host}/${length}`,
      broadcast: broadcast === "+" && length > 30 ? "none" : broadcast,
      ...(peer !== undefined && { peer }),
      ...(label !== undefined && { label: `${rest.dev}:${label}` }),
      ...lived,
    }),
  );
const inet6 = fc
  .tuple(
    some({ ...devices, nodad: fc.boolean() }, { ...common, home: fc.boolean() }),
    fc.oneof(
      hosts6,
      whole(1, 0xffff).map((host) => `fe80::${host.toString(16)}`),
    ),
    fc.oneof(
      whole(3, 128).map((length) => ({ length })),
      fc.constant({ length: 64, mngtmpaddr: true }),
    ),
    fc.option(hosts6, { nil: undefined }),
    fc.option(lifetimes6, { nil: undefined }),
  )
  .map(
    ([rest, host, { length, ...temporary }, peer, lived]): AddressConfig => ({
      ...rest,
      ...temporary,
      address: `${host}/${length}`,
      ...(peer !== undefined && { peer }),
      ...lived,
    }),
  );

const FLAGS = ["noprefixroute", "nodad", "home", "mngtmpaddr"] as const;
function line(config: AddressConfig): string {
  const { address, dev, peer, broadcast, label, scope, metric, validLifetime, preferredLifetime } = config;
  const [host, length] = address.split("/");
  return [
    `address add ${peer === undefined ? address : `${host} peer ${peer}/${length}`}`,
    broadcast === undefined || broadcast === "none" ? "" : `broadcast ${broadcast}`,
    label === undefined ? "" : `label ${label}`,
    `dev ${dev}`,
    scope === undefined ? "" : `scope ${scope}`,
    metric === undefined ? "" : `metric ${metric}`,
    validLifetime === undefined ? "" : `valid_lft ${validLifetime} preferred_lft ${preferredLifetime}`,
    ...FLAGS.map((flag) => (config[flag] === true ? flag : "")),
  ].join(" ");
}

export function addressesIn({ addresses, json }: Scene): Sort<AddressConfig> {
  return {
    name: "addresses",
    program: "ip",
    drawn: fc.uniqueArray(fc.oneof(inet, inet6), { ...upTo(20), selector: ({ address }) => address.split("/")[0] }),
    write: (config) => addresses.create(config),
    lines: (config) => [line(config)],
    async compare(made) {
      const ours = await addresses.list();
      deepEqual(sorted(ours.map(asIp)), sorted(addressesOf(await json("ip -json -details address show"))));
      for (const { broadcast, ...asked } of made) {
        const found = ours.find(({ address, dev }) => address === asked.address && dev === asked.dev);
        asAsked(asked, found, asked.address);
        if (broadcast !== undefined && broadcast !== "+")
          deepEqual(found?.broadcast ?? "none", broadcast, `${asked.address}.broadcast`);
      }
    },
    async clear() {
      for (const dev of DEVICES) await addresses.flush({ dev });
    },
  };
}
