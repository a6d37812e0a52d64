/** Links whose lower link, or underlay, is in another namespace. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Host, type LinkConfig } from "../../lib/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs, skip } from "../../test/needs.ts";
import { scene } from "./kit.ts";

type Told = Readonly<Record<string, unknown>>;
const CONFIGS: readonly LinkConfig[] = [
  { kind: "macvlan", name: "t0", dev: "d0", mode: "bridge" },
  { kind: "ipvlan", name: "t0", dev: "d0" },
  { kind: "vlan", name: "t0", dev: "d0", id: 5 },
  { kind: "vxlan", name: "t0", vni: 39, dev: "d0", remote: "192.0.2.1", dstport: 4789 },
  { kind: "gre", name: "t0", dev: "d0", local: "192.0.2.1", remote: "192.0.2.2" },
  { kind: "ip6tnl", name: "t0", dev: "d0", local: "2001:db8::1", remote: "2001:db8::2" },
];

describe("links with linkNetns", function () {
  this.timeout(20_000);
  before(function () {
    needs(this, "ip");
  });

  for (const config of CONFIGS)
    it(`${config.kind}: dev is looked for there, and ip link-netns tells the same`, async function () {
      await using here = await scene("");
      await using below = await TestNamespace.create();
      await using there = await Host.open({ netns: below });
      await there.links.create({ kind: "bridge", name: "d0", up: true });
      // Its index is another one here.
      for (const name of ["x0", "x1", "x2"]) await here.host.links.create({ kind: "bridge", name });
      try {
        await here.host.links.create({ ...config, linkNetns: below });
      } catch (error) {
        if (/EOPNOTSUPP, at kind/.test(String(error)))
          skip(this, `this kernel has no link ${config.kind}; the lane of the other kernels has: npm run test:kernels`);
        throw error;
      }
      const { parentIndex, parentNsid, kind } = (await here.host.links.get("t0")) ?? {};
      equal(kind, config.kind);
      equal(parentNsid, await here.host.nsids.get(below));
      if (config.kind === "vxlan") {
        const [told] = JSON.parse(await here.sh("ip -json -details link show t0")) as Told[];
        equal(told?.["link_netnsid"], parentNsid);
      } else equal(parentIndex, await there.links.indexOf("d0"));
      const ours = await told(here.sh, "t0");
      const words = ours["linkinfo"] as { readonly info_kind: string };
      equal(words.info_kind, config.kind);
      // The same by `ip`, which looks for names here only, and takes an index from there.
      await here.host.links.delete("t0");
      const line = LINES[config.kind as keyof typeof LINES];
      await here.sh(
        `ip link add t0 link-netns ${below.name} ${line.replace("d0", `if${await there.links.indexOf("d0")}`)}`,
      );
      deepEqual(await told(here.sh, "t0"), ours);
    });

  it("refuses what is not there before anything is made, and takes a name", async () => {
    await using here = await scene("");
    await using below = await TestNamespace.create();
    const config: LinkConfig = { kind: "macvlan", name: "t0", dev: "d0" };
    await here.host.links.create({ kind: "bridge", name: "d0" });
    await rejects(here.host.links.create({ ...config, linkNetns: below }), /^InputError: t0.dev: there is no link d0/);
    await rejects(
      here.host.links.create({ ...config, linkNetns: "" }),
      /^InputError: t0.linkNetns: expected a network/,
    );
    await rejects(here.host.links.create({ ...config, linkNetns: "no-such" }), { code: "ENOENT" });
    await rejects(
      here.host.links.create({ kind: "tun", name: "t0", mode: "tap", linkNetns: below }),
      /^InputError: t0.linkNetns: /,
    );
    equal(await here.host.links.get("t0"), undefined);
    await using there = await Host.open({ netns: below });
    await there.links.create({ kind: "bridge", name: "d0" });
    await here.host.links.create({ kind: "bridge", name: "br0" });
    await here.host.links.create({ ...config, linkNetns: below.name ?? "", master: "br0", mode: "bridge" });
    equal((await here.host.links.get("t0"))?.master, "br0");
  });

  it("lives in one namespace, with its underlay in a third", async () => {
    await using here = await scene("");
    await using below = await TestNamespace.create();
    await using home = await TestNamespace.create();
    await using there = await Host.open({ netns: below });
    await using inside = await Host.open({ netns: home });
    await there.links.create({ kind: "bridge", name: "d0", up: true });
    const config: LinkConfig = { kind: "vxlan", name: "t0", vni: 39, dev: "d0", remote: "192.0.2.1", dstport: 4789 };
    await here.host.links.create({ ...config, netns: home, linkNetns: below });
    equal(await here.host.links.get("t0"), undefined);
    const made = await inside.links.get("t0");
    ok(made?.kind === "vxlan");
    equal(made.parentNsid, await inside.nsids.get(below));
    equal(await here.host.nsids.get(below), undefined, "only the namespace where it lives numbers the other one");
  });
});

const LINES = {
  macvlan: "link d0 type macvlan mode bridge",
  ipvlan: "link d0 type ipvlan",
  vlan: "link d0 type vlan id 5",
  vxlan: "type vxlan id 39 dev d0 remote 192.0.2.1 dstport 4789",
  gre: "type gre dev d0 local 192.0.2.1 remote 192.0.2.2",
  ip6tnl: "type ip6tnl dev d0 local 2001:db8::1 remote 2001:db8::2",
};
/** What `ip` tells of a link, without what is each one's own. */
async function told(sh: (line: string) => Promise<string>, name: string): Promise<Told> {
  const [link = {}] = JSON.parse(await sh(`ip -json -details link show ${name}`)) as Told[];
  const { ifindex: _, address: __, permaddr: ___, ...rest } = link;
  // A VXLAN tells the index that it was made with, where another has that of its `dev`.
  return /vxlan/.test(JSON.stringify(rest["linkinfo"])) ? { ...rest, link_index: 0 } : rest;
}
