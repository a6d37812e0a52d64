import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { Ethtool } from "../../lib/ethtool/ethtool.ts";
import { ethtoolIoctl } from "../../lib/ethtool/ioctl.ts";
import { FEATURE_GROUPS } from "../../lib/ethtool/names.ts";
import { lookUpFamily } from "../../lib/families/generic.ts";
import { Connection } from "../../lib/socket/connection.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";

const GENERIC = 16;

/** What `ethtool -k` prints: names, whether on, whether fixed. */
function oracle(netns: string, device: string): Map<string, { on: boolean; fixed: boolean }> {
  const text = execFileSync("ip", ["netns", "exec", netns, "ethtool", "-k", device], { encoding: "utf8" });
  const found = new Map<string, { on: boolean; fixed: boolean }>();
  for (const [, name = "", value, rest = ""] of text.matchAll(/^\s*([^\s:]+): (on|off)(.*)$/gm))
    found.set(name, { on: value === "on", fixed: rest.includes("[fixed]") });
  return found;
}

describe("ethtool: with ethtool -k", () => {
  before(function () {
    needs(this, "ip", "ethtool");
  });

  async function compare(netns: TestNamespace, ethtool: Ethtool, device: string): Promise<void> {
    const told = oracle(netns.name ?? "", device);
    const { features, groups } = await ethtool.features(device);
    let compared = 0;
    for (const [name, { active, changeable }] of features) {
      const other = told.get(name);
      if (other === undefined) continue;
      compared++;
      assert.deepEqual({ name, on: active, fixed: !changeable }, { name, ...other });
    }
    assert(compared > 20, `${compared} features compared`);
    for (const { short, long } of FEATURE_GROUPS)
      if (groups[short] !== undefined) assert.equal(groups[short], told.get(long)?.on, short);
  }

  it("reads and sets features of a veth, and tells what came of it", async () => {
    await using netns = await TestNamespace.create();
    execFileSync("ip", ["-n", netns.name ?? "", "link", "add", "v0", "type", "veth", "peer", "name", "v1"]);
    await using connection = Connection.open({ protocol: GENERIC, netns: netns.fd });
    const ethtool = new Ethtool(connection, ethtoolIoctl(netns.fd));
    for (const device of ["lo", "v0"]) await compare(netns, ethtool, device);
    const wanted = { tso: false, gso: false, gro: true, "tx-udp_tnl-segmentation": false };
    const report = await ethtool.set("v0", wanted);
    assert.deepEqual(report.refused, []);
    assert(report.changed.some(({ name }) => name === "tx-generic-segmentation"));
    tried("features.wanted", "changes");
    await compare(netns, ethtool, "v0");
    assert.deepEqual(await ethtool.set("v0", wanted), { changed: [], refused: [], also: [] });

    const checksums = await ethtool.set("v0", { tx: false, sg: false });
    assert(checksums.changed.length >= 2);
    const segments = await ethtool.set("v0", { tso: true });
    assert(segments.refused.some(({ name, reason }) => name === "tx-tcp-segmentation" && reason === "not done"));
    const back = await ethtool.set("v0", { tx: true, sg: true });
    assert(
      back.also.some(({ name }) => name === "tx-tcp-segmentation"),
      "wanted before, and possible again",
    );
    await compare(netns, ethtool, "v0");
  });

  it("says what is fixed", async () => {
    await using netns = await TestNamespace.create();
    await using connection = Connection.open({ protocol: GENERIC, netns: netns.fd });
    const { refused } = await new Ethtool(connection, ethtoolIoctl(netns.fd)).set("lo", { tx: false });
    assert(refused.length > 0);
    assert(refused.every(({ reason }) => reason === "fixed"));
  });

  it("refuses devices and features that do not exist", async () => {
    await using netns = await TestNamespace.create();
    await using connection = Connection.open({ protocol: GENERIC, netns: netns.fd });
    const ethtool = new Ethtool(connection, ethtoolIoctl(netns.fd));
    await assert.rejects(ethtool.features("nope"), {
      code: "ENODEV",
      message: /^cannot read features of "nope": .*at name/,
    });
    await assert.rejects(ethtool.set("nope", { tso: false }), { code: "ENODEV" });
    await assert.rejects(ethtool.set("lo", { nonsense: true }), { code: "ERR_FEATURE_UNKNOWN" });
    await assert.rejects(ethtool.features("a-name-that-is-much-too-long-for-a-device"));
    await assert.rejects(lookUpFamily(connection, "no_such_family"), { code: "ENOENT" });
  });
});
