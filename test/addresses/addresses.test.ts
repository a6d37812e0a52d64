import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { newaddr } from "../../lib/addresses/schema.ts";
import {
  type AddressConfig,
  addressFromWire,
  addressToWire,
  canonicalAddress,
  checkAddress,
} from "../../lib/addresses/words.ts";
import { ifaddrmsg } from "../../lib/families/route.ts";
import { Reader, Writer } from "../../lib/wire/index.ts";
import { firstTryCounts } from "../needs.ts";
import { indexIn, NAMES, readAgain } from "./attributes.ts";

const plain = { family: "inet", scope: "global", validLifetime: "forever", preferredLifetime: "forever", dev: "br0" };
const CAPTURES: Readonly<Record<string, object>> = {
  plain: { ...plain, address: "12.12.139.1/24" },
  broadcast: {
    ...plain,
    address: "12.12.140.1/24",
    broadcast: "12.12.140.255",
    label: "br0:1",
    metric: 7,
    noprefixroute: true,
  },
  peer: { ...plain, address: "10.9.0.1/32", peer: "10.9.0.2", scope: "link" },
  lifetime: { ...plain, address: "10.8.0.1/16", validLifetime: 1000, preferredLifetime: 500, dynamic: true },
  ipv6: {
    ...plain,
    family: "inet6",
    address: "2001:db8:1::1/64",
    validLifetime: 1000,
    preferredLifetime: 500,
    nodad: true,
    home: true,
    mngtmpaddr: true,
    dynamic: true,
  },
  protocol: {
    ...plain,
    family: "inet6",
    address: "fe80::8cf5:93ff:fe17:c71f/64",
    dev: "d0",
    scope: "link",
    protocol: "kernel_ll",
  },
  "ipv6-peer": { ...plain, family: "inet6", address: "2001:db8:2::1/128", peer: "2001:db8:2::2", nodad: true },
};

const REFUSED: readonly (readonly [config: object, message: RegExp])[] = [
  [{ address: "192.0.2.1", dev: "d0" }, /^address: the prefix length is missing; write 192\.0\.2\.1\/32/],
  [{ address: "192.0.2.1/33", dev: "d0" }, /^address: expected an address with prefix length/],
  [
    { address: "0.0.0.0/24", dev: "d0" },
    /^address: 0\.0\.0\.0 is the unspecified address, which no interface can have/,
  ],
  [
    { address: "0::0/64", dev: "d0" },
    /^address: 0::0 is the unspecified address.*; write one such as 2001:db8::1\/64$/,
  ],
  [{ address: "192.0.2.1/32", dev: "d0", peer: "0.0.0.0" }, /^peer: 0\.0\.0\.0 is the unspecified .*; leave it out$/],
  [{ address: "192.0.2.1/24", dev: "d0", protocol: "dhcp" }, /^protocol: expected one of kernel_lo, kernel_ra/],
  [{ address: "192.0.2.1/24/1", dev: "d0" }, /^address: expected/],
  [{ address: "fe80::1%eth0/64", dev: "d0" }, /^address: expected/],
  [{ address: "192.0.2.1/24" }, /^dev: missing; expected an interface name/],
  [{ dev: "d0" }, /^address: missing/],
  [{ adress: "192.0.2.1/24", dev: "d0" }, /^adress: unknown key; did you mean address\?/],
  [{ address: "192.0.2.1/24", dev: "d0", peer: "192.0.2.2/32" }, /^peer: prefix length 32, but that of address is 24/],
  [
    { address: "192.0.2.1/24", dev: "d0", peer: "::1" },
    /^peer: ::1 and address 192\.0\.2\.1 are of different families/,
  ],
  [{ address: "::1/64", dev: "d0", broadcast: "+" }, /^broadcast: IPv6 has none/],
  [{ address: "192.0.2.1/32", dev: "d0", broadcast: "+" }, /^broadcast: a prefix of length 32 has no broadcast/],
  [{ address: "192.0.2.1/24", dev: "d0", nodad: true }, /^nodad: is for IPv6 only/],
  [{ address: "192.0.2.1/24", dev: "d0", validLifetime: 0 }, /^validLifetime: 0 is no lifetime/],
  [{ address: "192.0.2.1/24", dev: "d0", validLifetime: 5, preferredLifetime: 6 }, /^preferredLifetime: 6 is more/],
  [{ address: "192.0.2.1/24", dev: "d0", validLifetime: 1.5 }, /^validLifetime: expected a whole number of seconds/],
  [{ address: "192.0.2.1/24", dev: "d0", label: "a-label-too-long:1" }, /^label: expected text of at most 15 bytes/],
  [{ address: "192.0.2.1/24", dev: "d0", scope: "here" }, /^scope: expected one of global, site, link, host, nowhere/],
];

describe("addresses", function () {
  firstTryCounts(this);
  for (const [name, expected] of Object.entries(CAPTURES))
    it(`reads the kernel's ${name}`, () => {
      const message = readAgain(`addresses/${name}.hex`, newaddr, ifaddrmsg.size);
      const { created, updated, ...rest } = addressFromWire(message, NAMES) ?? {};
      deepEqual(rest, expected);
      equal(typeof created, "number");
      equal(typeof updated, "number");
    });

  for (const [config, message] of REFUSED)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(() => checkAddress(config as AddressConfig), { code: "ERR_INPUT", message });
    });

  it("works the broadcast address out", () => {
    const of = (address: string): string | undefined =>
      canonicalAddress({ address, dev: "d0", broadcast: "+" }).broadcast;
    equal(of("12.12.139.1/24"), "12.12.139.255");
    equal(of("255.255.255.253/30"), "255.255.255.255");
    equal(of("10.0.0.1/0"), "255.255.255.255");
  });

  it("gives loopback addresses the scope of the host", () => {
    equal(addressToWire({ address: "127.0.0.5/8", dev: "lo" }, 1).header.scope, 254);
    equal(addressToWire({ address: "192.0.2.1/24", dev: "d0" }, 10).header.scope, 0);
  });

  it("have a broadcast address where systemd-networkd gives them one", () => {
    const broadcast = (config: object): string | undefined =>
      addressToWire({ address: "", dev: "d0", ...config }, 10).attrs?.broadcast;
    equal(broadcast({ address: "192.0.2.1/24" }), "192.0.2.255");
    equal(broadcast({ address: "192.0.2.1/30" }), "192.0.2.3");
    equal(broadcast({ address: "192.0.2.1/31" }), undefined);
    equal(broadcast({ address: "192.0.2.1/24", peer: "192.0.2.2" }), undefined);
    equal(broadcast({ address: "192.0.2.1/24", broadcast: "none" }), undefined);
    equal(broadcast({ address: "192.0.2.1/24", broadcast: "192.0.2.9" }), "192.0.2.9");
    equal(broadcast({ address: "2001:db8::1/64" }), undefined);
  });

  it("reads what it writes", () => {
    const isSpecified = (ip: string): boolean => !/^[0.:]+$/.test(ip);
    const lifetime = fc.oneof(fc.integer({ min: 1, max: 0xffff_fffe }), fc.constant("forever" as const));
    const config = fc.record(
      {
        address: fc.oneof(
          fc.tuple(fc.ipV4().filter(isSpecified), fc.integer({ min: 0, max: 32 })).map((parts) => parts.join("/")),
          fc.tuple(fc.ipV6().filter(isSpecified), fc.integer({ min: 0, max: 128 })).map((parts) => parts.join("/")),
        ),
        dev: fc.constantFrom(...NAMES.values()),
        validLifetime: lifetime,
        metric: fc.integer({ min: 1, max: 0xffff_ffff }),
        noprefixroute: fc.constant(true),
        protocol: fc.integer({ min: 4, max: 255 }),
      },
      { requiredKeys: ["address", "dev"] },
    );
    fc.assert(
      fc.property(config, (given) => {
        checkAddress(given);
        const out = new Writer();
        newaddr.body.write(out, addressToWire(given, indexIn(given.dev)));
        const bytes = out.finish();
        const found = addressFromWire(newaddr.body.read(new Reader(bytes), 0, bytes.length), NAMES);
        const wanted = canonicalAddress(given);
        for (const [key, value] of Object.entries(wanted)) equal(found?.[key as keyof typeof found], value, key);
      }),
    );
  });
});
