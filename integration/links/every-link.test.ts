/** What every link has, beyond what `change.test.ts` changes: what needs a link of some kind, and what is hostile. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Host } from "../../lib/host.ts";
import { newlinkprop } from "../../lib/links/schema.ts";
import type { LinkConfig } from "../../lib/links/words.ts";
import { Connection, NetlinkError } from "../../lib/socket/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../../lib/wire/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { scene } from "./kit.ts";

describe("every link", () => {
  it("keeps alternative names that nobody should have, is found by them, and loses them", async function () {
    needs(this, "ip");
    await using made = await scene("ip link add name b type bridge");
    const { links, link } = made;
    const hostile = [
      "../../etc/passwd",
      "..",
      "a\nb",
      "\u001b[31m",
      "\udcff\udcfe",
      " ",
      "$(id);a-name-that-is-long",
      '"',
    ];
    const raw = Connection.open({ protocol: 0, netns: made.netns.fd });
    const { index } = await link("b");
    for (const altIfname of hostile)
      await raw.request(
        newlinkprop,
        { header: { index }, attrs: { propList: { altIfname: [altIfname] } } },
        NLM_F_CREATE | NLM_F_EXCL,
      );
    raw.close();
    deepEqual((await link("b")).altnames, hostile);
    const [listed] = (await links.list()).filter(({ name }) => name === "b");
    deepEqual(listed?.altnames, hostile);
    for (const name of hostile) equal((await links.get(name))?.index, index, JSON.stringify(name));
    // They may stay beside one that is asked for, which has to be a good one.
    deepEqual(await links.update("b", { altnames: [...hostile, "good"] }), ["altnames"]);
    deepEqual((await link("good")).altnames, [...hostile, "good"]);
    await rejects(links.update("b", { altnames: ["good", "../new"] }), /b\.altnames: expected a list, each a name of/);
    deepEqual(await links.update("../../etc/passwd", { altnames: ["good"] }), ["altnames"]);
    deepEqual((await made.ip("b"))["altnames"], ["good"]);
  });

  it("is told whether the other side is there", async function () {
    await using made = await scene(
      "ip link add under type veth peer name far; ip link set under up; ip link set far up",
    );
    const { links, link } = made;
    try {
      await links.create({ kind: "dummy", name: "t", up: true });
    } catch (error) {
      if (error instanceof NetlinkError && error.attribute === "kind") skip(this, "this kernel has no dummy");
      throw error;
    }
    const before = await link("t");
    deepEqual(await links.update("t", { carrier: !before.carrier }), ["carrier"]);
    const after = await link("t");
    deepEqual([after.carrier, after.carrierChanges], [!before.carrier, (before.carrierChanges ?? 0) + 1]);
    equal(after.carrierChanges, (after.carrierUpCount ?? 0) + (after.carrierDownCount ?? 0));
    await rejects(links.update("under", { carrier: false }), { code: "EOPNOTSUPP", attribute: "carrier" });
    tried("link.carrier", "changes");
  });

  it("is kept down by protocols, each with its reason", async function () {
    needs(this, "ip");
    await using made = await scene();
    const { links, link } = made;
    const config: LinkConfig = {
      kind: "vxlan",
      name: "t",
      vni: 39,
      protodown: true,
      protodownReasons: [3, 31],
      up: true,
    };
    await links.create(config);
    const down = await link("t");
    deepEqual([down.protodown, down.protodownReasons, down.carrier], [true, [3, 31], false]);
    equal((await made.ip("t"))["proto_down"], true);
    await rejects(links.update("t", { protodown: false }), { code: "EBUSY", attribute: "protodown" });
    deepEqual(await links.update("t", { protodownReasons: [31, 3] }), []);
    deepEqual(await links.update("t", { protodownReasons: [3] }), ["protodownReasons"]);
    deepEqual((await link("t")).protodownReasons, [3]);
    // Whatever the order they are given in, the reasons go first.
    deepEqual(await links.update("t", { protodown: false, protodownReasons: [] }), ["protodownReasons", "protodown"]);
    const up = await link("t");
    deepEqual([up.protodown, up.protodownReasons, up.carrier], [false, undefined, true]);
    for (const key of ["protodown", "protodownReasons"]) tried(`link.${key}`, "changes");
    await links.create({ kind: "bridge", name: "b" });
    await rejects(links.update("b", { protodown: true }), { code: "EOPNOTSUPP", attribute: "protodown" });
  });

  it("has a token for its IPv6 addresses, or none", async function () {
    needs(this, "ip");
    await using made = await scene();
    const { links, link } = made;
    await links.create({ kind: "veth", name: "t", token: "::5", up: true });
    equal((await link("t")).token, "::5");
    equal((await made.sh("ip token get dev t")).trim(), "token ::5 dev t");
    deepEqual(await links.update("t", { token: "0::5" }), []);
    await made.sh("ip token set ::7 dev t");
    equal((await link("t")).token, "::7");
    deepEqual(await links.update("t", { token: "::" }), ["token"]);
    equal((await link("t")).token, undefined);
    deepEqual(await links.update("t", { token: "::" }), []);
    await rejects(links.update("lo", { token: "::5" }), { code: "EINVAL", attribute: "token" });
  });

  it("moves to where a process lives", async () => {
    await using made = await scene("ip link add name a type veth peer name b");
    await using far = await TestNamespace.create();
    await using there = await Host.open({ netns: far });
    const child = far.run("sleep", ["60"]);
    try {
      ok(child.pid !== undefined);
      await made.links.move("a", { pid: child.pid }, { name: "moved" });
      deepEqual([await made.links.get("a"), (await there.links.get("moved"))?.kind], [undefined, "veth"]);
      await there.links.update("moved", { alias: "still there" });
    } finally {
      child.kill();
    }
    await rejects(there.links.move("moved", { pid: 0x3fff_ffff }), { code: "ESRCH", attribute: "netns" });
  });
});
