import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { genericBody } from "../../lib/families/generic.ts";
import type { LinkLookup } from "../../lib/families/lookup.ts";
import { Macsec } from "../../lib/macsec/macsec.ts";
import * as schema from "../../lib/macsec/schema.ts";
import { macsecDevice } from "../../lib/macsec/schema.ts";
import {
  checkSaid,
  deviceFromWire,
  type MacsecVerb,
  reasonOf,
  type Said,
  type SortName,
  toWire,
} from "../../lib/macsec/words.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { type Connection, NetlinkError } from "../../lib/socket/index.ts";
import { type AnySchema, type In, NLMSG_HDRLEN, type Out, Reader, Writer } from "../../lib/wire/index.ts";
import { only } from "../fixtures.ts";
import { compare, header } from "../headers.ts";

const body = genericBody(macsecDevice);
const KEY = "00112233445566778899aabbccddeeff";
const SALT = "0102030405060708090a0b0c";
const SCI = "02000000000b000b";

const whole = (bytes: Uint8Array) => body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length);
const read = (file: string): Out<typeof macsecDevice> => whole(only(file)).attrs;
function written(attrs: In<typeof macsecDevice>, cmd = 1): Uint8Array {
  const out = new Writer();
  out.take(NLMSG_HDRLEN);
  body.write(out, { header: { cmd, version: 1 }, attrs });
  return out.finish();
}
const told = (file: string) => deviceFromWire(read(`macsec/${file}.hex`), (index) => `link${index}`);

/** Keys of attributes without a name, however deep. */
function unknownIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => (name.startsWith("#") ? [name] : unknownIn(part)));
}

describe("macsec: on the wire", () => {
  for (const file of ["plain", "full", "xpn"])
    it(`knows every attribute of ${file}.hex, and writes back what it read`, () => {
      const value = read(`macsec/${file}.hex`);
      deepEqual(unknownIn(value), []);
      deepEqual(whole(written(value)).attrs, value);
    });

  for (const one of Object.values(schema).filter((it): it is AnySchema & typeof macsecDevice => typeof it === "object"))
    it(`${one.name}_* are those of if_macsec.h`, function () {
      const numbers = header(this, "if_macsec.h");
      // The header has the one after the last as END where others have it as MAX.
      numbers.set(`__${one.name}_MAX`, numbers.get(`__${one.name}_END`) ?? 0);
      const { checked, wrong, newer } = compare(numbers, one);
      deepEqual([wrong, newer], [[], []]);
      ok(checked >= 5);
    });

  it("has the commands of if_macsec.h", function () {
    const numbers = header(this, "if_macsec.h");
    const ours = Object.entries(schema).filter(([name]) => name.startsWith("MACSEC_CMD_"));
    equal(ours.length, 5);
    for (const [name, number] of ours) equal(number, numbers.get(name), name);
    for (const [i, sort] of ["RXSC", "TXSA", "RXSA"].entries()) {
      equal(numbers.get(`MACSEC_CMD_DEL_${sort}`), 3 * i + 2);
      equal(numbers.get(`MACSEC_CMD_UPD_${sort}`), 3 * i + 3);
    }
    equal(numbers.get("MACSEC_KEYID_LEN"), schema.KEYID_BYTES);
  });
});

describe("macsec: in words", () => {
  it("tells a link without associations", () => {
    const { index, sci, statistics, ...rest } = told("plain");
    equal(sci.slice(-4), "000b");
    deepEqual([statistics.inPktsUntagged, statistics.outPktsEncrypted], [0n, 0n]);
    deepEqual(rest, {
      dev: `link${index}`,
      cipher: "gcm-aes-128",
      icvlen: 16,
      encodingsa: 0,
      protect: true,
      encrypt: true,
      sendSci: true,
      endStation: false,
      scb: false,
      replay: false,
      validate: "strict",
      operational: true,
      offload: "off",
      txsas: [],
      rxscs: [],
    });
  });

  it("tells associations, channels, and what passed", () => {
    const { txsas, rxscs, statistics, window, replay, sci, operational } = told("full");
    deepEqual([window, replay, sci, operational], [32, true, "02000000000a000b", true]);
    const [sent] = txsas;
    ok(sent !== undefined && (sent.pn ?? 0) > 100 && sent.statistics.outPktsEncrypted >= 2);
    equal(sent.keyId, "0102".padEnd(32, "0"));
    ok(statistics.outPktsEncrypted >= 2n && statistics.outOctetsEncrypted > 100n);
    const found = new Map(rxscs.map((one) => [one.sci, one]));
    deepEqual([...found.keys()].sort(), [SCI, "02000000000c000c"]);
    equal(found.get("02000000000c000c")?.active, false);
    const near = found.get(SCI);
    ok(near?.active && near.statistics.inPktsOk >= 2n && near.statistics.inOctetsDecrypted > 100n);
    deepEqual(
      near.rxsas.map(({ an, active, keyId }) => [an, active, keyId]),
      [
        [0, true, "0304".padEnd(32, "0")],
        [2, false, "0305".padEnd(32, "0")],
      ],
    );
    ok((near.rxsas[0]?.statistics.inPktsOk ?? 0) >= 2);
    deepEqual(near.rxsas[1], {
      an: 2,
      pn: 200,
      active: false,
      keyId: "0305".padEnd(32, "0"),
      statistics: { inPktsOk: 0, inPktsInvalid: 0, inPktsNotValid: 0, inPktsNotUsingSa: 0, inPktsUnusedSa: 0 },
    });
  });

  it("tells packet numbers of 64 bits, and short identifiers", () => {
    const { cipher, txsas, rxscs } = told("xpn");
    equal(cipher, "gcm-aes-xpn-128");
    const [sent] = txsas;
    equal(sent?.pn, undefined);
    ok((sent?.xpn ?? 0n) > 0x1_0000_0001n);
    equal(sent?.ssci, 1);
    equal(rxscs.find(({ sci }) => sci === SCI)?.rxsas[0]?.ssci, 2);
  });

  it("tells a cipher suite without a name as its number", () => {
    const { cipher } = deviceFromWire({ secy: { cipherSuite: 0x0080_c200_0100_0099n } }, String);
    equal(cipher, "0080c20001000099");
  });
});

describe("macsec: requests", () => {
  const sa = { dev: "sec", key: KEY };
  const sender = { dev: "sec", address: "02:00:00:00:00:0B", sciPort: 11 };
  const SAME: readonly (readonly [file: string, sort: SortName, verb: MacsecVerb, said: Said])[] = [
    ["txsa-add", "txsa", "create", { ...sa, an: 1, pn: 7, active: true, keyId: "0102" }],
    [
      "txsa-xpn",
      "txsa",
      "create",
      { ...sa, an: 0, xpn: 0x1_0000_0001n, salt: SALT, ssci: 0x11223344, active: true, keyId: "0102" },
    ],
    ["txsa-set", "txsa", "update", { dev: "sec", an: 1, pn: 9, active: false }],
    ["txsa-delete", "txsa", "delete", { dev: "sec", an: 1 }],
    ["rxsc-add", "rxsc", "create", { ...sender, active: true }],
    ["rxsc-set", "rxsc", "update", { ...sender, active: false }],
    ["rxsc-delete", "rxsc", "delete", { dev: "sec", sci: SCI }],
    ["rxsa-add", "rxsa", "create", { ...sa, sci: SCI.toUpperCase(), an: 3, pn: 5, active: false, keyId: "ff" }],
    ["rxsa-set", "rxsa", "update", { ...sender, an: 3, pn: 6, active: true }],
    ["rxsa-delete", "rxsa", "delete", { ...sender, an: 3 }],
  ];
  for (const [file, sort, verb, said] of SAME)
    it(`ask for what ip asks for: ${file}`, () => {
      const { ifindex, ...theirs } = read(`requests/macsec-${file}.hex`);
      checkSaid(sort, verb, said);
      deepEqual(whole(written(toWire(sort, verb, said))).attrs, theirs);
      ok((ifindex ?? 0) > 0);
    });

  it("begin with 1, of 64 bits where there is a salt, which other ciphers would not look at", () => {
    equal(toWire("txsa", "create", { ...sa, an: 0, keyId: "01", salt: SALT, ssci: 1 }).saConfig?.pn, 1n);
    equal(toWire("txsa", "create", { ...sa, an: 0, keyId: "01" }).saConfig?.pn, 1);
    equal(toWire("txsa", "update", { dev: "sec", an: 0 }).saConfig?.pn, undefined);
  });
});

describe("macsec: input", () => {
  const secret = KEY.slice(2);
  const sa = { dev: "sec", an: 0, key: KEY, keyId: "01" };
  const rx = { ...sa, sci: SCI };
  const BAD: readonly (readonly [sort: SortName, verb: MacsecVerb, said: unknown, path: string])[] = [
    ["txsa", "create", { ...sa, dev: undefined }, "dev"],
    ["txsa", "create", { ...sa, an: undefined }, "an"],
    ["txsa", "create", { ...sa, an: 4 }, "an"],
    ["txsa", "create", { ...sa, key: undefined }, "key"],
    ["txsa", "create", { ...sa, key: secret }, "key"],
    ["txsa", "create", { ...sa, key: `${KEY}\n` }, "key"],
    ["txsa", "create", { ...sa, key: Buffer.from(KEY, "hex") }, "key"],
    ["txsa", "create", { ...sa, keyId: undefined }, "keyId"],
    ["txsa", "create", { ...sa, keyId: "1" }, "keyId"],
    ["txsa", "create", { ...sa, keyId: "00".repeat(17) }, "keyId"],
    ["txsa", "create", { ...sa, keyId: KEY + KEY }, "keyId"],
    ["txsa", "create", { ...sa, pn: 0 }, "pn"],
    ["txsa", "create", { ...sa, pn: 2 ** 32 }, "pn"],
    ["txsa", "create", { ...sa, xpn: 5 }, "xpn"],
    ["txsa", "create", { ...sa, xpn: 2n ** 64n }, "xpn"],
    ["txsa", "create", { ...sa, pn: 1, xpn: 1n }, "pn"],
    ["txsa", "create", { ...sa, xpn: 1n }, "salt"],
    ["txsa", "create", { ...sa, salt: SALT }, "ssci"],
    ["txsa", "create", { ...sa, salt: SALT.slice(2), ssci: 1 }, "salt"],
    ["txsa", "create", { ...sa, salt: SALT, ssci: 2 ** 32 }, "ssci"],
    ["txsa", "create", { ...sa, pn: 1, salt: SALT, ssci: 1 }, "pn"],
    ["txsa", "create", { ...sa, active: 1 }, "active"],
    ["txsa", "create", { ...sa, sci: SCI }, "sci"],
    ["txsa", "update", { dev: "sec", an: 0, key: KEY }, "key"],
    ["txsa", "delete", { dev: "sec" }, "an"],
    ["txsa", "delete", { dev: "sec", an: 0, active: false }, "active"],
    ["rxsc", "create", { dev: "sec" }, "sci"],
    ["rxsc", "create", { dev: "sec", sci: "0x1" }, "sci"],
    ["rxsc", "create", { dev: "sec", sci: SCI, sciPort: 1 }, "sciPort"],
    ["rxsc", "create", { dev: "sec", sci: SCI, address: "02:00:00:00:00:01" }, "address"],
    ["rxsc", "create", { dev: "sec", address: "02:00:00:00:00:01" }, "sciPort"],
    ["rxsc", "create", { dev: "sec", sciPort: 1 }, "address"],
    ["rxsc", "create", { dev: "sec", address: "02:00:00:00:00:01", sciPort: 0 }, "sciPort"],
    ["rxsc", "delete", { dev: "sec", sci: SCI, active: true }, "active"],
    ["rxsa", "create", sa, "sci"],
    ["rxsa", "create", { ...rx, key: secret }, "key"],
    ["rxsa", "delete", { dev: "sec", sci: SCI }, "an"],
    ["rxsa", "delete", secret, "config"],
  ];
  for (const [i, [sort, verb, said, path]] of BAD.entries())
    it(`is refused at ${path} before anything is sent (${i + 1})`, () => {
      throws(
        () => checkSaid(sort, verb, said as never),
        (error) => {
          ok(error instanceof InputError);
          equal(error.path.join("."), path);
          ok(!inspect(error).includes(secret), "a key is never shown");
          return true;
        },
      );
    });

  it("of a value that gets past is refused by the wire without being shown", () => {
    throws(
      () => written({ saConfig: { key: `${secret}x` } }),
      (error) => !inspect(error).includes(secret) && /key: expected bytes/.test(String(error)),
    );
  });
});

describe("macsec: refusals", () => {
  const device = { ...told("full"), dev: "sec" };
  const sa = { dev: "sec", an: 0, key: KEY, keyId: "01" };
  const rx = { ...sa, sci: SCI };
  const wide = { ...device, cipher: "gcm-aes-xpn-256" };
  const REASONS: readonly (readonly [
    found: typeof device,
    code: string,
    sort: SortName,
    verb: MacsecVerb,
    said: Said,
    key?: string,
  ])[] = [
    [device, "EBUSY", "txsa", "create", sa, "an"],
    [device, "EBUSY", "rxsa", "delete", rx, "an"],
    [device, "EEXIST", "rxsc", "create", rx, "sci"],
    [device, "ENODEV", "txsa", "delete", sa, "an"],
    [device, "ENODEV", "rxsa", "update", rx, "an"],
    [device, "ENODEV", "rxsa", "update", { ...rx, sci: "0000000000000001" }, "sci"],
    [device, "ENODEV", "rxsc", "delete", { dev: "sec", sci: "0000000000000001" }, "sci"],
    [device, "EINVAL", "txsa", "update", { ...sa, xpn: 1n }, "xpn"],
    [device, "EINVAL", "txsa", "create", { ...sa, salt: SALT, ssci: 1 }, "salt"],
    [device, "EINVAL", "txsa", "create", { ...sa, key: KEY + KEY }, "key"],
    [device, "EINVAL", "txsa", "create", sa],
    [device, "EINVAL", "rxsc", "create", { dev: "sec", sci: SCI }],
    [wide, "EINVAL", "txsa", "update", { ...sa, pn: 1 }, "pn"],
    [wide, "EINVAL", "txsa", "create", sa, "salt"],
    [wide, "EINVAL", "txsa", "create", { ...sa, salt: SALT, ssci: 1 }, "key"],
    [device, "ENOMEM", "txsa", "create", sa],
  ];
  for (const [i, [found, code, sort, verb, said, key]] of REASONS.entries())
    it(`are explained by what is there: ${code} of ${verb} ${sort} (${i + 1})`, () => {
      const reason = reasonOf(code, sort, verb, said, found);
      equal(reason?.key, key);
      ok(!JSON.stringify(reason ?? "").includes(KEY));
    });

  it("of a kernel without it are told in plain words, each time anew", async () => {
    let asked = 0;
    const connection = {
      get: async () => {
        asked++;
        throw new NetlinkError({ errno: -2, request: "CTRL_CMD_GETFAMILY" });
      },
    } as unknown as Connection;
    const macsec = new Macsec(connection, {} as LinkLookup);
    await rejects(macsec.list(), /^NetlinkError: cannot list MACsec: this kernel has no MACsec.*\(ENOENT\)$/);
    const made = macsec.txsa.create({ ...sa });
    await rejects(made, /cannot add transmit association 0 of sec: this kernel has no MACsec/);
    equal(asked, 2);
  });
});
