import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import {
  type AttrsOut,
  at,
  attrs,
  be16,
  be32,
  body,
  byteOrFlag,
  bytes,
  flag,
  locate,
  many,
  message,
  NLMSG_HDRLEN,
  Reader,
  readOnly,
  s32,
  split,
  struct,
  tagged,
  text,
  u8,
  u16,
  u32,
  uneven,
  WireError,
  Writer,
  writeMessage,
} from "../../lib/wire/index.ts";
import { only } from "../fixtures.ts";
import { firstTryCounts } from "../needs.ts";

const vxlan = attrs("IFLA_VXLAN", {
  id: at(1, u32),
  port: at(15, be16),
  gbp: flag(23),
  label: at(26, be32),
  ttlInherit: uneven(flag(28), at(28, byteOrFlag)),
});
const linkinfo = attrs("IFLA_INFO", { info: tagged(1, 2, { vxlan }) });
const link = attrs("IFLA", {
  ifname: at(3, text),
  mtu: at(4, u32),
  linkinfo: at(18, linkinfo),
  propList: at(52, attrs("IFLA", { altIfname: many(53, text) })),
});
const ifinfomsg = struct("ifinfomsg", { family: u8, _pad: u8, type: u16, index: s32, flags: u32, change: u32 });
const newlink = message("RTM_NEWLINK", 16, body(ifinfomsg, link));

function read(payload: Uint8Array): AttrsOut<typeof link.fields> {
  return link.read(new Reader(payload), 0, payload.length);
}
function written(value: Parameters<typeof link.write>[1]): Uint8Array {
  const out = new Writer(16);
  link.write(out, value);
  return out.finish();
}
/** Attributes of a capture: what follows nlmsghdr and ifinfomsg. */
const attributesOf = (path: string): Uint8Array => only(path).slice(NLMSG_HDRLEN + ifinfomsg.size);

describe("attribute schemas", function () {
  firstTryCounts(this);
  it("read what the kernel sent", () => {
    const state = read(attributesOf("wire/vxlan.hex"));
    equal(state.ifname, "vxlan0");
    equal(state.mtu, 1450);
    ok(state.linkinfo?.info?.kind === "vxlan");
    const { id, port, gbp, ttlInherit } = state.linkinfo.info.data ?? {};
    deepEqual({ id, port, gbp, ttlInherit }, { id: 39, port: 4789, gbp: true, ttlInherit: true });
  });

  it("read network order where the kernel has it", () => {
    const state = read(attributesOf("wire/vxlan-ipv6.hex"));
    ok(state.linkinfo?.info?.kind === "vxlan");
    equal(state.linkinfo.info.data?.label, 0x12345);
  });

  it("write back every attribute that was read, known or not", () => {
    for (const path of ["wire/vxlan.hex", "wire/vxlan-ipv6.hex"]) {
      const payload = attributesOf(path);
      const state = read(payload);
      const again = read(written(state));
      const info = again.linkinfo?.info;
      ok(info?.kind === "vxlan" && state.linkinfo?.info?.kind === "vxlan");
      // A byte when dumped, a flag when set: `false` is written by leaving it out.
      deepEqual({ ttlInherit: false, ...info.data }, state.linkinfo.info.data);
      const plain = (from: Uint8Array): string[] =>
        split(from)
          .map(({ type, payload: part }) => `${type & 0x3fff}:${type === 18 ? "" : Buffer.from(part).toString("hex")}`)
          .filter((line) => !line.startsWith("18:") && !line.startsWith("32786:"))
          .sort();
      deepEqual(plain(written(state)), plain(payload));
    }
  });

  it("write in the order declared, whatever the order of the keys", () => {
    deepEqual(written({ mtu: 1, ifname: "a" }), written({ ifname: "a", mtu: 1 }));
  });

  it("keep a kind without a schema, and what is inside", () => {
    const value = { linkinfo: { info: { kind: "#netkit" as const, data: Uint8Array.of(8, 0, 1, 0, 1, 0, 0, 0) } } };
    deepEqual(read(written(value)), value);
  });

  it("find the kind also behind its data", () => {
    const raw = new Writer();
    const nest = raw.begin(18);
    const data = raw.begin(2);
    vxlan.write(raw, { id: 7 });
    raw.end(data);
    const kind = raw.begin(1);
    text.write(raw, "vxlan");
    raw.end(kind);
    raw.end(nest);
    deepEqual(read(raw.finish()).linkinfo, { info: { kind: "vxlan", data: { id: 7 } } });
  });

  it("repeat what may be repeated, and let the last one win elsewhere", () => {
    deepEqual(read(written({ propList: { altIfname: ["a", "b"] } })).propList, { altIfname: ["a", "b"] });
    const twice = new Uint8Array([...written({ mtu: 1 }), ...written({ mtu: 2 })]);
    equal(read(twice).mtu, 2);
  });

  it("keep an attribute of another form than expected as unknown, and the rest of the message", () => {
    const raw = new Writer();
    const short = raw.begin(4);
    raw.bytes(Uint8Array.of(1, 2));
    raw.end(short);
    const name = raw.begin(3);
    text.write(raw, "x");
    raw.end(name);
    deepEqual(read(raw.finish()), { "#4": [{ type: 4, payload: Uint8Array.of(1, 2) }], ifname: "x" });
  });

  it("name the property at fault", () => {
    throws(() => written({ linkinfo: { info: { kind: "vxlan", data: { port: 70000 } } } }), {
      code: "ERR_WIRE",
      message: "linkinfo.info.vxlan.port: expected be16 (0..65535), got 70000",
    });
    throws(() => written({ ifnam: "x" } as never), /IFLA has no attribute "ifnam"/);
    const dumped = attrs("T", { stats: readOnly(1, bytes) });
    throws(
      () => dumped.write(new Writer(), { stats: Uint8Array.of(1) as never }),
      /stats: this attribute cannot be set/,
    );
  });

  it("refuse impossible lengths", () => {
    throws(() => read(Uint8Array.of(3, 0, 4, 0)), /attribute at byte 0 has length 3/);
    throws(() => read(Uint8Array.of(9, 0, 4, 0, 1, 2, 3, 4)), /has length 9/);
  });

  it("end an attribute without its padding", () => {
    const out = written({ ifname: "abcd" });
    equal(read(out.slice(0, 9)).ifname, "abcd");
  });

  it("refuse an attribute that is too long for its length field", () => {
    throws(() => written({ "#9": [{ type: 9, payload: new Uint8Array(65536) }] }), /65535 is the most/);
  });

  it("survive any bytes: a value or a WireError, nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => {
        try {
          read(junk);
        } catch (error) {
          ok(error instanceof WireError);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it("survive a capture with any byte changed, cut anywhere", () => {
    const payload = attributesOf("wire/vxlan.hex");
    for (let cut = 0; cut <= payload.length; cut++)
      try {
        read(payload.slice(0, cut));
      } catch (error) {
        ok(error instanceof WireError);
      }
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.nat(255), (position, byte) => {
        const changed = payload.slice();
        changed[position] = byte;
        try {
          read(changed);
        } catch (error) {
          ok(error instanceof WireError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("schemas used a lot", function () {
  firstTryCounts(this);
  // They are compiled after a number of calls; from then on they must read, write and refuse as before.
  const payload = attributesOf("wire/vxlan.hex");
  const outcome = (step: () => unknown): unknown => {
    try {
      return step();
    } catch (error) {
      ok(error instanceof WireError);
      return error.message;
    }
  };
  const fresh = (): typeof link => attrs("IFLA", link.fields);

  it("read the same", () => {
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.nat(255), (position, byte) => {
        const changed = payload.slice();
        changed[position] = byte;
        const plain = fresh();
        const first = outcome(() => plain.read(new Reader(changed), 0, changed.length));
        for (let i = 0; i < 40; i++) outcome(() => plain.read(new Reader(payload), 0, payload.length));
        deepEqual(
          outcome(() => plain.read(new Reader(changed), 0, changed.length)),
          first,
        );
      }),
      { numRuns: 200 },
    );
  });

  it("write and refuse the same", () => {
    const values: unknown[] = [
      { ifname: "a", mtu: 1500 },
      { mtu: 1500, ifname: "a", linkinfo: undefined },
      { mtu: -1 },
      { mtu: 1.5 },
      { mtu: "1500" },
      { linkinfo: { info: { kind: "vxlan", data: { id: 39, port: 4789, gbp: true, label: 7 } } } },
      { linkinfo: { info: { kind: "vxlan", data: { id: 39, port: 65536 } } } },
      { ifname: "a", unknown: 1 },
      { "#99": [{ type: 99, payload: Uint8Array.of(1) }] },
    ];
    for (const value of values) {
      const plain = fresh();
      const write = (): unknown => {
        const out = new Writer(8);
        plain.write(out, value as never);
        return out.finish();
      };
      const first = outcome(write);
      for (let i = 0; i < 40; i++) outcome(write);
      deepEqual(outcome(write), first);
    }
  });

  it("lay structs out the same", () => {
    for (const value of [
      { index: -1, flags: 7, family: 2 },
      {},
      { index: 2 ** 31 },
      { family: true },
      { type: 65535 },
    ]) {
      const write = (codec: typeof ifinfomsg): unknown => {
        const out = new Writer(8);
        codec.write(out, value as never);
        return out.finish();
      };
      const plain = struct("ifinfomsg", { family: u8, _pad: u8, type: u16, index: s32, flags: u32, change: u32 });
      const first = outcome(() => write(plain));
      for (let i = 0; i < 40; i++) outcome(() => write(plain));
      deepEqual(
        outcome(() => write(plain)),
        first,
      );
    }
  });

  it("work where code must not be made of strings", () => {
    const script = `
      import { at, attrs, u32, Reader, Writer } from "${new URL("../../lib/wire/index.js", import.meta.url).href}";
      const schema = attrs("T", { a: at(1, u32) });
      for (let i = 0; i < 100; i++) {
        const out = new Writer();
        schema.write(out, { a: i });
        if (schema.read(new Reader(out.finish()), 0, 8).a !== i) process.exit(1);
      }
      try { new Function(""); process.exit(2); } catch {}`;
    const flags = ["--disallow-code-generation-from-strings", "--input-type=module", "-e", script];
    const run = spawnSync(process.execPath, flags, { encoding: "utf8" });
    equal(run.stderr, "");
    equal(run.status, 0);
  });
});

describe("locate", () => {
  const out = new Writer();
  const start = writeMessage(
    out,
    newlink,
    {
      header: { index: 3 },
      attrs: {
        ifname: "vx",
        linkinfo: { info: { kind: "vxlan", data: { id: 1, port: 2 } } },
        "#99": [{ type: 99, payload: Uint8Array.of(1) }],
      },
    },
    5,
    1,
  );
  const from = new Reader(out.finish());
  const name = (target: number): string | undefined =>
    newlink.body.locate(from, start + NLMSG_HDRLEN, out.length, target);

  it("names the attribute at a byte of the request", () => {
    const found = new Set<string | undefined>();
    for (let target = 0; target < out.length; target++) found.add(name(target));
    deepEqual(
      [...found],
      [
        undefined,
        "ifname",
        "linkinfo",
        "linkinfo.info",
        "linkinfo.info(vxlan)",
        "linkinfo.info(vxlan).id",
        "linkinfo.info(vxlan).port",
        "#99",
      ],
    );
    equal(locate(link, from, out.length, out.length, 0), undefined);
  });
});

describe("messages", () => {
  it("carry length, type, flags and sequence, and start at a multiple of 4", () => {
    const out = new Writer(4);
    writeMessage(out, newlink, { header: {}, attrs: { ifname: "ab" } }, 0x605, 77);
    const second = writeMessage(out, newlink, { header: { index: 1 } }, 1, 78);
    equal(second % 4, 0);
    const from = new Reader(out.finish());
    deepEqual([from.u32[0], from.u16[2], from.u16[3], from.u32[2]], [40, 16, 0x605, 77]);
    deepEqual(newlink.body.read(from, second + 16, second + 32), {
      header: { family: 0, type: 0, index: 1, flags: 0, change: 0 },
      attrs: {},
    });
  });

  it("leave nothing behind when a value is refused", () => {
    const out = new Writer(4);
    throws(
      () => writeMessage(out, newlink, { header: {}, attrs: { ifname: "abc", mtu: -1 } }, 1, 1),
      /RTM_NEWLINK\.mtu: expected u32/,
    );
    equal(out.length, 0);
    writeMessage(out, newlink, { header: {} }, 1, 1);
    deepEqual(out.finish().slice(16), new Uint8Array(16));
  });

  it("refuse a payload shorter than its header", () => {
    throws(() => newlink.body.read(new Reader(new Uint8Array(8)), 0, 8), /ifinfomsg needs 16 bytes, got 8/);
  });
});
