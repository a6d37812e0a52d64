import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { linkKinds } from "../../lib/links/kinds/index.ts";
import { linkFromWire, linkTold } from "../../lib/links/observed.ts";
import { checkConfig, type Link, type LinkConfig } from "../../lib/links/words.ts";
import { NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { only } from "../fixtures.ts";
import { compare, header } from "../headers.ts";
import { names } from "./arbitrary.ts";

function observed(file: string): Link {
  const bytes = only(`links/${file}.hex`);
  return linkFromWire(linkTold.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length), names);
}

describe("links: tun in words", () => {
  it("has the numbers of if_link.h, all of them", function () {
    const { checked, wrong } = compare(header(this, "if_link.h"), linkKinds.tun.wire);
    deepEqual(wrong, []);
    equal(checked, 9);
  });

  it("is told with all that it was made with, and says where there is no owner", () => {
    const { mode, owner, ownerGroup, pi, vnetHdr, multiQueue, persist, queues, disabledQueues } = observed("tun-all");
    deepEqual([mode, owner, ownerGroup, pi, vnetHdr, multiQueue], ["tun", 0, 0, true, true, true]);
    deepEqual([persist, queues, disabledQueues], [true, 0, 0]);
    const plain = observed("tun-plain");
    deepEqual([plain.mode, plain.owner, plain.ownerGroup, plain.pi], ["tap", null, null, false]);
    ok(!("queues" in plain));
  });

  const config = { kind: "tun", name: "tap0", mode: "tap" } as const;
  const BAD: readonly (readonly [more: object, path: string])[] = [
    [{ mode: undefined }, "mode"],
    [{ mode: "TAP" }, "mode"],
    [{ owner: "root" }, "owner"],
    [{ owner: 0xffff_ffff }, "owner"],
    [{ ownerGroup: -1 }, "ownerGroup"],
    [{ pi: 1 }, "pi"],
    [{ persist: true }, "persist"],
    [{ queues: 2 }, "queues"],
    [{ user: 0 }, "user"],
  ];
  for (const [more, path] of BAD)
    it(`is refused with ${JSON.stringify(more)}`, () => {
      throws(() => checkConfig({ ...config, ...more } as LinkConfig), { code: "ERR_INPUT", path: ["tap0", path] });
    });

  it("is accepted with all options, or only its mode", () => {
    equal(checkConfig(config).kind, "tun");
    checkConfig({ ...config, owner: null, ownerGroup: 7, pi: true, vnetHdr: true, multiQueue: true, mtu: 9000 });
  });
});
