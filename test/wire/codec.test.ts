import { deepEqual, equal, throws } from "node:assert/strict";
import { isIPv4 } from "node:net";
import fc from "fast-check";
import {
  array,
  be16,
  be32,
  be64,
  bits,
  bool,
  byteOrFlag,
  type Codec,
  fixedText,
  hardware,
  ip,
  ipv4,
  ipv6,
  mac,
  mapped,
  oneOf,
  Reader,
  s16,
  s32,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  uint,
  WireError,
  Writer,
} from "../../lib/wire/index.ts";
import { firstTryCounts } from "../needs.ts";

function encode<I>(codec: Codec<I, unknown>, value: I): string {
  const out = new Writer(8);
  codec.write(out, value);
  return Buffer.from(out.finish()).toString("hex");
}
function decode<O>(codec: Codec<never, O>, hex: string): O {
  const bytes = new Uint8Array(Buffer.from(hex, "hex"));
  return codec.read(new Reader(bytes), 0, bytes.length);
}
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const host = (le: string): string => (littleEndian ? le : (le.match(/../g) ?? []).reverse().join(""));

describe("integers", () => {
  it("are in host order unless their name says be", () => {
    equal(encode(u16, 0x1234), host("3412"));
    equal(encode(u32, 0x12345678), host("78563412"));
    equal(encode(be16, 0x12b5), "12b5");
    equal(encode(be32, 0x00012345), "00012345");
    equal(encode(be64, 0x0102030405060708n), "0102030405060708");
    equal(decode(be32, "ff000001"), 0xff000001);
    equal(decode(be64, "ffffffffffffffff"), 0xffff_ffff_ffff_ffffn);
    equal(decode(s32, "ffffffff"), -1);
    equal(encode(s16, -2), host("feff"));
  });

  it("keep the extremes of their range", () => {
    for (const [codec, values] of [
      [u8, [0, 255]],
      [u16, [0, 0xffff]],
      [s16, [-0x8000, 0x7fff]],
      [u32, [0, 0xffff_ffff]],
      [s32, [-0x8000_0000, 0x7fff_ffff]],
      [be16, [0, 0xffff]],
      [be32, [0, 0xffff_ffff]],
    ] as const)
      for (const value of values) equal(decode(codec, encode(codec, value)), value, codec.name);
    for (const value of [0n, 0xffff_ffff_ffff_ffffn, 1n << 53n]) equal(decode(u64, encode(u64, value)), value);
  });

  it("are as wide as their value where the kernel sends them so", () => {
    equal(encode(uint, 0xffff_ffffn), host("ffffffff"));
    equal(encode(uint, 0x1_0000_0000n), host("0000000001000000"));
    for (const value of [0n, 0xffff_ffffn, 0x1_0000_0000n, 0xffff_ffff_ffff_ffffn])
      equal(decode(uint, encode(uint, value)), value);
    throws(() => encode(uint, -1n), /expected u64/);
    throws(() => decode(uint, "ffff"), /needs 8 bytes, got 2/);
  });

  it("refuse what does not fit, and say what fits", () => {
    throws(() => encode(u8, 256), /expected u8 \(0\.\.255\), got 256/);
    throws(() => encode(u16, -1), WireError);
    throws(() => encode(u32, 1.5), WireError);
    throws(() => encode(u32, Number.NaN), WireError);
    throws(() => encode(u32, "7" as never), WireError);
    throws(() => encode(u64, 7 as never), WireError);
    throws(() => decode(u32, "00"), /u32 needs 4 bytes, got 1/);
  });
});

describe("small codecs", () => {
  it("read a byte as a truth value and a flag as true", () => {
    equal(encode(bool, true), "01");
    equal(decode(bool, "02"), true);
    equal(decode(byteOrFlag, ""), true);
    equal(decode(byteOrFlag, "00"), false);
    throws(() => encode(bool, 1 as never), /expected true or false/);
  });

  it("read a number without a name as that number, and write it back", () => {
    const df = oneOf(u8, { unset: 0, set: 1, inherit: 2 });
    equal(decode(df, "02"), "inherit");
    equal(decode(df, "09"), 9);
    equal(encode(df, 9), "09");
    throws(() => encode(df, "sett" as never), /expected one of unset, set, inherit, got sett/);
    throws(() => encode(df, "toString" as never), WireError);
  });

  it("keep bits without a name", () => {
    const flags = bits(u32, { up: 1, loopback: 8, top: 0x8000_0000 });
    deepEqual(decode(flags, host("09000100")), { up: true, loopback: true, rest: 0x10000 });
    equal(encode(flags, { up: true, top: true, rest: 0x10000 }), host("01000180"));
  });

  it("map a number to another form of it", () => {
    const seconds = mapped<number, number>(
      u32,
      "seconds",
      (x) => x * 100,
      (x) => x / 100,
    );
    equal(decode(seconds, encode(seconds, 3.5)), 3.5);
  });

  it("lay structs out as declared, accept longer ones and refuse shorter ones", () => {
    const header = struct("h", { family: u8, _pad: u8, type: u16, index: s32 });
    equal(encode(header, { family: 10, index: -2 }), `0a000000${host("feffffff")}`);
    deepEqual(decode(header, `0a00${host("0100")}${host("feffffff")}aabb`), { family: 10, type: 1, index: -2 });
    throws(() => decode(header, "0a00"), /h needs 8 bytes, got 2/);
    throws(() => encode(header, { family: 300 }), /family: expected u8/);
  });

  it("read arrays of what fits", () => {
    deepEqual(decode(array(be16), "000100020003"), [1, 2, 3]);
    equal(encode(array(be16), [1, 2]), "00010002");
  });
});

describe("text", function () {
  firstTryCounts(this);
  it("ends with a NUL byte when written and may lack it when read", () => {
    equal(encode(text, "lo"), "6c6f00");
    equal(decode(text, "6c6f00"), "lo");
    equal(decode(text, "6c6f"), "lo");
    equal(decode(text, ""), "");
    throws(() => encode(text, "a\0b"), WireError);
    throws(() => encode(text, 5 as never), WireError);
  });

  it("keeps every name that the kernel may send", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (raw) => {
        const name = raw.map((byte) => (byte === 0 ? 1 : byte));
        const hex = Buffer.from(name).toString("hex");
        equal(encode(text, decode(text, hex)), `${hex}00`);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads UTF-8 as such and other bytes one by one", () => {
    equal(decode(text, "c3a9"), "é");
    equal(decode(text, "61ff"), "a\udcff");
  });

  it("gives the right text however many names were seen before", () => {
    for (let i = 0; i < 5000; i++) equal(decode(text, Buffer.from(`veth${i}\0`).toString("hex")), `veth${i}`);
  });

  it("fills a field of fixed size", () => {
    equal(encode(fixedText(4), "ab"), "61620000");
    equal(decode(fixedText(4), "61620000"), "ab");
    throws(() => encode(fixedText(4), "abcd"), /at most 3 bytes/);
  });
});

describe("addresses", function () {
  firstTryCounts(this);
  it("are text", () => {
    equal(encode(ipv4, "192.168.0.24"), "c0a80018");
    equal(decode(ipv4, "c0a80018"), "192.168.0.24");
    equal(encode(mac, "02:00:00:00:00:AB"), "0200000000ab");
    equal(decode(mac, "0200000000ab"), "02:00:00:00:00:ab");
    equal(decode(hardware, "c0a80018"), "c0:a8:00:18");
    equal(encode(hardware, "c0:a8"), "c0a8");
    equal(decode(ip, "c0a80018"), "192.168.0.24");
    equal(encode(ip, "::1"), "00000000000000000000000000000001");
    throws(() => decode(ip, "c0a8"), /needs 4 or 16 bytes/);
  });

  it("refuse what is no address", () => {
    for (const bad of ["1.2.3", "1.2.3.256", "::1%eth0", "", "01.2.3.4", 5])
      for (const codec of [ipv4, ipv6, ip]) throws(() => encode(codec, bad as never), WireError, String(bad));
    throws(() => encode(mac, "02:00:00:00:00"), /expected a MAC address/);
    for (const text of ["2", "02:", "02:0", ":02", "02-00", "0g", "02:00:", "020:0", " 2", "02 00"])
      throws(() => encode(hardware, text), /expected a hardware address/, text);
    equal(encode(hardware, ""), "");
  });

  it("agree with Node on what an IPv4 address is", () => {
    const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom("", "00", "01", "-1", "1e1", " 1", "256", "a"));
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
        const address = parts.join(".");
        if (isIPv4(address)) equal(encode(ipv4, address), Buffer.from(parts.map(Number)).toString("hex"));
        else throws(() => encode(ipv4, address), WireError);
      }),
      { numRuns: 3000 },
    );
  });

  it("write IPv6 as RFC 5952 says", () => {
    const forms: [string, string][] = [
      ["20010db8000000000000000000000001", "2001:db8::1"],
      ["00000000000000000000000000000000", "::"],
      ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
      ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
      ["fe800000000000000000000000000000", "fe80::"],
      ["20010000000000010000000000000001", "2001:0:0:1::1"],
    ];
    for (const [hex, form] of forms) {
      equal(decode(ipv6, hex), form);
      equal(encode(ipv6, form), hex);
    }
    equal(encode(ipv6, "::ffff:192.0.2.1"), "00000000000000000000ffffc0000201");
  });

  it("agree on IPv6 with the URL parser, which has an implementation of its own", () => {
    const group = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(0xffff) });
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const hex = groups.map((one) => one.toString(16).padStart(4, "0")).join("");
        const full = groups.map((one) => one.toString(16)).join(":");
        equal(`[${decode(ipv6, hex)}]`, new URL(`http://[${full}]/`).hostname);
        equal(encode(ipv6, decode(ipv6, hex)), hex);
      }),
      { numRuns: 2000 },
    );
  });
});
