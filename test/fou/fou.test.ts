import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { genericBody } from "../../lib/families/generic.ts";
import type { LinkLookup } from "../../lib/families/lookup.ts";
import { Fou } from "../../lib/fou/fou.ts";
import * as schema from "../../lib/fou/schema.ts";
import { fouPort } from "../../lib/fou/schema.ts";
import { checkConfig, checkName, configToWire, nameToWire, portFromWire } from "../../lib/fou/words.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { type Connection, NetlinkError } from "../../lib/socket/index.ts";
import { type In, NLMSG_HDRLEN, Reader, Writer } from "../../lib/wire/index.ts";
import { only } from "../fixtures.ts";
import { compare, header } from "../headers.ts";

const body = genericBody(fouPort);
const bytesRead = (bytes: Uint8Array) => body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length).attrs;
const read = (file: string) => bytesRead(only(file));
function written(attrs: In<typeof fouPort>): Uint8Array {
  const out = new Writer();
  out.take(NLMSG_HDRLEN);
  body.write(out, { header: { cmd: 1, version: 1 }, attrs });
  return out.finish();
}
const told = (file: string) => portFromWire(read(`fou/${file}.hex`), new Map([[10, "d0"]]));

describe("fou: on the wire", () => {
  for (const file of ["direct", "gue", "peer", "peer6"])
    it(`knows every attribute of ${file}.hex, and writes back what it read`, () => {
      const value = read(`fou/${file}.hex`);
      deepEqual(
        Object.keys(value).filter((key) => key.startsWith("#")),
        [],
      );
      deepEqual(bytesRead(written(value)), value);
      equal(written(value).length, only(`fou/${file}.hex`).length);
    });

  it("has the numbers of fou.h", function () {
    const numbers = header(this, "fou.h");
    const { checked, wrong, newer } = compare(numbers, fouPort);
    deepEqual([wrong, newer], [[], []]);
    equal(checked, 11);
    const commands = Object.entries(schema).filter(([name]) => name.startsWith("FOU_CMD_"));
    equal(commands.length, 3);
    for (const [name, number] of commands) equal(number, numbers.get(name), name);
    deepEqual([numbers.get("FOU_ENCAP_DIRECT"), numbers.get("FOU_ENCAP_GUE")], [1, 2]);
  });
});

describe("fou: in words", () => {
  it("tells what is behind the UDP header, and who may send", () => {
    const plain = { family: "inet", remcsumNopartial: false };
    deepEqual(told("direct"), { ...plain, port: 6555, ipproto: 4, gue: false });
    deepEqual(told("gue"), { ...plain, port: 6556, gue: true });
    const ends = { local: "192.0.2.1", peer: "192.0.2.9", peerPort: 5000, dev: "d0" };
    deepEqual(told("peer"), { ...plain, ...ends, port: 6557, ipproto: 47, gue: false });
    const six = { family: "inet6", local: "2001:db8::1", peer: "2001:db8::9", peerPort: 5000 };
    deepEqual(told("peer6"), { ...plain, ...six, port: 6558, ipproto: 41, gue: false });
  });

  const SAME: readonly (readonly [file: string, wire: In<typeof fouPort>])[] = [
    ["add", configToWire({ port: 5555, ipproto: 4 }, () => 0)],
    ["gue", configToWire({ port: 5556, gue: true }, () => 0)],
    [
      "peer",
      configToWire(
        { port: 5557, ipproto: 47, local: "192.0.2.1", peer: "192.0.2.9", peerPort: 5000, dev: "d0" },
        () => 10,
      ),
    ],
    [
      "peer6",
      configToWire({ port: 5558, ipproto: 41, local: "2001:db8::1", peer: "2001:db8::9", peerPort: 5000 }, Number),
    ],
    // What is in it does not count when it is closed.
    ["delete", { ...nameToWire({ port: 5559 }, () => 0), type: "direct" }],
  ];
  for (const [file, wire] of SAME)
    it(`asks for what ip asks for: ${file}`, () =>
      deepEqual(bytesRead(written(wire)), read(`requests/fou-${file}.hex`)));
});

describe("fou: input", () => {
  const BAD: readonly (readonly [config: unknown, path: string])[] = [
    [null, "config"],
    [{}, "port"],
    [{ port: 0, gue: true }, "port"],
    [{ port: 65_536, gue: true }, "port"],
    [{ port: 1 }, "ipproto"],
    [{ port: 1, gue: false }, "ipproto"],
    [{ port: 1, ipproto: 0 }, "ipproto"],
    [{ port: 1, ipproto: 4, gue: true }, "ipproto"],
    [{ port: 1, gue: true, local: "192.0.2.1", family: "inet6" }, "local"],
    [{ port: 1, gue: true, local: "192.0.2.1", peer: "2001:db8::1", peerPort: 1 }, "peer"],
    [{ port: 1, gue: true, peer: "192.0.2.1" }, "peerPort"],
    [{ port: 1, gue: true, peerPort: 1 }, "peer"],
    [{ port: 1, gue: true, family: "ipx" }, "family"],
    [{ port: 1, gue: true, dev: "a/b" }, "dev"],
    [{ port: 1, gue: true, dev: "d0" }, "local"],
    [{ port: 1, gue: true, dev: "d0", peer: "192.0.2.1", peerPort: 1 }, "local"],
    [{ port: 1, gue: true, encap: "gue" }, "encap"],
  ];
  for (const [i, [config, path]] of BAD.entries())
    it(`is refused at ${path} before anything is sent (${i + 1})`, () => {
      throws(
        () => checkConfig(config as never),
        (error) => error instanceof InputError && error.path.join(".") === path,
      );
    });

  it("of a name says nothing of what is in it", () => {
    throws(() => checkName({ port: 1, gue: true } as never), { path: ["gue"] });
    checkName({ port: 1 });
  });
});

describe("fou: refusals", () => {
  const refusing = (errno: number, found: boolean): Connection =>
    ({
      get: async (message: { readonly name: string }) => {
        if (message.name === "CTRL_CMD_GETFAMILY") return { attrs: { familyId: 30 } };
        if (found) return { attrs: { port: 5555, af: 2 } };
        throw new NetlinkError({ errno: -3, request: "FOU_CMD_GET" });
      },
      request: async () => {
        throw new NetlinkError({ errno, request: "FOU_CMD" });
      },
    }) as unknown as Connection;
  const links = {} as LinkLookup;

  it("of a port that is not there say so, which the kernel does not", async () => {
    const gone = new Fou(refusing(-22, false), links).delete({ port: 5555 });
    await rejects(gone, {
      code: "ENOENT",
      absent: true,
      message: /^cannot delete FOU port 5555: there is no such port/,
    });
    await rejects(new Fou(refusing(-22, true), links).delete({ port: 5555 }), { code: "EINVAL" });
  });

  it("of a deletion stand where the port cannot be looked at", async () => {
    const connection = {
      get: async ({ name }: { readonly name: string }) => {
        if (name === "CTRL_CMD_GETFAMILY") return { attrs: { familyId: 30 } };
        throw new NetlinkError({ errno: -1, request: "FOU_CMD_GET" });
      },
      request: () => Promise.reject(new NetlinkError({ errno: -22, request: "FOU_CMD" })),
    };
    await rejects(new Fou(connection as unknown as Connection, links).delete({ port: 5555 }), {
      code: "EINVAL",
      message: /^cannot delete FOU port 5555: /,
    });
  });

  it("hand the caller's signal to the question for the family", async () => {
    const { signal } = new AbortController();
    const asked: unknown[] = [];
    const connection = {
      get: async (...args: readonly unknown[]) => {
        asked.push(args[3]);
        throw new NetlinkError({ errno: -4, request: "CTRL_CMD_GETFAMILY" });
      },
    };
    await rejects(new Fou(connection as unknown as Connection, links).list({ signal }), { code: "EINTR" });
    deepEqual(asked, [{ signal }]);
  });

  it("name what is at fault", async () => {
    const taken = new Fou(refusing(-98, false), links).create({ port: 5555, gue: true });
    await rejects(taken, { code: "EADDRINUSE", attribute: "port", message: /^cannot add FOU port 5555: / });
    const none = { get: () => Promise.reject(new NetlinkError({ errno: -2, request: "CTRL_CMD_GETFAMILY" })) };
    await rejects(new Fou(none as unknown as Connection, links).list(), (error) => {
      ok(String(error).includes("cannot list FOU ports: this kernel has no FOU"));
      return true;
    });
  });
});
