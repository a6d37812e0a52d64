/** A document with a tap of a guest: made, found as it should be, made again for another owner, and removed. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { Host } from "../../lib/host.ts";
import type { Link } from "../../lib/links/index.ts";
import { type Applied, type ApplyOptions, apply } from "../../lib/state/apply.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import { verify } from "../../lib/state/verify.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { skip } from "../../test/needs.ts";

const document = (tap: string): string => `linkwright: 1
links:
  br-vm: { kind: bridge, up: true }
  tap0: ${tap}
`;
const TAP = "{ kind: tun, mode: tap, vnetHdr: true, mtu: 1400, master: br-vm, up: true }";
const OWNED = "{ kind: tun, mode: tap, vnetHdr: true, mtu: 1400, master: br-vm, up: true, owner: 0 }";

describe("a document with a tap", () => {
  before(function () {
    try {
      accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    } catch {
      skip(this, "no access to /dev/net/tun; modprobe tun, and run as root");
    }
  });

  let namespace: TestNamespace;
  let host: Host;
  beforeEach(async () => {
    namespace = await TestNamespace.create();
    host = await Host.open({ netns: namespace });
  });
  afterEach(async () => {
    host.close();
    await namespace.end();
  });

  async function bring(tap: string, options?: ApplyOptions): Promise<Applied> {
    const desired = desiredOf(parseSource(document(tap), "f.yaml"));
    const applied = await apply(host, plan(await observe(host, desired), desired), options);
    deepEqual((await verify(host, desired)).differences, []);
    return applied;
  }
  const tap = async (): Promise<Link | undefined> => host.links.get("tap0");

  it("makes it, and then has nothing to do", async () => {
    equal((await bring(TAP)).steps.length, 2);
    const { mode, vnetHdr, mtu, master, owner, persist } = (await tap()) ?? {};
    deepEqual([mode, vnetHdr, mtu, master, owner, persist], ["tap", true, 1400, "br-vm", null, true]);
    equal((await bring(TAP)).requests, 0);
    equal((await bring("{ state: absent, kind: tun }")).steps.length, 1);
    equal(await tap(), undefined);
  });

  it("makes it again for another owner, if that is allowed", async () => {
    await bring(TAP);
    await rejects(bring(OWNED), { code: "ERR_RECREATE" });
    await bring(OWNED, { allowRecreate: true });
    const { owner, vnetHdr, master } = (await tap()) ?? {};
    deepEqual([owner, vnetHdr, master], [0, true, "br-vm"]);
    equal((await bring(OWNED)).requests, 0);
  });

  it("brings the old one back where a later step is refused", async () => {
    await bring(OWNED);
    // 65522 bytes is more than a tap carries.
    const other = OWNED.replace("1400", "65535").replace("owner: 0", "owner: null");
    await rejects(bring(other, { allowRecreate: true }), { code: "ERR_APPLY" });
    const { owner, mtu, vnetHdr, up } = (await tap()) ?? {};
    deepEqual([owner, mtu, vnetHdr, up], [0, 1400, true, true]);
  });
});
