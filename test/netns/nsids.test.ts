import { deepEqual, rejects } from "node:assert/strict";
import { delnsid, Nsids, netnsa, newnsid, nsidsFromWire } from "../../lib/netns/nsids.ts";
import { NLMSG_HDRLEN, Reader, Writer } from "../../lib/wire/index.ts";
import { capture } from "../fixtures.ts";
import { compare, header } from "../headers.ts";

describe("numbers of namespaces", () => {
  it("attributes are those of net_namespace.h", function () {
    deepEqual(compare(header(this, "net_namespace.h"), netnsa), { checked: 5, wrong: [], newer: [] });
  });

  it("reads what the kernel tells, and writes it again", () => {
    const told = capture("watch/nsids.hex").map((bytes) => {
      const from = new Reader(bytes);
      const value = newnsid.body.read(from, NLMSG_HDRLEN, bytes.length);
      const out = new Writer();
      newnsid.body.write(out, value);
      deepEqual(out.finish(), bytes.slice(NLMSG_HDRLEN));
      return [from.u16[2], ...nsidsFromWire(value)];
    });
    deepEqual(told, [
      [newnsid.type, { nsid: 7 }],
      [newnsid.type, { nsid: 0 }],
      [delnsid.type, { nsid: 7 }],
    ]);
  });

  it("are those of a namespace, and of nothing else", async () => {
    const nsids = new Nsids({} as never);
    for (const wrong of [null, undefined, 5, 1n, {}, { fd: "3" }])
      await rejects(nsids.get(wrong as never), {
        code: "ERR_INPUT",
        message: "netns: expected a network namespace: its name, its path, or an object that holds it",
      });
  });
});
